//! The rulebook: every time limit once, beside its citation, and every ground that excuses one.
//!
//! The table is data, one file of rows for each procedure. What starts, satisfies, cancels or reopens a clock is named by a [`Mark`],
//! which the procedures of `casework` report as they fold their events; no procedure knows a number.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::counting::{Counting, Due};
use super::reading::Readings;

mod assessment;
mod consultation;
mod plan;
mod review;

pub use self::assessment::{ASSESSMENT_RULES, DRAFT_PLAN_ADVICE};
pub use self::consultation::CONSULTATION_RULES;
pub use self::plan::PLAN_RULES;
pub use self::review::{
    EARLY_YEARS_END_AT_AGE, EARLY_YEARS_REVIEW, REVIEW_ADVICE, REVIEW_PREPARATION_FOR_ADULTHOOD,
    REVIEW_RULES, phase_transfers_due_in,
};

/// Whose duty a clock measures, and whose move a flag waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    LocalAuthority,
    EducationalPsychology,
    Health,
    SocialCare,
    EducationSetting,
    Family,
    MediationAdviser,
    Tribunal,
    Other,
}

impl Party {
    /// Who it is, in a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Party::LocalAuthority => "the local authority",
            Party::EducationalPsychology => "the educational psychology service",
            Party::Health => "the health service",
            Party::SocialCare => "social care",
            Party::EducationSetting => "the school or other setting",
            Party::Family => "the family",
            Party::MediationAdviser => "the mediation adviser",
            Party::Tribunal => "the Tribunal",
            Party::Other => "whoever was asked",
        }
    }
}

/// Whether a limit binds in law or is guidance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// Binding in law.
    Statutory,
    /// From the SEND Code of Practice or national practice.
    Guidance,
}

/// Whether the act must come by the date or may only come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The act is due on or before the date.
    NoLaterThan,
    /// The date is the last day of a window; the act is allowed from the next day.
    NoEarlierThan,
}

/// How well a rule has been checked against its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Checked against the text of the legislation or official document.
    Confirmed,
    /// Read in a secondary source.
    SecondarySource,
    /// Not yet confirmed against a text.
    Unconfirmed,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Provision {
    /// The statutory instrument or document.
    #[schema(example = "SI 2014/1530")]
    pub instrument: &'static str,
    /// The place in it.
    #[schema(example = "reg 5(1)")]
    pub reference: &'static str,
    /// How well the citation has been checked.
    pub confidence: Confidence,
}

/// The kinds of clock, one for each duty with a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Tell the family whether an assessment will be made.
    AssessDecision,
    /// Give the advice an authority asked for; one clock for each request.
    Advice,
    /// Decide whether to issue a plan; the milestone managers watch.
    PlanDecision,
    /// Tell the family that no plan will be issued.
    NoPlanNotice,
    /// The family's window to comment on a draft plan.
    DraftRepresentations,
    /// Reply to a consultation on being named in a plan; one clock for each consultation.
    SettingReply,
    /// Send the final plan.
    FinalPlan,
    /// Complete the review of a plan.
    ReviewDue,
    /// Give notice of the date of a review meeting.
    ReviewNotice,
    /// Circulate the advice before a review meeting.
    ReviewPapers,
    /// Send the report of a review meeting.
    ReviewReport,
    /// Tell the family what follows from a review.
    ReviewDecision,
    /// Send the proposed amendments.
    AmendmentNotice,
    /// The family's window to comment on proposed amendments.
    AmendmentRepresentations,
    /// Send the amended plan.
    AmendedPlan,
    /// Name the next setting in the plan before a change of phase.
    PhaseTransferPlan,
    /// Keep maintaining the plan until the time for an appeal has passed.
    CeaseHold,
    /// Review direct payments for the first time.
    DirectPaymentsReview,
}

impl ClockKind {
    /// Every kind, in the order a procedure meets them.
    pub const ALL: [ClockKind; 18] = [
        ClockKind::AssessDecision,
        ClockKind::Advice,
        ClockKind::PlanDecision,
        ClockKind::NoPlanNotice,
        ClockKind::DraftRepresentations,
        ClockKind::SettingReply,
        ClockKind::FinalPlan,
        ClockKind::ReviewDue,
        ClockKind::ReviewNotice,
        ClockKind::ReviewPapers,
        ClockKind::ReviewReport,
        ClockKind::ReviewDecision,
        ClockKind::AmendmentNotice,
        ClockKind::AmendmentRepresentations,
        ClockKind::AmendedPlan,
        ClockKind::PhaseTransferPlan,
        ClockKind::CeaseHold,
        ClockKind::DirectPaymentsReview,
    ];

