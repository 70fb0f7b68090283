//! Cases: what they say, who finds them, and how they end.

use serde_json::{Value, json};

use crate::harness::{Service, each, ids};

/// Three made-up numbers of each kind that pass their checks.
const UPN: &str = "D885200024001";
const NHS_NUMBER: &str = "9990000018";
const ULN: &str = "1000000043";

fn whole() -> Value {
    json!({
        "given_name": "Zoë Anne", "family_name": "van der Berg-O'Neill", "date_of_birth": "2017-11-02", "sex": "F",
        "ethnicity": "WBRI", "upn": UPN, "nhs_number": NHS_NUMBER, "uln": ULN, "postcode": "WR5 2AB",
        "needs": [{ "type": "SLCN", "rank": 1 }, { "type": "ASD", "rank": 2 }], "looked_after": true,
        "setting": { "urn": "116738", "from_on": "2022-09-05" }, "caseworker": "ann",
        "external_refs": [{ "system": "mosaic", "id": "104:77" }],
    })
}

#[actix_web::test]
async fn a_case_gives_back_what_it_was_told_under_a_reference_of_its_own() {
    let service = Service::on("2026-02-20");
    let opened = service
        .post(&service.caseworker(), "/v1/cases", whole())
        .await
        .expect(201);
    assert_eq!(
        opened.header("location").unwrap(),
        format!("/v1/cases/{}", opened.id())
    );
    assert_eq!(opened.header("etag"), Some("\"v1\""));
    for (field, value) in whole().as_object().unwrap() {
        assert_eq!(&opened.body[field], value, "{field}");
    }
    let reference = opened.body["reference"].as_str().unwrap();
    assert!(
        reference.starts_with("EHC-") && reference.len() == 13,
        "{reference}"
    );
    for (field, value) in [
        ("year_group", json!(3)),
        ("turns_16_rights_on", json!("2034-06-30")),
        ("turns_18_on", json!("2035-11-02")),
        ("turns_25_on", json!("2042-11-02")),
        ("closed_on", Value::Null),
        ("procedures", json!([])),
        ("clocks", json!([])),
        ("flags", json!([])),
        (
            "decision_maker",
            json!({ "kind": "parent", "person_id": null, "since_on": null }),
        ),
    ] {
        assert_eq!(opened.body[field], value, "{field}");
    }
    let read = service
        .read(&format!("/v1/cases/{}", opened.id()))
        .await
        .expect(200);
    assert_eq!(read.body, opened.body);
}

#[actix_web::test]
async fn a_case_shows_what_runs_on_it() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    let case = service.read(&format!("/v1/cases/{case_id}")).await.expect(200);
    assert_eq!(
        case.body["procedures"],
        json!([{ "id": id, "procedure": "assessment", "state": "considering_request", "opened_on": "2026-01-05", "version": 1 }])
    );
    let mut kinds = each(case.body["clocks"].as_array().unwrap(), "kind");
    kinds.sort_by_key(|kind| kind.to_string());
    assert_eq!(
        kinds,
        ["assess_decision", "final_plan", "no_plan_notice", "plan_decision"]
    );
    assert_eq!(case.flags(), ["clock_overdue"]);
    assert_eq!(case.version(), 1, "a case's version counts only its own fields");
    service.decide_to_assess(&id, "2026-02-20").await;
    let case = service.read(&format!("/v1/cases/{case_id}")).await.expect(200);
    assert_eq!(
        case.body["clocks"].as_array().unwrap().len(),
        3,
        "live clocks only"
    );
}

