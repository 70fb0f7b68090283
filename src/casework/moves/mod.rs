//! Which last days moved after they had been shown, and why.
//!
//! What is known of a procedure grows with every entry of its stream, and changes with the facts of the child and
//! with the authority's readings. The same fold of what was known before and after tells which days moved; no move
//! is stored. Whoever asks for the story of a case calls it; who may see a move is not decided here.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

mod why;

use self::why::why;
use super::child::ChildFacts;
use super::history::{Entry, effective, known_at};
use super::procedure::ProcedureKind;
use super::timeline::{Refusal, Setting, Timeline, fold, sort_events};
use crate::statute::calendar::in_words;
use crate::statute::clock::Clock;
use crate::statute::explanation::last_day_in_words;
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Rule;

/// Something of which each change is kept with its instant.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// What held before the first change.
    pub first: T,
    /// Each change, the oldest first.
    pub later: Vec<(DateTime<Utc>, T)>,
}

impl<T> Versioned<T> {
    /// What held at an instant.
    pub fn at(&self, instant: DateTime<Utc>) -> &T {
        let held = self.later.partition_point(|(since_at, _)| *since_at <= instant);
        match held.checked_sub(1) {
            Some(last) => &self.later[last].1,
            None => &self.first,
        }
    }
}

/// What was known of a procedure from a moment on.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// The day of the moment.
    pub on: NaiveDate,
    /// Its stream as far as it was recorded.
    pub entries: &'k [Entry],
    pub child: Option<&'k ChildFacts>,
    pub readings: &'k Readings,
}

/// What was known of a procedure, moment by moment, since its first entry was recorded. What changed at one
/// instant comes one after the other, so that each move has one cause: readings, facts, entries.
///
/// What was recorded at one instant counts as known at once: nothing of it was shown before the rest.
pub fn known_in_turn<'k>(
    entries: &'k [Entry],
    child: &'k Versioned<Option<ChildFacts>>,
    readings: &'k Versioned<Readings>,
    day_of: impl Fn(DateTime<Utc>) -> NaiveDate,
) -> Vec<Known<'k>> {
    let Some(first) = entries.first() else {
        return Vec::new();
    };
    let opened_at = first.recorded_at;
    let changes = child.later.iter().map(|(since_at, _)| *since_at);
    let changes = changes.chain(readings.later.iter().map(|(since_at, _)| *since_at));
    let mut instants: Vec<DateTime<Utc>> = entries.iter().map(|entry| entry.recorded_at).collect();
    instants.extend(changes.filter(|instant| *instant > opened_at));
    instants.sort_unstable();
    instants.dedup();
    let mut known: Vec<Known<'k>> = Vec::with_capacity(instants.len());
    for instant in instants {
        let recorded = known_at(entries, instant);
        let next = Known {
            on: day_of(instant),
            entries: recorded,
            child: child.at(instant).as_ref(),
            readings: readings.at(instant),
        };
        let Some(mut last) = known.last().copied() else {
            known.push(next);
            continue;
        };
        last.on = next.on;
        if last.readings != next.readings {
            last.readings = next.readings;
            known.push(last);
        }
        if last.child != next.child {
            last.child = next.child;
            known.push(last);
        }
        if last.entries.len() != next.entries.len() {
            known.push(next);
        }
    }
    known
}

/// What became of a last day that had been shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    Moved {
        from_on: NaiveDate,
        to_on: NaiveDate,
    },
    FellAway {
        from_on: NaiveDate,
    },
    /// It had fallen away before.
    SetAgain {
        to_on: NaiveDate,
    },
}

impl Shift {
    /// The day that stood before, if one did.
    pub fn from_on(self) -> Option<NaiveDate> {
        match self {
            Shift::Moved { from_on, .. } | Shift::FellAway { from_on } => Some(from_on),
            Shift::SetAgain { .. } => None,
        }
    }

    /// The day that stands after it, if one does.
    pub fn to_on(self) -> Option<NaiveDate> {
        match self {
            Shift::Moved { to_on, .. } | Shift::SetAgain { to_on } => Some(to_on),
            Shift::FellAway { .. } => None,
        }
    }
}

