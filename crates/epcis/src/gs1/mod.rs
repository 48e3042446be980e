//! GS1 identifiers: keys with lengths and check digits, Digital Link, EPC URN, element strings.
//!
//! [`Identifier::parse`] reads all forms strictly, [`canonical`] gives the one form that equal
//! identifiers share, [`translate`] gives all forms.
//!
//! Implementations differ in three things; what we do:
//!
//! * **Percent-encoding.** A Digital Link that we write encodes every character but letters, digits
//!   and `- . _ ~ ' ; =`, as GS1's table of characters and the reference event hash have it;
//!   OpenEPCIS leaves `! ( ) * + , :` as they are. We read both. An EPC URN that we write encodes
//!   `" % & / < > ?` and, in component numbers, `#` (TDS 6.3); raw ones are refused, because `/` and
//!   `%` would read in two ways, where OpenEPCIS takes them.
//! * **Company prefixes of twelve digits** leave an empty reference (`grai:123456789012..4`). That is
//!   read and written; releases of the reference hash up to 1.9.3 leave such a GRAI as it is.
//! * **Check digits.** [`canonical`] does not check them, [`Identifier::parse`] does.

mod ai;
mod ai_table;
mod charset;
mod check;
mod element;
mod error;
mod identifier;
mod key;
mod link;
mod prefix;
mod rules;
mod urn;

use std::borrow::Cow;

use crate::json::Json;

pub use ai::ApplicationIdentifier;
pub use charset::CharacterSet;
pub use check::{check_digit, check_pair, valid_check_digit};
pub use error::Gs1Error;
pub use identifier::{Identifier, MAX_LENGTH};
pub use key::KeyType;
pub use prefix::prefix_length;

/// How much of an identifier is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Lengths and characters: enough to know the identity that is meant.
    Syntax,
    /// Check digits, dates and other rules on the content too.
    Full,
}

/// An application identifier with its data, unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// Two to four digits.
    pub ai: String,
    /// The data.
    pub value: String,
}

/// A GTIN of 8, 12, 13 or 14 digits as 14 digits, its check digit checked.
///
/// # Errors
/// [`Gs1Error`] when it is of another length, holds something else than digits, or its check digit
/// is wrong.
pub fn gtin14(gtin: &str) -> Result<String, Gs1Error> {
    let padded = link::padded("01", gtin);
    element::find("01")?.check("01", &padded, Checks::Full)?;
    Ok(padded)
}

/// The canonical Digital Link of a GS1 identifier ([`Identifier::digital_link`]); anything else
/// unchanged.
///
/// Read are EPC URNs, Digital Links on any domain, and element strings that are marked as such
/// (brackets, symbology identifier or leading separator; bare digits may be anything). Check digits
/// and other rules on the content are not checked: two spellings of a wrong identifier are still
/// the same identifier, and the reference event hash does not check them either.
pub fn canonical(text: &str) -> Cow<'_, str> {
    if !(urn::is_epc_urn(text) || link::is_web_uri(text) || element::is_marked(text)) {
        return Cow::Borrowed(text);
    }
    match Identifier::read(text, Checks::Syntax).ok().and_then(|found| found.digital_link()) {
        Some(link) if link != text => Cow::Owned(link),
        _ => Cow::Borrowed(text),
    }
}

/// All forms of an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The canonical Digital Link.
    pub digital_link: String,
    /// The EPC URN; `None` when the key has no EPC scheme, or the length of its company prefix is
    /// not known.
    pub epc_urn: Option<String>,
    /// The bracketed element string, with all qualifiers and data.
    pub element_string: String,
    /// The kind of identifier.
    pub key_type: KeyType,
}

impl Translation {
    /// `{digitalLink, epcUrn, elementString, keyType}`, `epcUrn` null when there is none.
    pub fn to_json(&self) -> Json {
        let mut out = Json::object();
        out.set("digitalLink", Json::string(&self.digital_link));
        out.set("epcUrn", self.epc_urn.as_ref().map_or(Json::Null, Json::string));
        out.set("elementString", Json::string(&self.element_string));
        out.set("keyType", Json::string(self.key_type.name()));
        out
    }
}

/// Reads an identifier strictly and gives all its forms.
///
/// # Errors
/// As [`Identifier::parse`]; and [`Gs1Error::NoDigitalLink`] for an EPC without GS1 key.
pub fn translate(text: &str) -> Result<Translation, Gs1Error> {
    let identifier = Identifier::parse(text.trim())?;
    let key_type = identifier.key_type();
    let digital_link =
        identifier.digital_link().ok_or(Gs1Error::NoDigitalLink { key_type: key_type.name() })?;
    Ok(Translation {
        digital_link,
        epc_urn: identifier.epc_urn(None),
        element_string: identifier.element_string(),
        key_type,
    })
}
