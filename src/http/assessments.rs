//! Assessments: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted, created, shown, trace_of};
use super::clocks::ClockView;
use super::event_input::{AssessmentEventInput, OpeningEventInput, check_event};
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::{Fault, Problem};
use super::procedures::{EventView, FlagView, MomentQuery, PermittedEvent, Shown, page_of_events};
use crate::auth::{ReadAssessments, ReadCases, WriteAssessments};
use crate::casework::assessment::{ASSESSMENT, AssessmentState};
use crate::casework::flag::FlagCode;
use crate::casework::procedure::State;
use crate::service::procedure::{
    ProcedureReading, get_procedure as get, list_procedures as list, open_procedure as open,
    record_procedure_event as record,
};
use crate::service::{App, Error};
use crate::store::procedure::{ProcedureFilter, ProcedureSummaryRow};

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
    page_of_events(
        &app,
        principal.into_principal(),
        &ASSESSMENT,
        id.into_inner().0,
        &page.0,
        &request,
    )
    .await
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
