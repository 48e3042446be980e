//! Blocks: a header leaf, then the leaves of the statements that it orders.

use crate::cbor::{self, CborError, Fields, ShapeError, Value};
use crate::ids::{Hash, KeyId};
use crate::limits::{LEAF_BYTES_MAX, ORIGIN_BYTES_MAX, STATEMENTS_PER_BLOCK_MAX};
use crate::registry::leaf;
use countermark_tlog::merkle;

/// Version of the block header format.
const VERSION: u64 = 1;
/// The parent of the first block.
pub const NO_PARENT: Hash = [0; 32];

/// A leaf that is no block header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockHeaderError {
    /// A leaf of another kind.
    #[error("the leaf is no block header")]
    Leaf,
    /// A leaf of a block, after its header's, that is no statement.
    #[error("a leaf of the block is no statement")]
    NotAStatement,
    /// The bytes are no deterministic CBOR.
    #[error("block header: {0}")]
    Cbor(#[from] CborError),
    /// A key is missing, unknown, or of the wrong kind.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The header of a block: a CBOR map with integer keys 1 to 12, the version first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeader {
    /// The log's origin (key 2).
    pub origin: String,
    /// Height, from 0 (key 3).
    pub height: u64,
    /// Block time, ms since the Unix epoch (key 4).
    pub time_ms: u64,
    /// Leaf hash of the previous block's header; [`NO_PARENT`] at height 0 (key 5).
    pub parent: Hash,
    /// Leaves of the log before this header (key 6).
    pub log_size: u64,
    /// Root of the log of that size (key 7).
    pub log_root: Hash,
    /// Statements in the block (key 8).
    pub statement_count: u64,
    /// RFC 9162 root over the statements' leaves (key 9).
    pub statements_root: Hash,
    /// Root of the state map after this block (key 10).
    pub state_root: Hash,
    /// The rule set that the block was executed under (key 11).
    pub rule_set: u64,
    /// Id of the proposer's key (key 12).
    pub proposer: KeyId,
}

impl BlockHeader {
    /// The header's leaf of the log: 0x01 ‖ CBOR map.
    #[must_use]
    pub fn leaf(&self) -> Vec<u8> {
        let mut out = vec![leaf::BLOCK_HEADER];
        let map = Value::int_map([
            (1, VERSION.into()),
            (2, self.origin.as_str().into()),
            (3, self.height.into()),
            (4, self.time_ms.into()),
            (5, self.parent.into()),
            (6, self.log_size.into()),
            (7, self.log_root.into()),
            (8, self.statement_count.into()),
            (9, self.statements_root.into()),
            (10, self.state_root.into()),
            (11, self.rule_set.into()),
            (12, self.proposer.into()),
        ]);
        cbor::encode_into(&map, &mut out);
        out
    }

    /// Reads a header from its leaf.
    ///
    /// # Errors
    /// [`BlockHeaderError`] names the key and the rule.
    pub fn from_leaf(bytes: &[u8]) -> Result<Self, BlockHeaderError> {
        let map = match bytes.split_first() {
            Some((&leaf::BLOCK_HEADER, map)) if bytes.len() <= LEAF_BYTES_MAX => map,
            _ => return Err(BlockHeaderError::Leaf),
        };
        let value = cbor::decode(map)?;
        let keys: Vec<u64> = (1..=12).collect();
        let fields = Fields::open("block header", &value, &keys)?;
        fields.version(1, VERSION)?;
        let statement_count = fields.uint(8)?;
        if statement_count > STATEMENTS_PER_BLOCK_MAX as u64 {
            let rule = format!("a block holds at most {STATEMENTS_PER_BLOCK_MAX} statements");
            return Err(fields.range(8, rule).into());
        }
        Ok(BlockHeader {
            origin: fields.text(2, ORIGIN_BYTES_MAX)?.to_owned(),
            height: fields.uint(3)?,
            time_ms: fields.uint(4)?,
            parent: fields.array(5)?,
            log_size: fields.uint(6)?,
            log_root: fields.array(7)?,
            statement_count,
            statements_root: fields.array(9)?,
            state_root: fields.array(10)?,
            rule_set: fields.uint(11)?,
            proposer: fields.array(12)?,
        })
    }

    /// The block's hash: the hash of its header's leaf.
    #[must_use]
    pub fn hash(&self) -> Hash {
        merkle::leaf_hash(&self.leaf())
    }
}

/// Root over the leaves of a block's statements.
#[must_use]
pub fn statements_root(leaf_hashes: &[Hash]) -> Hash {
    merkle::root(leaf_hashes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn sample() -> BlockHeader {
        BlockHeader {
            origin: "ledger.example/1".into(),
            height: 7,
            time_ms: 1_790_000_000_000,
            parent: [1; 32],
            log_size: 42,
            log_root: [2; 32],
            statement_count: 3,
            statements_root: [3; 32],
            state_root: [4; 32],
            rule_set: 1,
            proposer: [5; 32],
        }
    }

    #[test]
    fn each_key_is_required_and_no_other_is_taken() {
        let leaf = sample().leaf();
        for key in 1u64..=13 {
            let Value::Map(mut entries) = cbor::decode(&leaf[1..]).unwrap() else {
                panic!("a map")
            };
            if key == 13 {
                entries.push((key.into(), Value::Null));
            } else {
                entries.retain(|(k, _)| *k != key.into());
            }
            let mut bytes = vec![1];
            cbor::encode_into(&Value::Map(entries), &mut bytes);
            match BlockHeader::from_leaf(&bytes).unwrap_err() {
                BlockHeaderError::Shape(error) => assert_eq!(error.key, Some(key)),
                other => panic!("{other}"),
            }
        }
        assert_eq!(BlockHeader::from_leaf(&[2, 0xa0]), Err(BlockHeaderError::Leaf));
        assert_eq!(BlockHeader::from_leaf(&[]), Err(BlockHeaderError::Leaf));
    }

    proptest! {
        #[test]
        fn a_header_has_one_encoding(
            at in any::<prop::sample::Index>(), flip in 1u8.., height: u64, time_ms: u64
        ) {
            let header = BlockHeader { height, time_ms, ..sample() };
            let mut bytes = header.leaf();
            prop_assert_eq!(&BlockHeader::from_leaf(&bytes).unwrap(), &header);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(read) = BlockHeader::from_leaf(&bytes) {
                prop_assert_eq!(read.leaf(), bytes);
                prop_assert_ne!(read.hash(), header.hash());
            }
        }
    }
}
