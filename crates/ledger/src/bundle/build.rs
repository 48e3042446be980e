//! Making bundles: puts what the ledger's stores hold into the one order, and signs it.

use std::collections::{BTreeMap, BTreeSet};

use countermark_tlog::ProofError;
use countermark_tlog::merkle::{self, Hash};
use ed25519_dalek::SigningKey;

use super::{
    BlockProof, Bundle, BundleError, EntryProof, GenesisProof, Head, RecordProof, Verdict, verify,
};
use crate::cose;
use crate::ids::{KeyId, MemberId, key_id};
use crate::limits::BUNDLE_RECORDS_MAX;
use crate::record_header::batch_leaf_hash;
use crate::state::entries::{Entry, EntryError, KeyEntry};
use crate::state::{StateError, StateView, keys, prove};
use crate::statement::{SignedStatement, StatementError};

/// Everything of a bundle but the order and the signature.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The signed checkpoint.
    pub checkpoint: Vec<u8>,
    /// The genesis statement and its path.
    pub genesis: GenesisProof,
    /// The records, in any order.
    pub records: Vec<RecordProof>,
    /// The newest block of the checkpoint.
    pub head: BlockProof,
    /// Id of the key that will sign.
    pub issuer_key: KeyId,
    /// The member of that key, in the state after the newest block.
    pub issuer: EntryProof,
    /// The keys of [`Draft::key_ids`] in the state after the newest block, in any order; others are
    /// left out of the bundle.
    pub keys: Vec<EntryProof>,
    /// The issuer's clock, Unix milliseconds.
    pub issued_at_ms: u64,
}

/// Why a draft makes no bundle.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// No record, or too many.
    #[error("{0} records; a bundle proves 1 to {BUNDLE_RECORDS_MAX}")]
    Records(usize),
    /// A record is given twice; its openings belong into one.
    #[error("a record is given twice; disclose all its fields in one opening")]
    Twice,
    /// A statement leaf that is none.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A key's entry cannot be read.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A key that signed is not proven.
    #[error("the state proof of key {} is missing", crate::ids::hex(.0))]
    Key(KeyId),
    /// The signing key is not the one that the draft names.
    #[error("the bundle is to be issued with key {}", crate::ids::hex(.0))]
    Issuer(KeyId),
    /// The bundle could not be read again.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle does not verify: what it was made of does not fit together.
    #[error("the bundle would not verify. {0}")]
    DoesNotHold(String),
}

impl EntryProof {
    /// A key as the state holds it; `None` where there is no such key.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn of_key(view: &impl StateView, id: &KeyId) -> Result<Option<Self>, StateError> {
        Self::of(view, &keys::signing_key(id))
    }

    /// A member as the state holds it; `None` where there is no such member.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn of_member(view: &impl StateView, id: &MemberId) -> Result<Option<Self>, StateError> {
        Self::of(view, &keys::member(id))
    }

    fn of(view: &impl StateView, key: &[u8]) -> Result<Option<Self>, StateError> {
        let Some(entry) = view.value(key)? else { return Ok(None) };
        Ok(Some(Self { entry, proof: prove(view, key)?.encode() }))
    }
}

impl RecordProof {
    /// The proof of one record, from its block's statement leaves and its batch's headers.
    ///
    /// `statements` are the leaf hashes of the block's statements in their order, `batch` the record
    /// headers of the capture statement's object in their order.
    ///
    /// # Errors
    /// [`ProofError::Index`] where statement or record are not among them.
    pub fn new<H: AsRef<[u8]>>(
        block: BlockProof,
        (statements, statement_index, statement_leaf): (&[Hash], usize, &[u8]),
        (batch, record_index): (&[H], usize),
        openings: Vec<u8>,
    ) -> Result<Self, ProofError> {
        let leaves: Vec<Hash> =
            batch.iter().map(|header| batch_leaf_hash(header.as_ref())).collect();
        let record_path = merkle::inclusion_proof(&leaves, record_index)?;
        Ok(Self {
            block,
            statement_leaf: statement_leaf.to_vec(),
            statement_index: statement_index as u64,
            statement_path: merkle::inclusion_proof(statements, statement_index)?,
            record_header: batch[record_index].as_ref().to_vec(),
            record_index: record_index as u64,
            record_path,
            openings,
        })
    }
}

impl Draft {
    /// The keys that the bundle must prove: those that signed, and the issuer's.
    ///
    /// # Errors
    /// [`DraftError::Statement`] where a record's statement is none.
    pub fn key_ids(
        records: &[RecordProof],
        issuer_key: KeyId,
    ) -> Result<BTreeSet<KeyId>, DraftError> {
        let mut ids = BTreeSet::from([issuer_key]);
        for record in records {
            ids.insert(SignedStatement::from_leaf(&record.statement_leaf)?.statement().key);
        }
        Ok(ids)
    }

    /// Puts the draft in order, signs it with a key at hand, and checks the result.
    ///
    /// # Errors
    /// [`DraftError`] names what is missing or does not fit.
    pub fn sign(self, key: &SigningKey) -> Result<Bundle, DraftError> {
        if key_id(&key.verifying_key().to_bytes()) != self.issuer_key {
            return Err(DraftError::Issuer(self.issuer_key));
        }
        let mut bundle = self.unsigned()?;
        bundle.signature = cose::sign(key, &bundle.signed_bytes());
        check(bundle)
    }

    /// What a key held elsewhere has to sign; the signature goes to [`Draft::with_signature`].
    ///
    /// # Errors
    /// As [`Draft::sign`].
    pub fn signed_bytes(&self) -> Result<Vec<u8>, DraftError> {
        Ok(self.clone().unsigned()?.signed_bytes())
    }

    /// The bundle with a signature that was made elsewhere, checked.
    ///
    /// # Errors
    /// As [`Draft::sign`].
    pub fn with_signature(self, signature: [u8; 64]) -> Result<Bundle, DraftError> {
        check(Bundle { signature, ..self.unsigned()? })
    }

    fn unsigned(mut self) -> Result<Bundle, DraftError> {
        if self.records.is_empty() || self.records.len() > BUNDLE_RECORDS_MAX {
            return Err(DraftError::Records(self.records.len()));
        }
        self.records.sort_by_key(RecordProof::position);
        if !self.records.is_sorted_by(|a, b| a.position() < b.position()) {
            return Err(DraftError::Twice);
        }
        let mut given = BTreeMap::new();
        for key in self.keys {
            given.insert(key_id(&KeyEntry::decode(&key.entry)?.public_key), key);
        }
        let ids = Self::key_ids(&self.records, self.issuer_key)?;
        let keys = ids.into_iter().map(|id| given.remove(&id).ok_or(DraftError::Key(id)));
        let head = Head {
            block: self.head,
            issuer_key: self.issuer_key,
            keys: keys.collect::<Result<_, _>>()?,
            issuer: self.issuer,
        };
        Ok(Bundle {
            checkpoint: self.checkpoint,
            genesis: self.genesis,
            records: self.records,
            head,
            issued_at_ms: self.issued_at_ms,
            signature: [0; 64],
        })
    }
}

/// What is handed out can be read again and verifies.
fn check(bundle: Bundle) -> Result<Bundle, DraftError> {
    let bundle = Bundle::decode(&bundle.encode())?;
    let report = verify(&bundle, None);
    match report.verdict {
        Verdict::DoesNotHold => Err(DraftError::DoesNotHold(report.message)),
        _ => Ok(bundle),
    }
}
