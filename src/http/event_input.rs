//! Events as clients send them: the fields every event has, beside the fact of its type.
//!
//! The facts are the vocabulary of `casework`; here they are put together into the unions that each
//! operation takes, for the document and for reading alike.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOf, OneOfBuilder, Type};
use utoipa::openapi::{Discriminator, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::extractor::RequestBody;
use super::problem::{Fault, Problem};
use crate::casework::PROCEDURES;
use crate::casework::assessment::AssessmentFact;
use crate::casework::consultation::ConsultationFact;
use crate::casework::event::LegalDates;
use crate::casework::plan::PlanFact;
use crate::casework::plan_sections::references::names_one_setting;
use crate::casework::procedure::{EventType, OwnFact, ProcedureFact, ProcedureKind};
use crate::casework::review::ReviewFact;
use crate::service::procedure::{GivenCorrection, NewEvent};
use crate::service::timeline::{GivenEvent, GivenFact};
use crate::statute::requirement::Requirement;

/// What every event has beside the fact of its type.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EventFields {
    /// The day of the act. For a correction, the day it was made; nothing is counted by it.
    #[schema(example = "2026-02-12")]
    occurred_on: NaiveDate,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
    /// The day it was decided, if not the day of the act.
    decided_on: Option<NaiveDate>,
    /// The day it was sent, if not the day of the act.
    sent_on: Option<NaiveDate>,
    /// The day it was served, if not the day of the act. It may lie ahead.
    served_on: Option<NaiveDate>,
    /// The day it was received, if not the day of the act.
    received_on: Option<NaiveDate>,
}

impl EventFields {
    fn given(self, fact: GivenFact) -> GivenEvent {
        GivenEvent {
            occurred_on: self.occurred_on,
            dates: LegalDates {
                decided_on: self.decided_on,
                sent_on: self.sent_on,
                served_on: self.served_on,
                received_on: self.received_on,
            },
            note: self.note,
            fact,
        }
    }
}

/// An event that opens a procedure whose time runs from the day of the act and no other.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OpeningEventInput<O: ToSchema> {
    /// The day of the act. Time runs from it.
    #[schema(example = "2025-03-10")]
    occurred_on: NaiveDate,
    /// Anything worth noting.
    #[schema(max_length = 10_000)]
    note: Option<String>,
    #[serde(flatten)]
    fact: O,
}

impl<O: ToSchema + Into<OwnFact>> From<OpeningEventInput<O>> for GivenEvent {
    fn from(input: OpeningEventInput<O>) -> GivenEvent {
        GivenEvent {
            occurred_on: input.occurred_on,
            dates: LegalDates::default(),
            note: input.note,
            fact: GivenFact::Own(input.fact.into()),
        }
    }
}

/// An event to be recorded on a procedure, or a correction of recorded ones.
#[derive(Debug, Deserialize)]
pub struct EventInput<F: ToSchema> {
    #[serde(flatten)]
    fact: RecordableFact<F>,
    #[serde(flatten)]
    fields: EventFields,
}

/// An event that takes the place of a recorded one.
#[derive(Debug, Deserialize)]
struct ReplacementInput<F> {
    #[serde(flatten)]
    fact: ReplacementFact<F>,
    #[serde(flatten)]
    fields: EventFields,
}

pub type AssessmentEventInput = EventInput<AssessmentFact>;
pub type ReviewEventInput = EventInput<ReviewFact>;
pub type PlanEventInput = EventInput<PlanFact>;
pub type ConsultationEventInput = EventInput<ConsultationFact>;

