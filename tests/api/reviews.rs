//! Reviews of plans: the same manners as assessments, on clocks of their own.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each};

fn started(day: &str) -> Value {
    json!({ "type": "review_period_started", "occurred_on": day, "kind": "annual" })
}

impl Service {
    pub async fn review_on(&self, case_id: &str, day: &str) -> String {
        let body = json!({ "case_id": case_id, "event": started(day) });
        let opened = self
            .post(&self.caseworker(), "/v1/reviews", body)
            .await
            .expect(201);
        assert_eq!(
            opened.header("location"),
            Some(format!("/v1/reviews/{}", opened.id()).as_str())
        );
        opened.id()
    }

    pub async fn review(&self, day: &str) -> String {
        let case_id = self.case().await;
        self.review_on(&case_id, day).await
    }

    pub async fn review_event(&self, review_id: &str, event: Value) -> Answer {
        let uri = format!("/v1/reviews/{review_id}");
        let version = self.read(&uri).await.version();
        self.act(&self.caseworker(), &format!("{uri}/events"), version, event)
            .await
    }

    pub async fn review_events(&self, review_id: &str, events: &[Value]) {
        for event in events {
            self.review_event(review_id, event.clone()).await.expect(201);
        }
    }
}

/// A review to the amended plan, its notice late.
fn late_amendment() -> [Value; 5] {
    [
        json!({ "type": "review_meeting_arranged", "occurred_on": "2026-01-12", "meeting_on": "2026-02-02" }),
        json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02", "reported_by": "local_authority" }),
        json!({ "type": "review_decision_notified", "occurred_on": "2026-03-02", "decision": "amend" }),
        json!({ "type": "amendment_notice_sent", "occurred_on": "2026-04-06", "served_on": "2026-04-07" }),
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-28" }),
    ]
}

#[actix_web::test]
async fn a_review_is_opened_recorded_and_read_like_an_assessment() {
    let service = Service::on("2026-04-28");
    let id = service.review("2025-05-01").await;
    let opened = service.read(&format!("/v1/reviews/{id}")).await.expect(200);
    assert_eq!(
        (&opened.body["procedure"], &opened.body["state"], opened.version()),
        (&json!("review"), &json!("in_period"), 1)
    );
    assert_eq!(opened.clock("review_due")["due_on"], "2026-04-30");
    assert_eq!(opened.flags(), ["due_soon"]);
    assert!(opened.permitted().contains(&"review_meeting_arranged".to_owned()));

    service.review_events(&id, &late_amendment()).await;
    let read = service.read(&format!("/v1/reviews/{id}")).await.expect(200);
    assert_eq!((&read.body["state"], read.version()), (&json!("amended"), 6));
    let standing = |kind: &str| {
        let clock = read.clock(kind);
        (
            clock["due_on"].as_str().unwrap().to_owned(),
            clock["status"].as_str().unwrap().to_owned(),
        )
    };
    for (kind, due_on, status) in [
        ("review_due", "2026-04-30", "met"),
        ("review_notice", "2026-01-18", "met"),
        ("review_papers", "2026-01-18", "cancelled"),
        ("review_report", "2026-02-16", "overdue"),
        ("review_decision", "2026-03-02", "met"),
        ("amendment_notice", "2026-03-02", "late"),
        ("amendment_representations", "2026-04-21", "met"),
        ("amended_plan", "2026-04-27", "late"),
    ] {
        assert_eq!(standing(kind), (due_on.to_owned(), status.to_owned()), "{kind}");
    }
    assert_eq!(read.clock("review_report")["bearer"], "local_authority");

    let events = service.list(&format!("/v1/reviews/{id}/events")).await;
    assert_eq!(events.len(), 6);
    assert_eq!(
        (
            &events[4]["type"],
            &events[4]["served_on"],
            &events[4]["sequence"]
        ),
        (&json!("amendment_notice_sent"), &json!("2026-04-07"), &json!(5))
    );
    assert_eq!(events[0]["kind"], "annual");
}

