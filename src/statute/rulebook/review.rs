//! The time limits of the review of a plan (Children and Families Act 2014 s.44, SEND Regulations 2014
//! regs 18 to 22), and what guidance says of early years.
//!
//! Rows only: what their columns mean is in `rulebook`. No list of exceptions was found for any of them.

use chrono::NaiveDate;

use super::{
    Bound, CHILDREN_AND_FAMILIES_ACT, CODE_OF_PRACTICE, ClockKind, Confidence, CountedFrom, Force, Guidance,
    LIMIT, Mark, OtherAct, OuterLimit, Party, Provision, Rule, SEND_REGULATIONS, provision,
};
use crate::statute::counting::Counting;
use crate::statute::reading::Readings;

/// Decision and proposed amendments have to be out within the same four weeks, and the amended plan within
/// twelve weeks of the meeting.
const DEVON: &str = "reg 20(10) with reg 22, R (L, M and P) v Devon CC [2022] EWHC 493 (Admin)";

/// A child under five: consider reviewing more often than every year.
pub const EARLY_YEARS_REVIEW: Guidance = Guidance {
    from: Counting::WithinMonths(3),
    words: "Consider reviewing the plan of a child under five every three to six months",
    provision: provision(CODE_OF_PRACTICE, "para 9.178", Confidence::SecondarySource),
};

/// Early years end with the fifth birthday.
pub const EARLY_YEARS_END_AT_AGE: i32 = 5;

/// Where the law asks for advice for a review: it goes to everybody invited, with the papers.
pub const REVIEW_ADVICE: Provision =
    provision(SEND_REGULATIONS, "reg 20(4), reg 21(4)", Confidence::Confirmed);

/// The text of reg 22(4) is cut where its time is; that it is the same eight weeks is unconfirmed.
pub(super) const NOT_AMENDING: Option<OtherAct> = Some(OtherAct {
    words: "the notice that the plan will not be amended",
    provision: provision(SEND_REGULATIONS, "reg 22(4)", Confidence::Unconfirmed),
});

/// From year 9 every review looks at preparing for adulthood; that says what it is about, and sets no day.
pub const REVIEW_PREPARATION_FOR_ADULTHOOD: Provision =
    provision(SEND_REGULATIONS, "reg 20(6), reg 21(6)", Confidence::Unconfirmed);

