//! Processor time of other processes, as the system tells it.

use std::fs;

/// Clock ticks a second in `/proc`: fixed for programs, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// Parent and ticks of a process: its own, and those of children that it waited for.
fn ticks(process: u32) -> Option<(u32, f64, f64)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything; the numbers follow its last parenthesis.
    let numbers: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| numbers.get(at)?.parse::<f64>().ok();
    let parent = numbers.get(1)?.parse().ok()?;
    Some((parent, number(11)? + number(12)?, number(13)? + number(14)?))
}

/// Seconds of processor time that a process and its children took so far.
pub(super) fn processor_seconds(process: u32) -> Option<f64> {
    let (_, own, waited_for) = ticks(process)?;
    let others = fs::read_dir("/proc").ok()?.flatten();
    let others = others.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = others.filter_map(ticks).filter(|(parent, ..)| *parent == process);
    let children: f64 = children.map(|(_, own, waited_for)| own + waited_for).sum();
    Some((own + waited_for + children) / TICKS)
}
