//! Checks of what stands around the events.

use super::{Kind, ROOT};
use crate::check::{Checker, Findings};
use crate::context::{Context, EPCIS_CONTEXT};
use crate::event::{Event, check_context};
use crate::facts::EventType;
use crate::json::Json;
use crate::path::Path;
use crate::uri;
use crate::vocabulary::nearest;

const CAPTURE: &[&str] = &[
    "@context",
    "id",
    "type",
    "schemaVersion",
    "creationDate",
    "instanceIdentifier",
    "sender",
    "receiver",
    "epcisHeader",
    "epcisBody",
];

/// What a JSON value is as a document; none with an error where it is nothing of ours.
pub(super) fn kind(root: &Json, findings: &mut Findings) -> Option<Kind> {
    match root {
        Json::Array(_) => Some(Kind::Events),
        Json::Object(_) => match root.get("type").and_then(Json::as_str) {
            Some("EPCISDocument") => Some(Kind::Capture),
            Some("EPCISQueryDocument") => Some(Kind::Query),
            Some(name) => named(name, root, findings),
            None if root.get("epcisBody").is_some() => {
                let hint = "add \"type\": \"EPCISDocument\"".to_owned();
                let message = "\"type\" is missing";
                findings.error_hint(&ROOT, "member.required", message, Some(hint));
                None
            }
            None => {
                let hint = "an EPCISDocument, an EPCISQueryDocument, or an event is expected";
                let message = "\"type\" is missing or is no string";
                findings.error_hint(&ROOT, "member.required", message, Some(hint.to_owned()));
                None
            }
        },
        _ => {
            findings.error(&ROOT, "document.form", "a document is an object or an array of events");
            None
        }
    }
}

fn named(name: &str, root: &Json, findings: &mut Findings) -> Option<Kind> {
    if EventType::parse(name).is_some() || root.get("epcisBody").is_none() {
        return Some(Kind::Event);
    }
    let hint = nearest(name, &["EPCISDocument", "EPCISQueryDocument"])
        .map(|meant| format!("did you mean {meant}?"));
    findings.error_hint(&ROOT.member("type"), "document.type", "no EPCIS document type", hint);
    None
}

/// Checks a capture or query document without its events.
pub(super) fn check(root: &Json, kind: Kind, findings: &mut Findings) {
    match root.get("@context") {
        None => findings.deviation(
            &ROOT,
            "context.required",
            "\"@context\" is missing",
            Some(format!("add \"@context\": \"{EPCIS_CONTEXT}\"")),
        ),
        Some(value) => check_context(value, &ROOT.member("@context"), findings),
    }
    let context = Context::of(root.get("@context"));
    if root.get("@context").is_some() && !context.has_epcis() {
        findings.warning(
            &ROOT.member("@context"),
            "context.epcis",
            "GS1's EPCIS context is not among the contexts",
            Some(format!("add \"{EPCIS_CONTEXT}\"")),
        );
    }
    let mut checker = Checker { findings, context: &context };
    for (name, value) in root.as_object().unwrap_or_default() {
        checker.document_member(name, value, &ROOT.member(name));
    }
    if kind == Kind::Capture {
        checker.present(root, "schemaVersion", &ROOT);
        checker.present(root, "creationDate", &ROOT);
    }
    if checker.present(root, "epcisBody", &ROOT) {
        checker.body(root, kind);
    }
}

/// Two events of one id are two tellings of one event; one of them has to be its withdrawal.
pub(super) fn check_event_ids(events: &[Event], prefix: &str, findings: &mut Findings) {
    let mut known = std::collections::HashSet::new();
    for (i, event) in events.iter().enumerate() {
        let withdrawn = event.json().get("errorDeclaration").is_some();
        if let Some(id) = event.event_id()
            && !withdrawn
            && !known.insert(id)
        {
            let at = format!("{prefix}/{i}/eventID");
            let message = format!("the eventID {id} stands twice without an errorDeclaration");
            findings.warning(&Path::Root(&at), "event.id-twice", message, None);
        }
    }
}

