//! The OpenAPI 3.1 document: what it says of the service as a whole, and one pass that gives every
//! operation what follows from the manners, so that handlers state only what is theirs.
//!
//! What the pass adds it reads off the operation: its path, parameters and body. It never guesses
//! from names.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ServerBuilder,
};

use super::extractor::{IDEMPOTENCY_KEY, IF_MATCH, access_reason_parameter};
use super::problem::{Code, PROBLEM_JSON, ProblemView};
use super::rights::rights_of;
use super::{names, schemas};

/// The name of the security scheme.
const BEARER: &str = "bearer";

/// The extension in which a handler names problems of its own, from the table of codes.
pub const PROBLEMS: &str = "x-problems";

/// Where a path starts that takes no token.
const PUBLIC: [&str; 5] = [
    "/health/",
    "/openapi.json",
    "/v1/timelines",
    "/v1/rules",
    "/oauth/token",
];

/// The groups of operations, in the order in which they are shown.
const TAGS: [(&str, &str); 19] = [
    (
        "timelines",
        "The calculator and the rulebook: what the law makes of given events, storing nothing.",
    ),
    (
        "cases",
        "One authority's file on one child or young person, and the people around them.",
    ),
    (
        "sealed cases",
        "Cases that exist for those alone to whom they are opened: adoption, protected witnesses, staff's own children.",
    ),
    (
        "retention",
        "How long cases are kept, what keeps them for longer, and how they are disposed of.",
    ),
    (
        "assessments",
        "EHC needs assessments, from the request to the final plan.",
    ),
    (
        "advice",
        "Advice and information for an assessment or a review, asked of those who give it.",
    ),
    ("clocks", "Every running time limit, as a worklist."),
    ("plans", "EHC plans, their amendment and their end."),
    (
        "reviews",
        "Reviews of plans, yearly and before a change of phase.",
    ),
    (
        "consultations",
        "Consultations received from neighbouring authorities, which want to name a setting of this area.",
    ),
    (
        "reassessments",
        "Assessing again a child or young person who has a plan.",
    ),
    ("transfers", "Plans that move between authorities."),
    ("disputes", "Mediation and appeals."),
    (
        "organisations",
        "Whoever owes or gives something: health bodies, schools, services.",
    ),
    (
        "clients",
        "Systems that ask for themselves: what they may do, what they prove themselves with, and their tokens.",
    ),
    ("settings", "What an authority has decided about its own work."),
    ("audit", "Who did and saw what: the trail."),
    ("reports", "Measures over many procedures."),
    ("system", "The health of the service and its own description."),
];

/// The document before any operation is in it.
pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("EHCP Timeline")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Case management for Education, Health and Care Plans in England, with live statutory clocks.\n\n\
             Civil dates end in `_on` and are days in Europe/London; instants end in `_at` and are UTC. \
             Errors are `application/problem+json`, with a stable `code`. \
             `ETag` is a concurrency token for `If-Match`, not for caching.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build();
    let mut components = Components::new();
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some(
                    "A signed token that names the authority (`la`) and the roles of its holder or, for a system, \
                     its scopes. Operations say in `x-rights` which of both open them; one is enough. A \
                     system of an organisation may do only what the role `contributor` may.",
                ))
                .build(),
        ),
    );
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(components))
        .build()
}

/// Completes a document into which all operations have been collected.
pub fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    let mut problem_schemas = vec![(
        ProblemView::name().into_owned(),
        <ProblemView as utoipa::PartialSchema>::schema(),
    )];
    ProblemView::schemas(&mut problem_schemas);
    components.schemas.extend(problem_schemas);
    schemas::merge_flattened(&mut components.schemas);
    names::name_branches(&mut components.schemas);
    names::name_page_items(&mut components.schemas);
    names::share_vocabularies(document);
    schemas::close(document);

    let mut used = Vec::new();
    for (path, item) in &mut document.paths.paths {
        let is_public = PUBLIC.iter().any(|public| path.starts_with(public));
        for (_, operation) in operations_mut(item) {
            used.extend(operation.tags.clone().unwrap_or_default());
            if !is_public {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.push(access_reason_parameter().into());
                operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
                if let Some(rights) = operation.operation_id.as_deref().and_then(rights_of) {
                    operation
                        .extensions
                        .get_or_insert_with(Default::default)
                        .merge(rights);
                }
            }
            let mut codes = problems_of(path, operation, is_public);
            codes.extend(take_own_problems(operation));
            codes.sort();
            codes.dedup();
            add_problems(operation, codes);
        }
    }
    schemas::prune(document);
    let tags = TAGS.iter().filter(|(name, _)| used.iter().any(|tag| tag == name));
    document.tags = Some(
        tags.map(|(name, words)| TagBuilder::new().name(*name).description(Some(*words)).build())
            .collect(),
    );
}

