//! Backup and restore, with the data directory destroyed in between; the rule of the restored node;
//! archives that are truncated, altered or of something else.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::support::{ID, Node, Run, call, document, finish, named, program, rich, walk};

/// `countermark restore --data DIR …` for the node's directory.
fn restore(node: &Node, words: &[&str]) -> Run {
    node.run("restore", words)
}

fn archive(node: &Node, name: &str) -> String {
    let file = node.path(name).display().to_string();
    node.run("backup", &["-o", &file, "--include-key-file"]).ends(0);
    file
}

fn checkpoint(node: &Node, name: &str) -> String {
    let file = node.path(name).display().to_string();
    node.run("log", &["checkpoint", "-o", &file]).ends(0);
    file
}

fn destroy(node: &Node) {
    fs::remove_dir_all(node.data()).unwrap();
}

fn prove(node: &Node, serial: usize, name: &str) -> String {
    let file = node.path(name).display().to_string();
    node.run("prove", &[&format!("{ID}{serial:02}"), "-o", &file]).ends(0);
    file
}

fn trust(node: &Node, name: &str) -> String {
    let file = node.path(name).display().to_string();
    node.run("trust", &["-o", &file]).ends(0);
    file
}

fn capture_refused(node: &Node, serial: usize) -> Run {
    let file = node.file("more.json", document(&[named(serial)]).to_string());
    node.run("capture", &[&file])
}

/// A node with two members, events, an erased class, a kept document and master data.
fn story() -> Node {
    let node = Node::new();
    node.run("member add", &["Mill"]).ends(0);
    node.capture(&document(&[named(1), named(2), rich()]));
    let file = node.file("mill.json", document(&[named(3)]).to_string());
    node.run("capture", &["--as", "Mill", &file]).ends(0);
    let id = format!("{ID}99");
    node.run("erase", &[&id, "--class", "quantity"]).ends(0);
    node.run("key rotate", &["--as", "Mill"]).ends(0);
    node
}

/// Puts an archive together again with one of its files changed, renamed or left out.
fn rewritten(from: &str, to: &Path, change: impl Fn(&str, Vec<u8>) -> Option<(String, Vec<u8>)>) {
    let mut archive = tar::Archive::new(zstd::Decoder::new(fs::File::open(from).unwrap()).unwrap());
    let encoder = zstd::Encoder::new(fs::File::create(to).unwrap(), 1).unwrap();
    let mut builder = tar::Builder::new(encoder);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let Some((path, bytes)) = change(&path, bytes) else { continue };
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // `set_path` refuses names such as `../x`, which an attacker would not ask about.
        let name = header.as_gnu_mut().unwrap();
        name.name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_mode(0o600);
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

#[test]
fn a_destroyed_node_comes_back_read_only_and_writes_when_shown_the_newest_checkpoint() {
    let node = story();
    let document_file = node.file("certificate.pdf", vec![7u8; 5_000]);
    let kept = node.run("document add", &["--json", &document_file]).ends(0).json();
    let before = node.events("");
    let file = archive(&node, "backup.tar.zst");
    let newest = checkpoint(&node, "newest.checkpoint");
    let trust = trust(&node, "trust.txt");
    let shown = prove(&node, 1, "before.cmb");
    destroy(&node);

    let restored = restore(&node, &["--from", &file, "--json"]).ends(0).json();
    assert_eq!(restored["standing"], "readOnly");
    assert_eq!(node.events(""), before);
    capture_refused(&node, 50).ends(2).says("this node is read-only").says("--checkpoint");
    let again = prove(&node, 2, "after.cmb");
    for bundle in [&shown, &again] {
        call(&["verify", bundle, "--trust", &trust]).ends(0);
    }
    let out = node.path("out.pdf").display().to_string();
    let id = kept["documentID"].as_str().unwrap();
    node.run("document get", &[id, "-o", &out]).ends(0);
    assert_eq!(fs::read(&out).unwrap(), vec![7u8; 5_000]);
    node.sound();

    restore(&node, &["--checkpoint", &newest]).ends(0);
    node.capture(&document(&[named(50)]));
    assert_eq!(node.events("").len(), before.len() + 1);
    node.sound();
    restore(&node, &["--checkpoint", &newest]).ends(2).says("not read-only");
}

#[test]
fn every_command_that_writes_is_refused_by_a_restored_node() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);
    let id = format!("{ID}01");
    let classes = node.file("classes.toml", "[extensions]\n\"example:price\" = \"cost\"\n");
    let master = node.file("master.toml", "");
    let csv = node.file("a.csv", "a,b\n1,2\n");
    let before: Vec<_> = node.events("");
    let calls: [(&str, Vec<&str>); 11] = [
        ("member add", vec!["Bakery"]),
        ("member suspend", vec!["Mill"]),
        ("key rotate", vec![]),
        ("key register", vec![]),
        ("endorse", vec![&id]),
        ("erase", vec![&id]),
        ("classes", vec![&classes]),
        ("master-data", vec![&master]),
        ("document add", vec![&csv]),
        ("import", vec!["--mapping", "csv-harvest", &csv]),
        ("confirm-clock", vec![]),
    ];
    for (command, rest) in calls {
        node.run(command, &rest).ends(2).says("this node is read-only: it was restored");
    }
    assert_eq!(node.events(""), before);
    assert_eq!(node.run("member list", &["--json"]).json().as_array().unwrap().len(), 2);
    node.sound();
}

