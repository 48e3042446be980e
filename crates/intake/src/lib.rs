//! Readers for foreign formats, VRL mappings, and the resolver for identifiers, units and time
//! zones.
//!
//! Three layers, each with its own kind of error: a reader knows syntax ([`readers`]), a mapping
//! says which field means what ([`mapping`]), and the resolver turns local codes, units and times
//! into GS1 keys, UN/ECE units and offsets (with [`master`] data).

pub mod columns;
pub mod gs1;
pub mod limits;
pub mod mapping;
pub mod master;
pub mod outcome;
pub mod readers;
mod resolve;
pub mod script;
pub mod tree;

pub use mapping::{IntakeError, Library, LibraryError, Manifest, Mapping, MappingError, Verified};
pub use master::{Item, Location, MasterData, MasterTable};
pub use outcome::{DocumentInfo, LineKey, Outcome, Quarantined};
pub use readers::{ReadError, ReadOptions};
pub use tree::{Format, Tree};
