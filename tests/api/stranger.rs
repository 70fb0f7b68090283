//! A stranger walks everything that can be read, and looks for any trace of a child who is not theirs.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use serde_json::{Value, json};

use crate::authorisation::{Operation, operations};
use crate::harness::{Actor, Answer, Service, new_key};

/// A service with a child in it of whom everything is known.
pub struct Seeded {
    pub service: Service,
    pub case_id: String,
    /// Whom advice on the child was asked of.
    pub organisation_id: String,
    /// Names, identifiers and ids by which the child could be known.
    pub needles: Vec<String>,
}

/// Makes up one child with something of every kind.
pub async fn seed() -> Seeded {
    let service = Service::on("2026-02-20");
    let caseworker = service.caseworker();
    let organisation_id = service.organisation("Trust", "health").await;
    let case_id = service
        .case_with(json!({
            "given_name": "Quenella", "family_name": "Vantongeren", "date_of_birth": "2015-03-09",
            "upn": "D885200024001", "nhs_number": "9990000018", "uln": "1000000043", "postcode": "WR5 2ZZ",
            "caseworker": "caseworker-885", "external_refs": [{ "system": "mosaic", "id": "zq-77" }],
            "setting": { "organisation_id": organisation_id, "from_on": "2025-09-01" },
        }))
        .await;
    let reference = service.body(&format!("/v1/cases/{case_id}")).await["reference"].clone();
    let person = json!({ "name": "Ottoline Vantongeren", "relationship": "mother", "parental_responsibility": true,
        "receives_notices": true, "address": "9 Hidden Lane", "address_withheld": true });
    let people = format!("/v1/cases/{case_id}/people");
    let person = service.post(&caseworker, &people, person).await.expect(201).id();
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let asked = json!({ "requirement": "medical", "organisation_id": organisation_id, "requested_on": "2026-02-12",
        "family_story": "Quenella likes trains." });
    let request = service.ask(&assessment, asked).await.id();
    let submission = json!({ "summary": "Quenella needs rest.", "authors": ["Dr Winterbourne"] });
    service
        .act_on(
            &service.contributor(&organisation_id),
            &request,
            "submission",
            submission,
        )
        .await
        .expect(201);
    // So that the advice has come to the family.
    let served = json!({ "type": "draft_plan_served", "occurred_on": "2026-02-20" });
    service.record(&assessment, served).await.expect(201);
    let open = |path: &'static str, event: Value| {
        let body = json!({ "case_id": case_id, "event": event });
        let (service, caseworker) = (&service, &caseworker);
        async move { service.post(caseworker, path, body).await.expect(201).id() }
    };
    let started = json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
    let review = open("/v1/reviews", started).await;
    let consulted = json!({ "type": "consultation_received", "occurred_on": "2026-02-02", "from_la": "884" });
    let consultation = open("/v1/consultations", consulted).await;
    let drafted = json!({ "type": "plan_drafted", "occurred_on": "2026-02-16" });
    let plan = open("/v1/plans", drafted).await;
    let version = json!({ "sections": { "a": { "child": "Quenella says hello." } } });
    let versions = format!("/v1/plans/{plan}/versions");
    service.post(&caseworker, &versions, version).await.expect(201);
    let mut needles: Vec<String> = [
        "Quenella",
        "Vantongeren",
        "2015-03-09",
        "D885200024001",
        "9990000018",
        "1000000043",
        "WR5 2ZZ",
        "zq-77",
        "Ottoline",
        "Hidden Lane",
        "Winterbourne",
    ]
    .map(str::to_owned)
    .to_vec();
    needles.extend([
        case_id.clone(),
        person,
        assessment,
        request,
        review,
        consultation,
        plan,
        reference.as_str().unwrap().to_owned(),
    ]);
    Seeded {
        service,
        case_id,
        organisation_id,
        needles,
    }
}

/// What is searched for by an operation, in every way it has.
fn searches_of(operation: &Operation) -> Vec<Value> {
    match operation.id.as_str() {
        "search_cases" => vec![
            json!({ "name": "quen" }),
            json!({ "upn": "D885200024001" }),
            json!({ "nhs_number": "9990000018" }),
            json!({ "uln": "1000000043" }),
        ],
        other => panic!("nothing is known to search for by {other}"),
    }
}

