//! Assessments from the request to the plan.

use serde_json::json;

use crate::harness::Service;

#[actix_web::test]
async fn an_assessment_runs_from_the_request_to_the_plan() {
    let service = Service::on("2026-02-16");
    let id = service.assessment("2026-01-05").await;

    let opened = service
        .get(&service.caseworker(), &format!("/v1/assessments/{id}"))
        .await
        .expect(200);
    assert_eq!(opened.body["state"], "considering_request");
    assert_eq!(opened.clock("assess_decision")["due_on"], "2026-02-16");
    assert_eq!(opened.clock("final_plan")["due_on"], "2026-05-25");
    assert_eq!(opened.flags(), ["due_soon"]);

    service.set_today("2026-02-17");
    let late = service
        .get(&service.caseworker(), &format!("/v1/assessments/{id}"))
        .await
        .expect(200);
    assert_eq!(late.clock("assess_decision")["status"], "overdue");
    assert_eq!(late.flags(), ["clock_overdue"]);

    let decided = service.decide_to_assess(&id, "2026-02-17").await;
    assert_eq!(decided.body["assessment"]["state"], "assessing");
    assert_eq!(decided.clock("assess_decision")["status"], "late");

    service.set_today("2026-05-20");
    service
        .record(
            &id,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-04-20" }),
        )
        .await
        .expect(201);
    let refused = service
        .record(
            &id,
            json!({ "type": "final_plan_sent", "occurred_on": "2026-05-20" }),
        )
        .await;
    assert_eq!((refused.status, refused.code()), (409, "plan_not_ready"));
    let sent = service
        .record(
            &id,
            json!({ "type": "final_plan_sent", "occurred_on": "2026-05-20", "missing_advice_reason": "Agreed with the family" }),
        )
        .await
        .expect(201);
    assert_eq!(sent.body["assessment"]["state"], "plan_issued");
    assert_eq!(sent.clock("final_plan")["status"], "met");
    assert!(sent.flags().contains(&"advice_missing".to_owned()));
}
