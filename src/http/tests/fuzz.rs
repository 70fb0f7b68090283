//! Whatever bytes come from outside, the parsers that see them first neither panic nor fail on our side, and quote
//! nothing of what they refuse.
//!
//! Each property is tried [`CASES`] times, from a seed of its own each run; what fails is kept under
//! `proptest-regressions` and tried first from then on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::test::TestRequest;
use proptest::prelude::*;

use super::*;
use crate::auth::{
    AuthorityClaim, CLIENT_PREFIX, ClaimMapping, ClaimPath, KeySet, PublicKey, verify, verify_assertion,
};
use crate::config::{Config, Flags};
use crate::http::contract::Contract;
use crate::http::limits::nesting;

/// How often each property is tried.
const CASES: u32 = 256;
/// A word that no message of ours has.
const MARK: &str = "Quillfeather";

/// Text that comes near what a parser wants, and text that does not.
fn near(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => proptest::sample::select(parts).prop_map(str::to_owned),
        2 => "[ -~]{0,8}",
        1 => any::<char>().prop_map(String::from),
        1 => Just(MARK.to_owned()),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Any JSON, with the words of the field where there are names.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from(MARK)),
        Just(Value::from("2026-02-30")),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("occurred_on".to_owned()),
            "[a-z_]{1,10}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A valid sample with one of its values replaced, taken away or doubled.
fn mutated(samples: Vec<Value>) -> impl Strategy<Value = Value> {
    (
        proptest::sample::select(samples),
        any::<prop::sample::Index>(),
        any_json(),
        0..3_u8,
    )
        .prop_map(|(mut sample, at, replacement, how)| {
            let mut places = Vec::new();
            pointers(&sample, String::new(), &mut places);
            let place = &places[at.index(places.len())];
            match (how, place.rsplit_once('/')) {
                (0, Some((parent, name))) => {
                    if let Some(Value::Object(members)) = sample.pointer_mut(parent) {
                        members.remove(name);
                    }
                }
                (1, Some((parent, _))) => {
                    if let Some(Value::Object(members)) = sample.pointer_mut(parent) {
                        members.insert(MARK.to_owned(), replacement);
                    }
                }
                (_, _) => {
                    if let Some(value) = sample.pointer_mut(place) {
                        *value = replacement;
                    }
                }
            }
            sample
        })
}