/// An event of the calculator; which types there are follows from the procedure.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TimelineEventInput {
    #[serde(flatten)]
    fact: TimelineFact,
    #[serde(flatten)]
    fields: EventFields,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RecordableFact<F: ToSchema> {
    Correction(CorrectionFact<F>),
    Own(F),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ReplacementFact<F> {
    Advice(AdviceFactInput),
    Own(F),
}

/// The type of an event and its fields: what they mean, the procedure knows.
#[derive(Debug, Deserialize)]
struct TimelineFact(Map<String, Value>);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CorrectionFact<F: ToSchema> {
    /// Recorded events were wrong. All changes are judged together.
    Correction(CorrectionInput<F>),
}

/// Which recorded events are superseded, and by what.
#[derive(Debug, Deserialize, ToSchema)]
struct CorrectionInput<F: ToSchema> {
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// The changes.
    #[schema(min_items = 1, max_items = 100)]
    changes: Vec<ChangeInput<F>>,
}

/// One recorded event superseded.
#[derive(Debug, Deserialize, ToSchema)]
struct ChangeInput<F: ToSchema> {
    /// The event; it must be effective.
    supersedes: Uuid,
    /// What happened instead; null voids the event and never revives another.
    #[schema(schema_with = replacement_or_null::<F>)]
    replacement: Option<ReplacementInput<F>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum AdviceFactInput {
    /// Advice was asked for. In a correction it keeps the request it replaces.
    AdviceRequested(AdviceRequestedInput),
    /// The first complete advice came in. In a correction it keeps the submission it replaces.
    AdviceSubmitted(AdviceSubmittedInput),
}

/// A request for advice; `received_on` starts its clock.
#[derive(Debug, Deserialize, ToSchema)]
struct AdviceRequestedInput {
    /// The paragraph of reg 6 it answers.
    requirement: Requirement,
    /// The service asked.
    #[schema(min_length = 1, max_length = 100)]
    service: Option<String>,
}

/// Advice that came in.
#[derive(Debug, Deserialize, ToSchema)]
struct AdviceSubmittedInput {
    /// The paragraph of reg 6 it answers.
    requirement: Requirement,
    /// The service that was asked.
    #[schema(min_length = 1, max_length = 100)]
    service: Option<String>,
}

impl<F: ToSchema> PartialSchema for EventInput<F> {
    fn schema() -> RefOr<Schema> {
        with_fields(
            union([CorrectionFact::<F>::schema(), F::schema()]),
            "An event to be recorded, or a correction of recorded ones.",
        )
    }
}

impl<F: ToSchema> ToSchema for EventInput<F> {
    fn name() -> Cow<'static, str> {
        named_after::<F>("EventInput")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CorrectionFact::<F>::schemas(schemas);
        F::schemas(schemas);
        schemas.push((
            ReplacementInput::<F>::name().into_owned(),
            ReplacementInput::<F>::schema(),
        ));
        ReplacementInput::<F>::schemas(schemas);
    }
}

impl<F: ToSchema> PartialSchema for ReplacementInput<F> {
    fn schema() -> RefOr<Schema> {
        with_fields(
            union([AdviceFactInput::schema(), F::schema()]),
            "An event that takes the place of a recorded one.",
        )
    }
}

impl<F: ToSchema> ToSchema for ReplacementInput<F> {
    fn name() -> Cow<'static, str> {
        named_after::<F>("ReplacementInput")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AdviceFactInput::schemas(schemas);
        F::schemas(schemas);
    }
}

fn replacement_or_null<F: ToSchema>() -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .item(Ref::from_schema_name(ReplacementInput::<F>::name()))
        .description(Some(
            "What happened instead; null voids the event and never revives another.",
        ))
        .into()
}

/// A union of facts beside the fields that every event has.
fn with_fields(facts: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    AllOfBuilder::new()
        .item(facts)
        .item(EventFields::schema())
        .description(Some(description))
        .into()
}

/// `AssessmentFact` gives `AssessmentEventInput`.
fn named_after<F: ToSchema>(suffix: &str) -> Cow<'static, str> {
    Cow::Owned(format!("{}{suffix}", F::name().trim_end_matches("Fact")))
}

impl PartialSchema for TimelineFact {
    fn schema() -> RefOr<Schema> {
        union([
            AdviceFactInput::schema(),
            AssessmentFact::schema(),
            ReviewFact::schema(),
            PlanFact::schema(),
            ConsultationFact::schema(),
        ])
    }
}

impl ToSchema for TimelineFact {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AdviceFactInput::schemas(schemas);
        AssessmentFact::schemas(schemas);
        ReviewFact::schemas(schemas);
        PlanFact::schemas(schemas);
        ConsultationFact::schemas(schemas);
    }
}

