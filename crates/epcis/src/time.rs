//! Date-times of RFC 3339, the profile of ISO 8601 that the EPCIS JSON binding asks for.
//! Always with a time zone; read without a clock or a zone table.

/// An instant, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub seconds: i64,
    /// Microseconds within the second; further digits are cut off.
    pub micros: u32,
}

/// Why a text is no date-time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// A date-time, but nobody can know which instant it means.
    #[error("the time zone is missing; write Z or an offset such as +01:00")]
    NoZone,
    /// Not of the form.
    #[error("not of the form YYYY-MM-DDThh:mm:ss[.fff] with Z or an offset such as +01:00")]
    Form,
    /// The form is right, the day or the hour does not exist.
    #[error("a day or a time of day that does not exist")]
    Range,
}

impl Instant {
    /// Reads an RFC 3339 date-time.
    ///
    /// # Errors
    /// [`TimeError`]: missing zone, wrong form, or a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bytes = text.as_bytes();
        let two = |at: usize| digits(bytes, at, 2);
        let year = digits(bytes, 0, 4)?;
        let (month, day) = (two(5)?, two(8)?);
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        if separators.iter().any(|(at, byte)| bytes.get(*at) != Some(byte))
            || !matches!(bytes.get(10), Some(b'T' | b't'))
        {
            return Err(TimeError::Form);
        }
        let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
        let (micros, at) = fraction(bytes, 19)?;
        let offset = zone(bytes, at)?;
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return Err(TimeError::Range);
        }
        let local = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Ok(Instant { seconds: local - offset * 60, micros })
    }

    /// Milliseconds since the Unix epoch, cut off.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.seconds * 1000 + i64::from(self.micros / 1000)
    }

    /// `YYYY-MM-DDThh:mm:ss.fffZ` for milliseconds since the Unix epoch.
    #[must_use]
    pub fn format_ms(unix_ms: i64) -> String {
        let (seconds, ms) = (unix_ms.div_euclid(1000), unix_ms.rem_euclid(1000));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// Whether a text is an `eventTimeZoneOffset`: `+hh:mm` or `-hh:mm`, at most 14:00.
#[must_use]
pub fn is_zone_offset(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 6 || !matches!(bytes[0], b'+' | b'-') || bytes[3] != b':' {
        return false;
    }
    match (digits(bytes, 1, 2), digits(bytes, 4, 2)) {
        (Ok(hours), Ok(minutes)) => hours <= 13 && minutes <= 59 || hours == 14 && minutes == 0,
        _ => false,
    }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Result<i64, TimeError> {
    let run = bytes.get(at..at + count).ok_or(TimeError::Form)?;
    run.iter().try_fold(0_i64, |value, byte| match byte {
        b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
        _ => Err(TimeError::Form),
    })
}

/// The fraction of a second in microseconds, and where it ends.
fn fraction(bytes: &[u8], at: usize) -> Result<(u32, usize), TimeError> {
    if bytes.get(at) != Some(&b'.') {
        return Ok((0, at));
    }
    let run = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if run == 0 {
        return Err(TimeError::Form);
    }
    let micros = (0..6).fold(0_u32, |value, i| {
        let digit = if i < run { bytes[at + 1 + i] - b'0' } else { 0 };
        value * 10 + u32::from(digit)
    });
    Ok((micros, at + 1 + run))
}

/// The zone at the end of the text, in minutes east of UTC.
fn zone(bytes: &[u8], at: usize) -> Result<i64, TimeError> {
    match bytes.get(at) {
        None => Err(TimeError::NoZone),
        Some(b'Z' | b'z') if bytes.len() == at + 1 => Ok(0),
        Some(sign @ (b'+' | b'-')) if bytes.len() == at + 6 && bytes[at + 3] == b':' => {
            let (hours, minutes) = (digits(bytes, at + 1, 2)?, digits(bytes, at + 4, 2)?);
            if hours > 23 || minutes > 59 {
                return Err(TimeError::Range);
            }
            let offset = hours * 60 + minutes;
            Ok(if *sign == b'-' { -offset } else { offset })
        }
        Some(_) => Err(TimeError::Form),
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, counted in years that
/// begin in March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_are_taken_off() {
        let utc = Instant::parse("2005-04-04T02:33:31.116Z").unwrap();
        assert_eq!(Instant::parse("2005-04-03T20:33:31.116-06:00").unwrap(), utc);
        assert_eq!(utc.unix_ms(), 1_112_582_011_116);
        assert_eq!(Instant::parse("1969-12-31T23:59:59.5Z").unwrap().unix_ms(), -500);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(Instant::parse("2026-07-22T10:30:00"), Err(TimeError::NoZone));
        for text in ["22-07-2026", "2026-07-22", "2026-07-22T10:30Z", "2026-07-22T10:30:00.Z", ""] {
            assert_eq!(Instant::parse(text), Err(TimeError::Form), "{text}");
        }
        for text in ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z"] {
            assert_eq!(Instant::parse(text), Err(TimeError::Range), "{text}");
        }
        assert!(Instant::parse("2024-02-29T00:00:00Z").is_ok());
    }

    #[test]
    fn zone_offsets_end_at_fourteen_hours() {
        for text in ["+00:00", "-06:00", "+13:59", "+14:00", "-14:00"] {
            assert!(is_zone_offset(text), "{text}");
        }
        for text in ["Z", "+14:01", "+1:00", "01:00", "+01:60", "+0100", "+01:00 "] {
            assert!(!is_zone_offset(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_formatted_reads_back(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
            prop_assert_eq!(Instant::parse(&Instant::format_ms(ms)).unwrap().unix_ms(), ms);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}", near in "[0-9T:.Z+-]{0,30}") {
            let _ = (Instant::parse(&text), Instant::parse(&near), is_zone_offset(&near));
        }
    }
}
