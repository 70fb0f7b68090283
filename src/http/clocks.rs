//! Clocks: how every resource shows them, and the worklist of the whole authority.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use super::acting::origin_of;
use super::dates;
use super::extractor::{Allowed, QueryString, forbidden};
use super::page::{Page, PageQuery, due_cursor};
use super::problem::{Code, Problem};
use crate::auth::ReadClocks;
use crate::casework::PROCEDURES;
use crate::casework::procedure::{ProcedureKind, names_schema};
use crate::service::App;
use crate::service::clock::{ClockItem, Include, list_clocks as list, reads_of_advice_alone};
use crate::statute::calendar::last_working_day_on_or_before;
use crate::statute::clock::{Clock, ClockStatus, Standing, standing};
use crate::statute::exception::TestedClaim;
use crate::statute::explanation::explain;
use crate::statute::rulebook::{Bound, ClockKind, Force, Ground, Party, Provision, Rule};
use crate::store::case::CaseSummaryRow;
use crate::store::clock::ClockFilter;

/// A claimed exception as one clock sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionView {
    /// The event that claimed it.
    pub event_id: Uuid,
    /// The ground relied on.
    pub ground: Ground,
    /// The day it was claimed.
    #[serde(serialize_with = "dates::day")]
    pub claimed_on: NaiveDate,
    /// The first day of the circumstances.
    pub from: NaiveDate,
    /// The last day of the circumstances.
    #[serde(serialize_with = "dates::day")]
    pub to: NaiveDate,
    /// Whether it excuses lateness on this clock.
    pub qualifies: bool,
    /// Every reason why it does not.
    pub why_not: Vec<String>,
    /// Where the law lists the ground for this limit, if it does.
    pub provision: Option<Provision>,
}

/// One statutory or guidance time limit, read on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// The same for ever, through corrections.
    pub id: Uuid,
    pub kind: ClockKind,
    /// What has to be done.
    #[schema(example = "Tell the family whether an assessment will be made")]
    pub title: &'static str,
    /// Whose duty it is.
    pub bearer: Party,
    /// Whether it binds in law.
    pub force: Force,
    /// Whether the act is due by the date, or only allowed after it.
    pub bound: Bound,
    /// The day the period is counted from.
    #[schema(example = "2026-01-05")]
    #[serde(serialize_with = "dates::day")]
    pub started_on: NaiveDate,
    /// The last day in time; for a window, its last day.
    #[schema(example = "2026-02-16")]
    #[serde(serialize_with = "dates::day")]
    pub due_on: NaiveDate,
    /// The last day if the day of receipt counts as day one. Alerts are driven off it.
    #[schema(example = "2026-02-15")]
    #[serde(serialize_with = "dates::day")]
    pub day_one_due_on: NaiveDate,
    /// The due date, or the nearest working day before it.
    #[schema(example = "2026-02-16")]
    #[serde(serialize_with = "dates::day")]
    pub last_working_day: NaiveDate,
    /// The day it was done.
    #[serde(serialize_with = "dates::optional_day")]
    pub satisfied_on: Option<NaiveDate>,
    /// The day it stopped being owed.
    #[serde(serialize_with = "dates::optional_day")]
    pub cancelled_on: Option<NaiveDate>,
    pub status: ClockStatus,
    /// Days to the due date, negative once it has passed; null once the clock has stopped.
    pub days_remaining: Option<i64>,
    /// Days past the due date; nought while it is kept or may still be.
    pub days_late: i64,
    /// Whether a claimed exception qualifies. It moves no date.
    pub excused: bool,
    /// The exceptions claimed; not for families. On lists only with `include=explanation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exceptions: Option<Vec<ExceptionView>>,
    pub provision: Provision,
    /// Why it reads as it does. On lists only with `include=explanation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explanation: Option<Vec<String>>,
    /// Null in the calculator.
    pub case_id: Option<Uuid>,
    /// Null in the calculator.
    pub procedure_id: Option<Uuid>,
    /// The advice request it belongs to, if it does.
    pub advice_request_id: Option<Uuid>,
    /// Who it is about, on lists with `include=case`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub case: Option<CaseOnClock>,
}

/// Who a clock is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseOnClock {
    pub id: String,
    pub reference: String,
    pub given_name: String,
    pub family_name: String,
    #[serde(serialize_with = "dates::day")]
    pub date_of_birth: NaiveDate,
    pub caseworker: Option<String>,
}

