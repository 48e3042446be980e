//! `bench`: what this machine gives, beside a floor of the same run and what others take the same
//! events with.

mod peers;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use countermark_node::NodeError;
use countermark_node::bench::{self, Opened, Options};

use crate::HOLDS;
use crate::output::{Bar, say};

/// What to measure, and where to put what was found.
pub(crate) struct Wanted {
    pub(crate) events: usize,
    pub(crate) trace_events: usize,
    pub(crate) peers: bool,
    pub(crate) data: Option<PathBuf>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) json: bool,
}

pub(crate) fn run(wanted: &Wanted) -> Result<u8> {
    // Known before minutes are spent on the rest.
    let tools = wanted.peers.then(peers::tools).transpose()?;
    let (events, trace_events) = (wanted.events, wanted.trace_events);
    let options = Options { events, trace_events, folder: wanted.data.clone() };
    let progress = Bar::new();
    let mut report = bench::run(&options, Some(&open_apart), &progress)?;
    if let Some(tools) = tools {
        report.peers = peers::run(&tools, &options, &progress)?;
        report.compare();
    }
    let text = serde_json::to_string_pretty(&report)?;
    if let Some(path) = &wanted.output {
        keep(path, &text)?;
    }
    say(&if wanted.json { text } else { text::table(&report) });
    Ok(HOLDS)
}

/// Puts a result in a file, whole or not at all.
fn keep(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, format!("{text}\n"));
    let kept = written.and_then(|()| std::fs::rename(&new, path));
    kept.with_context(|| format!("{}: the result was not written", path.display()))
}

/// Opens a node in a process of its own, whose memory holds nothing else.
fn open_apart(folder: &Path) -> Result<Opened, NodeError> {
    let failed = |what: String| NodeError::Store(format!("opening the node again: {what}"));
    let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
    let output = Command::new(program).args(["bench", "--only-open"]).arg(folder).output();
    let output = output.map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| failed(e.to_string()))
}

/// The other side of [`open_apart`].
pub(crate) fn only_open(folder: &Path) -> Result<u8> {
    say(&serde_json::to_string(&bench::opened(folder, 0)?)?);
    Ok(HOLDS)
}

/// Writes the documents of so many events, one file each.
pub(crate) fn write_documents(folder: &Path, events: usize) -> Result<u8> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for first in (0..events).step_by(bench::DOCUMENT_EVENTS) {
        let count = bench::DOCUMENT_EVENTS.min(events - first);
        let path = folder.join(format!("{first:09}.json"));
        let written = std::fs::write(&path, bench::sample_document(first, count));
        written.with_context(|| path.display().to_string())?;
    }
    Ok(HOLDS)
}

/// The result in a file, as the pages draw it.
#[cfg(test)]
fn read(path: &Path) -> Result<bench::BenchReport> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_node::bench::{BenchReport, FORMAT};

    #[test]
    fn the_committed_result_is_of_this_format_and_measured_all_rows() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmark/2026-11.json");
        let report = read(&path).unwrap();
        assert_eq!(report.format, FORMAT);
        assert!(!report.peers.is_empty() && report.trace.is_some());
        let mut again = report.clone();
        again.compare();
        assert_eq!(again, report, "goals and comparisons follow from the figures");
    }

    #[test]
    fn a_result_is_kept_whole_and_an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        let report = BenchReport { format: FORMAT.to_owned(), ..BenchReport::default() };
        keep(&path, &serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), report);
        let nowhere = folder.path().join("none/bench.json");
        let error = keep(&nowhere, "{}").unwrap_err().to_string();
        assert!(error.contains("none/bench.json"), "{error}");
    }
}
