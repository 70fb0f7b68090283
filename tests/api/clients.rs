//! Systems that ask for themselves: what they prove themselves with, what they may do, and how they are shut out.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ehcp_timeline::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Actor, Answer, Service, anonymous, new_key};
use crate::issuers::edwards_jwk;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub async fn registered(service: &Service, body: Value) -> String {
    service
        .post(&service.admin(), "/v1/clients", body)
        .await
        .expect(201)
        .id()
}

pub async fn secret_of(service: &Service, client_id: &str) -> (String, String) {
    let made = service
        .post(
            &service.admin(),
            &format!("/v1/clients/{client_id}/secrets"),
            json!({}),
        )
        .await
        .expect(201);
    (made.id(), made.body["secret"].as_str().unwrap().to_owned())
}

fn form(parameters: &[(&str, &str)]) -> TestRequest {
    anonymous(Method::POST, "/oauth/token").set_form(parameters)
}

/// Asks for a token with the secret in the form.
pub async fn ask(service: &Service, client_id: &str, secret: &str, more: &[(&str, &str)]) -> Answer {
    let mut parameters = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", secret),
    ];
    parameters.extend(more);
    service.send(form(&parameters)).await
}

#[track_caller]
pub fn bearer(answer: Answer) -> Actor {
    Actor::with_token(answer.expect(200).body["access_token"].as_str().unwrap())
}

/// A refusal in OAuth's words and in ours.
#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status, answer.body["error"].as_str()),
        (status, Some(error)),
        "{}",
        answer.text
    );
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.body["error_description"], answer.body["detail"]);
    assert_eq!(
        answer
            .header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("Basic ")),
        status == 401
    );
}

#[track_caller]
fn shut_out(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code(), answer.body["reason"].as_str()),
        (401, "unauthenticated", Some("client_shut_out")),
        "{}",
        answer.text
    );
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
}

#[actix_web::test]
async fn a_system_does_what_it_was_granted_and_stands_in_the_record() {
    let service = Service::new();
    let body = json!({ "name": "Casework feed", "scopes": ["case:write", "case:read"] });
    let client_id = registered(&service, body).await;
    let (_, secret) = secret_of(&service, &client_id).await;

    let answer = ask(&service, &client_id, &secret, &[]).await.expect(200);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    assert_eq!(answer.body["scope"], "case:read case:write");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let system = bearer(answer);
    let case_id = service
        .post(
            &system,
            "/v1/cases",
            json!({ "given_name": "Ada", "family_name": "Example", "date_of_birth": "2017-11-02" }),
        )
        .await
        .expect(201)
        .id();
    service
        .get(&system, &format!("/v1/cases/{case_id}"))
        .await
        .expect(200);
    let who = format!("audit_entries WHERE subject = 'client:{client_id}' AND resource_id = '{case_id}'");
    assert_eq!(service.count(&who), 1);
    // What no scope of its own opens.
    for uri in ["/v1/settings", "/v1/advice-requests", "/v1/clients"] {
        assert_eq!(service.get(&system, uri).await.code(), "forbidden", "{uri}");
    }

    // The same by HTTP Basic, for less.
    let credentials = STANDARD.encode(format!("{client_id}:{secret}"));
    let basic = form(&[("grant_type", "client_credentials"), ("scope", "case:read")])
        .insert_header(("Authorization", format!("Basic {credentials}")));
    let reader = bearer(service.send(basic).await);
    service
        .get(&reader, &format!("/v1/cases/{case_id}"))
        .await
        .expect(200);
    let answer = service.post(&reader, "/v1/cases", json!({})).await;
    assert_eq!(answer.code(), "forbidden");
}

