//! Embeds the folder `mappings/` of the workspace, so that the binary needs no files beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let var = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let mappings = var("CARGO_MANIFEST_DIR").join("../../mappings");
    println!("cargo::rerun-if-changed={}", mappings.display());
    let mut folders = Vec::new();
    if mappings.is_dir() {
        for entry in fs::read_dir(&mappings)? {
            let path = entry?.path();
            if path.join("map.toml").is_file() {
                folders.push(path);
            }
        }
    }
    folders.sort();
    let mut source = String::from(
        "/// Name, `map.toml`, `map.vrl` and `units.csv` of each shipped mapping.\n\
         const SHIPPED: &[(&str, &str, &str, &str)] = &[\n",
    );
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let units = folder.join("units.csv");
        let units = if units.is_file() { include(&units) } else { "\"\"".to_owned() };
        let (manifest, program) =
            (include(&folder.join("map.toml")), include(&folder.join("map.vrl")));
        writeln!(source, "    ({name:?}, {manifest}, {program}, {units}),")
            .map_err(io::Error::other)?;
    }
    source.push_str("];\n");
    fs::write(var("OUT_DIR").join("shipped.rs"), source)
}

fn include(path: &Path) -> String {
    format!("include_str!({:?})", path.display().to_string())
}
