//! Advice: requests, every act on them, advice that exists already, and the matrix.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act as ActOn, Once, acted, created, shown, trace_of};
use super::assessments::AssessmentView;
use super::clocks::{ClockPlace, ClockView};
use super::event_input::check_order;
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery, due_cursor};
use super::problem::{Fault, Problem};
use crate::auth::{ContributeAdvice, ReadAdvice, ReadCases, WriteAdvice};
use crate::casework::advice::{
    AdviceFact, AdviceItem, AdviceState, AdviceStatus, Agreements, AppointmentOutcome, DeclinationGround,
    ReturnReason, StartBasis,
};
use crate::service::advice::{
    Act, AdviceReading, NewAct, NewAdviceRequest, NewExistingAdvice, act_on_advice_request,
    agree_existing_advice, get_advice_matrix as get_matrix, get_advice_request as get, list_requests,
    open_advice_request as open,
};
use crate::service::recording::RequestContent;
use crate::service::{App, Error};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::{Ground, Party};
use crate::store::advice::{AdviceFilter, AdviceRequestRow, SubmissionRow};
use crate::store::convert::{from_json, id as id_of, named, optional_id};

/// A request for advice to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdviceRequestInput {
    /// The paragraph of reg 6 it answers.
    requirement: Requirement,
    /// The service asked, where an organisation has several.
    #[schema(min_length = 1, max_length = 100, example = "speech_and_language")]
    service: Option<String>,
    /// The organisation asked.
    organisation_id: Option<Uuid>,
    /// The day it was sent.
    #[schema(example = "2026-02-12")]
    requested_on: NaiveDate,
    /// The day the body received it, if known; its six weeks run from it.
    received_on: Option<NaiveDate>,
    /// The family's story, so that the professional meets a person and not a form.
    #[schema(max_length = 20_000)]
    family_story: Option<String>,
    /// What the authority wants to know.
    #[schema(max_length = 20_000)]
    questions: Option<String>,
}

impl RequestBody for AdviceRequestInput {}

/// When an act happened. Staff may say; a contributor's act is dated by the service.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AcknowledgementInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
}

impl RequestBody for AcknowledgementInput {}

/// Advice sent to the authority.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SubmissionInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// What it says, in short.
    #[schema(min_length = 1, max_length = 20_000)]
    summary: String,
    /// What it says, in full.
    #[schema(max_length = 500_000)]
    content: Option<String>,
    /// Who wrote it.
    #[schema(min_items = 1, max_items = 20)]
    authors: Vec<AuthorName>,
    /// Needs found that nobody meets.
    #[schema(max_length = 20_000)]
    unmet_need: Option<String>,
}

/// A professional's name and role.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct AuthorName(String);

impl RequestBody for SubmissionInput {}

/// Advice sent back to its author.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReturnInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// Why.
    #[schema(min_items = 1, max_items = 10)]
    reasons: Vec<ReturnReason>,
    /// What is wanted.
    #[schema(min_length = 1, max_length = 10_000)]
    comment: String,
}

impl RequestBody for ReturnInput {}

/// A body's refusal to give advice.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeclinationInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The ground. Only the first two end the duty; with the others the clock runs on.
    ground: DeclinationGround,
    /// The reasons.
    #[schema(min_length = 1, max_length = 10_000)]
    reasons: String,
}

impl RequestBody for DeclinationInput {}

/// Another organisation to be asked instead.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RedirectionInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// The organisation; the first dates of the request stay.
    organisation_id: Uuid,
}

impl RequestBody for RedirectionInput {}

/// The authority no longer asks.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WithdrawalInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 2_000)]
    reason: Option<String>,
}

impl RequestBody for WithdrawalInput {}

/// An appointment for an examination or test.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AppointmentInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The day it was offered for.
    offered_on: NaiveDate,
    /// The day it was held.
    held_on: Option<NaiveDate>,
    /// What became of it. A missed one is evidence for an exception.
    outcome: AppointmentOutcome,
}

impl RequestBody for AppointmentInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        let is_held = value["outcome"] == "held";
        match (is_held, value["held_on"].is_string()) {
            (true, false) => faults.push(Fault::new("/held_on", "missing", "must say when it was held")),
            (false, true) => {
                faults.push(Fault::new(
                    "/held_on",
                    "not_with_outcome",
                    "goes with the outcome `held` alone",
                ));
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// A ground in law for late advice.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceGround {
    MissedAppointment,
    PersonalCircumstances,
    Absent,
}

impl From<AdviceGround> for Ground {
    fn from(ground: AdviceGround) -> Ground {
        match ground {
            AdviceGround::MissedAppointment => Ground::MissedAppointment,
            AdviceGround::PersonalCircumstances => Ground::PersonalCircumstances,
            AdviceGround::Absent => Ground::Absent,
        }
    }
}

/// An exception claimed for one request. It is always recorded; the clock says whether it qualifies.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdviceExceptionInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The ground relied on.
    ground: AdviceGround,
    /// The first day of the circumstances.
    from: NaiveDate,
    /// The last day of the circumstances.
    to: NaiveDate,
    /// What supports it.
    #[schema(max_length = 2_000)]
    evidence: Option<String>,
    /// How the ground made it impractical to keep the limit.
    #[schema(max_length = 2_000)]
    causal_link: Option<String>,
}

