//! What a benchmark found.

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct BenchReport {
    /// The machine and what ran on it beside us.
    pub machine: Machine,
    /// What was captured.
    pub payload: Payload,
    /// The floor: parse, facts, commitment, signature per group, append, sync per group.
    pub floor: Rate,
    /// Documents one after the other from one client.
    pub one_client: Capture,
    /// Documents from several clients at once.
    pub many_clients: Capture,
    /// One large document.
    pub large_document: Capture,
    /// From acknowledgement to a bundle of the event, in milliseconds: the longest of some.
    pub provable_ms: f64,
    /// A bundle of a whole event.
    pub whole_event: Proof,
    /// A bundle of one field.
    pub one_field: Proof,
    /// Bytes in the stores.
    pub stores: Vec<Share>,
    /// Opening the node again, in milliseconds.
    pub open_ms: f64,
    /// Trace.
    pub trace: Trace,
    /// Most memory the process had after capture, in bytes, if the system tells.
    pub capture_memory: Option<u64>,
    /// Most memory the process had at all, in bytes.
    pub peak_memory: Option<u64>,
}

/// The machine.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Its processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Load average of the last minute before and after.
    pub load: (Option<f64>, Option<f64>),
    /// Where the stores were.
    pub folder: String,
    /// Its file system, if the system tells.
    pub file_system: String,
    /// Milliseconds of an append of 4 KiB with its sync: median.
    pub sync_ms: f64,
}

/// What was captured.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    /// Events of each measurement.
    pub events: usize,
    /// Events of a document.
    pub per_document: usize,
    /// Bytes of JSON an event.
    pub bytes_per_event: f64,
    /// Values an event.
    pub fields_per_event: f64,
}

/// A rate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    /// Events.
    pub events: usize,
    /// Seconds.
    pub seconds: f64,
    /// Seconds of processor time, of all cores together, if the system tells.
    pub processor_seconds: Option<f64>,
}

impl Rate {
    /// Microseconds of processor time an event: what is left of the figure when others use the
    /// machine too.
    #[must_use]
    pub fn processor_us(&self) -> Option<f64> {
        self.processor_seconds.map(|seconds| seconds * 1e6 / self.events.max(1) as f64)
    }

    /// Events a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.events as f64 / self.seconds } else { 0.0 }
    }
}

/// A capture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Capture {
    /// Clients at once.
    pub clients: usize,
    /// The rate.
    pub rate: Rate,
    /// Milliseconds from handing a document over to its acknowledgement: median.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
}

/// A bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proof {
    /// The whole file.
    pub bundle_bytes: usize,
    /// What it carries once, however many events it proves.
    pub once_bytes: usize,
    /// The values that it discloses, as JSON.
    pub value_bytes: usize,
    /// What is left: the proof.
    pub proof_bytes: usize,
    /// Microseconds to make it: median.
    pub make_us: f64,
    /// Microseconds to read and verify it: median.
    pub verify_us: f64,
}

/// A store's part.
#[derive(Debug, Clone)]
pub struct Share {
    /// Its name.
    pub store: &'static str,
    /// Its bytes.
    pub bytes: u64,
    /// An event's.
    pub per_event: f64,
    /// Parts of the JSON's bytes.
    pub of_json: f64,
}

/// Trace.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trace {
    /// Events in the index.
    pub events: usize,
    /// How fast they went in.
    pub inserted: Rate,
    /// Levels.
    pub levels: usize,
    /// Traces.
    pub rounds: usize,
    /// Milliseconds of one: median.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
    /// Bytes of the index an event.
    pub bytes_per_event: f64,
}
