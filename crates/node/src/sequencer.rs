//! The sequencer: signs what was submitted, makes a block of it and makes the block durable. The one
//! function that holds the commit order is [`Sequencer::commit`]; nothing else changes log or state.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use countermark_ledger::ids::{Hash, KeyId, MemberId, key_id, object_hash};
use countermark_ledger::machine::{
    self, ApplyError, BlockInput, Candidate, Effects, RecordFault, StatementRefusal,
};
use countermark_ledger::record_header::{RecordHeader, batch_root, encode_batch};
use countermark_ledger::registry::RULE_SET_1;
use countermark_ledger::state::entries::{Entry, KeyEntry};
use countermark_ledger::state::{StateStore, keys};
use countermark_ledger::statement::{Body, Capture, Clock, Erasure, SignedStatement, Statement};
use countermark_store::index::{BlockRows, LogPosition, RecordRow, VaultLocation};
use countermark_store::log_store::{BlockData, CommitError};
use countermark_tlog::{Checkpoint, Note, Signer};
use ed25519_dalek::SigningKey;

use crate::clock::{self, ClockSource, Note as ClockNote, Reading};
use crate::keychain::Keychain;
use crate::prepare::Prepared;
use crate::scope::not_held;
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
    Records { member: MemberId, records: Vec<Prepared> },
    /// Statements of other kinds, each with its objects.
    Statements { member: MemberId, bodies: Vec<Body> },
    /// Somebody says that the clock is right although it went on by over an hour.
    Clock,
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
    /// How far the clock is behind the block before, where that is worth a word.
    pub(crate) clock_behind_ms: Option<u64>,
}

/// Why a submission was not taken; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// A rule refuses one of its statements.
    #[error("the ledger refuses this: {0}")]
    Refused(String),
    /// A record with one of its idempotency tags came first.
    #[error("one of these events was recorded a moment ago")]
    Recorded,
    /// The clock went on by over an hour and nobody vouches for it.
    #[error(
        "the clock went on by {} since the last block at {}; if that is right, run \
         `countermark confirm-clock --data DIR`, else set the clock",
        clock::span(now_ms.saturating_sub(*last_ms)), clock::moment(*last_ms)
    )]
    ClockJump { last_ms: u64, now_ms: u64 },
    /// There is nothing to confirm.
    #[error(
        "there is no jump to confirm: the last block is of {}, the clock stands at {}",
        clock::moment(*last_ms), clock::moment(*now_ms)
    )]
    NoClockJump { last_ms: u64, now_ms: u64 },
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
    /// The members' keys: who signs is looked up when it is signed, so that a key that was replaced
    /// since the submission does not count.
    pub(crate) keys: Arc<Keychain>,
    pub(crate) log_signer: Signer,
    pub(crate) clock: ClockSource,
    /// What the clock said at an earlier block.
    pub(crate) clock_note: Option<ClockNote>,
    /// The founding member, who confirms jumps of the clock.
    pub(crate) founder: Option<MemberId>,
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

/// Statements in the order of a block, and for each the submission that it belongs to; the clock's
/// confirmation belongs to none.
#[derive(Default)]
struct Signed {
    candidates: Vec<Candidate>,
    owners: Vec<Option<usize>>,
    next: BTreeMap<KeyId, u64>,
}

/// How a submission stands while its group is made into blocks.
#[derive(Clone)]
enum Place {
    /// It waits for a block.
    Waiting,
    /// It did not fit the block that is being made and waits for the one after.
    Deferred,
    Done(Outcome),
}

