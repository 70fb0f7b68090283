//! Every state and every event: what leads where, and what is refused.
//!
//! The tables are copied from the published contract by hand, not taken from the engine.

use std::sync::OnceLock;

use super::story::*;
use crate::casework::advice::{AdviceFact, AdviceState, AppointmentOutcome, DeclinationGround};
use crate::casework::assessment::AssessmentState::{self, *};
use crate::casework::assessment::{
    ASSESSMENT, AssessDecision, AssessmentFact, DraftReason, PlanDecision, ResumptionOutcome,
};
use crate::casework::claim::AuthorityGround;
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::procedure::{EventType, State};
use crate::casework::timeline::Reason;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Ground, Party};

/// A column for each state: before the opening, considering, assessing, refused, drafting, draft
/// served, issued, no plan, withdrawn, moved, closed. A dot refuses, `=` stays.
const TRANSITIONS: &str = "
request_received                             con  .   .   .   .   .   .   .   .   .   .
became_responsible                           con  .   .   .   .   .   .   .   .   .   .
further_request_received                      .   =   =   .   =   =   .   .   .   .   .
assess_decision_notified assess               .  ass  .   .   .   .   .   .   .   .   .
assess_decision_notified refuse               .  ref  .   .   .   .   .   .   .   .   .
joint_meeting_arranged                        .   =   =   .   =   =   .   .   .   .   .
joint_meeting_held                            .   =   =   .   =   =   .   .   .   .   .
plan_decision_notified issue                  .   .  dra  .  dra dra  .   .   .   .   .
plan_decision_notified not_issue              .   .  npl  .  npl npl  .   .   .   .   .
draft_plan_served first                       .   .  ser  .  ser ser  .   .   .   .   .
draft_plan_served authority_changes           .   .  ser  .  ser ser  .   .   .   .   .
draft_plan_served representations_agreed      .   .  ser  .  ser ser  .   .   .   .   .
representations_received                      .   .   .   .   .   =   .   .   .   .   .
setting_consulted                             .   .   .   .   =   =   .   .   .   .   .
setting_replied                               .   .   .   .   =   =   .   .   .   .   .
place_awaited                                 .   .   .   .   =   =   =   .   .   .   .
place_offered                                 .   .   .   .   =   =   =   .   .   .   .
final_plan_sent                               .   .   .   .   .  iss  .   .   .   .   .
assessment_withdrawn                          .  wit wit  .  wit wit  .   .   .   .   .
moved_out                                     .  mov mov  .  mov mov  .   .   .   .   .
assessment_resumed assess                     .   .   .  ass  .   .   .  ass ass  .   .
assessment_resumed make_plan                  .   .   .  dra  .   .   .  dra dra  .   .
assessment_resumed reconsider                 .   .   .  con  .   .   .  ass con  .   .
exception_claimed                             .   =   =   .   =   =   .   .   .   .   .
advice_requested                              .   =   =   .   =   =   =   .   .   =   .
advice_acknowledged                           .   =   =   .   =   =   =   .   .   =   .
advice_submitted                              .   =   =   =   =   =   =   =   =   =   =
advice_returned                               .   =   =   .   =   =   =   .   .   =   .
advice_accepted                               .   =   =   .   =   =   =   .   .   =   .
advice_declined                               .   =   =   .   =   =   =   .   .   =   .
advice_redirected                             .   =   =   .   =   =   =   .   .   =   .
advice_withdrawn                              .   =   =   .   =   =   =   .   .   =   .
advice_appointment                            .   =   =   .   =   =   =   .   .   =   .
advice_exception_claimed                      .   =   =   .   =   =   =   .   .   =   .
existing_advice_agreed                        .   =   =   .   =   =   =   .   .   =   .
case_closed                                   .  clo clo  =  clo clo  =   =   =   =   .
";

/// What an act makes of a request: before it was asked, requested, acknowledged, submitted,
/// returned, accepted, declined, withdrawn.
const ACTS: &str = "
advice_requested           req  .   .   .   .   .   .   .
advice_acknowledged         .  ack  .   .   .   .   .   .
advice_submitted            .  sub sub  .  sub  .  sub  .
advice_returned             .   .   .  ret  .   .   .   .
advice_accepted             .   .   .  acc  .   .   .   .
advice_declined             .  dec dec  .  dec  .   .  .
advice_redirected           .  req req  .  req  .  req  .
advice_withdrawn            .  wdr wdr wdr wdr  .  wdr  .
advice_appointment          .   =   =   =   =   .   =   .
advice_exception_claimed    .   =   =   =   =   =   =   .
";

