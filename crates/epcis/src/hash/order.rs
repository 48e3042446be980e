//! The order of the standard fields in the normal form (CBV 2.0 §8.9).

use super::Profile;

/// A field of the normal form and the fields inside it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) inner: &'static [Field],
    /// Whether the children are pairs of a type and a reference.
    pub(super) pairs: bool,
}

const fn leaf(name: &'static str) -> Field {
    Field { name, inner: &[], pairs: false }
}

const fn group(name: &'static str, inner: &'static [Field]) -> Field {
    Field { name, inner, pairs: false }
}

const fn pairs(name: &'static str) -> Field {
    Field { name, inner: &[], pairs: true }
}

const EPC: &[Field] = &[leaf("epc")];
const QUANTITY: &[Field] =
    &[group("quantityElement", &[leaf("epcClass"), leaf("quantity"), leaf("uom")])];
const ID: &[Field] = &[leaf("id")];

const METADATA: &[Field] = &[
    leaf("time"),
    leaf("startTime"),
    leaf("endTime"),
    leaf("deviceID"),
    leaf("deviceMetadata"),
    leaf("rawData"),
    leaf("dataProcessingMethod"),
    leaf("bizRules"),
];

const REPORT: &[Field] = &[
    leaf("type"),
    leaf("exception"),
    leaf("deviceID"),
    leaf("deviceMetadata"),
    leaf("rawData"),
    leaf("dataProcessingMethod"),
    leaf("time"),
    leaf("microorganism"),
    leaf("chemicalSubstance"),
    leaf("value"),
    leaf("component"),
    leaf("stringValue"),
    leaf("booleanValue"),
    leaf("hexBinaryValue"),
    leaf("uriValue"),
    leaf("minValue"),
    leaf("maxValue"),
    leaf("meanValue"),
    leaf("sDev"),
    leaf("percRank"),
    leaf("percValue"),
    leaf("uom"),
    leaf("coordinateReferenceSystem"),
];

const SENSOR: &[Field] =
    &[group("sensorElement", &[group("sensorMetadata", METADATA), group("sensorReport", REPORT)])];

/// Until 2025: `certificationInfo` counts, `parentID` comes before `epcList`.
const HEAD_LEGACY: &[Field] = &[
    leaf("eventTime"),
    leaf("eventTimeZoneOffset"),
    leaf("certificationInfo"),
    leaf("parentID"),
    group("epcList", EPC),
];

/// Since 2026.
const HEAD_2026: &[Field] =
    &[leaf("eventTime"), leaf("eventTimeZoneOffset"), group("epcList", EPC), leaf("parentID")];

const TAIL: &[Field] = &[
    group("inputEPCList", EPC),
    group("childEPCs", EPC),
    group("quantityList", QUANTITY),
    group("childQuantityList", QUANTITY),
    group("inputQuantityList", QUANTITY),
    group("outputEPCList", EPC),
    group("outputQuantityList", QUANTITY),
    leaf("action"),
    leaf("transformationID"),
    leaf("bizStep"),
    leaf("disposition"),
    group("persistentDisposition", &[leaf("set"), leaf("unset")]),
    group("readPoint", ID),
    group("bizLocation", ID),
    pairs("bizTransactionList"),
    pairs("sourceList"),
    pairs("destinationList"),
    group("sensorElementList", SENSOR),
];

/// The fields of an event, in order.
pub(super) fn event(profile: Profile) -> impl Iterator<Item = &'static Field> + Clone {
    let head = match profile {
        Profile::Cbv20Legacy => HEAD_LEGACY,
        Profile::Cbv20V2026 | Profile::Cbv21 => HEAD_2026,
    };
    head.iter().chain(TAIL)
}
