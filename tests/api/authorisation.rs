//! Who may do what: every operation of the document against every kind of caller.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use ehcp_timeline::auth::Role;
use ehcp_timeline::http::document;
use serde_json::{Value, json};

use crate::harness::{Actor, Service};

const STAFF: &[Role] = &[Role::Caseworker, Role::Manager, Role::Auditor, Role::Admin];
const OFFICERS: &[Role] = &[Role::Caseworker, Role::Manager];
const ADMIN: &[Role] = &[Role::Admin];
const READERS_OF_ASSESSMENTS: &[Role] = &[
    Role::Caseworker,
    Role::Manager,
    Role::Auditor,
    Role::Admin,
    Role::Family,
];
const READERS_OF_ADVICE: &[Role] = &[
    Role::Caseworker,
    Role::Manager,
    Role::Auditor,
    Role::Admin,
    Role::Contributor,
];
const ADVISERS: &[Role] = &[Role::Caseworker, Role::Manager, Role::Contributor];
const EVERYBODY: &[Role] = &[
    Role::Caseworker,
    Role::Manager,
    Role::Auditor,
    Role::Admin,
    Role::Contributor,
    Role::Family,
];

/// What an operation takes: none of the roles for those that take no token.
const TABLE: &[(&str, &str, Option<&[Role]>)] = &[
    ("POST", "/v1/timelines", None),
    ("GET", "/v1/rules", None),
    ("GET", "/health/live", None),
    ("GET", "/health/ready", None),
    ("GET", "/openapi.json", None),
    ("POST", "/v1/cases", Some(OFFICERS)),
    ("GET", "/v1/cases", Some(STAFF)),
    ("POST", "/v1/cases/search", Some(STAFF)),
    ("GET", "/v1/cases/{id}", Some(STAFF)),
    ("PATCH", "/v1/cases/{id}", Some(OFFICERS)),
    ("POST", "/v1/cases/{id}/closure", Some(OFFICERS)),
    ("POST", "/v1/cases/{id}/people", Some(OFFICERS)),
    ("GET", "/v1/cases/{id}/people", Some(STAFF)),
    ("GET", "/v1/cases/{id}/people/{person_id}", Some(STAFF)),
    ("PATCH", "/v1/cases/{id}/people/{person_id}", Some(OFFICERS)),
    ("POST", "/v1/assessments", Some(OFFICERS)),
    ("GET", "/v1/assessments", Some(STAFF)),
    ("GET", "/v1/assessments/{id}", Some(READERS_OF_ASSESSMENTS)),
    ("GET", "/v1/assessments/{id}/events", Some(STAFF)),
    ("POST", "/v1/assessments/{id}/events", Some(OFFICERS)),
    ("POST", "/v1/assessments/{id}/advice-requests", Some(OFFICERS)),
    ("POST", "/v1/assessments/{id}/existing-advice", Some(OFFICERS)),
    ("GET", "/v1/assessments/{id}/advice", Some(STAFF)),
    ("GET", "/v1/advice-requests", Some(READERS_OF_ADVICE)),
    ("GET", "/v1/advice-requests/{id}", Some(READERS_OF_ADVICE)),
    ("POST", "/v1/advice-requests/{id}/acknowledgement", Some(ADVISERS)),
    ("POST", "/v1/advice-requests/{id}/submission", Some(ADVISERS)),
    ("POST", "/v1/advice-requests/{id}/return", Some(OFFICERS)),
    ("POST", "/v1/advice-requests/{id}/acceptance", Some(OFFICERS)),
    ("POST", "/v1/advice-requests/{id}/declination", Some(ADVISERS)),
    ("POST", "/v1/advice-requests/{id}/redirection", Some(OFFICERS)),
    ("POST", "/v1/advice-requests/{id}/withdrawal", Some(OFFICERS)),
    ("POST", "/v1/advice-requests/{id}/appointments", Some(ADVISERS)),
    ("POST", "/v1/advice-requests/{id}/exceptions", Some(ADVISERS)),
    ("GET", "/v1/clocks", Some(EVERYBODY)),
    ("POST", "/v1/organisations", Some(ADMIN)),
    ("GET", "/v1/organisations", Some(READERS_OF_ORGANISATIONS)),
    ("GET", "/v1/organisations/{id}", Some(READERS_OF_ORGANISATIONS)),
    ("PATCH", "/v1/organisations/{id}", Some(ADMIN)),
    ("GET", "/v1/settings", Some(STAFF)),
    ("PUT", "/v1/settings", Some(ADMIN)),
];
const READERS_OF_ORGANISATIONS: &[Role] = READERS_OF_ADVICE;

