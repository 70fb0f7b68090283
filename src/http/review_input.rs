//! Events of the review of a plan as clients send them: what `event_input` is to assessments.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::event_input::union;
use crate::casework::event::LegalDates;
use crate::casework::procedure::OwnFact;
use crate::casework::review::{ReviewFact, ReviewPeriodStarted};
use crate::service::procedure::{GivenCorrection, NewEvent};
use crate::service::timeline::{GivenEvent, GivenFact};

/// What every event has beside the fact of its type.
#[derive(Debug, Deserialize, ToSchema)]
struct EventFields {
    /// The day of the act. For a correction, the day it was made; nothing is counted by it.
    #[schema(example = "2026-03-18")]
    occurred_on: NaiveDate,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
    /// The day it was decided, if not the day of the act.
    decided_on: Option<NaiveDate>,
    /// The day it was sent, if not the day of the act.
    sent_on: Option<NaiveDate>,
    /// The day it was served, if not the day of the act. It may lie ahead.
    served_on: Option<NaiveDate>,
    /// The day it was received, if not the day of the act.
    received_on: Option<NaiveDate>,
}

impl EventFields {
    fn given(self, fact: ReviewFact) -> GivenEvent {
        GivenEvent {
            occurred_on: self.occurred_on,
            dates: LegalDates {
                decided_on: self.decided_on,
                sent_on: self.sent_on,
                served_on: self.served_on,
                received_on: self.received_on,
            },
            note: self.note,
            fact: GivenFact::Own(OwnFact::new(fact)),
        }
    }
}

/// The event that opens the review of a plan.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviewOpeningEventInput {
    /// The day the plan was made or last reviewed. Time runs from it.
    #[schema(example = "2025-03-10")]
    occurred_on: NaiveDate,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
    #[serde(flatten)]
    fact: ReviewOpeningFact,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReviewOpeningFact {
    /// The period to the next review began.
    ReviewPeriodStarted(ReviewPeriodStarted),
}

/// An event to be recorded on a review, or a correction of recorded ones.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviewEventInput {
    #[serde(flatten)]
    fact: RecordableReviewFact,
    #[serde(flatten)]
    fields: EventFields,
}

/// An event that takes the place of a recorded one.
#[derive(Debug, Deserialize, ToSchema)]
struct ReviewReplacementInput {
    #[serde(flatten)]
    fact: ReviewFact,
    #[serde(flatten)]
    fields: EventFields,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RecordableReviewFact {
    Correction(ReviewCorrectionFact),
    Review(ReviewFact),
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReviewCorrectionFact {
    /// Recorded events were wrong. All changes are judged together.
    Correction(ReviewCorrectionInput),
}

/// Which recorded events are superseded, and by what.
#[derive(Debug, Deserialize, ToSchema)]
struct ReviewCorrectionInput {
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// The changes.
    #[schema(min_items = 1, max_items = 100)]
    changes: Vec<ReviewChangeInput>,
}

/// One recorded event superseded.
#[derive(Debug, Deserialize, ToSchema)]
struct ReviewChangeInput {
    /// The event; it must be effective.
    supersedes: Uuid,
    /// What happened instead; null voids the event and never revives another.
    replacement: Option<ReviewReplacementInput>,
}

impl PartialSchema for RecordableReviewFact {
    fn schema() -> RefOr<Schema> {
        union([ReviewCorrectionFact::schema(), ReviewFact::schema()])
    }
}

impl ToSchema for RecordableReviewFact {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ReviewCorrectionFact::schemas(schemas);
        ReviewFact::schemas(schemas);
    }
}

impl From<ReviewOpeningEventInput> for GivenEvent {
    fn from(input: ReviewOpeningEventInput) -> GivenEvent {
        let ReviewOpeningEventInput {
            occurred_on,
            note,
            fact: ReviewOpeningFact::ReviewPeriodStarted(started),
        } = input;
        GivenEvent {
            occurred_on,
            dates: LegalDates::default(),
            note,
            fact: GivenFact::Own(OwnFact::new(ReviewFact::ReviewPeriodStarted(started))),
        }
    }
}

impl From<ReviewEventInput> for NewEvent {
    fn from(input: ReviewEventInput) -> NewEvent {
        let ReviewEventInput { fields, fact } = input;
        match fact {
            RecordableReviewFact::Review(fact) => NewEvent::Event(fields.given(fact)),
            RecordableReviewFact::Correction(ReviewCorrectionFact::Correction(correction)) => {
                NewEvent::Correction(GivenCorrection {
                    occurred_on: fields.occurred_on,
                    reason: correction.reason,
                    note: fields.note,
                    changes: correction
                        .changes
                        .into_iter()
                        .map(|change| {
                            let replacement = change.replacement;
                            let given = replacement.map(|event| event.fields.given(event.fact));
                            (change.supersedes, given)
                        })
                        .collect(),
                })
            }
        }
    }
}
