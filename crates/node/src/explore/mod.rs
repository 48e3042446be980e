//! Looking into the ledger: its blocks, the statements in them, one leaf with its proof, and what the
//! ledger holds of one event. Only reads, and only what stands there.

mod blocks;
mod decode;
mod evidence;
mod leaf;
mod record;

pub use blocks::{BlockDetail, BlockSummary, BlocksPage, LogHead, StatementSummary};
pub use evidence::{Evidence, EvidenceState, LeafEvidence};
pub use leaf::{Inclusion, LeafDetail, Side, Step};
pub use record::{ClassDetail, Endorser, FieldValue, Placed, RecordDetail, RecordFields, Vouching};
