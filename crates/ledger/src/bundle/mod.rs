//! Bundles: one file that proves events, or fields of them, to anyone, offline.
//!
//! A bundle carries, for each record, the way from the disclosed values up to a signed checkpoint:
//! openings → class digests → record header → batch → statement → block → log. What all records
//! share is carried once: the checkpoint, the genesis statement, the newest block with state proofs
//! of every key that signed (a key's entry says from and until which height it holds, so its state
//! now answers for every block before), and the issuer: the member that made the bundle, whose
//! signature covers every byte of it, so that nothing can be dropped or moved between two bundles.
//!
//! **Who may issue.** Any active member may issue a bundle over what it holds or was itself shown,
//! and show less of it than it was shown: nothing in it becomes less true by that, since every record
//! still leads to whoever captured it. It does so in its own name, which the report gives beside the
//! time of issue; it can alter nothing, add nothing, and issue nothing in another's name. Whoever is
//! no member passes a bundle on as it is or not at all. A trust policy with `member` lines refuses
//! other issuers too.
//!
//! There is one encoding: deterministic CBOR, integer keys, audit paths as one byte string of whole
//! hashes, records in the order of the log and each once, keys in the order of their ids and each
//! once. Reading refuses every other.
//!
//! ```text
//! file    = "countermark bundle v1\n" bundle
//! bundle  = {1 version, 2 checkpoint, 3 [genesis leaf, path], 4 [record…], 5 head,
//!            6 time of issue, 7 signature}
//! record  = {1 block, 2 statement leaf, 3 its index in the block, 4 path in the block,
//!            5 record header, 6 its index in the batch, 7 path in the batch, 8 openings}
//! block   = {1 header leaf, 2 its index in the log, 3 path in the log}
//! head    = {1 block, 2 issuer's key id, 3 [entry…] of keys, 4 entry of the issuing member}
//! entry   = [value, state proof]
//! ```
//! Leaves, header, openings, values and proofs are byte strings; the signature is Ed25519 over the
//! file without key 7, the bundle's map then having six entries.

mod build;
mod report;
mod verify;

pub use build::{Draft, DraftError};
pub use report::{Check, CheckState, Issuer, LogHead, RecordReport, Report, Verdict};
pub use verify::verify;

use countermark_tlog::merkle::Hash;

use crate::cbor::{self, CborError, Fields, ShapeError, Value};
use crate::limits;

/// Format version of a bundle.
pub const BUNDLE_VERSION: u64 = 1;
/// The first bytes of a bundle file, before the CBOR: name and version, so that a file says what
/// it is.
pub const BUNDLE_MAGIC: &[u8] = b"countermark bundle v1\n";
/// Index of the genesis statement's leaf: the first statement of the first block.
pub const GENESIS_LEAF_INDEX: u64 = 1;

/// A block's header and its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockProof {
    /// The header's leaf.
    pub header_leaf: Vec<u8>,
    /// Index of that leaf in the log.
    pub index: u64,
    /// Audit path of that leaf to the checkpoint's root.
    pub path: Vec<Hash>,
}

/// The genesis statement and its audit path; its index is [`GENESIS_LEAF_INDEX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisProof {
    /// The statement's leaf.
    pub leaf: Vec<u8>,
    /// Audit path to the checkpoint's root.
    pub path: Vec<Hash>,
}

/// What proves one record and the values disclosed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProof {
    /// The block that holds the statement.
    pub block: BlockProof,
    /// The statement's leaf.
    pub statement_leaf: Vec<u8>,
    /// The statement's position among the block's statements.
    pub statement_index: u64,
    /// Audit path to the header's root of statements.
    pub statement_path: Vec<Hash>,
    /// The record's header.
    pub record_header: Vec<u8>,
    /// The record's position in its batch.
    pub record_index: u64,
    /// Audit path to the statement's batch root.
    pub record_path: Vec<Hash>,
    /// The openings of the disclosed values.
    pub openings: Vec<u8>,
}

impl RecordProof {
    /// Where the record stands in the log: block, statement, place in the batch.
    #[must_use]
    pub fn position(&self) -> (u64, u64, u64) {
        (self.block.index, self.statement_index, self.record_index)
    }
}

