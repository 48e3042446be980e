//! A data directory as an earlier program left it, opened by this one. `tests/fixtures/upgrade` says
//! how each was made.

use std::fs;
use std::io::BufReader;

use serde_json::Value;

use crate::support::{ID, Node, call, document, named, root};

/// The formats of the first landing.
fn first_landing() -> Node {
    let node = Node::empty();
    let file = fs::File::open(root().join("tests/fixtures/upgrade/0ae2729.tar.zst")).unwrap();
    let decoder = zstd::Decoder::with_buffer(BufReader::new(file)).unwrap();
    tar::Archive::new(decoder).unpack(node.folder.path()).unwrap();
    node
}

#[test]
fn a_node_of_the_first_landing_is_read_proven_written_and_sound() {
    let node = first_landing();
    let at = |name: &str| node.path(name).display().to_string();

    // What it gave out still holds, before and after it is opened here.
    let (bundle, trust) = (at("bundle.cmb"), at("trust.txt"));
    call(&["verify", &bundle, "--trust", &trust]).ends(0);
    let events = node.events("");
    assert_eq!(events.len(), 7);
    let erased = node.events(&format!("EQ_eventID={ID}02"));
    assert!(erased.iter().all(|event| event.get("example:price").is_none()), "{erased:?}");
    assert_eq!(events.iter().filter(|event| event["bizStep"] == "commissioning").count(), 2);

    // It is the same log: the checkpoint of then is the head of now.
    let checkpoint = node.run("log", &["checkpoint"]).ends(0).out;
    assert_eq!(checkpoint, fs::read_to_string(node.path("checkpoint")).unwrap());
    let document_id: Value =
        serde_json::from_slice(&fs::read(node.path("document.txt")).unwrap()).unwrap();
    let document_id = document_id["documentID"].as_str().unwrap();
    let out = at("certificate.pdf");
    node.run("document get", &[document_id, "-o", &out]).ends(0);
    let given = fs::read(root().join("examples/fresh-produce/farm-certificate.pdf")).unwrap();
    assert_eq!(fs::read(&out).unwrap(), given);

    for serial in [1, 2, 4] {
        let bundle = at(&format!("{serial}.cmb"));
        node.run("prove", &[&format!("{ID}{serial:02}"), "-o", &bundle]).ends(0);
        call(&["verify", &bundle, "--trust", &trust]).ends(0);
    }
    node.sound();

    // Days lie between the fixture and the test, which somebody has to confirm.
    node.run("confirm-clock", &[]);
    let mut again = named(1);
    again["eventTime"] = "2026-11-01T10:01:00Z".into();
    let report = node.capture(&document(&[again, named(60)]));
    assert_eq!(report["accepted"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["duplicates"].as_array().unwrap().len(), 1, "known since then: {report}");
    node.run("key rotate", &["--as", "Example Mill"]).ends(0);
    node.run("erase", &[&format!("{ID}04"), "--as", "Example Mill"]).ends(0);
    let bundle = at("new.cmb");
    node.run("prove", &[&format!("{ID}60"), "-o", &bundle]).ends(0);
    call(&["verify", &bundle, "--trust", &trust]).ends(0);
    node.sound();
}

#[test]
fn doctor_says_that_an_old_desk_is_brought_up_and_a_command_does_it() {
    let node = first_landing();
    let formats = |node: &Node| {
        let report = node.run("doctor", &["--json"]).ends(0).json();
        let checks = report["checks"].as_array().unwrap().clone();
        let check = checks.into_iter().find(|check| check["name"] == "formats").unwrap();
        check["says"].as_str().unwrap().to_owned()
    };
    assert!(formats(&node).starts_with("desk 1, brought to "), "{}", formats(&node));
    node.run("events", &[]).ends(0);
    assert!(!formats(&node).contains("brought to"), "{}", formats(&node));
}

#[test]
fn an_old_node_is_backed_up_and_restored_by_this_program() {
    let node = first_landing();
    let file = node.path("b").display().to_string();
    let newest = node.path("checkpoint").display().to_string();
    node.run("backup", &["-o", &file, "--include-key-file"]).ends(0);
    fs::remove_dir_all(node.data()).unwrap();
    node.run("restore", &["--from", &file, "--checkpoint", &newest]).ends(0);
    assert_eq!(node.events("").len(), 7);
    node.sound();
}
