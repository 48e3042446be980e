//! One-time links: to sign in, or to make an account by invitation. Looking at one does not use it
//! up, as mail programs look at links before people do.

use countermark_store::desk::access::{LinkFor, LinkRow};
use serde::{Deserialize, Serialize};

use super::accounts::{check_binding, folded};
use super::limits::{
    DAY_MS, HOUR_MS, INVITATION_DAYS, LINK_DAYS_MAX, LINKS_MAX, SIGN_IN_LINK_HOURS,
};
use super::principal::{Client, Principal, SignedIn};
use super::role::{Permission, Role};
use super::secret::{self, Secret};
use super::sessions::Manner;
use super::{AccessError, AccessNote, signed, time};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

/// Name of the account that is made where a node has no owner.
const FIRST_OWNER: &str = "owner";

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LinkPurpose {
    /// To sign in with an account.
    SignIn {
        /// Its name.
        account: String,
    },
    /// To make an account.
    Invitation {
        /// Its role.
        role: Role,
        /// Name of its member.
        member: Option<String>,
    },
}

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// How long it lasts; a day for a sign-in link and a week for an invitation where not given.
    pub ttl_ms: Option<u64>,
}

/// A link that was made. Its token is shown this one time.
#[derive(Debug, Clone)]
pub struct LinkMade {
    /// What goes behind `/sign-in/link/` or `/invitation/`.
    pub token: Secret,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Until when it holds, RFC 3339.
    pub expires_at: String,
}

impl LinkMade {
    /// The path of the page that uses it.
    #[must_use]
    pub fn path(&self) -> String {
        let page = match self.purpose {
            LinkPurpose::SignIn { .. } => "/sign-in/link",
            LinkPurpose::Invitation { .. } => "/invitation",
        };
        format!("{page}/{}", self.token.expose())
    }
}

/// What a link is for and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Until when it holds, RFC 3339.
    pub expires_at: String,
}