/// One union of the branches of several, told apart by `type`; a type that several procedures have is the
/// same in all of them, and stands once. What only follows from other events is sent by nobody.
fn union<const N: usize>(parts: [RefOr<Schema>; N]) -> RefOr<Schema> {
    let following = EventType::all()
        .into_iter()
        .filter(|event_type| event_type.only_follows());
    let following: Vec<Value> = following.map(|event_type| event_type.name().into()).collect();
    let mut whole = OneOf::new();
    let mut tags: Vec<Value> = Vec::new();
    for part in parts {
        let RefOr::T(Schema::OneOf(branches)) = part else {
            continue;
        };
        for branch in branches.items {
            let tag = tag_of(&branch);
            if !tag
                .as_ref()
                .is_some_and(|tag| tags.contains(tag) || following.contains(tag))
            {
                tags.extend(tag);
                whole.items.push(branch);
            }
        }
    }
    whole.discriminator = Some(Discriminator::new("type"));
    RefOr::T(Schema::OneOf(whole))
}

/// The one value of `type` that a branch of a union stands for.
fn tag_of(branch: &RefOr<Schema>) -> Option<Value> {
    match branch {
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter().find_map(tag_of),
        RefOr::T(Schema::Object(object)) => match object.properties.get("type")? {
            RefOr::T(Schema::Object(tag)) => tag.enum_values.as_ref()?.first().cloned(),
            RefOr::T(_) | RefOr::Ref(_) => None,
        },
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

impl<F: ToSchema + ProcedureFact> From<EventInput<F>> for NewEvent {
    fn from(input: EventInput<F>) -> NewEvent {
        let EventInput { fields, fact } = input;
        match fact {
            RecordableFact::Own(fact) => NewEvent::Event(fields.given(GivenFact::Own(OwnFact::new(fact)))),
            RecordableFact::Correction(CorrectionFact::Correction(correction)) => {
                NewEvent::Correction(GivenCorrection {
                    occurred_on: fields.occurred_on,
                    reason: correction.reason,
                    note: fields.note,
                    changes: correction
                        .changes
                        .into_iter()
                        .map(|change| (change.supersedes, change.replacement.map(GivenEvent::from)))
                        .collect(),
                })
            }
        }
    }
}

impl<F: ToSchema + ProcedureFact> From<ReplacementInput<F>> for GivenEvent {
    fn from(input: ReplacementInput<F>) -> GivenEvent {
        input.fields.given(match input.fact {
            ReplacementFact::Own(fact) => GivenFact::Own(OwnFact::new(fact)),
            ReplacementFact::Advice(fact) => fact.into(),
        })
    }
}

impl<F: ToSchema + ProcedureFact> RequestBody for EventInput<F> {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        check_event(value, "", faults);
    }
}

impl TimelineEventInput {
    /// The event as the procedure understands it. Fails where the contract should have refused.
    pub fn given(self, kind: &ProcedureKind) -> Result<GivenEvent, Problem> {
        let TimelineEventInput {
            fields,
            fact: TimelineFact(fact),
        } = self;
        let is_advice = fact["type"].as_str().is_some_and(is_advice_type);
        let fact = Value::Object(fact);
        let unreadable = |error: serde_json::Error| {
            Problem::bug(format!(
                "an event of the contract cannot be read ({:?})",
                error.classify()
            ))
        };
        let fact = if is_advice {
            let advice: AdviceFactInput = serde_json::from_value(fact).map_err(unreadable)?;
            advice.into()
        } else {
            GivenFact::Own(kind.given(fact).map_err(unreadable)?)
        };
        Ok(fields.given(fact))
    }
}

/// Whether events of this type are acts on advice.
fn is_advice_type(name: &str) -> bool {
    [EventType::ADVICE_REQUESTED, EventType::ADVICE_SUBMITTED]
        .iter()
        .any(|event_type| event_type.name() == name)
}

/// The fault of an event whose type another procedure has.
pub fn check_type(kind: &ProcedureKind, event: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    let Some(name) = event["type"].as_str() else {
        return;
    };
    let is_own_of = |kind: &ProcedureKind| kind.event_types.iter().any(|own| own.name() == name);
    let is_known = is_advice_type(name) || PROCEDURES.into_iter().any(is_own_of);
    let fits = is_own_of(kind) || (is_advice_type(name) && kind.advice_for.is_some());
    if is_known && !fits {
        faults.push(Fault::new(
            format!("{pointer}/type"),
            "not_one_of",
            format!("must be an event of the procedure {}", kind.name),
        ));
    }
}

impl From<AdviceFactInput> for GivenFact {
    fn from(input: AdviceFactInput) -> GivenFact {
        match input {
            AdviceFactInput::AdviceRequested(fact) => GivenFact::AdviceRequested {
                requirement: fact.requirement,
                service: fact.service,
            },
            AdviceFactInput::AdviceSubmitted(fact) => GivenFact::AdviceSubmitted {
                requirement: fact.requirement,
                service: fact.service,
            },
        }
    }
}

/// The rules between the fields of an event that a schema cannot say, at a pointer into the body.
pub fn check_event(event: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    match event["type"].as_str() {
        Some("exception_claimed") => check_order(event, pointer, faults),
        Some("setting_replied") if event["reply"] == "cannot_meet" && event["ground"].as_str().is_none() => {
            faults.push(Fault::new(
                format!("{pointer}/ground"),
                "missing",
                "must say why need cannot be met",
            ));
        }
        Some("consultation_answered")
            if event["answer"] == "cannot_meet" && event["ground"].as_str().is_none() =>
        {
            faults.push(Fault::new(
                format!("{pointer}/ground"),
                "missing",
                "must say why need cannot be met",
            ));
        }
        Some("placement_started") if !names_one_setting(event, "setting_type") => faults.push(Fault::new(
            pointer.to_owned(),
            "one_of",
            "must name the setting by exactly one of organisation_id, urn and ukprn, or give its setting_type",
        )),
        Some("correction") => {
            let changes = event["changes"].as_array();
            for (index, change) in changes.into_iter().flatten().enumerate() {
                check_event(
                    &change["replacement"],
                    &format!("{pointer}/changes/{index}/replacement"),
                    faults,
                );
            }
        }
        Some(_) | None => {}
    }
}

/// Circumstances end on or after the day they begin, and a setting reopens after it closed.
pub fn check_order(claim: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    let day = |field: &str| {
        claim[field]
            .as_str()
            .and_then(|text| text.parse::<NaiveDate>().ok())
    };
    for (first, last) in [("from", "to"), ("closed_from", "reopens_on")] {
        if let (Some(first_on), Some(last_on)) = (day(first), day(last))
            && last_on < first_on
        {
            faults.push(Fault::new(
                format!("{pointer}/{last}"),
                "out_of_order",
                format!("must not be before `{first}`"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of the branch for a type, without what is said of them.
    fn fields(union: RefOr<Schema>, tag: &Value) -> Option<Value> {
        let RefOr::T(Schema::OneOf(branches)) = union else {
            panic!("facts are a union");
        };
        let branch = branches
            .items
            .iter()
            .find(|branch| tag_of(branch).as_ref() == Some(tag))?;
        let RefOr::T(Schema::AllOf(parts)) = branch else {
            panic!("a branch is a payload with its tag");
        };
        let RefOr::Ref(payload) = &parts.items[0] else {
            panic!("a payload has a name");
        };
        let name = payload.ref_location.rsplit('/').next().unwrap();
        let mut schemas = Vec::new();
        TimelineFact::schemas(&mut schemas);
        let (_, schema) = schemas.into_iter().find(|(known, _)| known == name).unwrap();
        let schema = serde_json::to_value(schema).unwrap();
        Some(serde_json::json!([schema["properties"], schema["required"]]))
    }

    #[test]
    fn a_type_that_several_procedures_have_has_the_same_fields_in_all() {
        let mut shared = Vec::new();
        for event_type in EventType::all() {
            let tag = Value::from(event_type.name());
            let forms = [
                fields(AssessmentFact::schema(), &tag),
                fields(ReviewFact::schema(), &tag),
                fields(PlanFact::schema(), &tag),
                fields(ConsultationFact::schema(), &tag),
            ];
            let forms: Vec<Value> = forms.into_iter().flatten().collect();
            assert!(
                forms.windows(2).all(|pair| pair[0] == pair[1]),
                "{tag}: {forms:#?}"
            );
            if forms.len() > 1 {
                shared.push(event_type.name());
            }
        }
        assert_eq!(
            shared,
            [
                "representations_received",
                "setting_consulted",
                "setting_replied",
                "place_awaited",
                "place_offered",
                "exception_claimed",
                "amended_plan_sent",
                "amendment_abandoned_notified"
            ]
        );
    }
}
