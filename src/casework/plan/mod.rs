//! The plan: its events, states and transitions (CFA 2014 ss.37 to 48, SEND Regulations 2014 regs 28 to 31).
//!
//! It runs from the draft, or from the day the plan was made, to the day it is no longer maintained. What it
//! says is kept in versions beside it; amendments that follow from a review run on the review, and are noted
//! here when they are made. What a fact does to clocks is the rulebook's business: this file only reports
//! marks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod fact;
mod placement;

pub use self::fact::{
    AmendmentProposed, CeaseConsulted, CeaseNotified, CeaseReason, CeaseWithdrawn, CertificateIssued,
    DirectPaymentsEnded, DirectPaymentsReviewed, DirectPaymentsStarted, PlacementEnded, PlacementRank,
    PlacementStarted, PlanCeased, PlanDraftWithdrawn, PlanDrafted, PlanFact, PlanMade, SettingType,
};
pub use self::placement::{Placement, place_of, placements};
use super::event::Event;
use super::procedure::{EventRow, EventType, Procedure, ProcedureKind, State, States};
use super::review::{REVIEW, ReviewFact, ReviewPeriodStarted, ReviewPlanAmended, ReviewPlanCeased};
use super::sending::{AmendedPlanSent, Sending};
use super::timeline::{Ledger, Reason};
use crate::statute::rulebook::{ClockKind, Mark, PLAN_RULES, Rule};

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// It is being written; nothing is in force.
    Draft,
    /// It is maintained.
    InForce,
    /// It is maintained, and amendments proposed outside a review are with the family.
    AmendmentProposed,
    /// It is maintained until the time for an appeal against ceasing it has passed.
    CeaseNotified,
    /// It is no longer maintained.
    Ceased,
    /// No plan came of the draft.
    DraftWithdrawn,
    /// The case was closed while the plan was maintained or drafted.
    Closed,
    /// Opened in error: its first event was voided.
    Void,
}

impl PlanState {
    pub const ALL: [PlanState; 8] = [
        PlanState::Draft,
        PlanState::InForce,
        PlanState::AmendmentProposed,
        PlanState::CeaseNotified,
        PlanState::Ceased,
        PlanState::DraftWithdrawn,
        PlanState::Closed,
        PlanState::Void,
    ];

    /// The name used in the API and in stores.
    pub const fn name(self) -> &'static str {
        match self {
            PlanState::Draft => "draft",
            PlanState::InForce => "in_force",
            PlanState::AmendmentProposed => "amendment_proposed",
            PlanState::CeaseNotified => "cease_notified",
            PlanState::Ceased => "ceased",
            PlanState::DraftWithdrawn => "draft_withdrawn",
            PlanState::Closed => "closed",
            PlanState::Void => "void",
        }
    }

    /// Whether it is drafted or maintained.
    pub const fn is_open(self) -> bool {
        match self {
            PlanState::Draft
            | PlanState::InForce
            | PlanState::AmendmentProposed
            | PlanState::CeaseNotified => true,
            PlanState::Ceased | PlanState::DraftWithdrawn | PlanState::Closed | PlanState::Void => false,
        }
    }

    /// The state as the rest of the program knows it.
    const fn told(self) -> State {
        State::new(self.name(), self.is_open(), self as u8)
    }
}

impl From<PlanState> for State {
    fn from(state: PlanState) -> State {
        state.told()
    }
}

const DRAFT: States = States::NONE.with(PlanState::Draft as u8);
const PROPOSED: States = States::NONE.with(PlanState::AmendmentProposed as u8);
const NOTICE_GIVEN: States = States::NONE.with(PlanState::CeaseNotified as u8);

/// It is maintained, and nobody was told that it will be ceased.
const KEPT: States = PROPOSED.with(PlanState::InForce as u8);

const MAINTAINED: States = KEPT.with(PlanState::CeaseNotified as u8);

const OPEN: States = MAINTAINED.with(PlanState::Draft as u8);

/// The table of events: the name, the rank among the events of a day, the required fields, and where
/// they may happen.
const PLAN_DRAFTED: EventType =
    EventType::of(&EventRow::own("plan_drafted", 0, &[], States::BEFORE_OPENING).internal());
/// The plan was made, and is in force.
pub const PLAN_MADE: EventType = EventType::of(
    &EventRow::own(
        "plan_made",
        1,
        &[],
        States::BEFORE_OPENING.with(PlanState::Draft as u8),
    )
    .leading_on(),
);
const PLAN_DRAFT_WITHDRAWN: EventType =
    EventType::of(&EventRow::own("plan_draft_withdrawn", 2, &[], DRAFT).internal());
