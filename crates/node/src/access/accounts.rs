//! Accounts: made, listed, changed.

use countermark_ledger::ids::MemberId;
use countermark_store::desk::access::AccountRow;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::limits::{ACCOUNTS_MAX, NAME_CHARS_MAX};
use super::principal::{AccountId, Client, Principal, SignedIn, Via};
use super::role::{Permission, Role};
use super::sessions::Manner;
use super::{AccessError, AccessNote, secret, signed, time};
use crate::error::NodeError;
use crate::node::Node;
use crate::stores::store_error;

/// A user of an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIdName {
    /// The provider.
    pub issuer: String,
    /// The user's id there.
    pub subject: String,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Name of the member that it is bound to.
    pub member: Option<String>,
    /// Its password; without one a sign-in link opens it, or an OpenID provider.
    pub password: Option<Zeroizing<String>>,
    /// The user of an OpenID provider that it belongs to.
    pub openid: Option<OpenIdName>,
}

/// An account as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Name of the member that it is bound to.
    pub member: Option<String>,
    /// Whether it is disabled: nobody signs in with it.
    pub disabled: bool,
    /// Whether it has a password.
    pub has_password: bool,
    /// The user of an OpenID provider that it belongs to.
    pub openid: Option<OpenIdName>,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When somebody last signed in with it, RFC 3339.
    pub last_sign_in_at: Option<String>,
}

/// A name as it is compared.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Characters that nobody sees: two names could look alike.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Refuses names and labels that cannot be shown safely: they stand in logs and pages.
pub(super) fn check_text(what: &str, text: &str) -> Result<(), AccessError> {
    let fault = |rule: &str| Err(AccessError::Invalid(format!("{what} {rule}")));
    if text.is_empty() {
        return fault("is empty");
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return fault("has more than 100 characters");
    }
    if text.trim() != text || text.chars().any(is_hidden) {
        return fault("must have no outer spaces and no control characters");
    }
    Ok(())
}

/// Which roles are bound to a member.
pub(super) fn check_binding(role: Role, member: Option<MemberId>) -> Result<(), AccessError> {
    let fault = |rule: &str| Err(AccessError::Invalid(rule.to_owned()));
    match (role, member) {
        (Role::MemberUser, None) => fault("a member-user belongs to a member: name it"),
        (Role::Owner | Role::Operator, Some(_)) => {
            fault("owners and operators run the whole node; they are bound to no member")
        }
        _ => Ok(()),
    }
}

