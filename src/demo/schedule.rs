//! When the steps of a made-up story are recorded, so that what was known on a day differs from what
//! had happened by then.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::London;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::step::Step;
use crate::statute::calendar::first_working_day_on_or_after;

/// Says when each step is recorded: on its day in working hours, or sometimes days later where nothing
/// else happened meanwhile. Nothing is recorded before what came earlier.
pub fn schedule(
    rng: &mut ChaCha8Rng,
    opened_at: DateTime<Utc>,
    steps: Vec<Step>,
) -> Vec<(DateTime<Utc>, Step)> {
    let days: Vec<NaiveDate> = steps.iter().map(|step| step.on).collect();
    let mut last_at = opened_at;
    let mut scheduled = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let late_on = first_working_day_on_or_after(step.on + Days::new(rng.random_range(1..=3)));
        let is_recorded_late = rng.random_bool(0.12) && step.is_recorded_by_staff();
        let nothing_between = days.get(index + 1).is_none_or(|next_on| late_on < *next_on);
        let on = if is_recorded_late && nothing_between {
            late_on
        } else {
            step.on
        };
        let in_the_morning = at_work(on, TimeDelta::minutes(rng.random_range(30..100)));
        let soon = last_at + TimeDelta::seconds(rng.random_range(90..900));
        last_at = in_the_morning.max(soon);
        scheduled.push((last_at, step));
    }
    scheduled
}

/// So long after nine o'clock in London.
pub fn at_work(on: NaiveDate, after_nine: TimeDelta) -> DateTime<Utc> {
    let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or(NaiveTime::MIN);
    let local = on.and_time(nine) + after_nine;
    match local.and_local_timezone(London).earliest() {
        Some(instant) => instant.with_timezone(&Utc),
        None => local.and_utc(),
    }
}
