//! What a member sees of a node that keeps the records of several: its own, and nothing else.

use countermark_ledger::ids::hex;

use super::{Lab, capture, document, event, pallet};
use crate::node::Node;
use crate::progress::Silent;
use crate::trace::Direction;
use crate::{EpcFormat, ErasureReason, InputFile, Scope, mappings};

const FARMS: &str = "urn:x:farm";
const MILLS: &str = "urn:x:mill";

/// Two members, each with an event of the same pallet.
fn two_members(lab: &Lab) -> (Node, Scope, Scope) {
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    assert_eq!(capture(&node, "Farm", &document(&[event(Some(FARMS), 7)])).accepted.len(), 1);
    assert_eq!(capture(&node, "Mill", &document(&[event(Some(MILLS), 7)])).accepted.len(), 1);
    let scopes = ["Farm", "Mill"].map(|name| node.scope_of(name).unwrap());
    (node, scopes[0], scopes[1])
}

fn record_of(node: &Node, event_id: &str) -> String {
    let sequencer = node.lock();
    hex(&node.rows_of_event(&sequencer, &Scope::All, event_id).unwrap()[0].record_id)
}

/// What is said of a thing, with its name taken out.
fn words<T>(result: Result<T, crate::NodeError>, name: &str) -> String {
    result.err().expect("it must not be found").to_string().replace(name, "…")
}

#[test]
fn a_member_finds_its_own_events_and_no_others() {
    let lab = Lab::new();
    let (node, farm, mill) = two_members(&lab);
    let count = |scope: &Scope, query: &str| {
        node.events(scope, query, EpcFormat::NeverTranslates).unwrap().events.len()
    };
    assert_eq!(count(&Scope::All, ""), 2);
    for (scope, own, other) in [(&farm, FARMS, MILLS), (&mill, MILLS, FARMS)] {
        assert_eq!(count(scope, ""), 1);
        assert_eq!(count(scope, &format!("EQ_eventID={own}")), 1);
        assert_eq!(count(scope, &format!("EQ_eventID={other}")), 0);
        assert_eq!(count(scope, &format!("MATCH_epc={}", pallet(7))), 1);
    }
}

#[test]
fn by_its_id_or_its_record_s_another_member_s_event_is_as_if_it_were_not_there() {
    let lab = Lab::new();
    let (node, farm, _) = two_members(&lab);
    let record = record_of(&node, MILLS);
    let absent = ["urn:x:nothing".to_owned(), "ab".repeat(16)];
    for (hidden, absent) in [(MILLS.to_owned(), &absent[0]), (record, &absent[1])] {
        let hidden = hidden.as_str();
        assert!(node.prove(&Scope::All, hidden, &[]).is_ok());
        let alike = |of: &dyn Fn(&str) -> String| assert_eq!(of(hidden), of(absent));
        alike(&|id| words(node.prove(&farm, id, &[]), id));
        alike(&|id| words(node.receipt(&farm, id), id));
        alike(&|id| words(node.erase(&farm, None, id, None, ErasureReason::Error), id));
        alike(&|id| words(node.endorse(&farm, None, id), id));
    }
    assert!(node.prove(&farm, FARMS, &[]).is_ok());
    assert!(node.prove(&farm, &record_of(&node, FARMS), &[]).is_ok());
    assert_eq!(super::ids(&node).len(), 2, "nothing was erased");
}

#[test]
fn a_member_speaks_for_no_other() {
    let lab = Lab::new();
    let (node, farm, _) = two_members(&lab);
    let as_mill = node.erase(&farm, Some("Mill"), MILLS, None, ErasureReason::Error);
    let as_nobody = node.erase(&farm, Some("Nobody"), MILLS, None, ErasureReason::Error);
    assert_eq!(words(as_mill, "Mill"), words(as_nobody, "Nobody"));
    assert_eq!(node.acting_member(&farm, None).unwrap(), "Farm");
    assert!(node.acting_member(&farm, Some("Mill")).is_err());
    assert_eq!(node.acting_member(&Scope::All, Some("Mill")).unwrap(), "Mill");
}