#[actix_web::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Feed", "scopes": ["case:read"] })).await;
    let uri = format!("/v1/clients/{client_id}/secrets");
    let (key, admin) = (new_key(), service.admin());
    let send = || {
        let request = admin.request(Method::POST, &uri).insert_header(key.clone());
        service.send(request.set_json(json!({})))
    };
    let (first, again) = (send().await.expect(201), send().await.expect(201));
    let secret = first.body["secret"].as_str().unwrap();
    assert_eq!(again.body["secret"], Value::Null);
    assert_eq!(again.body["id"], first.body["id"]);
    // What is packed could not be searched.
    assert_eq!(service.count("idempotency_keys WHERE body LIKE 'lz4:%'"), 0);
    for place in [
        "idempotency_keys WHERE body",
        "client_secrets WHERE hash",
        "audit_entries WHERE resource_id",
    ] {
        assert_eq!(service.count(&format!("{place} LIKE '%{secret}%'")), 0, "{place}");
    }
    assert_eq!(service.count("client_secrets WHERE hash LIKE '$argon2id$%'"), 1);
    let shown = service
        .get(&admin, &format!("/v1/clients/{client_id}"))
        .await
        .expect(200);
    assert!(!shown.text.contains(secret) && !shown.text.contains("argon2"));
    ask(&service, &client_id, secret, &[]).await.expect(200);
}

#[actix_web::test]
async fn one_secret_takes_the_place_of_another() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Feed", "scopes": ["case:read"] })).await;
    let uri = format!("/v1/clients/{client_id}");
    let (old_id, old) = secret_of(&service, &client_id).await;
    let (_, new) = secret_of(&service, &client_id).await;
    for secret in [&old, &new] {
        ask(&service, &client_id, secret, &[]).await.expect(200);
    }
    let third = service
        .post(&service.admin(), &format!("{uri}/secrets"), json!({}))
        .await;
    assert_eq!((third.status, third.code()), (409, "too_many_secrets"));
    let revocation = format!("{uri}/secrets/{old_id}/revocation");
    let revoked = service
        .post(&service.admin(), &revocation, json!({}))
        .await
        .expect(200);
    assert!(revoked.body["secrets"][0]["revoked_at"].is_string());
    assert!(revoked.body["secrets"][1]["last_used_at"].is_string());
    let again = service
        .post(&service.admin(), &revocation, json!({}))
        .await
        .expect(200);
    assert_eq!(again.version(), revoked.version(), "it was revoked already");
    refused(&ask(&service, &client_id, &old, &[]).await, 401, "invalid_client");
    ask(&service, &client_id, &new, &[]).await.expect(200);
    secret_of(&service, &client_id).await;
}

#[actix_web::test]
async fn a_system_that_is_shut_out_is_refused_at_once() {
    let service = Service::new();
    let client_id = registered(
        &service,
        json!({ "name": "Feed", "scopes": ["case:read", "case:write"] }),
    )
    .await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let system = bearer(ask(&service, &client_id, &secret, &[]).await);
    let replica = service.worker().into_service();
    let case = json!({ "given_name": "A", "family_name": "B", "date_of_birth": "2017-01-01" });
    let uri = format!("/v1/clients/{client_id}");
    replica.get(&system, "/v1/cases").await.expect(200);

    let change = |version, body| service.patch_as_admin(&uri, version, body);
    let version = change(2, json!({ "disabled": true })).await.expect(200).version();
    for server in [&service, &replica] {
        shut_out(&server.get(&system, "/v1/cases").await);
        shut_out(&server.post(&system, "/v1/cases", case.clone()).await);
    }
    refused(
        &ask(&service, &client_id, &secret, &[]).await,
        401,
        "invalid_client",
    );

    let version = change(version, json!({ "disabled": false }))
        .await
        .expect(200)
        .version();
    replica.get(&system, "/v1/cases").await.expect(200);
    // What is taken away from it is gone from its tokens too.
    change(version, json!({ "scopes": ["case:read"] }))
        .await
        .expect(200);
    shut_out(&replica.post(&system, "/v1/cases", case).await);
}

