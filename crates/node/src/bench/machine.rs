//! What the system says of itself: none of it is needed, all of it belongs beside a figure.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use countermark_store::disk::{Disk, FileDisk};

use super::report::{Machine, Rate};
use super::{median, milliseconds};
use crate::error::NodeError;
use crate::stores::store_error;

const SYNCS: usize = 20;
const SYNC_BYTES: usize = 4096;

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// Load average of the last minute.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The most memory that this process had so far, in bytes.
pub(super) fn peak_memory() -> Option<u64> {
    let text = field("/proc/self/status", "VmHWM")?;
    text.strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The memory that this process has, in bytes.
pub(super) fn memory() -> Option<u64> {
    let text = field("/proc/self/status", "VmRSS")?;
    text.strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Clock ticks a second in `/proc`: fixed for programs, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// Seconds of processor time that this process took so far, all threads together.
fn processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything; the numbers follow its last parenthesis.
    let mut numbers = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

/// A clock for the time that passes and for that of the processor.
pub(super) struct Stopwatch(Instant, Option<f64>);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now(), processor())
    }

    pub(super) fn rate(&self, events: usize) -> Rate {
        let processor_seconds = processor().zip(self.1).map(|(now, then)| now - then);
        Rate::of(events, self.0.elapsed().as_secs_f64(), processor_seconds)
    }
}

/// The file system of a folder: the last mount on its way.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let on_the_way = mounts.filter(|(place, _)| folder.starts_with(place));
    on_the_way.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_owned())
}

/// The machine before the measurements.
pub(super) fn machine(folder: &Path) -> Result<Machine, NodeError> {
    let disk: Arc<dyn Disk> =
        Arc::new(FileDisk::create(&folder.join("sync")).map_err(|e| store_error(&e))?);
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begin = Instant::now();
        disk.append("probe", &[7; SYNC_BYTES]).map_err(|e| store_error(&e))?;
        disk.sync("probe").map_err(|e| store_error(&e))?;
        times.push(begin.elapsed());
    }
    Ok(Machine {
        processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load_before: load(),
        load_after: None,
        file_system: file_system(folder),
        sync_ms: milliseconds(median(&mut times)),
    })
}
