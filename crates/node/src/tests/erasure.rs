//! An index that lived through erasures and one that is made again afterwards answer alike.

use countermark_ledger::ids::hex;
use countermark_ledger::record::FieldClass;
use countermark_store::index::Query;
use countermark_store::index::trace::{Direction, Limits, Start};

use super::{Lab, capture, document};
use crate::node::Node;
use crate::stores::INDEX_FILE;

const LOT: &str = "https://id.gs1.org/01/09506000134352/10/L1";
const MADE: &str = "https://id.gs1.org/01/09506000134352/10/L2";
const ITEM: &str = "https://id.gs1.org/01/09506000134352/21/7";
const PALLET: &str = "https://id.gs1.org/00/095212340000000013";
const IDS: [&str; 5] = ["urn:x:sent", "urn:x:packed", "urn:x:emptied", "urn:x:made", "urn:x:more"];

fn body(id: &str, kind: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"{kind}","eventID":"{id}","eventTime":"2026-02-01T10:00:00.000Z",
        "eventTimeZoneOffset":"+00:00",{rest}}}"#
    )
}

/// Events of every kind of link, one of them declared wrong.
fn fill(node: &Node) {
    let lots = format!(r#"[{{"epcClass":"{LOT}","quantity":5,"uom":"KGM"}}]"#);
    let place = r#""readPoint":{"id":"https://id.gs1.org/414/9521321000018"}"#;
    let sent = format!(
        r#""action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["{ITEM}"],
        "quantityList":{lots},{place},
        "bizTransactionList":[{{"type":"po","bizTransaction":"urn:x:po:1"}}],
        "destinationList":[{{"type":"owning_party","destination":"https://id.gs1.org/417/9521321000032"}}]"#
    );
    let packed = format!(
        r#""action":"ADD","bizStep":"packing","parentID":"{PALLET}","childEPCs":["{ITEM}"],
        "childQuantityList":{lots},{place}"#
    );
    let emptied = format!(
        r#""action":"DELETE","bizStep":"unpacking","parentID":"{PALLET}","childQuantityList":{lots}"#
    );
    let made = format!(
        r#""transformationID":"urn:x:run","bizStep":"commissioning","inputQuantityList":{lots},
        "outputEPCList":["{ITEM}"]"#
    );
    let more = format!(
        r#""transformationID":"urn:x:run","inputEPCList":["{ITEM}"],
        "outputQuantityList":[{{"epcClass":"{MADE}","quantity":4,"uom":"KGM"}}]"#
    );
    let wrong = r#","errorDeclaration":{"declarationTime":"2026-02-02T10:00:00.000Z",
        "reason":"incorrect_data","correctiveEventIDs":["urn:x:sent"]}"#;
    let events = [
        body(IDS[0], "ObjectEvent", &sent),
        body(IDS[1], "AggregationEvent", &packed),
        body(IDS[2], "AggregationEvent", &emptied),
        body(IDS[3], "TransformationEvent", &made),
        body(IDS[4], "TransformationEvent", &more),
        body(IDS[1], "AggregationEvent", &format!("{packed}{wrong}")),
    ];
    let report = capture(node, "Farm", &document(&events));
    assert_eq!(report.accepted.len(), events.len(), "{:?}", report.rejected);
}

/// What the index answers to every kind of question, as text.
fn answers(node: &Node) -> Vec<String> {
    let members = node.seen_members(&crate::Scope::All);
    let sequencer = node.lock();
    let index = &sequencer.stores.index;
    let mut answers = Vec::new();
    let queries = [
        "",
        "orderBy=eventTime",
        "eventType=AggregationEvent",
        "EQ_action=ADD",
        "EQ_action=DELETE",
        "GE_eventTime=2026-02-01T00:00:00Z&LT_eventTime=2026-02-02T00:00:00Z",
        "EXISTS_errorDeclaration=",
        "EQ_bizStep=shipping",
        "EQ_transformationID=urn:x:run",
        "EQ_correctiveEventID=urn:x:sent",
        "EQ_readPoint=https://id.gs1.org/414/9521321000018",
        "EQ_bizTransaction_po=urn:x:po:1",
        &format!("MATCH_anyEPC={ITEM}"),
        &format!("MATCH_anyEPCClass={LOT}"),
        "EQ_quantity=5",
    ];
    for text in queries {
        let found =
            Query::parse(text).map(|query| index.read().unwrap().query(&members, &query).unwrap());
        answers.push(format!("{text}: {found:#?}"));
    }
    for id in IDS {
        answers.push(format!(
            "{id}: {:#?}",
            index.read().unwrap().events_by_id(&members, id).unwrap()
        ));
    }
    for start in [LOT, MADE, ITEM, PALLET] {
        for direction in [Direction::Down, Direction::Up] {
            let starts = [Start::goods(start.to_owned())];
            let found = index.read().unwrap().trace_member(
                &members[0],
                &starts,
                direction,
                &Limits::default(),
            );
            answers.push(format!("{start} {direction:?}: {:#?}", found.unwrap()));
        }
    }
    answers
}

