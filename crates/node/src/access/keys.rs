//! API keys: `cmk_<id>_<secret>`, for programs.

use countermark_ledger::ids::hex;
use countermark_store::desk::access::ApiKeyRow;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::accounts::check_text;
use super::limits::{API_KEY_DAYS_MAX, API_KEY_LISTED_DAYS, API_KEY_NOTE_MS, API_KEYS_MAX, DAY_MS};
use super::principal::{Principal, Via};
use super::role::{Permission, PermissionSet};
use super::secret::{self, Secret};
use super::sessions::principal_of;
use super::{AccessError, AccessNote, signed, time};
use crate::error::NodeError;
use crate::keyring;
use crate::node::Node;
use crate::stores::store_error;

const PREFIX: &str = "cmk_";
const ID_LEN: usize = 16;
/// Keys that are listed at most.
const LISTED_MAX: u32 = 100_000;

/// An API key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Name of the account that it acts for.
    pub account: String,
    /// What it is for.
    pub label: String,
    /// What it allows, within what the account's role allows.
    pub permissions: PermissionSet,
    /// Name of the member that it is bound to, beyond what the account is bound to.
    pub member: Option<String>,
    /// After how many days it ends.
    pub days: u64,
}

/// An API key as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyView {
    /// Its public id.
    pub id: String,
    /// Name of the account that it acts for.
    pub account: String,
    /// What it is for.
    pub label: String,
    /// What it allows; the account's role may allow less by now.
    pub permissions: PermissionSet,
    /// Name of the member that it is bound to.
    pub member: Option<String>,
    /// `valid`, `expired` or `revoked`.
    pub status: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it ends, RFC 3339.
    pub expires_at: String,
    /// When it was last used, to the hour, RFC 3339.
    pub last_used_at: Option<String>,
}

/// An API key that was made. Its token is shown this one time.
#[derive(Debug, Clone)]
pub struct ApiKeyMade {
    /// `cmk_<id>_<secret>`.
    pub token: Secret,
    /// What else is known of it.
    pub key: ApiKeyView,
}

impl Node {
    /// Makes an API key.
    ///
    /// # Errors
    /// [`AccessError`]: it would allow more than the account's role, last too long, or the caller
    /// may not.
    pub fn api_key_add(&self, by: &Principal, new: &NewApiKey) -> Result<ApiKeyMade, NodeError> {
        by.require(Permission::ManageAccounts)?;
        check_text("the key's label", &new.label)?;
        let fault = |rule: String| NodeError::from(AccessError::Invalid(rule));
        if new.days == 0 || new.days > API_KEY_DAYS_MAX {
            return Err(fault("an API key lasts 1 to 366 days".to_owned()));
        }
        let account = self.account_row(&new.account)?;
        let bound = new.member.as_deref().map(|name| self.member_named(name)).transpose()?;
        let Some(mut holder) = principal_of(&account, Via::Session) else {
            return Err(fault(format!("the account \"{}\" is disabled", account.name)));
        };
        match (holder.member, bound) {
            (Some(own), Some(other)) if own != other => {
                let rule = "is bound to another member; its keys are too";
                return Err(fault(format!("the account \"{}\" {rule}", account.name)));
            }
            (None, Some(member)) => holder.bind(member),
            _ => {}
        }
        if new.permissions.is_empty() {
            return Err(fault("an API key allows something: name its permissions".to_owned()));
        }
        if !new.permissions.is_within(holder.permissions) {
            let more: Vec<&str> = new
                .permissions
                .iter()
                .filter(|permission| !holder.may(*permission))
                .map(Permission::name)
                .collect();
            let rule =
                format!("{}: {} is more than it may do itself", account.name, more.join(", "));
            return Err(fault(rule));
        }
        // Kept with the key: what the account is bound to later must not widen what the key reaches.
        let (row, token) = self.api_key_insert(account.id, new, holder.member)?;
        self.note_access(AccessNote::done("API key added", by, Some(&row.id)))?;
        let now = signed(self.now_ms());
        Ok(ApiKeyMade { token, key: self.api_key_view(&row, account.name, now) })
    }

