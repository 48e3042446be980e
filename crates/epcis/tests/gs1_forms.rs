//! One identifier of every kind in all its forms, and what is said of wrong ones.

#![allow(clippy::unwrap_used, clippy::panic)]

use countermark_epcis::gs1::{Checks, Gs1Error, Identifier, KeyType, canonical, gtin14, translate};
use countermark_epcis::json::Json;

/// Digital Link, EPC URN, element string of one identifier of each kind.
const FORMS: [(KeyType, &str, Option<&str>, &str); 26] = [
    (
        KeyType::Sscc,
        "https://id.gs1.org/00/106141412345678908",
        Some("urn:epc:id:sscc:0614141.1234567890"),
        "(00)106141412345678908",
    ),
    (
        KeyType::Gtin,
        "https://id.gs1.org/01/80614141123458",
        Some("urn:epc:idpat:sgtin:0614141.812345.*"),
        "(01)80614141123458",
    ),
    (
        KeyType::Lgtin,
        "https://id.gs1.org/01/80614141123458/10/L%2F1%28a%29",
        Some("urn:epc:class:lgtin:0614141.812345.L%2F1(a)"),
        "(01)80614141123458(10)L/1\\(a)",
    ),
    (
        KeyType::Sgtin,
        "https://id.gs1.org/01/80614141123458/21/6789",
        Some("urn:epc:id:sgtin:0614141.812345.6789"),
        "(01)80614141123458(21)6789",
    ),
    (
        KeyType::Upui,
        "https://id.gs1.org/01/80614141123458/235/T1",
        Some("urn:epc:id:upui:0614141.812345.T1"),
        "(01)80614141123458(235)T1",
    ),
    (
        KeyType::Gdti,
        "https://id.gs1.org/253/0614141123452PO-1",
        Some("urn:epc:id:gdti:0614141.12345.PO-1"),
        "(253)0614141123452PO-1",
    ),
    (
        KeyType::Gdti,
        "https://id.gs1.org/253/0614141123452",
        Some("urn:epc:idpat:gdti:0614141.12345.*"),
        "(253)0614141123452",
    ),
    (
        KeyType::Sgcn,
        "https://id.gs1.org/255/061414112345204711",
        Some("urn:epc:id:sgcn:0614141.12345.04711"),
        "(255)061414112345204711",
    ),
    (
        KeyType::Ginc,
        "https://id.gs1.org/401/0614141xyz47%2F11",
        Some("urn:epc:id:ginc:0614141.xyz47%2F11"),
        "(401)0614141xyz47/11",
    ),
    (
        KeyType::Gsin,
        "https://id.gs1.org/402/06141411234567890",
        Some("urn:epc:id:gsin:0614141.123456789"),
        "(402)06141411234567890",
    ),
    (
        KeyType::Sgln,
        "https://id.gs1.org/414/0614141123452",
        Some("urn:epc:id:sgln:0614141.12345.0"),
        "(414)0614141123452",
    ),
    (
        KeyType::Sgln,
        "https://id.gs1.org/414/0614141123452/254/Dock%2B4",
        Some("urn:epc:id:sgln:0614141.12345.Dock+4"),
        "(414)0614141123452(254)Dock+4",
    ),
    (
        KeyType::PaymentSlip,
        "https://id.gs1.org/415/0614141123452/8020/INV1",
        None,
        "(415)0614141123452(8020)INV1",
    ),
    (
        KeyType::Pgln,
        "https://id.gs1.org/417/0614141123452",
        Some("urn:epc:id:pgln:0614141.12345"),
        "(417)0614141123452",
    ),
    (
        KeyType::Grai,
        "https://id.gs1.org/8003/00614141123452A9",
        Some("urn:epc:id:grai:0614141.12345.A9"),
        "(8003)00614141123452A9",
    ),
    (
        KeyType::Grai,
        "https://id.gs1.org/8003/00614141123452",
        Some("urn:epc:idpat:grai:0614141.12345.*"),
        "(8003)00614141123452",
    ),
    (
        KeyType::Giai,
        "https://id.gs1.org/8004/061414112345400",
        Some("urn:epc:id:giai:0614141.12345400"),
        "(8004)061414112345400",
    ),
    (
        KeyType::Itip,
        "https://id.gs1.org/8006/806141411234580102/21/S1",
        Some("urn:epc:id:itip:0614141.812345.01.02.S1"),
        "(8006)806141411234580102(21)S1",
    ),
    (
        KeyType::Itip,
        "https://id.gs1.org/8006/806141411234580102/10/L1",
        None,
        "(8006)806141411234580102(10)L1",
    ),
    (
        KeyType::Itip,
        "https://id.gs1.org/8006/806141411234580102",
        Some("urn:epc:idpat:itip:0614141.812345.01.02.*"),
        "(8006)806141411234580102",
    ),
    (
        KeyType::Cpi,
        "https://id.gs1.org/8010/0614141123ABC/8011/123456789",
        Some("urn:epc:id:cpi:0614141.123ABC.123456789"),
        "(8010)0614141123ABC(8011)123456789",
    ),
    (
        KeyType::Cpi,
        "https://id.gs1.org/8010/0614141A%23%2F-",
        Some("urn:epc:idpat:cpi:0614141.A%23%2F-.*"),
        "(8010)0614141A#/-",
    ),
    (
        KeyType::Gmn,
        "https://id.gs1.org/8013/1987654Ad4X4bL5ttr2310c2K",
        None,
        "(8013)1987654Ad4X4bL5ttr2310c2K",
    ),
    (
        KeyType::Gsrnp,
        "https://id.gs1.org/8017/061414112345678902",
        Some("urn:epc:id:gsrnp:0614141.1234567890"),
        "(8017)061414112345678902",
    ),
    (
        KeyType::Gsrn,
        "https://id.gs1.org/8018/061414112345678902",
        Some("urn:epc:id:gsrn:0614141.1234567890"),
        "(8018)061414112345678902",
    ),
    (
        // A company prefix of twelve digits leaves an empty reference.
        KeyType::Grai,
        "https://id.gs1.org/8003/01234567890128A",
        Some("urn:epc:id:grai:123456789012..A"),
        "(8003)01234567890128A",
    ),
];

