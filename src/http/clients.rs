//! Systems that ask for themselves, as an authority's administrators keep them. How they get tokens is in
//! `oauth`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, put};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::{Once, acted, created, origin_of, placed, respond, shown};
use super::extractor::{
    Allowed, Body, IdempotencyKey, IfMatch, OptionalIfMatch, PathId, QueryString, RequestBody,
};
use super::page::{Page, PageQuery};
use super::problem::{Code, Problem};
use crate::auth::{ClientScope, ClientSecret, ReadClients, SecretError, SignatureAlgorithm, WriteClients};
use crate::service::App;
use crate::service::client::{
    Client, ClientChange, ClientGrant, ClientOwner, NewClient, PublicJwk, Secret, add_client_secret as add,
    change_client as change, get_client as get_one, grant_client as grant, list_clients as list,
    put_client_keys as put_keys, register_client as register, revoke_client_secret as revoke,
};

impl RequestBody for NewClient {}
impl RequestBody for ClientChange {}
impl RequestBody for ClientGrant {}

/// The public keys of a system, in place of those there were.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClientKeysInput {
    /// An empty list takes all away.
    #[schema(max_items = 5)]
    keys: Vec<PublicJwk>,
}

impl RequestBody for ClientKeysInput {}

/// Nothing: the path says it all.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewSecretInput {}

impl RequestBody for NewSecretInput {}

/// Nothing: the path says it all.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RevocationInput {}

impl RequestBody for RevocationInput {}

/// A system, as the authority that asks sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// The `client_id` with which it asks for tokens.
    id: Uuid,
    /// Rises with every change here; the `ETag` is made of it.
    version: i64,
    name: String,
    belongs_to: ClientOwner,
    /// Whether this authority registered it, and looks after its secrets and keys.
    registered_here: bool,
    /// The organisation it acts for here; null for a system of the authority itself.
    organisation_id: Option<Uuid>,
    /// What it may do here.
    scopes: Vec<ClientScope>,
    /// Whether this authority has shut it out.
    disabled: bool,
    /// When it last took a token for this authority, to the minute. A token is good for ten minutes.
    last_used_at: Option<DateTime<Utc>>,
    /// Its secrets, without themselves; of a system registered elsewhere, none.
    secrets: Vec<ClientSecretView>,
    /// Its public keys by their names; of a system registered elsewhere, none.
    keys: Vec<ClientKeyView>,
}

/// A secret of a system.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientSecretView {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// When a token was last taken with it, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// Since when it is no good.
    revoked_at: Option<DateTime<Utc>>,
}

/// A public key of a system.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientKeyView {
    kid: String,
    algorithm: SignatureAlgorithm,
}

/// A new secret, shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewSecretView {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// The secret itself. It is kept nowhere: when the request is repeated under its key, this is null.
    #[schema(example = "ehcp_0198e3a47d1c70008000000000000001_5d41…")]
    secret: Option<String>,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> ClientView {
        ClientView {
            id: client.id,
            version: client.version,
            name: client.name,
            belongs_to: client.belongs_to,
            registered_here: client.is_registered_here,
            organisation_id: client.organisation_id,
            scopes: client.scopes,
            disabled: client.is_disabled,
            last_used_at: client.last_used_at,
            secrets: client.secrets.into_iter().map(ClientSecretView::from).collect(),
            keys: client
                .keys
                .into_iter()
                .map(|key| ClientKeyView {
                    kid: key.kid,
                    algorithm: key.algorithm,
                })
                .collect(),
        }
    }
}

impl From<Secret> for ClientSecretView {
    fn from(secret: Secret) -> ClientSecretView {
        ClientSecretView {
            id: secret.id,
            created_at: secret.created_at,
            last_used_at: secret.last_used_at,
            revoked_at: secret.revoked_at,
        }
    }
}

/// What is answered where no secret could be made or compared.
pub fn secret_problem(error: SecretError) -> Problem {
    match error {
        SecretError::Busy => Problem::new(Code::Unavailable)
            .with_member("reason", "secrets_busy")
            .with_cause(error.to_string()),
        SecretError::NoRandomness | SecretError::Failed => Problem::internal(&error),
    }
}

/// Register a system
///
/// It can do nothing until it has a secret or a key.
#[utoipa::path(
    tag = "clients",
    params(IdempotencyKey),
    request_body = NewClient,
    responses((status = 201, body = ClientView, description = "The system.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/clients")]
pub async fn register_client(
    once: Once<WriteClients, NewClient>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, new| {
        let view = ClientView::from(register(work, &new)?);
        created(format!("/v1/clients/{}", view.id), view.version, &view)
    })
    .await
}

/// List the systems that may do something here
#[utoipa::path(
    tag = "clients",
    params(PageQuery),
    responses((status = 200, body = Page<ClientView>, description = "A page of systems.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/clients")]
pub async fn list_clients(
    principal: Allowed<ReadClients>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page = page.0;
    let (after, rows) = (page.after_id()?, page.rows());
    let clients = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, after, rows)
        })
        .await?;
    let views = clients.into_iter().map(ClientView::from).collect();
    Ok(page.answer(&request, views, |view: &ClientView| view.id.to_string()))
}

