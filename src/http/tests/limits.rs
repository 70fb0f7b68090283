//! How much may be asked, how long it may take, and how that is told, over real connections where it matters.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use actix_web::test::TestRequest;
use actix_web::{HttpMessage, HttpServer};

use super::*;
use crate::http::Limits;

/// Serves an API on a port of its own as long as the test runs.
fn listen(api: Api) -> SocketAddr {
    let app = app();
    let server = HttpServer::new(move || {
        api.app()
            .app_data(Data::new(app.clone()))
            .app_data(Data::new(key()))
    })
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
