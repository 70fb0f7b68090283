//! The people around a child or young person.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::{Once, created, origin_of, shown};
use super::contract::Contract;
use super::extractor::{Allowed, Body, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::patch::{Patch, patched};
use super::problem::Problem;
use crate::auth::{ReadCases, WriteCases};
use crate::service::App;
use crate::service::person::{
    Person, PersonDetails, add_person as add, change_person as change, get_person as get, list_people as list,
};

/// A partial change.
type PersonPatch = Patch<PersonDetails>;

impl RequestBody for PersonDetails {}

/// A person around a child or young person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    pub id: Uuid,
    pub case_id: Uuid,
    /// Rises with every change; the `ETag` is made of it.
    pub version: i64,
    #[serde(flatten)]
    pub details: PersonDetails,
    /// Fields that are there and are not shown to whoever asks.
    #[schema(max_items = 1, example = json!([]))]
    pub masked: Vec<&'static str>,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> PersonView {
        let Person {
            id,
            case_id,
            version,
            details,
            is_address_masked,
        } = person;
        PersonView {
            id,
            case_id,
            version,
            details,
            masked: if is_address_masked {
                vec!["address"]
            } else {
                Vec::new()
            },
        }
    }
}

/// Add a person to a case
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = PersonDetails,
    responses((status = 201, body = PersonView, description = "The person.",
        headers(("Location" = String, description = "Where they are."), ("ETag" = String, description = "Their version.")))),
    extensions(("x-problems" = json!(["case_closed"])))
)]
#[post("/v1/cases/{id}/people")]
pub async fn add_person(
    once: Once<WriteCases, PersonDetails>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    once.answer(&app, move |work, details| {
        let view = PersonView::from(add(work, case_id, &details)?);
        created(
            format!("/v1/cases/{case_id}/people/{}", view.id),
            view.version,
            &view,
        )
    })
    .await
}

/// List the people of a case
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), PageQuery),
    responses((status = 200, body = Page<PersonView>, description = "A page of people.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/cases/{id}/people")]
pub async fn list_people(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (case_id, page) = (id.into_inner().0, page.0);
    let (after, rows) = (page.after_id()?, page.rows());
    let people = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, case_id, after, rows)
        })
        .await?;
    let views = people.into_iter().map(PersonView::from).collect();
    Ok(page.answer(&request, views, |view: &PersonView| view.id.to_string()))
}

/// Get a person of a case
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), ("person_id" = Uuid, Path, description = "The person.")),
    responses((status = 200, body = PersonView, description = "The person.",
        headers(("ETag" = String, description = "Their version."))))
)]
#[get("/v1/cases/{id}/people/{person_id}")]
pub async fn get_person(
    principal: Allowed<ReadCases>,
    ids: Path<(PathId, PathId)>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (case_id, person_id) = ids.into_inner();
    let person = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            get(work, case_id.0, person_id.0)
        })
        .await?;
    shown(person.version, &PersonView::from(person))
}

/// Change a person of a case
///
/// A merge patch: fields given replace, null removes.
#[utoipa::path(
    tag = "cases",
    params(
        ("id" = Uuid, Path, description = "The case."),
        ("person_id" = Uuid, Path, description = "The person."),
        IfMatch
    ),
    request_body = PersonPatch,
    responses((status = 200, body = PersonView, description = "The person.",
        headers(("ETag" = String, description = "Their version."))))
)]
#[patch("/v1/cases/{id}/people/{person_id}")]
pub async fn change_person(
    principal: Allowed<WriteCases>,
    ids: Path<(PathId, PathId)>,
    version: IfMatch,
    body: Body<PersonPatch>,
    app: Data<App>,
    contract: Data<Contract>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let ((case_id, person_id), patch) = (ids.into_inner(), body.value.members);
    let person = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            change(work, case_id.0, person_id.0, version.0, |details| {
                patched(&contract, &details, &patch)
            })
        })
        .await?;
    shown(person.version, &PersonView::from(person))
}
