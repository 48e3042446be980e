//! `restore --declare-loss`: a new log whose first statement names the head of the old one.
//!
//! The old data directory goes to `previous/` as it is, read-only for good: its records are read
//! and proven with `--data DIR/previous`, and verify with the trust policy of the old log. The new
//! log begins with the same members under their signing keys, and without records. Master data,
//! field classes and all else on the desk are carried over; which documents came in and where kept
//! ones lie is not.

use std::path::Path;

use countermark_ledger::ids::MemberId;
use countermark_ledger::state::entries::{Entry, KeyEntry, MemberEntry, MemberStatus};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{
    Body, KeyAction, KeyBody, MemberAction, MemberBody, PreviousLog, key_proof_message,
};
use countermark_store::desk::Desk;
use countermark_store::disk::FileDisk;
use ed25519_dalek::{Signer as _, SigningKey};

use super::{NOTE_SETTING, PREVIOUS, RENEWING, extract, restore};
use crate::clock;
use crate::error::NodeError;
use crate::keyring::{self, MemberSecrets, Secrets, Unlock};
use crate::members::name_digest;
use crate::node::{KEYS_FOLDER, Node, default_origin, system_parts};
use crate::progress::Progress;
use crate::sequencer::Signing;
use crate::standing::{self, Note};
use crate::stores::{
    DESK_FILE, DOCUMENT_SETTING, INDEX_FILE, STATE_FILE, lock_folder, store_error,
};

/// In the new directory once it is whole: from then on only names are moved.
const READY: &str = "ready";

/// A member of the new log, and whether it is to be suspended there too.
struct Carried {
    secrets: MemberSecrets,
    is_suspended: bool,
}

/// Begins a new log after a loss, in place of a restored one; gives the new origin.
///
/// # Errors
/// [`NodeError::Usage`] where the node is not read-only; what disk or keys say. Run it again after
/// a failure: it goes on where it was.
pub fn declare_loss(
    data: &Path,
    unlock: &Unlock,
    progress: &dyn Progress,
) -> Result<String, NodeError> {
    let fresh = data.join(RENEWING);
    if !fresh.join(READY).exists() {
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh).map_err(|e| store_error(&e))?;
        }
        prepare(data, &fresh, unlock, progress)?;
    }
    let lock = lock_folder(data)?;
    exchange(data, &fresh)?;
    drop(lock);
    let node = Node::open(data, unlock, progress)?;
    Ok(node.origin().to_owned())
}

/// Makes the new directory beside the old one, which stays as it is.
fn prepare(
    data: &Path,
    fresh: &Path,
    unlock: &Unlock,
    progress: &dyn Progress,
) -> Result<(), NodeError> {
    let old = Node::open(data, unlock, progress)?;
    match standing::of(&old.lock().stores.desk)? {
        Note::Restored { .. } => {}
        Note::None => return Err(NodeError::Usage(restore::WRITES.to_owned())),
        superseded => return Err(NodeError::ReadOnly(superseded.reason().unwrap_or_default())),
    }
    let members = carried(&old)?;
    let first = members.first().ok_or_else(|| {
        NodeError::Refused("no member of the old log is active: nobody can begin a new one".into())
    })?;
    let secrets = Secrets {
        origin: default_origin(&first.secrets.name)?,
        log_seed: keyring::random()?,
        hand: old.secrets().hand,
        members: members.iter().map(|member| member.secrets.clone()).collect(),
    };
    let previous = {
        let sequencer = old.lock();
        let log = &sequencer.stores.log;
        PreviousLog { origin: old.origin().to_owned(), size: log.size(), root: log.root() }
    };
    let disk = FileDisk::create(fresh).map_err(|e| store_error(&e))?;
    let keyring = old.keychain.renew(&fresh.join(KEYS_FOLDER), secrets)?;
    carry_desk(&old, fresh)?;
    let node = Node::begin_after(system_parts(fresh, disk, keyring), Some(previous))?;
    let founder = members[0].secrets.id;
    for member in members.iter().skip(1) {
        add(&node, &founder, &member.secrets)?;
    }
    for member in members.iter().filter(|member| member.is_suspended) {
        let (member, action) = (member.secrets.id, MemberAction::Suspend);
        node.state(&founder, vec![Body::Member(MemberBody { member, action })])?;
    }
    let successor = node.origin().to_owned();
    drop(node);
    std::fs::create_dir_all(fresh.join("vault")).map_err(|e| store_error(&e))?;
    std::fs::create_dir_all(fresh.join(PREVIOUS)).map_err(|e| store_error(&e))?;
    extract::sync(fresh)?;
    std::fs::write(fresh.join(READY), successor).map_err(|e| store_error(&e))?;
    extract::sync(fresh)
}

