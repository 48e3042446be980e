//! Every document that others hold for invalid is refused for the right reason.

use std::collections::BTreeMap;

use countermark_epcis::{Mode, Severity, document};

use super::{corpus, json_files};

const FOLDER: &str = "openepcis-test-resources/core/src/main/resources/2.0/EPCIS/JSON";

/// The files, and every error with its place. `…` is the path of the event list.
const EXPECTED: &[(&str, &[(&str, &str)])] = &[
    (
        "Capture/Invalid/Combination_of_events_with_missing_mandatory_fields.json",
        &[("…/0", "member.required"), ("…/1", "member.required"), ("…/1", "member.required")],
    ),
    (
        "Capture/Invalid/Combination_of_multiple_invalid_fields.json",
        &[
            ("…/0/bizStep", "cbv.biz-step"),
            ("…/1/disposition", "cbv.disposition"),
            ("…/2/sourceList/0/type", "cbv.source-dest-type"),
            ("…/3/ilmd/materialType", "extension.name"),
            ("…/4/eventTime", "value.date-time"),
            ("…/4/action", "event.action"),
        ],
    ),
    (
        "Capture/Invalid/Combination_of_non_standard_bizStep_and_disposition.json",
        &[("…/0/bizStep", "cbv.biz-step"), ("…/1/disposition", "cbv.disposition")],
    ),
    ("Capture/Invalid/EPCISDocument_without_context.json", &[("", "context.required")]),
    (
        "Capture/Invalid/ObjectEvent_with_ilmd_field_without_namespace.json",
        &[("…/0/ilmd/materialType", "extension.name")],
    ),
    ("Capture/Invalid/ObjectEvent_with_invalid_action.json", &[("…/0/action", "event.action")]),
    (
        "Capture/Invalid/ObjectEvent_with_invalid_certificationInfo.json",
        &[("…/0/certificationInfo/0", "type.string"), ("…/0/certificationInfo/1", "type.string")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_invalid_eventTime_format.json",
        &[("…/0/eventTime", "value.date-time")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_non_standard_bizStep.json",
        &[("…/0/bizStep", "cbv.biz-step")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_non_standard_bizStep_in_second_event.json",
        &[("…/1/bizStep", "cbv.biz-step")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_non_standard_disposition.json",
        &[("…/0/disposition", "cbv.disposition")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_quantity_as_text.json",
        &[("…/0/quantityList/0/quantity", "value.number")],
    ),
    (
        "Capture/Invalid/ObjectEvent_with_unknown_field_in_quantityList.json",
        &[("…/0/quantityList/0/weight", "member.not-allowed")],
    ),
    (
        "Capture/Invalid/ObjectEvent_without_action_and_eventTime.json",
        &[("…/0", "member.required"), ("…/0", "member.required"), ("…/0", "member.required")],
    ),
    ("Capture/Invalid/ObjectEvent_without_identifier_list.json", &[("…/0", "event.what")]),
    (
        "Query/Invalid/QueryDocument_with_invalid_action.json",
        // Its GRAI is wrong as well: the check digit should be 6.
        &[("…/0/epcList/0", "gs1.identifier"), ("…/0/action", "event.action")],
    ),
    ("Query/Invalid/QueryDocument_with_invalid_eventType.json", &[("…/0/type", "event.type")]),
];

/// Query parameters, not documents: they are checked where queries are read, which comes with the
/// query interface. As documents they are refused for having no type.
const QUERIES: &str = "Query/Queries/Invalid/";

#[test]
fn every_invalid_document_is_refused_for_the_right_reason() {
    let Some(corpus) = corpus() else { return };
    let mut expected: BTreeMap<&str, &[(&str, &str)]> = EXPECTED.iter().copied().collect();
    for (name, bytes) in json_files(&corpus, FOLDER) {
        let name = name.strip_prefix(FOLDER).expect("below the folder").trim_start_matches('/');
        if !name.contains("/Invalid/") {
            continue;
        }
        let rejection = document::read(&bytes, Mode::Strict).expect_err(name);
        assert!(!rejection.is_unreadable(), "{name} is readable");
        let list = if name.starts_with("Query/") {
            "/epcisBody/queryResults/resultsBody/eventList"
        } else {
            "/epcisBody/eventList"
        };
        let findings = rejection.findings();
        let errors = findings.iter().filter(|f| f.severity == Severity::Error);
        let found: Vec<(String, &str)> =
            errors.map(|f| (f.pointer.replace(list, "…"), &*f.rule)).collect();
        if name.starts_with(QUERIES) {
            assert_eq!(found, [(String::new(), "member.required")], "{name}");
            continue;
        }
        let wanted = expected.remove(name).unwrap_or_else(|| panic!("{name} is new: add it"));
        let wanted: Vec<(String, &str)> =
            wanted.iter().map(|(at, rule)| ((*at).to_owned(), *rule)).collect();
        assert_eq!(found, wanted, "{name}");
    }
    assert!(expected.is_empty(), "not in the corpus: {:?}", expected.keys());
}

#[test]
fn a_wrong_word_comes_with_the_word_that_was_meant() {
    let Some(corpus) = corpus() else { return };
    let name = "Combination_of_non_standard_bizStep_and_disposition.json";
    let bytes = std::fs::read(corpus.join(FOLDER).join("Capture/Invalid").join(name))
        .expect("a file of the corpus");
    let findings = document::read(&bytes, Mode::Strict).expect_err(name).findings();
    let hints: Vec<_> = findings.iter().filter_map(|f| f.suggestion.as_deref()).collect();
    assert_eq!(hints, ["did you mean transporting?", "did you mean in_transit?"]);
}
