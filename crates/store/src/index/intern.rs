//! Texts to small numbers and back.

use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::row::MemberId;
use super::run;
use super::sql::{self, Column, Filter, Select, Sqlite, Table, Value};
use super::terms;

/// Texts remembered per kind before the memory is emptied.
const REMEMBERED_MAX: usize = 200_000;

static STRING: LazyLock<String> =
    LazyLock::new(|| sql::insert(&Sqlite, "string", &["text_key", "text"], false));
/// Adds a text that may be there already.
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
        let key = text_key(text);
        let found = connection
            .prepare_cached("SELECT id FROM string WHERE text_key = ?1 AND text = ?2")?
            .query_row((key, text), |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => connection.prepare_cached(&STRING)?.insert((key, text))?,
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

/// What a text is looked up by.
fn text_key(text: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The number of another text.
pub(crate) fn find_string(connection: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    let by_key = Filter::equal(Column("t", "text_key"), text_key(text));
    let by_text = Filter::equal(Column("t", "text"), Value::Text(text.to_owned()));
    let filter = Filter::All(vec![by_key, by_text]);
    let select = Select::new(Table("string", "t"), &[Column("t", "id")], filter);
    Ok(run::rows(connection, &select, |row| row.get(0))?.pop())
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

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn texts_of_the_same_key_keep_their_own_numbers() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schema::CREATE).unwrap();
        let other = "INSERT INTO string (id, text_key, text) VALUES (7, ?1, 'another')";
        connection.execute(other, [text_key("po-1")]).unwrap();
        let mut interner = Interner::new();
        let number = interner.string(&connection, "po-1").unwrap();
        assert_ne!(number, 7);
        interner.forget();
        assert_eq!(interner.string(&connection, "po-1").unwrap(), number, "found again");
        assert_eq!(find_string(&connection, "po-1").unwrap(), Some(number));
        assert_eq!(find_string(&connection, "po-2").unwrap(), None);
    }
}
