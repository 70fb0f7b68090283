//! Sealing cases, opening sealed ones to somebody, and breaking the glass.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, acted_on_many, origin_of, placed};
use super::extractor::{Allowed, IdempotencyKey, PathId, QueryString, RequestBody};
use super::page::{Page, PageQuery};
use super::problem::{Fault, Problem};
use crate::auth::{BreakGlass, ReadBreakGlass, ReadCases, SealCases};
use crate::service::App;
use crate::service::seal::{
    Grant, Grantee, Seal, SealGround, Wanted, break_glass as break_the_glass, end_access as end,
    get_seal as get, grant_access as grant, list_break_glass as list, review_break_glass as review,
    seal_case as seal, unseal_case as unseal,
};
use crate::store::case::CaseSearch;

/// Why a case is sealed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SealInput {
    ground: SealGround,
    /// More of the ground, for those who may see the case.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    note: Option<String>,
}

impl RequestBody for SealInput {}

/// Nothing to say beside the act.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BareActInput {}

impl RequestBody for BareActInput {}

/// To whom a sealed case is opened: exactly one of `subject`, `organisation_id` and `person_id`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GrantInput {
    /// Somebody, by the `sub` of their tokens; a system as `client:` and its id.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S", example = "caseworker-12")]
    subject: Option<String>,
    /// Everybody who speaks for an organisation.
    organisation_id: Option<Uuid>,
    /// Somebody of the family, by their id among the people of the case. Where it is sealed for an adoption or for the
    /// protection of a witness, nobody of the family sees it otherwise.
    person_id: Option<Uuid>,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    reason: String,
    /// Until when; without it, until it is ended.
    until_at: Option<DateTime<Utc>>,
}

impl RequestBody for GrantInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        one_of(value, &["subject", "organisation_id", "person_id"], faults);
    }
}

/// Which sealed case has to be read now, and why: exactly one of `reference`, `upn` and `nhs_number`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BreakGlassInput {
    /// The reference of the case.
    #[schema(pattern = "^EHC-[A-Z0-9]{4}-[A-Z0-9]{4}$", example = "EHC-7K3M-Q9TX")]
    reference: Option<String>,
    /// The unique pupil number.
    #[schema(format = "upn")]
    upn: Option<String>,
    /// The NHS number.
    #[schema(format = "nhs-number")]
    nhs_number: Option<String>,
    /// Why it cannot wait; others will read it.
    #[schema(min_length = 10, max_length = 2_000, pattern = "\\S")]
    reason: String,
}

impl RequestBody for BreakGlassInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        one_of(value, &["reference", "upn", "nhs_number"], faults);
    }
}

fn one_of(value: &Value, ways: &[&str], faults: &mut Vec<Fault>) {
    let given = ways.iter().filter(|way| !value[**way].is_null()).count();
    if value.is_object() && given != 1 {
        let message = format!("must hold exactly one of {}", ways.join(", "));
        faults.push(Fault::new("", "one_of", message));
    }
}

/// An opening of a sealed case.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantView {
    pub id: Uuid,
    pub case_id: Uuid,
    /// To whom, if to one person or system.
    pub subject: Option<String>,
    /// To whom, if to an organisation.
    pub organisation_id: Option<Uuid>,
    /// To whom, if to somebody of the family.
    pub person_id: Option<Uuid>,
    pub reason: String,
    pub granted_at: DateTime<Utc>,
    pub granted_by: String,
    /// The first instant at which it no longer holds; null until somebody ends it.
    pub until_at: Option<DateTime<Utc>>,
    /// Whether the glass was broken for it.
    pub is_break_glass: bool,
    /// When somebody else looked into a broken glass, and who.
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> GrantView {
        let (subject, organisation_id, person_id) = match grant.grantee {
            Grantee::Subject(subject) => (Some(subject), None, None),
            Grantee::Organisation(organisation_id) => (None, Some(organisation_id), None),
            Grantee::Person(person_id) => (None, None, Some(person_id)),
        };
        GrantView {
            id: grant.id,
            case_id: grant.case_id,
            subject,
            organisation_id,
            person_id,
            reason: grant.reason,
            granted_at: grant.granted_at,
            granted_by: grant.granted_by,
            until_at: grant.until_at,
            is_break_glass: grant.is_break_glass,
            reviewed_at: grant.reviewed_at,
            reviewed_by: grant.reviewed_by,
        }
    }
}

