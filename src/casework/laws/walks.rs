//! Random walks: the engine and the plain model take the same steps and stand in the same place.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::limit::Limit;
use super::model::Model;
use super::steps::{Setting, Step, any_setting, any_steps, attempt};
use super::story::*;
use crate::casework::flag::FlagCode;
use crate::casework::timeline::Timeline;
use crate::statute::reading::Readings;

fn same_limits(timeline: &Timeline, model: &Model, story: &Story) -> Result<(), TestCaseError> {
    prop_assert_eq!(timeline.clocks.len(), model.limits.len());
    let last_on = story.events.iter().map(|event| event.occurred_on).max().unwrap();
    for clock in &timeline.clocks {
        let is_it = |limit: &&Limit| {
            limit.kind == clock.rule.kind
                && limit.about == clock.subject
                && limit.start == clock.started_on
                && limit.end() == clock.due_on
        };
        let last = clock.segments.last().unwrap();
        let shown = (last.satisfied_on, last.cancelled_on, last.bearer);
        let agrees = |limit: &Limit| {
            (limit.done, limit.dropped.map(|(day, _)| day), limit.bearer) == shown
                && (0..400).step_by(13).all(|days| {
                    let day = last_on + TimeDelta::days(days);
                    Some(limit.status(day)) == clock.standing_on(day).map(|standing| standing.status)
                })
        };
        let candidates: Vec<&Limit> = model.limits.iter().filter(is_it).collect();
        prop_assert!(
            candidates.iter().any(|limit| agrees(limit)),
            "{:?} {:?} is not among {:?}",
            clock.rule.kind,
            clock.segments,
            candidates
        );
    }
    Ok(())
}

fn same_advice(timeline: &Timeline, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(timeline.advice.requests.len(), model.requests.len());
    for request in &timeline.advice.requests {
        let asked = &model.requests[&request.id];
        prop_assert_eq!(
            (request.state, request.submitted_on, request.bearer),
            (asked.state, asked.came, asked.bearer)
        );
    }
    Ok(())
}

fn same_flags(timeline: &Timeline, model: &Model, story: &Story) -> Result<(), TestCaseError> {
    let last_on = story.events.iter().map(|event| event.occurred_on).max().unwrap();
    let mut flags: Vec<_> = timeline
        .flags_on(last_on, DUE_SOON_DAYS)
        .iter()
        .filter(|flag| match flag.code {
            FlagCode::AdviceMissing
            | FlagCode::AdviceReturned
            | FlagCode::AdviceDeclined
            | FlagCode::AdviceAfterPlan
            | FlagCode::DraftWindowCutShort => true,
            FlagCode::AdviceLate
            | FlagCode::ClockOverdue
            | FlagCode::DueSoon
            | FlagCode::ExceptionClaimed
            | FlagCode::EarlyYearsReview
            | FlagCode::PlaceAwaited
            | FlagCode::GlassBroken => false,
        })
        .map(|flag| {
            (
                flag.code,
                flag.subject.advice_request_id,
                flag.subject.requirement,
            )
        })
        .collect();
    flags.sort();
    prop_assert_eq!(flags, model.flags(last_on));
    Ok(())
}

fn walk(setting: &Setting, steps: &[Step]) -> Result<usize, TestCaseError> {
    let mut story = setting.story();
    for step in steps {
        let next = attempt(&story, setting, *step);
        let modelled = Model::told(next.child.clone(), &next.sorted());
        match (next.judged(), modelled) {
            (Ok(timeline), Ok(model)) => {
                prop_assert_eq!(Some(timeline.state), model.state.map(Into::into));
                same_limits(&timeline, &model, &next)?;
                same_advice(&timeline, &model)?;
                same_flags(&timeline, &model, &next)?;
                story = next;
            }
            (Err(_), Err(_)) => {}
            (Ok(timeline), Err(_)) => {
                return Err(TestCaseError::fail(format!(
                    "only the engine accepts {:?} and stands in {:?}",
                    next.events.last().map(|event| &event.fact),
                    timeline.state
                )));
            }
            (Err(refusal), Ok(model)) => {
                return Err(TestCaseError::fail(format!(
                    "only the model, in {:?}: {refusal:?}",
                    model.state
                )));
            }
        }
    }
    Ok(story.events.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_engine_and_the_model_walk_together(setting in any_setting(), steps in any_steps(40)) {
        let plainly = Setting { readings: Readings::default(), ..setting };
        walk(&plainly, &steps)?;
    }
}

#[test]
fn the_walks_get_everywhere() {
    use std::collections::BTreeSet;

    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use crate::casework::assessment::AssessmentState;
    use crate::statute::clock::ClockStatus;

    let mut runner = TestRunner::deterministic();
    let (mut states, mut kinds, mut flags) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut statuses: BTreeSet<ClockStatus> = BTreeSet::new();
    for _ in 0..150 {
        let setting = any_setting().new_tree(&mut runner).unwrap().current();
        let steps = any_steps(40).new_tree(&mut runner).unwrap().current();
        let story = super::steps::written(&setting, &steps);
        let Some(last_on) = story.events.iter().map(|event| event.occurred_on).max() else {
            continue;
        };
        let timeline = story.timeline();
        states.insert(timeline.state);
        kinds.extend(timeline.clocks.iter().map(|clock| clock.rule.kind));
        flags.extend(
            timeline
                .flags_on(last_on, DUE_SOON_DAYS)
                .iter()
                .map(|flag| flag.code),
        );
        let standings = timeline
            .clocks
            .iter()
            .filter_map(|clock| clock.standing_on(last_on));
        statuses.extend(standings.map(|standing| standing.status));
    }
    assert_eq!(states.len(), AssessmentState::ALL.len() - 1, "{states:?}");
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    let elsewhere = [FlagCode::EarlyYearsReview, FlagCode::GlassBroken];
    assert_eq!(flags.len(), FlagCode::ALL.len() - elsewhere.len(), "{flags:?}");
    assert_eq!(statuses.len(), 5, "{statuses:?}");
}
