//! What the service asks of its store: a number of statements that does not grow with the data, few
//! rows written, and a trail of every change.

use actix_web::http::Method;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl};
use ehcp_timeline::auth::Role;
use ehcp_timeline::store::Location;
use serde_json::{Value, json};

use crate::authorisation::sample;
use crate::harness::{Actor, Answer, Database, Service, if_match, new_key};

/// How many statements a read takes.
async fn statements(service: &Service, actor: &Actor, uri: &str) -> u64 {
    let before = service.app.store.statements();
    service.get(actor, uri).await.expect(200);
    service.app.store.statements() - before
}

async fn ask_for(service: &Service, assessment: &str, from: usize, to: usize) {
    for number in from..to {
        let body = json!({ "requirement": "other", "service": format!("service {number}"), "requested_on": "2026-02-12" });
        service.ask(assessment, body).await;
    }
}

#[actix_web::test]
async fn reading_takes_the_same_statements_whatever_there_is_to_read() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    let trust = service.organisation("Trust", "health").await;
    let request = service
        .ask(
            &id,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    let uris = [
        format!("/v1/cases/{case_id}"),
        format!("/v1/assessments/{id}"),
        format!("/v1/assessments/{id}?as_of=2026-02-19&known_at=2026-02-20T12:00:00Z"),
        format!("/v1/assessments/{id}/events"),
        format!("/v1/assessments/{id}/advice"),
        format!("/v1/advice-requests/{request}"),
        "/v1/clocks?include=case,explanation".to_owned(),
    ];
    let mut with_one = Vec::new();
    for uri in &uris {
        with_one.push(statements(&service, &service.caseworker(), uri).await);
    }
    ask_for(&service, &id, 0, 9).await;
    for (uri, before) in uris.iter().zip(with_one) {
        let after = statements(&service, &service.caseworker(), uri).await;
        assert_eq!(after, before, "{uri} with ten requests instead of one");
        let budget = if uri.starts_with("/v1/assessments/") { 4 } else { 8 };
        assert!(after <= budget, "{uri} takes {after}");
    }
}

#[actix_web::test]
async fn a_longer_page_takes_no_more_statements() {
    let service = Service::on("2026-02-20");
    for number in 0..50 {
        let case_id = service.case_with(json!({ "caseworker": "ann" })).await;
        service
            .post(
                &service.admin(),
                "/v1/organisations",
                json!({ "name": format!("Trust {number}"), "kind": "health" }),
            )
            .await
            .expect(201);
        if number < 10 {
            let id = service.assessment_on(&case_id, "2026-01-05").await;
            ask_for(&service, &id, 0, 5).await;
        }
    }
    for uri in [
        "/v1/cases?caseworker=ann",
        "/v1/cases?flag=clock_overdue",
        "/v1/assessments?flag=due_soon",
        "/v1/assessments",
        "/v1/advice-requests",
        "/v1/clocks",
        "/v1/clocks?include=case,explanation&caseworker=ann",
        "/v1/organisations",
    ] {
        let joined = |limit: u32| format!("{uri}{}limit={limit}", if uri.contains('?') { '&' } else { '?' });
        let few = statements(&service, &service.caseworker(), &joined(5)).await;
        let many = statements(&service, &service.caseworker(), &joined(50)).await;
        assert_eq!(many, few, "{uri}");
        let budget = if uri.contains("explanation") { 8 } else { 4 };
        assert!(many <= budget, "{uri} takes {many}");
    }
}

const WATCHED: [&str; 7] = [
    "procedures",
    "events",
    "clocks",
    "flags",
    "advice_requests",
    "cases",
    "audit_entries",
];

/// Has the database do something, in its own words, for every row of a table at a moment.
fn trigger(service: &Service, name: &str, moment: &str, table: &str, action: impl Fn(Database) -> String) {
    match &service.location {
        Location::SqliteFile(_) => {
            let action = action(Database::Sqlite);
            service.tamper(&format!(
                "CREATE TRIGGER {name} {moment} ON {table} BEGIN {action}; END"
            ));
        }
        Location::Postgres(_) => {
            let action = action(Database::Postgres);
            service.tamper(&format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action}; RETURN NEW; END $$; \
                 CREATE TRIGGER {name} {moment} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
            ));
        }
    }
}

/// Counts the rows that are written to each table from now on.
fn watch(service: &Service) {
    service.tamper("CREATE TABLE written (name TEXT)");
    for table in WATCHED {
        for act in ["INSERT", "UPDATE", "DELETE"] {
            let (name, moment) = (format!("watch_{table}_{act}"), format!("AFTER {act}"));
            trigger(service, &name, &moment, table, |_| {
                format!("INSERT INTO written VALUES ('{table}')")
            });
        }
    }
}

/// The rows written since it was last asked, as `table number`.
fn written(service: &Service) -> Vec<String> {
    let counted = WATCHED
        .iter()
        .map(|table| (table, service.count(&format!("written WHERE name = '{table}'"))));
    let lines = counted
        .filter(|(_, count)| *count > 0)
        .map(|(table, count)| format!("{table} {count}"))
        .collect();
    service.tamper("DELETE FROM written");
    lines
}

