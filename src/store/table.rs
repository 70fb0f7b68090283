//! The tables as a list: names, columns, keys, and which refers to which. For what is done to every table
//! alike: copying it, counting it, comparing it.
//!
//! The list is read from a SQLite catalogue, so that no table can be forgotten in it. The one of this version
//! comes from its own migrations, run in memory; on PostgreSQL the twins make the same tables. Columns that the
//! database computes from others are not listed. No row is read here. Called by `contents`, `copy` and `backup`.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Text};

use super::StoreError;
use super::connection::AnyConnection;
use super::migration::migrate;
use super::secondary::SET_ASIDE;

/// The column that says whose a row is.
const OWNER: &str = "la_code";
/// What stands beside the data and says nothing away from its database: what ran on it, what is running, and the
/// notes of backups, copies and fillings.
const NOT_DATA: [&str; 5] = [MIGRATIONS, "leases", BACKUP_CONTENTS, COPY_PROGRESS, SET_ASIDE];

pub(super) const MIGRATIONS: &str = "__diesel_schema_migrations";
/// In a backup: what it held when it was made.
pub(super) const BACKUP_CONTENTS: &str = "ehcp_backup_contents";
/// In the target of a copy that is not finished: how far it is.
pub(super) const COPY_PROGRESS: &str = "ehcp_copy_progress";

/// A table that holds data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Positions in `columns` of the primary key's columns, in the key's order.
    pub key: Vec<usize>,
    references: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The kinds of columns there are; every one has a form that is the same on both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    Date,
    Instant,
}

