//! The desk: what it keeps, and what it says when it cannot.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use countermark_store::desk::{Desk, DeskError, Kind, Quarantined, Seen, SeenDocument};
use tempfile::TempDir;

fn new() -> (TempDir, PathBuf, Desk) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("desk.db");
    let desk = Desk::open(&path).unwrap();
    (directory, path, desk)
}

fn document(digest: u8, outcome: &str) -> SeenDocument {
    SeenDocument {
        member: [1; 16],
        source_system: "erp".into(),
        document_id: "4711".into(),
        digest: [digest; 32],
        seen_at_ms: 1000 + i64::from(digest),
        outcome: outcome.into(),
    }
}

fn unknown(value: &str) -> Quarantined {
    Quarantined {
        member: [1; 16],
        source_system: "erp".into(),
        document_id: "4711".into(),
        place: "line 3, N104".into(),
        kind: Kind::Party,
        value: value.into(),
        message: "add the party or map its code".into(),
        since_ms: 5,
    }
}

#[test]
fn what_is_put_in_is_there_after_reopening() {
    let (_directory, path, mut desk) = new();
    desk.add_master_data("one.toml", "[[party]]").unwrap();
    desk.add_master_data("two.toml", "[[item]]").unwrap();
    desk.set_setting("origin", b"one").unwrap();
    desk.set_setting("origin", b"two").unwrap();
    desk.note_document(&document(1, "3 events"), &[unknown("V100"), unknown("V200")]).unwrap();
    drop(desk);
    let desk = Desk::open(&path).unwrap();
    assert_eq!(desk.master_data().unwrap(), ["[[party]]", "[[item]]"]);
    assert_eq!(desk.setting("origin").unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(desk.setting("other").unwrap(), None);
    let waiting = desk.quarantine(0, 10).unwrap();
    assert_eq!(
        waiting.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>(),
        [unknown("V100"), unknown("V200")]
    );
    assert_eq!(desk.quarantine(waiting[0].0, 10).unwrap().len(), 1);
    desk.check().unwrap();
}

#[test]
fn the_same_document_is_recognised_and_a_changed_one_too() {
    let (_directory, _path, mut desk) = new();
    let seen = |desk: &Desk, digest: u8| desk.seen(&[1; 16], "erp", "4711", &[digest; 32]).unwrap();
    assert_eq!(seen(&desk, 1), Seen::New);
    desk.note_document(&document(1, "3 events"), &[]).unwrap();
    assert_eq!(seen(&desk, 1), Seen::Same(document(1, "3 events")));
    assert_eq!(seen(&desk, 2), Seen::Changed(document(1, "3 events")));
    desk.note_document(&document(2, "4 events"), &[]).unwrap();
    assert_eq!(seen(&desk, 1), Seen::Same(document(1, "3 events")));
    assert_eq!(seen(&desk, 3), Seen::Changed(document(2, "4 events")));
    // Another member or system numbers its documents for itself.
    assert_eq!(desk.seen(&[2; 16], "erp", "4711", &[1; 32]).unwrap(), Seen::New);
    assert_eq!(desk.seen(&[1; 16], "wms", "4711", &[1; 32]).unwrap(), Seen::New);
}

#[test]
fn a_resolved_value_leaves_the_quarantine_of_its_system_only() {
    let (_directory, _path, mut desk) = new();
    let mut elsewhere = unknown("V100");
    elsewhere.source_system = "wms".into();
    let entries = [unknown("V100"), unknown("V200"), unknown("V100"), elsewhere.clone()];
    desk.note_document(&document(1, ""), &entries).unwrap();
    assert_eq!(desk.resolve(&[1; 16], Kind::Party, "erp", "V100", 9).unwrap(), 2);
    assert_eq!(desk.resolve(&[1; 16], Kind::Item, "erp", "V200", 9).unwrap(), 0);
    assert_eq!(desk.resolve(&[2; 16], Kind::Party, "erp", "V200", 9).unwrap(), 0);
    let left: Vec<_> =
        desk.quarantine(0, 10).unwrap().into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(left, [unknown("V200"), elsewhere]);
}

#[test]
fn a_text_that_is_too_long_leaves_nothing_behind() {
    let (_directory, _path, mut desk) = new();
    let long = unknown(&"x".repeat(70_000));
    let noted = desk.note_document(&document(1, ""), &[unknown("V1"), long]);
    assert!(matches!(noted, Err(DeskError::TooLong { got: 70_000, .. })));
    assert_eq!(desk.seen(&[1; 16], "erp", "4711", &[1; 32]).unwrap(), Seen::New);
    assert_eq!(desk.quarantine(0, 10).unwrap(), []);
}

#[test]
fn damaged_foreign_and_newer_files_are_refused_with_what_to_do() {
    let (_directory, path, desk) = new();
    drop(desk);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(raw);
    let error = Desk::open(&path).unwrap_err();
    assert!(error.to_string().contains("use the newer program"), "{error}");
    std::fs::write(&path, [0x5A; 8192]).unwrap();
    let error = Desk::open(&path).unwrap_err();
    assert!(matches!(error, DeskError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("restore it from a backup"));
    std::fs::remove_file(&path).unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE other (id INTEGER)").unwrap();
    drop(raw);
    assert!(matches!(Desk::open(&path), Err(DeskError::NotADesk { .. })));
}