    /// The name used in the API, in stores and in clock ids.
    pub fn name(self) -> &'static str {
        match self {
            ClockKind::AssessDecision => "assess_decision",
            ClockKind::Advice => "advice",
            ClockKind::PlanDecision => "plan_decision",
            ClockKind::NoPlanNotice => "no_plan_notice",
            ClockKind::DraftRepresentations => "draft_representations",
            ClockKind::SettingReply => "setting_reply",
            ClockKind::FinalPlan => "final_plan",
            ClockKind::ReviewDue => "review_due",
            ClockKind::ReviewNotice => "review_notice",
            ClockKind::ReviewPapers => "review_papers",
            ClockKind::ReviewReport => "review_report",
            ClockKind::ReviewDecision => "review_decision",
            ClockKind::AmendmentNotice => "amendment_notice",
            ClockKind::AmendmentRepresentations => "amendment_representations",
            ClockKind::AmendedPlan => "amended_plan",
            ClockKind::PhaseTransferPlan => "phase_transfer_plan",
            ClockKind::CeaseHold => "cease_hold",
            ClockKind::DirectPaymentsReview => "direct_payments_review",
        }
    }
}

/// A fact that the rulebook attaches consequences to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    RequestReceived,
    BecameResponsible,
    AssessDecisionNotified,
    AssessmentRefused,
    AssessmentResumed,
    IssueDecided,
    NoPlanNotified,
    /// A decision to issue a plan no longer stands; it will be taken again.
    PlanDecisionReopened,
    DraftServed,
    DraftWindowWaived,
    /// The plan went to somebody before the window had run.
    DraftWindowCutShort,
    FinalPlanSent,
    AdviceRequestReceived,
    AdviceRedirected,
    AdviceSubmitted,
    AdviceRequestEnded,
    SettingConsulted,
    SettingReplied,
    /// A neighbouring authority consults this one.
    ConsultationReceived,
    ConsultationAnswered,
    ReviewPeriodStarted,
    ReviewMeetingArranged,
    ReviewNoticeGiven,
    PapersCirculated,
    ReviewMeetingHeld,
    /// The same, for whoever has to write the report.
    ReviewReportOwed,
    ReviewReportSent,
    ReviewDecisionNotified,
    AmendmentDecided,
    AmendmentNoticeSent,
    AmendmentNoticeServed,
    /// The amendments that were decided or proposed will not be made.
    AmendmentAbandoned,
    AmendedPlanSent,
    /// The plan was amended from another cause than the review whose clocks hear it.
    PlanAmended,
    /// A move between phases before the end of secondary education.
    PhaseTransferExpected,
    /// The move from secondary education to a post-16 institution.
    PostSixteenTransferExpected,
    /// A move between post-16 institutions.
    LaterTransferExpected,
    /// Amendments were proposed outside a review and a re-assessment.
    OtherAmendmentProposed,
    OtherAmendmentServed,
    CeaseNotified,
    MediationCertificateIssued,
    CeaseWithdrawn,
    CeaseAppealDetermined,
    DirectPaymentsStarted,
    DirectPaymentsReviewed,
    DirectPaymentsEnded,
    ProcedureEnded,
}

/// The date of an event that a clock counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalDate {
    /// The day of the act.
    Occurred,
    Sent,
    Served,
    Received,
}

