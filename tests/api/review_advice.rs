//! Advice for reviews: asked, given and listed like that for assessments, and needed when the papers go out.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each, ids};

/// A review whose meeting is not arranged yet, a health body, and the medical request to it of 2 February.
struct Asked {
    service: Service,
    review: String,
    trust: String,
    request: String,
}

impl Asked {
    async fn on(today: &str) -> Asked {
        let service = Service::on(today);
        let trust = service.organisation("Riverbank Trust", "health").await;
        let review = service.review("2025-05-01").await;
        let body = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-02",
            "questions": "What helps him sleep?" });
        let request = service.ask_for_review(&review, body).await.expect(201).id();
        Asked {
            service,
            review,
            trust,
            request,
        }
    }

    async fn arrange(&self, day: &str, meeting_on: &str) {
        let arranged =
            json!({ "type": "review_meeting_arranged", "occurred_on": day, "meeting_on": meeting_on });
        self.service
            .review_event(&self.review, arranged)
            .await
            .expect(201);
    }

    async fn request(&self) -> Answer {
        self.service
            .read(&format!("/v1/advice-requests/{}", self.request))
            .await
            .expect(200)
    }

    async fn rows(&self, query: &str) -> Vec<Value> {
        let matrix = self
            .service
            .body(&format!("/v1/reviews/{}/advice{query}", self.review))
            .await;
        matrix["items"].as_array().unwrap().clone()
    }
}

impl Service {
    async fn ask_for_review(&self, review_id: &str, body: Value) -> Answer {
        let uri = format!("/v1/reviews/{review_id}/advice-requests");
        self.post(&self.caseworker(), &uri, body).await
    }
}

fn submission(day: &str) -> Value {
    json!({ "occurred_on": day, "summary": "He sleeps better", "authors": ["Dr Ada Example, paediatrician"] })
}

#[actix_web::test]
async fn it_is_needed_by_the_day_the_papers_go_out_and_due_on_none() {
    let asked = Asked::on("2026-03-20").await;
    let opened = asked.request().await;
    for (field, value) in [
        ("procedure_id", json!(asked.review)),
        ("state", json!("requested")),
        ("requested_on", json!("2026-02-02")),
        ("due_on", Value::Null),
        ("needed_by_on", Value::Null),
        ("clock", Value::Null),
        ("version", json!(1)),
    ] {
        assert_eq!(opened.body[field], value, "{field}");
    }
    asked.arrange("2026-02-10", "2026-03-18").await;
    let papers = asked
        .service
        .read(&format!("/v1/reviews/{}", asked.review))
        .await
        .clock("review_papers");
    let arranged = asked.request().await;
    assert_eq!(
        (&arranged.body["needed_by_on"], &papers["due_on"]),
        (&json!("2026-03-03"), &json!("2026-03-03"))
    );
    assert_eq!(arranged.version(), 2, "its day is another");
    asked.arrange("2026-02-11", "2026-03-25").await;
    assert_eq!(asked.request().await.body["needed_by_on"], "2026-03-10");
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-03-20" });
    asked.service.review_event(&asked.review, held).await.expect(201);
    assert_eq!(asked.request().await.body["needed_by_on"], "2026-03-10");

    let review = asked.service.body(&format!("/v1/reviews/{}", asked.review)).await;
    assert_eq!(review["version"], 5, "its stream holds the request");
    let kinds = each(review["clocks"].as_array().unwrap(), "kind");
    assert!(!kinds.contains(&&json!("advice")), "no limit was found in law");
    let report = rebuild_all(&asked.service.app.store, true, |_| {}).unwrap();
    assert_eq!(report.differing, 0);
}

