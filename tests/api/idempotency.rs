//! A client that lost an answer asks again and gets it again.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Actor, Answer, Service, if_match};

async fn post(service: &Service, actor: &Actor, path: &str, key: &str, version: i64, body: &Value) -> Answer {
    let request = actor
        .request(Method::POST, path)
        .insert_header(("Idempotency-Key", format!("\"{key}\"")))
        .insert_header(if_match(version));
    service.send(request.set_json(body)).await
}

fn child(name: &str) -> Value {
    json!({ "given_name": name, "family_name": "Example", "date_of_birth": "2017-11-02" })
}

fn decision() -> Value {
    json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-12", "decision": "assess" })
}

#[actix_web::test]
async fn a_repeated_request_gets_the_first_answer_and_does_nothing_else() {
    let service = Service::new();
    let officer = service.caseworker();
    let id = service.assessment("2026-01-05").await;
    let events = format!("/v1/assessments/{id}/events");
    let first = post(&service, &officer, &events, "k", 1, &decision())
        .await
        .expect(201);
    // The version has moved on by its own doing; the key is looked at first.
    let second = post(&service, &officer, &events, "k", 1, &decision())
        .await
        .expect(201);
    assert_eq!(first.text, second.text);
    assert_eq!(first.header("etag"), second.header("etag"));
    let recorded = service.get(&officer, &events).await.expect(200);
    assert_eq!(recorded.body["items"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_created_record_keeps_its_place_in_the_repeated_answer() {
    let service = Service::new();
    let officer = service.caseworker();
    let first = post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201);
    let second = post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(first.text, second.text);
    assert_eq!(
        service.get(&officer, "/v1/cases").await.body["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[actix_web::test]
async fn a_key_stands_for_one_request_of_one_client() {
    let service = Service::new();
    let officer = service.caseworker();
    let case_id = post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201)
        .id();
    let other_body = post(&service, &officer, "/v1/cases", "k", 1, &child("Bea")).await;
    assert_eq!(
        (other_body.status, other_body.code()),
        (422, "idempotency_key_reused")
    );
    let person = json!({
        "name": "Sam Example", "relationship": "parent", "parental_responsibility": true, "receives_notices": true
    });
    let other_path = post(
        &service,
        &officer,
        &format!("/v1/cases/{case_id}/people"),
        "k",
        1,
        &person,
    )
    .await;
    assert_eq!(
        (other_path.status, other_path.code()),
        (422, "idempotency_key_reused")
    );

    let manager = service.actor(ehcp_timeline::auth::Role::Manager);
    let other_client = post(&service, &manager, "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201);
    assert_ne!(other_client.id(), case_id);
    let elsewhere = post(&service, &service.stranger(), "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201);
    assert_ne!(elsewhere.id(), case_id);
}

#[actix_web::test]
async fn a_failure_is_not_kept() {
    let service = Service::new();
    let officer = service.caseworker();
    post(&service, &officer, "/v1/cases", "k", 1, &json!({}))
        .await
        .expect(422);
    let id = service.assessment("2026-01-05").await;
    let events = format!("/v1/assessments/{id}/events");
    post(&service, &officer, &events, "k", 9, &decision())
        .await
        .expect(412);
    post(&service, &officer, &events, "k", 1, &decision())
        .await
        .expect(201);
}

#[actix_web::test]
async fn a_day_later_the_key_is_new() {
    let service = Service::on("2026-02-20");
    let officer = service.caseworker();
    let first = post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
        .await
        .expect(201)
        .id();
    service.set_now("2026-02-21T11:59:59Z");
    assert_eq!(
        post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
            .await
            .expect(201)
            .id(),
        first
    );
    service.set_now("2026-02-21T12:00:00Z");
    assert_ne!(
        post(&service, &officer, "/v1/cases", "k", 1, &child("Ada"))
            .await
            .expect(201)
            .id(),
        first
    );
}
