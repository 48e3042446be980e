//! Accounts, one-time links, API keys and the access log.

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use countermark_node::access::{
    ACCESS_LOG_PAGE_MAX, AccountView, ApiKeyView, LinkMade, LinkPurpose, NewAccount, NewApiKey,
    NewLink, Permission, Role,
};
use countermark_node::{NodeError, Passphrase};
use serde::{Deserialize, Serialize};

use super::{Path, Query, command, json, json_as};
use crate::App;
use crate::guard::Caller;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route, Shape};

const JSON: &[&str] = crate::operation::JSON;
const MANAGE: Access = Access::Allowed(Permission::ManageAccounts);
const NAME: &str = "Name of the account";
const HOUR_MS: u64 = 60 * 60 * 1000;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = account_routes();
    routes.extend([
        Route::get(
            "/api-keys",
            MANAGE,
            get(list_keys),
            Operation::api("listApiKeys", "API keys, without their secrets")
                .query("account", Shape::Text, "Only those of an account")
                .gives(200, JSON, Shape::ListOf("api-key"), "The keys")
                .refuses(&[404]),
        ),
        Route::post(
            "/api-keys",
            MANAGE,
            post(add_key),
            Operation::api("addApiKey", "Make an API key; its token is shown this one time")
                .takes(JSON, Shape::Schema("new-api-key"))
                .gives(201, JSON, Shape::Schema("api-key-made"), "The key with its token")
                .refuses(&[404, 409, 422]),
        ),
        Route::delete(
            "/api-keys/{id}",
            MANAGE,
            delete(revoke_key),
            Operation::api("revokeApiKey", "Revoke an API key")
                .path("id", Shape::Text, "Public id of the key")
                .done(204, "It opens nothing any more"),
        ),
        Route::get(
            "/access-log",
            Access::Allowed(Permission::ReadAccessLog),
            get(access_log),
            Operation::api("listAccessLog", "Refusals, sign-ins and changes, newest first")
                .query("before", Shape::Number, "Only entries with a lower number")
                .query("limit", Shape::Number, "How many at most; 100 without it")
                .gives(200, JSON, Shape::ListOf("access-entry"), "The entries"),
        ),
    ]);
    routes
}

fn account_routes() -> Vec<Route> {
    vec![
        Route::get(
            "/accounts",
            MANAGE,
            get(list),
            Operation::api("listAccounts", "The accounts of this node").gives(
                200,
                JSON,
                Shape::ListOf("account"),
                "The accounts",
            ),
        ),
        Route::post(
            "/accounts",
            MANAGE,
            post(add),
            Operation::api("addAccount", "Make an account")
                .takes(JSON, Shape::Schema("new-account"))
                .gives(201, JSON, Shape::Schema("account"), "The account")
                .refuses(&[404, 409, 422]),
        ),
        Route::post("/accounts/{name}/disable", MANAGE, post(disable), disable_doc()),
        Route::post("/accounts/{name}/enable", MANAGE, post(enable), enable_doc()),
        Route::put(
            "/accounts/{name}/role",
            MANAGE,
            put(set_role),
            Operation::api("setRole", "Give an account another role, and a member or none")
                .path("name", Shape::Text, NAME)
                .takes(JSON, Shape::Schema("new-role"))
                .gives(200, JSON, Shape::Schema("account"), "The account as it is now")
                .refuses(&[409, 422]),
        ),
        Route::put(
            "/accounts/{name}/password",
            MANAGE,
            put(set_password),
            Operation::api("setPassword", "Set an account's password")
                .path("name", Shape::Text, NAME)
                .takes(JSON, Shape::Schema("new-password"))
                .done(204, "It is set")
                .refuses(&[422]),
        ),
        Route::post(
            "/accounts/{name}/link",
            MANAGE,
            post(link),
            Operation::api("makeSignInLink", "Make a link that signs in once")
                .path("name", Shape::Text, NAME)
                .takes(JSON, Shape::Schema("new-link"))
                .gives(201, JSON, Shape::Schema("link"), "The link; it is shown this one time")
                .refuses(&[422]),
        ),
        Route::post(
            "/invitations",
            MANAGE,
            post(invite),
            Operation::api("invite", "Make a link that makes an account once")
                .takes(JSON, Shape::Schema("new-invitation"))
                .gives(201, JSON, Shape::Schema("link"), "The link; it is shown this one time")
                .refuses(&[404, 422]),
        ),
    ]
}

fn disable_doc() -> Operation {
    Operation::api("disableAccount", "Disable an account; its sessions, links and keys end")
        .path("name", Shape::Text, NAME)
        .gives(200, JSON, Shape::Schema("account"), "The account as it is now")
        .refuses(&[409])
}

