//! The trail: what everybody did and saw is on it, auditors find it, and only they.

use std::collections::BTreeMap;

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use ehcp_timeline::service::lease::Replica;
use ehcp_timeline::service::sealing::seal_everything;
use serde_json::{Value, json};

use crate::authorisation::{Operation, fixture, operations};
use crate::clients::{ask, bearer, registered, secret_of};
use crate::harness::{Answer, Service};

/// What is not about any case.
const ABOUT_NOBODY: [&str; 10] = [
    "list_disposal_lists",
    "list_clients",
    "get_client",
    "get_rules",
    "check_liveness",
    "check_readiness",
    "get_openapi",
    "list_organisations",
    "get_organisation",
    "get_settings",
];

impl Service {
    /// What an auditor finds, once every reading is written down.
    async fn trail(&self, query: &str) -> Vec<Value> {
        self.app.write_readings().await.unwrap();
        self.pages(&self.actor(Role::Auditor), &format!("/v1/audit?{query}"), 200)
            .await
    }

    async fn get_because(&self, uri: &str, reason: &str) -> Answer {
        let request = self.caseworker().request(Method::GET, uri);
        self.send(request.insert_header(("Access-Reason", reason))).await
    }
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect()
}

fn is_reading(operation: &Operation) -> bool {
    operation.method == "GET" || operation.id.starts_with("search_")
}

#[actix_web::test]
async fn every_operation_that_shows_something_of_a_case_is_on_its_trail() {
    let fixture = fixture().await;
    let service = &fixture.service;
    let mut shown = 0;
    for operation in operations().iter().filter(|operation| is_reading(operation)) {
        let id = operation.id.as_str();
        let before = service.trail(&format!("action={id}")).await.len();
        let actor = match id {
            "list_audit_entries"
            | "list_break_glass_readings"
            | "list_clients"
            | "get_client"
            | "list_disposal_lists"
            | "get_disposal_list"
            | "list_disposals" => service.actor(Role::Auditor),
            "export_case" => service.actor(Role::Manager),
            _ => service.caseworker(),
        };
        let role = match id {
            "list_break_glass_readings" | "get_disposal_list" | "list_disposals" => "auditor",
            "export_case" => "manager",
            _ => "caseworker",
        };
        if id == "list_phase_transfers" {
            let uri = "/v1/reviews/phase-transfers?year_group=3";
            let listed = service.get(&actor, uri).await.expect(200);
            assert_ne!(listed.body["items"], json!([]));
        } else {
            fixture.try_as(operation, Some(&actor)).await.expect(200);
        }
        let entries = service.trail(&format!("action={id}")).await;
        if ABOUT_NOBODY.contains(&id) {
            assert_eq!(entries.len(), 0, "{id}");
            continue;
        }
        if id == "list_audit_entries" {
            assert!(entries.len() > before, "{id}");
            continue;
        }
        assert_eq!(entries.len(), before + 1, "{id}");
        let entry = entries.last().unwrap();
        assert_eq!(
            (
                &entry["kind"],
                &entry["outcome"],
                &entry["subject"],
                &entry["roles"]
            ),
            (
                &json!("reading"),
                &json!("done"),
                &json!(format!("{role}-885")),
                &json!([role])
            ),
            "{id}"
        );
        let case_id = match id {
            "get_seal" => &fixture.sealed,
            "list_break_glass_readings" => &fixture.hidden,
            "get_disposal_list" => &fixture.listed,
            "list_disposals" => &fixture.disposed,
            _ => &fixture.case_id,
        };
        let of_case = format!("action={id}&case_id={case_id}");
        assert_eq!(service.trail(&of_case).await.last(), Some(entry), "{id}");
        shown += 1;
    }
    assert!(shown > 20, "{shown}");
}

