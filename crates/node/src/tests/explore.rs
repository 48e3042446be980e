//! What one sees who looks into the ledger: all of it, and what it means.

use std::collections::BTreeSet;

use countermark_epcis::json::{Json, parse};
use countermark_ledger::ids::hex;

use super::{Lab, MINUTE_MS, capture, capture_ids, document, event};
use crate::node::Node;
use crate::{EpcFormat, ErasureReason, NodeError, Scope};

/// A ledger with a statement of every kind that this version makes.
fn every_kind(lab: &Lab) -> Node {
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    capture_ids(&node, &["urn:x:1", "urn:x:2"]);
    node.document(None, "a.pdf", b"content").unwrap();
    node.key_rotate(Some("Mill")).unwrap();
    node.erase(&Scope::All, None, "urn:x:2", Some("transport"), ErasureReason::Request).unwrap();
    lab.clock.pass(MINUTE_MS);
    lab.clock.set_by(3 * 3_600_000);
    node.confirm_clock().unwrap();
    assert_eq!(capture(&node, "Mill", &document(&[event(Some("urn:x:3"), 3)])).accepted.len(), 1);
    node
}

#[test]
fn every_block_is_found_by_its_height_and_on_a_page_newest_first() {
    let lab = Lab::new();
    let node = every_kind(&lab);
    let height = node.height().unwrap();
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = node.blocks(before, 3).unwrap();
        assert_eq!(page.log.height, height);
        assert!(page.blocks.len() <= 3);
        seen.extend(page.blocks);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let heights: Vec<u64> = seen.iter().map(|block| block.height).collect();
    assert_eq!(heights, (0..=height).rev().collect::<Vec<_>>());
    for pair in seen.windows(2) {
        assert_eq!(pair[0].parent, pair[1].hash);
    }
    for block in &seen {
        let detail = node.block(block.height).unwrap();
        assert_eq!(detail.block, *block);
        assert_eq!(detail.statements.len() as u64, block.statement_count);
        assert_eq!(block.kinds.values().sum::<u64>(), block.statement_count);
    }
    assert!(matches!(node.block(height + 1), Err(NodeError::NotFound(_))));
    assert_eq!(node.blocks(Some(0), 3).unwrap().blocks, []);
    assert_eq!(node.blocks(Some(u64::MAX), 1).unwrap().blocks[0].height, height);
}

#[test]
fn blocks_of_many_statements_are_found_between_small_ones() {
    let lab = Lab::new();
    let node = lab.begin();
    for round in 0..3 {
        let events: Vec<String> =
            (0..1_300).map(|i| event(Some(&format!("urn:x:{round}-{i}")), i)).collect();
        assert_eq!(capture(&node, "Farm", &document(&events)).accepted.len(), 1_300);
        capture_ids(&node, &[&format!("urn:x:small-{round}")]);
    }
    for height in 0..=node.height().unwrap() {
        assert_eq!(node.block(height).unwrap().block.height, height);
    }
}

#[test]
fn every_leaf_reads_with_names_and_its_path_leads_to_the_root() {
    let lab = Lab::new();
    let node = every_kind(&lab);
    let head = node.log_head().unwrap();
    let mut kinds = BTreeSet::new();
    for index in 0..head.size {
        let leaf = node.leaf(index).unwrap();
        assert_eq!(leaf.inclusion.root, head.root);
        assert_eq!(leaf.inclusion, node.inclusion(index).unwrap());
        let content = leaf.content.expect("every leaf reads");
        let unnamed = unnamed_key(&content);
        assert_eq!(unnamed, None, "leaf {index}: {}", content.to_text_pretty());
        match leaf.statement {
            None => assert_eq!(leaf.kind, "block header"),
            Some(statement) => {
                let of = |pointer: &str| content.pointer(pointer).and_then(Json::as_str).unwrap();
                assert_eq!(of("/payload/kind"), statement.kind);
                assert_eq!(of("/payload/member"), statement.member);
                assert!(["Farm", "Mill"].contains(&statement.member_name.as_str()));
                assert_eq!(statement.records.unwrap_or(0), leaf.records.len() as u64);
                kinds.insert(statement.kind);
            }
        }
    }
    let expected = ["capture", "clock", "document", "erasure", "genesis", "key", "member"];
    assert!(kinds.iter().map(String::as_str).eq(expected), "{kinds:?}");
    assert!(matches!(node.leaf(head.size), Err(NodeError::NotFound(_))));
}

/// A key that is still a number.
fn unnamed_key(tree: &Json) -> Option<&str> {
    match tree {
        Json::Object(members) => members.iter().find_map(|(name, value)| {
            let is_number = name.bytes().all(|b| b.is_ascii_digit());
            if is_number { Some(name.as_str()) } else { unnamed_key(value) }
        }),
        Json::Array(items) => items.iter().find_map(unnamed_key),
        _ => None,
    }
}

