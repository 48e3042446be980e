//! Broken documents: each gives a clear message with the place, none gives events, none panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod support;

use std::io::Write as _;

use countermark_epcis::json::Json;
use countermark_intake::readers::{self, ReadOptions};
use countermark_intake::{Format, Outcome};
use proptest::prelude::*;
use support::{import, mapping, master, rules};

const CSV: &str = "\
ship_date,ship_time,tz,asn,po,from_gln,to_gln,gtin,lot,qty,uom,expiry,sscc
2026-11-14,16:15,-05:00,A1,P1,9506000100029,9506000100036,19506000134359,L1,120,CT,2026-11-28,195060001000000019
";

/// Imports the table with one text replaced.
fn altered(from: &str, to: &str) -> Outcome {
    assert!(CSV.contains(from), "{from}");
    import("csv-shipments", CSV.replace(from, to).as_bytes())
}

fn says(outcome: &Outcome, place: &str, rule: &str) {
    let found = rules(outcome);
    let said = found.iter().any(|(at, name)| at == place && name == rule);
    assert!(said, "no {rule} at {place} in {found:?}");
}

#[test]
fn the_table_that_the_tests_alter_is_fine() {
    let outcome = import("csv-shipments", CSV.as_bytes());
    assert_eq!(outcome.events.len(), 2, "{:?}", outcome.findings);
    assert!(outcome.is_taken());
}

#[test]
fn each_breakage_of_a_table_is_named_with_row_and_column_and_stops_the_document() {
    for (from, to, column, rule) in [
        ("19506000134359", "19506000134350", "gtin", "gtin"),
        ("19506000134359", "1.95060E+13", "gtin", "gtin"),
        ("9506000100029", "9506000100020", "from_gln", "gln"),
        ("195060001000000019", "195060001000000018", "sscc", "sscc"),
        ("L1,120", "LÄ,120", "lot", "lot"),
        ("L1,120", "L123456789012345678901,120", "lot", "lot"),
        ("120,CT", "-5,CT", "qty", "quantity-sign"),
        ("120,CT", "0,CT", "qty", "quantity-sign"),
        ("120,CT", "1.5,CT", "qty", "quantity-fraction"),
        ("120,CT", "1e3,CT", "qty", "number"),
        ("120,CT", "\"1.200,5\",CT", "qty", "number"),
        ("120,CT", "120,XX", "uom", "unit"),
        ("120,CT", "120,KG", "qty", "unit-kind"),
        ("2026-11-14,", "2026-02-30,", "ship_date", "date"),
        ("2026-11-14,", "11/12/2026,", "ship_date", "date-order"),
        ("16:15", "25:15", "ship_time", "clock"),
        ("-05:00", "EST5", "tz", "time-zone"),
    ] {
        let outcome = altered(from, to);
        says(&outcome, &format!("row 2, column \"{column}\""), rule);
        assert!(outcome.events.is_empty() && outcome.lines.is_empty(), "{to}");
        let finding = outcome.findings.iter().find(|f| f.rule == rule).unwrap();
        assert!(finding.suggestion.is_some(), "{rule} says what to do");
    }
}

#[test]
fn what_is_missing_is_named_at_its_row() {
    for (from, to, rule) in [
        ("L1,120,CT", "L1,,CT", "quantity-missing"),
        ("L1,120,CT", "L1,120,", "unit-missing"),
        ("19506000134359", "", "item-missing"),
        ("2026-11-14,", ",", "time-missing"),
    ] {
        says(&altered(from, to), "row 2", rule);
    }
    let unnamed = altered("9506000100036", "");
    says(&unnamed, "row 2, column \"to_gln\"", "party-missing");
}

#[test]
fn unknown_parties_and_items_wait_and_say_what_is_needed() {
    let outcome = altered("9506000100036", "Nobody Ltd");
    assert!(outcome.events.is_empty() && !outcome.is_taken());
    let held = &outcome.quarantined[0];
    assert_eq!((held.rule, held.value.as_str()), ("unknown-party", "Nobody Ltd"));
    assert_eq!(held.place, "row 2, column \"to_gln\"");
    assert_eq!(held.document, "A1");
    assert!(held.needed.contains("GLN"), "{}", held.needed);

    let outcome = altered("19506000134359", "FG-NEW");
    assert_eq!(outcome.quarantined[0].rule, "unknown-item");
    assert_eq!(outcome.quarantined[0].place, "row 2, column \"gtin\"");
}

