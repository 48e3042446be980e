//! Capture: the same events through [`Node::capture`].

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::machine::Stopwatch;
use super::report::{Capture, Provable, Rate, rounded};
use super::{DOCUMENT_EVENTS, median, milliseconds, percentile, sample};
use crate::capture::InputFile;
use crate::error::NodeError;
use crate::node::Node;
use crate::progress::{Progress, Silent};
use crate::scope::Scope;

/// Documents of the events from one number on.
pub(super) fn documents(first: usize, events: usize) -> Vec<Vec<u8>> {
    let count = |at: usize| (events - at).min(DOCUMENT_EVENTS);
    (0..events).step_by(DOCUMENT_EVENTS).map(|at| sample::document(first + at, count(at))).collect()
}

/// Captures one document; gives how many of its events were accepted.
fn take(node: &Node, bytes: Vec<u8>) -> Result<usize, NodeError> {
    let file = InputFile { name: "sample".to_owned(), bytes };
    let report = node.capture(None, &[file], false, &Silent)?;
    match report.rejected.first() {
        Some((_, finding)) => Err(NodeError::Refused(finding.message.clone())),
        None => Ok(report.accepted.len()),
    }
}

/// Captures documents, `clients` at a time; every one is waited for.
pub(super) fn run(
    node: &Node,
    documents: Vec<Vec<u8>>,
    clients: usize,
    floor: &Rate,
    progress: &dyn Progress,
) -> Result<Capture, NodeError> {
    let total = documents.len();
    let waiting = Mutex::new(documents.into_iter());
    let (done, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let label = format!("documents captured, clients at once: {clients}");
    let watch = Stopwatch::start();
    let client = || {
        let mut times: Vec<Duration> = Vec::new();
        loop {
            let next = waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
            let Some(bytes) = next else { return Ok(times) };
            let handed_over = Instant::now();
            taken.fetch_add(take(node, bytes)?, Ordering::Relaxed);
            times.push(handed_over.elapsed());
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress.at(&label, done as u64, total as u64);
        }
    };
    let times: Result<Vec<Vec<Duration>>, NodeError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let ended = || NodeError::Store("a thread ended".to_owned());
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(ended()))).collect()
    });
    let mut times = times?.concat();
    let rate = watch.rate(taken.into_inner());
    let of_floor = rate.events_per_second / floor.events_per_second.max(1.0);
    Ok(Capture {
        clients,
        events_per_document: rate.events / total.max(1),
        rate,
        of_floor: rounded(of_floor),
        document_p50_ms: milliseconds(median(&mut times)),
        document_p99_ms: milliseconds(percentile(&mut times, 99)),
    })
}

/// Times from handing over a document of one event to its bundle.
pub(super) fn until_provable(
    node: &Node,
    first: usize,
    rounds: usize,
) -> Result<Provable, NodeError> {
    // What was captured before is no matter of these: this waits for the index.
    node.prove(&Scope::All, &sample::event_id(0), &[])?;
    let mut times = Vec::with_capacity(rounds);
    for number in first..first + rounds {
        let bytes = sample::document(number, 1);
        let begin = Instant::now();
        take(node, bytes)?;
        node.prove(&Scope::All, &sample::event_id(number), &[])?;
        times.push(begin.elapsed());
    }
    let (p50_ms, p99_ms) =
        (milliseconds(median(&mut times)), milliseconds(percentile(&mut times, 99)));
    Ok(Provable { rounds, p50_ms, p99_ms })
}
