//! EPC URNs: pure identities, the class URN of lots, and patterns that name a class (GS1 Tag Data
//! Standard 6.3, 7 and 8; Core Business Vocabulary 8.2 and 8.3).
//!
//! Tag and raw URNs (`urn:epc:tag:`, `urn:epc:raw:`) describe a tag's memory, not an object, and
//! are refused.

use super::charset::{CharacterSet, push_urn_component, unescape_urn};
use super::{Checks, Element, Gs1Error, KeyType, check_digit, element, valid_check_digit};

const INSTANCE: &str = "urn:epc:id:";
const CLASS: &str = "urn:epc:class:";
const PATTERN: &str = "urn:epc:idpat:";

/// Least and greatest digits of a GS1 company prefix in an EPC URN.
const PREFIX_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;

/// How the components of a scheme make the data of its primary key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Company prefix and reference are digits of a fixed sum, the first digit of the reference
    /// goes to the front, a check digit ends it: GTIN and SSCC.
    FirstDigitMoves(usize),
    /// Company prefix and reference are digits of a fixed sum, a check digit ends it.
    CheckDigit(usize),
    /// Company prefix and a reference of any characters: no fixed sum, no check digit.
    Open,
}

/// What the last component of a scheme holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// There is none beyond the key.
    Nothing,
    /// Goes on in the data of the primary key itself (serials of GRAI, GDTI, GCN).
    Appended,
    /// The data of this qualifier.
    Qualifier(&'static str),
}

struct Scheme {
    name: &'static str,
    ai: &'static str,
    layout: Layout,
    last: Last,
}

const fn scheme(name: &'static str, ai: &'static str, layout: Layout, last: Last) -> Scheme {
    Scheme { name, ai, layout, last }
}

/// Schemes with a Digital Link form.
const SCHEMES: [Scheme; 16] = [
    scheme("sgtin", "01", Layout::FirstDigitMoves(13), Last::Qualifier("21")),
    scheme("upui", "01", Layout::FirstDigitMoves(13), Last::Qualifier("235")),
    scheme("lgtin", "01", Layout::FirstDigitMoves(13), Last::Qualifier("10")),
    scheme("itip", "8006", Layout::FirstDigitMoves(13), Last::Qualifier("21")),
    scheme("sscc", "00", Layout::FirstDigitMoves(17), Last::Nothing),
    scheme("sgln", "414", Layout::CheckDigit(12), Last::Qualifier("254")),
    scheme("pgln", "417", Layout::CheckDigit(12), Last::Nothing),
    scheme("grai", "8003", Layout::CheckDigit(12), Last::Appended),
    scheme("gdti", "253", Layout::CheckDigit(12), Last::Appended),
    scheme("sgcn", "255", Layout::CheckDigit(12), Last::Appended),
    scheme("gsrn", "8018", Layout::CheckDigit(17), Last::Nothing),
    scheme("gsrnp", "8017", Layout::CheckDigit(17), Last::Nothing),
    scheme("gsin", "402", Layout::CheckDigit(16), Last::Nothing),
    scheme("giai", "8004", Layout::Open, Last::Nothing),
    scheme("ginc", "401", Layout::Open, Last::Nothing),
    scheme("cpi", "8010", Layout::Open, Last::Qualifier("8011")),
];

/// Schemes of which patterns with `*` as last component name a class of objects.
const CLASS_PATTERNS: [&str; 7] = ["sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui"];

/// What an EPC URN holds.
pub(super) enum Parsed {
    /// A GS1 key, its qualifiers, and the length of the company prefix.
    Keyed(Vec<Element>, u8),
    /// An EPC without GS1 key.
    Opaque(KeyType),
}

/// Whether `text` begins like an EPC URN.
pub(super) fn is_epc_urn(text: &str) -> bool {
    text.starts_with("urn:epc:")
}

/// Reads an EPC URN.
pub(super) fn read(urn: &str, checks: Checks) -> Result<Parsed, Gs1Error> {
    let (kind, rest) = [INSTANCE, CLASS, PATTERN]
        .into_iter()
        .find_map(|kind| Some((kind, urn.strip_prefix(kind)?)))
        .ok_or_else(|| unknown(urn))?;
    let (name, body) = rest.split_once(':').ok_or_else(|| unknown(urn))?;
    if kind == INSTANCE
        && let Some(opaque) = read_opaque(name, body)?
    {
        return Ok(Parsed::Opaque(opaque));
    }
    let scheme = SCHEMES
        .iter()
        .find(|scheme| scheme.name == name && (kind == CLASS) == (name == "lgtin"))
        .ok_or_else(|| unknown(urn))?;
    if kind != PATTERN {
        return read_keyed(scheme, body, false, checks);
    }
    // "*" is also a character of serial numbers, hence the look at the whole component.
    let components = if name == "itip" { 5 } else { 3 };
    let last_alone = body.splitn(components, '.').nth(components - 1) == Some("*")
        && body.matches('*').count() == 1;
    if last_alone && CLASS_PATTERNS.contains(&name) {
        read_keyed(scheme, body, true, checks)
    } else {
        Err(Gs1Error::Pattern { urn: urn.to_owned() })
    }
}

