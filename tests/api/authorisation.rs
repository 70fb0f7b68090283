//! Who may do what: a table with a line for every operation of the document, tried with every kind of
//! caller. An operation without a line fails here.

use actix_web::http::Method;
use ehcp_timeline::auth::Role;
use ehcp_timeline::http::document;
use serde_json::{Value, json};

use crate::clients::{ask, bearer, registered, secret_of};
use crate::harness::{Actor, Answer, Service, anonymous, if_match, new_key};

/// Who reaches an operation: caseworker, manager, auditor, admin (d), contributor (o), family; `*` is
/// anybody, also without a token.
const TABLE: &[(&str, &str)] = &[
    ("compute_timeline", "*"),
    ("get_rules", "*"),
    ("check_liveness", "*"),
    ("check_readiness", "*"),
    ("get_openapi", "*"),
    ("open_case", "cm"),
    ("list_cases", "cmad"),
    ("search_cases", "cmad"),
    ("get_case", "cmad"),
    ("change_case", "cm"),
    ("close_case", "cm"),
    ("get_case_timeline", "cmadf"),
    ("list_shared_advice", "cmadf"),
    ("export_case", "m"),
    ("seal_case", "m"),
    ("get_seal", "cmad"),
    ("unseal_case", "m"),
    ("grant_access", "m"),
    ("end_access", "m"),
    ("break_glass", "cm"),
    ("list_break_glass_readings", "ma"),
    ("review_break_glass_reading", "m"),
    ("get_retention", "cmad"),
    ("place_legal_hold", "m"),
    ("lift_legal_hold", "m"),
    ("make_disposal_list", "m"),
    ("list_disposal_lists", "ma"),
    ("get_disposal_list", "ma"),
    ("review_disposal_list", "m"),
    ("carry_out_disposal", "m"),
    ("list_disposals", "ma"),
    ("add_person", "cm"),
    ("list_people", "cmad"),
    ("get_person", "cmad"),
    ("change_person", "cm"),
    ("open_assessment", "cm"),
    ("list_assessments", "cmad"),
    ("get_assessment", "cmadf"),
    ("list_assessment_events", "cmad"),
    ("record_assessment_event", "cm"),
    ("open_review", "cm"),
    ("list_reviews", "cmad"),
    ("get_review", "cmadf"),
    ("list_review_events", "cmad"),
    ("record_review_event", "cm"),
    ("list_upcoming_reviews", "cmado"),
    ("list_phase_transfers", "cmado"),
    ("record_reviews_in_bulk", "cm"),
    ("open_consultation", "cm"),
    ("list_consultations", "cmad"),
    ("get_consultation", "cmad"),
    ("list_consultation_events", "cmad"),
    ("record_consultation_event", "cm"),
    ("open_plan", "cm"),
    ("list_plans", "cmad"),
    ("get_plan", "cmadf"),
    ("list_plan_events", "cmad"),
    ("record_plan_event", "cm"),
    ("list_placements", "cmadf"),
    ("make_plan_version", "cm"),
    ("list_plan_versions", "cmadf"),
    ("get_plan_version", "cmadf"),
    ("get_plan_difference", "cmadf"),
    ("get_plan_checks", "cmad"),
    ("open_advice_request", "cm"),
    ("record_existing_advice", "cm"),
    ("get_advice_matrix", "cmad"),
    ("open_review_advice_request", "cm"),
    ("get_review_advice_matrix", "cmad"),
    ("list_advice_requests", "cmado"),
    ("get_advice_request", "cmado"),
    ("acknowledge_advice_request", "cmo"),
    ("submit_advice", "cmo"),
    ("return_advice", "cm"),
    ("accept_advice", "cm"),
    ("decline_advice_request", "cmo"),
    ("redirect_advice_request", "cm"),
    ("withdraw_advice_request", "cm"),
    ("record_appointment", "cmo"),
    ("claim_advice_exception", "cmo"),
    ("list_clocks", "cmadof"),
    ("open_organisation", "d"),
    ("list_organisations", "cmado"),
    ("get_organisation", "cmado"),
    ("change_organisation", "d"),
    ("register_client", "d"),
    ("list_clients", "ad"),
    ("get_client", "ad"),
    ("change_client", "d"),
    ("grant_client", "d"),
    ("add_client_secret", "d"),
    ("revoke_client_secret", "d"),
    ("put_client_keys", "d"),
    ("take_client_token", "*"),
    ("get_settings", "cmad"),
    ("put_settings", "d"),
    ("list_audit_entries", "a"),
];

