//! A node: its keys, its stores behind the sequencer, and the ordering that drives it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use countermark_ledger::ids::{MemberId, hex, key_id, sha256};
use countermark_ledger::limits::ORIGIN_BYTES_MAX;
use countermark_ledger::registry::RULE_SET_1;
use countermark_ledger::state::StateView;
use countermark_ledger::state::entries::{
    Entry, GenesisEntry, KeyEntry, MemberEntry, MemberStatus,
};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{
    Body, Genesis, KeyAction, KeyBody, MemberAction, MemberBody, PreviousLog, key_proof_message,
};
use countermark_order::{Local, OrderError};
use countermark_store::disk::{Disk, FileDisk};
use countermark_store::log_store;
use countermark_tlog::Signer;
use countermark_tlog::note::Algorithm;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::backup;
use crate::blocks;
use crate::classes::Classes;
use crate::clock::{self, ClockSource};
use crate::error::NodeError;
use crate::keyring::{self, Keyring, MemberSecrets, Secrets, Unlock};
use crate::progress::{Progress, Silent};
use crate::sequencer::{NotTaken, Outcome, Sequencer, Shared, Signing, Submission, Taken};
use crate::standing::{self, NodeStanding};
use crate::stores::{DESK_FILE, Parts, Stores, lock_folder, store_error};

pub(crate) const KEYS_FOLDER: &str = "keys";
const NAME_BYTES_MAX: usize = 200;

/// An open node. It holds its data directory's lock until it is dropped.
pub struct Node {
    pub(crate) keyring: Keyring,
    pub(crate) classes: Classes,
    /// Why nothing is written.
    read_only: Option<String>,
    /// Erasures change files in place: they wait while a backup copies those.
    pub(crate) in_place: RwLock<()>,
    shared: Shared,
    order: Local<Shared>,
}

/// A member as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Its id on the ledger, in hexadecimal.
    pub id: String,
    /// Its name, from the keyring.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The hand that holds its keys, in hexadecimal.
    pub hand: String,
    /// `active`, `suspended` or `left`, by the ledger.
    pub status: String,
}

/// A signing key as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// SHA-256 of the public key, in hexadecimal.
    pub id: String,
    /// The public key (Ed25519), in hexadecimal.
    pub public_key: String,
    /// Name of the member.
    pub member: String,
    /// Height of the first block in which it may sign.
    pub valid_from_height: u64,
    /// Height of the first block in which it may not any more.
    pub revoked_at_height: Option<u64>,
}

