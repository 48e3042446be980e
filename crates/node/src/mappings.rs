//! The mappings that imports use: those shipped, and those of a folder beside them.

use std::path::Path;

use countermark_intake::Library;
pub use countermark_intake::Mapping;

use serde::{Deserialize, Serialize};

use crate::error::NodeError;
use crate::sequencer::chain;

/// Mappings by name.
pub struct Mappings(Library);

/// A mapping in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it reads.
    pub source: String,
    /// The event types that it makes.
    pub emits: Vec<String>,
    /// How far it is verified: `none`, `documents` or `live system`.
    pub verified: String,
}

impl Mappings {
    /// The shipped mappings, with those of a folder added or put in their place.
    ///
    /// # Errors
    /// [`NodeError::Usage`] names the file that is wrong.
    pub fn load(folder: Option<&Path>) -> Result<Self, NodeError> {
        let mut library = Library::shipped();
        if let Some(folder) = folder {
            library.add_folder(folder).map_err(|e| NodeError::Usage(chain(&e)))?;
        }
        Ok(Self(library))
    }

    /// A mapping, compiled.
    ///
    /// # Errors
    /// [`NodeError::Usage`] where there is none of that name, or it does not compile.
    pub fn find(&self, name: &str) -> Result<Mapping, NodeError> {
        self.0.get(name).map_err(|e| NodeError::Usage(chain(&e)))
    }

    /// All mappings, in short.
    ///
    /// # Errors
    /// As [`Mappings::find`].
    pub fn describe(&self) -> Result<Vec<Description>, NodeError> {
        self.0
            .names()
            .map(|name| {
                let mapping = self.find(name)?;
                let manifest = mapping.manifest();
                Ok(Description {
                    id: manifest.id.clone(),
                    version: manifest.version.to_string(),
                    source: format!("{} {}", manifest.format.as_str(), manifest.message)
                        .trim()
                        .to_owned(),
                    emits: manifest.emits.clone(),
                    verified: manifest.verified.as_str().to_owned(),
                })
            })
            .collect()
    }
}
