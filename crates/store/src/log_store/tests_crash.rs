//! The power fails at every moment, and the disk fails in every way.

use super::tests::{ORIGIN, Random, assert_is, block, faults, open};
use super::*;
use crate::disk::{CrashMode, FileDisk, FrozenDisk, LyingDisk, Operation, When};
use proptest::prelude::*;
use std::io::ErrorKind;

const BLOCKS: usize = 8;

/// Opens a log and commits blocks until the disk stops: the blocks that were acknowledged, and the
/// one that was under way.
fn run(disk: &FrozenDisk, seed: u64, journal_bytes: u64) -> (Vec<BlockData>, Option<BlockData>) {
    let mut done = Vec::new();
    let options = Options { journal_bytes };
    let Ok((mut log, _)) = LogStore::open_with(Arc::new(disk.clone()), ORIGIN, options) else {
        return (done, None);
    };
    let mut random = Random(seed);
    while done.len() < BLOCKS {
        let next = random.block(&log);
        match log.commit(next.clone()) {
            Ok(()) => done.push(next),
            Err(error) => {
                assert!(error.is_fatal(), "{error}");
                assert!(matches!(log.commit(next.clone()), Err(CommitError::Stopped)));
                assert!(matches!(log.settle(), Err(CommitError::Stopped)));
                return (done, Some(next));
            }
        }
    }
    (done, None)
}

/// Opens what a crash left and checks that it is the acknowledged blocks, or one more that was fully
/// written; then goes on with it.
fn check(image: &FrozenDisk, done: &[BlockData], under_way: Option<&BlockData>) {
    let (mut log, _) = LogStore::open(Arc::new(image.clone()), ORIGIN).unwrap();
    let mut blocks = done.to_vec();
    if log.height().map_or(0, |height| height + 1) > done.len() as u64 {
        blocks.extend(under_way.cloned());
    }
    assert_is(&log, &blocks);
    assert_eq!(faults(image), []);
    let next = block(&log, vec![b"next".to_vec(); 300], vec![b"next".to_vec()]);
    log.commit(next.clone()).unwrap();
    blocks.push(next);
    drop(log);
    assert_is(&open(image), &blocks);
    assert_eq!(faults(image), []);
}

fn modes(seed: u64) -> impl Iterator<Item = CrashMode> {
    let torn = (0..2).flat_map(move |i| {
        let seed = seed.wrapping_add(i);
        [CrashMode::Torn { seed }, CrashMode::Zeroed { seed }]
    });
    torn.chain([CrashMode::Dropped, CrashMode::Kept])
}

/// Crashes at every sync of an opening.
fn crash_while_opening(
    disk: &FrozenDisk,
    seed: u64,
    done: &[BlockData],
    under_way: Option<&BlockData>,
) {
    for m in 0.. {
        let second = disk.process_image();
        second.freeze_at_sync(m);
        match LogStore::open(Arc::new(second.clone()), ORIGIN) {
            Err(_) => {
                for mode in modes(seed ^ m) {
                    check(&second.crash_image(mode), done, under_way);
                }
            }
            Ok((log, _)) => {
                // What an open log shows is certain, also a block that nobody was told of.
                let more = under_way.filter(|_| log.height() == Some(done.len() as u64));
                let shown: Vec<BlockData> = done.iter().chain(more).cloned().collect();
                for mode in modes(seed ^ m) {
                    check(&second.crash_image(mode), &shown, None);
                }
                break;
            }
        }
    }
}

