//! Plans: opening, recording, correcting and reading them, and the settings the child or young person was in.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Act, Once, acted, origin_of};
use super::dates;
use super::event_input::{OpeningEventInput, PlanEventInput};
use super::extractor::{Allowed, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::procedures::{
    EventView, ListedProcedure, MomentQuery, ProcedureQuery, ProcedureView, one_procedure, opened,
    page_of_events, page_of_procedures, recorded,
};
use crate::auth::{ReadCases, ReadPlans, WritePlans};
use crate::casework::plan::{
    PLAN, Placement, PlacementRank, PlacementStarted, PlanDrafted, PlanFact, PlanMade, PlanState, SettingType,
};
use crate::casework::procedure::{OwnFact, State};
use crate::service::App;
use crate::service::plan::list_placements as list;

/// A plan to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlanInput {
    /// The case it is about.
    case_id: Uuid,
    /// What opens it.
    event: OpeningEventInput<PlanOpeningFact>,
}

impl RequestBody for PlanInput {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PlanOpeningFact {
    /// Work on the plan began.
    PlanDrafted(PlanDrafted),
    /// The plan was made: the final plan was first sent.
    PlanMade(PlanMade),
}

impl From<PlanOpeningFact> for OwnFact {
    fn from(fact: PlanOpeningFact) -> OwnFact {
        OwnFact::new(match fact {
            PlanOpeningFact::PlanDrafted(drafted) => PlanFact::PlanDrafted(drafted),
            PlanOpeningFact::PlanMade(made) => PlanFact::PlanMade(made),
        })
    }
}

/// A recorded event and what it led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedPlanEventView {
    pub event: EventView,
    pub plan: ProcedureView,
}

/// In which state they are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanStateQuery {
    /// Only plans in this state. Those opened in error are shown only if asked for as `void`.
    #[param(inline)]
    state: Option<PlanState>,
}

/// Open a plan
///
/// With its draft, or with the day it was made where that was before. A plan that was made opens its first
/// review. A case has one plan; a second is refused with the id of the first. A final plan sent on an
/// assessment opens its plan by itself, or makes it of the draft.
#[utoipa::path(
    tag = "plans",
    params(IdempotencyKey),
    request_body = PlanInput,
    responses((status = 201, body = ProcedureView, description = "The plan, as of today.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["already_open", "case_closed", "event_not_permitted"])))
)]
#[post("/v1/plans")]
pub async fn open_plan(once: Once<WritePlans, PlanInput>, app: Data<App>) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, PlanInput { case_id, event }| {
        opened(work, &PLAN, "/v1/plans", case_id, &event.into())
    })
    .await
}

/// List plans
///
/// In the order in which they were opened here.
#[utoipa::path(
    tag = "plans",
    params(PlanStateQuery, ProcedureQuery, PageQuery),
    responses((status = 200, body = Page<ListedProcedure>, description = "A page of plans.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/plans")]
pub async fn list_plans(
    principal: Allowed<ReadCases>,
    state: QueryString<PlanStateQuery>,
    query: QueryString<ProcedureQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let state = state.0.state.map(State::from);
    page_of_procedures(
        &app,
        principal.into_principal(),
        &PLAN,
        state,
        query.0,
        &page.0,
        &request,
    )
    .await
}

/// Get a plan
///
/// State, clocks and flags are computed from the events for the day asked about.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), MomentQuery),
    responses((status = 200, body = ProcedureView, description = "The plan.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/plans/{id}")]
pub async fn get_plan(
    principal: Allowed<ReadPlans>,
    id: Path<PathId>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    one_procedure(&app, principal.into_principal(), &PLAN, id, query.0, &request).await
}

/// List the events of a plan
///
/// In the order of recording, with corrections and what they superseded.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), PageQuery),
    responses((status = 200, body = Page<EventView>, description = "A page of events.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/plans/{id}/events")]
pub async fn list_plan_events(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    page_of_events(
        &app,
        principal.into_principal(),
        &PLAN,
        id.into_inner().0,
        &page.0,
        &request,
    )
    .await
}

/// Record what happened to a plan
///
/// One event, or one correction of recorded events. A backdated event is judged in the state of its day.
/// Amendments that follow from a review are recorded there. A plan is ceased once the time for an appeal has
/// passed; that ends its open review.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), IfMatch, IdempotencyKey),
    request_body = PlanEventInput,
    responses((status = 201, body = RecordedPlanEventView, description = "The event, and the plan as of today.",
        headers(("ETag" = String, description = "The plan's version.")))),
    extensions(("x-problems" = json!(["plan_not_ready", "already_open", "gone_on", "follows_from_another"])))
)]
#[post("/v1/plans/{id}/events")]
pub async fn record_plan_event(
    act: Act<WritePlans, PlanEventInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let Act { once, id, version } = act;
    once.on_procedure(id)
        .answer(&app, move |work, input| {
            let (event, plan) = recorded(work, &PLAN, id, version, &input.into())?;
            let view = RecordedPlanEventView { event, plan };
            acted(201, view.plan.version, &view)
        })
        .await
}

/// A time in a setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementView {
    pub rank: PlacementRank,
    /// The first day.
    #[serde(serialize_with = "dates::day")]
    pub from_on: NaiveDate,
    /// The day it ended, which may be the day the next began; null while it lasts.
    pub until_on: Option<NaiveDate>,
    pub organisation_id: Option<Uuid>,
    pub urn: Option<String>,
    pub ukprn: Option<String>,
    pub setting_type: Option<SettingType>,
    pub sen_unit: bool,
    pub resourced_provision: bool,
}

impl From<Placement> for PlacementView {
    fn from(placement: Placement) -> PlacementView {
        let Placement {
            started,
            from_on,
            until_on,
        } = placement;
        let PlacementStarted {
            rank,
            organisation_id,
            urn,
            ukprn,
            setting_type,
            sen_unit,
            resourced_provision,
        } = started;
        PlacementView {
            rank,
            from_on,
            until_on,
            organisation_id,
            urn,
            ukprn,
            setting_type,
            sen_unit,
            resourced_provision,
        }
    }
}

/// Where the child or young person was placed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementsView {
    /// The oldest first.
    pub items: Vec<PlacementView>,
}

/// List the placements under a plan
///
/// Every setting since the plan was made, with when; two at a time where two are attended.
#[utoipa::path(
    tag = "plans",
    params(("id" = Uuid, Path, description = "The plan."), MomentQuery),
    responses((status = 200, body = PlacementsView, description = "The placements."))
)]
#[get("/v1/plans/{id}/placements")]
pub async fn list_placements(
    principal: Allowed<ReadPlans>,
    id: Path<PathId>,
    query: QueryString<MomentQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, MomentQuery { as_of, known_at }) = (id.into_inner().0, query.0);
    let placements = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            list(work, id, as_of, known_at)
        })
        .await?;
    let items = placements.into_iter().map(PlacementView::from).collect();
    Ok(HttpResponse::Ok().json(PlacementsView { items }))
}
