//! The style rules that a compiler does not know, checked.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

const FILE_LINES_MAX: usize = 800;
/// Words that mark unfinished work; written in two halves so that this file does not hold them.
const UNFINISHED: [(&str, &str); 6] = [
    ("to", "do!("),
    ("unimple", "mented!("),
    ("FIX", "ME"),
    ("for n", "ow"),
    ("place", "holder"),
    ("not yet imple", "mented"),
];

/// Lists every breach, not only the first.
pub(crate) fn run() -> Result<()> {
    let mut breaches = Vec::new();
    let architecture = fs::read_to_string("ARCHITECTURE.md").context("ARCHITECTURE.md")?;
    for entry in fs::read_dir("crates")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !architecture.contains(&format!("`{name}`")) {
            breaches.push(format!("ARCHITECTURE.md does not name the crate `{name}`"));
        }
    }
    for path in tracked_files()? {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        check_file(&path, &text, &mut breaches);
    }
    if breaches.is_empty() {
        return Ok(());
    }
    breaches.iter().for_each(|breach| eprintln!("{breach}"));
    bail!("{} breaches of the style rules", breaches.len())
}

fn check_file(path: &str, text: &str, breaches: &mut Vec<String>) {
    let is_code = [".rs", ".py", ".js", ".html"].iter().any(|ending| path.ends_with(ending));
    if path.ends_with(".rs") && text.lines().count() > FILE_LINES_MAX {
        breaches.push(format!("{path}: more than {FILE_LINES_MAX} lines"));
    }
    if path.ends_with(".rs") && text.contains(concat!("#[", "ignore")) {
        breaches.push(format!("{path}: a test that nobody runs"));
    }
    for (i, line) in text.lines().enumerate() {
        let marks = UNFINISHED.iter().map(|(a, b)| format!("{a}{b}"));
        if is_code && marks.into_iter().any(|mark| line.contains(&mark)) {
            breaches.push(format!("{path}:{}: reads like something unfinished", i + 1));
        }
        let machine = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
        if !path.ends_with(".lock") && machine.iter().any(|m| line.contains(m)) {
            breaches.push(format!("{path}:{}: a path of one machine", i + 1));
        }
    }
}

fn tracked_files() -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).output().context("git ls-files")?;
    let listed = String::from_utf8(output.stdout)?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}