/// Erases, and compares with what an index made again says.
fn compare(what: &str, erase: impl Fn(&Node) -> Vec<String>) {
    let lab = Lab::new();
    let node = lab.begin();
    fill(&node);
    let before = answers(&node);
    let erased = erase(&node);
    let lived = answers(&node);
    // A class that held nothing changes nothing.
    assert_eq!(before != lived, !erased.is_empty(), "{what}: {erased:?}");
    drop(node);
    lab.lose(&[INDEX_FILE]);
    let node = lab.open().unwrap();
    for (made, lived) in answers(&node).iter().zip(&lived) {
        assert_eq!(made, lived, "{what}");
    }
    drop(node);
    lab.check();
}

#[test]
fn an_index_made_again_answers_as_the_one_that_lived_through_the_erasure_of_any_class() {
    for class in FieldClass::ALL {
        for id in IDS {
            compare(&format!("{} of {id}", class.name()), |node| {
                node.erase(
                    &crate::Scope::All,
                    None,
                    id,
                    Some(class.name()),
                    crate::ErasureReason::Error,
                )
                .unwrap()
            });
        }
    }
}

#[test]
fn an_index_made_again_answers_as_the_one_that_lived_through_the_erasure_of_all() {
    compare("two classes of every event", |node| {
        for id in IDS {
            for class in ["quantity", "transport"] {
                node.erase(&crate::Scope::All, None, id, Some(class), crate::ErasureReason::Error)
                    .unwrap();
            }
        }
        vec!["quantity".to_owned(), "transport".to_owned()]
    });
    compare("every event", |node| {
        for id in IDS {
            node.erase(&crate::Scope::All, None, id, None, crate::ErasureReason::Error).unwrap();
        }
        vec!["all".to_owned()]
    });
}

#[test]
fn what_is_left_of_an_event_is_proven_and_erased_after_the_index_was_made_again() {
    let lab = Lab::new();
    let node = lab.begin();
    fill(&node);
    node.erase(&crate::Scope::All, None, IDS[0], Some("transport"), crate::ErasureReason::Error)
        .unwrap();
    drop(node);
    lab.lose(&[INDEX_FILE]);
    let mut node = lab.open().unwrap();
    assert_eq!(
        node.prove(&crate::Scope::All, IDS[0], &[]).unwrap().erased,
        [FieldClass::Transport]
    );
    assert!(
        node.prove(&crate::Scope::All, IDS[0], &["/epcList".to_owned()]).unwrap().erased.is_empty()
    );
    let record = {
        let sequencer = node.lock();
        hex(&node.rows_of_event(&sequencer, &crate::Scope::All, IDS[0]).unwrap()[0].record_id)
    };
    node.erase(&crate::Scope::All, None, IDS[0], Some("identity"), crate::ErasureReason::Error)
        .unwrap();
    for made_again in [false, true] {
        assert!(node.prove(&crate::Scope::All, IDS[0], &[]).is_err(), "the id is erased");
        assert_eq!(
            node.prove(&crate::Scope::All, &record, &[]).unwrap().erased,
            [FieldClass::Identity, FieldClass::Transport]
        );
        node.receipt(&crate::Scope::All, &record).unwrap();
        if !made_again {
            drop(node);
            lab.lose(&[INDEX_FILE]);
            node = lab.open().unwrap();
        }
    }
    assert_eq!(
        node.erase(
            &crate::Scope::All,
            None,
            &record,
            Some("quantity"),
            crate::ErasureReason::Error
        )
        .unwrap(),
        ["quantity"]
    );
    node.erase(&crate::Scope::All, None, &record, None, crate::ErasureReason::Error).unwrap();
    let refused = node.prove(&crate::Scope::All, &record, &[]).err().unwrap().to_string();
    assert!(refused.contains("nothing is left"), "{refused}");
}

#[test]
fn a_record_id_names_the_event_and_its_declaration() {
    let lab = Lab::new();
    let node = lab.begin();
    fill(&node);
    let sequencer = node.lock();
    let rows = node.rows_of_event(&sequencer, &crate::Scope::All, IDS[1]).unwrap();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(
            node.rows_of_event(&sequencer, &crate::Scope::All, &hex(&row.record_id)).unwrap(),
            rows
        );
    }
    assert!(node.rows_of_event(&sequencer, &crate::Scope::All, &"ab".repeat(16)).is_err());
}
