//! Functions on lists and objects, and the ones that know document places and GS1 identifiers.

use std::collections::HashSet;

use vrl::value::{KeyString, ObjectMap, Value};

use super::functions::{Gives, ONE, ONE_TWO, Pure, THREE, THREE_FOUR, TWO, TWO_THREE};
use super::value::{items, list, member, text};
use crate::tree::{PLACE, member_place};
use crate::{gs1, limits};

const fn row(
    name: &'static str,
    parameters: &'static [vrl::compiler::Parameter],
    gives: Gives,
    usage: &'static str,
    run: fn(Vec<Value>) -> Value,
) -> Pure {
    Pure { name, usage, parameters, gives, run }
}

fn take(values: &mut Vec<Value>) -> Value {
    if values.is_empty() { Value::Null } else { values.remove(0) }
}

fn at(values: &[Value], index: usize) -> String {
    values.get(index).map(text).unwrap_or_default()
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(
        members
            .into_iter()
            .filter(|(_, value)| *value != Value::Null)
            .map(|(name, value)| (KeyString::from(name), value))
            .collect::<ObjectMap>(),
    )
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => text(value).is_empty() && !matches!(value, Value::Boolean(_)),
    }
}

/// `{value, at}`: a text with its place. Null when there is nothing.
fn cell(values: Vec<Value>) -> Value {
    values.first().map_or(Value::Null, |holder| cell_of(holder, &at(&values, 1)))
}

fn cell_of(holder: &Value, name: &str) -> Value {
    let value = member(holder, name);
    let shown = text(value);
    if shown.trim().is_empty() {
        return Value::Null;
    }
    let place = member_place(&text(member(holder, PLACE)), name);
    object([("value", Value::from(shown)), ("at", Value::from(place))])
}

/// The value that follows one of some qualifiers among a segment's elements, with its place.
fn qualified(values: Vec<Value>) -> Value {
    let Some(segment) = values.first() else { return Value::Null };
    let wanted = values.get(1).map(items).unwrap_or_default();
    let first = at(&values, 2).parse().unwrap_or(1_usize);
    let last = segment.as_object().map_or(0, |members| members.len()).min(limits::ELEMENTS_MAX);
    for qualifier in wanted {
        // Empty elements are left out of a segment, so the count bounds nothing below it.
        for number in (first..=last.saturating_mul(2)).step_by(2) {
            if *member(segment, &format!("e{number:02}")) == *qualifier {
                let value = cell_of(segment, &format!("e{:02}", number + 1));
                if value != Value::Null {
                    return value;
                }
            }
        }
    }
    Value::Null
}

/// The segments of a block with a tag and, where given, a first element.
fn segments(values: &[Value]) -> Vec<Value> {
    let Some(block) = values.first() else { return Vec::new() };
    let tag = at(values, 1);
    let firsts: Vec<String> =
        values.get(2).map(items).unwrap_or_default().iter().map(text).collect();
    items(member(block, "segments"))
        .iter()
        .filter(|segment| text(member(segment, "tag")) == tag)
        .filter(|segment| firsts.is_empty() || firsts.contains(&text(member(segment, "e01"))))
        .cloned()
        .collect()
}

/// The first party of a block in one of some roles, in the order of the roles.
fn party_of(values: &[Value]) -> Option<&Value> {
    let parties = items(values.first().map_or(&Value::Null, |block| member(block, "parties")));
    let roles = values.get(1).map(items).unwrap_or_default();
    roles.iter().find_map(|role| parties.iter().find(|p| member(p, "role") == role))
}

/// Where a party of a block is, as a draft's location: by GLN under qualifier UL, else by code.
fn x12_location(values: Vec<Value>) -> Value {
    let Some(found) = party_of(&values) else { return Value::Null };
    let place = member(found, PLACE).clone();
    let scheme = member(found, "scheme");
    if text(scheme) == "UL" {
        return object([("gln", cell_of(found, "code")), ("at", place)]);
    }
    object([
        ("code", cell_of(found, "code")),
        ("name", cell_of(found, "name")),
        ("scheme", scheme.clone()),
        ("at", place),
    ])
}

