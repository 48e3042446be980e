//! Forged logs, other policies, other checkpoints.

use super::world::{self, FARM, KeyOf, Ledger, ORIGIN, PROCESSOR, WAREHOUSE, sign_anew};
use super::*;
use crate::block::statements_root;
use crate::ids::{key_id, sha256};
use crate::record_header::batch_root;
use crate::state::entries::{Entry, KeyEntry};
use crate::statement::{Body, SignedStatement};
use countermark_tlog::note::{Algorithm, Note, Signer};
use countermark_tlog::{Frontier, merkle};

/// Someone who holds the log's key and puts into the log what they like.
pub(super) struct Operator {
    pub(super) ledger: Ledger,
}

impl Operator {
    pub(super) fn of(ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone() }
    }

    /// Recomputes every digest above the blocks' contents: statement roots, parents, log roots, tree.
    pub(super) fn rebuild(&mut self) {
        self.rebuild_with(0);
    }

    /// As [`Operator::rebuild`], with leaves that nobody looks at behind the first block.
    pub(super) fn rebuild_with(&mut self, filler: usize) {
        let mut leaves: Vec<Hash> = Vec::new();
        let mut tree = Frontier::new();
        let mut parent = crate::block::NO_PARENT;
        for block in &mut self.ledger.blocks {
            let hashes: Vec<Hash> =
                block.statements.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
            block.header.parent = parent;
            block.header.log_size = leaves.len() as u64;
            block.header.log_root = tree.root();
            block.header.statement_count = hashes.len() as u64;
            block.header.statements_root = statements_root(&hashes);
            parent = block.header.hash();
            let behind = if leaves.is_empty() { filler } else { 0 };
            let first = leaves.len();
            leaves.push(parent);
            leaves.extend(hashes);
            leaves.extend((0..behind).map(|i| sha256(&i.to_be_bytes())));
            leaves[first..].iter().for_each(|leaf| tree.append(*leaf));
        }
        self.ledger.leaves = leaves;
    }

    /// A bundle that is signed all the same; a draft would refuse to.
    pub(super) fn bundle(&self, issuer: KeyOf, record: usize) -> Bundle {
        let draft = self.ledger.draft(issuer, &[(record, &["/action"])]);
        let mut keys = draft.keys.clone();
        keys.sort_by_key(key_of_entry);
        let mut bundle = Bundle {
            checkpoint: draft.checkpoint,
            genesis: draft.genesis,
            records: draft.records,
            head: Head {
                block: draft.head,
                issuer_key: draft.issuer_key,
                keys,
                issuer: draft.issuer,
            },
            issued_at_ms: draft.issued_at_ms,
            signature: [0; 64],
        };
        sign_anew(&mut bundle, &self.ledger.key(issuer));
        bundle
    }
}

/// Id of the key that an entry of the state is of.
fn key_of_entry(shown: &EntryProof) -> Hash {
    key_id(&KeyEntry::decode(&shown.entry).unwrap().public_key)
}

#[test]
fn a_log_forged_from_end_to_end_is_refused_under_a_policy_and_only_consistent_without() {
    let (ledger, forged) = (Ledger::story(1), Ledger::story(2));
    let trust = ledger.everyone();
    for (ours, theirs) in
        world::bundles(&ledger, (FARM, 1)).iter().zip(&world::bundles(&forged, (FARM, 1)))
    {
        assert_eq!(verify(ours, Some(&trust)).verdict, Verdict::Holds);
        let said = fault(theirs, Some(&trust));
        assert!(said.starts_with("log key: the checkpoint is not signed by a log"), "{said}");
        // Without a policy it looks like ours in every respect but the names of keys and values.
        let (ours, theirs) = (verify(ours, None), verify(theirs, None));
        assert_eq!(theirs.verdict, Verdict::LogKeyNotChecked);
        let steps = |report: &Report| -> Vec<_> {
            report.checks.iter().map(|check| (check.check.clone(), check.state)).collect()
        };
        assert_eq!(steps(&ours), steps(&theirs));
    }
}

#[test]
fn an_untouched_rebuild_holds_so_that_what_fails_below_fails_for_its_own_reason() {
    let ledger = Ledger::story(1);
    let mut operator = Operator::of(&ledger);
    operator.rebuild();
    assert_eq!(operator.ledger.leaves, ledger.leaves);
    let bundle = operator.bundle((PROCESSOR, 0), 0);
    assert_eq!(bundle, ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]));
    assert_eq!(verify(&bundle, Some(&ledger.everyone())).verdict, Verdict::Holds);
}

