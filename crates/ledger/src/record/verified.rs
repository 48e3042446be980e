//! What verified openings show.

use super::class::{FieldClass, PROVENANCE};
use super::pointer::{escape, list_index, parse};
use super::tree::members_of;
use countermark_epcis::fields::ObjectKind;
use countermark_epcis::json::Json;

/// What is shown at one pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosed {
    /// The value that stands there. Of `ilmd`: the members that its class holds.
    Value(Json),
    /// The event has no such standard member.
    Absent,
    /// The list there has this many items.
    Length(u64),
    /// The object there has, in this class, no member outside the standard whose key lies between
    /// these; none stands for the end. Keys are relative pointers.
    NoneBetween {
        /// Key of the last member before the gap.
        after: Option<String>,
        /// Key of the first member after the gap.
        before: Option<String>,
    },
}

/// One thing that openings show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The class in whose digest it is committed.
    pub class: FieldClass,
    /// JSON pointer into the event, or below `/_provenance`.
    pub pointer: String,
    /// What is there.
    pub shown: Disclosed,
}

/// All that openings show, after they held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// In the order of the openings.
    pub disclosures: Vec<Disclosure>,
    /// Classes that are opened whole.
    pub whole: Vec<FieldClass>,
    /// Classes shown to hold nothing.
    pub empty: Vec<FieldClass>,
    /// The event as captured, where every class but provenance is opened whole or shown empty.
    pub event: Option<Json>,
    /// The provenance values, where their class is opened whole or shown empty.
    pub provenance: Option<Json>,
}

impl Verified {
    /// The value that is shown at a pointer, if it is; the empty pointer asks for the event.
    #[must_use]
    pub fn value(&self, pointer: &str) -> Option<&Json> {
        if let Some(event) = &self.event
            && let Some(value) = event.pointer(pointer)
        {
            return Some(value);
        }
        let tokens = parse(pointer)?;
        self.disclosures.iter().find_map(|disclosure| match &disclosure.shown {
            Disclosed::Value(value) => {
                parse(&disclosure.pointer).filter(|at| tokens.starts_with(at))?;
                value.pointer(pointer.get(disclosure.pointer.len()..)?)
            }
            _ => None,
        })
    }

    /// Whether it is shown that the event has nothing at this pointer.
    #[must_use]
    pub fn shows_absent(&self, pointer: &str) -> bool {
        let Some(tokens) = parse(pointer) else { return false };
        if self.value(pointer).is_some() {
            return false;
        }
        match &*tokens {
            [] => false,
            [name, ..] if name == PROVENANCE => {
                let key = tokens.get(1).map(|name| format!("/{PROVENANCE}/{}", escape(name)));
                self.class_lacks(FieldClass::Provenance, key.as_deref())
                    || self.below(&tokens, FieldClass::Provenance)
            }
            [name, rest @ ..] => match FieldClass::of_standard(name) {
                Some(class) => {
                    let there = self.member_lacks(class, &tokens);
                    let moved = (name == "ilmd").then(|| rest.first()).flatten();
                    there
                        && moved.is_none_or(|inner| {
                            let key = format!("/ilmd/{}", escape(inner));
                            self.shows_below(class, &key) || self.no_other(&key, Some(class))
                        })
                }
                None => {
                    let key = format!("/{}", escape(name));
                    self.no_other(&key, None)
                        || FieldClass::ALL.into_iter().any(|class| self.below(&tokens, class))
                }
            },
        }
    }

    /// The classes of an event of which nothing is shown, where others are opened whole: somebody
    /// showed the event, and had or gave these no more. Empty where single fields are shown.
    #[must_use]
    pub fn left_out(&self) -> Vec<FieldClass> {
        if !self.whole.iter().any(|class| class.is_of_events()) {
            return Vec::new();
        }
        let missing = |class: &FieldClass| {
            class.is_of_events() && !self.whole.contains(class) && !self.empty.contains(class)
        };
        FieldClass::ALL.into_iter().filter(missing).collect()
    }

    /// Whether a class shows something at a pointer or below it: then no other class holds what
    /// stands there, since names in one object are distinct.
    fn shows_below(&self, class: FieldClass, pointer: &str) -> bool {
        let tokens = parse(pointer).unwrap_or_default();
        let mut of_class = self.disclosures.iter().filter(|shown| shown.class == class);
        self.value(pointer).is_some()
            || of_class.any(|shown| parse(&shown.pointer).is_some_and(|at| at.starts_with(&tokens)))
    }

    /// Every class of events, but the one given, shows that it has no extension of this key.
    fn no_other(&self, key: &str, but: Option<FieldClass>) -> bool {
        let of_events = FieldClass::ALL.into_iter().filter(|class| class.is_of_events());
        let mut classes = of_events.filter(|class| Some(*class) != but);
        classes.all(|class| self.class_lacks(class, Some(key)))
    }

    fn class_lacks(&self, class: FieldClass, key: Option<&str>) -> bool {
        if self.empty.contains(&class) {
            return true;
        }
        let of_class = || self.disclosures.iter().filter(move |shown| shown.class == class);
        if self.whole.contains(&class) {
            return key.is_some_and(|key| of_class().all(|shown| shown.pointer != key));
        }
        let Some(key) = key else { return false };
        of_class().any(|shown| shown.pointer.is_empty() && gap_holds(&shown.shown, key))
    }

    fn member_lacks(&self, class: FieldClass, tokens: &[String]) -> bool {
        self.empty.contains(&class) || self.whole.contains(&class) || self.below(tokens, class)
    }

    /// Something shown on the way to the pointer leaves no room for it.
    fn below(&self, tokens: &[String], class: FieldClass) -> bool {
        self.disclosures.iter().filter(|shown| shown.class == class).any(|shown| {
            let Some(at) = parse(&shown.pointer).filter(|at| tokens.starts_with(at)) else {
                return false;
            };
            let rest = &tokens[at.len()..];
            match (&shown.shown, rest.first()) {
                // A value that had it would have been found before.
                (Disclosed::Value(_) | Disclosed::Absent, _) => true,
                (Disclosed::Length(length), Some(token)) => {
                    list_index(token).is_none_or(|i| i as u64 >= *length)
                }
                (gap, Some(token)) => {
                    let key = format!("/{}", escape(token));
                    // A gap between extensions says nothing of standard members.
                    let standard = members_of(kind_at(&at)).contains(&token.as_str());
                    !at.is_empty() && !standard && gap_holds(gap, &key)
                }
                (_, None) => false,
            }
        })
    }
}

/// The kind of the object at a pointer into an event.
fn kind_at(tokens: &[String]) -> Option<ObjectKind> {
    let mut kind = Some(ObjectKind::Event);
    for token in tokens {
        let of = kind?;
        if of.members().contains(&token.as_str()) {
            kind = of.inner(token);
        } else if list_index(token).is_none() {
            kind = None;
        }
    }
    kind
}

fn gap_holds(shown: &Disclosed, key: &str) -> bool {
    match shown {
        Disclosed::NoneBetween { after, before } => {
            after.as_deref().is_none_or(|after| after < key)
                && before.as_deref().is_none_or(|before| key < before)
        }
        _ => false,
    }
}
