//! Disclosure: opens the fields that pointers name.

use super::class::{CLASS_COUNT, FieldClass, PROVENANCE};
use super::keys::{ClassKey, GroupKey, Salts};
use super::openings::{ClassOpening, GroupOpening, Item, Openings, Shown};
use super::part::{BodyError, Part};
use super::pointer::{escape, list_index, parse};
use super::tree::{
    Content, EXTENSIONS_PLACE, FIRST_ITEM, FIRST_MEMBER, GroupKind, Hasher, Place, class_places,
    depth,
};
use countermark_tlog::merkle::Hash;
use std::collections::BTreeMap;

/// What the discloser still has of one class.
#[derive(Clone)]
pub enum ClassSource {
    /// The class's key and body.
    Body {
        /// The class's key.
        key: ClassKey,
        /// The body as [`super::commit`] gave it.
        body: Vec<u8>,
    },
    /// The class holds nothing; the secret of its dummy ([`ClassKey::dummy_secret`]).
    Empty {
        /// Opens the dummy digest.
        secret: [u8; 32],
    },
    /// The class is erased or not held here.
    Unavailable,
}

impl std::fmt::Debug for ClassSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            // Private values and secrets do not belong in logs.
            ClassSource::Body { .. } => "Body",
            ClassSource::Empty { .. } => "Empty",
            ClassSource::Unavailable => "Unavailable",
        })
    }
}

/// Why fields cannot be disclosed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscloseError {
    /// No pointer was given.
    #[error("no field is named; give at least one JSON pointer")]
    Nothing,
    /// A pointer that RFC 6901 does not allow.
    #[error("\"{0}\" is no JSON pointer; write /member/0/member with ~0 for ~ and ~1 for /")]
    Pointer(String),
    /// The class that the field belongs to is erased or not held.
    #[error("{pointer}: the {} class is erased or not held here", class.name())]
    Unavailable {
        /// The field.
        pointer: String,
        /// Its class.
        class: FieldClass,
    },
    /// A body that does not read.
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// What of a subtree is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Want {
    Whole,
    Parts(BTreeMap<String, Want>),
}

impl Want {
    fn nothing() -> Self {
        Want::Parts(BTreeMap::new())
    }

    fn add(&mut self, tokens: &[String]) {
        let Want::Parts(parts) = self else { return };
        match tokens {
            [] => *self = Want::Whole,
            [first, rest @ ..] => {
                parts.entry(first.clone()).or_insert_with(Want::nothing).add(rest);
            }
        }
    }
}

/// Opens the fields at `pointers`, which refer to the event as captured (and to `/_provenance`).
///
/// A pointer to an object or list opens its whole subtree, the empty pointer the whole event, that
/// is every class but provenance. A pointer to nothing opens what shows the absence: the salted null
/// of a standard field, the count of a list, the value of a scalar on the way, or, for an extension,
/// its two neighbours in every class of events, since any of them may hold it.
///
/// # Errors
/// [`DiscloseError`] where a pointer is malformed or a class that is needed is not there.
pub fn disclose(
    sources: &[ClassSource; CLASS_COUNT],
    pointers: &[&str],
) -> Result<Openings, DiscloseError> {
    let mut parts = Vec::with_capacity(CLASS_COUNT);
    for (class, source) in FieldClass::ALL.into_iter().zip(sources) {
        parts.push(match source {
            ClassSource::Body { body, .. } => Some(Part::from_body(class, body)?),
            _ => None,
        });
    }
    let mut plan = Plan { sources, parts: &parts, wants: BTreeMap::new() };
    for pointer in pointers {
        let tokens = parse(pointer).ok_or_else(|| DiscloseError::Pointer((*pointer).to_owned()))?;
        plan.add(pointer, &tokens)?;
    }
    if plan.wants.is_empty() {
        return Err(DiscloseError::Nothing);
    }
    let mut classes = Vec::new();
    for (class, want) in &plan.wants {
        classes.push((*class, open_class(&sources[class.index()], &parts[class.index()], want)));
    }
    let classes = classes.into_iter().filter_map(|(class, opening)| Some((class, opening?)));
    Ok(Openings { classes: classes.collect() })
}

