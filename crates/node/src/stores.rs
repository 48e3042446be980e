//! The node's five stores, opened together and brought to the same height.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_epcis::json::Json;
use countermark_ledger::ids::{MemberId, RecordId};
use countermark_ledger::machine::Tip;
use countermark_ledger::record::seal::WrapKey;
use countermark_ledger::record::{self, FieldClass};
use countermark_store::desk::Desk;
use countermark_store::disk::{Disk, FileDisk, OpenError};
use countermark_store::index::{self, EventRow, Index, IndexError, VaultLocation};
use countermark_store::log_store::{self, LogStore, LogView};
use countermark_store::state_store::SqliteState;
use countermark_store::vault::{
    ClassState, Known, Location, NewRecord, Random, Recovery, SEGMENT_BYTES, StoredRecord, Vault,
};
use serde::{Deserialize, Serialize};

use crate::blocks;
use crate::clock::ClockSource;
use crate::error::NodeError;
use crate::indexer::Indexer;
use crate::keyring::{Keyring, Secrets};
use crate::prepare::Prepared;
use crate::progress::Progress;
use crate::replay;
use crate::sequencer::chain;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
pub(crate) const STATE_FILE: &str = "state.db";
pub(crate) const INDEX_FILE: &str = "index.db";
pub(crate) const DESK_FILE: &str = "desk.db";

/// The stores of a node, and where the log stands.
pub(crate) struct Stores {
    pub(crate) origin: String,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) log: LogStore,
    pub(crate) vaults: BTreeMap<MemberId, Vault>,
    pub(crate) state: SqliteState,
    pub(crate) index: Indexer,
    pub(crate) desk: Desk,
    pub(crate) tip: Tip,
}

/// What a node is opened from.
pub(crate) struct Parts {
    /// Log and vault: what must never be lost.
    pub(crate) disk: Arc<dyn Disk>,
    /// Where the databases lie: state and index, which are made again, and the desk.
    pub(crate) folder: PathBuf,
    pub(crate) keyring: Keyring,
    pub(crate) clock: ClockSource,
    pub(crate) log: log_store::Options,
}

/// Why records were not put in the vault.
pub(crate) enum PutError {
    /// Nothing was stored.
    NotWritten(String),
    /// The vault must be opened again.
    Fatal(String),
}

/// An event as the vault still has it.
pub(crate) struct LoadedEvent {
    pub(crate) event: Json,
    /// Whether a class of it is erased.
    pub(crate) is_partial: bool,
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(out).map_err(|e| std::io::Error::other(e.to_string()))
    }
}

