//! The running service: the store, the clock and the source of ids, and how a use case gets its
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::ahead::Ahead;
use super::client_token::check_admitted;
use super::origin::Origin;
use super::readings::{Durability, Readings};
use super::work::entry_of_refusal;
use super::{Error, Ids, Work};
use crate::auth::Principal;
use crate::clock::Clock;
use crate::store::audit::AuditRow;
use crate::store::{AnyConnection, Store, StoreError};

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    readings: Arc<Readings>,
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
            readings: Arc::new(Readings::new(Durability::default())),
            ids: Arc::new(ids),
            is_ready: Arc::default(),
            is_stopping: Arc::default(),
        }
    }

    /// A new id, for what has to have one before its transaction begins.
    pub fn new_id(&self) -> Uuid {
        self.ids.new_id(self.clock.now())
    }

    /// The same service, with its readings on record when it is said.
    pub fn with_readings(self, durability: Durability) -> App {
        App {
            readings: Arc::new(Readings::new(durability)),
            ..self
        }
    }

    /// Writes down the readings that wait, and answers how many that were.
    pub async fn write_readings(&self) -> Result<u64, Error> {
        self.readings.write(&self.store).await
    }

    /// What waits to be written down.
    pub fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Says that the index is right and requests may come.
    pub fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// Says that requests should go elsewhere. Those that come are answered all the same.
    pub fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Whether requests should go elsewhere.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Whether requests may come and the store answers, and why not.
    pub async fn readiness(&self) -> Result<(), NotReady> {
        if self.is_stopping() {
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

    /// Runs a use case that reads, in one transaction, and takes down what it showed.
    pub async fn read<T: Send + 'static>(
        &self,
        principal: Principal,
        origin: Origin,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let read = self
            .store
            .read(self.work_of(principal, origin, None, use_case))
            .await;
        self.taken_down(read).await
    }

    /// [`App::read`] for a use case that reads a few rows by their keys, whatever is in them.
    pub async fn read_few<T: Send + 'static>(
        &self,
        principal: Principal,
        origin: Origin,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let read = self
            .store
            .read_few(self.work_of(principal, origin, None, use_case))
            .await;
        self.taken_down(read).await
    }

    /// Runs a use case that writes, in one transaction: all of it, or nothing. What was changed it has written
    /// down itself; where it changed nothing, what it showed is taken down.
    pub async fn write<T: Send + 'static>(
        &self,
        principal: Principal,
        origin: Origin,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let work = self.work_of(principal, origin, None, use_case);
        let written = self.store.write(work).await;
        self.taken_down(written).await
    }

    /// [`App::write`] for a use case that records on a procedure, which is read ahead where that spares others the
    /// wait.
    pub async fn write_on<T: Send + 'static>(
        &self,
        procedure_id: Uuid,
        principal: Principal,
        origin: Origin,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let la_code = principal.la_code.as_str();
        let ahead = self
            .store
            .read_beside(|connection| Ahead::read(connection, la_code, procedure_id));
        // Whatever was wrong, the use case will meet it.
        let ahead = ahead.and_then(Result::ok);
        let work = self.work_of(principal, origin, ahead, use_case);
        let written = self.store.write(work).await;
        self.taken_down(written).await
    }

    /// Writes down that somebody known was refused before any use case began.
    pub async fn refused(&self, principal: &Principal, origin: &Origin, code: &str) -> Result<(), Error> {
        let refusal = entry_of_refusal(principal, origin, self.clock.now(), &self.ids, code);
        self.readings.add(&self.store, refusal).await
    }

    /// The answer of a use case, once the trail has what it showed or refused.
    async fn taken_down<T>(&self, read: Result<Read<T>, Unmet>) -> Result<T, Error> {
        match read {
            Ok((value, None)) => Ok(value),
            Ok((value, Some(reading))) => {
                self.readings.add(&self.store, *reading).await?;
                Ok(value)
            }
            Err(Unmet::Refused(error, refusal)) => {
                self.readings.add(&self.store, *refusal).await?;
                Err(error)
            }
            Err(Unmet::Other(error)) => Err(error),
        }
    }

    /// What a use case is to the store: work on a connection, at this instant.
    fn work_of<T>(
        &self,
        principal: Principal,
        origin: Origin,
        ahead: Option<Ahead>,
        use_case: impl FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> impl FnOnce(&mut AnyConnection) -> Result<Read<T>, Unmet> + Send + 'static
    where
        T: Send + 'static,
    {
        let (now, ids) = (self.clock.now(), Arc::clone(&self.ids));
        move |connection| {
            let mut work = Work::new(connection, &principal, &origin, now, &ids).with_ahead(ahead);
            let done = check_admitted(work.connection, &principal).and_then(|()| use_case(&mut work));
            match done {
                Ok(value) => Ok((value, work.reading().map(Box::new))),
                Err(error) => match work.refusal(&error)? {
                    Some(refusal) => Err(Unmet::Refused(error, Box::new(refusal))),
                    None => Err(Unmet::Other(error)),
                },
            }
        }
    }
}

/// What a use case answered, and what the trail is to say of it.
type Read<T> = (T, Option<Box<AuditRow>>);

/// Why there is no answer.
enum Unmet {
    /// What was asked for is not for whoever asks; the trail is to say so.
    Refused(Error, Box<AuditRow>),
    Other(Error),
}

impl From<StoreError> for Unmet {
    fn from(error: StoreError) -> Unmet {
        Unmet::Other(Error::from(error))
    }
}
