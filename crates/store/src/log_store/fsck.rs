//! Computing everything again from the entries, and saying what is wrong where.

use super::edge::{Edge, LEVELS};
use super::payload::Base;
use super::view::MAX_BUNDLE_BYTES;
use super::{JOURNAL, OBJECTS, TILES, hex, journal, object_path, parse_object_name, tile_path};
use crate::disk::{Disk, read_all};
use countermark_ledger::limits::OBJECT_BYTES_MAX;
use countermark_tlog::merkle::{Hash, leaf_hash};
use countermark_tlog::note::VerifierKey;
use countermark_tlog::tile::{self, Kind, Tile, WIDTH};
use countermark_tlog::{Checkpoint, Note};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

/// Faults that are listed before the search ends.
const MAX_FAULTS: usize = 1_000;

const RESTORE: &str = "restore this file from a backup or another member's copy";

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// File (relative to the data directory) and position in it.
    pub place: String,
    /// What was compared.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, what, expected, found, advice } = self;
        write!(f, "{place}: {what}: expected {expected}, found {found}; {advice}")
    }
}

/// What the log is compared with.
pub struct Expected<'a> {
    /// Name of the log.
    pub origin: &'a str,
    /// The key that signs its checkpoints, where it is known.
    pub log_key: Option<&'a VerifierKey>,
    /// The objects that a leaf names, so that a missing one is found.
    pub references: &'a dyn Fn(&[u8]) -> Vec<Hash>,
}

/// How far the check has come, in bundles and objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bundles and objects checked.
    pub done: u64,
    /// Bundles and objects in all, as far as known.
    pub total: u64,
}

/// Recomputes every hash, tile, root and object of a log and compares them with what is stored.
/// Changes nothing. An empty list means that all of it holds.
///
/// # Errors
/// Only where the disk cannot be read at all; what reads wrong is a [`Fault`].
pub fn fsck(
    disk: &dyn Disk,
    expected: &Expected<'_>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<Vec<Fault>> {
    let mut check = Check { disk, expected, faults: Vec::new(), named: BTreeMap::new() };
    let state = check.journal()?;
    let bundles = match &state {
        Some(state) => state.edge.size() / WIDTH,
        // Without a journal the files are compared with each other as far as they go.
        None => check.stored_bundles()?,
    };
    let edge = state.map_or_else(Edge::default, |state| state.edge);
    let objects = check.object_names()?;
    let total = bundles + objects.len() as u64;
    check.tiles(&edge, bundles, &mut |done| progress(Progress { done, total }))?;
    for entry in edge.entries() {
        check.name_objects(entry, "the journal");
    }
    check.unexpected_tiles(&edge, bundles)?;
    check.objects(&objects, &mut |done| progress(Progress { done: bundles + done, total }))?;
    check.faults.truncate(MAX_FAULTS);
    Ok(check.faults)
}

struct Check<'a> {
    disk: &'a dyn Disk,
    expected: &'a Expected<'a>,
    faults: Vec<Fault>,
    /// Objects that leaves name, and where.
    named: BTreeMap<Hash, String>,
}

