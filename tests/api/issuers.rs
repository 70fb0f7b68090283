//! Tokens from outside: a directory served on loopback, its keys exchanged while the service runs, and every
//! forgery we know of.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ehcp_timeline::auth::{
    AuthorityClaim, ClaimMapping, ClaimPath, Issuer, KeyPlace, LaCode, Role, SignatureAlgorithm, Trust,
    install_crypto_provider,
};
use ehcp_timeline::clock::Clock;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::harness::{Answer, Service, anonymous};

const AUDIENCE: &str = "api://ehcp";
const HOUR: Duration = Duration::from_secs(3600);

/// A key that signs, with the JSON Web Key that checks it.
struct Signer {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
    public_pem: String,
}

impl Signer {
    fn new(kid: &str, algorithm: Algorithm) -> Signer {
        install_crypto_provider();
        let kind = match algorithm {
            Algorithm::RS256 => &PKCS_RSA_SHA256,
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            _ => &PKCS_ED25519,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        let key = key.unwrap();
        let mut jwk = match algorithm {
            Algorithm::EdDSA => edwards_jwk(&pair),
            _ => serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap(),
        };
        jwk["kid"] = json!(kid);
        Signer {
            kid: kid.to_owned(),
            algorithm,
            key,
            jwk,
            public_pem: pair.public_key_pem(),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with(self.header(), claims)
    }

    fn header(&self) -> Header {
        Header {
            kid: Some(self.kid.clone()),
            ..Header::new(self.algorithm)
        }
    }

    fn sign_with(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// The JSON Web Key of an Ed25519 pair.
pub fn edwards_jwk(pair: &KeyPair) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key_raw()) })
}

/// A directory that publishes keys on loopback.
#[derive(Clone)]
struct Directory {
    address: SocketAddr,
    published: Arc<Mutex<Published>>,
}

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    is_away: bool,
    /// Where it sends whoever asks for keys, instead of giving them.
    elsewhere: Option<String>,
    asked: usize,
}

impl Directory {
    async fn new(keys: &[&Signer]) -> Directory {
        let published = Arc::new(Mutex::new(Published::default()));
        let data = Data::from(Arc::clone(&published));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/.well-known/openid-configuration", web::get().to(configuration))
                .route("/keys", web::get().to(keys_published))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        let directory = Directory { address, published };
        directory.publish(keys);
        directory
    }

    fn publish(&self, keys: &[&Signer]) {
        self.published.lock().unwrap().keys = keys.iter().map(|signer| signer.jwk.clone()).collect();
    }

    fn asked(&self) -> usize {
        self.published.lock().unwrap().asked
    }

    fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The directory as the service is told of it.
    fn issuer(&self) -> Issuer {
        let path = |text: &str| ClaimPath(text.split('.').map(str::to_owned).collect());
        Issuer {
            issuer: self.name(),
            audience: AUDIENCE.to_owned(),
            keys: KeyPlace::Discovery(format!("{}/.well-known/openid-configuration", self.name())),
            algorithms: SignatureAlgorithm::ALL.to_vec(),
            clock_skew: Duration::from_secs(30),
            refresh: HOUR,
            attempts_apart: Duration::ZERO,
            mapping: ClaimMapping {
                subject: path("sub"),
                subject_prefix: "dir:".to_owned(),
                roles: path("access.roles"),
                role_of: BTreeMap::from([
                    ("officers".to_owned(), Role::Caseworker),
                    ("partners".to_owned(), Role::Contributor),
                ]),
                authority: AuthorityClaim::Always(LaCode::parse("885").unwrap()),
                organisation: Some(path("organisation")),
                case: None,
                person: None,
            },
        }
    }

    /// What it says of an officer of the authority.
    fn claims(&self) -> Value {
        let now = Clock::System.now().timestamp();
        json!({ "iss": self.name(), "aud": AUDIENCE, "sub": "a1", "exp": now + 600, "nbf": now - 10,
            "access": { "roles": ["officers", "cleaners"] } })
    }

    /// The same with something changed, or taken away by null.
    fn claims_but(&self, changes: Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }
}

