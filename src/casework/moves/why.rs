//! Why a last day moved, in words: what was recorded or corrected, or what else changed. Called by `moves` alone.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Known, MoveCause};
use crate::casework::event::LegalDates;
use crate::casework::history::{Entry, EntryBody};
use crate::statute::calendar::in_words;
use crate::statute::clock::Clock;
use crate::statute::explanation::uncapitalised;
use crate::statute::reading::{DayOfReceipt, NonWorkingDueDay, Notice, Readings};
use crate::statute::rulebook::CountedFrom;

/// What made a last day move.
pub(super) struct Why {
    pub cause: MoveCause,
    /// The event or the correction that moved it, if one did.
    pub event_id: Option<Uuid>,
    /// Why, as a clause.
    pub because: String,
}

/// Why the last day of a clock is another one after something became known than before; `was` and `is` are the clock
/// before and after, where it was there.
pub(super) fn why(before: &Known<'_>, after: &Known<'_>, was: Option<&Clock>, is: Option<&Clock>) -> Why {
    if before.readings != after.readings {
        return Why {
            cause: MoveCause::ReadingsChanged,
            event_id: None,
            because: readings_in_words(before.readings, after.readings),
        };
    }
    let recorded = &after.entries[before.entries.len().min(after.entries.len())..];
    match recorded.first() {
        Some(first) => why_recorded(after.entries, recorded, first, was, is),
        None => Why {
            cause: MoveCause::ChildFactsChanged,
            event_id: None,
            because: "what is on record about the child or young person was corrected".to_owned(),
        },
    }
}

/// An event superseded, and the one in its place.
struct Corrected<'k> {
    correction_id: Uuid,
    was: &'k Entry,
    is: Option<&'k Entry>,
}

/// Which of the entries that were recorded moved it: what it started by, or else what else was corrected, or else
/// what was recorded first.
fn why_recorded(
    entries: &[Entry],
    recorded: &[Entry],
    first: &Entry,
    was: Option<&Clock>,
    is: Option<&Clock>,
) -> Why {
    let corrected = corrected_in(entries, recorded);
    let corrected_start = |clock: Option<&Clock>| {
        let root_id = clock.map(|clock| clock.root_event_id);
        corrected.iter().find(|one| Some(one.was.root_id) == root_id)
    };
    let by_correction = |correction_id, because| Why {
        cause: MoveCause::RecordCorrected,
        event_id: Some(correction_id),
        because,
    };
    if let Some(one) = corrected_start(is) {
        return by_correction(one.correction_id, start_in_words(one, was, is));
    }
    let started_by = |entry: &&Entry| is.is_some_and(|clock| clock.root_event_id == entry.id);
    if let Some(entry) = recorded.iter().find(started_by) {
        return by_event(entry);
    }
    if let Some(one) = corrected_start(was) {
        return by_correction(one.correction_id, start_in_words(one, was, is));
    }
    // What is internal moves no day of a procedure that its family knows, and is not told to it.
    let is_internal = |entry: &Entry| entry.body.event_type().is_internal();
    let is_all_internal = corrected.iter().all(|one| is_internal(one.was));
    let told = || {
        corrected
            .iter()
            .filter(|one| is_all_internal || !is_internal(one.was))
    };
    match told().next() {
        Some(one) => {
            let words: Vec<String> = told().map(corrected_in_words).collect();
            by_correction(one.correction_id, words.join(", and "))
        }
        None => by_event(recorded.iter().find(|entry| !is_internal(entry)).unwrap_or(first)),
    }
}

fn corrected_in<'k>(entries: &'k [Entry], recorded: &'k [Entry]) -> Vec<Corrected<'k>> {
    let find = |id: Uuid| entries.iter().find(|entry| entry.id == id);
    let mut corrected = Vec::new();
    for entry in recorded {
        if let EntryBody::Correction(correction) = &entry.body {
            corrected.extend(correction.changes.iter().filter_map(|change| {
                Some(Corrected {
                    correction_id: entry.id,
                    was: find(change.supersedes)?,
                    is: change.replaced_by.and_then(find),
                })
            }));
        }
    }
    corrected
}

fn by_event(entry: &Entry) -> Why {
    Why {
        cause: MoveCause::EventRecorded,
        event_id: Some(entry.id),
        because: format!("{} on {}", clause_of(entry), in_words(entry.occurred_on)),
    }
}