#[test]
fn every_kind_of_key_goes_from_every_form_to_every_other() {
    for (key_type, link, urn, elements) in FORMS {
        let length = urn.map(|urn| urn.rsplit(':').next().unwrap().find('.').unwrap() as u8);
        for form in [Some(link), urn, Some(elements)].into_iter().flatten() {
            let read = Identifier::parse(form).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(read.key_type(), key_type, "{form}");
            assert_eq!(read.digital_link().as_deref(), Some(link), "{form}");
            assert_eq!(read.epc_urn(length).as_deref(), urn, "{form}");
            assert_eq!(read.element_string(), elements, "{form}");
            assert_eq!(canonical(form), link, "{form}");
            assert_eq!(translate(form).unwrap().digital_link, link, "{form}");
        }
    }
}

#[test]
fn epcs_without_gs1_key_are_read_and_have_no_digital_link() {
    let urns = [
        (KeyType::Usdod, "urn:epc:id:usdod:CAGEY.5678"),
        (KeyType::Adi, "urn:epc:id:adi:2S194..12345678901"),
        (KeyType::Bic, "urn:epc:id:bic:CSQU3054383"),
        (KeyType::Gid, "urn:epc:id:gid:95100000.12345.400"),
        (KeyType::Imovn, "urn:epc:id:imovn:9176187"),
    ];
    for (key_type, urn) in urns {
        let read = Identifier::parse(urn).unwrap();
        assert_eq!((read.key_type(), read.digital_link()), (key_type, None));
        assert_eq!(read.epc_urn(None).as_deref(), Some(urn));
        assert_eq!(canonical(urn), urn);
        let expected = Gs1Error::NoDigitalLink { key_type: key_type.name() };
        assert_eq!(translate(urn), Err(expected));
    }
    for wrong in [
        "urn:epc:id:bic:CSQU305438",
        "urn:epc:id:gid:1.2",
        "urn:epc:id:gid:1.a.3",
        "urn:epc:id:usdod:CAGEY.",
        "urn:epc:id:imovn:91761879",
    ] {
        assert!(Identifier::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn wrong_identifiers_are_refused_with_the_part_and_the_rule() {
    let messages = [
        ("(01)80614141123457", "(01) GTIN 80614141123457: check digit is 7, expected 8"),
        ("(01)0614141123452", "(01) GTIN: length is 13, expected 14"),
        ("(01)8061414112345X", "(01) GTIN holds 'X' at character 14, outside the digits 0-9"),
        ("(00)106141412345678908(00)106141412345678908", "(00) stands twice"),
        ("(10)ABC", "the element string holds no primary key such as (01) or (00)"),
        ("(05)1", "(05) is not a GS1 application identifier"),
        (
            "(01)80614141123458(17)261301",
            "(17) USE BY or EXPIRY 261301: is not a date YYMMDD (day 00 = the whole month)",
        ),
        (
            "(01)80614141123458(21)1(235)2",
            "(21) cannot stand here: after (01) come only (22)(10)(21) or (235), in this order",
        ),
        ("https://id.gs1.org/01/80614141123458/10/", "(10) BATCH/LOT is empty"),
        (
            "https://id.gs1.org/01/80614141123458/21/1/10/2",
            "(10) cannot stand here: after (01) come only (22)(10)(21) or (235), in this order",
        ),
        (
            "https://id.gs1.org/01/80614141123458?21=1",
            "(21) cannot stand in the query string of a GS1 Digital Link",
        ),
        ("https://id.gs1.org/01//10/a", "(01) GTIN is empty"),
        (
            "https://id.gs1.org/01/80614141123458/10/a%2",
            "(10) BATCH/LOT has a % at character 2 that two hexadecimal digits do not follow",
        ),
        (
            "https://id.gs1.org/01/80614141123458?10=L1",
            "(10) cannot stand in the query string of a GS1 Digital Link",
        ),
        (
            "https://example.com/about",
            "the path of the URI holds no GS1 primary key such as /01/ or /00/",
        ),
        ("urn:epc:id:sgtim:0614141.812345.1", "urn:epc:id:sgtim is not an EPC scheme that is read"),
        (
            "urn:epc:tag:sgtin-96:3.0614141.812345.1",
            "urn:epc:tag:sgtin-96 is not an EPC scheme that is read",
        ),
        ("urn:epc:id:sgtin:0614141.812345", "sgtin takes 3 components separated by dots, found 2"),
        (
            "urn:epc:id:sgtin:0614141.81234.1",
            "reference of the sgtin after its company prefix: length is 5, expected 6",
        ),
        (
            "urn:epc:id:sgtin:06141.81234567.1",
            "company prefix of the sgtin: length is 5, expected 6 to 12",
        ),
        (
            "urn:epc:id:itip:0614141.812345.1.023.S1",
            "piece or total of the itip: length is 1, expected 2",
        ),
        (
            "urn:epc:id:itip:0614141.812345.03.02.S1",
            "(8006) ITIP 0302: is not piece and total, 1 <= piece <= total",
        ),
        ("urn:epc:id:sgtin:0614141.812345.", "last component of the sgtin is empty"),
        (
            "urn:epc:idpat:sgtin:0614141.*.*",
            "urn:epc:idpat:sgtin:0614141.*.*: only a pattern whose last component alone is * \
             names a class",
        ),
        (
            "urn:epc:idpat:sgtin:0614141.812345.a.*",
            "urn:epc:idpat:sgtin:0614141.812345.a.*: only a pattern whose last component alone is \
             * names a class",
        ),
    ];
    for (text, message) in messages {
        let error = Identifier::parse(text).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(message), "{text}");
        assert!(translate(text).is_err());
    }
    for text in
        ["", "42", "Hello World!", "80614141123458", "(01", "()", "]C1", "https://", "cbv:x"]
    {
        assert_eq!(canonical(text), text);
        assert!(Identifier::parse(text).is_err(), "{text}");
    }
    let long = format!("https://example.com/{}/01/80614141123458", "x".repeat(4000));
    assert!(matches!(Identifier::parse(&long), Err(Gs1Error::TooLong { limit: 2048, .. })));
    assert_eq!(canonical(&long), long);
}

#[test]
fn what_only_describes_is_kept_out_of_the_identity() {
    let given = "https://shop.example/x/01/80614141123458/22/V2/10/L1/21/S1?17=261100&utm=q&3103=001250#top";
    let read = Identifier::parse(given).unwrap();
    assert_eq!(read.digital_link().as_deref(), Some("https://id.gs1.org/01/80614141123458/21/S1"));
    assert_eq!(
        read.full_digital_link().as_deref(),
        Some("https://id.gs1.org/01/80614141123458/22/V2/10/L1/21/S1?17=261100&3103=001250")
    );
    assert_eq!(read.element_string(), "(01)80614141123458(22)V2(10)L1(21)S1(17)261100(3103)001250");
    assert_eq!(
        read.raw_element_string(),
        "018061414112345822V2\u{1d}10L1\u{1d}21S1\u{1d}172611003103001250"
    );
    assert_eq!(read.get("10"), Some("L1"));
    assert_eq!(read.attributes().len(), 2);
    assert!(!read.is_class());
}

#[test]
fn a_scan_reads_with_and_without_symbology_identifier_and_separators() {
    let expected = Identifier::parse("(01)80614141123458(17)261130(10)L1(21)S1").unwrap();
    for scan in [
        "018061414112345810L1\u{1d}21S1\u{1d}17261130",
        "]d2018061414112345810L1\u{1d}21S1\u{1d}17261130",
        "]Q3\u{1d}018061414112345810L1\u{1d}21S1\u{1d}17261130\u{1d}",
        "]C10180614141123458\u{1d}1726113021S1\u{1d}10L1",
    ] {
        assert_eq!(Identifier::parse(scan), Ok(expected.clone()), "{scan:?}");
    }
    assert!(Identifier::parse("]E00614141123452").is_err());
}

#[test]
fn a_slash_at_the_end_of_a_link_is_passed_over() {
    let link = "https://id.gs1.org/01/80614141123458/21/S1";
    assert_eq!(canonical(&format!("{link}/")), link);
    assert_eq!(canonical(&format!("{link}/?17=261100")), link);
}

#[test]
fn a_lot_in_the_query_string_is_not_taken_for_the_identity() {
    let link = "https://shop.example/01/80614141123458?10=L1";
    assert_eq!(canonical(link), "https://id.gs1.org/01/80614141123458");
    let unit = "(01)80614141123458(235)T1(10)L1";
    let full = "https://id.gs1.org/01/80614141123458/235/T1?10=L1";
    let read = Identifier::parse(unit).unwrap();
    assert_eq!(read.full_digital_link().as_deref(), Some(full));
    assert_eq!(Identifier::parse(full), Ok(read));
}

#[test]
fn a_pallet_label_is_identified_by_its_sscc() {
    let label = "(02)80614141123458(37)12(00)106141412345678908";
    let read = Identifier::parse(label).unwrap();
    assert_eq!(read.key_type(), KeyType::Sscc);
    assert_eq!((read.get("02"), read.get("37")), (Some("80614141123458"), Some("12")));
}

#[test]
fn short_gtins_are_padded_and_checked() {
    assert_eq!(gtin14("96385074").as_deref(), Ok("00000096385074"));
    assert_eq!(gtin14("614141123452").as_deref(), Ok("00614141123452"));
    assert_eq!(gtin14("0614141123452").as_deref(), Ok("00614141123452"));
    assert_eq!(
        gtin14("0614141123453").unwrap_err().to_string(),
        "(01) GTIN 00614141123453: check digit is 3, expected 2"
    );
    assert!(gtin14("1.95E+13").is_err() && gtin14("").is_err() && gtin14("123456789").is_err());
}

#[test]
fn a_translation_is_written_as_json() {
    let text = translate(" urn:epc:class:lgtin:0614141.812345.L1\n").unwrap().to_json().to_text();
    assert_eq!(
        text,
        r#"{"digitalLink":"https://id.gs1.org/01/80614141123458/10/L1","epcUrn":"urn:epc:class:lgtin:0614141.812345.L1","elementString":"(01)80614141123458(10)L1","keyType":"LGTIN"}"#
    );
    let model = translate("(8013)1987654Ad4X4bL5ttr2310c2K").unwrap();
    assert_eq!(model.to_json().get("epcUrn"), Some(&Json::Null));
}

#[test]
fn a_wrong_check_digit_is_not_corrected_in_silence() {
    let wrong = Identifier::read("https://id.gs1.org/01/80614141123457", Checks::Syntax).unwrap();
    assert_eq!(wrong.digital_link().as_deref(), Some("https://id.gs1.org/01/80614141123457"));
    assert_eq!(wrong.epc_urn(Some(7)), None);
}

#[test]
fn the_length_of_the_company_prefix_comes_from_the_list_when_nobody_gives_it() {
    let link = "https://id.gs1.org/414/9506000134352";
    let read = Identifier::parse(link).unwrap();
    assert_eq!(read.listed_prefix_length(), Some(11));
    assert_eq!(read.epc_urn(None).as_deref(), Some("urn:epc:id:sgln:95060001343.5.0"));
    assert_eq!(read.epc_urn(Some(7)).as_deref(), Some("urn:epc:id:sgln:9506000.13435.0"));
    let unlisted = Identifier::parse("https://id.gs1.org/414/9990000000005").unwrap();
    assert_eq!((unlisted.listed_prefix_length(), unlisted.epc_urn(None)), (None, None));
    assert_eq!(unlisted.epc_urn(Some(7)).as_deref(), Some("urn:epc:id:sgln:9990000.00000.0"));
}
