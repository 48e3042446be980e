//! The vault: bodies of records and documents, encrypted, and the wrapped keys to them.
//!
//! One vault holds one member's data under that member's vault key; a node that hosts several
//! members opens one for each, in folders of their own. Files of a vault:
//!
//! * `bodies-NNNNNN`: ciphertexts of class bodies, append-only segments;
//! * `keys-NNNNNN`: wrapped class keys and tombstones. Backups of these files must expire, those of
//!   the others need not: without its wrapped key a ciphertext is noise;
//! * `daykeys`, `subjects`: keys that wrap class keys, wrapped by the vault key;
//! * `documents/…`: encrypted documents, one file each.
//!
//! Order of writing: day key, subject key, bodies, keys; each synced before the next, and all
//! before the record enters the log. Erasing writes a tombstone first, then zeros over ciphertext
//! and wrapped key; an erasure that was cut short is finished on opening. Only the last append to
//! a file can be torn, so only that is ever cut off; anything else that does not read is damage and
//! is reported with its place. After a failed write the vault takes no more until it is opened
//! again, because nobody knows what the disk did.

mod codec;
mod documents;
mod frame;
mod keys;
mod records;
mod recover;
mod table;

#[cfg(test)]
mod tests;

pub use documents::StoredDocument;
pub use records::{ClassState, NewRecord, StoredRecord};

use crate::disk::Disk;
use codec::Unpacker;
use countermark_ledger::record::seal::{SealError, WrapKey};
use countermark_ledger::record::{BodyError, FieldClass};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use table::Table;

/// Segment length after which a new one is begun, in bytes.
pub const SEGMENT_BYTES: u64 = 32 << 20;
/// Longest body of one class, in bytes.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// Source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `out` with bytes fit for keys.
    ///
    /// # Errors
    /// Where the system has none.
    fn fill(&self, out: &mut [u8]) -> io::Result<()>;
}

/// Where a record or document lies: its key frame. Fits an index column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Number of the `keys` segment.
    pub segment: u32,
    /// Offset of the frame in it.
    pub offset: u32,
}

impl Location {
    /// Segment and offset as one number.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.offset)
    }

    /// Back from [`Location::to_u64`].
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        Self { segment: u32::from_be_bytes([a, b, c, d]), offset: u32::from_be_bytes([e, f, g, h]) }
    }
}

/// What opening had to put right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// File, its length now, and bytes of a torn append that were cut off; still to be, after reading
    /// only.
    pub cut: Vec<(String, u64, u64)>,
    /// Erasures that had been cut short and are finished now; still to be, after reading only.
    pub erasures_finished: usize,
}

/// What the caller knows of a vault that it opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The last location known to have been acknowledged: what lies up to it is never taken for a
    /// torn append.
    pub certain: Option<Location>,
    /// The newest record that the ledger names: where the vault does not hold it, nothing is cut
    /// off, because the files are damaged or older than the ledger.
    pub newest: Option<[u8; 16]>,
    /// Whether nothing may be changed, as for a check: what would be cut off or finished is told.
    pub read_only: bool,
}