/// Digest of a member's name under its salt: what the ledger holds of the name.
pub(crate) fn name_digest(member: &MemberSecrets) -> [u8; 32] {
    let message =
        [b"countermark member name 1".as_slice(), &member.name_salt, member.name.as_bytes()];
    sha256(&message.concat())
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

fn check_name(name: &str) -> Result<(), NodeError> {
    let fault = |rule: &str| Err(NodeError::Usage(format!("the name \"{name}\" {rule}")));
    if name.trim().is_empty() {
        return fault("is empty");
    }
    if name.trim() != name || name.chars().any(char::is_control) || name.len() > NAME_BYTES_MAX {
        return fault("must have no outer spaces, no control characters and at most 200 bytes");
    }
    Ok(())
}

fn check_country(country: Option<&str>) -> Result<(), NodeError> {
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
            let what = format!(
                "{}: a restore was cut short here; run `countermark restore --data {} {again}` again",
                folder.display(),
                folder.display()
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
        let first = &node.keyring.secrets.members[0];
        let genesis = Body::Genesis(Genesis {
            hand: node.keyring.secrets.hand,
            log_key: SigningKey::from_bytes(&node.keyring.secrets.log_seed)
                .verifying_key()
                .to_bytes(),
            rule_set: RULE_SET_1,
            name_digest: name_digest(first),
            member_key: node.signing(0).key.verifying_key().to_bytes(),
            previous,
        });
        node.state(0, vec![genesis])?;
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
        let secrets = &keyring.secrets;
        let log_signer = Signer::new(&secrets.origin, Algorithm::Ed25519, &secrets.log_seed)
            .map_err(|e| NodeError::Usage(format!("origin \"{}\": {e}", secrets.origin)))?;
        let stores = Stores::open(&folder, disk, secrets, log, progress)?;
        check_log_key(&stores, secrets)?;
        let note = stores.desk.setting(clock::NOTE_SETTING).map_err(|e| store_error(&e))?;
        let clock_note = note.as_deref().and_then(clock::Note::decode);
        let read_only = standing::of(&stores.desk)?.reason();
        let sequencer = Sequencer { stores, log_signer, clock, clock_note, founder: None };
        let shared = Shared(Arc::new(Mutex::new(sequencer)));
        let order = Local::start(shared.clone());
        let classes =
            Classes::load(&shared.0.lock().unwrap_or_else(PoisonError::into_inner).stores)?;
        let in_place = RwLock::default();
        let mut node = Self { keyring, classes, read_only, in_place, shared, order };
        node.finish_rotations()?;
        node.tell_founder();
        Ok(node)
    }

    /// The sequencer confirms jumps of the clock as the founding member, with its newest key.
    fn tell_founder(&self) {
        let mut sequencer = self.lock();
        let genesis = GenesisEntry::load(&sequencer.stores.state, keys::GENESIS).ok().flatten();
        let founder = genesis.and_then(|genesis| self.member_of_id(&genesis.member).ok());
        sequencer.founder = founder.map(|at| self.signing(at));
    }

    /// A rotation that was cut short: the ledger says which of the two keys signs.
    fn finish_rotations(&mut self) -> Result<(), NodeError> {
        if self.read_only.is_some() {
            // The blocks that decided may be among those that are lost.
            return Ok(());
        }
        let mut changed = false;
        for at in 0..self.keyring.secrets.members.len() {
            let member = &self.keyring.secrets.members[at];
            let Some(seed) = member.next_seed else { continue };
            let id = Signing::new(member.id, &seed).key_id();
            let known = KeyEntry::load(&self.lock().stores.state, &keys::signing_key(&id))
                .map_err(|e| store_error(&e))?
                .is_some();
            let member = &mut self.keyring.secrets.members[at];
            member.next_seed = None;
            if known {
                member.signing_seed = seed;
            }
            changed = true;
        }
        if changed { Ok(self.keyring.save()?) } else { Ok(()) }
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.keyring.secrets.origin
    }

    /// The data directory.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.keyring.data_folder().to_owned()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn state(&self, member: usize, bodies: Vec<Body>) -> Result<Taken, NodeError> {
        let signer = self.signing(member);
        self.submit(Submission::Statements { signer, bodies })?.map_err(refused)
    }

    pub(crate) fn signing(&self, member: usize) -> Signing {
        let member = &self.keyring.secrets.members[member];
        Signing::new(member.id, &member.signing_seed)
    }

    /// Place of a member in the keyring, by name; the first where none is given.
    pub(crate) fn member_index(&self, name: Option<&str>) -> Result<usize, NodeError> {
        let members = &self.keyring.secrets.members;
        let Some(name) = name else { return Ok(0) };
        members.iter().position(|member| member.name == name).ok_or_else(|| {
            let known: Vec<&str> = members.iter().map(|member| &*member.name).collect();
            NodeError::UnknownMember { name: name.to_owned(), known: known.join(", ") }
        })
    }

    pub(crate) fn member_of_id(&self, id: &MemberId) -> Result<usize, NodeError> {
        let position = self.keyring.secrets.members.iter().position(|member| member.id == *id);
        position.ok_or_else(|| {
            NodeError::Refused(format!("this node does not hold the keys of member {}", hex(id)))
        })
    }

    /// Adds a member whose keys this node holds.
    ///
    /// # Errors
    /// [`NodeError::MemberExists`]; what the ledger refuses.
    pub fn member_add(
        &mut self,
        name: &str,
        country: Option<&str>,
    ) -> Result<MemberView, NodeError> {
        self.writing()?;
        check_name(name)?;
        check_country(country)?;
        let kept = self.keyring.secrets.members.iter().find(|member| member.name == name);
        let kept = kept.cloned();
        let is_kept = kept.is_some();
        let member = match kept {
            Some(kept) if self.is_on_ledger(&kept.id)? => {
                return Err(NodeError::MemberExists(name.to_owned()));
            }
            // An addition was cut short between the keyring and the ledger: it is finished.
            Some(kept) => kept,
            None => MemberSecrets::generate(name, country)?,
        };
        let key = SigningKey::from_bytes(&member.signing_seed);
        let public_key = key.verifying_key().to_bytes();
        let proof = key.sign(&key_proof_message(self.origin(), &member.id, &public_key)).to_bytes();
        let bodies = vec![
            Body::Member(MemberBody {
                member: member.id,
                action: MemberAction::Add {
                    name_digest: name_digest(&member),
                    hand: self.keyring.secrets.hand,
                    roles: Vec::new(),
                },
            }),
            Body::Key(KeyBody {
                member: member.id,
                action: KeyAction::Register { public_key, proof },
            }),
        ];
        // The secrets are durable before the ledger knows the member: a member without keys could
        // never be used, keys without a member are merely unused.
        let (id, vault_key) = (member.id, member.vault_key);
        if !is_kept {
            self.keyring.secrets.members.push(member);
            self.keyring.save()?;
        }
        if let Err(error) = self.state(0, bodies) {
            // Whether the ledger knows the member may show on opening only; its keys stay then.
            if !matches!(error, NodeError::Unknown(_)) && !is_kept {
                self.keyring.secrets.members.pop();
                self.keyring.save()?;
            }
            return Err(error);
        }
        self.lock().stores.open_vault(id, &vault_key)?;
        let added = self.members()?.into_iter().find(|added| added.name == name);
        added.ok_or_else(|| NodeError::Store("the member is not in the keyring".to_owned()))
    }

    fn is_on_ledger(&self, member: &MemberId) -> Result<bool, NodeError> {
        let entry = MemberEntry::load(&self.lock().stores.state, &keys::member(member));
        Ok(entry.map_err(|e| store_error(&e))?.is_some())
    }

    /// The members whose keys this node holds.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn members(&self) -> Result<Vec<MemberView>, NodeError> {
        let sequencer = self.lock();
        self.keyring
            .secrets
            .members
            .iter()
            .map(|member| {
                let entry = MemberEntry::load(&sequencer.stores.state, &keys::member(&member.id))
                    .map_err(|e| store_error(&e))?;
                let status = match entry.map(|entry| entry.status) {
                    Some(MemberStatus::Active) => "active",
                    Some(MemberStatus::Suspended) => "suspended",
                    Some(MemberStatus::Left) => "left",
                    None => "unknown to the ledger",
                };
                Ok(MemberView {
                    id: hex(&member.id),
                    name: member.name.clone(),
                    country: member.country.clone(),
                    hand: hex(&self.keyring.secrets.hand),
                    status: status.to_owned(),
                })
            })
            .collect()
    }

    /// Every signing key that the ledger ever knew, in the order in which they came.
    ///
    /// # Errors
    /// Where log or state cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyView>, NodeError> {
        let sequencer = self.lock();
        let log = &sequencer.stores.log;
        let mut views = Vec::new();
        // The state finds a key by its id only; which ids there are stands in the log.
        for header in blocks::headers_from(log, 0)? {
            for placed in blocks::statements(log, &header)? {
                let statement = placed.signed.statement();
                let (member, public_key) = match &statement.body {
                    Body::Genesis(genesis) => (statement.member, genesis.member_key),
                    Body::Key(KeyBody {
                        member,
                        action:
                            KeyAction::Register { public_key, .. }
                            | KeyAction::Rotate { public_key, .. },
                    }) => (*member, *public_key),
                    _ => continue,
                };
                let id = key_id(&public_key);
                let entry = KeyEntry::load(&sequencer.stores.state, &keys::signing_key(&id))
                    .map_err(|e| store_error(&e))?;
                let known = self.keyring.secrets.members.iter().find(|one| one.id == member);
                views.extend(entry.map(|entry| KeyView {
                    id: hex(&id),
                    public_key: hex(&entry.public_key),
                    member: known.map_or_else(|| hex(&member), |one| one.name.clone()),
                    valid_from_height: entry.valid_from_height,
                    revoked_at_height: entry.revoked_at_height,
                }));
            }
        }
        Ok(views)
    }

    /// Replaces a member's signing key; gives the new key's id.
    ///
    /// # Errors
    /// What the ledger refuses; the old key then stays.
    pub fn key_rotate(&mut self, member: Option<&str>) -> Result<String, NodeError> {
        let at = self.member_index(member)?;
        let old = self.signing(at).key_id();
        self.new_key(at, at, |public_key, proof| KeyAction::Rotate { old, public_key, proof })
    }

    /// Registers a new signing key for a member that has no valid one; gives the key's id. The
    /// founding member states it.
    ///
    /// # Errors
    /// What the ledger refuses: a member that has a valid key rotates it itself.
    pub fn key_register(&mut self, member: Option<&str>) -> Result<String, NodeError> {
        let at = self.member_index(member)?;
        self.new_key(at, 0, |public_key, proof| KeyAction::Register { public_key, proof })
    }

    /// Gives a member a new signing key by a statement of `stated_by`.
    fn new_key(
        &mut self,
        at: usize,
        stated_by: usize,
        action: impl FnOnce([u8; 32], [u8; 64]) -> KeyAction,
    ) -> Result<String, NodeError> {
        self.writing()?;
        let id = self.keyring.secrets.members[at].id;
        let seed: [u8; 32] = keyring::random()?;
        let new = Signing::new(id, &seed);
        let public_key = new.key.verifying_key().to_bytes();
        let proof = new.key.sign(&key_proof_message(self.origin(), &id, &public_key)).to_bytes();
        let action = action(public_key, proof);
        // The new seed is kept beside the old one until the ledger has decided, so that a crash at
        // any point leaves a key that can sign.
        self.keyring.secrets.members[at].next_seed = Some(seed);
        self.keyring.save()?;
        let outcome = self.state(stated_by, vec![Body::Key(KeyBody { member: id, action })]);
        if let Err(NodeError::Unknown(_)) = outcome {
            // Which of the two keys signs shows on opening; until then both are needed.
            return outcome.map(|_| String::new());
        }
        let secrets = &mut self.keyring.secrets.members[at];
        secrets.next_seed = None;
        if outcome.is_ok() {
            secrets.signing_seed = seed;
        }
        self.keyring.save()?;
        self.tell_founder();
        outcome.map(|_| hex(&new.key_id()))
    }

    /// Records that the clock really jumped; gives the time that was recorded.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where there is no jump to confirm.
    pub fn confirm_clock(&mut self) -> Result<String, NodeError> {
        let taken = self.submit(Submission::Clock)?.map_err(refused)?;
        Ok(clock::moment(taken.time_ms))
    }

    /// Height of the newest block.
    #[must_use]
    pub fn height(&self) -> Option<u64> {
        self.lock().stores.state.head().ok().flatten().map(|head| head.height)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.order.stop();
    }
}
