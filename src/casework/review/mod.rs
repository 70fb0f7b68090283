//! The review of a plan: its events, states and transitions (CFA 2014 s.44, SEND Regulations 2014 regs 18
//! to 22).
//!
//! One review runs from the day the plan was made or last reviewed to the decision, or to the amended plan
//! that follows from it. Steps that happened elsewhere may be left out; the clocks they would have started
//! are not there. What a fact does to clocks is the rulebook's business: this file only reports marks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod fact;

pub use self::fact::{
    AmendmentNoticeSent, AmendmentRepresentationsReceived, Arranger, PapersCirculated, Phase,
    PhaseTransferExpected, ReviewDecision, ReviewDecisionNotified, ReviewFact, ReviewKind,
    ReviewMeetingArranged, ReviewMeetingHeld, ReviewPeriodStarted, ReviewPlanAmended, ReviewPlanCeased,
    ReviewReportSent, ReviewWithdrawn,
};
use super::advice::AdviceFor;
use super::child::{ChildFacts, turns_on};
use super::event::Event;
use super::flag::FlagCode;
use super::plan::{CeaseNotified, PLAN, PlanFact};
use super::procedure::{EventRow, EventType, Procedure, ProcedureKind, State, States};
use super::sending::{AmendedPlanSent, Sending};
use super::timeline::{Ledger, Reason};
use crate::statute::clock::Owed;
use crate::statute::rulebook::{
    ClockKind, EARLY_YEARS_END_AT_AGE, EARLY_YEARS_REVIEW, Force, Mark, Party, REVIEW_RULES, Rule,
};

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// The period to the review runs; no meeting is arranged.
    InPeriod,
    /// A date is set for the meeting.
    MeetingArranged,
    /// The meeting took place; what follows is not decided.
    MeetingHeld,
    /// It was decided to amend; the amendments are being written.
    Amending,
    /// Proposed amendments are with the family.
    AmendmentProposed,
    /// The plan stays as it was.
    Maintained,
    /// The amended plan was sent.
    Amended,
    /// Amendments were decided or proposed, and will not be made.
    AmendmentAbandoned,
    /// It was decided to cease the plan.
    CeaseDecided,
    /// The review was not gone on with.
    Withdrawn,
    /// The plan was ceased while the review was open.
    PlanCeased,
    /// The case was closed while the review was open.
    Closed,
    /// Opened in error: its first event was voided.
    Void,
}

impl ReviewState {
    pub const ALL: [ReviewState; 13] = [
        ReviewState::InPeriod,
        ReviewState::MeetingArranged,
        ReviewState::MeetingHeld,
        ReviewState::Amending,
        ReviewState::AmendmentProposed,
        ReviewState::Maintained,
        ReviewState::Amended,
        ReviewState::AmendmentAbandoned,
        ReviewState::CeaseDecided,
        ReviewState::Withdrawn,
        ReviewState::PlanCeased,
        ReviewState::Closed,
        ReviewState::Void,
    ];

    /// The name used in the API and in stores.
    pub const fn name(self) -> &'static str {
        match self {
            ReviewState::InPeriod => "in_period",
            ReviewState::MeetingArranged => "meeting_arranged",
            ReviewState::MeetingHeld => "meeting_held",
            ReviewState::Amending => "amending",
            ReviewState::AmendmentProposed => "amendment_proposed",
            ReviewState::Maintained => "maintained",
            ReviewState::Amended => "amended",
            ReviewState::AmendmentAbandoned => "amendment_abandoned",
            ReviewState::CeaseDecided => "cease_decided",
            ReviewState::Withdrawn => "withdrawn",
            ReviewState::PlanCeased => "plan_ceased",
            ReviewState::Closed => "closed",
            ReviewState::Void => "void",
        }
    }

    /// Whether the review still has to be completed.
    pub const fn is_open(self) -> bool {
        match self {
            ReviewState::InPeriod
            | ReviewState::MeetingArranged
            | ReviewState::MeetingHeld
            | ReviewState::Amending
            | ReviewState::AmendmentProposed => true,
            ReviewState::Maintained
            | ReviewState::Amended
            | ReviewState::AmendmentAbandoned
            | ReviewState::CeaseDecided
            | ReviewState::Withdrawn
            | ReviewState::PlanCeased
            | ReviewState::Closed
            | ReviewState::Void => false,
        }
    }

    /// The state as the rest of the program knows it.
    const fn told(self) -> State {
        let state = State::new(self.name(), self.is_open(), self as u8);
        match self {
            // The review is complete: the next one's period runs while the plan is being amended.
            ReviewState::Amending | ReviewState::AmendmentProposed => state.beside_another(),
            ReviewState::InPeriod
            | ReviewState::MeetingArranged
            | ReviewState::MeetingHeld
            | ReviewState::Maintained
            | ReviewState::Amended
            | ReviewState::AmendmentAbandoned
            | ReviewState::CeaseDecided
            | ReviewState::Withdrawn
            | ReviewState::PlanCeased
            | ReviewState::Closed
            | ReviewState::Void => state,
        }
    }
}

