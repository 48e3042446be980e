//! The crate against documents and vectors that others wrote: GS1's examples, the OpenEPCIS test
//! resources, the vectors of the event-hash reference.
//!
//! The files are read from the folder that `COUNTERMARK_CORPUS` names, by default the folder
//! `shared/corpus` beside the workspace. Without it the tests say that they were skipped; where
//! `CI=true` is set they fail instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod hashes;
mod invalid;
mod outside;

use std::path::{Path, PathBuf};

/// The folder of EPCIS documents; none, with a word about it, where it is absent.
fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("COUNTERMARK_CORPUS").map_or_else(beside, PathBuf::from);
    let folder = root.join("epcis");
    if folder.is_dir() {
        return Some(folder);
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "the corpus is absent: {} is no folder", folder.display());
    eprintln!("skipped: {} is no folder; set COUNTERMARK_CORPUS", folder.display());
    None
}

/// Every JSON file below a folder, sorted, with its path relative to the corpus.
fn json_files(corpus: &Path, below: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![corpus.join(below)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the corpus") {
            let path = entry.expect("an entry of a folder").path();
            let json = path.extension().is_some_and(|e| e == "json" || e == "jsonld");
            if path.is_dir() {
                open.push(path);
            } else if json {
                let name = path.strip_prefix(corpus).expect("below the corpus");
                let name = name.to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).expect("a readable file")));
            }
        }
    }
    found.sort();
    found
}
