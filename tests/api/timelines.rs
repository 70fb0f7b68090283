//! The calculator: the law as anybody may ask it, without a token and without a trace.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, anonymous, each};

async fn ask(service: &Service, body: &Value) -> Answer {
    service
        .send(anonymous(Method::POST, "/v1/timelines").set_json(body))
        .await
}

fn request_on(day: &str) -> Value {
    json!({ "type": "request_received", "occurred_on": day, "requested_by": "parent" })
}

fn question(events: Value, as_of: &str) -> Value {
    json!({ "procedure": "assessment", "events": events, "as_of": as_of })
}

#[actix_web::test]
async fn the_conformance_pack_holds_over_http() {
    let packs = [
        include_str!("../conformance/assessment.json"),
        include_str!("../conformance/review.json"),
        include_str!("../conformance/plan.json"),
        include_str!("../conformance/consultation.json"),
    ];
    let packs = packs.map(|pack| serde_json::from_str::<Vec<Value>>(pack).unwrap());
    assert!(packs.iter().all(|pack| !pack.is_empty()));
    assert!(packs.iter().map(Vec::len).sum::<usize>() >= 80);
    let service = Service::new();
    for case in packs.into_iter().flatten() {
        let name = case["name"].as_str().unwrap();
        let answer = ask(&service, &case["request"]).await;
        if let Some(impossible) = case.get("impossible") {
            assert_eq!(
                (answer.status, answer.code()),
                (422, "impossible_sequence"),
                "{name}"
            );
            assert_eq!(
                answer.faults(),
                [format!("/events/{} event_not_permitted", impossible["event"])],
                "{name}"
            );
            assert_eq!(answer.body["state"], impossible["state"], "{name}");
            assert!(answer.body["permitted_events"].is_array(), "{name}");
            continue;
        }
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let clocks = answer.body["clocks"].as_array().unwrap();
        for expected in case["expect"].as_array().into_iter().flatten() {
            let fits = |clock: &&Value| {
                expected
                    .as_object()
                    .unwrap()
                    .iter()
                    .all(|(field, value)| clock[field] == *value)
            };
            assert!(
                clocks.iter().any(|clock| fits(&clock)),
                "{name}: no clock is {expected} among {clocks:#?}"
            );
        }
        if let Some(state) = case.get("state") {
            assert_eq!(&answer.body["state"], state, "{name}");
        }
        assert_eq!(answer.body["as_of"], case["request"]["as_of"]);
        for sentence in case["explained"].as_array().into_iter().flatten() {
            let is_told = |clock: &Value| clock["explanation"].as_array().unwrap().contains(sentence);
            assert!(clocks.iter().any(is_told), "{name}: nobody says {sentence}");
        }
        for clock in clocks {
            assert!(!clock["explanation"].as_array().unwrap().is_empty(), "{name}");
            assert_eq!(
                (clock["case_id"].clone(), clock["procedure_id"].clone()),
                (Value::Null, Value::Null)
            );
        }
    }
}

#[actix_web::test]
async fn an_event_of_another_procedure_is_pointed_at() {
    let service = Service::on("2026-03-20");
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let asked = json!({ "type": "advice_requested", "occurred_on": "2025-06-01", "requirement": "medical" });
    let question = |procedure: &str| json!({ "procedure": procedure, "events": [started, request_on("2026-01-05"), asked] });
    let review = ask(&service, &question("review")).await;
    assert_eq!(
        (review.status, review.faults()),
        (422, vec!["/events/1/type not_one_of".to_owned()])
    );
    let assessment = ask(&service, &question("assessment")).await;
    assert_eq!(assessment.faults(), ["/events/0/type not_one_of"]);
    let unknown = ask(&service, &json!({ "procedure": "reviews", "events": [started] })).await;
    assert_eq!(unknown.faults(), ["/procedure not_one_of"]);
    let lacking = json!({ "type": "review_meeting_arranged", "occurred_on": "2026-02-10" });
    let lacking = ask(
        &service,
        &json!({ "procedure": "review", "events": [started, lacking] }),
    )
    .await;
    assert_eq!(lacking.faults(), ["/events/1/meeting_on missing"]);
}

