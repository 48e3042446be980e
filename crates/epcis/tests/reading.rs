//! Documents read, refused and written, on small documents of our own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use countermark_epcis::document::{self, Document, Kind, Rejection};
use countermark_epcis::json::{self, Json};
use countermark_epcis::{Action, Event, EventType, Finding, Mode, Role, Severity};
use proptest::prelude::*;

const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// An object event with further members.
fn object_event(more: &str) -> String {
    format!(
        r#"{{"@context":["{CONTEXT}",{{"example":"https://ns.example.com/epcis/"}}],
            "type":"ObjectEvent","eventTime":"2026-07-22T06:45:00.000+02:00",
            "eventTimeZoneOffset":"+02:00","action":"OBSERVE",
            "epcList":["urn:epc:id:sgtin:0614141.107346.2017"]{more}}}"#
    )
}

fn capture(events: &str) -> String {
    format!(
        r#"{{"@context":["{CONTEXT}",{{"example":"https://ns.example.com/epcis/"}}],
            "type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-07-22T10:30:00Z",
            "epcisBody":{{"eventList":[{events}]}}}}"#
    )
}

fn read(text: &str, mode: Mode) -> Result<Document, Rejection> {
    document::read(text.as_bytes(), mode)
}

/// The errors of a document that is refused: place and rule.
fn errors(text: &str, mode: Mode) -> Vec<(String, String)> {
    let findings = read(text, mode).expect_err("an invalid document").findings();
    let errors = findings.into_iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| (f.pointer, f.rule)).collect()
}

fn one(pointer: &str, rule: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), rule.to_owned())]
}

/// Refused strictly with this one error; taken leniently with a warning in the same place.
fn assert_leniency(text: &str, pointer: &str, rule: &str) {
    assert_eq!(errors(text, Mode::Strict), one(pointer, rule));
    let document = read(text, Mode::Lenient).expect("lenient reading takes it");
    let warned =
        |f: &Finding| f.severity == Severity::Warning && f.pointer == pointer && f.rule == rule;
    assert!(document.findings.iter().any(warned), "{:?}", document.findings);
}

