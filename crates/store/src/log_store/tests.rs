use super::*;
use crate::disk::{FileDisk, FrozenDisk, read_all};
use countermark_tlog::merkle::{self, leaf_hash};
use countermark_tlog::note::Algorithm;
use countermark_tlog::{Signer, tile};
use proptest::prelude::*;

pub(super) const ORIGIN: &str = "ledger.example/log";

pub(super) fn signer() -> Signer {
    Signer::new(ORIGIN, Algorithm::Ed25519, &[5; 32]).unwrap()
}

/// A block that follows the log.
pub(super) fn block(log: &LogView, leaves: Vec<Vec<u8>>, objects: Vec<Vec<u8>>) -> BlockData {
    let (size, root) = log.after(&leaves);
    let text = Checkpoint { origin: ORIGIN.to_owned(), size, root }.to_text();
    let note = Note::new(&text, vec![signer().sign(&text).unwrap()]).unwrap();
    let height = log.height().map_or(0, |height| height + 1);
    BlockData { height, leaves, objects, checkpoint: note.encode().into_bytes() }
}

/// A small generator of test data, by seed (xorshift).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.below(256) as u8).collect()
    }

    pub(super) fn block(&mut self, log: &LogView) -> BlockData {
        let leaves = (0..=self.below(120)).map(|_| self.bytes(20)).collect();
        let mut objects: Vec<Vec<u8>> = (0..self.below(4)).map(|_| self.bytes(300)).collect();
        if self.below(3) == 0 {
            // The same object again, in this block and in others.
            objects.extend([b"again".to_vec(), b"again".to_vec()]);
        }
        block(log, leaves, objects)
    }
}

pub(super) fn open(disk: &FrozenDisk) -> LogStore {
    LogStore::open(Arc::new(disk.clone()), ORIGIN).unwrap().0
}

/// Whether a log is exactly these blocks.
pub(super) fn assert_is(log: &LogView, blocks: &[BlockData]) {
    let leaves: Vec<Vec<u8>> = blocks.iter().flat_map(|b| b.leaves.clone()).collect();
    let read: Vec<Vec<u8>> = log.leaves(0..u64::MAX).map(|leaf| leaf.unwrap().1).collect();
    assert_eq!(read, leaves);
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!((log.size(), log.root()), (leaves.len() as u64, merkle::root(&hashes)));
    assert_eq!(log.checkpoint(), blocks.last().map(|b| b.checkpoint.as_slice()));
    assert_eq!(log.height(), blocks.last().map(|b| b.height));
    let objects: BTreeSet<Vec<u8>> = blocks.iter().flat_map(|b| b.objects.clone()).collect();
    for object in objects {
        let hash = Sha256::digest(&object).into();
        assert_eq!(log.object(&hash).unwrap(), Some(object));
    }
}

pub(super) fn faults(disk: &dyn Disk) -> Vec<Fault> {
    let key = signer().verifier_key().clone();
    let expected = Expected { origin: ORIGIN, log_key: Some(&key), references: &|_| Vec::new() };
    fsck(disk, &expected, &mut |_| ()).unwrap()
}

/// A log with blocks, and the blocks.
fn filled(blocks: u64, journal_bytes: u64) -> (FrozenDisk, LogStore, Vec<BlockData>) {
    let disk = FrozenDisk::new();
    let options = Options { journal_bytes };
    let (mut log, _) = LogStore::open_with(Arc::new(disk.clone()), ORIGIN, options).unwrap();
    let (mut random, mut done) = (Random(blocks * 7 + 1), Vec::new());
    for _ in 0..blocks {
        let next = random.block(&log);
        log.commit(next.clone()).unwrap();
        done.push(next);
    }
    (disk, log, done)
}

#[test]
fn what_is_committed_is_read_back_from_memory_and_after_opening() {
    for journal_bytes in [1, 10_000, u64::MAX] {
        let (disk, log, blocks) = filled(15, journal_bytes);
        assert_is(&log, &blocks);
        assert!(log.size() > 512, "full tiles are part of this test");
        drop(log);
        for _ in 0..2 {
            assert_is(&open(&disk), &blocks);
            assert_eq!(faults(&disk), []);
        }
    }
}

