//! Every way to be told no: one code each, always a problem, never a leak.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use ehcp_timeline::http::code::Code;
use ehcp_timeline::http::document;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, anonymous, if_match, new_key};

const NOBODY: &str = "019b0000-0000-7000-8000-00000000dead";

/// A way to reach every code, by its name.
async fn reached(service: &Service) -> BTreeMap<&'static str, Answer> {
    let caseworker = service.caseworker();
    let case_id = service.case_with(json!({ "upn": "D885200024001" })).await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    let drafted = service.assessment("2026-01-05").await;
    service.decide_to_assess(&drafted, "2026-02-01").await;
    service
        .record_all(
            &drafted,
            &[json!({ "type": "draft_plan_served", "occurred_on": "2026-02-10" })],
        )
        .await;
    let closed = service.case().await;
    service
        .post(
            &caseworker,
            &format!("/v1/cases/{closed}/closure"),
            json!({ "reason": "other", "occurred_on": "2026-02-01" }),
        )
        .await
        .expect(201);
    let events = format!("/v1/assessments/{id}/events");
    let request_on =
        |day: &str| json!({ "type": "request_received", "occurred_on": day, "requested_by": "parent" });
    let send_json = |body: &'static str| {
        service
            .caseworker()
            .request(Method::POST, "/v1/cases")
            .insert_header(new_key())
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body)
    };

    let mut reached = BTreeMap::new();
    reached.insert(
        "malformed_json",
        service.send(send_json("{\"given_name\": ")).await,
    );
    reached.insert("invalid_query", service.read("/v1/cases?page=2").await);
    reached.insert(
        "invalid_header",
        service
            .send(
                caseworker
                    .request(Method::POST, &events)
                    .insert_header(new_key())
                    .insert_header(("If-Match", "1"))
                    .set_json(json!({})),
            )
            .await,
    );
    reached.insert(
        "idempotency_key_required",
        service
            .send(caseworker.request(Method::POST, "/v1/cases").set_json(json!({})))
            .await,
    );
    reached.insert(
        "known_at_not_supported",
        service.read("/v1/clocks?known_at=2026-01-01T00:00:00Z").await,
    );
    reached.insert(
        "unauthenticated",
        service.send(anonymous(Method::GET, "/v1/cases")).await,
    );
    reached.insert(
        "forbidden",
        service.get(&service.actor(Role::Auditor), "/v1/settings").await,
    );
    reached.insert(
        "forbidden",
        service
            .post(&service.actor(Role::Auditor), "/v1/cases", json!({}))
            .await,
    );
    reached.insert("not_found", service.read(&format!("/v1/cases/{NOBODY}")).await);
    reached.insert(
        "method_not_allowed",
        service
            .send(caseworker.request(Method::DELETE, "/v1/cases"))
            .await,
    );
    reached.insert(
        "event_not_permitted",
        service
            .record(
                &id,
                json!({ "type": "representations_received", "occurred_on": "2026-02-01" }),
            )
            .await,
    );
    reached.insert(
        "plan_not_ready",
        service
            .record(
                &drafted,
                json!({ "type": "final_plan_sent", "occurred_on": "2026-02-20" }),
            )
            .await,
    );
    reached.insert("duplicate", service.post(&caseworker, "/v1/cases", json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01", "upn": "D885200024001" })).await);
    reached.insert(
        "already_open",
        service
            .post(
                &caseworker,
                "/v1/assessments",
                json!({ "case_id": case_id, "event": request_on("2026-02-01") }),
            )
            .await,
    );
    reached.insert(
        "case_closed",
        service
            .post(
                &caseworker,
                "/v1/assessments",
                json!({ "case_id": closed, "event": request_on("2026-02-01") }),
            )
            .await,
    );
    let manager = service.actor(Role::Manager);
    let sealed = service.case().await;
    for _ in 0..2 {
        let seal = format!("/v1/cases/{sealed}/seal");
        let ground = json!({ "ground": "adoption" });
        reached.insert("already_sealed", service.post(&manager, &seal, ground).await);
    }
    let other = service.actor_of_subject("other", Role::Manager);
    let reference = service.get(&manager, &format!("/v1/cases/{sealed}")).await.body["reference"].clone();
    let breaking = json!({ "reference": reference, "reason": "the child is in hospital" });
    let reading = service
        .post(&other, "/v1/break-glass-readings", breaking)
        .await
        .expect(201)
        .id();
    let unsealing = format!("/v1/cases/{sealed}/unsealing");
    reached.insert(
        "broken_glass_only",
        service.post(&other, &unsealing, json!({})).await,
    );
    let review = format!("/v1/break-glass-readings/{reading}/review");
    reached.insert("own_reading", service.post(&other, &review, json!({})).await);
    reached.insert("nothing_due", service.make_list(1).await);
    service.due_case("1980-05-17").await;
    let list = service.make_list(1).await.expect(201).id();
    let of_list = |act: &str| format!("/v1/disposal-lists/{list}/{act}");
    let none = json!({ "keep": [] });
    let own = service.act(&manager, &of_list("review"), 1, none).await;
    reached.insert("own_list", own);
    let early = service.act(&other, &of_list("disposal"), 1, json!({})).await;
    reached.insert("disposal_list_state", early);
    let drafted = json!({ "type": "plan_drafted", "occurred_on": "2026-02-02" });
    let plan = json!({ "case_id": case_id, "event": drafted });
    let plan = service
        .post(&caseworker, "/v1/plans", plan)
        .await
        .expect(201)
        .id();
    let versions = format!("/v1/plans/{plan}/versions");
    for based_on_version in [json!(null), json!(1), json!(1)] {
        let body = json!({ "sections": {}, "based_on_version": based_on_version });
        reached.insert(
            "version_outdated",
            service.post(&caseworker, &versions, body).await,
        );
    }
    let withdrawn = json!({ "type": "plan_draft_withdrawn", "occurred_on": "2026-02-03" });
    let plan_events = format!("/v1/plans/{plan}/events");
    service
        .act(&caseworker, &plan_events, 1, withdrawn)
        .await
        .expect(201);
    reached.insert(
        "plan_ended",
        service
            .post(&caseworker, &versions, json!({ "sections": {} }))
            .await,
    );
    reached.insert("stale_version", service.act(&caseworker, &events, 7, json!({ "type": "further_request_received", "occurred_on": "2026-02-01", "requested_by": "parent" })).await);
    let large = format!("{{\"given_name\": \"{}\"}}", "a".repeat(1024 * 1024));
    reached.insert(
        "payload_too_large",
        service
            .send(
                caseworker
                    .request(Method::POST, "/v1/cases")
                    .insert_header(new_key())
                    .insert_header(("Content-Type", "application/json"))
                    .set_payload(large),
            )
            .await,
    );
    reached.insert(
        "unsupported_media_type",
        service
            .send(
                caseworker
                    .request(Method::POST, "/v1/cases")
                    .insert_header(new_key())
                    .insert_header(("Content-Type", "text/plain"))
                    .set_payload("{}"),
            )
            .await,
    );
    reached.insert("invalid_content", service.send(send_json("{}")).await);
    reached.insert("impossible_sequence", service.send(anonymous(Method::POST, "/v1/timelines").set_json(
        json!({ "procedure": "assessment", "as_of": "2026-02-01", "events": [{ "type": "draft_plan_served", "occurred_on": "2026-01-01" }] }))).await);
    let key = new_key();
    for family_name in ["B", "C"] {
        let body = json!({ "given_name": "A", "family_name": family_name, "date_of_birth": "2017-01-01" });
        let answer = service
            .send(
                caseworker
                    .request(Method::POST, "/v1/cases")
                    .insert_header(key.clone())
                    .set_json(body),
            )
            .await;
        reached.insert("idempotency_key_reused", answer);
    }
    reached.insert(
        "precondition_required",
        service
            .send(
                caseworker
                    .request(Method::POST, &events)
                    .insert_header(new_key())
                    .set_json(json!({})),
            )
            .await,
    );
    reached.extend(of_systems(service).await);
    reached.insert("bad_request", broken_body(service).await);
    let long = "a".repeat(9 * 1024);
    reached.insert(
        "uri_too_long",
        service.read(&format!("/v1/cases?caseworker={long}")).await,
    );
    let headers = (0..5).fold(caseworker.request(Method::GET, "/v1/cases"), |request, _| {
        request.append_header(("X-Large", long.clone()))
    });
    reached.insert("headers_too_large", service.send(headers).await);
    reached.insert("gone_on", gone_on(service).await);
    let (review, started) = first_review(service).await;
    let voided = json!({ "type": "correction", "occurred_on": "2026-02-20", "reason": "Typed wrongly",
        "changes": [{ "supersedes": started, "replacement": null }] });
    reached.insert(
        "follows_from_another",
        service.review_event(&review, voided).await,
    );
    // These two leave the service broken.
    service.tamper("UPDATE events SET data = '{\"fact\":\"the secret of a child\"}'");
    reached.insert(
        "internal_error",
        service.read(&format!("/v1/assessments/{id}")).await,
    );
    service.app.store.clone().close();
    reached.insert(
        "unavailable",
        service
            .post(
                &caseworker,
                "/v1/cases",
                json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01" }),
            )
            .await,
    );
    reached
}

/// What systems and those who keep them are told.
async fn of_systems(service: &Service) -> Vec<(&'static str, Answer)> {
    let body = json!({ "name": "Feed", "scopes": ["case:read"] });
    let client_id = service
        .post(&service.admin(), "/v1/clients", body)
        .await
        .expect(201)
        .id();
    let uri = format!("/v1/clients/{client_id}/secrets");
    let made = service.post(&service.admin(), &uri, json!({})).await.expect(201);
    let secret = made.body["secret"].as_str().unwrap();
    service.post(&service.admin(), &uri, json!({})).await.expect(201);
    let mut told = vec![(
        "too_many_secrets",
        service.post(&service.admin(), &uri, json!({})).await,
    )];
    let grant = ("grant_type", "client_credentials");
    for (code, parameters) in [
        ("invalid_request", vec![grant, grant]),
        ("unsupported_grant_type", vec![("grant_type", "password")]),
        (
            "invalid_client",
            vec![grant, ("client_id", &client_id), ("client_secret", "hush")],
        ),
        (
            "invalid_scope",
            vec![
                grant,
                ("client_id", &client_id),
                ("client_secret", secret),
                ("scope", "x"),
            ],
        ),
        (
            "invalid_grant",
            vec![
                grant,
                ("client_id", &client_id),
                ("client_secret", secret),
                ("la", "330"),
            ],
        ),
    ] {
        let request = anonymous(Method::POST, "/oauth/token").set_form(parameters);
        told.push((code, service.send(request).await));
    }
    told
}

/// A plan that was made, whose opening is voided after more was recorded on it.
async fn gone_on(service: &Service) -> Answer {
    let caseworker = service.caseworker();
    let body = json!({ "case_id": service.case().await,
        "event": { "type": "plan_made", "occurred_on": "2026-01-12" } });
    let plan = service.post(&caseworker, "/v1/plans", body).await.expect(201);
    let review = service.list("/v1/reviews").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" });
    let events = format!("/v1/reviews/{review}/events");
    service.act(&caseworker, &events, 1, held).await.expect(201);
    let events = format!("/v1/plans/{}/events", plan.id());
    let made = service.list(&events).await[0]["id"].clone();
    let voided = json!({ "type": "correction", "occurred_on": "2026-02-20", "reason": "Typed wrongly",
        "changes": [{ "supersedes": made, "replacement": null }] });
    service.act(&caseworker, &events, 1, voided).await
}

/// The review that a plan opened, and its first event.
async fn first_review(service: &Service) -> (String, Value) {
    let (_, review) = service.with_plan(json!({}), "2026-01-12").await;
    let events = service.list(&format!("/v1/reviews/{review}/events")).await;
    (review, events[0]["id"].clone())
}

/// A body whose chunks cannot be read, which only a real connection can send.
async fn broken_body(service: &Service) -> Answer {
    let (address, token) = (service.listen().await, service.caseworker().bearer());
    let raw = actix_web::rt::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/cases HTTP/1.1\r\nHost: test\r\nAuthorization: {token}\r\nIdempotency-Key: \"broken\"\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nno chunk\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    })
    .await
    .unwrap();
    Answer::parsed(&raw)
}

#[actix_web::test]
async fn every_code_of_the_table_is_reached_and_is_a_problem() {
    let service = Service::on("2026-02-20");
    let reached = reached(&service).await;
    // A request that another replica is at, and a commit whose answer is lost: `tests/resilience` makes those.
    // How much may be asked, and how long it may take, `src/http/tests/limits.rs` tries. What only one of many is
    // told stands within an answer, in `upcoming.rs`.
    let elsewhere = [
        Code::NoOpenReview,
        Code::SeveralOpenReviews,
        Code::IdempotencyInFlight,
        Code::OutcomeUnknown,
        Code::RequestTimeout,
        Code::TooManyRequests,
    ];
    for code in Code::ALL.into_iter().filter(|code| !elsewhere.contains(code)) {
        let answer = reached
            .get(code.name())
            .unwrap_or_else(|| panic!("nothing here reaches {}", code.name()));
        assert_eq!(
            (answer.code(), answer.status),
            (code.name(), code.status().as_u16()),
            "{}",
            answer.text
        );
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
        let body = &answer.body;
        assert_eq!(
            (body["status"].as_u64(), body["type"].as_str()),
            (Some(code.status().as_u16().into()), Some(code.link().as_str()))
        );
        for field in ["title", "detail", "instance"] {
            assert!(
                body[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} of {}",
                code.name()
            );
        }
        assert_eq!(
            body["trace_id"].as_str(),
            answer.header("trace-id"),
            "{}",
            code.name()
        );
        assert!(body["errors"].is_array());
        assert_eq!(
            answer.header("retry-after").is_some(),
            code.status().as_u16() == 503
        );
    }
    assert_eq!(
        reached.len(),
        Code::ALL.len() - elsewhere.len(),
        "a code that is no longer in the table"
    );
    assert!(
        !reached["internal_error"].text.contains("secret"),
        "a cause never leaves"
    );
}

#[actix_web::test]
async fn the_type_of_a_problem_leads_to_its_explanation() {
    let service = Service::new();
    for code in Code::ALL {
        let answer = service.send(anonymous(Method::GET, &code.link())).await;
        assert_eq!(answer.status, 200, "{}", code.link());
        assert!(answer.text.contains(code.row().title), "{}", code.link());
    }
}

/// The path of the document with something in place of its parameters.
fn filled(path: &str, with: &str) -> String {
    path.replace("{id}", with)
        .replace("{person_id}", with)
        .replace("{hold_id}", with)
        .replace("{number}", with)
}

fn paths() -> BTreeMap<String, Vec<String>> {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let mut methods: Vec<String> = item
                .as_object()
                .unwrap()
                .keys()
                .map(|method| method.to_uppercase())
                .collect();
            methods.sort();
            (path.clone(), methods)
        })
        .collect()
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let service = Service::new();
    for (path, methods) in paths() {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
            if methods.iter().any(|allowed| allowed == method) {
                continue;
            }
            let answer = service
                .send(
                    service
                        .caseworker()
                        .request(method.parse().unwrap(), &filled(&path, NOBODY)),
                )
                .await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(methods.join(", ").as_str())),
                "{method} {path}"
            );
            if method != "HEAD" {
                assert_eq!(answer.code(), "method_not_allowed", "{method} {path}");
            }
        }
    }
}

