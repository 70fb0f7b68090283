//! Consultations received from neighbouring authorities: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted};
use super::event_input::{ConsultationEventInput, OpeningEventInput};
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::procedures::{
    EventView, ListedProcedure, MomentQuery, ProcedureQuery, ProcedureView, one_procedure, opened,
    page_of_events, page_of_procedures, recorded,
};
use crate::auth::{ReadConsultations, WriteConsultations};
use crate::casework::consultation::{
    CONSULTATION, ConsultationFact, ConsultationReceived, ConsultationState,
};
use crate::casework::procedure::{OwnFact, State};
use crate::service::App;

/// A consultation to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConsultationInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: OpeningEventInput<ConsultationOpeningFact>,
}

impl RequestBody for ConsultationInput {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ConsultationOpeningFact {
    /// A neighbouring authority consults on naming a setting of this area.
    ConsultationReceived(ConsultationReceived),
}

impl From<ConsultationOpeningFact> for OwnFact {
    fn from(fact: ConsultationOpeningFact) -> OwnFact {
        let ConsultationOpeningFact::ConsultationReceived(received) = fact;
        OwnFact::new(ConsultationFact::ConsultationReceived(received))
    }
}

/// A recorded event and what it led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedConsultationEventView {
    pub event: EventView,
    pub consultation: ProcedureView,
}

/// In which state they are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConsultationStateQuery {
    /// Only consultations in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<ConsultationState>,
}

/// Open a consultation
///
/// With the day it was received from the neighbouring authority. A case may have several open at once, one for
/// each setting asked about.
#[utoipa::path(
    tag = "consultations",
    params(IdempotencyKey),
    request_body = ConsultationInput,
    responses((status = 201, body = ProcedureView, description = "The consultation, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["case_closed", "event_not_permitted"])))
)]
#[post("/v1/consultations")]
pub async fn open_consultation(
    once: Once<WriteConsultations, ConsultationInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, ConsultationInput { case_id, event }| {
        opened(work, &CONSULTATION, "/v1/consultations", case_id, &event.into())
    })
    .await
}

/// List consultations
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "consultations",
    params(ConsultationStateQuery, ProcedureQuery, PageQuery),
    responses((status = 200, body = Page<ListedProcedure>, description = "A page of consultations.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/consultations")]
pub async fn list_consultations(
    principal: Allowed<ReadConsultations>,
    state: QueryString<ConsultationStateQuery>,
    query: QueryString<ProcedureQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let state = state.0.state.map(State::from);
    page_of_procedures(
        &app,
        principal.into_principal(),
        &CONSULTATION,
        state,
        query.0,
        &page.0,
        &request,
    )
    .await
}

/// Get a consultation
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "consultations",
    params(("id" = Uuid, Path, description = "The consultation."), MomentQuery),
    responses((status = 200, body = ProcedureView, description = "The consultation.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/consultations/{id}")]
pub async fn get_consultation(
    principal: Allowed<ReadConsultations>,
    id: Path<PathId>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    one_procedure(
        &app,
        principal.into_principal(),
        &CONSULTATION,
        id,
        query.0,
        &request,
    )
    .await
}

/// List the events of a consultation
///
/// In the order of recording, with corrections and what they superseded.
#[utoipa::path(
    tag = "consultations",
    params(("id" = Uuid, Path, description = "The consultation."), PageQuery),
    responses((status = 200, body = Page<EventView>, description = "A page of events.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/consultations/{id}/events")]
pub async fn list_consultation_events(
    principal: Allowed<ReadConsultations>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    page_of_events(
        &app,
        principal.into_principal(),
        &CONSULTATION,
        id.into_inner().0,
        &page.0,
        &request,
    )
    .await
}

/// Record what happened in a consultation
///
/// One event, or one correction of recorded events. A backdated event is judged in the state of its day.
#[utoipa::path(
    tag = "consultations",
    params(("id" = Uuid, Path, description = "The consultation."), IfMatch, IdempotencyKey),
    request_body = ConsultationEventInput,
    responses((status = 201, body = RecordedConsultationEventView, description = "The event, and the consultation as of today.",
        headers(("ETag" = String, description = "The consultation's version.")))),
    extensions(("x-problems" = json!(["case_closed"])))
)]
#[post("/v1/consultations/{id}/events")]
pub async fn record_consultation_event(
    act: Act<WriteConsultations, ConsultationEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.on_procedure(id)
        .answer(&app, move |work, input| {
            let (event, consultation) = recorded(work, &CONSULTATION, id, version, &input.into())?;
            let view = RecordedConsultationEventView { event, consultation };
            acted(201, view.consultation.version, &view)
        })
        .await
}