#[test]
fn opening_reports_what_it_applied_again() {
    let disk = FrozenDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut log, recovered) = LogStore::open(Arc::clone(&shared), ORIGIN).unwrap();
    assert_eq!(recovered, Recovered { created: true, ..Recovered::default() });
    assert_eq!((log.size(), log.checkpoint(), log.height()), (0, None, None));
    assert_eq!(log.root(), merkle::root(&[]));
    for _ in 0..3 {
        let next = block(&log, vec![b"leaf".to_vec()], vec![]);
        log.commit(next).unwrap();
    }
    drop(log);
    disk.append(JOURNAL, b"cut off").unwrap();
    let (mut log, recovered) = LogStore::open(Arc::clone(&shared), ORIGIN).unwrap();
    assert_eq!(recovered, Recovered { created: false, blocks: 3, dropped_bytes: 7 });
    assert_eq!(log.journal_bytes(), 0);
    let next = block(&log, vec![b"leaf".to_vec()], vec![]);
    log.commit(next).unwrap();
    log.settle().unwrap();
    let (log, recovered) = LogStore::open(shared, ORIGIN).unwrap();
    assert_eq!(recovered, Recovered::default());
    assert_eq!(log.size(), 4);
}

#[test]
fn a_commit_costs_one_sync_and_settling_one_for_each_file() {
    let (disk, mut log, _) = filled(3, u64::MAX);
    let before = disk.syncs();
    let next = block(&log, vec![b"leaf".to_vec()], vec![vec![1; 1000], vec![2; 1000]]);
    log.commit(next).unwrap();
    assert_eq!(disk.syncs(), before + 1);
}

#[test]
fn the_journal_stays_short() {
    let (disk, mut log, _) = filled(3, 5_000);
    for i in 0..100u32 {
        let next = block(&log, vec![vec![0; 60]], vec![i.to_be_bytes().to_vec()]);
        log.commit(next).unwrap();
        assert!(log.journal_bytes() < 5_000);
    }
    let length = disk.len(JOURNAL).unwrap().unwrap();
    assert!(length < 5_000 + 256 * 64 + 1_000, "{length}");
}

#[test]
fn blocks_that_do_not_fit_change_nothing() {
    let (disk, mut log, blocks) = filled(3, u64::MAX);
    let files = disk.files();
    let good = block(&log, vec![b"a".to_vec(), b"b".to_vec()], vec![]);
    let other = block(&log, vec![b"other".to_vec(), b"b".to_vec()], vec![]);
    let mut bad: Vec<(BlockData, &str)> = vec![
        (BlockData { height: 7, ..good.clone() }, "height 3, this one 7"),
        (BlockData { leaves: vec![], ..good.clone() }, "1 to 4097 leaves, this one 0"),
        (BlockData { checkpoint: other.checkpoint, ..good.clone() }, "should state"),
        (BlockData { checkpoint: b"note".to_vec(), ..good.clone() }, "blank line"),
        (BlockData { leaves: vec![b"a".to_vec()], ..good.clone() }, "should state"),
        (BlockData { leaves: vec![vec![0; 65_536]], ..good.clone() }, "leaf 0 of the block"),
        (
            BlockData { objects: vec![vec![0; 1 << 20], vec![0; 1 + (1 << 20)]], ..good.clone() },
            "object 1",
        ),
        (BlockData { objects: vec![vec![]; 65_537], ..good.clone() }, "at most 65536 objects"),
        (BlockData { objects: vec![vec![0; 1 << 20]; 17], ..good.clone() }, "17825793 bytes"),
    ];
    let text = Checkpoint {
        origin: "other.example".to_owned(),
        ..Checkpoint::parse(Note::parse(&good.checkpoint).unwrap().text()).unwrap()
    }
    .to_text();
    let note = Note::new(&text, vec![signer().sign(&text).unwrap()]).unwrap();
    bad.push((
        BlockData { checkpoint: note.encode().into_bytes(), ..good.clone() },
        "other.example",
    ));
    for (block, words) in bad {
        let error = log.commit(block).unwrap_err();
        assert!(!error.is_fatal() && matches!(error, CommitError::Refused(_)));
        assert!(journal::chain(&error).contains(words), "{}", journal::chain(&error));
    }
    assert_eq!(disk.files(), files);
    assert_is(&log, &blocks);
    log.commit(good).unwrap();
}

