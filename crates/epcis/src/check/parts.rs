//! Checks of the objects inside an event.

use super::Checker;
use crate::fields;
use crate::json::Json;
use crate::path::Path;
use crate::vocabulary::Vocabulary;

impl Checker<'_, '_> {
    /// A list of quantity elements (EPCIS 2.0 §7.3).
    pub(crate) fn quantity_list(&mut self, value: &Json, at: &Path<'_>) {
        let Some(items) = self.items(value, at) else { return };
        for (i, item) in items.iter().enumerate() {
            self.quantity_element(item, &at.item(i));
        }
    }

    fn quantity_element(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        let (mut class, mut quantity, mut unit) = (false, false, false);
        for (name, value) in members {
            let at = at.member(name);
            match &**name {
                "epcClass" => {
                    class = true;
                    self.uri(value, &at);
                }
                "quantity" => {
                    quantity = true;
                    if self.number(value, &at).is_some_and(|lexeme| lexeme.starts_with('-')) {
                        self.findings.error(&at, "quantity.sign", "a quantity is never negative");
                    }
                }
                "uom" => {
                    unit = true;
                    self.unit(value, &at, true);
                }
                other => self.no_extension(other, &at, fields::QUANTITY_ELEMENT),
            }
        }
        self.required(class, "epcClass", at);
        if unit && !quantity {
            self.findings.warning(at, "quantity.unit-alone", "a unit without a quantity", None);
        }
    }

    /// Says that a member is missing.
    pub(crate) fn required(&mut self, present: bool, name: &str, at: &Path<'_>) {
        if !present {
            self.findings.error(at, "member.required", format!("\"{name}\" is missing"));
        }
    }

    /// `persistentDisposition`.
    pub(crate) fn persistent_disposition(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        let mut any = false;
        for (name, value) in members {
            let at = at.member(name);
            if !matches!(&**name, "set" | "unset") {
                self.no_extension(name, &at, fields::PERSISTENT_DISPOSITION);
                continue;
            }
            any = true;
            let Some(items) = self.items(value, &at) else { continue };
            if items.is_empty() {
                self.findings.error(&at, "list.empty", "at least one disposition is expected");
            }
            for (i, item) in items.iter().enumerate() {
                self.word(item, &at.item(i), Vocabulary::Disposition);
            }
            self.no_repeats(value, &at);
        }
        if !any {
            self.findings.error(at, "member.required", "\"set\" or \"unset\" is missing");
        }
    }

