//! Measures the index: insertion, traces of ten levels, a wide recall, queries by identifier.
//!
//! `cargo run --release -p countermark-store --example trace_bench -- [EVENTS] [DIRECTORY]`
//!
//! The events are lots that are shipped, received, transformed and packed in production lines of
//! ten steps, so that every trace from a first lot has at least ten levels of transformation; every
//! tenth lot is split in two. One more lot goes into 1,000 outputs of 100 lots each.
#![allow(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use countermark_epcis::facts::{Action, EventType, Facts, IdentifierFact, Role};
use countermark_store::index::trace::{Direction, Limits, Start};
use countermark_store::index::{
    BlockRows, Index, LogPosition, MemberId, Query, RecordRow, VaultLocation,
};

const MEMBER: MemberId = [7; 16];
const STEPS: u64 = 10;
const PER_BLOCK: usize = 500;
const ROUNDS: u64 = 2000;

fn lot(line: u64, step: u64) -> String {
    format!("https://id.gs1.org/01/0952123{:07}/10/L{line}", step + 10)
}

fn sscc(number: u64) -> String {
    format!("https://id.gs1.org/00/0952{number:014}")
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

fn facts(
    number: u64,
    event_type: EventType,
    step: &str,
    identifiers: Vec<IdentifierFact>,
) -> Facts {
    let party = |number: u64| format!("https://id.gs1.org/417/952{:010}", number % 500);
    let handover = matches!(step, "shipping" | "receiving");
    let named = |number: u64| {
        let kind = "https://ref.gs1.org/cbv/SDT-possessing_party".to_owned();
        if handover { vec![(kind, party(number))] } else { Vec::new() }
    };
    Facts {
        event_type,
        // Spread like random ids: the index on them is written at random places.
        event_id: Some(format!(
            "urn:uuid:{:08x}-0000-4000-8000-{:012x}",
            (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32,
            number
        )),
        event_time_ms: 1_790_000_000_000 + i64::try_from(number).unwrap_or(0) * 1000,
        event_time_zone_offset: "+00:00".to_owned(),
        record_time_ms: None,
        action: (event_type != EventType::Transformation).then_some(Action::Add),
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

/// The events of one production line.
fn line(line: u64, first: u64) -> Vec<Facts> {
    let mut events = Vec::new();
    for step in 0..STEPS {
        let number = first + events.len() as u64;
        let own = || lot(line, step);
        let mut made = vec![
            fact(Role::Input, own(), Some("100.5")),
            fact(Role::Output, lot(line, step + 1), Some("98")),
        ];
        if (line + step).is_multiple_of(10) {
            made.push(fact(Role::Output, format!("{}S", lot(line, step + 1)), Some("2.5")));
        }
        let pallet = sscc(line * STEPS + step);
        let packed =
            vec![fact(Role::Parent, pallet.clone(), None), fact(Role::Child, own(), Some("50"))];
        for (kind, word, identifiers) in [
            (EventType::Object, "receiving", vec![fact(Role::Epc, own(), Some("100.5"))]),
            (EventType::Transformation, "commissioning", made),
            (EventType::Aggregation, "packing", packed),
            (EventType::Object, "shipping", vec![fact(Role::Epc, pallet, None)]),
        ] {
            events.push(facts(number, kind, word, identifiers));
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

fn apply(
    index: &mut Index,
    height: &mut u64,
    records: Vec<RecordRow>,
) -> Result<(), Box<dyn Error>> {
    index.apply(&BlockRows { height: *height, records, erasures: Vec::new() })?;
    *height += 1;
    Ok(())
}

fn percentiles(name: &str, mut times: Vec<Duration>, what: &str) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{name}: p50 {:?}, p99 {:?}, max {:?} ({what})", at(50), at(99), at(100));
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let path = directory.join(format!("countermark-trace-bench-{}.db", std::process::id()));
    Index::remove(&path)?;
    let mut index = Index::create(&path)?;
    let lines = (events / (4 * STEPS)).max(1);
    let (mut number, mut height) = (0, 0);
    let mut batch = Vec::with_capacity(PER_BLOCK);
    let mut writing = Duration::ZERO;
    for line_number in 0..lines {
        for facts in line(line_number, number) {
            batch.push(record(number, facts));
            number += 1;
            if batch.len() == PER_BLOCK {
                let begin = Instant::now();
                apply(&mut index, &mut height, std::mem::take(&mut batch))?;
                writing += begin.elapsed();
            }
        }
        if line_number % (lines / 10).max(1) == 0 {
            println!("  {number} events in {:.1} s", writing.as_secs_f64());
        }
    }
    let rate = number as f64 / writing.as_secs_f64();
    println!("inserted {number} events in blocks of {PER_BLOCK}: {rate:.0} events/s");

    let wide = lot(u64::MAX, 0);
    for part in 0..1000 {
        let mut identifiers = vec![fact(Role::Input, wide.clone(), Some("1"))];
        let outputs = (0..100).map(|piece| lot(u64::MAX - part, piece + 1));
        identifiers.extend(outputs.map(|id| fact(Role::Output, id, Some("0.01"))));
        batch.push(record(
            number,
            facts(number, EventType::Transformation, "commissioning", identifiers),
        ));
        number += 1;
        if batch.len() == PER_BLOCK {
            apply(&mut index, &mut height, std::mem::take(&mut batch))?;
        }
    }
    apply(&mut index, &mut height, batch)?;
    drop(index);
    let bytes = std::fs::metadata(&path)?.len();
    println!(
        "file: {:.1} MB, {:.0} bytes per event",
        bytes as f64 / 1e6,
        bytes as f64 / number as f64
    );

    let begin = Instant::now();
    let index = Index::open_reader(&path)?;
    println!("opened in {:?}", begin.elapsed());
    for direction in [Direction::Down, Direction::Up] {
        let mut times = Vec::new();
        let (mut nodes, mut edges) = (0, 0);
        for round in 0..ROUNDS + ROUNDS / 10 {
            let line = round.wrapping_mul(7919) % lines;
            let step = if direction == Direction::Down { 0 } else { STEPS };
            let starts = [Start::goods(lot(line, step))];
            let begin = Instant::now();
            let found = index.trace_member(&MEMBER, &starts, direction, &Limits::default())?;
            // The first rounds warm the cache.
            if round >= ROUNDS / 10 {
                times.push(begin.elapsed());
            }
            (nodes, edges) = (found.nodes.len(), found.edges.len());
        }
        let what = format!("last one: {nodes} nodes, {edges} edges");
        percentiles(&format!("trace {direction:?}, {STEPS} levels"), times, &what);
    }
    let mut times = Vec::new();
    let mut nodes = 0;
    for _ in 0..6 {
        let begin = Instant::now();
        let starts = [Start::goods(wide.clone())];
        nodes =
            index.trace_member(&MEMBER, &starts, Direction::Down, &Limits::default())?.nodes.len();
        times.push(begin.elapsed());
    }
    percentiles("recall of one lot that went into many", times, &format!("{nodes} nodes"));
    for (name, text) in [
        ("query by lot", format!("MATCH_anyEPCClass={}", lot(lines / 2, 5))),
        (
            "query by step, newest 100",
            "EQ_bizStep=packing&orderBy=eventTime&perPage=100".to_owned(),
        ),
        (
            "query by place, first 100",
            format!("EQ_bizLocation=https://id.gs1.org/414/952{:010}&perPage=100", 42),
        ),
    ] {
        let query = Query::parse(&text)?;
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..200 {
            let begin = Instant::now();
            rows = index.query(&[MEMBER], &query)?.rows.len();
            times.push(begin.elapsed());
        }
        percentiles(name, times, &format!("{rows} rows"));
    }
    drop(index);
    Index::remove(&path)?;
    Ok(())
}
