//! Verification of openings against the class digests of a record header.

use super::class::{CLASS_COUNT, FieldClass, PROVENANCE};
use super::keys::GroupKey;
use super::openings::{ClassOpening, GroupOpening, Item, Openings, Shown, count};
use super::part::{BodyError, Part, SCALAR_BYTES_MAX, check_limits, join};
use super::pointer::parse;
use super::tree::{
    Content, EXTENSIONS_PLACE, FIRST_ITEM, FIRST_MEMBER, GroupKind, Hasher, Suffix, depth,
    dummy_digest, leaf_type, members_of,
};
use super::verified::{Disclosed, Disclosure, Verified};
use crate::limits::HASHED_BYTES_MAX;
use countermark_epcis::fields::ObjectKind;
use countermark_epcis::json::{DEPTH_MAX, Json};
use countermark_tlog::merkle::{Hash, node_hash};

/// Why openings do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The hashes do not lead to the digest in the record header.
    #[error("the opened {} fields do not lead to the class digest in the record header", .0.name())]
    Digest(FieldClass),
    /// Something stands where it cannot stand.
    #[error("{pointer} ({}): {problem}", class.name())]
    Form {
        /// The class.
        class: FieldClass,
        /// Where, as far as the walk came.
        pointer: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A whole class whose text is not a body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Few bytes that would take very many hashes: a long name above many values.
    #[error("the openings need more than {HASHED_BYTES_MAX} bytes to be hashed")]
    Work,
}

/// How many bytes may still be hashed. Every value is hashed with its pointer, so a long name above
/// many values costs the square of what it weighs; whoever shows a bundle must not choose that.
#[derive(Debug)]
pub(crate) struct Work {
    left: usize,
}

/// What hashing one field costs beside pointer and value: salts, padding, nodes.
const FIELD_BYTES: usize = 256;

impl Default for Work {
    fn default() -> Self {
        Self { left: HASHED_BYTES_MAX }
    }
}

impl Work {
    fn spend(&mut self, bytes: usize) -> Walked<()> {
        self.left = self.left.checked_sub(bytes + FIELD_BYTES).ok_or(VerifyError::Work)?;
        Ok(())
    }

    /// A value and all below it, at a pointer of this length.
    fn spend_value(&mut self, value: &Json, pointer: usize) -> Walked<()> {
        match value {
            Json::Number(text) | Json::String(text) => self.spend(pointer + text.len()),
            Json::Null | Json::Bool(_) => self.spend(pointer),
            Json::Array(items) => {
                self.spend(pointer)?;
                // At most five digits and the slash.
                items.iter().try_for_each(|item| self.spend_value(item, pointer + 6))
            }
            Json::Object(members) => {
                self.spend(pointer)?;
                members.iter().try_for_each(|(name, member)| {
                    self.spend_value(member, pointer + 2 * name.len() + 1)
                })
            }
        }
    }

    fn spend_part(&mut self, part: &Part<'_>) -> Walked<()> {
        let members = part.class.members().iter().zip(&part.slots);
        for (name, placed) in members.filter_map(|(name, slot)| Some((name, slot.as_ref()?))) {
            self.spend_value(&placed.value, name.len() + 1)?;
        }
        part.extensions
            .iter()
            .try_for_each(|(key, placed)| self.spend_value(&placed.value, 2 * key.len()))
    }
}

/// Checks openings against the class digests of a record header and says what they show.
///
/// # Errors
/// [`VerifyError`] where anything does not lead to the digests.
pub fn verify(digests: &[Hash; CLASS_COUNT], openings: &Openings) -> Result<Verified, VerifyError> {
    verify_within(digests, openings, &mut Work::default())
}