/// The operations of the document, as (method, path).
fn operations() -> Vec<(String, String)> {
    let document = serde_json::to_value(document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods: Vec<String> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        methods
            .into_iter()
            .map(move |method| (method, path.clone()))
            .collect::<Vec<_>>()
    };
    paths
        .iter()
        .map(|(path, item)| (path, item))
        .flat_map(of_path)
        .collect()
}

/// Records of one authority that ids in paths can name.
struct World {
    service: Service,
    case_id: String,
    person_id: String,
    assessment_id: String,
    request_id: String,
    organisation_id: String,
}

impl World {
    async fn new() -> World {
        let service = Service::new();
        let organisation_id = service.organisation("Riverbank Health Trust", "health").await;
        let case_id = service.case().await;
        let person = json!({
            "name": "Sam Example", "relationship": "parent", "parental_responsibility": true, "receives_notices": true
        });
        let people = format!("/v1/cases/{case_id}/people");
        let person_id = service
            .post(&service.caseworker(), &people, person)
            .await
            .expect(201)
            .id();
        let assessment_id = service.assessment_on(&case_id, "2026-01-05").await;
        let asked = json!({
            "requirement": "medical", "organisation_id": organisation_id, "requested_on": "2026-02-01"
        });
        let request_id = service.ask(&assessment_id, asked).await.id();
        World {
            service,
            case_id,
            person_id,
            assessment_id,
            request_id,
            organisation_id,
        }
    }

    fn path(&self, template: &str) -> String {
        let id = match template {
            path if path.starts_with("/v1/cases") => &self.case_id,
            path if path.starts_with("/v1/assessments") => &self.assessment_id,
            path if path.starts_with("/v1/advice-requests") => &self.request_id,
            _ => &self.organisation_id,
        };
        template
            .replace("{id}", id)
            .replace("{person_id}", &self.person_id)
    }

    fn holder(&self, role: Role) -> Actor {
        match role {
            Role::Contributor => self.service.contributor(&self.organisation_id),
            Role::Family => self.service.family(&self.case_id),
            Role::Caseworker | Role::Manager | Role::Auditor | Role::Admin => self.service.actor(role),
        }
    }
}

#[test]
fn every_operation_has_its_line_in_the_table_and_no_line_is_left_over() {
    let mut documented = operations();
    let mut listed: Vec<(String, String)> = TABLE
        .iter()
        .map(|(method, path, _)| (method.to_string(), path.to_string()))
        .collect();
    documented.sort();
    listed.sort();
    assert_eq!(documented, listed);
}

#[actix_web::test]
async fn every_operation_admits_the_roles_of_its_line_and_no_others() {
    let world = World::new().await;
    for (method, template, roles) in TABLE {
        let Some(roles) = roles else { continue };
        for role in EVERYBODY {
            let method: Method = method.parse().unwrap();
            // Empty on purpose: whoever is let in is refused for what is missing, and nothing changes.
            let request = world
                .holder(*role)
                .request(method.clone(), &world.path(template))
                .set_json(json!({}));
            let answer = world.service.send(request).await;
            let was_let_in = answer.status != 403;
            assert_eq!(
                was_let_in,
                roles.contains(role),
                "{role:?} {method} {template}: {}",
                answer.status
            );
            assert_ne!(answer.status, 401, "{role:?} {method} {template}");
            assert!(
                answer.status < 500,
                "{role:?} {method} {template}: {}",
                answer.status
            );
        }
    }
}

#[actix_web::test]
async fn without_a_valid_token_nothing_is_said_of_what_exists() {
    let world = World::new().await;
    for (method, template, roles) in TABLE {
        let method: Method = method.parse().unwrap();
        let path = world.path(template);
        for token in [None, Some("forged"), Some("eyJhbGciOiJub25lIn0.e30.")] {
            let request = TestRequest::with_uri(&path).method(method.clone());
            let request = match token {
                Some(token) => request.insert_header(("Authorization", format!("Bearer {token}"))),
                None => request,
            };
            let answer = world.service.send(request).await;
            match roles {
                Some(_) => {
                    assert_eq!(answer.status, 401, "{method} {template} with {token:?}");
                    assert_eq!(answer.code(), "unauthenticated");
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                }
                None => assert_ne!(answer.status, 401, "{method} {template}"),
            }
        }
    }
}

