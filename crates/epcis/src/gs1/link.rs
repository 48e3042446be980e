//! GS1 Digital Link URIs, uncompressed, on any domain (GS1 Digital Link standard, URI syntax).

use super::ai::ApplicationIdentifier;
use super::charset::{percent_decode, push_link_segment};
use super::{Checks, Element, Gs1Error, element};

/// Domain and scheme of canonical Digital Links.
const CANONICAL: &str = "https://id.gs1.org";

/// Words that Digital Link 1.0 and 1.1 allowed in place of application identifiers. Later versions
/// do not; links that stand on packs and in recorded events still have them.
const WORDS: [(&str, &str); 22] = [
    ("sscc", "00"),
    ("gtin", "01"),
    ("lot", "10"),
    ("ser", "21"),
    ("cpv", "22"),
    ("gdti", "253"),
    ("glnx", "254"),
    ("gcn", "255"),
    ("ginc", "401"),
    ("gsin", "402"),
    ("gln", "414"),
    ("payTo", "415"),
    ("party", "417"),
    ("grai", "8003"),
    ("giai", "8004"),
    ("itip", "8006"),
    ("cpid", "8010"),
    ("cpsn", "8011"),
    ("gmn", "8013"),
    ("gsrnp", "8017"),
    ("gsrn", "8018"),
    ("srin", "8019"),
];

/// What a Digital Link holds: primary key first, then its qualifiers, then data attributes.
pub(super) struct Parts {
    pub(super) path: Vec<Element>,
    pub(super) attributes: Vec<Element>,
}

/// Whether `text` begins like a web URI.
pub(super) fn is_web_uri(text: &str) -> bool {
    after_scheme(text).is_some()
}

