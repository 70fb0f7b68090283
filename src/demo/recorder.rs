//! Records stories through the use cases that a server would call, each at its own instant and as
//! whoever would have called it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::authority::LA_CODE;
use super::step::{Act, AdviceAct, RequestKey, Step};
use super::story::Story;
use crate::auth::{LaCode, Principal, Role};
use crate::casework::advice::{AdviceFact, AppointmentOutcome};
use crate::casework::assessment::{AssessmentFact, SettingAnswer, SettingConsulted, SettingReplied};
use crate::casework::event::LegalDates;
use crate::service::advice::{
    self, NewAct, NewAdviceRequest, act_on_advice_request, agree_existing_advice, open_advice_request,
};
use crate::service::assessment::{
    AssessmentReading, GivenCorrection, NewEvent, list_assessment_events, open_assessment,
    record_assessment_event,
};
use crate::service::case::{CaseDetails, change_case, close_case, open_case};
use crate::service::person::add_person;
use crate::service::recording::RequestContent;
use crate::service::timeline::{GivenEvent, GivenFact};
use crate::service::{Error, Ids, Work};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Ground;
use crate::store::{AnyConnection, StoreError};

/// What recording a story made.
#[derive(Debug, Clone)]
pub struct RecordedStory {
    pub case_id: Uuid,
    /// The first person around the child.
    pub person_id: Option<Uuid>,
    pub assessment_id: Option<Uuid>,
    pub events: u64,
    /// The paediatrician's request for advice.
    pub medical_request_id: Option<Uuid>,
}

/// Somebody of the made-up authority.
pub fn staff(subject: &str, role: Role) -> Result<Principal, Error> {
    Ok(Principal {
        subject: subject.to_owned(),
        la_code: la_code()?,
        roles: vec![role],
        organisation_id: None,
        case_id: None,
        person_id: None,
    })
}

/// Somebody at an organisation that is asked for advice.
pub fn contributor(organisation_id: Uuid) -> Result<Principal, Error> {
    Ok(Principal {
        organisation_id: Some(organisation_id),
        ..staff(
            &format!("contact-{}", &organisation_id.to_string()[24..]),
            Role::Contributor,
        )?
    })
}

/// The code of the made-up authority.
pub fn la_code() -> Result<LaCode, Error> {
    LaCode::parse(LA_CODE).map_err(|invalid| fault(&invalid.to_string()))
}

/// A mistake in the demo itself.
fn fault(what: &str) -> Error {
    Error::Store(StoreError::Bug(format!("the demo's story does not hold: {what}")))
}

/// Records a story, all in the transaction of the connection.
pub fn record_story(
    connection: &mut AnyConnection,
    ids: &Ids,
    story: &Story,
) -> Result<RecordedStory, Error> {
    let officer = story.child.details.caseworker.clone().unwrap_or_default();
    let mut recorder = Recorder {
        connection,
        ids,
        officer: staff(&officer, Role::Caseworker)?,
        case_id: Uuid::nil(),
        assessment: None,
        consultations: HashMap::new(),
        requests: HashMap::new(),
    };
    let mut work = work_of(recorder.connection, ids, &recorder.officer, story.opened_at);
    recorder.case_id = crate::store::convert::id(&open_case(&mut work, &story.child.details)?.row.id)?;
    let mut person_id = None;
    for (person, minutes) in story.child.people.iter().zip(1..) {
        work.now = story.opened_at + TimeDelta::seconds(minutes * 20);
        let added = add_person(&mut work, recorder.case_id, person)?;
        person_id.get_or_insert(added.id);
    }
    for (recorded_at, step) in &story.steps {
        recorder.record(*recorded_at, step)?;
    }
    let medical = recorder
        .requests
        .get(&(Requirement::Medical, Some("paediatrics".to_owned())));
    Ok(RecordedStory {
        case_id: recorder.case_id,
        person_id,
        assessment_id: recorder.assessment.as_ref().map(|assessment| assessment.id),
        events: recorder
            .assessment
            .as_ref()
            .map_or(0, |assessment| assessment.version.unsigned_abs()),
        medical_request_id: medical.map(|request| request.id),
    })
}

