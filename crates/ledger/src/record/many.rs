//! Class digests of many records at once: the same trees as [`super::tree`] hashes one by one, walked
//! level by level across all records, so that what does not depend on one another is hashed together
//! ([`countermark_tlog::lanes`]).
//!
//! Down the tree the salts of each level follow from the keys of its groups; then all leaves are
//! hashed at once; then, from the deepest groups up, the nodes of each height.

use super::class::FieldClass;
use super::keys::{self, GroupKey, SALT_LEN};
use super::part::Part;
use super::tree::{Content, GroupKind, Place, class_places, depth};
use crate::registry::tree as byte;
use countermark_tlog::lanes::{INITIAL, Messages, State};
use countermark_tlog::merkle::Hash;

/// A row of places whose root is wanted.
struct Group<'a> {
    key: GroupKey,
    top: Top,
    /// Its pointer, in the text of all pointers.
    pointer: (usize, usize),
    places: Vec<Place<'a>>,
    /// Where the hashes of its places begin; those of its padding follow.
    first: usize,
}

/// What a group's root becomes.
#[derive(Clone, Copy)]
enum Top {
    /// The digest of a class, at this place of the answer.
    Class(FieldClass, usize),
    /// A leaf: of this group, at this place.
    Leaf(GroupKind, usize, usize),
}

/// What the next derived key or salt is for.
enum Use {
    Place(usize, usize),
    Padding(usize),
}

/// Trees that are hashed together.
#[derive(Default)]
struct Forest<'a> {
    groups: Vec<Group<'a>>,
    pointers: String,
    hashes: Vec<Hash>,
    messages: Messages,
    /// Leaves, and where the hash of each goes.
    leaves: Messages,
    leaf_targets: Vec<usize>,
    /// Leaves that a key names: where their hash stands, and the place.
    keyed: Vec<(usize, usize, usize)>,
    states: Vec<State>,
    digests: Vec<Hash>,
}