#[test]
fn proofs_of_every_leaf_and_size_lead_to_the_root() {
    let (_, log, blocks) = filled(12, 20_000);
    let hashes: Vec<Hash> = blocks.iter().flat_map(|b| &b.leaves).map(|l| leaf_hash(l)).collect();
    let size = log.size();
    for index in (0..size).step_by(37).chain([255, 256, 511, size - 1]) {
        let path = log.inclusion_proof(index, size).unwrap();
        assert_eq!(path, merkle::inclusion_proof(&hashes, index as usize).unwrap());
        let earlier = index + 1;
        let root = merkle::root(&hashes[..earlier as usize]);
        assert_eq!(log.root_at(earlier).unwrap(), root);
        let path = log.inclusion_proof(index / 2, earlier).unwrap();
        merkle::verify_inclusion(&hashes[(index / 2) as usize], index / 2, earlier, &path, &root)
            .unwrap();
        let path = log.consistency_proof(earlier, size).unwrap();
        merkle::verify_consistency(earlier, size, &root, &log.root(), &path).unwrap();
        assert_eq!(
            log.leaf(index).unwrap(),
            blocks.iter().flat_map(|b| &b.leaves).nth(index as usize).unwrap().clone()
        );
    }
    assert_eq!(log.consistency_proof(0, size).unwrap(), [[0; 32]; 0]);
    assert!(matches!(log.leaf(size), Err(ReadError::Range(_))));
    assert!(matches!(log.inclusion_proof(size, size), Err(ReadError::Range(_))));
    assert!(matches!(log.inclusion_proof(0, size + 1), Err(ReadError::Range(_))));
    assert!(matches!(log.consistency_proof(2, 1), Err(ReadError::Range(_))));
    let all: Vec<(u64, Vec<u8>)> = log.leaves(0..size).map(Result::unwrap).collect();
    for range in [250..260, 0..1, 511..513, size - 3..size + 9, size..size + 1] {
        let part: Vec<(u64, Vec<u8>)> = log.leaves(range.clone()).map(Result::unwrap).collect();
        assert_eq!(part, all[range.start as usize..range.end.min(size) as usize]);
    }
}

#[test]
fn tiles_are_cut_for_every_size_that_the_log_has_had() {
    let (disk, log, blocks) = filled(12, 20_000);
    let leaves: Vec<&Vec<u8>> = blocks.iter().flat_map(|b| &b.leaves).collect();
    for size in [1, 100, 255, 256, 257, 512, log.size()] {
        let mut hashes = Vec::new();
        for tile in Tile::published(0, size) {
            let bytes = log.tile(&tile.to_string()).unwrap().unwrap();
            match tile.kind() {
                tile::Kind::Hashes(0) => {
                    hashes.extend_from_slice(tile::parse_hashes(&bytes, tile.width()).unwrap());
                }
                tile::Kind::Hashes(level) => {
                    let first = tile::parse_hashes(&bytes, tile.width()).unwrap()[0];
                    assert_eq!(first, merkle::root(&hashes[..1 << (8 * level)]));
                }
                tile::Kind::Entries => {
                    let entries = tile::parse_entry_bundle(&bytes, tile.width()).unwrap();
                    let start = (tile.index() * 256) as usize;
                    assert!(entries.iter().zip(&leaves[start..]).all(|(a, b)| a == b));
                }
            }
        }
        assert_eq!(merkle::root(&hashes), log.root_at(size).unwrap());
    }
    for path in ["tile/0/900", "tile/entries/900.p/1", "tile/5/000.p/1", "../journal", "tile/0/0"] {
        assert_eq!(log.tile(path).unwrap(), None, "{path}");
    }
    assert!(disk.files().keys().all(|path| !path.contains(".p/")));
}

#[test]
fn objects_are_listed_and_absent_ones_are_none() {
    let (_, log, blocks) = filled(8, 1_000);
    let expected: BTreeSet<Hash> =
        blocks.iter().flat_map(|b| &b.objects).map(|o| Sha256::digest(o).into()).collect();
    let found: Vec<Hash> = log.objects().map(Result::unwrap).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(log.object(&[0; 32]).unwrap(), None);
}

