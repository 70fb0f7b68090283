//! What procedures of every kind take and show alike, and how their operations go about it. What one kind has of
//! its own, its operations and what its events hold, is in its own file, such as `assessments` or `reviews`.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{created, origin_of, shown};
use super::clocks::{ClockPlace, ClockView};
use super::dates;
use super::page::PageQuery;
use super::place::{SettingConsultationView, consulted};
use super::problem::Problem;
use crate::auth::Principal;
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::history::Entry;
use crate::casework::procedure::{EventType, ProcedureKind, State};
use crate::service::idempotency::Answer;
use crate::service::procedure::{
    ListedEntry, NewEvent, ProcedureReading, fields_of, get_procedure, list_procedure_events,
    list_procedures, open_procedure, record_procedure_event,
};
use crate::service::recording::kind_of;
use crate::service::timeline::GivenEvent;
use crate::service::{App, Error, Work};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Party;
use crate::store::procedure::{EntryNote, ProcedureFilter, ProcedureSummaryRow};
use crate::store::{StoreError, convert};

/// Something that needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagView {
    pub code: FlagCode,
    /// The day since when.
    #[schema(example = "2026-02-17")]
    #[serde(serialize_with = "dates::day")]
    pub since_on: NaiveDate,
    /// The clock it is about, if it is about one.
    pub clock_id: Option<Uuid>,
    /// The advice request it is about, if it is about one.
    pub advice_request_id: Option<Uuid>,
    /// The advice it is about, if it is about advice.
    pub requirement: Option<Requirement>,
    /// Who has to act; null if nothing can be done about it.
    pub whose_move: Option<Party>,
    /// The same as a sentence.
    pub message: String,
}

impl From<&Flag> for FlagView {
    fn from(flag: &Flag) -> FlagView {
        FlagView {
            code: flag.code,
            since_on: flag.told_since(),
            clock_id: flag.subject.clock_id,
            advice_request_id: flag.subject.advice_request_id,
            requirement: flag.subject.requirement,
            whose_move: flag.whose_move,
            message: flag.in_words(),
        }
    }
}

/// An event that may be recorded now.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermittedEvent {
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The fields it must have beside `type` and `occurred_on`.
    pub required: Vec<&'static str>,
}

/// What may be recorded; a correction may be recorded in any state.
pub fn permitted_events(permitted: Vec<EventType>) -> Vec<PermittedEvent> {
    permitted
        .into_iter()
        .map(|event_type| PermittedEvent {
            event_type,
            required: event_type.required_fields().to_vec(),
        })
        .collect()
}

/// A procedure of any kind, read for one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcedureView {
    pub id: Uuid,
    pub case_id: Uuid,
    /// Which kind it is: `assessment`, `review`, …
    #[schema(example = "assessment")]
    pub procedure: String,
    pub state: State,
    /// How many events are on record; the `ETag` is made of it.
    pub version: i64,
    /// The day of the first event.
    #[serde(serialize_with = "dates::day")]
    pub opened_on: NaiveDate,
    /// The day it is read on.
    pub as_of: NaiveDate,
    /// By due date, explained.
    pub clocks: Vec<ClockView>,
    /// Empty for a family.
    pub flags: Vec<FlagView>,
    /// The settings that were consulted on being named in the plan, in that order; empty for a family.
    pub consultations: Vec<SettingConsultationView>,
    /// What may happen next; empty for a family.
    pub permitted_events: Vec<PermittedEvent>,
}

impl TryFrom<ProcedureReading> for ProcedureView {
    type Error = Error;

    fn try_from(reading: ProcedureReading) -> Result<ProcedureView, Error> {
        let ProcedureReading {
            procedure,
            timeline,
            settings,
            as_of,
            child: _,
            is_for_family,
        } = reading;
        let place = ClockPlace {
            case_id: Some(convert::id(&procedure.case_id)?),
            procedure_id: Some(convert::id(&procedure.id)?),
        };
        let kind = kind_of(&procedure)?;
        let state = timeline.as_ref().map_or(kind.void(), |timeline| timeline.state);
        let clocks = timeline.iter().flat_map(|timeline| &timeline.clocks);
        let clock_view = if is_for_family {
            ClockView::told
        } else {
            ClockView::explained
        };
        Ok(ProcedureView {
            id: convert::id(&procedure.id)?,
            case_id: convert::id(&procedure.case_id)?,
            procedure: procedure.kind,
            state,
            version: procedure.version,
            opened_on: timeline
                .as_ref()
                .map_or(procedure.opened_on, |timeline| timeline.opened_on),
            as_of,
            clocks: clocks
                .filter_map(|clock| clock_view(clock, as_of, place))
                .collect(),
            flags: timeline
                .iter()
                .filter(|_| !is_for_family)
                .flat_map(|timeline| timeline.flags_on(as_of, settings.due_soon_days))
                .map(|flag| FlagView::from(&flag))
                .collect(),
            consultations: timeline
                .as_ref()
                .filter(|_| !is_for_family)
                .map(consulted)
                .unwrap_or_default(),
            permitted_events: if is_for_family {
                Vec::new()
            } else {
                permitted_events(kind.permitted_types(Some(state)))
            },
        })
    }
}

/// A procedure on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedProcedure {
    pub id: String,
    pub case_id: String,
    /// Which kind it is: `assessment`, `review`, …
    pub procedure: String,
    pub state: String,
    pub version: i64,
    #[serde(serialize_with = "dates::day")]
    pub opened_on: NaiveDate,
}