#[actix_web::test]
async fn a_refusal_of_somebody_known_is_on_the_trail_of_those_they_belong_to() {
    let service = Service::new();
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    let uri = format!("/v1/cases/{case_id}");
    service.get(&service.family(&case_id), &uri).await.expect(403);
    service.get(&service.stranger(), &uri).await.expect(404);
    let nowhere = "/v1/cases/01890000-0000-7000-8000-000000000001";
    service.read(nowhere).await.expect(404);
    let other_family = service.family(&service.case().await);
    let of_another = format!("/v1/assessments/{assessment}");
    service.get(&other_family, &of_another).await.expect(404);
    let change = json!({ "caseworker": "me" });
    service
        .patch(&service.stranger(), &uri, 1, change)
        .await
        .expect(404);
    service
        .send(crate::harness::anonymous(Method::GET, &uri))
        .await
        .expect(401);

    let told = |entries: &[Value]| -> Vec<(String, String, String, Value)> {
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let refused = entries.iter().filter(|entry| entry["outcome"] != "done");
        refused
            .map(|entry| {
                (
                    text(entry, "action"),
                    text(entry, "outcome"),
                    text(entry, "kind"),
                    entry["case_id"].clone(),
                )
            })
            .collect()
    };
    let line = |action: &str, outcome: &str, kind: &str, case_id: Value| {
        (action.to_owned(), outcome.to_owned(), kind.to_owned(), case_id)
    };
    assert_eq!(
        told(&service.trail("").await),
        [
            line("get_case", "forbidden", "reading", json!(case_id)),
            line(
                "get_case",
                "not_found",
                "reading",
                json!("01890000-0000-7000-8000-000000000001")
            ),
            line("get_assessment", "not_found", "reading", json!(case_id)),
        ]
    );
    let auditor_of_330 = service.actor_of("330", Role::Auditor, None, None);
    let there = service.pages(&auditor_of_330, "/v1/audit", 200).await;
    assert_eq!(
        told(&there),
        [
            line("get_case", "not_found", "reading", json!(case_id)),
            line("change_case", "not_found", "change", json!(case_id)),
        ]
    );
}

#[actix_web::test]
async fn why_is_kept_where_it_is_said_and_refused_where_it_cannot_be_read() {
    let service = Service::new();
    let case_id = service.case().await;
    let uri = format!("/v1/cases/{case_id}");
    service
        .get_because(&uri, "Asked by the tribunal, ref. 12/26")
        .await
        .expect(200);
    service.get_because("/v1/cases", " ").await.expect(400);
    let refused = service.get_because(&uri, &"x".repeat(501)).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_header"));
    let reasons: Vec<Value> = service
        .trail("action=get_case")
        .await
        .iter()
        .map(|entry| entry["reason"].clone())
        .collect();
    assert_eq!(reasons, [json!("Asked by the tribunal, ref. 12/26")]);
}

#[actix_web::test]
async fn lists_are_found_by_every_case_they_showed_and_by_no_other() {
    let service = Service::on("2026-02-20");
    let mut cases = Vec::new();
    for _ in 0..5 {
        cases.push(service.case().await);
    }
    let mut showed: BTreeMap<String, Vec<(&str, String)>> = cases
        .iter()
        .map(|case_id| (case_id.clone(), Vec::new()))
        .collect();
    for (at, uri) in [
        ("09:00:05", "/v1/cases?limit=2"),
        ("09:00:59", "/v1/cases?limit=3"),
        ("09:01:00", "/v1/cases?limit=200"),
        ("11:30:00", "/v1/cases?limit=2"),
    ] {
        service.set_now(&format!("2026-02-20T{at}Z"));
        let listed = service.read(uri).await.expect(200);
        let trace_id = listed.header("trace-id").unwrap().to_owned();
        for item in listed.body["items"].as_array().unwrap() {
            let of_case = showed.get_mut(item["id"].as_str().unwrap()).unwrap();
            of_case.push((at, trace_id.clone()));
        }
    }
    service.app.write_readings().await.unwrap();
    let traces = |entries: &[Value]| -> Vec<String> {
        let of_entry = |entry: &Value| entry["trace_id"].as_str().unwrap().to_owned();
        entries.iter().map(of_entry).collect()
    };
    let auditor = service.actor(Role::Auditor);
    for (case_id, lists) in &showed {
        let uri = format!("/v1/audit?case_id={case_id}&action=list_cases");
        let all: Vec<String> = lists.iter().map(|(_, trace_id)| trace_id.clone()).collect();
        for limit in [1, 200] {
            let found = service.pages(&auditor, &uri, limit).await;
            assert_eq!(traces(&found), all, "{case_id} by {limit}");
        }
        let within = format!("{uri}&from=2026-02-20T09:00:59Z&to=2026-02-20T09:01:00Z");
        let in_time: Vec<String> = lists
            .iter()
            .filter(|(at, _)| *at == "09:00:59")
            .map(|(_, trace_id)| trace_id.clone())
            .collect();
        let found = service.pages(&auditor, &within, 200).await;
        assert_eq!(traces(&found), in_time, "{case_id}");
    }
}

