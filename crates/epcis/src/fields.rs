//! The standard member names of every EPCIS object, in a frozen order.
//!
//! Commitments give each standard field a numbered slot; the number is the position in these
//! tables. **Append only**: a name never moves and never leaves, or old proofs would stop
//! verifying. Source: EPCIS 2.0 §7.3, §7.4 and the JSON binding of §10; 2026-11.

/// Members of an event, the union over all event types.
pub const EVENT: &[&str] = &[
    "@context",
    "type",
    "eventID",
    "eventTime",
    "eventTimeZoneOffset",
    "recordTime",
    "errorDeclaration",
    "certificationInfo",
    "action",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "transformationID",
    "parentID",
    "epcList",
    "quantityList",
    "childEPCs",
    "childQuantityList",
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "ilmd",
];

/// Members of an item of a quantity list.
pub const QUANTITY_ELEMENT: &[&str] = &["epcClass", "quantity", "uom"];

/// Members of an item of `bizTransactionList`.
pub const BIZ_TRANSACTION: &[&str] = &["type", "bizTransaction"];

/// Members of an item of `sourceList`.
pub const SOURCE: &[&str] = &["type", "source"];

/// Members of an item of `destinationList`.
pub const DESTINATION: &[&str] = &["type", "destination"];

/// Members of an item of `sensorElementList`.
pub const SENSOR_ELEMENT: &[&str] = &["sensorMetadata", "sensorReport"];

/// Members of `sensorMetadata`.
pub const SENSOR_METADATA: &[&str] = &[
    "time",
    "startTime",
    "endTime",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
];

/// Members of an item of `sensorReport`.
pub const SENSOR_REPORT: &[&str] = &[
    "type",
    "exception",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
    "time",
    "microorganism",
    "chemicalSubstance",
    "coordinateReferenceSystem",
    "value",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uriValue",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
    "uom",
];

/// Members of `readPoint`.
pub const READ_POINT: &[&str] = &["id"];

/// Members of `bizLocation`.
pub const BIZ_LOCATION: &[&str] = &["id"];

/// Members of `persistentDisposition`.
pub const PERSISTENT_DISPOSITION: &[&str] = &["set", "unset"];

/// Members of `errorDeclaration`.
pub const ERROR_DECLARATION: &[&str] = &["declarationTime", "reason", "correctiveEventIDs"];

/// The kinds of object that have standard members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// An event, top level.
    Event,
    /// An item of a quantity list.
    QuantityElement,
    /// An item of `bizTransactionList`.
    BizTransaction,
    /// An item of `sourceList`.
    Source,
    /// An item of `destinationList`.
    Destination,
    /// An item of `sensorElementList`.
    SensorElement,
    /// `sensorMetadata` of a sensor element.
    SensorMetadata,
    /// An item of `sensorReport` of a sensor element.
    SensorReport,
    /// `readPoint`.
    ReadPoint,
    /// `bizLocation`.
    BizLocation,
    /// `persistentDisposition`.
    PersistentDisposition,
    /// `errorDeclaration`.
    ErrorDeclaration,
}

impl ObjectKind {
    /// Every kind, in declaration order.
    pub const ALL: [ObjectKind; 12] = [
        ObjectKind::Event,
        ObjectKind::QuantityElement,
        ObjectKind::BizTransaction,
        ObjectKind::Source,
        ObjectKind::Destination,
        ObjectKind::SensorElement,
        ObjectKind::SensorMetadata,
        ObjectKind::SensorReport,
        ObjectKind::ReadPoint,
        ObjectKind::BizLocation,
        ObjectKind::PersistentDisposition,
        ObjectKind::ErrorDeclaration,
    ];

