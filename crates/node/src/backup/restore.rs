//! `restore`: an archive into an empty directory, and the way back to writing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_ledger::ids::hex;
use countermark_store::desk::Desk;
use countermark_store::disk::{Disk, FileDisk};
use countermark_store::log_store::LogStore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{About, Part, RESTORING, checkpoint, extract};
use crate::clock::{ClockSource, moment};
use crate::error::NodeError;
use crate::keyring::{self, KEY_FILE};
use crate::node::{KEYS_FOLDER, check_desk, check_place, clear};
use crate::progress::Progress;
use crate::sequencer::chain;
use crate::standing::{self, Note};
use crate::stores::{DESK_FILE, lock_folder, store_error};

/// What a restore is given beside the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// The key file, where the archive does not hold it.
    pub key_file: Option<PathBuf>,
    /// Whether wrapped keys may be restored whose time is over: they may hold what was erased since.
    pub accept_expired_keys: bool,
}

/// What a restore came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The log's origin.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// When the backup was made, as people read it.
    pub made_at: String,
    /// Whether the keys open by a key file that is not there yet.
    pub needs_key_file: bool,
    /// What was restored.
    pub parts: Vec<Part>,
}

/// Restores an archive into an empty or absent directory. The node is read-only then.
///
/// # Errors
/// [`NodeError::NotEmpty`]; [`NodeError::Unreadable`] names what of the archive is truncated,
/// altered or foreign; [`NodeError::Refused`] where its wrapped keys have expired. Nothing is left
/// half restored.
pub fn restore(
    data: &Path,
    archive: &Path,
    options: &RestoreOptions,
    progress: &dyn Progress,
) -> Result<RestoreReport, NodeError> {
    let about = extract::look(archive)?;
    let now = ClockSource::system().now_ms();
    if now > about.keys_expire_at_ms && !options.accept_expired_keys {
        return Err(NodeError::Refused(format!(
            "{}: its wrapped keys expired on {}, and values that were erased since would come back \
             with them. Take a newer backup, or give --accept-expired-keys and erase again what had \
             to go",
            archive.display(),
            about.keys_expire_at
        )));
    }
    let disk = take_place(data)?;
    let restored = fill(data, archive, &about, options, progress);
    drop(disk);
    if restored.is_err() {
        clear(data);
    }
    restored
}

/// An empty directory, or one in which a restore was cut short, locked.
fn take_place(data: &Path) -> Result<FileDisk, NodeError> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found: Vec<String> = extract::names(data)?.iter().map(name).collect();
    let is_cut_short =
        found.iter().any(|name| name == RESTORING) && !found.iter().any(|name| name == KEYS_FOLDER);
    let foreign = |name: &&String| !["lost+found", "lock"].contains(&name.as_str());
    if !is_cut_short && found.iter().any(|name| foreign(&name)) {
        return Err(NodeError::NotEmptyForRestore(data.to_owned()));
    }
    let disk = FileDisk::create(data).map_err(|error| match error {
        countermark_store::disk::OpenError::InUse { .. } => NodeError::InUse(data.to_owned()),
        other => store_error(&other),
    })?;
    for name in found.iter().filter(foreign) {
        let path = data.join(name);
        let gone = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        gone.map_err(|e| store_error(&e))?;
    }
    Ok(disk)
}

fn fill(
    data: &Path,
    archive: &Path,
    about: &About,
    options: &RestoreOptions,
    progress: &dyn Progress,
) -> Result<RestoreReport, NodeError> {
    let fresh = data.join(RESTORING);
    // With the rights of the data directory itself.
    drop(FileDisk::create(&fresh).map_err(|e| store_error(&e))?);
    let mut done = 0;
    let parts = extract::extract(archive, &fresh, &mut |bytes| {
        done += bytes;
        progress.at("bytes restored", done, 0);
    })?;
    let keys = fresh.join(KEYS_FOLDER);
    if let Some(file) = &options.key_file {
        let unreadable = |e: std::io::Error| NodeError::Unreadable {
            place: file.display().to_string(),
            what: e.to_string(),
        };
        let key = Zeroizing::new(std::fs::read(file).map_err(unreadable)?);
        keyring::write_private(&keys.join(KEY_FILE), &key)?;
    }
    let needs_key_file = !keyring::has_passphrase(&keys)? && !keys.join(KEY_FILE).exists();
    check_desk(&fresh)?;
    check_log(&fresh, about, archive)?;
    let desk = Desk::open(&fresh.join(DESK_FILE)).map_err(|e| store_error(&e))?;
    standing::set(&desk, &Note::Restored { made_at_ms: about.made_at_ms, size: about.size })?;
    drop(desk);
    extract::sync(&fresh)?;
    move_up(&fresh, data)?;
    extract::sync(data)?;
    Ok(RestoreReport {
        origin: about.origin.clone(),
        size: about.size,
        made_at: moment(about.made_at_ms),
        needs_key_file,
        parts,
    })
}

