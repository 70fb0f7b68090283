//! What plans say: versions that are never overwritten, how they differ, what they lack, and who sees which.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::concurrency::{at_once, one_winner};
use crate::harness::{Answer, Service, each};

/// A plan that says something in most sections, and lacks a few things.
pub fn sections() -> Value {
    json!({
        "a": { "child": "I like maps.", "family": "She is happiest outdoors." },
        "b": [
            { "id": "B1", "text": "Finds it hard to follow spoken instructions.", "area": "communication_and_interaction", "need_type": "SLCN" },
            { "id": "B2", "text": "Reads at the level of a younger child." }
        ],
        "e": [{ "id": "E1", "text": "Follows instructions of three steps.", "measure": "Observed in four lessons of five.", "review_on": "2027-01-15" }],
        "f": [{ "id": "F1", "text": "Language group.", "meets": ["B1"], "outcomes": ["E1"], "quantity": "30 minutes", "frequency": "weekly" }]
    })
}

/// The same, amended.
fn amended() -> Value {
    let mut sections = sections();
    sections["f"][0]["quantity"] = json!("45 minutes");
    sections["f"].as_array_mut().unwrap().push(
        json!({ "id": "F2", "text": "Reading scheme.", "meets": ["B2"], "quantity": "20 minutes", "frequency": "daily" }),
    );
    sections["i"] = json!({ "type": "mainstream primary school" });
    sections
}

impl Service {
    async fn plan_on(&self, case_id: &str) -> String {
        let event = json!({ "type": "plan_drafted", "occurred_on": "2026-02-02" });
        let body = json!({ "case_id": case_id, "event": event });
        self.post(&self.caseworker(), "/v1/plans", body)
            .await
            .expect(201)
            .id()
    }

    async fn write(&self, plan_id: &str, body: Value) -> Answer {
        self.post(&self.caseworker(), &format!("/v1/plans/{plan_id}/versions"), body)
            .await
    }

    /// Writes the first version of a plan and two more.
    async fn three_versions(&self, plan_id: &str) {
        for (body, number) in [
            (json!({ "sections": sections() }), 1),
            (json!({ "sections": amended(), "based_on_version": 1 }), 2),
            (json!({ "sections": {}, "based_on_version": 2 }), 3),
        ] {
            assert_eq!(self.write(plan_id, body).await.expect(201).body["number"], number);
        }
    }

    async fn plan_event(&self, plan_id: &str, event: Value) -> Answer {
        self.event_on(&format!("/v1/plans/{plan_id}"), event).await
    }

    async fn event_on(&self, uri: &str, event: Value) -> Answer {
        let version = self.read(uri).await.version();
        self.act(&self.caseworker(), &format!("{uri}/events"), version, event)
            .await
    }

    /// The status of every version that a caseworker sees, in order.
    async fn standing(&self, plan_id: &str) -> Vec<String> {
        let versions = self.list(&format!("/v1/plans/{plan_id}/versions")).await;
        each(&versions, "status")
            .into_iter()
            .map(|status| status.as_str().unwrap().to_owned())
            .collect()
    }

    /// The numbers of the versions that the family sees, each of which it can read.
    async fn seen_by_family(&self, case_id: &str, plan_id: &str) -> Vec<i64> {
        let (family, uri) = (self.family(case_id), format!("/v1/plans/{plan_id}/versions"));
        let mut numbers = Vec::new();
        for version in self.pages(&family, &uri, 1).await {
            let number = version["number"].as_i64().unwrap();
            let read = self.get(&family, &format!("{uri}/{number}")).await.expect(200);
            assert_eq!(read.body["status"], version["status"]);
            assert_eq!(
                (&read.body["note"], &read.body["made_by"]),
                (&Value::Null, &Value::Null)
            );
            numbers.push(number);
        }
        numbers
    }
}

