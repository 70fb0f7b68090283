//! What handlers that change something share: an answer made inside the transaction, kept under
//! the client's key, and given again when it is asked for again.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Path;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;
use uuid::Uuid;

use super::exposure::client_address;
use super::extractor::{
    Allowed, Body, IdempotencyKey, IfMatch, PathId, RequestBody, access_reason, entity_tag,
};
use super::problem::Problem;
use super::trace::{TraceId, route_of};
use crate::auth::{Permission, Principal};
use crate::service::idempotency::{Answer, Claim, once};
use crate::service::origin::{Named, Origin};
use crate::service::{App, Error, Work};
use crate::store::StoreError;

/// Where a request came from and what it asks, for the trail.
pub fn origin_of(request: &HttpRequest) -> Origin {
    let trace_id = request
        .extensions()
        .get::<TraceId>()
        .map(|trace| trace.as_str().to_owned())
        .unwrap_or_default();
    let route = route_of(request);
    let operation = route
        .as_ref()
        .and_then(|route| route.operation(request.method().as_str()))
        .unwrap_or_default();
    // What is no id names nothing, and is anything that somebody wrote.
    let in_path = |name| {
        let text = request
            .match_info()
            .get(name)
            .filter(|text| Uuid::try_parse(text).is_ok());
        text.map(str::to_owned)
    };
    let (id, within) = (in_path("id"), in_path("person_id"));
    let is_of_case = route
        .as_ref()
        .is_some_and(|route| route.pattern.starts_with("/v1/cases/"));
    let case_id = id.clone().filter(|_| is_of_case);
    Origin {
        trace_id: trace_id.into(),
        is_reading: *request.method() == Method::GET || operation.starts_with("search_"),
        operation: operation.to_owned().into(),
        named: within.or(id).map(|resource_id| Named { resource_id, case_id }),
        client_address: client_address(request).map(|address| address.to_string()),
        reason: access_reason(request).ok().flatten().map(str::to_owned),
    }
}

/// A request to do something once: who asks, under which key, and what they sent.
///
/// It checks in the order of the manners: the token, the key, the body.
pub struct Once<P, T> {
    pub principal: Principal,
    pub origin: Origin,
    pub claim: Claim,
    pub input: T,
    /// The procedure that it records on.
    procedure_id: Option<Uuid>,
    permission: PhantomData<P>,
}

/// A request to do something once to a version of something.
pub struct Act<P, T> {
    pub once: Once<P, T>,
    /// What is acted on.
    pub id: Uuid,
    /// The version its sender has read.
    pub version: i64,
}

impl<P: Permission + 'static, T: RequestBody + 'static> FromRequest for Once<P, T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Once<P, T>, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let principal = Allowed::<P>::extract(&request).await?.into_principal();
            let key = IdempotencyKey::extract(&request).await?;
            let body = Body::<T>::from_request(&request, &mut payload).await?;
            Ok(Once {
                principal,
                origin: origin_of(&request),
                claim: Claim {
                    key: key.0,
                    method: request.method().to_string(),
                    path: request.path().to_owned(),
                    body_sha256: body.sha256,
                },
                input: body.value,
                procedure_id: None,
                permission: PhantomData,
            })
        })
    }
}

impl<P: Permission + 'static, T: RequestBody + 'static> FromRequest for Act<P, T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Act<P, T>, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // The token comes first, whatever else is missing.
            Allowed::<P>::extract(&request).await?;
            let id = Path::<PathId>::extract(&request)
                .await
                .map_err(|_| Problem::not_found())?
                .into_inner()
                .0;
            let version = IfMatch::extract(&request).await?.0;
            let once = Once::from_request(&request, &mut payload).await?;
            Ok(Act { once, id, version })
        })
    }
}

impl<P, T> Once<P, T> {
    /// Says on which procedure it records, so that this one may be read before its turn.
    pub fn on_procedure(self, id: Uuid) -> Once<P, T> {
        Once {
            procedure_id: Some(id),
            ..self
        }
    }

    /// Does it: in one transaction, with the answer kept beside it, and once however often asked.
    pub async fn answer(
        self,
        app: &App,
        decide: impl FnOnce(&mut Work<'_>, T) -> Result<Answer, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem>
    where
        T: Send + 'static,
    {
        Ok(respond(self.kept_answer(app, decide).await?))
    }

    /// [`Once::answer`], as it is kept and before it is sent.
    pub async fn kept_answer(
        self,
        app: &App,
        decide: impl FnOnce(&mut Work<'_>, T) -> Result<Answer, Error> + Send + 'static,
    ) -> Result<Answer, Problem>
    where
        T: Send + 'static,
    {
        let Once {
            principal,
            origin,
            claim,
            input,
            procedure_id,
            permission: _,
        } = self;
        let use_case = move |work: &mut Work<'_>| once(work, &claim, |work| decide(work, input));
        let answer = match procedure_id {
            Some(id) => app.write_on(id, principal, origin, use_case).await,
            None => app.write(principal, origin, use_case).await,
        };
        Ok(answer?)
    }
}

/// An answer on its way out.
pub fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for (name, value) in answer.headers {
        response.insert_header((name, value));
    }
    response.content_type("application/json").body(answer.body)
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

/// The answer about many, none of which it is a version of.
pub fn acted_on_many<T: Serialize>(view: &T) -> Result<Answer, Error> {
    Ok(Answer {
        status: 200,
        headers: Vec::new(),
        body: body_of(view)?,
    })
}

/// The answer 201 for something new that never changes, and so has no version.
pub fn placed<T: Serialize>(location: String, view: &T) -> Result<Answer, Error> {
    Ok(Answer {
        status: 201,
        headers: vec![("Location".to_owned(), location)],
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
pub fn shown<T: Serialize>(version: i64, view: &T) -> Result<HttpResponse, Problem> {
    let body = written(view).ok_or_else(|| Problem::bug("an answer cannot be written as JSON"))?;
    Ok(HttpResponse::Ok()
        .insert_header(("ETag", entity_tag(version)))
        .content_type("application/json")
        .body(body))
}

fn body_of<T: Serialize>(view: &T) -> Result<String, Error> {
    written(view)
        .and_then(|body| String::from_utf8(body).ok())
        .ok_or_else(|| Error::Store(StoreError::Bug("an answer cannot be written as JSON".to_owned())))
}

/// A view as JSON, in room that most answers fit in.
fn written<T: Serialize>(view: &T) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(16 * 1024);
    serde_json::to_writer(&mut body, view).ok()?;
    Some(body)
}
