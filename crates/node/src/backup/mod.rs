//! Backup and restore: one archive of what cannot be made again, and the rule of design 4.4 for
//! the node that comes out of it.
//!
//! An archive is a tar in one zstd frame, so that `tar --zstd -tf` lists it:
//!
//! ```text
//! countermark-backup.json   first: format, origin, head of the log, when the wrapped keys expire
//! keys/… desk.db inbox/… vault/… log/… previous/…   part by part, paths as in the data directory
//! listings/PART.sha256      after each part: SHA-256 and path of its files, as sha256sum writes
//! manifest.json             last: files, bytes and SHA-256 of each listing
//! ```
//!
//! State and index are not in it: they are made again, and the index holds values in clear. Writes
//! wait only while the head is taken down ([`BackupReport::paused_ms`]): what is copied later is
//! append-only or never changes. Erasures, which write in place, wait until the vault is copied.

mod archive;
mod checkpoint;
mod extract;
mod loss;
mod restore;
mod source;
mod write;

pub use loss::declare_loss;
pub use restore::{RestoreOptions, RestoreReport, restore, show_checkpoint};

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::NodeError;
use crate::stores::store_error;
use countermark_store::desk::Desk;

/// Days after which the wrapped keys of an archive count as expired, where nothing else is said.
pub const KEYS_EXPIRE_DAYS: u32 = 35;
/// The longest that wrapped keys may be kept outside.
pub const KEYS_EXPIRE_DAYS_MAX: u32 = 366;
/// What a restore that was cut short leaves in a data directory, and the words that finish it.
pub(crate) const LEFT_BEHIND: [(&str, &str); 2] =
    [(RESTORING, "--from FILE"), (RENEWING, "--declare-loss")];
const RESTORING: &str = "restoring";
const RENEWING: &str = "renewing";
/// The data directory of the log before a declared loss.
const PREVIOUS: &str = "previous";
/// In the data directory while a backup runs.
const SPOOL: &str = "backing-up";
/// The desk's setting that names the newest backup.
const NOTE_SETTING: &str = "backup";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What a backup is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupOptions {
    /// Whether a plain key file goes into the archive, which then opens by itself.
    pub include_key_file: bool,
    /// Days after which the archive must be gone, because erased keys live on in it.
    pub keys_expire_days: u32,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self { include_key_file: false, keys_expire_days: KEYS_EXPIRE_DAYS }
    }
}

/// One part of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `keys`, `desk`, `inbox`, `vault-keys`, `vault-bodies`, `log` or `previous`.
    pub name: String,
    /// Its files.
    pub files: u64,
    /// Their length together.
    pub bytes: u64,
    /// SHA-256 of its listing, in hexadecimal.
    pub sha256: String,
}

/// What the archive says of itself before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// Version of the program that made it.
    pub(crate) program: String,
    /// Version of the desk's tables.
    pub(crate) desk_version: usize,
    pub(crate) made_at: String,
    pub(crate) made_at_ms: u64,
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) checkpoint: String,
    pub(crate) keys_expire_at: String,
    pub(crate) keys_expire_at_ms: u64,
    /// `passphrase`, `key file, not in this archive` or `key file, in this archive`.
    pub(crate) keys_open_with: String,
}

/// What a backup came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The archive.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The log's origin.
    pub origin: String,
    /// Entries of the log.
    pub size: u64,
    /// The log's newest checkpoint (a C2SP signed note): keep a copy apart from the archive.
    pub checkpoint: String,
    /// When the archive must be gone, as people read it.
    pub keys_expire_at: String,
    /// How the restored keys open.
    pub keys_open_with: String,
    /// How long writes waited.
    pub paused_ms: u64,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// The newest backup, as the desk notes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupNote {
    /// When it was made, Unix milliseconds.
    pub made_at_ms: u64,
    /// Entries of the log then.
    pub size: u64,
    /// The archive's name.
    pub file: String,
    /// When it must be gone, Unix milliseconds.
    pub keys_expire_at_ms: u64,
}

/// When an archive must be gone, Unix milliseconds, and whose log it is of.
///
/// # Errors
/// [`NodeError::Unreadable`] where the file is no archive.
pub fn expiry(archive: &Path) -> Result<(u64, String), NodeError> {
    let about = extract::look(archive)?;
    Ok((about.keys_expire_at_ms, about.origin))
}

/// The newest backup that a desk knows.
pub(crate) fn newest(desk: &Desk) -> Result<Option<BackupNote>, NodeError> {
    let note = desk.setting(NOTE_SETTING).map_err(|e| store_error(&e))?;
    Ok(note.and_then(|text| serde_json::from_slice(&text).ok()))
}