fn sentences(difference: &Answer) -> Vec<String> {
    let changes = difference.body["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["sentence"].as_str().unwrap().to_owned())
        .collect()
}

#[actix_web::test]
async fn a_version_is_written_and_read_as_it_was_sent() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    let before = service.read(&format!("/v1/plans/{plan}")).await.version();
    let body = json!({ "sections": sections(), "note": "For the panel." });
    let written = service.write(&plan, body).await.expect(201);
    let place = format!("/v1/plans/{plan}/versions/1");
    assert_eq!(written.header("location"), Some(place.as_str()));
    assert_eq!(written.header("etag"), None, "it never changes");
    let read = service.read(&place).await.expect(200);
    assert_eq!(read.body, written.body);
    assert_eq!(
        (
            &read.body["status"],
            &read.body["note"],
            &read.body["made_by"],
            &read.body["based_on_version"],
            &read.body["made_at"]
        ),
        (
            &json!("draft"),
            &json!("For the panel."),
            &json!("caseworker-885"),
            &Value::Null,
            &json!("2026-02-20T12:00:00Z")
        )
    );
    for (section, said) in sections().as_object().unwrap() {
        for (at, item) in said.as_array().into_iter().flatten().enumerate() {
            for (field, value) in item.as_object().unwrap() {
                assert_eq!(
                    &read.body["sections"][section][at][field], value,
                    "{section} {field}"
                );
            }
        }
    }
    assert_eq!(read.body["sections"]["a"], sections()["a"]);
    assert_eq!(
        (&read.body["sections"]["c"], &read.body["sections"]["i"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(service.read(&format!("/v1/plans/{plan}")).await.version(), before);
    assert_eq!(
        service.count("audit_entries WHERE action = 'make_plan_version'"),
        1
    );
    for odd in ["0", "01", "-1", "1.0", "x", "2", "99999999999999999999"] {
        assert_eq!(
            service
                .read(&format!("/v1/plans/{plan}/versions/{odd}"))
                .await
                .status,
            404,
            "{odd}"
        );
    }
}

#[actix_web::test]
async fn no_version_is_ever_overwritten_and_an_outdated_one_is_told_the_newest() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    service.three_versions(&plan).await;
    for outdated in [1, 2] {
        let refused = service
            .write(
                &plan,
                json!({ "sections": sections(), "based_on_version": outdated }),
            )
            .await;
        assert_eq!((refused.status, refused.code()), (409, "version_outdated"));
        assert_eq!(refused.body["newest_version"], 3);
    }
    for (based_on_version, fault) in [
        (json!(null), "missing"),
        (json!(4), "unknown_version"),
        (json!(0), "out_of_range"),
    ] {
        let refused = service
            .write(
                &plan,
                json!({ "sections": sections(), "based_on_version": based_on_version }),
            )
            .await;
        assert_eq!(
            (refused.status, refused.faults()),
            (422, vec![format!("/based_on_version {fault}")])
        );
    }
    let first = service.body(&format!("/v1/plans/{plan}/versions/1")).await;
    assert_eq!(first["sections"]["f"][0]["quantity"], "30 minutes");
    let versions = service
        .pages(&service.caseworker(), &format!("/v1/plans/{plan}/versions"), 2)
        .await;
    assert_eq!(each(&versions, "number"), [&json!(1), &json!(2), &json!(3)]);
    assert_eq!(
        each(&versions, "based_on_version"),
        [&Value::Null, &json!(1), &json!(2)]
    );
    assert!(versions[0].get("sections").is_none());
    let other = service.plan_on(&service.case().await).await;
    let refused = service
        .write(&other, json!({ "sections": {}, "based_on_version": 1 }))
        .await;
    assert_eq!(refused.faults(), ["/based_on_version unknown_version"]);
}

#[actix_web::test]
async fn of_two_who_write_at_once_one_is_told_of_the_other() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    let write = async |service: &Service, number: usize, based_on_version: Value| {
        let body = json!({ "sections": { "a": { "child": format!("Writer {number}.") } }, "based_on_version": based_on_version });
        service.write(&plan, body).await
    };
    let firsts = at_once(&service, 2, async |service, number| {
        write(service, number, Value::Null).await
    });
    let (won, lost) = one_winner(&firsts, 201);
    assert_eq!(lost[0].faults(), ["/based_on_version missing"]);
    let seconds = at_once(&service, 4, async |service, number| {
        write(service, number, json!(1)).await
    });
    let (_, lost) = one_winner(&seconds, 201);
    for refused in lost {
        assert_eq!((refused.status, refused.code()), (409, "version_outdated"));
        assert_eq!(refused.body["newest_version"], 2);
    }
    let first = service.body(&format!("/v1/plans/{plan}/versions/1")).await;
    assert_eq!(first["sections"], won.body["sections"]);
}

#[actix_web::test]
async fn a_lost_answer_is_given_again() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    let send = async || {
        let request = service
            .caseworker()
            .request(Method::POST, &format!("/v1/plans/{plan}/versions"))
            .insert_header(("Idempotency-Key", "\"k\""));
        service
            .send(request.set_json(json!({ "sections": sections() })))
            .await
    };
    let first = send().await.expect(201);
    service
        .write(&plan, json!({ "sections": {}, "based_on_version": 1 }))
        .await
        .expect(201);
    let again = send().await.expect(201);
    assert_eq!(
        (&again.text, again.header("location")),
        (&first.text, first.header("location"))
    );
    assert_eq!(service.standing(&plan).await.len(), 2);
}

