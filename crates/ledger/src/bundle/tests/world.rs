//! A small ledger made with this crate alone, and bundles over it.

use crate::block::BlockHeader;
use crate::bundle::{BlockProof, Bundle, Draft, EntryProof, GenesisProof, RecordProof};
use crate::cose;
use crate::ids::{Hash, KeyId, MemberId, RecordId, key_id, object_hash, sha256};
use crate::machine::{Candidate, Tip, propose};
use crate::record::{
    CLASS_COUNT, ClassKey, ClassSource, Classification, FieldClass, RecordKeys, commit, disclose,
    empty_source,
};
use crate::record_header::{RecordHeader, batch_root, encode_batch};
use crate::state::entries::{Entry, KeyEntry};
use crate::state::{MemoryState, StateStore, keys as state_keys};
use crate::statement::{
    Body, Capture, Genesis, KeyAction, KeyBody, MemberAction, MemberBody, Statement,
    key_proof_message,
};
use crate::trust::{TrustPolicy, TrustedMember};
use countermark_epcis::json::{self, Json};
use countermark_tlog::note::{Algorithm, Signer};
use countermark_tlog::{Checkpoint, Frontier, Note, merkle};
use ed25519_dalek::SigningKey;

pub(super) const ORIGIN: &str = "ledger.example/1";
pub(super) const START_MS: u64 = 1_790_000_000_000;
pub(super) const FARM: u8 = 1;
pub(super) const PROCESSOR: u8 = 2;
pub(super) const WAREHOUSE: u8 = 3;

/// A key of a member: its first, and those it rotated to.
pub(super) type KeyOf = (u8, u8);

/// Everything of a record that its member keeps.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) id: RecordId,
    pub(super) member: u8,
    pub(super) event: Json,
    pub(super) sources: [ClassSource; CLASS_COUNT],
    pub(super) height: usize,
    pub(super) statement: usize,
    pub(super) batch: Vec<Vec<u8>>,
    pub(super) place: usize,
}

#[derive(Clone)]
pub(super) struct Block {
    pub(super) header: BlockHeader,
    /// Leaves of its statements.
    pub(super) statements: Vec<Vec<u8>>,
}

/// A ledger in memory. Ledgers of different seeds have the same names and ids, but other keys and
/// other events.
#[derive(Clone)]
pub(super) struct Ledger {
    seed: u8,
    pub(super) state: MemoryState,
    tip: Tip,
    frontier: Frontier,
    pub(super) leaves: Vec<Hash>,
    pub(super) blocks: Vec<Block>,
    pub(super) records: Vec<Recorded>,
}

pub(super) fn event(seed: u8, n: usize) -> Json {
    let text = format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventID":"urn:uuid:8f7e2f3a-0c1d-4a5b-9c6d-{seed:04x}{n:08x}","eventTime":"2026-11-19T08:15:{:02}.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/09521321000018/21/{seed}{n}"],"quantityList":[{{"epcClass":"https://id.gs1.org/01/09521321000018/10/L{n}","quantity":{n}.50,"uom":"KGM"}}],"readPoint":{{"id":"https://id.gs1.org/414/9521321000010"}},"ex:temperature":"4.1","ilmd":{{"ex:origin":"NL"}}}}"#,
        n % 60
    );
    json::parse(text.as_bytes()).unwrap()
}

impl Ledger {
    fn begin(seed: u8) -> Self {
        let mut ledger = Ledger {
            seed,
            state: MemoryState::new(),
            tip: Tip::start(),
            frontier: Frontier::new(),
            leaves: Vec::new(),
            blocks: Vec::new(),
            records: Vec::new(),
        };
        let body = Body::Genesis(Genesis {
            hand: [FARM; 16],
            log_key: ledger.log_key().verifying_key().to_bytes(),
            rule_set: 1,
            name_digest: [FARM; 32],
            member_key: ledger.public((FARM, 0)),
            previous: None,
        });
        let genesis = ledger.says((FARM, 0), body, vec![]);
        ledger.accept(vec![genesis]);
        ledger
    }

