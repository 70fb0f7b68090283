//! Why a clock reads as it does, in sentences made when asked for and stored nowhere.

use std::fmt::{self, Write};

use chrono::NaiveDate;

use super::calendar::{in_words, is_working_day, last_working_day_on_or_before};
use super::clock::{Clock, Outcome};
use super::counting::Counting;
use super::exception::TestedClaim;
use super::reading::{BeforeADate, DayOfReceipt, MonthsStartingWith, NonWorkingDueDay, Notice, Readings};
use super::requirement::Requirement;
use super::rulebook::{Bound, ClockKind, Confidence, CountedFrom, Force, Rule, rule_for};

/// The fact that started the clock, the rule, the counting, the exceptions and the result.
///
/// Empty when the clock is not there on that day.
pub fn explain(clock: &Clock, as_of: NaiveDate) -> Vec<String> {
    let (Some(segment), Some(outcome)) = (clock.segment_on(as_of), clock.outcome_on(as_of)) else {
        return Vec::new();
    };
    let rule = clock.rule;
    let mut sentences = Vec::with_capacity(8);
    sentences.push(sentence(format_args!(
        "{} on {}.",
        clock.started_by.in_words(),
        in_words(clock.triggered_on)
    )));
    sentences.push(sentence(format_args!(
        "{} {}: {}, {} ({}, {}).",
        rule.provision.instrument,
        rule.provision.reference,
        rule.title,
        rule.counting.in_words(),
        match segment.force {
            Force::Statutory => "statutory",
            Force::Guidance => "guidance",
        },
        confidence(rule.provision.confidence),
    )));
    sentences.extend(rule.other_act.map(|other| {
        sentence(format_args!(
            "{} {} asks the same of {} ({}).",
            other.provision.instrument,
            other.provision.reference,
            other.words,
            confidence(other.provision.confidence),
        ))
    }));
    sentences.extend(counted_from(clock));
    sentences.extend(outer_limit(clock));
    sentences.push(match rule.bound {
        Bound::NoLaterThan => sentence(format_args!("The last day is {}.", in_words(clock.due_on))),
        Bound::NoEarlierThan => sentence(format_args!(
            "The window runs to the end of {}; the act is allowed from the next day.",
            in_words(clock.due_on)
        )),
    });
    sentences.extend(readings(clock));
    sentences.extend(latest_meeting(clock));
    for tested in clock
        .claims
        .iter()
        .filter(|tested| tested.claim.occurred_on <= as_of)
    {
        sentences.extend(exception(tested, as_of));
    }
    sentences.push(result(clock, outcome, as_of));
    sentences
}

/// Who has to do what by when, and how that stands on a day: one or two sentences for people who do not work with
/// clocks. `requirement` says which advice a clock is about, where it is about advice.
///
/// None when the clock is not there on that day, or nothing is owed any more.
pub fn owed_in_words(clock: &Clock, requirement: Option<Requirement>, as_of: NaiveDate) -> Option<String> {
    let (segment, outcome) = (clock.segment_on(as_of)?, clock.outcome_on(as_of)?);
    let (is_over, is_late) = match outcome {
        Outcome::Running => (false, false),
        Outcome::Overdue | Outcome::LateOn(_) => (true, true),
        Outcome::MetOn(_) | Outcome::WindowRun => (true, false),
        Outcome::CancelledOn(_) => return None,
    };
    let due = in_words(clock.due_on);
    let owed = match clock.rule.bound {
        Bound::NoLaterThan => {
            let must = match (segment.force, is_over) {
                (Force::Statutory, false) => "has to",
                (Force::Statutory, true) => "had to",
                (Force::Guidance, _) => "should",
            };
            let (who, what) = (segment.bearer.in_words(), to_do(clock.rule, requirement));
            format!("By {due} {who} {must} {what}.")
        }
        Bound::NoEarlierThan => {
            let verb = if is_over { "was" } else { "is" };
            format!("{} {verb} {due}.", last_day_in_words(clock.rule, requirement))
        }
    };
    let excuse = if is_late && clock.standing_on(as_of)?.excused {
        " An exception that the law allows excuses it."
    } else {
        ""
    };
    Some(format!("{owed} {}{excuse}", result(clock, outcome, as_of)))
}

/// What the last day of a rule is the last day for, as the beginning of a sentence.
pub fn last_day_in_words(rule: &Rule, requirement: Option<Requirement>) -> String {
    match rule.kind {
        ClockKind::DraftRepresentations => {
            "The last day of the family's time to comment on the draft plan".to_owned()
        }
        ClockKind::AmendmentRepresentations => {
            "The last day of the family's time to comment on the proposed amendments".to_owned()
        }
        ClockKind::CeaseHold => "The last day on which the plan has to be kept for an appeal".to_owned(),
        ClockKind::AssessDecision
        | ClockKind::Advice
        | ClockKind::PlanDecision
        | ClockKind::NoPlanNotice
        | ClockKind::SettingReply
        | ClockKind::FinalPlan
        | ClockKind::ReviewDue
        | ClockKind::ReviewNotice
        | ClockKind::ReviewPapers
        | ClockKind::ReviewReport
        | ClockKind::ReviewDecision
        | ClockKind::AmendmentNotice
        | ClockKind::AmendedPlan
        | ClockKind::PhaseTransferPlan
        | ClockKind::DirectPaymentsReview => format!("The last day to {}", to_do(rule, requirement)),
    }
}