#[test]
fn lost_entries_are_counted_and_a_declared_loss_begins_a_log_that_names_the_old_one() {
    let node = story();
    let file = archive(&node, "backup.tar.zst");
    node.capture(&document(&[named(4)]));
    node.capture(&document(&[named(5)]));
    let newest = checkpoint(&node, "newest.checkpoint");
    let old_trust = trust(&node, "old-trust.txt");
    let old_bundle = prove(&node, 1, "old.cmb");
    destroy(&node);

    // Two captures: two blocks, each a header and a statement.
    restore(&node, &["--from", &file, "--checkpoint", &newest])
        .ends(1)
        .says("4 entries are lost")
        .says("stays read-only");
    capture_refused(&node, 4).ends(2);
    let origin = node.run("restore", &["--declare-loss", "--json"]).ends(0).json();
    assert_eq!(origin["standing"], "writing");

    // The new log: both members, no records, and it writes.
    assert_eq!(node.events("").len(), 0);
    let members = node.run("member list", &["--json"]).ends(0).json();
    let names: Vec<&str> =
        members.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Farm", "Mill"]);
    node.capture(&document(&[named(1), named(4)]));
    let mill = node.file("mill.json", document(&[named(6)]).to_string());
    node.run("capture", &["--as", "Mill", &mill]).ends(0);
    node.sound();
    let new_trust = trust(&node, "new-trust.txt");
    let new_bundle = prove(&node, 1, "new.cmb");
    assert_ne!(fs::read(&old_trust).unwrap(), fs::read(&new_trust).unwrap());

    // Old proofs with the old policy, new ones with the new, and never crosswise.
    call(&["verify", &old_bundle, "--trust", &old_trust]).ends(0);
    call(&["verify", &new_bundle, "--trust", &new_trust]).ends(0);
    call(&["verify", &old_bundle, "--trust", &new_trust]).ends(1);
    call(&["verify", &new_bundle, "--trust", &old_trust]).ends(1);

    // The old log is read and proven where it lies, and takes nothing more.
    let previous = node.data().join("previous").display().to_string();
    let old = |command: &str, rest: &[&str]| {
        let words = [&command.split(' ').collect::<Vec<_>>()[..], &["--data", &previous], rest];
        call(&words.concat())
    };
    let events = old("events", &["--json"]).ends(0).json();
    assert_eq!(events.as_array().unwrap().len(), 4);
    let late = node.path("late.cmb").display().to_string();
    old("prove", &[&format!("{ID}02"), "-o", &late]).ends(0);
    call(&["verify", &late, "--trust", &old_trust]).ends(0);
    old("fsck", &[]).ends(0);
    old("member add", &["Bakery"]).ends(2).says("follows it");
    old("restore", &["--checkpoint", &newest]).ends(2).says("read-only");
    old("restore", &["--declare-loss"]).ends(2).says("read-only");

    // The genesis of the new log names the head of the old one, which the backup's log had.
    let entries = node.path("entries").display().to_string();
    node.run("log", &["tile/entries/000.p/2", "-o", &entries]).ends(0);
    let bytes = fs::read(&entries).unwrap();
    let checkpoint = fs::read_to_string(&newest).unwrap();
    let origin = checkpoint.lines().next().unwrap().as_bytes();
    assert!(bytes.windows(origin.len()).any(|window| window == origin));
}

#[test]
fn a_backup_after_a_declared_loss_brings_the_old_log_back_too() {
    let node = story();
    let file = archive(&node, "first");
    destroy(&node);
    restore(&node, &["--from", &file, "--declare-loss"]).ends(0);
    node.capture(&document(&[named(7)]));
    let file = archive(&node, "second");
    let newest = checkpoint(&node, "newest");
    destroy(&node);
    restore(&node, &["--from", &file, "--checkpoint", &newest]).ends(0);
    assert_eq!(node.events("").len(), 1);
    let previous = node.data().join("previous").display().to_string();
    let events = call(&["events", "--data", &previous, "--json"]).ends(0).json();
    assert_eq!(events.as_array().unwrap().len(), 4);
    call(&["fsck", "--data", &previous]).ends(0);
    node.sound();
}

