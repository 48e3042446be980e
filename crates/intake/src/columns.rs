//! A table of unknown layout: what its columns may mean, the mapping that says so, and its rows one
//! by one.
//!
//! Nothing is decided here: [`Table::propose`] fills a form that a person looks at, and what the
//! person says becomes a mapping like any other ([`ColumnMap::texts`]).

use std::collections::{BTreeMap, BTreeSet};

use countermark_epcis::json::Json;
use serde::{Deserialize, Serialize};

use crate::gs1;
use crate::readers::{self, ReadError, ReadOptions, text};
use crate::tree::Format;

/// Rows that are looked at for a proposal.
const LOOKED_AT: usize = 200;

/// What a column may mean: our name of it, words for people, headers that say so.
pub struct Target {
    /// Our name.
    pub name: &'static str,
    /// For people.
    pub words: &'static str,
    headers: &'static [&'static str],
}

const fn target(
    name: &'static str,
    words: &'static str,
    headers: &'static [&'static str],
) -> Target {
    Target { name, words, headers }
}

/// Everything that a column of a table may mean.
pub const TARGETS: [Target; 13] = [
    target(
        "date",
        "date, or date and time",
        &[
            "date",
            "day",
            "datum",
            "fecha",
            "eventtime",
            "timestamp",
            "datetime",
            "shipped",
            "received",
        ],
    ),
    target("time", "time of day", &["time", "uhrzeit", "hora", "heure", "clock"]),
    target("zone", "time zone or offset", &["tz", "timezone", "zone", "offset", "zeitzone"]),
    target(
        "item",
        "product: GTIN, code or name",
        &[
            "gtin",
            "item",
            "product",
            "article",
            "artikel",
            "sku",
            "ean",
            "upc",
            "material",
            "commodity",
            "producto",
        ],
    ),
    target("lot", "lot or batch", &["lot", "batch", "charge", "lote", "los", "chargennummer"]),
    target(
        "quantity",
        "quantity",
        &["quantity", "qty", "menge", "cantidad", "amount", "weight", "cases", "units", "anzahl"],
    ),
    target("unit", "unit", &["unit", "uom", "um", "einheit", "unidad", "me"]),
    target(
        "expiry",
        "best before or expiry",
        &["bestby", "bestbefore", "expiry", "expiration", "useby", "bbd", "mhd"],
    ),
    target(
        "sscc",
        "pallet or logistic unit (SSCC)",
        &["sscc", "pallet", "palette", "licenseplate", "lpn"],
    ),
    target(
        "site",
        "place where it happened",
        &["site", "location", "place", "farm", "plant", "warehouse", "werk"],
    ),
    target(
        "from",
        "sent by",
        &["from", "shipfrom", "sender", "supplier", "vendor", "von", "lieferant"],
    ),
    target(
        "to",
        "sent to",
        &["to", "shipto", "customer", "receiver", "consignee", "destination", "an", "kunde"],
    ),
    target(
        "document",
        "number of the delivery or order",
        &[
            "asn",
            "delivery",
            "deliverynote",
            "shipment",
            "order",
            "po",
            "document",
            "reference",
            "lieferschein",
            "record",
        ],
    ),
];

/// What may have happened: our name, words, and what EPCIS says.
pub struct Step {
    /// The business step, in CBV's words.
    pub name: &'static str,
    /// For people.
    pub words: &'static str,
    action: &'static str,
    disposition: &'static str,
    headers: &'static [&'static str],
}

/// What a row of a table may tell.
pub const STEPS: [Step; 7] = [
    Step {
        name: "shipping",
        words: "was shipped",
        action: "OBSERVE",
        disposition: "in_transit",
        headers: &["ship", "dispatch", "deliver", "lieferschein", "versand"],
    },
    Step {
        name: "receiving",
        words: "was received",
        action: "OBSERVE",
        disposition: "in_progress",
        headers: &["receiv", "receipt", "goodsin", "wareneingang"],
    },
    Step {
        name: "commissioning",
        words: "was made or harvested",
        action: "ADD",
        disposition: "active",
        headers: &["harvest", "produc", "made", "ernte", "manufactur"],
    },
    Step {
        name: "packing",
        words: "was packed",
        action: "OBSERVE",
        disposition: "in_progress",
        headers: &["pack"],
    },
    Step {
        name: "storing",
        words: "was put into store",
        action: "OBSERVE",
        disposition: "in_progress",
        headers: &["stor", "lager", "stock"],
    },
    Step {
        name: "inspecting",
        words: "was inspected",
        action: "OBSERVE",
        disposition: "in_progress",
        headers: &["inspect", "quality", "pruef"],
    },
    Step {
        name: "retail_selling",
        words: "was sold to consumers",
        action: "OBSERVE",
        disposition: "retail_sold",
        headers: &["sale", "sold", "retail"],
    },
];

