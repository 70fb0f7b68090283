//! The engine: folds the effective events of one procedure into state, clocks, advice and flags.
//!
//! Every procedure goes through [`fold`]; what differs is the function that applies one event. The
//! result for a day is the fold of the events up to that day, and nothing else.

use chrono::NaiveDate;
use uuid::Uuid;

use super::advice::{AdviceBook, AdviceFor, AdviceRequest, ExistingAdvice};
use super::child::ChildFacts;
use super::event::{Event, Fact, LegalDates};
use super::flag::{self, Flag, FlagLog};
use super::place::SettingConsultation;
use super::procedure::{EventType, OwnFact, Procedure, ProcedureFact, ProcedureKind, State, permits};
use crate::statute::clock::{Clock, Clocks, Occurrence, Owed};
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Mark;

/// What the engine is told beside the events.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub procedure_id: Uuid,
    pub readings: &'a Readings,
    /// Unknown in the calculator, which then requires no advice of its own accord.
    pub child: Option<&'a ChildFacts>,
}

/// What a procedure's events amount to.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub state: State,
    pub opened_on: NaiveDate,
    /// By due date and id.
    pub clocks: Vec<Clock>,
    /// Raised by events and claims; those raised by the day come from [`Timeline::flags_on`].
    pub flags: Vec<Flag>,
    pub advice: AdviceStanding,
    /// The settings that were consulted on being named in the plan, in the order they were.
    pub consultations: Vec<SettingConsultation>,
    /// What it makes happen on other procedures of the case.
    pub consequences: Vec<Consequence>,
}

/// Something that happens on another procedure of the case because of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// The event, through all its corrections.
    pub cause_id: Uuid,
    /// The procedure it happens on, which is opened if there is none.
    pub kind: &'static ProcedureKind,
    pub fact: OwnFact,
    pub occurred_on: NaiveDate,
    pub dates: LegalDates,
}

/// The advice of a procedure.
#[derive(Debug, Clone)]
pub struct AdviceStanding {
    pub requests: Vec<AdviceRequest>,
    pub existing: Vec<ExistingAdvice>,
    /// The day on which it was decided to seek advice, once it was.
    pub sought_on: Option<NaiveDate>,
    /// The day a plan was decided or sent, while that stands.
    pub plan_on: Option<NaiveDate>,
    /// The day by which it has to be there, where that is not a time limit of each request's own.
    pub needed_by_on: Option<NaiveDate>,
    /// The procedure stands still or is over without a plan: nobody has to act on its advice.
    pub is_stopped: bool,
}

impl Timeline {
    /// Every flag that is up on a day, by code and since when.
    ///
    /// Whose move it is, is told as of the last event folded: read a past day from the fold of
    /// what had happened by then.
    pub fn flags_on(&self, as_of: NaiveDate, due_soon_days: u32) -> Vec<Flag> {
        let is_up =
            |flag: &&Flag| flag.since_on <= as_of && flag.until_on.is_none_or(|until_on| as_of < until_on);
        let mut flags: Vec<Flag> = self.flags.iter().filter(is_up).copied().collect();
        flags.extend(flag::of_clocks(&self.clocks, as_of, due_soon_days));
        flags.sort();
        // Two claims made on one clock on one day are one flag.
        flags.dedup();
        flags
    }
}

/// Why an event cannot stand where it would have to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its type does not fit the state.
    NotPermitted,
    /// The first event of a procedure has to open it.
    NotAnOpening,
    /// The final plan goes out before the family's window has run, or without required advice, and
    /// the event does not say that its sender knows.
    PlanNotReady {
        window_ends_on: Option<NaiveDate>,
        outstanding: Vec<Requirement>,
    },
    /// A consultation of this id has been recorded already.
    ConsultationRepeated,
    /// No consultation of this id is waiting for a reply.
    ConsultationUnknown,
    /// An appeal against ceasing the plan can still be made, or is not determined.
    AppealStillPossible { kept_until_on: NaiveDate },
    /// The act does not fit the state of its advice request.
    AdviceActNotPermitted {
        request_state: Option<super::advice::AdviceState>,
    },
}

/// An event that cannot stand, the state it met, and what could stand instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub event_id: Uuid,
    pub event_type: EventType,
    pub occurred_on: NaiveDate,
    /// The state on the event's day; none before the opening.
    pub state: Option<State>,
    pub reason: Reason,
}

/// What a fold carries from event to event.
#[derive(Debug)]
pub struct Ledger<'a> {
    pub child: Option<&'a ChildFacts>,
    /// What the procedure seeks advice for, where it does.
    pub advice_for: Option<AdviceFor>,
    pub clocks: Clocks<'a>,
    pub advice: AdviceBook,
    pub flags: FlagLog,
    pub consultations: Vec<SettingConsultation>,
    consequences: Vec<Consequence>,
}

