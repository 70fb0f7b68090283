//! Assessments: every event in every state, the days they are judged on, and reading any moment.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each, ids, if_match, new_key};

const OPENED: &str = "2026-01-05";
const CONSULTATION: &str = "019b0000-0000-7000-8000-00000000c001";

/// Every type that can be recorded, as it might happen on 25 May 2026.
fn samples(organisation_id: &str) -> Vec<(&'static str, Value)> {
    let day = "2026-05-25";
    vec![
        ("request_received", json!({ "requested_by": "parent" })),
        ("became_responsible", json!({ "brought_by": "health" })),
        ("further_request_received", json!({ "requested_by": "education_setting" })),
        ("assess_decision_notified", json!({ "decision": "assess", "reasons": "Needs are complex" })),
        ("plan_decision_notified", json!({ "decision": "issue" })),
        ("draft_plan_served", json!({ "reason": "authority_changes" })),
        ("representations_received", json!({})),
        ("place_awaited", json!({ "consultation_id": CONSULTATION, "since_on": day })),
        ("place_offered", json!({ "consultation_id": CONSULTATION })),
        ("joint_meeting_arranged", json!({ "meeting_on": "2026-06-01", "invited": [{ "party": "health" }] })),
        ("joint_meeting_held", json!({ "attendance": [{ "party": "health", "attended": "in_person" }] })),
        ("setting_consulted", json!({ "consultation_id": "019b0000-0000-7000-8000-00000000c002", "organisation_id": organisation_id })),
        ("setting_replied", json!({ "consultation_id": CONSULTATION, "reply": "can_meet" })),
        ("final_plan_sent", json!({ "missing_advice_reason": "Agreed with the family" })),
        ("assessment_withdrawn", json!({ "withdrawn_by": "parent", "reason": "Moving abroad" })),
        ("moved_out", json!({ "to_la": "884" })),
        ("assessment_resumed", json!({ "basis": "authority_reconsidered", "outcome": "assess" })),
        ("exception_claimed", json!({ "ground": "absent", "from": "2026-04-01", "to": "2026-05-10", "clocks": ["final_plan"] })),
    ]
    .into_iter()
    .map(|(event_type, mut event)| {
        event["type"] = json!(event_type);
        event["occurred_on"] = json!(day);
        (event_type, event)
    })
    .collect()
}

/// What may happen in each state, as the contract's table has it.
fn allowed(event_type: &str, state: &str) -> bool {
    let open = ["considering_request", "assessing", "drafting", "draft_served"];
    match event_type {
        "further_request_received"
        | "assessment_withdrawn"
        | "moved_out"
        | "exception_claimed"
        | "joint_meeting_arranged"
        | "joint_meeting_held" => open.contains(&state),
        "assess_decision_notified" => state == "considering_request",
        "plan_decision_notified" | "draft_plan_served" => {
            ["assessing", "drafting", "draft_served"].contains(&state)
        }
        "representations_received" | "final_plan_sent" => state == "draft_served",
        "setting_consulted" | "setting_replied" => ["drafting", "draft_served"].contains(&state),
        "place_awaited" | "place_offered" => ["drafting", "draft_served", "plan_issued"].contains(&state),
        "assessment_resumed" => ["assessment_refused", "plan_refused", "withdrawn"].contains(&state),
        _ => false,
    }
}

fn leads_to(event_type: &str, state: &str) -> String {
    match event_type {
        "assess_decision_notified" | "assessment_resumed" => "assessing",
        "plan_decision_notified" => "drafting",
        "draft_plan_served" => "draft_served",
        "final_plan_sent" => "plan_issued",
        "assessment_withdrawn" => "withdrawn",
        "moved_out" => "moved_out",
        _ => state,
    }
    .to_owned()
}

