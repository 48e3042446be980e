//! Round trips between the forms of an identifier, for every kind of key, and no panic on anything.

#![allow(clippy::unwrap_used, clippy::panic)]

use countermark_epcis::gs1::{
    Checks, Identifier, KeyType, canonical, check_digit, check_pair, prefix_length, translate,
    valid_check_digit,
};
use proptest::prelude::*;

const SET_82: &str = "[!\"%&'()*+,./0-9:;<=>?A-Z_a-z-]";

fn digits(least: usize, most: usize) -> BoxedStrategy<String> {
    proptest::string::string_regex(&format!("[0-9]{{{least},{most}}}")).unwrap().boxed()
}

fn text(least: usize, most: usize) -> BoxedStrategy<String> {
    proptest::string::string_regex(&format!("{SET_82}{{{least},{most}}}")).unwrap().boxed()
}

/// Digits of this length that end with their check digit.
fn checked(length: usize) -> BoxedStrategy<String> {
    let with_digit = |body: String| format!("{body}{}", check_digit(&body).unwrap());
    digits(length - 1, length - 1).prop_map(with_digit).boxed()
}

fn joined(left: BoxedStrategy<String>, right: BoxedStrategy<String>) -> BoxedStrategy<String> {
    (left, right).prop_map(|(left, right)| left + &right).boxed()
}

fn pieces() -> BoxedStrategy<String> {
    (1..=99u8)
        .prop_flat_map(|total| (1..=total, Just(total)))
        .prop_map(|(piece, total)| format!("{piece:02}{total:02}"))
        .boxed()
}

fn component() -> BoxedStrategy<String> {
    joined(digits(4, 12), proptest::string::string_regex("[0-9A-Z#/-]{0,18}").unwrap().boxed())
}

fn model() -> BoxedStrategy<String> {
    let with_pair = |body: String| format!("{body}{}", check_pair(&body).unwrap());
    joined(digits(4, 12), text(0, 11)).prop_map(with_pair).boxed()
}

