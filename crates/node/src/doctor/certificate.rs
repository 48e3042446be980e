//! How long a server's certificate is valid: the two times in it, and nothing else of X.509. Whether
//! a chain is trusted is for those who connect to say.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Finding;
use crate::clock::{moment, span};

const FILE_BYTES_MAX: u64 = 1 << 20;
/// Renewal should have happened by then.
const SOON_S: u64 = 21 * 24 * 60 * 60;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

pub(super) fn check(file: &Path, now_s: u64) -> Finding {
    let unreadable = |what: String| {
        Finding::failed(what, "name the PEM file of the certificate, the server's own first")
    };
    let size = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return unreadable(error.to_string()),
    };
    if size > FILE_BYTES_MAX {
        return unreadable(format!("{size} bytes are no certificate"));
    }
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return unreadable(error.to_string()),
    };
    let Some(certificates) = certificates(&text) else {
        return unreadable("no certificate in PEM".to_owned());
    };
    let mut soonest: Option<(u64, u64)> = None;
    for (at, certificate) in certificates.iter().enumerate() {
        let Some((from, until)) = validity(certificate) else {
            return unreadable(format!("certificate {} of the file cannot be read", at + 1));
        };
        // A chain holds as long as its shortest part.
        let (known_from, known_until) = soonest.unwrap_or((0, u64::MAX));
        soonest = Some((known_from.max(from), known_until.min(until)));
    }
    let (from, until) = soonest.unwrap_or_default();
    judge(from, until, now_s)
}

fn judge(from: u64, until: u64, now_s: u64) -> Finding {
    let at = |s: u64| moment(s.saturating_mul(1000));
    let until_text = format!("valid until {}", at(until));
    if now_s < from {
        let advice = "set the clock, or use the certificate that is valid now";
        return Finding::failed(format!("valid only from {}", at(from)), advice);
    }
    if now_s > until {
        return Finding::failed(
            format!("expired on {}", at(until)),
            "renew it, then restart the server",
        );
    }
    let left = until - now_s;
    if left < SOON_S {
        let says = format!("{until_text}, {} left", span(left.saturating_mul(1000)));
        return Finding::warning(says, "renew it, then restart the server");
    }
    Finding::ok(until_text)
}

/// The certificates of a PEM file, as DER; `None` where there are none or one is no base64.
fn certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (body, left) = after.split_once(END)?;
        let plain: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        found.push(STANDARD.decode(plain).ok()?);
        rest = left;
    }
    (!found.is_empty()).then_some(found)
}

/// One element of DER: tag, content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0usize, |length, b| length << 8 | usize::from(*b));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn expect(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// From when until when a certificate is valid, Unix seconds (RFC 5280 §4.1).
fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, after)) = expect(rest, VERSION) {
        rest = after;
    }
    let (_, rest) = expect(rest, INTEGER)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (from_tag, from, rest) = element(validity)?;
    let (until_tag, until, _) = element(rest)?;
    Some((time(from_tag, from)?, time(until_tag, until)?))
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`, the only forms of RFC 5280.
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let digits = match tag {
        UTC_TIME if text.len() == 12 => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since 1970-01-01 of the proleptic Gregorian calendar; the year begins in March.
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    u64::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn times_of_both_forms_are_read_and_others_are_none() {
        assert_eq!(time(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, b"261120120000Z"), Some(1_795_176_000));
        assert_eq!(time(GENERALIZED_TIME, b"20261120120000Z"), Some(1_795_176_000));
        assert_eq!(time(GENERALIZED_TIME, b"20000229000000Z"), Some(951_782_400));
        assert_eq!(time(UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
        for wrong in
            [&b"261120120000"[..], b"2611201200Z", b"261320120000Z", b"", b"Z", b"xx1120120000Z"]
        {
            assert_eq!(time(UTC_TIME, wrong), None);
        }
    }

    #[test]
    fn a_certificate_that_ends_soon_is_a_warning_and_one_that_ended_a_failure() {
        let (day, now) = (86_400, 1_795_176_000);
        assert_eq!(judge(now - day, now + 90 * day, now).outcome, Outcome::Ok);
        assert_eq!(judge(now - day, now + 20 * day, now).outcome, Outcome::Warning);
        assert_eq!(judge(now - 9 * day, now - 1, now).outcome, Outcome::Failed);
        assert_eq!(judge(now + day, now + 9 * day, now).outcome, Outcome::Failed);
    }

    #[test]
    fn no_prefix_of_a_certificate_is_read_beyond_its_end() {
        // SEQUENCE { SEQUENCE { INTEGER, SEQUENCE, SEQUENCE, SEQUENCE { two UTCTimes } } }
        let mut times = vec![UTC_TIME, 13];
        times.extend_from_slice(b"260101000000Z");
        times.extend_from_slice(&[UTC_TIME, 13]);
        times.extend_from_slice(b"270101000000Z");
        let mut inner = vec![INTEGER, 1, 1, SEQUENCE, 0, SEQUENCE, 0, SEQUENCE, times.len() as u8];
        inner.extend_from_slice(&times);
        let mut whole = vec![SEQUENCE, inner.len() as u8 + 2, SEQUENCE, inner.len() as u8];
        whole.extend_from_slice(&inner);
        assert_eq!(validity(&whole), Some((1_767_225_600, 1_798_761_600)));
        for end in 0..whole.len() {
            assert_eq!(validity(&whole[..end]), None, "{end}");
        }
        assert_eq!(validity(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
