//! The mappings that are shipped, and folders that add to them or take their place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Manifest, Mapping, MappingError};

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The texts of one mapping's files.
#[derive(Debug, Clone)]
struct Texts {
    manifest: String,
    program: String,
    units: String,
}

/// Mappings by name. Each is compiled when it is asked for.
#[derive(Debug, Clone)]
pub struct Library {
    mappings: BTreeMap<String, Texts>,
}

/// Why a mapping could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No mapping of that name.
    #[error("no mapping \"{name}\"; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// It does not load.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A file of a folder could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Library {
    /// The shipped mappings.
    #[must_use]
    pub fn shipped() -> Self {
        let mappings = SHIPPED
            .iter()
            .map(|(id, manifest, program, units)| {
                let texts = Texts {
                    manifest: (*manifest).to_owned(),
                    program: (*program).to_owned(),
                    units: (*units).to_owned(),
                };
                ((*id).to_owned(), texts)
            })
            .collect();
        Library { mappings }
    }

    /// Adds every sub-folder of `folder` that holds a `map.toml`; one that has the name of a
    /// shipped mapping takes its place.
    ///
    /// # Errors
    /// When a file cannot be read. Whether the mapping is sound is found when it is asked for.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), LibraryError> {
        let io = |path: &Path, source| LibraryError::Io { path: path.to_owned(), source };
        let read = |path: PathBuf| std::fs::read_to_string(&path).map_err(|e| io(&path, e));
        for entry in std::fs::read_dir(folder).map_err(|e| io(folder, e))? {
            let path = entry.map_err(|e| io(folder, e))?.path();
            let manifest = path.join("map.toml");
            let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !manifest.is_file() {
                continue;
            }
            let units = path.join("units.csv");
            let texts = Texts {
                manifest: read(manifest)?,
                program: read(path.join("map.vrl"))?,
                units: if units.is_file() { read(units)? } else { String::new() },
            };
            self.mappings.insert(id.to_owned(), texts);
        }
        Ok(())
    }

    /// The names of the mappings.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.mappings.keys().map(String::as_str)
    }

    fn texts(&self, name: &str) -> Result<&Texts, LibraryError> {
        self.mappings.get(name).ok_or_else(|| LibraryError::Unknown {
            name: name.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })
    }

    /// What one mapping says about itself, without compiling it.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`] lists the names there are; a wrong `map.toml` is named.
    pub fn manifest(&self, name: &str) -> Result<Manifest, LibraryError> {
        let parsed = Manifest::parse(name, &self.texts(name)?.manifest);
        Ok(parsed.map_err(|fault| MappingError::Manifest { id: name.to_owned(), fault })?)
    }

    /// Compiles one mapping.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`] lists the names there are.
    pub fn get(&self, name: &str) -> Result<Mapping, LibraryError> {
        let texts = self.texts(name)?;
        Ok(Mapping::from_texts(name, &texts.manifest, &texts.program, &texts.units)?)
    }
}
