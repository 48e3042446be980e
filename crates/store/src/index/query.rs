//! Answers questions for events: a [`Query`] becomes one statement, its answer a page of places
//! where the events are.

use countermark_epcis::facts::Role;
use rusqlite::Row;

use super::error::QueryError;
use super::intern;
use super::parameters::{Match, OrderBy, Query, Range};
use super::pattern::{IdentifierPattern, prefix_end};
use super::row::{EventRow, LogPosition, MemberId, RecordId, VaultLocation};
use super::run;
use super::sql::{Column, Filter, Join, LIST_MAX, Order, Select, Table, Test, Value};
use super::token::Token;
use super::writer::{action_number, role_number, type_number};
use super::{Index, IndexError, event_key};

/// Events on one page, whatever is asked for.
const PAGE_MAX: u64 = 100_000;

/// Some of the answer, and how to ask for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Events in the order asked for.
    pub rows: Vec<EventRow>,
    /// The value of `nextPageToken` that continues after them; none if nothing is left.
    pub next: Option<String>,
}

const EVENT: Table = Table("event", "e");

const fn event(name: &'static str) -> Column {
    Column("e", name)
}

impl Index {
    /// The events of these members that the query asks for. Bodies are in the vault.
    ///
    /// # Errors
    /// A [`QueryError`] if more events match than `maxEventCount` or the page token is not one of
    /// this question, or a failure of the file.
    pub fn query(&self, members: &[MemberId], query: &Query) -> Result<Page, IndexError> {
        let token = match &query.next_page_token {
            Some(text) => Some(Token::decode(text, &query.canonical_text).ok_or_else(|| {
                QueryError::Malformed {
                    name: "nextPageToken".to_owned(),
                    value: text.chars().take(200).collect(),
                    expected: "a token of this query: repeat the query that gave it",
                }
            })?),
            None => None,
        };
        let Some(filter) = self.filter(members, query)? else {
            return Ok(Page { rows: Vec::new(), next: None });
        };
        if let (Some(limit), None) = (query.max_event_count, token) {
            self.refuse_more_than(limit, &filter)?;
        }
        let given = token.map_or(0, |token| token.given);
        let left = query.event_count_limit.map_or(u64::MAX, |limit| limit.saturating_sub(given));
        let wanted = query.per_page.unwrap_or(PAGE_MAX).min(PAGE_MAX).min(left);
        let mut rows = self.page(query, filter, token, wanted.saturating_add(1))?;
        let more = rows.len() as u64 > wanted && left > wanted;
        rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        let next = rows.last().filter(|_| more).map(|(ordinal, value, _)| {
            let given = given + rows.len() as u64;
            Token { value: *value, ordinal: *ordinal, given }.encode(&query.canonical_text)
        });
        Ok(Page { rows: rows.into_iter().map(|(_, _, row)| row).collect(), next })
    }

