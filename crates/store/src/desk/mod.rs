//! The desk: what a node must remember that is on no ledger: documents seen, what waits in
//! quarantine, master data as given, settings.
//!
//! It is backed up and never rebuilt, hence synced at every commit. What is in it is in no other
//! place: a damaged desk is restored from a backup.

pub mod access;
mod access_rows;
mod copy;
pub mod jobs;
pub mod publications;

pub use copy::{DeskReader, database_version, sqlite_version};

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, params};

/// Version of the tables; older ones are brought up to it step by step when opened.
const VERSION: usize = MIGRATIONS.len();
/// Marks the file as a desk (`CMde`).
const APPLICATION_ID: i64 = 0x434d_6465;
/// Bytes of one text at most.
const TEXT_MAX: usize = 64 * 1024;
/// Bytes of one file of master data at most.
const MASTER_DATA_MAX: usize = 16 * 1024 * 1024;

/// One step per version, never changed once released.
const MIGRATIONS: [&str; 4] = [SPINE, access::SCHEMA, jobs::SCHEMA, publications::SCHEMA];

const SPINE: &str = "
CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    member        BLOB NOT NULL,
    source_system TEXT NOT NULL,
    document_id   TEXT NOT NULL,
    digest        BLOB NOT NULL,
    seen_at       INTEGER NOT NULL,
    outcome       TEXT NOT NULL,
    PRIMARY KEY (member, source_system, document_id, digest)
) STRICT;

CREATE TABLE quarantine (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    member        BLOB NOT NULL,
    source_system TEXT NOT NULL,
    document_id   TEXT NOT NULL,
    place         TEXT NOT NULL,
    kind          INTEGER NOT NULL,
    value         TEXT NOT NULL,
    message       TEXT NOT NULL,
    since         INTEGER NOT NULL,
    resolved_at   INTEGER
) STRICT;
CREATE INDEX quarantine_open ON quarantine (id) WHERE resolved_at IS NULL;

CREATE TABLE master_data (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
";

/// Why the desk cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The file is damaged.
    #[error("desk {} is damaged ({detail}): restore it from a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is a database of something else.
    #[error("{} is no desk of this program: restore the desk from a backup", path.display())]
    NotADesk {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(
        "desk {} has version {found}, this program knows versions up to {known}: \
         use the newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last one known here.
        known: usize,
    },
    /// Another process writes to it.
    #[error("desk {} is in use by another process: stop it, then try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The volume has no room left.
    #[error("no room left for desk {}: free some space, then try again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Two members cannot have one name or one id.
    #[error("there is a member `{name}` already, or one of the same id: choose another name")]
    MemberExists {
        /// The name.
        name: String,
    },
    /// A text is longer than the desk takes.
    #[error("{what} has {got} bytes, at most {TEXT_MAX} are allowed")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length.
        got: usize,
    },
    /// Any other failure of the database.
    #[error("desk {}: {error}", path.display())]
    Sql {
        /// The file.
        path: PathBuf,
        /// The database's reason.
        error: rusqlite::Error,
    },
}

/// A document that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDocument {
    /// The member it was taken in for.
    pub member: [u8; 16],
    /// The system it came from.
    pub source_system: String,
    /// Its id there.
    pub document_id: String,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// When it was taken in, Unix milliseconds.
    pub seen_at_ms: i64,
    /// What became of it, as the caller words it.
    pub outcome: String,
}

/// Whether a document was here before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// No document of this id.
    New,
    /// The very same bytes: here is what became of them.
    Same(SeenDocument),
    /// The id was here with other bytes: the last of them.
    Changed(SeenDocument),
}

/// What a code or a master-data row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i64)]
pub enum Kind {
    /// A company or a part of one.
    Party = 1,
    /// A place.
    Site = 2,
    /// A trade item.
    Item = 3,
    /// A unit of measure.
    Unit = 4,
}