#[test]
fn an_operator_cannot_put_records_into_a_members_mouth() {
    let ledger = Ledger::story(1);
    let trust = ledger.everyone();
    // The farm's first record is replaced by the processor's event, all digests recomputed.
    let (record, other) = (0, 5);
    assert_eq!((ledger.records[record].member, ledger.records[other].member), (FARM, PROCESSOR));
    let mut operator = Operator::of(&ledger);
    let of_farm = ledger.records[record].clone();
    let mut header =
        crate::record_header::RecordHeader::decode(&of_farm.batch[of_farm.place]).unwrap();
    let foreign = &ledger.records[other];
    let digests =
        crate::record_header::RecordHeader::decode(&foreign.batch[foreign.place]).unwrap();
    header.class_digests = digests.class_digests;
    header.root = digests.root;
    let mut batch = of_farm.batch.clone();
    batch[of_farm.place] = header.encode();
    let forged = &mut operator.ledger;
    forged.records[record].batch = batch.clone();
    forged.records[record].sources = foreign.sources.clone();
    let leaf = &mut forged.blocks[of_farm.height].statements[of_farm.statement];
    let signed = SignedStatement::from_leaf(leaf).unwrap();
    let mut statement = signed.statement().clone();
    let Body::Capture(capture) = &mut statement.body else { panic!("a capture") };
    capture.batch_root = batch_root(&batch);
    let old_signature: [u8; 64] = signed.bytes()[signed.bytes().len() - 64..].try_into().unwrap();
    let operators_own = ledger.log_key();
    for again in [
        statement.clone().with_signature(old_signature).unwrap(),
        statement.clone().sign(&operators_own).unwrap(),
        statement.sign(&ledger.key((PROCESSOR, 0))).unwrap(),
    ] {
        operator.ledger.blocks[of_farm.height].statements[of_farm.statement] = again.leaf();
        operator.rebuild();
        let said = fault(&operator.bundle((PROCESSOR, 0), record), Some(&trust));
        assert_eq!(said, "statement: the signature does not hold.");
        // One who does not hold the log's key gets no further than the checkpoint.
        let mut outsider = operator.bundle((PROCESSOR, 0), record);
        outsider.checkpoint = {
            let note = Note::parse(&outsider.checkpoint).unwrap();
            let ours = Note::parse(&ledger.checkpoint_at(ledger.newest())).unwrap();
            Note::new(note.text(), ours.signatures().to_vec()).unwrap().encode().into_bytes()
        };
        sign_anew(&mut outsider, &ledger.key((PROCESSOR, 0)));
        assert!(fault(&outsider, Some(&trust)).starts_with("checkpoint signature: "));
    }
}

#[test]
fn a_policy_of_another_log_ledger_or_membership_refuses_by_name() {
    let (ledger, other) = (Ledger::story(1), Ledger::story(2));
    let bundle = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    let said = fault(&bundle, Some(&other.everyone()));
    assert!(said.starts_with("log key: "), "{said}");
    // The same log key, another beginning.
    let pinned = TrustPolicy { genesis: other.genesis_hash(), ..ledger.everyone() };
    let said = fault(&bundle, Some(&pinned));
    assert!(said.starts_with("ledger: the ledger began with "), "{said}");
    // The member that recorded it, or the one that issued it, is not listed.
    for (listed, missing) in [(PROCESSOR, "0101"), (FARM, "0202")] {
        let said = fault(&bundle, Some(&ledger.trust(&[(listed, "Listed")])));
        assert!(said.starts_with(&format!("members: member {missing}")), "{said}");
    }
    assert_eq!(
        verify(&bundle, Some(&ledger.trust(&[(FARM, "F"), (PROCESSOR, "P")]))).verdict,
        Verdict::Holds
    );
}

#[test]
fn a_policy_that_asks_for_a_witness_is_not_met_by_the_log_alone() {
    let ledger = Ledger::story(1);
    let witness = Signer::new("witness.example", Algorithm::CosignatureV1, &[9; 32]).unwrap();
    let text = ledger.everyone().encode().replace(
        "quorum none",
        &format!("witness w {}\nquorum w", witness.verifier_key().encode()),
    );
    let trust = TrustPolicy::parse(text.as_bytes()).unwrap();
    let mut bundle = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    let said = fault(&bundle, Some(&trust));
    assert!(said.starts_with("log key: the 0 witnesses"), "{said}");
    // With its cosignature it holds; a policy without it says that a line is of nobody it knows.
    let note = Note::parse(&bundle.checkpoint).unwrap();
    let mut lines = note.signatures().to_vec();
    lines.push(witness.cosign(note.text(), 1_790_000_000).unwrap());
    bundle.checkpoint = Note::new(note.text(), lines).unwrap().encode().into_bytes();
    sign_anew(&mut bundle, &ledger.key((PROCESSOR, 0)));
    let report = verify(&bundle, Some(&trust));
    assert_eq!(report.verdict, Verdict::Holds, "{}", report.message);
    assert!(report.checks.iter().all(|check| check.check != "cosignatures"));
    let report = verify(&bundle, Some(&ledger.everyone()));
    let said = report.checks.iter().find(|check| check.check == "cosignatures").unwrap();
    assert_eq!((report.verdict, said.state), (Verdict::Holds, CheckState::NotChecked));
}

