//! Day keys, subject keys, and appending key frames.

use super::frame::{KEY_FRAME_MAX, KeyFrame, KeyKind, encode_batch};
use super::table::Entry;
use super::{Location, Vault, VaultError, io_error};
use countermark_ledger::record::FieldClass;
use countermark_ledger::record::seal::WrapKey;
use zeroize::Zeroize;

impl Vault {
    /// A fresh random key.
    pub(super) fn random_key(&self) -> Result<WrapKey, VaultError> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|e| io_error("random bytes", e))?;
        let key = WrapKey::from_bytes(bytes);
        bytes.zeroize();
        Ok(key)
    }

    fn nonce(&self) -> Result<[u8; 12], VaultError> {
        let mut nonce = [0; 12];
        self.random.fill(&mut nonce).map_err(|e| io_error("random bytes", e))?;
        Ok(nonce)
    }

    /// The day key of a number in the table.
    pub(super) fn day_key(&self, number: u32) -> Result<WrapKey, VaultError> {
        let mut known = self.day_keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(key) = known.get(&number) {
            return Ok(key.clone());
        }
        let key = self.unwrap_entry(&self.day_table, number, b"day", "the key of a day")?;
        known.insert(number, key.clone());
        Ok(key)
    }

    /// Number and key of a day, made where the day has none.
    pub(super) fn day_key_or_new(&mut self, day: u32) -> Result<(u32, WrapKey), VaultError> {
        let name = day_name(day);
        if let Some(number) = self.day_table.find(&name) {
            return Ok((number, self.day_key(number)?));
        }
        let key = self.random_key()?;
        let wrapped = self.key.wrap(&key, self.nonce()?, &context(b"day", &name))?;
        let number = self.day_table.add(&*self.disk, &self.key, name, wrapped)?;
        let mut known = self.day_keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(number, key.clone());
        Ok((number, key))
    }

    /// How a subject is called in the table: only the vault key can tell which one it is.
    pub(super) fn subject_name(&self, subject: &[u8]) -> [u8; 16] {
        self.key.derive(&[b"subject\0", subject].concat()).check_value()
    }

    /// Number and key of a subject, made where it has none.
    pub(super) fn subject_or_new(&mut self, subject: &[u8]) -> Result<(u32, WrapKey), VaultError> {
        let name = self.subject_name(subject);
        if let Some(number) = self.subject_table.find(&name) {
            return Ok((number, self.subject_key(number)?));
        }
        let key = self.random_key()?;
        let wrapped = self.key.wrap(&key, self.nonce()?, &context(b"subject", &name))?;
        let number = self.subject_table.add(&*self.disk, &self.key, name, wrapped)?;
        Ok((number, key))
    }

    /// The key of a subject by number; [`VaultError::Erased`] where it is destroyed.
    pub(super) fn subject_key(&self, number: u32) -> Result<WrapKey, VaultError> {
        self.unwrap_entry(&self.subject_table, number, b"subject", "the key of a subject")
    }

    fn unwrap_entry(
        &self,
        table: &super::Table,
        number: u32,
        kind: &[u8],
        what: &str,
    ) -> Result<WrapKey, VaultError> {
        let damaged = || VaultError::damaged(&table.path, table.offset(number), what);
        match table.entry(number) {
            Some(Entry::Key { name, wrapped }) => {
                self.key.unwrap_key(wrapped, &context(kind, name)).map_err(|_| damaged())
            }
            Some(Entry::Erased) => Err(VaultError::Erased),
            Some(Entry::Damaged) | None => Err(damaged()),
        }
    }

    /// Appends key frames as one batch for certain and gives their places.
    pub(super) fn append_keys(&mut self, frames: &[KeyFrame]) -> Result<Vec<Location>, VaultError> {
        if self.keys.length >= self.segment_bytes {
            self.keys.segment += 1;
            self.keys.length = 0;
        }
        let (segment, start) = (self.keys.segment, self.keys.length);
        let path = self.keys_path(segment);
        let mut bytes = Vec::new();
        let mut places = Vec::with_capacity(frames.len());
        for frame in frames {
            let offset = start + (super::frame::BATCH_HEADER + bytes.len()) as u64;
            let offset =
                u32::try_from(offset).map_err(|_| VaultError::Full { path: path.clone() })?;
            places.push(Location { segment, offset });
            frame.encode(&mut bytes);
        }
        let batch = encode_batch(segment, start, &bytes);
        let at = self.disk.append(&path, &batch).map_err(|e| io_error(&path, e))?;
        if at != start {
            return Err(VaultError::damaged(&path, at, "another writer's batch"));
        }
        self.disk.sync(&path).map_err(|e| io_error(&path, e))?;
        self.keys.length = start + batch.len() as u64;
        Ok(places)
    }

    /// Reads the key frame at a place.
    pub(super) fn key_frame(&self, at: Location) -> Result<KeyFrame, VaultError> {
        let path = self.keys_path(at.segment);
        let failed = |e| io_error(&path, e);
        let length = self.disk.len(&path).map_err(failed)?.unwrap_or(0);
        let left = length.saturating_sub(u64::from(at.offset));
        let take = usize::try_from(left).unwrap_or(KEY_FRAME_MAX).min(KEY_FRAME_MAX);
        let misplaced =
            || VaultError::Misplaced { path: path.clone(), offset: u64::from(at.offset) };
        if take == 0 {
            return Err(misplaced());
        }
        let bytes = self.disk.read(&path, u64::from(at.offset), take).map_err(failed)?;
        let frame = KeyFrame::decode(&bytes).map(|(frame, _)| frame);
        frame.ok_or_else(|| VaultError::damaged(&path, u64::from(at.offset), "a key frame"))
    }

    /// Overwrites the wrapped keys of some classes with zeros; the caller syncs.
    pub(super) fn zero_slots(&self, at: Location, classes: &[u8]) -> Result<(), VaultError> {
        let frame = self.key_frame(at)?;
        let path = self.keys_path(at.segment);
        for class in classes {
            if let Some(offset) = frame.slot_offset(*class) {
                let offset = u64::from(at.offset) + offset as u64;
                let zeros = [0; super::frame::SLOT_LEN];
                self.disk.write_at(&path, offset, &zeros).map_err(|e| io_error(&path, e))?;
            }
        }
        Ok(())
    }

    /// Finishes what a tombstone says; doing it twice does no harm.
    pub(super) fn apply_tombstone(&mut self, tombstone: &KeyFrame) -> Result<(), VaultError> {
        let at = Location { segment: tombstone.a, offset: tombstone.b };
        match tombstone.kind {
            KeyKind::RecordTombstone => self.overwrite_record(at, &classes_of(tombstone.day)),
            KeyKind::DocumentTombstone => self.overwrite_document(at, &tombstone.id),
            KeyKind::SubjectTombstone => self.subject_table.erase(&*self.disk, tombstone.subject),
            KeyKind::Record | KeyKind::Document => Ok(()),
        }
    }
}

/// A day's name in the table.
fn day_name(day: u32) -> [u8; 16] {
    let mut name = [0; 16];
    name[..3].copy_from_slice(b"day");
    name[12..].copy_from_slice(&day.to_be_bytes());
    name
}

fn context(kind: &[u8], name: &[u8; 16]) -> Vec<u8> {
    [kind, name].concat()
}

/// Classes as bits, class 1 lowest.
pub(super) fn class_bits(classes: &[FieldClass]) -> u32 {
    classes.iter().fold(0, |bits, class| bits | 1 << class.index())
}

pub(super) fn classes_of(bits: u32) -> Vec<FieldClass> {
    FieldClass::ALL.into_iter().filter(|class| bits >> class.index() & 1 == 1).collect()
}
