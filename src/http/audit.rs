//! The trail, for auditors.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::origin_of;
use super::extractor::{Allowed, QueryString};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::auth::ReadTrail;
use crate::service::App;
use crate::service::audit::{AuditEntry, list_audit_entries as list};
use crate::store::audit::{AuditFilter, parted};

/// An entry of the trail: who did or saw what. It holds ids, never what a record says.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntryView {
    pub id: String,
    /// Its place in the chain of the authority; null while it waits to be sealed.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub sequence: Option<i64>,
    /// Whether it has its place: from then on nobody can alter it without being found.
    pub is_sealed: bool,
    pub recorded_at: DateTime<Utc>,
    pub kind: AuditKind,
    /// The operation that was asked for, or what else was done.
    #[schema(example = "get_case")]
    pub action: String,
    /// `done`, or why it was refused: the code of the problem, `unknown_case` where a body named a case that does not
    /// exist for whoever asked, `client_shut_out` for a system that is shut out.
    #[schema(example = "done")]
    pub outcome: String,
    /// Who, as their token names them.
    pub subject: String,
    /// The system that asked, where no person did.
    pub client_id: Option<String>,
    /// The organisation they spoke for.
    pub organisation_id: Option<String>,
    /// What they were to the authority.
    #[schema(example = json!(["caseworker"]))]
    pub roles: Vec<String>,
    /// What was done to or seen; null for lists.
    pub resource_id: Option<String>,
    /// The case that it is about.
    pub case_id: Option<String>,
    /// The cases that a list showed.
    pub shown_case_ids: Vec<String>,
    /// The version that was made or seen.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub version: Option<i64>,
    /// Why, where they said so.
    pub reason: Option<String>,
    /// The address that the request came from.
    #[schema(example = "10.0.12.7")]
    pub client_address: Option<String>,
    /// Finds the request in the service's log.
    pub trace_id: String,
}

/// Whether something was changed or seen.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    Change,
    Reading,
}

impl AuditKind {
    /// As stores name it.
    pub fn named(name: &str) -> AuditKind {
        if name == "reading" {
            AuditKind::Reading
        } else {
            AuditKind::Change
        }
    }
}

impl From<AuditEntry> for AuditEntryView {
    fn from(AuditEntry { row, sequence }: AuditEntry) -> AuditEntryView {
        AuditEntryView {
            id: row.id,
            sequence,
            is_sealed: sequence.is_some(),
            recorded_at: row.recorded_at.and_utc(),
            kind: AuditKind::named(&row.kind),
            action: row.action,
            outcome: row.outcome,
            subject: row.subject,
            client_id: row.client_id,
            organisation_id: row.organisation_id,
            roles: row.roles.split_whitespace().map(str::to_owned).collect(),
            resource_id: row.resource_id,
            case_id: row.case_id,
            shown_case_ids: parted(row.shown_case_ids.as_deref()).map(str::to_owned).collect(),
            version: row.version,
            reason: row.reason,
            client_address: row.client_address,
            trace_id: row.trace_id,
        }
    }
}

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what is about this case, and the lists that showed it.
    case_id: Option<Uuid>,
    /// Only what this subject did or saw.
    #[param(max_length = 255)]
    subject: Option<String>,
    /// Only this operation.
    #[param(max_length = 100, example = "get_case")]
    action: Option<String>,
    /// Only what was recorded at or after this instant.
    from: Option<DateTime<Utc>>,
    /// Only what was recorded before this instant.
    to: Option<DateTime<Utc>>,
}

/// List the trail
///
/// Every change and every reading of what is held of people, in the order of time. Reading the trail is on the
/// trail itself. A reading is there at the latest a second after its answer.
#[utoipa::path(
    tag = "audit",
    params(AuditQuery, PageQuery),
    responses((status = 200, body = Page<AuditEntryView>, description = "A page of the trail.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last, and with `subject`, which no link repeats."))))
)]
#[get("/v1/audit")]
pub async fn list_audit_entries(
    principal: Allowed<ReadTrail>,
    query: QueryString<AuditQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (query, page) = (query.0, page.0);
    let filter = AuditFilter {
        case_id: query.case_id,
        subject: query.subject,
        action: query.action,
        from_at: query.from.map(|at| at.naive_utc()),
        until_at: query.to.map(|at| at.naive_utc()),
        after: page.after_id()?,
        limit: page.rows(),
    };
    let entries = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            list(work, &filter)
        })
        .await?;
    let views = entries.into_iter().map(AuditEntryView::from).collect();
    Ok(page.answer(&request, views, |view: &AuditEntryView| view.id.clone()))
}
