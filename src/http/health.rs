//! Whether the process lives and whether it can serve, for whatever keeps it running.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Code, Problem};
use crate::service::app::NotReady;
use crate::service::{App, Error};
use crate::store::Trouble;

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
/// The store answers and everything that must be ready before the first request is. Otherwise `reason` says
/// what is amiss: `starting`, `database_unreachable`, `database_busy`, `database_full`, `database_read_only`,
/// `database_failing` or `stopping`.
#[utoipa::path(
    tag = "system",
    responses(
        (status = 200, body = HealthView, description = "Requests can be served."),
        (status = 503, description = "Requests cannot be served at present."),
    )
)]
#[get("/health/ready")]
pub async fn check_readiness(app: Data<App>) -> Result<HttpResponse, Problem> {
    let not_ready = match app.readiness().await {
        Ok(()) => return Ok(HttpResponse::Ok().json(HealthView { status: "ok" })),
        Err(not_ready) => not_ready,
    };
    Err(match not_ready {
        NotReady::Starting => Problem::new(Code::Unavailable).with_member("reason", "starting"),
        NotReady::Stopping => Problem::new(Code::Unavailable).with_member("reason", Trouble::Stopping.name()),
        NotReady::Store(error) => Problem::from(Error::from(error)),
        NotReady::Silent => Problem::new(Code::Unavailable).with_member("reason", Trouble::Busy.name()),
    })
}