/// An assessment that was led into a state.
async fn assessment_in(service: &Service, state: &str, organisation_id: &str) -> String {
    let id = service.assessment(OPENED).await;
    let assess =
        json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-02", "decision": "assess" });
    let refuse =
        json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-02", "decision": "refuse" });
    let issue = json!({ "type": "plan_decision_notified", "occurred_on": "2026-04-01", "decision": "issue" });
    let not_issue =
        json!({ "type": "plan_decision_notified", "occurred_on": "2026-04-01", "decision": "not_issue" });
    let consulted = json!({ "type": "setting_consulted", "occurred_on": "2026-04-02", "consultation_id": CONSULTATION,
        "organisation_id": organisation_id });
    let draft = json!({ "type": "draft_plan_served", "occurred_on": "2026-04-10" });
    let sent = json!({ "type": "final_plan_sent", "occurred_on": "2026-05-20", "missing_advice_reason": "None came" });
    let withdrawn = json!({ "type": "assessment_withdrawn", "occurred_on": "2026-03-01", "withdrawn_by": "parent", "reason": "x" });
    let moved = json!({ "type": "moved_out", "occurred_on": "2026-03-01", "to_la": "330" });
    let events = match state {
        "assessing" => vec![assess],
        "assessment_refused" => vec![refuse],
        "drafting" => vec![assess, issue, consulted],
        "draft_served" => vec![assess, issue, consulted, draft],
        "plan_issued" => vec![assess, issue, consulted, draft, sent],
        "plan_refused" => vec![assess, not_issue],
        "withdrawn" => vec![assess, withdrawn],
        "moved_out" => vec![assess, moved],
        _ => vec![],
    };
    service.record_all(&id, &events).await;
    if state == "closed" {
        let case_id = service.body(&format!("/v1/assessments/{id}")).await["case_id"].clone();
        let uri = format!("/v1/cases/{}/closure", case_id.as_str().unwrap());
        let body = json!({ "reason": "left_england", "occurred_on": "2026-03-01" });
        service.post(&service.caseworker(), &uri, body).await.expect(201);
    }
    if state == "void" {
        let first = service.event_ids(&id).await[0].clone();
        service.correct(&id, &[(&first, Value::Null)]).await.expect(201);
    }
    id
}

const STATES: [&str; 11] = [
    "considering_request",
    "assessing",
    "assessment_refused",
    "drafting",
    "draft_served",
    "plan_issued",
    "plan_refused",
    "withdrawn",
    "moved_out",
    "closed",
    "void",
];

#[actix_web::test]
async fn every_event_in_every_state_is_recorded_or_refused_with_what_could_be() {
    let service = Service::on("2026-06-01");
    let school = service.organisation("Hill School", "school").await;
    for state in STATES {
        let mut id = assessment_in(&service, state, &school).await;
        let now = service.read(&format!("/v1/assessments/{id}")).await.expect(200);
        assert_eq!(now.body["state"], state);
        let expected: Vec<&str> = samples(&school)
            .into_iter()
            .map(|(event_type, _)| event_type)
            .filter(|name| allowed(name, state))
            .collect();
        let mut permitted = now.permitted();
        permitted.sort();
        let mut wanted = expected.clone();
        wanted.sort();
        assert_eq!(permitted, wanted, "permitted in {state}");
        for (event_type, event) in samples(&school) {
            let answer = service.record(&id, event).await;
            if allowed(event_type, state) {
                let answer = answer.expect(201);
                assert_eq!(
                    answer.body["assessment"]["state"],
                    leads_to(event_type, state),
                    "{event_type} in {state}"
                );
                assert_eq!(answer.body["event"]["type"], event_type);
                assert_eq!(answer.version(), now.version() + 1);
                id = assessment_in(&service, state, &school).await;
            } else {
                assert_eq!(
                    (answer.status, answer.code()),
                    (409, "event_not_permitted"),
                    "{event_type} in {state}"
                );
                assert_eq!(answer.body["state"], state, "{event_type}");
                let mut named = answer.permitted();
                named.sort();
                assert_eq!(named, wanted, "named on refusing {event_type} in {state}");
            }
        }
        let after = service.read(&format!("/v1/assessments/{id}")).await.expect(200);
        assert_eq!(
            after.version(),
            now.version(),
            "a refusal leaves no trace in {state}"
        );
    }
}

#[actix_web::test]
async fn an_assessment_runs_from_the_request_to_the_plan() {
    let service = Service::on("2026-02-16");
    let id = service.assessment("2026-01-05").await;
    let uri = format!("/v1/assessments/{id}");

    let opened = service.read(&uri).await.expect(200);
    assert_eq!(opened.body["state"], "considering_request");
    assert_eq!(opened.body["procedure"], "assessment");
    assert_eq!(
        (opened.body["opened_on"].clone(), opened.body["as_of"].clone()),
        (json!("2026-01-05"), json!("2026-02-16"))
    );
    assert_eq!(opened.clock("assess_decision")["due_on"], "2026-02-16");
    assert_eq!(opened.clock("final_plan")["due_on"], "2026-05-25");
    assert_eq!(opened.flags(), ["due_soon"]);

    service.set_today("2026-02-17");
    let late = service.read(&uri).await.expect(200);
    assert_eq!(late.clock("assess_decision")["status"], "overdue");
    let flag = &late.body["flags"][0];
    assert_eq!(
        (
            flag["code"].clone(),
            flag["since_on"].clone(),
            flag["whose_move"].clone()
        ),
        (
            json!("clock_overdue"),
            json!("2026-02-17"),
            json!("local_authority")
        )
    );
    assert_eq!(flag["clock_id"], late.clock("assess_decision")["id"]);

    let decided = service.decide_to_assess(&id, "2026-02-17").await;
    assert_eq!(decided.body["assessment"]["state"], "assessing");
    assert_eq!(decided.clock("assess_decision")["status"], "late");
    assert_eq!(
        decided.clock("assess_decision")["id"],
        opened.clock("assess_decision")["id"]
    );

    service.set_today("2026-05-20");
    service
        .record_all(
            &id,
            &[json!({ "type": "draft_plan_served", "occurred_on": "2026-04-20" })],
        )
        .await;
    let sent = service
        .record(&id, json!({ "type": "final_plan_sent", "occurred_on": "2026-05-20", "missing_advice_reason": "Agreed with the family" }))
        .await
        .expect(201);
    assert_eq!(sent.body["assessment"]["state"], "plan_issued");
    assert_eq!(sent.clock("final_plan")["status"], "met");
    assert!(sent.flags().contains(&"advice_missing".to_owned()));
}

