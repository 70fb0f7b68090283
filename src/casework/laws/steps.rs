//! Streams at random: mostly what could happen next, sometimes what could not.

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::story::*;
use crate::casework::PROCEDURES;
use crate::casework::advice::{AppointmentOutcome, DeclinationGround};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::assessment::{
    AssessDecision, AssessmentState, DraftReason, FinalPlanSent, PlanDecision, ResumptionOutcome,
};
use crate::casework::claim::{AuthorityGround, ExceptionClaimed};
use crate::casework::consultation::CONSULTATION;
use crate::casework::event::{ClosureReason, Fact, LegalDates};
use crate::casework::plan::PLAN;
use crate::casework::procedure::{EventType, ProcedureKind, State};
use crate::casework::review::REVIEW;
use crate::casework::sending::{Recipient, RecipientRole};
use crate::statute::reading::{DayOfReceipt, NonWorkingDueDay, Readings};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Ground, Party};

/// The numbers one random event is made of.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    gap_days: i64,
    is_backdated: bool,
    pick: usize,
    detail: usize,
    shift_days: i64,
    is_dated: bool,
}

impl Step {
    /// The same, with no legal date beside the day of the act.
    pub fn undated(self) -> Step {
        Step {
            is_dated: false,
            ..self
        }
    }
}

/// Where a random stream begins, and under which readings and for whom.
#[derive(Debug, Clone)]
pub struct Setting {
    pub begins_on: NaiveDate,
    pub readings: Readings,
    pub knows_child: bool,
    pub kind: &'static ProcedureKind,
}

pub fn any_steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        -6i64..24,
        0u8..10,
        0usize..10_000,
        0usize..10_000,
        -6i64..7,
        0u8..4,
    )
        .prop_map(|(gap_days, back, pick, detail, shift_days, dated)| Step {
            gap_days: gap_days.max(0),
            is_backdated: back == 0,
            pick,
            detail,
            shift_days,
            is_dated: dated == 0,
        });
    prop::collection::vec(step, 4..most)
}

pub fn any_setting() -> impl Strategy<Value = Setting> {
    let days = ["2026-01-05", "2014-08-25", "2020-02-24", "2027-12-01"];
    (0..days.len(), 0u8..6, any::<bool>()).prop_map(move |(day, reading, knows_child)| Setting {
        begins_on: on(days[day]),
        readings: Readings {
            day_of_receipt: if reading == 1 {
                DayOfReceipt::DayOne
            } else {
                DayOfReceipt::Excluded
            },
            non_working_due_day: if reading == 2 {
                NonWorkingDueDay::NextWorkingDay
            } else {
                NonWorkingDueDay::Stands
            },
            ..Readings::default()
        },
        knows_child,
        kind: &ASSESSMENT,
    })
}

/// The same, of whichever procedure.
pub fn any_procedure() -> impl Strategy<Value = Setting> {
    (any_setting(), 0..PROCEDURES.len()).prop_map(|(setting, at)| Setting {
        kind: PROCEDURES[at],
        ..setting
    })
}

impl Setting {
    /// A story with nothing in it yet.
    pub fn story(&self) -> Story {
        let story = Story::of(self.kind).under(self.readings);
        if self.knows_child {
            story.about(child())
        } else {
            story
        }
    }
}

/// The story of those steps that the engine accepts, one after the other.
pub fn written(setting: &Setting, steps: &[Step]) -> Story {
    let mut story = setting.story();
    for step in steps {
        let next = attempt(&story, setting, *step);
        if next.judged().is_ok() {
            story = next;
        }
    }
    story.settled()
}

/// The story with what a step would record in it, whether that can stand or not.
pub fn attempt(story: &Story, setting: &Setting, step: Step) -> Story {
    let last_on = story.events.iter().map(|event| event.occurred_on).max();
    let days = TimeDelta::days(step.gap_days);
    let occurred_on = match last_on {
        None => setting.begins_on,
        Some(last_on) if step.is_backdated => last_on - days,
        Some(last_on) => last_on + days,
    };
    let state = last_on.map(|_| story.timeline().state);
    let dates = if step.is_dated {
        let other_on = Some(occurred_on + TimeDelta::days(step.shift_days));
        LegalDates {
            decided_on: None,
            sent_on: other_on,
            served_on: other_on,
            received_on: other_on,
        }
    } else {
        LegalDates::default()
    };
    let fact = fact_of(
        story,
        event_type(setting.kind, state, step.pick),
        step.detail,
        step.shift_days,
        occurred_on,
    );
    story
        .clone()
        .settled()
        .then_dated(&occurred_on.to_string(), fact, dates)
        .fresh()
}

