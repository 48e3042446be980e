//! Readers: bytes of a foreign format in, a [`Tree`] with document places out.
//!
//! A reader knows syntax only. What the fields mean is the mapping's affair, so that a partner's
//! half-broken variant is still read and its faults are found by name.

pub mod csv;
pub mod idoc;
pub mod json;
pub mod table;
pub mod text;
pub mod x12;
mod x12_loops;
pub mod xlsx;

use sha2::{Digest, Sha256};

use crate::limits;
use crate::tree::{Format, Tree};

/// How a document is to be read; mappings declare it under `[source]`.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Column delimiter; found from the header line when absent.
    pub delimiter: Option<char>,
    /// Character encoding; found from the bytes when absent.
    pub encoding: Option<text::Encoding>,
    /// Name of the sheet; the first one when absent.
    pub sheet: Option<String>,
    /// Column map: our name of a column, and the headers it may stand under.
    pub columns: Vec<table::Column>,
    /// X12: tags that open loops, outermost first, such as `LX` and `W12` for a 945.
    pub loops: Vec<String>,
    /// X12: transaction sets that the mapping takes, such as `856`; all when empty.
    pub sets: Vec<String>,
    /// IDoc: document types that the mapping takes, by prefix, such as `DELVRY`; all when empty.
    pub idoc_types: Vec<String>,
}

/// Why a document could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: [{rule}] {message}; {hint}")]
pub struct ReadError {
    /// Where reading stopped.
    pub place: String,
    /// Short stable name of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl ReadError {
    pub(crate) fn new(
        place: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        ReadError { place: place.into(), rule, message: message.into(), hint: hint.into() }
    }
}

/// Reads a document of a known format.
///
/// # Errors
/// [`ReadError`] when the bytes are not of that format, are in another encoding, or go over a
/// limit of [`crate::limits`].
pub fn read(format: Format, bytes: &[u8], options: &ReadOptions) -> Result<Tree, ReadError> {
    if bytes.len() > limits::DOCUMENT_BYTES_MAX {
        return Err(ReadError::new(
            "document",
            "document-size",
            format!("{} bytes; at most {} are read", bytes.len(), limits::DOCUMENT_BYTES_MAX),
            "split the file",
        ));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::new(
            "document",
            "document-empty",
            "the file is empty",
            "export it again",
        ));
    }
    let mut tree = match format {
        Format::Csv => csv::read(bytes, options),
        Format::Xlsx => xlsx::read(bytes, options),
        Format::X12 => x12::read(bytes, options),
        Format::Idoc => idoc::read(bytes, options),
        Format::Json => json::read(bytes),
    }?;
    tree.digest = Sha256::digest(bytes).into();
    Ok(tree)
}