impl From<CaseSummaryRow> for CaseOnClock {
    fn from(row: CaseSummaryRow) -> CaseOnClock {
        let CaseSummaryRow {
            id,
            reference,
            given_name,
            family_name,
            date_of_birth,
            caseworker,
            ..
        } = row;
        CaseOnClock {
            id,
            reference,
            given_name,
            family_name,
            date_of_birth,
            caseworker,
        }
    }
}

/// What a clock belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClockPlace {
    pub case_id: Option<Uuid>,
    pub procedure_id: Option<Uuid>,
}

impl ClockView {
    /// Shows a clock of the engine on a day, explained; none if it is not there on that day.
    pub fn explained(clock: &Clock, as_of: NaiveDate, place: ClockPlace) -> Option<ClockView> {
        let segment = clock.segment_on(as_of)?;
        let is_made = |tested: &&TestedClaim| tested.claim.occurred_on <= as_of;
        let exceptions = clock
            .claims
            .iter()
            .filter(is_made)
            .map(|tested| exception_view(tested, clock.rule));
        let advice_request_id = clock.subject.filter(|_| clock.rule.kind == ClockKind::Advice);
        let shown = Shown {
            id: clock.id,
            started_on: clock.started_on,
            due_on: clock.due_on,
            day_one_due_on: clock.day_one_due_on,
            bearer: segment.bearer,
            force: segment.force,
            standing: clock.standing_on(as_of)?,
            advice_request_id,
        };
        Some(ClockView {
            exceptions: Some(exceptions.collect()),
            explanation: Some(explain(clock, as_of)),
            ..ClockView::bare(clock.rule, shown, place)
        })
    }

    /// The same for a family, which is not told what is claimed: whether an exception excuses, it is.
    pub fn told(clock: &Clock, as_of: NaiveDate, place: ClockPlace) -> Option<ClockView> {
        let mut unclaimed = clock.clone();
        unclaimed.claims.clear();
        Some(ClockView {
            exceptions: None,
            ..ClockView::explained(&unclaimed, as_of, place)?
        })
    }

    fn bare(rule: &Rule, shown: Shown, place: ClockPlace) -> ClockView {
        let Standing {
            status,
            satisfied_on,
            cancelled_on,
            days_remaining,
            days_late,
            excused,
        } = shown.standing;
        ClockView {
            id: shown.id,
            kind: rule.kind,
            title: rule.title,
            bearer: shown.bearer,
            force: shown.force,
            bound: rule.bound,
            started_on: shown.started_on,
            due_on: shown.due_on,
            day_one_due_on: shown.day_one_due_on,
            last_working_day: last_working_day_on_or_before(shown.due_on),
            satisfied_on,
            cancelled_on,
            status,
            days_remaining,
            days_late,
            excused,
            exceptions: None,
            provision: rule.provision,
            explanation: None,
            case_id: place.case_id,
            procedure_id: place.procedure_id,
            advice_request_id: shown.advice_request_id,
            case: None,
        }
    }
}

struct Shown {
    id: Uuid,
    started_on: NaiveDate,
    due_on: NaiveDate,
    day_one_due_on: NaiveDate,
    bearer: Party,
    force: Force,
    standing: Standing,
    advice_request_id: Option<Uuid>,
}

fn exception_view(tested: &TestedClaim, rule: &Rule) -> ExceptionView {
    let claim = &tested.claim;
    ExceptionView {
        event_id: claim.event_id,
        ground: claim.ground,
        claimed_on: claim.occurred_on,
        from: claim.from_on,
        to: claim.to_on,
        qualifies: tested.why_not.is_empty(),
        why_not: tested.why_not.clone(),
        provision: rule.permits(claim.ground).map(|permitted| permitted.provision),
    }
}

/// What a list of clocks can show beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockInclude {
    Case,
    Explanation,
}

/// The name of a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcedureName(pub &'static ProcedureKind);

impl<'de> Deserialize<'de> for ProcedureName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProcedureName, D::Error> {
        let name = String::deserialize(deserializer)?;
        let kind = ProcedureKind::named(&name);
        kind.map(ProcedureName)
            .ok_or_else(|| D::Error::custom("no procedure has this name"))
    }
}

