use super::*;
use crate::note::{SignatureLine, Signer};
use proptest::prelude::*;

const ORIGIN: &str = "ledger.example/log";

fn log(seed: u8) -> Signer {
    Signer::new(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn witness(seed: u8) -> Signer {
    Signer::new(&format!("w{seed}.example"), Algorithm::CosignatureV1, &[seed; 32]).unwrap()
}

fn vkey(signer: &Signer) -> String {
    signer.verifier_key().encode()
}

/// The two-level policy that the specification uses as its example.
fn example() -> String {
    let mut text = format!("log {} https://ledger.example/\n\n", vkey(&log(1)));
    for (name, seed) in [("X1", 11), ("X2", 12), ("X3", 13), ("Y1", 21), ("Y2", 22), ("Y3", 23)] {
        text += &format!("  witness {name}\t{}  \n", vkey(&witness(seed)));
    }
    text + "# two of three, and one of three\n\
        group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\
        group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size, root: [7; 32] }
}

fn note(text: &str, signer: &Signer, witnesses: &[u8]) -> Note {
    let mut lines: Vec<SignatureLine> = vec![signer.sign(text).unwrap()];
    lines.extend(witnesses.iter().map(|w| witness(*w).cosign(text, 1000 + u64::from(*w)).unwrap()));
    Note::new(text, lines).unwrap()
}

#[test]
fn the_example_of_the_specification_counts_as_it_says() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.logs()[0].url.as_deref(), Some(&b"https://ledger.example/"[..]));
    let text = checkpoint(5).to_text();
    for (witnesses, accepted) in [
        (&[][..], false),
        (&[11, 12], false),
        (&[11, 12, 13], false),
        (&[11, 21], false),
        (&[21, 22, 23], false),
        (&[11, 12, 21], true),
        (&[13, 12, 23], true),
        (&[11, 12, 13, 21, 22, 23], true),
        (&[11, 12, 99], false),
    ] {
        let result = policy.check(&note(&text, &log(1), witnesses));
        assert_eq!(result.is_ok(), accepted, "{witnesses:?}");
        if !accepted {
            assert!(matches!(result, Err(Rejected::Quorum { .. })));
        }
    }
    let accepted = policy.check(&note(&text, &log(1), &[13, 12, 23])).unwrap();
    assert_eq!(accepted.checkpoint, checkpoint(5));
    assert_eq!(accepted.logs, [0]);
    assert_eq!(accepted.witnesses, [(2, 1013), (1, 1012), (5, 1023)]);
}

#[test]
fn a_log_must_sign_under_the_name_that_the_checkpoint_states() {
    let text = format!("log {}\nlog {}\nquorum none\n", vkey(&log(1)), vkey(&log(2)));
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let text = checkpoint(5).to_text();
    assert_eq!(policy.check(&note(&text, &log(1), &[])).unwrap().logs, [0]);
    assert_eq!(policy.check(&note(&text, &log(2), &[])).unwrap().logs, [1]);
    let unsigned = Err(Rejected::Note(NoteError::Unsigned));
    assert_eq!(policy.check(&note(&text, &log(3), &[])), unsigned);
    let other = Checkpoint { origin: "other.example".to_owned(), ..checkpoint(5) };
    let origin = "other.example".to_owned();
    assert_eq!(policy.check(&note(&other.to_text(), &log(1), &[])), Err(Rejected::Log { origin }));
    assert!(matches!(
        policy.check(&note("no checkpoint\n", &log(1), &[])),
        Err(Rejected::Checkpoint(_))
    ));
}

#[test]
fn witnesses_alone_do_not_make_a_checkpoint_valid() {
    let text = format!("log {}\nwitness w {}\nquorum w\n", vkey(&log(1)), vkey(&witness(11)));
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let text = checkpoint(5).to_text();
    let only_witness = Note::new(&text, vec![witness(11).cosign(&text, 1).unwrap()]).unwrap();
    assert!(matches!(policy.check(&only_witness), Err(Rejected::Log { .. })));
    // A bad cosignature of a listed witness refuses the note instead of being left out.
    let mut lines = note(&text, &log(1), &[11]).signatures().to_vec();
    lines[1].signature[70] ^= 1;
    let error = policy.check(&Note::new(&text, lines).unwrap());
    assert!(matches!(error, Err(Rejected::Note(NoteError::Signature { line: 2, .. }))));
}