#[actix_web::test]
async fn every_fault_is_told_at_once() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    let mut faulty = sections();
    faulty["a"]["hobbies"] = json!("maps");
    faulty["b"][1]["id"] = json!("B1");
    faulty["b"][0]["text"] = json!("");
    faulty["c"] = json!([{ "id": "C 1", "text": "x".repeat(10_001) }]);
    faulty["e"][0]["review_on"] = json!("2027-02-30");
    faulty["f"][0]["meets"] = json!(["B1", "B9"]);
    faulty["f"][0]["outcomes"] = json!(["E7"]);
    faulty["i"] = json!({ "urn": "116738", "ukprn": "10012345" });
    faulty["j"] = json!({ "parts": [{ "id": "J1", "kind": "health", "amount_pence": -1 }] });
    faulty["k"] = json!([{ "requirement": "medical" }]);
    faulty["l"] = json!([]);
    let refused = service
        .write(&plan, json!({ "sections": faulty, "based_on_version": 0 }))
        .await;
    let mut faults = refused.faults();
    faults.sort();
    assert_eq!(refused.status, 422);
    assert_eq!(
        faults,
        [
            "/based_on_version out_of_range",
            "/sections/a/hobbies unknown_field",
            "/sections/b/0/text too_short",
            "/sections/b/1/id repeated",
            "/sections/c/0/id malformed",
            "/sections/c/0/text too_long",
            "/sections/e/0/review_on malformed",
            "/sections/f/0/meets/1 unknown_need",
            "/sections/f/0/outcomes/0 unknown_outcome",
            "/sections/i one_of",
            "/sections/j/parts/0/amount_pence out_of_range",
            "/sections/k/0/advice_request_id missing",
            "/sections/l unknown_field",
        ]
    );
    let theirs = service
        .post(
            &service.actor_of("330", Role::Admin, None, None),
            "/v1/organisations",
            json!({ "name": "School", "kind": "school" }),
        )
        .await
        .expect(201)
        .id();
    let mut elsewhere = sections();
    elsewhere["i"] = json!({ "organisation_id": theirs });
    let refused = service
        .write(&plan, json!({ "sections": elsewhere, "based_on_version": 5 }))
        .await;
    assert_eq!(
        refused.faults(),
        [
            "/based_on_version unknown_version",
            "/sections/i/organisation_id unknown_organisation"
        ]
    );
    let own = service.organisation("School", "school").await;
    elsewhere["i"] = json!({ "organisation_id": own });
    service
        .write(&plan, json!({ "sections": elsewhere }))
        .await
        .expect(201);
}

