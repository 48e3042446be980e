//! Our tables of GS1 facts against the lists that they were made from.

#![allow(clippy::unwrap_used, clippy::panic)]

mod gs1_support;

use std::collections::BTreeSet;

use countermark_epcis::gs1::{ApplicationIdentifier, prefix_length};
use gs1_support::corpus;

const PREFIXES: &str = "erp/tables/gcp-prefix-length.biip-2026-10.csv";
const DICTIONARY: &str = "erp/tables/gs1-syntax-dictionary.txt";
/// The encoded table that the crate embeds.
const ENCODED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/gs1/prefixes.bin");

fn prefixes(text: &str) -> Vec<(&str, u8)> {
    text.lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(prefix, length)| (prefix, length.trim().parse().unwrap()))
        .collect()
}

/// Encodes the list as `src/gs1/prefix.rs` describes.
fn encode(prefixes: &[(&str, u8)]) -> Vec<u8> {
    let mut spans: Vec<(u64, u64, u8)> = prefixes
        .iter()
        .map(|(prefix, length)| {
            let width = 10u64.pow(12 - prefix.len() as u32);
            let start = prefix.parse::<u64>().unwrap() * width;
            (start, start + width, *length)
        })
        .collect();
    spans.sort_unstable();
    let mut runs: Vec<(u64, u8)> = Vec::new();
    let mut add = |start, length| {
        if runs.last().is_none_or(|(_, last)| *last != length) {
            runs.push((start, length));
        }
    };
    let mut next = 0;
    for (start, end, length) in spans {
        assert!(start >= next, "prefixes overlap at {start}");
        if start > next {
            add(next, 0);
        }
        add(start, length);
        next = end;
    }
    if next < 10u64.pow(12) {
        add(next, 0);
    }
    let mut out = Vec::new();
    let mut last = 0;
    for (start, length) in runs {
        let (mut distance, mut zeros) = (start - last, 0);
        last = start;
        while distance > 0 && distance % 10 == 0 {
            distance /= 10;
            zeros += 1;
        }
        let code = if length == 0 { 0 } else { u64::from(length) - 5 };
        let mut word = (distance * 13 + zeros) << 3 | code;
        while word >= 0x80 {
            out.push(word as u8 | 0x80);
            word >>= 7;
        }
        out.push(word as u8);
    }
    out
}

#[test]
fn the_prefix_table_is_what_the_list_encodes_to() {
    let Some(text) = corpus(PREFIXES) else { return };
    let encoded = encode(&prefixes(&text));
    // How the table is renewed from a newer list.
    if std::env::var_os("COUNTERMARK_WRITE_PREFIXES").is_some() {
        std::fs::write(ENCODED, &encoded).unwrap();
    }
    assert!(std::fs::read(ENCODED).unwrap() == encoded, "{ENCODED} is not of this list");
}

#[test]
fn every_prefix_of_the_list_is_found_with_its_length() {
    let Some(text) = corpus(PREFIXES) else { return };
    let prefixes = prefixes(&text);
    assert_eq!(prefixes.len(), 170_843);
    for (prefix, length) in prefixes {
        let expected = (length > 0).then_some(length);
        let missing = 12 - prefix.len();
        for fill in ["0", "9"] {
            let key = format!("{prefix}{}", fill.repeat(missing));
            assert_eq!(prefix_length(&key), expected, "{key}");
        }
    }
}

/// What a line of the dictionary says of its application identifiers.
struct Line {
    ais: Vec<String>,
    fixed: bool,
    attribute: bool,
    length: (usize, usize),
    qualifiers: Option<Vec<Vec<String>>>,
}

fn dictionary_line(line: &str) -> Line {
    let line = line.split(" # ").next().unwrap();
    let mut words = line.split_whitespace().peekable();
    let ai = words.next().unwrap();
    let flags = words.next_if(|word| word.chars().all(|c| "*?".contains(c))).unwrap_or("");
    let (mut length, mut qualifiers) = ((0, 0), None);
    for word in words {
        if let Some(sequences) = word.strip_prefix("dlpkey") {
            let sequences = sequences.trim_start_matches('=').split('|').filter(|s| !s.is_empty());
            qualifiers =
                Some(sequences.map(|s| s.split(',').map(str::to_owned).collect()).collect());
        } else if !word.contains('=') {
            let digits: String = word.chars().filter(|c| "0123456789,".contains(*c)).collect();
            let max: usize = digits.split(',').next().unwrap().parse().unwrap();
            let min = if word.contains("..") { 1 } else { max };
            length.0 += if word.starts_with('[') { 0 } else { min };
            length.1 += max;
        }
    }
    let (first, last) = ai.split_once('-').unwrap_or((ai, ai));
    let (from, to): (u16, u16) = (first.parse().unwrap(), last.parse().unwrap());
    let ais = (from..=to).map(|ai| format!("{ai:0>width$}", width = first.len())).collect();
    let (fixed, attribute) = (flags.contains('*'), flags.contains('?'));
    Line { ais, fixed, attribute, length, qualifiers }
}

#[test]
fn every_application_identifier_is_as_the_dictionary_says_and_there_are_no_others() {
    let Some(text) = corpus(DICTIONARY) else { return };
    let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let mut known = BTreeSet::new();
    for line in lines.map(dictionary_line) {
        for ai in &line.ais {
            let ours = ApplicationIdentifier::find(ai).unwrap_or_else(|| panic!("{ai} is missing"));
            assert_eq!(ours.predefined_length(), line.fixed, "{ai}");
            assert_eq!(ours.link_attribute(), line.attribute, "{ai}");
            assert_eq!(ours.length(), line.length, "{ai}");
            let qualifiers = ours.link_qualifiers().map(|sequences| {
                let own = |sequence: &&[&str]| sequence.iter().map(|ai| (*ai).to_owned()).collect();
                sequences.iter().map(own).collect::<Vec<Vec<String>>>()
            });
            assert_eq!(qualifiers, line.qualifiers, "{ai}");
        }
        known.extend(line.ais);
    }
    assert_eq!(known.len(), 541);
    for width in 2..=4 {
        for number in 0..10u32.pow(width) {
            let ai = format!("{number:0>width$}", width = width as usize);
            assert_eq!(ApplicationIdentifier::find(&ai).is_some(), known.contains(&ai), "{ai}");
        }
    }
}
