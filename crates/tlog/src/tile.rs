//! C2SP tlog-tiles: names of tiles, what is in them, and how to cut them.

use crate::merkle::Hash;
use crate::proof::HashReader;
use std::fmt;

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u64 = 256;

/// Tree levels that one tile spans.
pub const HEIGHT: u8 = 8;

/// Longest entry that a bundle can hold, in bytes: its length is written in 16 bits.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Highest tile level of a tree with fewer than 2^64 leaves.
const MAX_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Hashes of the tree at level 8 × this.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The name of one tile or entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u16,
}

/// A tile that does not exist, or bytes that are no such tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not a path of the specification.
    #[error(
        "{path:?} is not tile/<level>/<index>[.p/<width>] nor tile/entries/<index>[.p/<width>]"
    )]
    Path {
        /// What was given, shortened.
        path: String,
    },
    /// Level, index or width beyond what a tree of less than 2^64 leaves has.
    #[error("no tree has a tile of this level, index and width")]
    Range,
    /// An entry longer than its length field can say.
    #[error("entry {index} has {bytes} bytes; a bundle holds entries of at most {MAX_ENTRY_BYTES}")]
    EntryLength {
        /// Position in the bundle, from 0.
        index: usize,
        /// Length of the entry.
        bytes: usize,
    },
    /// A tile of hashes whose length is not 32 × width.
    #[error("the tile should have {expected} bytes and has {found}")]
    HashBytes {
        /// 32 × width.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A bundle with fewer or more bytes than its entries need.
    #[error(
        "the bundle should hold {width} entries; entry {index} ends outside it or leaves a rest"
    )]
    Bundle {
        /// Entries expected.
        width: u16,
        /// Position of the entry at which the bytes no longer fit.
        index: usize,
    },
}

impl Tile {
    /// A tile by its coordinates; `width` from 1 to 256, 256 for a full one.
    ///
    /// # Errors
    /// [`TileError::Range`] where no tree of fewer than 2^64 leaves has such a tile.
    pub fn new(kind: Kind, index: u64, width: u16) -> Result<Self, TileError> {
        let level = if let Kind::Hashes(level) = kind { level } else { 0 };
        if level > MAX_LEVEL || width == 0 || u64::from(width) > WIDTH || index > u64::MAX / WIDTH {
            return Err(TileError::Range);
        }
        let end = u128::from(index) * u128::from(WIDTH) + u128::from(width);
        if end << (HEIGHT * level) > u128::from(u64::MAX) {
            return Err(TileError::Range);
        }
        Ok(Self { kind, index, width })
    }

    /// What the tile holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Position in its level, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in it, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it can grow no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// The full tile of which this is a beginning.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: WIDTH as u16, ..*self }
    }

    /// Leaves that a tree needs to have this tile, or a wider one in its place; 2^64 - 1 for what no
    /// tree is large enough to have.
    #[must_use]
    pub fn tree_size(&self) -> u64 {
        let level = if let Kind::Hashes(level) = self.kind { level } else { 0 };
        let nodes = u128::from(self.index) * u128::from(WIDTH) + u128::from(self.width);
        u64::try_from(nodes << (HEIGHT * level)).unwrap_or(u64::MAX)
    }

    /// Reads a path such as `tile/0/x001/067` or `tile/entries/000.p/5`.
    ///
    /// # Errors
    /// [`TileError::Path`] for another form, [`TileError::Range`] for a tile that cannot be.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        Self::parse_parts(path)
            .ok_or_else(|| TileError::Path { path: path.chars().take(80).collect() })?
    }

    fn parse_parts(path: &str) -> Option<Result<Self, TileError>> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(small_decimal(level, 63)? as u8),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, small_decimal(width, 255).filter(|w| *w > 0)?),
            None => (rest, WIDTH as u16),
        };
        let elements: Vec<&str> = index.split('/').collect();
        // 2^56 tiles need at most 6 groups of digits.
        let (last, leading) = elements.split_last().filter(|(_, leading)| leading.len() < 6)?;
        let mut number = three_digits(last)?;
        let mut unit = 1000u64;
        for element in leading.iter().rev() {
            number += three_digits(element.strip_prefix('x')?)? * unit;
            unit *= 1000;
        }
        let tile = Self::new(kind, number, width);
        // Superfluous leading groups (x000/) would be a second name of the same tile.
        match tile {
            Ok(tile) if tile.to_string() != path => None,
            other => Some(other),
        }
    }

    /// The tiles and bundles, full and partial, that a tree of `size` leaves has at its right edge
    /// beyond those full ones that a tree of `old` leaves has: what must be published to grow from
    /// `old` to `size`.
    pub fn published(old: u64, size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=MAX_LEVEL).map(Kind::Hashes).chain([Kind::Entries]);
        levels.flat_map(move |kind| {
            let level = if let Kind::Hashes(level) = kind { level } else { 0 };
            let (before, count) = (old >> (HEIGHT * level), size >> (HEIGHT * level));
            (before / WIDTH..count.div_ceil(WIDTH)).filter_map(move |index| {
                let width = (count - index * WIDTH).min(WIDTH) as u16;
                (count > before).then_some(Self { kind, index, width })
            })
        })
    }
}

