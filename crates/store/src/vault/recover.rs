//! Opening a vault: finds the ends of its files, cuts off a torn append, finishes erasures.
//!
//! First everything is read and compared with what the caller knows; only then, and never for a
//! reader, files are changed.

use super::frame::{BATCH_HEADER, KeyFrame, KeyKind, Slot, batch_length};
use super::{Known, Location, Recovery, Tail, Vault, VaultError, io_error};
use countermark_ledger::ids::hex;

/// What one batch of key frames is.
enum Batch {
    Whole(Vec<(Location, KeyFrame)>, u64),
    Torn,
}

impl Vault {
    pub(super) fn recover(
        &mut self,
        recovery: &mut Recovery,
        known: &Known,
    ) -> Result<(), VaultError> {
        let certain = known.certain;
        let last_keys = self.last_segment("keys-")?;
        let last_bodies = self.last_segment("bodies-")?;
        self.keys.segment = last_keys.unwrap_or(0);
        let mut frames = Vec::new();
        // A segment whose first batch was torn says nothing; then the one before has the end.
        loop {
            frames = self.recover_keys(recovery, frames, certain)?;
            let has_record = frames.iter().any(|(_, frame)| frame.kind == KeyKind::Record);
            if has_record || self.keys.segment == 0 {
                break;
            }
            if self.keys.length > 0 {
                self.end_from_earlier(&mut frames)?;
                break;
            }
            self.keys.segment -= 1;
        }
        self.check_newest(known, &frames)?;
        self.check_tables(&frames)?;
        self.recover_bodies(recovery, &frames, last_bodies)?;
        self.find_parts(recovery)?;
        if !known.read_only {
            self.cut_off(recovery)?;
        }
        self.finish_erasures(recovery, &frames)
    }

    /// The newest record that the ledger names must be held: it was durable here before.
    fn check_newest(
        &self,
        known: &Known,
        frames: &[(Location, KeyFrame)],
    ) -> Result<(), VaultError> {
        let Some(newest) = known.newest else { return Ok(()) };
        let is_newest = |frame: &KeyFrame| frame.kind == KeyKind::Record && frame.id == newest;
        let mut held = frames.iter().any(|(_, frame)| is_newest(frame));
        for segment in (0..self.keys.segment).rev() {
            if held {
                break;
            }
            self.visit_frames(segment, |_, frame| {
                held |= is_newest(frame);
                Ok::<(), VaultError>(())
            })?;
        }
        if held {
            return Ok(());
        }
        let (path, offset) = (self.keys_path(self.keys.segment), self.keys.length);
        Err(VaultError::Behind { path, offset, record: hex(&newest) })
    }

    /// Keys that wrap others were certain before those were: the tables must have them all.
    fn check_tables(&self, frames: &[(Location, KeyFrame)]) -> Result<(), VaultError> {
        let wrapped = |frame: &&KeyFrame| matches!(frame.kind, KeyKind::Record | KeyKind::Document);
        for frame in frames.iter().map(|(_, frame)| frame).filter(wrapped) {
            for (table, number, what) in [
                (&self.day_table, frame.day, "the table of day keys"),
                (&self.subject_table, frame.subject, "the table of subjects' keys"),
            ] {
                if number as usize > table.entries.len() {
                    let at = if table.entries.is_empty() { 0 } else { table.end() };
                    return Err(VaultError::damaged(&table.path, at, what));
                }
            }
        }
        Ok(())
    }