impl From<ReviewState> for State {
    fn from(state: ReviewState) -> State {
        state.told()
    }
}

const BEFORE_MEETING: States = States::NONE
    .with(ReviewState::InPeriod as u8)
    .with(ReviewState::MeetingArranged as u8);

/// Any state in which the review still has to be completed.
const OPEN: States = BEFORE_MEETING
    .with(ReviewState::MeetingHeld as u8)
    .with(ReviewState::Amending as u8)
    .with(ReviewState::AmendmentProposed as u8);

/// It is over, and what follows from it was said.
const DECIDED: States = States::NONE
    .with(ReviewState::Maintained as u8)
    .with(ReviewState::Amended as u8)
    .with(ReviewState::AmendmentAbandoned as u8)
    .with(ReviewState::CeaseDecided as u8);

/// The table of events: the name, the rank among the events of a day, the required fields, and where
/// they may happen.
const REVIEW_PERIOD_STARTED: EventType = EventType::of(&EventRow::own(
    "review_period_started",
    0,
    &["kind"],
    States::BEFORE_OPENING,
));
const PHASE_TRANSFER_EXPECTED: EventType = EventType::of(&EventRow::own(
    "phase_transfer_expected",
    1,
    &["phase", "transfer_on"],
    OPEN,
));
const REVIEW_MEETING_ARRANGED: EventType = EventType::of(&EventRow::own(
    "review_meeting_arranged",
    2,
    &["meeting_on"],
    BEFORE_MEETING,
));
const PAPERS_CIRCULATED: EventType = EventType::of(&EventRow::own("papers_circulated", 3, &[], OPEN));
const REVIEW_MEETING_HELD: EventType =
    EventType::of(&EventRow::own("review_meeting_held", 5, &[], BEFORE_MEETING));
const REVIEW_REPORT_SENT: EventType =
    EventType::of(&EventRow::own("review_report_sent", 6, &[], OPEN.and(DECIDED)));
const REVIEW_DECISION_NOTIFIED: EventType =
    EventType::of(&EventRow::own("review_decision_notified", 7, &["decision"], OPEN).leading_on());
const AMENDMENT_NOTICE_SENT: EventType =
    EventType::of(&EventRow::own("amendment_notice_sent", 8, &[], OPEN).leading_on());
const REPRESENTATIONS_RECEIVED: EventType = EventType::of(&EventRow::own(
    "representations_received",
    9,
    &[],
    States::NONE
        .with(ReviewState::Amending as u8)
        .with(ReviewState::AmendmentProposed as u8),
));
const SETTING_CONSULTED: EventType = EventType::of(&EventRow::own(
    "setting_consulted",
    4,
    &["consultation_id", "organisation_id"],
    OPEN,
));
const SETTING_REPLIED: EventType = EventType::of(&EventRow::own(
    "setting_replied",
    5,
    &["consultation_id", "reply"],
    OPEN,
));
// A place may be waited for, and come, long after the amended plan was sent.
const PLACE_AWAITED: EventType = EventType::of(&EventRow::own(
    "place_awaited",
    5,
    &["consultation_id", "since_on"],
    OPEN.with(ReviewState::Amended as u8),
));
const PLACE_OFFERED: EventType = EventType::of(&EventRow::own(
    "place_offered",
    6,
    &["consultation_id"],
    OPEN.with(ReviewState::Amended as u8),
));
const AMENDED_PLAN_SENT: EventType = EventType::of(
    &EventRow::own(
        "amended_plan_sent",
        11,
        &[],
        OPEN.with(ReviewState::Maintained as u8)
            .with(ReviewState::AmendmentAbandoned as u8)
            .with(ReviewState::CeaseDecided as u8),
    )
    .leading_on(),
);
const AMENDMENT_ABANDONED_NOTIFIED: EventType = EventType::of(&EventRow::own(
    "amendment_abandoned_notified",
    12,
    &[],
    States::NONE
        .with(ReviewState::Amending as u8)
        .with(ReviewState::AmendmentProposed as u8),
));
const REVIEW_WITHDRAWN: EventType =
    EventType::of(&EventRow::own("review_withdrawn", 13, &["withdrawn_by", "reason"], OPEN).leading_on());
