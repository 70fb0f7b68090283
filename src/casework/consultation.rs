//! A consultation received from a neighbouring authority, which wants to name a setting of this area in a plan
//! of its own (CFA 2014 ss.39 and 40): its events, states and transitions.
//!
//! Several may be open on a case at once, one for each setting. What a fact does to clocks is the rulebook's
//! business: this file only reports marks. `place` holds the consultations that go out from here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::claim::ExceptionClaimed;
use super::event::Event;
use super::place::SettingAnswer;
use super::procedure::{EventRow, EventType, Procedure, ProcedureFact, ProcedureKind, State, States};
use super::timeline::{Ledger, Reason};
use crate::statute::rulebook::{CONSULTATION_RULES, Mark, Rule};

/// Where a consultation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsultationState {
    /// It was received; no answer was sent.
    Received,
    /// The answer was sent.
    Answered,
    /// The neighbouring authority no longer asks.
    Withdrawn,
    /// The case was closed while no answer was sent.
    Closed,
    /// Opened in error: its first event was voided.
    Void,
}

impl ConsultationState {
    pub const ALL: [ConsultationState; 5] = [
        ConsultationState::Received,
        ConsultationState::Answered,
        ConsultationState::Withdrawn,
        ConsultationState::Closed,
        ConsultationState::Void,
    ];

    /// The name used in the API and in stores.
    pub const fn name(self) -> &'static str {
        match self {
            ConsultationState::Received => "received",
            ConsultationState::Answered => "answered",
            ConsultationState::Withdrawn => "withdrawn",
            ConsultationState::Closed => "closed",
            ConsultationState::Void => "void",
        }
    }

    /// Whether an answer is still awaited.
    pub const fn is_open(self) -> bool {
        match self {
            ConsultationState::Received => true,
            ConsultationState::Answered
            | ConsultationState::Withdrawn
            | ConsultationState::Closed
            | ConsultationState::Void => false,
        }
    }

    /// The state as the rest of the program knows it.
    const fn told(self) -> State {
        State::new(self.name(), self.is_open(), self as u8).beside_another()
    }
}

impl From<ConsultationState> for State {
    fn from(state: ConsultationState) -> State {
        state.told()
    }
}

/// A neighbouring authority consults on naming a setting of this area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsultationReceived {
    /// The code of that authority.
    #[schema(pattern = "^[0-9]{3}$", example = "884")]
    pub from_la: String,
    /// The setting it wants to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
}

/// The answer was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsultationAnswered {
    /// The answer.
    pub answer: SettingAnswer,
    /// Why need cannot be met; required with that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub ground: Option<String>,
}

/// The neighbouring authority no longer asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsultationWithdrawn {}

/// What happened in a consultation received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ConsultationFact {
    /// A neighbouring authority consults on naming a setting of this area.
    ConsultationReceived(ConsultationReceived),
    /// The answer was sent.
    ConsultationAnswered(ConsultationAnswered),
    /// The neighbouring authority no longer asks.
    ConsultationWithdrawn(ConsultationWithdrawn),
    /// An exception to a time limit was claimed.
    ExceptionClaimed(ExceptionClaimed),
}

impl ProcedureFact for ConsultationFact {
    fn event_type(&self) -> EventType {
        match self {
            ConsultationFact::ConsultationReceived(_) => CONSULTATION_RECEIVED,
            ConsultationFact::ConsultationAnswered(_) => CONSULTATION_ANSWERED,
            ConsultationFact::ConsultationWithdrawn(_) => CONSULTATION_WITHDRAWN,
            ConsultationFact::ExceptionClaimed(_) => EXCEPTION_CLAIMED,
        }
    }