pub(crate) fn store_error(error: &(dyn std::error::Error + 'static)) -> NodeError {
    NodeError::Store(chain(error))
}

/// Takes hold of a data directory; nobody else can until it is dropped.
pub(crate) fn lock_folder(folder: &Path) -> Result<FileDisk, NodeError> {
    FileDisk::open(folder).map_err(|error| match error {
        OpenError::InUse { .. } => NodeError::InUse(folder.to_owned()),
        other => store_error(&other),
    })
}

impl Stores {
    /// Opens the stores of a data directory whose lock `disk` holds, and catches state and index up
    /// with the log.
    pub(crate) fn open(
        folder: &Path,
        disk: Arc<dyn Disk>,
        secrets: &Secrets,
        options: log_store::Options,
        progress: &dyn Progress,
    ) -> Result<Self, NodeError> {
        Self::open_with_index(folder, INDEX_FILE, disk, secrets, options, progress)
    }

    /// As [`Stores::open`], with an index of another name, as while it is made again.
    pub(crate) fn open_with_index(
        folder: &Path,
        index: &str,
        disk: Arc<dyn Disk>,
        secrets: &Secrets,
        options: log_store::Options,
        progress: &dyn Progress,
    ) -> Result<Self, NodeError> {
        let log = LogStore::open_with(Arc::clone(&disk), &secrets.origin, options);
        let (log, _) = log.map_err(|e| store_error(&e))?;
        let state = SqliteState::open(&folder.join(STATE_FILE)).map_err(|e| store_error(&e))?;
        let index = open_index(&folder.join(index))?;
        let desk = Desk::open(&folder.join(DESK_FILE)).map_err(|e| store_error(&e))?;
        let tip = blocks::tip(&log)?;
        let mut stores = Self {
            origin: secrets.origin.clone(),
            disk,
            log,
            vaults: BTreeMap::new(),
            state,
            index: Indexer::start(index),
            desk,
            tip,
        };
        replay::check_history(&stores)?;
        let known = known(&stores.log, Some(&stores.desk), secrets)?;
        for member in &secrets.members {
            let known = known.get(&member.id).copied().unwrap_or_default();
            let (vault, _) = begin_vault(&stores.disk, member.id, &member.vault_key, known)?;
            stores.vaults.insert(member.id, vault);
        }
        replay::catch_up(&mut stores, progress)?;
        Ok(stores)
    }

    /// Begins a new member's vault.
    pub(crate) fn open_vault(&mut self, id: MemberId, key: &[u8; 32]) -> Result<(), NodeError> {
        let (vault, _) = begin_vault(&self.disk, id, key, Known::default())?;
        self.vaults.insert(id, vault);
        Ok(())
    }

    /// Puts the records of a block into their members' vaults; gives their places in order.
    pub(crate) fn put_records(
        &mut self,
        records: &[(&Prepared, MemberId)],
        time_ms: u64,
    ) -> Result<Vec<VaultLocation>, PutError> {
        let day = u32::try_from(time_ms / DAY_MS).unwrap_or(u32::MAX);
        let mut locations = vec![VaultLocation { segment: 0, offset: 0 }; records.len()];
        let mut by_member: BTreeMap<MemberId, Vec<usize>> = BTreeMap::new();
        for (i, (_, member)) in records.iter().enumerate() {
            by_member.entry(*member).or_default().push(i);
        }
        for (member, places) in by_member {
            let missing =
                || PutError::NotWritten("this node has no vault of the member".to_owned());
            let vault = self.vaults.get_mut(&member).ok_or_else(missing)?;
            let new: Vec<NewRecord<'_>> = places
                .iter()
                .map(|i| {
                    let record = records[*i].0;
                    NewRecord {
                        id: record.record_id,
                        bodies: &record.bodies,
                        keys: &record.keys,
                        subject: record.subject.as_deref(),
                    }
                })
                .collect();
            // After a failed write the vault refuses until it is opened again, hence fatal.
            let put = vault.put_batch(day, &new).map_err(|e| PutError::Fatal(chain(&e)))?;
            for (i, location) in places.into_iter().zip(put) {
                locations[i] = index_location(location);
            }
        }
        Ok(locations)
    }

    /// Carries out erasures that stand in the log, in the vaults of this node.
    pub(crate) fn erase(&mut self, erasures: &[index::Erasure]) -> Result<(), NodeError> {
        for erasure in erasures {
            let Some(row) = self.row(&erasure.record_id)? else { continue };
            let Some(location) = row.vault else { continue };
            self.erase_at(row.member, vault_location(location), erasure)?;
        }
        Ok(())
    }

    /// Carries out one erasure, unless it was carried out before.
    pub(crate) fn erase_at(
        &mut self,
        member: MemberId,
        location: Location,
        erasure: &index::Erasure,
    ) -> Result<(), NodeError> {
        let Some(vault) = self.vaults.get_mut(&member) else { return Ok(()) };
        let stored = vault.get(location, &erasure.record_id).map_err(|e| store_error(&e))?;
        let left = erasure.classes & held_bits(&stored);
        if left == 0 {
            return Ok(());
        }
        let classes: Vec<FieldClass> =
            FieldClass::ALL.into_iter().filter(|class| left & 1 << class.number() != 0).collect();
        vault.erase(location, &erasure.record_id, &classes).map_err(|e| store_error(&e))
    }

    /// Where a record is, by the index.
    pub(crate) fn row(&self, record: &RecordId) -> Result<Option<EventRow>, NodeError> {
        self.index.read()?.record(record).map_err(|e| store_error(&e))
    }

    /// What the vault still has of a record; `None` where this node holds nothing of it.
    pub(crate) fn open_record(&self, record: &RecordId) -> Result<Option<StoredRecord>, NodeError> {
        match self.row(record)? {
            Some(row) => self.open_row(&row),
            None => Ok(None),
        }
    }

    pub(crate) fn open_row(&self, row: &EventRow) -> Result<Option<StoredRecord>, NodeError> {
        let (Some(vault), Some(location)) = (self.vaults.get(&row.member), row.vault) else {
            return Ok(None);
        };
        let found = vault.get(vault_location(location), &row.record_id);
        found.map(Some).map_err(|e| store_error(&e))
    }

    /// The event of a record, as captured, with the classes that are left.
    pub(crate) fn load_record(&self, record: &RecordId) -> Result<Option<LoadedEvent>, NodeError> {
        self.open_record(record)?.map(|stored| event_of(&stored)).transpose()
    }

    pub(crate) fn load_row(&self, row: &EventRow) -> Result<Option<LoadedEvent>, NodeError> {
        self.open_row(row)?.map(|stored| event_of(&stored)).transpose()
    }
}

/// Where the desk notes a document's place, before its id.
pub(crate) const DOCUMENT_SETTING: &str = "document/";

/// A document's place, as the desk notes it.
#[derive(Serialize, Deserialize)]
pub(crate) struct DocumentPlace {
    pub(crate) member: MemberId,
    pub(crate) location: u64,
    /// The name that the document was given under.
    pub(crate) name: String,
    /// Its size, and when it was given by the node's clock: absent where an earlier version kept it.
    #[serde(default)]
    pub(crate) bytes: Option<u64>,
    #[serde(default)]
    pub(crate) kept_at_ms: Option<u64>,
}

/// What the vaults of this node are known to hold: records by the log, documents by the desk.
pub(crate) fn known(
    log: &LogView,
    desk: Option<&Desk>,
    secrets: &Secrets,
) -> Result<BTreeMap<MemberId, Known>, NodeError> {
    let members: BTreeSet<MemberId> = secrets.members.iter().map(|member| member.id).collect();
    let mut known: BTreeMap<MemberId, Known> = BTreeMap::new();
    for (member, record) in replay::newest_records(log, &members)? {
        known.entry(member).or_default().newest = Some(record);
    }
    let noted = desk.map(|desk| desk.settings_of(DOCUMENT_SETTING)).transpose();
    for (_, place) in noted.map_err(|e| store_error(&e))?.unwrap_or_default() {
        let place: DocumentPlace = serde_json::from_slice(&place).map_err(|e| store_error(&e))?;
        let location = Location::from_u64(place.location);
        let known = known.entry(place.member).or_default();
        known.certain = known.certain.max(Some(location));
    }
    Ok(known)
}

/// Opens one member's vault, or begins it. What is known to be in it is never taken for a torn
/// append: if it does not read it is damage.
pub(crate) fn begin_vault(
    disk: &Arc<dyn Disk>,
    id: MemberId,
    key: &[u8; 32],
    known: Known,
) -> Result<(Vault, Recovery), NodeError> {
    let folder = format!("vault/{}", countermark_ledger::ids::hex(&id));
    let key = WrapKey::from_bytes(*key);
    let (disk, random) = (Arc::clone(disk), Arc::new(SystemRandom));
    Vault::open_known(disk, &folder, key, random, known, SEGMENT_BYTES).map_err(|e| store_error(&e))
}

/// The event in a vault's record.
pub(crate) fn event_of(stored: &StoredRecord) -> Result<LoadedEvent, NodeError> {
    let (event, _) = record::assemble(&stored.bodies()).map_err(|e| store_error(&e))?;
    let is_partial = stored.classes.iter().any(|class| matches!(class, ClassState::Erased));
    Ok(LoadedEvent { event, is_partial })
}

/// Bits of the classes that a record has lost.
pub(crate) fn erased_bits(stored: &StoredRecord) -> u16 {
    let classes = FieldClass::ALL.into_iter().zip(&stored.classes);
    let erased = classes.filter(|(_, state)| matches!(state, ClassState::Erased));
    erased.fold(0, |bits, (class, _)| bits | 1 << class.number())
}

/// Bits of the classes that a record still has a body of; a class may be empty from the start.
pub(crate) fn held_bits(stored: &StoredRecord) -> u16 {
    let classes = FieldClass::ALL.into_iter().zip(&stored.classes);
    let held = classes.filter(|(_, state)| matches!(state, ClassState::Body { .. }));
    held.fold(0, |bits, (class, _)| bits | 1 << class.number())
}

pub(crate) fn index_location(location: Location) -> VaultLocation {
    VaultLocation { segment: location.segment, offset: u64::from(location.offset) }
}

pub(crate) fn vault_location(location: VaultLocation) -> Location {
    let offset = u32::try_from(location.offset).unwrap_or(u32::MAX);
    Location { segment: location.segment, offset }
}

fn open_index(path: &Path) -> Result<Index, NodeError> {
    if !path.exists() {
        return Index::create(path).map_err(|e| store_error(&e));
    }
    let opened = match Index::open(path) {
        // Nothing is only in the index: one of an earlier version is made again from the log.
        Err(IndexError::SchemaVersion { found, expected, .. }) if found < expected => {
            Index::remove(path).and_then(|()| Index::create(path))
        }
        opened => opened,
    };
    opened.map_err(|error| {
        let what = chain(&error);
        // Some of its errors say it themselves.
        let advice = "`countermark index rebuild` makes it again";
        let advised = what.contains("index rebuild");
        NodeError::Store(if advised { what } else { format!("{what}; {advice}") })
    })
}
