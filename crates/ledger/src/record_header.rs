//! The record header: all that the ledger holds of one event, and the batch object it travels in.
//!
//! A header is a CBOR map with registered integer keys ([`crate::registry::header`]). Which keys a
//! header must and may hold depends on the rule set that it names; every other key is refused.

use crate::cbor::{self, CborError, Fields, ShapeError, ShapeProblem, Value};
use crate::ids::{Hash, KeyId, RecordId};
use crate::limits::{OBJECT_BYTES_MAX, RECORD_HEADER_BYTES_MAX, RECORDS_PER_CAPTURE_MAX};
use crate::registry::{self, FIELD_CLASSES, header as key, tree};
use countermark_tlog::lanes::Messages;
use countermark_tlog::merkle;

/// Version of the header format.
const VERSION: u64 = 1;
/// How many class digests a header holds.
const CLASSES: usize = FIELD_CLASSES as usize;

/// The keys that rule set 1 requires.
const REQUIRED_1: [u64; 9] = [
    key::VERSION,
    key::RECORD_ID,
    key::SIGNING_KEY,
    key::KEY_SEQUENCE,
    key::TIME_BUCKET,
    key::ROOT,
    key::CLASS_DIGESTS,
    key::RULE_SET,
    key::IDEMPOTENCY_TAG,
];
/// The keys that rule set 1 allows besides.
const OPTIONAL_1: [u64; 1] = [key::PREVIOUS_VERSION];

/// A record header that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordHeaderError {
    /// The bytes are no deterministic CBOR.
    #[error("record header: {0}")]
    Cbor(#[from] CborError),
    /// A key is missing, not allowed by the rule set, or of the wrong kind.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The header is longer than [`RECORD_HEADER_BYTES_MAX`].
    #[error("a record header of {0} bytes; at most {RECORD_HEADER_BYTES_MAX} are taken")]
    TooLong(usize),
    /// No rule set of this number is known.
    #[error("record header, key 14: rule set {0} is not known")]
    RuleSet(u64),
    /// The root is not the root of the class digests.
    #[error("record header, key 6: the root does not follow from the class digests")]
    Root,
    /// A batch that is no array of at least one and at most [`RECORDS_PER_CAPTURE_MAX`] headers.
    #[error("a batch holds 1 to {RECORDS_PER_CAPTURE_MAX} record headers as byte strings")]
    Batch,
    /// A batch longer than an object may be.
    #[error("a batch of {0} bytes; an object holds at most {OBJECT_BYTES_MAX}")]
    BatchTooLong(usize),
}

/// What the ledger holds of one event under rule set 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHeader {
    /// The record's random id.
    pub record_id: RecordId,
    /// Id of the key that signs the capture statement.
    pub signing_key: KeyId,
    /// Sequence number of that statement.
    pub key_sequence: u64,
    /// Hours since the Unix epoch.
    pub time_bucket: u64,
    /// Root over the class digests ([`record_root`]).
    pub root: Hash,
    /// The salted digest of every field class, in class order, class 1 first.
    pub class_digests: [Hash; CLASSES],
    /// The rule set under which the record is made.
    pub rule_set: u64,
    /// The record that this one replaces.
    pub previous_version: Option<RecordId>,
    /// HMAC of where the event came from, under the member's tag key.
    pub idempotency_tag: [u8; 32],
}

/// The root over class digests: RFC 9162 over leaves 0x11 ‖ class number ‖ digest, in class order.
#[must_use]
pub fn record_root(class_digests: &[Hash; CLASSES]) -> Hash {
    let leaves: Vec<Hash> =
        (1u8..).zip(class_digests).map(|(class, digest)| class_leaf_hash(class, digest)).collect();
    merkle::root(&leaves)
}

/// As [`record_root`], of many records.
#[must_use]
pub fn record_roots(records: &[[Hash; CLASSES]]) -> Vec<Hash> {
    let mut leaves = Messages::new();
    for digests in records {
        for (class, digest) in (1u8..).zip(digests) {
            leaves.begin();
            leaves.push(&[0, tree::CLASS_DIGEST, class]);
            leaves.push(digest);
            leaves.end();
        }
    }
    let mut hashes = Vec::new();
    leaves.digests(&mut hashes);
    merkle::roots(&mut hashes, CLASSES)
}

/// Hash of the leaf that a class digest makes under a record's root.
#[must_use]
pub fn class_leaf_hash(class: u8, digest: &Hash) -> Hash {
    let mut leaf = Vec::with_capacity(34);
    leaf.extend_from_slice(&[tree::CLASS_DIGEST, class]);
    leaf.extend_from_slice(digest);
    merkle::leaf_hash(&leaf)
}

