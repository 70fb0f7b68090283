//! Every SQL statement of the program, over SQLite and PostgreSQL alike.
//!
//! This file is the door: it opens a database and runs work on it, reads and writes apart. The files of
//! the table families hold the statements, as functions on an [`AnyConnection`]. No rule of law or of
//! procedure is here. Called by `service`, and by the command line through the `_now` functions.

pub mod advice;
pub mod audit;
pub mod backup;
mod breaker;
pub mod case;
pub mod chain;
mod checkpoint;
pub mod client;
pub mod clock;
mod column;
pub mod connection;
pub mod contents;
pub mod convert;
pub mod copy;
pub mod disposal;
pub mod disposal_list;
mod error;
pub mod examine;
mod fragment;
pub mod idempotency;
pub mod lease;
pub mod legal_hold;
mod load;
mod location;
pub mod lock;
mod log_writes;
mod mapping;
mod migration;
pub mod organisation;
mod packed;
pub mod person;
pub mod plan_version;
mod pool;
mod postgres_url;
pub mod procedure;
pub mod retention;
pub mod root;
mod schema;
pub mod seal;
pub mod secondary;
pub mod settings;
mod sqlite_file;
pub mod standing;
mod statement;
pub mod table;
mod transaction;
pub mod upcoming;
mod vfs;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use diesel::r2d2::PooledConnection;

pub use self::connection::{AnyConnection, ConnectError, MultiBackend};
pub use self::error::{StoreError, Trouble};
pub use self::load::{Load, PoolLoad, WriteLoad};
pub use self::location::{Location, LocationError};
pub use self::migration::{MigrateError, SchemaVersion};
pub use self::root::Root;
pub use self::transaction::in_savepoint;

use self::breaker::Breaker;
use self::connection::{Access, Connector, Statements};
use self::pool::Connections;
use self::writer::Writer;

/// An open database. Cheap to clone; clones share connections, writer and counter.
///
/// Work is a closure on a connection and runs in one transaction. It must let a database error out by
/// returning it: on PostgreSQL everything after a swallowed one fails, and on SQLite a full disk ends the
/// transaction under it. To try something that may fail, nest it in `connection.transaction(…)`. Work
/// must not call the store again: a write within a write would wait for itself.
#[derive(Clone)]
pub struct Store {
    location: Location,
    reads: Connections,
    writes: Writes,
    is_closed: Arc<AtomicBool>,
    statements: Arc<Statements>,
    answer_within: Duration,
}

#[derive(Clone)]
enum Writes {
    Sqlite(Writer),
    Postgres(Connections),
}

/// How many connections a store may hold, and how long it may keep somebody waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub read_connections: u32,
    /// To PostgreSQL; SQLite has one writer.
    pub write_connections: u32,
    /// How long a request waits for its answer. A statement may take longer, for the command line's sake.
    pub answer_within: Duration,
}

