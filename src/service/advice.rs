//! Advice: asking for it, every act on a request, advice that exists already, and the matrix.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::error::Refused;
use super::organisation::{OrganisationKind, party_of};
use super::procedure::{ProcedureReading, get_procedure};
use super::recording::{Draft, Held, day_faults, derive, hold, hold_of, record};
use super::request_rows::RequestContent;
use super::{Error, Fault, Work};
use crate::auth::{Permission, Reach, WriteAdvice};
use crate::casework::advice::{
    AdviceFact, AdviceFor, AdviceItem, AdviceState, Agreements, happened_while_asked,
};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::event::{Event, Fact};
use crate::casework::history::{Entry, effective};
use crate::casework::procedure::ProcedureKind;
use crate::casework::timeline::{Reason, Timeline, sort_events};
use crate::statute::clock::{Clock, Owed};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Force};
use crate::store::advice::{
    AdviceFilter, AdviceRequestRow, ListedRequest, SubmissionRow, find_advice_request, insert_submission,
    list_advice_requests, submissions_of_request,
};
use crate::store::case::{facts_at, find_case};
use crate::store::convert;
use crate::store::organisation::find_organisation;
use crate::store::procedure::{find_procedure, load_entries};
use crate::store::settings::settings_at;
use crate::store::{Root, StoreError};

/// A request for advice to be opened.
#[derive(Debug, Clone)]
pub struct NewAdviceRequest {
    pub requirement: Requirement,
    pub service: Option<String>,
    pub organisation_id: Option<Uuid>,
    pub requested_on: NaiveDate,
    pub received_on: Option<NaiveDate>,
    pub content: RequestContent,
}

/// An act on a request.
#[derive(Debug, Clone)]
pub struct NewAct {
    /// When it happened; staff only, a contributor's act is dated today.
    pub occurred_on: Option<NaiveDate>,
    pub note: Option<String>,
    pub act: Act,
}

/// What is done to a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Everything the engine reads.
    Fact(AdviceFact),
    /// A submission, with what was sent.
    Submission {
        summary: String,
        content: Option<String>,
        authors: Vec<String>,
        unmet_need: Option<String>,
    },
    /// Another organisation is asked instead; the first dates stay.
    Redirection { organisation_id: Uuid },
}

/// Existing advice that all three are satisfied with.
#[derive(Debug, Clone)]
pub struct NewExistingAdvice {
    pub requirement: Requirement,
    pub author: String,
    pub dated_on: NaiveDate,
    pub agreements: Agreements,
}

/// A request with its clock and what was submitted on it.
#[derive(Debug, Clone)]
pub struct AdviceReading {
    pub request: AdviceRequestRow,
    pub clock: Option<Clock>,
    pub submissions: Vec<SubmissionRow>,
    /// Who it is about, for the organisation that was asked.
    pub child: Option<ChildOfRequest>,
    pub as_of: NaiveDate,
}

/// What whoever gives advice needs of a child or young person: who it is and, in its own sector's numbers, which of
/// its own records theirs is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildOfRequest {
    pub given_name: String,
    pub family_name: String,
    pub date_of_birth: NaiveDate,
    pub nhs_number: Option<String>,
    pub upn: Option<String>,
    pub uln: Option<String>,
}

/// The advice of a procedure, source by source.
#[derive(Debug, Clone)]
pub struct AdviceMatrix {
    pub as_of: NaiveDate,
    /// What it is sought for.
    pub advice_for: AdviceFor,
    pub items: Vec<AdviceItem>,
}

/// Opens a request on a procedure of a kind.
pub fn open_advice_request(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    new: &NewAdviceRequest,
) -> Result<AdviceReading, Error> {
    let mut held = hold_of(work, kind, procedure_id, None)?;
    let request_id = work.new_id();
    let (draft, faults) = asking_draft(work, request_id, new)?;
    let contents = HashMap::from([(request_id, new.content.clone())]);
    let timeline = refuse_together(work, &held, &draft, faults)
        .and_then(|()| record(work, &mut held, vec![draft], &contents))
        .map_err(|error| rename_days(live_request_exists(error), &[("/occurred_on", "/requested_on")]))?;
    let case_id = held.procedure.case_id.clone();
    work.audit(
        "open_advice_request",
        &request_id.to_string(),
        Some(&case_id),
        Some(1),
    )?;
    reading_of(work, request_id, &held.entries, timeline.as_ref())
}

