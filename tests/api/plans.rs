//! Plans: what opens them, what they open, and how they end. Nothing has to be typed twice.

use serde_json::{Value, json};

use crate::harness::{Answer, Service, each};

/// A case whose assessment is about to end in a plan, and the assessment.
async fn about_to_be_issued(service: &Service) -> (String, String) {
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2025-09-01").await;
    service
        .record_all(
            &assessment,
            &[
                json!({ "type": "assess_decision_notified", "occurred_on": "2025-10-06", "decision": "assess" }),
                json!({ "type": "draft_plan_served", "occurred_on": "2025-12-08" }),
            ],
        )
        .await;
    (case_id, assessment)
}

fn final_plan(day: &str) -> Value {
    json!({ "type": "final_plan_sent", "occurred_on": day, "missing_advice_reason": "None came" })
}

impl Service {
    /// The procedures of a kind on a case, as the case shows them.
    pub async fn of_kind(&self, case_id: &str, kind: &str) -> Vec<Value> {
        let case = self.body(&format!("/v1/cases/{case_id}")).await;
        let procedures = case["procedures"].as_array().unwrap().clone();
        procedures
            .into_iter()
            .filter(|procedure| procedure["procedure"] == kind)
            .collect()
    }

    pub async fn only(&self, case_id: &str, kind: &str) -> String {
        let of_kind = self.of_kind(case_id, kind).await;
        assert_eq!(of_kind.len(), 1, "{of_kind:#?}");
        of_kind[0]["id"].as_str().unwrap().to_owned()
    }

    pub async fn happens(&self, path: &str, id: &str, event: Value) -> Answer {
        let uri = format!("/v1/{path}/{id}");
        let version = self.read(&uri).await.version();
        self.act(&self.caseworker(), &format!("{uri}/events"), version, event)
            .await
    }

    /// Corrects the newest event of a type.
    pub async fn corrected(&self, path: &str, id: &str, event_type: &str, replacement: Value) -> Answer {
        let events = self.list(&format!("/v1/{path}/{id}/events")).await;
        let event = events.iter().rfind(|event| event["type"] == event_type).unwrap();
        let correction = json!({ "type": "correction", "occurred_on": "2026-01-20", "reason": "Typed wrongly",
            "changes": [{ "supersedes": event["id"], "replacement": replacement }] });
        self.happens(path, id, correction).await
    }

    pub async fn state(&self, path: &str, id: &str) -> Value {
        self.body(&format!("/v1/{path}/{id}")).await["state"].clone()
    }
}

#[actix_web::test]
async fn a_final_plan_opens_the_plan_and_its_first_review() {
    let service = Service::on("2026-01-20");
    let (case_id, assessment) = about_to_be_issued(&service).await;
    let sent = service
        .record(&assessment, final_plan("2026-01-12"))
        .await
        .expect(201);
    let plan = service.only(&case_id, "plan").await;
    let review = service.only(&case_id, "review").await;

    let read = service.read(&format!("/v1/plans/{plan}")).await.expect(200);
    assert_eq!(
        (&read.body["state"], &read.body["opened_on"], read.version()),
        (&json!("in_force"), &json!("2026-01-12"), 1)
    );
    let events = service.list(&format!("/v1/plans/{plan}/events")).await;
    assert_eq!(events[0]["caused_by"], sent.body["event"]["id"]);

    let read = service.read(&format!("/v1/reviews/{review}")).await.expect(200);
    assert_eq!(read.clock("review_due")["due_on"], "2027-01-11");
    assert_eq!(
        service.list(&format!("/v1/reviews/{review}/events")).await[0]["caused_by"],
        events[0]["id"]
    );
    assert_eq!(service.count("audit_entries WHERE action LIKE 'follow_on_%'"), 2);
}

