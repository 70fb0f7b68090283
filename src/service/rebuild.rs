//! Making the index again from the events: when the code or the readings changed, or on command.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use uuid::Uuid;

use super::Error;
use super::lease::{Duty, Replica};
use super::recording::{derive, fingerprint, key_of, reindex, update_derived};
use super::request_rows::wanted_requests;
use super::settings::Settings;
use crate::casework::PROCEDURES;
use crate::casework::child::ChildFacts;
use crate::casework::history;
use crate::casework::procedure::ProcedureKind;
use crate::statute::reading::Readings;
use crate::store::advice::{AdviceRequestRow, requests_between, requests_of_procedure};
use crate::store::case::{caseworker_of, caseworkers_of_any, facts_at, facts_of_any};
use crate::store::clock::{Index, index_of, indexes_between, load_index};
use crate::store::convert;
use crate::store::procedure::{
    ProcedureRow, authorities, has_other_fingerprint, load_entries, lock_procedure, lock_procedures,
    procedures_after, procedures_with_other_fingerprint, streams_between,
};
use crate::store::settings::settings_at;
use crate::store::{AnyConnection, Root, Store, StoreError};

/// How many procedures are computed in one transaction, so that writers are not kept waiting.
const BATCH: i64 = 200;
/// How many are compared in one, which keeps nobody waiting.
const COMPARED_AT_ONCE: i64 = 512;

/// What a rebuild or a check has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    pub procedures: u64,
    /// How many had an index other than what their events amount to.
    pub differing: u64,
}

/// Computes again whatever was computed by other code, rules or readings, of one authority or of all.
pub fn rebuild_stale(store: &Store, la_code: Option<&str>) -> Result<Report, Error> {
    let mut report = Report::default();
    // What others leave stale behind the place that was reached is found by going through all of it again.
    while let Some(pass) = rebuild_stale_while(store, la_code, |_| Ok(true))? {
        report.procedures += pass.renewed;
        report.differing += pass.renewed;
        if pass.found == 0 {
            break;
        }
    }
    Ok(report)
}

/// The same once through, where several replicas may start at once: one of them does it. `None` as long as another is
/// at it; whoever asks again later finds it done, or takes over from one that died.
///
/// It ends though replicas of another version go on writing meanwhile. What they leave behind the place that was
/// reached is found by asking again.
pub fn rebuild_stale_once(store: &Store, replica: &Replica) -> Result<Option<Report>, Error> {
    if !store.read_now(is_any_stale)? {
        return Ok(Some(Report::default()));
    }
    let claiming = replica.clone();
    let claim = move |connection: &mut AnyConnection| claiming.claim(connection, Duty::RebuildIndex);
    let pass = rebuild_stale_while(store, None, claim)?;
    if pass.is_some() {
        replica.release(store, Duty::RebuildIndex)?;
    }
    Ok(pass.map(|pass| Report {
        procedures: pass.renewed,
        differing: pass.renewed,
    }))
}

