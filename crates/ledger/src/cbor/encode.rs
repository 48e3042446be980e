//! Writing deterministic CBOR.

use super::Value;

/// The deterministic encoding of a value (RFC 8949 §4.2.1).
///
/// Map entries may stand in any order; they are written in key order. Distinct keys are the
/// caller's duty: an encoding with a key twice is refused by [`decode`](super::decode).
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(value, &mut out);
    out
}

/// As [`encode`], appended to a buffer.
pub fn encode_into(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Unsigned(n) => head(0, *n, out),
        Value::Negative(n) => head(1, *n, out),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| encode_into(item, out));
        }
        Value::Map(entries) => {
            head(5, entries.len() as u64, out);
            let mut written: Vec<(Vec<u8>, &Value)> =
                entries.iter().map(|(key, value)| (encode(key), value)).collect();
            written.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in written {
                out.extend_from_slice(&key);
                encode_into(value, out);
            }
        }
        Value::Tag(tag, inner) => {
            head(6, *tag, out);
            encode_into(inner, out);
        }
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Null => out.push(0xf6),
    }
}

/// An initial byte and its argument in the fewest bytes (RFC 8949 §3, §4.2.1).
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let top = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(top | bytes[7]),
        24..=0xff => out.extend_from_slice(&[top | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(top | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(top | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(top | 27);
            out.extend_from_slice(&bytes);
        }
    }
}
