//! Events in words.

use std::collections::BTreeMap;

use countermark_epcis::gs1::Identifier;
use countermark_epcis::json::Json;
use countermark_node::{Node, NodeError};

use crate::lanes::short;

/// What master data call identifiers.
pub(super) type Names = BTreeMap<String, String>;

/// An event as a row of a table, and as a sentence.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) time: String,
    pub(super) kind: String,
    pub(super) step: String,
    pub(super) what: String,
    pub(super) place: String,
}

/// The members of an event that hold identifiers of things, in the order in which they are told.
const THINGS: [&str; 6] = [
    "quantityList",
    "epcList",
    "inputQuantityList",
    "outputQuantityList",
    "childQuantityList",
    "childEPCs",
];
/// Things named in one row at most; the others are counted.
const NAMED_MAX: usize = 2;

fn texts<'a>(event: &'a Json, name: &str) -> Vec<(&'a str, &'a Json)> {
    let items = event.get(name).and_then(Json::as_array).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let id = item.as_str().or_else(|| item.get("epcClass").and_then(Json::as_str))?;
            Some((id, item))
        })
        .collect()
}

fn place_of(event: &Json) -> Option<&str> {
    let place = |name: &str| event.get(name).and_then(|place| place.get("id")?.as_str());
    place("readPoint").or_else(|| place("bizLocation"))
}

/// All identifiers of an event that master data may know.
fn identifiers(event: &Json) -> Vec<String> {
    let mut ids: Vec<String> =
        THINGS.iter().flat_map(|name| texts(event, name)).map(|(id, _)| id.to_owned()).collect();
    ids.extend(place_of(event).map(ToOwned::to_owned));
    ids
}

/// What is known of the identifiers of some events.
pub(super) fn names(node: &Node, events: &[Json]) -> Result<Names, NodeError> {
    node.names_of(events.iter().flat_map(identifiers))
}

/// An identifier as people read it: its name where master data know it, and lot or serial number.
pub(super) fn name(id: &str, names: &Names) -> String {
    let is_place = Identifier::parse(id).is_ok_and(|read| read.get("414").is_some());
    match names.get(id) {
        Some(name) if is_place => name.clone(),
        Some(name) => format!("{name}, {}", short(id)),
        None => short(id),
    }
}

fn thing(id: &str, item: &Json, names: &Names) -> String {
    let name = name(id, names);
    let amount = match item.get("quantity") {
        Some(Json::Number(amount)) => amount,
        _ => return name,
    };
    match item.get("uom").and_then(Json::as_str) {
        Some(unit) => format!("{amount} {unit} of {name}"),
        None => format!("{amount} of {name}"),
    }
}

/// A standard word as people read it; a URI as its last part.
pub(super) fn word(text: &str) -> String {
    let last = text.rsplit(['/', ':']).next().unwrap_or(text);
    last.replace('_', " ")
}

/// Tells an event.
pub(super) fn tell(event: &Json, names: &Names) -> Told {
    let text = |name: &str| event.get(name).and_then(Json::as_str).unwrap_or_default();
    let things: Vec<String> = THINGS
        .iter()
        .flat_map(|name| texts(event, name))
        .map(|(id, item)| thing(id, item, names))
        .collect();
    let mut what = things.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    if things.len() > NAMED_MAX {
        what.push_str(&format!("; {} more", things.len() - NAMED_MAX));
    }
    if let (true, Some(parent)) = (what.is_empty(), event.get("parentID").and_then(Json::as_str)) {
        what = name(parent, names);
    }
    Told {
        id: text("eventID").to_owned(),
        time: local_time(text("eventTime"), text("eventTimeZoneOffset")),
        kind: text("type").trim_end_matches("Event").to_owned(),
        step: word(text("bizStep")),
        what,
        place: place_of(event).map(|id| name(id, names)).unwrap_or_default(),
    }
}

/// A time as the place's own clock showed it, with its offset.
fn local_time(time: &str, offset: &str) -> String {
    use countermark_epcis::time::Instant;
    let at = Instant::parse(time).ok();
    let text = at.map_or_else(|| time.to_owned(), |at| local(at.unix_ms(), offset));
    if offset.is_empty() { text } else { format!("{text} {offset}") }
}

fn local(ms: i64, offset: &str) -> String {
    use countermark_epcis::time::Instant;
    let part = |range: std::ops::Range<usize>| offset.get(range)?.parse::<i64>().ok();
    let minutes = part(1..3).zip(part(4..6)).map(|(hours, minutes)| hours * 60 + minutes);
    let minutes = minutes.unwrap_or(0) * if offset.starts_with('-') { -1 } else { 1 };
    let text = Instant::format_ms(ms + minutes * 60_000);
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

impl Told {
    /// The event in one sentence.
    pub(super) fn sentence(&self) -> String {
        let step =
            if self.step.is_empty() { format!("{} event", self.kind) } else { self.step.clone() };
        let mut text = step;
        if let Some(first) = text.get(..1) {
            text = format!("{}{}", first.to_uppercase(), text.get(1..).unwrap_or_default());
        }
        if !self.what.is_empty() {
            text = format!("{text}: {}", self.what);
        }
        if !self.place.is_empty() {
            text = format!("{text}, at {}", self.place);
        }
        text
    }
}