#[actix_web::test]
async fn the_trail_comes_by_subject_and_time_and_says_what_is_sealed() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    service.set_now("2026-02-20T13:00:00Z");
    service.read(&format!("/v1/cases/{case_id}")).await.expect(200);
    service.set_now("2026-02-20T14:00:00Z");
    service.organisation("Trust", "health").await;
    let all = service.trail("").await;
    assert_eq!(actions(&all), ["open_case", "get_case", "open_organisation"]);
    assert!(
        all.iter()
            .all(|entry| entry["sequence"].is_null() && entry["is_sealed"] == false)
    );
    let of_admin = service.trail("subject=admin-885").await;
    assert_eq!(actions(&of_admin), ["open_organisation"]);
    let within = "from=2026-02-20T13:00:00Z&to=2026-02-20T14:00:00Z";
    assert_eq!(actions(&service.trail(within).await), ["get_case"]);

    let store = service.app.store.clone();
    let now = service.app.clock.now().naive_utc();
    let seal = move || seal_everything(&store, &Replica::new(), now).unwrap();
    actix_web::rt::task::spawn_blocking(seal).await.unwrap();
    let sealed = service.trail("to=2026-02-20T14:00:00.001Z").await;
    let sequences: Vec<i64> = sealed
        .iter()
        .filter(|entry| entry["action"] != "list_audit_entries")
        .map(|entry| entry["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, [1, 2, 3]);
}

#[actix_web::test]
async fn the_trail_can_only_be_added_to() {
    let service = Service::new();
    let case_id = service.case().await;
    service
        .get_because(&format!("/v1/cases/{case_id}"), "A complaint")
        .await
        .expect(200);
    service.app.write_readings().await.unwrap();
    let store = service.app.store.clone();
    let now = service.app.clock.now().naive_utc();
    let seal = move || seal_everything(&store, &Replica::new(), now).unwrap();
    assert_eq!(actix_web::rt::task::spawn_blocking(seal).await.unwrap(), 2);
    for statement in [
        "DELETE FROM audit_entries",
        "UPDATE audit_entries SET subject = 'somebody-else'",
        "UPDATE audit_entries SET reason = 'another' WHERE reason IS NOT NULL",
        "UPDATE audit_entries SET case_id = NULL",
        "DELETE FROM audit_chain",
        "UPDATE audit_chain SET hash = ''",
        "DELETE FROM audit_chain_heads",
        "UPDATE audit_chain_heads SET sequence = 1",
    ] {
        use diesel::connection::SimpleConnection;
        let refused = service.behind().batch_execute(statement);
        assert!(
            refused.is_err_and(|error| error.to_string().contains("only added to")),
            "{statement}"
        );
    }
    // As a disposal does it.
    service.tamper("UPDATE audit_entries SET reason = NULL");
    let entries = service.trail("action=get_case").await;
    assert_eq!(entries[0]["reason"], Value::Null);
}

#[actix_web::test]
async fn whoever_asks_whether_a_sealed_child_is_held_is_on_the_trail_of_the_case() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "nhs_number": "9990000018" })).await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    let (uri, manager) = (format!("/v1/cases/{case_id}"), service.actor(Role::Manager));
    let ground = json!({ "ground": "witness_protection" });
    service
        .post(&manager, &format!("{uri}/seal"), ground)
        .await
        .expect(201);
    let asker = service.actor_of_subject("asker", Role::Caseworker);

    let held = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01",
        "nhs_number": "9990000018" });
    let refused = service.post(&asker, "/v1/cases", held).await.expect(409);
    assert_eq!(refused.body.get("existing_id"), None);
    let own = service.case().await;
    let claimed = json!({ "nhs_number": "9990000018" });
    service
        .patch(&asker, &format!("/v1/cases/{own}"), 1, claimed)
        .await
        .expect(409);
    let opening =
        json!({ "type": "request_received", "occurred_on": "2026-02-02", "requested_by": "parent" });
    let body = json!({ "case_id": case_id, "event": opening });
    service.post(&asker, "/v1/assessments", body).await.expect(422);
    let started = json!({ "type": "review_period_started", "occurred_on": "2026-02-02", "kind": "annual" });
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-02-03", "reported_by": "local_authority" });
    let items = json!([{ "case_id": case_id, "event": started }, { "case_id": case_id, "event": held }]);
    service
        .post(&asker, "/v1/reviews/bulk", json!({ "items": items }))
        .await
        .expect(200);
    for of_it in [
        format!("/v1/assessments/{assessment}"),
        format!("/v1/assessments/{assessment}/events"),
    ] {
        service.get(&asker, &of_it).await.expect(404);
    }
    let found = service.trail(&format!("case_id={case_id}&subject=asker")).await;
    let mut told: Vec<(&str, &str)> = found
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let mut expected = vec![
        ("open_case", "duplicate"),
        ("change_case", "duplicate"),
        ("open_assessment", "unknown_case"),
        ("record_reviews_in_bulk", "unknown_case"),
        ("record_reviews_in_bulk", "unknown_case"),
        ("get_assessment", "not_found"),
        ("list_assessment_events", "not_found"),
    ];
    // What is refused in groups comes behind what is written in its own transaction.
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[actix_web::test]
async fn what_an_act_shows_that_changes_nothing_is_a_reading() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let uri = format!("/v1/cases/{case_id}");
    let reference = service.body(&uri).await["reference"].clone();
    let holds = format!("{uri}/legal-holds");
    let hold = json!({ "reason": "an inquiry" });
    let hold = service.post(&manager, &holds, hold).await.expect(201).id();
    let ground = json!({ "ground": "other" });
    service
        .post(&manager, &format!("{uri}/seal"), ground)
        .await
        .expect(201);
    let breaking = json!({ "reference": reference, "reason": "the child is in hospital" });
    let broken = service
        .post(&service.caseworker(), "/v1/break-glass-readings", breaking)
        .await;
    let review = format!("/v1/break-glass-readings/{}/review", broken.expect(201).id());
    let outsider = service.actor_of_subject("outsider", Role::Manager);
    let lifting = format!("{holds}/{hold}/lifting");
    for (actor, act, change, operation) in [
        (
            &outsider,
            &review,
            "review_break_glass",
            "review_break_glass_reading",
        ),
        (&manager, &lifting, "lift_legal_hold", "lift_legal_hold"),
    ] {
        for _ in 0..3 {
            service.post(actor, act, json!({})).await.expect(200);
        }
        let found = service.trail(&format!("case_id={case_id}")).await;
        let of_act = |action: &str, kind: &str| {
            let is_it = |entry: &&Value| entry["action"] == action && entry["kind"] == kind;
            found.iter().filter(is_it).count()
        };
        assert_eq!(
            (of_act(change, "change"), of_act(operation, "reading")),
            (1, 2),
            "{operation}"
        );
    }
}

