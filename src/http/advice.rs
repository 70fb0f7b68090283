//! The advice of an assessment or a review as a whole: what is asked for beside what was done, and advice
//! that exists already.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, acted, origin_of};
use super::dates;
use super::extractor::{Allowed, IdempotencyKey, PathId, QueryString, RequestBody};
use super::problem::Problem;
use super::procedures::ProcedureView;
use crate::auth::{Principal, ReadCases, WriteAdvice};
use crate::casework::advice::{AdviceFor, AdviceItem, AdviceStatus, Agreements};
use crate::casework::assessment::ASSESSMENT;
use crate::casework::procedure::ProcedureKind;
use crate::casework::review::REVIEW;
use crate::service::App;
use crate::service::advice::{
    AdviceMatrix, NewExistingAdvice, agree_existing_advice, get_advice_matrix as get_matrix,
};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Party;

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

/// One source of advice: what is asked for beside what was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceItemView {
    pub requirement: Requirement,
    /// Where the regulations ask for it.
    #[schema(example = "reg 6(1)(c)")]
    pub provision: &'static str,
    pub status: AdviceStatus,
    pub request_id: Option<Uuid>,
    pub organisation_id: Option<Uuid>,
    #[serde(serialize_with = "dates::optional_day")]
    pub due_on: Option<NaiveDate>,
    /// On a review, the day by which its papers have to be circulated, once a meeting is arranged.
    pub needed_by_on: Option<NaiveDate>,
    pub days_late: i64,
    /// Who has to act; null if nobody.
    pub whose_move: Option<Party>,
}

/// The advice of a procedure, source by source.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdviceMatrixView {
    /// The day it is read on.
    #[serde(serialize_with = "dates::day")]
    pub as_of: NaiveDate,
    pub items: Vec<AdviceItemView>,
}

/// Agreed existing advice and the assessment it counts in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExistingAdviceView {
    /// The event that records it.
    pub event_id: Uuid,
    pub assessment: ProcedureView,
}

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// The day to read on; today in London if left out.
    as_of: Option<NaiveDate>,
}

impl AdviceItemView {
    fn of(item: AdviceItem, advice_for: AdviceFor) -> AdviceItemView {
        AdviceItemView {
            requirement: item.requirement,
            provision: advice_for.provision(item.requirement).reference,
            status: item.status,
            request_id: item.request_id,
            organisation_id: item.organisation_id,
            due_on: item.due_on,
            needed_by_on: item.needed_by_on,
            days_late: item.days_late,
            whose_move: item.whose_move,
        }
    }
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
            assessment: ProcedureView::try_from(reading)?,
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
    let id = id.into_inner().0;
    matrix_of(
        &app,
        principal.into_principal(),
        &ASSESSMENT,
        id,
        query.0,
        &request,
    )
    .await
}

/// Get the advice of a review
///
/// Every source, what was done about it by a day, and whose move it is. The law found names no sources for a
/// review: beside the family's views, which are a part of every review, and preparing for adulthood, which every
/// review from year 9 looks at, only what was asked for is expected.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The review."), DayQuery),
    responses((status = 200, body = AdviceMatrixView, description = "The advice, source by source."))
)]
#[get("/v1/reviews/{id}/advice")]
pub async fn get_review_advice_matrix(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    query: QueryString<DayQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    matrix_of(&app, principal.into_principal(), &REVIEW, id, query.0, &request).await
}

/// The advice of a procedure, for the operation of its kind.
async fn matrix_of(
    app: &App,
    principal: Principal,
    kind: &'static ProcedureKind,
    procedure_id: Uuid,
    query: DayQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let AdviceMatrix {
        as_of,
        advice_for,
        items,
    } = app
        .read_few(principal, origin_of(request), move |work| {
            get_matrix(work, kind, procedure_id, query.as_of)
        })
        .await?;
    let view_of = |item| AdviceItemView::of(item, advice_for);
    let items = items.into_iter().map(view_of).collect();
    Ok(HttpResponse::Ok().json(AdviceMatrixView { as_of, items }))
}
