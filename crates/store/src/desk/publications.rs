//! What was released to the public about an identifier, and recalls.
//!
//! What a release says is the caller's business; the desk keeps its text, and beside it the bundles
//! that strangers may check, as they were made when it was released.

use rusqlite::{OptionalExtension, Row, params};

use super::{Desk, DeskError, bounded, fault};

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE publication (
    identifier TEXT NOT NULL PRIMARY KEY,
    member     BLOB NOT NULL,
    body       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE publication_bundle (
    identifier TEXT NOT NULL,
    number     INTEGER NOT NULL,
    bundle     BLOB NOT NULL,
    PRIMARY KEY (identifier, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE recall (
    identifier TEXT NOT NULL PRIMARY KEY,
    member     BLOB NOT NULL,
    body       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Bytes of one bundle at most.
const BUNDLE_MAX: usize = 4 * 1024 * 1024;

/// A release or a recall as the desk keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRow {
    /// The canonical identifier that it is about.
    pub identifier: String,
    /// In whose name it was released.
    pub member: [u8; 16],
    /// What it says, as the caller words it.
    pub body: String,
    /// When it was released, Unix milliseconds.
    pub at_ms: i64,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// What the public may know.
    Release,
    /// What the public must know.
    Recall,
}

impl Published {
    fn put(self) -> &'static str {
        match self {
            Self::Release => {
                "INSERT OR REPLACE INTO publication (identifier, member, body, at) \
                 VALUES (?1, ?2, ?3, ?4)"
            }
            Self::Recall => {
                "INSERT OR REPLACE INTO recall (identifier, member, body, at) \
                 VALUES (?1, ?2, ?3, ?4)"
            }
        }
    }

    fn get(self) -> &'static str {
        match self {
            Self::Release => {
                "SELECT identifier, member, body, at FROM publication WHERE identifier = ?1"
            }
            Self::Recall => "SELECT identifier, member, body, at FROM recall WHERE identifier = ?1",
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Release => {
                "SELECT identifier, member, body, at FROM publication WHERE identifier > ?1 \
                 ORDER BY identifier LIMIT ?2"
            }
            Self::Recall => {
                "SELECT identifier, member, body, at FROM recall WHERE identifier > ?1 \
                 ORDER BY identifier LIMIT ?2"
            }
        }
    }

    fn remove(self) -> &'static str {
        match self {
            Self::Release => "DELETE FROM publication WHERE identifier = ?1",
            Self::Recall => "DELETE FROM recall WHERE identifier = ?1",
        }
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<PublishedRow> {
    Ok(PublishedRow {
        identifier: row.get(0)?,
        member: row.get(1)?,
        body: row.get(2)?,
        at_ms: row.get(3)?,
    })
}

impl Desk {
    /// Puts a release or a recall in the place of an earlier one of the identifier, with its bundles
    /// (a recall has none): all of it or nothing.
    ///
    /// # Errors
    /// If a text is too long, or the file cannot be written.
    pub fn publish(
        &mut self,
        what: Published,
        row: &PublishedRow,
        bundles: &[Vec<u8>],
    ) -> Result<(), DeskError> {
        bounded("a published identifier", row.identifier.len())?;
        bounded("a publication", row.body.len())?;
        if let Some(bundle) = bundles.iter().find(|bundle| bundle.len() > BUNDLE_MAX) {
            return Err(DeskError::TooLong { what: "a published bundle", got: bundle.len() });
        }
        let path = self.path.clone();
        let mut work = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            transaction
                .execute(what.put(), params![row.identifier, row.member, row.body, row.at_ms])?;
            if what == Published::Release {
                transaction.execute(
                    "DELETE FROM publication_bundle WHERE identifier = ?1",
                    [&row.identifier],
                )?;
            }
            for (number, bundle) in (0_i64..).zip(bundles) {
                transaction.execute(
                    "INSERT INTO publication_bundle (identifier, number, bundle) \
                     VALUES (?1, ?2, ?3)",
                    params![row.identifier, number, bundle],
                )?;
            }
            transaction.commit()
        };
        work().map_err(|error| fault(&path, error))
    }

    /// The release or recall of exactly this identifier.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn published(
        &self,
        what: Published,
        identifier: &str,
    ) -> Result<Option<PublishedRow>, DeskError> {
        self.run(|connection| {
            connection.prepare_cached(what.get())?.query_row([identifier], read).optional()
        })
    }

    /// Releases or recalls by identifier, after this one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn published_list(
        &self,
        what: Published,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PublishedRow>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(what.list())?
                .query_map(params![after, limit], read)?
                .collect()
        })
    }

    /// A bundle that was released with an identifier.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn published_bundle(
        &self,
        identifier: &str,
        number: u32,
    ) -> Result<Option<Vec<u8>>, DeskError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT bundle FROM publication_bundle WHERE identifier = ?1 AND number = ?2",
                )?
                .query_row(params![identifier, number], |row| row.get(0))
                .optional()
        })
    }

    /// Takes a release with its bundles, or a recall, away; says whether there was one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn unpublish(&mut self, what: Published, identifier: &str) -> Result<bool, DeskError> {
        let path = self.path.clone();
        let mut work = || -> rusqlite::Result<bool> {
            let transaction = self.connection.transaction()?;
            let removed = transaction.execute(what.remove(), [identifier])?;
            if what == Published::Release {
                transaction.execute(
                    "DELETE FROM publication_bundle WHERE identifier = ?1",
                    [identifier],
                )?;
            }
            transaction.commit()?;
            Ok(removed > 0)
        };
        work().map_err(|error| fault(&path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(identifier: &str, body: &str) -> PublishedRow {
        PublishedRow { identifier: identifier.into(), member: [7; 16], body: body.into(), at_ms: 5 }
    }

    #[test]
    fn a_release_replaces_the_earlier_one_with_its_bundles_and_goes_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&folder.path().join("desk")).unwrap();
        let release = Published::Release;
        desk.publish(release, &row("a", "one"), &[vec![1], vec![2]]).unwrap();
        desk.publish(release, &row("a", "two"), &[vec![3]]).unwrap();
        assert_eq!(desk.published(release, "a").unwrap().unwrap().body, "two");
        assert_eq!(desk.published_bundle("a", 0).unwrap(), Some(vec![3]));
        assert_eq!(desk.published_bundle("a", 1).unwrap(), None);
        assert!(desk.unpublish(release, "a").unwrap());
        assert!(!desk.unpublish(release, "a").unwrap());
        assert_eq!(desk.published_bundle("a", 0).unwrap(), None);
    }

    #[test]
    fn recalls_and_releases_of_one_identifier_are_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&folder.path().join("desk")).unwrap();
        desk.publish(Published::Release, &row("a", "release"), &[vec![1]]).unwrap();
        desk.publish(Published::Recall, &row("a", "recall"), &[]).unwrap();
        desk.publish(Published::Recall, &row("b", "recall"), &[]).unwrap();
        assert!(desk.unpublish(Published::Recall, "a").unwrap());
        assert_eq!(desk.published_bundle("a", 0).unwrap(), Some(vec![1]));
        let left = desk.published_list(Published::Recall, "", 10).unwrap();
        assert_eq!(left, [row("b", "recall")]);
        assert_eq!(desk.published_list(Published::Release, "a", 10).unwrap(), []);
    }
}