#[actix_web::test]
async fn opening_answers_with_place_and_version_and_only_by_an_opening_event() {
    let service = Service::new();
    let case_id = service.case().await;
    let open = |event: Value| service_open(&service, &case_id, event);
    let refused = open(json!({ "type": "assessment_withdrawn", "occurred_on": "2026-02-02", "withdrawn_by": "parent", "reason": "x" })).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (422, vec!["/event/type not_one_of".to_owned()])
    );
    let opened = open(
        json!({ "type": "became_responsible", "occurred_on": "2026-02-02", "brought_by": "early_years" }),
    )
    .await
    .expect(201);
    assert_eq!(
        opened.header("location").unwrap(),
        format!("/v1/assessments/{}", opened.id())
    );
    assert_eq!(opened.header("etag").unwrap(), "\"v1\"");
    assert_eq!(opened.clock("assess_decision")["started_on"], "2026-02-02");
}

async fn service_open(service: &Service, case_id: &str, event: Value) -> Answer {
    let body = json!({ "case_id": case_id, "event": event });
    service.post(&service.caseworker(), "/v1/assessments", body).await
}

#[actix_web::test]
async fn a_case_has_one_open_assessment_and_the_second_is_told_its_id() {
    let service = Service::new();
    let case_id = service.case().await;
    let first = service.assessment_on(&case_id, "2026-01-05").await;
    let request =
        json!({ "type": "request_received", "occurred_on": "2026-02-02", "requested_by": "parent" });
    let second = service_open(&service, &case_id, request.clone()).await;
    assert_eq!((second.status, second.code()), (409, "already_open"));
    assert_eq!(second.body["existing_id"], first);

    let withdrawn = json!({ "type": "assessment_withdrawn", "occurred_on": "2026-01-20", "withdrawn_by": "parent", "reason": "x" });
    service.record_all(&first, &[withdrawn]).await;
    let second = service_open(&service, &case_id, request).await.expect(201).id();

    // What stopped may not go on beside it, whether it is resumed or its stop is corrected away.
    let resumed = json!({ "type": "assessment_resumed", "occurred_on": "2026-02-10", "basis": "authority_reconsidered", "outcome": "reconsider" });
    let refused = service.record(&first, resumed).await;
    assert_eq!((refused.status, refused.code()), (409, "already_open"));
    assert_eq!(refused.body["existing_id"], second);
    let stop = service.event_ids(&first).await[1].clone();
    let refused = service.correct(&first, &[(&stop, Value::Null)]).await;
    assert_eq!((refused.status, refused.code()), (409, "already_open"));
    assert_eq!(refused.body["existing_id"], second);
    assert_eq!(
        service.body(&format!("/v1/assessments/{first}")).await["state"],
        "withdrawn"
    );
}

