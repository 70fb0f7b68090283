//! Pieces of SQL that Diesel has no words for, or none that it would keep: a statement that holds one of its own
//! literals or lists of values is compiled anew whenever it runs. These have the same text each time, so that a
//! connection compiles it once. Called by the files of the table families.

use std::marker::PhantomData;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, Date, HasSqlType, SingleValue, Text, Timestamp};
use uuid::Uuid;

/// SQL that is the same each time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed<ST> {
    text: &'static str,
    of: PhantomData<ST>,
}

pub(super) fn fixed<ST>(text: &'static str) -> Fixed<ST> {
    Fixed {
        text,
        of: PhantomData,
    }
}

/// What follows a place in the order of two columns. One comparison of both, since an index is entered at the
/// place only then, and only where both are columns.
pub(super) struct After<ST, T> {
    columns: &'static str,
    first: T,
    id: String,
    of: PhantomData<ST>,
}

/// What follows a day and id, in columns such as `(clocks.due_on, clocks.clock_id)`.
pub(super) fn after(columns: &'static str, day: NaiveDate, id: Uuid) -> After<Date, NaiveDate> {
    After {
        columns,
        first: day,
        id: id.to_string(),
        of: PhantomData,
    }
}

/// What follows an instant and id, like [`after`].
pub(super) fn after_instant(
    columns: &'static str,
    at: NaiveDateTime,
    id: Uuid,
) -> After<Timestamp, NaiveDateTime> {
    After {
        columns,
        first: at,
        id: id.to_string(),
        of: PhantomData,
    }
}

/// That a column holds one of some ids.
pub(super) struct Among {
    column: &'static str,
    ids: Vec<String>,
}

/// That a column holds one of some ids. The last is said again until there are as many as in few texts.
pub(super) fn among(column: &'static str, ids: &[String]) -> Among {
    let mut ids = ids.to_vec();
    if let Some(last) = ids.last().cloned() {
        let size = ids.len().next_power_of_two();
        ids.resize(size, last);
    }
    Among { column, ids }
}

/// Its text tells a statement from the others.
impl<ST: 'static> QueryId for Fixed<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST: 'static, T> QueryId for After<ST, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for Among {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST: SingleValue> Expression for Fixed<ST> {
    type SqlType = ST;
}

impl<ST, T> Expression for After<ST, T> {
    type SqlType = Bool;
}

impl Expression for Among {
    type SqlType = Bool;
}

impl<ST: SingleValue, Table> AppearsOnTable<Table> for Fixed<ST> {}

impl<ST, T, Table> AppearsOnTable<Table> for After<ST, T> {}

impl<Table> AppearsOnTable<Table> for Among {}

impl<ST: SingleValue, Table> SelectableExpression<Table> for Fixed<ST> {}

impl<ST, T, Table> SelectableExpression<Table> for After<ST, T> {}

impl<Table> SelectableExpression<Table> for Among {}

impl<ST, Grouping> ValidGrouping<Grouping> for Fixed<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST, T, Grouping> ValidGrouping<Grouping> for After<ST, T> {
    type IsAggregate = is_aggregate::Never;
}

impl<Grouping> ValidGrouping<Grouping> for Among {
    type IsAggregate = is_aggregate::Never;
}

impl<ST, DB: Backend> QueryFragment<DB> for Fixed<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.text);
        Ok(())
    }
}

impl<ST, T, DB> QueryFragment<DB> for After<ST, T>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<ST>,
    T: ToSql<ST, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.columns);
        out.push_sql(" > (");
        out.push_bind_param::<ST, T>(&self.first)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, str>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<DB> QueryFragment<DB> for Among
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.ids.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        out.push_sql(self.column);
        let mut before = " IN (";
        for id in &self.ids {
            out.push_sql(before);
            out.push_bind_param::<Text, str>(id)?;
            before = ", ";
        }
        out.push_sql(")");
        Ok(())
    }
}
