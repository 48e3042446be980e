//! One function a command: parse, call one use case, show the answer, give the exit code.

pub(crate) mod access;
pub(crate) mod backups;
pub(crate) mod help;
pub(crate) mod members;
pub(crate) mod operating;
pub(crate) mod proofs;
pub(crate) mod publications;
pub(crate) mod pure;
pub(crate) mod reading;
pub(crate) mod serve;
pub(crate) mod writing;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use countermark_node::{Node, NodeError, Passphrase, Unlock};

use crate::cli::{self, Data};

/// Largest file that a command reads, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How the keys are unlocked: the file, else the environment, else the key file.
pub(crate) fn unlock(given: &cli::Unlock) -> Result<Unlock> {
    if let Some(file) = &given.passphrase_file {
        let text = String::from_utf8(read(file)?).map_err(|_| unreadable(file, "not UTF-8"))?;
        let first = text.lines().next().unwrap_or_default();
        if first.is_empty() {
            let what = format!("{}: its first line, the passphrase, is empty", file.display());
            return Err(NodeError::Usage(what).into());
        }
        return Ok(Unlock::Passphrase(Passphrase::new(first.to_owned())));
    }
    Ok(match std::env::var("COUNTERMARK_PASSPHRASE") {
        Ok(text) if !text.is_empty() => Unlock::PassphraseIfNeeded(Passphrase::new(text)),
        _ => Unlock::KeyFile,
    })
}

pub(crate) fn open(data: &Data) -> Result<Node> {
    Ok(Node::open(&data.data, &unlock(&data.unlock)?, &crate::output::Bar::new())?)
}

/// Reads a file that the user named.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source: std::io::Error| unreadable(path, &source.to_string());
    let file = std::fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(path, &format!("{size} bytes; at most {FILE_BYTES_MAX} are read")));
    }
    // A pipe or a device does not say how long it is.
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(path, &format!("more than {FILE_BYTES_MAX} bytes; split it")));
    }
    Ok(bytes)
}

/// Writes a file that the user named: whole, or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".part");
    std::fs::write(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn unreadable(path: &Path, what: &str) -> anyhow::Error {
    NodeError::Unreadable { place: path.display().to_string(), what: what.to_owned() }.into()
}

/// Shows why documents were not taken, on standard error.
fn write_faults(report: &countermark_node::CaptureReport) {
    for (file, finding) in &report.rejected {
        eprintln!("{file}: {finding}");
    }
    for held in &report.quarantined {
        eprintln!(
            "{}: {}: {} \"{}\": {}",
            held.file, held.place, held.kind, held.value, held.message
        );
    }
}

/// Shows what became of documents in words: counts and ids on standard output.
fn write_counts(report: &countermark_node::CaptureReport) {
    for (file, finding) in &report.findings {
        eprintln!("{file}: {finding}");
    }
    crate::output::say(&format!(
        "{} accepted, {} known already, {} rejected, {} quarantined.",
        report.accepted.len(),
        report.duplicates.len(),
        report.rejected.len(),
        report.quarantined.len()
    ));
    for id in &report.accepted {
        crate::output::say(id);
    }
}