#[actix_web::test]
async fn a_backdated_event_is_judged_on_its_day() {
    let service = Service::on("2026-06-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let early = service
        .record(
            &id,
            json!({ "type": "plan_decision_notified", "occurred_on": "2026-02-01", "decision": "issue" }),
        )
        .await;
    assert_eq!(
        (early.status, early.body["state"].clone()),
        (409, json!("considering_request"))
    );
    assert!(early.permitted().contains(&"assess_decision_notified".to_owned()));
    assert_eq!(early.faults(), ["/type event_not_permitted"]);

    // It fits its own day and makes impossible what came later: the state named is that of its day.
    let ruled_out = service
        .record(&id, json!({ "type": "assessment_withdrawn", "occurred_on": "2026-02-01", "withdrawn_by": "parent", "reason": "x" }))
        .await;
    assert_eq!(
        (ruled_out.status, ruled_out.body["state"].clone()),
        (409, json!("considering_request"))
    );
    assert!(
        ruled_out.body["detail"]
            .as_str()
            .unwrap()
            .contains("assess_decision_notified on 10 February 2026")
    );

    service
        .record(&id, json!({ "type": "further_request_received", "occurred_on": "2026-01-20", "requested_by": "parent" }))
        .await
        .expect(201);
}

#[actix_web::test]
async fn days_in_the_future_and_before_the_opening_are_refused_all_at_once() {
    let service = Service::on("2026-02-20");
    let id = service.assessment(OPENED).await;
    let future = service
        .record(&id, json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-21", "decision": "assess",
            "decided_on": "2026-02-21", "sent_on": "2026-02-22", "received_on": "2026-02-23", "served_on": "2026-02-24" }))
        .await;
    assert_eq!((future.status, future.code()), (422, "invalid_content"));
    assert_eq!(
        future.faults(),
        [
            "/occurred_on in_the_future",
            "/decided_on in_the_future",
            "/sent_on in_the_future",
            "/received_on in_the_future",
        ]
    );
    let before = service.record(&id, json!({ "type": "further_request_received", "occurred_on": "2026-01-04", "requested_by": "parent" })).await;
    assert_eq!(before.faults(), ["/occurred_on before_opening"]);
    let case_id = service.case().await;
    let opening = service_open(
        &service,
        &case_id,
        json!({ "type": "request_received", "occurred_on": "2026-02-21", "requested_by": "parent" }),
    )
    .await;
    assert_eq!(opening.faults(), ["/event/occurred_on in_the_future"]);
    let version = service.read(&format!("/v1/assessments/{id}")).await.version();
    assert_eq!(version, 1, "nothing was stored");
}

#[actix_web::test]
async fn today_is_the_day_in_london() {
    let service = Service::new();
    service.set_now("2026-07-01T23:30:00Z");
    let id = service.assessment("2026-07-02").await;
    assert_eq!(
        service.body(&format!("/v1/assessments/{id}")).await["as_of"],
        "2026-07-02"
    );
    service.set_now("2026-12-01T23:30:00Z");
    let refused = service.record(&id, json!({ "type": "further_request_received", "occurred_on": "2026-12-02", "requested_by": "parent" })).await;
    assert_eq!(refused.faults(), ["/occurred_on in_the_future"]);
}

#[actix_web::test]
async fn a_plan_cannot_have_gone_to_anybody_in_the_future() {
    let service = Service::on("2026-05-20");
    let school = service.organisation("Hill School", "school").await;
    let id = assessment_in(&service, "draft_served", &school).await;
    let refused = service
        .record(&id, json!({ "type": "final_plan_sent", "occurred_on": "2026-05-19", "missing_advice_reason": "x",
            "recipients": [{ "role": "family", "sent_on": "2026-05-19" }, { "role": "setting", "sent_on": "2026-05-21" }],
            "waiver": { "given_by": "parent", "given_on": "2026-05-22" } }))
        .await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_content"));
    assert_eq!(
        refused.faults(),
        [
            "/recipients/1/sent_on in_the_future",
            "/waiver/given_on in_the_future"
        ]
    );
}

#[actix_web::test]
async fn the_law_counts_by_the_date_it_names() {
    let service = Service::on("2026-06-01");
    let case_id = service.case().await;
    let opened = service_open(&service, &case_id,
        json!({ "type": "request_received", "occurred_on": "2026-01-03", "requested_by": "parent", "sent_on": "2026-01-02",
            "received_on": "2026-01-05", "channel": "post" })).await.expect(201);
    assert_eq!(opened.clock("assess_decision")["started_on"], "2026-01-05");
    let id = opened.id();
    let decided = service
        .record(
            &id,
            json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-17", "decision": "assess",
            "decided_on": "2026-02-10", "sent_on": "2026-02-16" }),
        )
        .await
        .expect(201);
    let clock = decided.clock("assess_decision");
    assert_eq!(
        (clock["satisfied_on"].clone(), clock["status"].clone()),
        (json!("2026-02-16"), json!("met"))
    );
    assert_eq!(decided.body["event"]["decided_on"], "2026-02-10");

    // A draft posted on the last of the month and served on the second of the next.
    let draft = service
        .record(
            &id,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-02-27", "served_on": "2026-03-02" }),
        )
        .await
        .expect(201);
    assert_eq!(draft.clock("draft_representations")["due_on"], "2026-03-16");
    let sent = service
        .record(&id, json!({ "type": "final_plan_sent", "occurred_on": "2026-05-22", "missing_advice_reason": "x", "recipients": [
            { "role": "family", "sent_on": "2026-05-22" }, { "role": "setting", "sent_on": "2026-05-26" },
            { "role": "commissioning_body", "sent_on": "2026-05-23" }] }))
        .await
        .expect(201);
    let clock = sent.clock("final_plan");
    assert_eq!(
        (clock["satisfied_on"].clone(), clock["status"].clone()),
        (json!("2026-05-26"), json!("late")),
        "the limit is kept by the last of the three"
    );
    let between = service
        .read(&format!("/v1/assessments/{id}?as_of=2026-05-25"))
        .await
        .expect(200);
    assert_eq!(
        between.clock("final_plan")["status"],
        "running",
        "on the 25th one had not been sent"
    );
}

