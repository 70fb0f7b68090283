//! The API: one file per resource (handlers and what they take and give), and the plumbing they
//! share: extractors, problems, the contract, the trace.
//!
//! Handlers call one use case each and decide nothing. Nothing below this room knows of HTTP.

mod branches;
pub mod code;
pub mod contract;
mod docs;
pub mod extractor;
mod fallback;
mod faults;
mod health;
pub mod openapi;
pub mod problem;
mod schemas;
#[cfg(test)]
mod tests;
pub mod trace;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, middleware};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use contract::{Contract, Format};
use docs::Document;
use fallback::{Routes, fallback};

/// A function that registers resources, as [`resources`] does.
type Resources = fn(&mut ServiceConfig<'_>);

/// Registers every resource of the product; the app and the document are both made from it.
fn resources(config: &mut ServiceConfig<'_>) {
    config
        .service(health::check_liveness)
        .service(health::check_readiness)
        .service(docs::get_openapi);
}

/// The formats of the field that the contract asserts beside the general ones.
const FORMATS: [Format; 0] = [];

/// The complete document, without starting anything.
pub fn document() -> OpenApi {
    document_of(resources)
}

/// The API, made once and shared by every worker's [`app`](Api::app).
#[derive(Clone)]
pub struct Api {
    resources: Resources,
    contract: Data<Contract>,
    routes: Data<Routes>,
    document: Data<Document>,
}

impl Api {
    /// Compiles the contract. Fails only by a mistake in the program, which a test would show.
    pub fn new() -> Result<Api, String> {
        Api::of(resources, &FORMATS)
    }

    fn of(resources: Resources, formats: &[Format]) -> Result<Api, String> {
        let document = document_of(resources);
        let text = document.to_json().map_err(|error| error.to_string())?;
        Ok(Api {
            resources,
            contract: Data::new(Contract::new(&document, formats)?),
            routes: Data::new(Routes::new(&document)),
            document: Data::new(Document(Bytes::from(text))),
        })
    }

    /// The app of one worker. The caller adds `Data<service::App>` and `Data<auth::IssuerKey>`.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + use<>>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let (app, _) = App::new()
            .into_utoipa_app()
            .configure(self.resources)
            .split_for_parts();
        app.configure(docs::pages)
            .app_data(self.contract.clone())
            .app_data(self.routes.clone())
            .app_data(self.document.clone())
            .default_service(web::to(fallback))
            .wrap(middleware::Compress::default())
            .wrap(middleware::from_fn(trace::trace))
    }
}

fn document_of(resources: Resources) -> OpenApi {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .openapi(openapi::base())
        .configure(resources)
        .split_for_parts();
    openapi::complete(&mut document);
    document
}
