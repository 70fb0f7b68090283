//! Many callers at once: one wins, the others are told, nothing is lost.

use std::sync::Barrier;

use actix_web::http::Method;
use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, Worker, if_match, new_key};

/// How many call at once.
const CALLERS: usize = 8;
/// How often what is decided by a hair is tried.
const ROUNDS: usize = 4;

/// Sends the same kind of request from as many threads as there are, at once; each thread has an app
/// of its own over the one store, as workers do.
pub fn at_once(
    service: &Service,
    callers: usize,
    send: impl AsyncFn(&Service, usize) -> Answer + Sync,
) -> Vec<Answer> {
    let barrier = Barrier::new(callers);
    let call = &|worker: Worker, number: usize| {
        actix_web::rt::System::new().block_on(async {
            let service = worker.into_service();
            barrier.wait();
            send(&service, number).await
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|number| {
                let worker = service.worker();
                scope.spawn(move || call(worker, number))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort();
    statuses
}

/// The one answer with a status, and the others.
pub fn one_winner(answers: &[Answer], status: u16) -> (&Answer, Vec<&Answer>) {
    let (winners, losers): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == status);
    assert_eq!(winners.len(), 1, "{:?}", statuses(answers));
    (winners[0], losers)
}

/// Whatever lists are read from is what the events amount to.
fn assert_index_is_right(service: &Service) {
    let report = rebuild_all(&service.app.store, true, |_| {}).unwrap();
    assert_eq!(report.differing, 0);
}

async fn close(service: &Service, case_id: &str) -> Answer {
    let uri = format!("/v1/cases/{case_id}/closure");
    let body = json!({ "reason": "other", "occurred_on": "2026-02-20" });
    service.post(&service.caseworker(), &uri, body).await
}

async fn open_on(service: &Service, case_id: &str) -> Answer {
    let event = json!({ "type": "request_received", "occurred_on": "2026-02-01", "requested_by": "parent" });
    let body = json!({ "case_id": case_id, "event": event });
    service.post(&service.caseworker(), "/v1/assessments", body).await
}

/// An assessment that was withdrawn, and the event that says so.
async fn withdrawn(service: &Service, case_id: &str) -> (String, String) {
    let id = service.assessment_on(case_id, "2026-01-05").await;
    let event = json!({ "type": "assessment_withdrawn", "occurred_on": "2026-01-12", "withdrawn_by": "parent", "reason": "x" });
    let recorded = service.record(&id, event).await.expect(201);
    (id, recorded.body["event"]["id"].as_str().unwrap().to_owned())
}

#[actix_web::test]
async fn of_two_with_the_same_version_one_wins_and_nothing_is_lost() {
    for _ in 0..5 {
        let service = Service::on("2026-02-20");
        let id = service.assessment("2026-01-05").await;
        let answers = at_once(&service, 4, async |service, number| {
            let event = json!({ "type": "further_request_received", "occurred_on": "2026-02-01", "requested_by": "parent", "note": format!("caller {number}") });
            service
                .act(
                    &service.caseworker(),
                    &format!("/v1/assessments/{id}/events"),
                    1,
                    event,
                )
                .await
        });
        assert_eq!(statuses(&answers), [201, 412, 412, 412]);
        let winner = answers.iter().find(|answer| answer.status == 201).unwrap();
        let events = service.list(&format!("/v1/assessments/{id}/events")).await;
        assert_eq!(
            (events.len(), events[1]["id"].clone()),
            (2, winner.body["event"]["id"].clone())
        );
        for loser in answers.iter().filter(|answer| answer.status == 412) {
            assert_eq!(
                (loser.code(), loser.body["current_version"].clone()),
                ("stale_version", json!(2))
            );
        }
    }
}

#[actix_web::test]
async fn of_many_openings_on_one_case_one_is_made() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let answers = at_once(&service, 8, async |service, _| {
        let event =
            json!({ "type": "request_received", "occurred_on": "2026-02-01", "requested_by": "parent" });
        service
            .post(
                &service.caseworker(),
                "/v1/assessments",
                json!({ "case_id": case_id, "event": event }),
            )
            .await
    });
    assert_eq!(statuses(&answers), [201, 409, 409, 409, 409, 409, 409, 409]);
    let made = answers.iter().find(|answer| answer.status == 201).unwrap().id();
    for other in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(
            (other.code(), other.body["existing_id"].clone()),
            ("already_open", json!(made))
        );
    }
    assert_eq!(service.list("/v1/assessments").await.len(), 1);
}

#[actix_web::test]
async fn of_many_with_one_key_all_get_the_one_answer() {
    let service = Service::on("2026-02-20");
    for round in 0..ROUNDS {
        let answers = at_once(&service, CALLERS, async |service, _| {
            keyed(service, round, "Trust").await
        });
        assert_eq!(statuses(&answers), [201; CALLERS]);
        assert!(answers.iter().all(|answer| answer.text == answers[0].text));
        assert_eq!(service.list("/v1/organisations").await.len(), round + 1);
    }
}

#[actix_web::test]
async fn of_many_with_one_key_for_different_things_one_is_done() {
    let service = Service::on("2026-02-20");
    for round in 0..ROUNDS {
        let answers = at_once(&service, CALLERS, async |service, number| {
            keyed(service, round, &format!("Trust {number}")).await
        });
        let (_, losers) = one_winner(&answers, 201);
        for loser in losers {
            assert_eq!((loser.status, loser.code()), (422, "idempotency_key_reused"));
        }
        assert_eq!(service.list("/v1/organisations").await.len(), round + 1);
    }
}

async fn keyed(service: &Service, key: usize, name: &str) -> Answer {
    let request = service
        .admin()
        .request(Method::POST, "/v1/organisations")
        .insert_header(("Idempotency-Key", format!("\"{key}\"")))
        .set_json(json!({ "name": name, "kind": "health" }));
    service.send(request).await
}

#[actix_web::test]
async fn many_writers_on_many_assessments_all_succeed() {
    let service = Service::on("2026-02-20");
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(service.assessment("2026-01-05").await);
    }
    let answers = at_once(&service, 6, async |service, number| {
        let id = &ids[number];
        for requirement in ["parent", "education", "medical", "psychological", "social_care"] {
            service
                .ask(
                    id,
                    json!({ "requirement": requirement, "requested_on": "2026-02-01" }),
                )
                .await;
        }
        service.read(&format!("/v1/assessments/{id}")).await
    });
    assert!(answers.iter().all(|answer| answer.body["version"] == 6));
    assert_eq!(service.list("/v1/clocks?kind=advice").await.len(), 30);
    let kept: Vec<Value> = service.list("/v1/advice-requests").await;
    assert_eq!(kept.len(), 30);
}

