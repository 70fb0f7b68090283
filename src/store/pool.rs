//! The connections of one kind to the database: waited for, begun on, and given back; and the threads on which
//! work on them blocks for those who may not.
//!
//! `store` has some for reads and, on PostgreSQL, others for writes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::r2d2::{NopErrorHandler, Pool, PooledConnection};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::breaker::Breaker;
use super::connection::{Access, AnyConnection, Connector};
use super::{PoolLoad, StoreError, Trouble, transaction};

/// How long a request waits for a connection before it is told that the store is busy.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How often a request that waits for one asks whether there is any sense in it.
const BREAKER_ASKED_EVERY: Duration = Duration::from_millis(50);
/// The pool tries to connect again at half of this at most; the breaker lets few of the attempts through.
const POOL_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool with as many threads as connections: more would only wake each other to wait for a connection. Cheap to
/// clone; clones share both.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Connector>,
    access: Access,
    breaker: Arc<Breaker>,
    /// How many ask for a connection and have none yet.
    waiting: Arc<AtomicU64>,
    threads: Arc<Threads>,
    /// Those whose work runs or is next. One stands behind each thread, so that none goes to sleep in between;
    /// everybody else waits here, where no thread waits with them.
    turns: Arc<Semaphore>,
}

/// One who asks, counted until they have what they ask for or go away.
struct Waits(Arc<AtomicU64>);

impl Waits {
    fn counted(waiting: &Arc<AtomicU64>) -> Waits {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waits(Arc::clone(waiting))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Threads that are made when they are needed: those that a runtime keeps for work that blocks, of which there are
/// as many as it is told, and nothing else of it.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever lets go of the store last need not be somebody who may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Connections {
    /// One connection is opened at once and the rest when they are needed, so that the program starts quickly.
    pub(super) fn new(connector: Connector, size: u32) -> std::io::Result<Connections> {
        let (access, breaker) = (connector.access, Arc::clone(&connector.breaker));
        let threads = usize::try_from(size).unwrap_or(usize::MAX);
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name(match access {
                Access::Read => "ehcp-reads",
                Access::Write => "ehcp-writes",
            })
            .build()?;
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(POOL_TIMEOUT)
            // The breaker tells of an outage once, where the pool would tell of every attempt.
            .error_handler(Box::new(NopErrorHandler))
            // `BEGIN` finds a dead connection just as well, without a round trip more.
            .test_on_check_out(false)
            .build_unchecked(connector);
        Ok(Connections {
            pool,
            access,
            breaker,
            waiting: Arc::default(),
            threads: Arc::new(Threads(Some(runtime))),
            turns: Arc::new(Semaphore::new(
                threads.saturating_mul(2).min(Semaphore::MAX_PERMITS),
            )),
        })
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

    /// Like [`Connections::run`], on another thread. It is `late` where that takes longer than `within`; work that
    /// has had its turn by then goes on, and nobody hears what comes of it.
    pub(super) async fn run_elsewhere<T, E>(
        &self,
        within: Duration,
        late: StoreError,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let done = async {
            let waits = Waits::counted(&self.waiting);
            let turn = self.turn().await?;
            let Some(runtime) = &self.threads.0 else {
                return Err(E::from(stopping()));
            };
            let connections = self.clone();
            let running = runtime.spawn_blocking(move || {
                drop(waits);
                let outcome = connections.run(work);
                drop(turn);
                outcome
            });
            running.await.unwrap_or_else(|_| Err(E::from(stopping())))
        };
        timeout(within, done).await.unwrap_or_else(|_| Err(E::from(late)))
    }

    /// A turn on the threads, waited for unless the database cannot be reached.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let deadline = Instant::now() + CONNECTION_WAIT;
        let mut turn = pin!(Arc::clone(&self.turns).acquire_owned());
        loop {
            match timeout(BREAKER_ASKED_EVERY, &mut turn).await {
                Ok(turn) => return turn.map_err(|_| stopping()),
                Err(_) if Instant::now() < deadline => self.breaker.check()?,
                Err(_) => return Err(none_came_free()),
            }
        }
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
        let _waits = Waits::counted(&self.waiting);
        let deadline = Instant::now() + CONNECTION_WAIT;
        loop {
            self.breaker.check()?;
            match self.pool.get_timeout(BREAKER_ASKED_EVERY) {
                Ok(connection) => return Ok(connection),
                Err(_) if Instant::now() < deadline => {}
                Err(_) => return Err(none_came_free()),
            }
        }
    }
}

fn none_came_free() -> StoreError {
    StoreError::unavailable(Trouble::Busy, "no connection to the database came free in time")
}

fn stopping() -> StoreError {
    StoreError::unavailable(Trouble::Stopping, "the program is stopping")
}
