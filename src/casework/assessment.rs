//! The EHC needs assessment: its events, states and transitions (CFA 2014 s.36, SEND Regulations
//! 2014 Part 2).
//!
//! [`permitted`] is the table of what may happen in which state; [`apply`] is the one transition.
//! What a fact does to clocks is the rulebook's business: this file only reports marks.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::advice::AdviceFact;
use super::event::{Event, EventType, Fact};
use super::flag::{FlagCode, FlagSubject};
use super::timeline::{Ledger, Reason};
use crate::statute::exception::Claim;
use crate::statute::rulebook::{ClockKind, Ground, Mark};

/// Where an assessment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentState {
    /// A request is in; whether to assess is not decided.
    ConsideringRequest,
    /// It was decided to assess; advice is being sought.
    Assessing,
    /// It was decided not to assess.
    AssessmentRefused,
    /// It was decided to issue a plan; the draft is being written.
    Drafting,
    /// A draft plan is with the family.
    DraftServed,
    /// The final plan was sent.
    PlanIssued,
    /// It was decided not to issue a plan.
    PlanRefused,
    /// The request was withdrawn.
    Withdrawn,
    /// The child or young person moved to another authority.
    MovedOut,
    /// The case was closed while the assessment was open.
    Closed,
    /// Opened in error: its first event was voided.
    Void,
}

impl AssessmentState {
    pub const ALL: [AssessmentState; 11] = [
        AssessmentState::ConsideringRequest,
        AssessmentState::Assessing,
        AssessmentState::AssessmentRefused,
        AssessmentState::Drafting,
        AssessmentState::DraftServed,
        AssessmentState::PlanIssued,
        AssessmentState::PlanRefused,
        AssessmentState::Withdrawn,
        AssessmentState::MovedOut,
        AssessmentState::Closed,
        AssessmentState::Void,
    ];

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            AssessmentState::ConsideringRequest => "considering_request",
            AssessmentState::Assessing => "assessing",
            AssessmentState::AssessmentRefused => "assessment_refused",
            AssessmentState::Drafting => "drafting",
            AssessmentState::DraftServed => "draft_served",
            AssessmentState::PlanIssued => "plan_issued",
            AssessmentState::PlanRefused => "plan_refused",
            AssessmentState::Withdrawn => "withdrawn",
            AssessmentState::MovedOut => "moved_out",
            AssessmentState::Closed => "closed",
            AssessmentState::Void => "void",
        }
    }

    /// Whether the authority still owes the family an answer.
    pub fn is_open(self) -> bool {
        match self {
            AssessmentState::ConsideringRequest
            | AssessmentState::Assessing
            | AssessmentState::Drafting
            | AssessmentState::DraftServed => true,
            AssessmentState::AssessmentRefused
            | AssessmentState::PlanIssued
            | AssessmentState::PlanRefused
            | AssessmentState::Withdrawn
            | AssessmentState::MovedOut
            | AssessmentState::Closed
            | AssessmentState::Void => false,
        }
    }
}

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

/// What a setting said to being named in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingAnswer {
    CanMeet,
    Conditional,
    CannotMeet,
}

/// Whom the final plan was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipientRole {
    Family,
    Setting,
    CommissioningBody,
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

/// A recipient of the final plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recipient {
    /// Whom it was sent to.
    pub role: RecipientRole,
    /// The day it was sent to them.
    pub sent_on: NaiveDate,
}

/// The family's waiver of the rest of its window on the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiver {
    /// Who gave it.
    pub given_by: WaivedBy,
    /// The day it was given.
    pub given_on: NaiveDate,
}

/// Who can waive the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaivedBy {
    Parent,
    YoungPerson,
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

/// A draft plan was served on the family. It implies the decision to issue a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftPlanServed {
    /// Why it was served; the first two reasons open a fresh window.
    #[serde(default)]
    #[schema(default = "first")]
    pub reason: DraftReason,
}

/// The family commented on the draft plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepresentationsReceived {}

/// A setting was consulted on being named in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingConsulted {
    /// The caller's id of the consultation, unique within the assessment.
    pub consultation_id: Uuid,
    /// The setting.
    pub organisation_id: Uuid,
}

/// A consulted setting answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingReplied {
    /// The consultation it answers.
    pub consultation_id: Uuid,
    /// The setting, if it is to be stated again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// The answer.
    pub reply: SettingAnswer,
    /// Why it cannot meet need; required with that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000)]
    pub ground: Option<String>,
}

/// The final plan was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FinalPlanSent {
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
    #[schema(min_items = 1)]
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
    /// A draft plan was served on the family.
    DraftPlanServed(DraftPlanServed),
    /// The family commented on the draft plan.
    RepresentationsReceived(RepresentationsReceived),
    /// A setting was consulted on being named in the plan.
    SettingConsulted(SettingConsulted),
    /// A consulted setting answered.
    SettingReplied(SettingReplied),
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

