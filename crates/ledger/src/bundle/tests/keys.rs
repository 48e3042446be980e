//! Keys and members over time: rotation, revocation, suspension, whose key it is.

use super::world::{FARM, Ledger, PROCESSOR, WAREHOUSE, sign_anew};
use super::*;
use crate::statement::{KeyAction, MemberAction};

#[test]
fn a_record_signed_before_its_key_was_rotated_still_holds() {
    let ledger = Ledger::story(1);
    let bundle = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"]), (16, &["/action"])]);
    assert_eq!(bundle.head.keys.len(), 3, "the farm's two keys and the issuer's");
    assert_eq!(verify(&bundle, Some(&ledger.everyone())).verdict, Verdict::Holds);
}

#[test]
fn a_revoked_key_issues_nothing() {
    let ledger = Ledger::story(1);
    let mut bundle = ledger.bundle((FARM, 1), &[(0, &["/action"])]);
    bundle.head.issuer_key = ledger.id((FARM, 0));
    bundle
        .head
        .keys
        .retain(|key| key.entry.windows(32).any(|bytes| bytes == ledger.public((FARM, 0))));
    assert_eq!(bundle.head.keys.len(), 1);
    sign_anew(&mut bundle, &ledger.key((FARM, 0)));
    let said = fault(&bundle, Some(&ledger.everyone()));
    assert!(
        said.starts_with("issuer: the issuer's key ") && said.ends_with("is revoked."),
        "{said}"
    );
}

#[test]
fn a_suspended_member_and_one_that_left_issue_nothing_but_their_records_hold() {
    for (action, word) in [(MemberAction::Suspend, "suspended"), (MemberAction::Leave, "left")] {
        let mut ledger = Ledger::story(1);
        let by = if action == MemberAction::Leave { (WAREHOUSE, 0) } else { (FARM, 1) };
        ledger.member_action(by, WAREHOUSE, action);
        let shown: &[(usize, &[&str])] = &[(18, &["/action"])];
        let bundle = ledger.bundle((PROCESSOR, 0), shown);
        let report = verify(&bundle, Some(&ledger.everyone()));
        assert_eq!(report.verdict, Verdict::Holds);
        assert_eq!(report.records[0].member_name.as_deref(), Some("Warehouse"));
        let refused = ledger.draft((WAREHOUSE, 0), shown).sign(&ledger.key((WAREHOUSE, 0)));
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("issuer: member 0303") && said.contains(word), "{said}");
    }
}

#[test]
fn the_entry_of_another_member_does_not_stand_in_for_the_issuer() {
    let ledger = Ledger::story(1);
    let mut bundle = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    bundle.head.issuer = ledger.bundle((FARM, 1), &[(0, &["/action"])]).head.issuer;
    sign_anew(&mut bundle, &ledger.key((PROCESSOR, 0)));
    let said = fault(&bundle, Some(&ledger.everyone()));
    assert!(said.starts_with("issuer: member 0202"), "{said}");
}

/// A dishonest operator puts a statement into a block at a height where its key was revoked: the
/// state machine would have refused it.
#[test]
fn a_statement_of_a_revoked_key_does_not_hold_though_the_log_contains_it() {
    let mut ledger = Ledger::story(1);
    let action = KeyAction::Revoke { key: ledger.id((WAREHOUSE, 0)) };
    ledger.key_action((WAREHOUSE, 0), WAREHOUSE, action);
    // The warehouse's statement at its old height, but in a block that says a later one.
    let record = ledger.records.iter().position(|r| r.member == WAREHOUSE).unwrap();
    let height = ledger.records[record].height;
    let newest = ledger.newest() as u64;
    let mut forged = super::logs::Operator::of(&ledger);
    forged.ledger.blocks[height].header.height = newest + 1;
    forged.rebuild();
    let bundle = forged.bundle((PROCESSOR, 0), record);
    let said = fault(&bundle, Some(&forged.ledger.everyone()));
    assert!(said.contains("the signing key was not valid in block"), "{said}");
}

#[test]
fn key_proofs_of_another_block_do_not_hold() {
    let ledger = Ledger::story(1);
    let earlier = ledger.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    let mut later = ledger.clone();
    later.rotate(WAREHOUSE, 0);
    let mut bundle = later.bundle((PROCESSOR, 0), &[(0, &["/action"])]);
    bundle.head.keys = earlier.head.keys.clone();
    sign_anew(&mut bundle, &ledger.key((PROCESSOR, 0)));
    let said = fault(&bundle, Some(&ledger.everyone()));
    assert!(said.starts_with("keys: key ") && said.contains("state root"), "{said}");
}
