//! Random secrets that are shown once, and their hashes.

use std::fmt;

use countermark_ledger::ids::{hex, sha256};
use zeroize::Zeroizing;

use crate::keyring::{self, KeyringError};

/// A secret text that is shown once: never logged, wiped from memory after use.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// 32 random bytes in hexadecimal.
    pub(super) fn random() -> Result<Self, KeyringError> {
        Ok(Self(Zeroizing::new(hex(&*Zeroizing::new(keyring::random::<32>()?)))))
    }

    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret, to hand it to whom it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the desk keeps of a token. A token that is none as we make them has no hash.
pub(super) fn hash(token: &str) -> Option<[u8; 32]> {
    let is_ours =
        token.len() == 64 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| sha256(token.as_bytes()))
}
