//! `verify`: a bundle and a trust policy, and nothing else. No data directory, no keys, no network.

use countermark_ledger::bundle::{self, Bundle, BundleError};
pub use countermark_ledger::bundle::{Check, CheckState, RecordReport, Report, Verdict};
pub use countermark_ledger::ids::hex;
pub use countermark_ledger::record::{Disclosed, Disclosure, Verified};
use countermark_ledger::trust::TrustPolicy;

use crate::error::NodeError;

/// Checks a bundle's file against a trust policy's file, if there is one.
///
/// # Errors
/// [`NodeError::Unreadable`] where a file is not what it should be at all. A file that begins as a
/// bundle but is not in the one encoding of a bundle is a report that says so.
pub fn verify(name: &str, file: &[u8], trust: Option<&[u8]>) -> Result<Report, NodeError> {
    let unreadable = |what: String| NodeError::Unreadable { place: name.to_owned(), what };
    let trust = trust
        .map(TrustPolicy::parse)
        .transpose()
        .map_err(|e| NodeError::Unreadable { place: "trust policy".into(), what: e.to_string() })?;
    match Bundle::decode(file) {
        Ok(bundle) => Ok(bundle::verify(&bundle, trust.as_ref())),
        Err(error @ (BundleError::Magic | BundleError::Size(_))) => {
            Err(unreadable(error.to_string()))
        }
        Err(error) => {
            let detail = error.to_string();
            let check = Check {
                check: "encoding".to_owned(),
                state: CheckState::Contradicted,
                detail: detail.clone(),
            };
            Ok(Report {
                verdict: Verdict::DoesNotHold,
                message: format!("Does not hold: encoding: {detail}."),
                checks: vec![check],
                log: None,
                issuer: None,
                records: Vec::new(),
            })
        }
    }
}
