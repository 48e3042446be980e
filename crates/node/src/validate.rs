//! `validate`: an EPCIS document against the rules; nothing is stored, no data directory is needed.

use countermark_epcis::document::{self, Rejection};
use countermark_epcis::finding::any_error;
use countermark_epcis::{Finding, Mode};
use serde::{Deserialize, Serialize};

/// What the rules say of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// Whether it would be taken.
    pub valid: bool,
    /// How many events it has; 0 where it is not valid.
    pub events: u64,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// Whether it could not be read as a document at all.
    #[serde(skip)]
    pub unreadable: bool,
}

/// Checks a document.
#[must_use]
pub fn validate(bytes: &[u8], lenient: bool) -> Validity {
    let mode = if lenient { Mode::Lenient } else { Mode::Strict };
    match document::read(bytes, mode) {
        Ok(document) => Validity {
            valid: !any_error(&document.findings),
            events: document.events.len() as u64,
            findings: document.findings,
            unreadable: false,
        },
        Err(rejection) => refused(&rejection),
    }
}

fn refused(rejection: &Rejection) -> Validity {
    let (findings, unreadable) = (rejection.findings(), rejection.is_unreadable());
    Validity { valid: false, events: 0, findings, unreadable }
}
