//! Checks of the event's own members: which are allowed and required for its type.

use super::{Checker, Findings};
use crate::context::Context;
use crate::facts::{Action, EventType};
use crate::fields;
use crate::json::Json;
use crate::path::Path;
use crate::uri;
use crate::vocabulary::{Vocabulary, nearest};

use super::values::shown;

const TYPES: &[&str] = &[
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
];

/// Checks one event. `context`: everything in force at it, its own context included.
pub(crate) fn check_event(
    event: &Json,
    at: &Path<'_>,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let mut checker = Checker { findings, context };
    let Some(members) = checker.members(event, at) else { return };
    let Some(event_type) = checker.event_type(event, at) else { return };
    let mut seen = Seen::default();
    for (name, value) in members {
        checker.member(event_type, name, value, &at.member(name), &mut seen);
    }
    checker.required_of_all(&seen, at);
    checker.required_of_type(event_type, &seen, at);
}

/// What was met among an event's members.
#[derive(Default)]
struct Seen {
    event_time: bool,
    offset: bool,
    action: bool,
    action_value: Option<Action>,
    parent: bool,
    epc_list: bool,
    quantities: usize,
    children: usize,
    inputs: usize,
    outputs: usize,
    transactions: usize,
    transformation: bool,
    sensors: usize,
    read_point: bool,
    ilmd: bool,
}

/// Whether the standard gives this member to this type of event.
fn permits(event_type: EventType, name: &str) -> bool {
    use EventType::{Aggregation, Association, Extended, Object, Transaction, Transformation};
    if event_type == Extended {
        return true;
    }
    match name {
        "action" => event_type != Transformation,
        "epcList" | "quantityList" => matches!(event_type, Object | Transaction),
        "ilmd" => matches!(event_type, Object | Transformation),
        "parentID" => matches!(event_type, Aggregation | Transaction | Association),
        "childEPCs" | "childQuantityList" => matches!(event_type, Aggregation | Association),
        "inputEPCList" | "inputQuantityList" | "outputEPCList" | "outputQuantityList"
        | "transformationID" => event_type == Transformation,
        _ => true,
    }
}

fn count(value: &Json) -> usize {
    value.as_array().map_or(0, <[Json]>::len)
}