#[actix_web::test]
async fn a_trust_serves_several_authorities_with_one_system() {
    let service = Service::new();
    let (here, there) = (
        service.admin(),
        service.actor_of("330", ehcp_timeline::auth::Role::Admin, None, None),
    );
    let trust = service.organisation("Trust", "health").await;
    let elsewhere = service
        .post(
            &there,
            "/v1/organisations",
            json!({ "name": "Trust", "kind": "health" }),
        )
        .await
        .expect(201)
        .id();
    let client_id = registered(
        &service,
        json!({ "name": "Patient records", "organisation_id": trust, "scopes": ["advice:read", "advice:submit"] }),
    )
    .await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let uri = format!("/v1/clients/{client_id}");
    let assessment = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let request = service
        .ask(
            &assessment,
            json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" }),
        )
        .await
        .id();

    // One authority has granted it something: its token is for that one.
    let at_home = bearer(ask(&service, &client_id, &secret, &[]).await);
    let seen = service.get(&at_home, "/v1/advice-requests").await.expect(200);
    assert_eq!(seen.body["items"][0]["id"], json!(request));
    service.get(&at_home, "/v1/cases").await.expect(403);
    refused(
        &ask(&service, &client_id, &secret, &[("la", "330")]).await,
        400,
        "invalid_grant",
    );

    // Another knows nothing of it, until it grants it something as its own organisation.
    service.get(&there, &uri).await.expect(404);
    let grant = |organisation: &str| json!({ "organisation_id": organisation, "scopes": ["advice:read"] });
    let faults = service
        .put(&there, &format!("{uri}/grant"), grant(&trust))
        .await
        .faults();
    assert_eq!(faults, ["/organisation_id unknown_organisation"]);
    let granted = service
        .put(&there, &format!("{uri}/grant"), grant(&elsewhere))
        .await
        .expect(200);
    assert_eq!(granted.body["name"], "Patient records");
    assert_eq!(granted.body["registered_here"], false);
    assert_eq!(granted.body["secrets"], json!([]));
    for (act, body) in [("secrets", json!({})), ("keys", json!({ "keys": [] }))] {
        let answer = match act {
            "keys" => service.put(&there, &format!("{uri}/{act}"), body).await,
            _ => service.post(&there, &format!("{uri}/{act}"), body).await,
        };
        assert_eq!(answer.status, 404, "{act}");
    }
    let renamed = service.patch(&there, &uri, 1, json!({ "name": "Ours" })).await;
    assert_eq!(renamed.faults(), ["/name registered_elsewhere"]);
    assert_eq!(
        service.get(&here, &uri).await.body["scopes"],
        json!(["advice:read", "advice:submit"])
    );

    refused(
        &ask(&service, &client_id, &secret, &[]).await,
        400,
        "invalid_request",
    );
    let scope = [("la", "330"), ("scope", "advice:submit")];
    refused(
        &ask(&service, &client_id, &secret, &scope).await,
        400,
        "invalid_scope",
    );
    let away = bearer(ask(&service, &client_id, &secret, &[("la", "330")]).await);
    let seen = service.get(&away, "/v1/advice-requests").await.expect(200);
    assert_eq!(seen.body["items"], json!([]));
    service
        .get(&away, &format!("/v1/advice-requests/{request}"))
        .await
        .expect(404);

    // Each shuts it out for itself, and the one that registered it for all.
    service
        .patch(&there, &uri, 1, json!({ "disabled": true }))
        .await
        .expect(200);
    shut_out(&service.get(&away, "/v1/advice-requests").await);
    service.get(&at_home, "/v1/advice-requests").await.expect(200);
    service
        .patch(&there, &uri, 2, json!({ "disabled": false }))
        .await
        .expect(200);
    service.get(&away, "/v1/advice-requests").await.expect(200);
    let version = service.get(&here, &uri).await.version();
    service
        .patch(&here, &uri, version, json!({ "disabled": true }))
        .await
        .expect(200);
    shut_out(&service.get(&away, "/v1/advice-requests").await);
    shut_out(&service.get(&at_home, "/v1/advice-requests").await);
}

