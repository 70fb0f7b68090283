//! Which version of a plan an event sends, and how each version stands because of what was sent.
//!
//! Versions are numbered from 1 within their plan. Events of the assessment, of reviews and of the plan itself
//! name them; what came into force is on the plan's own stream alone. `service` is the caller.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::assessment::{AssessmentFact, DraftPlanServed, FinalPlanSent};
use super::event::{Event, Fact};
use super::plan::{AmendmentProposed, PlanFact, PlanMade};
use super::review::{AmendmentNoticeSent, ReviewFact};
use super::sending::AmendedPlanSent;

/// How a version of a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanVersionStatus {
    /// It was not sent to the family.
    Draft,
    /// It is with the family, as a draft plan or as proposed amendments.
    Proposed,
    /// It is the plan as it was first made.
    Final,
    /// It is the plan as it was last amended.
    Amended,
    /// It was sent, and another version has taken its place or nothing came of it.
    Superseded,
}

/// What an event does with the version it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Proposed,
    Made,
    Amended,
}

/// What an event that sends a version does with it, and which it says it is; none of any other event.
pub fn sent_by(fact: &Fact) -> Option<(Sent, Option<i64>)> {
    let Fact::Own(fact) = fact else {
        return None;
    };
    if let Some(fact) = fact.of::<AssessmentFact>() {
        return match fact {
            AssessmentFact::DraftPlanServed(served) => Some((Sent::Proposed, served.version)),
            AssessmentFact::FinalPlanSent(sent) => Some((Sent::Made, sent.version)),
            AssessmentFact::RequestReceived(_)
            | AssessmentFact::BecameResponsible(_)
            | AssessmentFact::FurtherRequestReceived(_)
            | AssessmentFact::AssessDecisionNotified(_)
            | AssessmentFact::PlanDecisionNotified(_)
            | AssessmentFact::RepresentationsReceived(_)
            | AssessmentFact::SettingConsulted(_)
            | AssessmentFact::SettingReplied(_)
            | AssessmentFact::PlaceOffered(_)
            | AssessmentFact::PlaceAwaited(_)
            | AssessmentFact::JointMeetingArranged(_)
            | AssessmentFact::JointMeetingHeld(_)
            | AssessmentFact::AssessmentWithdrawn(_)
            | AssessmentFact::MovedOut(_)
            | AssessmentFact::AssessmentResumed(_)
            | AssessmentFact::ExceptionClaimed(_) => None,
        };
    }
    if let Some(fact) = fact.of::<ReviewFact>() {
        return match fact {
            ReviewFact::AmendmentNoticeSent(sent) => Some((Sent::Proposed, sent.version)),
            ReviewFact::AmendedPlanSent(sent) => Some((Sent::Amended, sent.version)),
            ReviewFact::ReviewPeriodStarted(_)
            | ReviewFact::PhaseTransferExpected(_)
            | ReviewFact::ReviewMeetingArranged(_)
            | ReviewFact::PapersCirculated(_)
            | ReviewFact::ReviewMeetingHeld(_)
            | ReviewFact::ReviewReportSent(_)
            | ReviewFact::ReviewDecisionNotified(_)
            | ReviewFact::RepresentationsReceived(_)
            | ReviewFact::AmendmentAbandonedNotified(_)
            | ReviewFact::ReviewWithdrawn(_)
            | ReviewFact::PlanAmended(_)
            | ReviewFact::PlanCeased(_)
            | ReviewFact::SettingConsulted(_)
            | ReviewFact::SettingReplied(_)
            | ReviewFact::PlaceOffered(_)
            | ReviewFact::PlaceAwaited(_)
            | ReviewFact::ExceptionClaimed(_) => None,
        };
    }
    match fact.of::<PlanFact>()? {
        PlanFact::PlanMade(made) => Some((Sent::Made, made.version)),
        PlanFact::AmendmentProposed(proposed) => Some((Sent::Proposed, proposed.version)),
        PlanFact::AmendedPlanSent(sent) => Some((Sent::Amended, sent.version)),
        PlanFact::PlanDrafted(_)
        | PlanFact::PlanDraftWithdrawn(_)
        | PlanFact::RepresentationsReceived(_)
        | PlanFact::AmendmentAbandonedNotified(_)
        | PlanFact::CeaseConsulted(_)
        | PlanFact::CeaseNotified(_)
        | PlanFact::CertificateIssued(_)
        | PlanFact::CeaseWithdrawn(_)
        | PlanFact::Ceased(_)
        | PlanFact::PlacementStarted(_)
        | PlanFact::PlacementEnded(_)
        | PlanFact::DirectPaymentsStarted(_)
        | PlanFact::DirectPaymentsReviewed(_)
        | PlanFact::DirectPaymentsEnded(_)
        | PlanFact::ExceptionClaimed(_) => None,
    }
}

