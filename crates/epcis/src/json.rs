//! A JSON tree that keeps what a commitment needs: member order, the lexeme of every number, and
//! the certainty that no member name came twice.
//!
//! General-purpose readers keep the last of two equal names and turn numbers into doubles; either
//! would let two different documents commit to one value. Source: RFC 8259, RFC 6901 (pointers).

use std::fmt;

/// How deep arrays and objects may nest before a document is refused.
pub const DEPTH_MAX: usize = 64;

/// How many values (of any kind, at any depth) a document may hold. A value of two bytes takes
/// some fifty in memory; this keeps a hostile document of many small values within bounds.
pub const VALUES_MAX: usize = 8_000_000;

/// A JSON value. Numbers keep the characters they were written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the lexeme that stood in the document (RFC 8259 §6).
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; names are distinct and keep their order.
    Object(Vec<(String, Json)>),
}

/// Why bytes are not a JSON document that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct JsonError {
    /// Line of the first offending byte, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The text stops inside a value.
    #[error("the document ends in the middle of a value; is the file truncated?")]
    Truncated,
    /// The bytes are not UTF-8.
    #[error("the bytes are not UTF-8; save the file as UTF-8")]
    Encoding,
    /// A byte that cannot stand here.
    #[error("unexpected {0}; expected {1}")]
    Unexpected(String, &'static str),
    /// One object has the same member name twice.
    #[error("the name \"{0}\" stands twice in one object; keep one")]
    DuplicateName(String),
    /// Deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels")]
    Depth,
    /// More than [`VALUES_MAX`].
    #[error("more than {0} values; split the document")]
    Values(usize),
    /// A `\u` escape that names no character.
    #[error("an escape that is no character")]
    Escape,
}

impl Json {
    /// An empty object.
    #[must_use]
    pub fn object() -> Self {
        Json::Object(Vec::new())
    }