#[actix_web::test]
async fn it_says_what_the_calculator_says() {
    let service = Service::on("2026-04-28");
    let id = service.review("2025-05-01").await;
    service.review_events(&id, &late_amendment()).await;
    let mut events = vec![started("2025-05-01")];
    events.extend(late_amendment());
    events.reverse();
    let told = |answer: &Value| {
        let mut clocks = answer["clocks"].as_array().unwrap().clone();
        for clock in &mut clocks {
            for own in ["id", "case_id", "procedure_id"] {
                clock.as_object_mut().unwrap().remove(own);
            }
        }
        clocks.sort_by_key(|clock| clock["kind"].as_str().unwrap().to_owned());
        clocks
    };
    for as_of in [
        "2025-05-01",
        "2026-01-12",
        "2026-02-20",
        "2026-03-30",
        "2026-04-07",
        "2026-04-28",
        "2026-12-31",
    ] {
        let question = json!({ "procedure": "review", "events": events, "as_of": as_of });
        let computed = service
            .post(&service.caseworker(), "/v1/timelines", question)
            .await
            .expect(200)
            .body;
        let stored = service.body(&format!("/v1/reviews/{id}?as_of={as_of}")).await;
        assert_eq!(told(&computed), told(&stored), "{as_of}");
        for field in ["state", "permitted_events"] {
            assert_eq!(computed[field], stored[field], "{field} on {as_of}");
        }
    }
}

#[actix_web::test]
async fn an_assessment_and_a_review_may_be_open_together_but_not_two_reviews() {
    let service = Service::on("2026-04-28");
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-04-01").await;
    let review = service.review_on(&case_id, "2025-05-01").await;
    let second = json!({ "case_id": case_id, "event": started("2025-06-01") });
    let refused = service.post(&service.caseworker(), "/v1/reviews", second).await;
    assert_eq!((refused.status, refused.code()), (409, "already_open"));
    assert_eq!(refused.body["existing_id"], json!(review));

    let case = service.body(&format!("/v1/cases/{case_id}")).await;
    let mut procedures: Vec<String> = case["procedures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|procedure| format!("{} {}", procedure["procedure"], procedure["state"]))
        .collect();
    procedures.sort();
    assert_eq!(
        procedures,
        [
            "\"assessment\" \"considering_request\"",
            "\"review\" \"in_period\""
        ]
    );
    for state in ["in_period", "considering_request"] {
        assert_eq!(
            service.list(&format!("/v1/cases?state={state}")).await.len(),
            1,
            "{state}"
        );
    }
    assert_eq!(each(&service.list("/v1/reviews").await, "id"), [&json!(review)]);
    assert_eq!(
        each(&service.list("/v1/assessments").await, "id"),
        [&json!(assessment)]
    );
    assert_eq!(
        service
            .list("/v1/reviews?state=in_period&flag=due_soon")
            .await
            .len(),
        1
    );
    assert!(service.list("/v1/reviews?state=meeting_held").await.is_empty());
    assert!(service.list("/v1/reviews?due_before=2026-04-29").await.is_empty());

    // One that was opened in error stands in nobody's way.
    let events = service.list(&format!("/v1/reviews/{review}/events")).await;
    let voided = json!({ "type": "correction", "occurred_on": "2026-04-28", "reason": "Another child",
        "changes": [{ "supersedes": events[0]["id"], "replacement": null }] });
    service.review_event(&review, voided).await.expect(201);
    service.review_on(&case_id, "2026-04-27").await;
    assert_eq!(service.list("/v1/reviews").await.len(), 1);
}

#[actix_web::test]
async fn a_procedure_of_another_kind_is_not_there() {
    let service = Service::on("2026-04-28");
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-04-01").await;
    let review = service.review_on(&case_id, "2025-05-01").await;
    for uri in [
        format!("/v1/assessments/{review}"),
        format!("/v1/assessments/{review}/events"),
        format!("/v1/assessments/{review}/advice"),
        format!("/v1/reviews/{assessment}"),
        format!("/v1/reviews/{assessment}/events"),
    ] {
        assert_eq!(service.read(&uri).await.status, 404, "{uri}");
    }
    let further =
        json!({ "type": "further_request_received", "occurred_on": "2026-04-20", "requested_by": "parent" });
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-04-20" });
    let advice = json!({ "requirement": "education", "requested_on": "2026-04-20" });
    for (uri, event) in [
        (format!("/v1/assessments/{review}/events"), further),
        (format!("/v1/reviews/{assessment}/events"), held),
    ] {
        let refused = service.act(&service.caseworker(), &uri, 1, event).await;
        assert_eq!((refused.status, refused.code()), (404, "not_found"), "{uri}");
    }
    let uri = format!("/v1/assessments/{review}/advice-requests");
    assert_eq!(
        service.post(&service.caseworker(), &uri, advice).await.status,
        404
    );
}

#[actix_web::test]
async fn what_does_not_fit_is_refused_with_what_would() {
    let service = Service::on("2026-04-28");
    let id = service.review("2025-05-01").await;
    let abandoned = json!({ "type": "amendment_abandoned_notified", "occurred_on": "2026-04-20" });
    let refused = service.review_event(&id, abandoned).await;
    assert_eq!((refused.status, refused.code()), (409, "event_not_permitted"));
    assert_eq!(refused.body["state"], "in_period");
    assert!(
        refused
            .permitted()
            .contains(&"review_decision_notified".to_owned())
    );
    for (event, fault) in [
        (
            json!({ "type": "further_request_received", "occurred_on": "2026-04-20" }),
            "/type not_one_of",
        ),
        (
            json!({ "type": "review_meeting_arranged", "occurred_on": "2026-04-20" }),
            "/meeting_on missing",
        ),
        (
            json!({ "type": "review_meeting_held", "occurred_on": "2026-04-29" }),
            "/occurred_on in_the_future",
        ),
        (
            json!({ "type": "review_meeting_held", "occurred_on": "2025-04-30" }),
            "/occurred_on before_opening",
        ),
        (
            json!({ "type": "exception_claimed", "occurred_on": "2026-04-20", "ground": "absent", "from": "2026-04-02", "to": "2026-04-01", "clocks": ["review_due"] }),
            "/to out_of_order",
        ),
    ] {
        let refused = service.review_event(&id, event.clone()).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (422, vec![fault.to_owned()]),
            "{event}"
        );
    }
    let [arranged, held, decided, notice, _] = late_amendment();
    service
        .review_events(&id, &[arranged, held, decided, notice])
        .await;
    let early = json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-21" });
    let refused = service.review_event(&id, early.clone()).await;
    assert_eq!((refused.status, refused.code()), (409, "plan_not_ready"));
    assert_eq!(refused.body["window_ends_on"], "2026-04-21");
    let mut acknowledged = early;
    acknowledged["sent_early_acknowledged"] = json!(true);
    let sent = service.review_event(&id, acknowledged).await.expect(201);
    assert_eq!(sent.body["review"]["state"], "amended");
    let flags = sent.body["review"]["flags"].as_array().unwrap();
    assert!(
        flags.iter().any(|flag| flag["code"] == "draft_window_cut_short"),
        "{flags:?}"
    );
}

