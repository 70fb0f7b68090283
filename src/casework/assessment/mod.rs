//! The EHC needs assessment: its events, states and transitions (CFA 2014 s.36, SEND Regulations
//! 2014 Part 2).
//!
//! The table of events says what may happen in which state; `apply_fact` is the one transition.
//! What a fact does to clocks is the rulebook's business: this file only reports marks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod fact;

pub use self::fact::{
    AssessDecision, AssessDecisionNotified, AssessmentFact, AssessmentResumed, AssessmentWithdrawn,
    BecameResponsible, BroughtBy, Channel, DraftPlanServed, DraftReason, FinalPlanSent,
    FurtherRequestReceived, JointAttendance, JointMeetingArranged, JointMeetingHeld, MovedOut, PlanDecision,
    PlanDecisionNotified, RepresentationsReceived, RequestReceived, Requester, ResumptionBasis,
    ResumptionOutcome, WithdrawnBy,
};
use super::advice::AdviceFor;
use super::event::Event;
use super::plan::{PLAN, PlanFact, PlanMade};
use super::procedure::{EventRow, EventType, Procedure, ProcedureKind, State, States};
use super::sending::Sending;
use super::timeline::{Ledger, Reason};
use crate::statute::rulebook::{ASSESSMENT_RULES, Mark, Rule};

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
    pub const fn name(self) -> &'static str {
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

    /// The state as the rest of the program knows it.
    const fn told(self) -> State {
        State::new(self.name(), self.is_open(), self as u8)
    }

    /// Whether the authority still owes the family an answer.
    pub const fn is_open(self) -> bool {
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

/// Any state in which the authority still owes the family an answer.
const OPEN: States = any_of(&[
    AssessmentState::ConsideringRequest,
    AssessmentState::Assessing,
    AssessmentState::Drafting,
    AssessmentState::DraftServed,
]);

/// The table of events: the name, the rank among the events of a day, the required fields, and where
/// they may happen.
const REQUEST_RECEIVED: EventType = EventType::of(&EventRow::own(
    "request_received",
    0,
    &["requested_by"],
    States::BEFORE_OPENING,
));
const BECAME_RESPONSIBLE: EventType = EventType::of(&EventRow::own(
    "became_responsible",
    0,
    &["brought_by"],
    States::BEFORE_OPENING,
));
const FURTHER_REQUEST_RECEIVED: EventType = EventType::of(&EventRow::own(
    "further_request_received",
    1,
    &["requested_by"],
    OPEN,
));
const ASSESS_DECISION_NOTIFIED: EventType = EventType::of(&EventRow::own(
    "assess_decision_notified",
    2,
    &["decision"],
    any_of(&[AssessmentState::ConsideringRequest]),
));
// They rank with advice, since it may be given there.
const JOINT_MEETING_ARRANGED: EventType =
    EventType::of(&EventRow::own("joint_meeting_arranged", 4, &["meeting_on", "invited"], OPEN).internal());
const JOINT_MEETING_HELD: EventType =
    EventType::of(&EventRow::own("joint_meeting_held", 4, &["attendance"], OPEN).internal());
const PLAN_DECISION_NOTIFIED: EventType = EventType::of(&EventRow::own(
    "plan_decision_notified",
    5,
    &["decision"],
    any_of(&[
        AssessmentState::Assessing,
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
    ]),
));
const DRAFT_PLAN_SERVED: EventType = EventType::of(&EventRow::own(
    "draft_plan_served",
    6,
    &[],
    any_of(&[
        AssessmentState::Assessing,
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
    ]),
));
const REPRESENTATIONS_RECEIVED: EventType = EventType::of(&EventRow::own(
    "representations_received",
    9,
    &[],
    any_of(&[AssessmentState::DraftServed]),
));
const SETTING_CONSULTED: EventType = EventType::of(&EventRow::own(
    "setting_consulted",
    7,
    &["consultation_id", "organisation_id"],
    any_of(&[AssessmentState::Drafting, AssessmentState::DraftServed]),
));
const SETTING_REPLIED: EventType = EventType::of(&EventRow::own(
    "setting_replied",
    8,
    &["consultation_id", "reply"],
    any_of(&[AssessmentState::Drafting, AssessmentState::DraftServed]),
));
// A place may be waited for, and come, long after the plan was sent.
const PLACE_AWAITED: EventType = EventType::of(&EventRow::own(
    "place_awaited",
    9,
    &["consultation_id", "since_on"],
    any_of(&[
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
        AssessmentState::PlanIssued,
    ]),
));
const PLACE_OFFERED: EventType = EventType::of(&EventRow::own(
    "place_offered",
    10,
    &["consultation_id"],
    any_of(&[
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
        AssessmentState::PlanIssued,
    ]),
));
const FINAL_PLAN_SENT: EventType = EventType::of(
    &EventRow::own(
        "final_plan_sent",
        11,
        &[],
        any_of(&[AssessmentState::DraftServed]),
    )
    .leading_on(),
);
const ASSESSMENT_WITHDRAWN: EventType = EventType::of(&EventRow::own(
    "assessment_withdrawn",
    12,
    &["withdrawn_by", "reason"],
    OPEN,
));
const MOVED_OUT: EventType = EventType::of(&EventRow::own("moved_out", 13, &["to_la"], OPEN));
// A resumption comes before what follows from it on its day, such as new requests for advice.
const ASSESSMENT_RESUMED: EventType = EventType::of(&EventRow::own(
    "assessment_resumed",
    3,
    &["basis", "outcome"],
    any_of(&[
        AssessmentState::AssessmentRefused,
        AssessmentState::PlanRefused,
        AssessmentState::Withdrawn,
    ]),
));
const EXCEPTION_CLAIMED: EventType = EventType::of(
    &EventRow::own("exception_claimed", 10, &["ground", "from", "to", "clocks"], OPEN).internal(),
);

const fn any_of(states: &[AssessmentState]) -> States {
    let mut set = States::NONE;
    let mut next = 0;
    while next < states.len() {
        set = set.with(states[next] as u8);
        next += 1;
    }
    set
}

/// The assessment among the procedures.
pub static ASSESSMENT: ProcedureKind = ProcedureKind::of::<Assessment>();

/// The EHC needs assessment.
pub struct Assessment;

impl Procedure for Assessment {
    const NAME: &'static str = "assessment";
    type State = AssessmentState;
    type Fact = AssessmentFact;
    const STATES: &'static [State] = &told();
    const EVENT_TYPES: &'static [EventType] = &[
        REQUEST_RECEIVED,
        BECAME_RESPONSIBLE,
        FURTHER_REQUEST_RECEIVED,
        ASSESS_DECISION_NOTIFIED,
        JOINT_MEETING_ARRANGED,
        JOINT_MEETING_HELD,
        PLAN_DECISION_NOTIFIED,
        DRAFT_PLAN_SERVED,
        REPRESENTATIONS_RECEIVED,
        SETTING_CONSULTED,
        SETTING_REPLIED,
        PLACE_AWAITED,
        PLACE_OFFERED,
        FINAL_PLAN_SENT,
        ASSESSMENT_WITHDRAWN,
        MOVED_OUT,
        ASSESSMENT_RESUMED,
        EXCEPTION_CLAIMED,
    ];
    const RULES: &'static [Rule] = ASSESSMENT_RULES;
    const ADVICE_FOR: Option<AdviceFor> = Some(AdviceFor::Assessment);
    const ADVICE_SOUGHT_IN: States = any_of(&[
        AssessmentState::ConsideringRequest,
        AssessmentState::Assessing,
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
        AssessmentState::PlanIssued,
        AssessmentState::MovedOut,
    ]);
    const ADVICE_TAKEN_IN: States = Self::ADVICE_SOUGHT_IN
        .with(AssessmentState::AssessmentRefused as u8)
        .with(AssessmentState::PlanRefused as u8)
        .with(AssessmentState::Withdrawn as u8)
        .with(AssessmentState::Closed as u8);
    // Advice may still be owed to a plan that was sent.
    const OUTLASTS_IN: States = any_of(&[AssessmentState::PlanIssued, AssessmentState::MovedOut]);
    const CLOSED: AssessmentState = AssessmentState::Closed;

    fn apply(
        state: Option<AssessmentState>,
        fact: &AssessmentFact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<AssessmentState, Reason> {
        apply_fact(state, fact, event, ledger)
    }
}

const fn told() -> [State; AssessmentState::ALL.len()] {
    let mut states = [AssessmentState::ALL[0].told(); AssessmentState::ALL.len()];
    let mut next = 0;
    while next < states.len() {
        states[next] = AssessmentState::ALL[next].told();
        next += 1;
    }
    states
}

impl From<AssessmentState> for State {
    fn from(state: AssessmentState) -> State {
        state.told()
    }
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
                ledger.await_no_place(event);
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
        AssessmentFact::JointMeetingArranged(_)
        | AssessmentFact::JointMeetingHeld(_)
        | AssessmentFact::RepresentationsReceived(_) => same,
        AssessmentFact::SettingConsulted(consulted) => {
            ledger.consult_setting(consulted, event)?;
            same
        }
        AssessmentFact::SettingReplied(replied) => {
            ledger.hear_from_setting(replied, event)?;
            same
        }
        AssessmentFact::PlaceAwaited(awaited) => {
            ledger.await_place(awaited, event)?;
            same
        }
        AssessmentFact::PlaceOffered(offered) => {
            ledger.offer_place(offered, event)?;
            same
        }
        AssessmentFact::FinalPlanSent(sent) => send_final_plan(sent, event, ledger),
        AssessmentFact::AssessmentWithdrawn(_) => {
            ledger.end(event);
            Ok(AssessmentState::Withdrawn)
        }
        AssessmentFact::MovedOut(_) => {
            ledger.end(event);
            Ok(AssessmentState::MovedOut)
        }
        AssessmentFact::AssessmentResumed(resumed) => resume(same?, resumed, event, ledger),
        AssessmentFact::ExceptionClaimed(claimed) => {
            ledger.clocks.claim(claimed.claim(event));
            same
        }
    }
}

fn send_final_plan(
    sent: &FinalPlanSent,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    let outstanding = match sent.missing_advice_reason {
        None if event.fresh => ledger.required_and_outstanding(event.occurred_on),
        None | Some(_) => Vec::new(),
    };
    let sending = Sending {
        recipients: &sent.recipients,
        waiver: sent.waiver.as_ref(),
        sent_early_acknowledged: sent.sent_early_acknowledged,
    };
    ledger.send_plan(Mark::FinalPlanSent, sending, outstanding, event)?;
    ledger.plan_sent(event);
    let made = PlanMade {
        version: sent.version,
    };
    ledger.leads_to(&PLAN, PlanFact::PlanMade(made), event, event.occurred_on);
    Ok(AssessmentState::PlanIssued)
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