    /// `readPoint` or `bizLocation`.
    pub(crate) fn location(
        &mut self,
        value: &Json,
        at: &Path<'_>,
        standard: &'static [&'static str],
    ) {
        let Some(members) = self.members(value, at) else { return };
        let mut id = false;
        for (name, value) in members {
            let at = at.member(name);
            if name == "id" {
                id = true;
                self.uri(value, &at);
            } else {
                self.extension_name(name, &at, standard);
            }
        }
        self.required(id, "id", at);
    }

    /// A list of typed references: business transactions, sources or destinations. `field` is the
    /// member that holds the reference.
    pub(crate) fn typed_list(
        &mut self,
        value: &Json,
        at: &Path<'_>,
        (field, standard): (&'static str, &'static [&'static str]),
        vocabulary: Vocabulary,
    ) -> usize {
        let Some(items) = self.items(value, at) else { return 0 };
        for (i, item) in items.iter().enumerate() {
            let at = at.item(i);
            let Some(members) = self.members(item, &at) else { continue };
            let (mut reference, mut typed) = (false, false);
            for (name, value) in members {
                let at = at.member(name);
                if name == "type" {
                    typed = true;
                    self.word(value, &at, vocabulary);
                } else if name == field {
                    reference = true;
                    self.uri(value, &at);
                } else {
                    self.no_extension(name, &at, standard);
                }
            }
            self.required(reference, field, &at);
            self.required(typed || vocabulary == Vocabulary::BizTransactionType, "type", &at);
        }
        items.len()
    }

    /// `errorDeclaration`.
    pub(crate) fn error_declaration(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        let mut time = false;
        for (name, value) in members {
            let at = at.member(name);
            match &**name {
                "declarationTime" => {
                    time = true;
                    self.time(value, &at);
                }
                "reason" => self.word(value, &at, Vocabulary::ErrorReason),
                "correctiveEventIDs" => self.uris(value, &at),
                other => self.extension_name(other, &at, fields::ERROR_DECLARATION),
            }
        }
        self.required(time, "declarationTime", at);
    }

    /// `certificationInfo`: a URI or a list of URIs.
    pub(crate) fn certification_info(&mut self, value: &Json, at: &Path<'_>) {
        match value {
            Json::Array(_) => self.uris(value, at),
            _ => self.uri(value, at),
        }
    }

    /// `ilmd`, whose members all need a namespace.
    pub(crate) fn ilmd(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        for (name, _) in members {
            self.extension_name(name, &at.member(name), &[]);
        }
    }

    /// `sensorElementList`; gives the number of elements.
    pub(crate) fn sensor_element_list(&mut self, value: &Json, at: &Path<'_>) -> usize {
        let Some(items) = self.items(value, at) else { return 0 };
        for (i, item) in items.iter().enumerate() {
            let at = at.item(i);
            let Some(members) = self.members(item, &at) else { continue };
            let mut report = false;
            for (name, value) in members {
                let at = at.member(name);
                match &**name {
                    "sensorMetadata" => self.sensor_metadata(value, &at),
                    "sensorReport" => {
                        report = true;
                        self.sensor_reports(value, &at);
                    }
                    other => self.extension_name(other, &at, fields::SENSOR_ELEMENT),
                }
            }
            self.required(report, "sensorReport", &at);
        }
        items.len()
    }

    fn sensor_metadata(&mut self, value: &Json, at: &Path<'_>) {
        let Some(members) = self.members(value, at) else { return };
        let (mut start, mut end) = (None, None);
        for (name, value) in members {
            let at = at.member(name);
            match &**name {
                "time" => {
                    self.time(value, &at);
                }
                "startTime" => start = self.time(value, &at),
                "endTime" => end = self.time(value, &at),
                "deviceID" | "deviceMetadata" | "rawData" | "dataProcessingMethod" | "bizRules" => {
                    self.uri(value, &at);
                }
                other => self.extension_name(other, &at, fields::SENSOR_METADATA),
            }
        }
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            self.findings.warning(at, "sensor.interval", "startTime is after endTime", None);
        }
    }

    fn sensor_reports(&mut self, value: &Json, at: &Path<'_>) {
        let Some(items) = self.items(value, at) else { return };
        if items.is_empty() {
            self.findings.error(at, "list.empty", "at least one sensor report is expected");
        }
        for (i, item) in items.iter().enumerate() {
            let at = at.item(i);
            let Some(members) = self.members(item, &at) else { continue };
            for (name, value) in members {
                self.sensor_report_member(name, value, &at.member(name));
            }
            self.required(item.get("type").is_some(), "type", &at);
        }
    }

    fn sensor_report_member(&mut self, name: &str, value: &Json, at: &Path<'_>) {
        match name {
            "type" => self.word(value, at, Vocabulary::MeasurementType),
            "exception" => self.word(value, at, Vocabulary::AlertType),
            "component" => self.word(value, at, Vocabulary::Component),
            "deviceID"
            | "deviceMetadata"
            | "rawData"
            | "dataProcessingMethod"
            | "bizRules"
            | "microorganism"
            | "chemicalSubstance"
            | "coordinateReferenceSystem"
            | "uriValue" => self.uri(value, at),
            "time" => {
                self.time(value, at);
            }
            "value" | "minValue" | "maxValue" | "meanValue" | "sDev" | "percRank" | "percValue" => {
                self.number(value, at);
            }
            "stringValue" => {
                self.text(value, at);
            }
            "booleanValue" => self.boolean(value, at),
            "hexBinaryValue" => self.hex(value, at),
            "uom" => self.unit(value, at, false),
            other => self.extension_name(other, at, fields::SENSOR_REPORT),
        }
    }
}
