//! The names of EPCIS query parameters, and why one of them is not taken.
//! Source: GS1 EPCIS 2.0 REST binding (`openapi.json`, `query-schema.json`), read 2026-11.

use super::error::QueryError;

/// Served names without a part of their own.
const SERVED: &[&str] = &[
    "eventType",
    "GE_eventTime",
    "LT_eventTime",
    "GE_recordTime",
    "LT_recordTime",
    "EQ_action",
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_readPoint",
    "EQ_bizLocation",
    "EQ_transformationID",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
    "MATCH_epcClass",
    "MATCH_inputEPCClass",
    "MATCH_outputEPCClass",
    "MATCH_anyEPCClass",
    "EQ_quantity",
    "GT_quantity",
    "GE_quantity",
    "LT_quantity",
    "LE_quantity",
    "EQ_eventID",
    "EXISTS_errorDeclaration",
    "GE_errorDeclarationTime",
    "LT_errorDeclarationTime",
    "EQ_errorReason",
    "EQ_correctiveEventID",
    "orderBy",
    "orderDirection",
    "eventCountLimit",
    "maxEventCount",
    "perPage",
    "nextPageToken",
    "EQ_bizTransaction_TYPE",
    "EQ_source_TYPE",
    "EQ_destination_TYPE",
];

/// Standard names whose values the index does not hold.
const SENSOR: &[&str] = &[
    "GE_startTime",
    "LT_startTime",
    "GE_endTime",
    "LT_endTime",
    "GE_time",
    "LT_time",
    "EQ_type",
    "EQ_deviceID",
    "EQ_dataProcessingMethod",
    "EQ_microorganism",
    "EQ_chemicalSubstance",
    "EQ_bizRules",
    "EQ_stringValue",
    "EQ_booleanValue",
    "EQ_hexBinaryValue",
    "EQ_uriValue",
    "GE_percRank",
    "LT_percRank",
    "GT_percRank",
    "LE_percRank",
    "EXISTS_sensorElementList",
    "EXISTS_sensorElement",
];

/// The parts of pattern names that speak of sensor values, as in `GE_value_CEL`.
const SENSOR_VALUES: &[&str] =
    &["value_", "minValue_", "maxValue_", "meanValue_", "sDev_", "percValue_"];

/// What is wrong with a name that no parser took.
pub(crate) fn refusal(name: &str) -> QueryError {
    let unsupported = |reason| QueryError::Unsupported { name: name.to_owned(), reason };
    if matches!(name, "WD_readPoint" | "WD_bizLocation") {
        return unsupported(
            "no master data says which places lie within others; list the places in \
             EQ_readPoint or EQ_bizLocation",
        );
    }
    if matches!(name, "EQ_persistentDisposition_set" | "EQ_persistentDisposition_unset") {
        return unsupported("persistent dispositions are not indexed");
    }
    if SENSOR.contains(&name) {
        return unsupported("sensor data are not indexed");
    }
    let (kind, rest) = name.split_once('_').unwrap_or((name, ""));
    let comparison = matches!(kind, "EQ" | "GT" | "GE" | "LT" | "LE" | "EXISTS");
    if comparison && SENSOR_VALUES.iter().any(|value| rest.starts_with(value)) {
        return unsupported("sensor data are not indexed");
    }
    let is_extension = rest.contains(':')
        || ["INNER_", "ILMD_", "SENSOR", "ERROR_DECLARATION_"]
            .iter()
            .any(|part| rest.starts_with(part));
    if (comparison && is_extension) || matches!(kind, "HASATTR") || rest.starts_with("ATTR_") {
        return unsupported("extension, ILMD and master-data fields are not indexed");
    }
    QueryError::Unknown { name: name.to_owned(), nearest: nearest(name) }
}

fn nearest(name: &str) -> Option<String> {
    if name.len() > 100 {
        return None;
    }
    SERVED
        .iter()
        .map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), *known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(2))
        .map(|(_, known)| known.to_owned())
}

/// Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, left) in one.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, right) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = row[at + 1];
            row[at + 1] = substituted.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_suggests_the_nearest_known_one() {
        for (name, expected) in [
            ("MATCH_anyEpcClass", "MATCH_anyEPCClass"),
            ("EQ_bizstep", "EQ_bizStep"),
            ("pageSize", ""),
            ("GE_eventtime", "GE_eventTime"),
            ("EQ_bizTransaction_", "EQ_bizTransaction_TYPE"),
        ] {
            let QueryError::Unknown { nearest, .. } = refusal(name) else { panic!("{name}") };
            assert_eq!(nearest.unwrap_or_default(), expected);
        }
    }

    #[test]
    fn standard_names_that_are_not_served_say_why() {
        for name in [
            "WD_bizLocation",
            "EQ_persistentDisposition_set",
            "EQ_deviceID",
            "GE_value_CEL",
            "EQ_ILMD_example:lot",
            "EXISTS_ILMD_example:lot",
            "HASATTR_bizLocation",
            "EQ_example:colour",
            "EQ_ATTR_bizLocation_x",
            "EXISTS_sensorElementList",
        ] {
            assert!(matches!(refusal(name), QueryError::Unsupported { .. }), "{name}");
        }
    }
}