impl AssessmentFact {
    pub fn event_type(&self) -> EventType {
        match self {
            AssessmentFact::RequestReceived(_) => EventType::RequestReceived,
            AssessmentFact::BecameResponsible(_) => EventType::BecameResponsible,
            AssessmentFact::FurtherRequestReceived(_) => EventType::FurtherRequestReceived,
            AssessmentFact::AssessDecisionNotified(_) => EventType::AssessDecisionNotified,
            AssessmentFact::PlanDecisionNotified(_) => EventType::PlanDecisionNotified,
            AssessmentFact::DraftPlanServed(_) => EventType::DraftPlanServed,
            AssessmentFact::RepresentationsReceived(_) => EventType::RepresentationsReceived,
            AssessmentFact::SettingConsulted(_) => EventType::SettingConsulted,
            AssessmentFact::SettingReplied(_) => EventType::SettingReplied,
            AssessmentFact::FinalPlanSent(_) => EventType::FinalPlanSent,
            AssessmentFact::AssessmentWithdrawn(_) => EventType::AssessmentWithdrawn,
            AssessmentFact::MovedOut(_) => EventType::MovedOut,
            AssessmentFact::AssessmentResumed(_) => EventType::AssessmentResumed,
            AssessmentFact::ExceptionClaimed(_) => EventType::ExceptionClaimed,
        }
    }
}

/// Where a type stands among the events of one day.
///
/// Acts on advice share a rank, since a submission, its return and the next submission may all
/// fall on one day; the order of recording then decides.
pub fn rank(event_type: EventType) -> u8 {
    match event_type {
        EventType::RequestReceived | EventType::BecameResponsible => 0,
        EventType::FurtherRequestReceived => 1,
        EventType::AssessDecisionNotified => 2,
        // A resumption comes before what follows from it on its day, such as new requests for advice.
        EventType::AssessmentResumed => 3,
        EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceSubmitted
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed => 4,
        EventType::PlanDecisionNotified => 5,
        EventType::DraftPlanServed => 6,
        EventType::SettingConsulted => 7,
        EventType::SettingReplied => 8,
        EventType::RepresentationsReceived => 9,
        EventType::ExceptionClaimed => 10,
        EventType::FinalPlanSent => 11,
        EventType::AssessmentWithdrawn => 12,
        EventType::MovedOut => 13,
        EventType::CaseClosed => 14,
        EventType::Correction => 15,
    }
}

/// The event types that may be recorded on an assessment as such, not through its advice.
pub const RECORDED_TYPES: [EventType; 14] = [
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
];

/// The fields an event of a type must have beside its type and day.
pub fn required_fields(event_type: EventType) -> &'static [&'static str] {
    match event_type {
        EventType::RequestReceived | EventType::FurtherRequestReceived => &["requested_by"],
        EventType::BecameResponsible => &["brought_by"],
        EventType::AssessDecisionNotified | EventType::PlanDecisionNotified => &["decision"],
        EventType::SettingConsulted => &["consultation_id", "organisation_id"],
        EventType::SettingReplied => &["consultation_id", "reply"],
        EventType::AssessmentWithdrawn => &["withdrawn_by", "reason"],
        EventType::MovedOut => &["to_la"],
        EventType::AssessmentResumed => &["basis", "outcome"],
        EventType::ExceptionClaimed => &["ground", "from", "to", "clocks"],
        EventType::DraftPlanServed
        | EventType::RepresentationsReceived
        | EventType::FinalPlanSent
        | EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceSubmitted
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed
        | EventType::CaseClosed
        | EventType::Correction => &[],
    }
}

/// Whether an event of a type may happen in a state; before the opening there is none.
pub fn permitted(state: Option<AssessmentState>, event_type: EventType) -> bool {
    use AssessmentState::*;
    let Some(state) = state else {
        return matches!(
            event_type,
            EventType::RequestReceived | EventType::BecameResponsible
        );
    };
    match event_type {
        EventType::RequestReceived | EventType::BecameResponsible => false,
        EventType::AssessDecisionNotified => state == ConsideringRequest,
        EventType::PlanDecisionNotified | EventType::DraftPlanServed => {
            matches!(state, Assessing | Drafting | DraftServed)
        }
        EventType::RepresentationsReceived | EventType::FinalPlanSent => state == DraftServed,
        EventType::SettingConsulted | EventType::SettingReplied => matches!(state, Drafting | DraftServed),
        EventType::AssessmentResumed => matches!(state, AssessmentRefused | PlanRefused | Withdrawn),
        EventType::FurtherRequestReceived
        | EventType::AssessmentWithdrawn
        | EventType::MovedOut
        | EventType::ExceptionClaimed => state.is_open(),
        // It also ends the advice still owed to a plan that was sent.
        EventType::CaseClosed => !matches!(state, Closed | Void),
        EventType::AdviceSubmitted => state != Void,
        EventType::AdviceRequested
        | EventType::AdviceAcknowledged
        | EventType::AdviceReturned
        | EventType::AdviceAccepted
        | EventType::AdviceDeclined
        | EventType::AdviceRedirected
        | EventType::AdviceWithdrawn
        | EventType::AdviceAppointment
        | EventType::AdviceExceptionClaimed
        | EventType::ExistingAdviceAgreed => match state {
            ConsideringRequest | Assessing | Drafting | DraftServed | PlanIssued | MovedOut => true,
            AssessmentRefused | PlanRefused | Withdrawn | Closed | Void => false,
        },
        // Corrections act on what is known and are never folded.
        EventType::Correction => false,
    }
}

