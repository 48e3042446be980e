//! The node's clock, and whether the system itself vouches for a jump of it.
//!
//! A block whose time lies over an hour after its parent's needs a confirmation on the ledger: a
//! clock that was set wrong must not become history unseen. But a night without a submission is no
//! jump. The system counts the time since it was started apart from the wall clock, and setting the
//! clock does not change that count. So the node notes on its desk what both said at a block; where
//! both went on by the same amount since, the clock was not set in between and the node confirms by
//! itself (on the ledger, where everyone sees it). After a restart of the system the count begins
//! anew and somebody has to look: `countermark confirm-clock`.
//!
//! `/proc` is asked here, as the clock is: it is the operating system that answers, no file of ours.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use countermark_epcis::time::Instant;

const MINUTE_MS: u64 = 60 * 1000;
/// How far apart the two counts may have come where the clock counts as not set.
const AGREEMENT_MS: u64 = 5 * MINUTE_MS;
/// A note that is older than this is made anew at the next block.
const NOTE_AGE_MS: u64 = 20 * MINUTE_MS;
/// A note that the clock does not follow by so much is made anew at the next block.
const NOTE_DRIFT_MS: u64 = MINUTE_MS;
/// A clock that is behind the last block by more than this is worth a word.
const BEHIND_MS: u64 = 5 * MINUTE_MS;
/// Name of the desk's setting that holds the note.
pub(crate) const NOTE_SETTING: &str = "clock";

/// What the system says of time at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The wall clock: Unix milliseconds.
    pub(crate) wall_ms: u64,
    /// Time since the system was started, where it tells.
    pub(crate) boot: Option<Boot>,
}

/// Time since the system was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boot {
    /// Another one after each start.
    pub(crate) id: String,
    /// Milliseconds since then, sleep included.
    pub(crate) since_ms: u64,
}

/// Reads the clock.
#[derive(Clone)]
pub(crate) struct ClockSource(Arc<dyn Fn() -> Reading + Send + Sync>);

impl ClockSource {
    /// The system's clock.
    pub(crate) fn system() -> Self {
        Self::new(|| Reading { wall_ms: system_ms(), boot: system_boot() })
    }

    /// Any other clock.
    pub(crate) fn new(read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> Reading {
        (self.0)()
    }

    /// The wall clock alone: Unix milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.read().wall_ms
    }
}

fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Linux tells; elsewhere the answer is `None` and a jump is confirmed by hand.
fn system_boot() -> Option<Boot> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    Some(Boot { id: plain_id(id.trim())?, since_ms: parse_uptime(&uptime)? })
}

fn plain_id(id: &str) -> Option<String> {
    let plain = !id.is_empty() && id.len() <= 64 && !id.contains(char::is_whitespace);
    plain.then(|| id.to_owned())
}

/// Seconds with two decimals come first: `350735.47 234388.90`.
fn parse_uptime(text: &str) -> Option<u64> {
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = (hundredths.len() == 2).then(|| hundredths.parse().ok())??;
    seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(hundredths * 10)
}

/// What wall clock and time since start said at one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    boot: Boot,
    wall_ms: u64,
}

impl Note {
    /// `None` where the system tells no time since its start.
    pub(crate) fn of(reading: &Reading) -> Option<Self> {
        let boot = reading.boot.clone()?;
        Some(Self { boot, wall_ms: reading.wall_ms })
    }

    /// As the desk keeps it: boot, milliseconds since, Unix milliseconds.
    pub(crate) fn encode(&self) -> Vec<u8> {
        format!("{} {} {}", self.boot.id, self.boot.since_ms, self.wall_ms).into_bytes()
    }

    /// `None` for anything else than what [`Note::encode`] gives.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
        let (id, since, wall) = (words.next()?, words.next()?, words.next()?);
        let boot = Boot { id: plain_id(id)?, since_ms: since.parse().ok()? };
        let note = Self { boot, wall_ms: wall.parse().ok()? };
        words.next().is_none().then_some(note)
    }

    /// How long ago the note was made and how far the clock has come apart from it since, by the
    /// time since start; `None` where that count began anew.
    fn since(&self, now: &Reading) -> Option<(u64, u64)> {
        let boot = now.boot.as_ref().filter(|boot| boot.id == self.boot.id)?;
        let age = boot.since_ms.checked_sub(self.boot.since_ms)?;
        Some((age, now.wall_ms.abs_diff(self.wall_ms.saturating_add(age))))
    }

    /// Whether the clock went on as the time since start did: it was not set in between.
    pub(crate) fn vouches_for(&self, now: &Reading) -> bool {
        self.since(now).is_some_and(|(_, drift)| drift <= AGREEMENT_MS)
    }

    /// Whether the note still says all that a new one would. The desk syncs at every write, so one
    /// is not written at each block, but as soon as it would say something else.
    pub(crate) fn is_current(&self, now: &Reading) -> bool {
        let said = self.since(now);
        said.is_some_and(|(age, drift)| age <= NOTE_AGE_MS && drift <= NOTE_DRIFT_MS)
    }
}

