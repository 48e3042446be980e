//! A disk that fails once: before, after or in the middle of an operation, or because it is full.

use std::io::ErrorKind;
use std::sync::Arc;

use countermark_store::disk::{Disk, Fault, FrozenDisk, LyingDisk, Operation, When};

use super::world::{Acknowledged, Life, goes_on};
use super::{Lab, capture_ids, document, event, ids};
use crate::error::NodeError;
use crate::node::Node;
use crate::progress::Silent;
use crate::stores::{INDEX_FILE, STATE_FILE};

const DEEDS: usize = 9;

/// Lives through one failure, opening the node again where it says that it must be; gives whether
/// the failure came.
fn live_through(seed: u64, fault: Fault) -> bool {
    let life = Life::new(seed, DEEDS);
    let lab = Lab::new();
    drop(lab.begin());
    let (mut node, disk): (_, Arc<LyingDisk<FrozenDisk>>) = lab.open_lying();
    disk.set_plan(vec![fault]);
    let mut acknowledged = Acknowledged::default();
    let mut failures = 0;
    for deed in &life.deeds {
        acknowledged.begin(deed);
        match life.run(deed, &lab, &node) {
            Ok(()) => acknowledged.done(),
            Err(error) => {
                failures += 1;
                assert_eq!(failures, 1, "{fault:?}, {deed:?}: {error}");
                let text = error.to_string();
                let is_full = fault.kind == ErrorKind::StorageFull;
                assert_eq!(text.contains("the disk is full, make room"), is_full, "{text}");
                if !text.contains("nothing was stored, and it can be tried again") {
                    drop(node);
                    node = lab.open().unwrap_or_else(|error| panic!("{fault:?}: {error}"));
                    acknowledged.compare(&node);
                }
                // The same once more: what is there already is not done twice.
                acknowledged.begin(deed);
                match life.run(deed, &lab, &node) {
                    Ok(()) => acknowledged.done(),
                    // It was done after all.
                    Err(NodeError::MemberExists(_) | NodeError::NotFound(_)) => acknowledged.done(),
                    Err(NodeError::Refused(why)) => {
                        assert!(why.contains("no jump to confirm"), "{fault:?}, {deed:?}: {why}");
                        acknowledged.done();
                    }
                    Err(error) => panic!("{fault:?}, {deed:?}, again: {error}"),
                }
            }
        }
    }
    let came = disk.count(fault.operation) > fault.nth;
    drop(node);
    let node = lab.open().unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    goes_on(&life, &lab, node, &mut acknowledged);
    came
}

/// Every `step`-th operation of a kind fails, each in a life of its own.
fn each(seed: u64, operation: Operation, when: When, kind: ErrorKind) -> u64 {
    let mut lives = 0;
    // From one to the next so many, else the test would take minutes.
    for nth in (seed % 3..).step_by(3) {
        if !live_through(seed, Fault { operation, nth, when, kind }) {
            return lives;
        }
        lives += 1;
    }
    lives
}

#[test]
fn an_append_that_fails_loses_nothing_that_was_acknowledged() {
    let mut lives = 0;
    for (seed, when) in [(1, When::Before), (2, When::After), (3, When::Partly(40))] {
        lives += each(seed, Operation::Append, when, ErrorKind::Other);
    }
    assert!(lives > 20, "{lives}");
}

#[test]
fn a_sync_that_fails_loses_nothing_that_was_acknowledged() {
    let mut lives = 0;
    for (seed, when) in [(4, When::Before), (5, When::After)] {
        lives += each(seed, Operation::Sync, when, ErrorKind::Other);
    }
    assert!(lives > 10, "{lives}");
}

#[test]
fn overwriting_or_renaming_that_fails_loses_nothing_that_was_acknowledged() {
    let mut lives = 0;
    for (seed, when) in [(6, When::Before), (7, When::After), (8, When::Partly(3))] {
        lives += each(seed, Operation::WriteAt, when, ErrorKind::Other);
        lives += each(seed, Operation::Truncate, when, ErrorKind::Other);
        lives += each(seed, Operation::Rename, when, ErrorKind::Other);
    }
    assert!(lives > 6, "{lives}");
}

#[test]
fn a_full_disk_is_called_full_and_after_making_room_the_node_goes_on() {
    let mut lives = 0;
    for (seed, when) in [(9, When::Before), (10, When::Partly(100))] {
        lives += each(seed, Operation::Append, when, ErrorKind::StorageFull);
    }
    assert!(lives > 10, "{lives}");
}

#[test]
fn after_a_failure_the_node_refuses_until_it_is_opened_again() {
    let lab = Lab::new();
    drop(lab.begin());
    let (node, disk) = lab.open_lying();
    capture_ids(&node, &["urn:x:1"]);
    // Enough for the vault to take it, and then the log's sync fails.
    let syncs = disk.count(Operation::Sync);
    let file = document(&[event(Some("urn:x:2"), 2)]);
    let files = std::slice::from_ref(&file);
    let plan =
        |nth| Fault { operation: Operation::Sync, nth, when: When::After, kind: ErrorKind::Other };
    let mut failed = None;
    for nth in 0..syncs + 10 {
        disk.set_plan(vec![plan(nth)]);
        if let Err(error) = node.capture(None, files, false, &Silent) {
            failed = Some(error);
            break;
        }
    }
    let text = failed.unwrap().to_string();
    assert!(text.contains("what was acknowledged before is safe"), "{text}");
    disk.set_plan(Vec::new());
    let again = node.capture(None, files, false, &Silent).unwrap_err();
    assert!(matches!(again, NodeError::Store(_) | NodeError::Unknown(_)), "{again}");
    drop(node);
    let node = lab.open().unwrap();
    let report = super::capture(&node, "Farm", &file);
    assert_eq!(report.accepted.len() + report.duplicates.len(), 1);
    assert_eq!(ids(&node), ["urn:x:1", "urn:x:2"]);
}

#[test]
fn a_disk_that_fails_while_the_node_is_opened_is_named_and_harms_nothing() {
    let life = Life::new(12, DEEDS);
    let lab = Lab::new();
    let node = lab.begin();
    let mut acknowledged = Acknowledged::default();
    for deed in &life.deeds {
        acknowledged.begin(deed);
        life.run(deed, &lab, &node).unwrap();
        acknowledged.done();
    }
    drop(node);
    let mut failures = 0;
    for operation in [Operation::Read, Operation::Append, Operation::Sync, Operation::Rename] {
        let step = if operation == Operation::Read { 41 } else { 1 };
        for nth in (0..400).step_by(step) {
            // Something to do again each time, and something to be settled.
            lab.lose(&[STATE_FILE, INDEX_FILE]);
            let fault = Fault { operation, nth, when: When::Before, kind: ErrorKind::Other };
            let disk = Arc::new(LyingDisk::new(lab.disk.clone(), vec![fault]));
            let opened = Node::open_parts(lab.parts(Arc::clone(&disk) as Arc<dyn Disk>), &Silent);
            if disk.count(operation) <= nth {
                break;
            }
            if let Err(error) = opened {
                assert!(error.to_string().contains("planned failure"), "{fault:?}: {error}");
                failures += 1;
            }
        }
    }
    assert!(failures > 0, "{failures}");
    let node = lab.open().unwrap();
    goes_on(&life, &lab, node, &mut acknowledged);
}
