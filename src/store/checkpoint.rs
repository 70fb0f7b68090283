//! Moving the write-ahead log of SQLite into its file, on a thread and a connection of its own.
//!
//! SQLite does that in the commit that fills the log, and every write behind that commit waits. Here the log
//! is moved while the writer goes on. It begins anew only once all of it is moved, and under load there is always
//! something that came in meanwhile: a long log is moved again and again, until hardly anything is left, for
//! which the writer waits between two commits. Nothing else waits for this thread, and nothing rests on it; should it
//! fall behind, a commit does the whole. Called by the `writer` alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use super::connection::{AnyConnection, Connector, OpenConnection};

/// How often the log is moved while there are writes: so often that little is moved at a time, since commits wait for
/// the disk behind what is.
const EVERY: Duration = Duration::from_millis(5);
/// How many pages the log has when it is time that it begins anew.
pub(super) const LONG: i64 = 65_536;
/// How long moving took when what came in meanwhile is so little that the writer may wait for it.
const SHORT: Duration = Duration::from_millis(20);

/// The thread, and when it was last told that there is something in the log.
pub(super) struct Checkpointer {
    told: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    told_at: Instant,
    /// Whether hardly anything is left of a long log, so that the thread waits for the writer to stop.
    is_nearly_moved: Arc<AtomicBool>,
    stopped: Option<SyncSender<()>>,
    moved: Receiver<()>,
}

/// What the thread hears and says.
struct Ends {
    committed: Receiver<()>,
    is_nearly_moved: Arc<AtomicBool>,
    stopped: Receiver<()>,
    moved: SyncSender<()>,
}

/// How far a log is moved.
#[derive(QueryableByName)]
struct Moved {
    /// How many pages it has.
    #[diesel(sql_type = BigInt)]
    log: i64,
    /// How many of those are moved; fewer where somebody still reads what was before them.
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

impl Checkpointer {
    /// Starts the thread, which sees to it that a log of so many pages begins anew. It opens its connection once it is
    /// needed.
    pub(super) fn start(connector: &Connector, long: i64) -> std::io::Result<Checkpointer> {
        // What it runs is no statement of any request.
        let connector = Connector {
            statements: Arc::default(),
            ..connector.clone()
        };
        let (told, committed) = sync_channel(1);
        let (says_stopped, stopped) = sync_channel(0);
        let (says_moved, moved) = sync_channel(1);
        let is_nearly_moved = Arc::new(AtomicBool::new(false));
        let ends = Ends {
            committed,
            is_nearly_moved: Arc::clone(&is_nearly_moved),
            stopped,
            moved: says_moved,
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || run(&connector, long, &ends))?;
        Ok(Checkpointer {
            told: Some(told),
            thread: Some(thread),
            told_at: Instant::now(),
            is_nearly_moved,
            stopped: Some(says_stopped),
            moved,
        })
    }

    /// Says that something was committed. Where hardly anything is left of a long log, it returns once that is moved
    /// too.
    pub(super) fn committed(&mut self) {
        if self.is_nearly_moved.swap(false, Ordering::Acquire)
            && let Some(stopped) = &self.stopped
        {
            // A thread that is gone lets nobody wait.
            if stopped.send(()).is_ok() {
                let _ = self.moved.recv();
            }
            // There is nothing to move before the next commit, with which the log begins anew.
            return;
        }
        if self.told_at.elapsed() < EVERY {
            return;
        }
        self.told_at = Instant::now();
        if let Some(told) = &self.told {
            // Where it is still at work it has been told already.
            let _ = told.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.told.take());
        drop(self.stopped.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(connector: &Connector, long: i64, ends: &Ends) {
    let mut held: Option<OpenConnection> = None;
    while let Ok(()) = ends.committed.recv() {
        held = held.take().or_else(|| connector.connect().ok());
        let mut moved_before = None;
        while let Some(connection) = held.as_deref_mut() {
            let started = Instant::now();
            let Some(moved) = move_log(connection) else {
                held = None;
                break;
            };
            let is_whole = moved.checkpointed == moved.log;
            // Where nothing came in, the next commit begins the log anew by itself.
            if moved.log < long || !is_whole || moved_before == Some(moved.log) {
                break;
            }
            if started.elapsed() <= SHORT {
                move_rest(connection, ends);
                break;
            }
            moved_before = Some(moved.log);
        }
    }
}

/// Moves what has come in since the log was moved, while nothing more does.
fn move_rest(connection: &mut AnyConnection, ends: &Ends) {
    ends.is_nearly_moved.store(true, Ordering::Release);
    if let Ok(()) = ends.stopped.recv() {
        move_log(connection);
        // The writer waits for it, or is gone.
        let _ = ends.moved.try_send(());
    }
}

/// Moves what nobody needs in the log any more. None if that failed: a full or a failing disk shows in the writer's
/// commits, which say so.
fn move_log(connection: &mut AnyConnection) -> Option<Moved> {
    match connection {
        AnyConnection::Sqlite(inner) => sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(inner).ok(),
        AnyConnection::Postgres(_) => None,
    }
}