#[actix_web::test]
async fn a_review_says_what_may_come_next() {
    let service = Service::on("2026-03-20");
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let answer = ask(&service, &json!({ "procedure": "review", "events": [started] }))
        .await
        .expect(200);
    let permitted = answer.body["permitted_events"].as_array().unwrap();
    let named = |name: &str| permitted.iter().find(|event| event["type"] == name);
    assert_eq!(
        named("review_meeting_arranged").unwrap()["required"],
        json!(["meeting_on"])
    );
    assert!(
        named("review_decision_notified").is_some(),
        "steps may be left out"
    );
    assert!(named("amendment_abandoned_notified").is_none());
    let due = &answer.body["clocks"][0];
    assert_eq!(
        (due["provision"].clone(), due["title"].clone()),
        (
            json!({
                "instrument": "Children and Families Act 2014",
                "reference": "s.44(1)",
                "confidence": "unconfirmed"
            }),
            json!("Complete the review of the plan")
        )
    );
}

#[actix_web::test]
async fn it_says_what_a_stored_procedure_says() {
    let service = Service::on("2026-05-01");
    let id = service.assessment("2026-01-05").await;
    let later = [
        json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-17", "decision": "assess", "sent_on": "2026-02-16" }),
        json!({ "type": "plan_decision_notified", "occurred_on": "2026-04-01", "decision": "issue" }),
        json!({ "type": "exception_claimed", "occurred_on": "2026-04-02", "ground": "absent", "from": "2026-02-01", "to": "2026-03-15", "clocks": ["final_plan"] }),
        json!({ "type": "draft_plan_served", "occurred_on": "2026-04-20", "served_on": "2026-04-22" }),
    ];
    service.record_all(&id, &later).await;
    let mut events = vec![request_on("2026-01-05")];
    events.extend(later);
    events.reverse();
    let told = |answer: &Value| {
        let clocks = answer["clocks"].as_array().unwrap().clone();
        let mut clocks: Vec<Value> = clocks
            .into_iter()
            .map(|mut clock| {
                for own in ["id", "case_id", "procedure_id", "exceptions"] {
                    clock.as_object_mut().unwrap().remove(own);
                }
                clock
            })
            .collect();
        clocks.sort_by_key(|clock| clock["kind"].as_str().unwrap().to_owned());
        clocks
    };
    for as_of in [
        "2026-01-05",
        "2026-02-16",
        "2026-02-17",
        "2026-04-21",
        "2026-05-01",
        "2026-12-31",
    ] {
        let stored = service.body(&format!("/v1/assessments/{id}?as_of={as_of}")).await;
        let computed = ask(&service, &question(json!(events), as_of))
            .await
            .expect(200)
            .body;
        assert_eq!(told(&computed), told(&stored), "{as_of}");
        assert_eq!(
            (computed["state"].clone(), computed["permitted_events"].clone()),
            (stored["state"].clone(), stored["permitted_events"].clone())
        );
    }
}

#[actix_web::test]
async fn events_after_the_day_asked_about_do_not_count() {
    let service = Service::on("2026-02-20");
    let nonsense_later =
        json!([request_on("2026-01-05"), { "type": "final_plan_sent", "occurred_on": "2026-03-01" }]);
    let answer = ask(&service, &question(nonsense_later.clone(), "2026-02-28"))
        .await
        .expect(200);
    assert_eq!(answer.body["state"], "considering_request");
    assert_eq!(
        ask(&service, &question(nonsense_later, "2026-03-01"))
            .await
            .expect(422)
            .faults(),
        ["/events/1 event_not_permitted"]
    );
    let answer = ask(
        &service,
        &question(json!([request_on("2026-01-05")]), "2026-01-04"),
    )
    .await;
    assert_eq!(
        (answer.status, answer.faults()),
        (422, vec!["/as_of before_opening".to_owned()])
    );
    let today = ask(
        &service,
        &json!({ "procedure": "assessment", "events": [request_on("2026-01-05")] }),
    )
    .await
    .expect(200);
    assert_eq!(today.body["as_of"], "2026-02-20");
}

