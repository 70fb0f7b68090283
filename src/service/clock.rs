//! The worklist: clocks of the whole authority, due first.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::advice::own_share;
use super::family::told_procedures;
use super::recording::derive;
use super::{Error, Work};
use crate::auth::{Principal, Reach, ReadCases, allows};
use crate::casework::history::effective;
use crate::casework::timeline::sort_events;
use crate::statute::clock::Clock;
use crate::statute::rulebook::ClockKind;
use crate::store::case::{CaseSummaryRow, facts_of_cases, summaries_of};
use crate::store::clock::{ClockFilter, ListedClock, list_clocks as list};
use crate::store::procedure::{load_streams, procedures_by_id};
use crate::store::settings::settings_at;

/// What a list of clocks is to show beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Include {
    pub case: bool,
    pub explanation: bool,
}

/// A clock on a list.
#[derive(Debug, Clone)]
pub struct ClockItem {
    pub listed: ListedClock,
    /// Who it is about, if asked for.
    pub case: Option<CaseSummaryRow>,
    /// The engine's own clock, if the explanation is asked for.
    pub clock: Option<Clock>,
    /// Whether it is shown to a family, which is not told what is claimed.
    pub is_for_family: bool,
}

/// What a system of the authority reads that may not read cases is what is owed on advice, and not of whom.
pub fn reads_of_advice_alone(principal: &Principal) -> bool {
    match principal.reach() {
        Reach::Authority => !allows::<ReadCases>(principal),
        Reach::Organisation(_) | Reach::Case(_) => false,
    }
}

/// A page of the clocks that the principal may see, by due date and id.
///
/// The number of statements does not depend on the number of clocks. A family reads those of what it is told of.
pub fn list_clocks(
    work: &mut Work<'_>,
    mut filter: ClockFilter,
    include: Include,
) -> Result<Vec<ClockItem>, Error> {
    if reads_of_advice_alone(work.principal) {
        if filter.kind.is_some_and(|kind| kind != ClockKind::Advice) {
            work.shows_page(filter.limit, std::iter::empty::<&str>());
            return Ok(Vec::new());
        }
        filter.kind = Some(ClockKind::Advice);
    }
    let root = work.root()?;
    let family_case_id = root.family_case_id().map(str::to_owned);
    if let Some(case_id) = &family_case_id {
        filter.procedure_ids = Some(told_procedures(work, case_id)?);
    }
    let listed = list(work.connection, &root, &filter)?;
    work.shows_page(filter.limit, listed.iter().map(|clock| clock.case_id.to_string()));
    let mut cases: HashMap<Uuid, CaseSummaryRow> = HashMap::new();
    if include.case {
        let mut case_ids: Vec<String> = listed.iter().map(|clock| clock.case_id.to_string()).collect();
        case_ids.sort();
        case_ids.dedup();
        for row in summaries_of(work.connection, &root, &case_ids)? {
            cases.insert(crate::store::convert::id(&row.id)?, row);
        }
    }
    let computed = if include.explanation {
        explain(work, &listed, &filter)?
    } else {
        HashMap::new()
    };
    Ok(listed
        .into_iter()
        .map(|listed| ClockItem {
            case: cases.get(&listed.case_id).cloned(),
            clock: computed.get(&listed.id).cloned(),
            is_for_family: family_case_id.is_some(),
            listed,
        })
        .collect())
}

/// Computes the procedures of a page again, since explanations are never stored.
fn explain(
    work: &mut Work<'_>,
    listed: &[ListedClock],
    filter: &ClockFilter,
) -> Result<HashMap<Uuid, Clock>, Error> {
    let la_code = work.la_code();
    let mut ids: Vec<String> = listed
        .iter()
        .map(|clock| clock.procedure_id.to_string())
        .collect();
    ids.sort();
    ids.dedup();
    let procedures = procedures_by_id(work.connection, &la_code, &ids)?;
    let case_ids: Vec<String> = procedures
        .iter()
        .map(|procedure| procedure.case_id.clone())
        .collect();
    let facts = facts_of_cases(work.connection, &la_code, &case_ids)?;
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    let mut streams: HashMap<String, Vec<_>> = HashMap::new();
    for (procedure_id, entry) in load_streams(work.connection, &procedures)? {
        streams.entry(procedure_id).or_default().push(entry);
    }
    let mut clocks = HashMap::new();
    for procedure in procedures {
        let entries = streams.remove(&procedure.id).unwrap_or_default();
        let Some(child) = facts.get(&procedure.case_id) else {
            continue;
        };
        if let Some(timeline) = derive(
            &procedure,
            &entries,
            child,
            &settings.readings,
            Some(filter.as_of),
        )? {
            let mut events = effective(&entries, &HashSet::new());
            sort_events(&mut events);
            for mut clock in timeline.clocks {
                // Of another organisation's time, the one that is asked now is told nothing.
                if let Some(own) = clock.subject.and_then(|id| own_share(work, &events, id)) {
                    clock.claims.retain(|tested| own.contains(&tested.claim.event_id));
                }
                clocks.insert(clock.id, clock);
            }
        }
    }
    Ok(clocks)
}
