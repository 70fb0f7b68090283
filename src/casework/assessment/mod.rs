//! The EHC needs assessment: its events, states and transitions (CFA 2014 s.36, SEND Regulations
//! 2014 Part 2).
//!
//! [`permitted`] is the table of what may happen in which state; [`apply`] is the one transition.
//! What a fact does to clocks is the rulebook's business: this file only reports marks.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod fact;

pub use self::fact::{
    AssessDecision, AssessDecisionNotified, AssessmentFact, AssessmentResumed, AssessmentWithdrawn,
    AuthorityGround, BecameResponsible, BroughtBy, Channel, DraftPlanServed, DraftReason, ExceptionClaimed,
    FinalPlanSent, FurtherRequestReceived, MovedOut, PlanDecision, PlanDecisionNotified, Recipient,
    RecipientRole, RepresentationsReceived, RequestReceived, Requester, ResumptionBasis, ResumptionOutcome,
    SettingAnswer, SettingConsulted, SettingReplied, WaivedBy, Waiver, WithdrawnBy,
};
use super::advice::AdviceFact;
use super::event::{Event, EventType, Fact};
use super::flag::{FlagCode, FlagSubject};
use super::timeline::{Ledger, Reason};
use crate::statute::exception::Claim;
use crate::statute::rulebook::Mark;

/// Where an assessment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentState {
    /// A request is in; whether to assess is not decided.
    ConsideringRequest,
    /// It was decided to assess; advice is being sought.
    Assessing,
    /// It was decided not to assess.
    AssessmentRefused,
    /// It was decided to issue a plan; the draft is being written.
    Drafting,
    /// A draft plan is with the family.
    DraftServed,
    /// The final plan was sent.
    PlanIssued,
    /// It was decided not to issue a plan.
    PlanRefused,
    /// The request was withdrawn.
    Withdrawn,
    /// The child or young person moved to another authority.
    MovedOut,
    /// The case was closed while the assessment was open.
    Closed,
    /// Opened in error: its first event was voided.
    Void,
}

impl AssessmentState {
    pub const ALL: [AssessmentState; 11] = [
        AssessmentState::ConsideringRequest,
        AssessmentState::Assessing,
        AssessmentState::AssessmentRefused,
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
        AssessmentState::PlanIssued,
        AssessmentState::PlanRefused,
        AssessmentState::Withdrawn,
        AssessmentState::MovedOut,
        AssessmentState::Closed,
        AssessmentState::Void,
    ];

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            AssessmentState::ConsideringRequest => "considering_request",
            AssessmentState::Assessing => "assessing",
            AssessmentState::AssessmentRefused => "assessment_refused",
            AssessmentState::Drafting => "drafting",
            AssessmentState::DraftServed => "draft_served",
            AssessmentState::PlanIssued => "plan_issued",
            AssessmentState::PlanRefused => "plan_refused",
            AssessmentState::Withdrawn => "withdrawn",
            AssessmentState::MovedOut => "moved_out",
            AssessmentState::Closed => "closed",
            AssessmentState::Void => "void",
        }
    }

    /// Whether the authority still owes the family an answer.
    pub fn is_open(self) -> bool {
        match self {
            AssessmentState::ConsideringRequest
            | AssessmentState::Assessing
            | AssessmentState::Drafting
            | AssessmentState::DraftServed => true,
            AssessmentState::AssessmentRefused
            | AssessmentState::PlanIssued
            | AssessmentState::PlanRefused
            | AssessmentState::Withdrawn
            | AssessmentState::MovedOut
            | AssessmentState::Closed
            | AssessmentState::Void => false,
        }
    }
}

