//! One recorded script of requests, sent to both databases: every answer is the same, byte for byte.
//!
//! A seeded generator writes the script while it talks to a service on SQLite, as clients of every kind would,
//! careless and hostile ones among them. What it sent is then sent to a service on PostgreSQL.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use chrono::{Days, NaiveDate};
use ehcp_timeline::auth::Role;
use ehcp_timeline::http::code::Code;
use ehcp_timeline::service::Ids;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authorisation::{Operation, operations, sample};
use crate::harness::{Answer, Database, Service, anonymous, day};
use crate::plan_versions::sections;
use crate::postgres;
use crate::walk::{day_before, moved, some_event};

const LENGTH: usize = 500;
const SEED: u64 = 20_260_120;
const FIRST_DAY: &str = "2026-01-20";

/// Who sends a request.
#[derive(Debug, Clone)]
enum Who {
    Staff(Role),
    /// A manager beside the one among the staff.
    Reviewer,
    Contributor(String),
    Family(String),
    Stranger,
    Forger,
    Nobody,
}

/// A request as it is sent.
#[derive(Debug, Clone)]
struct Sent {
    today: NaiveDate,
    who: Who,
    method: Method,
    uri: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

async fn send(service: &Service, number: usize, sent: &Sent) -> Answer {
    service.set_today(&sent.today.to_string());
    let by = |actor: crate::harness::Actor| actor.request(sent.method.clone(), &sent.uri);
    let mut request: TestRequest = match &sent.who {
        Who::Staff(role) => by(service.actor(*role)),
        Who::Reviewer => by(service.reviewer()),
        Who::Contributor(organisation_id) => by(service.contributor(organisation_id)),
        Who::Family(case_id) => by(service.family(case_id)),
        Who::Stranger => by(service.stranger()),
        Who::Forger => by(service.forger()),
        Who::Nobody => anonymous(sent.method.clone(), &sent.uri),
    };
    let trace = format!("00-{:032x}-{:016x}-01", number + 1, number + 1);
    request = request.insert_header(("traceparent", trace));
    for header in &sent.headers {
        request = request.insert_header(header.clone());
    }
    if let Some(body) = &sent.body {
        request = request.set_payload(body.clone());
    }
    service.send(request).await
}

/// The generator, and what it knows of the service from the answers so far.
struct Script {
    service: Service,
    random: ChaCha8Rng,
    today: NaiveDate,
    sent: Vec<(Sent, Answer)>,
    cases: Vec<String>,
    people: Vec<String>,
    assessments: Vec<String>,
    requests: Vec<String>,
    organisations: Vec<String>,
    blunders: usize,
}

const CASEWORKER: Who = Who::Staff(Role::Caseworker);

impl Script {
    async fn record() -> Script {
        let mut script = Script {
            service: Service::over(Database::Sqlite, FIRST_DAY, Ids::seeded(SEED)),
            random: ChaCha8Rng::seed_from_u64(SEED),
            today: day(FIRST_DAY),
            sent: Vec::new(),
            cases: Vec::new(),
            people: Vec::new(),
            assessments: Vec::new(),
            requests: Vec::new(),
            organisations: Vec::new(),
            blunders: 0,
        };
        for _ in 0..3 {
            script.open_organisation().await;
            script.open_case().await;
        }
        for _ in 0..3 {
            script.open_assessment().await;
        }
        script.act_in_order().await;
        script.plan_too_early().await;
        while script.sent.len() < LENGTH {
            script.step().await;
        }
        script.review_in_order().await;
        script.plan_in_order().await;
        script.consultations_in_order().await;
        let cases = script.cases.clone();
        script.cases_told(&cases).await;
        script.seal_in_order().await;
        script.dispose_in_order().await;
        script.systems_in_order().await;
        script.audit().await;
        script.reuse_a_key().await;
        script
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..=4 => self.open_case().await,
            5..=8 => self.change_case().await,
            9 => self.people().await,
            10..=14 => self.open_assessment().await,
            15..=31 => self.record_event().await,
            32..=37 => self.ask().await,
            38..=48 => self.act().await,
            49..=56 => self.correct().await,
            57..=58 => self.agree_existing_advice().await,
            59..=70 => self.list().await,
            71..=74 => self.look_back().await,
            75..=76 => self.search().await,
            77..=79 => self.send_again().await,
            80..=82 => self.intrude().await,
            83..=89 => {
                self.blunder().await;
                self.blunder().await;
            }
            90..=91 => self.put_settings().await,
            92..=93 => self.change_organisation().await,
            94 => self.close_case().await,
            95..=96 => self.ask_anybody().await,
            _ => self.today = self.today + Days::new(self.random.random_range(1..12)),
        }
    }

    async fn send(
        &mut self,
        who: Who,
        method: Method,
        uri: &str,
        headers: Vec<(&'static str, String)>,
        body: Option<String>,
    ) -> Answer {
        let sent = Sent {
            today: self.today,
            who,
            method,
            uri: uri.to_owned(),
            headers,
            body,
        };
        let answer = send(&self.service, self.sent.len(), &sent).await;
        self.sent.push((sent, answer.clone()));
        answer
    }

    async fn get(&mut self, who: Who, uri: &str) -> Answer {
        self.send(who, Method::GET, uri, Vec::new(), None).await
    }

    /// Sends JSON with a key of its own and, where a version is given, on that version.
    async fn write(
        &mut self,
        who: Who,
        method: Method,
        uri: &str,
        version: Option<i64>,
        body: Value,
    ) -> Answer {
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("Idempotency-Key", format!("\"key-{}\"", self.sent.len())),
        ];
        headers.extend(version.map(|version| ("If-Match", format!("\"v{version}\""))));
        self.send(who, method, uri, headers, Some(body.to_string())).await
    }

