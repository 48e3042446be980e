//! A bundle as a tree of CBOR items, those inside byte strings included: log leaves, statements,
//! headers, openings, state entries and proofs.

use super::*;
use crate::cbor::{self, Value};

/// One step down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An item of an array, or the value of a map's entry.
    At(usize),
    /// Into a tag.
    Tagged,
    /// Into CBOR within a byte string, behind so many bytes.
    Within(usize),
}

pub(super) fn of(bundle: &Bundle) -> Value {
    cbor::decode(&bundle.encode()[BUNDLE_MAGIC.len()..]).unwrap()
}

pub(super) fn file(value: &Value) -> Vec<u8> {
    let mut out = BUNDLE_MAGIC.to_vec();
    cbor::encode_into(value, &mut out);
    out
}

/// CBOR within a byte string: where it starts, and what it is.
pub(super) fn within(bytes: &[u8]) -> Option<(usize, Value)> {
    (0..2).find_map(|start| {
        let value = cbor::decode(bytes.get(start..).filter(|rest| rest.len() > 8)?).ok()?;
        let nested = matches!(value, Value::Array(_) | Value::Map(_) | Value::Tag(..));
        nested.then_some((start, value))
    })
}

/// The path of every item, the whole first.
pub(super) fn paths(value: &Value) -> Vec<Vec<Step>> {
    let mut out = vec![Vec::new()];
    let mut below = |step, inner: &Value| {
        out.extend(paths(inner).into_iter().map(|rest| [vec![step], rest].concat()));
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| below(Step::At(i), item));
        }
        Value::Map(entries) => {
            entries.iter().enumerate().for_each(|(i, (_, item))| below(Step::At(i), item));
        }
        Value::Tag(_, inner) => below(Step::Tagged, inner),
        Value::Bytes(bytes) => {
            if let Some((start, inner)) = within(bytes) {
                below(Step::Within(start), &inner);
            }
        }
        _ => {}
    }
    out
}

/// The item at a path.
pub(super) fn get(value: &Value, path: &[Step]) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else { return Some(value.clone()) };
    match (step, value) {
        (Step::At(i), Value::Array(items)) => get(items.get(*i)?, rest),
        (Step::At(i), Value::Map(entries)) => get(&entries.get(*i)?.1, rest),
        (Step::Tagged, Value::Tag(_, inner)) => get(inner, rest),
        (Step::Within(_), Value::Bytes(bytes)) => get(&within(bytes)?.1, rest),
        _ => None,
    }
}

/// The whole with the item at a path replaced; `encode` writes what stands within byte strings.
pub(super) fn replace(value: &Value, path: &[Step], new: &Value) -> Value {
    replace_raw(value, path, &mut |_| new.clone())
}

/// As [`replace`], with the new item made from the old one.
pub(super) fn replace_raw(
    value: &Value,
    path: &[Step],
    change: &mut dyn FnMut(&Value) -> Value,
) -> Value {
    let Some((step, rest)) = path.split_first() else { return change(value) };
    let mut value = value.clone();
    match (step, &mut value) {
        (Step::At(i), Value::Array(items)) => items[*i] = replace_raw(&items[*i], rest, change),
        (Step::At(i), Value::Map(entries)) => {
            entries[*i].1 = replace_raw(&entries[*i].1, rest, change);
        }
        (Step::Tagged, Value::Tag(_, inner)) => **inner = replace_raw(inner, rest, change),
        (Step::Within(start), Value::Bytes(bytes)) => {
            let inner = cbor::decode(&bytes[*start..]).unwrap();
            let inner = replace_raw(&inner, rest, change);
            bytes.truncate(*start);
            cbor::encode_into(&inner, bytes);
        }
        other => panic!("no such path: {other:?}"),
    }
    value
}
