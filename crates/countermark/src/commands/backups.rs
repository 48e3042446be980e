//! Backups of a node that a server holds: at intervals, into a folder, and gone when they expire.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use countermark_node::backup::{self, BackupOptions, KEYS_EXPIRE_DAYS};
use countermark_node::{Node, NodeError, Silent};

const HOUR_MS: u64 = 60 * 60 * 1000;
/// How often it is asked whether one is due.
const LOOK: Duration = Duration::from_secs(60);
const ENDING: &str = ".tar.zst";

/// Whether and where a server makes backups.
#[derive(Debug, Args, Clone)]
pub(crate) struct Backups {
    /// Make backups into this directory while serving, and delete those that have expired
    #[arg(long, value_name = "DIR")]
    backup_to: Option<PathBuf>,
    /// Hours between two backups
    #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "backup_to",
        value_parser = clap::value_parser!(u32).range(1..=8760))]
    backup_every: u32,
    /// Days after which a backup must be gone: erased keys live on in it
    #[arg(long, value_name = "DAYS", default_value_t = KEYS_EXPIRE_DAYS, requires = "backup_to",
        value_parser = clap::value_parser!(u32).range(1..=366))]
    backup_keys_expire_days: u32,
}

impl Backups {
    /// Begins to make them, where they are asked for. It ends with the node.
    pub(crate) fn begin(&self, node: &Arc<Node>) -> Result<(), NodeError> {
        let Some(folder) = self.backup_to.clone() else { return Ok(()) };
        if !folder.is_dir() {
            let what = format!("{} is no directory; make it first", folder.display());
            return Err(NodeError::Usage(what));
        }
        let (node, asked) = (Arc::downgrade(node), self.clone());
        std::thread::spawn(move || asked.run(&node, &folder));
        Ok(())
    }

    fn run(&self, node: &Weak<Node>, folder: &Path) {
        sweep(folder);
        loop {
            let Some(node) = node.upgrade() else { return };
            if self.is_due(&node) {
                match self.make(&node, folder) {
                    Ok(file) => tracing::info!(file, "backup made"),
                    Err(error) => tracing::error!(%error, "no backup was made"),
                }
            }
            for file in expired(folder, node.origin()) {
                match std::fs::remove_file(&file) {
                    Ok(()) => tracing::info!(file = %file.display(), "expired backup deleted"),
                    Err(error) => {
                        tracing::error!(file = %file.display(), %error, "an expired backup stays");
                    }
                }
            }
            drop(node);
            std::thread::sleep(LOOK);
        }
    }

    fn is_due(&self, node: &Node) -> bool {
        let every = u64::from(self.backup_every) * HOUR_MS;
        match node.newest_backup() {
            Ok(Some(newest)) => now_ms().saturating_sub(newest.made_at_ms) >= every,
            Ok(None) => true,
            Err(error) => {
                tracing::error!(%error, "whether a backup is due is not known");
                false
            }
        }
    }

    fn make(&self, node: &Node, folder: &Path) -> Result<String, NodeError> {
        let name = format!("countermark-{}", now_ms() / 1000);
        let options = BackupOptions {
            include_key_file: false,
            keys_expire_days: self.backup_keys_expire_days,
        };
        let report = node.backup(&folder.join(format!("{name}{ENDING}")), options, &Silent)?;
        let note = folder.join(format!("{name}.checkpoint"));
        std::fs::write(&note, &report.checkpoint)
            .map_err(|e| NodeError::Store(format!("{}: {e}", note.display())))?;
        Ok(report.file)
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The names in a folder that begin as ours do.
fn ours(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let middle = name.strip_prefix("countermark-").and_then(|rest| rest.strip_suffix(ending));
        middle.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    };
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

/// Removes what a backup that was cut short left.
fn sweep(folder: &Path) {
    for path in ours(folder, &format!("{ENDING}.part")) {
        // It stays in nobody's way.
        let _left = std::fs::remove_file(path);
    }
}

/// Archives of this log whose time is over. What cannot be read is left to people.
fn expired(folder: &Path, origin: &str) -> Vec<PathBuf> {
    let now = now_ms();
    let is_over =
        |path: &PathBuf| backup::expiry(path).is_ok_and(|(at_ms, of)| now > at_ms && of == origin);
    ours(folder, ENDING).into_iter().filter(is_over).collect()
}
