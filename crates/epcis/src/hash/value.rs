//! Canonical values in the normal form.

use crate::gs1;
use crate::time::Instant;

use super::{Profile, number};

/// The URNs of CBV 1.x and the web URIs that stand for them. A URN is replaced wherever it occurs
/// in a value, as the reference does.
const CBV_URNS: [(&str, &str); 5] = [
    ("urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-"),
    ("urn:epcglobal:cbv:disp:", "https://ref.gs1.org/cbv/Disp-"),
    ("urn:epcglobal:cbv:btt:", "https://ref.gs1.org/cbv/BTT-"),
    ("urn:epcglobal:cbv:sdt:", "https://ref.gs1.org/cbv/SDT-"),
    ("urn:epcglobal:cbv:er:", "https://ref.gs1.org/cbv/ER-"),
];

/// The value of a standard field: of one whose name speaks of time, in UTC to the millisecond.
pub(super) fn of_field(name: &str, text: &str, profile: Profile) -> String {
    if text.is_empty() {
        return String::new();
    }
    let lower = name.to_ascii_lowercase();
    if lower.contains("time") && !lower.contains("offset") {
        time(text, profile)
    } else {
        of_extension(text, profile)
    }
}

/// The value of anything else. Whatever reads as a number is one, even where it is a name.
pub(super) fn of_extension(text: &str, profile: Profile) -> String {
    let mut text = text.to_owned();
    if text.contains("urn:epcglobal:cbv:") {
        for (urn, web) in CBV_URNS {
            text = text.replace(urn, web);
        }
    }
    let canonical = match profile {
        Profile::Cbv20Legacy => number::legacy(&text),
        Profile::Cbv20V2026 | Profile::Cbv21 => number::exact(&text),
    };
    if let Some(number) = canonical {
        return number;
    }
    // Element strings may be any text here; only URIs are identifiers.
    if text.starts_with("urn:epc:") || text.starts_with("http") {
        return identifier(&text);
    }
    text
}

/// The canonical link of an identifier. The extension 0 of a location, which stands for "none",
/// is left out of a URN's link but, as in the reference, kept where a link brings it.
fn identifier(text: &str) -> String {
    let mut link = gs1::canonical(text).into_owned();
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let extension = path.ends_with("/254/0");
    if extension && link.starts_with("https://id.gs1.org/414/") && !link.contains("/254/") {
        link.push_str("/254/0");
    }
    link
}

/// A date-time in UTC with three digits of the second. Rounded half to even by the legacy
/// reference, half up since 2026; digits beyond the sixth are cut off before. Half a millisecond
/// before a full second makes the legacy reference fail; here it goes up.
fn time(text: &str, profile: Profile) -> String {
    let Ok(instant) = Instant::parse(text) else { return text.to_owned() };
    let (ms, rest) = (instant.micros / 1000, instant.micros % 1000);
    let up = match profile {
        Profile::Cbv20Legacy => rest > 500 || rest == 500 && ms % 2 == 1,
        Profile::Cbv20V2026 | Profile::Cbv21 => rest >= 500,
    };
    Instant::format_ms(instant.seconds * 1000 + i64::from(ms) + i64::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_millisecond_is_rounded_by_profile() {
        let text = "2023-02-02T12:04:03.1425+01:00";
        assert_eq!(time(text, Profile::Cbv20Legacy), "2023-02-02T11:04:03.142Z");
        assert_eq!(time(text, Profile::Cbv21), "2023-02-02T11:04:03.143Z");
        let carry = "2023-12-31T23:59:59.9996Z";
        assert_eq!(time(carry, Profile::Cbv20V2026), "2024-01-01T00:00:00.000Z");
    }

    #[test]
    fn urns_become_links_and_numbers_lose_their_zeros() {
        let legacy = |text| of_extension(text, Profile::Cbv20Legacy);
        assert_eq!(
            legacy("urn:epc:id:sgln:4012345.00001.0"),
            "https://id.gs1.org/414/4012345000016"
        );
        assert_eq!(
            legacy("urn:epcglobal:cbv:bizstep:shipping"),
            "https://ref.gs1.org/cbv/BizStep-shipping"
        );
        assert_eq!(
            legacy("https://example.com/414/4012345000016/254/0?x=1"),
            "https://id.gs1.org/414/4012345000016/254/0"
        );
        assert_eq!(legacy("0012"), "12");
        assert_eq!(of_field("eventTimeZoneOffset", "+01:00", Profile::Cbv21), "+01:00");
    }
}
