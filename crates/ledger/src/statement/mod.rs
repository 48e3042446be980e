//! Statements: signed ledger entries, as COSE_Sign1 over deterministic CBOR (SCITT signed
//! statements) with one signer.
//!
//! Protected header: {1 alg: −8, 3 content type, 4 kid: key id, 15 CWT claims {1 iss: member id in
//! hex, 2 sub: name of the kind}}; the unprotected header is empty. Payload: {1 version, 2 kind,
//! 3 member id, 4 key sequence, 5 origin, 6 body, 7 objects}. A statement has one encoding; any
//! other is refused.

mod body;

pub use body::{
    Body, Capture, Clock, Document, DocumentDigest, ERASURE_REASONS, Endorsement, Erasure, Genesis,
    KeyAction, KeyBody, MEDIA_CLASSES, MemberAction, MemberBody, PreviousLog, key_proof_message,
    padded_size,
};

use crate::cbor::{self, CborError, Fields, ShapeError, Value};
use crate::cose::{self, CoseError, Sign1};
use crate::ids::{Hash, KeyId, MemberId, hex};
use crate::limits::{LEAF_BYTES_MAX, OBJECTS_PER_STATEMENT_MAX, ORIGIN_BYTES_MAX};
use crate::registry::{STATEMENT_CONTENT_TYPE, StatementKind, leaf};
use countermark_tlog::merkle;
use ed25519_dalek::SigningKey;

/// Version of the statement format.
const VERSION: u64 = 1;

/// Bytes that are no statement in its one encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// No COSE_Sign1 message, or its signature does not hold.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// Header or payload are no deterministic CBOR.
    #[error("statement: {0}")]
    Cbor(#[from] CborError),
    /// A part of header, payload or body does not have the shape its place asks for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Header and payload do not agree.
    #[error("the statement's protected header and its payload name another {0}")]
    Disagree(&'static str),
    /// A kind that is not registered.
    #[error("statement kind {0} is not registered")]
    UnknownKind(u64),
    /// A kind that is registered, but that this version cannot read.
    #[error("statement kind \"{}\" is registered for a later version", .0.name())]
    LaterKind(StatementKind),
    /// The bytes decode, but are not the statement's one encoding.
    #[error("the statement is not in its one encoding")]
    Encoding,
    /// Too long for a leaf of the log.
    #[error("a statement of {0} bytes; with its kind byte a leaf holds at most {LEAF_BYTES_MAX}")]
    TooLong(usize),
    /// A leaf of another kind.
    #[error("the leaf is no statement")]
    Leaf,
}

/// What is signed: who says what, in which log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Id of the key that signs.
    pub key: KeyId,
    /// The member that the key belongs to.
    pub member: MemberId,
    /// The key's sequence number, from 1, one more for each statement.
    pub sequence: u64,
    /// The log that the statement is made for.
    pub origin: String,
    /// What is said.
    pub body: Body,
    /// SHA-256 of every object that travels with the statement.
    pub objects: Vec<Hash>,
}

/// A statement with its signature, in its one encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatement {
    statement: Statement,
    signature: [u8; 64],
    bytes: Vec<u8>,
}

impl Statement {
    /// The kind of statement.
    #[must_use]
    pub fn kind(&self) -> StatementKind {
        self.body.kind()
    }

    fn protected(&self) -> Vec<u8> {
        let claims =
            Value::int_map([(1, hex(&self.member).into()), (2, self.kind().name().into())]);
        cbor::encode(&Value::int_map([
            (cose::HEADER_ALG, cose::ALG_EDDSA.into()),
            (cose::HEADER_CONTENT_TYPE, STATEMENT_CONTENT_TYPE.into()),
            (cose::HEADER_KID, self.key.into()),
            (cose::HEADER_CWT_CLAIMS, claims),
        ]))
    }

    fn payload(&self) -> Vec<u8> {
        let objects = self.objects.iter().map(|hash| (*hash).into()).collect();
        cbor::encode(&Value::int_map([
            (1, VERSION.into()),
            (2, self.kind().number().into()),
            (3, self.member.into()),
            (4, self.sequence.into()),
            (5, self.origin.as_str().into()),
            (6, self.body.to_value()),
            (7, Value::Array(objects)),
        ]))
    }

    /// The bytes that the signing key signs.
    #[must_use]
    pub fn to_be_signed(&self) -> Vec<u8> {
        cose::to_be_signed(&self.protected(), &self.payload())
    }

    /// Signs with a key at hand. For a key held elsewhere: [`Statement::to_be_signed`], then
    /// [`Statement::with_signature`].
    ///
    /// # Errors
    /// As [`Statement::with_signature`].
    pub fn sign(self, key: &SigningKey) -> Result<SignedStatement, StatementError> {
        let signature = cose::sign(key, &self.to_be_signed());
        self.with_signature(signature)
    }