#[test]
fn of_an_event_every_field_stands_in_its_class_and_together_they_are_the_event() {
    let lab = Lab::new();
    let node = every_kind(&lab);
    let detail = node.record_detail(&Scope::All, "urn:x:1").unwrap();
    assert_eq!(detail.event_id.as_deref(), Some("urn:x:1"));
    assert_eq!(detail.member_name, "Farm");
    assert_eq!(detail.classes.len(), 11);
    assert_eq!(detail.header.class_digests.len(), 11);
    let event = node.events_one(&Scope::All, "urn:x:1", EpcFormat::NeverTranslates).unwrap();
    let mut shown = BTreeSet::new();
    for class in &detail.classes {
        assert_eq!(class.digest, detail.header.class_digests[usize::from(class.number) - 1]);
        assert_eq!(class.state == "values", !class.fields.is_empty(), "{class:?}");
        for field in class.fields.iter().filter(|f| !f.pointer.starts_with("/_provenance")) {
            assert_eq!(event.pointer(&field.pointer), Some(&field.value));
            assert!(shown.insert(field.pointer.clone()), "{} stands twice", field.pointer);
        }
    }
    assert_eq!(shown.len(), event.as_object().unwrap().len());
    assert_eq!((detail.vouching.standing.as_str(), detail.vouching.hands), ("effective", 1));
    assert_eq!(detail.vouching.signers[0].member_name, "Farm");
    let leaf = node.leaf(detail.placed.statement.leaf_index).unwrap();
    assert_eq!(leaf.records[detail.placed.batch_index as usize], detail.record_id);
    assert_eq!(node.record_detail(&Scope::All, &detail.record_id).unwrap(), detail);
}

#[test]
fn what_is_erased_is_shown_as_erased_and_the_rest_stays() {
    let lab = Lab::new();
    let node = lab.begin();
    let placed = event(Some("urn:x:1"), 1).replace(
        r#""action""#,
        r#""readPoint":{"id":"https://id.gs1.org/414/9506000100012"},"action""#,
    );
    assert_eq!(capture(&node, "Farm", &document(&[placed])).accepted.len(), 1);
    let states = |node: &Node| -> Vec<(String, String)> {
        let detail = node.record_detail(&Scope::All, "urn:x:1").unwrap();
        detail.classes.into_iter().map(|class| (class.class, class.state)).collect()
    };
    let state = |node: &Node, class: &str| {
        states(node).into_iter().find(|(name, _)| name == class).unwrap().1
    };
    assert_eq!((state(&node, "location"), state(&node, "cost")), ("values".into(), "empty".into()));
    node.erase(&Scope::All, None, "urn:x:1", Some("location"), ErasureReason::Order).unwrap();
    assert_eq!(state(&node, "location"), "erased");
    assert_eq!(state(&node, "identity"), "values");
    node.erase(&Scope::All, None, "urn:x:1", Some("transport"), ErasureReason::Order).unwrap();
    let one = node.events_one(&Scope::All, "urn:x:1", EpcFormat::NeverTranslates);
    assert!(one.unwrap_err().to_string().contains("was erased; its proofs stay"));
}

#[test]
fn a_member_looks_at_its_own_events_only() {
    let lab = Lab::new();
    let node = every_kind(&lab);
    let mill = node.scope_of("Mill").unwrap();
    let record = {
        let sequencer = node.lock();
        hex(&node.rows_of_event(&sequencer, &Scope::All, "urn:x:1").unwrap()[0].record_id)
    };
    let never = EpcFormat::NeverTranslates;
    for (hidden, absent) in [("urn:x:1", "urn:x:9"), (record.as_str(), &"ab".repeat(16))] {
        let words = |id: &str, error: NodeError| error.to_string().replace(id, "…");
        let detail = |id: &str| words(id, node.record_detail(&mill, id).unwrap_err());
        let one = |id: &str| words(id, node.events_one(&mill, id, never).unwrap_err());
        assert_eq!(detail(hidden), detail(absent));
        assert_eq!(one(hidden), one(absent));
    }
    assert!(node.record_detail(&mill, "urn:x:3").is_ok());
}

#[test]
fn identifiers_of_one_event_are_written_as_asked_for() {
    let lab = Lab::new();
    let node = every_kind(&lab);
    let urn = node.events_one(&Scope::All, "urn:x:1", EpcFormat::AlwaysEpcUrn).unwrap();
    let first = urn.pointer("/epcList/0").and_then(Json::as_str).unwrap();
    assert!(first.starts_with("urn:epc:id:sscc:"), "{first}");
    let told = serde_json::to_string(&node.leaf(0).unwrap()).unwrap();
    assert!(parse(told.as_bytes()).is_ok());
}
