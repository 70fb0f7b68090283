//! How much a request may be and how long it may take to arrive, and what keeps to that before any handler.
//!
//! The size and form of a body are `extractor`'s, the bounds of each field the document's. How long an answer
//! may take is the store's, since only it knows whether a change was begun.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::browsers::preflight;
use super::problem::{Code, Problem};
use super::rates::{Rates, count_address, count_failure, count_token_request};

/// The longest path and query string together, in bytes.
pub const URL_LIMIT: usize = 8 * 1024;

/// How large all header fields together may be, names and values, in bytes. A token of a directory that lists
/// many groups may take half of it.
pub const HEADERS_LIMIT: usize = 32 * 1024;

/// How deep a body may nest objects and lists; no schema needs half of it.
pub const NESTING_LIMIT: usize = 32;

/// Where clients change their secrets for tokens.
const TOKENS: &str = "/oauth/token";

/// What is left to those who run the program.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a body may take to arrive, from when it is asked for.
    pub body_within: Duration,
    pub rates: Rates,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_within: Duration::from_secs(30),
            rates: Rates::default(),
        }
    }
}

/// The middleware; inside `trace`, so that what it refuses is logged, counted and told as everything else.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if let Err(problem) = admit(&request) {
        let refused = request.into_response(problem.error_response());
        return Ok(refused.map_into_right_body());
    }
    if let Some(answer) = preflight(request.request()) {
        return Ok(request.into_response(answer).map_into_right_body());
    }
    let response = next.call(request).await?;
    if response.status() == StatusCode::UNAUTHORIZED
        && let Err(problem) = count_failure(response.request())
    {
        return Ok(response
            .into_response(problem.error_response())
            .map_into_right_body());
    }
    Ok(response.map_into_left_body())
}

/// Whether a request may go further. Whether the process lives may be asked without end.
fn admit(request: &ServiceRequest) -> Result<(), Problem> {
    check_head(request)?;
    if request.path().starts_with("/health/") {
        return Ok(());
    }
    count_address(request.request())?;
    if request.path() == TOKENS {
        count_token_request(request.request())?;
    }
    Ok(())
}

fn check_head(request: &ServiceRequest) -> Result<(), Problem> {
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if url > URL_LIMIT {
        return Err(Problem::new(Code::UriTooLong).with_detail(format!("A URL may have {URL_LIMIT} bytes.")));
    }
    let fields = request.headers().iter();
    let headers: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > HEADERS_LIMIT {
        return Err(Problem::new(Code::HeadersTooLarge)
            .with_detail(format!("All headers together may have {HEADERS_LIMIT} bytes.")));
    }
    Ok(())
}

/// How deep the brackets of a JSON text nest, found before anything is built from it.
pub fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_words_do_not_nest() {
        for (json, expected) in [
            ("", 0),
            ("7", 0),
            ("{}", 1),
            ("[[], [[1]]]", 3),
            (r#"{"a": "[[[\"[[["}"#, 1),
            (r#"{"a\\": ["{"]}"#, 2),
            ("]]]][", 1),
        ] {
            assert_eq!(nesting(json.as_bytes()), expected, "{json}");
        }
    }
}
