//! What each kind of statement says, as maps with integer keys.
//!
//! No body holds a natural person's name or free text: names are salted digests whose text lies in
//! a vault, roles are random ids, reasons are registered numbers.

use crate::cbor::{self, Fields, ShapeError, Value};
use crate::ids::{DocumentId, HandId, Hash, KeyId, MemberId, RecordId, RoleId};
use crate::limits::{
    CLASSES_PER_ERASURE_MAX, ORIGIN_BYTES_MAX, RECORDS_PER_CAPTURE_MAX, ROLES_PER_MEMBER_MAX,
};
use crate::registry::{FIELD_CLASSES, StatementKind};

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The log begins.
    Genesis(Genesis),
    /// A member joins, is suspended, comes back or leaves.
    Member(MemberBody),
    /// A key is registered, rotated or revoked.
    Key(KeyBody),
    /// A batch of records.
    Capture(Capture),
    /// A further signature.
    Endorsement(Endorsement),
    /// A document is held.
    Document(Document),
    /// Field classes of a record were erased.
    Erasure(Erasure),
    /// A jump of the block clock is confirmed.
    Clock(Clock),
}

/// Body of a genesis statement. The statement's member is the first member, and the key that it
/// brings signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The first member's hand.
    pub hand: HandId,
    /// The log's Ed25519 public key.
    pub log_key: [u8; 32],
    /// The rule set that the log starts with.
    pub rule_set: u64,
    /// Salted digest of the first member's name.
    pub name_digest: Hash,
    /// The first member's first public key.
    pub member_key: [u8; 32],
    /// The head of the log that this one replaces after a declared loss.
    pub previous: Option<PreviousLog>,
}

/// The last known head of an earlier log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousLog {
    /// Its origin.
    pub origin: String,
    /// Its size in leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Body of a member statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBody {
    /// Whom it is about.
    pub member: MemberId,
    /// What happens.
    pub action: MemberAction,
}

/// What happens to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberAction {
    /// Joins.
    Add {
        /// Salted digest of the member's name; salt and name stay in the vault.
        name_digest: Hash,
        /// Who holds the member's keys.
        hand: HandId,
        /// Random ids of its roles, ascending.
        roles: Vec<RoleId>,
    },
    /// May sign nothing until it is resumed.
    Suspend,
    /// Leaves for good.
    Leave,
    /// Is a member again after a suspension.
    Resume,
}

/// Body of a key statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBody {
    /// Whose key it is.
    pub member: MemberId,
    /// What happens.
    pub action: KeyAction,
}

/// What happens to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAction {
    /// A new key.
    Register {
        /// The Ed25519 public key.
        public_key: [u8; 32],
        /// The new key's signature over [`key_proof_message`]: whoever registers it holds it.
        proof: [u8; 64],
    },
    /// A new key takes the place of an old one.
    Rotate {
        /// The key that ends.
        old: KeyId,
        /// The Ed25519 public key that takes its place.
        public_key: [u8; 32],
        /// The new key's signature over [`key_proof_message`].
        proof: [u8; 64],
    },
    /// A key ends.
    Revoke {
        /// The key that ends.
        key: KeyId,
    },
}

/// What a new key signs to show that it is held by whoever registers it: origin and member are
/// named, so the proof cannot be carried to another log or member.
#[must_use]
pub fn key_proof_message(origin: &str, member: &MemberId, public_key: &[u8; 32]) -> Vec<u8> {
    cbor::encode(&Value::Array(vec![
        "countermark key proof 1".into(),
        origin.into(),
        (*member).into(),
        (*public_key).into(),
    ]))
}

/// Body of a capture statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Root over the batch's record headers.
    pub batch_root: Hash,
    /// How many there are.
    pub count: u64,
    /// The object that holds them.
    pub object: Hash,
}

/// Body of an endorsement: what it puts a second signature on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endorsement {
    /// A record.
    Record {
        /// The record's id.
        id: RecordId,
        /// Hash of the leaf that its header makes in its batch.
        hash: Hash,
    },
    /// A statement.
    Statement {
        /// Hash of its log leaf, which is its id too.
        hash: Hash,
    },
}

