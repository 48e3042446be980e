//! `prove`, `trust`, `verify`, `receipt`.

use serde_json::{Value, json};

use crate::support::{Node, Run, call, document, named, rich};

struct Proofs {
    node: Node,
    id: String,
}

impl Proofs {
    fn new() -> Self {
        let node = Node::new();
        node.capture(&document(&[named(1), rich(), named(2)]));
        let id = rich()["eventID"].as_str().unwrap().to_owned();
        let trust = node.path("trust");
        node.run("trust", &["-o", trust.to_str().unwrap()]).ends(0);
        Self { node, id }
    }

    fn path(&self, name: &str) -> String {
        self.node.path(name).display().to_string()
    }

    fn prove(&self, fields: &[&str]) -> Run {
        let bundle = self.path("bundle");
        let mut rest = vec![&*self.id];
        for field in fields {
            rest.extend(["--field", field]);
        }
        rest.extend(["-o", &bundle]);
        self.node.run("prove", &rest)
    }

    /// What a bundle of these fields shows to one who trusts the log.
    #[track_caller]
    fn shown(&self, fields: &[&str]) -> Value {
        self.prove(fields).ends(0);
        let report = self.verify(&["--trust", &self.path("trust"), "--json"]).ends(0).json();
        assert_eq!(report["verdict"], "holds", "{report}");
        report["disclosed"].clone()
    }

    fn verify(&self, rest: &[&str]) -> Run {
        call(&[&["verify", &self.path("bundle")], rest].concat())
    }

    fn event(&self) -> Value {
        let query = format!("EQ_eventID={}", self.id);
        self.node.events(&query).remove(0)
    }
}

#[test]
fn a_whole_event_is_proven_offline_against_the_policy() {
    let proofs = Proofs::new();
    let shown = proofs.shown(&[]);
    assert_eq!(shown, json!([{"pointer": "", "absent": false, "value": proofs.event()}]));
    // The bundle and the policy are all it takes.
    let away = Node::empty();
    for name in ["bundle", "trust"] {
        std::fs::copy(proofs.path(name), away.path(name)).unwrap();
    }
    drop(proofs);
    let (bundle, trust) = (away.path("bundle"), away.path("trust"));
    let words = ["verify", bundle.to_str().unwrap(), "--trust", trust.to_str().unwrap()];
    let run = call(&words).ends(0);
    assert!(run.out.contains("proven") && !run.out.contains("contradicted"), "{}", run.out);
}

#[test]
fn without_a_policy_the_answer_is_4_and_says_so() {
    let proofs = Proofs::new();
    proofs.prove(&[]).ends(0);
    let plain = proofs.verify(&[]).ends(4);
    assert!(plain.out.contains("consistent; log key not checked"), "{}", plain.out);
    let report = proofs.verify(&["--json"]).ends(4).json();
    assert_eq!(report["verdict"], "consistent; log key not checked");
}

#[test]
fn a_field_is_disclosed_as_events_prints_it_and_nothing_else_is() {
    let proofs = Proofs::new();
    let event = proofs.event();
    for pointer in [
        "/bizStep",
        "/epcList",
        "/epcList/0",
        "/quantityList",
        "/quantityList/1/quantity",
        "/quantityList/0",
        "/readPoint",
        "/readPoint/id",
        "/bizTransactionList/0/bizTransaction",
        "/example:note",
        "/example:note/a/2/three",
        "/example:price",
        "/eventTime",
        "/@context",
    ] {
        let shown = proofs.shown(&[pointer]);
        let values: Vec<&Value> =
            shown.as_array().unwrap().iter().filter(|item| item["absent"] == false).collect();
        assert_eq!(values.len(), 1, "{pointer}: {shown}");
        assert_eq!(values[0]["pointer"], pointer);
        assert_eq!(&values[0]["value"], event.pointer(pointer).unwrap(), "{pointer}");
        let bundle = std::fs::read(proofs.path("bundle")).unwrap();
        let holds = |text: &str| bundle.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds("in_transit"), "{pointer} gives the disposition away");
    }
}

#[test]
fn several_fields_go_into_one_bundle() {
    let proofs = Proofs::new();
    let shown = proofs.shown(&["/bizStep", "/quantityList", "/example:price"]);
    let mut pointers: Vec<&str> = shown
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["absent"] == false)
        .map(|item| item["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/bizStep", "/example:price", "/quantityList"]);
}

#[test]
fn what_an_event_has_not_is_shown_absent() {
    let proofs = Proofs::new();
    for pointer in ["/bizLocation", "/errorDeclaration", "/ilmd", "/sensorElementList"] {
        let shown = proofs.shown(&[pointer]);
        let absent = json!({"pointer": pointer, "absent": true});
        assert!(shown.as_array().unwrap().contains(&absent), "{pointer}: {shown}");
    }
}

