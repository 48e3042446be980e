//! Accounts, API keys, links and the access log of a server.

use countermark_net::http::Method;
use countermark_node::Passphrase;
use countermark_node::access::{
    AccessEntry, AccountView, ApiKeyView, LinkPurpose, NewAccount, NewApiKey, Permission, Role,
};
use serde::Deserialize;
use serde_json::json;

use super::{Client, ClientError, encode, with_query};
use crate::target_access::{ApiKeyShown, LinkShown};

fn path_of(account: &str, what: &str) -> String {
    format!("/accounts/{}/{what}", encode(account))
}

impl Client {
    pub(crate) fn account_add(&self, new: &NewAccount) -> Result<AccountView, ClientError> {
        let password = new.password.as_ref().map(|password| password.as_str());
        let body = json!({
            "name": new.name, "role": new.role, "member": new.member, "password": password,
        });
        self.read(&self.send_json(Method::Post, "/accounts", &body)?)
    }

    pub(crate) fn account_list(&self) -> Result<Vec<AccountView>, ClientError> {
        self.get_json("/accounts")
    }

    /// Disables or enables an account.
    pub(crate) fn account_change(
        &self,
        name: &str,
        what: &str,
    ) -> Result<AccountView, ClientError> {
        self.read(&self.call(Method::Post, &path_of(name, what), &[], None)?)
    }

    pub(crate) fn account_set_password(
        &self,
        name: &str,
        password: &Passphrase,
    ) -> Result<(), ClientError> {
        let body = json!({"password": password.as_str()});
        self.send_json(Method::Put, &path_of(name, "password"), &body).map(drop)
    }

    pub(crate) fn account_set_role(
        &self,
        name: &str,
        role: Role,
        member: Option<&str>,
    ) -> Result<AccountView, ClientError> {
        let body = json!({"role": role, "member": member});
        self.read(&self.send_json(Method::Put, &path_of(name, "role"), &body)?)
    }

    pub(crate) fn link_make(
        &self,
        purpose: LinkPurpose,
        hours: Option<u64>,
    ) -> Result<LinkShown, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Made {
            path: String,
            expires_at: String,
        }
        let answer = match &purpose {
            LinkPurpose::SignIn { account } => {
                self.send_json(Method::Post, &path_of(account, "link"), &json!({"hours": hours}))?
            }
            LinkPurpose::Invitation { role, member } => {
                let body = json!({"role": role, "member": member, "hours": hours});
                self.send_json(Method::Post, "/invitations", &body)?
            }
        };
        let made: Made = self.read(&answer)?;
        Ok(LinkShown { path: made.path, purpose, expires_at: made.expires_at })
    }

    pub(crate) fn api_key_add(&self, new: &NewApiKey) -> Result<ApiKeyShown, ClientError> {
        let permissions: Vec<Permission> = new.permissions.iter().collect();
        let body = json!({
            "account": new.account, "label": new.label, "permissions": permissions,
            "member": new.member, "days": new.days,
        });
        self.read(&self.send_json(Method::Post, "/api-keys", &body)?)
    }

    pub(crate) fn api_key_list(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<ApiKeyView>, ClientError> {
        self.get_json(&with_query("/api-keys", &[("account", account)]))
    }

    pub(crate) fn api_key_revoke(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::Delete, &format!("/api-keys/{}", encode(id)), &[], None).map(drop)
    }

    pub(crate) fn access_log(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AccessEntry>, ClientError> {
        let (before, limit) = (before.map(|number| number.to_string()), limit.to_string());
        let query = [("before", before.as_deref()), ("limit", Some(limit.as_str()))];
        self.get_json(&with_query("/access-log", &query))
    }
}
