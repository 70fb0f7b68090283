//! Rows of any table in one form that both databases share, and the counts and checksums made from it.
//!
//! A row is a JSON array of its columns: text and numbers as they are, booleans as 0 and 1, dates and instants
//! as the text that SQLite holds. A checksum is the SHA-256 of the rows in the order of the primary key, so that
//! equal checksums mean equal data whichever database holds it. Called by `copy` and `backup`.

use std::fmt::Write;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
use super::table::{BACKUP_CONTENTS, Column, Kind, Table};

/// How many rows are read at a time where nobody says otherwise.
const ROWS_AT_A_TIME: usize = 500;

/// What the definitions of tables, indexes and triggers are called among the tables.
pub const DEFINITIONS: &str = "sqlite_schema";

/// A row in the form that both databases share.
pub type Row = Vec<Value>;

/// Which rows are meant: of a whole database or of one authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Where several SQLite databases are attached, the name of the one; empty for the only one.
    pub schema: &'a str,
    pub la_code: Option<&'a str>,
}

/// How much a table holds, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableContents {
    pub name: String,
    pub rows: u64,
    pub sha256: String,
}

/// One checksum over those of all tables.
pub fn checksum(contents: &[TableContents]) -> String {
    let mut hash = Sha256::new();
    for table in contents {
        hash.update(format!("{} {} {}\n", table.name, table.rows, table.sha256));
    }
    hex(&hash.finalize())
}

/// The names of the tables that are not the same in both.
pub fn differing(one: &[TableContents], other: &[TableContents]) -> Vec<String> {
    let lacks = |list: &[TableContents], table: &TableContents| !list.contains(table);
    let mut names: Vec<String> = one
        .iter()
        .filter(|table| lacks(other, table))
        .map(|table| table.name.clone())
        .collect();
    for table in other.iter().filter(|table| lacks(one, table)) {
        if !names.contains(&table.name) {
            names.push(table.name.clone());
        }
    }
    names
}

/// Reads every row of the tables and answers counts and checksums; tells how many rows each step read.
pub fn contents_of(
    connection: &mut AnyConnection,
    tables: &[Table],
    scope: Scope<'_>,
    mut progress: impl FnMut(u64),
) -> Result<Vec<TableContents>, StoreError> {
    let mut contents = Vec::with_capacity(tables.len());
    for table in tables {
        let mut hash = Sha256::new();
        let (mut rows, mut after) = (0, None);
        loop {
            let batch = read_rows(connection, table, scope, after.as_deref(), ROWS_AT_A_TIME)?;
            for row in &batch {
                hash.update(json(row)?);
                hash.update(b"\n");
            }
            rows += batch.len() as u64;
            progress(batch.len() as u64);
            let Some(last) = batch.last() else { break };
            after = Some(key_of(table, last)?);
            if batch.len() < ROWS_AT_A_TIME {
                break;
            }
        }
        contents.push(TableContents {
            name: table.name.clone(),
            rows,
            sha256: hex(&hash.finalize()),
        });
    }
    Ok(contents)
}

