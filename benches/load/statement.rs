//! Statements as a store has recorded them, and running them again on a Diesel connection.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgRowByRowLoadingMode, PgValue};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::row::{Field, NamedRow, Row};
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Double, HasSqlType, Integer, Nullable, Text, Timestamp, Untyped,
};
use diesel::sqlite::{Sqlite, SqliteType};
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::recorded::{Bind, binds_of, pieces_of};

/// A connection of the bench's own to the database that the server works on.
pub enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A recorded statement.
#[derive(Debug, Clone)]
pub enum Statement {
    /// `BEGIN`, `SAVEPOINT`, `COMMIT` and the like, and whatever else takes no binds and gives no rows.
    Control(Arc<str>),
    Prepared(Prepared),
}

/// A statement with its binds, prepared once on each connection and kept.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The text around the binds: one piece more than there are binds.
    pieces: Arc<[String]>,
    binds: Vec<Bind>,
    gives_rows: bool,
}

/// A column of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Text(String),
    Integer(i64),
    Double(f64),
    Bool(bool),
    Date(NaiveDate),
    Timestamp(NaiveDateTime),
}

impl Value {
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            Value::Null
            | Value::Integer(_)
            | Value::Double(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::Timestamp(_) => "",
        }
    }

    pub fn integer(&self) -> i64 {
        match self {
            Value::Integer(number) => *number,
            Value::Null
            | Value::Text(_)
            | Value::Double(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::Timestamp(_) => 0,
        }
    }
}

/// A row, with every column read.
pub struct Values(pub Vec<Value>);

impl Connection {
    pub fn sqlite(path: &std::path::Path) -> Result<Connection, String> {
        let path = path.to_str().ok_or("the path of the database is not UTF-8")?;
        let mut connection = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
        // As the server sets its own.
        connection
            .batch_execute(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; \
                 PRAGMA synchronous = FULL",
            )
            .map_err(|error| error.to_string())?;
        Ok(Connection::Sqlite(connection))
    }

    pub fn postgres(url: &str) -> Result<Connection, String> {
        let connection = PgConnection::establish(url).map_err(|error| error.to_string())?;
        Ok(Connection::Postgres(connection))
    }

    /// Runs a statement, reads all it gives, and says how many rows that were.
    pub fn run(&mut self, statement: &Statement) -> QueryResult<usize> {
        match statement {
            Statement::Control(text) => self.control(text).map(|()| 0),
            Statement::Prepared(prepared) if prepared.gives_rows => Ok(self.rows(prepared)?.len()),
            Statement::Prepared(prepared) => match self {
                Connection::Sqlite(inner) => prepared.execute(inner),
                Connection::Postgres(inner) => prepared.execute(inner),
            },
        }
    }

    pub fn control(&mut self, text: &str) -> QueryResult<()> {
        match self {
            Connection::Sqlite(inner) => inner.batch_execute(text),
            Connection::Postgres(inner) => inner.batch_execute(text),
        }
    }

    /// The rows of a query of the bench's own, which takes no binds.
    pub fn query(&mut self, text: &str) -> Result<Vec<Vec<Value>>, String> {
        let prepared = Prepared {
            pieces: Arc::from([text.to_owned()]),
            binds: Vec::new(),
            gives_rows: true,
        };
        let rows = self
            .rows(&prepared)
            .map_err(|error| format!("{error} in {text}"))?;
        Ok(rows.into_iter().map(|Values(values)| values).collect())
    }

    /// Reads every column of every row of a query, one row after the other, and says how many there were.
    pub fn scan(&mut self, text: &str) -> Result<usize, String> {
        let prepared = Prepared {
            pieces: Arc::from([text.to_owned()]),
            binds: Vec::new(),
            gives_rows: true,
        };
        let failed = |error: diesel::result::Error| error.to_string();
        let mut read = 0;
        match self {
            Connection::Sqlite(inner) => {
                for row in (&prepared)
                    .load_iter::<Values, DefaultLoadingMode>(inner)
                    .map_err(failed)?
                {
                    read += usize::from(!row.map_err(failed)?.0.is_empty());
                }
            }
            Connection::Postgres(inner) => {
                for row in (&prepared)
                    .load_iter::<Values, PgRowByRowLoadingMode>(inner)
                    .map_err(failed)?
                {
                    read += usize::from(!row.map_err(failed)?.0.is_empty());
                }
            }
        }
        Ok(read)
    }

    fn rows(&mut self, prepared: &Prepared) -> QueryResult<Vec<Values>> {
        match self {
            Connection::Sqlite(inner) => prepared.load(inner),
            Connection::Postgres(inner) => prepared.load(inner),
        }
    }
}

impl Statement {
    /// Reads a statement as Diesel shows it: the text, and the binds behind ` -- binds: `.
    pub fn parse(shown: &str, known: &mut HashSet<Arc<[String]>>) -> Result<Statement, String> {
        let Some((text, binds)) = shown.rsplit_once(" -- binds: ") else {
            return Ok(Statement::Control(Arc::from(shown)));
        };
        let binds = binds_of(binds)
            .ok_or_else(|| format!("the binds of a recorded statement cannot be read: {shown}"))?;
        let pieces = pieces_of(text);
        if pieces.len() != binds.len() + 1 {
            return Err(format!(
                "a recorded statement has other binds than places for them: {shown}"
            ));
        }
        let pieces: Arc<[String]> = Arc::from(pieces);
        let shared = known.get(&pieces).cloned().unwrap_or_else(|| {
            known.insert(Arc::clone(&pieces));
            pieces
        });
        let gives_rows =
            text.starts_with("SELECT") || text.starts_with("WITH") || text.contains(" RETURNING ");
        Ok(Statement::Prepared(Prepared {
            pieces: shared,
            binds,
            gives_rows,
        }))
    }

