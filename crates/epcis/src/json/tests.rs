use super::*;
use proptest::prelude::*;

#[test]
fn a_name_that_comes_twice_is_refused_with_its_place() {
    let error = parse(b"{\"a\":1,\n \"a\":2}").unwrap_err();
    assert_eq!((error.line, error.column), (2, 2));
    assert_eq!(error.kind, JsonErrorKind::DuplicateName("a".into()));
    let many: Vec<String> = (0..90).map(|i| format!("\"k{}\":0", i % 89)).collect();
    let error = parse(format!("{{{}}}", many.join(",")).as_bytes()).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::DuplicateName("k0".into()));
}

#[test]
fn numbers_keep_their_lexeme() {
    let value = parse(b"[1.10, 1e2, -0, 12345678901234567890.000]").unwrap();
    assert_eq!(value.to_text(), "[1.10,1e2,-0,12345678901234567890.000]");
}

#[test]
fn what_is_not_json_is_refused() {
    for text in ["", "[", "{\"a\"", "[1,]", "01", "1.", "nul", "\"\\ud800\"", "\"\t\"", "[1] 2"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(parse(b"\"\xff\"").unwrap_err().kind, JsonErrorKind::Encoding);
    let deep = "[".repeat(DEPTH_MAX + 2);
    assert_eq!(parse(deep.as_bytes()).unwrap_err().kind, JsonErrorKind::Depth);
}

#[test]
fn many_small_values_are_refused_where_they_become_too_many() {
    assert!(parse_limited(b"[1,[],{\"a\":1}]", 5).is_ok());
    let error = parse_limited(b"[1,[],{\"a\":1}]", 4).unwrap_err();
    assert_eq!((error.kind, error.column), (JsonErrorKind::Values(4), 12));
}

#[test]
fn pointers_follow_rfc_6901() {
    let value = parse(br#"{"a/b":[{"m~n":7}],"":1}"#).unwrap();
    assert_eq!(value.pointer("/a~1b/0/m~0n"), Some(&Json::Number("7".into())));
    assert_eq!(value.pointer("/a~1b/00/m~0n"), None);
    assert_eq!(value.pointer("/"), Some(&Json::Number("1".into())));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(|n| Json::Number(n.to_string())),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_again_equal(value in any_json()) {
        prop_assert_eq!(&parse(value.to_text().as_bytes()).unwrap(), &value);
        prop_assert_eq!(&parse(value.to_text_pretty().as_bytes()).unwrap(), &value);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
}
