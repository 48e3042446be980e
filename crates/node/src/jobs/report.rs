//! What a job keeps of its document: sealed under the member's key, and bounded.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use countermark_epcis::Finding;
use countermark_store::desk::jobs::JobCounts;
use zeroize::Zeroizing;

use super::JobError;
use super::limits::{REPORT_BYTES_MAX, REPORT_FINDINGS_MAX, REPORT_IDS_MAX};
use crate::capture::CaptureReport;
use crate::error::{ErrorKind, NodeError};
use crate::keyring;
use crate::prepare::keyed;

/// What is sealed: a document in the inbox.
pub(super) const DOCUMENT: &[u8] = b"inbox document v1";
/// What is sealed: a finished job's report.
pub(super) const REPORT: &[u8] = b"job report v1";
const NONCE_LEN: usize = 12;

/// Each job and purpose has a key of its own, derived from the member's vault key.
fn cipher(vault_key: &[u8; 32], purpose: &[u8], id: &[u8; 16]) -> Aes256Gcm {
    let key = Zeroizing::new(keyed(vault_key, &[b"job", purpose, id]));
    Aes256Gcm::new(&(*key).into())
}

/// Encrypts (AES-256-GCM): nonce, then ciphertext, bound to the job and the purpose.
pub(crate) fn seal(
    vault_key: &[u8; 32],
    purpose: &[u8],
    id: &[u8; 16],
    plain: &[u8],
) -> Result<Vec<u8>, NodeError> {
    let nonce: [u8; NONCE_LEN] = keyring::random()?;
    let sealed = cipher(vault_key, purpose, id)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: purpose })
        .map_err(|_| NodeError::Store("a document cannot be encrypted".to_owned()))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Decrypts what [`seal`] made of the same job and purpose.
pub(crate) fn open(
    vault_key: &[u8; 32],
    purpose: &[u8],
    id: &[u8; 16],
    sealed: &[u8],
) -> Result<Vec<u8>, NodeError> {
    let damaged = || NodeError::Damaged {
        place: format!("inbox or desk, job {}", countermark_ledger::ids::hex(id)),
        what: "what was sealed does not open with the member's key".to_owned(),
    };
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
    cipher(vault_key, purpose, id)
        .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: purpose })
        .map_err(|_| damaged())
}

pub(super) fn counts(report: &CaptureReport) -> JobCounts {
    JobCounts {
        accepted: report.accepted.len() as u64,
        duplicates: report.duplicates.len() as u64,
        rejected: report.rejected.len() as u64,
        noticed: report.findings.len() as u64,
        quarantined: report.quarantined.len() as u64,
    }
}

/// An error as a sender may read it: the words of a failing store name places of the node's disk.
pub(super) fn told(error: &NodeError) -> NodeError {
    let kind = error.kind();
    let what = match kind {
        ErrorKind::Fatal => "a store of the node failed; its log says more".to_owned(),
        _ => error.to_string(),
    };
    NodeError::Told { kind, what }
}

/// The report as JSON, with so much left out of its lists that it stays within bounds.
pub(super) fn bounded(
    report: &CaptureReport,
    failed: Option<NodeError>,
) -> Result<Vec<u8>, NodeError> {
    let (mut ids, mut findings) = (REPORT_IDS_MAX, REPORT_FINDINGS_MAX);
    let mut kept = CaptureReport { unreadable: report.unreadable, failed, ..Default::default() };
    loop {
        kept.accepted = report.accepted.iter().take(ids).cloned().collect();
        kept.duplicates = report.duplicates.iter().take(ids).cloned().collect();
        kept.rejected = report.rejected.iter().take(findings).cloned().collect();
        kept.findings = report.findings.iter().take(findings).cloned().collect();
        kept.quarantined = report.quarantined.iter().take(findings).cloned().collect();
        let text = serde_json::to_vec(&kept)
            .map_err(|e| NodeError::Store(format!("a job's report cannot be written: {e}")))?;
        if text.len() <= REPORT_BYTES_MAX || ids + findings == 0 {
            return Ok(text);
        }
        (ids, findings) = (ids / 2, findings / 2);
    }
}

/// Everything for which a document was not taken, as problem details.
pub(super) fn errors(report: &CaptureReport) -> Vec<JobError> {
    let mut errors: Vec<JobError> =
        report.rejected.iter().map(|(_, finding)| of_finding(finding)).collect();
    errors.extend(report.quarantined.iter().map(|held| JobError {
        kind: format!("/docs/reference/rules#{}", held.kind),
        title: "A value is unknown".to_owned(),
        status: 422,
        detail: format!("\"{}\" is unknown", held.value),
        pointer: Some(held.place.clone()),
        rule: Some(held.kind.clone()),
        hint: Some(held.message.clone()),
    }));
    errors.extend(report.failed.as_ref().map(|failed| JobError {
        kind: "/docs/reference/problems#internal".to_owned(),
        title: "The node failed".to_owned(),
        status: 500,
        detail: failed.to_string(),
        pointer: None,
        rule: None,
        hint: Some("send the document again; what is recorded already stays once".to_owned()),
    }));
    errors
}

fn of_finding(finding: &Finding) -> JobError {
    JobError {
        kind: format!("/docs/reference/rules#{}", finding.rule),
        title: "What was sent breaks a rule".to_owned(),
        status: 422,
        detail: finding.message.clone(),
        pointer: Some(finding.pointer.clone()),
        rule: Some(finding.rule.clone()),
        hint: finding.suggestion.clone(),
    }
}
