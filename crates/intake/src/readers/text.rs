//! Bytes to text: byte order marks, UTF-8, UTF-16, and the two single-byte encodings that exports
//! still come in.

use super::ReadError;

/// Character encodings of text documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16,
    /// Windows code page 1252; taken only where a mapping declares it.
    Windows1252,
    /// ISO 8859-1; taken only where a mapping declares it.
    Latin1,
}

impl Encoding {
    /// The encoding of a name used in `map.toml`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Encoding::Utf8),
            "utf-16" | "utf16" => Some(Encoding::Utf16),
            "windows-1252" | "cp1252" => Some(Encoding::Windows1252),
            "iso-8859-1" | "latin1" => Some(Encoding::Latin1),
            _ => None,
        }
    }
}

/// Characters of code page 1252 at 0x80 to 0x9f; '\u{fffd}' where it defines none. Source: the
/// mapping table cp1252 of the Unicode consortium, 2026-11.
const CP1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
    '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}',
    'ž', 'Ÿ',
];

/// The text of a document. Without a declared encoding a byte order mark decides, then UTF-8 is
/// required: a guess between single-byte encodings would alter lot numbers silently.
///
/// # Errors
/// Names line and column of the first byte that does not fit the encoding.
pub fn decode(bytes: &[u8], declared: Option<Encoding>) -> Result<String, ReadError> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return utf8(rest);
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return utf16(bytes);
    }
    match declared {
        None | Some(Encoding::Utf8) => utf8(bytes),
        Some(Encoding::Utf16) => utf16(bytes),
        Some(Encoding::Latin1) => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        Some(Encoding::Windows1252) => windows1252(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ReadError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(fault) => {
            let before = &bytes[..fault.valid_up_to()];
            let byte = bytes.get(fault.valid_up_to()).copied().unwrap_or_default();
            Err(wrong(
                before,
                format!("byte 0x{byte:02x} is not UTF-8"),
                "save the file as UTF-8, or declare encoding = \"windows-1252\" in the mapping",
            ))
        }
    }
}

fn windows1252(bytes: &[u8]) -> Result<String, ReadError> {
    let mut text = String::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        let c = match byte {
            0x80..=0x9f => CP1252[usize::from(byte - 0x80)],
            _ => char::from(*byte),
        };
        if c == '\u{fffd}' {
            let message = format!("byte 0x{byte:02x} is no character of windows-1252");
            return Err(wrong(&bytes[..at], message, "check the encoding of the export"));
        }
        text.push(c);
    }
    Ok(text)
}

fn utf16(bytes: &[u8]) -> Result<String, ReadError> {
    let big = bytes.starts_with(b"\xFE\xFF");
    let body = if big || bytes.starts_with(b"\xFF\xFE") { &bytes[2..] } else { bytes };
    let units = body.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if body.len().is_multiple_of(2) => Ok(text),
        _ => Err(wrong(bytes, "the text is not UTF-16".to_owned(), "save the file as UTF-8")),
    }
}

fn wrong(before: &[u8], message: String, hint: &str) -> ReadError {
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.len() - before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1) + 1;
    ReadError::new(format!("line {line}, column {column}"), "encoding", message, hint)
}
