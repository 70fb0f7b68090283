//! Advice: asking, every act on a request, who may do it, and what is missing.

use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each, ids};

const OPENED: &str = "2026-01-05";

/// An assessment that is being made, a health body, and the medical request to it of 12 February.
struct Asked {
    service: Service,
    assessment: String,
    trust: String,
    request: String,
}

impl Asked {
    async fn on(today: &str) -> Asked {
        let service = Service::on(today);
        let trust = service.organisation("Riverbank Trust", "health").await;
        let assessment = service.assessment(OPENED).await;
        service.decide_to_assess(&assessment, "2026-02-10").await;
        let body = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12",
            "family_story": "He loves trains", "questions": "What helps him sleep?" });
        let request = service.ask(&assessment, body).await.id();
        Asked {
            service,
            assessment,
            trust,
            request,
        }
    }

    async fn act(&self, act: &str, body: Value) -> Answer {
        self.service
            .act_on(&self.service.caseworker(), &self.request, act, body)
            .await
    }

    async fn request(&self) -> Value {
        self.service
            .body(&format!("/v1/advice-requests/{}", self.request))
            .await
    }

    async fn assessed(&self) -> Answer {
        self.service
            .read(&format!("/v1/assessments/{}", self.assessment))
            .await
            .expect(200)
    }

    /// The row of the matrix for a requirement.
    async fn row(&self, requirement: &str) -> Value {
        let matrix = self
            .service
            .body(&format!("/v1/assessments/{}/advice", self.assessment))
            .await;
        matrix["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["requirement"] == requirement)
            .unwrap()
            .clone()
    }
}

fn submission(day: &str) -> Value {
    json!({ "occurred_on": day, "summary": "He needs a quiet room", "authors": ["Dr Ada Example, paediatrician"] })
}

/// Every act with a body that conforms, on 20 March.
fn acts(other: &str) -> Vec<(&'static str, Value)> {
    let day = "2026-03-20";
    vec![
        ("acknowledgement", json!({ "occurred_on": day })),
        ("submission", submission(day)),
        (
            "return",
            json!({ "occurred_on": day, "reasons": ["incomplete"], "comment": "Section 3 is empty" }),
        ),
        ("acceptance", json!({ "occurred_on": day })),
        (
            "declination",
            json!({ "occurred_on": day, "ground": "no_capacity", "reasons": "Two posts are vacant" }),
        ),
        (
            "redirection",
            json!({ "occurred_on": day, "organisation_id": other }),
        ),
        (
            "withdrawal",
            json!({ "occurred_on": day, "reason": "Not needed" }),
        ),
        (
            "appointments",
            json!({ "occurred_on": day, "offered_on": "2026-03-18", "outcome": "missed" }),
        ),
        (
            "exceptions",
            json!({ "occurred_on": day, "ground": "absent", "from": "2026-03-01", "to": "2026-03-19" }),
        ),
    ]
}

#[actix_web::test]
async fn a_request_shows_whom_it_asks_for_what_by_when() {
    let asked = Asked::on("2026-02-20").await;
    let request = asked.request().await;
    for (field, value) in [
        ("requirement", json!("medical")),
        ("organisation_id", json!(asked.trust)),
        ("procedure_id", json!(asked.assessment)),
        ("state", json!("requested")),
        ("requested_on", json!("2026-02-12")),
        ("received_on", Value::Null),
        ("start_basis", json!("presumed")),
        ("due_on", json!("2026-03-26")),
        ("submitted_on", Value::Null),
        ("accepted_on", Value::Null),
        ("family_story", json!("He loves trains")),
        ("questions", json!("What helps him sleep?")),
        ("submissions", json!([])),
        ("version", json!(1)),
    ] {
        assert_eq!(request[field], value, "{field}");
    }
    let clock = &request["clock"];
    assert_eq!(
        (
            clock["kind"].clone(),
            clock["bearer"].clone(),
            clock["force"].clone(),
            clock["advice_request_id"].clone()
        ),
        (
            json!("advice"),
            json!("health"),
            json!("statutory"),
            json!(asked.request)
        )
    );
    assert!(!clock["explanation"].as_array().unwrap().is_empty());
}

#[actix_web::test]
async fn the_clock_starts_when_the_body_received_the_request() {
    let asked = Asked::on("2026-02-20").await;
    let body =
        json!({ "requirement": "education", "requested_on": "2026-02-12", "received_on": "2026-02-16" });
    let recorded = asked.service.ask(&asked.assessment, body).await;
    assert_eq!(
        (
            recorded.body["start_basis"].clone(),
            recorded.body["due_on"].clone()
        ),
        (json!("recorded"), json!("2026-03-30"))
    );
    assert_eq!(
        recorded.header("location").unwrap(),
        format!("/v1/advice-requests/{}", recorded.id())
    );
    assert_eq!(
        recorded.body["clock"]["force"], "guidance",
        "nobody said that it is a section 31 body"
    );
    let acknowledged = asked
        .act("acknowledgement", json!({ "occurred_on": "2026-02-18" }))
        .await
        .expect(201);
    assert_eq!(
        (
            acknowledged.body["state"].clone(),
            acknowledged.body["due_on"].clone()
        ),
        (json!("acknowledged"), json!("2026-03-26"))
    );
}

