//! What a document would become: the same steps as capturing it, up to the one that stores.

use countermark_epcis::Mode;
use countermark_epcis::document;
use countermark_epcis::finding::{Finding, Severity};
use countermark_epcis::json::Json;
use countermark_intake::mapping::{IntakeError, Mapping};
use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::capture::{Batch, Held, InputFile, held, versioned};
use crate::error::NodeError;
use crate::node::Node;

/// Events that a preview shows at most; it counts the others.
pub const PREVIEW_EVENTS_MAX: usize = 200;

/// What a document would become, and nothing of it stored.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Preview {
    /// Its events, the first [`PREVIEW_EVENTS_MAX`] of them; the ids of those without one are given
    /// when they are recorded.
    pub events: Vec<Json>,
    /// Where each of them stands in the document.
    pub places: Vec<String>,
    /// How many events it has.
    pub total: u64,
    /// How many of them would be recorded.
    pub fresh: u64,
    /// How many of them are recorded already.
    pub duplicates: u64,
    /// Why it would not be taken.
    pub rejected: Vec<Finding>,
    /// What is noticed.
    pub findings: Vec<Finding>,
    /// Unknown parties, items and places.
    pub quarantined: Vec<Held>,
    /// Whether it cannot be read as what it should be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
}

impl Preview {
    /// Whether the document would be taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.rejected.is_empty() && self.quarantined.is_empty()
    }
}

impl Node {
    /// What an EPCIS document would become. Nothing is stored.
    ///
    /// # Errors
    /// [`NodeError`] where the node itself fails.
    pub fn capture_preview(
        &self,
        by: &Principal,
        member: Option<&str>,
        file: &InputFile,
        lenient: bool,
    ) -> Result<Preview, NodeError> {
        let member = self.held(&self.member_in(&by.scope(), member)?)?;
        let mode = if lenient { Mode::Lenient } else { Mode::Strict };
        let mut preview = Preview::default();
        match document::read(&file.bytes, mode) {
            Ok(document) => {
                preview.findings.clone_from(&document.findings);
                let batch = self.epcis_batch(&member, file, document);
                self.preview(batch, &mut preview)?;
            }
            Err(rejection) => {
                preview.unreadable = rejection.is_unreadable();
                preview.rejected = rejection.findings();
            }
        }
        Ok(preview)
    }

    /// What a mapping would make of a document. Nothing is stored.
    ///
    /// # Errors
    /// [`NodeError`] where the node itself fails.
    pub fn import_preview(
        &self,
        by: &Principal,
        member: Option<&str>,
        mapping: &Mapping,
        file: &InputFile,
    ) -> Result<Preview, NodeError> {
        let member = self.held(&self.member_in(&by.scope(), member)?)?;
        let mut preview = Preview::default();
        let outcome = match mapping.import(&file.bytes, &self.master_data_of(&member.id)?) {
            Ok(outcome) => outcome,
            Err(error) => {
                preview.unreadable = matches!(error, IntakeError::Read(_));
                preview.rejected.push(Finding::error("", "document.read", error.to_string()));
                return Ok(preview);
            }
        };
        preview.quarantined = held(file, &outcome).collect();
        let (errors, noticed): (Vec<Finding>, Vec<Finding>) =
            outcome.findings.iter().cloned().partition(|f| f.severity == Severity::Error);
        (preview.rejected, preview.findings) = (errors, noticed);
        if outcome.is_taken() {
            match self.mapped_batch(&member, file, &outcome, &versioned(mapping)) {
                Ok(batch) => self.preview(batch, &mut preview)?,
                Err(faults) => preview.rejected.extend(faults),
            }
        }
        Ok(preview)
    }

    fn preview(&self, batch: Batch, preview: &mut Preview) -> Result<(), NodeError> {
        let shown = batch.incoming.iter().take(PREVIEW_EVENTS_MAX);
        preview.events = shown.map(|incoming| incoming.event.json().clone()).collect();
        preview.places = batch.places.iter().take(PREVIEW_EVENTS_MAX).cloned().collect();
        preview.total = batch.incoming.len() as u64;
        let sorted = self.sort_out(batch)?;
        preview.fresh = sorted.fresh.len() as u64;
        preview.duplicates = preview.total - preview.fresh - sorted.faults.len() as u64;
        preview.findings.extend(sorted.erased);
        preview.rejected.extend(sorted.faults);
        Ok(())
    }
}
