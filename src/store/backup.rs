//! Backups of a SQLite database: one file that holds a single moment of it, with its checksums inside.
//!
//! A backup is made table by table in one read transaction, beside a server that goes on writing, and never
//! under its final name before it is whole. `VACUUM INTO` would choose its moment itself, so that nothing could be
//! compared with it afterwards. Called by the command line.

use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::connection::{Access, AnyConnection};
use super::contents::{Scope, TableContents, contents_of, count_rows, definitions_of, differing};
use super::examine::{check_pages, damage};
use super::migration::MigrateError;
use super::sqlite_file::{
    file_uri, must_be_a_file, open, refuse_existing, reserve, sync_folder, unwritable, with_ending,
};
use super::table::{BACKUP_CONTENTS, MIGRATIONS, stored_columns, tables_of};
use super::{StoreError, transaction};

/// The names of the two databases of one connection.
const MADE: &str = "main";
const SOURCE: &str = "source";

/// Why a backup could not be made, or is none to rely on.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{0} is there already; a backup overwrites nothing, so name another file")]
    Exists(PathBuf),
    #[error("cannot write {path}: {reason}")]
    Unwritable { path: PathBuf, reason: String },
    #[error("another process is writing {0}")]
    InUse(PathBuf),
    #[error(
        "{path} has the file {beside} beside it: it is a database in use or the copy of one, and no backup; \
         make one with `ehcp backup`"
    )]
    InUseBySqlite { path: PathBuf, beside: PathBuf },
    #[error("{path} is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("{0} is not a database of this program")]
    NotOurs(PathBuf),
    #[error("what was written is not what was read ({}); it was removed", .0.join(", "))]
    Differs(Vec<String>),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a backup is doing, for those who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Copying,
    Comparing,
}

/// A step: the stage, how many rows of it are done, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub stage: Stage,
    pub done: u64,
    pub of: u64,
}

/// Copies one moment of a SQLite database into a new file, for its owner alone, and proves it equal.
///
/// Servers may write to the database meanwhile; their write-ahead log cannot be emptied until this is done.
/// A process that dies leaves at most a file whose name ends in `.partial`, which the next run takes over.
pub fn back_up(
    database: &Path,
    to: &Path,
    watch: impl FnMut(Step),
) -> Result<Vec<TableContents>, BackupError> {
    // Not `mode=ro`: where no server runs, the last to close must be able to take the write-ahead log away.
    let source = format!("{}?mode=rw", file_uri(database)?);
    write_file(database, &source, to, true, watch)
}

/// Copies a backup into a new database file, in the same manner, and proves it equal.
pub fn restore(backup: &Path, to: &Path, watch: impl FnMut(Step)) -> Result<Vec<TableContents>, BackupError> {
    let source = format!("{}?mode=ro&immutable=1", file_uri(backup)?);
    write_file(backup, &source, to, false, watch)
}

fn write_file(
    from: &Path,
    source: &str,
    to: &Path,
    with_checksums: bool,
    watch: impl FnMut(Step),
) -> Result<Vec<TableContents>, BackupError> {
    must_be_a_file(from)?;
    refuse_existing(to)?;
    let partial = with_ending(to, ".partial");
    let failed = |error: io::Error| unwritable(&partial, error.to_string());
    let file = reserve(&partial)?;
    let written = fill(from, source, &partial, with_checksums, watch);
    let written = written.and_then(|contents| {
        file.sync_all().map_err(failed)?;
        refuse_existing(to)?;
        std::fs::rename(&partial, to).map_err(failed)?;
        sync_folder(to).map_err(failed)?;
        Ok(contents)
    });
    if written.is_err() {
        // What failed is worth more to whoever reads it than that a half file could not be removed.
        let _left_behind = std::fs::remove_file(&partial);
    }
    written
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
}

fn fill(
    from: &Path,
    source: &str,
    partial: &Path,
    with_checksums: bool,
    mut watch: impl FnMut(Step),
) -> Result<Vec<TableContents>, BackupError> {
    let path = std::path::absolute(partial).map_err(|error| unwritable(partial, error.to_string()))?;
    let mut connection = open(&path, &file_uri(&path)?)?;
    let prepare = format!(
        // A file under its partial name needs neither a journal nor a sync for every page: it is whole or nothing.
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; \
         PRAGMA busy_timeout = 5000; ATTACH DATABASE '{}' AS {SOURCE}",
        source.replace('\'', "''")
    );
    connection
        .batch_execute(&prepare)
        .map_err(|error| from_sqlite(from, StoreError::from(error)))?;
    transaction::begin(&mut connection, Access::Read).map_err(StoreError::from)?;
    let contents = transaction::conclude(&mut connection, Access::Read, |connection| {
        fill_in_transaction(connection, from, with_checksums, &mut watch)
    });
    let contents = contents.map_err(|error| match error {
        BackupError::Store(error) => from_sqlite(from, error),
        other => other,
    })?;
    connection
        .batch_execute(&format!("DETACH DATABASE {SOURCE}"))
        .map_err(StoreError::from)?;
    check_pages(&mut connection, partial)?;
    Ok(contents)
}