/// Advice goes on beside everything else.
const ADVICE: [&str; 12] = [
    "advice_requested",
    "advice_submitted",
    "advice_submitted",
    "advice_returned",
    "advice_accepted",
    "advice_declined",
    "advice_redirected",
    "advice_withdrawn",
    "advice_appointment",
    "advice_exception_claimed",
    "existing_advice_agreed",
    "advice_acknowledged",
];

/// One time in ten anything at all; otherwise what leads somewhere from the state.
fn event_type(kind: &ProcedureKind, state: Option<State>, pick: usize) -> EventType {
    let all = types_of(kind);
    let foldable = all.len() - 1;
    if pick.is_multiple_of(10) {
        return all[pick / 10 % foldable];
    }
    if *kind == CONSULTATION {
        let likely = super::consultation::likely(state);
        return named(kind, likely[pick / 10 % likely.len()]);
    }
    if *kind == PLAN {
        let likely = super::plan::likely(state);
        return named(kind, likely[pick / 10 % likely.len()]);
    }
    if *kind == REVIEW {
        let is_advice = state.is_some() && pick % 10 > 7;
        let likely = if is_advice {
            &ADVICE
        } else {
            super::review::likely(state)
        };
        return named(kind, likely[pick / 10 % likely.len()]);
    }
    let likely: &[&str] = match state.map(typed) {
        None => &["request_received", "request_received", "became_responsible"],
        Some(AssessmentState::ConsideringRequest) => &[
            "assess_decision_notified",
            "assess_decision_notified",
            "advice_requested",
            "exception_claimed",
            "assessment_withdrawn",
        ],
        Some(AssessmentState::Assessing) => &[
            "advice_requested",
            "advice_requested",
            "plan_decision_notified",
            "draft_plan_served",
            "exception_claimed",
            "assessment_withdrawn",
        ],
        Some(AssessmentState::Drafting) => &[
            "draft_plan_served",
            "draft_plan_served",
            "setting_consulted",
            "setting_replied",
            "place_awaited",
            "place_offered",
            "plan_decision_notified",
            "assessment_withdrawn",
        ],
        Some(AssessmentState::DraftServed) => &[
            "final_plan_sent",
            "final_plan_sent",
            "draft_plan_served",
            "setting_consulted",
            "setting_replied",
            "place_awaited",
            "representations_received",
            "plan_decision_notified",
            "exception_claimed",
        ],
        Some(
            AssessmentState::AssessmentRefused | AssessmentState::PlanRefused | AssessmentState::Withdrawn,
        ) => &["assessment_resumed", "assessment_resumed", "advice_submitted"],
        Some(AssessmentState::PlanIssued | AssessmentState::MovedOut) => &ADVICE,
        Some(AssessmentState::Closed | AssessmentState::Void) => &["advice_submitted"],
    };
    if state.is_some() && pick % 10 > 5 {
        named(kind, ADVICE[pick / 10 % ADVICE.len()])
    } else {
        named(kind, likely[pick / 10 % likely.len()])
    }
}

fn named(kind: &ProcedureKind, name: &str) -> EventType {
    let known = types_of(kind).into_iter().find(|known| known.name() == name);
    known.unwrap_or_else(|| panic!("no event is named {name}"))
}

fn typed(state: State) -> AssessmentState {
    AssessmentState::ALL
        .into_iter()
        .find(|typed| State::from(*typed) == state)
        .unwrap()
}

const ASKED: [(Requirement, &str); 4] = [
    (Requirement::Medical, "paediatrics"),
    (Requirement::Medical, "camhs"),
    (Requirement::Education, "school"),
    (Requirement::Other, "music therapy"),
];