#[actix_web::test]
async fn a_version_stands_as_events_send_it_and_the_family_sees_what_was_sent() {
    let service = Service::on("2026-03-20");
    let case_id = service.case().await;
    let plan = service.plan_on(&case_id).await;
    let uri = format!("/v1/plans/{plan}");
    service
        .write(&plan, json!({ "sections": sections() }))
        .await
        .expect(201);
    assert_eq!(service.standing(&plan).await, ["draft"]);
    // Of a plan that nobody sent it, a family is not told.
    let family = service.family(&case_id);
    for uri in [uri.clone(), format!("{uri}/versions")] {
        assert_eq!(service.get(&family, &uri).await.status, 404, "{uri}");
    }
    for draft in ["1", "1/difference", "2"] {
        let read = service
            .get(&service.family(&case_id), &format!("{uri}/versions/{draft}"))
            .await;
        assert_eq!((read.status, read.code()), (404, "not_found"), "{draft}");
    }

    let made = service
        .plan_event(&plan, json!({ "type": "plan_made", "occurred_on": "2026-02-09" }))
        .await
        .expect(201);
    assert_eq!(made.body["event"]["version"], 1, "the newest, as none was named");
    assert_eq!(service.standing(&plan).await, ["final"]);

    service
        .write(&plan, json!({ "sections": amended(), "based_on_version": 1 }))
        .await
        .expect(201);
    assert_eq!(service.standing(&plan).await, ["final", "draft"]);
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [1]);
    let hidden = service
        .get(
            &service.family(&case_id),
            &format!("{uri}/versions/1/difference?from=2"),
        )
        .await;
    assert_eq!(
        (hidden.status, hidden.faults()),
        (400, vec!["/from unknown_version".to_owned()])
    );

    let proposed = json!({ "type": "amendment_proposed", "occurred_on": "2026-02-16" });
    service.plan_event(&plan, proposed).await.expect(201);
    assert_eq!(service.standing(&plan).await, ["final", "proposed"]);
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [1, 2]);
    let told = service
        .get(&service.family(&case_id), &format!("{uri}/versions/2/difference"))
        .await
        .expect(200);
    assert_eq!(told.body["from"], 1);

    // What was agreed with the family is another version.
    service
        .write(&plan, json!({ "sections": amended(), "based_on_version": 2 }))
        .await
        .expect(201);
    let sent = json!({ "type": "amended_plan_sent", "occurred_on": "2026-03-16", "version": 3 });
    service.plan_event(&plan, sent).await.expect(201);
    assert_eq!(
        service.standing(&plan).await,
        ["superseded", "superseded", "amended"]
    );
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [1, 2, 3]);

    // A correction keeps the version that the event it corrects sent.
    service
        .write(&plan, json!({ "sections": {}, "based_on_version": 3 }))
        .await
        .expect(201);
    let events = service.list(&format!("{uri}/events")).await;
    let correction = json!({ "type": "correction", "occurred_on": "2026-03-20", "reason": "A day later.", "changes": [{
        "supersedes": events.last().unwrap()["id"],
        "replacement": { "type": "amended_plan_sent", "occurred_on": "2026-03-17" }
    }] });
    service.plan_event(&plan, correction).await.expect(201);
    assert_eq!(
        service.standing(&plan).await,
        ["superseded", "superseded", "amended", "draft"]
    );
    let unknown = json!({ "type": "amendment_proposed", "occurred_on": "2026-03-19", "version": 5 });
    assert_eq!(
        service.plan_event(&plan, unknown).await.faults(),
        ["/version unknown_version"]
    );
}

#[actix_web::test]
async fn a_plan_that_was_made_before_it_was_written_down_is_told_what_it_says_by_a_correction() {
    let service = Service::on("2026-02-02");
    let case_id = service.case().await;
    let body = json!({ "case_id": case_id, "event": { "type": "plan_made", "occurred_on": "2025-03-03" } });
    let made = service
        .post(&service.caseworker(), "/v1/plans", body)
        .await
        .expect(201);
    let plan = made.body["id"].as_str().unwrap().to_owned();
    service
        .write(&plan, json!({ "sections": sections() }))
        .await
        .expect(201);
    assert_eq!(
        service.standing(&plan).await,
        ["draft"],
        "nothing is guessed to have been sent"
    );
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [0; 0]);
    let events = service.list(&format!("/v1/plans/{plan}/events")).await;
    let correction = json!({ "type": "correction", "occurred_on": "2026-02-02", "reason": "It is written down now.",
        "changes": [{
            "supersedes": events[0]["id"],
            "replacement": { "type": "plan_made", "occurred_on": "2025-03-03", "version": 1 }
        }] });
    service.plan_event(&plan, correction).await.expect(201);
    assert_eq!(service.standing(&plan).await, ["final"]);
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [1]);
}