impl RecordHeader {
    /// The header's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let digests = self.class_digests.iter().map(|digest| (*digest).into()).collect();
        let mut entries = vec![
            (key::VERSION, VERSION.into()),
            (key::RECORD_ID, self.record_id.into()),
            (key::SIGNING_KEY, self.signing_key.into()),
            (key::KEY_SEQUENCE, self.key_sequence.into()),
            (key::TIME_BUCKET, self.time_bucket.into()),
            (key::ROOT, self.root.into()),
            (key::CLASS_DIGESTS, Value::Array(digests)),
            (key::RULE_SET, self.rule_set.into()),
            (key::IDEMPOTENCY_TAG, self.idempotency_tag.into()),
        ];
        if let Some(previous) = self.previous_version {
            entries.push((key::PREVIOUS_VERSION, previous.into()));
        }
        cbor::encode(&Value::int_map(entries))
    }

    /// Reads a header: its keys are those that its rule set allows, every length fits.
    /// [`RecordHeader::check`] compares the root.
    ///
    /// # Errors
    /// [`RecordHeaderError`] names the key and the rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordHeaderError> {
        if bytes.len() > RECORD_HEADER_BYTES_MAX {
            return Err(RecordHeaderError::TooLong(bytes.len()));
        }
        let value = cbor::decode(bytes)?;
        let every: Vec<u64> = (key::VERSION..=key::IDEMPOTENCY_TAG).collect();
        let rule_set = Fields::open("record header", &value, &every)?.uint(key::RULE_SET)?;
        let allowed: Vec<u64> = match rule_set {
            registry::RULE_SET_1 => REQUIRED_1.iter().chain(&OPTIONAL_1).copied().collect(),
            other => return Err(RecordHeaderError::RuleSet(other)),
        };
        let fields = Fields::open("record header", &value, &allowed)?;
        fields.version(key::VERSION, VERSION)?;
        let digests = fields.arrays::<32>(key::CLASS_DIGESTS, CLASSES)?;
        let found = digests.len();
        let class_digests = digests.try_into().map_err(|_| {
            let expected = format!("{CLASSES} digests");
            fields.fault(key::CLASS_DIGESTS, ShapeProblem::Length { expected, found })
        })?;
        Ok(RecordHeader {
            record_id: fields.array(key::RECORD_ID)?,
            signing_key: fields.array(key::SIGNING_KEY)?,
            key_sequence: fields.uint(key::KEY_SEQUENCE)?,
            time_bucket: fields.uint(key::TIME_BUCKET)?,
            root: fields.array(key::ROOT)?,
            class_digests,
            rule_set,
            previous_version: fields.optional_array(key::PREVIOUS_VERSION)?,
            idempotency_tag: fields.array(key::IDEMPOTENCY_TAG)?,
        })
    }

    /// Checks that the root follows from the class digests.
    ///
    /// # Errors
    /// [`RecordHeaderError::Root`].
    pub fn check(&self) -> Result<(), RecordHeaderError> {
        if record_root(&self.class_digests) == self.root {
            Ok(())
        } else {
            Err(RecordHeaderError::Root)
        }
    }
}

/// Hash of the leaf that a header makes in its batch's tree: RFC 9162 over 0x12 ‖ header bytes.
#[must_use]
pub fn batch_leaf_hash(header: &[u8]) -> Hash {
    let mut leaf = Vec::with_capacity(header.len() + 1);
    leaf.push(tree::RECORD_HEADER);
    leaf.extend_from_slice(header);
    merkle::leaf_hash(&leaf)
}

/// As [`batch_leaf_hash`], of many headers.
#[must_use]
pub fn batch_leaf_hashes<H: AsRef<[u8]>>(headers: &[H]) -> Vec<Hash> {
    merkle::leaf_hashes(&[tree::RECORD_HEADER], headers)
}

/// Root of a batch's tree over encoded headers.
#[must_use]
pub fn batch_root<H: AsRef<[u8]>>(headers: &[H]) -> Hash {
    merkle::root(&batch_leaf_hashes(headers))
}

/// The object that carries a batch: a CBOR array of header byte strings.
///
/// # Errors
/// [`RecordHeaderError`] where there are none, too many, or together too long.
pub fn encode_batch<H: AsRef<[u8]>>(headers: &[H]) -> Result<Vec<u8>, RecordHeaderError> {
    if headers.is_empty() || headers.len() > RECORDS_PER_CAPTURE_MAX {
        return Err(RecordHeaderError::Batch);
    }
    let items = headers.iter().map(|header| header.as_ref().into()).collect();
    let bytes = cbor::encode(&Value::Array(items));
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(RecordHeaderError::BatchTooLong(bytes.len()));
    }
    Ok(bytes)
}

