//! EPCIS query parameters (EPCIS 2.0 §8.2.7.1, REST binding) to a typed question.
//!
//! Lists are separated by commas. A comma inside an identifier is told apart by what follows it:
//! an identifier starts with a scheme or an opening parenthesis. A plus sign stands for itself, as
//! in RFC 3986, since times and identifiers hold it. Nothing that is given is ignored.

use countermark_epcis::facts::{Action, EventType, Role};

use super::decimal_key::decimal_key;
use super::error::QueryError;
use super::sql::Test;
use super::terms::{self, Vocabulary};
use super::{names, time};

pub use super::pattern::IdentifierPattern;

/// Bytes of a query string at most.
const QUERY_MAX: usize = 64 * 1024;
/// Values in one list at most.
const VALUES_MAX: usize = 200;

/// What the events are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderBy {
    /// The order of capture.
    Position,
    /// When it happened.
    EventTime,
    /// When the ledger recorded it.
    RecordTime,
}

/// A half-open range of Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
}

/// One `MATCH_` parameter: some identifier in one of these roles fits one of these patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) roles: &'static [Role],
    /// Whether class-level or instance-level identifiers are meant; none: both.
    pub(crate) is_class: Option<bool>,
    pub(crate) patterns: Vec<IdentifierPattern>,
}

/// A comparison of quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) test: Test,
    pub(crate) key: String,
    pub(crate) unit: Option<String>,
}

/// A question for events, parsed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub(crate) event_types: Vec<EventType>,
    pub(crate) event_time: Range,
    pub(crate) record_time: Range,
    pub(crate) declaration_time: Range,
    pub(crate) actions: Vec<Action>,
    pub(crate) biz_steps: Vec<String>,
    pub(crate) dispositions: Vec<String>,
    pub(crate) read_points: Vec<String>,
    pub(crate) biz_locations: Vec<String>,
    pub(crate) transformations: Vec<String>,
    pub(crate) error_reasons: Vec<String>,
    pub(crate) event_ids: Vec<String>,
    pub(crate) corrective_ids: Vec<String>,
    pub(crate) matches: Vec<Match>,
    pub(crate) amounts: Vec<Amount>,
    pub(crate) transactions: Vec<(String, Vec<String>)>,
    pub(crate) sources: Vec<(String, Vec<String>)>,
    pub(crate) destinations: Vec<(String, Vec<String>)>,
    pub(crate) is_error_declaration: Option<bool>,
    pub(crate) order_by: OrderBy,
    pub(crate) descending: bool,
    pub(crate) event_count_limit: Option<u64>,
    pub(crate) max_event_count: Option<u64>,
    pub(crate) per_page: Option<u64>,
    pub(crate) next_page_token: Option<String>,
    /// Everything but the page, by which a continuation token is tied to its question.
    pub(crate) canonical_text: String,
}

impl Query {
    /// Every event, in the order of capture.
    #[must_use]
    pub fn all() -> Self {
        Query {
            event_types: Vec::new(),
            event_time: Range::default(),
            record_time: Range::default(),
            declaration_time: Range::default(),
            actions: Vec::new(),
            biz_steps: Vec::new(),
            dispositions: Vec::new(),
            read_points: Vec::new(),
            biz_locations: Vec::new(),
            transformations: Vec::new(),
            error_reasons: Vec::new(),
            event_ids: Vec::new(),
            corrective_ids: Vec::new(),
            matches: Vec::new(),
            amounts: Vec::new(),
            transactions: Vec::new(),
            sources: Vec::new(),
            destinations: Vec::new(),
            is_error_declaration: None,
            order_by: OrderBy::Position,
            descending: false,
            event_count_limit: None,
            max_event_count: None,
            per_page: None,
            next_page_token: None,
            canonical_text: String::new(),
        }
    }

