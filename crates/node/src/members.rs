//! Members and signing keys: who is here, who is added, whose key is replaced.

use countermark_ledger::ids::{KeyId, MemberId, hex, key_id, sha256};
use countermark_ledger::state::entries::{Entry, KeyEntry, MemberEntry, MemberStatus};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{
    Body, KeyAction, KeyBody, MemberAction, MemberBody, key_proof_message,
};
use ed25519_dalek::{Signer as _, SigningKey};

use serde::{Deserialize, Serialize};

use crate::blocks;
use crate::error::NodeError;
use crate::keyring::{self, MemberSecrets, Secrets};
use crate::node::{Node, check_country, check_name};
use crate::scope::name_of;
use crate::sequencer::Signing;
use crate::stores::store_error;

/// A member as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// SHA-256 of the public key, in hexadecimal.
    #[serde(rename = "key")]
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

impl Node {
    /// Adds a member whose keys this node holds.
    ///
    /// # Errors
    /// [`NodeError::MemberExists`]; what the ledger refuses.
    pub fn member_add(&self, name: &str, country: Option<&str>) -> Result<MemberView, NodeError> {
        self.writing()?;
        check_name(name)?;
        check_country(country)?;
        let _changing = self.keychain.begin(name)?;
        let secrets = self.secrets();
        let kept = secrets.named(name).cloned();
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
                    hand: secrets.hand,
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
            self.keychain.change(|secrets| secrets.members.push(member))?;
        }
        let founder = self.member_id(None)?;
        if let Err(error) = self.state(&founder, bodies) {
            // Whether the ledger knows the member may show on opening only; its keys stay then.
            if !matches!(error, NodeError::Unknown(_)) && !is_kept {
                self.keychain.change(|secrets| secrets.members.retain(|one| one.id != id))?;
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
        let secrets = self.secrets();
        let sequencer = self.lock();
        secrets
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
                    hand: hex(&secrets.hand),
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
        let secrets = self.secrets();
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
                views.extend(entry.map(|entry| KeyView {
                    id: hex(&id),
                    public_key: hex(&entry.public_key),
                    member: name_of(&secrets, &member),
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
    pub fn key_rotate(&self, member: Option<&str>) -> Result<String, NodeError> {
        let member = self.member_id(member)?;
        self.new_key(&member, &member, |old, public_key, proof| KeyAction::Rotate {
            old,
            public_key,
            proof,
        })
    }

    /// Registers a new signing key for a member that has no valid one; gives the key's id. The
    /// founding member states it.
    ///
    /// # Errors
    /// What the ledger refuses: a member that has a valid key rotates it itself.
    pub fn key_register(&self, member: Option<&str>) -> Result<String, NodeError> {
        let member = self.member_id(member)?;
        let founder = self.member_id(None)?;
        self.new_key(&member, &founder, |_, public_key, proof| KeyAction::Register {
            public_key,
            proof,
        })
    }

    /// Gives a member a new signing key by a statement of `stated_by`.
    fn new_key(
        &self,
        member: &MemberId,
        stated_by: &MemberId,
        action: impl FnOnce(KeyId, [u8; 32], [u8; 64]) -> KeyAction,
    ) -> Result<String, NodeError> {
        self.writing()?;
        let _changing = self.keychain.begin(&name_of(&self.secrets(), member))?;
        let held = self.held(member)?;
        let old = Signing::new(*member, &held.signing_seed).key_id();
        let seed: [u8; 32] = keyring::random()?;
        let new = Signing::new(*member, &seed);
        let public_key = new.key.verifying_key().to_bytes();
        let message = key_proof_message(self.origin(), member, &public_key);
        let proof = new.key.sign(&message).to_bytes();
        let action = action(old, public_key, proof);
        // The new seed is kept beside the old one until the ledger has decided, so that a crash at
        // any point leaves a key that can sign.
        self.change_member(member, |held| held.next_seed = Some(seed))?;
        let outcome = self.state(stated_by, vec![Body::Key(KeyBody { member: *member, action })]);
        if let Err(NodeError::Unknown(_)) = outcome {
            // Which of the two keys signs shows on opening; until then both are needed.
            return outcome.map(|_| String::new());
        }
        self.change_member(member, |held| {
            held.next_seed = None;
            if outcome.is_ok() {
                held.signing_seed = seed;
            }
        })?;
        outcome.map(|_| hex(&new.key_id()))
    }

    fn change_member(
        &self,
        id: &MemberId,
        change: impl FnOnce(&mut MemberSecrets),
    ) -> Result<(), NodeError> {
        let found = |secrets: &mut Secrets| {
            secrets.members.iter_mut().find(|member| member.id == *id).map(change);
        };
        Ok(self.keychain.change(found)?)
    }
}
