//! Vault, desk and index that are damaged, old or gone: named by the check, cut off by nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use countermark_ledger::ids::hex;
use countermark_store::disk::{CrashMode, Disk};
use countermark_store::log_store::Options;

use super::{Lab, capture_ids, ids};
use crate::error::NodeError;
use crate::fsck::make_index;
use crate::progress::Silent;
use crate::stores::{DESK_FILE, INDEX_FILE};

const FIRST: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";
const SECOND: &str = "urn:uuid:00000000-0000-4000-8000-000000000002";

fn vault_files(lab: &Lab) -> BTreeMap<String, Vec<u8>> {
    let mut files = lab.disk.files();
    files.retain(|path, _| path.starts_with("vault/"));
    files
}

fn vault_path(lab: &Lab, name: &str) -> String {
    format!("vault/{}/{name}", hex(&lab.keyring().secrets.members[0].id))
}

fn rebuild(lab: &Lab) -> Result<(), NodeError> {
    let disk: Arc<dyn Disk> = Arc::new(lab.disk.clone());
    let secrets = lab.keyring().secrets;
    make_index(lab.folder.path(), disk, &secrets, Options::default(), &Silent)
}

/// The check names a fault that contains all of these; nothing else that can be done to the
/// directory changes a byte of the vault.
fn is_named_and_nothing_is_cut(lab: &Lab, words: &[&str]) {
    let before = vault_files(lab);
    is_named(lab, words);
    assert_eq!(vault_files(lab), before, "the check changed the vault");
    let index = std::fs::read(lab.folder.path().join(INDEX_FILE)).unwrap();
    let error = rebuild(lab).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert_eq!(vault_files(lab), before, "making the index changed the vault");
    let kept = std::fs::read(lab.folder.path().join(INDEX_FILE)).unwrap();
    assert_eq!(kept, index, "the old index is gone");
    assert!(lab.open().is_err());
    lab.lose(&[INDEX_FILE]);
    assert!(lab.open().is_err());
    assert_eq!(vault_files(lab), before, "opening without an index changed the vault");
}

fn is_named(lab: &Lab, words: &[&str]) {
    let faults = lab.fsck().faults;
    let named = faults.iter().any(|fault| {
        let text = format!("{}: {}; {}", fault.place, fault.what, fault.advice);
        words.iter().all(|word| text.contains(word))
    });
    assert!(named, "{words:?}: {faults:#?}");
}

#[test]
fn a_flipped_bit_in_the_last_keys_is_named_and_never_taken_for_a_torn_append() {
    for ids in [&[FIRST][..], &[FIRST, SECOND]] {
        for from_end in [1, 60, 100] {
            let lab = Lab::new();
            let node = lab.begin();
            ids.iter().for_each(|id| capture_ids(&node, &[id]));
            drop(node);
            let keys = vault_path(&lab, "keys-000000");
            let length = lab.disk.files()[&keys].len() as u64;
            assert!(lab.disk.alter(&keys, length - from_end, 4));
            is_named_and_nothing_is_cut(&lab, &["keys-000000", "restore the newer keys"]);
            assert!(lab.disk.alter(&keys, length - from_end, 4));
            drop(lab.open().unwrap());
            lab.check();
        }
    }
}

#[test]
fn an_older_keys_or_bodies_file_is_named_and_the_other_is_not_cut_to_match() {
    for (name, word) in [("keys-000000", "restore the newer keys"), ("bodies-000000", "bodies")] {
        let lab = Lab::new();
        let node = lab.begin();
        capture_ids(&node, &[FIRST]);
        let path = vault_path(&lab, name);
        let old = lab.disk.files()[&path].len() as u64;
        capture_ids(&node, &[SECOND]);
        drop(node);
        lab.disk.truncate(&path, old).unwrap();
        is_named_and_nothing_is_cut(&lab, &[name, word]);
    }
}

#[test]
fn an_older_table_of_day_keys_is_named_and_nothing_is_cut() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[FIRST]);
    drop(node);
    let path = vault_path(&lab, "daykeys");
    let length = lab.disk.files()[&path].len() as u64;
    lab.disk.truncate(&path, length - 10).unwrap();
    is_named_and_nothing_is_cut(&lab, &["daykeys"]);
}

#[test]
fn an_append_that_a_power_cut_tore_is_left_by_the_check_and_cut_off_by_opening() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[FIRST]);
    drop(node);
    let keys = vault_path(&lab, "keys-000000");
    let whole = vault_files(&lab);
    lab.disk.append(&keys, &[7; 30]).unwrap();
    let torn = vault_files(&lab);
    lab.check();
    assert_eq!(vault_files(&lab), torn, "the check changed the vault");
    let node = lab.open().unwrap();
    assert_eq!(vault_files(&lab), whole);
    assert_eq!(ids(&node), [FIRST]);
}

