//! Events to measure with: the same ones every time, of about one kilobyte and thirty fields each.

use std::fmt::Write;

const PREFIX: &str = "9521234";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// Digits with their GS1 check digit.
fn checked(digits: &str) -> String {
    let weighted = digits.bytes().rev().zip([3u32, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn lot(product: u64, lot: u64) -> String {
    let gtin = checked(&format!("1{PREFIX}{:05}", product % 1000));
    format!("https://id.gs1.org/01/{gtin}/10/L{lot:08}")
}

fn logistic_unit(number: u64) -> String {
    format!("https://id.gs1.org/00/{}", checked(&format!("0{PREFIX}{number:09}")))
}

fn location_number(number: u64) -> String {
    checked(&format!("{PREFIX}{:05}", number % 500))
}

fn site(number: u64) -> String {
    format!("https://id.gs1.org/414/{}", location_number(number))
}

fn party(number: u64) -> String {
    format!("https://id.gs1.org/417/{}", location_number(number % 40))
}

/// What all kinds of event have.
fn head(kind: &str, number: u64) -> String {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
    format!(
        r#""type":"{kind}","eventID":"urn:uuid:{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}","eventTime":"2026-10-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z","eventTimeZoneOffset":"+02:00","#,
        spread >> 32,
        spread >> 16 & 0xffff,
        spread >> 4 & 0xfff,
        spread & 0xfff,
        1 + number / 86_400 % 28,
        number * 37 % 1000,
    )
}

/// Where and why, and the documents behind it.
fn tail(number: u64, step: &str, disposition: &str) -> String {
    let buyer = location_number(number % 40);
    format!(
        r#""bizStep":"{step}","disposition":"{disposition}","readPoint":{{"id":"{}"}},"bizLocation":{{"id":"{}"}},"bizTransactionList":[{{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:{buyer}:PO-{:07}"}},{{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:{buyer}:DA-{:07}"}}]"#,
        site(number * 7),
        site(number * 3),
        number / 20,
        number / 4,
    )
}

fn amount(class: &str, quantity: u64) -> String {
    format!(
        r#"{{"epcClass":"{class}","quantity":{}.{},"uom":"KGM"}}"#,
        10 + quantity % 900,
        1 + quantity % 9
    )
}

fn harvest(number: u64) -> String {
    format!(
        r#","ilmd":{{"cbvmda:lotNumber":"L{number:08}","cbvmda:countryOfOrigin":"ES","cbvmda:itemExpirationDate":"2026-12-{:02}","cbvmda:harvestStartDate":"2026-10-{:02}","own:field":"plot {} north","own:variety":"Galia","own:brix":{}.{}}}"#,
        1 + number % 28,
        1 + number % 28,
        number % 311,
        9 + number % 5,
        number % 10,
    )
}

fn temperatures(number: u64) -> String {
    let report = |kind: &str, unit: &str, value: u64| {
        format!(r#"{{"type":"{kind}","value":{}.{},"uom":"{unit}"}}"#, value / 10, value % 10)
    };
    format!(
        r#","sensorElementList":[{{"sensorReport":[{},{}]}}]"#,
        report("Temperature", "CEL", 20 + number % 60),
        report("RelativeHumidity", "A93", 600 + number % 300)
    )
}

/// One event.
pub(crate) fn event(number: u64) -> String {
    let (own, product) = (number / 4, number / 4 % 200);
    let lot_of = |step: u64| lot(product + step * 200, own);
    let pallet = logistic_unit(own);
    match number % 4 {
        0 => format!(
            r#"{{{}"action":"ADD","quantityList":[{}],{}{},"own:shift":"{}","own:line":{}}}"#,
            head("ObjectEvent", number),
            amount(&lot_of(0), number),
            tail(number, "commissioning", "active"),
            harvest(number),
            if number.is_multiple_of(8) { "early" } else { "late" },
            number % 12,
        ),
        1 => format!(
            r#"{{{}"inputQuantityList":[{}],"outputQuantityList":[{},{}],{}{}}}"#,
            head("TransformationEvent", number),
            amount(&lot_of(0), number),
            amount(&lot_of(1), number),
            amount(&lot_of(2), number / 7),
            tail(number, "commissioning", "active"),
            harvest(number),
        ),
        2 => format!(
            r#"{{{}"action":"ADD","parentID":"{pallet}","childQuantityList":[{},{}],{}{},"own:layers":{},"own:wrapped":true}}"#,
            head("AggregationEvent", number),
            amount(&lot_of(1), number),
            amount(&lot_of(2), number / 7),
            tail(number, "packing", "in_progress"),
            temperatures(number),
            4 + number % 5,
        ),
        _ => format!(
            r#"{{{}"action":"OBSERVE","epcList":["{pallet}"],{},"sourceList":[{{"type":"possessing_party","source":"{}"}}],"destinationList":[{{"type":"possessing_party","destination":"{}"}}]{},"own:carrier":"refrigerated {}"}}"#,
            head("ObjectEvent", number),
            tail(number, "shipping", "in_transit"),
            party(number),
            party(number + 1),
            temperatures(number),
            number % 60,
        ),
    }
}

/// The capture document of the events from one number on.
pub(crate) fn document(first: usize, count: usize) -> Vec<u8> {
    let mut text = String::with_capacity(count * 1100 + 300);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        r#"{{"@context":["{CONTEXT}",{{"own":"https://own.example/epcis/"}}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-20T12:00:00Z","epcisBody":{{"eventList":["#
    );
    for number in first..first + count {
        if number > first {
            text.push(',');
        }
        text.push_str(&event(number as u64));
    }
    text.push_str("]}}");
    text.into_bytes()
}

/// The id of an event.
pub(crate) fn event_id(number: usize) -> String {
    let text = head("", number as u64);
    let after = text.split_once("urn:uuid:").map_or("", |(_, rest)| rest);
    format!("urn:uuid:{}", after.split('"').next().unwrap_or_default())
}

/// Values in a JSON value: its leaves.
pub(crate) fn fields(value: &countermark_epcis::json::Json) -> usize {
    use countermark_epcis::json::Json;
    match value {
        Json::Object(members) => members.iter().map(|(_, value)| fields(value)).sum(),
        Json::Array(items) => items.iter().map(fields).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_epcis::{Mode, document as epcis};

    #[test]
    fn the_sample_is_strictly_valid_and_of_the_stated_size() {
        let bytes = document(12_345, 400);
        let read = epcis::read(&bytes, Mode::Strict).unwrap_or_else(|rejection| {
            panic!("{:?}", rejection.findings().first());
        });
        let per_event = bytes.len() / read.events.len();
        assert!((900..1100).contains(&per_event), "{per_event} bytes an event");
        let values: usize = read.events.iter().map(|event| fields(event.json())).sum();
        let per_event = values / read.events.len();
        assert!((27..=33).contains(&per_event), "{per_event} fields an event");
        assert_eq!(read.events[7].event_id(), Some(&*event_id(12_352)));
        assert_eq!(document(12_345, 400), bytes, "the same every time");
    }
}
