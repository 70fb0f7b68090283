//! One connection type over both databases, how a connection is opened, and what it is set to.
//!
//! No statement of the service's own is here. `store` pools the connections; the files of the table
//! families run their statements on [`AnyConnection`].

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::sql_types::Text;
use diesel::{Connection, ConnectionError, PgConnection, RunQueryDsl, SqliteConnection};

use super::location::Location;

/// A connection to either database. What both can say runs on it as it stands; for the rest
/// (`ON CONFLICT`, batch insert, `FOR UPDATE`, `UNION`, `RETURNING`) there is `on_backend!`.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Compiles the same tokens once per backend: `on_backend!(connection, inner => { … })`.
macro_rules! on_backend {
    ($connection:expr, $inner:ident => $body:expr) => {
        match $connection {
            $crate::store::connection::AnyConnection::Sqlite($inner) => $body,
            $crate::store::connection::AnyConnection::Postgres($inner) => $body,
        }
    };
}
pub(crate) use on_backend;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// SQLite refuses every write on it; on PostgreSQL the transaction does.
    Read,
    Write,
}

/// Opens connections of one kind to one database; r2d2's pools and the SQLite writer both use it.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) location: Location,
    pub(super) access: Access,
    pub(super) statements: Arc<Statements>,
}

/// What the connections of a store have run.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pub(super) count: AtomicU64,
    /// Whether their texts are kept.
    pub(super) is_recording: AtomicBool,
    recorded: Mutex<Vec<String>>,
}

impl Statements {
    pub(super) fn take_recorded(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, text: String) {
        self.recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
    }
}

/// Why a connection could not be opened, in the database's own words less any password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot open the SQLite file {path}: {reason}")]
    Sqlite { path: PathBuf, reason: String },
    #[error(
        "the SQLite file {path} is on a disk that does not allow its write-ahead log (it stayed in mode `{mode}`)"
    )]
    NoWriteAheadLog { path: PathBuf, mode: String },
    #[error("cannot connect to {location}: {reason}")]
    Postgres { location: String, reason: String },
    #[error("the connection no longer answers: {0}")]
    Lost(#[from] diesel::result::Error),
}

impl Connector {
    pub(super) fn connect(&self) -> Result<AnyConnection, ConnectError> {
        let mut connection = match &self.location {
            Location::SqliteFile(path) => AnyConnection::Sqlite(open_sqlite(path, self.access)?),
            Location::Postgres(url) => AnyConnection::Postgres(self.open_postgres(url)?),
        };
        connection.set_instrumentation(StatementCounter {
            statements: Arc::clone(&self.statements),
            transaction_control: false,
        });
        Ok(connection)
    }

    fn open_postgres(&self, url: &str) -> Result<PgConnection, ConnectError> {
        let failed = |reason: &str| ConnectError::Postgres {
            location: self.location.to_string(),
            reason: self.location.redact(reason.trim()),
        };
        let mut connection = PgConnection::establish(url).map_err(|error| failed(&reason(error)))?;
        match self.access {
            Access::Read => {}
            // As long as SQLite's busy_timeout: a writer gives up rather than queue behind a stuck one.
            Access::Write => connection
                .batch_execute("SET lock_timeout = '5s'")
                .map_err(|error| failed(&error.to_string()))?,
        }
        Ok(connection)
    }
}

fn open_sqlite(path: &Path, access: Access) -> Result<SqliteConnection, ConnectError> {
    let failed = |reason: String| ConnectError::Sqlite {
        path: path.to_owned(),
        reason,
    };
    // An absolute path cannot be taken for a `file:` URI, which SQLite would otherwise read.
    let absolute = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let name = absolute
        .to_str()
        .ok_or_else(|| failed("its path is not UTF-8".to_owned()))?;
    let mut connection = SqliteConnection::establish(name).map_err(|error| failed(reason(error)))?;
    let mode = set_pragmas(&mut connection, access).map_err(|error| failed(error.to_string()))?;
    match mode.as_str() {
        "wal" => Ok(connection),
        _ => Err(ConnectError::NoWriteAheadLog {
            path: path.to_owned(),
            mode,
        }),
    }
}

/// Answers the journal mode that SQLite settled for. The timeout goes first, so that the rest waits its turn.
fn set_pragmas(connection: &mut SqliteConnection, access: Access) -> diesel::QueryResult<String> {
    connection.batch_execute("PRAGMA busy_timeout = 5000")?;
    let mode = diesel::dsl::sql::<Text>("PRAGMA journal_mode = WAL").get_result(connection)?;
    connection.batch_execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL")?;
    match access {
        Access::Read => connection.batch_execute("PRAGMA query_only = ON")?,
        Access::Write => {}
    }
    Ok(mode)
}

fn reason(error: ConnectionError) -> String {
    match error {
        ConnectionError::BadConnection(reason) => reason,
        other => other.to_string(),
    }
}

impl ManageConnection for Connector {
    type Connection = AnyConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<AnyConnection, ConnectError> {
        Connector::connect(self)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), ConnectError> {
        Ok(connection.ping()?)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

/// Counts statements, less the `BEGIN`, `SAVEPOINT`, `COMMIT` and so on that Diesel announces beforehand.
struct StatementCounter {
    statements: Arc<Statements>,
    transaction_control: bool,
}

impl Instrumentation for StatementCounter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => self.transaction_control = true,
            InstrumentationEvent::StartQuery { query, .. } => {
                let ours = !std::mem::take(&mut self.transaction_control);
                self.statements
                    .count
                    .fetch_add(u64::from(ours), Ordering::Relaxed);
                if self.statements.is_recording.load(Ordering::Relaxed) {
                    self.statements.record(query.to_string());
                }
            }
            _ => {}
        }
    }
}