/// The seal of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct SealView {
    pub case_id: Uuid,
    pub ground: SealGround,
    pub note: Option<String>,
    pub sealed_at: DateTime<Utc>,
    pub sealed_by: String,
    /// To whom it was ever opened, the oldest first.
    pub grants: Vec<GrantView>,
}

impl From<Seal> for SealView {
    fn from(seal: Seal) -> SealView {
        SealView {
            case_id: seal.case_id,
            ground: seal.ground,
            note: seal.note,
            sealed_at: seal.sealed_at,
            sealed_by: seal.sealed_by,
            grants: seal.grants.into_iter().map(GrantView::from).collect(),
        }
    }
}

/// Which readings to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BreakGlassQuery {
    /// Only those that were reviewed, or that were not.
    is_reviewed: Option<bool>,
}

/// Seal a case
///
/// From now on it exists for those alone to whom it is opened, at first who seals it; and for those of its family whose
/// tokens name a person, unless it is sealed for an adoption or for the protection of a witness: then for those of the
/// family alone to whom it is opened.
#[utoipa::path(
    tag = "sealed cases",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = SealInput,
    responses((status = 201, body = SealView, description = "The seal.",
        headers(("Location" = String, description = "Where it is.")))),
    extensions(("x-problems" = json!(["already_sealed"])))
)]
#[post("/v1/cases/{id}/seal")]
pub async fn seal_case(
    once: Once<SealCases, SealInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    once.answer(&app, move |work, input| {
        let view = SealView::from(seal(work, case_id, input.ground, input.note)?);
        placed(format!("/v1/cases/{case_id}/seal"), &view)
    })
    .await
}

/// Get the seal of a case
#[utoipa::path(
    tag = "sealed cases",
    params(("id" = Uuid, Path, description = "The case.")),
    responses((status = 200, body = SealView, description = "The seal; 404 for a case that has none."))
)]
#[get("/v1/cases/{id}/seal")]
pub async fn get_seal(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    let seal = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            get(work, case_id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(SealView::from(seal)))
}

/// Take the seal off a case
///
/// It exists for everybody of the authority again, and every opening ends. The answer shows the seal as it was.
#[utoipa::path(
    tag = "sealed cases",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = BareActInput,
    responses((status = 200, body = SealView, description = "The seal as it was.")),
    extensions(("x-problems" = json!(["broken_glass_only"])))
)]
#[post("/v1/cases/{id}/unsealing")]
pub async fn unseal_case(
    once: Once<SealCases, BareActInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    once.answer(&app, move |work, BareActInput {}| {
        acted_on_many(&SealView::from(unseal(work, case_id)?))
    })
    .await
}

/// Open a sealed case to somebody
///
/// Only who sealed it opens it to themselves.
#[utoipa::path(
    tag = "sealed cases",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = GrantInput,
    responses((status = 201, body = GrantView, description = "The opening.",
        headers(("Location" = String, description = "Where openings are listed.")))),
    extensions(("x-problems" = json!(["broken_glass_only"])))
)]
#[post("/v1/cases/{id}/grants")]
pub async fn grant_access(
    once: Once<SealCases, GrantInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    once.answer(&app, move |work, input| {
        let grantee = match (input.subject, input.organisation_id, input.person_id) {
            (_, Some(organisation_id), _) => Grantee::Organisation(organisation_id),
            (_, None, Some(person_id)) => Grantee::Person(person_id),
            (subject, None, None) => Grantee::Subject(subject.unwrap_or_default()),
        };
        let granted = grant(work, case_id, &grantee, input.reason, input.until_at)?;
        placed(format!("/v1/cases/{case_id}/seal"), &GrantView::from(granted))
    })
    .await
}

