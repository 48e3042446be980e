//! Openings: what a discloser hands over, and its one encoding.
//!
//! ```text
//! openings = [1, [class…]]                    classes ascending, each once, at least one
//! class    = [class, 0, secret32]             the class holds nothing
//!          | [class, 1, key32, order, json]   the whole class: salt key, order, JSON text
//!          | [class, 2, [group…]]             some fields; groups in depth-first order
//! group    = [[item…], siblings]              items by ascending place; siblings left to right,
//!                                             32 bytes each: one for each largest subtree without
//!                                             an item
//! item     = [place, 0|1|2|3|8, salt16]       absent, null, false, true, no extensions
//!          | [place, 4|5, salt16, text]       number (lexeme), string
//!          | [place, 6, salt16, count]        count of a list
//!          | [place, 16, kind, depth]         a group, opened further on
//!          | [place, 17, key32, json]         a whole group
//!          | [place, 18, hash32]              an entry of which only the key is shown
//!          | [place, 19, salt16]              a sentinel
//! ```
//! An entry of a sorted group has its key (a relative pointer) as last element.

use super::class::{CLASS_COUNT, FieldClass};
use super::keys::Salt;
use super::tree::{GroupKind, leaf_type};
use crate::cbor::{self, CborError, Value};
use countermark_epcis::json::{self, Json};
use countermark_tlog::merkle::Hash;

/// Version of the tree's layout and of the encoding.
pub const LAYOUT_VERSION: u64 = 1;

const FORM_DUMMY: u64 = 0;
const FORM_WHOLE: u64 = 1;
const FORM_PARTIAL: u64 = 2;
const ITEM_GROUP: u64 = 16;
const ITEM_WHOLE: u64 = 17;
const ITEM_HIDDEN: u64 = 18;
const ITEM_SENTINEL: u64 = 19;

/// Fields of one record, opened. Meaningful only against the record's class digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Openings {
    pub(crate) classes: Vec<(FieldClass, ClassOpening)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClassOpening {
    Dummy { secret: [u8; 32] },
    Whole { key: [u8; 32], order: Vec<u8>, text: String },
    Partial(Vec<GroupOpening>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct GroupOpening {
    pub(crate) items: Vec<Item>,
    pub(crate) siblings: Vec<Hash>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) place: usize,
    pub(crate) key: Option<String>,
    pub(crate) shown: Shown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Leaf { salt: Salt, kind: u8, value: Vec<u8> },
    Group { kind: GroupKind, depth: u32 },
    Whole { key: [u8; 32], value: Json },
    Hidden(Hash),
    Sentinel(Salt),
}

/// Why bytes are not openings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningsError {
    /// Not deterministic CBOR.
    #[error("openings: {0}")]
    Cbor(#[from] CborError),
    /// CBOR of another shape.
    #[error("openings: {0} is not as the format says")]
    Shape(&'static str),
    /// A text that is not compact JSON as written by this format.
    #[error("openings: a disclosed value is not in canonical JSON form")]
    Json,
    /// A later layout.
    #[error("openings: layout version {0}; this program knows {LAYOUT_VERSION}")]
    Version(u64),
}

impl Openings {
    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&self.to_cbor())
    }

    /// The openings as a CBOR item, to stand inside a larger one.
    #[must_use]
    pub fn to_cbor(&self) -> Value {
        let classes = self.classes.iter().map(|(class, opening)| encode_class(*class, opening));
        Value::Array(vec![Value::Unsigned(LAYOUT_VERSION), Value::Array(classes.collect())])
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// [`OpeningsError`] for anything but an encoding that [`Openings::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningsError> {
        Self::from_cbor(&cbor::decode(bytes)?)
    }

    /// Reads openings from a CBOR item.
    ///
    /// # Errors
    /// [`OpeningsError`] where the item is not what [`Openings::to_cbor`] writes.
    pub fn from_cbor(value: &Value) -> Result<Self, OpeningsError> {
        let shape = OpeningsError::Shape;
        let [version, classes] = array(value, "the outer array")? else {
            return Err(shape("the outer array"));
        };
        match version.as_u64() {
            Some(LAYOUT_VERSION) => {}
            Some(other) => return Err(OpeningsError::Version(other)),
            None => return Err(shape("the version")),
        }
        let classes = array(classes, "the list of classes")?;
        if classes.is_empty() || classes.len() > CLASS_COUNT {
            return Err(shape("the list of classes"));
        }
        let classes = classes.iter().map(decode_class).collect::<Result<Vec<_>, _>>()?;
        if !classes.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(shape("the order of classes"));
        }
        Ok(Self { classes })
    }

    /// The classes of which something is opened.
    pub fn classes(&self) -> impl Iterator<Item = FieldClass> + '_ {
        self.classes.iter().map(|(class, _)| *class)
    }
}

