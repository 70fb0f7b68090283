//! Makes many case files and writes them: one thread judges what happened on cases while another writes those
//! that are done, hundreds in a transaction, and their indexes last. What happened on a case is its caller's
//! business.

use std::sync::mpsc::{Receiver, sync_channel};

use chrono::{DateTime, NaiveDate, Utc};

use super::SEED;
use super::recorder::write_file;
use crate::clock::noon;
use crate::service::import::CaseFile;
use crate::service::{Error, Ids};
use crate::store::secondary::{make_again, set_aside};
use crate::store::{AnyConnection, Store};

/// How many cases are handed over at a time.
const CASES_IN_A_BATCH: usize = 50;
/// How many batches may wait to be written.
const BATCHES_AHEAD: usize = 4;
/// How many cases share a transaction, at least.
const CASES_IN_A_TRANSACTION: usize = 1_000;

/// A file that can be written, with what is told of it.
struct Ready<T> {
    number: u32,
    ids: Ids,
    file: CaseFile,
    told: T,
}

/// What a transaction has done.
pub enum Done<T> {
    /// Written cases, with what is told of each.
    Cases(Vec<(u32, T)>),
    /// Made an index of all of them, when they were written.
    Index { left: usize },
}

type Batch<T> = Result<Vec<Ready<T>>, Error>;

/// Makes the case of each number and writes them in this order, into a database that nobody uses yet; `heard`
/// hears of each transaction. The connection that `make` is given is only read, and its ids are those of the
/// number.
pub fn take_over<T: Send + 'static>(
    store: &Store,
    today: NaiveDate,
    numbers: &[u32],
    make: impl Fn(&mut AnyConnection, &Ids, u32) -> Result<(CaseFile, T), Error> + Send,
    mut heard: impl FnMut(Done<T>),
) -> Result<(), Error> {
    set_aside(store)?;
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        scope.spawn(move || {
            for numbers in numbers.chunks(CASES_IN_A_BATCH) {
                let batch = store.read_now(|connection| make_batch(connection, numbers, &make));
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        let mut left = Some(batches);
        while let Some(batches) = left {
            let done = store.write_now(move |connection| write_some(connection, batches, noon(today)))?;
            heard(Done::Cases(done.told));
            left = done.left;
        }
        Ok::<_, Error>(())
    })?;
    Ok(make_again(store, |left| heard(Done::Index { left }))?)
}

fn make_batch<T>(
    connection: &mut AnyConnection,
    numbers: &[u32],
    make: &impl Fn(&mut AnyConnection, &Ids, u32) -> Result<(CaseFile, T), Error>,
) -> Batch<T> {
    numbers
        .iter()
        .map(|&number| {
            let ids = Ids::seeded(SEED ^ ((u64::from(number) + 1) << 32));
            let (file, told) = make(connection, &ids, number)?;
            Ok(Ready {
                number,
                ids,
                file,
                told,
            })
        })
        .collect()
}

/// What one transaction wrote.
struct Written<T> {
    told: Vec<(u32, T)>,
    /// Where the next ones come from; none if there are no more.
    left: Option<Receiver<Batch<T>>>,
}

fn write_some<T>(
    connection: &mut AnyConnection,
    batches: Receiver<Batch<T>>,
    now: DateTime<Utc>,
) -> Result<Written<T>, Error> {
    let mut told = Vec::new();
    while told.len() < CASES_IN_A_TRANSACTION {
        let Ok(batch) = batches.recv() else {
            return Ok(Written { told, left: None });
        };
        for ready in batch? {
            write_file(connection, &ready.ids, ready.file, now)?;
            told.push((ready.number, ready.told));
        }
    }
    Ok(Written {
        told,
        left: Some(batches),
    })
}
