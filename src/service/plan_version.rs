//! What plans say, in versions: writing one, reading them, how they differ and what they lack; and which
//! version an event sends where it does not say so.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::family::reads_as_family;
use super::procedure::{find_of, known_entries};
use super::recording::{Draft, hold_of, state_of};
use super::sent_versions::{Moment, sent_versions};
use super::{Error, Fault, Work};
use crate::casework::advice::AdviceState;
use crate::casework::event::Fact;
use crate::casework::history::EntryBody;
use crate::casework::plan::PLAN;
use crate::casework::plan_sections::PlanSections;
use crate::casework::plan_sections::difference::{SectionChange, difference};
use crate::casework::plan_sections::gaps::{AcceptedAdvice, Gap, PlanFacts, gaps};
use crate::casework::plan_version::{PlanVersionStatus, SentVersions, sending, sent_by};
use crate::store::StoreError;
use crate::store::advice::requests_of_procedure;
use crate::store::convert::{self, from_json, instant, json, named};
use crate::store::organisation::find_organisation;
use crate::store::plan_version::{
    PlanVersionRow, PlanVersionSummaryRow, find_plan_version, insert_plan_version, newest_plan_version,
    page_of_plan_versions,
};
use crate::store::procedure::{ProcedureRow, procedures_of_case};

/// A version to be written.
#[derive(Debug, Clone)]
pub struct NewPlanVersion {
    pub sections: PlanSections,
    /// The version it was written from.
    pub based_on_version: Option<i64>,
    pub note: Option<String>,
}

/// A version on a list.
#[derive(Debug, Clone)]
pub struct ListedPlanVersion {
    pub number: i64,
    pub status: PlanVersionStatus,
    pub based_on_version: Option<i64>,
    /// For the authority alone.
    pub note: Option<String>,
    pub made_at: DateTime<Utc>,
    /// For the authority alone.
    pub made_by: Option<String>,
}

/// A version with what it says.
#[derive(Debug, Clone)]
pub struct PlanVersionReading {
    pub listed: ListedPlanVersion,
    pub sections: PlanSections,
}

/// How a version came about from another.
#[derive(Debug, Clone)]
pub struct PlanDifference {
    /// None if nothing was in force before and it was written from nothing.
    pub from: Option<i64>,
    pub changes: Vec<SectionChange>,
}

/// What a version lacks.
#[derive(Debug, Clone)]
pub struct PlanChecks {
    /// Whether it was judged as a final plan.
    pub as_final: bool,
    pub gaps: Vec<Gap>,
}

/// Writes a version of what a plan says. It follows the newest, which it must have been written from.
pub fn make_plan_version(
    work: &mut Work<'_>,
    plan_id: Uuid,
    new: &NewPlanVersion,
) -> Result<PlanVersionReading, Error> {
    let plan = hold_of(work, &PLAN, plan_id, None)?.procedure;
    if !plan.is_open {
        return Err(Error::PlanEnded {
            state: state_of(&plan)?,
        });
    }
    let la_code = work.la_code();
    let newest = newest_plan_version(work.connection, &la_code, &plan.id)?;
    let mut faults: Vec<Fault> = based_on_fault(newest, new.based_on_version).into_iter().collect();
    faults.extend(setting_fault(work, &new.sections)?);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if let Some(newest) = newest
        && new.based_on_version != Some(newest)
    {
        return Err(Error::VersionOutdated { newest });
    }
    let row = PlanVersionRow {
        la_code,
        plan_id: plan.id.clone(),
        number: newest.unwrap_or(0) + 1,
        sections: json(&new.sections)?,
        note: new.note.clone(),
        based_on_version: new.based_on_version,
        made_at: work.now.naive_utc(),
        made_by: work.principal.subject.clone(),
    };
    insert_plan_version(work.connection, &row)?;
    work.audit(
        "make_plan_version",
        &plan.id,
        Some(&plan.case_id),
        Some(row.number),
    )?;
    reading_of(work, row, &SentVersions::default())
}

/// A page of the versions of a plan that were made by a moment, after a number, as they stood then; a family sees
/// those that had been sent.
pub fn list_plan_versions(
    work: &mut Work<'_>,
    plan_id: Uuid,
    moment: Moment,
    after_number: i64,
    limit: i64,
) -> Result<Vec<ListedPlanVersion>, Error> {
    let (plan, sent) = plan_at(work, plan_id, moment)?;
    work.shows_case(&plan.case_id, None);
    let la_code = work.la_code();
    let only = known_to_family(work, &plan, &sent)?;
    let rows = page_of_plan_versions(
        work.connection,
        &la_code,
        &plan.id,
        only.as_deref(),
        moment.known_at.map(|instant| instant.naive_utc()),
        after_number,
        limit,
    )?;
    Ok(rows.into_iter().map(|row| listed(work, row, &sent)).collect())
}

