//! Disposal: lists that somebody makes and somebody else reviews, and cases of which only the fact is left.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Actor, Answer, Service, each};

pub const LISTS: &str = "/v1/disposal-lists";
const NOBODY: &str = "019b0000-0000-7000-8000-00000000dead";

impl Service {
    /// Who reviews what the harness's manager has made.
    pub fn reviewer(&self) -> Actor {
        self.actor_of_subject("reviewer", Role::Manager)
    }

    /// A closed case of somebody born long ago enough, and its id.
    pub async fn due_case(&self, date_of_birth: &str) -> String {
        let case_id = self.case_with(json!({ "date_of_birth": date_of_birth })).await;
        self.close(&case_id, "2026-02-02").await;
        case_id
    }

    pub async fn make_list(&self, limit: usize) -> Answer {
        let body = json!({ "limit": limit });
        self.post(&self.actor(Role::Manager), LISTS, body).await
    }

    pub async fn act_on_list(&self, actor: &Actor, list_id: &str, act: &str, body: Value) -> Answer {
        let uri = format!("{LISTS}/{list_id}");
        let version = self.get(actor, &uri).await.expect(200).version();
        self.act(actor, &format!("{uri}/{act}"), version, body).await
    }

    /// Makes a list of what is due and has it reviewed; gives its id.
    pub async fn reviewed_list(&self) -> String {
        let list = self.make_list(100).await.expect(201).id();
        self.act_on_list(&self.reviewer(), &list, "review", json!({ "keep": [] }))
            .await
            .expect(200);
        list
    }

    pub async fn dispose(&self, list_id: &str) -> Answer {
        self.act_on_list(&self.actor(Role::Manager), list_id, "disposal", json!({}))
            .await
    }
}

/// What becomes of each case of a list, as `decision kept_because`.
fn decisions(list: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| format!("{} {}", text(&item["decision"]), text(&item["kept_because"])))
        .collect()
}

fn case_ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| item["case_id"].as_str().unwrap().to_owned())
        .collect()
}

#[actix_web::test]
async fn a_list_holds_the_oldest_that_are_due_and_no_case_is_on_two() {
    let service = Service::on("2026-02-20");
    service.case_with(json!({ "date_of_birth": "1970-01-01" })).await;
    service.due_case("1995-02-20").await;
    let none = service.make_list(10).await;
    assert_eq!(
        (none.status, none.code()),
        (409, "nothing_due"),
        "one is open, the other is kept to the end of today"
    );
    let youngest = service.due_case("1995-02-19").await;
    let oldest = service.due_case("1980-05-17").await;
    let middle = service.due_case("1990-05-17").await;
    let first = service.make_list(2).await.expect(201);
    assert_eq!(
        (first.version(), &first.body["state"], &first.body["made_by"]),
        (1, &json!("made"), &json!("manager-885"))
    );
    let mut expected = [oldest.clone(), middle];
    expected.sort();
    assert_eq!(case_ids(&first.body), expected);
    let of_oldest = first.body["items"].as_array().unwrap().iter();
    let of_oldest = of_oldest
        .into_iter()
        .find(|item| item["case_id"] == json!(oldest));
    let of_oldest = of_oldest.unwrap();
    assert_eq!(
        (&of_oldest["dispose_after_on"], &of_oldest["rule"]),
        (
            &json!("2011-05-17"),
            &json!("Every case is kept for 31 years from the date of birth.")
        )
    );
    let second = service.make_list(10).await.expect(201);
    assert_eq!(case_ids(&second.body), [youngest]);
    assert_eq!(service.make_list(10).await.code(), "nothing_due");
    let auditor = service.actor(Role::Auditor);
    let listed = service.pages(&auditor, LISTS, 1).await;
    assert_eq!(each(&listed, "id"), [&first.body["id"], &second.body["id"]]);
    let read = service
        .get(&auditor, &format!("{LISTS}/{}", first.id()))
        .await
        .expect(200);
    assert_eq!(read.body, first.body);
    for limit in [0, 101] {
        assert_eq!(service.make_list(limit).await.faults(), ["/limit out_of_range"]);
    }
}