impl Table {
    /// Whether its rows belong to one authority each.
    pub fn has_owner(&self) -> bool {
        self.columns.iter().any(|column| column.name == OWNER)
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct ColumnInfo {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    /// Where it stands in the primary key, from 1; 0 outside it.
    #[diesel(sql_type = Integer)]
    key_position: i32,
}

/// The tables of this version that hold data, each after those it refers to.
pub fn known_tables() -> Result<Vec<Table>, StoreError> {
    let memory = SqliteConnection::establish(":memory:")
        .map_err(|_| StoreError::Bug("SQLite does not open a database in memory".to_owned()))?;
    let mut memory = AnyConnection::Sqlite(memory);
    migrate(&mut memory).map_err(|error| StoreError::Bug(error.to_string()))?;
    tables_of(&mut memory, "main")
}

/// The tables of a SQLite database that hold data, each after those it refers to.
pub(super) fn tables_of(connection: &mut AnyConnection, schema: &str) -> Result<Vec<Table>, StoreError> {
    let listed = format!(
        "SELECT name FROM {schema}.sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
    );
    let mut tables = Vec::new();
    for Name { name } in sql_query(listed).load::<Name>(connection)? {
        if !NOT_DATA.contains(&name.as_str()) {
            tables.push(table(connection, schema, name)?);
        }
    }
    in_order_of_reference(tables)
}

/// The names of the columns of any table that hold something of their own, quoted and with commas between them.
pub(super) fn stored_columns(
    connection: &mut AnyConnection,
    schema: &str,
    table: &str,
) -> Result<String, StoreError> {
    let described = describe(connection, schema, table)?;
    let names: Vec<String> = described
        .into_iter()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    Ok(names.join(", "))
}

fn describe(
    connection: &mut AnyConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<ColumnInfo>, StoreError> {
    let described =
        "SELECT name, type AS declared, pk AS key_position FROM pragma_table_info(?, ?) ORDER BY cid";
    Ok(sql_query(described)
        .bind::<Text, _>(table)
        .bind::<Text, _>(schema)
        .load(connection)?)
}

fn table(connection: &mut AnyConnection, schema: &str, name: String) -> Result<Table, StoreError> {
    let described = describe(connection, schema, &name)?;
    let referred = "SELECT DISTINCT \"table\" AS name FROM pragma_foreign_key_list(?, ?)";
    let references: Vec<Name> = sql_query(referred)
        .bind::<Text, _>(&name)
        .bind::<Text, _>(schema)
        .load(connection)?;
    let mut key: Vec<(i32, usize)> = described
        .iter()
        .enumerate()
        .filter(|(_, column)| column.key_position > 0)
        .map(|(position, column)| (column.key_position, position))
        .collect();
    key.sort_unstable();
    if key.is_empty() {
        return Err(StoreError::Bug(format!("the table {name} has no primary key")));
    }
    let columns = described
        .into_iter()
        .map(|column| {
            Ok(Column {
                kind: kind(&column.declared)?,
                name: column.name,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Table {
        name,
        columns,
        key: key.into_iter().map(|(_, position)| position).collect(),
        references: references.into_iter().map(|reference| reference.name).collect(),
    })
}

fn kind(declared: &str) -> Result<Kind, StoreError> {
    match declared.to_ascii_uppercase().as_str() {
        "TEXT" => Ok(Kind::Text),
        "INTEGER" | "BIGINT" => Ok(Kind::Integer),
        "BOOLEAN" => Ok(Kind::Boolean),
        "DATE" => Ok(Kind::Date),
        "TIMESTAMP" => Ok(Kind::Instant),
        other => Err(StoreError::Bug(format!(
            "columns of the type {other} are not known here"
        ))),
    }
}

/// Whoever inserts in this order never breaks a foreign key.
fn in_order_of_reference(mut waiting: Vec<Table>) -> Result<Vec<Table>, StoreError> {
    let mut sorted: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let is_there = |name: &String| sorted.iter().any(|table| table.name == *name);
        let (ready, rest): (Vec<Table>, Vec<Table>) = waiting
            .into_iter()
            .partition(|table| table.references.iter().all(is_there));
        if ready.is_empty() {
            return Err(StoreError::Bug(
                "the tables refer to each other in a circle".to_owned(),
            ));
        }
        sorted.extend(ready);
        waiting = rest;
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the databases compute.
    const COMPUTED: [&str; 1] = ["wanted_on"];

    /// Names of tables and of their columns, as `schema.rs` declares them to Diesel.
    fn declared() -> Vec<(String, Vec<String>)> {
        include_str!("schema.rs")
            .split("diesel::table! {")
            .skip(1)
            .map(|block| {
                let mut lines = block.trim_start().lines();
                let name = lines.next().unwrap().split(' ').next().unwrap().to_owned();
                let columns = lines
                    .take_while(|line| line.trim() != "}")
                    .map(|line| line.trim().split(" -> ").next().unwrap().to_owned())
                    .filter(|column| !COMPUTED.contains(&column.as_str()))
                    .collect();
                (name, columns)
            })
            .filter(|(name, _)| !NOT_DATA.contains(&name.as_str()))
            .collect()
    }

    #[test]
    fn every_table_and_column_of_the_schema_is_listed() {
        let mut listed: Vec<(String, Vec<String>)> = known_tables()
            .unwrap()
            .into_iter()
            .map(|table| {
                let columns = table.columns.into_iter().map(|column| column.name).collect();
                (table.name, columns)
            })
            .collect();
        listed.sort();
        let mut declared = declared();
        declared.sort();
        assert!(declared.len() >= 14);
        assert_eq!(listed, declared);
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let tables = known_tables().unwrap();
        let place = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
        assert!(place("cases") < place("procedures"));
        assert!(place("procedures") < place("advice_requests"));
        assert!(place("organisations") < place("advice_requests"));
        assert!(place("advice_requests") < place("advice_submissions"));
    }

    #[test]
    fn a_circle_of_references_is_refused() {
        let table = |name: &str, reference: &str| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            key: Vec::new(),
            references: vec![reference.to_owned()],
        };
        let refusal = in_order_of_reference(vec![table("hen", "egg"), table("egg", "hen")]).unwrap_err();
        assert!(refusal.to_string().contains("circle"), "{refusal}");
    }
}