/// The same fact saying that it sends this version, if it sends one.
pub fn sending(fact: &Fact, version: Option<i64>) -> Fact {
    let Fact::Own(own) = fact else {
        return fact.clone();
    };
    match own.of() {
        Some(AssessmentFact::DraftPlanServed(served)) => {
            let served = DraftPlanServed {
                version,
                ..served.clone()
            };
            return Fact::own(AssessmentFact::DraftPlanServed(served));
        }
        Some(AssessmentFact::FinalPlanSent(sent)) => {
            let sent = FinalPlanSent {
                version,
                ..sent.clone()
            };
            return Fact::own(AssessmentFact::FinalPlanSent(sent));
        }
        Some(_) | None => {}
    }
    match own.of() {
        Some(ReviewFact::AmendmentNoticeSent(_)) => {
            return Fact::own(ReviewFact::AmendmentNoticeSent(AmendmentNoticeSent { version }));
        }
        Some(ReviewFact::AmendedPlanSent(sent)) => {
            let sent = AmendedPlanSent {
                version,
                ..sent.clone()
            };
            return Fact::own(ReviewFact::AmendedPlanSent(sent));
        }
        Some(_) | None => {}
    }
    match own.of() {
        Some(PlanFact::PlanMade(_)) => Fact::own(PlanFact::PlanMade(PlanMade { version })),
        Some(PlanFact::AmendmentProposed(_)) => {
            Fact::own(PlanFact::AmendmentProposed(AmendmentProposed { version }))
        }
        Some(PlanFact::AmendedPlanSent(sent)) => {
            let sent = AmendedPlanSent {
                version,
                ..sent.clone()
            };
            Fact::own(PlanFact::AmendedPlanSent(sent))
        }
        Some(_) | None => fact.clone(),
    }
}

/// A stream that may send versions of one plan.
#[derive(Debug, Clone)]
pub struct SendingStream {
    /// Its effective events, in the order of the fold.
    pub events: Vec<Event>,
    /// Whether it is the plan's own.
    pub is_of_plan: bool,
    /// Whether what it proposed last is with the family.
    pub awaits_family: bool,
}

/// What was sent of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentVersions {
    /// Each version that came into force, in order.
    in_force: Vec<(i64, PlanVersionStatus)>,
    proposed: Vec<i64>,
    with_family: Vec<i64>,
    /// Each sending of one of them, with its day.
    sent_on: Vec<(i64, NaiveDate)>,
}

impl SentVersions {
    pub fn of(streams: &[SendingStream]) -> SentVersions {
        let mut sent = SentVersions::default();
        for stream in streams {
            let mut last = None;
            for event in &stream.events {
                let Some((what, Some(version))) = sent_by(&event.fact) else {
                    continue;
                };
                let is_told_elsewhere = match what {
                    Sent::Proposed => false,
                    Sent::Made | Sent::Amended => !stream.is_of_plan,
                };
                if !is_told_elsewhere {
                    sent.sent_on.push((version, event.occurred_on));
                }
                match what {
                    Sent::Proposed => {
                        sent.proposed.push(version);
                        last = Some(version);
                    }
                    Sent::Made if stream.is_of_plan => {
                        sent.in_force.push((version, PlanVersionStatus::Final));
                    }
                    Sent::Amended if stream.is_of_plan => {
                        sent.in_force.push((version, PlanVersionStatus::Amended));
                    }
                    // The plan's own stream says it too.
                    Sent::Made | Sent::Amended => {}
                }
            }
            if stream.awaits_family {
                sent.with_family.extend(last);
            }
        }
        sent
    }

    /// How a version stands.
    pub fn status_of(&self, number: i64) -> PlanVersionStatus {
        if let Some((current, status)) = self.in_force.last()
            && *current == number
        {
            *status
        } else if self.with_family.contains(&number) {
            PlanVersionStatus::Proposed
        } else if self.was_sent(number) {
            PlanVersionStatus::Superseded
        } else {
            PlanVersionStatus::Draft
        }
    }

