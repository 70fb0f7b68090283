//! `POST /oauth/token`: how a system gets a token (RFC 6749, client credentials), by its secret or by an assertion
//! that it signs (RFC 7523).
//!
//! Errors are problems that have OAuth's `error` and `error_description` as well, so that both kinds of readers
//! understand them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Query};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::origin_of;
use super::clients::secret_problem;
use super::extractor::read_bytes;
use super::problem::{Code, Problem};
use crate::auth::{
    ClientAccess, ClientScope, ClientSecret, Identity, LaCode, claimed_client, issue, verify_assertion,
};
use crate::clock::Clock;
use crate::service::App;
use crate::service::client_token::{NoGrant, Proof, find_candidate, take_token};

/// How long a token of a system is good.
const LIFETIME: Duration = Duration::from_secs(600);
/// The largest form that is read, in bytes; an assertion is the largest part of one.
const FORM_LIMIT: usize = 16 * 1024;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request for a token. The system proves itself with one of: HTTP Basic, `client_id` and `client_secret`, or
/// `client_assertion_type` and `client_assertion`.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `client_credentials`.
    #[schema(example = "client_credentials")]
    grant_type: Option<String>,
    /// The scopes asked for, with a space between; all that were granted where it is left out.
    #[schema(example = "advice:read advice:submit")]
    scope: Option<String>,
    /// The code of the authority the token is for; needed where several have granted the system something.
    #[schema(example = "885")]
    la: Option<String>,
    /// Its id, where it sends its secret here.
    client_id: Option<String>,
    /// Its secret, where it does not send it as HTTP Basic.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: Option<String>,
    /// A JWT that it signed with one of its keys (RS256, ES256 or EdDSA): `iss` and `sub` its id, `aud` the URL of
    /// this operation or `ehcp-timeline`, `exp` within five minutes, and a `jti` never used before.
    client_assertion: Option<String>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub struct TokenView {
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds it is good.
    #[schema(minimum = 1, maximum = 3600, example = 600)]
    expires_in: u64,
    /// What it is good for.
    #[schema(example = "advice:read advice:submit")]
    scope: String,
}

/// A form, each of whose parameters stands in it once. Empty ones count as left out, and unknown ones do not
/// matter.
pub struct TokenForm(TokenRequest);

impl FromRequest for TokenForm {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<TokenForm, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_form(&request, payload).await })
    }
}

async fn read_form(request: &HttpRequest, payload: Payload) -> Result<TokenForm, Problem> {
    if request.content_type() != "application/x-www-form-urlencoded" {
        return Err(oauth(
            Code::UnsupportedMediaType,
            "invalid_request",
            "Send the request as application/x-www-form-urlencoded.",
        ));
    }
    let bytes = read_bytes(request, payload, FORM_LIMIT)
        .await
        .map_err(|problem| told(problem, "invalid_request"))?;
    let unreadable = || refused(Code::InvalidRequest, "The request is no form.");
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
    let pairs = Query::<Vec<(String, String)>>::from_query(text).map_err(|_| unreadable())?;
    let mut form = BTreeMap::new();
    for (name, value) in pairs.into_inner() {
        if form.insert(name, value).is_some() {
            return Err(refused(
                Code::InvalidRequest,
                "A parameter stands in the request twice.",
            ));
        }
    }
    let mut take = |name: &str| form.remove(name).filter(|value| !value.is_empty());
    Ok(TokenForm(TokenRequest {
        grant_type: take("grant_type"),
        scope: take("scope"),
        la: take("la"),
        client_id: take("client_id"),
        client_secret: take("client_secret"),
        client_assertion_type: take("client_assertion_type"),
        client_assertion: take("client_assertion"),
    }))
}

/// What somebody sent to prove that they are a system.
enum Credentials {
    Secret(Uuid, ClientSecret),
    Assertion(Uuid, String),
}

