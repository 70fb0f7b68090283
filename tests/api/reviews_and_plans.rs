//! What a review does to its plan and the plan to its reviews, also when it is told late, or was wrong.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, each};

/// A case with a plan and its first review.
struct Kept {
    case_id: String,
    plan: String,
    review: String,
}

impl Service {
    async fn keeping(&self, fields: Value, made_on: &str) -> Kept {
        let (case_id, review) = self.with_plan(fields, made_on).await;
        let plan = self.only(&case_id, "plan").await;
        Kept {
            case_id,
            plan,
            review,
        }
    }

    /// The states of the reviews of a case, the oldest first.
    async fn review_states(&self, case_id: &str) -> Vec<String> {
        let reviews = self.of_kind(case_id, "review").await;
        let states = each(&reviews, "state").into_iter();
        states.map(|state| state.as_str().unwrap().to_owned()).collect()
    }

    /// The newest review of a case.
    async fn newest_review(&self, case_id: &str) -> String {
        let reviews = self.of_kind(case_id, "review").await;
        reviews.last().unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn decides(&self, review: &str, on: &str, decision: &str) -> Answer {
        let decided = json!({ "type": "review_decision_notified", "occurred_on": on, "decision": decision });
        self.happens("reviews", review, decided).await
    }

    async fn is_whole(&self) {
        let report = rebuild_all(&self.app.store, true, |_| {}).unwrap();
        assert_eq!(report.differing, 0);
    }
}

fn ceased(day: &str) -> Value {
    json!({ "type": "ceased", "occurred_on": day, "reason": "needs_met_without_plan" })
}

fn expected(day: &str) -> Value {
    json!({ "type": "phase_transfer_expected", "occurred_on": day, "phase": "primary_to_secondary",
        "transfer_on": "2027-09-01" })
}

#[actix_web::test]
async fn a_decision_to_cease_keeps_the_plan_until_no_appeal_can_be_made() {
    let service = Service::on("2026-06-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    let decided = json!({ "type": "review_decision_notified", "occurred_on": "2026-02-19",
        "sent_on": "2026-02-20", "decision": "cease" });
    let decided = service
        .happens("reviews", &kept.review, decided)
        .await
        .expect(201);

    let plan = service.read(&format!("/v1/plans/{}", kept.plan)).await;
    assert_eq!(plan.body["state"], "cease_notified");
    assert_eq!(plan.clock("cease_hold")["due_on"], "2026-04-20");
    let events = service.list(&format!("/v1/plans/{}/events", kept.plan)).await;
    assert_eq!(
        (
            &events[1]["type"],
            &events[1]["occurred_on"],
            &events[1]["caused_by"]
        ),
        (
            &json!("cease_notified"),
            &json!("2026-02-20"),
            &decided.body["event"]["id"]
        )
    );
    let refused = service
        .happens("plans", &kept.plan, ceased("2026-02-21"))
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["kept_until_on"]),
        ("event_not_permitted", &json!("2026-04-20"))
    );

    // What was decided in error is taken back with the notice that it was.
    service
        .corrected(
            "reviews",
            &kept.review,
            "review_decision_notified",
            json!({ "type": "review_decision_notified", "occurred_on": "2026-02-20", "decision": "maintain" }),
        )
        .await
        .expect(201);
    assert_eq!(service.state("plans", &kept.plan).await, "in_force");
    service.is_whole().await;
}

#[actix_web::test]
async fn a_certificate_of_mediation_lengthens_the_time_for_an_appeal_and_never_shortens_it() {
    let service = Service::on("2026-12-20");
    for (issued_on, kept_until_on) in [("2026-03-20", "2026-05-13"), ("2026-05-06", "2026-06-08")] {
        let kept = service.keeping(json!({}), "2025-03-10").await;
        let notified = json!({ "type": "cease_notified", "occurred_on": "2026-03-13" });
        let issued = json!({ "type": "certificate_issued", "occurred_on": issued_on });
        for event in [notified, issued] {
            service.happens("plans", &kept.plan, event).await.expect(201);
        }
        let refused = service
            .happens("plans", &kept.plan, ceased(kept_until_on))
            .await
            .expect(409);
        assert_eq!(refused.body["kept_until_on"], json!(kept_until_on), "{issued_on}");
        let next = (crate::harness::day(kept_until_on) + chrono::Days::new(1)).to_string();
        service
            .happens("plans", &kept.plan, ceased(&next))
            .await
            .expect(201);
    }
}

