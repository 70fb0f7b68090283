//! Looking ahead: reviews that fall due, those who change phase in a year, and many reviews in one request.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, acted_on_many, origin_of};
use super::dates;
use super::event_input::{ReviewEventInput, check_event};
use super::extractor::{Allowed, IdempotencyKey, QueryString, RequestBody};
use super::page::{Page, PageQuery, due_cursor};
use super::problem::{Fault, Problem, ProblemView};
use crate::auth::{ReadUpcomingReviews, WriteReviews};
use crate::casework::advice::AdviceState;
use crate::service::case::CurrentSetting;
use crate::service::procedure::ProcedureReading;
use crate::service::upcoming::{
    Ahead, BulkItem, Cohort, ReviewedChild, Transferring, UpcomingReview, list_phase_transfers as transfers,
    list_upcoming_reviews as upcoming, record_reviews_in_bulk as record_in_bulk,
};
use crate::service::{App, Error};
use crate::statute::calendar::school_year_ends_on;
use crate::statute::requirement::Requirement;
use crate::store::convert;
use crate::store::upcoming::{ContributionRow, ReviewedRow};

/// Which reviews to look ahead to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UpcomingQuery {
    /// Only reviews due on or before this day; the end of the present school year if left out.
    due_before: Option<NaiveDate>,
    /// Only those that concern this organisation: of a school, college or early years provider its children, of
    /// any other those it was asked about and did not decline. A contributor sees those of its own.
    organisation_id: Option<Uuid>,
    /// Only reviews on cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
}

/// Whose review it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedChildView {
    pub case_id: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    #[serde(serialize_with = "dates::day")]
    pub date_of_birth: NaiveDate,
    /// Reception is 0.
    pub year_group: i32,
    pub caseworker: Option<String>,
    pub setting: Option<CurrentSetting>,
}

impl From<ReviewedChild> for ReviewedChildView {
    fn from(child: ReviewedChild) -> ReviewedChildView {
        let ReviewedRow {
            id,
            reference,
            given_name,
            family_name,
            date_of_birth,
            caseworker,
            year_group_override: _,
            setting: _,
        } = child.row;
        ReviewedChildView {
            case_id: id,
            reference,
            given_name,
            family_name,
            date_of_birth,
            year_group: child.year_group,
            caseworker,
            setting: child.setting,
        }
    }
}

/// What somebody was asked to contribute.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContributionView {
    pub advice_request_id: String,
    #[schema(value_type = Requirement)]
    pub requirement: String,
    pub service: Option<String>,
    pub organisation_id: Option<String>,
    #[schema(value_type = AdviceState)]
    pub state: String,
    /// By when it has to be there, so that it goes out with the papers; null while no meeting is arranged.
    #[serde(serialize_with = "dates::optional_day")]
    pub needed_by_on: Option<NaiveDate>,
}

impl From<ContributionRow> for ContributionView {
    fn from(row: ContributionRow) -> ContributionView {
        let ContributionRow {
            id,
            la_code: _,
            procedure_id: _,
            requirement,
            service,
            organisation_id,
            state,
            needed_by_on,
        } = row;
        ContributionView {
            advice_request_id: id,
            requirement,
            service,
            organisation_id,
            state,
            needed_by_on,
        }
    }
}

/// A review that falls due.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpcomingReviewView {
    pub review_id: String,
    /// Of its time limit; the cursor of the list.
    pub clock_id: Uuid,
    pub state: String,
    /// The last day to complete it.
    #[serde(serialize_with = "dates::day")]
    pub due_on: NaiveDate,
    /// Negative once it is overdue.
    pub days_remaining: i64,
    /// By when the papers have to be with everybody invited; null while no meeting is arranged.
    #[serde(serialize_with = "dates::optional_day")]
    pub papers_by_on: Option<NaiveDate>,
    /// By when the plan has to name the next setting, if a change of phase was recorded on any review of it.
    pub phase_transfer_by_on: Option<NaiveDate>,
    pub child: ReviewedChildView,
    /// Who was asked to contribute, and by when. A contributor sees what it was asked for itself.
    pub contributions: Vec<ContributionView>,
}

impl UpcomingReviewView {
    fn of(upcoming: UpcomingReview, today: NaiveDate) -> UpcomingReviewView {
        UpcomingReviewView {
            review_id: upcoming.review.id,
            clock_id: upcoming.clock_id,
            state: upcoming.review.state,
            due_on: upcoming.due_on,
            days_remaining: (upcoming.due_on - today).num_days(),
            papers_by_on: upcoming.papers_by_on,
            phase_transfer_by_on: upcoming.phase_transfer_by_on,
            child: upcoming.child.into(),
            contributions: upcoming.contributions.into_iter().map(Into::into).collect(),
        }
    }
}

/// List the reviews that fall due
///
/// Overdue ones first, then by the day; with who has to contribute by when. A school sees those of its children, a
/// health or care service those of children and young people it was asked about.
#[utoipa::path(
    tag = "reviews",
    params(UpcomingQuery, PageQuery),
    responses((status = 200, body = Page<UpcomingReviewView>, description = "A page of reviews.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/reviews/upcoming")]
pub async fn list_upcoming_reviews(
    principal: Allowed<ReadUpcomingReviews>,
    query: QueryString<UpcomingQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    let today = app.clock.today();
    let ahead = Ahead {
        until_on: query.due_before.unwrap_or(school_year_ends_on(today)),
        caseworker: query.caseworker,
        organisation_id: query.organisation_id,
        after: page.after_due()?,
        limit: page.rows(),
    };
    let reviews = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            upcoming(work, ahead)
        })
        .await?;
    let views = reviews
        .into_iter()
        .map(|review| UpcomingReviewView::of(review, today))
        .collect();
    Ok(page.answer(&request, views, |view: &UpcomingReviewView| {
        due_cursor(view.due_on, view.clock_id)
    }))
}

