//! Random histories, driven through the API as a careless office would: backdated, dated variously,
//! corrected, resumed, redirected. Most of what is tried is refused; what is accepted counts.

use chrono::{Days, NaiveDate};
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::harness::{Service, day};

/// An office at work.
pub struct Walk {
    pub service: Service,
    pub assessments: Vec<String>,
    pub cases: Vec<String>,
    pub today: NaiveDate,
    /// How many events were accepted.
    pub accepted: usize,
    organisations: Vec<String>,
    random: ChaCha8Rng,
}

fn one_of<'w>(random: &mut ChaCha8Rng, words: &[&'w str]) -> &'w str {
    words.choose(random).unwrap()
}

const REQUIREMENTS: [&str; 9] = [
    "parent",
    "education",
    "medical",
    "psychological",
    "social_care",
    "other",
    "preparation_for_adulthood",
    "family_requested",
    "sensory",
];

impl Walk {
    pub async fn new(seed: u64, cases: usize) -> Walk {
        let service = Service::on("2026-01-20");
        let mut organisations = Vec::new();
        for (name, kind) in [("Trust", "health"), ("School", "school"), ("Care", "social_care")] {
            organisations.push(service.organisation(name, kind).await);
        }
        service
            .put(&service.admin(), "/v1/settings", json!({ "default_contributors": [{ "requirement": "medical", "organisation_id": organisations[0] }] }))
            .await
            .expect(200);
        let mut walk = Walk {
            service,
            assessments: Vec::new(),
            cases: Vec::new(),
            today: day("2026-01-20"),
            accepted: 0,
            organisations,
            random: ChaCha8Rng::seed_from_u64(seed),
        };
        for _ in 0..cases {
            let born = walk.random.random_range(2008..2021);
            let case_id = walk
                .service
                .case_with(json!({ "date_of_birth": format!("{born}-06-15") }))
                .await;
            let requested_on = walk.day_before_today(15);
            let id = walk.service.assessment_on(&case_id, &requested_on).await;
            walk.cases.push(case_id);
            walk.assessments.push(id);
        }
        walk
    }

    fn day_before_today(&mut self, at_most: u64) -> String {
        day_before(&mut self.random, self.today, at_most)
    }

