//! The disk of the operating system.

use super::{Disk, check_folder, check_path, not_found};
use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files kept open at a time.
const MAX_OPEN_FILES: usize = 128;

/// Threads that sync at a time.
const SYNC_THREADS: usize = 8;

/// The file whose lock says that a process uses the data directory.
const LOCK_NAME: &str = "lock";

/// A data directory, locked for this process until the value is dropped.
#[derive(Debug)]
pub struct FileDisk {
    root: PathBuf,
    open: Mutex<OpenFiles>,
    names: Mutex<Names>,
    /// Holds the lock.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such directory.
    #[error("there is no data directory {}; `init` makes one", root.display())]
    Absent {
        /// The directory.
        root: PathBuf,
    },
    /// Another process, or this one, has it open.
    #[error("another process uses the data directory {}; stop it first", root.display())]
    InUse {
        /// The directory.
        root: PathBuf,
    },
    /// The directory or its lock file cannot be opened.
    #[error("the data directory {} cannot be opened", root.display())]
    Io {
        /// The directory.
        root: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is known about the names in folders.
#[derive(Debug, Default)]
struct Names {
    /// Folders whose names are known to be on the disk. Empty at first, so that what an earlier
    /// process left unsynced is synced with the first file in it.
    certain: HashSet<PathBuf>,
    /// Counts changes of any folder.
    changes: u64,
}

#[derive(Debug, Default)]
struct OpenFiles {
    files: HashMap<String, (Arc<File>, u64)>,
    uses: u64,
}

impl FileDisk {
    /// Opens and locks a data directory that exists.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::InUse`] where it is locked already.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        if !root.is_dir() {
            return Err(OpenError::Absent { root: root.to_owned() });
        }
        let io = |source| OpenError::Io { root: root.to_owned(), source };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK_NAME))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { root: root.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        Ok(Self {
            root: root.to_owned(),
            open: Mutex::default(),
            names: Mutex::default(),
            _lock: lock,
        })
    }

    /// Makes the data directory where it is absent, then opens and locks it.
    ///
    /// # Errors
    /// As [`FileDisk::open`].
    pub fn create(root: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { root: root.to_owned(), source };
        // What is in it concerns its owner alone.
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(io)?;
        if let Some(parent) = root.canonicalize().map_err(io)?.parent() {
            File::open(parent).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Self::open(root)
    }

    /// The data directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn full(&self, path: &str) -> io::Result<PathBuf> {
        check_path(path)?;
        Ok(self.root.join(path))
    }

    /// The open file, from the cache where it is there.
    fn file(&self, path: &str) -> io::Result<Arc<File>> {
        if let Some(file) = guard(&self.open).get(path) {
            return Ok(file);
        }
        let full = self.full(path)?;
        let file = OpenOptions::new().read(true).write(true).open(full);
        let file = Arc::new(file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_found(path),
            _ => error,
        })?);
        guard(&self.open).put(path, &file);
        Ok(file)
    }

    fn create_file(&self, path: &str) -> io::Result<Arc<File>> {
        let full = self.full(path)?;
        if let Some(folder) = full.parent() {
            self.make_folder(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&full)?;
        self.changed(&full);
        let file = Arc::new(file);
        guard(&self.open).put(path, &file);
        Ok(file)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(above) = folder.parent() {
            self.make_folder(above)?;
        }
        fs::create_dir(folder)?;
        self.changed(folder);
        Ok(())
    }

    /// Notes that a name in the folder of `path` came, went or changed.
    fn changed(&self, path: &Path) {
        let mut names = guard(&self.names);
        names.changes += 1;
        if let Some(folder) = path.parent() {
            names.certain.remove(folder);
        }
    }

    /// Syncs the folders of these paths, up to the data directory, where not certain already.
    fn sync_names<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let mut folders = HashSet::new();
        for path in paths {
            let full = self.full(path)?;
            let above = full.ancestors().skip(1).take_while(|f| f.starts_with(&self.root));
            folders.extend(above.map(Path::to_owned));
        }
        let (folders, changes): (Vec<PathBuf>, u64) = {
            let names = guard(&self.names);
            (folders.into_iter().filter(|f| !names.certain.contains(f)).collect(), names.changes)
        };
        at_once(&folders, |folder| File::open(folder)?.sync_all())?;
        let mut names = guard(&self.names);
        // A name that changed meanwhile may have come after the sync.
        if names.changes == changes {
            names.certain.extend(folders);
        }
        Ok(())
    }
}

