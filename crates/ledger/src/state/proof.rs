//! Proofs that a key has a value, or none, under a root.

use super::page::{Page, PageId, Subtree, nibble};
use super::{EMPTY, StateError, StateView, leaf_hash, node_hash, path_of};
use crate::cbor::{self, CborError, Fields, ShapeError, Value};
use crate::ids::{Hash, sha256};

/// Levels of the tree.
const DEPTH: usize = 256;

/// A proof that says nothing about this key under this root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// The bytes are no deterministic CBOR.
    #[error("state proof: {0}")]
    Cbor(#[from] CborError),
    /// A part does not have the shape its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A proof of presence was given as one of absence, or the other way round.
    #[error("the state proof shows {0}")]
    Other(&'static str),
    /// The hashes do not lead to the root.
    #[error("the state proof does not lead to the state root")]
    Root,
}

/// How the path of the key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// At the key's own leaf.
    Present,
    /// At an empty subtree.
    Empty,
    /// At the leaf of another key.
    OtherLeaf { path: Hash, value_hash: Hash },
}

/// A proof of membership or of absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateProof {
    /// Hashes of the siblings, from the root downwards.
    siblings: Vec<Hash>,
    end: End,
}

/// Proves what a state map holds for a key: its value, or nothing.
///
/// # Errors
/// [`StateError`] where a page is missing or damaged.
pub fn prove(view: &impl StateView, key: &[u8]) -> Result<StateProof, StateError> {
    let path = path_of(key);
    let mut expected = view.root()?;
    let mut siblings = Vec::new();
    let mut depth = 0;
    if expected == EMPTY {
        return Ok(StateProof { siblings, end: End::Empty });
    }
    loop {
        let levels = Page::load(view, &PageId::on(&path, depth), &expected)?.levels();
        let slot = nibble(&path, depth);
        let mut subtree = levels[4][0];
        for level in (0..4).rev() {
            if !matches!(subtree, Subtree::Node(_)) {
                break;
            }
            let index = slot >> level;
            siblings.push(levels[level][index ^ 1].hash());
            subtree = levels[level][index];
        }
        let end = match subtree {
            Subtree::Empty => End::Empty,
            Subtree::Leaf(leaf) if leaf.path == path => End::Present,
            Subtree::Leaf(leaf) => End::OtherLeaf { path: leaf.path, value_hash: leaf.value_hash },
            Subtree::Node(hash) => {
                expected = hash;
                depth += 1;
                if depth * 4 >= DEPTH {
                    return Err(StateError::Damaged(PageId::on(&path, depth - 1).to_string()));
                }
                continue;
            }
        };
        return Ok(StateProof { siblings, end });
    }
}

/// The bit of a path at a level, the root's level first.
fn bit(path: &Hash, level: usize) -> bool {
    path[level / 8] >> (7 - level % 8) & 1 == 1
}

impl StateProof {
    /// Checks that the key has this value under this root.
    ///
    /// # Errors
    /// [`StateProofError`].
    pub fn verify_present(
        &self,
        root: &Hash,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StateProofError> {
        if self.end != End::Present {
            return Err(StateProofError::Other("that the key has no value"));
        }
        let path = path_of(key);
        self.leads_to(root, &path, leaf_hash(&path, &sha256(value)))
    }

    /// Checks that the key has no value under this root.
    ///
    /// # Errors
    /// [`StateProofError`].
    pub fn verify_absent(&self, root: &Hash, key: &[u8]) -> Result<(), StateProofError> {
        let path = path_of(key);
        match &self.end {
            End::Present => Err(StateProofError::Other("that the key has a value")),
            End::Empty => self.leads_to(root, &path, EMPTY),
            End::OtherLeaf { path: other, value_hash } => {
                // The other leaf stands where the key's would: it shares the whole way down, and is
                // another key's.
                let shared = (0..self.siblings.len()).all(|i| bit(other, i) == bit(&path, i));
                if *other == path || !shared {
                    return Err(StateProofError::Other("the leaf of an unrelated key"));
                }
                self.leads_to(root, &path, leaf_hash(other, value_hash))
            }
        }
    }

    fn leads_to(&self, root: &Hash, path: &Hash, from: Hash) -> Result<(), StateProofError> {
        let mut hash = from;
        for (level, sibling) in self.siblings.iter().enumerate().rev() {
            hash = if bit(path, level) {
                node_hash(sibling, &hash)
            } else {
                node_hash(&hash, sibling)
            };
        }
        if hash == *root { Ok(()) } else { Err(StateProofError::Root) }
    }

    /// The proof as CBOR: {1 version, 2 siblings (an empty one is null), 3 end: 1 present, 2 empty,
    /// 3 another leaf, 4 that leaf [path, value hash]}.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let sibling = |hash: &Hash| if *hash == EMPTY { Value::Null } else { (*hash).into() };
        let mut entries =
            vec![(1, 1u64.into()), (2, Value::Array(self.siblings.iter().map(sibling).collect()))];
        let end: u64 = match self.end {
            End::Present => 1,
            End::Empty => 2,
            End::OtherLeaf { path, value_hash } => {
                entries.push((4, Value::Array(vec![path.into(), value_hash.into()])));
                3
            }
        };
        entries.push((3, end.into()));
        Value::int_map(entries)
    }

    /// The proof's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&self.to_value())
    }

    /// Reads a proof from its encoding.
    ///
    /// # Errors
    /// [`StateProofError`] names the key and the rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateProofError> {
        Self::from_value(&cbor::decode(bytes)?)
    }

    /// Reads a proof that stands within another CBOR item.
    ///
    /// # Errors
    /// [`StateProofError`] names the key and the rule.
    pub fn from_value(value: &Value) -> Result<Self, StateProofError> {
        let fields = Fields::open("state proof", value, &[1, 2, 3, 4])?;
        fields.version(1, 1)?;
        let sibling = |item: &Value| match item {
            Value::Null => Ok(EMPTY),
            item => match fields.fixed(2, item)? {
                EMPTY => Err(fields.range(2, "an empty sibling is written as null")),
                hash => Ok(hash),
            },
        };
        let siblings =
            fields.items(2, DEPTH)?.iter().map(sibling).collect::<Result<Vec<_>, _>>()?;
        let end = match (fields.uint(3)?, fields.get(4)) {
            (1, None) => End::Present,
            (2, None) => End::Empty,
            (3, Some(_)) => match fields.arrays(4, 2)?[..] {
                [path, value_hash] => End::OtherLeaf { path, value_hash },
                _ => return Err(fields.range(4, "a path and a value hash").into()),
            },
            _ => {
                let rule = "1 present or 2 empty without a leaf, or 3 with another leaf at key 4";
                return Err(fields.range(3, rule).into());
            }
        };
        Ok(StateProof { siblings, end })
    }
}
