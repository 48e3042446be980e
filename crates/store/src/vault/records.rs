//! Bodies of records: put, get, erase, scan.

use super::codec::Packer;
use super::frame::{
    BATCH_HEADER, BodyState, KeyFrame, KeyKind, Slot, batch_length, decode_body, encode_body,
};
use super::keys::class_bits;
use super::{BODY_BYTES_MAX, Location, Vault, VaultError, io_error};
use countermark_ledger::record::seal::{self, RecordId, WrapKey};
use countermark_ledger::record::{
    CLASS_COUNT, ClassKey, ClassSource, FieldClass, RecordKeys, empty_source,
};
use rayon::prelude::*;

/// A record to be stored.
pub struct NewRecord<'a> {
    /// Its random id, never used before.
    pub id: RecordId,
    /// Bodies as [`countermark_ledger::record::commit`] gave them.
    pub bodies: &'a [(FieldClass, Vec<u8>)],
    /// The keys it was committed with.
    pub keys: &'a RecordKeys,
    /// Whom its personal fields are about, as a pseudonymous id; none: the record stands for
    /// itself, and erasing its personal class is enough.
    pub subject: Option<&'a [u8]>,
}

impl NewRecord<'_> {
    /// The subject, if there is a body for it.
    fn subject_of_body(&self) -> Option<&[u8]> {
        let mut classes = self.bodies.iter().map(|(class, _)| *class);
        self.subject.filter(|_| classes.any(|class| class == FieldClass::Personal))
    }
}

/// Number and key of the subject of a record's personal fields, if it has one.
type Subject = Option<(u32, WrapKey)>;

/// Records packed and sealed, one behind the other.
#[derive(Default)]
struct Sealed {
    bytes: Vec<u8>,
    records: Vec<SealedRecord>,
}

struct SealedRecord {
    length: usize,
    slots: Vec<(u8, Slot)>,
}

/// Records that are sealed together, by one core.
const RECORDS_TOGETHER: usize = 64;

/// Packs and seals records on all cores; the order stays.
fn seal_all(
    day_key: &WrapKey,
    records: &[NewRecord<'_>],
    subjects: &[Subject],
) -> Result<Vec<Sealed>, VaultError> {
    if records.len() <= RECORDS_TOGETHER {
        return Ok(vec![seal_some(day_key, records, subjects)?]);
    }
    let parts = records.par_chunks(RECORDS_TOGETHER).zip(subjects.par_chunks(RECORDS_TOGETHER));
    parts.map(|(records, subjects)| seal_some(day_key, records, subjects)).collect()
}

fn seal_some(
    day_key: &WrapKey,
    records: &[NewRecord<'_>],
    subjects: &[Subject],
) -> Result<Sealed, VaultError> {
    let mut packer = Packer::new().map_err(|e| io_error("compression", e))?;
    let mut sealed = Sealed::default();
    for (record, subject) in records.iter().zip(subjects) {
        let from = sealed.bytes.len();
        let mut parts = Vec::with_capacity(record.bodies.len());
        let wrap = day_key.for_record(&record.id);
        let mut slots = Vec::with_capacity(record.bodies.len());
        for (class, body) in record.bodies {
            let key = record.keys.class(*class);
            let packed = packer.pack(body).map_err(|e| io_error("compression", e))?;
            parts.push((*class, seal::seal(key, &record.id, *class, &packed)?));
            let wrapped = match subject {
                Some((_, subject_key)) if *class == FieldClass::Personal => {
                    subject_key.for_record(&record.id).wrap(*class, key)?
                }
                _ => wrap.wrap(*class, key)?,
            };
            slots.push((class.number(), Slot::Wrapped(wrapped)));
        }
        encode_body(&record.id, &parts, &mut sealed.bytes);
        sealed.records.push(SealedRecord { length: sealed.bytes.len() - from, slots });
    }
    Ok(sealed)
}

/// One class of a stored record.
#[derive(Clone, PartialEq, Eq)]
pub enum ClassState {
    /// There is a body.
    Body {
        /// Its key.
        key: ClassKey,
        /// The body.
        body: Vec<u8>,
    },
    /// The record has nothing in this class.
    Empty,
    /// There was a body; it is erased.
    Erased,
}

impl std::fmt::Debug for ClassState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Private values do not belong in logs.
            ClassState::Body { body, .. } => write!(f, "Body({} bytes)", body.len()),
            ClassState::Empty => f.write_str("Empty"),
            ClassState::Erased => f.write_str("Erased"),
        }
    }
}