#[actix_web::test]
async fn service_of_a_draft_may_lie_ahead() {
    let service = Service::on("2026-02-27");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let served = service
        .record(
            &id,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-02-27", "served_on": "2026-03-02" }),
        )
        .await
        .expect(201);
    let window = served.clock("draft_representations");
    assert_eq!(
        (window["due_on"].clone(), window["status"].clone()),
        (json!("2026-03-16"), json!("running"))
    );
    let listed = service.list("/v1/clocks?kind=draft_representations").await;
    assert_eq!(ids(&listed), [window["id"].as_str().unwrap()]);
}

#[actix_web::test]
async fn an_early_plan_is_refused_until_its_sender_says_so() {
    let service = Service::on("2026-06-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    service
        .record_all(
            &id,
            &[json!({ "type": "draft_plan_served", "occurred_on": "2026-03-02" })],
        )
        .await;
    let early = json!({ "type": "final_plan_sent", "occurred_on": "2026-03-16" });
    let refused = service.record(&id, early.clone()).await;
    assert_eq!((refused.status, refused.code()), (409, "plan_not_ready"));
    assert_eq!(refused.body["state"], "draft_served");
    assert_eq!(refused.body["window_ends_on"], "2026-03-16");
    assert_eq!(
        refused.body["outstanding_advice"],
        json!(["parent", "education", "medical", "psychological", "social_care"])
    );
    assert!(refused.permitted().contains(&"final_plan_sent".to_owned()));

    let mut acknowledged = early;
    acknowledged["missing_advice_reason"] = json!("Agreed");
    let refused = service.record(&id, acknowledged.clone()).await;
    assert_eq!(
        (refused.code(), refused.body["outstanding_advice"].clone()),
        ("plan_not_ready", json!([]))
    );
    acknowledged["sent_early_acknowledged"] = json!(true);
    let sent = service.record(&id, acknowledged).await.expect(201);
    assert!(sent.flag_codes().contains(&"draft_window_cut_short".to_owned()));
    let flagged = service.list("/v1/assessments?flag=draft_window_cut_short").await;
    assert_eq!(ids(&flagged), [id.as_str()]);
}

#[actix_web::test]
async fn the_day_after_the_window_and_a_waiver_are_in_time() {
    let service = Service::on("2026-06-01");
    for (sent_on, waiver) in [
        ("2026-03-17", Value::Null),
        (
            "2026-03-10",
            json!({ "given_by": "parent", "given_on": "2026-03-09" }),
        ),
    ] {
        let id = service.assessment(OPENED).await;
        service.decide_to_assess(&id, "2026-02-10").await;
        service
            .record_all(
                &id,
                &[json!({ "type": "draft_plan_served", "occurred_on": "2026-03-02" })],
            )
            .await;
        let mut event =
            json!({ "type": "final_plan_sent", "occurred_on": sent_on, "missing_advice_reason": "x" });
        if !waiver.is_null() {
            event["waiver"] = waiver;
        }
        let sent = service.record(&id, event).await.expect(201);
        assert!(
            !sent.flags().contains(&"draft_window_cut_short".to_owned()),
            "{sent_on}"
        );
        assert_eq!(sent.clock("draft_representations")["status"], "met", "{sent_on}");
    }
}

#[actix_web::test]
async fn a_resumption_keeps_the_original_dates() {
    let service = Service::on("2026-06-01");
    let id = service.assessment(OPENED).await;
    let refuse =
        json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-02", "decision": "refuse" });
    let refused = service.record(&id, refuse).await.expect(201);
    assert_eq!(refused.clock("final_plan")["status"], "cancelled");
    assert_eq!(refused.clock("assess_decision")["status"], "met");
    let resumed = service
        .record(&id, json!({ "type": "assessment_resumed", "occurred_on": "2026-03-20", "basis": "authority_reconsidered", "outcome": "assess" }))
        .await
        .expect(201);
    assert_eq!(resumed.body["assessment"]["state"], "assessing");
    let clock = resumed.clock("final_plan");
    assert_eq!(
        (
            clock["started_on"].clone(),
            clock["due_on"].clone(),
            clock["status"].clone()
        ),
        (json!(OPENED), json!("2026-05-25"), json!("overdue"))
    );
    let between = service
        .read(&format!("/v1/assessments/{id}?as_of=2026-03-19"))
        .await
        .expect(200);
    assert_eq!(
        between.clock("final_plan")["status"],
        "cancelled",
        "while it was refused nothing was owed"
    );
    for basis in ["mediation_agreement", "tribunal_order", "unopposed_appeal"] {
        let answer = service
            .record(&id, json!({ "type": "assessment_resumed", "occurred_on": "2026-03-20", "basis": basis, "outcome": "assess" }))
            .await;
        assert_eq!(
            answer.faults(),
            ["/basis not_one_of"],
            "{basis} comes with disputes"
        );
    }
}

#[actix_web::test]
async fn consultations_are_answered_once_known_and_named_once() {
    let service = Service::on("2026-06-01");
    let school = service.organisation("Hill School", "school").await;
    let id = assessment_in(&service, "drafting", &school).await;
    let consulted = json!({ "type": "setting_consulted", "occurred_on": "2026-04-02", "consultation_id": CONSULTATION, "organisation_id": school });
    let repeated = service.record(&id, consulted).await;
    assert_eq!((repeated.status, repeated.code()), (409, "event_not_permitted"));
    assert!(
        repeated.body["detail"]
            .as_str()
            .unwrap()
            .contains("consultation_id")
    );
    let unknown = json!({ "type": "setting_replied", "occurred_on": "2026-04-20", "consultation_id": "019b0000-0000-7000-8000-00000000dead", "reply": "can_meet" });
    assert_eq!(
        service.record(&id, unknown).await.expect(409).code(),
        "event_not_permitted"
    );
    let groundless = json!({ "type": "setting_replied", "occurred_on": "2026-04-20", "consultation_id": CONSULTATION, "reply": "cannot_meet" });
    assert_eq!(
        service.record(&id, groundless).await.faults(),
        ["/ground missing"]
    );
    let replied = service
        .record(&id, json!({ "type": "setting_replied", "occurred_on": "2026-04-20", "consultation_id": CONSULTATION, "reply": "cannot_meet", "ground": "No places" }))
        .await
        .expect(201);
    let clock = replied.clock("setting_reply");
    assert_eq!(
        (
            clock["due_on"].clone(),
            clock["status"].clone(),
            clock["force"].clone(),
            clock["bearer"].clone()
        ),
        (
            json!("2026-04-17"),
            json!("late"),
            json!("guidance"),
            json!("education_setting")
        )
    );
    let stranger = json!({ "type": "setting_consulted", "occurred_on": "2026-04-02", "consultation_id": "019b0000-0000-7000-8000-00000000c009",
        "organisation_id": "019b0000-0000-7000-8000-00000000dead" });
    assert_eq!(
        service.record(&id, stranger).await.faults(),
        ["/organisation_id unknown_organisation"]
    );
}

#[actix_web::test]
async fn a_claimed_exception_excuses_and_moves_no_date() {
    let service = Service::on("2026-06-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let claimed = service
        .record(&id, json!({ "type": "exception_claimed", "occurred_on": "2026-05-01", "ground": "absent", "from": "2026-03-01", "to": "2026-03-28",
            "clocks": ["final_plan", "assess_decision"], "decided_by": "Panel", "decided_on": "2026-04-30", "causal_link": "Nobody was there" }))
        .await
        .expect(201);
    let plan = claimed.clock("final_plan");
    assert_eq!(
        (
            plan["excused"].clone(),
            plan["status"].clone(),
            plan["due_on"].clone(),
            plan["days_late"].clone()
        ),
        (json!(true), json!("overdue"), json!("2026-05-25"), json!(7))
    );
    assert_eq!(plan["exceptions"][0]["qualifies"], true);
    let decision = claimed.clock("assess_decision");
    assert_eq!(
        (
            decision["excused"].clone(),
            decision["exceptions"][0]["qualifies"].clone()
        ),
        (json!(false), json!(false))
    );
    assert!(
        !decision["exceptions"][0]["why_not"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(claimed.body["event"]["decided_on"], "2026-04-30");
    assert_eq!(claimed.body["event"]["decided_by"], "Panel");
    assert!(claimed.flag_codes().contains(&"exception_claimed".to_owned()));
    let before = service
        .read(&format!("/v1/assessments/{id}?as_of=2026-04-30"))
        .await
        .expect(200);
    assert_eq!(
        (
            before.clock("final_plan")["excused"].clone(),
            before.clock("final_plan")["exceptions"].clone()
        ),
        (json!(false), json!([]))
    );
    let backwards = service
        .record(&id, json!({ "type": "exception_claimed", "occurred_on": "2026-05-01", "ground": "school_closed", "from": "2026-03-02", "to": "2026-03-01",
            "closed_from": "2026-03-02", "reopens_on": "2026-03-01", "clocks": [] }))
        .await;
    assert_eq!(
        backwards.faults(),
        ["/clocks too_few", "/to out_of_order", "/reopens_on out_of_order"]
    );
}

#[actix_web::test]
async fn as_of_shows_the_day_and_known_at_what_was_known() {
    let service = Service::on("2026-02-10");
    let id = service.assessment(OPENED).await;
    service.set_now("2026-03-01T09:00:00Z");
    service.decide_to_assess(&id, "2026-02-12").await;
    let uri = format!("/v1/assessments/{id}");

    let state_at = async |query: &str| service.body(&format!("{uri}?{query}")).await["state"].clone();
    assert_eq!(state_at("as_of=2026-02-11").await, "considering_request");
    assert_eq!(state_at("as_of=2026-02-12").await, "assessing");
    assert_eq!(
        state_at("as_of=2026-02-20&known_at=2026-02-28T23:59:59Z").await,
        "considering_request"
    );
    assert_eq!(
        state_at("as_of=2026-02-20&known_at=2026-03-01T09:00:00Z").await,
        "assessing"
    );
    let then = service
        .body(&format!("{uri}?known_at=2026-02-20T12:00:00Z"))
        .await;
    assert_eq!(
        (then["as_of"].clone(), then["state"].clone()),
        (json!("2026-02-20"), json!("considering_request"))
    );
    // Alone it implies its day in London, which in summer begins at eleven the evening before.
    let summer = service
        .body(&format!("{uri}?known_at=2026-07-01T23:30:00Z"))
        .await;
    assert_eq!(summer["as_of"], "2026-07-02");

    for (query, pointer) in [
        ("as_of=2026-01-04", "/as_of before_opening"),
        ("known_at=2026-02-10T11:59:59Z", "/known_at not_yet_recorded"),
        ("as_of=yesterday", "/as_of malformed"),
        ("known_at=2026-02-20", "/known_at malformed"),
        ("at=2026-02-20", "/at unknown_field"),
    ] {
        let answer = service.read(&format!("{uri}?{query}")).await;
        assert_eq!(
            (answer.status, answer.code(), answer.faults()),
            (400, "invalid_query", vec![pointer.to_owned()]),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn the_version_is_the_same_in_every_projection_and_never_saves_a_body() {
    let service = Service::on("2026-02-10");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    let uri = format!("/v1/assessments/{id}");
    for query in ["", "?as_of=2026-01-05", "?known_at=2026-02-10T12:00:00Z"] {
        let answer = service.read(&format!("{uri}{query}")).await.expect(200);
        assert_eq!(
            (answer.header("etag"), answer.body["version"].as_i64()),
            (Some("\"v2\""), Some(2)),
            "{query}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let conditional = service
        .caseworker()
        .request(Method::GET, &uri)
        .insert_header(("If-None-Match", "\"v2\""));
    service.send(conditional).await.expect(200);
}

#[actix_web::test]
async fn recording_takes_the_version_that_was_read() {
    let service = Service::on("2026-02-10");
    let id = service.assessment(OPENED).await;
    let uri = format!("/v1/assessments/{id}/events");
    let event =
        json!({ "type": "further_request_received", "occurred_on": "2026-02-01", "requested_by": "parent" });
    let post = || {
        service
            .caseworker()
            .request(Method::POST, &uri)
            .insert_header(new_key())
            .set_json(&event)
    };
    let missing = service.send(post()).await;
    assert_eq!((missing.status, missing.code()), (428, "precondition_required"));
    for malformed in [
        "v1",
        "\"1\"",
        "W/\"v1\"",
        "*",
        "\"v01\"",
        "\"v1\", \"v2\"",
        "\"v-1\"",
        "\"v99999999999999999999\"",
    ] {
        let answer = service.send(post().insert_header(("If-Match", malformed))).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_header"),
            "{malformed}"
        );
    }
    let stale = service.send(post().insert_header(if_match(2))).await;
    assert_eq!(
        (stale.status, stale.code(), stale.body["current_version"].as_i64()),
        (412, "stale_version", Some(1))
    );
    service.send(post().insert_header(if_match(1))).await.expect(201);
    let stale = service.send(post().insert_header(if_match(1))).await;
    assert_eq!(
        (stale.status, stale.body["current_version"].as_i64()),
        (412, Some(2))
    );
}

#[actix_web::test]
async fn acts_on_advice_raise_the_version_of_the_procedure() {
    let service = Service::on("2026-02-20");
    let id = service.assessment(OPENED).await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "requested_on": "2026-02-01" }),
        )
        .await;
    service.acted(&asked.id(), "acknowledgement", json!({})).await;
    assert_eq!(service.read(&format!("/v1/assessments/{id}")).await.version(), 3);
}

#[actix_web::test]
async fn lists_filter_by_state_caseworker_flag_and_day_and_page_without_gap_or_repeat() {
    let service = Service::on("2026-02-20");
    let mut opened = Vec::new();
    for (number, requested_on) in [
        "2026-01-05",
        "2026-01-05",
        "2026-02-02",
        "2026-02-02",
        "2026-02-16",
    ]
    .iter()
    .enumerate()
    {
        let keeper = if number % 2 == 0 { "ann" } else { "ben" };
        let case_id = service.case_with(json!({ "caseworker": keeper })).await;
        opened.push(service.assessment_on(&case_id, requested_on).await);
    }
    service.decide_to_assess(&opened[1], "2026-02-10").await;
    let listed = async |query: &str| {
        let items = service.list(&format!("/v1/assessments{query}")).await;
        ids(&items)
            .into_iter()
            .map(|id| opened.iter().position(|known| known == id).unwrap())
            .collect::<Vec<_>>()
    };
    let sorted = |mut found: Vec<usize>| {
        found.sort();
        found
    };
    assert_eq!(sorted(listed("").await), [0, 1, 2, 3, 4]);
    assert_eq!(listed("?state=assessing").await, [1]);
    assert_eq!(sorted(listed("?caseworker=ann").await), [0, 2, 4]);
    assert_eq!(listed("?flag=clock_overdue").await, [0]);
    assert_eq!(
        listed("?due_before=2026-02-16").await,
        [0],
        "what is done is no longer due"
    );
    assert_eq!(
        sorted(listed("?due_before=2026-03-16").await),
        [0, 2, 3],
        "the day itself is included"
    );
    assert_eq!(sorted(listed("?due_before=2026-03-15").await), [0]);
    assert_eq!(
        listed("?caseworker=ann&flag=clock_overdue&state=considering_request").await,
        [0]
    );
    assert!(listed("?state=plan_issued").await.is_empty());
    for size in [1, 2, 3, 5, 200] {
        let paged = service
            .pages(
                &service.caseworker(),
                "/v1/assessments?state=considering_request",
                size,
            )
            .await;
        let mut found: Vec<&str> = ids(&paged);
        assert!(found.is_sorted(), "keyset order");
        found.dedup();
        assert_eq!(found.len(), 4, "pages of {size}");
    }
}

#[actix_web::test]
async fn a_window_that_has_run_is_not_something_still_due() {
    let service = Service::on("2026-04-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    service
        .record_all(
            &id,
            &[json!({ "type": "draft_plan_served", "occurred_on": "2026-03-02" })],
        )
        .await;
    assert!(
        service
            .list("/v1/assessments?due_before=2026-03-31")
            .await
            .is_empty()
    );
    assert_eq!(
        service.list("/v1/assessments?due_before=2026-05-25").await.len(),
        1
    );
}

#[actix_web::test]
async fn events_are_listed_in_the_order_of_recording_by_pages() {
    let service = Service::on("2026-06-01");
    let id = service.assessment(OPENED).await;
    service.decide_to_assess(&id, "2026-02-10").await;
    for day in ["2026-01-30", "2026-01-10", "2026-01-20"] {
        let mut event =
            json!({ "type": "further_request_received", "occurred_on": day, "requested_by": "parent" });
        event["note"] = json!("By telephone");
        service.record(&id, event).await.expect(201);
    }
    for size in [1, 2, 5, 200] {
        let events = service
            .pages(
                &service.caseworker(),
                &format!("/v1/assessments/{id}/events"),
                size,
            )
            .await;
        let sequences: Vec<i64> = events
            .iter()
            .map(|event| event["sequence"].as_i64().unwrap())
            .collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5], "pages of {size}");
        assert_eq!(
            each(&events, "occurred_on"),
            [
                "2026-01-05",
                "2026-02-10",
                "2026-01-30",
                "2026-01-10",
                "2026-01-20"
            ]
        );
        assert_eq!(events[2]["note"], "By telephone");
        assert_eq!(events[2]["requested_by"], "parent");
        assert_eq!(events[0]["recorded_by"], "caseworker-885");
        assert_eq!(events[0]["recorded_at"], "2026-06-01T12:00:00Z");
        assert_eq!(events[0]["superseded_by"], Value::Null);
    }
}
