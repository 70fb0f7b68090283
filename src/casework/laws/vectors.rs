//! The conformance pack: worked requests and what their clocks must say.
//!
//! `tests/conformance/` holds them, one file for each procedure. Each has a name, the request as the calculator
//! takes it, and what is expected: `expect` lists clocks by some of their fields, and `state`, `flags`
//! (all codes) and `kinds` (of all clocks) are checked where they are given; `explained` lists sentences of
//! its clocks. `impossible` names the
//! event that cannot stand and the state it met.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::story::DUE_SOON_DAYS;
use crate::casework::PROCEDURES;
use crate::casework::event::LegalDates;
use crate::casework::procedure::ProcedureKind;
use crate::casework::timeline::Timeline;
use crate::service::timeline::{GivenEvent, GivenFact, TimelineQuestion, compute_timeline};
use crate::statute::calendar::last_working_day_on_or_before;
use crate::statute::clock::Clock;
use crate::statute::explanation::explain;
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub request: Request,
    #[serde(default)]
    pub expect: Vec<Map<String, Value>>,
    pub state: Option<String>,
    pub flags: Option<Vec<String>>,
    pub kinds: Option<Vec<String>>,
    #[serde(default)]
    pub explained: Vec<String>,
    pub impossible: Option<Impossible>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub procedure: String,
    pub events: Vec<Value>,
    pub as_of: chrono::NaiveDate,
    #[serde(default)]
    pub readings: Readings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impossible {
    pub event: usize,
    pub state: Option<String>,
}

