//! Sealed cases: for whom they exist, and what becomes of a broken glass.

use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Actor, Service};
use crate::stranger::{Seeded, look_everywhere, seed};

const WHY: &str = "the child is in hospital tonight";

async fn seal(service: &Service, manager: &Actor, case_id: &str) {
    let ground = json!({ "ground": "witness_protection", "note": "ask the police liaison" });
    service
        .post(manager, &format!("/v1/cases/{case_id}/seal"), ground)
        .await
        .expect(201);
}

async fn reference_of(service: &Service, case_id: &str) -> Value {
    service.body(&format!("/v1/cases/{case_id}")).await["reference"].clone()
}

#[actix_web::test]
async fn a_sealed_case_leaves_no_trace_for_those_it_is_not_open_to() {
    let Seeded {
        service,
        case_id,
        needles,
        organisation_id,
    } = seed().await;
    let (manager, caseworker) = (service.actor(Role::Manager), service.caseworker());
    let others = [
        caseworker,
        service.actor(Role::Auditor),
        service.admin(),
        service.actor_of_subject("another", Role::Manager),
        service.contributor(&organisation_id),
    ];
    for actor in &others {
        let found = look_everywhere(&service, actor, &needles).await;
        assert!(
            !found.is_empty(),
            "before it is sealed, everybody finds something"
        );
    }
    seal(&service, &manager, &case_id).await;
    for actor in &others {
        let mut found = look_everywhere(&service, actor, &needles).await;
        // The trail names records by their ids, for auditors alone: what is done on sealed cases is seen there.
        found.retain(|told| !(told.starts_with("list_audit_entries") && told.matches('-').count() == 4));
        assert_eq!(found, [] as [String; 0]);
    }
    let found = look_everywhere(&service, &service.family(&case_id), &needles).await;
    assert_eq!(
        found,
        [] as [String; 0],
        "somebody of the family, of whom nobody says who"
    );
    let found = look_everywhere(&service, &manager, &needles).await;
    assert!(!found.is_empty(), "who sealed it still finds it");
}

#[actix_web::test]
async fn a_claimed_identifier_does_not_tell_of_a_sealed_case() {
    let Seeded { service, case_id, .. } = seed().await;
    let body = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01", "nhs_number": "9990000018" });
    let taken = service
        .post(&service.caseworker(), "/v1/cases", body.clone())
        .await;
    assert_eq!((taken.status, &taken.body["existing_id"]), (409, &json!(case_id)));
    seal(&service, &service.actor(Role::Manager), &case_id).await;
    let taken = service.post(&service.caseworker(), "/v1/cases", body).await;
    assert_eq!((taken.status, taken.body.get("existing_id")), (409, None));
}

#[actix_web::test]
async fn a_sealed_case_is_open_as_long_as_a_grant_holds() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let (uri, grants) = (
        format!("/v1/cases/{case_id}"),
        format!("/v1/cases/{case_id}/grants"),
    );
    seal(&service, &manager, &case_id).await;
    assert_eq!(service.read(&uri).await.status, 404);
    let body =
        json!({ "subject": "caseworker-885", "reason": "keeps it", "until_at": "2026-02-22T00:00:00Z" });
    let grant = service.post(&manager, &grants, body).await.expect(201).id();
    assert_eq!(service.read(&uri).await.status, 200);
    service.set_today("2026-02-22");
    assert_eq!(service.read(&uri).await.status, 404, "it held until midnight");
    let body = json!({ "subject": "caseworker-885", "reason": "keeps it" });
    let second = service.post(&manager, &grants, body).await.expect(201).id();
    assert_eq!(service.read(&uri).await.status, 200);
    let ending = format!("{grants}/{second}/ending");
    service.post(&manager, &ending, json!({})).await.expect(200);
    assert_eq!(service.read(&uri).await.status, 404);
    let seal = service
        .get(&manager, &format!("{uri}/seal"))
        .await
        .expect(200)
        .body;
    let ids: Vec<&Value> = seal["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["id"])
        .collect();
    assert!(
        ids.contains(&&json!(grant)) && ids.contains(&&json!(second)),
        "nothing is forgotten: {seal}"
    );
    let unsealing = format!("{uri}/unsealing");
    service.post(&manager, &unsealing, json!({})).await.expect(200);
    assert_eq!(service.read(&uri).await.status, 200);
}

