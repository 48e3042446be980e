//! Why a use case did not do what was asked.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::access::AccessError;
use crate::keyring::KeyringError;

/// What the caller can do about it; the binary makes exit codes of this, an API statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// What was given does not hold or breaks a rule.
    Invalid,
    /// The call's words, or a data directory that cannot be used that way.
    Usage,
    /// Input that cannot be read as what it should be.
    Unreadable,
    /// The caller may not, or did not show who he is.
    Denied,
    /// The node no longer knows its state, or its disk refuses.
    Fatal,
}

/// A use case's error: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A data directory that is not one.
    #[error("{0} is no data directory of a node; make one with `countermark init`")]
    NotANode(PathBuf),
    /// A directory that holds something already.
    #[error("{0} is not empty; `init` starts a ledger in an empty or absent directory")]
    NotEmpty(PathBuf),
    /// A directory that an archive cannot be restored into.
    #[error("{0} is not empty; `restore --from` wants an empty or absent directory")]
    NotEmptyForRestore(PathBuf),
    /// Another process works on the data directory.
    #[error("{0} is in use by another process; one node has one writer, wait until it ends")]
    InUse(PathBuf),
    /// No such member here.
    #[error("this node has no member \"{name}\"; it has: {known}")]
    UnknownMember {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A member of that name is there.
    #[error("this node has a member \"{0}\" already")]
    MemberExists(String),
    /// Something wrong with what was given.
    #[error("{0}")]
    Usage(String),
    /// No such thing.
    #[error("{0}")]
    NotFound(String),
    /// A rule of the ledger refuses.
    #[error("{0}")]
    Refused(String),
    /// Input that cannot be read.
    #[error("{place}: {what}")]
    Unreadable {
        /// File, and the place in it.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// The keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Who calls may not, or did not show who he is.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// What is stored does not fit together; `fsck` says more.
    #[error("{place}: {what}; run `countermark fsck`")]
    Damaged {
        /// Store and place in it.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// The node was restored from a backup and does not write yet, or never again.
    #[error("this node is read-only: {0}")]
    ReadOnly(String),
    /// A store failed and must be reopened.
    #[error("{0}")]
    Store(String),
    /// There is too much to do already; nothing was stored.
    #[error("{what}; nothing was stored, send it again in {} s", retry_after_ms.div_ceil(1000))]
    Busy {
        /// What there is too much of.
        what: String,
        /// When to send it again.
        retry_after_ms: u64,
    },
    /// What another node told of an error of its own.
    #[error("{what}")]
    Told {
        /// What can be done about it.
        kind: ErrorKind,
        /// What it said.
        what: String,
    },
    /// A store failed while something was being recorded.
    #[error(
        "{0}; what was acknowledged before is safe. Whether this was recorded shows when the node \
         is opened again: do the same once more, what is there already is not recorded twice"
    )]
    Unknown(String),
}

impl NodeError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotANode(_)
            | Self::NotEmpty(_)
            | Self::NotEmptyForRestore(_)
            | Self::InUse(_)
            | Self::UnknownMember { .. }
            | Self::MemberExists(_)
            | Self::ReadOnly(_)
            | Self::Usage(_) => ErrorKind::Usage,
            Self::Keyring(KeyringError::Io { .. } | KeyringError::Random) => ErrorKind::Fatal,
            Self::Keyring(_) => ErrorKind::Usage,
            Self::Access(error) => error.kind(),
            Self::NotFound(_) | Self::Refused(_) => ErrorKind::Invalid,
            Self::Unreadable { .. } => ErrorKind::Unreadable,
            Self::Told { kind, .. } => *kind,
            Self::Busy { .. } => ErrorKind::Denied,
            Self::Damaged { .. } | Self::Store(_) | Self::Unknown(_) => ErrorKind::Fatal,
        }
    }
}