struct Recorder<'r> {
    connection: &'r mut AnyConnection,
    ids: &'r Ids,
    officer: Principal,
    case_id: Uuid,
    assessment: Option<OpenAssessment>,
    consultations: HashMap<Uuid, Uuid>,
    requests: HashMap<(Requirement, Option<String>), KnownRequest>,
}

#[derive(Debug, Clone)]
struct OpenAssessment {
    id: Uuid,
    version: i64,
    opening: AssessmentFact,
}

#[derive(Debug, Clone, Copy)]
struct KnownRequest {
    id: Uuid,
    version: i64,
    organisation_id: Option<Uuid>,
}

fn work_of<'w>(
    connection: &'w mut AnyConnection,
    ids: &'w Ids,
    principal: &'w Principal,
    now: DateTime<Utc>,
) -> Work<'w> {
    Work {
        connection,
        principal,
        trace_id: "00000000000000000000000000000885",
        now,
        ids,
    }
}

fn owned((requirement, service): RequestKey) -> (Requirement, Option<String>) {
    (requirement, service.map(str::to_owned))
}

impl Recorder<'_> {
    fn record(&mut self, recorded_at: DateTime<Utc>, step: &Step) -> Result<(), Error> {
        match &step.act {
            Act::Open(fact) => self.open(recorded_at, step, fact),
            Act::Event(fact) => self.event(recorded_at, given(step, fact.clone())),
            Act::CorrectOpening { arrived_on } => {
                let replacement = match (arrived_on, &self.assessment) {
                    (Some(arrived_on), Some(assessment)) => Some(GivenEvent {
                        occurred_on: *arrived_on,
                        ..given(step, assessment.opening.clone())
                    }),
                    _ => None,
                };
                self.correct_opening(recorded_at, replacement)
            }
            Act::AgreeExistingAdvice(existing) => {
                let assessment_id = self.opened()?.id;
                let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
                let (_, reading) = agree_existing_advice(&mut work, assessment_id, existing)?;
                self.take_over(&reading)
            }
            Act::AskAdvice {
                key,
                organisation_id,
                received_on,
            } => {
                let new = NewAdviceRequest {
                    requirement: key.0,
                    service: key.1.map(str::to_owned),
                    organisation_id: *organisation_id,
                    requested_on: step.on,
                    received_on: *received_on,
                    content: content_of(key.0),
                };
                let assessment_id = self.opened()?.id;
                let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
                let reading = open_advice_request(&mut work, assessment_id, &new)?;
                self.remember(*key, &reading)
            }
            Act::Advice { key, act } => self.act_on_advice(recorded_at, step, *key, act),
            Act::Consult { organisation_id } => {
                let work = work_of(self.connection, self.ids, &self.officer, recorded_at);
                let consultation_id = work.new_id();
                self.consultations.insert(*organisation_id, consultation_id);
                let consulted = SettingConsulted {
                    consultation_id,
                    organisation_id: *organisation_id,
                };
                self.event(
                    recorded_at,
                    given(step, AssessmentFact::SettingConsulted(consulted)),
                )
            }
            Act::Reply {
                organisation_id,
                reply,
            } => {
                let consultation_id = *self
                    .consultations
                    .get(organisation_id)
                    .ok_or_else(|| fault("a reply without a consultation"))?;
                let replied = SettingReplied {
                    consultation_id,
                    organisation_id: Some(*organisation_id),
                    reply: *reply,
                    ground: (*reply == SettingAnswer::CannotMeet).then(|| {
                        "It would not be compatible with the efficient education of others.".to_owned()
                    }),
                };
                self.event(recorded_at, given(step, AssessmentFact::SettingReplied(replied)))
            }
            Act::HandOver { caseworker } => {
                let manager = staff("manager-1", Role::Manager)?;
                let mut work = work_of(self.connection, self.ids, &manager, recorded_at);
                change_case(&mut work, self.case_id, 1, |details| {
                    Ok(CaseDetails {
                        caseworker: Some(caseworker.clone()),
                        ..details
                    })
                })?;
                self.officer = staff(caseworker, Role::Caseworker)?;
                Ok(())
            }
            Act::CloseCase(reason) => {
                let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
                close_case(&mut work, self.case_id, *reason, step.on)?;
                Ok(())
            }
        }
    }

    fn open(&mut self, recorded_at: DateTime<Utc>, step: &Step, fact: &AssessmentFact) -> Result<(), Error> {
        let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
        let reading = open_assessment(&mut work, self.case_id, &given(step, fact.clone()))?;
        self.assessment = Some(OpenAssessment {
            id: crate::store::convert::id(&reading.procedure.id)?,
            version: reading.procedure.version,
            opening: fact.clone(),
        });
        Ok(())
    }

    fn event(&mut self, recorded_at: DateTime<Utc>, event: GivenEvent) -> Result<(), Error> {
        let OpenAssessment { id, version, .. } = self.opened()?;
        let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
        let recorded = record_assessment_event(&mut work, id, version, &NewEvent::Event(event))?;
        self.take_over(&recorded.reading)
    }

    fn correct_opening(
        &mut self,
        recorded_at: DateTime<Utc>,
        replacement: Option<GivenEvent>,
    ) -> Result<(), Error> {
        let OpenAssessment { id, version, .. } = self.opened()?;
        let mut work = work_of(self.connection, self.ids, &self.officer, recorded_at);
        let first = list_assessment_events(&mut work, id, 0, 1)?;
        let opening_id = first.first().ok_or_else(|| fault("no opening"))?.entry.id;
        let correction = GivenCorrection {
            occurred_on: work.today(),
            reason: match replacement {
                Some(_) => "The day on the envelope was misread.".to_owned(),
                None => "It was meant for another child.".to_owned(),
            },
            note: None,
            changes: vec![(opening_id, replacement)],
        };
        let recorded = record_assessment_event(&mut work, id, version, &NewEvent::Correction(correction))?;
        self.take_over(&recorded.reading)
    }

    fn act_on_advice(
        &mut self,
        recorded_at: DateTime<Utc>,
        step: &Step,
        key: RequestKey,
        act: &AdviceAct,
    ) -> Result<(), Error> {
        let request = *self
            .requests
            .get(&owned(key))
            .ok_or_else(|| fault("an act on advice that was not asked for"))?;
        let asker = match request.organisation_id {
            Some(organisation_id) if !act.is_staffs() => Some(contributor(organisation_id)?),
            Some(_) | None => None,
        };
        let new = NewAct {
            occurred_on: asker.is_none().then_some(step.on),
            note: None,
            act: act_of(request.id, key, step, act),
        };
        let principal = asker.as_ref().unwrap_or(&self.officer);
        let mut work = work_of(self.connection, self.ids, principal, recorded_at);
        let reading = act_on_advice_request(&mut work, request.id, request.version, operation_of(act), &new)?;
        self.remember(key, &reading)
    }

    fn opened(&self) -> Result<OpenAssessment, Error> {
        self.assessment
            .clone()
            .ok_or_else(|| fault("something before the opening"))
    }

    /// Learns the version of the assessment, and of the requests that came with a decision.
    fn take_over(&mut self, reading: &AssessmentReading) -> Result<(), Error> {
        if let Some(assessment) = &mut self.assessment {
            assessment.version = reading.procedure.version;
        }
        for request in reading
            .timeline
            .iter()
            .flat_map(|timeline| &timeline.advice.requests)
        {
            let key = (request.requirement, request.service.clone());
            self.requests.entry(key).or_insert(KnownRequest {
                id: request.id,
                version: 1,
                organisation_id: request.organisation_id,
            });
        }
        Ok(())
    }

    /// Every act is one event of the assessment too.
    fn remember(&mut self, key: RequestKey, reading: &advice::AdviceReading) -> Result<(), Error> {
        let organisation_id = reading.request.organisation_id.as_deref();
        let known = KnownRequest {
            id: crate::store::convert::id(&reading.request.id)?,
            version: reading.request.version,
            organisation_id: organisation_id.map(crate::store::convert::id).transpose()?,
        };
        self.requests.insert(owned(key), known);
        if let Some(assessment) = &mut self.assessment {
            assessment.version += 1;
        }
        Ok(())
    }
}

