//! The part of an event that one class holds, and how parts and events become each other.
//!
//! A part is written in canonical order: standard members as in the frozen table, then extensions
//! sorted by name. The order of the captured event is kept beside it as ordinals (an empty string
//! where the captured order is the canonical one) and is committed in the class's order leaf, so
//! the event can be printed as it was captured, from any subset of the classes.

use super::class::{Classification, FieldClass, PROVENANCE, standard_rank};
use super::pointer::{escape, key_tokens};
use countermark_epcis::json::{self, Json};
use std::borrow::Cow;

/// Members of one object or items of one list at most; keeps ordinals in 16 bits.
pub const GROUP_ENTRIES_MAX: usize = 60_000;
/// Longest string, number or member name in bytes.
pub const SCALAR_BYTES_MAX: usize = 1024 * 1024;

/// Why an event cannot be committed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The event or the provenance is no JSON object.
    #[error("{0} must be a JSON object")]
    NotObject(&'static str),
    /// The event has a member that the ledger uses itself.
    #[error("/{PROVENANCE}: this name is reserved; rename the member")]
    Reserved,
    /// Too many members or items in one place.
    #[error("{pointer}: {found} members or items, at most {GROUP_ENTRIES_MAX}; split the event")]
    TooMany {
        /// Where.
        pointer: String,
        /// How many there are.
        found: usize,
    },
    /// Nested too deeply to be read again.
    #[error("{pointer}: nested deeper than {} levels", json::DEPTH_MAX)]
    TooDeep {
        /// Where.
        pointer: String,
    },
    /// A string or a number that is too long.
    #[error("{pointer}: a value of {found} bytes, at most {SCALAR_BYTES_MAX}; attach a document")]
    TooLong {
        /// Where.
        pointer: String,
        /// Its length in bytes.
        found: usize,
    },
}

/// Why bytes are not the body of a class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Shorter than its own lengths say.
    #[error("the {} body is cut short", .0.name())]
    Truncated(FieldClass),
    /// Not JSON.
    #[error("the {} body is not JSON: {fault}", .0.name(), fault = .1)]
    Json(FieldClass, #[source] json::JsonError),
    /// JSON, but not in the one form that a body has.
    #[error("the {} body is not in canonical form at {place}", .0.name(), place = .1)]
    Form(FieldClass, String),
}

/// A value with its place among the members of the captured object.
#[derive(Debug, Clone)]
pub(crate) struct Placed<'a> {
    pub(crate) value: Cow<'a, Json>,
    at: u16,
}

/// What one class holds of an event.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) class: FieldClass,
    /// Standard members, by slot.
    pub(crate) slots: Vec<Option<Placed<'a>>>,
    /// Extensions by pointer from the root, sorted.
    pub(crate) extensions: Vec<(String, Placed<'a>)>,
    /// Captured order: empty, or u16 n ‖ n ordinals of top-level members ‖ ordinals of ILMD members.
    pub(crate) order: Vec<u8>,
}

impl<'a> Part<'a> {
    fn new(class: FieldClass) -> Self {
        Part {
            class,
            slots: vec![None; class.members().len()],
            extensions: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Whether the class holds nothing. The identity class never counts as empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.class != FieldClass::Identity
            && self.extensions.is_empty()
            && self.slots.iter().all(Option::is_none)
    }

    /// The value of a standard member.
    pub(crate) fn standard(&self, member: &str) -> Option<&Json> {
        let slot = self.class.members().iter().position(|name| *name == member)?;
        self.slots[slot].as_ref().map(|placed| placed.value.as_ref())
    }

    fn top(&self) -> impl Iterator<Item = (String, &Placed<'a>)> {
        let standard = self.class.members().iter().zip(&self.slots);
        standard.filter_map(|(name, placed)| Some(((*name).to_owned(), placed.as_ref()?))).chain(
            self.extensions.iter().filter_map(|(key, placed)| match &*key_tokens(key) {
                [name] => Some((name.clone(), placed)),
                _ => None,
            }),
        )
    }

    /// ILMD members that this class took out of `ilmd`.
    fn moved_ilmd(&self) -> impl Iterator<Item = (String, &Placed<'a>)> {
        self.inner("ilmd")
    }

    fn inner<'s>(&'s self, under: &'s str) -> impl Iterator<Item = (String, &'s Placed<'a>)> {
        self.extensions.iter().filter_map(move |(key, placed)| match &*key_tokens(key) {
            [first, name] if first == under => Some((name.clone(), placed)),
            _ => None,
        })
    }

