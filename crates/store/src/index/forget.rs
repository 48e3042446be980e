//! Takes rows back: links of events that were declared wrong, and the values of erased classes.
//!
//! With `secure_delete` SQLite overwrites what is deleted; the writer empties the write-ahead log
//! afterwards, so that an erased value is not left behind in a file.

use rusqlite::{Connection, OptionalExtension, params};

use super::intern;
use super::links::{self, Kind};
use super::row::{FieldClass, RecordId};
use super::writer::TYPE_ERASED;

impl FieldClass {
    /// The class's bit in a set of classes.
    pub(crate) fn bit(self) -> u16 {
        1 << (self as u8)
    }
}

/// Whether an error declaration of this event id stands in the index already.
pub(crate) fn is_declared_wrong(
    connection: &Connection,
    member: i64,
    key: &[u8],
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM event WHERE event_key = ?1 AND member = ?2 \
             AND declared_at IS NOT NULL LIMIT 1",
        )?
        .exists(params![key, member])
}

/// Takes back the events of this id at the member: they stay to be found, their links go.
pub(crate) fn withdraw_event(
    connection: &Connection,
    member: i64,
    key: &[u8],
) -> rusqlite::Result<()> {
    let ordinals: Vec<i64> = connection
        .prepare_cached(
            "SELECT id FROM event WHERE event_key = ?1 AND member = ?2 AND declared_at IS NULL",
        )?
        .query_map(params![key, member], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    ordinals.into_iter().try_for_each(|ordinal| withdraw(connection, ordinal))
}

/// Takes back the record that a new version replaces; one of another member is left alone.
pub(crate) fn withdraw_record(
    connection: &Connection,
    member: i64,
    record: &RecordId,
) -> rusqlite::Result<()> {
    let ordinal: Option<i64> = connection
        .prepare_cached("SELECT id FROM event WHERE record_id = ?1 AND member = ?2")?
        .query_row(params![record.as_slice(), member], |row| row.get(0))
        .optional()?;
    ordinal.map_or(Ok(()), |ordinal| withdraw(connection, ordinal))
}

/// Whether an event of this id stands in the index that is no error declaration.
pub(crate) fn has_event(
    connection: &Connection,
    member: i64,
    key: &[u8],
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM event WHERE event_key = ?1 AND member = ?2 \
             AND declared_at IS NULL LIMIT 1",
        )?
        .exists(params![key, member])
}

/// Of the two records that an event id can have at a member one is the declaration: where the other
/// still says that it is none, the one that lost its transport class must be. Gives whether there is
/// such a one.
pub(crate) fn find_declaration(
    connection: &Connection,
    member: i64,
    key: &[u8],
) -> rusqlite::Result<bool> {
    let found: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM event WHERE event_key = ?1 AND member = ?2 \
             AND declared_at IS NULL AND erased & ?3 <> 0 LIMIT 1",
        )?
        .query_row(params![key, member, FieldClass::Transport.bit()], |row| row.get(0))
        .optional()?;
    let Some(ordinal) = found else { return Ok(false) };
    remove_links(connection, ordinal, None)?;
    connection
        .prepare_cached("UPDATE event SET declared_at = record_time WHERE id = ?1")?
        .execute([ordinal])?;
    Ok(true)
}

fn withdraw(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    remove_links(connection, ordinal, None)?;
    connection
        .prepare_cached("UPDATE event SET withdrawn = 1 WHERE id = ?1 AND erased & ?2 = 0")?
        // Without its identity nothing tells that an event is withdrawn: a rebuild would not know.
        .execute(params![ordinal, FieldClass::Identity.bit()])
        .map(|_| ())
}

/// Every start that a link of the event can have: its identifiers, its transformation, outside.
fn link_starts(connection: &Connection, ordinal: i64) -> rusqlite::Result<(i64, Vec<i64>)> {
    let (member, transformation): (i64, Option<i64>) = connection
        .prepare_cached("SELECT member, transformation FROM event WHERE id = ?1")?
        .query_row([ordinal], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut starts = identifiers_of(connection, ordinal)?;
    starts.push(0);
    starts.push(links::hub(ordinal, transformation));
    Ok((member, starts))
}

fn identifiers_of(connection: &Connection, ordinal: i64) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached("SELECT DISTINCT identifier FROM event_identifier WHERE event = ?1")?
        .query_map([ordinal], |row| row.get(0))?
        .collect()
}