impl RequestBody for AdviceExceptionInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        check_order(value, "", faults);
    }
}

/// A paragraph of reg 6 that existing advice can answer: all but the family's own.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExistingRequirement {
    Education,
    Medical,
    Psychological,
    SocialCare,
    Other,
    PreparationForAdulthood,
    FamilyRequested,
    Sensory,
}

impl From<ExistingRequirement> for Requirement {
    fn from(requirement: ExistingRequirement) -> Requirement {
        match requirement {
            ExistingRequirement::Education => Requirement::Education,
            ExistingRequirement::Medical => Requirement::Medical,
            ExistingRequirement::Psychological => Requirement::Psychological,
            ExistingRequirement::SocialCare => Requirement::SocialCare,
            ExistingRequirement::Other => Requirement::Other,
            ExistingRequirement::PreparationForAdulthood => Requirement::PreparationForAdulthood,
            ExistingRequirement::FamilyRequested => Requirement::FamilyRequested,
            ExistingRequirement::Sensory => Requirement::Sensory,
        }
    }
}

/// Advice that exists already and that all three are satisfied with.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExistingAdviceInput {
    /// The paragraph of reg 6 it answers.
    requirement: ExistingRequirement,
    /// Who wrote it.
    #[schema(min_length = 1, max_length = 200)]
    author: String,
    /// The day it is dated.
    dated_on: NaiveDate,
    /// When each of the three was satisfied that it suffices.
    agreements: Agreements,
}

impl RequestBody for ExistingAdviceInput {}

/// What a body sent in answer to a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmissionView {
    pub id: Uuid,
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
    pub requested_on: NaiveDate,
    pub received_on: Option<NaiveDate>,
    /// Whether the start of the clock is on record or presumed to be the day of sending.
    pub start_basis: StartBasis,
    pub due_on: NaiveDate,
    /// The first complete submission; a return does not undo it.
    pub submitted_on: Option<NaiveDate>,
    pub accepted_on: Option<NaiveDate>,
    pub family_story: Option<String>,
    pub questions: Option<String>,
    /// Its clock as of today, explained; null for requests from before the law was in force.
    pub clock: Option<ClockView>,
    /// The oldest first.
    pub submissions: Vec<SubmissionView>,
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
    pub requested_on: NaiveDate,
    pub received_on: Option<NaiveDate>,
    pub start_basis: StartBasis,
    pub due_on: NaiveDate,
    pub submitted_on: Option<NaiveDate>,
    pub accepted_on: Option<NaiveDate>,
}

/// One source of advice: what the regulations ask for beside what was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceItemView {
    pub requirement: Requirement,
    /// Where the regulations ask for it.
    #[schema(example = "reg 6(1)(c)")]
    pub provision: &'static str,
    pub status: AdviceStatus,
    pub request_id: Option<Uuid>,
    pub organisation_id: Option<Uuid>,
    pub due_on: Option<NaiveDate>,
    pub days_late: i64,
    /// Who has to act; null if nobody.
    pub whose_move: Option<Party>,
}

/// The advice of an assessment, source by source.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceMatrixView {
    /// The day it is read on.
    pub as_of: NaiveDate,
    pub items: Vec<AdviceItemView>,
}

/// Agreed existing advice and the assessment it counts in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExistingAdviceView {
    /// The event that records it.
    pub event_id: Uuid,
    pub assessment: AssessmentView,
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
    /// Only requests due on or before this day.
    due_before: Option<NaiveDate>,
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// The day to read on; today in London if left out.
    as_of: Option<NaiveDate>,
}

impl TryFrom<AdviceRequestRow> for AdviceRequestSummary {
    type Error = Error;

