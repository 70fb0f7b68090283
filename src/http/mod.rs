//! The API: one file per resource (handlers and what they take and give), and the plumbing they
//! share: extractors, problems, the contract, the trace.
//!
//! Handlers call one use case each and decide nothing. Nothing below this room knows of HTTP.

mod acting;
mod advice;
mod advice_acts;
mod advice_requests;
mod assessments;
mod audit;
mod branches;
mod browsers;
mod case_timelines;
mod cases;
mod clients;
mod clocks;
pub mod code;
mod consultations;
pub mod contract;
mod dates;
mod disposals;
mod docs;
mod event_input;
mod exports;
mod exposure;
pub mod extractor;
mod fallback;
mod faults;
mod health;
mod limits;
pub mod metrics;
mod names;
mod oauth;
pub mod openapi;
mod organisations;
mod page;
mod patch;
mod people;
mod place;
mod plan_versions;
mod plans;
pub mod problem;
mod procedures;
mod rates;
mod refusal;
pub mod requests;
mod retention;
mod reviews;
mod rights;
mod rules;
mod schemas;
mod seals;
mod settings;
mod shared_advice;
#[cfg(test)]
mod tests;
mod timelines;
pub mod trace;
mod upcoming;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, Error, middleware};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::scope::scope;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, OpenApiFactory};

use crate::casework::identifier::{is_nhs_number, is_uln, is_upn};
use contract::{Contract, Format};
use docs::Document;
pub use exposure::{Exposure, client_address};
use fallback::{Routes, fallback, refusal};
pub use health::while_opening;
pub use limits::Limits;
use rates::Meters;
pub use rates::{Rate, Rates};
use requests::Requests;

