//! `map.toml`: what a mapping reads, what it emits, and its rules for times and numbers.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::readers::ReadOptions;
use crate::readers::table::Column;
use crate::readers::text::Encoding;
use crate::tree::Format;

/// How far a mapping has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Verified {
    /// Against nothing but its own examples.
    #[serde(rename = "none")]
    None,
    /// Against documents that others wrote.
    #[serde(rename = "documents")]
    Documents,
    /// Against a live system.
    #[serde(rename = "live system")]
    LiveSystem,
}

impl Verified {
    /// The words used in `map.toml` and in listings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verified::None => "none",
            Verified::Documents => "documents",
            Verified::LiveSystem => "live system",
        }
    }
}

/// What to do with times as the source writes them.
#[derive(Debug, Clone, Default)]
pub struct TimeRules {
    /// The zone of times without one; the site's zone when absent.
    pub zone: Option<Tz>,
    /// The time of day of a date without one; such a date is an error when absent.
    pub clock: Option<NaiveTime>,
    /// Date formats that the source uses, in chrono's notation.
    pub date_formats: Vec<String>,
    /// The source's codes for zones.
    pub zones: BTreeMap<String, Tz>,
}

/// What a mapping says about itself.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Name of the mapping and of its folder.
    pub id: String,
    /// Version of the mapping, for the record of what made an event.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// Event types that it can give.
    pub emits: Vec<String>,
    /// Master data that it needs, such as `party`, `item`, `site`.
    pub requires: Vec<String>,
    /// How far it has been checked.
    pub verified: Verified,
    /// The format that it reads.
    pub format: Format,
    /// The message or document type, such as `856`.
    pub message: String,
    /// How the document is read.
    pub options: ReadOptions,
    /// Times.
    pub time: TimeRules,
    /// The decimal mark of quantities: a point, or a comma where declared.
    pub decimal_mark: char,
}

/// What is wrong with a `map.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not TOML, or a member that is missing or unknown.
    #[error("{0}")]
    Syntax(String),
    /// A value that is not one of those allowed.
    #[error("{member} = \"{value}\": {hint}")]
    Value {
        /// The member.
        member: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        hint: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    version: String,
    title: String,
    emits: Vec<String>,
    #[serde(default)]
    requires: Vec<String>,
    verified: Verified,
    source: RawSource,
    #[serde(default)]
    time: RawTime,
    #[serde(default)]
    numbers: RawNumbers,
    #[serde(default)]
    columns: Vec<RawColumn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    kind: String,
    message: String,
    #[serde(default)]
    loops: Vec<String>,
    delimiter: Option<char>,
    encoding: Option<String>,
    sheet: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawTime {
    zone: Option<String>,
    clock: Option<String>,
    #[serde(default)]
    date_formats: Vec<String>,
    #[serde(default)]
    zones: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawNumbers {
    decimal: Option<char>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumn {
    name: String,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    required: bool,
}

impl Manifest {
    /// Reads a `map.toml`; its `id` has to be the name of the folder.
    ///
    /// # Errors
    /// [`ManifestError`] names the member and what is allowed.
    pub fn parse(folder: &str, text: &str) -> Result<Self, ManifestError> {
        let raw: Raw = toml::from_str(text).map_err(|e| ManifestError::Syntax(e.to_string()))?;
        if raw.id != folder {
            return Err(value("id", &raw.id, "it has to be the name of the folder"));
        }
        let format = match raw.source.kind.as_str() {
            "csv" => Format::Csv,
            "xlsx" => Format::Xlsx,
            "x12" => Format::X12,
            "idoc" => Format::Idoc,
            "json" => Format::Json,
            other => return Err(value("source.kind", other, "one of csv, xlsx, x12, idoc, json")),
        };
        let decimal_mark = raw.numbers.decimal.unwrap_or('.');
        if !matches!(decimal_mark, '.' | ',') {
            return Err(value("numbers.decimal", &decimal_mark.to_string(), "\".\" or \",\""));
        }
        let time = time_rules(&raw.time)?;
        let options = options(&raw, format)?;
        Ok(Manifest {
            id: raw.id,
            version: raw.version,
            title: raw.title,
            emits: raw.emits,
            requires: raw.requires,
            verified: raw.verified,
            format,
            message: raw.source.message,
            options,
            time,
            decimal_mark,
        })
    }
}

fn value(member: &'static str, value: &str, hint: &'static str) -> ManifestError {
    ManifestError::Value { member, value: value.to_owned(), hint }
}

fn options(raw: &Raw, format: Format) -> Result<ReadOptions, ManifestError> {
    let encoding = match &raw.source.encoding {
        None => None,
        Some(name) => Some(Encoding::from_name(name).ok_or_else(|| {
            value("source.encoding", name, "utf-8, utf-16, windows-1252 or iso-8859-1")
        })?),
    };
    let message = vec![raw.source.message.clone()];
    Ok(ReadOptions {
        delimiter: raw.source.delimiter,
        encoding,
        sheet: raw.source.sheet.clone(),
        columns: raw
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                headers: column.headers.clone(),
                required: column.required,
            })
            .collect(),
        loops: raw.source.loops.clone(),
        sets: if format == Format::X12 { message.clone() } else { Vec::new() },
        idoc_types: if format == Format::Idoc { message } else { Vec::new() },
    })
}

fn zone(member: &'static str, name: &str) -> Result<Tz, ManifestError> {
    name.parse().map_err(|_| value(member, name, "a name of the IANA time zone database"))
}

fn time_rules(raw: &RawTime) -> Result<TimeRules, ManifestError> {
    let mut rules = TimeRules::default();
    if let Some(name) = raw.zone.as_deref().filter(|name| *name != "site") {
        rules.zone = Some(zone("time.zone", name)?);
    }
    if let Some(clock) = &raw.clock {
        let time = NaiveTime::parse_from_str(clock, "%H:%M:%S");
        rules.clock = Some(time.map_err(|_| value("time.clock", clock, "HH:MM:SS"))?);
    }
    for format in &raw.date_formats {
        rules.date_formats.push(date_format(format)?);
    }
    for (code, name) in &raw.zones {
        rules.zones.insert(code.clone(), zone("time.zones", name)?);
    }
    Ok(rules)
}

/// `MM/DD/YY` and the like as chrono writes them.
fn date_format(format: &str) -> Result<String, ManifestError> {
    let once = |what: &str| format.matches(what).count() == 1;
    let rest = format.replace("YYYY", "").replace("YY", "").replace("MM", "").replace("DD", "");
    let marks = rest.chars().all(|c| matches!(c, '/' | '-' | '.' | ' '));
    if !(once("YYYY") || once("YY")) || !once("MM") || !once("DD") || !marks {
        return Err(value("time.date_formats", format, "YYYY or YY, MM and DD, in your order"));
    }
    Ok(format.replace("YYYY", "%Y").replace("YY", "%y").replace("MM", "%m").replace("DD", "%d"))
}
