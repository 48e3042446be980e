//! Every event of the corpus is committed to, disclosed whole and by each top-level member.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use countermark_epcis::json::{self, Json};
use countermark_ledger::record::{
    ClassSource, Classification, FieldClass, RecordKeys, commit, disclose, empty_source, verify,
};
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("COUNTERMARK_CORPUS").map_or(beside, PathBuf::from).join("epcis");
    if root.is_dir() {
        return Some(root);
    }
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci, "the corpus is absent: set COUNTERMARK_CORPUS");
    eprintln!("skipped: the corpus is absent; set COUNTERMARK_CORPUS");
    None
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|end| end == "json" || end == "jsonld") {
            out.push(path);
        }
    }
}

fn events(document: &Json) -> Vec<Json> {
    let list = document.pointer("/epcisBody/eventList").and_then(Json::as_array).unwrap_or(&[]);
    let context = document.get("@context");
    let objects = list.iter().filter(|event| event.as_object().is_some());
    objects
        .map(|event| {
            let mut event = event.clone();
            if let (None, Some(context)) = (event.get("@context"), context) {
                event.set("@context", context.clone());
            }
            event
        })
        .collect()
}

fn check(event: &Json) {
    let keys = RecordKeys::from_random(&std::array::from_fn(|i| (i % 251) as u8));
    let commitment = commit(event, &Json::object(), &Classification::new(), &keys).unwrap();
    let sources = FieldClass::ALL.map(|class| {
        match commitment.bodies.iter().find(|(other, _)| *other == class) {
            Some((_, body)) => {
                ClassSource::Body { key: keys.class(class).clone(), body: body.clone() }
            }
            None => empty_source(keys.class(FieldClass::Identity), class),
        }
    });
    let whole = disclose(&sources, &[""]).unwrap();
    let verified = verify(&commitment.digests, &whole).unwrap();
    assert_eq!(verified.event.unwrap().to_text(), event.to_text());
    let overhead = whole.encode().len().saturating_sub(event.to_text().len());
    assert!(overhead <= 1536, "{overhead} bytes beside {}", event.to_text());
    for (name, value) in event.as_object().unwrap() {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let openings = disclose(&sources, &[&pointer]).unwrap();
        let verified = verify(&commitment.digests, &openings).unwrap();
        assert_eq!(verified.value(&pointer), Some(value), "{pointer}");
    }
}

#[test]
fn every_event_of_the_corpus_comes_back_byte_for_byte() {
    let Some(root) = corpus() else { return };
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut count = 0;
    for path in paths {
        let Ok(document) = json::parse(&std::fs::read(&path).unwrap()) else { continue };
        for event in events(&document) {
            check(&event);
            count += 1;
        }
    }
    assert!(count > 100, "only {count} events found");
}
