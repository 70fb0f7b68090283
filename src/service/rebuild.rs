//! Making the index again from the events: when the code or the readings changed, or on command.

use uuid::Uuid;

use super::Error;
use super::lease::{Duty, Replica};
use super::recording::{derive, fingerprint, key_of, reindex, update_derived, wanted_requests};
use crate::store::advice::requests_of_procedure;
use crate::store::case::facts_at;
use crate::store::clock::{index_of, load_index};
use crate::store::procedure::{
    ProcedureRow, authorities, has_other_fingerprint, load_entries, lock_procedure,
    lock_with_other_fingerprint, procedures_after,
};
use crate::store::settings::settings_at;
use crate::store::{AnyConnection, Store, StoreError};

/// How many procedures are computed in one transaction, so that writers are not kept waiting.
const BATCH: i64 = 200;

/// What a rebuild or a check has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    pub procedures: u64,
    /// How many had an index other than what their events amount to.
    pub differing: u64,
}

/// Computes again whatever was computed by other code, rules or readings, of one authority or of all.
pub fn rebuild_stale(store: &Store, la_code: Option<&str>) -> Result<Report, Error> {
    let report = rebuild_stale_while(store, la_code, |_| Ok(true))?;
    Ok(report.unwrap_or_default())
}

/// The same before readiness, where several replicas may start at once: one of them does it. `None` as long
/// as another is at it; whoever asks again later finds it done, or takes over from one that died.
pub fn rebuild_stale_once(store: &Store, replica: &Replica) -> Result<Option<Report>, Error> {
    if !store.read_now(is_any_stale)? {
        return Ok(Some(Report::default()));
    }
    let claiming = replica.clone();
    let claim = move |connection: &mut AnyConnection| claiming.claim(connection, Duty::RebuildIndex);
    let report = rebuild_stale_while(store, None, claim)?;
    if report.is_some() {
        replica.release(store, Duty::RebuildIndex)?;
    }
    Ok(report)
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

/// `None` as soon as a batch may not be done; that is decided in its own transaction.
fn rebuild_stale_while(
    store: &Store,
    la_code: Option<&str>,
    may: impl Fn(&mut AnyConnection) -> Result<bool, Error> + Clone + Send + 'static,
) -> Result<Option<Report>, Error> {
    let mut report = Report::default();
    let known = match la_code {
        Some(la_code) => vec![la_code.to_owned()],
        None => store.read_now(|connection| authorities(connection).map_err(Error::from))?,
    };
    for la_code in known {
        loop {
            let (code, may) = (la_code.clone(), may.clone());
            let renewed = store.write_now(move |connection| {
                if !may(connection)? {
                    return Ok(None);
                }
                rebuild_stale_batch(connection, &code).map(Some)
            })?;
            let Some(renewed) = renewed else {
                return Ok(None);
            };
            report.procedures += renewed;
            report.differing += renewed;
            if renewed == 0 {
                break;
            }
        }
    }
    Ok(Some(report))
}

fn rebuild_stale_batch(connection: &mut AnyConnection, la_code: &str) -> Result<u64, Error> {
    let (_, settings) = settings_at(connection, la_code, None)?;
    let right = fingerprint(&settings.readings);
    let stale = lock_with_other_fingerprint(connection, la_code, &right, BATCH)?;
    for procedure in &stale {
        let entries = load_entries(connection, la_code, &procedure.id)?;
        let child = facts_at(connection, la_code, &procedure.case_id, None)?;
        reindex(connection, procedure, &entries, &child, &settings.readings)?;
    }
    Ok(stale.len() as u64)
}

/// Compares every index with its events and writes it again where it differs, unless only checking.
pub fn rebuild_all(store: &Store, check_only: bool, mut progress: impl FnMut(u64)) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut after = Uuid::nil().to_string();
    loop {
        let from = after.clone();
        let batch = if check_only {
            store.read_now(move |connection| check_batch(connection, &from))?
        } else {
            store.write_now(move |connection| rebuild_batch(connection, &from))?
        };
        let Some(last) = batch.last_id else {
            return Ok(report);
        };
        after = last;
        report.procedures += batch.report.procedures;
        report.differing += batch.report.differing;
        progress(report.procedures);
    }
}

struct Batch {
    report: Report,
    last_id: Option<String>,
}

fn check_batch(connection: &mut AnyConnection, after: &str) -> Result<Batch, Error> {
    over_batch(connection, after, |connection, procedure| {
        differs(connection, procedure)
    })
}

fn rebuild_batch(connection: &mut AnyConnection, after: &str) -> Result<Batch, Error> {
    over_batch(connection, after, |connection, procedure| {
        if !differs(connection, procedure)? {
            return Ok(false);
        }
        // It may have been written to since it was read; behind the lock it is not.
        let id = procedure
            .id
            .parse()
            .map_err(|_| StoreError::Bug("a stored id cannot be read".to_owned()))?;
        let procedure = &lock_procedure(connection, &procedure.la_code, id)?;
        let is_different = differs(connection, procedure)?;
        if is_different {
            let entries = load_entries(connection, &procedure.la_code, &procedure.id)?;
            let child = facts_at(connection, &procedure.la_code, &procedure.case_id, None)?;
            let (_, settings) = settings_at(connection, &procedure.la_code, None)?;
            reindex(connection, procedure, &entries, &child, &settings.readings)?;
        }
        Ok(is_different)
    })
}

fn over_batch(
    connection: &mut AnyConnection,
    after: &str,
    mut visit: impl FnMut(&mut AnyConnection, &ProcedureRow) -> Result<bool, Error>,
) -> Result<Batch, Error> {
    let procedures = procedures_after(connection, after, BATCH)?;
    let mut report = Report::default();
    for procedure in &procedures {
        report.procedures += 1;
        report.differing += u64::from(visit(connection, procedure)?);
    }
    Ok(Batch {
        report,
        last_id: procedures.last().map(|procedure| procedure.id.clone()),
    })
}

fn differs(connection: &mut AnyConnection, procedure: &ProcedureRow) -> Result<bool, Error> {
    let entries = load_entries(connection, &procedure.la_code, &procedure.id)?;
    let child = facts_at(connection, &procedure.la_code, &procedure.case_id, None)?;
    let (_, settings) = settings_at(connection, &procedure.la_code, None)?;
    let timeline = derive(procedure, &entries, &child, &settings.readings, None)?;
    let wanted = index_of(&key_of(procedure), timeline.as_ref())?;
    let held = requests_of_procedure(connection, &procedure.la_code, &procedure.id)?;
    let mut renewed = procedure.clone();
    update_derived(&mut renewed, timeline.as_ref(), &settings.readings);
    renewed.version = entries.len() as i64;
    Ok(wanted != load_index(connection, &procedure.id)?
        || renewed != *procedure
        || wanted_requests(procedure, timeline.as_ref(), &held) != held)
}
