//! Documents into values of the mapping language and back.

use countermark_epcis::json::Json;
use vrl::value::{KeyString, ObjectMap, Value};

/// A document as a value. Numbers arrive as text with their own digits: a program that needs to
/// calculate uses the decimal functions, so that no quantity ever passes through a double.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(text) | Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        Json::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (KeyString::from(name.as_str()), from_json(member)))
                .collect::<ObjectMap>(),
        ),
    }
}

/// A program's result as JSON. Objects come sorted by name; the resolver puts members in order.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Integer(number) => Json::Number(number.to_string()),
        Value::Float(number) => Json::Number(number.into_inner().to_string()),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Object(members) => Json::Object(
            members.iter().map(|(name, member)| (name.to_string(), to_json(member))).collect(),
        ),
        Value::Timestamp(time) => Json::String(time.to_rfc3339()),
        Value::Null => Json::Null,
        _ => value.to_str_lossy().map_or(Json::Null, |text| Json::String(text.into_owned())),
    }
}

/// The text of a scalar; empty for null, lists and objects.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.into_inner().to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Timestamp(time) => time.to_rfc3339(),
        _ => value.to_str_lossy().map(std::borrow::Cow::into_owned).unwrap_or_default(),
    }
}

/// A value as a list: null is empty, a single thing is a list of one.
pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        single => vec![single],
    }
}

/// Member of an object, null when there is none.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.as_object().and_then(|members| members.get(name)).unwrap_or(&Value::Null)
}

/// A value as a list, by reference: null is empty, a single thing is a list of one.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}
