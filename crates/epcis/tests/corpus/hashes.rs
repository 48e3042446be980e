//! Every expected hash of a JSON document matches in its profile.

use std::collections::BTreeSet;
use std::path::Path;

use countermark_epcis::hash::{self, Profile};
use countermark_epcis::{Document, Mode, document};

use super::{corpus, json_files};

const REFERENCE: &str = "RalphTro-epcis-event-hash-generator";

/// Documents of the reference that no reader may take, with the reason.
const NOT_READ: &[(&str, &str)] = &[];

/// Expected hashes that no implementation can give, with the fault of the vector.
const FAULTY: &[(&str, &str)] = &[];

fn read(name: &str, bytes: &[u8]) -> Option<Document> {
    let listed = NOT_READ.iter().any(|(file, _)| name.ends_with(file));
    match document::read(bytes, Mode::Lenient) {
        Ok(document) => {
            assert!(!listed, "{name} reads now; take it off the list");
            Some(document)
        }
        Err(rejection) => {
            assert!(listed, "{name}: {rejection}");
            None
        }
    }
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a file of expected values");
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Compares one document; gives the number of events compared.
fn compare(name: &str, document: &Document, profile: Profile, expected: &Path) -> usize {
    let hashes = lines(&expected.with_extension("hashes"));
    let ours = hash::document_hashes(document, profile);
    let faulty = FAULTY.iter().any(|(file, _)| name.ends_with(file));
    if ours != hashes {
        let forms = hash::document_pre_hashes(document, profile);
        let wanted = expected.with_extension("prehashes");
        let wanted = if wanted.exists() { lines(&wanted) } else { Vec::new() };
        assert!(
            faulty,
            "{name} in {}\n ours:\n{}\n expected:\n{}",
            profile.name(),
            forms.join("\n"),
            wanted.join("\n")
        );
    } else {
        assert!(!faulty, "{name} matches now; take it off the list");
    }
    hashes.len()
}

#[test]
fn the_legacy_vectors_match() {
    let Some(corpus) = corpus() else { return };
    let mut compared = (0, 0);
    for (name, bytes) in json_files(&corpus, &format!("{REFERENCE}/tests/examples")) {
        let Some(document) = read(&name, &bytes) else { continue };
        let expected = corpus.join(&name);
        if expected.with_extension("hashes").exists() {
            compared.0 += 1;
            compared.1 += compare(&name, &document, Profile::Cbv20Legacy, &expected);
        }
    }
    eprintln!("{} documents, {} events", compared.0, compared.1);
    assert!(compared.0 >= 22, "only {} documents were compared", compared.0);
}

#[test]
fn the_vectors_of_2026_match() {
    let Some(corpus) = corpus() else { return };
    let mut compared = 0;
    for (version, profile) in [("CBV2.0", Profile::Cbv20V2026), ("CBV2.1", Profile::Cbv21)] {
        let folder = corpus.join(REFERENCE).join("upstream-2026-verified").join(version);
        for (name, bytes) in json_files(&corpus, &format!("{REFERENCE}/tests/examples")) {
            let file = Path::new(&name).file_name().expect("a file name").to_string_lossy();
            let expected = folder.join(format!("{file}.hashes"));
            if expected.exists()
                && let Some(document) = read(&name, &bytes)
            {
                compare(&name, &document, profile, &expected);
                compared += 1;
            }
        }
    }
    assert!(compared >= 11, "only {compared} documents were compared");
}

#[test]
fn events_that_must_be_equal_have_one_hash_in_every_profile() {
    let Some(corpus) = corpus() else { return };
    let files = json_files(&corpus, &format!("{REFERENCE}/tests/expected_equal"));
    assert!(!files.is_empty());
    for (name, bytes) in files {
        let Some(document) = read(&name, &bytes) else { continue };
        assert!(document.events.len() > 1, "{name} has nothing to compare");
        for profile in Profile::ALL {
            let hashes: BTreeSet<String> =
                hash::document_hashes(&document, profile).into_iter().collect();
            assert_eq!(hashes.len(), 1, "{name} in {}", profile.name());
        }
    }
}
