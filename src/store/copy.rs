//! The two ends of a copy from one database to another, and how far it has come.
//!
//! The target notes how far it is in a table of its own, in the transaction of the rows themselves, so that a
//! copy that was killed goes on where it stopped. What may be copied where is decided in `service::copy`.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};

use super::connection::{Access, AnyConnection, Connector, OpenConnection, Statements, on_backend};
use super::migration::{self, SchemaVersion};
use super::table::{COPY_PROGRESS, Table};
use super::{ConnectError, Location, OpenError, StoreError, transaction};

/// One end of a copy: a database opened alone, without pools or a writer.
pub struct End {
    connection: OpenConnection,
    access: Access,
}

impl End {
    /// Opens the end that is read; never changes it.
    pub fn source(location: &Location) -> Result<End, OpenError> {
        End::open(location, Access::Read)
    }

    /// Opens the end that is written; a SQLite file is made where there is none.
    pub fn target(location: &Location) -> Result<End, OpenError> {
        End::open(location, Access::Write)
    }

    fn open(location: &Location, access: Access) -> Result<End, OpenError> {
        let connector = Connector {
            location: location.clone(),
            access,
            statements: Arc::new(Statements::default()),
            breaker: Arc::default(),
        };
        let mut connection = connector.connect()?;
        connector.check_suited(&mut connection)?;
        let mut end = End { connection, access };
        end.be_patient()?;
        Ok(end)
    }

    /// One end waits, in its transaction, for as long as the other needs.
    fn be_patient(&mut self) -> Result<(), OpenError> {
        match &mut *self.connection {
            AnyConnection::Sqlite(_) => {}
            AnyConnection::Postgres(inner) => inner
                .batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                .map_err(ConnectError::Lost)?,
        }
        Ok(())
    }

    /// Which version of the program set the database up.
    pub fn schema_version(&mut self) -> Result<SchemaVersion, OpenError> {
        Ok(migration::schema_version(&mut self.connection)?)
    }

    /// Brings the database up to this version.
    pub fn migrate(&mut self) -> Result<(), OpenError> {
        migration::migrate(&mut self.connection)?;
        // A migration leaves the session as those of a server are.
        self.be_patient()
    }

    /// Runs work in one transaction; at the source it sees one moment throughout.
    pub fn transact<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        transaction::begin(&mut self.connection, self.access).map_err(StoreError::from)?;
        transaction::conclude(&mut self.connection, self.access, work)
    }

    /// Reads in one transaction, at the target too.
    pub fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        transaction::begin(&mut self.connection, Access::Read).map_err(StoreError::from)?;
        transaction::conclude(&mut self.connection, Access::Read, work)
    }
}

/// How far the copy of one table is.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Progress {
    /// The authority that is copied; empty where all are.
    #[diesel(sql_type = Text)]
    pub la_code: String,
    #[diesel(sql_type = Text)]
    pub table_name: String,
    /// The checksum of everything that is copied, which tells one source from another.
    #[diesel(sql_type = Text)]
    pub source_sha256: String,
    /// The key of the last row that is there; empty before the first.
    #[diesel(sql_type = Text)]
    pub last_key: String,
    #[diesel(sql_type = BigInt)]
    pub copied_rows: i64,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    is_there: bool,
}

/// What copies into this database that are not finished have noted.
pub fn progress_of(connection: &mut AnyConnection) -> Result<Vec<Progress>, StoreError> {
    let asked = match connection {
        AnyConnection::Sqlite(_) => {
            format!("SELECT count(*) > 0 AS is_there FROM sqlite_schema WHERE name = '{COPY_PROGRESS}'")
        }
        AnyConnection::Postgres(_) => {
            format!("SELECT to_regclass('{COPY_PROGRESS}') IS NOT NULL AS is_there")
        }
    };
    let answer: Answer = on_backend!(connection, inner => sql_query(asked).get_result(inner))?;
    if !answer.is_there {
        return Ok(Vec::new());
    }
    let asked = format!(
        "SELECT la_code, table_name, source_sha256, last_key, copied_rows FROM {COPY_PROGRESS} ORDER BY la_code, table_name"
    );
    Ok(on_backend!(connection, inner => sql_query(asked).load(inner))?)
}

/// Notes that a copy begins, with nothing copied yet.
pub fn begin_progress(
    connection: &mut AnyConnection,
    la_code: &str,
    source_sha256: &str,
    tables: &[Table],
) -> Result<(), StoreError> {
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {COPY_PROGRESS} (la_code TEXT NOT NULL, table_name TEXT NOT NULL, \
         source_sha256 TEXT NOT NULL, last_key TEXT NOT NULL, copied_rows BIGINT NOT NULL, \
         PRIMARY KEY (la_code, table_name))"
    );
    on_backend!(connection, inner => sql_query(create).execute(inner))?;
    for table in tables {
        let [first, second, third] = parameters(connection);
        let insert = format!("INSERT INTO {COPY_PROGRESS} VALUES ({first}, {second}, {third}, '', 0)");
        let insert = sql_query(insert)
            .bind::<Text, _>(la_code)
            .bind::<Text, _>(&table.name)
            .bind::<Text, _>(source_sha256);
        on_backend!(connection, inner => insert.execute(inner))?;
    }
    Ok(())
}

/// Notes that rows were added up to a key; `Stale` if another process has gone on with the same copy.
pub fn advance_progress(
    connection: &mut AnyConnection,
    before: &Progress,
    last_key: &str,
    added_rows: i64,
) -> Result<Progress, StoreError> {
    let after = Progress {
        last_key: last_key.to_owned(),
        copied_rows: before.copied_rows + added_rows,
        ..before.clone()
    };
    let [first, second, third] = parameters(connection);
    let copied_rows = after.copied_rows;
    let was = before.copied_rows;
    // The numbers are our own and no parameters, of which there are three already.
    let update = format!(
        "UPDATE {COPY_PROGRESS} SET last_key = {first}, copied_rows = {copied_rows} \
         WHERE la_code = {second} AND table_name = {third} AND copied_rows = {was}"
    );
    let update = sql_query(update)
        .bind::<Text, _>(last_key)
        .bind::<Text, _>(&before.la_code)
        .bind::<Text, _>(&before.table_name);
    match on_backend!(connection, inner => update.execute(inner))? {
        1 => Ok(after),
        _ => Err(StoreError::Stale),
    }
}

/// Forgets a copy that is finished, and the table with the last one.
pub fn end_progress(connection: &mut AnyConnection, la_code: &str) -> Result<(), StoreError> {
    let [first, _, _] = parameters(connection);
    let delete = format!("DELETE FROM {COPY_PROGRESS} WHERE la_code = {first}");
    let delete = sql_query(delete).bind::<Text, _>(la_code);
    on_backend!(connection, inner => delete.execute(inner))?;
    if progress_of(connection)?.is_empty() {
        on_backend!(connection, inner => sql_query(format!("DROP TABLE {COPY_PROGRESS}")).execute(inner))?;
    }
    Ok(())
}

fn parameters(connection: &AnyConnection) -> [&'static str; 3] {
    match connection {
        AnyConnection::Sqlite(_) => ["?1", "?2", "?3"],
        AnyConnection::Postgres(_) => ["$1", "$2", "$3"],
    }
}