#[actix_web::test]
async fn what_is_not_there_is_not_found_whatever_it_is_called() {
    let service = Service::new();
    for (path, methods) in paths().into_iter().filter(|(path, _)| path.contains('{')) {
        for id in [
            NOBODY,
            "1",
            "019b0000000070008000000000000dead",
            "{019b0000-0000-7000-8000-00000000dead}",
            "%00",
            "urn:uuid:019b0000-0000-7000-8000-00000000dead",
        ] {
            let id = id.replace('{', "%7B").replace('}', "%7D");
            for method in &methods {
                let mut request = service
                    .actor_as(&[Role::Manager, Role::Admin], None, None)
                    .request(method.parse().unwrap(), &filled(&path, &id));
                if method != "GET" {
                    let body = crate::authorisation::sample(method, &path, NOBODY);
                    request = request
                        .insert_header(new_key())
                        .insert_header(if_match(1))
                        .set_json(body);
                }
                let answer = service.send(request).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (404, "not_found"),
                    "{method} {path} with {id}: {}",
                    answer.body
                );
            }
        }
    }
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/cases",
        "/v1/cases/",
        "/v1/case",
        "/v1/assessments//events",
        "/admin",
        "/v1/cases/../settings",
    ] {
        assert_eq!(service.read(path).await.expect(404).code(), "not_found", "{path}");
    }
}

