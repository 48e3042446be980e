//! `bench`: what this machine gives, beside a floor of the same run on the same disk.

mod capture;
mod floor;
mod goals;
mod machine;
mod proof;
mod report;
mod sample;
mod space;
mod trace;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countermark_epcis::{Mode, document};

pub use goals::JSONB_PEER;
pub use report::{
    BenchReport, Capture, FORMAT, Goal, Machine, Memory, Opened, Payload, Peer, Proof, Provable,
    Rate, Share, Trace,
};

use crate::clock::{self, ClockSource};
use crate::error::NodeError;
use crate::keyring::Unlock;
use crate::node::Node;
use crate::progress::{Progress, Silent};
use report::rounded;

/// The name of the last result in a data directory, for whoever draws it.
pub const RESULT_FILE: &str = "bench.json";
/// What is on while events are captured.
const ON: [&str; 7] = [
    "validation against EPCIS 2.0 and CBV",
    "commitment to every field, salted",
    "encryption of every body with keys of its own, compressed",
    "index of events and trace",
    "fdatasync of vault bodies, vault keys and journal for each block",
    "a signed statement for each batch of 500, a signed checkpoint for each block",
    "state machine, ordering local, one process",
];
/// Events of a document.
pub const DOCUMENT_EVENTS: usize = 500;
/// Events of the large document.
const LARGE_DOCUMENT_EVENTS: usize = 10_000;
/// Clients at once, where there are several.
pub const CLIENTS: usize = 4;
/// Documents of one event whose way to a proof is measured.
const PROVABLE_ROUNDS: usize = 100;
/// How long an opened node rests before its memory is looked at.
const IDLE: Duration = Duration::from_millis(500);
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
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new folder below the one given; below the system's for temporary files where none is.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(parent: Option<&Path>, name: &str) -> Result<Self, NodeError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = parent.join(format!("countermark-{name}-{}", std::process::id()));
        let failed = |e| NodeError::Store(format!("{}: {e}", path.display()));
        std::fs::create_dir_all(&parent).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about what cannot be removed.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a node where nothing was before it, as a process of its own does.
pub type Opener<'a> = &'a dyn Fn(&Path) -> Result<Opened, NodeError>;

/// Measures. What it writes is removed again. `opener` opens the node in another process; without
/// it the node is opened in this one, whose memory says nothing.
///
/// # Errors
/// [`NodeError::Usage`] for numbers out of bounds; where the disk fails.
pub fn run(
    options: &Options,
    opener: Option<Opener<'_>>,
    progress: &dyn Progress,
) -> Result<BenchReport, NodeError> {
    let (events, in_trace) = (options.events, options.trace_events);
    if !(DOCUMENT_EVENTS..=EVENTS_MAX).contains(&events) || in_trace > TRACE_EVENTS_MAX {
        return Err(NodeError::Usage(format!(
            "give {DOCUMENT_EVENTS} to {EVENTS_MAX} events and at most {TRACE_EVENTS_MAX} for the \
             trace"
        )));
    }
    let scratch = Scratch::new(options.folder.as_deref(), "bench")?;
    let folder = scratch.path();
    let mut report = BenchReport {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: clock::moment(ClockSource::system().read().wall_ms),
        machine: machine::machine(folder)?,
        on: ON.map(str::to_owned).to_vec(),
        payload: payload(events)?,
        ..BenchReport::default()
    };
    progress.at("floor", 0, 1);
    report.floor = floor::run(folder, &capture::documents(0, events), events)?;
    captures(&folder.join("node"), events, opener, &mut report, progress)?;
    if in_trace > 0 {
        report.trace = Some(trace::run(&folder.join("trace.db"), in_trace, progress)?);
    }
    report.memory.peak_bytes = machine::peak_memory();
    report.machine.load_after = machine::load();
    report.compare();
    Ok(report)
}

/// Opens a node in this process, which did nothing else, and lets it rest.
///
/// # Errors
/// As [`Node::open`].
pub fn opened(folder: &Path, events: usize) -> Result<Opened, NodeError> {
    let begin = Instant::now();
    let node = Node::open(folder, &Unlock::KeyFile, &Silent)?;
    let open_ms = milliseconds(begin.elapsed());
    std::thread::sleep(IDLE);
    let idle_bytes = machine::memory();
    drop(node);
    Ok(Opened { events, open_ms, idle_bytes })
}

/// The events that are captured, as texts: from one number on.
#[must_use]
pub fn sample_events(first: usize, count: usize) -> Vec<String> {
    (first..first + count).map(|number| sample::event(number as u64)).collect()
}

/// The capture document of the same events.
#[must_use]
pub fn sample_document(first: usize, count: usize) -> Vec<u8> {
    sample::document(first, count)
}

/// The id of one of them.
#[must_use]
pub fn sample_event_id(number: usize) -> String {
    sample::event_id(number)
}

fn payload(events: usize) -> Result<Payload, NodeError> {
    let sample = sample::document(0, DOCUMENT_EVENTS);
    let read = document::read(&sample, Mode::Strict)
        .map_err(|_| NodeError::Store("the sample is not valid".to_owned()))?;
    let fields: usize = read.events.iter().map(|event| sample::fields(event.json())).sum();
    let each = |total: usize| total as f64 / DOCUMENT_EVENTS as f64;
    Ok(Payload {
        events,
        events_per_document: DOCUMENT_EVENTS,
        json_bytes_per_event: rounded(each(sample.len())),
        fields_per_event: rounded(each(fields)),
    })
}

/// A node of its own: capture, proofs, space, opening again.
fn captures(
    folder: &Path,
    events: usize,
    opener: Option<Opener<'_>>,
    report: &mut BenchReport,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let node = Node::init(folder, &Unlock::KeyFile, "Benchmark", None, None)?;
    for (round, clients) in [1, CLIENTS].into_iter().enumerate() {
        let documents = capture::documents(round * events, events);
        report.captures.push(capture::run(&node, documents, clients, &report.floor, progress)?);
    }
    let large = vec![sample::document(2 * events, LARGE_DOCUMENT_EVENTS)];
    report.captures.push(capture::run(&node, large, 1, &report.floor, progress)?);
    report.memory.capture_bytes = machine::peak_memory();
    progress.at("proofs", 0, 1);
    let captured = 2 * events + LARGE_DOCUMENT_EVENTS;
    report.provable = capture::until_provable(&node, captured, PROVABLE_ROUNDS)?;
    report.proofs = vec![proof::run(&node, events, "")?, proof::run(&node, events, "/bizStep")?];
    drop(node);
    let captured = captured + PROVABLE_ROUNDS;
    report.stores = space::run(folder, captured, report.payload.json_bytes_per_event)?;
    let here = |folder: &Path| opened(folder, captured).map(|o| Opened { idle_bytes: None, ..o });
    report.opened = opener.map_or_else(|| here(folder), |open| open(folder))?;
    report.opened.events = captured;
    Ok(())
}

/// The time below which so many of a hundred lie.
#[must_use]
pub fn percentile(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

/// Milliseconds, with three decimals.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}

fn microseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6)
}