impl Mark {
    /// Which of its event's dates the law counts by.
    ///
    /// Time runs from receipt (reg 5(1)) and from service (reg 13(1)); a notice is given, and a plan
    /// sent, on the day of sending, never on the day of an internal decision.
    pub fn dated_by(self) -> LegalDate {
        match self {
            Mark::RequestReceived
            | Mark::AdviceRequestReceived
            | Mark::AdviceSubmitted
            | Mark::SettingConsulted
            | Mark::SettingReplied
            | Mark::ConsultationReceived => LegalDate::Received,
            Mark::AssessDecisionNotified
            | Mark::ConsultationAnswered
            | Mark::AssessmentRefused
            | Mark::IssueDecided
            | Mark::NoPlanNotified
            | Mark::DraftWindowCutShort
            | Mark::FinalPlanSent
            | Mark::ReviewNoticeGiven
            | Mark::PapersCirculated
            | Mark::ReviewReportSent
            | Mark::ReviewDecisionNotified
            | Mark::AmendmentDecided
            | Mark::AmendmentNoticeSent
            | Mark::AmendmentAbandoned
            | Mark::AmendedPlanSent
            | Mark::PlanAmended
            | Mark::OtherAmendmentProposed
            | Mark::CeaseNotified
            | Mark::CeaseWithdrawn => LegalDate::Sent,
            Mark::DraftServed | Mark::AmendmentNoticeServed | Mark::OtherAmendmentServed => LegalDate::Served,
            Mark::BecameResponsible
            | Mark::AssessmentResumed
            | Mark::PlanDecisionReopened
            | Mark::DraftWindowWaived
            | Mark::AdviceRedirected
            | Mark::AdviceRequestEnded
            | Mark::ReviewPeriodStarted
            | Mark::ReviewMeetingArranged
            | Mark::ReviewMeetingHeld
            | Mark::ReviewReportOwed
            | Mark::PhaseTransferExpected
            | Mark::PostSixteenTransferExpected
            | Mark::LaterTransferExpected
            | Mark::MediationCertificateIssued
            | Mark::CeaseAppealDetermined
            | Mark::DirectPaymentsStarted
            | Mark::DirectPaymentsReviewed
            | Mark::DirectPaymentsEnded
            | Mark::ProcedureEnded => LegalDate::Occurred,
        }
    }

    /// What the day is called that a period of weeks or days leaves out.
    pub fn first_day_in_words(self) -> &'static str {
        match self {
            Mark::ReviewMeetingHeld | Mark::ReviewReportOwed | Mark::AmendmentDecided => "day of the meeting",
            Mark::AmendmentNoticeSent | Mark::OtherAmendmentProposed => "day of sending",
            Mark::RequestReceived
            | Mark::BecameResponsible
            | Mark::AssessDecisionNotified
            | Mark::AssessmentRefused
            | Mark::AssessmentResumed
            | Mark::IssueDecided
            | Mark::NoPlanNotified
            | Mark::PlanDecisionReopened
            | Mark::DraftServed
            | Mark::DraftWindowWaived
            | Mark::DraftWindowCutShort
            | Mark::FinalPlanSent
            | Mark::AdviceRequestReceived
            | Mark::AdviceRedirected
            | Mark::AdviceSubmitted
            | Mark::AdviceRequestEnded
            | Mark::SettingConsulted
            | Mark::SettingReplied
            | Mark::ConsultationReceived
            | Mark::ConsultationAnswered
            | Mark::ReviewPeriodStarted
            | Mark::ReviewMeetingArranged
            | Mark::ReviewNoticeGiven
            | Mark::PapersCirculated
            | Mark::ReviewReportSent
            | Mark::ReviewDecisionNotified
            | Mark::AmendmentNoticeServed
            | Mark::AmendmentAbandoned
            | Mark::AmendedPlanSent
            | Mark::PlanAmended
            | Mark::PhaseTransferExpected
            | Mark::PostSixteenTransferExpected
            | Mark::LaterTransferExpected
            | Mark::OtherAmendmentServed
            | Mark::CeaseNotified
            | Mark::MediationCertificateIssued
            | Mark::CeaseWithdrawn
            | Mark::CeaseAppealDetermined
            | Mark::DirectPaymentsStarted
            | Mark::DirectPaymentsReviewed
            | Mark::DirectPaymentsEnded
            | Mark::ProcedureEnded => "day of receipt",
        }
    }

    /// The fact as the opening words of an explanation.
    pub fn in_words(self) -> &'static str {
        match self {
            Mark::RequestReceived => "Request received",
            Mark::BecameResponsible => "Authority became responsible",
            Mark::AssessDecisionNotified => "Decision on assessing notified",
            Mark::AssessmentRefused => "Assessment refused",
            Mark::AssessmentResumed => "Assessment resumed",
            Mark::IssueDecided => "Decision to issue a plan notified",
            Mark::NoPlanNotified => "Decision not to issue a plan notified",
            Mark::PlanDecisionReopened => "Decision on a plan to be taken again",
            Mark::DraftServed => "Draft plan served",
            Mark::DraftWindowWaived => "Rest of the window waived by the family",
            Mark::DraftWindowCutShort => "Final plan sent before the window had run",
            Mark::FinalPlanSent => "Final plan sent",
            Mark::AdviceRequestReceived => "Advice request received",
            Mark::AdviceRedirected => "Advice request redirected",
            Mark::AdviceSubmitted => "Advice submitted",
            Mark::AdviceRequestEnded => "Advice request ended",
            Mark::SettingConsulted => "Consultation received by the setting",
            Mark::SettingReplied => "Setting replied",
            Mark::ConsultationReceived => "Consultation received",
            Mark::ConsultationAnswered => "Consultation answered",
            Mark::ReviewPeriodStarted => "Plan made or last reviewed",
            Mark::ReviewMeetingArranged => "Review meeting arranged",
            Mark::ReviewNoticeGiven => "Notice of the review meeting given",
            Mark::PapersCirculated => "Papers for the review meeting circulated",
            Mark::ReviewMeetingHeld | Mark::ReviewReportOwed => "Review meeting held",
            Mark::ReviewReportSent => "Review report sent",
            Mark::ReviewDecisionNotified => "Decision on the review notified",
            Mark::AmendmentDecided => "Decision to amend the plan notified",
            Mark::AmendmentNoticeSent => "Proposed amendments sent",
            Mark::AmendmentNoticeServed => "Proposed amendments served",
            Mark::AmendmentAbandoned => "Decision not to amend after all notified",
            Mark::AmendedPlanSent | Mark::PlanAmended => "Amended plan sent",
            Mark::PhaseTransferExpected => "Transfer between phases expected",
            Mark::PostSixteenTransferExpected => "Transfer from secondary to post-16 education expected",
            Mark::LaterTransferExpected => "Transfer between post-16 institutions expected",
            Mark::OtherAmendmentProposed => "Proposed amendments sent",
            Mark::OtherAmendmentServed => "Proposed amendments served",
            Mark::CeaseNotified => "Decision to cease the plan notified",
            Mark::MediationCertificateIssued => "Certificate of mediation issued",
            Mark::CeaseWithdrawn => "Decision not to cease after all notified",
            Mark::CeaseAppealDetermined => "Appeal against ceasing determined",
            Mark::DirectPaymentsStarted => "Direct payments started",
            Mark::DirectPaymentsReviewed => "Direct payments reviewed",
            Mark::DirectPaymentsEnded => "Direct payments ended",
            Mark::ProcedureEnded => "Procedure ended",
        }
    }
}