    /// The standard member names of this kind, in slot order.
    #[must_use]
    pub fn members(self) -> &'static [&'static str] {
        match self {
            ObjectKind::Event => EVENT,
            ObjectKind::QuantityElement => QUANTITY_ELEMENT,
            ObjectKind::BizTransaction => BIZ_TRANSACTION,
            ObjectKind::Source => SOURCE,
            ObjectKind::Destination => DESTINATION,
            ObjectKind::SensorElement => SENSOR_ELEMENT,
            ObjectKind::SensorMetadata => SENSOR_METADATA,
            ObjectKind::SensorReport => SENSOR_REPORT,
            ObjectKind::ReadPoint => READ_POINT,
            ObjectKind::BizLocation => BIZ_LOCATION,
            ObjectKind::PersistentDisposition => PERSISTENT_DISPOSITION,
            ObjectKind::ErrorDeclaration => ERROR_DECLARATION,
        }
    }

    /// The slot of a standard member name, from 0; none for an extension.
    #[must_use]
    pub fn slot(self, name: &str) -> Option<usize> {
        self.members().iter().position(|member| *member == name)
    }

    /// The kind of the object that stands in `member` of an object of this kind: the member's
    /// value itself, or each item where it is a list. None for plain values, for `ilmd` and for
    /// extensions, whose content has no standard members.
    #[must_use]
    pub fn inner(self, member: &str) -> Option<ObjectKind> {
        Some(match (self, member) {
            (
                ObjectKind::Event,
                "quantityList" | "childQuantityList" | "inputQuantityList" | "outputQuantityList",
            ) => ObjectKind::QuantityElement,
            (ObjectKind::Event, "bizTransactionList") => ObjectKind::BizTransaction,
            (ObjectKind::Event, "sourceList") => ObjectKind::Source,
            (ObjectKind::Event, "destinationList") => ObjectKind::Destination,
            (ObjectKind::Event, "sensorElementList") => ObjectKind::SensorElement,
            (ObjectKind::Event, "readPoint") => ObjectKind::ReadPoint,
            (ObjectKind::Event, "bizLocation") => ObjectKind::BizLocation,
            (ObjectKind::Event, "persistentDisposition") => ObjectKind::PersistentDisposition,
            (ObjectKind::Event, "errorDeclaration") => ObjectKind::ErrorDeclaration,
            (ObjectKind::SensorElement, "sensorMetadata") => ObjectKind::SensorMetadata,
            (ObjectKind::SensorElement, "sensorReport") => ObjectKind::SensorReport,
            _ => return None,
        })
    }
}

/// Whether a member of an event is a list in the standard.
#[must_use]
pub fn is_event_list(member: &str) -> bool {
    member.ends_with("List") || member == "childEPCs"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_frozen() {
        // Appending a name changes its line and nothing else; any other difference breaks proofs.
        let joined: Vec<String> =
            ObjectKind::ALL.iter().map(|kind| kind.members().join(" ")).collect();
        assert_eq!(
            joined,
            [
                "@context type eventID eventTime eventTimeZoneOffset recordTime errorDeclaration \
                 certificationInfo action bizStep disposition persistentDisposition readPoint \
                 bizLocation transformationID parentID epcList quantityList childEPCs \
                 childQuantityList inputEPCList inputQuantityList outputEPCList \
                 outputQuantityList bizTransactionList sourceList destinationList \
                 sensorElementList ilmd",
                "epcClass quantity uom",
                "type bizTransaction",
                "type source",
                "type destination",
                "sensorMetadata sensorReport",
                "time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod \
                 bizRules",
                "type exception deviceID deviceMetadata rawData dataProcessingMethod bizRules \
                 time microorganism chemicalSubstance coordinateReferenceSystem value component \
                 stringValue booleanValue hexBinaryValue uriValue minValue maxValue meanValue \
                 sDev percRank percValue uom",
                "id",
                "id",
                "set unset",
                "declarationTime reason correctiveEventIDs",
            ]
        );
    }

    #[test]
    fn every_inner_kind_is_reached_from_the_event() {
        let mut reached = vec![ObjectKind::Event];
        let mut next = 0;
        while next < reached.len() {
            let kind = reached[next];
            next += 1;
            for inner in kind.members().iter().filter_map(|member| kind.inner(member)) {
                if !reached.contains(&inner) {
                    reached.push(inner);
                }
            }
        }
        reached.sort_unstable();
        assert_eq!(reached, ObjectKind::ALL);
    }

    #[test]
    fn a_slot_is_the_position_in_the_table() {
        assert_eq!(ObjectKind::Event.slot("ilmd"), Some(28));
        assert_eq!(ObjectKind::Event.slot("example:x"), None);
    }
}