async fn configuration(request: actix_web::HttpRequest) -> HttpResponse {
    let here = format!("http://{}", request.connection_info().host());
    HttpResponse::Ok().json(json!({ "issuer": here, "jwks_uri": format!("{here}/keys") }))
}

async fn keys_published(published: Data<Mutex<Published>>) -> HttpResponse {
    let mut published = published.lock().unwrap();
    published.asked += 1;
    if published.is_away {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match &published.elsewhere {
        Some(place) => HttpResponse::Found()
            .insert_header(("Location", place.clone()))
            .finish(),
        None => HttpResponse::Ok().json(json!({ "keys": published.keys })),
    }
}

fn trusting(issuers: Vec<Issuer>) -> Service {
    Service::new().trusting(Trust {
        issuers,
        ..Trust::default()
    })
}

async fn ask(service: &Service, token: &str) -> Answer {
    let request =
        anonymous(Method::GET, "/v1/cases").insert_header(("Authorization", format!("Bearer {token}")));
    service.send(request).await
}

#[track_caller]
fn refused(answer: &Answer, reason: &str, what: &str) {
    assert_eq!(
        (answer.status, answer.code(), answer.body["reason"].as_str()),
        (401, "unauthenticated", Some(reason)),
        "{what}: {}",
        answer.text
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer error=\"invalid_token\""),
        "{challenge}"
    );
}

#[actix_web::test]
async fn the_people_of_a_directory_are_let_in_by_each_kind_of_key() {
    let signers = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
        .map(|algorithm| Signer::new(&format!("{algorithm:?}"), algorithm));
    let directory = Directory::new(&signers.each_ref()).await;
    let service = trusting(vec![directory.issuer()]);
    for signer in &signers {
        let token = signer.sign(&directory.claims());
        ask(&service, &token).await.expect(200);
        ask(&service, &token).await.expect(200);
        let listed = directory.claims_but(json!({ "aud": ["another", AUDIENCE] }));
        ask(&service, &signer.sign(&listed)).await.expect(200);
    }
    assert_eq!(directory.asked(), 1, "one fetch serves all");
    // A contributor sees advice and no cases.
    let trust = service.organisation("Trust", "health").await;
    let claims = directory.claims_but(json!({ "access": { "roles": ["partners"] }, "organisation": trust }));
    let token = signers[1].sign(&claims);
    ask(&service, &token).await.expect(403);
    let request = anonymous(Method::GET, "/v1/advice-requests")
        .insert_header(("Authorization", format!("Bearer {token}")));
    service.send(request).await.expect(200);
}

#[actix_web::test]
async fn keys_are_exchanged_while_the_service_runs() {
    let (old, new) = (
        Signer::new("2025", Algorithm::RS256),
        Signer::new("2026", Algorithm::ES256),
    );
    let directory = Directory::new(&[&old]).await;
    let service = trusting(vec![directory.issuer()]);
    let (by_old, by_new) = (old.sign(&directory.claims()), new.sign(&directory.claims()));
    ask(&service, &by_old).await.expect(200);
    refused(&ask(&service, &by_new).await, "unknown_key", "not published yet");
    directory.publish(&[&old, &new]);
    ask(&service, &by_new).await.expect(200);
    ask(&service, &by_old).await.expect(200);
    // Once it is known that a key is gone, no token that it signed is good any more, remembered or not.
    directory.publish(&[&new]);
    refused(
        &ask(
            &service,
            &Signer::new("2027", Algorithm::EdDSA).sign(&directory.claims()),
        )
        .await,
        "unknown_key",
        "never published",
    );
    refused(&ask(&service, &by_old).await, "unknown_key", "a key that is gone");
    ask(&service, &by_new).await.expect(200);
}

#[actix_web::test]
async fn keys_that_are_old_are_fetched_again_behind_the_answers() {
    let (old, new) = (
        Signer::new("2025", Algorithm::EdDSA),
        Signer::new("2026", Algorithm::EdDSA),
    );
    let directory = Directory::new(&[&old]).await;
    let issuer = Issuer {
        refresh: Duration::ZERO,
        ..directory.issuer()
    };
    let service = trusting(vec![issuer]);
    let token = old.sign(&directory.claims());
    ask(&service, &token).await.expect(200);
    directory.publish(&[&new]);
    // Whoever asks is answered by the keys that are known; the next ones are on their way meanwhile.
    let mut answer = ask(&service, &token).await;
    for _ in 0..10_000 {
        if answer.status != 200 {
            break;
        }
        actix_web::rt::task::yield_now().await;
        answer = ask(&service, &token).await;
    }
    refused(&answer, "unknown_key", "a key that is gone");
}