#[test]
fn an_altered_document_is_named_and_its_damaged_key_is_not_cut_off() {
    let lab = Lab::new();
    let node = lab.begin();
    let kept = node.document(None, "letter.txt", b"so it was agreed").unwrap();
    drop(node);
    lab.check();
    let path = vault_path(&lab, &format!("documents/{}", kept.id));
    assert!(lab.disk.alter(&path, 20, 1));
    is_named(&lab, &["vault, document", &kept.id, "restore"]);
    assert!(lab.disk.alter(&path, 20, 1));
    let keys = vault_path(&lab, "keys-000000");
    let length = lab.disk.files()[&keys].len() as u64;
    assert!(lab.disk.alter(&keys, length - 1, 1));
    is_named_and_nothing_is_cut(&lab, &["keys-000000", "damaged"]);
}

#[test]
fn another_document_in_the_place_of_a_kept_one_is_named() {
    let lab = Lab::new();
    let node = lab.begin();
    let kept = node.document(None, "letter.txt", b"so it was agreed").unwrap();
    let member = lab.keyring().secrets.members[0].id;
    let id = countermark_ledger::trust::unhex(&kept.id).unwrap();
    {
        // Written by somebody who has the keys.
        lab.disk.remove(&vault_path(&lab, &format!("documents/{}", kept.id))).unwrap();
        let mut sequencer = node.lock();
        let vault = sequencer.stores.vaults.get_mut(&member).unwrap();
        let profile = countermark_ledger::cid::Profile::KUBO_V1;
        let stored = vault.put_document(1, &id, &mut &b"otherwise"[..], profile).unwrap();
        let place = serde_json::json!({
            "member": member, "location": stored.location.to_u64(), "name": "letter.txt"
        });
        let name = format!("document/{}", kept.id);
        sequencer.stores.desk.set_setting(&name, place.to_string().as_bytes()).unwrap();
    }
    drop(node);
    is_named(&lab, &["vault, document", &kept.id, "not the one on the ledger"]);
}

#[test]
fn an_erased_body_that_was_put_back_is_named_and_erased_again() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[FIRST, SECOND]);
    let old = lab.disk.crash_image(CrashMode::Kept).files();
    node.erase(&crate::Scope::All, None, FIRST, None, crate::ErasureReason::Error).unwrap();
    drop(node);
    lab.check();
    for name in ["keys-000000", "bodies-000000"] {
        let path = vault_path(&lab, name);
        lab.disk.truncate(&path, 0).unwrap();
        lab.disk.append(&path, &old[&path]).unwrap();
        lab.disk.sync(&path).unwrap();
    }
    is_named(&lab, &["vault, record", "erased on the ledger", "index rebuild"]);
    rebuild(&lab).unwrap();
    lab.check();
}

#[test]
fn an_index_row_that_says_something_else_is_named() {
    let changes = [
        ("event_time = event_time + 1", "another event time"),
        ("event_key = NULL", "another event id"),
        ("erased = erased | 4", "other classes as erased"),
    ];
    for (change, word) in changes {
        let lab = Lab::new();
        let node = lab.begin();
        capture_ids(&node, &[FIRST]);
        drop(node);
        lab.check();
        let index = rusqlite::Connection::open(lab.folder.path().join(INDEX_FILE)).unwrap();
        assert_eq!(index.execute(&format!("UPDATE event SET {change}"), []).unwrap(), 1);
        drop(index);
        is_named(&lab, &[INDEX_FILE, word, "index rebuild"]);
        rebuild(&lab).unwrap();
        lab.check();
    }
}

#[test]
fn a_desk_that_is_missing_or_damaged_is_named() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[FIRST]);
    drop(node);
    let path = lab.folder.path().join(DESK_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let page = 4096.min(bytes.len() / 2);
    bytes[page..2 * page].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    is_named(&lab, &[DESK_FILE, "backup"]);
    lab.lose(&[DESK_FILE]);
    is_named(&lab, &[DESK_FILE, "missing", "restore it from a backup"]);
    assert!(!path.exists(), "the check made a new one");
}

#[test]
fn an_index_of_an_earlier_version_is_made_again_on_opening_and_a_later_one_is_left() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[FIRST, SECOND]);
    let before = ids(&node);
    drop(node);
    let path = lab.folder.path().join(INDEX_FILE);
    let set_version = |version: u32| {
        let index = rusqlite::Connection::open(&path).unwrap();
        index.execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
    };
    set_version(1);
    assert_eq!(ids(&lab.open().unwrap()), before);
    lab.check();
    set_version(99);
    let error = lab.open().map(drop).unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("index rebuild"), "{error}");
}