/// The operations that take the id of a case in their body.
const OPENINGS: [&str; 4] = ["open_assessment", "open_review", "open_plan", "open_consultation"];

const ROLES: [(char, Role); 6] = [
    ('c', Role::Caseworker),
    ('m', Role::Manager),
    ('a', Role::Auditor),
    ('d', Role::Admin),
    ('o', Role::Contributor),
    ('f', Role::Family),
];

pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
}

/// Every operation of the document.
pub fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
            });
        }
    }
    operations
}

/// A body that conforms for an operation that takes one; `other` is an id it may name.
pub fn sample(method: &str, path: &str, other: &str) -> Value {
    let request =
        json!({ "type": "request_received", "occurred_on": "2026-02-01", "requested_by": "parent" });
    match (method, path) {
        ("POST", "/v1/cases") => {
            json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01" })
        }
        ("POST", "/v1/cases/search") => json!({ "name": "Example" }),
        ("POST", "/v1/cases/{id}/closure") => json!({ "reason": "other", "occurred_on": "2026-02-20" }),
        ("POST", "/v1/cases/{id}/seal") => json!({ "ground": "adoption" }),
        ("POST", "/v1/cases/{id}/grants") => json!({ "subject": "somebody", "reason": "they keep it" }),
        ("POST", "/v1/break-glass-readings") => {
            json!({ "reference": other, "reason": "the child is in hospital tonight" })
        }
        ("POST", "/v1/cases/{id}/legal-holds") => json!({ "reason": "the inquiry" }),
        ("POST", "/v1/disposal-lists/{id}/review") => json!({ "keep": [] }),
        ("POST", "/v1/cases/{id}/people") => {
            json!({ "name": "A", "relationship": "mother", "parental_responsibility": true, "receives_notices": true })
        }
        ("POST", "/v1/assessments") => json!({ "case_id": other, "event": request }),
        ("POST", "/v1/assessments/{id}/events") => {
            json!({ "type": "further_request_received", "occurred_on": "2026-02-01", "requested_by": "parent" })
        }
        ("POST", "/v1/reviews") => {
            let started =
                json!({ "type": "review_period_started", "occurred_on": "2025-05-01", "kind": "annual" });
            json!({ "case_id": other, "event": started })
        }
        ("POST", "/v1/reviews/bulk") => {
            let held = json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" });
            json!({ "items": [{ "case_id": other, "event": held }] })
        }
        ("POST", "/v1/plans") => {
            json!({ "case_id": other, "event": { "type": "plan_drafted", "occurred_on": "2026-02-16" } })
        }
        ("POST", "/v1/plans/{id}/versions") => json!({ "sections": {}, "based_on_version": 1 }),
        ("POST", "/v1/plans/{id}/events") => json!({ "type": "plan_made", "occurred_on": "2026-02-20" }),
        ("POST", "/v1/consultations") => {
            let received =
                json!({ "type": "consultation_received", "occurred_on": "2026-02-02", "from_la": "884" });
            json!({ "case_id": other, "event": received })
        }
        ("POST", "/v1/consultations/{id}/events") => {
            json!({ "type": "consultation_withdrawn", "occurred_on": "2026-02-05" })
        }
        ("POST", "/v1/reviews/{id}/events") => {
            json!({ "type": "review_meeting_held", "occurred_on": "2026-02-02" })
        }
        ("POST", "/v1/assessments/{id}/advice-requests" | "/v1/reviews/{id}/advice-requests") => {
            json!({ "requirement": "education", "requested_on": "2026-02-12" })
        }
        ("POST", "/v1/assessments/{id}/existing-advice") => {
            json!({ "requirement": "education", "author": "A", "dated_on": "2025-01-01",
            "agreements": { "adviser_on": "2026-02-12", "authority_on": "2026-02-12", "family_on": "2026-02-12" } })
        }
        ("POST", "/v1/advice-requests/{id}/submission") => json!({ "summary": "x", "authors": ["A"] }),
        ("POST", "/v1/advice-requests/{id}/return") => json!({ "reasons": ["other"], "comment": "x" }),
        ("POST", "/v1/advice-requests/{id}/declination") => {
            json!({ "ground": "no_capacity", "reasons": "x" })
        }
        ("POST", "/v1/advice-requests/{id}/redirection") => json!({ "organisation_id": other }),
        ("POST", "/v1/advice-requests/{id}/appointments") => {
            json!({ "offered_on": "2026-02-19", "outcome": "missed" })
        }
        ("POST", "/v1/advice-requests/{id}/exceptions") => {
            json!({ "ground": "absent", "from": "2026-02-13", "to": "2026-02-19" })
        }
        ("POST", "/v1/organisations") => json!({ "name": "A", "kind": "other" }),
        ("POST", "/v1/clients") => json!({ "name": "A", "scopes": ["case:read"] }),
        ("PUT", "/v1/clients/{id}/grant") => json!({ "organisation_id": other, "scopes": ["case:read"] }),
        ("PUT", "/v1/clients/{id}/keys") => json!({ "keys": [] }),
        ("POST", "/v1/timelines") => {
            json!({ "procedure": "assessment", "as_of": "2026-02-01", "events": [request] })
        }
        _ => json!({}),
    }
}

