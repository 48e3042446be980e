//! The legacy profile against the published reference package itself, on every document of the
//! corpus that both take.
//!
//! Runs where `COUNTERMARK_PYTHON` names a Python that has `epcis_event_hash_generator` 1.9.3.

use std::io::Write;
use std::process::{Command, Stdio};

use countermark_epcis::hash::{self, Profile};
use countermark_epcis::json::{self, Json};
use countermark_epcis::{Mode, document};

use super::{corpus, json_files};

const FOLDERS: &[&str] = &[
    "gs1-EPCIS/JSON",
    "gs1-EPCIS/JSON-simple-context",
    "openepcis-test-resources/core/src/main/resources/2.0/EPCIS/JSON/Capture/Documents",
    "RalphTro-epcis-event-hash-generator/tests",
];

/// Documents on which the package differs, and why that is right.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "Namespaces_at_different_level.json",
        "the package hashes the events' own @context as if it were a member, and does not resolve \
         the prefixes that it declares",
    ),
    (
        "epcisDocHavingEventWithIgnoreFields.jsonld",
        "ignoreFields came into the reference after version 1.9.3; its own expected value is ours",
    ),
];

#[test]
fn the_published_package_gives_the_same_legacy_hashes() {
    let Some(corpus) = corpus() else { return };
    let Some(python) = std::env::var_os("COUNTERMARK_PYTHON") else {
        let what = "COUNTERMARK_PYTHON names no Python with epcis_event_hash_generator";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
        eprintln!("skipped: {what}");
        return;
    };
    let files: Vec<(String, Vec<u8>)> =
        FOLDERS.iter().flat_map(|folder| json_files(&corpus, folder)).collect();
    let names: Vec<String> =
        files.iter().map(|(name, _)| corpus.join(name).to_string_lossy().into_owned()).collect();
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/event_hashes.py"))
        .arg(corpus.join("gs1-EPCIS/epcis-context.jsonld"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("its input is a pipe");
    input.write_all(names.join("\n").as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the package failed as a whole");
    let theirs = json::parse(&output.stdout).expect("it answers in JSON");

    let mut same = 0;
    for ((name, bytes), path) in files.iter().zip(&names) {
        let Some(Json::Array(expected)) = theirs.get(path) else { continue };
        let Ok(document) = document::read(bytes, Mode::Lenient) else { continue };
        let ours = hash::document_hashes(&document, Profile::Cbv20Legacy);
        let expected: Vec<&str> = expected.iter().filter_map(Json::as_str).collect();
        let listed = DIFFERENT.iter().any(|(file, _)| name.ends_with(file));
        assert_eq!(ours == expected, !listed, "{name}: {ours:?}, the package: {expected:?}");
        same += if listed { 0 } else { ours.len() };
    }
    assert!(same >= 178, "only {same} events were compared");
}