/// Where a type stands among the events of one day.
///
/// Acts on advice share a rank, since a submission, its return and the next submission may all
/// fall on one day; the order of recording then decides.
pub fn rank(event_type: EventType) -> u8 {
    match event_type {
        EventType::RequestReceived | EventType::BecameResponsible => 0,
        EventType::FurtherRequestReceived => 1,
        EventType::AssessDecisionNotified => 2,
        // A resumption comes before what follows from it on its day, such as new requests for advice.
        EventType::AssessmentResumed => 3,
        EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceSubmitted
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed => 4,
        EventType::PlanDecisionNotified => 5,
        EventType::DraftPlanServed => 6,
        EventType::SettingConsulted => 7,
        EventType::SettingReplied => 8,
        EventType::RepresentationsReceived => 9,
        EventType::ExceptionClaimed => 10,
        EventType::FinalPlanSent => 11,
        EventType::AssessmentWithdrawn => 12,
        EventType::MovedOut => 13,
        EventType::CaseClosed => 14,
        EventType::Correction => 15,
    }
}

/// The event types that may be recorded on an assessment as such, not through its advice.
pub const RECORDED_TYPES: [EventType; 14] = [
    EventType::RequestReceived,
    EventType::BecameResponsible,
    EventType::FurtherRequestReceived,
    EventType::AssessDecisionNotified,
    EventType::PlanDecisionNotified,
    EventType::DraftPlanServed,
    EventType::RepresentationsReceived,
    EventType::SettingConsulted,
    EventType::SettingReplied,
    EventType::FinalPlanSent,
    EventType::AssessmentWithdrawn,
    EventType::MovedOut,
    EventType::AssessmentResumed,
    EventType::ExceptionClaimed,
];

/// The fields an event of a type must have beside its type and day.
pub fn required_fields(event_type: EventType) -> &'static [&'static str] {
    match event_type {
        EventType::RequestReceived | EventType::FurtherRequestReceived => &["requested_by"],
        EventType::BecameResponsible => &["brought_by"],
        EventType::AssessDecisionNotified | EventType::PlanDecisionNotified => &["decision"],
        EventType::SettingConsulted => &["consultation_id", "organisation_id"],
        EventType::SettingReplied => &["consultation_id", "reply"],
        EventType::AssessmentWithdrawn => &["withdrawn_by", "reason"],
        EventType::MovedOut => &["to_la"],
        EventType::AssessmentResumed => &["basis", "outcome"],
        EventType::ExceptionClaimed => &["ground", "from", "to", "clocks"],
        EventType::DraftPlanServed
        | EventType::RepresentationsReceived
        | EventType::FinalPlanSent
        | EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceSubmitted
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed
        | EventType::CaseClosed
        | EventType::Correction => &[],
    }
}

/// Whether an event of a type may happen in a state; before the opening there is none.
pub fn permitted(state: Option<AssessmentState>, event_type: EventType) -> bool {
    use AssessmentState::*;
    let Some(state) = state else {
        return matches!(
            event_type,
            EventType::RequestReceived | EventType::BecameResponsible
        );
    };
    match event_type {
        EventType::RequestReceived | EventType::BecameResponsible => false,
        EventType::AssessDecisionNotified => state == ConsideringRequest,
        EventType::PlanDecisionNotified | EventType::DraftPlanServed => {
            matches!(state, Assessing | Drafting | DraftServed)
        }
        EventType::RepresentationsReceived | EventType::FinalPlanSent => state == DraftServed,
        EventType::SettingConsulted | EventType::SettingReplied => matches!(state, Drafting | DraftServed),
        EventType::AssessmentResumed => matches!(state, AssessmentRefused | PlanRefused | Withdrawn),
        EventType::FurtherRequestReceived
        | EventType::AssessmentWithdrawn
        | EventType::MovedOut
        | EventType::ExceptionClaimed => state.is_open(),
        // It also ends the advice still owed to a plan that was sent.
        EventType::CaseClosed => !matches!(state, Closed | Void),
        EventType::AdviceSubmitted => state != Void,
        EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed => match state {
            ConsideringRequest | Assessing | Drafting | DraftServed | PlanIssued | MovedOut => true,
            AssessmentRefused | PlanRefused | Withdrawn | Closed | Void => false,
        },
        // Corrections act on what is known and are never folded.
        EventType::Correction => false,
    }
}

