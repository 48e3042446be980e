//! `fsck`: computes everything again and says what is wrong where. Changes nothing.
//!
//! The log is checked from its entries upwards; every block is executed again from the first on and
//! must give the state root that its header states; every body in the vault must lead to the class
//! digests on the ledger; state and index must say what log and vault say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use countermark_ledger::ids::{Hash, MemberId, hex};
use countermark_ledger::machine::{self, Tip};
use countermark_ledger::record::{FieldClass, class_digest, empty_digest};
use countermark_ledger::record_header::{RecordHeader, decode_batch};
use countermark_ledger::state::{MemoryState, StateStore, StateView};
use countermark_ledger::statement::{Body, Erasure, SignedStatement};
use countermark_store::disk::Disk;
use countermark_store::index::Index;
use countermark_store::log_store::{self, LogView};
use countermark_store::state_store::SqliteState;
use countermark_store::vault::{ClassState, Location, StoredRecord, Vault};
use countermark_tlog::Signer;
use countermark_tlog::note::Algorithm;

use crate::blocks;
use crate::error::NodeError;
use crate::keyring::{Keyring, Secrets, Unlock};
use crate::node::{KEYS_FOLDER, Node};
use crate::progress::Progress;
use crate::replay::{self, Places};
use crate::sequencer::chain;
use crate::stores::{self, INDEX_FILE, STATE_FILE, lock_folder, store_error};

/// Faults that are listed before the search ends.
const FAULTS_MAX: usize = 1_000;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Store, file and position.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// What was checked and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FsckReport {
    /// How many of what were checked.
    pub checked: Vec<(String, u64)>,
    /// Empty where all of it holds.
    pub faults: Vec<Fault>,
}

impl FsckReport {
    fn fault(&mut self, place: impl Into<String>, what: impl Into<String>, advice: &str) {
        if self.faults.len() < FAULTS_MAX {
            let (place, what) = (place.into(), what.into());
            self.faults.push(Fault { place, what, advice: advice.to_owned() });
        }
    }
}

const RESTORE: &str = "restore this file from a backup or another member's copy";
const REBUILD_STATE: &str = "delete state.db; it is made again from the log";
const REBUILD_INDEX: &str = "run `countermark index rebuild`";
const ERASE_AGAIN: &str = "run `countermark index rebuild`, which erases them again";

impl Node {
    /// Checks a data directory.
    ///
    /// # Errors
    /// Where it cannot be opened at all; what is wrong in it is in the report.
    pub fn fsck(
        folder: &Path,
        unlock: &Unlock,
        progress: &dyn Progress,
    ) -> Result<FsckReport, NodeError> {
        if !folder.join(KEYS_FOLDER).is_dir() {
            return Err(NodeError::NotANode(folder.to_owned()));
        }
        let disk: Arc<dyn Disk> = Arc::new(lock_folder(folder)?);
        let keyring = Keyring::open(&folder.join(KEYS_FOLDER), unlock)?;
        check_stores(folder, &disk, &keyring.secrets, progress)
    }

    /// Makes the index again from log, objects and vault; gives the number of its records.
    ///
    /// # Errors
    /// Where log or vault cannot be read; run `fsck`.
    pub fn index_rebuild(
        folder: &Path,
        unlock: &Unlock,
        progress: &dyn Progress,
    ) -> Result<u64, NodeError> {
        if !folder.join(KEYS_FOLDER).is_dir() {
            return Err(NodeError::NotANode(folder.to_owned()));
        }
        // The lock first: the index of a running node is not to be taken away.
        drop(lock_folder(folder)?);
        // A wrong passphrase must change nothing.
        Keyring::open(&folder.join(KEYS_FOLDER), unlock)?;
        Index::remove(&folder.join(INDEX_FILE)).map_err(|e| store_error(&e))?;
        let node = Self::open(folder, unlock, progress)?;
        let sequencer = node.lock();
        let mut count = 0;
        for vault in sequencer.stores.vaults.values() {
            vault
                .scan(|_, _| {
                    count += 1;
                    Ok::<(), countermark_store::vault::VaultError>(())
                })
                .map_err(|e| store_error(&e))?;
        }
        Ok(count)
    }
}

/// Checks log, state, vault and index, whatever disk the first and the third lie on.
pub(crate) fn check_stores(
    folder: &Path,
    disk: &Arc<dyn Disk>,
    secrets: &Secrets,
    progress: &dyn Progress,
) -> Result<FsckReport, NodeError> {
    let mut report = FsckReport::default();
    check_log(&**disk, secrets, &mut report, progress)?;
    if !report.faults.is_empty() {
        report.fault("state, vault, index", "not checked", "mend the log first");
        return Ok(report);
    }
    let (log, _) = log_store::LogStore::open(Arc::clone(disk), &secrets.origin)
        .map_err(|e| store_error(&e))?;
    let Some(replayed) = execute_again(&log, &mut report, progress)? else {
        return Ok(report);
    };
    check_state(folder, &replayed, &mut report);
    check_records(folder, disk, secrets, &log, &mut report, progress)?;
    Ok(report)
}