#[test]
fn one_bad_row_keeps_the_whole_document_out() {
    let mut text = CSV.to_owned();
    text.push_str(
        "2026-11-14,16:15,-05:00,A1,P1,9506000100029,9506000100036,19506000134359,L2,7,ZZ,,\n",
    );
    let outcome = import("csv-shipments", text.as_bytes());
    says(&outcome, "row 3, column \"uom\"", "unit");
    assert!(outcome.events.is_empty());
}

#[test]
fn a_time_without_zone_needs_a_site_that_has_one() {
    let known = altered(",-05:00,", ",,");
    assert!(known.is_taken(), "{:?}", known.findings);
    says(&known, "row 2, column \"ship_date\"", "time-zone-assumed");
    assert!(known.events[0].to_text().contains("2026-11-14T16:15:00-08:00"));

    let stranger = CSV.replace(",-05:00,", ",,").replace("9506000100029", "9506000100081");
    let outcome = import("csv-shipments", stranger.as_bytes());
    says(&outcome, "row 2, column \"ship_date\"", "time-zone-missing");
}

#[test]
fn an_hour_that_the_clocks_skip_does_not_exist() {
    let spring = CSV.replace("2026-11-14,16:15,-05:00", "2026-03-08,02:30,");
    says(&import("csv-shipments", spring.as_bytes()), "row 2, column \"ship_date\"", "time-gap");
}

#[test]
fn an_hour_that_comes_twice_is_taken_as_the_first_and_noted() {
    let autumn = CSV.replace("2026-11-14,16:15,-05:00", "2026-11-01,01:30,");
    let outcome = import("csv-shipments", autumn.as_bytes());
    says(&outcome, "row 2, column \"ship_date\"", "time-twice");
    assert!(outcome.events[0].to_text().contains("2026-11-01T01:30:00-07:00"));
}

#[test]
fn slashes_are_read_in_the_order_that_the_mapping_declares() {
    let folder = support::root().join("mappings/csv-shipments");
    let read = |file| std::fs::read_to_string(folder.join(file)).unwrap();
    let declared = |format: &str| {
        let rule = format!("[time]\ndate_formats = [\"{format}\"]");
        let manifest = read("map.toml").replace("[time]", &rule);
        let (program, units) = (read("map.vrl"), read("units.csv"));
        countermark_intake::Mapping::from_texts("csv-shipments", &manifest, &program, &units)
    };
    let text = CSV.replace("2026-11-14,16:15", "11/12/26,16:15");
    for (format, day) in [("MM/DD/YY", "2026-11-12T"), ("DD/MM/YY", "2026-12-11T")] {
        let outcome = declared(format).unwrap().import(text.as_bytes(), &master()).unwrap();
        assert!(outcome.events[0].to_text().contains(day), "{:?}", outcome.findings);
    }
    let text = text.replace("11/12/26", "30/02/26");
    let outcome = declared("DD/MM/YY").unwrap().import(text.as_bytes(), &master()).unwrap();
    says(&outcome, "row 2, column \"ship_date\"", "date");
}

