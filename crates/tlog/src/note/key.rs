//! Keys of signed notes and their text forms.

use super::{SignatureLine, cosigned_message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

const SECRET_START: &str = "PRIVATE+KEY+";

/// Longest key name, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The signature types that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: Ed25519 over a time and the text of a checkpoint.
    CosignatureV1,
}

impl Algorithm {
    /// The type's byte in key ids and encoded keys.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, KeyError> {
        match byte {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::CosignatureV1),
            found => Err(KeyError::Algorithm { found }),
        }
    }
}

/// A public key, known under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    algorithm: Algorithm,
    key: VerifyingKey,
}

/// A secret key and the name it signs under. Its `Debug` form does not show the secret.
#[derive(Clone)]
pub struct Signer {
    public: VerifierKey,
    secret: SigningKey,
}

/// A key that cannot be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not three parts separated by plus signs.
    #[error("a key is written name+id+base64, a secret one after PRIVATE+KEY+")]
    Structure,
    /// A name that is empty, too long, or has a space, plus sign or control character.
    #[error("a key name has 1 to {MAX_NAME_BYTES} bytes, no space, plus sign or control character")]
    Name,
    /// An id that is not 8 lower-case hexadecimal digits, or not that of this key.
    #[error("the key id does not fit the key: it should be {expected}")]
    Id {
        /// The id that belongs to name, algorithm and key.
        expected: String,
    },
    /// Another signature type.
    #[error("signature type {found:#04x} is not understood (0x01 Ed25519, 0x04 cosignature)")]
    Algorithm {
        /// The type's byte.
        found: u8,
    },
    /// Not the base64 of 33 bytes, no point of the curve, or a weak one.
    #[error("the key is not the base64 of a type byte and 32 bytes of a sound Ed25519 key")]
    Key,
    /// The key signs with a time, or without one, and was asked for the other.
    #[error("this key makes signatures of the other kind: with a time only under type 0x04")]
    Kind,
    /// A time past 2^63 - 1.
    #[error("a cosignature's time is at most 2^63 - 1 seconds")]
    Time,
}

/// Non-empty, without Unicode spaces and plus signs (C2SP signed-note), and bounded.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl VerifierKey {
    /// A public key under a name.
    ///
    /// # Errors
    /// [`KeyError::Name`], and [`KeyError::Key`] for bytes that are no key or a weak one.
    pub fn new(name: &str, algorithm: Algorithm, key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Key)?;
        if key.is_weak() {
            return Err(KeyError::Key);
        }
        Self::from_key(name, algorithm, key)
    }

    fn from_key(name: &str, algorithm: Algorithm, key: VerifyingKey) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', algorithm.byte()])
            .chain_update(key.as_bytes())
            .finalize();
        let id = [hash[0], hash[1], hash[2], hash[3]];
        Ok(Self { name: name.to_owned(), id, algorithm, key })
    }

    /// Reads the *vkey* form `name+id+base64`.
    ///
    /// # Errors
    /// [`KeyError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, algorithm, bytes) = parts(text)?;
        let key = Self::new(name, algorithm, &bytes)?;
        key.expect_id(id)
    }

    /// The *vkey* form; the inverse of [`VerifierKey::parse`].
    #[must_use]
    pub fn encode(&self) -> String {
        join(&self.name, self.id, self.algorithm, self.key.as_bytes())
    }

    fn expect_id(self, id: &str) -> Result<Self, KeyError> {
        let expected = hex(self.id);
        if id == expected { Ok(self) } else { Err(KeyError::Id { expected }) }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// What kind of signatures the key makes.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The Ed25519 key itself.
    #[must_use]
    pub fn public_key(&self) -> &VerifyingKey {
        &self.key
    }
}

impl Signer {
    /// A signer from the 32-byte secret seed (RFC 8032).
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn new(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = SigningKey::from_bytes(seed);
        let public = VerifierKey::from_key(name, algorithm, secret.verifying_key())?;
        Ok(Self { public, secret })
    }

    /// Reads the *skey* form `PRIVATE+KEY+name+id+base64`.
    ///
    /// # Errors
    /// [`KeyError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_prefix(SECRET_START).ok_or(KeyError::Structure)?;
        let (name, id, algorithm, seed) = parts(text)?;
        let signer = Self::new(name, algorithm, &seed)?;
        let public = signer.public.expect_id(id)?;
        Ok(Self { public, secret: signer.secret })
    }

    /// The *skey* form, to be kept as secret as the key; the inverse of [`Signer::parse`].
    #[must_use]
    pub fn encode(&self) -> String {
        let public = &self.public;
        let encoded = join(&public.name, public.id, public.algorithm, self.secret.as_bytes());
        format!("{SECRET_START}{encoded}")
    }

    /// The public half.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs a text (type 0x01). Ed25519 is deterministic: the same text, the same line.
    ///
    /// # Errors
    /// [`KeyError::Kind`] for a key that makes cosignatures.
    pub fn sign(&self, text: &str) -> Result<SignatureLine, KeyError> {
        if self.public.algorithm != Algorithm::Ed25519 {
            return Err(KeyError::Kind);
        }
        Ok(self.line(self.secret.sign(text.as_bytes()).to_bytes().to_vec()))
    }

    /// Cosigns the text of a checkpoint at a time in seconds since the Unix epoch (type 0x04).
    ///
    /// # Errors
    /// [`KeyError::Kind`] for a key that makes plain signatures; [`KeyError::Time`].
    pub fn cosign(&self, text: &str, time: u64) -> Result<SignatureLine, KeyError> {
        if self.public.algorithm != Algorithm::CosignatureV1 {
            return Err(KeyError::Kind);
        }
        let message = cosigned_message(text, time).ok_or(KeyError::Time)?;
        let mut blob = time.to_be_bytes().to_vec();
        blob.extend_from_slice(&self.secret.sign(message.as_bytes()).to_bytes());
        Ok(self.line(blob))
    }

    fn line(&self, signature: Vec<u8>) -> SignatureLine {
        SignatureLine { name: self.public.name.clone(), key_id: self.public.id, signature }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

fn parts(text: &str) -> Result<(&str, &str, Algorithm, [u8; 32]), KeyError> {
    // Base64 may contain plus signs, names and ids may not.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(blob)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Structure);
    };
    if !is_name(name) {
        return Err(KeyError::Name);
    }
    let blob = STANDARD.decode(blob).map_err(|_| KeyError::Key)?;
    let (algorithm, key) = blob.split_first().ok_or(KeyError::Key)?;
    let algorithm = Algorithm::from_byte(*algorithm)?;
    Ok((name, id, algorithm, key.try_into().map_err(|_| KeyError::Key)?))
}

fn join(name: &str, id: [u8; 4], algorithm: Algorithm, key: &[u8; 32]) -> String {
    let blob = [&[algorithm.byte()], &key[..]].concat();
    format!("{name}+{}+{}", hex(id), STANDARD.encode(blob))
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
