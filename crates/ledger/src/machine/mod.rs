//! The state machine: pure, deterministic, the same for every kind of ordering.
//!
//! [`propose`] makes a block of those candidate statements that hold; [`apply`] takes a block whole
//! or refuses it. Both execute statements by the same code, so a block that was proposed applies
//! everywhere to the same state root. The machine knows no time but the block's, and what it reads
//! is the state, the block, and the [`Tip`] of the log before it.

mod capture;
mod execute;
mod membership;
mod overlay;
mod refusal;
mod rules;
mod tags;

pub use refusal::{ApplyError, BatchFault, BlockRefusal, RecordFault, StatementRefusal};
pub use rules::RuleSet;

use crate::block::{BlockHeader, BlockHeaderError, NO_PARENT, statements_root};
use crate::ids::{HandId, Hash, MemberId, RecordId, key_id, object_hash};
use crate::limits::{
    BLOCK_BYTES_MAX, CLOCK_JUMP_MS_MAX, OBJECT_BYTES_MAX, PROPOSAL_SKEW_MS_MAX,
    STATEMENTS_PER_BLOCK_MAX,
};
use crate::registry::{StatementKind, leaf};
use crate::state::entries::{
    ClockEntry, EndorsedEntry, Entry, GenesisEntry, MemberEntry, RecordEntry,
};
use crate::state::{StateError, StateView, StateWrites, keys};
use crate::statement::{Body, Clock, SignedStatement};
use countermark_tlog::merkle;
use execute::Context;
use overlay::Overlay;
use refusal::Stop;
use std::collections::BTreeMap;

/// The log's head before a block: what the block's header must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Height of the block to come.
    pub height: u64,
    /// Hash of the block before it; [`NO_PARENT`] where there is none.
    pub parent: Hash,
    /// Time of the block before it, ms since the Unix epoch.
    pub parent_time_ms: Option<u64>,
    /// Leaves of the log.
    pub log_size: u64,
    /// Root of the log.
    pub log_root: Hash,
}

impl Tip {
    /// The head of a log without blocks.
    #[must_use]
    pub fn start() -> Self {
        Tip {
            height: 0,
            parent: NO_PARENT,
            parent_time_ms: None,
            log_size: 0,
            log_root: merkle::root(&[]),
        }
    }

    /// The head after a block, whose leaves give the log this root.
    #[must_use]
    pub fn after(header: &BlockHeader, log_root: Hash) -> Self {
        Tip {
            height: header.height.saturating_add(1),
            parent: header.hash(),
            parent_time_ms: Some(header.time_ms),
            log_size: header.log_size.saturating_add(header.statement_count).saturating_add(1),
            log_root,
        }
    }
}

/// A block as it travels: header, COSE bytes of the statements, objects in the order in which the
/// statements first name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockInput {
    /// The header.
    pub header: BlockHeader,
    /// The statements.
    pub statements: Vec<Vec<u8>>,
    /// The objects.
    pub objects: Vec<Vec<u8>>,
}

impl BlockInput {
    /// A block from the leaves that it added to the log, its header's first, and its objects.
    ///
    /// # Errors
    /// [`BlockHeaderError`] where the first leaf is no header, or another one is no statement's.
    pub fn from_leaves<L: AsRef<[u8]>>(
        leaves: &[L],
        objects: Vec<Vec<u8>>,
    ) -> Result<Self, BlockHeaderError> {
        let (first, rest) = leaves.split_first().ok_or(BlockHeaderError::Leaf)?;
        let header = BlockHeader::from_leaf(first.as_ref())?;
        let statement = |bytes: &L| match bytes.as_ref().split_first() {
            Some((&leaf::STATEMENT, bytes)) => Ok(bytes.to_vec()),
            _ => Err(BlockHeaderError::NotAStatement),
        };
        let statements = rest.iter().map(statement).collect::<Result<_, _>>()?;
        Ok(BlockInput { header, statements, objects })
    }
}

