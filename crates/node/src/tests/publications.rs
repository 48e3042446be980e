//! What the public sees: what was released, and nothing else.

use countermark_epcis::gs1::Identifier;

use super::{HOUR_MS, Lab, capture_ids};
use crate::publications::{PublicProof, RecallNotice, Release};
use crate::verify::{self, Verdict};
use crate::{ErasureReason, NodeError, Scope};

const GTIN: &str = "https://id.gs1.org/01/09521234543213";
const LOT: &str = "https://id.gs1.org/01/09521234543213/10/L1";
const ITEM: &str = "https://id.gs1.org/01/09521234543213/21/7";
const EVENT: &str = "urn:x:1";

fn release(identifier: &str) -> Release {
    Release {
        identifier: identifier.to_owned(),
        product: "Salad".to_owned(),
        description: None,
        lot: None,
        made: None,
        best_before: None,
        steps: Vec::new(),
        claims: Vec::new(),
        proofs: Vec::new(),
        contact: None,
    }
}

fn recall(identifier: &str) -> RecallNotice {
    RecallNotice {
        identifier: identifier.to_owned(),
        title: "Glass".to_owned(),
        what_to_do: "Bring it back.".to_owned(),
        contact: None,
    }
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

#[test]
fn an_unpublished_identifier_is_answered_alike_whether_the_ledger_knows_it_or_not() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[EVENT]);
    let known = format!("https://id.gs1.org/00/{}", super::sscc(0));
    let unknown = format!("https://id.gs1.org/00/{}", super::sscc(999));
    for text in [known, unknown] {
        let answer = node.public_answer(&id(&text)).unwrap();
        assert_eq!((answer.publication, answer.recalls, answer.is_expired), (None, vec![], false));
    }
}

#[test]
fn a_lot_is_answered_by_its_own_release_then_by_its_product_s() {
    let lab = Lab::new();
    let node = lab.begin();
    node.publication_put(None, release("(01)09521234543213")).unwrap();
    let of = |text| node.public_answer(&id(text)).unwrap().publication.unwrap().release.identifier;
    assert_eq!(of(LOT), GTIN);
    node.publication_put(None, release(LOT)).unwrap();
    assert_eq!((of(LOT).as_str(), of(GTIN).as_str()), (LOT, GTIN));
    node.publication_withdraw(LOT).unwrap();
    assert_eq!(of(LOT), GTIN);
    assert!(matches!(node.publication_withdraw(LOT), Err(NodeError::NotFound(_))));
}

#[test]
fn a_recall_reaches_what_belongs_to_it_and_nothing_else() {
    let lab = Lab::new();
    let node = lab.begin();
    node.publication_put(None, Release { lot: Some(LOT.to_owned()), ..release(ITEM) }).unwrap();
    node.recall_set(None, recall(LOT)).unwrap();
    let count = |text| node.public_answer(&id(text)).unwrap().recalls.len();
    assert_eq!((count(LOT), count(ITEM), count(GTIN)), (1, 1, 0));
    node.recall_set(None, recall(GTIN)).unwrap();
    assert_eq!((count(LOT), count(ITEM), count(GTIN)), (2, 2, 1));
    node.recall_clear(GTIN).unwrap();
    node.recall_clear(LOT).unwrap();
    assert_eq!((count(LOT), count(ITEM), count(GTIN)), (0, 0, 0));
}

#[test]
fn another_members_release_stands_in_no_recalls_way_but_its_recall_is_its_own() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    node.publication_put(Some("Mill"), release(LOT)).unwrap();
    assert!(matches!(node.publication_put(None, release(LOT)), Err(NodeError::Refused(_))));
    node.recall_set(None, recall(LOT)).unwrap();
    assert_eq!(node.public_answer(&id(LOT)).unwrap().recalls.len(), 1);
    assert!(matches!(node.recall_set(Some("Mill"), recall(LOT)), Err(NodeError::Refused(_))));
}

#[test]
fn a_reworded_recall_is_in_force_since_its_first_notice() {
    let lab = Lab::new();
    let node = lab.begin();
    let first = node.recall_set(None, recall(LOT)).unwrap();
    lab.clock.pass(HOUR_MS);
    let notice = RecallNotice { title: "Glass in it".to_owned(), ..recall(LOT) };
    let second = node.recall_set(None, notice).unwrap();
    assert_eq!(second.since, first.since);
    assert_eq!(second.notice.title, "Glass in it");
}

