//! Requests for advice: asking, listing and reading them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, created, origin_of, shown};
use super::clocks::{ClockPlace, ClockView};
use super::dates;
use super::extractor::{Allowed, IdempotencyKey, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery, due_cursor};
use super::problem::Problem;
use crate::auth::{ReadAdvice, WriteAdvice};
use crate::casework::advice::{AdviceState, StartBasis};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::procedure::ProcedureKind;
use crate::casework::review::REVIEW;
use crate::service::advice::{
    AdviceReading, ChildOfRequest, NewAdviceRequest, get_advice_request as get, list_requests,
    open_advice_request as open,
};
use crate::service::request_rows::RequestContent;
use crate::service::{App, Error};
use crate::statute::requirement::Requirement;
use crate::store::advice::{AdviceFilter, ListedRequest, SubmissionRow, wanted_on};
use crate::store::convert::{from_json, id as id_of, named, optional_id};

/// A request for advice to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdviceRequestInput {
    /// The paragraph of reg 6 it answers; on a review, the source it comes from.
    requirement: Requirement,
    /// The service asked, where an organisation has several.
    #[schema(min_length = 1, max_length = 100, example = "speech_and_language")]
    service: Option<String>,
    /// The organisation asked.
    organisation_id: Option<Uuid>,
    /// The day it was sent.
    #[schema(example = "2026-02-12")]
    requested_on: NaiveDate,
    /// The day the body received it, if known; the six weeks for an assessment run from it.
    received_on: Option<NaiveDate>,
    /// The family's story, so that the professional meets a person and not a form.
    #[schema(max_length = 20_000)]
    family_story: Option<String>,
    /// What the authority wants to know.
    #[schema(max_length = 20_000)]
    questions: Option<String>,
}

impl RequestBody for AdviceRequestInput {}

/// What a body sent in answer to a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmissionView {
    pub id: Uuid,
    #[serde(serialize_with = "dates::day")]
    pub submitted_on: NaiveDate,
    pub summary: String,
    pub content: Option<String>,
    pub authors: Vec<String>,
    pub unmet_need: Option<String>,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: String,
}

/// A request for advice.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceRequestView {
    pub id: Uuid,
    pub procedure_id: Uuid,
    pub case_id: Uuid,
    pub requirement: Requirement,
    pub service: Option<String>,
    pub organisation_id: Option<Uuid>,
    pub state: AdviceState,
    /// Rises with every act; the `ETag` is made of it.
    pub version: i64,
    #[serde(serialize_with = "dates::day")]
    pub requested_on: NaiveDate,
    #[serde(serialize_with = "dates::optional_day")]
    pub received_on: Option<NaiveDate>,
    /// Whether the day of receipt is on record or presumed to be the day of sending.
    pub start_basis: StartBasis,
    /// The last day in time; null where no time limit runs, as on reviews.
    #[serde(serialize_with = "dates::optional_day")]
    pub due_on: Option<NaiveDate>,
    /// On a review, the day by which its papers have to be circulated, once a meeting is arranged.
    #[serde(serialize_with = "dates::optional_day")]
    pub needed_by_on: Option<NaiveDate>,
    /// The first complete submission; a return does not undo it.
    #[serde(serialize_with = "dates::optional_day")]
    pub submitted_on: Option<NaiveDate>,
    #[serde(serialize_with = "dates::optional_day")]
    pub accepted_on: Option<NaiveDate>,
    pub family_story: Option<String>,
    pub questions: Option<String>,
    /// Its clock as of today, explained; null on reviews, and for requests from before the law was in force.
    pub clock: Option<ClockView>,
    /// Who it is about, for the organisation that was asked; null for others.
    pub child: Option<ChildOfRequestView>,
    /// The oldest first.
    pub submissions: Vec<SubmissionView>,
}

/// What whoever gives advice needs to know of a child or young person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChildOfRequestView {
    pub given_name: String,
    pub family_name: String,
    #[serde(serialize_with = "dates::day")]
    pub date_of_birth: NaiveDate,
    /// For health services.
    pub nhs_number: Option<String>,
    /// For schools, colleges and early years settings.
    pub upn: Option<String>,
    /// For colleges.
    pub uln: Option<String>,
}

