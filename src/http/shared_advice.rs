//! Advice that has come to the family of a case.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::origin_of;
use super::dates;
use super::extractor::{Allowed, PathId, QueryString};
use super::page::{Page, PageQuery, due_cursor};
use super::problem::Problem;
use crate::auth::ReadSharedAdvice;
use crate::casework::sharing::SharedBy;
use crate::service::shared_advice::{SharedAdvice, list_shared_advice as list};
use crate::service::{App, Error};
use crate::statute::requirement::Requirement;
use crate::statute::rulebook::Provision;
use crate::store::advice::SubmissionRow;
use crate::store::convert::{from_json, id as id_of};

/// What a body sent in answer to a request, as the family reads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedSubmissionView {
    pub id: Uuid,
    #[serde(serialize_with = "dates::day")]
    pub submitted_on: NaiveDate,
    pub summary: String,
    pub content: Option<String>,
    pub authors: Vec<String>,
}

/// Advice on one request that came to the family on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedAdviceView {
    pub advice_request_id: Uuid,
    pub procedure_id: Uuid,
    /// The paragraph of reg 6 it answers; on a review, the source it comes from.
    pub requirement: Requirement,
    /// Where the law asks for it.
    pub provision: Provision,
    /// The name of the organisation that was asked, where one was.
    #[schema(example = "Community paediatrics")]
    pub organisation: Option<String>,
    /// The day it came to the family.
    #[schema(example = "2026-04-27")]
    #[serde(serialize_with = "dates::day")]
    pub shared_on: NaiveDate,
    /// What it came with.
    pub shared_by: SharedBy,
    /// Where the law sends it to the family; null where a plan names it.
    pub citation: Option<Provision>,
    /// The oldest first. Empty where it was given at a meeting, and nothing of it is in writing here.
    pub submissions: Vec<SharedSubmissionView>,
}

impl TryFrom<SubmissionRow> for SharedSubmissionView {
    type Error = Error;

    fn try_from(row: SubmissionRow) -> Result<SharedSubmissionView, Error> {
        Ok(SharedSubmissionView {
            id: id_of(&row.id)?,
            submitted_on: row.submitted_on,
            summary: row.summary,
            content: row.content,
            authors: from_json(&row.authors)?,
        })
    }
}

impl TryFrom<SharedAdvice> for SharedAdviceView {
    type Error = Error;

    fn try_from(shared: SharedAdvice) -> Result<SharedAdviceView, Error> {
        let submissions = shared.submissions.into_iter();
        Ok(SharedAdviceView {
            advice_request_id: shared.request_id,
            procedure_id: shared.procedure_id,
            requirement: shared.requirement,
            provision: shared.provision,
            organisation: shared.organisation,
            shared_on: shared.shared_on,
            shared_by: shared.by,
            citation: shared.by.provision(),
            submissions: submissions
                .map(SharedSubmissionView::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// List the advice that has come to the family
///
/// By the day it came and the id of its request. With a draft plan goes the advice received for the assessment by then,
/// with the papers for a review meeting that received for the review, and with a plan that which its section K names. A
/// submission is listed once, where it first came. What was sent back to its author is not listed, whenever that was,
/// nor what came on a request that was withdrawn or with something that is known by now not to have been sent.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The case."), PageQuery),
    responses((status = 200, body = Page<SharedAdviceView>, description = "A page of shared advice.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/cases/{id}/shared-advice")]
pub async fn list_shared_advice(
    principal: Allowed<ReadSharedAdvice>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (case_id, page) = (id.into_inner().0, page.0);
    let (after, rows) = (page.after_due()?, page.rows());
    let shared = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, case_id, after, rows)
        })
        .await?;
    let views = shared
        .into_iter()
        .map(SharedAdviceView::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page.answer(&request, views, |view: &SharedAdviceView| {
        due_cursor(view.shared_on, view.advice_request_id)
    }))
}
