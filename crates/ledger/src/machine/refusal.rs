//! Why a statement or a block is not taken.

use crate::cbor::CborError;
use crate::ids::{Hash, KeyId, MemberId, RecordId, hex};
use crate::limits::{
    CLOCK_JUMP_MS_MAX, ENDORSERS_MAX, KEYS_PER_MEMBER_MAX, PROPOSAL_SKEW_MS_MAX,
    STATEMENTS_PER_BLOCK_MAX,
};
use crate::record_header::RecordHeaderError;
use crate::registry::StatementKind;
use crate::state::StateError;
use crate::statement::StatementError;

/// Why a statement is not taken: the rule that it breaks. Nothing of a refused statement has any
/// effect, and its sequence number stays free.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementRefusal {
    /// The bytes are no statement in its one encoding.
    #[error("malformed: {0}")]
    Malformed(StatementError),
    /// Made for another log.
    #[error("origin: the statement is made for the log \"{0}\"")]
    Origin(String),
    /// A kind that the rule set in force does not execute.
    #[error("kind: rule set {rule_set} does not execute \"{}\" statements", .kind.name())]
    KindNotExecuted {
        /// The kind.
        kind: StatementKind,
        /// The rule set in force.
        rule_set: u64,
    },
    /// A key that is not registered.
    #[error("key: {} is not registered; register it first", hex(.0))]
    KeyUnknown(KeyId),
    /// A key that has ended.
    #[error("key: {} is revoked", hex(.0))]
    KeyRevoked(KeyId),
    /// The key belongs to another member than the statement names.
    #[error("member: the key belongs to another member than the statement names")]
    KeyOfAnother,
    /// No such member.
    #[error("member: {} is not a member", hex(.0))]
    MemberUnknown(MemberId),
    /// The member is suspended or has left.
    #[error("member: {} is suspended or has left", hex(.0))]
    MemberInactive(MemberId),
    /// Not the key's next sequence number.
    #[error("sequence: the key's next statement must have number {expected}, not {found}")]
    Sequence {
        /// The number that is next.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// The signature does not hold.
    #[error("signature: it does not hold under the key that the statement names")]
    Signature,
    /// A named object did not come with the statement.
    #[error("object: {} is named but did not come with the statement", hex(.0))]
    ObjectMissing(Hash),
    /// The named objects are not those that the kind needs.
    #[error("object: {0}")]
    Objects(&'static str),
    /// The member may not do this.
    #[error("permission: {0}")]
    Permission(&'static str),
    /// A genesis statement after the first block began.
    #[error("genesis: only the first statement of a log can be one")]
    Genesis,
    /// The member id is taken, or the status does not allow this.
    #[error("member: {0}")]
    MemberState(&'static str),
    /// The key cannot be registered or ended.
    #[error("key: {0}")]
    KeyState(&'static str),
    /// Too many valid keys.
    #[error("key: a member has at most {KEYS_PER_MEMBER_MAX} valid keys; revoke one")]
    KeysTooMany,
    /// The new key did not sign that it is held by the member.
    #[error("proof of possession: the new key's signature in the body does not hold")]
    Possession,
    /// A batch that is not what its statement says.
    #[error("batch: {0}")]
    Batch(#[from] BatchFault),
    /// A record of the batch that breaks a rule.
    #[error("record {index} of the batch: {fault}")]
    Record {
        /// Its place in the batch, from 0.
        index: usize,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// What is endorsed is not on the ledger under this hash.
    #[error("endorsement: what is endorsed is not on the ledger under this id and hash")]
    EndorsedUnknown,
    /// The hand signed it already.
    #[error("endorsement: this hand's signature counts already")]
    EndorsedAlready,
    /// Too many endorsements.
    #[error("endorsement: at most {ENDORSERS_MAX} hands endorse one thing")]
    EndorsersTooMany,
    /// The document id is taken.
    #[error("document: this id is already on the ledger")]
    DocumentKnown,
    /// An erasure that its record does not allow.
    #[error("erasure: {0}")]
    Erasure(&'static str),
    /// A confirmation that does not fit the block.
    #[error("clock: {0}")]
    Clock(&'static str),
    /// No room is left in the block; the statement can go into the next one.
    #[error("block: no room is left in this block; offer the statement again")]
    BlockFull,
}

impl StatementRefusal {
    /// The rule's short name, the same that the message begins with.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            StatementRefusal::Malformed(_) => "malformed",
            StatementRefusal::Origin(_) => "origin",
            StatementRefusal::KindNotExecuted { .. } => "kind",
            StatementRefusal::KeyUnknown(_)
            | StatementRefusal::KeyRevoked(_)
            | StatementRefusal::KeyState(_)
            | StatementRefusal::KeysTooMany => "key",
            StatementRefusal::KeyOfAnother
            | StatementRefusal::MemberUnknown(_)
            | StatementRefusal::MemberInactive(_)
            | StatementRefusal::MemberState(_) => "member",
            StatementRefusal::Sequence { .. } => "sequence",
            StatementRefusal::Signature => "signature",
            StatementRefusal::ObjectMissing(_) | StatementRefusal::Objects(_) => "object",
            StatementRefusal::Permission(_) => "permission",
            StatementRefusal::Genesis => "genesis",
            StatementRefusal::Possession => "proof of possession",
            StatementRefusal::Batch(_) => "batch",
            StatementRefusal::Record { .. } => "record",
            StatementRefusal::EndorsedUnknown
            | StatementRefusal::EndorsedAlready
            | StatementRefusal::EndorsersTooMany => "endorsement",
            StatementRefusal::DocumentKnown => "document",
            StatementRefusal::Erasure(_) => "erasure",
            StatementRefusal::Clock(_) => "clock",
            StatementRefusal::BlockFull => "block",
        }
    }

    /// Whether the same bytes may be taken later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, StatementRefusal::BlockFull)
    }
}

/// How a batch differs from its capture statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// The object is no batch.
    #[error("{0}")]
    Object(RecordHeaderError),
    /// Another number of records.
    #[error("the statement counts {stated} records, the object holds {found}")]
    Count {
        /// What the statement says.
        stated: u64,
        /// What the object holds.
        found: usize,
    },
    /// Another root.
    #[error("the batch root does not follow from the record headers")]
    Root,
}

/// What is wrong with a record of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The header cannot be read, or its root does not follow.
    #[error("{0}")]
    Header(#[from] RecordHeaderError),
    /// The header names another key or sequence than the statement.
    #[error("key 3 or 4 names another signing key or sequence than the statement")]
    Signer,
    /// The header is made under another rule set than the one in force.
    #[error("key 14: the rule set in force is {0}")]
    RuleSet(u64),
    /// The time bucket lies after the block's time.
    #[error("key 5: the time bucket lies after the block's time")]
    Time,
    /// The record id is on the ledger already.
    #[error("key 2: the record id {} is on the ledger already", hex(.0))]
    IdKnown(RecordId),
    /// The previous version is not a record of this member.
    #[error("key 15: the previous version is no record of this member")]
    PreviousVersion,
    /// The idempotency tag is in use.
    #[error(
        "key 16: duplicate; record {} has the same idempotency tag, and this record does not name \
         it as its previous version", hex(.earlier)
    )]
    Duplicate {
        /// The newest record with the tag.
        earlier: RecordId,
    },
}

/// Why a whole block is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockRefusal {
    /// A header field is not what the chain so far asks for.
    #[error("block header: {field} is not {expected}")]
    Header {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: String,
    },
    /// The block's time is not after its parent's.
    #[error("block time: {found} ms is not after the parent's {parent} ms")]
    TimeOrder {
        /// The parent's time.
        parent: u64,
        /// The block's time.
        found: u64,
    },
    /// An unconfirmed jump of the clock.
    #[error(
        "block time: {found} ms is more than {CLOCK_JUMP_MS_MAX} ms after the parent's {parent} \
         ms; check the clock and confirm the jump with a clock statement in this block"
    )]
    ClockJump {
        /// The parent's time.
        parent: u64,
        /// The block's time.
        found: u64,
    },
    /// A fresh proposal whose time is not near the voter's clock.
    #[error("block time: {found} ms is over {PROPOSAL_SKEW_MS_MAX} ms from the clock's {clock} ms")]
    NotFresh {
        /// The voter's clock.
        clock: u64,
        /// The block's time.
        found: u64,
    },
    /// A block without statements.
    #[error("a block holds at least one statement")]
    Empty,
    /// Too many statements, or too many bytes.
    #[error("a block holds at most {STATEMENTS_PER_BLOCK_MAX} statements and a bounded size: {0}")]
    TooLarge(String),
    /// The first block does not begin with a genesis statement.
    #[error("the first statement of a log must be a genesis statement")]
    NoGenesis,
    /// The genesis statement names no rule set that is known.
    #[error("rule set {0} is not known")]
    RuleSet(u64),
    /// The objects are not those that the statements name, in the order of first naming.
    #[error("the block's objects are not those that its statements name, in that order")]
    Objects,
    /// A statement of the block breaks a rule.
    #[error("statement {index} of the block: {refusal}")]
    Statement {
        /// Its place in the block, from 0.
        index: usize,
        /// The rule.
        refusal: Box<StatementRefusal>,
    },
}

/// Why a block could not be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The block breaks a rule.
    #[error(transparent)]
    Refused(#[from] BlockRefusal),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a statement stops: a refusal is the statement's fault, the other the store's.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(StatementRefusal),
    State(StateError),
}

impl From<StateError> for Stop {
    fn from(error: StateError) -> Self {
        Stop::State(error)
    }
}

impl From<StatementRefusal> for Stop {
    fn from(refusal: StatementRefusal) -> Self {
        Stop::Refused(refusal)
    }
}

impl From<BatchFault> for Stop {
    fn from(fault: BatchFault) -> Self {
        Stop::Refused(fault.into())
    }
}

impl From<StatementError> for StatementRefusal {
    fn from(error: StatementError) -> Self {
        StatementRefusal::Malformed(error)
    }
}

impl From<CborError> for BatchFault {
    fn from(error: CborError) -> Self {
        BatchFault::Object(error.into())
    }
}
