//! The matrix of advice beside the flags and the requests of the same day, for any stream.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::steps::{Setting, Step, any_setting, any_steps, written};
use super::story::*;
use crate::casework::advice::{AdviceItem, AdviceState, AdviceStatus};
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::timeline::Timeline;
use crate::statute::requirement::Requirement;

fn rows(timeline: &Timeline, day: chrono::NaiveDate) -> Vec<AdviceItem> {
    let sought_on = timeline.advice.sought_on.unwrap_or(day);
    let required: Vec<Requirement> = child().required_advice(sought_on).collect();
    timeline.advice.matrix(&timeline.clocks, &required, day)
}

/// Missing is flagged wherever it is shown, and shown or declined wherever it is flagged.
fn missing_is_told_twice(rows: &[AdviceItem], flags: &[Flag]) -> Result<(), TestCaseError> {
    for requirement in Requirement::ALL {
        let is_flagged = flags.iter().any(|flag| {
            flag.code == FlagCode::AdviceMissing && flag.subject.requirement == Some(requirement)
        });
        let shows = |status| {
            rows.iter()
                .any(|row| row.requirement == requirement && row.status == status)
        };
        let is_missing = shows(AdviceStatus::Missing);
        prop_assert!(
            !is_missing || is_flagged,
            "{:?} is shown, not flagged",
            requirement
        );
        prop_assert!(
            !is_flagged || is_missing || shows(AdviceStatus::Declined),
            "{:?} is flagged, not shown",
            requirement
        );
    }
    Ok(())
}

fn late_is_told_twice(rows: &[AdviceItem], flags: &[Flag]) -> Result<(), TestCaseError> {
    for row in rows {
        let is_flagged = flags.iter().any(|flag| {
            flag.code == FlagCode::AdviceLate
                && flag.subject.advice_request_id.is_some()
                && flag.subject.advice_request_id == row.request_id
        });
        match row.status {
            AdviceStatus::Late => prop_assert!(is_flagged && row.days_late > 0),
            AdviceStatus::Missing | AdviceStatus::Declined => {}
            AdviceStatus::NotRequested
            | AdviceStatus::Awaited
            | AdviceStatus::Submitted
            | AdviceStatus::Returned
            | AdviceStatus::Accepted
            | AdviceStatus::ExistingAgreed
            | AdviceStatus::NotRequired => prop_assert!(!is_flagged, "{:?} is late", row),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_matrix_its_flags_and_its_requests_agree(setting in any_setting(), steps in any_steps(40)) {
        // Advice that was sent and has not arrived is submitted and late at once: let it arrive.
        let steps: Vec<Step> = steps.into_iter().map(Step::undated).collect();
        let story = written(&Setting { knows_child: true, ..setting }, &steps);
        prop_assume!(!story.events.is_empty());
        let days: BTreeSet<_> = story.events.iter().map(|event| event.occurred_on).collect();
        for day in days {
            let timeline = story.until(day).unwrap();
            let (rows, flags) = (rows(&timeline, day), timeline.flags_on(day, DUE_SOON_DAYS));
            let asked: BTreeSet<_> = timeline
                .advice
                .requests
                .iter()
                .filter(|request| request.state != AdviceState::Withdrawn)
                .map(|request| request.id)
                .collect();
            let shown: BTreeSet<_> = rows.iter().filter_map(|row| row.request_id).collect();
            prop_assert_eq!(asked, shown);
            for requirement in Requirement::ALL {
                prop_assert!(rows.iter().any(|row| row.requirement == requirement));
            }
            late_is_told_twice(&rows, &flags)?;
            if timeline.advice.is_stopped {
                prop_assert!(rows.iter().all(|row| row.whose_move.is_none()));
                prop_assert!(flags.iter().all(|flag| flag.code != FlagCode::AdviceMissing));
            } else {
                missing_is_told_twice(&rows, &flags)?;
            }
        }
    }
}