#[actix_web::test]
async fn a_version_is_read_as_it_stood_on_a_day_and_as_was_known_at_an_instant() {
    let service = Service::on("2026-02-02");
    let case_id = service.case().await;
    let plan = service.plan_on(&case_id).await;
    let versions = format!("/v1/plans/{plan}/versions");
    let at = |day: &str| service.set_now(&format!("{day}T10:00:00Z"));
    at("2026-02-03");
    service
        .write(&plan, json!({ "sections": sections() }))
        .await
        .expect(201);
    at("2026-02-09");
    let made = json!({ "type": "plan_made", "occurred_on": "2026-02-09" });
    service.plan_event(&plan, made).await.expect(201);
    at("2026-03-02");
    service
        .write(&plan, json!({ "sections": amended(), "based_on_version": 1 }))
        .await
        .expect(201);
    // Written down three days after it was sent.
    at("2026-03-12");
    let proposed = json!({ "type": "amendment_proposed", "occurred_on": "2026-03-09" });
    service.plan_event(&plan, proposed).await.expect(201);
    at("2026-04-20");
    let sent = json!({ "type": "amended_plan_sent", "occurred_on": "2026-04-20" });
    service.plan_event(&plan, sent).await.expect(201);

    for (moment, standing) in [
        ("", vec!["superseded", "amended"]),
        ("as_of=2026-04-20", vec!["superseded", "amended"]),
        ("as_of=2026-04-19", vec!["final", "proposed"]),
        ("as_of=2026-03-09", vec!["final", "proposed"]),
        ("as_of=2026-03-08", vec!["final", "draft"]),
        ("as_of=2026-02-08", vec!["draft", "draft"]),
        ("known_at=2026-04-20T09:00:00Z", vec!["final", "proposed"]),
        ("known_at=2026-03-12T09:00:00Z", vec!["final", "draft"]),
        (
            "known_at=2026-03-12T10:00:00Z&as_of=2026-03-08",
            vec!["final", "draft"],
        ),
        ("known_at=2026-03-02T09:59:59Z", vec!["final"]),
        ("known_at=2026-02-08T10:00:00Z", vec!["draft"]),
        ("known_at=2026-02-03T09:00:00Z", vec![]),
    ] {
        let uri = format!("{versions}?{moment}");
        let listed = service.pages(&service.caseworker(), &uri, 1).await;
        assert_eq!(each(&listed, "status"), standing, "{moment}");
        for number in 1..=2 {
            let read = service.read(&format!("{versions}/{number}?{moment}")).await;
            match standing.get(number - 1) {
                Some(status) => assert_eq!(read.expect(200).body["status"], *status, "{number} {moment}"),
                None => assert_eq!(
                    (read.status, read.code()),
                    (404, "not_found"),
                    "{number} {moment}"
                ),
            }
        }
    }
    // The family reads what had been sent to it by then.
    let family = service.family(&case_id);
    let told = service
        .get(&family, &format!("{versions}?as_of=2026-03-08"))
        .await
        .expect(200);
    assert_eq!(
        each(told.body["items"].as_array().unwrap(), "number"),
        [&json!(1)]
    );
    let early = service
        .read(&format!("{versions}/1?known_at=2026-02-01T10:00:00Z"))
        .await;
    assert_eq!(
        (early.status, early.faults()),
        (400, vec!["/known_at not_yet_recorded".to_owned()])
    );
}

#[actix_web::test]
async fn what_a_review_proposed_is_with_the_family_until_the_day_it_is_settled() {
    let service = Service::on("2026-08-20");
    let case_id = service.case().await;
    let plan = service.plan_on(&case_id).await;
    let body = json!({ "sections": sections() });
    service.write(&plan, body).await.expect(201);
    let made = json!({ "type": "plan_made", "occurred_on": "2026-02-09" });
    service.plan_event(&plan, made).await.expect(201);
    let body = json!({ "sections": amended(), "based_on_version": 1 });
    service.write(&plan, body).await.expect(201);
    let reviews = service.list("/v1/reviews").await;
    let review = format!("/v1/reviews/{}", reviews[0]["id"].as_str().unwrap());
    for event in [
        json!({ "type": "amendment_notice_sent", "occurred_on": "2026-06-15" }),
        json!({ "type": "amended_plan_sent", "occurred_on": "2026-07-20" }),
    ] {
        service.event_on(&review, event).await.expect(201);
    }
    for (day, standing) in [
        ("2026-06-14", ["final", "draft"]),
        ("2026-06-15", ["final", "proposed"]),
        ("2026-07-19", ["final", "proposed"]),
        ("2026-07-20", ["superseded", "amended"]),
    ] {
        let versions = service
            .list(&format!("/v1/plans/{plan}/versions?as_of={day}"))
            .await;
        assert_eq!(each(&versions, "status"), standing, "{day}");
    }
}

