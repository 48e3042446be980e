//! `events`, `trace`, `index rebuild`.

use serde_json::{Value, json};

use crate::support::{CONTEXT, Node, compact, document, event, named, rich};

/// Lexemes, escapes of order, extensions and repeated shapes that a careless reader would change.
const EXACT: &str = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"example":"https://ns.example.com/epcis/"}],"type":"ObjectEvent","example:z":{"b":1.0,"a":[100,1e2,-0.50,0.1000000000000000055511151231257827,12345678901234567890]},"action":"ADD","eventTime":"2026-11-01T10:00:00.000+01:00","recordTime":"2026-11-01T10:00:01Z","eventTimeZoneOffset":"+01:00","eventID":"urn:uuid:5b6f0c9a-0000-4000-8000-000000000042","epcList":["urn:epc:id:sgtin:9506000.013435.1"],"quantityList":[{"quantity":12.50,"epcClass":"https://id.gs1.org/01/09506000134352/10/A1","uom":"KGM"}],"ilmd":{"example:text":"Grüße – \"quoted\" \\ 你好","example:empty":{},"example:none":[]},"example:null":null,"example:yes":true}"#;

#[test]
fn an_event_comes_back_as_it_was_captured() {
    let node = Node::new();
    let file = node.file("exact.json", EXACT);
    node.run("capture", &[&file]).ends(0);
    let printed = node.run("events", &["--json"]).ends(0).out;
    assert_eq!(compact(&printed), format!("[{EXACT}]"));
}

#[test]
fn every_event_of_a_document_carries_the_context_of_the_document() {
    let node = Node::new();
    let sent = [rich(), event(1)];
    node.capture(&document(&sent));
    let events = node.events("");
    assert_eq!(events.len(), 2);
    for (event, sent) in events.iter().zip(&sent) {
        assert_eq!(event["@context"], document(&[])["@context"]);
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&event[name], value, "{name}");
        }
    }
    assert!(events[1]["eventID"].as_str().unwrap().starts_with("urn:uuid:"));
}

#[test]
fn epc_format_writes_identifiers_in_the_form_asked_for() {
    let node = Node::new();
    let urn = "urn:epc:id:sscc:9506000.0000000012";
    let link = "https://id.gs1.org/00/095060000000000121";
    let mut one = named(1);
    one["epcList"] = json!([urn, "https://example.com/things/1"]);
    one["example:note"] = json!(urn);
    let mut two = named(2);
    two["epcList"] = json!([link]);
    node.capture(&document(&[one, two]));
    let lists = |format: &[&str]| {
        let all = [&["--json"], format].concat();
        let events = node.run("events", &all).ends(0).json();
        assert_eq!(events[0]["example:note"], urn, "what is no identifier stays");
        (events[0]["epcList"].clone(), events[1]["epcList"].clone())
    };
    let other = "https://example.com/things/1";
    let plain = (json!([urn, other]), json!([link]));
    assert_eq!(lists(&[]), plain);
    assert_eq!(lists(&["--epc-format", "Never_Translates"]), plain);
    assert_eq!(lists(&["--epc-format", "No_Preference"]), plain);
    let links = lists(&["--epc-format", "Always_GS1_Digital_Link"]);
    assert_eq!(links, (json!([link, other]), json!([link])));
    let (first, second) = lists(&["--epc-format", "Always_EPC_URN"]);
    assert_eq!(first, json!([urn, other]));
    assert!(second[0].as_str().unwrap().starts_with("urn:epc:id:sscc:"), "{second}");
    node.run("events", &["--epc-format", "URN"]).ends(2).says("Always_EPC_URN");
}

#[test]
fn match_finds_an_item_in_either_form() {
    let node = Node::new();
    let mut one = named(1);
    one["epcList"] = json!(["urn:epc:id:sscc:9506000.0000000012"]);
    let mut two = named(2);
    two["epcList"] = json!(["https://id.gs1.org/00/095060000000000121"]);
    two["bizStep"] = json!("receiving");
    node.capture(&document(&[one, two, named(3)]));
    for form in ["urn:epc:id:sscc:9506000.0000000012", "https://id.gs1.org/00/095060000000000121"] {
        assert_eq!(node.events(&format!("MATCH_epc={form}")).len(), 2, "{form}");
        assert_eq!(node.events(&format!("MATCH_anyEPC={form}")).len(), 2, "{form}");
        let both = node.events(&format!("MATCH_epc={form}&EQ_bizStep=receiving"));
        assert_eq!(both.len(), 1);
        assert_eq!(both[0]["eventID"], named(2)["eventID"]);
    }
}

#[test]
fn queries_choose_by_step_time_place_type_and_page() {
    let node = Node::new();
    let mut received = named(5);
    received["bizStep"] = json!("receiving");
    node.capture(&document(&[named(1), named(2), received]));
    for step in [
        "shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
    ] {
        assert_eq!(node.events(&format!("EQ_bizStep={step}")).len(), 2, "{step}");
    }
    assert_eq!(node.events("GE_eventTime=2026-11-01T00:00:02Z").len(), 2);
    assert_eq!(node.events("LT_eventTime=2026-11-01T00:00:02Z").len(), 1);
    assert_eq!(node.events("eventType=ObjectEvent&EQ_action=OBSERVE").len(), 3);
    assert_eq!(node.events("eventType=AggregationEvent").len(), 0);
    assert_eq!(node.events("EQ_readPoint=https://id.gs1.org/414/9506000100012").len(), 3);
    assert_eq!(
        node.events(&format!("EQ_eventID={}", named(2)["eventID"].as_str().unwrap())).len(),
        1
    );
    let page =
        node.run("events", &["--json", "--query", "perPage=2"]).ends(0).says("nextPageToken=");
    assert_eq!(page.json().as_array().unwrap().len(), 2);
    let token = page.err.split("nextPageToken=").nth(1).unwrap();
    let token = token.split_whitespace().next().unwrap();
    assert_eq!(node.events(&format!("perPage=2&nextPageToken={token}")).len(), 1);
}

