//! Set-up, checks and chores: `cargo xtask setup|check|test|fuzz`.

mod browser;
mod outside;
mod run;
mod setup;
mod tidy;
mod verifier;

use anyhow::{Result, bail};
use run::{cargo, step};

const HELP: &str = "\
cargo xtask COMMAND

  setup        install what the tests need beside Rust: a Python environment in .venv, programs by
               npm in tests/browser, tests/clients and tests/oidc, cargo-deny, and as root on
               Debian chromium, postgresql and wrk
  check        what a change must pass before anything is run: format, lints, tidiness,
               dependencies
  test         everything that CI runs: setup, check, all tests, the demo, the outside tools, the
               pages in a browser
  browser      the pages in Chromium, with target/release/countermark or COUNTERMARK_BINARY
  screenshots  make the pictures of the documentation, docs/images, again
  verifier     join the browser verifier into one file, docs/verifier/countermark-verify.html
  fuzz         run every fuzz target for a while (needs cargo-fuzz and a nightly toolchain)
";

fn main() -> Result<()> {
    std::env::set_current_dir(run::root())?;
    match std::env::args().nth(1).as_deref() {
        Some("setup") => setup::run(),
        Some("check") => check(),
        Some("test") => test(),
        Some("verifier") => verifier::build(),
        Some("browser") => {
            step("set-up", setup::run)?;
            step("browser", browser::test)
        }
        Some("screenshots") => {
            step("set-up", setup::run)?;
            step("pictures", browser::screenshots)
        }
        Some("fuzz") => fuzz(),
        _ => {
            eprint!("{HELP}");
            bail!("name one of the commands")
        }
    }
}

fn check() -> Result<()> {
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("tidiness", tidy::run)?;
    step("browser verifier is as committed", verifier::check)?;
    step("lints", || {
        cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])
    })?;
    step("documentation", || cargo(&["doc", "--release", "--quiet", "--no-deps", "--workspace"]))?;
    let fuzz = ["check", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz"];
    step("fuzz targets compile", || cargo(&fuzz))?;
    step("dependencies", setup::dependency_audit)
}

fn test() -> Result<()> {
    step("set-up", setup::run)?;
    check()?;
    step("build", || cargo(&["build", "--release"]))?;
    step("tests", || cargo(&["test", "--release", "--workspace"]))?;
    step("browser verifier's own parts", verifier::test)?;
    step("demo", || cargo(&["run", "--release", "--quiet", "--", "demo", "--once"]))?;
    step("outside tools", outside::run)?;
    step("browser", browser::test)
}

fn fuzz() -> Result<()> {
    let seconds = std::env::args().nth(2).unwrap_or_else(|| "60".to_owned());
    for target in std::fs::read_dir("fuzz/fuzz_targets")? {
        let name = target?.path().file_stem().map(|s| s.to_string_lossy().into_owned());
        if let Some(name) = name {
            let limit = format!("-max_total_time={seconds}");
            step(&format!("fuzz {name}"), || {
                cargo(&["+nightly", "fuzz", "run", &name, "--", &limit])
            })?;
        }
    }
    Ok(())
}
