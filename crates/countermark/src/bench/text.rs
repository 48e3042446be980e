//! A result as a person reads it.

use countermark_node::bench::{BenchReport, Capture, Goal, Peer, Proof, Rate};

/// Rows of a name and what there is to say.
type Rows = Vec<(String, String)>;

fn row(rows: &mut Rows, name: &str, value: String) {
    rows.push((name.to_owned(), value));
}

pub(super) fn table(report: &BenchReport) -> String {
    let mut rows = Rows::new();
    conditions(report, &mut rows);
    rates(report, &mut rows);
    others(report, &mut rows);
    for goal in &report.goals {
        let name = if goal.reached { "goal reached" } else { "GOAL MISSED" };
        row(&mut rows, name, goal_text(goal));
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

fn conditions(report: &BenchReport, rows: &mut Rows) {
    let (machine, payload) = (&report.machine, &report.payload);
    let load = |value: Option<f64>| value.map_or("?".to_owned(), |load| format!("{load:.2}"));
    row(rows, "machine", format!("{}, {} cores", machine.processor, machine.cores));
    let (before, after) = (load(machine.load_before), load(machine.load_after));
    row(rows, "load average", format!("{before} before, {after} after"));
    let disk = machine.file_system.as_deref().unwrap_or("?");
    row(rows, "disk", format!("{disk}, append and sync of 4 KiB: {:.2} ms", machine.sync_ms));
    for on in &report.on {
        row(rows, "on", on.clone());
    }
    row(
        rows,
        "payload",
        format!(
            "{} events each, {:.0} bytes of JSON and {:.0} fields an event, {} a document",
            payload.events,
            payload.json_bytes_per_event,
            payload.fields_per_event,
            payload.events_per_document
        ),
    );
}

fn rates(report: &BenchReport, rows: &mut Rows) {
    let per_second = report.floor.events_per_second;
    row(
        rows,
        "floor",
        format!(
            "{per_second:.0} events/s, {}(parse, facts, commitment, signature and sync for each \
             document)",
            processor(&report.floor)
        ),
    );
    for capture in &report.captures {
        row(rows, &capture_name(capture), capture_text(capture));
    }
    for peer in &report.peers {
        row(rows, &format!("{}, {}", peer.name, clients(peer.clients)), peer_text(peer));
    }
}

fn others(report: &BenchReport, rows: &mut Rows) {
    let provable = &report.provable;
    row(
        rows,
        "handed over to provable",
        format!(
            "p50 {:.1} ms, p99 {:.1} ms ({} documents of one event)",
            provable.p50_ms, provable.p99_ms, provable.rounds
        ),
    );
    for proof in &report.proofs {
        row(rows, &format!("proof of one {}", proof.of), proof_text(proof));
    }
    for share in &report.stores {
        let (each, of_json) = (share.bytes_per_event, share.of_json);
        let text = format!("{each:.0} bytes an event, {of_json:.2} x the JSON");
        row(rows, &format!("space, {}", share.store), text);
    }
    let opened = &report.opened;
    row(
        rows,
        "opened again",
        format!(
            "{} events in {:.0} ms; idle memory {}",
            opened.events,
            opened.open_ms,
            mebibytes(opened.idle_bytes)
        ),
    );
    if let Some(trace) = &report.trace {
        row(
            rows,
            &format!("trace, {} events", trace.events),
            format!(
                "{} levels: p50 {:.2} ms, p99 {:.2} ms ({} traces, warm); filled with {:.0} \
                 events/s, {:.0} bytes an event",
                trace.levels,
                trace.p50_ms,
                trace.p99_ms,
                trace.rounds,
                trace.inserted_per_second,
                trace.index_bytes_per_event
            ),
        );
        let text = format!("{:.0} ms (longest)", trace.recall_ms);
        row(rows, &format!("recall, {} lots", trace.recall_lots), text);
    }
    let (capture, peak) = (report.memory.capture_bytes, report.memory.peak_bytes);
    let text = format!("{} until capture was done, {} at all", mebibytes(capture), mebibytes(peak));
    row(rows, "memory at most", text);
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / 1_048_576.0))
}

fn clients(clients: usize) -> String {
    if clients == 1 { "one client".to_owned() } else { format!("{clients} clients") }
}

fn capture_name(capture: &Capture) -> String {
    if capture.rate.events == capture.events_per_document {
        format!("one document of {}", capture.rate.events)
    } else {
        format!("capture, {}", clients(capture.clients))
    }
}

/// Processor time an event: other load on the machine changes it little.
fn processor(rate: &Rate) -> String {
    let us = rate.processor_microseconds_per_event;
    us.map_or_else(String::new, |us| format!("{us:.0} us of processor an event; "))
}

fn capture_text(capture: &Capture) -> String {
    format!(
        "{:.0} events/s, {:.2} of the floor, {}a document: p50 {:.1} ms, p99 {:.1} ms",
        capture.rate.events_per_second,
        capture.of_floor,
        processor(&capture.rate),
        capture.document_p50_ms,
        capture.document_p99_ms
    )
}

fn peer_text(peer: &Peer) -> String {
    format!(
        "{:.0} events/s (ours: {:.2} of it), {}a document: p50 {:.1} ms, p99 {:.1} ms; {:.0} bytes \
         an event; {}",
        peer.rate.events_per_second,
        peer.ours_of_it,
        processor(&peer.rate),
        peer.document_p50_ms,
        peer.document_p99_ms,
        peer.bytes_per_event,
        peer.what
    )
}

fn proof_text(proof: &Proof) -> String {
    format!(
        "{} bytes of proof, {} of values, {} carried once: {}; made in {:.0} us, verified in {:.0} us",
        proof.proof_bytes,
        proof.value_bytes,
        proof.carried_once_bytes,
        proof.bundle_bytes,
        proof.make_microseconds,
        proof.verify_microseconds
    )
}

fn goal_text(goal: &Goal) -> String {
    let bound = if goal.at_most { "at most" } else { "at least" };
    format!("{}: {:.2} {}, {bound} {}", goal.name, goal.figure, goal.unit, goal.goal)
}
