//! Examining a backup without changing it or anything beside it.
//!
//! Whether its index equals its events is decided in `service::rebuild`, on a copy. Called by the command line,
//! and by `backup` for what it has just made.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::StoreError;
use super::backup::{BackupError, Stage, Step, counted};
use super::connection::AnyConnection;
use super::contents::{
    DEFINITIONS, Scope, TableContents, contents_of, count_rows, definitions_of, differing,
};
use super::migration::{self, MigrateError, SchemaVersion};
use super::sqlite_file::{file_uri, must_be_a_file, open, with_ending};
use super::table::{BACKUP_CONTENTS, tables_of};

/// What a file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub tables: Vec<TableContents>,
    /// Whether the file says itself what it must hold; files that other programs made do not.
    pub has_checksums: bool,
    pub version: SchemaVersion,
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
    let version = migration::schema_version(connection).map_err(|error| match error {
        MigrateError::Newer { .. } => BackupError::Migrate(error),
        MigrateError::Failed(cause) => damage(StoreError::Bug(cause.to_string())),
    })?;
    if version == SchemaVersion::Unmigrated {
        return Err(BackupError::NotOurs(path.to_owned()));
    }
    let tables = tables_of(connection, "main").map_err(damage)?;
    let scope = Scope {
        schema: "main",
        la_code: None,
    };
    let of = count_rows(connection, &tables, scope).map_err(damage)?;
    let counted = counted(Stage::Comparing, 0, of, &mut watch);
    let mut contents = contents_of(connection, &tables, scope, counted).map_err(damage)?;
    let promised = promised(connection).map_err(damage)?;
    // Backups of versions before said nothing of them.
    if promised
        .as_ref()
        .is_none_or(|promised| promised.iter().any(|table| table.name == DEFINITIONS))
    {
        contents.push(definitions_of(connection, "main").map_err(damage)?);
    }
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
        version,
    })
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
pub(super) fn check_pages(connection: &mut AnyConnection, path: &Path) -> Result<(), BackupError> {
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

/// Damage, where a file that is only read gives anything but what was asked for.
pub(super) fn damage(path: &Path, error: StoreError) -> BackupError {
    match error {
        StoreError::Bug(reason) if reason.contains("not a database") => BackupError::NotOurs(path.to_owned()),
        StoreError::Bug(reason) | StoreError::Unavailable { reason, .. } => BackupError::Damaged {
            path: path.to_owned(),
            reason,
        },
        other @ (StoreError::NotFound
        | StoreError::Duplicate(_)
        | StoreError::Stale
        | StoreError::OutcomeUnknown { .. }) => BackupError::Store(other),
    }
}
