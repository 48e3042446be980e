//! `publication`: what the public may know.

use serde_json::json;

use super::support::{Node, document, named};

const LOT: &str = "(01)09521234543213(10)L1";
const CANONICAL: &str = "https://id.gs1.org/01/09521234543213/10/L1";

#[test]
fn a_release_is_put_listed_and_withdrawn() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let event = named(1)["eventID"].as_str().unwrap().to_owned();
    let release = json!({
        "identifier": LOT, "product": "Salad",
        "proofs": [{ "eventID": event, "fields": ["/eventTime"] }]
    });
    let file = node.file("release.json", release.to_string());
    let put = node.run("publication put", &["--json", &file]).ends(0).json();
    assert_eq!(
        (&put["member"], &put["release"]["identifier"]),
        (&json!("Farm"), &json!(CANONICAL))
    );
    let list = node.run("publication list", &["--json"]).ends(0).json();
    assert_eq!(list["publications"], json!([put]));
    assert!(node.run("publication list", &[]).ends(0).out.contains("Salad"));
    node.run("publication withdraw", &[LOT]).ends(0);
    node.run("publication withdraw", &[LOT]).ends(1).says("nothing was released");
}

#[test]
fn a_recall_is_set_and_cleared() {
    let node = Node::new();
    let words = ["--title", "Glass", "--what-to-do", "Bring it back.", "--json", LOT];
    let recall = node.run("publication recall", &words).ends(0).json();
    assert_eq!(recall["notice"]["identifier"], CANONICAL);
    assert!(node.run("publication list", &[]).ends(0).out.contains("RECALLED by Farm"));
    node.run("publication recall-clear", &[LOT]).ends(0);
    node.run("publication recall-clear", &[LOT]).ends(1).says("is not recalled");
}

#[test]
fn a_release_that_does_not_read_is_refused_with_what_is_wrong() {
    let node = Node::new();
    let put = |text: &str| {
        let file = node.file("release.json", text);
        node.run("publication put", &[&file])
    };
    put("{").ends(3).says("release.json");
    put(r#"{"identifier":"x","product":"y","price":1}"#).ends(3).says("price");
    put(r#"{"identifier":"x","product":"y"}"#).ends(2).says("\"x\"");
    let whole = format!(
        r#"{{"identifier":"{LOT}","product":"y","proofs":[{{"eventID":"urn:x:1","fields":[]}}]}}"#
    );
    put(&whole).ends(2).says("not released whole");
}