#[actix_web::test]
async fn a_change_of_phase_is_owed_until_the_plan_names_the_next_setting_whichever_review_it_was_told_on() {
    let service = Service::on("2026-12-01");
    let kept = service
        .keeping(json!({ "date_of_birth": "2015-11-20" }), "2026-01-12")
        .await;
    service
        .happens("reviews", &kept.review, expected("2026-09-14"))
        .await
        .expect(201);
    let by = async |uri: &str| service.list(uri).await[0]["phase_transfer_by_on"].clone();
    let cohort = "/v1/reviews/phase-transfers?transfer_year=2027&year_group=6";
    let upcoming = "/v1/reviews/upcoming?due_before=2030-01-01";
    assert_eq!(by(cohort).await, "2027-02-14");
    service
        .decides(&kept.review, "2026-11-16", "amend")
        .await
        .expect(201);
    for uri in [cohort, upcoming] {
        assert_eq!(by(uri).await, "2027-02-14", "{uri}");
    }
    let listed = service.list(cohort).await;
    assert_eq!(listed[0]["review_id"], service.newest_review(&kept.case_id).await);
    let of_another_year = "/v1/reviews/phase-transfers?transfer_year=2028&year_group=7";
    assert_eq!(by(of_another_year).await, Value::Null);

    service
        .decides(&kept.review, "2026-11-17", "maintain")
        .await
        .expect(201);
    let owed = async || {
        let clocks = service.list("/v1/clocks?kind=phase_transfer_plan").await;
        let standing = clocks
            .iter()
            .map(|clock| (clock["status"].clone(), clock["satisfied_on"].clone()));
        standing.collect::<Vec<_>>()
    };
    assert_eq!(owed().await, [(json!("running"), Value::Null)]);

    // The plan itself is amended, without a review.
    let sent = json!({ "type": "amended_plan_sent", "occurred_on": "2026-11-27", "sent_early_acknowledged": true,
        "recipients": [{ "role": "setting", "sent_on": "2026-11-26" }, { "role": "family", "sent_on": "2026-11-30" }] });
    service.happens("plans", &kept.plan, sent).await.expect(201);
    assert_eq!(owed().await, [(json!("met"), json!("2026-11-30"))]);
    assert_eq!(
        service.review_states(&kept.case_id).await,
        ["maintained", "in_period"]
    );
    for uri in [cohort, upcoming] {
        assert_eq!(
            by(uri).await,
            "2027-02-14",
            "met, and not to be recorded again: {uri}"
        );
    }
    service.is_whole().await;

    service
        .corrected("plans", &kept.plan, "amended_plan_sent", Value::Null)
        .await
        .expect(201);
    assert_eq!(owed().await, [(json!("running"), Value::Null)]);

    // The next review amends it.
    let next = service.newest_review(&kept.case_id).await;
    let sent =
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-11-30", "sent_early_acknowledged": true });
    service.happens("reviews", &next, sent).await.expect(201);
    assert_eq!(owed().await, [(json!("met"), json!("2026-11-30"))]);
    service.is_whole().await;
}

#[actix_web::test]
async fn a_plan_that_was_amended_before_a_review_opened_is_none_of_its_business() {
    let service = Service::on("2026-12-01");
    let kept = service.keeping(json!({}), "2026-01-12").await;
    service
        .decides(&kept.review, "2026-11-16", "maintain")
        .await
        .expect(201);
    let sent =
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-06-15", "sent_early_acknowledged": true });
    service.happens("plans", &kept.plan, sent).await.expect(201);
    assert_eq!(
        service.review_states(&kept.case_id).await,
        ["maintained", "in_period"]
    );
    service.is_whole().await;
}

