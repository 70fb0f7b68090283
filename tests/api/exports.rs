//! Subject access: everything held about a child, and nothing of what must reach nobody.

use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

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
    assert_eq!(reasons, ["another_person", "written_by_an_organisation"]);
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
