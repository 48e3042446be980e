use super::*;
use crate::ids::key_id;
use coset::TaggedCborSerializable;
use proptest::prelude::*;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn statement(seed: u8, body: Body) -> Statement {
    let objects = match &body {
        Body::Capture(capture) => vec![capture.object],
        _ => Vec::new(),
    };
    Statement {
        key: key_id(&key(seed).verifying_key().to_bytes()),
        member: [seed; 16],
        sequence: 1,
        origin: "ledger.example/1".into(),
        body,
        objects,
    }
}

/// One body of every kind and action.
pub(crate) fn every_body() -> Vec<(&'static str, Body)> {
    let hash = [9; 32];
    let member = |action| Body::Member(MemberBody { member: [2; 16], action });
    let of_key = |action| Body::Key(KeyBody { member: [2; 16], action });
    let public_key = key(3).verifying_key().to_bytes();
    let proof = [5; 64];
    let genesis = |previous| {
        Body::Genesis(Genesis {
            hand: [7; 16],
            log_key: key(8).verifying_key().to_bytes(),
            rule_set: 1,
            name_digest: hash,
            member_key: key(1).verifying_key().to_bytes(),
            previous,
        })
    };
    let earlier = PreviousLog { origin: "ledger.example/0".into(), size: 12, root: hash };
    let document =
        |digest, size| Body::Document(Document { document: [4; 16], digest, media_class: 1, size });
    vec![
        ("genesis", genesis(None)),
        ("genesis_after_loss", genesis(Some(earlier))),
        (
            "member_add",
            member(MemberAction::Add {
                name_digest: hash,
                hand: [7; 16],
                roles: vec![[1; 16], [2; 16]],
            }),
        ),
        ("member_suspend", member(MemberAction::Suspend)),
        ("member_leave", member(MemberAction::Leave)),
        ("member_resume", member(MemberAction::Resume)),
        ("key_register", of_key(KeyAction::Register { public_key, proof })),
        ("key_rotate", of_key(KeyAction::Rotate { old: hash, public_key, proof })),
        ("key_revoke", of_key(KeyAction::Revoke { key: hash })),
        ("capture", Body::Capture(Capture { batch_root: hash, count: 500, object: [8; 32] })),
        ("endorse_record", Body::Endorsement(Endorsement::Record { id: [6; 16], hash })),
        ("endorse_statement", Body::Endorsement(Endorsement::Statement { hash })),
        ("document_salted", document(DocumentDigest::Salted(hash), padded_size(123_456))),
        ("document_open", document(DocumentDigest::Open(hash), 123_457)),
        (
            "erasure",
            Body::Erasure(Erasure {
                record: [6; 16],
                classes: vec![1, 9, 11],
                reason: 1,
                time_ms: 1_790_000_000_000,
            }),
        ),
        ("clock", Body::Clock(Clock { height: 7, previous_ms: 1, new_ms: 2 })),
    ]
}

#[test]
fn every_kind_reads_again_equal_and_its_signature_holds() {
    for (name, body) in every_body() {
        let signed = statement(1, body.clone()).sign(&key(1)).unwrap();
        let read = SignedStatement::from_leaf(&signed.leaf()).unwrap();
        assert_eq!(read, signed, "{name}");
        assert_eq!(read.statement().body, body);
        assert_eq!(read.verify(&key(1).verifying_key().to_bytes()), Ok(()));
        assert!(read.verify(&key(2).verifying_key().to_bytes()).is_err());
    }
}

#[test]
fn an_independent_cose_implementation_verifies_a_statement() {
    for (_, body) in every_body() {
        let signed = statement(1, body).sign(&key(1)).unwrap();
        let theirs = coset::CoseSign1::from_tagged_slice(signed.bytes()).unwrap();
        assert_eq!(theirs.protected.header.key_id, signed.statement().key);
        theirs
            .verify_signature(b"", |signature, message| {
                cose::verify(&key(1).verifying_key().to_bytes(), message, signature)
            })
            .unwrap();
        assert_eq!(theirs.to_tagged_vec().unwrap(), signed.bytes());
    }
}

/// Re-signs a statement whose COSE parts were changed, so that only its form can be wrong.
fn resigned(change: impl FnOnce(&mut Sign1)) -> Vec<u8> {
    let body = Body::Clock(Clock { height: 7, previous_ms: 1, new_ms: 2 });
    let signed = statement(1, body).sign(&key(1)).unwrap();
    let mut message = Sign1::decode(signed.bytes()).unwrap();
    change(&mut message);
    let payload = message.payload.clone().unwrap_or_default();
    message.signature =
        cose::sign(&key(1), &cose::to_be_signed(&message.protected, &payload)).to_vec();
    message.encode()
}

fn change_map(bytes: &[u8], key: u64, value: Option<Value>) -> Vec<u8> {
    let Value::Map(mut entries) = cbor::decode(bytes).unwrap() else { panic!("a map") };
    entries.retain(|(k, _)| *k != key.into());
    entries.extend(value.map(|value| (key.into(), value)));
    cbor::encode(&Value::Map(entries))
}

