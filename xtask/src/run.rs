//! Running other programs, with a line before and after that says what and how long.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::setup::PYTHON;

/// The workspace's root, wherever the command was started.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Runs one named step and says how long it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    let start = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    eprintln!("== {name}: {} s", start.elapsed().as_secs());
    Ok(())
}

/// Runs a program and fails where it fails.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(name)
        .args(arguments)
        // Tests that compare with an outside tool find it here.
        .env("COUNTERMARK_PYTHON", root().join(PYTHON))
        .status()
        .with_context(|| format!("{name} could not be started; is it installed?"))?;
    if !status.success() {
        bail!("`{name} {}` ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Runs the cargo that runs this.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // `cargo +toolchain` is rustup's word, which the inner cargo does not know.
    let cargo =
        if arguments.first().is_some_and(|a| a.starts_with('+')) { "cargo" } else { &cargo };
    program(cargo, arguments)
}
