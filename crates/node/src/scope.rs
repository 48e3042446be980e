//! Whose records a caller sees, and for whom he may speak.

use std::sync::Arc;

use countermark_ledger::ids::{MemberId, hex};
use countermark_ledger::trust::unhex;

use crate::error::NodeError;
use crate::keyring::{MemberSecrets, Secrets};
use crate::node::Node;

/// Whose records a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// Those of all members of this node: whoever runs it.
    #[default]
    All,
    /// Those of one member: who belongs to it. What other members of this node keep does not exist
    /// for him.
    Member(MemberId),
}

impl Scope {
    /// Whether this member's records are seen.
    #[must_use]
    pub fn holds(&self, member: &MemberId) -> bool {
        match self {
            Self::All => true,
            Self::Member(own) => own == member,
        }
    }
}

/// A member's name, from the secrets of a node that holds its keys; else its id.
pub(crate) fn name_of(secrets: &Secrets, id: &MemberId) -> String {
    secrets.member(id).map_or_else(|| hex(id), |member| member.name.clone())
}

impl Node {
    /// The secrets as they are now.
    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        self.keychain.secrets()
    }

    /// The member of a name that this node holds the keys of; the first where none is given.
    pub(crate) fn member_id(&self, name: Option<&str>) -> Result<MemberId, NodeError> {
        self.member_in(&Scope::All, name)
    }

    /// The member that a caller speaks for: the one that he names, among those that he sees; without
    /// a name his own, or the first of the node.
    pub(crate) fn member_in(
        &self,
        scope: &Scope,
        name: Option<&str>,
    ) -> Result<MemberId, NodeError> {
        let secrets = self.secrets();
        let mut seen = secrets.members.iter().filter(|member| scope.holds(&member.id));
        let found = match name {
            None => seen.next(),
            Some(name) => seen.find(|member| member.name == name),
        };
        if let Some(found) = found {
            return Ok(found.id);
        }
        let seen = secrets.members.iter().filter(|member| scope.holds(&member.id));
        let known: Vec<&str> = seen.map(|member| &*member.name).collect();
        let name = name.unwrap_or_default().to_owned();
        Err(NodeError::UnknownMember { name, known: known.join(", ") })
    }

    /// The name of the member that a caller speaks for: the one that he names, if he may; without a
    /// name his own, or the first of the node.
    ///
    /// # Errors
    /// [`NodeError::UnknownMember`] where there is none of that name, or none that he sees.
    pub fn acting_member(&self, scope: &Scope, name: Option<&str>) -> Result<String, NodeError> {
        let id = self.member_in(scope, name)?;
        Ok(name_of(&self.secrets(), &id))
    }

    /// What one member alone sees, by its name or its id in hexadecimal.
    ///
    /// # Errors
    /// [`NodeError::UnknownMember`].
    pub fn scope_of(&self, member: &str) -> Result<Scope, NodeError> {
        let by_id = unhex(member).filter(|id| self.secrets().member(id).is_some());
        match by_id {
            Some(id) => Ok(Scope::Member(id)),
            None => self.member_id(Some(member)).map(Scope::Member),
        }
    }

    /// The members whose records are seen.
    pub(crate) fn seen_members(&self, scope: &Scope) -> Vec<MemberId> {
        let secrets = self.secrets();
        let ids = secrets.members.iter().map(|member| member.id);
        ids.filter(|id| scope.holds(id)).collect()
    }

    /// Who is meant where something is not found: the same words whether it is nowhere or at a
    /// member that the caller does not see.
    pub(crate) fn seen_by(&self, scope: &Scope) -> String {
        match scope {
            Scope::All => "no member of this node has".to_owned(),
            Scope::Member(own) => format!("{} does not have", name_of(&self.secrets(), own)),
        }
    }

    pub(crate) fn held(&self, id: &MemberId) -> Result<MemberSecrets, NodeError> {
        self.secrets().member(id).cloned().ok_or_else(|| not_held(id))
    }
}

/// This node cannot speak for a member.
pub(crate) fn not_held(id: &MemberId) -> NodeError {
    NodeError::Refused(format!("this node does not hold the keys of member {}", hex(id)))
}