/// The digests of the parts under their salt keys.
pub(crate) fn part_digests(parts: &[(&Part<'_>, GroupKey)]) -> Vec<Hash> {
    let mut forest = Forest::default();
    for (at, (part, key)) in parts.iter().enumerate() {
        forest.plant(Top::Class(part.class, at), key.clone(), class_places(part), (0, 0));
    }
    let mut levels = Vec::new();
    let mut from = 0;
    while from < forest.groups.len() {
        let to = forest.groups.len();
        forest.expand(from, to);
        levels.push((from, to));
        from = to;
    }
    forest.hash_leaves();
    let mut out = vec![[0; 32]; parts.len()];
    for (from, to) in levels.into_iter().rev() {
        forest.reduce(from, to);
        forest.finish(from, to, &mut out);
    }
    out
}

/// Leaves that are hashed together: few enough to stay in the processor's cache.
const LEAVES_TOGETHER: usize = 512;

/// Lengths of a group's rows by height; a row of odd length below the top ends in padding.
fn rows(count: usize) -> impl Iterator<Item = (u32, usize)> {
    (0..depth(count)).map(move |height| (height, count.div_ceil(1 << height)))
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

impl<'a> Forest<'a> {
    fn plant(&mut self, top: Top, key: GroupKey, places: Vec<Place<'a>>, pointer: (usize, usize)) {
        let first = self.hashes.len();
        let paddings = rows(places.len()).filter(|(_, length)| length % 2 == 1).count();
        self.hashes.resize(first + places.len() + paddings, [0; 32]);
        self.groups.push(Group { key, top, pointer, places, first });
    }

    /// Derives the salts of the groups' places and the keys of the groups in them.
    fn expand(&mut self, from: usize, to: usize) {
        for group in &self.groups[from..to] {
            self.messages.block(INITIAL, &group.key.prefix());
        }
        self.messages.states(&mut self.states);
        let mut uses = Vec::new();
        for (at, state) in (from..to).zip(&self.states) {
            let group = &self.groups[at];
            let mut derive = |message: [u8; 32]| self.messages.half_block(*state, &message);
            for (index, place) in group.places.iter().enumerate() {
                derive(match place.content.is_group() {
                    true => keys::group_message(index),
                    false => keys::leaf_message(index),
                });
                uses.push(Use::Place(at, index));
            }
            let mut slot = group.first + group.places.len();
            for (height, length) in rows(group.places.len()) {
                if length % 2 == 1 {
                    derive(keys::pad_message(length << height, height));
                    uses.push(Use::Padding(slot));
                    slot += 1;
                }
            }
        }
        let mut derived = std::mem::take(&mut self.digests);
        self.messages.digests(&mut derived);
        for (what, secret) in uses.into_iter().zip(&derived) {
            match what {
                Use::Place(group, index) => self.place(group, index, secret),
                Use::Padding(slot) => {
                    self.leaves.begin();
                    self.leaves.push(&[0, byte::PAD]);
                    self.leaves.push(&secret[..SALT_LEN]);
                    self.leaves.end();
                    self.leaf_targets.push(slot);
                }
            }
        }
        derived.fill([0; 32]);
        self.digests = derived;
    }

    /// Writes a place's leaf, or plants its group.
    fn place(&mut self, at: usize, index: usize, secret: &Hash) {
        let group = &self.groups[at];
        let (place, slot) = (&group.places[index], group.first + index);
        let start = self.pointers.len();
        let (begin, end) = group.pointer;
        self.pointers.extend_from_within(begin..end);
        place.suffix.push_to(&mut self.pointers);
        let pointer = (start, self.pointers.len());
        if let Some((kind, places)) = place.content.group() {
            self.plant(Top::Leaf(kind, at, index), GroupKey(*secret), places, pointer);
            return;
        }
        let text = &self.pointers[start..];
        let (domain, kind, value) = match place.content.leaf() {
            Some((kind, value)) => (byte::FIELD, kind, value),
            None => {
                let end = matches!(place.content, Content::Sentinel(true));
                (byte::SENTINEL, u8::from(end), &[][..])
            }
        };
        let mut head = [0; 2 + SALT_LEN + 1 + 4];
        head[1] = domain;
        head[2..2 + SALT_LEN].copy_from_slice(&secret[..SALT_LEN]);
        head[2 + SALT_LEN] = kind;
        head[3 + SALT_LEN..].copy_from_slice(&length(text.len()));
        self.leaves.begin();
        self.leaves.push(&head);
        self.leaves.push(text.as_bytes());
        self.leaves.push(value);
        self.leaves.end();
        self.leaf_targets.push(slot);
        if place.key().is_some() {
            self.keyed.push((slot, at, index));
        }
        // Nothing refers to it: only the pointers of groups stay.
        self.pointers.truncate(start);
        if self.leaves.len() >= LEAVES_TOGETHER {
            self.flush();
        }
    }

    /// Hashes the leaves that were written.
    fn flush(&mut self) {
        let mut digests = Vec::with_capacity(self.leaves.len());
        self.leaves.digests(&mut digests);
        for (slot, digest) in self.leaf_targets.drain(..).zip(digests) {
            self.hashes[slot] = digest;
        }
    }

    fn hash_leaves(&mut self) {
        self.flush();
        let keyed = std::mem::take(&mut self.keyed);
        self.bind(&keyed);
    }

    /// Binds hashes to the keys that name them.
    fn bind(&mut self, keyed: &[(usize, usize, usize)]) {
        for (slot, group, index) in keyed {
            let key = self.groups[*group].places[*index].key().unwrap_or_default();
            self.messages.begin();
            self.messages.push(&[0, byte::SORTED_ENTRY]);
            self.messages.push(&length(key.len()));
            self.messages.push(key.as_bytes());
            self.messages.push(&self.hashes[*slot]);
            self.messages.end();
        }
        self.messages.digests(&mut self.digests);
        for ((slot, ..), digest) in keyed.iter().zip(&self.digests) {
            self.hashes[*slot] = *digest;
        }
    }

    /// Hashes the rows of groups up to their roots, which then stand at their first places.
    fn reduce(&mut self, from: usize, to: usize) {
        let mut paddings: Vec<usize> =
            self.groups[from..to].iter().map(|group| group.first + group.places.len()).collect();
        let mut targets = Vec::new();
        let highest = self.groups[from..to].iter().map(|group| depth(group.places.len())).max();
        for height in 0..highest.unwrap_or(0) {
            targets.clear();
            for (group, padding) in self.groups[from..to].iter().zip(&mut paddings) {
                let count = group.places.len();
                if height >= depth(count) {
                    continue;
                }
                let length = count.div_ceil(1 << height);
                for left in (0..length).step_by(2) {
                    let right = if left + 1 < length {
                        group.first + left + 1
                    } else {
                        *padding += 1;
                        *padding - 1
                    };
                    self.messages.node(&self.hashes[group.first + left], &self.hashes[right]);
                    targets.push(group.first + left / 2);
                }
            }
            self.messages.digests(&mut self.digests);
            for (slot, digest) in targets.iter().zip(&self.digests) {
                self.hashes[*slot] = *digest;
            }
        }
    }

    /// Makes of the groups' roots what they are in their parents, or digests of classes.
    fn finish(&mut self, from: usize, to: usize, out: &mut [Hash]) {
        for group in &self.groups[from..to] {
            self.messages.begin();
            match group.top {
                Top::Class(class, _) => {
                    self.messages.push(&[0, byte::SUBTREE, 0, class.number()]);
                }
                Top::Leaf(kind, ..) => {
                    let depth = u8::try_from(depth(group.places.len())).unwrap_or(u8::MAX);
                    let text = &self.pointers[group.pointer.0..group.pointer.1];
                    self.messages.push(&[0, byte::SUBTREE, kind as u8, depth]);
                    self.messages.push(&length(text.len()));
                    self.messages.push(text.as_bytes());
                }
            }
            self.messages.push(&self.hashes[group.first]);
            self.messages.end();
        }
        self.messages.digests(&mut self.digests);
        let mut keyed = Vec::new();
        for (group, digest) in self.groups[from..to].iter().zip(&self.digests) {
            match group.top {
                Top::Class(_, at) => out[at] = *digest,
                Top::Leaf(_, parent, index) => {
                    let slot = self.groups[parent].first + index;
                    self.hashes[slot] = *digest;
                    if self.groups[parent].places[index].key().is_some() {
                        keyed.push((slot, parent, index));
                    }
                }
            }
        }
        self.bind(&keyed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::class::Classification;
    use super::super::keys::ClassKey;
    use super::super::part::split;
    use super::super::tree::Hasher;
    use super::*;
    use countermark_epcis::json::Json;
    use proptest::prelude::*;

    /// JSON of every kind and of all member tables, nested.
    fn json() -> impl Strategy<Value = Json> {
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("epcClass".to_owned()),
            Just("sensorReport".to_owned()),
            Just("id".to_owned()),
            "[a-z/~:é]{0,6}",
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (0..1000u32).prop_map(|n| Json::Number(n.to_string())),
            "[ -~é]{0,90}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                proptest::collection::btree_map(name.clone(), inner, 0..6)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    fn event() -> impl Strategy<Value = Json> {
        let name = prop_oneof![
            Just("eventID".to_owned()),
            Just("epcList".to_owned()),
            Just("quantityList".to_owned()),
            Just("sensorElementList".to_owned()),
            Just("bizTransactionList".to_owned()),
            Just("ilmd".to_owned()),
            Just("readPoint".to_owned()),
            "[a-z]{1,4}:[a-z]{1,4}",
        ];
        proptest::collection::btree_map(name, json(), 0..9)
            .prop_map(|members| Json::Object(members.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn trees_hashed_together_are_the_trees_hashed_one_by_one(
            events in proptest::collection::vec(event(), 1..12)
        ) {
            let (origin, classes) = (Json::object(), Classification::new());
            let split: Vec<_> =
                events.iter().map(|event| split(event, &origin, &classes).unwrap()).collect();
            let key = |i: usize| ClassKey::from_bytes([u8::try_from(i % 251).unwrap(); 32]);
            let parts: Vec<(&Part<'_>, GroupKey)> = split
                .iter()
                .flatten()
                .enumerate()
                .map(|(i, part)| (part, key(i).salt_key()))
                .collect();
            let alone: Vec<Hash> =
                parts.iter().map(|(part, key)| Hasher::default().part_digest(part, key)).collect();
            prop_assert_eq!(part_digests(&parts), alone);
        }
    }
}
