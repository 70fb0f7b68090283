//! What had been sent of a plan by a moment, by itself and by the other procedures of its case: how its versions stood
//! follows from it. Called where versions are read.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::case_record::CaseRecord;
use super::recording::derive;
use super::{Error, Work};
use crate::casework::assessment::AssessmentState;
use crate::casework::child::ChildFacts;
use crate::casework::history::{Entry, effective, known_at};
use crate::casework::plan::{PLAN, PlanState};
use crate::casework::plan_version::{SendingStream, SentVersions};
use crate::casework::review::ReviewState;
use crate::casework::timeline::sort_events;
use crate::clock::london_date;
use crate::statute::reading::Readings;
use crate::store::case::facts_at;
use crate::store::convert::instant;
use crate::store::procedure::ProcedureRow;
use crate::store::settings::settings_at;

/// For when versions are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// What had happened by this day; by now, if left out.
    pub as_of: Option<NaiveDate>,
    /// What was known at this instant. Alone it implies `as_of` of its day in London.
    pub known_at: Option<DateTime<Utc>>,
}

/// What had been sent of a plan by a moment, as far as was known.
pub(super) fn sent_versions(
    work: &mut Work<'_>,
    plan: &ProcedureRow,
    moment: Moment,
) -> Result<SentVersions, Error> {
    let record = CaseRecord::load(work, &plan.case_id)?;
    let past = Past::of(work, plan, moment)?;
    sent_on_record(&record, plan, moment.known_at, past.as_ref())
}

/// What has been sent of a plan, by the record of its case.
pub(super) fn versions_sent(record: &CaseRecord, plan: &ProcedureRow) -> Result<SentVersions, Error> {
    sent_on_record(record, plan, None, None)
}

fn sent_on_record(
    record: &CaseRecord,
    plan: &ProcedureRow,
    known_until: Option<DateTime<Utc>>,
    past: Option<&Past>,
) -> Result<SentVersions, Error> {
    let procedures = &record.procedures;
    // What other procedures sent while this plan was the last one opened was of this plan.
    let next_opened_at = procedures
        .iter()
        .filter(|other| other.kind == PLAN.name && other.id > plan.id)
        .map(|other| instant(other.created_at))
        .min();
    let opened_at = instant(plan.created_at);
    let mut sending = Vec::with_capacity(procedures.len());
    for procedure in procedures {
        let is_of_plan = procedure.id == plan.id;
        if !is_of_plan && procedure.kind == PLAN.name {
            continue;
        }
        let recorded = record.stream(procedure);
        let entries = known_until.map_or(recorded, |instant| known_at(recorded, instant));
        let while_open: HashSet<Uuid> = entries
            .iter()
            .filter(|entry| entry.recorded_at >= opened_at)
            .filter(|entry| next_opened_at.is_none_or(|next| entry.recorded_at < next))
            .map(|entry| entry.id)
            .collect();
        let mut events = effective(entries, &HashSet::new());
        events.retain(|event| is_of_plan || while_open.contains(&event.id));
        let state = match past {
            None => Some(procedure.state.clone()),
            Some(past) => {
                events.retain(|event| event.occurred_on <= past.as_of);
                past.state_of(procedure, entries)?
            }
        };
        sort_events(&mut events);
        sending.push(SendingStream {
            events,
            is_of_plan,
            awaits_family: state.is_some_and(|state| awaits_family(&state)),
        });
    }
    Ok(SentVersions::of(&sending))
}

/// What states on another day than today are computed from.
struct Past {
    as_of: NaiveDate,
    child: ChildFacts,
    readings: Readings,
}

impl Past {
    /// None if the moment is now, for which states are stored.
    fn of(work: &mut Work<'_>, plan: &ProcedureRow, moment: Moment) -> Result<Option<Past>, Error> {
        let Moment { as_of, known_at } = moment;
        let Some(as_of) = as_of.or(known_at.map(london_date)) else {
            return Ok(None);
        };
        let child = facts_at(work.connection, &plan.la_code, &plan.case_id, known_at)?;
        let (_, settings) = settings_at(work.connection, &plan.la_code, known_at)?;
        Ok(Some(Past {
            as_of,
            child,
            readings: settings.readings,
        }))
    }

    /// None before a procedure opened, and of one opened in error.
    fn state_of(&self, procedure: &ProcedureRow, entries: &[Entry]) -> Result<Option<String>, Error> {
        let timeline = derive(procedure, entries, &self.child, &self.readings, Some(self.as_of))?;
        Ok(timeline.map(|timeline| timeline.state.name().to_owned()))
    }
}

/// Whether a state is one in which what was proposed is with the family.
fn awaits_family(state: &str) -> bool {
    let proposed = [
        AssessmentState::DraftServed.name(),
        ReviewState::AmendmentProposed.name(),
        PlanState::AmendmentProposed.name(),
    ];
    proposed.contains(&state)
}