/// Units that partners write, as the mappings that are shipped know them.
const UNITS: &str = "code,kind,rec20,factor\n\
    CT,count,,1\nCTN,count,,1\nCS,count,,1\nCA,count,,1\nCASE,count,,1\nCASES,count,,1\nEA,count,,1\n\
    EACH,count,,1\nPC,count,,1\nPCS,count,,1\nPCE,count,,1\nST,count,,1\nSTK,count,,1\nBOX,count,,1\n\
    BX,count,,1\nBIN,count,,1\nKISTE,count,,1\nUNIT,count,,1\nUNITS,count,,1\n\
    KG,measure,KGM,1\nKGS,measure,KGM,1\nKGM,measure,KGM,1\nG,measure,GRM,1\nGRM,measure,GRM,1\n\
    T,measure,TNE,1\nTNE,measure,TNE,1\nTO,measure,TNE,1\nLB,measure,LBR,1\nLBS,measure,LBR,1\n\
    LBR,measure,LBR,1\nL,measure,LTR,1\nLTR,measure,LTR,1\n";

/// A table as its first rows show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The headers, as they are written.
    pub headers: Vec<String>,
    /// The cells of the first rows.
    pub rows: Vec<Vec<String>>,
    /// How many rows there are.
    pub count: usize,
}

/// What a person says of a table's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMap {
    /// Header of the column for each of [`TARGETS`] that has one.
    pub columns: BTreeMap<String, String>,
    /// What happened: one of [`STEPS`].
    pub step: String,
    /// The GLN of the place where it happened, where no column says so.
    pub place: String,
    /// The time zone (IANA) of times without one; empty for that of the place.
    pub zone: String,
    /// Time of day of dates without one, `HH:MM`; empty to refuse them.
    pub clock: String,
    /// How dates are read that could be read two ways: `dmy`, `mdy`, or empty.
    pub dates: String,
    /// Whether a comma is the decimal mark.
    pub decimal_comma: bool,
    /// Unit of quantities, where no column says so.
    pub unit: String,
}

/// What is wrong with a column map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// Without it there is no event.
    #[error("no column says the {0}; choose one")]
    Missing(&'static str),
    /// One column cannot mean two things.
    #[error("the column \"{0}\" is chosen twice")]
    Twice(String),
    /// A value that cannot be taken.
    #[error("{0}")]
    Value(String),
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A text as it stands in TOML and in a mapping program: both take JSON's escapes.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    Json::String(shown).to_text()
}

