//! Voided openings, and the place a corrected event keeps among the events of its day.

use std::collections::HashSet;

use super::story::*;
use crate::casework::assessment::ASSESSMENT;
use crate::casework::assessment::AssessDecision;
use crate::casework::event::{Fact, LegalDates};
use crate::casework::history::{Change, Correction, Entry, EntryBody, effective};
use crate::casework::timeline::{Reason, Refusal, Setting, Timeline, fold, sort_events};
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;

/// A stream of entries, with its corrections.
#[derive(Default)]
struct Recorded {
    entries: Vec<Entry>,
}

impl Recorded {
    fn entry(&mut self, day: &str, root: Option<usize>, body: EntryBody) -> usize {
        let at = self.entries.len();
        let id = id(&format!("entry {at}"));
        self.entries.push(Entry {
            caused_by: None,
            id,
            root_id: root.map_or(id, |root| self.entries[root].root_id),
            sequence: at as i64 + 1,
            occurred_on: on(day),
            dates: LegalDates::default(),
            body,
            recorded_at: chrono::DateTime::UNIX_EPOCH,
        });
        at
    }

    fn fact(&mut self, day: &str, fact: Fact) -> usize {
        self.entry(day, None, EntryBody::Fact(fact))
    }

    /// Supersedes an entry, by a replacement or by nothing.
    fn correct(&mut self, supersedes: usize, replacement: Option<(&str, Fact)>) -> usize {
        let replaced_by = replacement
            .is_some()
            .then(|| id(&format!("entry {}", self.entries.len() + 1)));
        let correction = self.entry(
            "2026-06-01",
            None,
            EntryBody::Correction(Correction {
                reason: "a slip".to_owned(),
                changes: vec![Change {
                    supersedes: self.entries[supersedes].id,
                    replaced_by,
                }],
            }),
        );
        match replacement {
            Some((day, fact)) => self.entry(day, Some(supersedes), EntryBody::Fact(fact)),
            None => correction,
        }
    }

    fn folded(&self) -> Result<Option<Timeline>, Refusal> {
        let mut events = effective(&self.entries, &HashSet::new());
        sort_events(&mut events);
        let setting = Setting {
            procedure_id: id("procedure"),
            readings: &Readings::default(),
            child: None,
        };
        fold(&ASSESSMENT, &events, setting)
    }
}

#[test]
fn voiding_the_opening_voids_all_that_followed() {
    let mut recorded = Recorded::default();
    let opening = recorded.fact("2026-01-05", request());
    recorded.fact("2026-02-10", decide(AssessDecision::Assess));
    recorded.fact("2026-02-11", ask(Requirement::Medical, "paediatrics"));
    recorded.correct(opening, None);
    assert!(recorded.folded().unwrap().is_none());
}

#[test]
fn voiding_a_replaced_opening_voids_it_too() {
    let mut recorded = Recorded::default();
    let opening = recorded.fact("2026-01-05", request());
    recorded.fact("2026-02-10", decide(AssessDecision::Assess));
    let replaced = recorded.correct(opening, Some(("2026-01-06", request())));
    assert_eq!(recorded.folded().unwrap().unwrap().opened_on, on("2026-01-06"));
    recorded.correct(replaced, None);
    assert!(recorded.folded().unwrap().is_none());
}

#[test]
fn an_opening_may_be_voided_when_another_takes_its_place() {
    let mut recorded = Recorded::default();
    let opening = recorded.fact("2026-01-05", request());
    let further = recorded.fact("2026-01-12", further_request());
    recorded.correct(opening, None);
    assert!(
        recorded.folded().unwrap().is_none(),
        "the further request opens nothing"
    );
    recorded.correct(further, Some(("2026-01-12", request())));
    assert_eq!(recorded.folded().unwrap().unwrap().opened_on, on("2026-01-12"));
}

#[test]
fn an_opening_replaced_by_what_opens_nothing_is_refused() {
    let mut recorded = Recorded::default();
    let opening = recorded.fact("2026-01-05", request());
    recorded.correct(opening, Some(("2026-01-05", further_request())));
    assert_eq!(recorded.folded().unwrap_err().reason, Reason::NotAnOpening);
    let mut never_opened = Recorded::default();
    never_opened.fact("2026-01-05", further_request());
    assert_eq!(never_opened.folded().unwrap_err().reason, Reason::NotAnOpening);
}

#[test]
fn a_corrected_event_keeps_its_place_in_its_day() {
    let medical = request_id(Requirement::Medical, "paediatrics");
    let mut recorded = Recorded::default();
    recorded.fact("2026-01-05", request());
    recorded.fact("2026-02-10", decide(AssessDecision::Assess));
    recorded.fact("2026-02-11", ask(Requirement::Medical, "paediatrics"));
    let submitted = recorded.fact("2026-03-02", submit(medical));
    recorded.fact("2026-03-02", send_back(medical));
    recorded.correct(submitted, Some(("2026-03-02", submit(medical))));
    let timeline = recorded.folded().unwrap().unwrap();
    assert_eq!(
        timeline.advice.requests[0].state,
        crate::casework::advice::AdviceState::Returned
    );
}
