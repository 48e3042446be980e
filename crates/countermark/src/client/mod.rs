//! A node behind a server: the same use cases, over its API.

mod access;
mod calls;
mod jobs;
mod problem;

pub(crate) use calls::Bundle;
pub(crate) use problem::ClientError;

use std::time::{Duration, Instant};

use countermark_net::http::{self, Answer, HttpError, Method, Options, Reach};
use countermark_node::Passphrase;
use serde::Serialize;
use serde::de::DeserializeOwned;

use problem::refused;

/// How long one call lasts at most.
const CALL_TIME: Duration = Duration::from_secs(300);
/// Bytes of an answer at most: the largest document that a node keeps, with room to spare.
const ANSWER_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How long one call waits in all where the server is busy and says when to come back.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How long it waits where the server does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(2);

/// What is sent, and as what.
pub(crate) struct Content<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// A server, and who we are there.
pub(crate) struct Client {
    http: http::Client,
    /// Without a slash at its end.
    base: String,
    authorization: Passphrase,
}

impl Client {
    /// A client of the server at an address, by an API key.
    pub(crate) fn new(
        server: &str,
        token: &str,
        extra_roots: Option<Vec<u8>>,
    ) -> Result<Self, ClientError> {
        let options = Options {
            reach: Reach::Anywhere,
            extra_roots,
            time: CALL_TIME,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let http = http::Client::new(&options).map_err(ClientError::Http)?;
        let base = server.trim_end_matches('/').to_owned();
        Ok(Self { http, base, authorization: Passphrase::new(format!("Bearer {token}")) })
    }

    /// Calls a path, waits where the server is busy, and gives what it answers where it does what
    /// was asked.
    fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        content: Option<&Content<'_>>,
    ) -> Result<Answer, ClientError> {
        let url = format!("{}{path}", self.base);
        let mut all = vec![("authorization", self.authorization.as_str())];
        all.extend_from_slice(headers);
        all.extend(content.map(|content| ("content-type", content.media_type)));
        let body = content.map(|content| content.bytes);
        let begun = Instant::now();
        loop {
            let answer = self.http.send(method, &url, &all, body).map_err(ClientError::Http)?;
            match answer.status {
                200..=299 => return Ok(answer),
                // Nothing was done: the same call may be made again. A 503 without a time to come
                // back may be of somebody in between, who does not know what was done.
                429 | 503 if answer.status == 429 || answer.header("retry-after").is_some() => {
                    let wait = wait(&answer).unwrap_or(WAIT_DEFAULT);
                    if begun.elapsed() + wait > WAIT_MAX {
                        return Err(refused(&self.base, &answer));
                    }
                    eprintln!("{} is busy; again in {} s", self.base, wait.as_secs().max(1));
                    std::thread::sleep(wait);
                }
                300..=399 => return Err(ClientError::Elsewhere(self.base.clone())),
                _ => return Err(refused(&self.base, &answer)),
            }
        }
    }

    fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.call(Method::Get, path, &[], None)
    }

    fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.read(&self.call(Method::Get, path, &[("accept", "application/json")], None)?)
    }

    /// Sends JSON.
    fn send_json(
        &self,
        method: Method,
        path: &str,
        value: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let bytes = serde_json::to_vec(value).map_err(|e| self.unlike(&e))?;
        let content = Content { media_type: "application/json", bytes: &bytes };
        self.call(method, path, &[], Some(&content))
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|e| self.unlike(&e))
    }

    /// The server speaks, but not as a node does.
    fn unlike(&self, what: &dyn std::fmt::Display) -> ClientError {
        ClientError::Answer { server: self.base.clone(), what: what.to_string() }
    }
}

/// When to come back, as the server says in seconds.
fn wait(answer: &Answer) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// Whether a failure may pass: the call can be made again where it changes nothing.
fn may_pass(error: &ClientError) -> bool {
    let transport =
        |e: &HttpError| matches!(e, HttpError::Unreachable { .. } | HttpError::TooSlow { .. });
    match error {
        ClientError::Http(error) => transport(error),
        ClientError::Problem { status, .. } => matches!(status, 502..=504),
        _ => false,
    }
}

/// A text as part of a path or query: all but RFC 3986's unreserved characters as percent codes.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A path with a query of the pairs that have a value.
fn with_query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let query: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_an_address_is_encoded() {
        assert_eq!(encode("urn:x:1/2?a=b&c#d é%"), "urn%3Ax%3A1%2F2%3Fa%3Db%26c%23d%20%C3%A9%25");
        let path = with_query("/x", &[("a", Some("1 2")), ("b", None), ("c", Some("&"))]);
        assert_eq!(path, "/x?a=1%202&c=%26");
        assert_eq!(with_query("/x", &[("a", None)]), "/x");
    }

    #[test]
    fn a_time_to_wait_is_read_in_seconds_only() {
        let answer = |value: &str| Answer {
            status: 429,
            headers: vec![("retry-after".to_owned(), value.to_owned())],
            body: Vec::new(),
        };
        assert_eq!(wait(&answer("7")), Some(Duration::from_secs(7)));
        assert_eq!(wait(&answer("Fri, 20 Nov 2026 08:00:00 GMT")), None);
    }
}