    /// Does one random thing.
    pub async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..=14 => self.pass_time(),
            15..=54 => self.record().await,
            55..=64 => self.ask().await,
            65..=81 => self.act().await,
            82..=94 => self.correct().await,
            95..=96 => self.change_facts().await,
            97..=98 => self.switch_reading().await,
            _ => self.close_case().await,
        }
    }

    fn pass_time(&mut self) {
        self.today = self.today + Days::new(self.random.random_range(1..25));
        self.service.set_today(&self.today.to_string());
    }

    fn some_assessment(&mut self) -> String {
        self.assessments.choose(&mut self.random).unwrap().clone()
    }

    async fn record(&mut self) {
        let id = self.some_assessment();
        let now = self
            .service
            .read(&format!("/v1/assessments/{id}"))
            .await
            .expect(200);
        let Some(event_type) = now.permitted().into_iter().choose(&mut self.random) else {
            return;
        };
        let rare = ["assessment_withdrawn", "moved_out"].contains(&event_type.as_str());
        if rare && self.random.random_bool(0.7) {
            return;
        }
        let event = some_event(&mut self.random, &event_type, self.today, &self.organisations);
        let uri = format!("/v1/assessments/{id}/events");
        let answer = self
            .service
            .act(&self.service.caseworker(), &uri, now.version(), event)
            .await;
        self.note(answer.status);
    }

    async fn ask(&mut self) {
        let id = self.some_assessment();
        let requested_on = self.day_before_today(20);
        let mut body = json!({ "requirement": REQUIREMENTS.choose(&mut self.random).unwrap(), "requested_on": requested_on });
        if self.random.random_bool(0.7) {
            body["organisation_id"] = json!(self.organisations.choose(&mut self.random).unwrap());
        }
        if self.random.random_bool(0.3) {
            body["received_on"] = json!(self.today.to_string());
        }
        let answer = self
            .service
            .post(
                &self.service.caseworker(),
                &format!("/v1/assessments/{id}/advice-requests"),
                body,
            )
            .await;
        self.note(answer.status);
    }

    async fn act(&mut self) {
        let requests = self.service.list("/v1/advice-requests").await;
        let Some(request) = requests.choose(&mut self.random) else {
            return;
        };
        let occurred_on = self.day_before_today(20);
        let random = &mut self.random;
        let (act, mut body) = match random.random_range(0..10) {
            0 => ("acknowledgement", json!({})),
            1..=3 => ("submission", json!({ "summary": "x", "authors": ["A"] })),
            4 => ("return", json!({ "reasons": ["other"], "comment": "x" })),
            5 => ("acceptance", json!({})),
            6 => (
                "declination",
                json!({ "ground": one_of(random, &["adverse_effect", "no_capacity"]), "reasons": "x" }),
            ),
            7 => (
                "redirection",
                json!({ "organisation_id": self.organisations.choose(random).unwrap() }),
            ),
            8 => ("withdrawal", json!({})),
            _ => (
                "exceptions",
                json!({ "ground": "absent", "from": "2026-01-10", "to": "2026-03-20" }),
            ),
        };
        body["occurred_on"] = json!(occurred_on);
        let uri = format!("/v1/advice-requests/{}/{act}", request["id"].as_str().unwrap());
        let answer = self
            .service
            .act(
                &self.service.caseworker(),
                &uri,
                request["version"].as_i64().unwrap(),
                body,
            )
            .await;
        self.note(answer.status);
    }

    /// Voids an event or moves it to another day, mostly not the first.
    async fn correct(&mut self) {
        let id = self.some_assessment();
        let events = self.service.list(&format!("/v1/assessments/{id}/events")).await;
        let usable = |event: &&Value| {
            event["superseded_by"].is_null()
                && event["type"] != "correction"
                && event["type"] != "case_closed"
        };
        let Some(event) = events.iter().filter(usable).choose(&mut self.random) else {
            return;
        };
        let is_opening = event["type"] == "request_received";
        let event_id = event["id"].as_str().unwrap().to_owned();
        let voids = self.random.random_bool(if is_opening { 0.05 } else { 0.4 });
        let replacement = if voids {
            Value::Null
        } else {
            moved(&mut self.random, self.today, event)
        };
        let answer = self.service.correct(&id, &[(&event_id, replacement)]).await;
        self.note(answer.status);
    }

    async fn change_facts(&mut self) {
        let uri = format!("/v1/cases/{}", self.cases.choose(&mut self.random).unwrap());
        let version = self.service.read(&uri).await.expect(200).version();
        let need = one_of(&mut self.random, &["HI", "ASD"]);
        let body = json!({ "needs": [{ "type": need, "rank": 1 }], "year_group_override": self.random.random_range(1..12) });
        self.service
            .patch(&self.service.caseworker(), &uri, version, body)
            .await
            .expect(200);
    }

    async fn switch_reading(&mut self) {
        let mut settings = self.service.body("/v1/settings").await;
        settings.as_object_mut().unwrap().remove("version");
        settings["readings"]["day_of_receipt"] = json!(one_of(&mut self.random, &["excluded", "day_one"]));
        settings["readings"]["non_working_due_day"] =
            json!(one_of(&mut self.random, &["stands", "next_working_day"]));
        settings["due_soon_days"] = json!(self.random.random_range(0..30));
        self.service
            .put(&self.service.admin(), "/v1/settings", settings)
            .await
            .expect(200);
    }

    async fn close_case(&mut self) {
        let uri = format!(
            "/v1/cases/{}/closure",
            self.cases.choose(&mut self.random).unwrap()
        );
        let body = json!({ "reason": "other", "occurred_on": self.day_before_today(10) });
        let answer = self.service.post(&self.service.caseworker(), &uri, body).await;
        self.note(answer.status);
    }

    fn note(&mut self, status: u16) {
        assert!([201, 409, 422].contains(&status), "{status}");
        self.accepted += usize::from(status == 201);
    }
}

