//! Procedures of any kind: opening one, recording what happened, correcting what was recorded, reading.
//! Whoever calls says which kind it is; one of another kind is not there.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::advice::{owed_by, request_draft};
use super::family::{check_told, reads_as_family};
use super::plan::{follow_placement, placed};
use super::plan_version::{newest_version_for, say_version};
use super::recording::{Draft, Held, day_faults, derive, hold_of, open_new, record};
use super::settings::Settings;
use super::timeline::{GivenEvent, GivenFact};
use super::{Error, Fault, Work};
use crate::casework::advice::AdviceFact;
use crate::casework::assessment::{AssessDecision, AssessmentFact, ResumptionOutcome};
use crate::casework::child::ChildFacts;
use crate::casework::event::{Event, Fact};
use crate::casework::history::{Change, Correction, Entry, EntryBody, effective, known_at, superseded};
use crate::casework::plan::{PLAN, PlanState};
use crate::casework::procedure::ProcedureKind;
use crate::casework::review::REVIEW;
use crate::casework::timeline::{Timeline, sort_events};
use crate::clock::london_date;
use crate::statute::requirement::Requirement;
use crate::store::StoreError;
use crate::store::case::{CaseRow, facts_at, find_case, lock_case};
use crate::store::convert;
use crate::store::organisation::find_organisation;
use crate::store::procedure::{
    EntryNote, ProcedureFilter, ProcedureRow, ProcedureSummaryRow, find_procedure, list_procedures as list,
    load_corrections, load_entries, lock_procedures_of_case, lock_siblings, page_of_entries,
    procedures_of_case,
};
use crate::store::settings::settings_at;

/// A procedure read for a day.
#[derive(Debug, Clone)]
pub struct ProcedureReading {
    pub procedure: ProcedureRow,
    /// None if it was opened in error.
    pub timeline: Option<Timeline>,
    pub child: ChildFacts,
    pub settings: Settings,
    pub as_of: NaiveDate,
    /// Whether it is shown to a family, which is not told what is claimed, flagged and permitted.
    pub is_for_family: bool,
}

/// A recorded event with what it led to.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub entry: Entry,
    pub noted: EntryNote,
    pub reading: ProcedureReading,
}

/// A correction as somebody gives it.
#[derive(Debug, Clone)]
pub struct GivenCorrection {
    /// The day it was made; nothing is counted by it.
    pub occurred_on: NaiveDate,
    pub reason: String,
    pub note: Option<String>,
    /// Each event superseded, with its replacement; none voids it.
    pub changes: Vec<(Uuid, Option<GivenEvent>)>,
}

/// What can be recorded on a procedure.
#[derive(Debug, Clone)]
pub enum NewEvent {
    Event(GivenEvent),
    Correction(GivenCorrection),
}

/// An entry as lists show it.
#[derive(Debug, Clone)]
pub struct ListedEntry {
    pub entry: Entry,
    pub noted: EntryNote,
    pub superseded_by: Option<Uuid>,
}

/// The fields of a recorded event, by the names under which they are sent.
pub fn fields_of(body: &EntryBody) -> Result<Value, Error> {
    let fields = match body {
        EntryBody::Fact(Fact::Own(fact)) => fact.to_value(),
        EntryBody::Fact(Fact::Advice(fact)) => serde_json::to_value(fact),
        EntryBody::Fact(Fact::CaseClosed(reason)) => Ok(json!({ "reason": reason })),
        EntryBody::Correction(correction) => serde_json::to_value(correction),
    };
    fields.map_err(|_| Error::Store(StoreError::Bug("an event cannot be written as JSON".to_owned())))
}

