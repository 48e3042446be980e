//! Copies of the desk: for a backup, and for the log that follows a declared loss.

use std::path::Path;

use super::{Desk, DeskError};

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
