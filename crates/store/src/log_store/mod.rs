//! The log and its objects on a disk: the truth from which everything else can be made again.
//!
//! Under the data directory:
//!
//! | path | what |
//! | --- | --- |
//! | `log/journal` | a frame with the state it starts from, then one frame for each block |
//! | `log/tile/…` | full tiles and bundles at their C2SP paths, never changed |
//! | `log/objects/ab/abcd…` | objects under their SHA-256 |
//! | `log/checkpoint` | the signed checkpoint as of the journal's first frame |
//! | `log/acknowledged` | size of the log after the last block, in two slots used in turn |
//!
//! A block is committed by one append to the journal and one sync; [`LogStore::commit`] has the
//! order. Its tiles and objects are then written without a sync. When the journal is long enough
//! ([`Options::journal_bytes`]) they are all synced and the journal is replaced by one that starts
//! from there ([`LogStore::settle`]). Opening applies the journal's blocks by the same code and
//! settles them. Incomplete tiles are never files: they are in memory, in the journal's first frame,
//! and cut when asked for.

mod edge;
mod frame;
mod fsck;
mod journal;
mod payload;
mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_crash;

pub use fsck::{Expected, Fault, Progress, fsck};
pub use journal::LogError;
pub use payload::BlockData;
pub use view::{Leaves, LogView, ReadError};

use crate::disk::Disk;
use countermark_ledger::limits::{
    BLOCK_BYTES_MAX, LEAF_BYTES_MAX, OBJECT_BYTES_MAX, OBJECTS_PER_STATEMENT_MAX,
    STATEMENTS_PER_BLOCK_MAX,
};
use countermark_tlog::tile::Tile;
use countermark_tlog::{Checkpoint, CheckpointError, Hash, Note, NoteError, TileError};
use edge::FullTile;
use journal::RECORD;
use payload::Base;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

const JOURNAL: &str = "log/journal";
const NEW_JOURNAL: &str = "log/journal.new";
const CHECKPOINT: &str = "log/checkpoint";
const NEW_CHECKPOINT: &str = "log/checkpoint.new";
const ACKNOWLEDGED: &str = "log/acknowledged";
const TILES: &str = "log/tile";
const OBJECTS: &str = "log/objects";

/// Objects in one block.
const OBJECTS_MAX: usize = STATEMENTS_PER_BLOCK_MAX * OBJECTS_PER_STATEMENT_MAX;

/// How the store is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Length of the blocks in the journal, in bytes, from which on a commit also settles it.
    pub journal_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { journal_bytes: 16 * 1024 * 1024 }
    }
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Whether the log was made just now.
    pub created: bool,
    /// Blocks that were applied again from the journal: the newest ones, which other stores may
    /// lack.
    pub blocks: u64,
    /// Bytes of a block that was cut off before it was committed, and is dropped.
    pub dropped_bytes: u64,
}

/// The one writer of a log. Reading goes through the [`LogView`] that it dereferences to.
#[derive(Debug)]
pub struct LogStore {
    view: LogView,
    options: Options,
    journal_length: u64,
    /// Length of the journal's first frame.
    base_length: u64,
    /// Files written since the journal's first frame, to be synced before it is replaced.
    unsynced: BTreeSet<String>,
    /// Set once the store no longer knows what is on the disk.
    stopped: bool,
}