#[actix_web::test]
async fn those_that_are_due_are_found_behind_many_that_are_not() {
    let service = Service::on("2026-02-20");
    // More than are looked at together.
    let seeded = service.due_case("1951-01-01").await;
    let insert = |number: u32| {
        let id = format!("01890000-0000-7000-8000-{number:012x}");
        format!(
            "INSERT INTO cases (id, la_code, reference, given_name, family_name, given_name_folded, family_name_folded, \
             date_of_birth, needs, looked_after, external_refs, closed_on, version, created_at, updated_at) \
             SELECT '{id}', la_code, 'EHC-2222-{number:04}', given_name, family_name, given_name_folded, \
             family_name_folded, '1950-01-01', needs, NOT looked_after, external_refs, closed_on, version, created_at, updated_at \
             FROM cases WHERE id = '{seeded}';"
        )
    };
    let many: String = (0..450).map(insert).collect();
    service.tamper(&many);
    let rules = json!([
        { "applies_to": "every_case", "counted_from": "date_of_birth", "years": 31 },
        { "applies_to": "looked_after", "counted_from": "date_of_birth", "years": 100 },
    ]);
    service.keep_by(rules).await;
    assert_eq!(case_ids(&service.make_list(10).await.expect(201).body), [seeded]);
    // Without a rule that says from which birth on nobody can be due, too.
    let by_closure = json!([{ "applies_to": "looked_after", "counted_from": "closure", "years": 1 }]);
    service.keep_by(by_closure).await;
    assert_eq!(service.make_list(10).await.code(), "nothing_due");
    service.set_today("2027-02-03");
    assert_eq!(
        case_ids(&service.make_list(100).await.expect(201).body).len(),
        100
    );
}

#[actix_web::test]
async fn somebody_else_reviews_and_every_step_is_taken_once() {
    let service = Service::on("2026-02-20");
    let (goes, stays) = (
        service.due_case("1980-05-17").await,
        service.due_case("1981-05-17").await,
    );
    let list = service.make_list(10).await.expect(201).id();
    let (maker, reviewer) = (service.actor(Role::Manager), service.reviewer());
    let uri = |act: &str| format!("{LISTS}/{list}/{act}");
    let keep = json!({ "keep": [{ "case_id": stays, "reason": "a sibling asked for it" }] });

    let own = service.act(&maker, &uri("review"), 1, keep.clone()).await;
    assert_eq!((own.status, own.code()), (409, "own_list"));
    let early = service.act(&reviewer, &uri("disposal"), 1, json!({})).await;
    assert_eq!(
        (early.status, early.code(), &early.body["state"]),
        (409, "disposal_list_state", &json!("made"))
    );
    let unknown = json!({ "keep": [
        { "case_id": NOBODY, "reason": "x" }, { "case_id": stays, "reason": "x" },
        { "case_id": stays, "reason": "y" }, { "case_id": list, "reason": "x" },
    ] });
    let faults = service
        .act(&reviewer, &uri("review"), 1, unknown)
        .await
        .expect(422)
        .faults();
    assert_eq!(
        faults,
        [
            "/keep/0/case_id not_on_the_list",
            "/keep/2/case_id repeated",
            "/keep/3/case_id not_on_the_list",
        ]
    );
    let stale = service.act(&reviewer, &uri("review"), 2, keep.clone()).await;
    assert_eq!((stale.status, &stale.body["current_version"]), (412, &json!(1)));
    let reviewed = service
        .act(&reviewer, &uri("review"), 1, keep.clone())
        .await
        .expect(200);
    assert_eq!(reviewed.version(), 2);
    assert_eq!(decisions(&reviewed.body), ["dispose -", "keep reviewer"]);
    assert_eq!(reviewed.body["items"][1]["kept_reason"], "a sibling asked for it");
    let twice = service.act(&reviewer, &uri("review"), 2, keep).await;
    assert_eq!(
        (twice.code(), &twice.body["state"]),
        ("disposal_list_state", &json!("reviewed"))
    );

    let stale = service.act(&maker, &uri("disposal"), 1, json!({})).await;
    assert_eq!(stale.code(), "stale_version");
    let key = crate::harness::new_key();
    let carry_out = || {
        let request = maker.request(Method::POST, &uri("disposal"));
        let request = request.insert_header(key.clone());
        request
            .insert_header(crate::harness::if_match(2))
            .set_json(json!({}))
    };
    let done = service.send(carry_out()).await.expect(200);
    let again = service.send(carry_out()).await.expect(200);
    assert_eq!(again.text, done.text, "the first answer comes again");
    assert_eq!((done.version(), &done.body["state"]), (3, &json!("carried_out")));
    let items = done.body["items"].as_array().unwrap();
    assert_eq!(
        each(items, "dispose_after_on"),
        [&Value::Null, &json!("2012-05-17")],
        "what was disposed of tells no date of birth"
    );
    assert!(items[0]["disposed_at"].is_string() && items[1]["disposed_at"].is_null());
    let over = service.act(&maker, &uri("disposal"), 3, json!({})).await;
    assert_eq!(
        (over.code(), &over.body["state"]),
        ("disposal_list_state", &json!("carried_out"))
    );

    service.read(&format!("/v1/cases/{goes}")).await.expect(404);
    service.read(&format!("/v1/cases/{stays}")).await.expect(200);
    let next = service.make_list(10).await.expect(201);
    assert_eq!(
        case_ids(&next.body),
        [stays.as_str()],
        "what was kept may be on a list again"
    );
    let of_both = json!([
        { "list_id": list, "decision": "keep", "kept_because": "reviewer", "kept_reason": "a sibling asked for it" },
        { "list_id": next.id(), "decision": null, "kept_because": null, "kept_reason": null },
    ]);
    assert_eq!(service.retention(&stays).await["disposal_lists"], of_both);
}

