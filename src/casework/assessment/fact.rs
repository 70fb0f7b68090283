//! What can happen in an assessment: the words of its events, as clients send and stores keep them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::casework::attendance::{Attended, Invited, organisations_in};
use crate::casework::claim::ExceptionClaimed;
use crate::casework::place::{PlaceAwaited, PlaceOffered, SettingConsulted, SettingReplied};
use crate::casework::procedure::{EventType, ProcedureFact};
use crate::casework::sending::{Recipient, Waiver, days_of_sending};
use crate::statute::calendar::in_words;
use crate::statute::rulebook::Party;

/// Who asked for the assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requester {
    Parent,
    YoungPerson,
    EducationSetting,
}

/// Who brought the child or young person to the authority's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BroughtBy {
    Health,
    SocialCare,
    EarlyYears,
    Other,
}

/// How something reached the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Post,
    Portal,
    Hand,
    Other,
}

/// Whether to assess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssessDecision {
    Assess,
    Refuse,
}

/// Whether to issue a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanDecision {
    Issue,
    NotIssue,
}

/// Why a draft plan was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DraftReason {
    /// The first draft; it opens the family's window.
    #[default]
    First,
    /// Changes the authority wants; they open a fresh window.
    AuthorityChanges,
    /// Changes the family asked for; the window is not reopened.
    RepresentationsAgreed,
}

/// Who withdrew the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnBy {
    Parent,
    YoungPerson,
    EducationSetting,
    LocalAuthority,
}

/// Why the assessment goes on. Further grounds come with disputes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResumptionBasis {
    /// The authority changed its mind; the original dates stand.
    AuthorityReconsidered,
}

/// Where the assessment goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResumptionOutcome {
    /// The assessment will be made.
    Assess,
    /// A plan will be made.
    MakePlan,
    /// The decision will be taken again.
    Reconsider,
}

/// A request for an assessment reached the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestReceived {
    /// Who asked.
    pub requested_by: Requester,
    /// How it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

/// The authority became responsible for a child or young person without a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BecameResponsible {
    /// Who brought them to its attention.
    pub brought_by: BroughtBy,
}

/// Another request came while one is open; it starts no clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FurtherRequestReceived {
    /// Who asked.
    pub requested_by: Requester,
}

/// The family was told whether an assessment will be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessDecisionNotified {
    /// What was decided.
    pub decision: AssessDecision,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    pub reasons: Option<String>,
    /// A reference to the notice sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub notice: Option<String>,
}

/// The family was told whether a plan will be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDecisionNotified {
    /// What was decided.
    pub decision: PlanDecision,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    pub reasons: Option<String>,
}

/// A date was set for a meeting of those who give advice. No time limit was found for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JointMeetingArranged {
    /// The day of the meeting.
    #[schema(example = "2026-03-04")]
    pub meeting_on: NaiveDate,
    /// Who was invited.
    #[schema(min_items = 1, max_items = 100)]
    pub invited: Vec<Invited>,
}

/// How one of those invited took part in a joint meeting, and the advice they gave there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JointAttendance {
    /// Who they are.
    pub party: Party,
    /// The organisation they speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// How they took part.
    pub attended: Attended,
    /// The request whose advice they gave at the meeting. Recording the meeting records its submission on that
    /// day; correcting the meeting changes no submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice_request_id: Option<Uuid>,
}

/// Those who give advice met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JointMeetingHeld {
    /// How those invited took part.
    #[schema(min_items = 1, max_items = 100)]
    pub attendance: Vec<JointAttendance>,
}

/// A draft plan was served on the family. It implies the decision to issue a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftPlanServed {
    /// Which version of the plan's content it is; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
    /// Why it was served; the first two reasons open a fresh window.
    #[serde(default)]
    #[schema(default = "first")]
    pub reason: DraftReason,
}

/// The family commented on the draft plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepresentationsReceived {}

/// The final plan was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FinalPlanSent {
    /// Which version of the plan's content it is; the newest if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub version: Option<i64>,
    /// Whom it was sent to and when; the limit is kept by the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, default = json!([]))]
    pub recipients: Vec<Recipient>,
    /// The family's waiver of the rest of its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
    /// The sender knows that the family's window has not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub sent_early_acknowledged: bool,
    /// Why the plan goes out without required advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    pub missing_advice_reason: Option<String>,
}

/// The request was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessmentWithdrawn {
    /// Who withdrew it.
    pub withdrawn_by: WithdrawnBy,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    pub reason: String,
}

/// The child or young person moved to another authority's area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedOut {
    /// The code of that authority.
    #[schema(pattern = "^[0-9]{3}$", example = "884")]
    pub to_la: String,
}

