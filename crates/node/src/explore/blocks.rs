//! The blocks, newest first, and the statements of one.

use std::collections::BTreeMap;

use countermark_ledger::block::BlockHeader;
use countermark_ledger::ids::hex;
use countermark_ledger::state::StateView;
use countermark_ledger::state::entries::{Entry, KeyEntry};
use countermark_ledger::state::keys;
use countermark_ledger::statement::{Body, SignedStatement};
use countermark_store::log_store::LogView;
use countermark_tlog::merkle;
use serde::{Deserialize, Serialize};

use crate::blocks;
use crate::clock;
use crate::error::NodeError;
use crate::keyring::Secrets;
use crate::node::Node;
use crate::scope::name_of;
use crate::stores::store_error;

/// Blocks that one page shows at most.
const BLOCKS_MAX: usize = 200;

/// How far the log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogHead {
    /// Name of the log.
    pub origin: String,
    /// Leaves in it.
    pub size: u64,
    /// Root of its tree, in hexadecimal.
    pub root: String,
    /// Height of the newest block.
    pub height: u64,
    /// Time of the newest block.
    pub block_time: String,
}

/// Some blocks, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlocksPage {
    /// How far the log is.
    pub log: LogHead,
    /// The blocks.
    pub blocks: Vec<BlockSummary>,
    /// Ask for what is before this height to go on; none where these were the last.
    pub next: Option<u64>,
}

/// A block as its header says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockSummary {
    /// Its height, from 0.
    pub height: u64,
    /// Its time.
    pub time: String,
    /// Hash of its header's leaf: the block's own.
    pub hash: String,
    /// Hash of the block before.
    pub parent: String,
    /// Index of its header's leaf; its statements follow.
    pub header_leaf: u64,
    /// Root of the log before it.
    pub log_root: String,
    /// How many statements it has.
    pub statement_count: u64,
    /// Root over its statements.
    pub statements_root: String,
    /// Root of the state after it.
    pub state_root: String,
    /// Number of the rule set that it was made under.
    pub rule_set: u64,
    /// Id of the proposer's key.
    pub proposer: String,
    /// Name of the member whose key that is, where this node knows it.
    pub proposer_member: Option<String>,
    /// How many statements there are of each kind.
    pub kinds: BTreeMap<String, u64>,
}

/// A block with its statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDetail {
    /// What its header says.
    pub block: BlockSummary,
    /// Its statements, in their order.
    pub statements: Vec<StatementSummary>,
}

/// A statement in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementSummary {
    /// Index of its leaf.
    pub leaf_index: u64,
    /// Hash of its leaf: the statement's id.
    pub hash: String,
    /// What it states.
    pub kind: String,
    /// Id of the member that states it.
    pub member: String,
    /// Its name, or its id again where this node does not know it.
    pub member_name: String,
    /// Id of the key that signed it.
    pub key: String,
    /// The key's number for it.
    pub sequence: u64,
    /// Size of its leaf.
    pub bytes: u64,
    /// How many records it brings; none for other kinds than capture.
    pub records: Option<u64>,
    /// Hashes of the objects that travel with it.
    pub objects: Vec<String>,
}

impl Node {
    /// How far the log is.
    ///
    /// # Errors
    /// [`NodeError::Damaged`] where the log cannot be read.
    pub fn log_head(&self) -> Result<LogHead, NodeError> {
        let sequencer = self.lock();
        head(&sequencer.stores.log)
    }

    /// Blocks, newest first: those before a height, or the newest.
    ///
    /// # Errors
    /// [`NodeError::Damaged`] where the log cannot be read.
    pub fn blocks(&self, before: Option<u64>, limit: usize) -> Result<BlocksPage, NodeError> {
        let secrets = self.secrets();
        let sequencer = self.lock();
        let log: &LogView = &sequencer.stores.log;
        let mut page = BlocksPage { log: head(log)?, blocks: Vec::new(), next: None };
        let mut next = match before {
            None => blocks::newest(log)?,
            Some(0) => None,
            Some(height) if height > page.log.height => blocks::newest(log)?,
            Some(height) => blocks::header_at(log, height - 1)?,
        };
        while let Some(header) = next.take() {
            if page.blocks.len() == limit.clamp(1, BLOCKS_MAX) {
                page.next = Some(header.height + 1);
                break;
            }
            let statements = blocks::statements(log, &header)?;
            page.blocks.push(summary(&header, &statements, &sequencer.stores.state, &secrets)?);
            next = match header.log_size.checked_sub(1) {
                None => None,
                Some(last) => Some(blocks::header_of(log, last)?),
            };
        }
        Ok(page)
    }

    /// A block with its statements.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] beyond the newest block.
    pub fn block(&self, height: u64) -> Result<BlockDetail, NodeError> {
        let secrets = self.secrets();
        let sequencer = self.lock();
        let log: &LogView = &sequencer.stores.log;
        let header = blocks::header_at(log, height)?
            .ok_or_else(|| NodeError::NotFound(format!("the log has no block {height}")))?;
        let placed = blocks::statements(log, &header)?;
        let block = summary(&header, &placed, &sequencer.stores.state, &secrets)?;
        let statements = placed.iter().map(|one| statement(one.index, &one.signed, &secrets));
        Ok(BlockDetail { block, statements: statements.collect() })
    }
}

fn head(log: &LogView) -> Result<LogHead, NodeError> {
    let empty = || NodeError::Damaged { place: "log".to_owned(), what: "it is empty".to_owned() };
    let newest = blocks::newest(log)?.ok_or_else(empty)?;
    Ok(LogHead {
        origin: log.origin().to_owned(),
        size: log.size(),
        root: hex(&log.root()),
        height: newest.height,
        block_time: clock::moment(newest.time_ms),
    })
}

fn summary(
    header: &BlockHeader,
    placed: &[blocks::Placed],
    state: &impl StateView,
    secrets: &Secrets,
) -> Result<BlockSummary, NodeError> {
    let mut kinds = BTreeMap::new();
    for placed in placed {
        *kinds.entry(placed.signed.statement().kind().name().to_owned()).or_default() += 1;
    }
    let proposer = KeyEntry::load(state, &keys::signing_key(&header.proposer));
    let proposer = proposer.map_err(|e| store_error(&e))?;
    Ok(BlockSummary {
        height: header.height,
        time: clock::moment(header.time_ms),
        hash: hex(&merkle::leaf_hash(&header.leaf())),
        parent: hex(&header.parent),
        header_leaf: header.log_size,
        log_root: hex(&header.log_root),
        statement_count: header.statement_count,
        statements_root: hex(&header.statements_root),
        state_root: hex(&header.state_root),
        rule_set: header.rule_set,
        proposer: hex(&header.proposer),
        proposer_member: proposer.map(|key| name_of(secrets, &key.member)),
        kinds,
    })
}

/// A statement in short.
pub(super) fn statement(
    leaf_index: u64,
    signed: &SignedStatement,
    secrets: &Secrets,
) -> StatementSummary {
    let statement = signed.statement();
    StatementSummary {
        leaf_index,
        hash: hex(&signed.leaf_hash()),
        kind: statement.kind().name().to_owned(),
        member: hex(&statement.member),
        member_name: name_of(secrets, &statement.member),
        key: hex(&statement.key),
        sequence: statement.sequence,
        bytes: signed.bytes().len() as u64 + 1,
        records: match &statement.body {
            Body::Capture(capture) => Some(capture.count),
            _ => None,
        },
        objects: statement.objects.iter().map(|hash| hex(hash)).collect(),
    }
}
