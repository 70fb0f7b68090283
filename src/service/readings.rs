//! The readings that the trail does not hold yet: kept in memory and written in groups, so that nobody who
//! reads waits for a disk.
//!
//! What a process that is killed had not written is lost: at most a second, unless readings are to be durable.
//! When there is no room, whoever reads waits; nothing is left out. `service::app` adds, and the command line's
//! `serve` writes in time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::Error;
use crate::store::audit::{AuditRow, Seen, insert_audit_entries};
use crate::store::{Store, StoreError, Trouble};

/// How many may wait to be written.
const ROOM: usize = 8192;
/// As many are written in one transaction, and are not kept for longer.
const GROUP: usize = 256;
/// How long the last of them is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(1);
/// How long whoever reads waits for room.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(5);

/// When a reading is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Soon after the answer.
    #[default]
    Buffered,
    /// Before the answer.
    Durable,
}

/// What waits to be written.
pub struct Readings {
    durability: Durability,
    waiting: Mutex<VecDeque<AuditRow>>,
    /// How many wait, with those that are being written.
    count: AtomicU64,
    room: Semaphore,
    enough: Notify,
    /// Held while a group is written, so that the order stays; remembers what need not be written again.
    writing: tokio::sync::Mutex<Seen>,
}

impl Readings {
    pub fn new(durability: Durability) -> Readings {
        Readings {
            durability,
            waiting: Mutex::default(),
            count: AtomicU64::new(0),
            room: Semaphore::new(ROOM),
            enough: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// How many are not on record yet.
    pub fn waiting(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes a reading over. Where this answers an error the reading is not on record, and nothing may be shown.
    pub(super) async fn add(&self, store: &Store, row: AuditRow) -> Result<(), Error> {
        match self.durability {
            Durability::Durable => {
                let written = store.write(move |connection| {
                    insert_audit_entries(connection, &[row], &mut Seen::default()).map_err(Error::from)
                });
                written.await
            }
            Durability::Buffered => {
                let Some(room) = self.found_room().await else {
                    return Err(Error::Store(StoreError::Unavailable {
                        trouble: Trouble::Busy,
                        reason: "too many readings wait to be written down".to_owned(),
                    }));
                };
                // Given back when it is written.
                room.forget();
                self.count.fetch_add(1, Ordering::Relaxed);
                let mut waiting = self.lock();
                waiting.push_back(row);
                if waiting.len() >= GROUP {
                    self.enough.notify_one();
                }
                Ok(())
            }
        }
    }

    /// Ends when there are so many that they should be written, or after some time.
    pub async fn until_due(&self) {
        drop(tokio::time::timeout(KEPT_FOR, self.enough.notified()).await);
    }

    /// Writes what waits by now, in the order in which it came, and answers how many that were. What could not be
    /// written goes on waiting; so does what comes meanwhile.
    pub async fn write(&self, store: &Store) -> Result<u64, Error> {
        let mut seen = self.writing.lock().await;
        let mut left = self.lock().len();
        let mut written = 0;
        while left > 0 {
            let group: Vec<AuditRow> = self.lock().drain(..left.min(GROUP)).collect();
            left -= group.len();
            let rows = Arc::new(group);
            // What is not committed must not be remembered either.
            let (sent, mut remembered) = (Arc::clone(&rows), std::mem::take(&mut *seen));
            let outcome: Result<Seen, Error> = store
                .write(move |connection| {
                    insert_audit_entries(connection, &sent, &mut remembered)?;
                    Ok(remembered)
                })
                .await;
            match outcome {
                Ok(remembered) => *seen = remembered,
                Err(error) => {
                    // If it was committed all the same, nothing is added by adding it again.
                    let mut waiting = self.lock();
                    for row in rows.iter().rev() {
                        waiting.push_front(row.clone());
                    }
                    return Err(error);
                }
            }
            self.room.add_permits(rows.len());
            let size = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.count.fetch_sub(size, Ordering::Relaxed);
            written += size;
        }
        Ok(written)
    }

    /// Room for one more, waited for where there is none.
    async fn found_room(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(room) = self.room.try_acquire() {
            return Some(room);
        }
        let waited = tokio::time::timeout(WAIT_FOR_ROOM, self.room.acquire()).await;
        waited.ok()?.ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<AuditRow>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::store::Location;
    use crate::store::chain::count_unchained;

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap()
    }

    fn reading(number: usize) -> AuditRow {
        AuditRow {
            id: format!("0198e3a4-7d1c-7000-8000-{number:012x}"),
            la_code: "885".to_owned(),
            recorded_at: "2026-02-20T12:00:00".parse().unwrap(),
            subject: "ann".to_owned(),
            action: "list_cases".to_owned(),
            resource_id: None,
            case_id: None,
            version: None,
            trace_id: "t".to_owned(),
            kind: "reading".to_owned(),
            roles: "caseworker".to_owned(),
            client_id: None,
            organisation_id: None,
            shown_case_ids: Some(format!("one case-{}", number % 3)),
            reason: None,
            reason_sha256: None,
            client_address: None,
            outcome: "done".to_owned(),
        }
    }

    fn on_record(store: &Store) -> i64 {
        let counted: Result<_, StoreError> = store.read_now(|connection| count_unchained(connection, None));
        counted.unwrap().0
    }

    #[actix_web::test]
    async fn without_room_whoever_reads_waits_and_nothing_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let readings = Readings::new(Durability::Buffered);
        for number in 0..ROOM {
            readings.add(&store, reading(number)).await.unwrap();
        }
        let mut one_more = pin!(readings.add(&store, reading(ROOM)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(one_more.as_mut().poll(&mut context).is_pending());
        assert_eq!(on_record(&store), 0);
        let room = u64::try_from(ROOM).unwrap();
        assert_eq!(readings.write(&store).await, Ok(room));
        assert_eq!(one_more.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(readings.waiting(), 1);
        assert_eq!(readings.write(&store).await, Ok(1));
        assert_eq!(on_record(&store), i64::try_from(ROOM).unwrap() + 1);
    }

    #[actix_web::test]
    async fn what_cannot_be_written_goes_on_waiting_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let readings = Readings::new(Durability::Buffered);
        let closed = store(&folder);
        for number in 0..GROUP + 3 {
            readings.add(&closed, reading(number)).await.unwrap();
        }
        closed.clone().close();
        let refused = readings.write(&closed).await;
        assert!(matches!(
            refused,
            Err(Error::Store(StoreError::Unavailable {
                trouble: Trouble::Stopping,
                ..
            }))
        ));
        let all = u64::try_from(GROUP).unwrap() + 3;
        assert_eq!(readings.waiting(), all);
        assert_eq!(readings.lock().front(), Some(&reading(0)));
        let open = store(&folder);
        assert_eq!(readings.write(&open).await, Ok(all));
        assert_eq!((readings.waiting(), on_record(&open)), (0, all.cast_signed()));
    }

    #[actix_web::test]
    async fn a_durable_reading_is_on_record_at_once_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let readings = Readings::new(Durability::Durable);
        readings.add(&store, reading(1)).await.unwrap();
        assert_eq!(on_record(&store), 1);
        store.clone().close();
        assert!(readings.add(&store, reading(2)).await.is_err());
        assert_eq!(on_record(&store), 1);
    }
}