/// A statement that someone wants to be taken, with the objects that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// COSE bytes of the statement.
    pub statement: Vec<u8>,
    /// Its objects, in any order.
    pub objects: Vec<Vec<u8>>,
}

/// One statement of an executed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its kind.
    pub kind: StatementKind,
    /// Who signed it.
    pub member: MemberId,
    /// Its log index.
    pub log_index: u64,
    /// Hash of its leaf.
    pub leaf_hash: Hash,
}

/// What a block does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    /// The block's hash, which is the hash of its header's leaf.
    pub block_hash: Hash,
    /// The leaves that the block adds to the log, the header's first.
    pub leaves: Vec<Vec<u8>>,
    /// The statements, in their order.
    pub executed: Vec<Executed>,
    /// What changes in the state.
    pub writes: StateWrites,
}

/// The outcome of [`propose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The block and what it does; `None` where no candidate held.
    pub block: Option<(BlockInput, Effects)>,
    /// Which candidate was refused, by its place, and why.
    pub refusals: Vec<(usize, StatementRefusal)>,
}

/// Makes a block of the candidates that hold, in their order. Block time is the later of `clock_ms`
/// and the parent's time + 1 ms.
///
/// # Errors
/// [`BlockRefusal::ClockJump`] where the clock went on by over an hour and no candidate confirms
/// it; [`BlockRefusal::NoGenesis`] where a new log is begun by something else; [`StateError`].
pub fn propose(
    view: &impl StateView,
    tip: &Tip,
    clock_ms: u64,
    candidates: &[Candidate],
) -> Result<Proposal, ApplyError> {
    let earliest = tip.parent_time_ms.map_or(0, |parent| parent.saturating_add(1));
    let mut run = Run::new(view, tip, clock_ms.max(earliest))?;
    let mut refusals = Vec::new();
    let (mut statements, mut objects) = (Vec::new(), Vec::<Vec<u8>>::new());
    let mut room = BLOCK_BYTES_MAX;
    for (place, candidate) in candidates.iter().enumerate() {
        let named: BTreeMap<Hash, &[u8]> =
            candidate.objects.iter().map(|object| (object_hash(object), &object[..])).collect();
        let size = candidate.statement.len() + named.values().map(|o| o.len()).sum::<usize>();
        if size > BLOCK_BYTES_MAX {
            let rule = "statement and objects together are longer than a block";
            refusals.push((place, StatementRefusal::Objects(rule)));
            continue;
        }
        if statements.len() >= STATEMENTS_PER_BLOCK_MAX || size > room {
            refusals.push((place, StatementRefusal::BlockFull));
            continue;
        }
        match run.take(&candidate.statement, &named)? {
            Ok(new_objects) => {
                room -= size;
                objects.extend(new_objects);
                statements.push(candidate.statement.clone());
            }
            Err(refusal) => refusals.push((place, refusal)),
        }
    }
    if statements.is_empty() {
        return Ok(Proposal { block: None, refusals });
    }
    let (header, effects) = run.finish()?;
    Ok(Proposal { block: Some((BlockInput { header, statements, objects }, effects)), refusals })
}

/// Executes a block: accepts it whole or says why not.
///
/// # Errors
/// [`BlockRefusal`] names the rule; [`StateError`] where the state cannot be read.
pub fn apply(view: &impl StateView, tip: &Tip, block: &BlockInput) -> Result<Effects, ApplyError> {
    check_size(block)?;
    if let Some(parent) = tip.parent_time_ms
        && block.header.time_ms <= parent
    {
        return Err(BlockRefusal::TimeOrder { parent, found: block.header.time_ms }.into());
    }
    let objects: BTreeMap<Hash, &[u8]> =
        block.objects.iter().map(|object| (object_hash(object), &object[..])).collect();
    let mut run = Run::new(view, tip, block.header.time_ms)?;
    let mut named = Vec::new();
    for (index, statement) in block.statements.iter().enumerate() {
        match run.take(statement, &objects)? {
            Ok(new_objects) => named.extend(new_objects),
            Err(refusal) => {
                let refusal = Box::new(refusal);
                return Err(BlockRefusal::Statement { index, refusal }.into());
            }
        }
    }
    if named != block.objects {
        return Err(BlockRefusal::Objects.into());
    }
    let (header, effects) = run.finish()?;
    compare(&block.header, &header)?;
    Ok(effects)
}