/// The event that asks for advice, with what is wrong with it already.
pub(super) fn asking_draft(
    work: &mut Work<'_>,
    request_id: Uuid,
    new: &NewAdviceRequest,
) -> Result<(Draft, Vec<Fault>), Error> {
    let (owed, mut faults) = owed_or_fault(work, new.requirement, new.organisation_id)?;
    if new
        .received_on
        .is_some_and(|received_on| received_on < new.requested_on)
    {
        faults.push(Fault::new(
            "/received_on",
            "out_of_order",
            "must not be before the day it was requested",
        ));
    }
    let mut draft = request_draft(
        work,
        request_id,
        new.requirement,
        new.service.clone(),
        new.organisation_id,
        owed,
        new.requested_on,
    );
    draft.dates.received_on = new.received_on;
    Ok((draft, faults))
}

/// Does an act to a request, if that fits its state and its procedure's.
pub fn act_on_advice_request(
    work: &mut Work<'_>,
    request_id: Uuid,
    if_match: i64,
    operation: &str,
    new: &NewAct,
) -> Result<AdviceReading, Error> {
    let root = acting_root(work)?;
    let row = find_advice_request(work.connection, &root, request_id)?;
    let procedure_id = convert::id(&row.procedure_id)?;
    let mut held = hold(work, procedure_id, None)?;
    // The procedure is held now, so the request's version cannot move any more.
    let row = find_advice_request(work.connection, &root, request_id)?;
    if row.version != if_match {
        return Err(Error::Stale {
            current_version: row.version,
        });
    }
    let (draft, faults) = act_draft(work, &row, new)?;
    let submission = submission_of(work, &row, &draft, new)?;
    refuse_together(work, &held, &draft, faults)?;
    let timeline = match record(work, &mut held, vec![draft], &HashMap::new()) {
        Ok(timeline) => timeline,
        Err(Error::Refused(refused)) => return Err(as_told(work, &row, refused)),
        Err(other) => return Err(live_request_exists(other)),
    };
    if let Some(submission) = submission {
        insert_submission(work.connection, &submission)?;
    }
    work.audit(operation, &row.id, Some(&row.case_id), Some(row.version + 1))?;
    reading_of(work, request_id, &held.entries, timeline.as_ref())
}

/// Why an act is refused, as whoever acts may know it: to an organisation nothing is told but how its request stands.
fn as_told(work: &Work<'_>, row: &AdviceRequestRow, refused: Box<Refused>) -> Error {
    match work.principal.reach() {
        Reach::Authority | Reach::Case(_) => return Error::Refused(refused),
        Reach::Organisation(_) => {}
    }
    let request_state: AdviceState = match convert::named(&row.state) {
        Ok(state) => state,
        Err(error) => return error.into(),
    };
    let is_of_request = matches!(refused.refusal.reason, Reason::AdviceActNotPermitted { .. });
    Error::ActRefused {
        act: refused.refusal.event_type,
        request_state,
        // Where the procedure is what does not permit it, no other act would fit either.
        permitted_acts: if is_of_request && !refused.rules_out_recorded {
            request_state.permitted_acts()
        } else {
            &[]
        },
    }
}

/// The event of an act on a request, with what is wrong with it already.
pub(super) fn act_draft(
    work: &mut Work<'_>,
    row: &AdviceRequestRow,
    new: &NewAct,
) -> Result<(Draft, Vec<Fault>), Error> {
    let occurred_on = day_of_act(work, new.occurred_on)?;
    let request_id = convert::id(&row.id)?;
    let mut faults = Vec::new();
    let fact = match &new.act {
        Act::Fact(fact) => fact.clone(),
        Act::Submission { .. } => AdviceFact::AdviceSubmitted { request_id },
        Act::Redirection { organisation_id } => {
            let requirement: Requirement = convert::named(&row.requirement)?;
            let (owed, unknown) = owed_or_fault(work, requirement, Some(*organisation_id))?;
            faults = unknown;
            AdviceFact::AdviceRedirected {
                request_id,
                organisation_id: *organisation_id,
                bearer: owed.bearer,
                force: owed.force,
            }
        }
    };
    let draft = Draft {
        note: new.note.clone(),
        ..Draft::of(work.new_id(), occurred_on, Fact::Advice(fact))
    };
    Ok((draft, faults))
}

