//! What plans say: their versions, how these differ and what they lack.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, origin_of, placed};
use super::extractor::{Allowed, IdempotencyKey, PathId, PathNumber, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::{Fault, Problem};
use super::procedures::MomentQuery;
use crate::auth::{ReadCases, ReadPlans, WritePlans};
use crate::casework::plan_sections::PlanSections;
use crate::casework::plan_sections::difference::SectionChange;
use crate::casework::plan_sections::gaps::Gap;
use crate::casework::plan_sections::references::faults_of_sections;
use crate::casework::plan_version::PlanVersionStatus;
use crate::service::App;
use crate::service::plan_version::{
    ListedPlanVersion, NewPlanVersion, PlanVersionReading, get_plan_checks as checks_of,
    get_plan_difference as difference_of, get_plan_version as get, list_plan_versions as list,
    make_plan_version as make,
};
use crate::service::sent_versions::Moment;

/// A version of what a plan says.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlanVersionInput {
    /// The whole of what it says; nothing is taken over from another version.
    sections: PlanSections,
    /// The number of the version it was written from: the newest. To be left out for the first.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    based_on_version: Option<i64>,
    /// Anything worth noting, for the authority alone.
    #[schema(max_length = 10_000)]
    note: Option<String>,
}

impl RequestBody for PlanVersionInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        for fault in faults_of_sections(&value["sections"]) {
            let pointer = format!("/sections{}", fault.pointer);
            faults.push(Fault::new(pointer, fault.code, fault.message));
        }
    }
}

impl From<MomentQuery> for Moment {
    fn from(query: MomentQuery) -> Moment {
        let MomentQuery { as_of, known_at } = query;
        Moment { as_of, known_at }
    }
}

/// A version of a plan on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanVersionSummary {
    /// 1 for the first version of the plan.
    pub number: i64,
    pub status: PlanVersionStatus,
    /// The version it was written from; null for the first.
    pub based_on_version: Option<i64>,
    /// Null for a family.
    pub note: Option<String>,
    pub made_at: DateTime<Utc>,
    /// Null for a family.
    pub made_by: Option<String>,
}

impl From<ListedPlanVersion> for PlanVersionSummary {
    fn from(listed: ListedPlanVersion) -> PlanVersionSummary {
        let ListedPlanVersion {
            number,
            status,
            based_on_version,
            note,
            made_at,
            made_by,
        } = listed;
        PlanVersionSummary {
            number,
            status,
            based_on_version,
            note,
            made_at,
            made_by,
        }
    }
}

/// A version of a plan. It never changes, but for its status.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanVersionView {
    #[serde(flatten)]
    pub summary: PlanVersionSummary,
    pub plan_id: Uuid,
    pub sections: PlanSections,
}

impl PlanVersionView {
    pub fn of(plan_id: Uuid, reading: PlanVersionReading) -> PlanVersionView {
        PlanVersionView {
            summary: reading.listed.into(),
            plan_id,
            sections: reading.sections,
        }
    }
}

/// How a version of a plan came about from another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanDifferenceView {
    pub plan_id: Uuid,
    /// The version before; null if none was in force, and then everything is added.
    pub from: Option<i64>,
    /// The version after.
    pub number: i64,
    /// By section and item.
    pub changes: Vec<SectionChange>,
}

/// What a version of a plan lacks.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanChecksView {
    pub plan_id: Uuid,
    pub number: i64,
    /// Whether it was judged as a final plan, which names a setting or its type.
    pub as_final: bool,
    /// None of them keeps the plan from being sent.
    pub gaps: Vec<Gap>,
}

/// What to compare with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DifferenceQuery {
    /// The version before. If left out, the one that was in force before it, or else the one it was written from.
    #[param(minimum = 1, maximum = 1_000_000)]
    from: Option<i64>,
}

/// How to judge.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChecksQuery {
    /// Whether as a final plan. If left out, it is if it was sent as one.
    as_final: Option<bool>,
}

/// Write a version of a plan
///
/// The whole of what the plan says, beside its events: a version is written once and never changed. It must
/// have been written from the newest, so that nobody's work is lost; that stands in for `If-Match`, and the
/// plan's own version stays what it is. A version becomes the plan when an event sends it: `plan_made`,
/// `amendment_proposed` and `amended_plan_sent`, those of the assessment and of reviews too, name its number, or
/// mean the newest.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), IdempotencyKey),
    request_body = PlanVersionInput,
    responses((status = 201, body = PlanVersionView, description = "The version.",
        headers(("Location" = String, description = "Where it is.")))),
    extensions(("x-problems" = json!(["plan_ended", "version_outdated"])))
)]
#[post("/v1/plans/{id}/versions")]
pub async fn make_plan_version(
    once: Once<WritePlans, PlanVersionInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let plan_id = id.into_inner().0;
    once.answer(&app, move |work, input| {
        let PlanVersionInput {
            sections,
            based_on_version,
            note,
        } = input;
        let new = NewPlanVersion {
            sections,
            based_on_version,
            note,
        };
        let view = PlanVersionView::of(plan_id, make(work, plan_id, &new)?);
        placed(
            format!("/v1/plans/{plan_id}/versions/{}", view.summary.number),
            &view,
        )
    })
    .await
}

