//! Field classes: which part of an event a member belongs to, and the slot it has there.

use countermark_epcis::fields::EVENT;
use std::collections::BTreeMap;

/// A class of fields: what is disclosed, encrypted and erased together.
///
/// The numbers are frozen; they stand in hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FieldClass {
    /// What the event is about: type, identifiers, action.
    Identity = 1,
    /// Business step, times, transactions, parties.
    Transport = 2,
    /// Instance and lot master data, sensor readings.
    Quality = 3,
    /// Quantity lists.
    Quantity = 4,
    /// Read point and business location.
    Location = 5,
    /// Certification information.
    Certificate = 6,
    /// Prices and costs; only extensions.
    Cost = 7,
    /// Medical data; only extensions.
    Medical = 8,
    /// Data about natural persons; only extensions.
    Personal = 9,
    /// Where the event came from: source document, mapping, event hashes.
    Provenance = 10,
    /// Extensions that no other class claims.
    Other = 11,
}

/// How many classes there are.
pub const CLASS_COUNT: usize = 11;

/// The member under which provenance values are addressed; an event may not have it.
pub const PROVENANCE: &str = "_provenance";

const IDENTITY: &[&str] = &[
    "@context",
    "type",
    "eventID",
    "action",
    "parentID",
    "epcList",
    "childEPCs",
    "inputEPCList",
    "outputEPCList",
];
const TRANSPORT: &[&str] = &[
    "eventTime",
    "eventTimeZoneOffset",
    "recordTime",
    "errorDeclaration",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "transformationID",
    "bizTransactionList",
    "sourceList",
    "destinationList",
];
const QUALITY: &[&str] = &["sensorElementList", "ilmd"];
const QUANTITY: &[&str] =
    &["quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"];
const LOCATION: &[&str] = &["readPoint", "bizLocation"];
const CERTIFICATE: &[&str] = &["certificationInfo"];

impl FieldClass {
    /// Every class, in the order of their numbers.
    pub const ALL: [FieldClass; CLASS_COUNT] = [
        FieldClass::Identity,
        FieldClass::Transport,
        FieldClass::Quality,
        FieldClass::Quantity,
        FieldClass::Location,
        FieldClass::Certificate,
        FieldClass::Cost,
        FieldClass::Medical,
        FieldClass::Personal,
        FieldClass::Provenance,
        FieldClass::Other,
    ];

    /// The frozen number, 1 to 11.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Position in arrays that hold one item per class, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.number()) - 1
    }

    /// The class with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| u64::from(class.number()) == number)
    }

    /// The class's name, as commands and policies write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FieldClass::Identity => "identity",
            FieldClass::Transport => "transport",
            FieldClass::Quality => "quality",
            FieldClass::Quantity => "quantity",
            FieldClass::Location => "location",
            FieldClass::Certificate => "certificate",
            FieldClass::Cost => "cost",
            FieldClass::Medical => "medical",
            FieldClass::Personal => "personal",
            FieldClass::Provenance => "provenance",
            FieldClass::Other => "other",
        }
    }

    /// The class with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether members of events belong to this class; only provenance holds none.
    #[must_use]
    pub fn is_of_events(self) -> bool {
        self != FieldClass::Provenance
    }

    /// The standard event members of this class, in slot order.
    #[must_use]
    pub fn members(self) -> &'static [&'static str] {
        match self {
            FieldClass::Identity => IDENTITY,
            FieldClass::Transport => TRANSPORT,
            FieldClass::Quality => QUALITY,
            FieldClass::Quantity => QUANTITY,
            FieldClass::Location => LOCATION,
            FieldClass::Certificate => CERTIFICATE,
            _ => &[],
        }
    }

    /// The class of a standard event member; none for an extension.
    #[must_use]
    pub fn of_standard(member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.members().contains(&member))
    }
}

/// Rank of a top-level member in canonical order: standard members as in the frozen table.
pub(crate) fn standard_rank(member: &str) -> Option<usize> {
    EVENT.iter().position(|name| *name == member)
}

/// Which class the members outside the standard belong to, by name.
///
/// Standard members have a fixed class, since their place in the tree follows from it. ILMD
/// members are [`FieldClass::Quality`] and other extensions [`FieldClass::Other`] unless named.
/// [`FieldClass::Provenance`] holds no member of an event: what is put into it takes the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classification {
    extensions: BTreeMap<String, FieldClass>,
    ilmd: BTreeMap<String, FieldClass>,
}

impl Classification {
    /// A classification with the defaults only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the top-level extension `name` (as written in the event) into `class`.
    #[must_use]
    pub fn extension(mut self, name: impl Into<String>, class: FieldClass) -> Self {
        self.extensions.insert(name.into(), class);
        self
    }

    /// Puts the ILMD member `name` (as written in the event) into `class`.
    #[must_use]
    pub fn ilmd(mut self, name: impl Into<String>, class: FieldClass) -> Self {
        self.ilmd.insert(name.into(), class);
        self
    }

    /// The class of a top-level member.
    #[must_use]
    pub fn class_of(&self, member: &str) -> FieldClass {
        FieldClass::of_standard(member)
            .or_else(|| self.extensions.get(member).copied().filter(|class| class.is_of_events()))
            .unwrap_or(FieldClass::Other)
    }

    /// The class of a member of `ilmd`.
    #[must_use]
    pub fn class_of_ilmd(&self, member: &str) -> FieldClass {
        let named = self.ilmd.get(member).copied().filter(|class| class.is_of_events());
        named.unwrap_or(FieldClass::Quality)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_member_has_one_class_and_keeps_the_order_of_the_frozen_table() {
        for member in EVENT {
            let classes =
                FieldClass::ALL.iter().filter(|class| class.members().contains(member)).count();
            assert_eq!(classes, 1, "{member}");
        }
        for class in FieldClass::ALL {
            let ranks: Vec<_> = class.members().iter().map(|m| standard_rank(m)).collect();
            assert!(ranks.iter().all(Option::is_some) && ranks.is_sorted(), "{class:?}");
        }
    }

    #[test]
    fn numbers_and_names_lead_back_to_their_class() {
        for class in FieldClass::ALL {
            assert_eq!(FieldClass::from_number(u64::from(class.number())), Some(class));
            assert_eq!(FieldClass::from_name(class.name()), Some(class));
        }
        assert_eq!(FieldClass::from_number(0), None);
        assert_eq!(FieldClass::from_number(12), None);
    }
}
