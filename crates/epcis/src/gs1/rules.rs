//! Rules on the content of application identifier data, each named after the GS1 syntax test that
//! it does the work of.

use super::ai::Rule;
use super::{Gs1Error, check};

/// A broken rule, before it is known where.
pub(super) enum Broken {
    CheckDigit { value: String, expected: String, found: String },
    Content { value: String, rule: &'static str },
}

impl Broken {
    pub(super) fn at(self, field: String) -> Gs1Error {
        match self {
            Self::CheckDigit { value, expected, found } => {
                Gs1Error::CheckDigit { field, value, expected, found }
            }
            Self::Content { value, rule } => Gs1Error::Content { field, value, rule },
        }
    }
}

/// Checks a stretch of data whose length and characters are already right.
pub(super) fn check(rule: Rule, value: &str) -> Result<(), Broken> {
    let (holds, text) = match rule {
        Rule::CheckDigit => return check_digit(value),
        Rule::CheckPair => return check_pair(value),
        Rule::Prefix => (
            value.len() >= 4 && value.bytes().take(4).all(|b| b.is_ascii_digit()),
            "must begin with a GS1 company prefix, so with at least four digits",
        ),
        Rule::DateOrMonth => (date(value, true), "is not a date YYMMDD (day 00 = the whole month)"),
        Rule::Date => (date(value, false), "is not a date YYMMDD"),
        Rule::LongDate => (long_date(value), "is not a date YYYYMMDD"),
        Rule::HourMinute => {
            (number(value, 0, 2) < 24 && number(value, 2, 4) < 60, "is not a time HHMM")
        }
        Rule::Hour => (number(value, 0, 2) < 24, "is not an hour 00-23"),
        Rule::Sixty => (number(value, 0, 2) < 60, "is not between 00 and 59"),
        Rule::PercentEncoded => (percent_encoded(value), "has a % without two hexadecimal digits"),
        Rule::YesNo => (matches!(value, "0" | "1"), "must be 0 (no) or 1 (yes)"),
        Rule::Latitude => (number(value, 0, 10) <= 1_800_000_000, "is more than 1800000000"),
        Rule::Longitude => (number(value, 0, 10) <= 3_600_000_000, "is more than 3600000000"),
        Rule::Hyphen => (value == "-", "may only be a hyphen, for a temperature below zero"),
        Rule::ImporterIndex => (
            value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "is not an importer index (letter, digit, - or _)",
        ),
        Rule::MediaType => {
            (matches!(number(value, 0, 2), 1..=10 | 80..=99), "is not an AIDC media type")
        }
        Rule::Sex => (matches!(value, "0" | "1" | "2" | "9"), "is not an ISO 5218 code"),
        Rule::PositionInSequence => (position_in_sequence(value), "is not of the form n/m, n <= m"),
        Rule::NonZero => (value.bytes().any(|b| b != b'0'), "must not be zero"),
        Rule::Zero => (value.bytes().all(|b| b == b'0'), "must be zero"),
        Rule::Winding => (matches!(value, "0" | "1" | "9"), "must be 0, 1 or 9"),
        Rule::PieceOfTotal => {
            (piece_of_total(value), "is not piece and total, 1 <= piece <= total")
        }
        Rule::Iban => (iban(value), "is not an IBAN"),
        Rule::NoZeroPrefix => {
            (value == "0" || !value.starts_with('0'), "must not begin with a zero")
        }
        Rule::HasNonDigit => {
            (!value.bytes().all(|b| b.is_ascii_digit()), "must hold a character besides digits")
        }
    };
    if holds { Ok(()) } else { Err(Broken::Content { value: value.to_owned(), rule: text }) }
}

fn check_digit(value: &str) -> Result<(), Broken> {
    let (body, found) = value.split_at(value.len().saturating_sub(1));
    match check::check_digit(body) {
        Some(digit) if found == digit.to_string() => Ok(()),
        digit => Err(Broken::CheckDigit {
            value: value.to_owned(),
            expected: digit.map_or_else(String::new, |d| d.to_string()),
            found: found.to_owned(),
        }),
    }
}

fn check_pair(value: &str) -> Result<(), Broken> {
    let (body, found) = value.split_at(value.len().saturating_sub(2));
    match check::check_pair(body) {
        Some(pair) if pair == found => Ok(()),
        Some(expected) => {
            Err(Broken::CheckDigit { value: value.to_owned(), expected, found: found.to_owned() })
        }
        None => Err(Broken::Content {
            value: value.to_owned(),
            rule: "is too short to end with a check character pair",
        }),
    }
}

/// The number in bytes `from..to` of ASCII digits; the greatest value where that is not a number,
/// so that every upper bound fails.
fn number(value: &str, from: usize, to: usize) -> u64 {
    value.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn date(value: &str, month_alone: bool) -> bool {
    // The century is a window around today (General Specifications 7.12), which a pure function
    // does not know. Of the years it can mean, 2000 alone ends in 00, and that is a leap year.
    let days = days_in_month(2000 + number(value, 0, 2).min(99), number(value, 2, 4));
    let day = number(value, 4, 6);
    days > 0 && day <= days && (day > 0 || month_alone)
}

fn long_date(value: &str) -> bool {
    let day = number(value, 6, 8);
    day > 0 && day <= days_in_month(number(value, 0, 4), number(value, 4, 6))
}

fn percent_encoded(value: &str) -> bool {
    value
        .split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

fn position_in_sequence(value: &str) -> bool {
    value.split_once('/').is_some_and(|(position, total)| {
        let digit = |text: &str| text.parse::<u8>().ok().filter(|n| (1..=9).contains(n));
        matches!((digit(position), digit(total)), (Some(p), Some(t)) if p <= t)
    })
}

fn piece_of_total(value: &str) -> bool {
    let (piece, total) = (number(value, 0, 2), number(value, 2, 4));
    piece >= 1 && piece <= total && total <= 99
}

fn iban(value: &str) -> bool {
    if value.len() < 5 {
        return false;
    }
    let (head, body) = value.as_bytes().split_at(4);
    let mut remainder = 0u32;
    for byte in body.iter().chain(head) {
        remainder = match byte {
            b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => remainder * 100 + u32::from(byte - b'A') + 10,
            _ => return false,
        } % 97;
    }
    remainder == 1 && head[..2].iter().all(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: Rule, value: &str) -> bool {
        check(rule, value).is_ok()
    }

    #[test]
    fn dates_know_the_length_of_months() {
        assert!(holds(Rule::DateOrMonth, "261100") && !holds(Rule::Date, "261100"));
        assert!(holds(Rule::Date, "240229") && !holds(Rule::Date, "250229"));
        assert!(!holds(Rule::DateOrMonth, "261300") && !holds(Rule::Date, "261131"));
        assert!(holds(Rule::LongDate, "20000229") && !holds(Rule::LongDate, "19000229"));
        assert!(holds(Rule::HourMinute, "2359") && !holds(Rule::HourMinute, "2400"));
    }

    #[test]
    fn pieces_do_not_exceed_their_total() {
        assert!(holds(Rule::PieceOfTotal, "0202") && holds(Rule::PieceOfTotal, "0199"));
        assert!(!holds(Rule::PieceOfTotal, "0302") && !holds(Rule::PieceOfTotal, "0001"));
    }

    #[test]
    fn an_iban_is_checked_modulo_97() {
        assert!(holds(Rule::Iban, "GB82WEST12345698765432"));
        assert!(!holds(Rule::Iban, "GB82WEST12345698765431"));
        assert!(!holds(Rule::Iban, "GB82"));
    }

    #[test]
    fn a_wrong_check_digit_is_named_with_the_right_one() {
        let error = check(Rule::CheckDigit, "4012345000055").err().map(|e| e.at("GLN".to_owned()));
        assert_eq!(error.unwrap().to_string(), "GLN 4012345000055: check digit is 5, expected 4");
    }

    #[test]
    fn small_closed_lists_refuse_their_neighbours() {
        assert!(holds(Rule::MediaType, "10") && !holds(Rule::MediaType, "11"));
        assert!(holds(Rule::Sex, "9") && !holds(Rule::Sex, "3"));
        assert!(holds(Rule::Winding, "9") && !holds(Rule::Winding, "2"));
        assert!(holds(Rule::PositionInSequence, "1/2"));
        assert!(!holds(Rule::PositionInSequence, "3/2"));
        assert!(holds(Rule::Latitude, "1800000000") && !holds(Rule::Latitude, "1800000001"));
        assert!(holds(Rule::NoZeroPrefix, "0") && !holds(Rule::NoZeroPrefix, "01"));
        assert!(holds(Rule::PercentEncoded, "a%20b") && !holds(Rule::PercentEncoded, "a%2"));
    }
}
