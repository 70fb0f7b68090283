//! The prefix law: what is said of a past day does not depend on what happened later.
//!
//! Lists read the whole stream's segments and intervals on a day; single reads fold the events up
//! to it. Both have to say the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::steps::{any_procedure, any_steps, written};
use super::story::*;
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::timeline::Timeline;

/// The days on which something may begin or end, with their neighbours.
fn days_of_interest(story: &Story, timeline: &Timeline) -> BTreeSet<NaiveDate> {
    let mut days: Vec<NaiveDate> = story.events.iter().map(|event| event.occurred_on).collect();
    for clock in &timeline.clocks {
        days.extend([clock.started_on, clock.due_on, clock.day_one_due_on]);
        days.push(clock.day_one_due_on - TimeDelta::days(i64::from(DUE_SOON_DAYS)));
        for segment in &clock.segments {
            days.extend(
                [
                    segment.satisfied_on,
                    segment.cancelled_on,
                    segment.excused_from_on,
                ]
                .into_iter()
                .flatten(),
            );
        }
    }
    days.extend(
        timeline
            .flags
            .iter()
            .flat_map(|flag| [Some(flag.since_on), flag.until_on])
            .flatten(),
    );
    days.into_iter()
        .flat_map(|day| (-1..=1).map(move |shift| day + TimeDelta::days(shift)))
        .collect()
}

/// What lists show of the clocks of a day.
fn clocks_on(timeline: &Timeline, day: NaiveDate) -> BTreeMap<Uuid, String> {
    timeline
        .clocks
        .iter()
        .filter_map(|clock| {
            let (segment, standing) = (clock.segment_on(day)?, clock.standing_on(day)?);
            let shown = format!(
                "{:?} {:?} {} {} {} {:?} {:?} {standing:?}",
                clock.rule.kind,
                clock.subject,
                clock.started_on,
                clock.due_on,
                clock.day_one_due_on,
                segment.bearer,
                segment.force
            );
            Some((clock.id, shown))
        })
        .collect()
}

/// What lists show of the flags of a day. Whose move a missing piece of advice is, is only told by
/// the fold of that day.
fn flags_on(timeline: &Timeline, day: NaiveDate) -> Vec<Flag> {
    let mut flags = timeline.flags_on(day, DUE_SOON_DAYS);
    for flag in &mut flags {
        flag.until_on = None;
        if flag.code == FlagCode::AdviceMissing {
            flag.whose_move = None;
        }
    }
    flags.sort();
    flags
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn the_whole_read_on_a_day_is_the_fold_up_to_that_day(setting in any_procedure(), steps in any_steps(30)) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let whole = story.timeline();
        for day in days_of_interest(&story, &whole) {
            let (clocks, flags) = match story.until(day) {
                Some(prefix) => (clocks_on(&prefix, day), flags_on(&prefix, day)),
                None => (BTreeMap::new(), Vec::new()),
            };
            prop_assert_eq!(clocks_on(&whole, day), clocks, "clocks on {}", day);
            prop_assert_eq!(flags_on(&whole, day), flags, "flags on {}", day);
        }
    }

    #[test]
    fn segments_follow_each_other_without_a_gap(setting in any_procedure(), steps in any_steps(40)) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        for clock in story.timeline().clocks {
            prop_assert!(!clock.segments.is_empty());
            for pair in clock.segments.windows(2) {
                prop_assert!(pair[0].effective_from_on < pair[1].effective_from_on);
                prop_assert_eq!(pair[0].effective_until_on, Some(pair[1].effective_from_on));
            }
            prop_assert_eq!(clock.segments.last().unwrap().effective_until_on, None);
            for segment in &clock.segments {
                prop_assert!(
                    segment.satisfied_on.is_none() || segment.cancelled_on.is_none(),
                    "done or dropped, not both"
                );
            }
        }
    }

    #[test]
    fn intervals_of_one_flag_do_not_touch(setting in any_procedure(), steps in any_steps(40)) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let mut flags = story.timeline().flags;
        flags.retain(|flag| flag.code != FlagCode::ExceptionClaimed);
        flags.sort_by_key(|flag| (flag.code, flag.subject, flag.since_on));
        prop_assert!(flags.iter().all(|flag| flag.until_on.is_none_or(|until_on| flag.since_on < until_on)));
        for pair in flags.windows(2) {
            if (pair[0].code, pair[0].subject) == (pair[1].code, pair[1].subject) {
                prop_assert!(pair[0].until_on.is_some_and(|until_on| until_on < pair[1].since_on));
            }
        }
    }

    #[test]
    fn clocks_of_one_procedure_have_ids_of_their_own(setting in any_procedure(), steps in any_steps(40)) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let clocks = story.timeline().clocks;
        let ids: BTreeSet<Uuid> = clocks.iter().map(|clock| clock.id).collect();
        prop_assert_eq!(ids.len(), clocks.len());
    }
}
