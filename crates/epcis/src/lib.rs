//! GS1 keys and Digital Link, the EPCIS 2.0 / CBV 2.0 model, JSON-LD, validation and event-hash
//! profiles. No input or output, no clock, nothing of a ledger.

pub mod gs1;
pub mod json;
