//! The salted Merkle tree of one class.
//!
//! A *group* is a row of leaves, padded to a power of two and hashed as RFC 9162 says. A leaf is a
//! field, or another group standing as one leaf. Three kinds of group:
//!
//! * *object*: place 0 extensions, place 1 member order, then the standard members in frozen order
//!   (an absent one is a salted null). An object without standard members is the same with none.
//! * *list*: place 0 the count, then the items.
//! * *extensions*: a start sentinel, the entries sorted by relative pointer, an end sentinel.
//!
//! So the place follows from the pointer, and two neighbours show that nothing lies between them.
//! Hash inputs (SHA-256; ptr and key as u32 length ‖ UTF-8):
//!
//! ```text
//! field      00 10 salt16 type ptr value
//! padding    00 14 salt16                      one for each aligned run of 2^h empty places
//! group      00 15 kind depth ptr root32
//! entry      00 16 key hash32                  hash32 of the field or group that the key names
//! sentinel   00 17 salt16 (00 start | 01 end) ptr
//! node       01 left right
//! digest     00 15 00 class root32             the class digest
//! dummy      13 class secret32                 the digest of a class that holds nothing
//! ```
//!
//! The numbers of places are those of the frozen tables; a longer table is a new layout version.

use super::class::FieldClass;
use super::keys::{GroupKey, Salt, Salts};
use super::part::Part;
use super::pointer::escape;
use crate::registry::tree as byte;
use countermark_epcis::fields::ObjectKind;
use countermark_epcis::json::Json;
use countermark_tlog::merkle::{Hash, node_hash};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Type byte of a field leaf.
pub(crate) mod leaf_type {
    pub(crate) const ABSENT: u8 = 0;
    pub(crate) const NULL: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const TRUE: u8 = 3;
    pub(crate) const NUMBER: u8 = 4;
    pub(crate) const STRING: u8 = 5;
    pub(crate) const COUNT: u8 = 6;
    pub(crate) const ORDER: u8 = 7;
    pub(crate) const NO_EXTENSIONS: u8 = 8;
}

/// Place of the extensions in an object.
pub(crate) const EXTENSIONS_PLACE: usize = 0;
/// Place of the first standard member in an object.
pub(crate) const FIRST_MEMBER: usize = 2;
/// Place of the first item in a list.
pub(crate) const FIRST_ITEM: usize = 1;

/// What a group is; the numbers stand in hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum GroupKind {
    Object = 1,
    List = 2,
    Extensions = 3,
}

impl GroupKind {
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        [GroupKind::Object, GroupKind::List, GroupKind::Extensions]
            .into_iter()
            .find(|kind| *kind as u64 == number)
    }
}

/// What a place adds to the pointer of its group.
#[derive(Debug, Clone)]
pub(crate) enum Suffix<'a> {
    None,
    Member(&'a str),
    Item(usize),
    Key(Cow<'a, str>),
}

impl Suffix<'_> {
    pub(crate) fn push_to(&self, pointer: &mut String) {
        use std::fmt::Write;
        match self {
            Suffix::None => {}
            Suffix::Member(name) => {
                pointer.push('/');
                pointer.push_str(&escape(name));
            }
            Suffix::Item(i) => {
                // Writing to a String cannot fail.
                let _ = write!(pointer, "/{i}");
            }
            Suffix::Key(key) => pointer.push_str(key),
        }
    }
}

/// What stands at a place of a group.
#[derive(Debug, Clone)]
pub(crate) enum Content<'a> {
    /// A leaf that is no value of the event: absent, count, order, no extensions.
    Leaf(u8, Cow<'a, [u8]>),
    /// A value, with the kind of object that it, or each of its items, is.
    Value(&'a Json, Option<ObjectKind>),
    /// The extensions of an object.
    Extensions(Vec<(Cow<'a, str>, &'a Json)>),
    /// A sentinel: false for start, true for end.
    Sentinel(bool),
}

/// A place of a group.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) suffix: Suffix<'a>,
    pub(crate) content: Content<'a>,
}

