//! A small query tree, independent of any database's dialect, compiled to SQL text and parameters.
//!
//! Table and column names are constants of this crate; every value travels as a parameter, so that
//! nothing from outside ever becomes SQL text.

/// A value bound to a parameter or read from a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

/// A column of a table that the query names by an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column(pub(crate) &'static str, pub(crate) &'static str);

/// A table and the alias that the query gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table(pub(crate) &'static str, pub(crate) &'static str);

/// How a column is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    fn symbol(self) -> &'static str {
        match self {
            Test::Equal => "=",
            Test::Less => "<",
            Test::LessOrEqual => "<=",
            Test::Greater => ">",
            Test::GreaterOrEqual => ">=",
        }
    }
}

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// All of them hold; no members: always true.
    All(Vec<Filter>),
    /// One of them holds; no members: never true.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Column, Test, Value),
    /// Bytewise comparison of text, whatever the database's own collation.
    CompareText(Column, Test, String),
    In(Column, Vec<Value>),
    InSelect(Column, Box<Select>),
    IsNull(Column),
}

impl Filter {
    pub(crate) fn equal(column: Column, value: impl Into<Value>) -> Self {
        Filter::Compare(column, Test::Equal, value.into())
    }

    pub(crate) fn in_integers(column: Column, values: &[i64]) -> Self {
        Filter::In(column, values.iter().map(|value| Value::Integer(*value)).collect())
    }

    pub(crate) fn present(column: Column) -> Self {
        Filter::Not(Box::new(Filter::IsNull(column)))
    }
}

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// An inner join: a table and the equality that ties it to those before it.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) table: Table,
    pub(crate) left: Column,
    pub(crate) right: Column,
}

/// A query for rows.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) columns: Vec<Column>,
    pub(crate) from: Table,
    pub(crate) joins: Vec<Join>,
    pub(crate) filter: Filter,
    pub(crate) order: Vec<(Column, Order)>,
    pub(crate) limit: Option<u64>,
}

impl Select {
    pub(crate) fn new(from: Table, columns: &[Column], filter: Filter) -> Self {
        Select {
            columns: columns.to_vec(),
            from,
            joins: Vec::new(),
            filter,
            order: Vec::new(),
            limit: None,
        }
    }
}

/// What differs from one database to the next.
pub(crate) trait Dialect {
    /// Writes the parameter mark of the n-th parameter, counted from 1.
    fn parameter_mark(&self, sql: &mut String, number: usize);
    /// What follows a text column so that it compares byte by byte.
    fn bytewise(&self) -> &'static str;
    /// What ends an insertion that leaves an existing row as it is.
    fn or_ignore(&self) -> &'static str;
}

/// SQLite: text compares byte by byte unless a column says otherwise, and ours never do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sqlite;

impl Dialect for Sqlite {
    fn parameter_mark(&self, sql: &mut String, number: usize) {
        sql.push('?');
        sql.push_str(&number.to_string());
    }

    fn bytewise(&self) -> &'static str {
        ""
    }

    fn or_ignore(&self) -> &'static str {
        " ON CONFLICT DO NOTHING"
    }
}

/// Identifiers in one list of a query at most: databases bound their parameters.
pub(crate) const LIST_MAX: usize = 500;

/// SQL text and its parameters in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compiled {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

/// The text of an insertion of one row.
pub(crate) fn insert(
    dialect: &impl Dialect,
    table: &str,
    columns: &[&str],
    ignore_existing: bool,
) -> String {
    let mut sql = format!("INSERT INTO {table} ({}) VALUES (", columns.join(", "));
    for number in 1..=columns.len() {
        if number > 1 {
            sql.push_str(", ");
        }
        dialect.parameter_mark(&mut sql, number);
    }
    sql.push(')');
    if ignore_existing {
        sql.push_str(dialect.or_ignore());
    }
    sql
}

/// Compiles a query.
pub(crate) fn compile(dialect: &impl Dialect, select: &Select) -> Compiled {
    let mut compiler =
        Compiler { dialect, sql: String::with_capacity(256), parameters: Vec::new() };
    compiler.select(select);
    Compiled { sql: compiler.sql, parameters: compiler.parameters }
}

struct Compiler<'a, D: Dialect> {
    dialect: &'a D,
    sql: String,
    parameters: Vec<Value>,
}

