//! `capture`, `import`, `document`, `erase`, `master-data`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use countermark_node::{CaptureReport, ErasureReason, InputFile};

use super::{read, write, write_counts, write_faults};
use crate::cli::{DocumentCommand, Place, Reason};
use crate::output::{Bar, say, say_json};
use crate::target::{Sources, Target};
use crate::{DOES_NOT_HOLD, HOLDS, UNREADABLE};

fn inputs(files: &[PathBuf]) -> Result<Vec<InputFile>> {
    files
        .iter()
        .map(|path| Ok(InputFile { name: path.display().to_string(), bytes: read(path)? }))
        .collect()
}

pub(crate) fn capture(
    at: &Place,
    member: Option<&str>,
    lenient: bool,
    json: bool,
    files: &[PathBuf],
) -> Result<u8> {
    let inputs = inputs(files)?;
    let report = Target::open(at)?.capture(member, &inputs, lenient, &Bar::new())?;
    show(report, json)
}

pub(crate) fn import(
    at: &Place,
    member: Option<&str>,
    sources: &Sources,
    json: bool,
    files: &[PathBuf],
) -> Result<u8> {
    let inputs = inputs(files)?;
    let report = Target::open(at)?.import(member, sources, &inputs, &Bar::new())?;
    show(report, json)
}

fn show(report: CaptureReport, json: bool) -> Result<u8> {
    write_faults(&report);
    if json {
        say_json(&report);
    } else {
        write_counts(&report);
    }
    if let Some(error) = report.failed {
        return Err(error.into());
    }
    Ok(if report.unreadable {
        UNREADABLE
    } else if report.rejected.is_empty() && report.quarantined.is_empty() {
        HOLDS
    } else {
        DOES_NOT_HOLD
    })
}

pub(crate) fn master_data(at: &Place, file: &Path) -> Result<u8> {
    let counts = Target::open(at)?.master_data_add(&file.display().to_string(), &read(file)?)?;
    say(&format!("Known now: {counts}."));
    Ok(HOLDS)
}

pub(crate) fn document(command: DocumentCommand) -> Result<u8> {
    match command {
        DocumentCommand::Add { at, member, json, file } => {
            let bytes = read(&file)?;
            let name = file.display().to_string();
            let kept = Target::open(&at)?.document(member.as_deref(), &name, &bytes)?;
            if json {
                say_json(&kept);
            } else {
                say(&format!("Kept as {} ({} bytes, CID {}).", kept.id, bytes.len(), kept.cid));
            }
        }
        DocumentCommand::Get { at, document_id, output } => {
            let (name, content) = Target::open(&at)?.document_content(&document_id)?;
            write(&output, &content)?;
            say(&format!("{}: {} bytes, given as {name}.", output.display(), content.len()));
        }
    }
    Ok(HOLDS)
}

pub(crate) fn quarantine(at: &Place, json: bool) -> Result<u8> {
    let held = Target::open(at)?.quarantine()?;
    if json {
        say_json(&held);
    } else {
        for one in &held {
            say(&format!(
                "{}: {}: {} \"{}\": {}",
                one.file, one.place, one.kind, one.value, one.message
            ));
        }
        say(&format!(
            "{} wait; add what is missing with `master-data` and import again.",
            held.len()
        ));
    }
    Ok(HOLDS)
}

/// What is erased, and why.
pub(crate) struct Erasure {
    pub(crate) class: Option<String>,
    pub(crate) reason: Reason,
}

pub(crate) fn classes(at: &Place, file: &Path) -> Result<u8> {
    let count = Target::open(at)?.classes_set(&file.display().to_string(), &read(file)?)?;
    say(&format!("{count} extensions have a field class of their own, in events from now on."));
    Ok(HOLDS)
}

pub(crate) fn erase(
    at: &Place,
    member: Option<&str>,
    event_id: &str,
    what: &Erasure,
    json: bool,
) -> Result<u8> {
    let reason = match what.reason {
        Reason::Request => ErasureReason::Request,
        Reason::Retention => ErasureReason::Retention,
        Reason::Error => ErasureReason::Error,
        Reason::Order => ErasureReason::Order,
        Reason::Agreement => ErasureReason::Agreement,
    };
    let class = what.class.as_deref();
    let erased = Target::open(at)?.erase(member, event_id, class, reason)?;
    if json {
        say_json(&erased);
    } else if erased.erased.is_empty() {
        say("Nothing of that was left to erase.");
    } else {
        say(&format!(
            "Erased for good: {}. Every other proof still holds.",
            erased.erased.join(", ")
        ));
    }
    Ok(HOLDS)
}