/// Crashes at every sync of a run, in every mode; every so often also at each sync of the opening
/// that follows.
fn crash_everywhere(seed: u64, journal_bytes: u64) {
    for n in 0.. {
        let disk = FrozenDisk::new();
        disk.freeze_at_sync(n);
        let (done, under_way) = run(&disk, seed, journal_bytes);
        for mode in modes(seed ^ n) {
            let image = disk.crash_image(mode);
            if n % 5 == 1 && matches!(mode, CrashMode::Torn { .. }) {
                crash_while_opening(&image, seed, &done, under_way.as_ref());
            }
            check(&image, &done, under_way.as_ref());
        }
        // Only the process ends, and the power fails while the next one opens the log.
        if n % 9 == 3 {
            crash_while_opening(&disk.process_image(), seed, &done, under_way.as_ref());
        }
        if !disk.is_frozen() {
            assert_eq!((done.len(), under_way), (BLOCKS, None));
            assert!(n > BLOCKS as u64);
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_at_any_sync_keeps_exactly_what_was_acknowledged(seed: u64) {
        crash_everywhere(seed, u64::MAX);
    }

    #[test]
    fn a_crash_at_any_sync_of_a_journal_that_is_replaced_often_loses_nothing(seed: u64) {
        crash_everywhere(seed, 4_000);
    }
}

/// One planned failure in a run of blocks on a lying disk; afterwards the log must hold every
/// acknowledged block, and no more than one other, which it must not have refused.
fn lie(operation: Operation, nth: u64, when: When, kind: ErrorKind) -> bool {
    let files = FrozenDisk::new();
    let disk = Arc::new(LyingDisk::new(files.clone(), Vec::new()));
    let shared: Arc<dyn Disk> = Arc::<LyingDisk<FrozenDisk>>::clone(&disk);
    let options = Options { journal_bytes: 3_000 };
    let (mut log, _) = LogStore::open_with(Arc::clone(&shared), ORIGIN, options).unwrap();
    disk.set_plan(vec![crate::disk::Fault { operation, nth, when, kind }]);
    let (mut random, mut done, mut struck) = (Random(nth + 3), Vec::new(), false);
    while done.len() < BLOCKS {
        let next = random.block(&log);
        match log.commit(next.clone()) {
            Ok(()) => done.push(next),
            Err(CommitError::NotWritten(source)) => {
                struck = true;
                assert_eq!(source.kind(), kind);
                // Nothing changed, whatever a crash does to it now; and the same block is accepted.
                for mode in modes(nth) {
                    check(&files.crash_image(mode), &done, None);
                }
                assert_is(&log, &done);
                log.commit(next.clone()).unwrap();
                done.push(next);
            }
            Err(error) => {
                struck = true;
                assert!(error.is_fatal(), "{error}");
                assert!(matches!(log.commit(next.clone()), Err(CommitError::Stopped)));
                for mode in modes(nth) {
                    check(&files.crash_image(mode), &done, Some(&next));
                }
                log = LogStore::open_with(Arc::clone(&shared), ORIGIN, options).unwrap().0;
                if log.height() == Some(next.height) {
                    done.push(next);
                }
                assert_is(&log, &done);
            }
        }
    }
    assert_is(&log, &done);
    drop(log);
    assert_is(&open(&files), &done);
    assert_eq!(faults(&files), []);
    struck
}

#[test]
fn a_disk_that_fails_before_after_or_half_way_loses_no_acknowledged_block() {
    use Operation::{Append, Rename, Sync, WriteAt};
    let written = [When::Before, When::After, When::Partly(30), When::Partly(200)];
    let cases = [
        (Append, &written[..]),
        (WriteAt, &written[..3]),
        (Sync, &written[..2]),
        (Rename, &written[..2]),
    ];
    for (operation, whens) in cases {
        for when in whens {
            let struck =
                (0..18).filter(|nth| lie(operation, *nth, *when, ErrorKind::Other)).count();
            assert!(struck > 0, "{operation:?} {when:?} never failed");
        }
    }
}

#[test]
fn a_sync_that_fails_and_forgets_loses_no_acknowledged_block() {
    let mut forgotten = 0;
    for n in 0..60 {
        let disk = FrozenDisk::new();
        disk.forget_at_sync(n);
        let (mut done, under_way) = run(&disk, n, 3_000);
        if done.len() == BLOCKS {
            continue;
        }
        forgotten += 1;
        let mut log = open(&disk);
        if log.height().map_or(0, |height| height + 1) > done.len() as u64 {
            done.extend(under_way);
        }
        assert_is(&log, &done);
        let next = block(&log, vec![b"next".to_vec()], vec![]);
        log.commit(next.clone()).unwrap();
        done.push(next);
        for mode in modes(n) {
            check(&disk.crash_image(mode), &done, None);
        }
    }
    assert!(forgotten > 15, "{forgotten}");
}

#[test]
fn a_full_disk_refuses_the_block_and_takes_it_when_there_is_room() {
    let struck = (0..30)
        .filter(|nth| lie(Operation::Append, *nth, When::Partly(100), ErrorKind::StorageFull))
        .count();
    assert!(struck > 15);
    let files = FrozenDisk::new();
    let disk = Arc::new(LyingDisk::new(files.clone(), Vec::new()));
    let shared: Arc<dyn Disk> = Arc::<LyingDisk<FrozenDisk>>::clone(&disk);
    let (mut log, _) = LogStore::open(shared, ORIGIN).unwrap();
    let full = |nth| crate::disk::Fault {
        operation: Operation::Append,
        nth,
        when: When::Partly(50),
        kind: ErrorKind::StorageFull,
    };
    disk.set_plan((0..5).map(full).collect());
    let next = block(&log, vec![b"leaf".to_vec()], vec![]);
    for _ in 0..5 {
        let error = log.commit(next.clone()).unwrap_err();
        assert!(matches!(&error, CommitError::NotWritten(e) if e.kind() == ErrorKind::StorageFull));
        assert!(error.to_string().contains("nothing changed"));
        assert_eq!(log.size(), 0);
    }
    log.commit(next).unwrap();
    assert_eq!(log.size(), 1);
}

#[test]
fn a_block_that_was_refused_does_not_come_back_after_a_crash() {
    let files = FrozenDisk::new();
    let disk = Arc::new(LyingDisk::new(files.clone(), Vec::new()));
    let shared: Arc<dyn Disk> = Arc::<LyingDisk<FrozenDisk>>::clone(&disk);
    let (mut log, _) = LogStore::open(shared, ORIGIN).unwrap();
    let first = block(&log, vec![b"first".to_vec()], vec![]);
    log.commit(first.clone()).unwrap();
    let kind = ErrorKind::Other;
    let operation = Operation::Append;
    disk.set_plan(vec![crate::disk::Fault { operation, nth: 0, when: When::After, kind }]);
    let next = block(&log, vec![b"next".to_vec()], vec![]);
    assert!(matches!(log.commit(next), Err(CommitError::NotWritten(_))));
    for mode in (0..100).flat_map(modes) {
        check(&files.crash_image(mode), std::slice::from_ref(&first), None);
    }
}

#[test]
fn a_failed_cut_after_a_failed_append_stops_the_log() {
    let files = FrozenDisk::new();
    let disk = Arc::new(LyingDisk::new(files.clone(), Vec::new()));
    let shared: Arc<dyn Disk> = Arc::<LyingDisk<FrozenDisk>>::clone(&disk);
    let (mut log, _) = LogStore::open(shared, ORIGIN).unwrap();
    let fault =
        |operation, when| crate::disk::Fault { operation, nth: 0, when, kind: ErrorKind::Other };
    disk.set_plan(vec![
        fault(Operation::Append, When::After),
        fault(Operation::Truncate, When::Before),
    ]);
    let next = block(&log, vec![b"leaf".to_vec()], vec![]);
    assert!(matches!(log.commit(next.clone()), Err(CommitError::Unknown { .. })));
    assert!(matches!(log.commit(next.clone()), Err(CommitError::Stopped)));
    assert_is(&open(&files), &[next]);
}

#[test]
fn damage_in_the_middle_of_the_journal_is_told_from_a_torn_end() {
    let disk = FrozenDisk::new();
    let mut log = open(&disk);
    let mut ends = vec![disk.len(JOURNAL).unwrap().unwrap()];
    for i in 0..4u8 {
        let next = block(&log, vec![vec![i; 40]], vec![vec![i; 100]]);
        log.commit(next).unwrap();
        ends.push(disk.len(JOURNAL).unwrap().unwrap());
    }
    drop(log);
    for (frame, start) in ends.iter().enumerate().take(4) {
        for offset in [0, 9, 20, 50, 70, 150] {
            let image = disk.crash_image(CrashMode::Kept);
            assert!(image.alter(JOURNAL, start + offset, 0x40));
            let before = image.files();
            let error = LogStore::open(Arc::new(image.clone()), ORIGIN).unwrap_err();
            match (&error, frame) {
                (LogError::Damaged { place, .. }, 0..3) => {
                    assert_eq!(*place, format!("log/journal at byte {}", start));
                }
                // The last frame looks like one cut short, but its block was acknowledged.
                (LogError::Lost { acknowledged: 4, found: 3 }, 3) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(image.files()[JOURNAL], before[JOURNAL]);
            let place = format!("log/journal at byte {}", start);
            assert!(faults(&image).iter().any(|fault| fault.place == place), "{offset}");
        }
    }
    let image = disk.crash_image(CrashMode::Kept);
    assert!(image.alter(JOURNAL, 100, 1));
    let error = LogStore::open(Arc::new(image), ORIGIN).unwrap_err();
    assert!(error.to_string().contains("log/journal at byte 0 is damaged"), "{error}");
}

#[test]
fn a_process_that_ends_without_a_word_loses_nothing_on_real_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut blocks = Vec::new();
    for round in 0..4u64 {
        let disk = Arc::new(FileDisk::open(folder.path()).unwrap());
        let (mut log, recovered) = LogStore::open(disk, ORIGIN).unwrap();
        assert_eq!(recovered.blocks, if round == 0 { 0 } else { 2 });
        assert_eq!(recovered.dropped_bytes, if round == 0 { 0 } else { 33 });
        assert_is(&log, &blocks);
        for _ in 0..2 {
            let next = Random(round).block(&log);
            log.commit(next.clone()).unwrap();
            blocks.push(next);
        }
        // The beginning of a frame that was never finished.
        log.view.disk.append(JOURNAL, &frame::encode(log.journal_length, b"x")[..33]).unwrap();
    }
}
