//! What can happen to a plan: the words of its events, as clients send and stores keep them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::casework::claim::ExceptionClaimed;
use crate::casework::procedure::{EventType, ProcedureFact};
use crate::casework::review::AmendmentRepresentationsReceived;
use crate::casework::sending::{AmendedPlanSent, AmendmentAbandonedNotified, days_of_sending};

/// Work on the plan began; it is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDrafted {}

/// The plan was made: the final plan was first sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanMade {
    /// Which version of its content it is; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
}

/// No plan will come of the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDraftWithdrawn {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub reason: Option<String>,
}

/// The plan was sent with proposed amendments, outside a review and a re-assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmendmentProposed {
    /// Which version of its content is proposed; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
}

/// Why a plan is ceased, by the codes of the SEN2 return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CeaseReason {
    MaximumAge,
    NeedsMetWithoutPlan,
    HigherEducation,
    PaidWork,
    MovedToAnotherAuthority,
    NoLongerWishesToEngage,
    LeftEngland,
    Died,
    Other,
}

/// The family and the setting were consulted on ceasing the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CeaseConsulted {
    /// Why it may be ceased.
    pub reason: CeaseReason,
}

/// The family was told that the plan will be ceased. It is kept until the time for an appeal has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CeaseNotified {
    /// Why it will be ceased, where that is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CeaseReason>,
}

/// A mediation adviser issued a certificate on the decision to cease; an appeal can be made for a while after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateIssued {}

/// The plan is kept after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CeaseWithdrawn {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub reason: Option<String>,
}

/// The plan is no longer maintained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCeased {
    /// Why it was ceased.
    pub reason: CeaseReason,
    /// The day an appeal against ceasing was finally determined, if there was one; the time for an appeal is
    /// then not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal_determined_on: Option<NaiveDate>,
}

/// A setting that is no school or institution with a number of its own, by the codes of the SEN2 return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SettingType {
    /// Provision arranged by the authority otherwise than in a school.
    Ola,
    /// Alternative arrangements made by the parents or the young person.
    Opa,
    /// Elective home education.
    Ehe,
    /// An early years provider without a number.
    Eyp,
    Oth,
    /// Not in education, employment or training.
    Neet,
    /// Notice to cease was given.
    Niec,
    Nieo,
}

/// Which of up to two settings attended at a time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlacementRank {
    /// The one attended most.
    #[default]
    Primary,
    Secondary,
}

/// The child or young person entered a setting. It ends the placement of the same rank that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacementStarted {
    #[serde(default)]
    #[schema(default = "primary")]
    pub rank: PlacementRank,
    /// The setting as an organisation of the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// Its unique reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{1,6}$", example = "116936")]
    pub urn: Option<String>,
    /// Its UK provider reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^1[0-9]{7}$", example = "10001234")]
    pub ukprn: Option<String>,
    /// What it is, where it has no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting_type: Option<SettingType>,
    /// In the SEN unit of the setting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub sen_unit: bool,
    /// In the resourced provision of the setting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub resourced_provision: bool,
}

/// The child or young person left a setting for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacementEnded {
    #[serde(default)]
    #[schema(default = "primary")]
    pub rank: PlacementRank,
}

/// Direct payments began to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectPaymentsStarted {}

/// Direct payments were reviewed for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectPaymentsReviewed {}

/// Direct payments came to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectPaymentsEnded {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub reason: Option<String>,
}

/// What happened to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PlanFact {
    /// Work on the plan began.
    PlanDrafted(PlanDrafted),
    /// The plan was made.
    PlanMade(PlanMade),
    /// No plan will come of the draft.
    PlanDraftWithdrawn(PlanDraftWithdrawn),
    /// Amendments were proposed outside a review.
    AmendmentProposed(AmendmentProposed),
    /// The family commented on the proposed amendments.
    RepresentationsReceived(AmendmentRepresentationsReceived),
    /// The amended plan was sent.
    AmendedPlanSent(AmendedPlanSent),
    /// The family was told that the plan will not be amended after all.
    AmendmentAbandonedNotified(AmendmentAbandonedNotified),
    /// The family and the setting were consulted on ceasing.
    CeaseConsulted(CeaseConsulted),
    /// The family was told that the plan will be ceased.
    CeaseNotified(CeaseNotified),
    /// A mediation adviser issued a certificate on the decision to cease.
    CertificateIssued(CertificateIssued),
    /// The plan is kept after all.
    CeaseWithdrawn(CeaseWithdrawn),
    /// The plan is no longer maintained.
    Ceased(PlanCeased),
    /// The child or young person entered a setting.
    PlacementStarted(PlacementStarted),
    /// The child or young person left a setting for none.
    PlacementEnded(PlacementEnded),
    /// Direct payments began to be made.
    DirectPaymentsStarted(DirectPaymentsStarted),
    /// Direct payments were reviewed for the first time.
    DirectPaymentsReviewed(DirectPaymentsReviewed),
    /// Direct payments came to an end.
    DirectPaymentsEnded(DirectPaymentsEnded),
    /// An exception to a time limit was claimed.
    ExceptionClaimed(ExceptionClaimed),
}

