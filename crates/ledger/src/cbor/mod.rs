//! Deterministic CBOR: the subset of RFC 8949 that the ledger signs and hashes.
//!
//! One value has exactly one encoding (RFC 8949 §4.2.1): shortest lengths, definite lengths, map
//! keys in bytewise order of their encodings, no key twice. There are no floats and no simple
//! values but `false`, `true` and `null`. Whatever else the bytes hold is refused, so two different
//! byte strings never decode to equal values.

mod decode;
mod encode;
mod fields;

pub use decode::{CborError, CborErrorKind, decode, decode_any_order};
pub use encode::{encode, encode_into};
pub use fields::{Fields, ShapeError, ShapeProblem};

/// A CBOR data item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// An unsigned integer (major type 0).
    Unsigned(u64),
    /// The negative integer −1 − n (major type 1); holds n.
    Negative(u64),
    /// A byte string (major type 2).
    Bytes(Vec<u8>),
    /// A UTF-8 text string (major type 3).
    Text(String),
    /// An array (major type 4).
    Array(Vec<Value>),
    /// A map (major type 5). Decoding gives the entries in key order; keys must be distinct.
    Map(Vec<(Value, Value)>),
    /// A tagged item (major type 6).
    Tag(u64, Box<Value>),
    /// `false` or `true`.
    Bool(bool),
    /// `null`
    Null,
}

impl Value {
    /// A map with unsigned integer keys, put in key order.
    #[must_use]
    pub fn int_map(entries: impl IntoIterator<Item = (u64, Value)>) -> Self {
        let mut entries: Vec<(u64, Value)> = entries.into_iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        Value::Map(entries.into_iter().map(|(key, value)| (Value::Unsigned(key), value)).collect())
    }

    /// The integer, where the value is one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Unsigned(n) => i64::try_from(*n).ok(),
            Value::Negative(n) => i64::try_from(*n).ok().map(|n| -1 - n),
            _ => None,
        }
    }

    /// The unsigned integer, where the value is one.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if let Value::Unsigned(n) = self { Some(*n) } else { None }
    }

    /// The byte string, where the value is one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The text, where the value is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The items, where the value is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The entries, where the value is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Value, Value)]> {
        if let Value::Map(entries) = self { Some(entries) } else { None }
    }

    /// What kind of item this is, in words for an error.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Unsigned(_) => "an unsigned integer",
            Value::Negative(_) => "a negative integer",
            Value::Bytes(_) => "a byte string",
            Value::Text(_) => "a text",
            Value::Array(_) => "an array",
            Value::Map(_) => "a map",
            Value::Tag(..) => "a tagged item",
            Value::Bool(_) => "a boolean",
            Value::Null => "null",
        }
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Value::Unsigned(n)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        u64::try_from(n).map_or_else(|_| Value::Negative((-1 - n).unsigned_abs()), Value::Unsigned)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Value::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Value::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Bytes(bytes)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items)
    }
}

#[cfg(test)]
mod tests;