#[actix_web::test]
async fn bodies_are_json_in_its_own_media_type() {
    let service = Service::new();
    let post = async |content_type: Option<&str>, encoding: Option<&str>, body: &str| {
        let mut request = anonymous(Method::POST, "/v1/timelines").set_payload(body.to_owned());
        if let Some(content_type) = content_type {
            request = request.insert_header(("Content-Type", content_type));
        }
        if let Some(encoding) = encoding {
            request = request.insert_header(("Content-Encoding", encoding));
        }
        service.send(request).await
    };
    for (content_type, encoding) in [
        (None, None),
        (Some("text/plain"), None),
        (Some("application/x-www-form-urlencoded"), None),
        (Some("application/merge-patch+json"), None),
        (Some("application/json"), Some("gzip")),
    ] {
        let answer = post(content_type, encoding, "{}").await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "unsupported_media_type"),
            "{content_type:?} {encoding:?}"
        );
    }
    post(Some("application/json; charset=utf-8"), Some("identity"), "{}")
        .await
        .expect(422);
    for (body, place) in [
        ("", "line 1, column 0"),
        ("{", "line 1, column 1"),
        ("{\"a\": 1,}", "line 1, column 9"),
        ("\n\nnull x", "line 3, column 6"),
        ("{\"a\": \"\u{1}\"}", "line 1, column 8"),
    ] {
        let answer = post(Some("application/json"), None, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "malformed_json"),
            "{body:?}"
        );
        assert!(
            answer.body["detail"].as_str().unwrap().contains(place),
            "{body:?}: {}",
            answer.body["detail"]
        );
    }
    for depth in [33, 200, 10_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let answer = post(Some("application/json"), None, &deep).await.expect(413);
        assert_eq!(answer.code(), "payload_too_large");
        assert!(answer.body["detail"].as_str().unwrap().contains("32 deep"));
    }
    let many = format!("[{}0]", "0,".repeat(60_000));
    assert_eq!(
        post(Some("application/json"), None, &many)
            .await
            .expect(413)
            .code(),
        "payload_too_large"
    );
    let nul = r#"{"procedure": "assessment\u0000", "events": []}"#;
    let faults = post(Some("application/json"), None, nul)
        .await
        .expect(422)
        .faults();
    assert!(faults.contains(&"/procedure malformed".to_owned()), "{faults:?}");
}