fn remove_links(
    connection: &Connection,
    ordinal: i64,
    kinds: Option<[Kind; 2]>,
) -> rusqlite::Result<()> {
    let (member, starts) = link_starts(connection, ordinal)?;
    let [one, other] = kinds.map_or([0, 0], |kinds| kinds.map(|kind| kind as i64));
    let mut delete = connection.prepare_cached(
        "DELETE FROM edge WHERE member = ?1 AND from_id = ?2 AND event = ?3 \
         AND (?4 = 0 OR kind IN (?4, ?5))",
    )?;
    let mut delete_to = connection.prepare_cached(
        "DELETE FROM edge WHERE member = ?1 AND to_id = ?2 AND event = ?3 \
         AND (?4 = 0 OR kind IN (?4, ?5))",
    )?;
    for start in starts {
        delete.execute(params![member, start, ordinal, one, other])?;
        // The lot of an item is no identifier of the event: such links are found by their end.
        if start > 0 {
            delete_to.execute(params![member, start, ordinal, one, other])?;
        }
    }
    Ok(())
}

/// Forgets the values of the erased classes of a record. A record that is not indexed has none.
pub(crate) fn erase(
    connection: &Connection,
    record: &RecordId,
    classes: u16,
) -> rusqlite::Result<()> {
    let ordinal: Option<i64> = connection
        .prepare_cached("SELECT id FROM event WHERE record_id = ?1")?
        .query_row([record.as_slice()], |row| row.get(0))
        .optional()?;
    let Some(ordinal) = ordinal else { return Ok(()) };
    let has = |class: FieldClass| classes & class.bit() != 0;
    // Links are found through identifiers: these go last.
    if has(FieldClass::Transport) {
        erase_transport(connection, ordinal)?;
    }
    if has(FieldClass::Location) {
        erase_location(connection, ordinal)?;
    }
    if has(FieldClass::Quantity) {
        erase_quantity(connection, ordinal)?;
    }
    if has(FieldClass::Identity) {
        erase_identity(connection, ordinal)?;
    }
    connection
        .prepare_cached("UPDATE event SET erased = erased | ?2 WHERE id = ?1")?
        .execute(params![ordinal, classes])?;
    // Without either nothing tells that it is a declaration.
    let telling = FieldClass::Transport.bit() | FieldClass::Identity.bit();
    connection
        .prepare_cached("UPDATE event SET declared_at = NULL WHERE id = ?1 AND erased & ?2 = ?2")?
        .execute(params![ordinal, telling])
        .map(|_| ())
}

