//! Measures the vault on a real disk: put in batches of 500, get, bytes per event.
//!
//! `cargo run --release -p countermark-store --example vault_speed DIR [batches]`
#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use countermark_epcis::json;
use countermark_ledger::record::seal::WrapKey;
use countermark_ledger::record::{Classification, RecordKeys, commit};
use countermark_store::disk::FileDisk;
use countermark_store::vault::{NewRecord, Random, Vault};
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const BATCH: u32 = 500;
const EVENT: &str = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://example.org/"}],"type":"ObjectEvent","eventID":"urn:uuid:8f7e2f3a-0c1d-4a5b-9c6d-7e8f9a0b1c2d","eventTime":"2026-11-19T08:15:30.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":["https://id.gs1.org/01/04012345000016/21/90210","https://id.gs1.org/01/04012345000016/21/90211","https://id.gs1.org/01/04012345000016/21/90212"],"quantityList":[{"epcClass":"https://id.gs1.org/01/04012345000023/10/K77","quantity":12.50,"uom":"KGM"}],"readPoint":{"id":"https://id.gs1.org/414/4012345000030"},"bizLocation":{"id":"https://id.gs1.org/414/4012345000047"},"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:4012345000030:PO-1187"}],"sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/4012345000054"}],"destinationList":[{"type":"owning_party","destination":"https://id.gs1.org/417/4012345000061"}],"ilmd":{"ex:origin":"NL","ex:brix":11.20}}"#;

/// Fixed bytes: this measures, it keeps nothing secret.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        out.fill(7);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name an empty directory")?;
    let batches: u32 = arguments.next().map_or(Ok(20), |n| n.parse())?;
    let disk = Arc::new(FileDisk::create(Path::new(&folder))?);
    let key = WrapKey::from_bytes([1; 32]);
    let (mut vault, _) = Vault::open(disk, "vault", key, Arc::new(Fixed), None)?;
    let event = json::parse(EVENT.as_bytes())?;
    let provenance = json::parse(br#"{"sourceDocument":"5f1d0c","mapping":"own-csv@3"}"#)?;
    let keys = RecordKeys::from_random(&std::array::from_fn(|i| (i % 251) as u8));
    let commitment = commit(&event, &provenance, &Classification::new(), &keys)?;
    let mut places = Vec::new();
    let start = Instant::now();
    for batch in 0..batches {
        let records: Vec<NewRecord<'_>> = (0..BATCH)
            .map(|i| {
                let mut id = [0; 16];
                id[..4].copy_from_slice(&(batch * BATCH + i).to_be_bytes());
                NewRecord { id, bodies: &commitment.bodies, keys: &keys, subject: None }
            })
            .collect();
        let stored = vault.put_batch(20_777, &records)?;
        places.extend(records.iter().map(|record| record.id).zip(stored));
    }
    let count = f64::from(batches * BATCH);
    println!("put: {:.1} µs per event", start.elapsed().as_secs_f64() * 1e6 / count);
    let start = Instant::now();
    for (id, place) in &places {
        vault.get(*place, id)?;
    }
    println!("get: {:.1} µs per event", start.elapsed().as_secs_f64() * 1e6 / count);
    let mut bytes = 0;
    for file in std::fs::read_dir(Path::new(&folder).join("vault"))? {
        bytes += file?.metadata()?.len();
    }
    println!("stored: {:.0} bytes per event of {}", bytes as f64 / count, EVENT.len());
    Ok(())
}
