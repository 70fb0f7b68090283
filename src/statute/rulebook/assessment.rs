//! The time limits of an EHC needs assessment (SEND Regulations 2014 Part 2).
//!
//! Rows only: what their columns mean is in `rulebook`, whose `rules` is the one reader beside the
//! assessment itself.

use super::{
    Bound, CODE_OF_PRACTICE, CORONAVIRUS_REGULATIONS, ClockKind, Confidence, CountedFrom, Force, Ground,
    Mark, Party, PermittedGround, Provision, Reopening, Rule, SEND_REGULATIONS, SEND_REGULATIONS_IN_FORCE,
    permitted, provision,
};
use crate::statute::counting::Counting;

const CORONAVIRUS: PermittedGround = permitted(
    Ground::Coronavirus,
    CORONAVIRUS_REGULATIONS,
    "reg 2A of SI 2014/1530 as inserted",
    Confidence::SecondarySource,
);

/// Where the law sends the advice to the family: with the draft plan.
pub const DRAFT_PLAN_ADVICE: Provision = provision(SEND_REGULATIONS, "reg 13(1)", Confidence::Confirmed);

/// The marks that stop whatever an assessment still had running.
const ASSESSMENT_STOPS: &[Mark] = &[
    Mark::AssessmentRefused,
    Mark::NoPlanNotified,
    Mark::ProcedureEnded,
];

/// An assessment that goes on owes again what it owed when it stopped.
const RESUMED: Reopening = Reopening {
    by: Mark::AssessmentResumed,
    after: ASSESSMENT_STOPS,
};

