//! The state map in SQLite (`state.db`).
//!
//! The state is worked out again from the log whenever it is lost, so commits are atomic but need
//! not reach the disk at once: write-ahead log, `synchronous = NORMAL`. After a power cut the file
//! stands at the height of some earlier block, which it names, and the blocks since are applied
//! again. It is never ahead of a log that is durable before it.
//!
//! For the same reason blocks that follow one another share a transaction, which ends after
//! so many entries and when the store is dropped: keys are hashes, so each block touches
//! pages all over the file, and what several blocks touch is then written once. This connection is
//! the only one and reads what is not yet committed; a crash takes it, and the log gives it back.

use countermark_ledger::ids::Hash;
use countermark_ledger::state::{
    PageId, StateError, StateHead, StateStore, StateView, StateWrites, check_follows, root_of,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Marks the file as a state map of this program ("CMst").
const APPLICATION_ID: i32 = 0x434d_7374;
/// Version of the tables.
/// Version of the tables that this program makes.
pub const VERSION: i64 = SCHEMA_VERSION as i64;
const SCHEMA_VERSION: i32 = 1;
/// Pages down to this depth stay in memory: at most 1 + 16 + 256 + 4096 of them.
const CACHED_DEPTH: usize = 3;
/// SQLite's own page cache, in KiB.
const SQLITE_CACHE_KIB: i64 = 64 * 1024;

/// Pages in the write-ahead log before they are moved to the database: keys are hashes, so blocks
/// write all over the file, and many blocks' writes to one page are moved once.
const CHECKPOINT_PAGES: i64 = 16 * 1024;

/// Entries that a crash may take from the state, to be made again from the log on opening.
const UNSETTLED_MAX: usize = 16 * 1024;

const SCHEMA: &str = "
    CREATE TABLE head (
        only INTEGER PRIMARY KEY CHECK (only = 0), height INTEGER NOT NULL, root BLOB NOT NULL
    ) STRICT;
    CREATE TABLE entry (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE page (id BLOB PRIMARY KEY, slots BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// A state map in a SQLite file.
#[derive(Debug)]
pub struct SqliteState {
    connection: Connection,
    path: PathBuf,
    top: RefCell<BTreeMap<PageId, Vec<u8>>>,
    /// Entries written since the last commit of the database.
    unsettled: usize,
}

impl SqliteState {
    /// Opens the state map at a path, for this connection alone; makes an empty one where there is
    /// no file.
    ///
    /// # Errors
    /// [`StateError::Storage`] where the file cannot be opened, is open elsewhere, is no database,
    /// or is of another program or version. Deleting it and applying the log again is always possible.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let fault = |error| storage(path, &error);
        let connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(std::time::Duration::ZERO).map_err(fault)?;
        let mut state = SqliteState {
            connection,
            path: path.to_owned(),
            top: RefCell::default(),
            unsettled: 0,
        };
        state.prepare().map_err(|error| state.fault(&error))??;
        Ok(state)
    }

    fn prepare(&mut self) -> rusqlite::Result<Result<(), StateError>> {
        let connection = &mut self.connection;
        let number = |name: &str| -> rusqlite::Result<i32> {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        };
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let is_new = (application, version, tables) == (0, 0, 0);
        if !is_new && (application, version) != (APPLICATION_ID, SCHEMA_VERSION) {
            let message = format!(
                "{}: not a state map of version {SCHEMA_VERSION}; delete the file and the state is \
                 rebuilt from the log",
                self.path.display()
            );
            return Ok(Err(StateError::Storage(message)));
        }
        // One connection: what it keeps in memory is then never older than what is stored.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -SQLITE_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.set_prepared_statement_cache_capacity(16);
        if is_new {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
        }
        // Takes the lock now, not at the first block.
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
        Ok(Ok(()))
    }

    fn fault(&self, error: &rusqlite::Error) -> StateError {
        storage(&self.path, error)
    }

    /// Makes all blocks so far outlast the process.
    ///
    /// # Errors
    /// [`StateError::Storage`]; the state then stands at an earlier block.
    pub fn settle(&mut self) -> Result<(), StateError> {
        self.unsettled = 0;
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let settled = self.connection.execute_batch("COMMIT");
        settled.map_err(|error| {
            self.top.get_mut().clear();
            // Where this fails too, closing the connection rolls back.
            let _rolled_back = self.connection.execute_batch("ROLLBACK");
            self.fault(&error)
        })
    }

    /// Removes everything: the map stands before the first block again.
    ///
    /// # Errors
    /// [`StateError::Storage`].
    pub fn clear(&mut self) -> Result<(), StateError> {
        self.settle()?;
        self.top.get_mut().clear();
        let cleared = self
            .connection
            .execute_batch("BEGIN; DELETE FROM entry; DELETE FROM page; DELETE FROM head; COMMIT;");
        cleared.map_err(|error| self.fault(&error))
    }

    /// Works the root out anew from all entries and compares it with the recorded one.
    ///
    /// # Errors
    /// [`StateError::Damaged`] where an entry was altered, added or lost.
    pub fn check(&self) -> Result<(), StateError> {
        let root = self.root()?;
        let read = || -> rusqlite::Result<Hash> {
            let mut statement = self.connection.prepare("SELECT key, value FROM entry")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get_ref(0)?.as_blob()?.to_vec(), row.get_ref(1)?.as_blob()?.to_vec()))
            })?;
            let entries = rows.collect::<rusqlite::Result<Vec<(Vec<u8>, Vec<u8>)>>>()?;
            Ok(root_of(entries.iter().map(|(key, value)| (&key[..], &value[..]))))
        };
        if read().map_err(|error| self.fault(&error))? == root {
            Ok(())
        } else {
            Err(StateError::Damaged(format!("{}: the entries", self.path.display())))
        }
    }

    fn blob(&self, query: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(query)?;
            statement.query_row([key], |row| row.get(0)).optional()
        };
        read().map_err(|error| self.fault(&error))
    }

    fn write(&mut self, height: i64, writes: &StateWrites) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            self.connection.execute_batch("BEGIN")?;
        }
        let transaction = self.connection.savepoint()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT INTO entry VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            )?;
            let mut remove = transaction.prepare_cached("DELETE FROM entry WHERE key = ?1")?;
            for (key, value) in &writes.values {
                match value {
                    Some(value) => put.execute(params![key, value])?,
                    None => remove.execute(params![key])?,
                };
            }
            let mut put = transaction.prepare_cached(
                "INSERT INTO page VALUES (?1, ?2) ON CONFLICT DO UPDATE SET slots = excluded.slots",
            )?;
            let mut remove = transaction.prepare_cached("DELETE FROM page WHERE id = ?1")?;
            for (id, page) in &writes.pages {
                match page {
                    Some(page) => put.execute(params![id.to_bytes(), page])?,
                    None => remove.execute(params![id.to_bytes()])?,
                };
            }
            transaction.execute(
                "INSERT INTO head VALUES (0, ?1, ?2)
                 ON CONFLICT DO UPDATE SET height = excluded.height, root = excluded.root",
                params![height, writes.root],
            )?;
        }
        transaction.commit()
    }
}

