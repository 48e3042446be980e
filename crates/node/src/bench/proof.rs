//! Proof: size and time of bundles.

use std::time::Instant;

use countermark_epcis::json::Json;
use countermark_epcis::{Mode, document};
use countermark_ledger::bundle::{self, Bundle, Verdict};
use countermark_ledger::trust::TrustPolicy;

use super::report::Proof;
use super::{median, microseconds, sample};
use crate::error::NodeError;
use crate::node::Node;
use crate::scope::Scope;
use crate::stores::store_error;

const ROUNDS: usize = 200;
/// Apart from one another, so that no two stand in one batch.
const STRIDE: usize = 509;

/// Bundles of events among the first `events`, of the field at a pointer (empty: the whole event).
pub(super) fn run(node: &Node, events: usize, pointer: &str) -> Result<Proof, NodeError> {
    let trust = TrustPolicy::parse(node.trust()?.as_bytes()).map_err(|e| store_error(&e))?;
    let fields: Vec<String> = if pointer.is_empty() { vec![] } else { vec![pointer.to_owned()] };
    let (mut make, mut verify) = (Vec::new(), Vec::new());
    let mut proof = Proof::default();
    for round in 0..ROUNDS.min(events) {
        let number = round * STRIDE % events;
        let begin = Instant::now();
        let file = node.prove(&Scope::All, &sample::event_id(number), &fields)?;
        make.push(begin.elapsed());
        let begin = Instant::now();
        let bundle = Bundle::decode(&file.bundle).map_err(|e| store_error(&e))?;
        let report = bundle::verify(&bundle, Some(&trust));
        verify.push(begin.elapsed());
        if report.verdict != Verdict::Holds {
            return Err(NodeError::Store(format!("a bundle does not hold: {}", report.message)));
        }
        let sizes = sizes(&bundle, file.bundle.len(), value_bytes(number, pointer));
        if sizes.proof_bytes > proof.proof_bytes {
            proof = sizes;
        }
    }
    proof.of = if pointer.is_empty() { "event" } else { "field" }.to_owned();
    proof.make_microseconds = microseconds(median(&mut make));
    proof.verify_microseconds = microseconds(median(&mut verify));
    Ok(proof)
}

/// A record's part of a bundle is what a second one of it would add.
fn sizes(bundle: &Bundle, bundle_bytes: usize, value_bytes: usize) -> Proof {
    let mut twice = bundle.clone();
    twice.records.extend_from_within(..1);
    let record = twice.encode().len() - bundle_bytes;
    Proof {
        bundle_bytes,
        carried_once_bytes: bundle_bytes - record,
        value_bytes,
        proof_bytes: record.saturating_sub(value_bytes),
        ..Proof::default()
    }
}

fn value_bytes(number: usize, pointer: &str) -> usize {
    let Ok(read) = document::read(&sample::document(number, 1), Mode::Strict) else { return 0 };
    let value: Option<&Json> = read.events.first().and_then(|event| event.json().pointer(pointer));
    value.map_or(0, |value| value.to_text().len())
}
