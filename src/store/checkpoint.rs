//! Moving the write-ahead log of SQLite into its file, on a thread and a connection of its own.
//!
//! SQLite does that in the commit that fills the log, and every write behind that commit waits. Here the log
//! is moved while the writer goes on, so that its own checkpoint, which it keeps for the rare case that this
//! thread falls behind, finds little left to move. Nothing waits for this thread, and nothing rests on it.
//! Called by the `writer` alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use super::connection::{AnyConnection, Connector, OpenConnection};

/// How often the log is moved while there are writes: often, since the commits meanwhile wait for the disk with it.
const EVERY: Duration = Duration::from_millis(25);

/// The thread, and when it was last told that there is something in the log.
pub(super) struct Checkpointer {
    told: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    told_at: Instant,
}

impl Checkpointer {
    /// Starts the thread; it opens its connection once it is needed.
    pub(super) fn start(connector: &Connector) -> std::io::Result<Checkpointer> {
        // What it runs is no statement of any request.
        let connector = Connector {
            statements: Arc::default(),
            ..connector.clone()
        };
        let (told, committed) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || run(&connector, &committed))?;
        Ok(Checkpointer {
            told: Some(told),
            thread: Some(thread),
            told_at: Instant::now(),
        })
    }

    /// Says that something was committed.
    pub(super) fn committed(&mut self) {
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
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(connector: &Connector, committed: &Receiver<()>) {
    let mut held: Option<OpenConnection> = None;
    while let Ok(()) = committed.recv() {
        held = match held.take() {
            Some(connection) => Some(connection),
            None => connector.connect().ok(),
        };
        // A full or a failing disk shows in the writer's commits, which say so.
        let moved = held.as_deref_mut().is_some_and(|connection| match connection {
            AnyConnection::Sqlite(inner) => inner.batch_execute("PRAGMA wal_checkpoint(PASSIVE)").is_ok(),
            AnyConnection::Postgres(_) => true,
        });
        if !moved {
            held = None;
        }
    }
}
