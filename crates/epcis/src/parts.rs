//! Typed views of the parts of an event that [`crate::Facts`] leaves out: sensor reports, ILMD,
//! certification and extensions. Each is taken from the JSON object when asked for.

use crate::context::Context;
use crate::event::Event;
use crate::fields;
use crate::ids;
use crate::json::Json;
use crate::time::Instant;
use crate::uri;
use crate::vocabulary::Vocabulary;

/// One sensor report with what its element's metadata say of all reports (EPCIS 2.0 §7.3).
///
/// Vocabulary values are canonical web URIs; identifiers are canonical Digital Links where they
/// are GS1 identifiers; numbers are the lexemes of the document; times are Unix milliseconds, UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SensorReport {
    /// Which sensor element it belongs to, from 0.
    pub element: usize,
    /// What was measured, such as `https://gs1.org/voc/Temperature`.
    pub measurement_type: Option<String>,
    /// An alarm or error condition of the sensor.
    pub exception: Option<String>,
    /// When: of the report, else of the metadata.
    pub time_ms: Option<i64>,
    /// Begin of the interval that the metadata name.
    pub start_time_ms: Option<i64>,
    /// End of the interval that the metadata name.
    pub end_time_ms: Option<i64>,
    /// The device: of the report, else of the metadata.
    pub device_id: Option<String>,
    /// About the device: of the report, else of the metadata.
    pub device_metadata: Option<String>,
    /// Where the raw data are: of the report, else of the metadata.
    pub raw_data: Option<String>,
    /// How they were processed: of the report, else of the metadata.
    pub data_processing_method: Option<String>,
    /// By which business rules: of the report, else of the metadata.
    pub biz_rules: Option<String>,
    /// A microorganism.
    pub microorganism: Option<String>,
    /// A chemical substance.
    pub chemical_substance: Option<String>,
    /// The coordinate reference system of a position.
    pub coordinate_reference_system: Option<String>,
    /// The component of a vector that the values are of.
    pub component: Option<String>,
    /// The measured value.
    pub value: Option<String>,
    /// The least value.
    pub min_value: Option<String>,
    /// The greatest value.
    pub max_value: Option<String>,
    /// The mean value.
    pub mean_value: Option<String>,
    /// The standard deviation.
    pub standard_deviation: Option<String>,
    /// The rank of [`SensorReport::percentile_value`], in per cent.
    pub percentile_rank: Option<String>,
    /// The value of that rank.
    pub percentile_value: Option<String>,
    /// The unit of all values.
    pub unit: Option<String>,
    /// A value that is a text.
    pub string_value: Option<String>,
    /// A value that is true or false.
    pub boolean_value: Option<bool>,
    /// A value in hexadecimal digits.
    pub hex_binary_value: Option<String>,
    /// A value that is a URI.
    pub uri_value: Option<String>,
}

/// A member that the standard does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The name as it stands in the event.
    pub name: &'a str,
    /// The name with its prefix written out by the event's context; the name itself where the
    /// prefix is declared nowhere.
    pub iri: String,
    /// The value.
    pub value: &'a Json,
}

impl Event {
    /// Every sensor report, in document order.
    #[must_use]
    pub fn sensor_reports(&self) -> Vec<SensorReport> {
        let elements = self.json().get("sensorElementList").and_then(Json::as_array);
        let elements = elements.unwrap_or_default().iter().enumerate();
        elements
            .flat_map(|(element, json)| {
                let reports = json.get("sensorReport").and_then(Json::as_array).unwrap_or_default();
                let metadata = json.get("sensorMetadata");
                reports.iter().map(move |report| sensor_report(element, report, metadata))
            })
            .collect()
    }

    /// The URIs of `certificationInfo`.
    #[must_use]
    pub fn certification_info(&self) -> Vec<&str> {
        match self.json().get("certificationInfo") {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
            Some(Json::String(one)) => vec![one],
            _ => Vec::new(),
        }
    }

    /// The instance or lot master data (ILMD), each member with its name written out.
    #[must_use]
    pub fn ilmd(&self) -> Vec<Extension<'_>> {
        self.json().get("ilmd").map_or_else(Vec::new, |ilmd| self.extensions_of(ilmd, &[]))
    }

    /// The extensions of the event itself, not those inside its fields.
    #[must_use]
    pub fn extensions(&self) -> Vec<Extension<'_>> {
        self.extensions_of(self.json(), fields::EVENT)
    }

    fn extensions_of<'a>(&'a self, object: &'a Json, standard: &[&str]) -> Vec<Extension<'a>> {
        let context = Context::of(self.json().get("@context"));
        let members = object.as_object().unwrap_or_default().iter();
        members
            .filter(|(name, _)| !standard.contains(&&**name) && !name.starts_with('@'))
            .map(|(name, value)| Extension { name, iri: written_out(name, &context), value })
            .collect()
    }
}

/// A name with its prefix, or as a term, written out.
fn written_out(name: &str, context: &Context<'_>) -> String {
    if let Some(term) = context.declared(name) {
        return written_out_once(term, context);
    }
    written_out_once(name, context)
}

fn written_out_once(name: &str, context: &Context<'_>) -> String {
    match uri::split(name) {
        Some((prefix, local)) if !local.starts_with("//") => match context.prefix(prefix) {
            Some(namespace) => format!("{namespace}{local}"),
            None => name.to_owned(),
        },
        _ => name.to_owned(),
    }
}

