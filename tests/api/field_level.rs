//! What of a record is shown to whom: identifiers, withheld addresses, the child of a request for advice, and what a
//! family sees of its own case.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use ehcp_timeline::http::document;
use serde_json::{Value, json};

use crate::authorisation::{fixture, operations};
use crate::clients::{ask, bearer, registered, secret_of};
use crate::harness::{Actor, Answer, Service};

const UPN: &str = "D885200024001";
const NHS_NUMBER: &str = "9990000018";
const ULN: &str = "1000000043";

async fn known(service: &Service) -> String {
    let identifiers = json!({ "upn": UPN, "nhs_number": NHS_NUMBER, "uln": ULN, "postcode": "WR5 2AB",
        "external_refs": [{ "system": "mosaic", "id": "104-77" }] });
    service.case_with(identifiers).await
}

#[actix_web::test]
async fn identifiers_are_shown_to_those_who_keep_cases() {
    let service = Service::on("2026-02-20");
    let uri = format!("/v1/cases/{}", known(&service).await);
    let fields = ["upn", "nhs_number", "uln", "postcode", "external_refs"];
    let shown = |body: &Value| fields.into_iter().filter(|field| !body[*field].is_null()).count();
    for role in [Role::Caseworker, Role::Manager] {
        let body = service.get(&service.actor(role), &uri).await.expect(200).body;
        assert_eq!((shown(&body), &body["masked"]), (5, &json!([])), "{role:?}");
    }
    for role in [Role::Auditor, Role::Admin] {
        let body = service.get(&service.actor(role), &uri).await.expect(200).body;
        assert_eq!((shown(&body), &body["masked"]), (0, &json!(fields)), "{role:?}");
    }
}

#[actix_web::test]
async fn what_is_not_shown_is_not_found_out_by_a_search() {
    let service = Service::on("2026-02-20");
    let case_id = known(&service).await;
    let search = async |actor: &Actor, by: Value| {
        let request = actor.request(Method::POST, "/v1/cases/search").set_json(by);
        service.send(request).await
    };
    let identifiers = [("upn", UPN), ("nhs_number", NHS_NUMBER), ("uln", ULN)];
    let by_reference = "/v1/cases?external_ref=mosaic:104-77";
    for role in [Role::Caseworker, Role::Manager, Role::Auditor, Role::Admin] {
        let actor = service.actor(role);
        let keeps_cases = [Role::Caseworker, Role::Manager].contains(&role);
        let mut answers = vec![service.get(&actor, by_reference).await];
        for (name, number) in identifiers {
            answers.push(search(&actor, json!({ name: number })).await);
        }
        for answer in answers {
            if keeps_cases {
                assert_eq!(answer.expect(200).body["items"][0]["id"], case_id, "{role:?}");
            } else {
                assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{role:?}");
                assert!(!answer.text.contains("Ada"));
            }
        }
        let by_name = search(&actor, json!({ "name": "Example" })).await;
        assert_eq!(by_name.expect(200).body["items"][0]["id"], case_id, "{role:?}");
    }
    // It is on the trail, as every refusal.
    service.app.write_readings().await.unwrap();
    let trail = service
        .get(&service.actor(Role::Auditor), "/v1/audit?action=search_cases")
        .await;
    let refused = trail.body["items"].as_array().unwrap().iter();
    assert_eq!(refused.filter(|entry| entry["outcome"] == "forbidden").count(), 6);
}

