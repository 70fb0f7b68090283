//! Statements that run with every event, in a form that costs little beside what they do.
//!
//! Diesel writes the text of an INSERT or UPDATE of its own out of many small parts each time it runs, and
//! compiles an UPDATE anew each time too, since the columns that one sets may differ from run to run. These are
//! written from their columns alone and compiled once by each connection. Called by the files of the table
//! families.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, Date, HasSqlType, Nullable, Text, Timestamp};

use super::column::{Day, Instant};
use super::connection::{AnyConnection, on_backend};

/// Columns, each with the value that it gets or is compared with.
pub(super) type Columns<'v> = Vec<(&'static str, Value<'v>)>;

/// One new row of a table. Its statement is known by the table alone, without writing its text again: all rows of
/// a table that are written so have the same columns in the same order.
pub(super) struct Insert<'v, T> {
    pub table: T,
    pub values: Columns<'v>,
}

/// Rows of a table, written by one statement; those that are there already are left as they are.
pub(super) struct InsertRows<'v> {
    pub table: &'static str,
    /// All with the same columns in the same order; there is at least one.
    pub rows: &'v [Columns<'v>],
}

/// How many rows one statement writes: few texts, so that each is compiled once.
const ROWS: [usize; 3] = [64, 8, 1];

/// Writes any number of rows with few statements. Those that are there already are left as they are.
pub(super) fn insert_rows(
    connection: &mut AnyConnection,
    table: &'static str,
    rows: &[Columns<'_>],
) -> QueryResult<usize> {
    let (mut rest, mut written) = (rows, 0);
    for size in ROWS {
        while let Some((group, after)) = rest.split_at_checked(size) {
            let insert = InsertRows { table, rows: group };
            written += on_backend!(connection, inner => insert.execute(inner))?;
            rest = after;
        }
    }
    Ok(written)
}

/// The rows of a table that hold certain values get others; there is at least one of both.
pub(super) struct Update<'v> {
    pub table: &'static str,
    pub set: Columns<'v>,
    pub held: Columns<'v>,
}

/// What a column is set to or compared with.
pub(super) enum Value<'v> {
    Text(&'v str),
    OptionalText(Option<&'v str>),
    Whole(i64),
    OptionalWhole(Option<i64>),
    Truth(bool),
    Day(Day),
    OptionalDay(Option<Day>),
    Instant(Instant),
}

/// A column with its value.
pub(super) fn column<'v, C: Column>(_: C, value: impl Into<Value<'v>>) -> (&'static str, Value<'v>) {
    (C::NAME, value.into())
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Value<'v> {
        Value::Text(text)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Value<'v> {
        Value::Text(text)
    }
}

impl<'v> From<&'v Option<String>> for Value<'v> {
    fn from(text: &'v Option<String>) -> Value<'v> {
        Value::OptionalText(text.as_deref())
    }
}

impl From<i64> for Value<'_> {
    fn from(whole: i64) -> Self {
        Value::Whole(whole)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(whole: Option<i64>) -> Self {
        Value::OptionalWhole(whole)
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Value::Truth(truth)
    }
}

impl From<NaiveDate> for Value<'_> {
    fn from(day: NaiveDate) -> Self {
        Value::Day(Day(day))
    }
}

impl From<Option<NaiveDate>> for Value<'_> {
    fn from(day: Option<NaiveDate>) -> Self {
        Value::OptionalDay(day.map(Day))
    }
}

impl From<NaiveDateTime> for Value<'_> {
    fn from(at: NaiveDateTime) -> Self {
        Value::Instant(Instant(at))
    }
}

impl<DB> QueryFragment<DB> for Value<'_>
where
    DB: Backend
        + HasSqlType<Text>
        + HasSqlType<BigInt>
        + HasSqlType<Bool>
        + HasSqlType<Date>
        + HasSqlType<Timestamp>,
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    bool: ToSql<Bool, DB>,
    Day: ToSql<Date, DB>,
    Instant: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match self {
            Value::Text(text) => out.push_bind_param::<Text, str>(text),
            Value::OptionalText(text) => out.push_bind_param::<Nullable<Text>, Option<&str>>(text),
            Value::Whole(whole) => out.push_bind_param::<BigInt, i64>(whole),
            Value::OptionalWhole(whole) => out.push_bind_param::<Nullable<BigInt>, Option<i64>>(whole),
            Value::Truth(truth) => out.push_bind_param::<Bool, bool>(truth),
            Value::Day(day) => out.push_bind_param::<Date, Day>(day),
            Value::OptionalDay(day) => out.push_bind_param::<Nullable<Date>, Option<Day>>(day),
            Value::Instant(at) => out.push_bind_param::<Timestamp, Instant>(at),
        }
    }
}

impl<T: 'static> QueryId for Insert<'_, T> {
    type QueryId = Insert<'static, T>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// Its text tells a statement from the others.
impl QueryId for InsertRows<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for Update<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, Connection> RunQueryDsl<Connection> for Insert<'_, T> {}

impl<Connection> RunQueryDsl<Connection> for InsertRows<'_> {}

impl<Connection> RunQueryDsl<Connection> for Update<'_> {}

// The names are those of the schema, which need no quotation marks.

impl<'v, T, DB: Backend> QueryFragment<DB> for Insert<'v, T>
where
    T: QueryFragment<DB>,
    Value<'v>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        self.table.walk_ast(out.reborrow())?;
        let mut before = " (";
        for (name, _) in &self.values {
            out.push_sql(before);
            out.push_sql(name);
            before = ", ";
        }
        before = ") VALUES (";
        for (_, value) in &self.values {
            out.push_sql(before);
            value.walk_ast(out.reborrow())?;
            before = ", ";
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<'v, DB: Backend> QueryFragment<DB> for InsertRows<'v>
where
    Value<'v>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(self.table);
        let mut before = " (";
        for (name, _) in self.rows.first().into_iter().flatten() {
            out.push_sql(before);
            out.push_sql(name);
            before = ", ";
        }
        let mut between = ") VALUES (";
        for row in self.rows {
            out.push_sql(between);
            before = "";
            for (_, value) in row {
                out.push_sql(before);
                value.walk_ast(out.reborrow())?;
                before = ", ";
            }
            between = "), (";
        }
        out.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl<'v, DB: Backend> QueryFragment<DB> for Update<'v>
where
    Value<'v>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_sql(self.table);
        for (mut before, between, columns) in [(" SET ", ", ", &self.set), (" WHERE ", " AND ", &self.held)] {
            for (name, value) in columns {
                out.push_sql(before);
                out.push_sql(name);
                out.push_sql(" = ");
                value.walk_ast(out.reborrow())?;
                before = between;
            }
        }
        Ok(())
    }
}
