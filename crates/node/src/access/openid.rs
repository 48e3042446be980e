//! Accounts of users whom an OpenID provider vouches for.
//!
//! An account is bound to issuer and subject, never to an e-mail address: some providers let their
//! users claim any. The binding is made with the account, or by an invitation.

use super::accounts::{folded, is_hidden};
use super::limits::NAME_CHARS_MAX;
use super::principal::{Client, SignedIn};
use super::sessions::Manner;
use super::{AccessError, OpenIdName};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

/// Users of one name that are told apart by a number.
const NUMBERS_MAX: u32 = 99;
/// Characters of such a number with its space and brackets.
const NUMBER_CHARS: usize = 5;

/// A user as a checked ID token names him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdUser {
    /// The provider.
    pub issuer: String,
    /// The user's id there.
    pub subject: String,
    /// What the provider calls him; only shown, and the account's name where an invitation is used.
    pub name: Option<String>,
}

impl Node {
    /// Signs in a user whom an OpenID provider vouches for. An invitation makes his account, where
    /// he has none yet.
    ///
    /// # Errors
    /// [`AccessError::NotInvited`], [`AccessError::LinkSpent`], [`AccessError::Exists`],
    /// [`AccessError::WrongPassword`] for a disabled account.
    pub fn openid_sign_in(
        &self,
        user: &OpenIdUser,
        invitation: Option<&str>,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        let found = self.access.desk().account_of_openid(&user.issuer, &user.subject);
        if let Some(row) = found.map_err(|e| store_error(&e))? {
            if row.disabled_at_ms.is_some() {
                self.note_refused_sign_in(&row.name, client, "the account is disabled")?;
            }
            return self.session_begin(row.id, Manner::OpenId, client);
        }
        let Some(invitation) = invitation else {
            let name = format!("{} at {}", user.subject, user.issuer);
            self.note_refused_sign_in(&name, client, "nobody invited this OpenID user")?;
            return Err(AccessError::NotInvited.into());
        };
        let (issuer, subject) = (user.issuer.clone(), user.subject.clone());
        let name = self.free_name(user.name.as_deref().unwrap_or(&user.subject))?;
        let openid = Some(OpenIdName { issuer, subject });
        self.invited(invitation, &name, None, openid, Manner::OpenId, client)
    }

    /// The provider's name for a user as an account's name: what no name may hold is left out, and
    /// where another account has it, a number is added. He cannot choose another one there.
    fn free_name(&self, given: &str) -> Result<String, NodeError> {
        let short: String = given.chars().filter(|c| !is_hidden(*c)).take(NAME_CHARS_MAX).collect();
        let short = if short.trim().is_empty() { "OpenID user" } else { short.trim() };
        let cut: String = short.chars().take(NAME_CHARS_MAX - NUMBER_CHARS).collect();
        let numbered = (2..=NUMBERS_MAX).map(|number| format!("{} ({number})", cut.trim_end()));
        for name in std::iter::once(short.to_owned()).chain(numbered) {
            let taken = self.access.desk().account_named(&folded(&name));
            if taken.map_err(|e| store_error(&e))?.is_none() {
                return Ok(name);
            }
        }
        let what =
            format!("99 accounts are named \"{short}\" already; ask an owner for a sign-in link");
        Err(AccessError::Exists(what).into())
    }
}
