//! The access log: every refusal, every sign-in, every change of accounts, keys and links.
//!
//! Refusals are written together, at most once a second, equal ones as one entry with a count: a
//! flood of them must not become a flood of writes. Changes are written at once.

use std::net::IpAddr;

use countermark_store::desk::access::AccessRow;
use serde::{Deserialize, Serialize};

use super::limits::{
    ACCESS_LOG_CHARS_MAX, ACCESS_LOG_CUT_EVERY, ACCESS_LOG_DAYS, ACCESS_LOG_MAX,
    ACCESS_LOG_PAGE_MAX, ACCESS_LOG_WAITING_MAX, ACCESS_LOG_WRITE_MS, DAY_MS,
};
use super::principal::{Principal, Via};
use super::role::Permission;
use super::{signed, time};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// What is to be noted. No secret belongs here: of a path only the pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessNote {
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried: `sign-in`, or a method and the pattern of a path.
    pub action: String,
    /// The account's name; for a sign-in the name that was tried.
    pub account: Option<String>,
    /// How the caller showed who he is.
    pub via: Option<String>,
    /// What it was tried on: an account, a key's id.
    pub target: Option<String>,
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// Why it was refused.
    pub reason: Option<String>,
}

impl AccessNote {
    /// A refusal.
    #[must_use]
    pub fn refused(action: &str, by: Option<&Principal>, reason: &str) -> Self {
        Self {
            outcome: Outcome::Refused,
            action: action.to_owned(),
            account: by.map(|by| by.name.clone()),
            via: by.map(|by| by.via.to_string()),
            target: None,
            address: None,
            reason: Some(reason.to_owned()),
        }
    }

    /// Something that was done.
    #[must_use]
    pub fn done(action: &str, by: &Principal, target: Option<&str>) -> Self {
        Self {
            outcome: Outcome::Done,
            action: action.to_owned(),
            account: Some(by.name.clone()),
            via: Some(by.via.to_string()),
            target: target.map(str::to_owned),
            address: None,
            reason: None,
        }
    }

    /// From this address.
    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }
}

/// An entry of the access log as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessEntry {
    /// Its number; they only grow.
    pub id: i64,
    /// When, RFC 3339.
    pub time: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried.
    pub action: String,
    /// The account's name; for a sign-in the name that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `session`, `local` or `api-key ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// What it was tried on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The caller's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often the same happened within the second.
    pub times: i64,
}

impl std::fmt::Display for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session => f.write_str("session"),
            Self::Local => f.write_str("local"),
            Self::ApiKey(id) => write!(f, "api-key {id}"),
        }
    }
}

/// Entries that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    waiting: Vec<(u64, AccessNote, i64)>,
    written_at_ms: u64,
    writes: u32,
}

impl Unwritten {
    fn add(&mut self, note: AccessNote, now_ms: u64) {
        let same = self.waiting.iter_mut().find(|(_, waiting, _)| *waiting == note);
        match same {
            Some((_, _, times)) => *times += 1,
            None => self.waiting.push((now_ms, note, 1)),
        }
    }

    /// Whether what waits is to be written now.
    fn is_due(&self, now_ms: u64) -> bool {
        let has_change = self.waiting.iter().any(|(_, note, _)| note.outcome == Outcome::Done);
        has_change
            || self.waiting.len() >= ACCESS_LOG_WAITING_MAX
            || now_ms.abs_diff(self.written_at_ms) >= ACCESS_LOG_WRITE_MS
    }
}

/// One line of plain text of bounded length, whatever a caller sent.
fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(ACCESS_LOG_CHARS_MAX).map(plain).collect()
}

fn row((at_ms, note, times): (u64, AccessNote, i64)) -> AccessRow {
    let text = |text: Option<String>| text.map(|text| clean(&text));
    AccessRow {
        id: 0,
        at_ms: signed(at_ms),
        outcome: match note.outcome {
            Outcome::Done => 1,
            Outcome::Refused => 2,
        },
        action: clean(&note.action),
        account: text(note.account),
        via: text(note.via),
        target: text(note.target),
        address: note.address.map(|address| address.to_canonical().to_string()),
        reason: text(note.reason),
        times,
    }
}

fn view(row: AccessRow) -> AccessEntry {
    AccessEntry {
        id: row.id,
        time: time(row.at_ms),
        outcome: if row.outcome == 1 { Outcome::Done } else { Outcome::Refused },
        action: row.action,
        account: row.account,
        via: row.via,
        target: row.target,
        address: row.address,
        reason: row.reason,
        times: row.times,
    }
}

impl Node {
    /// Notes something in the access log. What was done is durable when this returns; refusals are
    /// by the next second's note, [`Node::access_log_write`], or the node's orderly end.
    ///
    /// # Errors
    /// Where the desk cannot be written.
    pub fn note_access(&self, note: AccessNote) -> Result<(), NodeError> {
        let now_ms = self.now_ms();
        let is_due = {
            let mut unwritten = self.access.unwritten();
            unwritten.add(note, now_ms);
            unwritten.is_due(now_ms)
        };
        if is_due { self.access_log_write() } else { Ok(()) }
    }

    /// Writes what waits to be written to the access log.
    ///
    /// # Errors
    /// Where the desk cannot be written; what waited then waits on.
    pub fn access_log_write(&self) -> Result<(), NodeError> {
        let mut desk = self.access.desk();
        let now_ms = self.now_ms();
        let mut unwritten = self.access.unwritten();
        if unwritten.waiting.is_empty() {
            return Ok(());
        }
        let rows: Vec<AccessRow> = unwritten.waiting.iter().cloned().map(row).collect();
        unwritten.written_at_ms = now_ms;
        if let Err(error) = desk.add_access(&rows) {
            // A desk that cannot be written must not fill the memory.
            unwritten.waiting.truncate(ACCESS_LOG_WAITING_MAX);
            return Err(store_error(&error));
        }
        unwritten.waiting.clear();
        let is_cut_due = unwritten.writes.is_multiple_of(ACCESS_LOG_CUT_EVERY);
        unwritten.writes = unwritten.writes.wrapping_add(1);
        if is_cut_due {
            let oldest = signed(now_ms.saturating_sub(ACCESS_LOG_DAYS * DAY_MS));
            desk.cut_access(ACCESS_LOG_MAX, oldest).map_err(|e| store_error(&e))?;
        }
        Ok(())
    }

    /// The access log, newest first; what came before an entry where its number is given.
    ///
    /// # Errors
    /// Where the caller may not read it, or the desk cannot be read.
    pub fn access_log(
        &self,
        by: &Principal,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AccessEntry>, NodeError> {
        by.require(Permission::ReadAccessLog)?;
        self.access_log_write()?;
        let limit = limit.min(ACCESS_LOG_PAGE_MAX);
        let rows = self.access.desk().access_log(before, limit);
        Ok(rows.map_err(|e| store_error(&e))?.into_iter().map(view).collect())
    }
}
