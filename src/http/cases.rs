//! Cases: opening, finding, reading, changing and closing them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acting::{Once, acted, created, origin_of, shown};
use super::clocks::{ClockPlace, ClockView};
use super::contract::Contract;
use super::dates;
use super::extractor::{Allowed, Body, IdempotencyKey, IfMatch, PathId, QueryString, RequestBody, forbidden};
use super::page::{Page, PageQuery, instant_cursor};
use super::patch::{Patch, patched};
use super::problem::{Code, Fault, Problem};
use super::procedures::FlagView;
use crate::auth::{ReadCases, WriteCases};
use crate::casework::child::{rights_pass_on, turns_on};
use crate::casework::event::ClosureReason;
use crate::casework::flag::FlagCode;
use crate::casework::procedure::State;
use crate::service::case::{
    CaseDetails, CaseReading, ListedCase, Shown, change_case as change, close_case as close, folded,
    get_case as get, list_cases as list, open_case as open, search_cases as search,
};
use crate::service::{App, Error};
use crate::statute::clock::ClockStatus;
use crate::store::case::{CaseFilter, CaseSearch, CasesAfter};
use crate::store::convert::{id as id_of, named};

/// A partial change.
type CasePatch = Patch<CaseDetails>;

impl RequestBody for CaseDetails {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        if value["upn"].is_string() && value["upn_unknown_reason"].is_string() {
            faults.push(Fault::new(
                "/upn_unknown_reason",
                "not_with_upn",
                "must be absent when there is a UPN",
            ));
        }
        let needs = value["needs"].as_array();
        let mut seen = Vec::new();
        for (index, need) in needs.into_iter().flatten().enumerate() {
            for field in ["type", "rank"] {
                let said = (field, need[field].clone());
                if !said.1.is_null() && seen.contains(&said) {
                    faults.push(Fault::new(
                        format!("/needs/{index}/{field}"),
                        "repeated",
                        "must differ from that of the other needs",
                    ));
                }
                seen.push(said);
            }
        }
        if let Some(setting) = value["setting"].as_object() {
            let ways = ["organisation_id", "urn", "ukprn"];
            let named = ways
                .iter()
                .filter(|way| setting.get(**way).is_some_and(|value| !value.is_null()))
                .count();
            if named != 1 {
                faults.push(Fault::new(
                    "/setting",
                    "one_of",
                    "must name the setting by exactly one of organisation_id, urn and ukprn",
                ));
            }
        }
    }
}

/// Who decides.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionMakerKind {
    Parent,
    YoungPerson,
}

/// Who decides for the child or as the young person.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionMakerView {
    /// The parent until the end of compulsory school age, then the young person, unless somebody else is
    /// named from a day on or after it.
    pub kind: DecisionMakerKind,
    /// The person named, if one is.
    pub person_id: Option<Uuid>,
    /// Since when; null while it has been the parent from the start.
    #[serde(serialize_with = "dates::optional_day")]
    pub since_on: Option<NaiveDate>,
}

/// A procedure of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcedureOnCase {
    pub id: Uuid,
    /// Which procedure.
    #[schema(example = "assessment")]
    pub procedure: String,
    pub state: State,
    #[serde(serialize_with = "dates::day")]
    pub opened_on: NaiveDate,
    pub version: i64,
}

/// A case with what runs on it today.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseView {
    pub id: Uuid,
    /// The name people use for the case; nothing in it is about the child.
    #[schema(example = "EHC-7K3M-Q9TX")]
    pub reference: String,
    /// Rises with every change of the case itself; the `ETag` is made of it.
    pub version: i64,
    #[serde(flatten)]
    pub details: CaseDetails,
    /// Fields that are there and are not shown to whoever asks.
    #[schema(max_items = 5, example = json!([]))]
    pub masked: Vec<&'static str>,
    /// The National Curriculum year group today; 0 is reception.
    pub year_group: i32,
    pub decision_maker: DecisionMakerView,
    /// When rights pass to the young person: the end of compulsory school age (date unconfirmed).
    #[serde(serialize_with = "dates::day")]
    pub turns_16_rights_on: NaiveDate,
    pub turns_18_on: NaiveDate,
    pub turns_25_on: NaiveDate,
    #[serde(serialize_with = "dates::optional_day")]
    pub closed_on: Option<NaiveDate>,
    pub closure_reason: Option<ClosureReason>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The oldest first.
    pub procedures: Vec<ProcedureOnCase>,
    /// The clocks that run or are overdue today, due first.
    pub clocks: Vec<ClockView>,
    pub flags: Vec<FlagView>,
}