/// Who is a member of the new log: whoever has not left the old one, an active one first, since it
/// begins the log. A key that was revoked does not come back.
fn carried(old: &Node) -> Result<Vec<Carried>, NodeError> {
    let secrets = old.secrets();
    let sequencer = old.lock();
    let state = &sequencer.stores.state;
    let mut carried = Vec::new();
    for member in &secrets.members {
        let entry = MemberEntry::load(state, &keys::member(&member.id));
        let Some(entry) = entry.map_err(|e| store_error(&e))? else { continue };
        if entry.status == MemberStatus::Left {
            continue;
        }
        let mut secrets = member.clone();
        secrets.next_seed = None;
        let id = Signing::new(member.id, &member.signing_seed).key_id();
        let key = KeyEntry::load(state, &keys::signing_key(&id)).map_err(|e| store_error(&e))?;
        if key.is_none_or(|key| key.revoked_at_height.is_some()) {
            secrets.signing_seed = keyring::random()?;
        }
        carried.push(Carried { secrets, is_suspended: entry.status == MemberStatus::Suspended });
    }
    carried.sort_by_key(|member| member.is_suspended);
    if carried.first().is_some_and(|first| first.is_suspended) {
        carried.clear();
    }
    Ok(carried)
}

fn carry_desk(old: &Node, fresh: &Path) -> Result<(), NodeError> {
    let path = fresh.join(DESK_FILE);
    old.lock().stores.desk.copy_to(&path).map_err(|e| store_error(&e))?;
    let desk = Desk::open(&path).map_err(|e| store_error(&e))?;
    desk.begin_anew(DOCUMENT_SETTING).map_err(|e| store_error(&e))?;
    for setting in [clock::NOTE_SETTING, NOTE_SETTING] {
        desk.remove_setting(setting).map_err(|e| store_error(&e))?;
    }
    standing::set(&desk, &Note::None)
}

/// States a member and its key, and begins its vault.
fn add(node: &Node, founder: &MemberId, member: &MemberSecrets) -> Result<(), NodeError> {
    let key = SigningKey::from_bytes(&member.signing_seed);
    let public_key = key.verifying_key().to_bytes();
    let proof = key.sign(&key_proof_message(node.origin(), &member.id, &public_key)).to_bytes();
    let action = MemberAction::Add {
        name_digest: name_digest(member),
        hand: node.secrets().hand,
        roles: Vec::new(),
    };
    let bodies = vec![
        Body::Member(MemberBody { member: member.id, action }),
        Body::Key(KeyBody { member: member.id, action: KeyAction::Register { public_key, proof } }),
    ];
    node.state(founder, bodies).map(|_| ())
}

/// Moves the old log away and the new one to its place. Done again after a crash it goes on: what
/// of the new one is still in its folder has not been exchanged yet.
fn exchange(data: &Path, fresh: &Path) -> Result<(), NodeError> {
    let failed = |e: std::io::Error| store_error(&e);
    let previous = fresh.join(PREVIOUS);
    if previous.exists() {
        // The keys first: from here on this is no node, until the new keys are in their place.
        for name in [KEYS_FOLDER, DESK_FILE, "log", "vault", STATE_FILE, INDEX_FILE, PREVIOUS] {
            if fresh.join(name).exists() && data.join(name).exists() {
                std::fs::rename(data.join(name), previous.join(name)).map_err(failed)?;
            }
        }
        let desk = Desk::open(&previous.join(DESK_FILE)).map_err(|e| store_error(&e))?;
        let successor = std::fs::read_to_string(fresh.join(READY)).map_err(|e| store_error(&e))?;
        let at_ms = clock::ClockSource::system().now_ms();
        standing::set(&desk, &Note::Superseded { successor, at_ms })?;
        drop(desk);
        extract::sync(fresh)?;
    }
    let _old = std::fs::remove_file(fresh.join("lock"));
    let mut paths = extract::names(fresh)?;
    paths.retain(|path| !path.ends_with(READY));
    // `previous` first, so that the step above is not begun again; the keys last.
    paths.sort_by_key(|path| (!path.ends_with(PREVIOUS), path.ends_with(KEYS_FOLDER)));
    for path in paths {
        let target = data.join(path.file_name().unwrap_or_default());
        std::fs::rename(&path, &target).map_err(failed)?;
    }
    std::fs::remove_dir_all(fresh).map_err(failed)?;
    extract::sync(data)
}