/// Every case of the pack.
pub fn cases() -> Vec<Case> {
    let pack = |name: &str| -> Vec<Case> {
        let path = format!("{}/tests/conformance/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    PROCEDURES.iter().flat_map(|kind| pack(kind.name)).collect()
}

impl Case {
    pub fn question(&self) -> TimelineQuestion {
        let kind = ProcedureKind::named(&self.request.procedure).unwrap();
        let events = self.request.events.iter().map(|event| given(kind, event));
        TimelineQuestion {
            procedure: kind,
            events: events.collect(),
            as_of: self.request.as_of,
            readings: self.request.readings,
        }
    }
}

fn given(kind: &ProcedureKind, event: &Value) -> GivenEvent {
    let asked_for = || -> (Requirement, Option<String>) {
        (
            serde_json::from_value(event["requirement"].clone()).unwrap(),
            event["service"].as_str().map(str::to_owned),
        )
    };
    let fact = match event["type"].as_str().unwrap() {
        "advice_requested" => {
            let (requirement, service) = asked_for();
            GivenFact::AdviceRequested { requirement, service }
        }
        "advice_submitted" => {
            let (requirement, service) = asked_for();
            GivenFact::AdviceSubmitted { requirement, service }
        }
        _ => GivenFact::Own(kind.given(event.clone()).unwrap()),
    };
    GivenEvent {
        occurred_on: serde_json::from_value(event["occurred_on"].clone()).unwrap(),
        dates: serde_json::from_value::<LegalDates>(event.clone()).unwrap(),
        note: None,
        fact,
    }
}

/// A clock as the API shows it, as far as the pack speaks of it.
fn shown(clock: &Clock, as_of: chrono::NaiveDate) -> Option<Value> {
    let (segment, standing) = (clock.segment_on(as_of)?, clock.standing_on(as_of)?);
    Some(json!({
        "kind": clock.rule.kind,
        "bearer": segment.bearer,
        "force": segment.force,
        "bound": clock.rule.bound,
        "started_on": clock.started_on,
        "due_on": clock.due_on,
        "day_one_due_on": clock.day_one_due_on,
        "last_working_day": last_working_day_on_or_before(clock.due_on),
        "satisfied_on": standing.satisfied_on,
        "cancelled_on": standing.cancelled_on,
        "status": standing.status,
        "days_remaining": standing.days_remaining,
        "days_late": standing.days_late,
        "excused": standing.excused,
    }))
}

fn faults(case: &Case, timeline: &Timeline) -> Vec<String> {
    let as_of = case.request.as_of;
    let clocks: Vec<Value> = timeline.clocks.iter().filter_map(|c| shown(c, as_of)).collect();
    let mut faults = Vec::new();
    for expected in &case.expect {
        let agrees = |clock: &&Value| {
            expected
                .iter()
                .all(|(field, value)| &clock[field.as_str()] == value)
        };
        if !clocks.iter().any(|clock| agrees(&clock)) {
            let of_kind: Vec<_> = clocks.iter().filter(|c| c["kind"] == expected["kind"]).collect();
            faults.push(format!("expected {expected:?}, got {of_kind:?}"));
        }
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    if let Some(state) = &case.state
        && state != timeline.state.name()
    {
        faults.push(format!("expected {state}, got {}", timeline.state.name()));
    }
    let flags = timeline.flags_on(as_of, DUE_SOON_DAYS);
    let flags = sorted(flags.iter().map(|flag| flag.code.name().to_owned()).collect());
    if case.flags.as_ref().is_some_and(|expected| *expected != flags) {
        faults.push(format!("expected {:?}, got {flags:?}", case.flags));
    }
    let kinds = sorted(
        clocks
            .iter()
            .map(|c| c["kind"].as_str().unwrap().to_owned())
            .collect(),
    );
    let told: Vec<String> = timeline.clocks.iter().flat_map(|c| explain(c, as_of)).collect();
    for sentence in &case.explained {
        if !told.contains(sentence) {
            faults.push(format!("expected to be told {sentence:?}, got {told:#?}"));
        }
    }
    if case.kinds.as_ref().is_some_and(|expected| *expected != kinds) {
        faults.push(format!("expected {:?}, got {kinds:?}", case.kinds));
    }
    faults
}

#[test]
fn every_case_of_the_pack_says_what_it_must() {
    let mut all = Vec::new();
    for case in cases() {
        let found = match (compute_timeline(&case.question()).unwrap(), &case.impossible) {
            (Ok(timeline), None) => faults(&case, &timeline),
            (Ok(_), Some(_)) => vec!["expected a refusal".to_owned()],
            (Err(refused), None) => vec![format!("refused: {:?}", refused.refusal)],
            (Err(refused), Some(expected)) => {
                let got = (refused.index, refused.refusal.state.map(|state| state.name()));
                let wanted = (expected.event, expected.state.as_deref());
                if got == wanted {
                    Vec::new()
                } else {
                    vec![format!("expected {wanted:?} to be refused, got {got:?}")]
                }
            }
        };
        all.extend(found.into_iter().map(|fault| format!("{}: {fault}", case.name)));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_pack_is_large_and_its_names_are_its_own() {
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 80, "{}", cases.len());
    assert!(
        cases
            .iter()
            .all(|case| { !case.expect.is_empty() || case.kinds.is_some() || case.impossible.is_some() })
    );
}

#[test]
fn the_pack_shows_every_status_state_bound_and_flag_it_can() {
    let cases = cases();
    let mut shown_values: BTreeSet<String> = BTreeSet::new();
    for case in &cases {
        shown_values.extend(case.state.clone());
        shown_values.extend(case.flags.clone().unwrap_or_default());
        for clock in &case.expect {
            for field in ["kind", "status", "bound"] {
                shown_values.extend(clock.get(field).and_then(Value::as_str).map(str::to_owned));
            }
        }
    }
    // Of the flags, returned and declined advice and, of the states, closed and void are beyond the
    // calculator's events.
    for value in [
        "running",
        "overdue",
        "met",
        "late",
        "cancelled",
        "no_later_than",
        "no_earlier_than",
        "assess_decision",
        "advice",
        "plan_decision",
        "no_plan_notice",
        "draft_representations",
        "setting_reply",
        "final_plan",
        "considering_request",
        "assessing",
        "assessment_refused",
        "drafting",
        "draft_served",
        "plan_issued",
        "plan_refused",
        "withdrawn",
        "moved_out",
        "advice_late",
        "advice_missing",
        "advice_after_plan",
        "clock_overdue",
        "due_soon",
        "exception_claimed",
        "draft_window_cut_short",
        "review_due",
        "review_notice",
        "review_papers",
        "review_report",
        "review_decision",
        "amendment_notice",
        "amendment_representations",
        "amended_plan",
        "phase_transfer_plan",
        "in_period",
        "meeting_arranged",
        "meeting_held",
        "amending",
        "amendment_proposed",
        "maintained",
        "amended",
        "amendment_abandoned",
        "cease_decided",
        "early_years_review",
        "cease_hold",
        "direct_payments_review",
        "draft",
        "in_force",
        "cease_notified",
        "ceased",
        "draft_withdrawn",
    ] {
        assert!(shown_values.contains(value), "the pack does not show {value}");
    }
}
