//! Sensor elements: members in their order, numbers as numbers.

use countermark_epcis::fields::{SENSOR_METADATA, SENSOR_REPORT};
use countermark_epcis::json::Json;

use rust_decimal::Decimal;

use super::draft::cell;
use crate::gs1;

/// Members of a report that are numbers (EPCIS 2.0 §7.3.7.2).
const NUMBERS: &[&str] =
    &["value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"];

/// The `sensorElementList` of a draft, or none.
pub(super) fn elements(sensors: Option<&Json>) -> Option<Json> {
    let listed = sensors?.as_array()?;
    let mut out = Vec::new();
    for sensor in listed.iter().filter(|sensor| **sensor != Json::Null) {
        let mut element = Json::object();
        if let Some(metadata) = sensor.get("metadata") {
            element.set("sensorMetadata", in_order(metadata, SENSOR_METADATA));
        }
        let reports = sensor.get("reports").and_then(Json::as_array).unwrap_or_default();
        let reports = reports.iter().map(|report| in_order(report, SENSOR_REPORT)).collect();
        element.set("sensorReport", Json::Array(reports));
        out.push(element);
    }
    if out.is_empty() { None } else { Some(Json::Array(out)) }
}

fn in_order(holder: &Json, names: &[&str]) -> Json {
    let mut out = Json::object();
    for name in names {
        let Some(cell) = cell(holder.get(name), "") else { continue };
        let number = cell.value.parse::<Decimal>().ok().filter(|_| NUMBERS.contains(name));
        let value = if let Some(number) = number {
            Json::Number(number.normalize().to_string())
        } else if matches!(*name, "deviceID" | "rawData") {
            Json::String(gs1::canonical(&cell.value))
        } else {
            Json::String(cell.value)
        };
        out.set(name, value);
    }
    out
}
