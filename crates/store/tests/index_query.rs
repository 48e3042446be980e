//! Queries against a naive filter in memory, and every refusal of a parameter.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use countermark_epcis::facts::{Action, EventType, Facts, Role};
use countermark_store::index::{
    EventRow, Index, IndexError, MemberId, Query, QueryError, RecordId, RecordRow,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

const ONE: MemberId = [1; 16];
const OTHER: MemberId = [2; 16];

fn ask(index: &Index, members: &[MemberId], text: &str) -> Vec<RecordId> {
    let page = index.query(members, &Query::parse(text).unwrap()).unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|row| row.record_id).collect()
}

#[derive(Debug, Clone)]
struct Sample {
    event_type: EventType,
    at: i64,
    action: Option<Action>,
    step: Option<usize>,
    site: Option<u32>,
    named: Vec<(Role, usize, Option<u32>)>,
    order: Option<u32>,
    to: Option<u32>,
    declared: bool,
    member: bool,
}

const STEPS: [&str; 3] = ["shipping", "receiving", "packing"];
const ROLES: [Role; 5] = [Role::Epc, Role::Parent, Role::Child, Role::Input, Role::Output];

/// Identifiers: lots, items and logistic units that share beginnings.
fn pool(number: usize) -> String {
    match number % 4 {
        0 => lot(1, &format!("L{}", number / 4)),
        1 => lot(2, &format!("L{}", number / 4)),
        2 => format!("{}/21/S{}", key("01", "0952123000001"), number / 4),
        _ => sscc(number as u32),
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let event_type = prop::sample::select(vec![
        EventType::Object,
        EventType::Aggregation,
        EventType::Transaction,
        EventType::Transformation,
        EventType::Association,
    ]);
    let action =
        prop::option::of(prop::sample::select(vec![Action::Add, Action::Observe, Action::Delete]));
    let named = prop::collection::vec(
        (prop::sample::select(ROLES.to_vec()), 0_usize..16, prop::option::of(0_u32..50)),
        0..5,
    );
    let option = |end: u32| prop::option::of(0..end);
    (
        (event_type, 0_i64..20, action, prop::option::of(0_usize..3), option(3)),
        (named, option(3), option(3), any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |((event_type, at, action, step, site), (named, order, to, declared, member))| Sample {
                event_type,
                at,
                action,
                step,
                site,
                named,
                order,
                to,
                declared,
                member,
            },
        )
}

fn build(sample: &Sample) -> Ev {
    let mut built = event(sample.event_type, day(sample.at));
    built.0.action = sample.action;
    for (role, number, amount) in &sample.named {
        let id = pool(*number);
        built = match amount {
            Some(amount) => {
                let unit = if amount % 2 == 0 { "KGM" } else { "" };
                built.some(*role, &id, &format!("{}.50", amount), unit)
            }
            None => built.with(*role, &id),
        };
    }
    if let Some(step) = sample.step {
        built = built.step(STEPS[step]);
    }
    if let Some(number) = sample.site {
        built = built.site(&site(number));
    }
    if let Some(order) = sample.order {
        built = built.transaction("po", &format!("urn:example:po:{order}"));
    }
    if let Some(to) = sample.to {
        built =
            built.destination("owning_party", &party(to)).source("owning_party", &party(to + 1));
    }
    if sample.declared {
        built = built.declared_wrong(day(sample.at + 1));
    }
    built
}

/// A condition as a query parameter and as a test on the facts.
type Condition = (String, Box<dyn Fn(&Facts) -> bool>);

fn names(
    facts: &Facts,
    roles: &[Role],
    is_class: Option<bool>,
    fits: impl Fn(&str) -> bool,
) -> bool {
    facts.identifiers.iter().any(|fact| {
        roles.contains(&fact.role)
            && is_class.is_none_or(|is_class| fact.is_class == is_class)
            && fits(&fact.canonical)
    })
}

fn condition(kind: u8, value: u32) -> Condition {
    let id = countermark_epcis::gs1::canonical(&pool(value as usize % 16)).into_owned();
    let step = STEPS[value as usize % 3];
    let at = day(i64::from(value % 20));
    match kind {
        0 => (
            format!("MATCH_epc={id}"),
            Box::new(move |facts| {
                names(facts, &[Role::Epc, Role::Child], Some(false), |own| own == id)
            }),
        ),
        1 => (
            format!("MATCH_anyEPCClass={id},urn:example:none"),
            Box::new(move |facts| names(facts, &ROLES, Some(true), |own| own == id)),
        ),
        2 => {
            let begin = format!("{}/", key("01", "0952123000001"));
            (
                format!("MATCH_anyEPC={begin}*"),
                Box::new(move |facts| {
                    names(facts, &ROLES, Some(false), |own| own.starts_with(&begin))
                }),
            )
        }
        3 => (
            format!("MATCH_inputEPCClass={id}"),
            Box::new(move |facts| names(facts, &[Role::Input], Some(true), |own| own == id)),
        ),
        4 => (
            format!("EQ_bizStep={step},urn:epcglobal:cbv:bizstep:packing"),
            Box::new(move |facts| {
                let own = facts.biz_step.as_deref().unwrap_or("");
                own.ends_with(&format!("-{step}")) || own.ends_with("-packing")
            }),
        ),
        5 => (
            format!("EQ_bizLocation={}", site(value % 3)),
            Box::new(move |facts| facts.biz_location == Some(site(value % 3))),
        ),
        6 => {
            (format!("GE_eventTime={}", iso(at)), Box::new(move |facts| facts.event_time_ms >= at))
        }
        7 => (format!("LT_eventTime={}", iso(at)), Box::new(move |facts| facts.event_time_ms < at)),
        8 => {
            let amount = f64::from(value % 50);
            (
                format!("GT_quantity={amount}"),
                Box::new(move |facts| {
                    facts.identifiers.iter().any(|fact| {
                        fact.quantity
                            .as_deref()
                            .is_some_and(|own| own.parse::<f64>().unwrap() > amount)
                    })
                }),
            )
        }
        9 => (
            format!("EQ_quantity_KGM={}.5", value % 50),
            Box::new(move |facts| {
                facts.identifiers.iter().any(|fact| {
                    fact.unit.as_deref() == Some("KGM")
                        && fact.quantity == Some(format!("{}.50", value % 50))
                })
            }),
        ),
        10 => (
            format!("EQ_bizTransaction_po=urn:example:po:{}", value % 3),
            Box::new(move |facts| {
                facts
                    .biz_transactions
                    .iter()
                    .any(|(_, id)| *id == format!("urn:example:po:{}", value % 3))
            }),
        ),
        11 => (
            format!("EQ_destination_owning_party={}", party(value % 3)),
            Box::new(move |facts| facts.destinations.iter().any(|(_, id)| *id == party(value % 3))),
        ),
        12 => (
            "EXISTS_errorDeclaration=false".into(),
            Box::new(|facts| facts.error_declaration.is_none()),
        ),
        13 => (
            "eventType=ObjectEvent,TransformationEvent".into(),
            Box::new(|facts| {
                matches!(facts.event_type, EventType::Object | EventType::Transformation)
            }),
        ),
        14 => (
            "EQ_action=ADD,DELETE".into(),
            Box::new(|facts| matches!(facts.action, Some(Action::Add | Action::Delete))),
        ),
        _ => (
            format!("GE_errorDeclarationTime={}", iso(at)),
            Box::new(move |facts| {
                facts
                    .error_declaration
                    .as_ref()
                    .is_some_and(|error| error.declaration_time_ms >= at)
            }),
        ),
    }
}

/// Whole days of the story as text.
fn iso(at: i64) -> String {
    // day(0) is 2026-09-21T14:13:20Z; days of the story stay within two months.
    let days = (at - day(0)) / 86_400_000 + 21;
    let (month, day) = if days > 30 { (10, days - 30) } else { (9, days) };
    format!("2026-{month:02}-{day:02}T14:13:20.000Z")
}

fn key_of(row: &RecordRow, order: u8) -> (i64, u64, u16) {
    let facts = row.facts.as_ref().unwrap();
    let first = match order {
        0 => 0,
        1 => facts.event_time_ms,
        _ => row.record_time_ms,
    };
    (first, row.position.leaf_index, row.position.batch_index)
}

proptest! {
    #![proptest_config(Config::with_cases(96))]

    #[test]
    fn a_query_finds_what_a_naive_filter_finds(
        samples in prop::collection::vec(sample(), 1..40),
        kinds in prop::collection::btree_map(0_u8..16, 0_u32..1000, 0..3),
        order in 0_u8..3,
        descending in any::<bool>(),
        per_page in 1_u64..8,
        both in any::<bool>(),
    ) {
        let mut ledger = Ledger::new();
        let mut rows: Vec<RecordRow> = Vec::new();
        for sample in &samples {
            let member = if sample.member { ONE } else { OTHER };
            rows.extend(ledger.capture(member, vec![build(sample)]));
        }
        let members = if both { vec![ONE, OTHER] } else { vec![ONE] };
        let conditions: Vec<Condition> =
            kinds.iter().map(|(kind, value)| condition(*kind, *value)).collect();
        let mut text: Vec<String> = conditions.iter().map(|(text, _)| text.clone()).collect();
        text.extend(match order {
            0 => None,
            1 => Some("orderBy=eventTime".to_owned()),
            _ => Some("orderBy=recordTime".to_owned()),
        });
        text.push(format!("orderDirection={}", if descending { "DESC" } else { "ASC" }));
        text.push(format!("perPage={per_page}"));
        let mut expected: Vec<&RecordRow> = rows
            .iter()
            .filter(|row| members.contains(&row.member))
            .filter(|row| conditions.iter().all(|(_, test)| test(row.facts.as_ref().unwrap())))
            .collect();
        expected.sort_by_key(|row| key_of(row, order));
        if descending {
            expected.reverse();
        }
        let mut found: Vec<EventRow> = Vec::new();
        let mut query = text.join("&");
        loop {
            let page = ledger.index.query(&members, &Query::parse(&query).unwrap()).unwrap();
            prop_assert!(page.rows.len() as u64 <= per_page);
            found.extend(page.rows);
            let Some(next) = page.next else { break };
            query = format!("{}&nextPageToken={next}", text.join("&"));
        }
        let ids = |id: &RecordId| *id;
        prop_assert_eq!(
            found.iter().map(|row| ids(&row.record_id)).collect::<Vec<_>>(),
            expected.iter().map(|row| ids(&row.record_id)).collect::<Vec<_>>(),
            "{}", text.join("&")
        );
        for (row, expected) in found.iter().zip(expected) {
            let facts = expected.facts.as_ref().unwrap();
            prop_assert_eq!(row.position, expected.position);
            prop_assert_eq!(row.member, expected.member);
            prop_assert_eq!(&row.event_id, &facts.event_id);
            prop_assert_eq!(row.event_time_ms, facts.event_time_ms);
            prop_assert_eq!(row.vault, expected.vault);
            prop_assert_eq!(row.is_error_declaration, facts.error_declaration.is_some());
        }
    }

    #[test]
    fn no_text_makes_the_parser_fail_otherwise_than_by_an_error(text in "\\PC{0,60}") {
        let _ = Query::parse(&text);
        let _ = Query::parse(&format!("MATCH_epc={text}"));
        let _ = Query::parse(&format!("GE_eventTime={text}&nextPageToken={text}"));
    }
}

#[test]
fn either_form_of_an_identifier_finds_the_event() {
    let mut ledger = Ledger::new();
    let item = "urn:epc:id:sgtin:9521234.000001.S1";
    let shipped = object("shipping", day(1)).with(Role::Epc, item);
    let record = ledger.capture(ONE, vec![shipped]).remove(0).record_id;
    let link = countermark_epcis::gs1::canonical(item).into_owned();
    assert!(link.starts_with("https://id.gs1.org/01/"));
    for text in [
        format!("MATCH_epc={item}"),
        format!("?MATCH_epc={link}&EQ_bizStep=shipping"),
        format!("MATCH_epc={}", link.replace("id.gs1.org", "example.com")),
        format!("MATCH_epc={}", link.replace(':', "%3A").replace('/', "%2F")),
        "MATCH_epc=urn:epc:idpat:sgtin:9521234.000001.*".to_owned(),
        "MATCH_epc=urn:epc:idpat:sgtin:9521234.*.*".to_owned(),
        format!("MATCH_anyEPC=urn:example:a,b,{link}"),
        "EQ_bizStep=https%3A%2F%2Fref.gs1.org%2Fcbv%2FBizStep-shipping".to_owned(),
    ] {
        assert_eq!(ask(&ledger.index, &[ONE], &text), [record], "{text}");
    }
    for text in [format!("MATCH_epcClass={link}"), format!("MATCH_parentID={link}")] {
        assert_eq!(ask(&ledger.index, &[ONE], &text), Vec::<RecordId>::new(), "{text}");
    }
    assert_eq!(ask(&ledger.index, &[OTHER], &format!("MATCH_epc={link}")), Vec::<RecordId>::new());
}

#[test]
fn an_event_and_its_error_declaration_have_one_id() {
    let mut ledger = Ledger::new();
    let id =
        "ni:///sha-256;00000000000000000000000000000000000000000000000000000000000000ff?ver=CBV2.0";
    let wrong = object("shipping", day(1)).id(id).with(Role::Epc, &sscc(1));
    ledger.capture(ONE, vec![wrong.clone(), wrong.declared_wrong(day(2))]);
    let found = ledger.index.events_by_id(&[ONE], id).unwrap();
    let flags: Vec<_> =
        found.iter().map(|row| (row.is_withdrawn, row.is_error_declaration)).collect();
    assert_eq!(flags, [(true, false), (false, true)]);
    assert_eq!(found[0].event_id.as_deref(), Some(id));
    assert_eq!(
        ask(&ledger.index, &[ONE], &format!("EQ_eventID={id}&EXISTS_errorDeclaration=")).len(),
        1
    );
}

#[test]
fn limits_on_the_number_of_events_hold_across_pages() {
    let mut ledger = Ledger::new();
    ledger.capture(ONE, (0..10).map(|at| object("shipping", day(at))).collect());
    assert_eq!(ask(&ledger.index, &[ONE], "eventCountLimit=4").len(), 4);
    assert_eq!(ask(&ledger.index, &[ONE], "maxEventCount=10").len(), 10);
    let too_many = ledger.index.query(&[ONE], &Query::parse("maxEventCount=9").unwrap());
    assert!(matches!(too_many, Err(IndexError::Query(QueryError::TooLarge { limit: 9 }))));
    let first =
        ledger.index.query(&[ONE], &Query::parse("eventCountLimit=4&perPage=3").unwrap()).unwrap();
    let token = first.next.unwrap();
    let rest = format!("eventCountLimit=4&perPage=3&nextPageToken={token}");
    assert_eq!(ask(&ledger.index, &[ONE], &rest).len(), 1);
    let other = Query::parse(&format!("eventCountLimit=5&nextPageToken={token}")).unwrap();
    assert!(matches!(
        ledger.index.query(&[ONE], &other),
        Err(IndexError::Query(QueryError::Malformed { .. }))
    ));
}

#[test]
fn a_parameter_that_is_not_understood_is_refused_by_name() {
    let message = |text: &str| Query::parse(text).unwrap_err().to_string();
    assert_eq!(
        message("MATCH_anyEpcClass=x:y"),
        "unknown query parameter `MATCH_anyEpcClass`; did you mean `MATCH_anyEPCClass`?"
    );
    assert_eq!(message("colour=red"), "unknown query parameter `colour`");
    assert!(message("WD_bizLocation=x:y").contains("EQ_bizLocation"));
    assert!(message("EQ_ILMD_example:lot=1").contains("not supported"));
    assert!(message("GE_eventTime=2026-01-01").contains("a time with zone"));
    assert!(message("EQ_action=MOVE").contains("`MOVE` is not ADD, OBSERVE or DELETE"));
    assert!(message("perPage=0").contains("above 0"));
    assert!(message("EQ_bizStep=").contains("separated by commas"));
    assert!(message("EQ_bizStep=%ff").contains("UTF-8"));
    assert!(message("EQ_bizStep=%4").contains("percent-encoded"));
    assert!(message("EQ_quantity=1,5").contains("decimal"));
    assert!(message("orderBy=colour").contains("eventTime or recordTime"));
    assert!(message("EQ_action=ADD&EQ_action=ADD").contains("twice"));
    assert!(message("eventCountLimit=1&maxEventCount=1").contains("exclude each other"));
    let long = format!("EQ_bizStep={}", ["a"; 300].join(","));
    assert!(message(&long).contains("300 values in one list, at most 200"));
    assert!(message(&format!("EQ_bizStep={}", "a".repeat(70_000))).contains("bytes"));
}

#[test]
fn record_time_and_corrections_are_asked_for() {
    let mut ledger = Ledger::new();
    let mut declared = object("shipping", day(1)).declared_wrong(day(2));
    let corrective = "urn:uuid:00000000-0000-4000-8000-0000000000aa";
    if let Some(error) = declared.0.error_declaration.as_mut() {
        error.corrective_event_ids.push(corrective.to_owned());
    }
    let rows = ledger.capture(ONE, vec![declared, object("receiving", day(1))]);
    let first = vec![rows[0].record_id];
    assert_eq!(ask(&ledger.index, &[ONE], &format!("EQ_correctiveEventID={corrective}")), first);
    assert_eq!(ask(&ledger.index, &[ONE], "EQ_errorReason=incorrect_data"), first);
    assert_eq!(ask(&ledger.index, &[ONE], "LT_recordTime=2026-09-21T14:13:22Z"), first);
}
