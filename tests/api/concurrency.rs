//! Many callers at once: one wins, the others are told, nothing is lost.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::harness::{Answer, Service, Worker};

/// Sends the same kind of request from as many threads as there are, at once; each thread has an app
/// of its own over the one store, as workers do.
fn at_once(
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
    let answers = at_once(&service, 6, async |service, _| {
        let request = service
            .admin()
            .request(actix_web::http::Method::POST, "/v1/organisations")
            .insert_header(("Idempotency-Key", "\"one\""))
            .set_json(json!({ "name": "Trust", "kind": "health" }));
        service.send(request).await
    });
    assert_eq!(statuses(&answers), [201; 6]);
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(service.list("/v1/organisations").await.len(), 1);
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