/// The codes an operation can answer with by what it takes.
fn problems_of(path: &str, operation: &Operation, is_public: bool) -> Vec<Code> {
    let takes = |place: ParameterIn, name: Option<&str>| {
        parameters(operation).any(|parameter| {
            parameter.parameter_in == place
                && name.is_none_or(|name| parameter.name.eq_ignore_ascii_case(name))
        })
    };
    let mut codes = Vec::new();
    if !is_public {
        codes.extend([Code::Unauthenticated, Code::Forbidden, Code::Unavailable]);
    }
    if !path.starts_with("/health/") {
        codes.extend([Code::TooManyRequests, Code::InternalError]);
    }
    let takes_json = match &operation.request_body {
        Some(RefOr::T(body)) => body.content.contains_key("application/json"),
        Some(RefOr::Ref(_)) | None => false,
    };
    if takes_json {
        codes.extend([
            Code::MalformedJson,
            Code::RequestTimeout,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidContent,
            Code::OutcomeUnknown,
        ]);
    }
    if takes(ParameterIn::Query, None) {
        codes.push(Code::InvalidQuery);
    }
    if takes(ParameterIn::Header, None) {
        codes.push(Code::InvalidHeader);
    }
    if path.contains('{') {
        codes.push(Code::NotFound);
    }
    if takes(ParameterIn::Header, Some(IF_MATCH)) {
        codes.extend([
            Code::EventNotPermitted,
            Code::StaleVersion,
            Code::PreconditionRequired,
        ]);
    }
    if takes(ParameterIn::Header, Some(IDEMPOTENCY_KEY)) {
        codes.extend([
            Code::IdempotencyKeyRequired,
            Code::IdempotencyInFlight,
            Code::IdempotencyKeyReused,
        ]);
    }
    codes
}

/// The codes a handler names as its own in `extensions(("x-problems" = json!(["already_open"])))`.
/// Known names leave the extension; one that stays is a mistake which a test shows.
fn take_own_problems(operation: &mut Operation) -> Vec<Code> {
    let Some(extensions) = operation.extensions.as_mut() else {
        return Vec::new();
    };
    let Some(Value::Array(names)) = extensions.remove(PROBLEMS) else {
        return Vec::new();
    };
    let (known, unknown): (Vec<Value>, Vec<Value>) = names
        .into_iter()
        .partition(|name| name.as_str().and_then(Code::of_name).is_some());
    if !unknown.is_empty() {
        extensions.insert(PROBLEMS.to_owned(), Value::Array(unknown));
    }
    known
        .iter()
        .filter_map(|name| Code::of_name(name.as_str()?))
        .collect()
}

/// Adds one response per status that lists its codes. What a handler says of a status comes first.
fn add_problems(operation: &mut Operation, codes: Vec<Code>) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let words: Vec<String> = codes
            .iter()
            .map(|code| format!("`{}`: {}", code.name(), code.row().meaning))
            .collect();
        let responses = &mut operation.responses.responses;
        let entry = responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(Response::new("")));
        if let RefOr::T(response) = entry {
            let own = (!response.description.is_empty()).then(|| response.description.clone());
            response.description = own.into_iter().chain(words).collect::<Vec<_>>().join("\n\n");
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            let schema = Ref::from_schema_name(ProblemView::name());
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response.content.insert(PROBLEM_JSON.to_owned(), content.into());
        }
    }
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
}

/// The operations of a path by their methods.
pub fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    let all = [
        ("GET", get),
        ("PUT", put),
        ("POST", post),
        ("DELETE", delete),
        ("PATCH", patch),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
        .collect()
}

/// The same, to change them.
pub fn operations_mut(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    let all = [
        ("GET", get),
        ("PUT", put),
        ("POST", post),
        ("DELETE", delete),
        ("PATCH", patch),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
        .collect()
}