#[actix_web::test]
async fn force_follows_the_organisation() {
    let service = Service::on("2026-02-20");
    let id = service.assessment(OPENED).await;
    let social_care = service
        .post(
            &service.admin(),
            "/v1/organisations",
            json!({ "name": "Care", "kind": "social_care", "section_31_body": true }),
        )
        .await
        .expect(201)
        .id();
    let private = service
        .post(
            &service.admin(),
            "/v1/organisations",
            json!({ "name": "Private", "kind": "health", "section_31_body": false }),
        )
        .await
        .expect(201)
        .id();
    let body =
        json!({ "requirement": "social_care", "organisation_id": social_care, "requested_on": "2026-02-01" });
    assert_eq!(service.ask(&id, body).await.body["clock"]["force"], "statutory");
    let body = json!({ "requirement": "medical", "organisation_id": private, "requested_on": "2026-02-01" });
    assert_eq!(service.ask(&id, body).await.body["clock"]["force"], "guidance");
    let body = json!({ "requirement": "medical", "requested_on": "2026-02-01" });
    assert_eq!(service.ask(&id, body).await.body["clock"]["force"], "statutory");
}

#[actix_web::test]
async fn every_act_in_every_state_is_done_or_refused_with_what_fits() {
    let asked = Asked::on("2026-03-25").await;
    let service = &asked.service;
    let other = service.organisation("Other Trust", "health").await;
    // The state that each act leads to, and the acts that lead into each state.
    let leads_to = |act: &str, from: &str| {
        match act {
            "acknowledgement" => "acknowledged",
            "submission" => "submitted",
            "return" => "returned",
            "acceptance" => "accepted",
            "declination" => "declined",
            "redirection" => "requested",
            "withdrawal" => "withdrawn",
            _ => from,
        }
        .to_owned()
    };
    let fitting = |state: &str| -> &'static [&'static str] {
        match state {
            "requested" => &[
                "acknowledgement",
                "submission",
                "declination",
                "redirection",
                "withdrawal",
                "appointments",
                "exceptions",
            ],
            "acknowledged" | "returned" => &[
                "submission",
                "declination",
                "redirection",
                "withdrawal",
                "appointments",
                "exceptions",
            ],
            "submitted" => &["return", "acceptance", "withdrawal", "appointments", "exceptions"],
            "accepted" => &["exceptions"],
            "declined" => &[
                "submission",
                "redirection",
                "withdrawal",
                "appointments",
                "exceptions",
            ],
            _ => &[],
        }
    };
    let paths: [(&str, &[&str]); 7] = [
        ("requested", &[]),
        ("acknowledged", &["acknowledgement"]),
        ("submitted", &["submission"]),
        ("returned", &["submission", "return"]),
        ("accepted", &["submission", "acceptance"]),
        ("declined", &["declination"]),
        ("withdrawn", &["withdrawal"]),
    ];
    let mut number = 0;
    let mut fresh = async |path: &[&str]| {
        number += 1;
        let body = json!({ "requirement": "other", "service": format!("service {number}"), "requested_on": "2026-02-12" });
        let request = service.ask(&asked.assessment, body).await.id();
        for act in path {
            let body = acts(&other).into_iter().find(|(name, _)| name == act).unwrap().1;
            service.acted(&request, act, body).await;
        }
        request
    };
    for (state, path) in paths {
        let mut request = fresh(path).await;
        for (act, body) in acts(&other) {
            let answer = service.act_on(&service.caseworker(), &request, act, body).await;
            if fitting(state).contains(&act) {
                assert_eq!(
                    answer.expect(201).body["state"],
                    leads_to(act, state),
                    "{act} on {state}"
                );
                request = fresh(path).await;
            } else {
                assert_eq!(
                    (answer.status, answer.code()),
                    (409, "event_not_permitted"),
                    "{act} on {state}"
                );
                assert_eq!(
                    (answer.body["request_state"].clone(), answer.body["state"].clone()),
                    (json!(state), json!("assessing"))
                );
                assert_eq!(
                    answer.body["permitted_acts"].as_array().unwrap().len(),
                    fitting(state).len(),
                    "{act} on {state}"
                );
                assert_eq!(
                    answer.faults(),
                    [" event_not_permitted"],
                    "the whole act, which has no type"
                );
            }
        }
    }
}

