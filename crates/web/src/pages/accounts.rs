//! Who may do what on this node: accounts, invitations, API keys, and the log of access.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use axum::routing::get;
use countermark_node::access::{
    AccessEntry, AccessError, AccountView, ApiKeyView, LinkPurpose, NewApiKey, NewLink, Outcome,
    Permission, PermissionSet, Principal, Role,
};
use countermark_node::{Node, NodeError};
use serde::Deserialize;

use super::{Done, see_other};
use crate::App;
use crate::body::Form;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

/// Entries of the access log on one page.
const LOG_PAGE: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let manage = Access::Allowed(Permission::ManageAccounts);
    let read_log = Access::Allowed(Permission::ReadAccessLog);
    vec![
        Route::get("/app/accounts", manage, get(show), doc("Accounts and API keys")),
        Route::post(
            "/app/accounts",
            manage,
            axum::routing::post(act),
            doc("Change accounts and API keys"),
        ),
        Route::get("/app/accounts/log", read_log, get(log), doc("The access log")),
    ]
}

/// What is shown this one time.
struct Once {
    title: String,
    secret: String,
    text: String,
}

struct Choice {
    name: &'static str,
    may: &'static str,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    once: Option<Once>,
    accounts: Vec<AccountView>,
    keys: Vec<ApiKeyView>,
    members: Vec<String>,
    roles: Vec<Choice>,
    permissions: Vec<&'static str>,
    account: String,
}

const DONE: [(&str, &str); 5] = [
    ("disabled", "The account is disabled; its sessions have ended and its API keys open nothing."),
    ("enabled", "The account is enabled again."),
    ("role", "The role has changed."),
    ("revoked", "The API key is revoked; it opens nothing any more."),
    ("nothing", "Nothing was to be done."),
];

async fn page(
    app: &App,
    caller: &Principal,
    notice: Option<Notice>,
    once: Option<Once>,
) -> Result<Page, Problem> {
    let by = caller.clone();
    let (accounts, keys, members) = app
        .run(move |node| {
            let members = node.members()?.into_iter().map(|member| member.name).collect();
            Ok((node.account_list(&by)?, node.api_key_list(&by, None)?, members))
        })
        .await?;
    let roles = Role::ALL.map(|role| Choice { name: role.name(), may: super::link::duties(role) });
    Ok(Page {
        frame: Frame::new("Accounts", "accounts", Some(caller)),
        notice,
        once,
        accounts,
        keys,
        members,
        roles: roles.into(),
        permissions: Permission::ALL.map(Permission::name).into(),
        account: caller.name.clone(),
    })
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, done.notice(&DONE), None).await?)
}

/// What came of an action: something to be shown once, or a word of [`DONE`].
enum Came {
    Once(Once),
    Done(&'static str),
}

async fn act(
    State(app): State<App>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let (by, base_url) = (caller.clone(), app.settings().base_url.clone());
    match app.run(move |node| change(node, &by, &form, &base_url)).await {
        Ok(Came::Done(word)) => Ok(see_other(&format!("/app/accounts?done={word}"))),
        Ok(Came::Once(once)) => page::html(&page(&app, &caller, None, Some(once)).await?),
        Err(problem) => {
            let page = page(&app, &caller, Some(Notice::refused(&problem)), None).await?;
            page::refused(&problem, &page)
        }
    }
}

fn invalid(what: &str) -> NodeError {
    AccessError::Invalid(what.to_owned()).into()
}

fn change(node: &Node, by: &Principal, form: &Form, base_url: &str) -> Result<Came, NodeError> {
    let account = form.get("account");
    let role = || Role::parse(form.get("role")).ok_or_else(|| invalid("choose a role"));
    let member = form.some("member").map(ToOwned::to_owned);
    match form.get("do") {
        "invite" => {
            let purpose = LinkPurpose::Invitation { role: role()?, member };
            let made = node.link_make(by, &NewLink { purpose, ttl_ms: None })?;
            Ok(Came::Once(Once {
                title: "The invitation".to_owned(),
                secret: format!("{base_url}{}", made.path()),
                text: format!(
                    "Send it to whom it is for. It opens one account, until {}.",
                    made.expires_at
                ),
            }))
        }
        "link" => {
            let purpose = LinkPurpose::SignIn { account: account.to_owned() };
            let made = node.link_make(by, &NewLink { purpose, ttl_ms: None })?;
            Ok(Came::Once(Once {
                title: format!("A sign-in link for {account}"),
                secret: format!("{base_url}{}", made.path()),
                text: format!("It signs in once, until {}.", made.expires_at),
            }))
        }
        "disable" => node.account_disable(by, account).map(|_| Came::Done("disabled")),
        "enable" => node.account_enable(by, account).map(|_| Came::Done("enabled")),
        "role" => node
            .account_set_role(by, account, role()?, member.as_deref())
            .map(|_| Came::Done("role")),
        "key" => key(node, by, form, member).map(Came::Once),
        "revoke" => node.api_key_revoke(by, form.get("key")).map(|()| Came::Done("revoked")),
        _ => Ok(Came::Done("nothing")),
    }
}

fn key(
    node: &Node,
    by: &Principal,
    form: &Form,
    member: Option<String>,
) -> Result<Once, NodeError> {
    let permissions: PermissionSet = Permission::ALL
        .into_iter()
        .filter(|permission| !form.get(&format!("may-{}", permission.name())).is_empty())
        .collect();
    let days = form.get("days").trim().parse();
    let new = NewApiKey {
        account: form.get("account").to_owned(),
        label: form.get("label").trim().to_owned(),
        permissions,
        member,
        days: days.map_err(|_| invalid("say for how many days the key is to hold: 1 to 366"))?,
    };
    let made = node.api_key_add(by, &new)?;
    Ok(Once {
        title: format!("The API key \"{}\"", made.key.label),
        secret: made.token.expose().to_owned(),
        text: format!(
            "Send it as `Authorization: Bearer KEY`. It holds until {}.",
            made.key.expires_at
        ),
    })
}

#[derive(Deserialize)]
struct Before {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "access-log.html")]
struct LogPage {
    frame: Frame,
    entries: Vec<AccessEntry>,
    refused: usize,
    newer: String,
    older: String,
}

impl LogPage {
    fn outcome(&self, entry: &AccessEntry) -> &'static str {
        match entry.outcome {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }
}

async fn log(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(Before { before }): Query<Before>,
) -> Result<Response, Problem> {
    let by = caller.clone();
    let entries = app.run(move |node| node.access_log(&by, before, LOG_PAGE)).await?;
    let is_full = entries.len() == LOG_PAGE as usize;
    let older = match entries.last() {
        Some(last) if is_full => format!("/app/accounts/log?before={}", last.id),
        _ => String::new(),
    };
    let newer = before.map_or_else(String::new, |_| "/app/accounts/log".to_owned());
    let refused = entries.iter().filter(|entry| entry.outcome == Outcome::Refused).count();
    let frame = Frame::new("Access log", "accounts", Some(&caller));
    page::html(&LogPage { frame, entries, refused, newer, older })
}