fn after_scheme(text: &str) -> Option<&str> {
    ["https://", "http://"].iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

/// Reads a Digital Link. Its fragment is dropped, and so are parameters of the query string that
/// are not application identifiers; those that are become attributes.
pub(super) fn read(text: &str, checks: Checks) -> Result<Parts, Gs1Error> {
    let rest = after_scheme(text).ok_or(Gs1Error::NotAnIdentifier)?;
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').ok_or(Gs1Error::NoPrimaryKey)?;
    if authority.is_empty() {
        return Err(Gs1Error::NoPrimaryKey);
    }
    let path = read_path(path, checks)?;
    let attributes = read_query(query, &path, checks)?;
    Ok(Parts { path, attributes })
}

fn read_path(path: &str, checks: Checks) -> Result<Vec<Element>, Gs1Error> {
    let mut segments: Vec<&str> = path.split('/').collect();
    let mut start = primary_at(&segments);
    // A slash at the end is taken for a slip, unless it shows that an identifier's data is missing.
    if start.is_none() && segments.last() == Some(&"") {
        segments.pop();
        start = primary_at(&segments);
    }
    let at = start.ok_or(Gs1Error::NoPrimaryKey)?;
    let mut elements = Vec::with_capacity((segments.len() - at) / 2);
    for pair in segments[at..].chunks_exact(2) {
        let ai = application_identifier(pair[0]);
        let row = element::find(ai)?;
        let decoded = percent_decode(pair[1], || row.name(ai))?;
        if decoded.is_empty() {
            return Err(Gs1Error::Empty { field: row.name(ai) });
        }
        let value = padded(ai, &decoded);
        row.check(ai, &value, checks)?;
        elements.push(Element { ai: ai.to_owned(), value });
    }
    check_order(&elements)?;
    Ok(elements)
}

/// Where the primary key stands. It is looked for from the end, in every second segment: what
/// stands before it is the site's own, and a qualifier's value may look like a key.
fn primary_at(segments: &[&str]) -> Option<usize> {
    (0..segments.len().saturating_sub(1))
        .rev()
        .filter(|at| (segments.len() - at).is_multiple_of(2))
        .find(|at| primary_key(segments[*at]).is_some())
}

fn application_identifier(segment: &str) -> &str {
    if segment.starts_with(|c: char| c.is_ascii_digit()) {
        return segment;
    }
    WORDS.iter().find(|(word, _)| *word == segment).map_or(segment, |(_, ai)| *ai)
}

fn primary_key(segment: &str) -> Option<&'static [&'static [&'static str]]> {
    ApplicationIdentifier::find(application_identifier(segment))?.link_qualifiers()
}

/// The data of `ai`; GTIN-8, GTIN-12 and GTIN-13 as the GTIN-14 with leading zeros that they are.
pub(super) fn padded(ai: &str, value: &str) -> String {
    if ai == "01" && matches!(value.len(), 8 | 12 | 13) {
        format!("{value:0>14}")
    } else {
        value.to_owned()
    }
}

/// Qualifiers must come from one of the key's sequences and keep its order.
pub(super) fn check_order(elements: &[Element]) -> Result<(), Gs1Error> {
    let Some((primary, qualifiers)) = elements.split_first() else {
        return Err(Gs1Error::NoPrimaryKey);
    };
    let sequences = primary_key(&primary.ai).ok_or(Gs1Error::NoPrimaryKey)?;
    let fitting = |sequence: &&[&str]| {
        let mut left = sequence.iter();
        qualifiers.iter().take_while(|found| left.any(|ai| *ai == found.ai)).count()
    };
    let furthest = sequences.iter().map(fitting).max().unwrap_or(0);
    let Some(wrong) = qualifiers.get(furthest) else {
        return Ok(());
    };
    let alternatives: Vec<String> =
        sequences.iter().map(|s| format!("({})", s.join(")("))).collect();
    Err(Gs1Error::Qualifier {
        ai: wrong.ai.clone(),
        primary: primary.ai.clone(),
        allowed: if alternatives.is_empty() {
            "no qualifiers".to_owned()
        } else {
            alternatives.join(" or ")
        },
    })
}

/// Parameters of the query string that are application identifiers. With [`Checks::Syntax`] those
/// that are not in order are passed over, because they are not part of the identity.
fn read_query(query: &str, path: &[Element], checks: Checks) -> Result<Vec<Element>, Gs1Error> {
    let mut attributes: Vec<Element> = Vec::new();
    for parameter in query.split(['&', ';']) {
        let (ai, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if ai.is_empty() || !ai.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        match read_attribute(ai, value, path, &attributes, checks) {
            Ok(attribute) => attributes.push(attribute),
            Err(error) if checks == Checks::Full => return Err(error),
            Err(_) => {}
        }
    }
    Ok(attributes)
}

/// Whether `ai` is a qualifier that could have stood in the path beside those that do. In the query
/// string it would be unclear whether it identifies.
fn belongs_in(path: &[Element], ai: &str) -> bool {
    let Some((primary, qualifiers)) = path.split_first() else {
        return false;
    };
    primary_key(&primary.ai).into_iter().flatten().any(|sequence| {
        sequence.contains(&ai) && qualifiers.iter().all(|q| sequence.contains(&q.ai.as_str()))
    })
}

fn read_attribute(
    ai: &str,
    value: &str,
    path: &[Element],
    before: &[Element],
    checks: Checks,
) -> Result<Element, Gs1Error> {
    let row = element::find(ai)?;
    if !row.link_attribute() || belongs_in(path, ai) {
        return Err(Gs1Error::NotAnAttribute { ai: ai.to_owned() });
    }
    if path.iter().chain(before).any(|element| element.ai == ai) {
        return Err(Gs1Error::Duplicate { ai: ai.to_owned() });
    }
    let value = percent_decode(value, || row.name(ai))?;
    row.check(ai, &value, checks)?;
    Ok(Element { ai: ai.to_owned(), value })
}

/// Whether the application identifier `ai` may stand in a query string.
pub(super) fn may_be_attribute(ai: &str) -> bool {
    ApplicationIdentifier::find(ai).is_some_and(ApplicationIdentifier::link_attribute)
}

/// The Digital Link on `https://id.gs1.org` with `path` in its path and `attributes` in its query.
pub(super) fn write<'a>(path: impl Iterator<Item = &'a Element>, attributes: &[Element]) -> String {
    let mut out = String::from(CANONICAL);
    for element in path {
        out.push('/');
        out.push_str(&element.ai);
        out.push('/');
        push_link_segment(&mut out, &element.value);
    }
    for (index, attribute) in attributes.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(&attribute.ai);
        out.push('=');
        // Stricter than a query needs: "=" and ";" would read as delimiters.
        let mut value = String::new();
        push_link_segment(&mut value, &attribute.value);
        out.push_str(&value.replace('=', "%3D").replace(';', "%3B"));
    }
    out
}
