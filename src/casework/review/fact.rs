//! What can happen in the review of a plan: the words of its events, as clients send and stores keep them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::casework::assessment::WithdrawnBy;
use crate::casework::attendance::{Attendance, organisations_in};
use crate::casework::child::{ChildFacts, turns_on};
use crate::casework::claim::ExceptionClaimed;
use crate::casework::place::{PlaceAwaited, PlaceOffered, SettingConsulted, SettingReplied};
use crate::casework::procedure::{EventType, ProcedureFact};
use crate::casework::sending::{AmendedPlanSent, AmendmentAbandonedNotified, days_of_sending};
use crate::statute::calendar::in_words;
use crate::statute::rulebook::{EARLY_YEARS_END_AT_AGE, Mark, Party};

/// Why the plan is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// The yearly review.
    Annual,
    /// An early one, because something has changed.
    Interim,
    /// One that has to name the next setting.
    PhaseTransfer,
    /// That of a child under five; guidance suggests more than one a year.
    EarlyYears,
}

/// Which change of phase lies ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    EarlyYearsToSchool,
    InfantToJunior,
    PrimaryToMiddle,
    PrimaryToSecondary,
    MiddleToSecondary,
    SecondaryToPost16,
    Post16ToPost16,
}

impl Phase {
    /// What the rulebook makes of it.
    pub(super) fn mark(self) -> Mark {
        match self {
            Phase::EarlyYearsToSchool
            | Phase::InfantToJunior
            | Phase::PrimaryToMiddle
            | Phase::PrimaryToSecondary
            | Phase::MiddleToSecondary => Mark::PhaseTransferExpected,
            Phase::SecondaryToPost16 => Mark::PostSixteenTransferExpected,
            Phase::Post16ToPost16 => Mark::LaterTransferExpected,
        }
    }
}

/// Who arranges the meeting and writes its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arranger {
    /// The school or other setting that was asked to.
    #[default]
    EducationSetting,
    LocalAuthority,
}

impl Arranger {
    pub(super) fn party(self) -> Party {
        match self {
            Arranger::EducationSetting => Party::EducationSetting,
            Arranger::LocalAuthority => Party::LocalAuthority,
        }
    }
}

/// What follows from the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// The plan stays as it is.
    Maintain,
    /// It will be amended.
    Amend,
    /// It will be ceased.
    Cease,
}

/// The period to the next review began: the day the plan was made, or last reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewPeriodStarted {
    /// Why the plan is reviewed.
    pub kind: ReviewKind,
}

impl ReviewPeriodStarted {
    /// The period after a plan was made or reviewed on a day: of the early years for a child who is under five
    /// then, as far as is known.
    pub fn after(child: Option<&ChildFacts>, on: NaiveDate) -> ReviewPeriodStarted {
        let is_of_early_years =
            child.is_some_and(|child| on < turns_on(child.date_of_birth, EARLY_YEARS_END_AT_AGE));
        ReviewPeriodStarted {
            kind: if is_of_early_years {
                ReviewKind::EarlyYears
            } else {
                ReviewKind::Annual
            },
        }
    }
}

/// A transfer between phases of education is expected; the plan has to name the next setting before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhaseTransferExpected {
    /// Which change of phase.
    pub phase: Phase,
    /// The day of the transfer.
    #[schema(example = "2027-09-01")]
    pub transfer_on: NaiveDate,
}

/// A date was set for the meeting, and everybody was invited on `sent_on`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewMeetingArranged {
    /// The day of the meeting.
    #[schema(example = "2026-03-18")]
    pub meeting_on: NaiveDate,
    /// Who arranges it, and so owes notice and papers.
    #[serde(default)]
    #[schema(default = "education_setting")]
    pub arranged_by: Arranger,
}

/// The advice was sent to everybody invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PapersCirculated {}

/// The review meeting took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewMeetingHeld {
    /// Who has to send the report of it.
    #[serde(default)]
    #[schema(default = "education_setting")]
    pub reported_by: Arranger,
    /// How those invited took part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, default = json!([]))]
    pub attendance: Vec<Attendance>,
}

/// The report of the meeting was sent to everybody invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewReportSent {}

/// The family was told what follows from the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewDecisionNotified {
    /// What was decided.
    pub decision: ReviewDecision,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    pub reasons: Option<String>,
}

/// The plan was sent with the proposed amendments and the evidence. It implies the decision to amend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendmentNoticeSent {
    /// Which version of the plan's content is proposed; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
}

/// The family commented on the proposed amendments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendmentRepresentationsReceived {}

impl AmendmentRepresentationsReceived {
    pub(in crate::casework) const IN_WORDS: &'static str = "the family commented on the proposed amendments";
}

/// The amended plan was sent from another cause, so that it names what it had to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewPlanAmended {}

/// The plan is no longer maintained, so that nothing is left to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewPlanCeased {}

/// The review will not be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewWithdrawn {
    /// Who withdrew it.
    pub withdrawn_by: WithdrawnBy,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    pub reason: String,
}