const PLACEMENT_ENDED: EventType = EventType::of(&EventRow::own("placement_ended", 3, &[], MAINTAINED));
const PLACEMENT_STARTED: EventType = EventType::of(&EventRow::own("placement_started", 4, &[], MAINTAINED));
const DIRECT_PAYMENTS_STARTED: EventType =
    EventType::of(&EventRow::own("direct_payments_started", 5, &[], MAINTAINED));
const DIRECT_PAYMENTS_REVIEWED: EventType =
    EventType::of(&EventRow::own("direct_payments_reviewed", 6, &[], MAINTAINED));
const DIRECT_PAYMENTS_ENDED: EventType =
    EventType::of(&EventRow::own("direct_payments_ended", 7, &[], MAINTAINED));
const AMENDMENT_PROPOSED: EventType = EventType::of(&EventRow::own("amendment_proposed", 8, &[], KEPT));
const REPRESENTATIONS_RECEIVED: EventType =
    EventType::of(&EventRow::own("representations_received", 9, &[], PROPOSED));
const EXCEPTION_CLAIMED: EventType = EventType::of(
    &EventRow::own("exception_claimed", 10, &["ground", "from", "to", "clocks"], OPEN).internal(),
);
const AMENDED_PLAN_SENT: EventType =
    EventType::of(&EventRow::own("amended_plan_sent", 11, &[], MAINTAINED).leading_on());
const AMENDMENT_ABANDONED_NOTIFIED: EventType =
    EventType::of(&EventRow::own("amendment_abandoned_notified", 12, &[], PROPOSED));
const CEASE_CONSULTED: EventType = EventType::of(&EventRow::own("cease_consulted", 12, &["reason"], KEPT));
const CEASE_NOTIFIED: EventType = EventType::of(&EventRow::own("cease_notified", 13, &[], KEPT));
// On the day of the notice it comes after it.
const CERTIFICATE_ISSUED: EventType =
    EventType::of(&EventRow::own("certificate_issued", 14, &[], NOTICE_GIVEN));
const CEASE_WITHDRAWN: EventType = EventType::of(&EventRow::own("cease_withdrawn", 13, &[], NOTICE_GIVEN));
const CEASED: EventType = EventType::of(&EventRow::own("ceased", 13, &["reason"], MAINTAINED).leading_on());

/// The plan among the procedures.
pub static PLAN: ProcedureKind = ProcedureKind::of::<Plan>();

/// The plan.
pub struct Plan;

