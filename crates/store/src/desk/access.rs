//! Accounts, sessions, keys and the access log.
//!
//! The desk keeps no secret: tokens stand here as hashes, passwords as the caller derived them. What
//! roles, permissions and entries mean is not known here.

use rusqlite::{Connection, OptionalExtension, Row, params};

pub use super::access_rows::{AccessRow, AccountRow, ApiKeyRow, LinkFor, LinkRow, SessionRow};
use super::{Desk, DeskError, bounded, fault};

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE account (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL,
    folded_name     TEXT NOT NULL UNIQUE,
    role            INTEGER NOT NULL,
    member          BLOB,
    password        BLOB,
    issuer          TEXT,
    subject         TEXT,
    created_at      INTEGER NOT NULL,
    disabled_at     INTEGER,
    last_sign_in_at INTEGER,
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;
CREATE UNIQUE INDEX account_openid ON account (issuer, subject) WHERE issuer IS NOT NULL;

CREATE TABLE session (
    token      BLOB NOT NULL PRIMARY KEY,
    account    INTEGER NOT NULL,
    manner     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account, created_at);

CREATE TABLE api_key (
    id          TEXT NOT NULL PRIMARY KEY,
    account     INTEGER NOT NULL,
    label       TEXT NOT NULL,
    secret      BLOB NOT NULL,
    permissions INTEGER NOT NULL,
    member      BLOB,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_account ON api_key (account, created_at);

CREATE TABLE link (
    token      BLOB NOT NULL PRIMARY KEY,
    account    INTEGER,
    role       INTEGER,
    member     BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((account IS NULL) = (role IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE access_entry (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    action  TEXT NOT NULL,
    account TEXT,
    via     TEXT,
    target  TEXT,
    address TEXT,
    reason  TEXT,
    times   INTEGER NOT NULL
) STRICT;
CREATE INDEX access_entry_outcome ON access_entry (outcome, id);
CREATE INDEX access_entry_at ON access_entry (at);
";

const ACCOUNT: &str = "id, name, folded_name, role, member, password, issuer, subject, \
                       created_at, disabled_at, last_sign_in_at";
const API_KEY: &str = "id, account, label, secret, permissions, member, created_at, expires_at, \
                       revoked_at, used_at";

/// Accounts.
impl Desk {
    /// Adds an account; gives its number. `None` where one of that name, or of that user of a
    /// provider, is there.
    ///
    /// # Errors
    /// If the file cannot be written or a text is too long.
    pub fn add_account(&self, account: &AccountRow) -> Result<Option<i64>, DeskError> {
        bounded("an account's name", account.name.len().max(account.folded_name.len()))?;
        let (issuer, subject) = account.openid.clone().unzip();
        bounded("an issuer", issuer.as_ref().map_or(0, String::len))?;
        bounded("a subject", subject.as_ref().map_or(0, String::len))?;
        self.run(|connection| {
            let added = connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO account (name, folded_name, role, member, password, \
                     issuer, subject, created_at, disabled_at, last_sign_in_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    account.name,
                    account.folded_name,
                    account.role,
                    account.member,
                    account.password,
                    issuer,
                    subject,
                    account.created_at_ms,
                    account.disabled_at_ms,
                    account.last_sign_in_at_ms,
                ])?;
            Ok((added == 1).then(|| connection.last_insert_rowid()))
        })
    }

    /// The account of a number.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn account(&self, id: i64) -> Result<Option<AccountRow>, DeskError> {
        let query = format!("SELECT {ACCOUNT} FROM account WHERE id = ?1");
        self.run(|c| c.prepare_cached(&query)?.query_row([id], read_account).optional())
    }

    /// The account of a name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn account_named(&self, folded_name: &str) -> Result<Option<AccountRow>, DeskError> {
        let query = format!("SELECT {ACCOUNT} FROM account WHERE folded_name = ?1");
        self.run(|c| c.prepare_cached(&query)?.query_row([folded_name], read_account).optional())
    }

    /// The account of a user of an OpenID provider.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn account_of_openid(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<AccountRow>, DeskError> {
        let query = format!("SELECT {ACCOUNT} FROM account WHERE issuer = ?1 AND subject = ?2");
        self.run(|c| {
            c.prepare_cached(&query)?.query_row([issuer, subject], read_account).optional()
        })
    }

    /// Accounts by number, after this one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn accounts(&self, after: i64, limit: u32) -> Result<Vec<AccountRow>, DeskError> {
        let query = format!("SELECT {ACCOUNT} FROM account WHERE id > ?1 ORDER BY id LIMIT ?2");
        self.run(|c| {
            c.prepare_cached(&query)?.query_map(params![after, limit], read_account)?.collect()
        })
    }

    /// How many accounts there are.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn account_count(&self) -> Result<u32, DeskError> {
        self.run(|c| c.query_row("SELECT count(*) FROM account", [], |row| row.get(0)))
    }

    /// How many accounts of a role are not disabled.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn enabled_count(&self, role: i64) -> Result<u32, DeskError> {
        self.run(|connection| {
            connection.query_row(
                "SELECT count(*) FROM account WHERE role = ?1 AND disabled_at IS NULL",
                [role],
                |row| row.get(0),
            )
        })
    }

    /// Sets an account's role and member.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_account_role(
        &self,
        id: i64,
        role: i64,
        member: Option<[u8; 16]>,
    ) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("UPDATE account SET role = ?2, member = ?3 WHERE id = ?1")?
                .execute(params![id, role, member])
                .map(|_| ())
        })
    }

    /// Sets what was derived from an account's password, and ends its sessions and sign-in links.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_account_password(&mut self, id: i64, password: &[u8]) -> Result<(), DeskError> {
        bounded("a password", password.len())?;
        self.together(|connection| {
            connection
                .execute("UPDATE account SET password = ?2 WHERE id = ?1", params![id, password])?;
            connection.execute("DELETE FROM session WHERE account = ?1", [id])?;
            connection.execute("DELETE FROM link WHERE account = ?1", [id]).map(|_| ())
        })
    }

    /// Disables an account: its sessions and sign-in links end, its API keys are revoked.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn disable_account(&mut self, id: i64, at_ms: i64) -> Result<(), DeskError> {
        self.together(|connection| {
            connection.execute(
                "UPDATE account SET disabled_at = ?2 WHERE id = ?1 AND disabled_at IS NULL",
                [id, at_ms],
            )?;
            connection.execute("DELETE FROM session WHERE account = ?1", [id])?;
            connection.execute("DELETE FROM link WHERE account = ?1", [id])?;
            connection
                .execute(
                    "UPDATE api_key SET revoked_at = ?2 WHERE account = ?1 AND revoked_at IS NULL",
                    [id, at_ms],
                )
                .map(|_| ())
        })
    }

    /// Enables an account again.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn enable_account(&self, id: i64) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .execute("UPDATE account SET disabled_at = NULL WHERE id = ?1", [id])
                .map(|_| ())
        })
    }

    /// Does several things, all or none.
    fn together(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), DeskError> {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            work(&transaction)?;
            transaction.commit()
        };
        run(&mut self.connection).map_err(|error| fault(&self.path, error))
    }
}