    /// The class's members as compact JSON text in canonical order.
    pub(crate) fn text(&self) -> String {
        let mut out = String::with_capacity(256);
        out.push('{');
        for (name, placed) in self.top() {
            write_member(&mut out, &name, &placed.value);
        }
        for under in ["ilmd", PROVENANCE] {
            let mut inner = self.inner(under).peekable();
            if inner.peek().is_some() {
                if !out.ends_with('{') {
                    out.push(',');
                }
                out.push_str(&Json::string(under).to_text());
                out.push_str(":{");
                for (name, placed) in inner {
                    write_member(&mut out, &name, &placed.value);
                }
                out.push('}');
            }
        }
        out.push('}');
        out
    }

    /// The body as the vault keeps it: u32 length of the order ‖ order ‖ JSON text.
    pub(crate) fn body(&self) -> Vec<u8> {
        let text = self.text();
        let mut body = Vec::with_capacity(4 + self.order.len() + text.len());
        body.extend_from_slice(&len_u32(&self.order));
        body.extend_from_slice(&self.order);
        body.extend_from_slice(text.as_bytes());
        body
    }

    /// Reads a body back.
    pub(crate) fn from_body(class: FieldClass, body: &[u8]) -> Result<Part<'static>, BodyError> {
        let (length, rest) = body.split_first_chunk::<4>().ok_or(BodyError::Truncated(class))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (order, text) = rest.split_at_checked(length).ok_or(BodyError::Truncated(class))?;
        Self::from_text(class, order.to_vec(), text)
    }

    /// Reads a class's order and JSON text; refuses every form but the one that [`Part::text`] writes.
    pub(crate) fn from_text(
        class: FieldClass,
        order: Vec<u8>,
        text: &[u8],
    ) -> Result<Part<'static>, BodyError> {
        let value = json::parse(text).map_err(|error| BodyError::Json(class, error))?;
        check_limits(&value, &mut String::new(), 0)
            .map_err(|fault| BodyError::Form(class, format!("a value too large: {fault}")))?;
        let Json::Object(members) = value else {
            return Err(BodyError::Form(class, "the root".to_owned()));
        };
        let mut part = Part::new(class);
        for (name, value) in members {
            part.take(name, value)?;
        }
        part.extensions.sort_by(|(a, _), (b, _)| a.cmp(b));
        if part.text().as_bytes() != text {
            return Err(BodyError::Form(class, "the order of members".to_owned()));
        }
        part.order = order;
        part.read_order()?;
        Ok(part)
    }

    fn take(&mut self, name: String, value: Json) -> Result<(), BodyError> {
        let class = self.class;
        let wrong = |name: &str| BodyError::Form(class, format!("/{}", escape(name)));
        let place = |value| Placed { value: Cow::Owned(value), at: 0 };
        if class == FieldClass::Provenance && name != PROVENANCE {
            return Err(wrong(&name));
        }
        let under = name == PROVENANCE || (name == "ilmd" && class != FieldClass::Quality);
        match FieldClass::of_standard(&name) {
            Some(owner) if owner == class => {
                let slot = class.members().iter().position(|member| *member == name);
                let slot = slot.and_then(|slot| self.slots.get_mut(slot));
                *slot.ok_or_else(|| wrong(&name))? = Some(place(value));
            }
            _ if under => {
                if (name == PROVENANCE) != (class == FieldClass::Provenance) && name != "ilmd" {
                    return Err(wrong(&name));
                }
                let Json::Object(members) = value else { return Err(wrong(&name)) };
                for (inner, value) in members {
                    self.extensions.push((format!("/{name}/{}", escape(&inner)), place(value)));
                }
            }
            Some(_) => return Err(wrong(&name)),
            None => self.extensions.push((format!("/{}", escape(&name)), place(value))),
        }
        Ok(())
    }

    fn ilmd_len(&self) -> usize {
        match self.standard("ilmd") {
            Some(Json::Object(members)) => members.len(),
            _ => self.moved_ilmd().count(),
        }
    }

    /// Top-level and ILMD ordinals as the order says them; either may be empty.
    fn ordinals(&self) -> Option<(Vec<u16>, Vec<u16>)> {
        if self.order.is_empty() {
            return Some((Vec::new(), Vec::new()));
        }
        let (words, rest) = self.order.as_chunks::<2>();
        let words: Vec<u16> = words.iter().map(|word| u16::from_be_bytes(*word)).collect();
        let (count, words) = words.split_first()?;
        let (top, ilmd) = words.split_at_checked(usize::from(*count))?;
        let fits = |given: usize, there: usize| given == 0 || given == there;
        let whole = rest.is_empty()
            && fits(top.len(), self.top().count())
            && fits(ilmd.len(), self.ilmd_len())
            && top.len() + ilmd.len() > 0;
        whole.then(|| (top.to_vec(), ilmd.to_vec()))
    }

    fn read_order(&mut self) -> Result<(), BodyError> {
        let wrong = || BodyError::Form(self.class, "the order".to_owned());
        self.ordinals().map(|_| ()).ok_or_else(wrong)
    }
}