fn pointers(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, format!("{place}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{place}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(place);
}

/// Bodies of the calculator that are good, one for each kind of procedure and some kinds of event.
fn timelines() -> Vec<Value> {
    let of = |procedure: &str, events: Value| json!({ "procedure": procedure, "as_of": "2026-02-20", "events": events });
    vec![
        of(
            "assessment",
            json!([
                { "type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent" },
                { "type": "assess_decision_notified", "occurred_on": "2026-02-01", "decision": "assess" },
                { "type": "exception_claimed", "occurred_on": "2026-02-02", "ground": "absent",
                  "from": "2026-01-10", "to": "2026-01-12", "clocks": ["assess_decision"] },
            ]),
        ),
        of(
            "assessment",
            json!([
                { "type": "request_received", "occurred_on": "2026-01-05", "requested_by": "parent" },
                { "type": "advice_requested", "occurred_on": "2026-01-20", "requirement": "medical" },
            ]),
        ),
        of(
            "review",
            json!([{ "type": "review_period_started", "occurred_on": "2025-05-06", "kind": "annual" }]),
        ),
        of(
            "plan",
            json!([{ "type": "plan_made", "occurred_on": "2026-01-12" }]),
        ),
    ]
}

/// What the app says to requests, each made from a case, all through one service.
fn answers<T>(
    cases: impl Strategy<Value = T>,
    request: impl Fn(&T) -> Option<TestRequest>,
    judge: impl Fn(&T, &Answer),
) where
    T: std::fmt::Debug,
{
    install_crypto_provider();
    let system = actix_web::rt::System::new();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
    let app = App::new(store, Clock::System, Ids::Random);
    let app = api().app().app_data(Data::new(app)).app_data(identity());
    let service = system.block_on(init_service(app));
    let config = ProptestConfig {
        cases: CASES,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&cases, |case| {
        // What no client can send is no case.
        let Ok(Some(request)) = catch_unwind(AssertUnwindSafe(|| request(&case))) else {
            return Ok(());
        };
        let mut request = request.to_request();
        sign(request.headers_mut());
        let answer = system.block_on(async { answer(service.call(request).await).await });
        prop_assert!(answer.status.as_u16() < 500, "{:?}: {}", case, answer.body);
        if answer.status.is_client_error() {
            prop_assert!(answer.body["code"].is_string(), "{:?}", case);
            // A pointer names a field as it was sent, which is what has to be mended.
            let mut said = answer.body.clone();
            for fault in said["errors"].as_array_mut().into_iter().flatten() {
                fault["pointer"].take();
            }
            prop_assert!(!said.to_string().contains(MARK), "{:?}: {}", case, said);
        }
        judge(&case, &answer);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn header(name: &'static str, value: &str) -> Option<(HeaderName, actix_web::http::header::HeaderValue)> {
    Some((HeaderName::from_static(name), value.parse().ok()?))
}

#[test]
fn tokens() {
    let key = key();
    install_crypto_provider();
    let parts = &[
        "eyJhbGciOiJIUzI1NiJ9",
        ".",
        "eyJzdWIiOiJhIn0",
        "==",
        "e30",
        "eyJhbGciOiJub25lIn0",
    ];
    proptest!(ProptestConfig::with_cases(CASES), |(text in near(parts))| {
        let refused = verify(&key, &text).unwrap_err();
        let said = format!("{refused} {refused:?}");
        prop_assert!(!said.contains(MARK), "{}", said);
    });
    answers(
        near(parts),
        |text| {
            let request = TestRequest::post().uri(TRIP);
            Some(request.insert_header(header("authorization", &format!("Bearer {text}"))?))
        },
        |_, answer| assert!(matches!(answer.status.as_u16(), 400 | 401), "{}", answer.status),
    );
}

#[test]
fn versions_and_keys() {
    let parts = &[
        "\"v", "v", "\"", "1", "0", "9", "W/", "*", ", ", "\\", "\\\"", "12",
    ];
    for name in ["if-match", "idempotency-key"] {
        answers(
            near(parts),
            |text| Some(recording(good_trip()).insert_header(header(name, text)?)),
            |text, answer| {
                if answer.status == 201 && name == "if-match" {
                    let version = answer.body["version"].as_i64().unwrap();
                    assert_eq!(format!("\"v{version}\""), text.trim());
                }
            },
        );
    }
}

#[test]
fn cursors_and_filters() {
    let parts = &[
        "cursor=",
        "limit=",
        "by=",
        "due_before=",
        "2026-01-05",
        "&",
        "=",
        "%",
        "%00",
        "%ff",
        "+",
        ",",
        "include=",
        "0198e3a4-7d1c-7000-8000-000000000001",
        "_",
        "2026-01-05T00:00:00Z",
        "2026-01-05T00:00:00.000001Z_0198e3a4-7d1c-7000-8000-000000000001",
        "+262143-12-31T23:59:59Z_",
        "-262144-01-01T00:00:00Z",
        "updated_since=",
        "from=",
        "to=",
        "external_ref=",
        "-1",
        "999999999999999999999",
    ];
    for (path, role) in [
        ("/v1/trips", "caseworker"),
        ("/v1/clocks", "caseworker"),
        ("/v1/cases", "caseworker"),
        ("/v1/reviews/upcoming", "caseworker"),
        ("/v1/audit", "auditor"),
    ] {
        answers(
            near(parts),
            |text| {
                let request = TestRequest::get().insert_header(("authorization", format!("Bearer {role}")));
                let uri: actix_web::http::Uri = format!("{path}?{text}").parse().ok()?;
                Some(request.uri(&uri.to_string()))
            },
            |_, _| {},
        );
    }
}

#[test]
fn traces() {
    let parts = &[
        "00-",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "-",
        "00f067aa0ba902b7",
        "01",
        "ff",
    ];
    answers(
        near(parts),
        |text| {
            let request = TestRequest::get().uri("/v1/trips");
            Some(request.insert_header(header("traceparent", text)?))
        },
        |_, answer| {
            let id = answer.header("trace-id");
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{id}"
            );
        },
    );
}

#[test]
fn bodies() {
    answers(
        mutated(timelines()),
        |body| Some(TestRequest::post().uri("/v1/timelines").set_json(body)),
        |_, answer| {
            assert!(
                matches!(answer.status.as_u16(), 200 | 413 | 422),
                "{}",
                answer.body
            )
        },
    );
    let parts = &[
        "{",
        "}",
        "[",
        "]",
        "\"procedure\"",
        ":",
        ",",
        "\"",
        "\\u0000",
        "\\ud800",
        "1e999",
        "null",
        "\u{feff}",
    ];
    answers(
        near(parts),
        |text| {
            let request = TestRequest::post().uri("/v1/timelines");
            Some(
                request
                    .insert_header(("content-type", "application/json"))
                    .set_payload(text.clone()),
            )
        },
        |text, answer| {
            assert!(
                matches!(answer.status.as_u16(), 400 | 413 | 422),
                "{}",
                answer.body
            );
            assert!(nesting(text.as_bytes()) <= text.len());
        },
    );
}

#[test]
fn every_schema_of_a_body() {
    let document = serde_json::to_value(crate::http::document()).unwrap();
    let schemas: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            Some(schema.as_str()?.rsplit('/').next()?.to_owned())
        })
        .collect();
    assert!(schemas.len() > 20, "{schemas:?}");
    let contract = Contract::new(&crate::http::document(), &crate::http::FORMATS).unwrap();
    proptest!(ProptestConfig::with_cases(CASES), |(schema in proptest::sample::select(schemas), value in any_json())| {
        let faults = contract.faults(&schema, &value).unwrap();
        for fault in &faults {
            prop_assert!(!fault.message.contains(MARK), "{}: {}", schema, fault.message);
        }
        prop_assert!(!faults.is_empty() || value.is_object(), "{} took {}", schema, value);
    });
}

#[test]
fn settings_and_database_urls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ehcp.toml");
    let parts = &[
        "workers",
        " = ",
        "4",
        "\n",
        "\"",
        "'''",
        "[",
        "]",
        "database_url",
        "postgres://",
        "ehcp:",
        "@",
        "db",
        "/",
        "?",
        "sslmode=",
        "sqlite:",
        "%",
        "#",
        "allow_insecure = true\n",
        ",",
    ];
    proptest!(ProptestConfig::with_cases(CASES), |(text in near(parts))| {
        std::fs::write(&path, &text).unwrap();
        let flags = Flags { file: Some(path.clone()), given: Vec::new() };
        if let Err(error) = Config::read(&flags) {
            // A name may be told, since it is what has to be mended.
            let value = format!("= {MARK}");
            prop_assert!(!error.to_string().contains(&value), "{}", error);
        }
        match Location::parse(&text) {
            Ok(location) => {
                prop_assert_eq!(Location::parse(&text), Ok(location.clone()));
                // What is shown can be read, and shows nothing else when it is.
                let shown = location.to_string();
                prop_assert_eq!(Location::parse(&shown).map(|again| again.to_string()), Ok(shown));
            }
            // A scheme may be told; what follows it may be a password.
            Err(error) => {
                let scheme = text.split(':').next().unwrap_or_default();
                prop_assert!(!error.to_string().replace(scheme, "").contains(MARK), "{}", error);
            }
        }
    });
}

