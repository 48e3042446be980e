//! `hash`, `translate`, `validate`, `mapping`: no data directory, no keys.

use std::path::Path;

use anyhow::Result;
use countermark_epcis::Mode;
use countermark_epcis::document::{self, Rejection};
use countermark_epcis::{gs1, hash as event_hash};
use countermark_node::mappings::Mappings;
use countermark_node::{NodeError, validate};

use super::read;
use crate::cli::{HashProfile, MappingCommand};
use crate::output::{say, say_json};
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
        other => Err(unreadable(file, other.to_string())),
    }
}

fn unreadable(file: &Path, what: String) -> anyhow::Error {
    NodeError::Unreadable { place: file.display().to_string(), what }.into()
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
        say_json(&found.to_json());
    } else {
        let shown = [Some(found.digital_link), found.epc_urn, Some(found.element_string)];
        shown.into_iter().flatten().for_each(|form| say(&form));
    }
    Ok(HOLDS)
}

pub(crate) fn validate(file: &Path, lenient: bool, json: bool) -> Result<u8> {
    let found = validate::validate(&read(file)?, lenient);
    if json {
        say_json(&found);
    } else if !found.unreadable {
        found.findings.iter().for_each(|finding| say(&finding.to_string()));
        let verdict = if found.valid { "valid" } else { "not valid" };
        say(&format!("{}: {verdict}, {} events.", file.display(), found.events));
    }
    if found.unreadable {
        let what = found.findings.into_iter().map(|finding| finding.message).collect();
        return Err(unreadable(file, what));
    }
    Ok(if found.valid { HOLDS } else { DOES_NOT_HOLD })
}

/// The shipped mappings, and those of a folder beside them.
pub(crate) fn mappings(folder: Option<&Path>) -> Result<Mappings> {
    Ok(Mappings::load(folder)?)
}

pub(crate) fn mapping(command: MappingCommand) -> Result<u8> {
    match command {
        MappingCommand::List { mappings: folder, json } => {
            let mappings = mappings(folder.as_deref())?;
            let described = mappings.describe()?;
            if json {
                say_json(&described);
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
