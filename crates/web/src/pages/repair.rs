//! Values that nobody knows, and the small forms that say what they are: fixed once, known for every
//! file to come.

use countermark_node::access::{Permission, Principal};
use countermark_node::drafts::Draft;
use countermark_node::{Node, NodeError, Preview};

use crate::body::Form;

/// An unknown value, wherever it stands.
pub(super) struct Unknown {
    pub(super) value: String,
    pub(super) is_item: bool,
    pub(super) count: usize,
    pub(super) places: String,
}

/// Places that one value names.
const PLACES_MAX: usize = 4;

/// The unknown values of a preview, each once.
pub(super) fn unknown(preview: &Preview) -> Vec<Unknown> {
    let mut all: Vec<(Unknown, Vec<&str>)> = Vec::new();
    for held in &preview.quarantined {
        let is_item = held.kind.contains("item");
        let known =
            all.iter_mut().find(|(one, _)| one.value == held.value && one.is_item == is_item);
        match known {
            Some((one, places)) => {
                one.count += 1;
                places.push(&held.place);
            }
            None => {
                let one =
                    Unknown { value: held.value.clone(), is_item, count: 1, places: String::new() };
                all.push((one, vec![&held.place]));
            }
        }
    }
    let told = |(mut one, places): (Unknown, Vec<&str>)| {
        one.places = places.iter().take(PLACES_MAX).copied().collect::<Vec<_>>().join("; ");
        if places.len() > PLACES_MAX {
            one.places.push_str(&format!("; {} more", places.len() - PLACES_MAX));
        }
        one
    };
    all.into_iter().map(told).collect()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    serde_json::Value::String(shown).to_string()
}

/// Adds a party or an item to master data, with the value as its code: the node's where the caller
/// may change that, else the member's own.
pub(super) fn add(
    node: &Node,
    by: &Principal,
    draft: &Draft,
    form: &Form,
) -> Result<(), NodeError> {
    let usage = |what: &str| NodeError::Usage(what.to_owned());
    let value = form.get("value");
    let name = form.some("name").unwrap_or(value);
    let digits = |field: &str| form.get(field).replace([' ', '-'], "");
    let codes =
        if name == value { String::new() } else { format!("codes = [{}]\n", quoted(value)) };
    let text = if form.get("do") == "item" {
        let gtin = digits("gtin");
        countermark_node::drafts::check_gtin(&gtin)
            .map_err(|why| usage(&format!("the GTIN of \"{value}\": {why}")))?;
        let measure = match form.some("measure") {
            None => String::new(),
            Some(code) => format!("measure = {}\n", quoted(code)),
        };
        let gtin = format!("{gtin:0>14}");
        format!("[[item]]\ngtin = {}\nname = {}\n{codes}{measure}", quoted(&gtin), quoted(name))
    } else {
        let gln = digits("gln");
        countermark_node::drafts::check_gln(&gln)
            .map_err(|why| usage(&format!("the GLN of \"{value}\": {why}")))?;
        let zone =
            form.some("zone").map_or_else(String::new, |zone| format!("zone = {}\n", quoted(zone)));
        let party = format!("[[party]]\ngln = {}\nname = {}\n{codes}", quoted(&gln), quoted(name));
        if zone.is_empty() {
            party
        } else {
            format!("{party}\n[[site]]\ngln = {}\nname = {}\n{zone}", quoted(&gln), quoted(name))
        }
    };
    let source = format!("{} by {}", draft.file, by.name);
    if by.may(Permission::Configure) {
        return node.master_data_add(&source, text.as_bytes()).map(|_| ());
    }
    node.master_data_add_own(&by.scope(), Some(&draft.member), &source, &text)
}
