//! Leaves as trees that people read: registered names in the place of numbers, byte strings in
//! hexadecimal. What has no registered name keeps its number.

use countermark_epcis::json::Json;
use countermark_ledger::cbor::{self, Value};
use countermark_ledger::cose::Sign1;
use countermark_ledger::ids::hex;
use countermark_ledger::record::FieldClass;
use countermark_ledger::registry::{StatementKind, leaf};
use countermark_ledger::statement::{ERASURE_REASONS, MEDIA_CLASSES};

/// Names of a map's keys, and what stands at each.
type Names = &'static [(u64, &'static str, Meaning)];

/// What a value stands for.
#[derive(Clone, Copy)]
enum Meaning {
    /// Itself.
    Plain,
    /// A moment, in Unix milliseconds.
    Moment,
    /// A number with registered names.
    Registered(fn(u64) -> Option<&'static str>),
    /// A map with keys of its own.
    Map(Names),
    /// The body of a statement, by its kind.
    Body,
}

use Meaning::{Body, Map, Moment, Plain, Registered};

const HEADER: Names = &[
    (1, "version", Plain),
    (2, "origin", Plain),
    (3, "height", Plain),
    (4, "time", Moment),
    (5, "parent", Plain),
    (6, "logSize", Plain),
    (7, "logRoot", Plain),
    (8, "statementCount", Plain),
    (9, "statementsRoot", Plain),
    (10, "stateRoot", Plain),
    (11, "ruleSet", Plain),
    (12, "proposer", Plain),
];
const PROTECTED: Names = &[
    (1, "algorithm", Plain),
    (3, "contentType", Plain),
    (4, "key", Plain),
    (15, "claims", Map(&[(1, "issuer", Plain), (2, "subject", Plain)])),
];
const PAYLOAD: Names = &[
    (1, "version", Plain),
    (2, "kind", Registered(kind)),
    (3, "member", Plain),
    (4, "sequence", Plain),
    (5, "origin", Plain),
    (6, "body", Body),
    (7, "objects", Plain),
];
const GENESIS: Names = &[
    (1, "hand", Plain),
    (2, "logKey", Plain),
    (3, "ruleSet", Plain),
    (4, "nameDigest", Plain),
    (5, "memberKey", Plain),
    (6, "previousLog", Map(&[(1, "origin", Plain), (2, "size", Plain), (3, "root", Plain)])),
];
const MEMBER: Names = &[
    (1, "member", Plain),
    (2, "action", Registered(member_action)),
    (3, "nameDigest", Plain),
    (4, "hand", Plain),
    (5, "roles", Plain),
];
const KEY: Names = &[
    (1, "member", Plain),
    (2, "action", Registered(key_action)),
    (3, "publicKey", Plain),
    (4, "proof", Plain),
    (5, "oldKey", Plain),
];
const CAPTURE: Names = &[(1, "batchRoot", Plain), (2, "count", Plain), (3, "object", Plain)];
const ENDORSEMENT: Names =
    &[(1, "target", Registered(endorsed)), (2, "id", Plain), (3, "hash", Plain)];
const DOCUMENT: Names = &[
    (1, "document", Plain),
    (2, "digestKind", Registered(digest_kind)),
    (3, "digest", Plain),
    (4, "mediaClass", Registered(media_class)),
    (5, "size", Plain),
];
const ERASURE: Names = &[
    (1, "record", Plain),
    (2, "classes", Registered(class)),
    (3, "reason", Registered(reason)),
    (4, "time", Moment),
];
const CLOCK: Names = &[(1, "height", Plain), (2, "previous", Moment), (3, "new", Moment)];

fn kind(number: u64) -> Option<&'static str> {
    StatementKind::from_number(number).map(StatementKind::name)
}