/// As [`verify`], with work that several records share.
pub(crate) fn verify_within(
    digests: &[Hash; CLASS_COUNT],
    openings: &Openings,
    work: &mut Work,
) -> Result<Verified, VerifyError> {
    let mut verified = Verified::default();
    let mut parts = Vec::new();
    for (class, opening) in &openings.classes {
        let mut hasher = Hasher::default();
        let found = match opening {
            ClassOpening::Dummy { secret } => {
                verified.empty.push(*class);
                dummy_digest(*class, secret)
            }
            ClassOpening::Whole { key, order, text } => {
                let part = Part::from_text(*class, order.clone(), text.as_bytes())?;
                work.spend_part(&part)?;
                let digest = hasher.part_digest(&part, &GroupKey(*key));
                verified.whole.push(*class);
                whole_disclosures(&part, &mut verified.disclosures);
                parts.push(part);
                digest
            }
            ClassOpening::Partial(groups) => {
                let mut walk = Walk {
                    class: *class,
                    hasher,
                    groups: groups.iter(),
                    pointer: String::new(),
                    nested: 0,
                    work: &mut *work,
                    out: &mut verified.disclosures,
                };
                walk.class_digest()?
            }
        };
        if found != digests[class.index()] {
            return Err(VerifyError::Digest(*class));
        }
    }
    let opened = |class| verified.whole.contains(&class) || verified.empty.contains(&class);
    let event_opened = FieldClass::ALL.into_iter().all(|c| !c.is_of_events() || opened(c));
    let provenance_opened = opened(FieldClass::Provenance);
    let (event, provenance) = join(&parts);
    verified.event = event_opened.then_some(event);
    verified.provenance = provenance_opened.then_some(provenance);
    Ok(verified)
}

fn whole_disclosures(part: &Part<'_>, out: &mut Vec<Disclosure>) {
    let class = part.class;
    for (name, placed) in class.members().iter().zip(&part.slots) {
        if let Some(placed) = placed {
            let shown = Disclosed::Value(placed.value.as_ref().clone());
            out.push(Disclosure { class, pointer: format!("/{name}"), shown });
        }
    }
    for (key, placed) in &part.extensions {
        let shown = Disclosed::Value(placed.value.as_ref().clone());
        out.push(Disclosure { class, pointer: key.clone(), shown });
    }
}

/// What kind of group the walk is in.
#[derive(Clone, Copy)]
enum Inside {
    Class,
    Object(Option<ObjectKind>),
    List(Option<ObjectKind>),
    /// The extensions of a class, or of an object of a kind.
    Extensions {
        top: bool,
        kind: Option<ObjectKind>,
    },
}

struct Walk<'a> {
    class: FieldClass,
    hasher: Hasher,
    groups: std::slice::Iter<'a, GroupOpening>,
    pointer: String,
    nested: usize,
    work: &'a mut Work,
    out: &'a mut Vec<Disclosure>,
}

type Walked<T> = Result<T, VerifyError>;

