//! Texts to small numbers and back.

use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension};

use super::row::MemberId;
use super::run;
use super::sql::{self, Sqlite, Value};
use super::terms;

/// Texts remembered per kind before the memory is emptied.
const REMEMBERED_MAX: usize = 200_000;

/// Adds a text that may be there already.
static STRING: LazyLock<String> = LazyLock::new(|| sql::insert(&Sqlite, "string", &["text"], true));
static IDENTIFIER: LazyLock<String> =
    LazyLock::new(|| sql::insert(&Sqlite, "identifier", &["text", "gtin"], true));

/// Numbers given to texts in this process, so that most look-ups need no query.
///
/// Invariant: it holds only what is committed or part of the transaction under way; a transaction
/// that fails must call [`Interner::forget`].
#[derive(Debug)]
pub(crate) struct Interner {
    identifiers: HashMap<String, i64>,
    strings: HashMap<String, i64>,
    members: HashMap<MemberId, i64>,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Interner { identifiers: HashMap::new(), strings: HashMap::new(), members: HashMap::new() }
    }

    pub(crate) fn forget(&mut self) {
        *self = Interner::new();
    }

    /// The number of an identifier given in canonical form; a new one if it has none.
    pub(crate) fn identifier(
        &mut self,
        connection: &Connection,
        canonical: &str,
    ) -> rusqlite::Result<i64> {
        let compact = terms::compact(canonical);
        if let Some(id) = self.identifiers.get(compact) {
            return Ok(*id);
        }
        let id = match self.add_identifier(connection, compact)? {
            Some(id) => id,
            None => {
                find_compact(connection, compact)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?
            }
        };
        if self.identifiers.len() >= REMEMBERED_MAX {
            self.identifiers.clear();
        }
        self.identifiers.insert(compact.to_owned(), id);
        Ok(id)
    }

    /// Its number, if it is new: most that are not remembered are, and one step finds out.
    fn add_identifier(
        &mut self,
        connection: &Connection,
        compact: &str,
    ) -> rusqlite::Result<Option<i64>> {
        let gtin =
            terms::gtin_of(compact).map(|text| self.identifier(connection, text)).transpose()?;
        let added = connection.prepare_cached(&IDENTIFIER)?.execute((compact, gtin))?;
        Ok((added > 0).then(|| connection.last_insert_rowid()))
    }

    /// The number of the lot that an item is of; the item is tied to it.
    pub(crate) fn lot_of(
        &mut self,
        connection: &Connection,
        item: i64,
        lot: &str,
    ) -> rusqlite::Result<i64> {
        let lot = self.identifier(connection, lot)?;
        connection
            .prepare_cached("UPDATE identifier SET lot = ?2 WHERE id = ?1 AND lot IS NULL")?
            .execute([item, lot])?;
        Ok(lot)
    }

    /// The number of any other text; a new one if it has none.
    pub(crate) fn string(&mut self, connection: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.strings.get(text) {
            return Ok(*id);
        }
        let id = match connection.prepare_cached(&STRING)?.execute([text])? {
            0 => find_string(connection, text)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
            _ => connection.last_insert_rowid(),
        };
        if self.strings.len() >= REMEMBERED_MAX {
            self.strings.clear();
        }
        self.strings.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The number of a member; a new one if it has none.
    pub(crate) fn member(
        &mut self,
        connection: &Connection,
        member: &MemberId,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.members.get(member) {
            return Ok(*id);
        }
        let id = match find_member(connection, member)? {
            Some(id) => id,
            None => connection
                .prepare_cached(&sql::insert(&Sqlite, "member", &["member"], false))?
                .insert([member.as_slice()])?,
        };
        self.members.insert(*member, id);
        Ok(id)
    }
}

/// The number of an identifier given in canonical form.
pub(crate) fn find_identifier(
    connection: &Connection,
    canonical: &str,
) -> rusqlite::Result<Option<i64>> {
    find_compact(connection, terms::compact(canonical))
}

fn find_compact(connection: &Connection, compact: &str) -> rusqlite::Result<Option<i64>> {
    run::id_where(connection, "identifier", "text", Value::Text(compact.to_owned()))
}

/// The number of another text.
pub(crate) fn find_string(connection: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    run::id_where(connection, "string", "text", Value::Text(text.to_owned()))
}

/// The number of a member.
pub(crate) fn find_member(
    connection: &Connection,
    member: &MemberId,
) -> rusqlite::Result<Option<i64>> {
    run::id_where(connection, "member", "member", Value::Bytes(member.to_vec()))
}

/// Removes an identifier that no event names any more, and then the lot and trade item that only
/// it belonged to.
pub(crate) fn forget_identifier(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let owners: Option<(Option<i64>, Option<i64>)> = connection
        .prepare_cached("SELECT lot, gtin FROM identifier WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let removed = connection
        .prepare_cached(
            "DELETE FROM identifier WHERE id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM event_identifier WHERE identifier = ?1) \
             AND NOT EXISTS (SELECT 1 FROM identifier WHERE lot = ?1) \
             AND NOT EXISTS (SELECT 1 FROM identifier WHERE gtin = ?1)",
        )?
        .execute([id])?;
    match owners {
        Some((lot, gtin)) if removed > 0 => {
            lot.into_iter().chain(gtin).try_for_each(|owner| forget_identifier(connection, owner))
        }
        _ => Ok(()),
    }
}