#[test]
fn a_wrong_query_is_a_wrong_call_and_names_the_parameter() {
    let node = Node::new();
    node.run("events", &["--query", "EQ_colour=red"]).ends(2).says("EQ_colour");
    node.run("events", &["--query", "GE_eventTime=yesterday"]).ends(2).says("GE_eventTime");
    node.run("events", &["--query", "perPage=many"]).ends(2).says("perPage");
}

/// Two lots become a third, which is shipped by one member and received by another.
fn chain(node: &Node) {
    let gln = |gln: &str| json!({"id": format!("https://id.gs1.org/414/{gln}")});
    let lot = |item: &str, lot: &str| format!("https://id.gs1.org/01/{item}/10/{lot}");
    let make = json!({
        "type": "TransformationEvent", "eventID": named(1)["eventID"],
        "eventTime": "2026-11-01T08:00:00Z", "eventTimeZoneOffset": "+00:00",
        "inputQuantityList": [
            {"epcClass": lot("09506000134352", "A"), "quantity": 100.5, "uom": "KGM"},
            {"epcClass": lot("09506000134369", "B"), "quantity": 20, "uom": "KGM"}],
        "outputQuantityList": [{"epcClass": lot("09506000134376", "C"), "quantity": 60}],
        "bizLocation": gln("9506000100012"), "bizStep": "commissioning"
    });
    let mut send = named(2);
    send["eventTime"] = json!("2026-11-01T09:00:00Z");
    send["epcList"] = json!([]);
    send["quantityList"] = json!([{"epcClass": lot("09506000134376", "C"), "quantity": 60}]);
    send["destinationList"] =
        json!([{"type": "owning_party", "destination": "https://id.gs1.org/417/9506000100029"}]);
    node.capture(&document(&[make, send]));
}

#[test]
fn trace_goes_up_and_down_and_carries_quantities() {
    let node = Node::new();
    chain(&node);
    let lot = "https://id.gs1.org/01/09506000134376/10/C";
    let up = node.run("trace", &[lot, "--up", "--json"]).ends(0).json();
    let from: Vec<&str> =
        up["edges"].as_array().unwrap().iter().map(|edge| edge["from"].as_str().unwrap()).collect();
    assert!(from.contains(&"https://id.gs1.org/01/09506000134352/10/A"), "{up}");
    assert!(from.contains(&"https://id.gs1.org/01/09506000134369/10/B"), "{up}");
    let edge = up["edges"].as_array().unwrap().iter().find(|e| e["from"] == from[0]).unwrap();
    assert_eq!(edge["to"], lot);
    assert_eq!(edge["eventID"], named(1)["eventID"]);
    assert!(["100.5", "20"].contains(&edge["quantity"].to_string().as_str()), "{edge}");
    assert_eq!(edge["unit"], "KGM");
    assert_eq!(up["truncated"], false);
    let down = node
        .run("trace", &["https://id.gs1.org/01/09506000134352/10/A", "--down", "--json"])
        .ends(0)
        .json();
    let ids: Vec<&Value> = down["nodes"].as_array().unwrap().iter().map(|n| &n["id"]).collect();
    assert!(ids.contains(&&json!(lot)), "{down}");
    assert_eq!(down["nodes"][0]["member"], "Farm");
    // Whoever got it is no member of this node: a gap with its reason.
    assert!(!down["missing"].as_array().unwrap().is_empty(), "{down}");
    let element = node.run("trace", &["(01)09506000134376(10)C", "--up", "--json"]).ends(0).json();
    assert_eq!(element, up);
}

#[test]
fn trace_of_what_nobody_knows_ends_with_1() {
    let node = Node::new();
    chain(&node);
    node.run("trace", &["https://id.gs1.org/01/09506000134376/10/ZZ", "--json"])
        .ends(1)
        .says("09506000134376");
    node.run("trace", &["x", "--up", "--down"]).ends(2);
}

#[test]
fn index_rebuild_gives_the_same_answers() {
    let node = Node::new();
    chain(&node);
    node.capture(&document(&[rich(), event(3)]));
    node.run(
        "erase",
        &["--as", "Farm", rich()["eventID"].as_str().unwrap(), "--class", "quantity"],
    )
    .ends(0);
    let answers = || {
        let mut all = String::new();
        for rest in [
            &["events", "--json"][..],
            &["events", "--json", "--query", "EQ_bizStep=shipping"],
            &["trace", "https://id.gs1.org/01/09506000134376/10/C", "--json"],
        ] {
            all += &node.run(rest[0], &rest[1..]).ends(0).out;
        }
        all
    };
    let before = answers();
    assert!(node.run("index rebuild", &[]).ends(0).out.contains("4 events"));
    assert_eq!(answers(), before);
    std::fs::remove_file(node.data().join("index.db")).unwrap();
    assert_eq!(answers(), before);
    std::fs::remove_file(node.data().join("state.db")).unwrap();
    assert_eq!(answers(), before);
    node.sound();
}

#[test]
fn a_context_of_ones_own_stays_with_the_event() {
    let node = Node::new();
    let mut alone = named(7);
    alone["@context"] = json!([CONTEXT, {"farm": "https://farm.example/ns/"}]);
    alone["farm:row"] = json!(7);
    node.capture(&alone);
    assert_eq!(node.events("")[0], alone);
}
