//! The pages in a real browser: `tests/browser`, and the documentation's pictures that it makes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::run::program;

const TESTS: &str = "tests/browser";
const CHROMIUM: &str = "/usr/bin/chromium";
const SHOTS: &str = "target/browser/shots";
const IMAGES: &str = "docs/images";
const IMAGE_BYTES_MAX: u64 = 120 * 1024;

/// Pictures that the documentation shows, by the test that makes them.
const PICTURES: [(&str, &str); 8] = [
    ("pages", "demo-trace"),
    ("story", "overview-empty"),
    ("story", "import-repair"),
    ("story", "import-preview"),
    ("story", "verify"),
    ("story", "verify-altered"),
    ("consumer", "consumer"),
    ("consumer", "consumer-recalled"),
];

/// Runs every test against the built binary.
pub(crate) fn test() -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(TESTS)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            names.push(path);
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "{TESTS} holds no test");
    run(&names)
}

/// Makes the documentation's pictures again.
pub(crate) fn screenshots() -> Result<()> {
    let mut names: Vec<PathBuf> = PICTURES
        .iter()
        .map(|(test, _)| Path::new(TESTS).join(format!("{test}.test.mjs")))
        .collect();
    names.dedup();
    run(&names)?;
    fs::create_dir_all(IMAGES)?;
    for (_, name) in PICTURES {
        let (from, to) = (format!("{SHOTS}/{name}.png"), format!("{IMAGES}/{name}.png"));
        let bytes = fs::copy(&from, &to).with_context(|| from.clone())?;
        ensure!(bytes <= IMAGE_BYTES_MAX, "{to} has {bytes} bytes, more than {IMAGE_BYTES_MAX}");
        eprintln!("{to}: {bytes} bytes");
    }
    Ok(())
}

fn run(tests: &[PathBuf]) -> Result<()> {
    if !Path::new(CHROMIUM).exists() {
        let what = format!("{CHROMIUM} is not here: `apt-get install chromium` brings it");
        if std::env::var_os("CI").is_some() {
            bail!(what);
        }
        eprintln!("browser tests are left out: {what}");
        return Ok(());
    }
    let node = std::env::var("COUNTERMARK_NODE").unwrap_or_else(|_| "node".to_owned());
    let names: Vec<String> = tests.iter().map(|test| test.to_string_lossy().into_owned()).collect();
    let mut arguments = vec!["--test", "--test-concurrency=2", "--test-reporter=spec"];
    arguments.extend(names.iter().map(String::as_str));
    program(&node, &arguments)
}
