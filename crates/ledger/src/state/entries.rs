//! Values of the state map, as CBOR maps with integer keys.

use super::keys;
use super::proof::{StateProof, StateProofError};
use super::{StateError, StateView};
use crate::cbor::{self, CborError, Fields, ShapeError, Value};
use crate::ids::{HandId, Hash, KeyId, MemberId, RecordId, RoleId, hex, key_id};
use crate::limits::{ENDORSERS_MAX, ORIGIN_BYTES_MAX, ROLES_PER_MEMBER_MAX};

/// A state value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes are no deterministic CBOR.
    #[error("state value: {0}")]
    Cbor(#[from] CborError),
    /// A part does not have the shape its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// A value of the state map.
pub trait Entry: Sized {
    /// The value as CBOR.
    fn to_value(&self) -> Value;

    /// Reads the value.
    ///
    /// # Errors
    /// [`ShapeError`] names the key and the rule.
    fn from_value(value: &Value) -> Result<Self, ShapeError>;

    /// The value's one encoding.
    fn encode(&self) -> Vec<u8> {
        cbor::encode(&self.to_value())
    }

    /// Reads the value from its encoding.
    ///
    /// # Errors
    /// [`EntryError`].
    fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        Ok(Self::from_value(&cbor::decode(bytes)?)?)
    }

    /// Reads the value that a state map holds for a key.
    ///
    /// # Errors
    /// [`StateError::Damaged`] where it cannot be read, or a storage error.
    fn load(view: &impl StateView, key: &[u8]) -> Result<Option<Self>, StateError> {
        let Some(bytes) = view.value(key)? else { return Ok(None) };
        let damaged = |error| StateError::Damaged(format!("entry {}: {error}", hex(key)));
        Self::decode(&bytes).map(Some).map_err(damaged)
    }
}

/// What the log began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisEntry {
    /// The log's origin.
    pub origin: String,
    /// The first member.
    pub member: MemberId,
    /// The log's public key.
    pub log_key: [u8; 32],
    /// The rule set in force.
    pub rule_set: u64,
}

impl Entry for GenesisEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.origin.as_str().into()),
            (2, self.member.into()),
            (3, self.log_key.into()),
            (4, self.rule_set.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state genesis", value, &[1, 2, 3, 4])?;
        Ok(GenesisEntry {
            origin: fields.text(1, ORIGIN_BYTES_MAX)?.to_owned(),
            member: fields.array(2)?,
            log_key: fields.array(3)?,
            rule_set: fields.uint(4)?,
        })
    }
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// May sign what its roles allow.
    Active,
    /// May sign nothing until it is resumed.
    Suspended,
    /// Has left for good.
    Left,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberEntry {
    /// Who holds its keys.
    pub hand: HandId,
    /// Salted digest of its name.
    pub name_digest: Hash,
    /// Where it stands.
    pub status: MemberStatus,
    /// Random ids of its roles.
    pub roles: Vec<RoleId>,
    /// The height at which it joined.
    pub since_height: u64,
    /// The height at which its status last changed.
    pub changed_height: u64,
    /// How many of its keys are valid.
    pub active_keys: u64,
}

