//! A service of its own for every test, and the people who call it.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use chrono::{DateTime, NaiveDate, Utc};
use ehcp_timeline::auth::{IssuerKey, LaCode, Principal, Role, install_crypto_provider, issue};
use ehcp_timeline::clock::{Clock, noon};
use ehcp_timeline::http::Api;
use ehcp_timeline::service::{App, Ids};
use ehcp_timeline::store::{Location, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// The day on which a test begins unless it says otherwise.
pub const TODAY: &str = "2026-02-20";

/// A running service with a database of its own.
pub struct Service {
    pub app: App,
    key: IssuerKey,
    folder: TempDir,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub text: String,
}

/// Somebody who calls the service.
#[derive(Clone)]
pub struct Actor {
    token: String,
}

impl Service {
    pub fn new() -> Service {
        Service::on(TODAY)
    }

    /// A service whose clock stands at noon of a day.
    pub fn on(today: &str) -> Service {
        install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
        let app = App::new(store, Clock::frozen_at(noon(day(today))), Ids::Random);
        app.set_ready();
        Service {
            app,
            key: key(),
            folder,
        }
    }

    /// Moves the clock to noon of a day.
    pub fn set_today(&self, today: &str) {
        self.app.clock.set(noon(day(today)));
    }

    pub fn set_now(&self, instant: &str) {
        self.app.clock.set(instant.parse::<DateTime<Utc>>().unwrap());
    }

    /// The SQLite file.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ehcp.db")
    }

    pub fn actor(&self, role: Role) -> Actor {
        self.actor_of("885", role, None, None)
    }

    pub fn caseworker(&self) -> Actor {
        self.actor(Role::Caseworker)
    }

    pub fn admin(&self) -> Actor {
        self.actor(Role::Admin)
    }

    /// Somebody at an organisation that owes advice.
    pub fn contributor(&self, organisation_id: &str) -> Actor {
        self.actor_of("885", Role::Contributor, Some(organisation_id), None)
    }

    /// A family about its one case.
    pub fn family(&self, case_id: &str) -> Actor {
        self.actor_of("885", Role::Family, None, Some(case_id))
    }

    /// A caseworker of another authority.
    pub fn stranger(&self) -> Actor {
        self.actor_of("330", Role::Caseworker, None, None)
    }

    pub fn actor_of(
        &self,
        la_code: &str,
        role: Role,
        organisation: Option<&str>,
        case: Option<&str>,
    ) -> Actor {
        let id = |text: Option<&str>| text.map(|text| Uuid::parse_str(text).unwrap());
        let name = serde_json::to_value(role).unwrap();
        let principal = Principal {
            subject: format!("{}-{la_code}", name.as_str().unwrap()),
            la_code: LaCode::parse(la_code).unwrap(),
            roles: vec![role],
            organisation_id: id(organisation),
            case_id: id(case),
            person_id: None,
        };
        let token = issue(
            &self.key,
            &principal,
            Duration::from_secs(600),
            Clock::System.now(),
        )
        .unwrap();
        Actor { token }
    }

    /// The key that tokens are signed with.
    pub fn key(&self) -> IssuerKey {
        self.key.clone()
    }

    /// Sends a request as it stands.
    pub async fn send(&self, request: TestRequest) -> Answer {
        let app = api()
            .app()
            .app_data(Data::new(self.app.clone()))
            .app_data(Data::new(self.key()));
        let service = init_service(app).await;
        answer(call_service(&service, request.to_request()).await).await
    }

    pub async fn get(&self, actor: &Actor, uri: &str) -> Answer {
        self.send(actor.request(Method::GET, uri)).await
    }

    /// Posts with a new idempotency key.
    pub async fn post(&self, actor: &Actor, uri: &str, body: Value) -> Answer {
        self.send(
            actor
                .request(Method::POST, uri)
                .insert_header(new_key())
                .set_json(body),
        )
        .await
    }

    /// Posts an act on a version, with a new idempotency key.
    pub async fn act(&self, actor: &Actor, uri: &str, version: i64, body: Value) -> Answer {
        let request = actor
            .request(Method::POST, uri)
            .insert_header(new_key())
            .insert_header(if_match(version));
        self.send(request.set_json(body)).await
    }

    pub async fn patch(&self, actor: &Actor, uri: &str, version: i64, body: Value) -> Answer {
        self.send(
            actor
                .request(Method::PATCH, uri)
                .insert_header(if_match(version))
                .set_json(body),
        )
        .await
    }

    /// Opens a case of a child in year 3 and gives its id.
    pub async fn case(&self) -> String {
        self.case_with(json!({})).await
    }

    /// Opens a case with some fields set.
    pub async fn case_with(&self, fields: Value) -> String {
        let mut body =
            json!({ "given_name": "Ada", "family_name": "Example", "date_of_birth": "2017-11-02" });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post(&self.caseworker(), "/v1/cases", body)
            .await
            .expect(201)
            .id()
    }

    /// Opens an assessment on a new case by a parent's request on a day, and gives its id.
    pub async fn assessment(&self, requested_on: &str) -> String {
        let case_id = self.case().await;
        self.assessment_on(&case_id, requested_on).await
    }

    pub async fn assessment_on(&self, case_id: &str, requested_on: &str) -> String {
        let event =
            json!({ "type": "request_received", "occurred_on": requested_on, "requested_by": "parent" });
        let body = json!({ "case_id": case_id, "event": event });
        self.post(&self.caseworker(), "/v1/assessments", body)
            .await
            .expect(201)
            .id()
    }

    /// Records an event on the present version.
    pub async fn record(&self, assessment_id: &str, event: Value) -> Answer {
        let actor = self.caseworker();
        let version = self
            .get(&actor, &format!("/v1/assessments/{assessment_id}"))
            .await
            .version();
        self.act(
            &actor,
            &format!("/v1/assessments/{assessment_id}/events"),
            version,
            event,
        )
        .await
    }

    /// Records that it was decided to assess.
    pub async fn decide_to_assess(&self, assessment_id: &str, on: &str) -> Answer {
        let event = json!({ "type": "assess_decision_notified", "occurred_on": on, "decision": "assess" });
        self.record(assessment_id, event).await.expect(201)
    }

    /// Adds an organisation and gives its id.
    pub async fn organisation(&self, name: &str, kind: &str) -> String {
        let body = json!({ "name": name, "kind": kind });
        self.post(&self.admin(), "/v1/organisations", body)
            .await
            .expect(201)
            .id()
    }

    /// Asks an organisation for advice and gives the request.
    pub async fn ask(&self, assessment_id: &str, body: Value) -> Answer {
        self.post(
            &self.caseworker(),
            &format!("/v1/assessments/{assessment_id}/advice-requests"),
            body,
        )
        .await
        .expect(201)
    }
}

