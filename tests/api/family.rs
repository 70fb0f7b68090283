//! What the family sees: the story of its case, why a day moved, and the advice that has come to it.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::harness::{Actor, Answer, Service, each};

/// A case with an assessment, a plan that is drafted, and somebody who gives advice.
struct Told {
    service: Service,
    case_id: String,
    assessment: String,
    plan: String,
    trust: String,
    /// The request for medical advice.
    request: String,
}

impl Told {
    /// An assessment with a request for advice, each day recorded as it came.
    async fn assessing() -> Told {
        let service = Service::on("2026-01-06");
        let trust = service.organisation("Community paediatrics", "health").await;
        let case_id = service.case().await;
        let assessment = service.assessment_on(&case_id, "2026-01-05").await;
        service.set_today("2026-02-10");
        service.decide_to_assess(&assessment, "2026-02-10").await;
        let asked = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-10",
            "questions": "What does the child need?", "family_story": "They like trains." });
        let request = service.ask(&assessment, asked).await.id();
        service.set_today("2026-02-16");
        let drafted = json!({ "type": "plan_drafted", "occurred_on": "2026-02-16" });
        let body = json!({ "case_id": case_id, "event": drafted });
        let plan = service.post(&service.caseworker(), "/v1/plans", body).await;
        let plan = plan.expect(201).id();
        Told {
            service,
            case_id,
            assessment,
            plan,
            trust,
            request,
        }
    }

    fn family(&self) -> Actor {
        self.service.family(&self.case_id)
    }

    /// What the trust sends on a day.
    async fn submits(&self, day: &str, summary: &str) {
        self.service.set_today(day);
        let body = json!({ "summary": summary, "content": format!("{summary} In full."),
            "authors": ["Dr Winterbourne"], "unmet_need": "No therapist is free." });
        let contributor = self.service.contributor(&self.trust);
        self.service
            .act_on(&contributor, &self.request, "submission", body)
            .await
            .expect(201);
    }

    /// Writes the first version of the plan, which names the advice.
    async fn writes(&self) {
        let advice = json!([{ "advice_request_id": self.request, "requirement": "medical" }]);
        let body = json!({ "sections": { "a": { "child": "I like trains." }, "k": advice } });
        let versions = format!("/v1/plans/{}/versions", self.plan);
        self.service
            .post(&self.service.caseworker(), &versions, body)
            .await
            .expect(201);
    }

    async fn records(&self, day: &str, event: Value) {
        self.service.set_today(day);
        let mut event = event;
        event["occurred_on"] = json!(day);
        self.service.record(&self.assessment, event).await.expect(201);
    }

    async fn timeline(&self, actor: &Actor) -> Value {
        let uri = format!("/v1/cases/{}/timeline?limit=200", self.case_id);
        self.service.get(actor, &uri).await.expect(200).body
    }

    /// The sentences of a kind that somebody reads.
    async fn sentences(&self, actor: &Actor, what: &str) -> Vec<String> {
        let timeline = self.timeline(actor).await;
        let items = timeline["items"].as_array().unwrap();
        let of_kind = items.iter().filter(|item| item["what"] == what);
        of_kind.map(|item| text(&item["sentence"])).collect()
    }

    async fn shared(&self, actor: &Actor) -> Vec<Value> {
        let uri = format!("/v1/cases/{}/shared-advice", self.case_id);
        self.service.pages(actor, &uri, 200).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_family_follows_its_story_from_its_token_alone() {
    let told = Told::assessing().await;
    let (service, family) = (&told.service, told.family());
    told.submits("2026-02-23", "They need rest.").await;
    told.writes().await;
    told.records("2026-03-02", json!({ "type": "draft_plan_served" }))
        .await;
    service.set_today("2026-03-04");

    // The token names the case, the case its procedures, and those what can be read of them.
    let timeline = told.timeline(&family).await;
    assert_eq!(
        (&timeline["case_id"], &timeline["as_of"], &timeline["next_cursor"]),
        (&json!(told.case_id), &json!("2026-03-04"), &json!(null))
    );
    let case = service.body(&format!("/v1/cases/{}", told.case_id)).await;
    assert_eq!(timeline["reference"], case["reference"]);
    let procedures = timeline["procedures"].as_array().unwrap();
    assert_eq!(each(procedures, "procedure"), ["assessment", "plan"]);
    for procedure in procedures {
        let (kind, id) = (text(&procedure["procedure"]), text(&procedure["id"]));
        let read = service
            .get(&family, &format!("/v1/{kind}s/{id}"))
            .await
            .expect(200);
        assert_eq!(read.body["state"], procedure["state"]);
    }
    let plan = text(&procedures[1]["id"]);
    let versions = service
        .pages(&family, &format!("/v1/plans/{plan}/versions"), 50)
        .await;
    assert_eq!(each(&versions, "number"), [1]);

    assert_eq!(
        told.sentences(&family, "event").await,
        [
            "A parent asked for an assessment on 5 January 2026.",
            "The family was told that an assessment will be made on 10 February 2026.",
            "Advice (medical) was asked for on 10 February 2026.",
            "Advice (medical) was given on 23 February 2026.",
            "The draft plan was sent to the family on 2 March 2026.",
        ]
    );
    assert_eq!(
        told.sentences(&family, "time_limit").await,
        [
            "By 16 February 2026 the local authority had to tell the family whether an assessment will be made. Met on \
             10 February 2026.",
            "By 24 March 2026 the health service had to give the advice (medical) that was asked for. Met on 23 \
             February 2026.",
            "By 27 April 2026 the local authority should decide whether to issue a plan. Met on 2 March 2026.",
            "The last day of the family's time to comment on the draft plan is 16 March 2026. On 4 March 2026 it is \
             running, with 12 days left.",
            "By 25 May 2026 the local authority has to send the final plan. On 4 March 2026 it is running, with 82 days \
             left.",
        ]
    );
    assert_eq!(told.sentences(&family, "date_moved").await, [] as [String; 0]);
    let items = timeline["items"].as_array().unwrap();
    let days: Vec<String> = each(items, "on").into_iter().map(text).collect();
    assert!(days.is_sorted(), "{days:?}");
    let final_plan = items.iter().find(|item| item["kind"] == "final_plan").unwrap();
    assert_eq!(
        (
            &final_plan["due_on"],
            &final_plan["status"],
            &final_plan["bearer"],
            &final_plan["citation"]["reference"]
        ),
        (
            &json!("2026-05-25"),
            &json!("running"),
            &json!("local_authority"),
            &json!("reg 13(2)")
        )
    );
    let shared = told.shared(&family).await;
    assert_eq!(each(&shared, "shared_by"), ["draft_plan_served"]);

    service.set_today("2026-05-26");
    let limits = told.sentences(&family, "time_limit").await;
    assert!(limits.contains(
        &"By 25 May 2026 the local authority had to send the final plan. On 26 May 2026 it is 1 day overdue."
            .to_owned()
    ));
}

#[actix_web::test]
async fn pages_of_the_story_follow_each_other() {
    let told = Told::assessing().await;
    let uri = format!("/v1/cases/{}/timeline", told.case_id);
    for actor in [told.family(), told.service.caseworker()] {
        let whole = told.timeline(&actor).await["items"].clone();
        assert!(whole.as_array().unwrap().len() > 5);
        for limit in [1, 3, 200] {
            let paged = told.service.pages(&actor, &uri, limit).await;
            assert_eq!(json!(paged), whole, "{limit} at once");
        }
        for beyond in [1000, i64::MAX] {
            let page = format!("{uri}?cursor={beyond}");
            let page = told.service.get(&actor, &page).await.expect(200).body;
            assert_eq!((&page["items"], &page["next_cursor"]), (&json!([]), &Value::Null));
            assert!(!page["procedures"].as_array().unwrap().is_empty());
        }
        let spoilt = told.service.get(&actor, &format!("{uri}?cursor=x")).await;
        assert_eq!((spoilt.status, spoilt.code()), (400, "invalid_query"));
    }
}

#[actix_web::test]
async fn a_corrected_day_of_receipt_moves_days_and_says_so() {
    let told = Told::assessing().await;
    let (service, family) = (&told.service, told.family());
    let received = service.event_ids(&told.assessment).await[0].clone();
    service.set_today("2026-02-18");
    let right = json!({ "type": "request_received", "occurred_on": "2026-01-05", "received_on": "2026-01-07",
        "requested_by": "parent" });
    service
        .correct(&told.assessment, &[(&received, right)])
        .await
        .expect(201);
    service.set_today("2026-02-20");
    for actor in [&family, &service.caseworker()] {
        let moved = told.sentences(actor, "date_moved").await;
        assert_eq!(moved.len(), 4, "{moved:?}");
        assert!(moved.contains(
            &"The last day to send the final plan moved from 25 May 2026 to 27 May 2026 on 18 February 2026, because \
              the record was corrected: request received on 7 January 2026, not on 5 January 2026."
                .to_owned()
        ));
    }
    let timeline = told.timeline(&family).await;
    let items = timeline["items"].as_array().unwrap();
    let clock = service
        .read(&format!("/v1/assessments/{}", told.assessment))
        .await
        .clock("final_plan");
    let moved = items
        .iter()
        .find(|item| item["what"] == "date_moved" && item["clock_id"] == clock["id"])
        .unwrap();
    assert_eq!(
        (
            &moved["on"],
            &moved["from_on"],
            &moved["to_on"],
            &moved["cause"],
            &moved["kind"]
        ),
        (
            &json!("2026-02-18"),
            &json!("2026-05-25"),
            &clock["due_on"],
            &json!("record_corrected"),
            &json!("final_plan")
        )
    );
    assert!(
        !timeline.to_string().contains("Wrongly typed"),
        "the reason is not told"
    );
}

#[actix_web::test]
async fn a_meeting_arranged_anew_moves_the_day_of_its_papers() {
    let service = Service::on("2025-05-01");
    let case_id = service.case().await;
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let body = json!({ "case_id": case_id, "event": started });
    let review = service.post(&service.caseworker(), "/v1/reviews", body).await;
    let uri = format!("/v1/reviews/{}", review.expect(201).id());
    for (day, meeting_on) in [("2026-02-02", "2026-03-18"), ("2026-02-10", "2026-03-25")] {
        service.set_today(day);
        let arranged =
            json!({ "type": "review_meeting_arranged", "occurred_on": day, "meeting_on": meeting_on });
        let version = service.read(&uri).await.version();
        service
            .act(&service.caseworker(), &format!("{uri}/events"), version, arranged)
            .await
            .expect(201);
    }
    let family = service.family(&case_id);
    let timeline = service
        .get(&family, &format!("/v1/cases/{case_id}/timeline"))
        .await;
    let items = timeline.expect(200).body["items"].as_array().unwrap().clone();
    let moved: Vec<&Value> = items.iter().filter(|item| item["what"] == "date_moved").collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!(
        (
            &moved[0]["sentence"],
            &moved[0]["cause"],
            moved[0]["instead_of"].is_string()
        ),
        (
            &json!(
                "The last day to circulate the advice before the review meeting moved from 3 March 2026 to 10 March \
                 2026 on 10 February 2026, because the review meeting was arranged for 25 March 2026 on 10 February \
                 2026."
            ),
            &json!("event_recorded"),
            true
        )
    );
}

#[actix_web::test]
async fn another_reading_of_the_law_moves_days_and_other_settings_do_not() {
    let told = Told::assessing().await;
    let service = &told.service;
    let put = |settings: Value| async move {
        service
            .put(&service.admin(), "/v1/settings", settings)
            .await
            .expect(200);
    };
    service.set_today("2026-02-17");
    put(json!({ "due_soon_days": 30 })).await;
    assert_eq!(told.sentences(&told.family(), "date_moved").await.len(), 0);
    service.set_today("2026-02-18");
    put(json!({ "readings": { "day_of_receipt": "day_one" } })).await;
    let moved = told.sentences(&told.family(), "date_moved").await;
    assert!(
        moved.contains(
            &"The last day to send the final plan moved from 25 May 2026 to 24 May 2026 on 18 February 2026, because \
              the local authority changed how it reads the law: the day of receipt counts as day one since then."
                .to_owned()
        ),
        "{moved:?}"
    );
    // What is known of the child moves none of these days.
    let case = format!("/v1/cases/{}", told.case_id);
    let version = service.read(&case).await.version();
    let born = json!({ "date_of_birth": "2016-11-02" });
    service
        .patch(&service.caseworker(), &case, version, born)
        .await
        .expect(200);
    assert_eq!(told.sentences(&told.family(), "date_moved").await, moved);
}

#[actix_web::test]
async fn what_is_the_authoritys_own_is_not_told_to_the_family() {
    let told = Told::assessing().await;
    let (service, family, caseworker) = (&told.service, told.family(), told.service.caseworker());
    told.submits("2026-02-20", "They need rest.").await;
    service
        .acted(
            &told.request,
            "return",
            json!({ "reasons": ["unclear"], "comment": "Say how long, Dr Secret" }),
        )
        .await;
    let claim = json!({ "type": "exception_claimed", "occurred_on": "2026-02-20", "ground": "absent",
        "from": "2026-01-10", "to": "2026-02-14", "clocks": ["final_plan"], "evidence": "Seen by Mrs Secret",
        "decided_by": "Mrs Secret", "note": "Secret note" });
    service.record(&told.assessment, claim).await.expect(201);
    let received = json!({ "type": "consultation_received", "occurred_on": "2026-02-19", "from_la": "884" });
    let body = json!({ "case_id": told.case_id, "event": received });
    service
        .post(&caseworker, "/v1/consultations", body)
        .await
        .expect(201);
    let people = format!("/v1/cases/{}/people", told.case_id);
    let person = json!({ "name": "Ottoline Example", "relationship": "mother", "parental_responsibility": true,
        "receives_notices": true, "address": "9 Hidden Lane", "address_withheld": true });
    service.post(&caseworker, &people, person).await.expect(201);

    let procedures = |timeline: &Value| -> Vec<String> {
        let procedures = timeline["procedures"].as_array().unwrap();
        each(procedures, "procedure").into_iter().map(text).collect()
    };
    let types = |timeline: &Value| -> Vec<String> {
        let items = timeline["items"].as_array().unwrap().iter();
        items
            .filter_map(|item| item["type"].as_str().map(str::to_owned))
            .collect()
    };
    let (of_family, of_staff) = (told.timeline(&family).await, told.timeline(&caseworker).await);
    assert_eq!(
        procedures(&of_family),
        ["assessment"],
        "a plan that nobody was sent, and a consultation, are not the family's"
    );
    assert_eq!(procedures(&of_staff), ["assessment", "plan", "consultation"]);
    assert_eq!(
        types(&of_family),
        [
            "request_received",
            "assess_decision_notified",
            "advice_requested",
            "advice_submitted"
        ]
    );
    for internal in [
        "advice_returned",
        "exception_claimed",
        "consultation_received",
        "plan_drafted",
    ] {
        assert!(types(&of_staff).contains(&internal.to_owned()), "{internal}");
    }
    for timeline in [&of_family, &of_staff] {
        for hidden in [
            "Secret",
            "Hidden Lane",
            "Ottoline",
            "caseworker-885",
            "Ada",
            "trains",
        ] {
            assert!(!timeline.to_string().contains(hidden), "{hidden}");
        }
    }
}

#[actix_web::test]
async fn no_operation_tells_a_family_what_its_story_does_not() {
    let told = Told::assessing().await;
    let (service, family, caseworker) = (&told.service, told.family(), told.service.caseworker());
    told.writes().await;
    told.submits("2026-02-20", "They need rest.").await;
    let claim = json!({ "type": "exception_claimed", "occurred_on": "2026-02-20", "ground": "absent",
        "from": "2026-01-06", "to": "2026-02-14", "clocks": ["final_plan"], "evidence": "Seen by Mrs Secret",
        "decided_by": "Mrs Secret", "causal_link": "Secret link" });
    service.record(&told.assessment, claim).await.expect(201);
    let received = json!({ "type": "consultation_received", "occurred_on": "2026-02-19", "from_la": "884" });
    let body = json!({ "case_id": told.case_id, "event": received });
    let consultation = service.post(&caseworker, "/v1/consultations", body).await;
    let consultation = consultation.expect(201).id();

    let document: Value = serde_json::from_str(include_str!("../../openapi/ehcp.v1.json")).unwrap();
    let for_family = |(path, operations): (&String, &Value)| {
        let roles = operations["get"]["x-rights"]["roles"].as_array()?;
        roles.contains(&json!("family")).then(|| path.clone())
    };
    let paths: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter_map(for_family)
        .collect();
    assert!(paths.len() >= 10, "{paths:?}");
    let everything = async |status_of_plan: u16| {
        let mut said = String::new();
        for path in &paths {
            for id in [&told.case_id, &told.assessment, &told.plan, &consultation] {
                let uri = path.replace("{id}", id).replace("{number}", "1");
                for uri in [format!("{uri}?include=case,explanation"), uri] {
                    if uri.contains("include") && path != "/v1/clocks" {
                        continue;
                    }
                    let answer = service.get(&family, &uri).await;
                    if path.starts_with("/v1/plans/") && id == &told.plan {
                        assert_eq!(answer.status, status_of_plan, "{uri}: {}", answer.text);
                    }
                    if answer.status == 200 {
                        said.push_str(&answer.text);
                    }
                }
            }
        }
        said
    };
    let said = everything(404).await;
    for hidden in [
        "absent",
        "Absent",
        "exceptions",
        "exception_claimed",
        "Secret",
        "setting_reply",
        "plan_drafted",
        &told.plan,
        &consultation,
    ] {
        assert!(!said.contains(hidden), "{hidden}");
    }
    let assessment = format!("/v1/assessments/{}", told.assessment);
    let read = service.get(&family, &assessment).await.expect(200);
    assert_eq!((read.flags().len(), read.permitted().len()), (0, 0));
    assert!(!read.body["clocks"].as_array().unwrap().is_empty());
    let clocks = service.pages(&family, "/v1/clocks", 1).await;
    let of_assessment = service
        .list(&format!(
            "/v1/clocks?case_id={}&procedure=assessment",
            told.case_id
        ))
        .await;
    assert_eq!(
        each(&clocks, "id"),
        each(&of_assessment, "id"),
        "a page is not cut short"
    );
    let of_staff = service.read(&assessment).await;
    assert!(of_staff.flags().contains(&"exception_claimed".to_owned()));
    assert!(of_staff.clock("final_plan")["exceptions"][0].is_object());

    // Closing the case ends what nobody was told of, and tells nobody of it.
    told.records("2026-03-02", json!({ "type": "draft_plan_served" }))
        .await;
    assert!(
        everything(200).await.contains(&told.plan),
        "it was sent the draft"
    );
    let closure = json!({ "reason": "other", "occurred_on": "2026-03-02" });
    let case = format!("/v1/cases/{}", told.case_id);
    service
        .post(&caseworker, &format!("{case}/closure"), closure)
        .await
        .expect(201);
    let said = everything(200).await;
    assert!(said.contains(&told.plan) && !said.contains(&consultation));
}

#[actix_web::test]
async fn advice_is_shared_with_the_draft_plan_and_not_when_that_was_a_mistake() {
    let told = Told::assessing().await;
    let (service, family) = (&told.service, told.family());
    told.submits("2026-02-20", "They need rest.").await;
    told.writes().await;
    assert_eq!(told.shared(&family).await, [] as [Value; 0]);
    told.records("2026-03-02", json!({ "type": "draft_plan_served" }))
        .await;
    let shared = told.shared(&family).await;
    let submission = service
        .body(&format!("/v1/advice-requests/{}", told.request))
        .await["submissions"][0]["id"]
        .clone();
    assert_eq!(
        shared,
        [json!({
            "advice_request_id": told.request,
            "procedure_id": told.assessment,
            "requirement": "medical",
            "provision": { "instrument": "SI 2014/1530", "reference": "reg 6(1)(c)", "confidence": "secondary_source" },
            "organisation": "Community paediatrics",
            "shared_on": "2026-03-02",
            "shared_by": "draft_plan_served",
            "citation": { "instrument": "SI 2014/1530", "reference": "reg 13(1)", "confidence": "confirmed" },
            "submissions": [{
                "id": submission,
                "submitted_on": "2026-02-20",
                "summary": "They need rest.",
                "content": "They need rest. In full.",
                "authors": ["Dr Winterbourne"],
            }],
        })]
    );
    for role in [Role::Caseworker, Role::Manager, Role::Auditor, Role::Admin] {
        assert_eq!(told.shared(&service.actor(role)).await, shared, "{role:?}");
    }
    let served = service.event_ids(&told.assessment).await.pop().unwrap();
    service.set_today("2026-03-03");
    service
        .correct(&told.assessment, &[(&served, Value::Null)])
        .await
        .expect(201);
    assert_eq!(told.shared(&family).await, [] as [Value; 0]);
    let fell_away = told.sentences(&family, "date_moved").await;
    assert_eq!(
        fell_away,
        [
            "The last day of the family's time to comment on the draft plan, 16 March 2026, fell away on 3 March 2026, \
             because what it was counted from had been recorded by mistake: draft plan served on 2 March 2026."
        ]
    );
}

#[actix_web::test]
async fn what_was_sent_back_is_not_shared_and_what_came_instead_is_with_the_next_draft() {
    let told = Told::assessing().await;
    let (service, family) = (&told.service, told.family());
    told.submits("2026-02-20", "About another child.").await;
    told.records("2026-03-02", json!({ "type": "draft_plan_served" }))
        .await;
    assert_eq!(told.shared(&family).await.len(), 1);
    service.set_today("2026-03-04");
    service
        .acted(
            &told.request,
            "return",
            json!({ "reasons": ["wrong_child"], "comment": "x" }),
        )
        .await;
    assert_eq!(told.shared(&family).await, [] as [Value; 0]);
    told.submits("2026-03-06", "They need rest.").await;
    assert_eq!(
        told.shared(&family).await,
        [] as [Value; 0],
        "no draft has followed it"
    );
    told.records(
        "2026-03-09",
        json!({ "type": "draft_plan_served", "reason": "authority_changes" }),
    )
    .await;
    let shared = told.shared(&family).await;
    assert_eq!(each(&shared, "shared_on"), ["2026-03-09"]);
    assert_eq!(
        each(shared[0]["submissions"].as_array().unwrap(), "summary"),
        ["They need rest."]
    );
}

#[actix_web::test]
async fn advice_that_came_late_is_shared_by_the_plan_that_names_it() {
    let told = Told::assessing().await;
    let family = told.family();
    told.writes().await;
    told.records("2026-03-02", json!({ "type": "draft_plan_served" }))
        .await;
    told.submits("2026-03-20", "They need rest.").await;
    assert_eq!(told.shared(&family).await, [] as [Value; 0]);
    told.records(
        "2026-04-13",
        json!({ "type": "final_plan_sent", "missing_advice_reason": "Not asked for yet" }),
    )
    .await;
    // The version that was sent first with the draft came before the advice.
    assert_eq!(told.shared(&family).await, [] as [Value; 0]);
    let advice = json!([{ "advice_request_id": told.request, "requirement": "medical" },
        { "advice_request_id": "01890000-0000-7000-8000-000000000001", "requirement": "other" }]);
    let body = json!({ "based_on_version": 1, "sections": { "k": advice } });
    let plan = format!("/v1/plans/{}", told.plan);
    let (service, caseworker) = (&told.service, told.service.caseworker());
    service
        .post(&caseworker, &format!("{plan}/versions"), body)
        .await
        .expect(201);
    assert_eq!(
        told.shared(&family).await,
        [] as [Value; 0],
        "a draft shares nothing"
    );
    service.set_today("2026-05-04");
    let proposed = json!({ "type": "amendment_proposed", "occurred_on": "2026-05-04" });
    let version = service.read(&plan).await.version();
    service
        .act(&caseworker, &format!("{plan}/events"), version, proposed)
        .await
        .expect(201);
    let shared = told.shared(&family).await;
    assert_eq!(each(&shared, "shared_by"), ["plan_version"]);
    assert_eq!(
        (&shared[0]["shared_on"], &shared[0]["citation"]),
        (&json!("2026-05-04"), &Value::Null)
    );
}

#[actix_web::test]
async fn papers_of_a_review_bring_its_advice_and_pages_follow_each_other() {
    let service = Service::on("2025-05-01");
    let case_id = service.case().await;
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let body = json!({ "case_id": case_id, "event": started });
    let review = service.post(&service.caseworker(), "/v1/reviews", body).await;
    let uri = format!("/v1/reviews/{}", review.expect(201).id());
    service.set_today("2026-02-02");
    let caseworker = service.caseworker();
    for requirement in ["education", "social_care", "parent"] {
        let asked = json!({ "requirement": requirement, "requested_on": "2026-02-02" });
        let request = service
            .post(&caseworker, &format!("{uri}/advice-requests"), asked)
            .await;
        let request = request.expect(201).id();
        if requirement != "parent" {
            let body = json!({ "summary": requirement, "authors": ["A"] });
            service.acted(&request, "submission", body).await;
        }
    }
    let family = service.family(&case_id);
    let shared = format!("/v1/cases/{case_id}/shared-advice");
    assert_eq!(service.pages(&family, &shared, 1).await, [] as [Value; 0]);
    let circulated = json!({ "type": "papers_circulated", "occurred_on": "2026-02-02" });
    let version = service.read(&uri).await.version();
    service
        .act(&caseworker, &format!("{uri}/events"), version, circulated)
        .await
        .expect(201);
    let whole = service.pages(&family, &shared, 200).await;
    assert_eq!(each(&whole, "requirement"), ["education", "social_care"]);
    assert_eq!(each(&whole, "shared_by"), ["papers_circulated"; 2]);
    assert_eq!(each(&whole, "citation")[0]["reference"], "reg 20(4), reg 21(4)");
    assert_eq!(each(&whole, "organisation"), [&Value::Null; 2]);
    assert_eq!(service.pages(&family, &shared, 1).await, whole);
}

#[actix_web::test]
async fn the_story_and_the_advice_are_theirs_whose_the_case_is() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "2009-03-01" })).await;
    service.assessment_on(&case_id, "2026-01-05").await;
    let people = format!("/v1/cases/{case_id}/people");
    let person = |fields: Value| {
        let (service, people) = (&service, &people);
        let mut body = json!({ "name": "A", "relationship": "mother", "parental_responsibility": true,
            "receives_notices": true });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        async move {
            let added = service.post(&service.caseworker(), people, body).await;
            added.expect(201).id()
        }
    };
    let young_person = person(json!({ "relationship": "young_person" })).await;
    let mother = person(json!({})).await;
    let allowed = person(json!({ "young_person_allows_from_on": "2026-02-20" })).await;
    for (who, status) in [(&young_person, 200), (&mother, 404), (&allowed, 200)] {
        let actor = service.family_member(&case_id, who);
        for what in ["timeline", "shared-advice"] {
            let answer: Answer = service
                .send(actor.request(Method::GET, &format!("/v1/cases/{case_id}/{what}")))
                .await;
            assert_eq!(answer.status, status, "{what}: {}", answer.body);
        }
    }
}
