//! Makes the case files of stories, each act judged at its own instant and as whoever would have recorded it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::authority::LA_CODE;
use super::child::Child;
use super::step::{Act, AdviceAct, RequestKey, Step};
use super::story::Story;
use crate::auth::{LaCode, Principal, Role};
use crate::casework::advice::{AdviceFact, AppointmentOutcome};
use crate::casework::assessment::{ASSESSMENT, AssessmentFact};
use crate::casework::consultation::{CONSULTATION, ConsultationFact};
use crate::casework::event::{Fact, LegalDates};
use crate::casework::history::EntryBody;
use crate::casework::place::{PlaceAwaited, SettingAnswer, SettingConsulted, SettingReplied};
use crate::casework::plan::{PLAN, PlanDrafted, PlanFact};
use crate::casework::procedure::{OwnFact, ProcedureKind};
use crate::casework::review::{REVIEW, ReviewFact};
use crate::service::advice::{self, NewAct, NewAdviceRequest};
use crate::service::import::CaseFile;
use crate::service::procedure::{GivenCorrection, NewEvent};
use crate::service::recording::Held;
use crate::service::request_rows::RequestContent;
use crate::service::settings::Settings;
use crate::service::timeline::{GivenEvent, GivenFact};
use crate::service::{Error, Ids, Origin, Work};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Ground;
use crate::store::advice::AdviceRequestRow;
use crate::store::{AnyConnection, StoreError, convert};

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
        client: None,
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

/// Makes the file of a story; the connection is only read.
pub fn record_story(
    connection: &mut AnyConnection,
    ids: &Ids,
    settings: &Settings,
    story: &Story,
) -> Result<(CaseFile, RecordedStory), Error> {
    let officer = staff(
        story.child.details.caseworker.as_deref().unwrap_or_default(),
        Role::Caseworker,
    )?;
    let (file, person_id) = open_file(
        &mut work_of(connection, ids, &officer, story.opened_at),
        &story.child,
    )?;
    let mut recorder = Recorder {
        connection,
        ids,
        settings,
        officer,
        file,
        consultations: HashMap::new(),
        decided_review: None,
    };
    for (recorded_at, step) in &story.steps {
        recorder.record(*recorded_at, step)?;
    }
    let file = recorder.file;
    let assessment = file.held(&ASSESSMENT);
    let recorded = RecordedStory {
        case_id: file.case_id()?,
        person_id,
        assessment_id: assessment
            .map(|held| convert::id(&held.procedure.id))
            .transpose()?,
        events: assessment.map_or(0, |held| held.procedure.version.unsigned_abs()),
        medical_request_id: assessment
            .and_then(|held| known_request(held, (Requirement::Medical, Some("paediatrics"))))
            .map(|request| convert::id(&request.id))
            .transpose()?,
    };
    Ok((file, recorded))
}

/// Makes the file of a child with the people around them, of whom it names the first.
pub fn open_file(work: &mut Work<'_>, child: &Child) -> Result<(CaseFile, Option<Uuid>), Error> {
    let opened_at = work.now;
    let mut file = CaseFile::new(work, child.details.clone())?;
    let mut person_id = None;
    for (person, minutes) in child.people.iter().zip(1..) {
        work.now = opened_at + TimeDelta::seconds(minutes * 20);
        let added = file.add_person(work, person)?;
        person_id.get_or_insert(added);
    }
    Ok((file, person_id))
}

/// Writes the file of a story.
pub fn write_file(
    connection: &mut AnyConnection,
    ids: &Ids,
    file: CaseFile,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let admin = staff("admin-1", Role::Admin)?;
    file.write(&mut work_of(connection, ids, &admin, now))
}

struct Recorder<'r> {
    connection: &'r mut AnyConnection,
    ids: &'r Ids,
    settings: &'r Settings,
    officer: Principal,
    file: CaseFile,
    consultations: HashMap<Uuid, Uuid>,
    /// The review whose decision was sent last.
    decided_review: Option<Uuid>,
}

/// Under which trace id everything is recorded.
pub static DEMO: Origin = Origin::own("00000000000000000000000000000885");

/// What somebody of the made-up authority does at an instant.
pub fn work_of<'w>(
    connection: &'w mut AnyConnection,
    ids: &'w Ids,
    principal: &'w Principal,
    now: DateTime<Utc>,
) -> Work<'w> {
    Work::new(connection, principal, &DEMO, now, ids)
}

