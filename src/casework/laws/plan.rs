//! The plan: every state and every event, what it leads to on the reviews, and how long it is kept.
//!
//! The table is written by hand, not taken from the engine.

use chrono::{NaiveDate, TimeDelta};

use super::story::{Story, claim, fields_said_to_be_required_are, on};
use crate::casework::claim::{AuthorityGround, ExceptionClaimed};
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::plan::PlanState::{self, *};
use crate::casework::plan::*;
use crate::casework::procedure::{EventType, State};
use crate::casework::review::{AmendmentRepresentationsReceived, REVIEW, ReviewFact, ReviewKind};
use crate::casework::sending::{AmendedPlanSent, AmendmentAbandonedNotified};
use crate::casework::timeline::Reason;
use crate::statute::rulebook::ClockKind;

/// A column for each state: before the opening, draft, in force, amendment proposed, cease notified, ceased,
/// draft withdrawn, closed. A dot refuses, `=` stays.
const TRANSITIONS: &str = "
plan_drafted                    dra  .   .   .   .   .   .   .
plan_made                       inf inf  .   .   .   .   .   .
plan_draft_withdrawn             .  wit  .   .   .   .   .   .
placement_started                .   .   =   =   =   .   .   .
placement_ended                  .   .   =   =   =   .   .   .
direct_payments_started          .   .   =   =   =   .   .   .
direct_payments_reviewed         .   .   =   =   =   .   .   .
direct_payments_ended            .   .   =   =   =   .   .   .
amendment_proposed               .   .  pro  =   .   .   .   .
representations_received         .   .   .   =   .   .   .   .
amended_plan_sent                .   .   =  inf  =   .   .   .
amendment_abandoned_notified     .   .   .  inf  .   .   .   .
cease_consulted                  .   .   =   =   .   .   .   .
cease_notified                   .   .  not not  .   .   .   .
certificate_issued               .   .   .   .   =   .   .   .
cease_withdrawn                  .   .   .   .  inf  .   .   .
ceased                           .   .  cea cea cea  .   .   .
exception_claimed                .   =   =   =   =   .   .   .
case_closed                      .  clo clo clo clo  =   =   .
";

const STATES: [(&str, Option<PlanState>); 8] = [
    ("-", None),
    ("dra", Some(Draft)),
    ("inf", Some(InForce)),
    ("pro", Some(AmendmentProposed)),
    ("not", Some(CeaseNotified)),
    ("cea", Some(Ceased)),
    ("wit", Some(DraftWithdrawn)),
    ("clo", Some(Closed)),
];

fn make() -> Fact {
    Fact::own(PlanFact::PlanMade(PlanMade { version: None }))
}

fn notify() -> Fact {
    Fact::own(PlanFact::CeaseNotified(super::super::plan::CeaseNotified {
        reason: Some(CeaseReason::PaidWork),
    }))
}

fn cease(appeal_determined_on: Option<NaiveDate>) -> Fact {
    Fact::own(PlanFact::Ceased(PlanCeased {
        reason: CeaseReason::PaidWork,
        appeal_determined_on,
    }))
}

fn propose() -> Fact {
    Fact::own(PlanFact::AmendmentProposed(
        super::super::plan::AmendmentProposed { version: None },
    ))
}