/// What an act sent, if it is a submission; it has the id of its event.
pub(super) fn submission_of(
    work: &Work<'_>,
    row: &AdviceRequestRow,
    draft: &Draft,
    new: &NewAct,
) -> Result<Option<SubmissionRow>, Error> {
    match &new.act {
        Act::Submission {
            summary,
            content,
            authors,
            unmet_need,
        } => Ok(Some(SubmissionRow {
            id: draft.id.to_string(),
            la_code: work.la_code(),
            request_id: row.id.clone(),
            submitted_on: draft.occurred_on,
            summary: summary.clone(),
            content: content.clone(),
            authors: convert::json(authors)?,
            unmet_need: unmet_need.clone(),
            recorded_at: work.now.naive_utc(),
            recorded_by: work.principal.subject.clone(),
        })),
        Act::Fact(_) | Act::Redirection { .. } => Ok(None),
    }
}

/// Records on an assessment that existing advice is agreed to suffice (reg 6(4)).
pub fn agree_existing_advice(
    work: &mut Work<'_>,
    procedure_id: Uuid,
    new: &NewExistingAdvice,
) -> Result<(Uuid, ProcedureReading), Error> {
    let mut held = hold_of(work, &ASSESSMENT, procedure_id, None)?;
    let draft = agreement_draft(work, new);
    let event_id = draft.id;
    record(work, &mut held, vec![draft], &HashMap::new())
        .map_err(|error| rename_days(error, &[("/occurred_on", "/agreements")]))?;
    let (procedure, case_id) = (held.procedure.id.clone(), held.procedure.case_id.clone());
    work.audit(
        "record_existing_advice",
        &procedure,
        Some(&case_id),
        Some(held.procedure.version),
    )?;
    Ok((
        event_id,
        get_procedure(work, &ASSESSMENT, procedure_id, None, None)?,
    ))
}

/// The event of agreeing that existing advice suffices.
pub(super) fn agreement_draft(work: &Work<'_>, new: &NewExistingAdvice) -> Draft {
    let fact = Fact::Advice(AdviceFact::ExistingAdviceAgreed {
        requirement: new.requirement,
        author: new.author.clone(),
        dated_on: new.dated_on,
        agreements: new.agreements,
    });
    Draft::of(work.new_id(), new.agreements.complete_on(), fact)
}

/// Reads a request that the principal may see.
pub fn get_advice_request(work: &mut Work<'_>, request_id: Uuid) -> Result<AdviceReading, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    let request = find_advice_request(work.connection, &root, request_id)?;
    work.shows_case(&request.case_id, Some(request.version));
    let procedure = find_procedure(
        work.connection,
        &work.whole(),
        convert::id(&request.procedure_id)?,
    )?;
    let entries = load_entries(work.connection, &procedure)?;
    let child = facts_at(work.connection, &la_code, &procedure.case_id, None)?;
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    let timeline = derive(&procedure, &entries, &child, &settings.readings, None)?;
    reading_of(work, request_id, &entries, timeline.as_ref())
}

/// A page of the requests that the principal may see.
pub fn list_requests(work: &mut Work<'_>, filter: AdviceFilter) -> Result<Vec<ListedRequest>, Error> {
    let root = work.root()?;
    let rows = list_advice_requests(work.connection, &root, &filter)?;
    work.shows_page(filter.limit, rows.iter().map(|row| row.case_id.0.to_string()));
    Ok(rows)
}

/// The completeness matrix of a procedure of a kind on a day.
pub fn get_advice_matrix(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    as_of: Option<NaiveDate>,
) -> Result<AdviceMatrix, Error> {
    let advice_for = kind.advice_for.ok_or(Error::NotFound)?;
    let reading = get_procedure(work, kind, procedure_id, as_of, None)?;
    let items = match &reading.timeline {
        None => Vec::new(),
        Some(timeline) => {
            let sought_on = timeline.advice.sought_on.unwrap_or(reading.as_of);
            let required = advice_for.expected(&reading.child, sought_on);
            timeline.advice.matrix(&timeline.clocks, &required, reading.as_of)
        }
    };
    Ok(AdviceMatrix {
        as_of: reading.as_of,
        advice_for,
        items,
    })
}