impl Default for Sizes {
    fn default() -> Sizes {
        let cores = available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
        Sizes {
            read_connections: cores.saturating_mul(2),
            write_connections: 8,
            answer_within: Duration::from_secs(15),
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("a thread did not start: {0}")]
    Thread(#[from] std::io::Error),
    /// Nobody may rely on what is there so far.
    #[error("a copy into the database is not finished: run the same `ehcp copy` again to its end")]
    HalfCopied,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// [`Store::open_sized`] with as many connections as usual.
    pub fn open(location: &Location) -> Result<Store, OpenError> {
        Store::open_sized(location, Sizes::default())
    }

    /// Opens the database and brings its tables up to this version.
    ///
    /// A SQLite file is made where there is none, in a folder that must exist. Whoever serves from a SQLite
    /// file holds its folder's [`lock::DataLock`] first.
    pub fn open_sized(location: &Location, sizes: Sizes) -> Result<Store, OpenError> {
        let statements = Arc::new(Statements::default());
        let breaker = Arc::new(Breaker::default());
        let connector = |access| Connector {
            location: location.clone(),
            access,
            statements: Arc::clone(&statements),
            breaker: Arc::clone(&breaker),
        };
        let mut connection = connector(Access::Write).connect()?;
        connector(Access::Write).check_suited(&mut connection)?;
        migration::migrate(&mut connection)?;
        // The copy of one authority leaves the others as they are.
        if copy::progress_of(&mut connection)?
            .iter()
            .any(|progress| progress.la_code.is_empty())
        {
            return Err(OpenError::HalfCopied);
        }
        let writes = match location {
            Location::SqliteFile(_) => Writes::Sqlite(Writer::start(connection, connector(Access::Write))?),
            Location::Postgres(_) => Writes::Postgres(Connections::new(
                connector(Access::Write),
                sizes.write_connections,
            )?),
        };
        let reads = Connections::new(connector(Access::Read), sizes.read_connections)?;
        Ok(Store {
            location: location.clone(),
            reads,
            writes,
            is_closed: Arc::new(AtomicBool::new(false)),
            statements,
            answer_within: sizes.answer_within,
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
        let late = StoreError::unavailable(Trouble::Busy, "the database gave no answer in time");
        self.reads.run_elsewhere(self.answer_within, late, work).await
    }

    /// [`Store::read`] for work that reads a few rows by their keys. SQLite answers that in less time than
    /// handing it to another thread and back takes, so it runs where it is asked if a connection is idle.
    pub async fn read_few<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.idle_reader() {
            Some(mut connection) => transaction::conclude(&mut connection, Access::Read, work),
            None => self.read(work).await,
        }
    }

    /// Reads a few rows by their keys that a write will need, beside SQLite's one writer and before its turn. Nothing
    /// where no connection is idle, and on PostgreSQL, where every write has a connection of its own.
    pub fn read_beside<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let mut connection = self.idle_reader()?;
        Some(transaction::conclude(&mut connection, Access::Read, work))
    }

    /// A connection to SQLite that nobody uses, in a transaction that reads.
    fn idle_reader(&self) -> Option<PooledConnection<Connector>> {
        let Writes::Sqlite(_) = &self.writes else {
            return None;
        };
        self.reads.idle()
    }

    /// Writes in one transaction, committed when this answers `Ok` and rolled back when it answers `Err`.
    ///
    /// The work goes on if the caller stops waiting, or has waited long enough: then it is `OutcomeUnknown`, and
    /// what comes of it stays. On PostgreSQL it locks the row it is about first, and is not begun for a caller who
    /// stops waiting before it has its turn.
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
                match tokio::time::timeout(self.answer_within, answered).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_)) => Err(E::from(writer_gone())),
                    Err(_) => Err(E::from(late())),
                }
            }
            Writes::Postgres(_) if self.is_closed.load(Ordering::Acquire) => Err(E::from(closed())),
            Writes::Postgres(writes) => writes.run_elsewhere(self.answer_within, late(), work).await,
        }
    }

    /// [`Store::read`] for callers that may block: the command line and the demo.
    pub fn read_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.reads.run(work)
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
            Writes::Postgres(writes) => writes.run(work),
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

    /// How busy the connections are, and how the writer has fared.
    pub fn load(&self) -> Load {
        Load {
            reads: self.reads.load(),
            writes: match &self.writes {
                Writes::Sqlite(writer) => WriteLoad::Sqlite(writer.load().snapshot()),
                Writes::Postgres(connections) => WriteLoad::Postgres(connections.load()),
            },
        }
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

/// A write that may be done yet.
fn late() -> StoreError {
    StoreError::OutcomeUnknown {
        reason: "the database gave no answer in time".to_owned(),
    }
}

fn closed() -> StoreError {
    StoreError::unavailable(Trouble::Stopping, "the store is closed")
}

fn writer_gone() -> StoreError {
    StoreError::unavailable(Trouble::Stopping, "the writer has stopped")
}
