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
    CaseDetails, check_details, ends_with_its_case, insert_minted, insert_references, new_case,
};
use super::consequence::{self, Candidate, Place, place_of};
use super::person::{PersonDetails, new_person};
use super::procedure::{NewEvent, TakenOver, draft_of, event_drafts};
use super::recording::{Draft, Held, KnownOfCase, apply, new_procedure, save};
use super::request_rows::RequestContent;
use super::settings::Settings;
use super::timeline::GivenEvent;
use super::{Error, Fault, Work};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::child::ChildFacts;
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::plan::PLAN;
use crate::casework::plan_sections::PlanSections;
use crate::casework::procedure::{ProcedureKind, State};
use crate::casework::timeline::{Consequence, Timeline};
use crate::store::StoreError;
use crate::store::advice::{AdviceRequestRow, SubmissionRow, insert_submission};
use crate::store::case::{CaseRow, insert_facts};
use crate::store::convert::{self, json};
use crate::store::person::{PersonRow, insert_person};
use crate::store::plan_version::{PlanVersionRow, insert_plan_version};

/// A case being taken over, not yet in the store.
#[derive(Debug)]
pub struct CaseFile {
    case: CaseRow,
    details: CaseDetails,
    facts: ChildFacts,
    opened_at: DateTime<Utc>,
    people: Vec<PersonRow>,
    procedures: Vec<Judged>,
    submissions: Vec<SubmissionRow>,
    plan_versions: Vec<PlanVersionRow>,
}

/// A procedure with what its stream amounts to so far.
#[derive(Debug)]
struct Judged {
    held: Held,
    timeline: Option<Timeline>,
}

impl Judged {
    fn state(&self) -> State {
        let timeline = self.timeline.as_ref();
        timeline.map_or(self.held.kind.void(), |timeline| timeline.state)
    }

    /// Whether the clock runs that the type of a consequence follows for, if it follows for one.
    fn owes(&self, consequence: &Consequence) -> bool {
        let Some(kind) = consequence.fact.event_type().follows_for() else {
            return true;
        };
        let clocks = self.timeline.iter().flat_map(|timeline| &timeline.clocks);
        clocks.filter(|clock| clock.rule.kind == kind).any(|clock| {
            let last = clock.segments.last();
            clock.started_on <= consequence.occurred_on
                && last.is_some_and(|last| last.satisfied_on.is_none() && last.cancelled_on.is_none())
        })
    }

    fn consequences(&self) -> Vec<Consequence> {
        let timeline = self.timeline.as_ref();
        timeline.map_or(Vec::new(), |timeline| timeline.consequences.clone())
    }
}

impl CaseFile {
    /// A file with nothing in it but what the case says of the child or young person.
    pub fn new(work: &mut Work<'_>, details: CaseDetails) -> Result<CaseFile, Error> {
        check_details(work, &details)?;
        let (case, facts) = new_case(work, &details)?;
        Ok(CaseFile {
            case,
            details,
            facts,
            opened_at: work.now,
            people: Vec::new(),
            procedures: Vec::new(),
            submissions: Vec::new(),
            plan_versions: Vec::new(),
        })
    }

    pub fn case_id(&self) -> Result<Uuid, Error> {
        Ok(convert::id(&self.case.id)?)
    }

    /// The newest procedure of a kind as it is judged so far.
    pub fn held(&self, kind: &ProcedureKind) -> Option<&Held> {
        let newest = self.newest_of(kind)?;
        Some(&self.procedures[newest].held)
    }

    pub fn add_person(&mut self, work: &Work<'_>, details: &PersonDetails) -> Result<Uuid, Error> {
        let person = new_person(work, &self.case.id, details)?;
        let person_id = convert::id(&person.id)?;
        self.people.push(person);
        Ok(person_id)
    }

    /// Opens a procedure with its first event, and what follows from that.
    pub fn open_procedure(
        &mut self,
        work: &Work<'_>,
        kind: &'static ProcedureKind,
        settings: &Settings,
        event: &GivenEvent,
    ) -> Result<(), Error> {
        let draft = draft_of(work, event)?;
        self.open(work, kind, settings, draft)
    }

