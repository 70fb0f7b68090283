//! What happens to every request on its way in and to every answer on its way out: a trace id, one
//! log line, a place in the counts, and the promise that whatever goes wrong leaves as a problem.
//!
//! Bodies, query strings and raw paths are never logged: the route template is.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};

use super::acting::origin_of;
use super::browsers::Protections;
use super::extractor::Forbidden;
use super::fallback::{Route, Routes};
use super::problem::{Code, PROBLEM_JSON, Problem};
use super::rates::Standings;
use super::requests::{Requests, UNMATCHED};
use crate::logging;
use crate::service::App;

/// The response header that carries the trace id.
pub const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

/// Names one request in every line of the log: 32 hexadecimal digits, as W3C Trace Context has them.
/// Handlers find it in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(String);

/// The route of a request, which `trace` has looked up, if its path has one.
pub fn route_of(request: &HttpRequest) -> Option<Arc<Route>> {
    request.extensions().get::<Arc<Route>>().cloned()
}

impl TraceId {
    /// The caller's, from a valid `traceparent`; otherwise a new one.
    pub fn of(headers: &HeaderMap) -> TraceId {
        let given = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(parse_traceparent);
        TraceId(given.unwrap_or_else(|| format!("{:032x}", rand::random_range(1..=u128::MAX))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The trace id in `version-traceid-parentid-flags`. Versions after 00 may have more parts.
fn parse_traceparent(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace_id, parent_id, flags, rest @ ..] = parts.as_slice() else {
        return None;
    };
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let valid = is_hex(version, 2)
        && *version != "ff"
        && (*version != "00" || rest.is_empty())
        && is_hex(trace_id, 32)
        && !is_zero(trace_id)
        && is_hex(parent_id, 16)
        && !is_zero(parent_id)
        && is_hex(flags, 2);
    valid.then(|| (*trace_id).to_owned())
}

/// The middleware; wrap the whole app in it, outside all others.
pub async fn trace<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let trace_id = TraceId::of(request.headers());
    request.extensions_mut().insert(trace_id.clone());
    let scope = trace_id.as_str().to_owned();
    logging::in_trace(scope, answer(request, next, trace_id)).await
}

async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    trace_id: TraceId,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.path().to_owned();
    let protections = Protections::of(request.request());
    let requests = request.app_data::<Data<Requests>>().cloned();
    let app = request.app_data::<Data<App>>().cloned();
    let routes = request.app_data::<Data<Routes>>();
    let route = routes.and_then(|routes| routes.find(request.path()));
    if let Some(route) = &route {
        request.extensions_mut().insert(Arc::clone(route));
    }

    let (problem, answered) = match caught(next.call(request)).await {
        Some(Ok(response)) => (problem_in(&response), Some(response)),
        Some(Err(error)) => (Some(problem_of(&error)), None),
        // The place of the panic is in the log already.
        None => (Some(Problem::bug("a handler panicked")), None),
    };
    let problem = match (problem, &answered) {
        (Some(problem), Some(response)) if problem.code() == Code::Forbidden => {
            Some(taken_down(response.request(), problem).await)
        }
        (problem, _) => problem,
    };
    let problem = problem.map(|problem| problem.happened(&path, trace_id.as_str()));
    if let Some(problem) = &problem
        && let Some(cause) = problem.cause()
    {
        log::error!(code = problem.code().name(), cause = cause; "failed");
    }
    let status = match (&problem, &answered) {
        (Some(problem), _) => problem.status_code(),
        (None, Some(response)) => response.status(),
        (None, None) => Code::InternalError.status(),
    };
    let took = started.elapsed();
    let pattern = route.as_deref().map(|route| route.pattern.as_str());
    if let Some(requests) = requests {
        requests.count(&method, pattern, status, took);
        if let Some(problem) = &problem
            && status == StatusCode::SERVICE_UNAVAILABLE
        {
            requests.count_unavailable(problem.reason());
        }
    }
    log::info!(
        method:% = method,
        route = pattern.unwrap_or(UNMATCHED),
        status = status.as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        "answered"
    );

    let answered = match (answered, &problem) {
        (Some(response), None) => Some(response.map_into_boxed_body()),
        (Some(response), Some(problem)) => Some(response.into_response(problem.error_response())),
        (None, _) => None,
    };
    match (answered, problem) {
        (Some(mut response), _) => {
            tell_standings(&mut response);
            finish(response.headers_mut(), &trace_id, protections);
            // Whoever asks next over this connection may find nobody there.
            if app.is_some_and(|app| app.is_stopping()) {
                let head = response.response_mut().head_mut();
                head.set_connection_type(ConnectionType::Close);
            }
            Ok(response)
        }
        // Without a response there is no request to answer either; actix answers with the error.
        (None, problem) => {
            let mut headers = HeaderMap::new();
            finish(&mut headers, &trace_id, protections);
            let problem = problem.unwrap_or_else(|| Problem::bug("no answer"));
            Err(headers
                .into_iter()
                .fold(problem, |problem, (name, value)| problem.with_header(name, value))
                .into())
        }
    }
}

/// The refusal of somebody known, once the trail has it.
async fn taken_down(request: &HttpRequest, problem: Problem) -> Problem {
    let forbidden = request.extensions_mut().remove::<Forbidden>();
    let (Some(Forbidden(principal)), Some(app)) = (forbidden, request.app_data::<Data<App>>()) else {
        return problem;
    };
    let code = problem.code().name();
    match app.refused(&principal, &origin_of(request), code).await {
        Ok(()) => problem,
        Err(error) => Problem::from(error),
    }
}

/// The problem that this answer is, or has to become because it is a failure in other words.
fn problem_in<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    if let Some(problem) = response.response().extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == PROBLEM_JSON);
    if is_problem {
        return None;
    }
    match response.response().error() {
        Some(error) => Some(problem_of(error)),
        None => Some(Problem::new(Code::of_status(status))),
    }
}

/// An error of the framework in our words. Its own are logged only for failures on our side, since
/// those on the client's may quote what was sent.
fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    let code = Code::of_status(error.as_response_error().status_code());
    if code == Code::InternalError {
        Problem::bug(error.to_string())
    } else {
        Problem::new(code)
    }
}

/// How much whoever asked may still ask, where anything was counted.
fn tell_standings(response: &mut ServiceResponse<BoxBody>) {
    let fields = response
        .request()
        .extensions()
        .get::<Standings>()
        .and_then(Standings::fields);
    for (name, value) in fields.into_iter().flatten() {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// The headers of every answer.
fn finish(headers: &mut HeaderMap, trace_id: &TraceId, protections: Protections) {
    if let Ok(value) = HeaderValue::from_str(trace_id.as_str()) {
        headers.insert(TRACE_ID, value);
    }
    protections.add_to(headers);
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The future's result, or `None` if it panicked; a panicked future is not polled again.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_trace_id_is_taken_only_from_a_valid_traceparent() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let cases = [
            (format!("00-{id}-00f067aa0ba902b7-01"), Some(id)),
            (format!("01-{id}-00f067aa0ba902b7-01-what-comes-later"), Some(id)),
            (format!("00-{id}-00f067aa0ba902b7-01-more"), None),
            (format!("ff-{id}-00f067aa0ba902b7-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), None),
            (format!("00-{id}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()), None),
            (id.to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_traceparent(&text).as_deref(), expected, "{text}");
        }
    }
}
