//! The life of one plan, from the assessment to its end fifteen years later, as it was recorded; and what an officer
//! saw on any day of it.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use ehcp_timeline::service::rebuild::rebuild_all;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::harness::{Service, day, each};

/// What an officer saw at an instant: a procedure, and the day.
struct Seen {
    uri: String,
    known_at: String,
    on: String,
    body: Value,
}

/// One child, told day by day.
struct Life {
    service: Service,
    case_id: String,
    assessment: String,
    seen: Vec<Seen>,
}

impl Life {
    async fn begins(day: &str, born_on: &str) -> Life {
        let service = Service::on(day);
        let case_id = service.case_with(json!({ "date_of_birth": born_on })).await;
        let assessment = service.assessment_on(&case_id, day).await;
        Life {
            service,
            case_id,
            assessment,
            seen: Vec::new(),
        }
    }

    async fn procedures(&self) -> Vec<Value> {
        let case = self.service.body(&format!("/v1/cases/{}", self.case_id)).await;
        case["procedures"].as_array().unwrap().clone()
    }

    /// The newest procedure of a kind in a state.
    async fn in_state(&self, kind: &str, states: &[&str]) -> String {
        let procedures = self.procedures().await;
        let found = procedures.iter().rfind(|procedure| {
            procedure["procedure"] == kind && states.iter().any(|state| procedure["state"] == *state)
        });
        let found = found.unwrap_or_else(|| panic!("no {kind} is {states:?}: {procedures:#?}"));
        format!("/v1/{kind}s/{}", found["id"].as_str().unwrap())
    }

    /// Records something on the day it happens, and looks at everything in the evening.
    async fn records(&mut self, day: &str, uri: &str, fact: Value) {
        self.service.set_now(&format!("{day}T10:00:00Z"));
        let mut event = fact;
        event["occurred_on"] = json!(day);
        let version = self.service.read(uri).await.version();
        let actor = self.service.caseworker();
        self.service
            .act(&actor, &format!("{uri}/events"), version, event)
            .await
            .expect(201);
        self.looks(day).await;
    }

    async fn looks(&mut self, day: &str) {
        let evening = format!("{day}T18:00:00Z");
        self.service.set_now(&evening);
        for procedure in self.procedures().await {
            let uri = format!(
                "/v1/{}s/{}",
                procedure["procedure"].as_str().unwrap(),
                procedure["id"].as_str().unwrap()
            );
            self.seen.push(Seen {
                body: self.service.body(&uri).await,
                known_at: evening.clone(),
                on: day.to_owned(),
                uri,
            });
        }
        self.is_never_without_a_running_review().await;
    }

    async fn is_never_without_a_running_review(&self) {
        let procedures = self.procedures().await;
        let is_in_force = |procedure: &Value| {
            let state = procedure["state"].as_str().unwrap();
            procedure["procedure"] == "plan"
                && ["in_force", "amendment_proposed", "cease_notified"].contains(&state)
        };
        let expected = usize::from(procedures.iter().any(is_in_force));
        let mut running = 0;
        for status in ["running", "overdue"] {
            let uri = format!(
                "/v1/clocks?kind=review_due&case_id={}&status={status}",
                self.case_id
            );
            running += self.service.list(&uri).await.len();
        }
        assert_eq!(running, expected, "{procedures:#?}");
    }

    /// A review of the year, from the invitation to what follows.
    async fn reviews(&mut self, meeting_on: &str, days: [&str; 3], decision: &str) -> String {
        let [arranged_on, report_on, decided_on] = days;
        let review = self.in_state("review", &["in_period"]).await;
        let arranged = json!({ "type": "review_meeting_arranged", "meeting_on": meeting_on });
        self.records(arranged_on, &review, arranged).await;
        let papers_on = (day(arranged_on) + Days::new(3)).to_string();
        self.records(&papers_on, &review, json!({ "type": "papers_circulated" }))
            .await;
        self.records(meeting_on, &review, json!({ "type": "review_meeting_held" }))
            .await;
        self.records(report_on, &review, json!({ "type": "review_report_sent" }))
            .await;
        let decided = json!({ "type": "review_decision_notified", "decision": decision });
        self.records(decided_on, &review, decided).await;
        review
    }