impl Table {
    /// Reads delimited text or a spreadsheet.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let format = if bytes.starts_with(b"PK\x03\x04") { Format::Xlsx } else { Format::Csv };
        let tree = readers::read(format, bytes, &ReadOptions::default())?;
        let headers: Vec<String> = tree.columns.iter().map(|(name, _)| name.clone()).collect();
        let rows = tree.root.get("rows").and_then(Json::as_array).unwrap_or_default();
        let cell = |row: &Json, header: &String| {
            row.get(header).and_then(Json::as_str).unwrap_or_default().trim().to_owned()
        };
        let first = rows.iter().take(LOOKED_AT);
        let cells = first.map(|row| headers.iter().map(|header| cell(row, header)).collect());
        Ok(Self { rows: cells.collect(), count: rows.len(), headers })
    }

    fn values(&self, header: &str) -> impl Iterator<Item = &str> {
        let at = self.headers.iter().position(|one| one == header);
        let cells = self.rows.iter().filter_map(move |row| row.get(at?).map(String::as_str));
        cells.filter(|cell| !cell.is_empty())
    }

    /// Whether most of a column's values are such.
    fn mostly(&self, header: &str, is_such: impl Fn(&str) -> bool) -> bool {
        let (mut such, mut all) = (0, 0);
        for value in self.values(header) {
            all += 1;
            such += usize::from(is_such(value));
        }
        such * 2 > all
    }

    /// What the columns seem to mean: by their headers, then by their values.
    #[must_use]
    pub fn propose(&self) -> ColumnMap {
        let mut map = ColumnMap::default();
        let mut taken = BTreeSet::new();
        for exact in [true, false] {
            for target in &TARGETS {
                if map.columns.contains_key(target.name) {
                    continue;
                }
                let says = |header: &&String| {
                    let shown = plain(header);
                    !taken.contains(*header)
                        && !shown.is_empty()
                        && target.headers.iter().any(|word| {
                            if exact {
                                shown == *word
                            } else {
                                word.len() > 2 && shown.contains(word)
                            }
                        })
                };
                if let Some(header) = self.headers.iter().find(says) {
                    taken.insert(header.clone());
                    map.columns.insert(target.name.to_owned(), header.clone());
                }
            }
        }
        type Test = fn(&str) -> bool;
        let by_value: [(&str, Test); 3] = [
            ("sscc", |value| gs1::sscc(value).is_ok()),
            ("item", |value| gs1::gtin(value).is_ok()),
            ("date", |value| value.len() >= 8 && date_parts(value).is_some()),
        ];
        for (name, test) in by_value {
            let free = self
                .headers
                .iter()
                .find(|header| !taken.contains(*header) && self.mostly(header, test));
            if let (false, Some(header)) = (map.columns.contains_key(name), free) {
                taken.insert(header.clone());
                map.columns.insert(name.to_owned(), header.clone());
            }
        }
        self.propose_rules(&mut map);
        map
    }

    fn propose_rules(&self, map: &mut ColumnMap) {
        let headers = plain(&self.headers.join(" "));
        let said = STEPS.iter().find(|step| step.headers.iter().any(|word| headers.contains(word)));
        map.step = said.map_or("", |step| step.name).to_owned();
        if let Some(date) = map.columns.get("date") {
            // 14.11.2026 is written where the day comes first; with slashes both orders are usual.
            let slashed = self.values(date).any(|value| value.contains('/'));
            let counts = |value: &&str| !slashed || value.contains('/');
            let parts: Vec<(u32, u32)> =
                self.values(date).filter(counts).filter_map(date_parts).collect();
            map.dates = match (parts.iter().any(|p| p.0 > 12), parts.iter().any(|p| p.1 > 12)) {
                (true, false) => "dmy",
                (false, true) => "mdy",
                _ => "",
            }
            .to_owned();
            let has_clock = self.mostly(date, |value| value.contains(':'));
            if !has_clock && !map.columns.contains_key("time") {
                "12:00".clone_into(&mut map.clock);
            }
        }
        if let Some(quantity) = map.columns.get("quantity") {
            let comma = |value: &str| {
                let (_, after) = value.rsplit_once(',').unwrap_or_default();
                value.contains(',') && !after.contains('.') && after.len() != 3
            };
            map.decimal_comma = self.values(quantity).any(comma);
        }
    }
}

