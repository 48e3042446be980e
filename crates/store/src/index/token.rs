//! Continuation tokens: where a page ended, tied to the question that was asked.

use sha2::{Digest, Sha256};

use super::event_key::{from_hex, to_hex};

/// Where the next page begins, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// The sort value of the last event given; its ordinal where events come in log order.
    pub(crate) value: i64,
    /// The last event given.
    pub(crate) ordinal: i64,
    /// Events given on all pages so far.
    pub(crate) given: u64,
}

const VERSION: u8 = 1;
const FINGERPRINT: usize = 8;
const LENGTH: usize = 1 + FINGERPRINT + 24;

fn fingerprint(question: &str) -> [u8; FINGERPRINT] {
    let digest: [u8; 32] = Sha256::digest(question.as_bytes()).into();
    let mut short = [0; FINGERPRINT];
    short.copy_from_slice(&digest[..FINGERPRINT]);
    short
}

impl Token {
    pub(crate) fn encode(self, question: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&fingerprint(question));
        bytes.extend_from_slice(&self.value.to_be_bytes());
        bytes.extend_from_slice(&self.ordinal.to_be_bytes());
        bytes.extend_from_slice(&self.given.to_be_bytes());
        to_hex(&bytes)
    }

    /// None if the text is no token or one of another question.
    pub(crate) fn decode(text: &str, question: &str) -> Option<Self> {
        let bytes = from_hex(text)?;
        if bytes.len() != LENGTH || bytes[0] != VERSION || bytes[1..9] != fingerprint(question) {
            return None;
        }
        let part = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
        Some(Token {
            value: i64::from_be_bytes(part(9)?),
            ordinal: i64::from_be_bytes(part(17)?),
            given: u64::from_be_bytes(part(25)?),
        })
    }
}
