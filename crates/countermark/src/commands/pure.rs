//! `hash`, `translate`, `validate`, `mapping`: no data directory, no keys.

use std::path::Path;

use anyhow::Result;
use countermark_epcis::Mode;
use countermark_epcis::document::{self, Rejection};
use countermark_epcis::finding::{Finding, any_error};
use countermark_epcis::json::Json;
use countermark_epcis::{gs1, hash as event_hash};
use countermark_node::NodeError;
use countermark_node::mappings::{Mapping, Mappings};

use super::read;
use crate::cli::{HashProfile, MappingCommand};
use crate::output::{number, object, say, say_json, text_or_null};
use crate::{DOES_NOT_HOLD, HOLDS};

pub(crate) fn hash(profile: HashProfile, pre_hash: bool, file: &Path) -> Result<u8> {
    let profile = match profile {
        HashProfile::Cbv20Legacy => event_hash::Profile::Cbv20Legacy,
        HashProfile::Cbv20V2026 => event_hash::Profile::Cbv20V2026,
        HashProfile::Cbv21 => event_hash::Profile::Cbv21,
    };
    let document = match document::read(&read(file)?, Mode::Lenient) {
        Ok(document) => document,
        Err(error) => return refuse(file, error),
    };
    let lines = if pre_hash {
        event_hash::document_pre_hashes(&document, profile)
    } else {
        event_hash::document_hashes(&document, profile)
    };
    lines.iter().for_each(|line| say(line));
    Ok(HOLDS)
}

/// Shows why a document is not taken: as findings (1), or as unreadable (3).
fn refuse(file: &Path, error: Rejection) -> Result<u8> {
    match error {
        Rejection::Invalid { findings } => {
            findings.iter().for_each(|finding| eprintln!("{}: {finding}", file.display()));
            Ok(DOES_NOT_HOLD)
        }
        other => Err(NodeError::Unreadable {
            place: file.display().to_string(),
            what: other.to_string(),
        }
        .into()),
    }
}

pub(crate) fn translate(id: &str, json: bool) -> Result<u8> {
    let found = match gs1::translate(id) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("countermark: {id}: {error}");
            return Ok(DOES_NOT_HOLD);
        }
    };
    if json {
        say_json(&object([
            ("digitalLink", Json::string(&*found.digital_link)),
            ("epcUrn", text_or_null(found.epc_urn.as_deref())),
            ("elementString", Json::string(&*found.element_string)),
            ("keyType", Json::string(found.key_type.name())),
        ]));
    } else {
        let shown = [Some(found.digital_link), found.epc_urn, Some(found.element_string)];
        shown.into_iter().flatten().for_each(|form| say(&form));
    }
    Ok(HOLDS)
}

pub(crate) fn validate(file: &Path, lenient: bool, json: bool) -> Result<u8> {
    let mode = if lenient { Mode::Lenient } else { Mode::Strict };
    let (events, findings) = match document::read(&read(file)?, mode) {
        Ok(document) => (document.events.len(), document.findings),
        Err(Rejection::Invalid { findings }) => (0, findings),
        Err(other) => {
            if json {
                say_json(&validity(false, 0, &other.findings()));
            }
            return refuse(file, other);
        }
    };
    let valid = !any_error(&findings);
    if json {
        say_json(&validity(valid, events, &findings));
    } else {
        findings.iter().for_each(|finding| say(&finding.to_string()));
        let verdict = if valid { "valid" } else { "not valid" };
        say(&format!("{}: {verdict}, {events} events.", file.display()));
    }
    Ok(if valid { HOLDS } else { DOES_NOT_HOLD })
}

fn validity(valid: bool, events: usize, findings: &[Finding]) -> Json {
    object([
        ("valid", Json::Bool(valid)),
        ("events", number(events)),
        ("findings", Json::Array(findings.iter().map(Finding::to_json).collect())),
    ])
}

/// The shipped mappings, and those of a folder beside them.
pub(crate) fn mappings(folder: Option<&Path>) -> Result<Mappings> {
    Ok(Mappings::load(folder)?)
}

pub(crate) fn find(mappings: &Mappings, name: &str) -> Result<Mapping> {
    Ok(mappings.find(name)?)
}

pub(crate) fn mapping(command: MappingCommand) -> Result<u8> {
    match command {
        MappingCommand::List { mappings: folder, json } => {
            let mappings = mappings(folder.as_deref())?;
            let described = mappings.describe()?;
            if json {
                say_json(&Json::Array(described.iter().map(describe_json).collect()));
            } else {
                for one in &described {
                    say(&format!(
                        "{:<28} {:<8} {:<26} verified: {}",
                        one.id, one.version, one.source, one.verified
                    ));
                }
            }
            Ok(HOLDS)
        }
    }
}

fn describe_json(one: &countermark_node::mappings::Description) -> Json {
    object([
        ("id", Json::string(&*one.id)),
        ("version", Json::string(&*one.version)),
        ("source", Json::string(&*one.source)),
        ("emits", Json::Array(one.emits.iter().map(|e| Json::string(&**e)).collect())),
        ("verified", Json::string(&*one.verified)),
    ])
}
