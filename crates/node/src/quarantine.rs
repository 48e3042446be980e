//! What documents name and nobody knows: kept on the desk until it is known, never guessed.

use countermark_epcis::Finding;
use countermark_intake::Outcome;
use countermark_ledger::ids::hex;
use countermark_store::desk::{Kind, Quarantined, Seen, SeenDocument};

use crate::capture::Held;
use crate::error::NodeError;
use crate::keyring::MemberSecrets;
use crate::node::Node;
use crate::prepare::keyed;
use crate::scope::Scope;
use crate::stores::store_error;

/// Entries that one look shows.
const ENTRIES_MAX: u32 = 10_000;

impl Node {
    /// What waits in quarantine for the members that are seen, oldest first.
    ///
    /// # Errors
    /// Where the desk cannot be read.
    pub fn quarantine(&self, scope: &Scope) -> Result<Vec<Held>, NodeError> {
        let sequencer = self.lock();
        let entries =
            sequencer.stores.desk.quarantine(0, ENTRIES_MAX).map_err(|e| store_error(&e))?;
        let seen = entries.into_iter().filter(|(_, entry)| scope.holds(&entry.member));
        let held = seen.map(|(_, entry)| Held {
            file: entry.document_id,
            place: entry.place,
            kind: kind_name(entry.kind).to_owned(),
            value: entry.value,
            message: entry.message,
        });
        Ok(held.collect())
    }

    /// Notes on the desk what became of a foreign document; what it left in quarantine before is
    /// resolved when it is taken.
    ///
    /// Gives a warning where another version of the document was here before.
    pub(crate) fn note_document(
        &self,
        secrets: &MemberSecrets,
        outcome: &Outcome,
    ) -> Result<Option<Finding>, NodeError> {
        let member = secrets.id;
        // Outside the vault no plain digest of a document stands.
        let digest = keyed(&secrets.tag_key, &[b"document", &outcome.document.digest]);
        let id = if outcome.document.id.starts_with("sha256:") {
            format!("digest:{}", hex(&digest))
        } else {
            outcome.document.id.clone()
        };
        let mut sequencer = self.lock();
        let now = i64::try_from(sequencer.clock.now_ms()).unwrap_or(i64::MAX);
        let desk = &mut sequencer.stores.desk;
        for (_, entry) in desk.quarantine(0, ENTRIES_MAX).map_err(|e| store_error(&e))? {
            let same = entry.member == member
                && entry.source_system == outcome.document.system
                && entry.document_id == id;
            if same {
                // What is still unknown comes back in the entries below.
                desk.resolve(&member, entry.kind, &entry.source_system, &entry.value, now)
                    .map_err(|e| store_error(&e))?;
            }
        }
        let before = desk
            .seen(&member, &outcome.document.system, &id, &digest)
            .map_err(|e| store_error(&e))?;
        let warning = matches!(before, Seen::Changed(_)).then(|| {
            let what = format!("another version of document {} was here", outcome.document.id);
            Finding::warning("", "document-changed", what)
                .suggest("lines that are recorded already stay as they are")
        });
        let seen = SeenDocument {
            member,
            source_system: outcome.document.system.clone(),
            document_id: id.clone(),
            digest,
            seen_at_ms: now,
            outcome: if outcome.is_taken() { "taken" } else { "not taken" }.to_owned(),
        };
        let waiting: Vec<Quarantined> = outcome
            .quarantined
            .iter()
            .map(|held| Quarantined {
                member,
                source_system: outcome.document.system.clone(),
                document_id: id.clone(),
                place: held.place.clone(),
                kind: if held.rule == "unknown-item" { Kind::Item } else { Kind::Party },
                value: held.value.clone(),
                message: held.needed.clone(),
                since_ms: now,
            })
            .collect();
        desk.note_document(&seen, &waiting).map_err(|e| store_error(&e))?;
        Ok(warning)
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Party => "unknown-party",
        Kind::Site => "unknown-site",
        Kind::Item => "unknown-item",
        Kind::Unit => "unknown-unit",
    }
}
