//! The review of a plan: every state and every event, and the limits that no order of events may move.
//!
//! The table is written by hand, not taken from the engine.

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

use super::steps::{Setting, any_setting, any_steps, written};
use super::story::{Story, claim, fields_said_to_be_required_are, id, on, types_of};
use crate::casework::assessment::WithdrawnBy;
use crate::casework::claim::{AuthorityGround, ExceptionClaimed};
use crate::casework::event::{ClosureReason, Fact, LegalDates};
use crate::casework::place::{PlaceAwaited, PlaceOffered, SettingAnswer, SettingConsulted, SettingReplied};
use crate::casework::procedure::{EventType, State};
use crate::casework::review::ReviewState::{self, *};
use crate::casework::review::*;
use crate::casework::sending::{AmendedPlanSent, AmendmentAbandonedNotified, WaivedBy, Waiver};
use crate::casework::timeline::Reason;
use crate::statute::clock::{Clock, ClockStatus};
use crate::statute::reading::Readings;
use crate::statute::rulebook::ClockKind;

/// A column for each state: before the opening, in period, meeting arranged, meeting held, amending,
/// amendment proposed, maintained, amended, abandoned, cease decided, withdrawn, closed, plan ceased. A dot refuses,
/// `=` stays.
const TRANSITIONS: &str = "
review_period_started              per  .   .   .   .   .   .   .   .   .   .   .   .
phase_transfer_expected             .   =   =   =   =   =   .   .   .   .   .   .   .
review_meeting_arranged             .  arr arr  .   .   .   .   .   .   .   .   .   .
papers_circulated                   .   =   =   =   =   =   .   .   .   .   .   .   .
review_meeting_held                 .  hel hel  .   .   .   .   .   .   .   .   .   .
review_report_sent                  .   =   =   =   =   =   =   =   =   =   .   .   .
review_decision_notified maintain   .  mai mai mai mai mai  .   .   .   .   .   .   .
review_decision_notified amend      .  ami ami ami  =   =   .   .   .   .   .   .   .
review_decision_notified cease      .  cea cea cea cea cea  .   .   .   .   .   .   .
amendment_notice_sent               .  pro pro pro pro pro  .   .   .   .   .   .   .
representations_received            .   .   .   .   =   =   .   .   .   .   .   .   .
setting_consulted                   .   =   =   =   =   =   .   .   .   .   .   .  .
setting_replied                     .   =   =   =   =   =   .   .   .   .   .   .  .
place_awaited                       .   =   =   =   =   =   .   =   .   .   .   .  .
place_offered                       .   =   =   =   =   =   .   =   .   .   .   .  .
amended_plan_sent                   .  amd amd amd amd amd amd  .  amd amd  .   .   .
amendment_abandoned_notified        .   .   .   .  aba aba  .   .   .   .   .   .   .
review_withdrawn                    .  wit wit wit wit wit  .   .   .   .   .   .   .
exception_claimed                   .   =   =   =   =   =   .   .   .   .   .   .   .
case_closed                         .  clo clo clo clo clo  =   =   =   =   =   .   =
plan_amended                        .   =   =   =   =   =   =   =   =   =   =   .   =
plan_ceased                         .  cpl cpl cpl cpl cpl  =   =   =   =   .   .   .
";

const STATES: [(&str, Option<ReviewState>); 13] = [
    ("-", None),
    ("per", Some(InPeriod)),
    ("arr", Some(MeetingArranged)),
    ("hel", Some(MeetingHeld)),
    ("ami", Some(Amending)),
    ("pro", Some(AmendmentProposed)),
    ("mai", Some(Maintained)),
    ("amd", Some(Amended)),
    ("aba", Some(AmendmentAbandoned)),
    ("cea", Some(CeaseDecided)),
    ("wit", Some(Withdrawn)),
    ("clo", Some(Closed)),
    ("cpl", Some(ReviewState::PlanCeased)),
];

fn plan_ceases() -> Fact {
    Fact::own(ReviewFact::PlanCeased(ReviewPlanCeased {}))
}

pub fn start(kind: ReviewKind) -> Fact {
    Fact::own(ReviewFact::ReviewPeriodStarted(ReviewPeriodStarted { kind }))
}

fn expect(phase: Phase, transfer_on: NaiveDate) -> Fact {
    Fact::own(ReviewFact::PhaseTransferExpected(PhaseTransferExpected {
        phase,
        transfer_on,
    }))
}

