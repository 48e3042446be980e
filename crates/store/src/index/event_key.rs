//! Event ids in few bytes: most are UUIDs or hashes, whose text takes three times their length.

const TEXT: u8 = 0;
const UUID: u8 = 1;
const HASH: u8 = 2;

const UUID_PREFIX: &str = "urn:uuid:";
const HASH_PREFIX: &str = "ni:///sha-256;";

/// The bytes that stand for an event id in the tables.
pub(crate) fn encode(event_id: &str) -> Vec<u8> {
    if let Some(bytes) = event_id.strip_prefix(UUID_PREFIX).and_then(uuid_bytes) {
        let mut key = vec![UUID];
        key.extend_from_slice(&bytes);
        return key;
    }
    if let Some((hex, suffix)) =
        event_id.strip_prefix(HASH_PREFIX).and_then(|rest| rest.split_at_checked(64))
        && let Some(bytes) = from_hex(hex)
    {
        let mut key = vec![HASH];
        key.extend_from_slice(&bytes);
        key.extend_from_slice(suffix.as_bytes());
        return key;
    }
    let mut key = vec![TEXT];
    key.extend_from_slice(event_id.as_bytes());
    key
}

/// The event id that the bytes stand for; none if they were not made by [`encode`].
pub(crate) fn decode(key: &[u8]) -> Option<String> {
    let (kind, body) = key.split_first()?;
    match *kind {
        TEXT => String::from_utf8(body.to_vec()).ok(),
        UUID if body.len() == 16 => {
            let hex = to_hex(body);
            Some(format!(
                "{UUID_PREFIX}{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            ))
        }
        HASH => {
            let (hash, suffix) = body.split_at_checked(32)?;
            Some(format!("{HASH_PREFIX}{}{}", to_hex(hash), std::str::from_utf8(suffix).ok()?))
        }
        _ => None,
    }
}

/// Only the canonical form (lower case, hyphens in place) has a short key: the text comes back as
/// it was given.
fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let hyphens = [8, 13, 18, 23];
    if text.len() != 36 || !hyphens.iter().all(|at| text.as_bytes()[*at] == b'-') {
        return None;
    }
    let hex: String = text.chars().filter(|character| *character != '-').collect();
    if hex.len() != 32 { None } else { from_hex(&hex) }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case hexadecimal only.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uuids_and_hashes_are_short_and_come_back_as_they_were() {
        let uuid = "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8";
        assert_eq!(encode(uuid).len(), 17);
        assert_eq!(decode(&encode(uuid)).as_deref(), Some(uuid));
        let hash = format!("ni:///sha-256;{}?ver=CBV2.0", "0f".repeat(32));
        assert_eq!(encode(&hash).len(), 33 + 11);
        assert_eq!(decode(&encode(&hash)), Some(hash));
    }

    #[test]
    fn another_spelling_of_a_uuid_keeps_its_text() {
        for id in [
            "urn:uuid:404D95FC-9457-4A51-BD6A-0BBA133845A8",
            "urn:uuid:404d95fc94574a51bd6a0bba133845a8",
            "urn:uuid:-----------------------------------é",
            "ni:///sha-256;é",
            "",
        ] {
            assert_eq!(decode(&encode(id)).as_deref(), Some(id));
        }
    }

    proptest! {
        #[test]
        fn every_id_comes_back(id in "(urn:uuid:|ni:///sha-256;|)[0-9a-f\\-é]{0,80}") {
            prop_assert_eq!(decode(&encode(&id)), Some(id));
        }
    }
}
