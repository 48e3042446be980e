//! Pages: four levels of the tree, as the 16 subtrees below them.

use super::{EMPTY, StateError, StateView, leaf_hash, node_hash};
use crate::ids::{Hash, hex};

/// Slots of a page: subtrees four levels below its top.
pub(super) const SLOTS: usize = 16;

/// Where a page stands: the path's first `depth` half-bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    depth: u8,
    prefix: Hash,
}

impl PageId {
    /// The page at the top.
    pub const ROOT: PageId = PageId { depth: 0, prefix: [0; 32] };

    /// The page on a path below its first `depth` half-bytes; `depth` is at most 63.
    pub(super) fn on(path: &Hash, depth: usize) -> Self {
        let mut prefix = [0; 32];
        prefix[..depth / 2].copy_from_slice(&path[..depth / 2]);
        if depth % 2 == 1 {
            prefix[depth / 2] = path[depth / 2] & 0xf0;
        }
        PageId { depth: u8::try_from(depth).unwrap_or(u8::MAX), prefix }
    }

    /// How many half-bytes of the path lead to the page.
    #[must_use]
    pub fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// The id as a store's key: the depth, then the prefix's bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![self.depth];
        out.extend_from_slice(&self.prefix[..self.depth().div_ceil(2).min(32)]);
        out
    }

    fn holds(&self, path: &Hash) -> bool {
        PageId::on(path, self.depth()) == *self
    }
}

impl std::fmt::Display for PageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = hex(&self.prefix);
        write!(f, "page /{}", &digits[..self.depth().min(64)])
    }
}

/// The half-byte of a path at a depth.
pub(super) fn nibble(path: &Hash, depth: usize) -> usize {
    let byte = path[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
}

/// A subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Subtree {
    /// Holds nothing.
    #[default]
    Empty,
    /// Holds one leaf.
    Leaf(Leaf),
    /// Holds at least two leaves; its hash.
    Node(Hash),
}

/// A leaf: the key's path and the value's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) path: Hash,
    pub(super) value_hash: Hash,
}

impl Subtree {
    pub(super) fn hash(&self) -> Hash {
        match self {
            Subtree::Empty => EMPTY,
            Subtree::Leaf(leaf) => leaf_hash(&leaf.path, &leaf.value_hash),
            Subtree::Node(hash) => *hash,
        }
    }

    /// The subtree over two: one leaf stays that leaf.
    fn over(left: &Subtree, right: &Subtree) -> Subtree {
        match (left, right) {
            (Subtree::Empty, Subtree::Empty) => Subtree::Empty,
            (Subtree::Leaf(leaf), Subtree::Empty) | (Subtree::Empty, Subtree::Leaf(leaf)) => {
                Subtree::Leaf(*leaf)
            }
            _ => Subtree::Node(node_hash(&left.hash(), &right.hash())),
        }
    }
}

/// Four levels of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Page {
    pub(super) slots: [Subtree; SLOTS],
}

impl Page {
    /// All levels of the page, its slots first, the one subtree at its top last.
    pub(super) fn levels(&self) -> [Vec<Subtree>; 5] {
        let mut levels: [Vec<Subtree>; 5] = Default::default();
        levels[0] = self.slots.to_vec();
        for level in 1..5 {
            levels[level] =
                levels[level - 1].chunks(2).map(|pair| Subtree::over(&pair[0], &pair[1])).collect();
        }
        levels
    }

    /// The subtree at the page's top.
    pub(super) fn top(&self) -> Subtree {
        let mut level = self.slots;
        let mut width = SLOTS;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                level[i] = Subtree::over(&level[2 * i], &level[2 * i + 1]);
            }
        }
        level[0]
    }

    /// The stored form: two bits for each slot's kind, then paths and hashes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut kinds = 0u32;
        let mut rest = Vec::with_capacity(SLOTS * 32);
        for slot in &self.slots {
            kinds <<= 2;
            match slot {
                Subtree::Empty => {}
                Subtree::Leaf(leaf) => {
                    kinds |= 1;
                    rest.extend_from_slice(&leaf.path);
                    rest.extend_from_slice(&leaf.value_hash);
                }
                Subtree::Node(hash) => {
                    kinds |= 2;
                    rest.extend_from_slice(hash);
                }
            }
        }
        let mut out = kinds.to_be_bytes().to_vec();
        out.append(&mut rest);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kinds, mut rest) = bytes.split_first_chunk::<4>()?;
        let kinds = u32::from_be_bytes(*kinds);
        let mut page = Page::default();
        for (i, slot) in page.slots.iter_mut().enumerate() {
            *slot = match (kinds >> (30 - 2 * i)) & 3 {
                0 => Subtree::Empty,
                1 => {
                    let (path, after) = rest.split_first_chunk::<32>()?;
                    let (value_hash, after) = after.split_first_chunk::<32>()?;
                    rest = after;
                    Subtree::Leaf(Leaf { path: *path, value_hash: *value_hash })
                }
                2 => {
                    let (hash, after) = rest.split_first_chunk::<32>()?;
                    rest = after;
                    Subtree::Node(*hash)
                }
                _ => return None,
            };
        }
        rest.is_empty().then_some(page)
    }

    /// Loads a page and checks that it is the one that hashes to `expected`, with every leaf where
    /// its path says.
    pub(super) fn load(
        view: &impl StateView,
        id: &PageId,
        expected: &Hash,
    ) -> Result<Self, StateError> {
        let damaged = || StateError::Damaged(id.to_string());
        let bytes = view.page(id)?.ok_or_else(damaged)?;
        let page = Page::decode(&bytes).ok_or_else(damaged)?;
        let placed = page.slots.iter().enumerate().all(|(i, slot)| match slot {
            Subtree::Leaf(leaf) => id.holds(&leaf.path) && nibble(&leaf.path, id.depth()) == i,
            _ => true,
        });
        if placed && page.top().hash() == *expected { Ok(page) } else { Err(damaged()) }
    }
}