#[actix_web::test]
async fn an_act_takes_the_version_of_its_own_request() {
    let asked = Asked::on("2026-02-20").await;
    let service = &asked.service;
    let uri = format!("/v1/advice-requests/{}/acknowledgement", asked.request);
    let keyed = || {
        service
            .caseworker()
            .request(actix_web::http::Method::POST, &uri)
            .insert_header(crate::harness::new_key())
            .set_json(json!({}))
    };
    assert_eq!(service.send(keyed()).await.code(), "precondition_required");
    let stale = service.act(&service.caseworker(), &uri, 3, json!({})).await;
    assert_eq!(
        (stale.status, stale.body["current_version"].clone()),
        (412, json!(1)),
        "not the version of the assessment"
    );
    // Another request of the same assessment changes nothing about this one.
    service
        .ask(
            &asked.assessment,
            json!({ "requirement": "education", "requested_on": "2026-02-12" }),
        )
        .await;
    let acknowledged = service
        .act(&service.caseworker(), &uri, 1, json!({}))
        .await
        .expect(201);
    assert_eq!(
        (acknowledged.header("etag"), acknowledged.body["version"].clone()),
        (Some("\"v2\""), json!(2))
    );
    for _ in 0..2 {
        let same = service
            .act(
                &service.caseworker(),
                &uri.replace("acknowledgement", "appointments"),
                service
                    .read(&format!("/v1/advice-requests/{}", asked.request))
                    .await
                    .version(),
                json!({ "offered_on": "2026-03-01", "outcome": "offered" }),
            )
            .await
            .expect(201);
        assert_eq!(same.body["state"], "acknowledged");
    }
    assert_eq!(
        asked.request().await["version"],
        4,
        "an act that changes no field raises it too"
    );
}

#[actix_web::test]
async fn one_live_request_per_requirement_service_and_organisation() {
    let asked = Asked::on("2026-03-25").await;
    let service = &asked.service;
    let uri = format!("/v1/assessments/{}/advice-requests", asked.assessment);
    let ask = async |body: Value| service.post(&service.caseworker(), &uri, body).await;
    let same =
        json!({ "requirement": "medical", "organisation_id": asked.trust, "requested_on": "2026-02-13" });
    let refused = ask(same.clone()).await;
    assert_eq!((refused.status, refused.code()), (409, "duplicate"));
    ask(json!({ "requirement": "medical", "service": "camhs", "organisation_id": asked.trust, "requested_on": "2026-02-13" })).await.expect(201);
    // To nobody in particular is a place of its own too.
    let unnamed = json!({ "requirement": "medical", "requested_on": "2026-02-13" });
    ask(unnamed.clone()).await.expect(201);
    assert_eq!(ask(unnamed).await.code(), "duplicate");

    // A redirection may not run into another.
    let other = service.organisation("Other Trust", "health").await;
    ask(json!({ "requirement": "medical", "organisation_id": other, "requested_on": "2026-02-13" }))
        .await
        .expect(201);
    let refused = asked
        .act("redirection", json!({ "organisation_id": other }))
        .await;
    assert_eq!((refused.status, refused.code()), (409, "duplicate"));
    assert_eq!(asked.request().await["organisation_id"], asked.trust);

    // Once it is withdrawn or declined another may be opened.
    asked.act("withdrawal", json!({})).await.expect(201);
    ask(same).await.expect(201);
}

#[actix_web::test]
async fn the_first_submission_stops_the_clock_and_a_return_does_not_start_it() {
    let asked = Asked::on("2026-04-20").await;
    asked
        .act("submission", submission("2026-03-25"))
        .await
        .expect(201);
    asked.act("return", json!({ "occurred_on": "2026-03-28", "reasons": ["unclear", "unsigned"], "comment": "Who signed?" })).await.expect(201);
    let returned = asked.assessed().await;
    assert_eq!(
        returned
            .flag_codes()
            .iter()
            .filter(|code| *code == "advice_returned")
            .count(),
        1
    );
    let again = asked
        .act("submission", submission("2026-04-10"))
        .await
        .expect(201);
    assert_eq!(again.body["submitted_on"], "2026-03-25");
    assert_eq!(again.body["clock"]["status"], "met");
    assert_eq!(
        each(again.body["submissions"].as_array().unwrap(), "submitted_on"),
        ["2026-03-25", "2026-04-10"]
    );
    assert_eq!(
        again.body["submissions"][0]["authors"],
        json!(["Dr Ada Example, paediatrician"])
    );
    let accepted = asked
        .act("acceptance", json!({ "occurred_on": "2026-04-12" }))
        .await
        .expect(201);
    assert_eq!(
        (
            accepted.body["state"].clone(),
            accepted.body["accepted_on"].clone()
        ),
        (json!("accepted"), json!("2026-04-12"))
    );
    assert!(
        !asked
            .assessed()
            .await
            .flags()
            .contains(&"advice_returned".to_owned())
    );
}

#[actix_web::test]
async fn what_was_submitted_in_error_is_shown_no_more() {
    let asked = Asked::on("2026-04-20").await;
    asked
        .act(
            "submission",
            json!({ "occurred_on": "2026-03-25", "summary": "Another child's", "authors": ["Dr B"] }),
        )
        .await
        .expect(201);
    let wrong = asked.service.event_ids(&asked.assessment).await[3].clone();
    asked
        .service
        .correct(&asked.assessment, &[(&wrong, Value::Null)])
        .await
        .expect(201);
    let request = asked.request().await;
    assert_eq!(
        (request["state"].clone(), request["submitted_on"].clone()),
        (json!("requested"), Value::Null)
    );
    assert_eq!(request["submissions"], json!([]));
    assert_eq!(request["clock"]["status"], "overdue");
}

