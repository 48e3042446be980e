//! What can be wrong with a GS1 identifier.

use thiserror::Error;

/// Why a text is not a (valid) GS1 identifier. Each message names the part that is wrong, the rule
/// it breaks and, where there is one, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Gs1Error {
    /// None of the forms that are read.
    #[error(
        "not a GS1 identifier: expected an EPC URN (urn:epc:…), a GS1 Digital Link URI or an element string such as (01)09521234543213(21)1"
    )]
    NotAnIdentifier,
    /// Longer than any identifier that is read.
    #[error("the identifier is {length} bytes long, more than the {limit} that are read")]
    TooLong {
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A web URI whose path holds no GS1 primary key.
    #[error("the path of the URI holds no GS1 primary key such as /01/ or /00/")]
    NoPrimaryKey,
    /// An application identifier that GS1 has not assigned.
    #[error("({ai}) is not a GS1 application identifier")]
    UnknownAi {
        /// The digits found.
        ai: String,
    },
    /// An element string without a primary key.
    #[error("the element string holds no primary key such as (01) or (00)")]
    NoPrimaryElement,
    /// The same application identifier twice.
    #[error("({ai}) stands twice")]
    Duplicate {
        /// The application identifier.
        ai: String,
    },
    /// A qualifier that the primary key does not take, or not at this place.
    #[error("({ai}) cannot stand here: after ({primary}) come only {allowed}, in this order")]
    Qualifier {
        /// The application identifier found.
        ai: String,
        /// The primary key.
        primary: String,
        /// The qualifiers of the primary key, in words.
        allowed: String,
    },
    /// An application identifier that may not stand in the query string of a Digital Link.
    #[error("({ai}) cannot stand in the query string of a GS1 Digital Link")]
    NotAnAttribute {
        /// The application identifier found.
        ai: String,
    },
    /// A path segment, component or value that is empty.
    #[error("{field} is empty")]
    Empty {
        /// The part concerned.
        field: String,
    },
    /// Too short or too long.
    #[error("{field}: length is {found}, expected {expected}")]
    Length {
        /// The part concerned.
        field: String,
        /// The lengths allowed, in words.
        expected: String,
        /// The length found.
        found: usize,
    },
    /// A character outside the set of the part.
    #[error("{field} holds {found:?} at character {position}, outside {set}")]
    Character {
        /// The part concerned.
        field: String,
        /// The character found.
        found: char,
        /// Its place, from 1.
        position: usize,
        /// The set allowed.
        set: &'static str,
    },
    /// A percent sign without two hexadecimal digits after it.
    #[error("{field} has a % at character {position} that two hexadecimal digits do not follow")]
    Escape {
        /// The part concerned.
        field: String,
        /// The place of the percent sign, from 1.
        position: usize,
    },
    /// A check digit or check character pair that does not fit.
    #[error("{field} {value}: check digit is {found}, expected {expected}")]
    CheckDigit {
        /// The part concerned.
        field: String,
        /// The digits with the wrong check digit.
        value: String,
        /// What the other digits give.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A value that breaks a rule on its content (date, time, piece of total …).
    #[error("{field} {value}: {rule}")]
    Content {
        /// The part concerned.
        field: String,
        /// The value found.
        value: String,
        /// The rule.
        rule: &'static str,
    },
    /// An EPC URN scheme that is not known.
    #[error("{scheme} is not an EPC scheme that is read")]
    UnknownScheme {
        /// The URN up to its scheme.
        scheme: String,
    },
    /// An EPC URN with too few or too many components.
    #[error("{scheme} takes {expected} components separated by dots, found {found}")]
    Components {
        /// The scheme.
        scheme: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many were found.
        found: usize,
    },
    /// An EPC URN pattern that names more than one class.
    #[error("{urn}: only a pattern whose last component alone is * names a class")]
    Pattern {
        /// The pattern.
        urn: String,
    },
    /// An identifier that GS1 gives no Digital Link form.
    #[error("{key_type} identifiers have no GS1 Digital Link form")]
    NoDigitalLink {
        /// The kind of identifier.
        key_type: &'static str,
    },
}
