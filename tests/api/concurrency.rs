//! Several callers at once: one wins, the others are told, nothing is lost.

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Service, if_match, new_key};

#[actix_web::test]
async fn of_two_callers_on_one_version_one_wins() {
    let service = Service::new();
    let officer = service.caseworker();
    for _ in 0..10 {
        let id = service.assessment("2026-01-05").await;
        let path = format!("/v1/assessments/{id}/events");
        let decide = |decision: &str| {
            let event = json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-12", "decision": decision });
            let request = officer
                .request(Method::POST, &path)
                .insert_header(new_key())
                .insert_header(if_match(1));
            service.send(request.set_json(event))
        };
        let answers = join_all([decide("assess"), decide("refuse")]).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 412]);
        let won = answers.iter().find(|answer| answer.status == 201).unwrap();
        let held = service
            .get(&officer, &format!("/v1/assessments/{id}"))
            .await
            .expect(200);
        assert_eq!(held.body["state"], won.body["assessment"]["state"]);
        assert_eq!(held.body["version"], 2);
    }
}

#[actix_web::test]
async fn of_many_who_open_an_assessment_one_does() {
    let service = Service::new();
    let officer = service.caseworker();
    let case_id = service.case().await;
    let open = || {
        let event =
            json!({ "type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent" });
        service.post(
            &officer,
            "/v1/assessments",
            json!({ "case_id": case_id, "event": event }),
        )
    };
    let answers = join_all((0..12).map(|_| open())).await;
    let opened: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.id())
        .collect();
    assert_eq!(opened.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((refused.status, refused.code()), (409, "already_open"));
        assert_eq!(refused.body["existing_id"], opened[0].as_str());
    }
}

#[actix_web::test]
async fn acts_on_many_requests_of_one_assessment_are_all_kept() {
    let service = Service::new();
    let officer = service.caseworker();
    let id = service.assessment("2026-01-05").await;
    service.decide_to_assess(&id, "2026-02-01").await;
    let mut requests = Vec::new();
    for service_name in [
        "paediatrics",
        "physiotherapy",
        "camhs",
        "audiology",
        "dietetics",
        "orthoptics",
    ] {
        let body = json!({ "requirement": "medical", "service": service_name, "requested_on": "2026-02-01" });
        requests.push(service.ask(&id, body).await.id());
    }
    let submit = |request_id: &String| {
        let path = format!("/v1/advice-requests/{request_id}/submission");
        let body = json!({ "summary": "Seen.", "authors": ["Dr A. Adviser"], "occurred_on": "2026-02-19" });
        let (service, officer) = (&service, &officer);
        async move { service.act(officer, &path, 1, body).await }
    };
    for answer in join_all(requests.iter().map(submit)).await {
        answer.expect(201);
    }
    let held = service
        .get(&officer, &format!("/v1/assessments/{id}"))
        .await
        .expect(200);
    assert_eq!(held.body["version"], 2 + 6 + 6);
    for request_id in &requests {
        let request = service
            .get(&officer, &format!("/v1/advice-requests/{request_id}"))
            .await
            .expect(200);
        assert_eq!(request.body["state"], "submitted");
    }
}

#[actix_web::test]
async fn one_key_sent_many_times_at_once_records_one_event() {
    let service = Service::new();
    let officer = service.caseworker();
    let id = service.assessment("2026-01-05").await;
    let path = format!("/v1/assessments/{id}/events");
    let decide = || {
        let event =
            json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-12", "decision": "assess" });
        let request = officer
            .request(Method::POST, &path)
            .insert_header(("Idempotency-Key", "\"same\""));
        service.send(request.insert_header(if_match(1)).set_json(event))
    };
    let answers = join_all((0..8).map(|_| decide())).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    let held = service.get(&officer, &path).await.expect(200);
    assert_eq!(held.body["items"].as_array().unwrap().len(), 2);
}