#[actix_web::test]
async fn an_impossible_sequence_points_at_the_event_as_it_was_given() {
    let service = Service::new();
    for (events, index, state) in [
        (
            json!([{ "type": "moved_out", "occurred_on": "2026-01-01", "to_la": "330" }, request_on("2026-01-05")]),
            0,
            Value::Null,
        ),
        (
            json!([{ "type": "draft_plan_served", "occurred_on": "2026-01-06" }, request_on("2026-01-05")]),
            0,
            json!("considering_request"),
        ),
        (
            json!([request_on("2026-01-05"), request_on("2026-01-06")]),
            1,
            json!("considering_request"),
        ),
        (
            json!([{ "type": "advice_submitted", "occurred_on": "2026-02-01", "requirement": "medical" }, request_on("2026-01-05")]),
            0,
            json!("considering_request"),
        ),
        (
            json!([request_on("2026-01-05"), { "type": "advice_requested", "occurred_on": "2026-02-01", "requirement": "medical" },
            { "type": "advice_requested", "occurred_on": "2026-02-02", "requirement": "medical" }]),
            2,
            json!("considering_request"),
        ),
    ] {
        let answer = ask(&service, &question(events.clone(), "2026-06-01")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "impossible_sequence"),
            "{events}"
        );
        assert_eq!(
            answer.faults(),
            [format!("/events/{index} event_not_permitted")],
            "{events}"
        );
        assert_eq!(answer.body["state"], state);
        assert!(answer.body["permitted_events"].is_array());
    }
    let early = json!([request_on("2026-01-05"), { "type": "assess_decision_notified", "occurred_on": "2026-02-01", "decision": "assess" },
        { "type": "draft_plan_served", "occurred_on": "2026-03-02" }, { "type": "final_plan_sent", "occurred_on": "2026-03-16" }]);
    assert_eq!(
        ask(&service, &question(early, "2026-06-01"))
            .await
            .expect(422)
            .faults(),
        ["/events/3 event_not_permitted"]
    );
}

#[actix_web::test]
async fn readings_are_the_askers_own() {
    let service = Service::new();
    let due = async |readings: Value| {
        let mut body = question(json!([request_on("2025-11-13")]), "2025-11-13");
        body["readings"] = readings;
        ask(&service, &body).await.expect(200).clock("assess_decision")["due_on"].clone()
    };
    assert_eq!(due(json!({})).await, "2025-12-25");
    assert_eq!(due(json!({ "day_of_receipt": "day_one" })).await, "2025-12-24");
    assert_eq!(
        due(json!({ "non_working_due_day": "next_working_day" })).await,
        "2025-12-29"
    );
    let mut body = question(json!([request_on("2025-11-13")]), "2025-11-13");
    body["readings"] = json!({ "day_of_receipt": "perhaps", "moon": "full" });
    assert_eq!(
        ask(&service, &body).await.faults(),
        [
            "/readings/day_of_receipt not_one_of",
            "/readings/moon unknown_field"
        ]
    );
}

