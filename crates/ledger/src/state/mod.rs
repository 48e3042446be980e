//! The state map: a sorted key-value map whose Merkle root stands in every block header.
//!
//! The tree is a compact sparse Merkle tree of depth 256. A key's path is SHA-256(key). The hash of
//! an empty subtree is 32 zero bytes; a subtree that holds one leaf is that leaf,
//! SHA-256(0x20 ‖ path ‖ SHA-256(value)); any other is SHA-256(0x21 ‖ left ‖ right). So the root
//! depends on the map's contents only, not on how it came about.
//!
//! Nodes are stored in pages of four levels ([`PageId`]): 16 slots each, so that one key's update
//! reads and writes about log₁₆(n) pages.

pub mod entries;
pub mod keys;
mod memory;
mod page;
mod proof;
mod update;

pub use memory::MemoryState;
pub use page::PageId;
pub use proof::{StateProof, StateProofError, prove};
pub use update::update;

use crate::ids::{Hash, sha256};
use crate::registry::tree;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Hash of an empty subtree, and so the root of an empty map.
pub const EMPTY: Hash = [0; 32];

/// A failure of the store behind the state map. The state is rebuilt by replay, never repaired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The store could not be read or written.
    #[error("state store: {0}")]
    Storage(String),
    /// What is stored does not hash to what its parent says, or cannot be read.
    #[error("the state is damaged at {0}; rebuild it from the log")]
    Damaged(String),
    /// A key or value longer than the limits.
    #[error("a state entry is longer than its limit: {0}")]
    TooLong(String),
    /// A commit that does not follow the stored height.
    #[error("the state stands after block {stored:?}; block {offered} does not follow it")]
    Height {
        /// The stored height; `None` before the first block.
        stored: Option<u64>,
        /// The height offered.
        offered: u64,
    },
}

/// After which block the state stands, and its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateHead {
    /// Height of the last applied block.
    pub height: u64,
    /// Root of the state map after it.
    pub root: Hash,
}

/// Reading a state map.
pub trait StateView {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StateError`] where the store cannot be read.
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// The stored page of tree nodes.
    ///
    /// # Errors
    /// [`StateError`] where the store cannot be read.
    fn page(&self, id: &PageId) -> Result<Option<Vec<u8>>, StateError>;

    /// After which block the state stands; `None` before the first.
    ///
    /// # Errors
    /// [`StateError`] where the store cannot be read.
    fn head(&self) -> Result<Option<StateHead>, StateError>;

    /// The root of the map.
    ///
    /// # Errors
    /// [`StateError`] where the store cannot be read.
    fn root(&self) -> Result<Hash, StateError> {
        Ok(self.head()?.map_or(EMPTY, |head| head.root))
    }
}

/// A state map that takes the writes of one block at a time.
pub trait StateStore: StateView {
    /// Takes the writes of the next block, all or none.
    ///
    /// # Errors
    /// [`StateError::Height`] where the block does not follow, or a storage error.
    fn commit(&mut self, height: u64, writes: &StateWrites) -> Result<(), StateError>;
}

/// What one block changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateWrites {
    /// The root after the changes.
    pub root: Hash,
    /// New values; `None` removes the key.
    pub values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// New pages; `None` removes the page.
    pub pages: BTreeMap<PageId, Option<Vec<u8>>>,
}

/// Checks that a block follows the stored height.
///
/// # Errors
/// [`StateError::Height`].
pub fn check_follows(stored: Option<StateHead>, offered: u64) -> Result<(), StateError> {
    let stored = stored.map(|head| head.height);
    if offered == stored.map_or(0, |height| height.saturating_add(1)) {
        Ok(())
    } else {
        Err(StateError::Height { stored, offered })
    }
}

/// The root of a map with these entries, worked out from the definition alone: for checks of what
/// is stored. Keys must be distinct.
#[must_use]
pub fn root_of<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Hash {
    let mut leaves: Vec<(Hash, Hash)> =
        entries.map(|(key, value)| (path_of(key), sha256(value))).collect();
    leaves.sort_unstable();
    root_of_leaves(&leaves, 0)
}

/// The root of leaves that share their path's first `level` bits, sorted by path.
fn root_of_leaves(leaves: &[(Hash, Hash)], level: usize) -> Hash {
    match leaves {
        [] => EMPTY,
        [(path, value_hash)] => leaf_hash(path, value_hash),
        // Equal paths are one key given twice; the recursion ends all the same.
        [(path, value_hash), ..] if level >= 256 => leaf_hash(path, value_hash),
        _ => {
            let is_left = |(path, _): &(Hash, Hash)| path[level / 8] >> (7 - level % 8) & 1 == 0;
            let (left, right) = leaves.split_at(leaves.partition_point(is_left));
            node_hash(&root_of_leaves(left, level + 1), &root_of_leaves(right, level + 1))
        }
    }
}

/// The path of a key.
fn path_of(key: &[u8]) -> Hash {
    sha256(key)
}

/// Hash of a leaf: SHA-256(0x20 ‖ path ‖ SHA-256(value)).
fn leaf_hash(path: &Hash, value_hash: &Hash) -> Hash {
    let digest = Sha256::new().chain_update([tree::STATE_LEAF]).chain_update(path);
    digest.chain_update(value_hash).finalize().into()
}

/// Hash of an inner node: SHA-256(0x21 ‖ left ‖ right).
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let digest = Sha256::new().chain_update([tree::STATE_NODE]).chain_update(left);
    digest.chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests;
