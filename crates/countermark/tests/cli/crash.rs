//! Killed in the middle of a capture: what was acknowledged is there, the rest can be given again.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Node, document, event, ids};

fn event_ids(node: &Node) -> Vec<String> {
    let all = node.events("");
    all.iter().map(|event| event["eventID"].as_str().unwrap().to_owned()).collect()
}

/// Starts a capture and kills it after so many milliseconds; gives what it had printed.
fn killed_after(node: &Node, milliseconds: u64, files: &[String]) -> String {
    let words: Vec<&str> =
        std::iter::once("--json").chain(files.iter().map(String::as_str)).collect();
    let mut command = node.command("capture", &words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    // It may have ended already.
    let _ended = child.kill();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_large_capture_killed_at_many_moments_completes_without_doubles() {
    const EVENTS: usize = 12_000;
    let node = Node::new();
    // Half of them bring no id of their own.
    let events: Vec<Value> = (0..EVENTS)
        .map(|i| {
            let mut event = event(i);
            if i % 2 == 0 {
                event["eventID"] = format!("urn:uuid:5b6f0c9a-0001-4000-8000-{i:012}").into();
            }
            event
        })
        .collect();
    let file = node.file("large.json", document(&events).to_string());
    let mut acknowledged = BTreeSet::new();
    for milliseconds in [5, 60, 150, 300, 450, 600, 800, 1_000] {
        let printed = killed_after(&node, milliseconds, std::slice::from_ref(&file));
        if let Ok(result) = serde_json::from_str::<Value>(&printed) {
            acknowledged.extend(ids(&result, "accepted"));
        }
        let there: BTreeSet<String> = event_ids(&node).into_iter().collect();
        assert!(acknowledged.is_subset(&there), "after {milliseconds} ms");
        node.sound();
    }
    let result = node.run("capture", &["--json", &file]).ends(0).json();
    assert_eq!(ids(&result, "accepted").len() + ids(&result, "duplicates").len(), EVENTS);
    let there = event_ids(&node);
    assert_eq!(there.len(), EVENTS);
    assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), EVENTS, "an id stands twice");
    let again = node.run("capture", &["--json", &file]).ends(0).json();
    assert_eq!(ids(&again, "duplicates").len(), EVENTS);
    node.sound();
}

#[test]
fn what_a_small_capture_acknowledged_survives_the_death_of_the_next() {
    let node = Node::new();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..12 {
        let sure = node.capture(&document(&[event(round * 10)]));
        acknowledged.extend(ids(&sure, "accepted"));
        let files: Vec<String> = (1..6)
            .map(|i| {
                let one = document(&[event(round * 10 + i)]).to_string();
                node.file(&format!("{round}-{i}.json"), one)
            })
            .collect();
        let printed = killed_after(&node, 4 + 9 * round as u64, &files);
        if let Ok(result) = serde_json::from_str::<Value>(&printed) {
            acknowledged.extend(ids(&result, "accepted"));
        }
        let there: BTreeSet<String> = event_ids(&node).into_iter().collect();
        assert!(acknowledged.iter().all(|id| there.contains(id)), "round {round}");
    }
    node.sound();
}

#[test]
fn a_killed_erasure_is_finished_or_can_be_asked_for_again() {
    let node = Node::new();
    let events: Vec<Value> = (0..12).map(event).collect();
    let accepted = ids(&node.capture(&document(&events)), "accepted");
    for (round, id) in accepted.iter().enumerate() {
        let mut child = node.command("erase", &[id]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(3 + 3 * round as u64));
        let _ended = child.kill();
        child.wait().unwrap();
        // What was erased before it was killed has no id any more.
        let again = node.run("erase", &[id]);
        if again.code != 0 {
            again.ends(1).says("no member of this node has an event");
        }
        let left = event_ids(&node);
        assert!(!left.contains(id), "round {round}");
        // Not only hidden: a new index made from the vault does not find it either.
        node.run("index rebuild", &[]).ends(0);
        assert_eq!(event_ids(&node), left, "round {round}");
    }
    node.sound();
}

#[test]
fn a_start_that_was_cut_short_is_told_from_a_ledger() {
    for milliseconds in [2, 6, 12, 20, 30, 45, 70] {
        let node = Node::empty();
        let mut command = node.command("init", &["--name", "Farm"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ended = child.kill();
        child.wait().unwrap();
        let run = node.run("capture", &[&node.file("d.json", document(&[event(1)]).to_string())]);
        if run.code == 0 {
            node.sound();
            continue;
        }
        assert!(run.code == 1 || run.code == 2, "{run:?}");
        let said = ["init", "keys/"].iter().any(|words| run.err.contains(words));
        assert!(said, "after {milliseconds} ms: {run:?}");
        // Nothing was acknowledged, so the directory may be emptied.
        if node.data().exists() {
            std::fs::remove_dir_all(node.data()).unwrap();
        }
        node.run("init", &["--name", "Farm"]).ends(0);
    }
}
