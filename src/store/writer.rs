//! The one SQLite writer: a thread with the only writing connection, fed through a bounded channel.
//!
//! It takes up to [`GROUP`] waiting jobs into one transaction, each in a savepoint of its own, and answers
//! them after the commit, so that one fsync serves them all. PostgreSQL needs none of this.
//! Called by `store` alone.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use super::checkpoint::{self, Checkpointer};
use super::connection::{Access, AnyConnection, Connector, OpenConnection};
use super::error::{StoreError, Trouble};
use super::load::WriterLoad;
use super::transaction;

/// How many jobs may wait; one more is told at once that the store is busy.
const WAITING: usize = 1024;
/// How many jobs one commit serves at most.
const GROUP: usize = 64;

/// Work to do on the connection, or the reason why it cannot be done; makes the reply to whoever asked.
type Job = Box<dyn FnOnce(Result<&mut AnyConnection, StoreError>) -> Reply + Send>;
/// Answers whoever asked, once it is known whether the group was committed.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Clones feed the same thread. It ends when all of them are gone or one is closed.
#[derive(Clone)]
pub(super) struct Writer {
    load: Arc<WriterLoad>,
    jobs: Arc<RwLock<Option<SyncSender<Job>>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Starts the thread on a connection already made; the connector replaces it should it break.
    pub(super) fn start(connection: OpenConnection, connector: Connector) -> std::io::Result<Writer> {
        let (sender, jobs) = sync_channel(WAITING);
        let load = Arc::new(WriterLoad::default());
        let writer = WriterThread {
            checkpointer: Checkpointer::start(&connector, checkpoint::LONG)?,
            load: Arc::clone(&load),
            jobs,
            connector,
            connection: Some(connection),
            failing_since: None,
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || writer.run())?;
        Ok(Writer {
            load,
            jobs: Arc::new(RwLock::new(Some(sender))),
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Queues work and returns; `answer` is called with its outcome after the commit, or at once where the
    /// queue is full or closed. Work accepted is done even if nobody waits for the answer any more.
    pub(super) fn submit<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
        answer: impl FnOnce(Result<T, E>) + Send + 'static,
    ) where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let job: Job = Box::new(move |turn| {
            let outcome = match turn {
                Ok(connection) => transaction::in_savepoint(connection, work),
                Err(refusal) => Err(E::from(refusal)),
            };
            // What a job found out in a group that is not committed, even a refusal, may rest on what was lost.
            Box::new(move |group| answer(group.map_err(E::from).and(outcome)))
        });
        let jobs = self.jobs.read().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else {
            return refuse(job, closed());
        };
        // Counted first, so that the thread cannot take it out of the count before it is in.
        self.load.queued();
        let (job, refusal) = match jobs.try_send(job) {
            Ok(()) => return,
            Err(TrySendError::Full(job)) => (
                job,
                StoreError::unavailable(Trouble::Busy, "too many writes are waiting"),
            ),
            Err(TrySendError::Disconnected(job)) => (job, closed()),
        };
        self.load.taken(1);
        refuse(job, refusal);
    }

    pub(super) fn load(&self) -> &WriterLoad {
        &self.load
    }

    /// Takes no more work, finishes what was accepted and waits for the thread to end.
    pub(super) fn close(&self) {
        drop(self.jobs.write().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

struct WriterThread {
    checkpointer: Checkpointer,
    load: Arc<WriterLoad>,
    jobs: Receiver<Job>,
    connector: Connector,
    connection: Option<OpenConnection>,
    failing_since: Option<Instant>,
}

impl WriterThread {
    fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            self.commit_group(first);
        }
    }

    /// Runs the first job and those that wait behind it in one transaction, and answers them.
    fn commit_group(&mut self, first: Job) {
        self.load.taken(1);
        let connection = match begin_group(&mut self.connection, &self.connector) {
            Ok(connection) => connection,
            // Those behind would each wait as long for the same lock.
            Err(error) => {
                self.note(Some(&error));
                let waiting: Vec<Job> = self.jobs.try_iter().take(GROUP - 1).collect();
                self.load.taken(waiting.len());
                return std::iter::once(first)
                    .chain(waiting)
                    .for_each(|job| refuse(job, error.clone()));
            }
        };
        let mut replies = Vec::with_capacity(GROUP);
        let mut next = Some(first);
        while let Some(job) = next {
            replies.push(job(Ok(&mut *connection)));
            // On a full disk or an I/O error SQLite rolls back everything, the earlier jobs too.
            let alive = transaction::depth(connection) == 1;
            next = if alive && replies.len() < GROUP {
                self.jobs.try_recv().ok()
            } else {
                None
            };
            self.load.taken(usize::from(next.is_some()));
        }
        let started = Instant::now();
        let outcome = end_group(connection);
        self.load.committed(replies.len(), started.elapsed());
        self.note(outcome.as_ref().err());
        replies.into_iter().for_each(|reply| reply(outcome.clone()));
        self.checkpointer.committed();
    }

    /// Says in the log when writes begin to fail and when they succeed again.
    fn note(&mut self, error: Option<&StoreError>) {
        match (error, self.failing_since) {
            (None, None) => {}
            (None, Some(since)) => {
                log::info!(failing_s = since.elapsed().as_secs(); "SQLite takes writes again");
                self.failing_since = None;
            }
            (
                Some(StoreError::Unavailable {
                    trouble: Trouble::Busy,
                    ..
                }),
                _,
            ) => {}
            (Some(error), since) => {
                if since.is_none() {
                    log::error!(error:% = error; "SQLite takes no writes; they are refused until it does");
                }
                self.failing_since = since.or_else(|| Some(Instant::now()));
            }
        }
    }
}

fn begin_group<'c>(
    held: &'c mut Option<OpenConnection>,
    connector: &Connector,
) -> Result<&'c mut OpenConnection, StoreError> {
    let usable = held
        .take()
        .and_then(|mut connection| (!connection.is_spent()).then_some(connection));
    let mut connection = match usable {
        Some(connection) => connection,
        None => connector
            .connect()
            .map_err(|error| StoreError::unavailable(error.trouble(), error.to_string()))?,
    };
    connection.take_trouble();
    // One on which nothing begins is not kept: its files may be others by the next time.
    transaction::begin(&mut connection, Access::Write)?;
    Ok(held.insert(connection))
}

fn end_group(connection: &mut OpenConnection) -> Result<(), StoreError> {
    let failed = match transaction::depth(connection) {
        1 => match transaction::commit(connection) {
            Ok(()) => return Ok(()),
            Err(error) => StoreError::from(error),
        },
        _ => connection
            .take_trouble()
            .unwrap_or_else(|| StoreError::unavailable(Trouble::Failing, "SQLite ended the transaction")),
    };
    Err(match failed {
        StoreError::Unavailable { trouble, reason } => {
            StoreError::unavailable(trouble, format!("nothing was committed: {reason}"))
        }
        other => StoreError::unavailable(Trouble::Failing, format!("nothing was committed: {other}")),
    })
}

fn refuse(job: Job, reason: StoreError) {
    job(Err(reason))(Ok(()));
}

fn closed() -> StoreError {
    StoreError::unavailable(Trouble::Stopping, "the store is closed")
}
