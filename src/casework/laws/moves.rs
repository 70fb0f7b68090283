//! Why days moved: what was shown first and every move since amount to what is shown at the end, and each move says
//! what people can check.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::correction::{Record, any_slips};
use super::review;
use super::steps::{any_procedure, any_steps, written};
use super::story::*;
use crate::casework::assessment::DraftReason;
use crate::casework::consultation::CONSULTATION;
use crate::casework::event::{Fact, LegalDates};
use crate::casework::history::{Change, Correction, Entry, EntryBody};
use crate::casework::moves::{Move, MoveCause, Shift, Versioned, known_in_turn, moves};
use crate::casework::procedure::ProcedureKind;
use crate::casework::review::{REVIEW, ReviewKind};
use crate::statute::calendar::in_words;
use crate::statute::reading::{DayOfReceipt, NonWorkingDueDay, Readings};
use crate::statute::rulebook::ClockKind;

fn at(day: &str) -> DateTime<Utc> {
    on(day).and_hms_opt(12, 0, 0).unwrap().and_utc()
}

fn unchanged() -> Versioned<Readings> {
    Versioned {
        first: Readings::default(),
        later: Vec::new(),
    }
}

fn nobody() -> Versioned<Option<crate::casework::child::ChildFacts>> {
    Versioned {
        first: None,
        later: Vec::new(),
    }
}

/// A stream of which each entry says when it was recorded.
struct Stream(Vec<Entry>);

impl Stream {
    fn new() -> Stream {
        Stream(Vec::new())
    }

    fn records(self, recorded_on: &str, occurred_on: &str, fact: Fact) -> Stream {
        self.records_dated(recorded_on, occurred_on, fact, LegalDates::default())
    }

    fn records_dated(
        mut self,
        recorded_on: &str,
        occurred_on: &str,
        fact: Fact,
        dates: LegalDates,
    ) -> Stream {
        let id = id(&format!("entry {}", self.0.len()));
        self.push(recorded_on, id, id, occurred_on, dates, EntryBody::Fact(fact));
        self
    }

    /// Corrects an entry: with what takes its place on a day, or voided.
    fn corrects(mut self, recorded_on: &str, place: usize, by: Option<(&str, Fact)>) -> Stream {
        let correction_id = id(&format!("entry {}", self.0.len()));
        let replacement_id = id(&format!("entry {}", self.0.len() + 1));
        let (root_id, dates) = (self.0[place].root_id, self.0[place].dates);
        let change = Change {
            supersedes: self.0[place].id,
            replaced_by: by.is_some().then_some(replacement_id),
        };
        let correction = Correction {
            reason: "Wrongly typed by Mrs Secret".to_owned(),
            changes: vec![change],
        };
        let body = EntryBody::Correction(correction);
        let none = LegalDates::default();
        self.push(recorded_on, correction_id, correction_id, recorded_on, none, body);
        if let Some((occurred_on, fact)) = by {
            self.push(
                recorded_on,
                replacement_id,
                root_id,
                occurred_on,
                dates,
                EntryBody::Fact(fact),
            );
        }
        self
    }

    fn push(
        &mut self,
        recorded_on: &str,
        id: Uuid,
        root_id: Uuid,
        occurred_on: &str,
        dates: LegalDates,
        body: EntryBody,
    ) {
        self.0.push(Entry {
            id,
            root_id,
            sequence: self.0.len() as i64 + 1,
            occurred_on: on(occurred_on),
            dates,
            body,
            recorded_at: at(recorded_on),
            caused_by: None,
        });
    }

    fn moves(&self, kind: &ProcedureKind, readings: &Versioned<Readings>) -> Vec<Move> {
        let child = nobody();
        let known = known_in_turn(&self.0, &child, readings, |instant| instant.date_naive());
        moves(kind, id("procedure"), &known).unwrap()
    }
}

fn of_kind(moves: &[Move], kind: ClockKind) -> Vec<String> {
    let of_kind = moves.iter().filter(|moved| moved.rule.kind == kind);
    of_kind.map(Move::in_words).collect()
}

#[test]
fn a_corrected_day_says_from_when_to_when_and_why() {
    let stream = Stream::new()
        .records("2026-01-06", "2026-01-05", request())
        .corrects("2026-02-03", 0, Some(("2026-01-19", request())));
    let moved = stream.moves(&crate::casework::assessment::ASSESSMENT, &unchanged());
    assert_eq!(
        of_kind(&moved, ClockKind::FinalPlan),
        [
            "The last day to send the final plan moved from 25 May 2026 to 8 June 2026 on 3 February 2026, because \
             the record was corrected: request received on 19 January 2026, not on 5 January 2026."
        ]
    );
    assert_eq!(moved.len(), 4, "every clock that runs from it");
    for one in &moved {
        assert_eq!(
            (one.cause, one.event_id, one.instead_of),
            (MoveCause::RecordCorrected, Some(id("entry 1")), None)
        );
        assert!(!one.in_words().contains("Secret"));
    }
}

