//! The one table of problem codes: name, status, title and meaning of every reason to say no.
//!
//! Clients branch on the name, so a name never changes its meaning. `http::problem` dresses a code
//! as an answer.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Every reason for which the API says no, in order of status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    BadRequest,
    MalformedJson,
    InvalidQuery,
    InvalidHeader,
    IdempotencyKeyRequired,
    KnownAtNotSupported,
    InvalidRequest,
    InvalidGrant,
    InvalidScope,
    UnsupportedGrantType,
    Unauthenticated,
    InvalidClient,
    Forbidden,
    BrokenGlassOnly,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    EventNotPermitted,
    PlanNotReady,
    Duplicate,
    AlreadyOpen,
    NoOpenReview,
    SeveralOpenReviews,
    GoneOn,
    FollowsFromAnother,
    PlanEnded,
    VersionOutdated,
    CaseClosed,
    AlreadySealed,
    OwnReading,
    NothingDue,
    OwnList,
    DisposalListState,
    TooManySecrets,
    IdempotencyInFlight,
    StaleVersion,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    InvalidContent,
    ImpossibleSequence,
    IdempotencyKeyReused,
    PreconditionRequired,
    TooManyRequests,
    HeadersTooLarge,
    InternalError,
    Unavailable,
    OutcomeUnknown,
}

/// What the table says of a code.
pub struct CodeRow {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// The default `detail`, written for whoever builds a client.
    pub meaning: &'static str,
}

impl Code {
    pub const ALL: [Code; 48] = [
        Code::BadRequest,
        Code::MalformedJson,
        Code::InvalidQuery,
        Code::InvalidHeader,
        Code::IdempotencyKeyRequired,
        Code::KnownAtNotSupported,
        Code::InvalidRequest,
        Code::InvalidGrant,
        Code::InvalidScope,
        Code::UnsupportedGrantType,
        Code::Unauthenticated,
        Code::InvalidClient,
        Code::Forbidden,
        Code::BrokenGlassOnly,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::RequestTimeout,
        Code::EventNotPermitted,
        Code::PlanNotReady,
        Code::Duplicate,
        Code::AlreadyOpen,
        Code::NoOpenReview,
        Code::SeveralOpenReviews,
        Code::GoneOn,
        Code::FollowsFromAnother,
        Code::PlanEnded,
        Code::VersionOutdated,
        Code::CaseClosed,
        Code::AlreadySealed,
        Code::OwnReading,
        Code::NothingDue,
        Code::OwnList,
        Code::DisposalListState,
        Code::TooManySecrets,
        Code::IdempotencyInFlight,
        Code::StaleVersion,
        Code::PayloadTooLarge,
        Code::UriTooLong,
        Code::UnsupportedMediaType,
        Code::InvalidContent,
        Code::ImpossibleSequence,
        Code::IdempotencyKeyReused,
        Code::PreconditionRequired,
        Code::TooManyRequests,
        Code::HeadersTooLarge,
        Code::InternalError,
        Code::Unavailable,
        Code::OutcomeUnknown,
    ];

