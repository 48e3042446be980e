//! The fresh-produce story, end to end: every file of every organisation through its mapping, and
//! the events together tell where each lot went, with quantities.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use countermark_epcis::json::Json;
use countermark_epcis::{Event, Facts, Role};
use countermark_intake::{LineKey, MasterTable, Outcome};
use serde::Deserialize;
use support::{mapping, root};

#[derive(Deserialize)]
struct Story {
    master_data: String,
    lot: String,
    member: Vec<Member>,
    step: Vec<Step>,
    document: Vec<Document>,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    gln: String,
}

#[derive(Deserialize)]
struct Step {
    member: String,
    file: String,
    mapping: String,
    says: String,
}

#[derive(Deserialize)]
struct Document {
    member: String,
    file: String,
    about: String,
}

fn story() -> (Story, Vec<(usize, Outcome)>) {
    let folder = root().join("examples/fresh-produce");
    let story: Story =
        toml::from_str(&fs::read_to_string(folder.join("story.toml")).unwrap()).unwrap();
    let master = fs::read_to_string(folder.join(&story.master_data)).unwrap();
    let master = MasterTable::from_toml(&master).unwrap();
    let outcomes = story
        .step
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let bytes = fs::read(folder.join(&step.file)).unwrap();
            let outcome = mapping(&step.mapping).import(&bytes, &master);
            let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", step.file));
            assert!(
                outcome.is_taken() && !outcome.events.is_empty(),
                "{}: {:?} {:?}",
                step.file,
                outcome.findings,
                outcome.quarantined
            );
            assert!(!step.says.is_empty());
            (at, outcome)
        })
        .collect();
    (story, outcomes)
}

fn facts(outcomes: &[(usize, Outcome)]) -> Vec<(usize, Facts)> {
    let read = |event: &Json| {
        let event = Event::from_json(event.clone());
        event.unwrap_or_else(|findings| panic!("{findings:?}")).facts()
    };
    outcomes
        .iter()
        .flat_map(|(at, outcome)| outcome.events.iter().map(move |event| (*at, read(event))))
        .collect()
}

/// Shipped or received amounts of an event, by lot class.
fn amounts(facts: &Facts, role: Role) -> BTreeMap<String, String> {
    facts
        .identifiers
        .iter()
        .filter(|id| id.role == role && id.quantity.is_some())
        .map(|id| (id.canonical.clone(), id.quantity.clone().unwrap_or_default()))
        .collect()
}

fn is_step(facts: &Facts, word: &str) -> bool {
    facts.biz_step.as_deref().is_some_and(|step| step.ends_with(&format!("-{word}")))
}

fn party(list: &[(String, String)]) -> String {
    let found = list.iter().find(|(kind, _)| kind.ends_with("possessing_party"));
    found.map(|(_, uri)| uri.clone()).unwrap_or_default()
}

const ROMAINE: &str = "https://id.gs1.org/01/19506000134359/10/L26318A";
const SALAD: &str = "https://id.gs1.org/01/19506000134373/10/S26320";
const FIELD: &str = "https://id.gs1.org/01/19506000134380/10/F26317R";

#[test]
fn all_five_organisations_have_their_say_in_their_own_formats() {
    let (story, outcomes) = story();
    let speakers: BTreeSet<&str> = story.step.iter().map(|step| step.member.as_str()).collect();
    let members: BTreeSet<&str> = story.member.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(speakers, members);
    assert_eq!(members.len(), 5);
    assert_eq!(story.lot, ROMAINE);
    let formats: BTreeSet<&str> = story.step.iter().map(|step| step.mapping.as_str()).collect();
    for needed in ["csv-harvest", "x12-856", "x12-944", "x12-945", "sap-delvry", "sap-mbgmcr"] {
        assert!(formats.contains(needed), "{needed}");
    }
    assert_eq!(outcomes.iter().map(|(_, o)| o.events.len()).sum::<usize>(), 27);
}