#[actix_web::test]
async fn a_final_plan_is_made_of_its_draft() {
    let service = Service::on("2026-01-20");
    let (case_id, assessment) = about_to_be_issued(&service).await;
    let drafted =
        json!({ "case_id": case_id, "event": { "type": "plan_drafted", "occurred_on": "2025-11-20" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", drafted)
        .await
        .expect(201);
    assert_eq!(
        (
            &plan.body["state"],
            plan.permitted().contains(&"plan_made".to_owned())
        ),
        (&json!("draft"), true)
    );
    assert_eq!(service.of_kind(&case_id, "review").await.len(), 0);
    service
        .record(&assessment, final_plan("2026-01-12"))
        .await
        .expect(201);
    assert_eq!(service.only(&case_id, "plan").await, plan.id());
    assert_eq!(service.state("plans", &plan.id()).await, "in_force");
    service.only(&case_id, "review").await;
    let second = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2026-01-12" } });
    let refused = service
        .post(&service.caseworker(), "/v1/plans", second)
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["existing_id"]),
        ("already_open", &json!(plan.id()))
    );
}

#[actix_web::test]
async fn a_completed_review_opens_the_next_while_its_amendments_are_made() {
    let service = Service::on("2026-04-28");
    let case_id = service.case().await;
    let made = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-10" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", made)
        .await
        .expect(201)
        .id();
    let first = service.only(&case_id, "review").await;
    for event in [
        json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" }),
        json!({ "type": "review_decision_notified", "occurred_on": "2026-03-02", "sent_on": "2026-03-03", "decision": "amend" }),
    ] {
        service.happens("reviews", &first, event).await.expect(201);
    }
    let reviews = service.of_kind(&case_id, "review").await;
    assert_eq!(each(&reviews, "state"), ["amending", "in_period"]);
    let second = reviews[1]["id"].as_str().unwrap();
    let read = service.read(&format!("/v1/reviews/{second}")).await;
    assert_eq!(read.clock("review_due")["due_on"], "2027-03-02");

    for event in [
        json!({ "type": "amendment_notice_sent", "occurred_on": "2026-03-16" }),
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-20" }),
    ] {
        service.happens("reviews", &first, event).await.expect(201);
    }
    assert_eq!(service.of_kind(&case_id, "review").await.len(), 2);
    let events = service.list(&format!("/v1/plans/{plan}/events")).await;
    assert_eq!(each(&events, "type"), ["plan_made", "amended_plan_sent"]);
    assert_eq!(events[1]["occurred_on"], "2026-04-20");
}

#[actix_web::test]
async fn what_follows_is_corrected_with_what_it_follows_from() {
    let service = Service::on("2026-01-20");
    let (case_id, assessment) = about_to_be_issued(&service).await;
    service
        .record(&assessment, final_plan("2026-01-12"))
        .await
        .expect(201);
    let (plan, review) = (
        service.only(&case_id, "plan").await,
        service.only(&case_id, "review").await,
    );

    service
        .corrected(
            "assessments",
            &assessment,
            "final_plan_sent",
            final_plan("2026-01-15"),
        )
        .await
        .expect(201);
    let due_on = async || {
        let read = service.read(&format!("/v1/reviews/{review}")).await;
        read.clock("review_due")["due_on"].clone()
    };
    assert_eq!(due_on().await, "2027-01-14");
    assert_eq!(
        service.body(&format!("/v1/plans/{plan}")).await["opened_on"],
        "2026-01-15"
    );

    service
        .corrected("assessments", &assessment, "final_plan_sent", Value::Null)
        .await
        .expect(201);
    assert_eq!(service.state("plans", &plan).await, "void");
    assert_eq!(service.state("reviews", &review).await, "void");
    assert_eq!(service.state("assessments", &assessment).await, "draft_served");

    service
        .record(&assessment, final_plan("2026-01-16"))
        .await
        .expect(201);
    let open: Vec<Value> = [
        service.of_kind(&case_id, "plan").await,
        service.of_kind(&case_id, "review").await,
    ]
    .concat();
    let states = each(&open, "state");
    assert_eq!(
        states.iter().filter(|state| **state != "void").count(),
        2,
        "{states:?}"
    );
}

