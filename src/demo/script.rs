//! What becomes of a made-up request: drawn from the shapes of published figures, or set for the cases
//! that show every state and flag.
//!
//! Only choices and days are here; [`super::story`] makes events of them.

use chrono::{Days, NaiveDate, TimeDelta};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::child::weighted;
use crate::casework::advice::DeclinationGround;
use crate::casework::event::ClosureReason;
use crate::statute::calendar::{first_working_day_on_or_after, last_working_day_on_or_before};

/// How a request ends, if time allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    AssessmentRefused {
        resumed_after_days: Option<i64>,
    },
    PlanIssued,
    PlanRefused {
        resumed_after_days: Option<i64>,
    },
    Withdrawn,
    MovedOut,
    Closed(ClosureReason),
    OpenedInError,
    /// A neighbouring authority wants to place one of its own children here; nothing else is on record.
    AskedByNeighbour,
}

/// How the authority excuses itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimScript {
    /// Closed long enough, if the request for advice fell into the right weeks.
    SchoolClosed {
        closed_for_days: u64,
    },
    Absent {
        absent_for_days: u64,
    },
    PersonalCircumstances,
}

/// How the final plan treats the family's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowScript {
    Kept,
    Waived,
    CutShort,
}

/// What becomes of a request for advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviceScript {
    Accepted,
    /// Sent back, and sent again after so many days; never if there are none.
    Returned {
        again_after_days: Option<i64>,
    },
    Declined(DeclinationGround),
    /// Declined because another body should be asked, which then is.
    Redirected,
    Never,
    AfterPlan,
    Withdrawn,
    MissedAppointment {
        is_claimed: bool,
    },
}

/// What follows on the first review of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterReview {
    /// The plan says something else.
    Amended,
    /// The family was told that the plan will be ceased.
    BeingCeased,
    Ceased,
}

/// One request from its arrival on; every number of days counts from then.
#[derive(Debug, Clone)]
pub struct Script {
    pub arrived_on: NaiveDate,
    pub fate: Fate,
    pub decided_after: i64,
    /// Nothing where the draft plan stands for the decision.
    pub plan_decided_after: Option<i64>,
    pub draft_after: i64,
    pub issued_after: i64,
    /// For the fates that end a request before its plan.
    pub ends_after: i64,
    pub window: WindowScript,
    pub claim: Option<ClaimScript>,
    /// How the paediatrician's advice fares; drawn like the rest where it is not set.
    pub medical: Option<AdviceScript>,
    pub has_existing_advice: bool,
    /// The day of arrival was first written down wrongly.
    pub has_wrong_day: bool,
    /// What follows on the first review; drawn where it is not set.
    pub after_review: Option<AfterReview>,
}

impl Script {
    pub fn day(&self, after: i64) -> NaiveDate {
        first_working_day_on_or_after(self.arrived_on + TimeDelta::days(after))
    }
}

/// How far back the requests of the demo reach.
pub const DAYS_BACK: i64 = 730;

/// Weeks from request to plan: the county of 2024, which issued 37 % in 20 weeks.
const COUNTY: (f64, f64) = (3.100, 0.321);
/// The same for England, whose tail reaches beyond a year; one request in five has it.
const ENGLAND: (f64, f64) = (3.059, 0.611);