impl Walk<'_> {
    fn class_digest(&mut self) -> Walked<Hash> {
        let height = depth(FIRST_MEMBER + self.class.members().len());
        let root = self.group(Inside::Class, height)?;
        if self.groups.next().is_some() {
            return Err(self.form("a group that nothing refers to"));
        }
        Ok(self.hasher.class_digest(self.class, &root))
    }

    fn form(&self, problem: &'static str) -> VerifyError {
        VerifyError::Form { class: self.class, pointer: self.pointer.clone(), problem }
    }

    fn tell(&mut self, shown: Disclosed) {
        let pointer = self.pointer.clone();
        self.out.push(Disclosure { class: self.class, pointer, shown });
    }

    fn group(&mut self, inside: Inside, height: u32) -> Walked<Hash> {
        let group = self.groups.next().ok_or_else(|| self.form("a group is missing"))?;
        // Each level of JSON is at most an object and its extensions.
        self.nested += 1;
        if self.nested > 2 * DEPTH_MAX + 4 {
            return Err(self.form("nested too deeply"));
        }
        let ascending = group.items.is_sorted_by(|a, b| a.place < b.place);
        let inner = group.items.last().is_some_and(|item| item.place < 1 << height);
        if !ascending || !inner {
            return Err(self.form("a place outside its group"));
        }
        if let Inside::Extensions { top, kind } = inside {
            self.neighbours(&group.items, top, kind)?;
        }
        if let (
            Inside::List(_),
            [Item { place: 0, shown: Shown::Leaf { value, .. }, .. }, rest @ ..],
        ) = (inside, &*group.items)
            && rest.last().is_some_and(|item| item.place as u64 > count(value))
        {
            return Err(self.form("an item beyond the list's count"));
        }
        let mut leaves = Vec::with_capacity(group.items.len());
        for item in &group.items {
            leaves.push((item.place, self.item(item, inside)?));
        }
        let mut siblings = group.siblings.iter();
        let root = fold(&leaves, &mut siblings, 0, height);
        match (root, siblings.next()) {
            (Some(root), None) => {
                self.nested -= 1;
                Ok(root)
            }
            _ => Err(self.form("the wrong number of siblings")),
        }
    }

    /// Checks keys and sentinels of a sorted group and tells what lies between neighbours.
    fn neighbours(&mut self, items: &[Item], top: bool, kind: Option<ObjectKind>) -> Walked<()> {
        for item in items {
            let fits = match (&item.key, &item.shown) {
                (None, Shown::Sentinel(_)) => true,
                (None, _) | (Some(_), Shown::Sentinel(_)) => false,
                (Some(key), _) => item.place > 0 && self.key_fits(key, top, kind),
            };
            if !fits {
                return Err(self.form("an entry whose key cannot stand there"));
            }
        }
        for pair in items.windows(2) {
            let (left, right) = (&pair[0], &pair[1]);
            let rising = match (&left.key, &right.key) {
                (Some(a), Some(b)) => a < b,
                (None, _) => left.place == 0,
                (Some(_), None) => true,
            };
            if !rising {
                return Err(self.form("entries that are not sorted"));
            }
            if right.place == left.place + 1 {
                let (after, before) = (left.key.clone(), right.key.clone());
                self.tell(Disclosed::NoneBetween { after, before });
            }
        }
        Ok(())
    }

    /// Whether an extension may have this key here; a standard member has its own place.
    fn key_fits(&self, key: &str, top: bool, kind: Option<ObjectKind>) -> bool {
        match parse(key).as_deref() {
            Some([name]) if top => {
                let taken = name == PROVENANCE || FieldClass::of_standard(name).is_some();
                self.class.is_of_events() && !taken
            }
            Some([name]) => !members_of(kind).contains(&name.as_str()),
            Some([first, _]) if top => match first.as_str() {
                "ilmd" => self.class != FieldClass::Quality && self.class.is_of_events(),
                PROVENANCE => self.class == FieldClass::Provenance,
                _ => false,
            },
            _ => false,
        }
    }

    fn item(&mut self, item: &Item, inside: Inside) -> Walked<Hash> {
        self.work.spend(2 * (self.pointer.len() + item.key.as_ref().map_or(0, String::len)))?;
        let wrong = self.form("a place that holds no such thing");
        let (suffix, kind) = match (inside, item.place) {
            (Inside::Class, EXTENSIONS_PLACE) => return self.extensions(item, true, None),
            (Inside::Object(kind), EXTENSIONS_PLACE) => {
                return self.extensions(item, false, kind);
            }
            (Inside::List(_), 0) => return self.list_count(item),
            (Inside::Extensions { .. }, place) => match (&item.key, &item.shown) {
                (None, Shown::Sentinel(salt)) => {
                    return Ok(self.hasher.sentinel(salt, place > 0, &self.pointer));
                }
                (Some(key), _) => (Suffix::Key(key.as_str().into()), None),
                _ => return Err(wrong),
            },
            (Inside::List(kind), place) => (Suffix::Item(place - FIRST_ITEM), kind),
            (Inside::Class | Inside::Object(_), place) => {
                let of = if let Inside::Object(kind) = inside { kind } else { None };
                let is_class = matches!(inside, Inside::Class);
                let names = if is_class { self.class.members() } else { members_of(of) };
                let name = place.checked_sub(FIRST_MEMBER).and_then(|slot| names.get(slot));
                let name = name.ok_or(wrong.clone())?;
                let of = if is_class { Some(ObjectKind::Event) } else { of };
                (Suffix::Member(name), of.and_then(|of| of.inner(name)))
            }
        };
        let named = matches!(suffix, Suffix::Key(_));
        if item.key.is_some() != named {
            return Err(wrong);
        }
        let mark = self.pointer.len();
        suffix.push_to(&mut self.pointer);
        let optional = matches!(suffix, Suffix::Member(_));
        let hash = self.value(&item.shown, kind, optional, named)?;
        self.pointer.truncate(mark);
        Ok(match &item.key {
            Some(key) => self.hasher.entry(key, &hash),
            None => hash,
        })
    }

    fn extensions(&mut self, item: &Item, top: bool, kind: Option<ObjectKind>) -> Walked<Hash> {
        match &item.shown {
            Shown::Leaf { salt, kind: leaf_type::NO_EXTENSIONS, value }
                if value.is_empty() && item.key.is_none() =>
            {
                self.tell(Disclosed::NoneBetween { after: None, before: None });
                Ok(self.hasher.field(salt, leaf_type::NO_EXTENSIONS, &self.pointer, &[]))
            }
            Shown::Group { kind: GroupKind::Extensions, depth } if item.key.is_none() => {
                let root = self.group(Inside::Extensions { top, kind }, *depth)?;
                Ok(self.hasher.group(GroupKind::Extensions, *depth, &self.pointer, &root))
            }
            _ => Err(self.form("something else than extensions")),
        }
    }

    fn list_count(&mut self, item: &Item) -> Walked<Hash> {
        match &item.shown {
            Shown::Leaf { salt, kind: leaf_type::COUNT, value }
                if value.len() == 4 && item.key.is_none() =>
            {
                self.tell(Disclosed::Length(count(value)));
                Ok(self.hasher.field(salt, leaf_type::COUNT, &self.pointer, value))
            }
            _ => Err(self.form("something else than a count")),
        }
    }

    fn value(
        &mut self,
        shown: &Shown,
        kind: Option<ObjectKind>,
        optional: bool,
        named: bool,
    ) -> Walked<Hash> {
        match shown {
            Shown::Leaf { salt, kind: leaf, value } => {
                let told = scalar_value(*leaf, value, optional)
                    .ok_or_else(|| self.form("a leaf that is no value"))?;
                self.tell(told);
                Ok(self.hasher.field(salt, *leaf, &self.pointer, value))
            }
            Shown::Group { kind: group, depth: height } => {
                let inside = match group {
                    GroupKind::Object
                        if *height == depth(FIRST_MEMBER + members_of(kind).len()) =>
                    {
                        Inside::Object(kind)
                    }
                    GroupKind::List => Inside::List(kind),
                    _ => return Err(self.form("a group of the wrong kind or depth")),
                };
                let root = self.group(inside, *height)?;
                Ok(self.hasher.group(*group, *height, &self.pointer, &root))
            }
            Shown::Whole { key, value } => {
                let mut pointer = self.pointer.clone();
                check_limits(value, &mut pointer, 0).map_err(|_| self.form("a value too large"))?;
                self.work.spend_value(value, pointer.len())?;
                let content = Content::Value(value, kind);
                let (group, places) =
                    content.group().ok_or_else(|| self.form("a scalar shown as a subtree"))?;
                let (height, root) =
                    self.hasher.places_root(&places, &GroupKey(*key), &mut pointer);
                self.tell(Disclosed::Value(value.clone()));
                Ok(self.hasher.group(group, height, &self.pointer, &root))
            }
            Shown::Hidden(hash) if named => Ok(*hash),
            Shown::Hidden(_) | Shown::Sentinel(_) => Err(self.form("a leaf that is no value")),
        }
    }
}