#[actix_web::test]
async fn every_fault_of_a_case_is_told_at_once_and_nothing_is_stored() {
    let service = Service::on("2026-02-20");
    let post = async |body: Value| service.post(&service.caseworker(), "/v1/cases", body).await;
    let refused = post(json!({
        "given_name": "", "date_of_birth": "2017-02-29", "sex": "X", "ethnicity": "white", "upn": "D885200024002",
        "upn_unknown_reason": "UN4", "nhs_number": "9990000000", "uln": "1000000063", "postcode": "nowhere",
        "needs": [{ "type": "ASD", "rank": 1 }, { "type": "ASD", "rank": 1 }, { "type": "XXX", "rank": 14 }],
        "year_group_override": 21, "looked_after": "yes", "setting": { "urn": "1", "ukprn": "2", "from": "2020" },
        "caseworker": "", "external_refs": [{ "system": "a b", "id": "" }, {}], "shoe_size": 31,
    })).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_content"));
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/caseworker too_short",
            "/date_of_birth malformed",
            "/ethnicity malformed",
            "/external_refs/0/id too_short",
            "/external_refs/0/system malformed",
            "/external_refs/1/id missing",
            "/external_refs/1/system missing",
            "/family_name missing",
            "/given_name malformed",
            "/given_name too_short",
            "/looked_after wrong_type",
            "/needs/1/rank repeated",
            "/needs/1/type repeated",
            "/needs/2/rank out_of_range",
            "/needs/2/type not_one_of",
            "/nhs_number malformed",
            "/postcode malformed",
            "/setting one_of",
            "/setting/from unknown_field",
            "/setting/from_on missing",
            "/setting/ukprn malformed",
            "/sex not_one_of",
            "/shoe_size unknown_field",
            "/uln malformed",
            "/upn malformed",
            "/upn_unknown_reason not_one_of",
            "/upn_unknown_reason not_with_upn",
            "/year_group_override out_of_range",
        ]
    );
    for (value, where_it_is) in [(json!([]), ""), (json!("x"), ""), (Value::Null, "")] {
        let refused = post(value).await;
        assert_eq!(refused.faults(), [format!("{where_it_is} wrong_type")]);
    }
    let refused = post(
        json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2026-02-21",
        "setting": { "organisation_id": "019b0000-0000-7000-8000-00000000dead", "from_on": "2026-01-01" } }),
    )
    .await;
    assert_eq!(
        refused.faults(),
        [
            "/date_of_birth in_the_future",
            "/setting/organisation_id unknown_organisation"
        ]
    );
    for message in refused.body["errors"].as_array().unwrap() {
        assert!(
            !message["message"].as_str().unwrap().contains("2026-02-21"),
            "what was sent is not repeated"
        );
    }
    assert!(service.list("/v1/cases").await.is_empty());
}

#[actix_web::test]
async fn identifiers_are_one_per_authority() {
    let service = Service::on("2026-02-20");
    let first = service
        .case_with(json!({ "upn": UPN, "nhs_number": NHS_NUMBER, "uln": ULN }))
        .await;
    for field in ["upn", "nhs_number"] {
        let value = whole()[field].clone();
        let body =
            json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01", field: value });
        let refused = service
            .post(&service.caseworker(), "/v1/cases", body.clone())
            .await;
        assert_eq!(
            (
                refused.status,
                refused.code(),
                refused.body["existing_id"].clone()
            ),
            (409, "duplicate", json!(first)),
            "{field}"
        );
        service
            .post(&service.stranger(), "/v1/cases", body)
            .await
            .expect(201);
        let other = service.case().await;
        let refused = service
            .patch(
                &service.caseworker(),
                &format!("/v1/cases/{other}"),
                1,
                json!({ field: value }),
            )
            .await;
        assert_eq!(
            (refused.status, refused.body["existing_id"].clone()),
            (409, json!(first))
        );
        assert_eq!(service.read(&format!("/v1/cases/{other}")).await.version(), 1);
    }
    service
        .case_with(json!({ "upn_unknown_reason": "UN1", "uln": ULN }))
        .await;
}

