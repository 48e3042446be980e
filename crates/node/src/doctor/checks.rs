//! Checks of the data directory itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_store::desk::{Desk, DeskReader, database_version, sqlite_version};
use countermark_store::disk::{Disk, FileDisk};
use countermark_store::log_store::LogStore;

use super::Finding;
use super::machine::{mode_of, now_s, size_text};
use crate::backup::BackupNote;
use crate::blocks;
use crate::clock::{behind, moment, span};
use crate::error::NodeError;
use crate::keyring::{KEY_FILE, Keyring, LOCK_FILE, SECRETS_FILE, Secrets, Unlock, has_passphrase};
use crate::node::{KEYS_FOLDER, check_desk, check_place};
use crate::sequencer::chain;
use crate::standing::Note;
use crate::stores::{DESK_FILE, INDEX_FILE, STATE_FILE, lock_folder};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// A backup that is older deserves a word.
const BACKUP_AGE_MS: u64 = 7 * DAY_MS;
/// SQLite keeps its write-ahead files below a few megabytes unless something holds them up.
const JOURNAL_BYTES: u64 = 256 << 20;
/// Versions of state and index that this program reads.
const MADE_AGAIN_VERSION: u32 = 1;

pub(super) fn program() -> Finding {
    Finding::ok(format!(
        "countermark {}, SQLite {}, desk version {}",
        env!("CARGO_PKG_VERSION"),
        sqlite_version(),
        Desk::VERSION
    ))
}

pub(super) fn directory(data: &Path) -> Finding {
    if let Err(error) = check_place(data) {
        return Finding::failed(
            error.to_string(),
            "name the directory that `init` or `restore` made",
        );
    }
    if let Err(error) = check_desk(data) {
        return Finding::failed(error.to_string(), "restore it from a backup");
    }
    let open: Vec<String> = [data.to_owned(), data.join(KEYS_FOLDER)]
        .iter()
        .filter_map(|path| Some((path, mode_of(path)?)))
        .filter(|(_, mode)| mode & 0o077 != 0)
        .map(|(path, mode)| format!("{} has mode {mode:o}", path.display()))
        .collect();
    if open.is_empty() {
        return Finding::ok(format!("{}, for its owner alone", data.display()));
    }
    let advice = format!("chmod 700 {}", data.display());
    Finding::warning(format!("{}: others of this machine may look", open.join(", ")), advice)
}

pub(super) fn keys(data: &Path) -> Finding {
    let folder = data.join(KEYS_FOLDER);
    let has_passphrase = match has_passphrase(&folder) {
        Ok(has_passphrase) => has_passphrase,
        Err(error) => return Finding::failed(error.to_string(), "restore keys/ from a backup"),
    };
    let key = folder.join(KEY_FILE);
    if !has_passphrase && !key.is_file() {
        let advice = format!("put the copy of it that you keep elsewhere at {}", key.display());
        return Finding::failed(
            format!("{} is missing: nothing opens without it", key.display()),
            advice,
        );
    }
    if !folder.join(SECRETS_FILE).is_file() {
        return Finding::failed("keys/secrets is missing", "restore keys/ from a backup");
    }
    let open: Vec<String> = [KEY_FILE, LOCK_FILE, SECRETS_FILE]
        .iter()
        .filter_map(|name| Some((name, mode_of(&folder.join(name))?)))
        .filter(|(_, mode)| mode & 0o077 != 0)
        .map(|(name, mode)| format!("keys/{name} has mode {mode:o}"))
        .collect();
    if !open.is_empty() {
        let advice =
            format!("chmod 600 {}/*; who could read them may have copied them", folder.display());
        return Finding::failed(format!("{}: others may read it", open.join(", ")), advice);
    }
    if has_passphrase {
        return Finding::ok("locked by a passphrase");
    }
    Finding::warning(
        "locked by the plain file keys/key: who copies the directory reads everything",
        "keep a copy of keys/key elsewhere, and the directory on an encrypted volume; `init` with \
         --passphrase-file locks a new node by a passphrase",
    )
}

/// State and index say their versions in their headers; the desk is asked, since a running server
/// may not have written its header yet.
pub(super) fn formats(data: &Path) -> Finding {
    let desk = DeskReader::open(&data.join(DESK_FILE)).and_then(|desk| desk.version());
    let desk = match desk {
        Ok(version) => usize::try_from(version).unwrap_or(0),
        Err(error) => return Finding::failed(error.to_string(), "restore desk.db from a backup"),
    };
    let known = Desk::VERSION;
    if desk > known {
        let says = format!("desk.db has version {desk}, this program knows {known}");
        return Finding::failed(says, "use the newer program");
    }
    let mut says = vec![match desk == known {
        true => format!("desk {desk}"),
        false => format!("desk {desk}, brought to {known} when a command opens it"),
    }];
    for (name, file) in [("state", STATE_FILE), ("index", INDEX_FILE)] {
        let path = data.join(file);
        match database_version(&path) {
            None if !path.exists() => says.push(format!("{name} is made on opening")),
            None => {
                let advice = format!("delete {}; it is made again", path.display());
                return Finding::failed(format!("{file} is no database"), advice);
            }
            Some(0 | MADE_AGAIN_VERSION) => says.push(format!("{name} {MADE_AGAIN_VERSION}")),
            Some(other) => {
                let advice = format!(
                    "use the newer program, or delete {}; it is made again",
                    path.display()
                );
                let says = format!("{file} has version {other}, not {MADE_AGAIN_VERSION}");
                return Finding::failed(says, advice);
            }
        }
    }
    Finding::ok(says.join(", "))
}

