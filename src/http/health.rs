//! Whether the process lives and whether it can serve, for whatever keeps it running.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, Unavailability};
use crate::service::App;

/// The state of the service.
#[derive(Serialize, ToSchema)]
pub struct HealthView {
    /// Always `ok`; anything else is answered with a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process answers
///
/// It says nothing of the database: a process that lives is not restarted because a store is down.
#[utoipa::path(tag = "system", responses((status = 200, body = HealthView, description = "It answers.")))]
#[get("/health/live")]
pub async fn check_liveness() -> HttpResponse {
    HttpResponse::Ok().json(HealthView { status: "ok" })
}

/// Whether requests can be served
///
/// The store answers, everything that must be ready before the first request is, and the process has not
/// been told to stop.
#[utoipa::path(
    tag = "system",
    responses(
        (status = 200, body = HealthView, description = "Requests can be served."),
        (status = 503, description = "Requests cannot be served at present."),
    )
)]
#[get("/health/ready")]
pub async fn check_readiness(app: Data<App>) -> Result<HttpResponse, Problem> {
    if !app.ready().await {
        return Err(Problem::unavailable(Unavailability::NotReady));
    }
    Ok(HttpResponse::Ok().json(HealthView { status: "ok" }))
}
