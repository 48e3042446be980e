//! `fsck`: computes everything again and says what is wrong where. Changes nothing.
//!
//! The log is checked from its entries upwards; every block is executed again from the first on and
//! must give the state root that its header states; every body in the vault must lead to the class
//! digests on the ledger; state and index must say what log and vault say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use countermark_epcis::Facts;
use countermark_ledger::cid::salted_digest;
use countermark_ledger::ids::{Hash, MemberId, RecordId, hex, sha256};
use countermark_ledger::machine::{self, Tip};
use countermark_ledger::record::{FieldClass, class_digest, empty_digest};
use countermark_ledger::record_header::{RecordHeader, decode_batch};
use countermark_ledger::state::{MemoryState, StateStore, StateView};
use countermark_ledger::statement::{Body, Document, DocumentDigest, SignedStatement};
use countermark_store::desk::Desk;
use countermark_store::disk::Disk;
use countermark_store::index::Index;
use countermark_store::log_store::{self, LogView};
use countermark_store::state_store::SqliteState;
use countermark_store::vault::{ClassState, Location, StoredRecord, Vault, VaultError};
use countermark_tlog::Signer;
use countermark_tlog::note::Algorithm;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::blocks::{self, Placed};
use crate::error::NodeError;
use crate::keyring::{Keyring, Secrets, Unlock};
use crate::node::{KEYS_FOLDER, Node, check_desk, check_log_key};
use crate::prepare::keyed;
use crate::progress::Progress;
use crate::replay::{self, Places};
use crate::sequencer::{chain, index_erasure};
use crate::stores::{
    self, DESK_FILE, DOCUMENT_SETTING, DocumentPlace, INDEX_FILE, STATE_FILE, Stores, erased_bits,
    lock_folder, store_error,
};

/// Faults that are listed before the search ends.
const FAULTS_MAX: usize = 1_000;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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

impl Serialize for FsckReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("FsckReport", 3)?;
        report.serialize_field("sound", &self.faults.is_empty())?;
        report.serialize_field("checked", &Counts(&self.checked))?;
        report.serialize_field("faults", &self.faults)?;
        report.end()
    }
}

/// Counts as an object, in their order.
struct Counts<'a>(&'a [(String, u64)]);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(what, count)| (what, count)))
    }
}

impl FsckReport {
    fn fault(&mut self, place: impl Into<String>, what: impl Into<String>, advice: &str) {
        if self.faults.len() < FAULTS_MAX {
            let (place, what) = (place.into(), what.into());
            self.faults.push(Fault { place, what, advice: advice.to_owned() });
        }
    }
}

/// An index that is being made.
const NEW_INDEX_FILE: &str = "index.db.new";
const RESTORE: &str = "restore this file from a backup or another member's copy";
const RESTORE_VAULT: &str = "restore the newer keys and bodies files of the vault from a backup";
const REBUILD_STATE: &str = "delete state.db; it is made again from the log";
const REBUILD_INDEX: &str = "run `countermark index rebuild`";
const RESTORE_DESK: &str = "restore it from a backup";
const ERASE_AGAIN: &str = "run `countermark index rebuild`: it erases again what the ledger names";

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
        let disk: Arc<dyn Disk> = Arc::new(lock_folder(folder)?);
        // A wrong passphrase must change nothing.
        let keyring = Keyring::open(&folder.join(KEYS_FOLDER), unlock)?;
        check_desk(folder)?;
        make_index(folder, disk, &keyring.secrets, log_store::Options::default(), progress)?;
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

/// Makes the index beside the old one, which goes only when log and vault gave all of the new one.
pub(crate) fn make_index(
    folder: &Path,
    disk: Arc<dyn Disk>,
    secrets: &Secrets,
    options: log_store::Options,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let (new, old) = (folder.join(NEW_INDEX_FILE), folder.join(INDEX_FILE));
    Index::remove(&new).map_err(|e| store_error(&e))?;
    let stores = Stores::open_with_index(folder, NEW_INDEX_FILE, disk, secrets, options, progress)?;
    check_log_key(&stores, secrets)?;
    // Closed, a database has all in its one file; the lock on the directory is let go only after.
    let Stores { index, disk, .. } = stores;
    drop(index);
    Index::remove(&old).map_err(|e| store_error(&e))?;
    std::fs::rename(&new, &old).map_err(|e| store_error(&e))?;
    drop(disk);
    Ok(())
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
        (Ok(Some(ours)), Ok(Some(theirs))) if ours.height < theirs.height => {
            // Behind is no fault: opening catches up.
        }
        _ => report.fault(place, "its root is not the one that the log gives", REBUILD_STATE),
    }
}

/// What the records and documents on the ledger are checked against.
struct Held<'a> {
    secrets: &'a Secrets,
    vaults: BTreeMap<MemberId, Vault>,
    places: Places,
    desk: Option<Desk>,
    index: Option<Index>,
    applied: Option<u64>,
    /// Classes that the ledger says are erased.
    erased: BTreeMap<RecordId, u16>,
    /// The same, as far as the index has come.
    erased_in_index: BTreeMap<RecordId, u16>,
}