impl Place<'_> {
    /// The key, where the place is an entry of a sorted group.
    pub(crate) fn key(&self) -> Option<&str> {
        if let Suffix::Key(key) = &self.suffix { Some(key) } else { None }
    }
}

fn extensions_place<'a>(entries: Vec<(Cow<'a, str>, &'a Json)>) -> Place<'a> {
    let content = if entries.is_empty() {
        Content::Leaf(leaf_type::NO_EXTENSIONS, Cow::Borrowed(&[]))
    } else {
        Content::Extensions(entries)
    };
    Place { suffix: Suffix::None, content }
}

fn member_place<'a>(name: &'a str, value: Option<&'a Json>, kind: Option<ObjectKind>) -> Place<'a> {
    let content = match value {
        Some(value) => Content::Value(value, kind),
        None => Content::Leaf(leaf_type::ABSENT, Cow::Borrowed(&[])),
    };
    Place { suffix: Suffix::Member(name), content }
}

/// The places of a class's own group.
pub(crate) fn class_places<'a>(part: &'a Part<'_>) -> Vec<Place<'a>> {
    let entries =
        part.extensions.iter().map(|(key, placed)| (Cow::Borrowed(&**key), &*placed.value));
    let mut places = Vec::with_capacity(FIRST_MEMBER + part.slots.len());
    places.push(extensions_place(entries.collect()));
    let order = Content::Leaf(leaf_type::ORDER, Cow::Borrowed(&part.order));
    places.push(Place { suffix: Suffix::None, content: order });
    for (name, placed) in part.class.members().iter().zip(&part.slots) {
        let value = placed.as_ref().map(|placed| &*placed.value);
        places.push(member_place(name, value, ObjectKind::Event.inner(name)));
    }
    places
}

/// The standard members of an object of this kind.
pub(crate) fn members_of(kind: Option<ObjectKind>) -> &'static [&'static str] {
    kind.map_or(&[], ObjectKind::members)
}

fn object_places<'a>(members: &'a [(String, Json)], kind: Option<ObjectKind>) -> Vec<Place<'a>> {
    let names = members_of(kind);
    let mut standard: Vec<Option<usize>> = vec![None; names.len()];
    let mut extra: Vec<(Cow<'a, str>, usize)> = Vec::new();
    for (i, (name, _)) in members.iter().enumerate() {
        match names.iter().position(|standard| standard == name) {
            Some(slot) => standard[slot] = Some(i),
            None => extra.push((Cow::Owned(format!("/{}", escape(name))), i)),
        }
    }
    extra.sort_unstable();
    let captured: Vec<usize> =
        standard.iter().flatten().copied().chain(extra.iter().map(|(_, i)| *i)).collect();
    let order: Vec<u8> = if captured.is_sorted() {
        Vec::new()
    } else {
        let words = captured.iter().map(|i| u16::try_from(*i).unwrap_or(u16::MAX));
        words.flat_map(u16::to_be_bytes).collect()
    };
    let mut places = Vec::with_capacity(FIRST_MEMBER + names.len());
    places.push(extensions_place(extra.into_iter().map(|(key, i)| (key, &members[i].1)).collect()));
    let order = Content::Leaf(leaf_type::ORDER, Cow::Owned(order));
    places.push(Place { suffix: Suffix::None, content: order });
    for (name, at) in names.iter().zip(standard) {
        let inner = kind.and_then(|kind| kind.inner(name));
        places.push(member_place(name, at.map(|i| &members[i].1), inner));
    }
    places
}

fn list_places(items: &[Json], kind: Option<ObjectKind>) -> Vec<Place<'_>> {
    let mut places = Vec::with_capacity(FIRST_ITEM + items.len());
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX).to_be_bytes();
    let content = Content::Leaf(leaf_type::COUNT, Cow::Owned(count.to_vec()));
    places.push(Place { suffix: Suffix::None, content });
    places.extend(
        items.iter().enumerate().map(|(i, item)| Place {
            suffix: Suffix::Item(i),
            content: Content::Value(item, kind),
        }),
    );
    places
}