fn column(connection: &Connection, query: &str, ordinal: i64) -> rusqlite::Result<Vec<i64>> {
    let rows: Vec<Option<i64>> = connection
        .prepare_cached(query)?
        .query_map([ordinal], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// Changes the links of an event.
fn update_links(connection: &Connection, ordinal: i64, set: &str) -> rusqlite::Result<()> {
    let (member, starts) = link_starts(connection, ordinal)?;
    let update = |end: &str| {
        format!("UPDATE edge SET {set} WHERE member = ?1 AND {end} = ?2 AND event = ?3")
    };
    let mut from = connection.prepare_cached(&update("from_id"))?;
    let mut to = connection.prepare_cached(&update("to_id"))?;
    for start in starts {
        from.execute(params![member, start, ordinal])?;
        // The lot of an item is no identifier of the event: such links are found by their end.
        if start > 0 {
            to.execute(params![member, start, ordinal])?;
        }
    }
    Ok(())
}

/// Unties an event from the transformation that it shared with others: it is one of its own then.
fn leave_transformation(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    let (member, text): (i64, Option<i64>) = connection
        .prepare_cached("SELECT member, transformation FROM event WHERE id = ?1")?
        .query_row([ordinal], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if text.is_none() {
        return Ok(());
    }
    let (shared, own) = (links::hub(ordinal, text), links::hub(ordinal, None));
    for end in ["from_id", "to_id"] {
        connection
            .prepare_cached(&format!(
                "UPDATE edge SET {end} = ?4 WHERE member = ?1 AND {end} = ?2 AND event = ?3"
            ))?
            .execute(params![member, shared, ordinal, own])?;
    }
    Ok(())
}

fn erase_transport(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    let mut texts =
        column(connection, "SELECT value FROM event_transaction WHERE event = ?1", ordinal)?;
    texts.extend(column(connection, "SELECT transformation FROM event WHERE id = ?1", ordinal)?);
    texts.extend(column(connection, "SELECT party FROM event_party WHERE event = ?1", ordinal)?);
    remove_links(connection, ordinal, Some([Kind::Send, Kind::Receive]))?;
    update_links(connection, ordinal, "at = (SELECT record_time FROM event WHERE id = ?3)")?;
    leave_transformation(connection, ordinal)?;
    for table in ["event_transaction", "event_party", "event_corrective"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE event = ?1"))?
            .execute([ordinal])?;
    }
    // That an event is a declaration its id tells, which it shares with another; its time goes.
    connection
        .prepare_cached(
            "UPDATE event SET biz_step = NULL, disposition = NULL, error_reason = NULL, \
             transformation = NULL, event_time = record_time, \
             declared_at = CASE WHEN declared_at IS NULL THEN NULL ELSE record_time END \
             WHERE id = ?1",
        )?
        .execute([ordinal])?;
    forget_texts(connection, &texts)
}

fn erase_location(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    let mut texts = column(connection, "SELECT read_point FROM event WHERE id = ?1", ordinal)?;
    texts.extend(column(connection, "SELECT biz_location FROM event WHERE id = ?1", ordinal)?);
    update_links(connection, ordinal, "site = NULL")?;
    connection
        .prepare_cached("UPDATE event SET read_point = NULL, biz_location = NULL WHERE id = ?1")?
        .execute([ordinal])?;
    forget_texts(connection, &texts)
}

/// The class holds the quantity lists whole: with the amounts go the lots and classes themselves.
fn erase_quantity(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    let (member, starts) = link_starts(connection, ordinal)?;
    for end in ["from_id", "to_id"] {
        let mut delete = connection.prepare_cached(&format!(
            "DELETE FROM edge WHERE member = ?1 AND {end} = ?2 AND event = ?3 \
             AND (is_class = 1 OR kind IN (?4, ?5))"
        ))?;
        // Nobody knows any more whether everything left the parent or what a quantity list named.
        let [unpack, detach] = [Kind::UnpackAll as i64, Kind::DetachAll as i64];
        for start in starts.iter().filter(|start| end == "from_id" || **start > 0) {
            delete.execute(params![member, start, ordinal, unpack, detach])?;
        }
    }
    let lots = column(
        connection,
        "SELECT DISTINCT identifier FROM event_identifier WHERE event = ?1 AND is_class = 1",
        ordinal,
    )?;
    connection
        .prepare_cached("DELETE FROM event_identifier WHERE event = ?1 AND is_class = 1")?
        .execute([ordinal])?;
    lots.into_iter().try_for_each(|id| intern::forget_identifier(connection, id))
}

/// Without its identity an event has no id: it is found by its record, and by what else is left.
fn erase_identity(connection: &Connection, ordinal: i64) -> rusqlite::Result<()> {
    remove_links(connection, ordinal, None)?;
    let identifiers = identifiers_of(connection, ordinal)?;
    connection
        .prepare_cached("DELETE FROM event_identifier WHERE event = ?1")?
        .execute([ordinal])?;
    connection
        .prepare_cached(
            "UPDATE event SET event_key = NULL, type = ?2, action = NULL, withdrawn = 0 \
             WHERE id = ?1",
        )?
        .execute(params![ordinal, TYPE_ERASED])?;
    identifiers.into_iter().try_for_each(|id| intern::forget_identifier(connection, id))
}

/// Removes texts that nothing refers to any more.
fn forget_texts(connection: &Connection, texts: &[i64]) -> rusqlite::Result<()> {
    // Terms of the vocabularies are public words and stay; the columns asked for here all have an
    // index.
    let mut delete = connection.prepare_cached(
        "DELETE FROM string WHERE id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM event WHERE read_point = ?1) \
         AND NOT EXISTS (SELECT 1 FROM event WHERE biz_location = ?1) \
         AND NOT EXISTS (SELECT 1 FROM event WHERE transformation = ?1) \
         AND NOT EXISTS (SELECT 1 FROM event_transaction WHERE value = ?1) \
         AND NOT EXISTS (SELECT 1 FROM event_party WHERE party = ?1)",
    )?;
    for text in texts {
        delete.execute([text])?;
    }
    Ok(())
}
