//! What an answer tells a browser: what it may load and frame, and which origins may ask.
//!
//! Tokens are sent in a header and never in a cookie, so nothing here speaks of credentials.

use actix_web::http::Method;
use actix_web::http::header::{
    self, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderName, HeaderValue,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::exposure::Exposure;

/// Answers are data: they load nothing and nobody frames them.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The pages under `/docs/` load what is beside them and ask this service. Their styles and pictures are partly
/// written into them.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
/// Once reached over TLS, only so for a year.
const TRANSPORT_POLICY: &str = "max-age=31536000";

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const SENT: &str = "Access-Reason, Authorization, Content-Type, Idempotency-Key, If-Match, traceparent";
const EXPOSED: &str = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Trace-Id";

/// The fields that the answer to this request gets, whatever it says.
pub struct Protections(Vec<(HeaderName, &'static str)>, Option<HeaderValue>, bool);

impl Protections {
    pub fn of(request: &HttpRequest) -> Protections {
        let mut fields = vec![
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ];
        let is_page = request.path() == "/docs" || request.path().starts_with("/docs/");
        if is_page {
            fields.extend([
                (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
                (
                    HeaderName::from_static("cross-origin-opener-policy"),
                    "same-origin",
                ),
                (
                    HeaderName::from_static("permissions-policy"),
                    "camera=(), geolocation=(), microphone=()",
                ),
            ]);
        } else {
            fields.push((header::CONTENT_SECURITY_POLICY, DATA_POLICY));
        }
        let exposure = exposure(request);
        if exposure.is_some_and(|exposure| exposure.is_over_tls(request)) {
            fields.push((header::STRICT_TRANSPORT_SECURITY, TRANSPORT_POLICY));
        }
        let has_origins = exposure.is_some_and(|exposure| !exposure.allowed_origins.is_empty());
        Protections(fields, allowed_origin(request).cloned(), has_origins)
    }

    pub fn add_to(self, headers: &mut HeaderMap) {
        let Protections(fields, origin, has_origins) = self;
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if has_origins {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// The answer to a browser that asks for a page of an allowed origin what that page may send.
pub fn preflight(request: &HttpRequest) -> Option<HttpResponse> {
    let asks =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || allowed_origin(request).is_none() {
        return None;
    }
    Some(
        HttpResponse::NoContent()
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, SENT))
            .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
            .finish(),
    )
}

/// The origin of a request, if it is one of those that are allowed.
fn allowed_origin(request: &HttpRequest) -> Option<&HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let allowed = &exposure(request)?.allowed_origins;
    allowed
        .iter()
        .any(|one| one.as_bytes() == origin.as_bytes())
        .then_some(origin)
}

fn exposure(request: &HttpRequest) -> Option<&Exposure> {
    request
        .app_data::<Data<Exposure>>()
        .map(|exposure| exposure.get_ref())
}
