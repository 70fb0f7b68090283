//! An authority with nothing but plans that were reviewed for five years, to measure how cost grows with them.
//! Called by the load bench.

use chrono::{Days, NaiveDate, TimeDelta};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::authority::{Bodies, caseworker};
use super::batch::{Done, take_over};
use super::child::make_up_child;
use super::recorder::{given_fact, open_file, staff, work_of};
use super::schedule::at_work;
use super::{Progress, SEED, found_authority};
use crate::auth::Role;
use crate::casework::plan::{PLAN, PlanFact, PlanMade};
use crate::casework::procedure::OwnFact;
use crate::casework::review::{
    AmendmentNoticeSent, Arranger, PapersCirculated, REVIEW, ReviewDecision, ReviewDecisionNotified,
    ReviewFact, ReviewMeetingArranged, ReviewMeetingHeld, ReviewReportSent,
};
use crate::casework::sending::AmendedPlanSent;
use crate::service::import::CaseFile;
use crate::service::procedure::NewEvent;
use crate::service::settings::Settings;
use crate::service::{Error, Ids};
use crate::store::{AnyConnection, Store};

const DAYS_IN_A_YEAR: u32 = 365;
/// How many reviews of each plan are complete; the next is open.
const REVIEWS: u32 = 5;
const PLANS_OF_AN_OFFICER: u32 = 400;
/// From one plan to the next: it shares no factor with the days of a year, so that the plans of an officer are
/// spread over them too.
const DAYS_BETWEEN: u32 = 149;

/// The officer of the plan of a number, as cases name them; each has as many, however many there are.
pub fn officer_of_plan(number: u32) -> String {
    caseworker(number / PLANS_OF_AN_OFFICER + 1)
}

/// Makes so many cases, each with a plan that is five to six years old on `today`, five complete reviews and the
/// sixth open. One review in three amends the plan, if there was time.
pub fn make_plans(
    store: &Store,
    today: NaiveDate,
    plans: u32,
    mut progress: impl FnMut(Progress),
) -> Result<(), Error> {
    let (bodies, settings) = found_authority(store, before(today, (REVIEWS + 2) * DAYS_IN_A_YEAR))?;
    let mut numbers: Vec<u32> = (0..plans).collect();
    numbers.sort_by_key(|number| made_on(*number, today));
    let mut made = 0;
    take_over(
        store,
        today,
        &numbers,
        |connection, ids, number| {
            let file = live_with_plan(connection, ids, &bodies, &settings, today, number)?;
            Ok((file, ()))
        },
        |done| match done {
            Done::Cases(written) => {
                made += written.len() as u64;
                progress(Progress::Cases(made));
            }
            Done::Index { left } => progress(Progress::Indexes { left }),
        },
    )
}

fn before(today: NaiveDate, days: u32) -> NaiveDate {
    today - Days::new(days.into())
}

fn made_on(number: u32, today: NaiveDate) -> NaiveDate {
    let place_in_year = number % DAYS_IN_A_YEAR * DAYS_BETWEEN % DAYS_IN_A_YEAR;
    before(today, REVIEWS * DAYS_IN_A_YEAR + 1 + place_in_year)
}

fn live_with_plan(
    connection: &mut AnyConnection,
    ids: &Ids,
    bodies: &Bodies,
    settings: &Settings,
    today: NaiveDate,
    number: u32,
) -> Result<CaseFile, Error> {
    let made_on = made_on(number, today);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(number.into());
    let mut child = make_up_child(&mut rng, number, made_on, bodies);
    let officer = staff(&officer_of_plan(number), Role::Caseworker)?;
    child.details.caseworker = Some(officer.subject.clone());
    let minutes = TimeDelta::minutes((number % 480).into());
    let mut work = work_of(connection, ids, &officer, at_work(made_on, minutes));
    let (mut file, _) = open_file(&mut work, &child)?;
    work.now = at_work(made_on, minutes + TimeDelta::minutes(20));
    let made = OwnFact::new(PlanFact::PlanMade(PlanMade { version: None }));
    file.open_procedure(&work, &PLAN, settings, &given_fact(made_on, made))?;
    for year in 1..=REVIEWS {
        let decided_on = made_on + Days::new((year * DAYS_IN_A_YEAR).into());
        // Its decision opens the next review before this one's amendments are made.
        let review_id = file.newest(&REVIEW)?;
        for (on, fact) in review(decided_on, (number + year).is_multiple_of(3)) {
            if on < today {
                work.now = at_work(on, minutes);
                let event = NewEvent::Event(given_fact(on, OwnFact::new(fact)));
                file.record_event_on(&mut work, review_id, &event)?;
            }
        }
    }
    Ok(file)
}

/// What happens in a review, and when.
fn review(decided_on: NaiveDate, amends: bool) -> Vec<(NaiveDate, ReviewFact)> {
    let later = |days: i64| decided_on + TimeDelta::days(days);
    let meeting_on = later(-20);
    let decided = ReviewDecisionNotified {
        decision: if amends {
            ReviewDecision::Amend
        } else {
            ReviewDecision::Maintain
        },
        reasons: None,
    };
    let mut steps = vec![
        (
            later(-50),
            ReviewFact::ReviewMeetingArranged(ReviewMeetingArranged {
                meeting_on,
                arranged_by: Arranger::EducationSetting,
            }),
        ),
        (later(-37), ReviewFact::PapersCirculated(PapersCirculated {})),
        (
            meeting_on,
            ReviewFact::ReviewMeetingHeld(ReviewMeetingHeld {
                reported_by: Arranger::EducationSetting,
                attendance: Vec::new(),
            }),
        ),
        (later(-8), ReviewFact::ReviewReportSent(ReviewReportSent {})),
        (decided_on, ReviewFact::ReviewDecisionNotified(decided)),
    ];
    if amends {
        steps.extend([
            (
                later(5),
                ReviewFact::AmendmentNoticeSent(AmendmentNoticeSent { version: None }),
            ),
            (
                later(40),
                ReviewFact::AmendedPlanSent(AmendedPlanSent {
                    version: None,
                    recipients: Vec::new(),
                    waiver: None,
                    sent_early_acknowledged: false,
                }),
            ),
        ]);
    }
    steps
}
