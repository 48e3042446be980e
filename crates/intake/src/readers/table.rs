//! Tables, from CSV or a spreadsheet: header row, column map, rows as objects.

use countermark_epcis::Finding;
use countermark_epcis::json::Json;

use super::{ReadError, ReadOptions};
use crate::limits;
use crate::tree::{Format, Tree, placed};

/// One entry of a column map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Our name, which the mapping program uses.
    pub name: String,
    /// Headers that the column may stand under; compared without case, blanks and punctuation.
    pub headers: Vec<String>,
    /// Whether a document without the column is refused.
    pub required: bool,
}

/// A header with everything taken out that differs between exports of the same thing.
fn plain(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Builds the tree of a table. `rows` gives the number of each row as a spreadsheet program shows
/// it (the header is row 1) and its cells.
pub(super) fn tree(
    format: Format,
    header: &[String],
    rows: impl Iterator<Item = Result<(usize, Vec<String>), ReadError>>,
    options: &ReadOptions,
) -> Result<Tree, ReadError> {
    if header.len() > limits::COLUMNS_MAX {
        let message = format!("{} columns; at most {}", header.len(), limits::COLUMNS_MAX);
        return Err(ReadError::new("row 1", "table-columns", message, "drop unused columns"));
    }
    let mut findings = Vec::new();
    let names = column_names(header, options, &mut findings)?;
    let mut out = Vec::new();
    for row in rows {
        let (number, cells) = row?;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if out.len() == limits::ROWS_MAX {
            let message = format!("more than {} rows", limits::ROWS_MAX);
            return Err(ReadError::new(format!("row {number}"), "table-rows", message, "split it"));
        }
        let extra = cells.iter().skip(header.len()).any(|cell| !cell.trim().is_empty());
        if extra || cells.len() < header.len() && format == Format::Csv {
            findings.push(
                Finding::error(
                    format!("row {number}"),
                    "row-length",
                    format!("{} cells where the header has {}", cells.len(), header.len()),
                )
                .suggest("quote cells that hold the delimiter"),
            );
        }
        let mut members = placed(format!("row {number}"));
        for (name, cell) in names.iter().zip(cells) {
            members.push((name.clone(), Json::String(unwrapped(cell))));
        }
        out.push(Json::Object(members));
    }
    let mut root = placed("document");
    root.push(("rows".to_owned(), Json::Array(out)));
    let columns = names.into_iter().zip(header.iter().cloned()).collect();
    Ok(Tree { columns, findings, ..Tree::new(format, Json::Object(root)) })
}

/// The value that a spreadsheet formula like `="00123"` protects from being read as a number.
fn unwrapped(cell: String) -> String {
    let inner = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('"') => inner.to_owned(),
        _ => cell,
    }
}

fn column_names(
    header: &[String],
    options: &ReadOptions,
    findings: &mut Vec<Finding>,
) -> Result<Vec<String>, ReadError> {
    let mut names: Vec<String> = header.to_vec();
    for column in &options.columns {
        let found =
            column.headers.iter().chain([&column.name]).find_map(|candidate| {
                header.iter().position(|shown| plain(shown) == plain(candidate))
            });
        match found {
            Some(at) => names[at] = column.name.clone(),
            None if column.required => {
                let hint = format!(
                    "the columns found are: {}; name one of them \"{}\" or add its header to the \
                     mapping",
                    header.join(", "),
                    column.headers.first().unwrap_or(&column.name)
                );
                let message = format!("no column for \"{}\"", column.name);
                return Err(ReadError::new("row 1", "column-missing", message, hint));
            }
            None => {}
        }
    }
    for (at, name) in names.iter().enumerate() {
        let place = format!("row 1, column {}", at + 1);
        if names[..at].contains(name) && !name.is_empty() {
            let message = format!("two columns are called \"{name}\"");
            return Err(ReadError::new(place, "column-twice", message, "rename one of them"));
        }
        let mapped = options.columns.iter().any(|column| column.name == *name);
        if !options.columns.is_empty() && !mapped && !name.trim().is_empty() {
            let message = format!("column \"{name}\" is not in the column map and is not read");
            findings.push(Finding::note(place, "column-unmapped", message));
        }
    }
    Ok(names)
}
