//! The index as a file: what happens to one that is damaged, outdated or written twice.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use common::*;
use countermark_epcis::facts::Role;
use countermark_store::index::trace::{Direction, Limits, Start};
use countermark_store::index::{
    Applied, BlockRows, Erasure, FIELD_CLASSES_ALL, Index, IndexError, MemberId, Query,
};

const ONE: MemberId = [1; 16];

fn filled() -> Ledger {
    let mut ledger = Ledger::new();
    for block in 0..40 {
        let events = (0..20)
            .map(|number| {
                object("shipping", day(block)).with(Role::Epc, &sscc(block as u32 * 100 + number))
            })
            .collect();
        ledger.capture(ONE, events);
    }
    ledger
}

fn count(index: &Index) -> usize {
    index.query(&[ONE], &Query::all()).unwrap().rows.len()
}

fn overwrite(path: &Path, from: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(bytes).unwrap();
}

fn says_to_rebuild(error: &IndexError) {
    assert!(error.to_string().contains("run `countermark index rebuild`"), "{error}");
}

#[test]
fn a_block_applied_twice_has_no_effect() {
    let mut ledger = Ledger::new();
    let row = ledger.row(ONE, object("shipping", day(1)).with(Role::Epc, &sscc(1)));
    let block = BlockRows { height: 0, records: vec![row], erasures: vec![] };
    assert_eq!(ledger.index.applied_height().unwrap(), None);
    assert_eq!(ledger.index.apply(&block).unwrap(), Applied::Now);
    assert_eq!(ledger.index.apply(&block).unwrap(), Applied::Before);
    assert_eq!(ledger.index.applied_height().unwrap(), Some(0));
    assert_eq!(count(&ledger.index), 1);
}

#[test]
fn a_block_ahead_of_its_turn_is_refused() {
    let mut ledger = Ledger::new();
    let block = BlockRows { height: 3, ..BlockRows::default() };
    assert!(matches!(ledger.index.apply(&block), Err(IndexError::Gap { expected: 0, got: 3 })));
}

#[test]
fn a_block_with_a_row_that_does_not_fit_leaves_no_trace() {
    let mut ledger = Ledger::new();
    let new = ledger.row(ONE, object("shipping", day(1)).with(Role::Epc, &sscc(1)));
    let mut again = ledger.row(ONE, object("shipping", day(1)).with(Role::Epc, &sscc(2)));
    again.record_id = new.record_id;
    let block = BlockRows { height: 0, records: vec![new.clone(), again], erasures: vec![] };
    assert!(matches!(ledger.index.apply(&block), Err(IndexError::Row { .. })));
    assert_eq!(ledger.index.applied_height().unwrap(), None);
    assert_eq!(count(&ledger.index), 0);
    // Numbers handed out in the transaction that failed are not used again by mistake.
    ledger.apply(BlockRows { height: 0, records: vec![new], erasures: vec![] });
    let starts = [Start::goods(sscc(1))];
    let found = ledger.index.trace_member(&ONE, &starts, Direction::Down, &Limits::default());
    assert_eq!(found.unwrap().handovers.len(), 1);
    let mut far = ledger.row(ONE, object("shipping", day(1)));
    far.position.batch_index = 1024;
    let block = BlockRows { height: 1, records: vec![far], erasures: vec![] };
    assert!(matches!(ledger.index.apply(&block), Err(IndexError::Row { .. })));
}

#[test]
fn a_reopened_index_goes_on_where_it_was() {
    let ledger = filled();
    let path = ledger.path();
    let Ledger { index, directory: _directory, height, .. } = ledger;
    drop(index);
    let reader = Index::open_reader(&path).unwrap();
    let mut index = Index::open(&path).unwrap();
    assert_eq!(index.applied_height().unwrap(), Some(height - 1));
    index.apply(&BlockRows { height, ..BlockRows::default() }).unwrap();
    assert_eq!(reader.applied_height().unwrap(), Some(height));
    assert_eq!(count(&reader), 800);
    reader.check().unwrap();
    assert!(matches!(Index::create(&path), Err(IndexError::Exists { .. })));
}

#[test]
fn damage_is_named_and_says_what_to_do() {
    for place in ["header", "schema", "middle", "cut"] {
        let ledger = filled();
        let path = ledger.path();
        let Ledger { index, directory: _directory, .. } = ledger;
        drop(index);
        let length = std::fs::metadata(&path).unwrap().len();
        match place {
            "header" => overwrite(&path, 0, &[0x55; 64]),
            "schema" => overwrite(&path, 100, &[0xAA; 1000]),
            "middle" => overwrite(&path, length / 2 / 4096 * 4096, &[0xAA; 8192]),
            _ => {
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(length / 2 / 4096 * 4096).unwrap();
            }
        }
        let error = Index::open(&path).and_then(|index| index.check()).unwrap_err();
        assert!(matches!(error, IndexError::Corrupt { .. }), "{place}: {error:?}");
        says_to_rebuild(&error);
    }
}