#[actix_web::test]
async fn what_the_reviewer_cannot_see_is_kept() {
    let service = Service::on("2026-02-20");
    let (open, sealed) = (
        service.due_case("1980-05-17").await,
        service.due_case("1981-05-17").await,
    );
    let maker = service.actor(Role::Manager);
    let seal = json!({ "ground": "adoption" });
    let uri = format!("/v1/cases/{sealed}/seal");
    service.post(&maker, &uri, seal).await.expect(201);
    let reviewer = service.reviewer();
    let none = service
        .post(&reviewer, LISTS, json!({ "limit": 1 }))
        .await
        .expect(201);
    assert_eq!(case_ids(&none.body), [open], "who does not see it lists it not");
    let list = service.make_list(10).await.expect(201);
    assert_eq!(case_ids(&list.body), std::slice::from_ref(&sealed));
    let seen = service
        .get(&reviewer, &format!("{LISTS}/{}", list.id()))
        .await
        .expect(200);
    assert_eq!(seen.body["items"], json!([]));
    let naming = json!({ "keep": [{ "case_id": sealed, "reason": "x" }] });
    let refused = service.act_on_list(&reviewer, &list.id(), "review", naming).await;
    assert_eq!(refused.faults(), ["/keep/0/case_id not_on_the_list"]);
    service
        .act_on_list(&reviewer, &list.id(), "review", json!({ "keep": [] }))
        .await
        .expect(200);
    let done = service.dispose(&list.id()).await.expect(200);
    assert_eq!(decisions(&done.body), ["keep not_seen"]);
    service
        .get(&maker, &format!("/v1/cases/{sealed}"))
        .await
        .expect(200);
}

