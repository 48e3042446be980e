//! What is shown to consumers.

/// The tables.
pub(super) const SCHEMA: &str = "";
