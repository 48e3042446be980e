//! Requests counted per caller, in windows of a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::COUNTED_CALLERS_MAX;

const WINDOW: Duration = Duration::from_secs(60);

struct Window {
    begun: Instant,
    count: u32,
}

/// Counts of callers in the current minute. When there are too many callers, those whose minute is
/// over are forgotten; where that frees nothing, everybody's count begins anew.
pub(crate) struct Rate<K> {
    most: u32,
    windows: Mutex<HashMap<K, Window>>,
}

impl<K: Eq + Hash> Rate<K> {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, windows: Mutex::new(HashMap::new()) }
    }

    /// Counts a request; `Err` says after how long the next one is taken.
    pub(crate) fn count(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= COUNTED_CALLERS_MAX && !windows.contains_key(&key) {
            windows.retain(|_, window| now.duration_since(window.begun) < WINDOW);
            if windows.len() >= COUNTED_CALLERS_MAX {
                windows.clear();
            }
        }
        let window = windows.entry(key).or_insert(Window { begun: now, count: 0 });
        let age = now.duration_since(window.begun);
        if age >= WINDOW {
            *window = Window { begun: now, count: 0 };
        }
        if window.count >= self.most {
            return Err(WINDOW.saturating_sub(age).max(Duration::from_secs(1)));
        }
        window.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_held_back_for_the_rest_of_its_minute_and_nobody_else_is() {
        let rate = Rate::new(2);
        let now = Instant::now();
        assert!(rate.count("a", now).is_ok());
        assert!(rate.count("a", now).is_ok());
        let wait = rate.count("a", now + Duration::from_secs(20)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(40));
        assert!(rate.count("b", now).is_ok());
        assert!(rate.count("a", now + WINDOW).is_ok());
    }

    #[test]
    fn the_table_of_callers_is_bounded() {
        let rate = Rate::new(1);
        let now = Instant::now();
        for caller in 0..COUNTED_CALLERS_MAX + 10 {
            assert!(rate.count(caller, now).is_ok());
        }
        assert!(rate.windows.lock().unwrap().len() <= COUNTED_CALLERS_MAX);
    }
}