/// Every record and document on the ledger: bodies against digests, rows against both.
fn check_records(
    folder: &Path,
    disk: &Arc<dyn Disk>,
    secrets: &Secrets,
    log: &LogView,
    report: &mut FsckReport,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let desk = open_desk(folder, report);
    let vaults = open_vaults(disk, secrets, log, desk.as_ref(), report)?;
    let index = open_index(folder, report);
    let applied = index.as_ref().and_then(|index| index.applied_height().ok().flatten());
    let places = match replay::places(&vaults) {
        Ok(places) => places,
        Err(error) => {
            report.fault("vault", error.to_string(), RESTORE);
            return Ok(());
        }
    };
    let (erased, erased_in_index) = (BTreeMap::new(), BTreeMap::new());
    let mut held = Held { secrets, vaults, places, desk, index, applied, erased, erased_in_index };
    let headers = blocks::headers_from(log, 0)?;
    for header in &headers {
        for placed in blocks::statements(log, header)? {
            let Body::Erasure(erasure) = &placed.signed.statement().body else { continue };
            let erasure = index_erasure(erasure);
            *held.erased.entry(erasure.record_id).or_default() |= erasure.classes;
            if applied.is_some_and(|height| header.height <= height) {
                *held.erased_in_index.entry(erasure.record_id).or_default() |= erasure.classes;
            }
        }
    }
    let (mut records, mut bodies, mut documents) = (0, 0, 0);
    let total = headers.len() as u64;
    for (done, header) in (1..).zip(&headers) {
        for placed in blocks::statements(log, header)? {
            let member = placed.signed.statement().member;
            let capture = match &placed.signed.statement().body {
                Body::Capture(capture) => capture,
                Body::Document(document) => {
                    documents += check_document(&held, member, document, report);
                    continue;
                }
                _ => continue,
            };
            let batch = decode_batch(&blocks::object(log, &capture.object)?);
            for bytes in batch.map_err(|e| store_error(&e))? {
                let record = RecordHeader::decode(&bytes).map_err(|e| store_error(&e))?;
                records += 1;
                bodies += held.check_record(header.height, &placed, &record, report);
            }
        }
        progress.at("blocks of records checked", done, total);
    }
    report.checked.push(("records".to_owned(), records));
    report.checked.push(("bodies in the vault".to_owned(), bodies));
    report.checked.push(("documents in the vault".to_owned(), documents));
    Ok(())
}

fn open_desk(folder: &Path, report: &mut FsckReport) -> Option<Desk> {
    let path = folder.join(DESK_FILE);
    // Opening would make an empty one.
    if !path.is_file() {
        report.fault(DESK_FILE, "it is missing", RESTORE_DESK);
        return None;
    }
    match Desk::open(&path).and_then(|desk| desk.check().map(|()| desk)) {
        Ok(desk) => Some(desk),
        Err(error) => {
            report.fault(DESK_FILE, chain(&error), RESTORE_DESK);
            None
        }
    }
}

/// The vaults, for reading: nothing is cut off and nothing finished.
fn open_vaults(
    disk: &Arc<dyn Disk>,
    secrets: &Secrets,
    log: &LogView,
    desk: Option<&Desk>,
    report: &mut FsckReport,
) -> Result<BTreeMap<MemberId, Vault>, NodeError> {
    let (mut vaults, mut unfinished) = (BTreeMap::new(), 0);
    let known = match stores::known(log, desk, secrets) {
        Ok(known) => known,
        Err(error) => {
            report.fault(DESK_FILE, error.to_string(), RESTORE_DESK);
            stores::known(log, None, secrets)?
        }
    };
    for member in &secrets.members {
        let mut known = known.get(&member.id).copied().unwrap_or_default();
        known.read_only = true;
        match stores::begin_vault(disk, member.id, &member.vault_key, known) {
            Ok((vault, recovery)) => {
                unfinished += recovery.cut.len() + recovery.erasures_finished;
                vaults.insert(member.id, vault);
            }
            Err(error) => report.fault("vault", error.to_string(), RESTORE_VAULT),
        }
    }
    if unfinished > 0 {
        // No fault: what a crash left, and what opening puts right.
        report.checked.push(("steps of the vault cut short".to_owned(), unfinished as u64));
    }
    Ok(vaults)
}

fn open_index(folder: &Path, report: &mut FsckReport) -> Option<Index> {
    match Index::open(&folder.join(INDEX_FILE)).and_then(|index| index.check().map(|()| index)) {
        Ok(index) => Some(index),
        Err(error) => {
            report.fault(INDEX_FILE, chain(&error), REBUILD_INDEX);
            None
        }
    }
}