/// Opens a procedure on a case with its first event.
pub fn open_procedure(
    work: &mut Work<'_>,
    kind: &'static ProcedureKind,
    case_id: Uuid,
    event: &GivenEvent,
) -> Result<ProcedureReading, Error> {
    let la_code = work.la_code();
    let mut draft = Draft {
        pointer: "/event".to_owned(),
        ..draft_of(work, event)?
    };
    let mut faults = organisation_faults(work, event, "/event")?;
    let root = work.root()?;
    let case = match lock_case(work.connection, &root, case_id) {
        Ok(case) => Some(case),
        Err(StoreError::NotFound) => {
            faults.push(unknown_case(work, case_id));
            None
        }
        Err(other) => return Err(other.into()),
    };
    let Some(case) = case.filter(|_| faults.is_empty()) else {
        faults.extend(day_faults(work, None, &[draft]));
        return Err(Error::Invalid(faults));
    };
    if draft.body.event_type().leads_on() {
        lock_procedures_of_case(work.connection, &la_code, &case.id)?;
    }
    if kind == &REVIEW {
        refuse_without_plan(work, &case)?;
    }
    let mut held = open_new(work, kind, &case.id, event.occurred_on)?;
    if let Some(fault) = say_version(work, &mut draft, None, |work| {
        newest_version_for(work, &held.procedure)
    })? {
        let mut faults = vec![fault];
        faults.extend(day_faults(work, None, &[draft]));
        return Err(Error::Invalid(faults));
    }
    let timeline = record(work, &mut held, vec![draft], &HashMap::new())?;
    work.audit(
        &format!("open_{}", kind.name),
        &held.procedure.id,
        Some(&case.id),
        Some(held.procedure.version),
    )?;
    Ok(reading_of(work, held, timeline))
}

/// A plan that has ceased is not reviewed. That of a case without any may be kept elsewhere.
fn refuse_without_plan(work: &mut Work<'_>, case: &CaseRow) -> Result<(), Error> {
    let la_code = work.la_code();
    let mut plans = procedures_of_case(work.connection, &la_code, &case.id)?;
    plans.retain(|procedure| procedure.kind == PLAN.name);
    let is_maintained = |plan: &ProcedureRow| plan.is_open && plan.state != PlanState::Draft.name();
    let has_ceased = |plan: &ProcedureRow| plan.state == PlanState::Ceased.name();
    if plans.iter().any(has_ceased) && !plans.iter().any(is_maintained) {
        return Err(Error::PlanEnded {
            state: PlanState::Ceased.into(),
        });
    }
    Ok(())
}

/// The fault of naming a case that does not exist for whoever asks, which the trail is to say.
pub(super) fn unknown_case(work: &mut Work<'_>, case_id: Uuid) -> Fault {
    work.tells_of_case("unknown_case", &case_id.to_string());
    Fault::new("/case_id", "unknown_case", "must be a case of this authority")
}

/// Records one event, or one correction of recorded ones.
pub fn record_procedure_event(
    work: &mut Work<'_>,
    kind: &'static ProcedureKind,
    procedure_id: Uuid,
    if_match: i64,
    event: &NewEvent,
) -> Result<Recorded, Error> {
    // What is told on a plan may say another setting of its case.
    if leads_on(event) || kind == &PLAN {
        let root = work.root()?;
        lock_siblings(work.connection, &root, procedure_id)?;
    }
    let mut held = hold_of(work, kind, procedure_id, Some(if_match))?;
    let drafts = event_drafts(work, &held, None, event)?;
    let recorded = held.entries.len();
    let noted = EntryNote {
        note: drafts[0].note.clone(),
        recorded_by: work.principal.subject.clone(),
    };
    let placed_before = (kind == &PLAN).then(|| placed(&held.entries));
    let timeline = record(work, &mut held, drafts, &HashMap::new())?;
    if let Some(before) = placed_before {
        follow_placement(work, &held.procedure.case_id, before, placed(&held.entries))?;
    }
    let (procedure_id, case_id) = (held.procedure.id.clone(), held.procedure.case_id.clone());
    work.audit(
        &format!("record_{}_event", kind.name),
        &procedure_id,
        Some(&case_id),
        Some(held.procedure.version),
    )?;
    let entry = held.entries[recorded].clone();
    Ok(Recorded {
        entry,
        noted,
        reading: reading_of(work, held, timeline),
    })
}

/// Whether it may make something happen on another procedure of the case.
fn leads_on(event: &NewEvent) -> bool {
    match event {
        NewEvent::Event(given) => match &given.fact {
            GivenFact::Own(fact) => fact.event_type().leads_on(),
            GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => false,
        },
        NewEvent::Correction(_) => true,
    }
}

/// A case that is not in the store yet.
#[derive(Debug, Clone, Copy)]
pub struct TakenOver<'f> {
    pub case: &'f CaseRow,
    /// The number of the newest version of its plan's content.
    pub newest_plan_version: Option<i64>,
}

