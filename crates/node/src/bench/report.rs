//! What a benchmark found: what is printed, kept and drawn, in one shape.

use serde::{Deserialize, Serialize};

/// Name of the shape, so that whoever draws a file knows what it reads.
pub const FORMAT: &str = "countermark-bench-1";

/// All of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BenchReport {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the program.
    pub version: String,
    /// When it began.
    pub time: String,
    /// The machine and what ran on it beside us.
    pub machine: Machine,
    /// What was on while events were captured.
    pub on: Vec<String>,
    /// What was captured.
    pub payload: Payload,
    /// The floor: parse, facts, commitment, signature per group, append, sync per group.
    pub floor: Rate,
    /// Captures, one after the other, all in one node.
    pub captures: Vec<Capture>,
    /// What a team would build itself, with the same events.
    pub peers: Vec<Peer>,
    /// From handing an event over to a bundle of it.
    pub provable: Provable,
    /// Bundles.
    pub proofs: Vec<Proof>,
    /// Bytes in the stores.
    pub stores: Vec<Share>,
    /// Opening the node again.
    pub opened: Opened,
    /// Trace, if it was measured.
    pub trace: Option<Trace>,
    /// Memory.
    pub memory: Memory,
    /// The figures that have a goal, each beside it.
    pub goals: Vec<Goal>,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Load average of the last minute before.
    pub load_before: Option<f64>,
    /// The same after.
    pub load_after: Option<f64>,
    /// The file system of the stores, if the system tells.
    pub file_system: Option<String>,
    /// Milliseconds of an append of 4 KiB with its sync: median.
    pub sync_ms: f64,
}

/// What was captured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// Events of each measurement.
    pub events: usize,
    /// Events of a document.
    pub events_per_document: usize,
    /// Bytes of JSON an event.
    pub json_bytes_per_event: f64,
    /// Values an event.
    pub fields_per_event: f64,
}

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Events.
    pub events: usize,
    /// Seconds.
    pub seconds: f64,
    /// Events a second.
    pub events_per_second: f64,
    /// Microseconds of processor time an event, of all cores together, if the system tells: what is
    /// left of the figure when others use the machine too.
    pub processor_microseconds_per_event: Option<f64>,
}

impl Rate {
    /// So many events in so many seconds.
    #[must_use]
    pub fn of(events: usize, seconds: f64, processor_seconds: Option<f64>) -> Self {
        let each = |seconds: f64| rounded(seconds * 1e6 / events.max(1) as f64);
        Self {
            events,
            seconds: rounded(seconds),
            events_per_second: if seconds > 0.0 { rounded(events as f64 / seconds) } else { 0.0 },
            processor_microseconds_per_event: processor_seconds.map(each),
        }
    }
}

/// A capture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capture {
    /// Clients at once.
    pub clients: usize,
    /// Events of a document.
    pub events_per_document: usize,
    /// The rate.
    #[serde(flatten)]
    pub rate: Rate,
    /// The rate as a part of the floor's.
    pub of_floor: f64,
    /// Milliseconds from handing a document over to its acknowledgement: median.
    pub document_p50_ms: f64,
    /// The same, 99 of 100.
    pub document_p99_ms: f64,
}

/// Something else that takes the same events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// What it is and how it was set.
    pub what: String,
    /// Clients at once.
    pub clients: usize,
    /// The rate; processor time is that of all its processes.
    #[serde(flatten)]
    pub rate: Rate,
    /// Milliseconds of a document: median.
    pub document_p50_ms: f64,
    /// The same, 99 of 100.
    pub document_p99_ms: f64,
    /// Bytes on disk an event.
    pub bytes_per_event: f64,
    /// Our rate with as many clients, as a multiple of this one.
    pub ours_of_it: f64,
}

/// From handing an event over to a bundle of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provable {
    /// Documents of one event.
    pub rounds: usize,
    /// Milliseconds: median.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
}

/// A bundle; of several, the one with the largest proof.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// What it proves: `event` or `field`.
    pub of: String,
    /// The whole file.
    pub bundle_bytes: usize,
    /// What it carries once, however many events it proves.
    pub carried_once_bytes: usize,
    /// The values that it discloses, as JSON.
    pub value_bytes: usize,
    /// What is left: the proof.
    pub proof_bytes: usize,
    /// Microseconds to make it: median.
    pub make_microseconds: f64,
    /// Microseconds to read and verify it: median.
    pub verify_microseconds: f64,
}

/// A store's part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Its name; `all` for their sum.
    pub store: String,
    /// Its bytes.
    pub bytes: u64,
    /// An event's.
    pub bytes_per_event: f64,
    /// Parts of the JSON's bytes.
    pub of_json: f64,
}

/// A node that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Events in it.
    pub events: usize,
    /// Milliseconds to open it.
    pub open_ms: f64,
    /// Memory of its process while nothing is asked of it, in bytes; of a process of its own.
    pub idle_bytes: Option<u64>,
}

/// Trace.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Events in the index.
    pub events: usize,
    /// How fast they went in.
    pub inserted_per_second: f64,
    /// Levels.
    pub levels: usize,
    /// Traces.
    pub rounds: usize,
    /// Milliseconds of one: median.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
    /// Bytes of the index an event.
    pub index_bytes_per_event: f64,
    /// Lots that one lot went into.
    pub recall_lots: usize,
    /// Milliseconds to find all of them: the longest of some.
    pub recall_ms: f64,
}

/// Memory of the process that measured, in bytes, if the system tells.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The most until capture was done.
    pub capture_bytes: Option<u64>,
    /// The most at all.
    pub peak_bytes: Option<u64>,
}

/// A figure beside its goal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// What it is.
    pub name: String,
    /// The figure.
    pub figure: f64,
    /// The goal.
    pub goal: f64,
    /// Their unit.
    pub unit: String,
    /// Whether the figure is to be at most the goal; at least, otherwise.
    pub at_most: bool,
    /// Whether it is reached.
    pub reached: bool,
}

/// Three decimals: more are noise.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
