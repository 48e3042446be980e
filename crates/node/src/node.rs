//! A node: its keys, its stores behind the sequencer, and the ordering that drives it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use countermark_ledger::ids::{MemberId, hex};
use countermark_ledger::limits::ORIGIN_BYTES_MAX;
use countermark_ledger::registry::RULE_SET_1;
use countermark_ledger::state::StateView;
use countermark_ledger::state::entries::{Entry, GenesisEntry, KeyEntry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{Body, Genesis, PreviousLog};
use countermark_order::{Local, OrderError};
use countermark_store::disk::{Disk, FileDisk};
use countermark_store::log_store;
use countermark_tlog::Signer;
use countermark_tlog::note::Algorithm;
use ed25519_dalek::SigningKey;

use crate::access::AccessState;
use crate::backup;
use crate::classes::Classes;
use crate::clock::{self, ClockSource};
use crate::error::NodeError;
use crate::jobs::JobsState;
use crate::keychain::Keychain;
use crate::keyring::{self, Keyring, MemberSecrets, Secrets, Unlock};
use crate::members::name_digest;
use crate::progress::{Progress, Silent};
use crate::sequencer::{NotTaken, Outcome, Sequencer, Shared, Signing, Submission, Taken};
use crate::standing::{self, NodeStanding};
use crate::stores::{DESK_FILE, Parts, Stores, lock_folder, store_error};

pub(crate) const KEYS_FOLDER: &str = "keys";
const NAME_BYTES_MAX: usize = 200;

/// An open node. It holds its data directory's lock until it is dropped.
pub struct Node {
    pub(crate) keychain: Arc<Keychain>,
    pub(crate) classes: RwLock<Arc<Classes>>,
    pub(crate) access: AccessState,
    pub(crate) jobs: JobsState,
    /// Why nothing is written.
    read_only: Option<String>,
    /// Erasures change files in place: they wait while a backup copies those.
    pub(crate) in_place: RwLock<()>,
    pub(crate) backing_up: Mutex<()>,
    folder: PathBuf,
    origin: String,
    shared: Shared,
    order: Local<Shared>,
}

/// An origin for a log: the name in lower-case letters, digits and hyphens, and something random.
pub(crate) fn default_origin(name: &str) -> Result<String, NodeError> {
    let mut plain = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => plain.push(c),
            _ if !plain.ends_with('-') && !plain.is_empty() => plain.push('-'),
            _ => {}
        }
    }
    let random: [u8; 4] = keyring::random()?;
    let plain = plain.trim_matches('-');
    let plain = if plain.is_empty() { "ledger" } else { &plain[..plain.len().min(40)] };
    Ok(format!("{plain}.countermark/{}", hex(&random)))
}

/// Removes what a failed start left in a directory that was empty before.
pub(crate) fn clear(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        // What cannot be removed is named when the directory is used again.
        let _left = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), NodeError> {
    let fault = |rule: &str| Err(NodeError::Usage(format!("the name \"{name}\" {rule}")));
    if name.trim().is_empty() {
        return fault("is empty");
    }
    if name.trim() != name || name.chars().any(char::is_control) || name.len() > NAME_BYTES_MAX {
        return fault("must have no outer spaces, no control characters and at most 200 bytes");
    }
    Ok(())
}

pub(crate) fn check_country(country: Option<&str>) -> Result<(), NodeError> {
    match country {
        Some(code) if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) => Err(
            NodeError::Usage(format!("\"{code}\" is no country code; give two capitals, as DE")),
        ),
        _ => Ok(()),
    }
}

/// Makes the keys of a new node.
fn new_keyring(
    folder: &Path,
    unlock: &Unlock,
    name: &str,
    country: Option<&str>,
    origin: String,
) -> Result<Keyring, NodeError> {
    let secrets = Secrets {
        origin,
        log_seed: keyring::random()?,
        hand: keyring::random()?,
        members: vec![MemberSecrets::generate(name, country)?],
    };
    Ok(Keyring::create(&folder.join(KEYS_FOLDER), unlock, secrets)?)
}

