//! What the tests of this folder share.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use std::sync::Mutex;

use countermark_epcis::json::{self, Json};
use countermark_intake::{Library, Mapping, MasterTable, Outcome};

/// The workspace root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A shipped mapping; compiled once for all tests of a binary.
pub(crate) fn mapping(name: &str) -> &'static Mapping {
    static COMPILED: Mutex<BTreeMap<String, &'static Mapping>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap();
    compiled.entry(name.to_owned()).or_insert_with(|| {
        let mapping = Library::shipped().get(name).unwrap_or_else(|error| panic!("{error}"));
        Box::leak(Box::new(mapping))
    })
}

/// The master data of the mappings' examples.
pub(crate) fn master() -> MasterTable {
    let text = std::fs::read_to_string(root().join("mappings/master-data.toml")).unwrap();
    MasterTable::from_toml(&text).unwrap()
}

/// Imports with the examples' master data.
pub(crate) fn import(name: &str, bytes: &[u8]) -> Outcome {
    mapping(name).import(bytes, &master()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The folder of third-party documents, or none when it is absent outside CI.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("COUNTERMARK_CORPUS")
        .map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!on_ci, "the corpus is not at {}", folder.display());
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

/// An outcome as JSON, for golden files.
pub(crate) fn outcome_json(outcome: &Outcome) -> Json {
    let mut out = Json::object();
    let mut document = Json::object();
    document.set("kind", Json::string(&*outcome.document.kind));
    document.set("id", Json::string(&*outcome.document.id));
    document.set("system", Json::string(&*outcome.document.system));
    out.set("document", document);
    let lines = outcome
        .lines
        .iter()
        .map(|key| Json::string(format!("{} / {} / {}", key.system, key.document, key.line)));
    let quarantined = outcome
        .quarantined
        .iter()
        .map(|q| Json::string(format!("{}: {} \"{}\": {}", q.place, q.rule, q.value, q.needed)));
    let findings = outcome.findings.iter().map(|finding| Json::string(finding.to_string()));
    out.set("events", Json::Array(outcome.events.clone()));
    out.set("lines", Json::Array(lines.collect()));
    out.set("findings", Json::Array(findings.collect()));
    out.set("quarantined", Json::Array(quarantined.collect()));
    out.set("expectations", Json::Array(outcome.expectations.clone()));
    out
}

/// Places and rules of an outcome's findings.
pub(crate) fn rules(outcome: &Outcome) -> Vec<(String, String)> {
    outcome.findings.iter().map(|f| (f.pointer.clone(), f.rule.clone())).collect()
}

/// Parses JSON of a test.
pub(crate) fn parse(text: &str) -> Json {
    json::parse(text.as_bytes()).unwrap()
}
