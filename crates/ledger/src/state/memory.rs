//! A state map in memory.

use super::{PageId, StateError, StateHead, StateStore, StateView, StateWrites, check_follows};
use std::collections::BTreeMap;

/// A state map held in memory, for tests, verification by replay and small tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryState {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) pages: BTreeMap<PageId, Vec<u8>>,
    head: Option<StateHead>,
}

impl MemoryState {
    /// An empty map, before the first block.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, in key order.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.values.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl StateView for MemoryState {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.values.get(key).cloned())
    }

    fn page(&self, id: &PageId) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.pages.get(id).cloned())
    }

    fn head(&self) -> Result<Option<StateHead>, StateError> {
        Ok(self.head)
    }
}

impl StateStore for MemoryState {
    fn commit(&mut self, height: u64, writes: &StateWrites) -> Result<(), StateError> {
        check_follows(self.head, height)?;
        for (key, value) in &writes.values {
            match value {
                Some(value) => self.values.insert(key.clone(), value.clone()),
                None => self.values.remove(key),
            };
        }
        for (id, page) in &writes.pages {
            match page {
                Some(page) => self.pages.insert(*id, page.clone()),
                None => self.pages.remove(id),
            };
        }
        self.head = Some(StateHead { height, root: writes.root });
        Ok(())
    }
}
