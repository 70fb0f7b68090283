//! The story of a procedure as people read it: what happened, who owes what by when, and which last days moved.
//!
//! Sentences are made of types and dates alone, so that no note, name or address is in them. Pure; `service` puts the
//! stories of a case's procedures together.

use chrono::NaiveDate;
use uuid::Uuid;

use super::event::{Event, Fact};
use super::moves::Move;
use super::procedure::EventType;
use super::timeline::Timeline;
use crate::statute::calendar::in_words;
use crate::statute::clock::{Clock, ClockStatus};
use crate::statute::explanation::{capitalised, owed_in_words};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{ClockKind, Party, Provision};

/// Something of the story of a procedure.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where it stands in the story.
    pub on: NaiveDate,
    pub sentence: String,
    pub what: What,
}

/// What is told.
#[derive(Debug, Clone)]
pub enum What {
    /// Something happened.
    Event { event_id: Uuid, event_type: EventType },
    /// Something is or was owed by a day.
    TimeLimit {
        clock_id: Uuid,
        kind: ClockKind,
        bearer: Party,
        status: ClockStatus,
        due_on: NaiveDate,
        provision: Provision,
    },
    /// A last day that had been shown became another one.
    DateMoved(Box<Move>),
}

/// What is told of a procedure on a day, in the order of days. On one day, what happened comes before what is owed,
/// and that before what moved.
///
/// A limit that was kept, or done late, stands on the day it was done, and any other on its last day. Of what is no
/// longer owed nothing is told. A family is not told of what is internal.
pub fn told(
    events: &[Event],
    timeline: Option<&Timeline>,
    moves: Vec<Move>,
    as_of: NaiveDate,
    to_family: bool,
) -> Vec<Told> {
    let asked = |request_id: Uuid| -> Option<Requirement> {
        let requests = timeline.map(|timeline| &timeline.advice.requests)?;
        let asked = requests.iter().find(|request| request.id == request_id)?;
        Some(asked.requirement)
    };
    let happened = events
        .iter()
        .filter(|event| !to_family || !event.fact.event_type().is_internal())
        .map(|event| {
            let about = match &event.fact {
                Fact::Advice(fact) => fact.request_id().and_then(asked),
                Fact::Own(_) | Fact::CaseClosed(_) => None,
            };
            event_told(event, about)
        });
    let mut clocks: Vec<&Clock> = timeline.map_or(Vec::new(), |timeline| timeline.clocks.iter().collect());
    // Ids are chance, and what people read is in the same order every time.
    clocks.sort_by_key(|clock| (clock.due_on, clock.rule.kind));
    let limits = clocks
        .into_iter()
        .filter_map(|clock| limit_told(clock, clock.subject.and_then(asked), as_of));
    let moved = moves.into_iter().map(|moved| Told {
        on: moved.moved_on,
        sentence: moved.in_words(),
        what: What::DateMoved(Box::new(moved)),
    });
    let mut story: Vec<Told> = happened.chain(limits).chain(moved).collect();
    story.sort_by_key(|told| told.on);
    story
}

fn event_told(event: &Event, about: Option<Requirement>) -> Told {
    let clause = capitalised(&event.fact.in_words(about));
    Told {
        on: event.occurred_on,
        sentence: format!("{clause} on {}.", in_words(event.occurred_on)),
        what: What::Event {
            event_id: event.id,
            event_type: event.fact.event_type(),
        },
    }
}

fn limit_told(clock: &Clock, about: Option<Requirement>, as_of: NaiveDate) -> Option<Told> {
    let sentence = owed_in_words(clock, about, as_of)?;
    let (segment, standing) = (clock.segment_on(as_of)?, clock.standing_on(as_of)?);
    Some(Told {
        on: standing.satisfied_on.unwrap_or(clock.due_on),
        sentence,
        what: What::TimeLimit {
            clock_id: clock.id,
            kind: clock.rule.kind,
            bearer: segment.bearer,
            status: standing.status,
            due_on: clock.due_on,
            provision: clock.rule.provision,
        },
    })
}
