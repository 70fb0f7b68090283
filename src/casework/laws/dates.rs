//! Dates nobody listed: what the numbers of the regulations make of any day.
//!
//! The days are counted here by a calendar of our own, not by the engine's.

use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;

use super::story::*;
use crate::casework::assessment::{AssessDecision, DraftReason};
use crate::casework::event::LegalDates;
use crate::statute::calendar::{is_working_day, last_working_day_on_or_before};
use crate::statute::clock::{Clock, ClockStatus};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::ClockKind;

/// The number of a day, counted by hand: leap years every fourth year, save three in four centuries.
fn number_of(date: NaiveDate) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let year = i64::from(date.year());
    let years_before = 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    let months = [
        31,
        if is_leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
    ];
    let months_before: i64 = months[..date.month0() as usize].iter().sum();
    years_before + months_before + i64::from(date.day())
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0i64..31_530).prop_map(|offset| on("2014-09-01") + chrono::TimeDelta::days(offset))
}

/// The days from a clock's start to its end, and from its start to its end with day one counted in.
fn lengths(clock: &Clock) -> (i64, i64) {
    let start = number_of(clock.started_on);
    (
        number_of(clock.due_on) - start,
        number_of(clock.day_one_due_on) - start,
    )
}

#[test]
fn the_calendar_of_our_own_agrees_with_itself() {
    assert_eq!(number_of(on("2024-03-01")) - number_of(on("2024-02-28")), 2);
    assert_eq!(number_of(on("2100-03-01")) - number_of(on("2100-02-28")), 1);
    assert_eq!(number_of(on("2001-01-01")) - number_of(on("2000-01-01")), 366);
    assert_eq!(number_of(on("2401-01-01")) - number_of(on("2001-01-01")), 146_097);
}

#[test]
fn the_first_and_the_last_day_that_can_be_written_are_days_like_others() {
    let last = Story::requested("9999-12-31");
    let clock = last.clock(ClockKind::AssessDecision);
    assert_eq!(lengths(&clock), (42, 41));
    assert_eq!(
        clock.standing_on(on("9999-12-31")).unwrap().status,
        ClockStatus::Running
    );
    assert_eq!(last.flag_names("9999-12-31"), Vec::<&str>::new());
    assert!(!crate::statute::explanation::explain(&clock, on("9999-12-31")).is_empty());
    assert!(Story::requested("0000-01-01").timeline().clocks.is_empty());
}

fn on_any(day: NaiveDate) -> String {
    day.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_limits_of_a_request_are_weeks_to_the_day(received_on in any_day(), told_after in -40i64..40) {
        let occurred_on = received_on + chrono::TimeDelta::days(told_after);
        let dates = LegalDates { received_on: Some(received_on), ..LegalDates::default() };
        let story = Story::default().then_dated(&on_any(occurred_on), request(), dates);
        for (kind, days) in [
            (ClockKind::AssessDecision, 42),
            (ClockKind::PlanDecision, 112),
            (ClockKind::NoPlanNotice, 112),
            (ClockKind::FinalPlan, 140),
        ] {
            let clock = story.clock(kind);
            prop_assert_eq!(clock.started_on, received_on);
            prop_assert_eq!(lengths(&clock), (days, days - 1));
            prop_assert_eq!(clock.due_on.weekday(), received_on.weekday());
        }
    }

    #[test]
    fn advice_replies_and_windows_run_from_receipt_and_service(day in any_day(), later in 0i64..20) {
        let received_on = day + chrono::TimeDelta::days(later);
        let dates = LegalDates {
            received_on: Some(received_on),
            served_on: Some(received_on),
            ..LegalDates::default()
        };
        let text = on_any(day);
        let story = Story::assessing(&text, &text)
            .then_dated(&text, ask(Requirement::Medical, "paediatrics"), dates)
            .then_dated(&text, draft(DraftReason::First), dates)
            .then_dated(&text, consult("school"), dates);
        for (kind, lengths_of_kind) in [
            (ClockKind::Advice, (42, 41)),
            (ClockKind::DraftRepresentations, (14, 14)),
            (ClockKind::SettingReply, (15, 14)),
        ] {
            let clock = story.clock(kind);
            prop_assert_eq!(clock.started_on, received_on);
            prop_assert_eq!(lengths(&clock), lengths_of_kind);
        }
    }

    #[test]
    fn what_is_done_is_late_by_the_days_it_came_after(day in any_day(), taken in 0i64..120) {
        let done_on = day + chrono::TimeDelta::days(taken);
        let story = Story::assessing(&on_any(day), &on_any(done_on));
        let clock = story.clock(ClockKind::AssessDecision);
        for later in [0, 1, 30, 400] {
            let standing = clock.standing_on(done_on + chrono::TimeDelta::days(later)).unwrap();
            let status = if taken > 42 { ClockStatus::Late } else { ClockStatus::Met };
            prop_assert_eq!(standing.status, status);
            prop_assert_eq!(standing.days_late, (taken - 42).max(0));
            prop_assert_eq!(standing.days_remaining, None);
            prop_assert_eq!(standing.satisfied_on, Some(done_on));
        }
    }

    #[test]
    fn what_is_not_done_counts_down_and_then_up(day in any_day(), passed in 0i64..300) {
        let as_of = day + chrono::TimeDelta::days(passed);
        let clock = Story::requested(&on_any(day)).clock(ClockKind::FinalPlan);
        let standing = clock.standing_on(as_of).unwrap();
        prop_assert_eq!(standing.days_remaining, Some(140 - passed));
        prop_assert_eq!(standing.days_late, (passed - 140).max(0));
        let status = if passed > 140 { ClockStatus::Overdue } else { ClockStatus::Running };
        prop_assert_eq!(standing.status, status);
    }

    #[test]
    fn no_working_day_lies_between_the_last_one_and_the_limit(day in any_day()) {
        let clock = Story::requested(&on_any(day)).clock(ClockKind::FinalPlan);
        let last = last_working_day_on_or_before(clock.due_on);
        prop_assert!(is_working_day(last) && last <= clock.due_on);
        prop_assert!((clock.due_on - last).num_days() <= 4, "Christmas at a weekend is the longest");
        let skipped = last.iter_days().skip(1).take_while(|date| *date <= clock.due_on);
        prop_assert_eq!(skipped.filter(|date| is_working_day(*date)).count(), 0);
    }

    #[test]
    fn before_the_regulations_there_is_no_limit(offset in 1i64..4_000) {
        let day = on("2014-09-01") - chrono::TimeDelta::days(offset);
        let story = Story::requested(&on_any(day)).then(&on_any(day), decide(AssessDecision::Assess));
        prop_assert!(story.timeline().clocks.is_empty());
    }
}
