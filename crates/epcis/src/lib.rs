//! GS1 keys and Digital Link, the EPCIS 2.0 / CBV 2.0 model, JSON-LD, validation and event-hash
//! profiles. No input or output, no clock, nothing of a ledger.
//!
//! ```
//! use countermark_epcis::{Mode, document, hash};
//!
//! let text = r#"{
//!   "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
//!   "type": "ObjectEvent",
//!   "eventTime": "2026-07-22T06:45:00+02:00", "eventTimeZoneOffset": "+02:00",
//!   "action": "OBSERVE", "bizStep": "shipping",
//!   "epcList": ["urn:epc:id:sgtin:0614141.107346.2017"]
//! }"#;
//! let document = document::read(text.as_bytes(), Mode::Strict)?;
//! let facts = document.events[0].facts();
//! assert_eq!(facts.biz_step.as_deref(), Some("https://ref.gs1.org/cbv/BizStep-shipping"));
//! assert_eq!(facts.identifiers[0].canonical, "https://id.gs1.org/01/10614141073464/21/2017");
//! let hash = hash::event_hash(&document.events[0], hash::Profile::Cbv21);
//! assert!(hash.starts_with("ni:///sha-256;") && hash.ends_with("?ver=CBV2.1"));
//!
//! // What is wrong is named with its place, its rule and what was probably meant.
//! let wrong = text.replace("shipping", "shiping");
//! let findings = document::read(wrong.as_bytes(), Mode::Strict).unwrap_err().findings();
//! assert_eq!(findings[0].pointer, "/bizStep");
//! assert_eq!(findings[0].suggestion.as_deref(), Some("did you mean shipping?"));
//! # Ok::<(), document::Rejection>(())
//! ```

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
mod json_serde;
mod parts;
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
pub use parts::{Extension, SensorReport};
