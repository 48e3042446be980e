//! One leaf of the log: what it says, and the path that proves that it stands in the tree.

use countermark_epcis::json::Json;
use countermark_ledger::ids::hex;
use countermark_ledger::record_header::{RecordHeader, decode_batch};
use countermark_ledger::registry::leaf;
use countermark_ledger::statement::{Body, SignedStatement};
use countermark_store::log_store::LogView;
use countermark_tlog::merkle::{self, Hash};
use serde::{Deserialize, Serialize};

use super::blocks::{StatementSummary, statement};
use super::decode;
use crate::blocks;
use crate::clock;
use crate::error::NodeError;
use crate::node::Node;
use crate::sequencer::chain;
use crate::stores::store_error;

/// A leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeafDetail {
    /// Its index.
    pub index: u64,
    /// `block header`, `statement` or another registered kind.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub hash: String,
    /// Height of its block.
    pub height: u64,
    /// Time of its block.
    pub block_time: String,
    /// The statement in short, where it is one.
    pub statement: Option<StatementSummary>,
    /// Ids of the records that a capture brings, in the order of their batch.
    pub records: Vec<String>,
    /// What it says, with registered names; none where it does not read.
    pub content: Option<Json>,
    /// Why it stands in the tree.
    pub inclusion: Inclusion,
}

/// Which side of a pair of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// One step from a leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// On which side the sibling stands.
    pub side: Side,
    /// The sibling's hash.
    pub sibling: String,
    /// The hash of the two together.
    pub result: String,
}

/// The path from a leaf to the root of the tree (RFC 9162 §2.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inclusion {
    /// Index of the leaf.
    pub leaf_index: u64,
    /// Leaves in the tree.
    pub tree_size: u64,
    /// Hash of the leaf, where the path begins.
    pub leaf_hash: String,
    /// The steps.
    pub path: Vec<Step>,
    /// The root, where it ends; the checkpoint signs it.
    pub root: String,
}

impl Node {
    /// A leaf of the log, with its place in a tree of the log's size.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] beyond the log's end.
    pub fn leaf(&self, index: u64) -> Result<LeafDetail, NodeError> {
        let secrets = self.secrets();
        let sequencer = self.lock();
        let log: &LogView = &sequencer.stores.log;
        let inclusion = inclusion(log, index)?;
        let bytes = log.leaf(index).map_err(|e| damaged(index, chain(&e)))?;
        let header = blocks::header_of(log, index)?;
        let signed = SignedStatement::from_leaf(&bytes).ok();
        let records = match signed.as_ref().map(|signed| &signed.statement().body) {
            Some(Body::Capture(capture)) => records(&blocks::object(log, &capture.object)?)?,
            _ => Vec::new(),
        };
        let kind = bytes.first().copied().unwrap_or(0);
        Ok(LeafDetail {
            index,
            kind: leaf::name(kind).map_or_else(|| format!("kind {kind}"), str::to_owned),
            bytes: bytes.len() as u64,
            hash: inclusion.leaf_hash.clone(),
            height: header.height,
            block_time: clock::moment(header.time_ms),
            statement: signed.as_ref().map(|signed| statement(index, signed, &secrets)),
            records,
            content: decode::leaf_tree(&bytes),
            inclusion,
        })
    }

    /// The path from a leaf to the root of the tree of the log's size.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] beyond the log's end.
    pub fn inclusion(&self, index: u64) -> Result<Inclusion, NodeError> {
        let sequencer = self.lock();
        inclusion(&sequencer.stores.log, index)
    }
}

fn damaged(index: u64, what: String) -> NodeError {
    NodeError::Damaged { place: format!("log, leaf {index}"), what }
}

fn records(batch: &[u8]) -> Result<Vec<String>, NodeError> {
    let headers = decode_batch(batch).map_err(|e| store_error(&e))?;
    let id = |bytes: &Vec<u8>| {
        let header = RecordHeader::decode(bytes).map_err(|e| store_error(&e))?;
        Ok(hex(&header.record_id))
    };
    headers.iter().map(id).collect()
}

fn inclusion(log: &LogView, index: u64) -> Result<Inclusion, NodeError> {
    let size = log.size();
    if index >= size {
        let what = format!("the log has no leaf {index}; it has {size}, numbered from 0");
        return Err(NodeError::NotFound(what));
    }
    let bytes = log.leaf(index).map_err(|e| damaged(index, chain(&e)))?;
    let path = log.inclusion_proof(index, size).map_err(|e| damaged(index, chain(&e)))?;
    let hash = merkle::leaf_hash(&bytes);
    let (steps, root) = walk(index, size, hash, &path);
    if root != log.root() {
        return Err(damaged(index, "its path does not lead to the root of the log".to_owned()));
    }
    Ok(Inclusion {
        leaf_index: index,
        tree_size: size,
        leaf_hash: hex(&hash),
        path: steps,
        root: hex(&root),
    })
}

/// RFC 9162 §2.1.3.2, each step with its side.
fn walk(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> (Vec<Step>, Hash) {
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    let mut steps = Vec::with_capacity(path.len());
    for sibling in path {
        let is_right = at & 1 == 1 || at == last;
        let side = if is_right { Side::Left } else { Side::Right };
        hash = match side {
            Side::Left => merkle::node_hash(sibling, &hash),
            Side::Right => merkle::node_hash(&hash, sibling),
        };
        if is_right {
            // The last node of an odd row has no sibling there and goes up alone.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        }
        at >>= 1;
        last >>= 1;
        steps.push(Step { side, sibling: hex(sibling), result: hex(&hash) });
    }
    (steps, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_every_tree_up_to_forty_leaves_leads_to_its_root() {
        let leaves: Vec<Hash> = (0..40u8).map(|n| merkle::leaf_hash(&[n])).collect();
        for size in 1..=leaves.len() {
            for (index, leaf) in leaves[..size].iter().enumerate() {
                let path = merkle::inclusion_proof(&leaves[..size], index).unwrap();
                let (steps, root) = walk(index as u64, size as u64, *leaf, &path);
                assert_eq!(root, merkle::root(&leaves[..size]), "leaf {index} of {size}");
                assert_eq!(steps.len(), path.len());
                assert!(steps.last().is_none_or(|step| step.result == hex(&root)));
            }
        }
    }
}