/// A function that registers resources, as [`resources`] does.
type Resources = fn(&mut ServiceConfig<'_>);

/// Registers every resource of the product; the app and the document are both made from it.
fn resources(config: &mut ServiceConfig<'_>) {
    config
        .service(timelines::compute_timeline)
        .service(rules::get_rules)
        .service(branch("/v1/cases", |branch| {
            branch
                .service(cases::open_case)
                .service(cases::list_cases)
                .service(cases::search_cases)
                .service(cases::get_case)
                .service(cases::change_case)
                .service(cases::close_case)
                .service(case_timelines::get_case_timeline)
                .service(shared_advice::list_shared_advice)
                .service(exports::export_case)
                .service(seals::seal_case)
                .service(seals::get_seal)
                .service(seals::unseal_case)
                .service(seals::grant_access)
                .service(seals::end_access)
                .service(retention::get_retention)
                .service(retention::place_legal_hold)
                .service(retention::lift_legal_hold)
                .service(people::add_person)
                .service(people::list_people)
                .service(people::get_person)
                .service(people::change_person);
        }))
        .service(seals::break_glass)
        .service(seals::list_break_glass_readings)
        .service(seals::review_break_glass_reading)
        .service(disposals::make_disposal_list)
        .service(disposals::list_disposal_lists)
        .service(disposals::get_disposal_list)
        .service(disposals::review_disposal_list)
        .service(disposals::carry_out_disposal)
        .service(disposals::list_disposals)
        .service(branch("/v1/assessments", |branch| {
            branch
                .service(assessments::open_assessment)
                .service(assessments::list_assessments)
                .service(assessments::get_assessment)
                .service(assessments::list_assessment_events)
                .service(assessments::record_assessment_event)
                .service(advice_requests::open_advice_request)
                .service(advice::record_existing_advice)
                .service(advice::get_advice_matrix);
        }))
        .service(branch("/v1/reviews", |branch| {
            branch
                .service(upcoming::list_upcoming_reviews)
                .service(upcoming::list_phase_transfers)
                .service(upcoming::record_reviews_in_bulk)
                .service(reviews::open_review)
                .service(reviews::list_reviews)
                .service(reviews::get_review)
                .service(reviews::list_review_events)
                .service(reviews::record_review_event)
                .service(advice_requests::open_review_advice_request)
                .service(advice::get_review_advice_matrix);
        }))
        .service(branch("/v1/consultations", |branch| {
            branch
                .service(consultations::open_consultation)
                .service(consultations::list_consultations)
                .service(consultations::get_consultation)
                .service(consultations::list_consultation_events)
                .service(consultations::record_consultation_event);
        }))
        .service(branch("/v1/plans", |branch| {
            branch
                .service(plans::open_plan)
                .service(plans::list_plans)
                .service(plans::get_plan)
                .service(plans::list_plan_events)
                .service(plans::record_plan_event)
                .service(plans::list_placements)
                .service(plan_versions::make_plan_version)
                .service(plan_versions::list_plan_versions)
                .service(plan_versions::get_plan_version)
                .service(plan_versions::get_plan_difference)
                .service(plan_versions::get_plan_checks);
        }))
        .service(branch("/v1/advice-requests", |branch| {
            branch
                .service(advice_requests::list_advice_requests)
                .service(advice_requests::get_advice_request)
                .service(advice_acts::acknowledge_advice_request)
                .service(advice_acts::submit_advice)
                .service(advice_acts::return_advice)
                .service(advice_acts::accept_advice)
                .service(advice_acts::decline_advice_request)
                .service(advice_acts::redirect_advice_request)
                .service(advice_acts::withdraw_advice_request)
                .service(advice_acts::record_appointment)
                .service(advice_acts::claim_advice_exception);
        }))
        .service(clocks::list_clocks)
        .service(branch("/v1/organisations", |branch| {
            branch
                .service(organisations::open_organisation)
                .service(organisations::list_organisations)
                .service(organisations::get_organisation)
                .service(organisations::change_organisation);
        }))
        .service(branch("/v1/clients", |branch| {
            branch
                .service(clients::register_client)
                .service(clients::list_clients)
                .service(clients::get_client)
                .service(clients::change_client)
                .service(clients::grant_client)
                .service(clients::add_client_secret)
                .service(clients::revoke_client_secret)
                .service(clients::put_client_keys);
        }))
        .service(oauth::take_client_token)
        .service(settings::get_settings)
        .service(settings::put_settings)
        .service(audit::list_audit_entries)
        .service(health::check_liveness)
        .service(health::check_readiness)
        .service(docs::get_openapi);
}

/// Resources whose paths begin alike. The framework tries one resource after the other, each by an expression, and
/// all of a branch are passed by at once.
fn branch(
    path: &'static str,
    register: impl FnOnce(&mut ServiceConfig<'_>),
) -> impl HttpServiceFactory + OpenApiFactory + 'static {
    let is_below = fn_guard(move |context| context.head().uri.path().starts_with(path));
    scope("").guard(is_below).configure(register)
}

/// The formats of the field that the contract asserts beside the general ones.
const FORMATS: [Format; 3] = [
    Format {
        name: "upn",
        accepts: is_upn,
        expected: "a UPN with a correct check letter",
    },
    Format {
        name: "nhs-number",
        accepts: is_nhs_number,
        expected: "an NHS number with a correct check digit",
    },
    Format {
        name: "uln",
        accepts: is_uln,
        expected: "a ULN with a correct check digit",
    },
];

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
    requests: Data<Requests>,
    exposure: Data<Exposure>,
    limits: Data<Limits>,
    meters: Data<Meters>,
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
            routes: Data::new(Routes::new(&document)?),
            requests: Data::new(Requests::new(
                document
                    .paths
                    .paths
                    .keys()
                    .cloned()
                    .chain(docs::PAGES.map(|(pattern, _)| pattern.to_owned())),
            )),
            document: Data::new(Document(Bytes::from(text))),
            exposure: Data::default(),
            limits: Data::default(),
            meters: Data::new(Meters::new(&Rates::default())),
        })
    }

    /// The same, reached in another way than directly.
    pub fn exposed(self, exposure: Exposure) -> Api {
        Api {
            exposure: Data::new(exposure),
            ..self
        }
    }

    /// The same with other limits than the usual ones.
    pub fn limited(self, limits: Limits) -> Api {
        Api {
            meters: Data::new(Meters::new(&limits.rates)),
            limits: Data::new(limits),
            ..self
        }
    }

    /// What every app of this API counts.
    pub fn requests(&self) -> Arc<Requests> {
        self.requests.clone().into_inner()
    }

    /// The app of one worker. The caller adds `Data<service::App>` and `Data<auth::Identity>`.
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
            .configure(|config| self.routes.keep_written_out(config))
            .into_utoipa_app()
            .configure(self.resources)
            .split_for_parts();
        let routes = self.routes.clone();
        let ids =
            web::PathConfig::default().error_handler(move |_, request| refusal(request, &routes).into());
        app.configure(docs::pages)
            .app_data(ids)
            .app_data(self.contract.clone())
            .app_data(self.routes.clone())
            .app_data(self.document.clone())
            .app_data(self.requests.clone())
            .app_data(self.exposure.clone())
            .app_data(self.limits.clone())
            .app_data(self.meters.clone())
            .default_service(web::to(fallback))
            .wrap(middleware::Compress::default())
            .wrap(middleware::from_fn(limits::limit))
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
