//! The seam between events and GS1 identifiers.

use std::borrow::Cow;

use crate::gs1::{self, Checks, Gs1Error, Identifier};

/// The canonical Digital Link of a GS1 identifier; any other text unchanged.
pub(crate) fn canonical(text: &str) -> Cow<'_, str> {
    gs1::canonical(text)
}

/// What is wrong with a URI that claims to be a GS1 identifier; none where it is right or is some
/// other URI. An EPC URN and a link on GS1's own domain claim it; a link on another domain does so
/// only where it reads as one but for its content, since any web path may hold `/01/`.
pub(crate) fn fault(text: &str) -> Option<Gs1Error> {
    let urn = text.starts_with("urn:epc:");
    if !urn && !text.starts_with("http") {
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