    async fn post(&mut self, who: Who, uri: &str, body: Value) -> Answer {
        self.write(who, Method::POST, uri, None, body).await
    }

    /// The version of something to act on: mostly the present one.
    async fn version(&mut self, uri: &str) -> Option<(Answer, i64)> {
        let read = self.get(CASEWORKER, uri).await;
        if read.status != 200 {
            return None;
        }
        let is_careless = self.random.random_bool(0.1);
        let version = read.version() - i64::from(is_careless);
        Some((read, version))
    }

    fn some(&mut self, known: fn(&Script) -> &Vec<String>) -> Option<String> {
        let known = known(self).clone();
        known.choose(&mut self.random).cloned()
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words.choose(&mut self.random).unwrap()
    }

    fn details(&mut self) -> Value {
        let born = self.random.random_range(2006..2022);
        let month = self.random.random_range(1..13);
        let mut details = json!({
            "given_name": self.one_of(&["Ada", "ada", "Zoë", "Émile", "Ærø", "李", "Noor", "O"]),
            "family_name": self.one_of(&["Example", "example", "O’Brien", "van der Berg", "Ångström", "Zółć", "de la Cruz"]),
            "date_of_birth": format!("{born}-{month:02}-15"),
        });
        let optional = [
            (
                "upn",
                json!(self.one_of(&["A950000178301", "D885200024001", "T885200024002"])),
            ),
            (
                "nhs_number",
                json!(self.one_of(&["9434765919", "9990000018", "9990000026"])),
            ),
            ("uln", json!("1000000043")),
            ("caseworker", json!(self.one_of(&["ann", "Ben", "émile"]))),
            ("postcode", json!(self.one_of(&["WR5 2AB", "WR1 1AA"]))),
            (
                "needs",
                json!([{ "type": self.one_of(&["HI", "ASD", "MLD"]), "rank": 1 }]),
            ),
            (
                "external_refs",
                json!([{ "system": "mosaic", "id": format!("{}", self.random.random_range(0..3)) }]),
            ),
            ("looked_after", json!(true)),
            ("year_group_override", json!(self.random.random_range(1..12))),
        ];
        for (field, value) in optional {
            if self.random.random_bool(0.25) {
                details[field] = value;
            }
        }
        details
    }

    async fn open_case(&mut self) {
        let details = self.details();
        let answer = self.post(CASEWORKER, "/v1/cases", details).await;
        if answer.status == 201 {
            self.cases.push(answer.id());
        }
    }

    async fn change_case(&mut self) {
        let uri = format!("/v1/cases/{}", self.some(|script| &script.cases).unwrap());
        let Some((_, version)) = self.version(&uri).await else {
            return;
        };
        let mut change = self.details();
        change
            .as_object_mut()
            .unwrap()
            .retain(|field, _| !field.ends_with("_name"));
        let manager = Who::Staff(Role::Manager);
        self.write(manager, Method::PATCH, &uri, Some(version), change)
            .await;
    }

    async fn close_case(&mut self) {
        let uri = format!("/v1/cases/{}/closure", self.some(|script| &script.cases).unwrap());
        let occurred_on = day_before(&mut self.random, self.today, 5);
        let body = json!({ "reason": self.one_of(&["other", "left_england", "aged_out"]), "occurred_on": occurred_on });
        self.post(CASEWORKER, &uri, body).await;
    }

    async fn people(&mut self) {
        let case_id = self.some(|script| &script.cases).unwrap();
        let uri = format!("/v1/cases/{case_id}/people");
        let name = self.one_of(&["Zoë Example", "ada", "Æ"]);
        let added = json!({ "name": name, "relationship": self.one_of(&["mother", "father", "young_person"]),
            "parental_responsibility": true, "receives_notices": true, "is_decision_maker_from_on": "2026-01-01" });
        let answer = self.post(CASEWORKER, &uri, added).await;
        if answer.status == 201 {
            self.people.push(format!("{uri}/{}", answer.id()));
        }
        self.get(CASEWORKER, &format!("{uri}?limit=1")).await;
        if let Some(person) = self.some(|script| &script.people)
            && let Some((_, version)) = self.version(&person).await
        {
            let change = json!({ "language": self.one_of(&["Welsh", "Polish"]) });
            self.write(CASEWORKER, Method::PATCH, &person, Some(version), change)
                .await;
        }
    }

    async fn open_organisation(&mut self) {
        let kind = self.one_of(&["health", "school", "social_care"]);
        let mut body = json!({ "name": self.one_of(&["Trust", "Æther", "école"]), "kind": kind });
        if self.random.random_bool(0.5) {
            body["code"] = json!(self.one_of(&["R1A", "r1a"]));
        }
        let admin = Who::Staff(Role::Admin);
        let answer = self.post(admin, "/v1/organisations", body).await;
        if answer.status == 201 {
            self.organisations.push(answer.id());
        }
    }

    async fn change_organisation(&mut self) {
        self.open_organisation().await;
        let uri = format!(
            "/v1/organisations/{}",
            self.some(|script| &script.organisations).unwrap()
        );
        if let Some((_, version)) = self.version(&uri).await {
            let change = json!({ "code": self.one_of(&["R1A", "116738"]) });
            let admin = Who::Staff(Role::Admin);
            self.write(admin, Method::PATCH, &uri, Some(version), change)
                .await;
        }
    }