    /// The newest procedure of a kind.
    pub fn newest(&self, kind: &'static ProcedureKind) -> Result<Uuid, Error> {
        let at = self.opened(kind)?;
        Ok(convert::id(&self.procedures[at].held.procedure.id)?)
    }

    /// Records on the newest procedure of a kind.
    pub fn record_event(
        &mut self,
        work: &mut Work<'_>,
        kind: &'static ProcedureKind,
        event: &NewEvent,
    ) -> Result<(), Error> {
        let procedure_id = self.newest(kind)?;
        self.record_event_on(work, procedure_id, event)
    }

    /// Records on one of the procedures, though one of its kind that is newer may be open.
    pub fn record_event_on(
        &mut self,
        work: &mut Work<'_>,
        procedure_id: Uuid,
        event: &NewEvent,
    ) -> Result<(), Error> {
        let wanted = procedure_id.to_string();
        let found = self
            .procedures
            .iter()
            .position(|judged| judged.held.procedure.id == wanted);
        let at = found.ok_or(Error::NotFound)?;
        let taken_over = TakenOver {
            case: &self.case,
            newest_plan_version: self.plan_versions.last().map(|version| version.number),
        };
        let drafts = event_drafts(work, &self.procedures[at].held, Some(taken_over), event)?;
        self.apply_to(work, at, drafts, &HashMap::new())
    }

    /// Adds a version of what the plan says, whose references are right.
    pub fn add_plan_version(&mut self, work: &Work<'_>, sections: &PlanSections) -> Result<(), Error> {
        let newest = self.plan_versions.last().map(|version| version.number);
        self.plan_versions.push(PlanVersionRow {
            la_code: self.case.la_code.clone(),
            plan_id: self.newest(&PLAN)?.to_string(),
            number: newest.unwrap_or(0) + 1,
            sections: json(sections)?,
            note: None,
            based_on_version: newest,
            made_at: work.now.naive_utc(),
            made_by: work.principal.subject.clone(),
        });
        Ok(())
    }

    /// Asks for advice on the newest procedure of a kind.
    pub fn open_advice_request(
        &mut self,
        work: &mut Work<'_>,
        kind: &'static ProcedureKind,
        new: &NewAdviceRequest,
    ) -> Result<Uuid, Error> {
        let at = self.opened(kind)?;
        let request_id = work.new_id();
        let (draft, faults) = asking_draft(work, request_id, new)?;
        refuse(faults)?;
        let contents = HashMap::from([(request_id, new.content.clone())]);
        self.apply_to(work, at, vec![draft], &contents)?;
        Ok(request_id)
    }

    /// Does an act to a request on the newest procedure of a kind.
    pub fn act_on_advice_request(
        &mut self,
        work: &mut Work<'_>,
        kind: &'static ProcedureKind,
        request_id: Uuid,
        new: &NewAct,
    ) -> Result<(), Error> {
        let at = self.opened(kind)?;
        let row = request(&self.procedures[at].held, request_id)?.clone();
        let (draft, faults) = act_draft(work, &row, new)?;
        refuse(faults)?;
        self.submissions.extend(submission_of(work, &row, &draft, new)?);
        self.apply_to(work, at, vec![draft], &HashMap::new())
    }

    pub fn agree_existing_advice(&mut self, work: &Work<'_>, new: &NewExistingAdvice) -> Result<(), Error> {
        let at = self.opened(&ASSESSMENT)?;
        self.apply_to(work, at, vec![agreement_draft(work, new)], &HashMap::new())
    }

    pub fn hand_over(&mut self, work: &Work<'_>, caseworker: &str) {
        self.case.caseworker = Some(caseworker.to_owned());
        for judged in &mut self.procedures {
            judged.held.of_case.caseworker.clone_from(&self.case.caseworker);
        }
        self.touch(work);
    }