    /// Reads a query string such as `MATCH_epc=…&EQ_bizStep=shipping,receiving`, with or without a
    /// leading question mark.
    ///
    /// # Errors
    /// The first parameter that is unknown, not supported, malformed, given twice or in conflict
    /// with another.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_MAX {
            return Err(too_long("bytes", text.len(), QUERY_MAX));
        }
        let mut query = Query::all();
        let mut given: Vec<String> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        let mut direction = None;
        for pair in
            text.strip_prefix('?').unwrap_or(text).split('&').filter(|pair| !pair.is_empty())
        {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(raw_name).ok_or_else(|| malformed(raw_name, raw_name, UTF8))?;
            let value = decode(raw_value).ok_or_else(|| malformed(&name, raw_value, UTF8))?;
            if given.contains(&name) {
                return Err(QueryError::Twice { name });
            }
            if name == "orderDirection" {
                direction = Some(match value.as_str() {
                    "ASC" => false,
                    "DESC" => true,
                    _ => return Err(malformed(&name, &value, "ASC or DESC")),
                });
            } else {
                query.parameter(&name, &value)?;
            }
            if !matches!(name.as_str(), "nextPageToken" | "perPage") {
                kept.push(pair);
            }
            given.push(name);
        }
        if query.event_count_limit.is_some() && query.max_event_count.is_some() {
            return Err(QueryError::Exclusive { one: "eventCountLimit", other: "maxEventCount" });
        }
        // EPCIS: without a direction a named order is descending.
        query.descending = direction.unwrap_or(query.order_by != OrderBy::Position);
        kept.sort_unstable();
        query.canonical_text = kept.join("&");
        Ok(query)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        let Some((kind, rest)) = name.split_once('_') else { return self.control(name, value) };
        match kind {
            "GE" | "LT" if self.time(kind, rest, name, value)? => return Ok(()),
            "EQ" if self.equals(rest, name, value)? => return Ok(()),
            "MATCH" => {
                if let Some((roles, is_class)) = match_target(rest) {
                    let patterns = identifier_list(name, value)?
                        .iter()
                        .map(|text| IdentifierPattern::parse(text))
                        .collect();
                    self.matches.push(Match { roles, is_class, patterns });
                    return Ok(());
                }
            }
            "EXISTS" if rest == "errorDeclaration" => {
                self.is_error_declaration = Some(match value {
                    "" | "true" => true,
                    "false" => false,
                    _ => return Err(malformed(name, value, "true or false")),
                });
                return Ok(());
            }
            _ => {}
        }
        if self.amount(kind, rest, name, value)? { Ok(()) } else { Err(names::refusal(name)) }
    }

    fn control(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        match name {
            "eventType" => {
                for text in list(name, value)? {
                    let expected = "one of ObjectEvent, AggregationEvent, TransactionEvent, \
                                    TransformationEvent, AssociationEvent";
                    let event_type = EventType::parse(text.trim_start_matches("epcis:"))
                        .ok_or_else(|| malformed(name, &text, expected))?;
                    self.event_types.push(event_type);
                }
            }
            "orderBy" => {
                self.order_by = match value {
                    "eventTime" => OrderBy::EventTime,
                    "recordTime" => OrderBy::RecordTime,
                    _ => return Err(malformed(name, value, "eventTime or recordTime")),
                };
            }
            "eventCountLimit" => self.event_count_limit = Some(count(name, value)?),
            "maxEventCount" => self.max_event_count = Some(count(name, value)?),
            "perPage" => self.per_page = Some(count(name, value)?),
            "nextPageToken" => self.next_page_token = Some(value.to_owned()),
            _ => return Err(names::refusal(name)),
        }
        Ok(())
    }

    fn time(
        &mut self,
        kind: &str,
        rest: &str,
        name: &str,
        value: &str,
    ) -> Result<bool, QueryError> {
        let range = match rest {
            "eventTime" => &mut self.event_time,
            "recordTime" => &mut self.record_time,
            "errorDeclarationTime" | "errorDeclaration_Time" => &mut self.declaration_time,
            _ => return Ok(false),
        };
        let expected = "a time with zone such as 2026-05-01T08:30:00Z";
        let at = time::parse(value).ok_or_else(|| malformed(name, value, expected))?;
        if kind == "GE" {
            range.from = Some(at);
        } else {
            range.until = Some(at);
        }
        Ok(true)
    }

    fn equals(&mut self, rest: &str, name: &str, value: &str) -> Result<bool, QueryError> {
        let words = |vocabulary: Vocabulary| -> Result<Vec<String>, QueryError> {
            Ok(list(name, value)?
                .iter()
                .map(|word| vocabulary.canonical(word).into_owned())
                .collect())
        };
        let identifiers = || -> Result<Vec<String>, QueryError> {
            Ok(identifier_list(name, value)?
                .iter()
                .map(|text| terms::canonical(text).into_owned())
                .collect())
        };
        match rest {
            "action" => {
                for text in list(name, value)? {
                    let action = Action::parse(&text)
                        .ok_or_else(|| malformed(name, &text, "ADD, OBSERVE or DELETE"))?;
                    self.actions.push(action);
                }
            }
            "bizStep" => self.biz_steps = words(Vocabulary::BizStep)?,
            "disposition" => self.dispositions = words(Vocabulary::Disposition)?,
            "errorReason" => self.error_reasons = words(Vocabulary::ErrorReason)?,
            "readPoint" => self.read_points = identifiers()?,
            "bizLocation" => self.biz_locations = identifiers()?,
            "transformationID" => self.transformations = identifiers()?,
            "eventID" => self.event_ids = identifier_list(name, value)?,
            "correctiveEventID" => self.corrective_ids = identifier_list(name, value)?,
            _ => {
                let Some((field, kind)) = rest.split_once('_') else { return Ok(false) };
                let (target, vocabulary) = match field {
                    "bizTransaction" => (&mut self.transactions, Vocabulary::TransactionType),
                    "source" => (&mut self.sources, Vocabulary::PartyType),
                    "destination" => (&mut self.destinations, Vocabulary::PartyType),
                    _ => return Ok(false),
                };
                if kind.is_empty() {
                    return Ok(false);
                }
                target.push((vocabulary.canonical(kind).into_owned(), identifiers()?));
            }
        }
        Ok(true)
    }

    fn amount(
        &mut self,
        kind: &str,
        rest: &str,
        name: &str,
        value: &str,
    ) -> Result<bool, QueryError> {
        let unit = match rest.strip_prefix("quantity") {
            Some("") => None,
            Some(rest) => match rest.strip_prefix('_') {
                Some(unit) if !unit.is_empty() => Some(unit.to_owned()),
                _ => return Ok(false),
            },
            None => return Ok(false),
        };
        let test = match kind {
            "EQ" => Test::Equal,
            "GT" => Test::Greater,
            "GE" => Test::GreaterOrEqual,
            "LT" => Test::Less,
            "LE" => Test::LessOrEqual,
            _ => return Ok(false),
        };
        let key = decimal_key(value)
            .ok_or_else(|| malformed(name, value, "a decimal number such as 12.5"))?;
        self.amounts.push(Amount { test, key, unit });
        Ok(true)
    }
}

