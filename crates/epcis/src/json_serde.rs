//! [`Json`] for serde, without loss: numbers keep their characters, members their order, and a name
//! that stands twice is refused.
//!
//! Numbers go through `serde_json`'s raw values, so that both directions need `serde_json`, and
//! reading needs a text in memory. Types that hold a tree must not be flattened or untagged: serde
//! would read such a type into a tree of its own first, which keeps neither.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::json::{Json, parse};

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(lexeme) => RawValue::from_string(lexeme.clone())
                .map_err(S::Error::custom)?
                .serialize(serializer),
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        parse(raw.get().as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_characters_and_members_their_order() {
        let text =
            r#"{"z":[1.50,-0,1e400,12345678901234567890.10],"a":{"b":null,"a":true},"":"é\n"}"#;
        let tree = parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), tree.to_text());
        assert_eq!(serde_json::from_str::<Json>(text).unwrap(), tree);
        assert_eq!(serde_json::to_string_pretty(&tree).unwrap(), tree.to_text_pretty());
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Vec<Json>>(r#"[{"a":1,"a":2}]"#).unwrap_err();
        assert!(error.to_string().contains("stands twice"), "{error}");
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?".prop_map(Json::Number),
            ".{0,12}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_comes_back_as_it_went(tree in tree()) {
            let text = serde_json::to_string(&tree).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Json>(&text).unwrap(), &tree);
        }
    }
}
