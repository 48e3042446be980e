//! Ordering of statements into blocks: local.