fn check_log(
    disk: &dyn Disk,
    secrets: &Secrets,
    report: &mut FsckReport,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let signer = Signer::new(&secrets.origin, Algorithm::Ed25519, &secrets.log_seed)
        .map_err(|e| store_error(&e))?;
    let references = |leaf: &[u8]| -> Vec<Hash> {
        SignedStatement::from_leaf(leaf)
            .map(|signed| signed.statement().objects.clone())
            .unwrap_or_default()
    };
    let expected = log_store::Expected {
        origin: &secrets.origin,
        log_key: Some(signer.verifier_key()),
        references: &references,
    };
    let mut checked = 0;
    let faults = log_store::fsck(disk, &expected, &mut |at: log_store::Progress| {
        checked = at.done;
        progress.at("bundles and objects checked", at.done, at.total);
    })
    .map_err(|e| store_error(&e))?;
    report.checked.push(("bundles and objects of the log".to_owned(), checked));
    for fault in faults {
        let what = format!("{}: expected {}, found {}", fault.what, fault.expected, fault.found);
        report.fault(fault.place, what, &fault.advice);
    }
    Ok(())
}

/// Executes every block from the first on; gives the state that results, if every block holds.
fn execute_again(
    log: &LogView,
    report: &mut FsckReport,
    progress: &dyn Progress,
) -> Result<Option<MemoryState>, NodeError> {
    let mut state = MemoryState::default();
    let headers = blocks::headers_from(log, 0)?;
    let total = headers.len() as u64;
    let mut tip = Tip::start();
    let mut statements = 0;
    for (done, header) in (1..).zip(headers) {
        let place = format!("block {}", header.height);
        statements += header.statement_count;
        let block = blocks::block(log, header)?;
        match machine::apply(&state, &tip, &block) {
            Ok(effects) => {
                let size = block.header.log_size + effects.leaves.len() as u64;
                let root = log.root_at(size).map_err(|e| store_error(&e))?;
                state.commit(block.header.height, &effects.writes).map_err(|e| store_error(&e))?;
                tip = Tip::after(&block.header, root);
            }
            Err(error) => {
                report.fault(place, chain(&error), RESTORE);
                return Ok(None);
            }
        }
        progress.at("blocks executed again", done, total);
    }
    report.checked.push(("blocks".to_owned(), total));
    report.checked.push(("statements".to_owned(), statements));
    Ok(Some(state))
}

fn check_state(folder: &Path, replayed: &MemoryState, report: &mut FsckReport) {
    let path = folder.join(STATE_FILE);
    let place = STATE_FILE;
    let stored = match SqliteState::open(&path) {
        Ok(stored) => stored,
        Err(error) => return report.fault(place, chain(&error), REBUILD_STATE),
    };
    if let Err(error) = stored.check() {
        return report.fault(place, chain(&error), REBUILD_STATE);
    }
    match (stored.head(), replayed.head()) {
        (Ok(ours), Ok(theirs)) if ours == theirs => {}
        // Behind is no fault: opening catches up.
        (Ok(None), Ok(Some(_))) => {}
        (Ok(Some(ours)), Ok(Some(theirs))) if ours.height < theirs.height => {}
        _ => report.fault(place, "its root is not the one that the log gives", REBUILD_STATE),
    }
}

