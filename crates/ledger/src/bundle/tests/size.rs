//! Size and speed of the proof of one event in a large log.

use super::logs::Operator;
use super::world::{FARM, Ledger, PROCESSOR, sign_anew};
use super::*;
use std::time::Instant;

/// Proof bytes of one event at most, beyond its values and what a bundle carries once.
const PROOF_BYTES_MAX: usize = 4_096;
/// Hashes on the way from a statement to its block where the block holds as many as it may.
const FULL_BLOCK_PATH: usize = crate::limits::STATEMENTS_PER_BLOCK_MAX.ilog2() as usize;

/// A log of 2^20 leaves; its last block but one holds two batches of 500.
fn large() -> (Operator, usize) {
    let mut ledger = Ledger::story(1);
    let first = ledger.records.len();
    let both = [ledger.batch((PROCESSOR, 0), 500), ledger.batch((FARM, 1), 500)];
    ledger.accept(both.to_vec());
    let last = ledger.batch((PROCESSOR, 0), 1);
    ledger.accept(vec![last]);
    let mut operator = Operator::of(&ledger);
    operator.rebuild_with((1 << 20) - ledger.leaves.len());
    assert_eq!(operator.ledger.leaves.len(), 1 << 20);
    (operator, first)
}

#[test]
fn the_proof_of_one_event_in_a_log_of_a_million_leaves_is_at_most_4_kib() {
    let (operator, first) = large();
    let (record, issuer) = (first + 250, (FARM, 1));
    let sample = operator.bundle(issuer, record);
    let trust = operator.ledger.everyone();
    let once = sample.encode().len() - crate::cbor::encode(&record_value(&sample.records[0])).len();
    println!("carried once: {once} bytes");
    for pointers in [&[""][..], &["/quantityList/0/quantity"], &["/recordTime"]] {
        let mut bundle = sample.clone();
        let sources = &operator.ledger.records[record].sources;
        bundle.records[0].openings = crate::record::disclose(sources, pointers).unwrap().encode();
        sign_anew(&mut bundle, &operator.ledger.key(issuer));
        let report = verify(&bundle, Some(&trust));
        assert_eq!(report.verdict, Verdict::Holds, "{}", report.message);
        let proof = &bundle.records[0];
        assert!(proof.block.path.len() >= 19, "{}", proof.block.path.len());
        assert_eq!((proof.record_path.len(), proof.statement_path.len()), (9, 1));
        let event = &operator.ledger.records[record].event;
        let values = event.pointer(pointers[0]).map_or(0, |value| value.to_text().len());
        let beyond = crate::cbor::encode(&record_value(proof)).len() - values;
        let at_most = beyond + 32 * (FULL_BLOCK_PATH - proof.statement_path.len());
        assert!(at_most <= PROOF_BYTES_MAX, "{pointers:?}: {at_most} bytes");

        let runs = 50;
        let start = Instant::now();
        for _ in 0..runs {
            let read = Bundle::decode(&bundle.encode()).unwrap();
            assert_eq!(verify(&read, Some(&trust)).verdict, Verdict::Holds);
        }
        let whole = start.elapsed() / runs;
        println!(
            "{pointers:?}: {beyond} bytes of proof beyond {values} of values ({at_most} in a full \
             block); bundle of one: {} bytes, read and verified in {whole:?}",
            bundle.encode().len()
        );
    }
}

#[test]
fn what_is_carried_once_is_carried_once() {
    let ledger = {
        let mut ledger = Ledger::story(1);
        let batch = ledger.batch((PROCESSOR, 0), 200);
        ledger.accept(vec![batch]);
        ledger
    };
    let first = ledger.records.len() - 200;
    let shown: Vec<(usize, &[&str])> =
        (first..first + 100).map(|record| (record, &["/bizStep"][..])).collect();
    let one = ledger.bundle((FARM, 1), &shown[..1]);
    let many = ledger.bundle((FARM, 1), &shown);
    let each = crate::cbor::encode(&record_value(&one.records[0])).len();
    assert!(many.encode().len() < one.encode().len() + 99 * (each + 16));
    let start = Instant::now();
    assert_eq!(verify(&many, Some(&ledger.everyone())).verdict, Verdict::Holds);
    println!("a hundred records: {:?} each", start.elapsed() / 100);
}
