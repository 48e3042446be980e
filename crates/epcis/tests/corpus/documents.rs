//! Every valid JSON document reads, and what was read writes and reads again equal.

use std::collections::BTreeMap;

use countermark_epcis::json::{self, Json};
use countermark_epcis::{Document, Mode, Severity, document};

use super::{corpus, json_files};

const GS1: &[&str] = &["gs1-EPCIS/JSON", "gs1-EPCIS/JSON-simple-context"];
const OPENEPCIS: &str = "openepcis-test-resources/core/src/main/resources/2.0/EPCIS/JSON";

/// Documents that the standard does not allow: the file, the rules that they break, and why that
/// is a fault of the file. One that passes must be taken off the list.
const NOT_VALID: &[(&str, &[&str], &str)] = &[
    (
        "gs1-EPCIS/JSON/AssociationEvent/AssociationEvent-h.jsonld",
        &["document.json"],
        "one event has the member eventID twice: which of the two is meant is undefined (RFC 8259)",
    ),
    (
        "gs1-EPCIS/JSON-simple-context/AssociationEvent/AssociationEvent-h.jsonld",
        &["document.json"],
        "one event has the member eventID twice: which of the two is meant is undefined (RFC 8259)",
    ),
    (
        "gs1-EPCIS/JSON-simple-context/WithSensorData/SensorDataExample17.jsonld",
        &["type.string"],
        "schemaVersion is the number 2.0, not a string",
    ),
    (
        "gs1-EPCIS/JSON-simple-context/WithSensorData/SensorDataExample12.jsonld",
        &["member.required"],
        "schemaVersion and creationDate are missing",
    ),
    (
        "gs1-EPCIS/JSON-simple-context/Example-TransactionEvents-2020_07_03y.jsonld",
        &["type.array"],
        "sourceList and destinationList are objects, not arrays",
    ),
    (
        "gs1-EPCIS/JSON-simple-context/WithFullCombinationOfFields/object_event_all_possible_fields.jsonld",
        &["event.ilmd"],
        "an ObjectEvent with action OBSERVE has ilmd, which only ADD may have",
    ),
    (
        "/Capture/Documents/Combination_of_different_event.json",
        &["gs1.identifier"],
        "the GRAI 3001345000771 has a wrong check digit",
    ),
    (
        "/Query/Combination_of_different_event.json",
        &["gs1.identifier"],
        "the GRAI 3001345000771 has a wrong check digit",
    ),
    (
        "/Query/queryDocument.json",
        &["gs1.identifier"],
        "the GRAI 3001345000771 has a wrong check digit",
    ),
    (
        "/Capture/Documents/SensorData_with_combined_events.json",
        &["cbv.measurement-type", "member.required", "gs1.identifier"],
        "sensor reports without type, sensor types Molar_concentration and EffectiveDoseRate that \
         no list has, a GRAI that does not begin with zero",
    ),
    (
        "/Query/SensorData_with_combined_events.json",
        &["cbv.measurement-type", "member.required", "gs1.identifier"],
        "sensor reports without type, sensor types Molar_concentration and EffectiveDoseRate that \
         no list has, a GRAI that does not begin with zero",
    ),
    (
        "/Capture/Documents/TransactionEvent_with_userExtensions.json",
        &["cbv.measurement-type"],
        "the sensor type EffectiveDoseRate is in no list",
    ),
    (
        "/Query/TransactionEvent_with_userExtensions.json",
        &["cbv.measurement-type"],
        "the sensor type EffectiveDoseRate is in no list",
    ),
];

/// Files below those folders that are no EPCIS documents.
fn is_document(name: &str) -> bool {
    !name.contains("/Invalid/") && !name.contains("/Queries/")
}

fn valid_files() -> Option<Vec<(String, Vec<u8>)>> {
    let corpus = corpus()?;
    let mut files: Vec<(String, Vec<u8>)> =
        GS1.iter().flat_map(|folder| json_files(&corpus, folder)).collect();
    files.extend(json_files(&corpus, OPENEPCIS));
    files.retain(|(name, _)| is_document(name));
    Some(files)
}

/// A value whose objects are compared without regard to the order of members.
fn unordered(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let sorted: BTreeMap<&String, Json> =
                members.iter().map(|(name, value)| (name, unordered(value))).collect();
            Json::Object(sorted.into_iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(unordered).collect()),
        other => other.clone(),
    }
}

fn assert_lossless(name: &str, bytes: &[u8], read: &Document, mode: Mode) {
    let original = json::parse(bytes).expect("was read once");
    let written = document::write(read);
    let again = document::read(written.as_bytes(), mode).expect("what we write we read");
    assert_eq!(&again, read, "{name} changes when written and read again");
    let back = json::parse(written.as_bytes()).expect("what we write is JSON");
    assert_eq!(unordered(&back), unordered(&original), "{name} lost something");
}

#[test]
fn every_valid_document_is_read_strictly_and_written_without_loss() {
    let Some(files) = valid_files() else { return };
    assert!(files.len() >= 140, "only {} files", files.len());
    for (name, bytes) in &files {
        let listed = NOT_VALID.iter().find(|(file, ..)| name.ends_with(file));
        match (document::read(bytes, Mode::Strict), listed) {
            (Ok(document), None) => assert_lossless(name, bytes, &document, Mode::Strict),
            (Ok(_), Some(_)) => panic!("{name} is valid now; take it off the list"),
            (Err(rejection), None) => panic!("{name}: {rejection}"),
            (Err(rejection), Some((_, rules, _))) => {
                let findings = rejection.findings();
                let errors = findings.iter().filter(|f| f.severity == Severity::Error);
                let mut found: Vec<&str> = errors.map(|f| &*f.rule).collect();
                found.sort_unstable();
                found.dedup();
                let mut expected = rules.to_vec();
                expected.sort_unstable();
                assert_eq!(found, expected, "{name}");
            }
        }
    }
    for (file, ..) in NOT_VALID {
        assert!(files.iter().any(|(name, _)| name.ends_with(file)), "{file} is not in the corpus");
    }
}

#[test]
fn what_strict_reading_takes_lenient_reading_takes_too_and_alike() {
    let Some(files) = valid_files() else { return };
    for (name, bytes) in &files {
        if let Ok(strict) = document::read(bytes, Mode::Strict) {
            let lenient = document::read(bytes, Mode::Lenient).expect("lenient takes more");
            assert_eq!(strict, lenient, "{name}");
        }
    }
}

#[test]
fn the_facts_of_every_event_agree_with_its_members() {
    let Some(files) = valid_files() else { return };
    let mut events = 0;
    for (name, bytes) in &files {
        let Ok(document) = document::read(bytes, Mode::Lenient) else { continue };
        for event in &document.events {
            events += 1;
            let facts = event.facts();
            let listed: usize = event
                .json()
                .as_object()
                .expect("an event is an object")
                .iter()
                .filter(|(member, _)| {
                    member.ends_with("EPCList")
                        || member.ends_with("uantityList")
                        || matches!(&**member, "epcList" | "childEPCs")
                })
                .map(|(_, list)| list.as_array().map_or(0, <[Json]>::len))
                .sum();
            let parents = usize::from(event.json().get("parentID").is_some());
            assert_eq!(facts.identifiers.len(), listed + parents, "{name}");
            assert!(facts.event_time_ms > 946_684_800_000, "{name}: before the year 2000");
            assert_eq!(facts.event_id.as_deref(), event.event_id(), "{name}");
        }
    }
    assert!(events > 160, "only {events} events");
}