#[actix_web::test]
async fn of_many_cases_that_claim_one_number_one_gets_it() {
    let service = Service::on("2026-02-20");
    let mut others = Vec::new();
    for _ in 0..CALLERS / 2 {
        others.push(service.case().await);
    }
    for (field, value) in [("nhs_number", "9990000018"), ("upn", "D885200024001")] {
        // Half of them open a case, half change one.
        let answers = at_once(&service, CALLERS, async |service, number| {
            let caseworker = service.caseworker();
            match others.get(number) {
                Some(case_id) => {
                    let uri = format!("/v1/cases/{case_id}");
                    let version = service.read(&uri).await.version();
                    let answer = service
                        .patch(&caseworker, &uri, version, json!({ field: value }))
                        .await;
                    Answer {
                        status: if answer.status == 200 { 201 } else { answer.status },
                        ..answer
                    }
                }
                None => {
                    let body = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01", field: value });
                    service.post(&caseworker, "/v1/cases", body).await
                }
            }
        });
        let (winner, losers) = one_winner(&answers, 201);
        for loser in losers {
            assert_eq!(
                (loser.status, loser.code(), &loser.body["existing_id"]),
                (409, "duplicate", &winner.body["id"])
            );
        }
        let holders = service.count(&format!("cases WHERE {field} = '{value}'"));
        assert_eq!(holders, 1);
    }
}