/// What happened in the review of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReviewFact {
    /// The period to the next review began: the day the plan was made, or last reviewed.
    ReviewPeriodStarted(ReviewPeriodStarted),
    /// A transfer between phases of education is expected.
    PhaseTransferExpected(PhaseTransferExpected),
    /// A date was set for the meeting.
    ReviewMeetingArranged(ReviewMeetingArranged),
    /// The advice was sent to everybody invited.
    PapersCirculated(PapersCirculated),
    /// The review meeting took place.
    ReviewMeetingHeld(ReviewMeetingHeld),
    /// The report of the meeting was sent.
    ReviewReportSent(ReviewReportSent),
    /// The family was told what follows from the review.
    ReviewDecisionNotified(ReviewDecisionNotified),
    /// The plan was sent with the proposed amendments.
    AmendmentNoticeSent(AmendmentNoticeSent),
    /// The family commented on the proposed amendments.
    RepresentationsReceived(AmendmentRepresentationsReceived),
    /// A setting was consulted on being named in the plan.
    SettingConsulted(SettingConsulted),
    /// A consulted setting answered.
    SettingReplied(SettingReplied),
    /// The child or young person is waiting for a place at a consulted setting.
    PlaceAwaited(PlaceAwaited),
    /// A consulted setting offered a place.
    PlaceOffered(PlaceOffered),
    /// The amended plan was sent.
    AmendedPlanSent(AmendedPlanSent),
    /// The family was told that the plan will not be amended after all.
    AmendmentAbandonedNotified(AmendmentAbandonedNotified),
    /// The review will not be gone on with.
    ReviewWithdrawn(ReviewWithdrawn),
    /// The plan was amended from another cause.
    PlanAmended(ReviewPlanAmended),
    /// The plan is no longer maintained.
    PlanCeased(ReviewPlanCeased),
    /// An exception to a time limit was claimed.
    ExceptionClaimed(ExceptionClaimed),
}

impl ProcedureFact for ReviewFact {
    fn event_type(&self) -> EventType {
        match self {
            ReviewFact::ReviewPeriodStarted(_) => super::REVIEW_PERIOD_STARTED,
            ReviewFact::PhaseTransferExpected(_) => super::PHASE_TRANSFER_EXPECTED,
            ReviewFact::ReviewMeetingArranged(_) => super::REVIEW_MEETING_ARRANGED,
            ReviewFact::PapersCirculated(_) => super::PAPERS_CIRCULATED,
            ReviewFact::ReviewMeetingHeld(_) => super::REVIEW_MEETING_HELD,
            ReviewFact::ReviewReportSent(_) => super::REVIEW_REPORT_SENT,
            ReviewFact::ReviewDecisionNotified(_) => super::REVIEW_DECISION_NOTIFIED,
            ReviewFact::AmendmentNoticeSent(_) => super::AMENDMENT_NOTICE_SENT,
            ReviewFact::RepresentationsReceived(_) => super::REPRESENTATIONS_RECEIVED,
            ReviewFact::SettingConsulted(_) => super::SETTING_CONSULTED,
            ReviewFact::SettingReplied(_) => super::SETTING_REPLIED,
            ReviewFact::PlaceAwaited(_) => super::PLACE_AWAITED,
            ReviewFact::PlaceOffered(_) => super::PLACE_OFFERED,
            ReviewFact::AmendedPlanSent(_) => super::AMENDED_PLAN_SENT,
            ReviewFact::AmendmentAbandonedNotified(_) => super::AMENDMENT_ABANDONED_NOTIFIED,
            ReviewFact::ReviewWithdrawn(_) => super::REVIEW_WITHDRAWN,
            ReviewFact::PlanAmended(_) => super::PLAN_AMENDED,
            ReviewFact::PlanCeased(_) => super::PLAN_CEASED,
            ReviewFact::ExceptionClaimed(_) => super::EXCEPTION_CLAIMED,
        }
    }

    fn in_words(&self) -> String {
        let words = match self {
            ReviewFact::ReviewPeriodStarted(_) => "the time to the next review of the plan began",
            ReviewFact::PhaseTransferExpected(expected) => {
                let transfer_on = in_words(expected.transfer_on);
                return format!("a move between phases of education was expected for {transfer_on}");
            }
            ReviewFact::ReviewMeetingArranged(arranged) => {
                let meeting_on = in_words(arranged.meeting_on);
                return format!("the review meeting was arranged for {meeting_on}");
            }
            ReviewFact::PapersCirculated(_) => {
                "the papers for the review meeting were sent to everybody invited"
            }
            ReviewFact::ReviewMeetingHeld(_) => "the review meeting was held",
            ReviewFact::ReviewReportSent(_) => "the report of the review meeting was sent",
            ReviewFact::ReviewDecisionNotified(notified) => match notified.decision {
                ReviewDecision::Maintain => "the family was told that the plan stays as it is",
                ReviewDecision::Amend => "the family was told that the plan will be amended",
                ReviewDecision::Cease => "the family was told that the plan will be ceased",
            },
            ReviewFact::AmendmentNoticeSent(_) => "the proposed amendments were sent to the family",
            ReviewFact::RepresentationsReceived(_) => AmendmentRepresentationsReceived::IN_WORDS,
            ReviewFact::SettingConsulted(_) => SettingConsulted::IN_WORDS,
            ReviewFact::SettingReplied(_) => SettingReplied::IN_WORDS,
            ReviewFact::PlaceAwaited(_) => PlaceAwaited::IN_WORDS,
            ReviewFact::PlaceOffered(_) => PlaceOffered::IN_WORDS,
            ReviewFact::AmendedPlanSent(_) => AmendedPlanSent::IN_WORDS,
            ReviewFact::AmendmentAbandonedNotified(_) => AmendmentAbandonedNotified::IN_WORDS,
            ReviewFact::ReviewWithdrawn(_) => "the review was withdrawn",
            ReviewFact::PlanAmended(_) => AmendedPlanSent::IN_WORDS,
            ReviewFact::PlanCeased(_) => "the plan came to its end, and its review with it",
            ReviewFact::ExceptionClaimed(_) => ExceptionClaimed::IN_WORDS,
        };
        words.to_owned()
    }