/// What made a last day move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveCause {
    /// Something was recorded that it depends on.
    EventRecorded,
    /// Something that it depends on was corrected.
    RecordCorrected,
    /// The facts of the child or young person were corrected.
    ChildFactsChanged,
    /// The authority reads the law in another way than before.
    ReadingsChanged,
}

/// A last day that moved after it had been shown.
#[derive(Debug, Clone)]
pub struct Move {
    /// The clock whose last day it is.
    pub clock_id: Uuid,
    /// The clock in whose place it runs, where that was another one.
    pub instead_of: Option<Uuid>,
    pub rule: &'static Rule,
    /// Which advice it is about, where it is about advice.
    pub requirement: Option<Requirement>,
    pub shift: Shift,
    /// The day on which it became known.
    pub moved_on: NaiveDate,
    pub cause: MoveCause,
    /// The event or the correction that moved it, if one did.
    pub event_id: Option<Uuid>,
    /// Why, as a clause.
    because: String,
}

impl Move {
    /// What moved, from when to when, and why.
    pub fn in_words(&self) -> String {
        let last_day = last_day_in_words(self.rule, self.requirement);
        let (moved_on, because) = (in_words(self.moved_on), &self.because);
        let pause = if last_day.contains(',') { "," } else { "" };
        match self.shift {
            Shift::Moved { from_on, to_on } => format!(
                "{last_day}{pause} moved from {} to {} on {moved_on}, because {because}.",
                in_words(from_on),
                in_words(to_on)
            ),
            Shift::FellAway { from_on } => format!(
                "{last_day}, {}, fell away on {moved_on}, because {because}.",
                in_words(from_on)
            ),
            Shift::SetAgain { to_on } => format!(
                "{last_day}{pause} was set again on {moved_on}, to {}, because {because}.",
                in_words(to_on)
            ),
        }
    }
}

/// Every move, in the order in which they became known.
///
/// A clock keeps its id through corrections, so it moves where the same id has another last day. A clock that
/// starts as another of its kind stops, since a meeting was arranged anew or a draft was sent again, moves that
/// one's day; so does one that starts after another of its kind was recorded by mistake.
pub fn moves(
    kind: &ProcedureKind,
    procedure_id: Uuid,
    known: &[Known<'_>],
) -> Result<Vec<Move>, Box<Refusal>> {
    let mut told = SoFar::default();
    let mut before: Option<(&Known<'_>, Shown)> = None;
    for after in known {
        let shown = shown(kind, procedure_id, after)?;
        if let Some((known_before, shown_before)) = &before {
            told.tell(&Step {
                known: (known_before, after),
                shown: (shown_before, &shown),
            });
        }
        before = Some((after, shown));
    }
    Ok(told.moves)
}

/// The clocks that were shown, and which advice each request asks for.
#[derive(Debug, Default)]
struct Shown {
    clocks: Vec<Clock>,
    asked: Vec<(Uuid, Requirement)>,
}

impl Shown {
    fn find(&self, clock_id: Uuid) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.id == clock_id)
    }

    fn requirement(&self, clock: &Clock) -> Option<Requirement> {
        requirement_of(&self.asked, clock)
    }
}

fn requirement_of(asked: &[(Uuid, Requirement)], clock: &Clock) -> Option<Requirement> {
    let of_clock = asked
        .iter()
        .find(|(request_id, _)| clock.subject == Some(*request_id));
    of_clock.map(|(_, requirement)| *requirement)
}

fn shown(kind: &ProcedureKind, procedure_id: Uuid, known: &Known<'_>) -> Result<Shown, Box<Refusal>> {
    let mut events = effective(known.entries, &HashSet::new());
    sort_events(&mut events);
    let setting = Setting {
        procedure_id,
        readings: known.readings,
        child: known.child,
    };
    let mut timeline: Option<Timeline> = fold(kind, &events, setting).map_err(Box::new)?;
    if let Some(timeline) = &mut timeline {
        // Ids are chance, and what people read is in the same order every time.
        timeline
            .clocks
            .sort_by_key(|clock| (clock.due_on, clock.rule.kind));
    }
    Ok(timeline.map_or_else(Shown::default, |timeline| Shown {
        clocks: timeline.clocks,
        asked: timeline
            .advice
            .requests
            .iter()
            .map(|request| (request.id, request.requirement))
            .collect(),
    }))
}