fn extension_places<'a>(entries: &[(Cow<'a, str>, &'a Json)]) -> Vec<Place<'a>> {
    let sentinel = |end| Place { suffix: Suffix::None, content: Content::Sentinel(end) };
    let mut places = Vec::with_capacity(entries.len() + 2);
    places.push(sentinel(false));
    places.extend(entries.iter().map(|(key, value)| Place {
        suffix: Suffix::Key(key.clone()),
        content: Content::Value(value, None),
    }));
    places.push(sentinel(true));
    places
}

impl<'a> Content<'a> {
    /// The group that this content is, if it is one.
    pub(crate) fn group(&self) -> Option<(GroupKind, Vec<Place<'a>>)> {
        match self {
            Content::Value(Json::Array(items), kind) => {
                Some((GroupKind::List, list_places(items, *kind)))
            }
            Content::Value(Json::Object(members), kind) => {
                Some((GroupKind::Object, object_places(members, *kind)))
            }
            Content::Extensions(entries) => {
                Some((GroupKind::Extensions, extension_places(entries)))
            }
            _ => None,
        }
    }

    /// Whether [`Content::group`] gives one.
    pub(crate) fn is_group(&self) -> bool {
        matches!(self, Content::Value(Json::Array(_) | Json::Object(_), _) | Content::Extensions(_))
    }

    /// Type and value bytes of the field leaf that this content is, if it is one.
    pub(crate) fn leaf(&self) -> Option<(u8, &[u8])> {
        Some(match self {
            Content::Leaf(kind, value) => (*kind, value),
            Content::Value(value, _) => scalar(value)?,
            _ => return None,
        })
    }
}

/// Type and value bytes of a scalar.
pub(crate) fn scalar(value: &Json) -> Option<(u8, &[u8])> {
    Some(match value {
        Json::Null => (leaf_type::NULL, &[]),
        Json::Bool(false) => (leaf_type::FALSE, &[]),
        Json::Bool(true) => (leaf_type::TRUE, &[]),
        Json::Number(lexeme) => (leaf_type::NUMBER, lexeme.as_bytes()),
        Json::String(text) => (leaf_type::STRING, text.as_bytes()),
        Json::Array(_) | Json::Object(_) => return None,
    })
}

/// Depth of a group with `count` places: the least d with 2^d ≥ count.
pub(crate) fn depth(count: usize) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

/// Hashes trees; keeps one buffer for all leaves.
#[derive(Default)]
pub(crate) struct Hasher {
    buffer: Vec<u8>,
}

