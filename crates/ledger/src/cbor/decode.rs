//! Reading deterministic CBOR strictly.

use super::Value;
use crate::limits::{CBOR_BYTES_MAX, CBOR_DEPTH_MAX};

/// Why bytes are not the deterministic encoding of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CBOR byte {offset}: {kind}")]
pub struct CborError {
    /// Offset of the item at fault, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub kind: CborErrorKind,
}

/// What is wrong with a CBOR encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborErrorKind {
    /// The input is longer than [`CBOR_BYTES_MAX`].
    #[error("longer than {CBOR_BYTES_MAX} bytes")]
    TooLong,
    /// The bytes stop inside an item, or a length says more than is left.
    #[error("the bytes end inside an item; are they cut off?")]
    Truncated,
    /// Bytes follow the one item.
    #[error("bytes follow the end of the item")]
    Trailing,
    /// An integer or length is not in its shortest form.
    #[error("a number is not written in its shortest form (RFC 8949 §4.2.1)")]
    NotShortest,
    /// An indefinite-length item.
    #[error("indefinite lengths are not deterministic (RFC 8949 §4.2.1)")]
    Indefinite,
    /// A reserved additional-information value.
    #[error("a reserved initial byte")]
    Reserved,
    /// A float, or a simple value other than false, true and null.
    #[error("floats and simple values other than false, true and null are not taken")]
    Simple,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Encoding,
    /// Map keys are not in bytewise order.
    #[error("map keys are not in bytewise order of their encodings (RFC 8949 §4.2.1)")]
    KeyOrder,
    /// A map holds a key twice.
    #[error("a map key stands twice")]
    DuplicateKey,
    /// Nested deeper than [`CBOR_DEPTH_MAX`].
    #[error("nested deeper than {CBOR_DEPTH_MAX} levels")]
    Depth,
}

/// Reads exactly one item in its deterministic encoding.
///
/// # Errors
/// [`CborError`] with the offset; nothing is allocated from a length that the input cannot hold.
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    read(bytes, true)
}

/// As [`decode`], but map keys may stand in any order: COSE messages of other implementations need
/// not be deterministic (RFC 9052 §9). Never for what is hashed or signed here.
///
/// # Errors
/// As [`decode`].
pub fn decode_any_order(bytes: &[u8]) -> Result<Value, CborError> {
    read(bytes, false)
}

fn read(bytes: &[u8], ordered: bool) -> Result<Value, CborError> {
    if bytes.len() > CBOR_BYTES_MAX {
        return Err(CborError { offset: 0, kind: CborErrorKind::TooLong });
    }
    let mut reader = Reader { bytes, at: 0, ordered };
    let value = reader.item(0)?;
    if reader.at < bytes.len() {
        return Err(CborError { offset: reader.at, kind: CborErrorKind::Trailing });
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    ordered: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, start: usize) -> Result<&'a [u8], CborError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return Err(CborError { offset: start, kind: CborErrorKind::Truncated });
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The argument of an initial byte, refused where a shorter form exists.
    fn argument(&mut self, info: u8, start: usize) -> Result<u64, CborError> {
        let fault = |kind| CborError { offset: start, kind };
        let width = match info {
            0..=23 => return Ok(u64::from(info)),
            24..=27 => 1usize << (info - 24),
            31 => return Err(fault(CborErrorKind::Indefinite)),
            _ => return Err(fault(CborErrorKind::Reserved)),
        };
        let n = self.take(width, start)?.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
        let least = match width {
            1 => 24,
            2 => 0x100,
            4 => 0x1_0000,
            _ => 0x1_0000_0000,
        };
        if n < least { Err(fault(CborErrorKind::NotShortest)) } else { Ok(n) }
    }

    /// A count of things that each take at least `least` bytes of what is left.
    fn count(&self, n: u64, least: usize, start: usize) -> Result<usize, CborError> {
        let left = self.bytes.len() - self.at;
        usize::try_from(n)
            .ok()
            .filter(|n| n.checked_mul(least).is_some_and(|need| need <= left))
            .ok_or(CborError { offset: start, kind: CborErrorKind::Truncated })
    }

    fn item(&mut self, depth: usize) -> Result<Value, CborError> {
        let start = self.at;
        let fault = |kind| CborError { offset: start, kind };
        if depth > CBOR_DEPTH_MAX {
            return Err(fault(CborErrorKind::Depth));
        }
        let first = self.take(1, start)?[0];
        let (major, info) = (first >> 5, first & 31);
        if major == 7 {
            return match info {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                28..=30 => Err(fault(CborErrorKind::Reserved)),
                31 => Err(fault(CborErrorKind::Indefinite)),
                _ => Err(fault(CborErrorKind::Simple)),
            };
        }
        let n = self.argument(info, start)?;
        Ok(match major {
            0 => Value::Unsigned(n),
            1 => Value::Negative(n),
            2 => {
                let count = self.count(n, 1, start)?;
                Value::Bytes(self.take(count, start)?.to_vec())
            }
            3 => {
                let count = self.count(n, 1, start)?;
                let text = std::str::from_utf8(self.take(count, start)?)
                    .map_err(|_| fault(CborErrorKind::Encoding))?;
                Value::Text(text.to_owned())
            }
            4 => {
                let count = self.count(n, 1, start)?;
                // The vector grows as items are read; a count alone reserves little.
                let mut items = Vec::with_capacity(count.min(64));
                for _ in 0..count {
                    items.push(self.item(depth + 1)?);
                }
                Value::Array(items)
            }
            5 => self.map(n, start, depth)?,
            _ => Value::Tag(n, Box::new(self.item(depth + 1)?)),
        })
    }

    fn map(&mut self, n: u64, start: usize, depth: usize) -> Result<Value, CborError> {
        let count = self.count(n, 2, start)?;
        let mut entries = Vec::with_capacity(count.min(64));
        let mut keys: Vec<&'a [u8]> = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let key_at = self.at;
            let key = self.item(depth + 1)?;
            let written = &self.bytes[key_at..self.at];
            if self.ordered
                && let Some(before) = keys.last()
            {
                let kind = match (*before).cmp(written) {
                    std::cmp::Ordering::Less => None,
                    std::cmp::Ordering::Equal => Some(CborErrorKind::DuplicateKey),
                    std::cmp::Ordering::Greater => Some(CborErrorKind::KeyOrder),
                };
                if let Some(kind) = kind {
                    return Err(CborError { offset: key_at, kind });
                }
            }
            keys.push(written);
            let value = self.item(depth + 1)?;
            entries.push((key, value));
        }
        if !self.ordered {
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(CborError { offset: start, kind: CborErrorKind::DuplicateKey });
            }
        }
        Ok(Value::Map(entries))
    }
}
