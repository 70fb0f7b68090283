//! Running a piece of work inside a transaction or savepoint, so that nothing of it stays open.
//!
//! Diesel's own `transaction` leaves the levels open that a panic unwinds through, and answers `Ok` for a
//! PostgreSQL transaction that a swallowed error has aborted. Called by `store` and its `writer`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::R2D2Connection;
use diesel::result::QueryResult;

use super::connection::{Access, AnyConnection, on_backend};
use super::error::{StoreError, Trouble};

/// How many transactions and savepoints are open; 0 too where the connection is past use.
pub(super) fn depth(connection: &mut AnyConnection) -> u32 {
    match AnyConnection::transaction_manager_status_mut(connection).transaction_depth() {
        Ok(depth) => depth.map_or(0, |depth| depth.get()),
        Err(_) => 0,
    }
}

/// Begins the outermost transaction, in a way that Diesel sees.
pub(super) fn begin(connection: &mut AnyConnection, access: Access) -> QueryResult<()> {
    let sql = match (&*connection, access) {
        (AnyConnection::Sqlite(_), Access::Read) => "BEGIN DEFERRED",
        // Taking the write lock later, after a read, fails at once where another process holds it.
        (AnyConnection::Sqlite(_), Access::Write) => "BEGIN IMMEDIATE",
        (AnyConnection::Postgres(_), Access::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        (AnyConnection::Postgres(_), Access::Write) => "BEGIN",
    };
    on_backend!(connection, inner => AnsiTransactionManager::begin_transaction_sql(inner, sql))
}

pub(super) fn begin_savepoint(connection: &mut AnyConnection) -> QueryResult<()> {
    AnyConnection::begin_transaction(connection)
}

/// Runs work in a savepoint: kept on `Ok`, taken back on `Err`, while the transaction goes on.
pub fn in_savepoint<T, E: From<StoreError>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    begin_savepoint(connection).map_err(|error| E::from(StoreError::from(error)))?;
    conclude(connection, Access::Write, work)
}

pub(super) fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
    AnyConnection::commit_transaction(connection)
}

/// Runs work in the level that the caller has just begun, and ends that level: committed on `Ok`, rolled
/// back on `Err` and on a panic, which becomes a `Bug`.
pub(super) fn conclude<T, E: From<StoreError>>(
    connection: &mut AnyConnection,
    access: Access,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let level = depth(connection);
    let outcome = match catch_unwind(AssertUnwindSafe(|| work(connection))) {
        Ok(Ok(value)) => end_well(connection, access, level)
            .map(|()| value)
            .map_err(E::from),
        Ok(Err(error)) => Err(error),
        // The payload may quote somebody's data; the panic hook has already reported the place.
        Err(_) => Err(E::from(StoreError::Bug(
            "work on the database panicked".to_owned(),
        ))),
    };
    // Where even this fails the database is gone or has ended the transaction itself: Diesel's count
    // follows, and whoever asked wants to hear the first error.
    while level > 0 && depth(connection) >= level {
        if AnyConnection::rollback_transaction(connection).is_err() {
            break;
        }
    }
    outcome
}

fn end_well(connection: &mut AnyConnection, access: Access, level: u32) -> Result<(), StoreError> {
    match depth(connection) {
        0 => {
            return Err(StoreError::unavailable(
                Trouble::Unreachable,
                "the database ended the transaction",
            ));
        }
        left if left != level => {
            return Err(StoreError::Bug(
                "work on the database left a transaction open".to_owned(),
            ));
        }
        _ => {}
    }
    match (&mut *connection, access) {
        (AnyConnection::Sqlite(_), Access::Read | Access::Write)
        | (AnyConnection::Postgres(_), Access::Read) => {}
        // `COMMIT` of an aborted transaction reports success; any other statement tells the truth.
        (AnyConnection::Postgres(inner), Access::Write) => inner.batch_execute("SELECT 1")?,
    }
    let Err(error) = commit(connection) else {
        return Ok(());
    };
    let may_have_committed = match (&mut *connection, access) {
        (AnyConnection::Postgres(inner), Access::Write) => inner.is_broken(),
        (AnyConnection::Sqlite(_), Access::Read | Access::Write)
        | (AnyConnection::Postgres(_), Access::Read) => false,
    };
    let error = StoreError::from(error);
    Err(if may_have_committed {
        StoreError::OutcomeUnknown {
            reason: error.to_string(),
        }
    } else {
        error
    })
}
