//! What the desk keeps of accounts, sessions, keys, links and the access log, row by row.

/// An account as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its number; 0 until it is added.
    pub id: i64,
    /// Its name, as shown.
    pub name: String,
    /// Its name, as compared.
    pub folded_name: String,
    /// Its role.
    pub role: i64,
    /// The member that it is bound to.
    pub member: Option<[u8; 16]>,
    /// What was derived from its password.
    pub password: Option<Vec<u8>>,
    /// The OpenID provider's issuer and subject.
    pub openid: Option<(String, String)>,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// Since when it is disabled.
    pub disabled_at_ms: Option<i64>,
    /// When somebody last signed in with it.
    pub last_sign_in_at_ms: Option<i64>,
}

/// A session as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of its token.
    pub token: [u8; 32],
    /// Whose it is.
    pub account: i64,
    /// How it was begun.
    pub manner: i64,
    /// When it was begun, Unix milliseconds.
    pub created_at_ms: i64,
    /// When it was last used, as far as that was written down.
    pub used_at_ms: i64,
}

/// An API key as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its public id.
    pub id: String,
    /// Whose it is.
    pub account: i64,
    /// What it is for, as its maker words it.
    pub label: String,
    /// SHA-256 of its secret.
    pub secret: [u8; 32],
    /// What it allows.
    pub permissions: i64,
    /// The member that it is bound to.
    pub member: Option<[u8; 16]>,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// Since when it is revoked.
    pub revoked_at_ms: Option<i64>,
    /// When it was last used, as far as that was written down.
    pub used_at_ms: Option<i64>,
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFor {
    /// Signing in with an account.
    Account(i64),
    /// Making an account.
    Invitation {
        /// Its role.
        role: i64,
        /// Its member.
        member: Option<[u8; 16]>,
    },
}

/// A one-time link as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// SHA-256 of its token.
    pub token: [u8; 32],
    /// What it is for.
    pub purpose: LinkFor,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
}

/// An entry of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// Its number; 0 until it is added.
    pub id: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// How it ended.
    pub outcome: i64,
    /// What was tried.
    pub action: String,
    /// The account's name.
    pub account: Option<String>,
    /// How the caller showed who he is.
    pub via: Option<String>,
    /// What it was tried on.
    pub target: Option<String>,
    /// The caller's address.
    pub address: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// How often the same happened at that time.
    pub times: i64,
}
