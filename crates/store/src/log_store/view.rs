//! Reading the log: entries, objects, tiles and proofs.

use super::payload::Base;
use super::{object_path, tile_path};
use crate::disk::{Disk, read_all};
use countermark_ledger::limits::OBJECT_BYTES_MAX;
use countermark_tlog::merkle::{self, Hash, ProofError, leaf_hash};
use countermark_tlog::proof::{self, BuildError, HashReader};
use countermark_tlog::tile::{self, Kind, Tile, WIDTH};
use sha2::{Digest, Sha256};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Longest bundle: 256 entries with their lengths.
pub(super) const MAX_BUNDLE_BYTES: u64 = WIDTH * (2 + u16::MAX as u64);

/// The log as of one block. Cheap to clone; it stays valid while the log grows, because full tiles
/// and objects never change.
#[derive(Debug, Clone)]
pub struct LogView {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) state: Arc<Base>,
}

/// What cannot be read or proved.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Index or size beyond the log.
    #[error(transparent)]
    Range(#[from] ProofError),
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what the log's root says it should be.
    #[error("{path} is damaged: {what}; `fsck` shows the extent")]
    Damaged {
        /// The file, relative to the data directory.
        path: String,
        /// What does not match.
        what: String,
    },
}

impl LogView {
    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// Leaves in the log.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.state.edge.size()
    }

    /// Root of the log, RFC 9162 §2.1.1.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.state.edge.root()
    }

    /// Height of the last block; `None` before the first.
    #[must_use]
    pub fn height(&self) -> Option<u64> {
        self.state.next_height.checked_sub(1)
    }

    /// The signed checkpoint of this size; `None` before the first block.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&[u8]> {
        Some(self.state.checkpoint.as_slice()).filter(|note| !note.is_empty())
    }

    /// Size and root that the log will have after these leaves: what a checkpoint for them states.
    #[must_use]
    pub fn after(&self, leaves: &[Vec<u8>]) -> (u64, Hash) {
        let mut frontier = self.state.edge.clone();
        let mut full = Vec::new();
        for leaf in leaves {
            // A leaf that is too long is refused by `commit`, with its place.
            if frontier.append(leaf, &mut full).is_err() {
                break;
            }
        }
        (frontier.size(), frontier.root())
    }

    /// One leaf.
    ///
    /// # Errors
    /// [`ReadError`]; a leaf that does not have the hash in its tile is damaged.
    pub fn leaf(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        if index >= self.size() {
            return Err(ProofError::Index { index, size: self.size() }.into());
        }
        let at = (index % WIDTH) as usize;
        let mut entries = self.bundle(index / WIDTH)?;
        if at < entries.len() {
            return Ok(entries.swap_remove(at));
        }
        Err(ProofError::Index { index, size: self.size() }.into())
    }

    /// Leaves in order, each with its index. Every bundle is read once.
    #[must_use]
    pub fn leaves(&self, range: Range<u64>) -> Leaves {
        let end = range.end.min(self.size());
        Leaves { view: self.clone(), next: range.start, end, bundle: Vec::new().into_iter() }
    }

    /// An object by its SHA-256; `None` where there is none.
    ///
    /// # Errors
    /// [`ReadError`]; bytes that have another hash are damaged.
    pub fn object(&self, hash: &Hash) -> Result<Option<Vec<u8>>, ReadError> {
        let path = object_path(hash);
        let bytes = read_all(self.disk.as_ref(), &path, OBJECT_BYTES_MAX as u64)
            .map_err(|source| ReadError::Io { path: path.clone(), source })?;
        match bytes {
            Some(bytes) if Sha256::digest(&bytes)[..] != hash[..] => {
                Err(ReadError::Damaged { path, what: "its SHA-256 is not its name".to_owned() })
            }
            bytes => Ok(bytes),
        }
    }

    /// The hashes of all objects, in order.
    pub fn objects(&self) -> impl Iterator<Item = Result<Hash, ReadError>> + '_ {
        (0..=255u8).flat_map(|first| self.objects_under(first).unwrap_or_else(|e| vec![Err(e)]))
    }

    fn objects_under(&self, first: u8) -> Result<Vec<Result<Hash, ReadError>>, ReadError> {
        let folder = format!("{}/{first:02x}", super::OBJECTS);
        let names = self
            .disk
            .list(&folder)
            .map_err(|source| ReadError::Io { path: folder.clone(), source })?;
        let hash = |name: String| {
            super::parse_object_name(first, &name).ok_or_else(|| ReadError::Damaged {
                path: format!("{folder}/{name}"),
                what: "its name is no hash of this folder".to_owned(),
            })
        };
        Ok(names.into_iter().map(hash).collect())
    }

    /// The audit path of a leaf in the tree of the first `size` leaves, RFC 9162 §2.1.3.1, checked
    /// against this log's root before it is given.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        let root = self.root_at(size)?;
        let path = proof::inclusion(self, index, size).map_err(flat)?;
        let leaf = self.hash(0, index)?;
        merkle::verify_inclusion(&leaf, index, size, &path, &root).map_err(|_| damaged())?;
        Ok(path)
    }

    /// Proof that the tree of `old` leaves is an earlier state of that of `new`, RFC 9162 §2.1.4.1,
    /// checked before it is given.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        if old > new {
            return Err(ProofError::Order { old, new }.into());
        }
        let (old_root, new_root) = (self.root_at(old)?, self.root_at(new)?);
        let path = proof::consistency(self, old, new).map_err(flat)?;
        merkle::verify_consistency(old, new, &old_root, &new_root, &path).map_err(|_| damaged())?;
        Ok(path)
    }

    /// Root that the log had at an earlier size, checked against the root it has now.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        let (now, root) = (self.size(), self.root());
        if size > now {
            return Err(ProofError::Order { old: size, new: now }.into());
        }
        let earlier = proof::root(self, size)?;
        let path = proof::consistency(self, size, now).map_err(flat)?;
        merkle::verify_consistency(size, now, &earlier, &root, &path).map_err(|_| damaged())?;
        Ok(earlier)
    }

    /// The bytes of a tile or bundle under its C2SP path (`tile/0/x001/067`, `tile/entries/000.p/5`),
    /// partial ones cut now; `None` where the path is none or the log has no such tile.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Ok(tile) = Tile::parse(path) else { return Ok(None) };
        if tile.tree_size() > self.size() {
            return Ok(None);
        }
        let width = usize::from(tile.width());
        match tile.kind() {
            Kind::Hashes(level) => {
                let bytes = self.tile_hashes(level, tile.index(), 0..width)?;
                Ok(Some(bytes.as_flattened().to_vec()))
            }
            Kind::Entries => {
                let entries = self.bundle(tile.index())?;
                let entries = entries.iter().take(width).map(Vec::as_slice);
                let bundle = tile::entry_bundle(entries).map_err(|error| ReadError::Damaged {
                    path: tile_path(&tile),
                    what: error.to_string(),
                })?;
                Ok(Some(bundle))
            }
        }
    }

    /// The entries of a bundle, compared with the hashes of its tile.
    fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        if index >= self.size() / WIDTH {
            return Ok(self.state.edge.entries().iter().map(|entry| entry.to_vec()).collect());
        }
        let path = tile_path(&full_tile(Kind::Entries, index)?);
        let damaged = |what: String| ReadError::Damaged { path: path.clone(), what };
        let bytes = read_all(self.disk.as_ref(), &path, MAX_BUNDLE_BYTES)
            .map_err(|source| ReadError::Io { path: path.clone(), source })?
            .ok_or_else(|| damaged("it is missing".to_owned()))?;
        let entries = tile::parse_entry_bundle(&bytes, WIDTH as u16)
            .map_err(|error| damaged(error.to_string()))?;
        let hashes = self.tile_hashes(0, index, 0..WIDTH as usize)?;
        let wrong = entries.iter().zip(&hashes).position(|(e, hash)| leaf_hash(e) != *hash);
        if let Some(at) = wrong {
            return Err(damaged(format!("entry {at} does not have the hash in its tile")));
        }
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Some of the hashes of a tile, from the edge or from its file.
    fn tile_hashes(
        &self,
        level: u8,
        index: u64,
        range: Range<usize>,
    ) -> Result<Vec<Hash>, ReadError> {
        let edge = &self.state.edge;
        let full_tiles = edge.size().checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
        if index >= full_tiles {
            let hashes = edge.hashes(usize::from(level)).get(range.clone());
            let missing = || ProofError::Index { index: range.end as u64, size: edge.size() };
            let hashes = hashes.filter(|_| index == full_tiles).ok_or_else(missing)?;
            return Ok(hashes.to_vec());
        }
        let path = tile_path(&full_tile(Kind::Hashes(level), index)?);
        let bytes = self.disk.read(&path, range.start as u64 * 32, range.len() * 32);
        match bytes {
            Ok(bytes) => Ok(bytes.as_chunks::<32>().0.to_vec()),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(ReadError::Damaged { path, what: "it is missing".to_owned() })
            }
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ReadError::Damaged { path, what: "it is too short".to_owned() })
            }
            Err(source) => Err(ReadError::Io { path, source }),
        }
    }
}

