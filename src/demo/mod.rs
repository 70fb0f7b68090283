//! A made-up authority: organisations, officers, families and hundreds of cases in every state, the same
//! every time for one `today` and number of cases.
//!
//! Every act is judged as a request would be, at the instant at which people would have recorded it, so
//! nothing here can show what the service could not do. No real person is in it. Only the command line and
//! the load bench call this.

mod advice_story;
mod authority;
mod batch;
mod child;
mod identifier;
mod plans;
mod recorder;
mod schedule;
mod script;
mod sections;
mod showcase;
mod step;
mod story;
#[cfg(test)]
mod tests;

use chrono::{Days, NaiveDate};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::auth::Role;
use crate::clock::noon;
use crate::service::organisation::list_organisations;
use crate::service::origin::OWN;
use crate::service::settings::Settings;
use crate::service::{Error, Ids, Work};
use crate::store::Store;
use crate::store::case::is_empty;
use crate::store::settings::settings_at;
use batch::{Done, take_over};
use recorder::{DEMO, RecordedStory, record_story, staff};

pub use authority::{LA_CODE, caseworker};
pub use plans::{make_plans, officer_of_plan};

/// Decides everything that is drawn; any number would do.
const SEED: u64 = 885;

/// How far the making has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many cases are written.
    Cases(u64),
    /// All of them are, and so many of their indexes are left to make.
    Indexes { left: usize },
}

/// What was made, with something of each kind for examples.
#[derive(Debug, Clone)]
pub struct Made {
    pub cases: u64,
    pub events: u64,
    pub examples: Option<Examples>,
}

/// A case whose medical advice is late, and what belongs to it.
#[derive(Debug, Clone)]
pub struct Examples {
    pub case_id: Uuid,
    pub person_id: Option<Uuid>,
    pub assessment_id: Uuid,
    pub advice_request_id: Uuid,
    pub organisation_id: Uuid,
}

/// Whether nobody has put anything into the database yet.
pub fn is_untouched(store: &Store) -> Result<bool, Error> {
    let admin = staff("admin-1", Role::Admin)?;
    store.read_now(|connection| {
        let has_no_cases = is_empty(connection)?;
        let mut work = Work::new(
            connection,
            &admin,
            &OWN,
            chrono::DateTime::UNIX_EPOCH,
            &Ids::Random,
        );
        Ok(has_no_cases && list_organisations(&mut work, None, None, 1)?.is_empty())
    })
}

/// Makes the authority as it is at the start of `today`.
///
/// The oldest cases are made first: ids follow time, so what is written together lies together in the
/// database.
pub fn make(
    store: &Store,
    today: NaiveDate,
    cases: u32,
    mut progress: impl FnMut(Progress),
) -> Result<Made, Error> {
    let founded_on = today - Days::new(script::DAYS_BACK.unsigned_abs() + 30);
    let (bodies, settings) = found_authority(store, founded_on)?;
    let community_health = bodies.community_health;
    let mut numbers: Vec<u32> = (0..cases).collect();
    numbers.sort_by_cached_key(|number| script_of(*number, today).1.arrived_on);
    let mut made = Made {
        cases: 0,
        events: 0,
        examples: None,
    };
    take_over(
        store,
        today,
        &numbers,
        |connection, ids, number| {
            let story = story_of(number, today, &bodies);
            record_story(connection, ids, &settings, &story)
        },
        |done| match done {
            Done::Cases(stories) => {
                for (number, recorded) in stories {
                    made.cases += 1;
                    made.events += recorded.events;
                    if number == showcase::LATE_ADVICE {
                        made.examples = examples_of(&recorded, community_health);
                    }
                }
                progress(Progress::Cases(made.cases));
            }
            Done::Index { left } => progress(Progress::Indexes { left }),
        },
    )?;
    Ok(made)
}

/// The authority's bodies and settings, from a day on.
fn found_authority(store: &Store, founded_on: NaiveDate) -> Result<(authority::Bodies, Settings), Error> {
    let admin = staff("admin-1", Role::Admin)?;
    store.write_now(move |connection| {
        let bodies = authority::set_up_authority(&mut Work::new(
            connection,
            &admin,
            &DEMO,
            noon(founded_on),
            &Ids::seeded(SEED),
        ))?;
        let (_, settings) = settings_at(connection, LA_CODE, None)?;
        Ok((bodies, settings))
    })
}

/// Each story has a generator of its own, so that more cases leave the first ones as they are.
fn script_of(number: u32, today: NaiveDate) -> (ChaCha8Rng, script::Script) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(number.into());
    let script = match showcase::showcase(number, today) {
        Some(script) => script,
        None => script::draw_script(&mut rng, today),
    };
    (rng, script)
}

fn story_of(number: u32, today: NaiveDate, bodies: &authority::Bodies) -> story::Story {
    let (mut rng, script) = script_of(number, today);
    let child = child::make_up_child(&mut rng, number, script.arrived_on, bodies);
    story::tell_story(&mut rng, &script, child, bodies, today)
}

fn examples_of(recorded: &RecordedStory, organisation_id: Uuid) -> Option<Examples> {
    Some(Examples {
        case_id: recorded.case_id,
        person_id: recorded.person_id,
        assessment_id: recorded.assessment_id?,
        advice_request_id: recorded.medical_request_id?,
        organisation_id,
    })
}