#[actix_web::test]
async fn the_system_of_an_organisation_gives_its_advice() {
    let service = Service::new();
    let trust = service.organisation("Trust", "health").await;
    let other = service.organisation("Other", "health").await;
    let system = |organisation: String, scopes: Value| {
        let service = &service;
        async move {
            let body = json!({ "name": "Records", "organisation_id": organisation, "scopes": scopes });
            let client_id = registered(service, body).await;
            let (_, secret) = secret_of(service, &client_id).await;
            bearer(ask(service, &client_id, &secret, &[]).await)
        }
    };
    let giver = system(trust.clone(), json!(["advice:read", "advice:submit"])).await;
    let reader = system(trust.clone(), json!(["advice:read"])).await;
    let stranger = system(other, json!(["advice:read", "advice:submit"])).await;
    let assessment = service.assessment("2026-01-05").await;
    service.decide_to_assess(&assessment, "2026-02-10").await;
    let asked = json!({ "requirement": "medical", "organisation_id": trust, "requested_on": "2026-02-12" });
    let request = service.ask(&assessment, asked).await.id();
    let advice = json!({ "summary": "Needs a quiet room.", "authors": ["A doctor"] });
    let (uri, version) = (format!("/v1/advice-requests/{request}"), 1);
    let version = service.read(&uri).await.version().max(version);
    for (actor, status) in [(&reader, 403), (&stranger, 404)] {
        let answer = service
            .act(actor, &format!("{uri}/submission"), version, advice.clone())
            .await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let dated = json!({ "summary": "x", "authors": ["A"], "occurred_on": "2026-02-13" });
    let answer = service
        .act(&giver, &format!("{uri}/submission"), version, dated)
        .await;
    assert_eq!(answer.faults(), ["/occurred_on staff_only"]);
    service
        .act(&giver, &format!("{uri}/submission"), version, advice)
        .await
        .expect(201);
    service.get(&reader, &uri).await.expect(200);
}

/// A key of a system, and assertions signed with it.
struct Signer {
    key: EncodingKey,
    jwk: Value,
    public_pem: String,
}

impl Signer {
    fn new(kid: &str) -> Signer {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = edwards_jwk(&pair);
        jwk["kid"] = json!(kid);
        Signer {
            key,
            jwk,
            public_pem: pair.public_key_pem(),
        }
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

fn claims(client_id: &str, changes: Value) -> Value {
    let mut claims = json!({ "iss": client_id, "sub": client_id, "aud": "ehcp-timeline",
        "exp": Clock::System.now().timestamp() + 60, "jti": Uuid::from_u128(rand::random()) });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn assert_with(service: &Service, assertion: &str) -> Answer {
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    service.send(form(&parameters)).await
}

#[actix_web::test]
async fn a_system_proves_itself_with_a_key_of_its_own() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Feed", "scopes": ["case:read"] })).await;
    let other_id = registered(&service, json!({ "name": "Other", "scopes": ["case:read"] })).await;
    let (signer, other) = (Signer::new("one"), Signer::new("one"));
    let keys = json!({ "keys": [signer.jwk] });
    let uri = format!("/v1/clients/{client_id}/keys");
    let put = service.put(&service.admin(), &uri, keys).await.expect(200);
    assert_eq!(put.body["keys"], json!([{ "kid": "one", "algorithm": "EdDSA" }]));
    service
        .put(
            &service.admin(),
            &format!("/v1/clients/{other_id}/keys"),
            json!({ "keys": [other.jwk] }),
        )
        .await
        .expect(200);

    let good = signer.sign("one", &claims(&client_id, json!({})));
    let system = bearer(assert_with(&service, &good).await);
    service.get(&system, "/v1/cases").await.expect(200);
    let replica = service.worker().into_service();
    for server in [&service, &replica] {
        refused(&assert_with(server, &good).await, 401, "invalid_client");
    }

    let now = Clock::System.now().timestamp();
    let but = |changes: Value| signer.sign("one", &claims(&client_id, changes));
    let symmetric = Header {
        kid: Some("one".to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let secret = EncodingKey::from_secret(signer.public_pem.as_bytes());
    for (what, assertion) in [
        (
            "another audience",
            but(json!({ "aud": "https://example.org/oauth/token" })),
        ),
        ("expired", but(json!({ "exp": now - 120 }))),
        ("good for too long", but(json!({ "exp": now + 3600 }))),
        ("another subject", but(json!({ "sub": other_id }))),
        ("no name of its own", but(json!({ "jti": "" }))),
        (
            "another's name",
            signer.sign("one", &claims(&other_id, json!({}))),
        ),
        ("another's key", other.sign("one", &claims(&client_id, json!({})))),
        (
            "a key that is not there",
            signer.sign("two", &claims(&client_id, json!({}))),
        ),
        (
            "nobody",
            signer.sign("one", &claims(&Uuid::from_u128(9).to_string(), json!({}))),
        ),
        (
            "a public key as a secret",
            jsonwebtoken::encode(&symmetric, &claims(&client_id, json!({})), &secret).unwrap(),
        ),
        ("no assertion", "a.b.c".to_owned()),
    ] {
        let answer = assert_with(&service, &assertion).await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_client"), "{what}");
    }
    // Without its key it is nobody again.
    service
        .put(&service.admin(), &uri, json!({ "keys": [] }))
        .await
        .expect(200);
    refused(
        &assert_with(&service, &but(json!({}))).await,
        401,
        "invalid_client",
    );
    let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "p", "x": signer.jwk["x"], "d": "AAAA" }] });
    let answer = service.put(&service.admin(), &uri, private).await;
    assert_eq!(answer.faults(), ["/keys/0/d unknown_field"]);
}

#[actix_web::test]
async fn requests_for_tokens_are_refused_in_the_words_of_oauth() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Feed", "scopes": ["case:read"] })).await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let (client_id, secret) = (client_id.as_str(), secret.as_str());
    let grant = ("grant_type", "client_credentials");
    let named = [("client_id", client_id), ("client_secret", secret)];
    let nobody = Uuid::from_u128(7).to_string();
    for (parameters, status, error) in [
        (vec![named[0], named[1]], 400, "invalid_request"),
        (
            vec![("grant_type", "password"), named[0], named[1]],
            400,
            "unsupported_grant_type",
        ),
        (vec![grant, grant, named[0], named[1]], 400, "invalid_request"),
        (
            vec![grant, named[0], named[1], ("scope", "everything")],
            400,
            "invalid_scope",
        ),
        (
            vec![grant, named[0], named[1], ("scope", "case:write")],
            400,
            "invalid_scope",
        ),
        (
            vec![grant, named[0], named[1], ("la", "Kent")],
            400,
            "invalid_request",
        ),
        (
            vec![grant, named[0], named[1], ("la", "330")],
            400,
            "invalid_grant",
        ),
        (
            vec![grant, named[0], named[1], ("client_assertion", "a.b.c")],
            400,
            "invalid_request",
        ),
        (vec![grant], 401, "invalid_client"),
        (vec![grant, named[0]], 401, "invalid_client"),
        (vec![grant, named[1]], 401, "invalid_client"),
        (
            vec![grant, named[0], ("client_secret", "hush")],
            401,
            "invalid_client",
        ),
        (
            vec![grant, ("client_id", &nobody), named[1]],
            401,
            "invalid_client",
        ),
        (
            vec![grant, ("client_id", "nobody"), named[1]],
            401,
            "invalid_client",
        ),
    ] {
        let answer = service.send(form(&parameters)).await;
        refused(&answer, status, error);
        assert!(!answer.text.contains(secret) && !answer.text.contains("hush"));
    }
    // Unknown parameters do not matter.
    service
        .send(form(&[grant, named[0], named[1], ("resource", "x")]))
        .await
        .expect(200);
    let json =
        anonymous(Method::POST, "/oauth/token").set_json(json!({ "grant_type": "client_credentials" }));
    refused(&service.send(json).await, 415, "invalid_request");
    let large = "x".repeat(20_000);
    refused(
        &service.send(form(&[grant, ("client_secret", &large)])).await,
        413,
        "invalid_request",
    );
}