    /// The one table of codes.
    pub fn row(self) -> CodeRow {
        let (name, status, title, meaning) = match self {
            Code::BadRequest => (
                "bad_request",
                400,
                "Bad request",
                "The request could not be understood.",
            ),
            Code::MalformedJson => ("malformed_json", 400, "Malformed JSON", "The body is not JSON."),
            Code::InvalidQuery => (
                "invalid_query",
                400,
                "Invalid query string",
                "The query string has the faults listed in `errors`.",
            ),
            Code::InvalidHeader => (
                "invalid_header",
                400,
                "Invalid header",
                "A header does not have the form it must have.",
            ),
            Code::IdempotencyKeyRequired => (
                "idempotency_key_required",
                400,
                "Idempotency key required",
                "Send an `Idempotency-Key` header with a quoted string of your own, new for each act.",
            ),
            Code::KnownAtNotSupported => (
                "known_at_not_supported",
                400,
                "known_at is not supported here",
                "Lists know only the present state of the record. Ask the single resource with `known_at`.",
            ),
            Code::InvalidRequest => (
                "invalid_request",
                400,
                "Invalid request for a token",
                "The request for a token lacks something, or has it twice; `error_description` says what.",
            ),
            Code::InvalidGrant => (
                "invalid_grant",
                400,
                "Nothing granted",
                "No authority, or not the one in `la`, has granted this system anything.",
            ),
            Code::InvalidScope => (
                "invalid_scope",
                400,
                "Scope not granted",
                "A scope that is asked for does not exist or was not granted.",
            ),
            Code::UnsupportedGrantType => (
                "unsupported_grant_type",
                400,
                "Grant type not supported",
                "Tokens are given for `client_credentials` alone.",
            ),
            Code::Unauthenticated => (
                "unauthenticated",
                401,
                "Not authenticated",
                "Send a valid bearer token in the `Authorization` header.",
            ),
            Code::InvalidClient => (
                "invalid_client",
                401,
                "The system is not let in",
                "No system that is let in has proved itself: the secret or the assertion is no good, or it is shut out.",
            ),
            Code::Forbidden => (
                "forbidden",
                403,
                "Forbidden",
                "Nothing in this token, no role and no scope, allows this operation.",
            ),
            Code::BrokenGlassOnly => (
                "broken_glass_only",
                403,
                "Open by a broken glass alone",
                "A broken glass does not let its holder open the case to anybody, end others' access or take the seal off. Somebody to whom it was opened has to do that.",
            ),
            Code::NotFound => (
                "not_found",
                404,
                "Not found",
                "There is nothing here that you may see.",
            ),
            Code::MethodNotAllowed => (
                "method_not_allowed",
                405,
                "Method not allowed",
                "The resource does not take this method; `Allow` lists those it takes.",
            ),
            Code::RequestTimeout => (
                "request_timeout",
                408,
                "The body took too long",
                "The body did not arrive in time, and nothing was done. Send the request again on a new connection.",
            ),
            Code::EventNotPermitted => (
                "event_not_permitted",
                409,
                "Not permitted in this state",
                "The procedure is in a state that does not permit this; \
                 `state` and `permitted_events` say what it does permit.",
            ),
            Code::PlanNotReady => (
                "plan_not_ready",
                409,
                "The final plan is not ready to be recorded",
                "The family's window has not run, or required advice is outstanding. \
                 Say so in the event, and it is recorded with the fault visible.",
            ),
            Code::Duplicate => (
                "duplicate",
                409,
                "Already exists",
                "Something with the same identity exists; `existing_id` names it where you may see it.",
            ),
            Code::AlreadyOpen => (
                "already_open",
                409,
                "One is already open",
                "Only one may be open at a time; `existing_id` names the open one.",
            ),
            Code::NoOpenReview => (
                "no_open_review",
                409,
                "No review is open",
                "The case has no open review on which this could have happened. Open one, or name in `review_id` \
                 the one that is over.",
            ),
            Code::SeveralOpenReviews => (
                "several_open_reviews",
                409,
                "Several reviews are open",
                "This could have happened on several reviews of the case; `review_ids` names them. Say in \
                 `review_id` which it is.",
            ),
            Code::GoneOn => (
                "gone_on",
                409,
                "What it opened has gone on",
                "This event opened another procedure of the case, and more was recorded there since. Correct \
                 that first; `existing_id` names the procedure.",
            ),
            Code::FollowsFromAnother => (
                "follows_from_another",
                409,
                "It follows from another event",
                "This event follows from one on another procedure of the case, and is neither voided nor made another \
                 without it. Correct that one: `caused_by` names it, and `procedure_id` where it stands.",
            ),
            Code::PlanEnded => (
                "plan_ended",
                409,
                "The plan has ended",
                "A plan that has ended takes no further versions and is not reviewed; `state` says how it ended.",
            ),
            Code::VersionOutdated => (
                "version_outdated",
                409,
                "There is a newer version",
                "`based_on_version` is not the newest version of the plan; `newest_version` is. Nothing is lost: look at the \
                 difference, and send yours again based on it.",
            ),
            Code::CaseClosed => (
                "case_closed",
                409,
                "The case is closed",
                "A closed case takes no further acts.",
            ),
            Code::AlreadySealed => (
                "already_sealed",
                409,
                "Sealed already",
                "The case is sealed. Open it to somebody with `/grants`, or take the seal off first.",
            ),
            Code::OwnReading => (
                "own_reading",
                409,
                "One's own reading",
                "Somebody other than who broke the glass has to review it.",
            ),
            Code::NothingDue => (
                "nothing_due",
                409,
                "Nothing is due",
                "No case that you may see is due to be disposed of and on no list yet.",
            ),
            Code::OwnList => (
                "own_list",
                409,
                "One's own list",
                "Somebody other than who made a list of cases to dispose of has to review it.",
            ),
            Code::DisposalListState => (
                "disposal_list_state",
                409,
                "Not in this state of the list",
                "A list is reviewed once, and carried out once after that; `state` says how far it is.",
            ),
            Code::TooManySecrets => (
                "too_many_secrets",
                409,
                "Two secrets are good already",
                "Revoke one of the system's secrets before you make another.",
            ),
            Code::IdempotencyInFlight => (
                "idempotency_in_flight",
                409,
                "The same request is being worked on",
                "A request with this `Idempotency-Key` is being worked on. \
                 Repeat this one after the time in `Retry-After`: it gets that one's answer.",
            ),
            Code::StaleVersion => (
                "stale_version",
                412,
                "The version has moved on",
                "`If-Match` names an older version; `current_version` is the present one. \
                 Read the resource again before you decide.",
            ),
            Code::PayloadTooLarge => (
                "payload_too_large",
                413,
                "Body too large",
                "The body is larger than this operation takes.",
            ),
            Code::UriTooLong => (
                "uri_too_long",
                414,
                "URL too long",
                "The URL is longer than any that this service gives or takes.",
            ),
            Code::UnsupportedMediaType => (
                "unsupported_media_type",
                415,
                "Unsupported media type",
                "Send the body as `application/json`, uncompressed.",
            ),
            Code::InvalidContent => (
                "invalid_content",
                422,
                "Invalid content",
                "The body has the faults listed in `errors`.",
            ),
            Code::ImpossibleSequence => (
                "impossible_sequence",
                422,
                "Impossible sequence of events",
                "The events cannot have happened in this order; `errors` points at the first that cannot.",
            ),
            Code::IdempotencyKeyReused => (
                "idempotency_key_reused",
                422,
                "Idempotency key reused",
                "This `Idempotency-Key` was used with another method, path or body. Make a new key.",
            ),
            Code::PreconditionRequired => (
                "precondition_required",
                428,
                "If-Match required",
                "Send an `If-Match` header with the `ETag` of the version you have read.",
            ),
            Code::TooManyRequests => (
                "too_many_requests",
                429,
                "Too many requests",
                "More was asked than a client or an address may ask. Nothing was done; wait for the time in `Retry-After`. \
                 `RateLimit` says how much is left.",
            ),
            Code::HeadersTooLarge => (
                "headers_too_large",
                431,
                "Headers too large",
                "All headers together are larger than this service takes.",
            ),
            Code::InternalError => (
                "internal_error",
                500,
                "Internal error",
                "Something failed on our side. Quote the `trace_id` when you report it.",
            ),
            Code::Unavailable => (
                "unavailable",
                503,
                "Temporarily unavailable",
                "Nothing was changed. Repeat the request after the time in `Retry-After`.",
            ),
            Code::OutcomeUnknown => (
                "outcome_unknown",
                503,
                "It is not known whether this was done",
                "The database was lost or gave no answer in time while the change was being written. Repeat the request after the time in \
                 `Retry-After` with the same `Idempotency-Key`: nothing is done twice. \
                 Where there is no key, read the resource first.",
            ),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        CodeRow {
            name,
            status,
            title,
            meaning,
        }
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn status(self) -> StatusCode {
        self.row().status
    }

    /// The address of its explanation, which is also the problem's `type`.
    pub fn link(self) -> String {
        format!("/docs/problems/{}", self.name())
    }

    pub fn of_name(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == name)
    }

    /// What an answer of this status means when nobody gave it a code.
    pub fn of_status(status: StatusCode) -> Code {
        match status.as_u16() {
            401 => Code::Unauthenticated,
            403 => Code::Forbidden,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            408 => Code::RequestTimeout,
            413 => Code::PayloadTooLarge,
            414 => Code::UriTooLong,
            415 => Code::UnsupportedMediaType,
            422 => Code::InvalidContent,
            429 => Code::TooManyRequests,
            431 => Code::HeadersTooLarge,
            503 => Code::Unavailable,
            400..=499 => Code::BadRequest,
            _ => Code::InternalError,
        }
    }
}

/// The table of codes for the documentation.
pub fn markdown_table() -> String {
    let mut table = String::from("| code | status | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let row = code.row();
        table.push_str(&format!(
            "| `{}` | {} | {} |\n",
            row.name,
            row.status.as_u16(),
            row.meaning
        ));
    }
    table
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The stable name of the problem, for programs to branch on. New ones may be added.",
            ))
            .enum_values(Some(Code::ALL.map(Code::name)))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_has_this_table() {
        let page = include_str!("../../docs/API.md");
        assert!(
            page.contains(&markdown_table()),
            "renew the table with:\n{}",
            markdown_table()
        );
    }

    #[test]
    fn every_code_is_listed_once_in_order_of_status() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert_eq!(
            Code::OutcomeUnknown as usize + 1,
            Code::ALL.len(),
            "a code is missing in ALL"
        );
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index);
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(markdown_table().contains(&format!(
                "| `{}` | {} |",
                code.name(),
                code.status().as_u16()
            )));
        }
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].status() <= pair[1].status())
        );
    }
}
