//! The first cases of the demo, set so that every state and every flag can be looked at on any `today`.

use chrono::{Days, NaiveDate};

use super::script::{AdviceScript, AfterReview, ClaimScript, Fate, Script, WindowScript};
use crate::casework::advice::DeclinationGround;
use crate::casework::event::ClosureReason;
use crate::statute::calendar::last_working_day_on_or_before;

/// The place in the showcase of a case whose medical advice is late, for examples to name.
pub const LATE_ADVICE: u32 = 0;

/// What becomes of the case of a number; nothing for the numbers after the showcase.
pub fn showcase(number: u32, today: NaiveDate) -> Option<Script> {
    let arrived = |days_ago: u64| Script {
        arrived_on: last_working_day_on_or_before(today - Days::new(days_ago)),
        fate: Fate::PlanIssued,
        decided_after: 36,
        plan_decided_after: Some(105),
        draft_after: 112,
        issued_after: 134,
        ends_after: 30,
        window: WindowScript::Kept,
        claim: None,
        medical: Some(AdviceScript::Accepted),
        has_existing_advice: false,
        has_wrong_day: false,
        after_review: None,
    };
    Some(match number {
        LATE_ADVICE => Script {
            medical: Some(AdviceScript::Never),
            ..arrived(95)
        },
        // Waiting for the decision: in time, due soon, overdue, overdue and excused.
        1 => arrived(12),
        2 => Script {
            decided_after: 60,
            ..arrived(38)
        },
        3 => Script {
            decided_after: 90,
            ..arrived(62)
        },
        4 => Script {
            decided_after: 120,
            claim: Some(ClaimScript::Absent { absent_for_days: 33 }),
            ..arrived(75)
        },
        // Being assessed: advice returned, declined, redirected, an appointment missed, advice agreed.
        5 => Script {
            medical: Some(AdviceScript::Returned {
                again_after_days: None,
            }),
            ..arrived(104)
        },
        6 => Script {
            medical: Some(AdviceScript::Declined(DeclinationGround::NoCapacity)),
            ..arrived(100)
        },
        7 => Script {
            medical: Some(AdviceScript::Redirected),
            ..arrived(98)
        },
        8 => Script {
            medical: Some(AdviceScript::MissedAppointment { is_claimed: true }),
            ..arrived(97)
        },
        9 => Script {
            has_existing_advice: true,
            ..arrived(70)
        },
        // A plan being written, in time and late, and with the family.
        10 => Script {
            draft_after: 125,
            issued_after: 150,
            ..arrived(115)
        },
        11 => Script {
            medical: Some(AdviceScript::Never),
            plan_decided_after: Some(165),
            draft_after: 190,
            issued_after: 215,
            ..arrived(180)
        },
        12 => Script {
            issued_after: 140,
            ..arrived(121)
        },
        // Plans sent: in time, late, without advice, before advice, before the window had run.
        13 => arrived(150),
        14 => Script {
            plan_decided_after: None,
            draft_after: 170,
            issued_after: 200,
            ..arrived(230)
        },
        15 => Script {
            medical: Some(AdviceScript::Never),
            ..arrived(160)
        },
        16 => Script {
            medical: Some(AdviceScript::AfterPlan),
            ..arrived(190)
        },
        17 => Script {
            window: WindowScript::CutShort,
            ..arrived(155)
        },
        18 => Script {
            window: WindowScript::Waived,
            has_wrong_day: true,
            ..arrived(154)
        },
        // Refused, and taken up again.
        19 => Script {
            fate: Fate::AssessmentRefused {
                resumed_after_days: None,
            },
            ..arrived(80)
        },
        20 => Script {
            fate: Fate::AssessmentRefused {
                resumed_after_days: Some(30),
            },
            ..arrived(110)
        },
        21 => Script {
            fate: Fate::PlanRefused {
                resumed_after_days: None,
            },
            ..arrived(140)
        },
        22 => Script {
            fate: Fate::PlanRefused {
                resumed_after_days: Some(30),
            },
            draft_after: 200,
            issued_after: 230,
            ..arrived(160)
        },
        // Ended otherwise.
        23 => Script {
            fate: Fate::Withdrawn,
            ..arrived(90)
        },
        24 => Script {
            fate: Fate::MovedOut,
            ..arrived(90)
        },
        25 => Script {
            fate: Fate::Closed(ClosureReason::LeftEngland),
            ..arrived(90)
        },
        26 => Script {
            fate: Fate::OpenedInError,
            ..arrived(60)
        },
        // Excuses that do not hold: a closure too short, an absence too short.
        27 => Script {
            claim: Some(ClaimScript::SchoolClosed { closed_for_days: 16 }),
            issued_after: 190,
            draft_after: 165,
            plan_decided_after: Some(150),
            ..arrived(175)
        },
        28 => Script {
            claim: Some(ClaimScript::Absent { absent_for_days: 12 }),
            issued_after: 190,
            draft_after: 165,
            plan_decided_after: Some(150),
            ..arrived(172)
        },
        // After the first review: amended, about to be ceased, ceased.
        29 => Script {
            after_review: Some(AfterReview::Amended),
            ..arrived(560)
        },
        30 => Script {
            after_review: Some(AfterReview::BeingCeased),
            ..arrived(485)
        },
        31 => Script {
            after_review: Some(AfterReview::Ceased),
            ..arrived(600)
        },
        _ => return None,
    })
}