/// A member as a draft's location: by GLN when it is one by its length, else by code.
fn location(values: Vec<Value>) -> Value {
    let found = cell(values);
    if found == Value::Null {
        return Value::Null;
    }
    let is_gln = digits(&found).is_some_and(|count| count >= 12);
    object([(if is_gln { "gln" } else { "code" }, found)])
}

/// A member as the item of a draft's quantity: by GTIN when it looks like one, else by code.
fn article(values: Vec<Value>) -> Value {
    let found = cell(values);
    let shown = text(member(&found, "value"));
    let spoilt = shown.contains("E+") && shown.starts_with(|c: char| c.is_ascii_digit());
    let is_gtin = spoilt || digits(&found).is_some_and(|count| count >= 8);
    object([(if is_gtin { "gtin" } else { "item" }, found)])
}

/// How many digits a cell has, when it has digits only.
fn digits(cell: &Value) -> Option<usize> {
    let shown = text(member(cell, "value"));
    let shown = shown.trim();
    (!shown.is_empty() && shown.bytes().all(|b| b.is_ascii_digit())).then_some(shown.len())
}

/// Every block of a level, at any depth, in document order.
fn blocks(block: &Value, level: &str, out: &mut Vec<Value>) {
    for below in items(member(block, "loops")) {
        let head = member(member(below, "head"), "tag");
        if text(member(below, "level")) == level || text(head) == level {
            out.push(below.clone());
        }
        blocks(below, level, out);
    }
}

fn get(values: Vec<Value>) -> Value {
    let Some(holder) = values.first() else { return Value::Null };
    match holder {
        Value::Array(items) => at(&values, 1)
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index).cloned())
            .unwrap_or(Value::Null),
        _ => member(holder, &at(&values, 1)).clone(),
    }
}

fn set(mut values: Vec<Value>) -> Value {
    let mut holder = take(&mut values);
    let name = KeyString::from(at(&values, 0));
    let value = values.pop().unwrap_or(Value::Null);
    if let Value::Object(members) = &mut holder {
        members.insert(name, value);
    }
    holder
}

fn del(mut values: Vec<Value>) -> Value {
    let mut holder = take(&mut values);
    if let Value::Object(members) = &mut holder {
        members.remove(at(&values, 0).as_str());
    }
    holder
}

fn merge(mut values: Vec<Value>) -> Value {
    let mut holder = take(&mut values);
    if let (Value::Object(members), Value::Object(more)) = (&mut holder, take(&mut values)) {
        members.extend(more);
    }
    if holder.is_object() { holder } else { Value::Object(ObjectMap::new()) }
}

fn compact(mut values: Vec<Value>) -> Value {
    let items = list(take(&mut values));
    Value::Array(items.into_iter().filter(|item| !is_empty(item)).collect())
}

fn compact_object(mut values: Vec<Value>) -> Value {
    match take(&mut values) {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(_, value)| !is_empty(value)).collect::<ObjectMap>(),
        ),
        _ => Value::Object(ObjectMap::new()),
    }
}

fn flatten(mut values: Vec<Value>) -> Value {
    Value::Array(list(take(&mut values)).into_iter().flat_map(list).collect())
}

fn append(mut values: Vec<Value>) -> Value {
    let mut items = list(take(&mut values));
    items.extend(list(take(&mut values)));
    Value::Array(items)
}

fn issue(values: Vec<Value>) -> Value {
    let place = match values.first() {
        Some(Value::Object(holder)) => {
            holder.get("at").or_else(|| holder.get(PLACE)).map(text).unwrap_or_default()
        }
        _ => at(&values, 0),
    };
    let mut members = vec![
        ("at", Value::from(place)),
        ("rule", Value::from(at(&values, 1))),
        ("message", Value::from(at(&values, 2))),
    ];
    let suggestion = at(&values, 3);
    if !suggestion.is_empty() {
        members.push(("suggestion", Value::from(suggestion)));
    }
    object(members)
}

