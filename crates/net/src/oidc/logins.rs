//! Sign-ins that were begun and have not come back: in memory, bounded, each used once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::{Login, OidcError, random};

/// How long a user has to sign in at the provider.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// Sign-ins that wait, at most; the oldest is forgotten first.
const LOGINS_MAX: usize = 1_000;

struct Waiting<T> {
    since: Instant,
    login: Login,
    kept: T,
}

/// The sign-ins that wait. What leads to one is a random text in a cookie of the browser that began
/// it: a callback that comes from another browser finds nothing.
pub struct Logins<T>(Mutex<HashMap<[u8; 32], Waiting<T>>>);

impl<T> Default for Logins<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Logins<T> {
    /// How long a sign-in waits.
    pub const WAIT: Duration = WAIT;

    /// Keeps a sign-in, with something that belongs to it (an invitation, for example); gives the
    /// text for the cookie.
    ///
    /// # Errors
    /// [`OidcError::Random`].
    pub fn keep(&self, login: Login, kept: T) -> Result<String, OidcError> {
        let cookie = random()?;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= LOGINS_MAX {
            waiting.retain(|_, one| one.since.elapsed() < WAIT);
        }
        if waiting.len() >= LOGINS_MAX {
            let oldest = waiting.iter().min_by_key(|(_, one)| one.since).map(|(key, _)| *key);
            oldest.and_then(|oldest| waiting.remove(&oldest));
        }
        waiting.insert(key(&cookie), Waiting { since: Instant::now(), login, kept });
        Ok(cookie)
    }

    /// Takes a sign-in out, with what was kept beside it: it is used once.
    ///
    /// # Errors
    /// [`OidcError::OtherSignIn`] where this browser began none, or too long ago.
    pub fn take(&self, cookie: &str) -> Result<(Login, T), OidcError> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.remove(&key(cookie)).filter(|one| one.since.elapsed() < WAIT);
        found.map(|one| (one.login, one.kept)).ok_or(OidcError::OtherSignIn)
    }
}

fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(state: &str) -> Login {
        let text = |text: &str| text.to_owned();
        Login { state: text(state), nonce: text("n"), verifier: text("v"), redirect_uri: text("r") }
    }

    #[test]
    fn a_sign_in_is_taken_once_and_only_by_the_browser_that_began_it() {
        let logins = Logins::default();
        let cookie = logins.keep(login("one"), Some("invitation")).unwrap();
        let other = logins.keep(login("two"), None).unwrap();
        assert!(matches!(logins.take("something else"), Err(OidcError::OtherSignIn)));
        let (login, kept) = logins.take(&cookie).unwrap();
        assert_eq!((login.state(), kept), ("one", Some("invitation")));
        assert!(matches!(logins.take(&cookie), Err(OidcError::OtherSignIn)));
        assert_eq!(logins.take(&other).unwrap().0.state(), "two");
    }

    #[test]
    fn no_more_wait_than_is_set_and_the_oldest_is_forgotten() {
        let logins = Logins::default();
        let cookies: Vec<String> =
            (0..=LOGINS_MAX).map(|_| logins.keep(login("one"), ()).unwrap()).collect();
        assert_eq!(logins.0.lock().unwrap().len(), LOGINS_MAX);
        assert!(logins.take(&cookies[0]).is_err());
        assert!(logins.take(&cookies[LOGINS_MAX]).is_ok());
    }
}
