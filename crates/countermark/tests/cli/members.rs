//! `member`, `key`, `--as`.

use serde_json::Value;

use crate::support::{Node, document, ids, named};

fn status(node: &Node, bundle: &str, trust: &str, code: i32) {
    let (bundle, trust) = (node.path(bundle), node.path(trust));
    crate::support::call(&[
        "verify".as_ref(),
        bundle.as_os_str(),
        "--trust".as_ref(),
        trust.as_os_str(),
    ])
    .ends(code);
}

fn write(node: &Node, words: &[&str], name: &str) {
    let path = node.path(name);
    let rest = [&words[1..], &["-o", path.to_str().unwrap()]].concat();
    node.run(words[0], &rest).ends(0);
}

#[test]
fn members_are_added_listed_and_chosen_by_name() {
    let node = Node::new();
    node.run("member add", &["Dairy & Söhne", "--country", "DE"]).ends(0);
    node.run("member add", &["Dairy & Söhne"]).ends(2).says("already");
    node.run("member add", &["Farm"]).ends(2).says("already");
    let listed = node.run("member list", &["--json"]).ends(0).json();
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Farm", "Dairy & Söhne"]);
    assert_eq!(listed[0]["status"], "active");
    assert_eq!(listed[1]["country"], "DE");
    assert_eq!(listed[0]["hand"], listed[1]["hand"]);
    assert!(node.run("member list", &[]).ends(0).out.contains("one hand"));

    let file = node.file("d.json", document(&[named(1)]).to_string());
    node.run("capture", &["--as", "Nobody", &file])
        .ends(2)
        .says("Nobody")
        .says("Farm, Dairy & Söhne");
    assert_eq!(node.events("").len(), 0);
    let first = node.run("capture", &["--json", &file]).ends(0).json();
    assert_eq!(ids(&first, "accepted").len(), 1);
    // The same event seen by another member is that member's own record.
    let second = node.run("capture", &["--as", "Dairy & Söhne", "--json", &file]).ends(0).json();
    assert_eq!(ids(&second, "accepted").len(), 1);
    let mine = node.run("capture", &["--as", "Farm", "--json", &file]).ends(0).json();
    assert_eq!(ids(&mine, "duplicates").len(), 1);
    node.sound();
}

#[test]
fn only_the_member_that_recorded_an_event_erases_it() {
    let node = Node::new();
    node.run("member add", &["Dairy"]).ends(0);
    node.capture(&document(&[named(1)]));
    let id = named(1)["eventID"].as_str().unwrap().to_owned();
    node.run("erase", &["--as", "Dairy", &id]).ends(1).says("Dairy has no event");
    assert_eq!(node.events("").len(), 1);
}

#[test]
fn a_rotated_key_signs_and_what_the_old_one_signed_still_verifies() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let id = |n: usize| named(n)["eventID"].as_str().unwrap().to_owned();
    write(&node, &["prove", &id(1)], "before");
    write(&node, &["trust"], "trust");
    let keys = |node: &Node| node.run("key list", &["--json"]).ends(0).json();
    let old = keys(&node)[0].clone();
    assert_eq!((&old["member"], &old["revokedAtHeight"]), (&"Farm".into(), &Value::Null));
    node.run("key rotate", &["--as", "Farm"]).ends(0);
    let listed = keys(&node);
    assert!(listed.as_array().unwrap().iter().any(|key| key["key"] != old["key"]), "{listed}");
    node.capture(&document(&[named(2)]));
    write(&node, &["prove", &id(1)], "old-record");
    write(&node, &["prove", &id(2)], "new-record");
    for bundle in ["before", "old-record", "new-record"] {
        status(&node, bundle, "trust", 0);
    }
    write(&node, &["trust"], "trust-after");
    status(&node, "before", "trust-after", 0);
    node.sound();
}

#[test]
fn all_keys_of_a_member_are_listed_with_the_height_of_their_end() {
    let node = Node::new();
    node.run("key rotate", &[]).ends(0);
    node.run("key rotate", &[]).ends(0);
    let listed = node.run("key list", &["--json"]).ends(0).json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");
    let valid: Vec<&Value> = listed.iter().filter(|key| key["revokedAtHeight"].is_null()).collect();
    assert_eq!(valid.len(), 1);
    assert!(node.run("key list", &[]).ends(0).out.contains("revoked at block"));
}

#[test]
fn a_member_policy_names_every_member() {
    let node = Node::new();
    node.run("member add", &["Dairy"]).ends(0);
    write(&node, &["trust"], "trust");
    let policy = std::fs::read_to_string(node.path("trust")).unwrap();
    assert!(policy.contains("Farm") && policy.contains("Dairy"), "{policy}");
    assert!(policy.lines().any(|line| line.starts_with("log ")), "{policy}");
}

#[test]
fn the_clock_is_confirmed_only_after_a_jump() {
    let node = Node::new();
    let run = node.run("confirm-clock", &[]);
    assert_eq!(run.code, 1, "{run:?}");
}
