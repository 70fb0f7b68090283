//! Assessments: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted, created, shown, trace_of};
use super::clocks::{ClockPlace, ClockView};
use super::event_input::{AssessmentEventInput, OpeningEventInput, check_event};
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::{Fault, Problem};
use crate::auth::{ReadAssessments, ReadCases, WriteAssessments};
use crate::casework::assessment::{ASSESSMENT, AssessmentState};
use crate::casework::event::Fact;
use crate::casework::flag::{Flag, FlagCode};
use crate::casework::history::{Correction, Entry, EntryBody};
use crate::casework::procedure::{EventType, State};
use crate::service::procedure::{
    ListedEntry, ProcedureReading, get_procedure as get, list_procedure_events as list_events,
    list_procedures as list, open_procedure as open, record_procedure_event as record,
};
use crate::service::recording::kind_of;
use crate::service::{App, Error};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Party;
use crate::store::procedure::{EntryNote, ProcedureFilter, ProcedureSummaryRow};
use crate::store::{StoreError, convert};

/// An assessment to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AssessmentInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: OpeningEventInput,
}

impl RequestBody for AssessmentInput {}

impl RequestBody for AssessmentEventInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        check_event(value, "", faults);
    }
}

/// Something that needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagView {
    pub code: FlagCode,
    /// The day since when.
    #[schema(example = "2026-02-17")]
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
            since_on: flag.since_on,
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

/// An EHC needs assessment, read for one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssessmentView {
    pub id: Uuid,
    pub case_id: Uuid,
    /// Always `assessment`.
    #[schema(example = "assessment")]
    pub procedure: String,
    #[schema(value_type = AssessmentState)]
    pub state: State,
    /// How many events are on record; the `ETag` is made of it.
    pub version: i64,
    /// The day of the first event.
    pub opened_on: NaiveDate,
    /// The day it is read on.
    pub as_of: NaiveDate,
    /// By due date, explained.
    pub clocks: Vec<ClockView>,
    pub flags: Vec<FlagView>,
    /// What may happen next.
    pub permitted_events: Vec<PermittedEvent>,
}

/// What is shown of a procedure of any kind.
pub struct Shown {
    pub id: Uuid,
    pub case_id: Uuid,
    pub procedure: String,
    pub state: State,
    pub version: i64,
    pub opened_on: NaiveDate,
    pub as_of: NaiveDate,
    pub clocks: Vec<ClockView>,
    pub flags: Vec<FlagView>,
    pub permitted_events: Vec<PermittedEvent>,
}

impl TryFrom<ProcedureReading> for Shown {
    type Error = Error;

    fn try_from(reading: ProcedureReading) -> Result<Shown, Error> {
        let ProcedureReading {
            procedure,
            timeline,
            settings,
            as_of,
            ..
        } = reading;
        let place = ClockPlace {
            case_id: Some(convert::id(&procedure.case_id)?),
            procedure_id: Some(convert::id(&procedure.id)?),
        };
        let kind = kind_of(&procedure)?;
        let state = timeline.as_ref().map_or(kind.void(), |timeline| timeline.state);
        let clocks = timeline.iter().flat_map(|timeline| &timeline.clocks);
        Ok(Shown {
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
                .filter_map(|clock| ClockView::explained(clock, as_of, place))
                .collect(),
            flags: timeline
                .iter()
                .flat_map(|timeline| timeline.flags_on(as_of, settings.due_soon_days))
                .map(|flag| FlagView::from(&flag))
                .collect(),
            permitted_events: permitted_events(kind.permitted_types(Some(state))),
        })
    }
}

impl TryFrom<ProcedureReading> for AssessmentView {
    type Error = Error;

    fn try_from(reading: ProcedureReading) -> Result<AssessmentView, Error> {
        let Shown {
            id,
            case_id,
            procedure,
            state,
            version,
            opened_on,
            as_of,
            clocks,
            flags,
            permitted_events,
        } = Shown::try_from(reading)?;
        Ok(AssessmentView {
            id,
            case_id,
            procedure,
            state,
            version,
            opened_on,
            as_of,
            clocks,
            flags,
            permitted_events,
        })
    }
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
    pub occurred_on: NaiveDate,
    pub note: Option<String>,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: String,
    /// The event that took its place, or the correction that voided it.
    pub superseded_by: Option<Uuid>,
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
        let fact = match &entry.body {
            EntryBody::Fact(Fact::Own(fact)) => fact.to_value(),
            EntryBody::Fact(Fact::Advice(fact)) => serde_json::to_value(fact),
            EntryBody::Fact(Fact::CaseClosed(reason)) => Ok(serde_json::json!({ "reason": reason })),
            EntryBody::Correction(Correction { reason, changes }) => {
                Ok(serde_json::json!({ "reason": reason, "changes": changes }))
            }
        };
        let dates = serde_json::to_value(entry.dates);
        for part in [dates.map_err(unwritable)?, fact.map_err(unwritable)?] {
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
            fields,
        })
    }
}

/// A recorded event and what it led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedEventView {
    pub event: EventView,
    pub assessment: AssessmentView,
}