/// The voter's rule for a fresh proposal: its time is near the voter's clock. Never for a block
/// that is certified already.
///
/// # Errors
/// [`BlockRefusal::NotFresh`].
pub fn check_fresh(header: &BlockHeader, clock_ms: u64) -> Result<(), BlockRefusal> {
    if header.time_ms.abs_diff(clock_ms) <= PROPOSAL_SKEW_MS_MAX {
        Ok(())
    } else {
        Err(BlockRefusal::NotFresh { clock: clock_ms, found: header.time_ms })
    }
}

/// The clock statement that a block at this time needs, if its time is a jump that must be
/// confirmed. Whoever signs it says that the clock is right: under rule set 1 the founding member.
#[must_use]
pub fn clock_confirmation(tip: &Tip, clock_ms: u64) -> Option<Clock> {
    let previous_ms = tip.parent_time_ms?;
    let jumps = clock_ms.saturating_sub(previous_ms) > CLOCK_JUMP_MS_MAX;
    jumps.then_some(Clock { height: tip.height, previous_ms, new_ms: clock_ms })
}

/// Whether a record is effective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Distinct hands that signed it, its maker's first.
    pub hands: Vec<HandId>,
    /// How many the rule set asks for.
    pub required: usize,
}

impl Standing {
    /// Whether enough distinct hands signed; until then the record is pending.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        self.hands.len() >= self.required
    }
}

/// How a record stands; `None` where it is not on the ledger.
///
/// # Errors
/// [`StateError`] where the state cannot be read.
pub fn standing(view: &impl StateView, record: &RecordId) -> Result<Option<Standing>, StateError> {
    let Some(entry) = RecordEntry::load(view, &keys::record(record))? else { return Ok(None) };
    let genesis = GenesisEntry::load(view, keys::GENESIS)?;
    let rules = genesis.and_then(|genesis| RuleSet::by_number(genesis.rule_set));
    let damaged = || StateError::Damaged("entry of the record's member or of genesis".into());
    let maker = MemberEntry::load(view, &keys::member(&entry.member))?.ok_or_else(damaged)?;
    let endorsed = EndorsedEntry::load(view, &keys::endorsed_record(record))?;
    let endorsers = endorsed.into_iter().flat_map(|entry| entry.endorsers);
    let hands = std::iter::once(maker.hand).chain(endorsers.map(|(hand, _)| hand)).collect();
    Ok(Some(Standing { hands, required: rules.ok_or_else(damaged)?.hands_required }))
}

fn check_size(block: &BlockInput) -> Result<(), BlockRefusal> {
    let count = block.statements.len();
    if count == 0 {
        return Err(BlockRefusal::Empty);
    }
    if count > STATEMENTS_PER_BLOCK_MAX {
        return Err(BlockRefusal::TooLarge(format!("{count} statements")));
    }
    let bytes: usize = block.statements.iter().chain(&block.objects).map(Vec::len).sum();
    if bytes > BLOCK_BYTES_MAX {
        return Err(BlockRefusal::TooLarge(format!("{bytes} bytes")));
    }
    match block.objects.iter().find(|object| object.len() > OBJECT_BYTES_MAX) {
        Some(object) => Err(BlockRefusal::TooLarge(format!("an object of {} bytes", object.len()))),
        None => Ok(()),
    }
}

