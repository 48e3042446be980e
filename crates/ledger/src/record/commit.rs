//! Commitment to an event: class digests, root and the bodies that the vault keeps.

use super::class::{CLASS_COUNT, Classification, FieldClass};
use super::keys::{ClassKey, RecordKeys};
use super::part::{BodyError, CommitError, Part, split};
use super::tree::{Hasher, dummy_digest};
use crate::record_header::record_root;
use countermark_epcis::json::Json;
use countermark_tlog::merkle::Hash;

/// What the ledger and the vault take from one event.
#[derive(Debug, Clone)]
pub struct Commitment {
    /// Digest of every class, in class order; a class without content has a dummy.
    pub digests: [Hash; CLASS_COUNT],
    /// Root over the digests.
    pub root: Hash,
    /// Body of every class that holds something, in class order; the identity class always does.
    pub bodies: Vec<(FieldClass, Vec<u8>)>,
}

/// Commits to an event.
///
/// `event` is the event object with its `@context`; `provenance` an object whose members become
/// `/_provenance/…` fields. Which classes hold something does not show in the digests.
///
/// # Errors
/// [`CommitError`] where the event is no object, uses a reserved name or is too large.
pub fn commit(
    event: &Json,
    provenance: &Json,
    classification: &Classification,
    keys: &RecordKeys,
) -> Result<Commitment, CommitError> {
    let parts = split(event, provenance, classification)?;
    let mut hasher = Hasher::default();
    let mut digests = [[0; 32]; CLASS_COUNT];
    let mut bodies = Vec::new();
    for part in &parts {
        let class = part.class;
        digests[class.index()] = if part.is_empty() {
            dummy_digest(class, &keys.class(FieldClass::Identity).dummy_secret(class))
        } else {
            bodies.push((class, part.body()));
            hasher.part_digest(part, &keys.class(class).salt_key())
        };
    }
    Ok(Commitment { root: record_root(&digests), digests, bodies })
}

/// The digest that a class's body leads to.
///
/// # Errors
/// [`BodyError`] where the body does not read.
pub fn class_digest(class: FieldClass, key: &ClassKey, body: &[u8]) -> Result<Hash, BodyError> {
    let part = Part::from_body(class, body)?;
    Ok(Hasher::default().part_digest(&part, &key.salt_key()))
}

/// The digest of a class that holds nothing, by the key of its record's identity class.
#[must_use]
pub fn empty_digest(class: FieldClass, identity: &ClassKey) -> Hash {
    dummy_digest(class, &identity.dummy_secret(class))
}
