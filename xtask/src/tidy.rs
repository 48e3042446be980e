//! The style rules that a compiler does not know, checked.

use std::fs;
use std::path::Path;
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

/// The attribute of a form's field, which is no such mark.
const ATTRIBUTE: &str = concat!("place", "holder=\"");

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
        if path.ends_with(".md") {
            check_links(&path, &text, &mut breaches);
        }
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
        let words = line.replace(ATTRIBUTE, "");
        if is_code && marks.into_iter().any(|mark| words.contains(&mark)) {
            breaches.push(format!("{path}:{}: reads like something unfinished", i + 1));
        }
        let machine = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
        if !path.ends_with(".lock") && machine.iter().any(|m| line.contains(m)) {
            breaches.push(format!("{path}:{}: a path of one machine", i + 1));
        }
    }
}

/// Relative links of a Markdown file must lead to something.
fn check_links(path: &str, text: &str, breaches: &mut Vec<String>) {
    let folder = Path::new(path).parent().unwrap_or_else(|| Path::new(""));
    for (line, target) in relative_links(text) {
        if !folder.join(target).exists() {
            breaches.push(format!("{path}:{line}: the link leads nowhere: {target}"));
        }
    }
}

/// The relative targets of a text's inline links, without anchors, each with its line. What stands
/// in code is no link.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (i, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced || line.starts_with("    ") {
            continue;
        }
        for prose in line.split('`').step_by(2) {
            let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let relative = targets
                .map(|target| target.split('#').next().unwrap_or_default())
                .filter(|target| !target.is_empty() && !target.contains(':'));
            found.extend(relative.map(|target| (i + 1, target)));
        }
    }
    found
}

fn tracked_files() -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).output().context("git ls-files")?;
    let listed = String::from_utf8(output.stdout)?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_a_field_is_no_mark_of_unfinished_work() {
        let breaches = |line: &str| {
            let mut breaches = Vec::new();
            check_file("page.html", line, &mut breaches);
            breaches.len()
        };
        let (a, b) = UNFINISHED[4];
        assert_eq!(breaches(&format!("<input {a}{b}=\"Lot\">")), 0);
        assert_eq!(breaches(&format!("<p>A {a}{b}</p>")), 1);
        assert_eq!(breaches(&format!("<input {a}{b}=\"a {a}{b}\">")), 1);
    }

    #[test]
    fn links_are_found_with_their_lines_and_code_holds_none() {
        let text = "# A\n[one](a.md) and [two](b/c.md#part)\n`[code](x.md)` [`named`](d.md)\n\
                    ```\n[no](y.md)\n```\n[out](https://example.com) [here](#a)\n";
        let found = relative_links(text);
        assert_eq!(found, [(2, "a.md"), (2, "b/c.md"), (3, "d.md")]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_a_breach() {
        let mut breaches = Vec::new();
        check_links("Cargo.toml", "[gone](no/such/file.md)\n[there](src/main.rs)", &mut breaches);
        assert_eq!(breaches, ["Cargo.toml:1: the link leads nowhere: no/such/file.md"]);
    }
}
