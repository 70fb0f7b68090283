//! One connection type over both databases, how a connection is opened, and what it is set to.
//!
//! No statement of the service's own is here. `store` pools the connections; the files of the table
//! families run their statements on [`AnyConnection`].

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::sql_types::{Integer, Text};
use diesel::{
    Connection, ConnectionError, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query,
};

use super::breaker::Breaker;
use super::error::{StoreError, Trouble, trouble_in};
use super::location::Location;
use super::log_writes;
use super::mapping;
use super::postgres_url;

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
    pub(super) breaker: Arc<Breaker>,
}

/// What every session on PostgreSQL is set to. A lock is waited for as long as with SQLite's `busy_timeout`;
/// the other two end what a replica has left behind that is gone or cut off. Messages are in English, since
/// Diesel passes on no SQLSTATE; where the role may not set that, it stays as it is.
pub(super) const POSTGRES_SESSION: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    DO $$ BEGIN SET lc_messages = 'C'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// How much of the file a SQLite connection that writes keeps, in kilobytes: the pages of a log as it mostly is.
pub(super) const WRITER_CACHE: &str = "PRAGMA cache_size = -32768";
/// How many pages the log may have before a commit moves the rest of it into the file itself, however much that is.
const WRITER_LOG: &str = "PRAGMA wal_autocheckpoint = 262144";

/// A connection with what has gone wrong on it.
pub(super) struct OpenConnection {
    connection: AnyConnection,
    access: Access,
    seen: Seen,
}

/// The last passing trouble that a statement of one connection ended in.
type Seen = Arc<Mutex<Option<StoreError>>>;

impl OpenConnection {
    /// The last passing trouble since this was asked before.
    pub(super) fn take_trouble(&mut self) -> Option<StoreError> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sees to it that no pool takes it back.
    pub(super) fn spoil(&mut self, error: StoreError) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Whether it is past use: broken, or to a server that has become a standby, so that a new connection
    /// is needed to find the primary.
    pub(super) fn is_spent(&mut self) -> bool {
        let trouble = match &*self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(StoreError::Unavailable { trouble, .. }) => Some(*trouble),
            Some(_) | None => None,
        };
        let is_misplaced = match (trouble, self.access) {
            (Some(Trouble::Unreachable), _) | (Some(Trouble::ReadOnly), Access::Write) => true,
            (Some(_) | None, Access::Read | Access::Write) => false,
        };
        is_misplaced || self.connection.is_broken()
    }
}

impl Deref for OpenConnection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for OpenConnection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
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
    /// A server on which this program does not run, or a database that cannot hold every name.
    #[error("{location} cannot be used: {reason}")]
    Unsuited { location: String, reason: String },
    #[error("the connection no longer answers: {0}")]
    Lost(#[from] diesel::result::Error),
    /// An attempt has failed a moment ago, and the time for the next has not come.
    #[error("the database cannot be reached at present")]
    Paused,
}

impl ConnectError {
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            ConnectError::Sqlite { reason, .. } => trouble_in(reason).unwrap_or(Trouble::Failing),
            ConnectError::Postgres { reason, .. } => trouble_in(reason).unwrap_or(Trouble::Unreachable),
            ConnectError::NoWriteAheadLog { .. } | ConnectError::Unsuited { .. } => Trouble::Failing,
            ConnectError::Lost(_) | ConnectError::Paused => Trouble::Unreachable,
        }
    }
}

impl Connector {
    pub(super) fn connect(&self) -> Result<OpenConnection, ConnectError> {
        let mut connection = match &self.location {
            Location::SqliteFile(path) => AnyConnection::Sqlite(open_sqlite(path, self.access)?),
            Location::Postgres(url) => AnyConnection::Postgres(self.open_postgres(url)?),
        };
        let seen = Seen::default();
        connection.set_instrumentation(Watch {
            statements: Arc::clone(&self.statements),
            transaction_control: false,
            seen: Arc::clone(&seen),
        });
        Ok(OpenConnection {
            connection,
            access: self.access,
            seen,
        })
    }

    /// Refuses a server that is too old, and a database whose encoding has no room for some names.
    pub(super) fn check_suited(&self, connection: &mut AnyConnection) -> Result<(), ConnectError> {
        let AnyConnection::Postgres(inner) = connection else {
            return Ok(());
        };
        let server: Server = sql_query(
            "SELECT current_setting('server_version_num')::integer AS version, \
             current_setting('server_version') AS name, current_setting('server_encoding') AS encoding",
        )
        .get_result(inner)?;
        let reason = if server.version < OLDEST_POSTGRES * 10_000 {
            format!(
                "it is PostgreSQL {}, and {OLDEST_POSTGRES} or later is needed",
                server.name
            )
        } else if server.encoding != "UTF8" {
            format!(
                "its encoding is {}, and UTF8 is needed: make the database with `CREATE DATABASE … ENCODING 'UTF8'`",
                server.encoding
            )
        } else {
            return Ok(());
        };
        Err(ConnectError::Unsuited {
            location: self.location.to_string(),
            reason,
        })
    }