/// Who owes advice of a kind, and how strongly it binds them.
pub fn owed_by(
    work: &mut Work<'_>,
    requirement: Requirement,
    organisation_id: Option<Uuid>,
) -> Result<Owed, Error> {
    let Some(organisation_id) = organisation_id else {
        return Ok(Owed {
            bearer: requirement.usual_bearer(),
            force: requirement.usual_force(),
        });
    };
    let la_code = work.la_code();
    match find_organisation(work.connection, &la_code, organisation_id) {
        Ok(organisation) => Ok(Owed {
            bearer: party_of(convert::named(&organisation.kind)?),
            force: if organisation.section_31_body {
                Force::Statutory
            } else {
                Force::Guidance
            },
        }),
        Err(StoreError::NotFound) => Err(Error::Invalid(vec![Fault::new(
            "/organisation_id",
            "unknown_organisation",
            "must be an organisation of this authority",
        )])),
        Err(other) => Err(other.into()),
    }
}

/// The event that asks for advice.
pub fn request_draft(
    work: &Work<'_>,
    request_id: Uuid,
    requirement: Requirement,
    service: Option<String>,
    organisation_id: Option<Uuid>,
    owed: Owed,
    requested_on: NaiveDate,
) -> Draft {
    let fact = AdviceFact::AdviceRequested {
        request_id,
        requirement,
        service,
        organisation_id,
        bearer: owed.bearer,
        force: owed.force,
    };
    Draft::of(work.new_id(), requested_on, Fact::Advice(fact))
}

/// Where the requests are found that somebody may act on: all of the authority's for those who act for it, or
/// those of the organisation they speak for, whatever else they may read.
fn acting_root(work: &mut Work<'_>) -> Result<Root, Error> {
    if acts_for_the_authority(work) {
        return work.root();
    }
    let organisation_id = work.principal.organisation_id.unwrap_or_default();
    Ok(Root::of_organisation(
        &work.la_code(),
        organisation_id,
        None,
        work.now,
    ))
}

fn acts_for_the_authority(work: &Work<'_>) -> bool {
    match work.principal.client {
        Some(_) => work.principal.organisation_id.is_none(),
        None => work.principal.has_any(WriteAdvice::ROLES),
    }
}

/// A contributor cannot say when it acted; the authority may, or means today.
fn day_of_act(work: &Work<'_>, given: Option<NaiveDate>) -> Result<NaiveDate, Error> {
    match given {
        Some(_) if !acts_for_the_authority(work) => Err(Error::Invalid(vec![Fault::new(
            "/occurred_on",
            "staff_only",
            "is dated by the service when a contributor acts",
        )])),
        Some(occurred_on) => Ok(occurred_on),
        None => Ok(work.today()),
    }
}

/// Who owes the advice; where the organisation is unknown, a stand-in and the fault.
fn owed_or_fault(
    work: &mut Work<'_>,
    requirement: Requirement,
    organisation_id: Option<Uuid>,
) -> Result<(Owed, Vec<Fault>), Error> {
    match owed_by(work, requirement, organisation_id) {
        Ok(owed) => Ok((owed, Vec::new())),
        Err(Error::Invalid(faults)) => Ok((owed_by(work, requirement, None)?, faults)),
        Err(other) => Err(other),
    }
}

/// Refuses faults found before recording together with those of the days, which recording would find.
fn refuse_together(work: &Work<'_>, held: &Held, draft: &Draft, mut faults: Vec<Fault>) -> Result<(), Error> {
    if faults.is_empty() {
        return Ok(());
    }
    faults.extend(day_faults(work, Some(held), std::slice::from_ref(draft)));
    Err(Error::Invalid(faults))
}

/// A request as its procedure's stream leaves it. What was submitted in error is not shown, nor to an organisation
/// what came of the request while another was asked.
fn reading_of(
    work: &mut Work<'_>,
    request_id: Uuid,
    entries: &[Entry],
    timeline: Option<&Timeline>,
) -> Result<AdviceReading, Error> {
    let request = find_advice_request(work.connection, &work.whole(), request_id)?;
    reading_of_row(work, request, entries, timeline)
}