impl fmt::Display for Tile {
    /// The path, without a leading slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => write!(f, "tile/entries/")?,
        }
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        write!(f, "{}", groups.join("/"))?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

fn small_decimal(text: &str, max: u16) -> Option<u16> {
    if text.len() > 3 {
        return None;
    }
    crate::checkpoint::decimal(text).and_then(|n| u16::try_from(n).ok()).filter(|n| *n <= max)
}

fn three_digits(text: &str) -> Option<u64> {
    let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The bytes of a tile of hashes, from the hashes of the tree.
///
/// # Errors
/// Those of the reader.
pub fn cut<R: HashReader>(
    reader: &R,
    level: u8,
    index: u64,
    width: u16,
) -> Result<Vec<u8>, R::Error> {
    let mut bytes = Vec::with_capacity(usize::from(width) * 32);
    for at in 0..u64::from(width) {
        bytes.extend_from_slice(&reader.hash(level * HEIGHT, index * WIDTH + at)?);
    }
    Ok(bytes)
}

/// The hashes in a tile of the given width.
///
/// # Errors
/// [`TileError::HashBytes`] for another length.
pub fn parse_hashes(bytes: &[u8], width: u16) -> Result<&[Hash], TileError> {
    let expected = usize::from(width) * 32;
    if bytes.len() != expected {
        return Err(TileError::HashBytes { expected, found: bytes.len() });
    }
    Ok(bytes.as_chunks::<32>().0)
}

/// Where the root of a complete subtree (as [`HashReader::hash`] names it) is found: the tile level
/// and index, and the range of its hashes that lead to it; see [`subtree_root`].
#[must_use]
pub fn locate(level: u8, index: u64) -> (u8, u64, std::ops::Range<usize>) {
    let (tile_level, above) = (level / HEIGHT, level % HEIGHT);
    let first = index << above;
    let start = (first % WIDTH) as usize;
    (tile_level, first / WIDTH, start..start + (1 << above))
}

/// The root of the complete subtree over these hashes, whose number is a power of two.
#[must_use]
pub fn subtree_root(hashes: &[Hash]) -> Hash {
    crate::merkle::root(hashes)
}

/// The bytes of an entry bundle: each entry after its length in 16 bits, big-endian.
///
/// # Errors
/// [`TileError::EntryLength`] for an entry longer than 65,535 bytes.
pub fn entry_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let length = u16::try_from(entry.len())
            .map_err(|_| TileError::EntryLength { index, bytes: entry.len() })?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle that must hold exactly `width` of them.
///
/// # Errors
/// [`TileError::Bundle`] where the bytes hold fewer or more.
pub fn parse_entry_bundle(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bundle;
    for index in 0..usize::from(width) {
        let split = rest.split_first_chunk::<2>().and_then(|(length, after)| {
            after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let (entry, after) = split.ok_or(TileError::Bundle { width, index })?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TileError::Bundle { width, index: usize::from(width) })
    }
}

#[cfg(test)]
mod tests;
