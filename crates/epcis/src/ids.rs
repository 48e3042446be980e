//! The seam between events and GS1 identifiers.

use std::borrow::Cow;

use crate::gs1::{self, Checks, Gs1Error, Identifier};

/// The canonical Digital Link of a GS1 identifier; any other text unchanged.
pub(crate) fn canonical(text: &str) -> Cow<'_, str> {
    if plain_link(text).is_some() { Cow::Borrowed(text) } else { gs1::canonical(text) }
}

/// The key of a link that is canonical at sight: one of the everyday keys on GS1's own domain,
/// with one qualifier at most, of characters that no escaping touches. Most identifiers of an
/// event are such; knowing them without reading them saves a third of the time of a capture.
fn plain_link(text: &str) -> Option<&str> {
    let mut parts = text.strip_prefix("https://id.gs1.org/")?.split('/');
    let (ai, key) = (parts.next()?, parts.next()?);
    let (digits, qualifiers): (usize, &[&str]) = match ai {
        "00" => (18, &[]),
        "01" => (14, &["10", "21"]),
        "414" => (13, &["254"]),
        "417" => (13, &[]),
        _ => return None,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let qualified = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some(name), Some(value), None) => {
            // An extension 0 stands for "none" and is left out of the canonical form.
            qualifiers.contains(&name)
                && (name, value) != ("254", "0")
                && (1..=20).contains(&value.len())
                && value.bytes().all(plain)
        }
        _ => false,
    };
    let right = key.len() == digits && key.bytes().all(|b| b.is_ascii_digit());
    (right && qualified).then_some(key)
}

/// What is wrong with a URI that claims to be a GS1 identifier; none where it is right or is some
/// other URI. An EPC URN and a link on GS1's own domain claim it; a link on another domain does so
/// only where it reads as one but for its content, since any web path may hold `/01/`.
pub(crate) fn fault(text: &str) -> Option<Gs1Error> {
    let urn = text.starts_with("urn:epc:");
    if !urn && !text.starts_with("http") {
        return None;
    }
    if plain_link(text).is_some_and(gs1::valid_check_digit) {
        return None;
    }
    match Identifier::parse(text) {
        Ok(_) | Err(Gs1Error::UnknownScheme { .. }) => None,
        Err(fault) if urn => Some(fault),
        Err(Gs1Error::NotAnIdentifier | Gs1Error::NoPrimaryKey) => None,
        Err(fault) => {
            let claims = text.starts_with("https://id.gs1.org/")
                || Identifier::read(text, Checks::Syntax).is_ok();
            claims.then_some(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_canonical_at_sight_is_canonical_when_read(
            text in "https://id\\.gs1\\.org/(00/[0-9]{18}|01/[0-9]{14}|41[47]/[0-9]{13})\
                     (/(10|21|254)/[A-Za-z0-9._-]{1,21})?"
        ) {
            prop_assert_eq!(canonical(&text), gs1::canonical(&text));
            if let Some(key) = plain_link(&text) {
                prop_assert_eq!(fault(&text).is_none(), gs1::valid_check_digit(key));
                prop_assert_eq!(fault(&text), Identifier::parse(&text).err());
            }
        }
    }

    #[test]
    fn only_what_claims_to_be_a_gs1_identifier_can_be_a_wrong_one() {
        for right in [
            "https://id.gs1.org/01/09521141012345/21/2017",
            "urn:epc:id:sgtin:0614141.107346.2017",
            "https://example.com/shop/01/cheese",
            "urn:example:01",
            "geo:50.9,6.9",
        ] {
            assert_eq!(fault(right), None, "{right}");
        }
        for wrong in [
            "https://id.gs1.org/01/09521141012340/21/2017",
            "https://example.com/01/09521141012340/21/2017",
            "https://id.gs1.org/01/0952114101234",
            "urn:epc:id:sgtin:0614141.10734.2017",
        ] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
    }
}