/// What a SQLite database has beside rows: how many tables, indexes and triggers, and the checksum of their
/// definitions in the order of their names.
pub fn definitions_of(connection: &mut AnyConnection, schema: &str) -> Result<TableContents, StoreError> {
    let asked = format!(
        "SELECT json_array(type, name, sql) AS line FROM {schema}.sqlite_schema \
         WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' AND name <> '{BACKUP_CONTENTS}' ORDER BY name"
    );
    let lines: Vec<Line> = on_backend!(connection, inner => sql_query(asked).load(inner))?;
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(&line.line);
        hash.update(b"\n");
    }
    Ok(TableContents {
        name: DEFINITIONS.to_owned(),
        rows: lines.len() as u64,
        sha256: hex(&hash.finalize()),
    })
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How many rows the tables hold together.
pub fn count_rows(
    connection: &mut AnyConnection,
    tables: &[Table],
    scope: Scope<'_>,
) -> Result<u64, StoreError> {
    let mut total = 0;
    for table in tables {
        let name = qualified(scope, table);
        let parameter = parameter(connection, 1);
        let query = match scope.la_code {
            Some(_) => format!("SELECT count(*) AS rows FROM {name} WHERE la_code = {parameter}"),
            None => format!("SELECT count(*) AS rows FROM {name} WHERE {parameter} = ''"),
        };
        let query = sql_query(query).bind::<Text, _>(scope.la_code.unwrap_or_default());
        let count: Count = on_backend!(connection, inner => query.get_result(inner))?;
        total += u64::try_from(count.rows).unwrap_or_default();
    }
    Ok(total)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The next rows in the order of the primary key, after the row with the key that [`key_of`] gave.
pub fn read_rows(
    connection: &mut AnyConnection,
    table: &Table,
    scope: Scope<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let query = reading(connection, table, scope, after.is_some(), limit);
    let query = sql_query(query)
        .bind::<Text, _>(after.unwrap_or_default())
        .bind::<Text, _>(scope.la_code.unwrap_or_default());
    let lines: Vec<Line> = on_backend!(connection, inner => query.load(inner))?;
    lines
        .iter()
        .map(|line| serde_json::from_str(&line.line).map_err(|_| unreadable(table)))
        .collect()
}

fn reading(
    connection: &AnyConnection,
    table: &Table,
    scope: Scope<'_>,
    is_after: bool,
    limit: usize,
) -> String {
    let columns = list(
        table
            .columns
            .iter()
            .map(|column| read_expression(connection, column)),
    );
    let array = match connection {
        AnyConnection::Sqlite(_) => format!("json_array({columns})"),
        AnyConnection::Postgres(_) => format!("json_build_array({columns})::text"),
    };
    let key: Vec<&Column> = table
        .key
        .iter()
        .filter_map(|position| table.columns.get(*position))
        .collect();
    let ordered = list(key.iter().map(|column| sort_expression(connection, column)));
    let first = parameter(connection, 1);
    let second = parameter(connection, 2);
    let later = if is_after {
        let values = list(key.iter().enumerate().map(|(place, column)| match connection {
            AnyConnection::Sqlite(_) => format!("json_extract({first}, '$[{place}]')"),
            AnyConnection::Postgres(_) => from_json(&format!("{first}::jsonb"), place, column.kind),
        }));
        format!("({ordered}) > ({values})")
    } else {
        format!("{first} = ''")
    };
    let owned = match scope.la_code {
        Some(_) => format!("la_code = {second}"),
        None => format!("{second} = ''"),
    };
    let name = qualified(scope, table);
    format!("SELECT {array} AS line FROM {name} WHERE {later} AND {owned} ORDER BY {ordered} LIMIT {limit}")
}

/// The primary key of a row, as [`read_rows`] takes it.
pub fn key_of(table: &Table, row: &Row) -> Result<String, StoreError> {
    let key: Vec<&Value> = table
        .key
        .iter()
        .filter_map(|position| row.get(*position))
        .collect();
    json(&key)
}

/// Inserts rows of the shared form, all or none.
pub fn insert_rows(connection: &mut AnyConnection, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    let names = list(table.columns.iter().map(|column| format!("\"{}\"", column.name)));
    let values = list(
        table
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| match connection {
                AnyConnection::Sqlite(_) => format!("json_extract(value, '$[{place}]')"),
                AnyConnection::Postgres(_) => from_json("value", place, column.kind),
            }),
    );
    let source = match connection {
        AnyConnection::Sqlite(_) => "json_each(?1)",
        AnyConnection::Postgres(_) => "jsonb_array_elements($1::jsonb)",
    };
    let insert = format!(
        "INSERT INTO \"{}\" ({names}) SELECT {values} FROM {source}",
        table.name
    );
    let insert = sql_query(insert).bind::<Text, _>(json(&rows)?);
    let inserted = on_backend!(connection, inner => insert.execute(inner))?;
    if inserted == rows.len() {
        Ok(())
    } else {
        Err(StoreError::Bug(format!(
            "the table {} took too few rows",
            table.name
        )))
    }
}

/// A column in the shared form, which is the one SQLite holds.
fn read_expression(connection: &AnyConnection, column: &Column) -> String {
    let name = format!("\"{}\"", column.name);
    match connection {
        AnyConnection::Sqlite(_) => name,
        AnyConnection::Postgres(_) => match column.kind {
            Kind::Text | Kind::Integer => name,
            Kind::Boolean => format!("{name}::integer"),
            Kind::Date => format!("to_char({name}, 'YYYY-MM-DD')"),
            // Diesel writes no fraction, thousandths or millionths to SQLite, whichever is enough.
            Kind::Instant => format!(
                "to_char({name}, 'YYYY-MM-DD HH24:MI:SS') || CASE \
                 WHEN to_char({name}, 'US') = '000000' THEN '' \
                 WHEN right(to_char({name}, 'US'), 3) = '000' THEN '.' || to_char({name}, 'MS') \
                 ELSE '.' || to_char({name}, 'US') END"
            ),
        },
    }
}

/// A column of the primary key, so that both databases sort by it alike.
fn sort_expression(connection: &AnyConnection, column: &Column) -> String {
    let name = format!("\"{}\"", column.name);
    match (connection, column.kind == Kind::Text) {
        (AnyConnection::Postgres(_), true) => format!("{name} COLLATE \"C\""),
        (AnyConnection::Postgres(_), false) | (AnyConnection::Sqlite(_), true | false) => name,
    }
}

/// A PostgreSQL value from the element at a place of a JSON array.
fn from_json(array: &str, place: usize, kind: Kind) -> String {
    let text = format!("({array} ->> {place})");
    match kind {
        Kind::Text => text,
        Kind::Integer => format!("{text}::bigint"),
        Kind::Boolean => format!("{text}::integer::boolean"),
        Kind::Date => format!("{text}::date"),
        Kind::Instant => format!("{text}::timestamp"),
    }
}

fn qualified(scope: Scope<'_>, table: &Table) -> String {
    if scope.schema.is_empty() {
        format!("\"{}\"", table.name)
    } else {
        format!("{}.\"{}\"", scope.schema, table.name)
    }
}

fn parameter(connection: &AnyConnection, number: u8) -> String {
    match connection {
        AnyConnection::Sqlite(_) => format!("?{number}"),
        AnyConnection::Postgres(_) => format!("${number}"),
    }
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Bug("a row cannot be written as JSON".to_owned()))
}

fn unreadable(table: &Table) -> StoreError {
    StoreError::Bug(format!("a row of the table {} cannot be read", table.name))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _written = write!(text, "{byte:02x}");
            text
        })
}
