//! Batch updates of the tree.

use super::page::{Leaf, Page, PageId, Subtree, nibble};
use super::{EMPTY, StateError, StateView, StateWrites};
use crate::ids::{Hash, hex};
use crate::limits::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use countermark_tlog::lanes::Messages;
use std::collections::BTreeMap;

/// Works out what a set of changes does to a state map: new values, new pages, new root. Nothing is
/// written. `None` removes a key; removing one that is not there changes nothing.
///
/// # Errors
/// [`StateError`] where a page is missing or damaged, or an entry is too long.
pub fn update(
    view: &impl StateView,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<StateWrites, StateError> {
    let root = view.root()?;
    let mut messages = Messages::new();
    for (key, value) in &changes {
        let length = value.as_ref().map_or(0, Vec::len);
        if key.len() > STATE_KEY_BYTES_MAX || length > STATE_VALUE_BYTES_MAX {
            return Err(StateError::TooLong(hex(key)));
        }
        for bytes in [Some(key), value.as_ref()].into_iter().flatten() {
            messages.begin();
            messages.push(bytes);
            messages.end();
        }
    }
    let mut digests = Vec::new();
    messages.digests(&mut digests);
    let mut digests = digests.into_iter();
    let mut sorted = Vec::with_capacity(changes.len());
    for value in changes.values() {
        let path = digests.next().unwrap_or_default();
        let value_hash = value.is_some().then(|| digests.next().unwrap_or_default());
        sorted.push(Change { path, value_hash });
    }
    sorted.sort_unstable_by_key(|change| change.path);

    let mut updater = Updater { view, pages: BTreeMap::new() };
    let mut page =
        if root == EMPTY { Page::default() } else { Page::load(view, &PageId::ROOT, &root)? };
    let changed = updater.slots(&mut page, 0, &sorted)?;
    // The top page is kept even where it holds a single leaf: no slot above could hold that leaf.
    let top = page.top();
    if changed {
        let stored = (top != Subtree::Empty).then(|| page.encode());
        updater.pages.insert(PageId::ROOT, stored);
    }
    Ok(StateWrites { root: top.hash(), values: changes, pages: updater.pages })
}

/// A leaf to be put, or removed where there is no value.
struct Change {
    path: Hash,
    value_hash: Option<Hash>,
}

struct Updater<'a, V> {
    view: &'a V,
    pages: BTreeMap<PageId, Option<Vec<u8>>>,
}

impl<V: StateView> Updater<'_, V> {
    /// Makes the changes below a page; `changes` are sorted by path. Gives whether the page changed.
    fn slots(
        &mut self,
        page: &mut Page,
        depth: usize,
        changes: &[Change],
    ) -> Result<bool, StateError> {
        let mut subtrees = Vec::new();
        for group in changes.chunk_by(|a, b| nibble(&a.path, depth) == nibble(&b.path, depth)) {
            let Some(first) = group.first() else { continue };
            let slot = nibble(&first.path, depth);
            subtrees.push((slot, self.subtree(page.slot(slot), depth + 1, group)?));
        }
        Ok(page.set(&subtrees))
    }

    /// A subtree `depth` half-bytes down with changes made.
    fn subtree(
        &mut self,
        before: Subtree,
        depth: usize,
        changes: &[Change],
    ) -> Result<Subtree, StateError> {
        let kept = match before {
            Subtree::Node(hash) => return self.stored(&hash, depth, changes),
            Subtree::Leaf(leaf) => Some(leaf),
            Subtree::Empty => None,
        };
        let mut leaves: Vec<Leaf> = changes
            .iter()
            .filter_map(|c| c.value_hash.map(|value_hash| Leaf { path: c.path, value_hash }))
            .collect();
        if let Some(leaf) = kept
            && let Err(at) = changes.binary_search_by_key(&leaf.path, |change| change.path)
        {
            let put_before = changes[..at].iter().filter(|c| c.value_hash.is_some()).count();
            leaves.insert(put_before, leaf);
        }
        Ok(self.build(&leaves, depth))
    }

    /// A new subtree of leaves that are sorted by path.
    fn build(&mut self, leaves: &[Leaf], depth: usize) -> Subtree {
        let first = match leaves {
            [] => return Subtree::Empty,
            [one] => return Subtree::Leaf(*one),
            [first, ..] => first.path,
        };
        let mut subtrees = Vec::new();
        for group in leaves.chunk_by(|a, b| nibble(&a.path, depth) == nibble(&b.path, depth)) {
            if let Some(leaf) = group.first() {
                subtrees.push((nibble(&leaf.path, depth), self.build(group, depth + 1)));
            }
        }
        let mut page = Page::default();
        page.set(&subtrees);
        self.pages.insert(PageId::on(&first, depth), Some(page.encode()));
        page.top()
    }

    /// A stored page with changes made; where it comes to hold one leaf or none, it goes.
    fn stored(
        &mut self,
        hash: &Hash,
        depth: usize,
        changes: &[Change],
    ) -> Result<Subtree, StateError> {
        let Some(first) = changes.first() else { return Ok(Subtree::Node(*hash)) };
        let id = PageId::on(&first.path, depth);
        let mut page = Page::load(self.view, &id, hash)?;
        let changed = self.slots(&mut page, depth, changes)?;
        let top = page.top();
        if changed {
            let stored = matches!(top, Subtree::Node(_)).then(|| page.encode());
            self.pages.insert(id, stored);
        }
        Ok(top)
    }
}