#[actix_web::test]
async fn what_follows_from_the_plan_is_recorded_and_voided_by_nobody_on_the_review() {
    let service = Service::on("2026-12-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    for event_type in ["plan_ceased", "plan_amended"] {
        let ends = json!({ "type": event_type, "occurred_on": "2026-02-02" });
        let refused = service.happens("reviews", &kept.review, ends).await.expect(422);
        assert_eq!(refused.faults(), ["/type not_one_of"], "{event_type}");
        let read = service.read(&format!("/v1/reviews/{}", kept.review)).await;
        assert!(!read.permitted().contains(&event_type.to_owned()));
    }

    let made = service.list(&format!("/v1/plans/{}/events", kept.plan)).await[0]["id"].clone();
    let another = json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" });
    for replacement in [Value::Null, another] {
        let refused = service
            .corrected("reviews", &kept.review, "review_period_started", replacement)
            .await
            .expect(409);
        assert_eq!(
            (
                refused.code(),
                &refused.body["caused_by"],
                &refused.body["procedure_id"],
                refused.faults()
            ),
            (
                "follows_from_another",
                &made,
                &json!(kept.plan),
                vec!["/changes/0/replacement follows_from_another".to_owned()]
            )
        );
    }
    assert_eq!(service.state("reviews", &kept.review).await, "in_period");
}

#[actix_web::test]
async fn a_decision_is_taken_back_with_the_review_that_it_opened() {
    let service = Service::on("2026-06-20");
    let another = json!({ "type": "review_report_sent", "occurred_on": "2026-03-02" });
    let withdrawn = json!({ "type": "review_withdrawn", "occurred_on": "2026-03-02",
        "withdrawn_by": "local_authority", "reason": "Not needed" });
    let decided = |decision: &str| json!({ "type": "review_decision_notified", "occurred_on": "2026-03-02", "decision": decision });
    for (completing, replacement) in [
        (decided("maintain"), Value::Null),
        (decided("amend"), another.clone()),
        (decided("cease"), Value::Null),
        (withdrawn, Value::Null),
    ] {
        let kept = service.keeping(json!({}), "2025-03-10").await;
        let event_type = completing["type"].as_str().unwrap().to_owned();
        service
            .happens("reviews", &kept.review, completing.clone())
            .await
            .expect(201);
        let opened = service.newest_review(&kept.case_id).await;
        assert_ne!(opened, kept.review);
        service
            .corrected("reviews", &kept.review, &event_type, replacement.clone())
            .await
            .expect(201);
        assert_eq!(service.state("reviews", &opened).await, "void", "{completing}");
        assert_eq!(service.state("plans", &kept.plan).await, "in_force");
        let running = service
            .list(&format!(
                "/v1/clocks?kind=review_due&status=overdue&case_id={}",
                kept.case_id
            ))
            .await;
        assert_eq!(each(&running, "due_on"), ["2026-03-09"], "{completing}");
    }
    service.is_whole().await;
}

