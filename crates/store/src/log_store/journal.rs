//! Reading the journal, and what else says how far the log had come.

use super::frame::{self, Step};
use super::payload::{self, Base, BlockData, Payload};
use super::{ACKNOWLEDGED, CHECKPOINT, JOURNAL, NEW_CHECKPOINT, NEW_JOURNAL};
use crate::disk::{Disk, read_all};
use countermark_tlog::{Checkpoint, Note};
use sha2::{Digest, Sha256};
use std::io;

/// Length of a slot of `log/acknowledged`.
pub(super) const RECORD: usize = 40;

/// A log that cannot be opened. Its journal was not changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Bytes that are not what was written.
    #[error("{place} is damaged: {what}; restore the log from a backup or another member's copy")]
    Damaged {
        /// File and offset.
        place: String,
        /// What does not match.
        what: String,
    },
    /// A block that was acknowledged is not there any more.
    #[error(
        "the log had {acknowledged} leaves and the journal leads to {found} only: committed blocks \
         are missing; restore the log from a backup or another member's copy"
    )]
    Lost {
        /// Leaves after the last block that was acknowledged.
        acknowledged: u64,
        /// Leaves that the journal leads to.
        found: u64,
    },
    /// Files of a log without its journal.
    #[error(
        "log/journal is missing beside {beside}; restore the log from a backup or another copy"
    )]
    NoJournal {
        /// A file that shows that there was a log.
        beside: String,
    },
    /// The log of another name.
    #[error("this is the log {found}, not {expected}")]
    Origin {
        /// The name asked for.
        expected: String,
        /// The name in the journal.
        found: String,
    },
}

impl LogError {
    pub(super) fn io(path: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Reads the blocks of a journal one by one.
#[derive(Debug)]
pub(super) struct Reader {
    length: u64,
    /// Where the next frame starts; after the last block, the end of what is valid.
    pub(super) offset: u64,
    /// Bytes after `offset` that were never committed; known after the last block.
    pub(super) torn_bytes: u64,
    /// Length of the first frame.
    pub(super) base_length: u64,
    /// What the block read last says about the log's size before it.
    pub(super) size_before: u64,
}

/// Opens the journal and reads the state it starts from; `None` where there is no log yet.
pub(super) fn read(disk: &dyn Disk, origin: &str) -> Result<Option<(Base, Reader)>, LogError> {
    let length = disk.len(JOURNAL).map_err(LogError::io(JOURNAL))?;
    let Some(length) = length else {
        let names = disk.list("log").map_err(LogError::io("log"))?;
        // A first start may have been interrupted before the journal had its name.
        let beside = names.into_iter().map(|name| format!("log/{name}"));
        let mut beside = beside.filter(|path| path != NEW_JOURNAL && path != NEW_CHECKPOINT);
        return match beside.next() {
            Some(beside) => Err(LogError::NoJournal { beside }),
            None => Ok(None),
        };
    };
    let base = match frame::read(disk, JOURNAL, 0, length).map_err(LogError::io(JOURNAL))? {
        Step::Frame { payload, end } => payload::decode(&payload).map(|payload| (payload, end)),
        // The journal got its name only after its first frame was synced.
        Step::End | Step::Torn { .. } | Step::Damaged => None,
    };
    let Some((Payload::Base(base), offset)) = base else {
        let what = "the frame with the state it starts from is not intact".to_owned();
        return Err(LogError::Damaged { place: place(0), what });
    };
    if base.origin != origin {
        return Err(LogError::Origin { expected: origin.to_owned(), found: base.origin });
    }
    check_base(&base).map_err(|what| LogError::Damaged { place: place(0), what })?;
    let reader = Reader { length, offset, torn_bytes: 0, base_length: offset, size_before: 0 };
    Ok(Some((base, reader)))
}

impl Reader {
    /// The next block and its place; `None` after the last.
    pub(super) fn next_block(
        &mut self,
        disk: &dyn Disk,
    ) -> Result<Option<(String, BlockData)>, LogError> {
        let place = place(self.offset);
        let step = frame::read(disk, JOURNAL, self.offset, self.length);
        match step.map_err(LogError::io(JOURNAL))? {
            Step::End => Ok(None),
            Step::Torn { bytes } => {
                self.torn_bytes = bytes;
                Ok(None)
            }
            Step::Damaged => {
                let what = "a block is not intact, although later ones follow".to_owned();
                Err(LogError::Damaged { place, what })
            }
            Step::Frame { payload, end } => match payload::decode(&payload) {
                Some(Payload::Block(block, size_before)) => {
                    self.offset = end;
                    self.size_before = size_before;
                    Ok(Some((place, block)))
                }
                _ => {
                    let what = "the frame holds no block of this version".to_owned();
                    Err(LogError::Damaged { place, what })
                }
            },
        }
    }
}

fn place(offset: u64) -> String {
    format!("{JOURNAL} at byte {offset}")
}

/// Whether the edge leads to the root in the checkpoint beside it.
pub(super) fn check_base(base: &Base) -> Result<(), String> {
    let (size, root) = (base.edge.size(), base.edge.root());
    if base.checkpoint.is_empty() {
        let empty = size == 0 && base.next_height == 0;
        return if empty { Ok(()) } else { Err("a log with leaves has no checkpoint".to_owned()) };
    }
    let note = Note::parse(&base.checkpoint).map_err(|error| chain(&error))?;
    let found = Checkpoint::parse(note.text()).map_err(|error| chain(&error))?;
    let expected = Checkpoint { origin: base.origin.clone(), size, root };
    if found == expected {
        Ok(())
    } else {
        Err(format!("its entries lead to {expected:?}, its checkpoint says {found:?}"))
    }
}

/// One slot of `log/acknowledged`: the log's size (8, big-endian) and its SHA-256.
pub(super) fn acknowledgement(size: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&size.to_be_bytes());
    record[8..].copy_from_slice(&Sha256::digest(size.to_be_bytes()));
    record
}

/// The largest size that a slot of `log/acknowledged` states; torn slots say nothing.
///
/// The last block of a journal can be missing without a trace in the journal itself. A slot is
/// written only after its block was synced, so it never runs ahead of it.
pub(super) fn acknowledged(disk: &dyn Disk) -> io::Result<Option<u64>> {
    let records = read_all(disk, ACKNOWLEDGED, 2 * RECORD as u64)?.unwrap_or_default();
    let sizes = records.chunks_exact(RECORD).filter_map(|record| {
        let size = u64::from_be_bytes(*record.first_chunk::<8>()?);
        (record == acknowledgement(size)).then_some(size)
    });
    Ok(sizes.max())
}

/// The note in `log/checkpoint`, where there is one.
pub(super) fn checkpoint_file(disk: &dyn Disk) -> io::Result<Option<Vec<u8>>> {
    read_all(disk, CHECKPOINT, countermark_tlog::note::MAX_NOTE_BYTES as u64)
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