/// A reason in law that excuses missing a limit. It never moves the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// A school or post-16 institution asked for advice was closed for long enough.
    SchoolClosed,
    /// An early years provider asked for advice was closed for long enough.
    EarlyYearsClosed,
    /// Exceptional personal circumstances in the period.
    PersonalCircumstances,
    /// Absence from the area for long enough in the period.
    Absent,
    /// The temporary rules of 2020.
    Coronavirus,
    /// The child or young person missed an appointment made by the body asked.
    MissedAppointment,
}

/// What a claim on a ground must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroundTest {
    /// Closed for at least this many days, and asked for advice in the time from `margin_days`
    /// before closing to `margin_days` before re-opening.
    Closure { at_least_days: i64, margin_days: u64 },
    /// Affected during the clock's period.
    DuringPeriod,
    /// Absent for at least this many consecutive days during the clock's period.
    Absence { at_least_days: i64 },
    /// The limit ran out within these dates, both included.
    DueBetween { first_on: NaiveDate, last_on: NaiveDate },
    /// An appointment within the clock's period is recorded as missed.
    MissedAppointment,
}

impl Ground {
    /// The test of the ground.
    pub fn test(self) -> GroundTest {
        match self {
            Ground::SchoolClosed | Ground::EarlyYearsClosed => GroundTest::Closure {
                at_least_days: 28,
                margin_days: 7,
            },
            Ground::PersonalCircumstances => GroundTest::DuringPeriod,
            Ground::Absent => GroundTest::Absence { at_least_days: 28 },
            Ground::Coronavirus => GroundTest::DueBetween {
                first_on: CORONAVIRUS_RULES_FROM,
                last_on: CORONAVIRUS_RULES_TO,
            },
            Ground::MissedAppointment => GroundTest::MissedAppointment,
        }
    }
}

