//! COSE receipts (RFC 9942) over the log: inclusion of a leaf, consistency of two sizes.
//!
//! A receipt is a COSE_Sign1 by the log's key with protected header {1 alg: −8, 395 verifiable data
//! structure: 1, RFC9162_SHA256}, unprotected header {396: {−1 | −2: [bstr .cbor proof]}} and a
//! detached payload: the root that the proof leads to. The payload is not carried, so a receipt
//! holds only where the proof, worked out anew, gives the root that was signed.
//!
//! The signature covers the root alone, as RFC 9942 has it. Several pairs of size and index lead by
//! the same hashes to the same root, so a receipt by itself shows *that* a leaf is in the log, not
//! where: [`Receipt::verify_inclusion_at`] compares with a checkpoint, which binds the size.

use crate::cbor::{self, CborError, Value};
use crate::cose::{self, CoseError, Sign1};
use crate::ids::Hash;
use crate::limits::RECEIPT_BYTES_MAX;
use countermark_tlog::merkle::{self, ProofError};
use ed25519_dalek::SigningKey;

/// Header parameter `vds`: the verifiable data structure (RFC 9942).
const HEADER_VDS: u64 = 395;
/// Header parameter `vdp`: its proofs (RFC 9942).
const HEADER_VDP: u64 = 396;
/// Verifiable data structure RFC9162_SHA256.
const VDS_RFC9162_SHA256: u64 = 1;
/// Key −1 of the proofs: inclusion.
const INCLUSION: Value = Value::Negative(0);
/// Key −2 of the proofs: consistency.
const CONSISTENCY: Value = Value::Negative(1);
/// Hashes in a proof over a tree of at most 2⁶⁴ leaves.
const PATH_MAX: usize = 65;

/// A receipt that cannot be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// No COSE_Sign1 message, or the signature does not hold.
    #[error("receipt: {0}")]
    Cose(#[from] CoseError),
    /// A part is no CBOR that is taken.
    #[error("receipt: {0}")]
    Cbor(#[from] CborError),
    /// The message is no receipt.
    #[error("not a receipt: {0}")]
    Structure(&'static str),
    /// The message is not in the one encoding that this ledger writes.
    #[error("the receipt is not in its one encoding")]
    Encoding,
    /// The proof does not hold.
    #[error("receipt: {0}")]
    Proof(#[from] ProofError),
    /// Longer than [`RECEIPT_BYTES_MAX`].
    #[error("a receipt of {0} bytes; at most {RECEIPT_BYTES_MAX} are taken")]
    TooLong(usize),
}

/// A proof over the log's tree (RFC 9162 §2.1.3, §2.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A leaf is in the tree.
    Inclusion {
        /// Leaves in the tree.
        tree_size: u64,
        /// Index of the leaf, from 0.
        leaf_index: u64,
        /// The audit path, from the leaf's sibling upwards.
        path: Vec<Hash>,
    },
    /// A tree is an earlier state of another.
    Consistency {
        /// Leaves in the earlier tree.
        old_size: u64,
        /// Leaves in the later one.
        new_size: u64,
        /// The consistency path.
        path: Vec<Hash>,
    },
}

/// A proof, signed by the log's key over the root that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    proof: Proof,
    signature: [u8; 64],
}

/// What a receipt of any issuer holds, read without judging it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptParts {
    /// COSE algorithm of the signature.
    pub algorithm: i64,
    /// The proofs, in their order.
    pub proofs: Vec<Proof>,
    /// The COSE message.
    pub message: Sign1,
}

impl Proof {
    fn key(&self) -> Value {
        match self {
            Proof::Inclusion { .. } => INCLUSION,
            Proof::Consistency { .. } => CONSISTENCY,
        }
    }

    fn to_value(&self) -> Value {
        let (a, b, path) = match self {
            Proof::Inclusion { tree_size, leaf_index, path } => (tree_size, leaf_index, path),
            Proof::Consistency { old_size, new_size, path } => (old_size, new_size, path),
        };
        let path = path.iter().map(|hash| (*hash).into()).collect();
        Value::Array(vec![(*a).into(), (*b).into(), Value::Array(path)])
    }