/// What the table is tried on.
pub struct Fixture {
    pub service: Service,
    pub case_id: String,
    person: String,
    assessment: String,
    review: String,
    consultation: String,
    plan: String,
    request: String,
    trust: String,
    other: String,
    /// A sealed case that is open to all staff that the harness makes tokens for, and one of its openings.
    pub sealed: String,
    grant: String,
    /// One that is open to none of them, and its reference.
    pub hidden: String,
    sealed_reference: String,
    /// A reading of it for which somebody else broke the glass.
    reading: String,
    /// A legal hold on the case, a list of what is due with one case on it, and a case that was disposed of.
    hold: String,
    disposal_list: String,
    pub listed: String,
    pub disposed: String,
    client: String,
    secret_id: String,
    secret: String,
}

pub async fn fixture() -> Fixture {
    let service = Service::on("2026-02-20");
    let trust = service.organisation("Trust", "health").await;
    let other = service.organisation("Other", "health").await;
    let case_id = service.case().await;
    let person = sample("POST", "/v1/cases/{id}/people", "");
    let person = service
        .post(
            &service.caseworker(),
            &format!("/v1/cases/{case_id}/people"),
            person,
        )
        .await
        .expect(201)
        .id();
    let assessment = service.assessment_on(&case_id, "2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let consultation = sample("POST", "/v1/consultations", &case_id);
    let caseworker = service.caseworker();
    let consultation = service.post(&caseworker, "/v1/consultations", consultation).await;
    let consultation = consultation.expect(201).id();
    let review = service
        .post(
            &service.caseworker(),
            "/v1/reviews",
            sample("POST", "/v1/reviews", &case_id),
        )
        .await
        .expect(201)
        .id();
    let plan = sample("POST", "/v1/plans", &case_id);
    let plan = service.post(&service.caseworker(), "/v1/plans", plan).await;
    let plan = plan.expect(201).id();
    let first = json!({ "sections": {} });
    let versions = format!("/v1/plans/{plan}/versions");
    service
        .post(&service.caseworker(), &versions, first)
        .await
        .expect(201);
    let made = sample("POST", "/v1/plans/{id}/events", "");
    let events = format!("/v1/plans/{plan}/events");
    service
        .act(&service.caseworker(), &events, 1, made)
        .await
        .expect(201);
    let request = service
        .ask(
            &assessment,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" }),
        )
        .await
        .id();
    let Sealed {
        sealed,
        grant,
        hidden,
        sealed_reference,
        reading,
    } = seal_two(&service).await;
    let hold = service.hold(&case_id, "the inquiry").await;
    let disposed = service.due_case("1980-05-17").await;
    let list = service.reviewed_list().await;
    service.dispose(&list).await.expect(200);
    let listed = service.due_case("1981-05-17").await;
    let list = json!({ "limit": 1 });
    let disposal_list = service
        .post(&service.reviewer(), "/v1/disposal-lists", list)
        .await;
    let disposal_list = disposal_list.expect(201).id();
    let client = sample("POST", "/v1/clients", "");
    let client = service.post(&service.admin(), "/v1/clients", client).await;
    let client = client.expect(201).id();
    let secrets = format!("/v1/clients/{client}/secrets");
    let secret = service
        .post(&service.admin(), &secrets, json!({}))
        .await
        .expect(201);
    Fixture {
        client,
        secret_id: secret.id(),
        secret: secret.body["secret"].as_str().unwrap().to_owned(),
        service,
        case_id,
        person,
        assessment,
        review,
        consultation,
        plan,
        request,
        trust,
        other,
        sealed,
        grant,
        hidden,
        sealed_reference,
        reading,
        hold,
        disposal_list,
        listed,
        disposed,
    }
}

struct Sealed {
    sealed: String,
    grant: String,
    hidden: String,
    sealed_reference: String,
    reading: String,
}

async fn seal_two(service: &Service) -> Sealed {
    let manager = service.actor(Role::Manager);
    let seal = json!({ "ground": "staff_child" });
    let sealed = service.case().await;
    service
        .post(&manager, &format!("/v1/cases/{sealed}/seal"), seal.clone())
        .await
        .expect(201);
    let mut grant = String::new();
    for subject in ["caseworker-885", "auditor-885", "admin-885"] {
        let body = json!({ "subject": subject, "reason": "they keep it" });
        let grants = format!("/v1/cases/{sealed}/grants");
        grant = service.post(&manager, &grants, body).await.expect(201).id();
    }
    let hidden = service.case().await;
    let sealed_reference = service.body(&format!("/v1/cases/{hidden}")).await["reference"].clone();
    let sealed_reference = sealed_reference.as_str().unwrap().to_owned();
    service
        .post(
            &service.actor_as(&[Role::Manager], None, None),
            &format!("/v1/cases/{hidden}/seal"),
            seal,
        )
        .await
        .expect(201);
    let breaking = sample("POST", "/v1/break-glass-readings", &sealed_reference);
    let reader = service.actor_of_subject("reader", Role::Caseworker);
    let reading = service
        .post(&reader, "/v1/break-glass-readings", breaking)
        .await
        .expect(201)
        .id();
    Sealed {
        sealed,
        grant,
        hidden,
        sealed_reference,
        reading,
    }
}

impl Fixture {
    fn uri(&self, operation: &Operation) -> String {
        let path = operation.path.as_str();
        let of_sealed = ["get_seal", "unseal_case", "grant_access", "end_access"];
        let id = if of_sealed.contains(&operation.id.as_str()) {
            &self.sealed
        } else if path.starts_with("/v1/break-glass-readings") {
            &self.reading
        } else if path.starts_with("/v1/disposal-lists") {
            &self.disposal_list
        } else if path.starts_with("/v1/cases") {
            &self.case_id
        } else if path.starts_with("/v1/assessments") {
            &self.assessment
        } else if path.starts_with("/v1/reviews") {
            &self.review
        } else if path.starts_with("/v1/consultations") {
            &self.consultation
        } else if path.starts_with("/v1/plans") {
            &self.plan
        } else if path.starts_with("/v1/advice-requests") {
            &self.request
        } else if path.starts_with("/v1/clients") {
            &self.client
        } else {
            &self.trust
        };
        let query = if path == "/v1/reviews/phase-transfers" {
            "?year_group=6"
        } else {
            ""
        };
        let path = path
            .replace("{id}", id)
            .replace("{person_id}", &self.person)
            .replace("{grant_id}", &self.grant)
            .replace("{hold_id}", &self.hold)
            .replace("{secret_id}", &self.secret_id)
            .replace("{number}", "1");
        format!("{path}{query}")
    }

    /// The request as it would succeed, but for who asks.
    pub async fn try_as(&self, operation: &Operation, actor: Option<&Actor>) -> Answer {
        let (uri, method): (String, Method) = (self.uri(operation), operation.method.parse().unwrap());
        let mut request = match actor {
            Some(actor) => actor.request(method, &uri),
            None => anonymous(method, &uri),
        };
        if operation.id == "take_client_token" {
            request = request.set_form([
                ("grant_type", "client_credentials"),
                ("client_id", &self.client),
                ("client_secret", &self.secret),
            ]);
        } else if operation.method != "GET" {
            let version = if operation.path == "/v1/assessments/{id}/events" {
                3
            } else {
                1
            };
            if operation.id != "put_settings" {
                request = request.insert_header(if_match(version));
            }
            let named = if operation.id == "break_glass" {
                &self.sealed_reference
            } else if OPENINGS.contains(&operation.id.as_str()) {
                &self.case_id
            } else {
                &self.other
            };
            request =
                request
                    .insert_header(new_key())
                    .set_json(sample(&operation.method, &operation.path, named));
        }
        self.service.send(request).await
    }

    fn actor(&self, role: Role) -> Actor {
        match role {
            Role::Contributor => self.service.contributor(&self.trust),
            Role::Family => self.service.family(&self.case_id),
            staff => self.service.actor(staff),
        }
    }
}

/// Which scopes let a system do what takes a permission; none where it is people's alone.
const SCOPES: &[(&str, &[&str])] = &[
    ("read_cases", &["case:read"]),
    ("write_cases", &["case:write"]),
    ("read_assessments", &["case:read"]),
    ("write_assessments", &["case:write"]),
    ("read_reviews", &["case:read"]),
    ("write_reviews", &["case:write"]),
    ("read_upcoming_reviews", &["case:read"]),
    ("read_plans", &["case:read"]),
    ("write_plans", &["case:write"]),
    ("read_consultations", &["case:read"]),
    ("write_consultations", &["case:write"]),
    ("read_advice", &["advice:read"]),
    ("write_advice", &["case:write"]),
    ("contribute_advice", &["advice:submit"]),
    ("read_timeline", &["case:read"]),
    ("read_shared_advice", &["advice:read"]),
    ("read_clocks", &["case:read", "advice:read"]),
    ("read_organisations", &["case:read", "advice:read", "admin"]),
    ("write_organisations", &["admin"]),
    ("read_settings", &["admin"]),
    ("write_settings", &["admin"]),
    ("read_clients", &["admin"]),
    ("write_clients", &["admin"]),
    ("seal_cases", &[]),
    ("export_cases", &[]),
    ("break_glass", &[]),
    ("read_break_glass", &[]),
    ("dispose_of_cases", &[]),
    ("read_retention", &[]),
    ("read_trail", &[]),
];

/// The same for a system of an organisation, where that is asked for less.
const ORGANISATION_SCOPES: &[(&str, &[&str])] = &[("read_upcoming_reviews", &["case:read", "advice:read"])];

const ALL_SCOPES: [&str; 6] = [
    "case:read",
    "case:write",
    "advice:read",
    "advice:submit",
    "reports:read",
    "admin",
];

/// What lets a system do an operation, one of an organisation or of the authority, and whether that of an organisation
/// may at all.
fn scopes_of(
    operation: &Operation,
    document: &Value,
    is_organisation: bool,
) -> (&'static [&'static str], bool) {
    let said = &document["paths"][&operation.path][operation.method.to_lowercase()]["x-rights"];
    let (permission, scopes) = SCOPES
        .iter()
        .find(|(permission, _)| said["permission"] == json!(permission))
        .unwrap_or_else(|| panic!("{} takes a permission that the table lacks: {said}", operation.id));
    assert_eq!(said["scopes"], json!(scopes), "{permission}");
    let of_organisations = ORGANISATION_SCOPES.iter().find(|(own, _)| own == permission);
    let of_organisations = of_organisations.map(|(_, scopes)| *scopes);
    assert_eq!(
        said["organisation_scopes"],
        of_organisations.map_or(Value::Null, |scopes| json!(scopes)),
        "{permission}"
    );
    (
        of_organisations.filter(|_| is_organisation).unwrap_or(scopes),
        said["roles"].as_array().unwrap().contains(&json!("contributor")),
    )
}

