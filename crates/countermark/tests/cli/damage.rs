//! Altered stores: what is wrong is found and named, and what is derived is made again.

use std::path::{Path, PathBuf};

use crate::support::{Node, Run, document, event, named};

/// A node with full tiles: so many small blocks that the log has more than 256 leaves.
fn node() -> Node {
    let node = Node::new();
    let files: Vec<String> = (0..140)
        .map(|i| node.file(&format!("{i}.json"), document(&[event(i)]).to_string()))
        .collect();
    let mut words: Vec<&str> = vec!["--json"];
    words.extend(files.iter().map(String::as_str));
    node.run("capture", &words).ends(0);
    node
}

fn relative(node: &Node, path: &Path) -> String {
    path.strip_prefix(node.data()).unwrap().display().to_string()
}

/// Turns a byte in the middle of a file over.
fn flip(path: &Path) -> Vec<u8> {
    let good = std::fs::read(path).unwrap();
    let mut bad = good.clone();
    let at = bad.len() / 2;
    bad[at] ^= 0x20;
    std::fs::write(path, &bad).unwrap();
    good
}

fn fsck(node: &Node) -> Run {
    node.run("fsck", &["--json"])
}

#[test]
fn an_altered_byte_in_log_object_or_vault_is_found_and_its_place_named() {
    let node = node();
    node.sound();
    let mut files: Vec<PathBuf> = Vec::new();
    for kind in ["log/tile/0", "log/tile/entries", "log/objects", "vault"] {
        let of_kind = node.files(kind);
        assert!(!of_kind.is_empty(), "there is no {kind}");
        files.extend(of_kind.into_iter().take(3));
    }
    files.push(node.data().join("log/journal"));
    files.push(node.data().join("log/checkpoint"));
    for path in files {
        let place = relative(&node, &path);
        let good = flip(&path);
        let run = fsck(&node);
        assert!(run.code == 1 || run.code == 2, "{place}: {run:?}");
        assert!(!run.err.contains("panicked"), "{place}: {run:?}");
        let told = run.out.clone() + &run.err;
        let named = told.contains(&place)
            || place.starts_with("vault/") && told.contains("vault")
            || told.contains(place.rsplit('/').next().unwrap());
        assert!(named, "{place} is not named: {told}");
        std::fs::write(&path, good).unwrap();
        node.sound();
    }
}

#[test]
fn a_missing_object_or_vault_segment_is_found() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    for kind in ["log/objects", "vault"] {
        let path = node.files(kind).remove(0);
        let away = node.path("away");
        std::fs::rename(&path, &away).unwrap();
        let run = fsck(&node);
        assert!(run.code == 1, "{kind}: {run:?}");
        std::fs::rename(&away, &path).unwrap();
        node.sound();
    }
}

/// Overwrites the pages of a database from the second on, or its first bytes.
fn spoil(path: &Path, from: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[from..].iter_mut().for_each(|byte| *byte = 0xaa);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_altered_database_is_named_with_what_to_do() {
    let node = Node::new();
    node.capture(&document(&[named(1), named(2)]));
    for (name, advice) in [("index.db", "index rebuild"), ("state.db", "delete")] {
        for from in [0, 4096] {
            let path = node.data().join(name);
            let good = std::fs::read(&path).unwrap();
            spoil(&path, from);
            let report = fsck(&node).ends(1).json();
            let faults = report["faults"].to_string();
            assert!(faults.contains(name) && faults.contains(advice), "{name}, {from}: {faults}");
            let opened = node.run("events", &["--json"]);
            let file = node.file("more.json", document(&[named(3)]).to_string());
            let captured = node.run("capture", &[&file]);
            for run in [&opened, &captured] {
                let refuses = run.code == 1 && run.err.contains(name) && run.err.contains(advice);
                let unharmed = run.code == 0;
                assert!(refuses || unharmed, "{name}, {from}: {run:?}");
            }
            assert!(opened.code == 1 || captured.code == 1, "{name}, {from} is not noticed");
            // A state or index that is missing is made again from log and vault.
            std::fs::write(&path, good).unwrap();
            std::fs::remove_file(&path).unwrap();
            node.sound_after_opening();
        }
    }
}

#[test]
fn an_altered_index_is_made_again_as_the_message_says() {
    let node = Node::new();
    node.capture(&document(&[named(1), named(2)]));
    let before = node.run("events", &["--json"]).ends(0).out;
    spoil(&node.data().join("index.db"), 0);
    node.run("events", &["--json"]).ends(1).says("index rebuild");
    node.run("index rebuild", &[]).ends(0);
    assert_eq!(node.run("events", &["--json"]).ends(0).out, before);
    node.sound();
}

#[test]
fn a_spoiled_desk_is_named() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    spoil(&node.data().join("desk.db"), 0);
    node.run("events", &["--json"]).ends(1).says("desk.db");
}

#[test]
fn altered_or_missing_keys_are_named_and_nothing_is_changed() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    for name in ["keys/secrets", "keys/key"] {
        let path = node.data().join(name);
        let good = flip(&path);
        let run = node.run("events", &["--json"]);
        assert!(run.code > 0 && run.err.contains("keys"), "{name}: {run:?}");
        std::fs::write(&path, good).unwrap();
        assert_eq!(node.events("").len(), 1);
    }
    std::fs::remove_file(node.data().join("keys/secrets")).unwrap();
    let run = node.run("events", &["--json"]);
    assert!(run.code > 0 && run.err.contains("keys/secrets"), "{run:?}");
}

#[test]
fn a_log_cut_back_to_an_older_copy_is_noticed() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let old = node.path("old");
    copy(&node.data().join("log"), &old);
    node.capture(&document(&[named(2)]));
    std::fs::remove_dir_all(node.data().join("log")).unwrap();
    copy(&old, &node.data().join("log"));
    let run = node.run("events", &["--json"]);
    assert!(run.code == 1 && run.err.contains("log"), "{run:?}");
    fsck(&node).ends(1);
}

fn copy(from: &Path, to: &Path) {
    let mut files = Vec::new();
    crate::support::walk(from, &mut files);
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}

impl Node {
    /// Opening makes again what is missing; then everything holds.
    #[track_caller]
    fn sound_after_opening(&self) {
        self.run("events", &["--json"]).ends(0);
        self.sound();
    }
}
