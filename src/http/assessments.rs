//! Assessments: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted};
use super::event_input::AssessmentEventInput;
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::procedures::{
    EventView, ListedProcedure, MomentQuery, ProcedureQuery, ProcedureView, one_procedure, opened,
    page_of_events, page_of_procedures, recorded,
};
use crate::auth::{ReadAssessments, ReadCases, WriteAssessments};
use crate::casework::assessment::{
    ASSESSMENT, AssessmentFact, AssessmentState, BecameResponsible, RequestReceived,
};
use crate::casework::event::LegalDates;
use crate::casework::procedure::{OwnFact, State};
use crate::service::App;
use crate::service::timeline::{GivenEvent, GivenFact};

/// An assessment to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AssessmentInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: AssessmentOpeningInput,
}

impl RequestBody for AssessmentInput {}

/// An event that opens an assessment.
#[derive(Debug, Deserialize, ToSchema)]
struct AssessmentOpeningInput {
    /// The day of the act.
    #[schema(example = "2026-01-05")]
    occurred_on: NaiveDate,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
    /// The day it was sent to the authority, if not the day of the act.
    sent_on: Option<NaiveDate>,
    /// The day the authority received it, if not the day of the act. Time runs from it.
    received_on: Option<NaiveDate>,
    #[serde(flatten)]
    fact: OpeningFact,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum OpeningFact {
    /// A request for an assessment reached the authority.
    RequestReceived(RequestReceived),
    /// The authority became responsible for a child or young person without a request.
    BecameResponsible(BecameResponsible),
}

impl From<AssessmentOpeningInput> for GivenEvent {
    fn from(input: AssessmentOpeningInput) -> GivenEvent {
        let AssessmentOpeningInput {
            occurred_on,
            note,
            sent_on,
            received_on,
            fact,
        } = input;
        GivenEvent {
            occurred_on,
            dates: LegalDates {
                sent_on,
                received_on,
                ..LegalDates::default()
            },
            note,
            fact: GivenFact::Own(OwnFact::new(match fact {
                OpeningFact::RequestReceived(fact) => AssessmentFact::RequestReceived(fact),
                OpeningFact::BecameResponsible(fact) => AssessmentFact::BecameResponsible(fact),
            })),
        }
    }
}

/// A recorded event and what it led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedEventView {
    pub event: EventView,
    pub assessment: ProcedureView,
}

/// In which state they are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AssessmentStateQuery {
    /// Only assessments in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<AssessmentState>,
}

/// Open an assessment
///
/// A case has one open assessment; a second is refused with the id of the first.
#[utoipa::path(
    tag = "assessments",
    params(IdempotencyKey),
    request_body = AssessmentInput,
    responses((status = 201, body = ProcedureView, description = "The assessment, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["already_open", "case_closed", "event_not_permitted"])))
)]
#[post("/v1/assessments")]
pub async fn open_assessment(
    once: Once<WriteAssessments, AssessmentInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, AssessmentInput { case_id, event }| {
        opened(work, &ASSESSMENT, "/v1/assessments", case_id, &event.into())
    })
    .await
}

/// List assessments
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "assessments",
    params(AssessmentStateQuery, ProcedureQuery, PageQuery),
    responses((status = 200, body = Page<ListedProcedure>, description = "A page of assessments.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/assessments")]
pub async fn list_assessments(
    principal: Allowed<ReadCases>,
    state: QueryString<AssessmentStateQuery>,
    query: QueryString<ProcedureQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let state = state.0.state.map(State::from);
    page_of_procedures(
        &app,
        principal.into_principal(),
        &ASSESSMENT,
        state,
        query.0,
        &page.0,
        &request,
    )
    .await
}

/// Get an assessment
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "assessments",
    params(("id" = Uuid, Path, description = "The assessment."), MomentQuery),
    responses((status = 200, body = ProcedureView, description = "The assessment.",
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
    let id = id.into_inner().0;
    one_procedure(
        &app,
        principal.into_principal(),
        &ASSESSMENT,
        id,
        query.0,
        &request,
    )
    .await
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
    extensions(("x-problems" = json!(["plan_not_ready", "already_open", "gone_on", "follows_from_another"])))
)]
#[post("/v1/assessments/{id}/events")]
pub async fn record_assessment_event(
    act: Act<WriteAssessments, AssessmentEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.on_procedure(id)
        .answer(&app, move |work, input| {
            let (event, assessment) = recorded(work, &ASSESSMENT, id, version, &input.into())?;
            let view = RecordedEventView { event, assessment };
            acted(201, view.assessment.version, &view)
        })
        .await
}
