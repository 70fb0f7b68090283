//! The rulebook as it was in force on a day.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, anonymous, each};

async fn rules(service: &Service, query: &str) -> Answer {
    service
        .send(anonymous(Method::GET, &format!("/v1/rules{query}")))
        .await
}

#[actix_web::test]
async fn every_rule_says_how_it_counts_and_where_it_stands() {
    let service = Service::on("2026-02-20");
    let today = rules(&service, "").await.expect(200);
    assert_eq!(today.body["on"], "2026-02-20");
    let items = today.body["items"].as_array().unwrap();
    assert_eq!(
        each(items, "kind"),
        [
            "assess_decision",
            "advice",
            "plan_decision",
            "no_plan_notice",
            "draft_representations",
            "setting_reply",
            "final_plan",
            "review_due",
            "review_notice",
            "review_papers",
            "review_report",
            "review_decision",
            "amendment_notice",
            "amendment_representations",
            "setting_reply",
            "amended_plan",
            "phase_transfer_plan",
            "phase_transfer_plan",
            "phase_transfer_plan",
            "amendment_representations",
            "amended_plan",
            "cease_hold",
            "cease_hold",
            "direct_payments_review",
            "setting_reply"
        ]
    );
    for rule in items {
        for field in [
            "title",
            "bearer",
            "force",
            "bound",
            "counting",
            "satisfied_when",
            "valid_from_on",
        ] {
            assert!(
                rule[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} of {}",
                rule["kind"]
            );
        }
        for field in ["instrument", "reference", "confidence"] {
            assert!(rule["provision"][field].is_string());
        }
        assert!(!rule["starts_with"].as_array().unwrap().is_empty());
    }
    let grounds = |kind: &str| {
        let rule = items.iter().find(|rule| rule["kind"] == kind).unwrap();
        rule["exceptions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|permitted| permitted["ground"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        grounds("final_plan"),
        [
            "school_closed",
            "early_years_closed",
            "personal_circumstances",
            "absent",
            "coronavirus"
        ]
    );
    assert_eq!(
        grounds("advice"),
        [
            "personal_circumstances",
            "absent",
            "missed_appointment",
            "coronavirus"
        ]
    );
    assert!(grounds("plan_decision").is_empty());
    let is_final_plan = |rule: &&Value| rule["kind"] == "final_plan";
    let final_plan = items.iter().find(is_final_plan).unwrap();
    assert_eq!(
        (
            final_plan["counting"].clone(),
            final_plan["provision"]["reference"].clone()
        ),
        (json!("within 20 weeks"), json!("reg 13(2)"))
    );
}

#[actix_web::test]
async fn the_limits_of_reviews_say_what_they_are_counted_from_and_what_caps_them() {
    let service = Service::new();
    let body = rules(&service, "?on=2026-01-05").await.expect(200).body;
    let of_kind = |kind: &str| -> Vec<Value> {
        let items = body["items"].as_array().unwrap();
        items
            .iter()
            .filter(|rule| rule["kind"] == kind)
            .cloned()
            .collect()
    };
    let amended = &of_kind("amended_plan")[0];
    assert_eq!(
        (amended["counting"].clone(), amended["provision"].clone()),
        (
            json!("within 8 weeks"),
            json!({ "instrument": "SI 2014/1530", "reference": "reg 22(3)", "confidence": "confirmed" })
        )
    );
    assert_eq!(
        amended["never_later_than"],
        json!({
            "counting": "within 12 weeks",
            "counted_from": "Review meeting held",
            "provision": {
                "instrument": "SI 2014/1530",
                "reference": "reg 20(10) with reg 22, R (L, M and P) v Devon CC [2022] EWHC 493 (Admin)",
                "confidence": "secondary_source"
            }
        })
    );
    assert_eq!(
        of_kind("amendment_notice")[0]["counted_from"],
        "Review meeting held"
    );
    let transfers: Vec<Value> = of_kind("phase_transfer_plan")
        .iter()
        .map(|rule| json!([rule["counting"], rule["provision"]["reference"]]))
        .collect();
    assert_eq!(
        transfers,
        [
            json!(["before 15 February of that year", "reg 18(1)(b)"]),
            json!(["before 31 March of that year", "reg 18(1)(a)"]),
            json!(["at least 5 months before", "reg 18(2)"]),
        ]
    );
    for rule in body["items"].as_array().unwrap() {
        let is_review = rule["kind"].as_str().unwrap().starts_with("review");
        assert!(!is_review || rule["exceptions"] == json!([]), "{rule}");
        assert_ne!(rule["title"], "", "{rule}");
        assert_ne!(rule["provision"]["reference"], "", "{rule}");
    }
}

#[actix_web::test]
async fn before_the_regulations_there_is_no_rule() {
    let service = Service::new();
    assert_eq!(
        rules(&service, "?on=2014-08-31").await.expect(200).body["items"],
        json!([])
    );
    assert_eq!(
        rules(&service, "?on=2014-09-01").await.expect(200).body["items"]
            .as_array()
            .unwrap()
            .len(),
        25
    );
    for (query, fault) in [
        ("?on=today", "/on malformed"),
        ("?as_of=2026-01-01", "/as_of unknown_field"),
    ] {
        let refused = rules(&service, query).await;
        assert_eq!((refused.status, refused.faults()), (400, vec![fault.to_owned()]));
    }
    assert_ne!(rules(&service, "?on=2026-01-05").await.body["items"], Value::Null);
}