fn clause_of(entry: &Entry) -> String {
    match &entry.body {
        EntryBody::Fact(fact) => fact.in_words(None),
        EntryBody::Correction(_) => "the record was corrected".to_owned(),
    }
}

/// What was corrected about the fact that a clock is counted from.
fn start_in_words(one: &Corrected<'_>, was: Option<&Clock>, is: Option<&Clock>) -> String {
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) if was.id == is.id => (was, is),
        (Some(was), None) if one.is.is_none() => {
            return format!(
                "what it was counted from had been recorded by mistake: {} on {}",
                uncapitalised(was.started_by.in_words()),
                in_words(was.triggered_on)
            );
        }
        (Some(_) | None, Some(_) | None) => return corrected_in_words(one),
    };
    let (words, old_on, new_on) = match is.rule.counted_from {
        CountedFrom::Start => (
            uncapitalised(is.started_by.in_words()),
            was.triggered_on,
            is.triggered_on,
        ),
        CountedFrom::NamedDay => (
            "the day it is counted from is".to_owned(),
            was.counted_from_on,
            is.counted_from_on,
        ),
        CountedFrom::Earlier(mark) => (
            uncapitalised(mark.in_words()),
            was.counted_from_on,
            is.counted_from_on,
        ),
    };
    if old_on == new_on {
        return corrected_in_words(one);
    }
    let (old, new) = (in_words(old_on), in_words(new_on));
    match is.rule.counted_from {
        CountedFrom::NamedDay => format!("the record was corrected: {words} {new}, not {old}"),
        CountedFrom::Start | CountedFrom::Earlier(_) => {
            format!("the record was corrected: {words} on {new}, not on {old}")
        }
    }
}

/// What was corrected about an event.
fn corrected_in_words(one: &Corrected<'_>) -> String {
    let (old, Some(is)) = (in_words(one.was.occurred_on), one.is) else {
        return format!(
            "it had been recorded by mistake that {} on {}",
            clause_of(one.was),
            in_words(one.was.occurred_on)
        );
    };
    let (clause, day) = (clause_of(is), in_words(is.occurred_on));
    if one.was.occurred_on != is.occurred_on {
        return format!("the record was corrected: {clause} on {day}, not on {old}");
    }
    match other_day(one.was, is) {
        Some((what, Some(new_on), old_on)) => {
            let old = in_words(old_on.unwrap_or(one.was.occurred_on));
            format!(
                "the record was corrected: {clause}, {what} on {}, not on {old}",
                in_words(new_on)
            )
        }
        Some((what, None, _)) => format!("the record was corrected: {clause}, {what} on {day}"),
        None if clause != clause_of(one.was) => format!("the record was corrected: {clause} on {day}"),
        None => format!("what was recorded of {day} was corrected: {clause}"),
    }
}

/// The first of the legal dates of an event that was corrected, with what it is the day of.
fn other_day(was: &Entry, is: &Entry) -> Option<(&'static str, Option<NaiveDate>, Option<NaiveDate>)> {
    let LegalDates {
        decided_on: _,
        sent_on,
        served_on,
        received_on,
    } = is.dates;
    [
        ("received", received_on, was.dates.received_on),
        ("served", served_on, was.dates.served_on),
        ("sent", sent_on, was.dates.sent_on),
    ]
    .into_iter()
    .find(|(_, new_on, old_on)| new_on != old_on)
}

/// What changed between two readings that moves days.
fn readings_in_words(before: &Readings, after: &Readings) -> String {
    let mut changed: Vec<&str> = Vec::new();
    if before.day_of_receipt != after.day_of_receipt {
        changed.push(match after.day_of_receipt {
            DayOfReceipt::DayOne => "the day of receipt counts as day one since then",
            DayOfReceipt::Excluded => "the day of receipt no longer counts as day one",
        });
    }
    if before.non_working_due_day != after.non_working_due_day {
        changed.push(match after.non_working_due_day {
            NonWorkingDueDay::NextWorkingDay => {
                "a last day that is not a working day moves to the next one since then"
            }
            NonWorkingDueDay::Stands => "a last day that is not a working day no longer moves",
        });
    }
    if before.notice != after.notice {
        changed.push(match after.notice {
            Notice::ClearDays => "the day of a notice no longer counts as one of its days",
            Notice::Simple => "the day of a notice counts as one of its days since then",
        });
    }
    let how = changed.join(", and ");
    format!("the local authority changed how it reads the law: {how}")
}
