//! Reading blocks back from the log: the newest one, all after a height, one by its place.

use std::cmp::Ordering;

use countermark_ledger::block::BlockHeader;
use countermark_ledger::ids::Hash;
use countermark_ledger::limits::STATEMENTS_PER_BLOCK_MAX;
use countermark_ledger::machine::{BlockInput, Tip};
use countermark_ledger::registry::leaf;
use countermark_ledger::statement::SignedStatement;
use countermark_store::log_store::LogView;

use crate::error::NodeError;
use crate::sequencer::chain;

fn damaged(index: u64, what: impl Into<String>) -> NodeError {
    NodeError::Damaged { place: format!("log, leaf {index}"), what: what.into() }
}

/// Leaves of one entry bundle.
const LEAVES_AT_ONCE: u64 = 256;

/// The header of the block that holds a leaf.
pub(crate) fn header_of(log: &LogView, leaf_index: u64) -> Result<BlockHeader, NodeError> {
    let lowest = leaf_index.saturating_sub(STATEMENTS_PER_BLOCK_MAX as u64);
    let mut end = leaf_index.saturating_add(1);
    while end > lowest {
        // Bundle by bundle, backwards: one leaf alone costs as much as its whole bundle.
        let start = ((end - 1) / LEAVES_AT_ONCE * LEAVES_AT_ONCE).max(lowest);
        let mut found = None;
        for leaf in log.leaves(start..end) {
            let (index, bytes) = leaf.map_err(|e| damaged(start, chain(&e)))?;
            if bytes.first() == Some(&leaf::BLOCK_HEADER) {
                found = Some((index, bytes));
            }
        }
        if let Some((index, bytes)) = found {
            return BlockHeader::from_leaf(&bytes).map_err(|e| damaged(index, e.to_string()));
        }
        end = start;
    }
    Err(damaged(leaf_index, "no block header stands before it"))
}

/// The header of the newest block.
pub(crate) fn newest(log: &LogView) -> Result<Option<BlockHeader>, NodeError> {
    match log.size().checked_sub(1) {
        None => Ok(None),
        Some(last) => header_of(log, last).map(Some),
    }
}

/// Where the log stands: what the next block must follow.
pub(crate) fn tip(log: &LogView) -> Result<Tip, NodeError> {
    Ok(newest(log)?.map_or_else(Tip::start, |header| Tip::after(&header, log.root())))
}

/// What a block had to follow, given its header.
pub(crate) fn tip_before(log: &LogView, header: &BlockHeader) -> Result<Tip, NodeError> {
    let Some(last) = header.log_size.checked_sub(1) else { return Ok(Tip::start()) };
    let parent = header_of(log, last)?;
    let root = log.root_at(header.log_size).map_err(|e| damaged(last, chain(&e)))?;
    Ok(Tip::after(&parent, root))
}

/// The headers of all blocks from a height on, oldest first. Walks back from the newest, so it
/// reads only what it gives.
pub(crate) fn headers_from(log: &LogView, height: u64) -> Result<Vec<BlockHeader>, NodeError> {
    let mut headers = Vec::new();
    let mut next = newest(log)?;
    while let Some(header) = next.filter(|header| header.height >= height) {
        next = match header.log_size.checked_sub(1) {
            None => None,
            Some(last) => Some(header_of(log, last)?),
        };
        headers.push(header);
    }
    headers.reverse();
    Ok(headers)
}

/// The header of the block of a height; `None` beyond the newest.
pub(crate) fn header_at(log: &LogView, height: u64) -> Result<Option<BlockHeader>, NodeError> {
    let Some(newest) = newest(log)?.filter(|newest| newest.height >= height) else {
        return Ok(None);
    };
    // Heights ascend with the leaves: each step leaves at least one block out.
    let (mut low, mut high) = (0, newest.log_size);
    while low <= high {
        let middle = low + (high - low) / 2;
        let header = header_of(log, middle)?;
        match header.height.cmp(&height) {
            Ordering::Equal => return Ok(Some(header)),
            Ordering::Less => low = middle.max(header.log_size + header.statement_count) + 1,
            Ordering::Greater => match header.log_size.checked_sub(1) {
                Some(last) => high = last,
                None => break,
            },
        }
    }
    Err(damaged(low, format!("there is no block {height}, but later ones")))
}

/// A statement of a block, and the index of its leaf.
pub(crate) struct Placed {
    pub(crate) index: u64,
    pub(crate) signed: SignedStatement,
}

/// The statements of a block.
pub(crate) fn statements(log: &LogView, header: &BlockHeader) -> Result<Vec<Placed>, NodeError> {
    let first = header.log_size + 1;
    // Bundle by bundle: one leaf alone costs as much as its whole bundle.
    log.leaves(first..first + header.statement_count)
        .map(|leaf| {
            let (index, bytes) = leaf.map_err(|e| damaged(first, chain(&e)))?;
            let signed =
                SignedStatement::from_leaf(&bytes).map_err(|e| damaged(index, e.to_string()))?;
            Ok(Placed { index, signed })
        })
        .collect()
}

/// An object that a statement names.
pub(crate) fn object(log: &LogView, hash: &Hash) -> Result<Vec<u8>, NodeError> {
    let place = || format!("object {}", countermark_ledger::ids::hex(hash));
    match log.object(hash) {
        Ok(Some(object)) => Ok(object),
        Ok(None) => Err(NodeError::Damaged { place: place(), what: "it is missing".to_owned() }),
        Err(error) => Err(NodeError::Damaged { place: place(), what: chain(&error) }),
    }
}

/// A block as it travels.
pub(crate) fn block(log: &LogView, header: BlockHeader) -> Result<BlockInput, NodeError> {
    let placed = statements(log, &header)?;
    let (mut objects, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for placed in &placed {
        for hash in &placed.signed.statement().objects {
            if seen.insert(*hash) {
                objects.push(object(log, hash)?);
            }
        }
    }
    let statements = placed.iter().map(|placed| placed.signed.bytes().to_vec()).collect();
    Ok(BlockInput { header, statements, objects })
}