#[actix_web::test]
async fn a_withheld_address_is_shown_to_those_who_keep_cases_alone() {
    let service = Service::on("2026-02-20");
    let people = format!("/v1/cases/{}/people", service.case().await);
    let person = |withheld: bool| {
        json!({ "name": "A", "relationship": "mother", "parental_responsibility": true, "receives_notices": true,
            "address": "9 Hidden Lane", "address_withheld": withheld })
    };
    let caseworker = service.caseworker();
    for withheld in [true, false] {
        let added = service
            .post(&caseworker, &people, person(withheld))
            .await
            .expect(201);
        let uri = format!("{people}/{}", added.id());
        for keeper in [Role::Caseworker, Role::Manager] {
            let body = service.get(&service.actor(keeper), &uri).await.expect(200).body;
            assert_eq!(
                (&body["address"], &body["masked"]),
                (&json!("9 Hidden Lane"), &json!([]))
            );
        }
        for other in [Role::Auditor, Role::Admin] {
            let actor = service.actor(other);
            let body = service.get(&actor, &uri).await.expect(200).body;
            assert_eq!(
                (&body["address"], &body["masked"]),
                (&Value::Null, &json!(["address"])),
                "{other:?}: the home is not for them, withheld or not"
            );
            let listed = service.get(&actor, &people).await.expect(200).body;
            let items = listed["items"].as_array().unwrap();
            let own = items.iter().find(|item| item["id"] == body["id"]).unwrap();
            assert_eq!(own, &body, "the list says no more");
        }
    }
}

/// A system of the authority with every scope.
async fn system(service: &Service) -> Actor {
    let scopes = ["case:read", "case:write", "advice:read", "advice:submit", "admin"];
    let client_id = registered(service, json!({ "name": "Records", "scopes": scopes })).await;
    let (_, secret) = secret_of(service, &client_id).await;
    bearer(ask(service, &client_id, &secret, &[]).await)
}

#[actix_web::test]
async fn a_system_neither_reads_nor_undoes_a_withheld_address() {
    let service = Service::on("2026-02-20");
    let (system, keeper) = (system(&service).await, service.caseworker());
    let case = format!("/v1/cases/{}", known(&service).await);
    assert_eq!(service.get(&system, &case).await.body["postcode"], "WR5 2AB");
    let person = json!({ "name": "A", "relationship": "mother", "parental_responsibility": true,
        "receives_notices": true, "address": "9 Hidden Lane", "address_withheld": true });
    let people = format!("{case}/people");
    let uri = format!(
        "{people}/{}",
        service
            .post(&keeper, &people, person.clone())
            .await
            .expect(201)
            .id()
    );

    // Somebody's home is where the child's may be.
    for answer in [
        service.get(&system, &case).await,
        service
            .patch(&system, &case, 1, json!({ "ethnicity": "WBRI" }))
            .await,
    ] {
        let body = answer.expect(200).body;
        assert_eq!(
            (&body["postcode"], &body["masked"]),
            (&Value::Null, &json!(["postcode"]))
        );
        assert_eq!(body["upn"], UPN);
    }
    assert_eq!(
        service.body(&case).await["postcode"],
        "WR5 2AB",
        "it is still there"
    );

    let unseen = |answer: &Answer| {
        assert!(!answer.text.contains("Hidden"), "{}", answer.text);
        assert_eq!(answer.body["masked"], json!(["address"]));
    };
    unseen(&service.post(&system, &people, person).await.expect(201));
    let changed = service
        .patch(&system, &uri, 1, json!({ "language": "Welsh" }))
        .await;
    unseen(&changed.expect(200));
    for (change, faults) in [
        (
            json!({ "address_withheld": false }),
            vec!["/address_withheld staff_only"],
        ),
        (
            json!({ "address_withheld": null }),
            vec!["/address_withheld staff_only"],
        ),
        (json!({ "address": "1 Old Road" }), vec!["/address staff_only"]),
        // A right guess is answered as a wrong one.
        (json!({ "address": "9 Hidden Lane" }), vec!["/address staff_only"]),
        (
            json!({ "address": null, "address_withheld": false }),
            vec!["/address staff_only", "/address_withheld staff_only"],
        ),
    ] {
        let refused = service.patch(&system, &uri, 2, change.clone()).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (422, faults.iter().map(|fault| (*fault).to_owned()).collect()),
            "{change}"
        );
    }
    let kept = service.body(&uri).await;
    assert_eq!(
        (&kept["address"], &kept["address_withheld"], &kept["language"]),
        (&json!("9 Hidden Lane"), &json!(true), &json!("Welsh"))
    );
    let shown = service
        .patch(&keeper, &uri, 2, json!({ "address_withheld": false }))
        .await;
    assert_eq!(shown.expect(200).body["address"], "9 Hidden Lane");
    let withheld = json!({ "address": "1 Old Road", "address_withheld": true });
    let withheld = service.patch(&system, &uri, 3, withheld).await.expect(200);
    assert!(
        !withheld.text.contains("Old Road"),
        "what it withholds it reads no more"
    );
    assert_eq!(service.body(&uri).await["address"], "1 Old Road");
}