/// Body of a document statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's random id.
    pub document: DocumentId,
    /// What is known of its contents.
    pub digest: DocumentDigest,
    /// Registered number of its media class ([`MEDIA_CLASSES`]).
    pub media_class: u64,
    /// Its size in bytes; of a salted one the padded size (Padmé), so that length does not leak.
    pub size: u64,
}

/// What the ledger knows of a document's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentDigest {
    /// A salted digest; says nothing without the salt.
    Salted(Hash),
    /// SHA-256 of a document that its member declared open.
    Open(Hash),
}

/// Media classes of documents, by number.
pub const MEDIA_CLASSES: [&str; 8] =
    ["other", "pdf", "image", "spreadsheet", "xml", "json", "text", "edi"];

/// Reasons for an erasure, by number (0 is not used).
pub const ERASURE_REASONS: [&str; 6] = [
    "",
    "request of the person concerned",
    "end of retention",
    "captured in error",
    "legal order",
    "end of agreement",
];

/// Body of an erasure statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The record.
    pub record: RecordId,
    /// The erased field classes, ascending.
    pub classes: Vec<u8>,
    /// Registered number of the reason ([`ERASURE_REASONS`]).
    pub reason: u64,
    /// When it was done, ms since the Unix epoch.
    pub time_ms: u64,
}

/// Body of a clock statement: the jump that the block at this height makes is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Height of the block that makes the jump.
    pub height: u64,
    /// Time of the block before it, ms since the Unix epoch.
    pub previous_ms: u64,
    /// The time that is right, ms since the Unix epoch.
    pub new_ms: u64,
}

/// The size that Padmé rounds a length up to: at most 12 % more, so that few lengths are told
/// apart (Nikitin et al., PURBs, PoPETs 2019).
#[must_use]
pub fn padded_size(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let low_bits = exponent - (exponent.ilog2() + 1).min(exponent);
    let mask = (1u64 << low_bits) - 1;
    length.checked_add(mask).map_or(u64::MAX, |sum| sum & !mask)
}

impl Body {
    /// The kind of statement that this is the body of.
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        match self {
            Body::Genesis(_) => StatementKind::Genesis,
            Body::Member(_) => StatementKind::Member,
            Body::Key(_) => StatementKind::Key,
            Body::Capture(_) => StatementKind::Capture,
            Body::Endorsement(_) => StatementKind::Endorsement,
            Body::Document(_) => StatementKind::Document,
            Body::Erasure(_) => StatementKind::Erasure,
            Body::Clock(_) => StatementKind::Clock,
        }
    }

    /// The body as CBOR.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Body::Genesis(body) => body.to_value(),
            Body::Member(body) => body.to_value(),
            Body::Key(body) => body.to_value(),
            Body::Capture(body) => Value::int_map([
                (1, body.batch_root.into()),
                (2, body.count.into()),
                (3, body.object.into()),
            ]),
            Body::Endorsement(body) => body.to_value(),
            Body::Document(body) => body.to_value(),
            Body::Erasure(body) => Value::int_map([
                (1, body.record.into()),
                (2, Value::Array(body.classes.iter().map(|c| u64::from(*c).into()).collect())),
                (3, body.reason.into()),
                (4, body.time_ms.into()),
            ]),
            Body::Clock(body) => Value::int_map([
                (1, body.height.into()),
                (2, body.previous_ms.into()),
                (3, body.new_ms.into()),
            ]),
        }
    }

    /// Reads the body of a kind; `None` for kinds that this version registers but cannot read.
    ///
    /// # Errors
    /// [`ShapeError`] names the key and the rule.
    pub fn from_value(kind: StatementKind, value: &Value) -> Result<Option<Self>, ShapeError> {
        Ok(Some(match kind {
            StatementKind::Genesis => Body::Genesis(Genesis::from_value(value)?),
            StatementKind::Member => Body::Member(MemberBody::from_value(value)?),
            StatementKind::Key => Body::Key(KeyBody::from_value(value)?),
            StatementKind::Capture => Body::Capture(Capture::from_value(value)?),
            StatementKind::Endorsement => Body::Endorsement(Endorsement::from_value(value)?),
            StatementKind::Document => Body::Document(Document::from_value(value)?),
            StatementKind::Erasure => Body::Erasure(Erasure::from_value(value)?),
            StatementKind::Clock => Body::Clock(Clock::from_value(value)?),
            _ => return Ok(None),
        }))
    }
}

