//! What goes into the index and what comes out of it.

use countermark_epcis::facts::Facts;

/// The random id of an organisation.
pub type MemberId = [u8; 16];

/// The random id of a record.
pub type RecordId = [u8; 16];

/// Where the ledger holds a record: which statement, which record header of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// Index of the capture statement's leaf in the log.
    pub leaf_index: u64,
    /// Index of the record header in the statement's batch, below 1,024.
    pub batch_index: u16,
}

/// Records per statement that a position can tell apart; the ledger allows 1,000.
const BATCH_MAX: u64 = 1024;

impl LogPosition {
    /// The position as one number that sorts as the log does.
    pub(crate) fn ordinal(self) -> Option<i64> {
        if u64::from(self.batch_index) >= BATCH_MAX {
            return None;
        }
        let ordinal = self.leaf_index.checked_mul(BATCH_MAX)? + u64::from(self.batch_index);
        // Hubs of the trace graph are negative even numbers made of ordinals: see `links`.
        i64::try_from(ordinal).ok().filter(|ordinal| *ordinal < i64::MAX / 4)
    }

    pub(crate) fn from_ordinal(ordinal: i64) -> Self {
        let ordinal = ordinal.unsigned_abs();
        LogPosition {
            leaf_index: ordinal / BATCH_MAX,
            batch_index: u16::try_from(ordinal % BATCH_MAX).unwrap_or(0),
        }
    }
}

/// Where the vault keeps a record's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultLocation {
    /// Number of the segment file.
    pub segment: u32,
    /// Offset in bytes.
    pub offset: u64,
}

/// The field classes that the index holds values of, by the ledger's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldClass {
    /// The event's id, type and action, identifiers of objects.
    Identity = 1,
    /// Times, business step, disposition, transactions, sources, destinations, transformations,
    /// error declarations, and the handovers that follow from them.
    Transport = 2,
    /// Lots and classes with their amounts and units.
    Quantity = 4,
    /// Read point and business location.
    Location = 5,
}

/// Every field class of the ledger, 1 to 11, as bits of [`EventRow::erased`].
pub const FIELD_CLASSES_ALL: u16 = 0b1111_1111_1110;

/// One record to be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its place in the log.
    pub position: LogPosition,
    /// Its id.
    pub record_id: RecordId,
    /// The member that holds it.
    pub member: MemberId,
    /// What the event says; none where the body is erased or not held here.
    pub facts: Option<Facts>,
    /// When the ledger recorded it: the block's time, Unix milliseconds.
    pub record_time_ms: i64,
    /// Where the body is.
    pub vault: Option<VaultLocation>,
    /// Classes erased already: bit `n` for class number `n`.
    pub erased: u16,
    /// The record that this one replaces.
    pub previous: Option<RecordId>,
}

/// Classes of a record that are to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// The record.
    pub record_id: RecordId,
    /// Bit `n` for class number `n`; [`FIELD_CLASSES_ALL`] for the whole body.
    pub classes: u16,
}

/// The rows of one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockRows {
    /// The block's height.
    pub height: u64,
    /// Records captured in it, in log order.
    pub records: Vec<RecordRow>,
    /// Erasures stated in it; they may name records of the same block.
    pub erasures: Vec<Erasure>,
}

/// What became of a block handed to the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its rows are in.
    Now,
    /// They were in before; nothing was changed.
    Before,
}

/// Where to find an event, and what the index alone knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its place in the log.
    pub position: LogPosition,
    /// Its record's id.
    pub record_id: RecordId,
    /// The member that holds it.
    pub member: MemberId,
    /// The event's id; none if the event has none or it was erased.
    pub event_id: Option<String>,
    /// When it happened, Unix milliseconds.
    pub event_time_ms: i64,
    /// When the ledger recorded it, Unix milliseconds.
    pub record_time_ms: i64,
    /// Where the body is.
    pub vault: Option<VaultLocation>,
    /// Classes erased: bit `n` for class number `n`.
    pub erased: u16,
    /// Whether the event is an error declaration.
    pub is_error_declaration: bool,
    /// Whether an error declaration or a new version has taken the event back.
    pub is_withdrawn: bool,
}
