//! Every limit of access, in one place.

pub(super) const SECOND_MS: u64 = 1000;
pub(super) const MINUTE_MS: u64 = 60 * SECOND_MS;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// Argon2id of passwords: memory in KiB, passes, lanes (OWASP Password Storage Cheat Sheet).
pub(super) const ARGON2: (u32, u32, u32) = (19_456, 2, 1);
/// Passwords that are hashed at one time; each takes the memory above.
pub(super) const HASHES_AT_ONCE: usize = 4;
/// Characters of a password at least; there is no other rule of composition.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Bytes of a password at most.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Characters of an account's name or of a key's label at most.
pub const NAME_CHARS_MAX: usize = 100;
/// Accounts of a node at most.
pub(super) const ACCOUNTS_MAX: u32 = 10_000;

/// Hours after which a session ends that was not used.
pub const SESSION_IDLE_HOURS: u64 = 8;
/// Hours after which a session ends in any case.
pub const SESSION_HOURS: u64 = 24;
/// Sessions of one account at most; a new one ends the oldest.
pub(super) const SESSIONS_MAX: u32 = 20;
/// A session's last use is written down at most so often: the desk syncs at every write.
pub(super) const SESSION_NOTE_MS: u64 = 5 * MINUTE_MS;
/// A session that begins later than now by more than this was made by a clock that was wrong.
pub(super) const CLOCK_SLACK_MS: u64 = 5 * MINUTE_MS;

/// Days after which an API key ends at the latest.
pub const API_KEY_DAYS_MAX: u64 = 366;
/// API keys of one account that are neither revoked nor expired, at most.
pub(super) const API_KEYS_MAX: u32 = 100;
/// Days for which a key that ended is still listed.
pub(super) const API_KEY_LISTED_DAYS: u64 = 400;
/// An API key's last use is written down at most so often.
pub(super) const API_KEY_NOTE_MS: u64 = HOUR_MS;

/// Hours that a sign-in link lasts where nothing else is said.
pub const SIGN_IN_LINK_HOURS: u64 = 24;
/// Days that an invitation lasts where nothing else is said.
pub const INVITATION_DAYS: u64 = 7;
/// Days that a link lasts at most.
pub const LINK_DAYS_MAX: u64 = 30;
/// Links that wait to be used, at most.
pub(super) const LINKS_MAX: u32 = 1_000;

/// Failed sign-ins before there is a pause, for one name and for one address.
pub(super) const FREE_FAILURES: (u32, u32) = (5, 20);
/// The longest pause, for one name and for one address. A name's is short: others can bring it
/// about, and even so it leaves no more than 1,440 guesses a day.
pub(super) const PAUSE_MAX_MS: (u64, u64) = (MINUTE_MS, 15 * MINUTE_MS);
/// Failures are forgotten after so long.
pub(super) const FAILURES_KEPT_MS: u64 = HOUR_MS;
/// Names and addresses whose failures are remembered, at most; the oldest is forgotten first.
pub(super) const ATTEMPTS_MAX: usize = 10_000;

/// Entries of the access log at most: of refusals, and of everything else.
pub(super) const ACCESS_LOG_MAX: u32 = 100_000;
/// Days that an entry of the access log is kept.
pub(super) const ACCESS_LOG_DAYS: u64 = 400;
/// Entries of one page of the access log at most.
pub const ACCESS_LOG_PAGE_MAX: u32 = 1_000;
/// Refusals are written down together, at most so often.
pub(super) const ACCESS_LOG_WRITE_MS: u64 = SECOND_MS;
/// Different refusals that wait to be written, at most.
pub(super) const ACCESS_LOG_WAITING_MAX: usize = 1_000;
/// Characters of one text of an entry at most.
pub(super) const ACCESS_LOG_CHARS_MAX: usize = 200;
/// The log is cut to its bounds after so many writes.
pub(super) const ACCESS_LOG_CUT_EVERY: u32 = 64;