/// Reads a version as it stood at a moment; one that was made later does not exist, nor for a family one that had not
/// been sent.
pub fn get_plan_version(
    work: &mut Work<'_>,
    plan_id: Uuid,
    number: i64,
    moment: Moment,
) -> Result<PlanVersionReading, Error> {
    let (plan, sent) = plan_at(work, plan_id, moment)?;
    let only = known_to_family(work, &plan, &sent)?;
    let row = visible_version(work, &plan, only.as_deref(), number)?;
    if moment
        .known_at
        .is_some_and(|known_at| instant(row.made_at) > known_at)
    {
        return Err(Error::NotFound);
    }
    work.shows_case(&plan.case_id, Some(number));
    reading_of(work, row, &sent)
}

/// How a version differs from another; from the one that was in force before it, if none is asked for, or else the
/// one it was written from.
pub fn get_plan_difference(
    work: &mut Work<'_>,
    plan_id: Uuid,
    number: i64,
    from: Option<i64>,
) -> Result<PlanDifference, Error> {
    let plan = find_of(work, &PLAN, plan_id)?;
    let sent = sent_versions(work, &plan, Moment::default())?;
    let only = known_to_family(work, &plan, &sent)?;
    let row = visible_version(work, &plan, only.as_deref(), number)?;
    let to: PlanSections = from_json(&row.sections)?;
    let is_visible = |number: &i64| only.as_deref().is_none_or(|only| only.contains(number));
    let written_from = row.based_on_version.filter(is_visible);
    let from = from.or_else(|| sent.in_force_before(number)).or(written_from);
    work.shows_case(&plan.case_id, Some(number));
    let before: PlanSections = match from {
        None => PlanSections::default(),
        Some(from) => match visible_version(work, &plan, only.as_deref(), from) {
            Ok(row) => from_json(&row.sections)?,
            Err(Error::NotFound) => {
                return Err(Error::Question(Fault::new(
                    "/from",
                    "unknown_version",
                    "must be a version of this plan",
                )));
            }
            Err(other) => return Err(other),
        },
    };
    Ok(PlanDifference {
        from,
        changes: difference(&before, &to),
    })
}

/// What a version lacks: as a final plan, if that is asked for or it was in force.
pub fn get_plan_checks(
    work: &mut Work<'_>,
    plan_id: Uuid,
    number: i64,
    as_final: Option<bool>,
) -> Result<PlanChecks, Error> {
    let plan = find_of(work, &PLAN, plan_id)?;
    let sent = sent_versions(work, &plan, Moment::default())?;
    let row = visible_version(work, &plan, None, number)?;
    work.shows_case(&plan.case_id, Some(number));
    let facts = PlanFacts {
        is_final: as_final.unwrap_or_else(|| sent.was_in_force(number)),
        accepted: accepted_advice(work, &plan, sent.first_sent_on(number))?,
    };
    Ok(PlanChecks {
        as_final: facts.is_final,
        gaps: gaps(&from_json(&row.sections)?, &facts),
    })
}