#[actix_web::test]
async fn what_a_system_tries_that_is_shut_out_is_on_the_trail() {
    let service = Service::new();
    let case_id = service.case().await;
    let body = json!({ "name": "Feed", "scopes": ["case:read"] });
    let client_id = registered(&service, body).await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let system = bearer(ask(&service, &client_id, &secret, &[]).await);
    let shut_out = json!({ "disabled": true });
    service
        .patch_as_admin(&format!("/v1/clients/{client_id}"), 2, shut_out)
        .await
        .expect(200);
    service
        .get(&system, &format!("/v1/cases/{case_id}"))
        .await
        .expect(401);
    let found = service
        .trail(&format!("case_id={case_id}&subject=client:{client_id}"))
        .await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["action"], &found[0]["outcome"]),
        (&json!("get_case"), &json!("client_shut_out"))
    );
}

#[actix_web::test]
async fn no_link_repeats_of_whom_was_asked() {
    let service = Service::new();
    for _ in 0..3 {
        service.case().await;
    }
    let auditor = service.actor(Role::Auditor);
    for filter in ["subject=caseworker-885", "s%75bject=caseworker-885"] {
        let uri = format!("/v1/audit?{filter}&limit=1");
        let page = service.get(&auditor, &uri).await.expect(200);
        assert_eq!(page.header("link"), None, "{filter}");
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = service
            .get(&auditor, &format!("{uri}&cursor={cursor}"))
            .await
            .expect(200);
        assert_ne!(next.body["items"][0]["id"], page.body["items"][0]["id"]);
    }
    let plain = service.get(&auditor, "/v1/audit?action=open_case&limit=1").await;
    assert!(plain.header("link").unwrap().contains("action=open_case"));
}
