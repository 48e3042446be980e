//! The API, named to EPCIS 2.0 REST where that names it. Handlers read what was sent, call one use
//! case and write its answer.

mod accounts;
mod capture;
mod events;
mod log;
mod members;
mod proofs;
mod publications;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::{self, encode, pairs};
use crate::limits::{COMMAND_BYTES_MAX, PARAMETERS_MAX};
use crate::problem::Problem;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = capture::routes();
    routes.extend(events::routes());
    routes.extend(proofs::routes());
    routes.extend(log::routes());
    routes.extend(members::routes());
    routes.extend(accounts::routes());
    routes.extend(publications::routes());
    routes
}

/// The parameters of a query: each known, none ignored.
struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query that has only these parameters, each once.
    fn read(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        Self::read_lists(uri, known, &[])
    }

    /// As [`Query::read`]; those of `lists` may be given several times.
    fn read_lists(uri: &Uri, known: &[&str], lists: &[&str]) -> Result<Self, Problem> {
        let pairs = pairs(uri.query().unwrap_or_default().as_bytes());
        if pairs.len() > PARAMETERS_MAX {
            let what = format!("more than {PARAMETERS_MAX} query parameters");
            return Err(Problem::new("bad-request", what));
        }
        for (i, (name, _)) in pairs.iter().enumerate() {
            if lists.contains(&name.as_str()) {
                continue;
            }
            if !known.contains(&name.as_str()) {
                let all: Vec<&str> = known.iter().chain(lists).copied().collect();
                let takes = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
                let what = format!("unknown query parameter \"{name}\"");
                return Err(Problem::new("bad-request", what).hint(format!("it takes {takes}")));
            }
            if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                let what = format!("the query parameter \"{name}\" is given twice");
                return Err(Problem::new("bad-request", what));
            }
        }
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn needs(&self, name: &str) -> Result<String, Problem> {
        self.text(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Problem::new("bad-request", format!("the query parameter \"{name}\" is missing"))
        })
    }

    fn list(&self, name: &str) -> Vec<String> {
        let of_name = self.0.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, value)| value.clone()).collect()
    }

    /// `true` or `false`.
    fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(no_value(name, other, "true or false")),
        }
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if is_plain => Ok(Some(number)),
            _ => Err(no_value(name, text, "a whole number")),
        }
    }
}

fn no_value(name: &str, value: &str, takes: &str) -> Problem {
    let what = format!("\"{value}\" is no value of the query parameter \"{name}\"");
    Problem::new("bad-request", what).hint(format!("it takes {takes}"))
}

/// A number in a path; another text names nothing.
fn number_in_path(text: &str) -> Result<u64, Problem> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or_else(|| {
        Problem::new("not-found", format!("there is nothing under \"{text}\": it is no number"))
    })
}

/// An answer as JSON.
fn json<T: Serialize>(value: &T) -> Result<Response, Problem> {
    json_as(StatusCode::OK, value)
}

fn json_as<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Problem> {
    let text = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new("internal", "the answer could not be written")
    })?;
    let kind = HeaderValue::from_static("application/json");
    Ok((status, [(header::CONTENT_TYPE, kind)], text).into_response())
}

/// The same answer, saying where what was made is.
fn located(mut response: Response, segments: &[&str]) -> Response {
    let path: String = segments.iter().map(|segment| format!("/{}", encode(segment))).collect();
    if let Ok(value) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Where a list goes on: the same query with the token.
fn linked(mut response: Response, uri: &Uri, token: Option<&str>) -> Response {
    let Some(token) = token else { return response };
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| {
        !pair.is_empty() && pair.split('=').next().is_some_and(|name| name != "nextPageToken")
    });
    let mut target: Vec<String> = kept.map(str::to_owned).collect();
    target.push(format!("nextPageToken={}", encode(token)));
    let link = format!("<{}?{}>; rel=\"next\"", uri.path(), target.join("&"));
    if let Ok(value) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}

/// What to do, as JSON. Members that nobody knows are refused by the types themselves.
async fn command<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    body::require_type(request.headers(), &["application/json"])?;
    let bytes = body::read(request, COMMAND_BYTES_MAX).await?;
    let refuse = |why: String| {
        let what = format!("the body is not what is needed here: {why}");
        Problem::new("bad-request", what).hint("/openapi.json says what it looks like")
    };
    // A list of the members' values would do for the types.
    if first_byte(&bytes) != Some(b'{') {
        return Err(refuse("it is no JSON object".to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))
}

/// The first byte that is no white space.
fn first_byte(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// The names in a path. Those that are no text name nothing.
struct Path<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(_) => Err(Problem::new("not-found", "the path names nothing: it is no text")),
        }
    }
}

/// A header's text.
fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let unreadable = |_| Problem::new("bad-request", format!("the header {name} is no plain text"));
    value.to_str().map(|text| Some(text.trim())).map_err(unreadable)
}

/// Bytes to be kept as a file.
fn file(content_type: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let safe: String = name.chars().map(|c| if plain(c) { c } else { '_' }).take(100).collect();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let disposition = format!("attachment; filename=\"{safe}\"; filename*=UTF-8''{}", encode(name));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
