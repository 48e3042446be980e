//! Element strings: application identifiers with their data, as bar codes carry them and as people
//! read them (GS1 General Specifications 3 and 7.8).

use super::ai::ApplicationIdentifier;
use super::{Checks, Element, Gs1Error};

/// The character that a scanner gives for FNC1 as separator.
const SEPARATOR: char = '\u{1d}';

/// Symbology identifiers that announce GS1 element strings: GS1-128 and GS1 Composite, GS1 DataBar,
/// GS1 DataMatrix, GS1 QR Code, GS1 DotCode.
const SYMBOLOGIES: [&str; 5] = ["]C1", "]e0", "]d2", "]Q3", "]J1"];

/// Whether `text` is marked as an element string: bracketed, or with a symbology identifier or a
/// separator in front. Bare digits are not.
pub(super) fn is_marked(text: &str) -> bool {
    let bracketed = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    bracketed.is_some_and(|(ai, _)| is_digits(ai))
        || text.starts_with(SEPARATOR)
        || SYMBOLOGIES.iter().any(|symbology| text.starts_with(symbology))
}

fn is_digits(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Reads an element string, bracketed or raw.
pub(super) fn read(text: &str, checks: Checks) -> Result<Vec<Element>, Gs1Error> {
    let elements = if text.starts_with('(') { bracketed(text)? } else { raw(text)? };
    check(&elements, checks)?;
    Ok(elements)
}

/// Checks the data of each element, and that none stands twice.
pub(super) fn check(elements: &[Element], checks: Checks) -> Result<(), Gs1Error> {
    for (index, element) in elements.iter().enumerate() {
        find(&element.ai)?.check(&element.ai, &element.value, checks)?;
        if elements[..index].iter().any(|before| before.ai == element.ai) {
            return Err(Gs1Error::Duplicate { ai: element.ai.clone() });
        }
    }
    Ok(())
}

pub(super) fn find(ai: &str) -> Result<&'static ApplicationIdentifier, Gs1Error> {
    ApplicationIdentifier::find(ai).ok_or_else(|| Gs1Error::UnknownAi { ai: ai.to_owned() })
}

/// `(01)…(10)…`. An opening bracket that is data is written `\(`, as the GS1 syntax engine does.
fn bracketed(text: &str) -> Result<Vec<Element>, Gs1Error> {
    let mut elements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (ai, tail) = rest
            .strip_prefix('(')
            .and_then(|tail| tail.split_once(')'))
            .filter(|(ai, _)| is_digits(ai))
            .ok_or(Gs1Error::NotAnIdentifier)?;
        let end = data_end(tail);
        let value = tail[..end].replace("\\(", "(");
        elements.push(Element { ai: ai.to_owned(), value });
        rest = &tail[end..];
    }
    Ok(elements)
}

/// Where the data of a bracketed element ends: before the next bracket that is not escaped.
fn data_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' => escaped = true,
            b'(' if !escaped => return at,
            _ => escaped = false,
        }
    }
    text.len()
}

/// `01…10…`: predefined lengths follow each other, others end at a separator.
fn raw(text: &str) -> Result<Vec<Element>, Gs1Error> {
    let unmarked = SYMBOLOGIES.iter().find_map(|s| text.strip_prefix(s)).unwrap_or(text);
    let mut rest = unmarked.strip_prefix(SEPARATOR).unwrap_or(unmarked);
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let row = ApplicationIdentifier::starting(rest).ok_or_else(|| Gs1Error::UnknownAi {
            ai: rest.chars().take(4).take_while(char::is_ascii_digit).collect(),
        })?;
        let (ai, tail) = rest.split_at(row.digits());
        let (value, after) = if row.predefined_length() {
            let length = row.length().1;
            match tail.split_at_checked(length) {
                // A separator is not needed here, and allowed.
                Some((value, after)) => (value, after.strip_prefix(SEPARATOR).unwrap_or(after)),
                None => (tail, ""),
            }
        } else {
            tail.split_once(SEPARATOR).unwrap_or((tail, ""))
        };
        elements.push(Element { ai: ai.to_owned(), value: value.to_owned() });
        rest = after;
    }
    if elements.is_empty() { Err(Gs1Error::NotAnIdentifier) } else { Ok(elements) }
}

/// Appends `(ai)value`.
pub(super) fn push_bracketed(out: &mut String, element: &Element) {
    out.push('(');
    out.push_str(&element.ai);
    out.push(')');
    out.push_str(&element.value.replace('(', "\\("));
}

/// Elements as a scanner gives them after a symbology identifier: no brackets, a separator after
/// data whose length is not predefined unless it ends the string.
pub(super) fn raw_string<'a>(elements: impl Iterator<Item = &'a Element>) -> String {
    let mut out = String::new();
    let mut open = false;
    for element in elements {
        if open {
            out.push(SEPARATOR);
        }
        out.push_str(&element.ai);
        out.push_str(&element.value);
        open = !ApplicationIdentifier::find(&element.ai)
            .is_some_and(ApplicationIdentifier::predefined_length);
    }
    out
}
