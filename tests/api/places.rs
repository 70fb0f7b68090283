//! Finding a setting: consultations on assessments and on reviews, places offered and places waited for.

use ehcp_timeline::service::rebuild::rebuild_all;
use serde_json::{Value, json};

use crate::harness::{Service, each, ids};

const CONSULTATION: &str = "00000000-0000-4000-8000-000000000001";

fn consulted(day: &str, school: &str) -> Value {
    json!({ "type": "setting_consulted", "occurred_on": day, "consultation_id": CONSULTATION, "organisation_id": school })
}

fn awaited(day: &str, since_on: &str) -> Value {
    json!({ "type": "place_awaited", "occurred_on": day, "consultation_id": CONSULTATION, "since_on": since_on })
}

fn offered(day: &str) -> Value {
    json!({ "type": "place_offered", "occurred_on": day, "consultation_id": CONSULTATION, "place_from_on": "2026-09-01" })
}

#[actix_web::test]
async fn a_review_consults_a_setting_as_an_assessment_does() {
    let service = Service::on("2026-04-28");
    let school = service.organisation("Hill School", "school").await;
    let id = service.review("2025-05-01").await;
    let unknown = service.review_event(&id, consulted("2026-03-02", &id)).await;
    assert_eq!(
        (unknown.status, unknown.faults()),
        (422, vec!["/organisation_id unknown_organisation".to_owned()])
    );
    // V22: received on Monday 2 March 2026, due on Tuesday 17 March.
    let mut asked = consulted("2026-02-27", &school);
    asked["received_on"] = json!("2026-03-02");
    let answer = service.review_event(&id, asked.clone()).await.expect(201);
    let clocks = answer.body["review"]["clocks"].as_array().unwrap();
    let reply = clocks
        .iter()
        .find(|clock| clock["kind"] == "setting_reply")
        .unwrap();
    assert_eq!(
        [
            &reply["due_on"],
            &reply["force"],
            &reply["bearer"],
            &reply["provision"]["reference"],
            &reply["status"]
        ],
        [
            &json!("2026-03-17"),
            &json!("guidance"),
            &json!("education_setting"),
            &json!("para 9.83"),
            &json!("overdue")
        ]
    );
    let repeated = service.review_event(&id, asked).await;
    assert_eq!((repeated.status, repeated.code()), (409, "event_not_permitted"));

    let silent = json!({ "type": "setting_replied", "occurred_on": "2026-03-20", "consultation_id": CONSULTATION, "reply": "cannot_meet" });
    let refused = service.review_event(&id, silent.clone()).await;
    assert_eq!(refused.faults(), ["/ground missing"]);
    let mut grounded = silent;
    grounded["ground"] = json!("Incompatible with the efficient education of others");
    service.review_event(&id, grounded).await.expect(201);
    let read = service.read(&format!("/v1/reviews/{id}")).await;
    assert_eq!(read.clock("setting_reply")["status"], "late");
    assert_eq!(
        read.body["consultations"],
        json!([{
            "consultation_id": CONSULTATION, "organisation_id": school, "consulted_on": "2026-02-27",
            "clock_id": read.clock("setting_reply")["id"], "reply": "cannot_meet", "replied_on": "2026-03-20",
            "ground": "Incompatible with the efficient education of others",
            "offered_on": null, "place_from_on": null, "awaited_since_on": null
        }])
    );
    let other = service.organisation("Other School", "school").await;
    let of_another = json!({ "type": "setting_replied", "occurred_on": "2026-03-20", "consultation_id": CONSULTATION,
        "organisation_id": other, "reply": "can_meet" });
    let refused = service.review_event(&id, of_another).await;
    assert_eq!((refused.status, refused.code()), (409, "event_not_permitted"));

    // The worklist says the same, whether it explains or not.
    for include in ["", "&include=explanation"] {
        let listed = service
            .list(&format!("/v1/clocks?kind=setting_reply{include}"))
            .await;
        assert_eq!(
            each(&listed, "title"),
            [&json!("Reply to the consultation on being named in the plan")]
        );
        assert_eq!(each(&listed, "days_late"), [&json!(3)]);
    }
}

#[actix_web::test]
async fn who_waits_for_a_place_is_found_until_it_is_offered() {
    let service = Service::on("2026-04-28");
    let school = service.organisation("Hill School", "school").await;
    let review = service.review("2025-05-01").await;
    let assessment = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-02").await;
    let draft = json!({ "type": "draft_plan_served", "occurred_on": "2026-03-02" });
    service.record_all(&assessment, &[draft]).await;
    for event in [
        consulted("2026-03-03", &school),
        awaited("2026-04-20", "2026-04-01"),
    ] {
        service.record(&assessment, event.clone()).await.expect(201);
        service.review_event(&review, event).await.expect(201);
    }
    let lists = |code: &str| {
        [
            format!("/v1/assessments?flag={code}"),
            format!("/v1/reviews?flag={code}"),
        ]
    };
    for (list, id) in lists("place_awaited").iter().zip([&assessment, &review]) {
        assert_eq!(ids(&service.list(list).await), [id], "{list}");
    }
    let read = service.body(&format!("/v1/reviews/{review}")).await;
    let flags = read["flags"].as_array().unwrap();
    let flag = flags.iter().find(|flag| flag["code"] == "place_awaited").unwrap();
    assert_eq!(
        (&flag["since_on"], &flag["whose_move"], &flag["message"]),
        (
            &json!("2026-04-01"),
            &json!("education_setting"),
            &json!("A place at a consulted setting is waited for since 1 April 2026.")
        )
    );
    assert_eq!(read["consultations"][0]["awaited_since_on"], "2026-04-01");
    let before = service
        .body(&format!("/v1/reviews/{review}?as_of=2026-04-10"))
        .await;
    let codes = each(before["flags"].as_array().unwrap(), "code");
    assert!(!codes.contains(&&json!("place_awaited")), "nobody had said so");
    assert_eq!(
        rebuild_all(&service.app.store, true, |_| {}).unwrap().differing,
        0
    );

    service
        .record(&assessment, offered("2026-04-27"))
        .await
        .expect(201);
    service
        .review_event(&review, offered("2026-04-27"))
        .await
        .expect(201);
    for list in lists("place_awaited") {
        assert!(service.list(&list).await.is_empty(), "{list}");
    }
    let ahead = service
        .review_event(&review, awaited("2026-04-28", "2026-04-29"))
        .await;
    assert_eq!(ahead.faults(), ["/since_on in_the_future"]);
}

#[actix_web::test]
async fn the_rulebook_says_on_which_procedures_a_limit_runs() {
    let service = Service::on("2026-04-28");
    let rules = service.body("/v1/rules").await;
    let rules = rules["items"].as_array().unwrap();
    let of_replies: Vec<Value> = rules
        .iter()
        .filter(|rule| rule["kind"] == "setting_reply")
        .cloned()
        .collect();
    assert!(each(&of_replies, "procedure").contains(&&json!("assessment")));
    assert!(each(&of_replies, "procedure").contains(&&json!("review")));
    for rule in &of_replies {
        assert_eq!(rule["counting"], "within 15 days");
    }
}
