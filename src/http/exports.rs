//! Subject access: everything held about a child or young person, in a form that machines read.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::acting::origin_of;
use super::advice_requests::AdviceRequestView;
use super::audit::AuditEntryView;
use super::cases::CaseView;
use super::extractor::{Allowed, PathId};
use super::people::PersonView;
use super::plan_versions::PlanVersionView;
use super::problem::Problem;
use super::procedures::{EventView, ProcedureView};
use super::retention::RetentionView;
use super::seals::SealView;
use crate::auth::ExportCases;
use crate::service::export::{CaseExport, ThirdParty, Why, export_case as export};
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
    pub advice_requests: Vec<AdviceRequestView>,
    pub plan_versions: Vec<PlanVersionView>,
    /// The seal of the case, if it has one.
    pub seal: Option<SealView>,
    /// How long the case is kept.
    pub retention: RetentionView,
    /// Who changed and read what of it, the oldest first.
    pub history: Vec<AuditEntryView>,
}

/// A procedure with all that was ever recorded on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedProcedure {
    #[serde(flatten)]
    pub procedure: ProcedureView,
    /// In the order of recording, with corrections and what they superseded.
    pub events: Vec<EventView>,
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
}

impl From<ThirdParty> for ThirdPartyView {
    fn from(third_party: ThirdParty) -> ThirdPartyView {
        ThirdPartyView {
            pointer: third_party.pointer,
            why: match third_party.why {
                Why::AnotherPerson => ThirdPartyReason::AnotherPerson,
                Why::WrittenByAnOrganisation => ThirdPartyReason::WrittenByAnOrganisation,
                Why::OpenedToOthers => ThirdPartyReason::OpenedToOthers,
            },
        }
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
                .map(AdviceRequestView::try_from)
                .collect::<Result<_, _>>()?,
            plan_versions: export
                .plan_versions
                .into_iter()
                .map(|(plan_id, reading)| PlanVersionView::of(plan_id, reading))
                .collect(),
            seal: export.seal.map(SealView::from),
            retention: RetentionView::from(export.retention),
            history: export.history.into_iter().map(AuditEntryView::from).collect(),
        })
    }
}

/// Export everything held about a case
///
/// For a request for access by the child, the young person or whoever acts for them: the record, all that was ever
/// recorded on it, and who changed and read it, but for readings of the last second. An address that must reach nobody
/// else is left out.
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
