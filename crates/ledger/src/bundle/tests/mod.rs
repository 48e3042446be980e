//! Tests of bundles: what holds, and that nothing else does.

#![allow(clippy::print_stdout, reason = "figures are for reading")]

mod agree;
mod holds;
mod keys;
mod logs;
mod mutate;
mod operator;
mod reencode;
mod size;
mod tree;
mod world;

use super::*;
use crate::trust::TrustPolicy;

/// The first check that does not hold; the answer shows nothing beside it.
fn fault(bundle: &Bundle, trust: Option<&TrustPolicy>) -> String {
    let report = verify(bundle, trust);
    assert_eq!(report.verdict, Verdict::DoesNotHold, "it holds: {report:?}");
    assert_eq!((&report.log, &report.issuer, report.records.len()), (&None, &None, 0));
    assert!(report.message.starts_with("Does not hold: "), "{}", report.message);
    report.message["Does not hold: ".len()..].to_owned()
}

/// A sample of every shape of bundle, and a trust policy, for the frozen formats.
pub(crate) fn samples() -> Vec<(String, Vec<u8>)> {
    let ledger = world::Ledger::story(1);
    let names = ["whole event", "one field", "absent field", "several records", "several keys"];
    let bundles = world::bundles(&ledger, (world::PROCESSOR, 0));
    let samples = names.iter().zip(bundles);
    let mut samples: Vec<(String, Vec<u8>)> =
        samples.map(|(name, bundle)| (format!("bundle {name}"), bundle.encode())).collect();
    samples.push(("trust policy".into(), ledger.everyone().encode().into_bytes()));
    samples
}
