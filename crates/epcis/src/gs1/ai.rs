//! Application identifiers: their format and the rules on their content.

use super::ai_table::TABLE;
use super::charset::CharacterSet;
use super::{Checks, Gs1Error, rules};

/// Predefined length: no separator follows in an element string.
pub(super) const FIXED: u8 = 1;
/// May stand in the query string of a Digital Link.
pub(super) const ATTRIBUTE: u8 = 2;

/// A rule on the content of (a part of) the data, beyond length and characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    CheckDigit,
    CheckPair,
    /// Begins with a GS1 company prefix: at least four digits.
    Prefix,
    /// YYMMDD where day 00 means the month.
    DateOrMonth,
    Date,
    LongDate,
    HourMinute,
    Hour,
    Sixty,
    PercentEncoded,
    YesNo,
    Latitude,
    Longitude,
    Hyphen,
    ImporterIndex,
    MediaType,
    Sex,
    PositionInSequence,
    NonZero,
    Zero,
    Winding,
    PieceOfTotal,
    Iban,
    NoZeroPrefix,
    HasNonDigit,
}

/// One stretch of an application identifier's data. Only the last stretch may vary in length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    set: CharacterSet,
    min: u8,
    max: u8,
    optional: bool,
    rules: &'static [Rule],
}

impl Part {
    pub(super) const fn opt(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(super) const fn obeys(self, rules: &'static [Rule]) -> Self {
        Self { rules, ..self }
    }
}

const fn part(set: CharacterSet, min: u8, max: u8) -> Part {
    Part { set, min, max, optional: false, rules: &[] }
}

pub(super) const fn n(length: u8) -> Part {
    part(CharacterSet::Numeric, length, length)
}

pub(super) const fn nv(max: u8) -> Part {
    part(CharacterSet::Numeric, 1, max)
}

pub(super) const fn x(length: u8) -> Part {
    part(CharacterSet::Set82, length, length)
}

pub(super) const fn xv(max: u8) -> Part {
    part(CharacterSet::Set82, 1, max)
}

pub(super) const fn yv(max: u8) -> Part {
    part(CharacterSet::Set39, 1, max)
}

pub(super) const fn zv(max: u8) -> Part {
    part(CharacterSet::Set64, 1, max)
}

pub(super) const fn ai(
    first: &'static str,
    last: &'static str,
    flags: u8,
    parts: &'static [Part],
    title: &'static str,
) -> ApplicationIdentifier {
    ApplicationIdentifier { first, last, flags, parts, title, qualifiers: None }
}

/// An application identifier, or a run of them that differ in the last digit only (decimal places,
/// order numbers).
#[derive(Debug)]
pub struct ApplicationIdentifier {
    first: &'static str,
    last: &'static str,
    flags: u8,
    parts: &'static [Part],
    title: &'static str,
    qualifiers: Option<&'static [&'static [&'static str]]>,
}

impl ApplicationIdentifier {
    pub(super) const fn key(self, sequences: &'static [&'static [&'static str]]) -> Self {
        Self { qualifiers: Some(sequences), ..self }
    }

    /// The application identifier with exactly these digits.
    pub fn find(digits: &str) -> Option<&'static Self> {
        let found = Self::starting(digits)?;
        (found.first.len() == digits.len()).then_some(found)
    }

    /// The application identifier that `text` begins with. There is at most one, because none
    /// begins with another.
    pub(super) fn starting(text: &str) -> Option<&'static Self> {
        let after = TABLE.partition_point(|row| {
            let length = row.first.len().min(text.len());
            row.first.as_bytes() <= &text.as_bytes()[..length]
        });
        let row = TABLE.get(after.checked_sub(1)?)?;
        let digits = text.get(..row.first.len())?;
        (row.first <= digits && digits <= row.last).then_some(row)
    }

    /// How many digits the identifier has (2 to 4).
    pub fn digits(&self) -> usize {
        self.first.len()
    }

    /// GS1's title of the data, for messages; empty where GS1 gives none.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// Whether GS1 predefines the length, so that no separator follows in an element string.
    pub fn predefined_length(&self) -> bool {
        self.flags & FIXED != 0
    }