/// The title of a rule, within a sentence.
fn to_do(rule: &Rule, requirement: Option<Requirement>) -> String {
    match requirement {
        Some(_) => format!(
            "give the {} that was asked for",
            Requirement::advice_in_words(requirement)
        ),
        None => uncapitalised(rule.title),
    }
}

/// A text that goes on within a sentence.
pub fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// A text that begins a sentence.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Confirmed => "confirmed",
        Confidence::SecondarySource => "from a secondary source",
        Confidence::Unconfirmed => "unconfirmed",
    }
}

/// The day it is counted from, where that is not the day of what started it.
fn counted_from(clock: &Clock) -> Option<String> {
    let day = in_words(clock.counted_from_on);
    match clock.rule.counted_from {
        CountedFrom::Start => None,
        CountedFrom::NamedDay => Some(sentence(format_args!("Counted from {day}, the day it is for."))),
        CountedFrom::Earlier(mark) => {
            Some(sentence(format_args!("Counted from {day}: {}.", mark.in_words())))
        }
    }
}

/// The limit beyond which the counted day never goes, and whether it decided.
fn outer_limit(clock: &Clock) -> Option<String> {
    let (outer, outer_from_on) = (clock.rule.never_later_than?, clock.outer_from_on?);
    let outer_on = outer.within.due(outer_from_on, &clock.readings).due_on;
    let counted_on = clock
        .rule
        .due(clock.counted_from_on, None, &clock.readings)
        .due_on;
    Some(sentence(format_args!(
        "Never later than {} from {} ({}): {} ({}, {}), {}.",
        outer.within.in_words().trim_start_matches("within "),
        in_words(outer_from_on),
        outer.from.in_words(),
        in_words(outer_on),
        outer.provision.reference,
        confidence(outer.provision.confidence),
        if outer_on < counted_on {
            format!("which comes before {} and decides", in_words(counted_on))
        } else {
            format!("which leaves {} as counted", in_words(counted_on))
        },
    )))
}

/// By when the meeting has to be held for an amended plan that takes all its time to be out by then.
fn latest_meeting(clock: &Clock) -> Option<String> {
    if clock.rule.kind != ClockKind::PhaseTransferPlan {
        return None;
    }
    let outer = rule_for(ClockKind::AmendedPlan, clock.started_on)?.never_later_than?;
    let meeting_on = outer.within.latest_start(clock.due_on)?;
    Some(sentence(format_args!(
        "If every step after the review meeting takes its whole time, the meeting has to be held by {}.",
        in_words(meeting_on)
    )))
}

/// How the date would read, or was moved, under the readings that matter to it.
fn readings(clock: &Clock) -> Vec<String> {
    let rule = clock.rule;
    let default = Readings::default();
    let excluding = rule.due(clock.counted_from_on, clock.outer_from_on, &default);
    let mut sentences = Vec::new();
    if excluding.day_one_due_on < excluding.due_on {
        sentences.push(match clock.readings.day_of_receipt {
            DayOfReceipt::Excluded => sentence(format_args!(
                "If the {} counts as day one, the last day is {}; alerts use it.",
                clock.started_by.first_day_in_words(),
                in_words(clock.day_one_due_on)
            )),
            DayOfReceipt::DayOne => sentence(format_args!(
                "The authority counts the {} as day one; left out, the last day would be {}.",
                clock.started_by.first_day_in_words(),
                in_words(excluding.due_on)
            )),
        });
    }
    sentences.extend(other_reading(clock));
    let counted = rule.due(
        clock.counted_from_on,
        clock.outer_from_on,
        &Readings {
            non_working_due_day: NonWorkingDueDay::Stands,
            ..clock.readings
        },
    );
    if counted.due_on < clock.due_on {
        sentences.push(sentence(format_args!(
            "Counted, it was {}; that is not a working day, and the authority reads the law as moving it to the next.",
            in_words(counted.due_on)
        )));
    }
    if rule.bound == Bound::NoLaterThan && !is_working_day(clock.due_on) {
        sentences.push(sentence(format_args!(
            "That day is not a working day and no rule moves it; the last working day is {}.",
            in_words(last_working_day_on_or_before(clock.due_on))
        )));
    }
    sentences
}

