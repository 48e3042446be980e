//! The right edge of a growing tree: enough to append leaves and to know every new root.

use crate::merkle::{self, Hash, node_hash};

/// The roots of the complete subtrees that make up a tree, largest (leftmost) first: one hash for
/// each one bit of the size, so at most 64 whatever the number of leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

/// Bytes that are no encoded [`Frontier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of {bytes} bytes does not have 8 + 32 for each one bit of its size")]
pub struct FrontierError {
    /// Length of what was given.
    pub bytes: usize,
}

impl Frontier {
    /// The edge of an empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree, RFC 9162 §2.1.1.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        match smallest_first.next() {
            None => merkle::root(&[]),
            Some(first) => smallest_first.fold(*first, |right, left| node_hash(left, &right)),
        }
    }

    /// Appends the hash of one leaf ([`merkle::leaf_hash`]).
    pub fn append(&mut self, leaf_hash: Hash) {
        self.append_with(leaf_hash, |_, _, _| {});
    }

    /// Appends the hash of one leaf and reports every node that it completes, leaf first, as
    /// `(level, index, hash)`: the root of leaves `index·2^level .. (index+1)·2^level`.
    pub fn append_with(&mut self, leaf_hash: Hash, mut completed: impl FnMut(u8, u64, &Hash)) {
        let index = self.size;
        let mut hash = leaf_hash;
        completed(0, index, &hash);
        // Each trailing one bit of the size is a complete left sibling, smallest last.
        for level in 1..=index.trailing_ones() as u8 {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(&left, &hash);
            completed(level, index >> level, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// Size as 8 bytes, big-endian, then the hashes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for root in &self.roots {
            bytes.extend_from_slice(root);
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote. The hashes themselves can only be checked against a
    /// known root.
    ///
    /// # Errors
    /// [`FrontierError`] where the length does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let error = FrontierError { bytes: bytes.len() };
        let (size, hashes) = bytes.split_first_chunk::<8>().ok_or(error)?;
        let size = u64::from_be_bytes(*size);
        let (roots, rest) = hashes.as_chunks::<32>();
        if !rest.is_empty() || roots.len() != size.count_ones() as usize {
            return Err(error);
        }
        Ok(Self { size, roots: roots.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|i| merkle::leaf_hash(&(i as u64).to_be_bytes())).collect()
    }

    #[test]
    fn a_frontier_has_the_root_of_the_whole_tree_at_every_size() {
        let leaves = leaves(300);
        let mut frontier = Frontier::new();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.size(), size as u64);
            assert_eq!(frontier.root(), merkle::root(&leaves[..size]), "size {size}");
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier.clone()));
            assert!(frontier.to_bytes().len() <= 8 + 32 * 9);
            if let Some(leaf) = leaves.get(size) {
                frontier.append(*leaf);
            }
        }
    }

    #[test]
    fn append_reports_each_completed_node_once_with_its_root() {
        let leaves = leaves(64);
        let mut frontier = Frontier::new();
        let mut nodes = Vec::new();
        for leaf in &leaves {
            frontier.append_with(*leaf, |level, index, hash| nodes.push((level, index, *hash)));
        }
        assert_eq!(nodes.len(), 127);
        for (level, index, hash) in nodes {
            let start = (index << level) as usize;
            assert_eq!(hash, merkle::root(&leaves[start..start + (1 << level)]));
        }
    }

    proptest! {
        #[test]
        fn bytes_of_the_wrong_length_are_refused(size in any::<u64>(), hashes in 0usize..70, cut in 1usize..32) {
            let mut bytes = size.to_be_bytes().to_vec();
            bytes.extend(vec![7; hashes * 32]);
            prop_assert_eq!(Frontier::from_bytes(&bytes).is_ok(), hashes == size.count_ones() as usize);
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            if hashes > 0 {
                prop_assert!(Frontier::from_bytes(&bytes).is_err());
            }
        }
    }
}