/// Applies one event to a state: reports its marks and gives the next state, or says why not.
pub fn apply(
    state: Option<AssessmentState>,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    if !permitted(state, event.fact.event_type()) {
        return Err(if state.is_none() {
            Reason::NotAnOpening
        } else {
            Reason::NotPermitted
        });
    }
    match &event.fact {
        Fact::Assessment(fact) => apply_fact(state, fact, event, ledger),
        Fact::Advice(fact) => apply_advice(state, fact, event, ledger),
        Fact::CaseClosed(_) => {
            let over = state.filter(|state| !state.is_open());
            Ok(end(over.unwrap_or(AssessmentState::Closed), event, ledger))
        }
    }
}

fn apply_advice(
    state: Option<AssessmentState>,
    fact: &AdviceFact,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    ledger.apply_advice(fact, event)?;
    state.ok_or(Reason::NotAnOpening)
}

fn apply_fact(
    state: Option<AssessmentState>,
    fact: &AssessmentFact,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    let same = state.ok_or(Reason::NotAnOpening);
    match fact {
        AssessmentFact::RequestReceived(_) => {
            ledger.mark(Mark::RequestReceived, event);
            Ok(AssessmentState::ConsideringRequest)
        }
        AssessmentFact::BecameResponsible(_) => {
            ledger.mark(Mark::BecameResponsible, event);
            Ok(AssessmentState::ConsideringRequest)
        }
        AssessmentFact::FurtherRequestReceived(_) => same,
        AssessmentFact::AssessDecisionNotified(notified) => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            match notified.decision {
                AssessDecision::Assess => {
                    ledger.seek_advice(event);
                    Ok(AssessmentState::Assessing)
                }
                AssessDecision::Refuse => {
                    ledger.mark(Mark::AssessmentRefused, event);
                    ledger.stop_advice(event);
                    Ok(AssessmentState::AssessmentRefused)
                }
            }
        }
        AssessmentFact::PlanDecisionNotified(notified) => match notified.decision {
            PlanDecision::Issue => {
                ledger.mark(Mark::IssueDecided, event);
                ledger.plan_without_advice(event);
                Ok(AssessmentState::Drafting)
            }
            PlanDecision::NotIssue => {
                ledger.mark(Mark::NoPlanNotified, event);
                ledger.no_plan_decided(event);
                ledger.stop_advice(event);
                Ok(AssessmentState::PlanRefused)
            }
        },
        AssessmentFact::DraftPlanServed(served) => {
            ledger.mark(Mark::IssueDecided, event);
            ledger.plan_without_advice(event);
            match served.reason {
                // There are no representations on a draft that nobody has seen: the family has its window.
                DraftReason::RepresentationsAgreed if ledger.clocks.newest_window().is_some() => {}
                DraftReason::First | DraftReason::AuthorityChanges | DraftReason::RepresentationsAgreed => {
                    ledger.mark(Mark::DraftServed, event);
                }
            }
            Ok(AssessmentState::DraftServed)
        }
        AssessmentFact::RepresentationsReceived(_) => same,
        AssessmentFact::SettingConsulted(consulted) => {
            if !ledger.consult(consulted.consultation_id) {
                return Err(Reason::ConsultationRepeated);
            }
            ledger.mark_about(
                Mark::SettingConsulted,
                event,
                Some(consulted.consultation_id),
                None,
            );
            same
        }
        AssessmentFact::SettingReplied(replied) => {
            if !ledger.is_consulted(replied.consultation_id) {
                return Err(Reason::ConsultationUnknown);
            }
            ledger.mark_about(Mark::SettingReplied, event, Some(replied.consultation_id), None);
            same
        }
        AssessmentFact::FinalPlanSent(sent) => send_final_plan(sent, event, ledger),
        AssessmentFact::AssessmentWithdrawn(_) => Ok(end(AssessmentState::Withdrawn, event, ledger)),
        AssessmentFact::MovedOut(_) => Ok(end(AssessmentState::MovedOut, event, ledger)),
        AssessmentFact::AssessmentResumed(resumed) => resume(same?, resumed, event, ledger),
        AssessmentFact::ExceptionClaimed(claimed) => {
            ledger.clocks.claim(claim_of(claimed, event));
            same
        }
    }
}