/// Draws what becomes of a request that arrived on one of the days before `today`.
pub fn draw_script(rng: &mut ChaCha8Rng, today: NaiveDate) -> Script {
    let days_ago = rng.random_range(1..=DAYS_BACK);
    let shape = if rng.random_bool(0.2) { ENGLAND } else { COUNTY };
    let weeks = lognormal(rng, shape).clamp(11.5, 90.0);
    let issued_after = (weeks * 7.0).round() as i64;
    // 98.5 % of the decisions whether to assess came within six weeks, most of them near the end.
    let decided_after = if rng.random_bool(0.98) {
        rng.random_range(18..=38).max(rng.random_range(24..=38))
    } else {
        rng.random_range(45..=75)
    };
    let draft_after = (issued_after - rng.random_range(18..=32)).max(decided_after + 12);
    let plan_decided_after = (draft_after - rng.random_range(1..=16)).max(decided_after + 8);
    let fate = weighted(
        rng,
        [
            (
                Fate::AssessmentRefused {
                    resumed_after_days: None,
                },
                222,
            ),
            (
                Fate::AssessmentRefused {
                    resumed_after_days: Some(0),
                },
                28,
            ),
            (Fate::PlanIssued, 628),
            (
                Fate::PlanRefused {
                    resumed_after_days: None,
                },
                35,
            ),
            (
                Fate::PlanRefused {
                    resumed_after_days: Some(0),
                },
                8,
            ),
            (Fate::Withdrawn, 30),
            (Fate::MovedOut, 18),
            (Fate::Closed(ClosureReason::LeftEngland), 6),
            (Fate::Closed(ClosureReason::AgedOut), 2),
            (Fate::Closed(ClosureReason::Other), 5),
            (Fate::OpenedInError, 6),
            (Fate::AskedByNeighbour, 12),
        ],
    );
    let later = rng.random_range(28..=60);
    let fate = match fate {
        Fate::AssessmentRefused { resumed_after_days } => Fate::AssessmentRefused {
            resumed_after_days: resumed_after_days.map(|_| later),
        },
        Fate::PlanRefused { resumed_after_days } => Fate::PlanRefused {
            resumed_after_days: resumed_after_days.map(|_| later),
        },
        other => other,
    };
    let claim = rng.random_bool(0.06).then(|| {
        weighted(
            rng,
            [
                (ClaimScript::SchoolClosed { closed_for_days: 42 }, 45),
                (ClaimScript::SchoolClosed { closed_for_days: 16 }, 10),
                (ClaimScript::Absent { absent_for_days: 33 }, 15),
                (ClaimScript::Absent { absent_for_days: 12 }, 10),
                (ClaimScript::PersonalCircumstances, 20),
            ],
        )
    });
    Script {
        arrived_on: last_working_day_on_or_before(today - Days::new(days_ago.unsigned_abs())),
        fate,
        decided_after,
        plan_decided_after: rng.random_bool(0.7).then_some(plan_decided_after),
        draft_after,
        issued_after,
        ends_after: rng.random_range(8..=issued_after.max(9)),
        window: weighted(
            rng,
            [
                (WindowScript::Kept, 90),
                (WindowScript::Waived, 5),
                (WindowScript::CutShort, 5),
            ],
        ),
        claim,
        medical: None,
        has_existing_advice: rng.random_bool(0.05),
        has_wrong_day: rng.random_bool(0.03),
        after_review: None,
    }
}

/// A service that gives advice, as far as the made-up times go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adviser {
    Family,
    Education,
    Psychology,
    SocialCare,
    Sensory,
    Health,
    MentalHealth,
}

/// Draws how many days advice takes and what becomes of it.
///
/// AN ASSUMPTION: how long advice takes to come back is published nowhere. The medians and spreads below
/// are chosen so that about half comes within six weeks and health is the worst, as one county reported;
/// nothing about any real service follows from them.
pub fn draw_advice(rng: &mut ChaCha8Rng, adviser: Adviser) -> (i64, AdviceScript) {
    let (median_days, spread, never_of_thousand): (f64, f64, u32) = match adviser {
        Adviser::Family => (24.0, 0.6, 40),
        Adviser::Education => (34.0, 0.5, 25),
        Adviser::Psychology => (45.0, 0.4, 10),
        Adviser::SocialCare => (40.0, 0.5, 40),
        Adviser::Sensory => (38.0, 0.4, 20),
        Adviser::Health => (52.0, 0.5, 90),
        Adviser::MentalHealth => (66.0, 0.5, 150),
    };
    let days = lognormal(rng, (median_days.ln(), spread))
        .clamp(4.0, 240.0)
        .round() as i64;
    if adviser == Adviser::Family {
        let script = weighted(
            rng,
            [
                (AdviceScript::Accepted, 1000 - never_of_thousand),
                (AdviceScript::Never, never_of_thousand),
            ],
        );
        return (days, script);
    }
    let is_health = matches!(adviser, Adviser::Health | Adviser::MentalHealth);
    let if_health = |weight| if is_health { weight } else { 0 };
    let script = weighted(
        rng,
        [
            (AdviceScript::Accepted, 800),
            (
                AdviceScript::Returned {
                    again_after_days: Some(12),
                },
                45,
            ),
            (
                AdviceScript::Returned {
                    again_after_days: Some(30),
                },
                20,
            ),
            (
                AdviceScript::Returned {
                    again_after_days: None,
                },
                10,
            ),
            (AdviceScript::Declined(DeclinationGround::NotKnownToService), 12),
            (
                AdviceScript::Declined(DeclinationGround::NoCapacity),
                if_health(12),
            ),
            (
                AdviceScript::Declined(DeclinationGround::IncompatibleWithDuties),
                3,
            ),
            (AdviceScript::Redirected, 12),
            (AdviceScript::Never, never_of_thousand),
            (AdviceScript::AfterPlan, 15 + if_health(40)),
            (AdviceScript::Withdrawn, 10),
            (
                AdviceScript::MissedAppointment { is_claimed: true },
                if_health(35),
            ),
            (
                AdviceScript::MissedAppointment { is_claimed: false },
                if_health(20),
            ),
        ],
    );
    (days, script)
}

fn lognormal(rng: &mut ChaCha8Rng, (mu, sigma): (f64, f64)) -> f64 {
    // Fails only for a spread that is no number.
    LogNormal::new(mu, sigma).map_or(mu.exp(), |distribution| distribution.sample(rng))
}
