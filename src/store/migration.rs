//! The embedded migrations: bringing a database up to this version, and refusing one that is ahead of it.
//!
//! The twin folders hold the same names. `Store::open` runs this before anything else does.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sql_types::{Bool, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{AnyConnection, POSTGRES_SESSION, on_backend};
use super::secondary;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number of this program's own, the same in every version: it names the lock on migrating.
const ADVISORY_LOCK: i64 = 0x4548_4350;

/// Why a database could not be brought up to this version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer version of the program has migrated it; this one must not touch it.
    #[error(
        "the database was set up by a newer version of this program: it has {}, which this version does not know. \
         Start the newer version, or restore a backup made before the upgrade",
        unknown.join(", ")
    )]
    Newer { unknown: Vec<String> },
    #[error("a migration failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Applies what is missing and answers its versions, oldest first.
///
/// On PostgreSQL replicas that start together wait for each other. On SQLite the caller holds the
/// data folder's lock.
pub(super) fn migrate(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    match connection {
        // A migration may build on an index or take it away: they are there whenever one runs.
        AnyConnection::Sqlite(inner) => {
            apply(inner, SQLITE, SQLITE, |inner| secondary::make_all(inner, |_| {}))
        }
        AnyConnection::Postgres(inner) => {
            let failed = |error| MigrateError::Failed(Box::new(error));
            // Another replica, and a migration too, may rightly take longer than a request may.
            let patient = "SET lock_timeout = 0; SET statement_timeout = 0";
            inner.batch_execute(patient).map_err(failed)?;
            let claim = format!("SELECT pg_try_advisory_lock({ADVISORY_LOCK}) AS is_there");
            let claimed: Answer = sql_query(claim).get_result(inner).map_err(failed)?;
            if !claimed.is_there {
                log::info!("another replica is migrating the database; waiting for it");
                let wait = format!("SELECT pg_advisory_lock({ADVISORY_LOCK})");
                inner.batch_execute(&wait).map_err(failed)?;
            }
            let applied = apply(inner, POSTGRES, POSTGRES, |_| Ok(()));
            let unlock = format!("SELECT pg_advisory_unlock({ADVISORY_LOCK}); {POSTGRES_SESSION}");
            inner.batch_execute(&unlock).map_err(failed)?;
            applied
        }
    }
}

/// Which version of the program set a database up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaVersion {
    /// None of this program's migrations ran on it.
    Unmigrated,
    /// Some are missing.
    Older,
    Current,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    is_there: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Tells which version set a database up, without writing to it; refuses one that is ahead.
pub(super) fn schema_version(connection: &mut AnyConnection) -> Result<SchemaVersion, MigrateError> {
    let failed = |error| MigrateError::Failed(Box::new(error));
    let asked = match connection {
        AnyConnection::Sqlite(_) => {
            "SELECT count(*) > 0 AS is_there FROM sqlite_schema WHERE name = '__diesel_schema_migrations'"
        }
        AnyConnection::Postgres(_) => {
            "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS is_there"
        }
    };
    let answer: Answer =
        on_backend!(connection, inner => sql_query(asked).get_result(inner)).map_err(failed)?;
    if !answer.is_there {
        return Ok(SchemaVersion::Unmigrated);
    }
    let asked = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    let applied: Vec<Applied> =
        on_backend!(connection, inner => sql_query(asked).load(inner)).map_err(failed)?;
    // The twins have the same names.
    let known =
        MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map_err(MigrateError::Failed)?;
    let known: Vec<String> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let unknown: Vec<String> = applied
        .iter()
        .map(|applied| applied.version.clone())
        .filter(|version| !known.contains(version))
        .collect();
    if !unknown.is_empty() {
        Err(MigrateError::Newer { unknown })
    } else if applied.is_empty() {
        Ok(SchemaVersion::Unmigrated)
    } else if applied.len() < known.len() {
        Ok(SchemaVersion::Older)
    } else {
        Ok(SchemaVersion::Current)
    }
}

fn apply<DB, C>(
    connection: &mut C,
    embedded: impl MigrationSource<DB>,
    source: impl MigrationSource<DB>,
    prepare: impl FnOnce(&mut C) -> QueryResult<()>,
) -> Result<Vec<String>, MigrateError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
{
    let known: Vec<Box<dyn Migration<DB>>> = embedded.migrations().map_err(MigrateError::Failed)?;
    let mut unknown = connection.applied_migrations().map_err(MigrateError::Failed)?;
    unknown.retain(|applied| {
        known
            .iter()
            .all(|migration| migration.name().version() != *applied)
    });
    if !unknown.is_empty() {
        return Err(MigrateError::Newer {
            unknown: unknown.iter().rev().map(ToString::to_string).collect(),
        });
    }
    prepare(connection).map_err(|error| MigrateError::Failed(Box::new(error)))?;
    let missing = connection
        .pending_migrations(embedded)
        .map_err(MigrateError::Failed)?
        .len();
    // An empty one is made in no time.
    if (1..known.len()).contains(&missing) {
        log::info!(migrations = missing; "bringing the database up to this version");
    }
    let applied = connection
        .run_pending_migrations(source)
        .map_err(MigrateError::Failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_twins_have_the_same_names() {
        let names = |folder: &str| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(folder);
            let mut names: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("sqlite"), names("postgres"));
    }
}