/// The header byte strings of a batch object, not yet decoded.
///
/// # Errors
/// [`RecordHeaderError`] where the object is no batch in its one encoding.
pub fn decode_batch(object: &[u8]) -> Result<Vec<Vec<u8>>, RecordHeaderError> {
    if object.len() > OBJECT_BYTES_MAX {
        return Err(RecordHeaderError::BatchTooLong(object.len()));
    }
    let Value::Array(items) = cbor::decode(object)? else { return Err(RecordHeaderError::Batch) };
    if items.is_empty() || items.len() > RECORDS_PER_CAPTURE_MAX {
        return Err(RecordHeaderError::Batch);
    }
    let headers = items.into_iter().map(|item| match item {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(RecordHeaderError::Batch),
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_header() -> impl Strategy<Value = RecordHeader> {
        (
            any::<([u8; 16], [u8; 32], u64, u64)>(),
            any::<([[u8; 32]; 11], Option<[u8; 16]>, [u8; 32])>(),
        )
            .prop_map(|((record_id, signing_key, key_sequence, time_bucket), rest)| {
                let (class_digests, previous_version, idempotency_tag) = rest;
                let root = record_root(&class_digests);
                RecordHeader {
                    record_id,
                    signing_key,
                    key_sequence,
                    time_bucket,
                    root,
                    class_digests,
                    rule_set: 1,
                    previous_version,
                    idempotency_tag,
                }
            })
    }

    fn sample() -> RecordHeader {
        let class_digests = std::array::from_fn(|i| [i as u8; 32]);
        RecordHeader {
            record_id: [1; 16],
            signing_key: [2; 32],
            key_sequence: 3,
            time_bucket: 4,
            root: record_root(&class_digests),
            class_digests,
            rule_set: 1,
            previous_version: None,
            idempotency_tag: [5; 32],
        }
    }

    fn altered(change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
        let Value::Map(mut entries) = cbor::decode(&sample().encode()).unwrap() else {
            panic!("a header is a map")
        };
        change(&mut entries);
        cbor::encode(&Value::Map(entries))
    }

    #[test]
    fn a_key_of_a_later_part_is_refused_under_rule_set_1() {
        for later in [8u64, 9, 10, 11, 12, 13, 17] {
            let bytes = altered(|entries| entries.push((later.into(), 1u64.into())));
            match RecordHeader::decode(&bytes).unwrap_err() {
                RecordHeaderError::Shape(error) => {
                    assert_eq!((error.key, error.problem), (Some(later), ShapeProblem::Unknown));
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_missing_key_a_wrong_length_and_an_unknown_rule_set_are_refused() {
        for required in REQUIRED_1 {
            let bytes = altered(|entries| entries.retain(|(k, _)| *k != required.into()));
            assert!(RecordHeader::decode(&bytes).is_err(), "without key {required}");
        }
        let bytes = altered(|entries| {
            entries.retain(|(k, _)| *k != key::CLASS_DIGESTS.into());
            let ten = Value::Array(vec![[0u8; 32].into(); 10]);
            entries.push((key::CLASS_DIGESTS.into(), ten));
        });
        let said = RecordHeader::decode(&bytes).unwrap_err().to_string();
        assert_eq!(said, "record header, key 7: expected a length of 11 digests, found 10");
        let mut other = sample();
        other.rule_set = 2;
        assert_eq!(RecordHeader::decode(&other.encode()), Err(RecordHeaderError::RuleSet(2)));
    }

    #[test]
    fn a_root_that_does_not_follow_from_the_digests_is_refused() {
        let mut header = sample();
        assert_eq!(header.check(), Ok(()));
        header.class_digests.swap(0, 1);
        assert_eq!(header.check(), Err(RecordHeaderError::Root));
    }

    #[test]
    fn a_batch_is_bounded_and_nothing_but_byte_strings() {
        let one = sample().encode();
        let object = encode_batch(&[&one, &one]).unwrap();
        assert_eq!(decode_batch(&object).unwrap(), vec![one.clone(), one.clone()]);
        assert_eq!(encode_batch::<Vec<u8>>(&[]), Err(RecordHeaderError::Batch));
        let many = vec![&one; RECORDS_PER_CAPTURE_MAX + 1];
        assert_eq!(encode_batch(&many), Err(RecordHeaderError::Batch));
        assert!(encode_batch(&vec![&one; RECORDS_PER_CAPTURE_MAX]).is_ok());
        assert_eq!(decode_batch(&[0x81, 1]), Err(RecordHeaderError::Batch));
        assert_eq!(decode_batch(&[0x80]), Err(RecordHeaderError::Batch));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_again_equal_and_holds(header in any_header()) {
            let bytes = header.encode();
            prop_assert!(bytes.len() <= RECORD_HEADER_BYTES_MAX);
            let read = RecordHeader::decode(&bytes).unwrap();
            prop_assert_eq!(read.check(), Ok(()));
            prop_assert_eq!(read, header);
        }

        #[test]
        fn what_reads_has_one_encoding(
            header in any_header(), at in any::<prop::sample::Index>(), flip in 1u8..
        ) {
            let mut bytes = header.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(read) = RecordHeader::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
                prop_assert_ne!(read, header);
            }
        }
    }
}