/// Which class opens what. Wants of extensions go by their key, not by token.
struct Plan<'a> {
    sources: &'a [ClassSource; CLASS_COUNT],
    parts: &'a [Option<Part<'static>>],
    wants: BTreeMap<FieldClass, ClassWant>,
}

#[derive(Debug, Default)]
struct ClassWant {
    whole: bool,
    standard: BTreeMap<String, Want>,
    extensions: BTreeMap<String, Want>,
}

impl Plan<'_> {
    fn class(&mut self, class: FieldClass, pointer: &str) -> Result<&mut ClassWant, DiscloseError> {
        if matches!(self.sources[class.index()], ClassSource::Unavailable) {
            return Err(DiscloseError::Unavailable { pointer: pointer.to_owned(), class });
        }
        Ok(self.wants.entry(class).or_default())
    }

    fn add(&mut self, pointer: &str, tokens: &[String]) -> Result<(), DiscloseError> {
        match tokens {
            [] => {
                for class in FieldClass::ALL.into_iter().filter(|class| class.is_of_events()) {
                    // What was erased stays out; the verifier sees that the event is not whole.
                    if let Ok(want) = self.class(class, pointer) {
                        want.whole = true;
                    }
                }
                Ok(())
            }
            [name, rest @ ..] if name == PROVENANCE => self.add_provenance(pointer, rest),
            [name, rest @ ..] if name == "ilmd" => self.add_ilmd(pointer, rest),
            [name, rest @ ..] => match FieldClass::of_standard(name) {
                Some(class) => {
                    let want = self.class(class, pointer)?;
                    want.standard.entry(name.clone()).or_insert_with(Want::nothing).add(rest);
                    Ok(())
                }
                None => self.add_key(pointer, format!("/{}", escape(name)), rest),
            },
        }
    }

    fn add_provenance(&mut self, pointer: &str, rest: &[String]) -> Result<(), DiscloseError> {
        let want = self.class(FieldClass::Provenance, pointer)?;
        match rest {
            [] => want.whole = true,
            [name, rest @ ..] => {
                let key = format!("/{PROVENANCE}/{}", escape(name));
                want.extensions.entry(key).or_insert_with(Want::nothing).add(rest);
            }
        }
        Ok(())
    }

    fn add_ilmd(&mut self, pointer: &str, rest: &[String]) -> Result<(), DiscloseError> {
        if let [name, deeper @ ..] = rest {
            let key = format!("/ilmd/{}", escape(name));
            let moved = self.holders(&key);
            if !moved.is_empty() {
                return self.add_holders(pointer, &key, deeper, &moved);
            }
            let there = self.parts[FieldClass::Quality.index()]
                .as_ref()
                .and_then(|part| part.standard("ilmd"))
                .is_some_and(|ilmd| ilmd.get(name).is_some());
            if !there {
                self.add_absent(pointer, &key)?;
            }
        } else {
            // The members that other classes took out of it belong to it all the same.
            let keys = self.parts.iter().flatten().flat_map(|part| &part.extensions);
            let keys: Vec<String> =
                keys.map(|(key, _)| key.clone()).filter(|key| key.starts_with("/ilmd/")).collect();
            for key in keys {
                let moved = self.holders(&key);
                self.add_holders(pointer, &key, &[], &moved)?;
            }
        }
        let want = self.class(FieldClass::Quality, pointer)?;
        want.standard.entry("ilmd".to_owned()).or_insert_with(Want::nothing).add(rest);
        Ok(())
    }

    fn add_key(
        &mut self,
        pointer: &str,
        key: String,
        rest: &[String],
    ) -> Result<(), DiscloseError> {
        let holders = self.holders(&key);
        if holders.is_empty() {
            return self.add_absent(pointer, &key);
        }
        self.add_holders(pointer, &key, rest, &holders)
    }

    fn add_holders(
        &mut self,
        pointer: &str,
        key: &str,
        rest: &[String],
        holders: &[FieldClass],
    ) -> Result<(), DiscloseError> {
        for class in holders {
            let want = self.class(*class, pointer)?;
            want.extensions.entry(key.to_owned()).or_insert_with(Want::nothing).add(rest);
        }
        Ok(())
    }

    /// An extension is absent only where every class shows that it has none.
    fn add_absent(&mut self, pointer: &str, key: &str) -> Result<(), DiscloseError> {
        for class in FieldClass::ALL.into_iter().filter(|class| class.is_of_events()) {
            let want = self.class(class, pointer)?;
            // In the quality class ILMD members stand in `ilmd` itself.
            if class != FieldClass::Quality || !key.starts_with("/ilmd/") {
                want.extensions.entry(key.to_owned()).or_insert_with(Want::nothing);
            }
        }
        Ok(())
    }

    fn holders(&self, key: &str) -> Vec<FieldClass> {
        let holds = |part: &&Part<'_>| part.extensions.iter().any(|(other, _)| other == key);
        self.parts.iter().flatten().filter(holds).map(|part| part.class).collect()
    }
}