#[actix_web::test]
async fn a_contributor_sees_and_answers_its_own() {
    let asked = Asked::on("2026-03-20").await;
    asked.arrange("2026-02-10", "2026-03-18").await;
    let service = &asked.service;
    let uri = format!("/v1/advice-requests/{}", asked.request);
    let (own, other) = (
        service.contributor(&asked.trust),
        service.contributor(&service.organisation("Other Trust", "health").await),
    );
    let listed = service.pages(&own, "/v1/advice-requests", 50).await;
    assert_eq!(ids(&listed), [asked.request.as_str()]);
    assert_eq!(
        (&listed[0]["due_on"], &listed[0]["needed_by_on"]),
        (&Value::Null, &json!("2026-03-03"))
    );
    assert!(service.pages(&other, "/v1/advice-requests", 50).await.is_empty());
    assert_eq!(service.get(&other, &uri).await.status, 404);
    assert_eq!(
        service
            .get(&own, &format!("/v1/reviews/{}/advice", asked.review))
            .await
            .status,
        403
    );

    let acknowledged = service
        .act(&own, &format!("{uri}/acknowledgement"), 2, json!({}))
        .await
        .expect(201);
    assert_eq!(acknowledged.body["state"], "acknowledged");
    let given = json!({ "summary": "He sleeps better", "authors": ["Dr Ada Example, paediatrician"] });
    let refused = service
        .act(&other, &format!("{uri}/submission"), 3, given.clone())
        .await;
    assert_eq!(refused.status, 404);
    let submitted = service
        .act(&own, &format!("{uri}/submission"), 3, given)
        .await
        .expect(201);
    assert_eq!(
        (
            &submitted.body["state"],
            &submitted.body["submitted_on"],
            &submitted.body["submissions"][0]["summary"]
        ),
        (
            &json!("submitted"),
            &json!("2026-03-20"),
            &json!("He sleeps better")
        )
    );
    assert!(service.pages(&own, "/v1/clocks", 50).await.is_empty());
    let events = service
        .list(&format!("/v1/reviews/{}/events", asked.review))
        .await;
    assert_eq!(
        each(&events[1..], "type"),
        [
            &json!("advice_requested"),
            &json!("review_meeting_arranged"),
            &json!("advice_acknowledged"),
            &json!("advice_submitted")
        ]
    );
}

#[actix_web::test]
async fn every_act_fits_a_request_on_a_review() {
    let asked = Asked::on("2026-03-20").await;
    let service = &asked.service;
    let other = service.organisation("Other Trust", "health").await;
    let day = "2026-03-02";
    for (act, body, state) in [
        (
            "appointments",
            json!({ "occurred_on": day, "offered_on": "2026-03-01", "outcome": "missed" }),
            "requested",
        ),
        (
            "exceptions",
            json!({ "occurred_on": day, "ground": "absent", "from": "2026-02-03", "to": "2026-03-01" }),
            "requested",
        ),
        ("acknowledgement", json!({ "occurred_on": day }), "acknowledged"),
        (
            "declination",
            json!({ "occurred_on": day, "ground": "wrong_organisation", "reasons": "Not ours" }),
            "declined",
        ),
        (
            "redirection",
            json!({ "occurred_on": day, "organisation_id": other }),
            "requested",
        ),
        ("submission", submission(day), "submitted"),
        (
            "return",
            json!({ "occurred_on": day, "reasons": ["unclear"], "comment": "Section 2" }),
            "returned",
        ),
        ("submission", submission(day), "submitted"),
        ("acceptance", json!({ "occurred_on": day }), "accepted"),
    ] {
        let done = service.acted(&asked.request, act, body).await;
        assert_eq!(done.body["state"], state, "{act}");
        assert_eq!(done.body["clock"], Value::Null, "{act}");
    }
    let body = json!({ "requirement": "education", "requested_on": "2026-02-02" });
    let second = service.ask_for_review(&asked.review, body).await.expect(201).id();
    let withdrawn = service
        .acted(&second, "withdrawal", json!({ "occurred_on": day }))
        .await;
    assert_eq!(withdrawn.body["state"], "withdrawn");
}

