//! Commitments and disclosure, statements and objects, the pure state machine, bundles and their verification.

pub mod cbor;
pub mod limits;
pub mod registry;
pub mod record;