/// Sessions.
impl Desk {
    /// Begins a session and notes the sign-in. The session that the caller had before ends, so do
    /// those that began before `expired_before_ms`, and the account's oldest beyond `most`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_session(
        &mut self,
        session: &SessionRow,
        previous: Option<&[u8; 32]>,
        expired_before_ms: i64,
        most: u32,
    ) -> Result<(), DeskError> {
        self.together(|connection| {
            connection.execute("DELETE FROM session WHERE created_at < ?1", [expired_before_ms])?;
            if let Some(previous) = previous {
                connection.execute("DELETE FROM session WHERE token = ?1", [previous])?;
            }
            connection.execute(
                "INSERT INTO session (token, account, manner, created_at, used_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    session.token,
                    session.account,
                    session.manner,
                    session.created_at_ms,
                    session.used_at_ms
                ],
            )?;
            connection.execute(
                "DELETE FROM session WHERE token IN (SELECT token FROM session \
                 WHERE account = ?1 AND token <> ?3 ORDER BY created_at DESC LIMIT -1 OFFSET ?2)",
                params![session.account, most.saturating_sub(1), session.token],
            )?;
            connection
                .execute(
                    "UPDATE account SET last_sign_in_at = ?2 WHERE id = ?1",
                    [session.account, session.created_at_ms],
                )
                .map(|_| ())
        })
    }

    /// The session of a token.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn session(&self, token: &[u8; 32]) -> Result<Option<SessionRow>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT token, account, manner, created_at, used_at FROM session \
                     WHERE token = ?1",
                )?
                .query_row([token], |row| {
                    Ok(SessionRow {
                        token: row.get(0)?,
                        account: row.get(1)?,
                        manner: row.get(2)?,
                        created_at_ms: row.get(3)?,
                        used_at_ms: row.get(4)?,
                    })
                })
                .optional()
        })
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn session_used(&self, token: &[u8; 32], at_ms: i64) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("UPDATE session SET used_at = ?2 WHERE token = ?1")?
                .execute(params![token, at_ms])
                .map(|_| ())
        })
    }

    /// Ends a session; says whether there was one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn end_session(&self, token: &[u8; 32]) -> Result<bool, DeskError> {
        self.run(|connection| {
            let ended = connection.execute("DELETE FROM session WHERE token = ?1", [token])?;
            Ok(ended > 0)
        })
    }
}

