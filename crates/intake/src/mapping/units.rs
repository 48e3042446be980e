//! `units.csv`: what a source's unit codes mean.
//!
//! Codes are per source and never looked up in a general list: in UN/ECE Recommendation 20 `ST` is
//! a sheet and `CA` a can, in SAP `ST` is a piece and in X12 `CA` a case.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// Whether a unit counts instances of a class or measures it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// A count of the class: an EPCIS quantity without `uom`.
    Count,
    /// A measure: an EPCIS quantity with a Rec 20 code.
    Measure,
}

/// What a unit code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Count or measure.
    pub kind: UnitKind,
    /// Rec 20 code of a measure.
    pub rec20: Option<String>,
    /// What a quantity in this code is multiplied by.
    pub factor: Decimal,
}

/// The unit codes of one source.
#[derive(Debug, Clone, Default)]
pub struct Units(BTreeMap<String, Unit>);

/// What is wrong with a `units.csv`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct UnitError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub message: String,
}

/// Rec 20 codes of measures that a mapping may name. Source: UN/ECE Recommendation 20, revision
/// 17 (2021), status in force; the ones that occur in trade of goods.
const MEASURES: &[&str] = &[
    "KGM", "GRM", "MGM", "TNE", "LBR", "ONZ", "STN", "LTN", "CWA", "CWI", "DTN", "LTR", "MLT",
    "CLT", "DLT", "HLT", "GLL", "GLI", "PTL", "PTI", "QTL", "OZA", "MTQ", "CMQ", "DMQ", "FTQ",
    "INQ", "YDQ", "BUA", "BUI", "MTR", "CMT", "MMT", "KMT", "INH", "FOT", "YRD", "SMI", "MTK",
    "CMK", "FTK", "YDK", "HAR", "ACR", "CEL", "FAH", "KEL", "P1", "A93", "KWH", "JOU", "WTT",
    "BAR", "PAL", "HPA", "SEC", "MIN", "HUR", "DAY",
];

impl Units {
    /// Reads `code,kind,rec20,factor`; lines that start with `#` are comments.
    ///
    /// # Errors
    /// Unknown kind or Rec 20 code, a factor that is not positive, a code that stands twice.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let mut units = BTreeMap::new();
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| UnitError {
                line: error.position().map_or(0, csv::Position::line),
                message: error.to_string(),
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let fault = |message: String| UnitError { line, message };
            let get = |at: usize| record.get(at).unwrap_or_default();
            let factor: Decimal = get(3)
                .parse()
                .ok()
                .filter(|factor| *factor > Decimal::ZERO)
                .ok_or_else(|| fault(format!("factor \"{}\" is no positive number", get(3))))?;
            let (kind, rec20) = match (get(1), get(2)) {
                ("count", "") => (UnitKind::Count, None),
                ("count", code) => {
                    return Err(fault(format!("a count has no Rec 20 code; take \"{code}\" out")));
                }
                ("measure", code) if MEASURES.contains(&code) => {
                    (UnitKind::Measure, Some(code.to_owned()))
                }
                ("measure", code) => {
                    return Err(fault(format!("\"{code}\" is no Rec 20 code of a measure")));
                }
                (kind, _) => {
                    return Err(fault(format!("kind \"{kind}\" is neither count nor measure")));
                }
            };
            let code = get(0).to_owned();
            if units.insert(code.clone(), Unit { kind, rec20, factor }).is_some() {
                return Err(fault(format!("unit \"{code}\" stands twice")));
            }
        }
        Ok(Units(units))
    }

    /// What a code means; codes are compared as they are written, then in capitals.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Unit> {
        self.0.get(code).or_else(|| self.0.get(&code.to_uppercase()))
    }

    /// The codes that are known.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
