//! Why a clock reads as it does, in sentences made when asked for and stored nowhere.

use chrono::NaiveDate;

use super::calendar::{in_words, is_working_day, last_working_day_on_or_before};
use super::clock::{Clock, ClockStatus, Standing};
use super::rulebook::{Bound, Confidence, Force};

/// The fact that started the clock, the rule, the counting, the exceptions and the result.
///
/// Empty when the clock is not there on that day.
pub fn explain(clock: &Clock, as_of: NaiveDate) -> Vec<String> {
    let (Some(segment), Some(standing)) = (clock.segment_on(as_of), clock.standing_on(as_of)) else {
        return Vec::new();
    };
    let rule = clock.rule;
    let mut sentences = vec![
        format!(
            "{} on {}.",
            clock.started_by.in_words(),
            in_words(clock.started_on)
        ),
        format!(
            "{} {}: {}, {} ({}, {}).",
            rule.provision.instrument,
            rule.provision.reference,
            rule.title,
            rule.counting.in_words(),
            match segment.force {
                Force::Statutory => "statutory",
                Force::Guidance => "guidance",
            },
            match rule.provision.confidence {
                Confidence::Confirmed => "confirmed",
                Confidence::SecondarySource => "from a secondary source",
                Confidence::Unconfirmed => "unconfirmed",
            },
        ),
    ];
    sentences.push(match rule.bound {
        Bound::NoLaterThan => format!("The last day is {}.", in_words(clock.due_on)),
        Bound::NoEarlierThan => {
            format!(
                "The window runs to the end of {}; the act is allowed from the next day.",
                in_words(clock.due_on)
            )
        }
    });
    if clock.day_one_due_on < clock.due_on {
        sentences.push(format!(
            "If the day of receipt counts as day one, the last day is {}; alerts use it.",
            in_words(clock.day_one_due_on)
        ));
    }
    if rule.bound == Bound::NoLaterThan && !is_working_day(clock.due_on) {
        sentences.push(format!(
            "That day is not a working day and no rule moves it; the last working day is {}.",
            in_words(last_working_day_on_or_before(clock.due_on))
        ));
    }
    for tested in clock
        .claims
        .iter()
        .filter(|tested| tested.claim.occurred_on <= as_of)
    {
        let claimed = in_words(tested.claim.occurred_on);
        if tested.why_not.is_empty() {
            sentences.push(format!(
                "An exception claimed on {claimed} qualifies: it excuses lateness and moves no date."
            ));
            if tested.claim.causal_link.is_none() {
                sentences
                    .push("How the ground made it impractical to keep the limit is not recorded.".to_owned());
            }
        } else {
            sentences.push(format!(
                "An exception claimed on {claimed} excuses nothing: {}",
                tested.why_not.join(" ")
            ));
        }
    }
    sentences.push(result(clock, &standing, as_of));
    sentences
}

fn result(clock: &Clock, standing: &Standing, as_of: NaiveDate) -> String {
    let today = in_words(as_of);
    match (standing.status, standing.satisfied_on, standing.cancelled_on) {
        (ClockStatus::Running, _, _) => {
            format!(
                "On {today} it is running, with {} left.",
                days((clock.due_on - as_of).num_days())
            )
        }
        (ClockStatus::Overdue, _, _) => format!("On {today} it is {} overdue.", days(standing.days_late)),
        (ClockStatus::Met, Some(satisfied_on), _) => format!("Met on {}.", in_words(satisfied_on)),
        (ClockStatus::Met, None, _) => "The window has run.".to_owned(),
        (ClockStatus::Late, Some(satisfied_on), _) => {
            format!(
                "Done on {}, {} late.",
                in_words(satisfied_on),
                days(standing.days_late)
            )
        }
        (ClockStatus::Cancelled, _, Some(cancelled_on)) => {
            format!("No longer owed since {}.", in_words(cancelled_on))
        }
        (ClockStatus::Late, None, _) | (ClockStatus::Cancelled, _, None) => {
            unreachable!("a late clock has its day and a cancelled one too")
        }
    }
}

fn days(count: i64) -> String {
    if count == 1 {
        "1 day".to_owned()
    } else {
        format!("{count} days")
    }
}
