//! Documents: compressed, padded and encrypted piece by piece, so that a large one needs little
//! memory. A file is a row of pieces, each u32 length ‖ ciphertext; a piece's number is its nonce,
//! and the associated data holds the document id and whether it is the last, so that none can be
//! moved, dropped or added.

use super::codec::Packer;
use super::frame::{KeyFrame, KeyKind, Slot, word};
use super::{Location, Vault, VaultError, io_error};
use countermark_ledger::cid::{Cid, CidBuilder, Profile};
use countermark_ledger::ids::{DocumentId, Hash, hex};
use countermark_ledger::record::seal::{
    RecordWrapKey, WrapKey, open_piece, pad, seal_piece, unpad,
};
use countermark_ledger::record::{ClassKey, FieldClass};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// Content of a piece, in bytes; the last may be shorter.
const PIECE: usize = 1 << 20;
/// Longest sealed piece.
const SEALED_MAX: usize = PIECE + PIECE / 4 + 64;
/// A document's key is wrapped like a class key, under a key that wraps nothing else.
const SLOT_CLASS: FieldClass = FieldClass::Provenance;

/// What storing a document tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDocument {
    /// Where its key lies.
    pub location: Location,
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of its content: a secret, unless the document is open.
    pub sha256: Hash,
    /// Its content identifier in the profile given: as secret.
    pub cid: Cid,
}

impl Vault {
    fn document_path(&self, id: &DocumentId) -> String {
        format!("{}/documents/{}", self.folder, hex(id))
    }

    fn document_wrap(&self, day: &WrapKey, id: &DocumentId) -> RecordWrapKey {
        day.derive(b"documents").for_record(id)
    }

    /// Stores a document under a random id that was never used before.
    ///
    /// # Errors
    /// [`VaultError`]; after one of the disk the vault must be opened again.
    pub fn put_document(
        &mut self,
        day: u32,
        id: &DocumentId,
        content: &mut dyn Read,
        profile: Profile,
    ) -> Result<StoredDocument, VaultError> {
        let result = self.writing(|vault| vault.write_document(day, id, content, profile));
        if let Err(VaultError::Source(_)) = result {
            // Not the disk's fault: what was written so far goes, the vault stays usable.
            let part = format!("{}.part", self.document_path(id));
            if self.disk.len(&part).map_err(|e| io_error(&part, e))?.is_some() {
                self.disk.remove(&part).map_err(|e| io_error(&part, e))?;
            }
            self.failed = false;
        }
        result
    }

    fn write_document(
        &mut self,
        day: u32,
        id: &DocumentId,
        content: &mut dyn Read,
        profile: Profile,
    ) -> Result<StoredDocument, VaultError> {
        let (day, day_key) = self.day_key_or_new(day)?;
        let key = self.random_key()?;
        let path = self.document_path(id);
        let part = format!("{path}.part");
        let mut packer = Packer::new().map_err(|e| io_error("compression", e))?;
        let (mut sha, mut cid) = (Sha256::new(), CidBuilder::new(profile));
        let mut length = 0;
        let mut piece = read_piece(content)?;
        for number in 0.. {
            sha.update(&piece);
            cid.update(&piece);
            length += piece.len() as u64;
            let next = if piece.len() == PIECE { read_piece(content)? } else { Vec::new() };
            let last = next.is_empty();
            let packed = packer.pack(&piece).map_err(|e| io_error("compression", e))?;
            let sealed = seal_piece(&key, number, &context(id, last), &pad(&packed)?)?;
            let mut bytes = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
            bytes.extend_from_slice(&sealed);
            self.disk.append(&part, &bytes).map_err(|e| io_error(&part, e))?;
            if last {
                break;
            }
            piece = next;
        }
        self.disk.sync(&part).map_err(|e| io_error(&part, e))?;
        self.disk.rename(&part, &path).map_err(|e| io_error(&path, e))?;
        let class_key = ClassKey::from_bytes(*key.as_bytes());
        let wrapped = self.document_wrap(&day_key, id).wrap(SLOT_CLASS, &class_key)?;
        let frame = KeyFrame {
            kind: KeyKind::Document,
            id: *id,
            day,
            a: 0,
            b: 0,
            c: 0,
            subject: 0,
            slots: vec![(SLOT_CLASS.number(), Slot::Wrapped(wrapped))],
        };
        let places = self.append_keys(&[frame])?;
        let location = places.first().copied().ok_or(VaultError::Failed)?;
        Ok(StoredDocument { location, length, sha256: sha.finalize().into(), cid: cid.finish() })
    }

    fn document_frame(&self, at: Location, id: &DocumentId) -> Result<KeyFrame, VaultError> {
        let frame = self.key_frame(at)?;
        if frame.kind != KeyKind::Document || frame.id != *id {
            let path = self.keys_path(at.segment);
            return Err(VaultError::Misplaced { path, offset: u64::from(at.offset) });
        }
        Ok(frame)
    }