fn number(n: usize) -> Value {
    Value::Unsigned(n as u64)
}

fn encode_class(class: FieldClass, opening: &ClassOpening) -> Value {
    let mut out = vec![Value::Unsigned(u64::from(class.number()))];
    match opening {
        ClassOpening::Dummy { secret } => {
            out.extend([Value::Unsigned(FORM_DUMMY), Value::from(*secret)]);
        }
        ClassOpening::Whole { key, order, text } => out.extend([
            Value::Unsigned(FORM_WHOLE),
            Value::from(*key),
            Value::from(order.clone()),
            Value::from(text.as_str()),
        ]),
        ClassOpening::Partial(groups) => {
            let groups = groups.iter().map(encode_group).collect();
            out.extend([Value::Unsigned(FORM_PARTIAL), Value::Array(groups)]);
        }
    }
    Value::Array(out)
}

fn encode_group(group: &GroupOpening) -> Value {
    let items = group.items.iter().map(encode_item).collect();
    Value::Array(vec![Value::Array(items), Value::Bytes(group.siblings.concat())])
}

fn encode_item(item: &Item) -> Value {
    let mut out = vec![number(item.place)];
    match &item.shown {
        Shown::Leaf { salt, kind, value } => {
            out.extend([Value::Unsigned(u64::from(*kind)), Value::from(*salt)]);
            match *kind {
                leaf_type::NUMBER | leaf_type::STRING => {
                    out.push(Value::Text(String::from_utf8_lossy(value).into_owned()));
                }
                leaf_type::COUNT => out.push(Value::Unsigned(count(value))),
                _ => {}
            }
        }
        Shown::Group { kind, depth } => out.extend([
            Value::Unsigned(ITEM_GROUP),
            Value::Unsigned(*kind as u64),
            Value::Unsigned(u64::from(*depth)),
        ]),
        Shown::Whole { key, value } => out.extend([
            Value::Unsigned(ITEM_WHOLE),
            Value::from(*key),
            Value::from(value.to_text()),
        ]),
        Shown::Hidden(hash) => out.extend([Value::Unsigned(ITEM_HIDDEN), Value::from(*hash)]),
        Shown::Sentinel(salt) => out.extend([Value::Unsigned(ITEM_SENTINEL), Value::from(*salt)]),
    }
    out.extend(item.key.as_deref().map(Value::from));
    Value::Array(out)
}

/// The number in a count leaf: u32, big-endian.
pub(crate) fn count(value: &[u8]) -> u64 {
    value.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

fn array<'a>(value: &'a Value, what: &'static str) -> Result<&'a [Value], OpeningsError> {
    value.as_array().ok_or(OpeningsError::Shape(what))
}

fn bytes<const N: usize>(value: &Value, what: &'static str) -> Result<[u8; N], OpeningsError> {
    let bytes = value.as_bytes().ok_or(OpeningsError::Shape(what))?;
    bytes.try_into().map_err(|_| OpeningsError::Shape(what))
}

fn text<'a>(value: &'a Value, what: &'static str) -> Result<&'a str, OpeningsError> {
    value.as_text().ok_or(OpeningsError::Shape(what))
}

fn decode_class(value: &Value) -> Result<(FieldClass, ClassOpening), OpeningsError> {
    let shape = OpeningsError::Shape("a class");
    let [class, form, rest @ ..] = array(value, "a class")? else { return Err(shape) };
    let class = class.as_u64().and_then(FieldClass::from_number);
    let class = class.ok_or(OpeningsError::Shape("a class number"))?;
    let opening = match (form.as_u64(), rest) {
        (Some(FORM_DUMMY), [secret]) => {
            ClassOpening::Dummy { secret: bytes(secret, "a dummy's secret")? }
        }
        (Some(FORM_WHOLE), [key, order, json]) => ClassOpening::Whole {
            key: bytes(key, "a class's salt key")?,
            order: order.as_bytes().ok_or(OpeningsError::Shape("a class's order"))?.to_vec(),
            text: text(json, "a class's text")?.to_owned(),
        },
        (Some(FORM_PARTIAL), [groups]) => {
            let groups = array(groups, "the groups of a class")?;
            ClassOpening::Partial(groups.iter().map(decode_group).collect::<Result<_, _>>()?)
        }
        _ => return Err(shape),
    };
    Ok((class, opening))
}

fn decode_group(value: &Value) -> Result<GroupOpening, OpeningsError> {
    let shape = OpeningsError::Shape("a group");
    let [items, siblings] = array(value, "a group")? else { return Err(shape) };
    let siblings = siblings.as_bytes().ok_or(OpeningsError::Shape("the siblings of a group"))?;
    let (siblings, rest) = siblings.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(OpeningsError::Shape("the siblings of a group"));
    }
    let items = array(items, "the items of a group")?;
    let items = items.iter().map(decode_item).collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() || !items.is_sorted_by(|a, b| a.place < b.place) {
        return Err(OpeningsError::Shape("the order of items"));
    }
    Ok(GroupOpening { items, siblings: siblings.to_vec() })
}