/// A ground that one rule permits, with where the rule permits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermittedGround {
    pub ground: Ground,
    pub provision: Provision,
}

/// What takes a cancellation back, and which cancellations it can take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reopening {
    pub by: Mark,
    /// The marks that cancelled the clock.
    pub after: &'static [Mark],
}

/// The day that a period is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedFrom {
    /// That of the fact that starts the clock.
    Start,
    /// The day that this fact names, such as that of a meeting arranged.
    NamedDay,
    /// That of an earlier fact; where it is not on record, the clock is not there.
    Earlier(Mark),
}

/// A limit that the counted day never goes beyond, where the earlier fact is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OuterLimit {
    pub within: Counting,
    pub from: Mark,
    pub provision: Provision,
}

/// Another act that keeps a limit, with where the law asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherAct {
    /// What it is, as a noun: `the notice that …`.
    pub words: &'static str,
    pub provision: Provision,
}

/// One time limit.
#[derive(Debug)]
pub struct Rule {
    pub kind: ClockKind,
    /// What the bearer has to do, as an instruction.
    pub title: &'static str,
    /// Who owes the act, unless the occurrence that starts the clock says otherwise.
    pub bearer: Party,
    /// How strongly it binds, unless the occurrence that starts the clock says otherwise.
    pub force: Force,
    pub bound: Bound,
    pub counting: Counting,
    pub counted_from: CountedFrom,
    pub never_later_than: Option<OuterLimit>,
    pub starts: &'static [Mark],
    pub satisfied_by: &'static [Mark],
    pub cancelled_by: &'static [Mark],
    /// What takes a cancellation back; the original dates stay.
    pub reopened_by: &'static [Reopening],
    /// Which of an event's legal dates is meant, for people.
    pub satisfied_when: &'static str,
    pub exceptions: &'static [PermittedGround],
    pub provision: Provision,
    /// What else keeps it, where another provision asks for that.
    pub other_act: Option<OtherAct>,
    /// The first day on which the rule was law; the day a clock starts decides which rules it has.
    pub valid_from_on: NaiveDate,
    /// The last day on which it was, if it has ended.
    pub valid_to_on: Option<NaiveDate>,
}

impl Rule {
    /// Whether the rule is law for a clock that starts on a day.
    pub fn is_in_force(&self, on: NaiveDate) -> bool {
        self.valid_from_on <= on && self.valid_to_on.is_none_or(|last_on| on <= last_on)
    }

    /// The last day for a clock counted from a day, with its outer limit counted from another.
    pub fn due(
        &self,
        counted_from_on: NaiveDate,
        outer_from_on: Option<NaiveDate>,
        readings: &Readings,
    ) -> Due {
        let due = self.counting.due(counted_from_on, readings);
        match (self.never_later_than, outer_from_on) {
            (Some(outer), Some(outer_from_on)) => {
                let outer_due = outer.within.due(outer_from_on, readings);
                Due {
                    due_on: due.due_on.min(outer_due.due_on),
                    day_one_due_on: due.day_one_due_on.min(outer_due.day_one_due_on),
                }
            }
            (Some(_), None) | (None, _) => due,
        }
    }

    /// The rule's permission for a ground, if it has one.
    pub fn permits(&self, ground: Ground) -> Option<&'static PermittedGround> {
        self.exceptions
            .iter()
            .find(|permitted| permitted.ground == ground)
    }
}

/// A time after which something should be considered, that no limit is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guidance {
    pub from: Counting,
    pub words: &'static str,
    pub provision: Provision,
}

impl Guidance {
    /// The first day on which it should be considered, counted from a day.
    pub fn considered_from_on(&self, on: NaiveDate) -> NaiveDate {
        self.from.due(on, &Readings::default()).due_on
    }
}

/// The rule of a kind for a clock that started on a day; the newest where none was yet in force.
pub fn rule_for(kind: ClockKind, started_on: NaiveDate) -> Option<&'static Rule> {
    let of_kind = || rules().filter(|rule| rule.kind == kind);
    of_kind()
        .find(|rule| rule.is_in_force(started_on))
        .or_else(|| of_kind().next_back())
}

const CHILDREN_AND_FAMILIES_ACT: &str = "Children and Families Act 2014";
const SEND_REGULATIONS: &str = "SI 2014/1530";
const CODE_OF_PRACTICE: &str = "SEND Code of Practice 2015";
const PERSONAL_BUDGETS: &str = "SI 2014/1652";
const CORONAVIRUS_REGULATIONS: &str = "SI 2020/471";

