//! One EPCIS event: the JSON object as captured, lossless, with its context inside.

use crate::check::{Findings, Mode, check_event};
use crate::context::{Context, EPCIS_CONTEXT};
use crate::extract;
use crate::facts::Facts;
use crate::finding::Finding;
use crate::json::Json;
use crate::path::Path;

/// A valid EPCIS event.
///
/// The object is as it was captured, member for member, with `@context` as its first member, so
/// that the prefixes of its extensions keep their meaning when the event stands alone.
#[derive(Debug, Clone)]
pub struct Event {
    json: Json,
    pub(crate) origin: Origin,
}

/// Where the context of an event came from, so that a document is written as it was read.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The event had it.
    Event,
    /// The document around it had it.
    Document,
    /// Both had one; this is the event's own part.
    Both(Box<Json>),
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Event {}

impl Event {
    /// Takes an event that stands alone, by the strict rules.
    ///
    /// # Errors
    /// Every finding, of which at least one is an error; pointers start at the event.
    pub fn from_json(json: Json) -> Result<Event, Vec<Finding>> {
        Event::read(json, Mode::Strict).map(|(event, _)| event)
    }

    /// Takes an event that stands alone, and says what is worth knowing about it.
    ///
    /// # Errors
    /// Every finding, of which at least one is an error; pointers start at the event.
    pub fn read(json: Json, mode: Mode) -> Result<(Event, Vec<Finding>), Vec<Finding>> {
        let mut findings = Findings::new(mode);
        let event = Event::admit(json, None, "", &mut findings);
        match event {
            Some(event) => Ok((event, findings.into_list())),
            None => Err(findings.into_list()),
        }
    }

    /// Checks an event and takes it if it has no error. `shared`: the context of the document
    /// around it; `at`: where in the document it stands.
    pub(crate) fn admit(
        mut json: Json,
        shared: Option<&Json>,
        at: &str,
        findings: &mut Findings,
    ) -> Option<Event> {
        let root = Path::Root(at);
        if json.get("@context").is_none() && shared.is_none() && json.as_object().is_some() {
            findings.deviation(
                &root,
                "context.required",
                "\"@context\" is missing",
                Some(format!("add \"@context\": \"{EPCIS_CONTEXT}\"")),
            );
        }
        let valid = {
            let mut context = Context::of(shared);
            if let Some(own) = json.get("@context") {
                context.add(own);
                check_context(own, &root.member("@context"), findings);
            }
            let mut own = Findings::new(findings.mode());
            check_event(&json, &root, &context, &mut own);
            let valid = !own.any_error();
            own.into_list().into_iter().for_each(|finding| findings.push(finding));
            valid && (shared.is_some() || !findings.any_error())
        };
        if !valid {
            return None;
        }
        let (context, origin) = join(json.remove("@context"), shared);
        if let Json::Object(members) = &mut json {
            members.insert(0, ("@context".to_owned(), context));
        }
        Some(Event { json, origin })
    }

    /// The event object, `@context` first.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The event object, `@context` first.
    #[must_use]
    pub fn into_json(self) -> Json {
        self.json
    }

    /// The member `eventID`.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.json.get("eventID").and_then(Json::as_str)
    }

    /// Gives the event an `eventID`, or another one. A new one stands right behind `@context` and
    /// `type`.
    pub fn set_event_id(&mut self, id: &str) {
        let Json::Object(members) = &mut self.json else { return };
        match members.iter_mut().find(|(name, _)| name == "eventID") {
            Some((_, value)) => *value = Json::string(id),
            None => {
                let after = members.iter().take(2).filter(|(n, _)| n == "@context" || n == "type");
                let at = after.count();
                members.insert(at, ("eventID".to_owned(), Json::string(id)));
            }
        }
    }

    /// What the event says, in typed form.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::of(&self.json)
    }
}

impl Facts {
    /// What an event object says, without asking whether it is valid: for events that were taken
    /// leniently, or of which parts were erased. What does not read is left out.
    #[must_use]
    pub fn of(event: &Json) -> Self {
        extract::facts(event)
    }
}

/// The context of an event that stands alone, from its own and the document's.
fn join(own: Option<Json>, shared: Option<&Json>) -> (Json, Origin) {
    match (own, shared) {
        (Some(own), None) => (own, Origin::Event),
        (None, Some(shared)) => (shared.clone(), Origin::Document),
        (None, None) => (Json::string(EPCIS_CONTEXT), Origin::Event),
        (Some(own), Some(shared)) => {
            let mut items = Vec::new();
            for part in [shared, &own] {
                match part {
                    Json::Array(inner) => items.extend(inner.iter().cloned()),
                    other => items.push(other.clone()),
                }
            }
            (Json::Array(items), Origin::Both(Box::new(own)))
        }
    }
}

/// Checks the form of a member `@context`.
pub(crate) fn check_context(value: &Json, at: &Path<'_>, findings: &mut Findings) {
    match value {
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if matches!(item, Json::Array(_)) {
                    findings.error(&at.item(i), "context.form", "a context inside a context list");
                } else {
                    check_context(item, &at.item(i), findings);
                }
            }
        }
        Json::Object(_) => {}
        Json::String(url) if crate::uri::is_uri(url) => {
            if !crate::context::is_epcis_context(url) {
                findings.push(Finding::note(
                    at.pointer(),
                    "context.remote",
                    format!("the context {url} is not read; its terms count as extensions"),
                ));
            }
        }
        _ => findings.error(
            at,
            "context.form",
            "a context is a URL, an object of prefixes and terms, or a list of these",
        ),
    }
}