const STATES: [Option<AssessmentState>; 11] = [
    None,
    Some(ConsideringRequest),
    Some(Assessing),
    Some(AssessmentRefused),
    Some(Drafting),
    Some(DraftServed),
    Some(PlanIssued),
    Some(PlanRefused),
    Some(Withdrawn),
    Some(MovedOut),
    Some(Closed),
];

const NAMES: [&str; 11] = [
    "-", "con", "ass", "ref", "dra", "ser", "iss", "npl", "wit", "mov", "clo",
];

fn told(state: Option<AssessmentState>) -> Option<State> {
    state.map(Into::into)
}

/// Where the table leads from a state by a fact; none if it refuses.
pub fn leads_to(state: Option<AssessmentState>, fact: &Fact) -> Option<AssessmentState> {
    let mut name = fact.event_type().name().to_owned();
    let value = match fact {
        Fact::Own(fact) => fact.to_value().unwrap(),
        Fact::Advice(_) | Fact::CaseClosed(_) => serde_json::Value::Null,
    };
    let detail = match name.as_str() {
        "assess_decision_notified" | "plan_decision_notified" => value["decision"].as_str(),
        "draft_plan_served" => value["reason"].as_str(),
        "assessment_resumed" => value["outcome"].as_str(),
        _ => None,
    };
    if let Some(detail) = detail {
        name = format!("{name} {detail}");
    }
    cell_of(transitions(), &STATES, &NAMES, &name, state)
}

/// What the table of acts makes of a request; none if it refuses.
pub fn act_leads_to(state: Option<AdviceState>, fact: &AdviceFact) -> Option<AdviceState> {
    cell_of(
        acts(),
        &REQUEST_STATES,
        &REQUEST_NAMES,
        fact.event_type().name(),
        state,
    )
}

fn cell_of<S: Copy + PartialEq>(
    rows: &[Row],
    states: &[Option<S>],
    names: &[&str],
    row: &str,
    state: Option<S>,
) -> Option<S> {
    let (_, cells) = rows.iter().find(|(name, _)| name == row)?;
    let column = states.iter().position(|known| *known == state)?;
    match cells[column] {
        "." => None,
        "=" => state,
        other => states[names.iter().position(|known| *known == other)?],
    }
}

/// A request that waits and one that was answered, before the state is reached.
fn waiting() -> uuid::Uuid {
    request_id(Requirement::Medical, "waiting")
}

fn answered() -> uuid::Uuid {
    request_id(Requirement::Medical, "answered")
}

fn reaching(state: Option<AssessmentState>) -> Story {
    let Some(state) = state else {
        return Story::default();
    };
    let opened = Story::requested("2026-01-05")
        .then("2026-01-06", ask(Requirement::Medical, "waiting"))
        .then("2026-01-06", ask(Requirement::Medical, "answered"))
        .then("2026-01-07", submit(answered()));
    let assessing = opened.clone().then("2026-02-02", decide(AssessDecision::Assess));
    let drafting = assessing
        .clone()
        .then("2026-03-02", plan(PlanDecision::Issue))
        .then("2026-03-03", consult("school"));
    let served = drafting.clone().then("2026-03-10", draft(DraftReason::First));
    match state {
        ConsideringRequest => opened,
        Assessing => assessing,
        AssessmentRefused => opened.then("2026-02-02", decide(AssessDecision::Refuse)),
        Drafting => drafting,
        DraftServed => served,
        PlanIssued => served.then("2026-04-01", send(acknowledged_plan())),
        PlanRefused => assessing.then("2026-03-02", plan(PlanDecision::NotIssue)),
        Withdrawn => assessing.then("2026-03-02", withdraw()),
        MovedOut => assessing.then("2026-03-02", move_out()),
        Closed => assessing.then("2026-03-02", Fact::CaseClosed(ClosureReason::Died)),
        Void => unreachable!("no stream folds to void: it is what is left of a voided one"),
    }
}

