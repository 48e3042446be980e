//! Master data: which party, place and item a partner's code stands for.
//!
//! Intake never invents an answer: a code that is not in the table quarantines its document.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::{gs1, limits};

/// A party or a physical place with a GLN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its GLN, 13 digits.
    pub gln: String,
    /// Its name.
    pub name: String,
    /// GLN of the party that runs the place; the place's own GLN for a party.
    pub party: String,
    /// The time zone that its clocks show.
    pub zone: Option<Tz>,
}

/// A trade item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its GTIN, 14 digits.
    pub gtin: String,
    /// Its name.
    pub name: String,
    /// Rec 20 code of the measure that it is counted in; none when it is counted in pieces.
    pub measure: Option<String>,
}

/// Look-ups that the resolver needs. `system` is the sender's system; a code that is registered
/// for that system goes before one registered for all.
pub trait MasterData {
    /// The party or place of a code, name or GLN.
    fn location(&self, system: &str, code: &str) -> Option<Location>;
    /// The item of a code, name or GTIN.
    fn item(&self, system: &str, code: &str) -> Option<Item>;
    /// Whether there are any parties and places in the table.
    fn has_locations(&self) -> bool;
    /// Whether there are any items in the table.
    fn has_items(&self) -> bool;
}

/// Master data in memory.
#[derive(Debug, Clone, Default)]
pub struct MasterTable {
    locations: Vec<Location>,
    items: Vec<Item>,
    location_codes: HashMap<String, usize>,
    item_codes: HashMap<String, usize>,
}

/// What is wrong with a master-data file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct MasterError {
    /// The entry, such as `site 3` or `line 7`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

