//! The time limits of a plan outside its reviews: amending it, ceasing it, and direct payments (Children and
//! Families Act 2014 s.45, SEND Regulations 2014 regs 28 to 31, Personal Budgets Regulations 2014).
//!
//! Rows only: what their columns mean is in `rulebook`.

use super::review::NOT_AMENDING;
use super::{
    Bound, CHILDREN_AND_FAMILIES_ACT, ClockKind, Confidence, LIMIT, Mark, PERSONAL_BUDGETS, Party, Rule,
    SEND_REGULATIONS, provision,
};
use crate::statute::counting::Counting;

/// Every time limit of a plan that runs outside its reviews.
pub static PLAN_RULES: &[Rule] = &[
    Rule {
        kind: ClockKind::AmendmentRepresentations,
        title: "Leave the family its window to comment on the proposed amendments",
        bearer: Party::Family,
        bound: Bound::NoEarlierThan,
        counting: Counting::DaysBeginningWith(15),
        starts: &[Mark::OtherAmendmentServed],
        satisfied_by: &[Mark::DraftWindowWaived],
        cancelled_by: &[
            Mark::OtherAmendmentServed,
            Mark::DraftWindowCutShort,
            Mark::AmendmentAbandoned,
            Mark::ProcedureEnded,
        ],
        satisfied_when: "the window has run, or the family waived the rest of it",
        provision: provision(
            SEND_REGULATIONS,
            "reg 28 with reg 22(2)(c)",
            Confidence::Unconfirmed,
        ),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::AmendedPlan,
        title: "Send the amended plan, or say that it will not be amended",
        counting: Counting::WithinWeeks(8),
        starts: &[Mark::OtherAmendmentProposed],
        satisfied_by: &[Mark::AmendedPlanSent, Mark::AmendmentAbandoned],
        satisfied_when: "the day it was sent to the last of family, setting and commissioning body, or the \
                         day the notice of not amending was sent",
        provision: provision(SEND_REGULATIONS, "reg 28 with reg 22(3)", Confidence::Unconfirmed),
        other_act: NOT_AMENDING,
        ..LIMIT
    },
    Rule {
        counting: Counting::TribunalMonths(2),
        starts: &[Mark::CeaseNotified],
        provision: provision(
            CHILDREN_AND_FAMILIES_ACT,
            "s.45(4), SI 2008/2699 r.20(1)(c)(i), r.12",
            Confidence::Unconfirmed,
        ),
        ..CEASE_HOLD
    },
    Rule {
        counting: Counting::TribunalMonths(1),
        starts: &[Mark::MediationCertificateIssued],
        provision: provision(
            CHILDREN_AND_FAMILIES_ACT,
            "s.45(4), SI 2008/2699 r.20(1)(c)(ii), r.12",
            Confidence::Unconfirmed,
        ),
        ..CEASE_HOLD
    },
    Rule {
        kind: ClockKind::DirectPaymentsReview,
        title: "Review the direct payments for the first time",
        counting: Counting::MonthsStartingWith(3),
        starts: &[Mark::DirectPaymentsStarted],
        satisfied_by: &[Mark::DirectPaymentsReviewed],
        cancelled_by: &[Mark::DirectPaymentsEnded, Mark::ProcedureEnded],
        satisfied_when: "the day of the review",
        provision: provision(PERSONAL_BUDGETS, "reg 11", Confidence::SecondarySource),
        ..LIMIT
    },
];

/// The two times for an appeal, from the notice and from a certificate of mediation; the plan is kept until the
/// later has passed.
const CEASE_HOLD: Rule = Rule {
    kind: ClockKind::CeaseHold,
    title: "Keep maintaining the plan until the time for an appeal has passed",
    bound: Bound::NoEarlierThan,
    satisfied_by: &[Mark::CeaseAppealDetermined],
    cancelled_by: &[Mark::CeaseWithdrawn, Mark::ProcedureEnded],
    satisfied_when: "the time for an appeal has passed, or the appeal was finally determined; a late \
                     certificate of mediation lengthens it",
    ..LIMIT
};
