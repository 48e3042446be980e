//! One-time links: looking at one uses nothing up, only its button does. So a mail scanner that opens
//! every link takes nobody's place.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::access::{
    AccessError, Client, LinkPurpose, PASSWORD_CHARS_MIN, Permission, Role,
};

use super::openid::Button;
use super::sign_in::begun;
use crate::App;
use crate::body::{Form, encode};
use crate::guard::{Address, session_cookie};
use crate::page::{self, Frame};
use crate::page_parts::{Field, Notice};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let (link, invitation) = ("/sign-in/link/{token}", "/invitation/{token}");
    vec![
        Route::get(link, Access::PublicCostly, get(look_link), doc("What a sign-in link is for")),
        Route::post(link, Access::PublicCostly, post(use_link), doc("Sign in by a link")),
        Route::get(invitation, Access::PublicCostly, get(look_invitation), doc("An invitation")),
        Route::post(invitation, Access::PublicCostly, post(accept), doc("Accept an invitation")),
    ]
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    account: String,
    expires_at: String,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    frame: Frame,
    role: Role,
    may: &'static str,
    member: Option<String>,
    expires_at: String,
    notice: Option<Notice>,
    name: Field,
    password: Field,
    openid: Option<Button>,
}

/// What an account of a role is for, in words.
pub(super) fn duties(role: Role) -> &'static str {
    match role {
        Role::Owner => "do everything on this node",
        Role::Operator => "run this node: everything but members and accounts",
        Role::MemberUser => "import, look up and prove the events of one member",
        Role::Auditor => "see and prove everything, and change nothing",
        Role::Viewer => "look up events and traces",
    }
}

fn spent() -> Problem {
    Problem::new("not-found", AccessError::LinkSpent.to_string())
        .hint("ask whoever sent it for a new one")
}

async fn look_link(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    let found = app.run(move |node| node.link_look(&token)).await?.ok_or_else(spent)?;
    let LinkPurpose::SignIn { account } = found.purpose else { return Err(spent()) };
    let frame = Frame::new("Sign in", "", None);
    page::html(&LinkPage { frame, account, expires_at: found.expires_at })
}

async fn use_link(
    State(app): State<App>,
    Path(token): Path<String>,
    Address(address): Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let before = session_cookie(&app, &headers).map(ToOwned::to_owned);
    let used = app.run(move |node| {
        let client = Client { address: Some(address), session: before.as_deref() };
        node.link_use(&token, &client)
    });
    let signed_in = used.await.map_err(|problem| match problem.name() {
        "too-many" | "internal" => problem,
        _ => spent(),
    })?;
    Ok(begun(&app, &signed_in, "/app"))
}

async fn invitation_page(
    app: &App,
    token: &str,
    name: &str,
    notice: Option<Notice>,
) -> Result<InvitationPage, Problem> {
    let openid = Button::new(app, &format!("invitation={}", encode(token)));
    let token = token.to_owned();
    let found = app.run(move |node| node.link_look(&token)).await?.ok_or_else(spent)?;
    let LinkPurpose::Invitation { role, member } = found.purpose else { return Err(spent()) };
    let rule = password_rule();
    Ok(InvitationPage {
        frame: Frame::new("You are invited", "", None),
        role,
        may: duties(role),
        member,
        expires_at: found.expires_at,
        notice,
        name: Field::text("name", "Account")
            .value(name)
            .hint("Any name that tells others who you are; you sign in with it.")
            .autocomplete("username"),
        password: Field::text("password", "Password")
            .kind("password")
            .hint(rule)
            .autocomplete("new-password"),
        openid,
    })
}

/// The rule for passwords, in words.
pub(super) fn password_rule() -> &'static str {
    const { assert!(PASSWORD_CHARS_MIN == 12, "the words below name the limit") };
    "At least 12 characters; a few words are easier to keep than signs."
}

async fn look_invitation(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    page::html(&invitation_page(&app, &token, "", None).await?)
}

async fn accept(
    State(app): State<App>,
    Path(token): Path<String>,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let before = session_cookie(&app, &headers).map(ToOwned::to_owned);
    let (name, password) = (form.get("name").trim().to_owned(), form.get("password").to_owned());
    let used = {
        let token = token.clone();
        app.run(move |node| {
            let client = Client { address: Some(address), session: before.as_deref() };
            node.invitation_use(&token, &name, &password, &client)
        })
        .await
    };
    match used {
        Ok(signed_in) => {
            let captures = signed_in.principal.may(Permission::Capture);
            Ok(begun(&app, &signed_in, if captures { "/app/import" } else { "/app" }))
        }
        Err(problem) => {
            let notice = Some(Notice::refused(&problem));
            let page = invitation_page(&app, &token, form.get("name"), notice).await?;
            page::refused(&problem, &page)
        }
    }
}