#[test]
fn a_document_is_read_by_the_member_that_keeps_it() {
    let lab = Lab::new();
    let (node, farm, mill) = two_members(&lab);
    let kept = node.document(Some("Mill"), "certificate.pdf", b"of the mill").unwrap().id;
    assert_eq!(node.document_content(&mill, &kept).unwrap().1, b"of the mill");
    assert_eq!(node.documents(&mill).unwrap()[0].id, kept);
    assert_eq!(node.documents(&farm).unwrap(), []);
    let absent = "cd".repeat(16);
    let hidden = words(node.document_content(&farm, &kept), &kept);
    assert_eq!(hidden, words(node.document_content(&farm, &absent), &absent));
}

#[test]
fn quarantine_shows_a_member_what_waits_for_it() {
    let lab = Lab::new();
    let (node, farm, mill) = two_members(&lab);
    let mapping = mappings::Mappings::load(None).unwrap().find("csv-shipments").unwrap();
    let table = include_bytes!("../../../../mappings/csv-shipments/examples/dirty.in.csv");
    let file = InputFile { name: "s.csv".to_owned(), bytes: table.to_vec() };
    node.import(Some("Mill"), &mapping, &[file], &Silent).unwrap();
    assert_ne!(node.quarantine(&Scope::All).unwrap(), []);
    assert_eq!(node.quarantine(&farm).unwrap(), []);
    assert_eq!(node.quarantine(&mill).unwrap(), node.quarantine(&Scope::All).unwrap());
}

#[test]
fn a_trace_asks_the_member_alone_and_says_the_same_of_what_others_hold_and_of_nothing() {
    let lab = Lab::new();
    let (node, farm, _) = two_members(&lab);
    let of_mill = capture(&node, "Mill", &document(&[event(Some("urn:x:only"), 8)]));
    assert_eq!(of_mill.accepted.len(), 1);
    let trace = node.trace(&farm, &pallet(7), Direction::Both).unwrap();
    assert_eq!(trace.members(), ["Farm"]);
    assert!(trace.edges.iter().all(|edge| edge.event_id != MILLS), "{trace:?}");
    let (hidden, absent) = (pallet(8), pallet(9));
    assert!(node.trace(&Scope::All, &hidden, Direction::Both).is_ok());
    let asked = |id: &str| words(node.trace(&farm, id, Direction::Both), id);
    assert_eq!(asked(&hidden), asked(&absent));
}

/// Farm sent a pallet to the mill and the mill received it.
fn handover(action: &str, id: &str) -> String {
    let parties = r#""sourceList":[{"type":"possessing_party","source":"https://id.gs1.org/417/9506000100005"}],
        "destinationList":[{"type":"possessing_party","destination":"https://id.gs1.org/417/9506000100029"}],"#;
    event(Some(id), 7)
        .replace(r#""bizStep":"shipping","#, &format!(r#"{parties}"bizStep":"{action}","#))
}

#[test]
fn where_goods_went_to_a_member_that_is_not_seen_the_trace_says_so() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    let sent = capture(&node, "Farm", &document(&[handover("shipping", FARMS)]));
    assert_eq!(sent.accepted.len(), 1, "{:?}", sent.rejected);
    let received = capture(&node, "Mill", &document(&[handover("receiving", MILLS)]));
    assert_eq!(received.accepted.len(), 1, "{:?}", received.rejected);
    let farm = node.scope_of("Farm").unwrap();
    let all = node.trace(&Scope::All, &pallet(7), Direction::Down).unwrap();
    assert_eq!(all.members(), ["Farm", "Mill"]);
    let gap = |named: &str| {
        let trace = node.trace(&farm, &pallet(7), Direction::Down).unwrap();
        assert_eq!(trace.members(), ["Farm"]);
        assert!(trace.edges.iter().all(|edge| edge.event_id == FARMS), "{trace:?}");
        let [gap] = &trace.missing[..] else { panic!("one gap: {:?}", trace.missing) };
        assert_eq!(gap.member, named);
        assert_eq!(gap.reason, "what it holds is not released to Farm, and it was not asked");
    };
    gap("https://id.gs1.org/417/9506000100029");
    // Once the master data say who the party is, it has its name.
    let master = "[[party]]\ngln = \"9506000100029\"\nname = \"Mill\"\n";
    node.master_data_add("master.toml", master.as_bytes()).unwrap();
    gap("Mill");
}