#[test]
fn each_rule_of_the_format_names_its_line() {
    let (l, w, v) = (vkey(&log(1)), vkey(&witness(11)), vkey(&witness(12)));
    let two = format!("witness a {w}\nwitness b {v}\n");
    let name = |name: &str| name.to_owned();
    let cases = [
        (String::new(), PolicyError::NoQuorum),
        ("quorum\n".to_owned(), PolicyError::Form { line: 1 }),
        ("\n#\u{1}\n".to_owned(), PolicyError::Line { line: 2 }),
        ("# \r\n".to_owned(), PolicyError::Line { line: 1 }),
        ("Quorum none\n".to_owned(), PolicyError::Form { line: 1 }),
        ("quorum none extra\n".to_owned(), PolicyError::Form { line: 1 }),
        ("quorum none\nquorum none\n".to_owned(), PolicyError::SecondQuorum { line: 2 }),
        ("quorum a\n".to_owned(), PolicyError::Undefined { line: 1, name: name("a") }),
        (format!("log {w}\n"), PolicyError::KeyKind { line: 1 }),
        (format!("witness a {l}\n"), PolicyError::KeyKind { line: 1 }),
        (format!("log {l} u extra\n"), PolicyError::Form { line: 1 }),
        (format!("log {l}\nlog {l}\n"), PolicyError::DuplicateKey { line: 2 }),
        (format!("witness a {w}\nwitness b {w}\n"), PolicyError::DuplicateKey { line: 2 }),
        (format!("witness a {w}\nwitness a {v}\n"), PolicyError::Name { line: 2, name: name("a") }),
        (format!("witness none {w}\n"), PolicyError::Name { line: 1, name: name("none") }),
        (format!("{two}group g 1\n"), PolicyError::Form { line: 3 }),
        (format!("{two}group g 0 a b\n"), PolicyError::Threshold { line: 3, members: 2 }),
        (format!("{two}group g 3 a b\n"), PolicyError::Threshold { line: 3, members: 2 }),
        (format!("{two}group g 01 a b\n"), PolicyError::Threshold { line: 3, members: 2 }),
        (format!("{two}group g some a b\n"), PolicyError::Threshold { line: 3, members: 2 }),
        (format!("{two}group g all a a\n"), PolicyError::Member { line: 3, name: name("a") }),
        (format!("{two}group a all b\n"), PolicyError::Name { line: 3, name: name("a") }),
        (format!("{two}group g all g\n"), PolicyError::Undefined { line: 3, name: name("g") }),
        (
            format!("{two}group g all none\n"),
            PolicyError::Undefined { line: 3, name: name("none") },
        ),
        (
            format!("{two}group g all a\ngroup h any a b\n"),
            PolicyError::Member { line: 4, name: name("a") },
        ),
        ("log x\n".to_owned(), PolicyError::Key { line: 1, source: KeyError::Structure }),
    ];
    for (text, expected) in cases {
        assert_eq!(Policy::parse(text.as_bytes()), Err(expected), "{text:?}");
    }
    let long = [b"# ".as_slice(), &[b'x'; MAX_LINE_BYTES]].concat();
    assert_eq!(Policy::parse(&long), Err(PolicyError::Line { line: 1 }));
    let many: String = (0..=MAX_DEFINITIONS as u8)
        .map(|seed| format!("witness w{seed} {}\n", vkey(&witness(seed))))
        .collect();
    assert_eq!(Policy::parse(many.as_bytes()), Err(PolicyError::TooMany { line: 65 }));
}

#[test]
fn names_are_opaque_bytes_and_a_kelvin_sign_is_no_k() {
    let text = format!("witness \u{212a} {}\nquorum K\n", vkey(&witness(11)));
    let error = PolicyError::Undefined { line: 2, name: "K".to_owned() };
    assert_eq!(Policy::parse(text.as_bytes()), Err(error));
    let text = format!("witness \u{212a} {}\nquorum \u{212a}\n", vkey(&witness(11)));
    assert!(Policy::parse(text.as_bytes()).is_ok());
}

#[test]
fn lines_of_another_format_are_told_apart_and_keep_their_numbers() {
    let key = vkey(&log(1));
    let file = format!("member a\n log {key}\ngenesis 00\nquorum all-of-them\n");
    let ours = file
        .split('\n')
        .map(str::as_bytes)
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .filter(|(_, line)| Policy::is_policy_line(line));
    let error = PolicyError::Undefined { line: 4, name: "all-of-them".to_owned() };
    assert_eq!(Policy::from_lines(ours), Err(error));
}

#[test]
fn an_encoded_policy_reads_back_as_the_same() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
    let none = Policy::parse(b"quorum none").unwrap();
    assert_eq!(none.encode(), b"quorum none\n");
    assert!(none.is_quorum(&HashSet::new()));
}

proptest! {
    #[test]
    fn a_threshold_counts_members(
        count in 1usize..12, threshold in 1usize..12, present in prop::collection::hash_set(0usize..12, 0..12)
    ) {
        let mut text = String::new();
        for seed in 0..count {
            text += &format!("witness w{seed} {}\n", vkey(&witness(seed as u8)));
        }
        let names: Vec<String> = (0..count).map(|seed| format!("w{seed}")).collect();
        text += &format!("group g {threshold} {}\nquorum g\n", names.join(" "));
        match Policy::parse(text.as_bytes()) {
            Ok(policy) => {
                let counted = present.iter().filter(|at| **at < count).count();
                prop_assert_eq!(policy.is_quorum(&present), counted >= threshold);
            }
            Err(error) => {
                prop_assert_eq!(error, PolicyError::Threshold { line: count + 1, members: count });
                prop_assert!(threshold > count);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail_otherwise_than_by_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut lines = b"quorum none\n".to_vec();
        lines.extend(bytes);
        if let Ok(policy) = Policy::parse(&lines) {
            prop_assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
        }
    }
}
