use super::*;
use proptest::prelude::*;

fn kinds(disk: &dyn Disk) {
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    assert_eq!(disk.append("a/b/file", b"hello").unwrap(), 0);
    assert_eq!(disk.append("a/b/file", b" world").unwrap(), 5);
    assert_eq!(disk.read("a/b/file", 3, 5).unwrap(), b"lo wo");
    assert_eq!(disk.len("a/b/file").unwrap(), Some(11));
    assert_eq!(disk.len("a/b/none").unwrap(), None);
    assert_eq!(disk.read("a/b/file", 7, 5).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(
        disk.read("a/b/file", u64::MAX, usize::MAX).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
    assert_eq!(disk.read("a/b/none", 0, 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    disk.write_at("a/b/file", 0, b"HELLO").unwrap();
    disk.truncate("a/b/file", 7).unwrap();
    assert_eq!(read_all(disk, "a/b/file", 7).unwrap().unwrap(), b"HELLO w");
    assert_eq!(read_all(disk, "a/b/file", 6).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert!(read_all(disk, "a/b/none", 6).unwrap().is_none());
    assert_eq!(kind(disk.create("a/b/file", b"")), io::ErrorKind::AlreadyExists);
    disk.create("a/second", b"x").unwrap();
    assert_eq!(disk.list("a").unwrap(), ["b/", "second"]);
    assert_eq!(disk.list("").unwrap(), ["a/"]);
    assert_eq!(disk.list("none").unwrap(), [""; 0]);
    disk.sync("a/b/file").unwrap();
    disk.sync("a/second").unwrap();
    disk.rename("a/b/file", "a/second").unwrap();
    assert_eq!(disk.list("a").unwrap().last().unwrap(), "second");
    assert_eq!(disk.read("a/second", 0, 7).unwrap(), b"HELLO w");
    assert_eq!(disk.len("a/b/file").unwrap(), None);
    disk.remove("a/second").unwrap();
    assert_eq!(disk.len("a/second").unwrap(), None);
    for result in [
        disk.write_at("none", 0, b"x"),
        disk.truncate("none", 0),
        disk.sync("none"),
        disk.rename("none", "other"),
        disk.remove("none"),
    ] {
        assert_eq!(kind(result), io::ErrorKind::NotFound);
    }
    for path in ["", "/a", "a/", "../a", "a/../b", "a//b", ".hidden", "a b", "a\\b", "a\0"] {
        assert_eq!(kind(disk.append(path, b"").map(drop)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(disk.len(path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path:?}");
    }
}

#[test]
fn every_disk_keeps_the_same_contract() {
    let folder = tempfile::tempdir().unwrap();
    kinds(&FileDisk::open(folder.path()).unwrap());
    kinds(&FrozenDisk::new());
    kinds(&LyingDisk::new(FrozenDisk::new(), Vec::new()));
}

#[test]
fn a_data_directory_is_opened_by_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    assert!(matches!(FileDisk::open(&root), Err(OpenError::Absent { .. })));
    let first = FileDisk::create(&root).unwrap();
    let error = FileDisk::open(&root).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }));
    assert!(error.to_string().contains("another process uses the data directory"));
    drop(first);
    FileDisk::open(&root).unwrap();
}

#[test]
fn more_files_than_are_kept_open_are_all_written() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FileDisk::open(folder.path()).unwrap();
    for round in 0..2u8 {
        for i in 0..200 {
            disk.append(&format!("f/{i}"), &[round, i]).unwrap();
        }
    }
    let paths: Vec<String> = (0..200).map(|i| format!("f/{i}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for count in [0, 1, 7, 8, 9, 200] {
        disk.sync_all(&paths[..count]).unwrap();
    }
    let with_absent = [&paths[..], &["f/absent"]].concat();
    assert_eq!(disk.sync_all(&with_absent).unwrap_err().kind(), io::ErrorKind::NotFound);
    for i in 0..200 {
        assert_eq!(disk.read(&format!("f/{i}"), 0, 4).unwrap(), [0, i, 1, i]);
    }
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_some_of_the_rest() {
    let disk = FrozenDisk::new();
    disk.append("synced", b"12345").unwrap();
    disk.sync("synced").unwrap();
    disk.append("synced", b"67890").unwrap();
    disk.append("new", b"abc").unwrap();
    let content = |mode, path: &str| disk.crash_image(mode).files().get(path).cloned();
    assert_eq!(content(CrashMode::Dropped, "synced").unwrap(), b"12345");
    assert_eq!(content(CrashMode::Dropped, "new"), None);
    assert_eq!(content(CrashMode::Kept, "synced").unwrap(), b"1234567890");
    assert_eq!(content(CrashMode::Kept, "new").unwrap(), b"abc");
    let lengths: std::collections::BTreeSet<usize> = (0..200)
        .map(|seed| content(CrashMode::Torn { seed }, "synced").unwrap())
        .inspect(|content| assert!(b"1234567890".starts_with(content)))
        .map(|content| content.len())
        .collect();
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
    assert!(
        (0..50)
            .any(|seed| content(CrashMode::Zeroed { seed }, "synced").unwrap() == b"1234567\0\0\0")
    );
}

#[test]
fn a_frozen_disk_does_nothing_from_its_sync_on() {
    let disk = FrozenDisk::new();
    disk.append("a", b"1").unwrap();
    disk.sync("a").unwrap();
    disk.freeze_at_sync(1);
    disk.append("a", b"2").unwrap();
    disk.sync("a").unwrap();
    disk.append("a", b"3").unwrap();
    assert!(!disk.is_frozen());
    assert!(disk.sync("a").is_err());
    assert!(disk.is_frozen());
    assert!(disk.append("a", b"4").is_err() && disk.read("a", 0, 1).is_err());
    assert_eq!(disk.crash_image(CrashMode::Dropped).files()["a"], b"12");
    assert_eq!(disk.crash_image(CrashMode::Kept).files()["a"], b"123");
}

#[test]
fn a_failed_sync_may_leave_what_was_written_readable_but_never_certain() {
    let disk = FrozenDisk::new();
    disk.append("a", b"1").unwrap();
    disk.sync("a").unwrap();
    disk.append("a", b"2").unwrap();
    disk.forget_at_sync(0);
    assert!(disk.sync("a").is_err());
    disk.append("a", b"3").unwrap();
    disk.sync("a").unwrap();
    assert_eq!(disk.files()["a"], b"123");
    assert_eq!(disk.process_image().files()["a"], b"123");
    assert_eq!(disk.crash_image(CrashMode::Dropped).files()["a"], [b'1', 0, b'3']);
}

#[test]
fn renaming_before_syncing_is_refused_by_the_double() {
    let disk = FrozenDisk::new();
    disk.append("a", b"1").unwrap();
    assert_eq!(disk.rename("a", "b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    disk.sync("a").unwrap();
    disk.append("a", b"1").unwrap();
    assert_eq!(disk.rename("a", "b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_lying_disk_fails_before_after_or_half_way() {
    let fault = |nth, when| Fault {
        operation: Operation::Append,
        nth,
        when,
        kind: io::ErrorKind::StorageFull,
    };
    let plan = vec![fault(0, When::Before), fault(1, When::After), fault(2, When::Partly(1))];
    let disk = LyingDisk::new(FrozenDisk::new(), plan);
    for expected in [&b""[..], b"xy", b"xyx"] {
        assert_eq!(disk.append("a", b"xy").unwrap_err().kind(), io::ErrorKind::StorageFull);
        let content = disk.inner().files().get("a").cloned().unwrap_or_default();
        assert_eq!(content, expected);
    }
    assert_eq!(disk.append("a", b"z").unwrap(), 3);
    assert_eq!(disk.count(Operation::Append), 4);
}

proptest! {
    #[test]
    fn a_power_cut_never_touches_synced_bytes(
        steps in prop::collection::vec((0u8..3, prop::collection::vec(any::<u8>(), 1..8)), 1..30), seed: u64, zeroed: bool
    ) {
        let (disk, mut synced, mut live) = (FrozenDisk::new(), Vec::new(), Vec::new());
        for (step, bytes) in steps {
            if step == 0 && !live.is_empty() {
                disk.sync("a").unwrap();
                synced.clone_from(&live);
            } else {
                disk.append("a", &bytes).unwrap();
                live.extend(bytes);
            }
        }
        let mode = if zeroed { CrashMode::Zeroed { seed } } else { CrashMode::Torn { seed } };
        let left = disk.crash_image(mode).files().remove("a").unwrap_or_default();
        prop_assert!(left.starts_with(&synced) && left.len() <= live.len());
        prop_assert!(zeroed || live.starts_with(&left));
    }
}