/// Why the vault refuses.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault key is not the one that the vault was made with.
    #[error("{path}: wrong passphrase or key; the vault was made with another one")]
    WrongKey {
        /// The file that shows it.
        path: String,
    },
    /// Bytes that are not what was written.
    #[error("{path}, byte {offset}: {what} is damaged; restore the file from a backup")]
    Damaged {
        /// File.
        path: String,
        /// Offset.
        offset: u64,
        /// What it should be.
        what: String,
    },
    /// The files end before a record that the ledger names.
    #[error(
        "{path}, byte {offset}: the keys of record {record}, which the ledger names, are not there \
         or are damaged; nothing was cut off; restore the newer keys and bodies files of the vault"
    )]
    Behind {
        /// File.
        path: String,
        /// Where what can be read of it ends.
        offset: u64,
        /// The record.
        record: String,
    },
    /// Nothing of that id lies there.
    #[error("{path}, byte {offset}: another record lies there; rebuild the index")]
    Misplaced {
        /// File.
        path: String,
        /// Offset.
        offset: u64,
    },
    /// The document was erased.
    #[error("the document is erased")]
    Erased,
    /// An earlier write failed.
    #[error("an earlier write failed; open the vault again to see what the disk holds")]
    Failed,
    /// It was opened for reading.
    #[error("the vault was opened for reading only")]
    ReadOnly,
    /// A body that is too long.
    #[error("the {} body has {length} bytes; at most {BODY_BYTES_MAX}", class.name())]
    TooLong {
        /// Class.
        class: FieldClass,
        /// Its length.
        length: usize,
    },
    /// More than a file can hold.
    #[error("{path} is full")]
    Full {
        /// File.
        path: String,
    },
    /// The disk.
    #[error("{path}: {source}")]
    Io {
        /// File.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The document that was to be stored cannot be read; nothing was stored.
    #[error("the document cannot be read: {0}")]
    Source(#[source] io::Error),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A body that opened but does not read.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl VaultError {
    fn damaged(path: &str, offset: u64, what: impl Into<String>) -> Self {
        VaultError::Damaged { path: path.to_owned(), offset, what: what.into() }
    }
}

pub(crate) fn io_error(path: &str, source: io::Error) -> VaultError {
    VaultError::Io { path: path.to_owned(), source }
}

/// The last segment of a family of files.
#[derive(Debug, Clone, Copy, Default)]
struct Tail {
    segment: u32,
    length: u64,
}

/// One member's vault.
pub struct Vault {
    disk: Arc<dyn Disk>,
    folder: String,
    key: WrapKey,
    random: Arc<dyn Random>,
    segment_bytes: u64,
    day_table: Table,
    subject_table: Table,
    /// Day keys unwrapped so far.
    day_keys: Mutex<HashMap<u32, WrapKey>>,
    /// Decompression contexts that no reader uses right now.
    unpackers: Mutex<Vec<Unpacker>>,
    bodies: Tail,
    keys: Tail,
    failed: bool,
    read_only: bool,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the vault in a folder of the disk, or begins one; segments of [`SEGMENT_BYTES`].
    ///
    /// `certain` is the last location that the caller knows to have been acknowledged (from its
    /// index): what lies there is never taken for a torn append and cut off, but reported as
    /// damage. Without it, damage to the very last append looks the same as a torn one.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] before anything is written; [`VaultError::Damaged`] where bytes
    /// that were once certain do not read; those of the disk.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &str,
        key: WrapKey,
        random: Arc<dyn Random>,
        certain: Option<Location>,
    ) -> Result<(Self, Recovery), VaultError> {
        Self::open_with(disk, folder, key, random, certain, SEGMENT_BYTES)
    }

    /// As [`Vault::open`], with another segment length.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_with(
        disk: Arc<dyn Disk>,
        folder: &str,
        key: WrapKey,
        random: Arc<dyn Random>,
        certain: Option<Location>,
        segment_bytes: u64,
    ) -> Result<(Self, Recovery), VaultError> {
        let known = Known { certain, ..Known::default() };
        Self::open_known(disk, folder, key, random, known, segment_bytes)
    }

    /// As [`Vault::open_with`], with all that the caller knows. Before the vault was found to hold
    /// what is known, nothing is cut off, and to be read only, nothing is changed at all.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::Behind`] where the newest known record is not held.
    pub fn open_known(
        disk: Arc<dyn Disk>,
        folder: &str,
        key: WrapKey,
        random: Arc<dyn Random>,
        known: Known,
        segment_bytes: u64,
    ) -> Result<(Self, Recovery), VaultError> {
        let mut recovery = Recovery::default();
        let (day_table, cut_days) = Table::open(&*disk, format!("{folder}/daykeys"), &key)?;
        let (subject_table, cut_subjects) =
            Table::open(&*disk, format!("{folder}/subjects"), &key)?;
        for (table, cut) in [(&day_table, cut_days), (&subject_table, cut_subjects)] {
            if let Some(cut) = cut {
                recovery.cut.push((table.path.clone(), table.end(), cut));
            }
        }
        let mut vault = Self {
            disk,
            folder: folder.to_owned(),
            key,
            random,
            segment_bytes: segment_bytes.clamp(1, u64::from(u32::MAX)),
            day_table,
            subject_table,
            day_keys: Mutex::default(),
            unpackers: Mutex::default(),
            bodies: Tail::default(),
            keys: Tail::default(),
            failed: false,
            read_only: known.read_only,
        };
        vault.recover(&mut recovery, &known)?;
        Ok((vault, recovery))
    }

    /// Bytes of the last segments, for a look at growth: bodies, keys.
    #[must_use]
    pub fn tail_lengths(&self) -> (u64, u64) {
        (self.bodies.length, self.keys.length)
    }

    fn bodies_path(&self, segment: u32) -> String {
        format!("{}/bodies-{segment:06}", self.folder)
    }

    fn keys_path(&self, segment: u32) -> String {
        format!("{}/keys-{segment:06}", self.folder)
    }

    /// Runs a reading step with a decompression context.
    fn unpacking<T>(
        &self,
        step: impl FnOnce(&mut Unpacker) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let pooled = self.unpackers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut unpacker = match pooled {
            Some(unpacker) => unpacker,
            None => Unpacker::new().map_err(|e| io_error("compression", e))?,
        };
        let result = step(&mut unpacker);
        self.unpackers.lock().unwrap_or_else(PoisonError::into_inner).push(unpacker);
        result
    }

    fn writable(&self) -> Result<(), VaultError> {
        match (self.read_only, self.failed) {
            (true, _) => Err(VaultError::ReadOnly),
            (_, true) => Err(VaultError::Failed),
            _ => Ok(()),
        }
    }

    /// Runs a writing step; after an error nothing more is written.
    fn writing<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        self.writable()?;
        let result = step(self);
        self.failed = result.is_err();
        result
    }
}