/// The first two numbers of a date that does not begin with its year.
fn date_parts(value: &str) -> Option<(u32, u32)> {
    let mut parts = value.split(['/', '.', '-', ' ', 'T']);
    let (first, second) = (parts.next()?, parts.next()?);
    if first.len() == 4 {
        return second.parse::<u32>().ok().map(|_| (0, 0));
    }
    let (first, second): (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
    let year: u32 = parts.next()?.parse().ok()?;
    (first <= 31 && second <= 31 && year <= 2200).then_some((first, second))
}

impl ColumnMap {
    /// The mapping that these choices make: its manifest, its program and its units.
    ///
    /// # Errors
    /// [`ColumnError`] names what is missing.
    pub fn texts(&self, id: &str, title: &str) -> Result<(String, String, String), ColumnError> {
        self.check()?;
        Ok((self.manifest(id, title), self.program(), UNITS.to_owned()))
    }

    fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    fn step(&self) -> Result<&'static Step, ColumnError> {
        let found = STEPS.iter().find(|step| step.name == self.step);
        found.ok_or_else(|| ColumnError::Value("say what happened to the goods".to_owned()))
    }

    fn check(&self) -> Result<(), ColumnError> {
        self.step()?;
        let missing =
            |name: &str| TARGETS.iter().find(|target| target.name == name && !self.has(name));
        if let Some(target) = missing("date") {
            return Err(ColumnError::Missing(target.words));
        }
        if !self.has("item") && !self.has("sscc") {
            return Err(ColumnError::Missing("product, nor the pallet"));
        }
        let mut seen = BTreeSet::new();
        for header in self.columns.values() {
            if !seen.insert(plain(header)) {
                return Err(ColumnError::Twice(header.clone()));
            }
        }
        if !self.place.is_empty() {
            gs1::gln(&self.place)
                .map_err(|why| ColumnError::Value(format!("the place where it happened: {why}")))?;
        } else if !self.has("site")
            && !self.has(if self.step == "receiving" { "to" } else { "from" })
        {
            return Err(ColumnError::Missing("place where it happened, and no GLN is given"));
        }
        let is_clock = |text: &str| {
            let part = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
            text.len() == 5
                && part(0..2).is_some_and(|h| h < 24)
                && part(3..5).is_some_and(|m| m < 60)
        };
        if !self.clock.is_empty() && !is_clock(&self.clock) {
            return Err(ColumnError::Value(format!("\"{}\" is no time of day: HH:MM", self.clock)));
        }
        if !self.zone.is_empty() && self.zone.parse::<chrono_tz::Tz>().is_err() {
            let hint = "is no time zone; write it as Europe/Berlin";
            return Err(ColumnError::Value(format!("\"{}\" {hint}", self.zone)));
        }
        Ok(())
    }

    fn manifest(&self, id: &str, title: &str) -> String {
        let mut text = format!(
            "id = {}\nversion = \"1\"\ntitle = {}\nemits = [\"ObjectEvent\"]\nrequires = []\n\
             verified = \"none\"\n\n[source]\nkind = \"csv\"\nmessage = \"table\"\n\n[time]\nzone = {}\n",
            quoted(id),
            quoted(title),
            quoted(if self.zone.is_empty() { "site" } else { &self.zone })
        );
        if !self.clock.is_empty() {
            text.push_str(&format!("clock = \"{}:00\"\n", self.clock));
        }
        let order = match &*self.dates {
            "dmy" => ["DD", "MM"],
            "mdy" => ["MM", "DD"],
            _ => ["", ""],
        };
        if !order[0].is_empty() {
            let formats: Vec<String> = ['/', '.', '-']
                .iter()
                .flat_map(|mark| {
                    ["YYYY", "YY"]
                        .map(|year| format!("\"{}{mark}{}{mark}{year}\"", order[0], order[1]))
                })
                .collect();
            text.push_str(&format!("date_formats = [{}]\n", formats.join(", ")));
        }
        if self.decimal_comma {
            text.push_str("\n[numbers]\ndecimal = \",\"\n");
        }
        for (name, header) in &self.columns {
            let required = matches!(&**name, "date" | "item");
            text.push_str(&format!(
                "\n[[columns]]\nname = \"{name}\"\nheaders = [{}]\nrequired = {required}\n",
                quoted(header)
            ));
        }
        text
    }

    /// Where it happened, from whom and to whom, as expressions of the program.
    fn places(&self, step: &Step) -> (String, String, String) {
        let location = |name: &str| {
            if self.has(name) { format!("location(row, \"{name}\")") } else { "null".to_owned() }
        };
        let fixed = format!("{{ \"gln\": {} }}", quoted(&self.place));
        let site = match step.name {
            _ if self.has("site") => location("site"),
            _ if !self.place.is_empty() => fixed,
            "receiving" => location("to"),
            _ => location("from"),
        };
        let (from, to) = match step.name {
            "shipping" => (
                if self.has("from") { location("from") } else { "site".to_owned() },
                location("to"),
            ),
            "receiving" => {
                (location("from"), if self.has("to") { location("to") } else { "site".to_owned() })
            }
            _ => ("null".to_owned(), "null".to_owned()),
        };
        (site, from, to)
    }

    /// One event a row. Its line is its own content, so that the same row of a corrected file is known
    /// already and a changed one is new.
    fn program(&self) -> String {
        let step = self.step().unwrap_or(&STEPS[0]);
        let (site, from, to) = self.places(step);
        let cell = |name: &str| {
            if self.has(name) { format!("cell(row, \"{name}\")") } else { "null".to_owned() }
        };
        let unit = if self.has("unit") {
            cell("unit")
        } else {
            quoted(if self.unit.is_empty() { "EA" } else { &self.unit })
        };
        let quantities = if self.has("item") {
            format!(
                "[merge(article(row, \"item\"), {{ \"at\": at(row), \"lot\": {}, \"quantity\": {}, \
                 \"unit\": {unit}, \"expiry\": {} }})]",
                cell("lot"),
                cell("quantity"),
                cell("expiry")
            )
        } else {
            "[]".to_owned()
        };
        let units = if self.has("sscc") {
            "choose(is_empty(row.sscc), [], [{ \"sscc\": cell(row, \"sscc\") }])"
        } else {
            "[]"
        };
        let parts: Vec<String> = TARGETS
            .iter()
            .filter(|target| self.has(target.name))
            .map(|target| format!("text(row.{})", target.name))
            .collect();
        let documents = match (self.has("document"), step.name) {
            (true, "shipping" | "receiving") => {
                "[{ \"type\": \"desadv\", \"id\": cell(row, \"document\") }]"
            }
            _ => "[]",
        };
        let biz_location = if step.name == "shipping" { "null" } else { "site" };
        format!(
            "events = map(list(.rows)) -> |_index, row| {{\n    site = {site}\n    {{\n        \
             \"at\": at(row),\n        \"type\": \"ObjectEvent\",\n        \"action\": \"{}\",\n        \
             \"bizStep\": \"{}\",\n        \"disposition\": \"{}\",\n        \
             \"line\": join([{}], \"|\"),\n        \
             \"time\": {{ \"date\": {}, \"clock\": {}, \"zone\": {}, \"at\": at(row) }},\n        \
             \"readPoint\": site,\n        \"bizLocation\": {biz_location},\n        \
             \"from\": {from},\n        \"to\": {to},\n        \"epcs\": {units},\n        \
             \"quantities\": {quantities},\n        \"documents\": {documents}\n    }}\n}}\n\n\
             {{\n    \"document\": {{ \"kind\": \"table\", \"id\": \"rows\", \"system\": \"\" }},\n    \
             \"events\": events\n}}\n",
            step.action,
            step.name,
            step.disposition,
            parts.join(", "),
            cell("date"),
            cell("time"),
            cell("zone"),
        )
    }
}

