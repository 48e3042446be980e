//! How many documents a second a mapping takes, read, mapped, resolved and validated, on one
//! thread: `cargo run --release -p countermark-intake --example throughput -- x12-856 FILE
//! MASTER_DATA`.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::Instant;

use countermark_intake::{Library, MasterTable};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, file, master] = arguments.as_slice() else {
        return Err("usage: throughput MAPPING FILE MASTER_DATA".into());
    };
    let compiling = Instant::now();
    let mapping = Library::shipped().get(name)?;
    let compiled = compiling.elapsed();
    let master = MasterTable::from_toml(&std::fs::read_to_string(master)?)?;
    let bytes = std::fs::read(file)?;
    let (start, mut documents, mut events) = (Instant::now(), 0_u32, 0);
    while start.elapsed().as_secs() < 5 {
        events += mapping.import(&bytes, &master)?.events.len();
        documents += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {:.0} documents/s, {:.0} events/s ({} bytes a document; compiled in {:.1} ms)",
        f64::from(documents) / seconds,
        events as f64 / seconds,
        bytes.len(),
        compiled.as_secs_f64() * 1e3
    );
    Ok(())
}
