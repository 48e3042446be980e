//! What a backup copies: which file of the data directory belongs to which part, and its content as
//! of one moment.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_store::disk::Disk;

use super::PREVIOUS;
use crate::error::NodeError;
use crate::keyring::KEY_FILE;
use crate::node::KEYS_FOLDER;
use crate::stores::{DESK_FILE, store_error};

/// Documents that wait for their jobs.
const INBOX: &str = "inbox";
const PIECE: usize = 1 << 20;

/// The parts, in the order in which they stand in an archive.
pub(super) const PARTS: [&str; 7] =
    ["keys", "desk", "inbox", "vault-keys", "vault-bodies", "log", PREVIOUS];

/// The part that a path of the data directory belongs to; `None` for what is made again and for
/// what is no path of a data directory.
pub(super) fn part_of(path: &str) -> Option<&'static str> {
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if path.len() > countermark_store::disk::MAX_PATH_BYTES || !path.split('/').all(plain) {
        return None;
    }
    let mut names = path.split('/');
    match (names.next()?, names.next(), names.next()) {
        (DESK_FILE, None, _) => Some("desk"),
        (KEYS_FOLDER, Some(_), None) => Some("keys"),
        (INBOX, Some(_), None) => Some(INBOX),
        ("log", Some(_), _) => Some("log"),
        ("vault", Some(_), Some("daykeys" | "subjects")) => Some("vault-keys"),
        ("vault", Some(_), Some(name)) if name.starts_with("keys-") => Some("vault-keys"),
        ("vault", Some(_), Some(name)) if name.starts_with("bodies-") || name == "documents" => {
            Some("vault-bodies")
        }
        (PREVIOUS, Some(_), _) => {
            let inner = path.get(PREVIOUS.len() + 1..)?;
            part_of(inner).map(|_| PREVIOUS)
        }
        _ => None,
    }
}

/// One file to copy.
pub(super) struct Item {
    pub(super) path: String,
    pub(super) length: u64,
    pub(super) content: Content,
}

/// Where its bytes are.
pub(super) enum Content {
    Memory(Vec<u8>),
    /// The first bytes of a file that only grows, or never changes.
    Disk(Arc<dyn Disk>),
    File(PathBuf),
}

impl Item {
    pub(super) fn of_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), length: bytes.len() as u64, content: Content::Memory(bytes) }
    }

    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.content {
            Content::Memory(bytes) => Box::new(bytes.as_slice()),
            Content::File(path) => Box::new(std::fs::File::open(path)?.take(self.length)),
            Content::Disk(disk) => Box::new(OnDisk {
                disk: &**disk,
                path: &self.path,
                next: 0,
                end: self.length,
                piece: Vec::new().into_iter(),
            }),
        })
    }
}

struct OnDisk<'a> {
    disk: &'a dyn Disk,
    path: &'a str,
    next: u64,
    end: u64,
    piece: std::vec::IntoIter<u8>,
}

impl Read for OnDisk<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.piece.len() == 0 && self.next < self.end {
            let take = usize::try_from(self.end - self.next).unwrap_or(PIECE).min(PIECE);
            self.piece = self.disk.read(self.path, self.next, take)?.into_iter();
            self.next += take as u64;
        }
        let held = self.piece.as_slice();
        let count = held.len().min(out.len());
        out[..count].copy_from_slice(&held[..count]);
        if count > 0 {
            self.piece.nth(count - 1);
        }
        Ok(count)
    }
}

/// The vault's files with their lengths now. What is appended later is beyond them.
pub(super) fn vault_files(disk: &Arc<dyn Disk>) -> Result<Vec<Item>, NodeError> {
    let mut items = Vec::new();
    let mut folders = vec!["vault".to_owned()];
    while let Some(folder) = folders.pop() {
        for name in disk.list(&folder).map_err(|e| store_error(&e))? {
            let path = format!("{folder}/{name}");
            if let Some(inner) = path.strip_suffix('/') {
                folders.push(inner.to_owned());
                continue;
            }
            // A document that is still being written is not kept yet.
            if path.ends_with(".part") || part_of(&path).is_none() {
                continue;
            }
            let length = disk.len(&path).map_err(|e| store_error(&e))?.unwrap_or(0);
            items.push(Item { path, length, content: Content::Disk(Arc::clone(disk)) });
        }
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

/// The files of the keyring; a plain key file only where it is asked for.
pub(super) fn key_files(data: &Path, include_key_file: bool) -> Result<Vec<Item>, NodeError> {
    let folder = data.join(KEYS_FOLDER);
    let mut items = Vec::new();
    for path in entries(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".new") || name == KEY_FILE && !include_key_file {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
        items.push(Item::of_bytes(format!("{KEYS_FOLDER}/{name}"), bytes));
    }
    Ok(items)
}

/// Documents that wait for their jobs, under second names in `spool`, since a job that ends removes
/// its own. They are whole and sealed, and nobody writes to them again.
pub(super) fn inbox_files(data: &Path, spool: &Path) -> Result<Vec<Item>, NodeError> {
    let folder = data.join(INBOX);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    for path in entries(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".part") {
            continue;
        }
        let held = spool.join(&name);
        std::fs::hard_link(&path, &held)
            .or_else(|_| std::fs::copy(&path, &held).map(drop))
            .map_err(|e| unreadable(&path, &e))?;
        let length = held.metadata().map_err(|e| unreadable(&held, &e))?.len();
        let path = format!("{INBOX}/{name}");
        items.push(Item { path, length, content: Content::File(held) });
    }
    Ok(items)
}

/// The files of a closed data directory below `at` (a path within the whole one).
pub(super) fn closed_files(
    data: &Path,
    at: &str,
    include_key_file: bool,
) -> Result<Vec<Item>, NodeError> {
    let mut items = Vec::new();
    let mut folders = vec![at.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&data.join(&folder))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let inner = format!("{folder}/{name}");
            let metadata = path.symlink_metadata().map_err(|e| unreadable(&path, &e))?;
            let is_key = inner.ends_with(&format!("{KEYS_FOLDER}/{KEY_FILE}"));
            if metadata.is_dir() {
                folders.push(inner);
            } else if metadata.is_file()
                && part_of(&inner).is_some()
                && (include_key_file || !is_key)
            {
                let (length, content) = (metadata.len(), Content::File(path));
                items.push(Item { path: inner, length, content });
            }
        }
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, NodeError> {
    let entries = std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|e| unreadable(folder, &e))?;
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &io::Error) -> NodeError {
    NodeError::Store(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn each_file_of_a_data_directory_has_its_part_and_others_have_none() {
        for (path, part) in [
            ("desk.db", "desk"),
            ("keys/secrets", "keys"),
            ("vault/ab/keys-000000", "vault-keys"),
            ("vault/ab/daykeys", "vault-keys"),
            ("vault/ab/bodies-000000", "vault-bodies"),
            ("vault/ab/documents/cd", "vault-bodies"),
            ("log/objects/ab/abcd", "log"),
            ("inbox/00ff", "inbox"),
            ("previous/log/journal", "previous"),
            ("previous/previous/desk.db", "previous"),
        ] {
            assert_eq!(part_of(path), Some(part), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "log/../../x",
            "log//x",
            "state.db",
            "index.db",
            "lock",
            "previous/index.db",
            "previous/previous",
            "keys/a/b",
            ".hidden",
            "log/.x",
            "desk.db/x/y",
        ] {
            assert_eq!(part_of(path), None, "{path}");
        }
    }
}
