//! Standing of members and keys, and endorsements: statements that change no event.

use countermark_ledger::ids::KeyId;
use countermark_ledger::state::entries::{Entry, RecordEntry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{
    Body, Endorsement, KeyAction, KeyBody, MemberAction, MemberBody,
};
use countermark_ledger::trust::unhex;

use serde::{Deserialize, Serialize};

use crate::error::NodeError;
use crate::node::Node;
use crate::scope::Scope;
use crate::stores::store_error;

/// What a member's standing is changed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It may state nothing until it is resumed; stated by the founding member.
    Suspended,
    /// It may state again; stated by the founding member.
    Active,
    /// It has left; stated by itself.
    Left,
}

impl Node {
    /// Changes a member's standing.
    ///
    /// # Errors
    /// [`NodeError::Refused`] names the rule.
    pub fn member_standing(&self, name: &str, standing: Standing) -> Result<(), NodeError> {
        let member = self.member_id(Some(name))?;
        let founder = self.member_id(None)?;
        let (stated_by, action) = match standing {
            Standing::Suspended => (founder, MemberAction::Suspend),
            Standing::Active => (founder, MemberAction::Resume),
            Standing::Left => (member, MemberAction::Leave),
        };
        self.state(&stated_by, vec![Body::Member(MemberBody { member, action })]).map(|_| ())
    }

    /// Revokes a signing key, stated by a member; the key signs nothing from the next block on.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where the id is none, [`NodeError::Refused`] names the rule.
    pub fn key_revoke(&self, stated_by: Option<&str>, key: &str) -> Result<(), NodeError> {
        let stated_by = self.member_id(stated_by)?;
        let key: KeyId = unhex(key)
            .ok_or_else(|| NodeError::Usage(format!("\"{key}\" is no key id: 64 hex digits")))?;
        let known =
            self.keys()?.into_iter().find(|view| view.id == countermark_ledger::ids::hex(&key));
        let member = match known {
            Some(view) => self.member_id(Some(&view.member))?,
            None => stated_by,
        };
        let action = KeyAction::Revoke { key };
        self.state(&stated_by, vec![Body::Key(KeyBody { member, action })]).map(|_| ())
    }

    /// Endorses an event's record as a member. Counts hands, not members: the hand that recorded
    /// the event cannot endorse it.
    ///
    /// # Errors
    /// [`NodeError::Refused`] names the rule.
    pub fn endorse(
        &self,
        scope: &Scope,
        member: Option<&str>,
        event_id: &str,
    ) -> Result<(), NodeError> {
        let member = self.member_in(scope, member)?;
        let body = {
            let sequencer = self.lock();
            let rows = self.rows_of_event(&sequencer, scope, event_id)?;
            let record = rows[0].record_id;
            let entry = RecordEntry::load(&sequencer.stores.state, &keys::record(&record))
                .map_err(|e| store_error(&e))?
                .ok_or_else(|| NodeError::NotFound("the record is not in the state".to_owned()))?;
            Body::Endorsement(Endorsement::Record { id: record, hash: entry.header_hash })
        };
        self.state(&member, vec![body]).map(|_| ())
    }
}
