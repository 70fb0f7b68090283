//! Corrections: what was recorded wrongly, put right together and never forgotten.

use serde_json::{Value, json};

use crate::harness::{Service, ids};

const OPENED: &str = "2026-01-05";

fn request_on(day: &str) -> Value {
    json!({ "type": "request_received", "occurred_on": day, "requested_by": "parent" })
}

fn decision_on(day: &str, decision: &str) -> Value {
    json!({ "type": "assess_decision_notified", "occurred_on": day, "decision": decision })
}

async fn state_of(service: &Service, id: &str) -> Value {
    service.body(&format!("/v1/assessments/{id}")).await["state"].clone()
}

#[actix_web::test]
async fn a_voided_event_never_happened_and_stays_on_record() {
    let service = Service::on("2026-03-01");
    let id = service.assessment(OPENED).await;
    let decided = service.decide_to_assess(&id, "2026-02-10").await.body["event"]["id"].clone();
    service.set_today("2026-03-02");
    let corrected = service
        .correct(&id, &[(decided.as_str().unwrap(), Value::Null)])
        .await
        .expect(201);
    assert_eq!(corrected.body["event"]["type"], "correction");
    assert_eq!(corrected.body["assessment"]["state"], "considering_request");
    assert_eq!(corrected.clock("assess_decision")["status"], "overdue");
    let events = service.list(&format!("/v1/assessments/{id}/events")).await;
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["superseded_by"], events[2]["id"]);

    // What is known now is known of every day; what was known then is still there.
    let uri = format!("/v1/assessments/{id}");
    assert_eq!(
        service.body(&format!("{uri}?as_of=2026-02-11")).await["state"],
        "considering_request"
    );
    assert_eq!(
        service
            .body(&format!("{uri}?as_of=2026-02-11&known_at=2026-03-01T12:00:00Z"))
            .await["state"],
        "assessing"
    );
}

#[actix_web::test]
async fn a_replacement_keeps_the_identity_of_its_clocks() {
    let service = Service::on("2026-03-01");
    let id = service.assessment(OPENED).await;
    let before = service.read(&format!("/v1/assessments/{id}")).await;
    let first = service.event_ids(&id).await[0].clone();
    let corrected = service
        .correct(&id, &[(&first, request_on("2026-01-12"))])
        .await
        .expect(201);
    assert_eq!(corrected.body["assessment"]["opened_on"], "2026-01-12");
    assert_eq!(corrected.clock("final_plan")["due_on"], "2026-06-01");
    assert_eq!(
        corrected.clock("final_plan")["id"],
        before.clock("final_plan")["id"]
    );
    let listed = service.list("/v1/clocks?kind=final_plan").await;
    assert_eq!(
        (listed.len(), listed[0]["due_on"].clone()),
        (1, json!("2026-06-01"))
    );

    // And through a chain of them, back before the first opening too.
    let second = service.event_ids(&id).await[2].clone();
    let corrected = service
        .correct(&id, &[(&second, request_on("2025-12-01"))])
        .await
        .expect(201);
    assert_eq!(corrected.body["assessment"]["opened_on"], "2025-12-01");
    assert_eq!(
        corrected.clock("final_plan")["id"],
        before.clock("final_plan")["id"]
    );
    assert_eq!(corrected.body["assessment"]["version"], 5);
    let refused = service.correct(&id, &[(&first, request_on("2026-01-13"))]).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (422, vec!["/changes/0/supersedes not_effective".to_owned()])
    );
}

#[actix_web::test]
async fn all_changes_are_judged_together() {
    let service = Service::on("2026-03-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let ids = service.event_ids(&id).await;
    // Alone the first would come after the decision; together with it all is well.
    let alone = service.correct(&id, &[(&ids[0], request_on("2026-02-15"))]).await;
    assert_eq!((alone.status, alone.code()), (409, "event_not_permitted"));
    assert_eq!(alone.faults(), ["/changes event_not_permitted"]);
    let together = service
        .correct(
            &id,
            &[
                (&ids[0], request_on("2026-02-15")),
                (&ids[1], decision_on("2026-02-20", "refuse")),
            ],
        )
        .await
        .expect(201);
    assert_eq!(together.body["assessment"]["state"], "assessment_refused");
    assert_eq!(together.version(), 5, "the correction and its two replacements");
}

#[actix_web::test]
async fn every_fault_of_a_correction_is_told_at_once() {
    let service = Service::on("2026-03-01");
    let school = service.organisation("Hill School", "school").await;
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "requested_on": "2026-02-12", "organisation_id": school }),
        )
        .await;
    assert_eq!(asked.body["state"], "requested");
    let known = service.event_ids(&id).await;
    service
        .correct(&id, &[(&known[1], decision_on("2026-02-11", "assess"))])
        .await
        .expect(201);
    let known = service.event_ids(&id).await;
    let refused = service
        .correct(
            &id,
            &[
                ("019b0000-0000-7000-8000-00000000dead", Value::Null),
                (&known[1], Value::Null),
                (&known[3], Value::Null),
                (&known[0], request_on("2026-01-06")),
                (&known[0], Value::Null),
                (&known[2], decision_on("2026-02-10", "assess")),
            ],
        )
        .await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_content"));
    assert_eq!(
        refused.faults(),
        [
            "/changes/0/supersedes unknown_event",
            "/changes/1/supersedes not_effective",
            "/changes/2/supersedes not_correctable",
            "/changes/4/supersedes repeated",
            "/changes/5/replacement/type not_one_of",
        ]
    );
    assert_eq!(
        service.event_ids(&id).await.len(),
        known.len(),
        "nothing was stored"
    );
}