#[actix_web::test]
async fn a_correction_moves_what_was_counted_and_known_at_tells_the_difference() {
    let service = Service::on("2026-04-28");
    service.set_now("2026-04-28T09:00:00Z");
    let id = service.review("2025-05-01").await;
    let [arranged, held, decided, notice, _] = late_amendment();
    service
        .review_events(&id, &[arranged, held, decided, notice])
        .await;
    let uri = format!("/v1/reviews/{id}");
    let before = service.read(&uri).await.clock("amended_plan");
    let events = service.list(&format!("{uri}/events")).await;
    service.set_now("2026-04-28T11:00:00Z");
    let correction = json!({
        "type": "correction", "occurred_on": "2026-04-28", "reason": "A week later.",
        "changes": [{
            "supersedes": events[2]["id"],
            "replacement": { "type": "review_meeting_held", "occurred_on": "2026-02-09" }
        }]
    });
    service.review_event(&id, correction).await.expect(201);
    let after = service.read(&uri).await.clock("amended_plan");
    assert_eq!(before["id"], after["id"]);
    assert_eq!(
        (&before["due_on"], &after["due_on"]),
        (&json!("2026-04-27"), &json!("2026-05-04"))
    );
    let then = service
        .read(&format!("{uri}?known_at=2026-04-28T10:00:00Z"))
        .await;
    assert_eq!(then.clock("amended_plan")["due_on"], "2026-04-27");
    let listed = service.list("/v1/clocks?kind=amended_plan").await;
    assert_eq!(each(&listed, "due_on"), [&json!("2026-05-04")]);

    let voided = json!({ "type": "correction", "occurred_on": "2026-04-28", "reason": "Another child's.",
        "changes": [{ "supersedes": events[0]["id"], "replacement": null }] });
    let void = service.review_event(&id, voided).await.expect(201);
    assert_eq!(void.body["review"]["state"], "void");
    assert!(service.list("/v1/clocks").await.is_empty());
    assert!(service.list("/v1/reviews").await.is_empty());
}

