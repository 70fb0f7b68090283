//! The plumbing tried out on a resource made up for it, through the app as it is served.

mod contract;
mod document;
mod fuzz;
mod limits;
mod manners;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::{Data, Path};
use actix_web::{Error, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::Api;
use super::extractor::{Allowed, Body, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody};
use super::problem::{Code, Fault, Problem};
use std::sync::OnceLock;
use std::time::Duration;

use crate::auth::{
    ClientScope, Identity, IssuerKey, LaCode, Permission, Principal, Role, Trust, install_crypto_provider,
    issue,
};
use crate::clock::Clock;
use crate::service::{App, Ids};
use crate::store::{Location, Store};

/// Whoever may change trips.
struct ChangeTrips;

impl Permission for ChangeTrips {
    const ROLES: &'static [Role] = &[Role::Caseworker];
    const SCOPES: &'static [ClientScope] = &[ClientScope::CaseRead];
    const NAME: &'static str = "change_trips";
}

/// A means of travel.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Vehicle {
    Train,
    Bus,
}

/// Something that happened on a trip.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Happening {
    /// It began.
    Departed {
        by: Vehicle,
        /// How many came along.
        #[schema(minimum = 1, maximum = 9)]
        travellers: i64,
    },
    /// Something was paid.
    Paid(Payment),
    /// It was called off.
    Cancelled,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Payment {
    #[schema(min_length = 1, max_length = 5)]
    to: String,
    #[schema(format = "upn")]
    account: Option<String>,
}

/// A happening and its day.
#[derive(Serialize, Deserialize, ToSchema)]
struct Event {
    occurred_on: NaiveDate,
    note: Option<String>,
    #[serde(flatten)]
    happening: Happening,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct TripInput {
    trip_id: Uuid,
    event: Event,
    started_at: Option<DateTime<Utc>>,
    back_by: Option<Vehicle>,
    paid: Option<Payment>,
    #[serde(default)]
    #[schema(format = "email")]
    contact: Option<String>,
    #[serde(default)]
    #[schema(max_items = 2)]
    earlier: Vec<Event>,
    /// Free words of the client.
    labels: Option<std::collections::BTreeMap<String, String>>,
}

impl RequestBody for TripInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        if value["contact"].is_string() && value["event"]["type"] == "cancelled" {
            faults.push(Fault::new(
                "/contact",
                "not_with_cancelled",
                "must be absent when the trip is cancelled",
            ));
        }
    }
}

/// What is recorded of a trip.
#[derive(Serialize, ToSchema)]
struct TripView {
    id: Uuid,
    version: i64,
    #[serde(flatten)]
    event: Event,
}

/// Record a trip event
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The trip."), IfMatch, IdempotencyKey),
    request_body = TripInput,
    responses(
        (status = 201, body = TripView, description = "Recorded.", headers(("ETag" = String, description = "Its version."))),
        (status = 409, description = "The trip is over."),
    ),
    extensions(("x-problems" = json!(["already_open", "no_such_code"])))
)]
#[post("/v1/trips/{id}/events")]
async fn record_trip_event(
    _: Allowed<ChangeTrips>,
    id: Path<PathId>,
    key: IdempotencyKey,
    version: IfMatch,
    body: Body<TripInput>,
) -> Result<HttpResponse, Problem> {
    if version.0 == 99 {
        return Err(Problem::new(Code::StaleVersion).with_member("current_version", 100));
    }
    if key.0 == "boom" {
        return Err(Problem::internal(&std::io::Error::other("the secret cause")));
    }
    Ok(HttpResponse::Created().json(json!({
        "id": id.into_inner().0, "version": version.0, "sha256": body.sha256, "key": key.0, "sent": body.value,
    })))
}

/// Which trips to list.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TripQuery {
    /// Only trips by this means.
    by: Option<String>,
    /// The last day, inclusive.
    due_before: Option<NaiveDate>,
    open: Option<bool>,
    #[param(explode = false)]
    include: Option<Vec<String>>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// List trips
#[utoipa::path(
    tag = "cases",
    params(TripQuery, PageQuery),
    responses((status = 200, body = Value, description = "The trips."))
)]
#[get("/v1/trips")]
async fn list_trips(query: QueryString<TripQuery>, page: QueryString<PageQuery>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "query": query.0, "page": page.0 }))
}

/// Fail in a way nobody foresaw
#[utoipa::path(tag = "system", responses((status = 200, description = "Never.")))]
#[get("/v1/panics")]
async fn panic_always() -> HttpResponse {
    panic!("a name that must not be seen");
}