/// How far the clock is behind the last block, where that is worth a word.
pub(crate) fn behind(parent_ms: Option<u64>, now_ms: u64) -> Option<u64> {
    let behind = parent_ms?.saturating_sub(now_ms);
    (behind > BEHIND_MS).then_some(behind)
}

/// A time as people read it.
pub(crate) fn moment(unix_ms: u64) -> String {
    Instant::format_ms(i64::try_from(unix_ms).unwrap_or(i64::MAX))
}

/// A span of time in its two greatest units: `9 h 12 min`.
pub(crate) fn span(ms: u64) -> String {
    let minutes = ms / MINUTE_MS;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 60 * MINUTE_MS;

    fn reading(boot: &str, since_ms: u64, wall_ms: u64) -> Reading {
        Reading { wall_ms, boot: Some(Boot { id: boot.to_owned(), since_ms }) }
    }

    fn note() -> Note {
        Note::of(&reading("a", 1_000, 1_000_000_000)).unwrap()
    }

    #[test]
    fn a_note_reads_as_it_was_written_and_nothing_else_is_a_note() {
        assert_eq!(Note::decode(&note().encode()), Some(note()));
        for other in ["", "a", "a 1", "a 1 x", "a 1 2 3", " 1 2", "a 1 -2"] {
            assert_eq!(Note::decode(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_clock_that_ran_through_the_night_is_vouched_for() {
        let night = 12 * HOUR_MS;
        assert!(note().vouches_for(&reading("a", 1_000 + night, 1_000_000_000 + night)));
        let corrected = 1_000_000_000 + night - 4 * MINUTE_MS;
        assert!(note().vouches_for(&reading("a", 1_000 + night, corrected)));
    }

    #[test]
    fn a_clock_that_was_set_or_a_system_that_was_restarted_is_not_vouched_for() {
        let night = 12 * HOUR_MS;
        let wall = 1_000_000_000 + night;
        assert!(!note().vouches_for(&reading("a", 61_000, wall)), "set forward by twelve hours");
        assert!(!note().vouches_for(&reading("a", 1_000 + night, wall + 6 * MINUTE_MS)));
        assert!(!note().vouches_for(&reading("b", 1_000 + night, wall)), "restarted");
        assert!(!note().vouches_for(&reading("a", 500, wall)), "the count went back");
        assert!(!note().vouches_for(&Reading { wall_ms: wall, boot: None }));
    }

    #[test]
    fn a_note_is_made_anew_when_it_is_old_or_the_clock_was_set() {
        let at = |age: u64, drift: u64| reading("a", 1_000 + age, 1_000_000_000 + age + drift);
        assert!(note().is_current(&at(MINUTE_MS, 0)));
        assert!(!note().is_current(&at(NOTE_AGE_MS + 1, 0)));
        assert!(!note().is_current(&at(MINUTE_MS, 2 * MINUTE_MS)));
        assert!(!note().is_current(&reading("b", 1_000, 1_000_000_000)));
    }

    #[test]
    fn the_system_s_time_since_start_is_read() {
        assert_eq!(parse_uptime("350735.47 234388.90\n"), Some(350_735_470));
        for other in ["", "12", "12.", "12.3 4", "x.12", "-1.00"] {
            assert_eq!(parse_uptime(other), None, "{other}");
        }
    }

    #[test]
    fn a_clock_a_little_behind_is_not_worth_a_word() {
        assert_eq!(behind(Some(10 * MINUTE_MS), 5 * MINUTE_MS), None);
        assert_eq!(behind(Some(10 * MINUTE_MS), MINUTE_MS), Some(9 * MINUTE_MS));
        assert_eq!(behind(None, 0), None);
    }

    #[test]
    fn spans_are_told_in_their_two_greatest_units() {
        assert_eq!(span(59_999), "0 min");
        assert_eq!(span(9 * HOUR_MS + 12 * MINUTE_MS), "9 h 12 min");
        assert_eq!(span(50 * HOUR_MS), "2 d 2 h");
    }
}
