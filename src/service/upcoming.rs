//! Looking ahead: which reviews fall due, who has to contribute to them by when, and who changes phase in a year.
//! Many reviews in one request are recorded here too, each for itself.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::case::CurrentSetting;
use super::organisation::{get_organisation, party_of};
use super::procedure::{NewEvent, ProcedureReading, open_procedure, record_procedure_event, unknown_case};
use super::recording::state_of;
use super::timeline::GivenFact;
use super::{Error, Fault, Work};
use crate::auth::Reach;
use crate::casework::child::{ChildFacts, YearGroupOverride, born_in_year_group};
use crate::casework::procedure::State;
use crate::casework::review::REVIEW;
use crate::statute::rulebook::{Party, phase_transfers_due_in};
use crate::store::StoreError;
use crate::store::case::find_case;
use crate::store::convert::{self, from_json};
use crate::store::procedure::{ProcedureRow, procedures_by_id, procedures_of_case};
use crate::store::upcoming::{
    Concerning, ContributionRow, LimitOfCase, ReviewedRow, UpcomingFilter, contributions_to, open_reviews_of,
    papers_due, reviewed, transfer_limits_of, upcoming_reviews, with_plan_born_between,
};

/// Which reviews to look ahead to.
#[derive(Debug, Clone)]
pub struct Ahead {
    pub until_on: NaiveDate,
    pub caseworker: Option<String>,
    /// Those that concern an organisation: of a setting its children, of a service those it was asked about and did not decline.
    pub organisation_id: Option<Uuid>,
    pub after: Option<(NaiveDate, Uuid)>,
    pub limit: i64,
}

/// Whose change of phase to list.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// The calendar year of the transfer.
    pub transfer_year: i32,
    /// The year group before it.
    pub year_group: i32,
    /// Those who concern an organisation, as in [`Ahead`].
    pub organisation_id: Option<Uuid>,
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// A review that falls due.
#[derive(Debug, Clone)]
pub struct UpcomingReview {
    pub clock_id: Uuid,
    pub due_on: NaiveDate,
    pub review: ProcedureRow,
    pub child: ReviewedChild,
    /// By when the papers have to be with everybody invited; none while no meeting is arranged.
    pub papers_by_on: Option<NaiveDate>,
    /// By when the plan has to name the next setting, if a change of phase is expected.
    pub phase_transfer_by_on: Option<NaiveDate>,
    pub contributions: Vec<ContributionRow>,
}

/// A child or young person of a list of reviews.
#[derive(Debug, Clone)]
pub struct ReviewedChild {
    pub row: ReviewedRow,
    pub setting: Option<CurrentSetting>,
    pub year_group: i32,
}

/// Somebody who changes phase.
#[derive(Debug, Clone)]
pub struct Transferring {
    pub child: ReviewedChild,
    pub review: Option<ProcedureRow>,
    /// By when the plan has to name the next setting, once a change of phase is confirmed.
    pub phase_transfer_by_on: Option<NaiveDate>,
}

/// Something to record on the review of a case: what opens one, or what happened on the one that is open.
#[derive(Debug, Clone)]
pub struct BulkItem {
    pub case_id: Uuid,
    /// The review it happened on, where the case may have several; nothing that opens one has it.
    pub review_id: Option<Uuid>,
    pub event: NewEvent,
}

/// What became of the item of a case.
pub type BulkOutcome = (Uuid, Result<ProcedureReading, Error>);