fn given(step: &Step, fact: AssessmentFact) -> GivenEvent {
    GivenEvent {
        occurred_on: step.on,
        dates: LegalDates::default(),
        note: None,
        fact: GivenFact::Assessment(fact),
    }
}

fn content_of(requirement: Requirement) -> RequestContent {
    let questions = match requirement {
        Requirement::Medical => Some("What helps in the classroom, and how often?".to_owned()),
        Requirement::Parent
        | Requirement::Education
        | Requirement::Psychological
        | Requirement::SocialCare
        | Requirement::Other
        | Requirement::PreparationForAdulthood
        | Requirement::FamilyRequested
        | Requirement::Sensory => None,
    };
    RequestContent {
        family_story: Some("Mornings are hard, and the walk along the river helps.".to_owned()),
        questions,
    }
}

/// As the operations of the API are called.
fn operation_of(act: &AdviceAct) -> &'static str {
    match act {
        AdviceAct::Acknowledge => "acknowledge_advice_request",
        AdviceAct::Submit => "submit_advice",
        AdviceAct::Decline(_) => "decline_advice_request",
        AdviceAct::MissAppointment { .. } | AdviceAct::HoldAppointment { .. } => "record_appointment",
        AdviceAct::ClaimMissedAppointment { .. } => "claim_advice_exception",
        AdviceAct::Return(_) => "return_advice",
        AdviceAct::Accept => "accept_advice",
        AdviceAct::Redirect { .. } => "redirect_advice_request",
        AdviceAct::Withdraw => "withdraw_advice_request",
    }
}

