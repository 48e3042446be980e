//! Use cases, one file each, and the sequencer: the only place that joins the parts.
//!
//! [`Node`] is a node's open data directory; [`verify`] and [`mappings`] need none.

pub mod access;
pub mod backup;
pub mod bench;
mod blocks;
mod capture;
mod classes;
mod clock;
pub mod doctor;
mod documents;
pub mod drafts;
mod error;
mod events;
pub mod explore;
mod format;
mod fsck;
mod indexer;
pub mod jobs;
mod keychain;
mod keyring;
pub mod mappings;
mod master;
mod members;
mod membership;
mod node;
mod prepare;
mod preview;
mod progress;
mod prove;
pub mod publications;
mod quarantine;
mod replay;
mod scope;
mod sequencer;
mod shapes;
mod standing;
mod stores;
pub mod trace;
pub mod validate;
pub mod verify;

#[cfg(test)]
mod tests;

pub use capture::{CaptureReport, Held, InputFile};
pub use countermark_ledger::ids::MemberId;
pub use documents::{Document, Erased, ErasureReason, KeptDocument};
pub use error::{ErrorKind, NodeError};
pub use events::EventsAnswer;
pub use format::EpcFormat;
pub use fsck::{Fault, FsckReport};
pub use keyring::{KeyringError, Unlock};
pub use members::{KeyView, MemberView};
pub use membership::Standing;
pub use node::Node;
pub use preview::{PREVIEW_EVENTS_MAX, Preview};
pub use progress::{Progress, Silent};
pub use prove::{Proof, Receipt};
pub use scope::Scope;
pub use standing::NodeStanding;
/// A passphrase, wiped from memory after use.
pub type Passphrase = zeroize::Zeroizing<String>;
