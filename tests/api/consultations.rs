//! Consultations received from neighbouring authorities: what this authority owes them.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each, ids};

impl Service {
    async fn consultation_on(&self, case_id: &str, received: Value) -> Answer {
        let mut event =
            json!({ "type": "consultation_received", "occurred_on": "2026-03-02", "from_la": "884" });
        for (field, value) in received.as_object().unwrap() {
            event[field] = value.clone();
        }
        let body = json!({ "case_id": case_id, "event": event });
        self.post(&self.caseworker(), "/v1/consultations", body).await
    }

    async fn consultation_event(&self, id: &str, event: Value) -> Answer {
        let uri = format!("/v1/consultations/{id}");
        let version = self.read(&uri).await.version();
        self.act(&self.caseworker(), &format!("{uri}/events"), version, event)
            .await
    }
}

#[actix_web::test]
async fn a_consultation_is_received_answered_and_read() {
    let service = Service::on("2026-03-20");
    let school = service.organisation("Hill School", "school").await;
    let case_id = service.case().await;
    let opened = service
        .consultation_on(&case_id, json!({ "organisation_id": school }))
        .await
        .expect(201);
    let uri = format!("/v1/consultations/{}", opened.id());
    assert_eq!(opened.header("location"), Some(uri.as_str()));
    let clock = opened.clock("setting_reply");
    assert_eq!(
        [
            &clock["due_on"],
            &clock["bearer"],
            &clock["force"],
            &clock["status"],
            &clock["provision"]["reference"]
        ],
        [
            &json!("2026-03-17"),
            &json!("local_authority"),
            &json!("guidance"),
            &json!("overdue"),
            &json!("para 9.83")
        ]
    );
    // The worklist has its own words for it, whether it explains or not.
    for include in ["", "?include=explanation"] {
        let listed = service.list(&format!("/v1/clocks{include}")).await;
        assert_eq!(
            each(&listed, "title"),
            [&json!("Reply to the neighbouring authority's consultation")]
        );
    }
    let silent =
        json!({ "type": "consultation_answered", "occurred_on": "2026-03-18", "answer": "cannot_meet" });
    let refused = service.consultation_event(&opened.id(), silent.clone()).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (422, vec!["/ground missing".to_owned()])
    );
    let mut grounded = silent;
    grounded["ground"] = json!("Unsuitable for the age of the child");
    let answered = service
        .consultation_event(&opened.id(), grounded)
        .await
        .expect(201);
    assert_eq!(answered.body["consultation"]["state"], "answered");
    let read = service.read(&uri).await.expect(200);
    assert_eq!(
        (
            &read.clock("setting_reply")["status"],
            &read.clock("setting_reply")["days_late"]
        ),
        (&json!("late"), &json!(1))
    );
    let events = service.list(&format!("{uri}/events")).await;
    assert_eq!(
        [
            &events[0]["from_la"],
            &events[0]["organisation_id"],
            &events[1]["answer"]
        ],
        [&json!("884"), &json!(school), &json!("cannot_meet")]
    );
    let again = json!({ "type": "consultation_withdrawn", "occurred_on": "2026-03-19" });
    let refused = service.consultation_event(&opened.id(), again).await;
    assert_eq!((refused.status, refused.code()), (409, "event_not_permitted"));
}

#[actix_web::test]
async fn a_case_may_have_several_open_at_once() {
    let service = Service::on("2026-03-20");
    let case_id = service.case().await;
    let mut opened = Vec::new();
    for from_la in ["884", "330", "884"] {
        let answer = service
            .consultation_on(&case_id, json!({ "from_la": from_la }))
            .await
            .expect(201);
        opened.push(answer.id());
    }
    assert_eq!(
        ids(&service.list("/v1/consultations?state=received").await),
        opened
    );
    let withdrawn = json!({ "type": "consultation_withdrawn", "occurred_on": "2026-03-10" });
    service
        .consultation_event(&opened[1], withdrawn)
        .await
        .expect(201);
    assert_eq!(
        ids(&service.list("/v1/consultations?state=withdrawn").await),
        [&opened[1]]
    );
    assert_eq!(
        service
            .list("/v1/clocks?procedure=consultation&status=overdue")
            .await
            .len(),
        2
    );
    // A consultation withdrawn by mistake opens again beside the others.
    let events = service
        .list(&format!("/v1/consultations/{}/events", opened[1]))
        .await;
    let correction = json!({ "type": "correction", "occurred_on": "2026-03-20", "reason": "Another child's",
        "changes": [{ "supersedes": events[1]["id"], "replacement": null }] });
    let open = service
        .consultation_event(&opened[1], correction)
        .await
        .expect(201);
    assert_eq!(open.body["consultation"]["state"], "received");
    assert_eq!(
        rebuild_all(&service.app.store, true, |_| {}).unwrap().differing,
        0
    );
    let closure = json!({ "reason": "opened_in_error", "occurred_on": "2026-03-20" });
    service
        .act(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/closure"),
            1,
            closure,
        )
        .await
        .expect(201);
    assert_eq!(service.list("/v1/consultations?state=closed").await.len(), 3);
}

#[actix_web::test]
async fn what_opens_it_is_told_every_fault() {
    let service = Service::on("2026-03-20");
    let unknown = "00000000-0000-4000-8000-000000000001";
    let refused = service
        .consultation_on(
            unknown,
            json!({ "organisation_id": unknown, "occurred_on": "2026-03-21" }),
        )
        .await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            vec![
                "/event/organisation_id unknown_organisation".to_owned(),
                "/case_id unknown_case".to_owned(),
                "/event/occurred_on in_the_future".to_owned(),
            ]
        )
    );
    let case_id = service.case().await;
    let refused = service
        .consultation_on(&case_id, json!({ "from_la": "Hereford" }))
        .await;
    assert_eq!(refused.status, 422);
    let assessment = service.assessment("2026-01-05").await;
    assert_eq!(
        service
            .read(&format!("/v1/consultations/{assessment}"))
            .await
            .status,
        404
    );
}