impl From<ChildOfRequest> for ChildOfRequestView {
    fn from(child: ChildOfRequest) -> ChildOfRequestView {
        let ChildOfRequest {
            given_name,
            family_name,
            date_of_birth,
            nhs_number,
            upn,
            uln,
        } = child;
        ChildOfRequestView {
            given_name,
            family_name,
            date_of_birth,
            nhs_number,
            upn,
            uln,
        }
    }
}

/// A request for advice on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceRequestSummary {
    pub id: Uuid,
    pub procedure_id: Uuid,
    pub case_id: Uuid,
    pub requirement: Requirement,
    pub service: Option<String>,
    pub organisation_id: Option<Uuid>,
    pub state: AdviceState,
    pub version: i64,
    #[serde(serialize_with = "dates::day")]
    pub requested_on: NaiveDate,
    #[serde(serialize_with = "dates::optional_day")]
    pub received_on: Option<NaiveDate>,
    pub start_basis: StartBasis,
    /// The last day in time; null where no time limit runs, as on reviews.
    #[serde(serialize_with = "dates::optional_day")]
    pub due_on: Option<NaiveDate>,
    /// On a review, the day by which its papers have to be circulated, once a meeting is arranged.
    #[serde(serialize_with = "dates::optional_day")]
    pub needed_by_on: Option<NaiveDate>,
    #[serde(serialize_with = "dates::optional_day")]
    pub submitted_on: Option<NaiveDate>,
    #[serde(serialize_with = "dates::optional_day")]
    pub accepted_on: Option<NaiveDate>,
}

/// Which requests to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdviceQuery {
    /// Only requests in this state.
    #[param(inline)]
    state: Option<AdviceState>,
    /// Only requests under this paragraph.
    #[param(inline)]
    requirement: Option<Requirement>,
    /// Only requests to this organisation.
    organisation_id: Option<Uuid>,
    /// Only requests due on or before this day; one without a time limit of its own is due on none.
    due_before: Option<NaiveDate>,
}

impl TryFrom<ListedRequest> for AdviceRequestSummary {
    type Error = Error;

    fn try_from(row: ListedRequest) -> Result<AdviceRequestSummary, Error> {
        Ok(AdviceRequestSummary {
            id: row.id.0,
            procedure_id: row.procedure_id.0,
            case_id: row.case_id.0,
            requirement: named(&row.requirement)?,
            service: row.service,
            organisation_id: row.organisation_id.map(|id| id.0),
            state: named(&row.state)?,
            version: row.version,
            requested_on: row.requested_on,
            received_on: row.received_on,
            start_basis: StartBasis::of(row.received_on),
            due_on: row.due_on,
            needed_by_on: row.needed_by_on,
            submitted_on: row.submitted_on,
            accepted_on: row.accepted_on,
        })
    }
}

impl TryFrom<SubmissionRow> for SubmissionView {
    type Error = Error;

    fn try_from(row: SubmissionRow) -> Result<SubmissionView, Error> {
        Ok(SubmissionView {
            id: id_of(&row.id)?,
            submitted_on: row.submitted_on,
            summary: row.summary,
            content: row.content,
            authors: from_json(&row.authors)?,
            unmet_need: row.unmet_need,
            recorded_at: row.recorded_at.and_utc(),
            recorded_by: row.recorded_by,
        })
    }
}

impl TryFrom<AdviceReading> for AdviceRequestView {
    type Error = Error;

