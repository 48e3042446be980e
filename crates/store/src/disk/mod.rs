//! Files under one data directory, and what is certain about them after a power cut.
//!
//! Every store writes through [`Disk`], so that each of its promises can be tested with a disk that
//! stops at an arbitrary moment ([`FrozenDisk`]) or that fails after having written ([`LyingDisk`]).

mod file;
mod frozen;
mod lying;

#[cfg(test)]
mod tests;

pub use file::{FileDisk, OpenError};
pub use frozen::{CrashMode, FrozenDisk};
pub use lying::{Fault, LyingDisk, Operation, When};

use std::fmt;
use std::io;

/// Longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 512;

/// Files by relative path (`log/tile/0/000`), folders made as needed.
///
/// What is certain after a power cut:
/// * what [`Disk::sync`] confirmed: the file's content and its name;
/// * what [`Disk::rename`] and [`Disk::remove`] confirmed. The content of a file must be synced
///   before it is renamed;
/// * everything else may be there, be missing, or be there in part.
///
/// An operation that returns an error may have taken effect all the same, wholly or in part. There
/// is one writer for each file.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Adds bytes at the end of a file, which is made if absent; gives the offset of the first.
    ///
    /// # Errors
    /// Those of the disk.
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<u64>;

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`]; those of the disk.
    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Exactly `length` bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], [`io::ErrorKind::UnexpectedEof`]; those of the disk.
    fn read(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Length of a file in bytes; `None` where there is none.
    ///
    /// # Errors
    /// Those of the disk.
    fn len(&self, path: &str) -> io::Result<Option<u64>>;

    /// Writes over bytes of an existing file, which may grow by it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; those of the disk.
    fn write_at(&self, path: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Shortens an existing file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; those of the disk.
    fn truncate(&self, path: &str, length: u64) -> io::Result<()>;

    /// Makes a file's content and name certain.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; those of the disk. After an error nothing is known about what
    /// was written since the last success, not even that a second sync would tell.
    fn sync(&self, path: &str) -> io::Result<()>;

    /// Syncs several files, in any order; a disk may do better than one by one.
    ///
    /// # Errors
    /// As [`Disk::sync`]; after one, nothing is known about any of the files.
    fn sync_all(&self, paths: &[&str]) -> io::Result<()> {
        paths.iter().try_for_each(|path| self.sync(path))
    }

    /// Gives a synced file another name, replacing a file that has it, as one certain step.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; those of the disk.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file for certain.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; those of the disk.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Names directly in a folder, sorted, folders with a slash at the end; none where the folder
    /// does not exist. The empty string is the data directory itself.
    ///
    /// # Errors
    /// Those of the disk.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// The whole content of a file of at most `max` bytes; `None` where there is no file.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] for a longer file; those of the disk.
pub fn read_all(disk: &dyn Disk, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = disk.len(path)? else { return Ok(None) };
    match usize::try_from(length) {
        Ok(bytes) if length <= max => disk.read(path, 0, bytes).map(Some),
        _ => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{path} has {length} bytes; at most {max} are read"),
        )),
    }
}

/// Refuses paths that could leave the data directory or differ between systems: each part is made
/// of letters, digits, `.`, `_` and `-`, and does not start with a dot.
fn check_path(path: &str) -> io::Result<()> {
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if path.len() <= MAX_PATH_BYTES && path.split('/').all(good) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path:?} is no path of the store")))
}

/// As [`check_path`], but the empty string is allowed.
fn check_folder(folder: &str) -> io::Result<()> {
    if folder.is_empty() { Ok(()) } else { check_path(folder) }
}

fn not_found(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{path} does not exist"))
}