impl TryFrom<CaseReading> for CaseView {
    type Error = Error;

    fn try_from(reading: CaseReading) -> Result<CaseView, Error> {
        let CaseReading {
            row,
            details,
            masked,
            facts,
            decision_maker,
            procedures,
            flags,
            as_of,
            due_soon_days,
        } = reading;
        let mut view = CaseView {
            id: id_of(&row.id)?,
            reference: row.reference,
            version: row.version,
            details,
            masked,
            year_group: facts.year_group_on(as_of),
            decision_maker: DecisionMakerView {
                kind: if decision_maker.is_young_person {
                    DecisionMakerKind::YoungPerson
                } else {
                    DecisionMakerKind::Parent
                },
                person_id: decision_maker.person_id,
                since_on: decision_maker.since_on,
            },
            turns_16_rights_on: rights_pass_on(row.date_of_birth),
            turns_18_on: turns_on(row.date_of_birth, 18),
            turns_25_on: turns_on(row.date_of_birth, 25),
            closed_on: row.closed_on,
            closure_reason: row.closure_reason.as_deref().map(named).transpose()?,
            created_at: row.created_at.and_utc(),
            updated_at: row.updated_at.and_utc(),
            procedures: Vec::new(),
            clocks: Vec::new(),
            flags: flags.iter().map(FlagView::from).collect(),
        };
        for (procedure, shown) in procedures {
            let procedure_id = id_of(&procedure.id)?;
            let (state, opened_on) = match &shown {
                Shown::Nothing => continue,
                Shown::Row(state) => (*state, procedure.opened_on),
                Shown::Timeline(timeline) => (timeline.state, timeline.opened_on),
            };
            view.procedures.push(ProcedureOnCase {
                id: procedure_id,
                procedure: procedure.kind,
                state,
                opened_on,
                version: procedure.version,
            });
            let Shown::Timeline(timeline) = shown else {
                continue;
            };
            let place = ClockPlace {
                case_id: Some(view.id),
                procedure_id: Some(procedure_id),
            };
            let shown = timeline
                .clocks
                .iter()
                .filter_map(|clock| ClockView::explained(clock, as_of, place));
            let is_live =
                |clock: &ClockView| matches!(clock.status, ClockStatus::Running | ClockStatus::Overdue);
            view.clocks.extend(shown.filter(is_live));
            view.flags
                .extend(timeline.flags_on(as_of, due_soon_days).iter().map(FlagView::from));
        }
        view.clocks.sort_by_key(|clock| (clock.due_on, clock.id));
        Ok(view)
    }
}

/// A case on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseSummary {
    pub id: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    #[serde(serialize_with = "dates::day")]
    pub date_of_birth: NaiveDate,
    pub caseworker: Option<String>,
    pub closed_on: Option<NaiveDate>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
    /// Its procedures, the oldest first.
    pub procedures: Vec<ProcedureSummary>,
}

/// A procedure of a case on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcedureSummary {
    pub id: String,
    /// Which procedure.
    pub procedure: String,
    pub state: String,
}

impl From<ListedCase> for CaseSummary {
    fn from(listed: ListedCase) -> CaseSummary {
        let ListedCase { row, procedures } = listed;
        CaseSummary {
            id: row.id,
            reference: row.reference,
            given_name: row.given_name,
            family_name: row.family_name,
            date_of_birth: row.date_of_birth,
            caseworker: row.caseworker,
            closed_on: row.closed_on,
            version: row.version,
            updated_at: row.updated_at.and_utc(),
            procedures: procedures
                .into_iter()
                .map(|(id, procedure, state)| ProcedureSummary { id, procedure, state })
                .collect(),
        }
    }
}

