//! Byte layout of the vault's files. All integers big-endian; sums are the first four bytes of a
//! SHA-256.
//!
//! ```text
//! body frame    id16 n1 n×(class1 length4 sum4) sum4 n×ciphertext
//! key frame     kind1 n1 id16 day4 a4 b4 c4 subject4 n×class1 sum4 n×(sum4 wrapped48)
//! batch         length4 sum4(length ‖ place) key frames
//! ```
//! The sums cover what never changes, so that erasing in place (zeros over a ciphertext, zeros
//! over a wrapped key) leaves a frame whole. Key frames of kind *record* point to their body frame
//! (a segment, b offset, c length) and to their day key (`day`, its number in `daykeys`); of kind *tombstone* to the key frame whose classes (bits of
//! `day`) are erased.

use countermark_ledger::record::FieldClass;
use countermark_ledger::record::seal::WRAPPED_CLASS_KEY_LEN;
use sha2::{Digest, Sha256};

pub(crate) const SUM_LEN: usize = 4;
/// A wrapped key with its sum.
pub(crate) const SLOT_LEN: usize = SUM_LEN + WRAPPED_CLASS_KEY_LEN;
const KEY_FIXED: usize = 38;
/// Header of a batch.
pub(crate) const BATCH_HEADER: usize = 8;
/// Longest key frame.
pub(crate) const KEY_FRAME_MAX: usize = KEY_FIXED + 11 + SUM_LEN + 11 * SLOT_LEN;

/// First bytes of a SHA-256, against torn writes and failing media (not against intruders: the
/// ciphers' tags and the ledger's digests are).
pub(crate) fn sum(parts: &[&[u8]]) -> [u8; SUM_LEN] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let full: [u8; 32] = hash.finalize().into();
    [full[0], full[1], full[2], full[3]]
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// What a key frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum KeyKind {
    Record = 1,
    Document = 2,
    RecordTombstone = 3,
    DocumentTombstone = 4,
    SubjectTombstone = 5,
}

impl KeyKind {
    fn from_byte(byte: u8) -> Option<Self> {
        use KeyKind::{Document, DocumentTombstone, Record, RecordTombstone, SubjectTombstone};
        [Record, Document, RecordTombstone, DocumentTombstone, SubjectTombstone]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// A wrapped key as it lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Wrapped([u8; WRAPPED_CLASS_KEY_LEN]),
    Erased,
    Damaged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFrame {
    pub(crate) kind: KeyKind,
    pub(crate) id: [u8; 16],
    pub(crate) day: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
    pub(crate) subject: u32,
    /// Class number (0 for a document) and wrapped key.
    pub(crate) slots: Vec<(u8, Slot)>,
}

impl KeyFrame {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[self.kind as u8, u8::try_from(self.slots.len()).unwrap_or(0)]);
        out.extend_from_slice(&self.id);
        for word in [self.day, self.a, self.b, self.c, self.subject] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend(self.slots.iter().map(|(class, _)| *class));
        let head = sum(&[&out[start..]]);
        out.extend_from_slice(&head);
        for (_, slot) in &self.slots {
            match slot {
                Slot::Wrapped(key) => {
                    out.extend_from_slice(&sum(&[key]));
                    out.extend_from_slice(key);
                }
                Slot::Erased | Slot::Damaged => out.extend_from_slice(&[0; SLOT_LEN]),
            }
        }
    }

    /// Reads the frame at the start of `bytes`; none where its head is not whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(KeyFrame, usize)> {
        let count = usize::from(*bytes.get(1)?);
        let head = bytes.get(..KEY_FIXED + count)?;
        let slots_at = KEY_FIXED + count + SUM_LEN;
        if count > 11 || bytes.get(KEY_FIXED + count..slots_at)? != sum(&[head]) {
            return None;
        }
        let total = slots_at + count * SLOT_LEN;
        let slots = bytes.get(slots_at..total)?;
        let (slots, _) = slots.as_chunks::<SLOT_LEN>();
        let slots = head[KEY_FIXED..].iter().zip(slots);
        let frame = KeyFrame {
            kind: KeyKind::from_byte(head[0])?,
            id: head[2..18].try_into().ok()?,
            day: word(head, 18)?,
            a: word(head, 22)?,
            b: word(head, 26)?,
            c: word(head, 30)?,
            subject: word(head, 34)?,
            slots: slots.map(|(class, slot)| (*class, read_slot(slot))).collect(),
        };
        Some((frame, total))
    }

    /// Offset of the slot of a class from the frame's start.
    pub(crate) fn slot_offset(&self, class: u8) -> Option<usize> {
        let at = self.slots.iter().position(|(other, _)| *other == class)?;
        Some(KEY_FIXED + self.slots.len() + SUM_LEN + at * SLOT_LEN)
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.slots.iter().any(|(_, slot)| *slot == Slot::Damaged)
    }
}