#[test]
fn what_was_recorded_by_mistake_falls_away_and_may_be_set_again() {
    let stream = Stream::new()
        .records("2026-01-06", "2026-01-05", request())
        .records(
            "2026-01-07",
            "2026-01-07",
            ask(crate::statute::requirement::Requirement::Medical, "x"),
        )
        .corrects("2026-02-03", 0, None);
    let moved = stream.moves(&crate::casework::assessment::ASSESSMENT, &unchanged());
    assert_eq!(
        of_kind(&moved, ClockKind::AssessDecision),
        [
            "The last day to tell the family whether an assessment will be made, 16 February 2026, fell away on 3 \
             February 2026, because what it was counted from had been recorded by mistake: request received on 5 \
             January 2026."
        ]
    );
    assert_eq!(
        of_kind(&moved, ClockKind::Advice),
        [
            "The last day to give the advice (medical) that was asked for, 18 February 2026, fell away on 3 February \
             2026, because it had been recorded by mistake that a parent asked for an assessment on 5 January 2026."
        ]
    );

    let review = Stream::new()
        .records("2025-05-01", "2025-05-01", review::start(ReviewKind::Annual))
        .records("2026-02-02", "2026-02-02", review::arrange(on("2026-03-18")))
        .corrects("2026-02-04", 1, None)
        .records("2026-02-06", "2026-02-06", review::arrange(on("2026-03-25")));
    let moved = review.moves(&REVIEW, &unchanged());
    assert_eq!(
        of_kind(&moved, ClockKind::ReviewPapers),
        [
            "The last day to circulate the advice before the review meeting, 3 March 2026, fell away on 4 February \
             2026, because what it was counted from had been recorded by mistake: review meeting arranged on 2 \
             February 2026.",
            "The last day to circulate the advice before the review meeting was set again on 6 February 2026, to 10 \
             March 2026, because the review meeting was arranged for 25 March 2026 on 6 February 2026.",
        ]
    );
}

#[test]
fn a_meeting_arranged_anew_moves_what_is_still_owed() {
    let stream = Stream::new()
        .records("2025-05-01", "2025-05-01", review::start(ReviewKind::Annual))
        .records("2026-02-02", "2026-02-02", review::arrange(on("2026-03-18")))
        .records("2026-02-10", "2026-02-10", review::arrange(on("2026-03-25")));
    let moved = stream.moves(&REVIEW, &unchanged());
    assert_eq!(moved.len(), 1, "the notice of the first meeting was given");
    assert_eq!(
        moved[0].in_words(),
        "The last day to circulate the advice before the review meeting moved from 3 March 2026 to 10 March 2026 on 10 \
         February 2026, because the review meeting was arranged for 25 March 2026 on 10 February 2026."
    );
    assert_eq!(moved[0].cause, MoveCause::EventRecorded);
    assert_eq!(moved[0].event_id, Some(id("entry 2")));
    assert!(
        moved[0]
            .instead_of
            .is_some_and(|before| before != moved[0].clock_id)
    );

    let corrected = Stream::new()
        .records("2025-05-01", "2025-05-01", review::start(ReviewKind::Annual))
        .records("2026-02-02", "2026-02-02", review::arrange(on("2026-03-18")))
        .corrects(
            "2026-02-10",
            1,
            Some(("2026-02-02", review::arrange(on("2026-03-25")))),
        );
    let moved = corrected.moves(&REVIEW, &unchanged());
    assert_eq!(
        of_kind(&moved, ClockKind::ReviewPapers),
        [
            "The last day to circulate the advice before the review meeting moved from 3 March 2026 to 10 March 2026 on \
             10 February 2026, because the record was corrected: the day it is counted from is 25 March 2026, not 18 \
             March 2026."
        ]
    );
}

#[test]
fn a_draft_sent_again_moves_the_window_while_it_runs() {
    let drafted = |again: &str| {
        Stream::new()
            .records("2026-01-05", "2026-01-05", request())
            .records(
                "2026-02-10",
                "2026-02-10",
                decide(crate::casework::assessment::AssessDecision::Assess),
            )
            .records("2026-03-02", "2026-03-02", draft(DraftReason::First))
            .records(again, again, draft(DraftReason::AuthorityChanges))
            .moves(&crate::casework::assessment::ASSESSMENT, &unchanged())
    };
    assert_eq!(
        of_kind(&drafted("2026-03-09"), ClockKind::DraftRepresentations),
        [
            "The last day of the family's time to comment on the draft plan moved from 16 March 2026 to 23 March 2026 on \
             9 March 2026, because the draft plan was sent to the family again, with changes by the local authority on 9 \
             March 2026."
        ]
    );
    assert_eq!(drafted("2026-03-17").len(), 0, "a window that has run has run");
}