impl From<ProcedureSummaryRow> for ListedProcedure {
    fn from(row: ProcedureSummaryRow) -> ListedProcedure {
        let ProcedureSummaryRow {
            id,
            case_id,
            kind,
            state,
            opened_on,
            version,
        } = row;
        ListedProcedure {
            id,
            case_id,
            procedure: kind,
            state,
            version,
            opened_on,
        }
    }
}

/// Which procedures of a kind to list, beside their state, which every kind has its own of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProcedureQuery {
    /// Only on cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
    /// Only those on which this flag is up today.
    #[param(inline)]
    flag: Option<FlagCode>,
    /// Only those on which something still owed is due on or before this day.
    due_before: Option<NaiveDate>,
}

/// A recorded event, in full or superseded.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    pub id: Uuid,
    /// Its place in the order of recording, from 1.
    pub sequence: i64,
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The day of the act.
    #[serde(serialize_with = "dates::day")]
    pub occurred_on: NaiveDate,
    pub note: Option<String>,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: String,
    /// The event that took its place, or the correction that voided it.
    pub superseded_by: Option<Uuid>,
    /// The event on another procedure of the case that made this one happen.
    pub caused_by: Option<Uuid>,
    /// The other dates and the fields of its type.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

impl EventView {
    pub(super) fn of(
        entry: &Entry,
        noted: EntryNote,
        superseded_by: Option<Uuid>,
    ) -> Result<EventView, Error> {
        let unwritable = |_| Error::Store(StoreError::Bug("an event cannot be written as JSON".to_owned()));
        let mut fields = Map::new();
        let dates = serde_json::to_value(entry.dates);
        for part in [dates.map_err(unwritable)?, fields_of(&entry.body)?] {
            if let Value::Object(members) = part {
                fields.extend(members.into_iter().filter(|(name, _)| name != "type"));
            }
        }
        Ok(EventView {
            id: entry.id,
            sequence: entry.sequence,
            event_type: entry.body.event_type(),
            occurred_on: entry.occurred_on,
            note: noted.note,
            recorded_at: entry.recorded_at,
            recorded_by: noted.recorded_by,
            superseded_by,
            caused_by: entry.caused_by,
            fields,
        })
    }
}

/// Which moment to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MomentQuery {
    /// The day: what was true then, as far as is known. Today in London if left out.
    pub as_of: Option<NaiveDate>,
    /// The instant: what was known then. Alone it implies `as_of` of its day in London.
    pub known_at: Option<DateTime<Utc>>,
}

/// Opens a procedure, for the operation of its kind, whose path is given.
pub fn opened(
    work: &mut Work<'_>,
    kind: &'static ProcedureKind,
    path: &str,
    case_id: Uuid,
    event: &GivenEvent,
) -> Result<Answer, Error> {
    let view = ProcedureView::try_from(open_procedure(work, kind, case_id, event)?)?;
    created(format!("{path}/{}", view.id), view.version, &view)
}

/// Records an event, for the operation of its kind: the event, and the procedure after it.
pub fn recorded(
    work: &mut Work<'_>,
    kind: &'static ProcedureKind,
    id: Uuid,
    version: i64,
    event: &NewEvent,
) -> Result<(EventView, ProcedureView), Error> {
    let recorded = record_procedure_event(work, kind, id, version, event)?;
    Ok((
        EventView::of(&recorded.entry, recorded.noted, None)?,
        ProcedureView::try_from(recorded.reading)?,
    ))
}

/// A procedure, for the operation of its kind.
pub async fn one_procedure(
    app: &App,
    principal: Principal,
    kind: &'static ProcedureKind,
    id: Uuid,
    moment: MomentQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let MomentQuery { as_of, known_at } = moment;
    let view = app
        .read_few(principal, origin_of(request), move |work| {
            ProcedureView::try_from(get_procedure(work, kind, id, as_of, known_at)?)
        })
        .await?;
    shown(view.version, &view)
}

/// A page of procedures, for the operation of their kind.
pub async fn page_of_procedures(
    app: &App,
    principal: Principal,
    kind: &'static ProcedureKind,
    state: Option<State>,
    query: ProcedureQuery,
    page: &PageQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let filter = ProcedureFilter {
        kind: kind.name,
        state: state.map(|state| state.name().to_owned()),
        caseworker: query.caseworker,
        flag: query.flag,
        due_before: query.due_before,
        as_of: app.clock.today(),
        due_soon_days: 0,
        after: page.after_id()?,
        limit: page.rows(),
    };
    let rows = app
        .read(principal, origin_of(request), move |work| {
            list_procedures(work, filter)
        })
        .await?;
    let views = rows.into_iter().map(ListedProcedure::from).collect();
    Ok(page.answer(request, views, |view: &ListedProcedure| view.id.clone()))
}

/// A page of the stream of a procedure, for the operation of its kind.
pub async fn page_of_events(
    app: &App,
    principal: Principal,
    kind: &'static ProcedureKind,
    id: Uuid,
    page: &PageQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (after, rows) = (page.after_sequence()?, page.rows());
    let views = app
        .read(principal, origin_of(request), move |work| {
            list_procedure_events(work, kind, id, after, rows)?
                .into_iter()
                .map(
                    |ListedEntry {
                         entry,
                         noted,
                         superseded_by,
                     }| EventView::of(&entry, noted, superseded_by),
                )
                .collect::<Result<Vec<_>, Error>>()
        })
        .await?;
    Ok(page.answer(request, views, |view: &EventView| view.sequence.to_string()))
}