#[actix_web::test]
async fn it_is_written_down_when_a_system_was_used_but_not_every_time() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Feed", "scopes": ["case:read"] })).await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let used = || async {
        let shown = service
            .get(&service.admin(), &format!("/v1/clients/{client_id}"))
            .await;
        (
            shown.body["last_used_at"].clone(),
            shown.body["secrets"][0]["last_used_at"].clone(),
        )
    };
    assert_eq!(used().await, (Value::Null, Value::Null));
    for (now, noted) in [
        ("2026-02-20T09:00:00Z", "2026-02-20T09:00:00Z"),
        ("2026-02-20T09:00:30Z", "2026-02-20T09:00:00Z"),
        ("2026-02-20T09:01:00Z", "2026-02-20T09:01:00Z"),
    ] {
        service.set_now(now);
        ask(&service, &client_id, &secret, &[]).await.expect(200);
        assert_eq!(used().await, (json!(noted), json!(noted)), "{now}");
    }
}

#[actix_web::test]
async fn a_system_grants_no_more_than_it_has() {
    let service = Service::new();
    let client_id = registered(&service, json!({ "name": "Setup", "scopes": ["admin"] })).await;
    let (_, secret) = secret_of(&service, &client_id).await;
    let system = bearer(ask(&service, &client_id, &secret, &[]).await);
    let more = json!({ "name": "More", "scopes": ["admin", "case:read"] });
    assert_eq!(
        service.post(&system, "/v1/clients", more).await.faults(),
        ["/scopes beyond_own"]
    );
    let own = json!({ "scopes": ["admin", "case:read"] });
    let answer = service
        .patch(&system, &format!("/v1/clients/{client_id}"), 2, own)
        .await;
    assert_eq!(answer.faults(), ["/scopes beyond_own"]);
    let same = json!({ "name": "Same", "scopes": ["admin"] });
    service.post(&system, "/v1/clients", same).await.expect(201);
}