/// Every field of a header against what execution gives.
fn compare(found: &BlockHeader, expected: &BlockHeader) -> Result<(), BlockRefusal> {
    use crate::ids::hex;
    let refuse = |field, expected: String| Err(BlockRefusal::Header { field, expected });
    if found.origin != expected.origin {
        return refuse("origin", expected.origin.clone());
    }
    for (field, found, expected) in [
        ("height", found.height, expected.height),
        ("time", found.time_ms, expected.time_ms),
        ("log size", found.log_size, expected.log_size),
        ("statement count", found.statement_count, expected.statement_count),
        ("rule set", found.rule_set, expected.rule_set),
    ] {
        if found != expected {
            return refuse(field, expected.to_string());
        }
    }
    for (field, found, expected) in [
        ("parent", &found.parent, &expected.parent),
        ("log root", &found.log_root, &expected.log_root),
        ("statements root", &found.statements_root, &expected.statements_root),
        ("state root", &found.state_root, &expected.state_root),
        ("proposer", &found.proposer, &expected.proposer),
    ] {
        if found != expected {
            return refuse(field, hex(expected));
        }
    }
    Ok(())
}

/// A block in execution.
struct Run<'a, V> {
    overlay: Overlay<'a, V>,
    tip: &'a Tip,
    time_ms: u64,
    genesis: Option<GenesisEntry>,
    executed: Vec<Executed>,
    leaves: Vec<Vec<u8>>,
    objects: BTreeMap<Hash, ()>,
}

impl<'a, V: StateView> Run<'a, V> {
    fn new(view: &'a V, tip: &'a Tip, time_ms: u64) -> Result<Self, ApplyError> {
        crate::state::check_follows(view.head()?, tip.height)?;
        let genesis = GenesisEntry::load(view, keys::GENESIS)?;
        let mut overlay = Overlay::new(view);
        tags::sweep(&mut overlay, tags::bucket(time_ms))?;
        overlay.keep();
        let (executed, leaves) = (Vec::new(), Vec::new());
        Ok(Run { overlay, tip, time_ms, genesis, executed, leaves, objects: BTreeMap::new() })
    }

    /// Executes one statement; gives the objects that it is the first of the block to name.
    fn take(
        &mut self,
        bytes: &[u8],
        objects: &BTreeMap<Hash, &[u8]>,
    ) -> Result<Result<Vec<Vec<u8>>, StatementRefusal>, ApplyError> {
        let signed = match self.execute(bytes, objects) {
            Ok(signed) => signed,
            Err(TakeStop::Statement(Stop::Refused(refusal))) => {
                self.overlay.drop_statement();
                return Ok(Err(refusal));
            }
            Err(TakeStop::Statement(Stop::State(error))) => return Err(error.into()),
            Err(TakeStop::Block(refusal)) => return Err(refusal.into()),
        };
        self.overlay.keep();
        let mut new_objects = Vec::new();
        for hash in &signed.statement().objects {
            if let Some(object) = objects.get(hash)
                && self.objects.insert(*hash, ()).is_none()
            {
                new_objects.push(object.to_vec());
            }
        }
        self.executed.push(Executed {
            kind: signed.statement().kind(),
            member: signed.statement().member,
            log_index: self.next_index(),
            leaf_hash: signed.leaf_hash(),
        });
        self.leaves.push(signed.leaf());
        Ok(Ok(new_objects))
    }

    /// Log index of the next statement: the header's leaf comes before the first.
    fn next_index(&self) -> u64 {
        self.tip.log_size.saturating_add(1).saturating_add(self.executed.len() as u64)
    }

