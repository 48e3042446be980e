//! Space: what the stores take for the events in them.

use std::fs;
use std::path::Path;

use super::report::{Share, rounded};
use crate::error::NodeError;
use crate::stores::{INDEX_FILE, STATE_FILE};

/// Bytes of the files below a path whose name begins so.
fn bytes(path: &Path, prefix: &str) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).map_or(0, |file| file.len());
    };
    let entries = entries.flatten().map(|entry| {
        let name = entry.file_name();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => bytes(&entry.path(), prefix),
            Ok(_) if name.to_string_lossy().starts_with(prefix) => {
                entry.metadata().map_or(0, |file| file.len())
            }
            _ => 0,
        }
    });
    entries.sum()
}

/// Each store's part. The node must be closed, so that nothing waits in a write-ahead log.
pub(super) fn run(folder: &Path, events: usize, json: f64) -> Result<Vec<Share>, NodeError> {
    let (log, vault) = (folder.join("log"), folder.join("vault"));
    if !log.is_dir() || !vault.is_dir() {
        return Err(NodeError::NotANode(folder.to_owned()));
    }
    let objects = bytes(&log.join("objects"), "");
    let journal = bytes(&log.join("journal"), "");
    let bodies = bytes(&vault, "bodies");
    let found = [
        ("log: tiles", bytes(&log, "") - objects - journal),
        ("log: journal", journal),
        ("objects", objects),
        ("vault: bodies", bodies),
        ("vault: keys", bytes(&vault, "") - bodies),
        ("state", bytes(&folder.join(STATE_FILE), "")),
        ("index", bytes(&folder.join(INDEX_FILE), "")),
    ];
    let all = found.iter().map(|(_, bytes)| bytes).sum();
    let share = |(store, bytes): (&'static str, u64)| {
        let each = bytes as f64 / events.max(1) as f64;
        let (bytes_per_event, of_json) = (rounded(each), rounded(each / json.max(1.0)));
        Share { store: store.to_owned(), bytes, bytes_per_event, of_json }
    };
    Ok(found.into_iter().chain([("all", all)]).map(share).collect())
}
