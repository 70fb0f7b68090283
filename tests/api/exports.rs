//! Subject access: everything held about a child, and nothing of what must reach nobody.

use std::collections::BTreeSet;

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use ehcp_timeline::service::export::OWN_WORDS;
use serde_json::{Value, json};

use crate::harness::{Service, each};
use crate::stranger::{Seeded, seed};

#[actix_web::test]
async fn an_export_holds_everything_but_what_must_reach_nobody() {
    let Seeded {
        service,
        case_id,
        needles,
        ..
    } = seed().await;
    service.read(&format!("/v1/cases/{case_id}")).await.expect(200);
    service.app.write_readings().await.unwrap();
    let manager = service.actor(Role::Manager);
    let uri = format!("/v1/cases/{case_id}/export");
    let export = service.get(&manager, &uri).await.expect(200);
    for needle in &needles {
        let is_withheld = ["Hidden Lane", "WR5 2ZZ"].contains(&needle.as_str());
        assert_eq!(export.text.contains(needle.as_str()), !is_withheld, "{needle}");
    }
    let body = &export.body;
    assert_eq!(body["people"][0]["masked"], json!(["address"]));
    assert_eq!(body["case"]["masked"], json!(["postcode"]));
    let kinds: Vec<&Value> = body["procedures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["procedure"])
        .collect();
    for kind in ["assessment", "review", "consultation", "plan"] {
        assert!(kinds.contains(&&json!(kind)), "{kinds:?}");
    }
    assert!(body["procedures"][0]["events"].as_array().unwrap().len() >= 3);
    assert_eq!(body["plan_versions"][0]["number"], 1);
    assert_eq!(body["retention"]["dispose_after_on"], "2046-03-09");
    for third_party in body["third_party"].as_array().unwrap() {
        let pointer = third_party["pointer"].as_str().unwrap();
        assert!(
            body.pointer(pointer).is_some_and(|there| !there.is_null()),
            "{pointer}"
        );
    }
    let reasons: Vec<&str> = body["third_party"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["why"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "another_person",
            "may_name_others",
            "may_name_others",
            "written_by_an_organisation",
            "may_name_others",
            "may_name_others"
        ]
    );
    let history = body["history"].as_array().unwrap();
    let told = |action: &str, kind: &str| {
        history.iter().any(|entry| {
            entry["action"] == action && entry["kind"] == kind && entry["subject"] == "caseworker-885"
        })
    };
    assert!(
        told("open_case", "change") && told("get_case", "reading"),
        "{history:?}"
    );
}

/// Whatever may be written into an event, and into an act that becomes one, is known to be somebody's own words.
#[test]
fn what_is_written_into_events_is_known_to_be_free_text() {
    let document = serde_json::to_value(ehcp_timeline::http::document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut found = BTreeSet::new();
    for (name, schema) in schemas {
        let is_act = [
            "AcknowledgementInput",
            "AdviceExceptionInput",
            "DeclinationInput",
            "ExistingAdviceInput",
            "ReturnInput",
            "WithdrawalInput",
        ];
        if name.contains("EventInput") || is_act.contains(&name.as_str()) {
            free_text_in(schema, &mut found);
        }
    }
    assert!(found.len() > 5, "{found:?}");
    let unknown: Vec<&String> = found
        .iter()
        .filter(|member| !OWN_WORDS.contains(&member.as_str()))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// The members of a schema that hold text of any form, and more than a name's length of it.
fn free_text_in(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_long = property["maxLength"].as_u64().is_some_and(|length| length > 100);
                // That it must not be blank says nothing of what it holds.
                let has_form = ["enum", "format", "pattern", "const"]
                    .iter()
                    .any(|form| !property[form].is_null() && property[form] != "\\S");
                if is_long && !has_form {
                    found.insert(name.clone());
                }
            }
            members.values().for_each(|member| free_text_in(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| free_text_in(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[actix_web::test]
async fn an_export_says_nothing_of_other_cases_nor_who_of_the_family_asked_and_from_where() {
    let service = Service::on("2026-02-20");
    let (case_id, other) = (service.case().await, service.case().await);
    service.assessment_on(&case_id, "2026-01-05").await;
    let people = format!("/v1/cases/{case_id}/people");
    let father = json!({ "name": "A", "relationship": "father", "parental_responsibility": true,
        "receives_notices": true });
    let father = service
        .post(&service.caseworker(), &people, father)
        .await
        .expect(201)
        .id();
    let timeline = format!("/v1/cases/{case_id}/timeline");
    for (actor, uri) in [
        (service.family_member(&case_id, &father), timeline.as_str()),
        (service.caseworker(), "/v1/cases"),
    ] {
        let request = actor
            .request(Method::GET, uri)
            .peer_addr("203.0.113.77:4711".parse().unwrap())
            .insert_header(("Access-Reason", "a word about it"));
        let answer = service.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    service.app.write_readings().await.unwrap();
    let trail = format!("/v1/audit?case_id={case_id}");
    let trail = service
        .get(&service.actor(Role::Auditor), &trail)
        .await
        .expect(200);
    for held in ["203.0.113.77", "family-885", &other] {
        assert!(
            trail.text.contains(held),
            "the trail holds {held}, or this proves nothing"
        );
    }
    let uri = format!("/v1/cases/{case_id}/export");
    let export = service.get(&service.actor(Role::Manager), &uri).await.expect(200);
    for hidden in ["203.0.113.77", "family-885", &other, "trace_id", "client_address"] {
        assert!(!export.text.contains(hidden), "{hidden}");
    }
    let history = export.body["history"].as_array().unwrap();
    let of = |action: &str| history.iter().find(|entry| entry["action"] == action).unwrap();
    let (told, listed) = (of("get_case_timeline"), of("list_cases"));
    assert_eq!(
        (&told["subject"], &told["roles"], &told["is_list"]),
        (&Value::Null, &json!(["family"]), &json!(false))
    );
    assert_eq!(
        (&listed["subject"], &listed["reason"], &listed["is_list"]),
        (&json!("caseworker-885"), &json!("a word about it"), &json!(true))
    );
}

#[actix_web::test]
async fn an_export_holds_what_was_corrected_and_unsealed_and_points_at_what_may_name_others() {
    let service = Service::on("2026-02-20");
    let manager = service.actor(Role::Manager);
    let case_id = service.case().await;
    let case = format!("/v1/cases/{case_id}");
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let asked = |requirement: &str, story: &str| json!({ "requirement": requirement, "requested_on": "2026-02-12", "family_story": story });
    let kept = service
        .ask(&assessment, asked("medical", "Her brother helps."))
        .await
        .id();
    let void = service
        .ask(&assessment, asked("education", "Wrong child."))
        .await
        .id();
    let submitted = json!({ "summary": "About somebody else.", "authors": ["A"] });
    service.acted(&kept, "submission", submitted).await;
    let events = service
        .list(&format!("/v1/assessments/{assessment}/events"))
        .await;
    let of_request = |event_type: &str, request: &str| {
        let found = events
            .iter()
            .find(|event| event["type"] == event_type && event["request_id"] == request);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (asking, submission) = (
        of_request("advice_requested", &void),
        of_request("advice_submitted", &kept),
    );
    service
        .correct(&assessment, &[(&asking, Value::Null), (&submission, Value::Null)])
        .await
        .expect(201);
    let met = json!({ "type": "joint_meeting_arranged", "occurred_on": "2026-02-20", "meeting_on": "2026-03-02",
        "invited": [{ "party": "health" }], "note": "Not with Mr B" });
    service.record(&assessment, met).await.expect(201);
    service.hold(&case_id, "the inquiry").await;
    service
        .post(&manager, &format!("{case}/seal"), json!({ "ground": "other" }))
        .await
        .expect(201);
    let grant = json!({ "subject": "caseworker-7", "reason": "they keep it" });
    service
        .post(&manager, &format!("{case}/grants"), grant)
        .await
        .expect(201);
    service
        .post(&manager, &format!("{case}/unsealing"), json!({}))
        .await
        .expect(200);

    let export = service
        .get(&manager, &format!("{case}/export"))
        .await
        .expect(200)
        .body;
    let requests = export["advice_requests"].as_array().unwrap();
    assert_eq!(each(requests, "id"), [&kept, &void]);
    assert_eq!(each(requests, "is_void"), [false, true]);
    assert_eq!(requests[0]["submissions"], json!([]));
    assert_eq!(
        requests[0]["void_submissions"][0]["summary"],
        "About somebody else."
    );
    assert_eq!(requests[1]["family_story"], "Wrong child.");
    assert_eq!(export["seal"], Value::Null);
    assert_eq!(
        each(export["grants"].as_array().unwrap(), "subject"),
        ["manager-885", "caseworker-7"]
    );
    let pointers: Vec<&str> = export["third_party"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["pointer"].as_str().unwrap())
        .collect();
    let last = export["procedures"][0]["events"].as_array().unwrap().len() - 1;
    let why = format!("/procedures/0/events/{}/reason", last - 1);
    let noted = format!("/procedures/0/events/{last}/note");
    assert_eq!(
        pointers,
        [
            why.as_str(),
            noted.as_str(),
            "/advice_requests/0/family_story",
            "/advice_requests/0/void_submissions",
            "/advice_requests/1/family_story",
            "/grants",
            "/retention/legal_holds/0",
            "/history",
        ]
    );
    assert_eq!(export.pointer(&noted), Some(&json!("Not with Mr B")));
    assert!(
        pointers
            .iter()
            .all(|pointer| export.pointer(pointer).is_some_and(|there| !there.is_null()))
    );
}
