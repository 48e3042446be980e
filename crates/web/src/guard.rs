//! Who calls, and may he: the one place where a request is let through to its handler, and the frame
//! around every answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use countermark_node::access::{AccessNote, Principal, Via};

use crate::App;
use crate::body::encode;
use crate::limits::ANSWER_TIMEOUT;
use crate::page;
use crate::problem::Problem;
use crate::route::{Access, Audience, Route};

/// Whoever calls a route that is not public.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Arc<Principal>);

/// Whoever calls a public route, if he is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct MaybeCaller(pub(crate) Option<Arc<Principal>>);

/// The address that a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address(pub(crate) IpAddr);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The guard puts it there for every route but the public ones, whose handlers ask for
        // `MaybeCaller`.
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Caller>().map(|caller| Arc::clone(&caller.0))))
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(address(&parts.extensions)))
    }
}

fn address(extensions: &axum::http::Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

fn not_signed_in() -> Problem {
    Problem::new("not-signed-in", "sign in, or send an API key as `Authorization: Bearer KEY`")
}

/// What a guard knows of its route.
#[derive(Clone)]
struct Rule {
    app: App,
    access: Access,
    audience: Audience,
    path: &'static str,
}

/// A route's handler behind its guard.
pub(crate) fn around(app: &App, route: &Route) -> MethodRouter<App> {
    let rule =
        Rule { app: app.clone(), access: route.access, audience: route.audience, path: route.path };
    route.handler.clone().route_layer(from_fn_with_state(rule, guard))
}

async fn guard(State(rule): State<Rule>, mut request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let admitted = admit(&rule, &mut request).await;
    let caller = request.extensions().get::<Caller>().cloned();
    let answer = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    match (rule.audience, answer.extensions().get::<Problem>()) {
        (Audience::Person, Some(problem)) if problem.name() == "not-signed-in" && is_get => {
            Redirect::to(&format!("/sign-in?next={}", encode(&target))).into_response()
        }
        (Audience::Person, Some(problem)) => {
            page::problem(problem, caller.as_ref().map(|caller| &*caller.0))
        }
        _ => answer,
    }
}

/// Lets a request through, with its caller where he is known.
async fn admit(rule: &Rule, request: &mut Request) -> Result<(), Problem> {
    let from = address(request.extensions());
    let caller = match caller(&rule.app, request.headers()).await {
        Ok(caller) => caller,
        // A public page is shown to whoever comes with a session that has ended.
        Err(_) if matches!(rule.access, Access::Public | Access::PublicCostly) => None,
        Err(problem) => return Err(refuse(rule, from, None, problem).await),
    };
    if let Some(principal) = &caller {
        request.extensions_mut().insert(Caller(Arc::clone(principal)));
    }
    let known = caller.as_deref();
    count(rule, from, known)?;
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_cookie = known.is_some_and(|principal| matches!(principal.via, Via::Session));
    // The sign-in form has no session yet, and must not be sent from elsewhere either.
    let by_form = known.is_none() && rule.audience == Audience::Person;
    if !is_safe && (by_cookie || by_form) && !is_same_site(rule, request.headers()) {
        let problem = Problem::new("other-site", "a page of another site sent this request")
            .hint("open this server's own page and try again");
        return Err(refuse(rule, from, known, problem).await);
    }
    let allowed = match rule.access {
        Access::Public | Access::PublicCostly => Ok(()),
        Access::SignedIn => known.map(|_| ()).ok_or_else(not_signed_in),
        Access::Allowed(permission) => match known {
            None => Err(not_signed_in()),
            Some(principal) if principal.may(permission) => Ok(()),
            Some(principal) => {
                let what = format!(
                    "{} may not do this: it needs the permission \"{}\"",
                    principal.name,
                    permission.name()
                );
                Err(Problem::new("not-allowed", what)
                    .hint("an owner of this node can change roles and the scope of API keys"))
            }
        },
    };
    if let Err(problem) = allowed {
        return Err(refuse(rule, from, known, problem).await);
    }
    Ok(())
}

/// Counts a request of a caller, or of an address where nobody is known.
fn count(rule: &Rule, from: IpAddr, caller: Option<&Principal>) -> Result<(), Problem> {
    let now = Instant::now();
    let inner = &rule.app.0;
    let counted = match caller {
        _ if rule.access == Access::PublicCostly => inner.costly_rate.count(from, now),
        Some(principal) => inner.caller_rate.count(principal.account, now),
        None => inner.unknown_rate.count(from, now),
    };
    counted.map_err(|wait| {
        inner.metrics.refused("too-many");
        Problem::new("too-many", "too many requests in this minute").retry_after(wait)
    })
}

/// The caller by his API key or his session. One who shows a key is never taken by a cookie.
async fn caller(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Principal>>, Problem> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let Some(token) = token else { return Err(not_signed_in()) };
        let found = app.check(move |node| node.api_key(&token)).await?;
        let unknown = || {
            Problem::new("not-signed-in", "the API key is unknown, revoked or expired")
                .hint("an owner of this node can make a new one")
        };
        return found.map(|principal| Some(Arc::new(principal))).ok_or_else(unknown);
    }
    let Some(token) = session_cookie(app, headers) else { return Ok(None) };
    let token = token.to_owned();
    let found = app.check(move |node| node.session(&token)).await?;
    let ended = || Problem::new("not-signed-in", "the session has ended").hint("sign in again");
    found.map(|principal| Some(Arc::new(principal))).ok_or_else(ended)
}