/// `(ai)data` pairs of a primary key with some of its qualifiers.
type Pairs = Vec<(&'static str, String)>;

fn pairs(
    primary: &'static str,
    data: BoxedStrategy<String>,
    qualifiers: Vec<(&'static str, BoxedStrategy<String>)>,
) -> BoxedStrategy<Pairs> {
    let mut all = data.prop_map(move |data| vec![(primary, data)]).boxed();
    for (ai, data) in qualifiers {
        all = (all, proptest::option::of(data))
            .prop_map(move |(mut all, data)| {
                all.extend(data.map(|data| (ai, data)));
                all
            })
            .boxed();
    }
    all
}

/// Every primary key with every sequence of qualifiers.
fn any_pairs() -> BoxedStrategy<Pairs> {
    let importer = || proptest::string::string_regex("[0-9][!-\"A-Za-z]{2}[0-9A-Za-z_-]").unwrap();
    let variants = || vec![("22", text(1, 20)), ("10", text(1, 20)), ("21", text(1, 20))];
    let serial = proptest::string::string_regex("[1-9][0-9]{0,11}").unwrap().boxed();
    prop_oneof![
        pairs("00", checked(18), vec![]),
        pairs("01", checked(14), variants()),
        pairs("01", checked(14), vec![("235", text(1, 28))]),
        pairs("253", joined(checked(13), text(0, 17)), vec![]),
        pairs("255", joined(checked(13), digits(0, 12)), vec![]),
        pairs("401", joined(digits(4, 10), text(0, 20)), vec![]),
        pairs("402", checked(17), vec![]),
        pairs("414", checked(13), vec![("254", text(1, 20))]),
        pairs("414", checked(13), vec![("7040", importer().boxed())]),
        pairs("415", checked(13), vec![("8020", text(1, 25))]),
        pairs("417", checked(13), vec![("7040", importer().boxed())]),
        pairs(
            "8003",
            joined(checked(13), text(0, 16)).prop_map(|d| format!("0{d}")).boxed(),
            vec![]
        ),
        pairs("8004", joined(digits(4, 10), text(0, 20)), vec![("7040", importer().boxed())]),
        pairs("8006", joined(checked(14), pieces()), variants()),
        pairs("8010", component(), vec![("8011", serial)]),
        pairs("8013", model(), vec![]),
        pairs("8017", checked(18), vec![("8019", digits(1, 10))]),
        pairs("8018", checked(18), vec![("8019", digits(1, 10))]),
    ]
    .boxed()
}

fn element_string(pairs: &[(&str, String)]) -> String {
    pairs.iter().map(|(ai, data)| format!("({ai}){}", data.replace('(', "\\("))).collect()
}

proptest! {
    #[test]
    fn element_string_and_digital_link_say_the_same(pairs in any_pairs(), attribute in text(1, 30)) {
        let mut pairs = pairs;
        pairs.push(("240", attribute));
        pairs.push(("3103", "001250".to_owned()));
        let given = element_string(&pairs);
        let read = Identifier::parse(&given).unwrap();
        prop_assert_eq!(Identifier::parse(&read.element_string()).unwrap(), read.clone());
        let raw = read.raw_element_string();
        prop_assert_eq!(Identifier::parse(&raw).unwrap(), read.clone());
        prop_assert_eq!(Identifier::parse(&format!("]Q3{raw}")).unwrap(), read.clone());
        let link = read.full_digital_link().unwrap();
        prop_assert_eq!(Identifier::parse(&link).unwrap(), read.clone());
        let elsewhere = link.replace("https://id.gs1.org", "http://user@shop.example:8080/x/00/y");
        prop_assert_eq!(Identifier::parse(&elsewhere).unwrap(), read);
    }

    #[test]
    fn the_canonical_link_is_its_own_canonical_link(pairs in any_pairs()) {
        let read = Identifier::parse(&element_string(&pairs)).unwrap();
        let link = read.digital_link().unwrap();
        prop_assert_eq!(canonical(&link), link.as_str());
        let full = read.full_digital_link().unwrap();
        prop_assert_eq!(canonical(&full), link.as_str());
        let again = Identifier::parse(&link).unwrap();
        prop_assert_eq!(again.key_type(), read.key_type());
        prop_assert_eq!(again.is_class(), read.is_class());
    }

    #[test]
    fn an_epc_urn_reads_back_to_the_same_link(pairs in any_pairs(), length in 0u8..=13) {
        let read = Identifier::parse(&element_string(&pairs)).unwrap();
        let Some(urn) = read.epc_urn(Some(length)) else {
            return Ok(());
        };
        let back = Identifier::parse(&urn).unwrap();
        prop_assert_eq!(back.digital_link(), read.digital_link());
        prop_assert_eq!(back.key_type(), read.key_type());
        prop_assert_eq!(back.is_class(), read.is_class());
        // The length of the company prefix is remembered from the URN.
        prop_assert_eq!(back.epc_urn(None), Some(urn));
    }

    #[test]
    fn every_length_of_company_prefix_gives_an_urn_where_the_key_has_one(
        pairs in any_pairs(), length in 6u8..=11
    ) {
        let read = Identifier::parse(&element_string(&pairs)).unwrap();
        let data = read.primary().unwrap().value.clone();
        let digits_for_prefix = data.bytes().take_while(u8::is_ascii_digit).count();
        let expected = match read.key_type() {
            KeyType::Gmn | KeyType::PaymentSlip => false,
            KeyType::Itip => read.get("21").is_some() || read.get("10").is_none(),
            KeyType::Giai | KeyType::Ginc | KeyType::Cpi => {
                digits_for_prefix >= usize::from(length) && data.len() > usize::from(length)
            }
            _ => true,
        };
        prop_assert_eq!(read.epc_urn(Some(length)).is_some(), expected);
    }

    #[test]
    fn a_changed_digit_breaks_the_check_digit(key in checked(14), at in 0usize..14, by in 1u8..10) {
        prop_assert!(valid_check_digit(&key));
        let mut bytes = key.into_bytes();
        bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
        let key = String::from_utf8(bytes).unwrap();
        prop_assert!(!valid_check_digit(&key));
        let link = format!("https://id.gs1.org/01/{key}");
        let error = translate(&link).unwrap_err().to_string();
        prop_assert!(error.contains("check digit"), "{}", error);
        prop_assert_eq!(canonical(&link), link.as_str());
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), length in any::<u8>()) {
        exercise(&text, length);
    }

    #[test]
    fn no_text_that_looks_like_an_identifier_makes_it_panic(
        head in "(urn:epc:(id|idpat|class):(sgtin|sscc|sgln|grai|giai|gdti|cpi|itip|bic|adi|gid):|https?://[a-z]{0,3}/(01|00|8006|414|gtin|8010)/|\\((01|10|8003|253)\\)|]C1(01|8006|253)|)",
        tail in "[0-9a-zA-Zé%./()*\\\\?&=#\u{1d}-]{0,60}",
        length in 0u8..=13,
    ) {
        exercise(&format!("{head}{tail}"), length);
    }

    #[test]
    fn company_prefixes_are_no_longer_than_what_was_given(key in "[0-9]{0,20}") {
        if let Some(length) = prefix_length(&key) {
            prop_assert!((6..=12).contains(&length) && usize::from(length) <= key.len());
        }
    }
}

/// Whatever reads must also be written, and read again as what it was.
fn exercise(text: &str, length: u8) {
    for checks in [Checks::Syntax, Checks::Full] {
        let Ok(read) = Identifier::read(text, checks) else { continue };
        for urn in [read.epc_urn(Some(length)), read.epc_urn(None)].into_iter().flatten() {
            let again = Identifier::read(&urn, checks).unwrap();
            assert_eq!(again.digital_link(), read.digital_link());
        }
        if let Some(link) = read.digital_link() {
            let again = Identifier::read(&link, checks).unwrap();
            assert_eq!(again.digital_link(), Some(link));
            let again = Identifier::read(&read.element_string(), checks).unwrap();
            assert_eq!(again.element_string(), read.element_string());
        }
    }
    let once = canonical(text).into_owned();
    assert_eq!(canonical(&once), once);
    let _ = translate(text);
    let _ = prefix_length(text);
}
