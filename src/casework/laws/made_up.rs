//! A procedure that no law knows, with two clocks: all that the engine, the calculator and the index need
//! to be told of it stands in this file. Its rows take their kinds and marks from the rulebook.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};

use super::story::{id, on};
use crate::casework::event::{Event, Fact, LegalDates};
use crate::casework::history::{Change, Correction, Entry, EntryBody, effective};
use crate::casework::procedure::{
    EventRow, EventType, OwnFact, Procedure, ProcedureFact, ProcedureKind, State, States,
};
use crate::casework::timeline::{Ledger, Reason, Setting, Timeline, fold, fold_until, sort_events};
use crate::service::timeline::{GivenEvent, GivenFact, TimelineQuestion, compute_timeline};
use crate::statute::clock::ClockStatus;
use crate::statute::counting::Counting;
use crate::statute::explanation::explain;
use crate::statute::reading::Readings;
use crate::statute::rulebook::{
    Bound, ClockKind, Confidence, CountedFrom, Force, Mark, Party, Provision, Rule,
};
use crate::store::clock::{IndexKey, index_of};

/// Where a loan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loan {
    Asked,
    Lent,
    Returned,
    Closed,
    Void,
}

impl Loan {
    const fn told(self) -> State {
        let name = match self {
            Loan::Asked => "asked",
            Loan::Lent => "lent",
            Loan::Returned => "returned",
            Loan::Closed => "closed",
            Loan::Void => "void",
        };
        State::new(name, matches!(self, Loan::Asked | Loan::Lent), self as u8)
    }
}

