//! The calculator: what events amount to, storing nothing.

use chrono::NaiveDate;
use uuid::Uuid;

use super::settings::Settings;
use super::{Error, Fault};
use crate::casework::advice::AdviceFact;
use crate::casework::event::{Event, Fact, LegalDates};
use crate::casework::procedure::{EventType, OwnFact, ProcedureKind};
use crate::casework::timeline::{Refusal, Setting, Timeline, fold, sort_events};
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;

/// An event as somebody gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenEvent {
    pub occurred_on: NaiveDate,
    pub dates: LegalDates,
    pub note: Option<String>,
    pub fact: GivenFact,
}

/// A fact as somebody gives it. Advice is named by what it is about, since the calculator and
/// corrections know of no request ids.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenFact {
    /// Something that only its own procedure has.
    Own(OwnFact),
    AdviceRequested {
        requirement: Requirement,
        service: Option<String>,
    },
    AdviceSubmitted {
        requirement: Requirement,
        service: Option<String>,
    },
}

/// A question to the calculator.
#[derive(Debug, Clone)]
pub struct TimelineQuestion {
    pub procedure: &'static ProcedureKind,
    pub events: Vec<GivenEvent>,
    pub as_of: NaiveDate,
    pub readings: Readings,
}

/// An event of the question that cannot stand.
#[derive(Debug, Clone)]
pub struct ImpossibleEvent {
    pub index: usize,
    pub refusal: Refusal,
    /// What could stand in the state it met.
    pub permitted: Vec<EventType>,
}

/// The answer, or the event that makes the sequence impossible.
///
/// Events after `as_of` do not count. The question must hold at least one that does.
pub fn compute_timeline(question: &TimelineQuestion) -> Result<Result<Timeline, ImpossibleEvent>, Error> {
    let mut events: Vec<Event> = question
        .events
        .iter()
        .enumerate()
        .filter(|(_, given)| given.occurred_on <= question.as_of)
        .map(|(index, given)| event_of(index, given))
        .collect();
    sort_events(&mut events);
    let setting = Setting {
        procedure_id: Uuid::nil(),
        readings: &question.readings,
        child: None,
    };
    match fold(question.procedure, &events, setting) {
        Ok(Some(timeline)) => Ok(Ok(timeline)),
        Ok(None) => Err(Error::Invalid(vec![Fault::new(
            "/as_of",
            "before_opening",
            "must not be before the first event",
        )])),
        Err(refusal) => {
            let index = events
                .iter()
                .find(|event| event.id == refusal.event_id)
                .map_or(0, |event| event.sequence.unsigned_abs() as usize);
            Ok(Err(ImpossibleEvent {
                index,
                permitted: question.procedure.permitted_types(refusal.state),
                refusal,
            }))
        }
    }
}

/// The warning time the calculator uses: the default of every authority.
pub fn default_due_soon_days() -> u32 {
    Settings::default().due_soon_days
}

fn event_of(index: usize, given: &GivenEvent) -> Event {
    let id = Uuid::new_v5(&Uuid::nil(), format!("event {index}").as_bytes());
    let request_id = |requirement: Requirement, service: &Option<String>| {
        let name = format!(
            "advice {}:{}",
            requirement.name(),
            service.as_deref().unwrap_or_default()
        );
        Uuid::new_v5(&Uuid::nil(), name.as_bytes())
    };
    let fact = match &given.fact {
        GivenFact::Own(fact) => Fact::Own(fact.clone()),
        GivenFact::AdviceRequested { requirement, service } => Fact::Advice(AdviceFact::AdviceRequested {
            request_id: request_id(*requirement, service),
            requirement: *requirement,
            service: service.clone(),
            organisation_id: None,
            bearer: requirement.usual_bearer(),
            force: requirement.usual_force(),
        }),
        GivenFact::AdviceSubmitted { requirement, service } => Fact::Advice(AdviceFact::AdviceSubmitted {
            request_id: request_id(*requirement, service),
        }),
    };
    Event {
        id,
        root_id: id,
        sequence: index as i64,
        occurred_on: given.occurred_on,
        dates: given.dates,
        fact,
        fresh: true,
    }
}
