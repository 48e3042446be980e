//! Files of another node, another member or another time in the place of the right ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use countermark_ledger::bundle::Bundle;
use countermark_ledger::ids::hex;
use countermark_store::disk::{Disk, FrozenDisk};
use countermark_store::log_store::LogStore;

use super::{Lab, ORIGIN, capture, capture_ids, document, event, ids};
use crate::keyring::{KeyringError, Unlock};
use crate::node::KEYS_FOLDER;
use crate::stores::{INDEX_FILE, STATE_FILE};

type Files = BTreeMap<String, Vec<u8>>;

fn disk_of(files: &Files) -> FrozenDisk {
    let disk = FrozenDisk::new();
    for (path, bytes) in files {
        disk.append(path, bytes).unwrap();
        disk.sync(path).unwrap();
    }
    disk
}

/// Those of the first whose path does not start with this, and those of the second that do.
fn with(files: &Files, other: &Files, prefix: &str) -> Files {
    let ours = files.iter().filter(|(path, _)| !path.starts_with(prefix));
    let theirs = other.iter().filter(|(path, _)| path.starts_with(prefix));
    ours.chain(theirs).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

fn refusal(lab: &Lab) -> String {
    match lab.open() {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_vault_of_another_member_in_the_place_of_ones_own_is_refused() {
    let mut lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    capture_ids(&node, &["urn:x:1"]);
    capture(&node, "Mill", &document(&[event(Some("urn:x:2"), 2)]));
    let members = &node.secrets().members.clone();
    let (farm, mill) = (hex(&members[0].id), hex(&members[1].id));
    drop(node);
    let swap = |path: &String| {
        if path.contains(&farm) { path.replace(&farm, &mill) } else { path.replace(&mill, &farm) }
    };
    let swapped: Files = lab.disk.files().iter().map(|(p, b)| (swap(p), b.clone())).collect();
    lab.disk = disk_of(&swapped);
    let text = refusal(&lab);
    assert!(text.contains("daykeys: wrong passphrase or key"), "{text}");
    let vaults = |files: &Files| with(&Files::new(), files, "vault/");
    assert!(vaults(&lab.disk.files()) == vaults(&swapped), "the vaults were changed");
}

#[test]
fn an_older_log_under_newer_databases_is_refused_and_not_cut() {
    let mut lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:1"]);
    drop(node);
    let older = lab.disk.files();
    let node = lab.open().unwrap();
    capture_ids(&node, &["urn:x:2"]);
    drop(node);
    let newer = lab.disk.files();
    lab.disk = disk_of(&with(&newer, &older, "log/"));
    let text = refusal(&lab);
    assert!(text.contains("the log was restored from an older copy or cut off"), "{text}");
    assert!(text.contains("it ends at block 1, but state or index know of block 2"), "{text}");
    // Opening may have moved blocks from the journal to their files, but dropped none.
    let log = LogStore::open(Arc::new(lab.disk.clone()), ORIGIN).unwrap().0;
    assert_eq!((log.height(), log.size()), (Some(1), 4));
    lab.disk = disk_of(&newer);
    assert_eq!(ids(&lab.open().unwrap()), ["urn:x:1", "urn:x:2"]);
}

#[test]
fn a_log_that_is_gone_is_not_begun_anew() {
    let mut lab = Lab::new();
    capture_ids(&lab.begin(), &["urn:x:1"]);
    let mut files = lab.disk.files();
    files.retain(|path, _| !path.starts_with("log/"));
    lab.disk = disk_of(&files);
    let text = refusal(&lab);
    assert!(text.contains("it has no block, but state or index know of block 1"), "{text}");
    lab.lose(&[STATE_FILE, INDEX_FILE]);
    lab.disk = disk_of(&files);
    let text = refusal(&lab);
    assert!(text.contains("bring back log/ from a backup"), "{text}");
}

#[test]
fn an_older_copy_of_the_whole_directory_opens_as_it_was() {
    let mut lab = Lab::new();
    capture_ids(&lab.begin(), &["urn:x:1"]);
    let older = lab.disk.files();
    let node = lab.open().unwrap();
    capture_ids(&node, &["urn:x:2"]);
    drop(node);
    lab.disk = disk_of(&older);
    lab.lose(&[STATE_FILE, INDEX_FILE]);
    let node = lab.open().unwrap();
    assert_eq!(ids(&node), ["urn:x:1"]);
    capture_ids(&node, &["urn:x:3"]);
    drop(node);
    lab.check();
}

#[test]
fn a_log_that_went_another_way_does_not_fit_the_state_of_the_first() {
    let mut lab = Lab::new();
    capture_ids(&lab.begin(), &["urn:x:1"]);
    let fork = lab.disk.files();
    let node = lab.open().unwrap();
    capture_ids(&node, &["urn:x:2"]);
    drop(node);
    let other = Lab { disk: disk_of(&fork), ..Lab::new() };
    copy_keys(&lab, &other);
    let node = other.open().unwrap();
    capture_ids(&node, &["urn:x:other"]);
    drop(node);
    lab.disk = disk_of(&with(&lab.disk.files(), &other.disk.files(), "log/"));
    let text = refusal(&lab);
    assert!(text.contains("its root is not the one that the log states"), "{text}");
}

fn copy_keys(from: &Lab, to: &Lab) {
    for name in ["key", "lock", "secrets"] {
        let file = |lab: &Lab| lab.folder.path().join(KEYS_FOLDER).join(name);
        std::fs::copy(file(from), file(to)).unwrap();
    }
}

#[test]
fn the_keys_of_another_node_do_not_open_this_one_even_under_the_same_origin() {
    let (lab, other) = (Lab::new(), Lab::new());
    capture_ids(&lab.begin(), &["urn:x:1"]);
    drop(other.begin());
    copy_keys(&other, &lab);
    let text = refusal(&lab);
    assert!(text.contains("these are the keys of another node"), "{text}");
}

#[test]
fn secrets_of_another_node_do_not_open_with_the_key_file_of_this_one() {
    let (lab, other) = (Lab::new(), Lab::new());
    let file = |lab: &Lab| lab.folder.path().join(KEYS_FOLDER).join("secrets");
    std::fs::copy(file(&other), file(&lab)).unwrap();
    let folder = lab.folder.path().join(KEYS_FOLDER);
    let opened = crate::keyring::Keyring::open(&folder, &Unlock::KeyFile).map(|_| ());
    assert!(matches!(opened, Err(KeyringError::WrongKey { .. })));
}

#[test]
fn the_log_of_another_node_is_refused_by_its_origin_or_by_its_key() {
    let (mut lab, other) = (Lab::new(), Lab::new());
    capture_ids(&lab.begin(), &["urn:x:1"]);
    capture_ids(&other.begin(), &["urn:x:1"]);
    let mixed = with(&lab.disk.files(), &other.disk.files(), "log/");
    lab.disk = disk_of(&mixed);
    let text = refusal(&lab);
    assert!(text.contains("its root is not the one that the log states"), "{text}");
    lab.lose(&[STATE_FILE, INDEX_FILE]);
    let text = refusal(&lab);
    assert!(text.contains("these are the keys of another node"), "{text}");
    let disk = Arc::new(lab.disk.clone());
    let error = LogStore::open(disk, "elsewhere.example/log");
    assert!(error.unwrap_err().to_string().contains("elsewhere.example/log"));
}

#[test]
fn a_vault_that_lost_its_end_is_refused_with_the_index_and_without() {
    let mut lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:1"]);
    drop(node);
    let older = lab.disk.files();
    let node = lab.open().unwrap();
    capture_ids(&node, &["urn:x:2"]);
    drop(node);
    let mixed = with(&lab.disk.files(), &older, "vault/");
    lab.disk = disk_of(&mixed);
    let text = refusal(&lab);
    assert!(text.contains("which the ledger names, are not there"), "{text}");
    lab.lose(&[INDEX_FILE]);
    let text = refusal(&lab);
    assert!(text.contains("which the ledger names, are not there"), "{text}");
}

#[test]
fn erased_values_that_an_older_vault_brings_back_are_found_and_erased_again() {
    let mut lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &["urn:x:1", "urn:x:2"]);
    let older = lab.disk.files();
    node.erase(&crate::Scope::All, None, "urn:x:1", None, crate::ErasureReason::Error).unwrap();
    drop(node);
    lab.check();
    lab.disk = disk_of(&with(&lab.disk.files(), &older, "vault/"));
    let faults = lab.fsck().faults;
    assert!(!faults.is_empty());
    for fault in &faults {
        assert!(fault.what.contains("are erased on the ledger, not here"), "{faults:?}");
    }
    lab.lose(&[INDEX_FILE]);
    drop(lab.open().unwrap());
    lab.check();
    assert_eq!(ids(&lab.open().unwrap()), ["urn:x:2"]);
}

#[test]
fn what_another_member_recorded_under_the_same_id_is_not_disclosed() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    let file = document(&[event(Some("urn:x:1"), 1)]);
    assert_eq!(capture(&node, "Farm", &file).accepted.len(), 1);
    let alone =
        Bundle::decode(&node.prove(&crate::Scope::All, "urn:x:1", &[]).unwrap().bundle).unwrap();
    assert_eq!(capture(&node, "Mill", &file).accepted.len(), 1);
    let beside =
        Bundle::decode(&node.prove(&crate::Scope::All, "urn:x:1", &[]).unwrap().bundle).unwrap();
    assert_eq!((alone.records.len(), beside.records.len()), (1, 1));
}
