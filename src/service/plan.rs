//! Plans, beside what they have in common with every procedure: where the child or young person was placed.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::procedure::effective_events;
use super::{Error, Work};
use crate::casework::plan::{PLAN, Placement, placements};

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