#[actix_web::test]
async fn an_event_writes_only_what_it_changes() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&id, "2026-02-10").await;
    ask_for(&service, &id, 0, 10).await;
    let request = service.list("/v1/advice-requests").await[3]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    watch(&service);

    service.record_all(&id, &[json!({ "type": "further_request_received", "occurred_on": "2026-02-11", "requested_by": "parent" })]).await;
    assert_eq!(written(&service), ["procedures 1", "events 1", "audit_entries 1"]);
    service.acted(&request, "acknowledgement", json!({})).await;
    assert_eq!(
        written(&service),
        ["procedures 1", "events 1", "advice_requests 1", "audit_entries 1"]
    );
    service
        .acted(
            &request,
            "submission",
            json!({ "summary": "x", "authors": ["A"] }),
        )
        .await;
    assert_eq!(
        written(&service),
        [
            "procedures 1",
            "events 1",
            "clocks 1",
            "advice_requests 1",
            "audit_entries 1"
        ]
    );
    service
        .record_all(
            &id,
            &[json!({ "type": "plan_decision_notified", "occurred_on": "2026-02-19", "decision": "issue" })],
        )
        .await;
    assert_eq!(
        written(&service),
        [
            "procedures 1",
            "events 1",
            "clocks 2",
            "flags 6",
            "audit_entries 1"
        ],
        "two clocks stop, and six sources are missing"
    );
    let uri = format!("/v1/cases/{case_id}");
    service
        .patch(&service.caseworker(), &uri, 1, json!({ "caseworker": "ben" }))
        .await
        .expect(200);
    assert_eq!(
        written(&service),
        ["clocks 14", "cases 1", "audit_entries 1"],
        "every clock says who keeps the case, and nothing else changes"
    );
    service
        .record(
            &id,
            json!({ "type": "representations_received", "occurred_on": "2026-02-19" }),
        )
        .await
        .expect(409);
    assert!(written(&service).is_empty(), "a refusal writes nothing");
}

#[actix_web::test]
async fn recording_takes_statements_by_what_it_changes_not_by_what_is_there() {
    let service = Service::on("2026-02-20");
    let event =
        json!({ "type": "further_request_received", "occurred_on": "2026-02-11", "requested_by": "parent" });
    let mut taken = Vec::new();
    for requests in [1, 10] {
        let id = service.assessment("2026-01-05").await;
        ask_for(&service, &id, 0, requests).await;
        let uri = format!("/v1/assessments/{id}/events");
        let version = i64::try_from(requests).unwrap() + 1;
        let before = service.app.store.statements();
        service
            .act(&service.caseworker(), &uri, version, event.clone())
            .await
            .expect(201);
        taken.push(service.app.store.statements() - before);
    }
    assert_eq!(taken[0], taken[1]);
    assert!(taken[0] <= 16, "{taken:?}");
}

#[derive(QueryableByName, Debug)]
struct Trail {
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    trace_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    case_id: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
}

fn trail(service: &Service) -> Vec<Trail> {
    let sql = "SELECT action, subject, trace_id, case_id, version FROM audit_entries ORDER BY id";
    diesel::sql_query(sql).load(&mut service.behind()).unwrap()
}

