//! Encryption of class bodies and wrapping of their keys. Pure: keys and nonces are given.
//!
//! A body is padded by Padmé, so that its length tells little, and sealed with AES-256-GCM under a
//! key derived from the class key (HKDF, info `body`). That key seals exactly one body, so the
//! nonce is fixed at zero; WebCrypto can open it too. AES-GCM does not commit to its key: two keys
//! can open one ciphertext to different texts. That gains nothing here, because what was opened
//! must also lead to the class digest in the ledger under salts from the same key.

use super::class::FieldClass;
use super::keys::{ClassKey, hkdf};
pub use crate::ids::RecordId;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of the authentication tag.
pub const TAG_LEN: usize = 16;
/// Length of a class key wrapped under a record's own wrapping key: key and tag.
pub const WRAPPED_CLASS_KEY_LEN: usize = 32 + TAG_LEN;
/// Length of a key wrapped with a random nonce: nonce, key and tag.
pub const WRAPPED_KEY_LEN: usize = 12 + 32 + TAG_LEN;

/// Why something does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Wrong key, or altered bytes.
    #[error("does not open: the key is another one or the bytes were altered")]
    Open,
    /// Longer than a body may be.
    #[error("too long to seal")]
    TooLong,
    /// Opened, but the padding is not as it should be.
    #[error("opened, but its padding is malformed")]
    Padding,
}

/// The Padmé length: at least `length`, at most 12 % more, telling only log log of it.
#[must_use]
pub fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let last = exponent - (exponent.ilog2() + 1).min(exponent);
    let mask = (1usize << last) - 1;
    length.saturating_add(mask) & !mask
}

/// Content with its length in front and zeros up to the Padmé length behind.
///
/// # Errors
/// [`SealError::TooLong`] beyond 4 GiB.
pub fn pad(content: &[u8]) -> Result<Vec<u8>, SealError> {
    let length = u32::try_from(content.len()).map_err(|_| SealError::TooLong)?;
    let mut out = Vec::with_capacity(padme(content.len() + 4) + TAG_LEN);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
    out.resize(padme(content.len() + 4), 0);
    Ok(out)
}

/// Takes the padding off again.
///
/// # Errors
/// [`SealError::Padding`] for anything that [`pad`] does not write.
pub fn unpad(mut padded: Vec<u8>) -> Result<Vec<u8>, SealError> {
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(SealError::Padding)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SealError::Padding)?;
    let padding = rest.get(length..).ok_or(SealError::Padding)?;
    if padme(length + 4) != padded.len() || padding.iter().any(|byte| *byte != 0) {
        return Err(SealError::Padding);
    }
    padded.truncate(4 + length);
    padded.drain(..4);
    Ok(padded)
}

fn body_aad(record: &RecordId, class: FieldClass) -> [u8; 17] {
    let mut aad = [0; 17];
    aad[..16].copy_from_slice(record);
    aad[16] = class.number();
    aad
}

fn encrypt(key: &[u8; 32], nonce: [u8; 12], text: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    let payload = Payload { msg: text, aad };
    let cipher = Aes256Gcm::new(&(*key).into());
    cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::TooLong)
}

fn decrypt(key: &[u8; 32], nonce: [u8; 12], text: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    let payload = Payload { msg: text, aad };
    let cipher = Aes256Gcm::new(&(*key).into());
    cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Open)
}

/// Pads and seals the (compressed) body of one class; associated data: record id ‖ class.
///
/// # Errors
/// [`SealError::TooLong`] beyond 4 GiB.
pub fn seal(
    key: &ClassKey,
    record: &RecordId,
    class: FieldClass,
    content: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut body_key = key.body_key();
    let mut padded = pad(content)?;
    let sealed = encrypt(&body_key, [0; 12], &padded, &body_aad(record, class));
    padded.zeroize();
    body_key.zeroize();
    sealed
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`SealError`] for another key, record or class, or altered bytes.
pub fn open(
    key: &ClassKey,
    record: &RecordId,
    class: FieldClass,
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut body_key = key.body_key();
    let opened = decrypt(&body_key, [0; 12], sealed, &body_aad(record, class));
    body_key.zeroize();
    unpad(opened?)
}

/// A key that wraps other keys: a day or lot key, a subject's key, a member's vault key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct WrapKey([u8; 32]);

impl std::fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrapKey(…)")
    }
}

impl WrapKey {
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

    /// The key that wraps the class keys of one record under this day or lot key.
    #[must_use]
    pub fn for_record(&self, record: &RecordId) -> RecordWrapKey {
        RecordWrapKey(hkdf(&self.0, &[b"wrap", record]))
    }

    /// Wraps another wrapping key with a random nonce; `context` must be given again to unwrap.
    ///
    /// # Errors
    /// None in practice: [`SealError::TooLong`] cannot arise for 32 bytes.
    pub fn wrap(
        &self,
        key: &WrapKey,
        nonce: [u8; 12],
        context: &[u8],
    ) -> Result<[u8; WRAPPED_KEY_LEN], SealError> {
        let sealed = encrypt(&self.0, nonce, &key.0, context)?;
        let mut out = [0; WRAPPED_KEY_LEN];
        out[..12].copy_from_slice(&nonce);
        out[12..].copy_from_slice(&sealed);
        Ok(out)
    }

