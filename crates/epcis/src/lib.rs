//! GS1 keys and Digital Link, the EPCIS 2.0 / CBV 2.0 model, JSON-LD, validation and event-hash
//! profiles. No input or output, no clock, nothing of a ledger.

pub mod facts;
pub mod fields;
pub mod finding;
pub mod gs1;
pub mod json;

pub use facts::{Action, ErrorDeclaration, EventType, Facts, IdentifierFact, Role};
pub use finding::{Finding, Severity};