#[actix_web::test]
async fn a_grant_names_all_its_faults() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    seal(&service, &manager, &case_id).await;
    let grants = format!("/v1/cases/{case_id}/grants");
    let body = json!({ "organisation_id": case_id, "reason": "x", "until_at": "2026-02-19T00:00:00Z" });
    assert_eq!(
        service.post(&manager, &grants, body).await.faults(),
        ["/organisation_id unknown_organisation", "/until_at in_the_past"]
    );
    let both = json!({ "organisation_id": case_id, "subject": "somebody", "reason": "x" });
    assert_eq!(service.post(&manager, &grants, both).await.faults(), [" one_of"]);
}

#[actix_web::test]
async fn a_broken_glass_lets_in_for_an_hour_and_is_seen_by_others() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let (uri, reference) = (
        format!("/v1/cases/{case_id}"),
        reference_of(&service, &case_id).await,
    );
    seal(&service, &manager, &case_id).await;
    let breaking = json!({ "reference": reference, "reason": WHY });
    let broken = service
        .post(
            &service.caseworker(),
            "/v1/break-glass-readings",
            breaking.clone(),
        )
        .await
        .expect(201);
    assert_eq!(broken.body["case_id"], json!(case_id));
    let shown = service.read(&uri).await.expect(200);
    assert_eq!(shown.body["flags"][0]["code"], "glass_broken");
    assert_eq!(shown.body["flags"][0]["whose_move"], "local_authority");
    let listed = service
        .get(&manager, "/v1/cases?flag=glass_broken")
        .await
        .expect(200);
    assert_eq!(listed.body["items"][0]["id"], json!(case_id));
    let auditor = service.actor(Role::Auditor);
    let readings = "/v1/break-glass-readings?is_reviewed=false";
    let seen = service.get(&auditor, readings).await.expect(200).body;
    assert_eq!(
        (&seen["items"][0]["subject"], &seen["items"][0]["reason"]),
        (&json!("caseworker-885"), &json!(WHY))
    );
    service.set_now("2026-02-20T13:00:00Z");
    assert_eq!(service.read(&uri).await.status, 404, "an hour has passed");
    let review = format!("/v1/break-glass-readings/{}/review", broken.id());
    let reviewed = service.post(&manager, &review, json!({})).await.expect(200);
    assert_eq!(reviewed.body["reviewed_by"], "manager-885");
    assert_eq!(service.get(&auditor, readings).await.body["items"], json!([]));
    assert_eq!(service.get(&manager, &uri).await.body["flags"], json!([]));
}

#[actix_web::test]
async fn the_glass_is_broken_only_where_there_is_one() {
    let service = Service::on("2026-02-20");
    let case_id = service.case().await;
    let open = json!({ "reference": reference_of(&service, &case_id).await, "reason": WHY });
    let caseworker = service.caseworker();
    let refused = service.post(&caseworker, "/v1/break-glass-readings", open).await;
    assert_eq!(refused.faults(), [" not_sealed"]);
    let unknown = json!({ "reference": "EHC-2222-2222", "reason": WHY });
    let refused = service
        .post(&caseworker, "/v1/break-glass-readings", unknown)
        .await;
    assert_eq!(refused.status, 404);
    let brief = json!({ "reference": "EHC-2222-2222", "reason": "urgent" });
    let refused = service.post(&caseworker, "/v1/break-glass-readings", brief).await;
    assert_eq!(refused.faults(), ["/reason too_short"]);
}