/// Whose change of phase to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PhaseTransferQuery {
    /// The calendar year of the transfer; this one, or the next from September, if left out.
    #[param(minimum = 2000, maximum = 2200)]
    transfer_year: Option<i32>,
    /// The year group before the transfer, reception being 0: which one that is follows from the schools of the
    /// area, such as 6 where primary schools end with it.
    #[param(minimum = -5, maximum = 20, example = 6)]
    year_group: i32,
    /// Only those who concern this organisation: of a school, college or early years provider its children, of any
    /// other those it was asked about and did not decline. A contributor sees those of its own.
    organisation_id: Option<Uuid>,
}

/// Somebody who changes phase.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhaseTransferView {
    pub child: ReviewedChildView,
    /// The review that is still to be completed.
    pub review_id: Option<String>,
    pub review_state: Option<String>,
    /// By when the plan has to name the next setting; null until the change of phase was recorded on a review.
    #[serde(serialize_with = "dates::optional_day")]
    pub phase_transfer_by_on: Option<NaiveDate>,
}

impl From<Transferring> for PhaseTransferView {
    fn from(transferring: Transferring) -> PhaseTransferView {
        let Transferring {
            child,
            review,
            phase_transfer_by_on,
        } = transferring;
        let (review_id, review_state) = review.map(|review| (review.id, review.state)).unzip();
        PhaseTransferView {
            child: child.into(),
            review_id,
            review_state,
            phase_transfer_by_on,
        }
    }
}

/// List who changes phase in a year
///
/// Everybody with a plan in force who is in a year group in the school year before the transfer, by date of birth or
/// where the case says otherwise; in the order of their cases. A school sees its own, a health or care service those
/// it was asked about.
#[utoipa::path(
    tag = "reviews",
    params(PhaseTransferQuery, PageQuery),
    responses((status = 200, body = Page<PhaseTransferView>, description = "A page of the cohort.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/reviews/phase-transfers")]
pub async fn list_phase_transfers(
    principal: Allowed<ReadUpcomingReviews>,
    query: QueryString<PhaseTransferQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    let this_year = school_year_ends_on(app.clock.today()).year();
    let cohort = Cohort {
        transfer_year: query.transfer_year.unwrap_or(this_year),
        year_group: query.year_group,
        organisation_id: query.organisation_id,
        after: page.after_id()?,
        limit: page.rows(),
    };
    let cohort = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            transfers(work, cohort)
        })
        .await?;
    let views = cohort.into_iter().map(PhaseTransferView::from).collect();
    Ok(page.answer(&request, views, |view: &PhaseTransferView| {
        view.child.case_id.clone()
    }))
}

/// Many reviews at once.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BulkReviewInput {
    /// One for each case.
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<BulkReviewItem>,
}

/// What happened on the review of a case.
#[derive(Debug, Deserialize, ToSchema)]
struct BulkReviewItem {
    /// The case.
    case_id: Uuid,
    /// The review it happened on. Where it is left out, that is the only open one of the case that permits the
    /// event.
    review_id: Option<Uuid>,
    /// `review_period_started` opens a review; anything else is recorded on one.
    event: ReviewEventInput,
}

impl RequestBody for BulkReviewInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        for (index, item) in value["items"].as_array().into_iter().flatten().enumerate() {
            check_event(&item["event"], &format!("/items/{index}/event"), faults);
        }
    }
}

/// What became of one of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkReviewOutcome {
    pub case_id: Uuid,
    /// The status it would have been answered with alone.
    #[schema(example = 201)]
    pub status: u16,
    pub review_id: Option<Uuid>,
    /// The review's version; its `ETag` is made of it.
    pub version: Option<i64>,
    /// Why nothing was recorded; pointers in it start at the item.
    pub problem: Option<ProblemView>,
}

/// What became of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkReviewView {
    /// In the order of the request.
    pub items: Vec<BulkReviewOutcome>,
}

/// Open or record many reviews
///
/// Each is recorded or refused by itself, as it would be alone; the answer says which. The same key gives the same
/// answer again.
#[utoipa::path(
    tag = "reviews",
    params(IdempotencyKey),
    request_body = BulkReviewInput,
    responses((status = 200, body = BulkReviewView, description = "What became of each."))
)]
#[post("/v1/reviews/bulk")]
pub async fn record_reviews_in_bulk(
    once: Once<WriteReviews, BulkReviewInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, input| {
        let items = input.items.into_iter().map(|item| BulkItem {
            case_id: item.case_id,
            review_id: item.review_id,
            event: item.event.into(),
        });
        let outcomes = record_in_bulk(work, items.collect())?;
        let items = outcomes
            .into_iter()
            .map(|(case_id, outcome)| outcome_of(case_id, outcome));
        acted_on_many(&BulkReviewView {
            items: items.collect::<Result<_, _>>()?,
        })
    })
    .await
}

fn outcome_of(case_id: Uuid, outcome: Result<ProcedureReading, Error>) -> Result<BulkReviewOutcome, Error> {
    Ok(match outcome {
        Ok(reading) => BulkReviewOutcome {
            case_id,
            status: 201,
            review_id: Some(convert::id(&reading.procedure.id)?),
            version: Some(reading.procedure.version),
            problem: None,
        },
        Err(refused) => {
            let problem = Problem::from(refused);
            BulkReviewOutcome {
                case_id,
                status: problem.code().status().as_u16(),
                review_id: None,
                version: None,
                problem: Some(problem.view()),
            }
        }
    })
}