#[actix_web::test]
async fn every_write_leaves_one_line_with_its_trace_and_a_failed_one_none() {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    let other = service.organisation("Other", "health").await;
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    let request = service
        .ask(
            &id,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    let person = service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/people"),
            sample("POST", "/v1/cases/{id}/people", ""),
        )
        .await
        .expect(201)
        .id();
    let first = trail(&service).len();
    assert_eq!(first, 6);

    let of_request = |act: &str| format!("/v1/advice-requests/{request}/{act}");
    let writes: Vec<(&str, String, i64, Value, &str)> = vec![
        (
            "POST",
            "/v1/cases".into(),
            0,
            sample("POST", "/v1/cases", ""),
            "open_case",
        ),
        (
            "PATCH",
            format!("/v1/cases/{case_id}"),
            1,
            json!({ "needs": [{ "type": "HI", "rank": 1 }] }),
            "change_case",
        ),
        (
            "POST",
            format!("/v1/cases/{case_id}/people"),
            0,
            sample("POST", "/v1/cases/{id}/people", ""),
            "add_person",
        ),
        (
            "PATCH",
            format!("/v1/cases/{case_id}/people/{person}"),
            1,
            json!({ "language": "Welsh" }),
            "change_person",
        ),
        (
            "POST",
            "/v1/organisations".into(),
            0,
            sample("POST", "/v1/organisations", ""),
            "open_organisation",
        ),
        (
            "PATCH",
            format!("/v1/organisations/{trust}"),
            1,
            json!({ "code": "R1A" }),
            "change_organisation",
        ),
        (
            "PUT",
            "/v1/settings".into(),
            0,
            json!({ "readings": { "day_of_receipt": "day_one" } }),
            "put_settings",
        ),
        (
            "POST",
            format!("/v1/assessments/{id}/events"),
            2,
            json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-12", "decision": "assess" }),
            "record_assessment_event",
        ),
        (
            "POST",
            format!("/v1/assessments/{id}/advice-requests"),
            0,
            json!({ "requirement": "education", "requested_on": "2026-02-12" }),
            "open_advice_request",
        ),
        (
            "POST",
            format!("/v1/assessments/{id}/existing-advice"),
            0,
            sample("POST", "/v1/assessments/{id}/existing-advice", ""),
            "record_existing_advice",
        ),
        (
            "POST",
            of_request("acknowledgement"),
            2,
            json!({}),
            "acknowledge_advice_request",
        ),
        (
            "POST",
            of_request("appointments"),
            3,
            sample("POST", "/v1/advice-requests/{id}/appointments", ""),
            "record_appointment",
        ),
        (
            "POST",
            of_request("exceptions"),
            4,
            sample("POST", "/v1/advice-requests/{id}/exceptions", ""),
            "claim_advice_exception",
        ),
        (
            "POST",
            of_request("declination"),
            5,
            sample("POST", "/v1/advice-requests/{id}/declination", ""),
            "decline_advice_request",
        ),
        (
            "POST",
            of_request("redirection"),
            6,
            json!({ "organisation_id": other }),
            "redirect_advice_request",
        ),
        (
            "POST",
            of_request("submission"),
            7,
            sample("POST", "/v1/advice-requests/{id}/submission", ""),
            "submit_advice",
        ),
        (
            "POST",
            of_request("return"),
            8,
            sample("POST", "/v1/advice-requests/{id}/return", ""),
            "return_advice",
        ),
        (
            "POST",
            of_request("submission"),
            9,
            sample("POST", "/v1/advice-requests/{id}/submission", ""),
            "submit_advice",
        ),
        ("POST", of_request("acceptance"), 10, json!({}), "accept_advice"),
        (
            "POST",
            format!("/v1/cases/{case_id}/closure"),
            0,
            sample("POST", "/v1/cases/{id}/closure", ""),
            "close_case",
        ),
    ];
    let both = service.actor_as(&[Role::Manager, Role::Admin], None, None);
    for (known, (method, uri, version, body, action)) in (first..).zip(writes) {
        let send = async |version: i64| -> Answer {
            let mut request = both
                .request(method.parse::<Method>().unwrap(), &uri)
                .insert_header(new_key())
                .set_json(&body);
            if version > 0 {
                request = request.insert_header(if_match(version));
            }
            service.send(request).await
        };
        if version > 0 {
            send(99).await.expect(412);
            assert_eq!(trail(&service).len(), known, "a stale {action} left a line");
        }
        let answer = send(version).await;
        assert!([200, 201].contains(&answer.status), "{action}: {}", answer.body);
        let lines = trail(&service);
        assert_eq!(lines.len(), known + 1, "{action}");
        let line = &lines[known];
        assert_eq!(
            (
                line.action.as_str(),
                line.subject.as_str(),
                Some(line.trace_id.as_str())
            ),
            (action, "several", answer.header("trace-id"))
        );
        if !uri.contains("organisations") && !uri.contains("settings") && action != "open_case" {
            assert_eq!(line.case_id.as_deref(), Some(case_id.as_str()), "{action}");
        }
        let told = answer.header("etag").map(|_| answer.version());
        assert_eq!(line.version, told, "{action}");
    }
}

#[actix_web::test]
async fn the_trail_and_the_kept_answer_fall_with_the_write() {
    let service = Service::on("2026-02-20");
    let id = service.assessment("2026-01-05").await;
    let tables = [
        "events",
        "clocks",
        "audit_entries",
        "idempotency_keys",
        "procedures",
        "flags",
    ];
    let before: Vec<i64> = tables.iter().map(|table| service.count(table)).collect();
    // The last thing written is the answer: where that fails, nothing of the act is there.
    let answer_is_kept = match &service.location {
        Location::SqliteFile(_) => "BEFORE INSERT",
        Location::Postgres(_) => "BEFORE UPDATE",
    };
    trigger(
        &service,
        "no_room",
        answer_is_kept,
        "idempotency_keys",
        |database| match database {
            Database::Sqlite => "SELECT RAISE(ABORT, 'no room')".to_owned(),
            Database::Postgres => "RAISE EXCEPTION 'no room'".to_owned(),
        },
    );
    let event =
        json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-12", "decision": "assess" });
    let failed = service.record(&id, event.clone()).await;
    assert_eq!((failed.status, failed.code()), (500, "internal_error"));
    assert!(!failed.text.contains("no room"));
    let after: Vec<i64> = tables.iter().map(|table| service.count(table)).collect();
    assert_eq!(after, before);
    service.tamper(match &service.location {
        Location::SqliteFile(_) => "DROP TRIGGER no_room",
        Location::Postgres(_) => "DROP FUNCTION no_room CASCADE",
    });
    service.record(&id, event).await.expect(201);
}
