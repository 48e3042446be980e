//! Answers in gzip, for files and pages whose size is somebody's waiting time on a slow network.
//!
//! Only what holds no secret is compressed: the length of a compressed answer tells something of what
//! is in it.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Whether whoever asks takes gzip.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// Bytes in gzip; `None` where that does not make them fewer.
pub(crate) fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < bytes.len())
}

/// A body, in gzip where that is taken.
pub(crate) fn body(headers: &HeaderMap, bytes: Vec<u8>) -> Response {
    let packed = is_wanted(headers).then(|| gzip(&bytes)).flatten();
    let is_packed = packed.is_some();
    let mut response = packed.unwrap_or(bytes).into_response();
    mark(&mut response, is_packed);
    response
}

/// Says how a body is coded.
pub(crate) fn mark(response: &mut Response, is_packed: bool) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn headers(accepted: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))])
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        assert!(is_wanted(&headers("br, gzip;q=0.5")));
        assert!(!is_wanted(&headers("br, gzip;q=0")));
        assert!(!is_wanted(&headers("identity")));
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn what_is_packed_unpacks_to_itself() {
        let text = "the same again, ".repeat(100);
        let packed = gzip(text.as_bytes()).unwrap();
        assert!(packed.len() < 100);
        let mut back = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
        assert_eq!(gzip(b"x"), None);
    }
}