/// End an opening of a sealed case
#[utoipa::path(
    tag = "sealed cases",
    params(
        ("id" = Uuid, Path, description = "The case."),
        ("grant_id" = Uuid, Path, description = "The opening."),
        IdempotencyKey
    ),
    request_body = BareActInput,
    responses((status = 200, body = GrantView, description = "The opening, which holds no longer.")),
    extensions(("x-problems" = json!(["broken_glass_only"])))
)]
#[post("/v1/cases/{id}/grants/{grant_id}/ending")]
pub async fn end_access(
    once: Once<SealCases, BareActInput>,
    ids: Path<(PathId, PathId)>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (case_id, grant_id) = ids.into_inner();
    once.answer(&app, move |work, BareActInput {}| {
        acted_on_many(&GrantView::from(end(work, case_id.0, grant_id.0)?))
    })
    .await
}

/// Break the glass
///
/// Opens a sealed case to whoever asks, for an hour. It stands on the list of these readings, and as a flag on the
/// case, until somebody else has reviewed it.
#[utoipa::path(
    tag = "sealed cases",
    params(IdempotencyKey),
    request_body = BreakGlassInput,
    responses((status = 201, body = GrantView, description = "The opening, with the id of the case.",
        headers(("Location" = String, description = "The case.")))),
    extensions(("x-problems" = json!(["not_found"])))
)]
#[post("/v1/break-glass-readings")]
pub async fn break_glass(
    once: Once<BreakGlass, BreakGlassInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, input| {
        let wanted = match (input.reference, input.upn, input.nhs_number) {
            (Some(reference), ..) => Wanted::Reference(reference),
            (_, Some(upn), _) => Wanted::Identifier(CaseSearch::Upn(upn)),
            (.., nhs_number) => Wanted::Identifier(CaseSearch::NhsNumber(nhs_number.unwrap_or_default())),
        };
        let view = GrantView::from(break_the_glass(work, &wanted, input.reason)?);
        placed(format!("/v1/cases/{}", view.case_id), &view)
    })
    .await
}

/// List readings for which the glass was broken
#[utoipa::path(
    tag = "sealed cases",
    params(BreakGlassQuery, PageQuery),
    responses((status = 200, body = Page<GrantView>, description = "A page of readings, the oldest first.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/break-glass-readings")]
pub async fn list_break_glass_readings(
    principal: Allowed<ReadBreakGlass>,
    query: QueryString<BreakGlassQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (is_reviewed, page) = (query.0.is_reviewed, page.0);
    let (after, rows) = (page.after_id()?, page.rows());
    let readings = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, is_reviewed, after, rows)
        })
        .await?;
    let views = readings.into_iter().map(GrantView::from).collect();
    Ok(page.answer(&request, views, |view: &GrantView| view.id.to_string()))
}

/// Review a reading for which the glass was broken
///
/// By somebody other than who broke it. The flag on the case comes down.
#[utoipa::path(
    tag = "sealed cases",
    params(("id" = Uuid, Path, description = "The reading."), IdempotencyKey),
    request_body = BareActInput,
    responses((status = 200, body = GrantView, description = "The reading.")),
    extensions(("x-problems" = json!(["own_reading"])))
)]
#[post("/v1/break-glass-readings/{id}/review")]
pub async fn review_break_glass_reading(
    once: Once<SealCases, BareActInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let grant_id = id.into_inner().0;
    once.answer(&app, move |work, BareActInput {}| {
        acted_on_many(&GrantView::from(review(work, grant_id)?))
    })
    .await
}