#[actix_web::test]
async fn a_patch_replaces_what_it_names_and_null_removes() {
    let service = Service::on("2026-02-20");
    let id = service
        .post(&service.caseworker(), "/v1/cases", whole())
        .await
        .expect(201)
        .id();
    let uri = format!("/v1/cases/{id}");
    let patch = json!({ "caseworker": "ben", "nhs_number": null, "needs": [{ "type": "HI", "rank": 1 }], "setting": null,
        "external_refs": null, "looked_after": null, "upn": null, "upn_unknown_reason": "UN3" });
    let patched = service
        .patch(&service.caseworker(), &uri, 1, patch)
        .await
        .expect(200);
    assert_eq!(patched.header("etag"), Some("\"v2\""));
    for (field, value) in [
        ("caseworker", json!("ben")),
        ("needs", json!([{ "type": "HI", "rank": 1 }])),
        ("looked_after", json!(false)),
        ("uln", json!(ULN)),
        ("given_name", json!("Zoë Anne")),
        ("upn_unknown_reason", json!("UN3")),
    ] {
        assert_eq!(patched.body[field], value, "{field}");
    }
    for gone in ["nhs_number", "setting", "upn", "external_refs"] {
        assert!(
            patched
                .body
                .get(gone)
                .is_none_or(|value| value.is_null() || value == &json!([])),
            "{gone}"
        );
    }
    assert_eq!(service.read(&uri).await.body, patched.body);
    assert!(
        service
            .list("/v1/cases?external_ref=mosaic:104:77")
            .await
            .is_empty()
    );

    let refused = service
        .patch(
            &service.caseworker(),
            &uri,
            2,
            json!({ "given_name": null, "family_name": null, "upn": UPN, "sex": "N", "age": 7 }),
        )
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        (refused.status, faults),
        (
            422,
            [
                "/age unknown_field",
                "/family_name wrong_type",
                "/given_name wrong_type",
                "/sex not_one_of"
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    let refused = service
        .patch(
            &service.caseworker(),
            &uri,
            2,
            json!({ "given_name": " ", "upn": UPN }),
        )
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(faults, ["/given_name malformed"]);

    let stale = service
        .patch(&service.caseworker(), &uri, 1, json!({ "caseworker": "cat" }))
        .await;
    assert_eq!(
        (stale.status, stale.body["current_version"].clone()),
        (412, json!(2))
    );
    let unread = service
        .caseworker()
        .request(actix_web::http::Method::PATCH, &uri)
        .set_json(json!({ "caseworker": "cat" }));
    assert_eq!(service.send(unread).await.code(), "precondition_required");
    assert_eq!(service.body(&uri).await["caseworker"], "ben");
}

#[actix_web::test]
async fn an_overridden_year_group_moves_up_every_september() {
    let service = Service::on("2026-02-20");
    let id = service
        .case_with(json!({ "date_of_birth": "2017-11-02", "year_group_override": 2 }))
        .await;
    let uri = format!("/v1/cases/{id}");
    assert_eq!(service.body(&uri).await["year_group"], 2);
    service.set_today("2026-08-31");
    assert_eq!(service.body(&uri).await["year_group"], 2);
    service.set_today("2026-09-01");
    let case = service.body(&uri).await;
    assert_eq!(
        (case["year_group"].clone(), case["year_group_override"].clone()),
        (json!(3), json!(3))
    );
    // A change of something else does not pin it to the day of that change.
    service
        .patch(&service.caseworker(), &uri, 1, json!({ "caseworker": "ben" }))
        .await
        .expect(200);
    service.set_today("2027-09-01");
    assert_eq!(service.body(&uri).await["year_group"], 4);
    service
        .patch(
            &service.caseworker(),
            &uri,
            2,
            json!({ "year_group_override": null }),
        )
        .await
        .expect(200);
    assert_eq!(service.body(&uri).await["year_group"], 5);
}

#[actix_web::test]
async fn a_change_of_needs_or_age_is_judged_again() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&id, "2026-02-10").await;
    for requirement in ["parent", "education", "medical", "psychological", "social_care"] {
        let asked = service
            .ask(
                &id,
                json!({ "requirement": requirement, "requested_on": "2026-02-10" }),
            )
            .await
            .id();
        service
            .acted(
                &asked,
                "submission",
                json!({ "occurred_on": "2026-02-12", "summary": "x", "authors": ["A"] }),
            )
            .await;
    }
    service
        .record_all(
            &id,
            &[json!({ "type": "plan_decision_notified", "occurred_on": "2026-02-15", "decision": "issue" })],
        )
        .await;
    let uri = format!("/v1/cases/{case_id}");
    assert!(service.list("/v1/cases?flag=advice_missing").await.is_empty());
    let changed = service
        .patch(
            &service.caseworker(),
            &uri,
            1,
            json!({ "needs": [{ "type": "VI", "rank": 1 }] }),
        )
        .await
        .expect(200);
    assert_eq!(changed.flag_codes(), ["advice_missing"]);
    assert_eq!(changed.body["flags"][0]["requirement"], "sensory");
    assert_eq!(
        ids(&service.list("/v1/cases?flag=advice_missing").await),
        [case_id.as_str()]
    );
    assert_eq!(
        ids(&service.list("/v1/assessments?flag=advice_missing").await),
        [id.as_str()]
    );
    service
        .patch(&service.caseworker(), &uri, 2, json!({ "needs": null }))
        .await
        .expect(200);
    assert!(service.list("/v1/cases?flag=advice_missing").await.is_empty());
    assert_eq!(
        service.read(&format!("/v1/assessments/{id}")).await.version(),
        13,
        "the stream has not grown"
    );
}

