//! One's own account: who one is here, what one may do, and the password.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::NodeError;
use countermark_node::access::{AccessError, Client, Permission, Principal};

use super::link::{duties, password_rule};
use super::sign_in::begun;
use crate::App;
use crate::body::Form;
use crate::guard::{Address, Caller, session_cookie};
use crate::page::{self, Frame};
use crate::page_parts::{Field, Notice, hex};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    vec![
        Route::get("/app/me", Access::SignedIn, get(show), doc("One's own account")),
        Route::post("/app/me/password", Access::SignedIn, post(change), doc("Change the password")),
    ]
}

#[derive(Template)]
#[template(path = "me.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    name: String,
    role: String,
    may: &'static str,
    member: Option<String>,
    permissions: Vec<&'static str>,
    current: Field,
    new: Field,
}

async fn page(app: &App, caller: &Principal, notice: Option<Notice>) -> Result<Page, Problem> {
    let member = match caller.member {
        None => None,
        Some(id) => app
            .run(move |node| node.members())
            .await?
            .into_iter()
            .find(|member| member.id == hex(&id))
            .map(|member| member.name),
    };
    let permissions = Permission::ALL.into_iter().filter(|one| caller.may(*one));
    Ok(Page {
        frame: Frame::new("Your account", "", Some(caller)),
        notice,
        name: caller.name.clone(),
        role: caller.role.to_string(),
        may: duties(caller.role),
        member,
        permissions: permissions.map(Permission::name).collect(),
        current: Field::text("current", "Current password")
            .kind("password")
            .hint("Empty where the account has none, or you came by a sign-in link.")
            .autocomplete("current-password")
            .optional(),
        new: Field::text("new", "New password")
            .kind("password")
            .hint(password_rule())
            .autocomplete("new-password"),
    })
}

async fn show(State(app): State<App>, Caller(caller): Caller) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, None).await?)
}

async fn change(
    State(app): State<App>,
    Caller(caller): Caller,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let session = session_cookie(&app, &headers).map(ToOwned::to_owned);
    let by = caller.clone();
    let changed = app
        .run(move |node| {
            let client = Client { address: Some(address), session: session.as_deref() };
            let current = form.some("current");
            match form.get("new") {
                "" => Err(NodeError::from(AccessError::Invalid("give a new password".to_owned()))),
                new => node.password_change(&by, current, new, &client),
            }
        })
        .await;
    match changed {
        Ok(signed_in) => Ok(begun(&app, &signed_in, "/app/me")),
        Err(problem) => {
            let page = page(&app, &caller, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}
