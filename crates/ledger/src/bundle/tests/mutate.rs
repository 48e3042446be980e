//! The mutator: alters, drops, duplicates, moves and swaps every item of every bundle, at every
//! depth, first as a stranger who can sign nothing, then as a member who signs the result anew.

use super::tree::{self, Step};
use super::world::{self, Ledger, PROCESSOR, WAREHOUSE, member_id, sign_anew};
use super::*;
use crate::cbor::Value;
use crate::record::Disclosed;
use countermark_epcis::json::Json;
use std::collections::BTreeMap;

/// Every way in which one item is altered.
fn variants(item: &Value) -> Vec<Value> {
    let mut out = match item {
        Value::Unsigned(n) => {
            vec![n.wrapping_add(1).into(), n.wrapping_sub(1).into(), 0u64.into(), u64::MAX.into()]
        }
        Value::Negative(n) => vec![Value::Negative(n + 1), 0u64.into()],
        Value::Bytes(bytes) => of_bytes(bytes).into_iter().map(Value::Bytes).collect(),
        Value::Text(text) => {
            let mut first = text.clone().into_bytes();
            first.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            let first = String::from_utf8(first).unwrap_or_default();
            vec![format!("{text} ").into(), first.into(), "".into()]
        }
        Value::Array(items) => of_list(items).into_iter().map(Value::Array).collect(),
        Value::Map(entries) => {
            let mut out: Vec<Value> = (0..entries.len())
                .map(|i| {
                    let mut entries = entries.clone();
                    entries.remove(i);
                    Value::Map(entries)
                })
                .collect();
            let mut added = entries.clone();
            added.push((99u64.into(), 0u64.into()));
            out.push(Value::Map(added));
            out
        }
        Value::Tag(tag, inner) => vec![Value::Tag(tag + 1, inner.clone()), (**inner).clone()],
        Value::Bool(flag) => vec![(!flag).into()],
        Value::Null => vec![[7; 32].into()],
    };
    out.extend([Value::Null, 7u64.into(), Value::Array(vec![item.clone()])]);
    out.retain(|variant| variant != item);
    out
}

fn of_bytes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = vec![Vec::new(), [bytes, &[0]].concat(), [bytes, &[7; 32]].concat()];
    let places = [0, bytes.len() / 2, bytes.len().saturating_sub(1)];
    for at in places.into_iter().filter(|at| *at < bytes.len()) {
        for bit in [1u8, 0x80] {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= bit;
            out.push(flipped);
        }
    }
    out.extend(bytes.split_last().map(|(_, rest)| rest.to_vec()));
    // A path of hashes: one fewer, one more, two in the other order.
    if bytes.len() >= 32 && bytes.len().is_multiple_of(32) {
        let hashes: Vec<&[u8]> = bytes.chunks(32).collect();
        out.extend([hashes[1..].concat(), hashes[..hashes.len() - 1].concat()]);
        out.push([&hashes[..], &hashes[..1]].concat().concat());
        out.push(hashes.iter().rev().copied().collect::<Vec<_>>().concat());
    }
    out
}

fn of_list(items: &[Value]) -> Vec<Vec<Value>> {
    let mut out = vec![Vec::new(), [items, &[Value::Null]].concat()];
    for i in 0..items.len() {
        out.push([&items[..i], &items[i + 1..]].concat());
        out.push([&items[..=i], &items[i..]].concat());
        if i > 0 {
            let mut swapped = items.to_vec();
            swapped.swap(i - 1, i);
            out.push(swapped);
        }
    }
    out
}

/// Every mutant of every bundle, with the path of what was changed; `others` lend their items. What
/// all the bundles have in common is altered in the first.
pub(super) fn mutants(
    bundles: &[Bundle],
    others: &[Bundle],
    mut each: impl FnMut(&[Step], Vec<u8>),
) {
    let common = |path: &[Step]| match path {
        [Step::At(4), Step::At(2), ..] => false,
        [Step::At(place), ..] => *place != 3,
        _ => true,
    };
    for (i, bundle) in bundles.iter().enumerate() {
        mutants_of(bundle, others, |path, mutant| {
            if i == 0 || !common(path) {
                each(path, mutant);
            }
        });
    }
}

fn mutants_of(bundle: &Bundle, others: &[Bundle], mut each: impl FnMut(&[Step], Vec<u8>)) {
    let (whole, file) = (tree::of(bundle), bundle.encode());
    let others: Vec<Value> = others.iter().map(tree::of).collect();
    for path in tree::paths(&whole) {
        let item = tree::get(&whole, &path).unwrap();
        // Another bundle as a whole is no altered one.
        let lent = others.iter().filter(|_| !path.is_empty());
        let lent = lent.filter_map(|other| tree::get(other, &path));
        for new in variants(&item).into_iter().chain(lent) {
            let mutant = tree::file(&tree::replace(&whole, &path, &new));
            if mutant != file {
                each(&path, mutant);
            }
        }
    }
}

/// The bundle's part that a path leads into.
fn part(path: &[Step]) -> &'static str {
    match path {
        [] => "bundle",
        [Step::At(0), ..] => "version",
        [Step::At(1), ..] => "checkpoint",
        [Step::At(2), ..] => "genesis",
        [Step::At(3)] => "records",
        [Step::At(3), _] => "record",
        [Step::At(3), _, Step::At(0), ..] => "block",
        [Step::At(3), _, Step::At(1..=3), ..] => "statement",
        [Step::At(3), _, Step::At(4..=6), ..] => "record header",
        [Step::At(3), _, Step::At(7), ..] => "openings",
        [Step::At(4), ..] => "head",
        [Step::At(5), ..] => "time of issue",
        _ => "signature",
    }
}