/// What was known and shown, before and after.
struct Step<'s, 'k> {
    known: (&'s Known<'k>, &'s Known<'k>),
    shown: (&'s Shown, &'s Shown),
}

/// The moves so far.
#[derive(Default)]
struct SoFar {
    moves: Vec<Move>,
    /// Clocks that fell away, and in whose place none runs.
    fallen: Vec<Clock>,
}

impl SoFar {
    fn tell(&mut self, step: &Step<'_, '_>) {
        let (before, after) = step.shown;
        let mut replaced: Vec<Uuid> = Vec::new();
        for clock in &after.clocks {
            match before.find(clock.id) {
                Some(was) if was.due_on == clock.due_on => {}
                Some(was) => {
                    let shift = Shift::Moved {
                        from_on: was.due_on,
                        to_on: clock.due_on,
                    };
                    self.push(step, shift, Some(was), Some(clock));
                }
                None => replaced.extend(self.begin(step, clock, &replaced)),
            }
        }
        for was in &before.clocks {
            if after.find(was.id).is_none() && !replaced.contains(&was.id) {
                let shift = Shift::FellAway { from_on: was.due_on };
                self.push(step, shift, Some(was), None);
                self.fallen.push(was.clone());
            }
        }
    }

    /// Tells of a clock that was not there before. Gives the one that was, in whose place it runs.
    fn begin(&mut self, step: &Step<'_, '_>, clock: &Clock, replaced: &[Uuid]) -> Option<Uuid> {
        let (before, after) = step.shown;
        let to_on = clock.due_on;
        let stopped = before.clocks.iter().find(|was| {
            is_same_duty(was, clock)
                && is_owed(was)
                && is_owed(clock)
                && !replaced.contains(&was.id)
                && after
                    .find(was.id)
                    .is_none_or(|still| !is_owed(still) && !is_done(still))
        });
        if let Some(was) = stopped {
            let from_on = was.due_on;
            if from_on != to_on {
                self.push(step, Shift::Moved { from_on, to_on }, Some(was), Some(clock));
            }
            return Some(was.id);
        }
        let by_id = self.fallen.iter().position(|fallen| fallen.id == clock.id);
        let place = by_id.or_else(|| self.fallen.iter().rposition(|fallen| is_same_duty(fallen, clock)));
        if let Some(place) = place {
            let fallen = self.fallen.remove(place);
            self.push(step, Shift::SetAgain { to_on }, Some(&fallen), Some(clock));
        }
        None
    }

    fn push(&mut self, step: &Step<'_, '_>, shift: Shift, was: Option<&Clock>, is: Option<&Clock>) {
        let Some(clock) = is.or(was) else {
            return;
        };
        let (before, after) = step.shown;
        let why = why(step.known.0, step.known.1, was, is);
        self.moves.push(Move {
            clock_id: clock.id,
            instead_of: was.map(|was| was.id).filter(|id| *id != clock.id),
            rule: clock.rule,
            requirement: after.requirement(clock).or_else(|| before.requirement(clock)),
            shift,
            moved_on: step.known.1.on,
            cause: why.cause,
            event_id: why.event_id,
            because: why.because,
        });
    }
}

fn is_same_duty(one: &Clock, other: &Clock) -> bool {
    one.rule.kind == other.rule.kind && one.subject == other.subject
}

fn is_owed(clock: &Clock) -> bool {
    let last = clock.segments.last();
    last.is_some_and(|segment| segment.satisfied_on.is_none() && segment.cancelled_on.is_none())
}

fn is_done(clock: &Clock) -> bool {
    let last = clock.segments.last();
    last.is_some_and(|segment| segment.satisfied_on.is_some())
}
