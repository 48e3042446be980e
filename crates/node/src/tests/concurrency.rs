//! Many at once: every answer is right, blocks are few, sequences have no gaps.

use std::sync::atomic::{AtomicUsize, Ordering};

use countermark_ledger::statement::{Body, Document, DocumentDigest, Erasure};

use super::{Lab, capture, document, event, ids};
use crate::error::NodeError;
use crate::node::Node;
use crate::sequencer::{NotTaken, Submission};

fn documents(node: &Node, member: usize, count: u64) -> Submission {
    let body = |_| {
        Body::Document(Document {
            document: crate::keyring::random().unwrap(),
            digest: DocumentDigest::Salted([1; 32]),
            media_class: 1,
            size: 1024,
        })
    };
    Submission::Statements {
        member: node.secrets().members[member].id,
        bodies: (0..count).map(body).collect(),
    }
}

/// Erases what is not there.
fn refused(node: &Node, member: usize) -> Submission {
    let erasure = Erasure { record: [9; 16], classes: vec![1], reason: 3, time_ms: 1 };
    Submission::Statements {
        member: node.secrets().members[member].id,
        bodies: vec![Body::Erasure(erasure)],
    }
}

#[test]
fn a_hundred_threads_get_right_answers_in_few_blocks() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    let node = &node;
    let waiting = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // The disk is slow, so to say: nothing can be sequenced before everyone waits.
        let slow = node.lock();
        for i in 0..100 {
            let waiting = &waiting;
            scope.spawn(move || {
                let is_good = i % 7 != 3;
                let make = if is_good { documents(node, i % 2, 2) } else { refused(node, i % 2) };
                waiting.fetch_add(1, Ordering::SeqCst);
                let outcome = node.submit(make).unwrap();
                assert_eq!(outcome.is_ok(), is_good, "{i}: {outcome:?}");
            });
        }
        while waiting.load(Ordering::SeqCst) < 100 {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(slow);
    });
    let blocks = node.height().unwrap() - 1;
    assert!(blocks < 20, "100 submissions took {blocks} blocks");
    let statements = lab_statements(node);
    let good = (0..100).filter(|i| i % 7 != 3).count() as u64;
    assert_eq!(statements, 1 + 2 + 2 * good);
    let _ = node;
}

fn lab_statements(node: &Node) -> u64 {
    let sequencer = node.lock();
    let headers = crate::blocks::headers_from(&sequencer.stores.log, 0).unwrap();
    headers.iter().map(|header| header.statement_count).sum()
}

#[test]
fn whoever_captures_an_event_first_records_it_and_the_others_learn_that() {
    let lab = Lab::new();
    let node = &lab.begin();
    let reports: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12)
            .map(|i| {
                scope.spawn(move || {
                    // All share one event; each has one of its own.
                    let own = format!("urn:x:own-{i:02}");
                    let events = [event(Some("urn:x:shared"), 500), event(Some(&own), i)];
                    capture(node, "Farm", &document(&events))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let shared = |ids: &[String]| ids.iter().filter(|id| *id == "urn:x:shared").count();
    assert_eq!(reports.iter().map(|report| shared(&report.accepted)).sum::<usize>(), 1);
    assert_eq!(reports.iter().map(|report| shared(&report.duplicates)).sum::<usize>(), 11);
    assert!(reports.iter().all(|report| report.rejected.is_empty()));
    assert_eq!(ids(node).len(), 13);
}

#[test]
fn after_a_long_use_by_many_everything_is_as_if_done_by_one() {
    let lab = Lab::new();
    let node = lab.begin();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let node = &node;
            scope.spawn(move || {
                for i in 0..6 {
                    let id = format!("urn:x:{thread}-{i}");
                    let report = capture(node, "Farm", &document(&[event(Some(&id), i)]));
                    assert_eq!(report.accepted, [id]);
                }
            });
        }
    });
    assert_eq!(ids(&node).len(), 48);
    drop(node);
    lab.check();
    assert_eq!(ids(&lab.open().unwrap()).len(), 48);
}

#[test]
fn a_refused_submission_does_not_take_those_after_it_along() {
    let lab = Lab::new();
    let node = lab.begin();
    let group = [documents(&node, 0, 1), refused(&node, 0), documents(&node, 0, 3)];
    let outcomes = node.lock().finalise(&group).unwrap();
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert!(matches!(outcomes[1], Err(NotTaken::Refused(_))), "{outcomes:?}");
    assert_eq!(node.height(), Some(1));
}

