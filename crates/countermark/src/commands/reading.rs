//! `events`, `trace`, `log`, `fsck`, `index`.

use std::path::Path;

use anyhow::Result;
use countermark_epcis::json::Json;
use countermark_node::trace::{Direction, Trace};
use countermark_node::{EpcFormat, Node};

use super::{unlock, write};
use crate::cli::{self, Data, IndexCommand, Place};
use crate::output::{Bar, say, say_bytes, say_json};
use crate::target::Target;
use crate::{DOES_NOT_HOLD, HOLDS};

pub(crate) fn events(at: &Place, query: &str, format: cli::EpcFormat, json: bool) -> Result<u8> {
    let format = match format {
        cli::EpcFormat::AlwaysGs1DigitalLink => EpcFormat::AlwaysGs1DigitalLink,
        cli::EpcFormat::AlwaysEpcUrn => EpcFormat::AlwaysEpcUrn,
        cli::EpcFormat::NeverTranslates => EpcFormat::NeverTranslates,
        cli::EpcFormat::NoPreference => EpcFormat::NoPreference,
    };
    let answer = Target::open(at)?.events(query, format)?;
    if json {
        say_json(&answer.events);
    } else {
        for event in &answer.events {
            say(&line(event));
        }
        say(&format!("{} events.", answer.events.len()));
    }
    if answer.erased > 0 {
        eprintln!(
            "{} more events are not shown: what makes them events was erased.",
            answer.erased
        );
    }
    if let Some(token) = answer.next_page_token {
        eprintln!("There are more: add nextPageToken={token} to the query.");
    }
    Ok(HOLDS)
}

/// One event on one line: when, what, which step, the first identifiers, the id.
fn line(event: &Json) -> String {
    let text = |name: &str| event.get(name).and_then(Json::as_str).unwrap_or("");
    let step = text("bizStep").rsplit(['/', ':']).next().unwrap_or_default();
    format!("{}  {:<20} {:<22} {}", text("eventTime"), text("type"), step, text("eventID"))
}

pub(crate) fn trace(at: &Place, id: &str, up: bool, down: bool, json: bool) -> Result<u8> {
    let direction = match (up, down) {
        (true, _) => Direction::Up,
        (_, true) => Direction::Down,
        _ => Direction::Both,
    };
    let trace = Target::open(at)?.trace(id, direction)?;
    if json {
        say_json(&trace);
    } else {
        show_trace(&trace);
    }
    Ok(HOLDS)
}

pub(crate) fn show_trace(trace: &Trace) {
    for node in &trace.nodes {
        say(&format!("{}  {}  {}", node.member, node.site.as_deref().unwrap_or("-"), node.id));
    }
    for edge in &trace.edges {
        let quantity = edge.quantity.as_deref().unwrap_or("");
        let unit = edge.unit.as_deref().unwrap_or("");
        let what = edge.step.as_deref().unwrap_or(edge.kind.word());
        let side = if edge.both_sides == Some(false) { "  (one side's record)" } else { "" };
        let (time, from, to) = (&edge.time, &edge.from, &edge.to);
        say(&format!("  {time}  {what}: {from} -> {to}  {quantity} {unit}{side}"));
    }
    for gap in &trace.missing {
        say(&format!("missing: {}: {}", gap.member, gap.reason));
    }
    if trace.truncated {
        say("The trace was cut at its limits; start again from its outermost nodes.");
    }
}

pub(crate) fn log(at: &Place, path: &str, output: Option<&Path>) -> Result<u8> {
    let bytes = Target::open(at)?.log_resource(path)?;
    match output {
        Some(file) => write(file, &bytes)?,
        None => say_bytes(&bytes),
    }
    Ok(HOLDS)
}

pub(crate) fn fsck(data: &Data, json: bool) -> Result<u8> {
    let report = Node::fsck(&data.data, &unlock(&data.unlock)?, &Bar::new())?;
    if json {
        say_json(&report);
    } else {
        for (what, count) in &report.checked {
            say(&format!("checked {count} {what}"));
        }
        for fault in &report.faults {
            say(&format!("{}: {}; {}", fault.place, fault.what, fault.advice));
        }
        let sound = if report.faults.is_empty() { "Everything holds." } else { "Not sound." };
        say(sound);
    }
    Ok(if report.faults.is_empty() { HOLDS } else { DOES_NOT_HOLD })
}

pub(crate) fn index(command: IndexCommand) -> Result<u8> {
    let IndexCommand::Rebuild { data } = command;
    let count = Node::index_rebuild(&data.data, &unlock(&data.unlock)?, &Bar::new())?;
    say(&format!("The index holds {count} events again."));
    Ok(HOLDS)
}