impl<D: Dialect> Compiler<'_, D> {
    fn select(&mut self, select: &Select) {
        self.sql.push_str("SELECT ");
        for (number, column) in select.columns.iter().enumerate() {
            if number > 0 {
                self.sql.push_str(", ");
            }
            self.column(*column);
        }
        self.sql.push_str(" FROM ");
        self.table(select.from);
        for join in &select.joins {
            self.sql.push_str(" JOIN ");
            self.table(join.table);
            self.sql.push_str(" ON ");
            self.column(join.left);
            self.sql.push_str(" = ");
            self.column(join.right);
        }
        self.sql.push_str(" WHERE ");
        self.filter(&select.filter);
        for (number, (column, order)) in select.order.iter().enumerate() {
            self.sql.push_str(if number == 0 { " ORDER BY " } else { ", " });
            self.column(*column);
            self.sql.push_str(match order {
                Order::Ascending => " ASC",
                Order::Descending => " DESC",
            });
        }
        if let Some(limit) = select.limit {
            self.sql.push_str(" LIMIT ");
            self.parameter(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        }
    }

    fn table(&mut self, table: Table) {
        self.sql.push_str(table.0);
        self.sql.push_str(" AS ");
        self.sql.push_str(table.1);
    }

    fn column(&mut self, column: Column) {
        self.sql.push_str(column.0);
        self.sql.push('.');
        self.sql.push_str(column.1);
    }

    fn parameter(&mut self, value: Value) {
        self.parameters.push(value);
        self.dialect.parameter_mark(&mut self.sql, self.parameters.len());
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::All(filters) => self.joined(filters, " AND ", "1 = 1"),
            Filter::Any(filters) => self.joined(filters, " OR ", "1 = 0"),
            Filter::Not(inner) => {
                self.sql.push_str("NOT (");
                self.filter(inner);
                self.sql.push(')');
            }
            Filter::Compare(column, test, value) => {
                self.column(*column);
                self.sql.push(' ');
                self.sql.push_str(test.symbol());
                self.sql.push(' ');
                self.parameter(value.clone());
            }
            Filter::CompareText(column, test, text) => {
                self.column(*column);
                self.sql.push_str(self.dialect.bytewise());
                self.sql.push(' ');
                self.sql.push_str(test.symbol());
                self.sql.push(' ');
                self.parameter(Value::Text(text.clone()));
            }
            Filter::In(column, values) => self.list(*column, values),
            Filter::InSelect(column, select) => {
                self.column(*column);
                self.sql.push_str(" IN (");
                self.select(select);
                self.sql.push(')');
            }
            Filter::IsNull(column) => {
                self.column(*column);
                self.sql.push_str(" IS NULL");
            }
        }
    }

    fn joined(&mut self, filters: &[Filter], word: &str, empty: &str) {
        if filters.is_empty() {
            self.sql.push_str(empty);
            return;
        }
        self.sql.push('(');
        for (number, filter) in filters.iter().enumerate() {
            if number > 0 {
                self.sql.push_str(word);
            }
            self.filter(filter);
        }
        self.sql.push(')');
    }

    /// Lists are padded to few lengths by repeating their last value, so that a prepared statement
    /// serves many of them.
    fn list(&mut self, column: Column, values: &[Value]) {
        let Some(last) = values.last() else {
            self.sql.push_str("1 = 0");
            return;
        };
        let length = if values.len() > LIST_MAX {
            values.len()
        } else {
            values.len().next_power_of_two().min(LIST_MAX)
        };
        self.column(column);
        self.sql.push_str(" IN (");
        for number in 0..length {
            if number > 0 {
                self.sql.push_str(", ");
            }
            self.parameter(values.get(number).unwrap_or(last).clone());
        }
        self.sql.push(')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered;

    impl Dialect for Numbered {
        fn parameter_mark(&self, sql: &mut String, number: usize) {
            sql.push_str(&format!("${number}"));
        }

        fn bytewise(&self) -> &'static str {
            " COLLATE \"C\""
        }

        fn or_ignore(&self) -> &'static str {
            " ON CONFLICT DO NOTHING"
        }
    }

    fn query() -> Select {
        let mut select = Select::new(
            Table("event", "e"),
            &[Column("e", "id")],
            Filter::All(vec![
                Filter::equal(Column("e", "member"), 7),
                Filter::CompareText(Column("e", "note"), Test::Less, "x'; DROP TABLE".into()),
                Filter::in_integers(Column("e", "biz_step"), &[1, 2, 3]),
            ]),
        );
        select.order.push((Column("e", "id"), Order::Descending));
        select.limit = Some(10);
        select
    }

    #[test]
    fn values_become_parameters_and_never_text() {
        let compiled = compile(&Sqlite, &query());
        assert_eq!(
            compiled.sql,
            "SELECT e.id FROM event AS e WHERE (e.member = ?1 AND e.note < ?2 AND \
             e.biz_step IN (?3, ?4, ?5, ?6)) ORDER BY e.id DESC LIMIT ?7"
        );
        assert_eq!(compiled.parameters.len(), 7);
        assert_eq!(compiled.parameters[5], Value::Integer(3));
    }

    #[test]
    fn another_dialect_changes_parameter_marks_and_collation_only() {
        let compiled = compile(&Numbered, &query());
        assert!(compiled.sql.contains("e.note COLLATE \"C\" < $2"), "{}", compiled.sql);
        assert_eq!(compiled.parameters, compile(&Sqlite, &query()).parameters);
    }

    #[test]
    fn an_empty_list_or_choice_matches_nothing() {
        let select = Select::new(
            Table("event", "e"),
            &[Column("e", "id")],
            Filter::Any(vec![Filter::In(Column("e", "id"), vec![]), Filter::Any(vec![])]),
        );
        assert_eq!(
            compile(&Sqlite, &select).sql,
            "SELECT e.id FROM event AS e WHERE (1 = 0 OR 1 = 0)"
        );
    }
}
