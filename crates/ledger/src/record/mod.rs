//! Records: what the ledger holds of one event.
//!
//! An event is split into eleven field classes. Each class is a salted Merkle tree whose root is
//! the class digest; a class that holds nothing has a dummy that looks the same. [`commit`] makes
//! the digests and the bodies, [`disclose`] opens any fields of them, [`verify`] checks what was
//! opened, [`seal`] and [`seal::WrapKey`] keep bodies and keys.

mod class;
mod commit;
mod disclose;
mod keys;
mod many;
mod openings;
mod part;
mod pointer;
pub mod seal;
mod tree;
mod verified;
mod verify;

#[cfg(test)]
pub(crate) mod tests;

pub use class::{CLASS_COUNT, Classification, FieldClass, PROVENANCE};
pub use commit::{Commitment, class_digest, commit, commit_many, empty_digest};
pub use disclose::{ClassSource, DiscloseError, disclose, empty_source};
pub use keys::{ClassKey, RecordKeys};
pub use openings::{LAYOUT_VERSION, Openings, OpeningsError};
pub use part::{BodyError, CommitError, GROUP_ENTRIES_MAX, SCALAR_BYTES_MAX};
pub use verified::{Disclosed, Disclosure, Verified};
pub use verify::{VerifyError, verify};
pub(crate) use verify::{Work, verify_within};

use countermark_epcis::json::Json;

/// The event and its provenance values from the bodies of its classes.
///
/// Bodies that are missing (erased, empty or not held) leave their members out; the others keep
/// the order they were captured in.
///
/// # Errors
/// [`BodyError`] where a body does not read.
pub fn assemble(bodies: &[(FieldClass, &[u8])]) -> Result<(Json, Json), BodyError> {
    let parts = bodies.iter().map(|(class, body)| part::Part::from_body(*class, body));
    Ok(part::join(&parts.collect::<Result<Vec<_>, _>>()?))
}