#[actix_web::test]
async fn a_system_does_what_its_scopes_say_and_nothing_else() {
    let fixture = fixture().await;
    let service = &fixture.service;
    let document = serde_json::to_value(document()).unwrap();
    let restricted = operations().into_iter().filter(|operation| {
        let line = TABLE.iter().find(|(id, _)| *id == operation.id);
        line.is_some_and(|(_, allowed)| *allowed != "*")
    });
    let restricted: Vec<Operation> = restricted.collect();
    for organisation_id in [None, Some(&fixture.trust)] {
        for scope in ALL_SCOPES {
            if organisation_id.is_some() && scope == "admin" {
                continue;
            }
            let client = json!({ "name": scope, "scopes": [scope], "organisation_id": organisation_id });
            let refused = service
                .post(&service.admin(), "/v1/clients", client.clone())
                .await;
            if refused.status == 422 && organisation_id.is_some() {
                continue;
            }
            let client_id = registered(service, client).await;
            let (_, secret) = secret_of(service, &client_id).await;
            let system = bearer(ask(service, &client_id, &secret, &[]).await);
            for operation in &restricted {
                let (scopes, is_shared) = scopes_of(operation, &document, organisation_id.is_some());
                let may = scopes.contains(&scope) && (organisation_id.is_none() || is_shared);
                let answer = fixture.try_as(operation, Some(&system)).await;
                assert_ne!(answer.status, 401, "{scope} on {}", operation.id);
                assert_eq!(
                    answer.status != 403,
                    may,
                    "{scope} on {} ({organisation_id:?}): {}",
                    operation.id,
                    answer.text
                );
            }
            let read = service
                .get(&service.admin(), &format!("/v1/clients/{client_id}"))
                .await;
            let disabled = json!({ "disabled": true });
            let client = format!("/v1/clients/{client_id}");
            service
                .patch(&service.admin(), &client, read.version(), disabled)
                .await
                .expect(200);
            for operation in &restricted {
                let answer = fixture.try_as(operation, Some(&system)).await;
                let (scopes, is_shared) = scopes_of(operation, &document, organisation_id.is_some());
                let shut_out = scopes.contains(&scope) && (organisation_id.is_none() || is_shared);
                assert!(
                    answer.status == 401 || (!shut_out && answer.status == 403),
                    "a disabled system on {}: {}",
                    operation.id,
                    answer.status
                );
            }
        }
    }
}