/// The URN up to and with its scheme, for messages.
fn unknown(urn: &str) -> Gs1Error {
    let end = urn.match_indices(':').nth(3).map_or(urn.len(), |(at, _)| at);
    Gs1Error::UnknownScheme { scheme: urn[..end].to_owned() }
}

fn read_keyed(
    scheme: &Scheme,
    body: &str,
    pattern: bool,
    checks: Checks,
) -> Result<Parsed, Gs1Error> {
    let expected = match (scheme.name, scheme.last) {
        ("itip", _) => 5,
        (_, Last::Nothing) => 2,
        _ => 3,
    };
    let parts: Vec<&str> = body.splitn(expected, '.').collect();
    if parts.len() != expected {
        return Err(Gs1Error::Components { scheme: scheme.name, expected, found: parts.len() });
    }
    let (prefix, reference) = (parts[0], parts[1]);
    check_prefix(scheme, prefix)?;
    let mut value = key_data(scheme, prefix, reference)?;
    if scheme.name == "itip" {
        for count in &parts[2..4] {
            if count.len() != 2 {
                return Err(Gs1Error::Length {
                    field: "piece or total of the itip".to_owned(),
                    expected: "2".to_owned(),
                    found: count.len(),
                });
            }
            value.push_str(count);
        }
    }
    let mut elements = Vec::with_capacity(2);
    if scheme.last != Last::Nothing && !pattern {
        let field = || format!("last component of the {}", scheme.name);
        let last = unescape_urn(parts[expected - 1], field)?;
        if last.is_empty() {
            return Err(Gs1Error::Empty { field: field() });
        }
        match scheme.last {
            Last::Appended => value.push_str(&last),
            // An SGLN without extension is written with the extension "0".
            Last::Qualifier("254") if last == "0" => {}
            Last::Qualifier(ai) => elements.push(Element { ai: ai.to_owned(), value: last }),
            Last::Nothing => {}
        }
    }
    elements.insert(0, Element { ai: scheme.ai.to_owned(), value });
    for element in &elements {
        element::find(&element.ai)?.check(&element.ai, &element.value, checks)?;
    }
    Ok(Parsed::Keyed(elements, prefix.len() as u8))
}

fn check_prefix(scheme: &Scheme, prefix: &str) -> Result<(), Gs1Error> {
    let field = || format!("company prefix of the {}", scheme.name);
    check_digits(prefix, field)?;
    if PREFIX_DIGITS.contains(&prefix.len()) {
        Ok(())
    } else {
        Err(Gs1Error::Length {
            field: field(),
            expected: "6 to 12".to_owned(),
            found: prefix.len(),
        })
    }
}

fn check_digits(text: &str, field: impl Fn() -> String) -> Result<(), Gs1Error> {
    match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, found)) => Err(Gs1Error::Character {
            field: field(),
            found,
            position: at + 1,
            set: CharacterSet::Numeric.name(),
        }),
        None => Ok(()),
    }
}

/// The data of the primary key from company prefix and reference.
fn key_data(scheme: &Scheme, prefix: &str, reference: &str) -> Result<String, Gs1Error> {
    let field = || format!("reference of the {} after its company prefix", scheme.name);
    let total = match scheme.layout {
        Layout::Open if reference.is_empty() => return Err(Gs1Error::Empty { field: field() }),
        Layout::Open => return Ok(format!("{prefix}{}", unescape_urn(reference, field)?)),
        Layout::FirstDigitMoves(total) | Layout::CheckDigit(total) => total,
    };
    check_digits(reference, field)?;
    if prefix.len() + reference.len() != total {
        return Err(Gs1Error::Length {
            field: field(),
            expected: total.saturating_sub(prefix.len()).to_string(),
            found: reference.len(),
        });
    }
    let mut value = match scheme.layout {
        Layout::FirstDigitMoves(_) => format!("{}{prefix}{}", &reference[..1], &reference[1..]),
        _ => format!("{prefix}{reference}"),
    };
    if let Some(digit) = check_digit(&value) {
        value.push(char::from(b'0' + digit));
    }
    // A GRAI's data begins with a filler zero, which does not change the check digit.
    Ok(if scheme.name == "grai" { format!("0{value}") } else { value })
}

