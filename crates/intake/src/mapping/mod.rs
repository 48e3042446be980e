//! Mappings: folders of data that say which field of a foreign document means what.
//!
//! A folder holds `map.toml` (what it reads and emits), `map.vrl` (the program), `units.csv` (the
//! source's unit codes) and `examples/` (documents with the events they give, which are its
//! tests). Adding a format is adding a folder, and a reader where the syntax is new.

mod library;
mod manifest;
mod units;

use countermark_epcis::json::Json;

pub use library::{Library, LibraryError};
pub use manifest::{Manifest, ManifestError, TimeRules, Verified};
pub use units::{Unit, UnitError, UnitKind, Units};

use crate::limits;
use crate::master::MasterData;
use crate::outcome::Outcome;
use crate::readers::{self, ReadError};
use crate::resolve;
use crate::script::{Script, ScriptError};
use crate::tree::Tree;

/// A loaded mapping, ready to run.
#[derive(Debug)]
pub struct Mapping {
    manifest: Manifest,
    script: Script,
    units: Units,
}

/// Why a mapping could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// `map.toml` is not what it has to be.
    #[error("mapping \"{id}\": map.toml: {fault}")]
    Manifest {
        /// Name of the folder.
        id: String,
        /// What is wrong.
        fault: ManifestError,
    },
    /// `map.vrl` does not compile.
    #[error("mapping \"{id}\": map.vrl: {fault}")]
    Script {
        /// Name of the folder.
        id: String,
        /// What is wrong, with a caret.
        fault: ScriptError,
    },
    /// `units.csv` is not what it has to be.
    #[error("mapping \"{id}\": units.csv: {fault}")]
    Units {
        /// Name of the folder.
        id: String,
        /// What is wrong.
        fault: UnitError,
    },
}

/// Why a document gave no outcome at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The mapping failed on it.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl Mapping {
    /// Loads a mapping from the texts of its three files; `units` may be empty.
    ///
    /// # Errors
    /// [`MappingError`] names the file and what is wrong in it.
    pub fn from_texts(
        id: &str,
        manifest: &str,
        program: &str,
        units: &str,
    ) -> Result<Self, MappingError> {
        let id = || id.to_owned();
        let manifest = Manifest::parse(&id(), manifest)
            .map_err(|fault| MappingError::Manifest { id: id(), fault })?;
        let script =
            Script::compile(program).map_err(|fault| MappingError::Script { id: id(), fault })?;
        let units = Units::parse(units).map_err(|fault| MappingError::Units { id: id(), fault })?;
        Ok(Mapping { manifest, script, units })
    }

    /// What the mapping says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The unit codes of the source.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Reads a document into the tree that this mapping works on.
    ///
    /// # Errors
    /// See [`readers::read`].
    pub fn read(&self, bytes: &[u8]) -> Result<Tree, ReadError> {
        let options = &self.manifest.options;
        // A table is a table: a spreadsheet is taken by every mapping that takes CSV.
        let format = match self.manifest.format {
            crate::Format::Csv if bytes.starts_with(b"PK\x03\x04") => crate::Format::Xlsx,
            format => format,
        };
        readers::read(format, bytes, options)
    }

    /// Maps and resolves a tree. Whole document or nothing: an error or something unknown leaves
    /// no events.
    ///
    /// # Errors
    /// [`ScriptError`] when the program stops itself or takes too long.
    pub fn run(&self, tree: &Tree, master: &dyn MasterData) -> Result<Outcome, ScriptError> {
        let size = u64::try_from(size_of(&tree.root)).unwrap_or(u64::MAX);
        let steps = limits::STEPS_BASE.saturating_add(size.saturating_mul(limits::STEPS_PER_BYTE));
        let result = self.script.run(&tree.root, steps)?;
        Ok(resolve::outcome(self, tree, &result, master))
    }

    /// Reads, maps and resolves a document.
    ///
    /// # Errors
    /// [`IntakeError`] when it cannot be read or the mapping fails on it.
    pub fn import(&self, bytes: &[u8], master: &dyn MasterData) -> Result<Outcome, IntakeError> {
        let tree = self.read(bytes)?;
        Ok(self.run(&tree, master)?)
    }
}

/// About how many bytes of text a tree holds.
fn size_of(json: &Json) -> usize {
    match json {
        Json::Null | Json::Bool(_) => 4,
        Json::Number(text) | Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(size_of).sum::<usize>() + 2,
        Json::Object(members) => {
            members.iter().map(|(name, value)| name.len() + size_of(value)).sum::<usize>() + 2
        }
    }
}