    /// The numbers of all versions that were sent, in order.
    pub fn numbers(&self) -> Vec<i64> {
        let in_force = self.in_force.iter().map(|(number, _)| *number);
        let mut numbers: Vec<i64> = in_force.chain(self.proposed.iter().copied()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The day on which a version was first sent.
    pub fn first_sent_on(&self, number: i64) -> Option<NaiveDate> {
        let of_version = self.sent_on.iter().filter(|(sent, _)| *sent == number);
        of_version.map(|(_, on)| *on).min()
    }

    /// Whether a family knows it.
    pub fn was_sent(&self, number: i64) -> bool {
        self.numbers().contains(&number)
    }

    /// Whether a version is or was in force.
    pub fn was_in_force(&self, number: i64) -> bool {
        self.in_force.iter().any(|(held, _)| *held == number)
    }

    /// The version that was last in force before one of a number was written.
    pub fn in_force_before(&self, number: i64) -> Option<i64> {
        let mut numbers = self.in_force.iter().rev().map(|(number, _)| *number);
        numbers.find(|earlier| *earlier < number)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::PlanVersionStatus::{Amended, Draft, Final, Proposed, Superseded};
    use super::*;
    use crate::casework::event::LegalDates;

    fn event(fact: Fact) -> Event {
        Event {
            id: Uuid::nil(),
            root_id: Uuid::nil(),
            sequence: 1,
            occurred_on: "2026-02-02".parse().unwrap(),
            dates: LegalDates::default(),
            fact,
            fresh: false,
        }
    }

    fn made(version: i64) -> Fact {
        Fact::own(PlanFact::PlanMade(PlanMade {
            version: Some(version),
        }))
    }

    fn proposed(version: i64) -> Fact {
        Fact::own(PlanFact::AmendmentProposed(AmendmentProposed {
            version: Some(version),
        }))
    }

    fn amended(version: i64) -> Fact {
        let sent = serde_json::json!({ "type": "amended_plan_sent", "version": version });
        Fact::own(serde_json::from_value::<PlanFact>(sent).unwrap())
    }

    fn noticed(version: i64) -> Fact {
        Fact::own(ReviewFact::AmendmentNoticeSent(AmendmentNoticeSent {
            version: Some(version),
        }))
    }

    fn stream(facts: Vec<Fact>, is_of_plan: bool, awaits_family: bool) -> SendingStream {
        SendingStream {
            events: facts.into_iter().map(event).collect(),
            is_of_plan,
            awaits_family,
        }
    }

    fn statuses(streams: &[SendingStream], versions: i64) -> Vec<PlanVersionStatus> {
        let sent = SentVersions::of(streams);
        (1..=versions).map(|number| sent.status_of(number)).collect()
    }

    #[test]
    fn what_was_sent_says_how_each_version_stands() {
        let plan = |facts| stream(facts, true, false);
        assert_eq!(statuses(&[], 1), [Draft]);
        assert_eq!(statuses(&[plan(vec![made(1)])], 2), [Final, Draft]);
        assert_eq!(
            statuses(&[stream(vec![made(1), proposed(2)], true, true)], 3),
            [Final, Proposed, Draft]
        );
        assert_eq!(
            statuses(&[plan(vec![made(1), proposed(2), amended(2)])], 3),
            [Superseded, Amended, Draft]
        );
        // The amendments were abandoned.
        assert_eq!(
            statuses(&[plan(vec![made(1), proposed(2)])], 2),
            [Final, Superseded]
        );
        // A second notice, on a review, takes the place of the first.
        let review = stream(vec![noticed(2), noticed(3)], false, true);
        assert_eq!(
            statuses(&[plan(vec![made(1)]), review], 3),
            [Final, Superseded, Proposed]
        );
    }

    #[test]
    fn what_came_into_force_is_told_by_the_plan_alone() {
        let review = stream(vec![noticed(2), amended(2)], false, false);
        let sent = SentVersions::of(&[stream(vec![made(1)], true, false), review]);
        assert_eq!((sent.status_of(1), sent.status_of(2)), (Final, Superseded));
        assert_eq!(sent.numbers(), [1, 2]);
    }

    #[test]
    fn a_version_is_compared_with_what_was_in_force_before_it() {
        let sent = SentVersions::of(&[stream(vec![made(2), amended(5)], true, false)]);
        let before: Vec<Option<i64>> = (1..=6).map(|number| sent.in_force_before(number)).collect();
        assert_eq!(before, [None, None, Some(2), Some(2), Some(2), Some(5)]);
    }

    #[test]
    fn a_fact_that_sends_a_version_can_be_told_which_and_keeps_the_rest() {
        for fact in [made(1), proposed(1), amended(1), noticed(1)] {
            let told = sending(&fact, Some(7));
            assert_eq!(sent_by(&told).unwrap().1, Some(7));
            assert_eq!(sending(&told, Some(1)), fact);
        }
        let other = Fact::own(PlanFact::PlanDrafted(crate::casework::plan::PlanDrafted {}));
        assert_eq!((sent_by(&other), sending(&other, Some(7))), (None, other));
    }
}