/// EPC schemes without GS1 key: their syntax is checked, not what their issuers say about it.
fn read_opaque(name: &str, body: &str) -> Result<Option<KeyType>, Gs1Error> {
    let (scheme, key_type, expected) = match name {
        "usdod" => ("usdod", KeyType::Usdod, 2),
        "adi" => ("adi", KeyType::Adi, 3),
        "bic" => ("bic", KeyType::Bic, 1),
        "gid" => ("gid", KeyType::Gid, 3),
        "imovn" => ("imovn", KeyType::Imovn, 1),
        _ => return Ok(None),
    };
    let parts: Vec<&str> = body.split('.').collect();
    if parts.len() != expected {
        return Err(Gs1Error::Components { scheme, expected, found: parts.len() });
    }
    for (index, component) in parts.iter().enumerate() {
        // The part number of an ADI may be empty when the serial is unique in the enterprise.
        if component.is_empty() && !(key_type == KeyType::Adi && index == 1) {
            return Err(Gs1Error::Empty {
                field: format!("component {} of the {scheme}", index + 1),
            });
        }
    }
    let field = || scheme.to_owned();
    let digits_from = match key_type {
        KeyType::Gid | KeyType::Imovn => 0,
        KeyType::Usdod => 1,
        _ => parts.len(),
    };
    for component in &parts[digits_from..] {
        check_digits(component, field)?;
    }
    let length = match key_type {
        KeyType::Usdod | KeyType::Adi => Some((parts[0], 5, 6)),
        KeyType::Bic => Some((parts[0], 11, 11)),
        KeyType::Imovn => Some((parts[0], 7, 7)),
        _ => None,
    };
    if let Some((text, min, max)) =
        length.filter(|(text, min, max)| !(*min..=*max).contains(&text.len()))
    {
        let expected = if min == max { format!("{min}") } else { format!("{min} or {max}") };
        return Err(Gs1Error::Length { field: field(), expected, found: text.len() });
    }
    unescape_urn(body, field)?;
    Ok(Some(key_type))
}

/// Digits of a key's data that stand before its company prefix.
pub(super) fn digits_before_prefix(ai: &str) -> usize {
    usize::from(matches!(ai, "00" | "01" | "8003" | "8006"))
}

/// The EPC URN of `primary` with the qualifiers that identify, its company prefix being `length`
/// digits long. `None` when there is no such URN: another kind of key, or a prefix that leaves no
/// digit for the reference.
pub(super) fn write(primary: &Element, finest: Option<&Element>, length: u8) -> Option<String> {
    let length = usize::from(length);
    if !PREFIX_DIGITS.contains(&length) {
        return None;
    }
    let qualifier = finest.map(|element| element.ai.as_str());
    let scheme = SCHEMES.iter().find(|scheme| {
        let fits = match (scheme.last, qualifier) {
            (Last::Qualifier(ai), Some(found)) => ai == found,
            // Without qualifier a pattern, but for SGLN, whose extension "0" says so.
            (_, found) => found.is_none(),
        };
        scheme.ai == primary.ai && fits && scheme.name != "lgtin"
            || scheme.name == "lgtin" && primary.ai == "01" && qualifier == Some("10")
    })?;
    let data = primary.value.as_str();
    let (prefix, reference, rest) = split_key(scheme, data, length)?;
    let kind = match (scheme.last, qualifier) {
        (Last::Qualifier("10"), _) => CLASS,
        (Last::Qualifier("254") | Last::Nothing, _) => INSTANCE,
        (Last::Appended, _) if rest.is_empty() => PATTERN,
        (Last::Qualifier(_), None) => PATTERN,
        _ => INSTANCE,
    };
    let mut out = format!("{kind}{}:{prefix}.", scheme.name);
    push_urn_component(&mut out, &reference);
    if scheme.name == "itip" {
        out.push_str(&format!(".{}.{}", rest.get(..2)?, rest.get(2..)?));
    }
    if scheme.last != Last::Nothing {
        out.push('.');
        match (finest, scheme.last) {
            _ if kind == PATTERN => out.push('*'),
            (Some(element), _) => push_urn_component(&mut out, &element.value),
            (None, Last::Appended) => push_urn_component(&mut out, rest),
            (None, _) => out.push('0'),
        }
    }
    Some(out)
}

/// Company prefix, reference, and what follows the check digit. `None` also when the check digit is
/// wrong: an URN does not carry it, so it would be corrected in silence.
fn split_key<'a>(
    scheme: &Scheme,
    data: &'a str,
    length: usize,
) -> Option<(&'a str, String, &'a str)> {
    let (first, from_prefix) = data.split_at_checked(digits_before_prefix(scheme.ai))?;
    let (prefix, after) = from_prefix.split_at_checked(length)?;
    if !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (total, reference_digits) = match scheme.layout {
        Layout::Open => return (!after.is_empty()).then(|| (prefix, after.to_owned(), "")),
        Layout::FirstDigitMoves(total) => (total, total - 1 - length),
        Layout::CheckDigit(total) => (total, total - length),
    };
    let (reference, rest) = after.split_at_checked(reference_digits)?;
    let key = if scheme.layout == Layout::CheckDigit(total) { from_prefix } else { data };
    if !valid_check_digit(key.get(..=total)?) {
        return None;
    }
    let reference = match scheme.layout {
        Layout::FirstDigitMoves(_) => format!("{first}{reference}"),
        // The filler of a GRAI.
        _ if first.bytes().any(|b| b != b'0') => return None,
        _ => reference.to_owned(),
    };
    Some((prefix, reference, rest.get(1..)?))
}