impl Disk for FileDisk {
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<u64> {
        let file = match self.file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create_file(path)?,
            other => other?,
        };
        let offset = file.metadata()?.len();
        file.write_all_at(bytes, offset)?;
        Ok(offset)
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.create_file(path)?.write_all_at(bytes, 0)
    }

    fn read(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file(path)?;
        if offset.checked_add(length as u64).is_none_or(|end| end > i64::MAX as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The length is checked first, so that a wrong one does not make a huge buffer.
        if file.metadata()?.len() < offset + length as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{path} ends before byte {}", offset + length as u64),
            ));
        }
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        match self.file(path) {
            Ok(file) => Ok(Some(file.metadata()?.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write_at(&self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(path)?.write_all_at(bytes, offset)
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        self.file(path)?.set_len(length)
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.file(path)?.sync_data()?;
        self.sync_names([path])
    }

    /// All contents first, then all folders: the syncs of one round end up in few transactions of the
    /// file system, and the second round finds most of its work done.
    fn sync_all(&self, paths: &[&str]) -> io::Result<()> {
        at_once(paths, |path| self.file(path)?.sync_data())?;
        self.sync_names(paths.iter().copied())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (old, new) = (self.full(from)?, self.full(to)?);
        if let Some(folder) = new.parent() {
            self.make_folder(folder)?;
        }
        {
            let mut open = guard(&self.open);
            open.files.remove(from);
            open.files.remove(to);
        }
        fs::rename(&old, &new)?;
        self.changed(&old);
        self.changed(&new);
        self.sync_names([to, from])
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let full = self.full(path)?;
        guard(&self.open).files.remove(path);
        fs::remove_file(&full)?;
        self.changed(&full);
        self.sync_names([path])
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        check_folder(folder)?;
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let mut name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                name.push('/');
            } else if folder.is_empty() && name == LOCK_NAME {
                continue;
            }
            names.push(name);
        }
        names.sort();
        Ok(names)
    }
}

impl OpenFiles {
    fn get(&mut self, path: &str) -> Option<Arc<File>> {
        self.uses += 1;
        let (file, used) = self.files.get_mut(path)?;
        *used = self.uses;
        Some(Arc::clone(file))
    }

    fn put(&mut self, path: &str, file: &Arc<File>) {
        if self.files.len() >= MAX_OPEN_FILES {
            let oldest = self.files.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(path, _)| path.clone()) {
                self.files.remove(&oldest);
            }
        }
        self.files.insert(path.to_owned(), (Arc::clone(file), self.uses));
    }
}

/// Runs a step for each item, on a few threads: they mostly wait for the disk. The first error is
/// given, after all have ended.
fn at_once<T: Sync>(items: &[T], step: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    let share = items.len().div_ceil(SYNC_THREADS).max(1);
    let (first, others) = items.split_at(share.min(items.len()));
    let run = |items: &[T]| items.iter().try_for_each(&step);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            others.chunks(share).map(|items| scope.spawn(move || run(items))).collect();
        let mut result = run(first);
        for thread in threads {
            let ended = thread.join().unwrap_or_else(|_| Err(io::Error::other("a sync panicked")));
            result = result.and(ended);
        }
        result
    })
}

/// A poisoned lock is used on: what it guards is a cache, right after every single statement.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