impl Actor {
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn request(&self, method: Method, uri: &str) -> TestRequest {
        TestRequest::with_uri(uri)
            .method(method)
            .insert_header(("Authorization", format!("Bearer {}", self.token)))
    }
}

impl Answer {
    /// An answer as it came over the wire.
    pub fn heard(text: &str) -> Answer {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (status_line, lines) = head.split_once("\r\n").unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        Answer {
            status: status_line.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: lines.lines().map(header).collect(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
            text: body.to_owned(),
        }
    }

    /// The answer, if its status is this one; otherwise the test ends showing what it was.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    /// The version in the entity tag.
    #[track_caller]
    pub fn version(&self) -> i64 {
        let tag = self
            .header("etag")
            .unwrap_or_else(|| panic!("no ETag: {:#}", self.body));
        tag.trim_matches('"').trim_start_matches('v').parse().unwrap()
    }

    /// The one clock of a kind in an answer that holds clocks.
    #[track_caller]
    pub fn clock(&self, kind: &str) -> Value {
        let clocks = self.body["clocks"]
            .as_array()
            .or(self.body["assessment"]["clocks"].as_array());
        let found: Vec<&Value> = clocks
            .unwrap()
            .iter()
            .filter(|clock| clock["kind"] == kind)
            .collect();
        assert_eq!(found.len(), 1, "clocks of kind {kind}");
        found[0].clone()
    }

    /// The codes of the flags in an answer that holds flags.
    #[track_caller]
    pub fn flags(&self) -> Vec<String> {
        let flags = self.body["flags"]
            .as_array()
            .or(self.body["assessment"]["flags"].as_array())
            .unwrap();
        flags
            .iter()
            .map(|flag| flag["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The faults of a problem as `pointer code` lines.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.body["errors"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        faults
            .map(|fault| format!("{} {}", text(&fault["pointer"]), text(&fault["code"])))
            .collect()
    }
}

pub fn new_key() -> (&'static str, String) {
    (
        "Idempotency-Key",
        format!("\"{}\"", Uuid::from_u128(rand::random())),
    )
}

pub fn if_match(version: i64) -> (&'static str, String) {
    ("If-Match", format!("\"v{version}\""))
}

/// The API, compiled once for all tests.
pub fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| Api::new().unwrap())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn key() -> IssuerKey {
    static KEY: OnceLock<IssuerKey> = OnceLock::new();
    let made = || IssuerKey::load_or_create(tempfile::tempdir().unwrap().path(), None).unwrap();
    KEY.get_or_init(made).clone()
}

async fn answer<B: MessageBody>(response: ServiceResponse<B>) -> Answer {
    let status = response.status().as_u16();
    let header = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), header(value)))
        .collect();
    let bytes = read_body(response).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        text,
    }
}
