//! Who calls, once it is known.

use std::fmt;
use std::net::IpAddr;

use countermark_ledger::ids::MemberId;
use serde::{Deserialize, Serialize};

use super::role::{Permission, PermissionSet, Role};
use super::{AccessError, Secret};
use crate::error::NodeError;
use crate::scope::Scope;

/// An account's number on this node; never given to another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

impl AccountId {
    /// The command line on the data directory itself.
    pub const LOCAL: Self = Self(0);
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a caller showed who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// By a session's cookie.
    Session,
    /// By an API key: its public id.
    ApiKey(String),
    /// By having the data directory: the command line.
    Local,
}

/// A caller that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The member whose records it is bound to.
    pub member: Option<MemberId>,
    /// What it may do: the role's permissions, less what the API key leaves out.
    pub permissions: PermissionSet,
    /// How the caller showed who he is.
    pub via: Via,
}

impl Principal {
    /// Whoever has the data directory may do everything: he could as well change the files.
    #[must_use]
    pub fn local() -> Self {
        Self {
            account: AccountId::LOCAL,
            name: "command line".to_owned(),
            role: Role::Owner,
            member: None,
            permissions: Role::Owner.permissions(),
            via: Via::Local,
        }
    }

    /// `None` for a member user without a member: it would see nothing, and must not see all.
    pub(super) fn new(
        account: AccountId,
        name: String,
        role: Role,
        member: Option<MemberId>,
        via: Via,
    ) -> Option<Self> {
        if role == Role::MemberUser && member.is_none() {
            return None;
        }
        let mut principal =
            Self { account, name, role, member: None, permissions: role.permissions(), via };
        if let Some(member) = member {
            principal.bind(member);
        }
        Some(principal)
    }

    /// Whoever is bound to one member does nothing that concerns others.
    pub(super) fn bind(&mut self, member: MemberId) {
        self.member = Some(member);
        self.permissions = self.permissions.and(Role::MemberUser.permissions());
    }

    /// Whether he may do it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }

    /// Refuses what he may not do.
    ///
    /// # Errors
    /// [`AccessError::NotAllowed`].
    pub fn require(&self, permission: Permission) -> Result<(), NodeError> {
        if self.may(permission) {
            return Ok(());
        }
        let who = self.name.clone();
        Err(AccessError::NotAllowed { who, permission }.into())
    }

    /// Whose records he sees.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.member.map_or(Scope::All, Scope::Member)
    }
}

/// Where a sign-in comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client<'a> {
    /// The caller's address, where it is known.
    pub address: Option<IpAddr>,
    /// The session that the browser had before: it ends.
    pub session: Option<&'a str>,
}

/// A sign-in that succeeded.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's token, for the cookie.
    pub token: Secret,
    /// Who signed in.
    pub principal: Principal,
}