/// A Digital Link URI, or `{fault}` saying why there is none.
fn link(result: Result<String, String>) -> Value {
    match result {
        Ok(uri) => object([("uri", Value::from(uri))]),
        Err(fault) => object([("fault", Value::from(fault))]),
    }
}

/// The functions of this file.
pub(super) const TABLE: &[Pure] = &[
    row(
        "list",
        ONE,
        Gives::List,
        "a list: of nothing, of one thing, or the list itself",
        |mut v| Value::Array(list(take(&mut v))),
    ),
    row("length", ONE, Gives::Integer, "items of a list, members of an object, characters", |v| {
        let count = match v.first() {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(members)) => members.len(),
            Some(other) => text(other).chars().count(),
            None => 0,
        };
        Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }),
    row("first", ONE, Gives::Any, "the first item of a list, or null", |mut v| {
        list(take(&mut v)).into_iter().next().unwrap_or(Value::Null)
    }),
    row("last", ONE, Gives::Any, "the last item of a list, or null", |mut v| {
        list(take(&mut v)).pop().unwrap_or(Value::Null)
    }),
    row("push", TWO, Gives::List, "the list with one more item", |mut v| {
        let mut items = list(take(&mut v));
        items.push(take(&mut v));
        Value::Array(items)
    }),
    row("append", TWO, Gives::List, "two lists as one", append),
    row("compact", ONE, Gives::List, "the list without nulls and empty values", compact),
    row("compact_object", ONE, Gives::Object, "the object without empty members", compact_object),
    row("flatten", ONE, Gives::List, "a list of lists as one list", flatten),
    row("unique", ONE, Gives::List, "each item once, in order", |mut v| {
        let mut seen: HashSet<String> = HashSet::new();
        let items = list(take(&mut v)).into_iter();
        Value::Array(items.filter(|item| seen.insert(item.to_string())).collect())
    }),
    row("has", TWO, Gives::Boolean, "whether a list holds a value", |v| {
        let listed = v.first().map(items).unwrap_or_default();
        Value::Boolean(listed.iter().any(|item| text(item) == at(&v, 1)))
    }),
    row("keys", ONE, Gives::List, "the member names of an object", |v| {
        let names = v.first().and_then(Value::as_object).map(|members| {
            members.keys().filter(|name| name.as_str() != PLACE).map(|n| Value::from(n.as_str()))
        });
        Value::Array(names.map(Iterator::collect).unwrap_or_default())
    }),
    row("values", ONE, Gives::List, "the members of an object", |v| {
        let members = v.first().and_then(Value::as_object);
        Value::Array(
            members
                .into_iter()
                .flatten()
                .filter(|(name, _)| name.as_str() != PLACE)
                .map(|(_, value)| value.clone())
                .collect(),
        )
    }),
    row("get", TWO, Gives::Any, "a member by name, an item by number, or null", get),
    row("set", THREE, Gives::Any, "the object with a member set", set),
    row("del", TWO, Gives::Any, "the object without a member", del),
    row("merge", TWO, Gives::Object, "two objects as one; the second wins", merge),
    row("lookup", TWO_THREE, Gives::Any, "a text in a table {code: meaning}, or a default", |v| {
        let found = v.first().map_or(Value::Null, |table| member(table, &at(&v, 1)).clone());
        if found == Value::Null { v.get(2).cloned().unwrap_or(Value::Null) } else { found }
    }),
    row("is_null", ONE, Gives::Boolean, "whether there is no value", |v| {
        Value::Boolean(v.first().is_none_or(|value| *value == Value::Null))
    }),
    row("is_empty", ONE, Gives::Boolean, "null, no text, no items or no members", |v| {
        Value::Boolean(v.first().is_none_or(is_empty))
    }),
    row("is_text", ONE, Gives::Boolean, "whether the value is text", |v| {
        Value::Boolean(v.first().is_some_and(Value::is_bytes))
    }),
    row("is_list", ONE, Gives::Boolean, "whether the value is a list", |v| {
        Value::Boolean(v.first().is_some_and(Value::is_array))
    }),
    row("is_object", ONE, Gives::Boolean, "whether the value is an object", |v| {
        Value::Boolean(v.first().is_some_and(Value::is_object))
    }),
    row("at", ONE_TWO, Gives::Text, "the place of an object, or of its member", |v| {
        let place = v.first().map(|holder| text(member(holder, PLACE))).unwrap_or_default();
        let name = at(&v, 1);
        Value::from(if name.is_empty() { place } else { member_place(&place, &name) })
    }),
    row("cell", TWO, Gives::Any, "{value, at} of a member, or null when it is empty", cell),
    row("value", ONE, Gives::Text, "the text of a cell", |v| match v.first() {
        Some(holder @ Value::Object(_)) => Value::from(text(member(holder, "value"))),
        _ => Value::from(at(&v, 0)),
    }),
    row(
        "qualified",
        TWO_THREE,
        Gives::Any,
        "the element after one of some qualifiers; pairs start at an element",
        qualified,
    ),
    row("segments", TWO_THREE, Gives::List, "segments of a block by tag and element 1", |v| {
        Value::Array(segments(&v))
    }),
    row("segment", TWO_THREE, Gives::Any, "the first such segment, or null", |v| {
        segments(&v).into_iter().next().unwrap_or(Value::Null)
    }),
    row("party", TWO, Gives::Any, "the first party of a block in one of some roles", |v| {
        party_of(&v).cloned().unwrap_or(Value::Null)
    }),
    row(
        "x12_location",
        TWO,
        Gives::Any,
        "the location of the first party of a block in one of some roles",
        x12_location,
    ),
    row("location", TWO, Gives::Any, "a location by the GLN or code in a member", location),
    row("article", TWO, Gives::Object, "{gtin} or {item} of what stands in a member", article),
    row(
        "choose",
        THREE,
        Gives::Any,
        "the second value if the first is true, else the third",
        |mut v| {
            let (third, second) = (v.pop().unwrap_or(Value::Null), v.pop().unwrap_or(Value::Null));
            if v.first() == Some(&Value::Boolean(true)) { second } else { third }
        },
    ),
    row("blocks", TWO, Gives::List, "the loops of a level or opening tag, at any depth", |v| {
        let mut out = Vec::new();
        if let Some(block) = v.first() {
            blocks(block, &at(&v, 1), &mut out);
        }
        Value::Array(out)
    }),
    row("issue", THREE_FOUR, Gives::Object, "a finding: place, rule, message, suggestion", issue),
    row("gtin", ONE, Gives::Object, "{uri} of a GTIN, or {fault}", |v| {
        link(gs1::gtin(&at(&v, 0)).map(|gtin| gs1::class_uri(&gtin)))
    }),
    row("lot_class", TWO, Gives::Object, "{uri} of a GTIN and lot, or {fault}", |v| {
        link(gs1::gtin(&at(&v, 0)).and_then(|gtin| gs1::lot_uri(&gtin, &at(&v, 1))))
    }),
    row("gln", ONE, Gives::Object, "{uri} of a GLN, or {fault}", |v| {
        link(gs1::gln(&at(&v, 0)).map(|gln| gs1::location_uri(&gln)))
    }),
    row("sscc", ONE, Gives::Object, "{uri} of an SSCC, or {fault}", |v| {
        link(gs1::sscc(&at(&v, 0)).map(|sscc| gs1::sscc_uri(&sscc)))
    }),
];