fn len_u32(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

fn write_member(out: &mut String, name: &str, value: &Json) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push_str(&Json::string(name).to_text());
    out.push(':');
    out.push_str(&value.to_text());
}

/// Splits an event and its provenance values into the parts of all classes.
pub(crate) fn split<'a>(
    event: &'a Json,
    provenance: &'a Json,
    classification: &Classification,
) -> Result<Vec<Part<'a>>, CommitError> {
    let members = event.as_object().ok_or(CommitError::NotObject("an event"))?;
    let origin = provenance.as_object().ok_or(CommitError::NotObject("provenance"))?;
    check_limits(event, &mut String::new(), 0)?;
    // In the body the values stand one level deeper.
    check_limits(provenance, &mut format!("/{PROVENANCE}"), 1)?;
    let mut parts: Vec<Part<'a>> = FieldClass::ALL.into_iter().map(Part::new).collect();
    let mut ilmd_noncanonical = false;
    for (i, (name, value)) in members.iter().enumerate() {
        if name == PROVENANCE {
            return Err(CommitError::Reserved);
        }
        let part = &mut parts[classification.class_of(name).index()];
        let at = ordinal(i);
        match part.class.members().iter().position(|member| member == name) {
            Some(slot) => part.slots[slot] = Some(Placed { value: Cow::Borrowed(value), at }),
            None => part
                .extensions
                .push((format!("/{}", escape(name)), Placed { value: Cow::Borrowed(value), at })),
        }
        if name == "ilmd" {
            ilmd_noncanonical = split_ilmd(value, classification, &mut parts);
        }
    }
    let provenance_part = &mut parts[FieldClass::Provenance.index()];
    for (i, (name, value)) in origin.iter().enumerate() {
        let placed = Placed { value: Cow::Borrowed(value), at: ordinal(i) };
        provenance_part.extensions.push((format!("/{PROVENANCE}/{}", escape(name)), placed));
    }
    let top_noncanonical = !members.is_sorted_by(|(a, _), (b, _)| rank(a) <= rank(b));
    for part in &mut parts {
        part.extensions.sort_by(|(a, _), (b, _)| a.cmp(b));
        part.order = order_of(part, members, top_noncanonical, ilmd_noncanonical);
    }
    Ok(parts)
}

/// Moves ILMD members that other classes claim to them; says whether any moved out of a captured
/// order that is not the canonical one.
fn split_ilmd<'a>(ilmd: &'a Json, classification: &Classification, parts: &mut [Part<'a>]) -> bool {
    let Some(members) = ilmd.as_object() else { return false };
    let class = |name: &str| classification.class_of_ilmd(name);
    if members.iter().all(|(name, _)| class(name) == FieldClass::Quality) {
        return false;
    }
    let mut rest = Vec::new();
    for (i, (name, value)) in members.iter().enumerate() {
        match class(name) {
            FieldClass::Quality => rest.push((name.clone(), value.clone())),
            other => parts[other.index()].extensions.push((
                format!("/ilmd/{}", escape(name)),
                Placed { value: Cow::Borrowed(value), at: ordinal(i) },
            )),
        }
    }
    let quality = &mut parts[FieldClass::Quality.index()];
    let slot = FieldClass::Quality.members().iter().position(|member| *member == "ilmd");
    if let Some(placed) = slot.and_then(|slot| quality.slots[slot].as_mut()) {
        placed.value = Cow::Owned(Json::Object(rest));
    }
    !members.is_sorted_by(|(a, _), (b, _)| escape(a) <= escape(b))
}

fn order_of(part: &Part<'_>, members: &[(String, Json)], top: bool, ilmd: bool) -> Vec<u8> {
    let mut tops: Vec<u16> = Vec::new();
    let mut inner: Vec<u16> = Vec::new();
    if top {
        tops.extend(part.top().map(|(_, placed)| placed.at));
    }
    if ilmd {
        match part.standard("ilmd") {
            Some(Json::Object(rest)) => {
                let whole = members.iter().find(|(name, _)| name == "ilmd");
                let whole = whole.and_then(|(_, value)| value.as_object()).unwrap_or(&[]);
                // What stayed kept its order, so one pass finds it.
                let mut stayed = rest.iter().peekable();
                for (i, (name, _)) in whole.iter().enumerate() {
                    if stayed.next_if(|(next, _)| next == name).is_some() {
                        inner.push(ordinal(i));
                    }
                }
            }
            _ => inner.extend(part.moved_ilmd().map(|(_, placed)| placed.at)),
        }
    }
    if tops.is_empty() && inner.is_empty() {
        return Vec::new();
    }
    let count = ordinal(tops.len());
    std::iter::once(count).chain(tops).chain(inner).flat_map(u16::to_be_bytes).collect()
}