fn decode_item(value: &Value) -> Result<Item, OpeningsError> {
    let shape = OpeningsError::Shape("an item");
    let [place, kind, rest @ ..] = array(value, "an item")? else { return Err(shape) };
    let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
    let place = place.filter(|place| *place < 1 << 17).ok_or(OpeningsError::Shape("a place"))?;
    let kind = kind.as_u64().ok_or(OpeningsError::Shape("an item's kind"))?;
    let taken = match kind {
        0..=3 | 8 | ITEM_HIDDEN | ITEM_SENTINEL => 1,
        4..=6 | ITEM_GROUP | ITEM_WHOLE => 2,
        _ => return Err(OpeningsError::Shape("an item's kind")),
    };
    let (fields, key) = rest.split_at_checked(taken).ok_or(OpeningsError::Shape("an item"))?;
    let key = match key {
        [] => None,
        [key] => Some(text(key, "an entry's key")?.to_owned()),
        _ => return Err(shape),
    };
    let shown = match kind {
        ITEM_HIDDEN => Shown::Hidden(bytes(&fields[0], "a hash")?),
        ITEM_SENTINEL => Shown::Sentinel(bytes(&fields[0], "a salt")?),
        ITEM_GROUP => Shown::Group {
            kind: fields[0].as_u64().and_then(GroupKind::from_number).ok_or(shape)?,
            depth: depth(&fields[1])?,
        },
        ITEM_WHOLE => Shown::Whole {
            key: bytes(&fields[0], "a group key")?,
            value: canonical_json(text(&fields[1], "a value")?)?,
        },
        _ => decode_leaf(kind, fields)?,
    };
    Ok(Item { place, key, shown })
}

fn depth(value: &Value) -> Result<u32, OpeningsError> {
    let depth = value.as_u64().filter(|depth| *depth <= 16);
    depth.and_then(|d| u32::try_from(d).ok()).ok_or(OpeningsError::Shape("a depth"))
}

fn decode_leaf(kind: u64, fields: &[Value]) -> Result<Shown, OpeningsError> {
    let salt = bytes(&fields[0], "a salt")?;
    let kind = u8::try_from(kind).map_err(|_| OpeningsError::Shape("an item's kind"))?;
    let value = match (kind, fields.get(1)) {
        (leaf_type::NUMBER, Some(lexeme)) => {
            let lexeme = text(lexeme, "a number")?;
            match canonical_json(lexeme)? {
                Json::Number(_) => lexeme.as_bytes().to_vec(),
                _ => return Err(OpeningsError::Shape("a number")),
            }
        }
        (leaf_type::STRING, Some(string)) => text(string, "a string")?.as_bytes().to_vec(),
        (leaf_type::COUNT, Some(count)) => {
            let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
            count.ok_or(OpeningsError::Shape("a count"))?.to_be_bytes().to_vec()
        }
        _ => Vec::new(),
    };
    Ok(Shown::Leaf { salt, kind, value })
}

/// Reads a JSON text that must be written as [`Json::to_text`] writes it.
fn canonical_json(text: &str) -> Result<Json, OpeningsError> {
    let value = json::parse(text.as_bytes()).map_err(|_| OpeningsError::Json)?;
    if value.to_text() == text { Ok(value) } else { Err(OpeningsError::Json) }
}
