//! Every mapping's examples give exactly the events that stand beside them.
//!
//! `COUNTERMARK_REGENERATE=1 cargo test -p countermark-intake --test golden` writes them anew;
//! read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use countermark_epcis::Event;
use countermark_epcis::json::Json;
use countermark_intake::{Library, Verified};
use support::{mapping, master, outcome_json, parse, root};

/// Input and golden file of each example of a mapping.
fn examples(name: &str) -> Vec<(PathBuf, PathBuf)> {
    let folder = root().join("mappings").join(name).join("examples");
    let mut found: Vec<(PathBuf, PathBuf)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let file = path.file_name()?.to_str()?;
            let (stem, _) = file.split_once(".in.")?;
            Some((path.clone(), folder.join(format!("{stem}.events.json"))))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_example_gives_its_golden_events() {
    let library = Library::shipped();
    let master = master();
    let regenerate = std::env::var_os("COUNTERMARK_REGENERATE").is_some();
    let mut wrong = Vec::new();
    for name in library.names() {
        let mapping = mapping(name);
        let examples = examples(name);
        assert!(!examples.is_empty(), "{name} has no example");
        for (input, golden) in examples {
            let outcome = mapping.import(&fs::read(&input).unwrap(), &master);
            let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", input.display()));
            let text = outcome_json(&outcome).to_text_pretty() + "\n";
            if regenerate {
                fs::write(&golden, &text).unwrap();
            } else if fs::read_to_string(&golden).unwrap_or_default() != text {
                wrong.push(format!("{}: now gives\n{text}", golden.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_events_are_valid_epcis_of_the_declared_types_and_keep_the_rules_of_quantities() {
    let library = Library::shipped();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in library.names() {
        let mapping = mapping(name);
        for (_, golden) in examples(name) {
            let outcome = parse(&fs::read_to_string(&golden).unwrap());
            for event in outcome.get("events").and_then(Json::as_array).unwrap() {
                let kind = event.get("type").and_then(Json::as_str).unwrap().to_owned();
                assert!(mapping.manifest().emits.contains(&kind), "{name} does not declare {kind}");
                assert_eq!(event.as_object().unwrap()[0].0, "@context", "{name}");
                if let Err(findings) = Event::from_json(event.clone()) {
                    panic!("{}: {findings:?}", golden.display());
                }
                seen.insert(name.to_owned());
            }
        }
    }
    // A tender is a plan: the only mapping that gives no event.
    let silent: Vec<&str> = library.names().filter(|name| !seen.contains(*name)).collect();
    assert_eq!(silent, ["x12-204"]);
}

#[test]
fn a_mapping_says_how_far_it_is_verified() {
    let library = Library::shipped();
    let verified = |name| library.manifest(name).unwrap().verified;
    assert_eq!(verified("x12-856"), Verified::Documents);
    assert_eq!(verified("json-odoo-picking"), Verified::None);
    assert_eq!(verified("csv-harvest").as_str(), "none");
}
