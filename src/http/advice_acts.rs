//! Acts on a request for advice: by the body that was asked, and by the authority that asks.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::{Act as ActOn, acted};
use super::advice_requests::AdviceRequestView;
use super::event_input::check_order;
use super::extractor::{IdempotencyKey, IfMatch, RequestBody};
use super::problem::{Fault, Problem};
use crate::auth::{ContributeAdvice, WriteAdvice};
use crate::casework::advice::{AdviceFact, AppointmentOutcome, DeclinationGround, ReturnReason};
use crate::service::App;
use crate::service::advice::{Act, NewAct, act_on_advice_request};
use crate::statute::rulebook::Ground;

/// When an act happened. Staff may say; a contributor's act is dated by the service.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AcknowledgementInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
}

impl RequestBody for AcknowledgementInput {}

/// Advice sent to the authority.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SubmissionInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// What it says, in short.
    #[schema(min_length = 1, max_length = 20_000)]
    summary: String,
    /// What it says, in full.
    #[schema(max_length = 500_000)]
    content: Option<String>,
    /// Who wrote it.
    #[schema(min_items = 1, max_items = 20)]
    authors: Vec<AuthorName>,
    /// Needs found that nobody meets.
    #[schema(max_length = 20_000)]
    unmet_need: Option<String>,
}

/// A professional's name and role.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct AuthorName(String);

impl RequestBody for SubmissionInput {}

/// Advice sent back to its author.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReturnInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// Why.
    #[schema(min_items = 1, max_items = 10)]
    reasons: Vec<ReturnReason>,
    /// What is wanted.
    #[schema(min_length = 1, max_length = 10_000)]
    comment: String,
}

impl RequestBody for ReturnInput {}

/// A body's refusal to give advice.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeclinationInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The ground. Only the first two end the duty; with the others the clock runs on.
    ground: DeclinationGround,
    /// The reasons.
    #[schema(min_length = 1, max_length = 10_000)]
    reasons: String,
}

impl RequestBody for DeclinationInput {}

/// Another organisation to be asked instead.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RedirectionInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// The organisation; the first dates of the request stay.
    organisation_id: Uuid,
}

impl RequestBody for RedirectionInput {}

/// The authority no longer asks.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WithdrawalInput {
    /// The day of the act; today if left out.
    occurred_on: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 2_000)]
    reason: Option<String>,
}

impl RequestBody for WithdrawalInput {}

/// An appointment for an examination or test.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AppointmentInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The day it was offered for.
    offered_on: NaiveDate,
    /// The day it was held.
    held_on: Option<NaiveDate>,
    /// What became of it. A missed one is evidence for an exception.
    outcome: AppointmentOutcome,
}

impl RequestBody for AppointmentInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        let is_held = value["outcome"] == "held";
        match (is_held, value["held_on"].is_string()) {
            (true, false) => faults.push(Fault::new("/held_on", "missing", "must say when it was held")),
            (false, true) => {
                faults.push(Fault::new(
                    "/held_on",
                    "not_with_outcome",
                    "goes with the outcome `held` alone",
                ));
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// A ground in law for late advice.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceGround {
    MissedAppointment,
    PersonalCircumstances,
    Absent,
}

impl From<AdviceGround> for Ground {
    fn from(ground: AdviceGround) -> Ground {
        match ground {
            AdviceGround::MissedAppointment => Ground::MissedAppointment,
            AdviceGround::PersonalCircumstances => Ground::PersonalCircumstances,
            AdviceGround::Absent => Ground::Absent,
        }
    }
}

/// An exception claimed for one request. It is always recorded; the clock says whether it qualifies.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdviceExceptionInput {
    /// The day of the act; staff only, today if left out.
    occurred_on: Option<NaiveDate>,
    /// The ground relied on.
    ground: AdviceGround,
    /// The first day of the circumstances.
    from: NaiveDate,
    /// The last day of the circumstances.
    to: NaiveDate,
    /// What supports it.
    #[schema(max_length = 2_000)]
    evidence: Option<String>,
    /// How the ground made it impractical to keep the limit.
    #[schema(max_length = 2_000)]
    causal_link: Option<String>,
}

impl RequestBody for AdviceExceptionInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        check_order(value, "", faults);
    }
}

/// Acknowledge a request
///
/// The body has seen it. It never moves the clock.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AcknowledgementInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/acknowledgement")]
pub async fn acknowledge_advice_request(
    act: ActOn<ContributeAdvice, AcknowledgementInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "acknowledge_advice_request", |request_id, input| {
        NewAct {
            occurred_on: input.occurred_on,
            note: input.note,
            act: Act::Fact(AdviceFact::AdviceAcknowledged { request_id }),
        }
    })
    .await
}

