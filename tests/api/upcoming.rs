//! Looking ahead: reviews that fall due, those who change phase, and many reviews at once.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Service, each, new_key};

impl Service {
    /// A case with a plan made on a day, and the review that it opened.
    pub async fn with_plan(&self, fields: Value, made_on: &str) -> (String, String) {
        let case_id = self.case_with(fields).await;
        let body = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": made_on } });
        self.post(&self.caseworker(), "/v1/plans", body).await.expect(201);
        let case = self.body(&format!("/v1/cases/{case_id}")).await;
        let procedures = case["procedures"].as_array().unwrap();
        let review = procedures
            .iter()
            .find(|procedure| procedure["procedure"] == "review");
        (case_id, review.unwrap()["id"].as_str().unwrap().to_owned())
    }

    pub async fn record_on_review(&self, review: &str, event: Value) {
        let uri = format!("/v1/reviews/{review}");
        let version = self.read(&uri).await.version();
        self.act(&self.caseworker(), &format!("{uri}/events"), version, event)
            .await
            .expect(201);
    }
}

#[actix_web::test]
async fn reviews_that_fall_due_are_listed_with_who_contributes_by_when() {
    let service = Service::on("2026-01-20");
    let school = service.organisation("Made-up School", "school").await;
    let trust = service.organisation("Made-up Trust", "health").await;
    let (overdue_case, overdue) = service
        .with_plan(
            json!({ "setting": { "organisation_id": school, "from_on": "2025-09-01" }, "date_of_birth": "2015-10-01" }),
            "2025-01-06",
        )
        .await;
    let (_, soon) = service
        .with_plan(json!({ "caseworker": "officer-9" }), "2025-04-28")
        .await;
    let (_, later) = service.with_plan(json!({}), "2025-12-01").await;
    let asked = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-01-12" });
    service
        .post(
            &service.caseworker(),
            &format!("/v1/reviews/{soon}/advice-requests"),
            asked,
        )
        .await
        .expect(201);
    let meeting =
        json!({ "type": "review_meeting_arranged", "occurred_on": "2026-01-15", "meeting_on": "2026-03-18" });
    service.record_on_review(&soon, meeting).await;

    let items = service.list("/v1/reviews/upcoming").await;
    assert_eq!(
        each(&items, "review_id"),
        [&json!(overdue), &json!(soon)],
        "to the end of the school year"
    );
    assert_eq!(
        (
            &items[0]["due_on"],
            &items[0]["days_remaining"],
            &items[0]["child"]["case_id"]
        ),
        (&json!("2026-01-05"), &json!(-15), &json!(overdue_case))
    );
    assert_eq!(items[0]["child"]["year_group"], 5);
    assert_eq!(items[0]["child"]["setting"]["organisation_id"], json!(school));
    assert_eq!(
        (&items[1]["state"], &items[1]["papers_by_on"]),
        (&json!("meeting_arranged"), &json!("2026-03-03"))
    );
    let contribution = &items[1]["contributions"][0];
    assert_eq!(
        (
            &contribution["organisation_id"],
            &contribution["needed_by_on"],
            &contribution["state"]
        ),
        (&json!(trust), &json!("2026-03-03"), &json!("requested"))
    );
    let all = service.list("/v1/reviews/upcoming?due_before=2026-12-31").await;
    assert_eq!(each(&all, "review_id")[2], &json!(later));
    let of = async |query: String| {
        let items = service.list(&format!("/v1/reviews/upcoming?{query}")).await;
        each(&items, "review_id").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(of(format!("organisation_id={school}")).await, [json!(overdue)]);
    assert_eq!(of(format!("organisation_id={trust}")).await, [json!(soon)]);
    assert_eq!(of("caseworker=officer-9".to_owned()).await, [json!(soon)]);
    let paged = service
        .pages(
            &service.caseworker(),
            "/v1/reviews/upcoming?due_before=2026-12-31",
            1,
        )
        .await;
    assert_eq!(each(&paged, "review_id"), each(&all, "review_id"));

    let decided =
        json!({ "type": "review_decision_notified", "occurred_on": "2026-01-19", "decision": "maintain" });
    service.record_on_review(&overdue, decided).await;
    assert_eq!(
        of(String::new()).await,
        [json!(soon)],
        "the next falls due in another school year"
    );
}

#[actix_web::test]
async fn a_contributor_sees_what_concerns_its_organisation_and_what_it_was_asked() {
    let service = Service::on("2026-01-20");
    let trust = service.organisation("Made-up Trust", "health").await;
    let other = service.organisation("Another Trust", "health").await;
    let school = service.organisation("Made-up School", "school").await;
    let at_school = json!({ "setting": { "organisation_id": school, "from_on": "2025-09-01" } });
    let (_, asked) = service.with_plan(at_school, "2025-02-03").await;
    service.with_plan(json!({}), "2025-03-03").await;
    for organisation in [&trust, &other] {
        let body = json!({ "requirement": "medical", "organisation_id": organisation, "requested_on": "2026-01-12" });
        service
            .post(
                &service.caseworker(),
                &format!("/v1/reviews/{asked}/advice-requests"),
                body,
            )
            .await
            .expect(201);
    }
    for organisation in [&trust, &school] {
        let actor = service.contributor(organisation);
        let seen = service.get(&actor, "/v1/reviews/upcoming").await.expect(200);
        let items = seen.body["items"].as_array().unwrap();
        assert_eq!(each(items, "review_id"), [&json!(asked)]);
        let contributions = items[0]["contributions"].as_array().unwrap();
        let own = if *organisation == trust {
            vec![json!(trust)]
        } else {
            Vec::new()
        };
        assert_eq!(
            each(contributions, "organisation_id"),
            own.iter().collect::<Vec<_>>()
        );
        let of_another = format!("/v1/reviews/upcoming?organisation_id={other}");
        assert_eq!(
            service.get(&actor, &of_another).await.expect(200).body["items"],
            json!([])
        );
    }
    // Whoever is out of it again is told no more.
    let requests = service.list("/v1/advice-requests").await;
    let of_trust = requests
        .iter()
        .find(|request| request["organisation_id"] == json!(trust));
    let request_id = of_trust.unwrap()["id"].as_str().unwrap();
    let withdrawn = json!({ "occurred_on": "2026-01-19" });
    service.acted(request_id, "withdrawal", withdrawn).await;
    let seen = service
        .get(&service.contributor(&trust), "/v1/reviews/upcoming")
        .await;
    assert_eq!(seen.expect(200).body["items"], json!([]));
    service
        .get(&service.family(&service.case().await), "/v1/reviews/upcoming")
        .await
        .expect(403);
}

#[actix_web::test]
async fn whoever_contributes_sees_its_own_of_those_who_change_phase() {
    let service = Service::on("2026-10-05");
    let trust = service.organisation("Made-up Trust", "health").await;
    let other = service.organisation("Another Trust", "health").await;
    let school = service.organisation("Made-up School", "school").await;
    let born = "2015-11-20";
    let at_school =
        json!({ "date_of_birth": born, "setting": { "organisation_id": school, "from_on": "2025-09-01" } });
    let (at_school, _) = service.with_plan(at_school, "2026-02-02").await;
    let (asked_about, review) = service
        .with_plan(json!({ "date_of_birth": born }), "2026-02-02")
        .await;
    service
        .with_plan(json!({ "date_of_birth": born }), "2026-02-02")
        .await;
    let asked = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-09-14" });
    let uri = format!("/v1/reviews/{review}/advice-requests");
    service.post(&service.caseworker(), &uri, asked).await.expect(201);
    let expected = json!({ "type": "phase_transfer_expected", "occurred_on": "2026-10-05",
        "phase": "primary_to_secondary", "transfer_on": "2027-09-01" });
    service.record_on_review(&review, expected).await;

    let cohort = "/v1/reviews/phase-transfers?transfer_year=2027&year_group=6";
    assert_eq!(service.list(cohort).await.len(), 3);
    for (organisation, case_ids) in [
        (&trust, vec![&asked_about]),
        (&school, vec![&at_school]),
        (&other, vec![]),
    ] {
        let of_it = format!("{cohort}&organisation_id={organisation}");
        let seen = service
            .get(&service.contributor(organisation), cohort)
            .await
            .expect(200);
        let items = seen.body["items"].as_array().unwrap();
        let seen_ids: Vec<&Value> = items.iter().map(|item| &item["child"]["case_id"]).collect();
        assert_eq!(
            seen_ids,
            case_ids
                .into_iter()
                .map(|id| json!(id))
                .collect::<Vec<_>>()
                .iter()
                .collect::<Vec<_>>()
        );
        assert_eq!(
            &service.list(&of_it).await,
            items,
            "the authority sees the same of it"
        );
        let of_another = format!("{cohort}&organisation_id={}", Uuid::nil());
        let seen = service.get(&service.contributor(organisation), &of_another).await;
        assert_eq!(seen.expect(200).body["items"], json!([]));
    }
    let seen = service.get(&service.contributor(&trust), cohort).await;
    let item = &seen.body["items"][0];
    assert_eq!(
        (&item["review_id"], &item["phase_transfer_by_on"]),
        (&json!(review), &json!("2027-02-14"))
    );
}

#[actix_web::test]
async fn the_cohort_of_a_year_is_opened_in_one_call_with_an_outcome_for_each() {
    let service = Service::on("2026-10-05");
    let (leaver, review) = service
        .with_plan(json!({ "date_of_birth": "2015-11-20" }), "2026-02-02")
        .await;
    let (held_back, _) = service
        .with_plan(
            json!({ "date_of_birth": "2014-11-20", "year_group_override": 6 }),
            "2026-02-02",
        )
        .await;
    service
        .with_plan(json!({ "date_of_birth": "2016-09-01" }), "2026-02-02")
        .await;
    let without = service.case_with(json!({ "date_of_birth": "2015-12-20" })).await;
    let cohort = service
        .list("/v1/reviews/phase-transfers?transfer_year=2027&year_group=6")
        .await;
    let in_it: Vec<&Value> = cohort.iter().map(|item| &item["child"]["case_id"]).collect();
    assert_eq!(in_it, [&json!(leaver), &json!(held_back)]);
    assert_eq!(
        (&cohort[0]["review_id"], &cohort[0]["phase_transfer_by_on"]),
        (&json!(review), &Value::Null)
    );
    let paged = service
        .pages(
            &service.caseworker(),
            "/v1/reviews/phase-transfers?transfer_year=2027&year_group=6",
            1,
        )
        .await;
    assert_eq!(paged, cohort);

    let expected = json!({ "type": "phase_transfer_expected", "occurred_on": "2026-10-05",
        "phase": "primary_to_secondary", "transfer_on": "2027-09-01" });
    let early = json!({ "type": "phase_transfer_expected", "occurred_on": "2026-01-05",
        "phase": "primary_to_secondary", "transfer_on": "2027-09-01" });
    let body = json!({ "items": [
        { "case_id": leaver, "event": expected },
        { "case_id": without, "event": expected },
        { "case_id": held_back, "event": early },
        { "case_id": without, "event": { "type": "review_period_started", "occurred_on": "2026-09-01", "kind": "annual" } },
        { "case_id": leaver, "event": { "type": "review_period_started", "occurred_on": "2026-09-01", "kind": "annual" } },
    ] });
    let key = new_key();
    let bulk = async || {
        let request = service
            .caseworker()
            .request(actix_web::http::Method::POST, "/v1/reviews/bulk");
        service
            .send(request.insert_header(key.clone()).set_json(body.clone()))
            .await
            .expect(200)
    };
    let answer = bulk().await;
    let items = answer.body["items"].as_array().unwrap();
    assert_eq!(each(items, "status"), [201, 409, 422, 201, 409]);
    assert_eq!(items[1]["problem"]["code"], "no_open_review");
    assert_eq!(
        each(items, "case_id"),
        [
            &json!(leaver),
            &json!(without),
            &json!(held_back),
            &json!(without),
            &json!(leaver)
        ]
    );
    assert_eq!(
        (&items[0]["review_id"], &items[0]["version"]),
        (&json!(review), &json!(2))
    );
    assert_eq!(items[4]["problem"]["code"], "already_open");
    assert_eq!(items[2]["problem"]["errors"][0]["pointer"], "/event/occurred_on");
    assert_eq!(
        bulk().await.body,
        answer.body,
        "the same key gives the same answer"
    );
    let cohort = service
        .list("/v1/reviews/phase-transfers?transfer_year=2027&year_group=6")
        .await;
    assert_eq!(
        each(&cohort, "phase_transfer_by_on"),
        [&json!("2027-02-14"), &Value::Null]
    );
    let stranger = json!({ "items": [{ "case_id": leaver, "event": expected }] });
    let answer = service
        .post(&service.stranger(), "/v1/reviews/bulk", stranger)
        .await
        .expect(200);
    assert_eq!(faults_of(&answer.body["items"][0]), ["/case_id unknown_case"]);
}

/// The faults of an item, each as its pointer and code.
fn faults_of(item: &Value) -> Vec<String> {
    assert_eq!(item["status"], 422, "{item:#}");
    let faults = item["problem"]["errors"].as_array().unwrap().iter();
    faults
        .map(|fault| {
            let part = |name: &str| fault[name].as_str().unwrap().to_owned();
            format!("{} {}", part("pointer"), part("code"))
        })
        .collect()
}

impl Service {
    async fn in_bulk(&self, items: Value) -> Vec<Value> {
        let body = json!({ "items": items });
        let answer = self.post(&self.caseworker(), "/v1/reviews/bulk", body).await;
        answer.expect(200).body["items"].as_array().unwrap().clone()
    }

    async fn reviews_of(&self, case_id: &str) -> Vec<Value> {
        let case = self.body(&format!("/v1/cases/{case_id}")).await;
        let procedures = case["procedures"].as_array().unwrap().iter();
        let reviews = procedures.filter(|procedure| procedure["procedure"] == "review");
        reviews.cloned().collect()
    }
}

#[actix_web::test]
async fn what_is_recorded_in_bulk_falls_on_the_review_that_permits_it_or_on_none() {
    let service = Service::on("2026-04-28");
    let (case_id, first) = service.with_plan(json!({}), "2025-03-10").await;
    for event in [
        json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" }),
        json!({ "type": "review_decision_notified", "occurred_on": "2026-03-02", "decision": "amend" }),
    ] {
        service.record_on_review(&first, event).await;
    }
    let second = service.reviews_of(&case_id).await[1]["id"].clone();
    let notice = json!({ "type": "amendment_notice_sent", "occurred_on": "2026-03-30" });

    let refused = service
        .in_bulk(json!([{ "case_id": case_id, "event": notice }]))
        .await;
    assert_eq!(
        (&refused[0]["status"], &refused[0]["problem"]["code"]),
        (&json!(409), &json!("several_open_reviews"))
    );
    assert_eq!(refused[0]["problem"]["review_ids"], json!([first, second]));

    let done = service
        .in_bulk(json!([
            { "case_id": case_id, "review_id": first, "event": notice },
            { "case_id": case_id, "event": { "type": "review_meeting_arranged", "occurred_on": "2026-04-20", "meeting_on": "2027-01-18" } },
            { "case_id": case_id, "event": { "type": "amendment_abandoned_notified", "occurred_on": "2026-04-21" } },
        ]))
        .await;
    assert_eq!(each(&done, "status"), [201, 201, 201], "{done:#?}");
    assert_eq!(
        each(&done, "review_id"),
        [&json!(first), &second, &json!(first)],
        "the only one that permits it, whichever that is"
    );
    let reviews = service.reviews_of(&case_id).await;
    assert_eq!(
        each(&reviews, "state"),
        ["amendment_abandoned", "meeting_arranged"]
    );
}

#[actix_web::test]
async fn an_item_says_what_is_missing_at_its_own_place() {
    let service = Service::on("2026-04-28");
    let (case_id, review) = service.with_plan(json!({}), "2025-03-10").await;
    let (_, of_another) = service.with_plan(json!({}), "2025-03-10").await;
    let nobody = "019b0000-0000-7000-8000-00000000dead";
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" });
    let started = json!({ "type": "review_period_started", "occurred_on": "2026-05-02", "kind": "annual" });
    let late = json!({ "type": "review_meeting_held", "occurred_on": "2026-05-02" });
    let abandoned = json!({ "type": "amendment_abandoned_notified", "occurred_on": "2026-02-02" });
    let consulted = json!({ "type": "setting_consulted", "occurred_on": "2026-02-02",
        "consultation_id": nobody, "organisation_id": nobody });
    let items = service
        .in_bulk(json!([
            { "case_id": nobody, "event": held },
            { "case_id": nobody, "event": started },
            { "case_id": case_id, "event": late },
            { "case_id": case_id, "event": started },
            { "case_id": case_id, "review_id": of_another, "event": held },
            { "case_id": case_id, "event": consulted },
            { "case_id": case_id, "event": abandoned },
            { "case_id": case_id, "review_id": review, "event": started },
        ]))
        .await;
    for (item, faults) in [
        (0, vec!["/case_id unknown_case"]),
        (
            1,
            vec!["/case_id unknown_case", "/event/occurred_on in_the_future"],
        ),
        (2, vec!["/event/occurred_on in_the_future"]),
        (3, vec!["/event/occurred_on in_the_future"]),
        (4, vec!["/review_id unknown_review"]),
        (5, vec!["/event/organisation_id unknown_organisation"]),
        (7, vec!["/review_id not_fitting"]),
    ] {
        assert_eq!(faults_of(&items[item]), faults, "item {item}");
    }
    let problem = &items[6]["problem"];
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["pointer"]),
        (&json!("event_not_permitted"), &json!("/event/type"))
    );
    assert_eq!(problem["state"], "in_period");
}