#[actix_web::test]
async fn a_decision_is_not_taken_back_once_the_next_review_has_gone_on() {
    let service = Service::on("2026-06-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    service
        .decides(&kept.review, "2026-03-02", "maintain")
        .await
        .expect(201);
    let next = service.newest_review(&kept.case_id).await;
    let sent =
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-13", "sent_early_acknowledged": true });
    service.happens("plans", &kept.plan, sent).await.expect(201);
    let arranged =
        json!({ "type": "review_meeting_arranged", "occurred_on": "2026-05-11", "meeting_on": "2027-01-18" });
    service.happens("reviews", &next, arranged).await.expect(201);
    let take_back = async || {
        let types = "review_decision_notified";
        service
            .corrected("reviews", &kept.review, types, Value::Null)
            .await
    };
    let refused = take_back().await.expect(409);
    assert_eq!(
        (refused.code(), &refused.body["existing_id"]),
        ("gone_on", &json!(next))
    );
    service
        .corrected("reviews", &next, "review_meeting_arranged", Value::Null)
        .await
        .expect(201);
    // That the plan was amended meanwhile is nothing that anybody recorded on it.
    take_back().await.expect(201);
    assert_eq!(service.review_states(&kept.case_id).await, ["in_period"]);
    service.is_whole().await;
}

#[actix_web::test]
async fn a_decision_told_late_opens_no_review_of_a_plan_that_has_ceased_since() {
    let service = Service::on("2026-12-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    let notified = json!({ "type": "cease_notified", "occurred_on": "2026-06-10", "reason": "other" });
    for event in [notified, ceased("2026-09-02")] {
        service.happens("plans", &kept.plan, event).await.expect(201);
    }
    service
        .decides(&kept.review, "2026-02-20", "maintain")
        .await
        .expect(201);
    let reviews = service.of_kind(&kept.case_id, "review").await;
    assert_eq!(each(&reviews, "state"), ["maintained", "plan_ceased"]);
    assert!(
        service
            .list("/v1/clocks?kind=review_due&status=running")
            .await
            .is_empty()
    );
    let by_hand = json!({ "case_id": kept.case_id, "event":
        { "type": "review_period_started", "occurred_on": "2026-10-01", "kind": "annual" } });
    let refused = service
        .post(&service.caseworker(), "/v1/reviews", by_hand)
        .await
        .expect(409);
    assert_eq!(
        (refused.code(), &refused.body["state"]),
        ("plan_ended", &json!("ceased"))
    );
    service.is_whole().await;

    // Where it was not ceased after all, the review goes on.
    service
        .corrected("plans", &kept.plan, "ceased", Value::Null)
        .await
        .expect(201);
    assert_eq!(
        service.review_states(&kept.case_id).await,
        ["maintained", "in_period"]
    );
    service.is_whole().await;
}

#[actix_web::test]
async fn what_an_officer_corrected_on_the_plan_is_not_overwritten_from_the_review() {
    let service = Service::on("2026-06-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    for event in [
        json!({ "type": "review_decision_notified", "occurred_on": "2026-03-02", "decision": "amend" }),
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-13", "sent_early_acknowledged": true }),
    ] {
        service.happens("reviews", &kept.review, event).await.expect(201);
    }
    let sent_on = async || {
        let events = service.list(&format!("/v1/plans/{}/events", kept.plan)).await;
        let standing = events
            .iter()
            .find(|event| event["type"] == "amended_plan_sent" && event["superseded_by"].is_null());
        standing.unwrap()["occurred_on"].clone()
    };
    let sent = |day: &str| json!({ "type": "amended_plan_sent", "occurred_on": day, "sent_early_acknowledged": true });
    let from_the_review = async |day: &str| {
        let event_type = "amended_plan_sent";
        let corrected = service.corrected("reviews", &kept.review, event_type, sent(day));
        corrected.await.expect(201)
    };
    from_the_review("2026-04-14").await;
    assert_eq!(sent_on().await, "2026-04-14");
    service
        .corrected("plans", &kept.plan, "amended_plan_sent", sent("2026-04-16"))
        .await
        .expect(201);
    from_the_review("2026-04-20").await;
    assert_eq!(sent_on().await, "2026-04-16");
    service.is_whole().await;
}

#[actix_web::test]
async fn a_meeting_is_not_arranged_for_a_day_before_the_review_opened() {
    let service = Service::on("2026-06-20");
    let kept = service.keeping(json!({}), "2025-03-10").await;
    let arranged =
        json!({ "type": "review_meeting_arranged", "occurred_on": "2026-02-02", "meeting_on": "2019-03-02" });
    let refused = service
        .happens("reviews", &kept.review, arranged)
        .await
        .expect(422);
    assert_eq!(refused.faults(), ["/meeting_on before_opening"]);
}

#[actix_web::test]
async fn the_early_years_are_over_with_the_fifth_birthday() {
    let service = Service::on("2026-10-20");
    let kept = service
        .keeping(json!({ "date_of_birth": "2021-11-02" }), "2026-06-01")
        .await;
    let flags_on = async |day: &str| {
        let uri = format!("/v1/reviews/{}?as_of={day}", kept.review);
        service.read(&uri).await.flag_codes()
    };
    service.set_today("2026-12-20");
    let code = "early_years_review".to_owned();
    for (day, is_up) in [
        ("2026-08-31", false),
        ("2026-09-01", true),
        ("2026-11-01", true),
        ("2026-11-02", false),
        ("2026-12-20", false),
    ] {
        assert_eq!(flags_on(day).await.contains(&code), is_up, "{day}");
    }
    assert!(
        service
            .list("/v1/reviews?flag=early_years_review")
            .await
            .is_empty()
    );
    let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-10-12" });
    service.happens("reviews", &kept.review, held).await.expect(201);
    assert!(flags_on("2026-10-11").await.contains(&code));
    assert!(
        !flags_on("2026-10-12").await.contains(&code),
        "it is being reviewed"
    );
    service.is_whole().await;
}

#[actix_web::test]
async fn from_year_nine_a_review_looks_at_preparing_for_adulthood() {
    let service = Service::on("2026-10-20");
    let parent = json!(["parent", "reg 20(4), reg 21(4)"]);
    let adulthood = json!(["preparation_for_adulthood", "reg 20(6), reg 21(6)"]);
    for (born_on, expected) in [
        ("2013-09-01", vec![parent.clone()]),
        ("2013-08-31", vec![parent.clone(), adulthood.clone()]),
        ("2010-03-01", vec![parent, adulthood]),
    ] {
        let kept = service
            .keeping(json!({ "date_of_birth": born_on }), "2026-06-01")
            .await;
        let advice = service.body(&format!("/v1/reviews/{}/advice", kept.review)).await;
        let items = advice["items"].as_array().unwrap().iter();
        let expected_now = items.filter(|item| item["status"] == "not_requested");
        let told: Vec<Value> = expected_now
            .map(|item| json!([item["requirement"], item["provision"]]))
            .collect();
        assert_eq!(told, expected, "{born_on}");
    }
}

#[actix_web::test]
async fn what_can_be_read_in_two_ways_is_told_with_the_day_of_the_other() {
    let service = Service::on("2026-04-20");
    let events = json!([
        { "type": "review_period_started", "occurred_on": "2025-03-10", "kind": "annual" },
        { "type": "phase_transfer_expected", "occurred_on": "2025-09-10", "phase": "primary_to_secondary", "transfer_on": "2027-09-01" },
        { "type": "review_meeting_arranged", "occurred_on": "2026-02-10", "meeting_on": "2026-03-18" },
        { "type": "review_meeting_held", "occurred_on": "2026-03-18" },
        { "type": "amendment_notice_sent", "occurred_on": "2026-03-25" },
    ]);
    let under = async |readings: Value| {
        let question =
            json!({ "procedure": "review", "as_of": "2026-04-20", "events": events, "readings": readings });
        service
            .post(&service.caseworker(), "/v1/timelines", question)
            .await
            .expect(200)
    };
    let other = json!({ "notice": "simple", "months_starting_with": "corresponding_day", "before_a_date": "on_the_date" });
    let (strict, loose) = (under(json!({})).await, under(other).await);
    for (kind, strictly, loosely) in [
        (
            "review_notice",
            (
                "2026-03-03",
                "Counted in clear days, which leave out the day of the notice and that of the meeting (unconfirmed); \
                 if the day of the notice counts, the last day is 4 March 2026.",
            ),
            (
                "2026-03-04",
                "The authority counts the day of the notice; in clear days (unconfirmed) the last day would be 3 \
                 March 2026.",
            ),
        ),
        (
            "review_due",
            (
                "2026-03-09",
                "The period ends the day before the day that corresponds to its first (unconfirmed); if it ends on \
                 that day, the last day is 10 March 2026.",
            ),
            (
                "2026-03-10",
                "The authority reads the period as ending on the day that corresponds to its first; if it ends the \
                 day before, the last day would be 9 March 2026; alerts use it.",
            ),
        ),
        (
            "phase_transfer_plan",
            (
                "2027-02-14",
                "Before a date is to the end of the day before; guidance says “by”, which would be 15 February 2027.",
            ),
            (
                "2027-02-15",
                "The authority reads “before” as “by”; the day before would be 14 February 2027; alerts use it.",
            ),
        ),
    ] {
        for (answer, (due_on, sentence)) in [(&strict, strictly), (&loose, loosely)] {
            let clock = answer.clock(kind);
            assert_eq!(clock["due_on"], due_on, "{kind}");
            let told = clock["explanation"].as_array().unwrap();
            assert!(told.contains(&json!(sentence)), "{sentence}: {told:#?}");
        }
    }
    let amended = strict.clock("amended_plan");
    let told = amended["explanation"].as_array().unwrap();
    let dropping =
        "SI 2014/1530 reg 22(4) asks the same of the notice that the plan will not be amended (unconfirmed).";
    assert!(told.contains(&json!(dropping)), "{told:#?}");
    let rules = service.body("/v1/rules?on=2026-01-05").await;
    let rules = rules["items"].as_array().unwrap();
    let of_plan = rules.iter().filter(|rule| rule["kind"] == "amended_plan");
    for rule in of_plan {
        assert_eq!(rule["other_act"]["provision"]["reference"], "reg 22(4)");
    }
}