impl From<Loan> for State {
    fn from(loan: Loan) -> State {
        loan.told()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum LoanFact {
    BookAskedFor { title: String },
    LoanMade {},
    BookReturned { damaged: bool },
}

const ASKED_FOR: EventType = EventType::of(&EventRow::own(
    "book_asked_for",
    0,
    &["title"],
    States::BEFORE_OPENING,
));
const LENT: EventType = EventType::of(&EventRow::own(
    "loan_made",
    1,
    &[],
    States::NONE.with(Loan::Asked as u8),
));
const RETURNED: EventType = EventType::of(&EventRow::own(
    "book_returned",
    2,
    &["damaged"],
    States::NONE.with(Loan::Lent as u8),
));

impl ProcedureFact for LoanFact {
    fn event_type(&self) -> EventType {
        match self {
            LoanFact::BookAskedFor { .. } => ASKED_FOR,
            LoanFact::LoanMade {} => LENT,
            LoanFact::BookReturned { .. } => RETURNED,
        }
    }

    fn in_words(&self) -> String {
        let words = match self {
            LoanFact::BookAskedFor { .. } => "a book was asked for",
            LoanFact::LoanMade {} => "the book was lent",
            LoanFact::BookReturned { .. } => "the book was returned",
        };
        words.to_owned()
    }
}

const fn rule(
    kind: ClockKind,
    counting: Counting,
    starts: &'static [Mark],
    satisfied_by: &'static [Mark],
) -> Rule {
    Rule {
        kind,
        title: "Do what is due",
        bearer: Party::Other,
        force: Force::Guidance,
        bound: Bound::NoLaterThan,
        counting,
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts,
        satisfied_by,
        cancelled_by: &[Mark::ProcedureEnded],
        reopened_by: &[],
        satisfied_when: "the day it was done",
        exceptions: &[],
        provision: Provision {
            instrument: "The rules of the library",
            reference: "rule 1",
            confidence: Confidence::Unconfirmed,
        },
        other_act: None,
        valid_from_on: NaiveDate::MIN,
        valid_to_on: None,
    }
}

static LOAN_RULES: [Rule; 2] = [
    rule(
        ClockKind::AssessDecision,
        Counting::WithinDays(3),
        &[Mark::RequestReceived],
        &[Mark::AssessDecisionNotified],
    ),
    rule(
        ClockKind::FinalPlan,
        Counting::WithinMonths(1),
        &[Mark::AssessDecisionNotified],
        &[Mark::FinalPlanSent],
    ),
];

static LOAN: ProcedureKind = ProcedureKind::of::<Library>();

struct Library;

impl Procedure for Library {
    const NAME: &'static str = "loan";
    type State = Loan;
    type Fact = LoanFact;
    const STATES: &'static [State] = &[
        Loan::Asked.told(),
        Loan::Lent.told(),
        Loan::Returned.told(),
        Loan::Closed.told(),
        Loan::Void.told(),
    ];
    const EVENT_TYPES: &'static [EventType] = &[ASKED_FOR, LENT, RETURNED];
    const RULES: &'static [Rule] = &LOAN_RULES;
    const ADVICE_SOUGHT_IN: States = States::NONE;
    const ADVICE_TAKEN_IN: States = States::NONE;
    const OUTLASTS_IN: States = States::NONE;
    const CLOSED: Loan = Loan::Closed;

    fn apply(
        _: Option<Loan>,
        fact: &LoanFact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<Loan, Reason> {
        match fact {
            LoanFact::BookAskedFor { .. } => {
                ledger.mark(Mark::RequestReceived, event);
                Ok(Loan::Asked)
            }
            LoanFact::LoanMade {} => {
                ledger.mark(Mark::AssessDecisionNotified, event);
                Ok(Loan::Lent)
            }
            LoanFact::BookReturned { .. } => {
                ledger.mark(Mark::FinalPlanSent, event);
                Ok(Loan::Returned)
            }
        }
    }
}

fn asked_for() -> Fact {
    Fact::own(LoanFact::BookAskedFor {
        title: "Emil and the Detectives".to_owned(),
    })
}

fn lent() -> Fact {
    Fact::own(LoanFact::LoanMade {})
}

fn returned() -> Fact {
    Fact::own(LoanFact::BookReturned { damaged: false })
}

fn entries(facts: &[(&str, Fact)]) -> Vec<Entry> {
    let with_number = facts.iter().enumerate();
    with_number
        .map(|(at, (day, fact))| Entry {
            caused_by: None,
            id: id(&format!("entry {at}")),
            root_id: id(&format!("entry {at}")),
            sequence: at as i64 + 1,
            occurred_on: on(day),
            dates: LegalDates::default(),
            body: EntryBody::Fact(fact.clone()),
            recorded_at: DateTime::UNIX_EPOCH,
        })
        .collect()
}

fn events(entries: &[Entry]) -> Vec<Event> {
    let mut events = effective(entries, &HashSet::new());
    sort_events(&mut events);
    events
}

fn setting(readings: &Readings) -> Setting<'_> {
    Setting {
        procedure_id: id("loan"),
        readings,
        child: None,
    }
}

fn folded(entries: &[Entry]) -> Timeline {
    let readings = Readings::default();
    fold(&LOAN, &events(entries), setting(&readings))
        .unwrap()
        .unwrap()
}

#[test]
fn it_has_its_own_states_clocks_and_refusals() {
    let recorded = entries(&[("2026-01-05", asked_for()), ("2026-01-09", lent())]);
    let timeline = folded(&recorded);
    assert_eq!(timeline.state, Loan::Lent.into());
    let told: Vec<_> = timeline
        .clocks
        .iter()
        .map(|clock| {
            (
                clock.rule.kind,
                clock.due_on,
                clock.standing_on(on("2026-02-10")).unwrap().status,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ClockKind::AssessDecision, on("2026-01-08"), ClockStatus::Late),
            (ClockKind::FinalPlan, on("2026-02-09"), ClockStatus::Overdue),
        ]
    );
    assert!(
        explain(&timeline.clocks[1], on("2026-02-10"))
            .join(" ")
            .contains("The rules of the library rule 1")
    );
    let readings = Readings::default();
    let before = fold_until(&LOAN, &events(&recorded), on("2026-01-08"), setting(&readings)).unwrap();
    assert_eq!(before.unwrap().state, Loan::Asked.into());
    let impossible = entries(&[("2026-01-05", asked_for()), ("2026-01-09", returned())]);
    let refusal = fold(&LOAN, &events(&impossible), setting(&readings)).unwrap_err();
    assert_eq!(
        (refusal.state, refusal.reason),
        (Some(Loan::Asked.into()), Reason::NotPermitted)
    );
    assert_eq!(LOAN.permitted_types(refusal.state), [LENT]);
    assert_eq!(LOAN.permitted_types(None), [ASKED_FOR]);
}

#[test]
fn it_is_corrected_closed_kept_and_indexed_like_any_other() {
    let mut recorded = entries(&[("2026-01-05", asked_for()), ("2026-01-09", lent())]);
    let mut correction = recorded[1].clone();
    (correction.id, correction.root_id, correction.sequence) = (id("correction"), id("correction"), 3);
    correction.body = EntryBody::Correction(Correction {
        reason: "It was lent at once.".to_owned(),
        changes: vec![Change {
            supersedes: recorded[1].id,
            replaced_by: Some(id("replacement")),
        }],
    });
    let mut replacement = recorded[1].clone();
    (replacement.id, replacement.sequence, replacement.occurred_on) =
        (id("replacement"), 4, on("2026-01-06"));
    recorded.extend([correction, replacement]);
    let before = folded(&recorded[..2]);
    let after = folded(&recorded);
    let decided = |timeline: &Timeline| timeline.clocks[0].standing_on(on("2026-02-01")).unwrap().status;
    assert_eq!(
        (decided(&before), decided(&after)),
        (ClockStatus::Late, ClockStatus::Met)
    );
    assert_eq!(
        before.clocks[1].id, after.clocks[1].id,
        "a corrected start is the same clock"
    );

    let EntryBody::Fact(Fact::Own(fact)) = &recorded[0].body else {
        panic!("it is its own");
    };
    let dates = LegalDates {
        sent_on: Some(on("2026-01-04")),
        ..LegalDates::default()
    };
    let kept = fact.to_kept(dates, None).unwrap();
    let read = LOAN.read(&kept).unwrap();
    assert_eq!((read.dates, read.fact), (dates, fact.clone()));

    let key = IndexKey {
        la_code: "885".to_owned(),
        case_id: id("case").to_string(),
        caseworker: None,
        procedure_id: id("loan").to_string(),
    };
    assert_eq!(index_of(&key, Some(&after)).unwrap().clocks.len(), 2);

    let closing = Fact::CaseClosed(crate::casework::event::ClosureReason::Other);
    let closed = folded(&entries(&[("2026-01-05", asked_for()), ("2026-01-20", closing)]));
    assert_eq!(closed.state, Loan::Closed.into());
    assert_eq!(
        closed.clocks[0].standing_on(on("2026-02-01")).unwrap().status,
        ClockStatus::Cancelled
    );
}

#[test]
fn the_calculator_answers_for_it() {
    let given = |day: &str, fact: LoanFact| GivenEvent {
        occurred_on: on(day),
        dates: LegalDates::default(),
        note: None,
        fact: GivenFact::Own(OwnFact::new(fact)),
    };
    let title = "Emil and the Detectives".to_owned();
    let question = TimelineQuestion {
        procedure: &LOAN,
        events: vec![
            given("2026-01-09", LoanFact::LoanMade {}),
            given("2026-01-05", LoanFact::BookAskedFor { title }),
        ],
        as_of: on("2026-01-20"),
        readings: Readings::default(),
    };
    let timeline = compute_timeline(&question).unwrap().unwrap();
    assert_eq!(timeline.state, Loan::Lent.into());
    assert_eq!(timeline.clocks.len(), 2);
}
