//! How long a case is kept: the authority's rules, the longest of them, and legal holds.

use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::harness::Service;

impl Service {
    /// Closes a case on a day.
    pub async fn close(&self, case_id: &str, occurred_on: &str) {
        let uri = format!("/v1/cases/{case_id}/closure");
        let body = json!({ "reason": "aged_out", "occurred_on": occurred_on });
        self.post(&self.caseworker(), &uri, body).await.expect(201);
    }

    pub async fn retention(&self, case_id: &str) -> Value {
        self.body(&format!("/v1/cases/{case_id}/retention")).await
    }

    /// Sets the rules by which cases are kept.
    pub async fn keep_by(&self, rules: Value) {
        let settings = json!({ "retention_rules": rules });
        self.put(&self.admin(), "/v1/settings", settings)
            .await
            .expect(200);
    }

    /// Places a legal hold and gives its id.
    pub async fn hold(&self, case_id: &str, reason: &str) -> String {
        let uri = format!("/v1/cases/{case_id}/legal-holds");
        self.post(&self.actor(Role::Manager), &uri, json!({ "reason": reason }))
            .await
            .expect(201)
            .id()
    }
}

fn rule(applies_to: &str, counted_from: &str, years: i32) -> Value {
    json!({ "applies_to": applies_to, "counted_from": counted_from, "years": years })
}

fn kept_until(retention: &Value) -> (&Value, &str) {
    (
        &retention["dispose_after_on"],
        retention["reason"].as_str().unwrap(),
    )
}

#[actix_web::test]
async fn a_case_is_kept_for_31_years_from_birth_unless_the_authority_says_otherwise() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "2016-02-29" })).await;
    let retention = service.retention(&case_id).await;
    assert_eq!(
        retention,
        json!({
            "case_id": case_id,
            "dispose_after_on": "2047-03-01",
            "reason": "Every case is kept for 31 years from the date of birth. That is to the end of 1 March 2047.",
            "rules": [{ "applies_to": "every_case", "counted_from": "date_of_birth", "years": 31,
                "kept_until_on": "2047-03-01" }],
            "legal_holds": [],
            "hindrances": ["case_open", "not_due"],
            "disposal_lists": [],
        })
    );
    assert_eq!(
        service.body("/v1/settings").await["retention_rules"],
        json!([rule("every_case", "date_of_birth", 31)])
    );
    service.keep_by(json!([])).await;
    let for_ever = service.retention(&case_id).await;
    assert_eq!(
        kept_until(&for_ever),
        (&Value::Null, "No rule applies: it is kept for ever.")
    );
    assert_eq!(for_ever["hindrances"], json!(["case_open", "no_rule"]));
    service
        .put(&service.admin(), "/v1/settings", json!({}))
        .await
        .expect(200);
    assert_eq!(
        service.retention(&case_id).await,
        retention,
        "left out, it goes back"
    );
}

#[actix_web::test]
async fn of_all_rules_that_apply_the_longest_holds() {
    let service = Service::on("2026-02-20");
    let schedule = json!({ "applies_to": "looked_after", "counted_from": "date_of_birth", "years": 75, "reason": "schedule 4.2" });
    let rules = json!([
        rule("every_case", "date_of_birth", 31),
        schedule,
        rule("without_plan", "closure", 6),
        rule("with_plan", "closure", 40),
    ]);
    service.keep_by(rules).await;
    let born = json!({ "date_of_birth": "2004-05-17" });
    let case_id = service.case_with(born.clone()).await;
    assert_eq!(
        kept_until(&service.retention(&case_id).await),
        (
            &Value::Null,
            "A case without a plan is kept for 6 years from its closure. It is not closed."
        )
    );
    service.close(&case_id, "2026-02-02").await;
    let closed = service.retention(&case_id).await;
    assert_eq!(closed["dispose_after_on"], "2035-05-17");
    let days: Vec<&Value> = closed["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["kept_until_on"])
        .collect();
    assert_eq!(days, ["2035-05-17", "2032-02-02"]);
    assert_eq!(closed["hindrances"], json!(["not_due"]));

    // Somebody who was looked after once is so for this, whatever the case says now.
    let uri = format!("/v1/cases/{case_id}");
    for (version, looked_after) in [(2, true), (3, false)] {
        let change = json!({ "looked_after": looked_after });
        service
            .patch(&service.caseworker(), &uri, version, change)
            .await
            .expect(200);
    }
    assert_eq!(
        kept_until(&service.retention(&case_id).await),
        (
            &json!("2079-05-17"),
            "The case of somebody who was ever looked after is kept for 75 years from the date of birth (schedule 4.2). \
             That is to the end of 17 May 2079."
        )
    );

    // A plan that was made counts after the case is closed, and a draft of one does not.
    for (event, day) in [("plan_made", "2066-02-02"), ("plan_drafted", "2035-05-17")] {
        let case_id = service.case_with(born.clone()).await;
        let body = json!({ "case_id": case_id, "event": { "type": event, "occurred_on": "2026-01-12" } });
        service
            .post(&service.caseworker(), "/v1/plans", body)
            .await
            .expect(201);
        service.close(&case_id, "2026-02-02").await;
        let retention = service.retention(&case_id).await;
        assert_eq!(retention["dispose_after_on"], day, "{event}");
    }
}

#[actix_web::test]
async fn a_corrected_date_of_birth_and_a_changed_rule_count_at_once() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "1994-02-20" })).await;
    service.close(&case_id, "2026-02-02").await;
    assert_eq!(service.retention(&case_id).await["hindrances"], json!([]));
    let change = json!({ "date_of_birth": "1995-02-20" });
    let uri = format!("/v1/cases/{case_id}");
    service
        .patch(&service.caseworker(), &uri, 2, change)
        .await
        .expect(200);
    let retention = service.retention(&case_id).await;
    assert_eq!(
        (&retention["dispose_after_on"], &retention["hindrances"]),
        (&json!("2026-02-20"), &json!(["not_due"])),
        "it is kept to the end of the day"
    );
    service.set_today("2026-02-21");
    assert_eq!(service.retention(&case_id).await["hindrances"], json!([]));
    service
        .keep_by(json!([rule("every_case", "date_of_birth", 32)]))
        .await;
    assert_eq!(
        service.retention(&case_id).await["hindrances"],
        json!(["not_due"])
    );
}