/// What recording an event or a correction adds to the stream: a decision to assess asks the default
/// contributors too, and a meeting at which advice was given submits it. What is read is read from the store, unless
/// the case is being taken over.
pub fn event_drafts(
    work: &mut Work<'_>,
    held: &Held,
    taken_over: Option<TakenOver<'_>>,
    event: &NewEvent,
) -> Result<Vec<Draft>, Error> {
    match event {
        NewEvent::Event(given) => {
            let mut drafts = vec![draft_of(work, given)?];
            let mut faults = organisation_faults(work, given, "")?;
            faults.extend(request_faults(held, given, ""));
            faults.extend(say_version(
                work,
                &mut drafts[0],
                None,
                |work| match taken_over {
                    Some(file) => Ok(file.newest_plan_version),
                    None => newest_version_for(work, &held.procedure),
                },
            )?);
            if !faults.is_empty() {
                faults.extend(day_faults(work, Some(held), &drafts));
                return Err(Error::Invalid(faults));
            }
            if decides_to_assess(&given.fact) {
                let case = taken_over.map(|file| file.case);
                drafts.extend(default_requests(work, held, case, given.occurred_on)?);
            }
            // A day that is wrong is told once, where the meeting says it.
            if day_faults(work, Some(held), &drafts).is_empty() {
                drafts.extend(advice_given_at(given).into_iter().map(|(field, request_id)| {
                    let fact = Fact::Advice(AdviceFact::AdviceSubmitted { request_id });
                    Draft {
                        pointer: format!("/{field}"),
                        ..Draft::of(work.new_id(), given.occurred_on, fact)
                    }
                }));
            }
            Ok(drafts)
        }
        NewEvent::Correction(given) => correction_drafts(work, held, given),
    }
}

/// Reads a procedure for a day, as known now or at an instant.
pub fn get_procedure(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    as_of: Option<NaiveDate>,
    known_at_instant: Option<DateTime<Utc>>,
) -> Result<ProcedureReading, Error> {
    let la_code = work.la_code();
    let (procedure, entries) = known_entries(work, kind, procedure_id, known_at_instant)?;
    work.shows_case(&procedure.case_id, Some(procedure.version));
    let child = facts_at(work.connection, &la_code, &procedure.case_id, known_at_instant)?;
    let (_, settings) = settings_at(work.connection, &la_code, known_at_instant)?;
    let as_of = as_of.unwrap_or_else(|| known_at_instant.map_or_else(|| work.today(), london_date));
    let readings = &settings.readings;
    let timeline = derive(&procedure, &entries, &child, readings, Some(as_of))?;
    // Nothing by that day: either it had not opened yet, or it was opened in error.
    if timeline.is_none() && derive(&procedure, &entries, &child, readings, None)?.is_some() {
        return Err(Error::Question(Fault::new(
            "/as_of",
            "before_opening",
            "must not be before the procedure opened",
        )));
    }
    Ok(ProcedureReading {
        procedure,
        timeline,
        child,
        settings,
        as_of,
        is_for_family: reads_as_family(work),
    })
}

/// A procedure and what was known of it at an instant. For a family, one that it is not told of is not there.
pub(super) fn known_entries(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    known_at_instant: Option<DateTime<Utc>>,
) -> Result<(ProcedureRow, Vec<Entry>), Error> {
    let procedure = find_of(work, kind, procedure_id)?;
    let mut entries = load_entries(work.connection, &procedure)?;
    check_told(work, &procedure, &entries)?;
    if let Some(instant) = known_at_instant {
        let known = known_at(&entries, instant).len();
        if known == 0 {
            return Err(Error::Question(Fault::new(
                "/known_at",
                "not_yet_recorded",
                "must not be before the first event was recorded",
            )));
        }
        entries.truncate(known);
    }
    Ok((procedure, entries))
}

/// The effective events of a procedure up to a day, in the order of the fold.
pub fn effective_events(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    as_of: Option<NaiveDate>,
    known_at_instant: Option<DateTime<Utc>>,
) -> Result<Vec<Event>, Error> {
    let (procedure, entries) = known_entries(work, kind, procedure_id, known_at_instant)?;
    work.shows_case(&procedure.case_id, Some(procedure.version));
    let as_of = as_of.unwrap_or_else(|| known_at_instant.map_or_else(|| work.today(), london_date));
    let mut events = effective(&entries, &HashSet::new());
    events.retain(|event| event.occurred_on <= as_of);
    sort_events(&mut events);
    Ok(events)
}