const SEND_REGULATIONS_IN_FORCE: NaiveDate = civil(2014, 9, 1);
const CORONAVIRUS_RULES_FROM: NaiveDate = civil(2020, 5, 1);
const CORONAVIRUS_RULES_TO: NaiveDate = civil(2020, 9, 25);

const EACH_ROW_SAYS: Counting = Counting::Before;

/// What the rows of reviews and plans have in common unless they say otherwise.
const LIMIT: Rule = Rule {
    kind: ClockKind::AmendedPlan,
    title: "",
    bearer: Party::LocalAuthority,
    force: Force::Statutory,
    bound: Bound::NoLaterThan,
    counting: EACH_ROW_SAYS,
    counted_from: CountedFrom::Start,
    never_later_than: None,
    starts: &[],
    satisfied_by: &[],
    cancelled_by: &[Mark::ProcedureEnded],
    reopened_by: &[],
    satisfied_when: "",
    exceptions: &[],
    provision: Provision {
        instrument: SEND_REGULATIONS,
        reference: "",
        confidence: Confidence::Unconfirmed,
    },
    other_act: None,
    valid_from_on: SEND_REGULATIONS_IN_FORCE,
    valid_to_on: None,
};

/// Every time limit, by procedure.
static RULEBOOK: [&[Rule]; 4] = [ASSESSMENT_RULES, REVIEW_RULES, PLAN_RULES, CONSULTATION_RULES];

/// Every time limit of every procedure.
pub fn rules() -> impl DoubleEndedIterator<Item = &'static Rule> {
    RULEBOOK.into_iter().flatten()
}

/// The place of a rule among all rules; another version of the rulebook may give it another.
pub fn place_of(rule: &Rule) -> Option<usize> {
    let is_it = |other: &Rule| {
        other.kind == rule.kind && other.starts == rule.starts && other.valid_from_on == rule.valid_from_on
    };
    rules().position(is_it)
}

const fn provision(instrument: &'static str, reference: &'static str, confidence: Confidence) -> Provision {
    Provision {
        instrument,
        reference,
        confidence,
    }
}

const fn permitted(
    ground: Ground,
    instrument: &'static str,
    reference: &'static str,
    confidence: Confidence,
) -> PermittedGround {
    PermittedGround {
        ground,
        provision: provision(instrument, reference, confidence),
    }
}

const fn civil(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => panic!("the rulebook names a day that does not exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_of_each_kind_and_start_is_in_force_today_and_none_before_the_regulations() {
        for own in RULEBOOK {
            let of_rule = |rule: &'static Rule| rule.starts.iter().map(|start| (rule.kind, start));
            for (kind, start) in own.iter().flat_map(of_rule) {
                let is_it = |rule: &&Rule| rule.kind == kind && rule.starts.contains(start);
                let in_force = |on: NaiveDate| {
                    own.iter()
                        .filter(is_it)
                        .filter(|rule| rule.is_in_force(on))
                        .count()
                };
                assert_eq!(in_force(civil(2026, 1, 5)), 1, "{kind:?}");
                assert_eq!(in_force(civil(2014, 9, 1)), 1, "{kind:?}");
                assert_eq!(in_force(civil(2014, 8, 31)), 0, "{kind:?}");
            }
        }
    }

    /// One that several procedures have is found as the first of them.
    #[test]
    fn what_a_place_finds_reads_as_the_rule_whose_place_it_is() {
        let read = |rule: &Rule| {
            (
                rule.kind,
                rule.title,
                rule.bound,
                rule.satisfied_when,
                rule.provision,
            )
        };
        for rule in rules() {
            let found = place_of(rule).and_then(|place| rules().nth(place));
            assert_eq!(found.map(read), Some(read(rule)));
        }
    }

    #[test]
    fn nothing_ends_a_clock_that_cannot_start_it_elsewhere() {
        for rule in rules() {
            assert!(
                !rule.starts.is_empty() && !rule.satisfied_by.is_empty(),
                "{:?}",
                rule.kind
            );
            assert!(
                rule.satisfied_by
                    .iter()
                    .all(|mark| !rule.cancelled_by.contains(mark)),
                "{:?} cannot be satisfied and cancelled by one fact",
                rule.kind
            );
        }
    }
}
