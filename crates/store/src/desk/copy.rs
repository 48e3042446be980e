//! Copies of the desk: for a backup, and for the log that follows a declared loss.

use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Desk, DeskError, fault};

/// Version of the SQLite that this program was built with.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

impl Desk {
    /// Version of the tables that this program writes.
    pub const VERSION: usize = super::VERSION;

    /// Writes the desk as it is now to a file that is absent or empty.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), DeskError> {
        let name = path.to_string_lossy();
        self.run(|connection| connection.execute("VACUUM INTO ?1", [&*name]).map(|_| ()))
    }

    /// Removes a setting.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn remove_setting(&self, name: &str) -> Result<(), DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("DELETE FROM setting WHERE name = ?1")?
                .execute([name])
                .map(|_| ())
        })
    }

    /// Forgets which documents came in and where kept ones lie: they belong to the log before, and
    /// what comes in again is recorded in the new one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn begin_anew(&self, prefix_of_places: &str) -> Result<(), DeskError> {
        self.run(|connection| {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute("DELETE FROM document", [])?;
            transaction.execute(
                "DELETE FROM setting WHERE substr(name, 1, length(?1)) = ?1",
                [prefix_of_places],
            )?;
            transaction.commit()
        })
    }
}

/// A desk that is looked at and never changed, also while a server has it open.
#[derive(Debug)]
pub struct DeskReader {
    connection: Connection,
    path: PathBuf,
}

impl DeskReader {
    /// Opens a desk as it is, older ones too.
    ///
    /// # Errors
    /// If the file is absent, damaged, or no database.
    pub fn open(path: &Path) -> Result<Self, DeskError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| fault(path, e))?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Version of its tables.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn version(&self) -> Result<i64, DeskError> {
        let version = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0));
        version.map_err(|e| fault(&self.path, e))
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, DeskError> {
        let value = self
            .connection
            .query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0))
            .optional();
        value.map_err(|e| fault(&self.path, e))
    }
}

/// Version that a closed database's file states in its header; `None` where it is no database.
#[must_use]
pub fn database_version(path: &Path) -> Option<u32> {
    let mut header = [0; 64];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    let version = header[60..].try_into().ok()?;
    header.starts_with(b"SQLite format 3\0").then(|| u32::from_be_bytes(version))
}
