//! An authority's settings: how it reads the law, when it warns, and whom it usually asks.

use serde_json::{Value, json};

use crate::harness::{Service, each, ids};

#[actix_web::test]
async fn settings_start_as_the_defaults_and_are_put_whole() {
    let service = Service::new();
    let read = service.read("/v1/settings").await.expect(200);
    assert_eq!(
        (read.header("etag"), read.body["version"].clone()),
        (Some("\"v0\""), json!(0))
    );
    assert_eq!(
        read.body["readings"],
        json!({ "day_of_receipt": "excluded", "non_working_due_day": "stands", "notice": "clear_days",
            "months_starting_with": "day_before", "before_a_date": "day_before", "coronavirus_test": "due_date" })
    );
    assert_eq!(
        (
            read.body["due_soon_days"].clone(),
            read.body["default_contributors"].clone()
        ),
        (json!(10), json!([]))
    );
    let put = service
        .put(
            &service.admin(),
            "/v1/settings",
            json!({ "due_soon_days": 3, "readings": { "notice": "simple" } }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            put.header("etag"),
            put.body["due_soon_days"].clone(),
            put.body["readings"]["notice"].clone()
        ),
        (Some("\"v1\""), json!(3), json!("simple"))
    );
    let put = service
        .put(&service.admin(), "/v1/settings", json!({}))
        .await
        .expect(200);
    assert_eq!(
        (put.body["version"].clone(), put.body["due_soon_days"].clone()),
        (json!(2), json!(10)),
        "what is left out goes back"
    );
    assert_eq!(service.body("/v1/settings").await, put.body);
    assert_eq!(
        service.get(&service.stranger(), "/v1/settings").await.body["version"],
        0
    );
    let stale = service
        .admin()
        .request(actix_web::http::Method::PUT, "/v1/settings")
        .insert_header(crate::harness::if_match(1))
        .set_json(json!({}));
    assert_eq!(service.send(stale).await.expect(412).body["current_version"], 2);
}