/// API keys.
impl Desk {
    /// Adds an API key, and forgets those that ended before `forget_before_ms`.
    ///
    /// # Errors
    /// If the file cannot be written, a text is too long or the id is taken.
    pub fn add_api_key(&mut self, key: &ApiKeyRow, forget_before_ms: i64) -> Result<(), DeskError> {
        bounded("an API key's label", key.label.len().max(key.id.len()))?;
        self.together(|connection| {
            connection.execute(
                "DELETE FROM api_key WHERE expires_at < ?1 OR revoked_at < ?1",
                [forget_before_ms],
            )?;
            connection
                .execute(
                    "INSERT INTO api_key (id, account, label, secret, permissions, member, \
                     created_at, expires_at, revoked_at, used_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    params![
                        key.id,
                        key.account,
                        key.label,
                        key.secret,
                        key.permissions,
                        key.member,
                        key.created_at_ms,
                        key.expires_at_ms,
                        key.revoked_at_ms,
                        key.used_at_ms,
                    ],
                )
                .map(|_| ())
        })
    }

    /// The API key of an id.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn api_key(&self, id: &str) -> Result<Option<ApiKeyRow>, DeskError> {
        let query = format!("SELECT {API_KEY} FROM api_key WHERE id = ?1");
        self.run(|c| c.prepare_cached(&query)?.query_row([id], read_api_key).optional())
    }

    /// API keys, of one account or of all, by account and then by age.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn api_keys(&self, account: Option<i64>, limit: u32) -> Result<Vec<ApiKeyRow>, DeskError> {
        let query = format!(
            "SELECT {API_KEY} FROM api_key WHERE ?1 IS NULL OR account = ?1 \
             ORDER BY account, created_at, id LIMIT ?2"
        );
        self.run(|c| {
            c.prepare_cached(&query)?.query_map(params![account, limit], read_api_key)?.collect()
        })
    }

    /// How many API keys of an account are neither revoked nor expired.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn live_api_keys(&self, account: i64, now_ms: i64) -> Result<u32, DeskError> {
        self.run(|connection| {
            connection.query_row(
                "SELECT count(*) FROM api_key \
                 WHERE account = ?1 AND revoked_at IS NULL AND expires_at > ?2",
                [account, now_ms],
                |row| row.get(0),
            )
        })
    }

    /// Notes that an API key was used.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn api_key_used(&self, id: &str, at_ms: i64) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("UPDATE api_key SET used_at = ?2 WHERE id = ?1")?
                .execute(params![id, at_ms])
                .map(|_| ())
        })
    }

    /// Revokes an API key; says whether it was not revoked before.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn revoke_api_key(&self, id: &str, at_ms: i64) -> Result<bool, DeskError> {
        self.run(|connection| {
            let revoked = connection.execute(
                "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id, at_ms],
            )?;
            Ok(revoked > 0)
        })
    }
}

/// One-time links.
impl Desk {
    /// Adds a one-time link, and forgets those that have expired.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add_link(&mut self, link: &LinkRow) -> Result<(), DeskError> {
        let (account, role, member) = match link.purpose {
            LinkFor::Account(account) => (Some(account), None, None),
            LinkFor::Invitation { role, member } => (None, Some(role), member),
        };
        self.together(|connection| {
            connection.execute("DELETE FROM link WHERE expires_at <= ?1", [link.created_at_ms])?;
            connection
                .execute(
                    "INSERT INTO link (token, account, role, member, created_at, expires_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        link.token,
                        account,
                        role,
                        member,
                        link.created_at_ms,
                        link.expires_at_ms
                    ],
                )
                .map(|_| ())
        })
    }

    /// The link of a token.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn link(&self, token: &[u8; 32]) -> Result<Option<LinkRow>, DeskError> {
        let found = self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT token, account, role, member, created_at, expires_at FROM link \
                     WHERE token = ?1",
                )?
                .query_row([token], read_link)
                .optional()
        })?;
        Ok(found.flatten())
    }

    /// How many links wait to be used.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open_links(&self, now_ms: i64) -> Result<u32, DeskError> {
        self.run(|connection| {
            connection.query_row(
                "SELECT count(*) FROM link WHERE expires_at > ?1",
                [now_ms],
                |row| row.get(0),
            )
        })
    }

    /// Uses a link up; says whether it was there: only one caller is told so.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn spend_link(&self, token: &[u8; 32]) -> Result<bool, DeskError> {
        self.run(|c| Ok(c.execute("DELETE FROM link WHERE token = ?1", [token])? > 0))
    }
}

