//! Bundles that hold, and what they report.

use super::world::{self, FARM, Ledger, PROCESSOR, START_MS, WAREHOUSE, member_id};
use super::*;
use crate::record::Disclosed;

#[test]
fn every_bundle_holds_and_says_whose_it_is_and_what_it_shows() {
    let ledger = Ledger::story(1);
    let trust = ledger.everyone();
    for bundle in world::bundles(&ledger, (PROCESSOR, 0)) {
        let report = verify(&bundle, Some(&trust));
        assert_eq!(report.verdict, Verdict::Holds, "{}", report.message);
        assert!(report.checks.iter().all(|check| check.state == CheckState::Proven));
        let issuer = report.issuer.unwrap();
        assert_eq!(issuer.member, member_id(PROCESSOR));
        assert_eq!(issuer.member_name.as_deref(), Some("Processor"));
        assert_eq!(issuer.key, ledger.id((PROCESSOR, 0)));
        assert_eq!(issuer.issued_at_ms, START_MS + 86_400_000);
        let log = report.log.unwrap();
        assert_eq!((log.origin.as_str(), log.size), (world::ORIGIN, ledger.leaves.len() as u64));
        assert_eq!(log.height, ledger.newest() as u64);
        assert_eq!(report.records.len(), bundle.records.len());
        for shown in &report.records {
            let record = ledger.records.iter().find(|r| r.id == shown.record_id).unwrap();
            assert_eq!(shown.member, member_id(record.member));
            assert!(shown.member_name.is_some());
            assert_eq!(shown.height, record.height as u64);
            assert_eq!(shown.block_time_ms, ledger.blocks[record.height].header.time_ms);
        }
    }
}

#[test]
fn a_whole_event_one_field_and_an_absent_field_are_shown_as_they_are() {
    let ledger = Ledger::story(1);
    let trust = ledger.everyone();
    let [whole, field, absent, ..] = &world::bundles(&ledger, (FARM, 1))[..] else { panic!() };
    let shown = |bundle| verify(bundle, Some(&trust)).records.remove(0).verified;
    assert_eq!(shown(whole).event.unwrap().to_text(), ledger.records[0].event.to_text());
    let field = shown(field);
    assert_eq!(field.value("/quantityList/0/quantity").unwrap().to_text(), "1.50");
    let values = field.disclosures.iter().filter(|d| matches!(d.shown, Disclosed::Value(_)));
    assert_eq!((values.count(), field.event), (1, None), "nothing else is shown");
    let absent = shown(absent);
    assert!(absent.shows_absent("/recordTime") && absent.shows_absent("/ex:colour"));
    assert!(!absent.shows_absent("/eventTime") && !absent.shows_absent("/ex:temperature"));
}

#[test]
fn without_a_policy_the_log_key_is_not_checked_and_the_answer_says_so() {
    let ledger = Ledger::story(1);
    for bundle in world::bundles(&ledger, (WAREHOUSE, 0)) {
        let report = verify(&bundle, None);
        assert_eq!(report.verdict, Verdict::LogKeyNotChecked);
        assert_eq!(report.verdict.as_str(), "consistent; log key not checked");
        assert!(report.message.starts_with("consistent; log key not checked"));
        let open: Vec<_> = report.checks.iter().filter(|c| c.state != CheckState::Proven).collect();
        assert_eq!((open.len(), open[0].check.as_str()), (1, "log key"));
        let with = verify(&bundle, Some(&ledger.trust(&[])));
        assert_eq!(with.verdict, Verdict::Holds);
        assert_eq!(
            (report.records, report.issuer, report.log),
            (with.records, with.issuer, with.log)
        );
    }
}

