//! Signing in by an OpenID provider: the way there, and the way back.

use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_net::oidc::{Callback, OidcError, User};
use countermark_node::access::{AccessNote, Client, OpenIdUser, Permission};
use serde::Deserialize;

use super::sign_in::{self, begun, local, set_cookie};
use crate::App;
use crate::body::Form;
use crate::guard::{Address, cookie, session_cookie};
use crate::openid::{Kept, OpenId};
use crate::page;
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

const BEGIN: &str = "/sign-in/openid";
/// The address that the provider has to know.
const CALLBACK: &str = "/sign-in/openid/callback";

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::page;
    vec![
        Route::get(BEGIN, Access::PublicCostly, get(begin), doc("Sign in by the OpenID provider")),
        Route::get(CALLBACK, Access::PublicCostly, get(finish), doc("Back from the provider")),
    ]
}

/// The way to the provider. It is a link and no form: our policy lets forms lead to ourselves only.
pub(super) struct Button {
    /// What people know the provider by.
    pub(super) provider: String,
    pub(super) path: String,
}

impl Button {
    /// `None` where the server has no provider.
    pub(super) fn new(app: &App, query: &str) -> Option<Self> {
        let provider = app.openid()?.host().to_owned();
        Some(Self { provider, path: format!("{BEGIN}?{query}") })
    }
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    next: String,
    invitation: Option<String>,
}

fn cookie_name(app: &App) -> &'static str {
    if app.settings().is_secure() { "__Host-countermark_openid" } else { "countermark_openid" }
}

fn no_provider() -> Problem {
    Problem::new("not-found", "this server has no OpenID provider")
        .hint("sign in with an account's name and password")
}

async fn begin(
    State(app): State<App>,
    Address(address): Address,
    Query(query): Query<Begin>,
) -> Result<Response, Problem> {
    if app.openid().is_none() {
        return Err(no_provider());
    }
    let kept = Kept::new(local(&query.next), query.invitation.as_deref());
    let back = format!("{}{CALLBACK}", app.settings().base_url);
    let begun = app.call(move |app| app.openid().map(|openid| openid.begin(&back, kept))).await?;
    let (url, key) = match begun.ok_or_else(no_provider)? {
        Ok(begun) => begun,
        Err(error) => {
            let problem = refused(&app, address, &error).await;
            return again(&app, &problem);
        }
    };
    let place = HeaderValue::from_str(&url)
        .map_err(|_| Problem::new("unavailable", "the OpenID provider's address is none"))?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response();
    set_cookie(&app, cookie_name(&app), &key, Some(OpenId::wait_seconds()), &mut response);
    Ok(response)
}

/// A parameter that is given twice keeps its first value; an unknown one is passed over.
fn callback(query: &str) -> Callback {
    let form = Form::parse(query.as_bytes());
    let text = |name| Some(form.get(name)).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Callback {
        code: text("code"),
        state: text("state"),
        iss: text("iss"),
        error: text("error"),
        error_description: text("error_description"),
    }
}

async fn finish(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if app.openid().is_none() {
        return Err(no_provider());
    }
    let callback = callback(&query.unwrap_or_default());
    // Without a cookie it is no answer to anything that this browser began.
    let key = cookie(&headers, cookie_name(&app)).unwrap_or_default().to_owned();
    let came = app
        .call(move |app| {
            let now_s = i64::try_from(app.node().now_ms() / 1000).unwrap_or(i64::MAX);
            app.openid().map(|openid| openid.finish(&key, &callback, now_s))
        })
        .await?;
    let mut response = match came.ok_or_else(no_provider)? {
        Ok((user, kept)) => known(&app, address, &headers, user, kept).await,
        Err(error) => {
            let problem = refused(&app, address, &error).await;
            again(&app, &problem)
        }
    }?;
    // Used up, however it ended.
    set_cookie(&app, cookie_name(&app), "", Some(0), &mut response);
    Ok(response)
}

/// Signs in a user whom the provider vouched for.
async fn known(
    app: &App,
    address: std::net::IpAddr,
    headers: &HeaderMap,
    user: User,
    kept: Kept,
) -> Result<Response, Problem> {
    let User { issuer, subject, name } = user;
    let user = OpenIdUser { issuer, subject, name };
    let before = session_cookie(app, headers).map(ToOwned::to_owned);
    let Kept { next, invitation } = kept;
    let is_invited = invitation.is_some();
    let signed_in = app.check(move |node| {
        let client = Client { address: Some(address), session: before.as_deref() };
        node.openid_sign_in(&user, invitation.as_deref(), &client)
    });
    match signed_in.await {
        Ok(signed_in) => {
            let captures = signed_in.principal.may(Permission::Capture);
            let next = if is_invited && captures { "/app/import" } else { &next };
            Ok(begun(app, &signed_in, next))
        }
        // The node has noted it.
        Err(problem) => {
            let hint = "An owner of this node can send you an invitation: open it, and choose the \
                        provider there.";
            let problem = if problem.name() == "not-allowed" && problem.hint.is_none() {
                problem.hint(hint)
            } else {
                problem
            };
            again(app, &problem)
        }
    }
}

/// The sign-in page with what went wrong.
fn again(app: &App, problem: &Problem) -> Result<Response, Problem> {
    let page = sign_in::Page::new(app, "", "", Some(Notice::refused(problem)));
    page::refused(problem, &page)
}

/// Notes that nobody was signed in, and why; says it in words.
async fn refused(app: &App, address: std::net::IpAddr, error: &OidcError) -> Problem {
    let (name, reason, detail) = match error {
        OidcError::Http(_) | OidcError::Provider { .. } | OidcError::Random => (
            "unavailable",
            "the OpenID provider cannot be asked",
            "the OpenID provider cannot be asked at the moment".to_owned(),
        ),
        OidcError::Refused(_) => {
            ("not-allowed", "the OpenID provider did not sign in", error.to_string())
        }
        OidcError::OtherSignIn => ("bad-request", "no such sign-in was begun", error.to_string()),
        OidcError::Token(_) => {
            ("not-allowed", "the OpenID provider's token does not hold", error.to_string())
        }
    };
    tracing::warn!(%error, %address, "nobody was signed in by OpenID");
    app.metrics().refused(name);
    let note = AccessNote::refused("sign-in by OpenID", None, reason).from(Some(address));
    if let Err(error) = app.check(move |node| node.note_access(note)).await {
        tracing::warn!(reason = error.detail, "a refusal could not be noted");
    }
    Problem::new(name, detail).hint("Sign in again, or with an account's name and password.")
}
