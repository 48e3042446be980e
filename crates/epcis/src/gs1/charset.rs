//! Character sets of application identifier data (GS1 General Specifications 7.11) and the two
//! escapings: of EPC URNs (TDS 6.3) and of Digital Link paths (GS1 Digital Link, URI syntax).

use super::Gs1Error;

/// Characters allowed in (a part of) an application identifier's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharacterSet {
    /// Decimal digits ("N").
    Numeric,
    /// The 82 invariant characters of ISO/IEC 646 ("X").
    Set82,
    /// Digits, capitals, `#`, `-` and `/` ("Y").
    Set39,
    /// URL-safe base64 with padding ("Z").
    Set64,
}

impl CharacterSet {
    /// Whether `byte` belongs to the set.
    pub fn contains(self, byte: u8) -> bool {
        match self {
            Self::Numeric => byte.is_ascii_digit(),
            Self::Set82 => value_in_82(byte).is_some(),
            Self::Set39 => {
                byte.is_ascii_digit() || byte.is_ascii_uppercase() || b"#-/".contains(&byte)
            }
            Self::Set64 => byte.is_ascii_alphanumeric() || b"-_=".contains(&byte),
        }
    }

    /// The name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numeric => "the digits 0-9",
            Self::Set82 => "GS1 character set 82",
            Self::Set39 => "GS1 character set 39 (digits, capitals, # - /)",
            Self::Set64 => "URL-safe base64",
        }
    }
}

/// Order number of a character in set 82, which check character pairs are computed from.
pub(super) fn value_in_82(byte: u8) -> Option<u32> {
    const ORDER: &[u8; 82] =
        b"!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    ORDER.binary_search(&byte).ok().map(|index| index as u32)
}

fn push_escaped(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// Appends `value` as a Digital Link path segment: letters, digits and `- . _ ~ ' ; =` stand as
/// they are, everything else is percent-encoded with upper-case hex.
///
/// RFC 3986 would let `! ( ) * + , :` stand, and OpenEPCIS leaves them; the GS1 Digital Link
/// standard's table of characters to encode names them, and the reference event hash encodes
/// them. Canonical forms need one answer, and this is the standard's. Reading accepts both.
pub(super) fn push_link_segment(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~';=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(out, byte);
        }
    }
}

/// Characters that an EPC URN takes unescaped: the `GS3A3Char` of TDS 6.3.
fn stands_in_urn(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!'()*+,-.:;=_".contains(&byte)
}

/// Appends `value` as the last component of an EPC URN, escaping `" # % & / < > ?` (TDS 6.3).
pub(super) fn push_urn_component(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if stands_in_urn(byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(out, byte);
        }
    }
}

/// Undoes the escaping of an EPC URN component. A character that TDS wants escaped is refused when
/// it stands raw: OpenEPCIS accepts it, but `/` and `%` would then read in two ways.
pub(super) fn unescape_urn(
    component: &str,
    field: impl Fn() -> String,
) -> Result<String, Gs1Error> {
    if let Some((at, found)) = component
        .char_indices()
        .find(|(_, c)| !(c.is_ascii() && (stands_in_urn(*c as u8) || *c == '%')))
    {
        return Err(Gs1Error::Character {
            field: field(),
            found,
            position: at + 1,
            set: "what an EPC URN takes unescaped (write it as %XX)",
        });
    }
    percent_decode(component, field)
}

/// Undoes percent-encoding. The result is ASCII: a value outside it cannot be GS1 data.
pub(super) fn percent_decode(text: &str, field: impl Fn() -> String) -> Result<String, Gs1Error> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = if bytes[at] == b'%' {
            let hex = text.get(at + 1..at + 3).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
            let decoded = hex.and_then(|h| u8::from_str_radix(h, 16).ok());
            at += 3;
            decoded.ok_or_else(|| Gs1Error::Escape { field: field(), position: at - 2 })?
        } else {
            at += 1;
            bytes[at - 1]
        };
        if !byte.is_ascii() {
            return Err(Gs1Error::Character {
                field: field(),
                found: char::REPLACEMENT_CHARACTER,
                position: out.len() + 1,
                set: CharacterSet::Set82.name(),
            });
        }
        out.push(char::from(byte));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field() -> String {
        "serial".to_owned()
    }

    #[test]
    fn the_sets_have_as_many_characters_as_their_names_say() {
        let size = |set: CharacterSet| (0..=255).filter(|b| set.contains(*b)).count();
        assert_eq!(size(CharacterSet::Numeric), 10);
        assert_eq!(size(CharacterSet::Set82), 82);
        assert_eq!(size(CharacterSet::Set39), 39);
        assert_eq!(size(CharacterSet::Set64), 65);
    }

    #[test]
    fn both_escapings_read_back_to_the_same_value() {
        let all: String =
            (0..=127u8).filter(|b| CharacterSet::Set82.contains(*b)).map(char::from).collect();
        let (mut link, mut urn) = (String::new(), String::new());
        push_link_segment(&mut link, &all);
        push_urn_component(&mut urn, &all);
        assert_eq!(percent_decode(&link, field).unwrap(), all);
        assert_eq!(unescape_urn(&urn, field).unwrap(), all);
        assert!(!link.contains('/') && !urn.contains('/'));
    }

    #[test]
    fn a_broken_escape_is_refused_with_its_place() {
        let error = percent_decode("ab%2", field).unwrap_err();
        assert!(error.to_string().contains("character 3"), "{error}");
        assert!(percent_decode("%+1", field).is_err());
        assert!(percent_decode("%C3%A9", field).is_err());
        assert!(percent_decode("é", field).is_err());
    }

    #[test]
    fn a_raw_slash_in_an_urn_is_refused() {
        assert!(unescape_urn("a/b", field).is_err());
        assert_eq!(unescape_urn("a%2fb", field).unwrap(), "a/b");
    }
}