    /// The events of this id at these members, in log order: an event and the declarations that
    /// take it back have the same id.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn events_by_id(
        &self,
        members: &[MemberId],
        event_id: &str,
    ) -> Result<Vec<EventRow>, IndexError> {
        let mut query = Query::all();
        query.event_ids.push(event_id.to_owned());
        Ok(self.query(members, &query)?.rows)
    }

    /// The row of a record, also where its body is erased.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn record(&self, record: &RecordId) -> Result<Option<EventRow>, IndexError> {
        let filter = Filter::equal(event("record_id"), Value::Bytes(record.to_vec()));
        let found = self.page(&Query::all(), filter, None, 1)?;
        Ok(found.into_iter().next().map(|(_, _, row)| row))
    }

    fn refuse_more_than(&self, limit: u64, filter: &Filter) -> Result<(), IndexError> {
        let mut select = Select::new(EVENT, &[event("id")], filter.clone());
        select.limit = Some(limit.saturating_add(1));
        let found = run::rows(&self.connection, &select, |_| Ok(()))
            .map_err(|error| self.fault(error))?
            .len();
        if found as u64 > limit { Err(QueryError::TooLarge { limit }.into()) } else { Ok(()) }
    }

    /// Rows with ordinal and sort value.
    fn page(
        &self,
        query: &Query,
        filter: Filter,
        token: Option<Token>,
        limit: u64,
    ) -> Result<Vec<(i64, i64, EventRow)>, IndexError> {
        let order = if query.descending { Order::Descending } else { Order::Ascending };
        let beyond = if query.descending { Test::Less } else { Test::Greater };
        let sort = match query.order_by {
            OrderBy::Position => None,
            OrderBy::EventTime => Some(event("event_time")),
            OrderBy::RecordTime => Some(event("record_time")),
        };
        let mut filters = vec![filter];
        if let Some(token) = token {
            let after = Filter::Compare(event("id"), beyond, token.ordinal.into());
            filters.push(match sort {
                None => after,
                Some(column) => Filter::Any(vec![
                    Filter::Compare(column, beyond, token.value.into()),
                    Filter::All(vec![Filter::equal(column, token.value), after]),
                ]),
            });
        }
        let mut select = Select::new(EVENT, &[], Filter::All(filters));
        select.columns = COLUMNS.iter().map(|name| event(name)).collect();
        select.columns.push(Column("m", "member"));
        select.joins.push(Join {
            table: Table("member", "m"),
            left: Column("m", "id"),
            right: event("member"),
        });
        select.order.extend(sort.map(|column| (column, order)));
        select.order.push((event("id"), order));
        select.limit = Some(limit);
        let rows = run::rows(&self.connection, &select, read_row);
        let rows = rows.map_err(|error| self.fault(error))?;
        Ok(rows
            .into_iter()
            .map(|(ordinal, row)| {
                let value = match query.order_by {
                    OrderBy::Position => ordinal,
                    OrderBy::EventTime => row.event_time_ms,
                    OrderBy::RecordTime => row.record_time_ms,
                };
                (ordinal, value, row)
            })
            .collect())
    }

    /// The filter of a query; none if it is certain that nothing matches.
    fn filter(&self, members: &[MemberId], query: &Query) -> Result<Option<Filter>, IndexError> {
        let fault = |error| self.fault(error);
        let mut filters = Filters { filters: vec![Filter::present(event("type"))], never: false };
        let members = members
            .iter()
            .map(|member| intern::find_member(&self.connection, member))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(fault)?;
        filters
            .one_of(event("member"), members.into_iter().flatten().map(Value::Integer).collect());
        filters.range(event("event_time"), query.event_time);
        filters.range(event("record_time"), query.record_time);
        filters.range(event("declared_at"), query.declaration_time);
        if !query.event_types.is_empty() {
            let types = query.event_types.iter().map(|kind| type_number(*kind).into()).collect();
            filters.one_of(event("type"), types);
        }
        if !query.actions.is_empty() {
            let actions =
                query.actions.iter().map(|action| action_number(*action).into()).collect();
            filters.one_of(event("action"), actions);
        }
        if let Some(wanted) = query.is_error_declaration {
            let absent = Filter::IsNull(event("declared_at"));
            filters.filters.push(if wanted { Filter::Not(Box::new(absent)) } else { absent });
        }
        for (column, texts) in [
            ("biz_step", &query.biz_steps),
            ("disposition", &query.dispositions),
            ("read_point", &query.read_points),
            ("biz_location", &query.biz_locations),
            ("transformation", &query.transformations),
            ("error_reason", &query.error_reasons),
        ] {
            if !texts.is_empty() {
                filters.one_of(event(column), self.strings(texts).map_err(fault)?);
            }
        }
        if !query.event_ids.is_empty() {
            filters.one_of(event("event_key"), keys(&query.event_ids));
        }
        if !query.corrective_ids.is_empty() {
            filters.within(
                Table("event_corrective", "c"),
                Filter::In(Column("c", "event_key"), keys(&query.corrective_ids)),
            );
        }
        self.relations(query, &mut filters).map_err(fault)?;
        for wanted in &query.matches {
            let filter = self.identifiers(wanted).map_err(fault)?;
            filters.within(Table("event_identifier", "x"), filter);
        }
        Ok((!filters.never).then_some(Filter::All(filters.filters)))
    }

    fn strings(&self, texts: &[String]) -> rusqlite::Result<Vec<Value>> {
        let found: Vec<Option<i64>> = texts
            .iter()
            .map(|text| intern::find_string(&self.connection, text))
            .collect::<rusqlite::Result<_>>()?;
        Ok(found.into_iter().flatten().map(Value::Integer).collect())
    }

    fn relations(&self, query: &Query, filters: &mut Filters) -> rusqlite::Result<()> {
        for (kind, values) in &query.transactions {
            let table = Table("event_transaction", "t");
            let kind = self.strings(std::slice::from_ref(kind))?;
            filters.within(
                table,
                Filter::All(vec![
                    Filter::In(Column("t", "value"), self.strings(values)?),
                    Filter::In(Column("t", "kind"), kind),
                ]),
            );
        }
        let sources = query.sources.iter().map(|party| (0, party));
        let destinations = query.destinations.iter().map(|party| (1, party));
        for (is_destination, (kind, values)) in sources.chain(destinations) {
            let kind = self.strings(std::slice::from_ref(kind))?;
            filters.within(
                Table("event_party", "p"),
                Filter::All(vec![
                    Filter::In(Column("p", "party"), self.strings(values)?),
                    Filter::In(Column("p", "kind"), kind),
                    Filter::equal(Column("p", "is_destination"), is_destination),
                ]),
            );
        }
        for amount in &query.amounts {
            let key = Column("q", "quantity_key");
            let mut parts = vec![Filter::CompareText(key, amount.test, amount.key.clone())];
            if let Some(unit) = &amount.unit {
                let units = self.strings(std::slice::from_ref(unit))?;
                parts.push(Filter::In(Column("q", "unit"), units));
            }
            filters.within(Table("event_identifier", "q"), Filter::All(parts));
        }
        Ok(())
    }

    fn identifiers(&self, wanted: &Match) -> rusqlite::Result<Filter> {
        let number = Column("x", "identifier");
        let mut exact = Vec::new();
        let mut choices = Vec::new();
        for pattern in &wanted.patterns {
            let IdentifierPattern { exact: whole, prefixes } = pattern;
            for text in whole {
                exact.extend(intern::find_identifier(&self.connection, text)?.map(Value::Integer));
            }
            for prefix in prefixes {
                let text = Column("i", "text");
                let range = Filter::All(vec![
                    Filter::CompareText(text, Test::GreaterOrEqual, prefix.clone()),
                    Filter::CompareText(text, Test::Less, prefix_end(prefix)),
                ]);
                let numbers = Select::new(Table("identifier", "i"), &[Column("i", "id")], range);
                choices.push(Filter::InSelect(number, Box::new(numbers)));
            }
        }
        choices.extend(exact.chunks(LIST_MAX).map(|chunk| Filter::In(number, chunk.to_vec())));
        let mut filters = vec![Filter::Any(choices)];
        let every_role = [Role::Epc, Role::Parent, Role::Child, Role::Input, Role::Output];
        if !every_role.iter().all(|role| wanted.roles.contains(role)) {
            let roles: Vec<i64> = wanted.roles.iter().map(|role| role_number(*role)).collect();
            filters.push(Filter::in_integers(Column("x", "role"), &roles));
        }
        if let Some(is_class) = wanted.is_class {
            filters.push(Filter::equal(Column("x", "is_class"), i64::from(is_class)));
        }
        Ok(Filter::All(filters))
    }
}

