//! The story of a case, for its family and for those who keep it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::acting::origin_of;
use super::dates;
use super::extractor::{Allowed, PathId, QueryString};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::auth::ReadTimeline;
use crate::casework::moves::MoveCause;
use crate::casework::procedure::EventType;
use crate::casework::telling::{Told, What};
use crate::service::case_timeline::get_case_timeline as get;
use crate::service::{App, Error};
use crate::statute::clock::ClockStatus;
use crate::statute::rulebook::{ClockKind, Party, Provision};
use crate::store::convert;
use crate::store::procedure::ProcedureRow;

/// What an item of the story tells.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineItemKind {
    /// Something happened.
    Event,
    /// Something is or was owed by a day.
    TimeLimit,
    /// A last day that had been shown became another one.
    DateMoved,
}

/// Something of the story of a case. What does not belong to its kind is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseTimelineItem {
    /// Where it stands in the story: the day it happened or was done, the last day of what is still owed, or the day
    /// on which a move became known.
    #[schema(example = "2026-02-16")]
    #[serde(serialize_with = "dates::day")]
    pub on: NaiveDate,
    pub what: TimelineItemKind,
    /// The same in plain words.
    #[schema(example = "A parent asked for an assessment on 5 January 2026.")]
    pub sentence: String,
    pub procedure_id: Uuid,
    /// The event that happened, or the event or correction that moved a last day.
    pub event_id: Option<Uuid>,
    /// The type of what happened.
    #[serde(rename = "type")]
    pub event_type: Option<EventType>,
    /// The clock of a time limit, or the one whose last day moved.
    pub clock_id: Option<Uuid>,
    pub kind: Option<ClockKind>,
    /// Whose duty a time limit is.
    pub bearer: Option<Party>,
    /// How a time limit stands.
    pub status: Option<ClockStatus>,
    /// The last day of a time limit.
    #[serde(serialize_with = "dates::optional_day")]
    pub due_on: Option<NaiveDate>,
    /// The last day before it moved; null if it had fallen away.
    pub from_on: Option<NaiveDate>,
    /// The last day after it moved; null if it fell away.
    #[serde(serialize_with = "dates::optional_day")]
    pub to_on: Option<NaiveDate>,
    /// The clock in whose place the one that moved runs, where that was another one.
    pub instead_of: Option<Uuid>,
    /// What made it move.
    pub cause: Option<MoveCause>,
    /// Where the time limit comes from.
    pub citation: Option<Provision>,
}

/// A procedure in the story of its case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseTimelineProcedure {
    pub id: Uuid,
    /// Which kind it is: `assessment`, `review`, …
    #[schema(example = "assessment")]
    pub procedure: String,
    #[schema(example = "drafting")]
    pub state: String,
    #[serde(serialize_with = "dates::day")]
    pub opened_on: NaiveDate,
}

/// The story of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseTimelineView {
    pub case_id: Uuid,
    #[schema(example = "EHC-7KQ2-M4XD")]
    pub reference: String,
    /// The day it is told on.
    #[serde(serialize_with = "dates::day")]
    pub as_of: NaiveDate,
    /// Its procedures, in the order in which they were opened; on every page.
    pub procedures: Vec<CaseTimelineProcedure>,
    /// In the order of days.
    pub items: Vec<CaseTimelineItem>,
    /// Gives the next page as `cursor`; null on the last.
    pub next_cursor: Option<String>,
}

impl CaseTimelineItem {
    fn of(procedure_id: Uuid, told: Told) -> CaseTimelineItem {
        let Told { on, sentence, what } = told;
        let bare = CaseTimelineItem {
            on,
            what: TimelineItemKind::Event,
            sentence,
            procedure_id,
            event_id: None,
            event_type: None,
            clock_id: None,
            kind: None,
            bearer: None,
            status: None,
            due_on: None,
            from_on: None,
            to_on: None,
            instead_of: None,
            cause: None,
            citation: None,
        };
        match what {
            What::Event { event_id, event_type } => CaseTimelineItem {
                event_id: Some(event_id),
                event_type: Some(event_type),
                ..bare
            },
            What::TimeLimit {
                clock_id,
                kind,
                bearer,
                status,
                due_on,
                provision,
            } => CaseTimelineItem {
                what: TimelineItemKind::TimeLimit,
                clock_id: Some(clock_id),
                kind: Some(kind),
                bearer: Some(bearer),
                status: Some(status),
                due_on: Some(due_on),
                citation: Some(provision),
                ..bare
            },
            What::DateMoved(moved) => CaseTimelineItem {
                what: TimelineItemKind::DateMoved,
                event_id: moved.event_id,
                clock_id: Some(moved.clock_id),
                kind: Some(moved.rule.kind),
                from_on: moved.shift.from_on(),
                to_on: moved.shift.to_on(),
                instead_of: moved.instead_of,
                cause: Some(moved.cause),
                citation: Some(moved.rule.provision),
                ..bare
            },
        }
    }
}

impl TryFrom<ProcedureRow> for CaseTimelineProcedure {
    type Error = Error;

    fn try_from(row: ProcedureRow) -> Result<CaseTimelineProcedure, Error> {
        Ok(CaseTimelineProcedure {
            id: convert::id(&row.id)?,
            procedure: row.kind,
            state: row.state,
            opened_on: row.opened_on,
        })
    }
}

/// Get the story of a case
///
/// What happened, who owes what by when, and which last days moved and why, across all procedures of the case, in
/// plain words. Here a family finds the ids of its procedures. It is not told of what is the authority's own: claims of
/// exceptions, what passes between the authority and those who give advice, drafts, consultations received. The story
/// is the present one: what was corrected is told as it is known now, and the days that it moved are told beside it.
/// Pages follow each other by their place in it.
#[utoipa::path(
    tag = "cases",
    params(("id" = Uuid, Path, description = "The case."), PageQuery),
    responses((status = 200, body = CaseTimelineView, description = "A page of the story.",
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`; absent on the last."))))
)]
#[get("/v1/cases/{id}/timeline")]
pub async fn get_case_timeline(
    principal: Allowed<ReadTimeline>,
    id: Path<PathId>,
    page: QueryString<PageQuery>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (case_id, page) = (id.into_inner().0, page.0);
    let after = page.after_sequence()?;
    let timeline = app
        .read(principal.into_principal(), origin_of(&request), move |work| {
            get(work, case_id)
        })
        .await?;
    let told = timeline.told.into_iter();
    let shown = told
        .skip(usize::try_from(after).unwrap_or(usize::MAX))
        .take(usize::try_from(page.rows()).unwrap_or(usize::MAX));
    let items = shown.map(|(procedure_id, told)| CaseTimelineItem::of(procedure_id, told));
    let procedures = timeline.procedures.into_iter();
    let procedures = procedures
        .map(CaseTimelineProcedure::try_from)
        .collect::<Result<_, _>>()?;
    let next = after.saturating_add(page.limit());
    let body = |Page { items, next_cursor }| CaseTimelineView {
        case_id,
        reference: timeline.case.reference,
        as_of: timeline.as_of,
        procedures,
        items,
        next_cursor,
    };
    Ok(page.answer_as(
        &request,
        items.collect(),
        |_: &CaseTimelineItem| next.to_string(),
        body,
    ))
}
