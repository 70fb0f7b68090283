//! Subject access: everything that is held about one child or young person, in one answer.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::advice::{AdviceReading, reading_of_row};
use super::audit::{AuditEntry, list_audit_entries};
use super::case::{CaseReading, get_case};
use super::person::{Person, Relationship, list_people};
use super::plan_version::{PlanVersionReading, get_plan_version, list_plan_versions};
use super::procedure::{ListedEntry, ProcedureReading, fields_of, get_procedure, list_procedure_events};
use super::recording::kind_of;
use super::retention::{RetentionReading, get_retention};
use super::seal::{Grant, Seal, get_seal, openings_of};
use super::sent_versions::Moment;
use super::{Error, Work};
use crate::casework::event::Fact;
use crate::casework::history::{Entry, EntryBody};
use crate::casework::plan::PLAN;
use crate::store::advice::{SubmissionRow, requests_of_procedure, submissions_of_request};
use crate::store::audit::AuditFilter;
use crate::store::convert;

/// More than there are of anything on one case.
const ALL: i64 = 1_000_000;
/// The members of events that take whatever is written.
pub const OWN_WORDS: [&str; 11] = [
    "note",
    "reason",
    "reasons",
    "notice",
    "ground",
    "evidence",
    "causal_link",
    "decided_by",
    "missing_advice_reason",
    "comment",
    "author",
];
/// How much of the trail is read at once.
const HISTORY_AT_ONCE: i64 = 1_000;

/// Everything held about a case.
#[derive(Debug)]
pub struct CaseExport {
    pub case: CaseReading,
    pub people: Vec<Person>,
    pub procedures: Vec<(ProcedureReading, Vec<ListedEntry>)>,
    pub advice: Vec<ExportedRequest>,
    /// Each with the plan it is of.
    pub plan_versions: Vec<(Uuid, PlanVersionReading)>,
    pub seal: Option<Seal>,
    /// Everybody to whom it was ever opened, be it sealed now or not.
    pub grants: Vec<Grant>,
    pub retention: RetentionReading,
    /// Who changed and read what of it, the oldest first.
    pub history: Vec<AuditEntry>,
    pub third_party: Vec<ThirdParty>,
    pub exported_at: DateTime<Utc>,
}

/// A request for advice with what a correction took out of it, which is still held.
#[derive(Debug, Clone)]
pub struct ExportedRequest {
    pub reading: AdviceReading,
    /// Whether it was opened in error.
    pub is_void: bool,
    pub void_submissions: Vec<SubmissionRow>,
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
    /// Free text, or who did something: nobody filters it.
    MayNameOthers,
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
        let events = list_procedure_events(work, kind, id, 0, ALL)?;
        let entries: Vec<Entry> = events.iter().map(|listed| listed.entry.clone()).collect();
        for request in requests_of_procedure(work.connection, &la_code, &row.id)? {
            let is_void = request.is_void;
            let mut void_submissions = submissions_of_request(work.connection, &la_code, &request.id)?;
            let reading = reading_of_row(work, request, &entries, reading.timeline.as_ref())?;
            void_submissions.retain(|row| !reading.submissions.iter().any(|shown| shown.id == row.id));
            advice.push(ExportedRequest {
                reading,
                is_void,
                void_submissions,
            });
        }
        procedures.push((reading, events));
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
    let grants = openings_of(work, case_id)?;
    let retention = get_retention(work, case_id)?;
    let history = history_of(work, case_id)?;
    work.shows_case(&case.row.id, Some(case.row.version));
    let mut export = CaseExport {
        third_party: Vec::new(),
        case,
        people,
        procedures,
        advice,
        plan_versions,
        seal,
        grants,
        retention,
        history,
        exported_at: work.now,
    };
    export.third_party = third_party(&export)?;
    Ok(export)
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

/// What is of somebody else or may name them, in the order of the document.
fn third_party(export: &CaseExport) -> Result<Vec<ThirdParty>, Error> {
    let mut found = Vec::new();
    let mut point = |why: Why, pointer: String| found.push(ThirdParty { pointer, why });
    for (place, person) in export.people.iter().enumerate() {
        if person.details.relationship != Relationship::YoungPerson {
            point(Why::AnotherPerson, format!("/people/{place}"));
        }
    }
    for (place, (reading, events)) in export.procedures.iter().enumerate() {
        let consultations = reading
            .timeline
            .iter()
            .flat_map(|timeline| &timeline.consultations);
        for (number, consultation) in consultations.enumerate() {
            if consultation
                .reply
                .as_ref()
                .is_some_and(|reply| reply.ground.is_some())
            {
                let at = format!("/procedures/{place}/consultations/{number}/ground");
                point(Why::MayNameOthers, at);
            }
        }
        for (number, event) in events.iter().enumerate() {
            for member in own_words_in(event)? {
                let at = format!("/procedures/{place}/events/{number}/{member}");
                point(Why::MayNameOthers, at);
            }
        }
    }
    for (place, request) in export.advice.iter().enumerate() {
        let at = format!("/advice_requests/{place}");
        let row = &request.reading.request;
        for (member, text) in [("family_story", &row.family_story), ("questions", &row.questions)] {
            if text.is_some() {
                point(Why::MayNameOthers, format!("{at}/{member}"));
            }
        }
        if !request.reading.submissions.is_empty() {
            point(Why::WrittenByAnOrganisation, format!("{at}/submissions"));
        }
        if !request.void_submissions.is_empty() {
            point(Why::WrittenByAnOrganisation, format!("{at}/void_submissions"));
        }
    }
    for place in 0..export.plan_versions.len() {
        point(Why::MayNameOthers, format!("/plan_versions/{place}"));
    }
    if export.seal.is_some() {
        point(Why::OpenedToOthers, "/seal".to_owned());
    }
    if !export.grants.is_empty() {
        point(Why::OpenedToOthers, "/grants".to_owned());
    }
    for place in 0..export.retention.legal_holds.len() {
        point(Why::MayNameOthers, format!("/retention/legal_holds/{place}"));
    }
    for (place, listed) in export.retention.listed.iter().enumerate() {
        if listed.kept_reason.is_some() {
            point(
                Why::MayNameOthers,
                format!("/retention/disposal_lists/{place}/kept_reason"),
            );
        }
    }
    if !export.history.is_empty() {
        point(Why::MayNameOthers, "/history".to_owned());
    }
    Ok(found)
}

/// The members of a recorded event in which somebody wrote in their own words.
fn own_words_in(event: &ListedEntry) -> Result<Vec<&'static str>, Error> {
    let fields = match &event.entry.body {
        // Its reason is one of a list.
        EntryBody::Fact(Fact::CaseClosed(_)) => Value::Null,
        body @ (EntryBody::Fact(Fact::Own(_) | Fact::Advice(_)) | EntryBody::Correction(_)) => {
            fields_of(body)?
        }
    };
    let is_there = |member: &str| match member {
        "note" => event.noted.note.is_some(),
        other => fields.get(other).is_some_and(Value::is_string),
    };
    Ok(OWN_WORDS.into_iter().filter(|member| is_there(member)).collect())
}