    /// Cuts off what was found to be torn; where nothing is to stay of bodies or a document's part,
    /// the file goes.
    fn cut_off(&self, recovery: &Recovery) -> Result<(), VaultError> {
        let bodies = self.bodies_path(self.bodies.segment);
        for (path, keep, _) in &recovery.cut {
            let failed = |e| io_error(path, e);
            let is_beyond = path.ends_with(".part")
                || path.strip_prefix(&self.folder).is_some_and(|name| name.starts_with("/bodies-"))
                    && *path != bodies;
            if is_beyond {
                self.disk.remove(path).map_err(failed)?;
            } else {
                self.disk.truncate(path, *keep).map_err(failed)?;
                self.disk.sync(path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The highest number of a family of files.
    fn last_segment(&self, prefix: &str) -> Result<Option<u32>, VaultError> {
        let names = self.disk.list(&self.folder).map_err(|e| io_error(&self.folder, e))?;
        let numbers = names.iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok());
        Ok(numbers.max())
    }

    /// Reads the last keys segment and finds a torn batch at its end.
    fn recover_keys(
        &mut self,
        recovery: &mut Recovery,
        mut later: Vec<(Location, KeyFrame)>,
        certain: Option<Location>,
    ) -> Result<Vec<(Location, KeyFrame)>, VaultError> {
        let segment = self.keys.segment;
        let path = self.keys_path(segment);
        let failed = |e| io_error(&path, e);
        let length = self.disk.len(&path).map_err(failed)?.unwrap_or(0);
        let bytes = match length {
            0 => Vec::new(),
            _ => self
                .disk
                .read(&path, 0, usize::try_from(length).unwrap_or(usize::MAX))
                .map_err(failed)?,
        };
        let mut frames = Vec::new();
        let mut at = 0;
        while at < length {
            match read_batch(segment, at, &bytes) {
                Batch::Whole(found, end) => {
                    frames.extend(found);
                    at = end;
                }
                Batch::Torn
                    if is_certain(certain, segment, at)
                        || followed_by_batch(segment, at, &bytes) =>
                {
                    return Err(VaultError::damaged(&path, at, "a batch of key frames"));
                }
                Batch::Torn => {
                    recovery.cut.push((path.clone(), at, length - at));
                    break;
                }
            }
        }
        // A file that ends before what was acknowledged has lost its end.
        if is_certain(certain, segment, at) {
            return Err(VaultError::damaged(&path, at, "the end of the keys"));
        }
        self.keys.length = at;
        frames.append(&mut later);
        Ok(frames)
    }

    /// Takes the frames of the segment before, where the last one holds tombstones only.
    fn end_from_earlier(&self, frames: &mut Vec<(Location, KeyFrame)>) -> Result<(), VaultError> {
        for segment in (0..self.keys.segment).rev() {
            let mut records = Vec::new();
            self.visit_frames(segment, |location, frame| {
                if frame.kind == KeyKind::Record {
                    records = vec![(location, frame.clone())];
                }
                Ok::<(), VaultError>(())
            })?;
            if !records.is_empty() {
                frames.extend(records);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Bodies end where the last key frame says; what lies behind was never relied on.
    fn recover_bodies(
        &mut self,
        recovery: &mut Recovery,
        frames: &[(Location, KeyFrame)],
        last: Option<u32>,
    ) -> Result<(), VaultError> {
        let records = frames.iter().map(|(_, frame)| frame);
        let records = records.filter(|frame| frame.kind == KeyKind::Record);
        let end = records.map(|frame| (frame.a, u64::from(frame.b) + u64::from(frame.c))).max();
        let (segment, length) = end.unwrap_or((0, 0));
        // A put begins one segment at most; more means that the keys are older than the bodies.
        if last.is_some_and(|last| last > segment + 1) {
            let path = self.keys_path(self.keys.segment);
            return Err(VaultError::damaged(&path, self.keys.length, "the end of the keys"));
        }
        for beyond in segment + 1..=last.unwrap_or(segment) {
            let path = self.bodies_path(beyond);
            if let Some(cut) = self.disk.len(&path).map_err(|e| io_error(&path, e))? {
                recovery.cut.push((path, 0, cut));
            }
        }
        let path = self.bodies_path(segment);
        let failed = |e| io_error(&path, e);
        let there = self.disk.len(&path).map_err(failed)?.unwrap_or(0);
        if there < length {
            return Err(VaultError::damaged(&path, there, "the end of the bodies"));
        }
        if there > length {
            recovery.cut.push((path, length, there - length));
        }
        self.bodies = Tail { segment, length };
        Ok(())
    }

    /// Applies tombstones of the last segment whose keys are not zero yet; a wrapped key that does
    /// not read and has no tombstone is damage.
    fn finish_erasures(
        &mut self,
        recovery: &mut Recovery,
        frames: &[(Location, KeyFrame)],
    ) -> Result<(), VaultError> {
        for (_, frame) in frames {
            let unfinished = match frame.kind {
                KeyKind::Record | KeyKind::Document => false,
                KeyKind::SubjectTombstone => !matches!(
                    self.subject_table.entry(frame.subject),
                    Some(super::table::Entry::Erased) | None
                ),
                KeyKind::DocumentTombstone => self.document_left(frame)?,
                KeyKind::RecordTombstone => self.record_left(frame)?,
            };
            if unfinished {
                recovery.erasures_finished += 1;
                if !self.read_only {
                    self.apply_tombstone(frame)?;
                }
            }
        }
        // A key that a reader sees half erased does not read, and that is no damage.
        if self.read_only && recovery.erasures_finished > 0 {
            return Ok(());
        }
        for (location, frame) in frames {
            let now = if frame.is_damaged() { self.key_frame(*location)? } else { continue };
            if let Some((class, _)) = now.slots.iter().find(|(_, slot)| *slot == Slot::Damaged) {
                let offset = now.slot_offset(*class).unwrap_or(0) as u64;
                return Err(VaultError::damaged(
                    &self.keys_path(location.segment),
                    u64::from(location.offset) + offset,
                    "a wrapped key",
                ));
            }
        }
        Ok(())
    }

    /// Whether a tombstone's record still has a key or a ciphertext that should be zeros.
    fn record_left(&self, tombstone: &KeyFrame) -> Result<bool, VaultError> {
        let at = Location { segment: tombstone.a, offset: tombstone.b };
        let frame = self.key_frame(at)?;
        let classes = super::keys::classes_of(tombstone.day);
        let erased = |number: u8| classes.iter().any(|class| class.number() == number);
        if frame.slots.iter().any(|(class, slot)| erased(*class) && *slot != Slot::Erased) {
            return Ok(true);
        }
        let path = self.bodies_path(frame.a);
        let bytes = self
            .disk
            .read(&path, u64::from(frame.b), frame.c as usize)
            .map_err(|e| io_error(&path, e))?;
        let (_, parts) = super::frame::decode_body(&bytes).ok_or_else(|| {
            VaultError::damaged(&path, u64::from(frame.b), "the directory of a record's bodies")
        })?;
        Ok(parts
            .iter()
            .filter(|part| classes.contains(&part.class))
            .any(|part| !super::frame::is_zero(&bytes[part.offset..part.offset + part.length])))
    }
}

/// Whether what was acknowledged lies at or behind a place.
fn is_certain(certain: Option<Location>, segment: u32, place: u64) -> bool {
    certain.is_some_and(|known| (known.segment, u64::from(known.offset)) >= (segment, place))
}

fn read_batch(segment: u32, at: u64, bytes: &[u8]) -> Batch {
    let from = usize::try_from(at).unwrap_or(usize::MAX);
    let Some(rest) = bytes.get(from..) else { return Batch::Torn };
    let Some(length) = batch_length(segment, at, rest) else { return Batch::Torn };
    let Some(mut rest) = rest.get(BATCH_HEADER..BATCH_HEADER + length) else { return Batch::Torn };
    let mut frames = Vec::new();
    let mut offset = at + BATCH_HEADER as u64;
    let end = offset + length as u64;
    let is_last = end == bytes.len() as u64;
    while !rest.is_empty() {
        let (Some((frame, taken)), Ok(place)) = (KeyFrame::decode(rest), u32::try_from(offset))
        else {
            return Batch::Torn;
        };
        // Only the last append can be torn; elsewhere a bad slot is an erasure cut short or damage.
        if is_last && frame.is_damaged() {
            return Batch::Torn;
        }
        frames.push((Location { segment, offset: place }, frame));
        rest = &rest[taken..];
        offset += taken as u64;
    }
    Batch::Whole(frames, end)
}

/// Whether a later append lies behind a batch that does not read: then it was certain once.
fn followed_by_batch(segment: u32, at: u64, bytes: &[u8]) -> bool {
    let from = usize::try_from(at).unwrap_or(usize::MAX);
    (from.saturating_add(1)..bytes.len().saturating_sub(BATCH_HEADER)).any(|place| {
        batch_length(segment, place as u64, &bytes[place..]).is_some_and(|length| {
            // The chain of batches must lead on to something, or four bytes could be chance.
            bytes.len() >= place + BATCH_HEADER + length
                && KeyFrame::decode(&bytes[place + BATCH_HEADER..]).is_some()
        })
    })
}
