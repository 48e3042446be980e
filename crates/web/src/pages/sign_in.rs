//! Signing in with a name and a password, and signing out.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::access::{Client, SignedIn};
use serde::Deserialize;

use super::openid::Button;
use super::see_other;
use crate::App;
use crate::body::{Form, encode};
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
pub(super) struct Page {
    frame: Frame,
    notice: Option<Notice>,
    name: Field,
    password: Field,
    next: String,
    openid: Option<Button>,
}

impl Page {
    pub(super) fn new(app: &App, name: &str, next: &str, notice: Option<Notice>) -> Self {
        Self {
            frame: Frame::new("Sign in", "", None),
            notice,
            name: Field::text("name", "Account").value(name).autocomplete("username"),
            password: Field::text("password", "Password")
                .kind("password")
                .autocomplete("current-password"),
            next: local(next).to_owned(),
            openid: Button::new(app, &format!("next={}", encode(local(next)))),
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
    State(app): State<App>,
    MaybeCaller(caller): MaybeCaller,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    if caller.is_some() {
        return Ok(see_other(local(&query.next)));
    }
    page::html(&Page::new(&app, "", &query.next, None))
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
            let notice = Some(Notice::refused(&problem));
            let page = Page::new(&app, form.get("name"), form.get("next"), notice);
            page::refused(&problem, &page)
        }
    }
}

/// A cookie that scripts do not see, for the whole server.
pub(super) fn set_cookie(
    app: &App,
    name: &str,
    value: &str,
    seconds: Option<u64>,
    response: &mut Response,
) {
    let secure = if app.settings().is_secure() { "; Secure" } else { "" };
    let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    // Lax: links in mails, and the way back from an OpenID provider, come from other sites.
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The session's cookie, and on to a page.
pub(super) fn begun(app: &App, signed_in: &SignedIn, next: &str) -> Response {
    let mut response = see_other(next);
    set_cookie(app, cookie_name(app), signed_in.token.expose(), None, &mut response);
    response
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = session_cookie(&app, &headers).map(ToOwned::to_owned) {
        app.run(move |node| node.sign_out(&token)).await?;
    }
    let mut response = see_other("/sign-in");
    set_cookie(&app, cookie_name(&app), "", Some(0), &mut response);
    Ok(response)
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
