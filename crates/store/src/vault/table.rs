//! Small append-only tables of wrapped keys: day keys and subject keys.
//!
//! ```text
//! file    magic4 check16 sum4, then entries
//! entry   name16 wrapped60 sum4      all zero: erased
//! ```

use super::frame::{SUM_LEN, is_zero, sum};
use super::{VaultError, io_error};
use crate::disk::{self, Disk};
use countermark_ledger::record::seal::{WRAPPED_KEY_LEN, WrapKey};

const MAGIC: &[u8; 4] = b"CMV1";
const HEADER: usize = 24;
const NAME_LEN: usize = 16;
const ENTRY: usize = NAME_LEN + WRAPPED_KEY_LEN + SUM_LEN;
/// Longest table: about a million entries.
const TABLE_BYTES_MAX: u64 = 80 << 20;

/// One entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Key { name: [u8; NAME_LEN], wrapped: [u8; WRAPPED_KEY_LEN] },
    Erased,
    Damaged,
}

/// A table file, held in memory.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: String,
    pub(crate) entries: Vec<Entry>,
}

impl Table {
    /// Reads a table and checks that `key` is the one it was made with; gives also the bytes of an
    /// entry that was being appended when the machine stopped, which the caller cuts off.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: String,
        key: &WrapKey,
    ) -> Result<(Self, Option<u64>), VaultError> {
        let bytes = disk::read_all(disk, &path, TABLE_BYTES_MAX).map_err(|e| io_error(&path, e))?;
        let bytes = bytes.unwrap_or_default();
        // A header that is not whole was never relied on: nothing follows it.
        let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
            return Ok((Self { path, entries: Vec::new() }, None));
        };
        if header[20..] != sum(&[&header[..20]]) || header[..4] != *MAGIC {
            if rest.is_empty() {
                return Ok((Self { path, entries: Vec::new() }, None));
            }
            return Err(VaultError::damaged(&path, 0, "the header of the table"));
        }
        if header[4..20] != key.check_value() {
            return Err(VaultError::WrongKey { path });
        }
        let (whole, tail) = rest.as_chunks::<ENTRY>();
        let entries = whole.iter().map(read_entry).collect();
        let torn = (!tail.is_empty()).then_some(tail.len() as u64);
        Ok((Self { path, entries }, torn))
    }

    /// Adds an entry for certain and gives its number, from 1.
    pub(crate) fn add(
        &mut self,
        disk: &dyn Disk,
        key: &WrapKey,
        name: [u8; NAME_LEN],
        wrapped: [u8; WRAPPED_KEY_LEN],
    ) -> Result<u32, VaultError> {
        let failed = |e| io_error(&self.path, e);
        let expected = (HEADER + self.entries.len() * ENTRY) as u64;
        if self.entries.is_empty() {
            // What is there is a header at most, whole or not.
            let mut header = MAGIC.to_vec();
            header.extend_from_slice(&key.check_value());
            let check = sum(&[&header]);
            header.extend_from_slice(&check);
            if disk.len(&self.path).map_err(failed)?.is_none() {
                disk.create(&self.path, &header).map_err(failed)?;
            } else {
                disk.truncate(&self.path, 0).map_err(failed)?;
                disk.write_at(&self.path, 0, &header).map_err(failed)?;
            }
            // So that a header that is not whole always stands alone.
            disk.sync(&self.path).map_err(failed)?;
        }
        let mut entry = [0; ENTRY];
        entry[..NAME_LEN].copy_from_slice(&name);
        entry[NAME_LEN..ENTRY - SUM_LEN].copy_from_slice(&wrapped);
        let check = sum(&[&entry[..ENTRY - SUM_LEN]]);
        entry[ENTRY - SUM_LEN..].copy_from_slice(&check);
        let at = disk.append(&self.path, &entry).map_err(failed)?;
        if at != expected {
            return Err(VaultError::damaged(&self.path, at, "another writer's entry"));
        }
        disk.sync(&self.path).map_err(failed)?;
        self.entries.push(Entry::Key { name, wrapped });
        u32::try_from(self.entries.len()).map_err(|_| VaultError::Full { path: self.path.clone() })
    }

    /// Overwrites an entry with zeros, for certain.
    pub(crate) fn erase(&mut self, disk: &dyn Disk, number: u32) -> Result<(), VaultError> {
        let failed = |e| io_error(&self.path, e);
        let index = number.saturating_sub(1) as usize;
        let Some(entry) = self.entries.get_mut(index) else { return Ok(()) };
        let offset = (HEADER + index * ENTRY) as u64;
        disk.write_at(&self.path, offset, &[0; ENTRY]).map_err(failed)?;
        disk.sync(&self.path).map_err(failed)?;
        *entry = Entry::Erased;
        Ok(())
    }

    /// The entry of a number, from 1.
    pub(crate) fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number.checked_sub(1)? as usize)
    }

    /// Offset of an entry in the file.
    pub(crate) fn offset(&self, number: u32) -> u64 {
        (HEADER + number.saturating_sub(1) as usize * ENTRY) as u64
    }

    /// Where the entries end.
    pub(crate) fn end(&self) -> u64 {
        (HEADER + self.entries.len() * ENTRY) as u64
    }

    /// The number of the last live entry of a name.
    pub(crate) fn find(&self, wanted: &[u8; NAME_LEN]) -> Option<u32> {
        let at = self
            .entries
            .iter()
            .rposition(|entry| matches!(entry, Entry::Key { name, .. } if name == wanted))?;
        u32::try_from(at + 1).ok()
    }
}

fn read_entry(bytes: &[u8; ENTRY]) -> Entry {
    if is_zero(bytes) {
        return Entry::Erased;
    }
    let (content, check) = bytes.split_at(ENTRY - SUM_LEN);
    let (name, wrapped) = content.split_at(NAME_LEN);
    match (name.try_into(), wrapped.try_into()) {
        (Ok(name), Ok(wrapped)) if check == sum(&[content]) => Entry::Key { name, wrapped },
        _ => Entry::Damaged,
    }
}