/// Applies one event to a state: reports its marks and gives the next state, or says why not.
pub fn apply(
    state: Option<AssessmentState>,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    if !permitted(state, event.fact.event_type()) {
        return Err(if state.is_none() {
            Reason::NotAnOpening
        } else {
            Reason::NotPermitted
        });
    }
    match &event.fact {
        Fact::Assessment(fact) => apply_fact(state, fact, event, ledger),
        Fact::Advice(fact) => apply_advice(state, fact, event, ledger),
        Fact::CaseClosed(_) => {
            let over = state.filter(|state| !state.is_open());
            Ok(end(over.unwrap_or(AssessmentState::Closed), event, ledger))
        }
    }
}

fn apply_advice(
    state: Option<AssessmentState>,
    fact: &AdviceFact,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    ledger.apply_advice(fact, event)?;
    state.ok_or(Reason::NotAnOpening)
}

fn apply_fact(
    state: Option<AssessmentState>,
    fact: &AssessmentFact,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    let same = state.ok_or(Reason::NotAnOpening);
    match fact {
        AssessmentFact::RequestReceived(_) => {
            ledger.mark(Mark::RequestReceived, event);
            Ok(AssessmentState::ConsideringRequest)
        }
        AssessmentFact::BecameResponsible(_) => {
            ledger.mark(Mark::BecameResponsible, event);
            Ok(AssessmentState::ConsideringRequest)
        }
        AssessmentFact::FurtherRequestReceived(_) => same,
        AssessmentFact::AssessDecisionNotified(notified) => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            match notified.decision {
                AssessDecision::Assess => {
                    ledger.seek_advice(event);
                    Ok(AssessmentState::Assessing)
                }
                AssessDecision::Refuse => {
                    ledger.mark(Mark::AssessmentRefused, event);
                    ledger.stop_advice(event);
                    Ok(AssessmentState::AssessmentRefused)
                }
            }
        }
        AssessmentFact::PlanDecisionNotified(notified) => match notified.decision {
            PlanDecision::Issue => {
                ledger.mark(Mark::IssueDecided, event);
                ledger.plan_without_advice(event);
                Ok(AssessmentState::Drafting)
            }
            PlanDecision::NotIssue => {
                ledger.mark(Mark::NoPlanNotified, event);
                ledger.no_plan_decided(event);
                ledger.stop_advice(event);
                Ok(AssessmentState::PlanRefused)
            }
        },
        AssessmentFact::DraftPlanServed(served) => {
            ledger.mark(Mark::IssueDecided, event);
            ledger.plan_without_advice(event);
            match served.reason {
                // There are no representations on a draft that nobody has seen: the family has its window.
                DraftReason::RepresentationsAgreed if ledger.clocks.newest_window().is_some() => {}
                DraftReason::First | DraftReason::AuthorityChanges | DraftReason::RepresentationsAgreed => {
                    ledger.mark(Mark::DraftServed, event);
                }
            }
            Ok(AssessmentState::DraftServed)
        }
        AssessmentFact::RepresentationsReceived(_) => same,
        AssessmentFact::SettingConsulted(consulted) => {
            if !ledger.consult(consulted.consultation_id) {
                return Err(Reason::ConsultationRepeated);
            }
            ledger.mark_about(
                Mark::SettingConsulted,
                event,
                Some(consulted.consultation_id),
                None,
            );
            same
        }
        AssessmentFact::SettingReplied(replied) => {
            if !ledger.is_consulted(replied.consultation_id) {
                return Err(Reason::ConsultationUnknown);
            }
            ledger.mark_about(Mark::SettingReplied, event, Some(replied.consultation_id), None);
            same
        }
        AssessmentFact::FinalPlanSent(sent) => send_final_plan(sent, event, ledger),
        AssessmentFact::AssessmentWithdrawn(_) => Ok(end(AssessmentState::Withdrawn, event, ledger)),
        AssessmentFact::MovedOut(_) => Ok(end(AssessmentState::MovedOut, event, ledger)),
        AssessmentFact::AssessmentResumed(resumed) => resume(same?, resumed, event, ledger),
        AssessmentFact::ExceptionClaimed(claimed) => {
            ledger.clocks.claim(claim_of(claimed, event));
            same
        }
    }
}