#[actix_web::test]
async fn every_fault_of_a_question_is_told_at_once() {
    let service = Service::new();
    let body = json!({ "procedure": "picnic", "as_of": "2026-13-01", "who": "me", "events": [
        { "type": "request_received", "occurred_on": "5 January", "requested_by": "aunt" },
        { "type": "correction", "occurred_on": "2026-01-05", "reason": "x", "changes": [] },
        { "type": "exception_claimed", "occurred_on": "2026-01-05", "ground": "absent", "from": "2026-02-02", "to": "2026-02-01", "clocks": ["tea"] },
        7,
    ] });
    let refused = ask(&service, &body).await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        (refused.status, refused.code(), faults),
        (
            422,
            "invalid_content",
            [
                "/as_of malformed",
                "/events/0/occurred_on malformed",
                "/events/0/requested_by not_one_of",
                "/events/1/type not_one_of",
                "/events/2/clocks/0 not_one_of",
                "/events/2/to out_of_order",
                "/events/3 wrong_type",
                "/procedure not_one_of",
                "/who unknown_field",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    assert_eq!(
        ask(&service, &question(json!([]), "2026-01-01")).await.faults(),
        ["/events too_few"]
    );
}

#[actix_web::test]
async fn any_date_there_is_can_be_asked_about() {
    let service = Service::new();
    for day in ["0001-01-01", "1066-10-14", "2014-08-31", "9998-12-31"] {
        let events = json!([request_on(day), { "type": "exception_claimed", "occurred_on": day, "ground": "school_closed", "from": day, "to": day,
            "clocks": ["final_plan"], "closed_from": "0001-01-01", "reopens_on": "9998-12-31", "advice_requested_on": day }]);
        for as_of in [day, "9998-12-31"] {
            let answer = ask(&service, &question(events.clone(), as_of)).await.expect(200);
            assert_eq!(
                answer.body["state"], "considering_request",
                "{day} read on {as_of}"
            );
            assert_eq!(
                answer.body["clocks"].as_array().unwrap().is_empty(),
                day < "2014-09-01",
                "{day}: no rule before the Regulations"
            );
            for clock in answer.body["clocks"].as_array().unwrap() {
                assert_eq!(
                    clock["due_on"].as_str().unwrap().len(),
                    10,
                    "a date as every other: {}",
                    clock["due_on"]
                );
            }
        }
    }
    // Beyond these no store could keep the day, or no answer could write what is counted from it.
    for day in ["0000-12-31", "9999-01-01", "10000-01-01", "-0001-01-01"] {
        assert_eq!(
            ask(&service, &question(json!([request_on(day)]), "2026-01-01"))
                .await
                .faults(),
            ["/events/0/occurred_on malformed"],
            "{day}"
        );
    }
}

#[actix_web::test]
async fn nothing_is_stored_and_nobody_is_asked_who_they_are() {
    let service = Service::new();
    ask(
        &service,
        &question(json!([request_on("2026-01-05")]), "2026-02-01"),
    )
    .await
    .expect(200);
    for table in [
        "procedures",
        "events",
        "clocks",
        "audit_entries",
        "idempotency_keys",
    ] {
        assert_eq!(service.count(table), 0, "{table}");
    }
    let forged = service
        .forger()
        .request(Method::POST, "/v1/timelines")
        .set_json(question(json!([request_on("2026-01-05")]), "2026-02-01"));
    service.send(forged).await.expect(200);
}

#[actix_web::test]
async fn advice_runs_in_it_by_requirement_and_service() {
    let service = Service::new();
    let events = json!([
        request_on("2026-01-05"),
        { "type": "assess_decision_notified", "occurred_on": "2026-02-10", "decision": "assess" },
        { "type": "advice_requested", "occurred_on": "2026-02-10", "requirement": "medical", "received_on": "2026-02-12" },
        { "type": "advice_requested", "occurred_on": "2026-02-10", "requirement": "medical", "service": "camhs" },
        { "type": "advice_submitted", "occurred_on": "2026-03-26", "requirement": "medical" },
    ]);
    let answer = ask(&service, &question(events, "2026-03-26")).await.expect(200);
    let advice: Vec<Value> = answer.body["clocks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|clock| clock["kind"] == "advice")
        .cloned()
        .collect();
    let mut lines: Vec<String> = advice
        .iter()
        .map(|clock| {
            format!(
                "{} {}",
                clock["due_on"].as_str().unwrap(),
                clock["status"].as_str().unwrap()
            )
        })
        .collect();
    lines.sort();
    assert_eq!(lines, ["2026-03-24 overdue", "2026-03-26 met"]);
    assert_eq!(each(&advice, "bearer"), ["health", "health"]);
}