#[actix_web::test]
async fn a_replacement_is_held_to_what_an_event_is_held_to() {
    let service = Service::on("2026-06-01");
    let school = service.organisation("Hill School", "school").await;
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    service.record_all(&id, &[
        json!({ "type": "plan_decision_notified", "occurred_on": "2026-04-01", "decision": "issue" }),
        json!({ "type": "setting_consulted", "occurred_on": "2026-04-02", "consultation_id": "019b0000-0000-7000-8000-00000000c001", "organisation_id": school }),
    ]).await;
    let known = service.event_ids(&id).await;
    let refused = service
        .correct(&id, &[
            (&known[1], decision_on("2026-06-02", "assess")),
            (&known[3], json!({ "type": "setting_consulted", "occurred_on": "2026-06-03", "consultation_id": "019b0000-0000-7000-8000-00000000c001",
                "organisation_id": "019b0000-0000-7000-8000-00000000dead" })),
        ])
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/changes/0/replacement/occurred_on in_the_future",
            "/changes/1/replacement/occurred_on in_the_future",
            "/changes/1/replacement/organisation_id unknown_organisation",
        ]
    );
    let groundless = service
        .correct(&id, &[(&known[3], json!({ "type": "setting_replied", "occurred_on": "2026-04-02", "consultation_id": "019b0000-0000-7000-8000-00000000c001", "reply": "cannot_meet" }))])
        .await;
    assert_eq!(groundless.faults(), ["/changes/0/replacement/ground missing"]);
}

#[actix_web::test]
async fn a_correction_keeps_the_day_it_says_it_was_made() {
    let service = Service::on("2026-03-10");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let decided = service.event_ids(&id).await[1].clone();
    let correction = |day: &str| {
        json!({ "type": "correction", "occurred_on": day, "reason": "Wrong file", "note": "Found in the post room",
        "changes": [{ "supersedes": decided, "replacement": null }] })
    };
    let future = service.record(&id, correction("2026-03-11")).await;
    assert_eq!(future.faults(), ["/occurred_on in_the_future"]);
    let corrected = service.record(&id, correction("2026-03-08")).await.expect(201);
    assert_eq!(corrected.body["event"]["occurred_on"], "2026-03-08");
    assert_eq!(
        (
            corrected.body["event"]["reason"].clone(),
            corrected.body["event"]["note"].clone()
        ),
        (json!("Wrong file"), json!("Found in the post room"))
    );
    let empty = service
        .record(
            &id,
            json!({ "type": "correction", "occurred_on": "2026-03-08", "reason": "", "changes": [] }),
        )
        .await;
    assert_eq!(empty.faults(), ["/changes too_few", "/reason too_short"]);
}

#[actix_web::test]
async fn voiding_the_first_event_voids_the_procedure() {
    let service = Service::on("2026-03-10");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    let first = service.event_ids(&id).await[0].clone();
    let voided = service.correct(&id, &[(&first, Value::Null)]).await.expect(201);
    assert_eq!(voided.body["assessment"]["state"], "void");
    assert_eq!(voided.body["assessment"]["clocks"], json!([]));
    assert_eq!(voided.body["assessment"]["flags"], json!([]));
    assert_eq!(voided.body["assessment"]["permitted_events"], json!([]));

    assert!(service.list("/v1/assessments").await.is_empty());
    assert_eq!(
        ids(&service.list("/v1/assessments?state=void").await),
        [id.as_str()]
    );
    assert!(service.list("/v1/clocks").await.is_empty());
    assert!(service.list("/v1/advice-requests").await.is_empty());
    service
        .read(&format!("/v1/advice-requests/{asked}"))
        .await
        .expect(404);
    let case = service.body(&format!("/v1/cases/{case_id}")).await;
    assert_eq!(
        (
            case["procedures"].clone(),
            case["clocks"].clone(),
            case["flags"].clone()
        ),
        (json!([]), json!([]), json!([]))
    );
    let uri = format!("/v1/assessments/{id}");
    assert_eq!(
        service.body(&format!("{uri}?as_of=2026-02-11")).await["state"],
        "void",
        "corrections ignore the day"
    );

    // Nothing brings it back, and another may be opened.
    for event in [request_on("2026-02-01"), decision_on("2026-02-01", "assess")] {
        let refused = service.record(&id, event).await;
        assert_eq!(
            (refused.status, refused.code(), refused.body["state"].clone()),
            (409, "event_not_permitted", json!("void"))
        );
        assert_eq!(refused.body["permitted_events"], json!([]));
    }
    let other = service.assessment_on(&case_id, "2026-02-02").await;
    assert_eq!(state_of(&service, &other).await, "considering_request");
    assert_eq!(service.list("/v1/assessments").await.len(), 1);
}