#[test]
fn a_released_bundle_verifies_and_shows_only_the_released_fields() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[EVENT]);
    let fields = vec!["/bizStep".to_owned()];
    let proofs = vec![PublicProof { event_id: EVENT.to_owned(), fields }];
    node.publication_put(None, Release { proofs, ..release(LOT) }).unwrap();
    let bundle = node.published_bundle(LOT, 0).unwrap();
    let report = verify::verify("bundle", &bundle, Some(node.trust().unwrap().as_bytes())).unwrap();
    assert_eq!(report.verdict, Verdict::Holds);
    let shown = verify::shown(&report.records[0].verified);
    assert_eq!(shown.iter().map(|one| &*one.pointer).collect::<Vec<_>>(), ["/bizStep"]);
    assert!(matches!(node.published_bundle(LOT, 1), Err(NodeError::NotFound(_))));
    assert!(matches!(node.published_bundle(GTIN, 0), Err(NodeError::NotFound(_))));
}

#[test]
fn a_whole_event_or_another_member_s_is_not_released() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    capture_ids(&node, &[EVENT]);
    let put = |member, fields: &[&str]| {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let proofs = vec![PublicProof { event_id: EVENT.to_owned(), fields }];
        node.publication_put(Some(member), Release { proofs, ..release(LOT) })
    };
    assert!(matches!(put("Farm", &[]), Err(NodeError::Usage(_))));
    assert!(matches!(put("Farm", &[""]), Err(NodeError::Usage(_))));
    assert!(matches!(put("Mill", &["/bizStep"]), Err(NodeError::NotFound(_))));
    put("Farm", &["/bizStep"]).unwrap();
    assert!(matches!(put("Mill", &[]), Err(NodeError::Usage(_))));
    let over = node.publication_put(Some("Mill"), release(LOT));
    assert!(matches!(over, Err(NodeError::Refused(_))));
}

#[test]
fn erasing_an_event_withdraws_what_was_released_of_it() {
    let lab = Lab::new();
    let node = lab.begin();
    capture_ids(&node, &[EVENT, "urn:x:2"]);
    let put = |event: &str, identifier: &str| {
        let fields = vec!["/bizStep".to_owned()];
        let proofs = vec![PublicProof { event_id: event.to_owned(), fields }];
        node.publication_put(None, Release { proofs, ..release(identifier) }).unwrap();
    };
    put(EVENT, LOT);
    put("urn:x:2", GTIN);
    node.erase(&Scope::All, None, EVENT, None, ErasureReason::Error).unwrap();
    assert!(matches!(node.published_bundle(LOT, 0), Err(NodeError::NotFound(_))));
    assert!(node.published_bundle(GTIN, 0).is_ok());
}

#[test]
fn what_is_past_its_last_day_is_expired_from_the_next_day_on() {
    let lab = Lab::new();
    let node = lab.begin();
    let best_before = Some("2026-03-01".to_owned());
    node.publication_put(None, Release { best_before, ..release(LOT) }).unwrap();
    assert!(!node.public_answer(&id(LOT)).unwrap().is_expired);
    lab.clock.pass(16 * HOUR_MS);
    assert!(node.public_answer(&id(LOT)).unwrap().is_expired);
}

#[test]
fn releases_that_cannot_be_shown_are_refused_in_words() {
    let lab = Lab::new();
    let node = lab.begin();
    let day = |day: &str| Release { made: Some(day.to_owned()), ..release(LOT) };
    let cases = [
        (release("no identifier"), "no identifier"),
        (release("https://id.gs1.org/01/09521234543214"), "check digit"),
        (day("1 March"), "is no day"),
        (day("2026-02-30"), "is no day"),
        (Release { product: " ".to_owned(), ..release(LOT) }, "is empty"),
        (Release { product: "x".repeat(201), ..release(LOT) }, "201 characters"),
        (Release { product: "a\u{7}".to_owned(), ..release(LOT) }, "control"),
    ];
    for (release, words) in cases {
        let error = node.publication_put(None, release).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