/// Lets a draft that sends a version of the plan say which: where it does not, the one that the fact it replaces
/// sent, or the newest there is. Gives the fault, if there is no such version.
pub(super) fn say_version(
    work: &mut Work<'_>,
    draft: &mut Draft,
    replaced: Option<&Fact>,
    newest: impl FnOnce(&mut Work<'_>) -> Result<Option<i64>, Error>,
) -> Result<Option<Fault>, Error> {
    let EntryBody::Fact(fact) = &mut draft.body else {
        return Ok(None);
    };
    let Some((_, said)) = sent_by(fact) else {
        return Ok(None);
    };
    let newest = newest(work)?;
    match said {
        Some(version) if newest.is_none_or(|newest| version > newest) => Ok(Some(Fault::new(
            format!("{}/version", draft.pointer),
            "unknown_version",
            "must be the number of a version of the plan",
        ))),
        Some(_) => Ok(None),
        None => {
            let sent_before = replaced.and_then(sent_by).and_then(|(_, version)| version);
            *fact = sending(fact, sent_before.or(newest));
            Ok(None)
        }
    }
}

/// The number of the newest version of the plan that an event on a procedure is about, as it is stored.
pub(super) fn newest_version_for(
    work: &mut Work<'_>,
    procedure: &ProcedureRow,
) -> Result<Option<i64>, Error> {
    match plan_of(work, procedure)? {
        Some(plan_id) => Ok(newest_plan_version(
            work.connection,
            &procedure.la_code,
            &plan_id,
        )?),
        None => Ok(None),
    }
}

/// The plan that an event on a procedure is about: itself, or the plan of its case that is open, or else the
/// last that was.
fn plan_of(work: &mut Work<'_>, procedure: &ProcedureRow) -> Result<Option<String>, Error> {
    if procedure.kind == PLAN.name {
        return Ok(Some(procedure.id.clone()));
    }
    let procedures = procedures_of_case(work.connection, &procedure.la_code, &procedure.case_id)?;
    let void = PLAN.void().name();
    let mut plans: Vec<&ProcedureRow> = procedures
        .iter()
        .filter(|other| other.kind == PLAN.name && other.state != void)
        .collect();
    plans.sort_by_key(|plan| (plan.is_open, &plan.id));
    Ok(plans.last().map(|plan| plan.id.clone()))
}

fn based_on_fault(newest: Option<i64>, based_on_version: Option<i64>) -> Option<Fault> {
    match (newest, based_on_version) {
        (Some(_), None) => Some(Fault::new(
            "/based_on_version",
            "missing",
            "must be the number of the version it was written from",
        )),
        (newest, Some(based_on_version)) if newest.is_none_or(|newest| based_on_version > newest) => {
            Some(Fault::new(
                "/based_on_version",
                "unknown_version",
                "must be the number of a version of the plan",
            ))
        }
        (None | Some(_), Some(_)) | (None, None) => None,
    }
}

fn setting_fault(work: &mut Work<'_>, sections: &PlanSections) -> Result<Option<Fault>, Error> {
    let named = sections
        .setting
        .as_ref()
        .and_then(|setting| setting.organisation_id);
    let Some(organisation_id) = named else {
        return Ok(None);
    };
    let la_code = work.la_code();
    match find_organisation(work.connection, &la_code, organisation_id) {
        Ok(_) => Ok(None),
        Err(StoreError::NotFound) => Ok(Some(Fault::new(
            "/sections/i/organisation_id",
            "unknown_organisation",
            "must be an organisation of this authority",
        ))),
        Err(other) => Err(other.into()),
    }
}

/// The versions that exist for a family: those that had been sent by the moment that `sent` is of and, as is known
/// today, were. What was recorded as sent by mistake is not theirs, however they ask. None for the authority: all.
fn known_to_family(
    work: &mut Work<'_>,
    plan: &ProcedureRow,
    sent: &SentVersions,
) -> Result<Option<Vec<i64>>, Error> {
    if !reads_as_family(work) {
        return Ok(None);
    }
    let now = sent_versions(work, plan, Moment::default())?;
    let mut numbers = sent.numbers();
    numbers.retain(|number| now.was_sent(*number));
    Ok(Some(numbers))
}

/// A version, if it is among those that exist for whoever asks; all do, if none are given.
fn visible_version(
    work: &mut Work<'_>,
    plan: &ProcedureRow,
    only: Option<&[i64]>,
    number: i64,
) -> Result<PlanVersionRow, Error> {
    if only.is_some_and(|only| !only.contains(&number)) {
        return Err(Error::NotFound);
    }
    Ok(find_plan_version(
        work.connection,
        &plan.la_code,
        &plan.id,
        number,
    )?)
}

/// A plan and what had been sent of it by a moment, which must not be before anything was known of it.
fn plan_at(
    work: &mut Work<'_>,
    plan_id: Uuid,
    moment: Moment,
) -> Result<(ProcedureRow, SentVersions), Error> {
    let (plan, _) = known_entries(work, &PLAN, plan_id, moment.known_at)?;
    let sent = sent_versions(work, &plan, moment)?;
    Ok((plan, sent))
}

/// The advice that was accepted on the procedures of the plan's case by a day: what was written before could not
/// reflect what came later.
fn accepted_advice(
    work: &mut Work<'_>,
    plan: &ProcedureRow,
    by: Option<NaiveDate>,
) -> Result<Vec<AcceptedAdvice>, Error> {
    let accepted = AdviceState::Accepted.name();
    let mut advice = Vec::new();
    for procedure in procedures_of_case(work.connection, &plan.la_code, &plan.case_id)? {
        let requests = requests_of_procedure(work.connection, &plan.la_code, &procedure.id)?;
        for request in requests {
            let in_time = by.is_none_or(|by| request.accepted_on.is_none_or(|on| on <= by));
            if request.state == accepted && !request.is_void && in_time {
                advice.push(AcceptedAdvice {
                    request_id: convert::id(&request.id)?,
                    requirement: named(&request.requirement)?,
                });
            }
        }
    }
    Ok(advice)
}

fn reading_of(
    work: &Work<'_>,
    row: PlanVersionRow,
    sent: &SentVersions,
) -> Result<PlanVersionReading, Error> {
    let sections = from_json(&row.sections)?;
    let summary = PlanVersionSummaryRow {
        number: row.number,
        note: row.note,
        based_on_version: row.based_on_version,
        made_at: row.made_at,
        made_by: row.made_by,
    };
    Ok(PlanVersionReading {
        listed: listed(work, summary, sent),
        sections,
    })
}

fn listed(work: &Work<'_>, row: PlanVersionSummaryRow, sent: &SentVersions) -> ListedPlanVersion {
    let is_of_authority = !reads_as_family(work);
    ListedPlanVersion {
        number: row.number,
        status: sent.status_of(row.number),
        based_on_version: row.based_on_version,
        note: row.note.filter(|_| is_of_authority),
        made_at: instant(row.made_at),
        made_by: is_of_authority.then_some(row.made_by),
    }
}
