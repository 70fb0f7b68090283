//! Exceptions: claimed excuses, tested against the ground they rely on.
//!
//! A claim is always kept. Whether it qualifies is decided per clock, since the period differs;
//! when it does not, every reason is given. No claim moves a date.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::calendar::in_words;
use super::reading::{CoronavirusTest, Readings};
use super::rulebook::{ClockKind, Ground, GroundTest, Rule};

/// A claim that a ground made it impractical to keep a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The event that recorded it.
    pub event_id: Uuid,
    /// The day the claim was made.
    pub occurred_on: NaiveDate,
    pub ground: Ground,
    /// The clocks it is claimed for.
    pub clocks: Vec<ClockKind>,
    /// The advice request it is claimed for, where it is about one.
    pub subject: Option<Uuid>,
    /// The first and the last day of the circumstances.
    pub from_on: NaiveDate,
    pub to_on: NaiveDate,
    pub closed_from_on: Option<NaiveDate>,
    pub reopens_on: Option<NaiveDate>,
    pub advice_requested_on: Option<NaiveDate>,
    pub causal_link: Option<String>,
}

/// An appointment for an examination or test that the child or young person missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedAppointment {
    /// The advice request whose body made the appointment.
    pub subject: Uuid,
    pub offered_on: NaiveDate,
    /// The day the miss was recorded as having happened.
    pub occurred_on: NaiveDate,
}

/// What became of a claim on one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestedClaim {
    pub claim: Claim,
    /// Every reason why it excuses nothing; empty when it qualifies.
    pub why_not: Vec<String>,
    /// The day from which it excuses: when it was claimed, or its evidence came later.
    pub excused_from_on: Option<NaiveDate>,
}

/// The period of the clock a claim is tested on.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    pub started_on: NaiveDate,
    pub due_on: NaiveDate,
}

/// Tests a claim on one clock.
pub fn test_claim(
    claim: &Claim,
    rule: &Rule,
    period: Period,
    readings: &Readings,
    missed: &[MissedAppointment],
) -> TestedClaim {
    let mut why_not = Vec::new();
    let mut evidence_on = claim.occurred_on;
    if rule.permits(claim.ground).is_none() {
        why_not.push(format!(
            "{} {} does not list this ground.",
            rule.provision.instrument, rule.provision.reference
        ));
    }
    match claim.ground.test() {
        GroundTest::Closure {
            at_least_days,
            margin_days,
        } => {
            test_closure(claim, at_least_days, margin_days, &mut why_not);
        }
        GroundTest::DuringPeriod => {
            if overlap_days(claim, period) == 0 {
                why_not.push("The circumstances did not fall within the period of this clock.".to_owned());
            }
        }
        GroundTest::Absence { at_least_days } => {
            let absent_days = overlap_days(claim, period);
            if absent_days < at_least_days {
                why_not.push(format!(
                    "Absent for {absent_days} days within the period of this clock; at least {at_least_days} are needed."
                ));
            }
        }
        GroundTest::DueBetween { first_on, last_on } => {
            let starts_inside = match readings.coronavirus_test {
                CoronavirusTest::DueDate => true,
                CoronavirusTest::WholePeriod => period.started_on >= first_on,
            };
            if !(starts_inside && first_on <= period.due_on && period.due_on <= last_on) {
                why_not.push(format!(
                    "The temporary rules applied from {} to {}.",
                    in_words(first_on),
                    in_words(last_on)
                ));
            }
        }
        GroundTest::MissedAppointment => {
            let first_missed = missed
                .iter()
                .filter(|appointment| {
                    Some(appointment.subject) == claim.subject
                        && period.started_on <= appointment.offered_on
                        && appointment.offered_on <= period.due_on
                })
                .map(|appointment| appointment.occurred_on)
                .min();
            match first_missed {
                Some(occurred_on) => evidence_on = evidence_on.max(occurred_on),
                None => why_not
                    .push("No missed appointment is recorded within the period of this clock.".to_owned()),
            }
        }
    }
    TestedClaim {
        claim: claim.clone(),
        excused_from_on: why_not.is_empty().then_some(evidence_on),
        why_not,
    }
}

/// The time in which asking for advice supports a closure ground, both days included; none if the
/// closure is too short for any.
pub fn closure_window(
    closed_from_on: NaiveDate,
    reopens_on: NaiveDate,
    at_least_days: i64,
    margin_days: u64,
) -> Option<(NaiveDate, NaiveDate)> {
    let closed_days = (reopens_on - closed_from_on).num_days();
    (closed_days >= at_least_days).then(|| {
        (
            closed_from_on - Days::new(margin_days),
            reopens_on - Days::new(margin_days),
        )
    })
}