/// Every time limit of the review of a plan.
pub static REVIEW_RULES: &[Rule] = &[
    Rule {
        kind: ClockKind::ReviewDue,
        title: "Complete the review of the plan",
        bearer: Party::LocalAuthority,
        counting: Counting::MonthsStartingWith(12),
        starts: &[Mark::ReviewPeriodStarted],
        satisfied_by: &[Mark::ReviewDecisionNotified],
        satisfied_when: "the day the notice of the decision was sent; the meeting does not complete a review",
        provision: provision(CHILDREN_AND_FAMILIES_ACT, "s.44(1)", Confidence::Unconfirmed),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::ReviewNotice,
        title: "Give notice of the date of the review meeting",
        bearer: Party::EducationSetting,
        counting: Counting::NoticeWeeks(2),
        counted_from: CountedFrom::NamedDay,
        starts: &[Mark::ReviewMeetingArranged],
        satisfied_by: &[Mark::ReviewNoticeGiven],
        cancelled_by: &[Mark::ReviewMeetingArranged, Mark::ProcedureEnded],
        satisfied_when: "the day the invitations were sent",
        provision: provision(SEND_REGULATIONS, "reg 20(3), reg 21(3)", Confidence::Confirmed),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::ReviewPapers,
        title: "Circulate the advice before the review meeting",
        bearer: Party::EducationSetting,
        counting: Counting::NoticeWeeks(2),
        counted_from: CountedFrom::NamedDay,
        starts: &[Mark::ReviewMeetingArranged],
        satisfied_by: &[Mark::PapersCirculated],
        cancelled_by: &[
            Mark::ReviewMeetingArranged,
            Mark::ReviewMeetingHeld,
            Mark::ProcedureEnded,
        ],
        satisfied_when: "the day the papers were sent to everybody invited",
        provision: REVIEW_ADVICE,
        ..LIMIT
    },
    Rule {
        kind: ClockKind::ReviewReport,
        title: "Send the report of the review meeting",
        bearer: Party::EducationSetting,
        counting: Counting::WithinWeeks(2),
        starts: &[Mark::ReviewReportOwed],
        satisfied_by: &[Mark::ReviewReportSent],
        satisfied_when: "the day the report was sent to everybody invited",
        provision: provision(
            SEND_REGULATIONS,
            "reg 20(7)-(9), reg 21(7)",
            Confidence::Unconfirmed,
        ),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::ReviewDecision,
        title: "Tell the family whether the plan is kept, amended or ceased",
        bearer: Party::LocalAuthority,
        counting: Counting::WithinWeeks(4),
        starts: &[Mark::ReviewMeetingHeld],
        satisfied_by: &[Mark::ReviewDecisionNotified],
        satisfied_when: "the day the notice was sent, or the proposed amendments without one",
        provision: provision(
            SEND_REGULATIONS,
            "reg 20(10), reg 21(9)",
            Confidence::SecondarySource,
        ),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::AmendmentNotice,
        title: "Send the plan with the proposed amendments and the evidence for them",
        bearer: Party::LocalAuthority,
        counting: Counting::WithinWeeks(4),
        counted_from: CountedFrom::Earlier(Mark::ReviewMeetingHeld),
        starts: &[Mark::AmendmentDecided],
        satisfied_by: &[Mark::AmendmentNoticeSent],
        cancelled_by: &[
            Mark::AmendmentAbandoned,
            Mark::AmendedPlanSent,
            Mark::ProcedureEnded,
        ],
        satisfied_when: "the day plan, proposed amendments and evidence were sent",
        provision: provision(SEND_REGULATIONS, DEVON, Confidence::SecondarySource),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::AmendmentRepresentations,
        title: "Leave the family its window to comment on the proposed amendments",
        bearer: Party::Family,
        bound: Bound::NoEarlierThan,
        counting: Counting::DaysBeginningWith(15),
        starts: &[Mark::AmendmentNoticeServed],
        satisfied_by: &[Mark::DraftWindowWaived],
        cancelled_by: &[
            Mark::AmendmentNoticeServed,
            Mark::DraftWindowCutShort,
            Mark::AmendmentAbandoned,
            Mark::ProcedureEnded,
        ],
        satisfied_when: "the window has run, or the family waived the rest of it",
        provision: provision(SEND_REGULATIONS, "reg 22(2)(c)", Confidence::Confirmed),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::SettingReply,
        title: "Reply to the consultation on being named in the plan",
        bearer: Party::EducationSetting,
        force: Force::Guidance,
        counting: Counting::WithinDays(15),
        starts: &[Mark::SettingConsulted],
        satisfied_by: &[Mark::SettingReplied],
        cancelled_by: &[
            Mark::AmendedPlanSent,
            Mark::AmendmentAbandoned,
            Mark::ProcedureEnded,
        ],
        satisfied_when: "the day the authority received the reply",
        provision: provision(CODE_OF_PRACTICE, "para 9.83", Confidence::SecondarySource),
        ..LIMIT
    },
    Rule {
        kind: ClockKind::AmendedPlan,
        title: "Send the amended plan, or say that it will not be amended",
        bearer: Party::LocalAuthority,
        counting: Counting::WithinWeeks(8),
        never_later_than: Some(OuterLimit {
            within: Counting::WithinWeeks(12),
            from: Mark::ReviewMeetingHeld,
            provision: provision(SEND_REGULATIONS, DEVON, Confidence::SecondarySource),
        }),
        starts: &[Mark::AmendmentNoticeSent],
        satisfied_by: &[Mark::AmendedPlanSent, Mark::AmendmentAbandoned],
        satisfied_when: "the day it was sent to the last of family, setting and commissioning body, or the \
                         day the notice of not amending was sent",
        provision: provision(SEND_REGULATIONS, "reg 22(3)", Confidence::Confirmed),
        other_act: NOT_AMENDING,
        ..LIMIT
    },
    Rule {
        counting: Counting::BeforeInYear { month: 2, day: 15 },
        starts: &[Mark::PhaseTransferExpected],
        provision: provision(SEND_REGULATIONS, "reg 18(1)(b)", Confidence::Confirmed),
        ..TRANSFER
    },
    Rule {
        counting: Counting::BeforeInYear { month: 3, day: 31 },
        starts: &[Mark::PostSixteenTransferExpected],
        provision: provision(SEND_REGULATIONS, "reg 18(1)(a)", Confidence::Confirmed),
        ..TRANSFER
    },
    Rule {
        counting: Counting::MonthsBefore(5),
        starts: &[Mark::LaterTransferExpected],
        provision: provision(SEND_REGULATIONS, "reg 18(2)", Confidence::Confirmed),
        ..TRANSFER
    },
];

/// The three limits on naming the next setting; which one runs follows from the phases.
const TRANSFER: Rule = Rule {
    kind: ClockKind::PhaseTransferPlan,
    title: "Review and amend the plan so that it names the next setting",
    counted_from: CountedFrom::NamedDay,
    satisfied_by: &[Mark::AmendedPlanSent, Mark::PlanAmended],
    cancelled_by: &[
        Mark::PhaseTransferExpected,
        Mark::PostSixteenTransferExpected,
        Mark::LaterTransferExpected,
        Mark::ProcedureEnded,
    ],
    satisfied_when: "the day the amended plan was sent to the last of family, setting and commissioning body",
    ..LIMIT
};

/// The first and the last day on which the limit of a move in a calendar year can end. None beyond the calendar.
pub fn phase_transfers_due_in(year: i32) -> Option<(NaiveDate, NaiveDate)> {
    let (first, last) = (
        NaiveDate::from_ymd_opt(year, 1, 1)?,
        NaiveDate::from_ymd_opt(year, 12, 31)?,
    );
    let transfers = || REVIEW_RULES.iter().filter(|rule| rule.kind == TRANSFER.kind);
    let due = |rule: &Rule, on| rule.due(on, None, &Readings::default()).due_on;
    Some((
        transfers().map(|rule| due(rule, first)).min()?,
        transfers().map(|rule| due(rule, last)).max()?,
    ))
}
