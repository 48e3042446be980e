//! RFC 9162 Merkle trees, C2SP tiles, signed notes, checkpoints and proofs.
//!
//! Everything here is pure: bytes in, bytes or an error out. Signing keys, times and stored hashes
//! arrive as arguments. "RFC 9162" means its tree and proofs (§2.1); encodings are those of C2SP
//! (`signed-note`, `tlog-checkpoint`, `tlog-cosignature`, `tlog-tiles`, `tlog-policy`).

pub mod checkpoint;
pub mod frontier;
pub mod lanes;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use frontier::Frontier;
pub use merkle::{Hash, ProofError};
pub use note::{Note, NoteError, Signer, VerifierKey};
pub use policy::{Policy, PolicyError};
pub use proof::HashReader;
pub use tile::{Tile, TileError};
