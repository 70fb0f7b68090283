//! What handlers take from a request, each checked on the way in: the token, the headers of the
//! manners, ids in paths, query strings and bodies.
//!
//! An extractor refuses with a [`Problem`] and knows nothing of the subject. Handlers list
//! [`Allowed`] first, since the first refusal in order of their arguments is the answer.

use std::borrow::Cow;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::contract::Contract;
use super::limits::{Limits, NESTING_LIMIT, nesting};
use super::problem::{Code, Fault, Problem};
use super::rates::count_client;
use super::trace::route_of;
use crate::auth::{Identity, Permission, Principal, TokenError, allows};

/// The largest body an operation takes, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How many values a body may hold, counting all objects, lists and what is in them. Each may have
/// faults, which take many times the room of the few bytes that make them.
pub const VALUE_LIMIT: usize = 50_000;

/// The names of the headers that the document must show wherever they are taken.
pub const IF_MATCH: &str = "If-Match";
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// What the document says of their values; [`read_if_match`] and [`read_idempotency_key`] judge them.
const IF_MATCH_PATTERN: &str = r#"^"v(0|[1-9][0-9]{0,17})"$"#;
const IDEMPOTENCY_KEY_PATTERN: &str = r#"^"([!#-\[\]-~]|\\["\\]){1,255}"$"#;

/// A type that a request body is read into.
pub trait RequestBody: DeserializeOwned + ToSchema {
    /// Adds the faults of rules between fields that a schema cannot say. It runs on whatever was
    /// sent, also when its shape is wrong, so that all faults are reported together.
    fn cross_check(_value: &Value, _faults: &mut Vec<Fault>) {}
}

/// A JSON body that conforms to the document.
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    /// The SHA-256 of the bytes as they were sent, in hexadecimal: what makes two requests the same.
    pub sha256: String,
}

impl<T: RequestBody + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Body<T>, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move { read_body(&request, payload).await })
    }
}

/// A body as it was sent: no more bytes than it may have, in the time that it may take.
pub async fn read_bytes(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let declared = header_text(request, &header::CONTENT_LENGTH)?.and_then(|text| text.parse::<usize>().ok());
    let too_large =
        || Problem::new(Code::PayloadTooLarge).with_detail(format!("The body may have {limit} bytes."));
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let within = match request.app_data::<Data<Limits>>() {
        Some(limits) => limits.body_within,
        None => return Err(Problem::bug("no limits in app data")),
    };
    timeout(within, to_bytes_limited(BodyStream::new(payload), limit))
        .await
        .map_err(|_| Problem::new(Code::RequestTimeout))?
        .map_err(|_| too_large())?
        .map_err(|_| Problem::new(Code::BadRequest).with_detail("The body ended before it was complete."))
}

async fn read_body<T: RequestBody>(request: &HttpRequest, payload: Payload) -> Result<Body<T>, Problem> {
    if request.content_type() != "application/json" || is_compressed(request) {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    let bytes = read_bytes(request, payload, BODY_LIMIT).await?;
    if nesting(&bytes) > NESTING_LIMIT {
        return Err(Problem::new(Code::PayloadTooLarge).with_detail(format!(
            "The body may nest objects and lists {NESTING_LIMIT} deep."
        )));
    }
    let mut value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(Code::MalformedJson)
            .with_detail(format!("The body is not JSON from line {line}, column {column}."))
    })?;
    if values_in(&value) > VALUE_LIMIT {
        return Err(Problem::new(Code::PayloadTooLarge)
            .with_detail(format!("The body may hold {VALUE_LIMIT} values.")));
    }
    whole_numbers(&mut value);
    let mut faults = contract(request)?.faults(&T::name(), &value)?;
    T::cross_check(&value, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid_content(faults));
    }
    let value = T::deserialize(value).map_err(|_| unreadable(&T::name()))?;
    Ok(Body {
        value,
        sha256: format!("{:x}", Sha256::digest(&bytes)),
    })
}

/// A schema lets through what its type cannot hold, such as an integer beyond 64 bits. The reason
/// is not repeated: it may quote what was sent.
fn unreadable(schema_name: &str) -> Problem {
    log::warn!(schema = schema_name; "a body conforms to its schema and cannot be read");
    Problem::invalid_content(vec![Fault::new(
        "",
        "invalid",
        "holds a value that this service cannot represent",
    )])
}

/// JSON Schema counts `1.0` among the integers and serde does not; from here on it is `1`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() < 9e15
            {
                *value = Value::from(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn values_in(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values_in).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(values_in).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn is_compressed(request: &HttpRequest) -> bool {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity")
}

/// A query string that conforms to the parameters the document lists for this operation.
///
/// `T` derives `IntoParams` and stands in the operation's `params(…)`; an operation whose document
/// lists two such types may take both.
#[derive(Debug)]
pub struct QueryString<T>(pub T);

impl<T: DeserializeOwned + IntoParams> FromRequest for QueryString<T> {
    type Error = Problem;
    type Future = Ready<Result<QueryString<T>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_query(request).map(QueryString))
    }
}

