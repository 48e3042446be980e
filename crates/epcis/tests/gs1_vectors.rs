//! Translation vectors of two other implementations. Each vector matches, or stands in a table here
//! with the reason why it is wrong or why we differ; a listed one that comes to match fails too.

#![allow(clippy::unwrap_used, clippy::panic)]

mod gs1_support;

use countermark_epcis::gs1::{Checks, Gs1Error, Identifier, canonical};
use gs1_support::corpus;

/// A vector we answer otherwise than it expects.
struct Deviation {
    /// Line of the file, from 1.
    line: usize,
    /// Our answer, `None` when we refuse the input.
    ours: Option<&'static str>,
    reason: &'static str,
}

const fn differs(line: usize, ours: Option<&'static str>, reason: &'static str) -> Deviation {
    Deviation { line, ours, reason }
}

struct Vector {
    line: usize,
    input: String,
    ours: Option<String>,
    /// `None`: must not be taken for an identifier.
    expected: Option<String>,
}

/// Compares every vector with our answer and the list of deviations.
fn compare(vectors: &[Vector], deviations: &[Deviation]) {
    let mut wrong = Vec::new();
    for vector in vectors {
        let listed = deviations.iter().find(|deviation| deviation.line == vector.line);
        let matches = vector.ours == vector.expected;
        let line = vector.line;
        match listed {
            None if !matches => wrong.push(format!(
                "line {line}: {}\n  expected {:?}\n  ours     {:?}",
                vector.input, vector.expected, vector.ours
            )),
            Some(deviation) if matches => {
                wrong.push(format!("line {line} is listed and matches: {}", deviation.reason));
            }
            Some(deviation) if deviation.ours != vector.ours.as_deref() => wrong.push(format!(
                "line {line}: listed answer {:?}, ours {:?}",
                deviation.ours, vector.ours
            )),
            _ => {}
        }
    }
    for deviation in deviations {
        if !vectors.iter().any(|vector| vector.line == deviation.line) {
            wrong.push(format!("line {} is listed and has no vector", deviation.line));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn link_of(input: &str) -> Option<String> {
    Identifier::read(input, Checks::Syntax).ok()?.digital_link()
}

const REFERENCE: &str =
    "epcis/RalphTro-epcis-event-hash-generator/dl-vectors/urn-to-digital-link.tsv";
const OPENEPCIS: &str = "epcis/openepcis-epc-digitallink-translator/translation-vectors.tsv";

#[test]
fn the_normaliser_of_the_reference_hash_gives_the_same_links() {
    let Some(text) = corpus(REFERENCE) else { return };
    let vectors: Vec<Vector> = text
        .lines()
        .enumerate()
        .skip(1)
        .map(|(index, line)| {
            let fields: Vec<&str> = line.split('\t').collect();
            Vector {
                line: index + 1,
                input: fields[1].to_owned(),
                ours: link_of(fields[1]),
                expected: (!fields[2].starts_with("(None")).then(|| fields[2].to_owned()),
            }
        })
        .collect();
    assert_eq!(vectors.len(), 70);
    compare(&vectors, REFERENCE_DEVIATIONS);
    for vector in &vectors {
        let expected = vector.ours.as_deref().unwrap_or(&vector.input);
        assert_eq!(canonical(&vector.input), expected);
    }
}

/// None: every vector matches.
const REFERENCE_DEVIATIONS: &[Deviation] = &[];

/// A field of a tab-separated file, quoted as CSV does, with the escapes of a Java string inside.
fn java_field(field: &str) -> String {
    let unquoted = match field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => field.to_owned(),
    };
    unquoted.replace("\\\"", "\"")
}

#[test]
fn the_openepcis_translator_gives_the_same_forms() {
    let Some(text) = corpus(OPENEPCIS) else { return };
    let vectors: Vec<Vector> = text
        .lines()
        .enumerate()
        .skip(1)
        .map(|(index, line)| {
            let fields: Vec<String> = line.split('\t').map(java_field).collect();
            let input = fields[2].clone();
            let ours = match fields[1].as_str() {
                "converter.toURI" | "converter.toURIForClassLevelIdentifier" => link_of(&input),
                "converter.toURN" | "converter.toURNForClassLevelIdentifier" => {
                    Identifier::read(&input, Checks::Syntax)
                        .ok()
                        .and_then(|found| found.epc_urn(fields[3].parse().ok()))
                }
                // Vocabulary words are no identifiers: they stay as they are.
                method if method.ends_with("Vocabulary") || method.ends_with("Replacer") => {
                    Some(canonical(&input).into_owned())
                }
                method => panic!("line {}: method {method} is not known", index + 1),
            };
            Vector { line: index + 1, input, ours, expected: Some(fields[4].clone()) }
        })
        .collect();
    assert_eq!(vectors.len(), 95);
    compare(&vectors, OPENEPCIS_DEVIATIONS);
}

/// OpenEPCIS takes characters raw that TDS 6.3 has escaped in an EPC URN (`" % & / < > ?`), and
/// writes them raw into Digital Links, where `/`, `?` and `#` then end the value.
const RAW_IN_URN: &str = "the URN holds raw characters that TDS 6.3 wants percent-encoded";
const RAW_IN_LINK: &str = "the link holds raw / ? # or %, which RFC 3986 reads as delimiters";
/// An URN has no check digit: to make one of such a link would correct it in silence.
const WRONG_CHECK_DIGIT: &str = "the check digit of the link is wrong";

const OPENEPCIS_DEVIATIONS: &[Deviation] = &[
    differs(8, None, RAW_IN_URN),
    differs(11, None, RAW_IN_LINK),
    differs(22, None, RAW_IN_URN),
    differs(24, Some("urn:epc:id:gdti:893489348949..%22:"), RAW_IN_LINK),
    differs(29, None, RAW_IN_URN),
    differs(31, Some("urn:epc:id:giai:732487.8;%3E%3C="), RAW_IN_LINK),
    differs(34, None, RAW_IN_URN),
    differs(
        36,
        None,
        "the company prefix is the whole value; TDS 6.3 asks for a consignment reference of at \
         least one character",
    ),
    differs(38, None, RAW_IN_URN),
    differs(41, None, RAW_IN_LINK),
    differs(52, None, WRONG_CHECK_DIGIT),
    differs(53, None, WRONG_CHECK_DIGIT),
    differs(59, None, RAW_IN_URN),
    differs(65, None, RAW_IN_URN),
    differs(71, None, RAW_IN_URN),
    differs(77, None, RAW_IN_URN),
    differs(80, None, RAW_IN_LINK),
    differs(90, None, RAW_IN_URN),
    differs(92, Some("urn:epc:id:upui:787587.5483743.19:;%3C=%3E"), RAW_IN_LINK),
    differs(93, None, WRONG_CHECK_DIGIT),
];

/// Lines of `file` whose input reads by its syntax, and is refused when everything is checked.
fn refused_when_checked(text: &str, field: impl Fn(&str) -> String) -> Vec<(usize, Gs1Error)> {
    let inputs = text.lines().enumerate().skip(1).map(|(index, line)| (index + 1, field(line)));
    inputs
        .filter(|(_, input)| Identifier::read(input, Checks::Syntax).is_ok())
        .filter_map(|(line, input)| Some((line, Identifier::parse(&input).err()?)))
        .collect()
}

fn assert_refused(refused: &[(usize, Gs1Error)], expected: &[(usize, &str)]) {
    let found: Vec<(usize, String)> =
        refused.iter().map(|(line, error)| (*line, error.to_string())).collect();
    let expected: Vec<(usize, String)> =
        expected.iter().map(|(line, message)| (*line, (*message).to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn reference_vectors_with_a_wrong_check_digit_are_refused_when_checked() {
    let Some(text) = corpus(REFERENCE) else { return };
    let refused = refused_when_checked(&text, |line| line.split('\t').nth(1).unwrap().to_owned());
    let expected = [
        (31, "(01) GTIN 00000097803111: check digit is 1, expected 9"),
        (39, "(01) GTIN 00040123451234: check digit is 4, expected 5"),
    ];
    assert_refused(&refused, &expected);
}

#[test]
fn openepcis_vectors_with_wrong_content_are_refused_when_checked() {
    let Some(text) = corpus(OPENEPCIS) else { return };
    let field = |line: &str| java_field(line.split('\t').nth(2).unwrap());
    let refused = refused_when_checked(&text, field);
    let expected = [
        (52, "(8017) GSRN - PROVIDER 123456789012345678: check digit is 8, expected 5"),
        (53, "(8017) GSRN - PROVIDER 645933932413121231: check digit is 1, expected 7"),
        (63, "(8006) ITIP 4039: is not piece and total, 1 <= piece <= total"),
        (93, "(01) GTIN 93511525326356: check digit is 6, expected 8"),
    ];
    assert_refused(&refused, &expected);
}