/// A day not long before another.
pub fn day_before(random: &mut ChaCha8Rng, today: NaiveDate, at_most: u64) -> String {
    (today - Days::new(random.random_range(0..=at_most))).to_string()
}

/// An event of a type, more or less as it should be.
pub fn some_event(
    random: &mut ChaCha8Rng,
    event_type: &str,
    today: NaiveDate,
    organisations: &[String],
) -> Value {
    let occurred_on = day_before(random, today, 30);
    let organisation = organisations.choose(random).unwrap().clone();
    let consultation = format!("019b0000-0000-7000-8000-00000000c00{}", random.random_range(0..3));
    let mut event = match event_type {
        "request_received" | "further_request_received" => json!({ "requested_by": "parent" }),
        "assess_decision_notified" => {
            json!({ "decision": if random.random_bool(0.8) { "assess" } else { "refuse" } })
        }
        "plan_decision_notified" => {
            json!({ "decision": if random.random_bool(0.7) { "issue" } else { "not_issue" } })
        }
        "draft_plan_served" => {
            json!({ "reason": one_of(random, &["first", "authority_changes", "representations_agreed"]) })
        }
        "setting_consulted" => {
            json!({ "consultation_id": consultation, "organisation_id": organisation })
        }
        "setting_replied" => json!({ "consultation_id": consultation, "reply": "conditional" }),
        "place_awaited" => {
            json!({ "consultation_id": consultation, "since_on": day_before(random, today, 30) })
        }
        "place_offered" => json!({ "consultation_id": consultation }),
        "joint_meeting_arranged" => {
            json!({ "meeting_on": today, "invited": [{ "party": "health", "organisation_id": organisation }] })
        }
        "joint_meeting_held" => {
            json!({ "attendance": [{ "party": "health", "organisation_id": organisation, "attended": "in_person" }] })
        }
        "final_plan_sent" => json!({ "missing_advice_reason": "x", "sent_early_acknowledged": true,
            "recipients": [{ "role": "family", "sent_on": today.to_string() }, { "role": "setting", "sent_on": occurred_on }],
            "waiver": { "given_by": "parent", "given_on": occurred_on } }),
        "assessment_withdrawn" => json!({ "withdrawn_by": "parent", "reason": "x" }),
        "moved_out" => json!({ "to_la": "330" }),
        "assessment_resumed" => {
            json!({ "basis": "authority_reconsidered", "outcome": one_of(random, &["assess", "make_plan", "reconsider"]) })
        }
        "exception_claimed" => {
            json!({ "ground": one_of(random, &["absent", "personal_circumstances"]), "from": "2026-01-10", "to": "2026-03-20",
            "clocks": ["final_plan", "assess_decision", "plan_decision"] })
        }
        _ => json!({}),
    };
    event["type"] = json!(event_type);
    for field in ["sent_on", "received_on"] {
        if random.random_bool(0.2) {
            event[field] = json!(day_before(random, today, 30));
        }
    }
    if random.random_bool(0.3) {
        let ahead = Days::new(random.random_range(0..12));
        event["served_on"] = json!((day(&occurred_on) + ahead).to_string());
    }
    event["occurred_on"] = json!(occurred_on);
    event
}

/// What could replace a recorded event: the same on another day.
pub fn moved(random: &mut ChaCha8Rng, today: NaiveDate, event: &Value) -> Value {
    let event_type = event["type"].as_str().unwrap();
    let by = random.random_range(0..9);
    let occurred_on = day(event["occurred_on"].as_str().unwrap()) + Days::new(by) - Days::new(4);
    match event_type {
        "advice_requested" => {
            json!({ "type": event_type, "occurred_on": occurred_on, "requirement": event["requirement"], "received_on": today })
        }
        "advice_submitted" => {
            json!({ "type": event_type, "occurred_on": occurred_on, "requirement": "medical" })
        }
        _ => {
            let mut event = event.clone();
            for field in [
                "id",
                "sequence",
                "recorded_at",
                "recorded_by",
                "superseded_by",
                "note",
            ] {
                event.as_object_mut().unwrap().remove(field);
            }
            event["occurred_on"] = json!(occurred_on);
            event
        }
    }
}