impl Kind {
    fn from_number(number: i64) -> Option<Self> {
        [Kind::Party, Kind::Site, Kind::Item, Kind::Unit]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

/// Something that a document names and nobody here knows: never guessed, but asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The member it was taken in for.
    pub member: [u8; 16],
    /// The system the document came from.
    pub source_system: String,
    /// The document.
    pub document_id: String,
    /// Where in the document: line and column, segment, pointer.
    pub place: String,
    /// What kind of thing it should name.
    pub kind: Kind,
    /// The value that is unknown.
    pub value: String,
    /// What to do about it.
    pub message: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
}

/// An open desk.
#[derive(Debug)]
pub struct Desk {
    connection: Connection,
    path: PathBuf,
}

impl Desk {
    /// Opens the desk; makes an empty one where there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// If the file is damaged, foreign, of a newer program, in use, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, DeskError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| fault(path, error))?;
        let mut desk = Desk { connection, path: path.to_owned() };
        desk.run(|connection| {
            connection.execute_batch(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF;",
            )
        })?;
        desk.migrate()?;
        Ok(desk)
    }

    /// Reads every page: for `fsck`.
    ///
    /// # Errors
    /// [`DeskError::Corrupt`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), DeskError> {
        let verdict: String =
            self.run(|c| c.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(DeskError::Corrupt { path: self.path.clone(), detail: verdict })
    }

    fn migrate(&mut self) -> Result<(), DeskError> {
        let (application, version, tables): (i64, i64, i64) = self.run(|connection| {
            let number = |query: &str| connection.query_row(query, [], |row| row.get(0));
            Ok((
                number("PRAGMA application_id")?,
                number("PRAGMA user_version")?,
                number("SELECT count(*) FROM sqlite_schema")?,
            ))
        })?;
        if application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0) {
            return Err(DeskError::NotADesk { path: self.path.clone() });
        }
        let done = match usize::try_from(version) {
            Ok(done) if done <= VERSION => done,
            _ => {
                let path = self.path.clone();
                return Err(DeskError::Newer { path, found: version, known: VERSION });
            }
        };
        for (at, step) in MIGRATIONS.iter().enumerate().skip(done) {
            let script = format!(
                "BEGIN; {step} PRAGMA application_id = {APPLICATION_ID}; \
                 PRAGMA user_version = {}; COMMIT;",
                at + 1
            );
            self.run(|connection| connection.execute_batch(&script))?;
        }
        Ok(())
    }

    fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DeskError> {
        work(&self.connection).map_err(|error| fault(&self.path, error))
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        })
    }

    /// The settings whose names begin with a prefix, by name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn settings_of(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, value FROM setting WHERE substr(name, 1, length(?1)) = ?1 \
                     ORDER BY name",
                )?
                .query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// Sets a setting; durable when this returns.
    ///
    /// # Errors
    /// If the file cannot be written or the value is too long.
    pub fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), DeskError> {
        bounded("a setting", value.len().max(name.len()))?;
        self.run(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
                .execute(params![name, value])
                .map(|_| ())
        })
    }

    /// Adds a file of master data, as it was given.
    ///
    /// # Errors
    /// If the file cannot be written or the text is too long.
    pub fn add_master_data(&self, name: &str, text: &str) -> Result<(), DeskError> {
        bounded("a file's name", name.len())?;
        if text.len() > MASTER_DATA_MAX {
            return Err(DeskError::TooLong { what: "a file of master data", got: text.len() });
        }
        self.run(|connection| {
            connection
                .prepare_cached("INSERT INTO master_data (name, text) VALUES (?1, ?2)")?
                .execute(params![name, text])
                .map(|_| ())
        })
    }

    /// The files of master data, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn master_data(&self) -> Result<Vec<String>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT text FROM master_data ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Whether the document was here before, by its id in its system and by its bytes.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn seen(
        &self,
        member: &[u8; 16],
        source_system: &str,
        document_id: &str,
        digest: &[u8; 32],
    ) -> Result<Seen, DeskError> {
        let found: Option<SeenDocument> = self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT member, source_system, document_id, digest, seen_at, outcome \
                     FROM document \
                     WHERE member = ?1 AND source_system = ?2 AND document_id = ?3 \
                     ORDER BY (digest = ?4) DESC, seen_at DESC, rowid DESC LIMIT 1",
                )?
                .query_row(params![member, source_system, document_id, digest], |row| {
                    Ok(SeenDocument {
                        member: row.get(0)?,
                        source_system: row.get(1)?,
                        document_id: row.get(2)?,
                        digest: row.get(3)?,
                        seen_at_ms: row.get(4)?,
                        outcome: row.get(5)?,
                    })
                })
                .optional()
        })?;
        Ok(match found {
            None => Seen::New,
            Some(document) if document.digest == *digest => Seen::Same(document),
            Some(document) => Seen::Changed(document),
        })
    }

    /// Notes what became of a document together with what it leaves in quarantine, both or
    /// neither. The same document again replaces its outcome.
    ///
    /// # Errors
    /// If the file cannot be written or a text is too long.
    pub fn note_document(
        &mut self,
        document: &SeenDocument,
        quarantined: &[Quarantined],
    ) -> Result<(), DeskError> {
        bounded("a document's id", document.document_id.len().max(document.source_system.len()))?;
        bounded("a document's outcome", document.outcome.len())?;
        for entry in quarantined {
            bounded("a value in quarantine", entry.value.len().max(entry.place.len()))?;
            bounded("a message in quarantine", entry.message.len())?;
        }
        let path = self.path.clone();
        let work = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT OR REPLACE INTO document \
                 (member, source_system, document_id, digest, seen_at, outcome) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    document.member,
                    document.source_system,
                    document.document_id,
                    document.digest,
                    document.seen_at_ms,
                    document.outcome
                ],
            )?;
            for entry in quarantined {
                insert_quarantined(&transaction, entry)?;
            }
            transaction.commit()
        };
        work(&mut self.connection).map_err(|error| fault(&path, error))
    }

    /// What waits in quarantine: entries with their numbers, oldest first, after this number.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn quarantine(&self, after: i64, limit: u32) -> Result<Vec<(i64, Quarantined)>, DeskError> {
        let found: Vec<Option<(i64, Quarantined)>> = self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, member, source_system, document_id, place, kind, value, message, \
                     since FROM quarantine WHERE resolved_at IS NULL AND id > ?1 \
                     ORDER BY id LIMIT ?2",
                )?
                .query_map(params![after, limit], read_quarantined)?
                .collect()
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Takes out of quarantine all of the member's entries that have this value of this kind in
    /// documents of this system; says how many there were.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn resolve(
        &self,
        member: &[u8; 16],
        kind: Kind,
        source_system: &str,
        value: &str,
        at_ms: i64,
    ) -> Result<usize, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "UPDATE quarantine SET resolved_at = ?4 WHERE resolved_at IS NULL \
                     AND kind = ?1 AND source_system = ?2 AND value = ?3 AND member = ?5",
                )?
                .execute(params![kind as i64, source_system, value, at_ms, member])
        })
    }
}