fn test_closure(claim: &Claim, at_least_days: i64, margin_days: u64, why_not: &mut Vec<String>) {
    let (Some(closed_from_on), Some(reopens_on)) = (claim.closed_from_on, claim.reopens_on) else {
        why_not.push("The days of closing and re-opening are not recorded.".to_owned());
        return;
    };
    let Some((first_on, last_on)) = closure_window(closed_from_on, reopens_on, at_least_days, margin_days)
    else {
        why_not.push(format!(
            "Closed for {} days; at least {at_least_days} are needed.",
            (reopens_on - closed_from_on).num_days()
        ));
        return;
    };
    match claim.advice_requested_on {
        None => why_not.push("The day the closed setting was asked for advice is not recorded.".to_owned()),
        Some(asked_on) if asked_on < first_on || asked_on > last_on => why_not.push(format!(
            "Advice was asked for on {}, outside {} to {}.",
            in_words(asked_on),
            in_words(first_on),
            in_words(last_on)
        )),
        Some(_) => {}
    }
}

/// How many days of the claimed circumstances lie within the clock's period.
fn overlap_days(claim: &Claim, period: Period) -> i64 {
    let first_on = claim.from_on.max(period.started_on);
    let last_on = claim.to_on.min(period.due_on);
    ((last_on - first_on).num_days() + 1).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statute::rulebook::rule_for;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn claim(ground: Ground, from: &str, to: &str) -> Claim {
        Claim {
            event_id: Uuid::nil(),
            occurred_on: on("2026-09-10"),
            ground,
            clocks: vec![ClockKind::FinalPlan],
            subject: None,
            from_on: on(from),
            to_on: on(to),
            closed_from_on: None,
            reopens_on: None,
            advice_requested_on: None,
            causal_link: None,
        }
    }

    fn on_final_plan(claim: &Claim) -> TestedClaim {
        let rule = rule_for(ClockKind::FinalPlan, on("2026-05-04")).unwrap();
        let period = Period {
            started_on: on("2026-05-04"),
            due_on: on("2026-09-21"),
        };
        test_claim(claim, rule, period, &Readings::default(), &[])
    }

    #[test]
    fn the_window_of_a_closure() {
        assert_eq!(
            closure_window(on("2026-07-22"), on("2026-09-02"), 28, 7),
            Some((on("2026-07-15"), on("2026-08-26"))),
            "V15"
        );
        assert_eq!(
            closure_window(on("2026-03-28"), on("2026-04-13"), 28, 7),
            None,
            "V16"
        );
    }

    #[test]
    fn closure_edges_are_inside_and_the_days_beyond_are_not() {
        for (asked_on, qualifies) in [
            ("2026-07-14", false),
            ("2026-07-15", true),
            ("2026-08-26", true),
            ("2026-08-27", false),
        ] {
            let claim = Claim {
                closed_from_on: Some(on("2026-07-22")),
                reopens_on: Some(on("2026-09-02")),
                advice_requested_on: Some(on(asked_on)),
                ..claim(Ground::SchoolClosed, "2026-07-22", "2026-09-01")
            };
            assert_eq!(on_final_plan(&claim).why_not.is_empty(), qualifies, "{asked_on}");
        }
    }

    #[test]
    fn an_absence_needs_twenty_eight_days_inside_the_period() {
        let qualifies = |from, to| on_final_plan(&claim(Ground::Absent, from, to)).why_not.is_empty();
        assert!(qualifies("2026-06-01", "2026-06-28"), "V18");
        assert!(!qualifies("2026-06-01", "2026-06-27"), "V18, a day less");
        assert!(
            !qualifies("2026-04-10", "2026-05-20"),
            "only 17 of its days lie in the period"
        );
    }

    #[test]
    fn a_ground_the_rule_does_not_list_excuses_nothing() {
        let tested = on_final_plan(&claim(Ground::MissedAppointment, "2026-06-01", "2026-06-01"));
        assert_eq!(
            tested.why_not.len(),
            2,
            "not listed, and no appointment: {:?}",
            tested.why_not
        );
        assert_eq!(tested.excused_from_on, None);
    }

    #[test]
    fn the_whole_period_reading_closes_the_coronavirus_ground_to_earlier_requests() {
        let rule = rule_for(ClockKind::FinalPlan, on("2020-02-10")).unwrap();
        let claim = claim(Ground::Coronavirus, "2020-05-01", "2020-07-31");
        let period = Period {
            started_on: on("2020-02-10"),
            due_on: on("2020-06-29"),
        };
        let under = |coronavirus_test| {
            let readings = Readings {
                coronavirus_test,
                ..Readings::default()
            };
            test_claim(&claim, rule, period, &readings, &[])
                .why_not
                .is_empty()
        };
        assert!(under(CoronavirusTest::DueDate));
        assert!(!under(CoronavirusTest::WholePeriod));
    }
}