    /// Three members; batches of all, two of them in one block; the farm rotates its key between two
    /// batches of its own.
    pub(super) fn story(seed: u8) -> Self {
        let mut ledger = Self::begin(seed);
        ledger.join(PROCESSOR);
        ledger.join(WAREHOUSE);
        let both = [ledger.batch((FARM, 0), 5), ledger.batch((PROCESSOR, 0), 3)];
        ledger.accept(both.to_vec());
        let alone = ledger.batch((FARM, 0), 8);
        ledger.accept(vec![alone]);
        ledger.rotate(FARM, 0);
        let rotated = ledger.batch((FARM, 1), 2);
        ledger.accept(vec![rotated]);
        let stored = ledger.batch((WAREHOUSE, 0), 4);
        ledger.accept(vec![stored]);
        ledger
    }

    pub(super) fn key(&self, (member, number): KeyOf) -> SigningKey {
        SigningKey::from_bytes(&sha256(&[self.seed, member, number]))
    }

    pub(super) fn log_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.log_seed())
    }

    fn log_seed(&self) -> Hash {
        sha256(&[self.seed, b'l', b'o', b'g'])
    }

    pub(super) fn public(&self, key: KeyOf) -> [u8; 32] {
        self.key(key).verifying_key().to_bytes()
    }

    pub(super) fn id(&self, key: KeyOf) -> KeyId {
        key_id(&self.public(key))
    }

    fn sequence(&self, key: KeyOf) -> u64 {
        let entry = KeyEntry::load(&self.state, &state_keys::signing_key(&self.id(key))).unwrap();
        entry.map_or(1, |entry| entry.next_sequence)
    }

    pub(super) fn says(&self, key: KeyOf, body: Body, objects: Vec<Vec<u8>>) -> Candidate {
        let statement = Statement {
            key: self.id(key),
            member: [key.0; 16],
            sequence: self.sequence(key),
            origin: ORIGIN.into(),
            body,
            objects: objects.iter().map(|object| object_hash(object)).collect(),
        };
        let signed = statement.sign(&self.key(key)).unwrap();
        Candidate { statement: signed.bytes().to_vec(), objects }
    }

    pub(super) fn member_action(&mut self, by: KeyOf, member: u8, action: MemberAction) {
        let body = Body::Member(MemberBody { member: [member; 16], action });
        let candidate = self.says(by, body, vec![]);
        self.accept(vec![candidate]);
    }

    pub(super) fn key_action(&mut self, by: KeyOf, member: u8, action: KeyAction) {
        let body = Body::Key(KeyBody { member: [member; 16], action });
        let candidate = self.says(by, body, vec![]);
        self.accept(vec![candidate]);
    }

    fn possession(&self, key: KeyOf) -> [u8; 64] {
        let message = key_proof_message(ORIGIN, &[key.0; 16], &self.public(key));
        cose::sign(&self.key(key), &message)
    }

    fn join(&mut self, member: u8) {
        let action =
            MemberAction::Add { name_digest: [member; 32], hand: [member; 16], roles: vec![] };
        self.member_action((FARM, 0), member, action);
        let (public_key, proof) = (self.public((member, 0)), self.possession((member, 0)));
        self.key_action((FARM, 0), member, KeyAction::Register { public_key, proof });
    }

    pub(super) fn rotate(&mut self, member: u8, from: u8) {
        let (old, new) = ((member, from), (member, from + 1));
        let (public_key, proof) = (self.public(new), self.possession(new));
        let action = KeyAction::Rotate { old: self.id(old), public_key, proof };
        self.key_action(old, member, action);
    }

    /// What would be random bytes: of record `n` for one use.
    fn random(&self, n: usize, using: u8) -> Hash {
        sha256(&[&[self.seed, using], &n.to_be_bytes()[..]].concat())
    }

    /// A batch of new events, to be accepted in the block to come.
    pub(super) fn batch(&mut self, key: KeyOf, count: usize) -> Candidate {
        let first = self.records.len();
        let events = (first..first + count).map(|n| event(self.seed, n)).collect();
        self.batch_of(key, events, &Classification::new())
    }

    /// A batch of these events.
    pub(super) fn batch_of(
        &mut self,
        key: KeyOf,
        events: Vec<Json>,
        classification: &Classification,
    ) -> Candidate {
        let mut recorded = Vec::new();
        let mut batch = Vec::new();
        for (place, event) in events.into_iter().enumerate() {
            let n = self.records.len() + place;
            let id = self.random(n, 0)[..16].try_into().unwrap();
            let keys = RecordKeys::new(
                FieldClass::ALL.map(|class| ClassKey::from_bytes(self.random(n, class.number()))),
            );
            let provenance = json::parse(br#"{"sourceDocument":"5f1d"}"#).unwrap();
            let made = commit(&event, &provenance, classification, &keys).unwrap();
            let sources = FieldClass::ALL.map(|class| {
                match made.bodies.iter().find(|(other, _)| *other == class) {
                    Some((_, body)) => {
                        ClassSource::Body { key: keys.class(class).clone(), body: body.clone() }
                    }
                    None => empty_source(keys.class(FieldClass::Identity), class),
                }
            });
            let header = RecordHeader {
                record_id: id,
                signing_key: self.id(key),
                key_sequence: self.sequence(key),
                time_bucket: self.clock() / 3_600_000,
                root: made.root,
                class_digests: made.digests,
                rule_set: 1,
                previous_version: None,
                idempotency_tag: sha256(&id),
            };
            batch.push(header.encode());
            let height = self.blocks.len();
            let (member, statement) = (key.0, usize::MAX);
            let batch = Vec::new();
            recorded.push(Recorded { id, member, event, sources, height, statement, batch, place });
        }
        for record in &mut recorded {
            record.batch = batch.clone();
        }
        self.records.extend(recorded);
        let object = encode_batch(&batch).unwrap();
        let body = Capture {
            batch_root: batch_root(&batch),
            count: batch.len() as u64,
            object: object_hash(&object),
        };
        self.says(key, Body::Capture(body), vec![object])
    }

    fn clock(&self) -> u64 {
        START_MS + 1_000 * self.blocks.len() as u64
    }

    pub(super) fn accept(&mut self, candidates: Vec<Candidate>) {
        let proposal = propose(&self.state, &self.tip, self.clock(), &candidates).unwrap();
        assert_eq!(proposal.refusals, vec![]);
        let (block, effects) = proposal.block.unwrap();
        self.state.commit(block.header.height, &effects.writes).unwrap();
        for leaf in &effects.leaves {
            let hash = merkle::leaf_hash(leaf);
            self.frontier.append(hash);
            self.leaves.push(hash);
        }
        self.tip = Tip::after(&block.header, self.frontier.root());
        let statements = effects.leaves[1..].to_vec();
        for record in self.records.iter_mut().filter(|r| r.statement == usize::MAX) {
            let root = batch_root(&record.batch);
            record.statement = statements
                .iter()
                .position(|leaf| leaf.windows(32).any(|bytes| bytes == root))
                .unwrap();
        }
        self.blocks.push(Block { header: block.header, statements });
    }

    /// The checkpoint after the block at this height.
    pub(super) fn checkpoint_at(&self, height: usize) -> Vec<u8> {
        let header = &self.blocks[height].header;
        let size = header.log_size + 1 + header.statement_count;
        let root = merkle::root(&self.leaves[..size as usize]);
        signed_checkpoint(ORIGIN, size, root, &self.log_seed())
    }

    /// A block's header and its path in the tree of the checkpoint after another block.
    pub(super) fn block_proof(&self, height: usize, until: usize) -> BlockProof {
        let header = &self.blocks[height].header;
        BlockProof {
            header_leaf: header.leaf(),
            index: header.log_size,
            path: self.path(header.log_size as usize, until),
        }
    }

    pub(super) fn path(&self, index: usize, until: usize) -> Vec<Hash> {
        let last = &self.blocks[until].header;
        let size = (last.log_size + 1 + last.statement_count) as usize;
        merkle::inclusion_proof(&self.leaves[..size], index).unwrap()
    }

    pub(super) fn newest(&self) -> usize {
        self.blocks.len() - 1
    }

    pub(super) fn record_proof(&self, record: usize, pointers: &[&str]) -> RecordProof {
        let record = &self.records[record];
        let block = &self.blocks[record.height];
        let hashes: Vec<Hash> =
            block.statements.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
        RecordProof::new(
            self.block_proof(record.height, self.newest()),
            (&hashes, record.statement, &block.statements[record.statement]),
            (&record.batch, record.place),
            disclose(&record.sources, pointers).unwrap().encode(),
        )
        .unwrap()
    }

    pub(super) fn draft(&self, issuer: KeyOf, shown: &[(usize, &[&str])]) -> Draft {
        let records: Vec<RecordProof> =
            shown.iter().map(|(record, pointers)| self.record_proof(*record, pointers)).collect();
        let issuer_key = self.id(issuer);
        let ids = Draft::key_ids(&records, issuer_key).unwrap();
        let keys = ids.iter().map(|id| EntryProof::of_key(&self.state, id).unwrap().unwrap());
        Draft {
            checkpoint: self.checkpoint_at(self.newest()),
            genesis: GenesisProof {
                leaf: self.blocks[0].statements[0].clone(),
                path: self.path(1, self.newest()),
            },
            head: self.block_proof(self.newest(), self.newest()),
            issuer_key,
            issuer: EntryProof::of_member(&self.state, &[issuer.0; 16]).unwrap().unwrap(),
            keys: keys.collect(),
            records,
            issued_at_ms: START_MS + 86_400_000,
        }
    }

    pub(super) fn bundle(&self, issuer: KeyOf, shown: &[(usize, &[&str])]) -> Bundle {
        self.draft(issuer, shown).sign(&self.key(issuer)).unwrap()
    }

    pub(super) fn genesis_hash(&self) -> Hash {
        self.leaves[1]
    }

    pub(super) fn trust(&self, members: &[(u8, &str)]) -> TrustPolicy {
        let members = members
            .iter()
            .map(|(id, name)| TrustedMember { id: member_id(*id), name: (*name).to_owned() });
        let log_key = self.log_key().verifying_key().to_bytes();
        TrustPolicy::of_log(ORIGIN, &log_key, self.genesis_hash(), members.collect()).unwrap()
    }

    /// A policy that names all three members.
    pub(super) fn everyone(&self) -> TrustPolicy {
        self.trust(&[(FARM, "Farm"), (PROCESSOR, "Processor"), (WAREHOUSE, "Warehouse")])
    }
}