#[actix_web::test]
async fn who_ends_an_opening_and_who_reviews_it_do_not_undo_each_other() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let reference = reference_of(&service, &case_id).await;
    seal(&service, &manager, &case_id).await;
    for hour in 0..8 {
        let ended_at = format!("2026-02-21T1{hour}:01:00Z");
        service.set_now(&format!("2026-02-21T1{hour}:00:00Z"));
        let reader = service.actor_of_subject("reader", Role::Caseworker);
        let breaking = json!({ "reference": reference, "reason": WHY });
        let broken = service.post(&reader, "/v1/break-glass-readings", breaking).await;
        let id = broken.expect(201).id();
        service.set_now(&ended_at);
        let acts = [
            format!("/v1/cases/{case_id}/grants/{id}/ending"),
            format!("/v1/break-glass-readings/{id}/review"),
        ];
        at_once(&service, 2, async |service, number| {
            let manager = service.actor(Role::Manager);
            service.post(&manager, &acts[number], json!({})).await.expect(200)
        });
        let seal = service.get(&manager, &format!("/v1/cases/{case_id}/seal")).await;
        let grants = seal.expect(200).body["grants"].clone();
        let own = grants.as_array().unwrap().iter().find(|grant| grant["id"] == id);
        let own = own.unwrap();
        assert_eq!(
            (&own["until_at"], &own["reviewed_by"]),
            (&json!(ended_at), &json!("manager-885"))
        );
    }
}

#[actix_web::test]
async fn an_opening_ends_with_the_seal() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let uri = format!("/v1/cases/{case_id}");
    seal(&service, &manager, &case_id).await;
    let grant = json!({ "subject": "caseworker-885", "reason": "keeps it" });
    let grants = format!("{uri}/grants");
    service.post(&manager, &grants, grant.clone()).await.expect(201);
    service.set_now("2026-02-20T13:00:00Z");
    let unsealing = format!("{uri}/unsealing");
    let seal_as_it_was = service.post(&manager, &unsealing, json!({})).await.expect(200);
    for grant in seal_as_it_was.body["grants"].as_array().unwrap() {
        assert_eq!(grant["until_at"], "2026-02-20T13:00:00Z", "{grant}");
    }
    let ground = json!({ "ground": "staff_child" });
    let other = service.actor_of_subject("another", Role::Manager);
    service
        .post(&other, &format!("{uri}/seal"), ground.clone())
        .await
        .expect(201);
    assert_eq!(
        service.read(&uri).await.status,
        404,
        "it was opened under another seal"
    );
    assert_eq!(service.get(&manager, &uri).await.status, 404);
    assert_eq!(service.get(&other, &uri).await.status, 200);

    // Nor does one count that was left open when the seal went.
    service.post(&other, &unsealing, json!({})).await.expect(200);
    service.tamper("UPDATE case_grants SET until_at = '9999-12-31 00:00:00'");
    service.set_now("2026-02-20T14:00:00Z");
    service
        .post(&other, &format!("{uri}/seal"), ground)
        .await
        .expect(201);
    assert_eq!(service.read(&uri).await.status, 404);
}

#[actix_web::test]
async fn an_hour_of_broken_glass_cannot_be_made_to_last() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let uri = format!("/v1/cases/{case_id}");
    let reference = reference_of(&service, &case_id).await;
    seal(&service, &manager, &case_id).await;
    let grants = format!("{uri}/grants");
    let keeps = json!({ "subject": "caseworker-885", "reason": "keeps it" });
    let keeper = service
        .post(&manager, &grants, keeps.clone())
        .await
        .expect(201)
        .id();
    let breaker = service.actor_of_subject("breaker", Role::Manager);
    let breaking = json!({ "reference": reference, "reason": WHY });
    let own = service
        .post(&breaker, "/v1/break-glass-readings", breaking)
        .await
        .expect(201)
        .id();
    let to_oneself = json!({ "subject": "breaker", "reason": "mine" });
    for (place, body) in [
        (grants.clone(), to_oneself.clone()),
        (grants.clone(), keeps),
        (format!("{grants}/{keeper}/ending"), json!({})),
        (format!("{uri}/unsealing"), json!({})),
    ] {
        let refused = service.post(&breaker, &place, body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "broken_glass_only"),
            "{place}"
        );
    }
    let ending = format!("{grants}/{own}/ending");
    service.post(&breaker, &ending, json!({})).await.expect(200);
    assert_eq!(service.get(&breaker, &uri).await.status, 404);

    // Who was let in for a time does not let themselves in for longer; who sealed it may.
    let for_a_day = json!({ "subject": "breaker", "reason": "cover", "until_at": "2026-02-21T12:00:00Z" });
    service.post(&manager, &grants, for_a_day).await.expect(201);
    let refused = service.post(&breaker, &grants, to_oneself).await;
    assert_eq!(refused.faults(), ["/subject own_access"]);
    let colleague = json!({ "subject": "another", "reason": "cover" });
    service.post(&breaker, &grants, colleague).await.expect(201);
    let sealer = json!({ "subject": "manager-885", "reason": "still mine" });
    service.post(&manager, &grants, sealer).await.expect(201);
}

