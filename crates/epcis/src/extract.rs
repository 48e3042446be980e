//! Takes the facts out of an event's JSON object.
//!
//! Works on any object without failing; on a valid event every fact is there. What is missing or
//! of the wrong type is passed over.

use crate::facts::{Action, ErrorDeclaration, EventType, Facts, IdentifierFact, Role};
use crate::ids;
use crate::json::Json;
use crate::time::Instant;
use crate::vocabulary::Vocabulary;

/// The facts of one event.
pub(crate) fn facts(event: &Json) -> Facts {
    let mut facts = Facts {
        event_type: EventType::Extended,
        event_id: None,
        event_time_ms: 0,
        event_time_zone_offset: String::new(),
        record_time_ms: None,
        action: None,
        biz_step: None,
        disposition: None,
        persistent_set: Vec::new(),
        persistent_unset: Vec::new(),
        read_point: None,
        biz_location: None,
        transformation_id: None,
        identifiers: Vec::new(),
        biz_transactions: Vec::new(),
        sources: Vec::new(),
        destinations: Vec::new(),
        error_declaration: None,
        has_sensor_elements: false,
    };
    for (name, value) in event.as_object().unwrap_or_default() {
        take(&mut facts, name, value);
    }
    facts
}

fn take(facts: &mut Facts, name: &str, value: &Json) {
    match name {
        "type" => {
            facts.event_type =
                value.as_str().and_then(EventType::parse).unwrap_or(EventType::Extended);
        }
        "eventID" => facts.event_id = text(value),
        "eventTime" => facts.event_time_ms = time_ms(value).unwrap_or_default(),
        "eventTimeZoneOffset" => facts.event_time_zone_offset = text(value).unwrap_or_default(),
        "recordTime" => facts.record_time_ms = time_ms(value),
        "action" => facts.action = value.as_str().and_then(Action::parse),
        "bizStep" => facts.biz_step = word(value, Vocabulary::BizStep),
        "disposition" => facts.disposition = word(value, Vocabulary::Disposition),
        "persistentDisposition" => {
            facts.persistent_set = words(value.get("set"));
            facts.persistent_unset = words(value.get("unset"));
        }
        "readPoint" => facts.read_point = value.get("id").and_then(canonical),
        "bizLocation" => facts.biz_location = value.get("id").and_then(canonical),
        "transformationID" => facts.transformation_id = canonical(value),
        "bizTransactionList" => {
            facts.biz_transactions =
                references(value, "bizTransaction", Vocabulary::BizTransactionType);
        }
        "sourceList" => facts.sources = typed_references(value, "source"),
        "destinationList" => facts.destinations = typed_references(value, "destination"),
        "errorDeclaration" => facts.error_declaration = error_declaration(value),
        "sensorElementList" => {
            facts.has_sensor_elements = value.as_array().is_some_and(|list| !list.is_empty());
        }
        "parentID" => identifiers(facts, std::slice::from_ref(value), Role::Parent),
        _ => {
            if let (Some((role, is_class)), Some(items)) = (list_role(name), value.as_array()) {
                if is_class { classes(facts, items, role) } else { identifiers(facts, items, role) }
            }
        }
    }
}

/// The part that the items of a list play, and whether they are classes.
fn list_role(name: &str) -> Option<(Role, bool)> {
    Some(match name {
        "epcList" => (Role::Epc, false),
        "quantityList" => (Role::Epc, true),
        "childEPCs" => (Role::Child, false),
        "childQuantityList" => (Role::Child, true),
        "inputEPCList" => (Role::Input, false),
        "inputQuantityList" => (Role::Input, true),
        "outputEPCList" => (Role::Output, false),
        "outputQuantityList" => (Role::Output, true),
        _ => return None,
    })
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn canonical(value: &Json) -> Option<String> {
    value.as_str().map(|text| ids::canonical(text).into_owned())
}

fn time_ms(value: &Json) -> Option<i64> {
    Some(Instant::parse(value.as_str()?).ok()?.unix_ms())
}

fn word(value: &Json, vocabulary: Vocabulary) -> Option<String> {
    value.as_str().map(|text| vocabulary.canonical(text).into_owned())
}

fn words(value: Option<&Json>) -> Vec<String> {
    let items = value.and_then(Json::as_array).unwrap_or_default();
    items.iter().filter_map(|item| word(item, Vocabulary::Disposition)).collect()
}

fn identifiers(facts: &mut Facts, items: &[Json], role: Role) {
    facts.identifiers.extend(items.iter().filter_map(Json::as_str).map(|id| IdentifierFact {
        id: id.to_owned(),
        canonical: ids::canonical(id).into_owned(),
        role,
        is_class: false,
        quantity: None,
        unit: None,
    }));
}

fn classes(facts: &mut Facts, items: &[Json], role: Role) {
    facts.identifiers.extend(items.iter().filter_map(|item| {
        let id = item.get("epcClass")?.as_str()?;
        let quantity = match item.get("quantity") {
            Some(Json::Number(lexeme) | Json::String(lexeme)) => Some(lexeme.clone()),
            _ => None,
        };
        Some(IdentifierFact {
            id: id.to_owned(),
            canonical: ids::canonical(id).into_owned(),
            role,
            is_class: true,
            quantity,
            unit: item.get("uom").and_then(text),
        })
    }));
}

fn references(list: &Json, field: &str, types: Vocabulary) -> Vec<(Option<String>, String)> {
    let items = list.as_array().unwrap_or_default();
    let reference = |item: &Json| {
        let id = item.get(field).and_then(canonical)?;
        Some((item.get("type").and_then(|value| word(value, types)), id))
    };
    items.iter().filter_map(reference).collect()
}

fn typed_references(list: &Json, field: &str) -> Vec<(String, String)> {
    let found = references(list, field, Vocabulary::SourceDestType);
    found.into_iter().map(|(kind, id)| (kind.unwrap_or_default(), id)).collect()
}

fn error_declaration(value: &Json) -> Option<ErrorDeclaration> {
    let ids = value.get("correctiveEventIDs").and_then(Json::as_array).unwrap_or_default();
    Some(ErrorDeclaration {
        declaration_time_ms: value.get("declarationTime").and_then(time_ms)?,
        reason: value.get("reason").and_then(|reason| word(reason, Vocabulary::ErrorReason)),
        corrective_event_ids: ids.iter().filter_map(text).collect(),
    })
}
