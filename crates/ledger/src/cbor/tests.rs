use super::*;
use crate::limits::{CBOR_BYTES_MAX, CBOR_DEPTH_MAX};
use coset::cbor::value::Value as Other;
use proptest::prelude::*;

fn kind(bytes: &[u8]) -> CborErrorKind {
    decode(bytes).unwrap_err().kind
}

#[test]
fn examples_of_rfc_8949_appendix_a_are_read_and_written() {
    let examples: [(&[u8], Value); 9] = [
        (&[0x18, 0x18], Value::Unsigned(24)),
        (&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], Value::Unsigned(1_000_000_000_000)),
        (&[0x3b, 255, 255, 255, 255, 255, 255, 255, 255], Value::Negative(u64::MAX)),
        (&[0x38, 0x63], Value::from(-100i64)),
        (&[0x44, 1, 2, 3, 4], Value::from([1u8, 2, 3, 4])),
        (&[0x62, 0xc3, 0xbc], Value::from("\u{fc}")),
        (&[0x82, 1, 2], Value::Array(vec![1u64.into(), 2u64.into()])),
        (&[0xa2, 1, 2, 3, 4], Value::int_map([(3, 4u64.into()), (1, 2u64.into())])),
        (&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0], {
            Value::Tag(1, Box::new(1_363_896_240u64.into()))
        }),
    ];
    for (bytes, value) in examples {
        assert_eq!(encode(&value), bytes);
        assert_eq!(decode(bytes).unwrap(), value);
    }
}

#[test]
fn every_second_way_to_write_a_value_is_refused() {
    assert_eq!(kind(&[0x18, 23]), CborErrorKind::NotShortest);
    assert_eq!(kind(&[0x19, 0, 255]), CborErrorKind::NotShortest);
    assert_eq!(kind(&[0x1a, 0, 0, 255, 255]), CborErrorKind::NotShortest);
    assert_eq!(kind(&[0x1b, 0, 0, 0, 0, 255, 255, 255, 255]), CborErrorKind::NotShortest);
    assert_eq!(kind(&[0x58, 1, 7]), CborErrorKind::NotShortest);
    assert_eq!(kind(&[0x9f, 1, 0xff]), CborErrorKind::Indefinite);
    assert_eq!(kind(&[0xff]), CborErrorKind::Indefinite);
    assert_eq!(kind(&[0xf9, 0x3c, 0]), CborErrorKind::Simple);
    assert_eq!(kind(&[0xf7]), CborErrorKind::Simple);
    assert_eq!(kind(&[0xf8, 20]), CborErrorKind::Simple);
    assert_eq!(kind(&[0x1c]), CborErrorKind::Reserved);
    assert_eq!(kind(&[0xa2, 3, 4, 1, 2]), CborErrorKind::KeyOrder);
    assert_eq!(kind(&[0xa2, 1, 4, 1, 2]), CborErrorKind::DuplicateKey);
    assert_eq!(kind(&[1, 1]), CborErrorKind::Trailing);
    assert_eq!(kind(&[]), CborErrorKind::Truncated);
    assert_eq!(kind(&[0x61, 0xff]), CborErrorKind::Encoding);
}

#[test]
fn keys_in_another_order_are_read_only_where_that_is_asked_for() {
    let bytes = [0xa2, 3, 4, 1, 2];
    assert_eq!(decode_any_order(&bytes).unwrap().as_map().unwrap().len(), 2);
    let twice = [0xa3, 3, 4, 1, 2, 3, 5];
    assert_eq!(decode_any_order(&twice).unwrap_err().kind, CborErrorKind::DuplicateKey);
}

