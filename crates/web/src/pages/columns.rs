//! The form that says what a table's columns mean.

use countermark_node::access::Principal;
pub(super) use countermark_node::drafts::row_of;
use countermark_node::drafts::{ColumnMap, Draft, OwnMapping, STEPS, TARGETS, Table};
use countermark_node::{Node, NodeError};

use crate::body::Form;

/// Rows of the table that are shown.
const ROWS_SHOWN: usize = 4;

/// A select of the form: what may be meant, and the header chosen for it.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) header: String,
}

pub(super) struct Columns {
    pub(super) table: Table,
    pub(super) choices: Vec<Choice>,
    pub(super) map: ColumnMap,
    pub(super) name: String,
    /// Places that master data know, with their GLNs.
    pub(super) places: Vec<(String, String)>,
    /// Whether it is what the file is read through.
    pub(super) is_used: bool,
}

impl Columns {
    pub(super) fn rows(&self) -> &[Vec<String>] {
        self.table.rows.get(..ROWS_SHOWN).unwrap_or(&self.table.rows)
    }
}

/// The form for a draft: as it was filled in before, else as the table proposes.
pub(super) fn form(
    node: &Node,
    by: &Principal,
    draft: &Draft,
    table: Table,
    own: &[OwnMapping],
) -> Result<Columns, NodeError> {
    let used = own.iter().find(|one| draft.mapping.as_ref() == Some(&one.name));
    let map = used.map_or_else(|| table.propose(), |one| one.columns.clone());
    let choice = |target: &'static countermark_node::drafts::Target| Choice {
        name: target.name,
        words: target.words,
        header: map.columns.get(target.name).cloned().unwrap_or_default(),
    };
    let choices = TARGETS.iter().map(choice).collect();
    let name = used.map_or_else(|| slug(&draft.file), |one| one.name.clone());
    let places = node.known_places(by)?;
    Ok(Columns { table, choices, map, name, places, is_used: used.is_some() })
}

/// A file's name as that of a mapping: its letters, without dates and numbers at the end.
fn slug(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_lowercase();
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_lowercase() { c } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let name: String = parts.join("-").chars().take(50).collect();
    format!("my-{}", if name.is_empty() { "table" } else { &name })
}

/// What the form says.
pub(super) fn chosen(form: &Form) -> (String, ColumnMap) {
    let columns = TARGETS.iter().filter_map(|target| {
        let header = form.some(&format!("column-{}", target.name))?;
        Some((target.name.to_owned(), header.to_owned()))
    });
    let text = |name: &str| form.get(name).trim().to_owned();
    let step = STEPS.iter().find(|step| step.name == form.get("step"));
    let typed = text("place");
    let place = if typed.is_empty() { text("known-place") } else { typed };
    let map = ColumnMap {
        columns: columns.collect(),
        step: step.map_or("", |step| step.name).to_owned(),
        place: place.replace(' ', ""),
        zone: text("time-zone"),
        clock: text("clock"),
        dates: text("dates"),
        decimal_comma: form.get("decimal") == "comma",
        unit: text("default-unit"),
    };
    (text("name"), map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_mapping_a_name_that_the_next_file_has_too() {
        assert_eq!(slug("Partner Shipments 2026-11-14.csv"), "my-partner-shipments");
        assert_eq!(slug("2026.csv"), "my-table");
        assert_eq!(slug("Käse_Liste.xlsx"), "my-k-se-liste");
    }

    #[test]
    fn what_a_form_says_becomes_a_column_map() {
        let form = Form::parse(
            b"column-date=Ship+Date&column-lot=&step=shipping&place=952+0000001018&decimal=comma&name=my-x",
        );
        let (name, map) = chosen(&form);
        assert_eq!((&*name, &*map.step, &*map.place), ("my-x", "shipping", "9520000001018"));
        assert_eq!(map.columns.len(), 1);
        assert!(map.decimal_comma);
    }
}