    /// Closes the case and ends what is open on it.
    pub fn close(
        &mut self,
        work: &Work<'_>,
        reason: ClosureReason,
        occurred_on: NaiveDate,
    ) -> Result<(), Error> {
        for at in 0..self.procedures.len() {
            if ends_with_its_case(&self.procedures[at].held.procedure)? {
                let draft = Draft::of(work.new_id(), occurred_on, Fact::CaseClosed(reason));
                self.apply_to(work, at, vec![draft], &HashMap::new())?;
            }
        }
        self.case.closed_on = Some(occurred_on);
        self.case.closure_reason = Some(reason.name().to_owned());
        self.touch(work);
        Ok(())
    }

    fn open(
        &mut self,
        work: &Work<'_>,
        kind: &'static ProcedureKind,
        settings: &Settings,
        draft: Draft,
    ) -> Result<(), Error> {
        let held = new_procedure(
            work,
            kind,
            &self.case.id,
            draft.occurred_on,
            KnownOfCase {
                child: self.facts.clone(),
                caseworker: self.case.caseworker.clone(),
            },
            settings.clone(),
        );
        self.procedures.push(Judged { held, timeline: None });
        self.apply_to(work, self.procedures.len() - 1, vec![draft], &HashMap::new())
    }

    /// Judges drafts on one of the procedures, and what follows from them on the others.
    fn apply_to(
        &mut self,
        work: &Work<'_>,
        at: usize,
        drafts: Vec<Draft>,
        contents: &HashMap<Uuid, RequestContent>,
    ) -> Result<(), Error> {
        let leads_on = drafts.iter().any(|draft| draft.body.event_type().leads_on());
        let judged = &mut self.procedures[at];
        let before = if leads_on {
            judged.consequences()
        } else {
            Vec::new()
        };
        judged.timeline = apply(work, &mut judged.held, drafts, contents)?;
        if !leads_on {
            return Ok(());
        }
        let (after, settings) = (judged.consequences(), judged.held.settings.clone());
        if before.iter().any(|consequence| !after.contains(consequence)) {
            return Err(Error::Store(StoreError::Bug(
                "what follows from an event cannot be corrected while its case is taken over".to_owned(),
            )));
        }
        for consequence in after.iter().filter(|consequence| !before.contains(consequence)) {
            self.follow(work, &settings, consequence)?;
        }
        Ok(())
    }

    fn follow(
        &mut self,
        work: &Work<'_>,
        settings: &Settings,
        consequence: &Consequence,
    ) -> Result<(), Error> {
        let of_kind: Vec<usize> = (0..self.procedures.len())
            .filter(|at| self.procedures[*at].held.kind == consequence.kind)
            .collect();
        let candidate = |at: &usize| {
            let judged = &self.procedures[*at];
            Candidate {
                state: judged.state(),
                is_owed: judged.owes(consequence),
            }
        };
        let candidates: Vec<Candidate> = of_kind.iter().map(candidate).collect();
        match place_of(consequence, &candidates) {
            Place::On(places) => {
                for place in places {
                    let draft = consequence::draft_of(work, consequence);
                    self.apply_to(work, of_kind[place], vec![draft], &HashMap::new())?;
                }
                Ok(())
            }
            Place::New => {
                let draft = consequence::draft_of(work, consequence);
                self.open(work, consequence.kind, settings, draft)
            }
            Place::Nowhere => Ok(()),
        }
    }

    fn newest_of(&self, kind: &ProcedureKind) -> Option<usize> {
        self.procedures
            .iter()
            .rposition(|judged| judged.held.kind == kind)
    }

    fn opened(&self, kind: &ProcedureKind) -> Result<usize, Error> {
        self.newest_of(kind).ok_or(Error::NotFound)
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
            insert_references(work, &self.case, &self.details)?;
        }
        for person in &self.people {
            insert_person(work.connection, person)?;
        }
        for Judged { held, timeline } in &mut self.procedures {
            save(work.connection, held, timeline.as_ref())?;
        }
        for submission in &self.submissions {
            insert_submission(work.connection, submission)?;
        }
        for version in &self.plan_versions {
            insert_plan_version(work.connection, version)?;
        }
        work.audit(
            "import_case",
            &self.case.id,
            Some(&self.case.id),
            Some(self.case.version),
        )
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
