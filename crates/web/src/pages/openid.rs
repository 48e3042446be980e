//! Signing in by an OpenID provider. What was begun lies at the server; the browser that began it has
//! a cookie that leads there, so that no other browser can end it.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_net::oidc::{Callback, Login, OidcError, User};
use countermark_node::NodeError;
use countermark_node::access::{Client, OpenIdUser};
use serde::Deserialize;

use super::sign_in::{begun, local, set_cookie};
use crate::guard::{Address, cookie, session_cookie};
use crate::limits::OPENID_SIGN_IN_TIME;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};
use crate::{App, OpenId};

const CALLBACK: &str = "/sign-in/openid/callback";

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    let (costly, to, back) =
        (Access::PublicCostly, doc("To the OpenID provider"), doc("Back from the OpenID provider"));
    vec![
        Route::get("/sign-in/openid", costly, get(begin), to),
        Route::get(CALLBACK, costly, get(finish), back),
    ]
}

/// The cookie that leads to a sign-in that was begun.
fn name(app: &App) -> &'static str {
    if app.settings().is_secure() { "__Host-countermark_openid" } else { "countermark_openid" }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    invitation: String,
}

fn none() -> Problem {
    Problem::new("not-found", "this server knows no OpenID provider")
        .hint("sign in with a name and a password, or by a link")
}

fn refused(error: &OidcError) -> Problem {
    tracing::info!(%error, "nobody signed in by OpenID");
    let hint = "sign in again; where that does not help, ask an owner of this node";
    match error {
        OidcError::OtherSignIn | OidcError::Refused(_) | OidcError::Token(_) => {
            Problem::new("not-allowed", error.to_string()).hint(hint)
        }
        // What lies between us and the provider is not for everybody's eyes.
        _ => Problem::new("unavailable", "the OpenID provider does not answer as it should")
            .hint(hint),
    }
}

/// Calls the provider on a thread that may block.
async fn call<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&OpenId) -> Result<T, OidcError> + Send + 'static,
) -> Result<T, Problem> {
    let openid = app.openid().ok_or_else(none)?;
    let busy = || Problem::new("too-many", "too many people sign in at the same time");
    let _call = openid.calls.try_acquire().map_err(|_| busy())?;
    let app = app.clone();
    let called = tokio::task::spawn_blocking(move || app.openid().map(work));
    let broken = |_| Problem::new("internal", "the call to the OpenID provider broke off");
    called.await.map_err(broken)?.ok_or_else(none)?.map_err(|error| refused(&error))
}

async fn begin(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let redirect_uri = format!("{}{CALLBACK}", app.settings().base_url);
    let (address, login): (String, Login) =
        call(&app, move |openid| openid.provider.begin(&redirect_uri)).await?;
    let openid = app.openid().ok_or_else(none)?;
    let kept = format!("{}\n{}", local(&asked.next), asked.invitation);
    let token = openid.logins.keep(login, Some(kept)).map_err(|error| refused(&error))?;
    let address = HeaderValue::from_str(&address)
        .map_err(|_| Problem::new("unavailable", "the OpenID provider's address is none"))?;
    let response = (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response();
    let age = format!("; Max-Age={}", OPENID_SIGN_IN_TIME.as_secs());
    Ok(set_cookie(&app, name(&app), &token, &age, response))
}

async fn finish(
    State(app): State<App>,
    Query(callback): Query<Callback>,
    Address(address): Address,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let openid = app.openid().ok_or_else(none)?;
    let token = cookie(&headers, name(&app)).unwrap_or_default();
    let (login, kept) = openid.logins.take(token).map_err(|error| refused(&error))?;
    let now_s = app.run(|node| Ok(node.now_s())).await?;
    let user: User =
        call(&app, move |openid| openid.provider.finish(&login, &callback, now_s)).await?;
    let kept = kept.unwrap_or_default();
    let (next, invitation) = kept.split_once('\n').unwrap_or((&kept, ""));
    let (next, invitation) = (next.to_owned(), invitation.to_owned());
    let before = session_cookie(&app, &headers).map(ToOwned::to_owned);
    let signed_in = app
        .run(move |node| {
            let client = Client { address: Some(address), session: before.as_deref() };
            let user = OpenIdUser { issuer: user.issuer, subject: user.subject, name: user.name };
            let invitation = Some(&*invitation).filter(|token| !token.is_empty());
            node.openid_sign_in(&user, invitation, &client).map_err(NodeError::from)
        })
        .await?;
    Ok(set_cookie(&app, name(&app), "", "; Max-Age=0", begun(&app, &signed_in, local(&next))))
}
