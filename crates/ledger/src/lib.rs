//! Commitments and disclosure, statements and objects, the pure state machine, bundles and their
//! verification. No input or output, no clock, no randomness.

pub mod block;
pub mod bundle;
pub mod cbor;
pub mod cid;
pub mod cose;
pub mod ids;
pub mod limits;
pub mod machine;
pub mod receipt;
pub mod record;
pub mod record_header;
pub mod registry;
pub mod state;
pub mod statement;
pub mod trust;

#[cfg(test)]
mod frozen;