/// A fact of a type, its details drawn from a number.
pub fn fact_of(story: &Story, event_type: EventType, detail: usize, shift_days: i64, day: NaiveDate) -> Fact {
    let (requirement, service) = ASKED[detail % ASKED.len()];
    let it = asked_already(story, detail).unwrap_or_else(|| request_id(requirement, service));
    let earlier = |days: usize| day - TimeDelta::days(days as i64);
    let (from, to) = (
        earlier(detail / 3 % 60),
        earlier(detail / 3 % 60) + TimeDelta::days(detail as i64 / 7 % 50),
    );
    if *story.kind == CONSULTATION && CONSULTATION.event_types.contains(&event_type) {
        return super::consultation::fact_of(event_type.name(), detail, day);
    }
    if *story.kind == PLAN && PLAN.event_types.contains(&event_type) {
        return super::plan::fact_of(event_type.name(), detail, day);
    }
    if *story.kind == REVIEW && REVIEW.event_types.contains(&event_type) {
        return super::review::fact_of(event_type.name(), detail, day);
    }
    match event_type.name() {
        "request_received" => request(),
        "became_responsible" => responsible(),
        "further_request_received" => further_request(),
        "assess_decision_notified" if detail.is_multiple_of(4) => decide(AssessDecision::Refuse),
        "assess_decision_notified" => decide(AssessDecision::Assess),
        "joint_meeting_arranged" => arrange_joint_meeting(day + TimeDelta::days(detail as i64 % 30)),
        "joint_meeting_held" => hold_joint_meeting(),
        "plan_decision_notified" if detail.is_multiple_of(3) => plan(PlanDecision::NotIssue),
        "plan_decision_notified" => plan(PlanDecision::Issue),
        "draft_plan_served" => draft(
            [
                DraftReason::First,
                DraftReason::AuthorityChanges,
                DraftReason::RepresentationsAgreed,
            ][detail % 3],
        ),
        "representations_received" => representations(),
        "setting_consulted" => consult(["school", "college", "unit"][detail % 3]),
        "setting_replied" => reply(["school", "college", "unit"][detail % 3]),
        "place_awaited" => await_place(
            ["school", "college", "unit"][detail % 3],
            day + TimeDelta::days(shift_days),
        ),
        "place_offered" => offer_place(["school", "college", "unit"][detail % 3]),
        "final_plan_sent" => send(final_plan(detail, shift_days, day)),
        "assessment_withdrawn" => withdraw(),
        "moved_out" => move_out(),
        "assessment_resumed" => resume(
            [
                ResumptionOutcome::Assess,
                ResumptionOutcome::MakePlan,
                ResumptionOutcome::Reconsider,
            ][detail % 3],
        ),
        "exception_claimed" => closing_claim(detail, from, to),
        "advice_requested" => ask(requirement, service),
        "advice_acknowledged" => acknowledge(it),
        "advice_submitted" => submit(it),
        "advice_returned" => send_back(it),
        "advice_accepted" => accept(it),
        "advice_declined" => decline(
            it,
            [DeclinationGround::AdverseEffect, DeclinationGround::NoCapacity][detail % 2],
        ),
        "advice_redirected" => redirect(it, [Party::Other, Party::SocialCare][detail % 2]),
        "advice_withdrawn" => take_back(it),
        "advice_appointment" => appointment(
            it,
            earlier(detail % 40),
            [AppointmentOutcome::Missed, AppointmentOutcome::Held][detail % 2],
        ),
        "advice_exception_claimed" => {
            let grounds = [
                Ground::MissedAppointment,
                Ground::Absent,
                Ground::PersonalCircumstances,
            ];
            excuse(it, grounds[detail % 3], from, to)
        }
        "existing_advice_agreed" => agree_existing(requirement, day),
        "case_closed" => Fact::CaseClosed(ClosureReason::Other),
        // Corrections are not facts and are never drawn.
        "correction" => representations(),
        other => panic!("no fact is made up for {other}"),
    }
}

fn asked_already(story: &Story, detail: usize) -> Option<Uuid> {
    if story.events.is_empty() {
        return None;
    }
    let requests = story.timeline().advice.requests;
    (!requests.is_empty()).then(|| requests[detail % requests.len()].id)
}

fn final_plan(detail: usize, shift_days: i64, day: NaiveDate) -> FinalPlanSent {
    let sent_on = day + TimeDelta::days(shift_days);
    let recipient = |role, sent_on| Recipient { role, sent_on };
    FinalPlanSent {
        version: None,
        recipients: if detail % 3 == 1 {
            vec![
                recipient(RecipientRole::Family, sent_on),
                recipient(
                    RecipientRole::Setting,
                    sent_on + TimeDelta::days(detail as i64 / 3 % 9),
                ),
            ]
        } else {
            Vec::new()
        },
        waiver: (detail % 4 == 1).then(|| waived_on(day - TimeDelta::days(detail as i64 / 5 % 20 - 2))),
        sent_early_acknowledged: !detail.is_multiple_of(5),
        missing_advice_reason: (!detail.is_multiple_of(7)).then(|| "not given in time".to_owned()),
    }
}

fn closing_claim(detail: usize, from: NaiveDate, to: NaiveDate) -> Fact {
    let grounds = [
        AuthorityGround::SchoolClosed,
        AuthorityGround::PersonalCircumstances,
        AuthorityGround::Absent,
        AuthorityGround::Coronavirus,
        AuthorityGround::EarlyYearsClosed,
    ];
    let kinds = [ClockKind::ALL[detail / 5 % 7], ClockKind::ALL[detail / 11 % 7]];
    claim_of(ExceptionClaimed {
        closed_from: Some(from),
        reopens_on: Some(to),
        advice_requested_on: Some(from + TimeDelta::days(detail as i64 / 13 % 50 - 10)),
        causal_link: detail
            .is_multiple_of(2)
            .then(|| "No visit could be made.".to_owned()),
        ..claimed(grounds[detail % 5], from, to, &kinds)
    })
}