#[actix_web::test]
async fn a_seal_may_keep_out_family_too() {
    let service = Service::on("2026-02-20");
    let (case_id, manager) = (service.case().await, service.actor(Role::Manager));
    let uri = format!("/v1/cases/{case_id}");
    let parent = |name: &str| {
        let person = json!({ "name": name, "relationship": "parent", "parental_responsibility": true,
            "receives_notices": true });
        let (service, people) = (&service, format!("{uri}/people"));
        async move {
            service
                .post(&service.caseworker(), &people, person)
                .await
                .expect(201)
                .id()
        }
    };
    let (mother, father) = (parent("Ann").await, parent("Ben").await);
    let timeline = format!("{uri}/timeline");
    let sees = async |person: &Option<String>| {
        let actor = match person {
            Some(person) => service.family_member(&case_id, person),
            None => service.family(&case_id),
        };
        let answer = service.get(&actor, &timeline).await;
        let unknown = format!("/v1/cases/{mother}/timeline");
        if answer.status == 404 {
            let mut never = service.get(&actor, &unknown).await.body;
            for told in ["instance", "trace_id"] {
                never[told] = answer.body[told].clone();
            }
            assert_eq!(answer.body, never, "as if there were none");
        }
        answer.status == 200
    };
    let everybody = [Some(mother.clone()), Some(father.clone()), None];
    let [mother_id, father_id, nobody] = &everybody;
    for (ground, seen) in [
        ("staff_child", [true, true, false]),
        ("other", [true, true, false]),
        ("adoption", [false, false, false]),
        ("witness_protection", [false, false, false]),
    ] {
        for person in &everybody {
            assert!(sees(person).await, "it is not sealed");
        }
        let sealing = format!("{uri}/seal");
        service
            .post(&manager, &sealing, json!({ "ground": ground }))
            .await
            .expect(201);
        for (person, expected) in everybody.iter().zip(seen) {
            assert_eq!(sees(person).await, expected, "{ground} {person:?}");
        }
        let grants = format!("{uri}/grants");
        let grant = json!({ "person_id": mother, "reason": "cares for the child" });
        let granted = service.post(&manager, &grants, grant).await.expect(201);
        assert_eq!(granted.body["person_id"], json!(mother));
        assert!(sees(mother_id).await && !sees(nobody).await, "{ground}");
        assert_eq!(sees(father_id).await, seen[1], "{ground}");
        let ending = format!("{grants}/{}/ending", granted.id());
        service.post(&manager, &ending, json!({})).await.expect(200);
        assert_eq!(sees(mother_id).await, seen[0], "{ground}");
        service
            .post(&manager, &format!("{uri}/unsealing"), json!({}))
            .await
            .expect(200);
    }
    service
        .post(&manager, &format!("{uri}/seal"), json!({ "ground": "adoption" }))
        .await
        .expect(201);
    let faulty = json!({ "person_id": case_id, "reason": "x", "until_at": "2026-02-19T00:00:00Z" });
    assert_eq!(
        service
            .post(&manager, &format!("{uri}/grants"), faulty)
            .await
            .faults(),
        ["/person_id unknown_person", "/until_at in_the_past"]
    );
}
