//! Replay: a chain of corrections amounts to the history it puts right, and what was known at an
//! instant is what was computed then.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;

use super::portrait::portrait;
use super::steps::{any_procedure, any_steps, fact_of, written};
use super::story::*;
use crate::casework::event::Event;
use crate::casework::history::{Change, Correction, Entry, EntryBody, effective, known_at};
use crate::casework::timeline::{Refusal, Timeline, fold, sort_events};

/// One random correction: which event, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub struct Slip {
    pick: usize,
    kind: u8,
    detail: usize,
    shift_days: i64,
}

pub fn any_slips() -> impl Strategy<Value = Vec<Slip>> {
    let slip =
        (0usize..1_000, 0u8..5, 0usize..10_000, -9i64..10).prop_map(|(pick, kind, detail, shift_days)| {
            Slip {
                pick,
                kind,
                detail,
                shift_days,
            }
        });
    prop::collection::vec(slip, 1..8)
}

/// A stream as it was recorded, and the history it amounts to.
#[derive(Clone)]
pub struct Record {
    pub story: Story,
    pub entries: Vec<Entry>,
    /// What holds: each fact under the id and at the place of its first record.
    pub holds: Vec<Event>,
    pub now: DateTime<Utc>,
}

impl Record {
    pub fn of(story: Story) -> Record {
        let mut record = Record {
            holds: Vec::new(),
            entries: Vec::new(),
            now: DateTime::UNIX_EPOCH,
            story,
        };
        for event in record.story.events.clone() {
            record.now += TimeDelta::seconds(5);
            record.push(&event, EntryBody::Fact(event.fact.clone()));
            record.holds.push(event);
        }
        record
    }

    fn push(&mut self, event: &Event, body: EntryBody) {
        self.entries.push(Entry {
            caused_by: None,
            id: event.id,
            root_id: event.root_id,
            sequence: self.entries.len() as i64 + 1,
            occurred_on: event.occurred_on,
            dates: event.dates,
            body,
            recorded_at: self.now,
        });
    }

    fn folded(&self, mut events: Vec<Event>) -> Result<Option<Timeline>, Refusal> {
        sort_events(&mut events);
        fold(self.story.kind, &events, self.story.setting())
    }

    pub fn corrected(&self) -> Result<Option<Timeline>, Refusal> {
        self.folded(effective(&self.entries, &HashSet::new()))
    }

    /// The record with one more correction, which may not stand.
    pub fn with(&self, slips: &[Slip]) -> Record {
        let mut next = self.clone();
        next.now += TimeDelta::seconds(5);
        let correction_id = id(&format!("entry {}", next.entries.len()));
        let (mut changes, mut replacements) = (Vec::new(), Vec::new());
        let mut touched = HashSet::new();
        for slip in slips {
            let at = slip.pick % next.holds.len();
            let held = next.holds[at].clone();
            if !touched.insert(held.root_id) {
                continue;
            }
            let current = next.current_id(&held);
            let replacement = (slip.kind > 0).then(|| next.replacement(&held, *slip, replacements.len()));
            changes.push(Change {
                supersedes: current,
                replaced_by: replacement.as_ref().map(|event| event.id),
            });
            match replacement {
                Some(event) => {
                    next.holds[at] = Event {
                        id: held.root_id,
                        ..event.clone()
                    };
                    replacements.push(event);
                }
                None => next.holds[at].sequence = -1,
            }
        }
        next.holds.retain(|event| event.sequence >= 0);
        let mut correction = self.holds[0].clone();
        (correction.id, correction.root_id) = (correction_id, correction_id);
        let reason = "a slip".to_owned();
        next.push(&correction, EntryBody::Correction(Correction { reason, changes }));
        for event in replacements {
            next.push(&event, EntryBody::Fact(event.fact.clone()));
        }
        next
    }

    /// The entry that holds a fact now.
    fn current_id(&self, held: &Event) -> uuid::Uuid {
        let latest = self.entries.iter().rfind(|entry| entry.root_id == held.root_id);
        latest.map_or(held.id, |entry| entry.id)
    }

    fn replacement(&self, held: &Event, slip: Slip, nth: usize) -> Event {
        let occurred_on: NaiveDate = held.occurred_on + TimeDelta::days(slip.shift_days);
        let fact = if slip.kind < 3 {
            held.fact.clone()
        } else {
            fact_of(
                &self.story,
                held.fact.event_type(),
                slip.detail,
                slip.shift_days,
                occurred_on,
            )
        };
        Event {
            id: id(&format!("entry {} {nth}", self.entries.len() + 1)),
            occurred_on,
            fact,
            ..held.clone()
        }
    }
}

fn same(
    recorded: &Result<Option<Timeline>, Refusal>,
    amounted: &Result<Option<Timeline>, Refusal>,
) -> Result<bool, TestCaseError> {
    match (recorded, amounted) {
        (Ok(Some(recorded)), Ok(Some(amounted))) => {
            prop_assert_eq!(portrait(recorded), portrait(amounted));
            Ok(true)
        }
        (Ok(None), Ok(None)) => Ok(true),
        (Err(recorded), Err(amounted)) => {
            prop_assert_eq!(&recorded.reason, &amounted.reason);
            prop_assert_eq!(recorded.state, amounted.state);
            Ok(false)
        }
        (recorded, amounted) => Err(TestCaseError::fail(format!("{recorded:?} is not {amounted:?}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn corrections_amount_to_the_history_they_put_right(
        setting in any_procedure(),
        steps in any_steps(24),
        slips in any_slips(),
        together in 1usize..4,
    ) {
        let story = written(&setting, &steps);
        prop_assume!(!story.events.is_empty());
        let mut record = Record::of(story);
        let mut known = vec![(record.now, record.corrected().unwrap().map(|timeline| portrait(&timeline)))];
        for slips in slips.chunks(together) {
            if record.holds.is_empty() {
                break;
            }
            let next = record.with(slips);
            // Voiding the opening voids the procedure, whatever else holds.
            let is_opened = next.holds.iter().any(|event| event.fact.is_opening());
            let holds = if is_opened { next.holds.clone() } else { Vec::new() };
            if same(&next.corrected(), &next.folded(holds))? {
                record = next;
                known.push((record.now, record.corrected().unwrap().map(|timeline| portrait(&timeline))));
            }
            if !is_opened {
                break;
            }
        }
        for (instant, then) in known {
            for later_ms in [0, 1, 4_999] {
                let entries = known_at(&record.entries, instant + TimeDelta::milliseconds(later_ms));
                let now = record.folded(effective(entries, &HashSet::new())).unwrap();
                prop_assert_eq!(now.map(|timeline| portrait(&timeline)), then.clone());
            }
        }
        prop_assert!(known_at(&record.entries, DateTime::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn what_was_known_when_each_event_was_recorded_is_known_still(setting in any_procedure(), steps in any_steps(24)) {
        let story = written(&setting, &steps);
        let record = Record::of(story.clone());
        let mut so_far = Story { events: Vec::new(), ..story.clone() };
        for (event, entry) in story.events.iter().zip(&record.entries) {
            so_far.events.push(event.clone());
            let known = effective(known_at(&record.entries, entry.recorded_at), &HashSet::new());
            let timeline = record.folded(known).unwrap().unwrap();
            prop_assert_eq!(portrait(&timeline), portrait(&so_far.timeline()));
        }
    }
}