fn read_query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|_| Problem::new(Code::InvalidQuery).with_detail("The query string cannot be decoded."))?;
    let route = route_of(request).ok_or_else(|| Problem::bug("a query without a route"))?;
    let (value, faults) = contract(request)?.query(
        &format!("{} {}", request.method(), route.pattern),
        pairs.into_inner(),
    )?;
    if !faults.is_empty() {
        return Err(Problem::new(Code::InvalidQuery).with_faults(faults));
    }
    T::deserialize(value).map_err(|_| {
        let fault = Fault::new("", "invalid", "holds a value that this service cannot represent");
        Problem::new(Code::InvalidQuery).with_faults(vec![fault])
    })
}

/// An id in a path, taken as `web::Path<PathId>` or in a tuple: a hyphenated UUID. Anything else
/// names nothing, so it is answered 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId(pub Uuid);

impl Deref for PathId {
    type Target = Uuid;

    fn deref(&self) -> &Uuid {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PathId, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = if text.len() == 36 {
            Uuid::try_parse(&text).ok()
        } else {
            None
        };
        id.map(PathId).ok_or_else(|| D::Error::custom("not an id"))
    }
}

/// The number of something in a path, from 1. Anything else names nothing, so it is answered 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathNumber(pub i64);

impl<'de> Deserialize<'de> for PathNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PathNumber, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().ok();
        // Written in one way only, so that nothing has two addresses.
        let number = number.filter(|number: &i64| *number > 0 && number.to_string() == text);
        number
            .map(PathNumber)
            .ok_or_else(|| D::Error::custom("not a number"))
    }
}

/// The version a client acts on, from a required `If-Match: "v12"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

/// The same where the header may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionalIfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<IfMatch, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_if_match(request).and_then(|version| {
            version
                .map(IfMatch)
                .ok_or_else(|| Problem::new(Code::PreconditionRequired))
        }))
    }
}

impl FromRequest for OptionalIfMatch {
    type Error = Problem;
    type Future = Ready<Result<OptionalIfMatch, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_if_match(request).map(OptionalIfMatch))
    }
}

/// The entity tag of a version, as `ETag` gives it and `If-Match` takes it.
pub fn entity_tag(version: i64) -> String {
    format!("\"v{version}\"")
}

fn read_if_match(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(text) = header_text(request, &header::IF_MATCH)? else {
        return Ok(None);
    };
    let version = text
        .strip_prefix("\"v")
        .and_then(|rest| rest.strip_suffix('"'))
        .and_then(|digits| digits.parse::<i64>().ok())
        .filter(|version| entity_tag(*version) == text && *version >= 0);
    version.map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidHeader)
            .with_detail("`If-Match` must be the one `ETag` you have read, such as \"v12\".")
    })
}

/// The client's own name for this act, from a required `Idempotency-Key: "…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<IdempotencyKey, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_idempotency_key(request))
    }
}

fn read_idempotency_key(request: &HttpRequest) -> Result<IdempotencyKey, Problem> {
    let name = HeaderName::from_static("idempotency-key");
    let Some(text) = header_text(request, &name)? else {
        return Err(Problem::new(Code::IdempotencyKeyRequired));
    };
    let malformed = || {
        Problem::new(Code::InvalidHeader).with_detail(
            "`Idempotency-Key` must be 1 to 255 visible ASCII characters in double quotes, \
             with a backslash before a quote or backslash.",
        )
    };
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(malformed)?;
    let mut key = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                Some(_) | None => return Err(malformed()),
            },
            '"' => return Err(malformed()),
            visible if visible.is_ascii_graphic() => key.push(visible),
            _ => return Err(malformed()),
        }
    }
    if key.is_empty() || key.len() > 255 {
        return Err(malformed());
    }
    Ok(IdempotencyKey(key))
}

/// Why something is done, from `Access-Reason`; the trail keeps it.
const ACCESS_REASON: &str = "Access-Reason";
const ACCESS_REASON_PATTERN: &str = "^[!-~]([ -~]{0,498}[!-~])?$";
const LONGEST_REASON: usize = 500;

/// The header as every operation with a token takes it.
pub fn access_reason_parameter() -> Parameter {
    header_parameter(
        ACCESS_REASON,
        Required::False,
        "Why it is done or seen, in visible ASCII characters and spaces. The trail keeps it, and nothing else does.",
        ACCESS_REASON_PATTERN,
        "Complaint 2026/114",
    )
}