/// An assessment on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssessmentSummary {
    pub id: String,
    pub case_id: String,
    /// Always `assessment`.
    pub procedure: String,
    pub state: String,
    pub version: i64,
    pub opened_on: NaiveDate,
}

impl From<ProcedureSummaryRow> for AssessmentSummary {
    fn from(row: ProcedureSummaryRow) -> AssessmentSummary {
        let ProcedureSummaryRow {
            id,
            case_id,
            kind,
            state,
            opened_on,
            version,
        } = row;
        AssessmentSummary {
            id,
            case_id,
            procedure: kind,
            state,
            version,
            opened_on,
        }
    }
}

/// Which assessments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AssessmentQuery {
    /// Only assessments in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<AssessmentState>,
    /// Only assessments on cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
    /// Only assessments on which this flag is up today.
    #[param(inline)]
    flag: Option<FlagCode>,
    /// Only assessments on which something still owed is due on or before this day.
    due_before: Option<NaiveDate>,
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

/// Open an assessment
///
/// A case has one open assessment; a second is refused with the id of the first.
#[utoipa::path(
    tag = "assessments",
    params(IdempotencyKey),
    request_body = AssessmentInput,
    responses((status = 201, body = AssessmentView, description = "The assessment, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["already_open", "case_closed", "event_not_permitted"])))
)]
#[post("/v1/assessments")]
pub async fn open_assessment(
    once: Once<WriteAssessments, AssessmentInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, AssessmentInput { case_id, event }| {
        let view = AssessmentView::try_from(open(work, &ASSESSMENT, case_id, &event.into())?)?;
        created(format!("/v1/assessments/{}", view.id), view.version, &view)
    })
    .await
}

/// List assessments
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "assessments",
    params(AssessmentQuery, PageQuery),
    responses((status = 200, body = Page<AssessmentSummary>, description = "A page of assessments.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/assessments")]
pub async fn list_assessments(
    principal: Allowed<ReadCases>,
    query: QueryString<AssessmentQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    let filter = ProcedureFilter {
        kind: ASSESSMENT.name,
        only_case: None,
        state: query.state.map(|state| state.name().to_owned()),
        caseworker: query.caseworker,
        flag: query.flag,
        due_before: query.due_before,
        as_of: app.clock.today(),
        due_soon_days: 0,
        after: page.after_id()?,
        limit: page.rows(),
    };
    let rows = app
        .read(principal.into_principal(), trace_of(&request), move |work| {
            list(work, filter)
        })
        .await?;
    let views = rows.into_iter().map(AssessmentSummary::from).collect();
    Ok(page.answer(&request, views, |view: &AssessmentSummary| view.id.clone()))
}

/// Get an assessment
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "assessments",
    params(("id" = Uuid, Path, description = "The assessment."), MomentQuery),
    responses((status = 200, body = AssessmentView, description = "The assessment.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/assessments/{id}")]
pub async fn get_assessment(
    principal: Allowed<ReadAssessments>,
    id: Path<PathId>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, MomentQuery { as_of, known_at }) = (id.into_inner().0, query.0);
    let view = app
        .read_few(principal.into_principal(), trace_of(&request), move |work| {
            AssessmentView::try_from(get(work, &ASSESSMENT, id, as_of, known_at)?)
        })
        .await?;
    shown(view.version, &view)
}

/// List the events of an assessment
///
/// In the order of recording, with corrections and what they superseded.
#[utoipa::path(
    tag = "assessments",
    params(("id" = Uuid, Path, description = "The assessment."), PageQuery),
    responses((status = 200, body = Page<EventView>, description = "A page of events.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/assessments/{id}/events")]
pub async fn list_assessment_events(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, page) = (id.into_inner().0, page.0);
    let (after, rows) = (page.after_sequence()?, page.rows());
    let views = app
        .read(principal.into_principal(), trace_of(&request), move |work| {
            list_events(work, &ASSESSMENT, id, after, rows)?
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
    Ok(page.answer(&request, views, |view: &EventView| view.sequence.to_string()))
}

/// Record what happened in an assessment
///
/// One event, or one correction of recorded events. A backdated event is judged in the state of its day.
/// Deciding to assess also asks the authority's default contributors for advice.
#[utoipa::path(
    tag = "assessments",
    params(("id" = Uuid, Path, description = "The assessment."), IfMatch, IdempotencyKey),
    request_body = AssessmentEventInput,
    responses((status = 201, body = RecordedEventView, description = "The event, and the assessment as of today.",
        headers(("ETag" = String, description = "The assessment's version.")))),
    extensions(("x-problems" = json!(["plan_not_ready", "already_open"])))
)]
#[post("/v1/assessments/{id}/events")]
pub async fn record_assessment_event(
    act: Act<WriteAssessments, AssessmentEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.answer(&app, move |work, input| {
        let recorded = record(work, &ASSESSMENT, id, version, &input.into())?;
        let view = RecordedEventView {
            event: EventView::of(&recorded.entry, recorded.noted, None)?,
            assessment: AssessmentView::try_from(recorded.reading)?,
        };
        acted(201, view.assessment.version, &view)
    })
    .await
}