/// Roles and level that a `MATCH_` parameter looks at (EPCIS 2.0 §8.2.7.1).
fn match_target(rest: &str) -> Option<(&'static [Role], Option<bool>)> {
    const ANY: &[Role] = &[Role::Epc, Role::Parent, Role::Child, Role::Input, Role::Output];
    Some(match rest {
        "epc" => (&[Role::Epc, Role::Child], Some(false)),
        "parentID" => (&[Role::Parent], None),
        "inputEPC" => (&[Role::Input], Some(false)),
        "outputEPC" => (&[Role::Output], Some(false)),
        "anyEPC" => (ANY, Some(false)),
        "epcClass" => (&[Role::Epc, Role::Child], Some(true)),
        "inputEPCClass" => (&[Role::Input], Some(true)),
        "outputEPCClass" => (&[Role::Output], Some(true)),
        "anyEPCClass" => (ANY, Some(true)),
        _ => return None,
    })
}

const UTF8: &str = "percent-encoded UTF-8";

fn malformed(name: &str, value: &str, expected: &'static str) -> QueryError {
    let value = value.chars().take(200).collect();
    QueryError::Malformed { name: name.to_owned(), value, expected }
}

fn too_long(what: &'static str, got: usize, limit: usize) -> QueryError {
    QueryError::TooLong { what, got, limit }
}

/// Percent-decoding; none if it does not give UTF-8 or an escape is cut.
fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (pair, tail) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn list(name: &str, value: &str) -> Result<Vec<String>, QueryError> {
    checked(name, value, value.split(',').map(str::to_owned).collect())
}

fn identifier_list(name: &str, value: &str) -> Result<Vec<String>, QueryError> {
    let mut values: Vec<String> = Vec::new();
    for part in value.split(',') {
        match values.last_mut() {
            Some(last) if !starts_identifier(part) => {
                last.push(',');
                last.push_str(part);
            }
            _ => values.push(part.to_owned()),
        }
    }
    checked(name, value, values)
}

/// Whether text begins as an identifier does: with a URI scheme or `(01)`.
fn starts_identifier(text: &str) -> bool {
    if text.starts_with('(') {
        return true;
    }
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|character: char| character.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

fn checked(name: &str, value: &str, values: Vec<String>) -> Result<Vec<String>, QueryError> {
    if values.len() > VALUES_MAX {
        return Err(too_long("values in one list", values.len(), VALUES_MAX));
    }
    if values.iter().any(String::is_empty) {
        return Err(malformed(name, value, "a list of values separated by commas"));
    }
    Ok(values)
}

fn count(name: &str, value: &str) -> Result<u64, QueryError> {
    value
        .parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| malformed(name, value, "a whole number above 0"))
}
