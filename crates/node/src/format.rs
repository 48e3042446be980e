//! `GS1-EPC-Format`: how identifiers are written in answers.

use countermark_epcis::gs1::{self, Identifier};
use countermark_epcis::json::Json;
use serde::{Deserialize, Serialize};

/// GS1's four values of the header `GS1-EPC-Format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EpcFormat {
    /// Every GS1 identifier as canonical Digital Link.
    #[serde(rename = "Always_GS1_Digital_Link")]
    AlwaysGs1DigitalLink,
    /// Every identifier that has an EPC URN as that.
    #[serde(rename = "Always_EPC_URN")]
    AlwaysEpcUrn,
    /// As captured.
    #[serde(rename = "Never_Translates")]
    #[default]
    NeverTranslates,
    /// As captured.
    #[serde(rename = "No_Preference")]
    NoPreference,
}

impl EpcFormat {
    /// GS1's four values.
    pub const ALL: [Self; 4] =
        [Self::AlwaysGs1DigitalLink, Self::AlwaysEpcUrn, Self::NeverTranslates, Self::NoPreference];

    /// The value as GS1 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlwaysGs1DigitalLink => "Always_GS1_Digital_Link",
            Self::AlwaysEpcUrn => "Always_EPC_URN",
            Self::NeverTranslates => "Never_Translates",
            Self::NoPreference => "No_Preference",
        }
    }

    /// The value that is written so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// Members whose values, or the values in whose lists, are identifiers of objects or places.
const IDENTIFIER_MEMBERS: [&str; 13] = [
    "epcList",
    "childEPCs",
    "parentID",
    "inputEPCList",
    "outputEPCList",
    "epcClass",
    "id",
    "source",
    "destination",
    "deviceID",
    "transformationID",
    "bizLocation",
    "readPoint",
];

/// An event with its identifiers written as asked for. What has no such form stays as it is.
pub(crate) fn translate(event: &mut Json, format: EpcFormat) {
    match format {
        EpcFormat::NeverTranslates | EpcFormat::NoPreference => {}
        EpcFormat::AlwaysGs1DigitalLink => walk(event, false, &|text| {
            let canonical = gs1::canonical(text);
            (canonical != text).then(|| canonical.into_owned())
        }),
        EpcFormat::AlwaysEpcUrn => {
            walk(event, false, &|text| Identifier::parse(text).ok()?.epc_urn(None))
        }
    }
}

fn walk(value: &mut Json, is_identifier: bool, form: &dyn Fn(&str) -> Option<String>) {
    match value {
        Json::String(text) if is_identifier => {
            if let Some(other) = form(text) {
                *text = other;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| walk(item, is_identifier, form)),
        Json::Object(members) => {
            for (name, member) in members.iter_mut().filter(|(name, _)| name != "@context") {
                walk(member, IDENTIFIER_MEMBERS.contains(&name.as_str()), form);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_are_translated() {
        let text = r#"{"@context":["urn:epc:id:sscc:0614141.1234567890"],
            "epcList":["urn:epc:id:sgtin:0614141.107346.2017"],"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0"},
            "bizStep":"shipping","example:note":"urn:epc:id:sgtin:0614141.107346.2017"}"#;
        let mut event = countermark_epcis::json::parse(text.as_bytes()).unwrap();
        translate(&mut event, EpcFormat::AlwaysGs1DigitalLink);
        let at = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).unwrap();
        assert_eq!(at("/epcList/0"), "https://id.gs1.org/01/10614141073464/21/2017");
        assert_eq!(at("/readPoint/id"), "https://id.gs1.org/414/0614141007776");
        assert_eq!(at("/example:note"), "urn:epc:id:sgtin:0614141.107346.2017");
        assert_eq!(at("/@context/0"), "urn:epc:id:sscc:0614141.1234567890");
        let mut back = event.clone();
        translate(&mut back, EpcFormat::AlwaysEpcUrn);
        assert!(back.pointer("/epcList/0").and_then(Json::as_str).unwrap().starts_with("urn:epc:"));
    }
}
