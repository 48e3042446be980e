//! Reading files of the test corpus, which is no part of the project.

use std::path::PathBuf;

/// The text of a file of the test corpus. `None` where the corpus is absent, which only a run
/// outside CI may be content with.
pub(crate) fn corpus(path: &str) -> Option<String> {
    let root = std::env::var_os("COUNTERMARK_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let path = root.join(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            None
        }
    }
}
