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

/// What the reference expects since July 2026 of documents that it shares with the OpenEPCIS test
/// resources, or that it had before: the files of `tests/examples/expected` at commits d8d8746 and
/// 084b003, read 2026-11.
const EXPECTED_2026: &[(&str, Profile, &[&str])] = &[
    (
        "AggregationEvent_all_possible_fields.json",
        Profile::Cbv20V2026,
        &["41cf5d2be6b6926acc531597e43932eb4b9b23926ccb6ce08c882bda7a74d1a8"],
    ),
    (
        "AssociationEvent_all_possible_fields.json",
        Profile::Cbv20V2026,
        &["3dada0cdabe84618e9f0b842031159cb49534f487d5714cac9cfd647bf5f6c54"],
    ),
    (
        "ObjectEvent_all_possible_fields.json",
        Profile::Cbv20V2026,
        &["9811bfb2672e9c3a0f6151be339d22b60db375c8b23d2740f6137cc6539f0639"],
    ),
    (
        "TransactionEvent_all_possible_fields.json",
        Profile::Cbv20V2026,
        &["4a85d64a96409f0c57baed258666b26d83e6690d204a8aaed4c7e2624d8b0c81"],
    ),
    (
        "TransformationEvent_all_possible_fields.json",
        Profile::Cbv20V2026,
        &["529cc54b8cf9d8664208cc6c77473274d8c2dd473469920a7d09a814623f52cc"],
    ),
    (
        "AggregationEvent_all_possible_fields.json",
        Profile::Cbv21,
        &["1789ea7084f737390112f02eed7b391696aa9b211c818d769a8225f3fab0cb96"],
    ),
    (
        "AssociationEvent_all_possible_fields.json",
        Profile::Cbv21,
        &["5500e83913a6acddfc2b26b0ec4bcacaf89316427b2655922cbc98f484ce130e"],
    ),
    (
        "ObjectEvent_all_possible_fields.json",
        Profile::Cbv21,
        &["465f7b2495684562349eed41324796ea0435ff429b60c18eda5e5698df377ede"],
    ),
    (
        "TransactionEvent_all_possible_fields.json",
        Profile::Cbv21,
        &["c87353a340add966f1e4f7b24992ea1590f072a76b840aefff7f24b45ce333e1"],
    ),
    (
        "TransformationEvent_all_possible_fields.json",
        Profile::Cbv21,
        &["3f3f9f07db9dbeae7cbe8d5ac162cab851040c9f627af0e7d8b468f8fc0a1627"],
    ),
    (
        "epclist_normalisation.jsonld",
        Profile::Cbv21,
        &["4689c31cebcad30d58b175246cd49cbd8d02fa15a4099602e8f638127b4fca79"],
    ),
    (
        "ralfsChaosExample.jsonld",
        Profile::Cbv20V2026,
        &["962b81a19a5d2652b43016c17c1a85acfa667155c53523086d22a0b566e7ee04"],
    ),
    (
        "epcisEventWithCURIEs.jsonld",
        Profile::Cbv20V2026,
        &["65f196f1b17e2525de2b6f45f5d31d74fa3fdf1e689863484f8e9660cc36f69f"],
    ),
    (
        "epcisQueryDocument.jsonld",
        Profile::Cbv20V2026,
        &[
            "df6523665bc5e5803d6c7b84f5a04e103694d8220f2abc4f2c74310e89f31bc6",
            "32547b2344d525ea60ab1b899d82a9011fd9c39bb26ed936e113066146f49941",
        ],
    ),
    (
        "epcisDocWithSensorComponent.jsonld",
        Profile::Cbv20V2026,
        &["14faa21345eb49fa31e5578aed52a2c291b7dc8ded0d53c88135955173ea91fc"],
    ),
    (
        "epcisDocWithXMLstartTagAndErrorDeclaration.jsonld",
        Profile::Cbv20V2026,
        &["e16ce101f3d7383612e00b74419b2d88f12baa6a124b0e390252d396687d5cf7"],
    ),
    (
        "epcisDocWithShippingAndTransportingEvent.jsonld",
        Profile::Cbv20V2026,
        &[
            "2919bf0587534fef0e25eea97b5dda68f345e6bbf2c6b4cb27b2a52e0039272b",
            "1d2ec4174d8f0b5988a44795b31a636e8bc7f88ebc4bdc0d35c14f215a842e80",
        ],
    ),
];

#[test]
fn the_newest_expectations_of_the_reference_match() {
    let Some(corpus) = corpus() else { return };
    let mut files = json_files(&corpus, &format!("{REFERENCE}/tests/examples"));
    let documents = "core/src/main/resources/2.0/EPCIS/JSON/Capture/Documents";
    files.extend(json_files(&corpus, &format!("openepcis-test-resources/{documents}")));
    for (file, profile, expected) in EXPECTED_2026 {
        let (name, bytes) = files
            .iter()
            .find(|(name, _)| name.rsplit('/').next() == Some(file))
            .unwrap_or_else(|| panic!("{file} is not in the corpus"));
        let document = read(name, bytes).expect("a document of the reference");
        let expected: Vec<String> = expected
            .iter()
            .map(|hex| format!("ni:///sha-256;{hex}?ver={}", profile.version()))
            .collect();
        assert_eq!(hash::document_hashes(&document, *profile), expected, "{name}");
    }
}

#[test]
fn a_hash_names_the_profile_that_it_was_made_with() {
    let Some(corpus) = corpus() else { return };
    let name = format!("{REFERENCE}/tests/examples/ReferenceEventHashAlgorithm3.jsonld");
    let bytes = std::fs::read(corpus.join(&name)).expect("a file of the corpus");
    let event = &read(&name, &bytes).expect("a document of the reference").events[0];
    for profile in Profile::ALL {
        let hash = hash::event_hash(event, profile);
        assert_eq!(hash::matching_profile(event, &hash), Some(profile));
        assert_eq!(Profile::parse(profile.name()), Some(profile));
    }
    assert_eq!(hash::matching_profile(event, "ni:///sha-256;00?ver=CBV2.0"), None);
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