#[actix_web::test]
async fn every_fault_of_settings_is_told_at_once() {
    let service = Service::new();
    let refused = service.put(&service.admin(), "/v1/settings", json!({
        "readings": { "day_of_receipt": "maybe", "holidays": 1 }, "due_soon_days": -1, "colour": "red",
        "default_contributors": [{ "requirement": "tea", "age_from": 20, "age_to": 5, "postcode_area": "" }, {}],
    })).await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        (refused.status, faults),
        (
            422,
            [
                "/colour unknown_field",
                "/default_contributors/0/age_to out_of_order",
                "/default_contributors/0/postcode_area too_short",
                "/default_contributors/0/requirement not_one_of",
                "/default_contributors/1/requirement missing",
                "/due_soon_days out_of_range",
                "/readings/day_of_receipt not_one_of",
                "/readings/holidays unknown_field",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    let nobody = "019b0000-0000-7000-8000-00000000dead";
    let refused = service.put(&service.admin(), "/v1/settings", json!({ "default_contributors": [
        { "requirement": "medical", "organisation_id": nobody }, { "requirement": "education", "setting_organisation_id": nobody }] })).await;
    assert_eq!(
        refused.faults(),
        [
            "/default_contributors/0/organisation_id unknown_organisation",
            "/default_contributors/1/setting_organisation_id unknown_organisation",
        ]
    );
    assert_eq!(service.body("/v1/settings").await["version"], 0);
}

#[actix_web::test]
async fn a_switched_reading_counts_every_clock_again() {
    let service = Service::on("2026-02-16");
    let id = service.assessment("2026-01-05").await;
    let asked = service
        .ask(
            &id,
            json!({ "requirement": "medical", "requested_on": "2026-01-06" }),
        )
        .await;
    assert!(service.list("/v1/clocks?status=overdue").await.is_empty());
    service.set_now("2026-02-16T15:00:00Z");
    service
        .put(
            &service.admin(),
            "/v1/settings",
            json!({ "readings": { "day_of_receipt": "day_one" } }),
        )
        .await
        .expect(200);
    let overdue = service.list("/v1/clocks?status=overdue").await;
    assert_eq!(each(&overdue, "due_on"), ["2026-02-15"]);
    let read = service.read(&format!("/v1/assessments/{id}")).await.expect(200);
    assert_eq!(read.clock("assess_decision")["id"], overdue[0]["id"]);
    assert_eq!(read.version(), 2, "nothing happened in the assessment");
    assert_eq!(
        service.body(&format!("/v1/advice-requests/{}", asked.id())).await["due_on"],
        "2026-02-16"
    );
    let then = service
        .read(&format!("/v1/assessments/{id}?known_at=2026-02-16T14:59:59Z"))
        .await
        .expect(200);
    assert_eq!(
        (
            then.clock("assess_decision")["due_on"].clone(),
            then.clock("assess_decision")["status"].clone()
        ),
        (json!("2026-02-16"), json!("running"))
    );

    // Another authority reads as before.
    let stranger = service
        .post(
            &service.stranger(),
            "/v1/cases",
            json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01" }),
        )
        .await
        .expect(201)
        .id();
    let opened = service
        .post(
            &service.stranger(),
            "/v1/assessments",
            json!({ "case_id": stranger,
        "event": { "type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent" } }),
        )
        .await
        .expect(201);
    assert_eq!(opened.clock("assess_decision")["due_on"], "2026-02-16");
    service
        .put(
            &service.admin(),
            "/v1/settings",
            json!({ "readings": { "non_working_due_day": "next_working_day" } }),
        )
        .await
        .expect(200);
    let clocks = service.list("/v1/clocks?kind=final_plan").await;
    assert_eq!(
        each(&clocks, "due_on"),
        ["2026-05-26"],
        "25 May 2026 is a bank holiday"
    );
}

#[actix_web::test]
async fn warnings_come_as_early_as_the_authority_wants() {
    let service = Service::on("2026-02-04");
    let id = service.assessment("2026-01-05").await;
    let flagged = async || service.list("/v1/assessments?flag=due_soon").await.len();
    let flags = async || service.read(&format!("/v1/assessments/{id}")).await.flags();
    assert_eq!((flagged().await, flags().await.len()), (0, 0));
    service.set_today("2026-02-05");
    assert_eq!(
        (flagged().await, flags().await.len()),
        (1, 1),
        "ten days before the earlier of the two dates"
    );
    service
        .put(&service.admin(), "/v1/settings", json!({ "due_soon_days": 9 }))
        .await
        .expect(200);
    assert_eq!((flagged().await, flags().await.len()), (0, 0));
    service
        .put(&service.admin(), "/v1/settings", json!({ "due_soon_days": 365 }))
        .await
        .expect(200);
    assert_eq!((flagged().await, flags().await.len()), (1, 4));
    assert_eq!(service.list("/v1/cases?flag=due_soon").await.len(), 1);
}

/// The requests of an assessment as `requirement service organisation`, by the names of organisations.
async fn asked(service: &Service, assessment: &str) -> Vec<String> {
    let organisations = service.list("/v1/organisations").await;
    let name = |id: &Value| {
        organisations
            .iter()
            .find(|organisation| organisation["id"] == *id)
            .map_or("-", |found| found["name"].as_str().unwrap())
    };
    let mut requests: Vec<String> = service
        .list("/v1/advice-requests")
        .await
        .iter()
        .filter(|request| request["procedure_id"] == assessment)
        .map(|request| {
            format!(
                "{} {} {}",
                request["requirement"].as_str().unwrap(),
                request["service"].as_str().unwrap_or("-"),
                name(&request["organisation_id"])
            )
        })
        .collect();
    requests.sort();
    requests
}

#[actix_web::test]
async fn deciding_to_assess_asks_the_default_contributors() {
    let service = Service::on("2026-02-20");
    let north = service.organisation("North Trust", "health").await;
    let south = service.organisation("South Trust", "health").await;
    let psychology = service.organisation("Psychology", "educational_psychology").await;
    let care = service.organisation("Care", "social_care").await;
    let hill = service.organisation("Hill School", "school").await;
    let dale = service.organisation("Dale School", "school").await;
    let adults = service.organisation("Adult Care", "social_care").await;
    service
        .put(
            &service.admin(),
            "/v1/settings",
            json!({ "default_contributors": [
        { "requirement": "medical", "organisation_id": north, "postcode_area": "wr1" },
        { "requirement": "medical", "organisation_id": south },
        { "requirement": "medical", "service": "camhs", "organisation_id": north, "age_from": 5 },
        { "requirement": "psychological", "organisation_id": psychology, "age_to": 7 },
        { "requirement": "social_care", "organisation_id": adults, "age_from": 18 },
        { "requirement": "social_care", "organisation_id": care, "setting_organisation_id": hill },
        { "requirement": "education" },
        { "requirement": "preparation_for_adulthood", "organisation_id": care },
    ] }),
        )
        .await
        .expect(200);
    let decided = async |fields: Value| {
        let case_id = service.case_with(fields).await;
        let id = service.assessment_on(&case_id, "2026-01-05").await;
        let decided = service.decide_to_assess(&id, "2026-02-10").await;
        (id, decided)
    };
    let (id, answer) = decided(json!({ "date_of_birth": "2018-02-11", "postcode": "WR1 1AA", "setting": { "organisation_id": hill, "from_on": "2024-09-01" } })).await;
    assert_eq!(
        asked(&service, &id).await,
        [
            "education - Hill School",
            "medical - North Trust",
            "medical camhs North Trust",
            "psychological - Psychology",
            "social_care - Care",
        ]
    );
    assert_eq!(answer.version(), 7, "the decision and five requests");
    assert_eq!(answer.body["event"]["type"], "assess_decision_notified");
    let requests = service.list("/v1/advice-requests").await;
    assert_eq!(requests[0]["requested_on"], "2026-02-10");

    // Eight on the day, elsewhere, at another school; and in year 9, with no school that is known.
    let (id, _) = decided(json!({ "date_of_birth": "2018-02-10", "postcode": "WR2 1AA", "setting": { "organisation_id": dale, "from_on": "2024-09-01" } })).await;
    assert_eq!(
        asked(&service, &id).await,
        [
            "education - Dale School",
            "medical - South Trust",
            "medical camhs North Trust"
        ]
    );
    let (id, _) = decided(json!({ "date_of_birth": "2012-02-10" })).await;
    assert_eq!(
        asked(&service, &id).await,
        [
            "medical - South Trust",
            "medical camhs North Trust",
            "preparation_for_adulthood - Care"
        ]
    );
}

#[actix_web::test]
async fn nobody_is_asked_twice_nor_for_what_is_agreed() {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    let other = service.organisation("Other Trust", "health").await;
    let psychology = service.organisation("Psychology", "educational_psychology").await;
    service.put(&service.admin(), "/v1/settings", json!({ "default_contributors": [
        { "requirement": "medical", "organisation_id": trust }, { "requirement": "psychological", "organisation_id": psychology }] })).await.expect(200);
    let id = service.assessment("2026-01-05").await;
    let early = service
        .ask(
            &id,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-01-20" }),
        )
        .await
        .id();
    service
        .acted(
            &early,
            "redirection",
            json!({ "occurred_on": "2026-01-22", "organisation_id": other }),
        )
        .await;
    service.post(&service.caseworker(), &format!("/v1/assessments/{id}/existing-advice"), json!({ "requirement": "psychological", "author": "Dr C",
        "dated_on": "2025-09-01", "agreements": { "adviser_on": "2026-01-20", "authority_on": "2026-01-20", "family_on": "2026-01-20" } })).await.expect(201);
    service.decide_to_assess(&id, "2026-02-10").await;
    assert_eq!(
        asked(&service, &id).await,
        ["medical - Other Trust"],
        "it was passed on, and that is where it is"
    );

    // A refusal asks nobody; going on asks whom a decision would have asked.
    let id = service.assessment("2026-01-05").await;
    service.record_all(&id, &[json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-10", "decision": "refuse" })]).await;
    assert!(asked(&service, &id).await.is_empty());
    service.record_all(&id, &[json!({ "type": "assessment_resumed", "occurred_on": "2026-02-12", "basis": "authority_reconsidered", "outcome": "assess" })]).await;
    assert_eq!(
        asked(&service, &id).await,
        ["medical - Trust", "psychological - Psychology"]
    );
}

#[actix_web::test]
async fn a_decision_in_the_future_is_one_fault_however_many_would_be_asked() {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    service.put(&service.admin(), "/v1/settings", json!({ "default_contributors": [
        { "requirement": "medical", "organisation_id": trust }, { "requirement": "psychological", "organisation_id": trust }] })).await.expect(200);
    let id = service.assessment("2026-01-05").await;
    let refused = service
        .record(
            &id,
            json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-21", "decision": "assess" }),
        )
        .await;
    assert_eq!(refused.faults(), ["/occurred_on in_the_future"]);
    assert!(service.list("/v1/advice-requests").await.is_empty());
    assert!(ids(&service.list("/v1/assessments?state=assessing").await).is_empty());
}