/// Get a system
#[utoipa::path(
    tag = "clients",
    params(("id" = Uuid, Path, description = "The system.")),
    responses((status = 200, body = ClientView, description = "The system.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/clients/{id}")]
pub async fn get_client(
    principal: Allowed<ReadClients>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let client = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            get_one(work, id)
        })
        .await?;
    shown(client.version, &ClientView::from(client))
}

/// Change a system, or shut it out
///
/// What is left out stays as it is. With `disabled` it is shut out from the next request on, whatever tokens it has: everywhere if
/// this authority registered it, and here if not.
#[utoipa::path(
    tag = "clients",
    params(("id" = Uuid, Path, description = "The system."), IfMatch),
    request_body = ClientChange,
    responses((status = 200, body = ClientView, description = "The system.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[patch("/v1/clients/{id}")]
pub async fn change_client(
    principal: Allowed<WriteClients>,
    id: Path<PathId>,
    version: IfMatch,
    body: Body<ClientChange>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let client = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            change(work, id, version.0, &body.value)
        })
        .await?;
    shown(client.version, &ClientView::from(client))
}

/// Grant something to the system of an organisation
///
/// Also to one that another authority registered: the organisation knows its id. It then takes tokens for this
/// authority as this authority's own organisation. Whoever registered it looks after its secrets and keys.
#[utoipa::path(
    tag = "clients",
    params(("id" = Uuid, Path, description = "The system."), OptionalIfMatch),
    request_body = ClientGrant,
    responses((status = 200, body = ClientView, description = "The system.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[put("/v1/clients/{id}/grant")]
pub async fn grant_client(
    principal: Allowed<WriteClients>,
    id: Path<PathId>,
    version: OptionalIfMatch,
    body: Body<ClientGrant>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let client = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            grant(work, id, version.0, &body.value)
        })
        .await?;
    shown(client.version, &ClientView::from(client))
}

/// Make a secret for a system
///
/// The answer shows it this once. If that answer is lost, a repeated request gives the same without the secret:
/// revoke it and make another. Two may be good at a time, so that one can take the place of the other.
#[utoipa::path(
    tag = "clients",
    params(("id" = Uuid, Path, description = "The system."), IdempotencyKey),
    request_body = NewSecretInput,
    responses((status = 201, body = NewSecretView, description = "The secret.",
        headers(("Location" = String, description = "Where its system is.")))),
    extensions(("x-problems" = json!(["too_many_secrets"])))
)]
#[post("/v1/clients/{id}/secrets")]
pub async fn add_client_secret(
    once: Once<WriteClients, NewSecretInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let secret = ClientSecret::new(app.new_id()).map_err(secret_problem)?;
    let (secret_id, hash) = (secret.id, secret.clone().hash().await.map_err(secret_problem)?);
    // What is kept under the key is without the secret; only the first answer has it.
    let is_first = Arc::new(AtomicBool::new(false));
    let decided = Arc::clone(&is_first);
    let kept = once
        .kept_answer(&app, move |work, _| {
            let made = add(work, id, secret_id, hash)?;
            decided.store(true, Ordering::Release);
            placed(format!("/v1/clients/{id}"), &view_of(&made, None))
        })
        .await?;
    let mut answer = kept;
    if is_first.load(Ordering::Acquire) {
        let mut view: serde_json::Value = serde_json::from_str(&answer.body)
            .map_err(|_| Problem::bug("an answer of our own is not JSON"))?;
        view["secret"] = secret.reveal().into();
        answer.body = view.to_string();
    }
    Ok(respond(answer))
}

fn view_of(made: &Secret, secret: Option<String>) -> NewSecretView {
    NewSecretView {
        id: made.id,
        created_at: made.created_at,
        secret,
    }
}

/// Revoke a secret
///
/// From now on it gets no token. Tokens taken with it run out within ten minutes; to stop them at once, shut the
/// system out.
#[utoipa::path(
    tag = "clients",
    params(
        ("id" = Uuid, Path, description = "The system."),
        ("secret_id" = Uuid, Path, description = "The secret."),
        IdempotencyKey,
    ),
    request_body = RevocationInput,
    responses((status = 200, body = ClientView, description = "The system.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/clients/{id}/secrets/{secret_id}/revocation")]
pub async fn revoke_client_secret(
    once: Once<WriteClients, RevocationInput>,
    ids: Path<(PathId, PathId)>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (id, secret_id) = ids.into_inner();
    once.answer(&app, move |work, _| {
        let view = ClientView::from(revoke(work, id.0, secret_id.0)?);
        acted(200, view.version, &view)
    })
    .await
}

/// Put public keys in place
///
/// With one of them the system signs assertions in place of sending a secret (`private_key_jwt`). To exchange a
/// key, put both for as long as the old one is in use.
#[utoipa::path(
    tag = "clients",
    params(("id" = Uuid, Path, description = "The system."), OptionalIfMatch),
    request_body = ClientKeysInput,
    responses((status = 200, body = ClientView, description = "The system.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[put("/v1/clients/{id}/keys")]
pub async fn put_client_keys(
    principal: Allowed<WriteClients>,
    id: Path<PathId>,
    version: OptionalIfMatch,
    body: Body<ClientKeysInput>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let client = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            put_keys(work, id, version.0, &body.value.keys)
        })
        .await?;
    shown(client.version, &ClientView::from(client))
}