/// A node of this system: its files, its clock.
pub(crate) fn system_parts(folder: &Path, disk: FileDisk, keyring: Keyring) -> Parts {
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let (clock, log) = (ClockSource::system(), log_store::Options::default());
    Parts { disk, folder: folder.to_owned(), keyring, clock, log }
}

/// A node, whole: not what a restore that was cut short left.
pub(crate) fn check_place(folder: &Path) -> Result<(), NodeError> {
    if folder.join(KEYS_FOLDER).is_dir() {
        return Ok(());
    }
    for (left, again) in backup::LEFT_BEHIND {
        if folder.join(left).is_dir() {
            let folder = folder.display();
            let what = format!(
                "{folder}: a restore was cut short here; run `countermark restore --data {folder} \
                 {again}` again"
            );
            return Err(NodeError::Usage(what));
        }
    }
    Err(NodeError::NotANode(folder.to_owned()))
}

/// State and index are made again where they are missing; the desk is in no other place.
pub(crate) fn check_desk(folder: &Path) -> Result<(), NodeError> {
    if folder.join(DESK_FILE).is_file() {
        return Ok(());
    }
    Err(NodeError::Damaged {
        place: DESK_FILE.to_owned(),
        what: "it is missing, and with it master data, quarantine and the places of documents; \
               bring it back from a backup, or, if `init` was cut short here, empty the directory \
               and run it again"
            .to_owned(),
    })
}

/// The keys of another node must not sign this log, not even where the origin is the same.
pub(crate) fn check_log_key(stores: &Stores, secrets: &Secrets) -> Result<(), NodeError> {
    let genesis = GenesisEntry::load(&stores.state, keys::GENESIS).map_err(|e| store_error(&e))?;
    let ours = SigningKey::from_bytes(&secrets.log_seed).verifying_key().to_bytes();
    if genesis.is_none_or(|genesis| genesis.log_key == ours) {
        return Ok(());
    }
    Err(NodeError::Damaged {
        place: "keys/secrets".to_owned(),
        what: "these are the keys of another node, the log was begun with another log key; bring \
               back the right keys/ folder"
            .to_owned(),
    })
}

fn refused(not_taken: NotTaken) -> NodeError {
    match not_taken {
        NotTaken::NotWritten(_) => NodeError::Store(not_taken.to_string()),
        other => NodeError::Refused(other.to_string()),
    }
}

impl Node {
    /// Starts a ledger in an empty or absent directory.
    ///
    /// # Errors
    /// [`NodeError::NotEmpty`], or what the disk says; nothing is left behind half made then.
    pub fn init(
        folder: &Path,
        unlock: &Unlock,
        name: &str,
        country: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Self, NodeError> {
        check_name(name)?;
        check_country(country)?;
        let occupied = || NodeError::NotEmpty(folder.to_owned());
        match std::fs::read_dir(folder) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(occupied());
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(NodeError::Store(format!("{}: {error}", folder.display()))),
        }
        let origin = match origin {
            Some(origin) => origin.to_owned(),
            None => default_origin(name)?,
        };
        if origin.is_empty() || origin.chars().any(|c| c.is_whitespace() || c == '+') {
            let what = format!("\"{origin}\" is no origin: it has no spaces and no \"+\"");
            return Err(NodeError::Usage(what));
        }
        if origin.len() > ORIGIN_BYTES_MAX {
            let what = format!("an origin has at most {ORIGIN_BYTES_MAX} bytes");
            return Err(NodeError::Usage(what));
        }
        let disk = FileDisk::create(folder).map_err(|e| store_error(&e))?;
        let begun = new_keyring(folder, unlock, name, country, origin)
            .and_then(|keyring| Self::begin(system_parts(folder, disk, keyring)));
        if begun.is_err() {
            clear(folder);
        }
        begun
    }

