//! Every code of the table is reached, and looks as it should.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use actix_web::HttpServer;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use ehcp_timeline::http::problem::Code;
use serde_json::{Value, json};

use crate::harness::{Actor, Answer, Service, api, if_match, new_key};

#[actix_web::test]
async fn every_code_of_the_table_is_reached() {
    let service = Service::on("2026-05-20");
    let officer = service.caseworker();
    let case_id = service.case().await;
    let assessment_id = service.assessment_on(&case_id, "2026-01-05").await;
    let events = format!("/v1/assessments/{assessment_id}/events");
    let closed_id = service.case_with(json!({ "upn": "D885200024001" })).await;
    let closure = json!({ "reason": "other", "occurred_on": "2026-05-01" });
    service
        .post(&officer, &format!("/v1/cases/{closed_id}/closure"), closure)
        .await
        .expect(201);

    let mut reached: BTreeMap<&str, Answer> = BTreeMap::new();
    let post = |path: &str, body: &str| {
        officer
            .request(Method::POST, path)
            .insert_header(new_key())
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body.to_owned())
    };
    let request_event =
        json!({ "type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent" });
    let withdrawal = json!({
        "type": "assessment_withdrawn", "occurred_on": "2026-02-01", "withdrawn_by": "parent", "reason": "moved"
    });

    reached.insert("malformed_json", service.send(post("/v1/cases", "{")).await);
    reached.insert(
        "invalid_query",
        service.get(&officer, "/v1/clocks?limit=0&status=asleep").await,
    );
    let unquoted = officer
        .request(Method::POST, "/v1/cases")
        .insert_header(("Idempotency-Key", "bare"));
    reached.insert("invalid_header", service.send(unquoted.set_json(json!({}))).await);
    let keyless = officer.request(Method::POST, "/v1/cases").set_json(json!({}));
    reached.insert("idempotency_key_required", service.send(keyless).await);
    reached.insert(
        "known_at_not_supported",
        service
            .get(&officer, "/v1/clocks?known_at=2026-01-01T00:00:00Z")
            .await,
    );
    reached.insert(
        "unauthenticated",
        service.send(TestRequest::get().uri("/v1/cases")).await,
    );
    reached.insert(
        "forbidden",
        service.get(&service.contributor(&case_id), "/v1/cases").await,
    );
    reached.insert("not_found", service.get(&officer, "/v1/cases/no-such-case").await);
    reached.insert(
        "method_not_allowed",
        service.send(officer.request(Method::DELETE, "/v1/cases")).await,
    );
    reached.insert(
        "event_not_permitted",
        service
            .record(
                &assessment_id,
                json!({ "type": "final_plan_sent", "occurred_on": "2026-02-01" }),
            )
            .await,
    );
    reached.insert("plan_not_ready", early_final_plan(&service).await);
    let twin = json!({
        "given_name": "Twin", "family_name": "Example", "date_of_birth": "2017-11-02", "upn": "D885200024001"
    });
    reached.insert("duplicate", service.post(&officer, "/v1/cases", twin).await);
    let second = json!({ "case_id": case_id, "event": request_event });
    reached.insert(
        "already_open",
        service.post(&officer, "/v1/assessments", second).await,
    );
    let on_closed = json!({ "case_id": closed_id, "event": request_event });
    reached.insert(
        "case_closed",
        service.post(&officer, "/v1/assessments", on_closed).await,
    );
    reached.insert(
        "stale_version",
        service.act(&officer, &events, 7, withdrawal.clone()).await,
    );
    let large = format!("{{\"given_name\":\"{}\"}}", "a".repeat(1024 * 1024));
    reached.insert("payload_too_large", service.send(post("/v1/cases", &large)).await);
    let as_text = post("/v1/cases", "{}").insert_header(("Content-Type", "text/plain"));
    reached.insert("unsupported_media_type", service.send(as_text).await);
    reached.insert(
        "invalid_content",
        service.post(&officer, "/v1/cases", json!({})).await,
    );
    let impossible = json!({ "procedure": "assessment", "events": [withdrawal] });
    reached.insert(
        "impossible_sequence",
        service.post(&officer, "/v1/timelines", impossible).await,
    );
    reached.insert("idempotency_key_reused", reused_key(&service, &officer).await);
    reached.insert(
        "precondition_required",
        service.post(&officer, &events, withdrawal).await,
    );
    reached.insert("unavailable", unavailable().await);
    reached.insert("internal_error", broken_record(&service).await);
    reached.insert("bad_request", broken_off(&service).await);

    for code in Code::ALL {
        let answer = reached
            .get(code.name())
            .unwrap_or_else(|| panic!("{} is reached by no test", code.name()));
        assert_eq!(answer.code(), code.name(), "{:#}", answer.body);
        assert_eq!(answer.status, code.status().as_u16(), "{}", code.name());
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{}",
            code.name()
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{}",
            code.name()
        );
        assert_eq!(answer.body["type"], code.link());
        assert_eq!(
            answer.body["trace_id"].as_str(),
            answer.header("trace-id"),
            "{}",
            code.name()
        );
        for member in ["title", "detail", "instance"] {
            assert!(
                answer.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{} {member}",
                code.name()
            );
        }
    }
    assert_eq!(reached["unavailable"].header("retry-after"), Some("1"));
    assert!(
        reached["method_not_allowed"]
            .header("allow")
            .is_some_and(|methods| methods.contains("POST"))
    );
    assert_eq!(reached["stale_version"].body["current_version"], 1);
    assert_eq!(
        reached["already_open"].body["existing_id"],
        assessment_id.as_str()
    );
    assert_eq!(reached["duplicate"].body["existing_id"], closed_id.as_str());
    let refused = &reached["event_not_permitted"].body;
    assert_eq!(refused["state"], "considering_request");
    assert!(refused["permitted_events"].as_array().unwrap().len() > 3);
}

