//! Keys of a record and what is derived from them: salts, body keys, dummy secrets.
//!
//! Every class of every record has one random key. From it follow, by HKDF-SHA256 (RFC 5869, no
//! salt), the key of the class's salts and the key of its body. Salts go down the tree: each group
//! (object, list, extensions) has a 32-byte group key, from which the salts of its leaves and the
//! keys of the groups below follow by the function PRF of RFC 8391 §5.1 (n = 32): SHA-256 over
//! 31 zero bytes, 3, the group key, and 32 bytes that name role and place. So a whole subtree is disclosed by one group
//! key beside its values, which shows nothing of its neighbours.

use super::class::{CLASS_COUNT, FieldClass};
use countermark_tlog::lanes::{BLOCK, INITIAL, Messages, State};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of a salt in bytes: 128 bits, out of reach of guessing.
pub(crate) const SALT_LEN: usize = 16;
/// A salt.
pub(crate) type Salt = [u8; SALT_LEN];

/// What salts are derived with.
pub(crate) const SALT: &[u8] = b"salt";
/// What the secrets of empty classes are derived with, in class order.
pub(crate) const DUMMIES: [&[u8]; CLASS_COUNT] = [
    b"dummy\x01",
    b"dummy\x02",
    b"dummy\x03",
    b"dummy\x04",
    b"dummy\x05",
    b"dummy\x06",
    b"dummy\x07",
    b"dummy\x08",
    b"dummy\x09",
    b"dummy\x0a",
    b"dummy\x0b",
];

/// What HMAC mixes into its key (RFC 2104 §2).
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

const ROLE_LEAF: u8 = 1;
const ROLE_GROUP: u8 = 2;
const ROLE_PAD: u8 = 3;

fn hmac_key(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a short key with zeros up to the block (RFC 2104 §2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

fn hmac(key: &Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    let mut mac = key.clone();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA256 without salt, 32 bytes of output (RFC 5869 §2).
pub(crate) fn hkdf(input: &[u8], info: &[&[u8]]) -> [u8; 32] {
    // The key of the extraction is a constant: no salt.
    static EXTRACT: OnceLock<Hmac<Sha256>> = OnceLock::new();
    let mut extracted = hmac(EXTRACT.get_or_init(|| hmac_key(&[0; 32])), input);
    let mut mac = hmac_key(&extracted);
    extracted.zeroize();
    for part in info {
        mac.update(part);
    }
    mac.update(&[1]);
    mac.finalize().into_bytes().into()
}

/// As [`hkdf`], of many keys, each with its info.
pub(crate) fn hkdf_many(inputs: &[([u8; 32], &[u8])]) -> Vec<[u8; 32]> {
    let block = |key: &[u8; 32], pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let (mut messages, mut states, mut secrets) = (Messages::new(), Vec::new(), Vec::new());
    messages.block(INITIAL, &block(&[0; 32], INNER));
    messages.block(INITIAL, &block(&[0; 32], OUTER));
    messages.states(&mut states);
    let (inner, outer) = (states[0], states[1]);
    let after = |messages: &mut Messages, state: &State, parts: [&[u8]; 2]| {
        messages.begin_after(*state, BLOCK);
        parts.iter().for_each(|part| messages.push(part));
        messages.end();
    };
    inputs.iter().for_each(|(key, _)| after(&mut messages, &inner, [key, &[]]));
    messages.digests(&mut secrets);
    secrets.iter().for_each(|digest| after(&mut messages, &outer, [digest, &[]]));
    messages.digests(&mut secrets);
    for key in &secrets {
        messages.block(INITIAL, &block(key, INNER));
        messages.block(INITIAL, &block(key, OUTER));
    }
    messages.states(&mut states);
    let (pairs, _) = states.as_chunks::<2>();
    for ((_, info), [inner, _]) in inputs.iter().zip(pairs) {
        after(&mut messages, inner, [info, &[1]]);
    }
    messages.digests(&mut secrets);
    for (digest, [_, outer]) in secrets.iter().zip(pairs) {
        after(&mut messages, outer, [digest, &[]]);
    }
    messages.digests(&mut secrets);
    secrets
}

/// The random key of one class of one record: 32 bytes, used for one body only.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ClassKey([u8; 32]);

impl std::fmt::Debug for ClassKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClassKey(…)")
    }
}

impl ClassKey {
    /// Takes 32 random bytes as a key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, to be wrapped.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn body_key(&self) -> [u8; 32] {
        hkdf(&self.0, &[b"body"])
    }

    pub(crate) fn salt_key(&self) -> GroupKey {
        GroupKey(hkdf(&self.0, &[SALT]))
    }

    /// Secret that opens the dummy digest of `class`, taken from the identity class's key.
    ///
    /// Classes without content keep no key of their own; the identity class is never empty.
    #[must_use]
    pub fn dummy_secret(&self, class: FieldClass) -> [u8; 32] {
        hkdf(&self.0, &[b"dummy", &[class.number()]])
    }
}

/// The keys of all classes of one record, in class order.
#[derive(Debug, Clone)]
pub struct RecordKeys([ClassKey; CLASS_COUNT]);

