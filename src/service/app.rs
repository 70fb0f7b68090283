//! The running service: the store, the clock and the source of ids, and how a use case gets its
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::client_token::check_admitted;
use super::{Error, Ids, Work};
use crate::auth::Principal;
use crate::clock::Clock;
use crate::store::{AnyConnection, Store, StoreError};

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    ids: Arc<Ids>,
    is_ready: Arc<AtomicBool>,
    is_stopping: Arc<AtomicBool>,
}

/// How long the store may take to say that it answers.
const READINESS_WAIT: Duration = Duration::from_secs(2);

/// Why requests cannot be served at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// The index is not yet what the events amount to.
    Starting,
    /// The process has been told to stop.
    Stopping,
    /// The store cannot do what it was asked.
    Store(StoreError),
    /// The store says nothing.
    Silent,
}

impl App {
    /// A service that is not ready until it is said to be.
    pub fn new(store: Store, clock: Clock, ids: Ids) -> App {
        App {
            store,
            clock,
            ids: Arc::new(ids),
            is_ready: Arc::default(),
            is_stopping: Arc::default(),
        }
    }

    /// A new id, for what has to have one before its transaction begins.
    pub fn new_id(&self) -> Uuid {
        self.ids.new_id(self.clock.now())
    }

    /// Says that the index is right and requests may come.
    pub fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// Says that requests should go elsewhere. Those that come are answered all the same.
    pub fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Whether requests may come and the store answers, and why not.
    pub async fn readiness(&self) -> Result<(), NotReady> {
        if self.is_stopping.load(Ordering::Acquire) {
            return Err(NotReady::Stopping);
        }
        if !self.is_ready.load(Ordering::Acquire) {
            return Err(NotReady::Starting);
        }
        let asked = self
            .store
            .read(|connection| crate::store::case::is_empty(connection).map(|_| ()));
        match tokio::time::timeout(READINESS_WAIT, asked).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(NotReady::Store(error)),
            Err(_) => Err(NotReady::Silent),
        }
    }

    /// Runs a use case that reads, in one transaction.
    pub async fn read<T: Send + 'static>(
        &self,
        principal: Principal,
        trace_id: String,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store.read(self.work_of(principal, trace_id, use_case)).await
    }

    /// [`App::read`] for a use case that reads a few rows by their keys, whatever is in them.
    pub async fn read_few<T: Send + 'static>(
        &self,
        principal: Principal,
        trace_id: String,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store
            .read_few(self.work_of(principal, trace_id, use_case))
            .await
    }

    /// Runs a use case that writes, in one transaction: all of it, or nothing.
    pub async fn write<T: Send + 'static>(
        &self,
        principal: Principal,
        trace_id: String,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store
            .write(self.work_of(principal, trace_id, use_case))
            .await
    }

    /// What a use case is to the store: work on a connection, at this instant.
    fn work_of<T>(
        &self,
        principal: Principal,
        trace_id: String,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> impl FnOnce(&mut AnyConnection) -> Result<T, Error> + Send + 'static
    where
        T: Send + 'static,
    {
        let (now, ids) = (self.clock.now(), Arc::clone(&self.ids));
        move |connection| {
            check_admitted(connection, &principal)?;
            use_case(&mut Work {
                connection,
                principal: &principal,
                trace_id: &trace_id,
                now,
                ids: &ids,
            })
        }
    }
}