#[actix_web::test]
async fn versions_go_out_with_the_assessment_and_with_reviews() {
    let service = Service::on("2026-08-20");
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    let plan = service.plan_on(&case_id).await;
    service
        .write(&plan, json!({ "sections": sections() }))
        .await
        .expect(201);
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let served = service
        .record(
            &assessment,
            json!({ "type": "draft_plan_served", "occurred_on": "2026-03-30" }),
        )
        .await
        .expect(201);
    assert_eq!(served.body["event"]["version"], 1);
    assert_eq!(service.standing(&plan).await, ["proposed"]);
    assert_eq!(service.seen_by_family(&case_id, &plan).await, [1]);

    service
        .write(&plan, json!({ "sections": amended(), "based_on_version": 1 }))
        .await
        .expect(201);
    let sent =
        json!({ "type": "final_plan_sent", "occurred_on": "2026-05-18", "missing_advice_reason": "Late." });
    service.record(&assessment, sent).await.expect(201);
    assert_eq!(service.standing(&plan).await, ["superseded", "final"]);

    let reviews = service.list("/v1/reviews").await;
    let review = format!("/v1/reviews/{}", reviews[0]["id"].as_str().unwrap());
    service
        .write(&plan, json!({ "sections": sections(), "based_on_version": 2 }))
        .await
        .expect(201);
    let notice = json!({ "type": "amendment_notice_sent", "occurred_on": "2026-06-15" });
    let notice = service.event_on(&review, notice).await.expect(201);
    assert_eq!(notice.body["event"]["version"], 3);
    assert_eq!(service.standing(&plan).await, ["superseded", "final", "proposed"]);
    let sent = json!({ "type": "amended_plan_sent", "occurred_on": "2026-07-20" });
    service.event_on(&review, sent).await.expect(201);
    assert_eq!(
        service.standing(&plan).await,
        ["superseded", "superseded", "amended"]
    );
    let difference = service
        .body(&format!("/v1/plans/{plan}/versions/3/difference"))
        .await;
    assert_eq!(difference["from"], 2);
}

#[actix_web::test]
async fn a_difference_reads_as_a_notice_of_amendments_must() {
    let service = Service::on("2026-02-20");
    let plan = service.plan_on(&service.case().await).await;
    service.three_versions(&plan).await;
    let uri = format!("/v1/plans/{plan}/versions");
    let difference = service
        .read(&format!("{uri}/2/difference?from=1"))
        .await
        .expect(200);
    assert_eq!(
        sentences(&difference),
        [
            "Section F, F1 is changed: the quantity, “30 minutes”, becomes “45 minutes”.",
            "Section F, F2 is added: “Reading scheme”.",
            "Section I is added: “mainstream primary school”.",
        ]
    );
    let changed = &difference.body["changes"][0];
    assert_eq!(
        changed["fields"][0],
        json!({ "field": "quantity", "before": "30 minutes", "after": "45 minutes", "words": [
            { "what": "removed", "text": "30" }, { "what": "added", "text": "45" }, { "what": "kept", "text": "minutes" }
        ] })
    );
    let back = service
        .read(&format!("{uri}/1/difference?from=2"))
        .await
        .expect(200);
    assert_eq!(
        each(back.body["changes"].as_array().unwrap(), "what"),
        ["changed", "removed", "removed"]
    );
    let itself = service
        .read(&format!("{uri}/2/difference?from=2"))
        .await
        .expect(200);
    assert_eq!(itself.body["changes"], json!([]));
    // Nothing is in force yet: it is compared with what it was written from, and the first is all new.
    let second = service.read(&format!("{uri}/2/difference")).await.expect(200);
    assert_eq!(second.body["from"], 1);
    let first = service.read(&format!("{uri}/1/difference")).await.expect(200);
    assert_eq!(first.body["from"], Value::Null);
    assert_eq!(sentences(&first)[0], "Section A is added: “I like maps”.");
    assert_eq!(
        service.read(&format!("{uri}/1/difference?from=9")).await.faults(),
        ["/from unknown_version"]
    );
}

