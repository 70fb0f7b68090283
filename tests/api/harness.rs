//! A service of its own for every test, and the people who call it.

use std::cell::OnceCell;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};

use actix_web::HttpServer;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use chrono::{DateTime, NaiveDate, Utc};
use ehcp_timeline::auth::{
    Identity, IssuerKey, LaCode, Principal, Role, Trust, install_crypto_provider, issue,
};
use ehcp_timeline::clock::{Clock, noon};
use ehcp_timeline::http::Api;
use ehcp_timeline::service::{App, Ids};
use ehcp_timeline::store::{AnyConnection, Location, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres;

/// The day on which a test begins unless it says otherwise.
pub const TODAY: &str = "2026-02-20";

/// The variable that says on which database the tests run.
pub const DATABASE_VARIABLE: &str = "EHCP_TEST_DATABASE";

/// The databases that a service can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// The one that these tests run on.
    pub fn in_use() -> Database {
        match std::env::var(DATABASE_VARIABLE).as_deref() {
            Ok("postgres") => Database::Postgres,
            Ok("sqlite") | Err(_) => Database::Sqlite,
            Ok(other) => panic!("{DATABASE_VARIABLE} is sqlite or postgres, not {other}"),
        }
    }

    fn fresh(self, folder: &TempDir) -> Location {
        match self {
            Database::Sqlite => Location::SqliteFile(folder.path().join("ehcp.db")),
            Database::Postgres => {
                let server = postgres::server().unwrap();
                Location::parse(&server.database()).unwrap()
            }
        }
    }
}

/// A running service with a database of its own.
pub struct Service {
    pub app: App,
    pub location: Location,
    key: IssuerKey,
    trust: Trust,
    folder: Arc<TempDir>,
    served: OnceCell<Handler>,
}

/// A service on its way to another thread.
pub struct Worker {
    app: App,
    location: Location,
    key: IssuerKey,
    folder: Arc<TempDir>,
}

impl Worker {
    pub fn into_service(self) -> Service {
        Service {
            app: self.app,
            location: self.location,
            key: self.key,
            trust: Trust::default(),
            folder: self.folder,
            served: OnceCell::new(),
        }
    }
}

