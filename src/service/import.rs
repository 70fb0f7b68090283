//! Taking over a whole case: everything that happened on it is judged act by act in memory, by the engine
//! and the rules that judge requests, and every row is written once.
//!
//! Bodies and settings are read from the store; nothing is written before [`CaseFile::write`]. Called by
//! `demo`.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::advice::{
    NewAct, NewAdviceRequest, NewExistingAdvice, act_draft, agreement_draft, asking_draft, submission_of,
};
use super::case::{
    CaseDetails, check_details, ends_with_its_case, insert_minted, new_case, write_external_refs,
};
use super::person::{PersonDetails, new_person};
use super::procedure::{NewEvent, draft_of, event_drafts};
use super::recording::{Draft, Held, apply, new_procedure, save};
use super::settings::Settings;
use super::timeline::GivenEvent;
use super::{Error, Fault, Work};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::child::ChildFacts;
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::timeline::Timeline;
use crate::store::StoreError;
use crate::store::advice::{AdviceRequestRow, SubmissionRow, insert_submission};
use crate::store::case::{CaseRow, insert_facts};
use crate::store::convert;
use crate::store::person::{PersonRow, insert_person};

/// A case being taken over, not yet in the store.
#[derive(Debug)]
pub struct CaseFile {
    case: CaseRow,
    details: CaseDetails,
    facts: ChildFacts,
    opened_at: DateTime<Utc>,
    people: Vec<PersonRow>,
    assessment: Option<(Held, Option<Timeline>)>,
    submissions: Vec<SubmissionRow>,
}

impl CaseFile {
    /// A file with nothing in it but what the case says of the child or young person.
    pub fn open(work: &mut Work<'_>, details: CaseDetails) -> Result<CaseFile, Error> {
        check_details(work, &details)?;
        let (case, facts) = new_case(work, &details)?;
        Ok(CaseFile {
            case,
            details,
            facts,
            opened_at: work.now,
            people: Vec::new(),
            assessment: None,
            submissions: Vec::new(),
        })
    }

    pub fn case_id(&self) -> Result<Uuid, Error> {
        Ok(convert::id(&self.case.id)?)
    }

    /// The assessment as it is judged so far.
    pub fn assessment(&self) -> Option<&Held> {
        self.assessment.as_ref().map(|(held, _)| held)
    }

    pub fn add_person(&mut self, work: &Work<'_>, details: &PersonDetails) -> Result<Uuid, Error> {
        let person = new_person(work, &self.case.id, details)?;
        let person_id = convert::id(&person.id)?;
        self.people.push(person);
        Ok(person_id)
    }

    pub fn open_assessment(
        &mut self,
        work: &Work<'_>,
        settings: &Settings,
        event: &GivenEvent,
    ) -> Result<(), Error> {
        let draft = draft_of(work, event)?;
        let mut held = new_procedure(
            work,
            &ASSESSMENT,
            &self.case.id,
            event.occurred_on,
            self.facts.clone(),
            settings.clone(),
        );
        let timeline = apply(work, &mut held, vec![draft], &HashMap::new())?;
        self.assessment = Some((held, timeline));
        Ok(())
    }

    pub fn record_event(&mut self, work: &mut Work<'_>, event: &NewEvent) -> Result<(), Error> {
        let (held, timeline) = opened(&mut self.assessment)?;
        let drafts = event_drafts(work, held, Some(&self.case), event)?;
        *timeline = apply(work, held, drafts, &HashMap::new())?;
        Ok(())
    }

    pub fn open_advice_request(
        &mut self,
        work: &mut Work<'_>,
        new: &NewAdviceRequest,
    ) -> Result<Uuid, Error> {
        let (held, timeline) = opened(&mut self.assessment)?;
        let request_id = work.new_id();
        let (draft, faults) = asking_draft(work, request_id, new)?;
        refuse(faults)?;
        let contents = HashMap::from([(request_id, new.content.clone())]);
        *timeline = apply(work, held, vec![draft], &contents)?;
        Ok(request_id)
    }

    pub fn act_on_advice_request(
        &mut self,
        work: &mut Work<'_>,
        request_id: Uuid,
        new: &NewAct,
    ) -> Result<(), Error> {
        let (held, timeline) = opened(&mut self.assessment)?;
        let row = request(held, request_id)?.clone();
        let (draft, faults) = act_draft(work, &row, new)?;
        refuse(faults)?;
        self.submissions.extend(submission_of(work, &row, &draft, new)?);
        *timeline = apply(work, held, vec![draft], &HashMap::new())?;
        Ok(())
    }

    pub fn agree_existing_advice(&mut self, work: &Work<'_>, new: &NewExistingAdvice) -> Result<(), Error> {
        let (held, timeline) = opened(&mut self.assessment)?;
        *timeline = apply(work, held, vec![agreement_draft(work, new)], &HashMap::new())?;
        Ok(())
    }

    pub fn hand_over(&mut self, work: &Work<'_>, caseworker: &str) {
        self.case.caseworker = Some(caseworker.to_owned());
        self.touch(work);
    }

    /// Closes the case and ends what is open on it.
    pub fn close(
        &mut self,
        work: &Work<'_>,
        reason: ClosureReason,
        occurred_on: NaiveDate,
    ) -> Result<(), Error> {
        if let Some((held, timeline)) = &mut self.assessment
            && ends_with_its_case(&held.procedure)?
        {
            let draft = Draft::of(work.new_id(), occurred_on, Fact::CaseClosed(reason));
            *timeline = apply(work, held, vec![draft], &HashMap::new())?;
        }
        self.case.closed_on = Some(occurred_on);
        self.case.closure_reason = Some(reason.name().to_owned());
        self.touch(work);
        Ok(())
    }

    fn touch(&mut self, work: &Work<'_>) {
        self.case.version += 1;
        self.case.updated_at = work.now.naive_utc();
    }

    /// Writes everything, with one entry in the trail: that it was taken over.
    pub fn write(mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let case_id = self.case_id()?;
        let la_code = self.case.la_code.clone();
        insert_minted(work, &mut self.case)?;
        insert_facts(work.connection, &la_code, case_id, 1, self.opened_at, &self.facts)?;
        if !self.details.external_refs.is_empty() {
            write_external_refs(work, &self.case, &self.details)?;
        }
        for person in &self.people {
            insert_person(work.connection, person)?;
        }
        if let Some((held, timeline)) = &mut self.assessment {
            save(work.connection, held, timeline.as_ref())?;
        }
        for submission in &self.submissions {
            insert_submission(work.connection, submission)?;
        }
        work.audit(
            "import_case",
            &self.case.id,
            Some(&self.case.id),
            Some(self.case.version),
        )
    }
}

fn opened(
    assessment: &mut Option<(Held, Option<Timeline>)>,
) -> Result<(&mut Held, &mut Option<Timeline>), Error> {
    match assessment {
        Some((held, timeline)) => Ok((held, timeline)),
        None => Err(Error::NotFound),
    }
}

fn request(held: &Held, request_id: Uuid) -> Result<&AdviceRequestRow, Error> {
    let wanted = request_id.to_string();
    let found = held.requests.iter().find(|row| row.id == wanted && !row.is_void);
    found.ok_or(Error::Store(StoreError::NotFound))
}

fn refuse(faults: Vec<Fault>) -> Result<(), Error> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(faults))
    }
}
