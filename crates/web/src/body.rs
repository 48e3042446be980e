//! Bodies of requests: bounded in size and in the time they take, before anything is made of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use crate::limits::{BODY_BYTES_PER_SECOND_MIN, BODY_GRACE, FORM_BYTES_MAX};
use crate::problem::Problem;

/// Reads a body of at most `most` bytes.
///
/// # Errors
/// `too-large` before it is all read, `too-slow` when it does not flow, `bad-request` when it ends
/// early.
pub(crate) async fn read(request: Request, most: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new("too-large", format!("more than {most} bytes"))
            .hint("send it in smaller parts")
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let begun = Instant::now();
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    loop {
        let frame = tokio::time::timeout(time_left(begun, bytes.len()), body.frame()).await;
        let Ok(frame) = frame else {
            let what = format!(
                "{} bytes came in {} s; at least {BODY_BYTES_PER_SECOND_MIN} bytes a second are \
                 expected",
                bytes.len(),
                begun.elapsed().as_secs()
            );
            return Err(Problem::new("too-slow", what));
        };
        let Some(frame) = frame else { return Ok(bytes) };
        let broken = |error: axum::Error| {
            Problem::new("bad-request", format!("the body ended early: {error}"))
        };
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            if data.len() > most - bytes.len() {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
}

/// How long the next piece may take: the grace, and the time that what came in has earned.
fn time_left(begun: Instant, received: usize) -> Duration {
    let earned = Duration::from_secs(received as u64 / BODY_BYTES_PER_SECOND_MIN);
    (BODY_GRACE + earned).saturating_sub(begun.elapsed())
}

/// Whether the content type is one of those given (parameters apart).
pub(crate) fn is_type(headers: &HeaderMap, taken: &[&str]) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    taken.iter().any(|one| one.eq_ignore_ascii_case(essence))
}

/// Requires one of the content types.
///
/// # Errors
/// `media-type`, naming those that are taken.
pub(crate) fn require_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    if is_type(headers, taken) {
        return Ok(());
    }
    Err(Problem::new("media-type", format!("send one of: {}", taken.join(", "))))
}

/// The fields of a form. A field that is given twice keeps its first value.
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a form (application/x-www-form-urlencoded).
    ///
    /// # Errors
    /// As [`read`], and `media-type`.
    pub(crate) async fn read(request: Request) -> Result<Self, Problem> {
        require_type(request.headers(), &["application/x-www-form-urlencoded"])?;
        Ok(Self::parse(&read(request, FORM_BYTES_MAX).await?))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in pairs(bytes) {
            fields.entry(name).or_insert(value);
        }
        Self(fields)
    }

    /// A field; empty where it was not given.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A field that was given and is not blank, without outer spaces.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }
}

/// The pairs of a query or form, decoded. What is no UTF-8 comes with replacement characters.
pub(crate) fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(bytes: &[u8]) -> String {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', _, _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text as one segment of a path, or a value of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_its_first_value_counts() {
        let form = Form::parse(b"a=1+2%2B3&b=%C3%A4&a=9&=x&c&bad=%zz%");
        assert_eq!(form.get("a"), "1 2+3");
        assert_eq!(form.get("b"), "\u{e4}");
        assert_eq!(form.get("bad"), "%zz%");
        assert_eq!((form.get("c"), form.some("c")), ("", None));
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "https://id.gs1.org/01/09506000134352/10/A&B=\u{e4} +";
        assert_eq!(decode(encode(text).as_bytes()), text);
    }

    #[test]
    fn a_body_earns_time_by_what_it_brings() {
        let begun = Instant::now();
        assert!(time_left(begun, 0) <= BODY_GRACE);
        let earned = time_left(begun, 10 * usize::try_from(BODY_BYTES_PER_SECOND_MIN).unwrap());
        assert!(earned > BODY_GRACE + Duration::from_secs(9));
    }
}