    /// Every last day that was another one evening than the evening before is told to the family, with why.
    async fn tells_the_family_why_days_moved(&self) {
        // They have long since grown up, and decide themselves.
        let people = format!("/v1/cases/{}/people", self.case_id);
        let person = json!({ "name": "A", "relationship": "young_person", "parental_responsibility": false,
            "receives_notices": true });
        let added = self
            .service
            .post(&self.service.caseworker(), &people, person)
            .await;
        let family = self.service.family_member(&self.case_id, &added.expect(201).id());
        let uri = format!("/v1/cases/{}/timeline", self.case_id);
        let items = self.service.pages(&family, &uri, 100).await;
        let sentences = each(&items, "sentence");
        let sentences: Vec<&str> = sentences.iter().map(|one| one.as_str().unwrap()).collect();
        insta::assert_snapshot!("fifteen_years_told", sentences.join("\n"));

        let mut last: HashMap<(&str, &str), &str> = HashMap::new();
        let mut moved = 0;
        for seen in &self.seen {
            for clock in seen.body["clocks"].as_array().unwrap() {
                let (clock_id, due_on) = (clock["id"].as_str().unwrap(), clock["due_on"].as_str().unwrap());
                let before = last.insert((&seen.uri, clock_id), due_on);
                if let Some(before) = before.filter(|before| *before != due_on) {
                    let is_it = |item: &&Value| {
                        (&item["what"], &item["on"], &item["clock_id"])
                            == (&json!("date_moved"), &json!(seen.on), &json!(clock_id))
                    };
                    let item = items.iter().find(is_it).unwrap();
                    let told = (&item["from_on"], &item["to_on"]);
                    assert_eq!(told, (&json!(before), &json!(due_on)));
                    moved += 1;
                }
            }
        }
        let told = items.iter().filter(|item| item["what"] == "date_moved").count();
        assert!(moved > 0 && moved <= told, "{moved} of {told}");
    }

    /// What the story reads like: the day, the procedure, what happened.
    async fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for procedure in self.procedures().await {
            let kind = procedure["procedure"].as_str().unwrap();
            let uri = format!("/v1/{kind}s/{}/events", procedure["id"].as_str().unwrap());
            for event in self.service.list(&uri).await {
                let line = format!(
                    "{} {kind}: {}",
                    event["occurred_on"].as_str().unwrap(),
                    event["type"].as_str().unwrap()
                );
                lines.push(line);
            }
        }
        lines.sort();
        lines
    }
}

