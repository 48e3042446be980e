//! `bench`: what this machine gives, beside a floor of the same run.

use std::path::PathBuf;

use anyhow::Result;
use countermark_epcis::json::Json;
use countermark_node::bench::{self, BenchReport, Capture, Options, Proof, Rate};

use crate::HOLDS;
use crate::output::{Bar, number, object, say, say_json, text_or_null};

pub(crate) fn run(
    events: usize,
    trace_events: usize,
    data: Option<PathBuf>,
    json: bool,
) -> Result<u8> {
    let options = Options { events, trace_events, folder: data };
    let report = bench::run(&options, &Bar::new())?;
    if json {
        say_json(&to_json(&report))
    } else {
        say(&table(&report))
    }
    Ok(HOLDS)
}

const STATE_MACHINE: &str = "on (ordering local, one process)";
const SYNC: &str = "on (fdatasync of vault bodies, vault keys and journal for each block)";

fn load(value: Option<f64>) -> String {
    value.map_or_else(|| "?".to_owned(), |load| format!("{load:.2}"))
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / 1_048_576.0))
}

/// Rows of a name and what there is to say.
fn table(report: &BenchReport) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    let (machine, payload) = (&report.machine, &report.payload);
    row("machine", format!("{}, {} cores", machine.processor, machine.cores));
    row("load average", format!("{} before, {} after", load(machine.load.0), load(machine.load.1)));
    row(
        "disk",
        format!(
            "{} ({}), append and sync of 4 KiB: {:.2} ms",
            machine.folder, machine.file_system, machine.sync_ms
        ),
    );
    row("sync", SYNC.to_owned());
    row("state machine", STATE_MACHINE.to_owned());
    row(
        "payload",
        format!(
            "{} events each, {:.0} bytes of JSON and {:.0} fields an event, {} a document",
            payload.events, payload.bytes_per_event, payload.fields_per_event, payload.per_document
        ),
    );
    row(
        "floor",
        format!(
            "{:.0} events/s, {} (parse, facts, commitment, signature and sync for each document)",
            report.floor.per_second(),
            processor(&report.floor)
        ),
    );
    row("capture, one client", capture_text(&report.one_client, report));
    row(
        &format!("capture, {} clients", report.many_clients.clients),
        capture_text(&report.many_clients, report),
    );
    row(
        &format!("one document of {}", report.large_document.rate.events),
        capture_text(&report.large_document, report),
    );
    row("accepted to proved", format!("{:.1} ms (longest; one event)", report.provable_ms));
    row("proof of an event", proof_text(&report.whole_event));
    row("proof of a field", proof_text(&report.one_field));
    for share in &report.stores {
        row(
            &format!("space, {}", share.store),
            format!("{:.0} bytes an event, {:.2} x the JSON", share.per_event, share.of_json),
        );
    }
    row("opening the node", format!("{:.0} ms", report.open_ms));
    let trace = &report.trace;
    if trace.events > 0 {
        row(
            &format!("trace, {} events", trace.events),
            format!(
                "{} levels: p50 {:.2} ms, p99 {:.2} ms ({} traces, warm); filled with {:.0} \
                 events/s, {:.0} bytes an event",
                trace.levels,
                trace.p50_ms,
                trace.p99_ms,
                trace.rounds,
                trace.inserted.per_second(),
                trace.bytes_per_event
            ),
        );
    }
    row(
        "memory at most",
        format!(
            "{} until capture was done, {} at all",
            mebibytes(report.capture_memory),
            mebibytes(report.peak_memory)
        ),
    );
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

fn of_floor(capture: &Capture, report: &BenchReport) -> f64 {
    let floor = report.floor.per_second();
    if floor > 0.0 { capture.rate.per_second() / floor } else { 0.0 }
}

/// Processor time an event: other load on the machine changes it little.
fn processor(rate: &Rate) -> String {
    let us = rate.processor_us();
    us.map_or_else(String::new, |us| format!("{us:.0} us of processor an event"))
}

fn capture_text(capture: &Capture, report: &BenchReport) -> String {
    format!(
        "{:.0} events/s, {:.2} of the floor, {}; a document: p50 {:.1} ms, p99 {:.1} ms",
        capture.rate.per_second(),
        of_floor(capture, report),
        processor(&capture.rate),
        capture.p50_ms,
        capture.p99_ms
    )
}