fn send_final_plan(
    sent: &FinalPlanSent,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    let sent_on = match sent.recipients.iter().map(|recipient| recipient.sent_on).max() {
        Some(last_sent_on) => last_sent_on,
        None => event.dated(Mark::FinalPlanSent.dated_by()),
    };
    // The first sending is what a family whose window is open would complain of.
    let first_sent_on = sent
        .recipients
        .iter()
        .map(|recipient| recipient.sent_on)
        .min()
        .unwrap_or(sent_on);
    if let Some(waived_on) = waived_on(sent, first_sent_on, ledger) {
        ledger.mark_dated(Mark::DraftWindowWaived, event, waived_on, None, None);
    }
    let window_ends_on = ledger
        .clocks
        .newest_window()
        .map(|window| window.due_on)
        .filter(|ends_on| first_sent_on <= *ends_on);
    if event.fresh {
        let unacknowledged = window_ends_on.filter(|_| !sent.sent_early_acknowledged);
        let outstanding = match sent.missing_advice_reason {
            Some(_) => Vec::new(),
            None => ledger.required_and_outstanding(event.occurred_on),
        };
        if unacknowledged.is_some() || !outstanding.is_empty() {
            return Err(Reason::PlanNotReady {
                window_ends_on: unacknowledged,
                outstanding,
            });
        }
    }
    if window_ends_on.is_some() {
        ledger.flags.raise(
            FlagCode::DraftWindowCutShort,
            FlagSubject::default(),
            event.occurred_on,
            None,
        );
        ledger.mark_dated(Mark::DraftWindowCutShort, event, first_sent_on, None, None);
    }
    ledger.mark_dated(Mark::FinalPlanSent, event, sent_on, None, None);
    ledger.plan_sent(event);
    Ok(AssessmentState::PlanIssued)
}

/// The day the family waived the rest of its newest window. What it said before that window opened
/// was about another, and what it said after the plan had gone out could not let it go.
fn waived_on(sent: &FinalPlanSent, first_sent_on: NaiveDate, ledger: &Ledger<'_>) -> Option<NaiveDate> {
    let window = ledger.clocks.newest_window()?;
    sent.waiver
        .as_ref()
        .map(|waiver| waiver.given_on)
        .filter(|given_on| window.started_on <= *given_on && *given_on <= first_sent_on)
}

fn resume(
    from: AssessmentState,
    resumed: &AssessmentResumed,
    event: &Event,
    ledger: &mut Ledger<'_>,
) -> Result<AssessmentState, Reason> {
    ledger.mark(Mark::AssessmentResumed, event);
    ledger.resume_advice(event);
    Ok(match resumed.outcome {
        ResumptionOutcome::Assess => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            ledger.seek_advice(event);
            reopen_plan_decision(AssessmentState::Assessing, event, ledger)
        }
        ResumptionOutcome::MakePlan => {
            ledger.mark(Mark::AssessDecisionNotified, event);
            ledger.seek_advice(event);
            ledger.mark(Mark::IssueDecided, event);
            ledger.plan_without_advice(event);
            AssessmentState::Drafting
        }
        ResumptionOutcome::Reconsider if from == AssessmentState::PlanRefused => {
            reopen_plan_decision(AssessmentState::Assessing, event, ledger)
        }
        ResumptionOutcome::Reconsider => {
            reopen_plan_decision(AssessmentState::ConsideringRequest, event, ledger)
        }
    })
}

/// Whether to issue a plan will be decided again, if it was decided at all.
fn reopen_plan_decision(state: AssessmentState, event: &Event, ledger: &mut Ledger<'_>) -> AssessmentState {
    ledger.mark(Mark::PlanDecisionReopened, event);
    ledger.no_plan_decided(event);
    state
}

fn end(state: AssessmentState, event: &Event, ledger: &mut Ledger<'_>) -> AssessmentState {
    ledger.mark(Mark::ProcedureEnded, event);
    ledger.stop_advice(event);
    state
}

fn claim_of(claimed: &ExceptionClaimed, event: &Event) -> Claim {
    Claim {
        event_id: event.id,
        occurred_on: event.occurred_on,
        ground: claimed.ground.into(),
        clocks: claimed.clocks.clone(),
        subject: None,
        from_on: claimed.from,
        to_on: claimed.to,
        closed_from_on: claimed.closed_from,
        reopens_on: claimed.reopens_on,
        advice_requested_on: claimed.advice_requested_on,
        causal_link: claimed.causal_link.clone(),
    }
}
