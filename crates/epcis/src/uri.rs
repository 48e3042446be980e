//! The shape of URIs (RFC 3986 §3) and of compact URIs (`prefix:name`), checked without a pattern
//! engine. Characters outside ASCII pass: JSON-LD values are IRIs (RFC 3987).

/// Whether a text has the shape of a URI or a compact URI: a scheme or prefix, a colon, a rest.
#[must_use]
pub fn is_uri(text: &str) -> bool {
    match split(text) {
        Some((_, rest)) => !rest.is_empty() && rest_is_clean(rest.as_bytes()),
        None => false,
    }
}

/// The part before the first colon and the rest, where the first part can be a scheme or prefix.
#[must_use]
pub fn split(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|b| b == b':')?;
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let mut bytes = scheme.bytes();
    let first = bytes.next()?;
    let tail = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_');
    if first.is_ascii_alphabetic() && bytes.all(tail) { Some((scheme, rest)) } else { None }
}

/// Whether a prefix is a registered scheme that documents use, rather than a declared prefix.
#[must_use]
pub fn is_scheme(prefix: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "http", "https", "urn", "ni", "geo", "did", "tag", "info", "data", "ftp", "mailto", "tel",
        "ipfs", "doi", "oid",
    ];
    SCHEMES.contains(&prefix)
}

/// What the first fault in the rest of a URI is, for a message.
fn rest_is_clean(rest: &[u8]) -> bool {
    rest.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => {
            let hex = |i: usize| rest.get(at + i).is_some_and(u8::is_ascii_hexdigit);
            hex(1) && hex(2)
        }
        0..=0x20 | 0x7f | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_and_compact_uris_pass() {
        for text in [
            "https://id.gs1.org/01/09521141012345/21/2017",
            "urn:epc:id:sgtin:0614141.107346.2017",
            "urn:epc:idpat:sgtin:4012345.066666.*",
            "geo:50.94,6.92",
            "cbv:Comp-northing",
            "ni:///sha-256;025ac1?ver=CBV2.0",
            "https://example.com/\u{fc}",
        ] {
            assert!(is_uri(text), "{text}");
        }
    }

    #[test]
    fn words_blanks_and_broken_escapes_do_not() {
        for text in ["shipping", "", ":x", "urn:", "http://a b", "urn:x:%2", "urn:x:%zz", "1a:b"] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