/// A page of the authority's procedures of the kind that the filter names.
pub fn list_procedures(
    work: &mut Work<'_>,
    mut filter: ProcedureFilter,
) -> Result<Vec<ProcedureSummaryRow>, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    filter.due_soon_days = settings.due_soon_days;
    let rows = list(work.connection, &root, &filter)?;
    work.shows_page(filter.limit, rows.iter().map(|row| row.case_id.as_str()));
    Ok(rows)
}

/// A page of a procedure's stream, corrections and superseded events included.
pub fn list_procedure_events(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
    after_sequence: i64,
    limit: i64,
) -> Result<Vec<ListedEntry>, Error> {
    let procedure = find_of(work, kind, procedure_id)?;
    work.shows_case(&procedure.case_id, Some(procedure.version));
    let page = page_of_entries(work.connection, &procedure, after_sequence, limit)?;
    let corrections = load_corrections(work.connection, &procedure)?;
    let superseded = superseded(&corrections);
    Ok(page
        .into_iter()
        .map(|(entry, noted)| ListedEntry {
            superseded_by: superseded.get(&entry.id).copied(),
            entry,
            noted,
        })
        .collect())
}

pub(super) fn find_of(
    work: &mut Work<'_>,
    kind: &ProcedureKind,
    procedure_id: Uuid,
) -> Result<ProcedureRow, Error> {
    let root = work.root()?;
    let procedure = find_procedure(work.connection, &root, procedure_id)?;
    if procedure.kind == kind.name {
        Ok(procedure)
    } else {
        Err(Error::NotFound)
    }
}

fn reading_of(work: &Work<'_>, held: Held, timeline: Option<Timeline>) -> ProcedureReading {
    ProcedureReading {
        procedure: held.procedure,
        timeline,
        child: held.of_case.child,
        settings: held.settings,
        as_of: work.today(),
        is_for_family: reads_as_family(work),
    }
}

pub(super) fn draft_of(work: &Work<'_>, given: &GivenEvent) -> Result<Draft, Error> {
    let GivenFact::Own(fact) = &given.fact else {
        return Err(Error::Invalid(vec![not_recorded_here("/type")]));
    };
    Ok(Draft {
        dates: given.dates,
        note: given.note.clone(),
        ..Draft::of(work.new_id(), given.occurred_on, Fact::Own(fact.clone()))
    })
}

fn not_recorded_here(pointer: &str) -> Fault {
    Fault::new(pointer, "not_one_of", "advice is recorded through its requests")
}