impl Genesis {
    fn to_value(&self) -> Value {
        let mut entries = vec![
            (1, self.hand.into()),
            (2, self.log_key.into()),
            (3, self.rule_set.into()),
            (4, self.name_digest.into()),
            (5, self.member_key.into()),
        ];
        if let Some(previous) = &self.previous {
            let head = Value::int_map([
                (1, previous.origin.as_str().into()),
                (2, previous.size.into()),
                (3, previous.root.into()),
            ]);
            entries.push((6, head));
        }
        Value::int_map(entries)
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("genesis body", value, &[1, 2, 3, 4, 5, 6])?;
        let previous = fields.get(6).map(|head| {
            let head = Fields::open("genesis body, previous log", head, &[1, 2, 3])?;
            Ok(PreviousLog {
                origin: head.text(1, ORIGIN_BYTES_MAX)?.to_owned(),
                size: head.uint(2)?,
                root: head.array(3)?,
            })
        });
        Ok(Genesis {
            hand: fields.array(1)?,
            log_key: fields.array(2)?,
            rule_set: fields.uint(3)?,
            name_digest: fields.array(4)?,
            member_key: fields.array(5)?,
            previous: previous.transpose()?,
        })
    }
}

impl MemberBody {
    fn to_value(&self) -> Value {
        let mut entries = vec![(1, self.member.into())];
        let number: u64 = match &self.action {
            MemberAction::Add { name_digest, hand, roles } => {
                let roles = roles.iter().map(|role| (*role).into()).collect();
                entries.extend([
                    (3, (*name_digest).into()),
                    (4, (*hand).into()),
                    (5, Value::Array(roles)),
                ]);
                1
            }
            MemberAction::Suspend => 2,
            MemberAction::Leave => 3,
            MemberAction::Resume => 4,
        };
        entries.push((2, number.into()));
        Value::int_map(entries)
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let what = "member body";
        let fields = Fields::open(what, value, &[1, 2, 3, 4, 5])?;
        let action = fields.uint(2)?;
        if action != 1 {
            Fields::open(what, value, &[1, 2])?;
        }
        let action = match action {
            1 => {
                let roles = fields.arrays::<16>(5, ROLES_PER_MEMBER_MAX)?;
                if !roles.is_sorted_by(|a, b| a < b) {
                    return Err(fields.range(5, "role ids must ascend, none twice"));
                }
                MemberAction::Add { name_digest: fields.array(3)?, hand: fields.array(4)?, roles }
            }
            2 => MemberAction::Suspend,
            3 => MemberAction::Leave,
            4 => MemberAction::Resume,
            _ => return Err(fields.range(2, "1 add, 2 suspend, 3 leave or 4 resume")),
        };
        Ok(MemberBody { member: fields.array(1)?, action })
    }
}

impl KeyBody {
    fn to_value(&self) -> Value {
        let member = (1, self.member.into());
        match &self.action {
            KeyAction::Register { public_key, proof } => Value::int_map([
                member,
                (2, 1u64.into()),
                (3, (*public_key).into()),
                (4, (*proof).into()),
            ]),
            KeyAction::Rotate { old, public_key, proof } => Value::int_map([
                member,
                (2, 2u64.into()),
                (3, (*public_key).into()),
                (4, (*proof).into()),
                (5, (*old).into()),
            ]),
            KeyAction::Revoke { key } => {
                Value::int_map([member, (2, 3u64.into()), (5, (*key).into())])
            }
        }
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let what = "key body";
        let fields = Fields::open(what, value, &[1, 2, 3, 4, 5])?;
        let action = match fields.uint(2)? {
            1 => {
                let fields = Fields::open(what, value, &[1, 2, 3, 4])?;
                KeyAction::Register { public_key: fields.array(3)?, proof: fields.array(4)? }
            }
            2 => KeyAction::Rotate {
                public_key: fields.array(3)?,
                proof: fields.array(4)?,
                old: fields.array(5)?,
            },
            3 => {
                let fields = Fields::open(what, value, &[1, 2, 5])?;
                KeyAction::Revoke { key: fields.array(5)? }
            }
            _ => return Err(fields.range(2, "1 register, 2 rotate or 3 revoke")),
        };
        Ok(KeyBody { member: fields.array(1)?, action })
    }
}

