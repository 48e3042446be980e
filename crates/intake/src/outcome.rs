//! What a document gives: events, or the reasons why it gives none.

use countermark_epcis::Finding;
use countermark_epcis::json::Json;

use crate::limits;

/// What became of one document.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// EPCIS events, each with its `@context`; empty when anything is wrong or unknown.
    pub events: Vec<Json>,
    /// Remarks; the pointer is the place in the document.
    pub findings: Vec<Finding>,
    /// What is unknown: the document waits until master data has it.
    pub quarantined: Vec<Quarantined>,
    /// What the document announces without it having happened, such as a planned transport.
    pub expectations: Vec<Json>,
    /// The document itself.
    pub document: DocumentInfo,
    /// For each event, what its idempotency tag is made of.
    pub lines: Vec<LineKey>,
}

/// Identity of a source document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentInfo {
    /// What it is, such as `X12 856`.
    pub kind: String,
    /// Its number in the source system; `sha256:` and the digest where it has none.
    pub id: String,
    /// The system that issued it; the mapping's name where the document does not say.
    pub system: String,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

/// One line of a source document: the same line always gives the same event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LineKey {
    /// The system that issued the document.
    pub system: String,
    /// The document's number there.
    pub document: String,
    /// The line in it.
    pub line: String,
}

/// A value that nothing is known about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The document's number.
    pub document: String,
    /// Where the value stands.
    pub place: String,
    /// The value.
    pub value: String,
    /// Short stable name: `unknown-party` or `unknown-item`.
    pub rule: &'static str,
    /// What has to be added to master data.
    pub needed: String,
}

impl Outcome {
    /// Whether the document was taken: no error, nothing unknown.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.quarantined.is_empty() && !countermark_epcis::finding::any_error(&self.findings)
    }

    /// Keeps the first findings, errors before the rest, and counts what was left out.
    pub(crate) fn bound_findings(&mut self, already: usize) {
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let left_out = self.findings.len().saturating_sub(limits::FINDINGS_MAX) + already;
        self.findings.truncate(limits::FINDINGS_MAX);
        if left_out > 0 {
            let message = format!("{left_out} further findings are not listed");
            self.findings.push(Finding::note("document", "findings-left-out", message));
        }
        self.quarantined.truncate(limits::FINDINGS_MAX);
    }
}
