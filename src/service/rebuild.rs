//! Making the index again from the events: when the code or the readings changed, or on command.

use uuid::Uuid;

use super::Error;
use super::recording::{derive, fingerprint, key_of, reindex, update_derived, wanted_requests};
use crate::store::advice::requests_of_procedure;
use crate::store::case::facts_at;
use crate::store::clock::{index_of, load_index};
use crate::store::convert;
use crate::store::procedure::{
    ProcedureRow, authorities, load_entries, lock_procedure, lock_procedures, procedures_after,
    procedures_with_other_fingerprint,
};
use crate::store::settings::settings_at;
use crate::store::{AnyConnection, Store};

/// How many procedures are computed in one transaction, so that writers are not kept waiting.
const BATCH: i64 = 200;

/// What a rebuild or a check has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    pub procedures: u64,
    /// How many had an index other than what their events amount to.
    pub differing: u64,
}

/// Computes again whatever was computed by other code, rules or readings. Done before readiness.
pub fn rebuild_stale(store: &Store, la_code: Option<&str>) -> Result<Report, Error> {
    let mut report = Report::default();
    let known = match la_code {
        Some(la_code) => vec![la_code.to_owned()],
        None => store.read_now(|connection| authorities(connection).map_err(Error::from))?,
    };
    for la_code in known {
        loop {
            let code = la_code.clone();
            let Some(renewed) = store.write_now(move |connection| rebuild_stale_batch(connection, &code))?
            else {
                break;
            };
            report.procedures += renewed;
            report.differing += renewed;
        }
    }
    Ok(report)
}

/// How many it computed again, which is none where somebody else was quicker; `None` where nothing is stale.
fn rebuild_stale_batch(connection: &mut AnyConnection, la_code: &str) -> Result<Option<u64>, Error> {
    let (_, settings) = settings_at(connection, la_code, None)?;
    let right = fingerprint(&settings.readings);
    let stale: Vec<String> = procedures_with_other_fingerprint(connection, la_code, &right, BATCH)?
        .into_iter()
        .map(|procedure| procedure.id)
        .collect();
    if stale.is_empty() {
        return Ok(None);
    }
    let mut held = lock_procedures(connection, la_code, &stale)?;
    held.retain(|procedure| procedure.fingerprint != right);
    for procedure in &held {
        let entries = load_entries(connection, la_code, &procedure.id)?;
        let child = facts_at(connection, la_code, &procedure.case_id, None)?;
        reindex(connection, procedure, &entries, &child, &settings.readings)?;
    }
    Ok(Some(held.len() as u64))
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
        // Somebody may have recorded while it was compared.
        let procedure = lock_procedure(connection, &procedure.la_code, convert::id(&procedure.id)?)?;
        if !differs(connection, &procedure)? {
            return Ok(false);
        }
        let entries = load_entries(connection, &procedure.la_code, &procedure.id)?;
        let child = facts_at(connection, &procedure.la_code, &procedure.case_id, None)?;
        let (_, settings) = settings_at(connection, &procedure.la_code, None)?;
        reindex(connection, &procedure, &entries, &child, &settings.readings)?;
        Ok(true)
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