async fn early_final_plan(service: &Service) -> Answer {
    let assessment_id = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment_id, "2026-02-10").await;
    service
        .record(
            &assessment_id,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-05-15" }),
        )
        .await
        .expect(201);
    service
        .record(
            &assessment_id,
            json!({ "type": "final_plan_sent", "occurred_on": "2026-05-18" }),
        )
        .await
}

async fn reused_key(service: &Service, officer: &Actor) -> Answer {
    let send = |name: &str| {
        officer
            .request(Method::POST, "/v1/cases")
            .insert_header(("Idempotency-Key", "\"one\""))
            .set_json(json!({
                "given_name": name, "family_name": "Example", "date_of_birth": "2017-11-02"
            }))
    };
    service.send(send("Ada")).await.expect(201);
    service.send(send("Bea")).await
}

/// A service whose writer has stopped.
async fn unavailable() -> Answer {
    let service = Service::new();
    service.app.store.clone().close();
    let body = json!({ "given_name": "Ada", "family_name": "Example", "date_of_birth": "2017-11-02" });
    service.post(&service.caseworker(), "/v1/cases", body).await
}

/// A record that somebody else has damaged: the cause stays inside.
async fn broken_record(service: &Service) -> Answer {
    let assessment_id = service.assessment("2026-01-05").await;
    let damaged = damage(service, &assessment_id);
    assert_eq!(damaged, 1, "one row is damaged");
    let answer = service
        .get(&service.caseworker(), &format!("/v1/assessments/{assessment_id}"))
        .await;
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    answer
}

/// Spoils the stored facts of the first event.
fn damage(service: &Service, assessment_id: &str) -> usize {
    use diesel::connection::Connection;
    use diesel::prelude::*;
    let mut connection = SqliteConnection::establish(service.file().to_str().unwrap()).unwrap();
    diesel::sql_query("UPDATE events SET data = '{\"secret\":1}' WHERE procedure_id = ?")
        .bind::<diesel::sql_types::Text, _>(assessment_id)
        .execute(&mut connection)
        .unwrap()
}

/// A body that breaks off, over the wire, since only there it can.
async fn broken_off(service: &Service) -> Answer {
    let (app, key, officer) = (service.app.clone(), service.key(), service.caseworker());
    let made = move || {
        api()
            .app()
            .app_data(Data::new(app.clone()))
            .app_data(Data::new(key.clone()))
    };
    let server = HttpServer::new(made).workers(1).bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let request = format!(
        "POST /v1/cases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: \"k\"\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\nno length\r\n",
        officer.token()
    );
    let heard = actix_web::web::block(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        heard
    });
    let heard = heard.await.unwrap();
    handle.stop(false).await;
    Answer::heard(&heard)
}

#[actix_web::test]
async fn every_fault_is_told_at_once_and_nothing_is_stored() {
    let service = Service::new();
    let officer = service.caseworker();
    let body = json!({
        "family_name": "",
        "date_of_birth": "2017-02-30",
        "upn": "R247962919251",
        "upn_unknown_reason": "UN1",
        "nhs_number": "9434765918",
        "uln": "1000000063",
        "postcode": "nowhere",
        "needs": [{ "type": "ASD", "rank": 1 }, { "type": "ASD", "rank": 0 }, { "type": "XYZ", "rank": 2 }],
        "setting": { "urn": "116738", "ukprn": "10012345", "from_on": "2025-09-01" },
        "looked_after": "yes",
        "nickname": "A",
    });
    let answer = service.post(&officer, "/v1/cases", body).await.expect(422);
    let mut faults = answer.faults();
    faults.sort();
    let mut expected = vec![
        "/date_of_birth malformed",
        "/family_name too_short",
        "/family_name malformed",
        "/given_name missing",
        "/looked_after wrong_type",
        "/needs/1/rank out_of_range",
        "/needs/1/type repeated",
        "/needs/2/type not_one_of",
        "/nhs_number malformed",
        "/nickname unknown_field",
        "/postcode malformed",
        "/setting one_of",
        "/uln malformed",
        "/upn malformed",
        "/upn_unknown_reason not_with_upn",
    ];
    expected.sort_unstable();
    assert_eq!(faults, expected, "{:#}", answer.body);
    for said in ["R247962919251", "9434765918", "nowhere", "2017-02-30"] {
        assert!(
            !answer.text.contains(said),
            "the answer repeats what was sent: {said}"
        );
    }
    let listed = service.get(&officer, "/v1/cases").await.expect(200);
    assert_eq!(listed.body["items"], Value::Array(Vec::new()));
}

#[actix_web::test]
async fn every_path_answers_other_methods_with_those_it_takes() {
    let service = Service::new();
    let document = serde_json::to_value(ehcp_timeline::http::document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let taken: Vec<String> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        let path = path
            .replace("{id}", "0198e3a4-7d1c-7000-8000-000000000001")
            .replace("{person_id}", "x");
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            // With another method the word `search` is taken for an id.
            if taken.iter().any(|known| known == method) || (path == "/v1/cases/search" && method != "PUT") {
                continue;
            }
            let request = TestRequest::with_uri(&path)
                .method(method.parse().unwrap())
                .insert_header(if_match(1));
            let answer = service.send(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (405, "method_not_allowed"),
                "{method} {path}"
            );
            let allow = answer.header("allow").unwrap();
            assert!(
                taken.iter().all(|known| allow.contains(known.as_str())),
                "{method} {path}: {allow}"
            );
        }
    }
}
