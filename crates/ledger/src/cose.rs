//! COSE_Sign1 (RFC 9052 §4.2) with Ed25519, as far as statements and receipts need it.

use crate::cbor::{self, CborError, Value};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// COSE algorithm EdDSA (RFC 9053 §2.2).
pub const ALG_EDDSA: i64 = -8;
/// CBOR tag of COSE_Sign1 (RFC 9052 §2).
const TAG_SIGN1: u64 = 18;

/// Header parameter `alg` (RFC 9052 §3.1).
pub const HEADER_ALG: u64 = 1;
/// Header parameter `content type`.
pub const HEADER_CONTENT_TYPE: u64 = 3;
/// Header parameter `kid`.
pub const HEADER_KID: u64 = 4;
/// Header parameter `CWT Claims` (RFC 9597).
pub const HEADER_CWT_CLAIMS: u64 = 15;

/// Bytes that are no COSE_Sign1 message, or whose signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// The bytes are no CBOR that is taken.
    #[error("COSE_Sign1: {0}")]
    Cbor(#[from] CborError),
    /// Not a tag 18 around four elements of the right kinds.
    #[error("not a COSE_Sign1 message: {0}")]
    Structure(&'static str),
    /// The public key is no Ed25519 key, or a weak one.
    #[error("the public key is no usable Ed25519 key")]
    Key,
    /// The signature is not by this key over these bytes.
    #[error("the signature does not hold")]
    Signature,
}

/// A COSE_Sign1 message, its headers still encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign1 {
    /// The protected header, as the bytes that are signed.
    pub protected: Vec<u8>,
    /// The unprotected header, a map.
    pub unprotected: Value,
    /// The payload; `None` where it is detached.
    pub payload: Option<Vec<u8>>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Sign1 {
    /// Reads a message in deterministic CBOR.
    ///
    /// # Errors
    /// [`CoseError`] where the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CoseError> {
        Self::from_value(cbor::decode(bytes)?)
    }

    /// Reads a message whose maps may have their keys in any order, as other implementations write.
    ///
    /// # Errors
    /// [`CoseError`] where the bytes are something else.
    pub fn decode_any_order(bytes: &[u8]) -> Result<Self, CoseError> {
        Self::from_value(cbor::decode_any_order(bytes)?)
    }

    fn from_value(value: Value) -> Result<Self, CoseError> {
        let Value::Tag(TAG_SIGN1, inner) = value else {
            return Err(CoseError::Structure("tag 18 is missing"));
        };
        let Value::Array(items) = *inner else {
            return Err(CoseError::Structure("the tagged item is no array"));
        };
        let Ok([protected, unprotected, payload, signature]) = <[Value; 4]>::try_from(items) else {
            return Err(CoseError::Structure("the array has not four elements"));
        };
        let Value::Bytes(protected) = protected else {
            return Err(CoseError::Structure("the protected header is no byte string"));
        };
        if unprotected.as_map().is_none() {
            return Err(CoseError::Structure("the unprotected header is no map"));
        }
        let payload = match payload {
            Value::Bytes(bytes) => Some(bytes),
            Value::Null => None,
            _ => return Err(CoseError::Structure("the payload is neither bytes nor null")),
        };
        let Value::Bytes(signature) = signature else {
            return Err(CoseError::Structure("the signature is no byte string"));
        };
        Ok(Sign1 { protected, unprotected, payload, signature })
    }

    /// The message's deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let payload = self.payload.as_ref().map_or(Value::Null, |p| p.as_slice().into());
        cbor::encode(&Value::Tag(
            TAG_SIGN1,
            Box::new(Value::Array(vec![
                self.protected.as_slice().into(),
                self.unprotected.clone(),
                payload,
                self.signature.as_slice().into(),
            ])),
        ))
    }
}

/// The bytes that a COSE_Sign1 signature is made over (RFC 9052 §4.4), without external data.
#[must_use]
pub fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    cbor::encode(&Value::Array(vec![
        "Signature1".into(),
        protected.into(),
        Value::Bytes(Vec::new()),
        payload.into(),
    ]))
}