impl Ledger<'_> {
    /// Makes something happen on another procedure of the case.
    pub fn leads_to<F: ProcedureFact>(
        &mut self,
        kind: &'static ProcedureKind,
        fact: F,
        event: &Event,
        occurred_on: NaiveDate,
    ) {
        self.consequences.push(Consequence {
            cause_id: event.root_id,
            kind,
            fact: OwnFact::new(fact),
            occurred_on,
            dates: LegalDates::default(),
        });
    }

    /// The same for what happens on the day of the act, and was sent to the last on another.
    pub fn leads_to_sending<F: ProcedureFact>(
        &mut self,
        kind: &'static ProcedureKind,
        fact: F,
        event: &Event,
        sent_on: NaiveDate,
    ) {
        self.leads_to(kind, fact, event, event.occurred_on);
        if let Some(sending) = self.consequences.last_mut() {
            sending.dates.sent_on = Some(sent_on).filter(|sent_on| *sent_on != event.occurred_on);
        }
    }

    /// Nothing is owed any more, and nobody has to act.
    pub fn end(&mut self, event: &Event) {
        self.mark(Mark::ProcedureEnded, event);
        self.stop_advice(event);
        self.flags.lower_waiting(event.occurred_on);
        self.wait_for_no_place();
    }

    /// Reports a mark that an event makes, dated as the rulebook says.
    pub fn mark(&mut self, mark: Mark, event: &Event) {
        self.mark_about(mark, event, None, None);
    }

    /// Reports a mark about one advice request or consultation.
    pub fn mark_about(&mut self, mark: Mark, event: &Event, subject: Option<Uuid>, owed: Option<Owed>) {
        self.mark_dated(mark, event, event.dated(mark.dated_by()), subject, owed);
    }

    /// Reports a mark about a day that the event names, such as that of a meeting arranged.
    pub fn mark_naming(&mut self, mark: Mark, event: &Event, named_on: NaiveDate, owed: Option<Owed>) {
        self.clocks.hear(Occurrence {
            mark,
            on: event.dated(mark.dated_by()),
            named_on: Some(named_on),
            occurred_on: event.occurred_on,
            root_event_id: event.root_id,
            subject: None,
            owed,
        });
    }

    /// Reports a mark whose legal date is a fact of its own.
    pub fn mark_dated(
        &mut self,
        mark: Mark,
        event: &Event,
        on: NaiveDate,
        subject: Option<Uuid>,
        owed: Option<Owed>,
    ) {
        self.clocks.hear(Occurrence {
            mark,
            on,
            named_on: None,
            occurred_on: event.occurred_on,
            root_event_id: event.root_id,
            subject,
            owed,
        });
    }
}

/// Puts effective events in the order of the fold: by day, by rank of the type, by sequence.
pub fn sort_events(events: &mut [Event]) {
    events.sort_by_key(|event| (event.occurred_on, event.fact.event_type().rank(), event.sequence));
}

/// Folds sorted effective events; none if there are none.
///
/// For a day in the past, give the events up to that day. Refuses at the first event that cannot
/// stand where it is.
pub fn fold(
    kind: &ProcedureKind,
    events: &[Event],
    setting: Setting<'_>,
) -> Result<Option<Timeline>, Refusal> {
    (kind.fold)(events, setting)
}

/// Folds what had happened by a day.
pub fn fold_until(
    kind: &ProcedureKind,
    sorted_events: &[Event],
    as_of: NaiveDate,
    setting: Setting<'_>,
) -> Result<Option<Timeline>, Refusal> {
    let happened = sorted_events.partition_point(|event| event.occurred_on <= as_of);
    fold(kind, &sorted_events[..happened], setting)
}

/// [`fold`] in the types of one procedure.
pub(super) fn fold_as<P: Procedure>(
    events: &[Event],
    setting: Setting<'_>,
) -> Result<Option<Timeline>, Refusal> {
    let mut ledger = Ledger {
        child: setting.child,
        advice_for: P::ADVICE_FOR,
        clocks: Clocks::under(P::RULES, setting.readings, setting.procedure_id),
        advice: AdviceBook::default(),
        flags: FlagLog::default(),
        consultations: Vec::new(),
        consequences: Vec::new(),
    };
    let mut state: Option<P::State> = None;
    for event in events {
        let next = apply::<P>(state, event, &mut ledger).map_err(|reason| Refusal {
            event_id: event.id,
            event_type: event.fact.event_type(),
            occurred_on: event.occurred_on,
            state: state.map(Into::into),
            reason,
        })?;
        state = Some(next);
    }
    let (Some(state), Some(first)) = (state, events.first()) else {
        return Ok(None);
    };
    let clocks = ledger.clocks.finish();
    let mut flags = ledger.flags.finish();
    flags.extend(flag::of_claims(&clocks));
    Ok(Some(Timeline {
        state: state.into(),
        opened_on: first.occurred_on,
        clocks,
        flags,
        advice: ledger.advice.finish(),
        consultations: ledger.consultations,
        consequences: ledger.consequences,
    }))
}

/// Applies one event to a state: what all procedures have in common here, the rest in their own files.
fn apply<P: Procedure>(
    state: Option<P::State>,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<P::State, Reason> {
    let told: Option<State> = state.map(Into::into);
    let event_type = event.fact.event_type();
    if !permits(P::ADVICE_SOUGHT_IN, P::ADVICE_TAKEN_IN, told, event_type) {
        return Err(if state.is_none() {
            Reason::NotAnOpening
        } else {
            Reason::NotPermitted
        });
    }
    match &event.fact {
        Fact::Own(own) => match own.of::<P::Fact>() {
            Some(fact) => P::apply(state, fact, event, ledger),
            None => Err(Reason::NotPermitted),
        },
        Fact::Advice(fact) => {
            ledger.apply_advice(fact, event)?;
            state.ok_or(Reason::NotAnOpening)
        }
        Fact::CaseClosed(_) => {
            ledger.end(event);
            // It also ends the advice still owed to a procedure that is over.
            let over = state.filter(|_| told.is_some_and(|told| !told.is_open()));
            Ok(over.unwrap_or(P::CLOSED))
        }
    }
}
