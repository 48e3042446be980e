//! Documents of others through the program: what goes in comes out again.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Node, call, corpus, walk};

/// Documents that break the standard also in the lenient reading; why is listed and checked where
/// the `epcis` crate reads the corpus.
const NOT_VALID: [&str; 11] = [
    "gs1-EPCIS/JSON/AssociationEvent/AssociationEvent-h.jsonld",
    "gs1-EPCIS/JSON-simple-context/AssociationEvent/AssociationEvent-h.jsonld",
    "gs1-EPCIS/JSON-simple-context/Example-TransactionEvents-2020_07_03y.jsonld",
    "JSON-simple-context/WithFullCombinationOfFields/object_event_all_possible_fields.jsonld",
    "gs1-EPCIS/JSON-simple-context/WithSensorData/SensorDataExample12.jsonld",
    "gs1-EPCIS/JSON-simple-context/WithSensorData/SensorDataExample17.jsonld",
    "/Capture/Documents/Combination_of_different_event.json",
    "/Capture/Documents/SensorData_with_combined_events.json",
    "/Query/Combination_of_different_event.json",
    "/Query/SensorData_with_combined_events.json",
    "/Query/queryDocument.json",
];

fn json_files(folder: &str) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(&corpus(folder)?, &mut files);
    files.retain(|path| path.extension().is_some_and(|e| e == "json" || e == "jsonld"));
    Some(files)
}

/// The events of a document, each with the context that it has by itself or from its document.
fn events_of(document: &Value) -> Option<Vec<Value>> {
    let list = match document["type"].as_str() {
        Some("EPCISDocument") => document.pointer("/epcisBody/eventList")?.as_array()?.clone(),
        Some("EPCISQueryDocument") => {
            document.pointer("/epcisBody/queryResults/resultsBody/eventList")?.as_array()?.clone()
        }
        _ => vec![document.clone()],
    };
    Some(list)
}

/// An event without what is not its own: the id it may have been given, and the context.
fn plain(event: &Value, given: &Value) -> Value {
    let mut event = event.as_object().cloned().unwrap_or_default();
    event.remove("@context");
    if given.get("eventID").is_none() {
        event.remove("eventID");
    }
    Value::Object(event)
}

/// Validates, hashes and captures each document; events must come back as they were. Gives how
/// many were taken, and the names of those that were not.
fn round_trip(folder: &str) -> Option<(usize, Vec<String>)> {
    let (mut taken, mut refused) = (0, Vec::new());
    for path in json_files(folder)? {
        let name = path.display().to_string();
        if name.contains("Invalid") || name.contains("/Queries/") {
            continue;
        }
        let valid = call(&["validate", "--json", "--lenient", &name]);
        let node = Node::new();
        let captured = node.run("capture", &["--json", "--lenient", &name]);
        assert_eq!(valid.code, captured.code, "{name}: {valid:?} {captured:?}");
        if captured.code != 0 {
            let first = &captured.json()["rejected"][0];
            assert!(!first["message"].as_str().unwrap().is_empty(), "{name}");
            assert_eq!(node.events("").len(), 0, "{name}");
            refused.push(name);
            continue;
        }
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let given = events_of(&document).unwrap();
        let mut printed = node.events("");
        assert_eq!(printed.len(), given.len(), "{name}");
        for event in &printed {
            assert!(!event["@context"].is_null(), "{name}: an event without context");
        }
        for one in &given {
            let at = printed.iter().position(|event| plain(event, one) == plain(one, one));
            let at = at.unwrap_or_else(|| panic!("{name}: not among the answers: {one}"));
            printed.remove(at);
        }
        for profile in ["cbv2.0-legacy", "cbv2.0-2026", "cbv2.1"] {
            let hashes = call(&["hash", "--profile", profile, &name]).ends(0).out;
            assert_eq!(hashes.lines().count(), given.len(), "{name}");
        }
        taken += 1;
    }
    Some((taken, refused))
}

/// Those and only those documents are refused that are listed.
#[track_caller]
fn as_listed(folders: &[&str], least: usize) {
    let (mut taken, mut refused) = (0, Vec::new());
    for folder in folders {
        let Some((of_folder, not)) = round_trip(folder) else { return };
        taken += of_folder;
        refused.extend(not);
    }
    let listed = |name: &&String| !NOT_VALID.iter().any(|one| name.ends_with(one));
    let surprising: Vec<&String> = refused.iter().filter(listed).collect();
    assert_eq!(surprising, Vec::<&String>::new());
    assert!(taken >= least, "only {taken} documents were taken");
}

#[test]
fn the_documents_of_gs1_come_back_as_they_were() {
    as_listed(&["epcis/gs1-EPCIS/JSON", "epcis/gs1-EPCIS/JSON-simple-context"], 80);
}

#[test]
fn the_documents_of_openepcis_come_back_as_they_were() {
    let base = "epcis/openepcis-test-resources/core/src/main/resources/2.0/EPCIS/JSON";
    let folders = ["Capture/Documents", "Capture/Events", "Query"].map(|f| format!("{base}/{f}"));
    as_listed(&folders.each_ref().map(String::as_str), 40);
}

#[test]
fn the_invalid_documents_of_openepcis_are_refused_with_pointer_and_rule() {
    let folder =
        "epcis/openepcis-test-resources/core/src/main/resources/2.0/EPCIS/JSON/Capture/Invalid";
    let Some(files) = json_files(folder) else { return };
    let node = Node::new();
    let mut refused = 0;
    for path in files {
        let name = path.display().to_string();
        let run = node.run("capture", &["--json", &name]);
        assert!(run.code == 1 || run.code == 3, "{name}: {run:?}");
        let result = run.json();
        assert_eq!(result["accepted"], json!([]), "{name}");
        let first = &result["rejected"][0];
        assert!(first["pointer"].is_string() && !first["rule"].as_str().unwrap().is_empty());
        refused += 1;
    }
    assert!(refused >= 15, "only {refused} documents");
    assert_eq!(node.events("").len(), 0);
}
