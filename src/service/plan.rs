//! Plans, beside what they have in common with every procedure: where the child or young person was placed, and is.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::case::{CurrentSetting, move_to_setting, setting_of};
use super::procedure::effective_events;
use super::{Error, Work};
use crate::casework::history::{Entry, effective};
use crate::casework::plan::{PLAN, Placement, place_of, placements};
use crate::casework::timeline::sort_events;
use crate::store::case::find_case;
use crate::store::convert;

/// The placements under a plan up to a day, as known now or at an instant; the oldest first.
pub fn list_placements(
    work: &mut Work<'_>,
    plan_id: Uuid,
    as_of: Option<NaiveDate>,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<Placement>, Error> {
    Ok(placements(&effective_events(
        work, &PLAN, plan_id, as_of, known_at,
    )?))
}

/// Where the entries of a plan tell that the child or young person is placed first of all; ceasing the plan takes
/// nobody out of their setting.
pub(super) fn placed(entries: &[Entry]) -> Option<Placement> {
    let mut events = effective(entries, &HashSet::new());
    sort_events(&mut events);
    place_of(&events)
}

/// Lets a case, which is held, say the setting that its plan tells of, once another one is told of. A setting that was
/// put on the case by hand stays if it is the later one.
pub(super) fn follow_placement(
    work: &mut Work<'_>,
    case_id: &str,
    before: Option<Placement>,
    after: Option<Placement>,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let root = work.whole();
    let case = find_case(work.connection, &root, convert::id(case_id)?)?;
    let said = setting_of(&case)?;
    let is_of_plan = said == before.and_then(current_setting);
    let is_later = match (&said, &after) {
        (Some(said), Some(after)) => said.from_on > after.from_on,
        (Some(_), None) => true,
        (None, Some(_) | None) => false,
    };
    let setting = after.and_then(current_setting);
    if setting == said || (is_later && !is_of_plan) {
        return Ok(());
    }
    move_to_setting(work, case, setting)
}

/// None of a placement without a setting that has a number.
fn current_setting(placement: Placement) -> Option<CurrentSetting> {
    let Placement { started, from_on, .. } = placement;
    let has_number = started.organisation_id.is_some() || started.urn.is_some() || started.ukprn.is_some();
    has_number.then_some(CurrentSetting {
        organisation_id: started.organisation_id,
        urn: started.urn,
        ukprn: started.ukprn,
        from_on,
    })
}
