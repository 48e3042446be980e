//! What the system says of itself: none of it is needed, all of it belongs beside a figure.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use countermark_store::disk::{Disk, FileDisk};

use super::{median, report::Machine};
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
        load: (load(), None),
        folder: folder.display().to_string(),
        file_system: file_system(folder).unwrap_or_default(),
        sync_ms: median(&mut times).as_secs_f64() * 1e3,
    })
}
