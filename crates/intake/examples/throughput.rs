//! How many documents a second of processor time a mapping takes, read, mapped, resolved and
//! validated, on one thread: `cargo run --release -p countermark-intake --example throughput --
//! x12-856 FILE MASTER_DATA`.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::{Duration, Instant};

use countermark_intake::{Library, MasterTable};

type Fault = Box<dyn std::error::Error>;

/// Processor time of this process where the system tells it, else time since the start.
fn used(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// How often `work` is done in a second of processor time, over three seconds.
fn rate(mut work: impl FnMut() -> Result<(), Fault>) -> Result<f64, Fault> {
    let start = Instant::now();
    let (before, mut count) = (used(start), 0_u32);
    while (used(start) - before) < Duration::from_secs(3) {
        for _ in 0..50 {
            work()?;
        }
        count += 50;
    }
    Ok(f64::from(count) / (used(start) - before).as_secs_f64())
}

fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, file, master] = arguments.as_slice() else {
        return Err("usage: throughput MAPPING FILE MASTER_DATA".into());
    };
    let mapping = Library::shipped().get(name)?;
    let master = MasterTable::from_toml(&std::fs::read_to_string(master)?)?;
    let bytes = std::fs::read(file)?;
    let events = mapping.import(&bytes, &master)?.events.len();
    let reading = rate(|| {
        mapping.read(&bytes)?;
        Ok(())
    })?;
    let all = rate(|| {
        mapping.import(&bytes, &master)?;
        Ok(())
    })?;
    println!(
        "{name}: {all:.0} documents of {} bytes and {events} events a second; reading alone \
         {reading:.0}",
        bytes.len()
    );
    Ok(())
}
