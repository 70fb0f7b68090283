//! The worklist: who has to do what by when, and whose move it is.

use serde_json::{Value, json};

use crate::harness::{Service, each, ids};

/// Two cases of two officers: one request of 5 January, one that is being assessed since 2 February.
struct Office {
    service: Service,
    trust: String,
    ann: String,
    ben: String,
    assessing: String,
    request: String,
}

async fn office() -> Office {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    let ann = service
        .case_with(json!({ "caseworker": "ann", "family_name": "Ash" }))
        .await;
    service.assessment_on(&ann, "2026-01-05").await;
    let ben = service
        .case_with(json!({ "caseworker": "ben", "family_name": "Birch" }))
        .await;
    let assessing = service.assessment_on(&ben, "2026-02-02").await;
    service.decide_to_assess(&assessing, "2026-02-10").await;
    let request = service
        .ask(
            &assessing,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-10" }),
        )
        .await
        .id();
    Office {
        service,
        trust,
        ann,
        ben,
        assessing,
        request,
    }
}

fn shown(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .map(|clock| {
            format!(
                "{} {} {}",
                clock["due_on"].as_str().unwrap(),
                clock["kind"].as_str().unwrap(),
                clock["status"].as_str().unwrap()
            )
        })
        .collect()
}

#[actix_web::test]
async fn the_worklist_is_in_order_of_due_date() {
    let office = office().await;
    let all = office.service.list("/v1/clocks").await;
    assert!(
        each(&all, "due_on")
            .windows(2)
            .all(|pair| pair[0].as_str() <= pair[1].as_str())
    );
    let mut lines = shown(&all);
    lines.sort();
    assert_eq!(
        lines,
        [
            "2026-02-16 assess_decision overdue",
            "2026-03-16 assess_decision met",
            "2026-03-24 advice running",
            "2026-04-27 no_plan_notice running",
            "2026-04-27 plan_decision running",
            "2026-05-25 final_plan running",
            "2026-05-25 no_plan_notice running",
            "2026-05-25 plan_decision running",
            "2026-06-22 final_plan running",
        ]
    );
    for clock in &all {
        for absent in ["explanation", "exceptions", "case"] {
            assert!(clock.get(absent).is_none(), "{absent} only when asked for");
        }
        assert_eq!(
            (
                clock["provision"]["confidence"].is_string(),
                clock["days_late"].is_i64()
            ),
            (true, true)
        );
    }
}