fn keys(event_ids: &[String]) -> Vec<Value> {
    event_ids.iter().map(|id| Value::Bytes(event_key::encode(id))).collect()
}

struct Filters {
    filters: Vec<Filter>,
    /// Some part can match nothing: a text that is not in the index.
    never: bool,
}

impl Filters {
    fn one_of(&mut self, column: Column, values: Vec<Value>) {
        match <[Value; 1]>::try_from(values) {
            Ok([value]) => self.filters.push(Filter::Compare(column, Test::Equal, value)),
            Err(values) if values.is_empty() => self.never = true,
            Err(values) => self.filters.push(Filter::In(column, values)),
        }
    }

    fn range(&mut self, column: Column, range: Range) {
        let from = range.from.map(|at| Filter::Compare(column, Test::GreaterOrEqual, at.into()));
        let until = range.until.map(|at| Filter::Compare(column, Test::Less, at.into()));
        self.filters.extend(from.into_iter().chain(until));
    }

    /// Events that have a row of this kind.
    fn within(&mut self, table: Table, filter: Filter) {
        let events = Select::new(table, &[Column(table.1, "event")], filter);
        self.filters.push(Filter::InSelect(event("id"), Box::new(events)));
    }
}

const COLUMNS: [&str; 10] = [
    "id",
    "record_id",
    "event_key",
    "event_time",
    "record_time",
    "vault_segment",
    "vault_offset",
    "erased",
    "declared_at",
    "withdrawn",
];

fn read_row(row: &Row<'_>) -> rusqlite::Result<(i64, EventRow)> {
    let ordinal: i64 = row.get(0)?;
    let key: Option<Vec<u8>> = row.get(2)?;
    let segment: Option<u32> = row.get(5)?;
    let offset: Option<i64> = row.get(6)?;
    let declared: Option<i64> = row.get(8)?;
    Ok((
        ordinal,
        EventRow {
            position: LogPosition::from_ordinal(ordinal),
            record_id: row.get(1)?,
            member: row.get(10)?,
            event_id: key.as_deref().and_then(event_key::decode),
            event_time_ms: row.get(3)?,
            record_time_ms: row.get(4)?,
            vault: segment
                .zip(offset)
                .map(|(segment, offset)| VaultLocation { segment, offset: offset.unsigned_abs() }),
            erased: row.get(7)?,
            is_error_declaration: declared.is_some(),
            is_withdrawn: row.get(9)?,
        },
    ))
}