/// The newest block of the checkpoint, what its state says of the keys, and who made the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest block of the checkpoint.
    pub block: BlockProof,
    /// Id of the issuer's key.
    pub issuer_key: Hash,
    /// The issuer's key and every key that signed a statement of this bundle, each once, in order of
    /// key id.
    pub keys: Vec<EntryProof>,
    /// The member that the issuer's key belongs to: whether it is active.
    pub issuer: EntryProof,
}

/// An entry of the state map, and that the newest state holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry's value.
    pub entry: Vec<u8>,
    /// State proof of that value, against the newest block's state root.
    pub proof: Vec<u8>,
}

/// A bundle as read; nothing of it has been checked yet but its encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The signed checkpoint (C2SP tlog-checkpoint).
    pub checkpoint: Vec<u8>,
    /// The log's genesis statement.
    pub genesis: GenesisProof,
    /// The records, each with what it discloses: each once, in the order of the log.
    pub records: Vec<RecordProof>,
    /// The newest block, the keys and the issuer.
    pub head: Head,
    /// When it was made, by the issuer's clock, in Unix milliseconds.
    pub issued_at_ms: u64,
    /// The issuer's Ed25519 signature over [`Bundle::signed_bytes`].
    pub signature: [u8; 64],
}

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not one of our files.
    #[error("this is no Countermark bundle: it does not begin with \"countermark bundle v1\"")]
    Magic,
    /// Too large.
    #[error("{0} bytes; a bundle has at most {max}", max = limits::BUNDLE_BYTES_MAX)]
    Size(usize),
    /// Not deterministic CBOR.
    #[error("the bundle's encoding is not the canonical one: {0}")]
    Encoding(#[from] CborError),
    /// CBOR of another shape.
    #[error("{0}")]
    Shape(#[from] ShapeError),
}

const BLOCK_KEYS: [u64; 3] = [1, 2, 3];
const RECORD_KEYS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const HEAD_KEYS: [u64; 4] = [1, 2, 3, 4];
const BUNDLE_KEYS: [u64; 7] = [1, 2, 3, 4, 5, 6, 7];
/// Longest audit path of a tree with 2^63 leaves.
const PATH_HASHES_MAX: usize = 63;

impl Bundle {
    /// The bundle's file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = BUNDLE_MAGIC.to_vec();
        cbor::encode_into(&self.value(Some(&self.signature)), &mut out);
        out
    }

    /// What the issuer signs: the file without the signature.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = BUNDLE_MAGIC.to_vec();
        cbor::encode_into(&self.value(None), &mut out);
        out
    }

    fn value(&self, signature: Option<&[u8; 64]>) -> Value {
        let records = self.records.iter().map(record_value).collect::<Vec<_>>();
        let keys = self.head.keys.iter().map(entry_value);
        let head = Value::int_map([
            (1, block_value(&self.head.block)),
            (2, self.head.issuer_key.into()),
            (3, keys.collect::<Vec<_>>().into()),
            (4, entry_value(&self.head.issuer)),
        ]);
        let genesis =
            Value::Array(vec![self.genesis.leaf.clone().into(), path_value(&self.genesis.path)]);
        let mut entries = vec![
            (1, BUNDLE_VERSION.into()),
            (2, self.checkpoint.clone().into()),
            (3, genesis),
            (4, records.into()),
            (5, head),
            (6, self.issued_at_ms.into()),
        ];
        entries.extend(signature.map(|signature| (7, Value::from(*signature))));
        Value::int_map(entries)
    }

    /// Reads a bundle's file.
    ///
    /// # Errors
    /// [`BundleError`] for anything but the one encoding of a bundle.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > limits::BUNDLE_BYTES_MAX {
            return Err(BundleError::Size(bytes.len()));
        }
        let body = bytes.strip_prefix(BUNDLE_MAGIC).ok_or(BundleError::Magic)?;
        let value = cbor::decode(body)?;
        let fields = Fields::open("bundle", &value, &BUNDLE_KEYS)?;
        fields.version(1, BUNDLE_VERSION)?;
        let genesis = fields.items(3, 2)?;
        let [leaf, path] = genesis else {
            return Err(fields.range(3, "a genesis proof is a leaf and its path").into());
        };
        let records = fields.items(4, limits::BUNDLE_RECORDS_MAX)?;
        if records.is_empty() {
            return Err(fields.range(4, "a bundle proves at least one record").into());
        }
        let records: Vec<RecordProof> = records.iter().map(record_of).collect::<Result<_, _>>()?;
        if !records.is_sorted_by(|a, b| a.position() < b.position()) {
            let rule = "records stand in the order of the log, each once";
            return Err(fields.range(4, rule).into());
        }
        Ok(Self {
            checkpoint: fields.bytes(2)?.to_vec(),
            genesis: GenesisProof {
                leaf: bytes_of(&fields, 3, leaf)?,
                path: path_of(&fields, 3, path)?,
            },
            records,
            head: head_of(fields.need(5)?)?,
            issued_at_ms: fields.uint(6)?,
            signature: fields.array(7)?,
        })
    }
}