/// Every record on the ledger: its bodies against its digests, its row against both.
fn check_records(
    folder: &Path,
    disk: &Arc<dyn Disk>,
    secrets: &Secrets,
    log: &LogView,
    report: &mut FsckReport,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let mut vaults = BTreeMap::new();
    for member in &secrets.members {
        match stores::begin_vault(disk, member.id, &member.vault_key, None) {
            Ok(vault) => {
                vaults.insert(member.id, vault);
            }
            Err(error) => report.fault("vault", error.to_string(), RESTORE),
        }
    }
    let index = match Index::open(&folder.join(INDEX_FILE)) {
        Ok(index) => match index.check() {
            Ok(()) => Some(index),
            Err(error) => {
                report.fault(INDEX_FILE, chain(&error), REBUILD_INDEX);
                None
            }
        },
        Err(error) => {
            report.fault(INDEX_FILE, chain(&error), REBUILD_INDEX);
            None
        }
    };
    let applied = index.as_ref().and_then(|index| index.applied_height().ok().flatten());
    let places = match replay::places(&vaults) {
        Ok(places) => places,
        Err(error) => {
            report.fault("vault", error.to_string(), RESTORE);
            return Ok(());
        }
    };
    let (mut records, mut bodies) = (0, 0);
    let headers = blocks::headers_from(log, 0)?;
    let total = headers.len() as u64;
    for (done, header) in (1..).zip(&headers) {
        for placed in blocks::statements(log, header)? {
            let indexed = applied.is_some_and(|height| header.height <= height);
            let capture = match &placed.signed.statement().body {
                Body::Capture(capture) => capture,
                // Where the index lacks the block, opening will carry it out.
                Body::Erasure(erasure) if indexed => {
                    check_erased(&vaults, &places, erasure, &mut *report);
                    continue;
                }
                _ => continue,
            };
            let batch = decode_batch(&blocks::object(log, &capture.object)?);
            for bytes in batch.map_err(|e| store_error(&e))? {
                let record = RecordHeader::decode(&bytes).map_err(|e| store_error(&e))?;
                records += 1;
                let Some((member, location)) = places.get(&record.record_id) else {
                    if vaults.contains_key(&placed.signed.statement().member) {
                        let place = format!("vault, record {}", hex(&record.record_id));
                        report.fault(place, "its bodies are missing", RESTORE);
                    }
                    continue;
                };
                let Some(vault) = vaults.get(member) else { continue };
                bodies += check_body(vault, *location, &record, report);
                if let (Some(index), true) = (&index, indexed) {
                    check_row(index, placed.index, &record, *location, report);
                }
            }
        }
        progress.at("blocks of records checked", done, total);
    }
    report.checked.push(("records".to_owned(), records));
    report.checked.push(("bodies in the vault".to_owned(), bodies));
    Ok(())
}

/// What the ledger says is erased must be gone: an older copy of a vault brings it back.
fn check_erased(
    vaults: &BTreeMap<MemberId, Vault>,
    places: &Places,
    erasure: &Erasure,
    report: &mut FsckReport,
) {
    let Some((member, location)) = places.get(&erasure.record) else { return };
    let Some(Ok(stored)) = vaults.get(member).map(|vault| vault.get(*location, &erasure.record))
    else {
        return;
    };
    let held = stores::held_bits(&stored);
    if erasure.classes.iter().any(|class| held & 1 << class != 0) {
        let place = format!("vault, record {}", hex(&erasure.record));
        report.fault(place, "it holds fields that the ledger says are erased", ERASE_AGAIN);
    }
}

/// The bodies of a record against its class digests; gives how many there were.
fn check_body(
    vault: &Vault,
    location: Location,
    record: &RecordHeader,
    report: &mut FsckReport,
) -> u64 {
    let place = || format!("vault, record {}", hex(&record.record_id));
    let stored = match vault.get(location, &record.record_id) {
        Ok(stored) => stored,
        Err(error) => {
            report.fault(place(), chain(&error), RESTORE);
            return 0;
        }
    };
    let mut bodies = 0;
    for class in FieldClass::ALL {
        let found = match digest(&stored, class) {
            Some(Ok(digest)) => digest,
            Some(Err(error)) => {
                report.fault(place(), error, RESTORE);
                continue;
            }
            None => continue,
        };
        bodies += 1;
        if found != record.class_digests[class.index()] {
            let what = format!("its {} fields are not those on the ledger", class.name());
            report.fault(place(), what, RESTORE);
        }
    }
    bodies
}

/// The digest that a class's body leads to; `None` where it is erased.
fn digest(stored: &StoredRecord, class: FieldClass) -> Option<Result<Hash, String>> {
    match &stored.classes[class.index()] {
        ClassState::Body { key, body } => {
            Some(class_digest(class, key, body).map_err(|e| e.to_string()))
        }
        ClassState::Empty => match &stored.classes[FieldClass::Identity.index()] {
            ClassState::Body { key, .. } => Some(Ok(empty_digest(class, key))),
            _ => None,
        },
        ClassState::Erased => None,
    }
}

fn check_row(
    index: &Index,
    leaf_index: u64,
    record: &RecordHeader,
    location: Location,
    report: &mut FsckReport,
) {
    let place = || format!("{INDEX_FILE}, record {}", hex(&record.record_id));
    match index.record(&record.record_id) {
        Ok(Some(row)) => {
            let right = row.position.leaf_index == leaf_index
                && row.vault.map(stores::vault_location) == Some(location);
            if !right {
                report.fault(place(), "its row points to another place", REBUILD_INDEX);
            }
        }
        Ok(None) => report.fault(place(), "it has no row", REBUILD_INDEX),
        Err(error) => report.fault(place(), chain(&error), REBUILD_INDEX),
    }
}
