//! Organisations: whoever owes or gives something.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, created, origin_of, shown};
use super::contract::Contract;
use super::extractor::{Allowed, Body, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::patch::{Patch, patched};
use super::problem::Problem;
use crate::auth::{ReadOrganisations, WriteOrganisations};
use crate::service::App;
use crate::service::organisation::{
    Organisation, OrganisationDetails, OrganisationKind, change_organisation as change,
    get_organisation as get, list_organisations as list, open_organisation as open,
};

/// A partial change.
type OrganisationPatch = Patch<OrganisationDetails>;

impl RequestBody for OrganisationDetails {}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganisationView {
    pub id: Uuid,
    /// Rises with every change; the `ETag` is made of it.
    pub version: i64,
    #[serde(flatten)]
    pub details: OrganisationDetails,
}

impl From<Organisation> for OrganisationView {
    fn from(organisation: Organisation) -> OrganisationView {
        let Organisation { id, version, details } = organisation;
        OrganisationView { id, version, details }
    }
}

/// Which organisations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrganisationQuery {
    /// Only organisations of this kind.
    #[param(inline)]
    kind: Option<OrganisationKind>,
}

/// Add an organisation
#[utoipa::path(
    tag = "organisations",
    params(IdempotencyKey),
    request_body = OrganisationDetails,
    responses((status = 201, body = OrganisationView, description = "The organisation.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[post("/v1/organisations")]
pub async fn open_organisation(
    once: Once<WriteOrganisations, OrganisationDetails>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, details| {
        let view = OrganisationView::from(open(work, &details)?);
        created(format!("/v1/organisations/{}", view.id), view.version, &view)
    })
    .await
}

/// List organisations
#[utoipa::path(
    tag = "organisations",
    params(OrganisationQuery, PageQuery),
    responses((status = 200, body = Page<OrganisationView>, description = "A page of organisations.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/organisations")]
pub async fn list_organisations(
    principal: Allowed<ReadOrganisations>,
    query: QueryString<OrganisationQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (kind, page) = (query.0.kind, page.0);
    let (after, rows) = (page.after_id()?, page.rows());
    let organisations = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, kind, after, rows)
        })
        .await?;
    let views = organisations.into_iter().map(OrganisationView::from).collect();
    Ok(page.answer(&request, views, |view: &OrganisationView| view.id.to_string()))
}

/// Get an organisation
#[utoipa::path(
    tag = "organisations",
    params(("id" = Uuid, Path, description = "The organisation.")),
    responses((status = 200, body = OrganisationView, description = "The organisation.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/organisations/{id}")]
pub async fn get_organisation(
    principal: Allowed<ReadOrganisations>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let organisation = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            get(work, id)
        })
        .await?;
    shown(organisation.version, &OrganisationView::from(organisation))
}

/// Change an organisation
///
/// A merge patch: fields given replace, null removes. Requests already sent keep the duty they were sent with.
#[utoipa::path(
    tag = "organisations",
    params(("id" = Uuid, Path, description = "The organisation."), IfMatch),
    request_body = OrganisationPatch,
    responses((status = 200, body = OrganisationView, description = "The organisation.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[patch("/v1/organisations/{id}")]
pub async fn change_organisation(
    principal: Allowed<WriteOrganisations>,
    id: Path<PathId>,
    version: IfMatch,
    body: Body<OrganisationPatch>,
    app: Data<App>,
    contract: Data<Contract>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, patch) = (id.into_inner().0, body.value.members);
    let organisation = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            change(work, id, version.0, |details| {
                patched(&contract, &details, &patch)
            })
        })
        .await?;
    shown(organisation.version, &OrganisationView::from(organisation))
}