impl Sequencer {
    /// Takes what holds of a group: as the next block, or as several where one has no room for it.
    pub(crate) fn finalise(&mut self, group: &[Submission]) -> Result<Vec<Outcome>, Fatal> {
        let mut places = vec![Place::Waiting; group.len()];
        while let Some((block, effects, now)) = self.propose(group, &mut places)? {
            let taken: Vec<usize> = waiting(&places);
            let mut records: Vec<(&Prepared, MemberId)> = Vec::new();
            for i in &taken {
                if let Submission::Records { member, records: of_one } = &group[*i] {
                    records.extend(of_one.iter().map(|record| (record, *member)));
                }
            }
            let clock_behind_ms = clock::behind(self.stores.tip.parent_time_ms, now.wall_ms);
            let taken_at = Taken { time_ms: block.header.time_ms, clock_behind_ms };
            let outcome = self.commit(block, effects, &records)?.map(|()| taken_at);
            if outcome.is_ok() {
                self.note_clock(&now);
            }
            for i in taken {
                places[i] = Place::Done(outcome.clone());
            }
            resume(&mut places);
        }
        let unasked = || Fatal("a submission was left without an answer".to_owned());
        let outcome = |place| if let Place::Done(done) = place { Ok(done) } else { Err(unasked()) };
        places.into_iter().map(outcome).collect()
    }

    /// The next block of what waits of a group. A refused submission leaves a gap in its key's
    /// sequence, for which what comes after it is refused too: so only the first refusal of a round
    /// counts, and the rest is signed anew without it. Each round takes one away, so it ends.
    fn propose(
        &self,
        group: &[Submission],
        places: &mut [Place],
    ) -> Result<Option<(BlockInput, Effects, Reading)>, Fatal> {
        loop {
            let now = self.clock.read();
            self.refuse_unsigned(group, places);
            defer_after_key(group, places);
            let Some(jump) = self.jump(group, places, &now) else { continue };
            let alive = waiting(places);
            let Some(first) = alive.first() else {
                // All of a round may have been refused while others wait for the next.
                if resume(places) {
                    continue;
                }
                return Ok(None);
            };
            let signed = self.sign(group, &alive, jump, now.wall_ms)?;
            let tip = self.stores.tip;
            let proposal =
                match machine::propose(&self.stores.state, &tip, now.wall_ms, &signed.candidates) {
                    Ok(proposal) => proposal,
                    Err(ApplyError::Refused(refusal)) => {
                        let whole = NotTaken::Refused(refusal.to_string());
                        refuse_all(places, &whole);
                        continue;
                    }
                    Err(error) => return Err(Fatal(error.to_string())),
                };
            let Some((at, refusal)) = proposal.refusals.into_iter().next() else {
                return Ok(proposal.block.map(|(block, effects)| (block, effects, now)));
            };
            match (signed.owners[at], refusal) {
                (None, refusal) => {
                    let why = format!("the jump of the clock cannot be confirmed: {refusal}");
                    refuse_all(places, &NotTaken::Refused(why));
                }
                // Alone with what came before it in this submission, so no block has room for it.
                (Some(i), StatementRefusal::BlockFull) if i == *first => {
                    places[i] = Place::Done(Err(NotTaken::TooLarge));
                }
                // What comes after it waits too: the order in which things were submitted stays.
                (Some(i), StatementRefusal::BlockFull) => {
                    let late = places.iter_mut().skip(i);
                    late.filter(|place| matches!(place, Place::Waiting))
                        .for_each(|place| *place = Place::Deferred);
                }
                (
                    Some(i),
                    StatementRefusal::Record { fault: RecordFault::Duplicate { .. }, .. },
                ) => {
                    places[i] = Place::Done(Err(NotTaken::Recorded));
                }
                (Some(i), refusal) => {
                    places[i] = Place::Done(Err(NotTaken::Refused(refusal.to_string())));
                }
            }
        }
    }

    /// The confirmation that the next block needs, if the clock jumped and somebody says that it is
    /// right: a submission, or the system's own count of time. `None` where what waits has just been
    /// answered otherwise.
    fn jump(
        &self,
        group: &[Submission],
        places: &mut [Place],
        now: &Reading,
    ) -> Option<Option<Clock>> {
        let tip = self.stores.tip;
        let (last_ms, now_ms) = (tip.parent_time_ms.unwrap_or(0), now.wall_ms);
        let asked: Vec<usize> = waiting(places)
            .into_iter()
            .filter(|i| matches!(group[*i], Submission::Clock))
            .collect();
        let Some(jump) = machine::clock_confirmation(&tip, now_ms) else {
            for i in &asked {
                places[*i] = Place::Done(Err(NotTaken::NoClockJump { last_ms, now_ms }));
            }
            return asked.is_empty().then_some(None);
        };
        let vouched = self.clock_note.as_ref().is_some_and(|note| note.vouches_for(now));
        let confirmed = self.founder.is_some() && (vouched || !asked.is_empty());
        if !confirmed && !waiting(places).is_empty() {
            refuse_all(places, &NotTaken::ClockJump { last_ms, now_ms });
            return None;
        }
        Some(Some(jump))
    }