#[actix_web::test]
async fn fifteen_years_of_one_plan() {
    let mut life = Life::begins("2015-01-05", "2010-03-01").await;
    let assessment = format!("/v1/assessments/{}", life.assessment);
    let assess = json!({ "type": "assess_decision_notified", "decision": "assess" });
    life.records("2015-02-09", &assessment, assess).await;
    life.records("2015-05-04", &assessment, json!({ "type": "draft_plan_served" }))
        .await;
    let sent = json!({ "type": "final_plan_sent", "missing_advice_reason": "None came" });
    life.records("2015-05-22", &assessment, sent).await;
    let plan = life.in_state("plan", &["in_force"]).await;
    let school = json!({ "type": "placement_started", "urn": "116936" });
    life.records("2015-09-01", &plan, school).await;

    // Two quiet years, the second of them late.
    life.reviews(
        "2016-04-18",
        ["2016-03-21", "2016-04-29", "2016-05-13"],
        "maintain",
    )
    .await;
    life.reviews(
        "2017-05-08",
        ["2017-04-10", "2017-05-19", "2017-06-02"],
        "maintain",
    )
    .await;

    // The first amendment. The notice is a week late.
    let amended = life
        .reviews("2018-04-16", ["2018-03-19", "2018-04-27", "2018-05-04"], "amend")
        .await;
    life.records("2018-05-21", &amended, json!({ "type": "amendment_notice_sent" }))
        .await;
    life.records("2018-07-02", &amended, json!({ "type": "amended_plan_sent" }))
        .await;
    let late = life.service.read(&amended).await;
    assert_eq!(late.clock("amendment_notice")["days_late"], 7);
    // In the autumn somebody finds that the meeting was a week later than was written down.
    life.service.set_now("2018-10-08T10:00:00Z");
    let events = life.service.list(&format!("{amended}/events")).await;
    let held = events
        .iter()
        .find(|event| event["type"] == "review_meeting_held")
        .unwrap();
    let right = json!({ "type": "review_meeting_held", "occurred_on": "2018-04-23" });
    let correction = json!({ "type": "correction", "reason": "The minutes say so",
        "changes": [{ "supersedes": held["id"], "replacement": right }] });
    life.records("2018-10-08", &amended, correction).await;
    assert_eq!(
        life.service.read(&amended).await.clock("amendment_notice")["days_late"],
        0
    );

    life.reviews(
        "2019-04-15",
        ["2019-03-18", "2019-04-26", "2019-05-01"],
        "maintain",
    )
    .await;
    life.reviews(
        "2020-03-16",
        ["2020-02-17", "2020-03-27", "2020-04-09"],
        "maintain",
    )
    .await;

    // Year 6: the second amendment names the secondary school.
    let review = life.in_state("review", &["in_period"]).await;
    let expected = json!({ "type": "phase_transfer_expected", "phase": "primary_to_secondary",
        "transfer_on": "2021-09-01" });
    life.records("2020-09-14", &review, expected).await;
    let transfer = life
        .reviews("2020-11-09", ["2020-10-12", "2020-11-20", "2020-11-30"], "amend")
        .await;
    assert_eq!(transfer, review);
    life.records(
        "2020-12-04",
        &transfer,
        json!({ "type": "amendment_notice_sent" }),
    )
    .await;
    life.records("2021-01-25", &transfer, json!({ "type": "amended_plan_sent" }))
        .await;
    let phase = life.service.read(&transfer).await.clock("phase_transfer_plan");
    assert_eq!(
        (&phase["due_on"], &phase["status"]),
        (&json!("2021-02-14"), &json!("met"))
    );
    let school = json!({ "type": "placement_started", "urn": "116999" });
    life.records("2021-09-01", &plan, school).await;

    for year in 2021..=2024 {
        let day = |month_and_day: &str| format!("{year}-{month_and_day}");
        life.reviews(
            &day("11-08"),
            [&day("10-11"), &day("11-19"), &day("11-29")],
            "maintain",
        )
        .await;
    }

    // The third amendment comes between two reviews.
    life.records("2025-03-03", &plan, json!({ "type": "amendment_proposed" }))
        .await;
    life.records("2025-04-22", &plan, json!({ "type": "amended_plan_sent" }))
        .await;
    let amended_plan = life.service.read(&plan).await.clock("amended_plan");
    assert_eq!(
        (&amended_plan["due_on"], &amended_plan["status"]),
        (&json!("2025-04-28"), &json!("met"))
    );
    for year in 2025..=2028 {
        let day = |month_and_day: &str| format!("{year}-{month_and_day}");
        life.reviews(
            &day("11-05"),
            [&day("10-08"), &day("11-16"), &day("11-26")],
            "maintain",
        )
        .await;
    }

    // Work, and no need of a plan any more. The family was asked, and the notice of the decision is the one that counts.
    let last = life
        .reviews("2029-11-05", ["2029-10-08", "2029-11-16", "2029-11-26"], "cease")
        .await;
    let consulted = json!({ "type": "cease_consulted", "reason": "paid_work" });
    life.records("2029-11-12", &plan, consulted).await;
    life.records(
        "2030-01-29",
        &plan,
        json!({ "type": "ceased", "reason": "paid_work" }),
    )
    .await;
    assert_eq!(life.service.body(&last).await["state"], "cease_decided");

    let story = life.told().await;
    insta::assert_snapshot!("fifteen_years", story.join("\n"));
    let procedures = life.procedures().await;
    assert_eq!(
        each(&procedures, "procedure")
            .iter()
            .filter(|kind| **kind == "review")
            .count(),
        16
    );

    life.tells_the_family_why_days_moved().await;

    // Whatever has been learnt since, each evening is as it was.
    life.service.set_now("2030-06-01T10:00:00Z");
    let mut looked_back = 0;
    for Seen {
        uri,
        known_at,
        on,
        body,
    } in &life.seen
    {
        let service = &life.service;
        let then = service.read(&format!("{uri}?known_at={known_at}")).await;
        let of_day = service
            .read(&format!("{uri}?known_at={known_at}&as_of={on}"))
            .await;
        let (then, of_day) = (then.expect(200).body, of_day.expect(200).body);
        for field in [
            "state",
            "clocks",
            "flags",
            "permitted_events",
            "opened_on",
            "as_of",
        ] {
            assert_eq!(then[field], body[field], "{field} of {uri} on {on}");
            assert_eq!(of_day[field], body[field], "{field} of {uri} on {on}");
        }
        looked_back += 1;
    }
    assert!(looked_back > 850, "{looked_back}");
}

