//! The stream of one procedure as it was recorded, and which of its events are effective.
//!
//! Entries are append-only. A correction supersedes effective events and may put replacements,
//! recorded right after it, in their place; it acts on what is known and has no day of its own.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{Event, Fact, LegalDates};
use super::procedure::EventType;

/// One recorded entry of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: Uuid,
    /// The entry that first recorded the fact; its own id unless it replaces another.
    pub root_id: Uuid,
    pub sequence: i64,
    pub occurred_on: NaiveDate,
    pub dates: LegalDates,
    pub body: EntryBody,
    pub recorded_at: DateTime<Utc>,
    /// The event on another procedure that made this one happen, through all its corrections.
    pub caused_by: Option<Uuid>,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBody {
    Fact(Fact),
    Correction(Correction),
}

impl EntryBody {
    pub fn event_type(&self) -> EventType {
        match self {
            EntryBody::Fact(fact) => fact.event_type(),
            EntryBody::Correction(_) => EventType::CORRECTION,
        }
    }
}

/// Changes to what is known, judged together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub reason: String,
    pub changes: Vec<Change>,
}

/// One event superseded, and the entry that replaces it; none voids it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub supersedes: Uuid,
    pub replaced_by: Option<Uuid>,
}

/// Every superseded event with what superseded it: its replacement, or the correction that voided it.
pub fn superseded(entries: &[Entry]) -> HashMap<Uuid, Uuid> {
    entries
        .iter()
        .filter_map(|entry| match &entry.body {
            EntryBody::Correction(correction) => Some((entry.id, correction)),
            EntryBody::Fact(_) => None,
        })
        .flat_map(|(correction_id, correction)| {
            correction
                .changes
                .iter()
                .map(move |change| (change.supersedes, change.replaced_by.unwrap_or(correction_id)))
        })
        .collect()
}

/// The effective events of a stream, unsorted; those in `fresh` are marked as being recorded now.
///
/// None are left of a stream whose opening was voided. A replacement keeps the place among the
/// events of its day that the first record of the fact had.
pub fn effective(entries: &[Entry], fresh: &HashSet<Uuid>) -> Vec<Event> {
    let superseded = superseded(entries);
    let sequence_of = |entry: &Entry| {
        if entry.root_id == entry.id {
            return entry.sequence;
        }
        let first = entries.iter().find(|first| first.id == entry.root_id);
        first.map_or(entry.sequence, |first| first.sequence)
    };
    let mut events = Vec::with_capacity(entries.len());
    for entry in entries {
        if let EntryBody::Fact(fact) = &entry.body
            && !superseded.contains_key(&entry.id)
        {
            events.push(Event {
                id: entry.id,
                root_id: entry.root_id,
                sequence: sequence_of(entry),
                occurred_on: entry.occurred_on,
                dates: entry.dates,
                fact: fact.clone(),
                fresh: fresh.contains(&entry.id),
            });
        }
    }
    if is_opening_voided(entries, &superseded) && !events.iter().any(|event| event.fact.is_opening()) {
        Vec::new()
    } else {
        events
    }
}

/// Whether the first record, or what last replaced it, was voided.
fn is_opening_voided(entries: &[Entry], superseded: &HashMap<Uuid, Uuid>) -> bool {
    let is_correction = |id: Uuid| {
        let entry = entries.iter().find(|entry| entry.id == id);
        entry.is_some_and(|entry| matches!(entry.body, EntryBody::Correction(_)))
    };
    let Some(opening) = entries.first() else {
        return false;
    };
    let mut last = opening.id;
    while let Some(by) = superseded.get(&last) {
        if is_correction(*by) {
            return true;
        }
        last = *by;
    }
    false
}

/// The entries that were recorded by an instant.
pub fn known_at(entries: &[Entry], instant: DateTime<Utc>) -> &[Entry] {
    let known = entries.partition_point(|entry| entry.recorded_at <= instant);
    &entries[..known]
}
