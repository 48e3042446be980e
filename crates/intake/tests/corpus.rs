//! Documents that others wrote: all are read, none is guessed about, and what each lacks is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod support;

use std::fs;

use countermark_intake::{MasterTable, Outcome};
use support::{corpus, mapping, master};

/// What becomes of one third-party file: events, expectations, and rules that must be named.
struct Expected {
    file: &'static str,
    mapping: &'static str,
    events: usize,
    expectations: usize,
    rules: &'static [&'static str],
}

const fn row(
    file: &'static str,
    mapping: &'static str,
    events: usize,
    expectations: usize,
    rules: &'static [&'static str],
) -> Expected {
    Expected { file, mapping, events, expectations, rules }
}

const THIRD_PARTY: &[Expected] = &[
    row("004060_856.edi", "x12-856", 0, 0, &["x12-ship-to", "gtin", "unknown-party"]),
    row(
        "x12types_005010_856.edi",
        "x12-856",
        0,
        0,
        &["time-zone-missing", "lot-missing", "unknown-party"],
    ),
    row("x12types_v004010_856_0.edi", "x12-856", 0, 0, &["x12-segment-count", "x12-ship-from"]),
    row("x12types_945_0.edi", "x12-945", 0, 0, &["sscc", "x12-segment-count", "unknown-party"]),
    row("x12types_945_1.edi", "x12-945", 0, 0, &["sscc", "x12-segment-count", "unknown-party"]),
    row("x12types_945_5.edi", "x12-945", 0, 0, &["sscc-internal", "unknown-party"]),
    row("x12types_005010_945.edi", "x12-945", 0, 0, &["sscc-internal", "unknown-item"]),
    row("x12types_214_0.edi", "x12-214", 0, 18, &["x12-control"]),
    row("x12types_214_1.edi", "x12-214", 0, 2, &["x12-control"]),
    row("x12types_005010_214.edi", "x12-214", 0, 0, &["x12-214-at7", "x12-segment-count"]),
    row("edinet_214-MGCTLYST-SAMPLE.EDI", "x12-214", 0, 1, &[]),
    row("edinet_204-MGCTLYST-SAMPLE.EDI", "x12-204", 0, 0, &["x12-segment-count"]),
    row("x12types_204_0.edi", "x12-204", 0, 0, &["x12-segment-count"]),
    row("x12types_204_1.edi", "x12-204", 0, 1, &[]),
    row("x12types_204_2.edi", "x12-204", 0, 1, &["x12-204-number"]),
    row("x12types_005010_204.edi", "x12-204", 0, 0, &["x12-segment-count"]),
];

fn named(outcome: &Outcome) -> Vec<&str> {
    let findings = outcome.findings.iter().map(|finding| finding.rule.as_str());
    findings.chain(outcome.quarantined.iter().map(|q| q.rule)).collect()
}

#[test]
fn third_party_x12_gives_events_or_says_what_is_missing() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    for expected in THIRD_PARTY {
        let bytes = fs::read(corpus.join("erp/x12").join(expected.file)).unwrap();
        let outcome = mapping(expected.mapping).import(&bytes, &MasterTable::default());
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", expected.file));
        let rules = named(&outcome);
        let missing: Vec<_> = expected.rules.iter().filter(|rule| !rules.contains(rule)).collect();
        let counts = (outcome.events.len(), outcome.expectations.len());
        if counts != (expected.events, expected.expectations) || !missing.is_empty() {
            wrong.push(format!("{}: {counts:?}, {rules:?}", expected.file));
        }
        // Whatever is said has a place in the document and a reason.
        for finding in &outcome.findings {
            assert!(!finding.pointer.is_empty() && !finding.message.is_empty());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_third_party_ship_notice_is_taken_once_master_data_knows_its_parties() {
    let Some(corpus) = corpus() else { return };
    let master = MasterTable::from_toml(
        r#"
        [[site]]
        gln = "9506000100029"
        name = "Ship from"
        zone = "America/Chicago"
        codes = ["WH01"]
        [[site]]
        gln = "9506000100036"
        name = "Ship to"
        codes = ["STORE01"]
        "#,
    );
    let bytes = fs::read(corpus.join("erp/x12/x12types_005010_856.edi")).unwrap();
    let outcome = mapping("x12-856").import(&bytes, &master.unwrap()).unwrap();
    assert_eq!(outcome.events.len(), 1, "{:?}", outcome.findings);
    let text = outcome.events[0].to_text();
    assert!(text.contains("\"eventTime\":\"2020-01-01T12:00:00-06:00\""), "{text}");
    assert!(
        text.contains("{\"epcClass\":\"https://id.gs1.org/01/00012345678905\",\"quantity\":100}")
    );
}

#[test]
fn every_x12_file_of_the_corpus_is_read_by_every_x12_mapping_without_panic() {
    let Some(corpus) = corpus() else { return };
    let mut read = 0;
    for entry in fs::read_dir(corpus.join("erp/x12")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for name in ["x12-856", "x12-945", "x12-944", "x12-214", "x12-204"] {
            let outcome = mapping(name).import(&bytes, &MasterTable::default());
            read += usize::from(outcome.is_ok());
            // Cut anywhere, it is still either read with findings or refused with a place.
            for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 9] {
                if let Err(error) = mapping(name).import(&bytes[..cut], &MasterTable::default()) {
                    assert!(error.to_string().contains("segment"), "{error}");
                }
            }
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn a_real_shipping_confirmation_idoc_shaped_file_without_glns_is_quarantined() {
    // The shape of a third party's confirmation: batch and expiry, but neither EAN nor GLN.
    let idoc = r#"<?xml version="1.0"?><DELVRY01><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">
        <SNDPRN>WMS</SNDPRN></EDI_DC40><E1EDL20 SEGMENT="1"><VBELN>80012</VBELN><VSTEL>9999</VSTEL>
        <E1EDT13 SEGMENT="1"><QUALF>006</QUALF><ISDD>20261116</ISDD><ISDZ>000000</ISDZ></E1EDT13>
        <E1EDL24 SEGMENT="1"><POSNR>10</POSNR><MATNR>000000000000004711</MATNR><CHARG>B1</CHARG>
        <LFIMG>3</LFIMG><VRKME>UN</VRKME></E1EDL24></E1EDL20></IDOC></DELVRY01>"#;
    let outcome = mapping("sap-delvry").import(idoc.as_bytes(), &master()).unwrap();
    assert!(outcome.events.is_empty());
    let rules = named(&outcome);
    for rule in ["sap-ship-to", "unit", "unknown-item", "unknown-party", "time-zone-missing"] {
        assert!(rules.contains(&rule), "{rule} is not in {rules:?}");
    }
}
