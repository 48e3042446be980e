//! Backups of a node at work: what others write and erase meanwhile tears nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{document, event, folder};
use crate::backup::{BackupOptions, RestoreOptions, declare_loss, restore, show_checkpoint};
use crate::keyring::Unlock;
use crate::node::Node;
use crate::progress::Silent;
use crate::{ErasureReason, NodeStanding, Scope};

const OPTIONS: BackupOptions = BackupOptions { include_key_file: true, keys_expire_days: 1 };

#[test]
fn backups_of_a_node_that_captures_and_erases_all_restore_soundly() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let node = Node::init(&at("data"), &Unlock::KeyFile, "Farm", None, None).unwrap();
    let done = AtomicBool::new(false);
    let archives: Vec<PathBuf> = (0..4).map(|i| at(&format!("backup-{i}"))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                let name = format!("urn:x:{n}");
                let file = document(&[event(Some(&name), n)]);
                node.capture(None, &[file], false, &Silent).unwrap();
                if n % 2 == 1 {
                    let name = format!("urn:x:{}", n - 1);
                    let erased = node.erase(&Scope::All, None, &name, None, ErasureReason::Error);
                    assert!(!erased.unwrap().is_empty());
                }
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for archive in &archives {
            std::thread::sleep(Duration::from_millis(40));
            node.backup(archive, OPTIONS, &Silent).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    let newest = node.log_resource("checkpoint").unwrap();
    drop(node);
    for (i, archive) in archives.iter().enumerate() {
        let data = at(&format!("restored-{i}"));
        let report = restore(&data, archive, &RestoreOptions::default(), &Silent).unwrap();
        assert!(report.size > 1);
        drop(Node::open(&data, &Unlock::KeyFile, &Silent).unwrap());
        let found = Node::fsck(&data, &Unlock::KeyFile, &Silent).unwrap();
        assert_eq!(found.faults, [], "{i}");
        // The node went on after each of them.
        let refused = show_checkpoint(&data, &newest).unwrap_err();
        assert!(refused.to_string().contains("lost: the checkpoint shows"), "{refused}");
    }
}

#[test]
fn an_erasure_waits_until_a_backup_has_copied_the_vault() {
    let folder = folder();
    let node =
        Node::init(&folder.path().join("data"), &Unlock::KeyFile, "Farm", None, None).unwrap();
    let file = document(&[event(Some("urn:x:1"), 1)]);
    node.capture(None, &[file], false, &Silent).unwrap();
    let erased = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let copying = node.in_place.read().unwrap();
        scope.spawn(|| {
            node.erase(&Scope::All, None, "urn:x:1", None, ErasureReason::Error).unwrap();
            erased.store(true, Ordering::SeqCst);
        });
        // Others record meanwhile.
        let other = document(&[event(Some("urn:x:2"), 2)]);
        node.capture(None, &[other], false, &Silent).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(!erased.load(Ordering::SeqCst));
        drop(copying);
    });
    assert!(erased.load(Ordering::SeqCst));
}

#[test]
fn members_come_over_a_declared_loss_with_their_standing_and_without_revoked_keys() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let node = Node::init(&at("data"), &Unlock::KeyFile, "Farm", None, None).unwrap();
    for name in ["Mill", "Bakery", "Shop"] {
        node.member_add(name, None).unwrap();
    }
    node.member_standing("Mill", crate::Standing::Suspended).unwrap();
    node.member_standing("Bakery", crate::Standing::Left).unwrap();
    let shop = |node: &Node| {
        node.keys()
            .unwrap()
            .into_iter()
            .filter(|key| key.member == "Shop")
            .map(|key| key.id)
            .next_back()
    };
    let revoked = shop(&node).unwrap();
    node.key_revoke(None, &revoked).unwrap();
    let old = (node.origin().to_owned(), node.members().unwrap());
    node.backup(&at("archive"), OPTIONS, &Silent).unwrap();
    drop(node);

    let data = at("again");
    restore(&data, &at("archive"), &RestoreOptions::default(), &Silent).unwrap();
    let origin = declare_loss(&data, &Unlock::KeyFile, &Silent).unwrap();
    assert_ne!(origin, old.0);
    let node = Node::open(&data, &Unlock::KeyFile, &Silent).unwrap();
    assert_eq!(node.node_standing(), NodeStanding::Writing);
    let members = node.members().unwrap();
    let standing: Vec<(&str, &str)> =
        members.iter().map(|member| (&*member.name, &*member.status)).collect();
    assert_eq!(standing, [("Farm", "active"), ("Shop", "active"), ("Mill", "suspended")]);
    assert_eq!(members[0].id, old.1[0].id);
    assert_ne!(shop(&node).unwrap(), revoked);
    let file = document(&[event(Some("urn:x:1"), 1)]);
    let report = node.capture(Some("Shop"), &[file], false, &Silent).unwrap();
    assert_eq!(report.accepted.len(), 1);
    drop(node);
    let previous = Node::open(&data.join("previous"), &Unlock::KeyFile, &Silent).unwrap();
    assert_eq!(previous.origin(), old.0);
    assert!(matches!(
        previous.node_standing(),
        NodeStanding::ReadOnly { reason } if reason.contains(&origin)
    ));
}
