use super::*;
use crate::merkle;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// All hashes of a small tree, computed from its leaves.
struct Naive(Vec<Hash>);

impl HashReader for Naive {
    type Error = (u8, u64);

    fn hash(&self, level: u8, index: u64) -> Result<Hash, (u8, u64)> {
        let (start, end) = ((index as usize) << level, (index as usize + 1) << level);
        self.0.get(start..end).map(merkle::root).ok_or((level, index))
    }
}

fn naive(size: usize) -> Naive {
    Naive((0..size).map(|i| merkle::leaf_hash(&(i as u64).to_be_bytes())).collect())
}

#[test]
fn paths_are_those_of_the_specification() {
    let cases = [
        (Kind::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067"),
        (Kind::Hashes(0), 1067, 256, "tile/0/x001/067"),
        (Kind::Hashes(2), 0, 1, "tile/2/000.p/1"),
        (Kind::Entries, 273, 112, "tile/entries/273.p/112"),
        (Kind::Entries, 999, 256, "tile/entries/999"),
        (Kind::Entries, 1000, 256, "tile/entries/x001/000"),
        (Kind::Hashes(7), 0, 255, "tile/7/000.p/255"),
    ];
    for (kind, index, width, path) in cases {
        let tile = Tile::new(kind, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(Tile::parse(path), Ok(tile));
    }
}

#[test]
fn other_paths_are_refused() {
    let wrong_form = [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/-1/000",
        "tile/0/+00",
        "tile/data/000",
        "tile/entries/../000",
        "tile/0/x001/x001/x001/x001/x001/x001/001",
    ];
    for path in wrong_form {
        assert!(matches!(Tile::parse(path), Err(TileError::Path { .. })), "{path:?}");
    }
    for path in
        ["tile/8/000", "tile/7/000", "tile/7/001.p/1", "tile/0/x999/x999/x999/x999/x999/999"]
    {
        assert_eq!(Tile::parse(path), Err(TileError::Range), "{path:?}");
    }
    assert_eq!(Tile::new(Kind::Entries, 0, 0), Err(TileError::Range));
    assert_eq!(Tile::new(Kind::Entries, 0, 257), Err(TileError::Range));
    assert_eq!(Tile::new(Kind::Entries, u64::MAX, 1), Err(TileError::Range));
}

#[test]
fn a_tree_of_70000_has_the_tiles_that_the_specification_names() {
    let tiles: Vec<Tile> = Tile::published(0, 70_000).collect();
    let count = |kind, full| tiles.iter().filter(|t| t.kind == kind && t.is_full() == full).count();
    assert_eq!((count(Kind::Hashes(0), true), count(Kind::Entries, true)), (273, 273));
    assert_eq!(count(Kind::Hashes(1), true), 1);
    let partial: Vec<String> =
        tiles.iter().filter(|t| !t.is_full()).map(ToString::to_string).collect();
    assert_eq!(
        partial,
        ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]
    );
    let of_256: Vec<String> = Tile::published(0, 256).map(|t| t.to_string()).collect();
    assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    assert_eq!(Tile::published(0, 0).count(), 0);
}

#[test]
fn every_hash_of_a_tree_is_found_in_its_tiles() {
    let size = 70_000 / 64;
    let tree = naive(size);
    for level in 0..=10u8 {
        for index in 0..(size as u64 >> level) {
            let (tile_level, tile_index, range) = locate(level, index);
            let count = (size as u64 >> (8 * tile_level)) - tile_index * 256;
            let width = count.min(256) as u16;
            let bytes = cut(&tree, tile_level, tile_index, width).unwrap();
            let hashes = parse_hashes(&bytes, width).unwrap();
            assert_eq!(Ok(subtree_root(&hashes[range])), tree.hash(level, index));
        }
    }
}

#[test]
fn a_tile_or_bundle_of_the_wrong_length_is_refused() {
    let error = TileError::HashBytes { expected: 64, found: 63 };
    assert_eq!(parse_hashes(&[0; 63], 2), Err(error));
    let bundle = entry_bundle([&b"abc"[..], b"", b"d"]).unwrap();
    assert_eq!(bundle, b"\x00\x03abc\x00\x00\x00\x01d");
    assert_eq!(parse_entry_bundle(&bundle, 3).unwrap(), [&b"abc"[..], b"", b"d"]);
    assert_eq!(parse_entry_bundle(&bundle, 2), Err(TileError::Bundle { width: 2, index: 2 }));
    assert_eq!(parse_entry_bundle(&bundle, 4), Err(TileError::Bundle { width: 4, index: 3 }));
    let cut = &bundle[..bundle.len() - 1];
    assert_eq!(parse_entry_bundle(cut, 3), Err(TileError::Bundle { width: 3, index: 2 }));
    let long = vec![0; MAX_ENTRY_BYTES + 1];
    let error = TileError::EntryLength { index: 1, bytes: 65_536 };
    assert_eq!(entry_bundle([&b""[..], &long]), Err(error));
    assert!(entry_bundle([&long[1..]]).is_ok());
}

proptest! {
    #[test]
    fn tile_paths_read_back(level in 0u8..8, entries: bool, index in 0u64..1 << 56, width in 1u16..=256) {
        let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
        if let Ok(tile) = Tile::new(kind, index, width) {
            prop_assert_eq!(Tile::parse(&tile.to_string()), Ok(tile));
            prop_assert!(Tile::published(0, tile.tree_size().min(100_000)).count() > 0);
        }
    }

    #[test]
    fn whatever_path_is_read_is_written_alike(path in "tile/([0-9]{1,2}|entries)/(x[0-9]{3}/){0,7}[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.to_string(), path);
        }
    }

    #[test]
    fn growing_in_steps_publishes_every_full_tile_once(steps in prop::collection::vec(0u64..2000, 1..20)) {
        let total: u64 = steps.iter().sum();
        let whole: BTreeSet<Tile> = Tile::published(0, total).filter(Tile::is_full).collect();
        let (mut size, mut seen) = (0, BTreeSet::new());
        for step in steps {
            for tile in Tile::published(size, size + step) {
                prop_assert!(tile.tree_size() > size && tile.tree_size() <= size + step);
                prop_assert!(!tile.is_full() || seen.insert(tile), "{} twice", tile);
            }
            size += step;
        }
        prop_assert_eq!(seen, whole);
    }

    #[test]
    fn bundles_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20)) {
        let bundle = entry_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(parse_entry_bundle(&bundle, entries.len() as u16).unwrap(), entries);
    }

    #[test]
    fn any_bytes_read_as_a_bundle_are_written_alike(bytes in prop::collection::vec(0u8..4, 0..60), width in 0u16..12) {
        if let Ok(entries) = parse_entry_bundle(&bytes, width) {
            prop_assert_eq!(entry_bundle(entries).unwrap(), bytes);
        }
    }
}