#[actix_web::test]
async fn the_worklist_holds_them_with_the_rule_each_runs_under() {
    let service = Service::on("2026-10-01");
    for (phase, transfer_on) in [
        ("primary_to_secondary", "2027-09-01"),
        ("secondary_to_post16", "2027-09-01"),
        ("post16_to_post16", "2027-07-14"),
    ] {
        let id = service.review("2026-03-10").await;
        let expected = json!({ "type": "phase_transfer_expected", "occurred_on": "2026-09-10", "phase": phase, "transfer_on": transfer_on });
        service.review_event(&id, expected).await.expect(201);
    }
    service.assessment("2026-09-01").await;
    let shown = |clocks: &[Value]| -> Vec<Value> {
        clocks
            .iter()
            .map(|clock| json!([clock["due_on"], clock["provision"]["reference"]]))
            .collect()
    };
    let mut bare = shown(
        &service
            .list("/v1/clocks?procedure=review&kind=phase_transfer_plan")
            .await,
    );
    let mut explained = shown(
        &service
            .list("/v1/clocks?procedure=review&kind=phase_transfer_plan&include=explanation")
            .await,
    );
    bare.sort_by_key(Value::to_string);
    explained.sort_by_key(Value::to_string);
    assert_eq!(
        bare,
        [
            json!(["2027-02-14", "reg 18(1)(b)"]),
            json!(["2027-02-14", "reg 18(2)"]),
            json!(["2027-03-30", "reg 18(1)(a)"]),
        ]
    );
    assert_eq!(bare, explained);
    let all = service.list("/v1/clocks?procedure=review").await;
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|clock| clock.get("explanation").is_none()));
    assert_eq!(service.list("/v1/clocks?procedure=assessment").await.len(), 4);
    let report = rebuild_all(&service.app.store, true, |_| {}).unwrap();
    assert_eq!((report.procedures, report.differing), (4, 0));
}

#[actix_web::test]
async fn closing_the_case_ends_what_a_finished_review_still_owes() {
    let service = Service::on("2026-10-01");
    let case_id = service.case().await;
    let id = service.review_on(&case_id, "2026-03-10").await;
    service
        .review_events(
            &id,
            &[
                json!({ "type": "phase_transfer_expected", "occurred_on": "2026-09-10", "phase": "primary_to_secondary", "transfer_on": "2027-09-01" }),
                json!({ "type": "review_decision_notified", "occurred_on": "2026-09-14", "decision": "maintain" }),
            ],
        )
        .await;
    let running = "/v1/clocks?procedure=review&status=running";
    assert_eq!(
        each(&service.list(running).await, "kind"),
        ["phase_transfer_plan", "review_due"],
        "of the one that is over, and of the next"
    );
    let closure = json!({ "reason": "left_england", "occurred_on": "2026-09-30" });
    service
        .act(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/closure"),
            1,
            closure,
        )
        .await
        .expect(201);
    assert!(service.list(running).await.is_empty());
    let review = service.body(&format!("/v1/reviews/{id}")).await;
    assert_eq!(review["state"], "maintained");
}

#[actix_web::test]
async fn a_review_of_a_child_under_five_is_flagged_after_three_months() {
    let service = Service::on("2026-04-11");
    let case_id = service.case_with(json!({ "date_of_birth": "2022-11-02" })).await;
    let early =
        json!({ "type": "review_period_started", "occurred_on": "2026-01-12", "kind": "early_years" });
    let body = json!({ "case_id": case_id, "event": early });
    let id = service
        .post(&service.caseworker(), "/v1/reviews", body)
        .await
        .expect(201)
        .id();
    let listed = "/v1/reviews?flag=early_years_review";
    assert!(service.list(listed).await.is_empty());
    service.set_today("2026-04-12");
    assert_eq!(service.list(listed).await.len(), 1);
    let read = service.read(&format!("/v1/reviews/{id}")).await;
    assert_eq!(
        read.body["flags"][0]["message"],
        "Consider reviewing the plan of a child under five every three to six months (SEND Code of Practice 2015 \
         para 9.178, guidance); since 12 April 2026."
    );
    assert_eq!(
        read.body["clocks"].as_array().unwrap().len(),
        1,
        "guidance, and no clock"
    );
}

#[actix_web::test]
async fn a_family_sees_its_own_review_and_no_other() {
    let service = Service::on("2026-04-28");
    let case_id = service.case().await;
    let own = service.review_on(&case_id, "2025-05-01").await;
    let other = service.review("2025-05-01").await;
    let family = service.family(&case_id);
    assert_eq!(
        service.get(&family, &format!("/v1/reviews/{own}")).await.status,
        200
    );
    assert_eq!(
        service.get(&family, &format!("/v1/reviews/{other}")).await.status,
        404
    );
}