#[test]
fn another_version_or_another_database_is_not_opened() {
    let ledger = filled();
    let path = ledger.path();
    let Ledger { index, directory: _directory, .. } = ledger;
    drop(index);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(raw);
    let error = Index::open(&path).unwrap_err();
    assert!(matches!(error, IndexError::SchemaVersion { found: 99, expected: 2, .. }));
    says_to_rebuild(&error);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 2; PRAGMA application_id = 7").unwrap();
    drop(raw);
    let error = Index::open_reader(&path).unwrap_err();
    assert!(matches!(error, IndexError::NotAnIndex { .. }));
    says_to_rebuild(&error);
    Index::remove(&path).unwrap();
    Index::remove(&path).unwrap();
    let error = Index::open(&path).unwrap_err();
    assert!(matches!(error, IndexError::Absent { .. }));
    says_to_rebuild(&error);
    Index::create(&path).unwrap();
}

#[test]
fn a_rebuilt_index_answers_as_the_old_one() {
    let mut ledger = Ledger::new();
    let blocks: Vec<BlockRows> = (0..10)
        .map(|height| {
            let records = (0..5)
                .map(|number| {
                    let made = transform(day(number))
                        .some(Role::Input, &lot(1, &format!("L{number}")), "1", "KGM")
                        .some(Role::Output, &lot(1, &format!("L{}", number + 1)), "1", "KGM");
                    ledger.row(ONE, made)
                })
                .collect();
            BlockRows { height, records, erasures: vec![] }
        })
        .collect();
    let path = ledger.path();
    let answers = |index: &Index| {
        let starts = [Start::goods(lot(1, "L0"))];
        (
            index.query(&[ONE], &Query::all()).unwrap(),
            index.trace_member(&ONE, &starts, Direction::Down, &Limits::default()).unwrap(),
        )
    };
    for block in &blocks {
        ledger.index.apply(block).unwrap();
    }
    let before = answers(&ledger.index);
    let Ledger { index, directory: _directory, .. } = ledger;
    drop(index);
    Index::remove(&path).unwrap();
    let mut index = Index::create(&path).unwrap();
    for block in &blocks {
        index.apply(block).unwrap();
    }
    assert_eq!(answers(&index), before);
}

#[test]
fn a_record_without_body_is_found_by_its_id_only() {
    let mut ledger = Ledger::new();
    let mut row = ledger.row(ONE, object("shipping", day(1)).with(Role::Epc, &sscc(1)));
    row.facts = None;
    row.erased = FIELD_CLASSES_ALL;
    let record = row.record_id;
    ledger.apply(BlockRows { height: 0, records: vec![row], erasures: vec![] });
    assert_eq!(count(&ledger.index), 0);
    let found = ledger.index.record(&record).unwrap().unwrap();
    assert_eq!((found.erased, found.event_id), (FIELD_CLASSES_ALL, None));
    assert_eq!(ledger.index.record(&[0xEE; 16]).unwrap(), None);
}

#[test]
fn an_erased_id_is_gone_and_the_record_is_still_found() {
    let mut ledger = Ledger::new();
    let hash = format!("ni:///sha-256;{}?ver=CBV2.0", "ab".repeat(32));
    let uuid = "urn:uuid:00000000-0000-4000-8000-0000000000bb";
    let ids = [&*hash, uuid];
    let rows = ledger.capture(ONE, ids.map(|id| object("shipping", day(1)).id(id)).to_vec());
    let erasures = rows
        .iter()
        .map(|row| Erasure { record_id: row.record_id, classes: FIELD_CLASSES_ALL })
        .collect();
    ledger.apply(BlockRows { height: 0, records: vec![], erasures });
    for (id, row) in ids.iter().zip(&rows) {
        assert_eq!(ledger.index.events_by_id(&[ONE], id).unwrap(), []);
        let found = ledger.index.record(&row.record_id).unwrap().unwrap();
        assert_eq!((found.erased, found.event_id), (FIELD_CLASSES_ALL, None));
        assert_eq!(found.event_time_ms, row.record_time_ms);
    }
}

#[test]
fn look_ups_by_key_never_scan_a_member_s_events() {
    let ledger = Ledger::new();
    let raw = rusqlite::Connection::open(ledger.path()).unwrap();
    for (query, expected) in [
        ("SELECT id FROM event WHERE event_key = ?1 AND member = ?2", "event_by_key"),
        ("SELECT id FROM event WHERE record_id = ?1 AND member = ?2", "event_by_record"),
        (
            "SELECT e.id FROM event AS e WHERE e.member = ?1 AND e.id IN \
             (SELECT x.event FROM event_identifier AS x WHERE x.identifier = ?2)",
            "SEARCH e USING INTEGER PRIMARY KEY",
        ),
        (
            "SELECT l.at FROM edge AS l WHERE l.member = ?1 AND l.from_id IN (?2, ?3)",
            "PRIMARY KEY (member=? AND from_id=?)",
        ),
        (
            "SELECT l.at FROM edge AS l WHERE l.member = ?1 AND l.to_id IN (?2, ?3)",
            "edge_by_to (member=? AND to_id=?)",
        ),
    ] {
        let mut statement = raw.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let count = statement.parameter_count();
        let steps: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert!(steps.iter().any(|step| step.contains(expected)), "{query}: {steps:?}");
    }
}