#[test]
fn a_view_stays_what_it_was_while_the_log_grows() {
    let (_, mut log, blocks) = filled(5, 1_000);
    let view = log.view();
    let mut random = Random(99);
    for _ in 0..10 {
        let next = random.block(&log);
        log.commit(next).unwrap();
    }
    assert_is(&view, &blocks);
    assert!(view.inclusion_proof(0, view.size()).is_ok());
}

#[test]
fn another_log_and_a_log_without_its_journal_are_refused() {
    let (disk, log, _) = filled(12, 1_000);
    drop(log);
    let error = LogStore::open(Arc::new(disk.clone()), "other.example").unwrap_err();
    assert!(matches!(error, LogError::Origin { .. }), "{error}");
    disk.remove(JOURNAL).unwrap();
    let error = LogStore::open(Arc::new(disk.clone()), ORIGIN).unwrap_err();
    assert!(matches!(error, LogError::NoJournal { .. }), "{error}");
    assert!(faults(&disk).iter().any(|fault| fault.place == JOURNAL));
}

#[test]
fn a_journal_that_lost_an_acknowledged_block_is_refused() {
    let (disk, log, _) = filled(6, u64::MAX);
    let size = log.size();
    drop(log);
    let length = disk.len(JOURNAL).unwrap().unwrap();
    for cut in [1, 40, 100] {
        let image = disk.crash_image(crate::disk::CrashMode::Kept);
        image.truncate(JOURNAL, length - cut).unwrap();
        let before = image.files();
        match LogStore::open(Arc::new(image.clone()), ORIGIN).unwrap_err() {
            LogError::Lost { acknowledged, found } => {
                assert!(acknowledged == size && found < size);
            }
            other => panic!("{other}"),
        }
        assert_eq!(image.files()[JOURNAL], before[JOURNAL], "nothing is dropped");
        assert!(faults(&image).iter().any(|fault| fault.what.contains("acknowledged")));
    }
}

#[test]
fn an_altered_byte_anywhere_is_found_with_its_place() {
    let (disk, log, _) = filled(15, 40_000);
    let (tiles, objects) = (log.size() / 256 * 2, log.objects().count() as u64);
    assert!(tiles >= 4 && objects > 4 && log.journal_bytes() > 1_000);
    drop(log);
    assert_eq!(faults(&disk), []);
    let mut random = Random(11);
    for (path, content) in disk.files() {
        if path == ACKNOWLEDGED {
            continue;
        }
        for _ in 0..12 {
            let Some(last) = (content.len() as u64).checked_sub(1) else { continue };
            let offset = random.below(last + 1);
            assert!(disk.alter(&path, offset, 0x10));
            let found = faults(&disk);
            assert!(found.iter().any(|f| f.place.starts_with(&path)), "{path} {offset}: {found:?}");
            if path.starts_with(TILES) || path.starts_with(OBJECTS) {
                assert!(found.iter().all(|f| f.place.starts_with(&path)), "{path}: {found:?}");
            }
            assert!(disk.alter(&path, offset, 0x10));
        }
        let removed = disk.crash_image(crate::disk::CrashMode::Kept);
        removed.remove(&path).unwrap();
        let found = faults(&removed);
        let in_journal = path == CHECKPOINT || path.starts_with(OBJECTS);
        assert!(in_journal || found.iter().any(|f| f.place == path), "{path}: {found:?}");
    }
    assert_eq!(faults(&disk), []);
}

#[test]
fn altered_files_are_not_served() {
    let (disk, log, blocks) = filled(15, 1);
    assert!(disk.alter("log/tile/entries/000", 2, 1) || disk.alter("log/tile/entries/000", 3, 1));
    assert!(matches!(log.leaf(0), Err(ReadError::Damaged { .. })));
    assert!(log.leaves(0..10).next().unwrap().is_err());
    assert!(disk.alter("log/tile/0/001", 5, 1));
    let error = log.inclusion_proof(256, log.size()).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { .. }));
    let object = blocks.iter().flat_map(|b| &b.objects).find(|o| !o.is_empty()).unwrap();
    let hash: Hash = Sha256::digest(object).into();
    assert!(disk.alter(&object_path(&hash), 0, 1));
    let error = log.object(&hash).unwrap_err();
    assert!(error.to_string().contains(&hex(&hash)), "{error}");
}