fn is_any_stale(connection: &mut AnyConnection) -> Result<bool, Error> {
    for la_code in authorities(connection)? {
        let (_, settings) = settings_at(connection, &la_code, None)?;
        let right = fingerprint(&settings.readings);
        if has_other_fingerprint(connection, &la_code, &right)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Goes through what is stale once. `None` as soon as a batch may not be done; that is decided in the batch's own
/// transaction.
fn rebuild_stale_while(
    store: &Store,
    la_code: Option<&str>,
    may: impl Fn(&mut AnyConnection) -> Result<bool, Error> + Clone + Send + 'static,
) -> Result<Option<Pass>, Error> {
    let mut pass = Pass::default();
    let known = match la_code {
        Some(la_code) => vec![la_code.to_owned()],
        None => store.read_now(|connection| authorities(connection).map_err(Error::from))?,
    };
    for la_code in known {
        for kind in PROCEDURES {
            let mut after = String::new();
            loop {
                let (code, from, may) = (la_code.clone(), after, may.clone());
                let done = store.write_now(move |connection| {
                    if may(connection)? {
                        rebuild_stale_batch(connection, &code, kind, &from).map(Some)
                    } else {
                        Ok(None)
                    }
                })?;
                match done {
                    None => return Ok(None),
                    Some(None) => break,
                    Some(Some(batch)) => {
                        pass.found += batch.found;
                        pass.renewed += batch.renewed;
                        after = batch.last;
                    }
                }
            }
        }
    }
    Ok(Some(pass))
}

/// What was stale when it was gone through once, and how much of it was computed again.
#[derive(Debug, Clone, Copy, Default)]
struct Pass {
    found: u64,
    renewed: u64,
}

/// Stale procedures that were gone through.
struct StaleBatch {
    found: u64,
    /// How many were computed again, which is none where somebody else was quicker.
    renewed: u64,
    /// The id of the last.
    last: String,
}

/// Computes the next ones of a kind again; `None` where nothing that follows is stale.
fn rebuild_stale_batch(
    connection: &mut AnyConnection,
    la_code: &str,
    kind: &ProcedureKind,
    after: &str,
) -> Result<Option<StaleBatch>, Error> {
    let (_, settings) = settings_at(connection, la_code, None)?;
    let right = fingerprint(&settings.readings);
    let stale: Vec<String> =
        procedures_with_other_fingerprint(connection, la_code, kind.name, &right, after, BATCH)?
            .into_iter()
            .map(|procedure| procedure.id)
            .collect();
    let Some(last) = stale.last().cloned() else {
        return Ok(None);
    };
    let mut held = lock_procedures(connection, la_code, &stale)?;
    held.retain(|procedure| procedure.fingerprint != right);
    for procedure in &held {
        let entries = load_entries(connection, procedure)?;
        let child = facts_at(connection, la_code, &procedure.case_id, None)?;
        reindex(connection, procedure, &entries, &child, &settings.readings)?;
    }
    Ok(Some(StaleBatch {
        found: stale.len() as u64,
        renewed: held.len() as u64,
        last,
    }))
}

/// Compares every index with its events and writes it again where it differs, unless only checking.
///
/// As many threads compare as there are cores; what differs is held, compared again and written one by one.
pub fn rebuild_all(store: &Store, check_only: bool, mut progress: impl FnMut(u64)) -> Result<Report, Error> {
    let after = Mutex::new(Uuid::nil().to_string());
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let (sender, compared) = std::sync::mpsc::sync_channel(2);
        let threads = available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            let (sender, after) = (sender.clone(), &after);
            scope.spawn(move || {
                loop {
                    let batch = store.read_now(|connection| compare_batch(connection, after));
                    let goes_on = matches!(&batch, Ok(batch) if batch.procedures > 0);
                    if sender.send(batch).is_err() || !goes_on {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for batch in compared {
            let Compared {
                procedures,
                differing,
            } = batch?;
            report.procedures += procedures;
            for procedure in differing {
                let differs =
                    check_only || store.write_now(move |connection| rebuild_one(connection, &procedure))?;
                report.differing += u64::from(differs);
            }
            progress(report.procedures);
        }
        Ok(report)
    })
}

struct Compared {
    procedures: u64,
    differing: Vec<ProcedureRow>,
}

/// Compares the next batch after the id that the threads share, with a fixed number of statements.
fn compare_batch(connection: &mut AnyConnection, after: &Mutex<String>) -> Result<Compared, Error> {
    let procedures = {
        let mut after = after.lock().unwrap_or_else(PoisonError::into_inner);
        let procedures = procedures_after(connection, &after, COMPARED_AT_ONCE)?;
        if let Some(last) = procedures.last() {
            after.clone_from(&last.id);
        }
        procedures
    };
    let (Some(first), Some(last)) = (procedures.first(), procedures.last()) else {
        return Ok(Compared {
            procedures: 0,
            differing: Vec::new(),
        });
    };
    let (first, last) = (first.id.as_str(), last.id.as_str());
    let mut case_ids: Vec<String> = procedures
        .iter()
        .map(|procedure| procedure.case_id.clone())
        .collect();
    case_ids.sort_unstable();
    case_ids.dedup();
    let facts = facts_of_any(connection, &case_ids)?;
    let caseworkers = caseworkers_of_any(connection, &case_ids)?;
    let mut parts: HashMap<String, Parts> = HashMap::new();
    for (procedure_id, entry) in streams_between(connection, &procedures, first, last)? {
        parts.entry(procedure_id).or_default().entries.push(entry);
    }
    for request in requests_between(connection, first, last)? {
        let of_procedure = parts.entry(request.procedure_id.clone()).or_default();
        of_procedure.requests.push(request);
    }
    let indexes = indexes_between(connection, first, last)?;
    for clock in indexes.clocks {
        let of_procedure = parts.entry(clock.procedure_id.clone()).or_default();
        of_procedure.index.clocks.push(clock);
    }
    for flag in indexes.flags {
        let of_procedure = parts.entry(flag.procedure_id.clone()).or_default();
        of_procedure.index.flags.push(flag);
    }
    let mut settings: HashMap<String, Settings> = HashMap::new();
    let count = procedures.len() as u64;
    let mut differing = Vec::new();
    for procedure in procedures {
        let mut stored = parts.remove(&procedure.id).unwrap_or_default();
        stored.put_in_order();
        let child = facts
            .get(&procedure.case_id)
            .ok_or_else(|| Error::Store(StoreError::Bug("a case has no facts".to_owned())))?;
        let readings = match settings.entry(procedure.la_code.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(settings_at(connection, &procedure.la_code, None)?.1),
        };
        let caseworker = caseworkers.get(&procedure.case_id).map(String::as_str);
        if differs(&procedure, &stored, child, caseworker, &readings.readings)? {
            differing.push(procedure);
        }
    }
    Ok(Compared {
        procedures: count,
        differing,
    })
}

/// Writes the index of one procedure again, unless it is right by now.
fn rebuild_one(connection: &mut AnyConnection, procedure: &ProcedureRow) -> Result<bool, Error> {
    let root = Root::of_authority(&procedure.la_code);
    let procedure = match lock_procedure(connection, &root, convert::id(&procedure.id)?) {
        Ok(procedure) => procedure,
        // Its case was disposed of since.
        Err(StoreError::NotFound) => return Ok(false),
        Err(other) => return Err(other.into()),
    };
    let stored = Parts {
        entries: load_entries(connection, &procedure)?,
        requests: requests_of_procedure(connection, &procedure.la_code, &procedure.id)?,
        index: load_index(connection, &procedure.id)?,
    };
    let child = facts_at(connection, &procedure.la_code, &procedure.case_id, None)?;
    let caseworker = caseworker_of(connection, &procedure.la_code, &procedure.case_id)?;
    let (_, settings) = settings_at(connection, &procedure.la_code, None)?;
    let is_wrong = differs(
        &procedure,
        &stored,
        &child,
        caseworker.as_deref(),
        &settings.readings,
    )?;
    if is_wrong {
        reindex(
            connection,
            &procedure,
            &stored.entries,
            &child,
            &settings.readings,
        )?;
    }
    Ok(is_wrong)
}

/// What is stored of a procedure.
#[derive(Default)]
struct Parts {
    entries: Vec<history::Entry>,
    requests: Vec<AdviceRequestRow>,
    index: Index,
}

impl Parts {
    /// As the parts of one procedure are read.
    fn put_in_order(&mut self) {
        self.entries.sort_unstable_by_key(|entry| entry.sequence);
        self.requests.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        self.index.put_in_order();
    }
}

fn differs(
    procedure: &ProcedureRow,
    stored: &Parts,
    child: &ChildFacts,
    caseworker: Option<&str>,
    readings: &Readings,
) -> Result<bool, Error> {
    let timeline = derive(procedure, &stored.entries, child, readings, None)?;
    let mut renewed = procedure.clone();
    update_derived(&mut renewed, timeline.as_ref(), readings)?;
    renewed.version = stored.entries.len() as i64;
    Ok(renewed != *procedure
        || index_of(&key_of(procedure, caseworker), timeline.as_ref())? != stored.index
        || wanted_requests(procedure, timeline.as_ref(), &stored.requests) != stored.requests)
}