    fn from_value(key: &Value, proof: &Value) -> Result<Self, ReceiptError> {
        let shape = ReceiptError::Structure("a proof is no [uint, uint, [hash, ...]]");
        let Some([Value::Unsigned(a), Value::Unsigned(b), Value::Array(path)]) = proof.as_array()
        else {
            return Err(shape);
        };
        if path.len() > PATH_MAX {
            return Err(ReceiptError::Structure("a proof has more hashes than any tree needs"));
        }
        let hash = |item: &Value| item.as_bytes().and_then(|bytes| bytes.try_into().ok());
        let path = path.iter().map(hash).collect::<Option<Vec<Hash>>>().ok_or(shape)?;
        if *key == INCLUSION {
            Ok(Proof::Inclusion { tree_size: *a, leaf_index: *b, path })
        } else if *key == CONSISTENCY {
            Ok(Proof::Consistency { old_size: *a, new_size: *b, path })
        } else {
            Err(ReceiptError::Structure("a proof is neither of inclusion nor of consistency"))
        }
    }
}

fn protected() -> Vec<u8> {
    cbor::encode(&Value::int_map([
        (cose::HEADER_ALG, cose::ALG_EDDSA.into()),
        (HEADER_VDS, VDS_RFC9162_SHA256.into()),
    ]))
}

/// The bytes that the log's key signs for a receipt over this root.
#[must_use]
pub fn to_be_signed(root: &Hash) -> Vec<u8> {
    cose::to_be_signed(&protected(), root)
}

impl Receipt {
    /// Signs a proof that leads to `root` with the log's key. For a key held elsewhere:
    /// [`to_be_signed`], then [`Receipt::with_signature`].
    #[must_use]
    pub fn sign(proof: Proof, root: &Hash, log_key: &SigningKey) -> Self {
        Self::with_signature(proof, cose::sign(log_key, &to_be_signed(root)))
    }

    /// Joins a proof and the signature over its root; neither is verified here.
    #[must_use]
    pub fn with_signature(proof: Proof, signature: [u8; 64]) -> Self {
        Receipt { proof, signature }
    }

