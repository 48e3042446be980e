//! The formats are frozen: samples of every encoding must hash to what `formats.txt` says.
//!
//! A ledger's proofs are only as lasting as its encodings. Where this test fails, the change breaks
//! every log written before it. A *new* format is added to the file by running the test with
//! `COUNTERMARK_WRITE_FORMATS=1` and reading the difference before it is committed.

use crate::block::tests::sample as block_header;
use crate::ids::{Hash, hex, sha256};
use crate::machine::tests::{FOUNDER, World, genesis_statement, public, signing_key};
use crate::receipt::{Proof, Receipt};
use crate::record_header::encode_batch;
use crate::state::entries::{
    ClockEntry, DocumentEntry, EndorsedEntry, Entry, GenesisEntry, KeyEntry, MemberEntry,
    MemberStatus, RecordEntry, StatementEntry, SweepEntry, TagEntry,
};
use crate::state::{PageId, StateView, keys, prove};
use crate::statement::key_proof_message;
use crate::statement::tests::{every_body, key, statement};

type Sample = (String, Vec<u8>);

fn statements() -> Vec<Sample> {
    let sample = |(name, body)| {
        let signed = statement(1, body).sign(&key(1)).unwrap();
        (format!("statement {name}"), signed.leaf())
    };
    every_body().into_iter().map(sample).collect()
}

fn records() -> Vec<Sample> {
    let world = World::with_members(2);
    let first = world.header(2, 50, 50);
    let mut second = world.header(2, 51, 51);
    second.previous_version = Some([50; 16]);
    let batch = encode_batch(&[first.encode(), second.encode()]).unwrap();
    vec![
        ("record header".into(), first.encode()),
        ("record header with previous version".into(), second.encode()),
        ("batch".into(), batch),
        ("batch root".into(), crate::record_header::batch_root(&[first.encode()]).to_vec()),
        ("key proof message".into(), key_proof_message("o", &[1; 16], &public(1))),
    ]
}

fn blocks() -> Vec<Sample> {
    let mut world = World::with_members(2);
    let capture = world.capture(2, &[world.header(2, 50, 50), world.header(2, 51, 51)]);
    let (block, effects) = world.block(vec![capture]);
    let leaves = effects.leaves.concat();
    world.commit(&block, &effects);
    let genesis = genesis_statement().sign(&signing_key(FOUNDER)).unwrap();
    let top = world.state.page(&PageId::ROOT).unwrap().unwrap();
    let key_of = |id: u8| keys::signing_key(&crate::machine::tests::id_of(id));
    let proof = |key: &[u8]| prove(&world.state, key).unwrap().encode();
    // Whether an absent key's path ends at nothing or at another leaf depends on the key.
    let absent: Vec<Vec<u8>> = (0..40u8).map(|n| keys::member(&[n + 100; 16])).collect();
    let proofs: Vec<u8> = absent.iter().flat_map(|key| proof(key)).collect();
    vec![
        ("block header".into(), block_header().leaf()),
        ("block leaves".into(), leaves),
        ("genesis leaf".into(), genesis.leaf()),
        ("state root".into(), world.state.root().unwrap().to_vec()),
        ("state page".into(), top),
        ("state proof of presence".into(), proof(&key_of(2))),
        ("state proofs of absence".into(), proofs),
    ]
}

fn receipts() -> Vec<Sample> {
    let root: Hash = [3; 32];
    let path = vec![[1; 32], [2; 32]];
    let inclusion = Proof::Inclusion { tree_size: 4, leaf_index: 1, path: path.clone() };
    let consistency = Proof::Consistency { old_size: 3, new_size: 4, path };
    let sign = |proof| Receipt::sign(proof, &root, &signing_key(200)).encode();
    vec![
        ("receipt of inclusion".into(), sign(inclusion)),
        ("receipt of consistency".into(), sign(consistency)),
    ]
}

fn entries() -> Vec<Sample> {
    let (member, hash) = ([1; 16], [2; 32]);
    let roles = vec![[4; 16]];
    let key = KeyEntry {
        member,
        public_key: public(1),
        valid_from_height: 3,
        revoked_at_height: Some(9),
        next_sequence: 4,
    };
    let (origin, log_key) = ("ledger.example/1".into(), public(200));
    let samples = [
        ("genesis", GenesisEntry { origin, member, log_key, rule_set: 1 }.encode()),
        ("member", {
            let status = MemberStatus::Suspended;
            let (since_height, changed_height, active_keys) = (1, 2, 3);
            let (hand, name_digest) = ([3; 16], hash);
            MemberEntry {
                hand,
                name_digest,
                status,
                roles,
                since_height,
                changed_height,
                active_keys,
            }
            .encode()
        }),
        ("key", key.encode()),
        ("key valid", KeyEntry { revoked_at_height: None, ..key }.encode()),
        ("record", {
            RecordEntry { member, height: 5, header_hash: hash, log_index: 6, erased: 514 }.encode()
        }),
        ("statement", StatementEntry { kind: 4, member, height: 5, log_index: 6 }.encode()),
        ("document", DocumentEntry { member, height: 5, open: true, digest: hash }.encode()),
        ("endorsed", EndorsedEntry { hash, endorsers: vec![([3; 16], member)] }.encode()),
        ("clock", ClockEntry { previous_ms: 1, new_ms: 2, member }.encode()),
        ("tag", TagEntry { count: 2, last_record: [6; 16], expires: 500_000 }.encode()),
        ("sweep", SweepEntry { bucket: 500_000, list: 1 }.encode()),
    ];
    samples.into_iter().map(|(name, bytes)| (format!("entry {name}"), bytes)).collect()
}

fn state_keys() -> Vec<Sample> {
    let samples = [
        ("genesis", keys::GENESIS.to_vec()),
        ("sweep", keys::SWEEP.to_vec()),
        ("member", keys::member(&[1; 16])),
        ("key", keys::signing_key(&[1; 32])),
        ("record", keys::record(&[1; 16])),
        ("statement", keys::statement(&[1; 32])),
        ("document", keys::document(&[1; 16])),
        ("endorsed record", keys::endorsed_record(&[1; 16])),
        ("endorsed statement", keys::endorsed_statement(&[1; 32])),
        ("clock", keys::clock(258)),
        ("tag", keys::tag(&[1; 32])),
        ("expiry", keys::expiry(258)),
        ("expiry list", keys::expiry_list(258, 3)),
    ];
    samples.into_iter().map(|(name, bytes)| (format!("state key {name}"), bytes)).collect()
}

#[test]
fn every_encoding_is_what_it_was() {
    let groups = [
        statements(),
        records(),
        blocks(),
        receipts(),
        entries(),
        state_keys(),
        crate::bundle::tests::samples(),
    ]
    .concat();
    let mut text = String::from("# SHA-256 and length in bytes of a sample of every encoding.\n");
    for (name, bytes) in &groups {
        text.push_str(&format!("{} {:>5} {name}\n", hex(&sha256(bytes)), bytes.len()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/formats.txt");
    if std::env::var_os("COUNTERMARK_WRITE_FORMATS").is_some_and(|value| value == "1") {
        std::fs::write(path, &text).unwrap();
    }
    let frozen = std::fs::read_to_string(path).unwrap();
    for (now, then) in text.lines().zip(frozen.lines()) {
        assert_eq!(now, then, "this encoding changed");
    }
    assert_eq!(text, frozen, "an encoding has no frozen hash, or its sample is gone");
}
