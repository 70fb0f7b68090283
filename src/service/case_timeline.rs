//! The story of a case across its procedures: what happened, who owes what by when, and which last days moved and
//! why. Its family reads it as the authority does, without what is the authority's own.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::case_record::CaseRecord;
use super::family::{is_told_to_family, reads_as_family};
use super::recording::{derive, kind_of, unfoldable};
use super::{Error, Work};
use crate::casework::child::ChildFacts;
use crate::casework::history::{Entry, effective};
use crate::casework::moves::{Versioned, known_in_turn, moves};
use crate::casework::telling::{Told, What, told};
use crate::casework::timeline::sort_events;
use crate::clock::london_date;
use crate::statute::reading::Readings;
use crate::store::case::{CaseRow, facts_versions, find_case};
use crate::store::convert;
use crate::store::procedure::ProcedureRow;
use crate::store::settings::{settings_after, settings_at};

/// The story of a case on a day.
#[derive(Debug)]
pub struct CaseTimeline {
    pub case: CaseRow,
    pub as_of: NaiveDate,
    /// In the order in which they were opened.
    pub procedures: Vec<ProcedureRow>,
    /// In the order of days, each with the procedure it is of.
    pub told: Vec<(Uuid, Told)>,
}

/// Tells the story of a case as it is known now, on the present day.
///
/// The number of statements depends on neither procedures nor events.
pub fn get_case_timeline(work: &mut Work<'_>, case_id: Uuid) -> Result<CaseTimeline, Error> {
    let root = work.root()?;
    let case = find_case(work.connection, &root, case_id)?;
    work.shows_case(&case.id, Some(case.version));
    let record = CaseRecord::load(work, &case.id)?;
    let past = Past::load(work, &case.id, &record)?;
    let (as_of, to_family) = (work.today(), reads_as_family(work));
    let (mut procedures, mut story) = (Vec::new(), Vec::new());
    for procedure in &record.procedures {
        if to_family && !is_told_to_family(&record, procedure)? {
            continue;
        }
        let procedure_id = convert::id(&procedure.id)?;
        let told = past.story_of(procedure, record.stream(procedure), as_of, to_family)?;
        story.extend(told.into_iter().map(|told| (procedure_id, told)));
        procedures.push(procedure.clone());
    }
    tell_once(&record, &mut story);
    story.sort_by_key(|(_, told)| told.on);
    Ok(CaseTimeline {
        case,
        as_of,
        procedures,
        told: story,
    })
}

/// Leaves out what an event made happen on another procedure where both read the same: an amended plan that is sent
/// on a review is sent on the plan too.
fn tell_once(record: &CaseRecord, story: &mut Vec<(Uuid, Told)>) {
    let recorded = record
        .procedures
        .iter()
        .flat_map(|procedure| record.stream(procedure));
    let made: HashSet<Uuid> = recorded
        .filter(|entry| entry.caused_by.is_some())
        .map(|entry| entry.id)
        .collect();
    let is_made = |told: &Told| match told.what {
        What::Event { event_id, .. } => made.contains(&event_id),
        What::TimeLimit { .. } | What::DateMoved(_) => false,
    };
    let of_themselves = story.iter().filter(|(_, told)| !is_made(told));
    let told_already: HashSet<String> = of_themselves.map(|(_, told)| told.sentence.clone()).collect();
    story.retain(|(_, told)| !is_made(told) || !told_already.contains(&told.sentence));
}

/// What was known beside the streams, and when.
struct Past {
    child: Versioned<Option<ChildFacts>>,
    readings: Versioned<Readings>,
}

impl Past {
    fn load(work: &mut Work<'_>, case_id: &str, record: &CaseRecord) -> Result<Past, Error> {
        let la_code = work.la_code();
        let facts = facts_versions(work.connection, &la_code, case_id)?;
        let mut facts = facts.into_iter().map(|(since_at, facts)| (since_at, Some(facts)));
        let opened_at = first_recorded_at(record).unwrap_or(work.now);
        let (_, settings) = settings_at(work.connection, &la_code, Some(opened_at))?;
        let later = settings_after(work.connection, &la_code, opened_at)?;
        Ok(Past {
            child: Versioned {
                first: facts.next().and_then(|(_, facts)| facts),
                later: facts.collect(),
            },
            readings: Versioned {
                first: settings.readings,
                later: later
                    .into_iter()
                    .map(|(since_at, settings)| (since_at, settings.readings))
                    .collect(),
            },
        })
    }

    fn story_of(
        &self,
        procedure: &ProcedureRow,
        entries: &[Entry],
        as_of: NaiveDate,
        to_family: bool,
    ) -> Result<Vec<Told>, Error> {
        let known = known_in_turn(entries, &self.child, &self.readings, london_date);
        let Some(last) = known.last() else {
            return Ok(Vec::new());
        };
        let procedure_id = convert::id(&procedure.id)?;
        let moved =
            moves(kind_of(procedure)?, procedure_id, &known).map_err(|refusal| unfoldable(&refusal))?;
        let timeline = match last.child {
            Some(child) => derive(procedure, entries, child, last.readings, Some(as_of))?,
            None => None,
        };
        let mut events = effective(entries, &HashSet::new());
        sort_events(&mut events);
        events.retain(|event| event.occurred_on <= as_of);
        Ok(told(&events, timeline.as_ref(), moved, as_of, to_family))
    }
}

fn first_recorded_at(record: &CaseRecord) -> Option<DateTime<Utc>> {
    let streams = record.procedures.iter().map(|procedure| record.stream(procedure));
    streams
        .filter_map(|entries| entries.first())
        .map(|first| first.recorded_at)
        .min()
}
