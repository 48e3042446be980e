//! What the verification of a bundle reports.

use crate::ids::{Hash, KeyId, MemberId, RecordId};
use crate::record::Verified;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It holds.
    Proven,
    /// It does not hold.
    Contradicted,
    /// It could not be checked with what was given.
    NotChecked,
}

/// One step of the verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub check: String,
    /// What was found.
    pub state: CheckState,
    /// In words: what holds, or what does not match.
    pub detail: String,
}

/// The whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of it holds, and the log is that of the trust policy.
    Holds,
    /// All of it fits together, but whose log it is was not checked.
    LogKeyNotChecked,
    /// Something does not hold.
    DoesNotHold,
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::LogKeyNotChecked => "consistent; log key not checked",
            Verdict::DoesNotHold => "does not hold",
        }
    }
}

/// What is known of one record once its checks hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordReport {
    /// The record.
    pub record_id: RecordId,
    /// The member that recorded it.
    pub member: MemberId,
    /// Its name, where the trust policy has it.
    pub member_name: Option<String>,
    /// Height of the block.
    pub height: u64,
    /// Time of the block, Unix milliseconds.
    pub block_time_ms: u64,
    /// What is shown of the event.
    pub verified: Verified,
}

/// Who made a bundle, and when by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The member.
    pub member: MemberId,
    /// Its name, where the trust policy has it.
    pub member_name: Option<String>,
    /// The key that signed the bundle.
    pub key: KeyId,
    /// When, by the issuer's clock, Unix milliseconds. Nothing on the ledger confirms it.
    pub issued_at_ms: u64,
}

/// Up to where the log is that a bundle speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Name of the log.
    pub origin: String,
    /// Leaves in it.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Height of the newest block.
    pub height: u64,
    /// Time of the newest block, Unix milliseconds.
    pub time_ms: u64,
}

/// What verifying a bundle found. Where something does not hold, neither log, issuer nor records are
/// given, so that nothing unproven is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The whole answer.
    pub verdict: Verdict,
    /// The answer in one sentence; names the first thing that does not match.
    pub message: String,
    /// Every step.
    pub checks: Vec<Check>,
    /// The log, up to the checkpoint.
    pub log: Option<LogHead>,
    /// Who made the bundle.
    pub issuer: Option<Issuer>,
    /// The records, in the order of the log.
    pub records: Vec<RecordReport>,
}
