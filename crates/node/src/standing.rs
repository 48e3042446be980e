//! Whether a node writes. A restored node does not, until it is known that its log holds all that
//! others have seen of it: else it would sign other leaves at places that were taken (design 4.4).
//!
//! Noted on the desk under `standing`; nothing there means that the node writes.

use countermark_store::desk::Desk;
use serde::{Deserialize, Serialize};

use crate::clock::moment;
use crate::error::NodeError;
use crate::stores::store_error;

const SETTING: &str = "standing";

/// Whether a node writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "standing")]
pub enum NodeStanding {
    /// It reads and writes.
    Writing,
    /// It reads only.
    ReadOnly {
        /// Why, and what to do.
        reason: String,
    },
}

/// The note on the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "cause")]
pub(crate) enum Note {
    /// It writes.
    #[serde(skip)]
    None,
    /// Restored from an archive, and not yet shown what others know.
    #[serde(rename_all = "camelCase")]
    Restored { made_at_ms: u64, size: u64 },
    /// Another log follows this one.
    #[serde(rename_all = "camelCase")]
    Superseded { successor: String, at_ms: u64 },
}

impl Note {
    /// Why nothing is written, and what to do.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Restored { made_at_ms, size } => Some(format!(
                "it was restored from a backup of {}, when its log had {size} entries. Show it the \
                 newest checkpoint that anyone outside holds (`countermark restore --data DIR \
                 --checkpoint FILE`); where entries are lost, `countermark restore --data DIR \
                 --declare-loss` begins a new log that names this one",
                moment(*made_at_ms)
            )),
            Self::Superseded { successor, at_ms } => Some(format!(
                "a loss was declared on {} and the log {successor} follows it; what this one holds \
                 stays readable and provable, new things are recorded in the other",
                moment(*at_ms)
            )),
        }
    }
}

/// How a desk's node stands.
pub(crate) fn of(desk: &Desk) -> Result<Note, NodeError> {
    let Some(text) = desk.setting(SETTING).map_err(|e| store_error(&e))? else {
        return Ok(Note::None);
    };
    serde_json::from_slice(&text)
        .map_err(|e| NodeError::Damaged { place: "desk, standing".to_owned(), what: e.to_string() })
}

/// Notes how a desk's node stands from now on.
pub(crate) fn set(desk: &Desk, note: &Note) -> Result<(), NodeError> {
    let done = match note {
        Note::None => desk.remove_setting(SETTING),
        note => desk.set_setting(SETTING, &serde_json::to_vec(note).unwrap_or_default()),
    };
    done.map_err(|e| store_error(&e))
}
