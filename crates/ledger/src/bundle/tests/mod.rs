//! Tests of bundles: what holds, and that nothing else does.

mod formats;
mod holds;
mod keys;
mod logs;
mod mutate;
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