fn read_slot(slot: &[u8; SLOT_LEN]) -> Slot {
    let (head, key) = slot.split_at(SUM_LEN);
    match <[u8; WRAPPED_CLASS_KEY_LEN]>::try_from(key) {
        _ if is_zero(slot) => Slot::Erased,
        Ok(key) if head == sum(&[&key]) => Slot::Wrapped(key),
        _ => Slot::Damaged,
    }
}

pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// A batch around key frames that starts at `place` of `segment`.
pub(crate) fn encode_batch(segment: u32, place: u64, frames: &[u8]) -> Vec<u8> {
    let length = u32::try_from(frames.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(BATCH_HEADER + frames.len());
    out.extend_from_slice(&length);
    out.extend_from_slice(&sum(&[&length, &segment.to_be_bytes(), &place.to_be_bytes()]));
    out.extend_from_slice(frames);
    out
}

/// Length of the frames of the batch at `place`; none where no whole header is there.
pub(crate) fn batch_length(segment: u32, place: u64, bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(..4)?;
    let expected = sum(&[length, &segment.to_be_bytes(), &place.to_be_bytes()]);
    (bytes.get(4..BATCH_HEADER)? == expected).then(|| word(bytes, 0).map(|n| n as usize))?
}

/// Where one ciphertext lies in a body frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyPart {
    pub(crate) class: FieldClass,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    sum: [u8; SUM_LEN],
}

/// State of one ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyState {
    Whole,
    Erased,
    Damaged,
}

impl BodyPart {
    pub(crate) fn state(&self, ciphertext: &[u8]) -> BodyState {
        if is_zero(ciphertext) {
            BodyState::Erased
        } else if sum(&[ciphertext]) == self.sum {
            BodyState::Whole
        } else {
            BodyState::Damaged
        }
    }
}

/// Writes a body frame.
pub(crate) fn encode_body(id: &[u8; 16], parts: &[(FieldClass, Vec<u8>)], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(id);
    out.push(u8::try_from(parts.len()).unwrap_or(0));
    for (class, ciphertext) in parts {
        out.push(class.number());
        out.extend_from_slice(&u32::try_from(ciphertext.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&sum(&[ciphertext]));
    }
    let head = sum(&[&out[start..]]);
    out.extend_from_slice(&head);
    for (_, ciphertext) in parts {
        out.extend_from_slice(ciphertext);
    }
}

/// Id and directory of a body frame; none where its head is not whole.
pub(crate) fn decode_body(bytes: &[u8]) -> Option<([u8; 16], Vec<BodyPart>)> {
    let id = bytes.get(..16)?.try_into().ok()?;
    let count = usize::from(*bytes.get(16)?);
    let directory_end = 17 + count * 9;
    let head = bytes.get(..directory_end)?;
    if bytes.get(directory_end..directory_end + SUM_LEN)? != sum(&[head]) {
        return None;
    }
    let mut offset = directory_end + SUM_LEN;
    let mut parts = Vec::with_capacity(count);
    let (entries, _) = head[17..].as_chunks::<9>();
    for entry in entries {
        let class = FieldClass::from_number(u64::from(entry[0]))?;
        let length = usize::try_from(word(entry, 1)?).ok()?;
        let sum = entry[5..].try_into().ok()?;
        parts.push(BodyPart { class, offset, length, sum });
        offset = offset.checked_add(length)?;
    }
    (offset == bytes.len()).then_some((id, parts))
}
