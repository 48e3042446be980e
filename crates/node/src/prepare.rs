//! From an event to what is stored of it: tag, commitment, bodies, keys, facts.

use std::collections::HashMap;

use countermark_epcis::hash::{self, Profile};
use countermark_epcis::json::Json;
use countermark_epcis::{Event, Facts};
use countermark_ledger::ids::{Hash, RecordId};
use countermark_ledger::record::{self, FieldClass, RecordKeys};
use hmac::{Hmac, KeyInit, Mac};
use rayon::prelude::*;
use sha2::Sha256;

use crate::classes::Classes;
use crate::error::NodeError;
use crate::keyring;

/// Where an event came from, if from a foreign document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) system: String,
    pub(crate) document: String,
    pub(crate) line: String,
    /// Mapping and version.
    pub(crate) mapping: String,
}

/// An event on its way to the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) event: Event,
    /// SHA-256 of the document that brought it.
    pub(crate) document_digest: Hash,
    pub(crate) source: Option<Source>,
    pub(crate) tag: [u8; 32],
    /// Whether the document itself named the event.
    pub(crate) named: bool,
}

/// All that is stored of one event, but its place.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) record_id: RecordId,
    pub(crate) tag: [u8; 32],
    pub(crate) previous: Option<RecordId>,
    pub(crate) root: Hash,
    pub(crate) class_digests: [Hash; record::CLASS_COUNT],
    pub(crate) bodies: Vec<(FieldClass, Vec<u8>)>,
    pub(crate) keys: RecordKeys,
    pub(crate) facts: Facts,
    pub(crate) event_id: String,
    /// Whom its personal members are about.
    pub(crate) subject: Option<Vec<u8>>,
}

/// Makes idempotency tags (design 4.2): the same source line, event id or event content at the same
/// occurrence in a document gives the same tag; who has no key learns nothing from it.
pub(crate) struct Tagger<'a> {
    key: &'a [u8; 32],
    occurrences: HashMap<String, u64>,
    /// Names of personal members: no tag depends on them.
    personal: &'a [String],
}

const TAG_LINE: u8 = 1;
const TAG_EVENT_ID: u8 = 2;
const TAG_CONTENT: u8 = 3;

impl<'a> Tagger<'a> {
    /// For the events of one document.
    pub(crate) fn new(key: &'a [u8; 32], personal: &'a [String]) -> Self {
        Self { key, occurrences: HashMap::new(), personal }
    }

    pub(crate) fn tag(&mut self, event: &Event, source: Option<&Source>) -> [u8; 32] {
        let declared = event.json().pointer("/errorDeclaration/declarationTime");
        let declared = declared.and_then(Json::as_str).unwrap_or_default();
        let mut parts: Vec<&[u8]> = Vec::new();
        let (hashed, occurrence);
        match (source, event.event_id()) {
            (Some(source), _) => {
                parts.push(&[TAG_LINE]);
                parts
                    .extend([&source.system, &source.document, &source.line].map(String::as_bytes));
            }
            (None, Some(id)) => parts.extend([&[TAG_EVENT_ID][..], id.as_bytes()]),
            (None, None) => {
                hashed = hash::pre_hash_without(event, Profile::Cbv20V2026, self.personal);
                let count = self.occurrences.entry(hashed.clone()).or_default();
                occurrence = count.to_be_bytes();
                *count += 1;
                parts.extend([&[TAG_CONTENT][..], hashed.as_bytes(), &occurrence]);
            }
        }
        parts.push(declared.as_bytes());
        keyed(self.key, &parts)
    }
}

/// HMAC-SHA256 over parts, each behind its length, so that no two lists of parts are alike.
pub(crate) fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A random (version 4) UUID as URN, for events without an id.
pub(crate) fn random_event_id() -> Result<String, NodeError> {
    let mut bytes: [u8; 16] = keyring::random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = countermark_ledger::ids::hex(&bytes);
    let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Ok(format!("urn:uuid:{}", groups.join("-")))
}

/// What the ledger keeps of where an event came from: salted field values like all others.
fn provenance(incoming: &Incoming) -> Json {
    let mut provenance = Json::object();
    let digest = countermark_ledger::ids::hex(&incoming.document_digest);
    provenance.set("sourceDocument", Json::string(digest));
    if let Some(source) = &incoming.source {
        provenance.set("mapping", Json::string(&*source.mapping));
        provenance.set("sourceSystem", Json::string(&*source.system));
        provenance.set("sourceDocumentID", Json::string(&*source.document));
        provenance.set("sourceLine", Json::string(&*source.line));
    }
    provenance
}

/// Bytes of chance that one event needs: the keys of its classes and the id of its record.
const RANDOM_BYTES: usize = 32 * record::CLASS_COUNT + 16;

/// Prepares events. They have ids by now.
fn prepare_some(
    incoming: &[(Incoming, Option<RecordId>)],
    classes: &Classes,
) -> Result<Vec<Prepared>, NodeError> {
    let random = keyring::random_bytes(RANDOM_BYTES * incoming.len())?;
    let mut keys = Vec::with_capacity(incoming.len());
    let mut ids: Vec<RecordId> = Vec::with_capacity(incoming.len());
    for random in random.as_chunks::<RANDOM_BYTES>().0 {
        let (of_keys, of_id) = random.split_at(32 * record::CLASS_COUNT);
        keys.extend(of_keys.first_chunk().map(RecordKeys::from_random));
        ids.extend(of_id.first_chunk().copied());
    }
    let origins: Vec<Json> = incoming.iter().map(|(one, _)| provenance(one)).collect();
    let events: Vec<(&Json, &Json, &RecordKeys)> = incoming
        .iter()
        .zip(&origins)
        .zip(&keys)
        .map(|(((one, _), origin), keys)| (one.event.json(), origin, keys))
        .collect();
    let commitments = record::commit_many(&events, &classes.classification);
    let mut prepared = Vec::with_capacity(incoming.len());
    for (((commitment, keys), record_id), (one, previous)) in
        commitments.into_iter().zip(keys).zip(ids).zip(incoming)
    {
        let commitment = commitment.map_err(|e| NodeError::Refused(e.to_string()))?;
        prepared.push(Prepared {
            record_id,
            tag: one.tag,
            previous: *previous,
            root: commitment.root,
            class_digests: commitment.digests,
            bodies: commitment.bodies,
            keys,
            facts: one.event.facts(),
            event_id: one.event.event_id().unwrap_or_default().to_owned(),
            subject: classes.subject_of(one.event.json()),
        });
    }
    Ok(prepared)
}

/// Events that are prepared together: enough to fill the lanes of a processor that hashes many
/// things at once, few enough that cores share a document evenly.
const EVENTS_TOGETHER: usize = 32;

/// Prepares many events on all cores; the order stays.
pub(crate) fn prepare_all(
    incoming: &[(Incoming, Option<RecordId>)],
    classes: &Classes,
) -> Result<Vec<Prepared>, NodeError> {
    if incoming.len() <= EVENTS_TOGETHER {
        return prepare_some(incoming, classes);
    }
    let parts: Result<Vec<_>, NodeError> =
        incoming.par_chunks(EVENTS_TOGETHER).map(|part| prepare_some(part, classes)).collect();
    Ok(parts?.into_iter().flatten().collect())
}