/// What could happen on a plan or a review next, at random.
fn drawn(random: &mut ChaCha8Rng, permitted: &[String]) -> Option<Value> {
    let event_type = permitted.choose(random)?;
    let mut event = match event_type.as_str() {
        "review_meeting_arranged" => json!({ "meeting_on": "2031-01-01" }),
        "review_decision_notified" => {
            let decision = ["maintain", "amend", "cease"].choose(random)?;
            json!({ "decision": decision })
        }
        "review_withdrawn" => json!({ "withdrawn_by": "local_authority", "reason": "Not needed" }),
        "phase_transfer_expected" => {
            json!({ "phase": "primary_to_secondary", "transfer_on": "2031-09-01" })
        }
        "amended_plan_sent" => json!({ "sent_early_acknowledged": true }),
        "cease_notified" | "cease_consulted" | "ceased" => json!({ "reason": "other" }),
        "papers_circulated"
        | "review_meeting_held"
        | "review_report_sent"
        | "amendment_notice_sent"
        | "amendment_proposed"
        | "amendment_abandoned_notified"
        | "cease_withdrawn"
        | "certificate_issued"
        | "representations_received" => json!({}),
        _ => return None,
    };
    event["type"] = json!(event_type);
    Some(event)
}

/// A correction of one of the events that stand: it never happened, or on another day.
fn redrawn(random: &mut ChaCha8Rng, events: &[Value], today: NaiveDate) -> Option<Value> {
    let standing: Vec<&Value> = events
        .iter()
        .filter(|event| event["superseded_by"].is_null() && event["type"] != "correction")
        .collect();
    let event = standing.choose(random)?;
    let mut replacement = Value::Null;
    if random.random_bool(0.6) {
        let told = event.as_object()?.iter();
        let meta = [
            "id",
            "sequence",
            "recorded_at",
            "recorded_by",
            "superseded_by",
            "caused_by",
        ];
        replacement = told
            .filter(|(field, value)| !meta.contains(&field.as_str()) && !value.is_null())
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect();
        let on = day(event["occurred_on"].as_str()?) + Days::new(20) - Days::new(random.random_range(0..40));
        replacement["occurred_on"] = json!(on.min(today));
    }
    Some(json!({ "type": "correction", "reason": "Typed wrongly",
        "changes": [{ "supersedes": event["id"], "replacement": replacement }] }))
}

#[actix_web::test]
async fn a_plan_is_never_without_a_running_review_whatever_happens() {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for seed in 0..8 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let life = Life::begins("2026-01-05", "2015-03-01").await;
        let made =
            json!({ "case_id": life.case_id, "event": { "type": "plan_made", "occurred_on": "2026-01-05" } });
        let caseworker = life.service.caseworker();
        life.service
            .post(&caseworker, "/v1/plans", made)
            .await
            .expect(201);
        let mut on = day("2026-01-06");
        for _ in 0..40 {
            on = on + Days::new(random.random_range(0..90));
            life.service.set_today(&on.to_string());
            let procedures = life.procedures().await;
            let open: Vec<&Value> = procedures
                .iter()
                .filter(|procedure| procedure["procedure"] != "assessment")
                .collect();
            let chosen = open.choose(&mut random).unwrap();
            let uri = format!(
                "/v1/{}s/{}",
                chosen["procedure"].as_str().unwrap(),
                chosen["id"].as_str().unwrap()
            );
            let read = life.service.read(&uri).await;
            let is_correction = random.random_bool(0.2);
            let event = if is_correction {
                let events = life.service.list(&format!("{uri}/events")).await;
                redrawn(&mut random, &events, on)
            } else {
                drawn(&mut random, &read.permitted())
            };
            let Some(mut event) = event else {
                continue;
            };
            let is_late = !is_correction && random.random_bool(0.2);
            let days_late = if is_late { random.random_range(1..150) } else { 0 };
            event["occurred_on"] = json!(on - Days::new(days_late));
            let event_type = event["type"].clone();
            let answer = life
                .service
                .act(&caseworker, &format!("{uri}/events"), read.version(), event)
                .await;
            // What is told late or told otherwise may not fit what was told since.
            let may_be_refused = is_correction || is_late || event_type == "ceased";
            assert!(
                answer.status == 201 || (may_be_refused && [409, 422].contains(&answer.status)),
                "{event_type}: {}",
                answer.text
            );
            for (what, is_it) in [
                ("correction", is_correction),
                ("late", is_late),
                ("ceased", event_type == "ceased"),
            ] {
                *seen.entry(what).or_default() += u32::from(is_it && answer.status == 201);
            }
            life.is_never_without_a_running_review().await;
        }
        let report = rebuild_all(&life.service.app.store, true, |_| {}).unwrap();
        assert_eq!(report.differing, 0, "seed {seed}");
    }
    assert!(seen.values().all(|times| *times > 3), "{seen:?}");
}
