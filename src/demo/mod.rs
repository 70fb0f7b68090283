//! A made-up authority: organisations, officers, families and hundreds of cases in every state, the same
//! every time for one `today` and number of cases.
//!
//! Every act is judged as a request would be, at the instant at which people would have recorded it, so
//! nothing here can show what the service could not do. No real person is in it. Only the command line
//! calls this.

mod advice_story;
mod authority;
mod child;
mod identifier;
mod recorder;
mod schedule;
mod script;
mod showcase;
mod step;
mod story;
#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, sync_channel};

use chrono::{Days, NaiveDate};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::auth::Role;
use crate::clock::noon;
use crate::service::import::CaseFile;
use crate::service::organisation::list_organisations;
use crate::service::settings::Settings;
use crate::service::{Error, Ids, Work};
use crate::store::case::is_empty;
use crate::store::settings::settings_at;
use crate::store::{AnyConnection, Store};
use recorder::{RecordedStory, record_story, staff, write_file};

pub use authority::{LA_CODE, caseworker};

/// Decides everything that is drawn; any number would do.
const SEED: u64 = 885;
/// How many cases are handed over at a time.
const CASES_IN_A_BATCH: usize = 50;
/// How many batches may wait to be written.
const BATCHES_AHEAD: usize = 4;
/// How many cases share a transaction, at least.
const CASES_IN_A_TRANSACTION: usize = 1_000;

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
        let mut work = Work {
            connection,
            principal: &admin,
            trace_id: "",
            now: chrono::DateTime::UNIX_EPOCH,
            ids: &Ids::Random,
        };
        Ok(has_no_cases && list_organisations(&mut work, None, None, 1)?.is_empty())
    })
}

/// Makes the authority as it is at the start of `today`; `progress` hears how many cases are done.
///
/// One thread makes up the cases while another writes them, the oldest first: ids follow time, so what is
/// written together lies together in the database.
pub fn make(
    store: &Store,
    today: NaiveDate,
    cases: u32,
    mut progress: impl FnMut(u64),
) -> Result<Made, Error> {
    let (bodies, settings) = store.write_now(move |connection| found_authority(connection, today))?;
    let community_health = bodies.community_health;
    let mut numbers: Vec<u32> = (0..cases).collect();
    numbers.sort_by_cached_key(|number| script_of(*number, today).1.arrived_on);
    let mut made = Made {
        cases: 0,
        events: 0,
        examples: None,
    };
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        scope.spawn(move || {
            for numbers in numbers.chunks(CASES_IN_A_BATCH) {
                let batch =
                    store.read_now(|connection| make_up(connection, &settings, &bodies, today, numbers));
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        let mut left = Some(batches);
        while let Some(batches) = left {
            let written = store.write_now(move |connection| write_some(connection, batches, today))?;
            for (number, recorded) in written.stories {
                made.cases += 1;
                made.events += recorded.events;
                if number == showcase::LATE_ADVICE {
                    made.examples = examples_of(&recorded, community_health);
                }
            }
            progress(made.cases);
            left = written.left;
        }
        Ok(made)
    })
}

/// What one transaction wrote.
struct Written {
    stories: Vec<(u32, RecordedStory)>,
    /// Where the next ones come from; none if there are no more.
    left: Option<Receiver<Batch>>,
}

type Batch = Result<Vec<MadeUp>, Error>;

fn write_some(
    connection: &mut AnyConnection,
    batches: Receiver<Batch>,
    today: NaiveDate,
) -> Result<Written, Error> {
    let mut stories = Vec::new();
    while stories.len() < CASES_IN_A_TRANSACTION {
        let Ok(batch) = batches.recv() else {
            return Ok(Written { stories, left: None });
        };
        for (number, ids, file, recorded) in batch? {
            write_file(connection, &ids, file, noon(today))?;
            stories.push((number, recorded));
        }
    }
    Ok(Written {
        stories,
        left: Some(batches),
    })
}

/// The authority's bodies and settings, as long ago as the oldest case.
fn found_authority(
    connection: &mut AnyConnection,
    today: NaiveDate,
) -> Result<(authority::Bodies, Settings), Error> {
    let founded_on = today - Days::new(script::DAYS_BACK.unsigned_abs() + 30);
    let admin = staff("admin-1", Role::Admin)?;
    let bodies = authority::set_up_authority(&mut Work {
        connection: &mut *connection,
        principal: &admin,
        trace_id: "00000000000000000000000000000885",
        now: noon(founded_on),
        ids: &Ids::seeded(SEED),
    })?;
    let (_, settings) = settings_at(connection, LA_CODE, None)?;
    Ok((bodies, settings))
}

type MadeUp = (u32, Ids, CaseFile, RecordedStory);

fn make_up(
    connection: &mut AnyConnection,
    settings: &Settings,
    bodies: &authority::Bodies,
    today: NaiveDate,
    numbers: &[u32],
) -> Result<Vec<MadeUp>, Error> {
    numbers
        .iter()
        .map(|&number| {
            let story = story_of(number, today, bodies);
            let ids = Ids::seeded(SEED ^ ((u64::from(number) + 1) << 32));
            let (file, recorded) = record_story(connection, &ids, settings, &story)?;
            Ok((number, ids, file, recorded))
        })
        .collect()
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
