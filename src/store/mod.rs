//! Every SQL statement of the program, over SQLite and PostgreSQL alike.
//!
//! This file is the door: it opens a database and runs work on it, reads and writes apart. The files of
//! the table families hold the statements, as functions on an [`AnyConnection`]. No rule of law or of
//! procedure is here. Called by `service`, and by the command line through the `_now` functions.

pub mod advice;
pub mod audit;
pub mod case;
pub mod clock;
mod column;
pub mod connection;
pub mod convert;
mod error;
pub mod idempotency;
mod location;
pub mod lock;
mod migration;
pub mod organisation;
pub mod person;
pub mod procedure;
mod schema;
pub mod settings;
mod transaction;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use diesel::r2d2::{Pool, PooledConnection};

pub use self::connection::{AnyConnection, ConnectError, MultiBackend};
pub use self::error::StoreError;
pub use self::location::{Location, LocationError};
pub use self::migration::MigrateError;

use self::connection::{Access, Connector, Statements};
use self::writer::Writer;

/// How many writes PostgreSQL is given at a time.
const WRITE_POOL: u32 = 8;
/// How long a request waits for a connection before it is told that the store is busy.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// An open database. Cheap to clone; clones share connections, writer and counter.
///
/// Work is a closure on a connection and runs in one transaction. It must let a database error out by
/// returning it: on PostgreSQL everything after a swallowed one fails, and on SQLite a full disk ends the
/// transaction under it. To try something that may fail, nest it in `connection.transaction(…)`. Work
/// must not call the store again: a write within a write would wait for itself.
#[derive(Clone)]
pub struct Store {
    reads: Pool<Connector>,
    writes: Writes,
    is_closed: Arc<AtomicBool>,
    statements: Arc<Statements>,
}

#[derive(Clone)]
enum Writes {
    Sqlite(Writer),
    Postgres(Pool<Connector>),
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("the pool of database connections did not start: {0}")]
    Pool(#[from] diesel::r2d2::PoolError),
    #[error("the writer thread did not start: {0}")]
    Writer(#[from] std::io::Error),
}

impl Store {
    /// Opens the database and brings its tables up to this version.
    ///
    /// A SQLite file is made where there is none, in a folder that must exist. Whoever serves from a SQLite
    /// file holds its folder's [`lock::DataLock`] first.
    pub fn open(location: &Location) -> Result<Store, OpenError> {
        let statements = Arc::new(Statements::default());
        let connector = |access| Connector {
            location: location.clone(),
            access,
            statements: Arc::clone(&statements),
        };
        let mut connection = connector(Access::Write).connect()?;
        migration::migrate(&mut connection)?;
        let writes = match location {
            Location::SqliteFile(_) => Writes::Sqlite(Writer::start(connection, connector(Access::Write))?),
            Location::Postgres(_) => Writes::Postgres(pool(connector(Access::Write), WRITE_POOL)?),
        };
        let cores = available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
        let reads = pool(connector(Access::Read), cores.saturating_mul(2))?;
        Ok(Store {
            reads,
            writes,
            is_closed: Arc::new(AtomicBool::new(false)),
            statements,
        })
    }

    /// Reads in one transaction, so that all of a request's queries see the same moment. A write fails.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let reads = self.reads.clone();
        on_a_blocking_thread(move || read_from(&reads, work)).await
    }

    /// Writes in one transaction, committed when this answers `Ok` and rolled back when it answers `Err`.
    ///
    /// The work goes on if the caller stops waiting. On PostgreSQL it locks the row it is about first.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.writes {
            Writes::Sqlite(writer) => {
                let (answer, answered) = tokio::sync::oneshot::channel();
                writer.submit(work, move |outcome| drop(answer.send(outcome)));
                answered.await.unwrap_or_else(|_| Err(E::from(writer_gone())))
            }
            Writes::Postgres(_) if self.is_closed.load(Ordering::Acquire) => Err(E::from(closed())),
            Writes::Postgres(pool) => {
                let pool = pool.clone();
                on_a_blocking_thread(move || write_to(&pool, work)).await
            }
        }
    }

    /// [`Store::read`] for callers that may block: the command line and the demo.
    pub fn read_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        read_from(&self.reads, work)
    }

    /// [`Store::write`] for callers that may block: the command line and the demo.
    pub fn write_now<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.writes {
            Writes::Sqlite(writer) => {
                let (answer, answered) = std::sync::mpsc::sync_channel(1);
                writer.submit(work, move |outcome| drop(answer.send(outcome)));
                answered.recv().unwrap_or_else(|_| Err(E::from(writer_gone())))
            }
            Writes::Postgres(_) if self.is_closed.load(Ordering::Acquire) => Err(E::from(closed())),
            Writes::Postgres(pool) => write_to(pool, work),
        }
    }

    /// How many SQL statements this store has run, less `BEGIN`, `COMMIT` and the like; a PostgreSQL write
    /// counts one more, by which it makes sure that its commit will be one. Tests hold the difference to a budget.
    pub fn statements(&self) -> u64 {
        self.statements.count.load(Ordering::Relaxed)
    }

    /// Keeps the text of every statement from here on, transaction control and binds included. Binds are
    /// personal data: only the bench calls this, on data that is made up.
    pub fn record_statements(&self) {
        self.statements.is_recording.store(true, Ordering::Relaxed);
    }

    /// The statements kept since this was last asked, in the order in which they began.
    pub fn take_recorded_statements(&self) -> Vec<String> {
        self.statements.take_recorded()
    }

    /// Finishes the writes already accepted and stops the writer; blocks until it has. Other clones of the
    /// store can still read, but a write answers `Unavailable`.
    pub fn close(self) {
        self.is_closed.store(true, Ordering::Release);
        match self.writes {
            Writes::Sqlite(writer) => writer.close(),
            Writes::Postgres(_) => {}
        }
    }
}

/// One connection is opened at once and the rest when they are needed, so that the program starts quickly.
fn pool(connector: Connector, size: u32) -> Result<Pool<Connector>, diesel::r2d2::PoolError> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(CONNECTION_WAIT)
        // `BEGIN` finds a dead connection just as well, without a round trip more.
        .test_on_check_out(false)
        .build(connector)
}

fn read_from<T, E: From<StoreError>>(
    pool: &Pool<Connector>,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = begun(pool, Access::Read)?;
    transaction::conclude(&mut connection, Access::Read, work)
}

fn write_to<T, E: From<StoreError>>(
    pool: &Pool<Connector>,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = begun(pool, Access::Write)?;
    transaction::conclude(&mut connection, Access::Write, work)
}

/// A connection with its transaction begun. Where the server was restarted every idle connection is dead:
/// nothing has run on it yet, so the next one is tried, and the pool drops the dead ones.
fn begun(pool: &Pool<Connector>, access: Access) -> Result<PooledConnection<Connector>, StoreError> {
    let mut dead = 0;
    loop {
        let mut connection = pool
            .get()
            .map_err(|error| StoreError::unavailable(error.to_string()))?;
        match transaction::begin(&mut connection, access) {
            Ok(()) => return Ok(connection),
            Err(_) if dead < pool.max_size() => dead += 1,
            Err(error) => return Err(StoreError::from(error)),
        }
    }
}

async fn on_a_blocking_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let stopped = |_| Err(E::from(StoreError::unavailable("the program is stopping")));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(stopped)
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed")
}

fn writer_gone() -> StoreError {
    StoreError::unavailable("the writer has stopped")
}