/// A block that was not committed, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The block itself is wrong. Nothing changed.
    #[error("the block does not fit the log")]
    Refused(#[source] BlockError),
    /// The disk did not take the block (it may be full), and nothing changed. The same block can be
    /// tried again.
    #[error("the block could not be written; nothing changed")]
    NotWritten(#[source] io::Error),
    /// The disk failed in a way that leaves unknown whether the block is committed. The store
    /// refuses everything from now on; opening it again tells.
    #[error("{step} failed: whether the block is committed shows when the log is opened again")]
    Unknown {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// An earlier error was [`CommitError::Unknown`].
    #[error("the log stopped after an error of the disk and must be opened again")]
    Stopped,
}

/// A block that does not follow the log, or breaks a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Not the next height.
    #[error("the next block has height {expected}, this one {found}")]
    Height {
        /// One more than that of the last block.
        expected: u64,
        /// What the block says.
        found: u64,
    },
    /// No leaf, or more than a block may have.
    #[error("a block has 1 to {} leaves, this one {found}", STATEMENTS_PER_BLOCK_MAX + 1)]
    Leaves {
        /// Leaves found.
        found: usize,
    },
    /// A leaf too long.
    #[error("leaf {index} of the block has {bytes} bytes; at most {LEAF_BYTES_MAX} are allowed")]
    Leaf {
        /// Position in the block, from 0.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// An object too long.
    #[error(
        "object {index} of the block has {bytes} bytes; at most {OBJECT_BYTES_MAX} are allowed"
    )]
    Object {
        /// Position in the block, from 0.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// More objects than its statements can name.
    #[error("a block has at most {OBJECTS_MAX} objects, this one {found}")]
    Objects {
        /// Objects found.
        found: usize,
    },
    /// Leaves and objects too long together.
    #[error("the block has {bytes} bytes; at most {BLOCK_BYTES_MAX} are allowed")]
    Bytes {
        /// Their length.
        bytes: usize,
    },
    /// The log is full.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note")]
    Note(#[from] NoteError),
    /// The note is no checkpoint.
    #[error("the signed note is no checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint of another log, size or root.
    #[error("the checkpoint should state {expected:?} and states {found:?}")]
    State {
        /// What the log will be after the block.
        expected: Box<Checkpoint>,
        /// What the checkpoint says.
        found: Box<Checkpoint>,
    },
}

/// A block together with the state after it.
struct Staged {
    state: Base,
    full: Vec<FullTile>,
    objects: Vec<(Hash, Vec<u8>)>,
}

impl LogStore {
    /// Opens the log of this name, or makes it where the data directory has none, and applies
    /// again what the journal holds.
    ///
    /// # Errors
    /// [`LogError`] says what does not match where. Nothing that was committed is dropped.
    pub fn open(disk: Arc<dyn Disk>, origin: &str) -> Result<(Self, Recovered), LogError> {
        Self::open_with(disk, origin, Options::default())
    }

    /// As [`LogStore::open`], with options.
    ///
    /// # Errors
    /// As [`LogStore::open`].
    pub fn open_with(
        disk: Arc<dyn Disk>,
        origin: &str,
        options: Options,
    ) -> Result<(Self, Recovered), LogError> {
        let read = journal::read(disk.as_ref(), origin)?;
        let mut recovered = Recovered { created: read.is_none(), ..Recovered::default() };
        let first = Base {
            origin: origin.to_owned(),
            next_height: 0,
            edge: edge::Edge::default(),
            checkpoint: Vec::new(),
        };
        let (state, mut reader) = match read {
            Some((state, reader)) => (state, Some(reader)),
            None => (first, None),
        };
        let mut store = Self {
            view: LogView { disk, state: Arc::new(state) },
            options,
            journal_length: 0,
            base_length: 0,
            unsynced: BTreeSet::new(),
            stopped: false,
        };
        if let Some(reader) = &mut reader {
            // What can be read may not be on the disk yet, and nothing may get there before it.
            store.disk().sync(JOURNAL).map_err(LogError::io(JOURNAL))?;
            while let Some((place, block)) = reader.next_block(store.disk())? {
                let staged = store
                    .stage(block, reader.size_before)
                    .map_err(|error| LogError::Damaged { place, what: journal::chain(&error) })?;
                store.apply(&staged, true).map_err(LogError::io(JOURNAL))?;
                store.view.state = Arc::new(staged.state);
                recovered.blocks += 1;
            }
            recovered.dropped_bytes = reader.torn_bytes;
            (store.base_length, store.journal_length) = (reader.base_length, reader.offset);
            let acknowledged = journal::acknowledged(store.disk());
            match acknowledged.map_err(LogError::io(ACKNOWLEDGED))? {
                Some(acknowledged) if acknowledged > store.size() => {
                    return Err(LogError::Lost { acknowledged, found: store.size() });
                }
                _ => {}
            }
        }
        // Also after an error of the disk in an earlier process: what it may not have kept, although
        // it can be read, is written anew and synced before anything relies on it.
        if recovered.created || recovered.blocks > 0 || recovered.dropped_bytes > 0 {
            store.settle_steps().map_err(LogError::io(NEW_JOURNAL))?;
            store.acknowledge().map_err(LogError::io(ACKNOWLEDGED))?;
        }
        Ok((store, recovered))
    }

    /// Commits a block: its leaves, its objects, and the checkpoint of the log after it.
    ///
    /// # Errors
    /// After [`CommitError::Refused`] and [`CommitError::NotWritten`] the log is as before; after
    /// any other it must be opened again.
    pub fn commit(&mut self, block: BlockData) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        let payload = payload::encode_block(&block, self.size());
        let staged = self.stage(block, self.size()).map_err(CommitError::Refused)?;
        let frame = frame::encode(self.journal_length, &payload);

        // 1. Append. Whatever is there after an error is cut off again, for certain.
        match self.disk().append(JOURNAL, &frame) {
            Ok(offset) if offset == self.journal_length => {}
            Ok(_) => {
                let source = io::Error::other("the journal changed behind the store's back");
                return Err(self.unknown("appending to the journal", source));
            }
            Err(source) => {
                return Err(match self.cut_journal() {
                    Ok(()) => CommitError::NotWritten(source),
                    Err(_) => self.unknown("appending to the journal", source),
                });
            }
        }
        // 2. Sync: the point of no return. An error says nothing about what reached the disk.
        let synced = self.disk().sync(JOURNAL);
        synced.map_err(|source| self.unknown("syncing the journal", source))?;
        // 3. The block is committed. Tiles and objects can be made from the journal again, so they
        //    are written without a sync; where that fails, opening again will do it.
        self.journal_length += frame.len() as u64;
        let applied = self.apply(&staged, false);
        applied.map_err(|source| self.unknown("writing tiles and objects", source))?;
        self.view.state = Arc::new(staged.state);
        let noted = self.acknowledge();
        noted.map_err(|source| self.unknown("noting the block as committed", source))?;
        // 4. Now and then, what was written is synced and leaves the journal.
        if self.journal_length - self.base_length >= self.options.journal_bytes {
            let settled = self.settle_steps();
            settled.map_err(|source| self.unknown("replacing the journal", source))?;
        }
        Ok(())
    }

    /// Syncs all tiles and objects and replaces the journal by one without blocks. A commit does it
    /// when the journal is long; done in idle moments, commits need not.
    ///
    /// # Errors
    /// [`CommitError::Unknown`] or [`CommitError::Stopped`]; what was committed stays so.
    pub fn settle(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Stopped);
        }
        self.settle_steps().map_err(|source| self.unknown("replacing the journal", source))
    }

    /// Length of the blocks in the journal, in bytes: what opening would have to apply again.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        self.journal_length - self.base_length
    }

    /// A view of the log as it is now, for readers that outlive the next commit.
    #[must_use]
    pub fn view(&self) -> LogView {
        self.view.clone()
    }

    fn disk(&self) -> &dyn Disk {
        self.view.disk.as_ref()
    }

    fn unknown(&mut self, step: &'static str, source: io::Error) -> CommitError {
        self.stopped = true;
        CommitError::Unknown { step, source }
    }

    fn cut_journal(&self) -> io::Result<()> {
        self.disk().truncate(JOURNAL, self.journal_length)?;
        self.disk().sync(JOURNAL)
    }

    /// Checks a block and computes the state after it; changes nothing.
    fn stage(&self, block: BlockData, size_before: u64) -> Result<Staged, BlockError> {
        let before = self.view.state.as_ref();
        check_limits(&block)?;
        if block.height != before.next_height || size_before != before.edge.size() {
            let (expected, found) = (before.next_height, block.height);
            return Err(BlockError::Height { expected, found });
        }
        let mut state = before.clone();
        let mut full = Vec::new();
        for leaf in &block.leaves {
            state.edge.append(leaf, &mut full)?;
        }
        let note = Note::parse(&block.checkpoint)?;
        let found = Checkpoint::parse(note.text())?;
        let (size, root) = (state.edge.size(), state.edge.root());
        let expected = Checkpoint { origin: state.origin.clone(), size, root };
        if found != expected {
            let (expected, found) = (Box::new(expected), Box::new(found));
            return Err(BlockError::State { expected, found });
        }
        state.next_height += 1;
        state.checkpoint = block.checkpoint;
        let named = |object: Vec<u8>| (Sha256::digest(&object).into(), object);
        let objects = block.objects.into_iter().map(named).collect();
        Ok(Staged { state, full, objects })
    }

    /// Writes what a committed block makes: full tiles and objects.
    fn apply(&mut self, staged: &Staged, again: bool) -> io::Result<()> {
        for (tile, bytes) in &staged.full {
            self.put(tile_path(tile), bytes, again)?;
        }
        for (hash, object) in &staged.objects {
            self.put(object_path(hash), object, again)?;
        }
        Ok(())
    }

    /// Notes how far the log has come, so that a journal which lost its last block is found out.
    fn acknowledge(&mut self) -> io::Result<()> {
        let record = journal::acknowledgement(self.size());
        if self.disk().len(ACKNOWLEDGED)? == Some(2 * RECORD as u64) {
            // The slots take turns, so that a write cut short leaves the other one.
            let slot = self.view.state.next_height % 2 * RECORD as u64;
            self.disk().write_at(ACKNOWLEDGED, slot, &record)?;
            self.unsynced.insert(ACKNOWLEDGED.to_owned());
            return Ok(());
        }
        self.put(ACKNOWLEDGED.to_owned(), &[record, record].concat(), true)
    }

    /// Writes a file whole. One that was written before is written anew when blocks are applied
    /// again, because a crash or an error may have left it incomplete, or only in memory.
    fn put(&mut self, path: String, bytes: &[u8], again: bool) -> io::Result<()> {
        let disk = self.view.disk.as_ref();
        match disk.len(&path)? {
            None | Some(0) => {}
            Some(length) if !again && length == bytes.len() as u64 => {
                if disk.read(&path, 0, bytes.len())? == bytes {
                    return Ok(());
                }
                disk.truncate(&path, 0)?;
            }
            Some(_) => disk.truncate(&path, 0)?,
        }
        // Also for an empty object, which becomes an empty file.
        disk.append(&path, bytes)?;
        self.unsynced.insert(path);
        Ok(())
    }

    /// Everything durable outside the journal first, then the journal that relies on it.
    fn settle_steps(&mut self) -> io::Result<()> {
        let disk = self.view.disk.as_ref();
        let unsynced: Vec<&str> = self.unsynced.iter().map(String::as_str).collect();
        disk.sync_all(&unsynced)?;
        let state = self.view.state.as_ref();
        if !state.checkpoint.is_empty() {
            replace(disk, NEW_CHECKPOINT, CHECKPOINT, &state.checkpoint)?;
        }
        let first = frame::encode(0, &payload::encode_base(state));
        // The point of no return: from here on the blocks are in their files only.
        replace(disk, NEW_JOURNAL, JOURNAL, &first)?;
        self.journal_length = first.len() as u64;
        self.base_length = self.journal_length;
        self.unsynced.clear();
        Ok(())
    }
}