fn setting(data: &Path, name: &str) -> Result<Option<Vec<u8>>, Finding> {
    let desk = DeskReader::open(&data.join(DESK_FILE)).and_then(|desk| desk.setting(name));
    desk.map_err(|e| Finding::failed(e.to_string(), "restore desk.db from a backup"))
}

pub(super) fn standing(data: &Path) -> Finding {
    let note = match setting(data, "standing") {
        Ok(Some(note)) => serde_json::from_slice::<Note>(&note),
        Ok(None) => return Finding::ok("it reads and writes"),
        Err(finding) => return finding,
    };
    match note.map(|note| note.reason()) {
        Ok(Some(reason)) => Finding::warning("read-only", reason),
        Ok(None) => Finding::ok("it reads and writes"),
        Err(error) => {
            Finding::failed(format!("unknown standing: {error}"), "use the newer program")
        }
    }
}

pub(super) fn backup(data: &Path) -> Finding {
    let advice = "countermark backup --data DIR --output FILE";
    let note = match setting(data, "backup") {
        Ok(Some(note)) => serde_json::from_slice::<BackupNote>(&note).ok(),
        Ok(None) => None,
        Err(finding) => return finding,
    };
    let Some(note) = note else { return Finding::warning("none was made by `backup`", advice) };
    let now = now_s().saturating_mul(1000);
    let age = now.saturating_sub(note.made_at_ms);
    let says = format!("{} of {}, {} ago", note.file, moment(note.made_at_ms), span(age));
    if now > note.keys_expire_at_ms {
        let expired = moment(note.keys_expire_at_ms);
        let advice = format!("make a newer one and delete it: its keys expired on {expired}");
        return Finding::warning(says, advice);
    }
    if age > BACKUP_AGE_MS { Finding::warning(says, advice) } else { Finding::ok(says) }
}

/// Files that a healthy node keeps short.
pub(super) fn journals(data: &Path) -> Finding {
    let names = ["log/journal", "desk.db-wal", "state.db-wal", "index.db-wal"];
    let length = |name: &&str| data.join(name).metadata().map_or(0, |file| file.len());
    let long: Vec<String> = names
        .iter()
        .filter(|name| length(name) > JOURNAL_BYTES)
        .map(|name| format!("{name} has {}", size_text(length(name))))
        .collect();
    if long.is_empty() {
        let total: u64 = names.iter().map(length).sum();
        return Finding::ok(format!("{} in all", size_text(total)));
    }
    Finding::warning(long.join(", "), "stop what has the directory open and run any command on it")
}

pub(super) fn lock(data: &Path, opened: &mut Option<FileDisk>) -> Finding {
    match lock_folder(data) {
        Ok(disk) => {
            *opened = Some(disk);
            Finding::ok("free")
        }
        Err(NodeError::InUse(_)) => Finding::ok(
            "in use by a running server or command: unlocking and the log are checked when it is \
             stopped",
        ),
        Err(error) => Finding::failed(error.to_string(), "let this user write the directory"),
    }
}

pub(super) fn unlock(data: &Path, unlock: &Unlock, secrets: &mut Option<Secrets>) -> Finding {
    match Keyring::open(&data.join(KEYS_FOLDER), unlock) {
        Ok(keyring) => {
            *secrets = Some(keyring.secrets.clone());
            Finding::ok(format!("the keys of {} members open", keyring.secrets.members.len()))
        }
        Err(error) => Finding::failed(error.to_string(), "give the right passphrase or key file"),
    }
}

/// The log opens, and the clock is not behind it.
pub(super) fn log(disk: Option<FileDisk>, secrets: Option<Secrets>) -> Finding {
    let (Some(disk), Some(secrets)) = (disk, secrets) else {
        return Finding::failed("not looked at", "run it again");
    };
    let advice = "countermark fsck --data DIR says more";
    let place = PathBuf::from(disk.root());
    if !place.join("log").join("journal").is_file() {
        return Finding::failed("log/journal is missing", "restore log/ from a backup");
    }
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let log = match LogStore::open(disk, &secrets.origin) {
        Ok((log, _)) => log,
        Err(error) => return Finding::failed(chain(&error), advice),
    };
    let newest = match blocks::newest(&log) {
        Ok(Some(header)) => header,
        Ok(None) => return Finding::failed("the log has no block", advice),
        Err(error) => return Finding::failed(error.to_string(), advice),
    };
    let says = format!(
        "{}: {} entries, block {} of {}",
        secrets.origin,
        log.size(),
        newest.height,
        moment(newest.time_ms)
    );
    match behind(Some(newest.time_ms), now_s().saturating_mul(1000)) {
        None => Finding::ok(says),
        Some(ms) => Finding::failed(
            format!("{says}; the clock is {} behind it", span(ms)),
            "set the clock; until then blocks take the time of the last one",
        ),
    }
}
