//! Subject access: everything held about a child or young person, in a form that machines read.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::acting::origin_of;
use super::advice_requests::{AdviceRequestView, SubmissionView};
use super::audit::AuditKind;
use super::cases::CaseView;
use super::extractor::{Allowed, PathId};
use super::people::PersonView;
use super::plan_versions::PlanVersionView;
use super::problem::Problem;
use super::procedures::{EventView, ProcedureView};
use super::retention::RetentionView;
use super::seals::{GrantView, SealView};
use crate::auth::{ExportCases, Role};
use crate::service::audit::AuditEntry;
use crate::service::export::{CaseExport, ExportedRequest, ThirdParty, Why, export_case as export};
use crate::service::procedure::ListedEntry;
use crate::service::{App, Error};

/// Everything held about a child or young person.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseExportView {
    pub exported_at: DateTime<Utc>,
    /// What is of or about somebody else, by its place in this document: whoever answers the request looks at it first.
    pub third_party: Vec<ThirdPartyView>,
    pub case: CaseView,
    pub people: Vec<PersonView>,
    pub procedures: Vec<ExportedProcedure>,
    pub advice_requests: Vec<ExportedAdviceRequest>,
    pub plan_versions: Vec<PlanVersionView>,
    /// The seal of the case, if it has one.
    pub seal: Option<SealView>,
    /// Everybody to whom it was ever opened while it was sealed, be it sealed now or not.
    pub grants: Vec<GrantView>,
    /// How long the case is kept.
    pub retention: RetentionView,
    /// Who changed and read what of it, the oldest first.
    pub history: Vec<ExportedEntry>,
}

/// A procedure with all that was ever recorded on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedProcedure {
    #[serde(flatten)]
    pub procedure: ProcedureView,
    /// In the order of recording, with corrections and what they superseded.
    pub events: Vec<EventView>,
}

/// A request for advice with what a correction took out of it, which is still held.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedAdviceRequest {
    #[serde(flatten)]
    pub request: AdviceRequestView,
    /// Whether it was opened in error.
    pub is_void: bool,
    /// What was submitted in error, the oldest first.
    pub void_submissions: Vec<SubmissionView>,
}

/// An entry of the trail as far as it is about this child: nothing of other cases, and not from where anybody asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedEntry {
    pub recorded_at: DateTime<Utc>,
    pub kind: AuditKind,
    /// The operation that was asked for, or what else was done.
    #[schema(example = "get_case")]
    pub action: String,
    /// `done`, or the code of the problem with which it was refused.
    #[schema(example = "done")]
    pub outcome: String,
    /// Who, as their token names them; null for family.
    pub subject: Option<String>,
    /// The system that asked, where no person did.
    pub client_id: Option<String>,
    /// The organisation they spoke for.
    pub organisation_id: Option<String>,
    /// What they were to the authority.
    #[schema(example = json!(["caseworker"]))]
    pub roles: Vec<String>,
    /// What was done to or seen; null for lists.
    pub resource_id: Option<String>,
    /// Whether it was on a list that the case was seen.
    pub is_list: bool,
    /// The version that was made or seen.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub version: Option<i64>,
    /// Why, where they said so.
    pub reason: Option<String>,
}

impl From<AuditEntry> for ExportedEntry {
    fn from(AuditEntry { row, .. }: AuditEntry) -> ExportedEntry {
        let roles: Vec<String> = row.roles.split_whitespace().map(str::to_owned).collect();
        let is_family = roles.iter().any(|role| role == Role::Family.name());
        ExportedEntry {
            recorded_at: row.recorded_at.and_utc(),
            kind: AuditKind::named(&row.kind),
            action: row.action,
            outcome: row.outcome,
            subject: Some(row.subject).filter(|_| !is_family),
            client_id: row.client_id,
            organisation_id: row.organisation_id,
            roles,
            resource_id: row.resource_id,
            is_list: row.case_id.is_none(),
            version: row.version,
            reason: row.reason,
        }
    }
}

/// Something in an export that is of or about somebody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThirdPartyView {
    /// A JSON pointer into the export.
    #[schema(example = "/people/0")]
    pub pointer: String,
    pub why: ThirdPartyReason,
}

/// What makes something a third party's.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThirdPartyReason {
    AnotherPerson,
    WrittenByAnOrganisation,
    OpenedToOthers,
    MayNameOthers,
}

impl From<ThirdParty> for ThirdPartyView {
    fn from(third_party: ThirdParty) -> ThirdPartyView {
        ThirdPartyView {
            pointer: third_party.pointer,
            why: match third_party.why {
                Why::AnotherPerson => ThirdPartyReason::AnotherPerson,
                Why::WrittenByAnOrganisation => ThirdPartyReason::WrittenByAnOrganisation,
                Why::OpenedToOthers => ThirdPartyReason::OpenedToOthers,
                Why::MayNameOthers => ThirdPartyReason::MayNameOthers,
            },
        }
    }
}

impl TryFrom<ExportedRequest> for ExportedAdviceRequest {
    type Error = Error;

    fn try_from(exported: ExportedRequest) -> Result<ExportedAdviceRequest, Error> {
        let void_submissions = exported.void_submissions.into_iter();
        Ok(ExportedAdviceRequest {
            request: AdviceRequestView::try_from(exported.reading)?,
            is_void: exported.is_void,
            void_submissions: void_submissions
                .map(SubmissionView::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<CaseExport> for CaseExportView {
    type Error = Error;

    fn try_from(export: CaseExport) -> Result<CaseExportView, Error> {
        let event = |listed: ListedEntry| EventView::of(&listed.entry, listed.noted, listed.superseded_by);
        let procedures = export.procedures.into_iter().map(|(reading, entries)| {
            Ok(ExportedProcedure {
                procedure: ProcedureView::try_from(reading)?,
                events: entries.into_iter().map(event).collect::<Result<_, _>>()?,
            })
        });
        Ok(CaseExportView {
            exported_at: export.exported_at,
            third_party: export.third_party.into_iter().map(ThirdPartyView::from).collect(),
            procedures: procedures.collect::<Result<_, Error>>()?,
            case: CaseView::try_from(export.case)?,
            people: export.people.into_iter().map(PersonView::from).collect(),
            advice_requests: export
                .advice
                .into_iter()
                .map(ExportedAdviceRequest::try_from)
                .collect::<Result<_, _>>()?,
            plan_versions: export
                .plan_versions
                .into_iter()
                .map(|(plan_id, reading)| PlanVersionView::of(plan_id, reading))
                .collect(),
            seal: export.seal.map(SealView::from),
            retention: RetentionView::from(export.retention),
            grants: export.grants.into_iter().map(GrantView::from).collect(),
            history: export.history.into_iter().map(ExportedEntry::from).collect(),
        })
    }
}

/// Export everything held about a case
///
/// For a request for access by the child, the young person or whoever acts for them: the record, all that was ever
/// recorded on it, with what was corrected since, and who changed and read it, but for readings of the last second. An
/// address that must reach nobody else is left out, and so is where anybody asked from, who of the family did, and what
/// else was seen with the case.
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case.")),
    responses((status = 200, body = CaseExportView, description = "Everything held."))
)]
#[get("/v1/cases/{id}/export")]
pub async fn export_case(
    principal: Allowed<ExportCases>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let case_id = id.into_inner().0;
    let view = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            CaseExportView::try_from(export(work, case_id)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}