#[actix_web::test]
async fn a_hold_stands_until_it_is_lifted_and_nothing_of_it_is_forgotten() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "1980-05-17" })).await;
    service.close(&case_id, "2026-02-02").await;
    let manager = service.actor(Role::Manager);
    let first = service.hold(&case_id, "the inquiry of the county").await;
    let second = service.hold(&case_id, "a claim for damages").await;
    assert_eq!(
        service.retention(&case_id).await["hindrances"],
        json!(["legal_hold"])
    );
    let nothing_due = service
        .post(&manager, "/v1/disposal-lists", json!({}))
        .await
        .expect(409);
    assert_eq!(nothing_due.code(), "nothing_due");
    let lifting = |hold_id: &str| format!("/v1/cases/{case_id}/legal-holds/{hold_id}/lifting");
    let lifted = service
        .post(&manager, &lifting(&first), json!({}))
        .await
        .expect(200);
    service.set_today("2026-02-21");
    let again = service
        .post(&manager, &lifting(&first), json!({}))
        .await
        .expect(200);
    assert_eq!(again.body, lifted.body, "saying it twice changes nothing");
    assert_eq!(
        service.retention(&case_id).await["hindrances"],
        json!(["legal_hold"])
    );
    service
        .post(&manager, &lifting(&second), json!({}))
        .await
        .expect(200);
    let retention = service.retention(&case_id).await;
    assert_eq!(retention["hindrances"], json!([]));
    let reasons: Vec<&Value> = retention["legal_holds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hold| &hold["reason"])
        .collect();
    assert_eq!(reasons, ["the inquiry of the county", "a claim for damages"]);
    assert_eq!(retention["legal_holds"][0]["lifted_by"], "manager-885");

    let other = service.case().await;
    let elsewhere = format!("/v1/cases/{other}/legal-holds/{first}/lifting");
    service.post(&manager, &elsewhere, json!({})).await.expect(404);
    let blank = format!("/v1/cases/{case_id}/legal-holds");
    let refused = service.post(&manager, &blank, json!({ "reason": "  " })).await;
    assert_eq!(refused.faults(), ["/reason malformed"]);
}

#[actix_web::test]
async fn every_fault_of_a_rule_is_told_at_once() {
    let service = Service::new();
    let rules = json!([
        { "applies_to": "nobody", "counted_from": "closure", "years": 0, "reason": "" },
        { "applies_to": "every_case", "counted_from": "birth", "years": 151, "colour": "red" },
    ]);
    let settings = json!({ "retention_rules": rules });
    let refused = service.put(&service.admin(), "/v1/settings", settings).await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/retention_rules/0/applies_to not_one_of",
            "/retention_rules/0/reason malformed",
            "/retention_rules/0/reason too_short",
            "/retention_rules/0/years out_of_range",
            "/retention_rules/1/colour unknown_field",
            "/retention_rules/1/counted_from not_one_of",
            "/retention_rules/1/years out_of_range",
        ]
    );
    let many = vec![rule("every_case", "closure", 1); 21];
    let settings = json!({ "retention_rules": many });
    let refused = service.put(&service.admin(), "/v1/settings", settings).await;
    assert_eq!(refused.faults(), ["/retention_rules too_many"]);
}

#[actix_web::test]
async fn a_changed_rule_computes_no_clock_again() {
    let service = Service::on("2026-02-20");
    let cost = async |years: i32| {
        let before = service.app.store.statements();
        service
            .keep_by(json!([rule("every_case", "date_of_birth", years)]))
            .await;
        service.app.store.statements() - before
    };
    service.assessment("2026-01-05").await;
    let with_one = cost(40).await;
    for _ in 0..4 {
        service.assessment("2026-01-05").await;
    }
    assert_eq!(cost(50).await, with_one, "however many clocks there are");
}