impl Capture {
    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("capture body", value, &[1, 2, 3])?;
        let count = fields.uint(2)?;
        if count == 0 || count > RECORDS_PER_CAPTURE_MAX as u64 {
            return Err(fields.range(2, format!("1 to {RECORDS_PER_CAPTURE_MAX} records")));
        }
        Ok(Capture { batch_root: fields.array(1)?, count, object: fields.array(3)? })
    }
}

impl Endorsement {
    fn to_value(&self) -> Value {
        match self {
            Endorsement::Record { id, hash } => {
                Value::int_map([(1, 1u64.into()), (2, (*id).into()), (3, (*hash).into())])
            }
            Endorsement::Statement { hash } => {
                Value::int_map([(1, 2u64.into()), (2, (*hash).into()), (3, (*hash).into())])
            }
        }
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("endorsement body", value, &[1, 2, 3])?;
        let hash: Hash = fields.array(3)?;
        match fields.uint(1)? {
            1 => Ok(Endorsement::Record { id: fields.array(2)?, hash }),
            2 if fields.array::<32>(2)? == hash => Ok(Endorsement::Statement { hash }),
            2 => Err(fields.range(2, "a statement's id is the hash of its leaf, as at key 3")),
            _ => Err(fields.range(1, "1 record or 2 statement")),
        }
    }
}

impl Document {
    fn to_value(&self) -> Value {
        let (kind, digest) = match self.digest {
            DocumentDigest::Salted(digest) => (1u64, digest),
            DocumentDigest::Open(digest) => (2, digest),
        };
        Value::int_map([
            (1, self.document.into()),
            (2, kind.into()),
            (3, digest.into()),
            (4, self.media_class.into()),
            (5, self.size.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("document body", value, &[1, 2, 3, 4, 5])?;
        let (digest, media_class, size) = (fields.array(3)?, fields.uint(4)?, fields.uint(5)?);
        let digest = match fields.uint(2)? {
            1 if padded_size(size) != size => {
                return Err(fields.range(5, "the size of a salted document must be padded (Padmé)"));
            }
            1 => DocumentDigest::Salted(digest),
            2 => DocumentDigest::Open(digest),
            _ => return Err(fields.range(2, "1 salted digest or 2 open hash")),
        };
        if media_class >= MEDIA_CLASSES.len() as u64 {
            return Err(fields.range(4, "the media class is not registered"));
        }
        Ok(Document { document: fields.array(1)?, digest, media_class, size })
    }
}

impl Erasure {
    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("erasure body", value, &[1, 2, 3, 4])?;
        let class = |item: &Value| {
            let number = item.as_u64().and_then(|n| u8::try_from(n).ok());
            number.filter(|n| (1..=FIELD_CLASSES).contains(n)).ok_or_else(|| {
                fields.range(2, format!("a field class is a number from 1 to {FIELD_CLASSES}"))
            })
        };
        let items = fields.items(2, CLASSES_PER_ERASURE_MAX)?;
        let classes = items.iter().map(class).collect::<Result<Vec<u8>, _>>()?;
        if classes.is_empty() || !classes.is_sorted_by(|a, b| a < b) {
            return Err(fields.range(2, "at least one field class, ascending, none twice"));
        }
        let reason = fields.uint(3)?;
        if reason == 0 || reason >= ERASURE_REASONS.len() as u64 {
            return Err(fields.range(3, "the reason is not registered"));
        }
        Ok(Erasure { record: fields.array(1)?, classes, reason, time_ms: fields.uint(4)? })
    }
}

impl Clock {
    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("clock body", value, &[1, 2, 3])?;
        Ok(Clock { height: fields.uint(1)?, previous_ms: fields.uint(2)?, new_ms: fields.uint(3)? })
    }
}
