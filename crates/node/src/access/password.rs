//! Passwords: what is kept of them, and how one is checked.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::AccessError;
use super::limits::{ARGON2, HASHES_AT_ONCE, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, SECOND_MS};
use crate::error::NodeError;
use crate::keyring;

/// First byte of what is kept: argon2id, version 0x13, with the parameters beside it.
const ARGON2ID: u8 = 1;
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
const HEAD_LEN: usize = 1 + 3 * 4;

/// What is kept of a password, in parts.
struct Kept<'a> {
    salt: &'a [u8],
    parameters: (u32, u32, u32),
    hash: &'a [u8],
}

/// Counts the hashes that are being made: each takes a good deal of memory.
#[derive(Debug, Default)]
pub(super) struct Hashing(AtomicUsize);

struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hashing {
    fn turn(&self) -> Result<Turn<'_>, AccessError> {
        let turn = Turn(&self.0);
        if self.0.fetch_add(1, Ordering::AcqRel) >= HASHES_AT_ONCE {
            return Err(AccessError::TooMany { retry_after_ms: SECOND_MS });
        }
        Ok(turn)
    }

    /// What is kept of a password.
    pub(super) fn derive(&self, password: &str) -> Result<Vec<u8>, NodeError> {
        check(password)?;
        let _turn = self.turn()?;
        let salt = keyring::random::<SALT_LEN>()?;
        let hash = argon2id(password, &salt, ARGON2).ok_or_else(unusable)?;
        let (memory, passes, lanes) = ARGON2;
        let mut kept = vec![ARGON2ID];
        for number in [memory, passes, lanes] {
            kept.extend(number.to_be_bytes());
        }
        kept.extend(salt);
        kept.extend(hash.iter());
        Ok(kept)
    }

    /// Whether the password is the one of which this is kept. Where nothing is kept the work is the
    /// same, and the answer is no.
    pub(super) fn verify(&self, password: &str, kept: Option<&[u8]>) -> Result<bool, AccessError> {
        let _turn = self.turn()?;
        let Some(kept) = kept.and_then(decode) else {
            let _same_work = argon2id(password, &[0; SALT_LEN], ARGON2);
            return Ok(false);
        };
        let hash = argon2id(password, kept.salt, kept.parameters);
        Ok(hash.is_some_and(|hash| bool::from(hash.as_slice().ct_eq(kept.hash))))
    }
}

/// Refuses a password that is too short to keep guesses away, or too long.
fn check(password: &str) -> Result<(), AccessError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(AccessError::Password("a password has at least 12 characters"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(AccessError::Password("a password has at most 1,024 bytes"));
    }
    Ok(())
}

fn unusable() -> NodeError {
    NodeError::Store("the password cannot be hashed: not enough memory".to_owned())
}

fn decode(kept: &[u8]) -> Option<Kept<'_>> {
    let (head, rest) = kept.split_at_checked(HEAD_LEN)?;
    let (salt, hash) = rest.split_at_checked(SALT_LEN)?;
    let number = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let parameters = (number(1)?, number(5)?, number(9)?);
    // A damaged desk must not make us allocate without bound.
    let is_sane = parameters.0 <= 1_048_576 && parameters.1 <= 64 && parameters.2 <= 64;
    let kept = Kept { salt, parameters, hash };
    (head[0] == ARGON2ID && hash.len() == HASH_LEN && is_sane).then_some(kept)
}

fn argon2id(
    password: &str,
    salt: &[u8],
    (memory_kib, passes, lanes): (u32, u32, u32),
) -> Option<Zeroizing<Vec<u8>>> {
    let params = Params::new(memory_kib, passes, lanes, Some(HASH_LEN)).ok()?;
    let mut hash = Zeroizing::new(vec![0; HASH_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "twelve chars";

    #[test]
    fn only_the_password_itself_verifies_and_two_hashes_of_it_differ() {
        let hashing = Hashing::default();
        let kept = hashing.derive(GOOD).unwrap();
        assert_ne!(kept, hashing.derive(GOOD).unwrap());
        assert!(hashing.verify(GOOD, Some(&kept)).unwrap());
        assert!(!hashing.verify("twelve charS", Some(&kept)).unwrap());
        assert!(!hashing.verify(GOOD, None).unwrap());
        assert!(!hashing.verify(GOOD, Some(&kept[..kept.len() - 1])).unwrap());
        assert!(!hashing.verify("", Some(&[])).unwrap());
    }

    #[test]
    fn the_length_of_a_password_is_the_only_rule() {
        for (password, is_taken) in [
            ("elevenchars", false),
            ("aaaaaaaaaaaa", true),
            ("äöüäöüäöüäöü", true),
            ("äöüäöü", false),
            (&*"x".repeat(PASSWORD_BYTES_MAX), true),
            (&*"x".repeat(PASSWORD_BYTES_MAX + 1), false),
        ] {
            assert_eq!(check(password).is_ok(), is_taken, "{password}");
        }
    }

    #[test]
    fn an_unknown_name_costs_as_much_time_as_a_known_one() {
        let hashing = Hashing::default();
        let kept = hashing.derive(GOOD).unwrap();
        let time = |kept: Option<&[u8]>| {
            let mut times: Vec<_> = (0..5)
                .map(|_| {
                    let start = std::time::Instant::now();
                    assert!(!hashing.verify("another one!", kept).unwrap());
                    start.elapsed()
                })
                .collect();
            times.sort();
            times[1]
        };
        let (known, unknown) = (time(Some(&kept)), time(None));
        // Without the work it would be a thousand times.
        assert!(known < unknown * 10 && unknown < known * 10, "{known:?} {unknown:?}");
    }

    #[test]
    fn no_more_hashes_are_made_at_one_time_than_memory_is_set_aside_for() {
        let hashing = Hashing::default();
        let turns: Vec<_> = (0..HASHES_AT_ONCE).map(|_| hashing.turn().unwrap()).collect();
        assert!(matches!(hashing.verify(GOOD, None), Err(AccessError::TooMany { .. })));
        drop(turns);
        assert!(!hashing.verify(GOOD, None).unwrap());
    }
}