#[test]
fn an_extension_that_is_not_there_is_shown_by_its_neighbours_in_every_class() {
    let proofs = Proofs::new();
    proofs.prove(&["/example:nothing"]).ends(0);
    let told = proofs.verify(&["--trust", &proofs.path("trust")]).ends(0).out;
    assert!(told.contains("no extension of class other between /example:note and /example:price"));
    // A place after the end of a list is shown by the list's length.
    proofs.prove(&["/epcList/1"]).ends(0);
    let told = proofs.verify(&["--trust", &proofs.path("trust")]).ends(0).out;
    assert!(told.contains("/epcList has 1 items"), "{told}");
}

#[test]
fn a_pointer_that_is_none_is_refused_and_nothing_is_written() {
    let proofs = Proofs::new();
    proofs.prove(&["bizStep"]).ends(1).says("no JSON pointer");
    proofs.prove(&["/a~2"]).ends(1).says("no JSON pointer");
    assert!(!proofs.node.path("bundle").exists());
    proofs.node.run("prove", &["urn:uuid:gone", "-o", "x"]).ends(1).says("urn:uuid:gone");
}

#[test]
fn every_altered_byte_is_refused() {
    let proofs = Proofs::new();
    proofs.prove(&["/bizStep"]).ends(0);
    let good = std::fs::read(proofs.path("bundle")).unwrap();
    let trust = proofs.path("trust");
    let check = |bytes: &[u8], what: String| {
        std::fs::write(proofs.path("bundle"), bytes).unwrap();
        let run = proofs.verify(&["--trust", &trust]);
        assert!(run.code == 1 || run.code == 3, "{what}: {run:?}");
        assert!(!(run.out.clone() + &run.err).is_empty(), "{what}");
    };
    for at in (0..good.len()).step_by(good.len() / 60) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        check(&bad, format!("bit of byte {at}"));
    }
    check(&good[..good.len() - 1], "cut by a byte".to_owned());
    check(&[&good[..], b"\0"].concat(), "a byte more".to_owned());
    check(b"", "empty".to_owned());
    check(b"{}", "JSON".to_owned());
}

#[test]
fn a_wholly_forged_log_does_not_hold_under_the_policy_and_the_difference_is_named() {
    let proofs = Proofs::new();
    let forger = Proofs::new();
    forger.prove(&[]).ends(0);
    let (bundle, trust) = (forger.path("bundle"), proofs.path("trust"));
    call(&["verify", &bundle]).ends(4);
    let run = call(&["verify", &bundle, "--trust", &trust]).ends(1);
    assert!(run.out.contains("contradicted") && run.out.contains("oes not hold"), "{}", run.out);
    let report = call(&["verify", &bundle, "--trust", &trust, "--json"]).ends(1).json();
    assert_eq!(report["verdict"], "does not hold");
    let contradicted = report["checks"].as_array().unwrap();
    assert!(contradicted.iter().any(|check| check["state"] == "contradicted"), "{report}");
}

#[test]
fn a_policy_that_is_none_ends_with_3() {
    let proofs = Proofs::new();
    proofs.prove(&[]).ends(0);
    let junk = proofs.node.file("junk", "log nonsense\n");
    proofs.verify(&["--trust", &junk]).ends(3).says("policy");
    proofs.verify(&["--trust", "gone"]).ends(3).says("gone");
}

#[test]
fn an_error_declaration_is_proven_with_the_event_it_concerns() {
    let proofs = Proofs::new();
    let mut wrong = named(1);
    wrong["errorDeclaration"] = json!({
        "declarationTime": "2026-11-02T10:00:00Z",
        "reason": "https://ref.gs1.org/cbv/ER-incorrect_data",
        "correctiveEventIDs": [named(3)["eventID"]]
    });
    proofs.node.capture(&document(&[wrong, named(3)]));
    let id = named(1)["eventID"].as_str().unwrap().to_owned();
    let bundle = proofs.path("bundle");
    proofs.node.run("prove", &[&id, "-o", &bundle]).ends(0);
    let trust = proofs.path("trust");
    let report = proofs.verify(&["--trust", &trust, "--json"]).ends(0).json();
    let shown = report["disclosed"].to_string();
    assert!(shown.contains("incorrect_data"), "{shown}");
}

#[test]
fn a_receipt_and_its_statement_are_written() {
    let proofs = Proofs::new();
    let (receipt, statement) = (proofs.path("receipt"), proofs.path("statement"));
    proofs.node.run("receipt", &[&proofs.id, "-o", &receipt, "--statement", &statement]).ends(0);
    // Both are tagged COSE_Sign1 messages (tag 18, an array of four).
    for file in [&receipt, &statement] {
        assert_eq!(std::fs::read(file).unwrap()[..2], [0xd2, 0x84], "{file}");
    }
    proofs.node.run("receipt", &["urn:uuid:gone", "-o", &receipt]).ends(1).says("urn:uuid:gone");
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing_behind() {
    let proofs = Proofs::new();
    let nowhere = proofs.path("no/such/folder");
    proofs.node.run("trust", &["-o", &nowhere]).ends(1).says("no/such/folder");
}
