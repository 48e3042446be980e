//! The resolver: drafts that a mapping gives, with the partner's own codes, units and times, into
//! EPCIS events with GS1 identifiers, Rec 20 units and offsets.
//!
//! A draft has the members of [`draft`]; every value in it is a text or `{value, at}`. Whatever is
//! wrong is said with the place in the document; whatever is unknown is quarantined.

mod draft;
mod identifier;
mod quantity;
mod sensor;
mod time;

use std::collections::HashSet;

use countermark_epcis::finding::any_error;
use countermark_epcis::json::Json;
use countermark_epcis::{Event, Finding, Severity, fields};

pub(crate) use draft::Cell;

use crate::mapping::Mapping;
use crate::master::{Location, MasterData};
use crate::outcome::{DocumentInfo, LineKey, Outcome, Quarantined};
use crate::tree::Tree;
use crate::{gs1, limits};

/// `@context` of an event: EPCIS 2.0 and the CBV master-data terms that ILMD uses.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// The words that mark what is being resolved.
struct Resolver<'a> {
    mapping: &'a Mapping,
    tree: &'a Tree,
    master: &'a dyn MasterData,
    system: String,
    document: String,
    findings: Vec<Finding>,
    quarantined: Vec<Quarantined>,
    noted: HashSet<String>,
    errors_left: usize,
    remarks_left: usize,
    left_out: usize,
}

impl Resolver<'_> {
    fn say(&mut self, mut finding: Finding) {
        finding.pointer = self.tree.in_document_words(finding.pointer.trim_end());
        // Two events of one line share its faults; each is said once. Errors have room of their
        // own, so that no number of notes can hide that there is one.
        let is_error = finding.severity == Severity::Error;
        let room = if is_error { &mut self.errors_left } else { &mut self.remarks_left };
        if *room == 0 {
            self.left_out += 1;
        } else if self.noted.insert(finding.to_string()) {
            *room -= 1;
            self.findings.push(finding);
        }
    }

    fn error(&mut self, at: &str, rule: &str, message: impl Into<String>, suggestion: &str) {
        self.say(Finding::error(at, rule, message).suggest(suggestion));
    }

    fn warn(&mut self, at: &str, rule: &str, message: impl Into<String>, suggestion: &str) {
        self.say(Finding::warning(at, rule, message).suggest(suggestion));
    }

    /// A note that is made once for each text, so that a long document does not repeat itself.
    fn note_once(&mut self, at: &str, rule: &str, message: String) {
        if self.remarks_left > 0 && self.noted.insert(format!("{rule} {message}")) {
            self.say(Finding::note(at, rule, message));
        }
    }

    fn quarantine(&mut self, cell: &Cell, rule: &'static str, needed: String) {
        let place = self.tree.in_document_words(&cell.at);
        let full = self.quarantined.len() >= limits::FINDINGS_MAX;
        if !full && self.noted.insert(format!("{rule} {place} {}", cell.value)) {
            let (document, value) = (self.document.clone(), cell.value.clone());
            self.quarantined.push(Quarantined { document, place, value, rule, needed });
        }
    }
}

fn text_of(json: &Json, name: &str) -> String {
    draft::cell(json.get(name), "").map(|cell| cell.value).unwrap_or_default()
}

/// The list that a mapping gave under a name; nulls dropped, lists in it flattened.
fn items<'a>(result: &'a Json, name: &str) -> Vec<&'a Json> {
    let listed = result.get(name).and_then(Json::as_array).unwrap_or_default();
    let mut out = Vec::new();
    for item in listed {
        match item {
            Json::Null => {}
            Json::Array(nested) => out.extend(nested.iter().filter(|n| **n != Json::Null)),
            single => out.push(single),
        }
    }
    out
}

/// Resolves what a mapping program gave for a tree.
pub(crate) fn outcome(
    mapping: &Mapping,
    tree: &Tree,
    result: &Json,
    master: &dyn MasterData,
) -> Outcome {
    let described = result.get("document").cloned().unwrap_or(Json::Null);
    let or =
        |given: String, other: &dyn Fn() -> String| if given.is_empty() { other() } else { given };
    let digest = || {
        let hex: String = tree.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    };
    let document = DocumentInfo {
        kind: text_of(&described, "kind"),
        id: or(text_of(&described, "id"), &digest),
        system: or(text_of(&described, "system"), &|| mapping.manifest().id.clone()),
        digest: tree.digest,
    };
    let mut resolver = Resolver {
        mapping,
        tree,
        master,
        system: document.system.clone(),
        document: document.id.clone(),
        findings: tree.findings.clone(),
        quarantined: Vec::new(),
        noted: HashSet::new(),
        errors_left: limits::FINDINGS_MAX,
        remarks_left: limits::FINDINGS_MAX,
        left_out: 0,
    };
    for issue in items(result, "issues") {
        resolver.issue(issue);
    }
    let drafts = items(result, "events");
    let expectations: Vec<Json> = items(result, "expectations").into_iter().cloned().collect();
    let (mut events, mut lines) = (Vec::new(), Vec::new());
    if drafts.len() > limits::EVENTS_MAX {
        let message = format!("{} events; at most {}", drafts.len(), limits::EVENTS_MAX);
        resolver.error("document", "events", message, "split the document");
    } else {
        resolver.events(&drafts, &document, &mut events, &mut lines);
        if drafts.is_empty() && expectations.is_empty() {
            let message = "the document holds nothing that this mapping makes an event of";
            resolver.warn("document", "no-events", message, "is it the right mapping?");
        }
    }
    let Resolver { findings, quarantined, left_out, .. } = resolver;
    let mut outcome = Outcome { events, findings, quarantined, expectations, document, lines };
    if !outcome.is_taken() {
        outcome.events.clear();
        outcome.lines.clear();
        outcome.expectations.clear();
    }
    outcome.bound_findings(left_out);
    outcome
}