    fn in_words(&self) -> String {
        let words = match self {
            ConsultationFact::ConsultationReceived(_) => {
                "a neighbouring authority asked about naming a setting of this area"
            }
            ConsultationFact::ConsultationAnswered(_) => "the neighbouring authority was answered",
            ConsultationFact::ConsultationWithdrawn(_) => "the neighbouring authority no longer asked",
            ConsultationFact::ExceptionClaimed(_) => ExceptionClaimed::IN_WORDS,
        };
        words.to_owned()
    }

    fn organisations(&self) -> Vec<(String, Uuid)> {
        match self {
            ConsultationFact::ConsultationReceived(received) => {
                let named = received.organisation_id.into_iter();
                named
                    .map(|organisation_id| ("organisation_id".to_owned(), organisation_id))
                    .collect()
            }
            ConsultationFact::ConsultationAnswered(_)
            | ConsultationFact::ConsultationWithdrawn(_)
            | ConsultationFact::ExceptionClaimed(_) => Vec::new(),
        }
    }
}

const OPEN: States = States::NONE.with(ConsultationState::Received as u8);

/// The table of events: the name, the rank among the events of a day, the required fields, and where
/// they may happen.
const CONSULTATION_RECEIVED: EventType = EventType::of(
    &EventRow::own("consultation_received", 0, &["from_la"], States::BEFORE_OPENING).internal(),
);
const CONSULTATION_ANSWERED: EventType =
    EventType::of(&EventRow::own("consultation_answered", 11, &["answer"], OPEN).internal());
const CONSULTATION_WITHDRAWN: EventType =
    EventType::of(&EventRow::own("consultation_withdrawn", 12, &[], OPEN).internal());
const EXCEPTION_CLAIMED: EventType = EventType::of(
    &EventRow::own("exception_claimed", 10, &["ground", "from", "to", "clocks"], OPEN).internal(),
);

/// The consultation received, among the procedures.
pub static CONSULTATION: ProcedureKind = ProcedureKind::of::<Consultation>();

/// A consultation received from a neighbouring authority.
pub struct Consultation;

impl Procedure for Consultation {
    const NAME: &'static str = "consultation";
    type State = ConsultationState;
    type Fact = ConsultationFact;
    const STATES: &'static [State] = &told();
    const EVENT_TYPES: &'static [EventType] = &[
        CONSULTATION_RECEIVED,
        CONSULTATION_ANSWERED,
        CONSULTATION_WITHDRAWN,
        EXCEPTION_CLAIMED,
    ];
    const RULES: &'static [Rule] = CONSULTATION_RULES;
    // The authority that makes the plan seeks the advice.
    const ADVICE_SOUGHT_IN: States = States::NONE;
    const ADVICE_TAKEN_IN: States = States::NONE;
    const OUTLASTS_IN: States = States::NONE;
    const CLOSED: ConsultationState = ConsultationState::Closed;

    fn apply(
        state: Option<ConsultationState>,
        fact: &ConsultationFact,
        event: &Event,
        ledger: &mut Ledger<'_>,
    ) -> Result<ConsultationState, Reason> {
        match fact {
            ConsultationFact::ConsultationReceived(_) => {
                ledger.mark(Mark::ConsultationReceived, event);
                Ok(ConsultationState::Received)
            }
            ConsultationFact::ConsultationAnswered(_) => {
                ledger.mark(Mark::ConsultationAnswered, event);
                Ok(ConsultationState::Answered)
            }
            ConsultationFact::ConsultationWithdrawn(_) => {
                ledger.end(event);
                Ok(ConsultationState::Withdrawn)
            }
            ConsultationFact::ExceptionClaimed(claimed) => {
                ledger.clocks.claim(claimed.claim(event));
                state.ok_or(Reason::NotAnOpening)
            }
        }
    }
}

const fn told() -> [State; ConsultationState::ALL.len()] {
    let mut states = [ConsultationState::ALL[0].told(); ConsultationState::ALL.len()];
    let mut next = 0;
    while next < states.len() {
        states[next] = ConsultationState::ALL[next].told();
        next += 1;
    }
    states
}