#[actix_web::test]
async fn a_system_takes_over_none_that_may_do_more() {
    let service = Service::new();
    let system = |name: &str, scopes: &[&str]| {
        let body = json!({ "name": name, "scopes": scopes });
        let service = &service;
        async move { registered(service, body).await }
    };
    let setup_id = system("Setup", &["admin"]).await;
    let (_, secret) = secret_of(&service, &setup_id).await;
    let setup = bearer(ask(&service, &setup_id, &secret, &[]).await);
    let mut jwk = edwards_jwk(&KeyPair::generate_for(&PKCS_ED25519).unwrap());
    jwk["kid"] = json!("2026-11");
    let keys = json!({ "keys": [jwk] });

    let records = format!(
        "/v1/clients/{}",
        system("Records", &["case:read", "case:write"]).await
    );
    let refused = service
        .post(&setup, &format!("{records}/secrets"), json!({}))
        .await;
    assert_eq!(
        (refused.status, refused.faults()),
        (422, vec![" beyond_own".to_owned()])
    );
    let refused = service
        .put(&setup, &format!("{records}/keys"), keys.clone())
        .await;
    assert_eq!(
        (refused.status, refused.faults()),
        (422, vec![" beyond_own".to_owned()])
    );
    let shut_out = json!({ "disabled": true });
    service.patch(&setup, &records, 1, shut_out).await.expect(200);
    let refused = service
        .patch(&setup, &records, 2, json!({ "disabled": false }))
        .await;
    assert_eq!(refused.faults(), [" beyond_own"], "nor lets it in again");

    // What another authority granted it counts too.
    let there = service.actor_of("330", ehcp_timeline::auth::Role::Admin, None, None);
    let trust = service.organisation("Trust", "health").await;
    let body = json!({ "name": "Trust", "kind": "health" });
    let elsewhere = service
        .post(&there, "/v1/organisations", body)
        .await
        .expect(201)
        .id();
    let body = json!({ "name": "Advice", "organisation_id": trust, "scopes": ["admin"] });
    let advice = format!("/v1/clients/{}", registered(&service, body).await);
    let grant = json!({ "organisation_id": elsewhere, "scopes": ["advice:read"] });
    service
        .put(&there, &format!("{advice}/grant"), grant)
        .await
        .expect(200);
    let refused = service
        .post(&setup, &format!("{advice}/secrets"), json!({}))
        .await;
    assert_eq!(refused.faults(), [" beyond_own"]);

    let same = format!("/v1/clients/{}", system("Same", &["admin"]).await);
    service
        .post(&setup, &format!("{same}/secrets"), json!({}))
        .await
        .expect(201);
    service
        .put(&setup, &format!("{same}/keys"), keys)
        .await
        .expect(200);
    // People of the authority look after all of its systems.
    service
        .post(&service.admin(), &format!("{records}/secrets"), json!({}))
        .await
        .expect(201);
}