#[actix_web::test]
async fn a_system_that_reads_advice_alone_is_not_told_of_whom_it_is() {
    let fixture = fixture().await;
    let service = &fixture.service;
    let with_scopes = async |scopes: Value| {
        let client_id = registered(service, json!({ "name": "A", "scopes": scopes })).await;
        let (_, secret) = secret_of(service, &client_id).await;
        bearer(ask(service, &client_id, &secret, &[]).await)
    };
    let of_advice = with_scopes(json!(["advice:read", "reports:read"])).await;
    let of_cases = with_scopes(json!(["case:read"])).await;
    let all = service.pages(&of_cases, "/v1/clocks", 50).await;
    let kinds =
        |clocks: &[Value]| -> Vec<Value> { clocks.iter().map(|clock| clock["kind"].clone()).collect() };
    assert!(kinds(&all).contains(&json!("final_plan")));
    let own = service.pages(&of_advice, "/v1/clocks", 1).await;
    assert!(
        !own.is_empty() && kinds(&own).iter().all(|kind| kind == "advice"),
        "{own:?}"
    );
    let of_requests = service.pages(&of_cases, "/v1/clocks?kind=advice", 50).await;
    assert_eq!(own, of_requests);
    let named = "/v1/clocks?kind=final_plan";
    assert_eq!(service.pages(&of_advice, named, 50).await, [] as [Value; 0]);
    for uri in [
        "/v1/clocks?include=case",
        "/v1/clocks?include=explanation,case",
        "/v1/reviews/upcoming",
    ] {
        let refused = service.get(&of_advice, uri).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{uri}");
        assert_eq!(service.get(&of_cases, uri).await.status, 200, "{uri}");
    }
    // An organisation's own system reads what it was asked.
    let client = json!({ "name": "Trust", "scopes": ["advice:read"], "organisation_id": fixture.trust });
    let client_id = registered(service, client).await;
    let (_, secret) = secret_of(service, &client_id).await;
    let trust = bearer(ask(service, &client_id, &secret, &[]).await);
    let asked = service.pages(&trust, "/v1/clocks?include=case", 50).await;
    assert_eq!(kinds(&asked), ["advice"]);
    service.get(&trust, "/v1/reviews/upcoming").await.expect(200);
}

