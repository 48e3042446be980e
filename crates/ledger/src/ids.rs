//! Identifiers and digests that the formats share.

use sha2::{Digest, Sha256};

pub use countermark_tlog::merkle::Hash;

/// A member's random id.
pub type MemberId = [u8; 16];
/// The random id of whoever holds a member's keys; several members may share one.
pub type HandId = [u8; 16];
/// A role's random id; what the role is called stays in the vault.
pub type RoleId = [u8; 16];
/// A record's random id.
pub type RecordId = [u8; 16];
/// A document's random id.
pub type DocumentId = [u8; 16];
/// SHA-256 of an Ed25519 public key.
pub type KeyId = Hash;

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The id of a public key: its SHA-256.
#[must_use]
pub fn key_id(public_key: &[u8; 32]) -> KeyId {
    sha256(public_key)
}

/// The name of an object: SHA-256 of its bytes.
#[must_use]
pub fn object_hash(object: &[u8]) -> Hash {
    sha256(object)
}

/// Lower-case hexadecimal digits of some bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}