/// How words that can be read in two ways are read, and the last day in the other way.
fn other_reading(clock: &Clock) -> Option<String> {
    let read = clock.readings;
    let otherwise = |other: Readings| {
        let due = clock.rule.due(clock.counted_from_on, clock.outer_from_on, &other);
        in_words(due.due_on)
    };
    match clock.rule.counting {
        Counting::NoticeWeeks(_) => {
            let with = |notice| otherwise(Readings { notice, ..read });
            Some(match read.notice {
                Notice::ClearDays => sentence(format_args!(
                    "Counted in clear days, which leave out the day of the notice and that of the meeting \
                     (unconfirmed); if the day of the notice counts, the last day is {}.",
                    with(Notice::Simple)
                )),
                Notice::Simple => sentence(format_args!(
                    "The authority counts the day of the notice; in clear days (unconfirmed) the last day would be {}.",
                    with(Notice::ClearDays)
                )),
            })
        }
        Counting::MonthsStartingWith(_) => {
            let with = |months_starting_with| {
                otherwise(Readings {
                    months_starting_with,
                    ..read
                })
            };
            Some(match read.months_starting_with {
                MonthsStartingWith::DayBefore => sentence(format_args!(
                    "The period ends the day before the day that corresponds to its first (unconfirmed); if it ends \
                     on that day, the last day is {}.",
                    with(MonthsStartingWith::CorrespondingDay)
                )),
                MonthsStartingWith::CorrespondingDay => sentence(format_args!(
                    "The authority reads the period as ending on the day that corresponds to its first; if it ends \
                     the day before, the last day would be {}; alerts use it.",
                    with(MonthsStartingWith::DayBefore)
                )),
            })
        }
        Counting::Before | Counting::BeforeInYear { .. } => {
            let with = |before_a_date| {
                otherwise(Readings {
                    before_a_date,
                    ..read
                })
            };
            Some(match read.before_a_date {
                BeforeADate::DayBefore => sentence(format_args!(
                    "Before a date is to the end of the day before; guidance says “by”, which would be {}.",
                    with(BeforeADate::OnTheDate)
                )),
                BeforeADate::OnTheDate => sentence(format_args!(
                    "The authority reads “before” as “by”; the day before would be {}; alerts use it.",
                    with(BeforeADate::DayBefore)
                )),
            })
        }
        Counting::WithinWeeks(_)
        | Counting::DaysBeginningWith(_)
        | Counting::WithinDays(_)
        | Counting::WithinMonths(_)
        | Counting::TribunalMonths(_)
        | Counting::WorkingDaysBeginningWith(_)
        | Counting::NthWorkingDayAfter(_)
        | Counting::MonthsBefore(_) => None,
    }
}

fn exception(tested: &TestedClaim, as_of: NaiveDate) -> Vec<String> {
    let claimed = in_words(tested.claim.occurred_on);
    match tested.excused_from_on {
        None => vec![sentence(format_args!(
            "An exception claimed on {claimed} excuses nothing: {}",
            tested.why_not.join(" ")
        ))],
        Some(excused_from_on) if as_of < excused_from_on => {
            vec![sentence(format_args!(
                "An exception claimed on {claimed} excuses nothing yet: what supports it is not recorded."
            ))]
        }
        Some(_) => {
            let mut sentences = vec![sentence(format_args!(
                "An exception claimed on {claimed} qualifies: it excuses lateness and moves no date."
            ))];
            if tested.claim.causal_link.is_none() {
                sentences
                    .push("How the ground made it impractical to keep the limit is not recorded.".to_owned());
            }
            sentences
        }
    }
}

fn result(clock: &Clock, outcome: Outcome, as_of: NaiveDate) -> String {
    let today = in_words(as_of);
    match outcome {
        Outcome::Running => sentence(format_args!(
            "On {today} it is running, with {} left.",
            days((clock.due_on - as_of).num_days())
        )),
        Outcome::Overdue => sentence(format_args!(
            "On {today} it is {} overdue.",
            days((as_of - clock.due_on).num_days())
        )),
        Outcome::MetOn(satisfied_on) => sentence(format_args!("Met on {}.", in_words(satisfied_on))),
        Outcome::WindowRun => "The window has run.".to_owned(),
        Outcome::LateOn(satisfied_on) => sentence(format_args!(
            "Done on {}, {} late.",
            in_words(satisfied_on),
            days((satisfied_on - clock.due_on).num_days())
        )),
        Outcome::CancelledOn(cancelled_on) => {
            sentence(format_args!("No longer owed since {}.", in_words(cancelled_on)))
        }
    }
}

/// A sentence, in room that most have enough of.
fn sentence(words: fmt::Arguments<'_>) -> String {
    let mut text = String::with_capacity(128);
    // A text takes whatever is written to it.
    let _ = text.write_fmt(words);
    text
}

fn days(count: i64) -> String {
    if count == 1 {
        "1 day".to_owned()
    } else {
        format!("{count} days")
    }
}