#[actix_web::test]
async fn a_redirection_keeps_the_first_dates() {
    let asked = Asked::on("2026-03-25").await;
    let school = asked.service.organisation("Hill School", "school").await;
    let before = asked.request().await;
    asked
        .act(
            "declination",
            json!({ "occurred_on": "2026-02-20", "ground": "wrong_organisation", "reasons": "Not ours" }),
        )
        .await
        .expect(201);
    assert!(
        asked
            .assessed()
            .await
            .flags()
            .contains(&"advice_declined".to_owned())
    );
    let redirected = asked
        .act(
            "redirection",
            json!({ "occurred_on": "2026-02-24", "organisation_id": school }),
        )
        .await
        .expect(201);
    for field in ["requested_on", "due_on", "start_basis"] {
        assert_eq!(redirected.body[field], before[field], "{field}");
    }
    assert_eq!(redirected.body["organisation_id"], school);
    let clock = &redirected.body["clock"];
    assert_eq!(
        (
            clock["id"].clone(),
            clock["bearer"].clone(),
            clock["force"].clone()
        ),
        (
            before["clock"]["id"].clone(),
            json!("education_setting"),
            json!("guidance")
        )
    );
    assert!(
        !asked
            .assessed()
            .await
            .flags()
            .contains(&"advice_declined".to_owned())
    );
    let uri = format!("/v1/assessments/{}?as_of=2026-02-23", asked.assessment);
    let then = asked.service.read(&uri).await.expect(200);
    assert_eq!(
        then.clock("advice")["bearer"],
        "health",
        "until then it was the trust's"
    );
}

#[actix_web::test]
async fn a_refusal_that_ended_the_duty_is_undone_by_asking_somebody_else() {
    let asked = Asked::on("2026-04-20").await;
    let declined = asked
        .act(
            "declination",
            json!({ "occurred_on": "2026-02-20", "ground": "adverse_effect", "reasons": "x" }),
        )
        .await
        .expect(201);
    assert_eq!(declined.body["clock"]["status"], "cancelled");
    let other = asked.service.organisation("Other Trust", "health").await;
    let redirected = asked
        .act(
            "redirection",
            json!({ "occurred_on": "2026-02-24", "organisation_id": other }),
        )
        .await
        .expect(201);
    assert_eq!(
        (
            redirected.body["clock"]["status"].clone(),
            redirected.body["due_on"].clone()
        ),
        (json!("overdue"), json!("2026-03-26"))
    );
}

#[actix_web::test]
async fn only_two_grounds_end_the_duty_to_advise() {
    for (ground, status) in [
        ("incompatible_with_duties", "cancelled"),
        ("adverse_effect", "cancelled"),
        ("not_known_to_service", "overdue"),
        ("no_capacity", "overdue"),
        ("wrong_organisation", "overdue"),
    ] {
        let asked = Asked::on("2026-04-20").await;
        let declined = asked
            .act(
                "declination",
                json!({ "occurred_on": "2026-02-20", "ground": ground, "reasons": "Because" }),
            )
            .await
            .expect(201);
        assert_eq!(
            (
                declined.body["state"].clone(),
                declined.body["clock"]["status"].clone()
            ),
            (json!("declined"), json!(status)),
            "{ground}"
        );
        let row = asked.row("medical").await;
        assert_eq!(
            (row["status"].clone(), row["whose_move"].clone()),
            (json!("declined"), json!("local_authority")),
            "{ground}"
        );
    }
}

#[actix_web::test]
async fn a_missed_appointment_is_evidence_for_an_exception() {
    let asked = Asked::on("2026-04-20").await;
    let claim = json!({ "occurred_on": "2026-03-27", "ground": "missed_appointment", "from": "2026-03-18", "to": "2026-03-18" });
    let claimed = asked.act("exceptions", claim).await.expect(201);
    assert_eq!(
        (
            claimed.body["clock"]["excused"].clone(),
            claimed.body["clock"]["exceptions"][0]["qualifies"].clone()
        ),
        (json!(false), json!(false))
    );
    asked
        .act(
            "appointments",
            json!({ "occurred_on": "2026-03-30", "offered_on": "2026-03-18", "outcome": "missed" }),
        )
        .await
        .expect(201);
    let request = asked.request().await;
    assert_eq!(
        (
            request["clock"]["excused"].clone(),
            request["clock"]["status"].clone()
        ),
        (json!(true), json!("overdue"))
    );
    assert!(
        asked
            .assessed()
            .await
            .flag_codes()
            .contains(&"exception_claimed".to_owned())
    );

    for (body, faults) in [
        (
            json!({ "offered_on": "2026-03-18", "outcome": "held" }),
            vec!["/held_on missing"],
        ),
        (
            json!({ "offered_on": "2026-03-18", "outcome": "missed", "held_on": "2026-03-18" }),
            vec!["/held_on not_with_outcome"],
        ),
        (
            json!({ "offered_on": "2026-03-18", "outcome": "held", "held_on": "2026-04-21" }),
            vec!["/held_on in_the_future"],
        ),
        (
            json!({ "outcome": "lost", "when": 1 }),
            vec![
                "/offered_on missing",
                "/outcome not_one_of",
                "/when unknown_field",
            ],
        ),
    ] {
        let refused = asked.act("appointments", body).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (422, faults.iter().map(|fault| (*fault).to_owned()).collect())
        );
    }
    let ahead = asked
        .act(
            "appointments",
            json!({ "offered_on": "2026-05-18", "outcome": "offered" }),
        )
        .await;
    ahead.expect(201);
    let backwards = json!({ "ground": "absent", "from": "2026-03-18", "to": "2026-03-17" });
    assert_eq!(
        asked.act("exceptions", backwards).await.faults(),
        ["/to out_of_order"]
    );
    let not_theirs = json!({ "ground": "school_closed", "from": "2026-03-18", "to": "2026-03-18" });
    assert_eq!(
        asked.act("exceptions", not_theirs).await.faults(),
        ["/ground not_one_of"]
    );
}

