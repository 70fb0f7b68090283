//! Lists of cases to dispose of, carrying them out, and the fact that is left.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted, created, origin_of, shown};
use super::dates;
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery, instant_cursor};
use super::problem::Problem;
use super::seals::BareActInput;
use crate::auth::{DisposeOfCases, ReadRetention};
use crate::service::App;
use crate::service::disposal::carry_out_disposal as carry_out;
use crate::service::disposal_list::{
    Disposal, DisposalDecision, DisposalItem, DisposalList, DisposalListState, DisposalListSummary,
    KeptBecause, get_disposal_list as get, list_disposal_lists as list, list_disposals as list_all,
    make_disposal_list as make, review_disposal_list as review,
};

/// How many cases a list has at most if nobody says.
const DEFAULT_LIMIT: usize = 50;

/// What a list is made of.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DisposalListInput {
    /// How many cases at most.
    #[schema(minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
}

impl RequestBody for DisposalListInput {}

/// What becomes of the cases of a list.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DisposalReviewInput {
    /// Which are kept; all others are to be disposed of. Say so where none is kept.
    #[schema(max_items = 100)]
    keep: Vec<KeptCaseInput>,
}

impl RequestBody for DisposalReviewInput {}

/// A case that is kept.
#[derive(Debug, Deserialize, ToSchema)]
pub struct KeptCaseInput {
    case_id: Uuid,
    /// Why it is kept.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    reason: String,
}

/// Which disposals to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DisposalsQuery {
    /// Only of the case that had this reference.
    #[param(pattern = "^EHC-[A-Z0-9]{4}-[A-Z0-9]{4}$", example = "EHC-7K3M-Q9TX")]
    reference: Option<String>,
}

/// A list of cases to dispose of, without the cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisposalListSummaryView {
    pub id: Uuid,
    pub state: DisposalListState,
    pub made_at: DateTime<Utc>,
    pub made_by: String,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
    pub carried_out_at: Option<DateTime<Utc>>,
    pub carried_out_by: Option<String>,
    /// Rises with every act. The `ETag` is made of it.
    pub version: i64,
}

impl From<DisposalListSummary> for DisposalListSummaryView {
    fn from(list: DisposalListSummary) -> DisposalListSummaryView {
        DisposalListSummaryView {
            id: list.id,
            state: list.state,
            made_at: list.made_at,
            made_by: list.made_by,
            reviewed_at: list.reviewed_at,
            reviewed_by: list.reviewed_by,
            carried_out_at: list.carried_out_at,
            carried_out_by: list.carried_out_by,
            version: list.version,
        }
    }
}

/// A list of cases to dispose of.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisposalListView {
    #[serde(flatten)]
    pub list: DisposalListSummaryView,
    /// Its cases, less those that do not exist for whoever asks.
    pub items: Vec<DisposalItemView>,
}

impl From<DisposalList> for DisposalListView {
    fn from(list: DisposalList) -> DisposalListView {
        DisposalListView {
            list: DisposalListSummaryView::from(list.summary),
            items: list.items.into_iter().map(DisposalItemView::from).collect(),
        }
    }
}

/// A case on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisposalItemView {
    pub case_id: Uuid,
    pub reference: String,
    /// The last day on which the case was to be kept; null once it was disposed of.
    #[serde(serialize_with = "dates::optional_day")]
    pub dispose_after_on: Option<NaiveDate>,
    /// The rule by which it was due when the list was made.
    #[schema(example = "Every case is kept for 31 years from the date of birth.")]
    pub rule: String,
    /// What becomes of it; null until the list is reviewed.
    pub decision: Option<DisposalDecision>,
    /// Why it is kept, if it is.
    pub kept_because: Option<KeptBecause>,
    /// What the reviewer wrote about that.
    pub kept_reason: Option<String>,
    pub disposed_at: Option<DateTime<Utc>>,
}

impl From<DisposalItem> for DisposalItemView {
    fn from(item: DisposalItem) -> DisposalItemView {
        DisposalItemView {
            case_id: item.case_id,
            reference: item.reference,
            dispose_after_on: item.dispose_after_on,
            rule: item.rule,
            decision: item.decision,
            kept_because: item.kept_because,
            kept_reason: item.kept_reason,
            disposed_at: item.disposed_at,
        }
    }
}

/// A case that was disposed of: all that is left of it, beside the trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisposalView {
    pub case_id: Uuid,
    /// The reference that the case had.
    pub reference: String,
    /// The rule by which it was due.
    pub rule: String,
    /// The list that it was on.
    pub list_id: Uuid,
    pub disposed_at: DateTime<Utc>,
    pub disposed_by: String,
}

impl From<Disposal> for DisposalView {
    fn from(disposal: Disposal) -> DisposalView {
        DisposalView {
            case_id: disposal.case_id,
            reference: disposal.reference,
            rule: disposal.rule,
            list_id: disposal.list_id,
            disposed_at: disposal.disposed_at,
            disposed_by: disposal.disposed_by,
        }
    }
}

