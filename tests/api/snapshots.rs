//! What answers look like, whole. Ids and instants are numbered in order of appearance, after their
//! form has been asserted, so that a reader sees which are the same.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Service};

/// Masks what differs from run to run.
#[derive(Default)]
struct Mask {
    ids: Vec<String>,
    instants: Vec<String>,
}

impl Mask {
    fn of(value: &Value) -> Value {
        Mask::default().masked("", value)
    }

    fn masked(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if text.len() == 36 && Uuid::parse_str(text).is_ok() => {
                assert_eq!(text, &text.to_lowercase(), "{name}");
                json!(numbered(&mut self.ids, text, "id"))
            }
            Value::String(text) if name.ends_with("_at") => {
                assert!(
                    text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok(),
                    "{name}: {text}"
                );
                json!(numbered(&mut self.instants, text, "instant"))
            }
            Value::String(text) if name == "trace_id" => {
                assert!(
                    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{text}"
                );
                json!("[trace]")
            }
            Value::String(text) if name == "reference" && text.starts_with("EHC-") => {
                assert_eq!(text.len(), 13);
                json!("[reference]")
            }
            Value::String(text) if name == "instance" || name == "next_cursor" => {
                let parts = text.split_inclusive(['/', '_']).map(|part| self.part(part));
                json!(parts.collect::<String>())
            }
            Value::Array(items) => {
                let mut items = items.clone();
                // Clocks that are due on one day are in the order of their ids.
                items.sort_by_key(|item| match (item["due_on"].as_str(), item["kind"].as_str()) {
                    (Some(due_on), Some(kind)) => format!("{due_on} {kind}"),
                    _ => String::new(),
                });
                Value::Array(items.iter().map(|item| self.masked(name, item)).collect())
            }
            Value::Object(members) => {
                let masked: Map<String, Value> = members
                    .iter()
                    .map(|(name, member)| (name.clone(), self.masked(name, member)))
                    .collect();
                Value::Object(masked)
            }
            other => other.clone(),
        }
    }

    fn part(&mut self, part: &str) -> String {
        let word = part.trim_end_matches(['/', '_']);
        match Uuid::parse_str(word) {
            Ok(_) => part.replace(word, &numbered(&mut self.ids, word, "id")),
            Err(_) => part.to_owned(),
        }
    }
}

fn numbered(known: &mut Vec<String>, text: &str, what: &str) -> String {
    let place = known.iter().position(|held| held == text).unwrap_or_else(|| {
        known.push(text.to_owned());
        known.len() - 1
    });
    format!("[{what} {}]", place + 1)
}

fn assert_shown(name: &str, answer: &Answer) {
    insta::assert_json_snapshot!(name, Mask::of(&answer.body));
}

/// A case in the middle of its assessment: one request late, one claimed exception.
async fn story() -> (Service, String, String, String) {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Riverbank Trust", "health").await;
    let case_id = service
        .case_with(json!({ "sex": "F", "upn": "D885200024001", "needs": [{ "type": "SLCN", "rank": 1 }], "caseworker": "ann", "postcode": "WR5 2AB" }))
        .await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    let request = service
        .ask(&id, json!({ "requirement": "medical", "service": "paediatrics", "organisation_id": trust, "requested_on": "2026-01-06", "received_on": "2026-01-07", "questions": "What helps?" }))
        .await
        .id();
    service.decide_to_assess(&id, "2026-02-17").await;
    service
        .record_all(&id, &[json!({ "type": "exception_claimed", "occurred_on": "2026-02-18", "ground": "absent", "from": "2026-01-10", "to": "2026-02-10", "clocks": ["final_plan"], "causal_link": "Nobody could be seen" })])
        .await;
    (service, case_id, id, request)
}

#[actix_web::test]
async fn an_assessment() {
    let (service, _, id, _) = story().await;
    assert_shown(
        "assessment",
        &service.read(&format!("/v1/assessments/{id}")).await.expect(200),
    );
    assert_shown(
        "assessment_events",
        &service
            .read(&format!("/v1/assessments/{id}/events"))
            .await
            .expect(200),
    );
    assert_shown(
        "advice_matrix",
        &service
            .read(&format!("/v1/assessments/{id}/advice"))
            .await
            .expect(200),
    );
}

#[actix_web::test]
async fn a_case() {
    let (service, case_id, ..) = story().await;
    assert_shown(
        "case",
        &service.read(&format!("/v1/cases/{case_id}")).await.expect(200),
    );
    assert_shown("cases", &service.read("/v1/cases").await.expect(200));
}

#[actix_web::test]
async fn an_advice_request() {
    let (service, _, _, request) = story().await;
    let submitted = service.acted(&request, "submission", json!({ "occurred_on": "2026-02-19", "summary": "A quiet room", "authors": ["Dr Ada Example"], "unmet_need": "Hydrotherapy" })).await;
    assert_shown("advice_request", &submitted);
}

#[actix_web::test]
async fn a_worklist() {
    let (service, ..) = story().await;
    assert_shown(
        "clocks_with_case",
        &service
            .read("/v1/clocks?include=case&status=overdue")
            .await
            .expect(200),
    );
    assert_shown(
        "clocks_page",
        &service.read("/v1/clocks?limit=1").await.expect(200),
    );
}

#[actix_web::test]
async fn a_problem_of_each_shape() {
    let (service, case_id, id, request) = story().await;
    let caseworker = service.caseworker();
    assert_shown(
        "problem_plain",
        &service
            .read("/v1/cases/019b0000-0000-7000-8000-00000000dead")
            .await
            .expect(404),
    );
    assert_shown(
        "problem_with_faults",
        &service
            .post(&caseworker, "/v1/cases", json!({ "given_name": "", "age": 7 }))
            .await
            .expect(422),
    );
    assert_shown(
        "problem_of_a_query",
        &service.read("/v1/clocks?status=open&limit=0").await.expect(400),
    );
    assert_shown(
        "problem_event_not_permitted",
        &service
            .record(
                &id,
                json!({ "type": "final_plan_sent", "occurred_on": "2026-02-20" }),
            )
            .await
            .expect(409),
    );
    assert_shown(
        "problem_act_not_permitted",
        &service
            .act_on(&caseworker, &request, "acceptance", json!({}))
            .await
            .expect(409),
    );
    assert_shown(
        "problem_stale_version",
        &service
            .patch(&caseworker, &format!("/v1/cases/{case_id}"), 9, json!({}))
            .await
            .expect(412),
    );
    let request =
        json!({ "type": "request_received", "occurred_on": "2026-02-01", "requested_by": "parent" });
    assert_shown(
        "problem_already_open",
        &service
            .post(
                &caseworker,
                "/v1/assessments",
                json!({ "case_id": case_id, "event": request }),
            )
            .await
            .expect(409),
    );
    service
        .record_all(
            &id,
            &[json!({ "type": "draft_plan_served", "occurred_on": "2026-02-19" })],
        )
        .await;
    assert_shown(
        "problem_plan_not_ready",
        &service
            .record(
                &id,
                json!({ "type": "final_plan_sent", "occurred_on": "2026-02-20" }),
            )
            .await
            .expect(409),
    );
}