#[test]
fn a_log_with_three_levels_of_tiles_proves_reopens_and_is_checked() {
    let disk = FrozenDisk::new();
    let mut log = open(&disk);
    let mut hashes = Vec::new();
    for start in (0..70_000u32).step_by(4_000) {
        let leaves: Vec<Vec<u8>> =
            (start..(start + 4_000).min(70_000)).map(|i| i.to_be_bytes().to_vec()).collect();
        hashes.extend(leaves.iter().map(|leaf| leaf_hash(leaf)));
        let next = block(&log, leaves, vec![]);
        log.commit(next).unwrap();
    }
    log.settle().unwrap();
    drop(log);
    let log = open(&disk);
    let root = merkle::root(&hashes);
    assert_eq!((log.size(), log.root()), (70_000, root));
    for index in [0, 65_535, 65_536, 69_999] {
        let path = log.inclusion_proof(index, 70_000).unwrap();
        merkle::verify_inclusion(&hashes[index as usize], index, 70_000, &path, &root).unwrap();
        log.consistency_proof(index + 1, 70_000).unwrap();
    }
    drop(log);
    assert_eq!(faults(&disk), []);
    for (path, place) in [
        ("log/tile/1/000", "log/tile/1/000 hash 3"),
        ("log/tile/0/007", "log/tile/0/007 hash 3"),
        ("log/tile/0/270", "log/tile/0/270 hash 3"),
        ("log/tile/entries/270", "log/tile/entries/270 entry 17"),
    ] {
        assert!(disk.alter(path, 105, 1));
        let found = faults(&disk);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, place);
        assert!(found[0].to_string().starts_with(place));
        assert!(disk.alter(path, 105, 1));
    }
    // A bundle and its tile altered alike: the level above gives them away.
    assert!(disk.alter("log/tile/entries/007", 105, 1));
    let bundle = read_all(&disk, "log/tile/entries/007", 1 << 20).unwrap().unwrap();
    let entries = tile::parse_entry_bundle(&bundle, 256).unwrap();
    disk.write_at("log/tile/0/007", 17 * 32, &leaf_hash(entries[17])).unwrap();
    let found = faults(&disk);
    assert!(found.iter().any(|fault| fault.place == "log/tile/1/000 hash 7"), "{found:?}");
}

#[test]
fn fsck_finds_missing_objects_strange_files_and_a_wrong_signature() {
    let (disk, log, blocks) = filled(6, 1);
    let object: Hash = Sha256::digest(&blocks[1].objects[0]).into();
    let leaf = log.leaf(3).unwrap();
    drop(log);
    let key = signer().verifier_key().clone();
    let references = |bytes: &[u8]| if bytes == leaf { vec![object] } else { Vec::new() };
    let expected = Expected { origin: ORIGIN, log_key: Some(&key), references: &references };
    assert_eq!(fsck(&disk, &expected, &mut |_| ()).unwrap(), []);
    disk.remove(&object_path(&object)).unwrap();
    disk.append("log/tile/0/777", b"").unwrap();
    disk.append("log/objects/00/readme", b"").unwrap();
    let mut last = None;
    let found = fsck(&disk, &expected, &mut |progress| last = Some(progress)).unwrap();
    let places: BTreeSet<String> = found.iter().map(|fault| fault.place.clone()).collect();
    let strange = ["log/objects/00/readme".to_owned(), "log/tile/0/777".to_owned()];
    assert_eq!(places, strange.into_iter().chain([object_path(&object)]).collect());
    let last = last.unwrap();
    assert_eq!(last.done, last.total);

    let stranger = Signer::new(ORIGIN, Algorithm::Ed25519, &[6; 32]).unwrap();
    let other = Expected { log_key: Some(stranger.verifier_key()), ..expected };
    let found = fsck(&disk, &other, &mut |_| ()).unwrap();
    assert!(found.iter().any(|fault| fault.what == "the checkpoint's signature"));
}