/// Make a list of cases to dispose of
///
/// Of the oldest cases, by the date of birth, that are due today: closed, past the longest rule, without a legal
/// hold, and on no list that waits to be carried out.
#[utoipa::path(
    tag = "retention",
    params(IdempotencyKey),
    request_body = DisposalListInput,
    responses((status = 201, body = DisposalListView, description = "The list.", headers(
        ("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["nothing_due"])))
)]
#[post("/v1/disposal-lists")]
pub async fn make_disposal_list(
    once: Once<DisposeOfCases, DisposalListInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, input| {
        let view = DisposalListView::from(make(work, input.limit.unwrap_or(DEFAULT_LIMIT))?);
        let location = format!("/v1/disposal-lists/{}", view.list.id);
        created(location, view.list.version, &view)
    })
    .await
}

/// List the lists of cases to dispose of
#[utoipa::path(
    tag = "retention",
    params(PageQuery),
    responses((status = 200, body = Page<DisposalListSummaryView>, description = "A page of lists, the oldest first.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/disposal-lists")]
pub async fn list_disposal_lists(
    principal: Allowed<ReadRetention>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page = page.0;
    let (after, rows) = (page.after_id()?, page.rows());
    let lists = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, after, rows)
        })
        .await?;
    let views = lists.into_iter().map(DisposalListSummaryView::from).collect();
    Ok(page.answer(&request, views, |view: &DisposalListSummaryView| {
        view.id.to_string()
    }))
}

/// Get a list of cases to dispose of
#[utoipa::path(
    tag = "retention",
    params(("id" = Uuid, Path, description = "The list.")),
    responses((status = 200, body = DisposalListView, description = "The list, with its cases.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/disposal-lists/{id}")]
pub async fn get_disposal_list(
    principal: Allowed<ReadRetention>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let list_id = id.into_inner().0;
    let list = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            get(work, list_id)
        })
        .await?;
    shown(list.summary.version, &DisposalListView::from(list))
}

/// Review a list of cases to dispose of
///
/// By somebody other than who made it. Says which cases are kept; all others that exist for whoever reviews are to be
/// disposed of, and what does not is kept.
#[utoipa::path(
    tag = "retention",
    params(("id" = Uuid, Path, description = "The list."), IfMatch, IdempotencyKey),
    request_body = DisposalReviewInput,
    responses((status = 200, body = DisposalListView, description = "The list, with what becomes of each case.",
        headers(("ETag" = String, description = "Its new version.")))),
    extensions(("x-problems" = json!(["own_list", "disposal_list_state"])))
)]
#[post("/v1/disposal-lists/{id}/review")]
pub async fn review_disposal_list(
    act: Act<DisposeOfCases, DisposalReviewInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (list_id, version) = (act.id, act.version);
    act.once
        .answer(&app, move |work, input| {
            let keep: Vec<(Uuid, String)> = input
                .keep
                .into_iter()
                .map(|kept| (kept.case_id, kept.reason))
                .collect();
            let view = DisposalListView::from(review(work, list_id, version, &keep)?);
            acted(200, view.list.version, &view)
        })
        .await
}

/// Dispose of the cases on a list
///
/// Once it is reviewed. Each case is judged again: what is not due by today's rules any more, or is under a legal
/// hold, is kept, and `kept_because` says why. Of all others nothing is left but their line on the list and the
/// trail. This cannot be undone.
#[utoipa::path(
    tag = "retention",
    params(("id" = Uuid, Path, description = "The list."), IfMatch, IdempotencyKey),
    request_body = BareActInput,
    responses((status = 200, body = DisposalListView, description = "The list, with what became of each case.",
        headers(("ETag" = String, description = "Its new version.")))),
    extensions(("x-problems" = json!(["disposal_list_state"])))
)]
#[post("/v1/disposal-lists/{id}/disposal")]
pub async fn carry_out_disposal(
    act: Act<DisposeOfCases, BareActInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (list_id, version) = (act.id, act.version);
    // What was read a moment ago may say why, which goes with the case.
    app.write_readings().await?;
    act.once
        .answer(&app, move |work, BareActInput {}| {
            let view = DisposalListView::from(carry_out(work, list_id, version)?);
            acted(200, view.list.version, &view)
        })
        .await
}

/// List the cases that were disposed of
///
/// To answer whether anything is held: that there was a case, by which rule it was disposed of, when and by whom.
#[utoipa::path(
    tag = "retention",
    params(DisposalsQuery, PageQuery),
    responses((status = 200, body = Page<DisposalView>, description = "A page of disposals, the oldest first.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/disposals")]
pub async fn list_disposals(
    principal: Allowed<ReadRetention>,
    query: QueryString<DisposalsQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (reference, page) = (query.0.reference, page.0);
    let (after, rows) = (page.after_instant()?, page.rows());
    let disposals = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list_all(work, reference.as_deref(), after, rows)
        })
        .await?;
    let views = disposals.into_iter().map(DisposalView::from).collect();
    Ok(page.answer(&request, views, |view: &DisposalView| {
        instant_cursor(view.disposed_at, &view.case_id.to_string())
    }))
}
