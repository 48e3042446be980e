//! The sequencer: signs what was submitted, makes a block of it and makes the block durable. The one
//! function that holds the commit order is [`Sequencer::commit`]; nothing else changes log or state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use countermark_ledger::ids::{Hash, KeyId, MemberId, key_id, object_hash};
use countermark_ledger::machine::{
    self, ApplyError, BlockInput, Candidate, Effects, StatementRefusal,
};
use countermark_ledger::record_header::{RecordHeader, batch_root, encode_batch};
use countermark_ledger::registry::RULE_SET_1;
use countermark_ledger::state::entries::{Entry, KeyEntry};
use countermark_ledger::state::{StateStore, keys};
use countermark_ledger::statement::{Body, Capture, Erasure, SignedStatement, Statement};
use countermark_store::index::{BlockRows, LogPosition, RecordRow, VaultLocation};
use countermark_store::log_store::{BlockData, CommitError};
use countermark_tlog::{Checkpoint, Note, Signer};
use ed25519_dalek::SigningKey;

use crate::prepare::Prepared;
use crate::stores::{PutError, Stores};

/// Records that one capture statement signs for.
pub(crate) const BATCH_RECORDS: usize = 500;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// The number of a key's first statement.
const FIRST_SEQUENCE: u64 = 1;

/// Why the node no longer knows its state.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fatal(pub(crate) String);

/// What is submitted: taken whole, or not at all.
#[derive(Debug)]
pub(crate) enum Submission {
    /// Records of one member.
    Records { signer: Signing, records: Vec<Prepared> },
    /// Statements of other kinds, each with its objects.
    Statements { signer: Signing, bodies: Vec<Body> },
}

/// Who signs.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    pub(crate) member: MemberId,
    pub(crate) key: SigningKey,
}

impl Signing {
    pub(crate) fn new(member: MemberId, seed: &[u8; 32]) -> Self {
        Self { member, key: SigningKey::from_bytes(seed) }
    }

    pub(crate) fn key_id(&self) -> KeyId {
        key_id(&self.key.verifying_key().to_bytes())
    }
}

/// A submission in a durable block.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) time_ms: u64,
}

/// Why a submission was not taken; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// A rule refuses one of its statements.
    #[error("the ledger refuses this: {0}")]
    Refused(String),
    /// It does not fit a block.
    #[error("too much for one block; submit it in smaller parts")]
    TooLarge,
    /// The disk did not take it; it may be tried again.
    #[error("{0}; nothing was stored, and it can be tried again")]
    NotWritten(String),
}

pub(crate) type Outcome = Result<Taken, NotTaken>;

/// The stores and the log's key, changed by one thread at a time.
pub(crate) struct Sequencer {
    pub(crate) stores: Stores,
    pub(crate) log_signer: Signer,
    /// Reads the clock: Unix milliseconds.
    pub(crate) clock: fn() -> u64,
}

/// The sequencer as the ordering drives it; reads lock it too.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<Mutex<Sequencer>>);

impl countermark_order::Application for Shared {
    type Submission = Submission;
    type Outcome = Outcome;
    type Fatal = Fatal;

    fn finalise(&mut self, group: Vec<Submission>) -> Result<Vec<Outcome>, Fatal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finalise(&group)
    }
}

/// A statement to be signed, with its objects.
type Draft = (Body, Vec<Vec<u8>>);

impl Sequencer {
    /// Takes what holds of a group as the next block.
    pub(crate) fn finalise(&mut self, group: &[Submission]) -> Result<Vec<Outcome>, Fatal> {
        let mut refused: Vec<Option<NotTaken>> = group.iter().map(|_| None).collect();
        let Some((block, effects)) = self.propose(group, &mut refused)? else {
            return Ok(refused.into_iter().flatten().map(Err).collect());
        };
        let mut records: Vec<(&Prepared, MemberId)> = Vec::new();
        for (submission, refused) in group.iter().zip(&refused) {
            if let (Submission::Records { signer, records: taken }, None) = (submission, refused) {
                records.extend(taken.iter().map(|record| (record, signer.member)));
            }
        }
        let time_ms = block.header.time_ms;
        if let Err(not_taken) = self.commit(block, effects, &records)? {
            for slot in refused.iter_mut().filter(|slot| slot.is_none()) {
                *slot = Some(not_taken.clone());
            }
        }
        let outcome = |slot: Option<NotTaken>| slot.map_or(Ok(Taken { time_ms }), Err);
        Ok(refused.into_iter().map(outcome).collect())
    }