fn fill_in_transaction(
    connection: &mut AnyConnection,
    from: &Path,
    with_checksums: bool,
    watch: &mut impl FnMut(Step),
) -> Result<Vec<TableContents>, BackupError> {
    let objects = format!(
        "SELECT type AS kind, name, sql AS statement FROM {SOURCE}.sqlite_schema \
         WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' AND name <> '{BACKUP_CONTENTS}'"
    );
    let objects: Vec<Object> = sql_query(objects).load(connection).map_err(StoreError::from)?;
    let (tables, rest): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.kind == "table");
    if tables.iter().all(|table| table.name != MIGRATIONS) {
        return Err(BackupError::NotOurs(from.to_owned()));
    }
    let listed = tables_of(connection, SOURCE)?;
    let (made, source) = (
        Scope {
            schema: MADE,
            la_code: None,
        },
        Scope {
            schema: SOURCE,
            la_code: None,
        },
    );
    let of = count_rows(connection, &listed, source)?;
    let mut done = 0;
    for table in &tables {
        let name = &table.name;
        connection
            .batch_execute(&table.statement)
            .map_err(StoreError::from)?;
        let columns = stored_columns(connection, SOURCE, name)?;
        let insert =
            format!("INSERT INTO {MADE}.\"{name}\" ({columns}) SELECT {columns} FROM {SOURCE}.\"{name}\"");
        let copied = sql_query(insert).execute(connection).map_err(StoreError::from)?;
        done += if name == MIGRATIONS { 0 } else { copied as u64 };
        watch(Step {
            stage: Stage::Copying,
            done,
            of,
        });
    }
    // An index is made faster of rows that are there than with each of them.
    for object in rest {
        connection
            .batch_execute(&object.statement)
            .map_err(StoreError::from)?;
    }
    let mut wanted = contents_of(
        connection,
        &listed,
        source,
        counted(Stage::Comparing, 0, 2 * of, watch),
    )?;
    wanted.push(definitions_of(connection, SOURCE)?);
    let mut there = contents_of(
        connection,
        &listed,
        made,
        counted(Stage::Comparing, of, 2 * of, watch),
    )?;
    there.push(definitions_of(connection, MADE)?);
    let different = differing(&wanted, &there);
    if !different.is_empty() {
        return Err(BackupError::Differs(different));
    }
    if with_checksums {
        promise(connection, &wanted)?;
    }
    Ok(wanted)
}

/// Writes into a backup what it holds, so that damage which SQLite cannot see is found.
fn promise(connection: &mut AnyConnection, contents: &[TableContents]) -> Result<(), StoreError> {
    connection.batch_execute(&format!(
        "CREATE TABLE {MADE}.{BACKUP_CONTENTS} \
         (position INTEGER PRIMARY KEY, table_name TEXT NOT NULL, row_count BIGINT NOT NULL, sha256 TEXT NOT NULL)"
    ))?;
    for table in contents {
        sql_query(format!(
            "INSERT INTO {MADE}.{BACKUP_CONTENTS} (table_name, row_count, sha256) VALUES (?, ?, ?)"
        ))
        .bind::<Text, _>(&table.name)
        .bind::<BigInt, _>(i64::try_from(table.rows).unwrap_or(i64::MAX))
        .bind::<Text, _>(&table.sha256)
        .execute(connection)?;
    }
    Ok(())
}

/// What SQLite says of the file it reads from, told from what it says of the one it writes.
fn from_sqlite(path: &Path, error: StoreError) -> BackupError {
    let of_the_source = |reason: &str| reason.contains("not a database") || reason.contains("malformed");
    match error {
        StoreError::Bug(reason) if of_the_source(&reason) => damage(path, StoreError::Bug(reason)),
        StoreError::Unavailable { reason, .. } if reason.contains("unable to open") => {
            BackupError::Unreadable {
                path: path.to_owned(),
                reason,
            }
        }
        other => BackupError::Store(other),
    }
}

pub(super) fn counted(stage: Stage, before: u64, of: u64, watch: &mut impl FnMut(Step)) -> impl FnMut(u64) {
    let mut done = before;
    move |rows| {
        done += rows;
        watch(Step { stage, done, of });
    }
}