/// A record as the vault holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its id.
    pub id: RecordId,
    /// In class order.
    pub classes: [ClassState; CLASS_COUNT],
}

impl StoredRecord {
    /// What can still be disclosed, for [`countermark_ledger::record::disclose`].
    #[must_use]
    pub fn sources(&self) -> [ClassSource; CLASS_COUNT] {
        let identity = match &self.classes[FieldClass::Identity.index()] {
            ClassState::Body { key, .. } => Some(key),
            _ => None,
        };
        FieldClass::ALL.map(|class| match (&self.classes[class.index()], identity) {
            (ClassState::Body { key, body }, _) => {
                ClassSource::Body { key: key.clone(), body: body.clone() }
            }
            (ClassState::Empty, Some(identity)) => empty_source(identity, class),
            _ => ClassSource::Unavailable,
        })
    }

    /// The bodies that are there, for [`countermark_ledger::record::assemble`].
    #[must_use]
    pub fn bodies(&self) -> Vec<(FieldClass, &[u8])> {
        let classes = FieldClass::ALL.into_iter().zip(&self.classes);
        classes
            .filter_map(|(class, state)| match state {
                ClassState::Body { body, .. } => Some((class, body.as_slice())),
                _ => None,
            })
            .collect()
    }
}

impl Vault {
    /// Stores records and gives their places, in order; all of it is certain on success.
    ///
    /// `day` chooses the day (or lot) key that wraps their keys.
    ///
    /// # Errors
    /// [`VaultError`]; after one of the disk the vault must be opened again.
    pub fn put_batch(
        &mut self,
        day: u32,
        records: &[NewRecord<'_>],
    ) -> Result<Vec<Location>, VaultError> {
        self.writable()?;
        for (class, body) in records.iter().flat_map(|record| record.bodies) {
            if body.len() > BODY_BYTES_MAX {
                return Err(VaultError::TooLong { class: *class, length: body.len() });
            }
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.writing(|vault| vault.put(day, records))
    }

    fn put(&mut self, day: u32, records: &[NewRecord<'_>]) -> Result<Vec<Location>, VaultError> {
        let (day, day_key) = self.day_key_or_new(day)?;
        let mut subjects = Vec::with_capacity(records.len());
        for record in records {
            let of = |id| self.subject_or_new(id);
            subjects.push(record.subject_of_body().map(of).transpose()?);
        }
        let sealed = seal_all(&day_key, records, &subjects)?;
        if self.bodies.length >= self.segment_bytes {
            self.bodies.segment += 1;
            self.bodies.length = 0;
        }
        let (segment, start) = (self.bodies.segment, self.bodies.length);
        let path = self.bodies_path(segment);
        let full = || VaultError::Full { path: path.clone() };
        let mut bytes = Vec::with_capacity(sealed.iter().map(|part| part.bytes.len()).sum());
        let mut frames = Vec::with_capacity(records.len());
        let mut sources = records.iter().zip(&subjects);
        for part in sealed {
            let mut offset = start + bytes.len() as u64;
            for (SealedRecord { length, slots }, (record, subject)) in
                part.records.into_iter().zip(sources.by_ref())
            {
                frames.push(KeyFrame {
                    kind: KeyKind::Record,
                    id: record.id,
                    day,
                    a: segment,
                    b: u32::try_from(offset).map_err(|_| full())?,
                    c: u32::try_from(length).map_err(|_| full())?,
                    subject: subject.as_ref().map_or(0, |(number, _)| *number),
                    slots,
                });
                offset += length as u64;
            }
            bytes.extend_from_slice(&part.bytes);
        }
        let at = self.disk.append(&path, &bytes).map_err(|e| io_error(&path, e))?;
        if at != start {
            return Err(VaultError::damaged(&path, at, "another writer's frame"));
        }
        self.disk.sync(&path).map_err(|e| io_error(&path, e))?;
        self.bodies.length = start + bytes.len() as u64;
        self.append_keys(&frames)
    }

    /// The record at a place.
    ///
    /// # Errors
    /// [`VaultError::Misplaced`] where another record lies there; [`VaultError::Damaged`] with the
    /// place of an altered byte.
    pub fn get(&self, at: Location, id: &RecordId) -> Result<StoredRecord, VaultError> {
        self.get_classes(at, id, &FieldClass::ALL)
    }

    /// As [`Vault::get`], opening only some classes; the others read as erased.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn get_classes(
        &self,
        at: Location,
        id: &RecordId,
        wanted: &[FieldClass],
    ) -> Result<StoredRecord, VaultError> {
        let frame = self.record_frame(at, id)?;
        let path = self.bodies_path(frame.a);
        let bytes = self
            .disk
            .read(&path, u64::from(frame.b), frame.c as usize)
            .map_err(|e| io_error(&path, e))?;
        let damaged = |offset: usize, what: String| {
            VaultError::damaged(&path, u64::from(frame.b) + offset as u64, what)
        };
        let (body_id, parts) = decode_body(&bytes)
            .ok_or_else(|| damaged(0, "the directory of a record's bodies".to_owned()))?;
        if body_id != *id {
            return Err(damaged(0, "the id of a record's bodies".to_owned()));
        }
        let mut classes = [const { ClassState::Empty }; CLASS_COUNT];
        for part in parts {
            let state = &mut classes[part.class.index()];
            *state = ClassState::Erased;
            if !wanted.contains(&part.class) {
                continue;
            }
            let sealed = &bytes[part.offset..part.offset + part.length];
            let what = || format!("the {} body", part.class.name());
            match part.state(sealed) {
                BodyState::Erased => continue,
                BodyState::Damaged => return Err(damaged(part.offset, what())),
                BodyState::Whole => {}
            }
            if let Some(key) = self.class_key(at, &frame, part.class)? {
                let opened = seal::open(&key, id, part.class, sealed)
                    .map_err(|_| damaged(part.offset, what()))?;
                let body = self.unpacking(|unpacker| {
                    unpacker
                        .unpack(&opened, BODY_BYTES_MAX)
                        .map_err(|_| damaged(part.offset, what()))
                })?;
                *state = ClassState::Body { key, body };
            }
        }
        Ok(StoredRecord { id: *id, classes })
    }

    fn record_frame(&self, at: Location, id: &RecordId) -> Result<KeyFrame, VaultError> {
        let frame = self.key_frame(at)?;
        if frame.kind != KeyKind::Record || frame.id != *id {
            let path = self.keys_path(at.segment);
            return Err(VaultError::Misplaced { path, offset: u64::from(at.offset) });
        }
        Ok(frame)
    }

    /// The key of a class; none where it or its subject's key is destroyed.
    fn class_key(
        &self,
        at: Location,
        frame: &KeyFrame,
        class: FieldClass,
    ) -> Result<Option<ClassKey>, VaultError> {
        let number = class.number();
        let offset = u64::from(at.offset) + frame.slot_offset(number).unwrap_or(0) as u64;
        let what = format!("the wrapped {} key", class.name());
        let damaged = || VaultError::damaged(&self.keys_path(at.segment), offset, what.clone());
        let slot = frame.slots.iter().find(|(other, _)| *other == number);
        let wrapped = match slot {
            Some((_, Slot::Wrapped(wrapped))) => wrapped,
            Some((_, Slot::Erased)) => return Ok(None),
            Some((_, Slot::Damaged)) | None => return Err(damaged()),
        };
        let wrap = if class == FieldClass::Personal && frame.subject != 0 {
            match self.subject_key(frame.subject) {
                Err(VaultError::Erased) => return Ok(None),
                key => key?,
            }
        } else {
            self.day_key(frame.day)?
        };
        wrap.for_record(&frame.id).unwrap_key(class, wrapped).map(Some).map_err(|_| damaged())
    }

    /// Erases classes of a record for good: ciphertext and wrapped key become zeros.
    ///
    /// Erasing the identity class also destroys what shows that other classes are empty.
    /// Salts and values that were disclosed before live on with those who got them, and backups of
    /// the `keys` files until they expire.
    ///
    /// # Errors
    /// As [`Vault::get`]; after one of the disk the vault must be opened again, which finishes the
    /// erasure.
    pub fn erase(
        &mut self,
        at: Location,
        id: &RecordId,
        classes: &[FieldClass],
    ) -> Result<(), VaultError> {
        self.writable()?;
        self.record_frame(at, id)?;
        let tombstone = KeyFrame {
            kind: KeyKind::RecordTombstone,
            id: *id,
            day: class_bits(classes),
            a: at.segment,
            b: at.offset,
            c: 0,
            subject: 0,
            slots: Vec::new(),
        };
        self.writing(|vault| {
            vault.append_keys(std::slice::from_ref(&tombstone))?;
            vault.apply_tombstone(&tombstone)
        })
    }

    /// Destroys the key of a subject: every personal field about it, in all records, is erased.
    /// Says whether there was one.
    ///
    /// # Errors
    /// As [`Vault::erase`].
    pub fn erase_subject(&mut self, subject: &[u8]) -> Result<bool, VaultError> {
        self.writable()?;
        let name = self.subject_name(subject);
        let Some(number) = self.subject_table.find(&name) else { return Ok(false) };
        let tombstone = KeyFrame {
            kind: KeyKind::SubjectTombstone,
            id: name,
            day: 0,
            a: 0,
            b: 0,
            c: 0,
            subject: number,
            slots: Vec::new(),
        };
        self.writing(|vault| {
            vault.append_keys(std::slice::from_ref(&tombstone))?;
            vault.apply_tombstone(&tombstone)
        })?;
        Ok(true)
    }

    /// Writes zeros over ciphertexts and wrapped keys of a record, for certain.
    pub(super) fn overwrite_record(
        &mut self,
        at: Location,
        classes: &[FieldClass],
    ) -> Result<(), VaultError> {
        let frame = self.key_frame(at)?;
        let numbers: Vec<u8> = classes.iter().map(|class| class.number()).collect();
        self.zero_slots(at, &numbers)?;
        let keys = self.keys_path(at.segment);
        self.disk.sync(&keys).map_err(|e| io_error(&keys, e))?;
        let path = self.bodies_path(frame.a);
        let failed = |e| io_error(&path, e);
        let bytes = self.disk.read(&path, u64::from(frame.b), frame.c as usize).map_err(failed)?;
        let (_, parts) = decode_body(&bytes).ok_or_else(|| {
            VaultError::damaged(&path, u64::from(frame.b), "the directory of a record's bodies")
        })?;
        for part in parts.iter().filter(|part| classes.contains(&part.class)) {
            let offset = u64::from(frame.b) + part.offset as u64;
            self.disk.write_at(&path, offset, &vec![0; part.length]).map_err(failed)?;
        }
        self.disk.sync(&path).map_err(failed)
    }

    /// Visits every record, in the order they were put, to rebuild an index.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] where a segment does not read; whatever `visit` returns.
    pub fn scan<E: From<VaultError>>(
        &self,
        mut visit: impl FnMut(RecordId, Location) -> Result<(), E>,
    ) -> Result<(), E> {
        for segment in 0..=self.keys.segment {
            self.visit_frames(segment, |location, frame| {
                if frame.kind == KeyKind::Record { visit(frame.id, location) } else { Ok(()) }
            })?;
        }
        Ok(())
    }

    /// Where a record lies, by reading all key frames; for repairs, an index is faster.
    ///
    /// # Errors
    /// As [`Vault::scan`].
    pub fn find(&self, id: &RecordId) -> Result<Option<Location>, VaultError> {
        let mut found = None;
        self.scan(|other, location| {
            if other == *id {
                found = Some(location);
            }
            Ok::<(), VaultError>(())
        })?;
        Ok(found)
    }

    /// Visits the key frames of a segment.
    pub(super) fn visit_frames<E: From<VaultError>>(
        &self,
        segment: u32,
        mut visit: impl FnMut(Location, &KeyFrame) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.keys_path(segment);
        let failed = |e| io_error(&path, e);
        // Behind the end of the last segment may lie a torn append that only a reader has seen.
        let length = match segment == self.keys.segment {
            true => self.keys.length,
            false => self.disk.len(&path).map_err(failed)?.unwrap_or(0),
        };
        let mut at = 0;
        while at < length {
            let damaged = |at| VaultError::damaged(&path, at, "a batch of key frames");
            let header = self.disk.read(&path, at, BATCH_HEADER).map_err(failed)?;
            let frames = batch_length(segment, at, &header).ok_or_else(|| damaged(at))?;
            at += BATCH_HEADER as u64;
            let bytes = self.disk.read(&path, at, frames).map_err(failed)?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (frame, taken) = KeyFrame::decode(rest).ok_or_else(|| damaged(at))?;
                let offset = u32::try_from(at).map_err(|_| damaged(at))?;
                visit(Location { segment, offset }, &frame)?;
                rest = &rest[taken..];
                at += taken as u64;
            }
        }
        Ok(())
    }
}
