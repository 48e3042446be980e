//! Parties, places, logistic units and document references.

use countermark_epcis::json::Json;
use rust_decimal::Decimal;

use super::draft::{self, Cell, cell};
use super::{Resolver, items, text_of};
use crate::gs1;
use crate::master::Location;

impl Resolver<'_> {
    /// A location by GLN, else by the partner's code, else by name. None when the draft has none
    /// or it is not known (then it is quarantined).
    pub(super) fn location(&mut self, json: Option<&Json>, above: &str) -> Option<Location> {
        let json = json.filter(|json| **json != Json::Null)?;
        let at = draft::place(json, above);
        if let Some(gln) = cell(json.get("gln"), &at) {
            return self.by_gln(&gln);
        }
        let named = cell(json.get("name"), &at);
        let Some(code) = cell(json.get("code"), &at).or_else(|| named.clone()) else {
            let message = "a party or place without GLN, code or name";
            self.error(&at, "party-missing", message, "fill in its GLN");
            return None;
        };
        if let Some(found) = self.master.location(&self.system, &code.value) {
            return Some(found);
        }
        let scheme = text_of(json, "scheme");
        let scheme = if scheme.is_empty() { String::new() } else { format!(" ({scheme})") };
        let called = named.filter(|n| n.value != code.value).map(|n| format!(", \"{}\"", n.value));
        let called = called.unwrap_or_default();
        let needed = format!(
            "a party or site with code \"{}\"{scheme}{called} and its GLN in master data",
            code.value
        );
        self.quarantine(&code, "unknown-party", needed);
        None
    }

    /// A position given as a `geo:` URI (RFC 5870), which a moving read point has instead of a
    /// GLN.
    pub(super) fn position(&mut self, json: &Json, above: &str) -> Option<String> {
        let uri = cell(json.get("uri"), &draft::place(json, above))?;
        let numbers = uri.value.strip_prefix("geo:").and_then(|rest| rest.split_once(','));
        let within = |text: &str, most: u16| {
            text.parse::<Decimal>().is_ok_and(|number| number.abs() <= Decimal::from(most))
        };
        if numbers.is_some_and(|(lat, lon)| within(lat, 90) && within(lon, 180)) {
            return Some(uri.value);
        }
        let message = format!("\"{}\" is no position on Earth", uri.value);
        self.error(&uri.at, "position", message, "send latitude and longitude in degrees");
        None
    }

    fn by_gln(&mut self, gln: &Cell) -> Option<Location> {
        let digits = match gs1::gln(&gln.value) {
            Ok(digits) => digits,
            Err(message) => {
                let hint = "check the GLN with the party; its last digit is a check digit";
                self.error(&gln.at, "gln", message, hint);
                return None;
            }
        };
        if let Some(found) = self.master.location(&self.system, &digits) {
            return Some(found);
        }
        if self.master.has_locations() {
            let message = format!("GLN {digits} is not in master data");
            self.warn(&gln.at, "gln-unlisted", message, "add the party, with its time zone");
        }
        let name = digits.clone();
        Some(Location { gln: digits.clone(), name, party: digits, zone: None })
    }

    /// The URI of a logistic unit or another instance.
    pub(super) fn unit_uri(&mut self, json: &Json, above: &str) -> Option<String> {
        let at = draft::place(json, above);
        if let Some(sscc) = cell(json.get("sscc"), &at) {
            return match gs1::sscc(&sscc.value) {
                Ok(digits) => Some(gs1::sscc_uri(&digits)),
                Err(message) => {
                    let hint = "an SSCC has 18 digits and a check digit; an internal pallet \
                                number is no SSCC";
                    self.error(&sscc.at, "sscc", message, hint);
                    None
                }
            };
        }
        let uri = cell(json.get("uri"), &at)?;
        if uri.value.contains(':') && !uri.value.contains(char::is_whitespace) {
            return Some(gs1::canonical(&uri.value));
        }
        let message = format!("\"{}\" is no URI", uri.value);
        self.error(&uri.at, "uri", message, "identify it by a GS1 key or a URI");
        None
    }

    /// Sources, destinations and business documents.
    pub(super) fn parties(&mut self, draft: &Json, at: &str, event: &mut Json) {
        let from = self.location(draft.get("from"), at);
        let to = self.location(draft.get("to"), at);
        let owner_from = self.location(draft.get("ownerFrom"), at);
        let owner_to = self.location(draft.get("ownerTo"), at);
        let sides = [
            ("sourceList", "source", &from, &owner_from),
            ("destinationList", "destination", &to, &owner_to),
        ];
        for (list, member, holder, owner) in sides {
            let mut entries = Vec::new();
            let mut add = |kind: &str, uri: String| {
                let mut entry = Json::object();
                entry.set("type", Json::string(kind));
                entry.set(member, Json::String(uri));
                entries.push(entry);
            };
            if let Some(owner) = owner {
                add("owning_party", gs1::party_uri(&owner.party));
            }
            if let Some(holder) = holder {
                add("possessing_party", gs1::party_uri(&holder.party));
                add("location", gs1::location_uri(&holder.gln));
            }
            if !entries.is_empty() {
                event.set(list, Json::Array(entries));
            }
        }
        let transactions = self.transactions(draft, at, from.as_ref());
        if !transactions.is_empty() {
            event.set("bizTransactionList", Json::Array(transactions));
        }
    }

    /// `urn:epcglobal:cbv:bt:{issuer's GLN}:{number}` (CBV 2.0 §8.5.1); the issuer keeps equal
    /// numbers of two partners apart.
    fn transactions(&mut self, draft: &Json, at: &str, sender: Option<&Location>) -> Vec<Json> {
        let mut out: Vec<Json> = Vec::new();
        for document in items(draft, "documents") {
            let Some(id) = cell(document.get("id"), at) else { continue };
            let issuer = match self.location(document.get("issuer"), at) {
                Some(issuer) => issuer.party,
                None if document.get("issuer").is_some_and(|i| *i != Json::Null) => continue,
                None => match sender {
                    Some(sender) => sender.party.clone(),
                    None => {
                        let message = format!("nobody is named who issued document {}", id.value);
                        self.note_once(&id.at, "document-issuer", message);
                        continue;
                    }
                },
            };
            let uri = format!("urn:epcglobal:cbv:bt:{issuer}:{}", gs1::escaped(&id.value));
            let mut entry = Json::object();
            let kind = text_of(document, "type");
            if !kind.is_empty() {
                entry.set("type", Json::String(kind));
            }
            entry.set("bizTransaction", Json::String(uri));
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
        out
    }
}
