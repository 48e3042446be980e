//! Failed sign-ins slow down further ones, for the name that was tried and for the address that
//! tried it. In memory, bounded, and never for good.

use std::collections::HashMap;
use std::net::IpAddr;

use super::limits::{ATTEMPTS_MAX, FAILURES_KEPT_MS, FREE_FAILURES, PAUSE_MAX_MS, SECOND_MS};

/// What is slowed down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    failures: u32,
    last_ms: u64,
    free_at_ms: u64,
}

/// The failed sign-ins that are remembered.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<Key, Kept>);

impl Attempts {
    /// Begins an attempt. It counts as failed until [`Attempts::succeeded`] is told otherwise, so
    /// that attempts at the same time do not escape the count.
    ///
    /// # Errors
    /// In how many milliseconds to try again. A refused attempt does not count.
    pub(super) fn begin(
        &mut self,
        name: &str,
        address: Option<IpAddr>,
        now_ms: u64,
    ) -> Result<(), u64> {
        let keys = keys(name, address);
        let waits = keys.iter().filter_map(|key| {
            let kept = self.live(key, now_ms)?;
            kept.free_at_ms.checked_sub(now_ms).filter(|wait| *wait > 0)
        });
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
        for key in keys {
            let failures = self.live(&key, now_ms).map_or(0, |kept| kept.failures) + 1;
            let free_at_ms = now_ms.saturating_add(pause(&key, failures));
            self.make_room(now_ms, &key);
            self.0.insert(key, Kept { failures, last_ms: now_ms, free_at_ms });
        }
        Ok(())
    }

    /// The attempt that was begun succeeded.
    pub(super) fn succeeded(&mut self, name: &str, address: Option<IpAddr>, now_ms: u64) {
        for key in keys(name, address) {
            match key {
                Key::Name(_) => {
                    self.0.remove(&key);
                }
                // Whoever has one account must not wash away what he tried on others.
                Key::Address(_) => {
                    if let Some(kept) = self.0.get_mut(&key) {
                        kept.failures -= 1;
                        kept.free_at_ms = now_ms;
                    }
                }
            }
        }
    }

    /// What is remembered of a key, unless it is forgotten by now. A clock that was set back
    /// forgets too, lest a pause lasts until it has caught up.
    fn live(&self, key: &Key, now_ms: u64) -> Option<Kept> {
        let age = |kept: &Kept| now_ms.checked_sub(kept.last_ms);
        let kept = self.0.get(key)?;
        age(kept).is_some_and(|age| age <= FAILURES_KEPT_MS).then_some(*kept)
    }

    fn make_room(&mut self, now_ms: u64, key: &Key) {
        if self.0.len() < ATTEMPTS_MAX || self.0.contains_key(key) {
            return;
        }
        let stale: Vec<Key> =
            self.0.keys().filter(|key| self.live(key, now_ms).is_none()).cloned().collect();
        for key in &stale {
            self.0.remove(key);
        }
        if self.0.len() < ATTEMPTS_MAX {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, kept)| kept.last_ms);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            self.0.remove(&oldest);
        }
    }
}

/// An address of IPv6 stands for its network: whoever has one has 2^64 of them. A caller on this
/// machine may be a proxy that speaks for everyone, so its address says nothing.
fn keys(name: &str, address: Option<IpAddr>) -> Vec<Key> {
    let network = address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    });
    let is_local = address.is_some_and(|address| address.to_canonical().is_loopback());
    let network = network.filter(|_| !is_local).map(Key::Address);
    [Some(Key::Name(name.to_owned())), network].into_iter().flatten().collect()
}

