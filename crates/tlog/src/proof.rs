//! Roots and proofs from stored hashes, without the leaves.

use crate::merkle::{self, Hash, ProofError, node_hash};

/// Where the hashes of complete subtrees come from: tiles on a disk, a cache, a list.
pub trait HashReader {
    /// Why a hash cannot be had.
    type Error;

    /// Root of the complete subtree over leaves `index·2^level .. (index+1)·2^level`
    /// (level 0: the leaf hash).
    ///
    /// # Errors
    /// Whatever keeps the hash from being read.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        (**self).hash(level, index)
    }
}

/// A proof that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError<E> {
    /// The question itself is out of range.
    #[error(transparent)]
    Proof(ProofError),
    /// A hash could not be read.
    #[error("a hash of the tree could not be read")]
    Read(#[source] E),
}

/// Root of the tree of the first `size` leaves, RFC 9162 §2.1.1. Reads one hash for each one bit of
/// the size.
///
/// # Errors
/// Those of the reader.
pub fn root<R: HashReader>(reader: &R, size: u64) -> Result<Hash, R::Error> {
    if size == 0 { Ok(merkle::root(&[])) } else { range_root(reader, 0, size) }
}

/// The audit path of leaf `index` in the tree of the first `size` leaves, RFC 9162 §2.1.3.1.
///
/// # Errors
/// [`ProofError::Index`] where there is no such leaf; those of the reader.
pub fn inclusion<R: HashReader>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, BuildError<R::Error>> {
    if index >= size {
        return Err(BuildError::Proof(ProofError::Index { index, size }));
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if index < middle { (middle, end) } else { (start, middle) };
        path.push(range_root(reader, sibling.0, sibling.1).map_err(BuildError::Read)?);
        if index < middle { end = middle } else { start = middle }
    }
    path.reverse();
    Ok(path)
}

/// Proof that the tree of `old` leaves is an earlier state of that of `new`, RFC 9162 §2.1.4.1.
/// Empty where `old` is 0 or equals `new`.
///
/// # Errors
/// [`ProofError::Order`] where `old` is larger; those of the reader.
pub fn consistency<R: HashReader>(
    reader: &R,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, BuildError<R::Error>> {
    if old > new {
        return Err(BuildError::Proof(ProofError::Order { old, new }));
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    while old != end {
        let middle = start + split(end - start);
        let sibling = if old <= middle { (middle, end) } else { (start, middle) };
        proof.push(range_root(reader, sibling.0, sibling.1).map_err(BuildError::Read)?);
        if old <= middle { end = middle } else { start = middle }
    }
    // What remains is the part of the old tree right of every complete subtree named above it; only
    // where that is the whole old tree does the verifier know its root.
    if start != 0 {
        proof.push(range_root(reader, start, end).map_err(BuildError::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Root over the leaves `start..end`, not empty, as they appear in the recursion of RFC 9162 §2.1.1:
/// `start` is a multiple of the smallest power of two that is not below the length.
fn range_root<R: HashReader>(reader: &R, start: u64, end: u64) -> Result<Hash, R::Error> {
    let length = end - start;
    if length.is_power_of_two() {
        let level = length.trailing_zeros();
        return reader.hash(level as u8, start >> level);
    }
    let middle = start + split(length);
    Ok(node_hash(&range_root(reader, start, middle)?, &range_root(reader, middle, end)?))
}

/// The largest power of two below `n`; `n` is at least 2.
fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}