/// The access log.
impl Desk {
    /// Adds entries to the access log, all or none.
    ///
    /// # Errors
    /// If the file cannot be written or a text is too long.
    pub fn add_access(&mut self, entries: &[AccessRow]) -> Result<(), DeskError> {
        for entry in entries {
            let texts = [&entry.account, &entry.via, &entry.target, &entry.address, &entry.reason];
            let longest = texts.into_iter().flatten().map(String::len).max().unwrap_or(0);
            bounded("an entry of the access log", longest.max(entry.action.len()))?;
        }
        self.together(|connection| {
            let mut insert = connection.prepare_cached(
                "INSERT INTO access_entry \
                 (at, outcome, action, account, via, target, address, reason, times) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for entry in entries {
                insert.execute(params![
                    entry.at_ms,
                    entry.outcome,
                    entry.action,
                    entry.account,
                    entry.via,
                    entry.target,
                    entry.address,
                    entry.reason,
                    entry.times
                ])?;
            }
            Ok(())
        })
    }

    /// Cuts the access log: of each outcome the newest entries stay, none older than `oldest_ms`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn cut_access(&mut self, most: u32, oldest_ms: i64) -> Result<(), DeskError> {
        self.together(|connection| {
            connection.execute("DELETE FROM access_entry WHERE at < ?1", [oldest_ms])?;
            let outcomes: Vec<i64> = connection
                .prepare_cached("SELECT DISTINCT outcome FROM access_entry")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for outcome in outcomes {
                connection.execute(
                    "DELETE FROM access_entry WHERE outcome = ?1 AND id <= \
                     (SELECT id FROM access_entry WHERE outcome = ?1 \
                      ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                    params![outcome, most],
                )?;
            }
            Ok(())
        })
    }

    /// Entries of the access log, newest first; those before a number where one is given.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn access_log(&self, before: Option<i64>, limit: u32) -> Result<Vec<AccessRow>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, at, outcome, action, account, via, target, address, reason, times \
                     FROM access_entry WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![before, limit], |row| {
                    Ok(AccessRow {
                        id: row.get(0)?,
                        at_ms: row.get(1)?,
                        outcome: row.get(2)?,
                        action: row.get(3)?,
                        account: row.get(4)?,
                        via: row.get(5)?,
                        target: row.get(6)?,
                        address: row.get(7)?,
                        reason: row.get(8)?,
                        times: row.get(9)?,
                    })
                })?
                .collect()
        })
    }
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    let (issuer, subject): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    Ok(AccountRow {
        id: row.get(0)?,
        name: row.get(1)?,
        folded_name: row.get(2)?,
        role: row.get(3)?,
        member: row.get(4)?,
        password: row.get(5)?,
        openid: issuer.zip(subject),
        created_at_ms: row.get(8)?,
        disabled_at_ms: row.get(9)?,
        last_sign_in_at_ms: row.get(10)?,
    })
}

fn read_api_key(row: &Row<'_>) -> rusqlite::Result<ApiKeyRow> {
    Ok(ApiKeyRow {
        id: row.get(0)?,
        account: row.get(1)?,
        label: row.get(2)?,
        secret: row.get(3)?,
        permissions: row.get(4)?,
        member: row.get(5)?,
        created_at_ms: row.get(6)?,
        expires_at_ms: row.get(7)?,
        revoked_at_ms: row.get(8)?,
        used_at_ms: row.get(9)?,
    })
}

/// None for a link that is for nothing.
fn read_link(row: &Row<'_>) -> rusqlite::Result<Option<LinkRow>> {
    let (account, role): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
    let purpose = match (account, role) {
        (Some(account), None) => LinkFor::Account(account),
        (None, Some(role)) => LinkFor::Invitation { role, member: row.get(3)? },
        _ => return Ok(None),
    };
    Ok(Some(LinkRow {
        token: row.get(0)?,
        purpose,
        created_at_ms: row.get(4)?,
        expires_at_ms: row.get(5)?,
    }))
}
