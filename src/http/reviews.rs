//! Reviews of plans: opening, recording, correcting and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted, created, shown, trace_of};
use super::clocks::ClockView;
use super::event_input::check_event;
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::{Fault, Problem};
use super::procedures::{EventView, FlagView, MomentQuery, PermittedEvent, Shown, page_of_events};
use super::review_input::{ReviewEventInput, ReviewOpeningEventInput};
use crate::auth::{ReadCases, ReadReviews, WriteReviews};
use crate::casework::flag::FlagCode;
use crate::casework::procedure::State;
use crate::casework::review::{REVIEW, ReviewState};
use crate::service::procedure::{
    ProcedureReading, get_procedure as get, list_procedures as list, open_procedure as open,
    record_procedure_event as record,
};
use crate::service::{App, Error};
use crate::store::procedure::{ProcedureFilter, ProcedureSummaryRow};

/// A review to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviewInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: ReviewOpeningEventInput,
}

impl RequestBody for ReviewInput {}

impl RequestBody for ReviewEventInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        check_event(value, "", faults);
    }
}

/// The review of a plan, read for one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewView {
    pub id: Uuid,
    pub case_id: Uuid,
    /// Always `review`.
    #[schema(example = "review")]
    pub procedure: String,
    #[schema(value_type = ReviewState)]
    pub state: State,
    /// How many events are on record; the `ETag` is made of it.
    pub version: i64,
    /// The day of the first event: that of the plan, or of its last review.
    pub opened_on: NaiveDate,
    /// The day it is read on.
    pub as_of: NaiveDate,
    /// By due date, explained.
    pub clocks: Vec<ClockView>,
    pub flags: Vec<FlagView>,
    /// What may happen next.
    pub permitted_events: Vec<PermittedEvent>,
}

impl TryFrom<ProcedureReading> for ReviewView {
    type Error = Error;

    fn try_from(reading: ProcedureReading) -> Result<ReviewView, Error> {
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
        Ok(ReviewView {
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
pub struct RecordedReviewEventView {
    pub event: EventView,
    pub review: ReviewView,
}

/// A review on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewSummary {
    pub id: String,
    pub case_id: String,
    /// Always `review`.
    pub procedure: String,
    pub state: String,
    pub version: i64,
    pub opened_on: NaiveDate,
}

impl From<ProcedureSummaryRow> for ReviewSummary {
    fn from(row: ProcedureSummaryRow) -> ReviewSummary {
        let ProcedureSummaryRow {
            id,
            case_id,
            kind,
            state,
            opened_on,
            version,
        } = row;
        ReviewSummary {
            id,
            case_id,
            procedure: kind,
            state,
            version,
            opened_on,
        }
    }
}

/// Which reviews to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReviewQuery {
    /// Only reviews in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<ReviewState>,
    /// Only reviews on cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
    /// Only reviews on which this flag is up today.
    #[param(inline)]
    flag: Option<FlagCode>,
    /// Only reviews on which something still owed is due on or before this day.
    due_before: Option<NaiveDate>,
}

/// Open a review
///
/// With the day the plan was made or last reviewed. A case has one open review; a second is refused with
/// the id of the first.
#[utoipa::path(
    tag = "reviews",
    params(IdempotencyKey),
    request_body = ReviewInput,
    responses((status = 201, body = ReviewView, description = "The review, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["already_open", "case_closed", "event_not_permitted"])))
)]
#[post("/v1/reviews")]
pub async fn open_review(
    once: Once<WriteReviews, ReviewInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, ReviewInput { case_id, event }| {
        let view = ReviewView::try_from(open(work, &REVIEW, case_id, &event.into())?)?;
        created(format!("/v1/reviews/{}", view.id), view.version, &view)
    })
    .await
}

/// List reviews
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "reviews",
    params(ReviewQuery, PageQuery),
    responses((status = 200, body = Page<ReviewSummary>, description = "A page of reviews.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/reviews")]
pub async fn list_reviews(
    principal: Allowed<ReadCases>,
    query: QueryString<ReviewQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    let filter = ProcedureFilter {
        kind: REVIEW.name,
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
    let views = rows.into_iter().map(ReviewSummary::from).collect();
    Ok(page.answer(&request, views, |view: &ReviewSummary| view.id.clone()))
}

/// Get a review
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "reviews",
    params(("id" = Uuid, Path, description = "The review."), MomentQuery),
    responses((status = 200, body = ReviewView, description = "The review.",
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
    let (id, MomentQuery { as_of, known_at }) = (id.into_inner().0, query.0);
    let view = app
        .read_few(principal.into_principal(), trace_of(&request), move |work| {
            ReviewView::try_from(get(work, &REVIEW, id, as_of, known_at)?)
        })
        .await?;
    shown(view.version, &view)
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
    extensions(("x-problems" = json!(["plan_not_ready", "already_open"])))
)]
#[post("/v1/reviews/{id}/events")]
pub async fn record_review_event(
    act: Act<WriteReviews, ReviewEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.answer(&app, move |work, input| {
        let recorded = record(work, &REVIEW, id, version, &input.into())?;
        let view = RecordedReviewEventView {
            event: EventView::of(&recorded.entry, recorded.noted, None)?,
            review: ReviewView::try_from(recorded.reading)?,
        };
        acted(201, view.review.version, &view)
    })
    .await
}
