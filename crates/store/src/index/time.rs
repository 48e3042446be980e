//! Points in time as query parameters give them.

/// Reads `2026-05-01T08:30:00.250+02:00` or `…Z` as Unix milliseconds, UTC; finer fractions are
/// cut. None if it is no such text or has no zone: a time without one is not a point in time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 20 || bytes.len() > 40 {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(at, mark)| bytes[*at] == *mark) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut zone_at = 19;
    let mut millis = 0;
    if bytes[19] == b'.' {
        let digits = bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let cut = digits.min(3);
        millis = number(20, 20 + cut)? * [100, 10, 1][cut - 1];
        zone_at = 20 + digits;
    }
    let offset_minutes = zone(text.get(zone_at..)?)?;
    let seconds = days_since_epoch(year, month, day) * 86_400
        + hour * 3600
        + (minute - offset_minutes) * 60
        + second;
    Some(seconds * 1000 + millis)
}

fn zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |part: &str| -> Option<i64> {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())?
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
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

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let leaps_before = |year: i64| {
        let last = year - 1;
        last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
    };
    let days_of_years = (year - 1970) * 365 + leaps_before(year) - leaps_before(1970);
    days_of_years + (1..month).map(|month| days_in_month(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_in_time_are_read() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2000-02-29T12:00:00.5Z"), Some(951_825_600_500));
        assert_eq!(parse("2026-11-20T12:00:00+01:00"), parse("2026-11-20T11:00:00.000Z"));
        assert_eq!(parse("2026-11-20T11:00:00.1239999Z"), Some(1_795_172_400_123));
        assert_eq!(parse("1969-12-31T23:59:59.999-00:00"), Some(-1));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in [
            "2026-11-20T12:00:00",
            "2026-11-20",
            "2026-02-29T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T12:00:00.Z",
            "2026-11-20T12:00:00+15:00",
            "2026-11-20T12:00:00+0100",
            "2026-11-20 12:00:00Z",
            "２０２６-11-20T12:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