#[actix_web::test]
async fn what_was_sent_is_never_repeated() {
    let service = Service::new();
    let body = json!({ "given_name": ["Kofi"], "family_name": "Kofi".repeat(60), "date_of_birth": "Kofi", "upn": "Kofi", "needs": "Kofi",
        "external_refs": [{ "system": "Kofi Kofi", "id": 1 }], "setting": { "urn": "Kofi" } });
    let answer = service
        .post(&service.caseworker(), "/v1/cases", body)
        .await
        .expect(422);
    assert!(!answer.text.contains("Kofi"), "{}", answer.text);
    let answer = service
        .read("/v1/cases?caseworker=a&updated_since=Kofi&state=Kofi")
        .await
        .expect(400);
    assert!(!answer.text.contains("Kofi"), "{}", answer.text);
}

#[actix_web::test]
async fn a_trace_can_be_followed_from_the_caller() {
    let service = Service::new();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = service
        .caseworker()
        .request(Method::GET, "/v1/nothing")
        .insert_header(("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")));
    let answer = service.send(request).await.expect(404);
    assert_eq!(
        (answer.header("trace-id"), answer.body["trace_id"].as_str()),
        (Some(trace), Some(trace))
    );
    let other = service.read("/v1/cases").await.expect(200);
    assert!(
        other
            .header("trace-id")
            .is_some_and(|made| made.len() == 32 && made != trace)
    );
}

#[actix_web::test]
async fn a_store_that_takes_no_writes_still_reads() {
    let service = Service::new();
    let id = service.case().await;
    service.app.store.clone().close();
    for (method, uri, body) in [
        (
            Method::POST,
            "/v1/cases".to_owned(),
            json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01" }),
        ),
        (
            Method::PATCH,
            format!("/v1/cases/{id}"),
            json!({ "caseworker": "ann" }),
        ),
    ] {
        let request = service
            .caseworker()
            .request(method, &uri)
            .insert_header(new_key())
            .insert_header(if_match(1))
            .set_json(body);
        let answer = service.send(request).await;
        assert_eq!(
            (answer.status, answer.code(), answer.header("retry-after")),
            (503, "unavailable", Some("1")),
            "{uri}"
        );
    }
    assert_eq!(
        service.read(&format!("/v1/cases/{id}")).await.expect(200).body["caseworker"],
        Value::Null
    );
}

#[actix_web::test]
async fn health_tells_life_from_readiness() {
    let service = Service::new();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(
            service.send(anonymous(Method::GET, path)).await.expect(200).body["status"],
            "ok"
        );
    }
}