fn enable_doc() -> Operation {
    Operation::api("enableAccount", "Enable an account again")
        .path("name", Shape::Text, NAME)
        .gives(200, JSON, Shape::Schema("account"), "The account as it is now")
}

async fn list(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    json(&app.run(move |node| node.account_list(&caller)).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSent {
    name: String,
    role: Role,
    member: Option<String>,
    password: Option<String>,
}

async fn add(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: AccountSent = command(request).await?;
    let new = NewAccount {
        name: sent.name,
        role: sent.role,
        member: sent.member,
        password: sent.password.map(Passphrase::new),
        openid: None,
    };
    json_as(StatusCode::CREATED, &app.run(move |node| node.account_add(&caller, &new)).await?)
}

async fn disable(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let view: AccountView = app.run(move |node| node.account_disable(&caller, &name)).await?;
    json(&view)
}

async fn enable(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let view: AccountView = app.run(move |node| node.account_enable(&caller, &name)).await?;
    json(&view)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleSent {
    role: Role,
    member: Option<String>,
}

async fn set_role(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: RoleSent = command(request).await?;
    let view = app
        .run(move |node| node.account_set_role(&caller, &name, sent.role, sent.member.as_deref()))
        .await?;
    json(&view)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordSent {
    password: String,
}

async fn set_password(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: PasswordSent = command(request).await?;
    let password = Passphrase::new(sent.password);
    app.run(move |node| node.account_set_password(&caller, &name, &password)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkSent {
    hours: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvitationSent {
    role: Role,
    member: Option<String>,
    hours: Option<u64>,
}

/// A link that was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    url: String,
    path: String,
    #[serde(flatten)]
    purpose: LinkPurpose,
    expires_at: String,
}

fn made(app: &App, link: &LinkMade) -> Result<Response, Problem> {
    let path = link.path();
    let url = format!("{}{path}", app.settings().base_url);
    let purpose = link.purpose.clone();
    let shown = Link { url, path, purpose, expires_at: link.expires_at.clone() };
    json_as(StatusCode::CREATED, &shown)
}

fn ttl(hours: Option<u64>) -> Option<u64> {
    hours.map(|hours| hours.saturating_mul(HOUR_MS))
}

async fn link(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(account): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: LinkSent = command(request).await?;
    let new = NewLink { purpose: LinkPurpose::SignIn { account }, ttl_ms: ttl(sent.hours) };
    let link = app.run(move |node| node.link_make(&caller, &new)).await?;
    made(&app, &link)
}

async fn invite(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: InvitationSent = command(request).await?;
    let purpose = LinkPurpose::Invitation { role: sent.role, member: sent.member };
    let new = NewLink { purpose, ttl_ms: ttl(sent.hours) };
    let link = app.run(move |node| node.link_make(&caller, &new)).await?;
    made(&app, &link)
}

async fn list_keys(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let account = Query::read(&uri, &["account"])?.text("account");
    json(&app.run(move |node| node.api_key_list(&caller, account.as_deref())).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySent {
    account: String,
    label: String,
    /// Without it, all that the account's role allows.
    permissions: Option<Vec<Permission>>,
    member: Option<String>,
    days: u64,
}

/// An API key with its token.
#[derive(Serialize)]
struct KeyMade {
    token: String,
    #[serde(flatten)]
    key: ApiKeyView,
}

async fn add_key(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let sent: KeySent = command(request).await?;
    let made = app
        .run(move |node| {
            let permissions = match sent.permissions {
                Some(given) => given.into_iter().collect(),
                None => {
                    let view = node.account(&caller, &sent.account)?;
                    let role = if view.member.is_some() { Role::MemberUser } else { view.role };
                    view.role.permissions().and(role.permissions())
                }
            };
            let KeySent { account, label, member, days, .. } = sent;
            let new = NewApiKey { account, label, permissions, member, days };
            let made = node.api_key_add(&caller, &new)?;
            Ok::<_, NodeError>(KeyMade { token: made.token.expose().to_owned(), key: made.key })
        })
        .await?;
    json_as(StatusCode::CREATED, &made)
}

async fn revoke_key(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    app.run(move |node| node.api_key_revoke(&caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn access_log(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["before", "limit"])?;
    let before = query.number("before")?;
    let limit = query.number("limit")?.unwrap_or(100).clamp(1, ACCESS_LOG_PAGE_MAX);
    json(&app.run(move |node| node.access_log(&caller, before, limit)).await?)
}