    fn days_past(&self) -> Vec<(String, NaiveDate)> {
        match self {
            ReviewFact::AmendedPlanSent(sent) => days_of_sending(&sent.recipients, sent.waiver.as_ref()),
            ReviewFact::PlaceAwaited(awaited) => vec![("since_on".to_owned(), awaited.since_on)],
            ReviewFact::ReviewPeriodStarted(_)
            | ReviewFact::PhaseTransferExpected(_)
            | ReviewFact::ReviewMeetingArranged(_)
            | ReviewFact::PapersCirculated(_)
            | ReviewFact::ReviewMeetingHeld(_)
            | ReviewFact::ReviewReportSent(_)
            | ReviewFact::ReviewDecisionNotified(_)
            | ReviewFact::AmendmentNoticeSent(_)
            | ReviewFact::RepresentationsReceived(_)
            | ReviewFact::SettingConsulted(_)
            | ReviewFact::SettingReplied(_)
            | ReviewFact::PlaceOffered(_)
            | ReviewFact::AmendmentAbandonedNotified(_)
            | ReviewFact::ReviewWithdrawn(_)
            | ReviewFact::PlanAmended(_)
            | ReviewFact::PlanCeased(_)
            | ReviewFact::ExceptionClaimed(_) => Vec::new(),
        }
    }

    fn days_since_opening(&self) -> Vec<(String, NaiveDate)> {
        match self {
            ReviewFact::ReviewMeetingArranged(arranged) => {
                vec![("meeting_on".to_owned(), arranged.meeting_on)]
            }
            ReviewFact::ReviewPeriodStarted(_)
            | ReviewFact::PhaseTransferExpected(_)
            | ReviewFact::PapersCirculated(_)
            | ReviewFact::ReviewMeetingHeld(_)
            | ReviewFact::ReviewReportSent(_)
            | ReviewFact::ReviewDecisionNotified(_)
            | ReviewFact::AmendmentNoticeSent(_)
            | ReviewFact::RepresentationsReceived(_)
            | ReviewFact::SettingConsulted(_)
            | ReviewFact::SettingReplied(_)
            | ReviewFact::PlaceAwaited(_)
            | ReviewFact::PlaceOffered(_)
            | ReviewFact::AmendedPlanSent(_)
            | ReviewFact::AmendmentAbandonedNotified(_)
            | ReviewFact::ReviewWithdrawn(_)
            | ReviewFact::PlanAmended(_)
            | ReviewFact::PlanCeased(_)
            | ReviewFact::ExceptionClaimed(_) => Vec::new(),
        }
    }

    fn organisations(&self) -> Vec<(String, Uuid)> {
        let at_its_field = |organisation_id| ("organisation_id".to_owned(), organisation_id);
        match self {
            ReviewFact::SettingConsulted(consulted) => vec![at_its_field(consulted.organisation_id)],
            ReviewFact::SettingReplied(replied) => {
                replied.organisation_id.map(at_its_field).into_iter().collect()
            }
            ReviewFact::ReviewMeetingHeld(held) => organisations_in(
                "attendance",
                held.attendance.iter().map(|who| who.organisation_id),
            ),
            ReviewFact::ReviewPeriodStarted(_)
            | ReviewFact::PhaseTransferExpected(_)
            | ReviewFact::ReviewMeetingArranged(_)
            | ReviewFact::PapersCirculated(_)
            | ReviewFact::ReviewReportSent(_)
            | ReviewFact::ReviewDecisionNotified(_)
            | ReviewFact::AmendmentNoticeSent(_)
            | ReviewFact::RepresentationsReceived(_)
            | ReviewFact::PlaceAwaited(_)
            | ReviewFact::PlaceOffered(_)
            | ReviewFact::AmendedPlanSent(_)
            | ReviewFact::AmendmentAbandonedNotified(_)
            | ReviewFact::ReviewWithdrawn(_)
            | ReviewFact::PlanAmended(_)
            | ReviewFact::PlanCeased(_)
            | ReviewFact::ExceptionClaimed(_) => Vec::new(),
        }
    }
}
