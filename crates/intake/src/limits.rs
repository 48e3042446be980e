//! Every limit of intake, in one place.

/// Largest document that is read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// Largest spreadsheet file, in bytes; the format is compressed.
pub const XLSX_BYTES_MAX: usize = 16 << 20;
/// Largest sum of the sizes that a spreadsheet declares for its parts once unpacked, in bytes.
pub const XLSX_UNPACKED_MAX: u64 = 256 << 20;
/// Most rows of a table.
pub const ROWS_MAX: usize = 200_000;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 512;
/// Longest value of one cell, element or field, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Most segments of an X12 interchange.
pub const SEGMENTS_MAX: usize = 500_000;
/// Most elements of an X12 segment.
pub const ELEMENTS_MAX: usize = 128;
/// Deepest nesting of HL loops and of XML segments.
pub const DEPTH_MAX: usize = 32;
/// Most elements of an XML document.
pub const XML_NODES_MAX: usize = 1_000_000;
/// Most documents or lines in one JSON file.
pub const JSON_LINES_MAX: usize = 500_000;
/// Largest mapping program, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 256 << 10;
/// Steps that a mapping may take whatever it reads; see [`STEPS_PER_BYTE`].
pub const STEPS_BASE: u64 = 200_000;
/// Further steps for each byte of the document.
pub const STEPS_PER_BYTE: u64 = 200;
/// Longest text that a mapping may build, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most events that one document may give.
pub const EVENTS_MAX: usize = 100_000;
/// Most findings that are kept of one document; the rest are counted.
pub const FINDINGS_MAX: usize = 1_000;
/// Most entries of the master-data tables.
pub const MASTER_ENTRIES_MAX: usize = 1_000_000;