    fn execute(
        &mut self,
        bytes: &[u8],
        objects: &BTreeMap<Hash, &[u8]>,
    ) -> Result<SignedStatement, TakeStop> {
        let first = self.genesis.is_none();
        let (genesis, signed) = match &self.genesis {
            Some(genesis) => {
                let rules = RuleSet::by_number(genesis.rule_set)
                    .ok_or(BlockRefusal::RuleSet(genesis.rule_set))?;
                (genesis.clone(), execute::read(bytes, rules).map_err(Stop::Refused)?)
            }
            None => begin(bytes)?,
        };
        let rules =
            RuleSet::by_number(genesis.rule_set).ok_or(BlockRefusal::RuleSet(genesis.rule_set))?;
        let context = Context {
            rules,
            genesis,
            height: self.tip.height,
            time_ms: self.time_ms,
            parent_time_ms: self.tip.parent_time_ms,
            log_index: self.next_index(),
            objects,
        };
        match (&signed.statement().body, first) {
            (Body::Genesis(body), true) => {
                membership::begin(&mut self.overlay, &context, &signed, body)?;
                tags::begin_sweep(&mut self.overlay, context.bucket());
                execute::note_statement(&mut self.overlay, &context, &signed);
                self.genesis = Some(context.genesis);
            }
            _ => execute::execute(&mut self.overlay, &context, &signed)?,
        }
        Ok(signed)
    }

    /// The header that follows from what was executed, and the effects.
    fn finish(self) -> Result<(BlockHeader, Effects), ApplyError> {
        let genesis = self.genesis.as_ref().ok_or(BlockRefusal::NoGenesis)?;
        self.check_jump()?;
        let leaf_hashes: Vec<Hash> = self.executed.iter().map(|done| done.leaf_hash).collect();
        let mut header = BlockHeader {
            origin: genesis.origin.clone(),
            height: self.tip.height,
            time_ms: self.time_ms,
            parent: self.tip.parent,
            log_size: self.tip.log_size,
            log_root: self.tip.log_root,
            statement_count: self.executed.len() as u64,
            statements_root: statements_root(&leaf_hashes),
            state_root: NO_PARENT,
            rule_set: genesis.rule_set,
            proposer: key_id(&genesis.log_key),
        };
        let writes = self.overlay.finish()?;
        header.state_root = writes.root;
        let mut leaves = vec![header.leaf()];
        leaves.extend(self.leaves);
        let block_hash = header.hash();
        Ok((header, Effects { block_hash, leaves, executed: self.executed, writes }))
    }

    /// A jump of over an hour needs a confirmation in the block itself, of a time from which the
    /// block's is no further jump.
    fn check_jump(&self) -> Result<(), ApplyError> {
        let Some(parent) = self.tip.parent_time_ms else { return Ok(()) };
        let confirmed: Option<ClockEntry> = self.overlay.get(&keys::clock(self.tip.height))?;
        let from = confirmed.map_or(parent, |clock| clock.new_ms);
        if self.time_ms.saturating_sub(from) > CLOCK_JUMP_MS_MAX {
            return Err(BlockRefusal::ClockJump { parent, found: self.time_ms }.into());
        }
        Ok(())
    }
}

/// What stops a statement, or the block with it.
enum TakeStop {
    Statement(Stop),
    Block(BlockRefusal),
}

impl From<Stop> for TakeStop {
    fn from(stop: Stop) -> Self {
        TakeStop::Statement(stop)
    }
}

impl From<BlockRefusal> for TakeStop {
    fn from(refusal: BlockRefusal) -> Self {
        TakeStop::Block(refusal)
    }
}

/// Reads the first statement of a log.
fn begin(bytes: &[u8]) -> Result<(GenesisEntry, SignedStatement), TakeStop> {
    let signed = SignedStatement::decode(bytes).map_err(|e| Stop::Refused(e.into()))?;
    let statement = signed.statement();
    let Body::Genesis(body) = &statement.body else {
        return Err(TakeStop::Block(BlockRefusal::NoGenesis));
    };
    let genesis = GenesisEntry {
        origin: statement.origin.clone(),
        member: statement.member,
        log_key: body.log_key,
        rule_set: body.rule_set,
    };
    Ok((genesis, signed))
}

#[cfg(test)]
pub(crate) mod tests;