/// The faults of naming organisations that the authority does not have, in the event at a pointer.
fn organisation_faults(work: &mut Work<'_>, given: &GivenEvent, pointer: &str) -> Result<Vec<Fault>, Error> {
    let named = match &given.fact {
        GivenFact::Own(fact) => fact.organisations(),
        GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => Vec::new(),
    };
    let la_code = work.la_code();
    let mut faults = Vec::new();
    for (field, organisation_id) in named {
        match find_organisation(work.connection, &la_code, organisation_id) {
            Ok(_) => {}
            Err(StoreError::NotFound) => faults.push(Fault::new(
                format!("{pointer}/{field}"),
                "unknown_organisation",
                "must be an organisation of this authority",
            )),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(faults)
}

/// The faults of saying that advice was given on what is no request of the procedure, or twice on one.
fn request_faults(held: &Held, given: &GivenEvent, pointer: &str) -> Vec<Fault> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for (field, request_id) in advice_given_at(given) {
        let wanted = request_id.to_string();
        let is_its_own = held.requests.iter().any(|row| row.id == wanted && !row.is_void);
        let at = format!("{pointer}/{field}");
        if !is_its_own {
            faults.push(Fault::new(
                at,
                "unknown_request",
                "must be an advice request of this procedure",
            ));
        } else if !seen.insert(request_id) {
            faults.push(Fault::new(at, "repeated", "advice is given once at a meeting"));
        }
    }
    faults
}

/// The requests on which advice was given at a meeting, by their fields.
fn advice_given_at(given: &GivenEvent) -> Vec<(String, Uuid)> {
    let attendance = match &given.fact {
        GivenFact::Own(fact) => match fact.of() {
            Some(AssessmentFact::JointMeetingHeld(held)) => &held.attendance[..],
            Some(_) | None => &[],
        },
        GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => &[],
    };
    let with_number = attendance.iter().enumerate();
    with_number
        .filter_map(|(index, who)| {
            Some((
                format!("attendance/{index}/advice_request_id"),
                who.advice_request_id?,
            ))
        })
        .collect()
}

fn decides_to_assess(fact: &GivenFact) -> bool {
    match fact {
        GivenFact::Own(fact) => match fact.of() {
            Some(AssessmentFact::AssessDecisionNotified(notified)) => {
                notified.decision == AssessDecision::Assess
            }
            Some(AssessmentFact::AssessmentResumed(resumed)) => resumed.outcome == ResumptionOutcome::Assess,
            Some(_) | None => false,
        },
        GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => false,
    }
}

/// A request to the authority's default contributor for each required source, unless somebody was
/// asked already or agreed advice stands in for it.
fn default_requests(
    work: &mut Work<'_>,
    held: &Held,
    case: Option<&CaseRow>,
    decided_on: NaiveDate,
) -> Result<Vec<Draft>, Error> {
    if held.settings.default_contributors.is_empty() {
        return Ok(Vec::new());
    }
    let case = match case {
        Some(case) => case.clone(),
        None => find_case(
            work.connection,
            &work.whole(),
            convert::id(&held.procedure.case_id)?,
        )?,
    };
    let current_setting = super::case::current_setting(&case)?;
    let so_far = derive(
        &held.procedure,
        &held.entries,
        &held.of_case.child,
        &held.settings.readings,
        None,
    )?;
    let required: Vec<Requirement> = held.of_case.child.required_advice(decided_on).collect();
    let mut answered: HashSet<(Requirement, Option<String>)> = HashSet::new();
    let mut drafts = Vec::new();
    for contributor in &held.settings.default_contributors {
        let (requirement, service) = (contributor.requirement, contributor.service.clone());
        let is_agreed = so_far.as_ref().is_some_and(|timeline| {
            timeline
                .advice
                .existing
                .iter()
                .any(|existing| existing.requirement == requirement)
        });
        if !required.contains(&requirement) || is_agreed || answered.contains(&(requirement, service.clone()))
        {
            continue;
        }
        let fitting = contributor.organisation_for(
            &held.of_case.child,
            case.postcode.as_deref(),
            current_setting,
            decided_on,
        );
        let Some(organisation_id) = fitting else { continue };
        answered.insert((requirement, service.clone()));
        let is_asked = so_far.as_ref().is_some_and(|timeline| {
            timeline.advice.requests.iter().any(|request| {
                request.state.is_live() && request.requirement == requirement && request.service == service
            })
        });
        if !is_asked {
            let owed = owed_by(work, requirement, Some(organisation_id))?;
            let request_id = work.new_id();
            drafts.push(request_draft(
                work,
                request_id,
                requirement,
                service,
                Some(organisation_id),
                owed,
                decided_on,
            ));
        }
    }
    Ok(drafts)
}

/// The correction and its replacements, all of them judged together later.
fn correction_drafts(work: &mut Work<'_>, held: &Held, given: &GivenCorrection) -> Result<Vec<Draft>, Error> {
    let in_effect: HashSet<Uuid> = effective(&held.entries, &HashSet::new())
        .into_iter()
        .map(|event| event.id)
        .collect();
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    let mut changes = Vec::new();
    let mut replacements = Vec::new();
    for (index, (supersedes, replacement)) in given.changes.iter().enumerate() {
        let at = |field: &str| format!("/changes/{index}/{field}");
        if !seen.insert(*supersedes) {
            faults.push(Fault::new(
                at("supersedes"),
                "repeated",
                "an event can be superseded once",
            ));
            continue;
        }
        let target = held.entries.iter().find(|entry| entry.id == *supersedes);
        let fact = match target.map(|entry| (entry, &entry.body)) {
            None => {
                faults.push(Fault::new(
                    at("supersedes"),
                    "unknown_event",
                    "must be an event of this procedure",
                ));
                continue;
            }
            Some((_, EntryBody::Correction(_) | EntryBody::Fact(Fact::CaseClosed(_)))) => {
                faults.push(Fault::new(
                    at("supersedes"),
                    "not_correctable",
                    "corrections and closures of the case cannot be superseded",
                ));
                continue;
            }
            Some((entry, _)) if !in_effect.contains(&entry.id) => {
                faults.push(Fault::new(
                    at("supersedes"),
                    "not_effective",
                    "has been superseded already, or its procedure is void",
                ));
                continue;
            }
            Some((entry, EntryBody::Fact(fact))) => (entry, fact),
        };
        if let Some(caused_by) = fact.0.caused_by
            && !stays_what_it_is(fact.1, replacement.as_ref())
        {
            return Err(Error::FollowsFromAnother {
                caused_by,
                procedure_id: procedure_of(work, held, caused_by)?,
                pointer: at("replacement"),
            });
        }
        let replaced_by = match replacement {
            None => None,
            Some(replacement) => match replaced_fact(fact.1, &replacement.fact) {
                Some(replaced) => {
                    faults.extend(organisation_faults(work, replacement, &at("replacement"))?);
                    faults.extend(request_faults(held, replacement, &at("replacement")));
                    let id = work.new_id();
                    let mut draft = Draft {
                        root_id: Some(fact.0.root_id),
                        dates: replacement.dates,
                        note: replacement.note.clone(),
                        caused_by: fact.0.caused_by,
                        pointer: at("replacement"),
                        ..Draft::of(id, replacement.occurred_on, replaced)
                    };
                    faults.extend(say_version(work, &mut draft, Some(fact.1), |work| {
                        newest_version_for(work, &held.procedure)
                    })?);
                    replacements.push(draft);
                    Some(id)
                }
                None => {
                    faults.push(Fault::new(
                        at("replacement/type"),
                        "not_one_of",
                        "advice can only be replaced by an event of its own type, and other events not by advice",
                    ));
                    None
                }
            },
        };
        changes.push(Change {
            supersedes: *supersedes,
            replaced_by,
        });
    }
    let correction = Correction {
        reason: given.reason.clone(),
        changes,
    };
    let mut drafts = vec![Draft::correction(
        work.new_id(),
        given.occurred_on,
        correction,
        given.note.clone(),
    )];
    drafts.extend(replacements);
    if faults.is_empty() {
        Ok(drafts)
    } else {
        faults.extend(day_faults(work, Some(held), &drafts));
        Err(Error::Invalid(faults))
    }
}

/// Whether what replaces a fact is of its type.
fn stays_what_it_is(replaced: &Fact, given: Option<&GivenEvent>) -> bool {
    given.is_some_and(|given| match &given.fact {
        GivenFact::Own(fact) => fact.event_type() == replaced.event_type(),
        GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. } => false,
    })
}