    fn try_from(reading: AdviceReading) -> Result<AdviceRequestView, Error> {
        let AdviceReading {
            request,
            clock,
            submissions,
            child,
            as_of,
        } = reading;
        let (procedure_id, case_id) = (id_of(&request.procedure_id)?, id_of(&request.case_id)?);
        let place = ClockPlace {
            case_id: Some(case_id),
            procedure_id: Some(procedure_id),
        };
        Ok(AdviceRequestView {
            id: id_of(&request.id)?,
            procedure_id,
            case_id,
            requirement: named(&request.requirement)?,
            service: request.service,
            organisation_id: optional_id(request.organisation_id.as_deref())?,
            state: named(&request.state)?,
            version: request.version,
            requested_on: request.requested_on,
            received_on: request.received_on,
            start_basis: StartBasis::of(request.received_on),
            due_on: request.due_on,
            needed_by_on: request.needed_by_on,
            submitted_on: request.submitted_on,
            accepted_on: request.accepted_on,
            family_story: request.family_story,
            questions: request.questions,
            clock: clock.and_then(|clock| ClockView::explained(&clock, as_of, place)),
            child: child.map(ChildOfRequestView::from),
            submissions: submissions
                .into_iter()
                .map(SubmissionView::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Ask for advice
///
/// One live request per requirement, service and organisation. Its clock starts when the body received
/// it; where that is not known, on the day it was sent.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The assessment."), IdempotencyKey),
    request_body = AdviceRequestInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate", "event_not_permitted"])))
)]
#[post("/v1/assessments/{id}/advice-requests")]
pub async fn open_advice_request(
    once: Once<WriteAdvice, AdviceRequestInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    ask(once, &app, &ASSESSMENT, id.into_inner().0).await
}

/// Ask for advice for a review
///
/// One live request per requirement, service and organisation. No time limit of its own was found for it: it is
/// needed by the day the papers for the meeting have to be circulated.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The review."), IdempotencyKey),
    request_body = AdviceRequestInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate", "event_not_permitted"])))
)]
#[post("/v1/reviews/{id}/advice-requests")]
pub async fn open_review_advice_request(
    once: Once<WriteAdvice, AdviceRequestInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    ask(once, &app, &REVIEW, id.into_inner().0).await
}

/// What asking for advice is on a procedure of any kind.
async fn ask(
    once: Once<WriteAdvice, AdviceRequestInput>,
    app: &App,
    kind: &'static ProcedureKind,
    procedure_id: Uuid,
) -> Result<HttpResponse, Problem> {
    once.answer(app, move |work, input| {
        let new = NewAdviceRequest {
            requirement: input.requirement,
            service: input.service,
            organisation_id: input.organisation_id,
            requested_on: input.requested_on,
            received_on: input.received_on,
            content: RequestContent {
                family_story: input.family_story,
                questions: input.questions,
            },
        };
        let view = AdviceRequestView::try_from(open(work, kind, procedure_id, &new)?)?;
        created(format!("/v1/advice-requests/{}", view.id), view.version, &view)
    })
    .await
}

/// List advice requests
///
/// By the day each is due or, for a review, needed by, and id; those without either come last. A contributor
/// sees its organisation's: its work list.
#[utoipa::path(
    tag = "advice",
    params(AdviceQuery, PageQuery),
    responses((status = 200, body = Page<AdviceRequestSummary>, description = "A page of requests.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/advice-requests")]
pub async fn list_advice_requests(
    principal: Allowed<ReadAdvice>,
    query: QueryString<AdviceQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    let filter = AdviceFilter {
        state: query.state.map(|state| state.name().to_owned()),
        requirement: query.requirement.map(|requirement| requirement.name().to_owned()),
        organisation_id: query.organisation_id,
        due_before: query.due_before,
        after: page.after_due()?,
        limit: page.rows(),
    };
    let rows = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list_requests(work, filter)
        })
        .await?;
    let views = rows
        .into_iter()
        .map(AdviceRequestSummary::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page.answer(&request, views, |view: &AdviceRequestSummary| {
        due_cursor(wanted_on(view.due_on, view.needed_by_on), view.id)
    }))
}

/// Get an advice request
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request.")),
    responses((status = 200, body = AdviceRequestView, description = "The request, its clock and submissions.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/advice-requests/{id}")]
pub async fn get_advice_request(
    principal: Allowed<ReadAdvice>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let view = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            AdviceRequestView::try_from(get(work, id)?)
        })
        .await?;
    shown(view.version, &view)
}