    /// What can be asked about systems without a secret, which is another each time.
    async fn systems_in_order(&mut self) {
        const ADMIN: Who = Who::Staff(Role::Admin);
        let grant = json!({ "organisation_id": self.organisations[0], "scopes": ["advice:read"] });
        let mut new = grant.clone();
        new["name"] = json!("Records");
        let client = self.post(ADMIN, "/v1/clients", new).await.expect(201).id();
        let uri = format!("/v1/clients/{client}");
        let name = json!({ "name": "Patient records" });
        self.write(ADMIN, Method::PATCH, &uri, Some(1), name).await;
        for (part, body) in [("grant", grant), ("keys", json!({ "keys": [] }))] {
            self.write(ADMIN, Method::PUT, &format!("{uri}/{part}"), None, body)
                .await;
        }
        self.get(ADMIN, &uri).await;
        self.get(ADMIN, "/v1/clients").await;
        let nobody = format!("grant_type=client_credentials&client_id={client}&client_secret=hush");
        for form in ["grant_type=password", "scope=admin", &nobody] {
            let headers = vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())];
            self.send(
                ADMIN,
                Method::POST,
                "/oauth/token",
                headers,
                Some(form.to_owned()),
            )
            .await;
        }
    }

    async fn put_settings(&mut self) {
        let version = self.get(CASEWORKER, "/v1/settings").await.version();
        let organisation_id = self.some(|script| &script.organisations).unwrap();
        let settings = json!({
            "readings": { "day_of_receipt": self.one_of(&["excluded", "day_one"]) },
            "due_soon_days": self.random.random_range(0..30),
            "default_contributors": [{ "requirement": "medical", "organisation_id": organisation_id }],
        });
        let version = version - i64::from(self.random.random_bool(0.3));
        let admin = Who::Staff(Role::Admin);
        self.write(admin, Method::PUT, "/v1/settings", Some(version), settings)
            .await;
    }

    async fn open_assessment(&mut self) {
        let case_id = self.some(|script| &script.cases).unwrap();
        let requested_on = day_before(&mut self.random, self.today, 20);
        let event =
            json!({ "type": "request_received", "occurred_on": requested_on, "requested_by": "parent" });
        let body = json!({ "case_id": case_id, "event": event });
        let answer = self.post(CASEWORKER, "/v1/assessments", body).await;
        if answer.status == 201 {
            self.assessments.push(answer.id());
        }
    }

    async fn record_event(&mut self) {
        let uri = format!(
            "/v1/assessments/{}",
            self.some(|script| &script.assessments).unwrap()
        );
        let Some((read, version)) = self.version(&uri).await else {
            return;
        };
        let mut types = read.permitted();
        types.retain(|event_type| !["assessment_withdrawn", "moved_out"].contains(&event_type.as_str()));
        if self.random.random_bool(0.15) {
            types = vec!["representations_received".to_owned(), "moved_out".to_owned()];
        }
        let Some(event_type) = types.choose(&mut self.random).cloned() else {
            return;
        };
        let event = some_event(&mut self.random, &event_type, self.today, &self.organisations);
        self.write(
            CASEWORKER,
            Method::POST,
            &format!("{uri}/events"),
            Some(version),
            event,
        )
        .await;
    }

    async fn correct(&mut self) {
        let uri = format!(
            "/v1/assessments/{}",
            self.some(|script| &script.assessments).unwrap()
        );
        let listed = self.get(CASEWORKER, &format!("{uri}/events")).await;
        let events = listed.body["items"].as_array().cloned().unwrap_or_default();
        let (Some(event), Some((_, version))) = (events.choose(&mut self.random), self.version(&uri).await)
        else {
            return;
        };
        let known = ["correction", "case_closed"].contains(&event["type"].as_str().unwrap());
        let voids = known || self.random.random_bool(0.4);
        let replacement = if voids {
            Value::Null
        } else {
            moved(&mut self.random, self.today, event)
        };
        let change = json!({ "supersedes": event["id"], "replacement": replacement });
        let body =
            json!({ "type": "correction", "occurred_on": self.today, "reason": "x", "changes": [change] });
        self.write(
            CASEWORKER,
            Method::POST,
            &format!("{uri}/events"),
            Some(version),
            body,
        )
        .await;
    }

    async fn ask(&mut self) {
        let id = self.some(|script| &script.assessments).unwrap();
        let requested_on = day_before(&mut self.random, self.today, 20);
        let requirement = self.one_of(&["education", "medical", "psychological", "social_care", "other"]);
        let mut body = json!({ "requirement": requirement, "requested_on": requested_on });
        if self.random.random_bool(0.7) {
            body["organisation_id"] = json!(self.some(|script| &script.organisations));
        }
        let uri = format!("/v1/assessments/{id}/advice-requests");
        let answer = self.post(CASEWORKER, &uri, body).await;
        if answer.status == 201 {
            self.requests.push(answer.id());
        }
        self.get(CASEWORKER, &format!("/v1/assessments/{id}/advice"))
            .await;
    }

    /// Takes requests for advice through all that can be done to them.
    async fn act_in_order(&mut self) {
        let assessment = self.assessments[0].clone();
        let orders: [&[&'static str]; 3] = [
            &[
                "acknowledgement",
                "appointments",
                "exceptions",
                "submission",
                "return",
                "submission",
                "acceptance",
            ],
            &["declination", "redirection"],
            &["withdrawal"],
        ];
        for acts in orders {
            let service = format!("service {}", acts.len());
            let body = json!({ "requirement": "other", "service": service, "requested_on": self.today });
            let uri = format!("/v1/assessments/{assessment}/advice-requests");
            let id = self.post(CASEWORKER, &uri, body).await.expect(201).id();
            let uri = format!("/v1/advice-requests/{id}");
            for act in acts {
                let version = self.get(CASEWORKER, &uri).await.version();
                let body = sample(
                    "POST",
                    &format!("/v1/advice-requests/{{id}}/{act}"),
                    &self.organisations[0],
                );
                self.write(
                    CASEWORKER,
                    Method::POST,
                    &format!("{uri}/{act}"),
                    Some(version),
                    body,
                )
                .await;
            }
            self.requests.push(id);
        }
    }

    /// Sends a final plan while the family may still answer the draft.
    async fn plan_too_early(&mut self) {
        let uri = format!("/v1/assessments/{}", self.assessments[1]);
        for event in [
            json!({ "type": "assess_decision_notified", "decision": "assess" }),
            json!({ "type": "draft_plan_served" }),
            json!({ "type": "final_plan_sent" }),
        ] {
            let mut event = event;
            event["occurred_on"] = json!(self.today);
            let version = self.get(CASEWORKER, &uri).await.version();
            self.write(
                CASEWORKER,
                Method::POST,
                &format!("{uri}/events"),
                Some(version),
                event,
            )
            .await;
        }
    }

    /// A review from its period to a late notice of amendments, one step of it corrected.
    async fn review_in_order(&mut self) {
        let before = |days| (self.today - Days::new(days)).to_string();
        let started =
            json!({ "type": "review_period_started", "occurred_on": before(340), "kind": "early_years" });
        let asked = json!({ "requirement": "education", "requested_on": before(70) });
        let events = [
            json!({ "type": "review_meeting_arranged", "occurred_on": before(60), "meeting_on": before(39) }),
            json!({ "type": "review_meeting_held", "occurred_on": before(39) }),
            json!({ "type": "review_decision_notified", "occurred_on": before(10), "decision": "amend" }),
            json!({ "type": "amendment_notice_sent", "occurred_on": before(3) }),
            json!({ "type": "amended_plan_sent", "occurred_on": before(1) }),
        ];
        let child = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2022-01-01" });
        let case = self.post(CASEWORKER, "/v1/cases", child).await;
        let body = json!({ "case_id": case.id(), "event": started });
        let opened = self.post(CASEWORKER, "/v1/reviews", body.clone()).await;
        self.post(CASEWORKER, "/v1/reviews", body).await;
        let uri = format!("/v1/reviews/{}", opened.id());
        for _ in 0..2 {
            self.post(CASEWORKER, &format!("{uri}/advice-requests"), asked.clone())
                .await;
        }
        for event in events {
            self.record_next(&uri, event).await;
        }
        let recorded = self.get(CASEWORKER, &format!("{uri}/events")).await;
        let replacement = json!({ "type": "review_meeting_held", "occurred_on": self.today - Days::new(46) });
        let change = json!({ "supersedes": recorded.body["items"][3]["id"], "replacement": replacement });
        let correction =
            json!({ "type": "correction", "occurred_on": self.today, "reason": "x", "changes": [change] });
        self.record_next(&uri, correction).await;
        self.get(CASEWORKER, &format!("{uri}/advice")).await;
        self.cases_told(&[case.id()]).await;
        for list in [
            "/v1/reviews",
            "/v1/advice-requests",
            "/v1/reviews?state=amendment_proposed&flag=early_years_review",
            "/v1/clocks?procedure=review",
            "/v1/cases?state=amendment_proposed",
        ] {
            self.get(CASEWORKER, list).await;
        }
    }

    /// A plan from its draft to its end, one step of it corrected.
    /// What a plan says, twice, and once from a version that is not the newest any more.
    async fn versions_in_order(&mut self, plan: &str) {
        let mut sections = sections();
        for based_on_version in [Value::Null, json!(1), json!(1)] {
            let body = json!({ "sections": sections, "based_on_version": based_on_version });
            self.post(CASEWORKER, &format!("{plan}/versions"), body).await;
            sections["f"] = json!([{ "id": "F1", "text": "Language group, as before.", "meets": ["B2"] }]);
        }
        for version in ["1", "2", "2/difference?from=1", "2/checks?as_final=true"] {
            self.get(CASEWORKER, &format!("{plan}/versions/{version}")).await;
        }
    }

    async fn plan_in_order(&mut self) {
        let today = self.today;
        let before = |days| (today - Days::new(days)).to_string();
        let drafted = json!({ "type": "plan_drafted", "occurred_on": before(200) });
        let made = json!({ "type": "plan_made", "occurred_on": before(160) });
        let events = [
            json!({ "type": "placement_started", "occurred_on": before(150), "urn": "116936" }),
            json!({ "type": "cease_notified", "occurred_on": before(140), "reason": "other" }),
            json!({ "type": "ceased", "occurred_on": before(139), "reason": "other" }),
            json!({ "type": "ceased", "occurred_on": before(20), "reason": "other" }),
        ];
        let child = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2012-01-01" });
        let case = self.post(CASEWORKER, "/v1/cases", child).await;
        let body = json!({ "case_id": case.id(), "event": drafted });
        let opened = self.post(CASEWORKER, "/v1/plans", body.clone()).await;
        self.post(CASEWORKER, "/v1/plans", body).await;
        let uri = format!("/v1/plans/{}", opened.id());
        self.versions_in_order(&uri).await;
        // Twice, since a careless client may spoil the one.
        for _ in 0..2 {
            self.record_next(&uri, made.clone()).await;
        }
        let read = self.get(CASEWORKER, &format!("/v1/cases/{}", case.id())).await;
        let procedures = read.body["procedures"].as_array().cloned().unwrap_or_default();
        let review = procedures
            .iter()
            .find(|procedure| procedure["procedure"] == "review");
        if let Some(review) = review.and_then(|review| review["id"].as_str()) {
            let held = json!({ "type": "review_meeting_held", "occurred_on": before(155) });
            self.record_next(&format!("/v1/reviews/{review}"), held).await;
            // What opened the review is voided neither there, since it follows, nor where it follows from, since the
            // review has gone on.
            for (uri, at) in [(format!("/v1/reviews/{review}"), 0), (uri.clone(), 1)] {
                let recorded = self.get(CASEWORKER, &format!("{uri}/events")).await;
                let change = json!({ "supersedes": recorded.body["items"][at]["id"], "replacement": null });
                let voided = json!({ "type": "correction", "occurred_on": before(0), "reason": "x", "changes": [change] });
                self.record_next(&uri, voided).await;
            }
        }
        for event in events {
            self.record_next(&uri, event).await;
        }
        let recorded = self.get(CASEWORKER, &format!("{uri}/events")).await;
        let replacement = json!({ "type": "plan_made", "occurred_on": before(161) });
        let change = json!({ "supersedes": recorded.body["items"][1]["id"], "replacement": replacement });
        let correction =
            json!({ "type": "correction", "occurred_on": self.today, "reason": "x", "changes": [change] });
        self.record_next(&uri, correction).await;
        let expected = json!({ "type": "phase_transfer_expected", "occurred_on": before(1),
            "phase": "secondary_to_post16", "transfer_on": today + Days::new(300) });
        let started =
            json!({ "type": "review_period_started", "occurred_on": before(10), "kind": "interim" });
        let items =
            json!([{ "case_id": case.id(), "event": expected }, { "case_id": case.id(), "event": started }]);
        self.post(CASEWORKER, "/v1/reviews/bulk", json!({ "items": items }))
            .await;
        self.post(
            CASEWORKER,
            &format!("{uri}/versions"),
            json!({ "sections": {}, "based_on_version": 2 }),
        )
        .await;
        for uri in [
            "/v1/reviews/upcoming".to_owned(),
            "/v1/reviews/upcoming?due_before=2030-01-01&caseworker=x".to_owned(),
            "/v1/reviews/phase-transfers?year_group=11".to_owned(),
            format!("{uri}/placements"),
            format!("{uri}/versions"),
            "/v1/plans?state=ceased".to_owned(),
            format!("/v1/cases/{}", case.id()),
        ] {
            self.get(CASEWORKER, &uri).await;
        }
    }

    /// Two consultations on one case at once, one of them answered.
    async fn consultations_in_order(&mut self) {
        let before = (self.today - Days::new(20)).to_string();
        let received = json!({ "type": "consultation_received", "occurred_on": before, "from_la": "884" });
        let answered =
            json!({ "type": "consultation_answered", "occurred_on": self.today, "answer": "can_meet" });
        let child = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2012-01-01" });
        let case = self.post(CASEWORKER, "/v1/cases", child).await;
        let body = json!({ "case_id": case.id(), "event": received });
        self.post(CASEWORKER, "/v1/consultations", body.clone()).await;
        let opened = self.post(CASEWORKER, "/v1/consultations", body).await;
        let uri = format!("/v1/consultations/{}", opened.id());
        self.record_next(&uri, answered).await;
        for uri in [
            uri.clone(),
            format!("{uri}/events"),
            "/v1/consultations?state=received".to_owned(),
            "/v1/clocks?procedure=consultation".to_owned(),
        ] {
            self.get(CASEWORKER, &uri).await;
        }
    }

    /// What of some cases the family and those who keep them are told.
    async fn cases_told(&mut self, case_ids: &[String]) {
        for case_id in case_ids {
            for who in [CASEWORKER, Who::Family(case_id.clone())] {
                for what in ["timeline?limit=200", "shared-advice"] {
                    self.get(who.clone(), &format!("/v1/cases/{case_id}/{what}"))
                        .await;
                }
            }
        }
    }

    /// Records an event on the version that is there.
    async fn record_next(&mut self, uri: &str, event: Value) {
        let read = self.get(CASEWORKER, uri).await;
        if read.status == 200 {
            self.write(
                CASEWORKER,
                Method::POST,
                &format!("{uri}/events"),
                Some(read.version()),
                event,
            )
            .await;
        }
    }

    async fn act(&mut self) {
        if let Some(id) = self.some(|script| &script.requests) {
            self.act_on(&id).await;
        }
    }

    async fn act_on(&mut self, id: &str) {
        let uri = format!("/v1/advice-requests/{id}");
        let Some((read, version)) = self.version(&uri).await else {
            return;
        };
        let any: [&'static str; 5] = [
            "appointments",
            "exceptions",
            "redirection",
            "withdrawal",
            "declination",
        ];
        let fitting: &[&'static str] = match read.body["state"].as_str().unwrap() {
            "requested" => &["acknowledgement", "submission", "appointments", "exceptions"],
            "acknowledged" | "returned" => &["submission", "declination"],
            "submitted" => &["return", "acceptance"],
            _ => &any,
        };
        let acts = if self.random.random_bool(0.75) {
            fitting
        } else {
            &any
        };
        let act = self.one_of(acts);
        let organisation = self.some(|script| &script.organisations).unwrap();
        let mut body = sample(
            "POST",
            &format!("/v1/advice-requests/{{id}}/{act}"),
            &organisation,
        );
        let holder = read.body["organisation_id"].as_str().map(str::to_owned);
        let who = match holder {
            Some(holder) if self.random.random_bool(0.4) => Who::Contributor(holder),
            Some(_) | None => {
                if self.random.random_bool(0.4) {
                    body["occurred_on"] = json!(day_before(&mut self.random, self.today, 10));
                }
                CASEWORKER
            }
        };
        self.write(who, Method::POST, &format!("{uri}/{act}"), Some(version), body)
            .await;
    }

    async fn agree_existing_advice(&mut self) {
        let id = self.some(|script| &script.assessments).unwrap();
        let uri = format!("/v1/assessments/{id}/existing-advice");
        let agreed_on = day_before(&mut self.random, self.today, 5);
        let body = json!({ "requirement": self.one_of(&["education", "sensory"]), "author": "A", "dated_on": "2025-01-01",
            "agreements": { "adviser_on": agreed_on, "authority_on": agreed_on, "family_on": agreed_on } });
        self.post(CASEWORKER, &uri, body).await;
    }

    /// Reads a list, filtered somehow, some pages of it.
    async fn list(&mut self) {
        let lists = [
            "/v1/cases",
            "/v1/cases?caseworker=ann",
            "/v1/cases?flag=clock_overdue",
            "/v1/cases?flag=due_soon",
            "/v1/cases?state=considering_request",
            "/v1/cases?external_ref=mosaic:1",
            "/v1/cases?updated_since=2026-01-25T00:00:00Z",
            "/v1/assessments",
            "/v1/assessments?state=assessing",
            "/v1/assessments?due_before=2026-04-01",
            "/v1/assessments?flag=advice_late",
            "/v1/assessments?caseworker=Ben",
            "/v1/advice-requests",
            "/v1/advice-requests?state=submitted",
            "/v1/advice-requests?requirement=medical",
            "/v1/advice-requests?due_before=2026-03-10",
            "/v1/clocks",
            "/v1/clocks?status=running",
            "/v1/clocks?status=overdue",
            "/v1/clocks?kind=advice",
            "/v1/clocks?bearer=health",
            "/v1/clocks?as_of=2026-02-10",
            "/v1/clocks?include=case,explanation",
            "/v1/clocks?due_before=2026-03-01",
            "/v1/clocks?procedure=assessment&caseworker=ann",
            "/v1/organisations",
            "/v1/organisations?kind=health",
        ];
        let list = self.one_of(&lists);
        let separator = if list.contains('?') { '&' } else { '?' };
        let limit = self.random.random_range(1..6);
        let who = match self.random.random_range(0..8) {
            0 => Who::Stranger,
            1 => Who::Contributor(self.some(|script| &script.organisations).unwrap()),
            2 => Who::Family(self.some(|script| &script.cases).unwrap()),
            3 => Who::Staff(Role::Auditor),
            _ => CASEWORKER,
        };
        let mut next = Some(format!("{list}{separator}limit={limit}"));
        for _ in 0..3 {
            let Some(page) = next else { return };
            let answer = self.get(who.clone(), &page).await;
            let link = answer.header("link").and_then(|link| link.split_once('>'));
            next = link.map(|(link, _)| link[1..].to_owned());
        }
    }

    /// An auditor looks at what was done, all of it and of one case.
    async fn audit(&mut self) {
        let auditor = Who::Staff(Role::Auditor);
        self.get(auditor.clone(), "/v1/audit?limit=100").await;
        let uri = format!("/v1/audit?case_id={}&action=change_case", self.cases[0]);
        self.get(auditor, &uri).await;
    }

    async fn look_back(&mut self) {
        let id = self.some(|script| &script.assessments).unwrap();
        let as_of = day_before(&mut self.random, self.today, 40);
        let known_at = day_before(&mut self.random, self.today, 40);
        let questions = [
            format!("/v1/assessments/{id}?as_of={as_of}"),
            format!("/v1/assessments/{id}?known_at={known_at}T12:00:00Z"),
            format!("/v1/assessments/{id}?as_of={as_of}&known_at={known_at}T11:59:59.999999Z"),
            format!("/v1/assessments/{id}/advice?as_of={as_of}"),
            format!("/v1/assessments/{id}/events?limit=2"),
        ];
        let question = questions.choose(&mut self.random).unwrap();
        self.get(CASEWORKER, question).await;
    }

    async fn search(&mut self) {
        let wanted = [
            json!({ "name": "exa" }),
            json!({ "name": "zoe" }),
            json!({ "name": "OBRIEN" }),
            json!({ "name": "李" }),
            json!({ "name": "ber der" }),
            json!({ "upn": "D885200024001" }),
            json!({ "nhs_number": "9990000018" }),
            json!({ "uln": "1000000043" }),
        ];
        let wanted = wanted.choose(&mut self.random).unwrap().clone();
        self.post(CASEWORKER, "/v1/cases/search?limit=3", wanted).await;
    }

    /// Seals a case, opens it to others, has somebody break the glass, and takes the seal off again.
    async fn seal_in_order(&mut self) {
        let Some(case_id) = self.some(|script| &script.cases) else {
            return;
        };
        let manager = Who::Staff(Role::Manager);
        let of_case = |act: &str| format!("/v1/cases/{case_id}/{act}");
        let read = self.get(CASEWORKER, &format!("/v1/cases/{case_id}")).await;
        self.get(CASEWORKER, &of_case("seal")).await;
        for _ in 0..2 {
            let ground = json!({ "ground": "staff_child", "note": "a colleague's" });
            self.post(manager.clone(), &of_case("seal"), ground).await;
        }
        self.get(CASEWORKER, &format!("/v1/cases/{case_id}")).await;
        self.get(CASEWORKER, "/v1/cases?limit=5").await;
        let why = "the child is in hospital tonight";
        let breaking = json!({ "reference": read.body["reference"], "reason": why });
        let broken = self.post(CASEWORKER, "/v1/break-glass-readings", breaking).await;
        self.get(CASEWORKER, &format!("/v1/cases/{case_id}")).await;
        self.get(manager.clone(), "/v1/break-glass-readings?is_reviewed=false")
            .await;
        if broken.status == 201 {
            let review = format!("/v1/break-glass-readings/{}/review", broken.id());
            self.post(manager.clone(), &review, json!({})).await;
        }
        let grant = json!({ "subject": "auditor-885", "reason": "a dip sample" });
        let granted = self.post(manager.clone(), &of_case("grants"), grant).await;
        if granted.status == 201 {
            let ending = of_case(&format!("grants/{}/ending", granted.id()));
            self.post(manager.clone(), &ending, json!({})).await;
        }
        self.get(manager.clone(), &of_case("seal")).await;
        self.get(manager.clone(), &of_case("export")).await;
        self.post(manager, &of_case("unsealing"), json!({})).await;
    }

    /// Holds a case, makes, reviews and carries out a list, and tries each step out of its order.
    async fn dispose_in_order(&mut self) {
        let manager = Who::Staff(Role::Manager);
        self.post(manager.clone(), "/v1/disposal-lists", json!({})).await;
        let mut references = Vec::new();
        for born in ["1980-05-17", "1981-05-17"] {
            let child = json!({ "given_name": "A", "family_name": "B", "date_of_birth": born });
            let case = self.post(CASEWORKER, "/v1/cases", child).await;
            references.push(case.body["reference"].clone());
            let uri = format!("/v1/cases/{}", case.id());
            let closure = json!({ "reason": "aged_out", "occurred_on": self.today });
            self.post(CASEWORKER, &format!("{uri}/closure"), closure).await;
            let reason = json!({ "reason": "the inquiry" });
            let hold = self
                .post(manager.clone(), &format!("{uri}/legal-holds"), reason)
                .await;
            self.get(CASEWORKER, &format!("{uri}/retention")).await;
            let lifting = format!("{uri}/legal-holds/{}/lifting", hold.id());
            self.post(manager.clone(), &lifting, json!({})).await;
        }
        let made = self
            .post(manager.clone(), "/v1/disposal-lists", json!({ "limit": 2 }))
            .await;
        let uri = format!("/v1/disposal-lists/{}", made.id());
        let keep = json!({ "keep": [{ "case_id": made.body["items"][1]["case_id"], "reason": "x" }] });
        let mut version = 1;
        for (who, act, body) in [
            (manager.clone(), "review", keep.clone()),
            (Who::Reviewer, "disposal", json!({})),
            (Who::Reviewer, "review", keep),
            (manager, "disposal", json!({})),
        ] {
            let uri = format!("{uri}/{act}");
            let answer = self.write(who, Method::POST, &uri, Some(version), body).await;
            version += i64::from(answer.status == 200);
        }
        let auditor = Who::Staff(Role::Auditor);
        for uri in [
            uri,
            "/v1/disposal-lists".to_owned(),
            "/v1/disposals?limit=1".to_owned(),
            format!("/v1/disposals?reference={}", references[0].as_str().unwrap()),
        ] {
            self.get(auditor.clone(), &uri).await;
        }
    }

    /// Sends something again that was done, or something else under its key.
    async fn send_again(&mut self) {
        let keyed = |(sent, answer): &&(Sent, Answer)| {
            let has_key = sent.headers.iter().any(|(name, _)| *name == "Idempotency-Key");
            // A key is kept for a day.
            sent.method == Method::POST && has_key && answer.status < 300 && sent.today == self.today
        };
        let keyed: Vec<Sent> = self
            .sent
            .iter()
            .filter(keyed)
            .map(|(sent, _)| sent.clone())
            .collect();
        let Some(mut sent) = keyed.choose(&mut self.random).cloned() else {
            return;
        };
        if self.random.random_bool(0.4) {
            sent.body = sent.body.map(|body| body + " ");
        }
        self.send(sent.who, sent.method, &sent.uri, sent.headers, sent.body)
            .await;
    }

    /// Sends something else under the key of what succeeded.
    async fn reuse_a_key(&mut self) {
        let (sent, _) = self
            .sent
            .iter()
            .rfind(|(_, answer)| answer.status == 201)
            .unwrap();
        let other = Sent {
            body: sent.body.clone().map(|body| body + " "),
            ..sent.clone()
        };
        self.send(other.who, other.method, &other.uri, other.headers, other.body)
            .await;
    }

    /// Asks for something, or tries something, without the right to.
    async fn intrude(&mut self) {
        let case_id = self.some(|script| &script.cases).unwrap();
        let other = self.some(|script| &script.cases).unwrap();
        let organisation = self.some(|script| &script.organisations).unwrap();
        let intruders = [
            Who::Stranger,
            Who::Forger,
            Who::Nobody,
            Who::Family(other),
            Who::Contributor(organisation),
            Who::Staff(Role::Auditor),
        ];
        let who = intruders.choose(&mut self.random).unwrap().clone();
        let id = self.some(|script| &script.assessments).unwrap();
        match self.random.random_range(0..4) {
            0 => {
                self.get(who, &format!("/v1/cases/{case_id}")).await;
            }
            1 => {
                self.get(who, &format!("/v1/assessments/{id}")).await;
            }
            2 => {
                let body = json!({ "requirement": "other", "requested_on": self.today });
                self.post(who, &format!("/v1/assessments/{id}/advice-requests"), body)
                    .await;
            }
            _ => {
                let body = json!({ "caseworker": "me" });
                self.write(who, Method::PATCH, &format!("/v1/cases/{case_id}"), Some(1), body)
                    .await;
            }
        }
    }

    /// Sends what a client sends that was not tested.
    async fn blunder(&mut self) {
        let id = self.some(|script| &script.assessments).unwrap();
        let events = format!("/v1/assessments/{id}/events");
        let of_type = |content_type: &str| ("Content-Type", content_type.to_owned());
        let json_type = of_type("application/json");
        let key = ("Idempotency-Key", format!("\"key-{}\"", self.sent.len()));
        let post = |uri: &str, headers: Vec<(&'static str, String)>, body: &str| {
            (Method::POST, uri.to_owned(), headers, Some(body.to_owned()))
        };
        let get = |uri: &str| (Method::GET, uri.to_owned(), Vec::new(), None);
        let keyed = vec![json_type.clone(), key.clone()];
        let large = format!("{{\"given_name\": \"{}\"}}", "a".repeat(1024 * 1024));
        let blunders = [
            post("/v1/cases", keyed.clone(), "{\"given_name\": "),
            post("/v1/cases", keyed.clone(), "{}"),
            post(
                "/v1/cases",
                keyed.clone(),
                "{\"given_name\": 7, \"colour\": \"red\"}",
            ),
            post("/v1/cases", keyed.clone(), &large),
            post("/v1/cases", vec![json_type.clone()], "{}"),
            post("/v1/cases", vec![of_type("text/plain"), key.clone()], "{}"),
            post(
                "/v1/cases",
                vec![json_type.clone(), ("Idempotency-Key", "bare".to_owned())],
                "{}",
            ),
            post(&events, keyed.clone(), "{}"),
            post(
                &events,
                [keyed.clone(), vec![("If-Match", "1".to_owned())]].concat(),
                "{}",
            ),
            post("/v1/cases/search", keyed.clone(), "{\"name\": \"\"}"),
            post(
                "/v1/assessments",
                keyed.clone(),
                &sample("POST", "/v1/assessments", &id).to_string(),
            ),
            post(
                "/v1/timelines",
                vec![json_type.clone()],
                r#"{"procedure":"assessment","as_of":"2026-02-01","events":[{"type":"draft_plan_served","occurred_on":"2026-01-01"}]}"#,
            ),
            (Method::DELETE, "/v1/cases".to_owned(), Vec::new(), None),
            get("/v1/cases?page=2"),
            get("/v1/cases?limit=0"),
            get("/v1/cases?cursor=nonsense"),
            get("/v1/clocks?known_at=2026-01-01T00:00:00Z"),
            get(&format!("/v1/cases/{id}")),
            get("/v1/cases/%00"),
            get(&format!("/v1/assessments/{id}?as_of=2001-01-01")),
        ];
        // Each in its turn.
        let (method, uri, headers, body) = blunders[self.blunders % blunders.len()].clone();
        self.blunders += 1;
        self.send(CASEWORKER, method, &uri, headers, body).await;
    }

    /// Asks what anybody may.
    async fn ask_anybody(&mut self) {
        for uri in [
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/v1/rules?on=2026-01-01",
        ] {
            if self.random.random_bool(0.5) {
                self.get(Who::Nobody, uri).await;
            }
        }
        let body = sample("POST", "/v1/timelines", "");
        self.post(Who::Nobody, "/v1/timelines", body).await;
    }
}

