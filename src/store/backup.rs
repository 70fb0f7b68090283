//! Backups of a SQLite database: one file that holds a single moment of it, with its checksums inside.
//!
//! A backup is made table by table in one read transaction, beside a server that goes on writing, and never
//! under its final name before it is whole. It is examined without a change to it. What its index must equal is
//! decided in `service::rebuild`, on a copy. Called by the command line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::connection::{Access, AnyConnection};
use super::contents::{Scope, TableContents, contents_of, count_rows, differing};
use super::migration::{self, MigrateError, Standing};
use super::table::{BACKUP_CONTENTS, MIGRATIONS, tables_of};
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

/// What a file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub tables: Vec<TableContents>,
    /// Whether the file says itself what it must hold; files that other programs made do not.
    pub has_checksums: bool,
    pub standing: Standing,
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

/// Examines a backup without changing it or anything beside it: its pages, its foreign keys, its version and,
/// where it has them, its checksums.
pub fn examine(path: &Path, mut watch: impl FnMut(Step)) -> Result<Examined, BackupError> {
    must_be_a_file(path)?;
    for ending in ["-wal", "-journal"] {
        let beside = with_ending(path, ending);
        if std::fs::metadata(&beside).is_ok_and(|found| found.len() > 0) {
            return Err(BackupError::InUseBySqlite {
                path: path.to_owned(),
                beside,
            });
        }
    }
    // `immutable` keeps SQLite from making the files of a write-ahead log.
    let mut connection = open(path, &format!("{}?mode=ro&immutable=1", file_uri(path)?))?;
    let connection = &mut connection;
    let damage = |error| damage(path, error);
    check_pages(connection, path)?;
    let standing = migration::standing(connection).map_err(|error| match error {
        MigrateError::Newer { .. } => BackupError::Migrate(error),
        MigrateError::Failed(cause) => damage(StoreError::Bug(cause.to_string())),
    })?;
    if standing == Standing::Unmigrated {
        return Err(BackupError::NotOurs(path.to_owned()));
    }
    let tables = tables_of(connection, MADE).map_err(damage)?;
    let scope = Scope {
        schema: MADE,
        la_code: None,
    };
    let of = count_rows(connection, &tables, scope).map_err(damage)?;
    let counted = counted(Stage::Comparing, 0, of, &mut watch);
    let contents = contents_of(connection, &tables, scope, counted).map_err(damage)?;
    let promised = promised(connection).map_err(damage)?;
    if let Some(promised) = &promised {
        let different = differing(promised, &contents);
        if !different.is_empty() {
            let reason = format!(
                "it does not hold what it held when it was made ({})",
                different.join(", ")
            );
            return Err(BackupError::Damaged {
                path: path.to_owned(),
                reason,
            });
        }
    }
    Ok(Examined {
        tables: contents,
        has_checksums: promised.is_some(),
        standing,
    })
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
    let unwritable = |error: io::Error| BackupError::Unwritable {
        path: partial.clone(),
        reason: error.to_string(),
    };
    let file = reserve(&partial)?;
    let written = fill(from, source, &partial, with_checksums, watch);
    let written = written.and_then(|contents| {
        file.sync_all().map_err(unwritable)?;
        refuse_existing(to)?;
        std::fs::rename(&partial, to).map_err(unwritable)?;
        sync_folder(to).map_err(unwritable)?;
        Ok(contents)
    });
    if written.is_err() {
        // What failed is worth more to whoever reads it than that a half file could not be removed.
        let _left_behind = std::fs::remove_file(&partial);
    }
    written
}

/// An empty file for its owner alone, locked. One that a killed process left is used again.
fn reserve(partial: &Path) -> Result<File, BackupError> {
    let unwritable = |error: io::Error| BackupError::Unwritable {
        path: partial.to_owned(),
        reason: error.to_string(),
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(partial).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BackupError::InUse(partial.to_owned())),
        Err(TryLockError::Error(error)) => return Err(unwritable(error)),
    }
    file.set_len(0).map_err(unwritable)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(unwritable)?;
    Ok(file)
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
        fill_in_transaction(connection, with_checksums, &mut watch)
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
        let insert = format!("INSERT INTO {MADE}.\"{name}\" SELECT * FROM {SOURCE}.\"{name}\"");
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
    let wanted = contents_of(
        connection,
        &listed,
        source,
        counted(Stage::Comparing, 0, 2 * of, watch),
    )?;
    let there = contents_of(
        connection,
        &listed,
        made,
        counted(Stage::Comparing, of, 2 * of, watch),
    )?;
    let different = differing(&wanted, &there);
    if !different.is_empty() {
        return Err(BackupError::Differs(different));
    }
    if with_checksums {
        promise(connection, &wanted)?;
    }
    Ok(wanted)
}

