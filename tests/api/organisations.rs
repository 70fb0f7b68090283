//! Organisations: whoever owes or gives something.

use serde_json::json;

use crate::harness::{Service, each};

#[actix_web::test]
async fn an_organisation_is_added_read_changed_and_listed() {
    let service = Service::new();
    let body = json!({ "name": "Riverbank Trust", "kind": "health", "code": "R1A", "contact_email": "send@riverbank.example" });
    let added = service
        .post(&service.admin(), "/v1/organisations", body)
        .await
        .expect(201);
    assert_eq!(
        added.header("location").unwrap(),
        format!("/v1/organisations/{}", added.id())
    );
    assert_eq!(added.body["section_31_body"], true, "health bodies are");
    let uri = format!("/v1/organisations/{}", added.id());
    assert_eq!(service.body(&uri).await, added.body);
    let changed = service
        .patch(
            &service.admin(),
            &uri,
            1,
            json!({ "contact_email": null, "section_31_body": false }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            changed.header("etag"),
            changed.body["section_31_body"].clone(),
            changed.body.get("contact_email").cloned().unwrap_or_default()
        ),
        (Some("\"v2\""), json!(false), json!(null))
    );
    assert_eq!(
        service
            .patch(&service.admin(), &uri, 1, json!({ "name": "x" }))
            .await
            .expect(412)
            .body["current_version"],
        2
    );

    for (name, kind) in [
        ("Hill School", "school"),
        ("Hill College", "college"),
        ("Dale School", "school"),
    ] {
        let id = service.organisation(name, kind).await;
        assert_eq!(
            service.body(&format!("/v1/organisations/{id}")).await["section_31_body"],
            false
        );
    }
    let schools = service
        .pages(&service.caseworker(), "/v1/organisations?kind=school", 1)
        .await;
    assert_eq!(each(&schools, "name"), ["Hill School", "Dale School"]);
    assert_eq!(service.list("/v1/organisations").await.len(), 4);
    assert!(
        service
            .pages(&service.stranger(), "/v1/organisations", 50)
            .await
            .is_empty()
    );
}

#[actix_web::test]
async fn a_code_is_one_organisations_of_its_kind() {
    let service = Service::new();
    let school = |code: &str| json!({ "name": "School", "kind": "school", "code": code });
    service
        .post(&service.admin(), "/v1/organisations", school("116738"))
        .await
        .expect(201);
    let refused = service
        .post(&service.admin(), "/v1/organisations", school("116738"))
        .await;
    assert_eq!((refused.status, refused.code()), (409, "duplicate"));
    let other = service
        .post(&service.admin(), "/v1/organisations", school("116739"))
        .await
        .expect(201)
        .id();
    let refused = service
        .patch(
            &service.admin(),
            &format!("/v1/organisations/{other}"),
            1,
            json!({ "code": "116738" }),
        )
        .await;
    assert_eq!((refused.status, refused.code()), (409, "duplicate"));
    service
        .post(
            &service.admin(),
            "/v1/organisations",
            json!({ "name": "College", "kind": "college", "code": "116738" }),
        )
        .await
        .expect(201);
}

#[actix_web::test]
async fn every_fault_of_an_organisation_is_told_at_once() {
    let service = Service::new();
    let refused = service.post(&service.admin(), "/v1/organisations",
        json!({ "name": "", "kind": "shop", "code": "", "section_31_body": "yes", "contact_email": "nobody", "phone": "1" })).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            [
                "/code too_short",
                "/contact_email malformed",
                "/kind not_one_of",
                "/name too_short",
                "/phone unknown_field",
                "/section_31_body wrong_type",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    assert_eq!(
        service.read("/v1/organisations?kind=shop").await.faults(),
        ["/kind not_one_of"]
    );
}

#[actix_web::test]
async fn requests_already_sent_keep_the_duty_they_were_sent_with() {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    let id = service.assessment("2026-01-05").await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-01" }),
        )
        .await
        .id();
    service
        .patch(
            &service.admin(),
            &format!("/v1/organisations/{trust}"),
            1,
            json!({ "section_31_body": false, "kind": "other" }),
        )
        .await
        .expect(200);
    let clock = service.body(&format!("/v1/advice-requests/{asked}")).await["clock"].clone();
    assert_eq!(
        (clock["force"].clone(), clock["bearer"].clone()),
        (json!("statutory"), json!("health"))
    );
}