const PLAN_CEASED: EventType =
    EventType::of(&EventRow::own("plan_ceased", 13, &[], OPEN.and(DECIDED)).following());
// It stands wherever something is told late of the review, and comes before what the review itself sent that day.
const PLAN_AMENDED: EventType = EventType::of(
    &EventRow::own(
        "plan_amended",
        10,
        &[],
        OPEN.and(DECIDED)
            .with(ReviewState::Withdrawn as u8)
            .with(ReviewState::PlanCeased as u8),
    )
    .internal()
    .following_for(ClockKind::PhaseTransferPlan),
);
const EXCEPTION_CLAIMED: EventType = EventType::of(
    &EventRow::own("exception_claimed", 10, &["ground", "from", "to", "clocks"], OPEN).internal(),
);

/// The review among the procedures.
pub static REVIEW: ProcedureKind = ProcedureKind::of::<Review>();

/// The review of a plan.
pub struct Review;

impl Procedure for Review {
    const NAME: &'static str = "review";
    type State = ReviewState;
    type Fact = ReviewFact;
    const STATES: &'static [State] = &told();
    const EVENT_TYPES: &'static [EventType] = &[
        REVIEW_PERIOD_STARTED,
        PHASE_TRANSFER_EXPECTED,
        REVIEW_MEETING_ARRANGED,
        PAPERS_CIRCULATED,
        REVIEW_MEETING_HELD,
        REVIEW_REPORT_SENT,
        REVIEW_DECISION_NOTIFIED,
        AMENDMENT_NOTICE_SENT,
        REPRESENTATIONS_RECEIVED,
        SETTING_CONSULTED,
        SETTING_REPLIED,
        PLACE_AWAITED,
        PLACE_OFFERED,
        AMENDED_PLAN_SENT,
        AMENDMENT_ABANDONED_NOTIFIED,
        REVIEW_WITHDRAWN,
        PLAN_AMENDED,
        PLAN_CEASED,
        EXCEPTION_CLAIMED,
    ];
    const RULES: &'static [Rule] = REVIEW_RULES;
    // Advice for a review goes to the meeting with its papers; no limit of its own was found for it.
    const ADVICE_FOR: Option<AdviceFor> = Some(AdviceFor::ReviewMeeting);
    // What came is still looked at while the amendments that it led to are written.
    const ADVICE_SOUGHT_IN: States = OPEN;
    const ADVICE_TAKEN_IN: States = OPEN
        .with(ReviewState::Maintained as u8)
        .with(ReviewState::Amended as u8)
        .with(ReviewState::AmendmentAbandoned as u8)
        .with(ReviewState::CeaseDecided as u8)
        .with(ReviewState::Withdrawn as u8)
        .with(ReviewState::PlanCeased as u8)
        .with(ReviewState::Closed as u8);
    // The report may still be owed, and the plan before a change of phase.
    const OUTLASTS_IN: States = DECIDED;
    const CLOSED: ReviewState = ReviewState::Closed;

    fn apply(
        state: Option<ReviewState>,
        fact: &ReviewFact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<ReviewState, Reason> {
        match fact {
            ReviewFact::ReviewPeriodStarted(started) => Ok(start(started, event, ledger)),
            ReviewFact::PhaseTransferExpected(expected) => {
                ledger.mark_naming(expected.phase.mark(), event, expected.transfer_on, None);
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::ReviewMeetingArranged(arranged) => {
                let owed = owed_by(arranged.arranged_by.party());
                ledger.mark_naming(Mark::ReviewMeetingArranged, event, arranged.meeting_on, owed);
                ledger.need_advice_by(ClockKind::ReviewPapers);
                // Arranging a meeting is inviting to it; `sent_on` says when.
                ledger.mark(Mark::ReviewNoticeGiven, event);
                Ok(ReviewState::MeetingArranged)
            }
            ReviewFact::PapersCirculated(_) => {
                ledger.mark(Mark::PapersCirculated, event);
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::ReviewMeetingHeld(held) => {
                review_is_made(event, ledger);
                ledger.mark(Mark::ReviewMeetingHeld, event);
                ledger.mark_about(
                    Mark::ReviewReportOwed,
                    event,
                    None,
                    owed_by(held.reported_by.party()),
                );
                Ok(ReviewState::MeetingHeld)
            }
            ReviewFact::ReviewReportSent(_) => {
                ledger.mark(Mark::ReviewReportSent, event);
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::ReviewDecisionNotified(notified) => Ok(decide(
                state.ok_or(Reason::NotAnOpening)?,
                notified,
                event,
                ledger,
            )),
            ReviewFact::AmendmentNoticeSent(_) => {
                Ok(propose(state.ok_or(Reason::NotAnOpening)?, event, ledger))
            }
            ReviewFact::RepresentationsReceived(_) => state.ok_or(Reason::NotAnOpening),
            ReviewFact::SettingConsulted(consulted) => {
                ledger.consult_setting(consulted, event)?;
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::SettingReplied(replied) => {
                ledger.hear_from_setting(replied, event)?;
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::PlaceAwaited(awaited) => {
                ledger.await_place(awaited, event)?;
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::PlaceOffered(offered) => {
                ledger.offer_place(offered, event)?;
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::AmendedPlanSent(sent) => {
                send_amended_plan(state.ok_or(Reason::NotAnOpening)?, sent, event, ledger)
            }
            ReviewFact::AmendmentAbandonedNotified(_) => {
                leave_as_it_was(event, ledger);
                Ok(ReviewState::AmendmentAbandoned)
            }
            ReviewFact::ReviewWithdrawn(_) => {
                withdraw(event, ledger);
                Ok(ReviewState::Withdrawn)
            }
            ReviewFact::PlanAmended(_) => {
                ledger.mark(Mark::PlanAmended, event);
                state.ok_or(Reason::NotAnOpening)
            }
            ReviewFact::PlanCeased(_) => {
                let state = state.ok_or(Reason::NotAnOpening)?;
                ledger.end(event);
                Ok(if state.is_open() {
                    ReviewState::PlanCeased
                } else {
                    state
                })
            }
            ReviewFact::ExceptionClaimed(claimed) => {
                ledger.clocks.claim(claimed.claim(event));
                state.ok_or(Reason::NotAnOpening)
            }
        }
    }
}

const fn told() -> [State; ReviewState::ALL.len()] {
    let mut states = [ReviewState::ALL[0].told(); ReviewState::ALL.len()];
    let mut next = 0;
    while next < states.len() {
        states[next] = ReviewState::ALL[next].told();
        next += 1;
    }
    states
}

fn start(started: &ReviewPeriodStarted, event: &Event, ledger: &mut Ledger<'_>) -> ReviewState {
    ledger.mark(Mark::ReviewPeriodStarted, event);
    match started.kind {
        ReviewKind::EarlyYears => {
            let fifth_birthday = |child: &ChildFacts| turns_on(child.date_of_birth, EARLY_YEARS_END_AT_AGE);
            ledger.flags.raise_until(
                FlagCode::EarlyYearsReview,
                EARLY_YEARS_REVIEW.considered_from_on(event.occurred_on),
                ledger.child.map(fifth_birthday),
                Some(Party::LocalAuthority),
            );
        }
        ReviewKind::Annual | ReviewKind::Interim | ReviewKind::PhaseTransfer => {}
    }
    ReviewState::InPeriod
}

/// The family was told what follows from the review. With that it is complete, and the next period runs from
/// that day: while the plan is maintained it is never without one.
fn complete(from: ReviewState, event: &Event, ledger: &mut Ledger<'_>) {
    review_is_made(event, ledger);
    ledger.mark(Mark::ReviewDecisionNotified, event);
    if !is_complete(from) {
        let reviewed_on = event.dated(Mark::ReviewDecisionNotified.dated_by());
        let started = ReviewPeriodStarted::after(ledger.child, reviewed_on);
        ledger.leads_to(
            &REVIEW,
            ReviewFact::ReviewPeriodStarted(started),
            event,
            reviewed_on,
        );
    }
}

/// The review is not gone on with; the plan still has to be reviewed within the same period.
fn withdraw(event: &Event, ledger: &mut Ledger<'_>) {
    let period_from_on = ledger
        .clocks
        .running(ClockKind::ReviewDue)
        .map(|due| due.started_on);
    ledger.end(event);
    if let Some(from_on) = period_from_on {
        let started = ReviewPeriodStarted::after(ledger.child, from_on);
        ledger.leads_to(&REVIEW, ReviewFact::ReviewPeriodStarted(started), event, from_on);
    }
}

/// Whether it was said before what follows from the review.
fn is_complete(state: ReviewState) -> bool {
    match state {
        ReviewState::Amending
        | ReviewState::AmendmentProposed
        | ReviewState::Maintained
        | ReviewState::Amended
        | ReviewState::AmendmentAbandoned
        | ReviewState::CeaseDecided => true,
        ReviewState::InPeriod
        | ReviewState::MeetingArranged
        | ReviewState::MeetingHeld
        | ReviewState::Withdrawn
        | ReviewState::PlanCeased
        | ReviewState::Closed
        | ReviewState::Void => false,
    }
}

/// The plan is being reviewed: nobody need consider it any more.
fn review_is_made(event: &Event, ledger: &mut Ledger<'_>) {
    ledger
        .flags
        .lower(FlagCode::EarlyYearsReview, event.occurred_on, |_| true);
}

fn decide(
    from: ReviewState,
    notified: &ReviewDecisionNotified,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> ReviewState {
    complete(from, event, ledger);
    match notified.decision {
        ReviewDecision::Amend if is_amending(from) => from,
        ReviewDecision::Amend => {
            ledger.mark(Mark::AmendmentDecided, event);
            ReviewState::Amending
        }
        // Where amendments were decided or proposed before, it says that they will not be made.
        ReviewDecision::Maintain => {
            leave_as_it_was(event, ledger);
            ReviewState::Maintained
        }
        ReviewDecision::Cease => {
            leave_as_it_was(event, ledger);
            // The notice of this decision is the one against which an appeal can be made.
            let sent_on = event.dated(Mark::CeaseNotified.dated_by());
            let told = PlanFact::CeaseNotified(CeaseNotified { reason: None });
            ledger.leads_to(&PLAN, told, event, sent_on);
            ReviewState::CeaseDecided
        }
    }
}

/// The plan names what it named: nobody is asked for advice or waits for a place any more.
fn leave_as_it_was(event: &Event, ledger: &mut Ledger<'_>) {
    ledger.mark(Mark::AmendmentAbandoned, event);
    ledger.stop_advice(event);
    ledger.await_no_place(event);
}

/// Whether it has been decided to amend, by a notice of the decision or by one of the amendments.
fn is_amending(state: ReviewState) -> bool {
    match state {
        ReviewState::Amending | ReviewState::AmendmentProposed => true,
        ReviewState::InPeriod
        | ReviewState::MeetingArranged
        | ReviewState::MeetingHeld
        | ReviewState::Maintained
        | ReviewState::Amended
        | ReviewState::AmendmentAbandoned
        | ReviewState::CeaseDecided
        | ReviewState::Withdrawn
        | ReviewState::PlanCeased
        | ReviewState::Closed
        | ReviewState::Void => false,
    }
}

/// Sends proposed amendments. A second notice opens a fresh window and buys no time.
fn propose(from: ReviewState, event: &Event, ledger: &mut Ledger<'_>) -> ReviewState {
    if is_amending(from) {
        review_is_made(event, ledger);
    } else {
        complete(from, event, ledger);
        ledger.mark(Mark::AmendmentDecided, event);
    }
    if from != ReviewState::AmendmentProposed {
        ledger.mark(Mark::AmendmentNoticeSent, event);
    }
    ledger.mark(Mark::AmendmentNoticeServed, event);
    ReviewState::AmendmentProposed
}

fn send_amended_plan(
    from: ReviewState,
    sent: &AmendedPlanSent,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<ReviewState, Reason> {
    complete(from, event, ledger);
    let sending = Sending {
        recipients: &sent.recipients,
        waiver: sent.waiver.as_ref(),
        sent_early_acknowledged: sent.sent_early_acknowledged,
    };
    let sent_on = ledger.send_plan(Mark::AmendedPlanSent, sending, Vec::new(), event)?;
    let noted = AmendedPlanSent {
        version: sent.version,
        recipients: Vec::new(),
        waiver: None,
        // The window of this review is no business of the plan's own.
        sent_early_acknowledged: true,
    };
    ledger.leads_to_sending(&PLAN, PlanFact::AmendedPlanSent(noted), event, sent_on);
    ledger.stop_advice(event);
    Ok(ReviewState::Amended)
}

fn owed_by(bearer: Party) -> Option<Owed> {
    Some(Owed {
        bearer,
        force: Force::Statutory,
    })
}