#[actix_web::test]
async fn each_case_is_judged_again_when_a_list_is_carried_out() {
    let service = Service::on("2026-02-20");
    let held = service.due_case("1980-05-17").await;
    let younger = service.due_case("1981-05-17").await;
    let hidden = service.due_case("1982-05-17").await;
    let goes = service.due_case("1983-05-17").await;
    let list = service.reviewed_list().await;
    service.hold(&held, "a claim for damages").await;
    let uri = format!("/v1/cases/{younger}");
    let change = json!({ "date_of_birth": "2001-05-17" });
    service
        .patch(&service.caseworker(), &uri, 2, change)
        .await
        .expect(200);
    let seal = json!({ "ground": "staff_child" });
    let uri = format!("/v1/cases/{hidden}/seal");
    service.post(&service.reviewer(), &uri, seal).await.expect(201);
    let done = service.dispose(&list).await.expect(200);
    assert_eq!(
        decisions(&done.body),
        ["keep legal_hold", "keep not_due", "dispose -"],
        "and what is sealed from who carries it out is not there"
    );
    let whole = service
        .get(&service.reviewer(), &format!("{LISTS}/{list}"))
        .await
        .expect(200);
    assert_eq!(
        decisions(&whole.body),
        ["keep legal_hold", "keep not_due", "keep not_seen", "dispose -"]
    );
    service.read(&format!("/v1/cases/{goes}")).await.expect(404);

    let last = service.due_case("1984-05-17").await;
    let list = service.reviewed_list().await;
    service.keep_by(json!([])).await;
    let done = service.dispose(&list).await.expect(200);
    assert_eq!(decisions(&done.body), ["keep no_rule"], "by the rules of today");
    service.read(&format!("/v1/cases/{last}")).await.expect(200);
}

#[actix_web::test]
async fn the_fact_of_a_disposal_is_found_by_the_reference() {
    let service = Service::on("2026-02-20");
    let mut references = Vec::new();
    for born in ["1980-05-17", "1981-05-17", "1982-05-17"] {
        let case_id = service.due_case(born).await;
        references.push(service.body(&format!("/v1/cases/{case_id}")).await["reference"].clone());
    }
    let list = service.reviewed_list().await;
    service.dispose(&list).await.expect(200);
    let auditor = service.actor(Role::Auditor);
    let all = service.pages(&auditor, "/v1/disposals", 2).await;
    assert_eq!(all.len(), 3);
    let found = format!("/v1/disposals?reference={}", references[1].as_str().unwrap());
    let found = service.get(&auditor, &found).await.expect(200).body["items"].clone();
    let only = &found.as_array().unwrap()[..];
    assert_eq!(only.len(), 1);
    assert_eq!(
        (
            &only[0]["reference"],
            &only[0]["list_id"],
            &only[0]["disposed_by"]
        ),
        (&references[1], &json!(list), &json!("manager-885"))
    );
    assert_eq!(
        (&only[0]["disposed_at"], &only[0]["rule"]),
        (
            &json!("2026-02-20T12:00:00Z"),
            &json!("Every case is kept for 31 years from the date of birth.")
        )
    );
    let unknown = service
        .get(&auditor, "/v1/disposals?reference=EHC-2222-2222")
        .await;
    assert_eq!(unknown.expect(200).body["items"], json!([]));
    let elsewhere = service.actor_of("330", Role::Auditor, None, None);
    let there = service.get(&elsewhere, "/v1/disposals").await;
    assert_eq!(there.expect(200).body["items"], json!([]));
}

#[actix_web::test]
async fn of_a_hold_and_a_disposal_at_once_one_wins() {
    let service = Service::on("2026-02-20");
    for round in 0..8 {
        let case_id = service.due_case("1980-05-17").await;
        let list = service.reviewed_list().await;
        let acts = [
            (format!("{LISTS}/{list}/disposal"), json!({})),
            (
                format!("/v1/cases/{case_id}/legal-holds"),
                json!({ "reason": "x" }),
            ),
        ];
        let answers = at_once(&service, 2, async |service, number| {
            let (uri, body) = acts[(number + round) % 2].clone();
            service.act(&service.actor(Role::Manager), &uri, 2, body).await
        });
        let (disposal, hold) = (&answers[round % 2], &answers[(round + 1) % 2]);
        let told = decisions(&disposal.clone().expect(200).body);
        let is_there = service.read(&format!("/v1/cases/{case_id}")).await.status;
        match hold.status {
            201 => assert_eq!((told, is_there), (vec!["keep legal_hold".to_owned()], 200)),
            status => assert_eq!((status, told, is_there), (404, vec!["dispose -".to_owned()], 404)),
        }
    }
}

