//! Joint assessment meetings: who was invited, who was there, and the advice they gave.

use serde_json::{Value, json};

use crate::harness::{Answer, Service, each};

const DAY: &str = "2026-03-04";

/// An assessment with a medical and an educational request, both of 12 February.
struct Meeting {
    service: Service,
    assessment: String,
    trust: String,
    medical: String,
    education: String,
}

impl Meeting {
    async fn prepared() -> Meeting {
        let service = Service::on("2026-03-10");
        let trust = service.organisation("Riverbank Trust", "health").await;
        let assessment = service.assessment("2026-01-05").await;
        service.decide_to_assess(&assessment, "2026-02-10").await;
        let medical =
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" });
        let medical = service.ask(&assessment, medical).await.id();
        let education = json!({ "requirement": "education", "requested_on": "2026-02-12" });
        let education = service.ask(&assessment, education).await.id();
        Meeting {
            service,
            assessment,
            trust,
            medical,
            education,
        }
    }

    async fn held(&self, day: &str, attendance: Value) -> Answer {
        let held = json!({ "type": "joint_meeting_held", "occurred_on": day, "attendance": attendance });
        self.service.record(&self.assessment, held).await
    }

    async fn request(&self, id: &str) -> Value {
        self.service.body(&format!("/v1/advice-requests/{id}")).await
    }
}

fn present(request: &str) -> Value {
    json!({ "party": "health", "attended": "in_person", "advice_request_id": request })
}

#[actix_web::test]
async fn advice_given_at_a_meeting_is_submitted_with_it() {
    let meeting = Meeting::prepared().await;
    let arranged = json!({ "type": "joint_meeting_arranged", "occurred_on": "2026-02-20", "meeting_on": DAY,
        "invited": [{ "party": "health", "organisation_id": meeting.trust }, { "party": "family" }] });
    let arranged = meeting
        .service
        .record(&meeting.assessment, arranged)
        .await
        .expect(201);
    let clocks = arranged.body["assessment"]["clocks"].as_array().unwrap().len();
    let attendance = json!([
        { "party": "health", "organisation_id": meeting.trust, "attended": "in_person", "advice_request_id": meeting.medical },
        { "party": "education_setting", "attended": "views_sent", "advice_request_id": meeting.education },
        { "party": "family", "attended": "apologies" },
    ]);
    let held = meeting.held(DAY, attendance.clone()).await.expect(201);
    assert_eq!(
        (&held.body["event"]["type"], &held.body["event"]["attendance"]),
        (&json!("joint_meeting_held"), &attendance)
    );
    assert_eq!(
        held.body["assessment"]["version"], 8,
        "the meeting and two submissions"
    );
    assert_eq!(
        held.body["assessment"]["clocks"].as_array().unwrap().len(),
        clocks,
        "no limit was found for it"
    );
    for id in [&meeting.medical, &meeting.education] {
        let request = meeting.request(id).await;
        assert_eq!(
            (
                &request["state"],
                &request["submitted_on"],
                &request["clock"]["status"],
                &request["version"]
            ),
            (&json!("submitted"), &json!(DAY), &json!("met"), &json!(2))
        );
    }
    let events = meeting
        .service
        .list(&format!("/v1/assessments/{}/events", meeting.assessment))
        .await;
    assert_eq!(
        each(&events[4..], "type"),
        [
            &json!("joint_meeting_arranged"),
            &json!("joint_meeting_held"),
            &json!("advice_submitted"),
            &json!("advice_submitted")
        ]
    );
    let accepted = meeting
        .service
        .acted(
            &meeting.medical,
            "acceptance",
            json!({ "occurred_on": "2026-03-05" }),
        )
        .await;
    assert_eq!(accepted.body["state"], "accepted");
}

#[actix_web::test]
async fn what_is_no_request_of_the_assessment_is_a_fault_where_it_is_named() {
    let meeting = Meeting::prepared().await;
    let elsewhere = meeting.service.assessment("2026-01-05").await;
    let body = json!({ "requirement": "medical", "requested_on": "2026-02-12" });
    let other = meeting.service.ask(&elsewhere, body).await.id();
    let mut unknown = present(&meeting.assessment);
    unknown["organisation_id"] = json!(meeting.assessment);
    let refused = meeting
        .held(
            DAY,
            json!([
                present(&meeting.medical),
                present(&other),
                unknown,
                present(&meeting.medical)
            ]),
        )
        .await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            vec![
                "/attendance/2/organisation_id unknown_organisation".to_owned(),
                "/attendance/1/advice_request_id unknown_request".to_owned(),
                "/attendance/2/advice_request_id unknown_request".to_owned(),
                "/attendance/3/advice_request_id repeated".to_owned(),
            ]
        )
    );
    let ahead = meeting
        .held("2026-03-11", json!([present(&meeting.medical)]))
        .await;
    assert_eq!(ahead.faults(), ["/occurred_on in_the_future"]);
    let nobody = meeting.held(DAY, json!([])).await;
    assert_eq!(nobody.status, 422);
}

#[actix_web::test]
async fn advice_that_cannot_be_submitted_keeps_the_whole_meeting_out() {
    let meeting = Meeting::prepared().await;
    meeting
        .service
        .acted(
            &meeting.education,
            "submission",
            json!({ "occurred_on": "2026-03-02", "summary": "x", "authors": ["A"] }),
        )
        .await;
    let both = json!([present(&meeting.medical), present(&meeting.education)]);
    let refused = meeting.held(DAY, both).await;
    assert_eq!(
        (refused.status, refused.faults(), &refused.body["request_state"]),
        (
            409,
            vec!["/attendance/1/advice_request_id event_not_permitted".to_owned()],
            &json!("submitted")
        )
    );
    assert_eq!(meeting.request(&meeting.medical).await["state"], "requested");
    // A meeting before the request was made cannot have answered it.
    let early = meeting
        .held("2026-02-11", json!([present(&meeting.medical)]))
        .await;
    assert_eq!(
        (early.status, early.faults()),
        (
            409,
            vec!["/attendance/0/advice_request_id event_not_permitted".to_owned()]
        )
    );
    meeting
        .held(DAY, json!([present(&meeting.medical)]))
        .await
        .expect(201);
}

#[actix_web::test]
async fn a_corrected_meeting_leaves_its_submissions_and_checks_what_it_names() {
    let meeting = Meeting::prepared().await;
    let held = meeting
        .held(DAY, json!([present(&meeting.medical)]))
        .await
        .expect(201);
    let event_id = held.body["event"]["id"].as_str().unwrap().to_owned();
    let replacement = |request: &str| json!({ "type": "joint_meeting_held", "occurred_on": "2026-03-05", "attendance": [present(request)] });
    let refused = meeting
        .service
        .correct(
            &meeting.assessment,
            &[(&event_id, replacement(&meeting.assessment))],
        )
        .await;
    assert_eq!(
        refused.faults(),
        ["/changes/0/replacement/attendance/0/advice_request_id unknown_request"]
    );
    meeting
        .service
        .correct(&meeting.assessment, &[(&event_id, replacement(&meeting.medical))])
        .await
        .expect(201);
    assert_eq!(meeting.request(&meeting.medical).await["submitted_on"], DAY);
}