    /// Writes a document's content to `out` and gives its length.
    ///
    /// What came out before an error must not be used.
    ///
    /// # Errors
    /// [`VaultError::Erased`]; [`VaultError::Damaged`] with the place of an altered byte.
    pub fn get_document(
        &self,
        at: Location,
        id: &DocumentId,
        out: &mut dyn Write,
    ) -> Result<u64, VaultError> {
        let frame = self.document_frame(at, id)?;
        let path = self.document_path(id);
        let keys = self.keys_path(at.segment);
        let key_damaged = || VaultError::damaged(&keys, u64::from(at.offset), "a document's key");
        let wrapped = match frame.slots.as_slice() {
            [(_, Slot::Wrapped(wrapped))] => wrapped,
            [(_, Slot::Erased)] => return Err(VaultError::Erased),
            _ => return Err(key_damaged()),
        };
        let wrap = self.document_wrap(&self.day_key(frame.day)?, id);
        let key = wrap.unwrap_key(SLOT_CLASS, wrapped).map_err(|_| key_damaged())?;
        let key = WrapKey::from_bytes(*key.as_bytes());
        let failed = |e| io_error(&path, e);
        let length = self.disk.len(&path).map_err(failed)?.unwrap_or(0);
        let (mut place, mut written) = (0, 0);
        for number in 0.. {
            let damaged = || VaultError::damaged(&path, place, "a piece of a document");
            if place + 4 > length {
                return Err(damaged());
            }
            let header = self.disk.read(&path, place, 4).map_err(failed)?;
            let sealed_length = word(&header, 0).ok_or_else(damaged)? as usize;
            let end = place + 4 + sealed_length as u64;
            if sealed_length > SEALED_MAX || end > length {
                return Err(damaged());
            }
            let sealed = self.disk.read(&path, place + 4, sealed_length).map_err(failed)?;
            let last = end == length;
            let padded =
                open_piece(&key, number, &context(id, last), &sealed).map_err(|_| damaged())?;
            let packed = unpad(padded).map_err(|_| damaged())?;
            let piece =
                self.unpacking(|unpacker| unpacker.unpack(&packed, PIECE).map_err(|_| damaged()))?;
            out.write_all(&piece).map_err(|e| io_error("the output", e))?;
            written += piece.len() as u64;
            place = end;
            if last {
                break;
            }
        }
        Ok(written)
    }

    /// Erases a document for good: its key becomes zeros, its file goes.
    ///
    /// # Errors
    /// As [`Vault::erase`].
    pub fn erase_document(&mut self, at: Location, id: &DocumentId) -> Result<(), VaultError> {
        self.writable()?;
        self.document_frame(at, id)?;
        let tombstone = KeyFrame {
            kind: KeyKind::DocumentTombstone,
            id: *id,
            day: 0,
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

    pub(super) fn overwrite_document(
        &mut self,
        at: Location,
        id: &DocumentId,
    ) -> Result<(), VaultError> {
        self.zero_slots(at, &[SLOT_CLASS.number()])?;
        let keys = self.keys_path(at.segment);
        self.disk.sync(&keys).map_err(|e| io_error(&keys, e))?;
        let path = self.document_path(id);
        if self.disk.len(&path).map_err(|e| io_error(&path, e))?.is_some() {
            self.disk.remove(&path).map_err(|e| io_error(&path, e))?;
        }
        Ok(())
    }

    /// Whether a tombstone's document still has a key or a file.
    pub(super) fn document_left(&self, tombstone: &KeyFrame) -> Result<bool, VaultError> {
        let at = Location { segment: tombstone.a, offset: tombstone.b };
        let frame = self.key_frame(at)?;
        let path = self.document_path(&tombstone.id);
        Ok(frame.slots.iter().any(|(_, slot)| *slot != Slot::Erased)
            || self.disk.len(&path).map_err(|e| io_error(&path, e))?.is_some())
    }

    /// Finds documents whose writing was cut short, to be removed.
    pub(super) fn find_parts(&self, recovery: &mut super::Recovery) -> Result<(), VaultError> {
        let folder = format!("{}/documents", self.folder);
        let names = self.disk.list(&folder).map_err(|e| io_error(&folder, e))?;
        for name in names.iter().filter(|name| name.ends_with(".part")) {
            let path = format!("{folder}/{name}");
            let length = self.disk.len(&path).map_err(|e| io_error(&path, e))?.unwrap_or(0);
            recovery.cut.push((path, 0, length));
        }
        Ok(())
    }
}

fn context(id: &DocumentId, last: bool) -> [u8; 17] {
    let mut context = [0; 17];
    context[..16].copy_from_slice(id);
    context[16] = u8::from(last);
    context
}

fn read_piece(content: &mut dyn Read) -> Result<Vec<u8>, VaultError> {
    let mut piece = Vec::new();
    let mut limited = content.take(PIECE as u64);
    limited.read_to_end(&mut piece).map_err(VaultError::Source)?;
    Ok(piece)
}