impl Hasher {
    fn start(&mut self, domain: u8) {
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0, domain]);
    }

    fn text(&mut self, text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn finish(&self) -> Hash {
        Sha256::digest(&self.buffer).into()
    }

    pub(crate) fn field(&mut self, salt: &Salt, kind: u8, pointer: &str, value: &[u8]) -> Hash {
        self.start(byte::FIELD);
        self.buffer.extend_from_slice(salt);
        self.buffer.push(kind);
        self.text(pointer);
        self.buffer.extend_from_slice(value);
        self.finish()
    }

    pub(crate) fn group(
        &mut self,
        kind: GroupKind,
        depth: u32,
        pointer: &str,
        root: &Hash,
    ) -> Hash {
        self.start(byte::SUBTREE);
        self.buffer.push(kind as u8);
        self.buffer.push(u8::try_from(depth).unwrap_or(u8::MAX));
        self.text(pointer);
        self.buffer.extend_from_slice(root);
        self.finish()
    }

    pub(crate) fn entry(&mut self, key: &str, hash: &Hash) -> Hash {
        self.start(byte::SORTED_ENTRY);
        self.text(key);
        self.buffer.extend_from_slice(hash);
        self.finish()
    }

    pub(crate) fn sentinel(&mut self, salt: &Salt, end: bool, pointer: &str) -> Hash {
        self.start(byte::SENTINEL);
        self.buffer.extend_from_slice(salt);
        self.buffer.push(u8::from(end));
        self.text(pointer);
        self.finish()
    }

    fn pad(&mut self, salt: &Salt) -> Hash {
        self.start(byte::PAD);
        self.buffer.extend_from_slice(salt);
        self.finish()
    }

    /// Root of a group's places, with its depth.
    pub(crate) fn places_root(
        &mut self,
        places: &[Place<'_>],
        key: &GroupKey,
        pointer: &mut String,
    ) -> (u32, Hash) {
        let salts = key.salts();
        let leaves = self.leaves(places, &salts, pointer);
        let depth = depth(places.len());
        (depth, self.range(&leaves, &salts, 0, depth))
    }

    /// Hashes of all places.
    pub(crate) fn leaves(
        &mut self,
        places: &[Place<'_>],
        salts: &Salts,
        pointer: &mut String,
    ) -> Vec<Hash> {
        places.iter().enumerate().map(|(i, place)| self.place(place, i, salts, pointer)).collect()
    }

    fn place(
        &mut self,
        place: &Place<'_>,
        index: usize,
        salts: &Salts,
        pointer: &mut String,
    ) -> Hash {
        let mark = pointer.len();
        place.suffix.push_to(pointer);
        let hash = self.content(&place.content, index, salts, pointer);
        pointer.truncate(mark);
        match place.key() {
            Some(key) => self.entry(key, &hash),
            None => hash,
        }
    }

    /// Hash of what stands at a place, before it is bound to a key.
    pub(crate) fn content(
        &mut self,
        content: &Content<'_>,
        index: usize,
        salts: &Salts,
        pointer: &mut String,
    ) -> Hash {
        if let Some((kind, value)) = content.leaf() {
            return self.field(&salts.leaf(index), kind, pointer, value);
        }
        match content.group() {
            Some((kind, places)) => {
                let (depth, root) = self.places_root(&places, &salts.group(index), pointer);
                self.group(kind, depth, pointer, &root)
            }
            None => {
                let end = matches!(content, Content::Sentinel(true));
                self.sentinel(&salts.leaf(index), end, pointer)
            }
        }
    }

    /// Hash over the 2^`height` places from `from` on.
    pub(crate) fn range(
        &mut self,
        leaves: &[Hash],
        salts: &Salts,
        from: usize,
        height: u32,
    ) -> Hash {
        if from >= leaves.len() {
            return self.pad(&salts.pad(from, height));
        }
        if height == 0 {
            return leaves[from];
        }
        let left = self.range(leaves, salts, from, height - 1);
        let right = self.range(leaves, salts, from + (1 << (height - 1)), height - 1);
        node_hash(&left, &right)
    }

    /// The digest of a class from the root of its group.
    pub(crate) fn class_digest(&mut self, class: FieldClass, root: &Hash) -> Hash {
        self.start(byte::SUBTREE);
        self.buffer.extend_from_slice(&[0, class.number()]);
        self.buffer.extend_from_slice(root);
        self.finish()
    }

    /// The digest of a class's part under its salt key.
    pub(crate) fn part_digest(&mut self, part: &Part<'_>, key: &GroupKey) -> Hash {
        let (_, root) = self.places_root(&class_places(part), key, &mut String::new());
        self.class_digest(part.class, &root)
    }
}

/// The digest of a class that holds nothing.
pub(crate) fn dummy_digest(class: FieldClass, secret: &[u8; 32]) -> Hash {
    Sha256::new()
        .chain_update([byte::DUMMY_CLASS, class.number()])
        .chain_update(secret)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_the_least_that_holds_all_places() {
        let depths: Vec<u32> = [1, 2, 3, 4, 5, 16, 17].into_iter().map(depth).collect();
        assert_eq!(depths, [0, 1, 2, 2, 3, 4, 5]);
    }

    #[test]
    fn the_places_of_the_frozen_tables_have_these_depths() {
        // A table that grows past a power of two, or grows at all, is a new layout version: the
        // padding of old records would become absent fields.
        let classes: Vec<usize> = FieldClass::ALL.iter().map(|c| c.members().len()).collect();
        assert_eq!(classes, [9, 11, 2, 4, 2, 1, 0, 0, 0, 0, 0]);
        let kinds: Vec<usize> = ObjectKind::ALL.iter().map(|k| k.members().len()).collect();
        assert_eq!(kinds, [29, 3, 2, 2, 2, 2, 8, 24, 1, 1, 2, 3]);
    }
}