#[actix_web::test]
async fn checks_name_every_gap_and_block_nothing() {
    let service = Service::on("2026-03-20");
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let asked = service
        .ask(
            &assessment,
            json!({ "requirement": "education", "requested_on": "2026-02-10" }),
        )
        .await
        .id();
    let plan = service.plan_on(&case_id).await;
    let mut lacking = sections();
    lacking["a"] = json!({ "child": "I like maps." });
    lacking["e"][0]["measure"] = Value::Null;
    lacking["f"][0]["frequency"] = Value::Null;
    lacking["k"] = json!([{ "advice_request_id": asked, "requirement": "education" }]);
    service
        .write(&plan, json!({ "sections": lacking }))
        .await
        .expect(201);
    let uri = format!("/v1/plans/{plan}/versions/1/checks");
    let told = |checks: &Value| -> Vec<String> {
        let gaps = checks["gaps"].as_array().unwrap().iter();
        gaps.map(|gap| {
            format!(
                "{} {}",
                gap["pointer"].as_str().unwrap(),
                gap["code"].as_str().unwrap()
            )
        })
        .collect()
    };
    let checks = service.body(&uri).await;
    assert_eq!(
        told(&checks),
        [
            "/a/family views_missing",
            "/b/1 special_educational_need_without_provision",
            "/e/0/measure outcome_without_measure",
            "/f/0/frequency provision_without_frequency",
            "/k/0 advice_not_accepted",
        ]
    );
    assert_eq!(
        checks["gaps"][1]["message"],
        "Section B, B2 is a need that no provision of Section F meets."
    );
    // The advice is accepted, and the plan is looked at as the one to be sent.
    let submission = json!({ "summary": "x", "authors": ["A"], "occurred_on": "2026-03-02" });
    service.acted(&asked, "submission", submission).await;
    service
        .acted(&asked, "acceptance", json!({ "occurred_on": "2026-03-03" }))
        .await;
    let checks = service.body(&format!("{uri}?as_final=true")).await;
    let last: Vec<String> = told(&checks).split_off(4);
    assert_eq!(
        (checks["as_final"].clone(), last),
        (json!(true), vec!["/i setting_missing".to_owned()])
    );
    service
        .write(&plan, json!({ "sections": {}, "based_on_version": 1 }))
        .await
        .expect(201);
    let empty = service.body(&format!("/v1/plans/{plan}/versions/2/checks")).await;
    assert!(
        told(&empty).contains(&"/k advice_not_reflected".to_owned()),
        "{empty}"
    );

    // With all of that it can be sent, and is then a final plan.
    let made = json!({ "type": "plan_made", "occurred_on": "2026-03-10", "version": 1 });
    service.plan_event(&plan, made).await.expect(201);
    assert_eq!(service.body(&uri).await["as_final"], true);

    // What is accepted after it was sent is for the version after it to reflect.
    let later = service
        .ask(
            &assessment,
            json!({ "requirement": "medical", "requested_on": "2026-02-10" }),
        )
        .await
        .id();
    let submission = json!({ "summary": "x", "authors": ["A"], "occurred_on": "2026-03-16" });
    service.acted(&later, "submission", submission).await;
    service
        .acted(&later, "acceptance", json!({ "occurred_on": "2026-03-17" }))
        .await;
    let lacks = async |version: u8| {
        let checks = service
            .body(&format!("/v1/plans/{plan}/versions/{version}/checks"))
            .await;
        told(&checks).contains(&"/k advice_not_reflected".to_owned())
    };
    assert_eq!((lacks(1).await, lacks(2).await), (false, true));
    let family = service.get(&service.family(&case_id), &uri).await;
    assert_eq!((family.status, family.code()), (403, "forbidden"));
}

