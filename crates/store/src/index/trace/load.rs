//! Batched look-ups for a trace, all of one member's rows, with a budget of rows.

use std::collections::HashMap;

use rusqlite::{Connection, Row};

use super::super::links::Kind;
use super::super::sql::{Column, Filter, Join, LIST_MAX, Select, Table};
use super::super::{event_key, intern, run, terms};

/// Sources and destinations by event: whether a destination, type, party.
pub(super) type Parties = HashMap<i64, Vec<(bool, i64, i64)>>;

/// Ids and business steps (by number) by the events' ordinals.
pub(super) type EventIds = HashMap<i64, (Option<String>, Option<i64>)>;

/// A stored link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) event: i64,
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) at: i64,
    pub(super) site: Option<i64>,
    pub(super) is_class: bool,
    pub(super) quantity: Option<String>,
    pub(super) unit: Option<i64>,
}

/// Which end of a link is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    From,
    To,
}

/// Time and ordinal of an event, and the site that it says.
type LastSeen = (i64, i64, Option<i64>);

const EDGE: &str = "l";

pub(super) struct Loader<'a> {
    connection: &'a Connection,
    member: i64,
    rows_left: usize,
    /// Texts of identifiers, by number, as they are in the tables.
    texts: HashMap<i64, String>,
    /// Numbers for identifiers that are not in the index, counted down from the greatest.
    absent: HashMap<String, i64>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(connection: &'a Connection, member: i64, rows: usize) -> Self {
        Loader {
            connection,
            member,
            rows_left: rows,
            texts: HashMap::new(),
            absent: HashMap::new(),
        }
    }

    /// The number of an identifier in any form; one of its own if the index does not know it.
    pub(super) fn number(&mut self, id: &str) -> rusqlite::Result<i64> {
        let canonical = terms::canonical(id);
        if let Some(number) = intern::find_identifier(self.connection, &canonical)? {
            return Ok(number);
        }
        let next = i64::MAX - i64::try_from(self.absent.len()).unwrap_or(0);
        let number = *self.absent.entry(canonical.clone().into_owned()).or_insert(next);
        self.texts.insert(number, terms::compact(&canonical).to_owned());
        Ok(number)
    }

    /// The links that have one of these numbers at this side; the numbers are cut short when the
    /// budget ends, and those not looked up are given back.
    pub(super) fn links(
        &mut self,
        side: Side,
        numbers: &[i64],
    ) -> rusqlite::Result<(Vec<Link>, Vec<i64>)> {
        const COLUMNS: [&str; 10] = [
            "from_id", "to_id", "event", "seq", "kind", "at", "site", "is_class", "quantity",
            "unit",
        ];
        let end = Column(EDGE, if side == Side::From { "from_id" } else { "to_id" });
        let mut links = Vec::new();
        for (number, chunk) in numbers.chunks(LIST_MAX).enumerate() {
            let filter = Filter::All(vec![
                Filter::equal(Column(EDGE, "member"), self.member),
                Filter::in_integers(end, chunk),
            ]);
            let columns = COLUMNS.map(|name| Column(EDGE, name));
            let mut select = Select::new(Table("edge", EDGE), &columns, filter);
            select.limit = Some(self.rows_left as u64 + 1);
            let found = run::rows(self.connection, &select, read_link)?;
            if found.len() > self.rows_left {
                // A part of a chunk would be an answer that depends on the order of the rows.
                self.rows_left = 0;
                return Ok((links, numbers[number * LIST_MAX..].to_vec()));
            }
            self.rows_left -= found.len();
            links.extend(found.into_iter().flatten());
        }
        Ok((links, Vec::new()))
    }

    /// Where each identifier was seen last, and in which event; identifiers that no event of the
    /// member names are not in the answer.
    pub(super) fn last_seen(
        &mut self,
        numbers: &[i64],
    ) -> rusqlite::Result<HashMap<i64, LastSeen>> {
        let mut seen: HashMap<i64, LastSeen> = HashMap::new();
        for chunk in numbers.chunks(LIST_MAX) {
            let mut select = Select::new(
                Table("event_identifier", "x"),
                &[
                    Column("x", "identifier"),
                    Column("e", "event_time"),
                    Column("e", "id"),
                    Column("e", "biz_location"),
                    Column("e", "read_point"),
                ],
                Filter::All(vec![
                    Filter::in_integers(Column("x", "identifier"), chunk),
                    Filter::equal(Column("e", "member"), self.member),
                    Filter::equal(Column("e", "withdrawn"), 0),
                    Filter::IsNull(Column("e", "declared_at")),
                ]),
            );
            select.joins.push(Join {
                table: Table("event", "e"),
                left: Column("e", "id"),
                right: Column("x", "event"),
            });
            // Sites are a courtesy: they may cost half of what the walk may, and are then left out.
            select.limit = Some((self.rows_left / 2) as u64 + 1000);
            let found = run::rows(self.connection, &select, |row| {
                let place: Option<i64> = row.get(3)?;
                let read_point: Option<i64> = row.get(4)?;
                let number: i64 = row.get(0)?;
                Ok((number, (row.get(1)?, row.get(2)?, place.or(read_point))))
            })?;
            self.rows_left = self.rows_left.saturating_sub(found.len());
            for (number, last) in found {
                let entry = seen.entry(number).or_insert(last);
                // A later event without a place does not unsay where the goods were.
                let newer: bool =
                    (last.2.is_some(), last.0, last.1) > (entry.2.is_some(), entry.0, entry.1);
                if newer {
                    *entry = last;
                }
            }
        }
        Ok(seen)
    }

    /// Loads the texts of identifiers that are asked for afterwards.
    pub(super) fn load_texts(&mut self, numbers: &[i64]) -> rusqlite::Result<()> {
        let missing: Vec<i64> =
            numbers.iter().copied().filter(|number| !self.texts.contains_key(number)).collect();
        for chunk in missing.chunks(LIST_MAX) {
            let found = self.texts_in("identifier", chunk)?;
            self.texts.extend(found);
        }
        Ok(())
    }

    /// The text of an identifier as it is in the tables; empty if it was not loaded.
    pub(super) fn text(&self, number: i64) -> &str {
        self.texts.get(&number).map_or("", String::as_str)
    }

    /// The canonical identifier.
    pub(super) fn id(&self, number: i64) -> String {
        terms::expand(self.text(number))
    }

    pub(super) fn strings(&self, mut numbers: Vec<i64>) -> rusqlite::Result<HashMap<i64, String>> {
        numbers.sort_unstable();
        numbers.dedup();
        let mut texts = HashMap::new();
        for chunk in numbers.chunks(LIST_MAX) {
            texts.extend(self.texts_in("string", chunk)?);
        }
        Ok(texts)
    }

    fn texts_in(&self, table: &'static str, chunk: &[i64]) -> rusqlite::Result<Vec<(i64, String)>> {
        let select = Select::new(
            Table(table, "s"),
            &[Column("s", "id"), Column("s", "text")],
            Filter::in_integers(Column("s", "id"), chunk),
        );
        run::rows(self.connection, &select, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Ids and business steps (by number) of events, by ordinal.
    pub(super) fn event_ids(&self, mut events: Vec<i64>) -> rusqlite::Result<EventIds> {
        events.sort_unstable();
        events.dedup();
        let mut ids = HashMap::new();
        for chunk in events.chunks(LIST_MAX) {
            let select = Select::new(
                Table("event", "e"),
                &[Column("e", "id"), Column("e", "event_key"), Column("e", "biz_step")],
                Filter::in_integers(Column("e", "id"), chunk),
            );
            let found = run::rows(self.connection, &select, |row| {
                let key: Option<Vec<u8>> = row.get(1)?;
                Ok((row.get(0)?, (key.as_deref().and_then(event_key::decode), row.get(2)?)))
            })?;
            ids.extend(found);
        }
        Ok(ids)
    }

    /// What the events name as sources and destinations, in their order.
    pub(super) fn parties(&self, mut events: Vec<i64>) -> rusqlite::Result<Parties> {
        events.sort_unstable();
        events.dedup();
        let mut parties: HashMap<i64, Vec<(i64, bool, i64, i64)>> = HashMap::new();
        for chunk in events.chunks(LIST_MAX) {
            let select = Select::new(
                Table("event_party", "p"),
                &["event", "seq", "is_destination", "kind", "party"].map(|name| Column("p", name)),
                Filter::in_integers(Column("p", "event"), chunk),
            );
            let found = run::rows(self.connection, &select, |row| {
                let event: i64 = row.get(0)?;
                Ok((event, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            })?;
            for (event, party) in found {
                parties.entry(event).or_default().push(party);
            }
        }
        Ok(parties
            .into_iter()
            .map(|(event, mut rows)| {
                rows.sort_unstable();
                (event, rows.into_iter().map(|(_, is, kind, party)| (is, kind, party)).collect())
            })
            .collect())
    }
}

/// None for a kind that this version does not know, which the schema's version rules out.
fn read_link(row: &Row<'_>) -> rusqlite::Result<Option<Link>> {
    let Some(kind) = Kind::from_number(row.get(4)?) else { return Ok(None) };
    Ok(Some(Link {
        from: row.get(0)?,
        to: row.get(1)?,
        event: row.get(2)?,
        seq: row.get(3)?,
        kind,
        at: row.get(5)?,
        site: row.get(6)?,
        is_class: row.get(7)?,
        quantity: row.get(8)?,
        unit: row.get(9)?,
    }))
}
