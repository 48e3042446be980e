//! JSON pointers (RFC 6901): escaping, and keys of sorted subtrees, which are relative pointers.

use std::borrow::Cow;

/// Escapes a member name as a reference token (RFC 6901 §3).
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

/// The tokens of a pointer, unescaped; the empty pointer has none.
pub(crate) fn key_tokens(key: &str) -> Vec<String> {
    key.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// The tokens of a pointer, or none where it is not written as RFC 6901 says.
pub(crate) fn parse(pointer: &str) -> Option<Vec<String>> {
    let tokens = key_tokens(pointer);
    let written: String = tokens.iter().flat_map(|token| ["/".into(), escape(token)]).collect();
    (written == pointer).then_some(tokens)
}

/// The index that a token names in a list (RFC 6901 §4).
pub(crate) fn list_index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|b| b.is_ascii_digit())
        && (token == "0" || !token.starts_with('0'))
        && !token.is_empty();
    if plain { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_from_their_pointer_and_bad_escapes_are_refused() {
        assert_eq!(parse(""), Some(vec![]));
        assert_eq!(parse("/a~1b/m~0n/"), Some(vec!["a/b".into(), "m~n".into(), String::new()]));
        assert_eq!(parse("/~2"), None);
        assert_eq!(parse("a"), None);
        assert_eq!(list_index("10"), Some(10));
        for token in ["", "01", "-", "1a", "99999999999999999999999"] {
            assert_eq!(list_index(token), None);
        }
    }
}