    /// Notes what the clock said at a block that is durable. Without the note somebody has to
    /// confirm the next jump, which is no reason to fail what was taken already.
    fn note_clock(&mut self, now: &Reading) {
        if self.clock_note.as_ref().is_some_and(|note| note.is_current(now)) {
            return;
        }
        if let Some(note) = ClockNote::of(now)
            && self.stores.desk.set_setting(clock::NOTE_SETTING, &note.encode()).is_ok()
        {
            self.clock_note = Some(note);
        }
    }

    /// Makes a block durable. The commit order, and what each step relies on:
    ///
    /// 1. vault: bodies and wrapped keys, durable. A crash here leaves bodies that nothing names;
    /// 2. log: one frame with leaves, objects and checkpoint, durable. **The point of no return.**
    ///    Before it nothing is acknowledged; after it everything below is done again on opening;
    /// 3. erasures in the vault, then state, then index: derived from the log. The index comes last,
    ///    so that where it has a block, what that block erases is erased; it is written behind, and
    ///    who reads it waits for it.
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
        let rows = block_rows(&block, records, &locations).map_err(&in_log)?;
        stores.erase(&rows.erasures).map_err(|e| in_log(e.to_string()))?;
        stores.state.commit(height, &effects.writes).map_err(|e| in_log(chain(&e)))?;
        stores.index.put(rows).map_err(&in_log)?;
        Ok(Ok(()))
    }

    /// Signs the clock's confirmation and the statements of the submissions that wait, with each
    /// key's next sequence numbers.
    fn sign(
        &self,
        group: &[Submission],
        alive: &[usize],
        jump: Option<Clock>,
        now_ms: u64,
    ) -> Result<Signed, Fatal> {
        let mut signed = Signed::default();
        if let Some(jump) = jump
            && let Some(founder) = &self.founder
        {
            let founder = self.signer(founder)?;
            self.sign_one(&mut signed, &founder, None, vec![(Body::Clock(jump), Vec::new())])?;
        }
        for i in alive {
            match &group[*i] {
                Submission::Clock => {}
                Submission::Statements { member, bodies } => {
                    let signer = &self.signer(member)?;
                    let drafts = bodies.iter().map(|body| (body.clone(), Vec::new())).collect();
                    self.sign_one(&mut signed, signer, Some(*i), drafts)?;
                }
                Submission::Records { member, records } => {
                    let signer = &self.signer(member)?;
                    let sequence = self.sequence(&signed, signer)?;
                    let drafts = self.batches(signer, records, sequence, now_ms)?;
                    self.sign_one(&mut signed, signer, Some(*i), drafts)?;
                }
            }
        }
        Ok(signed)
    }

    /// What nobody here can sign is refused.
    fn refuse_unsigned(&self, group: &[Submission], places: &mut [Place]) {
        let secrets = self.keys.secrets();
        for i in waiting(places) {
            let (Submission::Records { member, .. } | Submission::Statements { member, .. }) =
                &group[i]
            else {
                continue;
            };
            if secrets.member(member).is_none() {
                let why = not_held(member).to_string();
                places[i] = Place::Done(Err(NotTaken::Refused(why)));
            }
        }
    }

    /// Who signs for a member: its newest key, as the ledger has it.
    pub(crate) fn signer(&self, member: &MemberId) -> Result<Signing, Fatal> {
        let secrets = self.keys.secrets();
        let held = secrets.member(member).ok_or_else(|| Fatal(not_held(member).to_string()))?;
        // The ledger may have taken the new key while who asked for it has not heard so yet.
        if let Some(seed) = held.next_seed {
            let next = Signing::new(*member, &seed);
            let entry = KeyEntry::load(&self.stores.state, &keys::signing_key(&next.key_id()));
            if entry.map_err(|e| Fatal(e.to_string()))?.is_some() {
                return Ok(next);
            }
        }
        Ok(Signing::new(*member, &held.signing_seed))
    }

    fn sign_one(
        &self,
        signed: &mut Signed,
        signer: &Signing,
        owner: Option<usize>,
        drafts: Vec<Draft>,
    ) -> Result<(), Fatal> {
        let id = signer.key_id();
        let mut sequence = self.sequence(signed, signer)?;
        for (body, objects) in drafts {
            let statement = Statement {
                key: id,
                member: signer.member,
                sequence,
                origin: self.stores.origin.clone(),
                body,
                objects: objects.iter().map(|object| object_hash(object)).collect(),
            };
            let bytes = statement.sign(&signer.key).map_err(|e| Fatal(e.to_string()))?;
            signed.candidates.push(Candidate { statement: bytes.bytes().to_vec(), objects });
            signed.owners.push(owner);
            sequence += 1;
        }
        signed.next.insert(id, sequence);
        Ok(())
    }

    /// The number of a signer's next statement, after those that were signed just now.
    fn sequence(&self, signed: &Signed, signer: &Signing) -> Result<u64, Fatal> {
        let id = signer.key_id();
        signed.next.get(&id).map_or_else(|| self.next_sequence(&id), |sequence| Ok(*sequence))
    }

    fn next_sequence(&self, id: &KeyId) -> Result<u64, Fatal> {
        let entry = KeyEntry::load(&self.stores.state, &keys::signing_key(id))
            .map_err(|e| Fatal(e.to_string()))?;
        Ok(entry.map_or(FIRST_SEQUENCE, |entry| entry.next_sequence))
    }

    /// The capture statements of records, the first having this sequence number.
    fn batches(
        &self,
        signer: &Signing,
        records: &[Prepared],
        sequence: u64,
        now_ms: u64,
    ) -> Result<Vec<Draft>, Fatal> {
        // Never later than the block's time, which comes of the same reading of the clock and is at
        // least its parent's.
        let bucket = now_ms.max(self.stores.tip.parent_time_ms.unwrap_or(0)) / HOUR_MS;
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

/// The submissions of a group that wait for the next block.
fn waiting(places: &[Place]) -> Vec<usize> {
    let waits = |i: &usize| matches!(places[*i], Place::Waiting);
    (0..places.len()).filter(waits).collect()
}

/// A change of keys is the last thing in its block: whatever was submitted after it is signed with
/// the keys that hold then.
fn defer_after_key(group: &[Submission], places: &mut [Place]) {
    let changes_key = |i: &usize| match &group[*i] {
        Submission::Statements { bodies, .. } => {
            bodies.iter().any(|body| matches!(body, Body::Key(_)))
        }
        _ => false,
    };
    let Some(at) = waiting(places).into_iter().find(changes_key) else { return };
    let late = places.iter_mut().skip(at + 1);
    late.filter(|place| matches!(place, Place::Waiting)).for_each(|place| *place = Place::Deferred);
}

/// What was put off waits again; whether anything was.
fn resume(places: &mut [Place]) -> bool {
    let mut any = false;
    for place in places.iter_mut().filter(|place| matches!(place, Place::Deferred)) {
        *place = Place::Waiting;
        any = true;
    }
    any
}

fn refuse_all(places: &mut [Place], why: &NotTaken) {
    for place in places.iter_mut().filter(|place| matches!(place, Place::Waiting)) {
        *place = Place::Done(Err(why.clone()));
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

/// An error with all its causes on one line; a full disk by that name, whatever the system calls it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = Some(error);
    let mut is_full = false;
    while let Some(error) = next {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        is_full |= matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
        let cause = error.to_string();
        // Some messages have their cause's within.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = error.source();
    }
    if is_full || text.contains("database or disk is full") {
        text.push_str("; the disk is full, make room and try again");
    }
    text
}
