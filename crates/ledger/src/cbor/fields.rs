//! Reading the integer-keyed maps that statements, headers and state values are made of.

use super::Value;

/// A decoded value that does not have the shape its place asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ShapeError {
    /// What was read: "block header", "record header" …
    pub what: &'static str,
    /// The map key at fault, where one is.
    pub key: Option<u64>,
    /// What is wrong.
    pub problem: ShapeProblem,
}

impl std::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key {
            Some(key) => write!(f, "{}, key {key}: {}", self.what, self.problem),
            None => write!(f, "{}: {}", self.what, self.problem),
        }
    }
}

/// What is wrong with a value's shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeProblem {
    /// The key must be there.
    #[error("the key is missing")]
    Missing,
    /// The key is registered for no use here.
    #[error("the key is not allowed here")]
    Unknown,
    /// A key that is no unsigned integer.
    #[error("a key is no unsigned integer")]
    Key,
    /// Another kind of item is needed.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A byte string, text or array of another length.
    #[error("expected a length of {expected}, found {found}")]
    Length {
        /// What the length should be, in words.
        expected: String,
        /// What it is.
        found: usize,
    },
    /// A number or text outside what is registered or allowed.
    #[error("{0}")]
    Range(String),
}

/// A map with unsigned integer keys, read key by key.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    what: &'static str,
    entries: &'a [(Value, Value)],
}

impl<'a> Fields<'a> {
    /// Opens a value as a map whose keys are all among `allowed`.
    ///
    /// # Errors
    /// [`ShapeError`] where it is no map or holds another key.
    pub fn open(what: &'static str, value: &'a Value, allowed: &[u64]) -> Result<Self, ShapeError> {
        let fault = |key, problem| ShapeError { what, key, problem };
        let entries = value.as_map().ok_or_else(|| {
            fault(None, ShapeProblem::Kind { expected: "a map", found: value.kind_name() })
        })?;
        for (key, _) in entries {
            match key.as_u64() {
                None => return Err(fault(None, ShapeProblem::Key)),
                Some(n) if !allowed.contains(&n) => {
                    return Err(fault(Some(n), ShapeProblem::Unknown));
                }
                Some(_) => {}
            }
        }
        Ok(Fields { what, entries })
    }

    /// An error at one key.
    #[must_use]
    pub fn fault(&self, key: u64, problem: ShapeProblem) -> ShapeError {
        ShapeError { what: self.what, key: Some(key), problem }
    }

    /// An error that says what a number or text may be.
    #[must_use]
    pub fn range(&self, key: u64, rule: impl Into<String>) -> ShapeError {
        self.fault(key, ShapeProblem::Range(rule.into()))
    }

    /// The value at a key, if the key is there.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&'a Value> {
        self.entries.iter().find(|(k, _)| *k == Value::Unsigned(key)).map(|(_, value)| value)
    }

    /// The value at a key.
    ///
    /// # Errors
    /// [`ShapeProblem::Missing`].
    pub fn need(&self, key: u64) -> Result<&'a Value, ShapeError> {
        self.get(key).ok_or_else(|| self.fault(key, ShapeProblem::Missing))
    }

    fn kind(&self, key: u64, expected: &'static str, value: &Value) -> ShapeError {
        self.fault(key, ShapeProblem::Kind { expected, found: value.kind_name() })
    }

    /// The unsigned integer at a key.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing or another kind.
    pub fn uint(&self, key: u64) -> Result<u64, ShapeError> {
        let value = self.need(key)?;
        value.as_u64().ok_or_else(|| self.kind(key, "an unsigned integer", value))
    }

    /// The byte string at a key, of any length.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing or another kind.
    pub fn bytes(&self, key: u64) -> Result<&'a [u8], ShapeError> {
        let value = self.need(key)?;
        value.as_bytes().ok_or_else(|| self.kind(key, "a byte string", value))
    }

    /// The byte string of exactly `N` bytes at a key.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing, another kind or length.
    pub fn array<const N: usize>(&self, key: u64) -> Result<[u8; N], ShapeError> {
        self.fixed(key, self.need(key)?)
    }

    /// As [`Fields::array`], where the key may be absent.
    ///
    /// # Errors
    /// [`ShapeError`] where it is another kind or length.
    pub fn optional_array<const N: usize>(&self, key: u64) -> Result<Option<[u8; N]>, ShapeError> {
        self.get(key).map(|value| self.fixed(key, value)).transpose()
    }

    /// A value that must be a byte string of exactly `N` bytes, reported at `key`.
    ///
    /// # Errors
    /// [`ShapeError`] where it is another kind or length.
    pub fn fixed<const N: usize>(&self, key: u64, value: &Value) -> Result<[u8; N], ShapeError> {
        let bytes = value.as_bytes().ok_or_else(|| self.kind(key, "a byte string", value))?;
        bytes.try_into().map_err(|_| {
            let problem =
                ShapeProblem::Length { expected: format!("{N} bytes"), found: bytes.len() };
            self.fault(key, problem)
        })
    }

    /// The text at a key, of at most `max` bytes and at least one.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing, another kind, empty or too long.
    pub fn text(&self, key: u64, max: usize) -> Result<&'a str, ShapeError> {
        let value = self.need(key)?;
        let text = value.as_text().ok_or_else(|| self.kind(key, "a text", value))?;
        if text.is_empty() || text.len() > max {
            let expected = format!("1 to {max} bytes");
            return Err(self.fault(key, ShapeProblem::Length { expected, found: text.len() }));
        }
        Ok(text)
    }

    /// The array at a key, of at most `max` items.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing, another kind or too long.
    pub fn items(&self, key: u64, max: usize) -> Result<&'a [Value], ShapeError> {
        let value = self.need(key)?;
        let items = value.as_array().ok_or_else(|| self.kind(key, "an array", value))?;
        if items.len() > max {
            let expected = format!("at most {max} items");
            return Err(self.fault(key, ShapeProblem::Length { expected, found: items.len() }));
        }
        Ok(items)
    }

    /// An array of byte strings of `N` bytes each, at most `max` of them.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing or an item is another kind or length.
    pub fn arrays<const N: usize>(&self, key: u64, max: usize) -> Result<Vec<[u8; N]>, ShapeError> {
        self.items(key, max)?.iter().map(|item| self.fixed(key, item)).collect()
    }

    /// Refuses a version other than `expected` at a key.
    ///
    /// # Errors
    /// [`ShapeError`] where it is missing or another number.
    pub fn version(&self, key: u64, expected: u64) -> Result<(), ShapeError> {
        let found = self.uint(key)?;
        if found == expected {
            return Ok(());
        }
        Err(self.range(key, format!("format version {found} is not known; this reads {expected}")))
    }
}