    /// Whether it may stand in the query string of a Digital Link.
    pub fn link_attribute(&self) -> bool {
        self.flags & ATTRIBUTE != 0
    }

    /// For a primary key of a Digital Link: the alternative sequences of qualifiers that may follow
    /// it, each in its order. `None` for everything else.
    pub fn link_qualifiers(&self) -> Option<&'static [&'static [&'static str]]> {
        self.qualifiers
    }

    /// Least and greatest length of the data in characters.
    pub fn length(&self) -> (usize, usize) {
        self.parts.iter().fold((0, 0), |(min, max), part| {
            let least = if part.optional { 0 } else { usize::from(part.min) };
            (min + least, max + usize::from(part.max))
        })
    }

    /// Checks `value` as the data of identifier `code` (which is one of this run): lengths and
    /// characters always, with [`Checks::Full`] the rules on the content too.
    pub fn check(&self, code: &str, value: &str, checks: Checks) -> Result<(), Gs1Error> {
        let mut rest = value;
        for part in self.parts {
            if rest.is_empty() && part.optional {
                return Ok(());
            }
            let take = rest.len().min(usize::from(part.max));
            if take < usize::from(part.min) {
                return Err(self.wrong_length(code, value));
            }
            let place = value.len() - rest.len();
            if let Some((at, found)) =
                rest.char_indices().find(|(_, c)| !(c.is_ascii() && part.set.contains(*c as u8)))
                && at < take
            {
                return Err(Gs1Error::Character {
                    field: self.name(code),
                    found,
                    position: place + at + 1,
                    set: part.set.name(),
                });
            }
            let (stretch, tail) = rest.split_at(take);
            for rule in part.rules {
                if checks == Checks::Full || *rule == Rule::Prefix {
                    rules::check(*rule, stretch).map_err(|broken| broken.at(self.name(code)))?;
                }
            }
            rest = tail;
        }
        if rest.is_empty() { Ok(()) } else { Err(self.wrong_length(code, value)) }
    }

    /// "(01) GTIN": how messages name it.
    pub(super) fn name(&self, code: &str) -> String {
        if self.title.is_empty() { format!("({code})") } else { format!("({code}) {}", self.title) }
    }

    fn wrong_length(&self, code: &str, value: &str) -> Gs1Error {
        let (min, max) = self.length();
        let expected = if min == max { format!("{min}") } else { format!("{min} to {max}") };
        Gs1Error::Length { field: self.name(code), expected, found: value.chars().count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ordered_and_free_of_prefixes() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].last < pair[1].first, "{} {}", pair[0].last, pair[1].first);
            assert!(!pair[1].first.starts_with(pair[0].last), "{}", pair[1].first);
        }
        for row in TABLE {
            assert_eq!(row.first.len(), row.last.len());
            let (min, max) = row.length();
            assert!(min > 0 && min <= max, "{}", row.first);
            for (index, part) in row.parts.iter().enumerate() {
                assert!(part.min == part.max || index + 1 == row.parts.len(), "{}", row.first);
            }
        }
    }

    #[test]
    fn every_qualifier_of_a_key_is_an_identifier() {
        for qualifier in TABLE.iter().filter_map(|row| row.qualifiers).flatten().copied().flatten()
        {
            assert!(ApplicationIdentifier::find(qualifier).is_some(), "{qualifier}");
        }
    }

    #[test]
    fn identifiers_are_found_by_their_digits() {
        assert_eq!(ApplicationIdentifier::find("3103").unwrap().title(), "NET WEIGHT (kg)");
        assert_eq!(ApplicationIdentifier::find("3103").unwrap().digits(), 4);
        assert_eq!(ApplicationIdentifier::find("99").unwrap().title(), "INTERNAL");
        assert!(ApplicationIdentifier::find("3106").is_none());
        assert!(ApplicationIdentifier::find("310").is_none());
        assert!(ApplicationIdentifier::find("").is_none());
        assert!(ApplicationIdentifier::find("é1").is_none());
        assert!(ApplicationIdentifier::starting("0112345").is_some());
        assert!(ApplicationIdentifier::starting("0é").is_none());
    }
}