#[actix_web::test]
async fn no_write_answers_a_system_with_a_withheld_address() {
    let document = serde_json::to_value(document()).unwrap();
    let mut written = 0;
    for operation in operations() {
        let method = operation.method.to_lowercase();
        let scopes = &document["paths"][&operation.path][&method]["x-rights"]["scopes"];
        // What administrators write is about no case.
        let is_of_cases = |scope: &Value| scope != "admin";
        if method == "get"
            || !scopes
                .as_array()
                .is_some_and(|scopes| scopes.iter().any(is_of_cases))
        {
            continue;
        }
        let fixture = fixture().await;
        let service = &fixture.service;
        service.tamper("UPDATE cases SET postcode = 'WR5 2ZZ'");
        service.tamper("UPDATE people SET address = '9 Hidden Lane', address_withheld = TRUE");
        let answer = fixture.try_as(&operation, Some(&system(service).await)).await;
        for withheld in ["Hidden Lane", "WR5 2ZZ"] {
            assert!(
                !answer.text.contains(withheld),
                "{}: {}",
                operation.id,
                answer.text
            );
        }
        written += usize::from([200, 201].contains(&answer.status));
    }
    assert!(written >= 18, "{written}");
}

#[actix_web::test]
async fn who_gives_advice_sees_who_it_is_about_by_the_number_of_its_own_sector() {
    let service = Service::on("2026-02-20");
    let case_id = known(&service).await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    for (kind, requirement, nhs_number, upn, uln) in [
        ("health", "medical", json!(NHS_NUMBER), json!(null), json!(null)),
        ("school", "education", json!(null), json!(UPN), json!(null)),
        (
            "college",
            "preparation_for_adulthood",
            json!(null),
            json!(UPN),
            json!(ULN),
        ),
        (
            "social_care",
            "social_care",
            json!(null),
            json!(null),
            json!(null),
        ),
    ] {
        let organisation = service.organisation(kind, kind).await;
        let asked = json!({ "requirement": requirement, "organisation_id": organisation, "requested_on": "2026-02-12" });
        let uri = format!(
            "/v1/advice-requests/{}",
            service.ask(&assessment, asked).await.id()
        );
        let contributor = service.contributor(&organisation);
        let child = service.get(&contributor, &uri).await.expect(200).body["child"].clone();
        assert_eq!(
            (
                &child["given_name"],
                &child["nhs_number"],
                &child["upn"],
                &child["uln"]
            ),
            (&json!("Ada"), &nhs_number, &upn, &uln),
            "{kind}"
        );
        assert_eq!(
            service.read(&uri).await.body["child"],
            json!(null),
            "staff have the case"
        );
    }
}