#[test]
fn every_lot_that_is_shipped_is_received_by_the_one_it_was_sent_to() {
    let (_, outcomes) = story();
    let facts = facts(&outcomes);
    let of = |word| facts.iter().map(|(_, f)| f).filter(move |f| is_step(f, word));
    let shipments: Vec<&Facts> = of("shipping").collect();
    assert_eq!(shipments.len(), 4);
    for shipped in shipments {
        let receipts: Vec<&Facts> = of("receiving")
            .filter(|receipt| party(&receipt.sources) == party(&shipped.sources))
            .filter(|receipt| party(&receipt.destinations) == party(&shipped.destinations))
            .collect();
        assert_eq!(receipts.len(), 1, "{:?}", shipped.destinations);
        let receipt = receipts[0];
        assert!(receipt.event_time_ms > shipped.event_time_ms);
        let (sent, got) = (amounts(shipped, Role::Epc), amounts(receipt, Role::Epc));
        assert_eq!(sent.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
        // The only difference is the two cases of salad that were damaged on the first leg.
        for (lot, quantity) in &sent {
            if (lot.as_str(), quantity.as_str()) == (SALAD, "200") {
                assert_eq!(got[lot], "198");
            } else {
                assert_eq!(got[lot], *quantity, "{lot}");
            }
        }
    }
}

#[test]
fn nobody_ships_more_of_a_lot_than_was_made_or_received_less_what_was_used() {
    let (_, outcomes) = story();
    let mut stock: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut moves: Vec<(i64, usize, Facts)> =
        facts(&outcomes).into_iter().map(|(at, f)| (f.event_time_ms, at, f)).collect();
    moves.sort_by_key(|(time, at, _)| (*time, *at));
    for (_, _, facts) in moves {
        let here = facts.read_point.clone().unwrap_or_default();
        let mut add = |role, sign: f64| {
            for (lot, quantity) in amounts(&facts, role) {
                let left = stock.entry((here.clone(), lot.clone())).or_default();
                *left += sign * quantity.parse::<f64>().unwrap();
                assert!(*left >= 0.0, "{lot} at {here}: {left}");
            }
        };
        if is_step(&facts, "commissioning") || is_step(&facts, "receiving") {
            add(Role::Epc, 1.0);
        } else if is_step(&facts, "shipping") {
            add(Role::Epc, -1.0);
        } else if is_step(&facts, "creating_class_instance") {
            add(Role::Input, -1.0);
            add(Role::Output, 1.0);
        }
    }
    let store = "https://id.gs1.org/414/9506000100043".to_owned();
    assert_eq!(stock[&(store, ROMAINE.to_owned())], 24.0);
}

#[test]
fn the_lot_leads_back_to_the_field_and_on_to_the_salad() {
    let (_, outcomes) = story();
    let facts = facts(&outcomes);
    let made_of = |output: &str| -> BTreeSet<String> {
        facts
            .iter()
            .filter(|(_, f)| amounts(f, Role::Output).contains_key(output))
            .flat_map(|(_, f)| amounts(f, Role::Input).into_keys())
            .collect()
    };
    assert_eq!(made_of(ROMAINE), BTreeSet::from([FIELD.to_owned()]));
    assert!(made_of(SALAD).contains(ROMAINE));
    assert_eq!(made_of(SALAD).len(), 2);
}

#[test]
fn pallets_hold_what_their_shipment_says() {
    let (_, outcomes) = story();
    let facts = facts(&outcomes);
    for (step, shipped) in facts.iter().filter(|(_, f)| is_step(f, "shipping")) {
        let pallets: BTreeSet<String> = shipped
            .identifiers
            .iter()
            .filter(|id| id.role == Role::Epc && id.quantity.is_none())
            .map(|id| id.canonical.clone())
            .collect();
        if pallets.is_empty() {
            continue;
        }
        let mut packed: BTreeMap<String, f64> = BTreeMap::new();
        for (_, f) in facts.iter().filter(|(at, f)| at == step && is_step(f, "packing")) {
            let parent = f.identifiers.iter().find(|id| id.role == Role::Parent).unwrap();
            assert!(pallets.contains(&parent.canonical), "{}", parent.canonical);
            for (lot, quantity) in amounts(f, Role::Child) {
                *packed.entry(lot).or_default() += quantity.parse::<f64>().unwrap();
            }
        }
        for (lot, quantity) in amounts(shipped, Role::Epc) {
            assert_eq!(packed.get(&lot), Some(&quantity.parse::<f64>().unwrap()), "{lot}");
        }
    }
}

#[test]
fn the_same_document_twice_gives_the_same_line_keys_and_no_two_lines_share_one() {
    let (_, first) = story();
    let (_, second) = story();
    let mut all: BTreeSet<(String, String, String)> = BTreeSet::new();
    for ((_, a), (_, b)) in first.iter().zip(&second) {
        assert_eq!(a.lines, b.lines);
        assert_eq!(a.events, b.events);
        assert_eq!(a.document, b.document);
        assert_eq!(a.lines.len(), a.events.len());
        for LineKey { system, document, line } in &a.lines {
            assert!(!document.is_empty() && !line.is_empty());
            let key = (system.clone(), document.clone(), line.clone());
            assert!(all.insert(key), "{system} / {document} / {line}");
        }
    }
}

#[test]
fn every_time_lies_before_the_twentieth_of_november_2026() {
    let (_, outcomes) = story();
    for (_, facts) in facts(&outcomes) {
        assert!(facts.event_time_ms < 1_795_132_800_000, "{}", facts.event_time_ms);
    }
}

#[test]
fn the_certificate_is_a_pdf_whose_cross_references_point_at_its_objects() {
    let (story, _) = story();
    let folder = root().join("examples/fresh-produce");
    let document = &story.document[0];
    assert!(story.member.iter().any(|m| m.name == document.member && m.gln.len() == 13));
    assert!(folder.join(&document.about).is_file());
    let text = fs::read_to_string(folder.join(&document.file)).unwrap();
    assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
    let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
    let table = &text[start..];
    assert!(table.starts_with("xref\n"));
    let offsets = table.lines().filter(|line| line.ends_with(" n "));
    for (at, line) in offsets.enumerate() {
        let offset: usize = line[..10].parse().unwrap();
        assert!(text[offset..].starts_with(&format!("{} 0 obj", at + 1)), "object {}", at + 1);
    }
}