#[actix_web::test]
async fn asking_ends_with_the_review_and_what_was_asked_for_is_taken_ever_after() {
    let asked = Asked::on("2026-03-20").await;
    let service = &asked.service;
    let again =
        json!({ "requirement": "medical", "organisation_id": asked.trust, "requested_on": "2026-02-09" });
    let refused = service.ask_for_review(&asked.review, again).await;
    assert_eq!((refused.status, refused.code()), (409, "duplicate"));
    let decided =
        json!({ "type": "review_decision_notified", "occurred_on": "2026-03-10", "decision": "maintain" });
    service.review_event(&asked.review, decided).await.expect(201);
    let late = json!({ "requirement": "education", "requested_on": "2026-03-12" });
    let refused = service.ask_for_review(&asked.review, late).await;
    assert_eq!(
        (refused.status, refused.code(), &refused.body["state"]),
        (409, "event_not_permitted", &json!("maintained"))
    );
    let earlier = json!({ "requirement": "education", "requested_on": "2026-03-09" });
    service.ask_for_review(&asked.review, earlier).await.expect(201);
    let submitted = service
        .acted(&asked.request, "submission", submission("2026-03-12"))
        .await;
    assert_eq!(submitted.body["state"], "submitted");
    let unknown =
        json!({ "requirement": "parent", "organisation_id": asked.review, "requested_on": "2026-03-21" });
    let refused = service.ask_for_review(&asked.review, unknown).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            vec![
                "/organisation_id unknown_organisation".to_owned(),
                "/requested_on in_the_future".to_owned()
            ]
        )
    );
}

#[actix_web::test]
async fn the_matrix_of_a_review_claims_no_regulation_that_is_not_its_own() {
    let asked = Asked::on("2026-03-20").await;
    asked.arrange("2026-02-10", "2026-03-18").await;
    asked
        .service
        .acted(&asked.request, "submission", submission("2026-03-12"))
        .await;
    let told = |rows: Vec<Value>| -> Vec<Value> {
        rows.into_iter()
            .filter(|row| row["status"] != "not_required")
            .map(|row| {
                json!([
                    row["requirement"],
                    row["status"],
                    row["whose_move"],
                    row["due_on"],
                    row["needed_by_on"],
                    row["days_late"]
                ])
            })
            .collect()
    };
    assert_eq!(
        told(asked.rows("?as_of=2026-02-05").await),
        [
            json!(["parent", "not_requested", "local_authority", null, null, 0]),
            json!(["medical", "awaited", "health", null, null, 0]),
        ]
    );
    assert_eq!(
        told(asked.rows("").await),
        [
            json!([
                "parent",
                "not_requested",
                "local_authority",
                null,
                "2026-03-03",
                0
            ]),
            json!(["medical", "submitted", "local_authority", null, "2026-03-03", 0]),
        ]
    );
    let rows = asked.rows("").await;
    assert_eq!(rows.len(), 9);
    for row in rows {
        let is_content = row["requirement"] == "preparation_for_adulthood";
        let paragraphs = if is_content { "6" } else { "4" };
        let reference = format!("reg 20({paragraphs}), reg 21({paragraphs})");
        assert_eq!(row["provision"], reference, "{row}");
    }
    let assessment = asked.service.assessment("2026-01-05").await;
    let elsewhere = format!("/v1/reviews/{assessment}/advice");
    assert_eq!(asked.service.read(&elsewhere).await.status, 404);
    let body = json!({ "requirement": "medical", "requested_on": "2026-02-12" });
    let refused = asked.service.ask_for_review(&assessment, body).await;
    assert_eq!((refused.status, refused.code()), (404, "not_found"));
}

#[actix_web::test]
async fn the_list_holds_both_in_the_order_in_which_they_are_wanted() {
    let asked = Asked::on("2026-03-20").await;
    let service = &asked.service;
    asked.arrange("2026-02-10", "2026-03-18").await;
    let assessment = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-01-12").await;
    let mut due = Vec::new();
    for requested_on in ["2026-01-12", "2026-02-12"] {
        let body = json!({ "requirement": "medical", "service": requested_on, "requested_on": requested_on });
        due.push(service.ask(&assessment, body).await.id());
    }
    let unarranged = service.review("2025-05-01").await;
    let body = json!({ "requirement": "parent", "requested_on": "2026-02-02" });
    let undated = service.ask_for_review(&unarranged, body).await.expect(201).id();

    let wanted = [&due[0], &asked.request, &due[1], &undated];
    for limit in [1, 2, 50] {
        let listed = service
            .pages(&service.caseworker(), "/v1/advice-requests", limit)
            .await;
        assert_eq!(ids(&listed), wanted, "by {limit}");
    }
    for (due_before, found) in [
        ("2026-02-22", vec![]),
        ("2026-02-23", vec![&due[0]]),
        ("2026-12-31", vec![&due[0], &due[1]]),
    ] {
        let listed = service
            .list(&format!("/v1/advice-requests?due_before={due_before}"))
            .await;
        assert_eq!(ids(&listed), found, "{due_before}");
    }
    let listed = service
        .list("/v1/advice-requests?state=requested&requirement=medical")
        .await;
    assert_eq!(ids(&listed), [&due[0], &asked.request, &due[1]]);
}

