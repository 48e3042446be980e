//! The keyring behind locks: whoever reads has the secrets of one moment, whoever changes them does
//! so one after the other, and no lock is held while the ledger decides.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use countermark_ledger::ids::MemberId;

use crate::error::NodeError;
use crate::keyring::{Keyring, KeyringError, MemberSecrets, Secrets};

/// The node's secrets, for many threads.
pub(crate) struct Keychain {
    /// Held while the file is replaced: changes come one after the other.
    keyring: Mutex<Keyring>,
    /// What the file says.
    now: RwLock<Arc<Secrets>>,
    /// Names of members that are being added or given another key.
    under_way: Mutex<BTreeSet<String>>,
}

/// A member's keys are being changed; until this is dropped nobody else changes them.
pub(crate) struct Change<'a> {
    keychain: &'a Keychain,
    name: String,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut names = self.keychain.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        names.remove(&self.name);
    }
}

impl Keychain {
    pub(crate) fn new(keyring: Keyring) -> Self {
        let now = RwLock::new(Arc::new(keyring.secrets.clone()));
        Self { keyring: Mutex::new(keyring), now, under_way: Mutex::default() }
    }

    /// The secrets as they are now.
    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the secrets. They are durable before anyone sees them; where they cannot be written
    /// nothing changes.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Secrets)) -> Result<(), KeyringError> {
        let mut keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        let before = keyring.secrets.clone();
        change(&mut keyring.secrets);
        if let Err(error) = keyring.save() {
            keyring.secrets = before;
            return Err(error);
        }
        let fresh = Arc::new(keyring.secrets.clone());
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Makes the keyring of the node that follows this one; see [`Keyring::renew`].
    pub(crate) fn renew(&self, folder: &Path, secrets: Secrets) -> Result<Keyring, KeyringError> {
        let keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        keyring.renew(folder, secrets)
    }

    /// Takes the keys of a member of this name for a change that the ledger decides. Two at once
    /// would each undo what the other has begun.
    pub(crate) fn begin(&self, name: &str) -> Result<Change<'_>, NodeError> {
        let mut names = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.insert(name.to_owned()) {
            let what = format!("the keys of \"{name}\" are being changed; try again in a moment");
            return Err(NodeError::Refused(what));
        }
        Ok(Change { keychain: self, name: name.to_owned() })
    }
}

impl Secrets {
    /// A member's secrets, by its id.
    pub(crate) fn member(&self, id: &MemberId) -> Option<&MemberSecrets> {
        self.members.iter().find(|member| member.id == *id)
    }

    /// A member's secrets, by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&MemberSecrets> {
        self.members.iter().find(|member| member.name == name)
    }
}