#[test]
fn what_came_before_and_was_recorded_late_is_the_cause() {
    let stream = Stream::new()
        .records("2025-12-01", "2025-12-01", review::start(ReviewKind::Annual))
        .records("2026-04-20", "2026-04-20", review::propose())
        .records("2026-04-22", "2026-02-02", review::meet());
    let moved = stream.moves(&REVIEW, &unchanged());
    assert_eq!(
        of_kind(&moved, ClockKind::AmendedPlan),
        [
            "The last day to send the amended plan, or say that it will not be amended, moved from 15 June 2026 to 27 \
             April 2026 on 22 April 2026, because the review meeting was held on 2 February 2026."
        ]
    );
}

#[test]
fn what_is_internal_is_not_told_with_what_was_corrected_beside_it() {
    let claim = super::review::fact_of("exception_claimed", 0, on("2026-04-21"));
    let mut stream = Stream::new()
        .records("2025-12-01", "2025-12-01", review::start(ReviewKind::Annual))
        .records("2026-02-02", "2026-02-02", review::meet())
        .records("2026-04-20", "2026-04-20", review::propose())
        .records("2026-04-21", "2026-04-21", claim)
        .corrects("2026-04-22", 1, Some(("2026-02-09", review::meet())));
    let voided = Change {
        supersedes: stream.0[3].id,
        replaced_by: None,
    };
    if let EntryBody::Correction(correction) = &mut stream.0[4].body {
        correction.changes.insert(0, voided);
    }
    assert_eq!(
        of_kind(&stream.moves(&REVIEW, &unchanged()), ClockKind::AmendedPlan),
        [
            "The last day to send the amended plan, or say that it will not be amended, moved from 27 April 2026 to 4 May \
             2026 on 22 April 2026, because the record was corrected: the review meeting was held on 9 February 2026, \
             not on 2 February 2026."
        ]
    );
}

#[test]
fn readings_that_change_say_which() {
    let stream = Stream::new().records("2026-01-06", "2026-01-05", request());
    let day_one = Readings {
        day_of_receipt: DayOfReceipt::DayOne,
        ..Readings::default()
    };
    let readings = Versioned {
        first: Readings::default(),
        later: vec![
            (at("2026-01-20"), Readings::default()),
            (at("2026-02-02"), day_one),
            (at("2026-02-09"), Readings::default()),
        ],
    };
    let moved = stream.moves(&crate::casework::assessment::ASSESSMENT, &readings);
    assert_eq!(
        of_kind(&moved, ClockKind::AssessDecision),
        [
            "The last day to tell the family whether an assessment will be made moved from 16 February 2026 to 15 \
             February 2026 on 2 February 2026, because the local authority changed how it reads the law: the day of \
             receipt counts as day one since then.",
            "The last day to tell the family whether an assessment will be made moved from 15 February 2026 to 16 \
             February 2026 on 9 February 2026, because the local authority changed how it reads the law: the day of \
             receipt no longer counts as day one.",
        ]
    );
    assert!(moved.iter().all(|one| one.cause == MoveCause::ReadingsChanged));
    assert!(moved.iter().all(|one| one.event_id.is_none()));
}

#[test]
fn what_was_taken_over_at_once_was_never_shown_otherwise() {
    let stream = Stream::new()
        .records("2026-03-01", "2026-01-05", request())
        .corrects("2026-03-01", 0, Some(("2026-01-19", request())));
    let moved = stream.moves(&crate::casework::assessment::ASSESSMENT, &unchanged());
    assert_eq!(moved.len(), 0);
}

/// What was shown of a record's clocks, one moment after the other.
fn shown(record: &Record, readings: &Versioned<Readings>) -> Vec<BTreeMap<Uuid, (ClockKind, NaiveDate)>> {
    let mut instants: Vec<DateTime<Utc>> = record.entries.iter().map(|entry| entry.recorded_at).collect();
    let first = instants[0];
    instants.extend(readings.later.iter().map(|(since_at, _)| *since_at));
    instants.retain(|instant| *instant >= first);
    instants.sort_unstable();
    let of_instant = |instant: DateTime<Utc>| {
        let mut then = record.clone();
        then.entries.retain(|entry| entry.recorded_at <= instant);
        then.story.readings = *readings.at(instant);
        let clocks = then
            .corrected()
            .unwrap()
            .map_or(Vec::new(), |timeline| timeline.clocks);
        let days = clocks
            .iter()
            .map(|clock| (clock.id, (clock.rule.kind, clock.due_on)));
        days.collect()
    };
    instants.into_iter().map(of_instant).collect()
}