fn storage(path: &Path, error: &rusqlite::Error) -> StateError {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => "; it is open in another process, or twice in this one",
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "; delete the file and the state is rebuilt from the log"
        }
        _ => "",
    };
    StateError::Storage(format!("{}: {error}{hint}", path.display()))
}

impl Drop for SqliteState {
    fn drop(&mut self) {
        // What cannot be kept is made again from the log.
        let _settled = self.settle();
    }
}

impl StateView for SqliteState {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.blob("SELECT value FROM entry WHERE key = ?1", key)
    }

    fn page(&self, id: &PageId) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(page) = self.top.borrow().get(id) {
            return Ok(Some(page.clone()));
        }
        let page = self.blob("SELECT slots FROM page WHERE id = ?1", &id.to_bytes())?;
        if let (Some(page), true) = (&page, id.depth() <= CACHED_DEPTH) {
            self.top.borrow_mut().insert(*id, page.clone());
        }
        Ok(page)
    }

    fn head(&self) -> Result<Option<StateHead>, StateError> {
        let read = || {
            let mut statement = self.connection.prepare_cached("SELECT height, root FROM head")?;
            let row = statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
            row.optional()
        };
        let head = read().map_err(|error| self.fault(&error))?;
        let Some((height, root)) = head else { return Ok(None) };
        let damaged = |_| StateError::Damaged(format!("{}: the height", self.path.display()));
        Ok(Some(StateHead { height: u64::try_from(height).map_err(damaged)?, root }))
    }
}

impl StateStore for SqliteState {
    fn commit(&mut self, height: u64, writes: &StateWrites) -> Result<(), StateError> {
        check_follows(self.head()?, height)?;
        let number =
            i64::try_from(height).map_err(|_| StateError::TooLong(format!("height {height}")))?;
        if let Err(error) = self.write(number, writes) {
            // What is in memory may no longer be what is stored.
            self.top.get_mut().clear();
            return Err(self.fault(&error));
        }
        self.unsettled += writes.values.len() + 1;
        if self.unsettled >= UNSETTLED_MAX {
            self.settle()?;
        }
        let top = self.top.get_mut();
        for (id, page) in writes.pages.iter().filter(|(id, _)| id.depth() <= CACHED_DEPTH) {
            match page {
                Some(page) => top.insert(*id, page.clone()),
                None => top.remove(id),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
