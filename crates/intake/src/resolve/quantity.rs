//! Items, lots, quantities and units.

use countermark_epcis::json::Json;
use rust_decimal::Decimal;

use super::Resolver;
use super::draft::{Cell, cell};
use super::time::EventTime;
use crate::gs1;
use crate::mapping::{Unit, UnitKind};
use crate::master::Item;

impl Resolver<'_> {
    /// A quantity element: class of the lot, amount, and a unit only where it is a measure.
    pub(super) fn quantity(&mut self, json: &Json, at: &str) -> Option<Json> {
        let item = self.item(json, at);
        let amount = self.amount(json, at, item.as_ref());
        let lot = self.lot(json, at);
        let class = item.and_then(|item| self.class(&item, lot?, at));
        let (class, (quantity, uom)) = (class?, amount?);
        let mut element = Json::object();
        element.set("epcClass", Json::String(class));
        element.set("quantity", Json::Number(quantity.normalize().to_string()));
        if let Some(uom) = uom {
            element.set("uom", Json::String(uom));
        }
        Some(element)
    }

    fn item(&mut self, json: &Json, at: &str) -> Option<Item> {
        if let Some(gtin) = cell(json.get("gtin"), at) {
            return self.by_gtin(&gtin);
        }
        let code = cell(json.get("item"), at).or_else(|| cell(json.get("name"), at));
        let Some(code) = code else {
            let message = "a line without GTIN or item code";
            self.error(at, "item-missing", message, "fill in the item's GTIN");
            return None;
        };
        let found = self.master.item(&self.system, &code.value);
        if found.is_none() {
            let needed =
                format!("an item with code \"{}\" and its GTIN in master data", code.value);
            self.quarantine(&code, "unknown-item", needed);
        }
        found
    }

    fn by_gtin(&mut self, gtin: &Cell) -> Option<Item> {
        let digits = match gs1::gtin(&gtin.value) {
            Ok(digits) => digits,
            Err(message) => {
                let hint = if message.contains("scientific") {
                    "format the column as text and export again"
                } else {
                    "check the GTIN on the label; its last digit is a check digit"
                };
                self.error(&gtin.at, "gtin", message, hint);
                return None;
            }
        };
        if let Some(found) = self.master.item(&self.system, &digits) {
            return Some(found);
        }
        if self.master.has_items() {
            let message = format!("GTIN {digits} is not in master data");
            self.warn(&gtin.at, "gtin-unlisted", message, "add the item");
        }
        Some(Item { gtin: digits.clone(), name: digits, measure: None })
    }

    /// The lot of a line, `Some(None)` where it has none, `None` where it is no GS1 lot.
    fn lot(&mut self, json: &Json, at: &str) -> Option<Option<Cell>> {
        let Some(lot) = cell(json.get("lot"), at) else { return Some(None) };
        if let Err(message) = gs1::lot(&lot.value) {
            let hint = "letters A-Z a-z, digits and !\"%&'()*+,-./_:;<=>? only, 20 at most";
            self.error(&lot.at, "lot", message, hint);
            return None;
        }
        Some(Some(lot))
    }

    fn class(&mut self, item: &Item, lot: Option<Cell>, at: &str) -> Option<String> {
        let Some(lot) = lot else {
            let message = format!("no lot for GTIN {}", item.gtin);
            self.warn(at, "lot-missing", message, "without a lot it cannot be told apart later");
            return Some(gs1::class_uri(&item.gtin));
        };
        let uri = gs1::lot_uri(&item.gtin, &lot.value);
        uri.map_err(|message| self.error(&lot.at, "lot", message, "check the label")).ok()
    }

    /// The amount in the class's own terms, and the Rec 20 code of a measure.
    fn amount(
        &mut self,
        json: &Json,
        at: &str,
        item: Option<&Item>,
    ) -> Option<(Decimal, Option<String>)> {
        let Some(quantity) = cell(json.get("quantity"), at) else {
            self.error(at, "quantity-missing", "a line without quantity", "fill it in");
            return None;
        };
        let number = self.number(&quantity);
        let unit = self.unit(json, at);
        let (number, unit) = (number?, unit?);
        if number <= Decimal::ZERO {
            let message = format!("quantity {} is not above zero", quantity.value);
            let hint = "a return or correction is a document of its own";
            self.error(&quantity.at, "quantity-sign", message, hint);
            return None;
        }
        let Some(amount) = number.checked_mul(unit.factor) else {
            let message = format!("quantity {} is too large", quantity.value);
            self.error(&quantity.at, "quantity-range", message, "check the number");
            return None;
        };
        if unit.kind == UnitKind::Count && !amount.fract().is_zero() {
            let message = format!("{amount} is a fraction of a count");
            let hint = "is the unit a measure, or the decimal mark another one?";
            self.error(&quantity.at, "quantity-fraction", message, hint);
            return None;
        }
        if let Some(item) = item.filter(|item| self.is_listed(item)) {
            self.check_kind(item, &unit, &quantity);
        }
        Some((amount, unit.rec20))
    }

    fn is_listed(&self, item: &Item) -> bool {
        self.master.item(&self.system, &item.gtin).is_some()
    }

    /// Whether the unit is of the kind that master data has for the item.
    fn check_kind(&mut self, item: &Item, unit: &Unit, quantity: &Cell) {
        match (&item.measure, &unit.rec20) {
            (Some(measure), None) => {
                let message = format!("{} is measured in {measure}, not counted", item.name);
                let hint = "correct the unit, or the item in master data";
                self.error(&quantity.at, "unit-kind", message, hint);
            }
            (None, Some(code)) => {
                let message = format!("{} is counted, not measured in {code}", item.name);
                let hint = "correct the unit, or the item in master data";
                self.error(&quantity.at, "unit-kind", message, hint);
            }
            _ => {}
        }
    }

    fn unit(&mut self, json: &Json, at: &str) -> Option<Unit> {
        let Some(code) = cell(json.get("unit"), at) else {
            let hint = "fill in the unit; none is assumed";
            self.error(at, "unit-missing", "a quantity without unit", hint);
            return None;
        };
        let found = self.mapping.units().get(&code.value).cloned();
        if found.is_none() {
            let known: Vec<&str> = self.mapping.units().codes().collect();
            let hint = format!("known units are {}; add it to units.csv", known.join(", "));
            let message = format!("unit \"{}\" is unknown", code.value);
            self.error(&code.at, "unit", message, &hint);
        }
        found
    }

    /// A decimal with the declared mark; neither grouping nor exponents are read.
    fn number(&mut self, quantity: &Cell) -> Option<Decimal> {
        let mark = self.mapping.manifest().decimal_mark;
        let text = quantity.value.as_str();
        let plain = text
            .chars()
            .enumerate()
            .all(|(at, c)| c.is_ascii_digit() || c == mark || at == 0 && matches!(c, '-' | '+'));
        let number = if plain && text.matches(mark).count() <= 1 {
            text.replace(mark, ".").parse::<Decimal>().ok()
        } else {
            None
        };
        if number.is_none() {
            let message = format!("\"{text}\" is no number with decimal mark \"{mark}\"");
            let hint = "digits only, unit in its own column; declare a decimal comma under \
                        [numbers] if the sender uses one";
            self.error(&quantity.at, "number", message, hint);
        }
        number
    }

    /// The expiry date of a line, checked against the time of its event.
    pub(super) fn expiry(
        &mut self,
        json: &Json,
        at: &str,
        time: Option<&EventTime>,
    ) -> Option<String> {
        let expiry = cell(json.get("expiry"), at)?;
        let date = self.date(&expiry)?;
        if let Some(time) = time.filter(|time| date < time.date) {
            let message = format!("expired on {date}, before the event on {}", time.date);
            self.warn(&expiry.at, "expired", message, "check the date on the label");
        }
        Some(date.to_string())
    }
}