/// The newest request of a key.
fn known_request(held: &Held, key: RequestKey) -> Option<&AdviceRequestRow> {
    held.requests
        .iter()
        .rev()
        .find(|row| row.requirement == key.0.name() && row.service.as_deref() == key.1)
}

impl Recorder<'_> {
    fn record(&mut self, recorded_at: DateTime<Utc>, step: &Step) -> Result<(), Error> {
        let work = &mut work_of(self.connection, self.ids, &self.officer, recorded_at);
        match &step.act {
            Act::Open(fact) => {
                self.file
                    .open_procedure(work, &ASSESSMENT, self.settings, &given(step, fact.clone()))
            }
            Act::Event(fact) => {
                let event = NewEvent::Event(given(step, fact.clone()));
                self.file.record_event(work, &ASSESSMENT, &event)
            }
            Act::DraftPlan(sections) => {
                let drafted = OwnFact::new(PlanFact::PlanDrafted(PlanDrafted {}));
                let drafted = given_fact(step.on, drafted);
                self.file.open_procedure(work, &PLAN, self.settings, &drafted)?;
                self.file.add_plan_version(work, sections)
            }
            Act::OnConsultation(fact @ ConsultationFact::ConsultationReceived(_)) => {
                let received = given_fact(step.on, OwnFact::new(fact.clone()));
                self.file
                    .open_procedure(work, &CONSULTATION, self.settings, &received)
            }
            Act::OnConsultation(fact) => {
                let event = NewEvent::Event(given_fact(step.on, OwnFact::new(fact.clone())));
                self.file.record_event(work, &CONSULTATION, &event)
            }
            Act::OnPlan(fact) => {
                let event = NewEvent::Event(given_fact(step.on, OwnFact::new(fact.clone())));
                self.file.record_event(work, &PLAN, &event)
            }
            Act::OnReview(fact) => {
                if matches!(fact, ReviewFact::ReviewDecisionNotified(_)) {
                    self.decided_review = Some(self.file.newest(&REVIEW)?);
                }
                let event = NewEvent::Event(given_fact(step.on, OwnFact::new(fact.clone())));
                self.file.record_event(work, &REVIEW, &event)
            }
            Act::OnDecidedReview(fact) => {
                let review_id = self
                    .decided_review
                    .ok_or_else(|| fault("what follows on a decision without one"))?;
                let event = NewEvent::Event(given_fact(step.on, OwnFact::new(fact.clone())));
                self.file.record_event_on(work, review_id, &event)
            }
            Act::AmendPlan(sections) => self.file.add_plan_version(work, sections),
            Act::AskForReview { key, organisation_id } => {
                let new = asking(step.on, *key, *organisation_id, None);
                self.file.open_advice_request(work, &REVIEW, &new)?;
                Ok(())
            }
            Act::ForReview { key, act } => self.act_on_advice(recorded_at, &REVIEW, step, *key, act),
            Act::CorrectOpening { arrived_on } => {
                let correction = correction_of_opening(opened(&self.file)?, work.today(), step, *arrived_on)?;
                let correction = NewEvent::Correction(correction);
                self.file.record_event(work, &ASSESSMENT, &correction)
            }
            Act::AgreeExistingAdvice(existing) => self.file.agree_existing_advice(work, existing),
            Act::AskAdvice {
                key,
                organisation_id,
                received_on,
            } => {
                let new = asking(step.on, *key, *organisation_id, *received_on);
                self.file.open_advice_request(work, &ASSESSMENT, &new)?;
                Ok(())
            }
            Act::Advice { key, act } => self.act_on_advice(recorded_at, &ASSESSMENT, step, *key, act),
            Act::Consult { organisation_id } => {
                let consultation_id = work.new_id();
                self.consultations.insert(*organisation_id, consultation_id);
                let consulted = AssessmentFact::SettingConsulted(SettingConsulted {
                    consultation_id,
                    organisation_id: *organisation_id,
                });
                let event = NewEvent::Event(given(step, consulted));
                self.file.record_event(work, &ASSESSMENT, &event)
            }
            Act::Reply {
                organisation_id,
                reply,
            } => {
                let consultation_id = *self
                    .consultations
                    .get(organisation_id)
                    .ok_or_else(|| fault("a reply without a consultation"))?;
                let replied = AssessmentFact::SettingReplied(SettingReplied {
                    consultation_id,
                    organisation_id: Some(*organisation_id),
                    reply: *reply,
                    ground: (*reply == SettingAnswer::CannotMeet).then(|| {
                        "It would not be compatible with the efficient education of others.".to_owned()
                    }),
                });
                let event = NewEvent::Event(given(step, replied));
                self.file.record_event(work, &ASSESSMENT, &event)
            }
            Act::AwaitPlace { organisation_id } => {
                let consultation_id = *self
                    .consultations
                    .get(organisation_id)
                    .ok_or_else(|| fault("a place without a consultation"))?;
                let awaited = AssessmentFact::PlaceAwaited(PlaceAwaited {
                    consultation_id,
                    since_on: step.on,
                });
                let event = NewEvent::Event(given(step, awaited));
                self.file.record_event(work, &ASSESSMENT, &event)
            }
            Act::HandOver { caseworker } => {
                self.file.hand_over(work, caseworker);
                self.officer = staff(caseworker, Role::Caseworker)?;
                Ok(())
            }
            Act::CloseCase(reason) => self.file.close(work, *reason, step.on),
        }
    }

    fn act_on_advice(
        &mut self,
        recorded_at: DateTime<Utc>,
        kind: &'static ProcedureKind,
        step: &Step,
        key: RequestKey,
        act: &AdviceAct,
    ) -> Result<(), Error> {
        let held = self.file.held(kind);
        let request = held
            .and_then(|held| known_request(held, key))
            .ok_or_else(|| fault("an act on advice that was not asked for"))?;
        let request_id = convert::id(&request.id)?;
        let asker = match convert::optional_id(request.organisation_id.as_deref())? {
            Some(organisation_id) if !act.is_staffs() => Some(contributor(organisation_id)?),
            Some(_) | None => None,
        };
        let new = NewAct {
            occurred_on: asker.is_none().then_some(step.on),
            note: None,
            act: act_of(request_id, key, step, act),
        };
        let principal = asker.as_ref().unwrap_or(&self.officer);
        let mut work = work_of(self.connection, self.ids, principal, recorded_at);
        self.file.act_on_advice_request(&mut work, kind, request_id, &new)
    }
}