fn send_final_plan(
    sent: &FinalPlanSent,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    let sent_on = match sent.recipients.iter().map(|recipient| recipient.sent_on).max() {
        Some(last_sent_on) => last_sent_on,
        None => event.dated(Mark::FinalPlanSent.dated_by()),
    };
    // The first sending is what a family whose window is open would complain of.
    let first_sent_on = sent
        .recipients
        .iter()
        .map(|recipient| recipient.sent_on)
        .min()
        .unwrap_or(sent_on);
    if let Some(waived_on) = waived_on(sent, first_sent_on, ledger) {
        ledger.mark_dated(Mark::DraftWindowWaived, event, waived_on, None, None);
    }
    let window_ends_on = ledger
        .clocks
        .newest_window()
        .map(|window| window.due_on)
        .filter(|ends_on| first_sent_on <= *ends_on);
    if event.fresh {
        let unacknowledged = window_ends_on.filter(|_| !sent.sent_early_acknowledged);
        let outstanding = match sent.missing_advice_reason {
            Some(_) => Vec::new(),
            None => ledger.required_and_outstanding(event.occurred_on),
        };
        if unacknowledged.is_some() || !outstanding.is_empty() {
            return Err(Reason::PlanNotReady {
                window_ends_on: unacknowledged,
                outstanding,
            });
        }
    }
    if window_ends_on.is_some() {
        ledger.flags.raise(
            FlagCode::DraftWindowCutShort,
            FlagSubject::default(),
            event.occurred_on,
            None,
        );
        ledger.mark_dated(Mark::DraftWindowCutShort, event, first_sent_on, None, None);
    }
    ledger.mark_dated(Mark::FinalPlanSent, event, sent_on, None, None);
    ledger.plan_sent(event);
    Ok(AssessmentState::PlanIssued)
}

/// The day the family waived the rest of its newest window. What it said before that window opened
/// was about another, and what it said after the plan had gone out could not let it go.
fn waived_on(sent: &FinalPlanSent, first_sent_on: NaiveDate, ledger: &Ledger<'_>) -> Option<NaiveDate> {
    let window = ledger.clocks.newest_window()?;
    sent.waiver
        .as_ref()
        .map(|waiver| waiver.given_on)
        .filter(|given_on| window.started_on <= *given_on && *given_on <= first_sent_on)
}

fn resume(
    from: AssessmentState,
    resumed: &AssessmentResumed,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    ledger.mark(Mark::AssessmentResumed, event);
    ledger.resume_advice(event);
    Ok(match resumed.outcome {
        ResumptionOutcome::Assess => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            ledger.seek_advice(event);
            reopen_plan_decision(AssessmentState::Assessing, event, ledger)
        }
        ResumptionOutcome::MakePlan => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            ledger.seek_advice(event);
            ledger.mark(Mark::IssueDecided, event);
            ledger.plan_without_advice(event);
            AssessmentState::Drafting
        }
        ResumptionOutcome::Reconsider if from == AssessmentState::PlanRefused => {
            reopen_plan_decision(AssessmentState::Assessing, event, ledger)
        }
        ResumptionOutcome::Reconsider => {
            reopen_plan_decision(AssessmentState::ConsideringRequest, event, ledger)
        }
    })
}

/// Whether to issue a plan will be decided again, if it was decided at all.
fn reopen_plan_decision(state: AssessmentState, event: &Event, ledger: &mut Ledger<'_>) -> AssessmentState {
    ledger.mark(Mark::PlanDecisionReopened, event);
    ledger.no_plan_decided(event);
    state
}

fn end(state: AssessmentState, event: &Event, ledger: &mut Ledger<'_>) -> AssessmentState {
    ledger.mark(Mark::ProcedureEnded, event);
    ledger.stop_advice(event);
    state
}

fn claim_of(claimed: &ExceptionClaimed, event: &Event) -> Claim {
    Claim {
        event_id: event.id,
        occurred_on: event.occurred_on,
        ground: claimed.ground.into(),
        clocks: claimed.clocks.clone(),
        subject: None,
        from_on: claimed.from,
        to_on: claimed.to,
        closed_from_on: claimed.closed_from,
        reopens_on: claimed.reopens_on,
        advice_requested_on: claimed.advice_requested_on,
        causal_link: claimed.causal_link.clone(),
    }
}
