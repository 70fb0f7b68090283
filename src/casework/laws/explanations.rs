//! Every clock explains itself, on every day it is there.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::steps::{any_procedure, any_steps, written};
use super::story::*;
use crate::casework::advice::AppointmentOutcome;
use crate::casework::assessment::{AssessDecision, DraftReason};
use crate::casework::claim::AuthorityGround;
use crate::statute::calendar::in_words;
use crate::statute::clock::Clock;
use crate::statute::explanation::explain;
use crate::statute::reading::{DayOfReceipt, NonWorkingDueDay, Readings};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Ground};

fn told(clock: &Clock, day: &str) -> String {
    explain(clock, on(day)).join(" ")
}

#[test]
fn a_clock_tells_its_start_its_rule_its_end_and_where_it_stands() {
    let waiting = Story::requested("2026-01-05").clock(ClockKind::AssessDecision);
    assert_eq!(
        explain(&waiting, on("2026-02-20")),
        [
            "Request received on 5 January 2026.",
            "SI 2014/1530 reg 5(1): Tell the family whether an assessment will be made, within 6 weeks (statutory, confirmed).",
            "The last day is 16 February 2026.",
            "If the day of receipt counts as day one, the last day is 15 February 2026; alerts use it.",
            "On 20 February 2026 it is 4 days overdue.",
        ]
    );
}

#[test]
fn each_status_has_its_own_last_word() {
    let story = Story::assessing("2026-01-05", "2026-02-12");
    let late = Story::assessing("2026-01-05", "2026-02-17");
    let withdrawn = Story::requested("2026-01-05").then("2026-01-20", withdraw());
    let drafted = story.clone().then("2026-03-02", draft(DraftReason::First));
    let decision = ClockKind::AssessDecision;
    for (clock, day, last) in [
        (
            story.clock(decision),
            "2026-02-11",
            "On 11 February 2026 it is running, with 5 days left.",
        ),
        (story.clock(decision), "2026-02-12", "Met on 12 February 2026."),
        (
            late.clock(decision),
            "2026-02-15",
            "On 15 February 2026 it is running, with 1 day left.",
        ),
        (
            late.clock(decision),
            "2026-02-16",
            "On 16 February 2026 it is running, with 0 days left.",
        ),
        (
            late.clock(decision),
            "2026-03-01",
            "Done on 17 February 2026, 1 day late.",
        ),
        (
            withdrawn.clock(decision),
            "2026-03-01",
            "No longer owed since 20 January 2026.",
        ),
        (
            drafted.clock(ClockKind::DraftRepresentations),
            "2026-03-16",
            "On 16 March 2026 it is running, with 0 days left.",
        ),
        (
            drafted.clock(ClockKind::DraftRepresentations),
            "2026-03-17",
            "The window has run.",
        ),
    ] {
        assert_eq!(explain(&clock, on(day)).last().map(String::as_str), Some(last));
    }
    assert!(
        explain(&story.clock(decision), on("2026-01-04")).is_empty(),
        "not there yet"
    );
}

#[test]
fn a_day_that_is_no_working_day_is_told_and_not_moved() {
    let clock = Story::requested("2025-11-13").clock(ClockKind::AssessDecision);
    assert!(told(&clock, "2025-12-01").contains(
        "That day is not a working day and no rule moves it; the last working day is 24 December 2025."
    ));
}

#[test]
fn the_readings_that_decided_a_date_are_told() {
    let day_one = Readings {
        day_of_receipt: DayOfReceipt::DayOne,
        ..Readings::default()
    };
    let clock = Story::requested("2026-01-06")
        .under(day_one)
        .clock(ClockKind::AssessDecision);
    let text = told(&clock, "2026-02-01");
    assert!(text.contains("The last day is 16 February 2026."));
    assert!(text.contains(
        "The authority counts the day of receipt as day one; left out, the last day would be 17 February 2026."
    ));
    let moving = Readings {
        non_working_due_day: NonWorkingDueDay::NextWorkingDay,
        ..Readings::default()
    };
    let story = Story::assessing("2026-01-05", "2026-02-10").under(moving);
    let text = told(&story.clock(ClockKind::FinalPlan), "2026-05-01");
    assert!(text.contains("The last day is 26 May 2026."));
    assert!(text.contains("Counted, it was 25 May 2026; that is not a working day"));
    let drafted = story.then("2026-03-01", draft(DraftReason::First));
    let window = told(&drafted.clock(ClockKind::DraftRepresentations), "2026-03-02");
    assert!(
        window.contains("The window runs to the end of 16 March 2026"),
        "{window}"
    );
    assert!(
        !window.contains("day one"),
        "a window begins with its first day in every reading"
    );
}