/// The log must open and have the head that the archive names.
fn check_log(fresh: &Path, about: &About, archive: &Path) -> Result<(), NodeError> {
    let fault = |what: String| NodeError::Unreadable {
        place: format!("{}, part log", archive.display()),
        what: format!("{what}; nothing was restored, take another backup"),
    };
    let disk: Arc<dyn Disk> = Arc::new(lock_folder(fresh)?);
    let (log, _) = LogStore::open(disk, &about.origin).map_err(|e| fault(chain(&e)))?;
    if log.size() != about.size || hex(&log.root()) != about.root {
        return Err(fault("the log has another head than the archive names".to_owned()));
    }
    Ok(())
}

/// Moves what was restored to its place, the keys last: without them it is no node yet.
pub(super) fn move_up(fresh: &Path, data: &Path) -> Result<(), NodeError> {
    let mut paths = extract::names(fresh)?;
    paths.retain(|path| path.file_name().is_some_and(|name| name != "lock"));
    paths.sort_by_key(|path| path.ends_with(KEYS_FOLDER));
    for path in paths {
        let target = data.join(path.file_name().unwrap_or_default());
        std::fs::rename(&path, &target).map_err(|e| store_error(&e))?;
    }
    std::fs::remove_dir_all(fresh).map_err(|e| store_error(&e))
}

/// Shows a restored node the newest checkpoint known outside it; it writes again where its log
/// holds all that the checkpoint shows. Gives origin and size of the log.
///
/// # Errors
/// [`NodeError::Refused`] says how many entries are lost, or that the log is another one;
/// [`NodeError::Usage`] where the node is not one that waits for a checkpoint.
pub fn show_checkpoint(data: &Path, note: &[u8]) -> Result<(String, u64), NodeError> {
    check_place(data)?;
    let disk = lock_folder(data)?;
    check_desk(data)?;
    let desk = Desk::open(&data.join(DESK_FILE)).map_err(|e| store_error(&e))?;
    match standing::of(&desk)? {
        Note::Restored { .. } => {}
        Note::None => return Err(NodeError::Usage(WRITES.to_owned())),
        superseded => return Err(NodeError::ReadOnly(superseded.reason().unwrap_or_default())),
    }
    let origin = origin_of(note)?;
    if !data.join("log").join("journal").is_file() {
        return Err(NodeError::Damaged {
            place: "log/journal".to_owned(),
            what: "it is missing; restore the backup into an empty directory".to_owned(),
        });
    }
    let (log, _) = LogStore::open(Arc::new(disk), &origin).map_err(|e| {
        NodeError::Refused(format!("the checkpoint does not fit the log: {}", chain(&e)))
    })?;
    checkpoint::extends(&log, note)?;
    standing::set(&desk, &Note::None)?;
    Ok((origin, log.size()))
}

pub(super) const WRITES: &str =
    "this node is not read-only: it was not restored, or was shown a checkpoint already";

/// The log that a checkpoint says it is of; not to be believed before its signature is checked.
fn origin_of(note: &[u8]) -> Result<String, NodeError> {
    let unreadable = |what: String| NodeError::Unreadable { place: "checkpoint".to_owned(), what };
    let note = countermark_tlog::Note::parse(note).map_err(|e| unreadable(e.to_string()))?;
    let shown = countermark_tlog::Checkpoint::parse(note.text());
    Ok(shown.map_err(|e| unreadable(e.to_string()))?.origin)
}