impl Checker<'_, '_> {
    fn present(&mut self, object: &Json, name: &str, at: &Path<'_>) -> bool {
        let present = object.get(name).is_some();
        self.required(present, name, at);
        present
    }

    fn document_member(&mut self, name: &str, value: &Json, at: &Path<'_>) {
        match name {
            "@context" | "type" | "epcisBody" => {}
            "id" => {
                if !value.as_str().is_some_and(|id| uri::is_uri(id) || id.starts_with("_:")) {
                    self.findings.error(at, "value.uri", "the id of a document is a URI");
                }
            }
            "schemaVersion" => self.version(value, at),
            "creationDate" => {
                self.time(value, at);
            }
            "instanceIdentifier" | "sender" | "receiver" => {
                self.text(value, at);
            }
            "epcisHeader" => self.header(value, at),
            other => self.extension_name(other, at, CAPTURE),
        }
    }

    fn version(&mut self, value: &Json, at: &Path<'_>) {
        let Some(text) = self.text(value, at) else { return };
        let numeric =
            text.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        if !numeric {
            self.findings.error(at, "document.version", "a version such as 2.0 is expected");
        } else if text.split('.').next() != Some("2") {
            let message = format!("the JSON binding exists since version 2.0, this says {text}");
            self.findings.error(at, "document.version", message);
        }
    }

    /// `epcisHeader` with its master data.
    fn header(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        for (name, value) in members {
            let at = at.member(name);
            if name != "epcisMasterData" {
                self.extension_name(name, &at, &["epcisMasterData"]);
                continue;
            }
            if self.members(value, &at).is_none() {
                continue;
            }
            if let Some(list) = value.get("vocabularyList") {
                self.vocabulary_list(list, &at.member("vocabularyList"));
            }
        }
    }

    fn vocabulary_list(&mut self, value: &Json, at: &Path<'_>) {
        let Some(items) = self.items(value, at) else { return };
        for (i, vocabulary) in items.iter().enumerate() {
            let at = at.item(i);
            if self.members(vocabulary, &at).is_none() {
                continue;
            }
            if self.present(vocabulary, "type", &at) {
                let value = vocabulary.get("type").unwrap_or(&Json::Null);
                self.uri(value, &at.member("type"));
            }
            let Some(elements) = vocabulary.get("vocabularyElementList") else { continue };
            let at = at.member("vocabularyElementList");
            let Some(elements) = self.items(elements, &at) else { continue };
            for (j, element) in elements.iter().enumerate() {
                let at = at.item(j);
                if self.members(element, &at).is_some() {
                    self.present(element, "id", &at);
                }
            }
        }
    }

    /// The way from `epcisBody` to the list of events.
    fn body(&mut self, root: &Json, kind: Kind) {
        let body_at = ROOT.member("epcisBody");
        let Some(body) = root.get("epcisBody") else { return };
        let Some(members) = self.members(body, &body_at) else { return };
        let inner = if kind == Kind::Capture { "eventList" } else { "queryResults" };
        for (name, _) in members.iter().filter(|(name, _)| name != inner) {
            self.extension_name(name, &body_at.member(name), &["eventList", "queryResults"]);
        }
        if !self.present(body, inner, &body_at) {
            return;
        }
        let inner_at = body_at.member(inner);
        let value = body.get(inner).unwrap_or(&Json::Null);
        if kind == Kind::Capture {
            self.items(value, &inner_at);
        } else {
            self.query_results(value, &inner_at);
        }
    }

    fn query_results(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        for (name, value) in members {
            let at = at.member(name);
            match &**name {
                "queryName" | "subscriptionID" => {
                    self.text(value, &at);
                }
                "resultsBody" => {
                    if self.members(value, &at).is_some() && self.present(value, "eventList", &at) {
                        let list = value.get("eventList").unwrap_or(&Json::Null);
                        self.items(list, &at.member("eventList"));
                    }
                }
                other => {
                    let standard = &["queryName", "subscriptionID", "resultsBody"];
                    self.extension_name(other, &at, standard);
                }
            }
        }
        self.present(value, "queryName", at);
        self.present(value, "resultsBody", at);
    }
}
