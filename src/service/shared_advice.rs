//! Advice that has come to the family of a case: what was sent with a draft plan, with the papers for a review
//! meeting, or with a plan that is built on it.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::case_record::CaseRecord;
use super::recording::kind_of;
use super::sent_versions::versions_sent;
use super::{Error, Work};
use crate::casework::history::effective;
use crate::casework::plan::PLAN;
use crate::casework::plan_sections::PlanSections;
use crate::casework::sharing::{SharedBy, SharedSubmission, Sharing, shared_submissions, sharings};
use crate::casework::timeline::sort_events;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Provision;
use crate::store::advice::{AdviceRequestRow, SubmissionRow, requests_of_procedures, submissions_by_id};
use crate::store::case::find_case;
use crate::store::convert::{self, from_json, named};
use crate::store::organisation::names_of;
use crate::store::plan_version::sections_of_versions;
use crate::store::procedure::ProcedureRow;

/// Advice on one request that came to the family on one day.
#[derive(Debug, Clone)]
pub struct SharedAdvice {
    pub request_id: Uuid,
    pub procedure_id: Uuid,
    pub requirement: Requirement,
    /// Where the law asks for it.
    pub provision: Provision,
    /// Who was asked, where that was an organisation.
    pub organisation: Option<String>,
    pub shared_on: NaiveDate,
    pub by: SharedBy,
    /// What came, the oldest first, as its events are known now.
    pub submissions: Vec<SubmissionRow>,
}

/// A page of the advice that has come to the family, by the day it came and its request.
///
/// The number of statements depends on the number of plans alone.
pub fn list_shared_advice(
    work: &mut Work<'_>,
    case_id: Uuid,
    after: Option<(NaiveDate, Uuid)>,
    limit: i64,
) -> Result<Vec<SharedAdvice>, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    let case = find_case(work.connection, &root, case_id)?;
    work.shows_case(&case.id, None);
    let record = CaseRecord::load(work, &case.id)?;
    let mut page = shared(work, &record)?;
    page.retain(|group| after.is_none_or(|after| group.place() > after));
    page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));

    let submission_ids = page.iter().flat_map(|group| &group.submissions);
    let submission_ids = submission_ids.map(|one| one.submission_id.to_string()).collect();
    let mut submissions: HashMap<String, SubmissionRow> =
        submissions_by_id(work.connection, &la_code, submission_ids)?
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
    let organisation_ids = page
        .iter()
        .filter_map(|group| group.request.organisation_id.clone());
    let names = names_of(work.connection, &la_code, organisation_ids.collect())?;
    let views = page.into_iter().map(|group| group.read(&mut submissions, &names));
    views.collect()
}

/// What came on one request on one day.
struct Group<'r> {
    request: AdviceRequestRow,
    request_id: Uuid,
    procedure: &'r ProcedureRow,
    shared_on: NaiveDate,
    by: SharedBy,
    submissions: Vec<SharedSubmission>,
}

impl Group<'_> {
    fn place(&self) -> (NaiveDate, Uuid) {
        (self.shared_on, self.request_id)
    }

    fn read(
        self,
        submissions: &mut HashMap<String, SubmissionRow>,
        names: &HashMap<String, String>,
    ) -> Result<SharedAdvice, Error> {
        let requirement: Requirement = named(&self.request.requirement)?;
        let advice_for = kind_of(self.procedure)?.advice_for;
        let provision = advice_for.map_or_else(
            || requirement.provision(),
            |advice_for| advice_for.provision(requirement),
        );
        let organisation_id = self.request.organisation_id.as_ref();
        let read = |shared: SharedSubmission| {
            let row = submissions.remove(&shared.submission_id.to_string())?;
            Some(SubmissionRow {
                submitted_on: shared.submitted_on,
                ..row
            })
        };
        Ok(SharedAdvice {
            request_id: self.request_id,
            procedure_id: convert::id(&self.procedure.id)?,
            requirement,
            provision,
            organisation: organisation_id.and_then(|id| names.get(id).cloned()),
            shared_on: self.shared_on,
            by: self.by,
            submissions: self.submissions.into_iter().filter_map(read).collect(),
        })
    }
}

/// Everything that has come to the family by today, by the day it came and its request.
fn shared<'r>(work: &mut Work<'_>, record: &'r CaseRecord) -> Result<Vec<Group<'r>>, Error> {
    let la_code = work.la_code();
    let by_versions = shared_by_versions(work, record)?;
    let procedure_ids = record.procedures.iter().map(|procedure| procedure.id.clone());
    let requests = requests_of_procedures(work.connection, &la_code, procedure_ids.collect())?;
    let mut groups: Vec<Group<'r>> = Vec::new();
    for procedure in &record.procedures {
        let mut events = effective(record.stream(procedure), &HashSet::new());
        sort_events(&mut events);
        let by_all: Vec<Sharing> = sharings(&events).chain(by_versions.iter().copied()).collect();
        for submission in shared_submissions(&events, &by_all, work.today()) {
            let place = (submission.shared_on, submission.request_id);
            if let Some(group) = groups.iter_mut().find(|group| group.place() == place) {
                group.submissions.push(submission);
                continue;
            }
            let wanted = submission.request_id.to_string();
            if let Some(request) = requests.iter().find(|request| request.id == wanted) {
                groups.push(Group {
                    request: request.clone(),
                    request_id: submission.request_id,
                    procedure,
                    shared_on: submission.shared_on,
                    by: submission.by,
                    submissions: vec![submission],
                });
            }
        }
    }
    groups.sort_by_key(Group::place);
    Ok(groups)
}

/// The requests that section K names of a version that was sent, with the day on which it first was.
fn shared_by_versions(work: &mut Work<'_>, record: &CaseRecord) -> Result<Vec<Sharing>, Error> {
    let la_code = work.la_code();
    let mut sharings = Vec::new();
    for plan in record
        .procedures
        .iter()
        .filter(|procedure| procedure.kind == PLAN.name)
    {
        let sent = versions_sent(record, plan)?;
        let numbers = sent.numbers();
        if numbers.is_empty() {
            continue;
        }
        for (number, sections) in sections_of_versions(work.connection, &la_code, &plan.id, numbers)? {
            let Some(sent_on) = sent.first_sent_on(number) else {
                continue;
            };
            let sections: PlanSections = from_json(&sections)?;
            sharings.extend(sections.advice.iter().map(|linked| Sharing {
                by: SharedBy::PlanVersion,
                gathered_on: sent_on,
                shared_on: sent_on,
                request_id: Some(linked.advice_request_id),
            }));
        }
    }
    Ok(sharings)
}