/// A page of the reviews that fall due, by the day.
///
/// The number of statements does not depend on the number of reviews.
pub fn list_upcoming_reviews(work: &mut Work<'_>, ahead: Ahead) -> Result<Vec<UpcomingReview>, Error> {
    let (la_code, today) = (work.la_code(), work.today());
    let Some(concerning) = concerning(work, ahead.organisation_id)? else {
        return Ok(Vec::new());
    };
    let filter = UpcomingFilter {
        until_on: ahead.until_on,
        caseworker: ahead.caseworker,
        concerning,
        after: ahead.after,
        limit: ahead.limit,
    };
    let own = own_organisation(work)?;
    let root = work.root()?;
    let rows = upcoming_reviews(work.connection, &root, &filter)?;
    let ids: Vec<String> = rows.iter().map(|row| row.procedure_id.clone()).collect();
    let case_ids: Vec<String> = rows.iter().map(|row| row.case_id.clone()).collect();
    work.shows_page(filter.limit, case_ids.iter());
    let mut reviews: HashMap<String, ProcedureRow> =
        by_id(procedures_by_id(work.connection, &la_code, &ids)?);
    let mut papers = papers_by_procedure(work, &ids)?;
    // What is owed is owed whichever review it was told on; what was kept in time is not to be told again.
    let mut transfers = transfers_by_case(work, &case_ids, |limit| {
        limit.satisfied_on.is_none() || limit.due_on >= today
    })?;
    let mut contributions: HashMap<String, Vec<ContributionRow>> = HashMap::new();
    for row in contributions_to(work.connection, &la_code, &ids)? {
        // A contributor sees what it was asked for, and not what others were.
        if own.is_none_or(|own| row.organisation_id == Some(own.to_string())) {
            contributions
                .entry(row.procedure_id.clone())
                .or_default()
                .push(row);
        }
    }
    let mut children: HashMap<String, ReviewedRow> = reviewed(work.connection, &la_code, &case_ids)?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let mut upcoming = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(review), Some(child)) = (reviews.remove(&row.procedure_id), children.remove(&row.case_id))
        else {
            continue;
        };
        upcoming.push(UpcomingReview {
            clock_id: row.clock_id.0,
            due_on: row.due_on.0,
            contributions: contributions.remove(&row.procedure_id).unwrap_or_default(),
            review,
            child: child_of(child, today)?,
            papers_by_on: papers.remove(&row.procedure_id),
            phase_transfer_by_on: transfers.remove(&row.case_id),
        });
    }
    Ok(upcoming)
}

/// Everybody with a plan in force who is in a year group in the school year that ends in a year.
pub fn list_phase_transfers(work: &mut Work<'_>, cohort: Cohort) -> Result<Vec<Transferring>, Error> {
    let Cohort {
        transfer_year,
        year_group,
        organisation_id,
        after,
        limit,
    } = cohort;
    let Some(concerning) = concerning(work, organisation_id)? else {
        return Ok(Vec::new());
    };
    let root = work.root()?;
    let (Some((on, born)), Some(due_in)) = (
        born_in_year_group(year_group, transfer_year),
        phase_transfers_due_in(transfer_year),
    ) else {
        return Err(Error::Question(Fault::new(
            "/transfer_year",
            "out_of_range",
            "must be a year of the calendar",
        )));
    };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut after = after.map(|id| id.to_string());
    let mut cohort: Vec<ReviewedChild> = Vec::new();
    // Who is taught outside the own year group is found among the others: a page may take another.
    while cohort.len() < wanted {
        let rows = with_plan_born_between(work.connection, &root, &concerning, born, after.clone(), limit)?;
        let is_last = rows.len() < wanted;
        after = rows.last().map(|row| row.id.clone());
        for row in rows {
            let child = child_of(row, on)?;
            if child.year_group == year_group {
                cohort.push(child);
            }
        }
        if is_last {
            break;
        }
    }
    cohort.truncate(wanted);
    let case_ids: Vec<String> = cohort.iter().map(|child| child.row.id.clone()).collect();
    work.shows_page(limit, case_ids.iter());
    let mut reviews: HashMap<String, ProcedureRow> = open_reviews_of(work.connection, &root, &case_ids)?
        .into_iter()
        .map(|procedure| (procedure.case_id.clone(), procedure))
        .collect();
    let mut transfers = transfers_by_case(work, &case_ids, |limit| {
        due_in.0 <= limit.due_on && limit.due_on <= due_in.1
    })?;
    Ok(cohort
        .into_iter()
        .map(|child| Transferring {
            review: reviews.remove(&child.row.id),
            phase_transfer_by_on: transfers.remove(&child.row.id),
            child,
        })
        .collect())
}

