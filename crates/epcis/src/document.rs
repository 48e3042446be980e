//! Documents: what comes in as a capture document, a query result, a bare event or a list of bare
//! events (EPCIS 2.0 §10), read strictly or leniently, and written again as they were.

use crate::check::{Findings, Mode};
use crate::context::EPCIS_CONTEXT;
use crate::event::{Event, Origin};
use crate::finding::Finding;
use crate::json::{self, Json, JsonError};
use crate::path::Path;

mod frame;

/// The largest document that [`read`] takes: 64 MiB. Larger ones are for streaming.
pub const SIZE_MAX: usize = 64 * 1024 * 1024;

/// Every event carries the context of its document; so many bytes of copies are allowed.
pub const CONTEXT_COPIES_MAX: usize = 256 * 1024 * 1024;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `EPCISDocument`: events to be captured.
    Capture,
    /// `EPCISQueryDocument`: the result of a query.
    Query,
    /// One event, standing alone.
    Event,
    /// A JSON array of events that each stand alone.
    Events,
}

impl Kind {
    /// The path from the document to its list of events.
    fn event_path(self) -> &'static [&'static str] {
        match self {
            Kind::Capture => &["epcisBody", "eventList"],
            Kind::Query => &["epcisBody", "queryResults", "resultsBody", "eventList"],
            Kind::Event | Kind::Events => &[],
        }
    }
}

/// A document whose events are all valid in the mode it was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Everything around the events: the document with an empty `eventList`; `null` where events
    /// stand alone.
    pub header: Json,
    /// The events, in document order.
    pub events: Vec<Event>,
    /// Warnings and notes about the document and its events.
    pub findings: Vec<Finding>,
}

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Larger than the caller allows.
    #[error("the document has {size} bytes, {limit} are allowed; split it")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The XML binding.
    #[error("XML reading comes later; convert to JSON-LD")]
    Xml,
    /// No JSON, or JSON that is not unambiguous.
    #[error("not a readable JSON document: {0}")]
    Json(#[from] JsonError),
    /// Readable, but against the standard.
    #[error("{}", summary(.findings))]
    Invalid {
        /// Everything found, of which at least one is an error.
        findings: Vec<Finding>,
    },
}

impl Rejection {
    /// Whether the document could not even be read (exit code 3), as opposed to read and found
    /// invalid (exit code 1).
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        !matches!(self, Rejection::Invalid { .. })
    }

    /// The findings; for an unreadable document one that says why.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let rule = match self {
            Rejection::Invalid { findings } => return findings.clone(),
            Rejection::TooLarge { .. } => "document.size",
            Rejection::Xml => "document.xml",
            Rejection::Json(_) => "document.json",
        };
        vec![Finding::error("", rule, self.to_string())]
    }
}

fn summary(findings: &[Finding]) -> String {
    let errors = || findings.iter().filter(|f| f.severity == crate::Severity::Error);
    match errors().next() {
        Some(first) if errors().count() > 1 => {
            format!("{first} (and {} more)", errors().count() - 1)
        }
        Some(first) => first.to_string(),
        None => "invalid".to_owned(),
    }
}

/// Reads a document of at most [`SIZE_MAX`] bytes.
///
/// # Errors
/// [`Rejection`]: unreadable, or invalid with every finding.
pub fn read(bytes: &[u8], mode: Mode) -> Result<Document, Rejection> {
    read_limited(bytes, mode, SIZE_MAX)
}

/// Reads a document of at most `limit` bytes.
///
/// # Errors
/// [`Rejection`]: unreadable, or invalid with every finding.
pub fn read_limited(bytes: &[u8], mode: Mode, limit: usize) -> Result<Document, Rejection> {
    if bytes.len() > limit {
        return Err(Rejection::TooLarge { size: bytes.len(), limit });
    }
    if looks_like_xml(bytes) {
        return Err(Rejection::Xml);
    }
    from_json(json::parse(bytes)?, mode)
}

/// Takes a document that was parsed already.
///
/// # Errors
/// [`Rejection::Invalid`] with every finding.
pub fn from_json(mut root: Json, mode: Mode) -> Result<Document, Rejection> {
    let mut findings = Findings::new(mode);
    let Some(kind) = frame::kind(&root, &mut findings) else {
        return Err(Rejection::Invalid { findings: findings.into_list() });
    };
    let events = match kind {
        Kind::Event => vec![std::mem::replace(&mut root, Json::Null)],
        Kind::Events => match std::mem::replace(&mut root, Json::Null) {
            Json::Array(items) => items,
            other => vec![other],
        },
        Kind::Capture | Kind::Query => {
            frame::check(&root, kind, &mut findings);
            take_events(&mut root, kind.event_path()).unwrap_or_default()
        }
    };
    if let Some(context) = root.get("@context")
        && context.to_text().len().saturating_mul(events.len()) > CONTEXT_COPIES_MAX
    {
        let message = format!("the context is too long for {} events", events.len());
        let hint = "split the document, or publish the context and name its URL".to_owned();
        findings.error_hint(&ROOT.member("@context"), "context.size", message, Some(hint));
        return Err(Rejection::Invalid { findings: findings.into_list() });
    }
    let events = admit_all(events, kind, &root, &mut findings);
    frame::check_event_ids(&events, &event_prefix(kind), &mut findings);
    if findings.any_error() {
        return Err(Rejection::Invalid { findings: findings.into_list() });
    }
    Ok(Document { kind, header: root, events, findings: findings.into_list() })
}