/// List the versions of a plan
///
/// In the order of their numbers, without what they say. A family sees those that were sent to it. How each stood
/// follows from what had been sent by `as_of`; one written later was a draft to be. At `known_at`, what was written
/// or recorded later is not there.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), MomentQuery, PageQuery),
    responses((status = 200, body = Page<PlanVersionSummary>, description = "A page of versions.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/plans/{id}/versions")]
pub async fn list_plan_versions(
    principal: Allowed<ReadPlans>,
    id: Path<PathId>,
    moment: QueryString<MomentQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (plan_id, moment, page) = (id.into_inner().0, Moment::from(moment.0), page.0);
    let (after, rows) = (page.after_sequence()?, page.rows());
    let versions = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, plan_id, moment, after, rows)
        })
        .await?;
    let views = versions.into_iter().map(PlanVersionSummary::from).collect();
    Ok(page.answer(&request, views, |view: &PlanVersionSummary| {
        view.number.to_string()
    }))
}

/// Get a version of a plan
///
/// For a family, a version that was not sent does not exist. How it stood follows from what had been sent by `as_of`;
/// a version written after `known_at` was not there.
#[utoipa::path(
    tag = "plans",
    params(
        ("id" = Uuid, Path, description = "The plan."),
        ("number" = i64, Path, minimum = 1, maximum = 1_000_000, description = "The number of the version."),
        MomentQuery
    ),
    responses((status = 200, body = PlanVersionView, description = "The version."))
)]
#[get("/v1/plans/{id}/versions/{number}")]
pub async fn get_plan_version(
    principal: Allowed<ReadPlans>,
    place: Path<(PathId, PathNumber)>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (PathId(plan_id), PathNumber(number)) = place.into_inner();
    let moment = Moment::from(query.0);
    let reading = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            get(work, plan_id, number, moment)
        })
        .await?;
    Ok(HttpResponse::Ok().json(PlanVersionView::of(plan_id, reading)))
}

/// Compare a version of a plan with one before it
///
/// Every change by section and item, as a sentence and field by field, with what became of each word: what a
/// notice of proposed amendments has to show.
#[utoipa::path(
    tag = "plans",
    params(
        ("id" = Uuid, Path, description = "The plan."),
        ("number" = i64, Path, minimum = 1, maximum = 1_000_000, description = "The number of the version after."),
        DifferenceQuery
    ),
    responses((status = 200, body = PlanDifferenceView, description = "The changes."))
)]
#[get("/v1/plans/{id}/versions/{number}/difference")]
pub async fn get_plan_difference(
    principal: Allowed<ReadPlans>,
    place: Path<(PathId, PathNumber)>,
    query: QueryString<DifferenceQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (PathId(plan_id), PathNumber(number)) = place.into_inner();
    let difference = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            difference_of(work, plan_id, number, query.0.from)
        })
        .await?;
    Ok(HttpResponse::Ok().json(PlanDifferenceView {
        plan_id,
        from: difference.from,
        number,
        changes: difference.changes,
    }))
}

/// Check a version of a plan
///
/// Everything it lacks: needs without provision, provision that is not specific, outcomes that are not
/// measured, views that are missing, accepted advice that it does not reflect. Nothing of it blocks.
#[utoipa::path(
    tag = "plans",
    params(
        ("id" = Uuid, Path, description = "The plan."),
        ("number" = i64, Path, minimum = 1, maximum = 1_000_000, description = "The number of the version."),
        ChecksQuery
    ),
    responses((status = 200, body = PlanChecksView, description = "What it lacks."))
)]
#[get("/v1/plans/{id}/versions/{number}/checks")]
pub async fn get_plan_checks(
    principal: Allowed<ReadCases>,
    place: Path<(PathId, PathNumber)>,
    query: QueryString<ChecksQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (PathId(plan_id), PathNumber(number)) = place.into_inner();
    let checks = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            checks_of(work, plan_id, number, query.0.as_final)
        })
        .await?;
    Ok(HttpResponse::Ok().json(PlanChecksView {
        plan_id,
        number,
        as_final: checks.as_final,
        gaps: checks.gaps,
    }))
}
