//! The index: what EPCIS queries and traces look up. It holds nothing of its own: it is rebuilt
//! from log, objects and vault, so that a damaged or outdated file is thrown away, not repaired.
//!
//! A [`Index`] is one connection. The one that writes is opened with [`Index::create`] or
//! [`Index::open`]; any number of threads read through [`Index::open_reader`]. Rows belong to a
//! member, the one who holds the event; a question names the members it may be answered for.

mod decimal_key;
mod error;
mod event_key;
mod forget;
mod intern;
mod links;
mod names;
mod parameters;
mod pattern;
mod query;
mod row;
mod run;
mod schema;
mod sql;
mod terms;
mod time;
mod token;
pub mod trace;
mod writer;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

/// Version of the tables that this program makes; older ones are made again on opening.
pub const VERSION: i64 = schema::SCHEMA_VERSION;

pub use error::{IndexError, QueryError};
pub use parameters::{IdentifierPattern, OrderBy, Query};
pub use query::Page;
pub use row::{
    Applied, BlockRows, Erasure, EventRow, FIELD_CLASSES_ALL, FieldClass, LogPosition, MemberId,
    RecordId, RecordRow, VaultLocation,
};

use intern::Interner;

/// An open index.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
    path: PathBuf,
    interner: Interner,
}

/// Statements that one connection keeps prepared.
const STATEMENTS_CACHED: usize = 128;

impl Index {
    /// Makes an empty index where none is yet.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, IndexError> {
        if path.exists() {
            return Err(IndexError::Exists { path: path.to_owned() });
        }
        let connection =
            Connection::open(path).map_err(|error| IndexError::from_sql(path, error))?;
        let index = Self::configured(connection, path)?;
        index
            .connection
            .execute_batch(&format!(
                "PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL; BEGIN; {} {} \
                 PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                schema::CREATE,
                schema::STATISTICS,
                schema::APPLICATION_ID,
                schema::SCHEMA_VERSION
            ))
            .map_err(|error| index.fault(error))?;
        Ok(index)
    }

    /// Opens an existing index for writing and reading.
    ///
    /// # Errors
    /// If there is none, or it is damaged, of another version, or no index; each says to rebuild.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    /// Opens an existing index for reading only; as many as there are threads to read.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_reader(path: &Path) -> Result<Self, IndexError> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    /// Removes the files of an index, before it is made anew from log, objects and vault.
    ///
    /// # Errors
    /// If a file exists and cannot be removed.
    pub fn remove(path: &Path) -> Result<(), IndexError> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(IndexError::Io { path: name.into(), error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The height of the last block whose rows are in, if any.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn applied_height(&self) -> Result<Option<u64>, IndexError> {
        writer::applied_height(&self.connection).map_err(|error| self.fault(error))
    }

    /// Reads every page and compares every table with its indexes. Slow: for `fsck`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), IndexError> {
        let verdict: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|error| self.fault(error))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(IndexError::Corrupt { path: self.path.clone(), detail: verdict })
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self, IndexError> {
        if !path.exists() {
            return Err(IndexError::Absent { path: path.to_owned() });
        }
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| IndexError::from_sql(path, error))?;
        let index = Self::configured(connection, path)?;
        let application: i64 = index.pragma("application_id")?;
        if application != schema::APPLICATION_ID {
            return Err(IndexError::NotAnIndex { path: path.to_owned() });
        }
        let found: i64 = index.pragma("user_version")?;
        if found != schema::SCHEMA_VERSION {
            return Err(IndexError::SchemaVersion {
                path: path.to_owned(),
                found,
                expected: schema::SCHEMA_VERSION,
            });
        }
        // A file whose first page is sound may have lost the rest: this reads the schema.
        index.applied_height()?;
        Ok(index)
    }

    fn configured(connection: Connection, path: &Path) -> Result<Self, IndexError> {
        let index = Index { connection, path: path.to_owned(), interner: Interner::new() };
        index
            .connection
            .execute_batch(
                "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF; \
                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; \
                 PRAGMA mmap_size = 1073741824; PRAGMA busy_timeout = 5000; \
                 PRAGMA wal_autocheckpoint = 16384;",
            )
            .map_err(|error| index.fault(error))?;
        index.connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        Ok(index)
    }

    fn pragma(&self, name: &str) -> Result<i64, IndexError> {
        self.connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(|error| self.fault(error))
    }

    fn fault(&self, error: rusqlite::Error) -> IndexError {
        IndexError::from_sql(&self.path, error)
    }
}