impl Node {
    /// Makes an account.
    ///
    /// # Errors
    /// [`AccessError`]: the name is taken, the password is too short, the caller may not.
    pub fn account_add(&self, by: &Principal, new: &NewAccount) -> Result<AccountView, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let member = new.member.as_deref().map(|name| self.member_named(name)).transpose()?;
        let password = match &new.password {
            Some(password) => Some(self.access.hashing.derive(password)?),
            None => None,
        };
        let openid = new.openid.clone();
        let row = self.account_insert(&new.name, new.role, member, password, openid)?;
        self.note_access(AccessNote::done("account added", by, Some(&row.name)))?;
        Ok(self.account_view(&row))
    }

    /// Puts an account on the desk.
    pub(super) fn account_insert(
        &self,
        name: &str,
        role: Role,
        member: Option<MemberId>,
        password: Option<Vec<u8>>,
        openid: Option<OpenIdName>,
    ) -> Result<AccountRow, NodeError> {
        check_text("the account's name", name)?;
        check_binding(role, member)?;
        for text in openid.iter().flat_map(|openid| [&openid.issuer, &openid.subject]) {
            if text.is_empty() || text.len() > 2048 {
                let rule = "an OpenID issuer and subject have 1 to 2,048 bytes".to_owned();
                return Err(AccessError::Invalid(rule).into());
            }
        }
        let desk = self.access.desk();
        if desk.account_count().map_err(|e| store_error(&e))? >= ACCOUNTS_MAX {
            let rule = "this node has 10,000 accounts, that is as many as it takes".to_owned();
            return Err(AccessError::Invalid(rule).into());
        }
        let mut row = AccountRow {
            id: 0,
            name: name.to_owned(),
            folded_name: folded(name),
            role: role.number(),
            member,
            password,
            openid: openid.map(|openid| (openid.issuer, openid.subject)),
            created_at_ms: signed(self.now_ms()),
            disabled_at_ms: None,
            last_sign_in_at_ms: None,
        };
        let id = desk.add_account(&row).map_err(|e| store_error(&e))?;
        let taken = || {
            let what = "is there already, or one of the same OpenID user; choose another name";
            AccessError::Exists(format!("an account \"{name}\" {what}"))
        };
        row.id = id.ok_or_else(taken)?;
        Ok(row)
    }

    /// The accounts, in the order in which they were made.
    ///
    /// # Errors
    /// Where the caller may not see them or the desk cannot be read.
    pub fn account_list(&self, by: &Principal) -> Result<Vec<AccountView>, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let rows = self.access.desk().accounts(0, ACCOUNTS_MAX);
        let rows = rows.map_err(|e| store_error(&e))?;
        Ok(rows.iter().map(|row| self.account_view(row)).collect())
    }

    /// An account by its name, however its letters are capitalised.
    ///
    /// # Errors
    /// [`AccessError::NotFound`].
    pub fn account(&self, by: &Principal, name: &str) -> Result<AccountView, NodeError> {
        by.require(Permission::ManageAccounts)?;
        Ok(self.account_view(&self.account_row(name)?))
    }

    /// Disables an account. Its sessions and links end at once and its API keys are revoked.
    ///
    /// # Errors
    /// [`AccessError::LastOwner`], [`AccessError::NotFound`], or the caller may not.
    pub fn account_disable(&self, by: &Principal, name: &str) -> Result<AccountView, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let row = self.account_row(name)?;
        {
            let mut desk = self.access.desk();
            let now = signed(self.now_ms());
            let owners = desk.enabled_count(Role::Owner.number()).map_err(|e| store_error(&e))?;
            let row = desk.account(row.id).map_err(|e| store_error(&e))?.unwrap_or(row.clone());
            check_owners_left(&row, owners)?;
            desk.disable_account(row.id, now).map_err(|e| store_error(&e))?;
        }
        self.note_access(AccessNote::done("account disabled", by, Some(&row.name)))?;
        self.account(by, name)
    }

    /// Lets people sign in again with an account that was disabled. Its API keys stay revoked.
    ///
    /// # Errors
    /// [`AccessError::NotFound`], or the caller may not.
    pub fn account_enable(&self, by: &Principal, name: &str) -> Result<AccountView, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let row = self.account_row(name)?;
        self.access.desk().enable_account(row.id).map_err(|e| store_error(&e))?;
        self.note_access(AccessNote::done("account enabled", by, Some(&row.name)))?;
        self.account(by, name)
    }

    /// Gives an account another role, and another member or none. It holds at once, for sessions
    /// and API keys too.
    ///
    /// # Errors
    /// [`AccessError::LastOwner`], [`AccessError::NotFound`], [`AccessError::Invalid`], or the
    /// caller may not.
    pub fn account_set_role(
        &self,
        by: &Principal,
        name: &str,
        role: Role,
        member: Option<&str>,
    ) -> Result<AccountView, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let member = member.map(|name| self.member_named(name)).transpose()?;
        check_binding(role, member)?;
        let row = self.account_row(name)?;
        {
            let desk = self.access.desk();
            let owners = desk.enabled_count(Role::Owner.number()).map_err(|e| store_error(&e))?;
            let row = desk.account(row.id).map_err(|e| store_error(&e))?.unwrap_or(row.clone());
            if role != Role::Owner {
                check_owners_left(&row, owners)?;
            }
            desk.set_account_role(row.id, role.number(), member).map_err(|e| store_error(&e))?;
        }
        let mut note = AccessNote::done("role changed", by, Some(&row.name));
        note.reason = Some(format!("now {role}"));
        self.note_access(note)?;
        self.account(by, name)
    }

    /// Sets an account's password. Its sessions and sign-in links end.
    ///
    /// # Errors
    /// [`AccessError::Password`], [`AccessError::NotFound`], or the caller may not.
    pub fn account_set_password(
        &self,
        by: &Principal,
        name: &str,
        password: &str,
    ) -> Result<(), NodeError> {
        by.require(Permission::ManageAccounts)?;
        let row = self.account_row(name)?;
        let kept = self.access.hashing.derive(password)?;
        let set = self.access.desk().set_account_password(row.id, &kept);
        set.map_err(|e| store_error(&e))?;
        self.note_access(AccessNote::done("password set", by, Some(&row.name)))
    }

    /// Changes one's own password: all sessions end, and a new one begins. Whoever signed in by a
    /// one-time link, or has no password, need not know the current one.
    ///
    /// # Errors
    /// [`AccessError::WrongPassword`], [`AccessError::Password`], [`AccessError::TooMany`];
    /// [`AccessError::Invalid`] where the caller has no session.
    pub fn password_change(
        &self,
        by: &Principal,
        current: Option<&str>,
        new: &str,
        client: &Client<'_>,
    ) -> Result<SignedIn, NodeError> {
        let no_session =
            || AccessError::Invalid("only whoever is signed in changes his password".to_owned());
        let token = client.session.and_then(secret::hash).filter(|_| by.via == Via::Session);
        let token = token.ok_or_else(no_session)?;
        let (session, row) = {
            let desk = self.access.desk();
            let session = desk.session(&token).map_err(|e| store_error(&e))?;
            let session = session.filter(|session| session.account == by.account.0);
            let row = desk.account(by.account.0).map_err(|e| store_error(&e))?;
            session.zip(row).ok_or_else(no_session)?
        };
        if row.password.is_some() && session.manner != Manner::Link.number() {
            self.begin_attempt(&row.folded_name, client)?;
            let current = current.unwrap_or_default();
            if !self.access.hashing.verify(current, row.password.as_deref())? {
                let reason = "the current password is wrong";
                let note = AccessNote::refused("password change", Some(by), reason);
                self.note_access(note.from(client.address))?;
                return Err(AccessError::WrongPassword.into());
            }
            self.end_attempt(&row.folded_name, client);
        }
        let kept = self.access.hashing.derive(new)?;
        let set = self.access.desk().set_account_password(row.id, &kept);
        set.map_err(|e| store_error(&e))?;
        let note = AccessNote::done("password changed", by, Some(&row.name));
        self.note_access(note.from(client.address))?;
        self.session_begin(row.id, Manner::Password, client)
    }

    pub(super) fn account_row(&self, name: &str) -> Result<AccountRow, NodeError> {
        let found = self.access.desk().account_named(&folded(name));
        let unknown = || {
            let what = "is not there; `countermark account list` shows those that are";
            AccessError::NotFound(format!("the account \"{name}\" {what}"))
        };
        Ok(found.map_err(|e| store_error(&e))?.ok_or_else(unknown)?)
    }

    pub(super) fn account_view(&self, row: &AccountRow) -> AccountView {
        let openid = row.openid.clone();
        AccountView {
            id: AccountId(row.id),
            name: row.name.clone(),
            // A role of a newer program: shown as the least.
            role: Role::from_number(row.role).unwrap_or(Role::Viewer),
            member: row.member.map(|id| self.member_name(&id)),
            disabled: row.disabled_at_ms.is_some(),
            has_password: row.password.is_some(),
            openid: openid.map(|(issuer, subject)| OpenIdName { issuer, subject }),
            created_at: time(row.created_at_ms),
            last_sign_in_at: row.last_sign_in_at_ms.map(time),
        }
    }
}

/// Refuses to take away the last owner.
fn check_owners_left(row: &AccountRow, owners: u32) -> Result<(), AccessError> {
    let is_owner = row.role == Role::Owner.number() && row.disabled_at_ms.is_none();
    if is_owner && owners <= 1 {
        return Err(AccessError::LastOwner(row.name.clone()));
    }
    Ok(())
}