#[test]
fn every_operation_has_a_line_and_every_line_an_operation() {
    let mut operations: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    let mut lines: Vec<String> = TABLE.iter().map(|(id, _)| (*id).to_owned()).collect();
    operations.sort();
    lines.sort();
    assert_eq!(operations, lines);
}

#[test]
fn the_document_says_of_every_operation_what_the_table_says() {
    let document = serde_json::to_value(document()).unwrap();
    for operation in operations() {
        let allowed = TABLE.iter().find(|(id, _)| *id == operation.id).unwrap().1;
        let said = &document["paths"][&operation.path][operation.method.to_lowercase()]["x-rights"];
        if allowed == "*" {
            assert!(said.is_null(), "{}", operation.id);
            continue;
        }
        let letters: String = ROLES
            .into_iter()
            .filter(|(_, role)| said["roles"].as_array().unwrap().contains(&json!(role)))
            .map(|(letter, _)| letter)
            .collect();
        assert_eq!(letters, allowed, "{}", operation.id);
        assert!(said["scopes"].is_array(), "{}", operation.id);
        assert!(said["permission"].is_string(), "{}", operation.id);
    }
}

#[actix_web::test]
async fn every_operation_is_open_to_whom_the_table_says_and_nobody_else() {
    for operation in operations() {
        let allowed = TABLE.iter().find(|(id, _)| *id == operation.id).unwrap().1;
        let (id, fixture) = (&operation.id, fixture().await);
        let service = &fixture.service;
        for (name, actor) in [
            ("nobody", None),
            ("a forger", Some(service.forger())),
            ("an expired token", Some(service.expired())),
        ] {
            let answer = fixture.try_as(&operation, actor.as_ref()).await;
            if allowed == "*" {
                assert_eq!(answer.status, 200, "{name} on {id}");
            } else {
                let challenge = answer.header("www-authenticate").unwrap_or_default();
                let (says, reason) = match name {
                    "a forger" => ("Bearer error=\"invalid_token\"", json!("bad_signature")),
                    "an expired token" => ("Bearer error=\"invalid_token\"", json!("expired")),
                    _ => ("Bearer", Value::Null),
                };
                assert_eq!(
                    (answer.status, answer.code(), &answer.body["reason"]),
                    (401, "unauthenticated", &reason),
                    "{name} on {id}"
                );
                assert!(challenge.starts_with(says), "{name} on {id}: {challenge}");
            }
        }
        for (letter, role) in ROLES {
            let answer = fixture.try_as(&operation, Some(&fixture.actor(role))).await;
            if allowed == "*" || allowed.contains(letter) {
                assert!(
                    [200, 201, 409, 412].contains(&answer.status),
                    "{role:?} on {id}: {}",
                    answer.body
                );
            } else {
                assert_eq!(
                    (answer.status, answer.code()),
                    (403, "forbidden"),
                    "{role:?} on {id}"
                );
            }
        }
    }
}