/// The session's cookie. Under TLS its name keeps other hosts and plain connections from setting it.
pub(crate) fn cookie_name(app: &App) -> &'static str {
    if app.settings().is_secure() { "__Host-countermark_session" } else { "countermark_session" }
}

/// The session's token in a request.
pub(crate) fn session_cookie<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, cookie_name(app))
}

/// A cookie of a request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

/// Whether the browser says that one of our own pages sent the request.
fn is_same_site(rule: &Rule, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = text(header::HOST).unwrap_or_default();
    let scheme = if rule.app.settings().is_secure() { "https" } else { "http" };
    origin == rule.app.settings().base_url || origin == format!("{scheme}://{host}")
}

/// Notes a refusal: in the node's access log and in the metrics.
async fn refuse(
    rule: &Rule,
    from: IpAddr,
    caller: Option<&Principal>,
    problem: Problem,
) -> Problem {
    rule.app.0.metrics.refused(problem.name());
    tracing::info!(route = rule.path, %from, reason = problem.name(), "refused");
    let note = AccessNote::refused(rule.path, caller, problem.name()).from(Some(from));
    if let Err(error) = rule.app.check(move |node| node.note_access(note)).await {
        tracing::warn!(reason = error.detail, "a refusal could not be noted");
    }
    problem
}

/// Paths that nobody serves.
pub(crate) async fn unknown_path(request: Request) -> Response {
    let problem = Problem::new("not-found", "nothing is served at this path")
        .hint("/docs/ and /openapi.json list what is");
    if wants_page(request.headers()) {
        page::problem(&problem, None)
    } else {
        problem.into_response()
    }
}

/// Methods that a path does not know; which ones it does is in `Allow`, and OPTIONS asks only that.
pub(crate) async fn unknown_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return axum::http::StatusCode::NO_CONTENT.into_response();
    }
    Problem::new("method", "this path is not served by this method").into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Around every answer: the host is ours, the answer comes in time, its headers are strict, and it is
/// counted.
pub(crate) async fn frame(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let from = address(request.extensions());
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "unknown".to_owned());
    let mut response = if is_our_host(&app, &request) {
        match tokio::time::timeout(ANSWER_TIMEOUT + body_time(&request), next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new("answer-late", "no answer was found in time").into_response(),
        }
    } else {
        Problem::new("other-host", "this server is not known under the host that was asked for")
            .hint("start it with `--base-url` and the address that people use")
            .into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.settings().is_secure() {
        let age = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, age);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    app.metrics().answered(method.as_str(), &route, status, took);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%from, %method, route, status, took_ms, "answered");
    response
}

/// A page of another site can make a browser ask us under that site's name (DNS rebinding); then the
/// host is not ours.
fn is_our_host(app: &App, request: &Request) -> bool {
    let by_header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let by_target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let Some(host) = by_target.or(by_header) else { return false };
    let ours = app.settings().base_url.split("://").nth(1).unwrap_or_default();
    if host.eq_ignore_ascii_case(ours) {
        return true;
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The time that a body of the announced length may take to come in.
fn body_time(request: &Request) -> std::time::Duration {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0)
        .min(crate::limits::DOCUMENT_BYTES_MAX as u64);
    std::time::Duration::from_secs(length / crate::limits::BODY_BYTES_PER_SECOND_MIN)
}
