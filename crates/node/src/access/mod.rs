//! Who calls, and what he may do: accounts, sessions, API keys, one-time links, the access log.
//!
//! Everything is refused that is not allowed. Secrets are kept as hashes only: passwords as
//! argon2id, everything random as SHA-256.

mod accounts;
mod attempts;
mod keys;
mod limits;
mod links;
mod log;
mod openid;
mod password;
mod principal;
mod role;
mod secret;
mod sessions;

pub use accounts::{AccountView, NewAccount, OpenIdName};
pub use keys::{ApiKeyMade, ApiKeyView, NewApiKey};
pub use limits::{
    ACCESS_LOG_PAGE_MAX, API_KEY_DAYS_MAX, INVITATION_DAYS, LINK_DAYS_MAX, NAME_CHARS_MAX,
    PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, SESSION_HOURS, SESSION_IDLE_HOURS, SIGN_IN_LINK_HOURS,
};
pub use links::{LinkMade, LinkPurpose, LinkView, NewLink};
pub use log::{AccessEntry, AccessNote, Outcome};
pub use openid::OpenIdUser;
pub use principal::{AccountId, Client, Principal, SignedIn, Via};
pub use role::{Permission, PermissionSet, Role};
pub use secret::Secret;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use attempts::Attempts;
use countermark_ledger::ids::MemberId;
use countermark_store::desk::Desk;
use log::Unwritten;

use crate::clock::ClockSource;
use crate::error::{ErrorKind, NodeError};
use crate::node::Node;
use crate::stores::{DESK_FILE, store_error};

/// Why a caller is refused, or an account, key or link is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Name and password do not belong together. Says not which of them is wrong, nor whether there
    /// is such an account.
    #[error("no account has this name and password, or it is disabled")]
    WrongPassword,
    /// Too many failed sign-ins.
    #[error("too many failed sign-ins; try again in {} s", retry_after_ms.div_ceil(1000))]
    TooMany {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// Who calls is known, but may not do this.
    #[error("{who} may not do this: it needs the permission `{permission}`; an owner can give it")]
    NotAllowed {
        /// The account's name.
        who: String,
        /// What is missing.
        permission: Permission,
    },
    /// A one-time link that opens nothing.
    #[error("this link was used already or has expired; ask an owner for a new one")]
    LinkSpent,
    /// Nobody invited this user of an OpenID provider.
    #[error(
        "nobody here knows this user of the OpenID provider; an owner can send an invitation \
         (`countermark account invite`)"
    )]
    NotInvited,
    /// The password breaks a rule.
    #[error("{0}")]
    Password(&'static str),
    /// A name, a time or a choice that is not possible.
    #[error("{0}")]
    Invalid(String),
    /// No such account, key or link.
    #[error("{0}")]
    NotFound(String),
    /// An account of that name, or of that user of a provider, is there.
    #[error("{0}")]
    Exists(String),
    /// Somebody must be left who can manage accounts.
    #[error("\"{0}\" is the last owner that can sign in; make another account an owner first")]
    LastOwner(String),
}

impl AccessError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongPassword
            | Self::TooMany { .. }
            | Self::NotAllowed { .. }
            | Self::LinkSpent
            | Self::NotInvited => ErrorKind::Denied,
            Self::Password(_) | Self::NotFound(_) | Self::Exists(_) | Self::LastOwner(_) => {
                ErrorKind::Invalid
            }
            Self::Invalid(_) => ErrorKind::Usage,
        }
    }
}

/// Access of an open node: its own connection to the desk, so that nobody who signs in or calls
/// waits for a block; and what is remembered in memory alone.
pub(crate) struct AccessState {
    desk: Mutex<Desk>,
    clock: ClockSource,
    attempts: Mutex<Attempts>,
    unwritten: Mutex<Unwritten>,
    hashing: password::Hashing,
}

impl AccessState {
    /// The desk is there, and of this version: the node's stores are open.
    pub(crate) fn open(folder: &Path, clock: ClockSource) -> Result<Self, NodeError> {
        let desk = Desk::open(&folder.join(DESK_FILE)).map_err(|e| store_error(&e))?;
        Ok(Self {
            desk: Mutex::new(desk),
            clock,
            attempts: Mutex::default(),
            unwritten: Mutex::default(),
            hashing: password::Hashing::default(),
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as the desk keeps it.
fn signed(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX)
}

/// A time as people and programs read it.
fn time(unix_ms: i64) -> String {
    crate::clock::moment(u64::try_from(unix_ms).unwrap_or(0))
}

impl Node {
    /// The time by the node's clock, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.access.clock.now_ms()
    }

    fn member_named(&self, name: &str) -> Result<MemberId, NodeError> {
        self.member_id(Some(name))
    }

    /// A member's name, or its id where this node does not know it any more.
    fn member_name(&self, id: &MemberId) -> String {
        crate::scope::name_of(&self.secrets(), id)
    }
}