    fn try_from(row: AdviceRequestRow) -> Result<AdviceRequestSummary, Error> {
        Ok(AdviceRequestSummary {
            id: id_of(&row.id)?,
            procedure_id: id_of(&row.procedure_id)?,
            case_id: id_of(&row.case_id)?,
            requirement: named(&row.requirement)?,
            service: row.service,
            organisation_id: optional_id(row.organisation_id.as_deref())?,
            state: named(&row.state)?,
            version: row.version,
            requested_on: row.requested_on,
            received_on: row.received_on,
            start_basis: StartBasis::of(row.received_on),
            due_on: row.due_on,
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
            mut request,
            clock,
            submissions,
            as_of,
        } = reading;
        let (family_story, questions) = (request.family_story.take(), request.questions.take());
        let summary = AdviceRequestSummary::try_from(request)?;
        let place = ClockPlace {
            case_id: Some(summary.case_id),
            procedure_id: Some(summary.procedure_id),
        };
        Ok(AdviceRequestView {
            id: summary.id,
            procedure_id: summary.procedure_id,
            case_id: summary.case_id,
            requirement: summary.requirement,
            service: summary.service,
            organisation_id: summary.organisation_id,
            state: summary.state,
            version: summary.version,
            requested_on: summary.requested_on,
            received_on: summary.received_on,
            start_basis: summary.start_basis,
            due_on: summary.due_on,
            submitted_on: summary.submitted_on,
            accepted_on: summary.accepted_on,
            family_story,
            questions,
            clock: clock.and_then(|clock| ClockView::explained(&clock, as_of, place)),
            submissions: submissions
                .into_iter()
                .map(SubmissionView::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<AdviceItem> for AdviceItemView {
    fn from(item: AdviceItem) -> AdviceItemView {
        AdviceItemView {
            requirement: item.requirement,
            provision: item.requirement.provision().reference,
            status: item.status,
            request_id: item.request_id,
            organisation_id: item.organisation_id,
            due_on: item.due_on,
            days_late: item.days_late,
            whose_move: item.whose_move,
        }
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
    let id = id.into_inner().0;
    once.answer(&app, move |work, input| {
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
        let view = AdviceRequestView::try_from(open(work, id, &new)?)?;
        created(format!("/v1/advice-requests/{}", view.id), view.version, &view)
    })
    .await
}

/// Agree to use existing advice
///
/// Advice given for any purpose is not sought again when adviser, authority and family are all satisfied
/// that it is sufficient (reg 6(4)).
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The assessment."), IdempotencyKey),
    request_body = ExistingAdviceInput,
    responses((status = 201, body = ExistingAdviceView, description = "The assessment with the advice in it.",
        headers(("ETag" = String, description = "The assessment's version.")))),
    extensions(("x-problems" = json!(["event_not_permitted"])))
)]
#[post("/v1/assessments/{id}/existing-advice")]
pub async fn record_existing_advice(
    once: Once<WriteAdvice, ExistingAdviceInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    once.answer(&app, move |work, input| {
        let new = NewExistingAdvice {
            requirement: input.requirement.into(),
            author: input.author,
            dated_on: input.dated_on,
            agreements: input.agreements,
        };
        let (event_id, reading) = agree_existing_advice(work, id, &new)?;
        let view = ExistingAdviceView {
            event_id,
            assessment: AssessmentView::try_from(reading)?,
        };
        acted(201, view.assessment.version, &view)
    })
    .await
}

/// Get the advice of an assessment
///
/// Every source the regulations name, what was done about it by a day, and whose move it is.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The assessment."), DayQuery),
    responses((status = 200, body = AdviceMatrixView, description = "The advice, source by source."))
)]
#[get("/v1/assessments/{id}/advice")]
pub async fn get_advice_matrix(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    query: QueryString<DayQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, as_of) = (id.into_inner().0, query.0.as_of);
    let (as_of, items) = app
        .read(principal.into_principal(), trace_of(&request), move |work| {
            get_matrix(work, id, as_of)
        })
        .await?;
    let items = items.into_iter().map(AdviceItemView::from).collect();
    Ok(HttpResponse::Ok().json(AdviceMatrixView { as_of, items }))
}

/// List advice requests
///
/// By due date and id. A contributor sees its organisation's: its work list.
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
        only_organisation: None,
        state: query.state.map(|state| state.name().to_owned()),
        requirement: query.requirement.map(|requirement| requirement.name().to_owned()),
        organisation_id: query.organisation_id,
        due_before: query.due_before,
        after: page.after_due()?,
        limit: page.rows(),
    };
    let rows = app
        .read(principal.into_principal(), trace_of(&request), move |work| {
            list_requests(work, filter)
        })
        .await?;
    let views = rows
        .into_iter()
        .map(AdviceRequestSummary::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page.answer(&request, views, |view: &AdviceRequestSummary| {
        due_cursor(view.due_on, view.id)
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
        .read(principal.into_principal(), trace_of(&request), move |work| {
            AdviceRequestView::try_from(get(work, id)?)
        })
        .await?;
    Ok(shown(view.version, &view))
}

/// Acknowledge a request
///
/// The body has seen it. It never moves the clock.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AcknowledgementInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/acknowledgement")]
pub async fn acknowledge_advice_request(
    act: ActOn<ContributeAdvice, AcknowledgementInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "acknowledge_advice_request", |request_id, input| {
        NewAct {
            occurred_on: input.occurred_on,
            note: input.note,
            act: Act::Fact(AdviceFact::AdviceAcknowledged { request_id }),
        }
    })
    .await
}

/// Submit advice
///
/// The first complete submission stops the clock. Advice is taken in every state of its procedure.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = SubmissionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request with what was submitted.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/submission")]
pub async fn submit_advice(
    act: ActOn<ContributeAdvice, SubmissionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "submit_advice", |_, input| NewAct {
        occurred_on: input.occurred_on,
        note: None,
        act: Act::Submission {
            summary: input.summary,
            content: input.content,
            authors: input.authors.into_iter().map(|author| author.0).collect(),
            unmet_need: input.unmet_need,
        },
    })
    .await
}

/// Return advice to its author
///
/// It does not restart the clock; both dates are kept.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = ReturnInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/return")]
pub async fn return_advice(
    act: ActOn<WriteAdvice, ReturnInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "return_advice", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceReturned {
                request_id,
                reasons: input.reasons,
                comment: input.comment,
            },
        )
    })
    .await
}