#[test]
fn a_checkpoint_of_another_log_of_another_history_or_too_old_lets_nothing_write() {
    let node = story();
    let old = checkpoint(&node, "old");
    node.capture(&document(&[named(8)]));
    let file = archive(&node, "b");
    let newest = checkpoint(&node, "newest");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);

    restore(&node, &["--checkpoint", &old]).ends(1).says("is not the newest one known");
    let other = Node::new();
    let foreign = checkpoint(&other, "foreign");
    restore(&node, &["--checkpoint", &foreign]).ends(1).says("does not fit the log");
    let text = fs::read_to_string(&newest).unwrap();
    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
    for (altered, words) in [
        (text.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1), "not signed"),
        (text.replace("— ", "- "), "checkpoint"),
        (String::new(), "checkpoint"),
    ] {
        let altered = node.file("altered", altered);
        let run = restore(&node, &["--checkpoint", &altered]);
        assert!([1, 3].contains(&run.code), "{run:?}");
        run.says(words);
    }
    restore(&node, &["--checkpoint", "/no/such/file"]).ends(3);
    capture_refused(&node, 9).ends(2);
    restore(&node, &["--checkpoint", &newest]).ends(0);
    node.capture(&document(&[named(9)]));
}

#[test]
fn two_logs_under_one_key_are_found_out() {
    let node = story();
    let file = archive(&node, "b");
    // The original goes on one way, a restored twin another.
    node.capture(&document(&[named(10)]));
    let seen = checkpoint(&node, "seen");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);
    // As an operator would who silences the rule: the desk is asked, so the desk is altered.
    let before = archive(&node, "again");
    destroy(&node);
    restore(&node, &["--from", &before]).ends(0);
    let own = checkpoint(&node, "own");
    restore(&node, &["--checkpoint", &own]).ends(0);
    node.capture(&document(&[named(11)]));
    let file = archive(&node, "forked");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);
    restore(&node, &["--checkpoint", &seen]).ends(1).says("another history");
    capture_refused(&node, 12).ends(2);
}

#[test]
fn the_archive_says_what_it_is_and_standard_tools_read_it() {
    let node = story();
    let file = node.path("backup.tar.zst").display().to_string();
    let run = node.run("backup", &["-o", &file, "--keys-expire-days", "7", "--json"]).ends(0);
    assert!(run.err.contains("NOT in the archive"), "{}", run.err);
    let report = run.json();
    assert_eq!(report["keysOpenWith"], "key file, not in this archive");
    let mut found = Vec::new();
    let mut archive =
        tar::Archive::new(zstd::Decoder::new(fs::File::open(&file).unwrap()).unwrap());
    let mut about = Value::Null;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if path == "countermark-backup.json" {
            about = serde_json::from_reader(&mut entry).unwrap();
        }
        assert_eq!(entry.header().mode().unwrap(), 0o600, "{path}");
        found.push(path);
    }
    assert_eq!(about["size"], report["size"]);
    assert_eq!(about["checkpoint"], report["checkpoint"]);
    let week = 7 * 24 * 3_600 * 1_000;
    let made = about["madeAtMs"].as_u64().unwrap();
    assert_eq!(about["keysExpireAtMs"].as_u64().unwrap(), made + week);
    assert_eq!(found.first().unwrap(), "countermark-backup.json");
    assert_eq!(found.last().unwrap(), "manifest.json");
    for never in ["keys/key", "state.db", "index.db", "lock"] {
        assert!(!found.iter().any(|path| path == never), "{never}");
    }
    for part in ["keys/secrets", "desk.db", "log/journal"] {
        assert!(found.iter().any(|path| path == part), "{part}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let beside: Vec<String> = fs::read_dir(node.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".part"))
        .collect();
    assert_eq!(beside, [] as [String; 0]);
    node.run("backup", &["-o", &file]).ends(2).says("replaces nothing");
}

#[test]
fn without_its_key_file_a_restored_node_does_not_open_and_with_it_it_does() {
    let node = story();
    let file = node.path("b").display().to_string();
    let key = node.path("kept-key").display().to_string();
    fs::copy(node.data().join("keys/key"), &key).unwrap();
    node.run("backup", &["-o", &file]).ends(0);
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0).says("put it at");
    node.run("events", &[]).ends(1).says("keys/key");
    destroy(&node);
    restore(&node, &["--from", &file, "--key-file", &key]).ends(0);
    assert_eq!(node.events("").len(), 4);
}

