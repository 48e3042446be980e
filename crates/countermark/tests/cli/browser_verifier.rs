//! The verifier in JavaScript prints what `verify --json` prints, for bundles that the program made.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Node, call, document, named, rich};

/// Node.js, or none where none is installed; then the test says so, and fails only where `CI` is set.
fn node_js() -> Option<Command> {
    let name = std::env::var_os("COUNTERMARK_NODE").unwrap_or_else(|| "node".into());
    let found = Command::new(&name).arg("--version").output().is_ok_and(|o| o.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{name:?}: Node.js is needed here");
        eprintln!("no Node.js ({name:?}): the verifier in JavaScript was not compared");
    }
    found.then(|| Command::new(name))
}

/// Both verifiers over one bundle: the same JSON, but for the words of details.
fn compare(bundle: &str, trust: Option<&str>, verdict: &str) -> Option<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verifier/report.mjs");
    let output = node_js()?.arg(script).arg(bundle).args(trust).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut words = vec!["verify", bundle, "--json"];
    words.extend(trust.map(|_| "--trust"));
    words.extend(trust);
    let mut ours = call(&words).json();
    assert_eq!(ours["verdict"], verdict, "{ours}");
    for report in [&mut ours, &mut theirs] {
        for check in report["checks"].as_array_mut().unwrap() {
            check["detail"] = Value::Null;
        }
    }
    if verdict == "does not hold" {
        // In its own words, after the same name of what does not hold.
        let named = |report: &Value| {
            report["message"].as_str().unwrap().split(": ").take(2).collect::<Vec<_>>().join(": ")
        };
        assert_eq!(named(&ours), named(&theirs));
        theirs["message"] = ours["message"].clone();
    }
    assert_eq!(ours, theirs);
    Some(theirs)
}

#[test]
fn it_prints_what_the_program_prints() {
    let node = Node::new();
    let mut wrong = named(1);
    wrong["errorDeclaration"] = json!({
        "declarationTime": "2026-11-02T10:00:00Z",
        "reason": "https://ref.gs1.org/cbv/ER-incorrect_data",
        "correctiveEventIDs": [named(3)["eventID"]]
    });
    node.capture(&document(&[named(1), rich(), named(2), named(3)]));
    node.capture(&document(&[wrong]));
    let path = |name: &str| node.path(name).display().to_string();
    let (bundle, trust) = (path("bundle"), path("trust"));
    node.run("trust", &["-o", &trust]).ends(0);
    let id = |event: &Value| event["eventID"].as_str().unwrap().to_owned();
    let (rich_id, wrong_id) = (id(&rich()), id(&named(1)));
    let prove = |id: &str, fields: &[&str]| {
        let mut rest = vec![id, "-o", &bundle];
        fields.iter().for_each(|field| rest.extend(["--field", field]));
        node.run("prove", &rest).ends(0);
    };
    for fields in [
        &[][..],
        &["/bizStep"],
        &["/quantityList/1/quantity", "/example:note", "/readPoint/id"],
        &["/bizLocation", "/ilmd"],
        &["/example:nothing"],
        &["/epcList/1"],
    ] {
        prove(&rich_id, fields);
        let report = compare(&bundle, Some(&trust), "holds");
        compare(&bundle, None, "consistent; log key not checked");
        if let (Some(report), []) = (report, fields) {
            assert_eq!(report["disclosed"][0]["value"]["eventID"], *rich_id);
        }
    }
    prove(&wrong_id, &[]);
    compare(&bundle, Some(&trust), "holds");

    let erased = ["--as", "Farm", &rich_id, "--class", "location"];
    node.run("erase", &erased).ends(0);
    prove(&rich_id, &[]);
    compare(&bundle, Some(&trust), "holds");

    let forger = Node::new();
    let theirs = forger.path("trust").display().to_string();
    forger.run("trust", &["-o", &theirs]).ends(0);
    compare(&bundle, Some(&theirs), "does not hold");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    compare(&bundle, Some(&trust), "does not hold");
}