/// The number of the row that a place in a table names.
#[must_use]
pub fn row_of(place: &str) -> Option<usize> {
    let rest = place.split("row ").nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Delimited text without some of its rows, which become blank lines so that the others keep their
/// numbers; and those rows in a table of their own, each with its number and why it was left out.
///
/// # Errors
/// Where it is no delimited text.
pub fn without_rows(
    bytes: &[u8],
    rows: &BTreeMap<usize, String>,
) -> Result<(Vec<u8>, Vec<u8>), ReadError> {
    let text = text::decode(bytes, None)?;
    let mut left = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let (mut kept, mut end) = (String::with_capacity(text.len()), 0);
    readers::csv::each_row(&text, |number, cells, range| {
        if number == 0 {
            let header = ["row", "why it was left out"].into_iter().chain(cells.iter().copied());
            let _in_memory = left.write_record(header);
        } else if let Some(why) = rows.get(&number) {
            let number = number.to_string();
            let record = [&*number, &**why].into_iter().chain(cells.iter().copied());
            let _in_memory = left.write_record(record);
            kept.push_str(text.get(end..range.start).unwrap_or_default());
            // Its own line ends stay, and those of blank lines before it.
            let breaks = |text: &str| text.matches('\n').count();
            let all = text.get(range.clone()).map_or(1, breaks);
            let within: usize = cells.iter().map(|cell| breaks(cell)).sum();
            kept.push_str(&"\n".repeat(all.saturating_sub(within)));
            end = range.end;
        }
    })?;
    kept.push_str(text.get(end..).unwrap_or_default());
    Ok((kept.into_bytes(), left.into_inner().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