pub(super) fn member_id(member: u8) -> MemberId {
    [member; 16]
}

pub(super) fn signed_checkpoint(origin: &str, size: u64, root: Hash, seed: &Hash) -> Vec<u8> {
    let text = Checkpoint { origin: origin.into(), size, root }.to_text();
    let signer = Signer::new(origin, Algorithm::Ed25519, seed).unwrap();
    let line = signer.sign(&text).unwrap();
    Note::new(&text, vec![line]).unwrap().encode().into_bytes()
}

/// The bundle signed anew with the key of whoever made it.
pub(super) fn sign_anew(bundle: &mut Bundle, key: &SigningKey) {
    bundle.signature = cose::sign(key, &bundle.signed_bytes());
}

/// The bundles of the tests: the whole event; one field; an absent field; several records of one
/// batch and of another block; records before and after a rotation and of another member.
pub(super) fn bundles(ledger: &Ledger, issuer: KeyOf) -> Vec<Bundle> {
    vec![
        ledger.bundle(issuer, &[(0, &[""])]),
        ledger.bundle(issuer, &[(1, &["/quantityList/0/quantity"])]),
        ledger.bundle(issuer, &[(9, &["/recordTime", "/ex:colour"])]),
        ledger
            .bundle(issuer, &[(2, &["/bizStep"]), (3, &["/bizStep", "/ilmd"]), (10, &["/action"])]),
        ledger.bundle(issuer, &[(0, &["/epcList"]), (6, &[""]), (16, &["/eventTime"])]),
    ]
}