#[actix_web::test]
async fn what_has_gone_on_is_not_taken_back_unasked() {
    let service = Service::on("2026-04-28");
    let (case_id, assessment) = about_to_be_issued(&service).await;
    service
        .record(&assessment, final_plan("2026-01-12"))
        .await
        .expect(201);
    let (plan, review) = (
        service.only(&case_id, "plan").await,
        service.only(&case_id, "review").await,
    );
    let meeting =
        json!({ "type": "review_meeting_arranged", "occurred_on": "2026-01-14", "meeting_on": "2026-11-02" });
    service.happens("reviews", &review, meeting).await.expect(201);
    let before = service.body(&format!("/v1/assessments/{assessment}")).await;

    let refused = service
        .corrected("assessments", &assessment, "final_plan_sent", Value::Null)
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["existing_id"]),
        ("gone_on", &json!(review))
    );
    let refused = service
        .corrected(
            "assessments",
            &assessment,
            "final_plan_sent",
            final_plan("2026-01-16"),
        )
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["procedure_id"]),
        ("event_not_permitted", &json!(review))
    );
    assert_eq!(
        service.body(&format!("/v1/assessments/{assessment}")).await,
        before
    );
    assert_eq!(service.state("plans", &plan).await, "in_force");
}

#[actix_web::test]
async fn a_plan_is_kept_while_an_appeal_against_ceasing_can_be_made() {
    let service = Service::on("2026-12-20");
    let case_id = service.case().await;
    let made = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-10" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", made)
        .await
        .expect(201)
        .id();
    let review = service.only(&case_id, "review").await;
    let notified =
        json!({ "type": "cease_notified", "occurred_on": "2026-06-10", "reason": "needs_met_without_plan" });
    let notified = service.happens("plans", &plan, notified).await.expect(201);
    let hold = service
        .read(&format!("/v1/plans/{plan}"))
        .await
        .clock("cease_hold");
    assert_eq!(
        (&hold["due_on"], &hold["bound"], &hold["provision"]["confidence"]),
        (
            &json!("2026-09-01"),
            &json!("no_earlier_than"),
            &json!("unconfirmed")
        )
    );
    assert_eq!(notified.body["plan"]["state"], "cease_notified");

    let ceased =
        |day: &str| json!({ "type": "ceased", "occurred_on": day, "reason": "needs_met_without_plan" });
    let refused = service
        .happens("plans", &plan, ceased("2026-09-01"))
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["kept_until_on"]),
        ("event_not_permitted", &json!("2026-09-01"))
    );
    service
        .happens("plans", &plan, ceased("2026-09-02"))
        .await
        .expect(201);
    assert_eq!(service.state("plans", &plan).await, "ceased");
    let over = service.read(&format!("/v1/reviews/{review}")).await;
    assert_eq!(
        (&over.body["state"], &over.clock("review_due")["status"]),
        (&json!("plan_ceased"), &json!("cancelled"))
    );
}

#[actix_web::test]
async fn an_appeal_that_was_determined_is_not_waited_for() {
    let service = Service::on("2026-12-20");
    let case_id = service.case().await;
    let made = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-10" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", made)
        .await
        .expect(201)
        .id();
    let notified = json!({ "type": "cease_notified", "occurred_on": "2026-06-10", "reason": "paid_work" });
    service.happens("plans", &plan, notified).await.expect(201);
    let ceased = json!({ "type": "ceased", "occurred_on": "2026-08-20", "reason": "paid_work",
        "appeal_determined_on": "2026-08-19" });
    service.happens("plans", &plan, ceased).await.expect(201);
    assert_eq!(service.state("plans", &plan).await, "ceased");
}