fn at(names: &[&'static str], number: u64) -> Option<&'static str> {
    names.get(usize::try_from(number).ok()?).copied().filter(|name| !name.is_empty())
}

fn member_action(number: u64) -> Option<&'static str> {
    at(&["", "add", "suspend", "leave", "resume"], number)
}

fn key_action(number: u64) -> Option<&'static str> {
    at(&["", "register", "rotate", "revoke"], number)
}

fn endorsed(number: u64) -> Option<&'static str> {
    at(&["", "record", "statement"], number)
}

fn digest_kind(number: u64) -> Option<&'static str> {
    at(&["", "salted", "open"], number)
}

fn media_class(number: u64) -> Option<&'static str> {
    at(&MEDIA_CLASSES, number)
}

fn reason(number: u64) -> Option<&'static str> {
    at(&ERASURE_REASONS, number)
}

fn class(number: u64) -> Option<&'static str> {
    FieldClass::from_number(number).map(FieldClass::name)
}

fn body_names(kind: u64) -> Names {
    match StatementKind::from_number(kind) {
        Some(StatementKind::Genesis) => GENESIS,
        Some(StatementKind::Member) => MEMBER,
        Some(StatementKind::Key) => KEY,
        Some(StatementKind::Capture) => CAPTURE,
        Some(StatementKind::Endorsement) => ENDORSEMENT,
        Some(StatementKind::Document) => DOCUMENT,
        Some(StatementKind::Erasure) => ERASURE,
        Some(StatementKind::Clock) => CLOCK,
        _ => &[],
    }
}

/// A leaf of the log as a tree; `None` where it does not read.
pub(super) fn leaf_tree(bytes: &[u8]) -> Option<Json> {
    let (kind, rest) = bytes.split_first()?;
    if *kind == leaf::BLOCK_HEADER {
        return Some(tree(&cbor::decode(rest).ok()?, Map(HEADER), 0));
    }
    let message = Sign1::decode(rest).ok()?;
    let payload = cbor::decode(message.payload.as_deref()?).ok()?;
    let kind = payload.as_map()?.iter().find(|(key, _)| key.as_u64() == Some(2));
    let kind = kind.and_then(|(_, kind)| kind.as_u64()).unwrap_or(0);
    let mut out = Json::object();
    out.set("protected", tree(&cbor::decode(&message.protected).ok()?, Map(PROTECTED), kind));
    out.set("payload", tree(&payload, Map(PAYLOAD), kind));
    out.set("signature", Json::string(hex(&message.signature)));
    Some(out)
}

fn tree(value: &Value, meaning: Meaning, kind: u64) -> Json {
    match (value, meaning) {
        (Value::Unsigned(n), Moment) => Json::string(crate::clock::moment(*n)),
        (Value::Unsigned(n), Registered(name)) => {
            name(*n).map_or_else(|| Json::Number(n.to_string()), Json::string)
        }
        (Value::Unsigned(n), _) => Json::Number(n.to_string()),
        (Value::Negative(n), _) => Json::Number((-1 - i128::from(*n)).to_string()),
        (Value::Bytes(bytes), _) => Json::string(hex(bytes)),
        (Value::Text(text), _) => Json::string(&**text),
        (Value::Bool(value), _) => Json::Bool(*value),
        (Value::Null, _) => Json::Null,
        (Value::Tag(_, inner), meaning) => tree(inner, meaning, kind),
        (Value::Array(items), meaning) => {
            Json::Array(items.iter().map(|item| tree(item, meaning, kind)).collect())
        }
        (Value::Map(entries), meaning) => {
            let names = match meaning {
                Map(names) => names,
                Body => body_names(kind),
                _ => &[],
            };
            let entry = |(key, value): &(Value, Value)| {
                let known = names.iter().find(|(number, _, _)| key.as_u64() == Some(*number));
                known.map_or_else(
                    || (tree(key, Plain, kind).to_text(), tree(value, Plain, kind)),
                    |(_, name, meaning)| ((*name).to_owned(), tree(value, *meaning, kind)),
                )
            };
            Json::Object(entries.iter().map(entry).collect())
        }
    }
}