/// A fact of a type, its details drawn from a number.
pub fn fact_of(name: &str, detail: usize, day: NaiveDate) -> Fact {
    match name {
        "plan_drafted" => Fact::own(PlanFact::PlanDrafted(PlanDrafted {})),
        "plan_made" => make(),
        "plan_draft_withdrawn" => {
            Fact::own(PlanFact::PlanDraftWithdrawn(PlanDraftWithdrawn { reason: None }))
        }
        "placement_started" => Fact::own(PlanFact::PlacementStarted(PlacementStarted {
            rank: [PlacementRank::Primary, PlacementRank::Secondary][detail % 2],
            organisation_id: None,
            urn: Some(format!("1169{:02}", detail % 100)),
            ukprn: None,
            setting_type: None,
            sen_unit: false,
            resourced_provision: false,
        })),
        "placement_ended" => Fact::own(PlanFact::PlacementEnded(PlacementEnded {
            rank: [PlacementRank::Primary, PlacementRank::Secondary][detail % 2],
        })),
        "direct_payments_started" => Fact::own(PlanFact::DirectPaymentsStarted(DirectPaymentsStarted {})),
        "direct_payments_reviewed" => Fact::own(PlanFact::DirectPaymentsReviewed(DirectPaymentsReviewed {})),
        "direct_payments_ended" => Fact::own(PlanFact::DirectPaymentsEnded(DirectPaymentsEnded {
            reason: None,
        })),
        "amendment_proposed" => propose(),
        "representations_received" => Fact::own(PlanFact::RepresentationsReceived(
            AmendmentRepresentationsReceived {},
        )),
        "amended_plan_sent" => Fact::own(PlanFact::AmendedPlanSent(AmendedPlanSent {
            version: None,
            recipients: Vec::new(),
            waiver: None,
            sent_early_acknowledged: !detail.is_multiple_of(5),
        })),
        "amendment_abandoned_notified" => {
            Fact::own(PlanFact::AmendmentAbandonedNotified(AmendmentAbandonedNotified {
                reasons: None,
            }))
        }
        "cease_consulted" => Fact::own(PlanFact::CeaseConsulted(CeaseConsulted {
            reason: CeaseReason::Other,
        })),
        "cease_notified" => notify(),
        "certificate_issued" => Fact::own(PlanFact::CertificateIssued(CertificateIssued {})),
        "cease_withdrawn" => Fact::own(PlanFact::CeaseWithdrawn(CeaseWithdrawn { reason: None })),
        "ceased" => cease(detail.is_multiple_of(2).then_some(day)),
        "exception_claimed" => {
            let to = day + TimeDelta::days((detail % 50) as i64);
            let claimed = claim(AuthorityGround::Absent, day, to, &[ClockKind::AmendedPlan]);
            let Fact::Own(claimed) = claimed else {
                unreachable!("a claim is a fact of the procedure");
            };
            let claimed: ExceptionClaimed = serde_json::from_value(claimed.to_value().unwrap()).unwrap();
            Fact::own(PlanFact::ExceptionClaimed(claimed))
        }
        other => panic!("no fact of a plan is made up for {other}"),
    }
}

/// What leads somewhere from a state.
pub fn likely(state: Option<State>) -> &'static [&'static str] {
    match state.map(State::name) {
        None => &["plan_drafted", "plan_made"],
        Some("draft") => &["plan_made", "plan_made", "plan_draft_withdrawn"],
        Some("in_force") => &[
            "amendment_proposed",
            "cease_notified",
            "direct_payments_started",
            "placement_started",
            "amended_plan_sent",
        ],
        Some("amendment_proposed") => &[
            "amended_plan_sent",
            "amendment_abandoned_notified",
            "representations_received",
            "exception_claimed",
            "cease_notified",
        ],
        Some("cease_notified") => &[
            "cease_withdrawn",
            "certificate_issued",
            "ceased",
            "direct_payments_ended",
        ],
        Some(_) => &["exception_claimed"],
    }
}

fn reaching(state: Option<PlanState>) -> Story {
    let Some(state) = state else {
        return Story::of(&PLAN);
    };
    let draft = Story::of(&PLAN).then("2025-01-06", fact_of("plan_drafted", 0, on("2025-01-06")));
    let made = draft.clone().then("2025-03-10", make());
    match state {
        Draft => draft,
        InForce => made,
        AmendmentProposed => made.then("2025-06-02", propose()),
        CeaseNotified => made.then("2025-06-02", notify()),
        Ceased => made.then("2025-06-02", cease(None)),
        DraftWithdrawn => draft.then("2025-02-03", fact_of("plan_draft_withdrawn", 0, on("2025-02-03"))),
        Closed => made.then("2025-06-02", Fact::CaseClosed(ClosureReason::Died)),
        Void => unreachable!("no stream folds to void: it is what is left of a voided one"),
    }
}