#[actix_web::test]
async fn whoever_acts_on_a_case_while_it_is_disposed_of_finds_nothing() {
    let service = Service::on("2026-02-20");
    for _ in 0..4 {
        let case_id = service.case_with(json!({ "date_of_birth": "1980-05-17" })).await;
        let person = json!({ "name": "A", "relationship": "mother", "parental_responsibility": true, "receives_notices": true });
        let people = format!("/v1/cases/{case_id}/people");
        let person = service
            .post(&service.caseworker(), &people, person)
            .await
            .expect(201)
            .id();
        let assessment = service.assessment_on(&case_id, "2026-01-05").await;
        service.decide_to_assess(&assessment, "2026-01-20").await;
        let asked = json!({ "requirement": "medical", "requested_on": "2026-01-22" });
        let request = service.ask(&assessment, asked).await.id();
        let version = service
            .read(&format!("/v1/advice-requests/{request}"))
            .await
            .version();
        service.close(&case_id, "2026-02-02").await;
        let seal = json!({ "ground": "adoption" });
        let manager = service.actor(Role::Manager);
        service
            .post(&manager, &format!("/v1/cases/{case_id}/seal"), seal)
            .await
            .expect(201);
        let reviewer = json!({ "subject": "reviewer", "reason": "x" });
        let grants = format!("/v1/cases/{case_id}/grants");
        service
            .post(&manager, &grants, reviewer.clone())
            .await
            .expect(201);
        let reference =
            service.get(&manager, &format!("/v1/cases/{case_id}")).await.body["reference"].clone();
        let list = service.reviewed_list().await;
        let answers = at_once(&service, 6, async |service, number| {
            let manager = service.actor(Role::Manager);
            match number {
                0 => {
                    service
                        .act(&manager, &format!("{LISTS}/{list}/disposal"), 2, json!({}))
                        .await
                }
                1 => {
                    service
                        .patch(
                            &manager,
                            &format!("/v1/cases/{case_id}"),
                            2,
                            json!({ "caseworker": "me" }),
                        )
                        .await
                }
                2 => {
                    service
                        .patch(
                            &manager,
                            &format!("{people}/{person}"),
                            1,
                            json!({ "language": "Welsh" }),
                        )
                        .await
                }
                3 => {
                    let submission = json!({ "summary": "x", "authors": ["A"] });
                    let uri = format!("/v1/advice-requests/{request}/submission");
                    service.act(&manager, &uri, version + 1, submission).await
                }
                4 => service.post(&manager, &grants, reviewer.clone()).await,
                _ => {
                    let breaking = json!({ "reference": reference, "reason": "the child is in hospital" });
                    service
                        .post(&service.caseworker(), "/v1/break-glass-readings", breaking)
                        .await
                }
            }
        });
        assert_eq!(decisions(&answers[0].clone().expect(200).body), ["dispose -"]);
        for answer in &answers[1..] {
            assert!(
                [200, 201, 404, 409, 412].contains(&answer.status),
                "{}: {}",
                answer.status,
                answer.text
            );
        }
        for (table, owner) in [
            ("people", "case_id"),
            ("case_grants", "case_id"),
            ("procedures", "case_id"),
            ("cases", "id"),
        ] {
            assert_eq!(
                service.count(&format!("{table} WHERE {owner} = '{case_id}'")),
                0,
                "{table}"
            );
        }
    }
}

#[actix_web::test]
async fn two_who_make_lists_at_once_share_no_case() {
    let service = Service::on("2026-02-20");
    for _ in 0..6 {
        service.due_case("1980-05-17").await;
    }
    let answers = at_once(&service, 4, async |service, _| service.make_list(2).await);
    let mut listed: Vec<String> = Vec::new();
    for answer in answers {
        match answer.status {
            201 => listed.extend(case_ids(&answer.body)),
            status => assert_eq!((status, answer.code()), (409, "nothing_due")),
        }
    }
    assert_eq!(listed.len(), 6);
    listed.sort();
    listed.dedup();
    assert_eq!(listed.len(), 6);
}
