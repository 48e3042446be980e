//! Trace: an index of many events, filled directly, traces of ten levels and a wide recall in it.

use std::path::Path;
use std::time::{Duration, Instant};

use countermark_epcis::facts::{Action, EventType, Facts, IdentifierFact, Role};
use countermark_store::index::trace::{Direction, Limits, Start};
use countermark_store::index::{BlockRows, Index, LogPosition, MemberId, RecordRow, VaultLocation};

use super::report::{Rate, Trace, rounded};
use super::{median, milliseconds, percentile};
use crate::error::NodeError;
use crate::progress::Progress;
use crate::stores::store_error;

const MEMBER: MemberId = [7; 16];
const LEVELS: u64 = 10;
const PER_BLOCK: usize = 500;
const ROUNDS: u64 = 1000;
/// Traces that warm the cache.
const WARM_UP: u64 = 100;
/// Events that one lot goes into, and the lots that each makes of it.
const WIDE_EVENTS: u64 = 1000;
const WIDE_OUTPUTS: u64 = 100;
const RECALL_ROUNDS: usize = 5;
/// Events of one level of a production line: received, transformed, packed, shipped.
const EVENTS_PER_LEVEL: u64 = 4;

fn lot(line: u64, level: u64) -> String {
    format!("https://id.gs1.org/01/0952123{:07}/10/L{line}", level + 10)
}

fn fact(role: Role, id: String, amount: Option<&str>) -> IdentifierFact {
    IdentifierFact {
        canonical: id.clone(),
        id,
        role,
        is_class: amount.is_some(),
        quantity: amount.map(str::to_owned),
        unit: amount.map(|_| "KGM".to_owned()),
    }
}

fn facts(number: u64, kind: EventType, step: &str, identifiers: Vec<IdentifierFact>) -> Facts {
    let party = |number: u64| {
        let kind = "https://ref.gs1.org/cbv/SDT-possessing_party".to_owned();
        (kind, format!("https://id.gs1.org/417/952{:010}", number % 500))
    };
    let named = |number: u64| {
        if matches!(step, "shipping" | "receiving") { vec![party(number)] } else { Vec::new() }
    };
    // Spread like random ids: the index on them is written at random places.
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Facts {
        event_type: kind,
        event_id: Some(format!("urn:uuid:{spread:08x}-0000-4000-8000-{number:012x}")),
        event_time_ms: 1_790_000_000_000 + i64::try_from(number).unwrap_or(0) * 1000,
        event_time_zone_offset: "+00:00".to_owned(),
        record_time_ms: None,
        action: (kind != EventType::Transformation).then_some(Action::Add),
        biz_step: Some(format!("https://ref.gs1.org/cbv/BizStep-{step}")),
        disposition: Some("https://ref.gs1.org/cbv/Disp-in_progress".to_owned()),
        persistent_set: Vec::new(),
        persistent_unset: Vec::new(),
        read_point: Some(format!("https://id.gs1.org/414/952{:010}", number % 997)),
        biz_location: Some(format!("https://id.gs1.org/414/952{:010}", number % 97)),
        transformation_id: None,
        identifiers,
        biz_transactions: Vec::new(),
        sources: named(number),
        destinations: named(number + 1),
        error_declaration: None,
        has_sensor_elements: false,
    }
}

/// The events of one production line; every tenth lot is split in two.
fn line(line: u64, first: u64) -> Vec<Facts> {
    let mut events = Vec::new();
    for level in 0..LEVELS {
        let number = first + events.len() as u64;
        let own = || lot(line, level);
        let mut made = vec![
            fact(Role::Input, own(), Some("100.5")),
            fact(Role::Output, lot(line, level + 1), Some("98")),
        ];
        if (line + level).is_multiple_of(10) {
            made.push(fact(Role::Output, format!("{}S", lot(line, level + 1)), Some("2.5")));
        }
        let pallet = format!("https://id.gs1.org/00/0952{:014}", line * LEVELS + level);
        let packed =
            vec![fact(Role::Parent, pallet.clone(), None), fact(Role::Child, own(), Some("50"))];
        let of_level = [
            (EventType::Object, "receiving", vec![fact(Role::Epc, own(), Some("100.5"))]),
            (EventType::Transformation, "commissioning", made),
            (EventType::Aggregation, "packing", packed),
            (EventType::Object, "shipping", vec![fact(Role::Epc, pallet, None)]),
        ];
        for (at, (kind, step, identifiers)) in (0..).zip(of_level) {
            events.push(facts(number + at, kind, step, identifiers));
        }
    }
    events
}

fn record(number: u64, facts: Facts) -> RecordRow {
    let mut record_id = [0; 16];
    record_id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RecordRow {
        position: LogPosition {
            leaf_index: number / PER_BLOCK as u64,
            batch_index: u16::try_from(number % PER_BLOCK as u64).unwrap_or(0),
        },
        record_id,
        member: MEMBER,
        record_time_ms: facts.event_time_ms,
        facts: Some(facts),
        vault: Some(VaultLocation { segment: 1, offset: number * 900 }),
        erased: 0,
        previous: None,
    }
}