/// What a leaf says; only a standard member can be absent.
fn scalar_value(kind: u8, value: &[u8], optional: bool) -> Option<Disclosed> {
    let text = || std::str::from_utf8(value).ok().map(str::to_owned);
    let is_text = matches!(kind, leaf_type::NUMBER | leaf_type::STRING);
    if value.len() > SCALAR_BYTES_MAX || (!value.is_empty() && !is_text) {
        return None;
    }
    Some(match kind {
        leaf_type::ABSENT if optional => Disclosed::Absent,
        leaf_type::NULL => Disclosed::Value(Json::Null),
        leaf_type::FALSE => Disclosed::Value(Json::Bool(false)),
        leaf_type::TRUE => Disclosed::Value(Json::Bool(true)),
        leaf_type::NUMBER => Disclosed::Value(Json::Number(text()?)),
        leaf_type::STRING => Disclosed::Value(Json::String(text()?)),
        _ => return None,
    })
}

/// Root over the 2^`height` places from `from` on; none where a sibling is missing.
fn fold(
    leaves: &[(usize, Hash)],
    siblings: &mut std::slice::Iter<'_, Hash>,
    from: usize,
    height: u32,
) -> Option<Hash> {
    match leaves {
        [] => siblings.next().copied(),
        [(_, hash)] if height == 0 => Some(*hash),
        _ if height == 0 => None,
        _ => {
            let middle = from + (1 << (height - 1));
            let split = leaves.partition_point(|(place, _)| *place < middle);
            let (left, right) = leaves.split_at(split);
            let left = fold(left, siblings, from, height - 1)?;
            let right = fold(right, siblings, middle, height - 1)?;
            Some(node_hash(&left, &right))
        }
    }
}
