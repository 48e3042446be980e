//! Patterns of identifiers in queries: an identifier, an EPC pattern, or the start of a URI.
//! Source: EPC Tag Data Standard 2.1 §8 (identity patterns), §6 (URN to GS1 element strings).

use countermark_epcis::gs1;

use super::terms::{canonical, compact};

/// What an identifier is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierPattern {
    /// Canonical compact texts that match as a whole.
    pub(crate) exact: Vec<String>,
    /// Canonical compact texts that match as a beginning.
    pub(crate) prefixes: Vec<String>,
}

impl IdentifierPattern {
    /// Reads any form of an identifier; `urn:epc:idpat:…` with stars; or any URI whose last
    /// character is a star, which matches every identifier that begins so.
    ///
    /// A pattern with a star for the serial number also matches the class itself, and a lot or
    /// class pattern everything at or below it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let star = text.ends_with('*');
        if star && let Some(pattern) = epc_pattern(text) {
            return pattern;
        }
        if star {
            let begin = text.trim_end_matches('*');
            return Self::prefix(compact(&canonical(begin)).to_owned());
        }
        let identity = text
            .strip_prefix("urn:epc:idpat:")
            .map_or_else(|| text.to_owned(), |rest| format!("urn:epc:id:{rest}"));
        IdentifierPattern {
            exact: vec![compact(&canonical(&identity)).to_owned()],
            prefixes: Vec::new(),
        }
    }

    fn prefix(prefix: String) -> Self {
        IdentifierPattern { exact: Vec::new(), prefixes: vec![prefix] }
    }

    /// The key itself and whatever has it as its first part.
    fn at_or_below(key: String) -> Self {
        let below = format!("{key}/");
        IdentifierPattern { exact: vec![key], prefixes: vec![below] }
    }

    /// Whether a canonical identifier fits.
    #[must_use]
    pub fn matches(&self, canonical: &str) -> bool {
        let text = compact(canonical);
        self.exact.iter().any(|exact| exact == text)
            || self.prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))
    }
}

/// How the key of a scheme is built from company prefix and reference.
#[derive(Clone, Copy)]
enum Shape {
    /// First digit of the reference, company prefix, rest of the reference, check digit.
    Indicator,
    /// Company prefix, reference, check digit; a serial number follows as a path segment.
    Segment,
    /// Company prefix, reference, check digit; a serial number follows at once.
    Joined,
    /// Company prefix and a reference of any form.
    Open,
}

/// EPC schemes: name, path of the Digital Link up to the key, shape.
const SCHEMES: &[(&str, &str, Shape)] = &[
    ("sgtin", "/01/", Shape::Indicator),
    ("lgtin", "/01/", Shape::Indicator),
    ("upui", "/01/", Shape::Indicator),
    ("sscc", "/00/", Shape::Indicator),
    ("sgln", "/414/", Shape::Segment),
    ("pgln", "/417/", Shape::Segment),
    ("grai", "/8003/0", Shape::Joined),
    ("gdti", "/253/", Shape::Joined),
    ("sgcn", "/255/", Shape::Joined),
    ("giai", "/8004/", Shape::Open),
    ("gsrn", "/8018/", Shape::Open),
    ("gsrnp", "/8017/", Shape::Open),
    ("gsin", "/402/", Shape::Open),
    ("ginc", "/401/", Shape::Open),
    ("cpi", "/8010/", Shape::Open),
];