#[test]
fn a_passphrase_locks_the_keys_in_the_archive_as_on_disk() {
    let node = Node::empty();
    let word = node.file("word", "correct horse\n");
    node.run("init", &["--name", "Farm", "--passphrase-file", &word]).ends(0);
    let file = node.path("b").display().to_string();
    let run = node.run("backup", &["-o", &file, "--passphrase-file", &word]).ends(0);
    assert_eq!(run.err, "");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);
    node.run("events", &["--passphrase-file", &node.file("other", "wrong\n")]).ends(2);
    node.run("events", &["--passphrase-file", &word]).ends(0);
    restore(&node, &["--declare-loss"]).ends(2).says("passphrase");
    restore(&node, &["--declare-loss", "--passphrase-file", &word]).ends(0);
    let capture = node.file("a.json", document(&[named(1)]).to_string());
    node.run("capture", &["--passphrase-file", &word, &capture]).ends(0);
}

#[test]
fn an_archive_whose_keys_have_expired_is_refused_unless_told_otherwise() {
    let node = story();
    let file = archive(&node, "b");
    let expired = node.path("expired");
    // What makes it old is in its first file; the digest of that at its end is checked later.
    rewritten(&file, &expired, |path, bytes| {
        if path != "countermark-backup.json" {
            return Some((path.to_owned(), bytes));
        }
        let mut about: Value = serde_json::from_slice(&bytes).unwrap();
        about["keysExpireAtMs"] = 1_600_000_000_000u64.into();
        Some((path.to_owned(), serde_json::to_vec_pretty(&about).unwrap()))
    });
    let expired = expired.display().to_string();
    destroy(&node);
    restore(&node, &["--from", &expired]).ends(1).says("expired on");
    assert!(!node.data().exists());
    restore(&node, &["--from", &expired, "--accept-expired-keys"])
        .ends(3)
        .says("countermark-backup.json was altered");
    restore(&node, &["--from", &file]).ends(0);
}

#[test]
fn a_truncated_or_altered_archive_is_refused_by_part_and_leaves_nothing() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    let whole = fs::read(&file).unwrap();
    for end in [0, 3, 40, whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        let cut = node.file("cut", &whole[..end]);
        let run = restore(&node, &["--from", &cut]).ends(3);
        assert!(run.err.contains("cut"), "{}", run.err);
        assert!(walk_all(&node).is_empty(), "{end}: {:?}", walk_all(&node));
    }
    for at in (30..whole.len()).step_by(whole.len() / 20) {
        let mut altered = whole.clone();
        altered[at] ^= 0x20;
        let altered = node.file("altered", altered);
        restore(&node, &["--from", &altered]).ends(3);
        assert!(walk_all(&node).is_empty(), "{at}");
    }
    restore(&node, &["--from", &file]).ends(0);
}

fn walk_all(node: &Node) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    walk(&node.data(), &mut found);
    found.retain(|path| !path.ends_with("lock"));
    found
}

#[test]
fn each_part_that_was_exchanged_is_named() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    for part in ["keys/secrets", "desk.db", "vault/", "log/objects/", "log/journal"] {
        let to = node.path("changed");
        let mut done = std::cell::Cell::new(false);
        rewritten(&file, &to, |path, mut bytes| {
            if path.starts_with(part) && !done.replace(true) {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Some((path.to_owned(), bytes))
        });
        assert!(done.get_mut().to_owned(), "{part}");
        let run = restore(&node, &["--from", &to.display().to_string()]).ends(3);
        let name = part.split('/').next().unwrap().replace(".db", "");
        assert!(run.err.contains(&format!("part {name}")), "{part}: {}", run.err);
        assert!(run.err.contains("is not what its listing says"), "{part}: {}", run.err);
        assert!(walk_all(&node).is_empty());
    }
    // A listing made to fit is found out by the manifest; a file left out, by its listing.
    let to = node.path("listing");
    rewritten(&file, &to, |path, bytes| {
        (!path.starts_with("log/objects/")).then(|| (path.to_owned(), bytes))
    });
    restore(&node, &["--from", &to.display().to_string()]).ends(3).says("part log");
    let to = node.path("no-manifest");
    rewritten(&file, &to, |path, bytes| {
        (path != "manifest.json").then(|| (path.to_owned(), bytes))
    });
    restore(&node, &["--from", &to.display().to_string()]).ends(3).says("manifest.json");
}

