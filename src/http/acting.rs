//! What handlers that change something share: an answer made inside the transaction, kept under
//! the client's key, and given again when it is asked for again.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;

use super::extractor::{IdempotencyKey, entity_tag};
use super::problem::Problem;
use super::trace::TraceId;
use crate::auth::Principal;
use crate::service::idempotency::{Answer, Claim, once};
use crate::service::{App, Error, Work};
use crate::store::StoreError;

/// The trace id of a request, for logs and the trail.
pub fn trace_of(request: &HttpRequest) -> String {
    request
        .extensions()
        .get::<TraceId>()
        .map(|trace| trace.as_str().to_owned())
        .unwrap_or_default()
}

/// The key of a request, with what makes another request the same.
pub fn claim_of(request: &HttpRequest, key: IdempotencyKey, body_sha256: String) -> Claim {
    Claim {
        key: key.0,
        method: request.method().to_string(),
        path: request.path().to_owned(),
        body_sha256,
    }
}

/// Does something once per key: in one transaction, with the answer kept beside it.
pub async fn act_once(
    app: &App,
    principal: Principal,
    trace_id: String,
    claim: Claim,
    decide: impl FnOnce(&mut Work<'_>) -> Result<Answer, Error> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let answer = app
        .write(principal, trace_id, move |work| once(work, &claim, decide))
        .await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for (name, value) in answer.headers {
        response.insert_header((name, value));
    }
    Ok(response.content_type("application/json").body(answer.body))
}

/// The answer 201 for something new at a place of its own.
pub fn created<T: Serialize>(location: String, version: i64, view: &T) -> Result<Answer, Error> {
    Ok(Answer {
        status: 201,
        headers: vec![
            ("Location".to_owned(), location),
            ("ETag".to_owned(), entity_tag(version)),
        ],
        body: body_of(view)?,
    })
}

/// The answer with the new version of what was acted on.
pub fn acted<T: Serialize>(status: u16, version: i64, view: &T) -> Result<Answer, Error> {
    Ok(Answer {
        status,
        headers: vec![("ETag".to_owned(), entity_tag(version))],
        body: body_of(view)?,
    })
}

/// An answer that shows something in its version.
pub fn shown<T: Serialize>(version: i64, view: &T) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("ETag", entity_tag(version)))
        .json(view)
}

fn body_of<T: Serialize>(view: &T) -> Result<String, Error> {
    serde_json::to_string(view)
        .map_err(|_| Error::Store(StoreError::Bug("an answer cannot be written as JSON".to_owned())))
}