    /// The proof.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The receipt's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let proof = Value::Bytes(cbor::encode(&self.proof.to_value()));
        let proofs = Value::Map(vec![(self.proof.key(), Value::Array(vec![proof]))]);
        let message = Sign1 {
            protected: protected(),
            unprotected: Value::int_map([(HEADER_VDP, proofs)]),
            payload: None,
            signature: self.signature.to_vec(),
        };
        message.encode()
    }

    /// Reads a receipt in the encoding that this ledger writes.
    ///
    /// # Errors
    /// [`ReceiptError`] where the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut parts = ReceiptParts::from_message(Sign1::decode(bounded(bytes)?)?, cbor::decode)?;
        let (Some(proof), true) = (parts.proofs.pop(), parts.proofs.is_empty()) else {
            return Err(ReceiptError::Structure("a receipt of this ledger holds one proof"));
        };
        let signature = parts.message.signature.as_slice();
        let signature = signature.try_into().map_err(|_| CoseError::Signature)?;
        let receipt = Receipt { proof, signature };
        if receipt.encode() == bytes { Ok(receipt) } else { Err(ReceiptError::Encoding) }
    }

    /// Checks that the leaf with this hash is in a tree whose root the log's key signed; gives that
    /// root. Size and index of the proof are not covered.
    ///
    /// # Errors
    /// [`ReceiptError`] says what does not hold.
    pub fn verify_inclusion(
        &self,
        leaf_hash: &Hash,
        log_key: &[u8; 32],
    ) -> Result<Hash, ReceiptError> {
        let Proof::Inclusion { tree_size, leaf_index, path } = &self.proof else {
            return Err(ReceiptError::Structure("this is a receipt of consistency"));
        };
        let root = merkle::root_from_inclusion(leaf_hash, *leaf_index, *tree_size, path)?;
        cose::verify(log_key, &to_be_signed(&root), &self.signature)?;
        Ok(root)
    }

    /// As [`Receipt::verify_inclusion`], in the tree of a checkpoint that was verified before; gives
    /// the leaf's index, which size and root together bind.
    ///
    /// # Errors
    /// [`ReceiptError`] says what does not hold.
    pub fn verify_inclusion_at(
        &self,
        leaf_hash: &Hash,
        size: u64,
        root: &Hash,
        log_key: &[u8; 32],
    ) -> Result<u64, ReceiptError> {
        match &self.proof {
            Proof::Inclusion { tree_size, leaf_index, .. } if *tree_size == size => {
                if self.verify_inclusion(leaf_hash, log_key)? == *root {
                    Ok(*leaf_index)
                } else {
                    Err(ProofError::Root.into())
                }
            }
            _ => Err(ReceiptError::Structure("it is made for a tree of another size")),
        }
    }

    /// Checks that a tree with `old_root` is an earlier state of the one with `new_root`, which the
    /// log's key signed. The sizes are bound where those of the two roots are known, from
    /// checkpoints.
    ///
    /// # Errors
    /// [`ReceiptError`] says what does not hold.
    pub fn verify_consistency(
        &self,
        old_root: &Hash,
        new_root: &Hash,
        log_key: &[u8; 32],
    ) -> Result<(), ReceiptError> {
        let Proof::Consistency { old_size, new_size, path } = &self.proof else {
            return Err(ReceiptError::Structure("this is a receipt of inclusion"));
        };
        merkle::verify_consistency(*old_size, *new_size, old_root, new_root, path)?;
        cose::verify(log_key, &to_be_signed(new_root), &self.signature)?;
        Ok(())
    }
}

fn bounded(bytes: &[u8]) -> Result<&[u8], ReceiptError> {
    if bytes.len() > RECEIPT_BYTES_MAX {
        Err(ReceiptError::TooLong(bytes.len()))
    } else {
        Ok(bytes)
    }
}

impl ReceiptParts {
    /// Reads a receipt of any issuer: any algorithm, further header parameters, map keys in any
    /// order.
    ///
    /// # Errors
    /// [`ReceiptError`] where the bytes are no receipt over an RFC9162_SHA256 tree.
    pub fn read(bytes: &[u8]) -> Result<Self, ReceiptError> {
        Self::from_message(Sign1::decode_any_order(bounded(bytes)?)?, cbor::decode_any_order)
    }

    fn from_message(
        message: Sign1,
        decode: fn(&[u8]) -> Result<Value, CborError>,
    ) -> Result<Self, ReceiptError> {
        let header = decode(&message.protected)?;
        let algorithm = entry(&header, &cose::HEADER_ALG.into()).and_then(Value::as_i64);
        let algorithm = algorithm.ok_or(ReceiptError::Structure("no algorithm is named"))?;
        let vds = entry(&header, &HEADER_VDS.into()).and_then(Value::as_u64);
        if vds != Some(VDS_RFC9162_SHA256) {
            return Err(ReceiptError::Structure("the data structure is not RFC9162_SHA256"));
        }
        let proofs = entry(&message.unprotected, &HEADER_VDP.into()).and_then(Value::as_map);
        let proofs = proofs.ok_or(ReceiptError::Structure("there are no proofs"))?;
        let mut read = Vec::new();
        for (key, list) in proofs {
            let list = list.as_array().filter(|list| !list.is_empty());
            for proof in list.ok_or(ReceiptError::Structure("a list of proofs is empty"))? {
                let bytes =
                    proof.as_bytes().ok_or(ReceiptError::Structure("a proof is no byte string"))?;
                read.push(Proof::from_value(key, &decode(bytes)?)?);
            }
        }
        Ok(ReceiptParts { algorithm, proofs: read, message })
    }
}

fn entry<'a>(map: &'a Value, key: &Value) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(k, _)| k == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
