//! Subject access: everything that is held about one child or young person, in one answer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::advice::{AdviceReading, get_advice_request};
use super::audit::{AuditEntry, list_audit_entries};
use super::case::{CaseReading, get_case};
use super::person::{Person, Relationship, list_people};
use super::plan_version::{PlanVersionReading, get_plan_version, list_plan_versions};
use super::procedure::{ListedEntry, ProcedureReading, get_procedure, list_procedure_events};
use super::recording::kind_of;
use super::retention::{RetentionReading, get_retention};
use super::seal::{Seal, get_seal};
use super::sent_versions::Moment;
use super::{Error, Work};
use crate::casework::plan::PLAN;
use crate::store::advice::requests_of_procedure;
use crate::store::audit::AuditFilter;
use crate::store::convert;

/// More than there are of anything on one case.
const ALL: i64 = 1_000_000;
/// How much of the trail is read at once.
const HISTORY_AT_ONCE: i64 = 1_000;

/// Everything held about a case.
#[derive(Debug)]
pub struct CaseExport {
    pub case: CaseReading,
    pub people: Vec<Person>,
    pub procedures: Vec<(ProcedureReading, Vec<ListedEntry>)>,
    pub advice: Vec<AdviceReading>,
    /// Each with the plan it is of.
    pub plan_versions: Vec<(Uuid, PlanVersionReading)>,
    pub seal: Option<Seal>,
    pub retention: RetentionReading,
    /// Who changed and read what of it, the oldest first.
    pub history: Vec<AuditEntry>,
    pub third_party: Vec<ThirdParty>,
    pub exported_at: DateTime<Utc>,
}

/// Something in an export that is of or about somebody else, which whoever answers the request has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThirdParty {
    /// A JSON pointer into the export.
    pub pointer: String,
    pub why: Why,
}

/// What makes something a third party's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    AnotherPerson,
    WrittenByAnOrganisation,
    OpenedToOthers,
}

/// Reads all of a case that exists for whoever asks. An address that must reach nobody else is left out, whoever asks.
pub fn export_case(work: &mut Work<'_>, case_id: Uuid) -> Result<CaseExport, Error> {
    let la_code = work.la_code();
    let mut case = get_case(work, case_id)?;
    let mut people = list_people(work, case_id, None, ALL)?;
    let mut withheld = false;
    for person in &mut people {
        if person.details.address_withheld && person.details.address.take().is_some() {
            person.is_address_masked = true;
        }
        withheld |= person.details.address_withheld;
    }
    // Where somebody's address is withheld, the home may be that.
    if withheld && case.details.postcode.take().is_some() {
        case.masked.push("postcode");
    }
    let (mut procedures, mut advice, mut plan_versions) = (Vec::new(), Vec::new(), Vec::new());
    for (row, _) in &case.procedures {
        let (kind, id) = (kind_of(row)?, convert::id(&row.id)?);
        let reading = get_procedure(work, kind, id, None, None)?;
        procedures.push((reading, list_procedure_events(work, kind, id, 0, ALL)?));
        for request in requests_of_procedure(work.connection, &la_code, &row.id)? {
            if !request.is_void {
                advice.push(get_advice_request(work, convert::id(&request.id)?)?);
            }
        }
        if kind == &PLAN {
            for version in list_plan_versions(work, id, Moment::default(), 0, ALL)? {
                plan_versions.push((id, get_plan_version(work, id, version.number, Moment::default())?));
            }
        }
    }
    let seal = match get_seal(work, case_id) {
        Ok(seal) => Some(seal),
        Err(Error::NotFound) => None,
        Err(other) => return Err(other),
    };
    let retention = get_retention(work, case_id)?;
    let history = history_of(work, case_id)?;
    work.shows_case(&case.row.id, Some(case.row.version));
    Ok(CaseExport {
        third_party: third_party(&people, &advice, seal.as_ref()),
        case,
        people,
        procedures,
        advice,
        plan_versions,
        seal,
        retention,
        history,
        exported_at: work.now,
    })
}

/// The trail of a case as far as it is written down.
fn history_of(work: &mut Work<'_>, case_id: Uuid) -> Result<Vec<AuditEntry>, Error> {
    let mut history: Vec<AuditEntry> = Vec::new();
    loop {
        let after = history
            .last()
            .map(|entry| convert::id(&entry.row.id))
            .transpose()?;
        let filter = AuditFilter {
            case_id: Some(case_id),
            after,
            limit: HISTORY_AT_ONCE,
            ..AuditFilter::default()
        };
        let page = list_audit_entries(work, &filter)?;
        let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < HISTORY_AT_ONCE;
        history.extend(page);
        if is_last {
            return Ok(history);
        }
    }
}

fn third_party(people: &[Person], advice: &[AdviceReading], seal: Option<&Seal>) -> Vec<ThirdParty> {
    let others = people
        .iter()
        .enumerate()
        .filter(|(_, person)| person.details.relationship != Relationship::YoungPerson)
        .map(|(place, _)| (format!("/people/{place}"), Why::AnotherPerson));
    let written = advice
        .iter()
        .enumerate()
        .filter(|(_, reading)| !reading.submissions.is_empty())
        .map(|(place, _)| {
            (
                format!("/advice_requests/{place}/submissions"),
                Why::WrittenByAnOrganisation,
            )
        });
    let opened = seal.map(|_| ("/seal/grants".to_owned(), Why::OpenedToOthers));
    others
        .chain(written)
        .chain(opened)
        .map(|(pointer, why)| ThirdParty { pointer, why })
        .collect()
}