/// A mapping that takes everything that one can.
fn mapping() -> ClaimMapping {
    let path = |names: &[&str]| ClaimPath(names.iter().map(|name| (*name).to_owned()).collect());
    ClaimMapping {
        subject: path(&["oid"]),
        subject_prefix: String::new(),
        roles: path(&["realm_access", "roles"]),
        role_of: [
            ("officers".to_owned(), Role::Caseworker),
            ("partners".to_owned(), Role::Contributor),
            ("parents".to_owned(), Role::Family),
        ]
        .into(),
        authority: AuthorityClaim::Claim(path(&["council"]), vec![LaCode::parse("885").unwrap()]),
        organisation: Some(path(&["organisation"])),
        case: Some(path(&["case"])),
        person: Some(path(&["person"])),
    }
}

/// Claims of a directory that name somebody.
fn claims_of_people() -> Vec<Value> {
    let id = "0198e3a4-7d1c-7000-8000-000000000001";
    let of = |role: &str| {
        json!({ "oid": "a1", "council": "885", "realm_access": { "roles": [role] }, "organisation": id, "case": id,
            "person": id })
    };
    vec![of("officers"), of("partners"), of("parents")]
}

#[test]
fn claims_of_a_directory() {
    let mapping = mapping();
    for claims in claims_of_people() {
        assert!(mapping.principal(claims.as_object().unwrap()).is_ok(), "{claims}");
    }
    let claims = prop_oneof![mutated(claims_of_people()), any_json()];
    proptest!(ProptestConfig::with_cases(CASES), |(claims in claims)| {
        let Some(claims) = claims.as_object() else { return Ok(()) };
        match mapping.principal(claims) {
            Ok(principal) => {
                prop_assert_eq!(principal.check_bound(), Ok(()));
                prop_assert_eq!(principal.la_code.as_str(), "885");
                prop_assert!(!principal.subject.starts_with(CLIENT_PREFIX) && principal.client.is_none());
                prop_assert!(!principal.roles.contains(&Role::Family) || principal.person_id.is_some());
            }
            Err(error) => prop_assert!(!format!("{error} {error:?}").contains(MARK), "{}", error),
        }
    });
}