impl Check<'_> {
    fn fault(&mut self, place: &str, what: &str, expected: &str, found: &str, advice: &str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                place: place.to_owned(),
                what: what.to_owned(),
                expected: expected.to_owned(),
                found: found.to_owned(),
                advice: advice.to_owned(),
            });
        }
    }

    /// The state after the journal, and faults of the journal itself and of the files beside it.
    fn journal(&mut self) -> io::Result<Option<Base>> {
        match self.read_journal() {
            Ok(state) => Ok(state),
            Err(journal::LogError::Io { source, .. }) => Err(source),
            Err(journal::LogError::Damaged { place, what }) => {
                self.fault(&place, "the journal", "intact frames", &what, RESTORE);
                Ok(None)
            }
            Err(error) => {
                let found = journal::chain(&error);
                self.fault(JOURNAL, "the journal", "the log's journal", &found, RESTORE);
                Ok(None)
            }
        }
    }

    fn read_journal(&mut self) -> Result<Option<Base>, journal::LogError> {
        let Some((mut state, mut reader)) = journal::read(self.disk, self.expected.origin)? else {
            self.fault(JOURNAL, "the journal", "a file", "nothing", "`init` makes a log");
            return Ok(None);
        };
        let mut checkpoints = BTreeSet::from([state.checkpoint.clone()]);
        let mut expected_objects = Vec::new();
        while let Some((place, block)) = reader.next_block(self.disk)? {
            let mut full = Vec::new();
            let fits = block.height == state.next_height && reader.size_before == state.edge.size();
            for leaf in &block.leaves {
                let appended = state.edge.append(leaf, &mut full);
                appended.map_err(|error| journal::LogError::Damaged {
                    place: place.clone(),
                    what: error.to_string(),
                })?;
            }
            state.next_height += 1;
            state.checkpoint = block.checkpoint;
            checkpoints.insert(state.checkpoint.clone());
            match journal::check_base(&state) {
                Ok(()) if fits => {}
                Ok(()) => {
                    let found =
                        format!("block {} after {} leaves", block.height, reader.size_before);
                    let expected = format!("block {}", state.next_height - 1);
                    self.fault(&place, "the order of blocks", &expected, &found, RESTORE);
                }
                Err(what) => {
                    self.fault(&place, "the checkpoint", "the block's root", &what, RESTORE)
                }
            }
            expected_objects
                .extend(block.objects.iter().map(|o| (Sha256::digest(o).into(), place.clone())));
        }
        self.named.extend(expected_objects);
        if reader.torn_bytes > 0 {
            let found = format!("{} bytes that are no whole block", reader.torn_bytes);
            let advice = "if no block is missing otherwise, opening the log drops them";
            self.fault(
                &format!("{JOURNAL} at byte {}", reader.offset),
                "the end of the journal",
                "nothing",
                &found,
                advice,
            );
        }
        self.beside(&state, &checkpoints).map_err(journal::LogError::io(super::CHECKPOINT))?;
        Ok(Some(state))
    }

    /// What is written beside the journal, and the signature on the newest checkpoint.
    fn beside(&mut self, state: &Base, checkpoints: &BTreeSet<Vec<u8>>) -> io::Result<()> {
        let size = state.edge.size();
        if let Some(acknowledged) = journal::acknowledged(self.disk)?.filter(|a| *a > size) {
            let (expected, found) = (format!("{acknowledged} leaves"), format!("{size} leaves"));
            self.fault(JOURNAL, "the blocks that were acknowledged", &expected, &found, RESTORE);
        }
        if let Some(note) =
            journal::checkpoint_file(self.disk)?.filter(|n| !checkpoints.contains(n))
        {
            let found = String::from_utf8_lossy(&note).into_owned();
            let expected = String::from_utf8_lossy(&state.checkpoint).into_owned();
            let advice = "opening the log and adding a block writes it again";
            self.fault(super::CHECKPOINT, "the checkpoint", &expected, &found, advice);
        }
        if let (Some(key), false) = (self.expected.log_key, state.checkpoint.is_empty()) {
            let signed = Note::parse(&state.checkpoint)
                .and_then(|note| note.verify(std::slice::from_ref(key)).map(|_| note))
                .map_err(|error| error.to_string())
                .and_then(|note| Checkpoint::parse(note.text()).map_err(|error| error.to_string()));
            if let Err(found) = signed {
                self.fault(JOURNAL, "the checkpoint's signature", &key.encode(), &found, RESTORE);
            }
        }
        Ok(())
    }

    /// Compares bundles with their tiles, and tiles with those above, up to the edge. Where two
    /// disagree, the hash one level up says which of them is wrong.
    fn tiles(
        &mut self,
        edge: &Edge,
        bundles: u64,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        // What each full tile of the level below comes to, as far as it is certain.
        let mut below: Vec<Option<Hash>> = Vec::new();
        for index in 0..bundles {
            let parent = self.parent(edge, 0, index)?;
            below.push(self.bundle_and_tile(index, parent)?);
            progress(index + 1);
        }
        for level in 1..LEVELS as u8 {
            let mut roots = Vec::new();
            for index in 0..below.len() as u64 / WIDTH {
                let children = &below[(index * WIDTH) as usize..((index + 1) * WIDTH) as usize];
                let parent = self.parent(edge, level, index)?;
                roots.push(self.upper_tile(level, index, children, parent)?);
            }
            let at_edge = &below[roots.len() * WIDTH as usize..];
            let first = roots.len() as u64 * WIDTH;
            self.edge_hashes(level, first, edge.hashes(usize::from(level)), at_edge);
            below = roots;
        }
        Ok(())
    }

    /// The hash that the next level has for a tile: from the edge, or from the tile there.
    fn parent(&self, edge: &Edge, level: u8, index: u64) -> io::Result<Option<Hash>> {
        let (above, at) = (level + 1, (index % WIDTH) as usize);
        if index / WIDTH == edge.size().checked_shr(8 * (u32::from(above) + 1)).unwrap_or(0) {
            return Ok(edge.hashes(usize::from(above)).get(at).copied());
        }
        let Ok(tile) = Tile::new(Kind::Hashes(above), index / WIDTH, WIDTH as u16) else {
            return Ok(None);
        };
        match self.disk.read(&tile_path(&tile), at as u64 * 32, 32) {
            Ok(bytes) => Ok(bytes.try_into().ok()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks one bundle and its tile; gives the root over them that can be relied on.
    fn bundle_and_tile(&mut self, index: u64, parent: Option<Hash>) -> io::Result<Option<Hash>> {
        let (Ok(bundle), Ok(hashes)) = (
            Tile::new(Kind::Entries, index, WIDTH as u16),
            Tile::new(Kind::Hashes(0), index, WIDTH as u16),
        ) else {
            return Ok(None);
        };
        let (bundle, hashes) = (tile_path(&bundle), tile_path(&hashes));
        let entries = self.entries(&bundle)?;
        let stored = self.stored_hashes(&hashes)?;
        for (at, entry) in entries.iter().flatten().enumerate() {
            self.name_objects(entry, &format!("{bundle} entry {at}"));
        }
        let computed: Option<Vec<Hash>> =
            entries.map(|entries| entries.iter().map(|entry| leaf_hash(entry)).collect());
        let (of_bundle, of_tile) = (
            computed.as_deref().map(tile::subtree_root),
            stored.as_deref().map(tile::subtree_root),
        );
        if let (Some(computed), Some(stored)) = (&computed, &stored) {
            for at in (0..WIDTH as usize).filter(|at| computed[*at] != stored[*at]) {
                let (c, s) = (hex(&computed[at]), hex(&stored[at]));
                if of_tile == parent || of_bundle != parent {
                    let place = format!("{bundle} entry {at}");
                    self.fault(&place, "the entry's hash", &s, &c, RESTORE);
                }
                if of_tile != parent {
                    let place = format!("{hashes} hash {at}");
                    self.fault(&place, "the hash of an entry", &c, &s, RESTORE);
                }
            }
        }
        // The entries come first: a tile can be made from them, but not they from a tile.
        let known = [of_bundle, of_tile].into_iter().flatten().find(|root| Some(*root) == parent);
        Ok(known.or(if of_bundle == of_tile { of_bundle } else { None }))
    }

    /// Checks a tile against the tiles below it; gives the root over it that can be relied on.
    fn upper_tile(
        &mut self,
        level: u8,
        index: u64,
        children: &[Option<Hash>],
        parent: Option<Hash>,
    ) -> io::Result<Option<Hash>> {
        let Ok(tile) = Tile::new(Kind::Hashes(level), index, WIDTH as u16) else { return Ok(None) };
        let path = tile_path(&tile);
        let stored = self.stored_hashes(&path)?;
        for (at, child) in children.iter().enumerate() {
            let found = stored.as_ref().map(|stored| stored[at]);
            if let (Some(expected), Some(found)) = (child, found)
                && *expected != found
            {
                let place = format!("{path} hash {at}");
                self.fault(
                    &place,
                    "the root of a tile below",
                    &hex(expected),
                    &hex(&found),
                    RESTORE,
                );
            }
        }
        let computed = children.iter().copied().collect::<Option<Vec<Hash>>>();
        let roots = [computed, stored].map(|hashes| hashes.as_deref().map(tile::subtree_root));
        let known = roots.into_iter().flatten().find(|root| Some(*root) == parent);
        Ok(known.or(roots[0]))
    }

    /// Compares the last full tiles of a level, from number `first` on, with the journal's edge.
    fn edge_hashes(&mut self, level: u8, first: u64, edge: &[Hash], below: &[Option<Hash>]) {
        for (at, (expected, found)) in edge.iter().zip(below).enumerate() {
            if let Some(found) = found.filter(|found| found != expected) {
                let place = format!("{TILES}/{} tile {}", level - 1, first + at as u64);
                let what = "the root of a tile, against the journal";
                self.fault(&place, what, &hex(expected), &hex(&found), RESTORE);
            }
        }
    }

    fn entries(&mut self, path: &str) -> io::Result<Option<Vec<Vec<u8>>>> {
        let Some(bytes) = self.file(path, MAX_BUNDLE_BYTES)? else { return Ok(None) };
        match tile::parse_entry_bundle(&bytes, WIDTH as u16) {
            Ok(entries) => Ok(Some(entries.into_iter().map(<[u8]>::to_vec).collect())),
            Err(error) => {
                self.fault(path, "the bundle", "256 entries", &error.to_string(), RESTORE);
                Ok(None)
            }
        }
    }

    fn stored_hashes(&mut self, path: &str) -> io::Result<Option<Vec<Hash>>> {
        let Some(bytes) = self.file(path, WIDTH * 32)? else { return Ok(None) };
        match tile::parse_hashes(&bytes, WIDTH as u16) {
            Ok(hashes) => Ok(Some(hashes.to_vec())),
            Err(error) => {
                self.fault(path, "the tile", "256 hashes", &error.to_string(), RESTORE);
                Ok(None)
            }
        }
    }

    /// A file that should be there.
    fn file(&mut self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        match read_all(self.disk, path, max) {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => {
                self.fault(path, "the file", "a file", "nothing", RESTORE);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let expected = format!("at most {max} bytes");
                self.fault(path, "the file's length", &expected, &error.to_string(), RESTORE);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn name_objects(&mut self, leaf: &[u8], place: &str) {
        for hash in (self.expected.references)(leaf) {
            self.named.entry(hash).or_insert_with(|| place.to_owned());
        }
    }

    /// How many bundles stand in a row from the first.
    fn stored_bundles(&self) -> io::Result<u64> {
        let mut count = 0;
        while let Ok(tile) = Tile::new(Kind::Entries, count, WIDTH as u16) {
            if self.disk.len(&tile_path(&tile))?.is_none() {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    /// Files among the tiles that a log of this size does not have.
    fn unexpected_tiles(&mut self, edge: &Edge, bundles: u64) -> io::Result<()> {
        let size = edge.size().max(bundles * WIDTH);
        let mut folders = vec![TILES.to_owned()];
        while let Some(folder) = folders.pop() {
            for name in self.disk.list(&folder)? {
                let path = format!("{folder}/{name}");
                if let Some(below) = path.strip_suffix('/') {
                    folders.push(below.to_owned());
                    continue;
                }
                let tile = path.strip_prefix("log/").and_then(|path| Tile::parse(path).ok());
                if !tile.is_some_and(|tile| tile.is_full() && tile.tree_size() <= size) {
                    let expected = format!("full tiles of {size} leaves");
                    self.fault(&path, "the file", &expected, "another file", "remove it");
                }
            }
        }
        Ok(())
    }

    fn object_names(&mut self) -> io::Result<Vec<Hash>> {
        let mut names = Vec::new();
        for folder in self.disk.list(OBJECTS)? {
            let path = format!("{OBJECTS}/{folder}");
            let first = folder.strip_suffix('/').and_then(|f| u8::from_str_radix(f, 16).ok());
            let (Some(first), Some(below)) = (first, path.strip_suffix('/')) else {
                self.fault(&path, "the name", "a folder of objects", &folder, "remove it");
                continue;
            };
            for name in self.disk.list(below)? {
                match parse_object_name(first, &name) {
                    Some(hash) => names.push(hash),
                    None => {
                        let place = format!("{below}/{name}");
                        self.fault(&place, "the name", "a hash of this folder", &name, "remove it");
                    }
                }
            }
        }
        Ok(names)
    }

    fn objects(&mut self, names: &[Hash], progress: &mut dyn FnMut(u64)) -> io::Result<()> {
        for (at, hash) in names.iter().enumerate() {
            let path = object_path(hash);
            if let Some(bytes) = self.file(&path, OBJECT_BYTES_MAX as u64)? {
                let found = Sha256::digest(&bytes);
                if found[..] != hash[..] {
                    self.fault(
                        &path,
                        "the SHA-256 of the object",
                        &hex(hash),
                        &hex(&found),
                        RESTORE,
                    );
                }
            }
            self.named.remove(hash);
            progress(at as u64 + 1);
        }
        for (hash, place) in std::mem::take(&mut self.named) {
            let expected = format!("the object that {place} names");
            self.fault(&object_path(&hash), "the file", &expected, "nothing", RESTORE);
        }
        Ok(())
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
}