#[actix_web::test]
async fn what_belongs_to_another_does_not_exist() {
    let world = World::new().await;
    let strangers = [
        ("another authority", world.service.stranger()),
        (
            "another organisation",
            world.service.contributor("0198e3a4-7d1c-7000-8000-00000000000a"),
        ),
        (
            "another family",
            world.service.family("0198e3a4-7d1c-7000-8000-00000000000b"),
        ),
    ];
    for (method, template, _) in TABLE
        .iter()
        .filter(|(method, path, _)| *method == "GET" && path.contains('{'))
    {
        for (who, stranger) in &strangers {
            let method: Method = method.parse().unwrap();
            let answer = world
                .service
                .send(stranger.request(method, &world.path(template)))
                .await;
            // An organisation is known to every contributor of the authority.
            let may_know = *who == "another organisation" && template.starts_with("/v1/organisations");
            let expected: &[u16] = if may_know { &[200] } else { &[403, 404] };
            assert!(
                expected.contains(&answer.status),
                "{who} {template}: {}",
                answer.status
            );
            for id in [&world.case_id, &world.assessment_id, &world.request_id] {
                let echoed = answer.body["instance"]
                    .as_str()
                    .unwrap_or_default()
                    .contains(id.as_str());
                assert!(echoed || !answer.text.contains(id.as_str()), "{who} {template}");
            }
        }
    }
}

#[actix_web::test]
async fn lists_and_searches_show_a_stranger_nothing() {
    let world = World::new().await;
    let strangers = [
        world.service.stranger(),
        world.service.contributor("0198e3a4-7d1c-7000-8000-00000000000a"),
        world.service.family("0198e3a4-7d1c-7000-8000-00000000000b"),
    ];
    for stranger in &strangers {
        for list in [
            "/v1/cases",
            "/v1/assessments",
            "/v1/advice-requests",
            "/v1/clocks?include=case,explanation",
        ] {
            let answer = world.service.get(stranger, list).await;
            assert!(
                answer.status == 403 || answer.body["items"] == json!([]),
                "{list}: {:#}",
                answer.body
            );
        }
        let search = stranger
            .request(Method::POST, "/v1/cases/search")
            .set_json(json!({ "name": "Example" }));
        let answer = world.service.send(search).await;
        assert!(
            answer.status == 403 || answer.body["items"] == json!([]),
            "{:#}",
            answer.body
        );
    }
}

#[actix_web::test]
async fn another_authority_can_change_nothing() {
    let world = World::new().await;
    let service = &world.service;
    let officer = service.stranger();
    let admin = service.actor_of("330", Role::Admin, None, None);
    let changes = [
        (
            &officer,
            "PATCH",
            format!("/v1/cases/{}", world.case_id),
            json!({ "given_name": "Other" }),
        ),
        (
            &officer,
            "PATCH",
            format!("/v1/cases/{}/people/{}", world.case_id, world.person_id),
            json!({ "name": "Other" }),
        ),
        (
            &officer,
            "POST",
            format!("/v1/cases/{}/closure", world.case_id),
            json!({ "reason": "died", "occurred_on": "2026-02-01" }),
        ),
        (
            &officer,
            "POST",
            format!("/v1/assessments/{}/events", world.assessment_id),
            json!({ "type": "moved_out", "occurred_on": "2026-02-01", "to_la": "330" }),
        ),
        (
            &officer,
            "POST",
            format!("/v1/assessments/{}/advice-requests", world.assessment_id),
            json!({ "requirement": "parent", "requested_on": "2026-02-01" }),
        ),
        (
            &officer,
            "POST",
            format!("/v1/advice-requests/{}/withdrawal", world.request_id),
            json!({}),
        ),
        (
            &admin,
            "PATCH",
            format!("/v1/organisations/{}", world.organisation_id),
            json!({ "name": "Other" }),
        ),
    ];
    for (actor, method, path, body) in changes {
        let request = actor
            .request(method.parse().unwrap(), &path)
            .insert_header(crate::harness::new_key())
            .insert_header(crate::harness::if_match(1))
            .set_json(body);
        let answer = service.send(request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "not_found"),
            "{method} {path}"
        );
    }
}