#[actix_web::test]
async fn of_many_requests_for_one_advice_one_is_live() {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    for _ in 0..ROUNDS {
        let id = service.assessment("2026-01-05").await;
        let answers = at_once(&service, CALLERS, async |service, _| {
            let body =
                json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-01" });
            let uri = format!("/v1/assessments/{id}/advice-requests");
            service.post(&service.caseworker(), &uri, body).await
        });
        let (_, losers) = one_winner(&answers, 201);
        for loser in losers {
            assert_eq!((loser.status, loser.code()), (409, "duplicate"), "{}", loser.text);
        }
        assert_eq!(service.event_ids(&id).await.len(), 2);
    }
    assert_index_is_right(&service);
}

#[actix_web::test]
async fn of_many_acts_on_one_version_of_a_request_one_is_done() {
    let service = Service::on("2026-02-20");
    let id = service.assessment("2026-01-05").await;
    let request = service
        .ask(
            &id,
            json!({ "requirement": "medical", "requested_on": "2026-02-01" }),
        )
        .await
        .id();
    let acts = [
        ("acknowledgement", json!({})),
        ("submission", json!({ "summary": "x", "authors": ["A"] })),
        ("withdrawal", json!({})),
        ("declination", json!({ "ground": "no_capacity", "reasons": "x" })),
    ];
    let answers = at_once(&service, CALLERS, async |service, number| {
        let (act, body) = &acts[number % acts.len()];
        let uri = format!("/v1/advice-requests/{request}/{act}");
        service.act(&service.caseworker(), &uri, 1, body.clone()).await
    });
    let (_, losers) = one_winner(&answers, 201);
    for loser in losers {
        assert_eq!(
            (loser.code(), &loser.body["current_version"]),
            ("stale_version", &json!(2))
        );
    }
    assert_eq!(service.event_ids(&id).await.len(), 3);
    assert_index_is_right(&service);
}

#[actix_web::test]
async fn nothing_goes_on_beside_the_closing_of_its_case() {
    let service = Service::on("2026-02-20");
    for _ in 0..ROUNDS {
        let case_id = service.case().await;
        let id = service.assessment_on(&case_id, "2026-01-05").await;
        let answers = at_once(&service, CALLERS, async |service, number| {
            if number == 0 {
                return close(service, &case_id).await;
            }
            let body = json!({ "requirement": "other", "service": format!("{number}"), "requested_on": "2026-02-01" });
            let uri = format!("/v1/assessments/{id}/advice-requests");
            service.post(&service.caseworker(), &uri, body).await
        });
        let closing = answers[0].clone().expect(201);
        assert_eq!(
            closing.body["procedures"][0]["state"], "closed",
            "{}",
            closing.text
        );
        let mut asked = 0;
        for answer in &answers[1..] {
            match answer.status {
                201 => asked += 1,
                _ => assert_eq!(
                    (answer.status, answer.code()),
                    (409, "case_closed"),
                    "{}",
                    answer.text
                ),
            }
        }
        // Whoever came before the closing is on record before it, and nobody after it.
        let events = service.list(&format!("/v1/assessments/{id}/events")).await;
        assert_eq!(events.len(), asked + 2);
        assert_eq!(events[asked + 1]["type"], "case_closed");
        let requests = format!("advice_requests WHERE procedure_id = '{id}'");
        assert_eq!(service.count(&requests), i64::try_from(asked).unwrap());
        // A request stays as it was, since advice may still come; but nobody owes it any more.
        let owed = format!("clocks WHERE procedure_id = '{id}' AND stopped_on IS NULL");
        assert_eq!(service.count(&owed), 0);
    }
    assert_index_is_right(&service);
}

