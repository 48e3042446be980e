//! `bench`: what this machine gives, beside a floor of the same run on the same disk.

mod capture;
mod floor;
mod machine;
mod proof;
mod report;
mod sample;
mod space;
mod trace;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countermark_epcis::{Mode, document};

pub use report::{BenchReport, Capture, Machine, Payload, Proof, Rate, Share, Trace};

use crate::error::NodeError;
use crate::keyring::Unlock;
use crate::node::Node;
use crate::progress::Progress;

/// Events of a document.
const DOCUMENT_EVENTS: usize = 500;
/// Events of the large document.
const LARGE_DOCUMENT_EVENTS: usize = 10_000;
/// Clients at once, where there are several.
const CLIENTS: usize = 4;
/// Documents of one event whose way to a proof is measured.
const PROVABLE_ROUNDS: usize = 20;
const EVENTS_MAX: usize = 2_000_000;
const TRACE_EVENTS_MAX: usize = 20_000_000;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events of each capture measurement.
    pub events: usize,
    /// Events in the trace's index; 0 leaves the trace out.
    pub trace_events: usize,
    /// A folder on the disk in question; the system's for temporary files where not given.
    pub folder: Option<PathBuf>,
}

/// A folder that goes away with all that is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: Option<&Path>) -> Result<Self, NodeError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = parent.join(format!("countermark-bench-{}", std::process::id()));
        let failed = |e| NodeError::Store(format!("{}: {e}", path.display()));
        std::fs::create_dir_all(&parent).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about what cannot be removed.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// Measures. What it writes is removed again.
///
/// # Errors
/// [`NodeError::Usage`] for numbers out of bounds; where the disk fails.
pub fn run(options: &Options, progress: &dyn Progress) -> Result<BenchReport, NodeError> {
    let (events, in_trace) = (options.events, options.trace_events);
    if !(DOCUMENT_EVENTS..=EVENTS_MAX).contains(&events) || in_trace > TRACE_EVENTS_MAX {
        return Err(NodeError::Usage(format!(
            "give {DOCUMENT_EVENTS} to {EVENTS_MAX} events and at most {TRACE_EVENTS_MAX} for the \
             trace"
        )));
    }
    let scratch = Scratch::new(options.folder.as_deref())?;
    let folder = scratch.0.as_path();
    let mut report = BenchReport {
        machine: machine::machine(folder)?,
        payload: payload(events)?,
        ..BenchReport::default()
    };
    progress.at("floor", 0, 1);
    report.floor = floor::run(folder, &capture::documents(0, events), events)?;
    captures(&folder.join("node"), events, &mut report, progress)?;
    report.capture_memory = machine::peak_memory();
    if in_trace > 0 {
        report.trace = trace::run(&folder.join("trace.db"), in_trace, progress)?;
    }
    report.peak_memory = machine::peak_memory();
    report.machine.load.1 = machine::load();
    Ok(report)
}

fn payload(events: usize) -> Result<Payload, NodeError> {
    let sample = sample::document(0, DOCUMENT_EVENTS);
    let read = document::read(&sample, Mode::Strict)
        .map_err(|_| NodeError::Store("the sample is not valid".to_owned()))?;
    let fields: usize = read.events.iter().map(|event| sample::fields(event.json())).sum();
    let each = |total: usize| total as f64 / DOCUMENT_EVENTS as f64;
    let (bytes_per_event, fields_per_event) = (each(sample.len()), each(fields));
    Ok(Payload { events, per_document: DOCUMENT_EVENTS, bytes_per_event, fields_per_event })
}

/// A node of its own: capture, proofs, space, opening again.
fn captures(
    folder: &Path,
    events: usize,
    report: &mut BenchReport,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let node = Node::init(folder, &Unlock::KeyFile, "Benchmark", None, None)?;
    let mut next = 0;
    let mut documents = |events: usize| {
        let documents = capture::documents(next, events);
        next += events;
        documents
    };
    report.one_client = capture::run(&node, documents(events), 1, progress)?;
    report.many_clients = capture::run(&node, documents(events), CLIENTS, progress)?;
    let large = vec![sample::document(2 * events, LARGE_DOCUMENT_EVENTS)];
    report.large_document = capture::run(&node, large, 1, progress)?;
    progress.at("proofs", 0, 1);
    let captured = 2 * events + LARGE_DOCUMENT_EVENTS;
    report.provable_ms = capture::until_provable(&node, captured, PROVABLE_ROUNDS)?;
    report.whole_event = proof::run(&node, events, "")?;
    report.one_field = proof::run(&node, events, "/bizStep")?;
    drop(node);
    let captured = captured + PROVABLE_ROUNDS;
    report.stores = space::run(folder, captured, report.payload.bytes_per_event)?;
    let begin = Instant::now();
    let opened = Node::open(folder, &Unlock::KeyFile, progress)?;
    report.open_ms = milliseconds(begin.elapsed());
    drop(opened);
    Ok(())
}

/// The time below which so many of a hundred lie.
fn percentile(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