    fn api_key_insert(
        &self,
        account: i64,
        new: &NewApiKey,
        member: Option<[u8; 16]>,
    ) -> Result<(ApiKeyRow, Secret), NodeError> {
        let id = hex(&keyring::random::<{ ID_LEN / 2 }>()?);
        let half = Secret::random()?;
        let hash = secret::hash(half.expose()).ok_or(AccessError::LinkSpent)?;
        let token = Secret::new(format!("{PREFIX}{id}_{}", half.expose()));
        let mut desk = self.access.desk();
        let now_ms = self.now_ms();
        let live = desk.live_api_keys(account, signed(now_ms)).map_err(|e| store_error(&e))?;
        if live >= API_KEYS_MAX {
            let rule = "the account has 100 API keys, that is as many as it can; revoke one";
            return Err(AccessError::Invalid(rule.to_owned()).into());
        }
        let row = ApiKeyRow {
            id,
            account,
            label: new.label.clone(),
            secret: hash,
            permissions: new.permissions.bits(),
            member,
            created_at_ms: signed(now_ms),
            expires_at_ms: signed(now_ms.saturating_add(new.days * DAY_MS)),
            revoked_at_ms: None,
            used_at_ms: None,
        };
        let forgotten = signed(now_ms.saturating_sub(API_KEY_LISTED_DAYS * DAY_MS));
        desk.add_api_key(&row, forgotten).map_err(|e| store_error(&e))?;
        Ok((row, token))
    }

    /// The API keys, of all accounts or of one.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] for an account that is not there, or the caller may not.
    pub fn api_key_list(
        &self,
        by: &Principal,
        account: Option<&str>,
    ) -> Result<Vec<ApiKeyView>, NodeError> {
        by.require(Permission::ManageAccounts)?;
        let names: std::collections::BTreeMap<i64, String> =
            self.account_list(by)?.into_iter().map(|one| (one.id.0, one.name)).collect();
        let of = account.map(|name| self.account_row(name)).transpose()?.map(|row| row.id);
        let now = signed(self.now_ms());
        let rows = self.access.desk().api_keys(of, LISTED_MAX).map_err(|e| store_error(&e))?;
        let name = |id: &i64| names.get(id).cloned().unwrap_or_default();
        Ok(rows.iter().map(|row| self.api_key_view(row, name(&row.account), now)).collect())
    }

    /// Revokes an API key, by its id.
    ///
    /// # Errors
    /// [`AccessError::NotFound`] where there is none that holds, or the caller may not.
    pub fn api_key_revoke(&self, by: &Principal, id: &str) -> Result<(), NodeError> {
        by.require(Permission::ManageAccounts)?;
        let now = signed(self.now_ms());
        let revoked = self.access.desk().revoke_api_key(id, now).map_err(|e| store_error(&e))?;
        if !revoked {
            let what = "is not there or is revoked; `countermark api-key list` shows them";
            return Err(AccessError::NotFound(format!("the API key {id} {what}")).into());
        }
        self.note_access(AccessNote::done("API key revoked", by, Some(id)))
    }

    /// Who calls with an API key; `None` where it is none, has ended, or its account is disabled.
    ///
    /// # Errors
    /// Where the desk cannot be read or written.
    pub fn api_key(&self, token: &str) -> Result<Option<Principal>, NodeError> {
        let parts = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        let Some((id, half)) = parts.filter(|(id, _)| id.len() == ID_LEN) else { return Ok(None) };
        let Some(hash) = secret::hash(half) else { return Ok(None) };
        let desk = self.access.desk();
        let now = signed(self.now_ms());
        let Some(row) = desk.api_key(id).map_err(|e| store_error(&e))? else { return Ok(None) };
        let is_right = bool::from(row.secret.ct_eq(&hash));
        if !is_right || row.revoked_at_ms.is_some() || row.expires_at_ms <= now {
            return Ok(None);
        }
        let account = desk.account(row.account).map_err(|e| store_error(&e))?;
        let via = Via::ApiKey(row.id.clone());
        let Some(mut principal) = account.and_then(|account| principal_of(&account, via)) else {
            return Ok(None);
        };
        match (principal.member, row.member) {
            // The account was bound to another member since.
            (Some(own), Some(other)) if own != other => return Ok(None),
            (None, Some(member)) => principal.bind(member),
            _ => {}
        }
        let permissions = PermissionSet::from_bits(row.permissions);
        principal.permissions = principal.permissions.and(permissions);
        if row.used_at_ms.is_none_or(|used| now - used >= signed(API_KEY_NOTE_MS)) {
            desk.api_key_used(id, now).map_err(|e| store_error(&e))?;
        }
        Ok(Some(principal))
    }

    fn api_key_view(&self, row: &ApiKeyRow, account: String, now: i64) -> ApiKeyView {
        let status = match row.revoked_at_ms {
            Some(_) => "revoked",
            None if row.expires_at_ms <= now => "expired",
            None => "valid",
        };
        ApiKeyView {
            id: row.id.clone(),
            account,
            label: row.label.clone(),
            permissions: PermissionSet::from_bits(row.permissions),
            member: row.member.map(|id| self.member_name(&id)),
            status: status.to_owned(),
            created_at: time(row.created_at_ms),
            expires_at: time(row.expires_at_ms),
            last_used_at: row.used_at_ms.map(time),
        }
    }
}