#[actix_web::test]
async fn tokens_that_name_keys_at_random_do_not_reach_the_directory() {
    let signer = Signer::new("2026", Algorithm::EdDSA);
    let directory = Directory::new(&[&signer]).await;
    let issuer = Issuer {
        attempts_apart: HOUR,
        ..directory.issuer()
    };
    let service = trusting(vec![issuer]);
    let forger = Signer::new("", Algorithm::EdDSA);
    for number in 0..20 {
        let header = Header {
            kid: Some(format!("key-{number}")),
            ..forger.header()
        };
        let token = forger.sign_with(header, &directory.claims());
        refused(&ask(&service, &token).await, "unknown_key", "a random key");
    }
    assert_eq!(directory.asked(), 1);
    ask(&service, &signer.sign(&directory.claims())).await.expect(200);
}

#[actix_web::test]
async fn while_a_directory_is_away_the_keys_that_are_known_stay_in_use() {
    let signer = Signer::new("2026", Algorithm::RS256);
    let directory = Directory::new(&[&signer]).await;
    directory.published.lock().unwrap().is_away = true;
    let service = trusting(vec![directory.issuer()]);
    let token = signer.sign(&directory.claims());
    let answer = ask(&service, &token).await.expect(503);
    assert_eq!(answer.body["reason"], "issuer_unreachable");
    assert!(answer.header("retry-after").is_some());
    directory.published.lock().unwrap().is_away = false;
    ask(&service, &token).await.expect(200);
    directory.published.lock().unwrap().is_away = true;
    let unknown = Signer::new("2027", Algorithm::EdDSA).sign(&directory.claims());
    refused(&ask(&service, &unknown).await, "unknown_key", "away");
    ask(
        &service,
        &signer.sign(&directory.claims_but(json!({ "sub": "a2" }))),
    )
    .await
    .expect(200);
}

#[actix_web::test]
async fn nobody_is_followed_elsewhere_for_keys() {
    let signer = Signer::new("2026", Algorithm::EdDSA);
    let (directory, other) = (Directory::new(&[]).await, Directory::new(&[&signer]).await);
    directory.published.lock().unwrap().elsewhere = Some(format!("{}/keys", other.name()));
    let service = trusting(vec![directory.issuer()]);
    ask(&service, &signer.sign(&directory.claims())).await.expect(503);
    assert_eq!((directory.asked(), other.asked()), (1, 0));
    // A configuration that belongs to somebody else is not believed either.
    let issuer = Issuer {
        keys: other.issuer().keys,
        ..directory.issuer()
    };
    let service = trusting(vec![issuer]);
    ask(&service, &signer.sign(&directory.claims())).await.expect(503);
}