/// How long to wait after so many failures: not at all at first, then twice as long each time.
fn pause(key: &Key, failures: u32) -> u64 {
    let (free, most) = match key {
        Key::Name(_) => (FREE_FAILURES.0, PAUSE_MAX_MS.0),
        Key::Address(_) => (FREE_FAILURES.1, PAUSE_MAX_MS.1),
    };
    match failures.checked_sub(free) {
        None | Some(0) => 0,
        Some(beyond) => SECOND_MS.checked_shl((beyond - 1).min(20)).unwrap_or(most).min(most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)));

    #[test]
    fn a_name_is_slowed_down_after_five_failures_and_never_for_longer_than_a_minute() {
        let mut attempts = Attempts::default();
        let mut now = 1_000_000;
        for _ in 0..=FREE_FAILURES.0 {
            attempts.begin("office", None, now).unwrap();
        }
        assert_eq!(attempts.begin("office", None, now), Err(SECOND_MS));
        attempts.begin("quality", None, now).unwrap();
        for _ in 0..40 {
            let wait = attempts.begin("office", None, now).unwrap_err();
            assert!(wait <= PAUSE_MAX_MS.0, "{wait}");
            now += wait;
            attempts.begin("office", None, now).unwrap();
        }
        assert_eq!(attempts.begin("office", None, now), Err(PAUSE_MAX_MS.0));
    }

    #[test]
    fn an_address_is_slowed_down_over_all_names_that_it_tries() {
        let mut attempts = Attempts::default();
        for n in 0..=FREE_FAILURES.1 {
            attempts.begin(&format!("name {n}"), FAR, 5).unwrap();
        }
        assert_eq!(attempts.begin("another", FAR, 5), Err(SECOND_MS));
        attempts.begin("another", None, 5).unwrap();
    }

    #[test]
    fn one_network_of_ipv6_is_one_address_and_this_machine_is_none() {
        let mut attempts = Attempts::default();
        for n in 0..=FREE_FAILURES.1 {
            let address = format!("2001:db8:0:1::{n:x}").parse().ok();
            attempts.begin(&format!("name {n}"), address, 5).unwrap();
            let proxy = "::ffff:127.0.0.1".parse().ok();
            attempts.begin(&format!("local {n}"), proxy, 5).unwrap();
        }
        let near = "2001:db8:0:1:ffff::1".parse().ok();
        assert_eq!(attempts.begin("another", near, 5), Err(SECOND_MS));
        let apart = "2001:db8:0:2::1".parse().ok();
        attempts.begin("another", apart, 5).unwrap();
        attempts.begin("another", "127.0.0.1".parse().ok(), 5).unwrap();
    }

    #[test]
    fn success_frees_the_name_but_not_the_address() {
        let mut attempts = Attempts::default();
        for n in 0..FREE_FAILURES.1 {
            attempts.begin(&format!("name {n}"), FAR, 5).unwrap();
        }
        attempts.begin("office", FAR, 5).unwrap();
        attempts.succeeded("office", FAR, 5);
        attempts.begin("name 1", FAR, 5).unwrap();
        assert!(attempts.begin("name 2", FAR, 5).is_err());
    }

    #[test]
    fn failures_are_forgotten_after_an_hour_and_when_the_clock_is_set_back() {
        let mut attempts = Attempts::default();
        for _ in 0..=FREE_FAILURES.0 {
            attempts.begin("office", None, 9_000_000).unwrap();
            attempts.begin("quality", None, 9_000_000).unwrap();
        }
        attempts.begin("office", None, 9_000_000 + FAILURES_KEPT_MS + 1).unwrap();
        attempts.begin("office", None, 9_000_000 + FAILURES_KEPT_MS + 1).unwrap();
        attempts.begin("quality", None, 1_000).unwrap();
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_oldest() {
        let mut attempts = Attempts::default();
        for n in 0..ATTEMPTS_MAX as u64 + 50 {
            attempts.begin(&format!("name {n}"), None, 1000 + n).unwrap();
        }
        assert_eq!(attempts.0.len(), ATTEMPTS_MAX);
        assert!(!attempts.0.contains_key(&Key::Name("name 0".to_owned())));
        assert!(attempts.0.contains_key(&Key::Name("name 50".to_owned())));
    }
}
