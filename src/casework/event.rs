//! Events: what happened on a date, in the shape the engine folds.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::advice::AdviceFact;
use super::procedure::{EventRow, EventType, MadeBy, OwnFact, Permitted, ProcedureFact};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::LegalDate;

impl EventType {
    /// The case was closed while the procedure was open, or advice was still owed to it.
    pub const CASE_CLOSED: EventType = EventType::of(&EventRow {
        name: "case_closed",
        rank: 14,
        required: &[],
        permitted: Permitted::UntilClosed,
        leads_on: false,
        is_internal: false,
        made_by: MadeBy::Anybody,
    });
    /// Corrections act on what is known and are never folded.
    pub const CORRECTION: EventType = EventType::of(&EventRow {
        name: "correction",
        rank: 15,
        required: &[],
        permitted: Permitted::Never,
        // What it corrects may have led on.
        leads_on: true,
        // What it changes is told; its reason is not.
        is_internal: true,
        made_by: MadeBy::Anybody,
    });
}

/// The legal dates an event may have beside the day of the act, each defaulting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LegalDates {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_on: Option<NaiveDate>,
}

/// What an event says happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Something that only its own procedure has.
    Own(OwnFact),
    Advice(AdviceFact),
    /// The case was closed while the procedure was open.
    CaseClosed(ClosureReason),
}

/// Why a case was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosureReason {
    Died,
    LeftEngland,
    AgedOut,
    OpenedInError,
    Other,
}

impl ClosureReason {
    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            ClosureReason::Died => "died",
            ClosureReason::LeftEngland => "left_england",
            ClosureReason::AgedOut => "aged_out",
            ClosureReason::OpenedInError => "opened_in_error",
            ClosureReason::Other => "other",
        }
    }
}

impl Fact {
    /// A fact of one procedure's own.
    pub fn own<F: ProcedureFact>(fact: F) -> Fact {
        Fact::Own(OwnFact::new(fact))
    }

    pub fn event_type(&self) -> EventType {
        match self {
            Fact::Own(fact) => fact.event_type(),
            Fact::Advice(fact) => fact.event_type(),
            Fact::CaseClosed(_) => EventType::CASE_CLOSED,
        }
    }

    /// What happened, as a clause that a day can follow: `the final plan was sent`. What an act on advice is about
    /// is said by its request.
    pub fn in_words(&self, requirement: Option<Requirement>) -> String {
        match self {
            Fact::Own(fact) => fact.in_words(),
            Fact::Advice(fact) => fact.in_words(requirement),
            Fact::CaseClosed(_) => "the case was closed".to_owned(),
        }
    }

    /// Whether it is one that a procedure begins with.
    pub fn is_opening(&self) -> bool {
        self.event_type().opens()
    }
}

/// An effective event: recorded, and not superseded by what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: Uuid,
    /// The event that first recorded the fact, through all its corrections; its own id if none.
    pub root_id: Uuid,
    /// Where the first record of the fact stands in the stream: what decides between events of one
    /// day and rank, before and after corrections alike.
    pub sequence: i64,
    pub occurred_on: NaiveDate,
    pub dates: LegalDates,
    pub fact: Fact,
    /// Being recorded now: judged on more than whether it fits, since its sender can still answer.
    pub fresh: bool,
}

impl Event {
    /// One of the event's dates; the day of the act where it was not given.
    pub fn dated(&self, by: LegalDate) -> NaiveDate {
        let given = match by {
            LegalDate::Occurred => None,
            LegalDate::Sent => self.dates.sent_on,
            LegalDate::Served => self.dates.served_on,
            LegalDate::Received => self.dates.received_on,
        };
        given.unwrap_or(self.occurred_on)
    }
}