    /// Its text, with `?` for each bind.
    pub fn text(&self) -> String {
        match self {
            Statement::Control(text) => text.to_string(),
            Statement::Prepared(prepared) => prepared.pieces.join("?"),
        }
    }

    /// Whether it begins or ends the outermost transaction.
    pub fn is_outermost(&self) -> bool {
        match self {
            Statement::Control(text) => text.starts_with("BEGIN") || text.starts_with("COMMIT"),
            Statement::Prepared(_) => false,
        }
    }

    pub fn is_control(&self) -> bool {
        match self {
            Statement::Control(_) => true,
            Statement::Prepared(_) => false,
        }
    }
}

impl Query for Prepared {
    type SqlType = Untyped;
}

/// Not known by its type: the connection keeps the prepared statement by its text.
impl QueryId for Prepared {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for &Prepared {}

/// Writes what both databases can be given.
fn walk<'b, DB>(prepared: &'b Prepared, mut out: AstPass<'_, 'b, DB>, texts: PushTexts<DB>) -> QueryResult<()>
where
    DB: diesel::backend::Backend + HasSqlType<Bool> + HasSqlType<Date> + HasSqlType<Timestamp>,
    Option<String>: diesel::serialize::ToSql<Nullable<Text>, DB>,
    String: diesel::serialize::ToSql<Text, DB>,
    i64: diesel::serialize::ToSql<BigInt, DB>,
    bool: diesel::serialize::ToSql<Bool, DB>,
    NaiveDate: diesel::serialize::ToSql<Date, DB>,
    NaiveDateTime: diesel::serialize::ToSql<Timestamp, DB>,
{
    for (index, piece) in prepared.pieces.iter().enumerate() {
        out.push_sql(piece);
        match prepared.binds.get(index) {
            None => {}
            Some(Bind::Null) => out.push_bind_param::<Nullable<Text>, _>(&None::<String>)?,
            Some(Bind::Text(text)) => out.push_bind_param::<Text, _>(text)?,
            Some(Bind::Integer(number)) => out.push_bind_param::<BigInt, _>(number)?,
            Some(Bind::Bool(is)) => out.push_bind_param::<Bool, _>(is)?,
            Some(Bind::Date(on)) => out.push_bind_param::<Date, _>(on)?,
            Some(Bind::Timestamp(at)) => out.push_bind_param::<Timestamp, _>(at)?,
            Some(Bind::Texts(all)) => texts(&mut out, all)?,
        }
    }
    Ok(())
}

type PushTexts<DB> = for<'a, 'b> fn(&mut AstPass<'a, 'b, DB>, &'b Vec<String>) -> QueryResult<()>;

impl QueryFragment<Sqlite> for Prepared {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        walk(self, out, |_, _| {
            Err(diesel::result::Error::QueryBuilderError(
                "SQLite has no arrays".into(),
            ))
        })
    }
}

impl QueryFragment<Pg> for Prepared {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        walk(self, out, |out, texts| {
            out.push_bind_param::<Array<Text>, _>(texts)
        })
    }
}

impl QueryableByName<Sqlite> for Values {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Values> {
        let mut values = Vec::with_capacity(row.field_count());
        for index in 0..row.field_count() {
            let field = Row::get(row, index).ok_or("a row has fewer columns than it says")?;
            values.push(match field.value() {
                None => Value::Null,
                Some(mut value) => match value.value_type() {
                    Some(SqliteType::Integer | SqliteType::SmallInt | SqliteType::Long) => {
                        Value::Integer(value.read_long())
                    }
                    Some(SqliteType::Float | SqliteType::Double) => Value::Double(value.read_double()),
                    Some(SqliteType::Text | SqliteType::Binary) => Value::Text(value.read_text().to_owned()),
                    None => Value::Null,
                },
            });
        }
        Ok(Values(values))
    }
}

impl QueryableByName<Pg> for Values {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Values> {
        let mut values = Vec::with_capacity(row.field_count());
        for index in 0..row.field_count() {
            let field = Row::get(row, index).ok_or("a row has fewer columns than it says")?;
            values.push(match field.value() {
                None => Value::Null,
                Some(value) => value_of(value)?,
            });
        }
        Ok(Values(values))
    }
}

/// Reads a column by the number that PostgreSQL gives its type.
fn value_of(value: PgValue<'_>) -> deserialize::Result<Value> {
    Ok(match value.get_oid().get() {
        16 => Value::Bool(FromSql::<Bool, Pg>::from_sql(value)?),
        20 => Value::Integer(FromSql::<BigInt, Pg>::from_sql(value)?),
        23 => Value::Integer(<i32 as FromSql<Integer, Pg>>::from_sql(value)?.into()),
        701 => Value::Double(FromSql::<Double, Pg>::from_sql(value)?),
        1082 => Value::Date(FromSql::<Date, Pg>::from_sql(value)?),
        1114 => Value::Timestamp(FromSql::<Timestamp, Pg>::from_sql(value)?),
        _ => Value::Text(String::from_utf8_lossy(value.as_bytes()).into_owned()),
    })
}