fn insert_quarantined(connection: &Connection, entry: &Quarantined) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO quarantine \
             (member, source_system, document_id, place, kind, value, message, since) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            entry.member,
            entry.source_system,
            entry.document_id,
            entry.place,
            entry.kind as i64,
            entry.value,
            entry.message,
            entry.since_ms
        ])
        .map(|_| ())
}

/// None for a kind of a later version.
fn read_quarantined(row: &Row<'_>) -> rusqlite::Result<Option<(i64, Quarantined)>> {
    let Some(kind) = Kind::from_number(row.get(5)?) else { return Ok(None) };
    Ok(Some((
        row.get(0)?,
        Quarantined {
            member: row.get(1)?,
            source_system: row.get(2)?,
            document_id: row.get(3)?,
            place: row.get(4)?,
            kind,
            value: row.get(6)?,
            message: row.get(7)?,
            since_ms: row.get(8)?,
        },
    )))
}

fn bounded(what: &'static str, got: usize) -> Result<(), DeskError> {
    if got > TEXT_MAX { Err(DeskError::TooLong { what, got }) } else { Ok(()) }
}

fn fault(path: &Path, error: rusqlite::Error) -> DeskError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            DeskError::Corrupt { path, detail: error.to_string() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DeskError::Busy { path },
        Some(ErrorCode::DiskFull) => DeskError::Full { path },
        _ => DeskError::Sql { path, error },
    }
}