fn fault(place: impl Into<String>, message: impl Into<String>) -> MasterError {
    MasterError { place: place.into(), message: message.into() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    #[serde(default)]
    party: Vec<RawLocation>,
    #[serde(default)]
    site: Vec<RawLocation>,
    #[serde(default)]
    item: Vec<RawItem>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLocation {
    gln: String,
    name: String,
    party: Option<String>,
    zone: Option<String>,
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawItem {
    gtin: String,
    name: String,
    measure: Option<String>,
    #[serde(default)]
    codes: Vec<String>,
}

/// Codes are compared without case and blanks around.
fn key(code: &str) -> String {
    code.trim().to_lowercase()
}

impl MasterTable {
    /// All parties and places.
    #[must_use]
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// All items.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Reads `[[party]]`, `[[site]]` (gln, name, party, zone, codes) and `[[item]]` (gtin, name,
    /// measure, codes). A code `SYSTEM/code` holds for one sending system only.
    ///
    /// # Errors
    /// Not TOML, a wrong check digit, an unknown zone, a code that stands for two things.
    pub fn from_toml(text: &str) -> Result<Self, MasterError> {
        let raw: RawTable =
            toml::from_str(text).map_err(|error| fault("master data", error.to_string()))?;
        let mut table = MasterTable::default();
        for (what, entries) in [("party", &raw.party), ("site", &raw.site)] {
            for (at, entry) in entries.iter().enumerate() {
                table.add_location(&format!("{what} {}", at + 1), entry)?;
            }
        }
        for (at, entry) in raw.item.iter().enumerate() {
            table.add_item(&format!("item {}", at + 1), entry)?;
        }
        Ok(table)
    }

    /// Reads `kind,key,name,party,zone,measure,codes` with kind `party`, `site` or `item`, the
    /// GLN or GTIN as key, and codes separated by `|`.
    ///
    /// # Errors
    /// As [`MasterTable::from_toml`], by line.
    pub fn from_csv(text: &str) -> Result<Self, MasterError> {
        let mut table = MasterTable::default();
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| fault("master data", error.to_string()))?;
            let place = format!("line {}", record.position().map_or(0, csv::Position::line));
            let get = |at: usize| record.get(at).unwrap_or_default().to_owned();
            let maybe = |at: usize| Some(get(at)).filter(|text| !text.is_empty());
            let codes: Vec<String> =
                get(6).split('|').filter(|c| !c.trim().is_empty()).map(str::to_owned).collect();
            match get(0).as_str() {
                "party" | "site" => {
                    let (gln, name, party, zone) = (get(1), get(2), maybe(3), maybe(4));
                    table.add_location(&place, &RawLocation { gln, name, party, zone, codes })?;
                }
                "item" => {
                    let (gtin, name, measure) = (get(1), get(2), maybe(5));
                    table.add_item(&place, &RawItem { gtin, name, measure, codes })?;
                }
                other => {
                    let message = format!("kind \"{other}\" is none of party, site, item");
                    return Err(fault(place, message));
                }
            }
        }
        Ok(table)
    }

    fn room(&self, place: &str) -> Result<(), MasterError> {
        if self.locations.len() + self.items.len() >= limits::MASTER_ENTRIES_MAX {
            return Err(fault(place, format!("over {} entries", limits::MASTER_ENTRIES_MAX)));
        }
        Ok(())
    }

    fn add_location(&mut self, place: &str, raw: &RawLocation) -> Result<(), MasterError> {
        self.room(place)?;
        let gln = gs1::gln(&raw.gln).map_err(|message| fault(place, message))?;
        let party = match &raw.party {
            Some(party) => gs1::gln(party).map_err(|message| fault(place, message))?,
            None => gln.clone(),
        };
        let zone = match &raw.zone {
            Some(name) => Some(name.parse::<Tz>().map_err(|_| {
                fault(place, format!("zone \"{name}\" is not in the IANA time zone database"))
            })?),
            None => None,
        };
        // A party that is a site too is one entry; the site's zone and party are added to it.
        let index = match self.locations.iter().position(|known| known.gln == gln) {
            Some(index) => {
                let known = &mut self.locations[index];
                known.zone = known.zone.or(zone);
                if raw.party.is_some() {
                    known.party = party;
                }
                index
            }
            None => {
                let name = raw.name.clone();
                self.locations.push(Location { gln: gln.clone(), name, party, zone });
                self.locations.len() - 1
            }
        };
        let codes = raw.codes.iter().chain([&gln, &raw.name]);
        register(&mut self.location_codes, place, index, codes)
    }

    fn add_item(&mut self, place: &str, raw: &RawItem) -> Result<(), MasterError> {
        self.room(place)?;
        let gtin = gs1::gtin(&raw.gtin).map_err(|message| fault(place, message))?;
        let (name, measure) = (raw.name.clone(), raw.measure.clone());
        self.items.push(Item { gtin: gtin.clone(), name, measure });
        let codes = raw.codes.iter().chain([&gtin, &raw.name]);
        register(&mut self.item_codes, place, self.items.len() - 1, codes)
    }
}

fn register<'a>(
    table: &mut HashMap<String, usize>,
    place: &str,
    index: usize,
    codes: impl Iterator<Item = &'a String>,
) -> Result<(), MasterError> {
    for code in codes.filter(|code| !code.trim().is_empty()) {
        if table.insert(key(code), index).is_some_and(|before| before != index) {
            let message = format!("\"{code}\" already stands for another entry; make it one");
            return Err(fault(place, message));
        }
    }
    Ok(())
}

fn find(table: &HashMap<String, usize>, system: &str, code: &str) -> Option<usize> {
    let own = key(&format!("{}/{}", system.trim(), code.trim()));
    table.get(&own).or_else(|| table.get(&key(code))).copied()
}

impl MasterData for MasterTable {
    fn location(&self, system: &str, code: &str) -> Option<Location> {
        find(&self.location_codes, system, code).map(|index| self.locations[index].clone())
    }

    fn item(&self, system: &str, code: &str) -> Option<Item> {
        find(&self.item_codes, system, code).map(|index| self.items[index].clone())
    }

    fn has_locations(&self) -> bool {
        !self.locations.is_empty()
    }

    fn has_items(&self) -> bool {
        !self.items.is_empty()
    }
}