/// An operation on which somebody of another authority is not answered by the rule.
struct Exception {
    operation: &'static str,
    answer: &'static str,
}

/// How many there are. It can only shrink: whoever takes one away lowers it.
const EXCEPTIONS: usize = 12;

fn exceptions() -> Vec<Exception> {
    let lines = include_str!("authorisation_exceptions.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let exceptions = lines.map(|line| {
        let [operation, answer, reason] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("not an operation, an answer and a reason: {line}");
        };
        assert!(!reason.is_empty(), "{line}");
        Exception { operation, answer }
    });
    exceptions.collect()
}

/// What somebody of another authority is answered unless the file says otherwise.
fn rule_of(operation: &Operation) -> &'static str {
    if operation.path.contains("{id}") {
        "not_found"
    } else {
        "empty"
    }
}

fn given_to_stranger(answer: &Answer) -> &'static str {
    let items = answer.body["items"].as_array();
    let is_refused = |item: &Value| item["problem"]["errors"][0]["code"] == "unknown_case";
    match answer.status {
        404 if answer.code() == "not_found" => "not_found",
        409 if answer.code() == "nothing_due" => "nothing_due",
        422 if answer.faults() == ["/case_id unknown_case"] => "unknown_case",
        200 if items.is_some_and(Vec::is_empty) => "empty",
        200 if items.is_some_and(|items| items.iter().all(is_refused)) => "unknown_items",
        200 | 201 => "own",
        _ => "something else",
    }
}