/// What to search for: exactly one.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CaseSearchInput {
    /// Words, or their beginnings, of given and family name, in any order, without regard to case,
    /// marks and punctuation.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    name: Option<String>,
    /// The unique pupil number.
    #[schema(format = "upn")]
    upn: Option<String>,
    /// The NHS number.
    #[schema(format = "nhs-number")]
    nhs_number: Option<String>,
    /// The unique learner number.
    #[schema(format = "uln")]
    uln: Option<String>,
}

impl RequestBody for CaseSearchInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        let given = ["name", "upn", "nhs_number", "uln"]
            .iter()
            .filter(|field| !value[**field].is_null())
            .count();
        if value.is_object() && given != 1 {
            faults.push(Fault::new(
                "",
                "one_of",
                "must hold exactly one of name, upn, nhs_number and uln",
            ));
        }
    }
}

/// What is not shown must not be found out by asking for it.
const BY_IDENTIFIER: &str = "Who does not see identifiers finds no case by one.";

/// Why and when a case is closed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClosureInput {
    reason: ClosureReason,
    /// The day it happened.
    occurred_on: NaiveDate,
}

impl RequestBody for ClosureInput {}

/// Which cases to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaseQuery {
    /// Only cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
    /// Only cases with an open procedure in this state.
    #[param(value_type = Option<State>, inline)]
    state: Option<String>,
    /// Only cases on which this flag is up today.
    #[param(inline)]
    flag: Option<FlagCode>,
    /// Only the case with this reference in another system, as `system:id`; for those who see identifiers.
    #[param(max_length = 151, pattern = "^[A-Za-z0-9._-]+:.+$", example = "mosaic:104-77")]
    external_ref: Option<String>,
    /// Only cases changed at or after this instant.
    updated_since: Option<DateTime<Utc>>,
}

/// Open a case
///
/// The answer names the reference minted for it.
#[utoipa::path(
    tag = "cases",
    params(IdempotencyKey),
    request_body = CaseDetails,
    responses((status = 201, body = CaseView, description = "The case.",
        headers(("Location" = String, description = "Where it is."), ("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[post("/v1/cases")]
pub async fn open_case(once: Once<WriteCases, CaseDetails>, app: Data<App>) -> Result<HttpResponse, Problem> {
    once.answer(&app, |work, details| {
        let view = CaseView::try_from(open(work, &details)?)?;
        created(format!("/v1/cases/{}", view.id), view.version, &view)
    })
    .await
}

/// List cases
///
/// In the order in which they were opened here; with `updated_since`, in the order of their last changes.
#[utoipa::path(
    tag = "cases",
    params(CaseQuery, PageQuery),
    responses((status = 200, body = Page<CaseSummary>, description = "A page of cases.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last, and with `external_ref`, which no link repeats."))))
)]
#[get("/v1/cases")]
pub async fn list_cases(
    principal: Allowed<ReadCases>,
    query: QueryString<CaseQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (principal, query, page) = (principal.into_principal(), query.0, page.0);
    if query.external_ref.is_some() && !principal.sees_identifiers() {
        return Err(forbidden(&request, principal, BY_IDENTIFIER));
    }
    let external_ref = match query.external_ref.as_deref().map(|text| text.split_once(':')) {
        Some(Some((system, id))) => Some((system.to_owned(), id.to_owned())),
        Some(None) | None => None,
    };
    let is_by_update = query.updated_since.is_some();
    let after = if is_by_update {
        let after = page.after_instant()?;
        after.map_or(CasesAfter::Start, |(at, id)| CasesAfter::Update(at, id))
    } else {
        page.after_id()?.map_or(CasesAfter::Start, CasesAfter::Id)
    };
    let filter = CaseFilter {
        caseworker: query.caseworker,
        state: query.state,
        flag: query.flag,
        external_ref,
        updated_since: query.updated_since,
        after,
        limit: page.rows(),
        ..CaseFilter::default()
    };
    let listed = app
        .read(principal, origin_of(&request), move |work| list(work, filter))
        .await?;
    let views = listed.into_iter().map(CaseSummary::from).collect();
    Ok(page.answer(&request, views, |view: &CaseSummary| {
        if is_by_update {
            instant_cursor(view.updated_at, &view.id)
        } else {
            view.id.clone()
        }
    }))
}

