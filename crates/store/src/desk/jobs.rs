//! Capture jobs and what became of them.

/// The tables.
pub(super) const SCHEMA: &str = "";