/// Ordinals are below [`GROUP_ENTRIES_MAX`], checked before.
fn ordinal(i: usize) -> u16 {
    u16::try_from(i).unwrap_or(u16::MAX)
}

/// Canonical rank of a top-level member.
fn rank(name: &str) -> (usize, String) {
    match standard_rank(name) {
        Some(rank) => (rank, String::new()),
        None => (usize::MAX, escape(name).into_owned()),
    }
}

/// Refuses what is too large to have a place in the tree.
pub(crate) fn check_limits(
    value: &Json,
    pointer: &mut String,
    depth: usize,
) -> Result<(), CommitError> {
    if depth > json::DEPTH_MAX {
        return Err(CommitError::TooDeep { pointer: pointer.clone() });
    }
    let too_long =
        |pointer: &String, found| CommitError::TooLong { pointer: pointer.clone(), found };
    let found = match value {
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        Json::String(text) | Json::Number(text) if text.len() > SCALAR_BYTES_MAX => {
            return Err(too_long(pointer, text.len()));
        }
        _ => 0,
    };
    if found > GROUP_ENTRIES_MAX {
        return Err(CommitError::TooMany { pointer: pointer.clone(), found });
    }
    let mark = pointer.len();
    match value {
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if matches!(item, Json::Null | Json::Bool(_)) {
                    continue;
                }
                pointer.push_str(&format!("/{i}"));
                check_limits(item, pointer, depth + 1)?;
                pointer.truncate(mark);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                if name.len() > SCALAR_BYTES_MAX {
                    return Err(too_long(pointer, name.len()));
                }
                pointer.push('/');
                pointer.push_str(&escape(name));
                check_limits(member, pointer, depth + 1)?;
                pointer.truncate(mark);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Joins parts into the event as captured and its provenance values.
///
/// Classes that are missing are simply not there; the order of the others still holds.
pub(crate) fn join(parts: &[Part<'_>]) -> (Json, Json) {
    let mut tops: Vec<(Option<u16>, String, Json)> = Vec::new();
    let mut moved: Vec<(Option<u16>, String, Json)> = Vec::new();
    let mut provenance = Vec::new();
    let mut rest_ordinals = Vec::new();
    for part in parts {
        let (top, ilmd) = part.ordinals().unwrap_or_default();
        for (i, (name, placed)) in part.top().enumerate() {
            tops.push((top.get(i).copied(), name, placed.value.as_ref().clone()));
        }
        for (i, (name, placed)) in part.moved_ilmd().enumerate() {
            moved.push((ilmd.get(i).copied(), name, placed.value.as_ref().clone()));
        }
        for (name, placed) in part.inner(PROVENANCE) {
            provenance.push((name, placed.value.as_ref().clone()));
        }
        if part.class == FieldClass::Quality {
            rest_ordinals = ilmd;
        }
    }
    sort_captured(&mut tops);
    let mut event = Json::Object(tops.into_iter().map(|(_, name, value)| (name, value)).collect());
    if !moved.is_empty() {
        if let Some(Json::Object(rest)) = event.remove_in_place("ilmd") {
            let rest = rest.into_iter().enumerate();
            moved.extend(
                rest.map(|(i, (name, value))| (rest_ordinals.get(i).copied(), name, value)),
            );
        }
        sort_captured(&mut moved);
        let members = moved.into_iter().map(|(_, name, value)| (name, value)).collect();
        event.set("ilmd", Json::Object(members));
    }
    (event, Json::Object(provenance))
}

/// By ordinal where every member has one, else in canonical order.
fn sort_captured(members: &mut [(Option<u16>, String, Json)]) {
    if members.iter().all(|(at, _, _)| at.is_some()) {
        members.sort_by_key(|(at, _, _)| *at);
    } else {
        members.sort_by_cached_key(|(_, name, _)| rank(name));
    }
}

/// Takes a member's value but leaves its place.
trait TakeValue {
    fn remove_in_place(&mut self, name: &str) -> Option<Json>;
}

impl TakeValue for Json {
    fn remove_in_place(&mut self, name: &str) -> Option<Json> {
        let Json::Object(members) = self else { return None };
        let member = members.iter_mut().find(|(other, _)| other == name)?;
        Some(std::mem::replace(&mut member.1, Json::Null))
    }
}