    /// The next block of what is left of a group. A refused submission leaves a gap in its key's
    /// sequence, so the rest is signed anew without it; each round drops at least one, so it ends.
    fn propose(
        &self,
        group: &[Submission],
        refused: &mut [Option<NotTaken>],
    ) -> Result<Option<(BlockInput, Effects)>, Fatal> {
        loop {
            let alive: Vec<usize> = (0..group.len()).filter(|i| refused[*i].is_none()).collect();
            if alive.is_empty() {
                return Ok(None);
            }
            let (candidates, owners) = self.sign(group, &alive)?;
            let tip = self.stores.tip;
            let proposal =
                match machine::propose(&self.stores.state, &tip, (self.clock)(), &candidates) {
                    Ok(proposal) => proposal,
                    Err(ApplyError::Refused(refusal)) => {
                        let whole = NotTaken::Refused(refusal.to_string());
                        alive.iter().for_each(|i| refused[*i] = Some(whole.clone()));
                        continue;
                    }
                    Err(error) => return Err(Fatal(error.to_string())),
                };
            if proposal.refusals.is_empty() {
                return Ok(proposal.block);
            }
            for (place, refusal) in proposal.refusals {
                let whole = match refusal {
                    StatementRefusal::BlockFull => NotTaken::TooLarge,
                    other => NotTaken::Refused(other.to_string()),
                };
                refused[owners[place]].get_or_insert(whole);
            }
        }
    }

    /// Makes a block durable. The commit order, and what each step relies on:
    ///
    /// 1. vault: bodies and wrapped keys, durable. A crash here leaves bodies that nothing names;
    /// 2. log: one frame with leaves, objects and checkpoint, durable. **The point of no return.**
    ///    Before it nothing is acknowledged; after it everything below is done again on opening;
    /// 3. state, then index: derived from log and vault. The index is written behind; who reads it
    ///    waits for it.
    fn commit(
        &mut self,
        block: BlockInput,
        effects: Effects,
        records: &[(&Prepared, MemberId)],
    ) -> Result<Result<(), NotTaken>, Fatal> {
        let stores = &mut self.stores;
        let locations = match stores.put_records(records, block.header.time_ms) {
            Ok(locations) => locations,
            Err(PutError::Fatal(error)) => return Err(Fatal(error)),
            Err(PutError::NotWritten(error)) => return Ok(Err(NotTaken::NotWritten(error))),
        };
        let (size, root) = stores.log.after(&effects.leaves);
        let checkpoint = sign_checkpoint(&self.log_signer, &stores.origin, size, root)?;
        let (height, leaves, objects) =
            (block.header.height, effects.leaves, block.objects.clone());
        match stores.log.commit(BlockData { height, leaves, objects, checkpoint }) {
            Ok(()) => {}
            Err(error @ (CommitError::NotWritten(_) | CommitError::Refused(_))) => {
                return Ok(Err(NotTaken::NotWritten(chain(&error))));
            }
            Err(error) => return Err(Fatal(chain(&error))),
        }
        stores.tip = machine::Tip::after(&block.header, root);
        let in_log =
            |e: String| Fatal(format!("{e}; the block is in the log: open the node again"));
        stores.state.commit(height, &effects.writes).map_err(|e| in_log(chain(&e)))?;
        let rows = block_rows(&block, records, &locations).map_err(&in_log)?;
        stores.index.put(rows).map_err(&in_log)?;
        Ok(Ok(()))
    }

    /// Signs the statements of the submissions that are left, with each key's next sequence
    /// numbers; gives for each statement the submission that it belongs to.
    fn sign(
        &self,
        group: &[Submission],
        alive: &[usize],
    ) -> Result<(Vec<Candidate>, Vec<usize>), Fatal> {
        let mut next: BTreeMap<KeyId, u64> = BTreeMap::new();
        let (mut candidates, mut owners) = (Vec::new(), Vec::new());
        for i in alive {
            let (Submission::Records { signer, .. } | Submission::Statements { signer, .. }) =
                &group[*i];
            let id = signer.key_id();
            let mut sequence = match next.get(&id) {
                Some(sequence) => *sequence,
                None => self.next_sequence(&id)?,
            };
            for (body, objects) in self.drafts(&group[*i], sequence)? {
                let statement = Statement {
                    key: id,
                    member: signer.member,
                    sequence,
                    origin: self.stores.origin.clone(),
                    body,
                    objects: objects.iter().map(|object| object_hash(object)).collect(),
                };
                let signed = statement.sign(&signer.key).map_err(|e| Fatal(e.to_string()))?;
                candidates.push(Candidate { statement: signed.bytes().to_vec(), objects });
                owners.push(*i);
                sequence += 1;
            }
            next.insert(id, sequence);
        }
        Ok((candidates, owners))
    }