#[actix_web::test]
async fn who_is_asked_instead_reads_nothing_that_came_from_who_was_asked_before() {
    let service = Service::on("2026-02-12");
    let case_id = service.case().await;
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let former = service.organisation("Family support", "social_care").await;
    let school = service.organisation("Hill Primary", "school").await;
    let asked = json!({ "requirement": "other", "organisation_id": former, "requested_on": "2026-02-12",
        "questions": "What helps?", "family_story": "She likes maps." });
    let request = service.ask(&assessment, asked).await.id();
    let uri = format!("/v1/advice-requests/{request}");
    let worker = service.contributor(&former);
    let submission = |summary: &str| json!({ "summary": summary, "content": "In full", "authors": ["W. Keeper"], "unmet_need": "Respite" });
    let claim = json!({ "ground": "missed_appointment", "from": "2026-02-12", "to": "2026-02-13",
        "evidence": "Left home in the night" });
    for (act, body) in [
        ("exceptions", claim.clone()),
        ("submission", submission("A refuge")),
    ] {
        service.act_on(&worker, &request, act, body).await.expect(201);
    }
    let returned = json!({ "reasons": ["other"], "comment": "Ask the school" });
    service.acted(&request, "return", returned.clone()).await;
    service
        .acted(&request, "redirection", json!({ "organisation_id": school }))
        .await;

    let teacher = service.contributor(&school);
    let clocks = "/v1/clocks?include=explanation";
    for place in [uri.as_str(), "/v1/advice-requests", clocks] {
        let answer = service.get(&teacher, place).await.expect(200);
        for secret in [
            "refuge",
            "In full",
            "Respite",
            "Keeper",
            "contributor-885",
            "Ask the school",
            "missed",
        ] {
            assert!(
                !answer.text.contains(secret),
                "{place} says {secret}: {}",
                answer.text
            );
        }
    }
    let own = service.get(&teacher, &uri).await.body;
    assert_eq!(
        (&own["submissions"], &own["clock"]["exceptions"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (&own["questions"], &own["family_story"]),
        (&json!("What helps?"), &json!("She likes maps.")),
        "what the authority asks goes with its request"
    );

    // Its own it reads, staff read all, and what each said comes back to it with the request.
    let own_claim = json!({ "ground": "personal_circumstances", "from": "2026-02-12", "to": "2026-02-13" });
    for (act, body) in [
        ("exceptions", own_claim),
        ("submission", submission("Sits at the front")),
    ] {
        let answer = service.act_on(&teacher, &request, act, body).await.expect(201);
        assert!(
            !answer.text.contains("refuge") && !answer.text.contains("missed"),
            "{act}"
        );
    }
    let summaries = |body: &Value| -> Vec<String> {
        let submissions = body["submissions"].as_array().unwrap();
        submissions
            .iter()
            .map(|one| one["summary"].as_str().unwrap().to_owned())
            .collect()
    };
    let grounds = |clock: &Value| -> Vec<Value> {
        let exceptions = clock["exceptions"].as_array().unwrap();
        exceptions.iter().map(|one| one["ground"].clone()).collect()
    };
    let own = service.get(&teacher, &uri).await.body;
    let all = service.body(&uri).await;
    assert_eq!(summaries(&own), ["Sits at the front"]);
    assert_eq!(summaries(&all), ["A refuge", "Sits at the front"]);
    let listed = service.pages(&teacher, clocks, 50).await;
    for clock in [&own["clock"], &listed[0]] {
        assert_eq!(grounds(clock), ["personal_circumstances"]);
    }
    assert_eq!(
        grounds(&all["clock"]),
        ["missed_appointment", "personal_circumstances"]
    );
    service.acted(&request, "return", returned).await;
    service
        .acted(&request, "redirection", json!({ "organisation_id": former }))
        .await;
    assert_eq!(
        summaries(&service.get(&worker, &uri).await.expect(200).body),
        ["A refuge"]
    );
}

#[actix_web::test]
async fn who_gives_advice_is_refused_by_its_own_request_alone() {
    let service = Service::on("2026-02-12");
    let trust = service.organisation("Trust", "health").await;
    let assessment = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let asked = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" });
    let request = service.ask(&assessment, asked).await.id();
    let contributor = service.contributor(&trust);
    let told = |refused: &Answer| {
        assert_eq!((refused.status, refused.code()), (409, "event_not_permitted"));
        for hidden in [
            "assessment",
            "assessing",
            "\"withdrawn\"",
            "permitted_events",
            "\"state\"",
            "procedure_id",
        ] {
            assert!(!refused.text.contains(hidden), "{hidden}: {}", refused.text);
        }
        (
            refused.body["request_state"].clone(),
            refused.body["permitted_acts"].clone(),
        )
    };
    service
        .act_on(&contributor, &request, "acknowledgement", json!({}))
        .await
        .expect(201);
    let again = service
        .act_on(&contributor, &request, "acknowledgement", json!({}))
        .await;
    let (state, acts) = told(&again);
    assert_eq!(state, "acknowledged");
    let acts = acts.as_array().unwrap();
    assert!(acts.contains(&json!("advice_submitted")), "{acts:?}");
    // The assessment is over, which is not the contributor's to know.
    let over = json!({ "type": "assessment_withdrawn", "occurred_on": "2026-02-12", "withdrawn_by": "parent",
        "reason": "x" });
    service.record(&assessment, over).await.expect(201);
    service.set_today("2026-02-13");
    let declined = json!({ "ground": "no_capacity", "reasons": "x" });
    let refused = service
        .act_on(&contributor, &request, "declination", declined.clone())
        .await;
    assert_eq!(told(&refused), (json!("acknowledged"), json!([])));
    let of_staff = service
        .act_on(&service.caseworker(), &request, "declination", declined)
        .await;
    assert_eq!(
        (of_staff.status, &of_staff.body["state"]),
        (409, &json!("withdrawn"))
    );
}

async fn person(service: &Service, case_id: &str, fields: Value) -> (String, Actor) {
    let mut body = json!({ "name": "A", "relationship": "parent", "parental_responsibility": false,
        "receives_notices": false });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let people = format!("/v1/cases/{case_id}/people");
    let id = service
        .post(&service.caseworker(), &people, body)
        .await
        .expect(201)
        .id();
    let actor = service.family_member(case_id, &id);
    (format!("{people}/{id}"), actor)
}

#[actix_web::test]
async fn while_a_parent_decides_parents_see_the_case() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let uri = format!(
        "/v1/assessments/{}",
        service.assessment_on(&case_id, "2026-01-05").await
    );
    for (fields, status) in [
        (json!({ "parental_responsibility": true }), 200),
        (
            json!({ "relationship": "foster_carer", "receives_notices": true }),
            200,
        ),
        (json!({ "relationship": "young_person" }), 200),
        (json!({ "relationship": "grandparent" }), 404),
        (
            json!({ "relationship": "grandparent", "young_person_allows_from_on": "2026-01-01" }),
            404,
        ),
    ] {
        let (_, actor) = person(&service, &case_id, fields.clone()).await;
        assert_eq!(service.get(&actor, &uri).await.status, status, "{fields}");
        let clocks = service.get(&actor, "/v1/clocks").await.expect(200).body;
        assert_eq!(clocks["items"] == json!([]), status == 404, "{fields}");
    }
    let elsewhere = service.case().await;
    let (_, parent) = person(&service, &elsewhere, json!({ "parental_responsibility": true })).await;
    assert_eq!(service.get(&parent, &uri).await.status, 404, "of another case");
    let nobody = service.family_member(&case_id, &elsewhere);
    assert_eq!(service.get(&nobody, &uri).await.status, 404, "nobody of the case");
}

#[actix_web::test]
async fn once_the_young_person_decides_parents_see_what_they_allow() {
    let service = Service::on("2026-02-20");
    let case_id = service.case_with(json!({ "date_of_birth": "2009-03-01" })).await;
    let uri = format!(
        "/v1/assessments/{}",
        service.assessment_on(&case_id, "2026-01-05").await
    );
    let (_, young_person) = person(&service, &case_id, json!({ "relationship": "young_person" })).await;
    let (mother_uri, mother) = person(&service, &case_id, json!({ "parental_responsibility": true })).await;
    assert_eq!(service.get(&young_person, &uri).await.status, 200);
    assert_eq!(service.get(&mother, &uri).await.status, 404);
    assert_eq!(
        service.get(&service.family(&case_id), &uri).await.status,
        404,
        "it does not say who"
    );
    let allowed = json!({ "young_person_allows_from_on": "2026-02-21" });
    service
        .patch(&service.caseworker(), &mother_uri, 1, allowed)
        .await
        .expect(200);
    assert_eq!(service.get(&mother, &uri).await.status, 404, "from tomorrow");
    service.set_today("2026-02-21");
    assert_eq!(service.get(&mother, &uri).await.status, 200);
    let withdrawn = json!({ "young_person_allows_from_on": null });
    service
        .patch(&service.caseworker(), &mother_uri, 2, withdrawn)
        .await
        .expect(200);
    assert_eq!(service.get(&mother, &uri).await.status, 404);
    let decides = json!({ "is_decision_maker_from_on": "2026-02-21" });
    service
        .patch(&service.caseworker(), &mother_uri, 3, decides)
        .await
        .expect(200);
    assert_eq!(
        service.get(&mother, &uri).await.status,
        200,
        "for want of capacity she decides"
    );
}
