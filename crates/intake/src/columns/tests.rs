use super::*;
use crate::{Mapping, MasterTable};

const DIRTY: &str = "Ship Date;Ship To;Item;Lot #;Qty;UOM;Best By;Pallet\n\
    11/14/26;9520000002015;09520000003012;L16A;120;cs;11/28/26;\n\
    \"two\nlines\";9520000002015;09520000003012;L16B;\"1,5\";Kg;;\n\
    11/16/26;9520000002015;09520000003012;L16C;7;EA;;\n";

fn mapping(map: &ColumnMap) -> Mapping {
    let (manifest, program, units) = map.texts("of-mine", "A partner's list").unwrap();
    Mapping::from_texts("of-mine", &manifest, &program, &units).unwrap()
}

fn proposed() -> ColumnMap {
    let mut map = Table::read(DIRTY.as_bytes()).unwrap().propose();
    map.place = "9520000001018".to_owned();
    map.zone = "Europe/Berlin".to_owned();
    map
}

#[test]
fn headers_say_what_columns_mean() {
    let map = proposed();
    let says = |name: &str| map.columns.get(name).map(String::as_str);
    assert_eq!(says("date"), Some("Ship Date"));
    assert_eq!(says("to"), Some("Ship To"));
    assert_eq!(says("item"), Some("Item"));
    assert_eq!(says("lot"), Some("Lot #"));
    assert_eq!(says("quantity"), Some("Qty"));
    assert_eq!(says("unit"), Some("UOM"));
    assert_eq!(says("expiry"), Some("Best By"));
    assert_eq!(says("sscc"), Some("Pallet"));
    assert_eq!((&*map.step, &*map.dates, &*map.clock), ("shipping", "mdy", "12:00"));
}

#[test]
fn values_say_what_columns_without_telling_headers_mean() {
    let text = "A,B,C\n2026-11-14,09520000003012,395200000000000012\n";
    let map = Table::read(text.as_bytes()).unwrap().propose();
    assert_eq!(map.columns.get("date").map(String::as_str), Some("A"));
    assert_eq!(map.columns.get("item").map(String::as_str), Some("B"));
}

#[test]
fn the_choices_make_a_mapping_that_makes_events() {
    let mut map = proposed();
    map.decimal_comma = false;
    let rows = BTreeMap::from([(3, "no date".to_owned())]);
    let (kept, _) = without_rows(DIRTY.as_bytes(), &rows).unwrap();
    let outcome = mapping(&map).import(&kept, &MasterTable::default()).unwrap();
    assert!(outcome.is_taken(), "{:?} {:?}", outcome.findings, outcome.quarantined);
    assert_eq!(outcome.events.len(), 2);
    let event = &outcome.events[0];
    assert_eq!(event.get("eventTime").and_then(Json::as_str), Some("2026-11-14T12:00:00+01:00"));
    assert_eq!(event.get("bizStep").and_then(Json::as_str), Some("shipping"));
    assert!(event.get("destinationList").is_some());
}

#[test]
fn every_step_and_every_choice_of_columns_compiles() {
    for step in &STEPS {
        for target in &TARGETS {
            let mut map = ColumnMap {
                step: step.name.to_owned(),
                place: "9520000001018".to_owned(),
                ..ColumnMap::default()
            };
            map.columns.insert("date".to_owned(), "d\"\\ay\u{1}".to_owned());
            map.columns.insert("item".to_owned(), "item".to_owned());
            let name = target.name;
            map.columns.entry(name.to_owned()).or_insert_with(|| format!("x {name}"));
            mapping(&map);
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let map = ColumnMap { step: "packing".to_owned(), ..ColumnMap::default() };
    let error = map.texts("a", "b").unwrap_err().to_string();
    assert_eq!(error, "no column says the date, or date and time; choose one");
    let mut map = proposed();
    map.place = "9520000001019".to_owned();
    assert!(map.texts("a", "b").unwrap_err().to_string().contains("place where it happened"));
    let mut map = proposed();
    map.columns.insert("lot".to_owned(), "Item".to_owned());
    assert_eq!(map.texts("a", "b").unwrap_err(), ColumnError::Twice("Item".to_owned()));
}

#[test]
fn rows_are_left_out_and_the_others_keep_their_numbers() {
    let rows = BTreeMap::from([(3, "no date".to_owned())]);
    let (kept, left) = without_rows(DIRTY.as_bytes(), &rows).unwrap();
    let mut numbers = Vec::new();
    readers::csv::each_row(std::str::from_utf8(&kept).unwrap(), |number, cells, _| {
        numbers.push((number, cells.first().map(|cell| (*cell).to_owned())));
    })
    .unwrap();
    let expected = [(0, "Ship Date"), (2, "11/14/26"), (4, "11/16/26")];
    assert_eq!(numbers, expected.map(|(number, cell)| (number, Some(cell.to_owned()))));
    let left = String::from_utf8(left).unwrap();
    assert!(left.starts_with("row,why it was left out,Ship Date"), "{left}");
    assert!(left.contains("3,no date,\"two\nlines\",9520000002015"), "{left}");
}

#[test]
fn rows_have_the_numbers_that_a_spreadsheet_shows_whatever_ends_a_line() {
    for end in ["\n", "\r\n"] {
        let text = ["a,b", "1,2", "", "", "3,\"x\ny\"", "5,6", ""].join(end);
        let tree = readers::read(Format::Csv, text.as_bytes(), &ReadOptions::default()).unwrap();
        let rows = tree.root.get("rows").and_then(Json::as_array).unwrap();
        let places: Vec<&str> =
            rows.iter().filter_map(|row| row.get("@at").and_then(Json::as_str)).collect();
        assert_eq!(places, ["row 2", "row 5", "row 6"], "{end:?}");
        let mut numbers = Vec::new();
        readers::csv::each_row(&text, |number, _, _| numbers.push(number)).unwrap();
        assert_eq!(numbers, [0, 2, 5, 6], "{end:?}");
        let left_out = BTreeMap::from([(5, "wrong".to_owned())]);
        let (kept, _) = without_rows(text.as_bytes(), &left_out).unwrap();
        let mut numbers = Vec::new();
        let kept = String::from_utf8(kept).unwrap();
        readers::csv::each_row(&kept, |number, _, _| numbers.push(number)).unwrap();
        assert_eq!(numbers, [0, 2, 6], "{end:?} {kept:?}");
    }
}

#[test]
fn a_place_names_its_row() {
    assert_eq!(row_of("row 12, column \"Qty\""), Some(12));
    assert_eq!(row_of("a.csv: row 3"), Some(3));
    assert_eq!(row_of("document"), None);
}
