//! Problems: how every refusal and failure leaves the API, as `application/problem+json` (RFC 9457).
//!
//! Nothing here decides that something is wrong: handlers, extractors and the mapping from domain
//! refusals do, and `http::trace` adds the trace id and the instance on the way out.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::code::Code;

/// The media type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One thing wrong with a body or a query string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer into the body, or `/name` of a query parameter.
    #[schema(example = "/event/occurred_on")]
    pub pointer: String,
    /// What is wrong, as a stable word: `missing`, `unknown_field`, `wrong_type`, `not_one_of`,
    /// `malformed`, `too_short`, `too_long`, `out_of_range`, `too_few`, `too_many`, `repeated`,
    /// `invalid`, or the name of a rule of the resource.
    #[schema(example = "malformed")]
    pub code: Cow<'static, str>,
    /// What is expected there. It never repeats what was sent.
    #[schema(example = "must be a date as YYYY-MM-DD, in the years 0001 to 9998")]
    pub message: String,
}

impl Fault {
    /// A fault at a JSON pointer. The message must not quote the value.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Fault {
        Fault {
            pointer: pointer.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }
}

/// A refusal or failure on its way out. Cheap to move; handlers return it as their error.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    instance: Option<String>,
    trace_id: Option<String>,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

/// Why the API said no (RFC 9457). Some codes add members of their own: `state` and
/// `permitted_events`, `current_version`, `existing_id`, `reason`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// Identifies the kind of problem; a relative reference to its explanation.
    #[schema(format = "uri-reference", example = "/docs/problems/stale_version")]
    r#type: String,
    /// The kind of problem in a few words.
    #[schema(example = "The version has moved on")]
    title: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599, example = 412)]
    status: u16,
    /// What happened and what to do about it. It never repeats what was sent.
    detail: Cow<'static, str>,
    /// The path that was asked.
    #[schema(example = "/v1/cases/0198e3a4-7d1c-7000-8000-000000000001")]
    instance: Option<String>,
    code: Code,
    /// Finds this request in the service's log.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: Option<String>,
    /// Every fault found in the body or the query string, up to a thousand.
    errors: Vec<Fault>,
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem that says what the table says of its code.
    pub fn new(code: Code) -> Problem {
        Problem(Box::new(Parts {
            code,
            detail: Cow::Borrowed(code.row().meaning),
            instance: None,
            trace_id: None,
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A failure on our side. The cause and what caused it go to the log, once, and never out.
    pub fn internal(cause: &dyn std::error::Error) -> Problem {
        let mut chain = cause.to_string();
        let mut deeper = cause.source();
        while let Some(error) = deeper {
            chain.push_str(&format!(": {error}"));
            deeper = error.source();
        }
        Problem::bug(chain)
    }

    /// A failure on our side that no error describes.
    pub fn bug(cause: impl Into<String>) -> Problem {
        Problem::new(Code::InternalError).with_cause(cause)
    }

    /// Nothing the asker may see, whether or not it exists.
    pub fn not_found() -> Problem {
        Problem::new(Code::NotFound)
    }

    /// A body with these faults.
    pub fn invalid_content(faults: Vec<Fault>) -> Problem {
        Problem::new(Code::InvalidContent).with_faults(faults)
    }

    /// Says in particular what the code says in general. Must not quote what was sent.
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Problem {
        self.0.detail = detail.into();
        self
    }

    pub fn with_faults(mut self, faults: Vec<Fault>) -> Problem {
        self.0.errors = faults;
        self
    }

    /// Adds a member such as `state` or `current_version`.
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Problem {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// What the log shall say; never shown to the client.
    pub fn with_cause(mut self, cause: impl Into<String>) -> Problem {
        self.0.cause = Some(cause.into());
        self
    }

    /// Where and in which request it happened; `http::trace` knows.
    pub fn happened(mut self, instance: &str, trace_id: &str) -> Problem {
        self.0.instance = Some(instance.to_owned());
        self.0.trace_id = Some(trace_id.to_owned());
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What it says happened.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub fn faults(&self) -> &[Fault] {
        &self.0.errors
    }

    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What is amiss, where it is said.
    pub fn reason(&self) -> Option<&str> {
        self.0.members.get("reason").and_then(Value::as_str)
    }

    /// As it leaves.
    pub fn view(&self) -> ProblemView {
        let row = self.0.code.row();
        ProblemView {
            r#type: self.0.code.link(),
            title: row.title,
            status: row.status.as_u16(),
            detail: self.0.detail.clone(),
            instance: self.0.instance.clone(),
            code: self.0.code,
            trace_id: self.0.trace_id.clone(),
            errors: self.0.errors.clone(),
            members: self.0.members.clone(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut builder = HttpResponseBuilder::new(self.status_code());
        builder.insert_header((header::CACHE_CONTROL, "no-store"));
        match self.status_code().as_u16() {
            401 => {
                builder.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            // What is still to come of it is not read.
            408 => {
                builder.force_close();
            }
            429 | 503 => {
                builder.insert_header((header::RETRY_AFTER, "1"));
            }
            _ if self.code() == Code::IdempotencyInFlight => {
                builder.insert_header((header::RETRY_AFTER, "1"));
            }
            _ => {}
        }
        for header in &self.0.headers {
            builder.insert_header(header.clone());
        }
        let mut response = builder.content_type(PROBLEM_JSON).json(self.view());
        // `http::trace` takes it from here to complete it, however the handler returned it.
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_failure_stays_inside() {
        let cause = std::io::Error::other("password of the database");
        let problem = Problem::internal(&cause);
        assert_eq!(problem.cause(), Some("password of the database"));
        let sent = serde_json::to_string(&problem.view()).unwrap();
        assert!(!sent.contains("password"));
        assert!(!problem.to_string().contains("password"));
    }

    #[test]
    fn members_of_a_code_stand_beside_the_standard_ones() {
        let problem = Problem::new(Code::StaleVersion).with_member("current_version", 14);
        let sent = serde_json::to_value(problem.view()).unwrap();
        assert_eq!(sent["current_version"], 14);
        assert_eq!(sent["type"], "/docs/problems/stale_version");
        assert_eq!(sent["status"], 412);
    }

    #[test]
    fn a_client_is_told_when_to_come_back_and_how_to_authenticate() {
        let unavailable = Problem::new(Code::Unavailable).error_response();
        assert_eq!(unavailable.headers().get("Retry-After").unwrap(), "1");
        let anonymous = Problem::new(Code::Unauthenticated).error_response();
        assert_eq!(anonymous.headers().get("WWW-Authenticate").unwrap(), "Bearer");
        assert_eq!(anonymous.headers().get("Content-Type").unwrap(), PROBLEM_JSON);
        assert_eq!(anonymous.headers().get("Cache-Control").unwrap(), "no-store");
    }
}
