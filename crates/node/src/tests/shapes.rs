//! What is told as JSON reads back as it was told.

use countermark_epcis::Finding;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Lab, capture, capture_ids, document, event};
use crate::trace::{Direction, EdgeKind, Trace, TraceEdge};
use crate::{CaptureReport, ErrorKind, Held, NodeError, Scope, verify};

/// Through text and back; gives what the text says.
fn round<T: Serialize + DeserializeOwned>(told: &T) -> (T, Value) {
    let text = serde_json::to_string(told).unwrap();
    let back: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    (back, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_capture_report_keeps_all_that_it_says() {
    let file = || "a.json".to_owned();
    let held = Held {
        file: file(),
        place: "line 2".to_owned(),
        kind: "unknown-item".to_owned(),
        value: "X".to_owned(),
        message: "name it".to_owned(),
    };
    let report = CaptureReport {
        accepted: vec!["urn:x:1".to_owned()],
        duplicates: vec!["urn:x:2".to_owned()],
        rejected: vec![(file(), Finding::error("/a", "value.uri", "no").suggest("do"))],
        findings: vec![(file(), Finding::note("", "context.remote", "not read"))],
        quarantined: vec![held.clone()],
        unreadable: true,
        failed: Some(NodeError::Store("the disk is full".to_owned())),
    };
    let (back, told) = round(&report);
    assert_eq!(told["accepted"], json!([{"eventID": "urn:x:1"}]));
    assert_eq!(told["rejected"][0]["severity"], "error");
    assert_eq!(told["quarantined"][0]["pointer"], "line 2");
    assert_eq!(back.rejected, report.rejected);
    assert_eq!(back.findings, report.findings);
    assert_eq!(back.quarantined, [held]);
    assert!(back.unreadable);
    let failed = back.failed.unwrap();
    assert_eq!(
        (failed.kind(), failed.to_string().as_str()),
        (ErrorKind::Fatal, "the disk is full")
    );
    let (_, told) = round(&CaptureReport::default());
    assert_eq!(told.as_object().unwrap().len(), 5, "what is not there is not told: {told}");
}

#[test]
fn a_quantity_keeps_its_characters_on_the_way() {
    let edge = |quantity: Option<&str>| TraceEdge {
        from: "a".to_owned(),
        to: "b".to_owned(),
        kind: EdgeKind::Handover,
        event_id: "urn:x:1".to_owned(),
        time: "2026-02-01T10:00:00.000Z".to_owned(),
        step: Some("shipping".to_owned()),
        from_member: Some("Farm".to_owned()),
        from_site: None,
        to_member: None,
        to_site: None,
        quantity: quantity.map(str::to_owned),
        unit: None,
        both_sides: Some(false),
        arrival_event_id: None,
        arrival_time: None,
    };
    let edges = vec![edge(Some("120.500")), edge(Some("-0")), edge(None)];
    let trace = Trace { edges, ..Trace::default() };
    let (back, _) = round(&trace);
    assert_eq!(back, trace);
    assert!(serde_json::to_string(&trace).unwrap().contains(r#""quantity":120.500,"#));
}

#[test]
fn what_a_node_answers_reads_back() {
    let lab = Lab::new();
    let node = lab.begin();
    let (member, _) = round(&node.member_add("Mill", Some("US")).unwrap());
    assert_eq!(member.name, "Mill");
    capture_ids(&node, &["urn:x:1"]);
    round(&capture(&node, "Mill", &document(&[event(Some("urn:x:1"), 3)])));
    round(&node.members().unwrap());
    let (_, keys) = round(&node.keys().unwrap());
    assert_eq!(keys[0]["validFromHeight"], 0);
    assert_eq!(keys[0]["revokedAtHeight"], Value::Null);
    round(&node.trace(&Scope::All, &super::pallet(0), Direction::Both).unwrap());
    let kept = node.document(Some("Mill"), "a.pdf", b"12345").unwrap();
    let (_, told) = round(&kept);
    assert_eq!(told["bytes"], 5);
    let (documents, _) = round(&node.documents(&Scope::All).unwrap());
    assert_eq!(documents.len(), 1);
    assert_eq!((documents[0].id.as_str(), documents[0].bytes), (kept.id.as_str(), Some(5)));
    assert_eq!(documents[0].media_class, "pdf");
}

#[test]
fn a_verification_reads_back_with_values_that_are_null() {
    let lab = Lab::new();
    let node = lab.begin();
    let with_null =
        event(Some("urn:x:1"), 1).replace(r#""action""#, r#""ex:n":[null,1.50],"action""#);
    let with_null = with_null.replacen('{', r#"{"@context":{"ex":"https://example.org/"},"#, 1);
    assert_eq!(capture(&node, "Farm", &document(&[with_null])).accepted.len(), 1);
    let fields = ["/ex:n/0".to_owned(), "/ex:n/1".to_owned(), "/disposition".to_owned()];
    let bundle = node.prove(&Scope::All, "urn:x:1", &fields).unwrap().bundle;
    let trust = node.trust().unwrap();
    let report = verify::verify("bundle", &bundle, Some(trust.as_bytes())).unwrap();
    let answer = verify::Answer::from(&report);
    let (back, told) = round(&answer);
    assert_eq!(back, answer);
    assert_eq!(told["verdict"], "holds", "{told}");
    let shown: Vec<&Value> = told["disclosed"].as_array().unwrap().iter().collect();
    assert!(
        shown.contains(&&json!({"pointer": "/ex:n/0", "absent": false, "value": null})),
        "{told}"
    );
    assert!(shown.contains(&&json!({"pointer": "/disposition", "absent": true})), "{told}");
}
