//! The browser verifier as one file: module, page and style sheet of the web crate joined into an HTML
//! page that opens from a disk, with its SHA-256 beside it. The result is committed.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::run::program;

const PAGE: &str = "docs/verifier/countermark-verify.html";
const SUMS: &str = "docs/verifier/SHA256SUMS";
const GUIDE: &str = "docs/how-to/verify-a-bundle-in-a-browser.md";
const STYLE: &str = "crates/web/assets/verifier.css";
const BODY: &str = "crates/web/templates/verify-body.html";
const MODULE: &str = "crates/web/assets/verifier.js";
const PAGE_SCRIPT: &str = "crates/web/assets/verify-page.js";
const IMPORT: &str = "import * as verifier from \"./verifier.js\";\n";
/// What the page has from the server's style sheet otherwise.
const BASE_STYLE: &str = ":root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }\n\
                          body { margin: 0 auto; padding: 1rem; max-width: 50rem; }\n";

/// Writes page and sum, and the sum into the guide that publishes it.
pub(crate) fn build() -> Result<()> {
    let page = joined()?;
    let sum = hex(&page);
    if let Some(folder) = std::path::Path::new(PAGE).parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(PAGE, &page)?;
    fs::write(SUMS, sums(&sum))?;
    let guide = fs::read_to_string(GUIDE).context(GUIDE)?;
    fs::write(GUIDE, with_sum(&guide, &sum)?)?;
    eprintln!("{PAGE}: {} bytes, SHA-256 {sum}", page.len());
    Ok(())
}

/// The committed page must be what its parts make, and its sum the one that is published.
pub(crate) fn check() -> Result<()> {
    let page = joined()?;
    let sum = hex(&page);
    let committed = fs::read_to_string(PAGE).context(PAGE)?;
    ensure!(committed == page, "{PAGE} is not what its parts make: run `cargo xtask verifier`");
    ensure!(
        fs::read_to_string(SUMS).context(SUMS)? == sums(&sum),
        "{SUMS} is of another page: run `cargo xtask verifier`"
    );
    let guide = fs::read_to_string(GUIDE).context(GUIDE)?;
    ensure!(guide.contains(&sum), "{GUIDE} publishes another sum: run `cargo xtask verifier`");
    Ok(())
}

/// The parts that no bundle reaches: hashing, small-order keys, consistency, the pasted text. The
/// comparison over bundles is a test of the ledger.
pub(crate) fn test() -> Result<()> {
    let node = std::env::var("COUNTERMARK_NODE").unwrap_or_else(|_| "node".to_owned());
    program(&node, &["tests/verifier/parts.mjs"])
}

fn sums(sum: &str) -> String {
    format!("{sum}  countermark-verify.html\n")
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn joined() -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| path.to_owned());
    page(&read(MODULE)?, &read(PAGE_SCRIPT)?, &read(STYLE)?, &read(BODY)?)
}

fn page(module: &str, page_script: &str, style: &str, body: &str) -> Result<String> {
    let script = script(module, page_script)?;
    let style = format!("\n{BASE_STYLE}{style}");
    ensure!(!style.contains("</"), "{STYLE} would end its element");
    let source = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'none'; form-action 'none'; base-uri 'none'",
        source(&script),
        source(&style)
    );
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Verify a Countermark bundle</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n<script type=\"module\">{script}</script>\n</body>\n</html>\n"
    ))
}

/// Both modules as one: the first becomes an object, which the second imports no more.
fn script(module: &str, page_script: &str) -> Result<String> {
    let (module, names) = without_exports(module);
    ensure!(!names.is_empty(), "{MODULE} exports nothing");
    let Some((before, after)) = page_script.split_once(IMPORT) else {
        bail!("{PAGE_SCRIPT} does not import the verifier as `verifier`");
    };
    let (page, _) = without_exports(&format!("{before}{after}"));
    let joined = format!(
        "\nconst verifier = (() => {{\n{module}\nreturn {{ {} }};\n}})();\n{page}",
        names.join(", ")
    );
    let whole = !joined.contains("</script") && !joined.contains("<!--");
    ensure!(whole, "the script would end its element");
    ensure!(!joined.lines().any(|line| line.starts_with("import ")), "an import is left");
    Ok(joined)
}

/// The text without the word `export`, and the names that it stood before.
fn without_exports(text: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let lines = text.lines().map(|line| match line.strip_prefix("export ") {
        Some(rest) => {
            let words = rest.split(|c: char| !c.is_alphanumeric() && c != '_');
            let mut words = words.filter(|word| !matches!(*word, "async" | "function" | ""));
            let first = words.next().filter(|word| !matches!(*word, "const" | "class"));
            names.extend(first.or_else(|| words.next()).map(str::to_owned));
            rest
        }
        None => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    (text, names)
}

fn with_sum(guide: &str, sum: &str) -> Result<String> {
    let is_sum = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let old = guide.split(|c: char| !c.is_alphanumeric()).find(|word| is_sum(word));
    let old = old.with_context(|| format!("{GUIDE} publishes no SHA-256"))?;
    Ok(guide.replace(old, sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_become_names_of_the_object_and_the_import_goes() {
        let module = "export class A {}\nexport async function b() {}\nexport const C = 1;\nlet d;";
        let page = "// page\nimport * as verifier from \"./verifier.js\";\nexport function e() {}";
        let joined = script(module, page).unwrap();
        assert!(joined.contains("return { A, b, C };"), "{joined}");
        assert!(joined.contains("\nasync function b() {}\n") && !joined.contains("export"));
        assert!(joined.contains("\nfunction e() {}") && !joined.contains("import"));
        assert!(script(module, "// imports nothing").is_err());
        assert!(script("export const A = \"</script>\";", page).is_err());
    }

    #[test]
    fn the_page_allows_its_own_script_and_style_and_no_connection() {
        let page = page("export const A = 1;", IMPORT, "b { c: d }", "<p>body</p>\n").unwrap();
        let inside = |open: &str, close: &str| {
            page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned()
        };
        for part in [inside("<script type=\"module\">", "</script>"), inside("<style>", "</style>")]
        {
            let hash = STANDARD.encode(Sha256::digest(part));
            assert!(page.contains(&format!("'sha256-{hash}'")), "{page}");
        }
        assert!(page.contains("connect-src 'none'"));
    }

    #[test]
    fn the_guide_gets_the_new_sum_in_place_of_the_old() {
        let (old, new) = ("a".repeat(64), "b".repeat(64));
        assert_eq!(with_sum(&format!("x `{old}`."), &new).unwrap(), format!("x `{new}`."));
        assert!(with_sum("no sum", &new).is_err());
    }
}
