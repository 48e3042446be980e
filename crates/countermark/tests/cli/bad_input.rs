//! Input that cannot be taken: what is said, where, and that nothing of it is stored.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Node, Run, call, document, event, finish, ids, named};

/// Captures a file that must not be taken; gives its only rejection.
#[track_caller]
fn refused(content: impl AsRef<[u8]>, code: i32) -> Value {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let file = node.file("bad.json", content);
    let result = node.run("capture", &["--json", &file]).ends(code).json();
    assert_eq!(result["accepted"], json!([]), "{result}");
    // The person at the terminal is told the same, with and without --json, and by `validate`.
    let told = result["rejected"][0]["message"].as_str().unwrap().to_owned();
    node.run("capture", &["--json", &file]).ends(code).says(&told).says("bad.json");
    node.run("capture", &[&file]).ends(code).says(&told).says("bad.json");
    let validated = call(&["validate", "--json", &file]).ends(code).json();
    assert_eq!(validated["valid"], false);
    assert_eq!(validated["findings"][0]["message"], json!(told));
    assert_eq!(node.events("").len(), 1, "what was there is there");
    node.sound();
    result["rejected"][0].clone()
}

#[track_caller]
fn has(rejection: &Value, words: &[&str]) {
    let message = rejection["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[test]
fn a_truncated_document_is_refused_with_line_and_column() {
    let text = document(&[named(2), named(3)]).to_string();
    for cut in [1, text.len() / 2, text.len() - 1] {
        let rejection = refused(&text[..cut], 3);
        has(&rejection, &["line 1", "column"]);
        assert_eq!(rejection["rule"], "document.json");
    }
    has(&refused("", 3), &["line 1"]);
}

#[test]
fn a_huge_document_is_refused_by_its_size() {
    let mut text = document(&[named(2)]).to_string();
    text.push_str(&" ".repeat(64 * 1024 * 1024));
    let node = Node::new();
    let file = node.file("huge.json", &text);
    let result = node.run("capture", &["--json", &file]).ends(3).json();
    assert_eq!(result["rejected"][0]["rule"], "document.size");
    has(&result["rejected"][0], &[&text.len().to_string(), "67108864", "split it"]);
    // What is larger than anything that is read is not even brought into memory.
    let sparse = node.path("sparse.json");
    std::fs::File::create(&sparse).unwrap().set_len(8 << 30).unwrap();
    let sparse = sparse.display().to_string();
    node.run("capture", &[&sparse]).ends(3).says("sparse.json").says("8589934592 bytes");
    node.run("document add", &[&sparse]).ends(3).says("8589934592 bytes");
    call(&["verify", &sparse]).ends(3).says("8589934592 bytes");
}

#[test]
fn a_deeply_nested_document_is_refused_by_its_depth() {
    let deep = "[".repeat(100_000);
    has(&refused(&deep, 3), &["deep", "64"]);
    let mut nested = named(2);
    nested["example:deep"] =
        serde_json::from_str(&format!("{}1{}", "[".repeat(90), "]".repeat(90))).unwrap();
    has(&refused(document(&[nested]).to_string(), 3), &["deep", "64"]);
}

#[test]
fn a_wrong_encoding_is_refused_and_named() {
    let text = document(&[named(2)]).to_string().replace("shipping", "shippin\u{e9}");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    has(&refused(latin, 3), &["UTF-8"]);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    has(&refused([&[0xff, 0xfe][..], &wide].concat(), 3), &["UTF-"]);
    has(&refused([0u8; 64], 3), &["line 1"]);
}

#[test]
fn a_name_that_stands_twice_is_refused_with_its_place() {
    let text = document(&[named(2)]).to_string();
    let twice = text.replace("\"action\":", "\"action\":\"ADD\",\"action\":");
    has(&refused(twice, 3), &["action", "line 1"]);
}

#[test]
fn a_wrong_check_digit_is_refused_with_place_and_right_digit() {
    let mut wrong = named(3);
    wrong["epcList"] = json!(["https://id.gs1.org/01/09506000134353/21/1"]);
    let rejection = refused(document(&[named(2), wrong]).to_string(), 1);
    assert_eq!(rejection["pointer"], "/epcisBody/eventList/1/epcList/0");
    has(&rejection, &["09506000134353", "check digit is 3, expected 2"]);
}

#[test]
fn an_unknown_unit_is_refused_with_its_place() {
    let mut wrong = named(2);
    wrong["quantityList"] = json!([
        {"epcClass": "https://id.gs1.org/01/09506000134352/10/A", "quantity": 1, "uom": "crate"}
    ]);
    let rejection = refused(document(&[wrong]).to_string(), 1);
    assert_eq!(rejection["pointer"], "/epcisBody/eventList/0/quantityList/0/uom");
    has(&rejection, &["crate"]);
}

#[test]
fn a_time_without_zone_is_refused_with_its_place() {
    let mut wrong = named(2);
    wrong["eventTime"] = json!("2026-11-01T10:00:00");
    let rejection = refused(document(&[wrong]).to_string(), 1);
    assert_eq!(rejection["pointer"], "/epcisBody/eventList/0/eventTime");
    has(&rejection, &["zone"]);
    let mut missing = named(2);
    missing.as_object_mut().unwrap().remove("eventTimeZoneOffset");
    let rejection = refused(document(&[missing]).to_string(), 1);
    has(&rejection, &["eventTimeZoneOffset"]);
}

#[test]
fn the_same_event_twice_in_a_document_is_one_event_and_both_are_told() {
    let node = Node::new();
    let result = node.capture(&document(&[named(1), named(2), named(1)]));
    assert_eq!(ids(&result, "accepted").len(), 2);
    assert_eq!(ids(&result, "duplicates"), [named(1)["eventID"].as_str().unwrap()]);
    assert_eq!(node.events("").len(), 2);
    let mut other = named(3);
    other["bizStep"] = json!("receiving");
    let file = node.file("twice.json", document(&[named(3), other]).to_string());
    let result = node.run("capture", &["--json", &file]).ends(1).json();
    assert_eq!(result["rejected"][0]["pointer"], "/epcisBody/eventList/1");
    assert_eq!(node.events("").len(), 2, "neither of the two is taken");
}

#[test]
fn events_without_id_that_are_alike_stay_several() {
    let node = Node::new();
    let twins = document(&[event(1), event(1)]);
    assert_eq!(ids(&node.capture(&twins), "accepted").len(), 2);
    assert_eq!(ids(&node.capture(&twins), "duplicates").len(), 2);
    assert_eq!(node.events("").len(), 2);
}

#[test]
fn the_same_document_twice_is_one_set_of_events_under_any_name() {
    let node = Node::new();
    let text = document(&[event(1), named(2)]).to_string();
    let (one, two) = (node.file("one.json", &text), node.file("two.json", &text));
    let result = node.run("capture", &["--json", &one, &two]).ends(0).json();
    assert_eq!(ids(&result, "accepted"), ids(&result, "duplicates"));
    assert_eq!(node.events("").len(), 2);
}

#[test]
fn what_is_wrong_in_one_document_is_told_all_at_once() {
    let node = Node::new();
    let mut wrong = named(1);
    wrong["action"] = json!("SHIPPED");
    wrong["eventTime"] = json!("yesterday");
    let file = node.file("d.json", document(&[wrong.clone(), wrong]).to_string());
    let result = node.run("capture", &["--json", &file]).ends(1).json();
    let pointers: Vec<&Value> =
        result["rejected"].as_array().unwrap().iter().map(|one| &one["pointer"]).collect();
    for at in ["0/action", "0/eventTime", "1/action", "1/eventTime"] {
        assert!(pointers.contains(&&json!(format!("/epcisBody/eventList/{at}"))), "{result}");
    }
}

/// Runs a command that may not make a file longer than so many blocks of 512 bytes.
fn on_a_full_disk(node: &Node, blocks: u64, words: &[&str]) -> Run {
    let mut command = Command::new("sh");
    // An ignored signal stays ignored in the program: writes then fail with an error instead.
    command.args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh"]);
    command.arg(blocks.to_string()).arg(env!("CARGO_BIN_EXE_countermark"));
    command.arg(words[0]).arg("--data").arg(node.data()).args(&words[1..]);
    finish(&mut command)
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let node = Node::new();
    let first: Vec<Value> = (0..40).map(named).collect();
    node.capture(&document(&first));
    let mut more = first.clone();
    more.extend((1_000..1_400).map(event));
    let file = node.file("more.json", document(&more).to_string());
    let (mut failed, mut taken) = (0, false);
    // The limit reaches each store in turn: vault, journal and objects, state, index.
    for blocks in [4, 40, 80, 120, 160, 200, 260, 320, 400, 520, 700, 1_000, 1_600] {
        let run = on_a_full_disk(&node, blocks, &["capture", "--json", &file]);
        if run.code == 0 {
            taken = true;
        } else {
            assert!(run.code > 0 && !run.err.is_empty(), "{blocks}: {run:?}");
            assert!(!run.err.contains("panicked"), "{blocks}: {run:?}");
            failed += 1;
        }
        let events = node.events("").len();
        assert!(events == 440 || (events == 40 && !taken), "{blocks}: {events} events");
        node.sound();
    }
    assert!(failed >= 3, "only {failed} limits were met");
    let result = node.run("capture", &["--json", &file]).ends(0).json();
    assert_eq!(ids(&result, "accepted").len() + ids(&result, "duplicates").len(), 440);
    assert_eq!(node.events("").len(), 440);
    node.sound();
}

#[test]
fn a_full_disk_is_named_when_a_ledger_is_started_or_a_file_written() {
    let node = Node::empty();
    for blocks in [1, 4, 16, 64, 120] {
        let run = on_a_full_disk(&node, blocks, &["init", "--name", "Farm"]);
        assert!(run.code == 1 && !run.err.contains("panicked"), "{blocks}: {run:?}");
        assert!(run.err.contains("data/") || run.err.contains("log/"), "{blocks}: {run:?}");
        let left: Vec<_> = std::fs::read_dir(node.data()).unwrap().collect();
        assert!(left.is_empty(), "{blocks}: {left:?}");
    }
    node.run("init", &["--name", "Farm"]).ends(0);
    node.sound();
    let node = Node::new();
    let mut large = named(1);
    large["example:rows"] = (0..20_000).collect();
    node.capture(&document(&[large]));
    let out = node.path("bundle").display().to_string();
    let id = named(1)["eventID"].as_str().unwrap().to_owned();
    let run = on_a_full_disk(&node, 100, &["prove", &id, "-o", &out]);
    assert!(run.code > 0 && run.err.contains("bundle"), "{run:?}");
    assert!(!node.path("bundle").exists());
}
