//! How many clocks stand how, over every authority together: numbers for whoever runs the service, which
//! identify nobody. Lists of an authority's clocks are in `clock`. Called by `http::metrics`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::StoreError;
use super::clock::still_owed;
use super::connection::AnyConnection;
use super::convert::named;
use super::schema::clocks;
use crate::statute::rulebook::{Bound, ClockKind};

/// How many clocks of a kind are owed on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owed {
    pub running: u64,
    pub overdue: u64,
}

/// Counts by kind, in the order of their names, what runs or is overdue on a day. It reads the whole index, so it
/// is not for every request.
pub fn count_owed(
    connection: &mut AnyConnection,
    as_of: NaiveDate,
) -> Result<BTreeMap<&'static str, Owed>, StoreError> {
    let rows: Vec<(String, String, NaiveDate, i64)> = clocks::table
        .filter(still_owed(as_of))
        .group_by((clocks::kind, clocks::bound, clocks::due_on))
        .select((clocks::kind, clocks::bound, clocks::due_on, count_star()))
        .load(connection)?;
    let mut owed: BTreeMap<&'static str, Owed> = ClockKind::ALL
        .into_iter()
        .map(|kind| (kind.name(), Owed::default()))
        .collect();
    for (kind, bound, due_on, number) in rows {
        let kind: ClockKind = named(&kind)?;
        let of_kind = owed.entry(kind.name()).or_default();
        let number = u64::try_from(number).unwrap_or_default();
        match (named(&bound)?, due_on < as_of) {
            (Bound::NoLaterThan | Bound::NoEarlierThan, false) => of_kind.running += number,
            (Bound::NoLaterThan, true) => of_kind.overdue += number,
            // A window that has run is over, not late.
            (Bound::NoEarlierThan, true) => {}
        }
    }
    Ok(owed)
}