#[actix_web::test]
async fn a_case_is_found_by_every_key() {
    let service = Service::on("2026-02-20");
    let id = service
        .post(&service.caseworker(), "/v1/cases", whole())
        .await
        .expect(201)
        .id();
    let other = service
        .case_with(json!({ "given_name": "Bertram", "family_name": "Ng" }))
        .await;
    let search = async |body: Value| {
        let answer = service
            .post(&service.caseworker(), "/v1/cases/search", body)
            .await
            .expect(200);
        answer.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for key in ["upn", "nhs_number", "uln"] {
        assert_eq!(search(json!({ key: whole()[key] })).await, [id.as_str()], "{key}");
    }
    for name in [
        "Zoë",
        "zoe",
        "ZOE ANNE",
        "zo van",
        "van der Berg-O'Neill",
        "Zoë Anne van der Berg-O’Neill",
        "van der Berg Zoë",
        "  berg",
        "anne",
        "van der Berg-O'Neill, Zoë",
    ] {
        assert_eq!(search(json!({ "name": name })).await, [id.as_str()], "{name}");
    }
    for name in ["oe", "zoe ng", "%", "_", "der van x"] {
        assert!(search(json!({ "name": name })).await.is_empty(), "{name}");
    }
    assert_eq!(
        search(json!({ "name": "b" })).await.len(),
        2,
        "Bertram and van der Berg"
    );
    assert_eq!(search(json!({ "name": "ng" })).await, [other]);
    assert!(search(json!({ "upn": "H243278544154" })).await.is_empty());
    for (body, faults) in [
        (json!({}), vec![" one_of"]),
        (json!({ "name": "a", "uln": ULN }), vec![" one_of"]),
        (json!({ "name": " " }), vec!["/name malformed"]),
        (
            json!({ "upn": "1", "postcode": "WR5" }),
            vec!["/postcode unknown_field", "/upn malformed"],
        ),
    ] {
        let refused = service
            .post(&service.caseworker(), "/v1/cases/search", body.clone())
            .await;
        assert_eq!(
            (refused.status, refused.faults()),
            (422, faults.iter().map(|fault| (*fault).to_owned()).collect()),
            "{body}"
        );
    }
    let found = service
        .post(&service.stranger(), "/v1/cases/search", json!({ "upn": UPN }))
        .await
        .expect(200);
    assert_eq!(found.body["items"], json!([]), "another authority's");
}

#[actix_web::test]
async fn a_name_that_was_changed_is_found_by_the_new_one_alone() {
    let service = Service::on("2026-02-20");
    let id = service.case_with(json!({ "family_name": "Old Name" })).await;
    service
        .patch(
            &service.caseworker(),
            &format!("/v1/cases/{id}"),
            1,
            json!({ "family_name": "Fresh" }),
        )
        .await
        .expect(200);
    for (name, found) in [("old", 0), ("name", 0), ("fresh", 1), ("ada", 1)] {
        let answer = service
            .post(&service.caseworker(), "/v1/cases/search", json!({ "name": name }))
            .await
            .expect(200);
        assert_eq!(answer.body["items"].as_array().unwrap().len(), found, "{name}");
    }
}

#[actix_web::test]
async fn search_pages_like_any_list() {
    let service = Service::on("2026-02-20");
    for _ in 0..5 {
        service.case().await;
    }
    let mut found = Vec::new();
    let mut uri = "/v1/cases/search?limit=2".to_owned();
    loop {
        let page = service
            .post(&service.caseworker(), &uri, json!({ "name": "example" }))
            .await
            .expect(200);
        found.extend(
            page.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        match page.body["next_cursor"].as_str() {
            Some(cursor) => uri = format!("/v1/cases/search?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let before = found.len();
    found.dedup();
    assert_eq!((before, found.len()), (5, 5));
}

#[actix_web::test]
async fn lists_filter_by_keeper_state_flag_reference_and_change() {
    let service = Service::new();
    service.set_now("2026-02-20T09:00:00Z");
    let a = service.case_with(json!({ "caseworker": "ann", "external_refs": [{ "system": "mosaic", "id": "1" }, { "system": "sims", "id": "1" }] })).await;
    service.assessment_on(&a, "2026-01-05").await;
    service.set_now("2026-02-20T10:00:00Z");
    let b = service
        .case_with(json!({ "caseworker": "ben", "external_refs": [{ "system": "mosaic", "id": "2" }] }))
        .await;
    let done = service.assessment_on(&b, "2026-01-05").await;
    service.record_all(&done, &[json!({ "type": "assessment_withdrawn", "occurred_on": "2026-01-20", "withdrawn_by": "parent", "reason": "x" })]).await;
    let listed = async |query: &str| {
        let items = service.list(&format!("/v1/cases{query}")).await;
        ids(&items)
            .iter()
            .map(|id| if *id == a { "a" } else { "b" })
            .collect::<String>()
    };
    assert_eq!(listed("").await, "ab");
    assert_eq!(listed("?caseworker=ann").await, "a");
    assert_eq!(listed("?state=considering_request").await, "a");
    assert_eq!(
        listed("?state=withdrawn").await,
        "",
        "state matches open procedures"
    );
    assert_eq!(listed("?flag=clock_overdue").await, "a");
    assert_eq!(listed("?external_ref=mosaic:1").await, "a");
    assert_eq!(listed("?external_ref=sims:2").await, "");
    assert_eq!(listed("?updated_since=2026-02-20T10:00:00Z").await, "b");
    assert_eq!(listed("?updated_since=2026-02-20T10:00:00.000001Z").await, "");
    service.set_now("2026-02-20T11:00:00Z");
    service
        .patch(
            &service.caseworker(),
            &format!("/v1/cases/{a}"),
            1,
            json!({ "caseworker": "cat" }),
        )
        .await
        .expect(200);
    assert_eq!(listed("?updated_since=2026-02-20T10:00:01Z").await, "a");
    assert_eq!(
        listed("?updated_since=2026-02-20T09:00:00Z").await,
        "ba",
        "in the order of the changes"
    );
    let by_change = "/v1/cases?updated_since=2026-02-20T09:00:00Z";
    assert_eq!(
        ids(&service.pages(&service.caseworker(), by_change, 1).await),
        [b.as_str(), a.as_str()]
    );
    let items = service.list("/v1/cases").await;
    assert_eq!(items[1]["procedures"][0]["state"], "withdrawn");
    assert_eq!(
        ids(&service.pages(&service.caseworker(), "/v1/cases", 1).await),
        [a.as_str(), b.as_str()]
    );
    let refused = service
        .read("/v1/cases?external_ref=mosaic&limit=0&updated_since=now&name=Ada&state=open")
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        (refused.status, refused.code(), faults),
        (
            400,
            "invalid_query",
            [
                "/external_ref malformed",
                "/limit out_of_range",
                "/name unknown_field",
                "/state not_one_of",
                "/updated_since malformed",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

#[actix_web::test]
async fn closing_a_case_ends_everything_on_it_together() {
    let service = Service::on("2026-04-20");
    let case_id = service.case().await;
    let trust = service.organisation("Trust", "health").await;
    // A plan that went out without its medical advice, which is still owed.
    let issued = service.assessment_on(&case_id, "2025-09-01").await;
    service.decide_to_assess(&issued, "2025-10-01").await;
    let owed = service
        .ask(
            &issued,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2025-10-01" }),
        )
        .await
        .id();
    service.record_all(&issued, &[
        json!({ "type": "draft_plan_served", "occurred_on": "2025-11-01" }),
        json!({ "type": "final_plan_sent", "occurred_on": "2025-12-01", "missing_advice_reason": "x" }),
    ]).await;
    service.set_now("2026-04-20T13:00:00Z");
    let open = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&open, "2026-02-10").await;
    let asked = service
        .ask(
            &open,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    let uri = format!("/v1/cases/{case_id}");
    let post = async |body: Value| {
        service
            .post(&service.caseworker(), &format!("{uri}/closure"), body)
            .await
    };

    assert_eq!(
        post(json!({ "reason": "bored", "occurred_on": "tomorrow", "by": "me" }))
            .await
            .faults(),
        [
            "/by unknown_field",
            "/occurred_on malformed",
            "/reason not_one_of"
        ]
    );
    assert_eq!(
        post(json!({ "reason": "died", "occurred_on": "2026-04-21" }))
            .await
            .faults(),
        ["/occurred_on in_the_future"]
    );
    // Before something that is on record: nothing at all is done.
    let refused = post(json!({ "reason": "died", "occurred_on": "2026-02-11" })).await;
    assert_eq!((refused.status, refused.code()), (409, "event_not_permitted"));
    assert_eq!(
        service.body(&format!("/v1/assessments/{issued}")).await["version"],
        5
    );

    let closed = post(json!({ "reason": "died", "occurred_on": "2026-04-18" }))
        .await
        .expect(201);
    assert_eq!(
        (
            closed.body["closed_on"].clone(),
            closed.body["closure_reason"].clone(),
            closed.body["version"].clone()
        ),
        (json!("2026-04-18"), json!("died"), json!(2))
    );
    assert_eq!(
        (closed.body["clocks"].clone(), closed.body["flags"].clone()),
        (json!([]), json!([]))
    );
    assert_eq!(
        each(closed.body["procedures"].as_array().unwrap(), "state"),
        ["plan_issued", "closed", "closed", "closed"],
        "its second assessment, its plan and the review of that"
    );
    for status in ["running", "overdue"] {
        assert!(
            service
                .list(&format!("/v1/clocks?status={status}"))
                .await
                .is_empty(),
            "{status}"
        );
    }
    for flag in ["advice_missing", "advice_late", "clock_overdue", "due_soon"] {
        assert!(
            service.list(&format!("/v1/cases?flag={flag}")).await.is_empty(),
            "{flag}"
        );
    }
    let events = service.list(&format!("/v1/assessments/{open}/events")).await;
    assert_eq!(
        (
            events.last().unwrap()["type"].clone(),
            events.last().unwrap()["reason"].clone()
        ),
        (json!("case_closed"), json!("died"))
    );

    // It takes nothing new, and still what comes late and what was wrong.
    for (uri, body) in [
        (
            format!("{uri}/closure"),
            json!({ "reason": "other", "occurred_on": "2026-04-18" }),
        ),
        (
            format!("{uri}/people"),
            json!({ "name": "A", "relationship": "mother", "parental_responsibility": true, "receives_notices": true }),
        ),
        (
            "/v1/assessments".to_owned(),
            json!({ "case_id": case_id, "event": { "type": "request_received", "occurred_on": "2026-04-19", "requested_by": "parent" } }),
        ),
        (
            format!("/v1/assessments/{issued}/advice-requests"),
            json!({ "requirement": "education", "requested_on": "2026-04-19" }),
        ),
        (
            format!("/v1/assessments/{issued}/existing-advice"),
            json!({ "requirement": "education", "author": "A", "dated_on": "2025-01-01",
            "agreements": { "adviser_on": "2026-04-01", "authority_on": "2026-04-01", "family_on": "2026-04-01" } }),
        ),
    ] {
        let refused = service.post(&service.caseworker(), &uri, body).await;
        assert_eq!((refused.status, refused.code()), (409, "case_closed"), "{uri}");
    }
    assert_eq!(
        service
            .act_on(&service.caseworker(), &owed, "acknowledgement", json!({}))
            .await
            .code(),
        "case_closed"
    );
    for request in [&owed, &asked] {
        let late = service
            .acted(request, "submission", json!({ "summary": "x", "authors": ["A"] }))
            .await;
        assert_eq!(late.body["clock"]["status"], "cancelled");
    }
    let decided = service.event_ids(&open).await[1].clone();
    service.correct(&open, &[(&decided, json!({ "type": "assess_decision_notified", "occurred_on": "2026-02-09", "decision": "assess" }))]).await.expect(201);
}

#[actix_web::test]
async fn nothing_goes_on_when_its_case_is_closed() {
    let service = Service::on("2026-04-20");
    let case_id = service.case().await;
    let id = service.assessment_on(&case_id, "2026-01-05").await;
    service.record_all(&id, &[json!({ "type": "assessment_withdrawn", "occurred_on": "2026-01-20", "withdrawn_by": "parent", "reason": "x" })]).await;
    service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/closure"),
            json!({ "reason": "other", "occurred_on": "2026-03-01" }),
        )
        .await
        .expect(201);
    let resumed = json!({ "type": "assessment_resumed", "occurred_on": "2026-04-01", "basis": "authority_reconsidered", "outcome": "assess" });
    let refused = service.record(&id, resumed).await;
    assert_eq!((refused.status, refused.code()), (409, "case_closed"));
    let withdrawal = service.event_ids(&id).await[1].clone();
    let refused = service.correct(&id, &[(&withdrawal, Value::Null)]).await;
    assert_eq!((refused.status, refused.code()), (409, "case_closed"));
}