/// The other procedure of the case on which an event stands.
fn procedure_of(work: &mut Work<'_>, held: &Held, event_id: Uuid) -> Result<Option<String>, Error> {
    let la_code = work.la_code();
    for procedure in procedures_of_case(work.connection, &la_code, &held.procedure.case_id)? {
        let entries = load_entries(work.connection, &procedure)?;
        if entries.iter().any(|entry| entry.id == event_id) {
            return Ok(Some(procedure.id));
        }
    }
    Ok(None)
}

/// What a replacement says, given what it replaces; none where the two do not go together.
fn replaced_fact(replaced: &Fact, given: &GivenFact) -> Option<Fact> {
    match (replaced, given) {
        (Fact::Own(_), GivenFact::Own(fact)) => Some(Fact::Own(fact.clone())),
        (
            Fact::Advice(AdviceFact::AdviceRequested {
                request_id,
                organisation_id,
                bearer,
                force,
                ..
            }),
            GivenFact::AdviceRequested { requirement, service },
        ) => Some(Fact::Advice(AdviceFact::AdviceRequested {
            request_id: *request_id,
            requirement: *requirement,
            service: service.clone(),
            organisation_id: *organisation_id,
            bearer: *bearer,
            force: *force,
        })),
        (Fact::Advice(fact @ AdviceFact::AdviceSubmitted { .. }), GivenFact::AdviceSubmitted { .. }) => {
            Some(Fact::Advice(fact.clone()))
        }
        (
            Fact::Own(_) | Fact::Advice(_) | Fact::CaseClosed(_),
            GivenFact::Own(_) | GivenFact::AdviceRequested { .. } | GivenFact::AdviceSubmitted { .. },
        ) => None,
    }
}
