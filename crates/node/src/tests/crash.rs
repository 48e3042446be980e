//! The process ends, or the power is cut, at every moment at which something becomes certain.

use std::path::Path;

use countermark_store::disk::{CrashMode, FrozenDisk};

use super::world::{Acknowledged, Deed, Dice, Life, goes_on};
use super::{Lab, capture_ids, folder, ids};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::{INDEX_FILE, STATE_FILE};

const DEEDS: usize = 12;

/// What the crash leaves of state and index.
#[derive(Debug, Clone, Copy)]
enum Databases {
    Kept,
    /// As they were some deeds earlier.
    Stale,
    StateLost,
    IndexLost,
    BothLost,
}

const DATABASES: [Databases; 5] = [
    Databases::Kept,
    Databases::Stale,
    Databases::StateLost,
    Databases::IndexLost,
    Databases::BothLost,
];

fn modes(seed: u64) -> [CrashMode; 4] {
    let (torn, zeroed) = (CrashMode::Torn { seed }, CrashMode::Zeroed { seed });
    [CrashMode::Dropped, torn, zeroed, CrashMode::Kept]
}

fn copy_databases(from: &Path, to: &Path) {
    for name in [STATE_FILE, INDEX_FILE] {
        for suffix in ["", "-wal"] {
            let file = format!("{name}{suffix}");
            if from.join(&file).exists() {
                std::fs::copy(from.join(&file), to.join(&file)).unwrap();
            }
        }
    }
}

/// Lives until the disk stops; gives what was acknowledged, or `None` where it never stopped.
fn live(life: &Life, lab: &Lab, node: &Node, stale: &Path, keep_at: usize) -> Option<Acknowledged> {
    let mut acknowledged = Acknowledged::default();
    for (i, deed) in life.deeds.iter().enumerate() {
        if i == keep_at {
            copy_databases(lab.folder.path(), stale);
        }
        acknowledged.begin(deed);
        match life.run(deed, lab, node) {
            Ok(()) => acknowledged.done(),
            Err(error) => {
                assert!(lab.disk.is_frozen(), "{deed:?}: {error}");
                return Some(acknowledged);
            }
        }
    }
    None
}

fn crash_everywhere(seed: u64) -> u64 {
    let life = Life::new(seed, DEEDS);
    let mut dice = Dice::new(seed + 1);
    for at in 0.. {
        let lab = Lab::new();
        let stale = folder();
        let node = lab.begin();
        lab.disk.freeze_at_sync(at);
        let keep_at = dice.below(DEEDS as u64) as usize;
        let ended = live(&life, &lab, &node, stale.path(), keep_at);
        drop(node);
        let Some(mut acknowledged) = ended else { return at };
        let mode = modes(seed + at)[dice.below(4) as usize];
        let databases = DATABASES[dice.below(5) as usize];
        let mut after = lab;
        after.disk = after.disk.crash_image(mode);
        match databases {
            Databases::Kept => {}
            Databases::Stale => {
                after.lose(&[STATE_FILE, INDEX_FILE]);
                copy_databases(stale.path(), after.folder.path());
            }
            Databases::StateLost => after.lose(&[STATE_FILE]),
            Databases::IndexLost => after.lose(&[INDEX_FILE]),
            Databases::BothLost => after.lose(&[STATE_FILE, INDEX_FILE]),
        }
        let place = format!("seed {seed}, sync {at}, {mode:?}, {databases:?}");
        let node = after.open().unwrap_or_else(|error| panic!("{place}: {error}"));
        goes_on(&life, &after, node, &mut acknowledged);
    }
    0
}

#[test]
fn after_a_power_cut_at_any_sync_the_node_has_exactly_what_it_acknowledged() {
    let mut syncs = 0;
    for seed in 1..=SEEDS {
        syncs += crash_everywhere(seed);
    }
    assert!(syncs > 30 * SEEDS, "only {syncs} syncs in {SEEDS} lives");
}

const SEEDS: u64 = 4;

#[test]
fn a_beginning_that_was_cut_short_is_whole_or_says_what_to_do() {
    for at in 0.. {
        let mut lab = Lab::new();
        lab.disk.freeze_at_sync(at);
        let begun = Node::begin(lab.parts(std::sync::Arc::new(lab.disk.clone())));
        let acknowledged = begun.is_ok();
        drop(begun);
        if acknowledged {
            assert!(at > 0);
            return;
        }
        for mode in modes(at) {
            let whole = lab.disk.clone();
            lab.disk = whole.crash_image(mode);
            match lab.open() {
                Ok(node) => capture_ids(&node, &["urn:x:1"]),
                Err(NodeError::Damaged { what, .. }) => {
                    assert!(
                        what.contains("if `init` was cut short"),
                        "sync {at}, {mode:?}: {what}"
                    );
                }
                Err(error) => panic!("sync {at}, {mode:?}: {error}"),
            }
            lab.lose(&[STATE_FILE, INDEX_FILE]);
            lab.disk = whole;
        }
    }
}

/// The erasure stands in the log, the vault does not know of it yet.
#[test]
fn an_erasure_that_was_cut_short_after_its_statement_is_finished_on_opening() {
    let mut finished = 0;
    for at in 0..40 {
        for mode in modes(at) {
            let mut lab = Lab::new();
            let node = lab.begin();
            capture_ids(&node, &["urn:x:1", "urn:x:2"]);
            let before = node.lock().stores.log.size();
            lab.disk.freeze_at_sync(at);
            let acknowledged = node
                .erase(&crate::Scope::All, None, "urn:x:1", None, crate::ErasureReason::Error)
                .is_ok();
            drop(node);
            lab.disk = lab.disk.crash_image(mode);
            let node = lab.open().unwrap();
            let is_stated = node.lock().stores.log.size() > before;
            assert!(is_stated || !acknowledged, "sync {at}, {mode:?}");
            let left = if is_stated { vec!["urn:x:2"] } else { vec!["urn:x:1", "urn:x:2"] };
            assert_eq!(ids(&node), left, "sync {at}, {mode:?}");
            drop(node);
            lab.check();
            finished += u64::from(is_stated && !acknowledged);
            if acknowledged {
                assert!(finished > 0, "no crash came between statement and erasure");
                return;
            }
        }
    }
    panic!("the erasure never ended");
}

#[test]
fn opening_that_is_cut_short_again_and_again_ends_well() {
    let life = Life::new(11, DEEDS);
    let mut lab = Lab::new();
    let node = lab.begin();
    lab.disk.freeze_at_sync(33);
    let stale = folder();
    let mut acknowledged = live(&life, &lab, &node, stale.path(), 3).unwrap();
    drop(node);
    for at in 0.. {
        lab.disk = lab.disk.crash_image(modes(at)[(at % 4) as usize]);
        lab.disk.freeze_at_sync(at);
        if at % 2 == 0 {
            lab.lose(&[STATE_FILE, INDEX_FILE]);
        }
        if let Ok(node) = lab.open()
            && !lab.disk.is_frozen()
        {
            drop(node);
            break;
        }
    }
    let disk: FrozenDisk = lab.disk.crash_image(CrashMode::Dropped);
    lab.disk = disk;
    let node = lab.open().unwrap();
    goes_on(&life, &lab, node, &mut acknowledged);
    assert!(life.deeds.iter().any(|deed| matches!(deed, Deed::Erase { .. })));
}