fn opened(file: &CaseFile) -> Result<&Held, Error> {
    let held = file.held(&ASSESSMENT);
    held.ok_or_else(|| fault("something before the opening"))
}

/// The opening again with its right day, or voided.
fn correction_of_opening(
    held: &Held,
    today: NaiveDate,
    step: &Step,
    arrived_on: Option<NaiveDate>,
) -> Result<GivenCorrection, Error> {
    let opening = held.entries.first().ok_or_else(|| fault("no opening"))?;
    let replacement = match (&opening.body, arrived_on) {
        (EntryBody::Fact(Fact::Own(fact)), Some(arrived_on)) => Some(GivenEvent {
            occurred_on: arrived_on,
            ..given_fact(step.on, fact.clone())
        }),
        (EntryBody::Fact(_) | EntryBody::Correction(_), _) => None,
    };
    Ok(GivenCorrection {
        occurred_on: today,
        reason: match replacement {
            Some(_) => "The day on the envelope was misread.".to_owned(),
            None => "It was meant for another child.".to_owned(),
        },
        note: None,
        changes: vec![(opening.id, replacement)],
    })
}

fn given(step: &Step, fact: AssessmentFact) -> GivenEvent {
    given_fact(step.on, OwnFact::new(fact))
}

/// A fact on a day, and nothing more said of it.
pub fn given_fact(occurred_on: NaiveDate, fact: OwnFact) -> GivenEvent {
    GivenEvent {
        occurred_on,
        dates: LegalDates::default(),
        note: None,
        fact: GivenFact::Own(fact),
    }
}

fn asking(
    requested_on: NaiveDate,
    (requirement, service): RequestKey,
    organisation_id: Option<Uuid>,
    received_on: Option<NaiveDate>,
) -> NewAdviceRequest {
    NewAdviceRequest {
        requirement,
        service: service.map(str::to_owned),
        organisation_id,
        requested_on,
        received_on,
        content: content_of(requirement),
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