fn fact_named(name: &str) -> Fact {
    let day = on("2026-01-10");
    match name {
        "request_received" => request(),
        "became_responsible" => responsible(),
        "further_request_received" => further_request(),
        "assess_decision_notified assess" => decide(AssessDecision::Assess),
        "assess_decision_notified refuse" => decide(AssessDecision::Refuse),
        "joint_meeting_arranged" => arrange_joint_meeting(day),
        "joint_meeting_held" => hold_joint_meeting(),
        "plan_decision_notified issue" => plan(PlanDecision::Issue),
        "plan_decision_notified not_issue" => plan(PlanDecision::NotIssue),
        "draft_plan_served first" => draft(DraftReason::First),
        "draft_plan_served authority_changes" => draft(DraftReason::AuthorityChanges),
        "draft_plan_served representations_agreed" => draft(DraftReason::RepresentationsAgreed),
        "representations_received" => representations(),
        "setting_consulted" => consult("college"),
        "setting_replied" => reply("school"),
        "place_awaited" => await_place("school", day),
        "place_offered" => offer_place("school"),
        "final_plan_sent" => send(acknowledged_plan()),
        "assessment_withdrawn" => withdraw(),
        "moved_out" => move_out(),
        "assessment_resumed assess" => resume(ResumptionOutcome::Assess),
        "assessment_resumed make_plan" => resume(ResumptionOutcome::MakePlan),
        "assessment_resumed reconsider" => resume(ResumptionOutcome::Reconsider),
        "exception_claimed" => claim(AuthorityGround::Absent, day, day, &[ClockKind::FinalPlan]),
        "advice_requested" => ask(Requirement::Education, "school"),
        "advice_acknowledged" => acknowledge(waiting()),
        "advice_submitted" => submit(waiting()),
        "advice_returned" => send_back(answered()),
        "advice_accepted" => accept(answered()),
        "advice_declined" => decline(waiting(), DeclinationGround::NoCapacity),
        "advice_redirected" => redirect(waiting(), Party::Other),
        "advice_withdrawn" => take_back(waiting()),
        "advice_appointment" => appointment(waiting(), day, AppointmentOutcome::Missed),
        "advice_exception_claimed" => excuse(waiting(), Ground::Absent, day, day),
        "existing_advice_agreed" => agree_existing(Requirement::SocialCare, day),
        "case_closed" => Fact::CaseClosed(ClosureReason::AgedOut),
        other => panic!("no fact is named {other}"),
    }
}

type Row = (String, Vec<&'static str>);

/// The rows of a table: the name, and a cell for each column.
fn rows(table: &'static str, columns: usize) -> Vec<Row> {
    table
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (name, cells) = words.split_at(words.len() - columns);
            (name.join(" "), cells.to_vec())
        })
        .collect()
}

fn transitions() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| rows(TRANSITIONS, STATES.len()))
}

fn acts() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| rows(ACTS, REQUEST_STATES.len()))
}

#[test]
fn the_table_has_a_row_for_every_type_of_event() {
    let rows = transitions();
    for event_type in types_of(&ASSESSMENT) {
        let is_listed = rows
            .iter()
            .any(|(name, _)| name.split(' ').next() == Some(event_type.name()));
        assert_eq!(is_listed, event_type != EventType::CORRECTION, "{event_type:?}");
    }
    for state in AssessmentState::ALL {
        assert_eq!(STATES.contains(&Some(state)), state != Void, "{state:?}");
    }
}

#[test]
fn every_pair_of_state_and_event_is_a_transition_or_a_refusal() {
    for (name, cells) in transitions() {
        let fact = fact_named(name);
        assert_eq!(name.split(' ').next(), Some(fact.event_type().name()));
        for (state, cell) in STATES.into_iter().zip(cells) {
            let expected = leads_to(state, &fact);
            assert_eq!(expected.is_none(), *cell == ".");
            let before = reaching(state);
            if state.is_some() {
                assert_eq!(Some(before.timeline().state), told(state));
            }
            assert_eq!(
                ASSESSMENT.permits(told(state), fact.event_type()),
                expected.is_some(),
                "whether {name} is permitted in {state:?}"
            );
            match (before.then("2026-06-01", fact.clone()).judged(), expected) {
                (Ok(timeline), Some(expected)) => {
                    assert_eq!(timeline.state, expected.into(), "{name} in {state:?}");
                }
                (Err(refusal), None) => {
                    assert_eq!(refusal.state, told(state), "{name}: the refusal names the state");
                    assert_eq!(refusal.event_type, fact.event_type());
                    assert_eq!(refusal.occurred_on, on("2026-06-01"));
                    let reason = if state.is_none() {
                        Reason::NotAnOpening
                    } else {
                        Reason::NotPermitted
                    };
                    assert_eq!(refusal.reason, reason, "{name} in {state:?}");
                }
                (Ok(timeline), None) => panic!("{name} in {state:?} led to {:?}", timeline.state),
                (Err(refusal), Some(_)) => panic!("{name} in {state:?}: {refusal:?}"),
            }
        }
    }
}