    /// Unwraps what [`WrapKey::wrap`] made.
    ///
    /// # Errors
    /// [`SealError::Open`] for another key or context, or altered bytes.
    pub fn unwrap_key(
        &self,
        wrapped: &[u8; WRAPPED_KEY_LEN],
        context: &[u8],
    ) -> Result<WrapKey, SealError> {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&wrapped[..12]);
        let mut opened = decrypt(&self.0, nonce, &wrapped[12..], context)?;
        let key = opened.as_slice().try_into().map(WrapKey).map_err(|_| SealError::Open);
        opened.zeroize();
        key
    }

    /// A value that tells this key from others, to recognise a wrong passphrase before writing.
    #[must_use]
    pub fn check_value(&self) -> [u8; 16] {
        let full = hkdf(&self.0, &[b"check"]);
        let mut value = [0; 16];
        value.copy_from_slice(&full[..16]);
        value
    }

    /// A key for another purpose, derived from this one.
    #[must_use]
    pub fn derive(&self, purpose: &[u8]) -> WrapKey {
        WrapKey(hkdf(&self.0, &[b"derive", purpose]))
    }
}

/// Wraps the class keys of one record: derived from a day key and the record id, so each nonce
/// (the class number) is used once and need not be kept.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecordWrapKey([u8; 32]);

impl RecordWrapKey {
    /// Wraps the key of one class.
    ///
    /// # Errors
    /// None in practice: [`SealError::TooLong`] cannot arise for 32 bytes.
    pub fn wrap(
        &self,
        class: FieldClass,
        key: &ClassKey,
    ) -> Result<[u8; WRAPPED_CLASS_KEY_LEN], SealError> {
        let sealed = encrypt(&self.0, class_nonce(class), key.as_bytes(), &[])?;
        sealed.as_slice().try_into().map_err(|_| SealError::TooLong)
    }

    /// Unwraps the key of one class.
    ///
    /// # Errors
    /// [`SealError::Open`] for another key, record or class, or altered bytes.
    pub fn unwrap_key(
        &self,
        class: FieldClass,
        wrapped: &[u8; WRAPPED_CLASS_KEY_LEN],
    ) -> Result<ClassKey, SealError> {
        let mut opened = decrypt(&self.0, class_nonce(class), wrapped, &[])?;
        let key = opened.as_slice().try_into().map(ClassKey::from_bytes);
        opened.zeroize();
        key.map_err(|_| SealError::Open)
    }
}

fn class_nonce(class: FieldClass) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[11] = class.number();
    nonce
}

/// Seals a piece of a document: AES-256-GCM, nonce from its number, associated data given.
///
/// The key must be one document's own.
///
/// # Errors
/// [`SealError::TooLong`] beyond what AES-GCM takes.
pub fn seal_piece(
    key: &WrapKey,
    number: u64,
    context: &[u8],
    content: &[u8],
) -> Result<Vec<u8>, SealError> {
    encrypt(&key.0, piece_nonce(number), content, context)
}

/// Opens what [`seal_piece`] made.
///
/// # Errors
/// [`SealError::Open`] for another key, number or context, or altered bytes.
pub fn open_piece(
    key: &WrapKey,
    number: u64,
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    decrypt(&key.0, piece_nonce(number), sealed, context)
}

fn piece_nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: RecordId = [9; 16];

    #[test]
    fn padme_lengths_are_those_of_the_definition() {
        // PURBs, 2019, §4.3: E = floor(log2 L), S = floor(log2 E) + 1, the last E − S bits are 0.
        assert_eq!([9, 17, 100, 1000, 1025].map(padme), [10, 18, 104, 1024, 1088]);
    }

    #[test]
    fn a_wrapped_key_opens_only_for_its_record_and_class() {
        let day = WrapKey::from_bytes([1; 32]);
        let key = ClassKey::from_bytes([2; 32]);
        let wrapped = day.for_record(&RECORD).wrap(FieldClass::Quality, &key).unwrap();
        let unwrap =
            |day: &WrapKey, record, class| day.for_record(record).unwrap_key(class, &wrapped);
        assert_eq!(unwrap(&day, &RECORD, FieldClass::Quality).unwrap(), key);
        assert_eq!(unwrap(&day, &RECORD, FieldClass::Other), Err(SealError::Open));
        assert_eq!(unwrap(&day, &[8; 16], FieldClass::Quality), Err(SealError::Open));
        let other = WrapKey::from_bytes([3; 32]);
        assert_eq!(unwrap(&other, &RECORD, FieldClass::Quality), Err(SealError::Open));
    }

    #[test]
    fn a_wrapping_key_opens_only_in_its_context() {
        let master = WrapKey::from_bytes([1; 32]);
        let day = WrapKey::from_bytes([2; 32]);
        let wrapped = master.wrap(&day, [5; 12], b"20777").unwrap();
        assert_eq!(master.unwrap_key(&wrapped, b"20777").unwrap(), day);
        assert_eq!(master.unwrap_key(&wrapped, b"20778"), Err(SealError::Open));
        assert_ne!(master.check_value(), day.check_value());
    }

    proptest! {
        #[test]
        fn a_body_opens_to_itself_and_no_altered_one_opens(
            body in prop::collection::vec(any::<u8>(), 0..600),
            bit in any::<prop::sample::Index>(),
        ) {
            let key = ClassKey::from_bytes([4; 32]);
            let mut sealed = seal(&key, &RECORD, FieldClass::Identity, &body).unwrap();
            prop_assert_eq!(sealed.len(), padme(body.len() + 4) + TAG_LEN);
            prop_assert!(padme(body.len() + 4) >= body.len() + 4);
            prop_assert!(padme(body.len() + 4) * 100 <= (body.len() + 4) * 112);
            prop_assert_eq!(&open(&key, &RECORD, FieldClass::Identity, &sealed).unwrap(), &body);
            prop_assert_eq!(open(&key, &RECORD, FieldClass::Cost, &sealed), Err(SealError::Open));
            let bit = bit.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(open(&key, &RECORD, FieldClass::Identity, &sealed), Err(SealError::Open));
        }
    }
}
