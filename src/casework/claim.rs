//! Exceptions that the authority claims on its own clocks, the same on every procedure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Event;
use crate::statute::exception::Claim;
use crate::statute::rulebook::{ClockKind, Ground};

/// A ground that can be claimed on the authority's own clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityGround {
    SchoolClosed,
    EarlyYearsClosed,
    PersonalCircumstances,
    Absent,
    Coronavirus,
}

impl From<AuthorityGround> for Ground {
    fn from(ground: AuthorityGround) -> Ground {
        match ground {
            AuthorityGround::SchoolClosed => Ground::SchoolClosed,
            AuthorityGround::EarlyYearsClosed => Ground::EarlyYearsClosed,
            AuthorityGround::PersonalCircumstances => Ground::PersonalCircumstances,
            AuthorityGround::Absent => Ground::Absent,
            AuthorityGround::Coronavirus => Ground::Coronavirus,
        }
    }
}

/// An exception to a time limit was claimed. It is always recorded; each clock says whether it
/// qualifies. No due date moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionClaimed {
    /// The ground relied on.
    pub ground: AuthorityGround,
    /// The first day of the circumstances.
    pub from: NaiveDate,
    /// The last day of the circumstances.
    pub to: NaiveDate,
    /// The kinds of clock it is claimed for.
    #[schema(min_items = 1, max_items = 50)]
    pub clocks: Vec<ClockKind>,
    /// What supports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub evidence: Option<String>,
    /// Who decided that it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub decided_by: Option<String>,
    /// When they decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<NaiveDate>,
    /// How the ground made it impractical to keep the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub causal_link: Option<String>,
    /// For closures: the first day closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_from: Option<NaiveDate>,
    /// For closures: the day it opens again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopens_on: Option<NaiveDate>,
    /// For closures: the day the closed setting was asked for advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice_requested_on: Option<NaiveDate>,
}

impl ExceptionClaimed {
    pub(super) const IN_WORDS: &'static str = "an exception to a time limit was claimed";

    /// What the clocks it names test.
    pub(super) fn claim(&self, event: &Event) -> Claim {
        Claim {
            event_id: event.id,
            occurred_on: event.occurred_on,
            ground: self.ground.into(),
            clocks: self.clocks.clone(),
            subject: None,
            from_on: self.from,
            to_on: self.to,
            closed_from_on: self.closed_from,
            reopens_on: self.reopens_on,
            advice_requested_on: self.advice_requested_on,
            causal_link: self.causal_link.clone(),
        }
    }
}