impl Procedure for Plan {
    const NAME: &'static str = "plan";
    type State = PlanState;
    type Fact = PlanFact;
    const STATES: &'static [State] = &told();
    const EVENT_TYPES: &'static [EventType] = &[
        PLAN_DRAFTED,
        PLAN_MADE,
        PLAN_DRAFT_WITHDRAWN,
        PLACEMENT_STARTED,
        PLACEMENT_ENDED,
        DIRECT_PAYMENTS_STARTED,
        DIRECT_PAYMENTS_REVIEWED,
        DIRECT_PAYMENTS_ENDED,
        AMENDMENT_PROPOSED,
        REPRESENTATIONS_RECEIVED,
        AMENDED_PLAN_SENT,
        AMENDMENT_ABANDONED_NOTIFIED,
        CEASE_CONSULTED,
        CEASE_NOTIFIED,
        CERTIFICATE_ISSUED,
        CEASE_WITHDRAWN,
        CEASED,
        EXCEPTION_CLAIMED,
    ];
    const RULES: &'static [Rule] = PLAN_RULES;
    // Advice is given to assessments and reviews.
    const ADVICE_SOUGHT_IN: States = States::NONE;
    const ADVICE_TAKEN_IN: States = States::NONE;
    const OUTLASTS_IN: States = States::NONE;
    const CLOSED: PlanState = PlanState::Closed;

    fn apply(
        state: Option<PlanState>,
        fact: &PlanFact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<PlanState, Reason> {
        let same = state.ok_or(Reason::NotAnOpening);
        match fact {
            PlanFact::PlanDrafted(_) => Ok(PlanState::Draft),
            PlanFact::PlanMade(_) => {
                let started = ReviewPeriodStarted::after(ledger.child, event.occurred_on);
                ledger.leads_to(
                    &REVIEW,
                    ReviewFact::ReviewPeriodStarted(started),
                    event,
                    event.occurred_on,
                );
                Ok(PlanState::InForce)
            }
            PlanFact::PlanDraftWithdrawn(_) => {
                ledger.end(event);
                Ok(PlanState::DraftWithdrawn)
            }
            PlanFact::AmendmentProposed(_) => {
                if same? != PlanState::AmendmentProposed {
                    ledger.mark(Mark::OtherAmendmentProposed, event);
                }
                ledger.mark(Mark::OtherAmendmentServed, event);
                Ok(PlanState::AmendmentProposed)
            }
            PlanFact::RepresentationsReceived(_) => same,
            PlanFact::AmendedPlanSent(sent) => amend(same?, sent, event, ledger),
            PlanFact::AmendmentAbandonedNotified(_) => {
                ledger.mark(Mark::AmendmentAbandoned, event);
                Ok(PlanState::InForce)
            }
            PlanFact::CeaseConsulted(_) => same,
            PlanFact::CeaseNotified(_) => {
                ledger.mark(Mark::AmendmentAbandoned, event);
                ledger.mark(Mark::CeaseNotified, event);
                Ok(PlanState::CeaseNotified)
            }
            PlanFact::CertificateIssued(_) => {
                ledger.mark(Mark::MediationCertificateIssued, event);
                same
            }
            PlanFact::CeaseWithdrawn(_) => {
                ledger.mark(Mark::CeaseWithdrawn, event);
                Ok(PlanState::InForce)
            }
            PlanFact::Ceased(ceased) => cease(ceased, event, ledger),
            PlanFact::PlacementStarted(_) | PlanFact::PlacementEnded(_) => same,
            PlanFact::DirectPaymentsStarted(_) => {
                ledger.mark(Mark::DirectPaymentsStarted, event);
                same
            }
            PlanFact::DirectPaymentsReviewed(_) => {
                ledger.mark(Mark::DirectPaymentsReviewed, event);
                same
            }
            PlanFact::DirectPaymentsEnded(_) => {
                ledger.mark(Mark::DirectPaymentsEnded, event);
                same
            }
            PlanFact::ExceptionClaimed(claimed) => {
                ledger.clocks.claim(claimed.claim(event));
                same
            }
        }
    }
}

const fn told() -> [State; PlanState::ALL.len()] {
    let mut states = [PlanState::ALL[0].told(); PlanState::ALL.len()];
    let mut next = 0;
    while next < states.len() {
        states[next] = PlanState::ALL[next].told();
        next += 1;
    }
    states
}

/// Whatever made the amendments necessary. A notice that the plan will be ceased stands until it is withdrawn.
fn amend(
    from: PlanState,
    sent: &AmendedPlanSent,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<PlanState, Reason> {
    let sending = Sending {
        recipients: &sent.recipients,
        waiver: sent.waiver.as_ref(),
        sent_early_acknowledged: sent.sent_early_acknowledged,
    };
    let sent_on = ledger.send_plan(Mark::AmendedPlanSent, sending, Vec::new(), event)?;
    // A change of phase may be owed on any review of the plan.
    let amended = ReviewFact::PlanAmended(ReviewPlanAmended {});
    ledger.leads_to_sending(&REVIEW, amended, event, sent_on);
    Ok(match from {
        PlanState::CeaseNotified => PlanState::CeaseNotified,
        PlanState::Draft
        | PlanState::InForce
        | PlanState::AmendmentProposed
        | PlanState::Ceased
        | PlanState::DraftWithdrawn
        | PlanState::Closed
        | PlanState::Void => PlanState::InForce,
    })
}

/// Ends the plan and what is still to be reviewed of it, unless an appeal can still be made (CFA s.45(4)).
fn cease(ceased: &PlanCeased, event: &Event, ledger: &mut Ledger<'_>) -> Result<PlanState, Reason> {
    // The later of the two: a certificate that came early shortens nothing.
    let kept_until_on = ledger
        .clocks
        .latest_running(ClockKind::CeaseHold)
        .filter(|until_on| event.occurred_on <= *until_on);
    if let Some(kept_until_on) = kept_until_on {
        match ceased.appeal_determined_on {
            Some(determined_on) if determined_on <= event.occurred_on => {
                ledger.mark(Mark::CeaseAppealDetermined, event);
            }
            Some(_) | None => return Err(Reason::AppealStillPossible { kept_until_on }),
        }
    }
    ledger.end(event);
    ledger.leads_to(
        &REVIEW,
        ReviewFact::PlanCeased(ReviewPlanCeased {}),
        event,
        event.occurred_on,
    );
    Ok(PlanState::Ceased)
}