#[test]
fn a_header_that_says_something_else_than_the_payload_is_refused() {
    assert!(SignedStatement::decode(&resigned(|_| {})).is_ok());
    let claims = |iss: String, sub: &str| Some(Value::int_map([(1, iss.into()), (2, sub.into())]));
    let one = hex(&[1; 16]);
    let header = |key, value| resigned(|m| m.protected = change_map(&m.protected, key, value));
    let other_member = header(15, claims(hex(&[2; 16]), "clock"));
    assert_eq!(SignedStatement::decode(&other_member), Err(StatementError::Disagree("member")));
    let other_kind = header(15, claims(one, "capture"));
    assert_eq!(SignedStatement::decode(&other_kind), Err(StatementError::Disagree("kind")));
    for (key, value) in [
        (1, Some((-7i64).into())),
        (3, Some("text/plain".into())),
        (4, None),
        (15, None),
        (16, Some(Value::Null)),
    ] {
        assert!(SignedStatement::decode(&header(key, value)).is_err(), "header {key}");
    }
}

#[test]
fn whatever_the_signature_does_not_cover_must_be_empty() {
    let extra = resigned(|m| m.unprotected = Value::int_map([(4, [1u8].into())]));
    assert_eq!(SignedStatement::decode(&extra), Err(StatementError::Encoding));
    let detached = resigned(|m| m.payload = None);
    assert_eq!(SignedStatement::decode(&detached), Err(StatementError::Encoding));
}

#[test]
fn unknown_later_and_oversized_statements_are_told_apart() {
    let payload = |key, value: Value| {
        resigned(|m| m.payload = m.payload.as_ref().map(|p| change_map(p, key, Some(value))))
    };
    assert_eq!(
        SignedStatement::decode(&payload(2, 26u64.into())),
        Err(StatementError::UnknownKind(26))
    );
    assert_eq!(
        SignedStatement::decode(&payload(2, 9u64.into())),
        Err(StatementError::LaterKind(StatementKind::Asset))
    );
    assert!(SignedStatement::decode(&payload(1, 2u64.into())).is_err());
    assert!(SignedStatement::decode(&payload(5, "o".repeat(200).into())).is_err());
    let many = Value::Array(vec![[0u8; 32].into(); OBJECTS_PER_STATEMENT_MAX + 1]);
    assert!(SignedStatement::decode(&payload(7, many)).is_err());
    assert_eq!(
        SignedStatement::decode(&vec![0; LEAF_BYTES_MAX]),
        Err(StatementError::TooLong(LEAF_BYTES_MAX))
    );
    assert_eq!(SignedStatement::from_leaf(&[1, 2]), Err(StatementError::Leaf));
}

#[test]
fn bodies_outside_their_bounds_are_refused_when_made() {
    let erasure = |classes: Vec<u8>, reason| {
        Body::Erasure(Erasure { record: [6; 16], classes, reason, time_ms: 1 })
    };
    let document = Body::Document(Document {
        document: [4; 16],
        digest: DocumentDigest::Salted([0; 32]),
        media_class: 1,
        size: 123_457,
    });
    let roles = vec![[2; 16], [1; 16]];
    let add = MemberAction::Add { name_digest: [0; 32], hand: [0; 16], roles };
    for body in [
        erasure(vec![], 1),
        erasure(vec![2, 1], 1),
        erasure(vec![1, 1], 1),
        erasure(vec![12], 1),
        erasure(vec![0], 1),
        erasure(vec![1], 0),
        erasure(vec![1], 99),
        document,
        Body::Capture(Capture { batch_root: [0; 32], count: 0, object: [0; 32] }),
        Body::Capture(Capture { batch_root: [0; 32], count: 1_001, object: [0; 32] }),
        Body::Member(MemberBody { member: [1; 16], action: add }),
    ] {
        let said = statement(1, body.clone()).sign(&key(1));
        assert!(matches!(said, Err(StatementError::Shape(_))), "{body:?}");
    }
}

#[test]
fn padding_follows_padme() {
    for (length, padded) in
        [(0, 0), (1, 1), (9, 10), (100, 104), (1_000, 1_024), (100_000, 100_352)]
    {
        assert_eq!(padded_size(length), padded, "{length}");
    }
}

proptest! {
    #[test]
    fn padding_is_stable_and_adds_at_most_an_eighth(length in 0u64..1 << 40) {
        let padded = padded_size(length);
        prop_assert!(padded >= length && padded - length <= length / 8 + 1);
        prop_assert_eq!(padded_size(padded), padded);
    }

    #[test]
    fn a_changed_byte_is_refused_or_breaks_the_signature(
        which in 0usize..16, at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let (_, body) = every_body().swap_remove(which);
        let signed = statement(1, body).sign(&key(1)).unwrap();
        let mut bytes = signed.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = SignedStatement::decode(&bytes) {
            prop_assert!(read.verify(&key(1).verifying_key().to_bytes()).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = SignedStatement::decode(&bytes);
    }
}