/// Signs bytes with Ed25519 (RFC 8032).
#[must_use]
pub fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

/// Verifies an Ed25519 signature strictly: small-order keys and non-canonical encodings fail, so
/// that every implementation decides alike.
///
/// # Errors
/// [`CoseError::Key`] or [`CoseError::Signature`].
pub fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), CoseError> {
    let key = usable_key(public_key)?;
    let signature = Signature::from_slice(signature).map_err(|_| CoseError::Signature)?;
    key.verify_strict(message, &signature).map_err(|_| CoseError::Signature)
}

/// A public key that is a point of the curve in its one encoding, and not of small order.
///
/// # Errors
/// [`CoseError::Key`].
pub fn usable_key(public_key: &[u8; 32]) -> Result<VerifyingKey, CoseError> {
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| CoseError::Key)?;
    if key.is_weak() || !is_canonical_point(public_key) {
        return Err(CoseError::Key);
    }
    Ok(key)
}

/// Whether the y coordinate is below p = 2²⁵⁵ − 19 (RFC 8032 §5.1.3): the same point must not have
/// two ids.
fn is_canonical_point(public_key: &[u8; 32]) -> bool {
    let mut y = *public_key;
    y[31] &= 0x7f;
    let all_ones = y[31] == 0x7f && y[1..31].iter().all(|byte| *byte == 0xff);
    !(all_ones && y[0] >= 0xed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coset::{CborSerializable, CoseSign1Builder, TaggedCborSerializable, iana};

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn an_independent_implementation_makes_the_same_message() {
        let protected = coset::HeaderBuilder::new()
            .algorithm(iana::Algorithm::EdDSA)
            .key_id(b"some key".to_vec())
            .build();
        let theirs = CoseSign1Builder::new()
            .protected(protected)
            .payload(b"payload".to_vec())
            .create_signature(b"", |message| sign(&key(), message).to_vec())
            .build();
        let header =
            coset::ProtectedHeader { original_data: None, header: theirs.protected.header.clone() };
        let protected = header.header.to_vec().unwrap();
        let ours = Sign1 {
            signature: sign(&key(), &to_be_signed(&protected, b"payload")).to_vec(),
            protected,
            unprotected: Value::Map(Vec::new()),
            payload: Some(b"payload".to_vec()),
        };
        let bytes = theirs.to_tagged_vec().unwrap();
        assert_eq!(ours.encode(), bytes);
        let read = Sign1::decode(&bytes).unwrap();
        assert_eq!(read, ours);
        let message = to_be_signed(&read.protected, b"payload");
        let public = key().verifying_key().to_bytes();
        assert_eq!(verify(&public, &message, &read.signature), Ok(()));
        assert_eq!(verify(&public, b"other", &read.signature), Err(CoseError::Signature));
    }

    #[test]
    fn what_is_no_sign1_is_refused_by_part() {
        let good = Value::Array(vec![
            Value::Bytes(vec![]),
            Value::Map(vec![]),
            Value::Null,
            Value::Bytes(vec![]),
        ]);
        let tagged = |value: Value| cbor::encode(&Value::Tag(18, Box::new(value)));
        assert!(Sign1::decode(&tagged(good.clone())).is_ok());
        assert!(Sign1::decode(&cbor::encode(&good)).is_err());
        for at in 0..4 {
            let Value::Array(mut items) = good.clone() else { panic!("an array") };
            items[at] = Value::Bool(true);
            assert!(matches!(
                Sign1::decode(&tagged(Value::Array(items))),
                Err(CoseError::Structure(_))
            ));
        }
    }

    #[test]
    fn weak_and_non_canonical_keys_are_refused() {
        let mut small_order = [0u8; 32];
        small_order[0] = 1;
        assert_eq!(usable_key(&small_order).unwrap_err(), CoseError::Key);
        let mut beyond_p = [0xffu8; 32];
        beyond_p[0] = 0xf0;
        beyond_p[31] = 0x7f;
        assert_eq!(usable_key(&beyond_p).unwrap_err(), CoseError::Key);
        assert!(usable_key(&key().verifying_key().to_bytes()).is_ok());
    }
}