/// Take a token
///
/// For systems, by the grant `client_credentials`. The token is good for ten minutes and names one authority.
/// Errors are problems with the members `error` and `error_description` that OAuth gives them.
#[utoipa::path(
    tag = "clients",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded",
        description = "The grant, and what the system proves itself with."),
    responses((status = 200, body = TokenView, description = "The token.")),
    extensions(("x-problems" = json!(["invalid_request", "invalid_grant", "invalid_scope",
        "unsupported_grant_type", "invalid_client", "bad_request", "request_timeout", "payload_too_large", "unsupported_media_type", "unavailable",
        "outcome_unknown"])))
)]
#[post("/oauth/token")]
pub async fn take_client_token(
    form: TokenForm,
    identity: Data<Identity>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let form = form.0;
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(refused(
                Code::UnsupportedGrantType,
                "The grant must be client_credentials.",
            ));
        }
        None => return Err(refused(Code::InvalidRequest, "There is no grant_type.")),
    }
    let credentials = credentials(&request, &form)?;
    let la_code = match form.la.as_deref().map(LaCode::parse) {
        None => None,
        Some(Ok(la_code)) => Some(la_code),
        Some(Err(_)) => {
            return Err(refused(
                Code::InvalidRequest,
                "la is not the code of an authority.",
            ));
        }
    };
    let scopes = match form.scope.as_deref().map(ClientScope::in_text) {
        None => None,
        Some(Some(scopes)) => Some(scopes),
        Some(None) => return Err(refused(Code::InvalidScope, "There is no such scope.")),
    };

    let (client_id, secret_id) = match &credentials {
        Credentials::Secret(client_id, secret) => (*client_id, secret.id),
        Credentials::Assertion(client_id, _) => (*client_id, Uuid::nil()),
    };
    let candidate = app
        .store
        .read_few(move |connection| {
            find_candidate(connection, client_id, secret_id).map_err(crate::service::Error::from)
        })
        .await?;
    let now = Clock::System.now();
    let proof = match credentials {
        Credentials::Secret(_, secret) => {
            let matches = secret.matches(candidate.hash()).await.map_err(secret_problem)?;
            matches.then_some(Proof::Secret(secret_id))
        }
        Credentials::Assertion(_, assertion) => {
            let audiences = identity.audiences();
            verify_assertion(&assertion, client_id, &candidate.keys(), &audiences, now)
                .ok()
                .map(Proof::Assertion)
        }
    };
    let proof = proof.ok_or_else(invalid_client)?;
    let principal = candidate
        .principal(la_code.as_ref(), scopes.as_deref())
        .map_err(|error| Problem::internal(&error))?
        .map_err(no_grant)?;
    if !candidate.was_noted(&principal.la_code, &proof, app.clock.now()) {
        let taken = app
            .write(principal.clone(), origin_of(&request), move |work| {
                take_token(work, &proof, now)
            })
            .await?;
        if !taken {
            return Err(invalid_client());
        }
    }
    let access_token =
        issue(identity.issuer_key(), &principal, LIFETIME, now).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().json(TokenView {
        access_token,
        token_type: "Bearer",
        expires_in: LIFETIME.as_secs(),
        scope: principal
            .client
            .as_ref()
            .map(ClientAccess::scope)
            .unwrap_or_default(),
    }))
}

/// What was sent, in one way only.
fn credentials(request: &HttpRequest, form: &TokenRequest) -> Result<Credentials, Problem> {
    let several = || {
        refused(
            Code::InvalidRequest,
            "A system proves itself in one way at a time.",
        )
    };
    let basic = basic(request)?;
    match (basic, &form.client_secret, &form.client_assertion) {
        (Some((id, secret)), None, None) => {
            if form.client_id.as_ref().is_some_and(|named| *named != id) {
                return Err(several());
            }
            Ok(Credentials::Secret(id_of(&id), ClientSecret::read(&secret)))
        }
        (None, Some(secret), None) => {
            let id = form.client_id.as_deref().ok_or_else(invalid_client)?;
            Ok(Credentials::Secret(id_of(id), ClientSecret::read(secret)))
        }
        (None, None, Some(assertion)) => {
            if form.client_assertion_type.as_deref() != Some(ASSERTION_TYPE) {
                return Err(refused(
                    Code::InvalidRequest,
                    "The client_assertion_type is not jwt-bearer.",
                ));
            }
            let client_id = claimed_client(assertion).ok_or_else(invalid_client)?;
            if form
                .client_id
                .as_deref()
                .is_some_and(|named| id_of(named) != client_id)
            {
                return Err(invalid_client());
            }
            Ok(Credentials::Assertion(client_id, assertion.clone()))
        }
        (None, None, None) => Err(invalid_client()),
        _ => Err(several()),
    }
}

/// A system by its id; what is no id is a system that nobody has.
fn id_of(text: &str) -> Uuid {
    Uuid::try_parse(text).unwrap_or_default()
}

/// What stands in `Authorization: Basic`, each part of which is encoded as in a form.
fn basic(request: &HttpRequest) -> Result<Option<(String, String)>, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let encoded = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, encoded)| encoded.trim());
    let Some(encoded) = encoded else {
        return Ok(None);
    };
    let decoded = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (id, secret) = decoded
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .ok_or_else(invalid_client)?;
    Ok(Some((decoded_part(id)?, decoded_part(secret)?)))
}

fn decoded_part(text: &str) -> Result<String, Problem> {
    let pairs = Query::<Vec<(String, String)>>::from_query(&format!("it={text}")).ok();
    pairs
        .and_then(|pairs| pairs.into_inner().into_iter().next())
        .map(|(_, value)| value)
        .ok_or_else(invalid_client)
}

fn no_grant(reason: NoGrant) -> Problem {
    match reason {
        NoGrant::WhichAuthority => refused(
            Code::InvalidRequest,
            "Several authorities have granted it something: say in la for which the token is.",
        ),
        NoGrant::Nothing => refused(Code::InvalidGrant, "No such authority has granted it anything."),
        NoGrant::Scope => refused(Code::InvalidScope, "It was not granted what it asks for."),
    }
}

/// Whoever asks has not proved to be a system that is let in; which of both is not told.
fn invalid_client() -> Problem {
    refused(Code::InvalidClient, "No system that is let in has proved itself.").with_header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"ehcp-timeline\""),
    )
}

/// A problem whose code is OAuth's own word.
fn refused(code: Code, words: &'static str) -> Problem {
    oauth(code, code.name(), words)
}

fn oauth(code: Code, error: &'static str, words: &'static str) -> Problem {
    told(Problem::new(code).with_detail(words), error)
}

/// A problem with the members that readers of OAuth alone look for.
fn told(problem: Problem, error: &'static str) -> Problem {
    let words = problem.detail().to_owned();
    problem
        .with_member("error", error)
        .with_member("error_description", words)
}
