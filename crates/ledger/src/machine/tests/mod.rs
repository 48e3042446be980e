//! Tests of the state machine: a small world of members that make statements and blocks.

mod blocks;
mod properties;
mod records;
mod statements;

use super::*;
use crate::ids::{KeyId, sha256};
use crate::record_header::{RecordHeader, batch_root, encode_batch, record_root};
use crate::state::{MemoryState, StateStore};
use crate::statement::{
    Capture, Genesis, KeyAction, KeyBody, MemberAction, MemberBody, Statement, key_proof_message,
};
use ed25519_dalek::SigningKey;

pub(crate) const ORIGIN: &str = "ledger.example/1";
pub(crate) const START_MS: u64 = 1_790_000_000_000;
pub(crate) const FOUNDER: u8 = 1;

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn public(seed: u8) -> [u8; 32] {
    signing_key(seed).verifying_key().to_bytes()
}

pub(crate) fn id_of(seed: u8) -> KeyId {
    key_id(&public(seed))
}

/// A ledger in memory. Member n signs with key n unless told otherwise.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: MemoryState,
    pub(crate) tip: Tip,
    pub(crate) log: Vec<Hash>,
    pub(crate) clock: u64,
}

impl World {
    /// A log with its genesis block: member 1, hand 1, key 1.
    pub(crate) fn new() -> Self {
        let mut world = World {
            state: MemoryState::new(),
            tip: Tip::start(),
            log: Vec::new(),
            clock: START_MS,
        };
        let genesis = genesis_statement().sign(&signing_key(FOUNDER)).unwrap();
        world.accept(vec![candidate(genesis)]);
        world
    }

    /// A log with members 1 to `count`, each with one key and a hand of its own.
    pub(crate) fn with_members(count: u8) -> Self {
        let mut world = World::new();
        for member in 2..=count {
            let add = world.add(member, member);
            world.accept(vec![add]);
            let register = world.register(FOUNDER, member, member);
            world.accept(vec![register]);
        }
        world
    }

    /// The sequence number that a key's next statement needs.
    pub(crate) fn next(&self, key: u8) -> u64 {
        let entry =
            crate::state::entries::KeyEntry::load(&self.state, &keys::signing_key(&id_of(key)));
        entry.unwrap().map_or(1, |entry| entry.next_sequence)
    }

    /// A statement of a member, signed with its own key, at the key's next sequence number.
    pub(crate) fn says(&self, member: u8, body: Body) -> Candidate {
        self.says_at(member, member, self.next(member), body, Vec::new())
    }

    pub(crate) fn says_at(
        &self,
        member: u8,
        key: u8,
        sequence: u64,
        body: Body,
        objects: Vec<Vec<u8>>,
    ) -> Candidate {
        let statement = Statement {
            key: id_of(key),
            member: [member; 16],
            sequence,
            origin: ORIGIN.into(),
            body,
            objects: objects.iter().map(|object| object_hash(object)).collect(),
        };
        let signed = statement.sign(&signing_key(key)).unwrap();
        Candidate { statement: signed.bytes().to_vec(), objects }
    }

    pub(crate) fn add(&self, member: u8, hand: u8) -> Candidate {
        let action =
            MemberAction::Add { name_digest: [member; 32], hand: [hand; 16], roles: vec![] };
        self.says(FOUNDER, Body::Member(MemberBody { member: [member; 16], action }))
    }

    pub(crate) fn member_action(&self, by: u8, member: u8, action: MemberAction) -> Candidate {
        self.says(by, Body::Member(MemberBody { member: [member; 16], action }))
    }

    pub(crate) fn register(&self, by: u8, member: u8, key: u8) -> Candidate {
        let proof = possession(member, key);
        let action = KeyAction::Register { public_key: public(key), proof };
        self.says(by, Body::Key(KeyBody { member: [member; 16], action }))
    }

    pub(crate) fn key_action(&self, by: u8, member: u8, action: KeyAction) -> Candidate {
        self.says(by, Body::Key(KeyBody { member: [member; 16], action }))
    }

    /// A record header as this member's next statement would carry it.
    pub(crate) fn header(&self, member: u8, record: u8, tag: u8) -> RecordHeader {
        let class_digests = std::array::from_fn(|i| sha256(&[record, i as u8]));
        RecordHeader {
            record_id: [record; 16],
            signing_key: id_of(member),
            key_sequence: self.next(member),
            time_bucket: self.clock / 3_600_000,
            root: record_root(&class_digests),
            class_digests,
            rule_set: 1,
            previous_version: None,
            idempotency_tag: [tag; 32],
        }
    }

    pub(crate) fn capture(&self, member: u8, headers: &[RecordHeader]) -> Candidate {
        let encoded: Vec<Vec<u8>> = headers.iter().map(RecordHeader::encode).collect();
        let object = encode_batch(&encoded).unwrap();
        let body = Capture {
            batch_root: batch_root(&encoded),
            count: encoded.len() as u64,
            object: object_hash(&object),
        };
        let sequence = self.next(member);
        self.says_at(member, member, sequence, Body::Capture(body), vec![object])
    }

    pub(crate) fn propose(&self, candidates: &[Candidate]) -> Proposal {
        propose(&self.state, &self.tip, self.clock, candidates).unwrap()
    }

    /// The one refusal of a statement offered alone.
    pub(crate) fn refusal(&self, candidate: Candidate) -> StatementRefusal {
        let proposal = self.propose(&[candidate]);
        assert!(proposal.block.is_none(), "the statement was taken");
        let refusal = proposal.refusals[0].1.clone();
        if !matches!(refusal, StatementRefusal::Record { .. }) {
            assert!(refusal.to_string().starts_with(refusal.rule()), "{refusal}");
        }
        refusal
    }

    pub(crate) fn block(&self, candidates: Vec<Candidate>) -> (BlockInput, Effects) {
        let proposal = self.propose(&candidates);
        assert_eq!(proposal.refusals, vec![]);
        proposal.block.unwrap()
    }

    /// Proposes a block of candidates that all hold, applies and commits it.
    pub(crate) fn accept(&mut self, candidates: Vec<Candidate>) {
        let (block, effects) = self.block(candidates);
        assert_eq!(apply(&self.state, &self.tip, &block).unwrap(), effects);
        self.commit(&block, &effects);
    }

    pub(crate) fn commit(&mut self, block: &BlockInput, effects: &Effects) {
        self.state.commit(block.header.height, &effects.writes).unwrap();
        self.log.extend(effects.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)));
        self.tip = Tip::after(&block.header, merkle::root(&self.log));
        assert_eq!(self.tip.log_size, self.log.len() as u64);
        self.clock += 1_000;
    }
}

pub(crate) fn possession(member: u8, key: u8) -> [u8; 64] {
    let message = key_proof_message(ORIGIN, &[member; 16], &public(key));
    crate::cose::sign(&signing_key(key), &message)
}

pub(crate) fn genesis_statement() -> Statement {
    Statement {
        key: id_of(FOUNDER),
        member: [FOUNDER; 16],
        sequence: 1,
        origin: ORIGIN.into(),
        body: Body::Genesis(Genesis {
            hand: [1; 16],
            log_key: public(200),
            rule_set: 1,
            name_digest: [1; 32],
            member_key: public(FOUNDER),
            previous: None,
        }),
        objects: vec![],
    }
}

pub(crate) fn candidate(signed: SignedStatement) -> Candidate {
    Candidate { statement: signed.bytes().to_vec(), objects: vec![] }
}
