//! C2SP signed notes with Ed25519 signatures (0x01) and Ed25519 cosignatures (0x04).
//!
//! Reading is strict: whatever [`Note::parse`] accepts, [`Note::encode`] writes as the same bytes.

mod key;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signature;
pub use key::{Algorithm, KeyError, Signer, VerifierKey};

/// Signature lines that a note may have; C2SP signed-note asks verifiers to accept so many.
pub const MAX_SIGNATURES: usize = 16;

/// Longest note that is read, in bytes: 16 post-quantum signature lines take about 54 KB.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;

const LINE_START: &str = "\u{2014} ";

/// A text and the signatures on it. Nothing is verified until [`Note::verify`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// Name of the key, chosen by its owner.
    pub name: String,
    /// First four bytes of a hash over name, algorithm and public key.
    pub key_id: [u8; 4],
    /// What the algorithm made of the text.
    pub signature: Vec<u8>,
}

/// A signature of a known key that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Position of the key among those given to [`Note::verify`].
    pub key: usize,
    /// For a cosignature: when it was made, in seconds since the Unix epoch.
    pub time: Option<u64>,
}

/// A note that cannot be read, or whose signatures do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than are read.
    #[error("a note has at most {MAX_NOTE_BYTES} bytes; this one has {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not UTF-8, or with a control character other than newline.
    #[error("a note is UTF-8 without control characters other than newline; byte {at} is not")]
    Character {
        /// Offset of the first wrong byte.
        at: usize,
    },
    /// No blank line between text and signatures, or no newline at an end.
    #[error("a note is a text, a blank line and signature lines, each ended by a newline")]
    Structure,
    /// Not between 1 and 16 signature lines.
    #[error("a note has 1 to {MAX_SIGNATURES} signature lines; found {found}")]
    Count {
        /// Lines found.
        found: usize,
    },
    /// A signature line not of the form `— name base64`.
    #[error(
        "signature line {line} is not an em dash, a key name and the base64 of 5 bytes or more"
    )]
    Line {
        /// Number of the line among the signatures, from 1.
        line: usize,
    },
    /// A line that names a known key, but is no signature of the text by it.
    #[error("the signature by {name} (signature line {line}) does not hold")]
    Signature {
        /// Name of the key.
        name: String,
        /// Number of the line among the signatures, from 1.
        line: usize,
    },
    /// Two lines by the same known key.
    #[error("{name} signed twice (signature line {line})")]
    Duplicate {
        /// Name of the key.
        name: String,
        /// Number of the second line, from 1.
        line: usize,
    },
    /// None of the known keys signed.
    #[error("none of the known keys signed the note")]
    Unsigned,
}

impl Note {
    /// A note from its parts, checked as when it is read.
    ///
    /// # Errors
    /// [`NoteError`] where text, names or number of signatures do not make a note.
    pub fn new(text: &str, signatures: Vec<SignatureLine>) -> Result<Self, NoteError> {
        let note = Self { text: text.to_owned(), signatures };
        let read = Self::parse(note.encode().as_bytes())?;
        // A text that itself ends like a signature block, or a name with a space, reads differently.
        if read == note { Ok(read) } else { Err(NoteError::Structure) }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`] says which rule of C2SP signed-note is broken where.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong { found: bytes.len() });
        }
        let note = std::str::from_utf8(bytes)
            .map_err(|error| NoteError::Character { at: error.valid_up_to() })?;
        if let Some(at) = note.bytes().position(|b| b < 0x20 && b != b'\n') {
            return Err(NoteError::Character { at });
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Structure)?;
        let (text, block) = (&note[..=blank], &note[blank + 2..]);
        let block = block.strip_suffix('\n').ok_or(NoteError::Structure)?;
        let found = block.split('\n').count();
        if found > MAX_SIGNATURES {
            return Err(NoteError::Count { found });
        }
        let signatures = block
            .split('\n')
            .enumerate()
            .map(|(i, line)| SignatureLine::parse(line).ok_or(NoteError::Line { line: i + 1 }))
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The bytes to publish; the inverse of [`Note::parse`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for line in &self.signatures {
            note.push_str(&line.encode());
        }
        note
    }

    /// The text that was signed, with its final newline. Not to be believed before
    /// [`Note::verify`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in their order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Which of the known keys signed the text. Lines of other keys are ignored, as the
    /// specification demands; one bad or second line of a known key refuses the note.
    ///
    /// # Errors
    /// [`NoteError::Signature`], [`NoteError::Duplicate`], and [`NoteError::Unsigned`] where no
    /// known key signed.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let mut verified: Vec<Verified> = Vec::new();
        for (i, line) in self.signatures.iter().enumerate() {
            let known = |key: &&VerifierKey| key.name() == line.name && key.id() == line.key_id;
            // Two keys whose names and ids collide are told apart by which of them verifies.
            let mut candidates = keys.iter().enumerate().filter(|(_, key)| known(key)).peekable();
            if candidates.peek().is_none() {
                continue;
            }
            let (name, line_number) = (line.name.clone(), i + 1);
            let Some((key, time)) = candidates
                .find_map(|(at, key)| Some((at, key.check(&self.text, &line.signature)?)))
            else {
                return Err(NoteError::Signature { name, line: line_number });
            };
            if verified.iter().any(|earlier| earlier.key == key) {
                return Err(NoteError::Duplicate { name, line: line_number });
            }
            verified.push(Verified { key, time });
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }
}

impl SignatureLine {
    /// The line with its final newline.
    #[must_use]
    pub fn encode(&self) -> String {
        let blob = [&self.key_id[..], &self.signature].concat();
        format!("{LINE_START}{} {}\n", self.name, STANDARD.encode(blob))
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk::<4>()?;
        if !key::is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }
}

impl VerifierKey {
    /// Whether the bytes are this key's signature of the text: `None` where not, otherwise the time
    /// that a cosignature carries.
    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        match self.algorithm() {
            Algorithm::Ed25519 => {
                let signature = Signature::from_slice(signature).ok()?;
                self.public_key().verify_strict(text.as_bytes(), &signature).ok()?;
                Some(None)
            }
            Algorithm::CosignatureV1 => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                let signature = Signature::from_slice(signature).ok()?;
                let message = cosigned_message(text, time)?;
                self.public_key().verify_strict(message.as_bytes(), &signature).ok()?;
                Some(Some(time))
            }
        }
    }
}

/// What an Ed25519 cosigner signs (C2SP tlog-cosignature); `None` where the time is past 2^63 - 1.
pub(crate) fn cosigned_message(text: &str, time: u64) -> Option<String> {
    i64::try_from(time).ok()?;
    Some(format!("cosignature/v1\ntime {time}\n{text}"))
}
