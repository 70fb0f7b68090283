//! What requests cost in statements, and that the index is what the events say.

use diesel::prelude::*;
use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::json;

use crate::harness::Service;

/// How many statements a read takes.
async fn cost(service: &Service, uri: &str) -> u64 {
    let before = service.app.store.statements();
    service.get(&service.caseworker(), uri).await.expect(200);
    service.app.store.statements() - before
}

async fn assessment_with_requests(service: &Service, requests: usize) -> (String, String) {
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&id, "2026-02-01").await;
    for number in 0..requests {
        let body = json!({
            "requirement": "medical", "service": format!("service {number}"), "requested_on": "2026-02-01"
        });
        service.ask(&id, body).await;
    }
    (case_id, id)
}

#[actix_web::test]
async fn reading_costs_the_same_however_much_advice_was_asked_for() {
    let service = Service::new();
    let (small_case, small) = assessment_with_requests(&service, 1).await;
    let (large_case, large) = assessment_with_requests(&service, 10).await;
    for (one, ten, budget) in [
        (
            format!("/v1/assessments/{small}"),
            format!("/v1/assessments/{large}"),
            5,
        ),
        (
            format!("/v1/assessments/{small}/advice"),
            format!("/v1/assessments/{large}/advice"),
            5,
        ),
        (
            format!("/v1/assessments/{small}/events"),
            format!("/v1/assessments/{large}/events"),
            5,
        ),
        (
            format!("/v1/cases/{small_case}"),
            format!("/v1/cases/{large_case}"),
            7,
        ),
    ] {
        let (small_cost, large_cost) = (cost(&service, &one).await, cost(&service, &ten).await);
        assert_eq!(small_cost, large_cost, "{one}");
        assert!(large_cost <= budget, "{one} takes {large_cost} statements");
    }
}

#[actix_web::test]
async fn a_page_costs_the_same_however_long_it_is() {
    let service = Service::new();
    for _ in 0..12 {
        assessment_with_requests(&service, 2).await;
    }
    for list in [
        "/v1/cases",
        "/v1/assessments",
        "/v1/advice-requests",
        "/v1/clocks",
        "/v1/clocks?include=case",
        "/v1/clocks?include=case,explanation",
        "/v1/cases?flag=due_soon",
    ] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let short = cost(&service, &format!("{list}{separator}limit=2")).await;
        let long = cost(&service, &format!("{list}{separator}limit=100")).await;
        assert_eq!(short, long, "{list}");
    }
    for list in ["/v1/clocks?include=case", "/v1/cases", "/v1/advice-requests"] {
        let taken = cost(&service, list).await;
        assert!(taken <= 4, "{list} takes {taken} statements");
    }
}

#[actix_web::test]
async fn the_index_is_what_the_events_say_and_a_rebuild_repairs_it() {
    let service = Service::new();
    let (_, id) = assessment_with_requests(&service, 3).await;
    service
        .record(
            &id,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-02-18" }),
        )
        .await
        .expect(201);
    let check = |only: bool| rebuild_all(&service.app.store, only, |_| {}).unwrap();
    assert_eq!(check(true).differing, 0);

    let mut connection = SqliteConnection::establish(service.file().to_str().unwrap()).unwrap();
    let spoiled = diesel::sql_query("UPDATE clocks SET due_on = '2030-01-01' WHERE kind = 'final_plan'")
        .execute(&mut connection)
        .unwrap();
    assert_eq!(spoiled, 1);
    assert_eq!(check(true).differing, 1, "checking reports and repairs nothing");
    assert_eq!(check(true).differing, 1);
    assert_eq!(check(false).differing, 1);
    assert_eq!(check(true).differing, 0);
}

#[actix_web::test]
async fn every_change_leaves_its_trace_and_a_refused_one_none() {
    #[derive(QueryableByName)]
    struct Entry {
        #[diesel(sql_type = diesel::sql_types::Text)]
        action: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        trace_id: String,
    }
    let service = Service::new();
    let id = service.assessment("2026-01-05").await;
    let decided = service.decide_to_assess(&id, "2026-02-01").await;
    service
        .record(
            &id,
            json!({ "type": "final_plan_sent", "occurred_on": "2026-02-02" }),
        )
        .await
        .expect(409);
    let mut connection = SqliteConnection::establish(service.file().to_str().unwrap()).unwrap();
    let entries: Vec<Entry> = diesel::sql_query("SELECT action, trace_id FROM audit_entries ORDER BY rowid")
        .load(&mut connection)
        .unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["open_case", "open_assessment", "record_assessment_event"]
    );
    assert_eq!(Some(entries[2].trace_id.as_str()), decided.header("trace-id"));
}