#[actix_web::test]
async fn no_forgery_is_accepted() {
    let signer = Signer::new("rsa", Algorithm::RS256);
    let (curve, edwards) = (
        Signer::new("ec", Algorithm::ES256),
        Signer::new("ed", Algorithm::EdDSA),
    );
    let forger = Signer::new("rsa", Algorithm::RS256);
    let directory = Directory::new(&[&signer, &curve, &edwards]).await;
    let shared = json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": "c2VjcmV0" });
    directory.published.lock().unwrap().keys.push(shared);
    let issuer = Issuer {
        algorithms: vec![SignatureAlgorithm::Rs256, SignatureAlgorithm::Es256],
        ..directory.issuer()
    };
    let service = trusting(vec![issuer]);
    let claims = directory.claims();
    let good = signer.sign(&claims);
    ask(&service, &good).await.expect(200);

    let symmetric = |kid: &str, secret: &[u8], claims: &Value| {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let parts: Vec<&str> = good.split('.').collect();
    let ours = directory.claims_but(json!({ "iss": "ehcp-timeline", "aud": "ehcp-timeline",
        "la": "885", "roles": ["admin"] }));
    let with_header = |change: fn(&mut Header, &Signer)| {
        let mut header = forger.header();
        change(&mut header, &forger);
        forger.sign_with(header, &claims)
    };
    let modulus = signer.jwk["n"].as_str().unwrap();
    let now = Clock::System.now().timestamp();
    let but = |changes: Value| signer.sign(&directory.claims_but(changes));
    let forgeries = [
        (
            "alg none",
            format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]),
            "malformed",
        ),
        (
            "no signature",
            format!("{}.{}.", parts[0], parts[1]),
            "bad_signature",
        ),
        (
            "the public key as a secret",
            symmetric("rsa", signer.public_pem.as_bytes(), &claims),
            "wrong_algorithm",
        ),
        (
            "the modulus as a secret",
            symmetric("rsa", modulus.as_bytes(), &claims),
            "wrong_algorithm",
        ),
        (
            "a published secret",
            symmetric("shared", b"secret", &claims),
            "wrong_algorithm",
        ),
        (
            "the public key as our secret",
            symmetric("rsa", signer.public_pem.as_bytes(), &ours),
            "bad_signature",
        ),
        ("our name and their key", signer.sign(&ours), "wrong_algorithm"),
        (
            "another's key under the same name",
            forger.sign(&claims),
            "bad_signature",
        ),
        (
            "a key of another kind",
            curve.sign_with(
                Header {
                    kid: Some("rsa".to_owned()),
                    ..curve.header()
                },
                &claims,
            ),
            "wrong_algorithm",
        ),
        (
            "an algorithm that is not allowed",
            edwards.sign(&claims),
            "wrong_algorithm",
        ),
        (
            "its own key in the header",
            with_header(|header, forger| header.jwk = serde_json::from_value(forger.jwk.clone()).ok()),
            "bad_signature",
        ),
        (
            "an address of a key in the header",
            with_header(|header, _| header.jku = Some("https://example.org/keys".to_owned())),
            "bad_signature",
        ),
        (
            "a critical extension",
            signer.sign_with(
                Header {
                    crit: Some(vec!["b64".to_owned()]),
                    ..signer.header()
                },
                &claims,
            ),
            "malformed",
        ),
        (
            "another audience",
            but(json!({ "aud": "api://another" })),
            "wrong_audience",
        ),
        ("no audience", but(json!({ "aud": null })), "bad_claims"),
        (
            "another issuer",
            but(json!({ "iss": "https://example.org" })),
            "wrong_issuer",
        ),
        (
            "an issuer with a slash more",
            but(json!({ "iss": format!("{}/", directory.name()) })),
            "wrong_issuer",
        ),
        ("no issuer", but(json!({ "iss": null })), "bad_claims"),
        ("expired", but(json!({ "exp": now - 60 })), "expired"),
        ("no expiry", but(json!({ "exp": null })), "bad_claims"),
        ("not yet", but(json!({ "nbf": now + 60 })), "not_yet_valid"),
        ("no subject", but(json!({ "sub": null })), "bad_claims"),
        (
            "no role that means anything",
            but(json!({ "access": { "roles": ["admin"] } })),
            "no_role",
        ),
        (
            "a contributor of nobody",
            but(json!({ "access": { "roles": ["partners"] } })),
            "no_role",
        ),
        ("too long", format!("{good}{}", "A".repeat(20_000)), "malformed"),
    ];
    for (what, token, reason) in forgeries {
        refused(&ask(&service, &token).await, reason, what);
    }
    // Whichever of its characters is another, it is another token.
    for (place, character) in good.char_indices() {
        let other = if character == 'A' { 'B' } else { 'A' };
        let altered = format!("{}{other}{}", &good[..place], &good[place + 1..]);
        let answer = ask(&service, &altered).await;
        assert_eq!(answer.status, 401, "altered at {place}: {}", answer.text);
    }
    ask(&service, &good).await.expect(200);
}

#[actix_web::test]
async fn the_built_in_issuer_can_be_switched_off() {
    let service = Service::new().trusting(Trust {
        built_in_issuer: false,
        ..Trust::default()
    });
    let answer = service.read("/v1/cases").await;
    refused(&answer, "wrong_issuer", "switched off");
}
