//! The people around a child or young person, and who of them decides.

use serde_json::{Value, json};

use crate::harness::{Service, each, ids};

fn mother() -> Value {
    json!({ "name": "Grace Example", "relationship": "mother", "parental_responsibility": true, "receives_notices": true,
        "address": "1 High Street", "address_withheld": true, "language": "Polish", "interpreter": true,
        "communication_needs": "Large print", "preferred_channel": "post" })
}

#[actix_web::test]
async fn people_are_added_read_changed_and_listed() {
    let service = Service::new();
    let case_id = service.case().await;
    let uri = format!("/v1/cases/{case_id}/people");
    let added = service
        .post(&service.caseworker(), &uri, mother())
        .await
        .expect(201);
    assert_eq!(added.header("location").unwrap(), format!("{uri}/{}", added.id()));
    for (field, value) in mother().as_object().unwrap() {
        assert_eq!(&added.body[field], value, "{field}");
    }
    let own = format!("{uri}/{}", added.id());
    assert_eq!(service.body(&own).await, added.body);
    let changed = service
        .patch(
            &service.caseworker(),
            &own,
            1,
            json!({ "address": null, "address_withheld": null, "language": "Welsh" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            changed.header("etag"),
            changed.body["language"].clone(),
            changed.body["address_withheld"].clone()
        ),
        (Some("\"v2\""), json!("Welsh"), json!(false))
    );
    assert!(changed.body.get("address").is_none_or(Value::is_null));
    assert_eq!(
        service
            .patch(&service.caseworker(), &own, 1, json!({}))
            .await
            .expect(412)
            .code(),
        "stale_version"
    );
    let refused = service
        .patch(
            &service.caseworker(),
            &own,
            2,
            json!({ "name": null, "preferred_channel": "pigeon" }),
        )
        .await;
    assert_eq!(refused.faults(), ["/preferred_channel not_one_of"]);
    assert_eq!(
        service
            .patch(&service.caseworker(), &own, 2, json!({ "name": null }))
            .await
            .faults(),
        ["/name missing"]
    );
    for _ in 0..3 {
        service
            .post(&service.caseworker(), &uri, mother())
            .await
            .expect(201);
    }
    let all = service.pages(&service.caseworker(), &uri, 3).await;
    assert_eq!(all.len(), 4);
    assert!(ids(&all).is_sorted());
    assert_eq!(service.read(&format!("/v1/cases/{case_id}")).await.version(), 1);
}

#[actix_web::test]
async fn a_person_belongs_to_one_case() {
    let service = Service::new();
    let (one, other) = (service.case().await, service.case().await);
    let person = service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{one}/people"),
            mother(),
        )
        .await
        .expect(201)
        .id();
    service
        .read(&format!("/v1/cases/{other}/people/{person}"))
        .await
        .expect(404);
    service
        .patch(
            &service.caseworker(),
            &format!("/v1/cases/{other}/people/{person}"),
            1,
            json!({ "language": "x" }),
        )
        .await
        .expect(404);
    service
        .read("/v1/cases/019b0000-0000-7000-8000-00000000dead/people")
        .await
        .expect(404);
    service
        .post(
            &service.caseworker(),
            "/v1/cases/019b0000-0000-7000-8000-00000000dead/people",
            mother(),
        )
        .await
        .expect(404);
}

#[actix_web::test]
async fn every_fault_of_a_person_is_told_at_once() {
    let service = Service::new();
    let case_id = service.case().await;
    let refused = service.post(&service.caseworker(), &format!("/v1/cases/{case_id}/people"),
        json!({ "name": "", "relationship": "friend", "receives_notices": 1, "is_decision_maker_from_on": "soon", "hair": "red" })).await;
    assert_eq!(
        (refused.status, refused.faults()),
        (
            422,
            [
                "/hair unknown_field",
                "/is_decision_maker_from_on malformed",
                "/name too_short",
                "/parental_responsibility missing",
                "/receives_notices wrong_type",
                "/relationship not_one_of",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}

#[actix_web::test]
async fn the_case_says_who_decides_and_since_when() {
    let service = Service::on("2026-06-25");
    let case_id = service.case_with(json!({ "date_of_birth": "2010-03-01" })).await;
    let uri = format!("/v1/cases/{case_id}");
    let decides = async || service.body(&uri).await["decision_maker"].clone();
    let add = async |relationship: &str, from_on: &str| {
        let mut body = mother();
        body["relationship"] = json!(relationship);
        body["is_decision_maker_from_on"] = json!(from_on);
        service
            .post(&service.caseworker(), &format!("{uri}/people"), body)
            .await
            .expect(201)
            .id()
    };
    assert_eq!(
        decides().await,
        json!({ "kind": "parent", "person_id": null, "since_on": null })
    );
    let father = add("father", "2020-01-01").await;
    assert_eq!(
        decides().await,
        json!({ "kind": "parent", "person_id": father, "since_on": "2020-01-01" })
    );

    // Rights pass at the end of compulsory school age, whoever decided before.
    service.set_today("2026-06-26");
    assert_eq!(service.body(&uri).await["turns_16_rights_on"], "2026-06-26");
    assert_eq!(
        decides().await,
        json!({ "kind": "young_person", "person_id": null, "since_on": "2026-06-26" })
    );
    let herself = add("young_person", "2026-06-26").await;
    assert_eq!(
        decides().await,
        json!({ "kind": "young_person", "person_id": herself, "since_on": "2026-06-26" })
    );

    // Subject to capacity: a parent who decides from then on is named, and is not the young person.
    let carer = add("mother", "2026-07-10").await;
    assert_eq!(decides().await["person_id"], json!(herself), "not yet");
    service.set_today("2026-07-10");
    assert_eq!(
        decides().await,
        json!({ "kind": "parent", "person_id": carer, "since_on": "2026-07-10" })
    );
    let people = service.list(&format!("{uri}/people")).await;
    assert_eq!(
        each(&people, "relationship"),
        ["father", "young_person", "mother"]
    );
}
