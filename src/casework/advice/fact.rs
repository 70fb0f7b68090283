//! What can happen to a request for advice, in the words that stores keep.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::casework::procedure::{EventRow, EventType, MadeBy, Permitted};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{Force, Ground, Party};

impl EventType {
    pub const ADVICE_REQUESTED: EventType =
        EventType::of(&act("advice_requested", Permitted::WhereAdviceIsSought));
    pub const ADVICE_ACKNOWLEDGED: EventType =
        EventType::of(&act("advice_acknowledged", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_SUBMITTED: EventType =
        EventType::of(&act("advice_submitted", Permitted::WhereAdviceIsTaken));
    pub const ADVICE_RETURNED: EventType =
        EventType::of(&act("advice_returned", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_ACCEPTED: EventType =
        EventType::of(&act("advice_accepted", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_DECLINED: EventType =
        EventType::of(&act("advice_declined", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_REDIRECTED: EventType =
        EventType::of(&act("advice_redirected", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_WITHDRAWN: EventType =
        EventType::of(&act("advice_withdrawn", Permitted::WhereAdviceIsSought).internal());
    pub const ADVICE_APPOINTMENT: EventType =
        EventType::of(&act("advice_appointment", Permitted::WhereAdviceIsSought));
    pub const ADVICE_EXCEPTION_CLAIMED: EventType =
        EventType::of(&act("advice_exception_claimed", Permitted::WhereAdviceIsSought).internal());
    pub const EXISTING_ADVICE_AGREED: EventType =
        EventType::of(&act("existing_advice_agreed", Permitted::WhereAdviceIsSought));
}

const fn act(name: &'static str, permitted: Permitted) -> EventRow {
    EventRow {
        name,
        rank: 4,
        required: &[],
        permitted,
        leads_on: false,
        is_internal: false,
        made_by: MadeBy::Anybody,
    }
}

/// What happened to a request for advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AdviceFact {
    AdviceRequested {
        request_id: Uuid,
        requirement: Requirement,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation_id: Option<Uuid>,
        bearer: Party,
        force: Force,
    },
    AdviceAcknowledged {
        request_id: Uuid,
    },
    AdviceSubmitted {
        request_id: Uuid,
    },
    AdviceReturned {
        request_id: Uuid,
        reasons: Vec<ReturnReason>,
        comment: String,
    },
    AdviceAccepted {
        request_id: Uuid,
    },
    AdviceDeclined {
        request_id: Uuid,
        ground: DeclinationGround,
        reasons: String,
    },
    AdviceRedirected {
        request_id: Uuid,
        organisation_id: Uuid,
        bearer: Party,
        force: Force,
    },
    AdviceWithdrawn {
        request_id: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    AdviceAppointment {
        request_id: Uuid,
        offered_on: NaiveDate,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held_on: Option<NaiveDate>,
        outcome: AppointmentOutcome,
    },
    AdviceExceptionClaimed {
        request_id: Uuid,
        ground: Ground,
        from: NaiveDate,
        to: NaiveDate,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        causal_link: Option<String>,
    },
    ExistingAdviceAgreed {
        requirement: Requirement,
        author: String,
        dated_on: NaiveDate,
        agreements: Agreements,
    },
}

/// Why advice was sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    Incomplete,
    Unclear,
    NotSpecific,
    OutOfDate,
    WrongChild,
    Unsigned,
    Other,
}

/// Why a body declines to give advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeclinationGround {
    /// Giving it would be incompatible with the body's own duties.
    IncompatibleWithDuties,
    /// Giving it would have an adverse effect on the body's functions.
    AdverseEffect,
    /// The service does not know the child or young person. The clock runs on.
    NotKnownToService,
    /// The service has no capacity. The clock runs on: shortage is no ground in law.
    NoCapacity,
    /// Another organisation should be asked. The clock runs on, for a redirection to keep its dates.
    WrongOrganisation,
}

impl DeclinationGround {
    /// Whether the duty to give the advice falls away.
    pub(super) fn ends_the_duty(self) -> bool {
        match self {
            DeclinationGround::IncompatibleWithDuties | DeclinationGround::AdverseEffect => true,
            DeclinationGround::NotKnownToService
            | DeclinationGround::NoCapacity
            | DeclinationGround::WrongOrganisation => false,
        }
    }
}

/// What became of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentOutcome {
    /// Offered and still to come.
    Offered,
    /// It took place.
    Held,
    /// The child or young person did not come: evidence for an exception.
    Missed,
    /// The service called it off.
    CancelledByService,
}

/// The days on which each of the three was satisfied that existing advice suffices (reg 6(4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agreements {
    /// The person who gave the advice.
    pub adviser_on: NaiveDate,
    /// The local authority.
    pub authority_on: NaiveDate,
    /// The parent or young person.
    pub family_on: NaiveDate,
}

impl Agreements {
    /// The day on which all three were satisfied.
    pub fn complete_on(&self) -> NaiveDate {
        self.adviser_on.max(self.authority_on).max(self.family_on)
    }
}

impl AdviceFact {
    pub const EVENT_TYPES: [EventType; 11] = [
        EventType::ADVICE_REQUESTED,
        EventType::ADVICE_ACKNOWLEDGED,
        EventType::ADVICE_SUBMITTED,
        EventType::ADVICE_RETURNED,
        EventType::ADVICE_ACCEPTED,
        EventType::ADVICE_DECLINED,
        EventType::ADVICE_REDIRECTED,
        EventType::ADVICE_WITHDRAWN,
        EventType::ADVICE_APPOINTMENT,
        EventType::ADVICE_EXCEPTION_CLAIMED,
        EventType::EXISTING_ADVICE_AGREED,
    ];

    pub fn event_type(&self) -> EventType {
        match self {
            AdviceFact::AdviceRequested { .. } => EventType::ADVICE_REQUESTED,
            AdviceFact::AdviceAcknowledged { .. } => EventType::ADVICE_ACKNOWLEDGED,
            AdviceFact::AdviceSubmitted { .. } => EventType::ADVICE_SUBMITTED,
            AdviceFact::AdviceReturned { .. } => EventType::ADVICE_RETURNED,
            AdviceFact::AdviceAccepted { .. } => EventType::ADVICE_ACCEPTED,
            AdviceFact::AdviceDeclined { .. } => EventType::ADVICE_DECLINED,
            AdviceFact::AdviceRedirected { .. } => EventType::ADVICE_REDIRECTED,
            AdviceFact::AdviceWithdrawn { .. } => EventType::ADVICE_WITHDRAWN,
            AdviceFact::AdviceAppointment { .. } => EventType::ADVICE_APPOINTMENT,
            AdviceFact::AdviceExceptionClaimed { .. } => EventType::ADVICE_EXCEPTION_CLAIMED,
            AdviceFact::ExistingAdviceAgreed { .. } => EventType::EXISTING_ADVICE_AGREED,
        }
    }

    /// What happened, as a clause that a day can follow; about which advice, the request says.
    pub fn in_words(&self, requirement: Option<Requirement>) -> String {
        let own = match self {
            AdviceFact::AdviceRequested { requirement, .. }
            | AdviceFact::ExistingAdviceAgreed { requirement, .. } => Some(*requirement),
            AdviceFact::AdviceAcknowledged { .. }
            | AdviceFact::AdviceSubmitted { .. }
            | AdviceFact::AdviceReturned { .. }
            | AdviceFact::AdviceAccepted { .. }
            | AdviceFact::AdviceDeclined { .. }
            | AdviceFact::AdviceRedirected { .. }
            | AdviceFact::AdviceWithdrawn { .. }
            | AdviceFact::AdviceAppointment { .. }
            | AdviceFact::AdviceExceptionClaimed { .. } => requirement,
        };
        let advice = Requirement::advice_in_words(own);
        match self {
            AdviceFact::AdviceRequested { .. } => format!("{advice} was asked for"),
            AdviceFact::AdviceAcknowledged { .. } => format!("the request for {advice} was acknowledged"),
            AdviceFact::AdviceSubmitted { .. } => format!("{advice} was given"),
            AdviceFact::AdviceReturned { .. } => format!("{advice} was sent back to its author"),
            AdviceFact::AdviceAccepted { .. } => format!("{advice} was accepted"),
            AdviceFact::AdviceDeclined { .. } => format!("whoever was asked for {advice} declined"),
            AdviceFact::AdviceRedirected { .. } => format!("somebody else was asked for {advice}"),
            AdviceFact::AdviceWithdrawn { .. } => format!("the request for {advice} was withdrawn"),
            AdviceFact::AdviceAppointment { outcome, .. } => match outcome {
                AppointmentOutcome::Offered => format!("an appointment for {advice} was offered"),
                AppointmentOutcome::Held => format!("an appointment for {advice} was held"),
                AppointmentOutcome::Missed => format!("an appointment for {advice} was missed"),
                AppointmentOutcome::CancelledByService => {
                    format!("an appointment for {advice} was called off by the service")
                }
            },
            AdviceFact::AdviceExceptionClaimed { .. } => {
                format!("an exception to the time limit for {advice} was claimed")
            }
            AdviceFact::ExistingAdviceAgreed { .. } => {
                format!("all agreed to use {advice} that there was already")
            }
        }
    }

    /// The request the fact is about; none for advice that exists already.
    pub fn request_id(&self) -> Option<Uuid> {
        match self {
            AdviceFact::AdviceRequested { request_id, .. }
            | AdviceFact::AdviceAcknowledged { request_id }
            | AdviceFact::AdviceSubmitted { request_id }
            | AdviceFact::AdviceReturned { request_id, .. }
            | AdviceFact::AdviceAccepted { request_id }
            | AdviceFact::AdviceDeclined { request_id, .. }
            | AdviceFact::AdviceRedirected { request_id, .. }
            | AdviceFact::AdviceWithdrawn { request_id, .. }
            | AdviceFact::AdviceAppointment { request_id, .. }
            | AdviceFact::AdviceExceptionClaimed { request_id, .. } => Some(*request_id),
            AdviceFact::ExistingAdviceAgreed { .. } => None,
        }
    }

    /// The organisation that is asked from now on, if it is a fact that says who is.
    pub(super) fn asks(&self) -> Option<Option<Uuid>> {
        match self {
            AdviceFact::AdviceRequested { organisation_id, .. } => Some(*organisation_id),
            AdviceFact::AdviceRedirected { organisation_id, .. } => Some(Some(*organisation_id)),
            AdviceFact::AdviceAcknowledged { .. }
            | AdviceFact::AdviceSubmitted { .. }
            | AdviceFact::AdviceReturned { .. }
            | AdviceFact::AdviceAccepted { .. }
            | AdviceFact::AdviceDeclined { .. }
            | AdviceFact::AdviceWithdrawn { .. }
            | AdviceFact::AdviceAppointment { .. }
            | AdviceFact::AdviceExceptionClaimed { .. }
            | AdviceFact::ExistingAdviceAgreed { .. } => None,
        }
    }
}