#[derive(QueryableByName)]
struct Promised {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = BigInt)]
    row_count: i64,
    #[diesel(sql_type = Text)]
    sha256: String,
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

/// What a backup says that it holds.
fn promised(connection: &mut AnyConnection) -> Result<Option<Vec<TableContents>>, StoreError> {
    let is_there: i64 = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM sqlite_schema WHERE name = ")
        .bind::<Text, _>(BACKUP_CONTENTS)
        .get_result(connection)?;
    if is_there == 0 {
        return Ok(None);
    }
    let promised: Vec<Promised> = sql_query(format!(
        "SELECT table_name, row_count, sha256 FROM {BACKUP_CONTENTS} ORDER BY position"
    ))
    .load(connection)?;
    Ok(Some(
        promised
            .into_iter()
            .map(|table| TableContents {
                name: table.table_name,
                rows: u64::try_from(table.row_count).unwrap_or_default(),
                sha256: table.sha256,
            })
            .collect(),
    ))
}

/// SQLite's own checks: of pages and indexes, and of foreign keys.
fn check_pages(connection: &mut AnyConnection, path: &Path) -> Result<(), BackupError> {
    let damaged = |reason: String| BackupError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let found: Vec<String> = diesel::dsl::sql::<Text>("PRAGMA integrity_check(1)")
        .load(connection)
        .map_err(|error| damage(path, StoreError::from(error)))?;
    if found != ["ok"] {
        let first = found.first().map_or("", String::as_str);
        return Err(damaged(format!(
            "SQLite's integrity check says `{}`",
            first.replace('\n', " ")
        )));
    }
    let dangling: i64 = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check")
        .get_result(connection)
        .map_err(|error| damage(path, StoreError::from(error)))?;
    if dangling > 0 {
        return Err(damaged(format!(
            "{dangling} rows refer to rows that are not there"
        )));
    }
    Ok(())
}

fn open(path: &Path, uri: &str) -> Result<AnyConnection, BackupError> {
    let connection = SqliteConnection::establish(uri).map_err(|error| BackupError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(AnyConnection::Sqlite(connection))
}

/// Damage, where a file that is only read gives anything but what was asked for.
fn damage(path: &Path, error: StoreError) -> BackupError {
    match error {
        StoreError::Bug(reason) if reason.contains("not a database") => BackupError::NotOurs(path.to_owned()),
        StoreError::Bug(reason) | StoreError::Unavailable { reason } => BackupError::Damaged {
            path: path.to_owned(),
            reason,
        },
        other @ (StoreError::NotFound | StoreError::Duplicate(_) | StoreError::Stale) => {
            BackupError::Store(other)
        }
    }
}

/// What SQLite says of the file it reads from, told from what it says of the one it writes.
fn from_sqlite(path: &Path, error: StoreError) -> BackupError {
    let of_the_source = |reason: &str| reason.contains("not a database") || reason.contains("malformed");
    match error {
        StoreError::Bug(reason) if of_the_source(&reason) => damage(path, StoreError::Bug(reason)),
        StoreError::Unavailable { reason } if reason.contains("unable to open") => BackupError::Unreadable {
            path: path.to_owned(),
            reason,
        },
        other => BackupError::Store(other),
    }
}

fn must_be_a_file(path: &Path) -> Result<(), BackupError> {
    let unreadable = |reason: String| BackupError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let found = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if found.is_file() {
        File::open(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(())
    } else {
        Err(unreadable("it is not a file".to_owned()))
    }
}

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    Ok(())
}

fn unwritable(path: &Path, reason: String) -> BackupError {
    BackupError::Unwritable {
        path: path.to_owned(),
        reason,
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// The path with more letters at its end.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A path as SQLite reads it in a URI, where `?`, `#` and `%` mean something.
fn file_uri(path: &Path) -> Result<String, BackupError> {
    let unreadable = |reason: String| BackupError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let absolute = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
    let name = absolute
        .to_str()
        .ok_or_else(|| unreadable("its path is not UTF-8".to_owned()))?;
    let mut uri = "file:".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(uri)
}

fn counted(stage: Stage, before: u64, of: u64, watch: &mut impl FnMut(Step)) -> impl FnMut(u64) {
    let mut done = before;
    move |rows| {
        done += rows;
        watch(Step { stage, done, of });
    }
}
