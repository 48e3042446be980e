//! An operator who holds the log's key and breaks the state machine's rules: what a bundle shows of
//! it is refused all the same.

use super::logs::Operator;
use super::world::{FARM, KeyOf, Ledger, PROCESSOR, member_id, sign_anew};
use super::*;
use crate::record_header::{RecordHeader, batch_root};
use crate::statement::{Body, KeyAction, KeyBody, SignedStatement, Statement};
use countermark_tlog::merkle;

const RECORD: usize = 0;
const ISSUER: KeyOf = (PROCESSOR, 0);

/// The farm's first capture, changed, signed by this key and put into the log in its place.
fn restated(signer: KeyOf, change: impl Fn(&mut Statement)) -> String {
    fault(&restated_bundle(signer, change), Some(&Ledger::story(1).everyone()))
}

/// A bundle over that statement.
pub(super) fn restated_bundle(signer: KeyOf, change: impl Fn(&mut Statement)) -> Bundle {
    let ledger = Ledger::story(1);
    let mut operator = Operator::of(&ledger);
    let record = &ledger.records[RECORD];
    let leaf = &mut operator.ledger.blocks[record.height].statements[record.statement];
    let mut statement = SignedStatement::from_leaf(leaf).unwrap().statement().clone();
    assert_eq!(statement.member, member_id(FARM));
    change(&mut statement);
    *leaf = statement.sign(&ledger.key(signer)).unwrap().leaf();
    operator.rebuild();
    operator.bundle(ISSUER, RECORD)
}

#[test]
fn a_statement_that_does_not_fit_its_record_or_key_is_refused() {
    let ledger = Ledger::story(1);
    let said = restated((PROCESSOR, 0), |s| s.key = ledger.id((PROCESSOR, 0)));
    assert_eq!(said, "statement: the record names another key or sequence than its statement.");
    let said = restated((FARM, 0), |s| s.sequence += 1);
    assert_eq!(said, "statement: the record names another key or sequence than its statement.");
    let said = restated((FARM, 0), |s| s.member = member_id(PROCESSOR));
    assert!(said.starts_with("statement: the signing key belongs to another member"), "{said}");
    let said = restated((FARM, 0), |s| s.origin = "ledger.example/2".into());
    assert_eq!(said, "statement: the statement is for the log ledger.example/2.");
    let said = restated((FARM, 0), |s| {
        let action = KeyAction::Revoke { key: [1; 32] };
        s.body = Body::Key(KeyBody { member: member_id(FARM), action });
        s.objects.clear();
    });
    assert_eq!(said, "statement: the statement captures nothing.");
    let said = restated((FARM, 0), |s| {
        let Body::Capture(capture) = &mut s.body else { panic!("a capture") };
        capture.batch_root = [7; 32];
    });
    assert!(said.starts_with("statement: the record is not in the statement's batch: "), "{said}");
}

#[test]
fn a_key_at_a_height_before_it_was_registered_is_refused() {
    let ledger = Ledger::story(1);
    let mut operator = Operator::of(&ledger);
    // The rotated farm key's batch, in a block that says an earlier height.
    let record = ledger.records.iter().position(|r| r.member == FARM && r.height > 6).unwrap();
    operator.ledger.blocks[ledger.records[record].height].header.height = 5;
    operator.rebuild();
    let said = fault(&operator.bundle(ISSUER, record), Some(&ledger.everyone()));
    assert_eq!(said, "place in the log: the signing key was not valid in block 5.");
}

#[test]
fn a_block_that_names_another_log_or_place_is_refused() {
    let ledger = Ledger::story(1);
    let height = ledger.records[RECORD].height;
    let mut operator = Operator::of(&ledger);
    operator.ledger.blocks[height].header.origin = "ledger.example/2".into();
    operator.rebuild();
    let said = fault(&operator.bundle(ISSUER, RECORD), Some(&ledger.everyone()));
    assert_eq!(said, "place in the log: the block is of the log ledger.example/2.");

    let mut operator = Operator::of(&ledger);
    let mut header = ledger.blocks[height].header.clone();
    let index = header.log_size;
    header.log_size += 1;
    operator.ledger.leaves[index as usize] = merkle::leaf_hash(&header.leaf());
    let mut bundle = operator.bundle(ISSUER, RECORD);
    bundle.records[0].block.header_leaf = header.leaf();
    sign_anew(&mut bundle, &ledger.key(ISSUER));
    let said = fault(&bundle, Some(&ledger.everyone()));
    assert_eq!(said, "place in the log: the block's header does not stand where it says.");
}

/// The genesis, changed, with a signature by the founder's key or one that is none.
pub(super) fn begun_anew(change: impl Fn(&mut Statement), forged: bool) -> Bundle {
    let ledger = Ledger::story(1);
    let mut operator = Operator::of(&ledger);
    let leaf = &mut operator.ledger.blocks[0].statements[0];
    let mut statement = SignedStatement::from_leaf(leaf).unwrap().statement().clone();
    change(&mut statement);
    let signed = if forged {
        statement.with_signature([7; 64])
    } else {
        statement.sign(&ledger.key((FARM, 0)))
    };
    *leaf = signed.unwrap().leaf();
    operator.rebuild();
    operator.bundle(ISSUER, RECORD)
}

#[test]
fn a_genesis_of_another_log_or_without_its_founders_signature_is_refused() {
    let other = begun_anew(|s| s.origin = "ledger.example/2".into(), false);
    let said = fault(&other, None);
    assert_eq!(said, "genesis statement: the genesis is of the log ledger.example/2.");
    let unsigned = begun_anew(|_| {}, true);
    assert_eq!(fault(&unsigned, None), "genesis statement: the signature does not hold.");
}

#[test]
fn a_second_genesis_in_the_place_of_the_first_is_not_the_pinned_ledger() {
    let ledger = Ledger::story(1);
    let bundle = begun_anew(
        |statement| {
            let Body::Genesis(genesis) = &mut statement.body else { panic!("a genesis") };
            genesis.name_digest = [9; 32];
        },
        false,
    );
    assert_eq!(verify(&bundle, None).verdict, Verdict::LogKeyNotChecked);
    let said = fault(&bundle, Some(&ledger.everyone()));
    assert!(said.starts_with("ledger: the ledger began with "), "{said}");
}

/// A member that signs a batch whose header contradicts itself.
#[test]
fn a_record_header_whose_root_does_not_follow_from_its_digests_is_refused() {
    let ledger = Ledger::story(1);
    let mut operator = Operator::of(&ledger);
    let (height, statement, place) = {
        let record = &ledger.records[RECORD];
        (record.height, record.statement, record.place)
    };
    let mut batch = ledger.records[RECORD].batch.clone();
    let mut header = RecordHeader::decode(&batch[place]).unwrap();
    header.root = [9; 32];
    batch[place] = header.encode();
    let leaf = &mut operator.ledger.blocks[height].statements[statement];
    let mut signed = SignedStatement::from_leaf(leaf).unwrap().statement().clone();
    let Body::Capture(capture) = &mut signed.body else { panic!("a capture") };
    capture.batch_root = batch_root(&batch);
    *leaf = signed.sign(&ledger.key((FARM, 0))).unwrap().leaf();
    operator.ledger.records[RECORD].batch = batch;
    operator.rebuild();
    let said = fault(&operator.bundle(ISSUER, RECORD), Some(&ledger.everyone()));
    assert!(said.starts_with("record header: record header, key 6: the root"), "{said}");
}