#[actix_web::test]
async fn no_assessment_is_open_on_a_closed_case() {
    let service = Service::on("2026-02-20");
    for _ in 0..ROUNDS {
        let case_id = service.case().await;
        let (id, withdrawal) = withdrawn(&service, &case_id).await;
        // One closes, some open another assessment, and some void the withdrawal, which opens the first again.
        let answers = at_once(&service, CALLERS, async |service, number| match number {
            0 => close(service, &case_id).await,
            1..=3 => open_on(service, &case_id).await,
            _ => {
                let change = json!({ "supersedes": withdrawal, "replacement": null });
                let event = json!({ "type": "correction", "occurred_on": "2026-02-20", "reason": "x", "changes": [change] });
                let uri = format!("/v1/assessments/{id}/events");
                service.act(&service.caseworker(), &uri, 2, event).await
            }
        });
        answers[0].clone().expect(201);
        for answer in &answers[1..] {
            let refused = ["case_closed", "already_open", "stale_version"];
            assert!(
                answer.status == 201 || refused.contains(&answer.code()),
                "{}",
                answer.text
            );
        }
        let made = answers[1..].iter().filter(|answer| answer.status == 201).count();
        assert!(made <= 1, "{:?}", statuses(&answers));
        let open = format!("procedures WHERE case_id = '{case_id}' AND is_open");
        assert_eq!(service.count(&open), 0);
        let late = open_on(&service, &case_id).await;
        assert_eq!((late.status, late.code()), (409, "case_closed"));
    }
    assert_index_is_right(&service);
}

#[actix_web::test]
async fn of_many_assessments_opened_again_on_one_case_one_is() {
    let service = Service::on("2026-02-20");
    for _ in 0..ROUNDS {
        let case_id = service.case().await;
        let mut ended = Vec::new();
        for _ in 0..CALLERS - 1 {
            ended.push(withdrawn(&service, &case_id).await);
        }
        let answers = at_once(&service, CALLERS, async |service, number| {
            let Some((id, withdrawal)) = ended.get(number) else {
                return open_on(service, &case_id).await;
            };
            service.correct(id, &[(withdrawal, Value::Null)]).await
        });
        one_winner(&answers, 201);
        let case = service.body(&format!("/v1/cases/{case_id}")).await;
        let procedures = case["procedures"].as_array().unwrap();
        let is_open = |procedure: &&Value| procedure["state"] != "withdrawn";
        let open: Vec<&Value> = procedures.iter().filter(is_open).collect();
        assert_eq!(open.len(), 1);
        for loser in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(
                (loser.status, loser.code(), &loser.body["existing_id"]),
                (409, "already_open", &open[0]["id"])
            );
        }
        close(&service, &case_id).await.expect(201);
    }
    assert_index_is_right(&service);
}

#[actix_web::test]
async fn facts_that_change_while_events_are_recorded_reach_every_clock() {
    let service = Service::on("2026-02-20");
    for _ in 0..ROUNDS {
        let case_id = service.case().await;
        let id = service.assessment_on(&case_id, "2026-01-05").await;
        service.decide_to_assess(&id, "2026-02-10").await;
        let uri = format!("/v1/cases/{case_id}");
        let answers = at_once(&service, CALLERS, async |service, number| {
            if number == 0 {
                // A hearing impairment asks for one more kind of advice.
                let body = json!({ "needs": [{ "type": "HI", "rank": 1 }], "year_group_override": 9 });
                return service.patch(&service.caseworker(), &uri, 1, body).await;
            }
            let body = json!({ "requirement": "other", "service": format!("{number}"), "requested_on": "2026-02-12" });
            let uri = format!("/v1/assessments/{id}/advice-requests");
            service.post(&service.caseworker(), &uri, body).await
        });
        answers[0].clone().expect(200);
        assert_eq!(statuses(&answers)[1..], [201; CALLERS - 1]);
        assert_index_is_right(&service);
    }
}