/// The reason that a request gives, if it gives one.
pub fn access_reason(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let given = header_text(request, &HeaderName::from_static("access-reason"))?.map(str::trim);
    match given {
        Some(reason) if reason.is_empty() || reason.len() > LONGEST_REASON => {
            Err(Problem::new(Code::InvalidHeader)
                .with_detail("`Access-Reason` must be 1 to 500 visible ASCII characters and spaces."))
        }
        given => Ok(given),
    }
}

/// Somebody known who may not do what was asked; the trail says so.
pub struct Forbidden(pub Principal);

/// Refuses somebody known who may do the operation and not what they ask of it.
pub fn forbidden(
    request: &HttpRequest,
    principal: Principal,
    detail: impl Into<Cow<'static, str>>,
) -> Problem {
    request.extensions_mut().insert(Forbidden(principal));
    Problem::new(Code::Forbidden).with_detail(detail)
}

/// The asker, who has the permission `P` by a role or, being a system, by a scope.
#[derive(Debug, Clone)]
pub struct Allowed<P> {
    principal: Principal,
    permission: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// The asker alone, for use cases.
    pub fn into_principal(self) -> Principal {
        self.principal
    }
}

impl<P> Deref for Allowed<P> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Allowed<P>, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let principal = authenticate(&request).await?;
            if !allows::<P>(&principal) {
                let detail = format!(
                    "This takes the permission {}, which no role or scope of the token gives.",
                    P::NAME
                );
                return Err(forbidden(&request, principal, detail));
            }
            access_reason(&request)?;
            Ok(Allowed {
                principal,
                permission: PhantomData,
            })
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Principal, Problem> {
    let identity = request
        .app_data::<Data<Identity>>()
        .ok_or_else(|| Problem::bug("no identity in app data"))?;
    let header = header_text(request, &header::AUTHORIZATION)?;
    let token = header
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    let principal = identity
        .verify(token)
        .await
        .map_err(|error| not_believed(&error))?;
    let principal = Arc::unwrap_or_clone(principal);
    count_client(request, &principal)?;
    Ok(principal)
}

/// The answer to a token that is not accepted, with the reason as a word.
fn not_believed(error: &TokenError) -> Problem {
    match error {
        TokenError::KeysAway => Problem::new(Code::Unavailable).with_member("reason", error.name()),
        TokenError::Malformed
        | TokenError::WrongAlgorithm
        | TokenError::UnknownKey
        | TokenError::BadSignature
        | TokenError::Expired
        | TokenError::NotYetValid
        | TokenError::WrongIssuer
        | TokenError::WrongAudience
        | TokenError::BadClaims
        | TokenError::Unbound(_) => invalid_token(error.name()),
    }
}

/// A token was sent and is no longer, or never was, good for anything.
pub fn invalid_token(reason: &'static str) -> Problem {
    Problem::new(Code::Unauthenticated)
        .with_detail("The token is not valid: it may have expired or be meant for another service.")
        .with_member("reason", reason)
        .with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(
                "Bearer error=\"invalid_token\", error_description=\"The token is not valid\"",
            ),
        )
}

/// The one value of a header; absent is `None`, given twice or not visible ASCII is refused.
fn header_text<'r>(request: &'r HttpRequest, name: &HeaderName) -> Result<Option<&'r str>, Problem> {
    let refusal = || {
        Problem::new(Code::InvalidHeader)
            .with_detail(format!("`{name}` must be given once, in visible ASCII."))
    };
    let mut values = request.headers().get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(refusal());
    }
    first
        .map(|value| value.to_str().map_err(|_| refusal()))
        .transpose()
}

fn contract(request: &HttpRequest) -> Result<&Contract, Problem> {
    let contract = request.app_data::<Data<Contract>>();
    contract
        .map(|contract| contract.get_ref())
        .ok_or_else(|| Problem::bug("no contract in app data"))
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter(
            IF_MATCH,
            Required::True,
            "The `ETag` of the version you have read. Absent: 428; another version by now: 412.",
            IF_MATCH_PATTERN,
            "\"v12\"",
        )]
    }
}

impl IntoParams for OptionalIfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter(
            IF_MATCH,
            Required::False,
            "The `ETag` of the version you have read, if you want to be refused when it has moved on.",
            IF_MATCH_PATTERN,
            "\"v12\"",
        )]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter(
            IDEMPOTENCY_KEY,
            Required::True,
            "A quoted string of your own, new for each act. Repeating a request with its key within 24 hours \
             gives the first answer again and does nothing else.",
            IDEMPOTENCY_KEY_PATTERN,
            "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        )]
    }
}

fn header_parameter(
    name: &str,
    required: Required,
    description: &str,
    pattern: &str,
    example: &str,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern)),
        ))
        .example(Some(example.into()))
        .build()
}
