//! The draft of an event as mappings write it.
//!
//! Members: `type`, `action`, `bizStep`, `disposition`, `transformationID`, `at` (place of the
//! event in the document), `line` (for the idempotency tag), `document` {id, system}, `time`
//! {date, clock, zone}, `readPoint`, `bizLocation` and `clockOf` (locations; the last only lends
//! its time zone), `parent`, `epcs`, `children`, `inputEpcs`, `outputEpcs` (logistic units and
//! instances), `quantities`, `childQuantities`, `inputs`, `outputs` (quantities), `documents`
//! [{type, id, issuer}], `from`, `to`, `ownerFrom`, `ownerTo` (locations), `sensors`, `ilmd`,
//! `extension`, `namespaces`.
//!
//! A location is {gln | code | name}, or for a moving read point {uri: "geo:…"}; a
//! quantity {gtin | item | name, lot, quantity, unit,
//! expiry}, a unit {sscc | uri}. Each value is a text or {value, at}.

use countermark_epcis::json::Json;

/// A text with its place in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) value: String,
    pub(crate) at: String,
}

/// The cell of a draft's value; `above` is the place of what holds it. Blank is nothing.
pub(crate) fn cell(json: Option<&Json>, above: &str) -> Option<Cell> {
    let (value, at) = match json? {
        Json::String(text) | Json::Number(text) => (text.as_str(), above),
        holder @ Json::Object(_) => {
            let at = holder.get("at").and_then(Json::as_str).unwrap_or(above);
            (holder.get("value").and_then(Json::as_str)?, at)
        }
        _ => return None,
    };
    let trimmed = value.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(Cell { value: trimmed.to_owned(), at: at.to_owned() })
}

/// The place of a draft's object: its own `at` or `@at`, or the place above it.
pub(crate) fn place(json: &Json, above: &str) -> String {
    let own = json.get("at").or_else(|| json.get(crate::tree::PLACE)).and_then(Json::as_str);
    own.filter(|own| !own.is_empty()).unwrap_or(above).to_owned()
}