#[test]
fn a_member_may_pass_on_less_than_it_was_shown_and_stands_for_it_by_name() {
    let ledger = Ledger::story(1);
    let trust = ledger.everyone();
    let shown = ledger.bundle((FARM, 1), &[(0, &["/bizStep", "/action"]), (10, &["/bizStep"])]);
    // The warehouse keeps the second record only and issues it itself.
    let draft = Draft {
        checkpoint: shown.checkpoint.clone(),
        genesis: shown.genesis.clone(),
        records: shown.records[1..].to_vec(),
        head: shown.head.block.clone(),
        ..ledger.draft((WAREHOUSE, 0), &[(10, &["/bizStep"])])
    };
    let passed_on = draft.sign(&ledger.key((WAREHOUSE, 0))).unwrap();
    let report = verify(&passed_on, Some(&trust));
    assert_eq!(report.verdict, Verdict::Holds);
    assert_eq!(report.issuer.unwrap().member_name.as_deref(), Some("Warehouse"));
    assert_eq!(report.records[0].member_name.as_deref(), Some("Farm"));
    // In the farm's name it cannot.
    let mut in_its_name = shown.clone();
    in_its_name.records.remove(0);
    world::sign_anew(&mut in_its_name, &ledger.key((WAREHOUSE, 0)));
    let said = fault(&in_its_name, Some(&trust));
    assert!(
        said.contains("is shown but signed nothing here") || said.starts_with("bundle"),
        "{said}"
    );
    // Nor with its own key named, while the key's state proof is missing.
    in_its_name.head.issuer_key = ledger.id((WAREHOUSE, 0));
    world::sign_anew(&mut in_its_name, &ledger.key((WAREHOUSE, 0)));
    assert!(fault(&in_its_name, Some(&trust)).starts_with("keys: key "));
}

#[test]
fn a_draft_puts_records_and_keys_in_order_and_names_what_does_not_fit() {
    let ledger = Ledger::story(1);
    let key = ledger.key((FARM, 1));
    let draft = || ledger.draft((FARM, 1), &[(6, &["/action"]), (0, &["/action"])]);
    let bundle = draft().sign(&key).unwrap();
    let mut reversed = draft();
    reversed.keys.reverse();
    reversed.records.reverse();
    assert_eq!(reversed.clone().sign(&key).unwrap(), bundle);
    let signature = crate::cose::sign(&key, &reversed.signed_bytes().unwrap());
    assert_eq!(reversed.with_signature(signature).unwrap(), bundle);

    let mut twice = draft();
    twice.records[1] = twice.records[0].clone();
    assert!(matches!(twice.sign(&key), Err(DraftError::Twice)));
    let mut none = draft();
    none.records.clear();
    assert!(matches!(none.sign(&key), Err(DraftError::Records(0))));
    let mut keyless = draft();
    keyless.keys.clear();
    assert!(matches!(keyless.sign(&key), Err(DraftError::Key(_))));
    assert!(matches!(draft().sign(&ledger.key((FARM, 0))), Err(DraftError::Issuer(_))));
    let mut older = draft();
    older.checkpoint = ledger.checkpoint_at(3);
    let said = older.sign(&key).unwrap_err().to_string();
    assert!(said.starts_with("the bundle would not verify. Does not hold: "), "{said}");
}

#[test]
fn a_bundle_without_records_or_with_records_out_of_order_is_neither_read_nor_held() {
    let ledger = Ledger::story(1);
    let bundle = ledger.bundle((FARM, 1), &[(16, &["/action"]), (17, &["/action"])]);
    let issue = |records: Vec<RecordProof>| {
        let mut bundle = Bundle { records, ..bundle.clone() };
        world::sign_anew(&mut bundle, &ledger.key((FARM, 1)));
        let said = Bundle::decode(&bundle.encode()).unwrap_err().to_string();
        assert!(said.starts_with("bundle, key 4"), "{said}");
        fault(&bundle, Some(&ledger.everyone()))
    };
    let [first, second] = &bundle.records[..] else { panic!("two records") };
    for records in [vec![second.clone(), first.clone()], vec![first.clone(), first.clone()]] {
        assert!(issue(records).starts_with("order of records: "));
    }
    assert!(issue(vec![]).starts_with("records: "));
}