/// The operation of the document that a request is for; none for those that are for no operation.
fn operation_of<'o>(operations: &'o [Operation], sent: &Sent) -> Option<&'o str> {
    let path = sent.uri.split('?').next().unwrap();
    let is_id = |segment: &str| Uuid::parse_str(segment).is_ok();
    let inner = if path.contains("/grants/") {
        "{grant_id}"
    } else if path.contains("/legal-holds/") {
        "{hold_id}"
    } else {
        "{person_id}"
    };
    let mut seen = 0;
    let segments = path.split('/').map(|segment| {
        if !is_id(segment) {
            let is_number = segment.parse::<i64>().is_ok();
            return if is_number { "{number}" } else { segment };
        }
        seen += 1;
        if seen == 1 { "{id}" } else { inner }
    });
    let template = segments.collect::<Vec<_>>().join("/");
    let mut fitting = operations.iter();
    let found =
        fitting.find(|operation| operation.method == sent.method.as_str() && operation.path == template);
    found.map(|operation| operation.id.as_str())
}

/// The whole of an answer that a client could tell from another.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, &str) {
    let mut headers = answer.headers.clone();
    headers.sort();
    (answer.status, headers, &answer.text)
}

fn assert_covers_everything(script: &[(Sent, Answer)]) {
    let operations = operations();
    let (mut done, mut codes) = (BTreeMap::new(), BTreeMap::new());
    for (sent, answer) in script {
        if let Some(operation) = operation_of(&operations, sent) {
            *done.entry(operation).or_insert(0) += u32::from(answer.status < 300);
        }
        if answer.status >= 400 {
            *codes.entry(answer.code().to_owned()).or_insert(0) += 1;
        }
        // One of many is refused by itself.
        for item in answer.body["items"].as_array().into_iter().flatten() {
            if let Some(code) = item["problem"]["code"].as_str() {
                *codes.entry(code.to_owned()).or_insert(0) += 1;
            }
        }
    }
    // Secrets and what is taken with them are others each time, by design; `clients` asks for those.
    let by_secret = ["add_client_secret", "revoke_client_secret", "take_client_token"];
    for operation in operations
        .iter()
        .filter(|operation| !by_secret.contains(&operation.id.as_str()))
    {
        assert!(
            done.get(operation.id.as_str()) >= Some(&1),
            "{} never succeeds: {done:?}",
            operation.id
        );
    }
    // A broken connection, a broken row, a broken store, a key that another replica has, a second manager, a second
    // review beside the one meant and more or longer than anybody may ask are not asked for here.
    let elsewhere = [
        Code::BadRequest,
        Code::RequestTimeout,
        Code::UriTooLong,
        Code::TooManyRequests,
        Code::HeadersTooLarge,
        Code::InvalidGrant,
        Code::InvalidScope,
        Code::TooManySecrets,
        Code::IdempotencyInFlight,
        Code::InternalError,
        Code::Unavailable,
        Code::OutcomeUnknown,
        Code::OwnReading,
        Code::BrokenGlassOnly,
        Code::SeveralOpenReviews,
    ];
    for code in Code::ALL.into_iter().filter(|code| !elsewhere.contains(code)) {
        assert!(
            codes.get(code.name()) >= Some(&1),
            "{} is never answered: {codes:?}",
            code.name()
        );
    }
    let (accepted, refused) = (done.values().sum::<u32>(), codes.values().sum::<u32>());
    assert!(
        accepted >= 250 && refused >= 100,
        "{accepted} accepted, {refused} refused"
    );
}

#[actix_web::test]
async fn both_databases_give_the_same_answers() {
    if postgres::server().is_none() {
        return;
    }
    let script = Script::record().await.sent;
    assert!(script.len() > LENGTH);
    let service = Service::over(Database::Postgres, FIRST_DAY, Ids::seeded(SEED));
    for (number, (sent, answer)) in script.iter().enumerate() {
        let again = send(&service, number, sent).await;
        assert_eq!(whole(&again), whole(answer), "request {number}: {sent:?}");
    }
    assert_covers_everything(&script);
}
