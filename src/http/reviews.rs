//! Reviews of plans: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted};
use super::event_input::{OpeningEventInput, ReviewEventInput};
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::procedures::{
    EventView, ListedProcedure, MomentQuery, ProcedureQuery, ProcedureView, one_procedure, opened,
    page_of_events, page_of_procedures, recorded,
};
use crate::auth::{ReadCases, ReadReviews, WriteReviews};
use crate::casework::procedure::{OwnFact, State};
use crate::casework::review::{REVIEW, ReviewFact, ReviewPeriodStarted, ReviewState};
use crate::service::App;

/// A review to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviewInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: OpeningEventInput<ReviewOpeningFact>,
}

impl RequestBody for ReviewInput {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReviewOpeningFact {
    /// The period to the next review began: the day the plan was made, or last reviewed.
    ReviewPeriodStarted(ReviewPeriodStarted),
}

impl From<ReviewOpeningFact> for OwnFact {
    fn from(fact: ReviewOpeningFact) -> OwnFact {
        let ReviewOpeningFact::ReviewPeriodStarted(started) = fact;
        OwnFact::new(ReviewFact::ReviewPeriodStarted(started))
    }
}

/// A recorded event and what it led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedReviewEventView {
    pub event: EventView,
    pub review: ProcedureView,
}

/// In which state they are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReviewStateQuery {
    /// Only reviews in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<ReviewState>,
}

/// Open a review
///
/// With the day the plan was made or last reviewed. A case has one open review; a second is refused with
/// the id of the first.
#[utoipa::path(
    tag = "reviews",
    params(IdempotencyKey),
    request_body = ReviewInput,
    responses((status = 201, body = ProcedureView, description = "The review, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["already_open", "plan_ended", "case_closed", "event_not_permitted"])))
)]
#[post("/v1/reviews")]
pub async fn open_review(
    once: Once<WriteReviews, ReviewInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, ReviewInput { case_id, event }| {
        opened(work, &REVIEW, "/v1/reviews", case_id, &event.into())
    })
    .await
}

/// List reviews
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "reviews",
    params(ReviewStateQuery, ProcedureQuery, PageQuery),
    responses((status = 200, body = Page<ListedProcedure>, description = "A page of reviews.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/reviews")]
pub async fn list_reviews(
    principal: Allowed<ReadCases>,
    state: QueryString<ReviewStateQuery>,
    query: QueryString<ProcedureQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let state = state.0.state.map(State::from);
    page_of_procedures(
        &app,
        principal.into_principal(),
        &REVIEW,
        state,
        query.0,
        &page.0,
        &request,
    )
    .await
}

/// Get a review
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "reviews",
    params(("id" = Uuid, Path, description = "The review."), MomentQuery),
    responses((status = 200, body = ProcedureView, description = "The review.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/reviews/{id}")]
pub async fn get_review(
    principal: Allowed<ReadReviews>,
    id: Path<PathId>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    one_procedure(&app, principal.into_principal(), &REVIEW, id, query.0, &request).await
}

/// List the events of a review
///
/// In the order of recording, with corrections and what they superseded.
#[utoipa::path(
    tag = "reviews",
    params(("id" = Uuid, Path, description = "The review."), PageQuery),
    responses((status = 200, body = Page<EventView>, description = "A page of events.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/reviews/{id}/events")]
pub async fn list_review_events(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    page_of_events(
        &app,
        principal.into_principal(),
        &REVIEW,
        id.into_inner().0,
        &page.0,
        &request,
    )
    .await
}

/// Record what happened in a review
///
/// One event, or one correction of recorded events. A backdated event is judged in the state of its day.
/// Steps that happened elsewhere may be left out; the clocks they would have started are not there.
#[utoipa::path(
    tag = "reviews",
    params(("id" = Uuid, Path, description = "The review."), IfMatch, IdempotencyKey),
    request_body = ReviewEventInput,
    responses((status = 201, body = RecordedReviewEventView, description = "The event, and the review as of today.",
        headers(("ETag" = String, description = "The review's version.")))),
    extensions(("x-problems" = json!(["plan_not_ready", "already_open", "gone_on", "follows_from_another"])))
)]
#[post("/v1/reviews/{id}/events")]
pub async fn record_review_event(
    act: Act<WriteReviews, ReviewEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.on_procedure(id)
        .answer(&app, move |work, input| {
            let (event, review) = recorded(work, &REVIEW, id, version, &input.into())?;
            let view = RecordedReviewEventView { event, review };
            acted(201, view.review.version, &view)
        })
        .await
}
