//! Whether the process lives and whether it can serve, for whatever keeps it running.

use actix_web::web::{Data, ServiceConfig, to};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Code, Problem};
use super::trace::TraceId;
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
    app.readiness().await?;
    Ok(HttpResponse::Ok().json(HealthView { status: "ok" }))
}

/// Registers what is answered before the database is open: that the process lives, and for everything else that it
/// cannot be served yet.
pub fn while_opening(config: &mut ServiceConfig) {
    config.service(check_liveness).default_service(to(starting));
}

async fn starting(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let trace_id = TraceId::of(request.headers());
    Err(Problem::from(NotReady::Starting).happened(request.path(), trace_id.as_str()))
}

impl From<NotReady> for Problem {
    fn from(not_ready: NotReady) -> Problem {
        match not_ready {
            NotReady::Starting => Problem::new(Code::Unavailable).with_member("reason", "starting"),
            NotReady::Stopping => {
                Problem::new(Code::Unavailable).with_member("reason", Trouble::Stopping.name())
            }
            NotReady::Store(error) => Problem::from(Error::from(error)),
            NotReady::Silent => Problem::new(Code::Unavailable).with_member("reason", Trouble::Busy.name()),
        }
    }
}
