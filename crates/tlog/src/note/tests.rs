use super::*;
use proptest::prelude::*;

/// The example of the Go package golang.org/x/mod/sumdb/note.
const SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, algorithm: Algorithm, seed: u8) -> Signer {
    Signer::new(name, algorithm, &[seed; 32]).unwrap()
}

#[test]
fn the_published_example_verifies_and_is_signed_alike() {
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    let key = VerifierKey::parse(PUBLIC).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&key)), Ok(vec![Verified { key: 0, time: None }]));
    let secret = Signer::parse(SECRET).unwrap();
    assert_eq!(secret.verifier_key(), &key);
    assert_eq!(secret.sign(note.text()).unwrap(), note.signatures()[0]);
    assert_eq!(note.encode(), NOTE);
    assert_eq!((secret.encode().as_str(), key.encode().as_str()), (SECRET, PUBLIC));
}

#[test]
fn the_debug_form_of_a_signer_does_not_show_its_secret() {
    let shown = format!("{:?}", signer("a", Algorithm::Ed25519, 0xab));
    assert!(shown.contains("name: \"a\"") && !shown.contains("171") && !shown.contains("abab"));
}

#[test]
fn malformed_keys_are_refused_for_the_right_reason() {
    let zero = format!("a+00000000+{}", STANDARD.encode([&[1][..], &[0; 32]].concat()));
    let cases = [
        ("", KeyError::Structure),
        ("name+c74f20a3", KeyError::Structure),
        ("+c74f20a3+AQ==", KeyError::Name),
        ("a b+c74f20a3+AQ==", KeyError::Name),
        ("a\u{a0}b+c74f20a3+AQ==", KeyError::Name),
        ("a+c74f20a3+AQ==", KeyError::Key),
        ("a+c74f20a3+!", KeyError::Key),
        ("a+c74f20a3+AhpcAA==", KeyError::Algorithm { found: 2 }),
        (zero.as_str(), KeyError::Key),
    ];
    for (text, expected) in cases {
        assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
    }
    let expected = "c74f20a3".to_owned();
    for id in ["c74f20a4", "C74F20A3", "c74f20a", "0c74f20a3"] {
        let expected = KeyError::Id { expected: expected.clone() };
        assert_eq!(VerifierKey::parse(&PUBLIC.replace("c74f20a3", id)), Err(expected.clone()));
        assert_eq!(Signer::parse(&SECRET.replace("c74f20a3", id)).unwrap_err(), expected);
    }
    assert_eq!(Signer::parse(PUBLIC).unwrap_err(), KeyError::Structure);
}

#[test]
fn malformed_notes_are_refused_for_the_right_reason() {
    let line = signer("a", Algorithm::Ed25519, 1).sign("text\n").unwrap().encode();
    let too_many = format!("text\n\n{}", line.repeat(17));
    let cases = [
        ("text\n".to_owned(), NoteError::Structure),
        (format!("text\n{line}"), NoteError::Structure),
        (format!("text\n\n{}", line.trim_end()), NoteError::Structure),
        ("text\n\n".to_owned(), NoteError::Structure),
        ("text\n\n\n".to_owned(), NoteError::Structure),
        (format!("te\txt\n\n{line}"), NoteError::Character { at: 2 }),
        (format!("te\rxt\n\n{line}"), NoteError::Character { at: 2 }),
        (too_many, NoteError::Count { found: 17 }),
        (format!("text\n\n{line}- a AAAAAAA=\n"), NoteError::Line { line: 2 }),
        (format!("text\n\n{line}\u{2014} a AAAAAA==\n"), NoteError::Line { line: 2 }),
        (format!("text\n\n{line}\u{2014} a+b AAAAAAA=\n"), NoteError::Line { line: 2 }),
        (format!("text\n\n{line}\u{2014}  AAAAAAA=\n"), NoteError::Line { line: 2 }),
        (format!("text\n\n{line}\u{2014} a AAAAAAA= \n"), NoteError::Line { line: 2 }),
        // Trailing bits of base64 that say nothing would make two encodings of one note.
        (format!("text\n\n{line}\u{2014} a AAAAAAB=\n"), NoteError::Line { line: 2 }),
        (format!("text\n\n{line}\u{2014} a AAAAAAA\n"), NoteError::Line { line: 2 }),
    ];
    for (text, expected) in cases {
        assert_eq!(Note::parse(text.as_bytes()), Err(expected), "{text:?}");
    }
    assert_eq!(Note::parse(b"te\xffxt\n\n"), Err(NoteError::Character { at: 2 }));
    let long = vec![b'a'; MAX_NOTE_BYTES + 1];
    assert_eq!(Note::parse(&long), Err(NoteError::TooLong { found: long.len() }));
    assert!(Note::parse(format!("text\n\n{}", line.repeat(16)).as_bytes()).is_ok());
}

#[test]
fn a_note_is_not_made_from_parts_that_would_read_differently() {
    let a = signer("a", Algorithm::Ed25519, 1);
    let line = a.sign("text\n").unwrap();
    assert!(Note::new("text\n", vec![line.clone()]).is_ok());
    for text in ["", "text", "te\u{1}xt\n"] {
        assert!(Note::new(text, vec![line.clone()]).is_err(), "{text:?}");
    }
    assert_eq!(Note::new("text\n", vec![]), Err(NoteError::Structure));
    let renamed = SignatureLine { name: "a b".to_owned(), ..line.clone() };
    assert!(Note::new("text\n", vec![renamed]).is_err());
    assert_eq!(Note::new("text\n", vec![line; 17]), Err(NoteError::Count { found: 17 }));
}

