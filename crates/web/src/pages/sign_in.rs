//! Signing in with a name and a password, and signing out.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::access::{Client, SignedIn};
use serde::Deserialize;

use super::see_other;
use crate::App;
use crate::body::Form;
use crate::guard::{Address, MaybeCaller, cookie_name, session_cookie};
use crate::page::{self, Frame};
use crate::page_parts::{Field, Notice};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/sign-in", Access::Public, get(form), Operation::page("Sign in")),
        Route::post("/sign-in", Access::PublicCostly, post(sign_in), Operation::page("Sign in")),
        Route::post("/sign-out", Access::Public, post(sign_out), Operation::page("Sign out")),
    ]
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    name: Field,
    password: Field,
    next: String,
}

impl Page {
    fn new(name: &str, next: &str, notice: Option<Notice>) -> Self {
        Self {
            frame: Frame::new("Sign in", "", None),
            notice,
            name: Field::text("name", "Account").value(name).autocomplete("username"),
            password: Field::text("password", "Password")
                .kind("password")
                .autocomplete("current-password"),
            next: local(next).to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

/// Where a page may send people: to a page of ours. What a browser could read as another host
/// (`//…`, `/\…`, with tabs or line ends between, which browsers leave out) becomes the overview.
pub(super) fn local(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\u{fffd}'])
        && next.bytes().all(|byte| byte > b' ' && byte < 0x7f)
        && !next.starts_with("/sign-");
    if is_local { next } else { "/app" }
}

async fn form(
    MaybeCaller(caller): MaybeCaller,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    if caller.is_some() {
        return Ok(see_other(local(&query.next)));
    }
    page::html(&Page::new("", &query.next, None))
}

async fn sign_in(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    let (name, password) = (form.get("name").to_owned(), form.get("password").to_owned());
    let before = session_cookie(&app, &headers).map(ToOwned::to_owned);
    let tried = app
        .run(move |node| {
            let client = Client { address: Some(address), session: before.as_deref() };
            node.sign_in(&name, &password, &client)
        })
        .await;
    match tried {
        Ok(signed_in) => Ok(begun(&app, &signed_in, local(form.get("next")))),
        Err(problem) => {
            let page =
                Page::new(form.get("name"), form.get("next"), Some(Notice::refused(&problem)));
            page::refused(&problem, &page)
        }
    }
}

/// The session's cookie, and on to a page.
pub(super) fn begun(app: &App, signed_in: &SignedIn, next: &str) -> Response {
    with_cookie(app, signed_in.token.expose(), "", see_other(next))
}

fn with_cookie(app: &App, value: &str, more: &str, mut response: Response) -> Response {
    let secure = if app.settings().is_secure() { "; Secure" } else { "" };
    let name = cookie_name(app);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = session_cookie(&app, &headers).map(ToOwned::to_owned) {
        app.run(move |node| node.sign_out(&token)).await?;
    }
    Ok(with_cookie(&app, "", "; Max-Age=0", see_other("/sign-in")))
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn people_are_sent_to_our_own_pages_only() {
        for path in ["/app", "/app/trace?id=%2F%2Fx&direction=up", "/01/09520000003012/10/L16A"] {
            assert_eq!(local(path), path);
        }
        let elsewhere = [
            "",
            "app",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            " //evil.example",
            "https://evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "/app\u{fffd}",
            "/\u{e4}",
            "/sign-out",
        ];
        for path in elsewhere {
            assert_eq!(local(path), "/app", "{path:?}");
        }
        // Encoded slashes are part of a path, never of a host.
        assert_eq!(local("/%2Fevil.example"), "/%2Fevil.example");
        assert_eq!(local("%2F%2Fevil.example"), "/app");
    }
}