#[actix_web::test]
async fn facts_and_readings_are_remembered_as_they_were_known() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "2012-03-01" })).await;
    let id = service.assessment_on(&case_id, OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    service
        .record_all(
            &id,
            &[json!({ "type": "plan_decision_notified", "occurred_on": "2026-02-20", "decision": "issue" })],
        )
        .await;
    let missing = async |query: &str| {
        let body = service.body(&format!("/v1/assessments/{id}{query}")).await;
        let flags = body["flags"].as_array().unwrap().clone();
        flags
            .into_iter()
            .filter(|flag| flag["code"] == "advice_missing")
            .map(|flag| flag["requirement"].clone())
            .collect::<Vec<_>>()
    };
    assert!(
        missing("").await.contains(&json!("preparation_for_adulthood")),
        "year 9 in 2025/26"
    );

    service.set_now("2026-02-21T12:00:00Z");
    let uri = format!("/v1/cases/{case_id}");
    let version = service.read(&uri).await.version();
    service
        .patch(
            &service.caseworker(),
            &uri,
            version,
            json!({ "date_of_birth": "2013-03-01", "needs": [{ "type": "HI", "rank": 1 }] }),
        )
        .await
        .expect(200);
    assert!(!missing("").await.contains(&json!("preparation_for_adulthood")));
    assert!(missing("").await.contains(&json!("sensory")));
    let then = missing("?known_at=2026-02-21T11:59:59Z").await;
    assert!(
        then.contains(&json!("preparation_for_adulthood")) && !then.contains(&json!("sensory")),
        "{then:?}"
    );

    service.set_now("2026-02-22T12:00:00Z");
    service
        .put(
            &service.admin(),
            "/v1/settings",
            json!({ "readings": { "day_of_receipt": "day_one" } }),
        )
        .await
        .expect(200);
    let due = async |query: &str| {
        service
            .read(&format!("/v1/assessments/{id}{query}"))
            .await
            .expect(200)
            .clock("final_plan")["due_on"]
            .clone()
    };
    assert_eq!(due("").await, "2026-05-24");
    assert_eq!(due("?known_at=2026-02-22T11:59:59Z").await, "2026-05-25");
    assert_eq!(due("?known_at=2026-02-22T12:00:00Z").await, "2026-05-24");
    assert_eq!(
        service.list("/v1/clocks?kind=final_plan").await[0]["due_on"],
        "2026-05-24"
    );
}

#[actix_web::test]
async fn advice_that_was_typed_wrongly_is_put_right_on_its_own_request() {
    let service = Service::on("2026-04-20");
    let trust = service.organisation("Trust", "health").await;
    let id = service.assessment(OPENED).await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-02" }),
        )
        .await;
    let request_id = asked.id();
    service
        .acted(
            &request_id,
            "submission",
            json!({ "occurred_on": "2026-03-20", "summary": "x", "authors": ["Dr A"] }),
        )
        .await;
    let known = service.event_ids(&id).await;
    let corrected = service
        .correct(&id, &[
            (&known[1], json!({ "type": "advice_requested", "occurred_on": "2026-02-03", "requirement": "medical", "received_on": "2026-02-06" })),
            (&known[2], json!({ "type": "advice_submitted", "occurred_on": "2026-03-19", "requirement": "medical" })),
        ])
        .await
        .expect(201);
    assert_eq!(corrected.clock("advice")["status"], "met");
    let request = service
        .read(&format!("/v1/advice-requests/{request_id}"))
        .await
        .expect(200);
    assert_eq!(request.body["requested_on"], "2026-02-03");
    assert_eq!(
        (
            request.body["received_on"].clone(),
            request.body["start_basis"].clone(),
            request.body["due_on"].clone()
        ),
        (json!("2026-02-06"), json!("recorded"), json!("2026-03-20"))
    );
    assert_eq!(request.body["submitted_on"], "2026-03-19");
    assert_eq!(
        request.body["organisation_id"], trust,
        "a replacement keeps whom it was asked of"
    );
    assert_eq!(request.body["submissions"][0]["submitted_on"], "2026-03-19");
    assert_eq!(request.version(), 3);
    assert_eq!(request.body["clock"]["id"], asked.body["clock"]["id"]);
}