impl HashReader for LogView {
    type Error = ReadError;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, ReadError> {
        let (tile_level, tile_index, range) = tile::locate(level, index);
        Ok(tile::subtree_root(&self.tile_hashes(tile_level, tile_index, range)?))
    }
}

/// Leaves in order; see [`LogView::leaves`]. It ends after an error.
#[derive(Debug)]
pub struct Leaves {
    view: LogView,
    next: u64,
    end: u64,
    bundle: std::vec::IntoIter<Vec<u8>>,
}

impl Iterator for Leaves {
    type Item = Result<(u64, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        if self.bundle.len() == 0 {
            match self.view.bundle(self.next / WIDTH) {
                Ok(entries) => {
                    self.bundle = entries.into_iter();
                    // A range may start inside a bundle.
                    let skipped = (self.next % WIDTH) as usize;
                    if skipped > 0 {
                        self.bundle.nth(skipped - 1);
                    }
                }
                Err(error) => {
                    self.end = self.next;
                    return Some(Err(error));
                }
            }
        }
        let leaf = self.bundle.next()?;
        self.next += 1;
        Some(Ok((self.next - 1, leaf)))
    }
}

fn full_tile(kind: Kind, index: u64) -> Result<Tile, ReadError> {
    let beyond = |_| ProofError::Index { index, size: u64::MAX };
    Ok(Tile::new(kind, index, WIDTH as u16).map_err(beyond)?)
}

fn flat(error: BuildError<ReadError>) -> ReadError {
    match error {
        BuildError::Proof(error) => error.into(),
        BuildError::Read(error) => error,
    }
}

fn damaged() -> ReadError {
    let what = "hashes in it do not lead to the root of the log".to_owned();
    ReadError::Damaged { path: super::TILES.to_owned(), what }
}