/// Search cases
///
/// By what may not stand in a URL. Whoever does not see identifiers searches by name alone.
#[utoipa::path(
    tag = "cases",
    params(PageQuery),
    request_body = CaseSearchInput,
    responses((status = 200, body = Page<CaseSummary>, description = "A page of the cases found."))
)]
#[post("/v1/cases/search")]
pub async fn search_cases(
    principal: Allowed<ReadCases>,
    page: QueryString<PageQuery>,
    body: Body<CaseSearchInput>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (principal, page, input) = (principal.into_principal(), page.0, body.value);
    if input.name.is_none() && !principal.sees_identifiers() {
        return Err(forbidden(&request, principal, BY_IDENTIFIER));
    }
    let wanted = match (input.name, input.upn, input.nhs_number, input.uln) {
        (Some(name), ..) => CaseSearch::Name(folded(&name).split_whitespace().map(str::to_owned).collect()),
        (_, Some(upn), ..) => CaseSearch::Upn(upn),
        (.., Some(nhs_number), _) => CaseSearch::NhsNumber(nhs_number),
        (.., Some(uln)) => CaseSearch::Uln(uln),
        (None, None, None, None) => return Err(Problem::new(Code::InvalidContent)),
    };
    let (after, rows) = (page.after_id()?, page.rows());
    let listed = app
        .read(principal, origin_of(&request), move |work| {
            search(work, &wanted, after, rows)
        })
        .await?;
    let views = listed.into_iter().map(CaseSummary::from).collect();
    Ok(page.answer(&request, views, |view: &CaseSummary| view.id.clone()))
}

/// Get a case
///
/// With its procedures, live clocks and flags as of today.
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case.")),
    responses((status = 200, body = CaseView, description = "The case.",
        headers(("ETag" = String, description = "Its version."))))
)]
#[get("/v1/cases/{id}")]
pub async fn get_case(
    principal: Allowed<ReadCases>,
    id: Path<PathId>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    let view = app
        .read_few(principal.into_principal(), origin_of(&request), move |work| {
            CaseView::try_from(get(work, id)?)
        })
        .await?;
    shown(view.version, &view)
}

/// Change a case
///
/// A merge patch: fields given replace, null removes. Where age, year group or needs change, what advice is
/// required is judged again.
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), IfMatch),
    request_body = CasePatch,
    responses((status = 200, body = CaseView, description = "The case.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["duplicate"])))
)]
#[patch("/v1/cases/{id}")]
pub async fn change_case(
    principal: Allowed<WriteCases>,
    id: Path<PathId>,
    version: IfMatch,
    body: Body<CasePatch>,
    app: Data<App>,
    contract: Data<Contract>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, patch) = (id.into_inner().0, body.value.members);
    let view = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            let reading = change(work, id, version.0, |details| {
                patched(&contract, &details, &patch)
            })?;
            CaseView::try_from(reading)
        })
        .await?;
    shown(view.version, &view)
}

/// Close a case
///
/// Ends every open procedure and clock with it.
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), IdempotencyKey),
    request_body = ClosureInput,
    responses((status = 201, body = CaseView, description = "The closed case.",
        headers(("ETag" = String, description = "Its version.")))),
    extensions(("x-problems" = json!(["case_closed", "event_not_permitted"])))
)]
#[post("/v1/cases/{id}/closure")]
pub async fn close_case(
    once: Once<WriteCases, ClosureInput>,
    id: Path<PathId>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner().0;
    once.answer(&app, move |work, ClosureInput { reason, occurred_on }| {
        let view = CaseView::try_from(close(work, id, reason, occurred_on)?)?;
        acted(201, view.version, &view)
    })
    .await
}