pub fn arrange(meeting_on: NaiveDate) -> Fact {
    Fact::own(ReviewFact::ReviewMeetingArranged(ReviewMeetingArranged {
        meeting_on,
        arranged_by: Arranger::EducationSetting,
    }))
}

pub fn meet() -> Fact {
    Fact::own(ReviewFact::ReviewMeetingHeld(ReviewMeetingHeld {
        reported_by: Arranger::LocalAuthority,
        attendance: Vec::new(),
    }))
}

fn decide(decision: ReviewDecision) -> Fact {
    Fact::own(ReviewFact::ReviewDecisionNotified(ReviewDecisionNotified {
        decision,
        reasons: None,
    }))
}

pub fn propose() -> Fact {
    Fact::own(ReviewFact::AmendmentNoticeSent(AmendmentNoticeSent {
        version: None,
    }))
}

fn send(waived_on: Option<NaiveDate>, sent_early_acknowledged: bool) -> Fact {
    Fact::own(ReviewFact::AmendedPlanSent(AmendedPlanSent {
        version: None,
        recipients: Vec::new(),
        waiver: waived_on.map(|given_on| Waiver {
            given_by: WaivedBy::Parent,
            given_on,
        }),
        sent_early_acknowledged,
    }))
}

fn consult(consultation: &str) -> Fact {
    Fact::own(ReviewFact::SettingConsulted(SettingConsulted {
        consultation_id: id(consultation),
        organisation_id: id("organisation"),
    }))
}

fn abandon() -> Fact {
    Fact::own(ReviewFact::AmendmentAbandonedNotified(
        AmendmentAbandonedNotified { reasons: None },
    ))
}

fn withdraw() -> Fact {
    Fact::own(ReviewFact::ReviewWithdrawn(ReviewWithdrawn {
        withdrawn_by: WithdrawnBy::LocalAuthority,
        reason: "opened twice".to_owned(),
    }))
}

fn claim_on(kind: ClockKind, from: NaiveDate, to: NaiveDate) -> Fact {
    let Fact::Own(claimed) = claim(AuthorityGround::Absent, from, to, &[kind]) else {
        unreachable!("a claim is a fact of the procedure");
    };
    let claimed: ExceptionClaimed = serde_json::from_value(claimed.to_value().unwrap()).unwrap();
    Fact::own(ReviewFact::ExceptionClaimed(claimed))
}

/// A fact of a type, its details drawn from a number.
pub fn fact_of(name: &str, detail: usize, day: NaiveDate) -> Fact {
    let later = |days: usize| day + TimeDelta::days(days as i64);
    match name {
        "review_period_started" => start([ReviewKind::Annual, ReviewKind::EarlyYears][detail % 2]),
        "phase_transfer_expected" => {
            let phases = [
                Phase::PrimaryToSecondary,
                Phase::SecondaryToPost16,
                Phase::Post16ToPost16,
            ];
            expect(phases[detail % 3], later(detail % 500))
        }
        "review_meeting_arranged" => arrange(later(detail % 60)),
        "papers_circulated" => Fact::own(ReviewFact::PapersCirculated(PapersCirculated {})),
        "review_meeting_held" => meet(),
        "review_report_sent" => Fact::own(ReviewFact::ReviewReportSent(ReviewReportSent {})),
        "review_decision_notified" => decide(
            [
                ReviewDecision::Amend,
                ReviewDecision::Maintain,
                ReviewDecision::Amend,
                ReviewDecision::Cease,
            ][detail % 4],
        ),
        "amendment_notice_sent" => propose(),
        "representations_received" => Fact::own(ReviewFact::RepresentationsReceived(
            AmendmentRepresentationsReceived {},
        )),
        "setting_consulted" => consult(["school", "college"][detail % 2]),
        "setting_replied" => Fact::own(ReviewFact::SettingReplied(SettingReplied {
            consultation_id: id(["school", "unit"][detail % 2]),
            organisation_id: None,
            reply: SettingAnswer::Conditional,
            ground: None,
        })),
        "place_awaited" => Fact::own(ReviewFact::PlaceAwaited(PlaceAwaited {
            consultation_id: id(["school", "unit"][detail % 2]),
            since_on: later(detail % 9) - TimeDelta::days(4),
        })),
        "place_offered" => Fact::own(ReviewFact::PlaceOffered(PlaceOffered {
            consultation_id: id(["school", "unit"][detail % 2]),
            place_from_on: None,
        })),
        "amended_plan_sent" => send(
            detail.is_multiple_of(3).then(|| day - TimeDelta::days(2)),
            !detail.is_multiple_of(5),
        ),
        "amendment_abandoned_notified" => abandon(),
        "review_withdrawn" => withdraw(),
        "plan_amended" => Fact::own(ReviewFact::PlanAmended(ReviewPlanAmended {})),
        "plan_ceased" => plan_ceases(),
        "exception_claimed" => claim_on(ClockKind::ALL[7 + detail % 9], day, later(detail % 50)),
        other => panic!("no fact of a review is made up for {other}"),
    }
}