fn open_class(
    source: &ClassSource,
    part: &Option<Part<'static>>,
    want: &ClassWant,
) -> Option<ClassOpening> {
    let (key, part) = match (source, part) {
        (ClassSource::Empty { secret }, _) => return Some(ClassOpening::Dummy { secret: *secret }),
        (ClassSource::Body { key, .. }, Some(part)) => (key.salt_key(), part),
        _ => return None,
    };
    if want.whole {
        let (order, text) = (part.order.clone(), part.text());
        return Some(ClassOpening::Whole { key: key.0, order, text });
    }
    let mut inner: BTreeMap<usize, How<'_>> = BTreeMap::new();
    if !want.extensions.is_empty() {
        let keys = want.extensions.iter().map(|(key, want)| (key.clone(), want));
        inner.insert(EXTENSIONS_PLACE, How::Keys(keys.collect()));
    }
    for (name, want) in &want.standard {
        let slot = part.class.members().iter().position(|member| member == name);
        inner.extend(slot.map(|slot| (FIRST_MEMBER + slot, How::Want(want))));
    }
    let mut opener = Opener::default();
    opener.group(&class_places(part), &key, inner);
    Some(ClassOpening::Partial(opener.groups))
}

/// How a place is opened.
enum How<'w> {
    Want(&'w Want),
    /// Entries of a sorted group, by key.
    Keys(Vec<(String, &'w Want)>),
    /// The leaf that stands there, whatever it is.
    Leaf,
    /// Only the key of an entry.
    Hidden,
}

#[derive(Default)]
struct Opener {
    hasher: Hasher,
    pointer: String,
    groups: Vec<GroupOpening>,
}

impl Opener {
    fn group(&mut self, places: &[Place<'_>], key: &GroupKey, plan: BTreeMap<usize, How<'_>>) {
        let salts = key.salts();
        let at = self.groups.len();
        self.groups.push(GroupOpening::default());
        let leaves = self.hasher.leaves(places, &salts, &mut self.pointer);
        let mut siblings = Vec::new();
        let opened: Vec<usize> = plan.keys().copied().collect();
        let height = depth(places.len());
        collect_siblings(&mut self.hasher, &leaves, &salts, &opened, 0, height, &mut siblings);
        let mut items = Vec::with_capacity(plan.len());
        for (index, how) in plan {
            items.push(self.item(&places[index], index, &salts, &how));
        }
        self.groups[at] = GroupOpening { items, siblings };
    }

    fn item(&mut self, place: &Place<'_>, index: usize, salts: &Salts, how: &How<'_>) -> Item {
        let mark = self.pointer.len();
        place.suffix.push_to(&mut self.pointer);
        let shown = self.shown(&place.content, index, salts, how);
        self.pointer.truncate(mark);
        Item { place: index, key: place.key().map(str::to_owned), shown }
    }

    fn shown(
        &mut self,
        content: &Content<'_>,
        index: usize,
        salts: &Salts,
        how: &How<'_>,
    ) -> Shown {
        if let Content::Sentinel(_) = content {
            return Shown::Sentinel(salts.leaf(index));
        }
        if let How::Hidden = how {
            return Shown::Hidden(self.hasher.content(content, index, salts, &mut self.pointer));
        }
        if let Some((kind, value)) = content.leaf() {
            return Shown::Leaf { salt: salts.leaf(index), kind, value: value.to_vec() };
        }
        let key = salts.group(index);
        if let (Content::Value(value, _), How::Want(Want::Whole)) = (content, how) {
            return Shown::Whole { key: key.0, value: (*value).clone() };
        }
        let (kind, places) = content.group().unwrap_or((GroupKind::Extensions, Vec::new()));
        let plan = plan_group(kind, &places, content, how);
        let depth = depth(places.len());
        self.group(&places, &key, plan);
        Shown::Group { kind, depth }
    }
}

/// Which places of a group are opened, and how.
fn plan_group<'w>(
    kind: GroupKind,
    places: &[Place<'_>],
    content: &Content<'_>,
    how: &'w How<'w>,
) -> BTreeMap<usize, How<'w>> {
    let mut plan = BTreeMap::new();
    match (kind, how) {
        (GroupKind::Extensions, How::Keys(keys)) => plan_keys(places, keys, &mut plan),
        (GroupKind::List, How::Want(Want::Parts(parts))) => {
            for (token, want) in parts {
                let item = list_index(token).map(|i| i.saturating_add(FIRST_ITEM));
                match item.filter(|place| *place < places.len()) {
                    Some(place) => plan.insert(place, How::Want(want)),
                    None => plan.insert(0, How::Leaf),
                };
            }
        }
        (GroupKind::Object, How::Want(Want::Parts(parts))) => {
            let kind = if let Content::Value(_, kind) = content { *kind } else { None };
            let names = super::tree::members_of(kind);
            let mut keys = Vec::new();
            for (token, want) in parts {
                match names.iter().position(|name| name == token) {
                    Some(slot) => {
                        plan.insert(FIRST_MEMBER + slot, How::Want(want));
                    }
                    None => keys.push((format!("/{}", escape(token)), want)),
                }
            }
            if !keys.is_empty() {
                plan.insert(EXTENSIONS_PLACE, How::Keys(keys));
            }
        }
        _ => {}
    }
    plan
}

fn plan_keys<'w>(
    places: &[Place<'_>],
    keys: &[(String, &'w Want)],
    plan: &mut BTreeMap<usize, How<'w>>,
) {
    let entries = places.get(1..places.len().saturating_sub(1)).unwrap_or(&[]);
    for (key, want) in keys {
        let found = entries.binary_search_by(|place| place.key().unwrap_or("").cmp(key.as_str()));
        match found {
            Ok(at) => {
                plan.insert(at + 1, How::Want(want));
            }
            Err(at) => {
                plan.entry(at).or_insert(How::Hidden);
                plan.entry(at + 1).or_insert(How::Hidden);
            }
        }
    }
}

/// One hash for each largest subtree that holds no opened place, left to right.
fn collect_siblings(
    hasher: &mut Hasher,
    leaves: &[Hash],
    salts: &Salts,
    opened: &[usize],
    from: usize,
    height: u32,
    out: &mut Vec<Hash>,
) {
    if opened.is_empty() {
        out.push(hasher.range(leaves, salts, from, height));
    } else if height > 0 {
        let middle = from + (1 << (height - 1));
        let (left, right) = opened.split_at(opened.partition_point(|place| *place < middle));
        collect_siblings(hasher, leaves, salts, left, from, height - 1, out);
        collect_siblings(hasher, leaves, salts, right, middle, height - 1, out);
    }
}

/// The secrets that open the dummies of a record, from its identity class's key; for classes that
/// hold something the secret opens nothing.
#[must_use]
pub fn empty_source(identity: &ClassKey, class: FieldClass) -> ClassSource {
    ClassSource::Empty { secret: identity.dummy_secret(class) }
}