/// A change of these hashes is a change of a format on disk: logs of earlier releases would no longer
/// open.
#[test]
fn the_formats_on_disk_are_frozen() {
    let disk = FrozenDisk::new();
    let mut log = open(&disk);
    let leaves = |count: u16| (0..count).map(|i| i.to_be_bytes().to_vec()).collect();
    for count in [300, 5] {
        let next = block(&log, leaves(count), vec![vec![count as u8; 10]]);
        log.commit(next).unwrap();
    }
    let with_blocks = disk.files();
    log.settle().unwrap();
    let settled = disk.files();
    let digest = |files: &std::collections::BTreeMap<String, Vec<u8>>, path: &str| {
        hex(&Sha256::digest(&files[path]))[..16].to_owned()
    };
    let found = [
        digest(&with_blocks, JOURNAL),
        digest(&settled, JOURNAL),
        digest(&settled, CHECKPOINT),
        digest(&settled, ACKNOWLEDGED),
        digest(&settled, "log/tile/0/000"),
        digest(&settled, "log/tile/entries/000"),
    ];
    let expected = [
        "e0ee0ebd2cac5aa2",
        "063585c12d275773",
        "324394b16e05cd8d",
        "9b9771f892bd3c45",
        "9e49076d18010281",
        "cd72ca1130b2394c",
    ];
    assert_eq!(found, expected);
    let objects: Vec<&String> = settled.keys().filter(|path| path.starts_with(OBJECTS)).collect();
    let expected = [
        "log/objects/01/0148c926a43b2cf1d18468350a81d6c7af939903f914ee8ce864c7daefe75ab5",
        "log/objects/90/907d5690c4f3adce6524bde66f9d683450a3d914cfd19e002423708760bdc0d7",
    ];
    assert_eq!(objects, expected);
}

#[test]
fn a_log_on_real_files_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut blocks = Vec::new();
    for round in 0..3 {
        let disk = Arc::new(FileDisk::open(folder.path()).unwrap());
        assert!(FileDisk::open(folder.path()).is_err());
        let options = Options { journal_bytes: 20_000 };
        let (mut log, _) = LogStore::open_with(disk, ORIGIN, options).unwrap();
        assert_is(&log, &blocks);
        let mut random = Random(round);
        for _ in 0..5 {
            let next = random.block(&log);
            log.commit(next.clone()).unwrap();
            blocks.push(next);
        }
        assert_is(&log, &blocks);
    }
    assert_eq!(faults(&FileDisk::open(folder.path()).unwrap()), []);
}

proptest! {
    #[test]
    fn the_edge_has_the_root_of_all_leaves(count in 0usize..1_500) {
        let mut edge = edge::Edge::default();
        let (mut full, mut hashes) = (Vec::new(), Vec::new());
        for i in 0..count {
            edge.append(&i.to_be_bytes(), &mut full).unwrap();
            hashes.push(leaf_hash(&i.to_be_bytes()));
        }
        prop_assert_eq!(edge.root(), merkle::root(&hashes));
        prop_assert_eq!(full.len(), count / 256 * 2);
    }

    #[test]
    fn payloads_read_back(
        height: u64, size: u64,
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        objects in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        checkpoint in prop::collection::vec(any::<u8>(), 0..20), cut in 1usize..40,
    ) {
        let block = BlockData { height, leaves, objects, checkpoint };
        let bytes = payload::encode_block(&block, size);
        let Some(payload::Payload::Block(read, before)) = payload::decode(&bytes) else {
            return Err(TestCaseError::fail("no block"));
        };
        prop_assert_eq!((read, before), (block, size));
        prop_assert!(payload::decode(&bytes[..bytes.len().saturating_sub(cut)]).is_none());
        prop_assert!(payload::decode(&[&bytes[..], &[0]].concat()).is_none());
    }

    #[test]
    fn any_bytes_are_refused_as_a_payload_without_failing_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(payload::Payload::Block(block, size)) = payload::decode(&bytes) {
            prop_assert_eq!(payload::encode_block(&block, size), bytes);
        }
    }
}