#[actix_web::test]
async fn settings_put_at_once_are_put_one_after_the_other() {
    let service = Service::on("2026-02-20");
    let put = async |service: &Service, number: usize, version: Option<i64>| {
        let mut request = service.admin().request(Method::PUT, "/v1/settings");
        if let Some(version) = version {
            request = request.insert_header(if_match(version));
        }
        service
            .send(request.set_json(json!({ "due_soon_days": number })))
            .await
    };
    let answers = at_once(&service, CALLERS, async |service, number| {
        put(service, number, None).await
    });
    let mut versions: Vec<i64> = answers
        .iter()
        .map(|answer| answer.clone().expect(200).version())
        .collect();
    versions.sort();
    assert_eq!(versions, (1..=CALLERS as i64).collect::<Vec<_>>());

    let present = CALLERS as i64;
    let answers = at_once(&service, CALLERS, async |service, number| {
        put(service, number, Some(present)).await
    });
    let (winner, losers) = one_winner(&answers, 200);
    for loser in losers {
        assert_eq!(
            (loser.code(), &loser.body["current_version"]),
            ("stale_version", &json!(present + 1))
        );
    }
    assert_eq!(
        service.body("/v1/settings").await["due_soon_days"],
        winner.body["due_soon_days"]
    );
}

#[actix_web::test]
async fn a_reading_that_changes_while_assessments_open_reaches_every_clock() {
    let service = Service::on("2026-02-20");
    let mut cases = Vec::new();
    for _ in 0..CALLERS {
        cases.push(service.case().await);
    }
    for reading in ["day_one", "excluded"] {
        let answers = at_once(&service, CALLERS, async |service, number| {
            if number == 0 {
                let settings = json!({ "readings": { "day_of_receipt": reading } });
                return service.put(&service.admin(), "/v1/settings", settings).await;
            }
            let opened = open_on(service, &cases[number]).await;
            let uri = format!("/v1/assessments/{}/events", opened.clone().expect(201).id());
            let event = json!({ "type": "assessment_withdrawn", "occurred_on": "2026-02-12", "withdrawn_by": "parent", "reason": "x" });
            service.act(&service.caseworker(), &uri, 1, event).await
        });
        answers[0].clone().expect(200);
        assert_eq!(statuses(&answers)[1..], [201; CALLERS - 1]);
        assert_index_is_right(&service);
    }
}

#[actix_web::test]
async fn of_many_changes_to_one_version_one_is_made() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let person = json!({ "name": "A", "relationship": "mother", "parental_responsibility": true, "receives_notices": true });
    let person = service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/people"),
            person,
        )
        .await
        .expect(201)
        .id();
    let trust = service.organisation("Trust", "health").await;
    for (uri, field) in [
        (format!("/v1/cases/{case_id}"), "caseworker"),
        (format!("/v1/cases/{case_id}/people/{person}"), "language"),
        (format!("/v1/organisations/{trust}"), "code"),
    ] {
        let answers = at_once(&service, CALLERS, async |service, number| {
            let actor = if field == "code" {
                service.admin()
            } else {
                service.caseworker()
            };
            service
                .patch(&actor, &uri, 1, json!({ field: format!("caller {number}") }))
                .await
        });
        let (winner, losers) = one_winner(&answers, 200);
        for loser in losers {
            assert_eq!(
                (loser.code(), &loser.body["current_version"]),
                ("stale_version", &json!(2)),
                "{uri}"
            );
        }
        assert_eq!(service.body(&uri).await[field], winner.body[field]);
    }
}

#[actix_web::test]
async fn of_many_organisations_with_one_code_one_is_opened() {
    let service = Service::on("2026-02-20");
    let answers = at_once(&service, CALLERS, async |service, _| {
        let request = service
            .admin()
            .request(Method::POST, "/v1/organisations")
            .insert_header(new_key())
            .set_json(json!({ "name": "Trust", "kind": "health", "code": "R1A" }));
        service.send(request).await
    });
    let (_, losers) = one_winner(&answers, 201);
    assert!(
        losers
            .iter()
            .all(|loser| (loser.status, loser.code()) == (409, "duplicate"))
    );
    assert_eq!(service.list("/v1/organisations").await.len(), 1);
}