#[test]
fn every_pair_of_state_and_event_is_a_transition_or_a_refusal() {
    let mut names: Vec<&str> = Vec::new();
    for line in TRANSITIONS.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, cells) = (words[0], &words[1..]);
        let day = on("2026-06-01");
        let fact = match name {
            "case_closed" => Fact::CaseClosed(ClosureReason::AgedOut),
            name => fact_of(name, 1, day),
        };
        names.push(name);
        for ((_, state), cell) in STATES.into_iter().zip(cells) {
            let expected = match *cell {
                "." => None,
                "=" => state,
                other => STATES.into_iter().find(|(known, _)| *known == other).unwrap().1,
            };
            let told = state.map(State::from);
            let before = reaching(state);
            assert_eq!(before.events.last().map(|_| before.timeline().state), told);
            match (before.then("2026-06-01", fact.clone()).judged(), expected) {
                (Ok(timeline), Some(expected)) => {
                    assert_eq!(timeline.state, expected.into(), "{name} in {state:?}");
                }
                (Err(refusal), None) => {
                    let reason = if state.is_none() {
                        Reason::NotAnOpening
                    } else {
                        Reason::NotPermitted
                    };
                    assert_eq!(
                        (refusal.state, refusal.reason),
                        (told, reason),
                        "{name} in {state:?}"
                    );
                }
                (Ok(timeline), None) => panic!("{name} in {state:?} led to {:?}", timeline.state),
                (Err(refusal), Some(_)) => panic!("{name} in {state:?}: {refusal:?}"),
            }
        }
    }
    for event_type in PLAN.event_types.iter().chain(&[EventType::CASE_CLOSED]) {
        assert!(names.contains(&event_type.name()), "{event_type:?} has no row");
    }
    assert_eq!(STATES.len(), PlanState::ALL.len(), "all but void, and none");
}

#[test]
fn a_plan_that_is_made_leads_to_its_first_review_and_one_that_ceases_to_no_other() {
    let made = reaching(Some(InForce)).timeline();
    let [first] = &made.consequences[..] else {
        panic!("{:?}", made.consequences);
    };
    assert_eq!((first.kind, first.occurred_on), (&REVIEW, on("2025-03-10")));
    let started: Option<&ReviewFact> = first.fact.of();
    assert!(
        matches!(started, Some(ReviewFact::ReviewPeriodStarted(started)) if started.kind == ReviewKind::Annual)
    );
    let ceased = reaching(Some(Ceased)).timeline();
    let types: Vec<&str> = ceased
        .consequences
        .iter()
        .map(|one| one.fact.event_type().name())
        .collect();
    assert_eq!(types, ["review_period_started", "plan_ceased"]);
}

#[test]
fn a_plan_is_kept_to_the_last_day_of_an_appeal() {
    let notified = reaching(Some(InForce)).then("2026-06-10", notify());
    let hold = notified.clock(ClockKind::CeaseHold);
    assert_eq!(hold.due_on, on("2026-09-01"), "two months end in August");
    let last = notified
        .clone()
        .then("2026-09-01", cease(None))
        .judged()
        .unwrap_err();
    assert_eq!(
        last.reason,
        Reason::AppealStillPossible {
            kept_until_on: on("2026-09-01")
        }
    );
    assert!(notified.clone().then("2026-09-02", cease(None)).judged().is_ok());
    assert!(
        notified
            .clone()
            .then("2026-07-20", cease(Some(on("2026-07-17"))))
            .judged()
            .is_ok()
    );
    assert!(
        notified
            .then("2026-07-20", cease(Some(on("2026-07-21"))))
            .judged()
            .is_err(),
        "an appeal is not determined before the day it is"
    );
}

#[test]
fn the_fields_said_to_be_required_are_the_ones_that_are() {
    fields_said_to_be_required_are(&PLAN, |name| fact_of(name, 1, on("2026-06-01")));
}