/// Fail in the framework's words
#[utoipa::path(tag = "system", responses((status = 200, description = "Never.")))]
#[get("/v1/teapot")]
async fn fail_plainly() -> Result<HttpResponse, Error> {
    Err(actix_web::error::ErrorImATeapot("short and stout"))
}

fn resources(config: &mut ServiceConfig<'_>) {
    super::resources(config);
    config
        .service(record_trip_event)
        .service(list_trips)
        .service(panic_always)
        .service(fail_plainly);
}

fn api() -> Api {
    Api::of(resources, &super::FORMATS).unwrap()
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The faults as `pointer code` lines.
    fn faults(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|fault| {
                format!(
                    "{} {}",
                    fault["pointer"].as_str().unwrap(),
                    fault["code"].as_str().unwrap()
                )
            })
            .collect()
    }
}

/// One request to a fresh app.
async fn send(request: TestRequest) -> Answer {
    let app = api().app().app_data(Data::new(app())).app_data(identity());
    let service = init_service(app).await;
    let mut request = request.to_request();
    sign(request.headers_mut());
    answer(service.call(request).await).await
}

/// Trusts the built-in issuer alone.
fn identity() -> Data<Identity> {
    Data::new(Identity::new(key(), Trust::default()))
}

fn key() -> IssuerKey {
    static KEY: OnceLock<IssuerKey> = OnceLock::new();
    let made = || IssuerKey::load_or_create(tempfile::tempdir().unwrap().path(), None).unwrap();
    KEY.get_or_init(made).clone()
}

fn app() -> App {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    App::new(store, Clock::System, Ids::Random)
}

/// Puts a token in the place of the name of its role.
fn sign(headers: &mut HeaderMap) {
    install_crypto_provider();
    let Some(header) = headers.get("authorization") else {
        return;
    };
    let Some((scheme, word)) = header.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return;
    };
    let Ok(role) = serde_json::from_value::<Role>(word.into()) else {
        return;
    };
    let principal = Principal {
        subject: "tester".to_owned(),
        la_code: LaCode::parse("885").unwrap(),
        roles: vec![role],
        organisation_id: None,
        case_id: None,
        person_id: None,
        client: None,
    };
    let token = issue(&key(), &principal, Duration::from_secs(600), Clock::System.now()).unwrap();
    headers.insert(
        HeaderName::from_static("authorization"),
        format!("{scheme} {token}").parse().unwrap(),
    );
}

async fn answer<B: MessageBody>(outcome: Result<ServiceResponse<B>, Error>) -> Answer {
    match outcome {
        Ok(response) => {
            let (status, headers) = (response.status(), response.headers().clone());
            let bytes = read_body(response).await;
            Answer {
                status,
                headers,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            }
        }
        // What the server does with an error that no middleware turned into an answer.
        Err(error) => {
            let response = error.error_response();
            let (status, headers) = (response.status(), response.headers().clone());
            let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            Answer {
                status,
                headers,
                body: serde_json::from_slice(&bytes).unwrap(),
            }
        }
    }
}

const TRIP: &str = "/v1/trips/0198e3a4-7d1c-7000-8000-000000000001/events";

fn good_trip() -> Value {
    json!({
        "trip_id": "0198e3a4-7d1c-7000-8000-000000000001",
        "event": { "type": "departed", "occurred_on": "2026-01-05", "by": "train", "travellers": 2.0 },
    })
}

/// What a recording request must carry.
const HEADERS: [(&str, &str); 4] = [
    ("Authorization", "Bearer caseworker"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("If-Match", "\"v12\""),
    ("Idempotency-Key", "\"first\""),
];

/// A recording request that lacks nothing.
fn recording(body: impl ToString) -> TestRequest {
    let request = TestRequest::post().uri(TRIP).set_payload(body.to_string());
    HEADERS.into_iter().fold(request, TestRequest::insert_header)
}

/// The same without one header.
fn recording_without(name: &str) -> TestRequest {
    let request = TestRequest::post().uri(TRIP).set_payload(good_trip().to_string());
    HEADERS
        .into_iter()
        .filter(|(other, _)| *other != name)
        .fold(request, TestRequest::insert_header)
}

/// The same with one header set otherwise.
fn recording_with(name: &'static str, value: &str) -> TestRequest {
    recording(good_trip()).insert_header((HeaderName::from_static(name), value.to_owned()))
}