impl Checker<'_, '_> {
    fn event_type(&mut self, event: &Json, at: &Path<'_>) -> Option<EventType> {
        let Some(value) = event.get("type") else {
            self.required(false, "type", at);
            return None;
        };
        let at = at.member("type");
        let text = self.text(value, &at)?;
        if let Some(event_type) = EventType::parse(text) {
            return Some(event_type);
        }
        if uri::is_uri(text) || self.context.declared(text).is_some() {
            return Some(EventType::Extended);
        }
        let message = format!("{} is no event type", shown(text));
        if self.context.remote().is_empty() {
            let hint = match nearest(text, TYPES) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "use one of the five event types, or a URI for a type of your own".into(),
            };
            self.findings.error_hint(&at, "event.type", message, Some(hint));
            return None;
        }
        let message = format!("{message}; taken as a type of a context not read here");
        self.findings.warning(&at, "event.type", message, None);
        Some(EventType::Extended)
    }

    fn member(
        &mut self,
        event_type: EventType,
        name: &str,
        value: &Json,
        at: &Path<'_>,
        seen: &mut Seen,
    ) {
        if !permits(event_type, name) {
            let message = format!("\"{name}\" is no member of {}", event_type.as_str());
            self.findings.error(at, "event.member", message);
        }
        match name {
            "@context" | "type" => {}
            "eventTime" => {
                seen.event_time = true;
                self.time(value, at);
            }
            "eventTimeZoneOffset" => {
                seen.offset = true;
                self.offset(value, at);
            }
            "recordTime" => {
                self.time(value, at);
            }
            "eventID" => self.uri(value, at),
            "errorDeclaration" => self.error_declaration(value, at),
            "certificationInfo" => self.certification_info(value, at),
            "action" => {
                seen.action = true;
                seen.action_value = self.action(value, at);
            }
            "bizStep" => self.word(value, at, Vocabulary::BizStep),
            "disposition" => self.word(value, at, Vocabulary::Disposition),
            "persistentDisposition" => self.persistent_disposition(value, at),
            "readPoint" => {
                seen.read_point = true;
                self.location(value, at, fields::READ_POINT);
            }
            "bizLocation" => self.location(value, at, fields::BIZ_LOCATION),
            "ilmd" => {
                seen.ilmd = true;
                self.ilmd(value, at);
            }
            _ => self.what_member(name, value, at, seen),
        }
    }

    /// The members that say what the event is about, and extensions.
    fn what_member(&mut self, name: &str, value: &Json, at: &Path<'_>, seen: &mut Seen) {
        match name {
            "epcList" => {
                seen.epc_list = true;
                self.uris(value, at);
                self.no_repeats(value, at);
            }
            "quantityList" => {
                seen.quantities += count(value);
                self.quantity_list(value, at);
            }
            "parentID" => {
                seen.parent = true;
                self.uri(value, at);
            }
            "transformationID" => {
                seen.transformation = true;
                self.uri(value, at);
            }
            "childEPCs" | "inputEPCList" | "outputEPCList" => {
                *seen.list(name) += count(value);
                self.uris(value, at);
            }
            "childQuantityList" | "inputQuantityList" | "outputQuantityList" => {
                *seen.list(name) += count(value);
                self.quantity_list(value, at);
            }
            "bizTransactionList" => {
                let shape = ("bizTransaction", fields::BIZ_TRANSACTION);
                seen.transactions =
                    self.typed_list(value, at, shape, Vocabulary::BizTransactionType);
            }
            "sourceList" => {
                let shape = ("source", fields::SOURCE);
                self.typed_list(value, at, shape, Vocabulary::SourceDestType);
            }
            "destinationList" => {
                let shape = ("destination", fields::DESTINATION);
                self.typed_list(value, at, shape, Vocabulary::SourceDestType);
            }
            "sensorElementList" => seen.sensors = self.sensor_element_list(value, at),
            other => self.extension_name(other, at, fields::EVENT),
        }
    }

    fn action(&mut self, value: &Json, at: &Path<'_>) -> Option<Action> {
        let text = self.text(value, at)?;
        let action = Action::parse(text);
        if action.is_none() {
            let hint = match nearest(text, &["ADD", "OBSERVE", "DELETE"]) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "use ADD, OBSERVE or DELETE".to_owned(),
            };
            let message = format!("{} is no action", shown(text));
            self.findings.error_hint(at, "event.action", message, Some(hint));
        }
        action
    }

    /// The same identifier twice in one list adds nothing and is a usual sign of a faulty export.
    pub(super) fn no_repeats(&mut self, value: &Json, at: &Path<'_>) {
        let Some(items) = value.as_array() else { return };
        let mut known = std::collections::HashSet::new();
        for (i, item) in items.iter().enumerate() {
            if let Some(text) = item.as_str()
                && items.len() > 1
                && !known.insert(text)
            {
                let message = format!("{} stands twice in the list", shown(text));
                self.findings.deviation(&at.item(i), "list.twice", message, None);
            }
        }
    }

    fn required_of_all(&mut self, seen: &Seen, at: &Path<'_>) {
        self.required(seen.event_time, "eventTime", at);
        if !seen.offset {
            self.findings.error_hint(
                at,
                "member.required",
                "\"eventTimeZoneOffset\" is missing",
                Some("give the offset in force where it happened, such as +02:00".to_owned()),
            );
        }
    }

    fn required_of_type(&mut self, event_type: EventType, seen: &Seen, at: &Path<'_>) {
        let deleted = seen.action_value == Some(Action::Delete);
        match event_type {
            EventType::Object => {
                self.required(seen.action, "action", at);
                let sensed = seen.sensors > 0 && seen.read_point;
                if !seen.epc_list && seen.quantities == 0 && !sensed {
                    self.findings.error(
                        at,
                        "event.what",
                        "an ObjectEvent needs an epcList, a quantityList, or sensor elements with \
                         a readPoint",
                    );
                }
                if seen.ilmd && matches!(seen.action_value, Some(Action::Observe | Action::Delete))
                {
                    self.findings.error(
                        &at.member("ilmd"),
                        "event.ilmd",
                        "ilmd is allowed only where the action is ADD",
                    );
                }
            }
            EventType::Aggregation | EventType::Association => {
                self.required(seen.action, "action", at);
                let parent_needed = event_type == EventType::Association
                    || matches!(seen.action_value, Some(Action::Add | Action::Delete));
                self.required(seen.parent || !parent_needed, "parentID", at);
                if seen.children == 0 && !deleted {
                    let message = format!(
                        "{} needs childEPCs or a childQuantityList unless its action is DELETE",
                        event_type.as_str()
                    );
                    self.findings.error(at, "event.what", message);
                }
            }
            EventType::Transaction => {
                self.required(seen.action, "action", at);
                if seen.transactions == 0 {
                    self.findings.error(
                        at,
                        "event.biz-transaction",
                        "a TransactionEvent needs at least one business transaction",
                    );
                }
                if !seen.epc_list && seen.quantities == 0 && !deleted {
                    self.findings.error(
                        at,
                        "event.what",
                        "a TransactionEvent needs an epcList or a quantityList unless its action \
                         is DELETE",
                    );
                }
            }
            EventType::Transformation => self.required_of_transformation(seen, at),
            EventType::Extended => {}
        }
    }

    fn required_of_transformation(&mut self, seen: &Seen, at: &Path<'_>) {
        let some = seen.inputs > 0 || seen.outputs > 0;
        let both = seen.inputs > 0 && seen.outputs > 0;
        if !(both || some && seen.transformation) {
            self.findings.error(
                at,
                "event.what",
                "a TransformationEvent needs inputs and outputs, or one of them and a \
                 transformationID",
            );
        }
    }
}

impl Seen {
    fn list(&mut self, name: &str) -> &mut usize {
        match name.as_bytes().first() {
            Some(b'i') => &mut self.inputs,
            Some(b'o') => &mut self.outputs,
            _ => &mut self.children,
        }
    }
}