    /// A string value.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Json::String(text.into())
    }

    /// The member `name` of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Sets or adds the member `name`; does nothing on anything but an object.
    pub fn set(&mut self, name: &str, value: Json) {
        if let Json::Object(members) = self {
            match members.iter_mut().find(|(n, _)| n == name) {
                Some(member) => member.1 = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// Takes the member `name` out of an object.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        match self {
            Json::Object(members) => {
                let at = members.iter().position(|(n, _)| n == name)?;
                Some(members.remove(at).1)
            }
            _ => None,
        }
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object, in document order.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value at a JSON pointer (RFC 6901); the empty pointer is the value itself.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value {
            Json::Object(_) => value.get(&unescape_token(token)),
            Json::Array(items) => {
                let plain = token == "0"
                    || (!token.starts_with('0') && token.bytes().all(|b| b.is_ascii_digit()));
                if plain { items.get(token.parse::<usize>().ok()?) } else { None }
            }
            _ => None,
        })
    }

    /// The value as compact JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write_value(self, &mut out, None, 0);
        out
    }

    /// The value as indented JSON text (two spaces), without a final newline.
    #[must_use]
    pub fn to_text_pretty(&self) -> String {
        let mut out = String::new();
        write_value(self, &mut out, Some("  "), 0);
        out
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// One reference token, escaped for use in a JSON pointer (RFC 6901 §3).
#[must_use]
pub fn escape_token(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// One reference token of a JSON pointer, as the name it stands for (RFC 6901 §4).
#[must_use]
pub fn unescape_token(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Reads one JSON document. A byte order mark is passed over.
///
/// # Errors
/// [`JsonError`] with line and column; nothing is read past the first fault.
pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
    parse_limited(bytes, VALUES_MAX)
}

fn parse_limited(bytes: &[u8], values_max: usize) -> Result<Json, JsonError> {
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => {
            let kind = if fault.error_len().is_none() {
                JsonErrorKind::Truncated
            } else {
                JsonErrorKind::Encoding
            };
            return Err(place(bytes, fault.valid_up_to(), kind));
        }
    };
    let mut parser = Parser { text, bytes, at: start, left: values_max, values_max };
    let result = parser.document();
    result.map_err(|kind| place(bytes, parser.at, kind))
}

fn place(bytes: &[u8], at: usize, kind: JsonErrorKind) -> JsonError {
    let before = &bytes[..at.min(bytes.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.len() - before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1) + 1;
    JsonError { line, column, kind }
}

/// Up to so many names of one object are compared one by one.
const FEW_NAMES: usize = 48;

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// How many more values are allowed.
    left: usize,
    values_max: usize,
}

type Parsed<T> = Result<T, JsonErrorKind>;

impl Parser<'_> {
    fn document(&mut self) -> Parsed<Json> {
        self.space();
        let value = self.value(0)?;
        self.space();
        if self.at < self.bytes.len() {
            return Err(self.unexpected("the end of the document"));
        }
        Ok(value)
    }

    fn unexpected(&self, expected: &'static str) -> JsonErrorKind {
        match self.bytes.get(self.at) {
            None => JsonErrorKind::Truncated,
            Some(b) if b.is_ascii_graphic() => {
                JsonErrorKind::Unexpected(format!("'{}'", char::from(*b)), expected)
            }
            Some(b) => JsonErrorKind::Unexpected(format!("byte 0x{b:02x}"), expected),
        }
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Json> {
        if depth > DEPTH_MAX {
            return Err(JsonErrorKind::Depth);
        }
        self.left = self.left.checked_sub(1).ok_or(JsonErrorKind::Values(self.values_max))?;
        match self.bytes.get(self.at) {
            Some(b'{') => self.members(depth),
            Some(b'[') => self.items(depth),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &'static str, value: Json) -> Parsed<Json> {
        for expected in word.bytes() {
            if self.bytes.get(self.at) != Some(&expected) {
                return Err(self.unexpected(word));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn members(&mut self, depth: usize) -> Parsed<Json> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut seen: Option<std::collections::HashSet<String>> = None;
        self.space();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            if self.bytes.get(self.at) != Some(&b'"') {
                return Err(self.unexpected("a member name in quotes"));
            }
            let name_at = self.at;
            let name = self.string()?;
            // Few names: compare; many: a set, so that a hostile object costs no quadratic time.
            let twice = if members.len() < FEW_NAMES {
                members.iter().any(|(n, _)| *n == name)
            } else {
                let all = || members.iter().map(|(n, _)| n.clone()).collect();
                !seen.get_or_insert_with(all).insert(name.clone())
            };
            if twice {
                self.at = name_at;
                return Err(JsonErrorKind::DuplicateName(name));
            }
            self.space();
            if self.bytes.get(self.at) != Some(&b':') {
                return Err(self.unexpected("':'"));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                _ => return Err(self.unexpected("',' or '}'")),
            }
        }
    }

    fn items(&mut self, depth: usize) -> Parsed<Json> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.unexpected("',' or ']'")),
            }
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        let from = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Parsed<Json> {
        let from = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
                return Err(self.unexpected("no digit after a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(self.text(from, self.at)))
    }

    /// The text between two places, which stand beside ASCII characters.
    fn text(&self, from: usize, to: usize) -> String {
        self.text.get(from..to).unwrap_or_default().to_owned()
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let from = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let text = self.text(from, self.at);
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => return self.string_escaped(from),
                Some(0..=0x1f) | None => return Err(self.unexpected("a character of a string")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn string_escaped(&mut self, from: usize) -> Parsed<String> {
        let mut out = self.text(from, self.at);
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(0..=0x1f) | None => return Err(self.unexpected("a character of a string")),
                Some(_) => {
                    let run = self.at;
                    while !matches!(self.bytes.get(self.at), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                        self.at += 1;
                    }
                    out.push_str(&self.text(run, self.at));
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let byte = *self.bytes.get(self.at).ok_or(JsonErrorKind::Truncated)?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = if (0xd800..0xdc00).contains(&first) {
                    if self.bytes.get(self.at) != Some(&b'\\')
                        || self.bytes.get(self.at + 1) != Some(&b'u')
                    {
                        return Err(JsonErrorKind::Escape);
                    }
                    self.at += 2;
                    let second = self.hex4()?;
                    if !(0xdc00..0xe000).contains(&second) {
                        return Err(JsonErrorKind::Escape);
                    }
                    0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                } else {
                    first
                };
                char::from_u32(code).ok_or(JsonErrorKind::Escape)?
            }
            _ => return Err(JsonErrorKind::Escape),
        })
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(JsonErrorKind::Truncated)?;
        let mut code = 0;
        for digit in digits {
            code = code * 16 + char::from(*digit).to_digit(16).ok_or(JsonErrorKind::Escape)?;
        }
        self.at += 4;
        Ok(code)
    }
}

fn write_value(value: &Json, out: &mut String, indent: Option<&str>, level: usize) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(lexeme) => out.push_str(lexeme),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(out, i, indent, level + 1);
                write_value(item, out, indent, level + 1);
            }
            close(out, items.is_empty(), indent, level);
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (name, member)) in members.iter().enumerate() {
                separate(out, i, indent, level + 1);
                write_string(name, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_value(member, out, indent, level + 1);
            }
            close(out, members.is_empty(), indent, level);
            out.push('}');
        }
    }
}

fn separate(out: &mut String, i: usize, indent: Option<&str>, level: usize) {
    if i > 0 {
        out.push(',');
    }
    if let Some(step) = indent {
        out.push('\n');
        (0..level).for_each(|_| out.push_str(step));
    }
}

fn close(out: &mut String, empty: bool, indent: Option<&str>, level: usize) {
    if let (Some(step), false) = (indent, empty) {
        out.push('\n');
        (0..level).for_each(|_| out.push_str(step));
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
