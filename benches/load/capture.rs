//! Which statements a request runs: the product's own app and store, in this process, with the store's
//! recording on.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use ehcp_timeline::auth::{Identity, IssuerKey, Trust, install_crypto_provider};
use ehcp_timeline::clock::Clock;
use ehcp_timeline::http::Api;
use ehcp_timeline::service::{App, Ids};
use ehcp_timeline::store::{Location, Store};

use super::client::Request;
use super::statement::Statement;

/// The statements of each request, in order, on the database at a location.
pub fn statements_of(
    location: &Location,
    key_folder: &Path,
    requests: &[Request],
) -> Result<Vec<Vec<Statement>>, String> {
    parse_all(&recorded_of(location, key_folder, requests)?)
}

/// The statements of each request as Diesel shows them.
///
/// The requests are carried out: give those that write a copy of the database.
pub fn recorded_of(
    location: &Location,
    key_folder: &Path,
    requests: &[Request],
) -> Result<Vec<Vec<String>>, String> {
    install_crypto_provider();
    let store = Store::open(location).map_err(|error| error.to_string())?;
    let key = IssuerKey::load_or_create(key_folder, None).map_err(|error| error.to_string())?;
    let recorded = actix_web::rt::System::new().block_on(record(&store, key, requests));
    store.close();
    recorded
}

pub fn parse_all(recorded: &[Vec<String>]) -> Result<Vec<Vec<Statement>>, String> {
    let mut known: HashSet<Arc<[String]>> = HashSet::new();
    let mut parse = |shown: &Vec<String>| {
        shown
            .iter()
            .map(|one| Statement::parse(one, &mut known))
            .collect()
    };
    recorded.iter().map(&mut parse).collect()
}

async fn record(store: &Store, key: IssuerKey, requests: &[Request]) -> Result<Vec<Vec<String>>, String> {
    let app = App::new(store.clone(), Clock::System, Ids::Random);
    app.set_ready();
    let api = Api::new()?;
    let service = init_service(
        api.app()
            .app_data(Data::new(app))
            .app_data(Data::new(Identity::new(key, Trust::default()))),
    )
    .await;
    let mut recorded = Vec::with_capacity(requests.len());
    store.record_statements();
    for request in requests {
        drop(store.take_recorded_statements());
        let answered: Result<ServiceResponse<_>, _> = service.call(read(request)?.to_request()).await;
        let status = answered.map_err(|error| error.to_string())?.status();
        if !status.is_success() {
            return Err(format!("a request to be captured was answered {status}"));
        }
        recorded.push(store.take_recorded_statements());
    }
    Ok(recorded)
}

/// The same request for the app in this process.
fn read(request: &[u8]) -> Result<TestRequest, String> {
    let text = std::str::from_utf8(request).map_err(|error| error.to_string())?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or("a request has no end of its head")?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method: Method = words
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|_| "a request has no method")?;
    let mut test = TestRequest::with_uri(words.next().unwrap_or_default()).method(method);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        test = test.append_header((name, value));
    }
    Ok(test.set_payload(body.to_owned()))
}