impl Entry for MemberEntry {
    fn to_value(&self) -> Value {
        let status: u64 = match self.status {
            MemberStatus::Active => 1,
            MemberStatus::Suspended => 2,
            MemberStatus::Left => 3,
        };
        Value::int_map([
            (1, self.hand.into()),
            (2, self.name_digest.into()),
            (3, status.into()),
            (4, Value::Array(self.roles.iter().map(|role| (*role).into()).collect())),
            (5, self.since_height.into()),
            (6, self.changed_height.into()),
            (7, self.active_keys.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state member", value, &[1, 2, 3, 4, 5, 6, 7])?;
        let status = match fields.uint(3)? {
            1 => MemberStatus::Active,
            2 => MemberStatus::Suspended,
            3 => MemberStatus::Left,
            _ => return Err(fields.range(3, "1 active, 2 suspended or 3 left")),
        };
        Ok(MemberEntry {
            hand: fields.array(1)?,
            name_digest: fields.array(2)?,
            status,
            roles: fields.arrays(4, ROLES_PER_MEMBER_MAX)?,
            since_height: fields.uint(5)?,
            changed_height: fields.uint(6)?,
            active_keys: fields.uint(7)?,
        })
    }
}

/// A signing key. It is valid for statements of the blocks from `valid_from_height` up to, but not
/// including, `revoked_at_height`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Whose key it is.
    pub member: MemberId,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
    /// The first height at which it is valid.
    pub valid_from_height: u64,
    /// The first height at which it no longer is.
    pub revoked_at_height: Option<u64>,
    /// The sequence number that its next statement must have.
    pub next_sequence: u64,
}

impl KeyEntry {
    /// Whether a statement of the block at this height may be signed by the key.
    #[must_use]
    pub fn valid_at(&self, height: u64) -> bool {
        self.valid_from_height <= height && self.revoked_at_height.is_none_or(|end| height < end)
    }

    /// Reads a key from a proof of its state entry: who may sign with it, and when.
    ///
    /// # Errors
    /// [`StateProofError`] where the proof does not lead to the root or the entry is another key's.
    pub fn from_proof(
        root: &Hash,
        id: &KeyId,
        entry: &[u8],
        proof: &StateProof,
    ) -> Result<Self, StateProofError> {
        proof.verify_present(root, &keys::signing_key(id), entry)?;
        let key = Self::from_value(&cbor::decode(entry)?)?;
        if key_id(&key.public_key) == *id {
            Ok(key)
        } else {
            Err(StateProofError::Other("the entry of another key"))
        }
    }
}

impl Entry for KeyEntry {
    fn to_value(&self) -> Value {
        let mut entries = vec![
            (1, self.member.into()),
            (2, self.public_key.into()),
            (3, self.valid_from_height.into()),
            (5, self.next_sequence.into()),
        ];
        entries.extend(self.revoked_at_height.map(|height| (4, height.into())));
        Value::int_map(entries)
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state key", value, &[1, 2, 3, 4, 5])?;
        Ok(KeyEntry {
            member: fields.array(1)?,
            public_key: fields.array(2)?,
            valid_from_height: fields.uint(3)?,
            revoked_at_height: fields.get(4).map(|_| fields.uint(4)).transpose()?,
            next_sequence: fields.uint(5)?,
        })
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEntry {
    /// Whose record it is.
    pub member: MemberId,
    /// The height of its block.
    pub height: u64,
    /// Hash of the leaf that its header makes in its batch.
    pub header_hash: Hash,
    /// Log index of its capture statement.
    pub log_index: u64,
    /// Erased field classes: bit n stands for class n.
    pub erased: u64,
}

impl Entry for RecordEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.member.into()),
            (2, self.height.into()),
            (3, self.header_hash.into()),
            (4, self.log_index.into()),
            (5, self.erased.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state record", value, &[1, 2, 3, 4, 5])?;
        Ok(RecordEntry {
            member: fields.array(1)?,
            height: fields.uint(2)?,
            header_hash: fields.array(3)?,
            log_index: fields.uint(4)?,
            erased: fields.uint(5)?,
        })
    }
}

/// A statement of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// Registered number of its kind.
    pub kind: u64,
    /// Who signed it.
    pub member: MemberId,
    /// The height of its block.
    pub height: u64,
    /// Its log index.
    pub log_index: u64,
}

impl Entry for StatementEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.kind.into()),
            (2, self.member.into()),
            (3, self.height.into()),
            (4, self.log_index.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state statement", value, &[1, 2, 3, 4])?;
        Ok(StatementEntry {
            kind: fields.uint(1)?,
            member: fields.array(2)?,
            height: fields.uint(3)?,
            log_index: fields.uint(4)?,
        })
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEntry {
    /// Who holds it.
    pub member: MemberId,
    /// The height of its block.
    pub height: u64,
    /// Whether the digest is the hash of an open document, not a salted one.
    pub open: bool,
    /// The digest.
    pub digest: Hash,
}

impl Entry for DocumentEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.member.into()),
            (2, self.height.into()),
            (3, self.open.into()),
            (4, self.digest.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state document", value, &[1, 2, 3, 4])?;
        let open = match fields.need(3)? {
            Value::Bool(open) => *open,
            _ => return Err(fields.range(3, "true or false")),
        };
        Ok(DocumentEntry {
            member: fields.array(1)?,
            height: fields.uint(2)?,
            open,
            digest: fields.array(4)?,
        })
    }
}

