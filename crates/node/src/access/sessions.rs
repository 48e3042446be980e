//! Signing in, and the sessions that begin there.

use countermark_store::desk::access::{AccountRow, SessionRow};

use super::accounts::folded;
use super::limits::{
    CLOCK_SLACK_MS, HOUR_MS, NAME_CHARS_MAX, PASSWORD_BYTES_MAX, SESSION_HOURS, SESSION_IDLE_HOURS,
    SESSION_NOTE_MS, SESSIONS_MAX,
};
use super::principal::{AccountId, Client, Principal, SignedIn, Via};
use super::role::Role;
use super::secret::{self, Secret};
use super::{AccessError, AccessNote, signed};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

/// How a session was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Password,
    Link,
    OpenId,
}

impl Manner {
    /// As the desk keeps it.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Password => 1,
            Self::Link => 2,
            Self::OpenId => 3,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Password => "sign-in",
            Self::Link => "sign-in by link",
            Self::OpenId => "sign-in by OpenID",
        }
    }
}

/// Whether a session still holds. A session from the future was begun by a clock that was wrong.
fn is_live(session: &SessionRow, now_ms: u64) -> bool {
    let within = |since_ms: i64, most_ms: u64| {
        let since_ms = u64::try_from(since_ms).unwrap_or(0);
        since_ms <= now_ms.saturating_add(CLOCK_SLACK_MS)
            && now_ms.saturating_sub(since_ms) < most_ms
    };
    within(session.created_at_ms, SESSION_HOURS * HOUR_MS)
        // The last use may have been later by what is not written down each time.
        && within(session.used_at_ms, SESSION_IDLE_HOURS * HOUR_MS + SESSION_NOTE_MS)
}

/// Who an account is when he calls; `None` for a disabled account or a role that is unknown here.
pub(super) fn principal_of(row: &AccountRow, via: Via) -> Option<Principal> {
    let role = Role::from_number(row.role).filter(|_| row.disabled_at_ms.is_none())?;
    Principal::new(AccountId(row.id), row.name.clone(), role, row.member, via)
}

impl Node {
    /// Signs in with name and password. The browser's session before ends, a new one begins.
    ///
    /// # Errors
    /// [`AccessError::WrongPassword`] for a wrong password, an unknown name and a disabled account
    /// alike, after the same work; [`AccessError::TooMany`].
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        let name: String = folded(name).chars().take(NAME_CHARS_MAX).collect();
        self.begin_attempt(&name, client)?;
        let row = self.access.desk().account_named(&name).map_err(|e| store_error(&e))?;
        let kept = row.as_ref().and_then(|row| row.password.as_deref());
        let is_right =
            password.len() <= PASSWORD_BYTES_MAX && self.access.hashing.verify(password, kept)?;
        let id = row.as_ref().filter(|row| is_right && row.disabled_at_ms.is_none());
        let Some(id) = id.map(|row| row.id) else {
            self.note_refused_sign_in(&name, client, "wrong name or password")?;
            return Err(AccessError::WrongPassword.into());
        };
        self.end_attempt(&name, client);
        self.session_begin(id, Manner::Password, client)
    }

    /// Counts an attempt to guess a password, or refuses it.
    pub(super) fn begin_attempt(&self, name: &str, client: &Client<'_>) -> Result<(), NodeError> {
        let now_ms = self.now_ms();
        let begun = self.access.attempts().begin(name, client.address, now_ms);
        if let Err(retry_after_ms) = begun {
            self.note_refused_sign_in(name, client, "too many failed sign-ins")?;
            return Err(AccessError::TooMany { retry_after_ms }.into());
        }
        Ok(())
    }

    pub(super) fn end_attempt(&self, name: &str, client: &Client<'_>) {
        let now_ms = self.now_ms();
        self.access.attempts().succeeded(name, client.address, now_ms);
    }

    pub(super) fn note_refused_sign_in(
        &self,
        name: &str,
        client: &Client<'_>,
        reason: &str,
    ) -> Result<(), NodeError> {
        let mut note = AccessNote::refused("sign-in", None, reason).from(client.address);
        note.account = Some(name.to_owned());
        self.note_access(note)
    }

    /// Begins a session of an account, which is read anew: it may have been disabled meanwhile.
    pub(super) fn session_begin(
        &self,
        account: i64,
        manner: Manner,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        let token = Secret::random()?;
        let hash = secret::hash(token.expose()).ok_or(AccessError::WrongPassword)?;
        let principal = {
            let mut desk = self.access.desk();
            let now_ms = self.now_ms();
            let row = desk.account(account).map_err(|e| store_error(&e))?;
            let principal = row.and_then(|row| principal_of(&row, Via::Session));
            let principal = principal.ok_or(AccessError::WrongPassword)?;
            let session = SessionRow {
                token: hash,
                account,
                manner: manner.number(),
                created_at_ms: signed(now_ms),
                used_at_ms: signed(now_ms),
            };
            let previous = client.session.and_then(secret::hash);
            let expired = signed(now_ms.saturating_sub(SESSION_HOURS * HOUR_MS));
            desk.add_session(&session, previous.as_ref(), expired, SESSIONS_MAX)
                .map_err(|e| store_error(&e))?;
            principal
        };
        let note = AccessNote::done(manner.action(), &principal, None);
        self.note_access(note.from(client.address))?;
        Ok(SignedIn { token, principal })
    }

    /// Who calls with a session's token; `None` where it is none or has ended.
    ///
    /// # Errors
    /// Where the desk cannot be read or written.
    pub fn session(&self, token: &str) -> Result<Option<Principal>, NodeError> {
        let Some(hash) = secret::hash(token) else { return Ok(None) };
        let desk = self.access.desk();
        let now_ms = self.now_ms();
        let Some(session) = desk.session(&hash).map_err(|e| store_error(&e))? else {
            return Ok(None);
        };
        if !is_live(&session, now_ms) {
            desk.end_session(&hash).map_err(|e| store_error(&e))?;
            return Ok(None);
        }
        let row = desk.account(session.account).map_err(|e| store_error(&e))?;
        let principal = row.and_then(|row| principal_of(&row, Via::Session));
        if principal.is_some() && signed(now_ms) - session.used_at_ms >= signed(SESSION_NOTE_MS) {
            desk.session_used(&hash, signed(now_ms)).map_err(|e| store_error(&e))?;
        }
        Ok(principal)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Where the desk cannot be written.
    pub fn sign_out(&self, token: &str) -> Result<(), NodeError> {
        let Some(hash) = secret::hash(token) else { return Ok(()) };
        let Some(principal) = self.session(token)? else { return Ok(()) };
        self.access.desk().end_session(&hash).map_err(|e| store_error(&e))?;
        self.note_access(AccessNote::done("sign-out", &principal, None))
    }
}
