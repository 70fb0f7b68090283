//! The steps of a made-up story: what can happen on a day, before anything of it has an id.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::casework::advice::{DeclinationGround, ReturnReason};
use crate::casework::assessment::AssessmentFact;
use crate::casework::consultation::ConsultationFact;
use crate::casework::event::ClosureReason;
use crate::casework::place::SettingAnswer;
use crate::casework::plan::PlanFact;
use crate::casework::plan_sections::PlanSections;
use crate::casework::review::ReviewFact;
use crate::service::advice::NewExistingAdvice;
use crate::statute::requirement::Requirement;

/// What a request for advice is called before it has an id.
pub type RequestKey = (Requirement, Option<&'static str>);

/// Something that happens on a day.
#[derive(Debug, Clone)]
pub struct Step {
    pub on: NaiveDate,
    pub act: Act,
}

/// Something to record.
#[derive(Debug, Clone)]
pub enum Act {
    Open(AssessmentFact),
    Event(AssessmentFact),
    /// Work on the plan begins with what it shall say.
    DraftPlan(Box<PlanSections>),
    OnPlan(PlanFact),
    OnConsultation(ConsultationFact),
    OnReview(ReviewFact),
    /// On the review whose decision was sent; the next one is open by then.
    OnDecidedReview(ReviewFact),
    /// The plan shall say something else.
    AmendPlan(Box<PlanSections>),
    /// Advice for the meeting of a review.
    AskForReview {
        key: RequestKey,
        organisation_id: Option<Uuid>,
    },
    ForReview {
        key: RequestKey,
        act: AdviceAct,
    },
    /// The opening was written down wrongly: its right day, or none if there was no request.
    CorrectOpening {
        arrived_on: Option<NaiveDate>,
    },
    AgreeExistingAdvice(NewExistingAdvice),
    AskAdvice {
        key: RequestKey,
        organisation_id: Option<Uuid>,
        received_on: Option<NaiveDate>,
    },
    Advice {
        key: RequestKey,
        act: AdviceAct,
    },
    /// Consultations are told apart by the setting asked.
    Consult {
        organisation_id: Uuid,
    },
    Reply {
        organisation_id: Uuid,
        reply: SettingAnswer,
    },
    /// A setting that can meet need has no place yet.
    AwaitPlace {
        organisation_id: Uuid,
    },
    HandOver {
        caseworker: String,
    },
    CloseCase(ClosureReason),
}

/// What is done to a request for advice.
#[derive(Debug, Clone)]
pub enum AdviceAct {
    Acknowledge,
    Submit,
    Decline(DeclinationGround),
    MissAppointment { offered_on: NaiveDate },
    HoldAppointment { offered_on: NaiveDate },
    ClaimMissedAppointment { from_on: NaiveDate },
    Return(ReturnReason),
    Accept,
    Redirect { organisation_id: Uuid },
    Withdraw,
}

impl Step {
    /// Contributors' acts are dated by the service, so they are never recorded late.
    pub fn is_recorded_by_staff(&self) -> bool {
        match &self.act {
            Act::Advice { act, .. } | Act::ForReview { act, .. } => act.is_staffs(),
            Act::Open(_) => false,
            Act::Event(_)
            | Act::DraftPlan(_)
            | Act::OnPlan(_)
            | Act::OnConsultation(_)
            | Act::OnReview(_)
            | Act::OnDecidedReview(_)
            | Act::AmendPlan(_)
            | Act::AskForReview { .. }
            | Act::CorrectOpening { .. }
            | Act::AgreeExistingAdvice(_)
            | Act::AskAdvice { .. }
            | Act::Consult { .. }
            | Act::Reply { .. }
            | Act::AwaitPlace { .. }
            | Act::HandOver { .. }
            | Act::CloseCase(_) => true,
        }
    }
}

impl AdviceAct {
    /// Whether the authority does it, and not the body asked.
    pub fn is_staffs(&self) -> bool {
        match self {
            AdviceAct::Return(_)
            | AdviceAct::Accept
            | AdviceAct::Redirect { .. }
            | AdviceAct::Withdraw
            | AdviceAct::ClaimMissedAppointment { .. } => true,
            AdviceAct::Acknowledge
            | AdviceAct::Submit
            | AdviceAct::Decline(_)
            | AdviceAct::MissAppointment { .. }
            | AdviceAct::HoldAppointment { .. } => false,
        }
    }
}