/// The app, made once for all requests of a test.
type Handler = Box<dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = Answer>>>>;

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
        Service::over(Database::in_use(), today, Ids::Random)
    }

    /// A service on a database of one kind, with its ids from where they are said to come.
    pub fn over(database: Database, today: &str, ids: Ids) -> Service {
        install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let location = database.fresh(&folder);
        let app = App::new(
            Store::open(&location).unwrap(),
            Clock::frozen_at(noon(day(today))),
            ids,
        );
        app.set_ready();
        Service {
            app,
            location,
            key: key(),
            trust: Trust::default(),
            folder: Arc::new(folder),
            served: OnceCell::new(),
        }
    }

    /// Accepts tokens of others too.
    pub fn trusting(mut self, trust: Trust) -> Service {
        self.trust = trust;
        self
    }

    fn identity(&self) -> Identity {
        Identity::new(self.key.clone(), self.trust.clone())
    }

    /// What another thread needs to serve from the same store.
    pub fn worker(&self) -> Worker {
        Worker {
            app: self.app.clone(),
            location: self.location.clone(),
            key: self.key.clone(),
            folder: Arc::clone(&self.folder),
        }
    }

    /// Moves the clock to noon of a day.
    pub fn set_today(&self, today: &str) {
        self.app.clock.set(noon(day(today)));
    }

    pub fn set_now(&self, instant: &str) {
        self.app.clock.set(instant.parse::<DateTime<Utc>>().unwrap());
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
        self.token_of(&principal_of(la_code, role, organisation, case))
    }

    /// One of several who have the same role.
    pub fn actor_of_subject(&self, subject: &str, role: Role) -> Actor {
        self.token_of(&Principal {
            subject: subject.to_owned(),
            ..principal_of("885", role, None, None)
        })
    }

    /// A person of a family.
    pub fn family_member(&self, case_id: &str, person_id: &str) -> Actor {
        self.token_of(&Principal {
            person_id: Some(Uuid::parse_str(person_id).unwrap()),
            ..principal_of("885", Role::Family, None, Some(case_id))
        })
    }

    /// Somebody with several roles at once.
    pub fn actor_as(&self, roles: &[Role], organisation: Option<&str>, case: Option<&str>) -> Actor {
        let id = |text: Option<&str>| text.map(|text| Uuid::parse_str(text).unwrap());
        self.token_of(&Principal {
            subject: "several".to_owned(),
            la_code: LaCode::parse("885").unwrap(),
            roles: roles.to_vec(),
            organisation_id: id(organisation),
            case_id: id(case),
            person_id: None,
            client: None,
        })
    }

    fn token_of(&self, principal: &Principal) -> Actor {
        let lifetime = Duration::from_secs(600);
        let token = issue(&self.key, principal, lifetime, Clock::System.now()).unwrap();
        Actor { token }
    }

    /// A caseworker whose token has expired.
    pub fn expired(&self) -> Actor {
        let principal = principal_of("885", Role::Caseworker, None, None);
        let long_ago = Clock::System.now() - chrono::TimeDelta::hours(2);
        let token = issue(&self.key, &principal, Duration::from_secs(60), long_ago).unwrap();
        Actor { token }
    }

    /// A caseworker whose token was signed with another key.
    pub fn forger(&self) -> Actor {
        let other = IssuerKey::load_or_create(tempfile::tempdir().unwrap().path(), None).unwrap();
        let principal = principal_of("885", Role::Caseworker, None, None);
        let token = issue(&other, &principal, Duration::from_secs(600), Clock::System.now()).unwrap();
        Actor { token }
    }

    /// Sends a request as it stands.
    pub async fn send(&self, request: TestRequest) -> Answer {
        if self.served.get().is_none() {
            let app = api()
                .app()
                .app_data(Data::new(self.app.clone()))
                .app_data(Data::new(self.identity()));
            let service = Rc::new(init_service(app).await);
            let handler: Handler = Box::new(move |request| {
                let service = Rc::clone(&service);
                Box::pin(async move { answer(call_service(&*service, request.to_request()).await).await })
            });
            assert!(self.served.set(handler).is_ok());
        }
        self.served.get().unwrap()(request).await
    }

    /// Serves on a port of its own as long as the test runs.
    pub async fn listen(&self) -> SocketAddr {
        let (app, identity) = (self.app.clone(), Data::new(self.identity()));
        let server = HttpServer::new(move || {
            api()
                .app()
                .app_data(Data::new(app.clone()))
                .app_data(identity.clone())
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        address
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

    pub async fn patch_as_admin(&self, uri: &str, version: i64, body: Value) -> Answer {
        self.patch(&self.admin(), uri, version, body).await
    }

    pub async fn put(&self, actor: &Actor, uri: &str, body: Value) -> Answer {
        self.send(actor.request(Method::PUT, uri).set_json(body)).await
    }

    /// Reads as a caseworker.
    pub async fn read(&self, uri: &str) -> Answer {
        self.get(&self.caseworker(), uri).await
    }

    /// What is read as a caseworker, which must be there.
    pub async fn body(&self, uri: &str) -> Value {
        self.read(uri).await.expect(200).body
    }

    /// Every item of a list, by pages of a size, following the link each gives, or its cursor where the question tells
    /// of somebody.
    pub async fn pages(&self, actor: &Actor, uri: &str, limit: usize) -> Vec<Value> {
        let separator = if uri.contains('?') { '&' } else { '?' };
        let first = format!("{uri}{separator}limit={limit}");
        let tells = ["external_ref=", "subject="]
            .iter()
            .any(|filter| uri.contains(filter));
        let mut next = Some(first.clone());
        let mut items = Vec::new();
        while let Some(page) = next {
            let answer = self.get(actor, &page).await.expect(200);
            let shown = answer.body["items"].as_array().unwrap().clone();
            let cursor = answer.body["next_cursor"].as_str();
            let link = answer.header("link");
            assert_eq!(link.is_some(), cursor.is_some() && !tells, "{page}");
            let link = link.map(|link| link.split_once('>').unwrap().0[1..].to_owned());
            next = link.or(cursor.map(|cursor| format!("{first}&cursor={cursor}")));
            if next.is_some() {
                assert_eq!(shown.len(), limit, "only the last page may be short: {page}");
            }
            items.extend(shown);
        }
        items
    }

    /// Every item of a list that a caseworker sees.
    pub async fn list(&self, uri: &str) -> Vec<Value> {
        self.pages(&self.caseworker(), uri, 200).await
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

    /// Records several events, each of which must be accepted.
    pub async fn record_all(&self, assessment_id: &str, events: &[Value]) {
        for event in events {
            self.record(assessment_id, event.clone()).await.expect(201);
        }
    }

    /// Supersedes recorded events: each with its replacement, or null to void it.
    pub async fn correct(&self, assessment_id: &str, changes: &[(&str, Value)]) -> Answer {
        let changes: Vec<Value> = changes
            .iter()
            .map(|(event_id, replacement)| json!({ "supersedes": event_id, "replacement": replacement }))
            .collect();
        let today = self.app.clock.today();
        let event = json!({ "type": "correction", "occurred_on": today, "reason": "Wrongly typed", "changes": changes });
        self.record(assessment_id, event).await
    }

    /// The ids of the events on record, in order of recording.
    pub async fn event_ids(&self, assessment_id: &str) -> Vec<String> {
        let events = self
            .list(&format!("/v1/assessments/{assessment_id}/events"))
            .await;
        events
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect()
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

    /// Acts on the present version of an advice request.
    pub async fn act_on(&self, actor: &Actor, request_id: &str, act: &str, body: Value) -> Answer {
        let uri = format!("/v1/advice-requests/{request_id}");
        let version = self.read(&uri).await.expect(200).version();
        self.act(actor, &format!("{uri}/{act}"), version, body).await
    }

    /// Acts on the present version of an advice request as a caseworker, who must be let.
    pub async fn acted(&self, request_id: &str, act: &str, body: Value) -> Answer {
        self.act_on(&self.caseworker(), request_id, act, body)
            .await
            .expect(201)
    }

    /// Runs SQL behind the service's back.
    pub fn tamper(&self, sql: &str) {
        self.behind().batch_execute(sql).unwrap();
    }

    /// How many rows a query finds, asked behind the service's back.
    pub fn count(&self, from: &str) -> i64 {
        let sql = format!("SELECT count(*) AS number FROM {from}");
        let found: Number = diesel::sql_query(sql).get_result(&mut self.behind()).unwrap();
        found.number
    }

    /// A connection of its own to the database.
    pub fn behind(&self) -> AnyConnection {
        match &self.location {
            Location::SqliteFile(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                AnyConnection::Sqlite(connection)
            }
            Location::Postgres(url) => AnyConnection::Postgres(PgConnection::establish(url).unwrap()),
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// Whoever the harness makes tokens for.
pub fn principal_of(la_code: &str, role: Role, organisation: Option<&str>, case: Option<&str>) -> Principal {
    let id = |text: Option<&str>| text.map(|text| Uuid::parse_str(text).unwrap());
    let name = serde_json::to_value(role).unwrap();
    Principal {
        subject: format!("{}-{la_code}", name.as_str().unwrap()),
        la_code: LaCode::parse(la_code).unwrap(),
        roles: vec![role],
        organisation_id: id(organisation),
        case_id: id(case),
        person_id: None,
        client: None,
    }
}

/// A request without a token.
pub fn anonymous(method: Method, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(method)
}

impl Actor {
    /// Whoever holds a token.
    pub fn with_token(token: &str) -> Actor {
        Actor {
            token: token.to_owned(),
        }
    }

    /// What stands in the `Authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub fn request(&self, method: Method, uri: &str) -> TestRequest {
        TestRequest::with_uri(uri)
            .method(method)
            .insert_header(("Authorization", self.bearer()))
    }
}

impl Answer {
    /// An answer read off a connection.
    pub fn parsed(raw: &str) -> Answer {
        let (head, text) = raw
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {raw}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            line.split_once(": ")
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        };
        Answer {
            status,
            headers: lines.filter_map(header).collect(),
            body: serde_json::from_str(text).unwrap_or(Value::Null),
            text: text.to_owned(),
        }
    }

    /// The answer, if its status is this one; otherwise the test ends showing what it was.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        let shown: String = format!("{:#}", self.body).chars().take(2_000).collect();
        assert_eq!(self.status, status, "{shown}");
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

    /// The codes of the flags in an answer, each once.
    #[track_caller]
    pub fn flag_codes(&self) -> Vec<String> {
        let mut codes = self.flags();
        codes.dedup();
        codes
    }

    /// The types of the events that an answer permits.
    #[track_caller]
    pub fn permitted(&self) -> Vec<String> {
        let permitted = self.body["permitted_events"].as_array().unwrap();
        permitted
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
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

/// The ids of items.
pub fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// One field of every item.
pub fn each<'i>(items: &'i [Value], field: &str) -> Vec<&'i Value> {
    items.iter().map(|item| &item[field]).collect()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| Api::new().unwrap())
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