/// Sends every reading request of the document, with every seeded id in its path, and every search; gives what told
/// of the child, in bodies and headers. What somebody asks for by its id may be repeated in the problem's `instance`
/// and in the link to the next page.
pub async fn look_everywhere(service: &Service, actor: &Actor, needles: &[String]) -> Vec<String> {
    let ids: Vec<&String> = needles.iter().filter(|needle| needle.len() == 36).collect();
    let mut found = Vec::new();
    let mut look = |what: String,
                    Answer {
                        mut body, headers, ..
                    }: Answer| {
        if let Some(problem) = body.as_object_mut() {
            problem.remove("instance");
        }
        let headers = headers.iter().filter(|(name, _)| name != "link");
        let said: String = headers
            .map(|(_, value)| value.as_str())
            .chain([body.to_string().as_str()])
            .collect::<Vec<_>>()
            .join("\n");
        for needle in needles.iter().filter(|needle| said.contains(needle.as_str())) {
            found.push(format!("{what} told {needle}"));
        }
    };
    // The document has the same made-up identifiers among its examples.
    let reads = |operation: &Operation| operation.method == "GET" && operation.id != "get_openapi";
    for operation in operations().into_iter().filter(reads) {
        let path = operation.path.replace("{number}", "1");
        let query = if path == "/v1/reviews/phase-transfers" {
            "?year_group=6"
        } else {
            ""
        };
        let places = match path.matches("{").count() {
            0 => vec![path.clone()],
            _ => ids
                .iter()
                .flat_map(|id| {
                    let path = path.replace("{id}", id);
                    let of_person = path.contains('{');
                    ids.iter()
                        .take(if of_person { ids.len() } else { 1 })
                        .map(move |inner| match path.find('{') {
                            Some(start) => format!("{}{inner}", &path[..start]),
                            None => path.clone(),
                        })
                        .collect::<Vec<_>>()
                })
                .collect(),
        };
        for place in places {
            let answer = service.get(actor, &format!("{place}{query}")).await;
            look(operation.id.clone(), answer);
        }
    }
    for uri in [
        "/v1/clocks?include=case,explanation",
        "/v1/clocks?status=overdue&include=case",
    ] {
        look(uri.to_owned(), service.get(actor, uri).await);
    }
    let searching = |operation: &Operation| operation.id.starts_with("search_");
    for operation in operations().into_iter().filter(searching) {
        for search in searches_of(&operation) {
            let request = actor.request(Method::POST, &operation.path).set_json(search);
            look(operation.id.clone(), service.send(request).await);
        }
    }
    let claims = [("upn", "D885200024001"), ("nhs_number", "9990000018")];
    for (identifier, value) in claims {
        let body = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01", identifier: value });
        let request = actor
            .request(Method::POST, "/v1/cases")
            .insert_header(new_key())
            .set_json(body);
        let answer = service.send(request).await;
        if answer.status != 201 {
            look("open_case".to_owned(), answer);
        }
    }
    found
}

#[actix_web::test]
async fn nobody_elsewhere_finds_a_trace_of_a_child() {
    let Seeded {
        service,
        case_id,
        organisation_id,
        needles,
    } = seed().await;
    let keeper = look_everywhere(&service, &service.caseworker(), &needles).await;
    for needle in needles.iter().filter(|needle| !needle.contains("zq-77")) {
        let told = keeper.iter().any(|line| line.ends_with(needle.as_str()));
        assert!(
            told,
            "whoever keeps the case finds {needle}, or the walk proves nothing"
        );
    }
    let other_organisation = service.organisation("Other", "health").await;
    let other_case = service.case().await;
    let elsewhere = |role, organisation, case| service.actor_of("330", role, organisation, case);
    let mut strangers = vec![
        ("another organisation", service.contributor(&other_organisation)),
        ("another family", service.family(&other_case)),
        (
            "the organisation's namesake elsewhere",
            elsewhere(Role::Contributor, Some(organisation_id.as_str()), None),
        ),
        (
            "the family's namesake elsewhere",
            elsewhere(Role::Family, None, Some(case_id.as_str())),
        ),
    ];
    for role in [Role::Caseworker, Role::Manager, Role::Auditor, Role::Admin] {
        strangers.push(("another authority", elsewhere(role, None, None)));
    }
    let school = json!({ "name": "Hill School", "kind": "school" });
    let school = service
        .post(&elsewhere(Role::Admin, None, None), "/v1/organisations", school)
        .await
        .expect(201)
        .id();
    strangers.push((
        "a school elsewhere",
        elsewhere(Role::Contributor, Some(school.as_str()), None),
    ));
    for (who, actor) in &strangers {
        for identifier in [
            json!({ "upn": "D885200024001" }),
            json!({ "nhs_number": "9990000018" }),
        ] {
            let mut breaking = identifier;
            breaking["reason"] = json!("the child is in hospital");
            let answer = service.post(actor, "/v1/break-glass-readings", breaking).await;
            assert!(matches!(answer.status, 403 | 404), "{who}: {}", answer.text);
            for needle in &needles {
                assert!(!answer.text.contains(needle.as_str()), "{who}: {}", answer.text);
            }
        }
    }
    for (who, actor) in strangers {
        assert_eq!(
            look_everywhere(&service, &actor, &needles).await,
            [] as [String; 0],
            "{who}"
        );
    }
}
