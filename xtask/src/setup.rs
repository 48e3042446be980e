//! What the tests need beside Rust: outside tools that check our formats, and the dependency audit.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::run::{cargo, program};

/// The independent implementations that must agree with ours, pinned.
const PYTHON_PACKAGES: [&str; 7] = [
    "epcis_event_hash_generator==1.9.3",
    "scitt-cose==0.5.0",
    "pymerkle==7.0.0",
    "pycose==1.1.0",
    "jsonschema==4.26.0",
    "schemathesis==4.32.5",
    // pycose 1.1.0 does not read what cbor2 6 decodes to.
    "cbor2==5.9.0",
];
/// Debian packages: a browser, a peer of the benchmark, and what puts load on a server from outside.
const DEBIAN_PACKAGES: [&str; 3] = ["chromium", "postgresql", "wrk"];
const STAMP: &str = ".venv/countermark-packages";
const CARGO_DENY_VERSION: &str = "0.20";

/// The Python of the test environment.
pub(crate) const PYTHON: &str = ".venv/bin/python";

/// Folders with a `package-lock.json`: outside tools that come from npm.
const NPM_FOLDERS: [&str; 3] = ["tests/browser", "tests/clients", "tests/oidc"];

/// Installs what is missing; a second run changes nothing.
pub(crate) fn run() -> Result<()> {
    for folder in NPM_FOLDERS {
        npm(folder)?;
    }
    let wanted = PYTHON_PACKAGES.join("\n");
    if std::fs::read_to_string(STAMP).ok().as_deref() != Some(&wanted) {
        program("python3", &["-m", "venv", ".venv"])?;
        let mut arguments = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        arguments.extend(PYTHON_PACKAGES);
        program(PYTHON, &arguments)?;
        std::fs::write(Path::new(STAMP), wanted)?;
    }
    if !answers("cargo", &["deny", "--version"]) {
        cargo(&["install", "--quiet", "--locked", "cargo-deny", "--version", CARGO_DENY_VERSION])?;
    }
    debian_packages()
}

/// Programs of the system that tests and benchmark call, where they can be had without a question:
/// as root on Debian. Elsewhere it is said what is missing; the tests that need it say so too.
fn debian_packages() -> Result<()> {
    let installed = |name: &str| answers("dpkg", &["-s", name]) || has_program(name);
    let missing: Vec<&str> = DEBIAN_PACKAGES.into_iter().filter(|name| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root || !answers("apt-get", &["--version"]) {
        eprintln!(
            "missing on this machine: {0}. Install them as root, on Debian by\n  apt-get install \
             --no-install-recommends {0}\nUntil then the tests that need them are skipped.",
            missing.join(" ")
        );
        return Ok(());
    }
    let mut arguments = vec!["install", "--yes", "-qq", "--no-install-recommends"];
    arguments.extend(missing);
    program("apt-get", &["update", "-qq"])?;
    program("apt-get", &arguments)
}

/// The programs of the packages, where no package of Debian brought them.
fn has_program(package: &str) -> bool {
    match package {
        "postgresql" => answers("postgres", &["--version"]),
        "wrk" => Command::new("wrk")
            .arg("-v")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok(),
        other => answers(other, &["--version"]),
    }
}

/// Licences, bans and sources by `deny.toml`; advisories too where the advisory list can be had.
pub(crate) fn dependency_audit() -> Result<()> {
    if !answers("cargo", &["deny", "--version"]) {
        run()?;
    }
    program("cargo", &["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])
}

/// Installs what a folder's lock file names, and nothing else; no package runs a script.
fn npm(folder: &str) -> Result<()> {
    let lock = std::fs::read_to_string(Path::new(folder).join("package-lock.json"))?;
    let stamp = Path::new(folder).join("node_modules/.countermark-lock");
    if std::fs::read_to_string(&stamp).ok().as_deref() == Some(&lock) {
        return Ok(());
    }
    let arguments = ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
    program("npm", &arguments)?;
    Ok(std::fs::write(stamp, lock)?)
}

fn answers(name: &str, arguments: &[&str]) -> bool {
    Command::new(name)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