#[test]
fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
    for first in [0x5b, 0x7b, 0x9b, 0xbb] {
        let mut bytes = vec![first];
        bytes.extend_from_slice(&(u64::MAX / 2).to_be_bytes());
        assert_eq!(kind(&bytes), CborErrorKind::Truncated);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let mut deep = vec![0x81; CBOR_DEPTH_MAX];
    deep.push(0);
    assert!(decode(&deep).is_ok());
    deep.insert(0, 0x81);
    assert_eq!(kind(&deep), CborErrorKind::Depth);
    let mut tags = vec![0xc1; CBOR_DEPTH_MAX + 1];
    tags.push(0);
    assert_eq!(kind(&tags), CborErrorKind::Depth);
    assert_eq!(kind(&vec![0; CBOR_BYTES_MAX + 1]), CborErrorKind::TooLong);
}

#[test]
fn fields_name_the_key_and_the_rule() {
    let value = Value::int_map([(1, 7u64.into()), (2, [1u8, 2].into()), (3, "x".into())]);
    let fields = Fields::open("sample", &value, &[1, 2, 3]).unwrap();
    assert_eq!(fields.uint(1).unwrap(), 7);
    assert_eq!(fields.array::<2>(2).unwrap(), [1, 2]);
    assert_eq!(fields.text(3, 4).unwrap(), "x");
    assert_eq!(fields.optional_array::<2>(9).unwrap(), None);
    let said = fields.array::<16>(2).unwrap_err().to_string();
    assert_eq!(said, "sample, key 2: expected a length of 16 bytes, found 2");
    assert_eq!(fields.uint(9).unwrap_err().problem, ShapeProblem::Missing);
    let said = Fields::open("sample", &value, &[1, 2]).unwrap_err();
    assert_eq!((said.key, said.problem), (Some(3), ShapeProblem::Unknown));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Value::Unsigned),
        (0u64..300).prop_map(Value::Unsigned),
        any::<u64>().prop_map(Value::Negative),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<String>().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            (any::<u64>(), inner.clone()).prop_map(|(tag, v)| Value::Tag(tag, Box::new(v))),
            prop::collection::vec((inner.clone(), inner), 0..6).prop_map(|entries| {
                let mut keyed: Vec<_> =
                    entries.into_iter().map(|(k, v)| (encode(&k), k, v)).collect();
                keyed.sort_by(|a, b| a.0.cmp(&b.0));
                keyed.dedup_by(|a, b| a.0 == b.0);
                Value::Map(keyed.into_iter().map(|(_, k, v)| (k, v)).collect())
            }),
        ]
    })
}

/// The same value in the data model of an independent implementation.
fn other(value: &Value) -> Other {
    match value {
        Value::Unsigned(n) => Other::Integer((*n).into()),
        Value::Negative(n) => Other::Integer((-1 - i128::from(*n)).try_into().unwrap()),
        Value::Bytes(bytes) => Other::Bytes(bytes.clone()),
        Value::Text(text) => Other::Text(text.clone()),
        Value::Array(items) => Other::Array(items.iter().map(other).collect()),
        Value::Map(entries) => {
            Other::Map(entries.iter().map(|(k, v)| (other(k), other(v))).collect())
        }
        Value::Tag(tag, inner) => Other::Tag(*tag, Box::new(other(inner))),
        Value::Bool(flag) => Other::Bool(*flag),
        Value::Null => Other::Null,
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_again_equal(value in any_value()) {
        prop_assert_eq!(decode(&encode(&value)).unwrap(), value);
    }

    #[test]
    fn an_independent_implementation_reads_and_writes_the_same_bytes(value in any_value()) {
        let bytes = encode(&value);
        let read: Other = coset::cbor::from_reader(bytes.as_slice()).unwrap();
        prop_assert_eq!(&read, &other(&value));
        let mut written = Vec::new();
        coset::cbor::into_writer(&other(&value), &mut written).unwrap();
        prop_assert_eq!(written, bytes);
    }

    #[test]
    fn whatever_is_read_has_this_one_encoding(
        bytes in prop::collection::vec(any::<u8>(), 0..60)
    ) {
        if let Ok(value) = decode(&bytes) {
            prop_assert_eq!(encode(&value), bytes);
        }
    }

    #[test]
    fn a_changed_byte_never_reads_as_the_same_value(
        value in any_value(), at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = decode(&bytes) {
            prop_assert_ne!(read, value);
        }
    }
}
