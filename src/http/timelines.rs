//! The calculator: what given events amount to, storing nothing and knowing nobody.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::clocks::{ClockPlace, ClockView, ProcedureName};
use super::dates;
use super::event_input::{TimelineEventInput, check_event, check_type};
use super::extractor::{Body, RequestBody};
use super::problem::{Code, Fault, Problem};
use super::procedures::{FlagView, PermittedEvent, permitted_events};
use super::refusal::in_sentences;
use crate::casework::procedure::{ProcedureKind, State};
use crate::service::App;
use crate::service::timeline::{TimelineQuestion, compute_timeline as compute, default_due_soon_days};
use crate::statute::reading::Readings;

/// A question to the calculator.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TimelineInput {
    /// The procedure.
    procedure: ProcedureName,
    /// What happened, in any order.
    #[schema(min_items = 1, max_items = 500)]
    events: Vec<TimelineEventInput>,
    /// The day to read the answer on; today in London if left out. Later events do not count.
    #[schema(example = "2026-02-20")]
    as_of: Option<NaiveDate>,
    /// How the law is read; the defaults if left out.
    readings: Option<Readings>,
}

impl RequestBody for TimelineInput {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        let kind = value["procedure"].as_str().and_then(ProcedureKind::named);
        for (index, event) in value["events"].as_array().into_iter().flatten().enumerate() {
            let pointer = format!("/events/{index}");
            if let Some(kind) = kind {
                check_type(kind, event, &pointer, faults);
            }
            check_event(event, &pointer, faults);
        }
    }
}

/// What the events amount to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineView {
    pub state: State,
    /// The day it is read on.
    #[serde(serialize_with = "dates::day")]
    pub as_of: NaiveDate,
    /// By due date.
    pub clocks: Vec<ClockView>,
    pub flags: Vec<FlagView>,
    /// What may happen next.
    pub permitted_events: Vec<PermittedEvent>,
}

/// Compute a timeline
///
/// The same function that stored procedures use, on events you give. It takes no token and stores
/// nothing. An impossible sequence is answered with the event that cannot stand.
#[utoipa::path(
    tag = "timelines",
    request_body = TimelineInput,
    responses((status = 200, body = TimelineView, description = "State, clocks, flags and permitted events.")),
    extensions(("x-problems" = json!(["impossible_sequence"])))
)]
#[post("/v1/timelines")]
pub async fn compute_timeline(body: Body<TimelineInput>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let TimelineInput {
        procedure: ProcedureName(kind),
        events,
        as_of,
        readings,
    } = body.value;
    let as_of = as_of.unwrap_or_else(|| app.clock.today());
    let question = TimelineQuestion {
        procedure: kind,
        events: events
            .into_iter()
            .map(|event| event.given(kind))
            .collect::<Result<_, _>>()?,
        as_of,
        readings: readings.unwrap_or_default(),
    };
    match compute(&question)? {
        Ok(timeline) => Ok(HttpResponse::Ok().json(TimelineView {
            state: timeline.state,
            as_of,
            clocks: timeline
                .clocks
                .iter()
                .filter_map(|clock| ClockView::explained(clock, as_of, ClockPlace::default()))
                .collect(),
            flags: timeline
                .flags_on(as_of, default_due_soon_days())
                .iter()
                .map(FlagView::from)
                .collect(),
            permitted_events: permitted_events(kind.permitted_types(Some(timeline.state))),
        })),
        Err(impossible) => {
            let detail = in_sentences(&impossible.refusal);
            let fault = Fault::new(
                format!("/events/{}", impossible.index),
                Code::EventNotPermitted.name(),
                detail.clone(),
            );
            Err(Problem::new(Code::ImpossibleSequence)
                .with_detail(detail)
                .with_faults(vec![fault])
                .with_member("state", json!(impossible.refusal.state))
                .with_member("permitted_events", json!(permitted_events(impossible.permitted))))
        }
    }
}
