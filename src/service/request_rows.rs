//! The rows of advice requests, which repeat for lists what the engine makes of their events.
//!
//! Called by `recording`, which writes them with the events they follow from, and by `rebuild`.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::Error;
use crate::casework::advice::AdviceRequest;
use crate::casework::timeline::Timeline;
use crate::statute::rulebook::ClockKind;
use crate::store::AnyConnection;
use crate::store::advice::{AdviceRequestRow, insert_advice_request, update_advice_request};
use crate::store::convert::{self, text_of};
use crate::store::procedure::ProcedureRow;

/// What a new advice request carries that the engine does not read.
#[derive(Debug, Clone, Default)]
pub struct RequestContent {
    pub family_story: Option<String>,
    pub questions: Option<String>,
}

/// The requests of a procedure as the engine sees them, in a version more where something changed or
/// was done to them, and new ones with their content. A request whose asking was voided disappears
/// from lists.
pub(super) fn renewed_requests(
    procedure: &ProcedureRow,
    timeline: Option<&Timeline>,
    held: &[AdviceRequestRow],
    touched: &HashSet<Uuid>,
    contents: &HashMap<Uuid, RequestContent>,
) -> Result<Vec<AdviceRequestRow>, Error> {
    let mut renewed = wanted_requests(procedure, timeline, held);
    for (position, row) in renewed.iter_mut().enumerate() {
        let request_id = convert::id(&row.id)?;
        match held.get(position) {
            Some(before) => {
                if *before != *row || touched.contains(&request_id) {
                    row.version += 1;
                }
            }
            None => {
                if let Some(content) = contents.get(&request_id) {
                    row.family_story = content.family_story.clone();
                    row.questions = content.questions.clone();
                }
            }
        }
    }
    Ok(renewed)
}

/// Writes the requests that differ from those stored, which come first and in the same order.
pub(super) fn write_requests(
    connection: &mut AnyConnection,
    stored: &[AdviceRequestRow],
    wanted: &[AdviceRequestRow],
) -> Result<(), Error> {
    for (position, row) in wanted.iter().enumerate() {
        match stored.get(position) {
            Some(before) if before == row => {}
            Some(before) => update_advice_request(connection, before, row)?,
            None => insert_advice_request(connection, row)?,
        }
    }
    Ok(())
}

/// The requests of a procedure as the engine sees them: those held, in their order, and then the new.
pub fn wanted_requests(
    procedure: &ProcedureRow,
    timeline: Option<&Timeline>,
    held: &[AdviceRequestRow],
) -> Vec<AdviceRequestRow> {
    let needed_by_on = timeline.and_then(|timeline| timeline.advice.needed_by_on);
    let mut seen: HashMap<String, (&AdviceRequest, Option<NaiveDate>)> = HashMap::new();
    for request in timeline.iter().flat_map(|timeline| &timeline.advice.requests) {
        let clocks = timeline.iter().flat_map(|timeline| &timeline.clocks);
        let clock = clocks
            .into_iter()
            .find(|clock| clock.rule.kind == ClockKind::Advice && clock.subject == Some(request.id));
        let due_on = clock.map(|clock| clock.due_on);
        seen.insert(request.id.to_string(), (request, due_on));
    }
    let mut wanted = held.to_vec();
    for row in &mut wanted {
        match seen.remove(&row.id) {
            Some((request, due_on)) => show(row, request, due_on, needed_by_on),
            None => {
                row.is_void = true;
                row.is_live = false;
            }
        }
    }
    let mut new: Vec<_> = seen.into_values().collect();
    new.sort_by_key(|(request, _)| request.id);
    for (request, due_on) in new {
        let mut row = AdviceRequestRow {
            id: request.id.to_string(),
            la_code: procedure.la_code.clone(),
            case_id: procedure.case_id.clone(),
            procedure_id: procedure.id.clone(),
            requirement: request.requirement.name().to_owned(),
            service: request.service.clone(),
            organisation_id: None,
            family_story: None,
            questions: None,
            state: String::new(),
            is_live: true,
            is_void: false,
            requested_on: request.requested_on,
            received_on: None,
            due_on,
            submitted_on: None,
            accepted_on: None,
            version: 1,
            needed_by_on,
        };
        show(&mut row, request, due_on, needed_by_on);
        wanted.push(row);
    }
    wanted
}

fn show(
    row: &mut AdviceRequestRow,
    request: &AdviceRequest,
    due_on: Option<NaiveDate>,
    needed_by_on: Option<NaiveDate>,
) {
    row.requirement = request.requirement.name().to_owned();
    row.service = request.service.clone();
    row.organisation_id = text_of(request.organisation_id);
    row.state = request.state.name().to_owned();
    row.is_live = request.state.is_live();
    row.is_void = false;
    row.requested_on = request.requested_on;
    row.received_on = request.received_on;
    row.due_on = due_on;
    row.needed_by_on = needed_by_on;
    row.submitted_on = request.submitted_on;
    row.accepted_on = request.accepted_on;
}
