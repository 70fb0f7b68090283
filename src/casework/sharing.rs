//! Which advice has come to the family, by what and when.
//!
//! The law sends it: with the draft plan (SEND Regulations reg 13(1)), with the papers for a review meeting (reg
//! 20(4), reg 21(4)), and with a plan that is built on it. Pure: what is said here follows from effective events, so
//! that a sharing that was corrected away has shared nothing. `service` is the caller.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::advice::AdviceFact;
use super::assessment::AssessmentFact;
use super::event::{Event, Fact};
use super::review::ReviewFact;
use crate::statute::rulebook::{DRAFT_PLAN_ADVICE, LegalDate, Provision, REVIEW_ADVICE};

/// By what advice came to the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SharedBy {
    /// The draft plan was served, with the advice received for the assessment by then.
    DraftPlanServed,
    /// The papers for a review meeting went out, with the advice received for the review by then.
    PapersCirculated,
    /// A version of the plan was sent whose section K names the request.
    PlanVersion,
}

impl SharedBy {
    /// Where the law says that it goes to the family; none where the plan itself names it.
    pub fn provision(self) -> Option<Provision> {
        match self {
            SharedBy::DraftPlanServed => Some(DRAFT_PLAN_ADVICE),
            SharedBy::PapersCirculated => Some(REVIEW_ADVICE),
            SharedBy::PlanVersion => None,
        }
    }
}

/// Something that was sent to the family with advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    pub by: SharedBy,
    /// What had been received by this day went with it.
    pub gathered_on: NaiveDate,
    /// The day it reached the family.
    pub shared_on: NaiveDate,
    /// The request whose advice went with it; none for all of the procedure.
    pub request_id: Option<Uuid>,
}

/// A submission that the family reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedSubmission {
    pub request_id: Uuid,
    /// It has the id of the event that first recorded it.
    pub submission_id: Uuid,
    pub submitted_on: NaiveDate,
    pub by: SharedBy,
    pub shared_on: NaiveDate,
}

/// What has been sent with the advice of a procedure, by its effective events.
pub fn sharings(events: &[Event]) -> impl Iterator<Item = Sharing> + '_ {
    events.iter().filter_map(|event| {
        let (by, dated_by) = shares(&event.fact)?;
        Some(Sharing {
            by,
            gathered_on: event.occurred_on,
            shared_on: event.dated(dated_by),
            request_id: None,
        })
    })
}

/// By what a fact shares advice, and the date that says when.
fn shares(fact: &Fact) -> Option<(SharedBy, LegalDate)> {
    let Fact::Own(own) = fact else {
        return None;
    };
    if let Some(AssessmentFact::DraftPlanServed(_)) = own.of() {
        return Some((SharedBy::DraftPlanServed, LegalDate::Served));
    }
    match own.of() {
        Some(ReviewFact::PapersCirculated(_)) => Some((SharedBy::PapersCirculated, LegalDate::Sent)),
        Some(_) | None => None,
    }
}

/// The submissions of a procedure that have come to the family by a day, each with what it first came by, in the
/// order in which they were made. `events` are its effective events in the order of the fold.
///
/// What was sent back to its author is none of them, whether it was sent back before the family had it or after: it
/// may have been about another child. Nor is what came on a request that was withdrawn.
pub fn shared_submissions(events: &[Event], sharings: &[Sharing], as_of: NaiveDate) -> Vec<SharedSubmission> {
    let mut shared = Vec::new();
    for (request_id, submission) in kept_submissions(events) {
        let submitted_on = submission.dated(LegalDate::Received);
        let first = sharings
            .iter()
            .filter(|sharing| sharing.request_id.is_none_or(|named| named == request_id))
            .filter(|sharing| submitted_on <= sharing.gathered_on && sharing.shared_on <= as_of)
            .min_by_key(|sharing| (sharing.shared_on, sharing.by));
        shared.extend(first.map(|sharing| SharedSubmission {
            request_id,
            submission_id: submission.root_id,
            submitted_on,
            by: sharing.by,
            shared_on: sharing.shared_on,
        }));
    }
    shared
}

/// Every submission that was not sent back, with its request.
fn kept_submissions(events: &[Event]) -> Vec<(Uuid, &Event)> {
    let mut kept: Vec<(Uuid, &Event)> = Vec::new();
    // Where the last submission of each request stands among those kept.
    let mut last: HashMap<Uuid, usize> = HashMap::new();
    let mut gone: Vec<usize> = Vec::new();
    for event in events {
        let Fact::Advice(fact) = &event.fact else {
            continue;
        };
        match fact {
            AdviceFact::AdviceSubmitted { request_id } => {
                last.insert(*request_id, kept.len());
                kept.push((*request_id, event));
            }
            AdviceFact::AdviceReturned { request_id, .. } => gone.extend(last.remove(request_id)),
            AdviceFact::AdviceWithdrawn { request_id, .. } => {
                let of_request = kept.iter().enumerate().filter(|(_, (id, _))| id == request_id);
                gone.extend(of_request.map(|(place, _)| place));
            }
            AdviceFact::AdviceRequested { .. }
            | AdviceFact::AdviceAcknowledged { .. }
            | AdviceFact::AdviceAccepted { .. }
            | AdviceFact::AdviceDeclined { .. }
            | AdviceFact::AdviceRedirected { .. }
            | AdviceFact::AdviceAppointment { .. }
            | AdviceFact::AdviceExceptionClaimed { .. }
            | AdviceFact::ExistingAdviceAgreed { .. } => {}
        }
    }
    let with_place = kept.into_iter().enumerate();
    with_place
        .filter(|(place, _)| !gone.contains(place))
        .map(|(_, submission)| submission)
        .collect()
}