    fn next_sequence(&self, id: &KeyId) -> Result<u64, Fatal> {
        let entry = KeyEntry::load(&self.stores.state, &keys::signing_key(id))
            .map_err(|e| Fatal(e.to_string()))?;
        Ok(entry.map_or(FIRST_SEQUENCE, |entry| entry.next_sequence))
    }

    /// What a submission states, its first statement having this sequence number.
    fn drafts(&self, submission: &Submission, sequence: u64) -> Result<Vec<Draft>, Fatal> {
        let (signer, records) = match submission {
            Submission::Statements { bodies, .. } => {
                return Ok(bodies.iter().map(|body| (body.clone(), Vec::new())).collect());
            }
            Submission::Records { signer, records } => (signer, records),
        };
        // Never later than the block's time, which is at least its parent's.
        let bucket = (self.clock)().max(self.stores.tip.parent_time_ms.unwrap_or(0)) / HOUR_MS;
        let mut drafts = Vec::new();
        for (sequence, records) in (sequence..).zip(records.chunks(BATCH_RECORDS)) {
            let headers: Vec<Vec<u8>> = records
                .iter()
                .map(|record| header(record, signer.key_id(), sequence, bucket).encode())
                .collect();
            let object = encode_batch(&headers).map_err(|e| Fatal(e.to_string()))?;
            let body = Body::Capture(Capture {
                batch_root: batch_root(&headers),
                count: headers.len() as u64,
                object: object_hash(&object),
            });
            drafts.push((body, vec![object]));
        }
        Ok(drafts)
    }
}

fn header(record: &Prepared, key: KeyId, sequence: u64, time_bucket: u64) -> RecordHeader {
    RecordHeader {
        record_id: record.record_id,
        signing_key: key,
        key_sequence: sequence,
        time_bucket,
        root: record.root,
        class_digests: record.class_digests,
        rule_set: RULE_SET_1,
        previous_version: record.previous,
        idempotency_tag: record.tag,
    }
}

/// Signs a log's head.
pub(crate) fn sign_checkpoint(
    signer: &Signer,
    origin: &str,
    size: u64,
    root: Hash,
) -> Result<Vec<u8>, Fatal> {
    let text = Checkpoint { origin: origin.to_owned(), size, root }.to_text();
    let line = signer.sign(&text).map_err(|e| Fatal(e.to_string()))?;
    let note = Note::new(&text, vec![line]).map_err(|e| Fatal(e.to_string()))?;
    Ok(note.encode().into_bytes())
}

/// What the index takes of a block that this node made: its records stand in the order in which
/// the block's capture statements batch them.
fn block_rows(
    block: &BlockInput,
    records: &[(&Prepared, MemberId)],
    locations: &[VaultLocation],
) -> Result<BlockRows, String> {
    let mut rows = BlockRows { height: block.header.height, ..BlockRows::default() };
    let mut left = records.iter().zip(locations);
    for (leaf_index, statement) in (block.header.log_size + 1..).zip(&block.statements) {
        let signed = SignedStatement::decode(statement).map_err(|e| e.to_string())?;
        match &signed.statement().body {
            Body::Capture(capture) => {
                for (batch_index, ((record, member), vault)) in
                    (0..).zip(left.by_ref().take(usize::try_from(capture.count).unwrap_or(0)))
                {
                    rows.records.push(RecordRow {
                        position: LogPosition { leaf_index, batch_index },
                        record_id: record.record_id,
                        member: *member,
                        facts: Some(record.facts.clone()),
                        record_time_ms: i64::try_from(block.header.time_ms).unwrap_or(i64::MAX),
                        vault: Some(*vault),
                        erased: 0,
                        previous: record.previous,
                    });
                }
            }
            Body::Erasure(erasure) => rows.erasures.push(index_erasure(erasure)),
            _ => {}
        }
    }
    Ok(rows)
}

/// An erasure statement as the index takes it.
pub(crate) fn index_erasure(erasure: &Erasure) -> countermark_store::index::Erasure {
    let classes = erasure.classes.iter().fold(0u16, |bits, class| bits | 1 << class);
    countermark_store::index::Erasure { record_id: erasure.record, classes }
}

/// An error with all its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