#[test]
fn an_exception_tells_whether_it_qualifies_and_why_not() {
    let claimed = |ground, from, to, clocks: &[ClockKind]| {
        Story::requested("2026-05-04")
            .then("2026-06-10", decide(AssessDecision::Assess))
            .then("2026-09-10", claim(ground, on(from), on(to), clocks))
    };
    let absent = claimed(
        AuthorityGround::Absent,
        "2026-06-01",
        "2026-06-28",
        &[ClockKind::FinalPlan],
    );
    let clock = absent.clock(ClockKind::FinalPlan);
    assert!(
        !told(&clock, "2026-09-09").contains("exception"),
        "not before it was claimed"
    );
    assert!(told(&clock, "2026-09-10").contains(
        "An exception claimed on 10 September 2026 qualifies: it excuses lateness and moves no date. \
         How the ground made it impractical to keep the limit is not recorded."
    ));
    for (story, kind, why_not) in [
        (
            claimed(
                AuthorityGround::Absent,
                "2026-06-01",
                "2026-06-27",
                &[ClockKind::FinalPlan],
            ),
            ClockKind::FinalPlan,
            "Absent for 27 days within the period of this clock; at least 28 are needed.",
        ),
        (
            claimed(
                AuthorityGround::Absent,
                "2026-06-01",
                "2026-06-28",
                &[ClockKind::PlanDecision],
            ),
            ClockKind::PlanDecision,
            "SEND Code of Practice 2015 paras 9.41-9.44 does not list this ground.",
        ),
        (
            claimed(
                AuthorityGround::PersonalCircumstances,
                "2026-04-01",
                "2026-05-01",
                &[ClockKind::FinalPlan],
            ),
            ClockKind::FinalPlan,
            "The circumstances did not fall within the period of this clock.",
        ),
        (
            claimed(
                AuthorityGround::SchoolClosed,
                "2026-07-22",
                "2026-09-01",
                &[ClockKind::FinalPlan],
            ),
            ClockKind::FinalPlan,
            "The days of closing and re-opening are not recorded.",
        ),
        (
            claimed(
                AuthorityGround::Coronavirus,
                "2026-07-22",
                "2026-09-01",
                &[ClockKind::FinalPlan],
            ),
            ClockKind::FinalPlan,
            "The temporary rules applied from 1 May 2020 to 25 September 2020.",
        ),
    ] {
        let text = told(&story.clock(kind), "2026-10-01");
        assert!(
            text.contains("excuses nothing: ") && text.contains(why_not),
            "{text}"
        );
    }
}

#[test]
fn a_claim_whose_evidence_comes_later_does_not_qualify_yet() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let story = Story::assessing("2026-01-05", "2026-02-10")
        .then("2026-02-10", ask(Requirement::Medical, "paediatrics"))
        .then(
            "2026-03-10",
            excuse(
                medical,
                Ground::MissedAppointment,
                on("2026-03-05"),
                on("2026-03-05"),
            ),
        )
        .then(
            "2026-03-20",
            appointment(medical, on("2026-03-05"), AppointmentOutcome::Missed),
        );
    let clock = story.clock(ClockKind::Advice);
    assert!(told(&clock, "2026-03-19").contains("excuses nothing yet"));
    assert!(told(&clock, "2026-03-20").contains("qualifies"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_clock_explains_itself_whenever_it_is_there(setting in any_procedure(), steps in any_steps(30)) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        for clock in story.timeline().clocks {
            let first_on = clock.segments[0].effective_from_on;
            prop_assert!(explain(&clock, first_on - TimeDelta::days(1)).is_empty());
            for days in [0, 1, 13, 41, 42, 43, 112, 113, 140, 141, 500] {
                let day = first_on + TimeDelta::days(days);
                let text = explain(&clock, day).join(" ");
                let provision = clock.rule.provision;
                let citation = format!("{} {}", provision.instrument, provision.reference);
                prop_assert!(text.contains(&citation));
                prop_assert!(text.contains(&in_words(clock.due_on).to_string()), "{}", text);
                prop_assert!(text.contains(&in_words(clock.started_on).to_string()));
                for tested in clock.claims.iter().filter(|tested| tested.claim.occurred_on <= day) {
                    let is_excused = tested.excused_from_on.is_some_and(|from_on| from_on <= day);
                    prop_assert!(!is_excused || text.contains("qualifies: it excuses lateness"));
                    prop_assert!(tested.why_not.iter().all(|reason| text.contains(reason)));
                }
            }
        }
    }
}