impl RecordKeys {
    /// Takes one key per class, in class order.
    #[must_use]
    pub fn new(keys: [ClassKey; CLASS_COUNT]) -> Self {
        Self(keys)
    }

    /// Takes 352 random bytes as the keys of the eleven classes.
    #[must_use]
    pub fn from_random(random: &[u8; 32 * CLASS_COUNT]) -> Self {
        Self(std::array::from_fn(|i| {
            let mut key = [0; 32];
            key.copy_from_slice(&random[32 * i..32 * (i + 1)]);
            ClassKey(key)
        }))
    }

    /// The key of one class.
    #[must_use]
    pub fn class(&self, class: FieldClass) -> &ClassKey {
        &self.0[class.index()]
    }
}

/// The key from which the salts of one group of leaves follow; opens the whole group.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct GroupKey(pub(crate) [u8; 32]);

/// A group key made ready for many salts.
pub(crate) struct Salts(Sha256);

impl GroupKey {
    /// One whole block of SHA-256, hashed once for all places of the group.
    pub(crate) fn prefix(&self) -> [u8; 64] {
        let mut prefix = [0; 64];
        prefix[31] = 3;
        prefix[32..].copy_from_slice(&self.0);
        prefix
    }

    pub(crate) fn salts(&self) -> Salts {
        let mut prefix = self.prefix();
        let state = Sha256::new().chain_update(prefix);
        prefix.zeroize();
        Salts(state)
    }
}

impl Salts {
    /// Salt of the leaf at `index`.
    pub(crate) fn leaf(&self, index: usize) -> Salt {
        self.salt(ROLE_LEAF, index, 0)
    }

    /// Salt of the padding that fills 2^`height` places from `index` on.
    pub(crate) fn pad(&self, index: usize, height: u32) -> Salt {
        self.salt(ROLE_PAD, index, height)
    }

    /// Key of the group that stands at `index`.
    pub(crate) fn group(&self, index: usize) -> GroupKey {
        GroupKey(self.prf(ROLE_GROUP, index, 0))
    }

    fn salt(&self, role: u8, index: usize, height: u32) -> Salt {
        let full = self.prf(role, index, height);
        let mut salt = [0; SALT_LEN];
        salt.copy_from_slice(&full[..SALT_LEN]);
        salt
    }

    fn prf(&self, role: u8, index: usize, height: u32) -> [u8; 32] {
        self.0.clone().chain_update(message(role, index, height)).finalize().into()
    }
}

/// What follows a group's prefix: role ‖ u32 place ‖ u8 height ‖ zeros; groups hold fewer than 2^17
/// places.
fn message(role: u8, index: usize, height: u32) -> [u8; 32] {
    let mut message = [0; 32];
    message[0] = role;
    message[1..5].copy_from_slice(&u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes());
    message[5] = u8::try_from(height).unwrap_or(u8::MAX);
    message
}

/// As [`Salts::leaf`].
pub(crate) fn leaf_message(index: usize) -> [u8; 32] {
    message(ROLE_LEAF, index, 0)
}

/// As [`Salts::group`].
pub(crate) fn group_message(index: usize) -> [u8; 32] {
    message(ROLE_GROUP, index, 0)
}

/// As [`Salts::pad`].
pub(crate) fn pad_message(index: usize, height: u32) -> [u8; 32] {
    message(ROLE_PAD, index, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_hkdf_as_rfc_5869_says() {
        let key = [7; 32];
        let mut expected = [0; 32];
        hkdf::Hkdf::<Sha256>::new(None, &key).expand(b"salt", &mut expected).unwrap();
        assert_eq!(ClassKey(key).salt_key().0, expected);
    }

    #[test]
    fn the_secrets_of_empty_classes_name_their_class() {
        for class in FieldClass::ALL {
            let secret = hkdf(&[9; 32], &[DUMMIES[class.index()]]);
            assert_eq!(ClassKey([9; 32]).dummy_secret(class), secret);
        }
    }

    #[test]
    fn many_keys_derive_as_they_do_alone() {
        let inputs: Vec<([u8; 32], &[u8])> = (0..40)
            .map(|i| ([i; 32], if i % 3 == 0 { &b"salt"[..] } else { b"dummy\x07" }))
            .collect();
        let alone: Vec<[u8; 32]> = inputs.iter().map(|(key, info)| hkdf(key, &[info])).collect();
        assert_eq!(hkdf_many(&inputs), alone);
    }

    #[test]
    fn salts_are_the_prf_of_rfc_8391() {
        let mut input = [0; 96];
        input[31] = 3;
        input[32..64].copy_from_slice(&[5; 32]);
        input[64..70].copy_from_slice(&[ROLE_PAD, 0, 0, 1, 2, 4]);
        let expected: [u8; 32] = Sha256::digest(input).into();
        assert_eq!(GroupKey([5; 32]).salts().pad(0x102, 4), expected[..16]);
    }

    #[test]
    fn salts_differ_by_role_and_place() {
        let salts = GroupKey([3; 32]).salts();
        let all = [salts.leaf(0), salts.leaf(1), salts.pad(0, 0), salts.pad(0, 1)];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != one));
        }
        assert_ne!(salts.group(0).0[..16], salts.leaf(0));
    }
}