/// Accept advice
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AcknowledgementInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/acceptance")]
pub async fn accept_advice(
    act: ActOn<WriteAdvice, AcknowledgementInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "accept_advice", |request_id, input| NewAct {
        occurred_on: input.occurred_on,
        note: input.note,
        act: Act::Fact(AdviceFact::AdviceAccepted { request_id }),
    })
    .await
}

/// Decline to give advice
///
/// Only incompatibility with the body's duties and adverse effect end the duty; with any other ground the
/// clock runs on until advice comes or the authority withdraws or redirects the request.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = DeclinationInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/declination")]
pub async fn decline_advice_request(
    act: ActOn<ContributeAdvice, DeclinationInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "decline_advice_request", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceDeclined {
                request_id,
                ground: input.ground,
                reasons: input.reasons,
            },
        )
    })
    .await
}

/// Redirect a request to another organisation
///
/// The first dates stay: the family's time does not start again.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = RedirectionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[post("/v1/advice-requests/{id}/redirection")]
pub async fn redirect_advice_request(
    act: ActOn<WriteAdvice, RedirectionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "redirect_advice_request", |_, input| NewAct {
        occurred_on: input.occurred_on,
        note: None,
        act: Act::Redirection {
            organisation_id: input.organisation_id,
        },
    })
    .await
}

/// Withdraw a request
///
/// The authority no longer asks; the clock is cancelled.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = WithdrawalInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/withdrawal")]
pub async fn withdraw_advice_request(
    act: ActOn<WriteAdvice, WithdrawalInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "withdraw_advice_request", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceWithdrawn {
                request_id,
                reason: input.reason,
            },
        )
    })
    .await
}

/// Record an appointment
///
/// For an examination or test made for the advice. A missed one is evidence for an exception.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AppointmentInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/appointments")]
pub async fn record_appointment(
    act: ActOn<ContributeAdvice, AppointmentInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "record_appointment", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceAppointment {
                request_id,
                offered_on: input.offered_on,
                held_on: input.held_on,
                outcome: input.outcome,
            },
        )
    })
    .await
}

/// Claim an exception for late advice
///
/// Always recorded; the clock says whether it qualifies, and moves no date.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AdviceExceptionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/exceptions")]
pub async fn claim_advice_exception(
    act: ActOn<ContributeAdvice, AdviceExceptionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "claim_advice_exception", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceExceptionClaimed {
                request_id,
                ground: input.ground.into(),
                from: input.from,
                to: input.to,
                evidence: input.evidence,
                causal_link: input.causal_link,
            },
        )
    })
    .await
}

fn fact(occurred_on: Option<NaiveDate>, fact: AdviceFact) -> NewAct {
    NewAct {
        occurred_on,
        note: None,
        act: Act::Fact(fact),
    }
}

/// What every act on a request has in common; what it does is made of its id and input.
async fn act_on<P, T: Send + 'static>(
    act: ActOn<P, T>,
    app: &App,
    operation: &'static str,
    done: impl FnOnce(Uuid, T) -> NewAct + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let ActOn { once, id, version } = act;
    once.answer(app, move |work, input| {
        let reading = act_on_advice_request(work, id, version, operation, &done(id, input))?;
        let view = AdviceRequestView::try_from(reading)?;
        acted(201, view.version, &view)
    })
    .await
}
