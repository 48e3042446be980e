//! `erase`: exactly what was named is gone, everything else still holds.

use serde_json::json;

use crate::support::{Node, Run, call, document, named, rich, walk};

fn id() -> String {
    rich()["eventID"].as_str().unwrap().to_owned()
}

fn node() -> Node {
    let node = Node::new();
    node.capture(&document(&[named(1), rich(), named(2)]));
    let trust = node.path("trust");
    node.run("trust", &["-o", trust.to_str().unwrap()]).ends(0);
    node
}

fn prove(node: &Node, id: &str, field: &str, name: &str) -> Run {
    let path = node.path(name);
    let mut rest = vec![id];
    if !field.is_empty() {
        rest.extend(["--field", field]);
    }
    node.run("prove", &[&rest[..], &["-o", path.to_str().unwrap()]].concat())
}

#[track_caller]
fn holds(node: &Node, name: &str) {
    let (bundle, trust) = (node.path(name), node.path("trust"));
    let words = ["verify", bundle.to_str().unwrap(), "--trust", trust.to_str().unwrap()];
    call(&words).ends(0);
}

#[test]
fn one_class_is_erased_and_every_other_proof_still_holds() {
    let node = node();
    prove(&node, &id(), "", "before").ends(0);
    let run = node.run("erase", &["--as", "Farm", &id(), "--class", "quantity"]).ends(0);
    assert!(run.out.contains("quantity"), "{}", run.out);
    node.sound();
    prove(&node, &id(), "/quantityList", "refused").ends(1).says("quantity");
    assert!(!node.path("refused").exists());
    for field in ["/bizStep", "/epcList", "/readPoint", "/example:price"] {
        prove(&node, &id(), field, "after").ends(0);
        holds(&node, "after");
    }
    prove(&node, named(1)["eventID"].as_str().unwrap(), "", "other").ends(0);
    holds(&node, "other");
    // What was given away before was given away.
    holds(&node, "before");
    let query = format!("EQ_eventID={}", id());
    let event = node.events(&query).remove(0);
    assert!(event.get("quantityList").is_none(), "{event}");
    assert_eq!(event["bizStep"], "shipping");
    let again = node.run("erase", &["--as", "Farm", &id(), "--class", "quantity"]).ends(0);
    assert!(again.out.contains("Nothing"), "{}", again.out);
}

#[test]
fn a_whole_event_is_erased_and_the_ledger_still_holds() {
    let node = node();
    let erased = node.run("erase", &["--as", "Farm", &id(), "--json"]).ends(0).json();
    assert_eq!(erased["eventID"], json!(id()));
    // The classes that held something.
    let classes = ["identity", "transport", "quantity", "location", "provenance", "other"];
    assert_eq!(erased["erased"], json!(classes), "{erased}");
    node.sound();
    assert_eq!(node.events("").len(), 2);
    let refused = prove(&node, &id(), "/bizStep", "refused");
    assert_eq!(refused.code, 1, "{refused:?}");
    prove(&node, named(2)["eventID"].as_str().unwrap(), "", "other").ends(0);
    holds(&node, "other");
    node.run("index rebuild", &[]).ends(0);
    assert_eq!(node.events("").len(), 2);
    node.sound();
    // The same document again makes no second record of what was erased.
    let result = node.capture(&document(&[named(1), rich(), named(2)]));
    assert_eq!(result["accepted"], json!([]), "{result}");
}

#[test]
fn erased_identifiers_are_found_no_more() {
    let node = node();
    let query = "MATCH_epc=https://id.gs1.org/01/09506000134352/21/99";
    assert_eq!(node.events(query).len(), 1);
    node.run("erase", &["--as", "Farm", &id(), "--class", "identity"]).ends(0);
    assert_eq!(node.events(query).len(), 0);
    let mut files = Vec::new();
    walk(&node.data(), &mut files);
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let needle = b"09506000134352/21/99";
        let found = bytes.windows(needle.len()).any(|part| part == needle);
        assert!(!found, "{} still holds an erased identifier", file.display());
    }
    node.sound();
}

#[test]
fn a_class_or_event_that_is_not_there_is_named() {
    let node = node();
    node.run("erase", &["--as", "Farm", &id(), "--class", "colour"])
        .ends(2)
        .says("colour")
        .says("quantity");
    node.run("erase", &["--as", "Farm", "urn:uuid:gone"]).ends(1).says("urn:uuid:gone");
    node.run("erase", &["--as", "Nobody", &id()]).ends(2).says("Nobody");
    assert_eq!(node.events("").len(), 3);
}

#[test]
fn a_vault_restored_from_before_an_erasure_is_found_and_erased_again() {
    let node = node();
    let vault = node.files("vault").remove(0).parent().unwrap().to_owned();
    let kept = node.path("kept");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    };
    copy(&vault, &kept);
    node.run("erase", &[&id(), "--class", "quantity"]).ends(0);
    std::fs::remove_dir_all(&vault).unwrap();
    copy(&kept, &vault);
    let report = node.run("fsck", &["--json"]).ends(1).json();
    let fault = &report["faults"][0];
    assert!(
        fault["what"].as_str().unwrap().contains("quantity fields are erased on the ledger"),
        "{report}"
    );
    assert!(fault["advice"].as_str().unwrap().contains("index rebuild"), "{report}");
    node.run("index rebuild", &[]).ends(0);
    node.sound();
    prove(&node, &id(), "/quantityList", "refused").ends(1).says("quantity");
}

#[test]
fn a_bundle_of_what_is_left_says_what_it_lacks() {
    let node = node();
    let run = prove(&node, &id(), "", "before").ends(0);
    assert!(run.out.contains("the whole event"), "{}", run.out);
    let (before, after) = (node.path("before"), node.path("after"));
    let report = call(&["verify", before.to_str().unwrap(), "--json"]).ends(4).json();
    let record = report["record"]["recordID"].as_str().unwrap().to_owned();
    node.run("erase", &["--as", "Farm", &id(), "--class", "transport"]).ends(0);
    node.run("index rebuild", &[]).ends(0);
    let run = prove(&node, &id(), "", "after").ends(0);
    assert!(
        run.out.contains(&format!("what is left of {}; erased: transport", id())),
        "{}",
        run.out
    );
    let run = call(&["verify", after.to_str().unwrap()]).ends(4);
    assert!(run.out.contains("classes not shown: transport"), "{}", run.out);
    assert!(!run.out.contains("sourceDocument"), "{}", run.out);
    holds(&node, "after");
    node.run("erase", &["--as", "Farm", &id(), "--class", "identity"]).ends(0);
    prove(&node, &id(), "", "gone").ends(1);
    let run = prove(&node, &record, "", "after").ends(0);
    assert!(run.out.contains("erased: identity, transport"), "{}", run.out);
    holds(&node, "after");
    node.run("erase", &["--as", "Farm", &record]).ends(0);
    prove(&node, &record, "", "gone").ends(1).says("nothing is left");
    node.sound();
}
