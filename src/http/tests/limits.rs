//! How much may be asked, how long it may take, and how that is told, over real connections where it matters.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use actix_web::test::TestRequest;
use actix_web::{HttpMessage, HttpServer};

use super::*;
use crate::config::Networks;
use crate::http::{Exposure, Limits, Rate, Rates};

/// Serves an API on a port of its own as long as the test runs.
fn listen(api: Api) -> SocketAddr {
    let app = app();
    let server = HttpServer::new(move || api.app().app_data(Data::new(app.clone())).app_data(identity()))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

/// Sends what is given and keeps the connection open until the other end closes it.
async fn sent(address: SocketAddr, bytes: Vec<u8>) -> (u16, String) {
    let exchange = move || {
        let mut connection = TcpStream::connect(address).unwrap();
        // Where it was refused early, not all of it is taken.
        let _refused = connection.write_all(&bytes);
        let mut answer = Vec::new();
        let _broken = connection.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    let answer = actix_web::rt::task::spawn_blocking(exchange).await.unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .map_or(0, |status| status.parse().unwrap());
    (status, answer)
}

#[actix_web::test]
async fn a_body_that_trickles_in_is_cut_off() {
    install_crypto_provider();
    let api = api().limited(Limits {
        body_within: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut head = TestRequest::default()
        .insert_header(("authorization", "Bearer caseworker"))
        .to_request();
    sign(head.headers_mut());
    let token = head
        .headers()
        .get("authorization")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let begun = format!(
        "POST {TRIP} HTTP/1.1\r\nHost: test\r\nAuthorization: {token}\r\nIdempotency-Key: \"slow\"\r\n\
         If-Match: \"v1\"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"trip_id\":"
    );
    // That the answer is read to its end shows that the connection was closed.
    let (status, answer) = sent(listen(api), begun.into_bytes()).await;
    assert_eq!(status, 408, "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
}

#[actix_web::test]
async fn a_form_that_trickles_in_is_cut_off() {
    let api = Api::new().unwrap().limited(Limits {
        body_within: Duration::from_millis(50),
        ..Limits::default()
    });
    let begun = "POST /oauth/token HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: 1000\r\n\r\ngrant_type=";
    let (status, answer) = sent(listen(api), begun.as_bytes().to_vec()).await;
    assert_eq!(status, 408, "{answer}");
    assert!(answer.contains("\"error\":\"invalid_request\""), "{answer}");
}

#[actix_web::test]
async fn a_head_that_is_too_large_to_be_read_is_refused_in_plain() {
    let address = listen(api());
    let many = "X-Many: 1\r\n".repeat(97);
    let long = format!("X-Long: {}\r\n", "a".repeat(200 * 1024));
    for fields in [many, long] {
        let head = format!("GET /health/live HTTP/1.1\r\nHost: test\r\n{fields}\r\n");
        let (status, answer) = sent(address, head.into_bytes()).await;
        assert_eq!(status, 431, "{answer}");
        assert!(!answer.contains("aaaa"));
    }
}

#[actix_web::test]
async fn a_url_has_an_end() {
    let fits = format!("/v1/trips?by={}", "a".repeat(8 * 1024 - 13));
    assert_eq!(send(TestRequest::get().uri(&fits)).await.status, 200);
    let answer = send(TestRequest::get().uri(&format!("{fits}a"))).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (414, &json!("uri_too_long"))
    );
    assert_eq!(answer.header("trace-id").len(), 32);
}

/// A request to an app of this API, from an address.
async fn asked(api: &Api, app_data: &App, request: TestRequest, address: &str) -> Answer {
    let app = api
        .app()
        .app_data(Data::new(app_data.clone()))
        .app_data(identity());
    let service = init_service(app).await;
    let peer = format!("{address}:4711").parse().unwrap();
    let mut request = request.peer_addr(peer).to_request();
    sign(request.headers_mut());
    answer(service.call(request).await).await
}

fn trips(token: &str) -> TestRequest {
    TestRequest::post()
        .uri(TRIP)
        .insert_header(("authorization", format!("Bearer {token}")))
}

fn hourly(burst: u32) -> Option<Rate> {
    Some(Rate {
        burst: burst.try_into().unwrap(),
        refilled_in: Duration::from_secs(3600),
    })
}

fn limited(rates: Rates) -> Api {
    api().limited(Limits {
        rates,
        ..Limits::default()
    })
}

#[actix_web::test]
async fn a_client_that_asks_too_much_is_told_when_to_come_back() {
    let (api, app) = (
        limited(Rates {
            client: hourly(2),
            ..Rates::default()
        }),
        app(),
    );
    for (left, reset) in [(1, 1800), (0, 3600)] {
        let answer = asked(&api, &app, trips("caseworker"), "192.0.2.1").await;
        assert_ne!(answer.status, 429);
        assert_eq!(answer.header("ratelimit-policy"), "\"client\";q=2;w=3600");
        assert_eq!(
            answer.header("ratelimit"),
            format!("\"client\";r={left};t={reset}")
        );
    }
    // Another address is no way out, and nobody else is kept waiting.
    for address in ["192.0.2.1", "192.0.2.2"] {
        let answer = asked(&api, &app, trips("caseworker"), address).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (429, &json!("too_many_requests"))
        );
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1700..=1800).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit"), "\"client\";r=0;t=3600");
    }
    let public = TestRequest::get().uri("/v1/trips");
    assert_eq!(asked(&api, &app, public, "192.0.2.1").await.status, 200);
}

#[actix_web::test]
async fn an_address_is_counted_whoever_asks_and_health_is_not() {
    let rates = Rates {
        address: hourly(1),
        token: hourly(1),
        ..Rates::default()
    };
    let (api, app) = (limited(rates), app());
    let listed = || TestRequest::get().uri("/v1/trips");
    assert_eq!(asked(&api, &app, listed(), "192.0.2.1").await.status, 200);
    assert_eq!(asked(&api, &app, listed(), "192.0.2.1").await.status, 429);
    assert_eq!(asked(&api, &app, listed(), "192.0.2.2").await.status, 200);
    for _ in 0..3 {
        let alive = TestRequest::get().uri("/health/live");
        assert_eq!(asked(&api, &app, alive, "192.0.2.1").await.status, 200);
    }
    let (api, token) = (
        limited(Rates {
            address: None,
            ..rates
        }),
        || TestRequest::post().uri("/oauth/token"),
    );
    assert_ne!(asked(&api, &app, token(), "192.0.2.3").await.status, 429);
    assert_eq!(asked(&api, &app, token(), "192.0.2.3").await.status, 429);
    assert_eq!(asked(&api, &app, listed(), "192.0.2.3").await.status, 200);
}

#[actix_web::test]
async fn who_guesses_is_slowed_down_and_keeps_nobody_at_its_address_waiting() {
    let (api, app) = (
        limited(Rates {
            failure: hourly(2),
            ..Rates::default()
        }),
        app(),
    );
    for expected in [401, 401, 429, 429] {
        let answer = asked(&api, &app, trips("forged"), "192.0.2.1").await;
        assert_eq!(answer.status, expected);
    }
    let answer = asked(&api, &app, trips("caseworker"), "192.0.2.1").await;
    assert!(answer.status != 401 && answer.status != 429, "{}", answer.status);
    assert_eq!(asked(&api, &app, trips("forged"), "192.0.2.2").await.status, 401);
}

#[actix_web::test]
async fn every_answer_tells_browsers_to_do_nothing_with_it() {
    for (path, status) in [
        ("/v1/trips", 200),
        ("/nowhere", 404),
        ("/v1/panics", 500),
        ("/docs/", 200),
    ] {
        let answer = send(TestRequest::get().uri(path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(
            policy.contains("script-src 'self'"),
            path == "/docs/",
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let exposed = |is_tls, proxies: &str| {
        api().exposed(Exposure {
            is_tls,
            trusted_proxies: Networks::parse(proxies).unwrap(),
            ..Exposure::default()
        })
    };
    for (api, expected) in [
        (exposed(true, "10.0.0.1"), true),
        (exposed(false, "192.0.2.1"), true),
        (exposed(false, "10.0.0.1"), false),
    ] {
        let answer = asked(&api, &app(), TestRequest::get().uri("/v1/trips"), "192.0.2.1").await;
        assert_eq!(!answer.header("strict-transport-security").is_empty(), expected);
    }
}

#[actix_web::test]
async fn only_pages_of_allowed_origins_may_ask() {
    let api = api().exposed(Exposure {
        allowed_origins: vec!["https://portal.example".to_owned()],
        ..Exposure::default()
    });
    let app = app();
    let from = |request: TestRequest, origin: &'static str| request.insert_header(("origin", origin));
    let asks = || {
        TestRequest::with_uri("/v1/trips")
            .method(actix_web::http::Method::OPTIONS)
            .insert_header(("access-control-request-method", "POST"))
    };
    let ours = asked(&api, &app, from(asks(), "https://portal.example"), "192.0.2.1").await;
    assert_eq!(ours.status, 204);
    assert!(ours.header("access-control-allow-methods").contains("PATCH"));
    let document = serde_json::to_value(crate::http::document()).unwrap();
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|item| item.as_object().unwrap().values());
    let parameters =
        operations.flat_map(|operation| operation["parameters"].as_array().into_iter().flatten());
    let mut taken: Vec<&str> = parameters
        .filter(|parameter| parameter["in"] == "header")
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    taken.sort_unstable();
    taken.dedup();
    assert!(taken.contains(&"Idempotency-Key"));
    for name in taken {
        assert!(
            ours.header("access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    for origin in [
        "https://evil.example",
        "https://portal.example.evil.example",
        "http://portal.example",
        "null",
    ] {
        let refused = asked(&api, &app, from(asks(), origin), "192.0.2.1").await;
        assert_eq!(refused.status, 405, "{origin}");
        let answer = asked(
            &api,
            &app,
            from(TestRequest::get().uri("/v1/trips"), origin),
            "192.0.2.1",
        )
        .await;
        for answer in [refused, answer] {
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            assert!(answer.header("vary").contains("origin"));
        }
    }
    for path in ["/v1/trips", "/v1/cases"] {
        let answer = asked(
            &api,
            &app,
            from(TestRequest::get().uri(path), "https://portal.example"),
            "192.0.2.1",
        )
        .await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://portal.example",
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        for name in ["ETag", "Link", "Location", "Retry-After", "RateLimit", "Trace-Id"] {
            assert!(
                answer.header("access-control-expose-headers").contains(name),
                "{name}"
            );
        }
    }
}
