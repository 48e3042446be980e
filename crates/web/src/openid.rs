//! The OpenID provider that people may sign in by, and the sign-ins that are under way.

use countermark_net::oidc::{Callback, Logins, OidcError, Provider, User};

/// Bytes of the page to go on to that are kept; a longer one becomes the overview.
const NEXT_BYTES_MAX: usize = 2048;
/// Bytes of an invitation's token that are kept; none of ours is longer.
const INVITATION_BYTES_MAX: usize = 128;

/// What belongs to a sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The page to go on to: one of ours.
    pub(crate) next: String,
    /// The token of the invitation that it was begun from.
    pub(crate) invitation: Option<String>,
}

/// Sign-ins wait in memory: what a stranger sends stays small.
impl Kept {
    pub(crate) fn new(next: &str, invitation: Option<&str>) -> Self {
        let next = if next.len() <= NEXT_BYTES_MAX { next } else { "/app" };
        let invitation = invitation.filter(|token| token.len() <= INVITATION_BYTES_MAX);
        Self { next: next.to_owned(), invitation: invitation.map(ToOwned::to_owned) }
    }
}

/// A provider, with the sign-ins that were begun and have not come back.
pub(crate) struct OpenId {
    provider: Provider,
    logins: Logins<Kept>,
}

impl OpenId {
    pub(crate) fn new(provider: Provider) -> Self {
        Self { provider, logins: Logins::default() }
    }

    /// What people know the provider by: the host of its issuer.
    pub(crate) fn host(&self) -> &str {
        let issuer = self.provider.issuer();
        let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// How long somebody has to sign in at the provider, in seconds.
    pub(crate) fn wait_seconds() -> u64 {
        Logins::<Kept>::WAIT.as_secs()
    }

    /// Where to send the browser, and the cookie that says which sign-in it began. Calls the
    /// provider.
    pub(crate) fn begin(&self, back: &str, kept: Kept) -> Result<(String, String), OidcError> {
        let (url, login) = self.provider.begin(back)?;
        Ok((url, self.logins.keep(login, kept)?))
    }

    /// Who came back, and what was kept. Calls the provider.
    pub(crate) fn finish(
        &self,
        cookie: &str,
        callback: &Callback,
        now_s: i64,
    ) -> Result<(User, Kept), OidcError> {
        let (login, kept) = self.logins.take(cookie)?;
        Ok((self.provider.finish(&login, callback, now_s)?, kept))
    }
}