/// Opens reviews, or records on those that are open, one for each case: each happens or is refused by itself.
/// The outcomes are in the order of the items.
pub fn record_reviews_in_bulk(work: &mut Work<'_>, items: Vec<BulkItem>) -> Result<Vec<BulkOutcome>, Error> {
    let mut in_order: Vec<(usize, BulkItem)> = items.into_iter().enumerate().collect();
    // Two of these at once hold their cases in one order.
    in_order.sort_by_key(|(place, item)| (item.case_id, *place));
    let mut outcomes = Vec::with_capacity(in_order.len());
    for (place, item) in in_order {
        let case_id = item.case_id;
        let outcome = match work.attempt(|work| record_review(work, &item)) {
            Err(Error::Store(error)) => return Err(Error::Store(error)),
            Err(refused) => {
                work.audit_refusal(&refused, case_id)?;
                Err(refused)
            }
            Ok(reading) => Ok(reading),
        };
        outcomes.push((place, (case_id, outcome)));
    }
    outcomes.sort_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn record_review(work: &mut Work<'_>, item: &BulkItem) -> Result<ProcedureReading, Error> {
    if let NewEvent::Event(given) = &item.event
        && let GivenFact::Own(fact) = &given.fact
        && fact.event_type().opens()
    {
        return match item.review_id {
            None => open_procedure(work, &REVIEW, item.case_id, given),
            Some(_) => Err(Error::Invalid(vec![Fault::new(
                "/review_id",
                "not_fitting",
                "what opens a review happens on none",
            )])),
        };
    }
    let (review_id, version) = review_of(work, item)?;
    let recorded = record_procedure_event(work, &REVIEW, review_id, version, &item.event);
    Ok(recorded.map_err(within_event)?.reading)
}

/// The review that an item names; otherwise the only open one of its case that permits the event.
fn review_of(work: &mut Work<'_>, item: &BulkItem) -> Result<(Uuid, i64), Error> {
    let root = work.root()?;
    let case = match find_case(work.connection, &root, item.case_id) {
        Ok(case) => case,
        Err(StoreError::NotFound) => return Err(Error::Invalid(vec![unknown_case(work, item.case_id)])),
        Err(other) => return Err(other.into()),
    };
    let la_code = work.la_code();
    let mut reviews = procedures_of_case(work.connection, &la_code, &case.id)?;
    reviews.retain(|procedure| procedure.kind == REVIEW.name);
    if let Some(review_id) = item.review_id {
        let wanted = review_id.to_string();
        let named = reviews.iter().find(|review| review.id == wanted);
        return named.map(|review| (review_id, review.version)).ok_or_else(|| {
            let fault = Fault::new("/review_id", "unknown_review", "must be a review of the case");
            Error::Invalid(vec![fault])
        });
    }
    reviews.retain(|review| review.is_open);
    let mut fitting = Vec::new();
    for review in &reviews {
        if permits(state_of(review)?, &item.event) {
            fitting.push(review);
        }
    }
    // Where none permits it, the one that has still to be completed says what it does permit.
    let asked = if fitting.is_empty() {
        reviews
            .iter()
            .rfind(|review| review.excludes_another)
            .or(reviews.last())
    } else {
        fitting.first().copied()
    };
    match asked {
        None if case.closed_on.is_some() => Err(Error::CaseClosed),
        None => Err(Error::NoOpenReview),
        Some(_) if fitting.len() > 1 => Err(Error::SeveralOpenReviews {
            review_ids: fitting.iter().map(|review| review.id.clone()).collect(),
        }),
        Some(review) => Ok((convert::id(&review.id)?, review.version)),
    }
}

/// Whether it may be recorded in a state; a correction may in any.
fn permits(state: State, event: &NewEvent) -> bool {
    match event {
        NewEvent::Event(given) => match &given.fact {
            GivenFact::Own(fact) => REVIEW.permits(Some(state), fact.event_type()),
            GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => true,
        },
        NewEvent::Correction(_) => true,
    }
}

/// The refusal of an event as one of the item that it stands in.
fn within_event(error: Error) -> Error {
    let within = |pointer: &str| format!("/event{pointer}");
    match error {
        Error::Invalid(mut faults) => {
            for fault in &mut faults {
                fault.pointer = within(&fault.pointer);
            }
            Error::Invalid(faults)
        }
        Error::Refused(mut refused) => {
            refused.pointer = within(&refused.pointer);
            Error::Refused(refused)
        }
        other => other,
    }
}

/// The organisation whose view of the authority's cases it is; none for the authority itself.
fn own_organisation(work: &Work<'_>) -> Result<Option<Uuid>, Error> {
    match work.principal.reach() {
        Reach::Authority => Ok(None),
        Reach::Organisation(organisation_id) => Ok(Some(organisation_id)),
        Reach::Case(_) => Err(Error::NotFound),
    }
}

/// Whose children to look ahead for, of an organisation that was asked for or that asks itself. None where that is
/// nobody's: another's, or of an organisation that does not exist.
fn concerning(work: &mut Work<'_>, asked_for: Option<Uuid>) -> Result<Option<Concerning>, Error> {
    let own = own_organisation(work)?;
    let Some(organisation_id) = own.or(asked_for) else {
        return Ok(Some(Concerning::Authority));
    };
    if asked_for.is_some_and(|asked_for| asked_for != organisation_id) {
        return Ok(None);
    }
    let organisation = match get_organisation(work, organisation_id) {
        Ok(organisation) => organisation,
        Err(Error::NotFound) => return Ok(None),
        Err(other) => return Err(other),
    };
    Ok(Some(match party_of(organisation.details.kind) {
        Party::EducationSetting => Concerning::Setting(organisation_id),
        Party::LocalAuthority
        | Party::EducationalPsychology
        | Party::Health
        | Party::SocialCare
        | Party::Family
        | Party::MediationAdviser
        | Party::Tribunal
        | Party::Other => Concerning::Asked(organisation_id),
    }))
}

/// By when the papers of some reviews have to be with everybody invited.
fn papers_by_procedure(work: &mut Work<'_>, ids: &[String]) -> Result<HashMap<String, NaiveDate>, Error> {
    Ok(papers_due(work.connection, ids)?.into_iter().collect())
}

/// By when the plan of some cases has to name the next setting: the latest of the limits that count.
fn transfers_by_case(
    work: &mut Work<'_>,
    case_ids: &[String],
    counts: impl Fn(&LimitOfCase) -> bool,
) -> Result<HashMap<String, NaiveDate>, Error> {
    let la_code = work.la_code();
    let limits = transfer_limits_of(work.connection, &la_code, case_ids)?;
    // In the order of their days.
    Ok(limits
        .into_iter()
        .filter(counts)
        .map(|limit| (limit.case_id, limit.due_on))
        .collect())
}

fn by_id(procedures: Vec<ProcedureRow>) -> HashMap<String, ProcedureRow> {
    procedures
        .into_iter()
        .map(|procedure| (procedure.id.clone(), procedure))
        .collect()
}

fn child_of(row: ReviewedRow, on: NaiveDate) -> Result<ReviewedChild, Error> {
    let held: Option<YearGroupOverride> = row.year_group_override.as_deref().map(from_json).transpose()?;
    let facts = ChildFacts {
        date_of_birth: row.date_of_birth,
        year_group_override: held,
        needs: Vec::new(),
    };
    Ok(ReviewedChild {
        year_group: facts.year_group_on(on),
        setting: row.setting.as_deref().map(from_json).transpose()?,
        row,
    })
}
