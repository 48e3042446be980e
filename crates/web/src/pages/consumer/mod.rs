//! What stands behind the code on a pack: GS1 Digital Link paths, for people and for programs.
//!
//! Whoever asks is told what was released for the identifier, and nothing else; where nothing was,
//! the answer is the same whether the ledger knows the identifier or not. No answer leads to another
//! host, sets a cookie or loads anything from elsewhere.

mod answer;
pub(crate) mod qr;
#[cfg(test)]
mod tests;
mod view;
mod words;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_epcis::gs1::Identifier;
use countermark_node::publications::{PublicAnswer, Publication};
use countermark_node::verify;

use crate::App;
use crate::body::{Form, encode};
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) use self::view::preview;

/// Paths of the primary keys that a Digital Link can begin with.
const PATHS: [&str; 19] = [
    "/00/{*rest}",
    "/01/{*rest}",
    "/253/{*rest}",
    "/255/{*rest}",
    "/401/{*rest}",
    "/402/{*rest}",
    "/414/{*rest}",
    "/415/{*rest}",
    "/417/{*rest}",
    "/8003/{*rest}",
    "/8004/{*rest}",
    "/8006/{*rest}",
    "/8010/{*rest}",
    "/8011/{*rest}",
    "/8013/{*rest}",
    "/8017/{*rest}",
    "/8018/{*rest}",
    "/8019/{*rest}",
    "/8020/{*rest}",
];

pub(crate) fn routes() -> Vec<Route> {
    let doc = || Operation::page("What was released for the code on a pack");
    PATHS.into_iter().map(|path| Route::get(path, Access::Public, get(resolve), doc())).collect()
}

/// The Digital Link path under which an identifier is looked up here: `/01/…/10/…`.
pub(crate) fn path_of(canonical: &str) -> String {
    let path = canonical.strip_prefix("https://id.gs1.org").unwrap_or(canonical);
    if path.starts_with('/') { path.to_owned() } else { String::from("/") }
}

/// A request for an identifier, as its address says it.
struct Asked {
    identifier: Identifier,
    /// The path without what is ours.
    path: String,
    bundle: Option<u32>,
}

fn read(uri: &Uri) -> Result<Asked, Problem> {
    let (mut path, mut bundle) = (uri.path(), None);
    let mut ends = path.rsplitn(3, '/');
    if let (Some(number), Some("bundle"), Some(before)) = (ends.next(), ends.next(), ends.next()) {
        bundle = number.parse().ok();
        if bundle.is_some() {
            path = before;
        }
    }
    // Attributes in the query describe the goods; they are read so that wrong ones are refused.
    let link = format!("https://id.gs1.org{path}?{}", uri.query().unwrap_or_default());
    let identifier = Identifier::parse(&link).map_err(|error| {
        Problem::new("bad-request", format!("this is no valid GS1 Digital Link: {error}"))
            .hint("scan the code again, or compare the digits with those on the pack")
    })?;
    Ok(Asked { identifier, path: path.to_owned(), bundle })
}

async fn resolve(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let asked = match read(&uri) {
        Ok(asked) => asked,
        Err(problem) => return Ok(refused(&headers, problem)),
    };
    if let Some(number) = asked.bundle {
        return bundle(&app, &asked, number).await;
    }
    if has(&uri, "qr") {
        return code(&app, &asked);
    }
    let identifier = asked.identifier.clone();
    let answer = app.run(move |node| node.public_answer(&identifier)).await?;
    let mut response = match answer::wanted(&headers, form.get("linkType")) {
        answer::Wanted::Page => page(&app, &asked, answer, &form, &headers).await?,
        answer::Wanted::Json => answer::json(&answer, &asked.path)?,
        answer::Wanted::LinkSet => answer::link_set(&app, &answer, &asked.path)?,
        answer::Wanted::Verification => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/verify")]).into_response()
        }
    };
    let headers = response.headers_mut();
    // A recall must not wait for a cache to grow old.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("accept, accept-language"));
    let link = format!(
        "<{}?linkType=all>; rel=\"linkset\"; type=\"application/linkset+json\"",
        asked.path
    );
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

fn has(uri: &Uri, name: &str) -> bool {
    crate::body::pairs(uri.query().unwrap_or_default().as_bytes()).iter().any(|(n, _)| n == name)
}

/// People get a page with a problem, programs its details.
fn refused(headers: &HeaderMap, problem: Problem) -> Response {
    match answer::wanted(headers, "") {
        answer::Wanted::Page => problem.into_response(),
        _ => {
            let mut response = problem.into_response();
            // Without it the guard leaves the answer as it is.
            response.extensions_mut().remove::<Problem>();
            response
        }
    }
}

/// A bundle that was released for exactly this identifier.
async fn bundle(app: &App, asked: &Asked, number: u32) -> Result<Response, Problem> {
    let canonical = asked.identifier.digital_link().unwrap_or_default();
    let bytes = app.run(move |node| node.published_bundle(&canonical, number)).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.countermark.bundle+cbor")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"proof.bundle\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, bytes).into_response())
}

/// The code that leads to this page, whether anything was released or not.
fn code(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let canonical = asked.identifier.digital_link().unwrap_or_default();
    let svg = qr::svg(&qr::address(&app.settings().base_url, &path_of(&canonical)))?;
    let kind = HeaderValue::from_static("image/svg+xml");
    Ok(([(header::CONTENT_TYPE, kind)], svg).into_response())
}

async fn page(
    app: &App,
    asked: &Asked,
    answer: PublicAnswer,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let words = words::choose(form.get("lang"), accepted.unwrap_or_default());
    let mut verdicts = Vec::new();
    if let Some(publication) = answer.publication.as_ref().filter(|_| !form.get("check").is_empty())
    {
        verdicts = check(app, publication, words).await?;
    }
    let check_path = format!("{}?check=1&lang={}#check", asked.path, encode(words.code));
    view::page(&answer, &asked.identifier, words, &check_path, verdicts, headers)
}

/// The server's own verdict on the released bundles.
async fn check(
    app: &App,
    publication: &Publication,
    words: &'static words::Words,
) -> Result<Vec<view::Verdict>, Problem> {
    let identifier = publication.release.identifier.clone();
    let count = u32::try_from(publication.release.proofs.len()).unwrap_or(0);
    app.run(move |node| {
        let trust = node.trust()?;
        (0..count)
            .map(|number| {
                let bundle = node.published_bundle(&identifier, number)?;
                let report =
                    verify::verify("the released bundle", &bundle, Some(trust.as_bytes()))?;
                Ok(view::verdict(&report, words))
            })
            .collect()
    })
    .await
}
