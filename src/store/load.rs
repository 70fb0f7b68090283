//! How busy the store is: its connections, and the SQLite writer with its queue.
//!
//! Numbers only, of the present or for the life of the process. `store` and its `writer` keep them;
//! `http::metrics` writes them out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::measure::{Distribution, Histogram};

/// A moment of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    pub reads: PoolLoad,
    pub writes: WriteLoad,
}

/// A moment of a pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLoad {
    pub limit: u32,
    /// In use or idle.
    pub open: u32,
    pub idle: u32,
    /// How many ask for a connection and have none yet.
    pub waiting: u64,
}

/// What writes, a thread or a pool.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteLoad {
    Sqlite(WriterMoment),
    Postgres(PoolLoad),
}

/// A moment of the SQLite writer.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterMoment {
    /// How many jobs it has not yet begun.
    pub queued: u64,
    /// How many jobs each commit served.
    pub group_sizes: Distribution,
    /// How long each commit took, in seconds.
    pub commits: Distribution,
}

/// What the SQLite writer keeps count of.
pub(super) struct WriterLoad {
    queued: AtomicU64,
    group_sizes: Histogram,
    commits: Histogram,
}

impl Default for WriterLoad {
    fn default() -> WriterLoad {
        WriterLoad {
            queued: AtomicU64::new(0),
            group_sizes: Histogram::of_sizes(),
            commits: Histogram::of_durations(),
        }
    }
}

impl WriterLoad {
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// Jobs left the queue, to be done or refused.
    pub(super) fn taken(&self, jobs: usize) {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        self.queued.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// A group ended, whether or not it could be committed.
    pub(super) fn committed(&self, jobs: usize, took: Duration) {
        self.group_sizes.add_size(jobs);
        self.commits.add_duration(took);
    }

    pub(super) fn snapshot(&self) -> WriterMoment {
        WriterMoment {
            queued: self.queued.load(Ordering::Relaxed),
            group_sizes: self.group_sizes.distribution(),
            commits: self.commits.distribution(),
        }
    }
}
