//! How the app answers, code by code.

use actix_web::http::header;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::*;

/// Asserts what all problems have in common, and the code of this one.
fn assert_problem(answer: &Answer, code: Code) {
    assert_eq!(answer.body["code"], code.name(), "{}", answer.body);
    assert_eq!(answer.status, code.status());
    assert_eq!(answer.body["status"], code.status().as_u16());
    assert_eq!(answer.body["type"], code.link());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let trace_id = answer.body["trace_id"].as_str().unwrap();
    assert_eq!(trace_id.len(), 32);
    assert!(answer.body["instance"].as_str().unwrap().starts_with('/'));
    assert!(!answer.body["detail"].as_str().unwrap().is_empty());
}

#[actix_web::test]
async fn a_request_that_lacks_nothing_reaches_the_handler() {
    let answer = send(recording(good_trip())).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["version"], 12);
    assert_eq!(answer.body["key"], "first");
    assert_eq!(answer.body["sent"]["event"]["travellers"], 2);
    assert_eq!(answer.body["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("trace-id").len(), 32);
}

#[actix_web::test]
async fn every_fault_of_a_body_is_told_at_once() {
    let body = json!({
        "event": { "type": "departed", "occurred_on": "2026-02-30", "by": "sledge", "note": 7, "who": "Ann" },
        "started_at": "yesterday",
        "paid": { "to": "", "account": "B" },
        "contact": "nobody",
        "earlier": [{ "type": "lost" }, { "type": "paid", "to": "much too long", "occurred_on": "2026-01-01" }],
        "colour": "purple",
    });
    let answer = send(recording(&body)).await;
    assert_problem(&answer, Code::InvalidContent);
    assert_eq!(
        answer.faults(),
        [
            "/colour unknown_field",
            "/contact malformed",
            "/earlier/0/type not_one_of",
            "/earlier/1/to too_long",
            "/event/by not_one_of",
            "/event/note wrong_type",
            "/event/occurred_on malformed",
            "/event/travellers missing",
            "/event/who unknown_field",
            "/paid/account malformed",
            "/paid/to too_short",
            "/started_at malformed",
            "/trip_id missing",
        ]
    );
    for value in [
        "2026-02-30",
        "sledge",
        "Ann",
        "yesterday",
        "nobody",
        "much too long",
        "lost",
        "purple",
    ] {
        assert!(
            !answer.body.to_string().contains(value),
            "{value} is repeated in {}",
            answer.body
        );
    }
}

#[actix_web::test]
async fn rules_between_fields_are_told_with_the_faults_of_the_shape() {
    let body = json!({
        "event": { "type": "cancelled", "occurred_on": "2026-01-05" },
        "contact": "ann@example.org",
    });
    let answer = send(recording(&body)).await;
    assert_eq!(
        answer.faults(),
        ["/trip_id missing", "/contact not_with_cancelled"]
    );
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_400_and_says_where() {
    for (body, place) in [
        ("{\"trip_id\":\n  Ann}", "line 2, column 3"),
        ("", "line 1, column 0"),
        (r#"{"a": "\ud800"}"#, "line 1"),
        ("{} {}", "line 1, column 4"),
    ] {
        let answer = send(recording(body)).await;
        assert_problem(&answer, Code::MalformedJson);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(place),
            "{}",
            answer.body
        );
        assert!(!answer.body["detail"].as_str().unwrap().contains("Ann"));
    }
}

#[actix_web::test]
async fn a_value_beyond_what_its_type_holds_is_a_fault_and_not_a_crash() {
    let mut body = good_trip();
    body["event"] = json!({ "type": "paid", "occurred_on": "2026-01-05", "to": "a\u{0}b" });
    assert_eq!(send(recording(&body)).await.faults(), ["/event/to malformed"]);
    body["event"] =
        json!({ "type": "departed", "occurred_on": "2026-01-05", "by": "bus", "travellers": u64::MAX });
    assert_eq!(
        send(recording(&body)).await.faults(),
        ["/event/travellers out_of_range"]
    );
}

#[actix_web::test]
async fn a_body_must_be_plain_json_of_at_most_a_mebibyte() {
    assert_problem(
        &send(recording_with("content-type", "text/plain")).await,
        Code::UnsupportedMediaType,
    );
    assert_problem(
        &send(recording_with("content-encoding", "gzip")).await,
        Code::UnsupportedMediaType,
    );
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    assert_problem(&send(recording(&large)).await, Code::PayloadTooLarge);
    let many = json!({ "earlier": vec![0; 50_000] });
    assert_problem(&send(recording(&many)).await, Code::PayloadTooLarge);
    let declared = recording("{}").insert_header((header::CONTENT_LENGTH, "1048577"));
    assert_problem(&send(declared).await, Code::PayloadTooLarge);
}

#[actix_web::test]
async fn who_asks_is_settled_before_anything_else() {
    let anonymous = send(TestRequest::post().uri(TRIP)).await;
    assert_problem(&anonymous, Code::Unauthenticated);
    assert_eq!(anonymous.header("www-authenticate"), "Bearer");
    assert_problem(
        &send(recording_with("authorization", "Bearer forged")).await,
        Code::Unauthenticated,
    );
    assert_problem(
        &send(recording_with("authorization", "Basic caseworker")).await,
        Code::Unauthenticated,
    );
    assert_problem(
        &send(recording_with("authorization", "Bearer auditor")).await,
        Code::Forbidden,
    );
    assert_eq!(
        send(recording_with("authorization", "bearer caseworker"))
            .await
            .status,
        201
    );
}

#[actix_web::test]
async fn an_id_that_names_nothing_is_404_whatever_its_form() {
    for id in [
        "7",
        "0198e3a47d1c70008000000000000001",
        "{0198e3a4-7d1c-7000-8000-000000000001}",
    ] {
        let answer = send(recording(good_trip()).uri(&format!("/v1/trips/{id}/events"))).await;
        assert_problem(&answer, Code::NotFound);
    }
}

#[actix_web::test]
async fn the_version_acted_on_must_be_named_exactly() {
    assert_problem(
        &send(recording_without("If-Match")).await,
        Code::PreconditionRequired,
    );
    for text in [
        "*",
        "v12",
        "\"12\"",
        "W/\"v12\"",
        "\"v012\"",
        "\"v-1\"",
        "\"v+1\"",
        "\"v12\", \"v13\"",
        "\"v\"",
    ] {
        assert_problem(&send(recording_with("if-match", text)).await, Code::InvalidHeader);
    }
    let twice = recording(good_trip()).append_header(("If-Match", "\"v13\""));
    assert_problem(&send(twice).await, Code::InvalidHeader);
    let stale = send(recording_with("if-match", "\"v99\"")).await;
    assert_problem(&stale, Code::StaleVersion);
    assert_eq!(stale.body["current_version"], 100);
}

#[actix_web::test]
async fn an_idempotency_key_is_a_quoted_string() {
    assert_problem(
        &send(recording_without("Idempotency-Key")).await,
        Code::IdempotencyKeyRequired,
    );
    let too_long = format!("\"{}\"", "k".repeat(256));
    for text in [
        "first",
        "\"\"",
        "\"",
        "\"a b\"",
        "\"a\"b\"",
        "\"a\\n\"",
        "\"a\\\"",
        "\"a\";b=1",
        &too_long,
    ] {
        assert_problem(
            &send(recording_with("idempotency-key", text)).await,
            Code::InvalidHeader,
        );
    }
    assert_eq!(
        send(recording_with("idempotency-key", r#""a\"b\\c""#)).await.body["key"],
        r#"a"b\c"#
    );
    assert_eq!(
        send(recording_with("idempotency-key", &too_long.replacen('k', "", 1)))
            .await
            .status,
        201
    );
}

#[actix_web::test]
async fn a_query_string_is_read_by_the_types_of_the_document() {
    let uri =
        "/v1/trips?limit=20&open=true&due_before=2026-02-28&include=case,explanation&by=bus%20or%20train";
    let answer = send(TestRequest::get().uri(uri)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["page"]["limit"], 20);
    assert_eq!(answer.body["query"]["open"], true);
    assert_eq!(answer.body["query"]["by"], "bus or train");
    assert_eq!(answer.body["query"]["include"], json!(["case", "explanation"]));
    let answer = send(TestRequest::get().uri("/v1/trips?include=")).await;
    assert_eq!(answer.body["query"]["include"], json!([]), "{}", answer.body);
    assert_eq!(
        send(TestRequest::get().uri("/v1/trips")).await.body["page"]["limit"],
        Value::Null
    );
}

#[actix_web::test]
async fn every_fault_of_a_query_string_is_told_at_once() {
    let uri = "/v1/trips?limit=0&open=perhaps&due_before=5%20May&colour=red&by=a&by=b&cursor=%00";
    let answer = send(TestRequest::get().uri(uri)).await;
    assert_problem(&answer, Code::InvalidQuery);
    assert_eq!(answer.body["instance"], "/v1/trips");
    let mut faults = answer.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/by repeated",
            "/colour unknown_field",
            "/cursor malformed",
            "/due_before malformed",
            "/limit out_of_range",
            "/open wrong_type",
        ]
    );
    let answer = send(TestRequest::get().uri("/v1/trips?limit=many")).await;
    assert_eq!(answer.faults(), ["/limit wrong_type"]);
}

#[actix_web::test]
async fn an_unknown_path_is_404_and_another_method_405_with_allow() {
    assert_problem(&send(TestRequest::get().uri("/v1/nothing")).await, Code::NotFound);
    assert_problem(&send(TestRequest::get().uri("/")).await, Code::NotFound);
    for (request, allow) in [
        (TestRequest::delete().uri(TRIP), "POST"),
        (TestRequest::post().uri("/v1/trips"), "GET"),
        (TestRequest::put().uri("/openapi.json"), "GET"),
        (TestRequest::patch().uri("/v1/cases/search"), "POST"),
        (TestRequest::get().uri("/v1/cases/search"), "POST"),
    ] {
        let answer = send(request).await;
        assert_problem(&answer, Code::MethodNotAllowed);
        assert_eq!(answer.header("allow"), allow);
    }
}

#[actix_web::test]
async fn the_callers_trace_id_is_kept_and_comes_back_with_every_answer() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = ("traceparent", format!("00-{id}-00f067aa0ba902b7-01"));
    let well = send(
        TestRequest::get()
            .uri("/health/live")
            .insert_header(parent.clone()),
    )
    .await;
    assert_eq!(well.header("trace-id"), id);
    let lost = send(TestRequest::get().uri("/v1/nothing").insert_header(parent)).await;
    assert_eq!(lost.header("trace-id"), id);
    assert_eq!(lost.body["trace_id"], id);
    let one = send(TestRequest::get().uri("/health/live")).await;
    let other = send(TestRequest::get().uri("/health/live")).await;
    assert_ne!(one.header("trace-id"), other.header("trace-id"));
}

#[actix_web::test]
async fn whatever_fails_leaves_as_a_problem_without_its_cause() {
    let internal = send(recording_with("idempotency-key", "\"boom\"")).await;
    assert_problem(&internal, Code::InternalError);
    assert!(!internal.body.to_string().contains("secret"));
    let panicked = send(TestRequest::get().uri("/v1/panics")).await;
    assert_problem(&panicked, Code::InternalError);
    assert!(!panicked.body.to_string().contains("name"));
    let plain = send(TestRequest::get().uri("/v1/teapot")).await;
    assert_problem(&plain, Code::BadRequest);
    assert_problem(
        &send(TestRequest::get().uri("/docs/no-such-file.js")).await,
        Code::NotFound,
    );
}

#[actix_web::test]
async fn a_panic_over_the_wire_is_answered_and_the_connection_lives_on() {
    use std::io::{Read, Write};
    let api = api();
    let server = actix_web::HttpServer::new(move || api.app())
        .workers(1)
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let talk = actix_web::web::block(move || {
        let mut connection = std::net::TcpStream::connect(address).unwrap();
        let requests = "GET /v1/panics HTTP/1.1\r\nHost: x\r\n\r\n\
                        GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        connection.write_all(requests.as_bytes()).unwrap();
        let mut heard = String::new();
        connection.read_to_string(&mut heard).unwrap();
        heard
    });
    let heard = talk.await.unwrap();
    handle.stop(false).await;
    assert!(heard.starts_with("HTTP/1.1 500 "), "{heard}");
    assert!(heard.contains("\"code\":\"internal_error\""), "{heard}");
    assert!(heard.contains("HTTP/1.1 200 OK"), "{heard}");
    assert_eq!(heard.matches("trace-id: ").count(), 2, "{heard}");
}

#[actix_web::test]
async fn the_type_of_every_problem_leads_to_its_explanation() {
    for code in Code::ALL {
        let page = send(TestRequest::get().uri(&code.link())).await;
        assert_eq!(page.status, 200, "{}", code.link());
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    assert_problem(
        &send(TestRequest::get().uri("/docs/problems/none_such")).await,
        Code::NotFound,
    );
}

#[actix_web::test]
async fn the_service_describes_itself() {
    let live = send(TestRequest::get().uri("/health/live")).await;
    assert_eq!(
        (live.status.as_u16(), &live.body),
        (200, &json!({ "status": "ok" }))
    );
    // Nobody has said yet that the index is right.
    assert_problem(
        &send(TestRequest::get().uri("/health/ready")).await,
        Code::Unavailable,
    );
    let document = send(TestRequest::get().uri("/openapi.json")).await;
    assert_eq!(document.body["info"]["title"], "EHCP Timeline");
    assert_eq!(document.header("content-type"), "application/json");
    let moved = send(TestRequest::get().uri("/docs")).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/docs/"));
    for page in ["/docs/", "/docs/swagger-ui-bundle.js"] {
        assert_eq!(send(TestRequest::get().uri(page)).await.status, 200, "{page}");
    }
}

#[actix_web::test]
async fn a_hostile_body_is_answered_within_bounds() {
    let mut body = good_trip();
    body["earlier"] = json!(vec![json!({ "type": "x" }); 20_000]);
    let answer = send(recording(&body)).await;
    assert_problem(&answer, Code::InvalidContent);
    assert_eq!(answer.faults().len(), 1000);
}