fn proof_text(proof: &Proof) -> String {
    format!(
        "{} bytes of proof, {} of values, {} carried once: {}; made in {:.0} us, verified in {:.0} us",
        proof.proof_bytes,
        proof.value_bytes,
        proof.once_bytes,
        proof.bundle_bytes,
        proof.make_us,
        proof.verify_us
    )
}

fn decimal(value: f64) -> Json {
    number(format!("{value:.3}"))
}

fn optional(value: Option<impl ToString>) -> Json {
    value.map_or(Json::Null, number)
}

fn capture_json(capture: &Capture, report: &BenchReport) -> Json {
    object([
        ("clients", number(capture.clients)),
        ("events", number(capture.rate.events)),
        ("eventsPerSecond", decimal(capture.rate.per_second())),
        ("ofFloor", decimal(of_floor(capture, report))),
        ("processorMicrosecondsPerEvent", capture.rate.processor_us().map_or(Json::Null, decimal)),
        ("documentP50Ms", decimal(capture.p50_ms)),
        ("documentP99Ms", decimal(capture.p99_ms)),
    ])
}

fn proof_json(proof: &Proof) -> Json {
    object([
        ("bundleBytes", number(proof.bundle_bytes)),
        ("carriedOnceBytes", number(proof.once_bytes)),
        ("valueBytes", number(proof.value_bytes)),
        ("proofBytes", number(proof.proof_bytes)),
        ("makeMicroseconds", decimal(proof.make_us)),
        ("verifyMicroseconds", decimal(proof.verify_us)),
    ])
}

fn machine_json(report: &BenchReport) -> Json {
    let machine = &report.machine;
    let load = |value: Option<f64>| value.map_or(Json::Null, decimal);
    object([
        ("processor", Json::string(&*machine.processor)),
        ("cores", number(machine.cores)),
        ("loadBefore", load(machine.load.0)),
        ("loadAfter", load(machine.load.1)),
        ("folder", Json::string(&*machine.folder)),
        (
            "fileSystem",
            text_or_null(Some(&machine.file_system).filter(|f| !f.is_empty()).map(|f| &**f)),
        ),
        ("syncMs", decimal(machine.sync_ms)),
        ("sync", Json::string(SYNC)),
        ("stateMachine", Json::string(STATE_MACHINE)),
    ])
}

fn to_json(report: &BenchReport) -> Json {
    let (payload, trace) = (&report.payload, &report.trace);
    let stores = report.stores.iter().map(|share| {
        object([
            ("store", Json::string(share.store)),
            ("bytes", number(share.bytes)),
            ("bytesPerEvent", decimal(share.per_event)),
            ("ofJson", decimal(share.of_json)),
        ])
    });
    let stores = Json::Array(stores.collect());
    let payload = object([
        ("events", number(payload.events)),
        ("eventsPerDocument", number(payload.per_document)),
        ("jsonBytesPerEvent", decimal(payload.bytes_per_event)),
        ("fieldsPerEvent", decimal(payload.fields_per_event)),
    ]);
    let trace = object([
        ("events", number(trace.events)),
        ("insertedPerSecond", decimal(trace.inserted.per_second())),
        ("levels", number(trace.levels)),
        ("p50Ms", decimal(trace.p50_ms)),
        ("p99Ms", decimal(trace.p99_ms)),
        ("indexBytesPerEvent", decimal(trace.bytes_per_event)),
    ]);
    object([
        ("machine", machine_json(report)),
        ("payload", payload),
        ("floorEventsPerSecond", decimal(report.floor.per_second())),
        (
            "floorProcessorMicrosecondsPerEvent",
            report.floor.processor_us().map_or(Json::Null, decimal),
        ),
        ("captureOneClient", capture_json(&report.one_client, report)),
        ("captureManyClients", capture_json(&report.many_clients, report)),
        ("captureLargeDocument", capture_json(&report.large_document, report)),
        ("acceptedToProvedMs", decimal(report.provable_ms)),
        ("proofOfEvent", proof_json(&report.whole_event)),
        ("proofOfField", proof_json(&report.one_field)),
        ("stores", stores),
        ("openMs", decimal(report.open_ms)),
        ("trace", trace),
        ("captureMemoryBytes", optional(report.capture_memory)),
        ("peakMemoryBytes", optional(report.peak_memory)),
    ])
}