/// What leads somewhere from a state.
pub fn likely(state: Option<State>) -> &'static [&'static str] {
    match state.map(State::name) {
        None => &["review_period_started"],
        Some("in_period") => &[
            "review_meeting_arranged",
            "review_meeting_held",
            "phase_transfer_expected",
            "review_decision_notified",
            "exception_claimed",
        ],
        Some("meeting_arranged") => &[
            "papers_circulated",
            "review_meeting_held",
            "review_meeting_held",
            "review_meeting_arranged",
            "phase_transfer_expected",
        ],
        Some("meeting_held") => &[
            "review_decision_notified",
            "review_decision_notified",
            "review_report_sent",
            "amendment_notice_sent",
        ],
        Some("amending") => &[
            "amendment_notice_sent",
            "amendment_notice_sent",
            "amendment_abandoned_notified",
            "exception_claimed",
        ],
        Some("amendment_proposed") => &[
            "representations_received",
            "setting_consulted",
            "setting_replied",
            "place_awaited",
            "place_offered",
            "amended_plan_sent",
            "amendment_notice_sent",
            "review_decision_notified",
            "amendment_abandoned_notified",
        ],
        Some(_) => &["review_report_sent", "amended_plan_sent"],
    }
}

fn reaching(state: Option<ReviewState>) -> Story {
    let Some(state) = state else {
        return Story::of(&REVIEW);
    };
    let period = Story::of(&REVIEW)
        .then("2025-05-01", start(ReviewKind::Annual))
        .then("2025-05-02", consult("unit"));
    let held = period.clone().then("2026-03-18", meet());
    let amending = held.clone().then("2026-03-20", decide(ReviewDecision::Amend));
    let proposed = amending.clone().then("2026-03-25", propose());
    match state {
        InPeriod => period,
        MeetingArranged => period.then("2026-02-10", arrange(on("2026-03-18"))),
        MeetingHeld => held,
        Amending => amending,
        AmendmentProposed => proposed,
        Maintained => held.then("2026-03-20", decide(ReviewDecision::Maintain)),
        Amended => proposed.then("2026-05-04", send(None, false)),
        AmendmentAbandoned => proposed.then("2026-05-04", abandon()),
        CeaseDecided => held.then("2026-03-20", decide(ReviewDecision::Cease)),
        Withdrawn => held.then("2026-03-20", withdraw()),
        Closed => held.then("2026-03-20", Fact::CaseClosed(ClosureReason::Died)),
        ReviewState::PlanCeased => held.then("2026-03-20", plan_ceases()),
        Void => unreachable!("no stream folds to void: it is what is left of a voided one"),
    }
}

#[test]
fn every_pair_of_state_and_event_is_a_transition_or_a_refusal() {
    let mut names: Vec<&str> = Vec::new();
    for line in TRANSITIONS.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, cells) = words.split_at(words.len() - STATES.len());
        let day = on("2026-06-01");
        let fact = match name {
            ["review_decision_notified", "maintain"] => decide(ReviewDecision::Maintain),
            ["review_decision_notified", "amend"] => decide(ReviewDecision::Amend),
            ["review_decision_notified", "cease"] => decide(ReviewDecision::Cease),
            ["case_closed"] => Fact::CaseClosed(ClosureReason::AgedOut),
            [name] => fact_of(name, 1, day),
            other => panic!("{other:?} is no event"),
        };
        names.push(name[0]);
        for ((_, state), cell) in STATES.into_iter().zip(cells) {
            let expected = match *cell {
                "." => None,
                "=" => state,
                other => STATES.into_iter().find(|(known, _)| *known == other).unwrap().1,
            };
            let before = reaching(state);
            let told = state.map(State::from);
            assert_eq!(before.events.last().map(|_| before.timeline().state), told);
            assert_eq!(
                REVIEW.permits(told, fact.event_type()),
                expected.is_some(),
                "{name:?} in {state:?}"
            );
            match (before.then("2026-06-01", fact.clone()).judged(), expected) {
                (Ok(timeline), Some(expected)) => {
                    assert_eq!(timeline.state, expected.into(), "{name:?} in {state:?}")
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
                        "{name:?} in {state:?}"
                    );
                }
                (Ok(timeline), None) => panic!("{name:?} in {state:?} led to {:?}", timeline.state),
                (Err(refusal), Some(_)) => panic!("{name:?} in {state:?}: {refusal:?}"),
            }
        }
    }
    for event_type in REVIEW.event_types.iter().chain(&[EventType::CASE_CLOSED]) {
        assert!(names.contains(&event_type.name()), "{event_type:?} has no row");
    }
    for state in ReviewState::ALL {
        assert_eq!(
            STATES.iter().any(|(_, known)| *known == Some(state)),
            state != Void
        );
    }
}