/// The same of a request that was found, be it one that was opened in error.
pub(super) fn reading_of_row(
    work: &mut Work<'_>,
    request: AdviceRequestRow,
    entries: &[Entry],
    timeline: Option<&Timeline>,
) -> Result<AdviceReading, Error> {
    let (la_code, request_id) = (work.la_code(), convert::id(&request.id)?);
    let mut events = effective(entries, &HashSet::new());
    sort_events(&mut events);
    let own = own_share(work, &events, request_id);
    // A submission has the id of the event that first recorded it.
    let recorded: HashMap<String, (i64, NaiveDate)> = events
        .iter()
        .filter(|event| own.as_ref().is_none_or(|own| own.contains(&event.id)))
        .map(|event| (event.root_id.to_string(), (event.sequence, event.occurred_on)))
        .collect();
    let mut submissions: Vec<(i64, SubmissionRow)> =
        submissions_of_request(work.connection, &la_code, &request.id)?
            .into_iter()
            .filter_map(|row| {
                let (sequence, submitted_on) = *recorded.get(&row.id)?;
                Some((sequence, SubmissionRow { submitted_on, ..row }))
            })
            .collect();
    submissions.sort_by_key(|(sequence, _)| *sequence);
    let is_its_clock =
        |clock: &&Clock| clock.rule.kind == ClockKind::Advice && clock.subject == Some(request_id);
    let mut clock = timeline.and_then(|timeline| timeline.clocks.iter().find(is_its_clock).cloned());
    if let (Some(clock), Some(own)) = (&mut clock, &own) {
        clock.claims.retain(|tested| own.contains(&tested.claim.event_id));
    }
    let child = child_of(work, &request)?;
    Ok(AdviceReading {
        request,
        clock,
        submissions: submissions.into_iter().map(|(_, row)| row).collect(),
        child,
        as_of: work.today(),
    })
}

/// What happened on a request while the organisation that looks was the one asked; none for others, who see all.
pub(super) fn own_share(work: &Work<'_>, events: &[Event], request_id: Uuid) -> Option<HashSet<Uuid>> {
    match work.principal.reach() {
        Reach::Organisation(organisation_id) => {
            let own = happened_while_asked(events, request_id, organisation_id);
            Some(own.into_iter().map(|event| event.id).collect())
        }
        Reach::Authority | Reach::Case(_) => None,
    }
}

/// Who a request is about, if somebody of the organisation asks.
fn child_of(work: &mut Work<'_>, request: &AdviceRequestRow) -> Result<Option<ChildOfRequest>, Error> {
    let organisation_id = match work.principal.reach() {
        Reach::Organisation(organisation_id) => organisation_id,
        // Staff have the case, and family know.
        Reach::Authority | Reach::Case(_) => return Ok(None),
    };
    let (la_code, whole) = (work.la_code(), work.whole());
    let case = find_case(work.connection, &whole, convert::id(&request.case_id)?)?;
    let organisation = find_organisation(work.connection, &la_code, organisation_id)?;
    let (sees_health, sees_school, sees_college) = match convert::named(&organisation.kind)? {
        OrganisationKind::Health => (true, false, false),
        OrganisationKind::School | OrganisationKind::EarlyYears => (false, true, false),
        OrganisationKind::College => (false, true, true),
        OrganisationKind::SocialCare
        | OrganisationKind::EducationalPsychology
        | OrganisationKind::AuthorityService
        | OrganisationKind::Other => (false, false, false),
    };
    Ok(Some(ChildOfRequest {
        given_name: case.given_name,
        family_name: case.family_name,
        date_of_birth: case.date_of_birth,
        nhs_number: case.nhs_number.filter(|_| sees_health),
        upn: case.upn.filter(|_| sees_school),
        uln: case.uln.filter(|_| sees_college),
    }))
}

fn live_request_exists(error: Error) -> Error {
    match error {
        Error::Store(StoreError::Duplicate(index)) if index.contains("one_live_request") => {
            Error::Duplicate {
                what: "live advice request",
                existing_id: None,
            }
        }
        other => other,
    }
}

/// Days have other names in some bodies than in the stream.
fn rename_days(error: Error, names: &[(&str, &str)]) -> Error {
    match error {
        Error::Invalid(faults) => Error::Invalid(
            faults
                .into_iter()
                .map(|fault| {
                    let renamed = names.iter().find(|(from, _)| fault.pointer == *from);
                    match renamed {
                        Some((_, to)) => Fault {
                            pointer: (*to).to_owned(),
                            ..fault
                        },
                        None => fault,
                    }
                })
                .collect(),
        ),
        other => other,
    }
}