impl Resolver<'_> {
    fn issue(&mut self, issue: &Json) {
        let at = match text_of(issue, "at") {
            at if at.is_empty() => "document".to_owned(),
            at => at,
        };
        let rule = text_of(issue, "rule");
        let message = text_of(issue, "message");
        let mut finding = match text_of(issue, "severity").as_str() {
            "warning" => Finding::warning(at, rule, message),
            "note" => Finding::note(at, rule, message),
            _ => Finding::error(at, rule, message),
        };
        let suggestion = text_of(issue, "suggestion");
        if !suggestion.is_empty() {
            finding = finding.suggest(suggestion);
        }
        self.say(finding);
    }

    fn events(
        &mut self,
        drafts: &[&Json],
        document: &DocumentInfo,
        events: &mut Vec<Json>,
        lines: &mut Vec<LineKey>,
    ) {
        let mut seen: HashSet<LineKey> = HashSet::new();
        for (index, draft) in drafts.iter().enumerate() {
            let own = draft.get("document").cloned().unwrap_or(Json::Null);
            let or = |own: String, of: &str| if own.is_empty() { of.to_owned() } else { own };
            self.system = or(text_of(&own, "system"), &document.system);
            self.document = or(text_of(&own, "id"), &document.id);
            let line = or(text_of(draft, "line"), &(index + 1).to_string());
            let key =
                LineKey { system: self.system.clone(), document: self.document.clone(), line };
            if let Some(event) = self.event(draft) {
                events.push(event);
                if !seen.insert(key.clone()) {
                    let at = draft::place(draft, "document");
                    let message = format!("line {} of {} stands twice", key.line, key.document);
                    let hint = "give each line its own number, or send it once";
                    self.error(&at, "line-twice", message, hint);
                }
                lines.push(key);
            }
        }
    }

    /// One event, or none without a time. Everything else is still looked at, so that one import
    /// tells all that is wrong.
    fn event(&mut self, draft: &Json) -> Option<Json> {
        let at = draft::place(draft, "document");
        let event_type = text_of(draft, "type");
        let mut event = Json::object();
        event.set("type", Json::string(&*event_type));
        let position = draft.get("readPoint").and_then(|place| self.position(place, &at));
        let read_point = match position {
            Some(_) => None,
            None => self.location(draft.get("readPoint"), &at),
        };
        let biz_location = self.location(draft.get("bizLocation"), &at);
        let clock_of = self.location(draft.get("clockOf"), &at);
        let zone = [&clock_of, &read_point, &biz_location]
            .into_iter()
            .flatten()
            .find_map(|place| place.zone.map(|zone| (zone, place.name.clone())));
        let time = self.event_time(draft.get("time"), &at, zone);
        if let Some(time) = &time {
            event.set("eventTime", Json::string(&*time.text));
            event.set("eventTimeZoneOffset", Json::string(&*time.offset));
        }
        for name in ["action", "bizStep", "disposition", "transformationID"] {
            let value = text_of(draft, name);
            if !value.is_empty() {
                event.set(name, Json::string(value));
            }
        }
        let site = |place: &Option<Location>| place.as_ref().map(|p| gs1::location_uri(&p.gln));
        let read_point = position.or_else(|| site(&read_point));
        for (name, place) in [("readPoint", read_point), ("bizLocation", site(&biz_location))] {
            if let Some(uri) = place {
                let mut holder = Json::object();
                holder.set("id", Json::String(uri));
                event.set(name, holder);
            }
        }
        self.what(draft, &at, time.as_ref(), &mut event);
        self.parties(draft, &at, &mut event);
        if let Some(sensors) = sensor::elements(draft.get("sensors")) {
            event.set("sensorElementList", sensors);
        }
        if let Some(Json::Object(members)) = draft.get("extension") {
            for (name, value) in members.iter().filter(|(name, _)| name.contains(':')) {
                event.set(name, value.clone());
            }
        }
        time.map(|_| ordered(event, draft.get("namespaces")))
            .filter(|event| self.is_valid(event, &at))
    }

    /// Whether EPCIS takes the event. Looked at only while nothing else is wrong: what is missing
    /// in it then is the mapping's fault, and is said as such.
    fn is_valid(&mut self, event: &Json, at: &str) -> bool {
        let unsound = !self.quarantined.is_empty() || any_error(&self.findings);
        if unsound {
            return true;
        }
        let Err(faults) = Event::from_json(event.clone()) else { return true };
        for fault in faults.into_iter().filter(|fault| fault.severity == Severity::Error) {
            let pointer = if fault.pointer.is_empty() { "" } else { " at " };
            let message = format!(
                "the event would not be valid{pointer}{}: {}",
                fault.pointer, fault.message
            );
            let hint = fault.suggestion.unwrap_or_else(|| "complete the document".to_owned());
            self.error(at, &fault.rule, message, &hint);
        }
        false
    }

    /// Identifiers and quantities, by the list each belongs to.
    fn what(&mut self, draft: &Json, at: &str, time: Option<&time::EventTime>, event: &mut Json) {
        let parent = draft.get("parent").filter(|parent| **parent != Json::Null);
        if let Some(uri) = parent.and_then(|parent| self.unit_uri(parent, at)) {
            event.set("parentID", Json::String(uri));
        }
        let lists = [
            ("epcs", "epcList"),
            ("children", "childEPCs"),
            ("inputEpcs", "inputEPCList"),
            ("outputEpcs", "outputEPCList"),
        ];
        for (ours, standard) in lists {
            let mut uris: Vec<Json> = Vec::new();
            let mut known: HashSet<String> = HashSet::new();
            for item in items(draft, ours) {
                let uri = self.unit_uri(item, at).filter(|uri| known.insert(uri.clone()));
                uris.extend(uri.map(Json::String));
            }
            if !uris.is_empty() {
                event.set(standard, Json::Array(uris));
            }
        }
        let mut dates = Vec::new();
        for (ours, standard) in [
            ("quantities", "quantityList"),
            ("childQuantities", "childQuantityList"),
            ("inputs", "inputQuantityList"),
            ("outputs", "outputQuantityList"),
        ] {
            let mut elements = Vec::new();
            for item in items(draft, ours) {
                let line_at = draft::place(item, at);
                elements.extend(self.quantity(item, &line_at));
                if ours != "inputs" {
                    dates.push(self.expiry(item, &line_at, time));
                }
            }
            if !elements.is_empty() {
                event.set(standard, Json::Array(elements));
            }
        }
        self.ilmd(draft, at, &dates, event);
    }

    /// ILMD, which only an event that begins a class or instance may carry (EPCIS 2.0 §7.3.8).
    fn ilmd(&mut self, draft: &Json, at: &str, dates: &[Option<String>], event: &mut Json) {
        let kind = text_of(draft, "type");
        let allowed = kind == "TransformationEvent"
            || kind == "ObjectEvent" && text_of(draft, "action") == "ADD";
        let mut found: Vec<&String> = dates.iter().flatten().collect();
        if !allowed {
            if !found.is_empty() || draft.get("ilmd").is_some_and(|i| *i != Json::Null) {
                let message = "expiry dates stand in the event that made the lot, not in this one";
                self.note_once(at, "ilmd-not-here", message.to_owned());
            }
            return;
        }
        let mut ilmd = Json::object();
        if let Some(Json::Object(members)) = draft.get("ilmd") {
            for (name, value) in members {
                let Some(cell) = draft::cell(Some(value), at) else { continue };
                let is_date = name.ends_with("Date");
                let date = if is_date { self.date(&cell).map(|d| d.to_string()) } else { None };
                let name = if name.contains(':') { name.clone() } else { format!("cbvmda:{name}") };
                ilmd.set(&name, Json::String(date.unwrap_or(cell.value)));
            }
        }
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] => {}
            [date] => ilmd.set("cbvmda:itemExpirationDate", Json::string(&***date)),
            _ => {
                let message = "the lots of one event have different expiry dates; none is kept";
                self.warn(at, "ilmd-differs", message, "send one document line for each lot");
            }
        }
        if ilmd.as_object().is_some_and(|members| !members.is_empty()) {
            event.set("ilmd", ilmd);
        }
    }
}

/// The event with `@context` first and standard members in their order (extensions after them).
fn ordered(mut event: Json, namespaces: Option<&Json>) -> Json {
    let mut extra = Json::object();
    if event.get("ilmd").is_some() {
        extra.set("cbvmda", Json::string("urn:epcglobal:cbv:mda:"));
    }
    for (name, uri) in namespaces.and_then(Json::as_object).unwrap_or_default() {
        extra.set(name, uri.clone());
    }
    let mut context = vec![Json::string(CONTEXT)];
    if extra.as_object().is_some_and(|members| !members.is_empty()) {
        context.push(extra);
    }
    let mut members = vec![("@context".to_owned(), Json::Array(context))];
    for name in fields::EVENT {
        members.extend(event.remove(name).map(|value| ((*name).to_owned(), value)));
    }
    if let Json::Object(rest) = event {
        members.extend(rest);
    }
    Json::Object(members)
}