#[test]
fn nothing_may_happen_in_a_void_review() {
    for event_type in types_of(&REVIEW) {
        assert!(!REVIEW.permits(Some(Void.into()), event_type), "{event_type:?}");
    }
}

#[test]
fn the_fields_said_to_be_required_are_the_ones_that_are() {
    fields_said_to_be_required_are(&REVIEW, |name| fact_of(name, 1, on("2026-06-01")));
}

#[test]
fn an_amended_plan_in_the_window_is_refused_while_its_sender_can_answer() {
    let proposed = reaching(Some(AmendmentProposed));
    let refused = proposed
        .clone()
        .then("2026-04-08", send(None, false))
        .fresh()
        .judged()
        .unwrap_err();
    assert_eq!(
        refused.reason,
        Reason::PlanNotReady {
            window_ends_on: Some(on("2026-04-08")),
            outstanding: Vec::new()
        }
    );
    for sent in [
        proposed.clone().then("2026-04-09", send(None, false)),
        proposed.clone().then("2026-04-08", send(None, true)),
        proposed.then("2026-04-08", send(Some(on("2026-04-01")), false)),
    ] {
        assert_eq!(sent.fresh().timeline().state, Amended.into());
    }
}

#[test]
fn correcting_the_day_of_the_meeting_moves_every_limit_counted_from_it() {
    let story = |meeting: &str| {
        Story::of(&REVIEW)
            .then("2025-05-01", start(ReviewKind::Annual))
            .then(meeting, meet())
            .then("2026-03-02", decide(ReviewDecision::Amend))
            .then("2026-04-20", propose())
    };
    let due = |story: &Story, kind| story.clock(kind).due_on;
    let (right, wrong) = (story("2026-02-02"), story("2026-02-09"));
    for (kind, days) in [
        (ClockKind::ReviewReport, 14),
        (ClockKind::ReviewDecision, 28),
        (ClockKind::AmendmentNotice, 28),
        (ClockKind::AmendedPlan, 84),
    ] {
        assert_eq!(
            due(&right, kind),
            on("2026-02-02") + TimeDelta::days(days),
            "{kind:?}"
        );
        assert_eq!(
            due(&wrong, kind) - due(&right, kind),
            TimeDelta::days(7),
            "{kind:?}"
        );
        assert_eq!(right.clock(kind).id, wrong.clock(kind).id, "{kind:?}");
    }
}

#[test]
fn a_window_served_later_runs_from_service() {
    let dates = LegalDates {
        served_on: Some(on("2026-03-27")),
        ..LegalDates::default()
    };
    let story = reaching(Some(Amending)).then_dated("2026-03-25", propose(), dates);
    let window = story.clock(ClockKind::AmendmentRepresentations);
    assert_eq!(
        (window.started_on, window.due_on),
        (on("2026-03-27"), on("2026-04-10"))
    );
    assert_eq!(
        story
            .standing(ClockKind::AmendmentRepresentations, "2026-04-10")
            .status,
        ClockStatus::Running
    );
    assert_eq!(
        story
            .standing(ClockKind::AmendmentRepresentations, "2026-04-11")
            .status,
        ClockStatus::Met
    );
}

fn held_on(story: &Story) -> Option<NaiveDate> {
    let is_meeting = |fact: &Fact| fact.event_type().name() == "review_meeting_held";
    let meeting = story.events.iter().find(|event| is_meeting(&event.fact));
    meeting.map(|event| event.occurred_on)
}