/// Patterns whose trailing components are stars; none if the text is no such pattern.
fn epc_pattern(text: &str) -> Option<IdentifierPattern> {
    let rest = ["urn:epc:idpat:", "urn:epc:id:", "urn:epc:class:"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    let (name, body) = rest.split_once(':')?;
    let (_, path, shape) = SCHEMES.iter().find(|(scheme, ..)| *scheme == name)?;
    let parts: Vec<&str> = body.split('.').collect();
    let known: Vec<&str> = parts.iter().copied().take_while(|part| *part != "*").collect();
    if parts[known.len()..].iter().any(|part| *part != "*") {
        return None;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(company) = known.first() else {
        return Some(IdentifierPattern::prefix((*path).to_owned()));
    };
    if !digits(company) {
        return None;
    }
    if let (Shape::Open, 1) = (shape, known.len()) {
        return Some(IdentifierPattern::prefix(format!("{path}{company}")));
    }
    match (shape, known.get(1)) {
        (Shape::Indicator, None) => Some(IdentifierPattern {
            exact: Vec::new(),
            prefixes: (0..=9).map(|indicator| format!("{path}{indicator}{company}")).collect(),
        }),
        (Shape::Segment | Shape::Joined, None) => {
            Some(IdentifierPattern::prefix(format!("{path}{company}")))
        }
        (Shape::Indicator, Some(reference)) if digits(reference) => {
            let key = with_check_digit(&format!("{}{company}{}", &reference[..1], &reference[1..]));
            let key = format!("{path}{key}");
            Some(if name == "lgtin" {
                IdentifierPattern::prefix(format!("{key}/10/"))
            } else {
                IdentifierPattern::at_or_below(key)
            })
        }
        (Shape::Segment, Some(reference)) if reference.is_empty() || digits(reference) => {
            let key = with_check_digit(&format!("{company}{reference}"));
            Some(IdentifierPattern::at_or_below(format!("{path}{key}")))
        }
        (Shape::Joined, Some(reference)) if reference.is_empty() || digits(reference) => {
            let key = with_check_digit(&format!("{company}{reference}"));
            Some(IdentifierPattern::prefix(format!("{path}{key}")))
        }
        _ => None,
    }
}

/// Appends the GS1 check digit; the digits are known to be digits.
fn with_check_digit(digits: &str) -> String {
    let check = gs1::check_digit(digits).unwrap_or_default();
    format!("{digits}{check}")
}

/// The least text after every text that begins with the prefix, in bytewise order: no text that
/// begins so sorts after it.
pub(crate) fn prefix_end(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_for_the_serial_number_matches_class_and_items() {
        // GTIN 80614141123458: indicator 8, company prefix 0614141, reference 12345.
        let pattern = IdentifierPattern::parse("urn:epc:idpat:sgtin:0614141.812345.*");
        assert!(pattern.matches("https://id.gs1.org/01/80614141123458"));
        assert!(pattern.matches("https://id.gs1.org/01/80614141123458/21/6789"));
        assert!(!pattern.matches("https://id.gs1.org/01/80614141123459/21/6789"));
    }

    #[test]
    fn a_star_for_the_reference_matches_every_indicator() {
        let pattern = IdentifierPattern::parse("urn:epc:idpat:sscc:0614141.*");
        assert!(pattern.matches("https://id.gs1.org/00/106141412345678908"));
        assert!(pattern.matches("https://id.gs1.org/00/906141412345678904"));
        assert!(!pattern.matches("https://id.gs1.org/00/006141422345678904"));
    }

    #[test]
    fn lots_locations_and_assets_have_patterns() {
        let lots = IdentifierPattern::parse("urn:epc:idpat:lgtin:0614141.812345.*");
        assert!(lots.matches("https://id.gs1.org/01/80614141123458/10/L7"));
        assert!(!lots.matches("https://id.gs1.org/01/80614141123458"));
        let place = IdentifierPattern::parse("urn:epc:idpat:sgln:0614141.12345.*");
        assert!(place.matches("https://id.gs1.org/414/0614141123452"));
        assert!(place.matches("https://id.gs1.org/414/0614141123452/254/400"));
        let asset = IdentifierPattern::parse("urn:epc:idpat:grai:0614141.12345.*");
        assert!(asset.matches("https://id.gs1.org/8003/00614141123452400"));
    }

    #[test]
    fn a_trailing_star_on_any_uri_is_a_beginning() {
        let pattern = IdentifierPattern::parse("https://id.gs1.org/01/80614141123458/10/L*");
        assert!(pattern.matches("https://id.gs1.org/01/80614141123458/10/L7"));
        assert!(!pattern.matches("https://id.gs1.org/01/80614141123458/10/K7"));
        let own = IdentifierPattern::parse("urn:example:lot:100%_*");
        assert!(own.matches("urn:example:lot:100%_a") && !own.matches("urn:example:lot:1000a"));
    }

    #[test]
    fn every_text_of_a_prefix_sorts_before_its_end() {
        for text in ["/01/1", "/01/1zzz", "/01/1\u{10fffe}"] {
            assert!(text >= "/01/1" && text < prefix_end("/01/1").as_str());
        }
        assert!("/01/2" > prefix_end("/01/1").as_str());
    }
}