impl Held<'_> {
    /// One record; gives the number of its bodies.
    fn check_record(
        &self,
        height: u64,
        placed: &Placed,
        record: &RecordHeader,
        report: &mut FsckReport,
    ) -> u64 {
        let Some((member, location)) = self.places.get(&record.record_id) else {
            if self.vaults.contains_key(&placed.signed.statement().member) {
                let place = format!("vault, record {}", hex(&record.record_id));
                report.fault(place, "its bodies are missing", RESTORE);
            }
            return 0;
        };
        let Some(vault) = self.vaults.get(member) else { return 0 };
        let stored = match vault.get(*location, &record.record_id) {
            Ok(stored) => stored,
            Err(error) => {
                let place = format!("vault, record {}", hex(&record.record_id));
                report.fault(place, chain(&error), RESTORE);
                return 0;
            }
        };
        let bits = |erased: &BTreeMap<RecordId, u16>| {
            erased.get(&record.record_id).copied().unwrap_or_default()
        };
        if let (Some(index), true) = (&self.index, self.applied.is_some_and(|to| height <= to)) {
            let erased = bits(&self.erased_in_index) | erased_bits(&stored);
            check_row(index, placed.index, &stored, *location, erased, report);
        }
        check_body(&stored, record, bits(&self.erased), report)
    }
}

/// A kept document against its digest; gives how many were there.
fn check_document(
    held: &Held<'_>,
    member: MemberId,
    document: &Document,
    report: &mut FsckReport,
) -> u64 {
    let (Some(desk), Some(vault)) = (&held.desk, held.vaults.get(&member)) else { return 0 };
    let Some(secrets) = held.secrets.members.iter().find(|one| one.id == member) else { return 0 };
    let name = hex(&document.document);
    let noted = match desk.setting(&format!("{DOCUMENT_SETTING}{name}")) {
        Ok(Some(noted)) => noted,
        // A crash came before its place was noted: nobody was told that it is kept.
        Ok(None) => return 0,
        Err(error) => {
            report.fault(DESK_FILE, chain(&error), RESTORE_DESK);
            return 0;
        }
    };
    let place = format!("vault, document {name}");
    let Ok(noted) = serde_json::from_slice::<DocumentPlace>(&noted) else {
        report.fault(
            DESK_FILE,
            format!("the place of document {name} does not read"),
            RESTORE_DESK,
        );
        return 0;
    };
    let (mut content, location) = (Vec::new(), Location::from_u64(noted.location));
    match vault.get_document(location, &document.document, &mut content) {
        Ok(_) => {}
        Err(VaultError::Erased) => return 0,
        Err(error) => {
            report.fault(place, chain(&error), RESTORE);
            return 1;
        }
    }
    let digest = sha256(&content);
    let holds = match document.digest {
        DocumentDigest::Salted(stated) => {
            let salt = keyed(&secrets.vault_key, &[b"document salt", &document.document]);
            stated == salted_digest(&salt, &digest)
        }
        DocumentDigest::Open(stated) => stated == digest,
    };
    if !holds {
        report.fault(place, "its content is not the one on the ledger", RESTORE);
    }
    1
}

/// The bodies of a record against its class digests; gives how many there were.
fn check_body(
    stored: &StoredRecord,
    record: &RecordHeader,
    erased: u16,
    report: &mut FsckReport,
) -> u64 {
    let place = || format!("vault, record {}", hex(&record.record_id));
    let mut bodies = 0;
    for class in FieldClass::ALL {
        let found = match digest(stored, class) {
            Some(Ok(digest)) => digest,
            Some(Err(error)) => {
                report.fault(place(), error, RESTORE);
                continue;
            }
            None => continue,
        };
        bodies += 1;
        let is_body = matches!(stored.classes[class.index()], ClassState::Body { .. });
        if is_body && erased & 1 << class.number() != 0 {
            let what = format!("its {} fields are erased on the ledger, not here", class.name());
            report.fault(place(), what, ERASE_AGAIN);
        }
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

/// A record's row against log and vault.
fn check_row(
    index: &Index,
    leaf_index: u64,
    stored: &StoredRecord,
    location: Location,
    erased: u16,
    report: &mut FsckReport,
) {
    let place = || format!("{INDEX_FILE}, record {}", hex(&stored.id));
    let row = match index.record(&stored.id) {
        Ok(Some(row)) => row,
        Ok(None) => return report.fault(place(), "it has no row", REBUILD_INDEX),
        Err(error) => return report.fault(place(), chain(&error), REBUILD_INDEX),
    };
    let is_there = row.position.leaf_index == leaf_index
        && row.vault.map(stores::vault_location) == Some(location);
    if !is_there {
        report.fault(place(), "its row points to another place", REBUILD_INDEX);
    }
    if row.erased != erased {
        report.fault(place(), "its row has other classes as erased", REBUILD_INDEX);
    }
    // What does not read is a fault of the vault, and reported with its bodies.
    let Ok(loaded) = stores::event_of(stored) else { return };
    if ["type", "eventTime"].iter().any(|name| loaded.event.get(name).is_none()) {
        return;
    }
    let facts = Facts::of(&loaded.event);
    // Erasure takes times and ids out of the row that the vault may still have.
    let is_left = |class: FieldClass| erased & 1 << class.number() == 0;
    if is_left(FieldClass::Transport) && row.event_time_ms != facts.event_time_ms {
        report.fault(place(), "its row has another event time", REBUILD_INDEX);
    }
    if is_left(FieldClass::Identity) && row.event_id != facts.event_id {
        report.fault(place(), "its row has another event id", REBUILD_INDEX);
    }
}
