//! Documents that came in and wait for their jobs: one file each, whole and synced before the sender
//! is told. They come sealed and are only moved here.

use std::io;

use crate::disk::{Disk, read_all};

const FOLDER: &str = "inbox";
const PART: &str = ".part";

fn path(id: &str) -> String {
    format!("{FOLDER}/{id}")
}

/// Puts a document under an id that is not used; it is durable when this returns.
///
/// # Errors
/// Those of the disk; what was written in part is removed by the next [`keep_only`].
pub fn put(disk: &dyn Disk, id: &str, sealed: &[u8]) -> io::Result<()> {
    let part = format!("{}{PART}", path(id));
    disk.create(&part, sealed)?;
    disk.sync(&part)?;
    disk.rename(&part, &path(id))
}

/// A document of at most `most` bytes; `None` where there is none of this id.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`]; those of the disk.
pub fn get(disk: &dyn Disk, id: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
    read_all(disk, &path(id), most)
}

/// Removes a document, if it is there.
///
/// # Errors
/// Those of the disk.
pub fn remove(disk: &dyn Disk, id: &str) -> io::Result<()> {
    match disk.len(&path(id))? {
        Some(_) => disk.remove(&path(id)),
        None => Ok(()),
    }
}

/// Removes every document but those that are still wanted: what a crash left of others.
///
/// # Errors
/// Those of the disk.
pub fn keep_only(disk: &dyn Disk, is_wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for name in disk.list(FOLDER)? {
        if !name.ends_with('/') && !is_wanted(&name) {
            disk.remove(&path(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{CrashMode, FrozenDisk};

    #[test]
    fn what_was_put_survives_a_power_cut_and_what_nobody_wants_is_removed() {
        let disk = FrozenDisk::new();
        put(&disk, "aa", b"one").unwrap();
        put(&disk, "bb", b"two").unwrap();
        disk.create("inbox/cc.part", b"half").unwrap();
        let disk = disk.crash_image(CrashMode::Dropped);
        assert_eq!(get(&disk, "aa", 10).unwrap().unwrap(), b"one");
        assert!(get(&disk, "bb", 2).is_err());
        disk.create("inbox/dd.part", b"half").unwrap();
        keep_only(&disk, |name| name == "bb").unwrap();
        assert_eq!(disk.list("inbox").unwrap(), ["bb"]);
        assert_eq!(get(&disk, "aa", 10).unwrap(), None);
        remove(&disk, "bb").unwrap();
        remove(&disk, "bb").unwrap();
        assert_eq!(disk.list("inbox").unwrap(), [""; 0]);
    }
}
