//! What can go wrong with the index and with a question to it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the index cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no file.
    #[error("there is no index at {}: run `countermark index rebuild`", path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// A new index was asked for where there is a file already.
    #[error("{} exists already: remove the old index before a new one is made", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{} is no index of this ledger: run `countermark index rebuild`", path.display())]
    NotAnIndex {
        /// The file.
        path: PathBuf,
    },
    /// The file was made by another version of this program.
    #[error(
        "index {} has schema version {found}, this program needs {expected}: \
         run `countermark index rebuild`",
        path.display()
    )]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        expected: i64,
    },
    /// The file is damaged.
    #[error("index {} is damaged ({detail}): run `countermark index rebuild`", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// Another process writes to it.
    #[error("index {} is in use by another process: stop it, then try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The volume has no room left.
    #[error("no room left for index {}: free some space, then try again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read, written or removed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A block was handed in before the one that it follows.
    #[error("block {got} was to be indexed, but block {expected} comes next")]
    Gap {
        /// The height that comes next.
        expected: u64,
        /// The height handed in.
        got: u64,
    },
    /// A row does not fit the tables.
    #[error("record {record} of block {height}: {what}")]
    Row {
        /// The record's id in hexadecimal.
        record: String,
        /// The block's height.
        height: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// The question cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Any other failure of the database.
    #[error("index {}: {error}", path.display())]
    Sql {
        /// The file.
        path: PathBuf,
        /// The database's reason.
        error: rusqlite::Error,
    },
}

impl IndexError {
    pub(crate) fn from_sql(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                IndexError::Corrupt { path, detail: error.to_string() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => IndexError::Busy { path },
            Some(ErrorCode::DiskFull) => IndexError::Full { path },
            // A lost table or a value of the wrong type in a file of the right version is damage.
            _ if is_damage(&error) => IndexError::Corrupt { path, detail: error.to_string() },
            _ => IndexError::Sql { path, error },
        }
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => true,
        rusqlite::Error::SqliteFailure(_, Some(message))
        | rusqlite::Error::SqlInputError { msg: message, .. } => {
            message.contains("no such table") || message.contains("malformed")
        }
        _ => false,
    }
}

/// Why a question cannot be answered; names the parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No query parameter of EPCIS has this name.
    #[error("unknown query parameter `{name}`{}", hint(nearest.as_deref()))]
    Unknown {
        /// As given.
        name: String,
        /// The known name that it is most like.
        nearest: Option<String>,
    },
    /// EPCIS defines it, this index does not serve it.
    #[error("query parameter `{name}` is not supported: {reason}")]
    Unsupported {
        /// As given.
        name: String,
        /// Why, and what to use instead where there is something.
        reason: &'static str,
    },
    /// The value is not one that the parameter takes.
    #[error("query parameter `{name}`: `{value}` is not {expected}")]
    Malformed {
        /// As given.
        name: String,
        /// The value, cut to 200 characters.
        value: String,
        /// What would be.
        expected: &'static str,
    },
    /// The same parameter twice; EPCIS takes a list, separated by commas.
    #[error("query parameter `{name}` is given twice: separate several values by commas")]
    Twice {
        /// As given.
        name: String,
    },
    /// Two parameters that exclude each other.
    #[error("query parameters `{one}` and `{other}` exclude each other")]
    Exclusive {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The question is longer or asks for more values than an index answers.
    #[error("the query has {got} {what}, at most {limit} are allowed")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More events match than `maxEventCount` (EPCIS `QueryTooLargeException`).
    #[error("more than {limit} events match: narrow the query or raise `maxEventCount`")]
    TooLarge {
        /// The value of `maxEventCount`.
        limit: u64,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