#[test]
fn leniencies_are_taken_only_on_request_and_always_reported() {
    let urn = object_event(r#","bizStep":"urn:epcglobal:cbv:bizstep:shipping""#);
    assert_leniency(&urn, "/bizStep", "cbv.obsolete-uri");
    let word = object_event(r#","bizStep":"transforming""#);
    assert_leniency(&word, "/bizStep", "cbv.biz-step");
    let quoted = object_event(
        r#","quantityList":[{"epcClass":"https://id.gs1.org/01/09521141012345","quantity":"2.50"}]"#,
    );
    assert_leniency(&quoted, "/quantityList/0/quantity", "value.number-in-quotes");
    let flag = object_event(
        r#","sensorElementList":[{"sensorReport":[{"type":"Count","booleanValue":"true"}]}]"#,
    );
    assert_leniency(
        &flag,
        "/sensorElementList/0/sensorReport/0/booleanValue",
        "value.boolean-in-quotes",
    );
    let voc = object_event(
        r#","sensorElementList":[{"sensorReport":[{"type":"https://gs1.org/voc/Mass"}]}]"#,
    );
    assert_leniency(&voc, "/sensorElementList/0/sensorReport/0/type", "cbv.obsolete-uri");
    assert_leniency(&object_event(r#","grade":"A""#), "/grade", "extension.name");
    let bare = object_event("").replacen(
        &format!(r#""@context":["{CONTEXT}",{{"example":"https://ns.example.com/epcis/"}}],"#),
        "",
        1,
    );
    assert_leniency(&bare, "", "context.required");
}

#[test]
fn what_would_have_to_be_guessed_is_refused_in_either_mode() {
    let good = object_event("");
    let cases = [
        (good.replace(r#""eventTimeZoneOffset":"+02:00","#, ""), "", "member.required"),
        (good.replace("06:45:00.000+02:00", "06:45:00.000"), "/eventTime", "value.date-time"),
        (good.replace("OBSERVE", "SHIPPED"), "/action", "event.action"),
        (good.replace(r#""+02:00""#, r#""Z""#), "/eventTimeZoneOffset", "value.zone-offset"),
        (good.replace("ObjectEvent", "ObjectEvnt"), "/type", "event.type"),
        (
            good.replace(
                "urn:epc:id:sgtin:0614141.107346.2017",
                "https://id.gs1.org/01/09521141012344/21/1",
            ),
            "/epcList/0",
            "gs1.identifier",
        ),
        (good.replace("urn:epc:id:sgtin:0614141.107346.2017", "LOT 7"), "/epcList/0", "value.uri"),
        (object_event(r#","ilmd":{"example:a":1}"#), "/ilmd", "event.ilmd"),
        (object_event(r#","parentID":"urn:x:1""#), "/parentID", "event.member"),
        (
            object_event(r#","quantityList":[{"epcClass":"urn:x:1","quantity":-1}]"#),
            "/quantityList/0/quantity",
            "quantity.sign",
        ),
        (
            object_event(r#","quantityList":[{"epcClass":"urn:x:1","quantity":1,"uom":"kg"}]"#),
            "/quantityList/0/uom",
            "unit.shape",
        ),
        (
            object_event(r#","persistentDisposition":{"set":[]}"#),
            "/persistentDisposition/set",
            "list.empty",
        ),
        (
            object_event(r#","errorDeclaration":{"reason":"did_not_occur"}"#),
            "/errorDeclaration",
            "member.required",
        ),
        (
            object_event(r#","bizTransactionList":[{"type":"po"}]"#),
            "/bizTransactionList/0",
            "member.required",
        ),
    ];
    for (text, pointer, rule) in cases {
        for mode in [Mode::Strict, Mode::Lenient] {
            assert_eq!(errors(&text, mode), one(pointer, rule), "{mode:?} {text}");
        }
    }
}

#[test]
fn every_event_type_says_what_it_needs() {
    let event = |kind: &str, members: &str| {
        format!(
            r#"{{"@context":"{CONTEXT}","type":"{kind}","eventTime":"2026-07-22T06:45:00Z",
                "eventTimeZoneOffset":"+00:00"{members}}}"#
        )
    };
    let cases = [
        ("ObjectEvent", r#","action":"ADD""#, "event.what"),
        ("AggregationEvent", r#","action":"ADD","parentID":"urn:x:1""#, "event.what"),
        ("AggregationEvent", r#","action":"ADD","childEPCs":["urn:x:1"]"#, "member.required"),
        ("AssociationEvent", r#","action":"OBSERVE","childEPCs":["urn:x:1"]"#, "member.required"),
        ("TransactionEvent", r#","action":"ADD","epcList":["urn:x:1"]"#, "event.biz-transaction"),
        ("TransformationEvent", r#","inputEPCList":["urn:x:1"]"#, "event.what"),
        (
            "TransformationEvent",
            r#","action":"ADD","inputEPCList":["urn:x:1"],"outputEPCList":["urn:x:2"]"#,
            "event.member",
        ),
    ];
    for (kind, members, rule) in cases {
        let found = errors(&event(kind, members), Mode::Lenient);
        assert_eq!(found.iter().map(|(_, rule)| &**rule).collect::<Vec<_>>(), [rule], "{members}");
    }
    for (kind, members) in [
        ("ObjectEvent", r#","action":"OBSERVE","epcList":[],"bizStep":"https://x.example/s""#),
        ("AggregationEvent", r#","action":"DELETE","parentID":"urn:x:1""#),
        ("AggregationEvent", r#","action":"OBSERVE","childEPCs":["urn:x:1"]"#),
        ("TransformationEvent", r#","inputEPCList":["urn:x:1"],"transformationID":"urn:x:2""#),
        ("https://x.example/MyEvent", r#","example":"no standard member""#),
    ] {
        let text = event(kind, members);
        let taken = read(&text, Mode::Lenient);
        assert!(taken.is_ok(), "{text}: {:?}", taken.unwrap_err().findings());
    }
}

#[test]
fn unreadable_input_is_told_from_invalid_input() {
    let good = capture(&object_event(""));
    let unreadable = |bytes: &[u8]| document::read(bytes, Mode::Lenient).unwrap_err();
    let cut = unreadable(&good.as_bytes()[..good.len() / 2]);
    assert!(matches!(&cut, Rejection::Json(fault) if fault.to_string().contains("truncated")));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(unreadable(&[b"\xFF\xFE", &*utf16].concat()), Rejection::Json(_)));
    let latin = good.replace("2017", "20\u{fc}").into_bytes();
    let latin: Vec<u8> = latin.into_iter().filter(|b| *b != 0xC3).collect();
    assert!(unreadable(&latin).to_string().contains("UTF-8"));
    let twice = good.replacen(r#""action":"OBSERVE""#, r#""action":"ADD","action":"ADD""#, 1);
    assert!(unreadable(twice.as_bytes()).to_string().contains("stands twice"));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(unreadable(deep.as_bytes()).to_string().contains("nested deeper"));
    let xml = unreadable(b"\xEF\xBB\xBF <?xml version=\"1.0\"?><epcis:EPCISDocument/>");
    assert_eq!(xml, Rejection::Xml);
    assert_eq!(xml.to_string(), "XML reading comes later; convert to JSON-LD");
    let large = document::read_limited(good.as_bytes(), Mode::Strict, 100).unwrap_err();
    assert_eq!(large, Rejection::TooLarge { size: good.len(), limit: 100 });
    for fault in [cut, xml, large] {
        assert!(fault.is_unreadable());
        assert_eq!(fault.findings().len(), 1);
    }
    for text in ["{}", "7", "{\"type\":\"EPCISDocument\"}", "{\"epcisBody\":{}}", "[7]"] {
        assert!(!read(text, Mode::Lenient).unwrap_err().is_unreadable(), "{text}");
    }
}

#[test]
fn a_hostile_document_cannot_make_findings_without_end() {
    let events = vec!["{}"; 5000].join(",");
    let findings = read(&capture(&events), Mode::Strict).unwrap_err().findings();
    assert_eq!(findings.len(), countermark_epcis::FINDINGS_MAX + 1);
    assert_eq!(findings.last().unwrap().rule, "findings.more");
}

#[test]
fn a_long_context_cannot_be_multiplied_by_many_events() {
    let names: Vec<String> =
        (0..4000).map(|i| format!(r#""p{i}":"https://ns.example/""#)).collect();
    let events = vec!["{}"; 4000].join(",");
    let text = capture(&events).replacen(
        r#"{"example":"https://ns.example.com/epcis/"}"#,
        &format!("{{{}}}", names.join(",")),
        1,
    );
    assert_eq!(errors(&text, Mode::Lenient), one("/@context", "context.size"));
}

#[test]
fn an_event_carries_the_contexts_that_were_in_force() {
    let own = r#"{"@context":{"inner":"https://inner.example/"},"type":"ObjectEvent",
        "eventTime":"2026-07-22T06:45:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE",
        "epcList":["urn:x:1"],"inner:a":1,"example:b":[{"c":"2.50"}]}"#;
    let plain = own.replacen(r#""@context":{"inner":"https://inner.example/"},"#, "", 1);
    let plain = plain.replace(r#""inner:a":1,"#, "");
    let text = capture(&format!("{own},{plain}"));
    let document = read(&text, Mode::Strict).unwrap();
    assert_eq!(document.kind, Kind::Capture);
    let contexts: Vec<String> = document
        .events
        .iter()
        .map(|event| {
            let (name, context) = &event.json().as_object().unwrap()[0];
            assert_eq!(name, "@context");
            context.to_text()
        })
        .collect();
    assert!(contexts[0].contains("inner.example") && contexts[0].contains("ns.example.com"));
    assert!(!contexts[1].contains("inner.example") && contexts[1].contains("ns.example.com"));
    // Each event stands alone, and the document is written as it came.
    for event in &document.events {
        assert_eq!(Event::from_json(event.json().clone()).unwrap(), *event);
    }
    assert_eq!(document::to_json(&document), json::parse(text.as_bytes()).unwrap());
}

#[test]
fn a_document_without_context_is_written_without_one() {
    let without = |text: &str| {
        let mut json = json::parse(text.as_bytes()).unwrap();
        json.remove("@context");
        json
    };
    let event = without(&object_event("")).to_text();
    let text = without(&capture(&event)).to_text();
    let document = read(&text, Mode::Lenient).unwrap();
    assert_eq!(document::write(&document), text);
    // An event that stands alone gets the context that its reader assumed.
    let alone = document::write(&read(&event, Mode::Lenient).unwrap());
    assert!(read(&alone, Mode::Strict).is_ok(), "{alone}");
}

#[test]
fn an_undeclared_prefix_is_warned_of_and_a_foreign_context_is_noted() {
    let document = read(&object_event(r#","nobody:a":1"#), Mode::Strict).unwrap();
    assert_eq!(document.findings[0].rule, "context.prefix");
    let foreign = object_event(r#","grade":"A""#).replace(
        r#"{"example":"https://ns.example.com/epcis/"}"#,
        r#""https://o.example/c.jsonld""#,
    );
    let document = read(&foreign, Mode::Strict).unwrap();
    let rules: Vec<(&str, Severity)> =
        document.findings.iter().map(|f| (&*f.rule, f.severity)).collect();
    assert_eq!(rules, [("context.remote", Severity::Note), ("extension.name", Severity::Warning)]);
    let term = object_event(r#","grade":"A""#)
        .replace(r#"{"example":"#, r#"{"grade":"https://x.example/grade","example":"#);
    assert!(read(&term, Mode::Strict).unwrap().findings.is_empty());
}

#[test]
fn the_facts_of_an_event_are_canonical() {
    let text = format!(
        r#"{{"type":"AggregationEvent","eventTime":"2026-07-22T06:45:00.5+02:00",
        "eventTimeZoneOffset":"+02:00","recordTime":"2026-07-22T05:00:00Z","action":"ADD",
        "eventID":"urn:uuid:1","bizStep":"packing","disposition":"cbv:Disp-in_progress",
        "parentID":"urn:epc:id:sscc:4012345.1111111111","childEPCs":["urn:x:1"],
        "childQuantityList":[{{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877",
            "quantity":200.50,"uom":"KGM"}}],
        "readPoint":{{"id":"urn:epc:id:sgln:4012345.00001.0"}},
        "bizTransactionList":[{{"bizTransaction":"urn:x:po"}}],
        "sourceList":[{{"type":"location","source":"urn:x:a"}}],
        "errorDeclaration":{{"declarationTime":"2026-07-23T00:00:00Z","reason":"incorrect_data",
            "correctiveEventIDs":["urn:uuid:2"]}},
        "persistentDisposition":{{"set":["damaged"]}},
        "@context":"{CONTEXT}"}}"#
    );
    let event = Event::from_json(json::parse(text.as_bytes()).unwrap()).unwrap();
    let facts = event.facts();
    assert_eq!(facts.event_type, EventType::Aggregation);
    assert_eq!(facts.event_time_ms, 1_784_695_500_500);
    assert_eq!(facts.record_time_ms, Some(1_784_696_400_000));
    assert_eq!(facts.action, Some(Action::Add));
    assert_eq!(facts.biz_step.as_deref(), Some("https://ref.gs1.org/cbv/BizStep-packing"));
    assert_eq!(facts.disposition.as_deref(), Some("https://ref.gs1.org/cbv/Disp-in_progress"));
    assert_eq!(facts.persistent_set, ["https://ref.gs1.org/cbv/Disp-damaged"]);
    assert_eq!(facts.read_point.as_deref(), Some("https://id.gs1.org/414/4012345000016"));
    assert_eq!(facts.biz_transactions, [(None, "urn:x:po".to_owned())]);
    let source = ("https://ref.gs1.org/cbv/SDT-location".to_owned(), "urn:x:a".to_owned());
    assert_eq!(facts.sources, [source]);
    let roles: Vec<(Role, bool)> =
        facts.identifiers.iter().map(|fact| (fact.role, fact.is_class)).collect();
    assert_eq!(roles, [(Role::Parent, false), (Role::Child, false), (Role::Child, true)]);
    let class = &facts.identifiers[2];
    assert_eq!(class.canonical, "https://id.gs1.org/01/04012345123456/10/998877");
    assert_eq!(class.quantity.as_deref(), Some("200.50"));
    assert_eq!(class.unit.as_deref(), Some("KGM"));
    let error = facts.error_declaration.unwrap();
    assert_eq!(error.reason.as_deref(), Some("https://ref.gs1.org/cbv/ER-incorrect_data"));
    assert_eq!(error.corrective_event_ids, ["urn:uuid:2"]);
}

#[test]
fn a_new_event_id_stands_near_the_front_and_an_old_one_is_replaced() {
    let mut event = Event::from_json(json::parse(object_event("").as_bytes()).unwrap()).unwrap();
    assert_eq!(event.event_id(), None);
    event.set_event_id("urn:uuid:1");
    let names: Vec<&str> =
        event.json().as_object().unwrap().iter().map(|(name, _)| &**name).take(3).collect();
    assert_eq!(names, ["@context", "type", "eventID"]);
    event.set_event_id("urn:uuid:2");
    assert_eq!(event.event_id(), Some("urn:uuid:2"));
    assert!(Event::from_json(event.into_json()).is_ok());
}

#[test]
fn events_that_stand_alone_make_a_document_again() {
    let a = Event::from_json(json::parse(object_event("").as_bytes()).unwrap()).unwrap();
    let other =
        object_event(r#","example:a":1"#).replace(r#"{"example":"#, r#"{"b":"urn:b:","example":"#);
    let b = Event::from_json(json::parse(other.as_bytes()).unwrap()).unwrap();
    for events in [vec![a.clone(), a.clone()], vec![a, b], Vec::new()] {
        let document = Document::of_events(events.clone(), "2026-07-22T10:30:00Z");
        let again = read(&document::write(&document), Mode::Strict).unwrap();
        assert_eq!(again.events.len(), events.len());
        for (again, event) in again.events.iter().zip(&events) {
            assert_eq!(again.facts(), event.facts());
        }
    }
}

/// JSON whose names and words are often those of EPCIS, so that the checks are reached.
fn near_epcis() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(vec![
        "ObjectEvent",
        "TransformationEvent",
        "EPCISDocument",
        "EPCISQueryDocument",
        "ADD",
        "2.0",
        "shipping",
        "active",
        "po",
        "location",
        "Temperature",
        "KGM",
        "x",
        "+01:00",
        "",
        "2026-07-22T06:45:00Z",
        "urn:epc:id:sgtin:0614141.107346.2017",
        "https://id.gs1.org/01/1",
        CONTEXT,
        "1.5",
    ]);
    let names = vec![
        "@context",
        "type",
        "eventID",
        "eventTime",
        "eventTimeZoneOffset",
        "action",
        "bizStep",
        "disposition",
        "persistentDisposition",
        "set",
        "readPoint",
        "id",
        "epcList",
        "quantityList",
        "epcClass",
        "quantity",
        "uom",
        "childEPCs",
        "inputEPCList",
        "bizTransactionList",
        "bizTransaction",
        "sourceList",
        "source",
        "sensorElementList",
        "sensorReport",
        "sensorMetadata",
        "time",
        "value",
        "ilmd",
        "errorDeclaration",
        "reason",
        "epcisBody",
        "eventList",
        "queryResults",
        "resultsBody",
        "epcisHeader",
        "schemaVersion",
        "creationDate",
        "certificationInfo",
        "example:a",
        "a~/b",
        "fooList",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i16>().prop_map(|n| Json::Number(n.to_string())),
        word.prop_map(Json::string),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        let name = prop::sample::select(names.clone());
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            3 => prop::collection::btree_map(name, inner, 0..10).prop_map(|members| {
                Json::Object(members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_reading_panic(value in near_epcis(), lenient: bool) {
        let mode = if lenient { Mode::Lenient } else { Mode::Strict };
        if let Err(Rejection::Invalid { findings }) = document::from_json(value.clone(), mode) {
            prop_assert!(findings.iter().any(|f| f.severity == Severity::Error));
            // Every finding points at a place that exists.
            for finding in findings {
                prop_assert!(value.pointer(&finding.pointer).is_some(), "{}", finding);
            }
        }
    }

    #[test]
    fn extensions_of_any_form_survive_and_hash_without_panic(value in near_epcis()) {
        let text = object_event(&format!(r#","example:any":{value}"#));
        let document = read(&text, Mode::Strict).unwrap();
        let again = read(&document::write(&document), Mode::Strict).unwrap();
        prop_assert_eq!(&again, &document);
        prop_assert_eq!(again.events[0].json().get("example:any"), Some(&value));
        for profile in countermark_epcis::hash::Profile::ALL {
            let hash = countermark_epcis::hash::event_hash(&document.events[0], profile);
            prop_assert_eq!(hash.len(), "ni:///sha-256;?ver=CBV2.0".len() + 64);
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = document::read(&bytes, Mode::Lenient);
    }
}
