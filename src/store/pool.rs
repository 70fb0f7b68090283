//! The connections of one kind to the database: waited for, begun on, and given back.
//!
//! `store` has some for reads and, on PostgreSQL, others for writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::r2d2::{NopErrorHandler, Pool, PooledConnection};

use super::breaker::Breaker;
use super::connection::{Access, AnyConnection, Connector};
use super::{PoolLoad, StoreError, Trouble, transaction};

/// How long a request waits for a connection before it is told that the store is busy.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How often a request that waits for one asks whether there is any sense in it.
const BREAKER_ASKED_EVERY: Duration = Duration::from_millis(50);
/// The pool tries to connect again at half of this at most; the breaker lets few of the attempts through.
const POOL_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool, and how many wait for a connection of it.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Connector>,
    access: Access,
    breaker: Arc<Breaker>,
    waiting: Arc<AtomicU64>,
}

impl Connections {
    /// One connection is opened at once and the rest when they are needed, so that the program starts quickly.
    pub(super) fn new(connector: Connector, size: u32) -> Connections {
        let (access, breaker) = (connector.access, Arc::clone(&connector.breaker));
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(POOL_TIMEOUT)
            // The breaker tells of an outage once, where the pool would tell of every attempt.
            .error_handler(Box::new(NopErrorHandler))
            // `BEGIN` finds a dead connection just as well, without a round trip more.
            .test_on_check_out(false)
            .build_unchecked(connector);
        Connections {
            pool,
            access,
            breaker,
            waiting: Arc::default(),
        }
    }

    pub(super) fn load(&self) -> PoolLoad {
        let state = self.pool.state();
        PoolLoad {
            limit: self.pool.max_size(),
            open: state.connections,
            idle: state.idle_connections,
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Runs work in a transaction on one of the connections, and blocks until it is done.
    pub(super) fn run<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.begun()?;
        transaction::conclude(&mut connection, self.access, work)
    }

    /// A connection that nobody uses, with its transaction begun.
    pub(super) fn idle(&self) -> Option<PooledConnection<Connector>> {
        let mut connection = self.pool.try_get()?;
        connection.take_trouble();
        let begun = transaction::begin(&mut connection, self.access);
        begun.is_ok().then_some(connection)
    }

    /// A connection with its transaction begun. Where the server was restarted every idle connection is dead:
    /// nothing has run on it yet, so the next one is tried, and the pool drops the dead ones.
    fn begun(&self) -> Result<PooledConnection<Connector>, StoreError> {
        let mut dead = 0;
        loop {
            let mut connection = self.connection()?;
            connection.take_trouble();
            match transaction::begin(&mut connection, self.access) {
                Ok(()) => return Ok(connection),
                Err(error) => {
                    connection.spoil(StoreError::unavailable(
                        Trouble::Unreachable,
                        "nothing begins on it",
                    ));
                    if dead == self.pool.max_size() {
                        return Err(StoreError::from(error));
                    }
                    dead += 1;
                }
            }
        }
    }

    /// A connection of the pool, waited for unless the database cannot be reached.
    fn connection(&self) -> Result<PooledConnection<Connector>, StoreError> {
        if let Some(idle) = self.pool.try_get() {
            return Ok(idle);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waited_for = self.connection_waited_for();
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        waited_for
    }

    fn connection_waited_for(&self) -> Result<PooledConnection<Connector>, StoreError> {
        let deadline = Instant::now() + CONNECTION_WAIT;
        loop {
            self.breaker.check()?;
            match self.pool.get_timeout(BREAKER_ASKED_EVERY) {
                Ok(connection) => return Ok(connection),
                Err(_) if Instant::now() < deadline => {}
                Err(_) => {
                    return Err(StoreError::unavailable(
                        Trouble::Busy,
                        "no connection to the database came free in time",
                    ));
                }
            }
        }
    }
}