    fn open_postgres(&self, url: &str) -> Result<PgConnection, ConnectError> {
        let failed = |reason: &str| ConnectError::Postgres {
            location: self.location.to_string(),
            reason: self.location.redact(reason.trim()) + advice(reason),
        };
        let url = postgres_url::completed(url, |name| std::env::var(name).ok());
        let mut connection = PgConnection::establish(&url).map_err(|error| failed(&reason(error)))?;
        connection
            .batch_execute(POSTGRES_SESSION)
            .map_err(|error| failed(&error.to_string()))?;
        Ok(connection)
    }
}

/// The oldest major version that is tested.
const OLDEST_POSTGRES: i32 = 15;

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    encoding: String,
}

/// What to do about what libpq says of TLS.
fn advice(reason: &str) -> &'static str {
    if reason.contains("certificate verify failed") {
        "; if the server's certificate is of an authority of your own, name that authority's with sslrootcert"
    } else if reason.contains("does not match host name") {
        "; connect by a name that the certificate has"
    } else if reason.contains("does not support SSL") {
        "; where the way to the server is safe without TLS, say sslmode=disable"
    } else {
        ""
    }
}

fn open_sqlite(path: &Path, access: Access) -> Result<SqliteConnection, ConnectError> {
    let failed = |reason: String| ConnectError::Sqlite {
        path: path.to_owned(),
        reason,
    };
    // An absolute path cannot be taken for a `file:` URI.
    let absolute = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let name = absolute
        .to_str()
        .ok_or_else(|| failed("its path is not UTF-8".to_owned()))?;
    let vfs = match access {
        Access::Read => mapping::vfs(),
        Access::Write => log_writes::vfs(),
    };
    let name = match vfs {
        Some(vfs) => format!("file:{}?vfs={vfs}", in_a_uri(name)),
        None => name.to_owned(),
    };
    let mut connection = SqliteConnection::establish(&name).map_err(|error| failed(reason(error)))?;
    let mode = set_pragmas(&mut connection, access).map_err(|error| failed(error.to_string()))?;
    match mode.as_str() {
        "wal" => Ok(connection),
        _ => Err(ConnectError::NoWriteAheadLog {
            path: path.to_owned(),
            mode,
        }),
    }
}

/// A path with what means something else in a URI escaped.
fn in_a_uri(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Answers the journal mode that SQLite settled for. The timeout goes first, so that the rest waits its turn.
fn set_pragmas(connection: &mut SqliteConnection, access: Access) -> diesel::QueryResult<String> {
    connection.batch_execute("PRAGMA busy_timeout = 5000")?;
    let mode = diesel::dsl::sql::<Text>("PRAGMA journal_mode = WAL").get_result(connection)?;
    connection
        .batch_execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")?;
    // Pages come from the file's own memory, without a copy of each by the system. SQLite takes no more than it
    // was built for, and says nothing.
    connection.batch_execute("PRAGMA mmap_size = 1099511627776")?;
    match access {
        Access::Read => connection.batch_execute("PRAGMA query_only = ON")?,
        // Pages of the indexes are changed again and again until the log is emptied into the file. A commit does
        // that itself only where the log has outgrown the thread that does it beside the writer.
        Access::Write => {
            connection.batch_execute(WRITER_CACHE)?;
            connection.batch_execute(WRITER_LOG)?;
            // What is deleted has to be gone from the file. A row that moves to another page leaves a copy behind
            // that its deletion does not find, so it is too late to say this when something is deleted.
            connection.batch_execute("PRAGMA secure_delete = ON")?;
        }
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
    type Connection = OpenConnection;
    type Error = ConnectError;

    /// Called again and again by the pool's own thread while it fails.
    fn connect(&self) -> Result<OpenConnection, ConnectError> {
        if !self.breaker.may_try() {
            return Err(ConnectError::Paused);
        }
        let connected = Connector::connect(self);
        match &connected {
            Ok(_) => self.breaker.reached(),
            // A server that has no connection left can be reached, and one of ours will be free.
            Err(error) if error.trouble() == Trouble::Busy => self.breaker.reached(),
            Err(error) => self.breaker.failed(error.to_string()),
        }
        connected
    }

    fn is_valid(&self, connection: &mut OpenConnection) -> Result<(), ConnectError> {
        Ok(connection.ping()?)
    }

    fn has_broken(&self, connection: &mut OpenConnection) -> bool {
        std::thread::panicking() || connection.is_spent()
    }
}

/// Counts statements, less the `BEGIN`, `SAVEPOINT`, `COMMIT` and so on that Diesel announces beforehand, and
/// notes what trouble they end in, which work on the connection need not pass on.
struct Watch {
    statements: Arc<Statements>,
    transaction_control: bool,
    seen: Seen,
}

impl Instrumentation for Watch {
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
            InstrumentationEvent::FinishQuery {
                error: Some(error), ..
            } => {
                if let Some(trouble) = StoreError::passing(error) {
                    *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
                }
            }
            _ => {}
        }
    }
}
