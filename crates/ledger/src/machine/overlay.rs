//! The state as it stands within a block: what is stored, and what the block changed so far.

use crate::state::entries::Entry;
use crate::state::{PageId, StateError, StateHead, StateView, StateWrites, update};
use std::collections::BTreeMap;

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changes of a block over a stored state. A statement's changes are held apart until it is
/// accepted, so that a refused one leaves no trace.
pub(super) struct Overlay<'a, V> {
    base: &'a V,
    block: Changes,
    statement: Changes,
}

impl<'a, V: StateView> Overlay<'a, V> {
    pub(super) fn new(base: &'a V) -> Self {
        Overlay { base, block: Changes::new(), statement: Changes::new() }
    }

    pub(super) fn put(&mut self, key: Vec<u8>, entry: &impl Entry) {
        self.put_bytes(key, entry.encode());
    }

    pub(super) fn put_bytes(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.statement.insert(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.statement.insert(key, None);
    }

    pub(super) fn get<E: Entry>(&self, key: &[u8]) -> Result<Option<E>, StateError> {
        E::load(self, key)
    }

    pub(super) fn has(&self, key: &[u8]) -> Result<bool, StateError> {
        Ok(self.value(key)?.is_some())
    }

    /// Keeps the changes of the statement at hand.
    pub(super) fn keep(&mut self) {
        self.block.append(&mut self.statement);
    }

    /// Drops them.
    pub(super) fn drop_statement(&mut self) {
        self.statement.clear();
    }

    /// What the block changes, with the new root.
    pub(super) fn finish(mut self) -> Result<StateWrites, StateError> {
        self.keep();
        update(self.base, self.block)
    }
}

impl<V: StateView> StateView for Overlay<'_, V> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.statement.get(key).or_else(|| self.block.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.base.value(key),
        }
    }

    fn page(&self, id: &PageId) -> Result<Option<Vec<u8>>, StateError> {
        self.base.page(id)
    }

    fn head(&self) -> Result<Option<StateHead>, StateError> {
        self.base.head()
    }
}
