//! Events: what happened on a date, in the shape the engine folds.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::advice::AdviceFact;
use super::assessment::{self, AssessmentFact};
use crate::statute::rulebook::LegalDate;

/// Every type of event, of every procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    RequestReceived,
    BecameResponsible,
    FurtherRequestReceived,
    AssessDecisionNotified,
    PlanDecisionNotified,
    DraftPlanServed,
    RepresentationsReceived,
    SettingConsulted,
    SettingReplied,
    FinalPlanSent,
    AssessmentWithdrawn,
    MovedOut,
    AssessmentResumed,
    ExceptionClaimed,
    AdviceRequested,
    AdviceAcknowledged,
    AdviceSubmitted,
    AdviceReturned,
    AdviceAccepted,
    AdviceDeclined,
    AdviceRedirected,
    AdviceWithdrawn,
    AdviceAppointment,
    AdviceExceptionClaimed,
    ExistingAdviceAgreed,
    CaseClosed,
    Correction,
}

impl EventType {
    pub const ALL: [EventType; 27] = [
        EventType::RequestReceived,
        EventType::BecameResponsible,
        EventType::FurtherRequestReceived,
        EventType::AssessDecisionNotified,
        EventType::PlanDecisionNotified,
        EventType::DraftPlanServed,
        EventType::RepresentationsReceived,
        EventType::SettingConsulted,
        EventType::SettingReplied,
        EventType::FinalPlanSent,
        EventType::AssessmentWithdrawn,
        EventType::MovedOut,
        EventType::AssessmentResumed,
        EventType::ExceptionClaimed,
        EventType::AdviceRequested,
        EventType::AdviceAcknowledged,
        EventType::AdviceSubmitted,
        EventType::AdviceReturned,
        EventType::AdviceAccepted,
        EventType::AdviceDeclined,
        EventType::AdviceRedirected,
        EventType::AdviceWithdrawn,
        EventType::AdviceAppointment,
        EventType::AdviceExceptionClaimed,
        EventType::ExistingAdviceAgreed,
        EventType::CaseClosed,
        EventType::Correction,
    ];

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            EventType::RequestReceived => "request_received",
            EventType::BecameResponsible => "became_responsible",
            EventType::FurtherRequestReceived => "further_request_received",
            EventType::AssessDecisionNotified => "assess_decision_notified",
            EventType::PlanDecisionNotified => "plan_decision_notified",
            EventType::DraftPlanServed => "draft_plan_served",
            EventType::RepresentationsReceived => "representations_received",
            EventType::SettingConsulted => "setting_consulted",
            EventType::SettingReplied => "setting_replied",
            EventType::FinalPlanSent => "final_plan_sent",
            EventType::AssessmentWithdrawn => "assessment_withdrawn",
            EventType::MovedOut => "moved_out",
            EventType::AssessmentResumed => "assessment_resumed",
            EventType::ExceptionClaimed => "exception_claimed",
            EventType::AdviceRequested => "advice_requested",
            EventType::AdviceAcknowledged => "advice_acknowledged",
            EventType::AdviceSubmitted => "advice_submitted",
            EventType::AdviceReturned => "advice_returned",
            EventType::AdviceAccepted => "advice_accepted",
            EventType::AdviceDeclined => "advice_declined",
            EventType::AdviceRedirected => "advice_redirected",
            EventType::AdviceWithdrawn => "advice_withdrawn",
            EventType::AdviceAppointment => "advice_appointment",
            EventType::AdviceExceptionClaimed => "advice_exception_claimed",
            EventType::ExistingAdviceAgreed => "existing_advice_agreed",
            EventType::CaseClosed => "case_closed",
            EventType::Correction => "correction",
        }
    }

    /// The type of a stored or given name.
    pub fn named(name: &str) -> Option<EventType> {
        EventType::ALL
            .into_iter()
            .find(|event_type| event_type.name() == name)
    }
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
    Assessment(AssessmentFact),
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
    pub fn event_type(&self) -> EventType {
        match self {
            Fact::Assessment(fact) => fact.event_type(),
            Fact::Advice(fact) => fact.event_type(),
            Fact::CaseClosed(_) => EventType::CaseClosed,
        }
    }

    /// Whether it is one that a procedure begins with.
    pub fn is_opening(&self) -> bool {
        match self {
            Fact::Assessment(fact) => assessment::permitted(None, fact.event_type()),
            Fact::Advice(_) | Fact::CaseClosed(_) => false,
        }
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