#[actix_web::test]
async fn filters_add_up() {
    let office = office().await;
    let found = async |query: &str| office.service.list(&format!("/v1/clocks?{query}")).await.len();
    for (query, count) in [
        ("status=overdue", 1),
        ("status=met", 1),
        ("status=running", 7),
        ("status=late", 0),
        ("status=cancelled", 0),
        ("kind=final_plan", 2),
        ("bearer=health", 1),
        ("bearer=local_authority", 8),
        ("procedure=assessment", 9),
        ("caseworker=ann", 4),
        ("due_before=2026-03-16", 2),
        ("due_before=2026-03-15", 1),
        ("caseworker=ben&status=running&due_before=2026-03-24", 1),
        ("as_of=2026-02-09&status=running&kind=assess_decision", 2),
        ("as_of=2026-02-01", 4),
        ("as_of=2026-01-04", 0),
        ("as_of=2026-07-01&status=overdue", 8),
    ] {
        assert_eq!(found(query).await, count, "{query}");
    }
    assert_eq!(found(&format!("case_id={}", office.ben)).await, 5);
    assert_eq!(found(&format!("case_id={}&caseworker=ann", office.ben)).await, 0);
    for (query, faults) in [
        ("status=open", vec!["/status not_one_of"]),
        (
            "kind=x&bearer=y&procedure=z",
            vec!["/bearer not_one_of", "/kind not_one_of", "/procedure not_one_of"],
        ),
        (
            "as_of=2026-02-30&due_before=x&case_id=1",
            vec!["/as_of malformed", "/case_id malformed", "/due_before malformed"],
        ),
        ("limit=0", vec!["/limit out_of_range"]),
        ("limit=201", vec!["/limit out_of_range"]),
        ("limit=ten", vec!["/limit wrong_type"]),
        ("cursor=x", vec!["/cursor malformed"]),
        ("include=weather", vec!["/include/0 not_one_of"]),
        ("status=met&status=late", vec!["/status repeated"]),
        ("family_name=Ash", vec!["/family_name unknown_field"]),
    ] {
        let refused = office.service.read(&format!("/v1/clocks?{query}")).await;
        assert_eq!(
            (refused.status, refused.code(), refused.faults()),
            (
                400,
                "invalid_query",
                faults.iter().map(|fault| (*fault).to_owned()).collect()
            ),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn pages_leave_no_gap_and_repeat_nothing() {
    let office = office().await;
    let all: Vec<String> = ids(&office.service.list("/v1/clocks").await)
        .into_iter()
        .map(str::to_owned)
        .collect();
    for size in 1..=10 {
        for query in ["/v1/clocks", "/v1/clocks?include=case,explanation"] {
            let paged = office
                .service
                .pages(&office.service.caseworker(), query, size)
                .await;
            assert_eq!(ids(&paged), all, "pages of {size} of {query}");
        }
    }
    let page = office
        .service
        .read("/v1/clocks?status=running&limit=2")
        .await
        .expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    assert_eq!(
        page.header("link").unwrap(),
        format!("</v1/clocks?status=running&limit=2&cursor={cursor}>; rel=\"next\"")
    );
}

#[actix_web::test]
async fn one_call_shows_who_it_is_about_and_why() {
    let office = office().await;
    let items = office
        .service
        .list("/v1/clocks?include=case,explanation&status=overdue")
        .await;
    let case = &items[0]["case"];
    assert_eq!(
        (
            case["id"].clone(),
            case["family_name"].clone(),
            case["caseworker"].clone()
        ),
        (json!(office.ann), json!("Ash"), json!("ann"))
    );
    assert_eq!(items[0]["explanation"][0], "Request received on 5 January 2026.");
    assert_eq!(items[0]["exceptions"], json!([]));
    let only_case = office
        .service
        .list("/v1/clocks?include=case&status=overdue")
        .await;
    assert!(only_case[0].get("explanation").is_none() && only_case[0].get("case").is_some());
}

#[actix_web::test]
async fn a_list_knows_only_what_is_known_now() {
    let office = office().await;
    let refused = office
        .service
        .read("/v1/clocks?known_at=2026-02-20T12:00:00Z")
        .await;
    assert_eq!((refused.status, refused.code()), (400, "known_at_not_supported"));
}

#[actix_web::test]
async fn contributors_and_families_see_their_own() {
    let office = office().await;
    let service = &office.service;
    let trust = service
        .pages(&service.contributor(&office.trust), "/v1/clocks?include=case", 1)
        .await;
    assert_eq!(each(&trust, "advice_request_id"), [&json!(office.request)]);
    let family = service.pages(&service.family(&office.ben), "/v1/clocks", 2).await;
    assert_eq!(family.len(), 5);
    assert!(family.iter().all(
        |clock| clock["case_id"] == json!(office.ben) && clock["procedure_id"] == json!(office.assessing)
    ));
    assert!(
        service
            .pages(
                &service.family(&office.ben),
                &format!("/v1/clocks?case_id={}", office.ann),
                2
            )
            .await
            .is_empty()
    );
    assert!(
        service
            .pages(&service.stranger(), "/v1/clocks", 2)
            .await
            .is_empty()
    );
}

#[actix_web::test]
async fn a_redirected_request_is_on_the_list_of_whoever_owes_it() {
    let office = office().await;
    let service = &office.service;
    let school = service.organisation("Hill School", "school").await;
    service.set_today("2026-02-27");
    service
        .acted(
            &office.request,
            "redirection",
            json!({ "organisation_id": school }),
        )
        .await;
    let bearer = async |query: &str| {
        service.list(&format!("/v1/clocks?kind=advice&{query}")).await[0]["bearer"].clone()
    };
    assert_eq!(bearer("").await, "education_setting");
    assert_eq!(bearer("as_of=2026-02-26").await, "health");
    assert_eq!(service.list("/v1/clocks?bearer=health").await.len(), 0);
    assert_eq!(
        service
            .list("/v1/clocks?bearer=health&as_of=2026-02-26")
            .await
            .len(),
        1
    );
    assert!(
        service
            .pages(&service.contributor(&office.trust), "/v1/clocks", 5)
            .await
            .is_empty()
    );
    assert_eq!(
        service
            .pages(&service.contributor(&school), "/v1/clocks", 5)
            .await
            .len(),
        1
    );
}