#[test]
fn a_checkpoint_of_an_older_size_a_head_that_is_not_newest_and_altered_text_are_refused() {
    let ledger = Ledger::story(1);
    let (trust, issuer) = (ledger.everyone(), (PROCESSOR, 0));
    let good = ledger.bundle(issuer, &[(0, &["/action"])]);
    let refused = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        sign_anew(&mut bundle, &ledger.key(issuer));
        fault(&bundle, Some(&trust))
    };
    let older = ledger.newest() - 1;
    let said = refused(&|b| b.checkpoint = ledger.checkpoint_at(older));
    assert!(said.starts_with("place of the genesis: "), "{said}");
    let said = refused(&|b| {
        b.checkpoint = ledger.checkpoint_at(older);
        b.genesis.path = ledger.path(1, older);
    });
    assert!(said.starts_with("newest block: "), "{said}");
    let said = refused(&|b| b.head.block = ledger.block_proof(older, ledger.newest()));
    assert!(said.contains("not the last one of the checkpoint"), "{said}");
    // The whole head of an older state, under the newest checkpoint.
    let said = refused(&|b| {
        b.head.block = ledger.block_proof(3, ledger.newest());
    });
    assert!(said.starts_with("newest block: "), "{said}");
    let size = format!("\n{}\n", ledger.leaves.len());
    for (what, from, to) in [
        ("size", size.as_str(), "\n5\n"),
        ("origin", ORIGIN, "ledger.example/2"),
        ("extension", "\n\n", "\nmore\n\n"),
    ] {
        let said = refused(&|b| {
            let text = String::from_utf8(b.checkpoint.clone()).unwrap();
            assert!(text.contains(from), "{what}: {text}");
            b.checkpoint = text.replacen(from, to, 1).into_bytes();
        });
        assert!(!said.starts_with("bundle signature"), "{what}: {said}");
    }
    let said = refused(&|b| {
        let text = String::from_utf8(b.checkpoint.clone()).unwrap();
        let line = text.lines().last().unwrap();
        b.checkpoint = format!("{text}{line}\n").into_bytes();
    });
    assert!(said.starts_with("checkpoint signature: "), "{said}");
}

#[test]
fn parts_of_another_log_do_not_fit() {
    let (ledger, other) = (Ledger::story(1), Ledger::story(2));
    let (trust, issuer) = (ledger.everyone(), (WAREHOUSE, 0));
    let good = ledger.bundle(issuer, &[(0, &["/action"])]);
    let foreign = other.bundle(issuer, &[(0, &["/action"])]);
    type Swap<'a> = &'a dyn Fn(&mut Bundle);
    let swaps: [(&str, Swap<'_>); 6] = [
        ("checkpoint signature: ", &|b| b.checkpoint = foreign.checkpoint.clone()),
        ("checkpoint signature: ", &|b| b.genesis = foreign.genesis.clone()),
        ("newest block: ", &|b| b.head = foreign.head.clone()),
        ("keys: key ", &|b| b.head.keys = foreign.head.keys.clone()),
        ("keys: key ", &|b| b.records = foreign.records.clone()),
        ("issuer: member ", &|b| b.head.issuer = foreign.head.issuer.clone()),
    ];
    for (expected, swap) in swaps {
        let mut bundle = good.clone();
        swap(&mut bundle);
        sign_anew(&mut bundle, &ledger.key(issuer));
        let said = fault(&bundle, Some(&trust));
        assert!(said.starts_with(expected), "{expected}: {said}");
    }
}

#[test]
fn a_stranger_issues_nothing_with_a_key_of_his_own() {
    let (ledger, other) = (Ledger::story(1), Ledger::story(2));
    let trust = ledger.everyone();
    let good = ledger.bundle((PROCESSOR, 0), &[(5, &["/action"])]);
    let his = other.bundle((PROCESSOR, 0), &[(5, &["/action"])]);
    // In place of the issuer's key, with the state proof of his own ledger.
    let mut own_proof = good.clone();
    own_proof.head.issuer_key = his.head.issuer_key;
    own_proof.head.keys.extend(his.head.keys.clone());
    own_proof.head.keys.sort_by_key(key_of_entry);
    // With the proof of the key that it takes the place of, in an entry of his own making.
    let mut own_entry = good.clone();
    own_entry.head.issuer_key = his.head.issuer_key;
    own_entry.head.keys[0].entry = his.head.keys[0].entry.clone();
    for bundle in [&mut own_proof, &mut own_entry] {
        sign_anew(bundle, &other.key((PROCESSOR, 0)));
        let said = fault(bundle, Some(&trust));
        assert!(said.starts_with("keys: key ") && said.contains("state root"), "{said}");
    }
    // As he is shown it, but signed by himself.
    let mut signed = good;
    sign_anew(&mut signed, &other.key((PROCESSOR, 0)));
    assert!(fault(&signed, Some(&trust)).starts_with("bundle signature: "));
}