#[actix_web::test]
async fn a_wrong_day_of_asking_is_corrected_and_what_was_voided_disappears() {
    let asked = Asked::on("2026-03-20").await;
    let service = &asked.service;
    let events = service
        .list(&format!("/v1/reviews/{}/events", asked.review))
        .await;
    let correction = |supersedes: &Value, replacement: Value| {
        json!({ "type": "correction", "occurred_on": "2026-03-20", "reason": "Wrongly typed",
            "changes": [{ "supersedes": supersedes, "replacement": replacement }] })
    };
    let replacement =
        json!({ "type": "advice_requested", "occurred_on": "2026-02-04", "requirement": "education" });
    service
        .review_event(&asked.review, correction(&events[1]["id"], replacement))
        .await
        .expect(201);
    let request = asked.request().await;
    assert_eq!(
        (&request.body["requested_on"], &request.body["requirement"]),
        (&json!("2026-02-04"), &json!("education"))
    );
    let events = service
        .list(&format!("/v1/reviews/{}/events", asked.review))
        .await;
    service
        .review_event(&asked.review, correction(&events[3]["id"], Value::Null))
        .await
        .expect(201);
    assert!(service.list("/v1/advice-requests").await.is_empty());
}

#[actix_web::test]
async fn the_meeting_says_who_was_there_and_how() {
    let asked = Asked::on("2026-03-20").await;
    let attendance = |organisation: &str| {
        json!([
            { "party": "family", "attended": "in_person" },
            { "party": "health", "organisation_id": organisation, "attended": "views_sent" },
            { "party": "social_care", "attended": "apologies" },
            { "party": "other", "attended": "absent" },
        ])
    };
    let held = |attendance: Value| json!({ "type": "review_meeting_held", "occurred_on": "2026-03-18", "attendance": attendance });
    let refused = asked
        .service
        .review_event(&asked.review, held(attendance(&asked.review)))
        .await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            vec!["/attendance/1/organisation_id unknown_organisation".to_owned()]
        )
    );
    let refused = asked
        .service
        .review_event(
            &asked.review,
            held(json!([{ "party": "nobody", "attended": "by_post" }])),
        )
        .await;
    assert_eq!(
        refused.faults(),
        [
            "/attendance/0/attended not_one_of",
            "/attendance/0/party not_one_of"
        ]
    );
    let recorded = asked
        .service
        .review_event(&asked.review, held(attendance(&asked.trust)))
        .await
        .expect(201);
    assert_eq!(recorded.body["event"]["attendance"], attendance(&asked.trust));
    assert_eq!(recorded.body["review"]["state"], "meeting_held");
}

#[actix_web::test]
async fn the_calculator_takes_advice_on_a_review() {
    let service = Service::on("2026-03-20");
    let question = |events: Value| json!({ "procedure": "review", "as_of": "2026-03-20", "events": events });
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let requested = json!({ "type": "advice_requested", "occurred_on": "2026-02-02", "requirement": "medical", "received_on": "2026-02-04" });
    let submitted =
        json!({ "type": "advice_submitted", "occurred_on": "2026-03-02", "requirement": "medical" });
    let asked = |events: Value| {
        let (service, body) = (&service, question(events));
        async move { service.post(&service.caseworker(), "/v1/timelines", body).await }
    };
    let computed = asked(json!([started, requested, submitted])).await.expect(200);
    assert_eq!(
        each(computed.body["clocks"].as_array().unwrap(), "kind"),
        [&json!("review_due")]
    );
    let impossible = asked(json!([started, submitted])).await;
    assert_eq!(
        (impossible.status, impossible.code(), impossible.faults()),
        (
            422,
            "impossible_sequence",
            vec!["/events/1 event_not_permitted".to_owned()]
        )
    );
}
