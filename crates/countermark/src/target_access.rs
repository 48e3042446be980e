//! Accounts, API keys, links and the access log: on a data directory, or on a server.

use anyhow::Result;
use countermark_node::access::{
    AccessEntry, AccountView, ApiKeyView, LinkPurpose, NewAccount, NewApiKey, NewLink, Principal,
    Role,
};
use countermark_node::{NodeError, Passphrase};
use serde::{Deserialize, Serialize};

use crate::target::Target;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A link as shown: this one time with its token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkShown {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) purpose: LinkPurpose,
    pub(crate) expires_at: String,
}

/// An API key as shown: this one time with its token.
#[derive(Serialize, Deserialize)]
pub(crate) struct ApiKeyShown {
    pub(crate) token: String,
    #[serde(flatten)]
    pub(crate) key: ApiKeyView,
}

impl Target {
    pub(crate) fn account_add(&self, new: &NewAccount) -> Result<AccountView> {
        Ok(match self {
            Self::Local(node) => node.account_add(&Principal::local(), new)?,
            Self::Remote(_) if new.openid.is_some() => {
                let what = "an account of an OpenID provider is added with --data; on a server, \
                            invite its user";
                return Err(NodeError::Usage(what.to_owned()).into());
            }
            Self::Remote(client) => client.account_add(new)?,
        })
    }

    pub(crate) fn account_list(&self) -> Result<Vec<AccountView>> {
        Ok(match self {
            Self::Local(node) => node.account_list(&Principal::local())?,
            Self::Remote(client) => client.account_list()?,
        })
    }

    pub(crate) fn account_disable(&self, name: &str) -> Result<AccountView> {
        Ok(match self {
            Self::Local(node) => node.account_disable(&Principal::local(), name)?,
            Self::Remote(client) => client.account_change(name, "disable")?,
        })
    }

    pub(crate) fn account_enable(&self, name: &str) -> Result<AccountView> {
        Ok(match self {
            Self::Local(node) => node.account_enable(&Principal::local(), name)?,
            Self::Remote(client) => client.account_change(name, "enable")?,
        })
    }

    pub(crate) fn account_set_password(&self, name: &str, password: &Passphrase) -> Result<()> {
        match self {
            Self::Local(node) => {
                node.account_set_password(&Principal::local(), name, password)?;
            }
            Self::Remote(client) => client.account_set_password(name, password)?,
        }
        Ok(())
    }

    pub(crate) fn account_set_role(
        &self,
        name: &str,
        role: Role,
        member: Option<&str>,
    ) -> Result<AccountView> {
        Ok(match self {
            Self::Local(node) => node.account_set_role(&Principal::local(), name, role, member)?,
            Self::Remote(client) => client.account_set_role(name, role, member)?,
        })
    }

    pub(crate) fn link_make(&self, purpose: LinkPurpose, hours: Option<u64>) -> Result<LinkShown> {
        Ok(match self {
            Self::Local(node) => {
                let ttl_ms = hours.map(|hours| hours.saturating_mul(HOUR_MS));
                let made = node.link_make(&Principal::local(), &NewLink { purpose, ttl_ms })?;
                LinkShown { path: made.path(), purpose: made.purpose, expires_at: made.expires_at }
            }
            Self::Remote(client) => client.link_make(purpose, hours)?,
        })
    }

    pub(crate) fn api_key_add(&self, new: &NewApiKey) -> Result<ApiKeyShown> {
        Ok(match self {
            Self::Local(node) => {
                let made = node.api_key_add(&Principal::local(), new)?;
                ApiKeyShown { token: made.token.expose().to_owned(), key: made.key }
            }
            Self::Remote(client) => client.api_key_add(new)?,
        })
    }

    pub(crate) fn api_key_list(&self, account: Option<&str>) -> Result<Vec<ApiKeyView>> {
        Ok(match self {
            Self::Local(node) => node.api_key_list(&Principal::local(), account)?,
            Self::Remote(client) => client.api_key_list(account)?,
        })
    }

    pub(crate) fn api_key_revoke(&self, id: &str) -> Result<()> {
        match self {
            Self::Local(node) => node.api_key_revoke(&Principal::local(), id)?,
            Self::Remote(client) => client.api_key_revoke(id)?,
        }
        Ok(())
    }

    pub(crate) fn access_log(&self, before: Option<i64>, limit: u32) -> Result<Vec<AccessEntry>> {
        Ok(match self {
            Self::Local(node) => node.access_log(&Principal::local(), before, limit)?,
            Self::Remote(client) => client.access_log(before, limit)?,
        })
    }
}