/// An assessment that was refused or withdrawn goes on, with its original dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessmentResumed {
    /// Why it goes on.
    pub basis: ResumptionBasis,
    /// Where it goes on.
    pub outcome: ResumptionOutcome,
    /// The dispute that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<Uuid>,
}

/// What happened in an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AssessmentFact {
    /// A request for an assessment reached the authority.
    RequestReceived(RequestReceived),
    /// The authority became responsible for a child or young person without a request.
    BecameResponsible(BecameResponsible),
    /// Another request came while one is open; it starts no clock.
    FurtherRequestReceived(FurtherRequestReceived),
    /// The family was told whether an assessment will be made.
    AssessDecisionNotified(AssessDecisionNotified),
    /// The family was told whether a plan will be issued.
    PlanDecisionNotified(PlanDecisionNotified),
    /// A date was set for a meeting of those who give advice.
    JointMeetingArranged(JointMeetingArranged),
    /// Those who give advice met.
    JointMeetingHeld(JointMeetingHeld),
    /// A draft plan was served on the family.
    DraftPlanServed(DraftPlanServed),
    /// The family commented on the draft plan.
    RepresentationsReceived(RepresentationsReceived),
    /// A setting was consulted on being named in the plan.
    SettingConsulted(SettingConsulted),
    /// A consulted setting answered.
    SettingReplied(SettingReplied),
    /// The child or young person is waiting for a place at a consulted setting.
    PlaceAwaited(PlaceAwaited),
    /// A consulted setting offered a place.
    PlaceOffered(PlaceOffered),
    /// The final plan was sent.
    FinalPlanSent(FinalPlanSent),
    /// The request was withdrawn.
    AssessmentWithdrawn(AssessmentWithdrawn),
    /// The child or young person moved to another authority's area.
    MovedOut(MovedOut),
    /// An assessment that was refused or withdrawn goes on.
    AssessmentResumed(AssessmentResumed),
    /// An exception to a time limit was claimed.
    ExceptionClaimed(ExceptionClaimed),
}

impl ProcedureFact for AssessmentFact {
    fn event_type(&self) -> EventType {
        match self {
            AssessmentFact::RequestReceived(_) => super::REQUEST_RECEIVED,
            AssessmentFact::BecameResponsible(_) => super::BECAME_RESPONSIBLE,
            AssessmentFact::FurtherRequestReceived(_) => super::FURTHER_REQUEST_RECEIVED,
            AssessmentFact::AssessDecisionNotified(_) => super::ASSESS_DECISION_NOTIFIED,
            AssessmentFact::PlanDecisionNotified(_) => super::PLAN_DECISION_NOTIFIED,
            AssessmentFact::JointMeetingArranged(_) => super::JOINT_MEETING_ARRANGED,
            AssessmentFact::JointMeetingHeld(_) => super::JOINT_MEETING_HELD,
            AssessmentFact::DraftPlanServed(_) => super::DRAFT_PLAN_SERVED,
            AssessmentFact::RepresentationsReceived(_) => super::REPRESENTATIONS_RECEIVED,
            AssessmentFact::SettingConsulted(_) => super::SETTING_CONSULTED,
            AssessmentFact::SettingReplied(_) => super::SETTING_REPLIED,
            AssessmentFact::PlaceAwaited(_) => super::PLACE_AWAITED,
            AssessmentFact::PlaceOffered(_) => super::PLACE_OFFERED,
            AssessmentFact::FinalPlanSent(_) => super::FINAL_PLAN_SENT,
            AssessmentFact::AssessmentWithdrawn(_) => super::ASSESSMENT_WITHDRAWN,
            AssessmentFact::MovedOut(_) => super::MOVED_OUT,
            AssessmentFact::AssessmentResumed(_) => super::ASSESSMENT_RESUMED,
            AssessmentFact::ExceptionClaimed(_) => super::EXCEPTION_CLAIMED,
        }
    }

