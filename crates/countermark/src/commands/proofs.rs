//! `prove`, `receipt`, `trust`, `verify`.

use std::path::Path;

use anyhow::Result;
use countermark_epcis::time::Instant;
use countermark_node::verify::{
    self, Disclosed, Disclosure, Report, Verdict, hex, lacking, state_word,
};

use super::{read, write};
use crate::cli::Place;
use crate::output::{say, say_json};
use crate::target::Target;
use crate::{DOES_NOT_HOLD, HOLDS, KEY_NOT_CHECKED};

pub(crate) fn prove(at: &Place, event_id: &str, fields: &[String], output: &Path) -> Result<u8> {
    let proof = Target::open(at)?.prove(event_id, fields)?;
    write(output, &proof.bytes)?;
    let erased = &proof.erased;
    let what = match fields {
        _ if !erased.is_empty() => {
            format!("what is left of {event_id}; erased: {}", erased.join(", "))
        }
        [] => format!("the whole event of {event_id}"),
        [one] => format!("the field {one} of {event_id}"),
        several => format!("{} fields of {event_id}", several.len()),
    };
    say(&format!("{}: {} bytes, proves {what}.", output.display(), proof.bytes.len()));
    Ok(HOLDS)
}

pub(crate) fn receipt(
    at: &Place,
    event_id: &str,
    output: &Path,
    statement: Option<&Path>,
) -> Result<u8> {
    let receipt = Target::open(at)?.receipt(event_id, statement.is_some())?;
    write(output, &receipt.receipt)?;
    if let Some(path) = statement {
        write(path, &receipt.statement)?;
    }
    say(&format!("{}: COSE receipt, leaf {}.", output.display(), receipt.leaf_index));
    Ok(HOLDS)
}

pub(crate) fn trust(at: &Place, output: &Path) -> Result<u8> {
    let policy = Target::open(at)?.trust()?;
    write(output, policy.as_bytes())?;
    say(&format!("{}: give it to whoever verifies, by a way he trusts.", output.display()));
    Ok(HOLDS)
}

pub(crate) fn verify(file: &Path, trust: Option<&Path>, json: bool) -> Result<u8> {
    let bundle = read(file)?;
    let policy = trust.map(read).transpose()?;
    let report = verify::verify(&file.display().to_string(), &bundle, policy.as_deref())?;
    if json {
        say_json(&verify::Answer::from(&report));
    } else {
        show(&report);
    }
    Ok(match report.verdict {
        Verdict::Holds => HOLDS,
        Verdict::LogKeyNotChecked => KEY_NOT_CHECKED,
        Verdict::DoesNotHold => DOES_NOT_HOLD,
    })
}

fn show(report: &Report) {
    for check in &report.checks {
        say(&format!("{:<13} {}: {}", state_word(check.state), check.check, check.detail));
    }
    for record in &report.records {
        let id = hex(&record.member);
        let name = record.member_name.as_deref().unwrap_or(&id);
        let time = moment(record.block_time_ms);
        say(&format!("recorded by {name} in block {} at {time}:", record.height));
        if let Some(event) = &record.verified.event {
            say(&format!("              event = {}", event.to_text()));
            continue;
        }
        for shown in &record.verified.disclosures {
            let pointer = if shown.pointer.is_empty() { "the event" } else { &shown.pointer };
            say(&format!("              {pointer} {}", in_words(shown)));
        }
        for pointer in lacking(&record.verified) {
            say(&format!("              {pointer} is absent"));
        }
    }
    if let Some(issuer) = &report.issuer {
        let id = hex(&issuer.member);
        let name = issuer.member_name.as_deref().unwrap_or(&id);
        say(&format!(
            "bundle issued by {name} at {}, by its own clock",
            moment(issuer.issued_at_ms)
        ));
    }
    say(&report.message);
}

fn moment(unix_ms: u64) -> String {
    Instant::format_ms(unix_ms.cast_signed())
}

/// What one opening shows, in words.
fn in_words(disclosure: &Disclosure) -> String {
    match &disclosure.shown {
        Disclosed::Value(value) => format!("= {}", value.to_text()),
        Disclosed::Absent => "is absent".to_owned(),
        Disclosed::Length(length) => format!("has {length} items"),
        Disclosed::NoneBetween { after, before } => {
            let start = after.as_deref().unwrap_or("the start");
            let end = before.as_deref().unwrap_or("the end");
            let class = disclosure.class.name();
            format!("has no extension of class {class} between {start} and {end}")
        }
    }
}