#[actix_web::test]
async fn a_case_that_changes_hands_takes_its_worklists_along() {
    let service = Service::on("2026-01-20");
    let (case_id, late) = service
        .with_plan(json!({ "caseworker": "officer-1" }), "2025-01-06")
        .await;
    let of = async |officer: &str| {
        let mut found = Vec::new();
        for list in [
            "/v1/reviews/upcoming?",
            "/v1/clocks?status=overdue&",
            "/v1/clocks?status=running&",
            "/v1/clocks?",
        ] {
            let items = service.list(&format!("{list}caseworker={officer}")).await;
            found.push(
                each(&items, "kind")
                    .into_iter()
                    .filter(|kind| **kind == json!("review_due"))
                    .count(),
            );
            found.push(
                each(&items, "review_id")
                    .into_iter()
                    .filter(|id| **id == json!(late))
                    .count(),
            );
        }
        found
    };
    let (all, none) = ([0, 1, 1, 0, 0, 0, 1, 0], [0; 8]);
    assert_eq!(
        (of("officer-1").await, of("officer-2").await),
        (all.to_vec(), none.to_vec())
    );
    let uri = format!("/v1/cases/{case_id}");
    let version = service.read(&uri).await.version();
    service
        .patch(
            &service.caseworker(),
            &uri,
            version,
            json!({ "caseworker": "officer-2" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (of("officer-1").await, of("officer-2").await),
        (none.to_vec(), all.to_vec())
    );

    // What opens later is in the new hands from the start.
    let decided =
        json!({ "type": "review_decision_notified", "occurred_on": "2026-01-19", "decision": "maintain" });
    service.record_on_review(&late, decided).await;
    let next = service
        .list("/v1/clocks?status=running&kind=review_due&caseworker=officer-2")
        .await;
    assert_eq!(each(&next, "case_id"), [&json!(case_id)]);
    assert_eq!(
        rebuild_all(&service.app.store, true, |_| {}).unwrap().differing,
        0
    );
}