#[test]
fn a_text_may_contain_blank_lines_and_what_looks_like_signatures() {
    let a = signer("a", Algorithm::Ed25519, 1);
    let text = format!("one\n\n{}\n\ntwo\n", a.sign("one\n").unwrap().encode().trim_end());
    let note = Note::new(&text, vec![a.sign(&text).unwrap()]).unwrap();
    let read = Note::parse(note.encode().as_bytes()).unwrap();
    assert_eq!(read.text(), text);
    assert!(read.verify(&[a.verifier_key().clone()]).is_ok());
}

#[test]
fn unknown_keys_are_ignored_and_known_ones_must_hold() {
    let text = "log\n1\nroot\n";
    let (a, b) = (signer("log", Algorithm::Ed25519, 1), signer("log", Algorithm::Ed25519, 2));
    let witness = signer("witness", Algorithm::CosignatureV1, 3);
    let lines = vec![
        a.sign(text).unwrap(),
        b.sign(text).unwrap(),
        witness.cosign(text, 1_700_000_000).unwrap(),
    ];
    let note = Note::new(text, lines.clone()).unwrap();
    let keys = [witness.verifier_key().clone(), b.verifier_key().clone()];
    let verified = note.verify(&keys).unwrap();
    let time = Some(1_700_000_000);
    assert_eq!(verified, [Verified { key: 1, time: None }, Verified { key: 0, time }]);

    let stranger = signer("stranger", Algorithm::Ed25519, 4).verifier_key().clone();
    assert_eq!(note.verify(std::slice::from_ref(&stranger)), Err(NoteError::Unsigned));
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));

    let twice = Note::new(text, vec![lines[1].clone(), lines[1].clone()]).unwrap();
    let error = NoteError::Duplicate { name: "log".to_owned(), line: 2 };
    assert_eq!(twice.verify(&keys), Err(error));
    assert_eq!(twice.verify(&[stranger]), Err(NoteError::Unsigned));

    let mut bad = lines.clone();
    bad[1].signature[5] ^= 1;
    let bad = Note::new(text, bad).unwrap();
    let error = NoteError::Signature { name: "log".to_owned(), line: 2 };
    assert_eq!(bad.verify(&keys), Err(error));
    assert!(bad.verify(&[a.verifier_key().clone()]).is_ok());
}

#[test]
fn the_same_key_has_another_id_for_cosignatures_and_neither_stands_for_the_other() {
    let text = "log\n1\nroot\n";
    let plain = signer("w", Algorithm::Ed25519, 9);
    let cosigner = signer("w", Algorithm::CosignatureV1, 9);
    assert_ne!(plain.verifier_key().id(), cosigner.verifier_key().id());
    assert_eq!(plain.cosign(text, 1), Err(KeyError::Kind));
    assert_eq!(cosigner.sign(text), Err(KeyError::Kind));
    assert_eq!(cosigner.cosign(text, 1 << 63), Err(KeyError::Time));
    let mut line = plain.sign(text).unwrap();
    line.key_id = cosigner.verifier_key().id();
    let note = Note::new(text, vec![line]).unwrap();
    assert!(matches!(
        note.verify(&[cosigner.verifier_key().clone()]),
        Err(NoteError::Signature { line: 1, .. })
    ));
}

#[test]
fn a_cosignature_binds_its_time() {
    let text = "log\n1\nroot\n";
    let witness = signer("w", Algorithm::CosignatureV1, 3);
    let mut line = witness.cosign(text, 7).unwrap();
    assert_eq!(line.signature.len(), 72);
    assert_eq!(line.signature[..8], 7u64.to_be_bytes());
    line.signature[7] = 8;
    let note = Note::new(text, vec![line]).unwrap();
    assert!(matches!(
        note.verify(&[witness.verifier_key().clone()]),
        Err(NoteError::Signature { .. })
    ));
}

proptest! {
    #[test]
    fn any_altered_byte_of_a_note_is_refused(at in 0..NOTE.len(), flip in 1u8..=255) {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[at] ^= flip;
        let key = VerifierKey::parse(PUBLIC).unwrap();
        let accepted = Note::parse(&bytes).and_then(|note| {
            assert_eq!(note.encode().as_bytes(), bytes);
            note.verify(&[key])
        });
        prop_assert!(accepted.is_err());
    }

    #[test]
    fn whatever_is_read_is_written_as_the_same_bytes(note in "[a \n+=\u{2014}]{0,30}\n\n(\u{2014} [ab+]{1,2} [A-D]{7}[=AB]\n){1,3}") {
        if let Ok(read) = Note::parse(note.as_bytes()) {
            prop_assert_eq!(read.encode(), note);
        }
    }

    #[test]
    fn keys_read_back_as_they_were_written(name in "[a-z./\u{e9}-]{1,30}", seed: [u8; 32], cosigner: bool) {
        let algorithm = if cosigner { Algorithm::CosignatureV1 } else { Algorithm::Ed25519 };
        let signer = Signer::new(&name, algorithm, &seed).unwrap();
        prop_assert_eq!(&VerifierKey::parse(&signer.verifier_key().encode()).unwrap(), signer.verifier_key());
        prop_assert_eq!(Signer::parse(&signer.encode()).unwrap().encode(), signer.encode());
    }
}