impl ProcedureFact for PlanFact {
    fn event_type(&self) -> EventType {
        match self {
            PlanFact::PlanDrafted(_) => super::PLAN_DRAFTED,
            PlanFact::PlanMade(_) => super::PLAN_MADE,
            PlanFact::PlanDraftWithdrawn(_) => super::PLAN_DRAFT_WITHDRAWN,
            PlanFact::AmendmentProposed(_) => super::AMENDMENT_PROPOSED,
            PlanFact::RepresentationsReceived(_) => super::REPRESENTATIONS_RECEIVED,
            PlanFact::AmendedPlanSent(_) => super::AMENDED_PLAN_SENT,
            PlanFact::AmendmentAbandonedNotified(_) => super::AMENDMENT_ABANDONED_NOTIFIED,
            PlanFact::CeaseConsulted(_) => super::CEASE_CONSULTED,
            PlanFact::CeaseNotified(_) => super::CEASE_NOTIFIED,
            PlanFact::CertificateIssued(_) => super::CERTIFICATE_ISSUED,
            PlanFact::CeaseWithdrawn(_) => super::CEASE_WITHDRAWN,
            PlanFact::Ceased(_) => super::CEASED,
            PlanFact::PlacementStarted(_) => super::PLACEMENT_STARTED,
            PlanFact::PlacementEnded(_) => super::PLACEMENT_ENDED,
            PlanFact::DirectPaymentsStarted(_) => super::DIRECT_PAYMENTS_STARTED,
            PlanFact::DirectPaymentsReviewed(_) => super::DIRECT_PAYMENTS_REVIEWED,
            PlanFact::DirectPaymentsEnded(_) => super::DIRECT_PAYMENTS_ENDED,
            PlanFact::ExceptionClaimed(_) => super::EXCEPTION_CLAIMED,
        }
    }

    fn in_words(&self) -> String {
        let words = match self {
            PlanFact::PlanDrafted(_) => "work on the plan began",
            PlanFact::PlanMade(_) => "the plan was made",
            PlanFact::PlanDraftWithdrawn(_) => "the draft of the plan was withdrawn",
            PlanFact::AmendmentProposed(_) => "the proposed amendments were sent to the family",
            PlanFact::RepresentationsReceived(_) => AmendmentRepresentationsReceived::IN_WORDS,
            PlanFact::AmendedPlanSent(_) => AmendedPlanSent::IN_WORDS,
            PlanFact::AmendmentAbandonedNotified(_) => AmendmentAbandonedNotified::IN_WORDS,
            PlanFact::CeaseConsulted(_) => "the family was asked about ceasing the plan",
            PlanFact::CeaseNotified(_) => "the family was told that the plan will be ceased",
            PlanFact::CertificateIssued(_) => "a certificate of mediation was issued",
            PlanFact::CeaseWithdrawn(_) => "the family was told that the plan is kept after all",
            PlanFact::Ceased(_) => "the plan was ceased",
            PlanFact::PlacementStarted(_) => "the child or young person started at a setting",
            PlanFact::PlacementEnded(_) => "the child or young person left a setting",
            PlanFact::DirectPaymentsStarted(_) => "direct payments began",
            PlanFact::DirectPaymentsReviewed(_) => "the direct payments were reviewed",
            PlanFact::DirectPaymentsEnded(_) => "the direct payments ended",
            PlanFact::ExceptionClaimed(_) => ExceptionClaimed::IN_WORDS,
        };
        words.to_owned()
    }

    fn days_past(&self) -> Vec<(String, NaiveDate)> {
        match self {
            PlanFact::AmendedPlanSent(sent) => days_of_sending(&sent.recipients, sent.waiver.as_ref()),
            PlanFact::Ceased(PlanCeased {
                appeal_determined_on: Some(determined_on),
                ..
            }) => vec![("appeal_determined_on".to_owned(), *determined_on)],
            PlanFact::PlanDrafted(_)
            | PlanFact::PlanMade(_)
            | PlanFact::PlanDraftWithdrawn(_)
            | PlanFact::AmendmentProposed(_)
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
            | PlanFact::ExceptionClaimed(_) => Vec::new(),
        }
    }

    fn organisations(&self) -> Vec<(String, Uuid)> {
        match self {
            PlanFact::PlacementStarted(started) => {
                let named = started.organisation_id;
                named
                    .map(|id| ("organisation_id".to_owned(), id))
                    .into_iter()
                    .collect()
            }
            PlanFact::PlanDrafted(_)
            | PlanFact::PlanMade(_)
            | PlanFact::PlanDraftWithdrawn(_)
            | PlanFact::AmendmentProposed(_)
            | PlanFact::RepresentationsReceived(_)
            | PlanFact::AmendedPlanSent(_)
            | PlanFact::AmendmentAbandonedNotified(_)
            | PlanFact::CeaseConsulted(_)
            | PlanFact::CeaseNotified(_)
            | PlanFact::CertificateIssued(_)
            | PlanFact::CeaseWithdrawn(_)
            | PlanFact::Ceased(_)
            | PlanFact::PlacementEnded(_)
            | PlanFact::DirectPaymentsStarted(_)
            | PlanFact::DirectPaymentsReviewed(_)
            | PlanFact::DirectPaymentsEnded(_)
            | PlanFact::ExceptionClaimed(_) => Vec::new(),
        }
    }
}
