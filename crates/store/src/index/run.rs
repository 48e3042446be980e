//! Runs compiled queries on SQLite.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::sql::{self, Column, Filter, Select, Sqlite, Table, Value};

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// All rows of a query.
pub(crate) fn rows<T>(
    connection: &Connection,
    select: &Select,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let compiled = sql::compile(&Sqlite, select);
    let mut statement = connection.prepare_cached(&compiled.sql)?;
    let found = statement.query_map(params_from_iter(&compiled.parameters), read)?;
    found.collect()
}

/// The `id` of the row whose column has this value.
pub(crate) fn id_where(
    connection: &Connection,
    table: &'static str,
    column: &'static str,
    value: Value,
) -> rusqlite::Result<Option<i64>> {
    let mut select = Select::new(
        Table(table, "t"),
        &[Column("t", "id")],
        Filter::equal(Column("t", column), value),
    );
    select.limit = Some(1);
    Ok(rows(connection, &select, |row| row.get(0))?.pop())
}