fn act_of(request_id: Uuid, key: RequestKey, step: &Step, act: &AdviceAct) -> advice::Act {
    let fact = match act {
        AdviceAct::Submit => {
            return advice::Act::Submission {
                summary: summary_of(key.0).to_owned(),
                content: None,
                authors: vec![format!("A made-up adviser ({})", key.1.unwrap_or(key.0.name()))],
                unmet_need: None,
            };
        }
        AdviceAct::Redirect { organisation_id } => {
            return advice::Act::Redirection {
                organisation_id: *organisation_id,
            };
        }
        AdviceAct::Acknowledge => AdviceFact::AdviceAcknowledged { request_id },
        AdviceAct::Decline(ground) => AdviceFact::AdviceDeclined {
            request_id,
            ground: *ground,
            reasons: "As agreed with the head of the service.".to_owned(),
        },
        AdviceAct::MissAppointment { offered_on } => AdviceFact::AdviceAppointment {
            request_id,
            offered_on: *offered_on,
            held_on: None,
            outcome: AppointmentOutcome::Missed,
        },
        AdviceAct::HoldAppointment { offered_on } => AdviceFact::AdviceAppointment {
            request_id,
            offered_on: *offered_on,
            held_on: Some(step.on),
            outcome: AppointmentOutcome::Held,
        },
        AdviceAct::ClaimMissedAppointment { from_on } => AdviceFact::AdviceExceptionClaimed {
            request_id,
            ground: Ground::MissedAppointment,
            from: *from_on,
            to: *from_on,
            evidence: None,
            causal_link: Some("The next free appointment was weeks later.".to_owned()),
        },
        AdviceAct::Return(reason) => AdviceFact::AdviceReturned {
            request_id,
            reasons: vec![*reason],
            comment: "Please say what help is needed, how much and from whom.".to_owned(),
        },
        AdviceAct::Accept => AdviceFact::AdviceAccepted { request_id },
        AdviceAct::Withdraw => AdviceFact::AdviceWithdrawn {
            request_id,
            reason: Some("It was asked for twice.".to_owned()),
        },
    };
    advice::Act::Fact(fact)
}

fn summary_of(requirement: Requirement) -> &'static str {
    match requirement {
        Requirement::Parent => "What matters at home, what works, and what we hope for.",
        Requirement::Education => "Progress, what has been tried, and what made a difference.",
        Requirement::Medical => "Seen in clinic; needs and the provision that would meet them.",
        Requirement::Psychological => "Observed and assessed; how learning is best supported.",
        Requirement::SocialCare => "What is known to social care, and short breaks that would help.",
        Requirement::PreparationForAdulthood => "Steps towards work, home, friends and health.",
        Requirement::Sensory => "How sight and hearing affect learning, and what to adapt.",
        Requirement::Other | Requirement::FamilyRequested => "What was seen and what is recommended.",
    }
}