impl PartialSchema for ProcedureName {
    fn schema() -> RefOr<Schema> {
        names_schema("Which procedures.", PROCEDURES.map(|kind| kind.name))
    }
}

impl ToSchema for ProcedureName {}

/// Which clocks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClockQuery {
    /// Only clocks that read so on `as_of`.
    #[param(inline)]
    status: Option<ClockStatus>,
    /// Only clocks of this kind.
    #[param(inline)]
    kind: Option<ClockKind>,
    /// Only clocks of this bearer.
    #[param(inline)]
    bearer: Option<Party>,
    /// Only clocks of this kind of procedure.
    #[param(inline)]
    procedure: Option<ProcedureName>,
    /// Only clocks on cases this officer keeps.
    #[param(max_length = 200)]
    caseworker: Option<String>,
    /// Only clocks of this case.
    case_id: Option<Uuid>,
    /// Only clocks due on or before this day.
    due_before: Option<NaiveDate>,
    /// The day to read the clocks on; today in London if left out.
    as_of: Option<NaiveDate>,
    /// Not supported on lists, which know only what is known now.
    #[param(max_length = 40)]
    known_at: Option<String>,
    /// What to show beside each clock.
    #[param(explode = false, inline, max_items = 10)]
    include: Option<Vec<ClockInclude>>,
}

/// List clocks
///
/// The worklist: what is due when, whose move it is and, with `include=case`, who it is about. Ordered
/// by due date and id. Contributors see the clocks of their organisation's requests, families those of
/// what they are told of, and a system of the authority without `case:read` those of advice, without whom they are
/// about.
#[utoipa::path(
    tag = "clocks",
    params(ClockQuery, PageQuery),
    responses((status = 200, body = Page<ClockView>, description = "A page of clocks.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last.")))),
    extensions(("x-problems" = json!(["known_at_not_supported"])))
)]
#[get("/v1/clocks")]
pub async fn list_clocks(
    principal: Allowed<ReadClocks>,
    query: QueryString<ClockQuery>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (QueryString(query), QueryString(page)) = (query, page);
    if query.known_at.is_some() {
        return Err(Problem::new(Code::KnownAtNotSupported));
    }
    let included = query.include.unwrap_or_default();
    let include = Include {
        case: included.contains(&ClockInclude::Case),
        explanation: included.contains(&ClockInclude::Explanation),
    };
    let principal = principal.into_principal();
    if include.case && reads_of_advice_alone(&principal) {
        let detail = "To show whom a clock is about takes the scope case:read.";
        return Err(forbidden(&request, principal, detail));
    }
    let as_of = query.as_of.unwrap_or_else(|| app.clock.today());
    let filter = ClockFilter {
        status: query.status,
        kind: query.kind,
        bearer: query.bearer,
        procedure: query.procedure.map(|ProcedureName(kind)| kind.name),
        caseworker: query.caseworker,
        case_id: query.case_id,
        procedure_ids: None,
        due_before: query.due_before,
        as_of,
        after: page.after_due()?,
        limit: page.rows(),
    };
    let items = app
        .read(principal, origin_of(&request), move |work| {
            list(work, filter, include)
        })
        .await?;
    let views = items
        .into_iter()
        .filter_map(|item| item_view(item, as_of))
        .collect();
    Ok(page.answer(&request, views, |view: &ClockView| {
        due_cursor(view.due_on, view.id)
    }))
}

fn item_view(item: ClockItem, as_of: NaiveDate) -> Option<ClockView> {
    let listed = item.listed;
    let place = ClockPlace {
        case_id: Some(listed.case_id),
        procedure_id: Some(listed.procedure_id),
    };
    let view = match &item.clock {
        Some(clock) if item.is_for_family => ClockView::told(clock, as_of, place)?,
        Some(clock) => ClockView::explained(clock, as_of, place)?,
        None => {
            let shown = Shown {
                id: listed.id,
                started_on: listed.started_on,
                due_on: listed.due_on,
                day_one_due_on: listed.day_one_due_on,
                bearer: listed.segment.bearer,
                force: listed.segment.force,
                standing: standing(listed.rule.bound, listed.due_on, &listed.segment, as_of),
                advice_request_id: listed.advice_request_id,
            };
            ClockView::bare(listed.rule, shown, place)
        }
    };
    Some(ClockView {
        case: item.case.map(CaseOnClock::from),
        ..view
    })
}
