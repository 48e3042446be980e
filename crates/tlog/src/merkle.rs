//! Merkle trees as RFC 9162 §2.1 defines them: hashes, roots, inclusion and consistency proofs.

use crate::lanes::Messages;
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// A proof that does not lead to the root it should lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf's index is not below the tree's size.
    #[error("index {index} is outside a tree of {size} leaves")]
    Index {
        /// Index of the leaf, from 0.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The proof has more or fewer hashes than a tree of this size needs.
    #[error("the proof has the wrong number of hashes for this tree")]
    Length,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the expected root")]
    Root,
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} leaves is no earlier state of one of {new}")]
    Order {
        /// Leaves in the tree that should be the older.
        old: u64,
        /// Leaves in the tree that should be the newer.
        new: u64,
    },
}

/// Hash of a leaf's bytes: SHA-256(0x00 ‖ leaf), RFC 9162 §2.1.1.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hashes of many leaves, each being a prefix ‖ what is given, RFC 9162 §2.1.1.
#[must_use]
pub fn leaf_hashes<L: AsRef<[u8]>>(prefix: &[u8], leaves: &[L]) -> Vec<Hash> {
    let mut messages = Messages::new();
    for leaf in leaves {
        messages.begin();
        messages.push(&[0]);
        messages.push(prefix);
        messages.push(leaf.as_ref());
        messages.end();
    }
    let mut hashes = Vec::new();
    messages.digests(&mut hashes);
    hashes
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree over leaf hashes; of no leaves: SHA-256 of nothing, RFC 9162 §2.1.1.
#[must_use]
pub fn root(leaf_hashes: &[Hash]) -> Hash {
    match leaf_hashes {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        few if few.len() < TOGETHER_MIN => {
            let (left, right) = few.split_at(split(few.len()));
            node_hash(&root(left), &root(right))
        }
        many => roots(&mut many.to_vec(), many.len()).pop().unwrap_or_default(),
    }
}

/// Leaves from which on nodes are hashed together.
const TOGETHER_MIN: usize = 32;

/// The roots of trees of `width` leaves each, whose leaf hashes stand one tree after the other; they
/// are overwritten. Nodes of a height are hashed together.
#[must_use]
pub fn roots(leaf_hashes: &mut [Hash], width: usize) -> Vec<Hash> {
    if width == 0 {
        return Vec::new();
    }
    let (mut nodes, mut digests) = (Messages::new(), Vec::new());
    let mut length = width;
    while length > 1 {
        for tree in leaf_hashes.chunks_exact(width) {
            for pair in tree[..length].chunks_exact(2) {
                nodes.node(&pair[0], &pair[1]);
            }
        }
        nodes.digests(&mut digests);
        let mut digests = digests.iter();
        for tree in leaf_hashes.chunks_exact_mut(width) {
            // A node without a neighbour goes up as it is, RFC 9162 §2.1.1.
            let last = (length % 2 == 1).then(|| tree[length - 1]);
            let pairs = digests.by_ref().take(length / 2).copied();
            let row: Vec<Hash> = pairs.chain(last).collect();
            tree[..row.len()].copy_from_slice(&row);
        }
        length = length.div_ceil(2);
    }
    leaf_hashes.chunks_exact(width).map(|tree| tree[0]).collect()
}

/// The largest power of two below `n`; `n` is at least 2.
fn split(n: usize) -> usize {
    1 << (usize::BITS - 1 - (n - 1).leading_zeros())
}

/// The audit path of leaf `index`, from the leaf's sibling upwards, RFC 9162 §2.1.3.1.
///
/// # Errors
/// [`ProofError::Index`] where there is no such leaf.
pub fn inclusion_proof(leaf_hashes: &[Hash], index: usize) -> Result<Vec<Hash>, ProofError> {
    if index >= leaf_hashes.len() {
        return Err(ProofError::Index { index: index as u64, size: leaf_hashes.len() as u64 });
    }
    let mut path = Vec::new();
    collect_path(leaf_hashes, index, &mut path);
    Ok(path)
}

fn collect_path(leaf_hashes: &[Hash], index: usize, path: &mut Vec<Hash>) {
    if leaf_hashes.len() < 2 {
        return;
    }
    let (left, right) = leaf_hashes.split_at(split(leaf_hashes.len()));
    if index < left.len() {
        collect_path(left, index, path);
        path.push(root(right));
    } else {
        collect_path(right, index - left.len(), path);
        path.push(root(left));
    }
}

/// The root that an audit path leads to, RFC 9162 §2.1.3.2.
///
/// # Errors
/// [`ProofError`] where index or length do not fit the size.
pub fn root_from_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let (mut node_index, mut last_index, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last_index == 0 {
            return Err(ProofError::Length);
        }
        if node_index & 1 == 1 || node_index == last_index {
            hash = node_hash(sibling, &hash);
            if node_index & 1 == 0 {
                while node_index & 1 == 0 && node_index != 0 {
                    node_index >>= 1;
                    last_index >>= 1;
                }
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node_index >>= 1;
        last_index >>= 1;
    }
    if last_index == 0 { Ok(hash) } else { Err(ProofError::Length) }
}

/// Checks an audit path, RFC 9162 §2.1.3.2.
///
/// # Errors
/// [`ProofError`] says what does not match.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    expected_root: &Hash,
) -> Result<(), ProofError> {
    let found = root_from_inclusion(leaf, index, size, path)?;
    if found == *expected_root { Ok(()) } else { Err(ProofError::Root) }
}

/// Proof that the tree of the first `old` leaves is an earlier state of this one,
/// RFC 9162 §2.1.4.1. Empty where `old` is 0 or the whole tree.
///
/// # Errors
/// [`ProofError::Order`] where the tree has fewer than `old` leaves.
pub fn consistency_proof(leaf_hashes: &[Hash], old: usize) -> Result<Vec<Hash>, ProofError> {
    if old > leaf_hashes.len() {
        return Err(ProofError::Order { old: old as u64, new: leaf_hashes.len() as u64 });
    }
    let mut proof = Vec::new();
    if old > 0 {
        collect_subproof(leaf_hashes, old, true, &mut proof);
    }
    Ok(proof)
}

/// SUBPROOF of RFC 9162 §2.1.4.1; `whole` says that the old tree's root is known to the verifier.
fn collect_subproof(leaf_hashes: &[Hash], old: usize, whole: bool, proof: &mut Vec<Hash>) {
    if old == leaf_hashes.len() {
        if !whole {
            proof.push(root(leaf_hashes));
        }
        return;
    }
    let (left, right) = leaf_hashes.split_at(split(leaf_hashes.len()));
    if old <= left.len() {
        collect_subproof(left, old, whole, proof);
        proof.push(root(right));
    } else {
        collect_subproof(right, old - left.len(), false, proof);
        proof.push(root(left));
    }
}

/// Checks a consistency proof between two sizes of one tree, RFC 9162 §2.1.4.2.
///
/// The RFC leaves an empty old tree out; here it is consistent with every tree if its root is the
/// root of the empty tree and the proof is empty.
///
/// # Errors
/// [`ProofError`] says what does not match.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Order { old, new });
    }
    if old == 0 || old == new {
        let expected_root = if old == 0 { root(&[]) } else { *new_root };
        return match (proof.is_empty(), *old_root == expected_root) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            // Two empty trees have the same root as well.
            (true, true) if new == 0 && *new_root != expected_root => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // Where the old tree is one complete subtree, its root is not repeated in the proof.
    let (start, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::Length)?
    };
    let shared = (old - 1).trailing_ones();
    let (mut node_index, mut last_index) = ((old - 1) >> shared, (new - 1) >> shared);
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in rest {
        if last_index == 0 {
            return Err(ProofError::Length);
        }
        if node_index & 1 == 1 || node_index == last_index {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node_index & 1 == 0 && node_index != 0 {
                node_index >>= 1;
                last_index >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node_index >>= 1;
        last_index >>= 1;
    }
    if last_index != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(ProofError::Root) }
}
