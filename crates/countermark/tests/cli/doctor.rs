//! `doctor` on sound nodes and on real faults; completions and manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Node, Run, call, document, named, program};

fn examine(node: &Node, rest: &[&str]) -> Run {
    node.run("doctor", &[&["--json"], rest].concat())
}

#[track_caller]
fn check(run: &Run, name: &str) -> Value {
    let report = run.json();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name));
    found.unwrap_or_else(|| panic!("{report}")).clone()
}

#[track_caller]
fn is(run: &Run, name: &str, outcome: &str, words: &str) {
    let check = check(run, name);
    assert_eq!(check["outcome"], outcome, "{check}");
    assert!(check["says"].as_str().unwrap().contains(words), "{check}");
}

fn mode(node: &Node, path: &str, mode: u32) {
    fs::set_permissions(node.data().join(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_sound_node_has_no_failed_check_and_each_check_has_its_number() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let run = examine(&node, &[]).ends(0);
    let report = run.json();
    let checks = report["checks"].as_array().unwrap();
    for (at, check) in checks.iter().enumerate() {
        assert_eq!(check["number"], at + 1);
        let outcome = check["outcome"].as_str().unwrap();
        assert!(["ok", "warning"].contains(&outcome), "{check}");
        assert!(outcome == "ok" || !check["advice"].as_str().unwrap().is_empty(), "{check}");
    }
    is(&run, "log and clock", "ok", "4 entries");
    is(&run, "keys", "warning", "plain file");
    is(&run, "newest backup", "warning", "none was made");
    let words = node.run("doctor", &[]).ends(0).out;
    assert!(words.contains(" 1. program: ok"), "{words}");
    assert!(words.contains("0 failed, 0 skipped."), "{words}");
    let file = node.path("b").display().to_string();
    node.run("backup", &["-o", &file]).ends(0);
    is(&examine(&node, &[]), "newest backup", "ok", "0 min ago");
}

#[test]
fn what_builds_on_a_failed_check_is_skipped_and_says_because_of_which() {
    let empty = Node::empty();
    let run = examine(&empty, &[]).ends(1);
    is(&run, "data directory", "failed", "no data directory of a node");
    let skipped = check(&run, "formats");
    assert_eq!((&skipped["outcome"], &skipped["because"]), (&"skipped".into(), &2.into()));
    assert!(empty.run("doctor", &[]).ends(1).out.contains("skipped because 2 failed"));
    assert!(!empty.data().exists(), "looking makes nothing");
}

#[test]
fn open_keys_missing_keys_and_wrong_keys_fail() {
    let node = Node::new();
    mode(&node, "keys/key", 0o644);
    is(&examine(&node, &[]).ends(1), "keys", "failed", "keys/key has mode 644");
    mode(&node, "keys/key", 0o600);
    mode(&node, ".", 0o755);
    is(&examine(&node, &[]).ends(0), "data directory", "warning", "755");
    mode(&node, ".", 0o700);
    let key = node.data().join("keys/key");
    let right = fs::read(&key).unwrap();
    fs::write(&key, [1; 32]).unwrap();
    let run = examine(&node, &[]).ends(1);
    is(&run, "unlocking", "failed", "wrong passphrase or key file");
    assert_eq!(check(&run, "log and clock")["outcome"], "skipped");
    fs::remove_file(&key).unwrap();
    is(&examine(&node, &[]).ends(1), "keys", "failed", "is missing");
    fs::write(&key, right).unwrap();
    mode(&node, "keys/key", 0o600);
    examine(&node, &[]).ends(0);
}

#[test]
fn a_passphrase_is_better_than_a_key_file_and_must_be_given_to_look_inside() {
    let node = Node::empty();
    let word = node.file("word", "correct horse\n");
    node.run("init", &["--name", "Farm", "--passphrase-file", &word]).ends(0);
    is(&examine(&node, &["--passphrase-file", &word]).ends(0), "keys", "ok", "passphrase");
    is(&examine(&node, &[]).ends(1), "unlocking", "failed", "passphrase");
}

#[test]
fn damaged_stores_are_named() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let journal = node.data().join("log/journal");
    let right = fs::read(&journal).unwrap();
    let mut altered = right.clone();
    altered[20] ^= 1;
    fs::write(&journal, altered).unwrap();
    is(&examine(&node, &[]).ends(1), "log and clock", "failed", "log/journal");
    fs::write(&journal, right).unwrap();
    fs::write(node.data().join("state.db"), "no database").unwrap();
    is(&examine(&node, &[]).ends(1), "formats", "failed", "state.db is no database");
    fs::remove_file(node.data().join("state.db")).unwrap();
    is(&examine(&node, &[]).ends(0), "formats", "ok", "state is made on opening");
    fs::write(node.data().join("desk.db"), "no database at all, but long enough to be read")
        .unwrap();
    is(&examine(&node, &[]).ends(1), "formats", "failed", "desk.db");
    fs::remove_file(node.data().join("desk.db")).unwrap();
    is(&examine(&node, &[]).ends(1), "data directory", "failed", "desk.db");
}

#[test]
fn a_node_in_use_is_checked_as_far_as_can_be() {
    let node = Node::new();
    let lock = fs::File::open(node.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let run = examine(&node, &[]).ends(0);
    is(&run, "lock", "ok", "in use by a running server");
    is(&run, "formats", "ok", "desk");
    let names: Vec<Value> = run.json()["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert!(!names.contains(&"unlocking".into()), "{names:?}");
}

#[test]
fn a_restored_node_is_shown_to_be_read_only() {
    let node = Node::new();
    let file = node.path("b").display().to_string();
    node.run("backup", &["-o", &file, "--include-key-file"]).ends(0);
    fs::remove_dir_all(node.data()).unwrap();
    node.run("restore", &["--from", &file]).ends(0);
    let run = examine(&node, &[]).ends(0);
    is(&run, "standing", "warning", "read-only");
    assert!(check(&run, "standing")["advice"].as_str().unwrap().contains("--checkpoint"));
}

#[test]
fn certificates_are_looked_at_by_the_times_in_them() {
    let node = Node::new();
    let has_openssl = std::process::Command::new("openssl").arg("version").output().is_ok();
    let on_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(has_openssl || !on_ci, "openssl is not installed");
    if has_openssl {
        for (days, code, outcome, words) in [
            ("365", 0, "ok", "valid until"),
            ("5", 0, "warning", "left"),
            ("36500", 0, "ok", "valid until"),
        ] {
            let (key, cert) = (node.path("k.pem"), node.path("c.pem"));
            let made = std::process::Command::new("openssl")
                .args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=example.com"])
                .args(["-days", days, "-keyout"])
                .arg(&key)
                .arg("-out")
                .arg(&cert)
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            let run = examine(&node, &["--tls-cert", &cert.display().to_string()]).ends(code);
            is(&run, "certificate", outcome, words);
        }
    } else {
        eprintln!("skipped: openssl is not installed");
    }
    let text = node.file("text", "no certificate");
    is(&examine(&node, &["--tls-cert", &text]).ends(1), "certificate", "failed", "no certificate");
    is(
        &examine(&node, &["--tls-cert", "/no/file"]).ends(1),
        "certificate",
        "failed",
        "No such file",
    );
}

#[test]
fn completions_name_the_commands_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = call(&["completions", shell]).ends(0).out;
        for command in ["backup", "restore", "doctor", "quarantine"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    call(&["completions", "tcsh"]).ends(2);
    let script = call(&["completions", "bash"]).out;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), script).unwrap();
    let bash = std::process::Command::new("bash").arg("-n").arg(file.path()).output().unwrap();
    assert!(bash.status.success(), "{bash:?}");
}

#[test]
fn manual_pages_are_written_for_every_command_into_a_directory_that_exists() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    call(&["man", "--output", &at]).ends(0);
    for page in ["countermark.1", "countermark-backup.1", "countermark-member-add.1"] {
        let text = fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    assert!(call(&["man"]).ends(0).out.contains(".TH countermark 1"));
    call(&["man", "--output", "/no/such/dir"]).ends(2).says("make it first");
    assert!(program().arg("man").output().unwrap().status.success());
}
