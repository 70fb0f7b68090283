//! Replay: the same facts recorded in another order amount to the same.
//!
//! Events fold by day, rank and sequence. Between events of one day and rank the order of recording
//! counts only where both are about the same thing; everything else may be recorded in any order
//! that is accepted step by step.

use proptest::prelude::*;
use uuid::Uuid;

use super::portrait::portrait;
use super::steps::{any_setting, any_steps, written};
use super::story::*;
use crate::casework::assessment::{AssessDecision, AssessmentFact, PlanDecision};
use crate::casework::event::{Event, Fact};
use crate::casework::flag::FlagCode;
use crate::statute::requirement::Requirement;

/// What an event is about, as far as the order of recording matters; none for what is on its own.
#[derive(PartialEq, Eq)]
enum Topic {
    Alone,
    Procedure,
    Subject(Uuid),
}

fn topic(fact: &Fact) -> Topic {
    match fact {
        Fact::Advice(fact) => fact.request_id().map_or(Topic::Alone, Topic::Subject),
        Fact::Own(fact) => match fact.of::<AssessmentFact>().unwrap() {
            AssessmentFact::SettingConsulted(it) => Topic::Subject(it.consultation_id),
            AssessmentFact::SettingReplied(it) => Topic::Subject(it.consultation_id),
            AssessmentFact::PlaceAwaited(it) => Topic::Subject(it.consultation_id),
            AssessmentFact::PlaceOffered(it) => Topic::Subject(it.consultation_id),
            AssessmentFact::FurtherRequestReceived(_)
            | AssessmentFact::JointMeetingArranged(_)
            | AssessmentFact::JointMeetingHeld(_)
            | AssessmentFact::RepresentationsReceived(_)
            | AssessmentFact::ExceptionClaimed(_) => Topic::Alone,
            _ => Topic::Procedure,
        },
        Fact::CaseClosed(_) => Topic::Procedure,
    }
}

/// Whether one has to be recorded before the other to amount to the same.
fn must_precede(first: &Event, second: &Event) -> bool {
    let place = |event: &Event| (event.occurred_on, event.fact.event_type().rank());
    let about = topic(&first.fact);
    place(first) == place(second)
        && first.sequence < second.sequence
        && about != Topic::Alone
        && about == topic(&second.fact)
}

/// The same facts in an order drawn from `picks`, each accepted when it was recorded.
fn recorded_otherwise(story: &Story, picks: &[usize]) -> Option<Story> {
    let mut left = story.events.clone();
    let mut other = Story {
        events: Vec::new(),
        ..story.clone()
    };
    for pick in picks.iter().cycle() {
        if left.is_empty() {
            return Some(other);
        }
        let recordable: Vec<usize> = (0..left.len())
            .filter(|at| !left.iter().any(|earlier| must_precede(earlier, &left[*at])))
            .filter(|at| with(&other, &left[*at]).judged().is_ok())
            .collect();
        let at = *recordable.get(pick % recordable.len().max(1))?;
        other = with(&other, &left.remove(at));
    }
    None
}

fn with(story: &Story, event: &Event) -> Story {
    let mut story = story.clone();
    let sequence = story.events.len() as i64 + 1;
    story.events.push(Event {
        sequence,
        ..event.clone()
    });
    story
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_accepted_order_of_recording_amounts_to_the_same(
        setting in any_setting(),
        steps in any_steps(24),
        picks in prop::collection::vec(0usize..1_000, 7),
    ) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        if let Some(other) = recorded_otherwise(&story, &picks) {
            prop_assert_eq!(portrait(&story.timeline()), portrait(&other.timeline()));
        }
    }
}

#[test]
fn orders_are_really_shuffled() {
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-11", ask(Requirement::Medical, "paediatrics"))
        .then("2026-02-11", ask(Requirement::Education, "school"))
        .then("2026-03-01", plan(PlanDecision::Issue));
    let other = recorded_otherwise(&story, &[1, 1, 0, 1]).unwrap();
    let ids = |story: &Story| story.events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_ne!(ids(&story), ids(&other));
    assert_eq!(portrait(&story.timeline()), portrait(&other.timeline()));
}

#[test]
fn acts_of_one_day_on_one_request_count_in_the_order_they_were_recorded() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let asked = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-11", ask(Requirement::Medical, "paediatrics"));
    let in_order = asked
        .clone()
        .then("2026-03-02", submit(medical))
        .then("2026-03-02", send_back(medical));
    assert!(in_order.judged().is_ok());
    let turned = asked
        .then("2026-03-02", send_back(medical))
        .then("2026-03-02", submit(medical));
    assert!(turned.judged().is_err());
}

#[test]
fn a_flag_lowered_and_raised_on_one_day_was_never_down() {
    let first = request_id(Requirement::Other, "music therapy");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-11", ask(Requirement::Other, "music therapy"))
        .then("2026-03-02", plan(PlanDecision::Issue));
    let replaced = story
        .clone()
        .then("2026-03-20", take_back(first))
        .then("2026-03-20", ask(Requirement::Other, "art therapy"));
    let added = story
        .then("2026-03-20", ask(Requirement::Other, "art therapy"))
        .then("2026-03-20", take_back(first));
    let missing_since = |story: &Story| {
        let flags = story.flags("2026-04-01");
        let missing = flags.iter().find(|flag| flag.code == FlagCode::AdviceMissing);
        missing.map(|flag| flag.since_on)
    };
    assert_eq!(missing_since(&replaced), Some(on("2026-03-02")));
    assert_eq!(missing_since(&added), Some(on("2026-03-02")));
}

#[test]
fn a_backdated_event_is_judged_on_its_day() {
    let story = Story::requested("2026-01-05")
        .then("2026-03-02", withdraw())
        .then("2026-02-10", decide(AssessDecision::Assess));
    assert!(story.judged().is_ok());
    let after = Story::requested("2026-01-05")
        .then("2026-02-01", withdraw())
        .then("2026-02-10", decide(AssessDecision::Assess));
    let refusal = after.judged().unwrap_err();
    assert_eq!(
        refusal.state,
        Some(crate::casework::assessment::AssessmentState::Withdrawn.into())
    );
}
