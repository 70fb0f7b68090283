//! What a review does to its plan and the plan to its reviews, also when it is told late, or was wrong.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::Service;

/// A case with a plan and its first review.
struct Kept {
    plan: String,
    review: String,
}

impl Service {
    async fn keeping(&self, fields: Value, made_on: &str) -> Kept {
        let (case_id, review) = self.with_plan(fields, made_on).await;
        let plan = self.only(&case_id, "plan").await;
        Kept { plan, review }
    }

    async fn is_whole(&self) {
        let report = rebuild_all(&self.app.store, true, |_| {}).unwrap();
        assert_eq!(report.differing, 0);
    }
}

fn ceased(day: &str) -> Value {
    json!({ "type": "ceased", "occurred_on": day, "reason": "needs_met_without_plan" })
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
