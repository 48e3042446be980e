//! What becomes of documents that repeat, contradict or outgrow each other.

use super::{InputFile, Lab, capture, capture_ids, document, event, ids};
use crate::ErasureReason;
use crate::progress::Silent;
use crate::stores::INDEX_FILE;

#[test]
fn an_event_twice_in_one_document_is_recorded_once_and_named_as_a_duplicate() {
    let lab = Lab::new();
    let node = lab.begin();
    let twice = [event(Some("urn:x:1"), 1), event(Some("urn:x:2"), 2), event(Some("urn:x:1"), 1)];
    let report = capture(&node, "Farm", &document(&twice));
    assert_eq!(report.accepted, ["urn:x:1", "urn:x:2"]);
    assert_eq!(report.duplicates, ["urn:x:1"]);
    let again = capture(&node, "Farm", &document(&twice));
    assert_eq!(again.duplicates, ["urn:x:1", "urn:x:2", "urn:x:1"]);
    assert!(again.accepted.is_empty() && again.rejected.is_empty());
}

#[test]
fn one_id_for_two_events_in_one_document_refuses_the_whole_document() {
    let lab = Lab::new();
    let node = lab.begin();
    let contradiction = [event(Some("urn:x:1"), 1), event(Some("urn:x:1"), 2)];
    let report = capture(&node, "Farm", &document(&contradiction));
    assert!(report.accepted.is_empty());
    let (_, finding) = &report.rejected[0];
    assert_eq!(finding.pointer, "/epcisBody/eventList/1");
    assert_eq!(finding.rule, "event.known");
    assert_eq!(node.height(), Some(0));
}

#[test]
fn equal_events_without_id_are_as_many_events_as_the_document_has() {
    let lab = Lab::new();
    let node = lab.begin();
    let equal = document(&[event(None, 1), event(None, 1)]);
    let report = capture(&node, "Farm", &equal);
    assert_eq!((report.accepted.len(), report.duplicates.len()), (2, 0));
    let again = capture(&node, "Farm", &equal);
    assert_eq!((again.accepted.len(), again.duplicates), (0, report.accepted));
    let third = document(&[event(None, 1), event(None, 1), event(None, 1)]);
    assert_eq!(capture(&node, "Farm", &third).accepted.len(), 1);
}

#[test]
fn files_of_one_call_know_each_other() {
    let lab = Lab::new();
    let node = lab.begin();
    let first = document(&[event(Some("urn:x:1"), 1)]);
    let both = document(&[event(Some("urn:x:1"), 1), event(Some("urn:x:2"), 2)]);
    let broken = InputFile { name: "broken.json".to_owned(), bytes: b"{".to_vec() };
    let report = node.capture(None, &[first, broken, both], false, &Silent).unwrap();
    assert_eq!(report.accepted, ["urn:x:1", "urn:x:2"]);
    assert_eq!(report.duplicates, ["urn:x:1"]);
    assert_eq!(report.rejected[0].0, "broken.json");
    assert!(report.unreadable);
}

#[test]
fn an_error_declaration_stands_beside_the_event_whose_id_it_has() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:1"]);
    let declared = |reason: &str| {
        let declaration = format!(
            r#""errorDeclaration":{{"declarationTime":"2026-02-02T10:00:00.000Z",
            "reason":"{reason}"}},"eventTime""#
        );
        document(&[event(Some("urn:x:1"), 0).replacen("\"eventTime\"", &declaration, 1)])
    };
    let report = capture(&node, "Farm", &declared("incorrect_data"));
    assert_eq!(report.accepted, ["urn:x:1"], "{:?}", report.rejected);
    assert_eq!(capture(&node, "Farm", &declared("incorrect_data")).duplicates, ["urn:x:1"]);
    assert_eq!(capture(&node, "Farm", &declared("did_not_occur")).rejected.len(), 1);
    capture(&node, "Farm", &document(&[event(Some("urn:x:1"), 0)]));
    assert_eq!(ids(&node), ["urn:x:1", "urn:x:1"]);
}

#[test]
fn an_erased_event_is_not_recorded_again_and_that_is_said() {
    for class in [None, Some("identity")] {
        let lab = Lab::new();
        let node = lab.begin();
        let unnamed = document(&[event(None, 7)]);
        let given = capture(&node, "Farm", &unnamed).accepted;
        capture_ids(&node, &["urn:x:1"]);
        node.erase(&crate::Scope::All, None, "urn:x:1", class, ErasureReason::Error).unwrap();
        node.erase(&crate::Scope::All, None, &given[0], class, ErasureReason::Error).unwrap();
        drop(node);
        lab.lose(&[INDEX_FILE]);
        let node = lab.open().unwrap();
        let report = capture(&node, "Farm", &document(&[event(Some("urn:x:1"), 0)]));
        assert_eq!((report.accepted.len(), report.duplicates), (0, vec!["urn:x:1".to_owned()]));
        assert_eq!(report.findings[0].1.rule, "event.erased");
        let report = capture(&node, "Farm", &unnamed);
        assert!(report.accepted.is_empty() && report.rejected.is_empty());
        assert!(report.duplicates.iter().all(|id| !id.is_empty()), "{:?}", report.duplicates);
        assert_eq!(report.findings[0].1.rule, "event.erased");
        drop(node);
        lab.check();
    }
}

#[test]
fn a_document_of_more_events_than_a_block_takes_is_taken_whole() {
    let lab = Lab::new();
    let node = lab.begin();
    let events: Vec<String> = (0..10_050).map(|i| event(Some(&format!("urn:x:{i}")), i)).collect();
    let file = document(&events);
    let report = capture(&node, "Farm", &file);
    assert_eq!(report.accepted.len(), 10_050, "{:?}", report.rejected);
    assert_eq!(node.height(), Some(2));
    assert_eq!(capture(&node, "Farm", &file).duplicates.len(), 10_050);
}

#[test]
fn a_member_whose_addition_was_cut_short_is_added_by_the_same_command() {
    let lab = Lab::new();
    let node = lab.begin();
    // As a crash between keyring and ledger leaves it.
    let kept = crate::keyring::MemberSecrets::generate("Mill", None).unwrap();
    let id = kept.id;
    node.keychain.change(|secrets| secrets.members.push(kept)).unwrap();
    drop(node);
    let node = lab.open().unwrap();
    assert_eq!(node.members().unwrap()[1].status, "unknown to the ledger");
    let added = node.member_add("Mill", None).unwrap();
    assert_eq!((added.id, added.status.as_str()), (countermark_ledger::ids::hex(&id), "active"));
    assert_eq!(capture(&node, "Mill", &document(&[event(None, 1)])).accepted.len(), 1);
}