    /// Joins a statement and its signature; the signature is not verified here.
    ///
    /// # Errors
    /// [`StatementError`] where the result could not be read again: too long for a leaf, or a
    /// body outside its bounds.
    pub fn with_signature(self, signature: [u8; 64]) -> Result<SignedStatement, StatementError> {
        let message = Sign1 {
            protected: self.protected(),
            unprotected: Value::Map(Vec::new()),
            payload: Some(self.payload()),
            signature: signature.to_vec(),
        };
        SignedStatement::decode(&message.encode())
    }

    fn read(message: &Sign1) -> Result<Self, StatementError> {
        let empty = message.unprotected.as_map().is_some_and(<[_]>::is_empty);
        let payload = message.payload.as_deref().filter(|_| empty);
        let payload = cbor::decode(payload.ok_or(StatementError::Encoding)?)?;
        let fields = Fields::open("statement payload", &payload, &[1, 2, 3, 4, 5, 6, 7])?;
        fields.version(1, VERSION)?;
        let number = fields.uint(2)?;
        let kind = StatementKind::from_number(number).ok_or(StatementError::UnknownKind(number))?;
        let body =
            Body::from_value(kind, fields.need(6)?)?.ok_or(StatementError::LaterKind(kind))?;
        let protected = cbor::decode(&message.protected)?;
        let header = Fields::open("statement header", &protected, &[1, 3, 4, 15])?;
        let statement = Statement {
            key: header.array(cose::HEADER_KID)?,
            member: fields.array(3)?,
            sequence: fields.uint(4)?,
            origin: fields.text(5, ORIGIN_BYTES_MAX)?.to_owned(),
            body,
            objects: fields.arrays(7, OBJECTS_PER_STATEMENT_MAX)?,
        };
        statement.agrees_with(&header)?;
        Ok(statement)
    }

    fn agrees_with(&self, header: &Fields<'_>) -> Result<(), StatementError> {
        if header.need(cose::HEADER_ALG)?.as_i64() != Some(cose::ALG_EDDSA) {
            return Err(header.range(cose::HEADER_ALG, "the algorithm must be EdDSA (-8)").into());
        }
        if header.text(cose::HEADER_CONTENT_TYPE, 64)? != STATEMENT_CONTENT_TYPE {
            return Err(header.range(3, format!("must be {STATEMENT_CONTENT_TYPE}")).into());
        }
        let claims = header.need(cose::HEADER_CWT_CLAIMS)?;
        let claims = Fields::open("statement header, CWT claims", claims, &[1, 2])?;
        if claims.text(1, 32)? != hex(&self.member) {
            return Err(StatementError::Disagree("member"));
        }
        if claims.text(2, 32)? != self.kind().name() {
            return Err(StatementError::Disagree("kind"));
        }
        Ok(())
    }
}

impl SignedStatement {
    /// Reads a statement. Its signature is not verified: that needs the key
    /// ([`SignedStatement::verify`]).
    ///
    /// # Errors
    /// [`StatementError`] where the bytes are no statement in its one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() >= LEAF_BYTES_MAX {
            return Err(StatementError::TooLong(bytes.len()));
        }
        let message = Sign1::decode(bytes)?;
        let statement = Statement::read(&message)?;
        let signature =
            message.signature.as_slice().try_into().map_err(|_| CoseError::Signature)?;
        // Every part is bounded and typed by now; equality with the encoding made anew closes
        // whatever way to write it twice may be left.
        let again = Sign1 {
            protected: statement.protected(),
            unprotected: Value::Map(Vec::new()),
            payload: Some(statement.payload()),
            signature: message.signature.clone(),
        };
        if again.encode() != bytes {
            return Err(StatementError::Encoding);
        }
        Ok(SignedStatement { statement, signature, bytes: bytes.to_vec() })
    }

    /// Reads a statement from its leaf of the log.
    ///
    /// # Errors
    /// [`StatementError`] where the leaf is of another kind, or as [`SignedStatement::decode`].
    pub fn from_leaf(leaf_bytes: &[u8]) -> Result<Self, StatementError> {
        match leaf_bytes.split_first() {
            Some((&leaf::STATEMENT, bytes)) => Self::decode(bytes),
            _ => Err(StatementError::Leaf),
        }
    }

    /// Verifies the signature with the key that the statement names.
    ///
    /// # Errors
    /// [`StatementError::Disagree`] where it is another key, [`StatementError::Cose`] where the
    /// signature does not hold.
    pub fn verify(&self, public_key: &[u8; 32]) -> Result<(), StatementError> {
        if crate::ids::key_id(public_key) != self.statement.key {
            return Err(StatementError::Disagree("key"));
        }
        cose::verify(public_key, &self.statement.to_be_signed(), &self.signature)?;
        Ok(())
    }

    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The COSE_Sign1 message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The leaf of the log: 0x02 ‖ COSE_Sign1.
    #[must_use]
    pub fn leaf(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 1);
        bytes.push(leaf::STATEMENT);
        bytes.extend_from_slice(&self.bytes);
        bytes
    }

    /// Hash of the leaf: the statement's id.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        merkle::leaf_hash(&self.leaf())
    }
}

#[cfg(test)]
pub(crate) mod tests;
