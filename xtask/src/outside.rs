//! Independent implementations check our formats: event hashes, statements, receipts, proofs.

use anyhow::Result;

use crate::run::program;
use crate::setup::PYTHON;

/// Runs every script of `tests/outside` against the built binary.
pub(crate) fn run() -> Result<()> {
    let mut scripts: Vec<_> = std::fs::read_dir("tests/outside")?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.ends_with(".py") && !name.starts_with('_')
        })
        .collect();
    scripts.sort();
    for script in scripts {
        program(PYTHON, &[&script.to_string_lossy(), "target/release/countermark"])?;
    }
    Ok(())
}
