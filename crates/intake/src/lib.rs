//! Readers for foreign formats, VRL mappings, and the resolver for identifiers, units and time
//! zones.
//!
//! Three layers, each with its own kind of error: a reader knows syntax ([`readers`]), a mapping
//! says which field means what ([`mapping`]), and the resolver turns local codes, units and times
//! into GS1 keys, UN/ECE units and UTC ([`resolve`]).

pub mod gs1;
pub mod limits;
pub mod readers;
pub mod script;
pub mod tree;

pub use readers::{ReadError, ReadOptions};
pub use tree::{Format, Tree};