fn any_readings() -> impl Strategy<Value = Vec<(i64, u8)>> {
    prop::collection::vec((0i64..150, 0u8..4), 0..4)
}

fn changing(first: Readings, changes: &[(i64, u8)]) -> Versioned<Readings> {
    let mut changes = changes.to_vec();
    changes.sort_unstable();
    let later = changes.into_iter().map(|(seconds, which)| {
        let readings = Readings {
            day_of_receipt: if which % 2 == 0 {
                DayOfReceipt::Excluded
            } else {
                DayOfReceipt::DayOne
            },
            non_working_due_day: if which < 2 {
                NonWorkingDueDay::Stands
            } else {
                NonWorkingDueDay::NextWorkingDay
            },
            ..Readings::default()
        };
        // Between the instants at which entries are recorded.
        let since_at = DateTime::UNIX_EPOCH + TimeDelta::seconds(5 * seconds + 2);
        (since_at, readings)
    });
    Versioned {
        first,
        later: later.collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_first_days_shown_and_every_move_amount_to_the_days_shown_at_the_end(
        setting in any_procedure(),
        steps in any_steps(24),
        slips in any_slips(),
        changes in any_readings(),
    ) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let mut record = Record::of(story);
        for slip in slips.chunks(2) {
            let next = record.with(slip);
            if next.corrected().is_ok() {
                record = next;
            }
            if record.holds.is_empty() || record.corrected().unwrap().is_none() {
                break;
            }
        }
        let readings = changing(record.story.readings, &changes);
        let child = Versioned { first: record.story.child.clone(), later: Vec::new() };
        let known = known_in_turn(&record.entries, &child, &readings, |instant| instant.date_naive());
        let moved = moves(record.story.kind, id("procedure"), &known).unwrap();

        let shown = shown(&record, &readings);
        let mut days: BTreeMap<Uuid, Option<NaiveDate>> = BTreeMap::new();
        let mut kinds: BTreeMap<Uuid, ClockKind> = BTreeMap::new();
        for (clock_id, (kind, due_on)) in shown.iter().flatten() {
            days.entry(*clock_id).or_insert(Some(*due_on));
            kinds.insert(*clock_id, *kind);
        }
        let first = days.clone();
        let mut replaced = BTreeSet::new();
        for one in &moved {
            match one.instead_of {
                None => {
                    prop_assert_eq!(days[&one.clock_id], one.shift.from_on(), "{}", one.in_words());
                    days.insert(one.clock_id, one.shift.to_on());
                }
                Some(before) => {
                    prop_assert_eq!(days[&before], one.shift.from_on(), "{}", one.in_words());
                    prop_assert_eq!(first[&one.clock_id], one.shift.to_on());
                    prop_assert_eq!(kinds[&before], kinds[&one.clock_id]);
                    replaced.insert(before);
                }
            }
            if let Shift::Moved { from_on, to_on } = one.shift {
                prop_assert_ne!(from_on, to_on);
            }
        }
        let last = shown.last().unwrap();
        for (clock_id, day) in &days {
            match last.get(clock_id) {
                Some((_, due_on)) => prop_assert_eq!(*day, Some(*due_on)),
                None => {
                    let is_elsewhere = || first.iter().any(|(other, due_on)| {
                        other != clock_id && kinds[other] == kinds[clock_id] && due_on == day
                    });
                    prop_assert!(day.is_none() || replaced.contains(clock_id) || is_elsewhere());
                }
            }
        }
    }

    #[test]
    fn every_move_tells_its_days_and_its_cause_and_none_is_made_by_what_families_are_not_told(
        setting in any_procedure(),
        steps in any_steps(30),
    ) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let record = Record::of(story);
        let child = Versioned { first: record.story.child.clone(), later: Vec::new() };
        let readings = Versioned { first: record.story.readings, later: Vec::new() };
        let known = known_in_turn(&record.entries, &child, &readings, |instant| instant.date_naive());
        for one in moves(record.story.kind, id("procedure"), &known).unwrap() {
            let words = one.in_words();
            for day in [one.shift.from_on(), one.shift.to_on(), Some(one.moved_on)].into_iter().flatten() {
                prop_assert!(words.contains(&in_words(day).to_string()), "{}", words);
            }
            prop_assert_eq!(one.cause, MoveCause::EventRecorded);
            let cause = record.entries.iter().find(|entry| Some(entry.id) == one.event_id);
            let event_type = cause.unwrap().body.event_type();
            prop_assert!(*record.story.kind == CONSULTATION || !event_type.is_internal(), "{}", words);
        }
    }
}