#[test]
fn names_that_lead_out_of_the_directory_are_refused() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    for name in
        ["../outside", "/tmp/outside-countermark", "log/../../outside", "state.db", "log/.x"]
    {
        let to = node.path("hostile");
        rewritten(&file, &to, |path, bytes| {
            let path = if path == "log/journal" { name } else { path };
            Some((path.to_owned(), bytes))
        });
        restore(&node, &["--from", &to.display().to_string()])
            .ends(3)
            .says("does not belong there");
        assert!(!node.path("outside").exists());
        assert!(walk_all(&node).is_empty());
    }
}

#[test]
fn what_is_no_backup_is_said_to_be_none_and_a_full_directory_is_left_alone() {
    let node = story();
    let file = archive(&node, "b");
    let other = Node::empty();
    for (name, bytes) in [("text", b"hello, this is text".to_vec()), ("empty", Vec::new())] {
        let foreign = other.file(name, bytes);
        restore(&other, &["--from", &foreign]).ends(3).says("no backup of a node");
    }
    let zst = other.file("z", zstd::encode_all(&b"no tar at all"[..], 1).unwrap());
    restore(&other, &["--from", &zst]).ends(3).says("no backup of a node");
    restore(&other, &["--from", "/no/such/file"]).ends(3);
    assert!(!other.data().exists());
    restore(&node, &["--from", &file]).ends(2).says("not empty");
    fs::create_dir(other.data()).unwrap();
    fs::write(other.data().join("mine"), "mine").unwrap();
    restore(&other, &["--from", &file]).ends(2).says("not empty");
    assert_eq!(fs::read(other.data().join("mine")).unwrap(), b"mine");
    restore(&other, &[]).ends(2);
    restore(&other, &["--from", &file, "--checkpoint", &file, "--declare-loss"]).ends(2);
    restore(&node, &["--declare-loss"]).ends(2).says("not read-only");
    node.sound();
}

#[test]
fn a_restore_that_was_cut_short_is_named_and_can_be_done_again() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    restore(&node, &["--from", &file]).ends(0);
    // As after a crash between the names: all but the keys moved.
    fs::create_dir(node.data().join("restoring")).unwrap();
    fs::rename(node.data().join("keys"), node.data().join("restoring/keys")).unwrap();
    node.run("events", &[]).ends(2).says("a restore was cut short here");
    restore(&node, &["--from", &file]).ends(0);
    assert_eq!(node.events("").len(), 4);
    node.sound();
}

#[test]
fn a_declared_loss_that_was_cut_short_goes_on_where_it_was() {
    let node = story();
    let file = archive(&node, "b");
    destroy(&node);
    restore(&node, &["--from", &file, "--declare-loss"]).ends(0);
    // Back to the state after the old names went and `previous` came, the new ones not yet.
    let (data, fresh) = (node.data(), node.data().join("renewing"));
    fs::create_dir(&fresh).unwrap();
    for name in ["keys", "desk.db", "log", "vault", "state.db", "index.db"] {
        fs::rename(data.join(name), fresh.join(name)).unwrap();
    }
    fs::write(fresh.join("ready"), "origin").unwrap();
    node.run("events", &[]).ends(2).says("--declare-loss` again");
    restore(&node, &["--declare-loss"]).ends(0);
    assert!(!fresh.exists());
    node.capture(&document(&[named(1)]));
    let previous = data.join("previous").display().to_string();
    let events = call(&["events", "--data", &previous, "--json"]).ends(0).json();
    assert_eq!(events.as_array().unwrap().len(), 4);
    node.sound();
}

#[test]
fn a_killed_backup_leaves_no_archive_of_that_name() {
    let node = Node::new();
    for round in 0..20 {
        let events: Vec<Value> = (0..100).map(|i| crate::support::event(round * 100 + i)).collect();
        node.capture(&document(&events));
    }
    let file = node.path("b");
    let mut child = program()
        .args(["backup", "--data"])
        .arg(node.data())
        .arg("-o")
        .arg(&file)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let part = node.path("b.part");
    while !part.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Either it was killed in time and there is none, or it was quick and the archive is whole.
    let name = file.display().to_string();
    if !file.exists() {
        finish(program().args(["backup", "--data"]).arg(node.data()).args(["-o", &name])).ends(0);
    }
    let key = node.path("key").display().to_string();
    fs::copy(node.data().join("keys/key"), &key).unwrap();
    destroy(&node);
    restore(&node, &["--from", &name, "--key-file", &key]).ends(0);
    assert_eq!(node.run("fsck", &["--json"]).json()["sound"], true);
    node.run("backup", &["-o", &node.path("c").display().to_string()]).ends(0);
}
