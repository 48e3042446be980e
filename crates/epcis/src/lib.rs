//! GS1 keys and Digital Link, the EPCIS 2.0 / CBV 2.0 model, JSON-LD, validation and event-hash
//! profiles. No input or output, no clock, nothing of a ledger.

mod check;
pub mod context;
pub mod document;
mod event;
mod extract;
pub mod facts;
pub mod fields;
pub mod finding;
pub mod gs1;
pub mod hash;
mod ids;
pub mod json;
mod path;
pub mod time;
pub mod units;
pub mod uri;
pub mod vocabulary;

pub use check::{FINDINGS_MAX, Mode};
pub use document::{Document, Rejection};
pub use event::Event;
pub use facts::{Action, ErrorDeclaration, EventType, Facts, IdentifierFact, Role};
pub use finding::{Finding, Severity};
