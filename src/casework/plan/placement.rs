//! Where the child or young person was placed, and when: read from the events of the plan.

use chrono::NaiveDate;

use super::{PlacementRank, PlacementStarted, PlanFact};
use crate::casework::event::{Event, Fact};

/// A time in a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub started: PlacementStarted,
    pub from_on: NaiveDate,
    /// The day it ended, which may be the day the next began; none while it lasts.
    pub until_on: Option<NaiveDate>,
}

/// The placements that effective events in the order of the fold tell of, the oldest first.
pub fn placements(events: &[Event]) -> Vec<Placement> {
    let mut placements: Vec<Placement> = Vec::new();
    for event in events {
        let Fact::Own(own) = &event.fact else { continue };
        let (rank, started) = match own.of() {
            Some(PlanFact::PlacementStarted(started)) => (started.rank, Some(started)),
            Some(PlanFact::PlacementEnded(ended)) => (ended.rank, None),
            Some(PlanFact::Ceased(_)) => {
                for placement in &mut placements {
                    placement.until_on.get_or_insert(event.occurred_on);
                }
                continue;
            }
            Some(_) | None => continue,
        };
        for placement in placements
            .iter_mut()
            .filter(|earlier| earlier.started.rank == rank)
        {
            placement.until_on.get_or_insert(event.occurred_on);
        }
        placements.extend(started.map(|started| Placement {
            started: started.clone(),
            from_on: event.occurred_on,
            until_on: None,
        }));
    }
    placements
}

/// Where effective events in the order of the fold tell that the child or young person is placed first of all. Ceasing
/// the plan takes nobody out of their setting.
pub fn place_of(events: &[Event]) -> Option<Placement> {
    let ceases = |event: &&Event| {
        let Fact::Own(own) = &event.fact else { return false };
        matches!(own.of(), Some(PlanFact::Ceased(_)))
    };
    let others: Vec<Event> = events.iter().filter(|event| !ceases(event)).cloned().collect();
    let mut lasting = placements(&others)
        .into_iter()
        .filter(|placement| placement.started.rank == PlacementRank::Primary && placement.until_on.is_none());
    lasting.next_back()
}