impl Node {
    /// Makes a one-time link.
    ///
    /// # Errors
    /// [`AccessError`]: the account or the member is not there, too long, too many, or the caller
    /// may not.
    pub fn link_make(&self, by: &Principal, new: &NewLink) -> Result<LinkMade, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let (purpose, usual_ms, target) = match &new.purpose {
            LinkPurpose::SignIn { account } => {
                let row = self.account_row(account)?;
                if row.disabled_at_ms.is_some() {
                    let what = format!("the account \"{}\" is disabled; enable it first", row.name);
                    return Err(AccessError::Invalid(what).into());
                }
                (LinkFor::Account(row.id), SIGN_IN_LINK_HOURS * HOUR_MS, row.name)
            }
            LinkPurpose::Invitation { role, member } => {
                let id = member.as_deref().map(|name| self.member_named(name)).transpose()?;
                check_binding(*role, id)?;
                let purpose = LinkFor::Invitation { role: role.number(), member: id };
                (purpose, INVITATION_DAYS * DAY_MS, role.to_string())
            }
        };
        let made = self.link_insert(purpose, new, usual_ms)?;
        let action = match new.purpose {
            LinkPurpose::SignIn { .. } => "sign-in link made",
            LinkPurpose::Invitation { .. } => "invitation made",
        };
        self.note_access(AccessNote::done(action, by, Some(&target)))?;
        Ok(made)
    }

    fn link_insert(
        &self,
        purpose: LinkFor,
        new: &NewLink,
        usual_ms: u64,
    ) -> Result<LinkMade, NodeError> {
        let ttl_ms = new.ttl_ms.unwrap_or(usual_ms);
        if ttl_ms == 0 || ttl_ms > LINK_DAYS_MAX * DAY_MS {
            let rule = "a one-time link lasts up to 30 days".to_owned();
            return Err(AccessError::Invalid(rule).into());
        }
        let token = Secret::random()?;
        let hash = secret::hash(token.expose()).ok_or(AccessError::LinkSpent)?;
        let mut desk = self.access.desk();
        let now_ms = self.now_ms();
        if desk.open_links(signed(now_ms)).map_err(|e| store_error(&e))? >= LINKS_MAX {
            let rule = "1,000 one-time links wait to be used, that is as many as can be; try again \
                        when some have expired";
            return Err(AccessError::Invalid(rule.to_owned()).into());
        }
        let expires_at_ms = signed(now_ms.saturating_add(ttl_ms));
        let created_at_ms = signed(now_ms);
        let row = LinkRow { token: hash, purpose, created_at_ms, expires_at_ms };
        desk.add_link(&row).map_err(|e| store_error(&e))?;
        let purpose = new.purpose.clone();
        Ok(LinkMade { token, purpose, expires_at: time(expires_at_ms) })
    }

    /// A sign-in link for the first owner, who is made where there is none. `None` where an owner
    /// can sign in already: has a password, an OpenID provider, or has signed in before.
    ///
    /// # Errors
    /// Where the desk cannot be read or written.
    pub fn first_owner_link(&self) -> Result<Option<LinkMade>, NodeError> {
        let local = Principal::local();
        let accounts = self.account_list(&local)?;
        let owners = || accounts.iter().filter(|one| one.role == Role::Owner && !one.disabled);
        let is_settled = owners()
            .any(|one| one.has_password || one.openid.is_some() || one.last_sign_in_at.is_some());
        if is_settled {
            return Ok(None);
        }
        let account = match owners().next() {
            Some(owner) => owner.name.clone(),
            None => {
                let taken = |name: &str| accounts.iter().any(|one| folded(&one.name) == name);
                let names = (1..).map(|n| match n {
                    1 => FIRST_OWNER.to_owned(),
                    n => format!("{FIRST_OWNER} {n}"),
                });
                let name = names.into_iter().find(|name| !taken(name)).unwrap_or_default();
                let row = self.account_insert(&name, Role::Owner, None, None, None)?;
                self.note_access(AccessNote::done("account added", &local, Some(&row.name)))?;
                row.name
            }
        };
        let new = NewLink { purpose: LinkPurpose::SignIn { account }, ttl_ms: None };
        self.link_make(&local, &new).map(Some)
    }

    /// What a link is for; `None` where it was used or has expired. It is not used up by this.
    ///
    /// # Errors
    /// Where the desk cannot be read.
    pub fn link_look(&self, token: &str) -> Result<Option<LinkView>, NodeError> {
        let Some(link) = self.link_row(token)? else { return Ok(None) };
        let purpose = match link.purpose {
            LinkFor::Account(id) => {
                let row = self.access.desk().account(id).map_err(|e| store_error(&e))?;
                row.map(|row| LinkPurpose::SignIn { account: row.name })
            }
            LinkFor::Invitation { role, member } => {
                let member = member.map(|id| self.member_name(&id));
                Role::from_number(role).map(|role| LinkPurpose::Invitation { role, member })
            }
        };
        let expires_at = time(link.expires_at_ms);
        Ok(purpose.map(|purpose| LinkView { purpose, expires_at }))
    }

    /// Signs in by a sign-in link, which is used up.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`].
    pub fn link_use(&self, token: &str, client: &Client<'_>) -> Result<SignedIn, NodeError> {
        let link = self.link_row(token)?;
        let account = match link.as_ref().map(|link| link.purpose) {
            Some(LinkFor::Account(account)) => account,
            _ => return self.refuse_link(client),
        };
        if !self.link_spend(token)? {
            return self.refuse_link(client);
        }
        self.session_begin(account, Manner::Link, client)
    }

    /// Makes the account that an invitation is for, with a password, and signs in. The invitation
    /// is used up, unless name or password are refused.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`], [`AccessError::Exists`], [`AccessError::Password`],
    /// [`AccessError::Invalid`].
    pub fn invitation_use(
        &self,
        token: &str,
        name: &str,
        password: &str,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        if self.link_row(token)?.is_none() {
            return self.refuse_link(client);
        }
        let kept = self.access.hashing.derive(password)?;
        self.invited(token, name, Some(kept), None, Manner::Password, client)
    }

    /// Makes the account that an invitation is for.
    pub(super) fn invited(
        &self,
        token: &str,
        name: &str,
        password: Option<Vec<u8>>,
        openid: Option<super::OpenIdName>,
        manner: Manner,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        let invitation = match self.link_row(token)?.map(|link| link.purpose) {
            Some(LinkFor::Invitation { role, member }) => {
                Role::from_number(role).map(|role| (role, member))
            }
            _ => None,
        };
        let Some((role, member)) = invitation else { return self.refuse_link(client) };
        super::accounts::check_text("the account's name", name)?;
        let taken = self.access.desk().account_named(&folded(name));
        if taken.map_err(|e| store_error(&e))?.is_some() {
            let what = format!("an account \"{name}\" is there already; choose another name");
            return Err(AccessError::Exists(what).into());
        }
        // Used up before the account is there: of two callers at one time, one is refused.
        if !self.link_spend(token)? {
            return self.refuse_link(client);
        }
        let row = self.account_insert(name, role, member, password, openid)?;
        let signed_in = self.session_begin(row.id, manner, client)?;
        let by = &signed_in.principal;
        let note = AccessNote::done("account made by invitation", by, Some(&row.name));
        self.note_access(note.from(client.address))?;
        Ok(signed_in)
    }

    fn link_row(&self, token: &str) -> Result<Option<LinkRow>, NodeError> {
        let Some(hash) = secret::hash(token) else { return Ok(None) };
        let desk = self.access.desk();
        let now = signed(self.now_ms());
        let link = desk.link(&hash).map_err(|e| store_error(&e))?;
        Ok(link.filter(|link| link.expires_at_ms > now))
    }

    fn link_spend(&self, token: &str) -> Result<bool, NodeError> {
        let Some(hash) = secret::hash(token) else { return Ok(false) };
        self.access.desk().spend_link(&hash).map_err(|e| store_error(&e))
    }

    fn refuse_link<T>(&self, client: &Client<'_>) -> Result<T, NodeError> {
        let note = AccessNote::refused("one-time link", None, "used before, expired, or none");
        self.note_access(note.from(client.address))?;
        Err(AccessError::LinkSpent.into())
    }
}