/// Every time limit of an EHC needs assessment.
pub static ASSESSMENT_RULES: &[Rule] = &[
    Rule {
        kind: ClockKind::AssessDecision,
        title: "Tell the family whether an assessment will be made",
        bearer: Party::LocalAuthority,
        force: Force::Statutory,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinWeeks(6),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::RequestReceived, Mark::BecameResponsible],
        satisfied_by: &[Mark::AssessDecisionNotified],
        cancelled_by: &[Mark::ProcedureEnded],
        reopened_by: &[RESUMED],
        satisfied_when: "the day the notice was sent; a decision not yet notified does not count",
        exceptions: &[
            permitted(
                Ground::SchoolClosed,
                SEND_REGULATIONS,
                "reg 5(4)(a)",
                Confidence::Confirmed,
            ),
            permitted(
                Ground::EarlyYearsClosed,
                SEND_REGULATIONS,
                "reg 5(4)(b)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::PersonalCircumstances,
                SEND_REGULATIONS,
                "reg 5(4)(c)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::Absent,
                SEND_REGULATIONS,
                "reg 5(4)(d)",
                Confidence::SecondarySource,
            ),
            CORONAVIRUS,
        ],
        provision: provision(SEND_REGULATIONS, "reg 5(1)", Confidence::Confirmed),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::Advice,
        title: "Give the advice that was asked for",
        bearer: Party::Other,
        force: Force::Statutory,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinWeeks(6),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::AdviceRequestReceived],
        satisfied_by: &[Mark::AdviceSubmitted],
        cancelled_by: &[
            Mark::AdviceRequestEnded,
            Mark::AssessmentRefused,
            Mark::NoPlanNotified,
            Mark::ProcedureEnded,
        ],
        reopened_by: &[
            RESUMED,
            Reopening {
                by: Mark::AdviceRedirected,
                after: &[Mark::AdviceRequestEnded],
            },
        ],
        satisfied_when: "the day the authority received the first complete submission",
        exceptions: &[
            permitted(
                Ground::PersonalCircumstances,
                SEND_REGULATIONS,
                "reg 8(2)(a)",
                Confidence::Unconfirmed,
            ),
            permitted(
                Ground::Absent,
                SEND_REGULATIONS,
                "reg 8(2)(b)",
                Confidence::Unconfirmed,
            ),
            permitted(
                Ground::MissedAppointment,
                SEND_REGULATIONS,
                "reg 8(2)(c)",
                Confidence::SecondarySource,
            ),
            CORONAVIRUS,
        ],
        provision: provision(SEND_REGULATIONS, "reg 8(1)", Confidence::SecondarySource),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::PlanDecision,
        title: "Decide whether to issue a plan",
        bearer: Party::LocalAuthority,
        force: Force::Guidance,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinWeeks(16),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::RequestReceived, Mark::BecameResponsible],
        satisfied_by: &[Mark::IssueDecided, Mark::NoPlanNotified],
        cancelled_by: &[Mark::AssessmentRefused, Mark::ProcedureEnded],
        reopened_by: &[RESUMED],
        satisfied_when: "the day the notice was sent, or the draft plan served without one",
        exceptions: &[],
        provision: provision(CODE_OF_PRACTICE, "paras 9.41-9.44", Confidence::Unconfirmed),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::NoPlanNotice,
        title: "Tell the family if no plan will be issued",
        bearer: Party::LocalAuthority,
        force: Force::Statutory,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinWeeks(16),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::RequestReceived, Mark::BecameResponsible],
        satisfied_by: &[Mark::NoPlanNotified],
        cancelled_by: &[Mark::IssueDecided, Mark::AssessmentRefused, Mark::ProcedureEnded],
        reopened_by: &[
            RESUMED,
            Reopening {
                by: Mark::PlanDecisionReopened,
                after: &[Mark::IssueDecided],
            },
            // A plan decided and then refused: its notice is judged by the date it always had.
            Reopening {
                by: Mark::NoPlanNotified,
                after: &[Mark::IssueDecided],
            },
        ],
        satisfied_when: "the day the notice was sent",
        exceptions: &[
            permitted(
                Ground::SchoolClosed,
                SEND_REGULATIONS,
                "reg 10(4)(a)",
                Confidence::Confirmed,
            ),
            permitted(
                Ground::EarlyYearsClosed,
                SEND_REGULATIONS,
                "reg 10(4)(b)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::PersonalCircumstances,
                SEND_REGULATIONS,
                "reg 10(4)(c)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::Absent,
                SEND_REGULATIONS,
                "reg 10(4)(d)",
                Confidence::SecondarySource,
            ),
            CORONAVIRUS,
        ],
        provision: provision(SEND_REGULATIONS, "reg 10(1)", Confidence::Confirmed),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::DraftRepresentations,
        title: "Leave the family its window to comment on the draft plan",
        bearer: Party::Family,
        force: Force::Statutory,
        bound: Bound::NoEarlierThan,
        counting: Counting::DaysBeginningWith(15),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::DraftServed],
        satisfied_by: &[Mark::DraftWindowWaived],
        cancelled_by: &[
            Mark::DraftServed,
            Mark::DraftWindowCutShort,
            Mark::NoPlanNotified,
            Mark::ProcedureEnded,
        ],
        reopened_by: &[],
        satisfied_when: "the window has run, or the family waived the rest of it",
        exceptions: &[],
        provision: provision(SEND_REGULATIONS, "reg 13(1)(a)", Confidence::Confirmed),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::SettingReply,
        title: "Reply to the consultation on being named in the plan",
        bearer: Party::EducationSetting,
        force: Force::Guidance,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinDays(15),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::SettingConsulted],
        satisfied_by: &[Mark::SettingReplied],
        cancelled_by: &[Mark::FinalPlanSent, Mark::NoPlanNotified, Mark::ProcedureEnded],
        reopened_by: &[],
        satisfied_when: "the day the authority received the reply",
        exceptions: &[],
        provision: provision(CODE_OF_PRACTICE, "para 9.83", Confidence::SecondarySource),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
    Rule {
        kind: ClockKind::FinalPlan,
        title: "Send the final plan",
        bearer: Party::LocalAuthority,
        force: Force::Statutory,
        bound: Bound::NoLaterThan,
        counting: Counting::WithinWeeks(20),
        counted_from: CountedFrom::Start,
        never_later_than: None,
        starts: &[Mark::RequestReceived, Mark::BecameResponsible],
        satisfied_by: &[Mark::FinalPlanSent],
        cancelled_by: ASSESSMENT_STOPS,
        reopened_by: &[RESUMED],
        satisfied_when: "the day it was sent to the last of family, setting and commissioning body",
        exceptions: &[
            permitted(
                Ground::SchoolClosed,
                SEND_REGULATIONS,
                "reg 13(3) with reg 10(4)(a)",
                Confidence::Confirmed,
            ),
            permitted(
                Ground::EarlyYearsClosed,
                SEND_REGULATIONS,
                "reg 13(3) with reg 10(4)(b)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::PersonalCircumstances,
                SEND_REGULATIONS,
                "reg 13(3) with reg 10(4)(c)",
                Confidence::SecondarySource,
            ),
            permitted(
                Ground::Absent,
                SEND_REGULATIONS,
                "reg 13(3) with reg 10(4)(d)",
                Confidence::SecondarySource,
            ),
            CORONAVIRUS,
        ],
        provision: provision(SEND_REGULATIONS, "reg 13(2)", Confidence::Confirmed),
        other_act: None,
        valid_from_on: SEND_REGULATIONS_IN_FORCE,
        valid_to_on: None,
    },
];
