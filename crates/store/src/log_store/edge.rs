//! The right edge of the log: the tiles and the bundle that are not full yet.

use countermark_tlog::merkle::{self, Hash, leaf_hash};
use countermark_tlog::tile::{self, Kind, Tile, TileError, WIDTH};
use std::sync::Arc;

/// Tile levels that a tree of fewer than 2^64 leaves can have.
pub(super) const LEVELS: usize = 8;

/// The incomplete tiles of a log. They exist here and in the journal only; they become files when
/// they are full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Edge {
    size: u64,
    /// Entries of the incomplete bundle.
    entries: Vec<Arc<[u8]>>,
    /// Hashes of the incomplete tile of each level.
    hashes: [Vec<Hash>; LEVELS],
}

/// A tile or bundle that became full, and its bytes.
pub(super) type FullTile = (Tile, Vec<u8>);

impl Edge {
    /// An edge from its stored parts: the entries, and the hashes of the levels from 1 on.
    pub(super) fn from_parts(size: u64, entries: Vec<Arc<[u8]>>, upper: Vec<Vec<Hash>>) -> Self {
        let mut hashes: [Vec<Hash>; LEVELS] = Default::default();
        hashes[0] = entries.iter().map(|entry| leaf_hash(entry)).collect();
        for (level, list) in hashes[1..].iter_mut().zip(upper) {
            *level = list;
        }
        Self { size, entries, hashes }
    }

    /// Leaves in the log.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Entries of the incomplete bundle.
    pub(super) fn entries(&self) -> &[Arc<[u8]>] {
        &self.entries
    }

    /// Hashes of the incomplete tile of a level.
    pub(super) fn hashes(&self, level: usize) -> &[Hash] {
        self.hashes.get(level).map_or(&[], Vec::as_slice)
    }

    /// Root of the log, RFC 9162 §2.1.1. The incomplete tile of each level, with the root of all
    /// that is right of it as its last node, is a tree of its own.
    pub(super) fn root(&self) -> Hash {
        let mut right: Option<Hash> = None;
        for level in &self.hashes {
            let nodes: Vec<Hash> = level.iter().copied().chain(right).collect();
            if !nodes.is_empty() {
                right = Some(merkle::root(&nodes));
            }
        }
        right.unwrap_or_else(|| merkle::root(&[]))
    }

    /// Appends a leaf and gives what became full by it.
    ///
    /// # Errors
    /// [`TileError`] for a leaf longer than a bundle can hold, or one leaf too many.
    pub(super) fn append(
        &mut self,
        leaf: &[u8],
        full: &mut Vec<FullTile>,
    ) -> Result<(), TileError> {
        let size = self.size.checked_add(1).ok_or(TileError::Range)?;
        tile::entry_bundle([leaf])?;
        self.entries.push(Arc::from(leaf));
        let mut hash = leaf_hash(leaf);
        for (level, hashes) in self.hashes.iter_mut().enumerate() {
            hashes.push(hash);
            if hashes.len() < WIDTH as usize {
                break;
            }
            let index = self.size >> (8 * (level + 1));
            if level == 0 {
                let entries = self.entries.iter().map(AsRef::as_ref);
                let bundle = tile::entry_bundle(entries)?;
                full.push((Tile::new(Kind::Entries, index, WIDTH as u16)?, bundle));
                self.entries.clear();
            }
            let kind = Kind::Hashes(level as u8);
            let bytes = hashes.as_flattened().to_vec();
            full.push((Tile::new(kind, index, WIDTH as u16)?, bytes));
            hash = tile::subtree_root(hashes);
            hashes.clear();
        }
        self.size = size;
        Ok(())
    }
}