/// Filled: lines, events, and how fast they went in.
struct Filled {
    lines: u64,
    rate: Rate,
}

/// Fills the index with lines, and then with one lot that goes into many.
fn fill(index: &mut Index, events: usize, progress: &dyn Progress) -> Result<Filled, NodeError> {
    let lines = (events as u64 / (EVENTS_PER_LEVEL * LEVELS)).max(1);
    let (mut number, mut writing) = (0, Duration::ZERO);
    let mut rows = BlockRows::default();
    for at in 0..lines {
        for facts in line(at, number) {
            rows.records.push(record(number, facts));
            number += 1;
        }
        if rows.records.len() >= PER_BLOCK || at + 1 == lines {
            let begin = Instant::now();
            index.apply(&rows).map_err(|e| store_error(&e))?;
            writing += begin.elapsed();
            rows = BlockRows { height: rows.height + 1, ..BlockRows::default() };
            progress.at("events put in the trace's index", number, events as u64);
        }
    }
    let rate = Rate::of(usize::try_from(number).unwrap_or(0), writing.as_secs_f64(), None);
    for (at, facts) in (number..).zip(wide()) {
        rows.records.push(record(at, facts));
        if rows.records.len() >= PER_BLOCK {
            index.apply(&rows).map_err(|e| store_error(&e))?;
            rows = BlockRows { height: rows.height + 1, ..BlockRows::default() };
        }
    }
    index.apply(&rows).map_err(|e| store_error(&e))?;
    Ok(Filled { lines, rate })
}

/// One lot, transformed into a hundred others a thousand times.
fn wide() -> impl Iterator<Item = Facts> {
    (0..WIDE_EVENTS).map(|part| {
        let mut identifiers = vec![fact(Role::Input, lot(u64::MAX, 0), Some("1"))];
        let outputs = (0..WIDE_OUTPUTS).map(|piece| lot(u64::MAX - part, piece + 1));
        identifiers.extend(outputs.map(|id| fact(Role::Output, id, Some("0.01"))));
        facts(part, EventType::Transformation, "commissioning", identifiers)
    })
}

/// The longest time to find all that the wide lot went into.
fn recall(index: &Index) -> Result<(usize, Duration), NodeError> {
    let (mut lots, mut longest) = (0, Duration::ZERO);
    for round in 0..=RECALL_ROUNDS {
        let starts = [Start::goods(lot(u64::MAX, 0))];
        let begin = Instant::now();
        let found = index.trace_member(&MEMBER, &starts, Direction::Down, &Limits::default());
        let found = found.map_err(|e| store_error(&e))?;
        // The first round warms the cache.
        if round > 0 {
            longest = longest.max(begin.elapsed());
        }
        let start = lot(u64::MAX, 0);
        lots = found.nodes.iter().filter(|node| node.id != start).count();
    }
    if lots as u64 != WIDE_EVENTS * WIDE_OUTPUTS {
        return Err(NodeError::Store(format!("a recall found {lots} lots")));
    }
    Ok((lots, longest))
}

/// Measures traces, half of them downstream, in an index of so many events.
pub(super) fn run(path: &Path, events: usize, progress: &dyn Progress) -> Result<Trace, NodeError> {
    let failed = |e: countermark_store::index::IndexError| store_error(&e);
    let mut index = Index::create(path).map_err(failed)?;
    let Filled { lines, rate } = fill(&mut index, events, progress)?;
    drop(index);
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let index = Index::open_reader(path).map_err(failed)?;
    let mut times = Vec::new();
    let mut levels = u64::MAX;
    for round in 0..WARM_UP + ROUNDS {
        let line = round.wrapping_mul(7919) % lines;
        let (direction, level) =
            if round % 2 == 0 { (Direction::Down, 0) } else { (Direction::Up, LEVELS) };
        let starts = [Start::goods(lot(line, level))];
        let begin = Instant::now();
        let found = index.trace_member(&MEMBER, &starts, direction, &Limits::default());
        let found = found.map_err(failed)?;
        if round >= WARM_UP {
            times.push(begin.elapsed());
        }
        levels = levels.min((found.nodes.len() as u64).saturating_sub(1));
    }
    if levels < LEVELS {
        return Err(NodeError::Store(format!("a trace ended after {levels} levels")));
    }
    let (recall_lots, recalled) = recall(&index)?;
    Ok(Trace {
        events: rate.events,
        inserted_per_second: rate.events_per_second,
        levels: usize::try_from(LEVELS).unwrap_or(0),
        rounds: times.len(),
        p50_ms: milliseconds(median(&mut times)),
        p99_ms: milliseconds(percentile(&mut times, 99)),
        index_bytes_per_event: rounded(bytes as f64 / rate.events.max(1) as f64),
        recall_lots,
        recall_ms: milliseconds(recalled),
    })
}