#[test]
fn the_fields_said_to_be_required_are_the_ones_that_are() {
    for (name, _) in transitions() {
        let Fact::Own(fact) = fact_named(name) else {
            continue;
        };
        let required = fact.event_type().required_fields();
        let whole = fact.to_value().unwrap();
        let reads = |fields: &[&str]| {
            let mut given = whole.clone();
            let given_fields = given.as_object_mut().unwrap();
            given_fields.retain(|field, _| field == "type" || fields.contains(&field.as_str()));
            serde_json::from_value::<AssessmentFact>(given).is_ok()
        };
        assert!(reads(required), "{name} needs more than {required:?}");
        for left_out in required {
            let rest: Vec<&str> = required
                .iter()
                .copied()
                .filter(|field| field != left_out)
                .collect();
            assert!(!reads(&rest), "{name} does not need {left_out}");
        }
    }
}

#[test]
fn nothing_may_happen_in_a_void_procedure_and_corrections_are_never_folded() {
    for event_type in types_of(&ASSESSMENT) {
        assert!(
            !ASSESSMENT.permits(Some(Void.into()), event_type),
            "{event_type:?}"
        );
    }
    for state in STATES {
        assert!(!ASSESSMENT.permits(told(state), EventType::CORRECTION));
    }
}

#[test]
fn open_states_are_those_in_which_the_authority_owes_an_answer() {
    let open: Vec<_> = AssessmentState::ALL
        .into_iter()
        .filter(|state| state.is_open())
        .collect();
    assert_eq!(open, [ConsideringRequest, Assessing, Drafting, DraftServed]);
}

const REQUEST_STATES: [Option<AdviceState>; 8] = [
    None,
    Some(AdviceState::Requested),
    Some(AdviceState::Acknowledged),
    Some(AdviceState::Submitted),
    Some(AdviceState::Returned),
    Some(AdviceState::Accepted),
    Some(AdviceState::Declined),
    Some(AdviceState::Withdrawn),
];

const REQUEST_NAMES: [&str; 8] = ["-", "req", "ack", "sub", "ret", "acc", "dec", "wdr"];

#[test]
fn every_pair_of_request_and_act_is_a_transition_or_a_refusal() {
    let it = request_id(Requirement::Medical, "paediatrics");
    let day = on("2026-02-20");
    let asked = Story::assessing("2026-01-05", "2026-02-10");
    let in_state = |state: Option<AdviceState>| {
        let acts = match state {
            None => return asked.clone(),
            Some(AdviceState::Requested) => vec![],
            Some(AdviceState::Acknowledged) => vec![acknowledge(it)],
            Some(AdviceState::Submitted) => vec![submit(it)],
            Some(AdviceState::Returned) => vec![submit(it), send_back(it)],
            Some(AdviceState::Accepted) => vec![submit(it), accept(it)],
            Some(AdviceState::Declined) => vec![decline(it, DeclinationGround::NoCapacity)],
            Some(AdviceState::Withdrawn) => vec![take_back(it)],
        };
        let story = asked
            .clone()
            .then("2026-02-11", ask(Requirement::Medical, "paediatrics"));
        acts.into_iter()
            .fold(story, |story, act| story.then("2026-02-12", act))
    };
    let act_named = |name: &str| match name {
        "advice_requested" => ask(Requirement::Medical, "paediatrics"),
        "advice_acknowledged" => acknowledge(it),
        "advice_submitted" => submit(it),
        "advice_returned" => send_back(it),
        "advice_accepted" => accept(it),
        "advice_declined" => decline(it, DeclinationGround::AdverseEffect),
        "advice_redirected" => redirect(it, Party::Other),
        "advice_withdrawn" => take_back(it),
        "advice_appointment" => appointment(it, day, AppointmentOutcome::Held),
        "advice_exception_claimed" => excuse(it, Ground::PersonalCircumstances, day, day),
        other => panic!("no act is named {other}"),
    };
    for (name, cells) in acts() {
        for (state, cell) in REQUEST_STATES.into_iter().zip(cells) {
            let after = in_state(state).then("2026-02-20", act_named(name)).judged();
            let state_after = after.as_ref().map(|timeline| timeline.advice.requests[0].state);
            let expected = match *cell {
                "." => None,
                "=" => state,
                other => REQUEST_STATES[REQUEST_NAMES.iter().position(|known| *known == other).unwrap()],
            };
            match (state_after, expected) {
                (Ok(state_after), Some(expected)) => assert_eq!(state_after, expected, "{name} on {state:?}"),
                (Err(refusal), None) => {
                    let expected_state = state.filter(|_| name != "advice_requested");
                    let reason = Reason::AdviceActNotPermitted {
                        request_state: expected_state,
                    };
                    assert_eq!(refusal.reason, reason, "{name} on {state:?}");
                }
                (Ok(other), None) => panic!("{name} on {state:?} led to {other:?}"),
                (Err(refusal), Some(_)) => panic!("{name} on {state:?}: {refusal:?}"),
            }
        }
    }
}
