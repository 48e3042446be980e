//! Commitment to an event: class digests, root and the bodies that the vault keeps.

use super::class::{CLASS_COUNT, Classification, FieldClass};
use super::keys::{ClassKey, DUMMIES, GroupKey, RecordKeys, SALT, hkdf_many};
use super::many::part_digests;
use super::part::{BodyError, CommitError, Part, split};
use super::tree::{Hasher, dummy_digest};
use crate::record_header::record_roots;
use crate::registry::tree as byte;
use countermark_epcis::json::Json;
use countermark_tlog::lanes::Messages;
use countermark_tlog::merkle::Hash;
use zeroize::Zeroize;

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
    let one = commit_many(&[(event, provenance, keys)], classification).pop();
    one.unwrap_or(Err(CommitError::NotObject("an event")))
}

/// As [`commit`], of many events, each with its provenance and keys: much faster than one by one.
#[must_use]
pub fn commit_many(
    events: &[(&Json, &Json, &RecordKeys)],
    classification: &Classification,
) -> Vec<Result<Commitment, CommitError>> {
    let split: Vec<_> = events
        .iter()
        .map(|(event, provenance, _)| split(event, provenance, classification))
        .collect();
    let (mut held, mut secrets) = (Vec::new(), Vec::new());
    for (at, (parts, (.., keys))) in split.iter().zip(events).enumerate() {
        for part in parts.iter().flatten() {
            let class = part.class;
            let info: &[u8] = if part.is_empty() { DUMMIES[class.index()] } else { SALT };
            let from = if part.is_empty() { FieldClass::Identity } else { class };
            secrets.push((*keys.class(from).as_bytes(), info));
            held.push((at, part));
        }
    }
    let derived = hkdf_many(&secrets);
    secrets.iter_mut().for_each(|(key, _)| key.zeroize());
    let mut secrets = derived;
    let mut dummies = Messages::new();
    let mut trees = Vec::new();
    for ((_, part), secret) in held.iter().zip(&secrets) {
        if part.is_empty() {
            dummies.begin();
            dummies.push(&[byte::DUMMY_CLASS, part.class.number()]);
            dummies.push(secret);
            dummies.end();
        } else {
            trees.push((*part, GroupKey(*secret)));
        }
    }
    secrets.zeroize();
    let mut dummy_digests = Vec::new();
    dummies.digests(&mut dummy_digests);
    let mut dummies = dummy_digests.into_iter();
    let mut trees = part_digests(&trees).into_iter();
    let mut digests = vec![[[0; 32]; CLASS_COUNT]; events.len()];
    let mut bodies = vec![Vec::new(); events.len()];
    for (at, part) in &held {
        let digest = if part.is_empty() {
            dummies.next()
        } else {
            bodies[*at].push((part.class, part.body()));
            trees.next()
        };
        digests[*at][part.class.index()] = digest.unwrap_or_default();
    }
    let roots = record_roots(&digests);
    let done = split.into_iter().zip(digests).zip(roots).zip(bodies);
    done.map(|(((split, digests), root), bodies)| {
        split.map(|_| Commitment { digests, root, bodies })
    })
    .collect()
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
