//! Accounts, sessions, keys and the access log.

/// The tables.
pub(super) const SCHEMA: &str = "";
