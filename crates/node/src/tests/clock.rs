//! The clock: nights, restarts, clocks that were set.

use super::{HOUR_MS, Lab, MINUTE_MS, capture, capture_ids, document, event, ids};
use crate::error::NodeError;
use crate::node::Node;

fn one(node: &Node, id: &str) -> crate::CaptureReport {
    capture(node, "Farm", &document(&[event(Some(id), 1)]))
}

#[test]
fn after_an_idle_night_the_next_capture_is_taken_and_the_jump_is_recorded() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:evening"]);
    lab.clock.pass(14 * HOUR_MS);
    capture_ids(&node, &["urn:x:morning"]);
    drop(node);
    // Also where every command is a process of its own.
    lab.clock.pass(70 * HOUR_MS);
    let node = lab.open().unwrap();
    capture_ids(&node, &["urn:x:monday"]);
    assert_eq!(ids(&node).len(), 3);
    drop(node);
    lab.check();
    let clocks = lab.fsck().checked.into_iter().find(|(what, _)| what == "statements");
    assert_eq!(clocks.unwrap().1, 1 + 3 + 2, "genesis, three captures, two confirmations");
}

#[test]
fn the_confirmation_and_a_statement_of_the_founder_share_a_block() {
    let lab = Lab::new();
    let node = lab.begin();
    lab.clock.pass(5 * HOUR_MS);
    node.member_add("Mill", None).unwrap();
    lab.clock.pass(5 * HOUR_MS);
    node.key_rotate(None).unwrap();
    lab.clock.pass(5 * HOUR_MS);
    capture_ids(&node, &["urn:x:1"]);
    assert_eq!(node.height(), Some(3), "no block for the confirmation alone");
    drop(node);
    lab.check();
}

#[test]
fn a_clock_set_forward_is_refused_until_somebody_confirms_it() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:1"]);
    lab.clock.set_by(9 * 3_600_000 + 12 * 60_000 + 1_000);
    let report = one(&node, "urn:x:2");
    let (_, finding) = &report.rejected[0];
    assert_eq!(finding.rule, "clock.jump");
    assert_eq!(
        finding.message,
        "the clock went on by 9 h 12 min since the last block at 2026-03-01T08:00:00.001Z; if \
         that is right, run `countermark confirm-clock --data DIR`, else set the clock"
    );
    assert!(matches!(node.member_add("Mill", None), Err(NodeError::Refused(_))));
    assert_eq!(node.members().unwrap().len(), 1, "nothing is left of the refused member");
    assert_eq!(node.confirm_clock().unwrap(), "2026-03-01T17:12:01.000Z");
    assert_eq!(one(&node, "urn:x:2").accepted, ["urn:x:2"]);
    lab.clock.pass(14 * HOUR_MS);
    assert_eq!(one(&node, "urn:x:3").accepted, ["urn:x:3"], "vouched for from now on");
    drop(node);
    lab.check();
}

#[test]
fn after_a_restart_of_the_system_a_long_pause_is_confirmed_by_hand() {
    let lab = Lab::new();
    drop(lab.begin());
    lab.clock.pass(2 * HOUR_MS);
    lab.clock.restart();
    let node = lab.open().unwrap();
    assert_eq!(one(&node, "urn:x:1").rejected[0].1.rule, "clock.jump");
    drop(node);
    let node = lab.open().unwrap();
    node.confirm_clock().unwrap();
    assert_eq!(one(&node, "urn:x:1").accepted, ["urn:x:1"]);
}

#[test]
fn without_a_jump_there_is_nothing_to_confirm() {
    let lab = Lab::new();
    let node = lab.begin();
    lab.clock.pass(HOUR_MS / 2);
    let error = node.confirm_clock().unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no jump to confirm: the last block is of 2026-03-01T08:00:00.000Z, the clock \
         stands at 2026-03-01T08:30:00.000Z"
    );
    assert_eq!(node.height(), Some(0));
}

#[test]
fn a_clock_set_back_is_noticed_and_block_time_goes_on() {
    let lab = Lab::new();
    let node = lab.begin();
    lab.clock.pass(20 * MINUTE_MS);
    assert!(capture(&node, "Farm", &document(&[event(None, 1)])).findings.is_empty());
    lab.clock.set_by(-600_000);
    let report = one(&node, "urn:x:2");
    assert_eq!(report.accepted, ["urn:x:2"]);
    let (file, finding) = &report.findings[0];
    assert_eq!((file.as_str(), finding.rule.as_str()), ("file.json", "clock.behind"));
    assert_eq!(
        finding.message,
        "the clock is 10 min behind the block before; recorded as of 2026-03-01T08:20:00.001Z"
    );
    lab.clock.pass(7 * MINUTE_MS);
    assert!(one(&node, "urn:x:3").findings.is_empty(), "three minutes are not worth a word");
}

#[test]
fn the_desk_is_not_written_at_every_block() {
    let lab = Lab::new();
    let node = lab.begin();
    let note = |node: &Node| node.lock().stores.desk.setting("clock").unwrap().unwrap();
    let first = note(&node);
    lab.clock.pass(MINUTE_MS);
    capture_ids(&node, &["urn:x:1"]);
    assert_eq!(note(&node), first);
    lab.clock.pass(30 * MINUTE_MS);
    capture_ids(&node, &["urn:x:2"]);
    assert_ne!(note(&node), first);
}
