//! How long a case is kept, and legal holds.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::{Once, acted_on_many, origin_of, placed};
use super::dates;
use super::extractor::{Allowed, IdempotencyKey, PathId, RequestBody};
use super::problem::Problem;
use super::seals::BareActInput;
use crate::auth::{DisposeOfCases, ReadCases};
use crate::casework::retention::{AppliedRule, Hindrance, RetentionRule};
use crate::service::App;
use crate::service::disposal_list::{DisposalDecision, DisposalItem, KeptBecause};
use crate::service::retention::{
    LegalHold, RetentionReading, get_retention as get, lift_legal_hold as lift, place_legal_hold as place,
};

/// Why a case must not be disposed of.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LegalHoldInput {
    /// Why, for those who may see the case.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    reason: String,
}

impl RequestBody for LegalHoldInput {}

/// What keeps a case from being disposed of, whatever the rules say.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegalHoldView {
    pub id: Uuid,
    pub case_id: Uuid,
    pub reason: String,
    pub placed_at: DateTime<Utc>,
    pub placed_by: String,
    /// When it was lifted, and by whom; null as long as it stands.
    pub lifted_at: Option<DateTime<Utc>>,
    pub lifted_by: Option<String>,
}

impl From<LegalHold> for LegalHoldView {
    fn from(hold: LegalHold) -> LegalHoldView {
        LegalHoldView {
            id: hold.id,
            case_id: hold.case_id,
            reason: hold.reason,
            placed_at: hold.placed_at,
            placed_by: hold.placed_by,
            lifted_at: hold.lifted_at,
            lifted_by: hold.lifted_by,
        }
    }
}

/// A rule of the authority that applies to a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppliedRetentionRule {
    #[serde(flatten)]
    pub rule: RetentionRule,
    /// The last day on which it keeps the case; null as long as that is counted from a closure to come.
    #[serde(serialize_with = "dates::optional_day")]
    pub kept_until_on: Option<NaiveDate>,
}

impl From<AppliedRule> for AppliedRetentionRule {
    fn from(applied: AppliedRule) -> AppliedRetentionRule {
        AppliedRetentionRule {
            rule: applied.rule,
            kept_until_on: applied.kept_until_on,
        }
    }
}

/// How long a case is kept, and what stands against its disposal today.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionView {
    pub case_id: Uuid,
    /// The last day on which the case is kept, by the longest rule that applies; null where it is kept for ever, or
    /// as long as that is counted from a closure to come.
    #[serde(serialize_with = "dates::optional_day")]
    pub dispose_after_on: Option<NaiveDate>,
    /// Why, in words.
    #[schema(
        example = "Every case is kept for 31 years from the date of birth. That is to the end of 2 November 2048."
    )]
    pub reason: String,
    /// Every rule that applies, in the order of the settings.
    pub rules: Vec<AppliedRetentionRule>,
    /// All that were ever placed, the oldest first.
    pub legal_holds: Vec<LegalHoldView>,
    /// What stands against its disposal today; nothing where it is due.
    pub hindrances: Vec<Hindrance>,
    /// The lists of cases to dispose of that it was on, the oldest first.
    pub disposal_lists: Vec<ListedForDisposal>,
}

/// A list of cases to dispose of that a case was on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedForDisposal {
    pub list_id: Uuid,
    /// What was decided of the case; null until the list is reviewed.
    pub decision: Option<DisposalDecision>,
    /// Why it was kept, if it was.
    pub kept_because: Option<KeptBecause>,
    /// What the reviewer wrote about that.
    pub kept_reason: Option<String>,
}

impl From<DisposalItem> for ListedForDisposal {
    fn from(item: DisposalItem) -> ListedForDisposal {
        ListedForDisposal {
            list_id: item.list_id,
            decision: item.decision,
            kept_because: item.kept_because,
            kept_reason: item.kept_reason,
        }
    }
}

impl From<RetentionReading> for RetentionView {
    fn from(reading: RetentionReading) -> RetentionView {
        let retention = reading.retention;
        RetentionView {
            case_id: reading.case_id,
            dispose_after_on: retention.dispose_after_on(),
            reason: retention.reason(),
            rules: retention
                .rules
                .into_iter()
                .map(AppliedRetentionRule::from)
                .collect(),
            legal_holds: reading.legal_holds.into_iter().map(LegalHoldView::from).collect(),
            hindrances: reading.hindrances,
            disposal_lists: reading.listed.into_iter().map(ListedForDisposal::from).collect(),
        }
    }
}

/// Get how long a case is kept
///
/// Worked out anew each time: a changed rule, date of birth or closure counts at once.
#[utoipa::path(
    tag = "retention",
    params(("id" = Uuid, Path, description = "The case.")),
    responses((status = 200, body = RetentionView, description = "How long it is kept, and what stands against its disposal."))
)]
#[get("/v1/cases/{id}/retention")]
pub async fn get_retention(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    let reading = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            get(work, case_id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(RetentionView::from(reading)))
}

/// Place a legal hold on a case
///
/// As long as one stands the case is not disposed of. Several may stand at once.
#[utoipa::path(
    tag = "retention",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = LegalHoldInput,
    responses((status = 201, body = LegalHoldView, description = "The hold.",
        headers(("Location" = String, description = "Where the holds of the case are shown."))))
)]
#[post("/v1/cases/{id}/legal-holds")]
pub async fn place_legal_hold(
    once: Once<DisposeOfCases, LegalHoldInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    once.answer(&app, move |work, input| {
        let view = LegalHoldView::from(place(work, case_id, input.reason)?);
        placed(format!("/v1/cases/{case_id}/retention"), &view)
    })
    .await
}

/// Lift a legal hold
///
/// Lifting it again changes nothing.
#[utoipa::path(
    tag = "retention",
    params(
        ("id" = Uuid, Path, description = "The case."),
        ("hold_id" = Uuid, Path, description = "The hold."),
        IdempotencyKey
    ),
    request_body = BareActInput,
    responses((status = 200, body = LegalHoldView, description = "The hold, which stands no longer."))
)]
#[post("/v1/cases/{id}/legal-holds/{hold_id}/lifting")]
pub async fn lift_legal_hold(
    once: Once<DisposeOfCases, BareActInput>,
    ids: Path<(PathId, PathId)>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (case_id, hold_id) = ids.into_inner();
    once.answer(&app, move |work, BareActInput {}| {
        acted_on_many(&LegalHoldView::from(lift(work, case_id.0, hold_id.0)?))
    })
    .await
}