fn path_value(path: &[Hash]) -> Value {
    Value::Bytes(path.concat())
}

fn entry_value(shown: &EntryProof) -> Value {
    Value::Array(vec![shown.entry.clone().into(), shown.proof.clone().into()])
}

fn block_value(block: &BlockProof) -> Value {
    Value::int_map([
        (1, block.header_leaf.clone().into()),
        (2, block.index.into()),
        (3, path_value(&block.path)),
    ])
}

fn record_value(record: &RecordProof) -> Value {
    Value::int_map([
        (1, block_value(&record.block)),
        (2, record.statement_leaf.clone().into()),
        (3, record.statement_index.into()),
        (4, path_value(&record.statement_path)),
        (5, record.record_header.clone().into()),
        (6, record.record_index.into()),
        (7, path_value(&record.record_path)),
        (8, record.openings.clone().into()),
    ])
}

fn bytes_of(fields: &Fields<'_>, key: u64, value: &Value) -> Result<Vec<u8>, ShapeError> {
    value.as_bytes().map(<[u8]>::to_vec).ok_or_else(|| fields.range(key, "a byte string"))
}

fn path_of(fields: &Fields<'_>, key: u64, value: &Value) -> Result<Vec<Hash>, ShapeError> {
    let bytes = value.as_bytes().ok_or_else(|| fields.range(key, "an audit path in bytes"))?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() > PATH_HASHES_MAX {
        let rule = format!("an audit path of at most {PATH_HASHES_MAX} whole hashes");
        return Err(fields.range(key, rule));
    }
    Ok(hashes.to_vec())
}

fn block_of(value: &Value) -> Result<BlockProof, ShapeError> {
    let fields = Fields::open("bundle, block proof", value, &BLOCK_KEYS)?;
    Ok(BlockProof {
        header_leaf: fields.bytes(1)?.to_vec(),
        index: fields.uint(2)?,
        path: path_of(&fields, 3, fields.need(3)?)?,
    })
}

fn record_of(value: &Value) -> Result<RecordProof, ShapeError> {
    let fields = Fields::open("bundle, record proof", value, &RECORD_KEYS)?;
    Ok(RecordProof {
        block: block_of(fields.need(1)?)?,
        statement_leaf: fields.bytes(2)?.to_vec(),
        statement_index: fields.uint(3)?,
        statement_path: path_of(&fields, 4, fields.need(4)?)?,
        record_header: fields.bytes(5)?.to_vec(),
        record_index: fields.uint(6)?,
        record_path: path_of(&fields, 7, fields.need(7)?)?,
        openings: fields.bytes(8)?.to_vec(),
    })
}

fn head_of(value: &Value) -> Result<Head, ShapeError> {
    let fields = Fields::open("bundle, head", value, &HEAD_KEYS)?;
    let keys = fields.items(3, limits::BUNDLE_RECORDS_MAX + 1)?;
    Ok(Head {
        block: block_of(fields.need(1)?)?,
        issuer_key: fields.array(2)?,
        keys: keys.iter().map(|key| entry_of(&fields, 3, key)).collect::<Result<_, _>>()?,
        issuer: entry_of(&fields, 4, fields.need(4)?)?,
    })
}

fn entry_of(fields: &Fields<'_>, key: u64, value: &Value) -> Result<EntryProof, ShapeError> {
    let Some([entry, proof]) = value.as_array() else {
        return Err(fields.range(key, "an entry of the state and the state proof of it"));
    };
    Ok(EntryProof { entry: bytes_of(fields, key, entry)?, proof: bytes_of(fields, key, proof)? })
}

#[cfg(test)]
pub(crate) mod tests;