/// Twelve weeks from the meeting and eight from the notice, whichever comes first.
fn keeps_both_limits(story: &Story, clock: &Clock) -> Result<(), TestCaseError> {
    let after = |day: NaiveDate, days: i64| day + TimeDelta::days(days);
    prop_assert!(clock.due_on <= after(clock.triggered_on, 56));
    if let Some(held_on) = held_on(story) {
        prop_assert!(
            clock.due_on <= after(held_on, 84),
            "held on {}: {}",
            held_on,
            clock.due_on
        );
        prop_assert_eq!(
            clock.due_on,
            after(clock.triggered_on, 56).min(after(held_on, 84))
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_order_of_notice_and_decision_exceeds_twelve_weeks_from_the_meeting(
        days in prop::collection::vec(0i64..150, 6),
        order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let facts = [
            meet(),
            decide(ReviewDecision::Amend),
            propose(),
            decide(ReviewDecision::Amend),
            propose(),
            arrange(on("2026-03-18")),
        ];
        let mut story = Story::of(&REVIEW).then("2025-12-01", start(ReviewKind::Annual));
        for at in order {
            let day = on("2026-01-05") + TimeDelta::days(days[at]);
            let next = story.clone().then(&day.to_string(), facts[at].clone());
            if next.judged().is_ok() {
                story = next;
            }
        }
        for clock in story.clocks(ClockKind::AmendedPlan) {
            keeps_both_limits(&story, &clock)?;
        }
        for clock in story.clocks(ClockKind::AmendmentNotice) {
            prop_assert_eq!(Some(clock.due_on), held_on(&story).map(|day| day + TimeDelta::days(28)));
        }
    }

    #[test]
    fn a_review_that_is_completed_or_withdrawn_leads_to_one_other(setting in any_setting(), steps in any_steps(30)) {
        let plainly = Setting { kind: &REVIEW, begins_on: on("2026-01-05"), ..setting };
        let story = written(&plainly, &steps);
        prop_assume!(!story.events.is_empty());
        let timeline = story.timeline();
        let due = story.clock(ClockKind::ReviewDue);
        let last = due.segments.last().unwrap();
        let next: Vec<NaiveDate> = timeline
            .consequences
            .iter()
            .filter(|one| one.kind == &REVIEW)
            .map(|one| one.occurred_on)
            .collect();
        let expected = match (last.satisfied_on, timeline.state.name()) {
            (Some(completed_on), _) => vec![completed_on],
            (None, "withdrawn") => vec![due.started_on],
            (None, _) => Vec::new(),
        };
        prop_assert_eq!(next, expected, "{:?}", timeline.state);
    }

    #[test]
    fn nor_does_any_walk(setting in any_setting(), steps in any_steps(30)) {
        let plainly = Setting { readings: Readings::default(), kind: &REVIEW, begins_on: on("2026-01-05"), ..setting };
        let undated: Vec<_> = steps.into_iter().map(super::steps::Step::undated).collect();
        let story = written(&plainly, &undated);
        prop_assume!(!story.events.is_empty());
        let amended = story.clocks(ClockKind::AmendedPlan);
        prop_assert!(amended.len() <= 1, "a second notice starts no second limit");
        for clock in amended {
            keeps_both_limits(&story, &clock)?;
        }
        let due = story.clock(ClockKind::ReviewDue);
        let is_complete = !story.timeline().state.is_open();
        let last = due.segments.last().unwrap();
        prop_assert!(!is_complete || last.satisfied_on.is_some() || last.cancelled_on.is_some());
        prop_assert!(is_complete || last.cancelled_on.is_none(), "an open review runs");
    }
}

#[test]
fn the_walks_of_reviews_get_everywhere() {
    use std::collections::BTreeSet;

    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut states, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..400 {
        let setting = any_setting().new_tree(&mut runner).unwrap().current();
        let setting = Setting {
            kind: &REVIEW,
            begins_on: on("2026-01-05"),
            ..setting
        };
        let steps = any_steps(40).new_tree(&mut runner).unwrap().current();
        let story = written(&setting, &steps);
        if !story.events.is_empty() {
            let timeline = story.timeline();
            let days = story.events.iter().map(|event| event.occurred_on);
            states.extend(days.filter_map(|day| story.until(day)).map(|then| then.state));
            kinds.extend(timeline.clocks.iter().map(|clock| clock.rule.kind));
        }
    }
    assert_eq!(states.len(), ReviewState::ALL.len() - 1, "{states:?}");
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}