    fn in_words(&self) -> String {
        let words = match self {
            AssessmentFact::RequestReceived(received) => match received.requested_by {
                Requester::Parent => "a parent asked for an assessment",
                Requester::YoungPerson => "the young person asked for an assessment",
                Requester::EducationSetting => "a school or other setting asked for an assessment",
            },
            AssessmentFact::BecameResponsible(_) => "the local authority became responsible",
            AssessmentFact::FurtherRequestReceived(_) => "an assessment was asked for again",
            AssessmentFact::AssessDecisionNotified(notified) => match notified.decision {
                AssessDecision::Assess => "the family was told that an assessment will be made",
                AssessDecision::Refuse => "the family was told that no assessment will be made",
            },
            AssessmentFact::PlanDecisionNotified(notified) => match notified.decision {
                PlanDecision::Issue => "the family was told that a plan will be made",
                PlanDecision::NotIssue => "the family was told that no plan will be made",
            },
            AssessmentFact::JointMeetingArranged(arranged) => {
                let meeting_on = in_words(arranged.meeting_on);
                return format!("a meeting of those who give advice was arranged for {meeting_on}");
            }
            AssessmentFact::JointMeetingHeld(_) => "those who give advice met",
            AssessmentFact::DraftPlanServed(served) => match served.reason {
                DraftReason::First => "the draft plan was sent to the family",
                DraftReason::AuthorityChanges => {
                    "the draft plan was sent to the family again, with changes by the local authority"
                }
                DraftReason::RepresentationsAgreed => {
                    "the draft plan was sent to the family again, with changes that it had asked for"
                }
            },
            AssessmentFact::RepresentationsReceived(_) => "the family commented on the draft plan",
            AssessmentFact::SettingConsulted(_) => SettingConsulted::IN_WORDS,
            AssessmentFact::SettingReplied(_) => SettingReplied::IN_WORDS,
            AssessmentFact::PlaceAwaited(_) => PlaceAwaited::IN_WORDS,
            AssessmentFact::PlaceOffered(_) => PlaceOffered::IN_WORDS,
            AssessmentFact::FinalPlanSent(_) => "the final plan was sent",
            AssessmentFact::AssessmentWithdrawn(_) => "the request for an assessment was withdrawn",
            AssessmentFact::MovedOut(_) => "the child or young person moved to another authority's area",
            AssessmentFact::AssessmentResumed(_) => "the assessment was taken up again",
            AssessmentFact::ExceptionClaimed(_) => ExceptionClaimed::IN_WORDS,
        };
        words.to_owned()
    }

    fn days_past(&self) -> Vec<(String, NaiveDate)> {
        match self {
            AssessmentFact::FinalPlanSent(sent) => days_of_sending(&sent.recipients, sent.waiver.as_ref()),
            AssessmentFact::PlaceAwaited(awaited) => vec![("since_on".to_owned(), awaited.since_on)],
            AssessmentFact::RequestReceived(_)
            | AssessmentFact::BecameResponsible(_)
            | AssessmentFact::FurtherRequestReceived(_)
            | AssessmentFact::AssessDecisionNotified(_)
            | AssessmentFact::PlanDecisionNotified(_)
            | AssessmentFact::JointMeetingArranged(_)
            | AssessmentFact::JointMeetingHeld(_)
            | AssessmentFact::DraftPlanServed(_)
            | AssessmentFact::RepresentationsReceived(_)
            | AssessmentFact::SettingConsulted(_)
            | AssessmentFact::SettingReplied(_)
            | AssessmentFact::PlaceOffered(_)
            | AssessmentFact::AssessmentWithdrawn(_)
            | AssessmentFact::MovedOut(_)
            | AssessmentFact::AssessmentResumed(_)
            | AssessmentFact::ExceptionClaimed(_) => Vec::new(),
        }
    }

    fn organisations(&self) -> Vec<(String, Uuid)> {
        let at_its_field = |organisation_id| ("organisation_id".to_owned(), organisation_id);
        match self {
            AssessmentFact::SettingConsulted(consulted) => vec![at_its_field(consulted.organisation_id)],
            AssessmentFact::SettingReplied(replied) => {
                replied.organisation_id.map(at_its_field).into_iter().collect()
            }
            AssessmentFact::JointMeetingArranged(arranged) => {
                organisations_in("invited", arranged.invited.iter().map(|who| who.organisation_id))
            }
            AssessmentFact::JointMeetingHeld(held) => organisations_in(
                "attendance",
                held.attendance.iter().map(|who| who.organisation_id),
            ),
            AssessmentFact::RequestReceived(_)
            | AssessmentFact::BecameResponsible(_)
            | AssessmentFact::FurtherRequestReceived(_)
            | AssessmentFact::AssessDecisionNotified(_)
            | AssessmentFact::PlanDecisionNotified(_)
            | AssessmentFact::DraftPlanServed(_)
            | AssessmentFact::RepresentationsReceived(_)
            | AssessmentFact::PlaceAwaited(_)
            | AssessmentFact::PlaceOffered(_)
            | AssessmentFact::FinalPlanSent(_)
            | AssessmentFact::AssessmentWithdrawn(_)
            | AssessmentFact::MovedOut(_)
            | AssessmentFact::AssessmentResumed(_)
            | AssessmentFact::ExceptionClaimed(_) => Vec::new(),
        }
    }
}
