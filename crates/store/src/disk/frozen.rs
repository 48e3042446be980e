//! A disk in memory that stops at a chosen moment and shows what a power cut leaves behind.

use super::{Disk, check_folder, check_path, not_found};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files in memory; clones share them. Every sync, rename and remove is counted as one *sync*, and
/// from sync `N` on nothing takes effect any more: each operation fails, as for a process that
/// the power cut took with it. It also polices the contract of [`Disk`]: a file must be synced
/// before it is renamed.
#[derive(Debug, Clone, Default)]
pub struct FrozenDisk {
    inner: Arc<Mutex<Files>>,
}

/// What becomes of data that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashMode {
    /// All of it is gone.
    Dropped,
    /// Of each file a part of its changes is there, cut at a byte that the seed chooses.
    Torn {
        /// Chooses the bytes.
        seed: u64,
    },
    /// As [`CrashMode::Torn`], but the file has its full length and zeros after the cut, as file
    /// systems leave it that write the length before the data.
    Zeroed {
        /// Chooses the bytes.
        seed: u64,
    },
    /// All of it is there.
    Kept,
}

#[derive(Debug, Default)]
struct Files {
    files: BTreeMap<String, Entry>,
    syncs: u64,
    freeze_at: Option<u64>,
    frozen: bool,
    forget_at: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    /// Content that a power cut cannot take; `None` where the name itself is not certain yet.
    durable: Option<Vec<u8>>,
    /// What the next sync adds to it.
    changes: Vec<Change>,
    /// Content as a reader sees it.
    live: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl FrozenDisk {
    /// An empty disk that never stops.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops at the `n`-th sync from now on, counted from 0: that sync has no effect either.
    pub fn freeze_at_sync(&self, n: u64) {
        let mut files = self.lock();
        files.freeze_at = Some(files.syncs + n);
    }

    /// Lets the `n`-th sync from now on, counted from 0, fail once as it may fail on a real system:
    /// what was written can be read, but counts as written out although it is not, so that later
    /// syncs do not write it either.
    pub fn forget_at_sync(&self, n: u64) {
        let mut files = self.lock();
        files.forget_at = Some(files.syncs + n);
    }

    /// A new disk as the next process finds it when only the process ended: nothing is lost, and what
    /// was not synced still is not.
    #[must_use]
    pub fn process_image(&self) -> Self {
        let files = Files { files: self.lock().files.clone(), ..Files::default() };
        Self { inner: Arc::new(Mutex::new(files)) }
    }

    /// Syncs, renames and removes so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Whether the disk has stopped.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen
    }

    /// A new disk with what a power cut at this moment leaves behind.
    #[must_use]
    pub fn crash_image(&self, mode: CrashMode) -> Self {
        let mut image = Files::default();
        for (path, entry) in &self.lock().files {
            if let Some(content) = entry.after_crash(path, mode) {
                let durable = Some(content.clone());
                image
                    .files
                    .insert(path.clone(), Entry { durable, live: content, ..Entry::default() });
            }
        }
        Self { inner: Arc::new(Mutex::new(image)) }
    }

    /// Changes bytes behind the back of the store, as a failing medium or an intruder would, and
    /// says whether there was such a byte.
    pub fn alter(&self, path: &str, offset: u64, mask: u8) -> bool {
        let mut files = self.lock();
        let Some(entry) = files.files.get_mut(path) else { return false };
        let (live, durable) = (&mut entry.live, &mut entry.durable);
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(byte) = durable.as_mut().and_then(|content| content.get_mut(at)) {
            *byte ^= mask;
        }
        live.get_mut(at).map(|byte| *byte ^= mask).is_some()
    }

    /// Every file with its content, as a reader sees it.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().files.iter().map(|(path, entry)| (path.clone(), entry.live.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files, unless the disk has stopped.
    fn running(&self) -> io::Result<MutexGuard<'_, Files>> {
        let files = self.lock();
        if files.frozen { Err(io::Error::other("the disk has stopped")) } else { Ok(files) }
    }

    /// Counts a sync; an error where it is the one at which the disk stops.
    fn counted(&self) -> io::Result<MutexGuard<'_, Files>> {
        let mut files = self.running()?;
        if files.freeze_at == Some(files.syncs) {
            files.frozen = true;
            return Err(io::Error::other("the disk has stopped"));
        }
        files.syncs += 1;
        Ok(files)
    }
}