#[actix_web::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let asked = Asked::on("2026-02-20").await;
    let uri = format!("/v1/assessments/{}/advice-requests", asked.assessment);
    let post = async |body: Value| asked.service.post(&asked.service.caseworker(), &uri, body).await;
    let refused = post(json!({ "requirement": "tea", "service": "", "organisation_id": 7, "received_on": "2026-02-30", "urgency": "high" })).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            [
                "/organisation_id wrong_type",
                "/received_on malformed",
                "/requested_on missing",
                "/requirement not_one_of",
                "/service too_short",
                "/urgency unknown_field",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    let refused = post(
        json!({ "requirement": "medical", "organisation_id": "019b0000-0000-7000-8000-00000000dead",
        "requested_on": "2026-02-22", "received_on": "2026-02-21" }),
    )
    .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/organisation_id unknown_organisation",
            "/received_on in_the_future",
            "/received_on out_of_order",
            "/requested_on in_the_future",
        ]
    );
    let refused = post(json!({ "requirement": "medical", "requested_on": "2026-01-04" })).await;
    assert_eq!(refused.faults(), ["/requested_on before_opening"]);
    let refused = asked
        .act(
            "redirection",
            json!({ "organisation_id": "019b0000-0000-7000-8000-00000000dead", "occurred_on": "2026-02-21" }),
        )
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/occurred_on in_the_future",
            "/organisation_id unknown_organisation"
        ]
    );
}

