//! Doing something once, however often it is asked.

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use ehcp_timeline::store::StoreError;
use serde_json::{Value, json};

use crate::harness::{Actor, Answer, Service, if_match, new_key};

const EVENT: &str =
    r#"{"type":"further_request_received","occurred_on":"2026-02-01","requested_by":"parent"}"#;

async fn post(
    service: &Service,
    actor: &Actor,
    uri: &str,
    key: &str,
    version: Option<i64>,
    body: &str,
) -> Answer {
    let mut request = actor
        .request(Method::POST, uri)
        .insert_header(("Idempotency-Key", format!("\"{key}\"")));
    if let Some(version) = version {
        request = request.insert_header(if_match(version));
    }
    service
        .send(
            request
                .insert_header(("Content-Type", "application/json"))
                .set_payload(body.to_owned()),
        )
        .await
}

#[actix_web::test]
async fn a_lost_answer_is_given_again_and_nothing_is_done_twice() {
    let service = Service::on("2026-02-20");
    let id = service.assessment("2026-01-05").await;
    let uri = format!("/v1/assessments/{id}/events");
    let first = post(&service, &service.caseworker(), &uri, "k", Some(1), EVENT)
        .await
        .expect(201);
    service.decide_to_assess(&id, "2026-02-10").await;
    service.set_now("2026-02-21T01:00:00Z");
    // The version it was sent with is stale by now, and the day has changed.
    let again = post(&service, &service.caseworker(), &uri, "k", Some(1), EVENT)
        .await
        .expect(201);
    assert_eq!(again.text, first.text);
    for header in ["etag", "content-type", "cache-control"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(service.event_ids(&id).await.len(), 3);
    let auditor = service.actor(ehcp_timeline::auth::Role::Auditor);
    let case_id = again.body["assessment"]["case_id"].as_str().unwrap();
    let trail = format!("/v1/audit?case_id={case_id}&action=record_assessment_event");
    let entries = service.pages(&auditor, &trail, 200).await;
    let readings: Vec<_> = entries
        .iter()
        .filter(|entry| entry["kind"] == "reading")
        .collect();
    assert_eq!(readings.len(), 1, "{entries:?}");
    assert_eq!(readings[0]["resource_id"], id);
    assert_eq!(readings[0]["outcome"], "done");
    // The key decides before the version does, but not before who asks.
    post(
        &service,
        &service.actor(ehcp_timeline::auth::Role::Auditor),
        &uri,
        "k",
        Some(1),
        EVENT,
    )
    .await
    .expect(403);
}

#[actix_web::test]
async fn a_long_answer_is_kept_in_less_room_and_given_again_as_it_was() {
    let service = Service::on("2026-02-20");
    let id = service.assessment("2026-01-05").await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let uri = format!("/v1/assessments/{id}/events");
    let event = r#"{"type":"plan_decision_notified","occurred_on":"2026-02-19","decision":"issue"}"#;
    let act = async || {
        post(&service, &service.caseworker(), &uri, "k", Some(2), event)
            .await
            .expect(201)
    };
    let first = act().await;
    let room = first.text.len() / 2;
    let kept = format!("idempotency_keys WHERE idempotency_key = 'k' AND length(body) BETWEEN 1 AND {room}");
    assert_eq!(service.count(&kept), 1, "{}", first.text);
    assert_eq!(act().await.text, first.text);

    // One that was kept as it stands, by a version that did not pack.
    let plain = "UPDATE idempotency_keys SET body = '{\"plain\":true}' WHERE idempotency_key = 'k'";
    service.tamper(plain);
    assert_eq!(act().await.text, r#"{"plain":true}"#);
}

#[actix_web::test]
async fn a_creation_is_given_again_with_its_place() {
    let service = Service::new();
    let body = r#"{"given_name":"Ada","family_name":"Example","date_of_birth":"2017-11-02"}"#;
    let first = post(&service, &service.caseworker(), "/v1/cases", "k", None, body)
        .await
        .expect(201);
    let again = post(&service, &service.caseworker(), "/v1/cases", "k", None, body)
        .await
        .expect(201);
    assert_eq!(
        (again.text.clone(), again.header("location"), again.header("etag")),
        (first.text.clone(), first.header("location"), first.header("etag"))
    );
    assert_eq!(service.list("/v1/cases").await.len(), 1);
    let auditor = service.actor(ehcp_timeline::auth::Role::Auditor);
    let id = first.body["id"].as_str().unwrap();
    let trail = format!("/v1/audit?case_id={id}&action=open_case");
    let entries = service.pages(&auditor, &trail, 200).await;
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["change", "reading"]);
}

#[actix_web::test]
async fn a_key_stands_for_one_path_and_body() {
    let service = Service::on("2026-02-20");
    let (one, other) = (
        service.assessment("2026-01-05").await,
        service.assessment("2026-01-05").await,
    );
    let uri = format!("/v1/assessments/{one}/events");
    post(&service, &service.caseworker(), &uri, "k", Some(1), EVENT)
        .await
        .expect(201);
    for (uri, body) in [
        (uri.clone(), EVENT.replace("parent", "young_person")),
        (uri.clone(), EVENT.replace(',', ", ")),
        (format!("/v1/assessments/{other}/events"), EVENT.to_owned()),
    ] {
        let refused = post(&service, &service.caseworker(), &uri, "k", Some(1), &body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (422, "idempotency_key_reused"),
            "{uri} {body}"
        );
    }
    assert_eq!(service.event_ids(&other).await.len(), 1);
}

#[actix_web::test]
async fn keys_belong_to_a_client_of_an_authority() {
    let service = Service::new();
    let body = r#"{"given_name":"Ada","family_name":"Example","date_of_birth":"2017-11-02"}"#;
    let manager = service.actor(ehcp_timeline::auth::Role::Manager);
    let mut made = Vec::new();
    for actor in [service.caseworker(), manager, service.stranger()] {
        made.push(
            post(&service, &actor, "/v1/cases", "k", None, body)
                .await
                .expect(201)
                .id(),
        );
    }
    made.dedup();
    assert_eq!(made.len(), 3);
}

#[actix_web::test]
async fn failures_are_not_kept() {
    let service = Service::on("2026-02-20");
    let id = service.assessment("2026-01-05").await;
    let uri = format!("/v1/assessments/{id}/events");
    let impossible = r#"{"type":"representations_received","occurred_on":"2026-02-01"}"#;
    post(&service, &service.caseworker(), &uri, "k", Some(1), impossible)
        .await
        .expect(409);
    post(&service, &service.caseworker(), &uri, "k", Some(9), EVENT)
        .await
        .expect(412);
    post(&service, &service.caseworker(), &uri, "k", Some(1), "{}")
        .await
        .expect(422);
    post(&service, &service.caseworker(), &uri, "k", Some(1), EVENT)
        .await
        .expect(201);
}

#[actix_web::test]
async fn after_a_day_a_key_is_new() {
    let service = Service::new();
    let body = r#"{"name":"Trust","kind":"health"}"#;
    let mut made = Vec::new();
    for instant in [
        "2026-02-20T09:00:00Z",
        "2026-02-21T08:59:59.999999Z",
        "2026-02-21T09:00:00Z",
        "2026-02-22T08:00:00Z",
    ] {
        service.set_now(instant);
        made.push(
            post(&service, &service.admin(), "/v1/organisations", "k", None, body)
                .await
                .expect(201)
                .id(),
        );
    }
    assert_eq!(made[0], made[1]);
    assert_ne!(made[1], made[2]);
    assert_eq!(made[2], made[3]);
}

#[actix_web::test]
async fn a_key_is_a_quoted_string_and_required() {
    let service = Service::new();
    let body = json!({ "name": "Trust", "kind": "health" });
    let keyless = service
        .admin()
        .request(Method::POST, "/v1/organisations")
        .set_json(&body);
    let refused = service.send(keyless).await;
    assert_eq!(
        (refused.status, refused.code()),
        (400, "idempotency_key_required")
    );
    let long = format!("\"{}\"", "k".repeat(256));
    for malformed in [
        "k",
        "\"k",
        "\"\"",
        "\"a b\"",
        "\"a\"b\"",
        "\"\\x\"",
        long.as_str(),
    ] {
        let request = service
            .admin()
            .request(Method::POST, "/v1/organisations")
            .insert_header(("Idempotency-Key", malformed))
            .set_json(&body);
        let refused = service.send(request).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "invalid_header"),
            "{malformed}"
        );
    }
    let twice = service
        .admin()
        .request(Method::POST, "/v1/organisations")
        .append_header(new_key())
        .append_header(new_key())
        .set_json(&body);
    assert_eq!(service.send(twice).await.code(), "invalid_header");
    assert_eq!(service.count("organisations"), 0);
    let escaped = service
        .admin()
        .request(Method::POST, "/v1/organisations")
        .insert_header(("Idempotency-Key", r#""a\"b\\c""#))
        .set_json(&body);
    assert_ne!(service.send(escaped).await.expect(201).body["id"], Value::Null);
}

#[actix_web::test]
async fn an_answer_is_not_given_again_once_the_case_is_sealed_from_whoever_asks() {
    use ehcp_timeline::auth::Role;
    let service = Service::on("2026-02-20");
    let (caseworker, manager) = (service.caseworker(), service.actor(Role::Manager));
    let opening = r#"{"given_name":"Ada","family_name":"Example","date_of_birth":"2017-11-02"}"#;
    let open = || post(&service, &caseworker, "/v1/cases", "open", None, opening);
    let first = open().await.expect(201);
    let case_id = first.id();
    let other = service.case().await;
    let started = json!({ "type": "review_period_started", "occurred_on": "2026-02-02", "kind": "annual" });
    let of_case = |case_id: &str| json!({ "case_id": case_id, "event": started });
    let both = json!({ "items": [of_case(&other), of_case(&case_id)] }).to_string();
    let bulk = || post(&service, &caseworker, "/v1/reviews/bulk", "bulk", None, &both);
    let reviews = bulk().await.expect(200);
    let only_other = json!({ "items": [of_case(&service.case().await)] }).to_string();
    let unsealed = || {
        post(
            &service,
            &caseworker,
            "/v1/reviews/bulk",
            "other",
            None,
            &only_other,
        )
    };
    let elsewhere = unsealed().await.expect(200);
    assert_eq!(
        (open().await.text, bulk().await.text),
        (first.text.clone(), reviews.text.clone())
    );

    let uri = format!("/v1/cases/{case_id}");
    let reference = first.body["reference"].clone();
    service
        .post(&manager, &format!("{uri}/seal"), json!({ "ground": "other" }))
        .await
        .expect(201);
    for answer in [open().await, bulk().await, service.read(&uri).await] {
        assert_eq!((answer.status, answer.code()), (404, "not_found"));
        assert!(!answer.text.contains("Ada"), "{}", answer.text);
    }
    assert_eq!(unsealed().await.text, elsewhere.text);
    // Nor one that was kept by a version that did not note of which cases it tells.
    service
        .app
        .store
        .write_now(|connection| {
            let forgotten = "UPDATE idempotency_keys SET case_ids = NULL";
            connection.batch_execute(forgotten).map_err(StoreError::from)
        })
        .unwrap();
    for answer in [open().await, bulk().await] {
        assert_eq!((answer.status, answer.code()), (404, "not_found"));
    }
    assert_eq!(unsealed().await.text, elsewhere.text);
    service.app.write_readings().await.unwrap();
    let auditor = service.actor(Role::Auditor);
    let trail = format!("/v1/audit?case_id={case_id}&action=open_case");
    let outcomes: Vec<Value> = service
        .pages(&auditor, &trail, 200)
        .await
        .iter()
        .map(|entry| entry["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["done", "done", "not_found", "not_found"]);

    // Whoever reviews a broken glass without seeing the case is told the same again.
    let breaking = json!({ "reference": reference, "reason": "the child is in hospital" }).to_string();
    let broken = post(
        &service,
        &caseworker,
        "/v1/break-glass-readings",
        "glass",
        None,
        &breaking,
    )
    .await;
    assert_eq!(open().await.text, first.text, "it is open for an hour");
    let outsider = service.actor_of_subject("outsider", Role::Manager);
    let review = format!("/v1/break-glass-readings/{}/review", broken.expect(201).id());
    let reviewed = post(&service, &outsider, &review, "review", None, "{}")
        .await
        .expect(200);
    let again = post(&service, &outsider, &review, "review", None, "{}")
        .await
        .expect(200);
    assert_eq!(again.text, reviewed.text);
    service.set_now("2026-02-20T13:30:00Z");
    open().await.expect(404);
    service
        .post(&manager, &format!("{uri}/unsealing"), json!({}))
        .await
        .expect(200);
    assert_eq!(open().await.text, first.text);
}
