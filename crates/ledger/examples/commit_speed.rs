//! Measures commitment, disclosure and verification of one event of about 30 fields, one thread.
//!
//! `cargo run --release -p countermark-ledger --example commit_speed [rounds]`
#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use countermark_epcis::json;
use countermark_ledger::record::{
    ClassSource, Classification, FieldClass, RecordKeys, commit, disclose, empty_source, seal,
    verify,
};
use std::error::Error;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const EVENT: &str = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://example.org/"}],"type":"ObjectEvent","eventID":"urn:uuid:8f7e2f3a-0c1d-4a5b-9c6d-7e8f9a0b1c2d","eventTime":"2026-11-19T08:15:30.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/09521321000018/21/1001","https://id.gs1.org/01/09521321000018/21/1002","https://id.gs1.org/01/09521321000018/21/1003"],"quantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018/10/L7","quantity":12.50,"uom":"KGM"}],"readPoint":{"id":"https://id.gs1.org/414/9521321000010"},"bizLocation":{"id":"https://id.gs1.org/414/9521321000027"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521321000010:4711"}],"sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9521321000010"}],"destinationList":[{"type":"owning_party","destination":"https://id.gs1.org/417/9521321000034"}],"ex:temperature":"4.1","ilmd":{"ex:origin":"NL","ex:brix":11.20}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: u32 = std::env::args().nth(1).map_or(Ok(20_000), |n| n.parse())?;
    let event = json::parse(EVENT.as_bytes())?;
    let provenance = json::parse(br#"{"sourceDocument":"5f1d0c","mapping":"own-csv@3"}"#)?;
    let classification = Classification::new();
    let keys = RecordKeys::from_random(&std::array::from_fn(|i| (i % 251) as u8));
    let start = clock();
    let mut commitment = commit(&event, &provenance, &classification, &keys)?;
    for _ in 1..rounds {
        commitment = commit(&event, &provenance, &classification, &keys)?;
    }
    report("commit", start, rounds);
    let start = clock();
    for _ in 0..rounds {
        for (class, body) in &commitment.bodies {
            seal::seal(keys.class(*class), &[0; 16], *class, body)?;
        }
    }
    report("seal bodies", start, rounds);
    let identity = keys.class(FieldClass::Identity);
    let sources = FieldClass::ALL.map(|class| {
        match commitment.bodies.iter().find(|(other, _)| *other == class) {
            Some((_, body)) => {
                ClassSource::Body { key: keys.class(class).clone(), body: body.clone() }
            }
            None => empty_source(identity, class),
        }
    });
    for pointers in [&[""][..], &["/bizStep"], &["/epcList/1"], &["/ex:nothing"]] {
        let start = clock();
        let mut openings = disclose(&sources, pointers)?;
        for _ in 1..rounds {
            openings = disclose(&sources, pointers)?;
        }
        report(&format!("disclose {pointers:?}"), start, rounds);
        let start = clock();
        for _ in 0..rounds {
            verify(&commitment.digests, &openings)?;
        }
        report(&format!("verify {pointers:?}"), start, rounds);
        println!("  {} bytes (the event: {})", openings.encode().len(), EVENT.len());
    }
    Ok(())
}

/// Time on the processor where the system tells it (Linux), else time on the wall.
fn clock() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let spent = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanos = spent.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

fn report(what: &str, start: Duration, rounds: u32) {
    let micros = clock().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(rounds.max(1));
    println!("{what}: {micros:.1} µs, {:.0}/s", 1e6 / micros);
}