#[test]
fn what_one_block_has_no_room_for_becomes_the_next_block() {
    let lab = Lab::new();
    let node = lab.begin();
    let group = [documents(&node, 0, 2_500), documents(&node, 0, 2_500), documents(&node, 0, 1)];
    let outcomes = node.lock().finalise(&group).unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(node.height(), Some(2));
    let outcomes = node.lock().finalise(&[documents(&node, 0, 5_000)]).unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap_err(), &NotTaken::TooLarge);
    assert_eq!(node.height(), Some(2));
}

#[test]
fn a_node_is_shared_by_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<std::sync::Arc<Node>>();
}

#[test]
fn members_that_are_added_at_once_are_all_there_after_the_next_opening() {
    let lab = Lab::new();
    let node = lab.begin();
    let names: Vec<String> = (0..12).map(|i| format!("Member {i:02}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let node = &node;
            scope.spawn(move || node.member_add(name, None).unwrap());
        }
    });
    let known = |node: &Node| {
        let members = node.members().unwrap();
        assert!(members.iter().all(|member| member.status == "active"), "{members:?}");
        let mut names: Vec<String> = members.into_iter().map(|member| member.name).collect();
        names.sort();
        names
    };
    let mut expected = names.clone();
    expected.insert(0, "Farm".to_owned());
    assert_eq!(known(&node), expected);
    drop(node);
    let node = lab.open().unwrap();
    assert_eq!(known(&node), expected);
    for (i, name) in (0..).zip(&names) {
        let report = capture(&node, name, &document(&[event(None, i)]));
        assert_eq!(report.accepted.len(), 1, "{name}: {:?}", report.rejected);
    }
}

#[test]
fn one_name_that_is_added_by_many_at_once_becomes_one_member_whose_keys_stay() {
    let lab = Lab::new();
    let node = lab.begin();
    let added = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            let (node, added) = (&node, &added);
            scope.spawn(move || match node.member_add("Mill", None) {
                Ok(_) => drop(added.fetch_add(1, Ordering::SeqCst)),
                Err(NodeError::MemberExists(_) | NodeError::Refused(_)) => {}
                Err(other) => panic!("{other}"),
            });
        }
    });
    assert_eq!(added.into_inner(), 1);
    drop(node);
    let node = lab.open().unwrap();
    assert_eq!(node.members().unwrap().len(), 2);
    assert_eq!(capture(&node, "Mill", &document(&[event(None, 1)])).accepted.len(), 1);
}

#[test]
fn keys_are_rotated_while_others_capture_and_members_are_added_and_nothing_is_lost() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    std::thread::scope(|scope| {
        let node = &node;
        for member in ["Farm", "Mill"] {
            scope.spawn(move || {
                for _ in 0..6 {
                    node.key_rotate(Some(member)).unwrap();
                }
            });
            scope.spawn(move || {
                for i in 0..12 {
                    let id = format!("urn:x:{member}-{i}");
                    let report = capture(node, member, &document(&[event(Some(&id), i)]));
                    assert_eq!(report.accepted, [id], "{:?}", report.rejected);
                }
            });
        }
        scope.spawn(move || {
            for i in 0..4 {
                node.member_add(&format!("Member {i}"), None).unwrap();
            }
        });
    });
    assert_eq!(node.keys().unwrap().len(), 2 + 12 + 4);
    drop(node);
    lab.check();
    let node = lab.open().unwrap();
    assert_eq!(ids(&node).len(), 24);
    assert_eq!(node.members().unwrap().len(), 6);
    for member in ["Farm", "Mill"] {
        assert_eq!(capture(&node, member, &document(&[event(None, 90)])).accepted.len(), 1);
    }
}

#[test]
fn two_rotations_of_one_key_at_once_leave_a_key_that_signs() {
    let lab = Lab::new();
    let node = lab.begin();
    let rotated = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (node, rotated) = (&node, &rotated);
            scope.spawn(move || match node.key_rotate(None) {
                Ok(_) => drop(rotated.fetch_add(1, Ordering::SeqCst)),
                Err(error) => assert!(error.to_string().contains("are being changed"), "{error}"),
            });
        }
    });
    assert_eq!(node.keys().unwrap().len(), 1 + rotated.into_inner());
    drop(node);
    let node = lab.open().unwrap();
    assert_eq!(capture(&node, "Farm", &document(&[event(None, 1)])).accepted.len(), 1);
}
