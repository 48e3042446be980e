//! Keys of the state map: a registered text prefix, then fixed-length ids.
//!
//! | key | value |
//! | --- | --- |
//! | `genesis` | [`GenesisEntry`](super::entries::GenesisEntry) |
//! | `member/` ‖ 16 B | [`MemberEntry`](super::entries::MemberEntry) |
//! | `key/` ‖ 32 B | [`KeyEntry`](super::entries::KeyEntry) |
//! | `record/` ‖ 16 B | [`RecordEntry`](super::entries::RecordEntry) |
//! | `statement/` ‖ 32 B leaf hash | [`StatementEntry`](super::entries::StatementEntry) |
//! | `document/` ‖ 16 B | [`DocumentEntry`](super::entries::DocumentEntry) |
//! | `endorsed/record/` ‖ 16 B, `endorsed/statement/` ‖ 32 B | [`EndorsedEntry`](super::entries::EndorsedEntry) |
//! | `clock/` ‖ height, 8 B | [`ClockEntry`](super::entries::ClockEntry) |
//! | `tag/` ‖ 32 B | [`TagEntry`](super::entries::TagEntry) |
//! | `expiry/` ‖ time bucket, 8 B ‖ number, 4 B | tags that expire in that bucket, an array |
//! | `expiry/` ‖ time bucket, 8 B | how many such lists there are |
//! | `expiry` | the next bucket and list to sweep: [`SweepEntry`](super::entries::SweepEntry) |
//!
//! Numbers are big-endian.

use crate::ids::{DocumentId, Hash, KeyId, MemberId, RecordId};

/// What the log began with.
pub const GENESIS: &[u8] = b"genesis";
/// How far expired tags have been removed.
pub const SWEEP: &[u8] = b"expiry";

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A member.
#[must_use]
pub fn member(id: &MemberId) -> Vec<u8> {
    join(&[b"member/", id])
}

/// A signing key.
#[must_use]
pub fn signing_key(id: &KeyId) -> Vec<u8> {
    join(&[b"key/", id])
}

/// A record.
#[must_use]
pub fn record(id: &RecordId) -> Vec<u8> {
    join(&[b"record/", id])
}

/// A statement, by the hash of its leaf.
#[must_use]
pub fn statement(leaf_hash: &Hash) -> Vec<u8> {
    join(&[b"statement/", leaf_hash])
}

/// A document.
#[must_use]
pub fn document(id: &DocumentId) -> Vec<u8> {
    join(&[b"document/", id])
}

/// The endorsements of a record.
#[must_use]
pub fn endorsed_record(id: &RecordId) -> Vec<u8> {
    join(&[b"endorsed/record/", id])
}

/// The endorsements of a statement.
#[must_use]
pub fn endorsed_statement(leaf_hash: &Hash) -> Vec<u8> {
    join(&[b"endorsed/statement/", leaf_hash])
}

/// The confirmation of a clock jump.
#[must_use]
pub fn clock(height: u64) -> Vec<u8> {
    join(&[b"clock/", &height.to_be_bytes()])
}

/// An idempotency tag.
#[must_use]
pub fn tag(tag: &[u8; 32]) -> Vec<u8> {
    join(&[b"tag/", tag])
}

/// How many lists of tags expire in a time bucket.
#[must_use]
pub fn expiry(bucket: u64) -> Vec<u8> {
    join(&[b"expiry/", &bucket.to_be_bytes()])
}

/// A list of tags that expire in a time bucket.
#[must_use]
pub fn expiry_list(bucket: u64, number: u32) -> Vec<u8> {
    join(&[b"expiry/", &bucket.to_be_bytes(), &number.to_be_bytes()])
}