#[test]
fn tables_come_with_other_delimiters_marks_and_protected_numbers() {
    let semicolons = CSV.replace(',', ";");
    assert!(import("csv-shipments", semicolons.as_bytes()).is_taken());
    let tabs = CSV.replace(',', "\t");
    assert!(import("csv-shipments", tabs.as_bytes()).is_taken());
    let mut marked = b"\xEF\xBB\xBF".to_vec();
    marked.extend(CSV.as_bytes());
    assert!(import("csv-shipments", &marked).is_taken());
    let utf16: Vec<u8> =
        [0xfeff_u16].into_iter().chain(CSV.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert!(import("csv-shipments", &utf16).is_taken());
    let protected = altered("L1,120", "\"=\"\"00123\"\"\",120");
    assert!(protected.events[0].to_text().contains("/10/00123"), "{:?}", protected.findings);
}

#[test]
fn row_numbers_are_those_of_a_spreadsheet_whatever_lines_and_quotes_there_are() {
    let (header, line) = CSV.split_once('\n').unwrap();
    let bad = line.replace(",CT,", ",XX,");
    let fine = line.replace("A1,P1", "\"A1\nsecond line\",P1");
    let text = format!("sep=,\n{header}\n\n{fine}\n{}", bad.replace("P1", "5\" pipe"));
    // The row above ends with a line end of its own: row 5 is blank.
    says(&import("csv-shipments", text.as_bytes()), "row 6, column \"uom\"", "unit");
    let text = format!("{header}\n{}", line.replace("P1", "\"say \"\"hi\"\"\""));
    assert!(import("csv-shipments", text.as_bytes()).is_taken());
}

#[test]
fn a_decimal_comma_counts_only_where_the_mapping_declares_it() {
    let manifest = std::fs::read_to_string(support::root().join("mappings/csv-harvest/map.toml"));
    let program = std::fs::read_to_string(support::root().join("mappings/csv-harvest/map.vrl"));
    let manifest = manifest.unwrap().replace("[time]", "[numbers]\ndecimal = \",\"\n\n[time]");
    let mapping = countermark_intake::Mapping::from_texts(
        "csv-harvest",
        &manifest,
        &program.unwrap(),
        "code,kind,rec20,factor\nKG,measure,KGM,1\n",
    );
    let text = "record;date;site;item;lot;quantity;unit\nR1;2026-11-13;FARM;RM-ROM;F1;1200,5;KG\n";
    let outcome = mapping.unwrap().import(text.as_bytes(), &master()).unwrap();
    assert!(outcome.events[0].to_text().contains("\"quantity\":1200.5,\"uom\":\"KGM\""));
    let outcome = import("csv-harvest", text.as_bytes());
    says(&outcome, "row 2, column \"quantity\"", "number");
}

/// The reading error of a document.
fn refused(name: &str, bytes: &[u8]) -> (String, &'static str) {
    let error = mapping(name).read(bytes).expect_err("has to be refused");
    assert!(!error.message.is_empty() && !error.hint.is_empty());
    (error.place, error.rule)
}

#[test]
fn unreadable_documents_say_where() {
    let at = |place: &str, rule: &'static str| (place.to_owned(), rule);
    assert_eq!(refused("csv-shipments", b""), at("document", "document-empty"));
    assert_eq!(refused("csv-shipments", b"a,b\n1,\xff\n"), at("line 2, column 3", "encoding"));
    assert_eq!(refused("csv-shipments", b"a,\"b\n1,2\n"), at("line 1", "csv-quote"));
    assert_eq!(refused("csv-shipments", b"lot,qty\nL,1\n"), at("row 1", "column-missing"));
    assert_eq!(refused("x12-856", b"UNA:+.? '"), at("segment 1", "x12-header"));
    assert_eq!(refused("x12-856", b"ISA*00*   *00"), at("segment 1", "x12-header"));
    assert_eq!(refused("sap-delvry", b"<DELVRY07><IDOC>").1, "xml-truncated");
    assert_eq!(refused("sap-delvry", b"<ORDERS05><IDOC BEGIN=\"1\"/></ORDERS05>").1, "idoc-type");
    assert_eq!(refused("sap-delvry", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>").1, "xml-doctype");
    assert_eq!(
        refused("sap-delvry", b"<DELVRY07><IDOC><A>&b;</A></IDOC></DELVRY07>").1,
        "xml-entity"
    );
    let deep = "<a>".repeat(40);
    assert_eq!(refused("sap-delvry", deep.as_bytes()).1, "xml-size");
    assert_eq!(
        refused("json-odoo-picking", b"{\"a\":1,\"a\":2}"),
        at("line 1, column 8", "json-duplicate-name")
    );
    assert_eq!(
        refused("json-odoo-picking", b"{\"a\":[1,"),
        at("line 1, column 9", "json-truncated")
    );
    let deep = "[".repeat(100);
    assert_eq!(refused("json-odoo-picking", deep.as_bytes()).1, "json-depth");
    assert_eq!(
        refused("iot-reefer", b"{\"ts\":1}\n{\"ts\":}\n"),
        at("line 2, column 7", "json-syntax")
    );
    assert_eq!(refused("csv-shipments", b"PK\x03\x04 no archive").1, "xlsx-open");
}

#[test]
fn a_truncated_or_miscounted_interchange_is_a_finding() {
    let whole = std::fs::read_to_string(
        support::root().join("mappings/x12-856/examples/two-pallets.in.edi"),
    );
    let whole = whole.unwrap();
    assert!(import("x12-856", whole.as_bytes()).is_taken());
    let without_end = whole.split("SE*26").next().unwrap();
    let outcome = import("x12-856", without_end.as_bytes());
    says(&outcome, "segment 3 ST", "x12-truncated");
    says(&outcome, "segment 1 ISA", "x12-truncated");
    assert!(outcome.events.is_empty());
    let lost = whole.replace("LIN*2*UK*19506000134359*LT*L26318B~\n", "");
    says(&import("x12-856", lost.as_bytes()), "segment 27 SE element 1", "x12-segment-count");
    let orphan = whole.replace("HL*5*2*T", "HL*5*9*T");
    says(&import("x12-856", orphan.as_bytes()), "segment 21 HL element 2", "x12-hl-parent");
    let other = whole.replace("ST*856", "ST*810");
    says(&import("x12-856", other.as_bytes()), "segment 3 ST element 1", "x12-set");
}

#[test]
fn wide_documents_are_read_and_findings_beyond_the_limit_are_counted() {
    let fields: String = (0..60_000).map(|n| format!("<F{n}>x</F{n}>")).collect();
    let idoc = format!("<DELVRY07><IDOC BEGIN=\"1\">{fields}</IDOC></DELVRY07>");
    assert!(mapping("sap-delvry").read(idoc.as_bytes()).is_ok());
    let levels: String = (1..60_000).map(|n| format!("HL*{n}**I~")).collect();
    let x12 = format!("ST*856*1~{levels}SE*60001*1~");
    assert!(mapping("x12-856").read(x12.as_bytes()).is_ok());
    let bad = CSV.lines().nth(1).unwrap().replace(",CT,", ",XX,") + "\n";
    let table = CSV.to_owned() + &bad.repeat(3_000);
    let outcome = import("csv-shipments", table.as_bytes());
    assert!(outcome.events.is_empty());
    says(&outcome, "document", "findings-left-out");
    assert_eq!(outcome.findings.len(), 1_001);
}

#[test]
fn a_document_without_number_is_known_by_its_digest() {
    let outcome = altered(",A1,", ",,");
    assert!(outcome.is_taken());
    let hex: String = outcome.document.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(outcome.lines[0].document, format!("sha256:{hex}"));
    assert_eq!(outcome.lines[0].system, "csv-shipments");
}

#[test]
fn several_transaction_sets_in_one_interchange_all_count() {
    let whole = std::fs::read_to_string(
        support::root().join("mappings/x12-856/examples/two-pallets.in.edi"),
    );
    let whole = whole.unwrap();
    let (head, rest) = whole.split_once("ST*856").unwrap();
    let (body, tail) = rest.split_once("GE*1").unwrap();
    let second = body.replace("ASN0080012345", "ASN2").replace("0001~", "0002~");
    let second = second.replace("SE*26*0001", "SE*26*0002");
    let both = format!("{head}ST*856{body}ST*856{second}GE*2{tail}");
    let outcome = import("x12-856", both.as_bytes());
    assert_eq!(outcome.events.len(), 6, "{:?}", outcome.findings);
    assert_eq!(outcome.lines[3].document, "ASN2");
}

#[test]
fn places_lead_back_into_the_document() {
    let tree = mapping("csv-shipments").read(CSV.as_bytes()).unwrap();
    assert_eq!(tree.place("/rows/0/sscc"), "row 2, column \"sscc\"");
    assert_eq!(tree.place("/rows/0/date"), "row 2, column \"ship_date\"");
    assert_eq!(tree.place("/rows/0"), "row 2");
    let x12 = "ST*856*1~BSN*00*A*20261114*1200~HL*1**S~LIN**UK*1~SE*5*1~";
    let tree = mapping("x12-856").read(x12.as_bytes()).unwrap();
    assert_eq!(tree.place("/transactions/0/loops/0/segments/1/e03"), "segment 4 LIN element 3");
    let idoc = "<DELVRY07><IDOC BEGIN=\"1\"><E1EDL20 SEGMENT=\"1\"><E1EDL24 SEGMENT=\"1\"><CHARG>A\
                </CHARG></E1EDL24><E1EDL24 SEGMENT=\"1\"><CHARG>B</CHARG></E1EDL24></E1EDL20></IDOC>\
                </DELVRY07>";
    let tree = mapping("sap-delvry").read(idoc.as_bytes()).unwrap();
    let pointer = "/idocs/0/E1EDL20/E1EDL24/1/CHARG";
    assert_eq!(tree.root.pointer(pointer).and_then(Json::as_str), Some("B"));
    assert_eq!(tree.place(pointer), "/DELVRY07/IDOC/E1EDL20/E1EDL24[2]/CHARG");
    let tree = mapping("json-odoo-picking").read(b"[{\"a\":{\"b/c\":1}}]").unwrap();
    assert_eq!(tree.place("/documents/0/a/b~1c"), "/0/a/b~1c");
    let tree = mapping("iot-reefer").read(b"{\"a\":1}\n{\"temp_c\":2}\n").unwrap();
    assert_eq!(tree.place("/documents/1/temp_c"), "line 2 /temp_c");
}

/// A spreadsheet with one sheet, its parts stored without compression.
fn spreadsheet(rows: &str) -> Vec<u8> {
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let parts = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
                .to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"Lots\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, body) in &parts {
        let offset = u32::try_from(out.len()).unwrap();
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x50];
        common.extend(crc32(body.as_bytes()).to_le_bytes());
        common.extend(size);
        common.extend(size);
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        out.write_all(b"PK\x03\x04").unwrap();
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(body.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    let length = u32::try_from(directory.len()).unwrap();
    out.extend(directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend(count);
    out.extend(count);
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A row of a sheet; texts inline, numbers as numbers.
fn sheet_row(number: usize, cells: &[&str]) -> String {
    let cell = |(at, value): (usize, &&str)| {
        let column = char::from(b'A' + u8::try_from(at).unwrap());
        if value.parse::<f64>().is_ok() {
            format!("<c r=\"{column}{number}\"><v>{value}</v></c>")
        } else {
            format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")
        }
    };
    let cells: String = cells.iter().enumerate().map(cell).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

#[test]
fn a_spreadsheet_is_a_table_and_keeps_the_digits_of_a_gtin_stored_as_number() {
    let header = sheet_row(1, &["Record", "Harvest Date", "Farm GLN", "Item", "Lot", "Qty", "UOM"]);
    let line = |gtin| sheet_row(2, &["HR-1", "2026-11-13", "FARM", gtin, "F1", "410.5", "KG"]);
    let sheet = spreadsheet(&(header.clone() + &line("1.9506000134380E13")));
    let outcome = import("csv-harvest", &sheet);
    assert!(outcome.is_taken(), "{:?} {:?}", outcome.findings, outcome.quarantined);
    let text = outcome.events[0].to_text();
    assert!(
        text.contains("/01/19506000134380/10/F1\",\"quantity\":410.5,\"uom\":\"KGM\""),
        "{text}"
    );
    let outcome = import("csv-harvest", &spreadsheet(&(header + &line("19506000134381"))));
    says(&outcome, "row 2, column \"Item\"", "gtin");
    assert_eq!(refused("csv-harvest", &spreadsheet("")), ("row 1".to_owned(), "table-header"));
}

#[test]
fn a_spreadsheet_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() {
    let mut sheet = spreadsheet(&sheet_row(1, &["a"]));
    let entry = sheet.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    sheet[entry + 24..entry + 28].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert_eq!(refused("csv-harvest", &sheet), ("document".to_owned(), "xlsx-size"));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in [Format::Csv, Format::Xlsx, Format::X12, Format::Idoc, Format::Json] {
            let _ = readers::read(format, &bytes, &ReadOptions::default());
        }
    }

    #[test]
    fn no_altered_document_makes_an_import_panic_or_gives_events_that_are_not_epcis(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        which in 0_usize..4,
    ) {
        let (name, file) = [
            ("x12-856", "x12-856/examples/two-pallets.in.edi"),
            ("sap-delvry", "sap-delvry/examples/two-pallets.in.xml"),
            ("csv-shipments", "csv-shipments/examples/clean.in.csv"),
            ("json-odoo-picking", "json-odoo-picking/examples/incoming.in.json"),
        ][which];
        let mut bytes = std::fs::read(support::root().join("mappings").join(file)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(outcome) = mapping(name).import(&bytes, &master()) {
            for event in &outcome.events {
                prop_assert!(countermark_epcis::Event::from_json(event.clone()).is_ok());
            }
        }
    }

    #[test]
    fn every_segment_of_an_interchange_keeps_its_number(count in 1_usize..60) {
        let body: String = (0..count).map(|n| format!("REF*ZZ*{n}~")).collect();
        let text = format!("ST*856*1~{body}SE*{}*1~", count + 2);
        let tree = readers::read(Format::X12, text.as_bytes(), &ReadOptions::default()).unwrap();
        prop_assert!(tree.findings.is_empty());
        for n in 0..count {
            let pointer = format!("/transactions/0/segments/{n}/e02");
            let number = n.to_string();
            let value = tree.root.pointer(&pointer).and_then(Json::as_str);
            prop_assert_eq!(value, Some(number.as_str()));
            prop_assert_eq!(tree.place(&pointer), format!("segment {} REF element 2", n + 2));
        }
    }
}