impl Deref for LogStore {
    type Target = LogView;

    fn deref(&self) -> &LogView {
        &self.view
    }
}

impl CommitError {
    /// Whether the log must be opened again before anything else.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Stopped)
    }
}

fn check_limits(block: &BlockData) -> Result<(), BlockError> {
    let found = block.leaves.len();
    if found == 0 || found > STATEMENTS_PER_BLOCK_MAX + 1 {
        return Err(BlockError::Leaves { found });
    }
    if block.objects.len() > OBJECTS_MAX {
        return Err(BlockError::Objects { found: block.objects.len() });
    }
    if let Some(index) = block.leaves.iter().position(|leaf| leaf.len() > LEAF_BYTES_MAX) {
        return Err(BlockError::Leaf { index, bytes: block.leaves[index].len() });
    }
    if let Some(index) = block.objects.iter().position(|object| object.len() > OBJECT_BYTES_MAX) {
        return Err(BlockError::Object { index, bytes: block.objects[index].len() });
    }
    // The header leaf is no statement and does not count.
    let counted = block.leaves.iter().skip(1).chain(&block.objects);
    let bytes: usize = counted.map(Vec::len).sum();
    if bytes > BLOCK_BYTES_MAX { Err(BlockError::Bytes { bytes }) } else { Ok(()) }
}

/// Puts bytes in the place of a file, as one certain step.
fn replace(disk: &dyn Disk, new: &str, path: &str, bytes: &[u8]) -> io::Result<()> {
    if disk.len(new)?.is_some() {
        disk.truncate(new, 0)?;
    }
    disk.append(new, bytes)?;
    disk.sync(new)?;
    disk.rename(new, path)
}

fn tile_path(tile: &Tile) -> String {
    format!("log/{tile}")
}

fn object_path(hash: &Hash) -> String {
    format!("{OBJECTS}/{:02x}/{}", hash[0], hex(hash))
}

fn parse_object_name(first: u8, name: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let digits = name.get(2 * at..2 * at + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    if hash[0] == first && hex(&hash) == name { Some(hash) } else { None }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