#[actix_web::test]
async fn a_plan_that_has_ended_takes_no_further_version() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let plan = service.plan_on(&case_id).await;
    service
        .write(&plan, json!({ "sections": sections() }))
        .await
        .expect(201);
    let closure = json!({ "reason": "left_england", "occurred_on": "2026-02-19" });
    service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/closure"),
            closure,
        )
        .await
        .expect(201);
    let refused = service
        .write(&plan, json!({ "sections": amended(), "based_on_version": 1 }))
        .await;
    assert_eq!((refused.status, refused.code()), (409, "plan_ended"));
    assert_eq!(refused.body["state"], "closed");
    // What it said is still there.
    let kept = service.body(&format!("/v1/plans/{plan}/versions/1")).await;
    assert_eq!(kept["sections"]["b"][0]["id"], "B1");

    let withdrawn = service.plan_on(&service.case().await).await;
    let event = json!({ "type": "plan_draft_withdrawn", "occurred_on": "2026-02-10" });
    service.plan_event(&withdrawn, event).await.expect(201);
    let refused = service.write(&withdrawn, json!({ "sections": {} })).await;
    assert_eq!(
        (refused.code(), &refused.body["state"]),
        ("plan_ended", &json!("draft_withdrawn"))
    );
}

#[actix_web::test]
async fn versions_belong_to_their_plan() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let review = service
        .post(
            &service.caseworker(),
            "/v1/reviews",
            json!({ "case_id": case_id, "event": { "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" } }),
        )
        .await
        .expect(201)
        .id();
    let plan = service.plan_on(&case_id).await;
    service.three_versions(&plan).await;
    assert_eq!(
        service.write(&review, json!({ "sections": {} })).await.status,
        404
    );
    assert_eq!(
        service.read(&format!("/v1/plans/{review}/versions")).await.status,
        404
    );
    let stranger = service.stranger();
    for uri in [
        format!("/v1/plans/{plan}/versions"),
        format!("/v1/plans/{plan}/versions/1"),
        format!("/v1/plans/{plan}/versions/2/difference"),
        format!("/v1/plans/{plan}/versions/1/checks"),
    ] {
        assert_eq!(service.get(&stranger, &uri).await.status, 404, "{uri}");
    }
    let uri = format!("/v1/plans/{plan}/versions");
    let theirs = service
        .post(&stranger, &uri, json!({ "sections": {}, "based_on_version": 3 }))
        .await;
    assert_eq!(theirs.status, 404);
}

#[actix_web::test]
async fn what_was_sent_by_mistake_alone_is_not_for_a_family_however_it_asks() {
    let service = Service::on("2026-03-02");
    let case_id = service.case().await;
    let plan = service.plan_on(&case_id).await;
    service.three_versions(&plan).await;
    let made = json!({ "type": "plan_made", "occurred_on": "2026-03-02", "version": 3 });
    let made = service.plan_event(&plan, made).await.expect(201);
    service.set_today("2026-03-05");
    let correction = json!({ "type": "correction", "occurred_on": "2026-03-05", "reason": "The second was.", "changes": [{
        "supersedes": made.body["event"]["id"],
        "replacement": { "type": "plan_made", "occurred_on": "2026-03-02", "version": 2 }
    }] });
    service.plan_event(&plan, correction).await.expect(201);
    let family = service.family(&case_id);
    let versions = format!("/v1/plans/{plan}/versions");
    let then = "known_at=2026-03-03T12:00:00Z";
    for (actor, third, all) in [
        (&family, 404, json!([])),
        (&service.caseworker(), 200, json!([1, 2, 3])),
    ] {
        let read = service.get(actor, &format!("{versions}/3?{then}")).await;
        assert_eq!(read.status, third);
        let listed = service
            .get(actor, &format!("{versions}?{then}"))
            .await
            .expect(200);
        let numbers: Vec<&Value> = listed.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| &version["number"])
            .collect();
        assert_eq!(json!(numbers), all);
    }
    assert_eq!(service.get(&family, &format!("{versions}/2")).await.status, 200);
}