#[test]
fn every_exception_is_of_an_operation_and_needed_and_there_are_as_many_as_is_said() {
    let exceptions = exceptions();
    assert_eq!(exceptions.len(), EXCEPTIONS, "lower it, and never raise it");
    let operations = operations();
    for (place, Exception { operation, answer }) in exceptions.iter().enumerate() {
        let is_tried = TABLE
            .iter()
            .any(|(id, allowed)| id == operation && *allowed != "*");
        let of = operations.iter().find(|known| known.id == *operation);
        let rule = of.filter(|_| is_tried).map(rule_of);
        assert!(
            rule.is_some_and(|rule| rule != *answer),
            "{operation} needs no line"
        );
        let before = exceptions[..place].last();
        assert!(
            before.is_none_or(|before| before.operation < *operation),
            "{operation} is out of order"
        );
    }
}

#[actix_web::test]
async fn another_authority_organisation_or_family_finds_nothing() {
    let exceptions = exceptions();
    let fixture = fixture().await;
    let service = &fixture.service;
    let (other_family, other_contributor) = (
        service.family(&service.case().await),
        service.contributor(&fixture.other),
    );
    for operation in operations() {
        let (id, allowed) = (
            &operation.id,
            TABLE.iter().find(|(id, _)| *id == operation.id).unwrap().1,
        );
        if allowed == "*" {
            continue;
        }
        let has_id = operation.path.contains("{id}");
        for (letter, role) in ROLES {
            if ["of", "d"].iter().any(|group| group.contains(letter)) && !allowed.contains(letter) {
                continue;
            }
            // Everybody of another authority, whatever they are there.
            let (organisation, case) = (Some(fixture.trust.as_str()), Some(fixture.case_id.as_str()));
            let stranger = service.actor_of(
                "330",
                role,
                organisation.filter(|_| letter == 'o'),
                case.filter(|_| letter == 'f'),
            );
            let answer = fixture.try_as(&operation, Some(&stranger)).await;
            if allowed.contains(letter) {
                let exception = exceptions.iter().find(|exception| exception.operation == id);
                let expected = exception.map_or(rule_of(&operation), |exception| exception.answer);
                let given = given_to_stranger(&answer);
                assert_eq!(given, expected, "{role:?} of 330 on {id}: {}", answer.text);
            } else {
                assert_eq!(answer.status, 403, "{role:?} of 330 on {id}");
            }
        }
        if allowed.contains('o') && operation.path.starts_with("/v1/advice-requests/") {
            assert_eq!(
                fixture.try_as(&operation, Some(&other_contributor)).await.status,
                404,
                "another organisation on {id}"
            );
        }
        if allowed.contains('f') && has_id {
            assert_eq!(
                fixture.try_as(&operation, Some(&other_family)).await.status,
                404,
                "another family on {id}"
            );
        }
    }
    for (actor, uri) in [
        (&other_contributor, "/v1/advice-requests"),
        (&other_contributor, "/v1/clocks"),
        (&other_family, "/v1/clocks"),
    ] {
        assert_eq!(
            service.get(actor, uri).await.expect(200).body["items"],
            json!([]),
            "{uri}"
        );
    }
    // What belongs to another authority cannot be named in a body either.
    let own = service
        .post(&service.stranger(), "/v1/cases", sample("POST", "/v1/cases", ""))
        .await
        .expect(201)
        .id();
    let setting = json!({ "setting": { "organisation_id": fixture.trust, "from_on": "2026-01-01" } });
    assert_eq!(
        service
            .patch(&service.stranger(), &format!("/v1/cases/{own}"), 1, setting)
            .await
            .faults(),
        ["/setting/organisation_id unknown_organisation"]
    );
    assert_eq!(
        service
            .read(&format!("/v1/assessments/{}", fixture.assessment))
            .await
            .version(),
        3,
        "nothing was changed"
    );
}

#[actix_web::test]
async fn a_token_is_a_bearer_token() {
    let service = Service::new();
    let token = service.caseworker().bearer();
    let bare = token.trim_start_matches("Bearer ").to_owned();
    for (authorization, status) in [
        (token.clone(), 200),
        (format!("bearer {bare}"), 200),
        (bare.clone(), 401),
        (format!("Basic {bare}"), 401),
        (format!("Bearer {bare}x"), 401),
        ("Bearer ".to_owned(), 401),
        (String::new(), 401),
    ] {
        let request =
            anonymous(Method::GET, "/v1/cases").insert_header(("Authorization", authorization.clone()));
        assert_eq!(service.send(request).await.status, status, "{authorization:?}");
    }
}
