//! GS1 keys as they stand in business documents: with or without application identifier, padded
//! or not, and as Digital Link URIs (GS1 General Specifications §7.9; Digital Link 1.4).

use countermark_epcis::gs1::{self, Identifier};

/// The canonical domain of a Digital Link URI.
const DOMAIN: &str = "https://id.gs1.org";

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn checked(key: &str, what: &str) -> Result<(), String> {
    let (body, last) = key.split_at(key.len() - 1);
    match gs1::check_digit(body) {
        Some(right) if last == right.to_string() => Ok(()),
        Some(right) => Err(format!("the check digit of {what} {key} is {last}, not {right}")),
        None => Err(format!("{what} {key} is not digits only")),
    }
}

/// The text after an application identifier in brackets, or as it is.
fn without_ai<'a>(text: &'a str, ai: &str) -> &'a str {
    let text = text.trim();
    text.strip_prefix(&format!("({ai})")).unwrap_or(text).trim()
}

/// A GTIN of 8, 12, 13 or 14 digits, as 14 digits.
///
/// # Errors
/// What is wrong with it, in words.
pub fn gtin(text: &str) -> Result<String, String> {
    let text = without_ai(text, "01");
    if text.contains(['E', 'e']) && text.contains(['+', '.']) {
        return Err(format!("{text} is a number in scientific notation; digits are lost"));
    }
    if !digits(text) || !matches!(text.len(), 8 | 12 | 13 | 14) {
        return Err(format!("\"{text}\" is no GTIN of 8, 12, 13 or 14 digits"));
    }
    checked(text, "GTIN")?;
    Ok(format!("{text:0>14}"))
}

/// A GLN of 13 digits.
///
/// # Errors
/// What is wrong with it, in words.
pub fn gln(text: &str) -> Result<String, String> {
    let text = without_ai(without_ai(text, "414"), "417");
    if !digits(text) || text.len() != 13 {
        return Err(format!("\"{text}\" is no GLN of 13 digits"));
    }
    checked(text, "GLN")?;
    Ok(text.to_owned())
}

/// An SSCC of 18 digits; 20 digits with the application identifier 00 are taken too.
///
/// # Errors
/// What is wrong with it, in words.
pub fn sscc(text: &str) -> Result<String, String> {
    let text = without_ai(text, "00");
    let text = if text.len() == 20 { text.strip_prefix("00").unwrap_or(text) } else { text };
    if !digits(text) || text.len() != 18 {
        return Err(format!("\"{text}\" is no SSCC of 18 digits"));
    }
    checked(text, "SSCC")?;
    Ok(text.to_owned())
}

/// A batch or lot number: 1 to 20 characters of GS1's set 82 (General Specifications §7.11).
///
/// # Errors
/// What is wrong with it, in words.
pub fn lot(text: &str) -> Result<&str, String> {
    let count = text.chars().count();
    if !(1..=20).contains(&count) {
        return Err(format!("lot \"{text}\" has {count} characters; 1 to 20 are allowed"));
    }
    match text.chars().find(|c| !in_set_82(*c)) {
        Some(c) => Err(format!("lot \"{text}\" holds '{c}', which no GS1 lot may hold")),
        None => Ok(text),
    }
}

fn in_set_82(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!\"%&'()*+,-./_:;<=>?".contains(c)
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The class of trade items with a GTIN of 14 digits.
#[must_use]
pub fn class_uri(gtin: &str) -> String {
    format!("{DOMAIN}/01/{gtin}")
}

/// The class of trade items of one lot.
///
/// # Errors
/// As [`lot`].
pub fn lot_uri(gtin: &str, number: &str) -> Result<String, String> {
    let number = lot(number)?;
    let class = Identifier::from_elements(&[("01", gtin), ("10", number)]);
    let link = class.map_err(|fault| fault.to_string())?.digital_link();
    link.ok_or_else(|| format!("lot {number} of GTIN {gtin} has no Digital Link"))
}

/// A physical location.
#[must_use]
pub fn location_uri(gln: &str) -> String {
    format!("{DOMAIN}/414/{gln}")
}

/// A party.
#[must_use]
pub fn party_uri(gln: &str) -> String {
    format!("{DOMAIN}/417/{gln}")
}

/// A logistic unit.
#[must_use]
pub fn sscc_uri(sscc: &str) -> String {
    format!("{DOMAIN}/00/{sscc}")
}

/// The canonical form of an identifier that is a URI already.
#[must_use]
pub fn canonical(uri: &str) -> String {
    gs1::canonical(uri).into_owned()
}