impl Files {
    fn get(&mut self, path: &str) -> io::Result<&mut Entry> {
        check_path(path)?;
        self.files.get_mut(path).ok_or_else(|| not_found(path))
    }
}

impl Entry {
    fn change(&mut self, change: Change) {
        apply(&mut self.live, &change);
        self.changes.push(change);
    }

    fn synced(&mut self) {
        let content = self.durable.get_or_insert_default();
        for change in self.changes.drain(..) {
            apply(content, &change);
        }
    }

    fn after_crash(&self, path: &str, mode: CrashMode) -> Option<Vec<u8>> {
        let (seed, zeroed) = match mode {
            CrashMode::Dropped => return self.durable.clone(),
            CrashMode::Kept => return Some(self.live.clone()),
            CrashMode::Torn { seed } => (seed, false),
            CrashMode::Zeroed { seed } => (seed, true),
        };
        if self.changes.is_empty() {
            return self.durable.clone();
        }
        let cost = |change: &Change| match change {
            Change::Write(_, bytes) => bytes.len() as u64,
            Change::Truncate(_) => 1,
        };
        let total: u64 = self.changes.iter().map(cost).sum();
        let mut budget = match mixed(seed, path) {
            // Often between two changes, elsewhere anywhere.
            number if number % 4 == 0 => {
                let whole = (number / 4) as usize % (self.changes.len() + 1);
                self.changes.iter().take(whole).map(cost).sum()
            }
            number => number / 4 % (total + 1),
        };
        if budget == 0 && self.durable.is_none() {
            return None;
        }
        let mut content = self.durable.clone().unwrap_or_default();
        for change in &self.changes {
            let whole = cost(change) <= budget;
            match change {
                change if whole => apply(&mut content, change),
                Change::Write(offset, bytes) => {
                    let cut = bytes.get(..budget as usize).unwrap_or(bytes);
                    apply(&mut content, &Change::Write(*offset, cut.to_vec()));
                }
                Change::Truncate(_) => {}
            }
            budget = budget.saturating_sub(cost(change));
            if !whole {
                break;
            }
        }
        if zeroed && content.len() < self.live.len() {
            content.resize(self.live.len(), 0);
        }
        Some(content)
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, bytes) => {
            let (start, end) = (*offset as usize, *offset as usize + bytes.len());
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(bytes);
        }
        Change::Truncate(length) => content.truncate(*length as usize),
    }
}

/// A number that depends on the seed and the path (FNV-1a).
fn mixed(seed: u64, path: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = path
        .bytes()
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash ^ (hash >> 29)
}

impl Disk for FrozenDisk {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<u64> {
        check_path(path)?;
        let mut files = self.running()?;
        let entry = files.files.entry(path.to_owned()).or_default();
        let offset = entry.live.len() as u64;
        entry.change(Change::Write(offset, bytes.to_vec()));
        Ok(offset)
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        check_path(path)?;
        let mut files = self.running()?;
        if files.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let entry = files.files.entry(path.to_owned()).or_default();
        entry.change(Change::Write(0, bytes.to_vec()));
        Ok(())
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut files = self.running()?;
        let entry = files.get(path)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let content = entry.live.get(start..start.saturating_add(length));
        content.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        check_path(path)?;
        Ok(self.running()?.files.get(path).map(|entry| entry.live.len() as u64))
    }

    fn write_at(&self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.running()?.get(path)?.change(Change::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.running()?.get(path)?.change(Change::Truncate(length));
        Ok(())
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let mut files = self.counted()?;
        let forgets = files.forget_at.is_some_and(|at| at + 1 == files.syncs);
        let entry = files.get(path)?;
        if forgets {
            entry.changes.clear();
            return Err(io::Error::other("the disk failed and forgot"));
        }
        entry.synced();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_path(to)?;
        let mut files = self.counted()?;
        let entry = files.get(from)?;
        if entry.durable.is_none() || !entry.changes.is_empty() {
            let message = format!("{from} is renamed to {to} before it was synced");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let entry = std::mem::take(entry);
        files.files.remove(from);
        files.files.insert(to.to_owned(), entry);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut files = self.counted()?;
        files.get(path)?;
        files.files.remove(path);
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        check_folder(folder)?;
        let files = self.running()?;
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names: BTreeSet<String> = files
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&start))
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .collect();
        Ok(names.into_iter().collect())
    }
}
