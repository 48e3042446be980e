//! Dates, clocks and time zones as documents write them, into times with an offset.

use chrono::{
    DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone,
};
use chrono_tz::Tz;
use countermark_epcis::json::Json;

use super::Resolver;
use super::draft::{Cell, cell, place};

/// The time of an event.
#[derive(Debug, Clone)]
pub(super) struct EventTime {
    /// ISO 8601 with offset.
    pub(super) text: String,
    /// The offset alone.
    pub(super) offset: String,
    /// The local date.
    pub(super) date: NaiveDate,
}

impl Resolver<'_> {
    /// The event's time. `site` is the zone of the place where it happened, and the place's name.
    pub(super) fn event_time(
        &mut self,
        json: Option<&Json>,
        above: &str,
        site: Option<(Tz, String)>,
    ) -> Option<EventTime> {
        let Some(json) = json.filter(|json| **json != Json::Null) else {
            self.error(above, "time-missing", "no time for the event", "fill in its date");
            return None;
        };
        let at = place(json, above);
        let Some(date) = cell(json.get("date"), &at).or_else(|| cell(Some(json), &at)) else {
            self.error(&at, "time-missing", "no date for the event", "fill it in");
            return None;
        };
        if date.value.contains('T') {
            return self.iso_time(&date, site);
        }
        let day = self.date(&date)?;
        let clock = match cell(json.get("clock"), &at) {
            Some(clock) => self.clock(&clock)?,
            None => match self.mapping.manifest().time.clock {
                Some(clock) => {
                    let message = format!("no time of day; {clock} is assumed");
                    self.note_once(&date.at, "clock-assumed", message);
                    clock
                }
                None => {
                    let message = format!("{} has no time of day", date.value);
                    let hint = "send the time too, or let the mapping declare one";
                    self.error(&date.at, "clock-missing", message, hint);
                    return None;
                }
            },
        };
        let zone = cell(json.get("zone"), &at);
        self.in_zone(day.and_time(clock), zone.as_ref(), &date, site)
    }

    fn iso_time(&mut self, cell: &Cell, site: Option<(Tz, String)>) -> Option<EventTime> {
        if let Ok(time) = DateTime::parse_from_rfc3339(&cell.value) {
            return Some(event_time(&time));
        }
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
            if let Ok(local) = NaiveDateTime::parse_from_str(&cell.value, format) {
                return self.in_zone(local, None, cell, site);
            }
        }
        let message = format!("\"{}\" is no time", cell.value);
        self.error(&cell.at, "time", message, "write it as 2026-11-14T16:15:00-05:00");
        None
    }

    /// Puts a local time into the zone that the document, the mapping or the site gives, in this
    /// order. A zone that is not the document's own is noted: it is an assumption.
    fn in_zone(
        &mut self,
        local: NaiveDateTime,
        declared: Option<&Cell>,
        shown: &Cell,
        site: Option<(Tz, String)>,
    ) -> Option<EventTime> {
        if let Some(zone) = declared {
            if let Some(offset) = offset(&zone.value) {
                let time = offset.from_local_datetime(&local).single();
                return self.or_gap(time, local, shown).map(|time| event_time(&time));
            }
            let known = self.mapping.manifest().time.zones.get(&zone.value).copied();
            if let Some(tz) = known.or_else(|| zone.value.parse().ok()) {
                return self.at_place(local, tz, shown);
            }
            // "LT", local time, leaves it to the place.
            if zone.value != "LT" {
                let message = format!("time zone \"{}\" is unknown", zone.value);
                let hint = "use an offset such as -05:00, or add the code to the mapping";
                self.error(&zone.at, "time-zone", message, hint);
                return None;
            }
        }
        if let Some(zone) = self.mapping.manifest().time.zone {
            return self.at_place(local, zone, shown);
        }
        let Some((zone, name)) = site else {
            let message = format!("{local} has no time zone, and none is known of the place");
            let hint = "add the site with its zone to master data, or send an offset";
            self.error(&shown.at, "time-zone-missing", message, hint);
            return None;
        };
        let message = format!("times without zone are taken as {zone}, the zone of {name}");
        self.note_once(&shown.at, "time-zone-assumed", message);
        self.at_place(local, zone, shown)
    }

    fn at_place(&mut self, local: NaiveDateTime, zone: Tz, shown: &Cell) -> Option<EventTime> {
        let time = match zone.from_local_datetime(&local) {
            LocalResult::Single(time) => Some(time),
            LocalResult::Ambiguous(first, _) => {
                let message = format!("{local} comes twice in {zone}; the first is taken");
                self.note_once(&shown.at, "time-twice", message);
                Some(first)
            }
            LocalResult::None => None,
        };
        let fixed = time.map(|time| time.with_timezone(&time.offset().fix()));
        self.or_gap(fixed, local, shown).map(|time| event_time(&time))
    }

    fn or_gap(
        &mut self,
        time: Option<DateTime<FixedOffset>>,
        local: NaiveDateTime,
        shown: &Cell,
    ) -> Option<DateTime<FixedOffset>> {
        if time.is_none() {
            let message = format!("{local} does not exist there: clocks went forward over it");
            self.error(&shown.at, "time-gap", message, "check the clock of the sending system");
        }
        time
    }

    /// A date in ISO 8601, `YYYYMMDD`, `YYMMDD`, with dots (day first), or in a declared format.
    pub(super) fn date(&mut self, cell: &Cell) -> Option<NaiveDate> {
        let text = cell.value.as_str();
        let formats = &self.mapping.manifest().time.date_formats;
        let declared = formats.iter().find_map(|format| parse_date(text, format));
        if declared.is_some() {
            return declared;
        }
        let parts = text.split(['/', '-', '.']).count();
        let fixed: &[&str] = match (text.len(), parts) {
            (10, 3) if text.contains('-') => &["%Y-%m-%d"],
            (10, 3) if text.contains('.') => &["%d.%m.%Y"],
            (8, 1) => &["%Y%m%d"],
            (6, 1) => &["%y%m%d"],
            _ => &[],
        };
        if let Some(date) = fixed.iter().find_map(|format| parse_date(text, format)) {
            return Some(date);
        }
        if text.contains('T') {
            let day = text.split('T').next().and_then(|day| parse_date(day, "%Y-%m-%d"));
            if day.is_some() {
                return day;
            }
        }
        if text.contains('/') && formats.is_empty() {
            let message = format!("\"{text}\" may be day first or month first");
            let hint = "send YYYY-MM-DD, or declare date_formats in the mapping";
            self.error(&cell.at, "date-order", message, hint);
        } else {
            let message = format!("\"{text}\" is no date of the calendar");
            self.error(&cell.at, "date", message, "send YYYY-MM-DD");
        }
        None
    }

    /// A time of day: `HHMM`, `HHMMSS`, with colons, with a fraction.
    fn clock(&mut self, cell: &Cell) -> Option<NaiveTime> {
        let text = cell.value.as_str();
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let format = match text.len() {
            4 if digits => "%H%M",
            6 if digits => "%H%M%S",
            5 => "%H:%M",
            8 if !digits => "%H:%M:%S",
            _ => "%H:%M:%S%.f",
        };
        // X12 adds hundredths without a mark: HHMMSSDD.
        let text = if digits && text.len() == 8 { &text[..6] } else { text };
        let format = if text.len() == 6 && digits { "%H%M%S" } else { format };
        let parsed = NaiveTime::parse_from_str(text, format).ok();
        if parsed.is_none() {
            let message = format!("\"{}\" is no time of day", cell.value);
            self.error(&cell.at, "clock", message, "send HH:MM or HH:MM:SS");
        }
        parsed
    }
}

fn parse_date(text: &str, format: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, format).ok()?;
    // Four-digit years would otherwise take a year like 26 as the year 26.
    let year = chrono::Datelike::year(&date);
    (1990..2100).contains(&year).then_some(date)
}

/// `Z`, `+01:00`, `-0500`.
fn offset(text: &str) -> Option<FixedOffset> {
    if matches!(text, "Z" | "UTC" | "UT" | "GM") {
        return FixedOffset::east_opt(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..).filter(|m| !m.is_empty()).map_or(Ok(0), str::parse).ok()?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

fn event_time(time: &DateTime<FixedOffset>) -> EventTime {
    let offset = time.format("%:z").to_string();
    EventTime {
        text: time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false),
        offset,
        date: time.date_naive(),
    }
}