/// Submit advice
///
/// The first complete submission stops the clock. Advice is taken in every state of its procedure.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = SubmissionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request with what was submitted.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/submission")]
pub async fn submit_advice(
    act: ActOn<ContributeAdvice, SubmissionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "submit_advice", |_, input| NewAct {
        occurred_on: input.occurred_on,
        note: None,
        act: Act::Submission {
            summary: input.summary,
            content: input.content,
            authors: input.authors.into_iter().map(|author| author.0).collect(),
            unmet_need: input.unmet_need,
        },
    })
    .await
}

/// Return advice to its author
///
/// It does not restart the clock; both dates are kept.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = ReturnInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/return")]
pub async fn return_advice(
    act: ActOn<WriteAdvice, ReturnInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "return_advice", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceReturned {
                request_id,
                reasons: input.reasons,
                comment: input.comment,
            },
        )
    })
    .await
}

/// Accept advice
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AcknowledgementInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/acceptance")]
pub async fn accept_advice(
    act: ActOn<WriteAdvice, AcknowledgementInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "accept_advice", |request_id, input| NewAct {
        occurred_on: input.occurred_on,
        note: input.note,
        act: Act::Fact(AdviceFact::AdviceAccepted { request_id }),
    })
    .await
}

/// Decline to give advice
///
/// Only incompatibility with the body's duties and adverse effect end the duty; with any other ground the
/// clock runs on until advice comes or the authority withdraws or redirects the request.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = DeclinationInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/declination")]
pub async fn decline_advice_request(
    act: ActOn<ContributeAdvice, DeclinationInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "decline_advice_request", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceDeclined {
                request_id,
                ground: input.ground,
                reasons: input.reasons,
            },
        )
    })
    .await
}

/// Redirect a request to another organisation
///
/// The first dates stay: the family's time does not start again. What the authority asked goes with the request, its
/// questions and the family's story; what came from who was asked before does not.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = RedirectionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[post("/v1/advice-requests/{id}/redirection")]
pub async fn redirect_advice_request(
    act: ActOn<WriteAdvice, RedirectionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "redirect_advice_request", |_, input| NewAct {
        occurred_on: input.occurred_on,
        note: None,
        act: Act::Redirection {
            organisation_id: input.organisation_id,
        },
    })
    .await
}

/// Withdraw a request
///
/// The authority no longer asks; the clock is cancelled.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = WithdrawalInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/withdrawal")]
pub async fn withdraw_advice_request(
    act: ActOn<WriteAdvice, WithdrawalInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "withdraw_advice_request", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceWithdrawn {
                request_id,
                reason: input.reason,
            },
        )
    })
    .await
}

/// Record an appointment
///
/// For an examination or test made for the advice. A missed one is evidence for an exception.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AppointmentInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/appointments")]
pub async fn record_appointment(
    act: ActOn<ContributeAdvice, AppointmentInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "record_appointment", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceAppointment {
                request_id,
                offered_on: input.offered_on,
                held_on: input.held_on,
                outcome: input.outcome,
            },
        )
    })
    .await
}

/// Claim an exception for late advice
///
/// Always recorded; the clock says whether it qualifies, and moves no date.
#[utoipa::path(
    tag = "advice",
    params(("id" = Uuid, Path, description = "The request."), IfMatch, IdempotencyKey),
    request_body = AdviceExceptionInput,
    responses((status = 201, body = AdviceRequestView, description = "The request.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/advice-requests/{id}/exceptions")]
pub async fn claim_advice_exception(
    act: ActOn<ContributeAdvice, AdviceExceptionInput>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    act_on(act, &app, "claim_advice_exception", |request_id, input| {
        fact(
            input.occurred_on,
            AdviceFact::AdviceExceptionClaimed {
                request_id,
                ground: input.ground.into(),
                from: input.from,
                to: input.to,
                evidence: input.evidence,
                causal_link: input.causal_link,
            },
        )
    })
    .await
}

fn fact(occurred_on: Option<NaiveDate>, fact: AdviceFact) -> NewAct {
    NewAct {
        occurred_on,
        note: None,
        act: Act::Fact(fact),
    }
}

/// What every act on a request has in common; what it does is made of its id and input.
async fn act_on<P, T: Send + 'static>(
    act: ActOn<P, T>,
    app: &App,
    operation: &'static str,
    done: impl FnOnce(Uuid, T) -> NewAct + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let ActOn { once, id, version } = act;
    once.answer(app, move |work, input| {
        let reading = act_on_advice_request(work, id, version, operation, &done(id, input))?;
        let view = AdviceRequestView::try_from(reading)?;
        acted(201, view.version, &view)
    })
    .await
}