    /// Begins a log in empty stores.
    pub(crate) fn begin(parts: Parts) -> Result<Self, NodeError> {
        Self::begin_after(parts, None)
    }

    /// Begins a log in empty stores, naming the head of the one that it replaces.
    pub(crate) fn begin_after(
        parts: Parts,
        previous: Option<PreviousLog>,
    ) -> Result<Self, NodeError> {
        let node = Self::start(parts, &Silent)?;
        let secrets = node.secrets();
        let first = &secrets.members[0];
        let genesis = Body::Genesis(Genesis {
            hand: secrets.hand,
            log_key: SigningKey::from_bytes(&secrets.log_seed).verifying_key().to_bytes(),
            rule_set: RULE_SET_1,
            name_digest: name_digest(first),
            member_key: Signing::new(first.id, &first.signing_seed).key.verifying_key().to_bytes(),
            previous,
        });
        node.state(&first.id, vec![genesis])?;
        node.tell_founder();
        Ok(node)
    }

    /// Opens a node. State and index are brought to the height of the log first.
    ///
    /// # Errors
    /// [`NodeError::NotANode`], [`NodeError::InUse`], [`NodeError::Keyring`], or a damaged store.
    pub fn open(
        folder: &Path,
        unlock: &Unlock,
        progress: &dyn Progress,
    ) -> Result<Self, NodeError> {
        check_place(folder)?;
        let disk = lock_folder(folder)?;
        let keyring = Keyring::open(&folder.join(KEYS_FOLDER), unlock)?;
        check_desk(folder)?;
        Self::open_parts(system_parts(folder, disk, keyring), progress)
    }

    /// Opens what was begun.
    pub(crate) fn open_parts(parts: Parts, progress: &dyn Progress) -> Result<Self, NodeError> {
        let node = Self::start(parts, progress)?;
        if node.lock().stores.tip.parent_time_ms.is_some() {
            return Ok(node);
        }
        Err(NodeError::Damaged {
            place: "log".to_owned(),
            what: "it has no block: if `init` was cut short here, empty the directory and run it \
                   again; else bring back log/ from a backup"
                .to_owned(),
        })
    }

    fn start(parts: Parts, progress: &dyn Progress) -> Result<Self, NodeError> {
        let Parts { disk, folder, keyring, clock, log } = parts;
        let keychain = Arc::new(Keychain::new(keyring));
        let secrets = &*keychain.secrets();
        let log_signer = Signer::new(&secrets.origin, Algorithm::Ed25519, &secrets.log_seed)
            .map_err(|e| NodeError::Usage(format!("origin \"{}\": {e}", secrets.origin)))?;
        let stores = Stores::open(&folder, disk, secrets, log, progress)?;
        check_log_key(&stores, secrets)?;
        let note = stores.desk.setting(clock::NOTE_SETTING).map_err(|e| store_error(&e))?;
        let clock_note = note.as_deref().and_then(clock::Note::decode);
        let read_only = standing::of(&stores.desk)?.reason();
        let access = AccessState::open(&folder, clock.clone())?;
        let keys = Arc::clone(&keychain);
        let sequencer = Sequencer { stores, keys, log_signer, clock, clock_note, founder: None };
        let shared = Shared(Arc::new(Mutex::new(sequencer)));
        let order = Local::start(shared.clone());
        let classes =
            Classes::load(&shared.0.lock().unwrap_or_else(PoisonError::into_inner).stores)?;
        let (classes, origin) = (RwLock::new(Arc::new(classes)), secrets.origin.clone());
        let jobs = JobsState::default();
        let in_place = RwLock::default();
        let node = Self {
            keychain,
            classes,
            access,
            jobs,
            read_only,
            in_place,
            backing_up: Mutex::default(),
            folder,
            origin,
            shared,
            order,
        };
        node.finish_rotations()?;
        node.tell_founder();
        node.jobs_recover()?;
        Ok(node)
    }