/// Checks that may name the fault where this part was changed.
fn named(part: &str) -> &'static [&'static str] {
    match part {
        "checkpoint" => &["checkpoint", "genesis statement"],
        "genesis" => &["genesis statement", "checkpoint signature", "place of the genesis"],
        "records" | "record" => &["keys", "bundle signature", "statement", "record", "disclosed"],
        "block" => &["place in the log"],
        "statement" => &["keys", "statement", "place in the log"],
        "record header" => &["record header", "disclosed values", "statement"],
        "openings" => &["disclosed values", "bundle signature"],
        "head" => &["newest block", "keys", "issuer", "statement", "bundle signature"],
        _ => &["bundle signature"],
    }
}

#[test]
fn nothing_that_a_stranger_alters_drops_doubles_or_swaps_holds() {
    let (ledger, foreign) = (Ledger::story(1), Ledger::story(2));
    let trust = ledger.everyone();
    let issuer = (PROCESSOR, 0);
    let ours = world::bundles(&ledger, issuer);
    let lent: Vec<Bundle> = [ours.clone(), world::bundles(&foreign, issuer)].concat();
    let (mut count, mut read) = (0, 0);
    mutants(&ours, &lent, |path, mutant| {
        count += 1;
        let Ok(decoded) = Bundle::decode(&mutant) else { return };
        read += 1;
        assert_eq!(decoded.encode(), mutant, "one encoding");
        let (said, part) = (fault(&decoded, Some(&trust)), part(path));
        let names = named(part);
        assert!(names.iter().any(|name| said.starts_with(name)), "{part} {path:?}: {said}");
        if u32::is_multiple_of(read, 8) {
            fault(&decoded, None);
        }
    });
    println!("{count} mutants, {read} of them a bundle in form");
    assert!(read > 8_000, "{read} of {count} mutants were read");
}

/// What holds is true of the ledger, and said by whoever signed.
fn assert_true(report: &Report, ledger: &Ledger, issuer: u8) {
    assert_eq!(report.issuer.as_ref().unwrap().member, member_id(issuer));
    assert_eq!(report.log.as_ref().unwrap().size, ledger.leaves.len() as u64);
    for shown in &report.records {
        let record = ledger.records.iter().find(|r| r.id == shown.record_id).unwrap();
        assert_eq!(shown.member, member_id(record.member));
        assert_eq!(shown.height, record.height as u64);
        assert_eq!(shown.block_time_ms, ledger.blocks[record.height].header.time_ms);
        if let Some(event) = &shown.verified.event {
            assert_eq!(event, &record.event);
        }
        for disclosure in &shown.verified.disclosures {
            let at = disclosure.pointer.as_str();
            match &disclosure.shown {
                Disclosed::Value(_) if at.starts_with("/_provenance") => {}
                Disclosed::Value(value) => assert_eq!(Some(value), record.event.pointer(at)),
                Disclosed::Absent => assert_eq!(record.event.pointer(at), None),
                Disclosed::Length(length) => match record.event.pointer(at) {
                    Some(Json::Array(items)) => assert_eq!(*length, items.len() as u64),
                    other => panic!("{at}: {other:?}"),
                },
                // Which members lie in a gap depends on the classes; the digest binds it.
                Disclosed::NoneBetween { .. } => {}
            }
        }
    }
}

/// A member that was shown a bundle and issues it anew, changed: what holds is less, never other.
#[test]
fn a_member_that_signs_anew_can_show_less_but_nothing_untrue() {
    let (ledger, foreign) = (Ledger::story(1), Ledger::story(2));
    let trust = ledger.everyone();
    let issuer = (WAREHOUSE, 0);
    let ours = world::bundles(&ledger, issuer);
    let lent: Vec<Bundle> = [ours.clone(), world::bundles(&foreign, issuer)].concat();
    let (mut read, mut held) = (0, BTreeMap::<&str, usize>::new());
    mutants(&ours, &lent, |path, mutant| {
        let part = part(path);
        let Some(mut decoded) = Bundle::decode(&mutant).ok().filter(|_| part != "signature") else {
            return;
        };
        sign_anew(&mut decoded, &ledger.key(issuer));
        read += 1;
        let report = verify(&decoded, Some(&trust));
        if report.verdict == Verdict::Holds {
            assert_true(&report, &ledger, issuer.0);
            *held.entry(part).or_default() += 1;
            return;
        }
        let said = fault(&decoded, Some(&trust));
        assert!(!said.starts_with("bundle signature"), "{part} {path:?}: {said}");
        assert!(named(part).iter().any(|n| said.starts_with(n)), "{part} {path:?}: {said}");
    });
    println!("{read} mutants signed anew; of these hold: {held:?}");
    assert!(read > 8_000, "{read} mutants were read");
    // The time is the issuer's own; records and fields may be left out or be those of another
    // bundle, whole. Nothing else.
    let parts: Vec<&str> = held.keys().copied().collect();
    let may = ["openings", "record", "records", "time of issue"];
    assert!(parts.iter().all(|part| may.contains(part)), "{held:?}");
    assert!(held.contains_key("time of issue") && held.contains_key("openings"));
}
