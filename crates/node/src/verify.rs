//! `verify`: a bundle and a trust policy, and nothing else. No data directory, no keys, no network.

use countermark_epcis::json::Json;
use countermark_ledger::bundle::{self, Bundle, BundleError};
pub use countermark_ledger::bundle::{Check, CheckState, RecordReport, Report, Verdict};
pub use countermark_ledger::ids::hex;
pub use countermark_ledger::record::{Disclosed, Disclosure, Verified};
use countermark_ledger::trust::TrustPolicy;

use serde::{Deserialize, Serialize};

use crate::clock;
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

/// A verification as it is told to programs: the shape of `verify --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `holds`, `consistent; log key not checked` or `does not hold`.
    pub verdict: String,
    /// The answer in one sentence.
    pub message: String,
    /// Every step.
    pub checks: Vec<Step>,
    /// What all records show together.
    pub disclosed: Vec<Shown>,
    /// The first record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// The records, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Who made the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<BundleIssuer>,
    /// Up to where the log is that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Head>,
}

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is checked.
    pub check: String,
    /// `proven`, `contradicted` or `not checked`.
    pub state: String,
    /// In words: what holds, or what does not match.
    pub detail: String,
}

/// A value of an event, or that it has none there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// JSON pointer into the event; empty for the whole event.
    pub pointer: String,
    /// Whether there is no such value.
    pub absent: bool,
    /// The value.
    #[serde(default, with = "crate::shapes::present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

/// What is known of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What it shows.
    pub disclosed: Vec<Shown>,
    /// Its id, in hexadecimal.
    #[serde(rename = "recordID")]
    pub record_id: String,
    /// The member that recorded it, in hexadecimal.
    pub member: String,
    /// Its name, where the trust policy has it.
    pub member_name: Option<String>,
    /// Height of its block.
    pub height: u64,
    /// Time of its block.
    pub block_time: String,
}

/// Who made a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleIssuer {
    /// The member, in hexadecimal.
    pub member: String,
    /// Its name, where the trust policy has it.
    pub member_name: Option<String>,
    /// The key that signed the bundle, in hexadecimal.
    pub key: String,
    /// When, by its own clock.
    pub issued_at: String,
}

/// The head of the log that a bundle speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Name of the log.
    pub origin: String,
    /// Leaves in it.
    pub size: u64,
    /// Root of the tree, in hexadecimal.
    pub root: String,
    /// Height of the newest block.
    pub height: u64,
    /// Time of the newest block.
    pub block_time: String,
}

/// The word for what a check found.
#[must_use]
pub fn state_word(state: CheckState) -> &'static str {
    match state {
        CheckState::Proven => "proven",
        CheckState::Contradicted => "contradicted",
        CheckState::NotChecked => "not checked",
    }
}

/// What a record's openings show: the event, or each value; lengths and neighbours only serve to
/// show that something is absent. Of a class that is shown to hold nothing every member is absent.
#[must_use]
pub fn shown(verified: &Verified) -> Vec<Shown> {
    let one = |pointer: &str, value: Option<&Json>| Shown {
        pointer: pointer.to_owned(),
        absent: value.is_none(),
        value: value.cloned(),
    };
    if let Some(event) = &verified.event {
        return vec![one("", Some(event))];
    }
    let opened = verified.disclosures.iter().filter_map(|disclosure| match &disclosure.shown {
        Disclosed::Value(value) => Some(one(&disclosure.pointer, Some(value))),
        Disclosed::Absent => Some(one(&disclosure.pointer, None)),
        Disclosed::Length(_) | Disclosed::NoneBetween { .. } => None,
    });
    let mut all: Vec<Shown> = opened.collect();
    all.extend(lacking(verified).iter().map(|pointer| one(pointer, None)));
    all
}

/// Standard members that an event lacks because their whole class is empty.
#[must_use]
pub fn lacking(verified: &Verified) -> Vec<String> {
    let members = verified.empty.iter().flat_map(|class| class.members());
    let pointers = members.map(|name| format!("/{name}"));
    pointers.filter(|pointer| verified.shows_absent(pointer)).collect()
}

impl From<&Report> for Answer {
    fn from(report: &Report) -> Self {
        let step = |check: &Check| Step {
            check: check.check.clone(),
            state: state_word(check.state).to_owned(),
            detail: check.detail.clone(),
        };
        let record = |record: &RecordReport| Record {
            disclosed: shown(&record.verified),
            record_id: hex(&record.record_id),
            member: hex(&record.member),
            member_name: record.member_name.clone(),
            height: record.height,
            block_time: clock::moment(record.block_time_ms),
        };
        let records: Vec<Record> = report.records.iter().map(record).collect();
        Self {
            verdict: report.verdict.as_str().to_owned(),
            message: report.message.clone(),
            checks: report.checks.iter().map(step).collect(),
            disclosed: records.iter().flat_map(|record| record.disclosed.clone()).collect(),
            record: records.first().cloned(),
            records,
            issuer: report.issuer.as_ref().map(|issuer| BundleIssuer {
                member: hex(&issuer.member),
                member_name: issuer.member_name.clone(),
                key: hex(&issuer.key),
                issued_at: clock::moment(issuer.issued_at_ms),
            }),
            log: report.log.as_ref().map(|log| Head {
                origin: log.origin.clone(),
                size: log.size,
                root: hex(&log.root),
                height: log.height,
                block_time: clock::moment(log.time_ms),
            }),
        }
    }
}