#[actix_web::test]
async fn existing_advice_needs_three_agreements_and_not_the_parents_own() {
    let service = Service::on("2026-02-20");
    let id = service.assessment(OPENED).await;
    let uri = format!("/v1/assessments/{id}/existing-advice");
    let agreed = json!({ "requirement": "psychological", "author": "Dr C", "dated_on": "2025-09-01",
        "agreements": { "adviser_on": "2026-01-20", "authority_on": "2026-01-22", "family_on": "2026-01-21" } });
    let mut parents = agreed.clone();
    parents["requirement"] = json!("parent");
    parents["agreements"].as_object_mut().unwrap().remove("family_on");
    parents.as_object_mut().unwrap().remove("author");
    let refused = service.post(&service.caseworker(), &uri, parents).await;
    assert_eq!(
        refused.faults(),
        [
            "/agreements/family_on missing",
            "/author missing",
            "/requirement not_one_of"
        ]
    );
    let mut future = agreed.clone();
    future["dated_on"] = json!("2026-02-21");
    future["agreements"]["family_on"] = json!("2026-02-22");
    let refused = service.post(&service.caseworker(), &uri, future).await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(faults, ["/agreements in_the_future", "/dated_on in_the_future"]);

    let recorded = service
        .post(&service.caseworker(), &uri, agreed)
        .await
        .expect(201);
    assert_eq!(
        recorded.body["assessment"]["version"], 2,
        "also while the request is considered"
    );
    assert_eq!(recorded.header("etag"), Some("\"v2\""));
    let items = service.body(&format!("/v1/assessments/{id}/advice")).await["items"]
        .as_array()
        .unwrap()
        .clone();
    let row = items
        .iter()
        .find(|item| item["requirement"] == "psychological")
        .unwrap();
    assert_eq!(
        (row["status"].clone(), row["whose_move"].clone()),
        (json!("existing_agreed"), Value::Null)
    );
    let events = service.list(&format!("/v1/assessments/{id}/events")).await;
    assert_eq!(
        (events[1]["id"].clone(), events[1]["occurred_on"].clone()),
        (recorded.body["event_id"].clone(), json!("2026-01-22"))
    );
    let before = service
        .body(&format!("/v1/assessments/{id}/advice?as_of=2026-01-21"))
        .await["items"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(
        before
            .iter()
            .find(|item| item["requirement"] == "psychological")
            .unwrap()["status"],
        "not_requested"
    );

    service.record_all(&id, &[json!({ "type": "assessment_withdrawn", "occurred_on": "2026-02-01", "withdrawn_by": "parent", "reason": "x" })]).await;
    let late = json!({ "requirement": "medical", "author": "Dr C", "dated_on": "2025-09-01",
        "agreements": { "adviser_on": "2026-02-02", "authority_on": "2026-02-02", "family_on": "2026-02-02" } });
    let refused = service.post(&service.caseworker(), &uri, late).await;
    assert_eq!(
        (refused.status, refused.body["state"].clone(), refused.faults()),
        (409, json!("withdrawn"), vec![" event_not_permitted".to_owned()])
    );
}

#[actix_web::test]
async fn advice_is_not_asked_for_when_refused_or_withdrawn_and_is_taken_in_every_state() {
    let stops = [
        (
            "assessment_withdrawn",
            json!({ "withdrawn_by": "parent", "reason": "x" }),
            "withdrawn",
            409,
        ),
        (
            "plan_decision_notified",
            json!({ "decision": "not_issue" }),
            "plan_refused",
            409,
        ),
        ("moved_out", json!({ "to_la": "330" }), "moved_out", 201),
        (
            "plan_decision_notified",
            json!({ "decision": "issue" }),
            "drafting",
            201,
        ),
    ];
    for (event_type, mut event, state, asking) in stops {
        let asked = Asked::on("2026-03-25").await;
        let service = &asked.service;
        event["type"] = json!(event_type);
        event["occurred_on"] = json!("2026-03-01");
        service.record_all(&asked.assessment, &[event]).await;
        let uri = format!("/v1/assessments/{}/advice-requests", asked.assessment);
        let answer = service
            .post(
                &service.caseworker(),
                &uri,
                json!({ "requirement": "education", "requested_on": "2026-03-02" }),
            )
            .await;
        assert_eq!(answer.status, asking, "asking when {state}");
        if asking == 409 {
            assert_eq!(
                (answer.code(), answer.body["state"].clone(), answer.faults()),
                (
                    "event_not_permitted",
                    json!(state),
                    vec![" event_not_permitted".to_owned()]
                )
            );
        }
        let submitted = asked
            .act("submission", submission("2026-03-10"))
            .await
            .expect(201);
        assert_eq!(submitted.body["state"], "submitted", "{state}");
        let accepting = asked
            .act("acceptance", json!({ "occurred_on": "2026-03-11" }))
            .await;
        assert_eq!(accepting.status, asking, "accepting when {state}");
    }
}

#[actix_web::test]
async fn advice_after_the_plan_is_taken_and_flagged() {
    let asked = Asked::on("2026-06-10").await;
    let service = &asked.service;
    service.record_all(&asked.assessment, &[
        json!({ "type": "draft_plan_served", "occurred_on": "2026-04-01" }),
        json!({ "type": "final_plan_sent", "occurred_on": "2026-05-20", "missing_advice_reason": "None came in time" }),
    ]).await;
    let row = asked.row("medical").await;
    assert_eq!(
        (
            row["status"].clone(),
            row["whose_move"].clone(),
            row["days_late"].clone()
        ),
        (json!("missing"), json!("health"), json!(76))
    );
    let row = asked.row("education").await;
    assert_eq!(
        (row["status"].clone(), row["whose_move"].clone()),
        (json!("missing"), json!("local_authority"))
    );
    asked
        .act("submission", submission("2026-06-01"))
        .await
        .expect(201);
    let after = asked.assessed().await;
    assert!(after.flag_codes().contains(&"advice_after_plan".to_owned()));
    let missing: Vec<Value> = after.body["flags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|flag| flag["code"] == "advice_missing")
        .map(|flag| flag["requirement"].clone())
        .collect();
    assert!(
        !missing.contains(&json!("medical")) && missing.contains(&json!("education")),
        "{missing:?}"
    );
    assert_eq!(asked.row("medical").await["status"], "submitted");
    assert_eq!(asked.request().await["clock"]["status"], "late");
}

#[actix_web::test]
async fn the_matrix_says_for_every_paragraph_where_it_stands_and_whose_move_it_is() {
    let asked = Asked::on("2026-03-26").await;
    let service = &asked.service;
    let matrix = service
        .body(&format!("/v1/assessments/{}/advice", asked.assessment))
        .await;
    let row = |item: &Value| {
        format!(
            "{} {} {} {}",
            item["requirement"].as_str().unwrap(),
            item["provision"].as_str().unwrap(),
            item["status"].as_str().unwrap(),
            item["whose_move"].as_str().unwrap_or("-")
        )
    };
    let rows: Vec<String> = matrix["items"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        rows,
        [
            "parent reg 6(1)(a) not_requested local_authority",
            "education reg 6(1)(b) not_requested local_authority",
            "medical reg 6(1)(c) awaited health",
            "psychological reg 6(1)(d) not_requested local_authority",
            "social_care reg 6(1)(e) not_requested local_authority",
            "other reg 6(1)(f) not_required -",
            "preparation_for_adulthood reg 6(1)(g) not_required -",
            "family_requested reg 6(1)(h) not_required -",
            "sensory reg 6(2) not_required -",
        ]
    );
    service.set_today("2026-03-28");
    let late = asked.row("medical").await;
    assert_eq!(
        (
            late["status"].clone(),
            late["days_late"].clone(),
            late["due_on"].clone(),
            late["request_id"].clone(),
            late["organisation_id"].clone()
        ),
        (
            json!("late"),
            json!(2),
            json!("2026-03-26"),
            json!(asked.request),
            json!(asked.trust)
        )
    );
    assert!(
        asked
            .assessed()
            .await
            .flag_codes()
            .contains(&"advice_late".to_owned())
    );
    for (act, body, status, whose_move) in [
        (
            "submission",
            submission("2026-03-28"),
            "submitted",
            json!("local_authority"),
        ),
        (
            "return",
            json!({ "reasons": ["incomplete"], "comment": "x" }),
            "returned",
            json!("health"),
        ),
        (
            "submission",
            submission("2026-03-28"),
            "submitted",
            json!("local_authority"),
        ),
        ("acceptance", json!({}), "accepted", Value::Null),
    ] {
        asked.act(act, body).await.expect(201);
        let row = asked.row("medical").await;
        assert_eq!(
            (row["status"].clone(), row["whose_move"].clone()),
            (json!(status), whose_move),
            "after {act}"
        );
    }
    let then = service
        .body(&format!(
            "/v1/assessments/{}/advice?as_of=2026-03-27",
            asked.assessment
        ))
        .await;
    assert_eq!(
        (then["as_of"].clone(), then["items"][2]["status"].clone()),
        (json!("2026-03-27"), json!("late"))
    );
}

#[actix_web::test]
async fn nobody_has_to_move_once_the_assessment_is_withdrawn() {
    let asked = Asked::on("2026-04-26").await;
    asked.service.record_all(&asked.assessment, &[json!({ "type": "assessment_withdrawn", "occurred_on": "2026-03-01", "withdrawn_by": "parent", "reason": "x" })]).await;
    let matrix = asked
        .service
        .body(&format!("/v1/assessments/{}/advice", asked.assessment))
        .await;
    for item in matrix["items"].as_array().unwrap() {
        assert_eq!(item["whose_move"], Value::Null, "{item}");
    }
}

#[actix_web::test]
async fn year_nine_and_hearing_or_vision_need_more() {
    let service = Service::on("2026-02-20");
    for (fields, needed) in [
        (
            json!({ "date_of_birth": "2011-09-01" }),
            vec!["preparation_for_adulthood"],
        ),
        (json!({ "date_of_birth": "2012-09-01" }), vec![]),
        (
            json!({ "date_of_birth": "2012-09-01", "year_group_override": 9 }),
            vec!["preparation_for_adulthood"],
        ),
        (
            json!({ "date_of_birth": "2011-09-01", "year_group_override": 8 }),
            vec![],
        ),
        (
            json!({ "date_of_birth": "2017-11-02", "needs": [{ "type": "VI", "rank": 2 }, { "type": "ASD", "rank": 1 }] }),
            vec!["sensory"],
        ),
        (
            json!({ "date_of_birth": "2017-11-02", "needs": [{ "type": "MSI", "rank": 1 }] }),
            vec!["sensory"],
        ),
    ] {
        let case_id = service.case_with(fields.clone()).await;
        let id = service.assessment_on(&case_id, OPENED).await;
        service.decide_to_assess(&id, "2026-02-10").await;
        let matrix = service.body(&format!("/v1/assessments/{id}/advice")).await;
        let mut asked: Vec<&str> = matrix["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["status"] == "not_requested")
            .map(|item| item["requirement"].as_str().unwrap())
            .collect();
        asked.retain(|requirement| {
            !["parent", "education", "medical", "psychological", "social_care"].contains(requirement)
        });
        assert_eq!(asked, needed, "{fields}");
    }
}

#[actix_web::test]
async fn a_contributor_sees_and_does_its_own_and_nothing_else() {
    let asked = Asked::on("2026-02-20").await;
    let service = &asked.service;
    let other = service.organisation("Other Trust", "health").await;
    let theirs = service
        .ask(
            &asked.assessment,
            json!({ "requirement": "medical", "organisation_id": other, "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    service
        .ask(
            &asked.assessment,
            json!({ "requirement": "parent", "requested_on": "2026-02-12" }),
        )
        .await;
    let trust = service.contributor(&asked.trust);

    assert_eq!(
        ids(&service.pages(&trust, "/v1/advice-requests", 1).await),
        [asked.request.as_str()]
    );
    assert!(
        service
            .pages(&trust, &format!("/v1/advice-requests?organisation_id={other}"), 1)
            .await
            .is_empty()
    );
    let clocks = service.pages(&trust, "/v1/clocks", 1).await;
    assert_eq!(each(&clocks, "advice_request_id"), [&json!(asked.request)]);
    let seen = service
        .get(&trust, &format!("/v1/advice-requests/{}", asked.request))
        .await
        .expect(200);
    assert_eq!(seen.body["family_story"], "He loves trains");
    assert_eq!(
        service
            .get(&trust, &format!("/v1/advice-requests/{theirs}"))
            .await
            .expect(404)
            .code(),
        "not_found"
    );
    let uri = format!("/v1/advice-requests/{theirs}/acknowledgement");
    assert_eq!(
        service.act(&trust, &uri, 1, json!({})).await.expect(404).code(),
        "not_found"
    );

    // Its acts are dated by the service.
    let uri = format!("/v1/advice-requests/{}/submission", asked.request);
    let dated = service.act(&trust, &uri, 1, submission("2026-02-19")).await;
    assert_eq!(
        (dated.status, dated.faults()),
        (422, vec!["/occurred_on staff_only".to_owned()])
    );
    let submitted = service
        .act(&trust, &uri, 1, json!({ "summary": "x", "authors": ["Dr A"] }))
        .await
        .expect(201);
    assert_eq!(submitted.body["submitted_on"], "2026-02-20");
    assert_eq!(submitted.body["submissions"][0]["recorded_by"], "contributor-885");

    // What was redirected is out of its sight.
    let school = service.organisation("Hill School", "school").await;
    service
        .acted(
            &asked.request,
            "return",
            json!({ "reasons": ["wrong_child"], "comment": "x" }),
        )
        .await;
    service
        .acted(
            &asked.request,
            "redirection",
            json!({ "organisation_id": school }),
        )
        .await;
    service
        .get(&trust, &format!("/v1/advice-requests/{}", asked.request))
        .await
        .expect(404);
    assert!(service.pages(&trust, "/v1/clocks", 50).await.is_empty());
    service
        .get(
            &service.contributor(&school),
            &format!("/v1/advice-requests/{}", asked.request),
        )
        .await
        .expect(200);
}

#[actix_web::test]
async fn a_second_role_widens_only_what_it_is_for() {
    let asked = Asked::on("2026-02-20").await;
    let service = &asked.service;
    let other = service.organisation("Other Trust", "health").await;
    let own_case = service.case().await;
    let own = service.assessment_on(&own_case, OPENED).await;

    // A teacher who is also a parent sees the assessment of her own child alone.
    let teacher = service.actor_as(&[Role::Contributor, Role::Family], Some(&other), Some(&own_case));
    service
        .get(&teacher, &format!("/v1/assessments/{own}"))
        .await
        .expect(200);
    service
        .get(&teacher, &format!("/v1/assessments/{}", asked.assessment))
        .await
        .expect(404);

    // Reading everything does not let anybody act for every organisation, nor date their acts.
    for reader in [Role::Auditor, Role::Admin] {
        let both = service.actor_as(&[reader, Role::Contributor], Some(&other), None);
        service
            .get(&both, &format!("/v1/advice-requests/{}", asked.request))
            .await
            .expect(200);
        let uri = format!("/v1/advice-requests/{}/acknowledgement", asked.request);
        service.act(&both, &uri, 1, json!({})).await.expect(404);
        let own = service.ask(&asked.assessment, json!({ "requirement": "medical", "service": format!("{reader:?}"), "organisation_id": other, "requested_on": "2026-02-12" })).await.id();
        let uri = format!("/v1/advice-requests/{own}/acknowledgement");
        assert_eq!(
            service
                .act(&both, &uri, 1, json!({ "occurred_on": "2026-02-13" }))
                .await
                .faults(),
            ["/occurred_on staff_only"]
        );
        service.act(&both, &uri, 1, json!({})).await.expect(201);
    }
}

#[actix_web::test]
async fn the_list_filters_and_pages_by_due_date() {
    let asked = Asked::on("2026-03-25").await;
    let service = &asked.service;
    for (number, requested_on) in ["2026-02-12", "2026-02-10", "2026-02-20", "2026-02-12"]
        .iter()
        .enumerate()
    {
        let body = json!({ "requirement": "other", "service": format!("service {number}"), "requested_on": requested_on });
        service.ask(&asked.assessment, body).await;
    }
    asked.act("acknowledgement", json!({})).await.expect(201);
    let count = async |query: &str| service.list(&format!("/v1/advice-requests{query}")).await.len();
    assert_eq!(count("").await, 5);
    assert_eq!(count("?state=acknowledged").await, 1);
    assert_eq!(count("?requirement=other").await, 4);
    assert_eq!(count(&format!("?organisation_id={}", asked.trust)).await, 1);
    assert_eq!(count("?due_before=2026-03-26").await, 4);
    assert_eq!(count("?due_before=2026-03-25").await, 1);
    for size in [1, 2, 3, 4, 5] {
        let all = service
            .pages(&service.caseworker(), "/v1/advice-requests", size)
            .await;
        assert_eq!(all.len(), 5, "pages of {size}");
        let keys: Vec<(&str, &str)> = all
            .iter()
            .map(|item| (item["due_on"].as_str().unwrap(), item["id"].as_str().unwrap()))
            .collect();
        assert!(
            keys.windows(2).all(|pair| pair[0] < pair[1]),
            "in order, none twice"
        );
    }
}