/// Who endorsed a record or statement, besides whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndorsedEntry {
    /// The hash that was endorsed.
    pub hash: Hash,
    /// Hand and member of each endorser, by hand; a hand counts once.
    pub endorsers: Vec<(HandId, MemberId)>,
}

impl Entry for EndorsedEntry {
    fn to_value(&self) -> Value {
        let pair = |(hand, member): &(HandId, MemberId)| {
            Value::Array(vec![(*hand).into(), (*member).into()])
        };
        Value::int_map([
            (1, self.hash.into()),
            (2, Value::Array(self.endorsers.iter().map(pair).collect())),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state endorsements", value, &[1, 2])?;
        let pair = |item: &Value| match item.as_array() {
            Some([hand, member]) => Ok((fields.fixed(2, hand)?, fields.fixed(2, member)?)),
            _ => Err(fields.range(2, "pairs of hand and member")),
        };
        let items = fields.items(2, ENDORSERS_MAX)?;
        Ok(EndorsedEntry {
            hash: fields.array(1)?,
            endorsers: items.iter().map(pair).collect::<Result<_, _>>()?,
        })
    }
}

/// A confirmed jump of the block clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockEntry {
    /// Time of the block before the jump, ms since the Unix epoch.
    pub previous_ms: u64,
    /// The confirmed time, ms since the Unix epoch.
    pub new_ms: u64,
    /// Who confirmed it.
    pub member: MemberId,
}

impl Entry for ClockEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.previous_ms.into()),
            (2, self.new_ms.into()),
            (3, self.member.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state clock", value, &[1, 2, 3])?;
        Ok(ClockEntry {
            previous_ms: fields.uint(1)?,
            new_ms: fields.uint(2)?,
            member: fields.array(3)?,
        })
    }
}

/// An idempotency tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagEntry {
    /// Records made under the tag: the first and its later versions.
    pub count: u64,
    /// The newest of them.
    pub last_record: RecordId,
    /// The first time bucket (hours since the Unix epoch) in which the tag no longer counts.
    pub expires: u64,
}

impl Entry for TagEntry {
    fn to_value(&self) -> Value {
        Value::int_map([
            (1, self.count.into()),
            (2, self.last_record.into()),
            (3, self.expires.into()),
        ])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state tag", value, &[1, 2, 3])?;
        Ok(TagEntry {
            count: fields.uint(1)?,
            last_record: fields.array(2)?,
            expires: fields.uint(3)?,
        })
    }
}

/// How far expired tags have been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepEntry {
    /// The next time bucket to look at.
    pub bucket: u64,
    /// The next list in it.
    pub list: u64,
}

impl Entry for SweepEntry {
    fn to_value(&self) -> Value {
        Value::int_map([(1, self.bucket.into()), (2, self.list.into())])
    }

    fn from_value(value: &Value) -> Result<Self, ShapeError> {
        let fields = Fields::open("state sweep", value, &[1, 2])?;
        Ok(SweepEntry { bucket: fields.uint(1)?, list: fields.uint(2)? })
    }
}
