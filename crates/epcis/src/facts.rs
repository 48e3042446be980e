//! What an event says, in typed form: the answers that storing, indexing and tracing need, taken
//! once from the JSON object. Source: EPCIS 2.0 §7.4.

/// The type of an event (EPCIS 2.0 §7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// Something happened to objects.
    Object,
    /// Objects were put into, seen in or taken out of a container.
    Aggregation,
    /// Objects were tied to business transactions.
    Transaction,
    /// Inputs were used up to make outputs.
    Transformation,
    /// Objects were associated with a place or another object.
    Association,
    /// A user-defined type, named by a URI or a compact URI; its text is the member `type`.
    Extended,
}

impl EventType {
    /// The name as it stands in the member `type`; empty for a user-defined type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::Object => "ObjectEvent",
            EventType::Aggregation => "AggregationEvent",
            EventType::Transaction => "TransactionEvent",
            EventType::Transformation => "TransformationEvent",
            EventType::Association => "AssociationEvent",
            EventType::Extended => "",
        }
    }

    /// The standard type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ObjectEvent" => EventType::Object,
            "AggregationEvent" => EventType::Aggregation,
            "TransactionEvent" => EventType::Transaction,
            "TransformationEvent" => EventType::Transformation,
            "AssociationEvent" => EventType::Association,
            _ => return None,
        })
    }
}

/// How an event relates to the lifecycle of what it names (EPCIS 2.0 §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The entity was created or added.
    Add,
    /// The entity was seen; nothing was created, added, removed or destroyed.
    Observe,
    /// The entity was removed or destroyed.
    Delete,
}

impl Action {
    /// `ADD`, `OBSERVE` or `DELETE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Add => "ADD",
            Action::Observe => "OBSERVE",
            Action::Delete => "DELETE",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ADD" => Action::Add,
            "OBSERVE" => Action::Observe,
            "DELETE" => Action::Delete,
            _ => return None,
        })
    }
}

/// The part that an identifier plays in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `epcList`, `quantityList`: what the event is about.
    Epc,
    /// `parentID`: the container, the whole.
    Parent,
    /// `childEPCs`, `childQuantityList`: the content, the parts.
    Child,
    /// `inputEPCList`, `inputQuantityList`: used up.
    Input,
    /// `outputEPCList`, `outputQuantityList`: made.
    Output,
}

/// One identifier of an object or class of objects, with its part and its amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierFact {
    /// As the document gives it.
    pub id: String,
    /// The canonical GS1 Digital Link, or the URI itself where it is no GS1 identifier.
    pub canonical: String,
    /// Its part in the event.
    pub role: Role,
    /// Whether it names a class or lot (it came from a quantity list), not one instance.
    pub is_class: bool,
    /// The amount, as the lexeme that stood in the document.
    pub quantity: Option<String>,
    /// The unit of the amount, a UN/ECE Recommendation 20 code; none means "that many instances".
    pub unit: Option<String>,
}

/// Statement that an earlier event of the same id was wrong (EPCIS 2.0 §7.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorDeclaration {
    /// When it was declared: Unix time in milliseconds, UTC.
    pub declaration_time_ms: i64,
    /// Why: a canonical web URI (`https://ref.gs1.org/cbv/ER-…`) or the user's own.
    pub reason: Option<String>,
    /// The events that say what happened instead.
    pub corrective_event_ids: Vec<String>,
}

/// What one event says.
///
/// Vocabulary values are canonical web URIs (`https://ref.gs1.org/cbv/BizStep-shipping`) or the
/// user's own URI; locations, transactions and identifiers are canonical Digital Links where they
/// are GS1 identifiers. Times are Unix milliseconds, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event's type.
    pub event_type: EventType,
    /// The event's own id, as given.
    pub event_id: Option<String>,
    /// When it happened.
    pub event_time_ms: i64,
    /// The offset in force where it happened, such as `+02:00`.
    pub event_time_zone_offset: String,
    /// When a repository recorded it, where the document says so.
    pub record_time_ms: Option<i64>,
    /// The action; a transformation has none.
    pub action: Option<Action>,
    /// The business step.
    pub biz_step: Option<String>,
    /// The state that holds until the next event.
    pub disposition: Option<String>,
    /// Persistent dispositions that begin.
    pub persistent_set: Vec<String>,
    /// Persistent dispositions that end.
    pub persistent_unset: Vec<String>,
    /// Where it happened.
    pub read_point: Option<String>,
    /// Where the objects are thereafter.
    pub biz_location: Option<String>,
    /// Ties the events of one transformation together.
    pub transformation_id: Option<String>,
    /// Every object and class that the event names, in document order of its lists.
    pub identifiers: Vec<IdentifierFact>,
    /// Business transactions: type (canonical web URI) and identifier.
    pub biz_transactions: Vec<(Option<String>, String)>,
    /// Sources: type (canonical web URI) and identifier.
    pub sources: Vec<(String, String)>,
    /// Destinations: type (canonical web URI) and identifier.
    pub destinations: Vec<(String, String)>,
    /// Present when this event takes back an earlier one of the same id.
    pub error_declaration: Option<ErrorDeclaration>,
    /// Whether the event carries sensor elements.
    pub has_sensor_elements: bool,
}