    /// The sequencer confirms jumps of the clock as the founding member.
    fn tell_founder(&self) {
        let mut sequencer = self.lock();
        let genesis = GenesisEntry::load(&sequencer.stores.state, keys::GENESIS).ok().flatten();
        let founder = genesis.map(|genesis| genesis.member);
        sequencer.founder = founder.filter(|id| self.secrets().member(id).is_some());
    }

    /// A rotation that was cut short: the ledger says which of the two keys signs.
    fn finish_rotations(&self) -> Result<(), NodeError> {
        if self.read_only.is_some() {
            // The blocks that decided may be among those that are lost.
            return Ok(());
        }
        let mut decided = BTreeMap::new();
        for member in &self.secrets().members {
            let Some(seed) = member.next_seed else { continue };
            let id = Signing::new(member.id, &seed).key_id();
            let known = KeyEntry::load(&self.lock().stores.state, &keys::signing_key(&id))
                .map_err(|e| store_error(&e))?
                .is_some();
            decided.insert(member.id, known.then_some(seed));
        }
        if decided.is_empty() {
            return Ok(());
        }
        Ok(self.keychain.change(|secrets| {
            for member in &mut secrets.members {
                let Some(taken) = decided.get(&member.id) else { continue };
                member.next_seed = None;
                if let Some(seed) = taken {
                    member.signing_seed = *seed;
                }
            }
        })?)
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The data directory.
    pub(crate) fn data_folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the node writes.
    #[must_use]
    pub fn node_standing(&self) -> NodeStanding {
        self.read_only
            .clone()
            .map_or(NodeStanding::Writing, |reason| NodeStanding::ReadOnly { reason })
    }

    /// Every use case that changes records, members or keys asks this before it begins.
    pub(crate) fn writing(&self) -> Result<(), NodeError> {
        self.read_only.clone().map_or(Ok(()), |reason| Err(NodeError::ReadOnly(reason)))
    }

    /// Orders a submission and waits until its block is durable.
    pub(crate) fn submit(&self, submission: Submission) -> Result<Outcome, NodeError> {
        self.writing()?;
        let erases = match &submission {
            Submission::Statements { bodies, .. } => {
                bodies.iter().any(|body| matches!(body, Body::Erasure(_)))
            }
            _ => false,
        };
        let _waits_for_backup =
            erases.then(|| self.in_place.write().unwrap_or_else(PoisonError::into_inner));
        let ticket = self.order.submit(submission).map_err(|error| match error {
            OrderError::Fatal(fatal) => NodeError::Store(fatal.to_string()),
            other => NodeError::Store(other.to_string()),
        })?;
        ticket.wait().map_err(|error| match error {
            OrderError::Fatal(fatal) => NodeError::Unknown(fatal.to_string()),
            other => NodeError::Unknown(other.to_string()),
        })
    }

    /// States something as a member.
    pub(crate) fn state(&self, member: &MemberId, bodies: Vec<Body>) -> Result<Taken, NodeError> {
        self.submit(Submission::Statements { member: *member, bodies })?.map_err(refused)
    }

    /// The field classes as they are now.
    pub(crate) fn classes(&self) -> Arc<Classes> {
        Arc::clone(&self.classes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records that the clock really jumped; gives the time that was recorded.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where there is no jump to confirm.
    pub fn confirm_clock(&self) -> Result<String, NodeError> {
        let taken = self.submit(Submission::Clock)?.map_err(refused)?;
        Ok(clock::moment(taken.time_ms))
    }

    /// The time by the node's clock, RFC 3339.
    #[must_use]
    pub fn now(&self) -> String {
        clock::moment(self.lock().clock.now_ms())
    }

    /// Height of the newest block.
    #[must_use]
    pub fn height(&self) -> Option<u64> {
        self.lock().stores.state.head().ok().flatten().map(|head| head.height)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // What cannot be written any more was only waiting since the last second.
        let _left = self.access_log_write();
        let _left = self.jobs_write();
        self.order.stop();
    }
}