fn event_prefix(kind: Kind) -> String {
    kind.event_path().iter().fold(String::new(), |path, name| path + "/" + name)
}

fn admit_all(events: Vec<Json>, kind: Kind, root: &Json, findings: &mut Findings) -> Vec<Event> {
    let assumed = Json::string(EPCIS_CONTEXT);
    let shared = match kind {
        Kind::Event | Kind::Events => None,
        Kind::Capture | Kind::Query => Some(root.get("@context").unwrap_or(&assumed)),
    };
    let prefix = event_prefix(kind);
    let admit = |(i, event)| {
        let at = if kind == Kind::Event { String::new() } else { format!("{prefix}/{i}") };
        Event::admit(event, shared, &at, findings)
    };
    events.into_iter().enumerate().filter_map(admit).collect()
}

fn looks_like_xml(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// Takes the events out of their list and leaves it empty.
fn take_events(root: &mut Json, path: &[&str]) -> Option<Vec<Json>> {
    match list_at(root, path)? {
        Json::Array(items) => Some(std::mem::take(items)),
        _ => None,
    }
}

fn list_at<'j>(root: &'j mut Json, path: &[&str]) -> Option<&'j mut Json> {
    path.iter().try_fold(root, |value, name| match value {
        Json::Object(members) => members.iter_mut().find(|(n, _)| n == name).map(|(_, v)| v),
        _ => None,
    })
}

/// The document as JSON, as it was read: events that had their context from the document have
/// none of their own. An event that stood alone without context has got GS1's.
#[must_use]
pub fn to_json(document: &Document) -> Json {
    let assumed = Json::string(EPCIS_CONTEXT);
    let shared = document.header.get("@context").unwrap_or(&assumed);
    let alone = matches!(document.kind, Kind::Event | Kind::Events);
    let events = document.events.iter().map(|event| {
        let mut json = event.json().clone();
        let inherited = json.get("@context") == Some(shared);
        match &event.origin {
            _ if alone => {}
            Origin::Document if inherited => {
                json.remove("@context");
            }
            Origin::Both(own) => json.set("@context", (**own).clone()),
            Origin::Document | Origin::Event => {}
        }
        json
    });
    match document.kind {
        Kind::Event => events.into_iter().next().unwrap_or(Json::Null),
        Kind::Events => Json::Array(events.collect()),
        Kind::Capture | Kind::Query => {
            let mut root = document.header.clone();
            if let Some(list) = list_at(&mut root, document.kind.event_path()) {
                *list = Json::Array(events.collect());
            }
            root
        }
    }
}

/// The document as compact JSON text.
#[must_use]
pub fn write(document: &Document) -> String {
    to_json(document).to_text()
}

impl Document {
    /// A capture document around events that stand alone. A context that all share moves to the
    /// document; otherwise each event keeps its own.
    #[must_use]
    pub fn of_events(events: Vec<Event>, creation_date: &str) -> Document {
        let first = events.first().and_then(|event| event.json().get("@context"));
        let same = events.iter().all(|event| event.json().get("@context") == first);
        let context = match first {
            Some(context) if same => context.clone(),
            _ => Json::string(EPCIS_CONTEXT),
        };
        let events = events.into_iter().map(|mut event| {
            event.origin = if same { Origin::Document } else { Origin::Event };
            event
        });
        let body = Json::Object(vec![("eventList".to_owned(), Json::Array(Vec::new()))]);
        let header = Json::Object(vec![
            ("@context".to_owned(), context),
            ("type".to_owned(), Json::string("EPCISDocument")),
            ("schemaVersion".to_owned(), Json::string("2.0")),
            ("creationDate".to_owned(), Json::string(creation_date)),
            ("epcisBody".to_owned(), body),
        ]);
        let events = events.collect();
        Document { kind: Kind::Capture, header, events, findings: Vec::new() }
    }

    /// The extension members that the document asks to be left out of event hashes: the member
    /// `ignoreFields` in the namespace `https://repository-x.example.com/`, which the reference
    /// implementation of the CBV 2.0 hash honours.
    #[must_use]
    pub fn ignored_fields(&self) -> Vec<String> {
        let holder = match self.kind {
            Kind::Capture => Some(&self.header),
            Kind::Query => self.header.pointer("/epcisBody/queryResults"),
            Kind::Event | Kind::Events => None,
        };
        let context = crate::context::Context::of(self.header.get("@context"));
        let listed = holder.and_then(Json::as_object).unwrap_or_default().iter().find(|(n, _)| {
            n.strip_suffix(":ignoreFields").is_some_and(|prefix| {
                context.declared(prefix) == Some("https://repository-x.example.com/")
            })
        });
        let items = listed.and_then(|(_, value)| value.as_array()).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }
}

/// The start of every pointer into a document.
const ROOT: Path<'static> = Path::Root("");