#[actix_web::test]
async fn every_placement_is_told_with_when() {
    let service = Service::on("2026-12-20");
    let case_id = service.case().await;
    let school = service.organisation("Made-up School", "school").await;
    let made = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-10" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", made)
        .await
        .expect(201)
        .id();
    for event in [
        json!({ "type": "placement_started", "occurred_on": "2025-04-28", "urn": "116936", "sen_unit": true }),
        json!({ "type": "placement_started", "occurred_on": "2026-01-05", "rank": "secondary", "setting_type": "OLA" }),
        json!({ "type": "placement_started", "occurred_on": "2026-09-01", "organisation_id": school }),
        json!({ "type": "placement_ended", "occurred_on": "2026-10-30", "rank": "secondary" }),
    ] {
        service.happens("plans", &plan, event).await.expect(201);
    }
    let told = async |query: &str| {
        let uri = format!("/v1/plans/{plan}/placements{query}");
        service.body(&uri).await["items"].as_array().unwrap().clone()
    };
    let all = told("").await;
    assert_eq!(each(&all, "from_on"), ["2025-04-28", "2026-01-05", "2026-09-01"]);
    assert_eq!(
        each(&all, "until_on"),
        [&json!("2026-09-01"), &json!("2026-10-30"), &Value::Null]
    );
    assert_eq!(all[2]["organisation_id"], json!(school));
    let before = told("?as_of=2026-08-31").await;
    assert_eq!(each(&before, "until_on"), [&Value::Null, &Value::Null]);
    let case = service.body(&format!("/v1/cases/{case_id}")).await;
    assert_eq!(
        case["setting"],
        json!({ "organisation_id": school, "from_on": "2026-09-01" }),
        "the case says where the first place is"
    );
    let unknown = json!({ "type": "placement_started", "occurred_on": "2026-11-01",
        "organisation_id": "019b0000-0000-7000-8000-00000000c002" });
    let refused = service.happens("plans", &plan, unknown).await.expect(422);
    assert_eq!(refused.faults(), ["/organisation_id unknown_organisation"]);
    for nowhere in [
        json!({ "type": "placement_started", "occurred_on": "2026-11-01" }),
        json!({ "type": "placement_started", "occurred_on": "2026-11-01", "urn": "116936", "ukprn": "10001234" }),
    ] {
        let refused = service.happens("plans", &plan, nowhere).await.expect(422);
        assert_eq!(refused.faults(), [" one_of"]);
    }
}

#[actix_web::test]
async fn a_case_says_the_setting_that_its_plan_tells_of() {
    let service = Service::on("2026-12-20");
    let school = service.organisation("Made-up School", "school").await;
    let case_id = service
        .case_with(json!({ "setting": { "urn": "116738", "from_on": "2024-09-01" } }))
        .await;
    let made = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-10" } });
    let plan = service
        .post(&service.caseworker(), "/v1/plans", made)
        .await
        .expect(201)
        .id();
    let uri = format!("/v1/cases/{case_id}");
    let setting = async || service.body(&uri).await["setting"].clone();
    let happens = async |event: Value| {
        let answer = service.happens("plans", &plan, event).await.expect(201);
        answer.body["event"]["id"].clone()
    };
    happens(json!({ "type": "placement_started", "occurred_on": "2025-04-28", "urn": "116936" })).await;
    assert_eq!(
        setting().await,
        json!({ "urn": "116936", "from_on": "2025-04-28" })
    );
    let moved = happens(
        json!({ "type": "placement_started", "occurred_on": "2026-09-01", "organisation_id": school }),
    )
    .await;
    let there = json!({ "organisation_id": school, "from_on": "2026-09-01" });
    assert_eq!(setting().await, there);
    let upcoming = service
        .list(&format!(
            "/v1/reviews/upcoming?organisation_id={school}&due_before=2027-12-31"
        ))
        .await;
    assert_eq!(
        each(&upcoming, "due_on").len(),
        1,
        "the school sees whose review comes"
    );

    // A second place, and ceasing the plan, take nobody out of their setting.
    happens(json!({ "type": "placement_started", "occurred_on": "2026-10-01", "rank": "secondary", "setting_type": "OLA" }))
        .await;
    assert_eq!(setting().await, there);

    // It was a mistake: the one before counts again.
    let undone = json!({ "type": "correction", "occurred_on": "2026-12-18", "reason": "Another child's.",
        "changes": [{ "supersedes": moved, "replacement": null }] });
    happens(undone).await;
    assert_eq!(
        setting().await,
        json!({ "urn": "116936", "from_on": "2025-04-28" })
    );

    // What is put on the case by hand stays if it is later.
    let by_hand = json!({ "urn": "116999", "from_on": "2026-11-02" });
    let version = service.read(&uri).await.version();
    service
        .patch(
            &service.caseworker(),
            &uri,
            version,
            json!({ "setting": by_hand }),
        )
        .await
        .expect(200);
    happens(json!({ "type": "placement_started", "occurred_on": "2026-10-12", "urn": "116937" })).await;
    assert_eq!(setting().await, by_hand);
    happens(json!({ "type": "placement_started", "occurred_on": "2026-11-30", "setting_type": "EHE" })).await;
    assert_eq!(setting().await, Value::Null, "there is no setting with a number");
}