/// A key of a directory that can be used.
fn public_jwk() -> Value {
    json!({ "kty": "OKP", "kid": "k", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

#[test]
fn key_sets() {
    let elliptic = json!({ "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" });
    let sets = vec![
        json!({ "keys": [public_jwk(), elliptic] }),
        json!({ "keys": [public_jwk()] }),
    ];
    for set in &sets {
        assert!(KeySet::parse(set.to_string().as_bytes()).is_ok(), "{set}");
    }
    let parts = &[
        "{", "}", "[", "]", "\"keys\"", ":", ",", "\"kty\"", "\"OKP\"", "null",
    ];
    let texts = prop_oneof![
        mutated(sets).prop_map(|set| set.to_string()),
        any_json().prop_map(|set| set.to_string()),
        near(parts),
    ];
    proptest!(ProptestConfig::with_cases(CASES), |(text in texts)| {
        if let Err(error) = KeySet::parse(text.as_bytes()) {
            prop_assert!(!format!("{error} {error:?}").contains(MARK), "{}", error);
        }
    });
}

#[test]
fn assertions_of_systems() {
    install_crypto_provider();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let key = jsonwebtoken::EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
    let x = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(pair.public_key_raw())
    };
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    let keys = KeySet::of_keys(vec![PublicKey::of_jwk(&jwk).unwrap()]);
    let client_id = Uuid::from_u128(7);
    let now = Clock::System.now();
    let good = json!({ "iss": client_id, "sub": client_id, "aud": "ehcp-timeline", "jti": "once",
        "exp": now.timestamp() + 60, "nbf": now.timestamp() - 1 });
    let examined = |claims: &Value| {
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        let assertion = jsonwebtoken::encode(&header, claims, &key).unwrap();
        verify_assertion(&assertion, client_id, &keys, &["ehcp-timeline".to_owned()], now)
    };
    assert!(examined(&good).is_ok());
    let ends = [i64::MIN, -1, 0, i64::MAX].map(|exp| {
        let mut claims = good.clone();
        claims["exp"] = json!(exp);
        claims
    });
    for claims in &ends {
        assert!(examined(claims).is_err(), "{claims}");
    }
    let claims = prop_oneof![mutated(vec![good]), any_json()];
    proptest!(ProptestConfig::with_cases(CASES), |(claims in claims)| {
        match examined(&claims) {
            Ok(taken) => {
                prop_assert_eq!(&claims["iss"], &claims["sub"]);
                prop_assert!(!taken.jti.is_empty() && taken.expires_at <= now + chrono::TimeDelta::minutes(7));
            }
            Err(error) => prop_assert!(!format!("{error} {error:?}").contains(MARK), "{}", error),
        }
    });
}

#[test]
fn the_form_of_tokens() {
    let parts = &[
        "grant_type=client_credentials",
        "&",
        "=",
        "%",
        "%ff",
        "+",
        "client_id=0198e3a4-7d1c-7000-8000-000000000001",
        "client_secret=",
        "client_assertion=",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
        "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiIwMTk4ZTNhNC03ZDFjLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.AA",
        "scope=case:read",
        "la=885",
        "\u{0}",
    ];
    answers(
        near(parts),
        |text| {
            let request = TestRequest::post().uri("/oauth/token");
            let kind = ("content-type", "application/x-www-form-urlencoded");
            Some(request.insert_header(kind).set_payload(text.clone()))
        },
        |_, answer| {
            assert!(matches!(answer.status.as_u16(), 400 | 401), "{}", answer.status);
            assert_eq!(answer.body["error"], answer.body["code"]);
        },
    );
}