fn sensor_report(element: usize, report: &Json, metadata: Option<&Json>) -> SensorReport {
    let own = |name: &str| report.get(name);
    let either = |name: &str| report.get(name).or_else(|| metadata?.get(name));
    let of_all = |name: &str| metadata?.get(name).and_then(time_ms);
    let word = |name: &str, vocabulary: Vocabulary| {
        own(name).and_then(Json::as_str).map(|text| vocabulary.canonical(text).into_owned())
    };
    SensorReport {
        element,
        measurement_type: word("type", Vocabulary::MeasurementType),
        exception: word("exception", Vocabulary::AlertType),
        time_ms: either("time").and_then(time_ms),
        start_time_ms: of_all("startTime"),
        end_time_ms: of_all("endTime"),
        device_id: either("deviceID").and_then(identifier),
        device_metadata: either("deviceMetadata").and_then(identifier),
        raw_data: either("rawData").and_then(identifier),
        data_processing_method: either("dataProcessingMethod").and_then(identifier),
        biz_rules: either("bizRules").and_then(identifier),
        microorganism: own("microorganism").and_then(identifier),
        chemical_substance: own("chemicalSubstance").and_then(identifier),
        coordinate_reference_system: own("coordinateReferenceSystem").and_then(identifier),
        component: word("component", Vocabulary::Component),
        value: own("value").and_then(lexeme),
        min_value: own("minValue").and_then(lexeme),
        max_value: own("maxValue").and_then(lexeme),
        mean_value: own("meanValue").and_then(lexeme),
        standard_deviation: own("sDev").and_then(lexeme),
        percentile_rank: own("percRank").and_then(lexeme),
        percentile_value: own("percValue").and_then(lexeme),
        unit: own("uom").and_then(lexeme),
        string_value: own("stringValue").and_then(lexeme),
        boolean_value: match own("booleanValue") {
            Some(Json::Bool(flag)) => Some(*flag),
            Some(Json::String(text)) => text.parse().ok(),
            _ => None,
        },
        hex_binary_value: own("hexBinaryValue").and_then(lexeme),
        uri_value: own("uriValue").and_then(identifier),
    }
}

fn time_ms(value: &Json) -> Option<i64> {
    Some(Instant::parse(value.as_str()?).ok()?.unix_ms())
}

fn identifier(value: &Json) -> Option<String> {
    value.as_str().map(|text| ids::canonical(text).into_owned())
}

/// The text of a string, or the characters of a number.
fn lexeme(value: &Json) -> Option<String> {
    match value {
        Json::Number(text) | Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let text = br#"{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            {"ex":"https://ns.example/","grade":{"@id":"ex:grade"}}],"type":"ObjectEvent",
            "eventTime":"2026-07-22T06:45:00Z","eventTimeZoneOffset":"+00:00","action":"ADD",
            "epcList":["urn:x:1"],"certificationInfo":"https://c.example/1",
            "sensorElementList":[
              {"sensorMetadata":{"deviceID":"urn:epc:id:giai:4000001.111",
                 "startTime":"1970-01-01T00:00:01Z"},
               "sensorReport":[{"type":"Temperature","value":4.50,"uom":"CEL"},
                 {"type":"gs1:Count","booleanValue":true,"time":"1970-01-01T00:00:02Z",
                  "deviceID":"urn:x:d"}]},
              {"sensorReport":[{"type":"Angle","component":"longitude","sDev":0.1}]}],
            "ilmd":{"cbvmda:lotNumber":"7","ex:a":1},"ex:b":2,"grade":"A","nobody:c":3}"#;
        Event::from_json(crate::json::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn a_sensor_report_takes_what_it_lacks_from_the_metadata() {
        let reports = event().sensor_reports();
        assert_eq!(reports.iter().map(|r| r.element).collect::<Vec<_>>(), [0, 0, 1]);
        let first = &reports[0];
        assert_eq!(first.measurement_type.as_deref(), Some("https://gs1.org/voc/Temperature"));
        assert_eq!(first.device_id.as_deref(), Some("https://id.gs1.org/8004/4000001111"));
        assert_eq!((first.value.as_deref(), first.unit.as_deref()), (Some("4.50"), Some("CEL")));
        assert_eq!((first.start_time_ms, first.time_ms), (Some(1000), None));
        let second = &reports[1];
        assert_eq!(second.device_id.as_deref(), Some("urn:x:d"));
        assert_eq!((second.time_ms, second.boolean_value), (Some(2000), Some(true)));
        let third = &reports[2];
        assert_eq!(third.component.as_deref(), Some("https://ref.gs1.org/cbv/Comp-longitude"));
        assert_eq!((third.standard_deviation.as_deref(), &third.device_id), (Some("0.1"), &None));
    }

    #[test]
    fn extensions_have_their_names_written_out() {
        let event = event();
        let names = |list: Vec<Extension<'_>>| -> Vec<String> {
            list.into_iter().map(|extension| extension.iri).collect()
        };
        assert_eq!(
            names(event.extensions()),
            ["https://ns.example/b", "https://ns.example/grade", "nobody:c"]
        );
        assert_eq!(
            names(event.ilmd()),
            ["urn:epcglobal:cbv:mda:lotNumber", "https://ns.example/a"]
        );
        assert_eq!(event.certification_info(), ["https://c.example/1"]);
    }
}
